// Hexagons as they arrive (format HXG1, see layers/hexagons.py) and how they are painted.
(function () {
  "use strict";
  const hexacross = L.hexacross;
  const { worldX, worldY } = hexacross;

  const STATES = (hexacross.STATES = ["value", "zero", "unknown", "withheld", "protected"]);
  const BATCH = 16; // hexagons a path: one path for all of a colour takes seven times as long
  const SEPARATE_FROM_PX = 7; // edge from which hexagons are set apart by a thin line of ground
  const HEXAGON_ALPHA = 0.9;
  const ARRAYS = {
    int8: Int8Array, uint8: Uint8Array, int16: Int16Array, uint16: Uint16Array, int32: Int32Array, uint32: Uint32Array,
    float32: Float32Array, float64: Float64Array,
    int64: class extends Uint32Array { constructor(buffer, offset, length) { super(buffer, offset, 2 * length); } }, // low, high
  };

  /** Decode a payload; throws a RangeError or SyntaxError when it is not one. */
  hexacross.decode = function (buffer) {
    const bytes = new DataView(buffer);
    if (buffer.byteLength < 8 || bytes.getUint32(0) !== 0x48584731) throw new RangeError("not HXG1");
    let offset = 8 + bytes.getUint32(4, true);
    const header = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 8, offset - 8)));
    const columns = {};
    for (const { name, dtype, length } of header.columns) {
      columns[name] = new ARRAYS[dtype](buffer, offset, length);
      offset += columns[name].byteLength;
      offset += (8 - (offset % 8)) % 8;
    }
    return new Hexagons(header, columns);
  };

  class Hexagons {
    constructor(header, columns) {
      this.header = header;
      this.columns = columns;
      this.count = columns.state.length;
      this.words = columns.cell;
      this.boundaries = new Array(this.count);
      this.x = new Float64Array(this.count);
      this.y = new Float64Array(this.count);
      for (let i = 0; i < this.count; i += 1) {
        const [lat, lng] = h3.cellToLatLng(this.cell(i));
        this.x[i] = worldX(lng);
        this.y[i] = worldY(lat);
      }
      this.groups = this._grouped();
      this.edge = (h3.getHexagonEdgeLengthAvg(header.resolution, "km") / 40075) * 1.25; // world units on the equator
    }

    cell(i) {
      return [this.words[2 * i], this.words[2 * i + 1]];
    }

    /** Position of a cell given as h3-js writes it, or -1. */
    find(index) {
      if (!this.positions) {
        this.positions = new Map();
        for (let i = 0; i < this.count; i += 1) this.positions.set(this.name(i), i);
      }
      const found = this.positions.get(index);
      return found === undefined ? -1 : found;
    }

    name(i) {
      return this.words[2 * i + 1].toString(16) + this.words[2 * i].toString(16).padStart(8, "0");
    }

    state(i) {
      return STATES[this.columns.state[i]];
    }

    boundary(i) {
      if (!this.boundaries[i]) {
        const corners = h3.cellToBoundary(this.cell(i));
        const points = new Float64Array(2 * corners.length);
        corners.forEach(([lat, lng], at) => {
          points[2 * at] = worldX(lng);
          points[2 * at + 1] = worldY(lat);
        });
        this.boundaries[i] = points;
      }
      return this.boundaries[i];
    }

    /** Positions by what they look like: one list for each class, then one for each state without a value. */
    _grouped() {
      const classes = this.header.classes.map(() => []);
      const states = { zero: [], unknown: [], withheld: [], protected: [] };
      for (let i = 0; i < this.count; i += 1) {
        const state = this.state(i);
        if (state === "value") classes[this.columns.class[i]].push(i);
        else states[state].push(i);
      }
      return { classes, states };
    }

    /** Paint what the frame sees; returns the number of hexagons painted. */
    paint(frame, colours) {
      const dark = colours.name === "dark";
      const edge = this.edge * frame.scale; // pixels, on the equator; more toward the poles
      const reach = (3 * this.edge) || 0;
      const sight = { west: frame.west - reach, east: frame.east + reach, north: frame.north - reach, south: frame.south + reach };
      let painted = 0;
      frame.context.lineJoin = "round";
      for (const [state, members] of Object.entries(this.groups.states)) {
        painted += this._paintState(frame, members, sight, state, colours);
      }
      this.header.classes.forEach((spec, at) => {
        const colour = dark ? spec.colour_dark : spec.colour;
        painted += this._paintClass(frame, this.groups.classes[at], sight, colour, edge, colours);
      });
      return painted;
    }

    _paintClass(frame, members, sight, colour, edge, colours) {
      const { context } = frame;
      context.fillStyle = colour;
      const apart = edge >= SEPARATE_FROM_PX;
      context.strokeStyle = apart ? colours.land : colour;
      context.lineWidth = apart ? 1 : 0.5;
      context.globalAlpha = HEXAGON_ALPHA;
      const painted = this._batches(frame, members, sight, () => {
        context.fill();
        context.stroke();
      });
      context.globalAlpha = 1;
      return painted;
    }

    _paintState(frame, members, sight, state, colours) {
      const { context } = frame;
      if (!members.length) return 0;
      if (state !== "zero") context.fillStyle = hexacross.pattern(context, state, colours);
      context.strokeStyle = colours.zero;
      context.lineWidth = 0.6;
      return this._batches(frame, members, sight, () => {
        if (state !== "zero") context.fill();
        context.stroke();
      });
    }

    _batches(frame, members, { west, east, north, south }, finish) {
      const { context } = frame;
      let waiting = 0;
      let painted = 0;
      for (const i of members) {
        const x = this.x[i];
        const y = this.y[i];
        if (x < west || x > east || y < north || y > south) continue;
        if (!waiting) context.beginPath();
        this.trace(frame, i);
        painted += 1;
        waiting += 1;
        if (waiting === BATCH) {
          finish();
          waiting = 0;
        }
      }
      if (waiting) finish();
      return painted;
    }

    trace(frame, i) {
      const { context } = frame;
      const points = this.boundary(i);
      context.moveTo(frame.x(points[0]), frame.y(points[1]));
      for (let at = 2; at < points.length; at += 2) context.lineTo(frame.x(points[at]), frame.y(points[at + 1]));
      context.closePath();
    }
  }

  const patterns = new Map();
  const TILE = 6; // CSS pixels

  /** Fill for a state without a value: hatching, dots or cross-hatching, sharp at the screen's pixel ratio. */
  hexacross.pattern = function (context, state, colours) {
    const ratio = window.devicePixelRatio || 1;
    const key = `${state} ${colours.name} ${ratio}`;
    if (!patterns.has(key)) patterns.set(key, drawTile(state, colours, ratio));
    const pattern = context.createPattern(patterns.get(key), "repeat");
    pattern.setTransform(new DOMMatrix().scale(1 / ratio));
    return pattern;
  };

  function drawTile(state, colours, ratio) {
    const tile = document.createElement("canvas");
    tile.width = tile.height = Math.round(TILE * ratio);
    const context = tile.getContext("2d");
    context.scale(tile.width / TILE, tile.width / TILE);
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
