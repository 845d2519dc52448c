// The hexagons of a tile as they arrive (format HXG2, see layers/hexagons.py), and how they are painted.
(function () {
  "use strict";
  const hexacross = self.hexacross;
  const { worldX, worldY } = hexacross;

  const STATES = (hexacross.STATES = ["value", "zero", "unknown", "withheld", "protected"]);
  const MAGIC = 0x48584732; // HXG2
  const BATCH = 16; // hexagons a path: one path for all of a colour takes seven times as long
  const SEPARATE_FROM_PX = 7; // edge from which hexagons are set apart by a thin line of ground
  const HEXAGON_ALPHA = 0.92;
  const LAST_RESOLUTION = 15;
  const HIGH = 2 ** 32;
  const READERS = { code: readCode, recent: readRecent, whole: readWhole, float: readFloat };

  /** Decode a tile; throws a RangeError or SyntaxError when it is not one. `shapesOf(resolution)`: those already known. */
  hexacross.decode = function (buffer, shapesOf = () => new Map()) {
    const bytes = new Uint8Array(buffer);
    const view = new DataView(buffer);
    if (buffer.byteLength < 8 || view.getUint32(0) !== MAGIC) throw new RangeError("not HXG2");
    let offset = 8 + view.getUint32(4, true);
    const header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, offset)));
    const { count, resolution } = header;
    const columns = {};
    let cells = { words: new Uint32Array(0), numbers: new Float64Array(0) };
    for (const { name, kind, bytes: width, decimals } of header.columns) {
      if (offset + count * width > buffer.byteLength) throw new RangeError("cut short");
      const planes = Array.from({ length: width }, (_, place) => bytes.subarray(offset + place * count, offset + (place + 1) * count));
      offset += count * width;
      if (kind === "cell") cells = readCells(planes, header);
      else columns[name] = READERS[kind](planes, count, 10 ** decimals, header);
    }
    return new Hexagons({ resolution, count, columns, shapes: shapesOf(resolution), ...cells });
  };

  function numberAt(planes, i) {
    let value = 0;
    for (let place = planes.length - 1; place >= 0; place -= 1) value = value * 256 + planes[place][i];
    return value;
  }

  /** Low and high half of each cell: h3-js takes them so, and no number here exceeds 2^53. */
  function readCells(planes, { count, first, resolution }) {
    const unused = 2 ** (3 * (LAST_RESOLUTION - resolution));
    const words = new Uint32Array(2 * count);
    const numbers = new Float64Array(count);
    let number = first;
    for (let i = 0; i < count; i += 1) {
      number += numberAt(planes, i);
      numbers[i] = number;
      const digits = number * unused + unused - 1;
      words[2 * i] = digits % HIGH;
      words[2 * i + 1] = Math.floor(digits / HIGH) + resolution * 2 ** 20 + 2 ** 27;
    }
    return { words, numbers };
  }

  function readCode(planes, count) {
    return Uint32Array.from({ length: count }, (_, i) => numberAt(planes, i));
  }

  function readRecent(planes, count, parts, { places }) {
    const recent = [];
    return Uint32Array.from({ length: count }, (_, i) => {
      const rank = numberAt(planes, i);
      if (rank) recent.unshift(rank < recent.length ? recent.splice(rank, 1)[0] : places[recent.length]);
      else if (!recent.length) recent.push(places[0]);
      return recent[0];
    });
  }

  function readWhole(planes, count, parts) {
    const values = new Float64Array(count);
    for (let i = 0; i < count; i += 1) {
      const coded = numberAt(planes, i);
      values[i] = coded ? (coded - 1) / parts : NaN;
    }
    return values;
  }

  function readFloat(planes, count) {
    const bits = Uint32Array.from({ length: count }, (_, i) => numberAt(planes, i));
    return Float64Array.from(new Float32Array(bits.buffer));
  }

  /**
   * Hexagons of one resolution, sorted by cell. `x` and `y`, the world coordinates of their centres, are found if not
   * given. `shapes`: by number of the cell, to be shared with other tiles of the same place.
   */
  class Hexagons {
    constructor({ resolution, count, words, numbers, columns, x, y, shapes = new Map() }) {
      Object.assign(this, { resolution, count, words, numbers, columns, x, y, shapes });
      if (!x) this._project();
      this.edge = hexacross.edgeOf(resolution);
    }

    _project() {
      this.x = new Float64Array(this.count);
      this.y = new Float64Array(this.count);
      for (let i = 0; i < this.count; i += 1) {
        const shape = this.shape(i);
        this.x[i] = shape[0];
        this.y[i] = shape[1];
      }
    }

    cell(i) {
      return [this.words[2 * i], this.words[2 * i + 1]];
    }

    /** Position of a cell of this resolution, given as h3-js writes it, or -1. */
    find(index) {
      const digits = (parseInt(index.slice(0, -8), 16) % 2 ** 20) * HIGH + parseInt(index.slice(-8), 16);
      const number = Math.floor(digits / 2 ** (3 * (LAST_RESOLUTION - this.resolution)));
      let [low, high] = [0, this.count - 1];
      while (low <= high) {
        const middle = (low + high) >> 1;
        if (this.numbers[middle] < number) low = middle + 1;
        else if (this.numbers[middle] > number) high = middle - 1;
        else return middle;
      }
      return -1;
    }

    name(i) {
      return this.words[2 * i + 1].toString(16) + this.words[2 * i].toString(16).padStart(8, "0");
    }

    state(i) {
      return STATES[this.columns.state[i]];
    }

    /** Centre and corners of a hexagon, see `shapeOf`. */
    shape(i) {
      const number = this.numbers[i];
      let points = this.shapes.get(number);
      if (!points) this.shapes.set(number, (points = hexacross.shapeOf(this.cell(i))));
      return points;
    }

    /** Positions by what they look like: one list for each class, then one for each state without a value. */
    grouped(limits) {
      if (this._limits === limits) return this._groups;
      const classes = Array.from({ length: limits.length + 1 }, () => []);
      const states = { zero: [], unknown: [], withheld: [], protected: [] };
      for (let i = 0; i < this.count; i += 1) {
        const state = this.state(i);
        if (state === "value") classes[hexacross.classOf(this.columns.values[i], limits)].push(i);
        else states[state].push(i);
      }
      Object.assign(this, { _limits: limits, _groups: { classes, states } });
      return this._groups;
    }

    /** Paint what the frame sees, in the colours of a look (see `lookOf`). */
    paint(frame, look) {
      const groups = this.grouped(look.limits);
      const edge = this.edge * frame.scale; // pixels, on the equator; more toward the poles
      const reach = 3 * this.edge;
      const sight = { west: frame.west - reach, east: frame.east + reach, north: frame.north - reach, south: frame.south + reach };
      frame.context.lineJoin = "round";
      for (const [state, members] of Object.entries(groups.states)) this._paintState(frame, members, sight, state, look.colours, edge);
      if (edge >= SEPARATE_FROM_PX) look.fills.forEach((colour, at) => this._paintClass(frame, groups.classes[at], sight, colour, look.colours));
      else this._fillClasses(frame, groups.classes, sight, look.fills);
    }

    /** Small ones, of which there are many, side by side: their outlines would take most of the time. */
    _fillClasses(frame, classes, { west, east, north, south }, fills) {
      const inSight = (i) => this.x[i] >= west && this.x[i] <= east && this.y[i] >= north && this.y[i] <= south;
      const filled = fills.map((colour, at) => [colour, classes[at].filter(inSight).map((i) => this.shape(i))]);
      hexacross.fillCovered(frame, filled, HEXAGON_ALPHA);
    }

    _paintClass(frame, members, sight, colour, colours) {
      const { context } = frame;
      context.fillStyle = colour;
      context.strokeStyle = colours.land;
      context.lineWidth = 1;
      context.globalAlpha = HEXAGON_ALPHA;
      this._batches(frame, members, sight, () => {
        context.fill();
        context.stroke();
      });
      context.globalAlpha = 1;
    }

    _paintState(frame, members, sight, state, colours, edge) {
      const { context } = frame;
      if (!members.length) return;
      if (state !== "zero") context.fillStyle = hexacross.pattern(context, state, colours);
      context.strokeStyle = colours.zero;
      context.lineWidth = Math.max(0.6, Math.min(0.6 * hexacross.stroke(), 0.06 * edge)); // of small ones, not a hatching
      this._batches(frame, members, sight, () => {
        if (state !== "zero") context.fill();
        context.stroke();
      });
    }

    _batches(frame, members, { west, east, north, south }, finish) {
      const { context } = frame;
      let waiting = 0;
      for (const i of members) {
        const x = this.x[i];
        const y = this.y[i];
        if (x < west || x > east || y < north || y > south) continue;
        if (!waiting) context.beginPath();
        hexacross.trace(frame, this.shape(i));
        waiting += 1;
        if (waiting === BATCH) {
          finish();
          waiting = 0;
        }
      }
      if (waiting) finish();
    }
  }
  hexacross.Hexagons = Hexagons;

  /** Length of an edge, in world units on the equator, with room for H3's larger hexagons. */
  hexacross.edgeOf = (resolution) => (h3.getHexagonEdgeLengthAvg(resolution, "km") / 40075) * 1.25;

  /** Centre and corners of a cell in world coordinates: x, y, x, y… */
  hexacross.shapeOf = function (cell) {
    const places = [h3.cellToLatLng(cell), ...h3.cellToBoundary(cell)];
    const middle = worldX(places[0][1]);
    const points = new Float64Array(2 * places.length);
    places.forEach(([lat, lng], at) => {
      const x = worldX(lng);
      points[2 * at] = x - Math.round(x - middle); // a corner beyond the antimeridian stays beside the centre
      points[2 * at + 1] = worldY(lat);
    });
    return points;
  };

  /** The corners of a shape as a path. */
  hexacross.trace = function (frame, points) {
    const { context } = frame;
    context.moveTo(frame.x(points[2]), frame.y(points[3]));
    for (let at = 4; at < points.length; at += 2) context.lineTo(frame.x(points[at]), frame.y(points[at + 1]));
    context.closePath();
  };

  /**
   * How hexagons look: `limits` between the classes (float32, as the values came), `fills` of the classes. A resolution
   * without classes shows what values there are in one colour.
   */
  hexacross.lookOf = function (classes, colours) {
    const dark = colours.name === "dark";
    const limits = Float32Array.from(classes.slice(1).map(({ low }) => low));
    const fills = classes.length ? classes.map((spec) => (dark ? spec.colour_dark : spec.colour)) : [colours.accent];
    return { limits, fills, colours };
  };

  /** The class of a value: how many limits it has reached. */
  hexacross.classOf = function (value, limits) {
    const number = Math.fround(value);
    let at = 0;
    while (at < limits.length && number >= limits[at]) at += 1;
    return at;
  };

  const patterns = new Map();
  const TILE = 6; // CSS pixels

  /** Fill for a state without a value: hatching, dots or cross-hatching, sharp at the screen's pixel ratio. */
  hexacross.pattern = function (context, state, colours, ratio = hexacross.pixelRatio()) {
    const key = `${state} ${colours.name} ${ratio} ${hexacross.stroke()}`;
    if (!patterns.has(key)) patterns.set(key, drawTile(state, colours, ratio * hexacross.stroke()));
    const pattern = context.createPattern(patterns.get(key), "repeat");
    pattern.setTransform(new DOMMatrix().scale(1 / ratio));
    return pattern;
  };

  hexacross.pixelRatio = () => hexacross.ratio || self.devicePixelRatio || 1; // a worker is told the page's

  /** Pixels of a pattern's lines: on a wall, those of the thinnest line that a room sees; a worker is told the page's. */
  hexacross.stroke = () => hexacross.leastLine || 1;

  function drawTile(state, colours, ratio) {
    const side = Math.round(TILE * ratio);
    const tile = new OffscreenCanvas(side, side);
    const context = tile.getContext("2d");
    context.scale(side / TILE, side / TILE);
    context.fillStyle = colours.patternGround;
    context.fillRect(0, 0, TILE, TILE);
    context.strokeStyle = context.fillStyle = colours.pattern;
    context.lineWidth = 1;
    if (state === "withheld") {
      context.beginPath();
      for (const [x, y] of [[1.5, 1.5], [4.5, 4.5]]) {
        context.moveTo(x + 1, y);
        context.arc(x, y, 1, 0, 2 * Math.PI);
      }
      context.fill();
      return tile;
    }
    context.beginPath();
    for (const shift of [-TILE, 0, TILE]) {
      context.moveTo(shift - 1, TILE + 1);
      context.lineTo(shift + TILE + 1, -1);
      if (state === "protected") {
        context.moveTo(shift - 1, -1);
        context.lineTo(shift + TILE + 1, TILE + 1);
      }
    }
    context.stroke();
    return tile;
  }
})();
