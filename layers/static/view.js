// One view of the map: what the server says of it, the classes of its resolutions, its tiles.
(function () {
  "use strict";
  const hexacross = L.hexacross;

  /**
   * `layer`: the hexagon layer, told of what comes. A view is shown once what is in sight is there. `walk`: other dates
   * than those of the description, a step of a walk through time: { du, au, heures, length, period in words }.
   */
  hexacross.MapView = class {
    constructor(layer, description, version, language, walk = null) {
      Object.assign(this, { layer, description, version, language, walk, places: null, keys: [], isWhole: false, waiting: [] });
      this.length = walk ? walk.length : hexacross.stepLength(description); // of each step of a walk; 0: there is none
      this.levels = layer.levelsOf(this);
      this.homeZoom = layer._map.getZoom();
      this.tiles = new hexacross.TileSet(layer.workers, {
        url: `${layer.options.url}/hexagones`,
        address: this._address(),
        extent: (z) => this._extent(z),
        changed: (what) => layer.heard(this, what),
        failed: (fault) => this._failed(fault),
        arrived: (hexagons, before) => layer.pulse(grown(hexagons, before)),
      });
    }

    close() {
      this.tiles.close();
      this._settle();
    }

    _key() {
      return `vue=${encodeURIComponent(this.description.key)}`;
    }

    _address() {
      if (!this.walk) return this._key();
      const { du, au, heures } = this.walk;
      return `${this._key()}&du=${du}&au=${au}${heures ? `&heures=${heures}` : ""}`;
    }

    /** Where the number of facts of each day is (`unit`: jours), or of each hour (heures). */
    countsAddress(unit) {
      return `${this.layer.options.url}/${unit}?${this._key()}${this._spoken()}`;
    }

    /** Tell the server that this view is on the screen. It may be away: it has nothing to wait for then. */
    sayPainted() {
      fetch(`${this.layer.options.url}/montre?${this._key()}`).catch(() => null);
    }

    _spoken() {
      return this.language ? `&langue=${encodeURIComponent(this.language)}` : "";
    }

    /** A newer description of the same view: its key is asked with from now on. */
    renew(description) {
      this.description = description;
      this.tiles.address = this._address();
      this.tiles.retry();
    }

    _failed({ status, words, unreachable, reason }) {
      this._settle();
      this.layer._fail(status ? new hexacross.Refusal(status, words) : unreachable ? new TypeError(reason) : new RangeError(reason));
    }

    /** The territory, and as far beyond as a hexagon of which some is inside may have its centre; null: everywhere. */
    _extent(z) {
      const { bounds, national } = this.description.view;
      if (national) return null;
      const [[south, west], [north, east]] = bounds;
      const steepest = Math.cos((Math.max(Math.abs(south), Math.abs(north)) * Math.PI) / 180);
      const beyond = (2 * hexacross.edgeOf(this.resolutionAt(z + 1))) / Math.max(steepest, 0.01);
      const { worldX, worldY } = hexacross;
      return [worldX(west) - beyond, worldY(north) - beyond, worldX(east) + beyond, worldY(south) + beyond];
    }

    /** Resolves when the tiles in sight are as new as what was asked for last. */
    settled() {
      if (!this.tiles.isWaiting(this.keys)) return Promise.resolve();
      return new Promise((resolve) => this.waiting.push(resolve));
    }

    _settle() {
      for (const resolve of this.waiting.splice(0)) resolve();
    }

    resolutionAt(zoom) {
      const [first, last] = this.layer.options.zooms;
      return this.description.resolutions[Math.min(last, Math.max(first, Math.round(zoom))) - first];
    }

    /** The classes of a resolution and how they look; null while they are on their way. */
    level(resolution) {
      if (!this.levels.has(resolution)) {
        this.levels.set(resolution, null);
        this._fetchLevel(resolution);
      }
      return this.levels.get(resolution);
    }

    async _fetchLevel(resolution) {
      const window = this.length ? `&fenetre=${this.length}` : "";
      try {
        const answer = await hexacross.read(`${this.layer.options.url}/classes?${this._key()}&resolution=${resolution}${window}${this._spoken()}`);
        const level = await answer.json();
        looks += 1;
        this.levels.set(resolution, { ...level, look: { ...hexacross.lookOf(level.classes, this.layer.colours), number: looks } });
        this.layer.heard(this, { painted: true, inset: true });
      } catch (error) {
        this.levels.delete(resolution);
        this.layer._fail(error);
      }
    }

    /** Ask for what a frame needs; whether all of it is there. */
    follow(frame, zooms) {
      const resolution = this.resolutionAt(frame.zoom);
      const level = this.level(resolution);
      this.keys = this.tiles.want(frame, hexacross.TileSet.zoomOf(frame, zooms));
      if (!this.tiles.isWaiting(this.keys)) this._settle();
      if (!level) return (this.isWhole = false);
      this.tiles.prepare(this.keys, frame, level.look);
      this.isWhole = this.tiles.isComplete(this.keys, frame, level.look);
      return this.isWhole;
    }

    draw(frame, zooms) {
      this.tiles.draw(this.tiles.keysIn(frame, hexacross.TileSet.zoomOf(frame, zooms)), frame);
    }

    /** A small map shows hexagons as large as those of the whole view, in the same colours. */
    paintInset(frame, [first, last]) {
      const zoom = Math.min(last, Math.max(first, Math.round(this.homeZoom)));
      const level = this.level(this.resolutionAt(zoom));
      const keys = this.tiles.wantInset(frame, zoom - 1);
      if (level) this.tiles.paintInto(keys, frame, level.look);
    }

    find(cell, zoom) {
      return h3.getResolution(cell) === this.resolutionAt(zoom) ? this.tiles.find(cell, this._tileZoom(zoom)) : null;
    }

    _tileZoom(zoom) {
      return hexacross.TileSet.zoomOf({ zoom }, this.layer.options.zooms);
    }

    each(frame, visit) {
      this.tiles.each(hexacross.TileSet.inSight(frame, this._tileZoom(frame.zoom)), frame, visit);
    }

    /** How many hexagons of each class and state are in sight; null until the classes are known. */
    counted(frame) {
      const level = this.levels.get(this.resolutionAt(frame.zoom));
      if (!level) return null;
      const { limits } = level.look;
      const states = hexacross.STATES.map(() => 0);
      const counted = { level, inSight: 0, loaded: 0, classes: level.classes.map(() => 0), states: {} };
      this.each(frame, ({ columns }, i) => {
        counted.inSight += 1;
        if (columns.state[i]) states[columns.state[i]] += 1;
        else counted.classes[hexacross.classOf(columns.values[i], limits)] += 1;
      });
      hexacross.STATES.forEach((state, code) => (counted.states[state] = states[code]));
      for (const key of this.keys) {
        const entry = this.tiles.entries.get(key);
        if (entry && entry.hexagons) counted.loaded += entry.hexagons.count;
      }
      return counted;
    }

    /** What the legend says. */
    legend({ level, classes, states }) {
      const { description } = this;
      return {
        ...description,
        period: this.walk ? this.walk.period : description.period,
        resolution_label: level.resolution_label,
        notes: [...(this.walk ? [] : description.notes), ...level.notes], // a description's are of its own dates
        classes: level.classes.map((spec, at) => ({ ...spec, count: classes[at] })),
        states: description.states.map((spec) => ({ ...spec, count: states[spec.state] || 0 })),
      };
    }

    /** Fetch the names of the communes, once for all views. */
    names() {
      const { places } = this.description;
      if (!places || this.places) return Promise.resolve();
      if (!names.has(places)) names.set(places, hexacross.read(places).then((answer) => answer.json()));
      return names.get(places).then((list) => (this.places = list), () => names.delete(places));
    }

    nameOf(hexagons, i) {
      const at = hexagons.columns.place ? hexagons.columns.place[i] : 0;
      return at && this.places ? this.places[at - 1] : "";
    }
  };

  let looks = 0;
  const names = new Map();

  /** Cells in which more is counted than before. */
  function grown(hexagons, before) {
    const cells = [];
    let was = 0;
    for (let i = 0; i < hexagons.count; i += 1) {
      const number = hexagons.numbers[i];
      while (was < before.count && before.numbers[was] < number) was += 1; // both are sorted by cell
      const known = was < before.count && before.numbers[was] === number;
      if (figure(hexagons, i) > (known ? figure(before, was) : 0)) cells.push(hexagons.name(i));
    }
    return cells;
  }

  function figure({ columns }, i) {
    const counted = [columns.incidents, columns.controls].map((column) => column || columns.values); // the measure is not there twice
    return counted.reduce((sum, column) => sum + (column[i] || 0), 0);
  }
})();
