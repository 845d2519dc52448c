// The quiet basemap: land, borders and names, from the JSON files that layers/basemap.py writes.
(function () {
  "use strict";
  const hexacross = L.hexacross;
  const { worldX, worldY } = hexacross;

  const FRANCE_FROM_ZOOM = [0, 6.5, 8.5]; // from which zoom each level of detail serves
  const COMMUNES_FROM_ZOOM = 10;
  const ALL_NAMES_FROM_ZOOM = 11.5;
  const COUNTRIES_UNTIL_ZOOM = 8;
  // From a zoom on, towns with at least so many inhabitants are named; seats of départements come one step earlier.
  const TOWN_STEPS = [[5, 400000], [6, 150000], [7, 60000], [8, 25000], [9, 10000], [10, 4000], [11, 2000]];
  const FONT = '"Source Sans", "Source Sans 3", "Source Sans Pro", system-ui, "Segoe UI", sans-serif';

  /** x, y, then differences, in integers → world coordinates and their box. */
  function decodeLine(flat, scale) {
    const points = new Float64Array(flat.length);
    const box = [Infinity, Infinity, -Infinity, -Infinity];
    let lng = 0;
    let lat = 0;
    for (let i = 0; i < flat.length; i += 2) {
      lng += flat[i];
      lat += flat[i + 1];
      const x = (points[i] = worldX(lng / scale));
      const y = (points[i + 1] = worldY(lat / scale));
      if (x < box[0]) box[0] = x;
      if (x > box[2]) box[2] = x;
      if (y < box[1]) box[1] = y;
      if (y > box[3]) box[3] = y;
    }
    return { points, box };
  }

  function around(lines) {
    const box = [Infinity, Infinity, -Infinity, -Infinity];
    for (const line of lines) {
      for (const i of [0, 1]) box[i] = Math.min(box[i], line.box[i]);
      for (const i of [2, 3]) box[i] = Math.max(box[i], line.box[i]);
    }
    return box;
  }

  function decodeFile(file) {
    const lines = {};
    for (const [rank, all] of Object.entries(file.lines || {})) lines[rank] = all.map((flat) => decodeLine(flat, file.scale));
    const shapes = (file.shapes || []).map(({ code, rings }) => {
      const decoded = rings.map((flat) => decodeLine(flat, file.scale));
      return { code, rings: decoded, box: around(decoded) };
    });
    const names = (file.names || []).map(([name, lng, lat, weight]) => ({ name, x: worldX(lng), y: worldY(lat), weight }));
    return { lines, shapes, names };
  }

  function trace(frame, { points }) {
    const { context } = frame;
    context.moveTo(frame.x(points[0]), frame.y(points[1]));
    for (let i = 2; i < points.length; i += 2) context.lineTo(frame.x(points[i]), frame.y(points[i + 1]));
  }

  hexacross.Basemap = class {
    /** `changed` is called when a file has arrived; `failed` once when the basemap is not there. */
    constructor(folder, colours, changed, failed) {
      Object.assign(this, { folder, colours, changed, failed });
      this.files = new Map(); // name → decoded file, or null while it is on its way
      this.names = { countries: [], regions: [], towns: [] };
      this.showBorders = true;
      this.showNames = true;
      this.english = false;
      this._read("world.json");
      this._read("france-0.json");
      this._fetch("names.json").then((names) => {
        if (!names) return;
        for (const [kind, rows] of Object.entries(names)) {
          this.names[kind] = rows.map(([name, lng, lat, weight, more]) => ({ name, x: worldX(lng), y: worldY(lat), weight, more }));
        }
        this.changed();
      });
    }

    async _fetch(name) {
      try {
        const answer = await fetch(`${this.folder}/${name}`);
        if (answer.ok) return await answer.json();
      } catch (error) {
        if (!(error instanceof TypeError || error instanceof SyntaxError)) throw error; // unreachable, or no JSON
      }
      this.failed(name);
      return null;
    }

    /** A decoded file, or undefined until it has come. */
    _read(name) {
      if (!this.files.has(name)) {
        this.files.set(name, null);
        this._fetch(name).then((file) => {
          if (!file) return;
          this.files.set(name, decodeFile(file));
          this.changed();
        });
      }
      return this.files.get(name) || undefined;
    }

    /** France at the level for this zoom; a coarser or finer one while that is on its way. */
    _france(zoom) {
      let level = FRANCE_FROM_ZOOM.length - 1;
      while (level > 0 && zoom < FRANCE_FROM_ZOOM[level]) level -= 1;
      return this._read(`france-${level}.json`) || [...FRANCE_FROM_ZOOM.keys()].map((i) => this.files.get(`france-${i}.json`)).find(Boolean);
    }

    paintGround(frame) {
      const { context } = frame;
      const { colours } = this;
      context.fillStyle = colours.water;
      context.fillRect(frame.left, frame.top, frame.width, frame.height);
      const world = this._read("world.json");
      const france = this._france(frame.zoom);
      context.lineJoin = "round";
      if (world) this._fill(frame, world.shapes, colours.abroad);
      if (france) this._fill(frame, france.shapes, colours.land);
      if (world) this._stroke(frame, world.lines.coast, colours.coast, 0.6);
      if (!this.showBorders) return;
      const communes = frame.zoom >= COMMUNES_FROM_ZOOM && france ? this._near(frame, france) : [];
      for (const file of communes) this._stroke(frame, file.lines.commune, colours.borderFaint, 1);
      if (france) {
        this._stroke(frame, france.lines.departement, colours.borderMinor, frame.zoom < 7 ? 0.5 : 0.9);
        this._stroke(frame, france.lines.region, colours.border, frame.zoom < 7 ? 0.7 : 1.1);
        this._stroke(frame, france.lines.coast, colours.coast, 0.8);
      }
      if (world) this._stroke(frame, world.lines.country, colours.border, 0.8);
      if (france) this._stroke(frame, france.lines.country, colours.border, 1.1);
    }

    /** Borders again, thin, above the hexagons: they say where one is without hiding what is there. */
    paintOver(frame) {
      const france = this._france(frame.zoom);
      if (!france || !this.showBorders) return;
      const { context } = frame;
      context.globalAlpha = 0.55;
      this._stroke(frame, france.lines.departement, this.colours.halo, 0.8);
      this._stroke(frame, france.lines.region, this.colours.halo, 1.2);
      context.globalAlpha = 1;
    }

    _near(frame, france) {
      const near = france.shapes.filter(({ box }) => frame.sees(box));
      return near.map(({ code }) => this._read(`communes/${code}.json`)).filter(Boolean);
    }

    _fill(frame, shapes, colour) {
      const { context } = frame;
      context.beginPath();
      for (const { rings, box } of shapes) {
        if (!frame.sees(box)) continue;
        for (const ring of rings) if (frame.sees(ring.box)) trace(frame, ring);
      }
      context.fillStyle = colour;
      context.fill("evenodd");
      context.strokeStyle = colour; // closes the hair-wide gaps between neighbours
      context.lineWidth = 0.7;
      context.stroke();
    }

    _stroke(frame, lines, colour, width) {
      if (!lines) return;
      const { context } = frame;
      context.beginPath();
      for (const line of lines) if (frame.sees(line.box)) trace(frame, line);
      context.strokeStyle = colour;
      context.lineWidth = width;
      context.stroke();
    }

    /** Names, most important first, each where it fits. `taken` holds the rectangles already used. */
    paintNames(frame, taken) {
      if (!this.showNames) return;
      const { zoom } = frame;
      const { colours } = this;
      const write = (name, x, y, style) => this._write(frame, name, x, y, style, taken);
      const countryStyle = { font: `500 ${zoom < 5 ? 11 : 12}px ${FONT}`, colour: colours.labelMinor, spacing: "1.5px" };
      if (zoom <= COUNTRIES_UNTIL_ZOOM) {
        for (const { name, x, y, weight, more } of this.names.countries) {
          if (weight * 4 ** (zoom - 5) < 12) break;
          write((this.english ? more : name).toUpperCase(), x, y, countryStyle);
        }
      }
      for (const town of this._towns(frame)) {
        const large = town.weight >= 200000 || (town.more && zoom >= 8);
        const size = zoom >= 11 && town.weight < 20000 ? 11 : large ? 13 : 12;
        const style = { font: `${large ? 600 : 400} ${size}px ${FONT}`, colour: large ? colours.label : colours.labelMinor, dot: zoom < 11 };
        write(town.name, town.x, town.y, style);
      }
    }

    _towns(frame) {
      const { zoom } = frame;
      const fewest = (at) => TOWN_STEPS.filter(([from]) => at >= from).reduce((_, [, people]) => people, Infinity);
      const ordinary = fewest(zoom);
      const seats = fewest(zoom + 1);
      const inSight = ({ x, y }) => x > frame.west && x < frame.east && y > frame.north && y < frame.south;
      const towns = this.names.towns.filter((town) => town.weight >= (town.more ? seats : ordinary) && inSight(town));
      towns.sort((one, other) => other.weight - one.weight);
      const france = this._france(zoom);
      if (zoom < ALL_NAMES_FROM_ZOOM || !france) return towns;
      const known = new Set(towns.map(({ name }) => name));
      const villages = this._near(frame, france).flatMap(({ names }) => names.filter((village) => inSight(village) && !known.has(village.name)));
      return towns.concat(villages.sort((one, other) => other.weight - one.weight));
    }

    _write(frame, name, worldX, worldY, { font, colour, spacing, dot }, taken) {
      const { context } = frame;
      context.font = font;
      context.letterSpacing = spacing || "0px";
      const width = context.measureText(name).width;
      const x = Math.round(frame.x(worldX));
      const y = Math.round(frame.y(worldY));
      // Beside the point, or a little further: a seat's square may stand on it.
      const places = dot ? [x + 5, x + 9, x - 5 - width, x - 9 - width] : [Math.round(x - width / 2)];
      for (const left of places) {
        const box = [left - 3, y - 8, left + width + 3, y + 8];
        if (taken.some((other) => box[0] < other[2] && box[2] > other[0] && box[1] < other[3] && box[3] > other[1])) continue;
        taken.push(box);
        if (dot) taken.push([x - 3, y - 3, x + 3, y + 3]);
        this._halo(context, name, left, y, colour);
        if (dot) this._dot(context, x, y, colour);
        break;
      }
      context.letterSpacing = "0px";
    }

    _halo(context, name, x, y, colour) {
      context.textAlign = "left";
      context.textBaseline = "middle";
      context.lineJoin = "round";
      context.strokeStyle = this.colours.halo;
      context.lineWidth = 3.5;
      context.globalAlpha = 0.9;
      context.strokeText(name, x, y);
      context.globalAlpha = 1;
      context.fillStyle = colour;
      context.fillText(name, x, y);
    }

    _dot(context, x, y, colour) {
      context.beginPath();
      context.arc(x, y, 2, 0, 2 * Math.PI);
      context.fillStyle = colour;
      context.strokeStyle = this.colours.halo;
      context.lineWidth = 1.5;
      context.stroke();
      context.fill();
    }
  };
})();
