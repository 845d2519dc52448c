// The basemap's tiles (layers/basemap.py writes them): which ones a frame needs, fetched, kept for a while, given up.
(function () {
  "use strict";
  const hexacross = L.hexacross;

  const KEPT = 128; // tiles that stay decoded; a view and its insets need some twenty, on a very large screen eighty
  const AGAIN_MS = 30000; // before a tile that did not come is asked for again

  /** x, y, then differences, added to a path in steps of the tile's grid. */
  function trace(path, flat) {
    let x = flat[0];
    let y = flat[1];
    path.moveTo(x, y);
    for (let i = 2; i < flat.length; i += 2) path.lineTo((x += flat[i]), (y += flat[i + 1]));
  }

  function decodeTile(file, { level, x, y }, { tiles, extent }) {
    const paths = {};
    const collect = (name, all) => {
      paths[name] = new Path2D();
      for (const flat of all) trace(paths[name], flat);
    };
    collect("land", file.land);
    collect("abroad", file.abroad);
    for (const [rank, all] of Object.entries(file.lines)) collect(rank, all);
    const place = (corner, step) => (corner + step / extent) / tiles;
    const names = (file.names || []).map(([kind, name, left, top, importance, zoom, english]) => {
      return { kind, name, english: english || name, x: place(x, left), y: place(y, top), importance, zoom };
    });
    return { level, x, y, west: x / tiles, north: y / tiles, unit: 1 / (tiles * extent), paths, names };
  }

  class MissingTile extends Error {}

  hexacross.BasemapTiles = class {
    /** `changed` is called when something has arrived; `failed("index" or "tile")` when something has not. */
    constructor(folder, changed, failed) {
      Object.assign(this, { folder, changed, failed, levels: null, digest: "" });
      this._kept = new Map(); // key → tile, the one used last at the end
      this._coming = new Map(); // key → AbortController
      this._missed = new Map(); // key → when
      this._wanted = new Map(); // canvas → the keys it needs
      this._readIndex();
    }

    async _readIndex() {
      try {
        const answer = await fetch(`${this.folder}/index.json`);
        if (!answer.ok) throw new MissingTile(`index: ${answer.status}`);
        this._accept(await answer.json());
      } catch (error) {
        this._excuse(error, "index");
      }
    }

    _accept({ digest, levels }) {
      if (digest === this.digest) return;
      this.digest = digest;
      this._kept.clear();
      this._missed.clear();
      this.levels = levels.map(({ zoom, tileZoom, extent, tiles }) => {
        const there = new Set();
        for (const [y, first, last] of tiles) for (let x = first; x <= last; x += 1) there.add(`${x}-${y}`);
        return { zoom, extent, tiles: 2 ** tileZoom, there };
      });
      this.changed();
    }

    /** What did not come: said quietly, unless the fault is ours. */
    _excuse(error, what) {
      if (!(error instanceof TypeError || error instanceof SyntaxError || error instanceof MissingTile)) throw error; // unreachable, no JSON, refused
      this.failed(what);
    }

    /**
     * What to paint in a frame: a list of { tile, boxes }, the boxes in world coordinates being what of the tile to
     * show, or null for all of it. Tiles that are not there yet are asked for, and a coarser or finer one serves.
     */
    inSight(frame) {
      if (!this.levels) return [];
      const level = this._levelAt(frame.zoom);
      const { tiles } = this.levels[level];
      const within = (place) => Math.max(0, Math.min(tiles - 1, Math.floor(place * tiles)));
      const patches = new Map();
      const wanted = new Set();
      for (let y = within(frame.north); y <= within(frame.south); y += 1) {
        for (let x = within(frame.west); x <= within(frame.east); x += 1) this._fill({ level, x, y }, patches, wanted);
      }
      this._wanted.set(frame.context.canvas, wanted);
      this._fetchWanted();
      return [...patches.values()];
    }

    _levelAt(zoom) {
      let level = this.levels.length - 1;
      while (level > 0 && zoom < this.levels[level].zoom) level -= 1;
      return level;
    }

    _key({ level, x, y }) {
      return `${level}/${x}-${y}`;
    }

    _parent({ level, x, y }) {
      const times = this.levels[level].tiles / this.levels[level - 1].tiles;
      return { level: level - 1, x: Math.floor(x / times), y: Math.floor(y / times) };
    }

    /** Find what fills one square: its tile, else the nearest coarser one that is here, else finer ones. */
    _fill(square, patches, wanted) {
      const { tiles } = this.levels[square.level];
      const box = [square.x / tiles, square.y / tiles, (square.x + 1) / tiles, (square.y + 1) / tiles];
      let asked = false;
      for (let place = square; ; place = this._parent(place)) {
        const key = this._key(place);
        if (this.levels[place.level].there.has(`${place.x}-${place.y}`) && !this._isMissed(key)) {
          if (!asked) wanted.add(key);
          asked = true;
          const tile = this._use(key);
          if (tile) return this._add(patches, key, tile, place === square ? null : box);
        }
        if (!place.level) break;
      }
      for (const [key, tile] of this._kept) {
        const inside = tile.west >= box[0] && tile.west < box[2] && tile.north >= box[1] && tile.north < box[3];
        if (tile.level > square.level && inside) this._add(patches, key, tile, null);
      }
    }

    _add(patches, key, tile, box) {
      if (!patches.has(key)) patches.set(key, { tile, boxes: box ? [] : null });
      if (box) patches.get(key).boxes.push(box);
    }

    _use(key) {
      const tile = this._kept.get(key);
      if (tile) {
        this._kept.delete(key);
        this._kept.set(key, tile);
      }
      return tile;
    }

    _isMissed(key) {
      return this._missed.has(key) && Date.now() - this._missed.get(key) < AGAIN_MS;
    }

    _allWanted() {
      const wanted = new Set();
      for (const keys of this._wanted.values()) for (const key of keys) wanted.add(key);
      return wanted;
    }

    /** Ask for what some canvas needs, and give up what none does any more. */
    _fetchWanted() {
      const wanted = this._allWanted();
      for (const [key, request] of this._coming) {
        if (wanted.has(key)) continue;
        this._coming.delete(key);
        request.abort();
      }
      for (const key of wanted) if (!this._kept.has(key) && !this._coming.has(key)) this._fetch(key);
    }

    /** Drop what was not used for longest, but nothing in sight. */
    _forget() {
      const wanted = this._allWanted();
      for (const key of this._kept.keys()) {
        if (this._kept.size <= KEPT) break;
        if (!wanted.has(key)) this._kept.delete(key);
      }
    }

    async _fetch(key) {
      const request = new AbortController();
      this._coming.set(key, request);
      const [level, x, y] = key.split(/[/-]/).map(Number);
      try {
        const answer = await fetch(`${this.folder}/${key}.${this.digest}.json`, { signal: request.signal });
        if (!answer.ok) throw new MissingTile(`${key}: ${answer.status}`);
        const file = await answer.json();
        if (request.signal.aborted) return;
        this._kept.set(key, decodeTile(file, { level, x, y }, this.levels[level]));
        this._missed.delete(key);
        this._forget();
        this.changed();
      } catch (error) {
        if (!request.signal.aborted) this._miss(key, error);
      } finally {
        if (this._coming.get(key) === request) this._coming.delete(key);
      }
    }

    /** A coarser tile serves meanwhile; the basemap may also have been made anew under a page that stayed open. */
    _miss(key, error) {
      this._missed.set(key, Date.now());
      this._excuse(error, "tile");
      this.changed();
      if (this._again) return;
      this._again = setTimeout(() => {
        this._again = 0;
        this.changed();
      }, AGAIN_MS + 100);
      if (error instanceof MissingTile) this._readIndex();
    }
  };
})();
