// The tiles of one view: which are in sight, what they hold, their pictures. Workers fetch and paint them.
(function () {
  "use strict";
  const hexacross = L.hexacross;
  const { worldX, worldY } = hexacross;

  const FOLDER = document.currentScript.src.replace(/[^/]*$/, "");
  const TILE_PX = 512;
  const WORKERS = (navigator.hardwareConcurrency || 4) > 2 ? 2 : 1; // one core is left to the page, and to what shows it
  const MOST_KEPT = 96; // tiles that are out of sight
  const CHANGE_EDGE_KM = 10; // of the coarse cells that a change names

  const meet = (one, other) => one[0] < other[2] && one[2] > other[0] && one[1] < other[3] && one[3] > other[1];

  /** Workers shared by all views of the map; each tile always goes to the same one, which keeps what it has decoded. */
  hexacross.TileWorkers = class {
    constructor() {
      this._owners = new Map(); // number of a set → set
      this._sets = 0;
      this._workers = Array.from({ length: WORKERS }, () => {
        const worker = new Worker(`${FOLDER}tile_worker.js`);
        worker.onmessage = ({ data }) => this._hear(data);
        return worker;
      });
    }

    adopt(set) {
      this._sets += 1;
      this._owners.set(this._sets, set);
      return this._sets;
    }

    forget(number) {
      this._owners.delete(number);
    }

    send(number, key, message) {
      const [, x, y] = key.split("/").map(Number);
      this._workers[(x + y) % WORKERS].postMessage({ ...message, id: `${number} ${key}` });
    }

    _hear(message) {
      const [number, key] = message.id.split(" ");
      const set = this._owners.get(Number(number));
      if (set) set._hear(key, message);
      else if (message.bitmap) message.bitmap.close();
    }

    /** Something changed: what workers keep answers no new request. */
    age() {
      for (const worker of this._workers) worker.postMessage({ task: "age", id: "" });
    }

    stop() {
      for (const worker of this._workers) worker.terminate();
    }
  };

  /**
   * `url`: where tiles are; `address`: the key of the view, sent with every request. `extent(z)`: the box in world
   * coordinates outside of which no tile of that zoom holds anything, or null. `changed({ painted, inset })` is
   * called when something has come: `painted`, what is drawn is another; `inset`, a small map shows it. `failed(fault)` when
   * a tile could not be had, `arrived(hexagons, before)` for what was fetched again.
   */
  hexacross.TileSet = class {
    constructor(workers, { url, address, extent, changed, failed, arrived }) {
      Object.assign(this, { workers, url, address, extent, changed, failed, arrived });
      this.entries = new Map(); // "z/x/y" → { box, hexagons, picture, … }, the latest used last
      this.number = workers.adopt(this);
      this.painted = 0;
      this.insets = new Set(); // keys of the tiles that small maps show
    }

    /** Ask for the tiles of zoom `z` in the frame of a small map, which stay; returns its keys. */
    wantInset(frame, z) {
      const keys = hexacross.TileSet.inSight(frame, z);
      for (const key of keys) {
        this.insets.add(key);
        this._want(key);
      }
      return keys;
    }

    close() {
      this.workers.forget(this.number);
      for (const key of this.entries.keys()) this._forget(key);
    }

    static zoomOf(frame, [nearest, furthest]) {
      return Math.min(furthest, Math.max(nearest, Math.round(frame.zoom))) - Math.log2(TILE_PX / 256);
    }

    /** Addresses of the tiles of zoom `z` that the frame sees, those in the middle first. */
    static inSight(frame, z) {
      const size = 2 ** z;
      const clamp = (value) => Math.min(size - 1, Math.max(0, Math.floor(value * size)));
      const middle = [((frame.west + frame.east) / 2) * size - 0.5, ((frame.north + frame.south) / 2) * size - 0.5];
      const keys = [];
      for (let x = clamp(frame.west); x <= clamp(frame.east); x += 1) {
        for (let y = clamp(frame.north); y <= clamp(frame.south); y += 1) {
          keys.push({ key: `${z}/${x}/${y}`, distance: Math.hypot(x - middle[0], y - middle[1]) });
        }
      }
      return keys.sort((one, other) => one.distance - other.distance).map(({ key }) => key);
    }

    static boxOf(key) {
      const [z, x, y] = key.split("/").map(Number);
      const size = 2 ** z;
      return [x / size, y / size, (x + 1) / size, (y + 1) / size];
    }

    /** Those of zoom `z` in the frame that can hold something. */
    keysIn(frame, z) {
      const extent = this.extent(z);
      return hexacross.TileSet.inSight(frame, z).filter((key) => !extent || meet(extent, hexacross.TileSet.boxOf(key)));
    }

    /** Ask for the tiles of zoom `z` in the frame that are not there, or out of date; returns all that can hold something. */
    want(frame, z) {
      const keys = this.keysIn(frame, z);
      for (const key of keys) this._want(key);
      this._tidy(new Set(keys));
      return keys;
    }

    _want(key) {
      const entry = this.entries.get(key) || { box: hexacross.TileSet.boxOf(key), hexagons: null, picture: null, asked: false, stale: false };
      this.entries.delete(key);
      this.entries.set(key, entry);
      if (entry.asked || entry.failed || (entry.hexagons && !entry.stale)) return;
      const message = { task: "load", url: `${this.url}/${key}?${this.address}`, again: entry.stale };
      Object.assign(entry, { asked: true, stale: false, url: message.url });
      this.workers.send(this.number, key, message);
    }

    _tidy(wanted) {
      for (const [key, entry] of this.entries) {
        if (wanted.has(key)) continue;
        if (this.insets.has(key)) continue;
        if (entry.asked || this.entries.size > MOST_KEPT + wanted.size) this._forget(key);
      }
    }

    _forget(key) {
      const entry = this.entries.get(key);
      if (entry.asked) this.workers.send(this.number, key, { task: "drop" });
      this._discard(entry);
      this.entries.delete(key);
    }

    _discard(entry) {
      if (entry.picture) entry.picture.bitmap.close();
      entry.picture = null;
    }

    /** Whether tiles in sight are being fetched, or have to be. */
    isWaiting(keys) {
      return keys.some((key) => {
        const entry = this.entries.get(key);
        return !entry || entry.asked || entry.stale;
      });
    }

    /** What changed: tiles that it touches are fetched again when next in sight. Cells: hexadecimal, as changes name them. */
    touch({ everything, cells }) {
      const places = everything ? null : cells.map((cell) => h3.cellToLatLng(cell)).map(([lat, lng]) => [worldX(lng), worldY(lat), CHANGE_EDGE_KM / 40075 / Math.cos((lat * Math.PI) / 180)]);
      for (const [key, entry] of this.entries) {
        const [west, north, east, south] = entry.box;
        const beyond = (east - west) / 4;
        const near = ([x, y, reach]) => x > west - beyond - reach && x < east + beyond + reach && y > north - beyond - reach && y < south + beyond + reach;
        if (!places || places.some(near)) Object.assign(this.entries.get(key), { stale: true, again: entry.asked });
      }
    }

    /** Ask again for what failed. */
    retry() {
      for (const entry of this.entries.values()) entry.failed = false;
    }

    _hear(key, message) {
      const entry = this.entries.get(key);
      if (!entry) {
        if (message.bitmap) message.bitmap.close();
        return;
      }
      const loaded = message.task === "loaded";
      if (loaded) this._loaded(entry, message);
      else if (message.task === "painted") this._painted(entry, message);
      else if (message.task === "lost") Object.assign(entry, { hexagons: null, asked: false, painting: null });
      else {
        Object.assign(entry, { asked: false, failed: true });
        this.failed(message.fault);
        return;
      }
      const empty = loaded && !entry.hexagons.count; // has no picture that would come later
      this.changed({ painted: message.task === "painted" || empty, inset: loaded && this.insets.has(key) });
    }

    _loaded(entry, message) {
      const before = entry.hexagons;
      entry.hexagons = new hexacross.Hexagons(message);
      Object.assign(entry, { asked: false, outdated: true, painting: null });
      if (entry.again) entry.stale = true; // touched once more while it was on its way
      entry.again = false;
      if (!entry.hexagons.count) this._discard(entry);
      if (before) this.arrived(entry.hexagons, before);
    }

    _painted(entry, { bitmap, number, left, top, width, height, scale, look }) {
      if (number !== entry.painting) return bitmap.close();
      this._discard(entry);
      Object.assign(entry, { painting: null, outdated: false, picture: { bitmap, left, top, width, height, scale, look: entry.look, stroke: entry.stroke } });
    }

    /** Whether all these tiles are there, painted for this frame and look. */
    isComplete(keys, frame, look) {
      return keys.every((key) => this._isSharp(this.entries.get(key), frame, look));
    }

    _isSharp(entry, frame, look) {
      if (!entry || !entry.hexagons) return false;
      if (!entry.hexagons.count) return true;
      const { picture } = entry;
      return Boolean(picture && !entry.outdated && picture.scale === frame.scale && picture.look === look && picture.stroke === hexacross.stroke());
    }

    /** Have the pictures painted that are missing or not sharp in this frame. */
    prepare(keys, frame, look) {
      for (const key of keys) {
        const entry = this.entries.get(key);
        if (!entry || !entry.hexagons || !entry.hexagons.count || this._isSharp(entry, frame, look)) continue;
        const wanted = `${frame.scale} ${look.number} ${hexacross.stroke()}`;
        if (entry.painting && entry.paintingFor === wanted) continue;
        this.painted += 1;
        Object.assign(entry, { painting: this.painted, paintingFor: wanted, look, stroke: hexacross.stroke() });
        const { limits, fills, colours } = look;
        this.workers.send(this.number, key, {
          task: "paint", url: entry.url, number: this.painted, box: entry.box, scale: frame.scale, ratio: window.devicePixelRatio || 1, leastLine: hexacross.leastLine, look: { limits, fills, colours },
        });
      }
    }

    /** Draw what there is of these tiles; where one is missing, what is known of its place at other zooms. */
    draw(keys, frame) {
      for (const key of keys) {
        const entry = this.entries.get(key);
        if (entry && entry.picture) this._drawPicture(frame, entry.picture);
        else if (!entry || !entry.hexagons) this._drawInstead(frame, key);
      }
    }

    _drawPicture(frame, { bitmap, left, top, width, height, scale }) {
      const ratio = frame.scale / scale;
      frame.context.drawImage(bitmap, left * ratio - frame.originX, top * ratio - frame.originY, width * ratio, height * ratio);
    }

    _drawInstead(frame, key) {
      const [west, north, east, south] = hexacross.TileSet.boxOf(key);
      const over = [...this.entries.values()].filter(({ box, picture }) => picture && meet(box, [west, north, east, south]));
      if (!over.length) return;
      const zoomed = (entry) => Math.abs(Math.log2(entry.picture.scale / frame.scale));
      const nearest = Math.min(...over.map(zoomed));
      const { context } = frame;
      context.save();
      context.beginPath();
      context.rect(frame.x(west), frame.y(north), (east - west) * frame.scale, (south - north) * frame.scale);
      context.clip();
      for (const entry of over) if (Math.abs(zoomed(entry) - nearest) < 0.01) this._drawPicture(frame, entry.picture);
      context.restore();
    }

    /** Where a cell is: { hexagons, i }, or null. `z`: zoom of the tiles to look in. */
    find(index, z) {
      const [lat, lng] = h3.cellToLatLng(index);
      const size = 2 ** z;
      const entry = this.entries.get(`${z}/${Math.floor(worldX(lng) * size)}/${Math.floor(worldY(lat) * size)}`);
      const i = entry && entry.hexagons ? entry.hexagons.find(index) : -1;
      return i < 0 ? null : { hexagons: entry.hexagons, i };
    }

    /** Call `visit(hexagons, i)` for each hexagon of these tiles whose centre is in the frame. */
    each(keys, frame, visit) {
      for (const key of keys) {
        const entry = this.entries.get(key);
        if (!entry || !entry.hexagons) continue;
        const { hexagons } = entry;
        for (let i = 0; i < hexagons.count; i += 1) {
          const x = hexagons.x[i];
          const y = hexagons.y[i];
          if (x >= frame.west && x <= frame.east && y >= frame.north && y <= frame.south) visit(hexagons, i);
        }
      }
    }

    /** Paint these tiles straight into a frame: for the small maps. */
    paintInto(keys, frame, look) {
      for (const key of keys) {
        const entry = this.entries.get(key);
        if (entry && entry.hexagons) entry.hexagons.paint(frame, look);
      }
    }
  };
})();
