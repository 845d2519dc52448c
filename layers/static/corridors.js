// Corridors: follows the page's address, asks for what it shows, paints lines and entry points, answers mouse and keyboard.
(function () {
  "use strict";
  const hexacross = L.hexacross;
  const { element, fill, magnified, worldX, worldY } = hexacross;

  const WATCH_MS = 50;
  const RETRY_S = [2, 5, 10, 30];
  const SLOW_MS = 120;
  const AGAIN_MS = 30_000; // after a change
  const WIDTHS = [1, 1.8, 3, 4.6, 7]; // by step, in pixels of a desk's screen
  const RADII = [3.5, 5, 7, 9.5, 12.5];
  const DASHES = { sea: [], air: [11, 5], road: [5, 4], rail: [5, 4], post: [1.5, 4] };
  const UNKNOWN_DASH = [9, 4, 2, 4]; // a mode that is not said, or no transport
  const OPACITIES = { 1: 0.38, 2: 0.68, 3: 1 };
  const APART_PX = 7; // lines of one pair of countries
  const ARROW = { length: 9, half: 4 };
  const REACH_PX = 7; // of the mouse
  const INSET_PX = 32;

  const dashOf = (mode) => DASHES[mode] || UNKNOWN_DASH;
  const say = hexacross.sayNumber;

  /** A line in world coordinates: for each part x, y, x, y… and the box around all of them. */
  function prepared(line) {
    const box = [1, 1, 0, 0];
    const parts = line.parts.map((flat) => {
      const points = new Float64Array(flat.length);
      for (let i = 0; i < flat.length; i += 2) {
        points[i] = worldX(flat[i]);
        points[i + 1] = worldY(flat[i + 1]);
        box[0] = Math.min(box[0], points[i]);
        box[1] = Math.min(box[1], points[i + 1]);
        box[2] = Math.max(box[2], points[i]);
        box[3] = Math.max(box[3], points[i + 1]);
      }
      return points;
    });
    return { ...line, parts, box };
  }

  /** Lines of one pair of countries beside each other: `aside`, in pixels to the right of the way. */
  function setApart(lines) {
    const pairs = new Map();
    for (const line of lines) {
      const [from, to] = line.key.split("-");
      const pair = from < to ? `${from}-${to}` : `${to}-${from}`;
      if (!pairs.has(pair)) pairs.set(pair, []);
      pairs.get(pair).push(Object.assign(line, { forth: from < to ? 1 : -1 }));
    }
    for (const group of pairs.values()) {
      group.forEach((line, at) => (line.aside = (at - (group.length - 1) / 2) * APART_PX * line.forth));
    }
  }

  /** The points of a part on the canvas, moved aside between its ends. */
  function onCanvas(frame, points, aside) {
    const count = points.length / 2;
    const placed = new Float64Array(points.length);
    for (let i = 0; i < count; i += 1) {
      placed[2 * i] = frame.x(points[2 * i]);
      placed[2 * i + 1] = frame.y(points[2 * i + 1]);
    }
    if (!aside || count < 3) return placed;
    const moved = placed.slice();
    for (let i = 1; i < count - 1; i += 1) {
      const [dx, dy] = [placed[2 * i + 2] - placed[2 * i - 2], placed[2 * i + 3] - placed[2 * i - 1]];
      const length = Math.hypot(dx, dy) || 1;
      const shift = aside * Math.sin((Math.PI * i) / (count - 1));
      moved[2 * i] -= (dy / length) * shift;
      moved[2 * i + 1] += (dx / length) * shift;
    }
    return moved;
  }

  function trace(context, placed) {
    context.moveTo(placed[0], placed[1]);
    for (let i = 2; i < placed.length; i += 2) context.lineTo(placed[i], placed[i + 1]);
  }

  /** Squared distance of a point to a segment. */
  function apart(x, y, ax, ay, bx, by) {
    const [dx, dy] = [bx - ax, by - ay];
    const along = Math.max(0, Math.min(1, ((x - ax) * dx + (y - ay) * dy) / (dx * dx + dy * dy || 1)));
    return (x - ax - along * dx) ** 2 + (y - ay - along * dy) ** 2;
  }

  const CorridorLayer = L.Layer.extend({
    initialize: function (options) {
      L.Util.setOptions(this, options);
      Object.assign(this, { shown: null, hovered: null, chosen: "", entry: "", failures: 0, version: 0 });
      this.colours = options.colours;
      this.strings = options.strings;
    },

    onAdd: function (map) {
      this._map = map;
      this._container = map.getContainer();
      this._container.classList.add("hxc-map", `hxc-${this.colours.name}`);
      for (const [name, value] of Object.entries(this.colours)) this._container.style.setProperty(`--hxc-${name}`, value);
      map.setMinZoom(this.options.zooms[0]);
      map.setMaxZoom(this.options.zooms[1]);
      this._queue = new hexacross.PaintQueue(map);
      this._panels(map);
      this._panes(map);
      this._listen(map);
      const page = this._page();
      if (page !== window) hexacross.adoptFont(page, "Source Sans").then(() => this._canvases.names.repaint());
      this._watch();
      this._watcher = setInterval(() => this._watch(), WATCH_MS);
      if (this.options.changes) this._follow();
    },

    onRemove: function (map) {
      clearInterval(this._watcher);
      clearTimeout(this._retry);
      clearTimeout(this._soon);
      if (this._live) this._live.stop();
      if (this._request) this._request.abort();
      this._resizes.disconnect();
      for (const canvas of Object.values(this._canvases)) canvas.remove();
      map.off("mousemove", this._move, this).off("mouseout", this._leave, this).off("click", this._click, this);
      for (const control of [this.zoom, this.layers, this.legend]) control.remove();
      for (const part of [this._bar, this._notice, this._message, this._keys, this._tooltip]) part.remove();
    },

    _panels: function (map) {
      const { strings } = this;
      this.zoom = new hexacross.ZoomControl(strings, () => this._goHome()).addTo(map);
      this.layers = new hexacross.LayersControl(strings, hexacross.memoryOf(this._page())).addTo(map);
      this.legend = new Legend(this).addTo(map);
      this._bar = element("div", "hxc-loading");
      this._notice = element("div", "hxc-notice");
      this._notice.setAttribute("role", "alert");
      this._notice.hidden = true;
      this._message = element("div", "hxc-message", strings.noCorridor);
      this._message.hidden = true;
      this._keys = element("div", "hxc-keys");
      this._keys.tabIndex = 0;
      this._keys.setAttribute("role", "application");
      this._keys.setAttribute("aria-label", strings.corridorKeys);
      this._tooltip = element("div", "hxc-tooltip");
      this._tooltip.setAttribute("role", "status");
      this._tooltip.setAttribute("aria-live", "polite");
      this._tooltip.hidden = true;
      this._container.append(this._keys, this._bar, this._notice, this._message, this._tooltip);
    },

    _panes: function (map) {
      const canvas = (name, order, paint, options) =>
        new hexacross.CanvasLayer(paint, { pane: hexacross.pane(map, name, order), queue: this._queue, ...options }).addTo(map);
      const repaint = () => ["ground", "names"].forEach((name) => this._canvases && this._canvases[name].repaint());
      this.basemap = new hexacross.Basemap(this.options.basemap, this.colours, repaint, (what) => this._noBasemap(what));
      this._canvases = {
        ground: canvas("hxc-ground", 200, (frame) => this.basemap.paintGround(frame)),
        lines: canvas("hxc-lines", 400, (frame) => this._paintLines(frame)),
        entries: canvas("hxc-entries", 410, (frame) => this._paintEntries(frame)),
        names: canvas("hxc-names", 430, (frame) => this.basemap.paintNames(frame, this._panelBoxes())),
        marks: canvas("hxc-marks", 460, (frame) => this._paintMarks(frame), { isBlank: () => !this._marked().length }),
      };
      this.layers.offerPane("corridors", this.strings.corridors, map.getPane("hxc-lines"));
      this.layers.offerPane("entries", this.strings.entries, map.getPane("hxc-entries"));
      this.layers.offer("names", this.strings.names, true, (shown) => {
        this.basemap.showNames = shown;
        this._canvases.names.repaint();
      });
    },

    _noBasemap: function (what) {
      if (this._basemapMissed) return;
      this._basemapMissed = true;
      this._container.appendChild(element("div", "hxc-no-basemap", what === "index" ? this.strings.noBasemap : this.strings.partialBasemap));
    },

    _listen: function (map) {
      map.on("mousemove", this._move, this).on("mouseout", this._leave, this).on("click", this._click, this);
      L.DomEvent.on(this._keys, "keydown", this._key, this);
      L.DomEvent.on(this._container, "keydown", (event) => event.key === "Escape" && this._hover(null));
      this._resizes = new ResizeObserver(() => map.invalidateSize({ animate: false }));
      this._resizes.observe(this._container);
    },

    /** Where panels hide the map, in layer pixels. */
    _panelBoxes: function () {
      const map = this._container.getBoundingClientRect();
      return [this.zoom, this.layers, this.legend].map((control) => {
        const { left, top, right, bottom } = control.getContainer().getBoundingClientRect();
        const first = this._map.containerPointToLayerPoint([left - map.left, top - map.top]);
        const last = this._map.containerPointToLayerPoint([right - map.left, bottom - map.top]);
        return [first.x, first.y, last.x, last.y];
      });
    },

    // ── The address, and what it asks for ────────────────────────────────────────────────────────────────────────

    _page: function () {
      if (window.parent === window) return window;
      try {
        return window.parent.location.search === undefined ? window : window.parent;
      } catch (error) {
        if (error instanceof DOMException) return window; // held by a page of another origin
        throw error;
      }
    },

    _watch: function () {
      const { search } = this._page().location;
      if (search === this._searched) return;
      this._searched = search;
      const parameters = new URLSearchParams(search);
      const [chosen, entry] = this.options.choices.map((name) => parameters.get(name) || "");
      for (const name of this.options.choices) parameters.delete(name);
      if (chosen !== this.chosen || entry !== this.entry) {
        Object.assign(this, { chosen, entry });
        this._canvases.marks.repaint();
        this._canvases.lines.repaint();
      }
      const query = parameters.toString();
      if (query === this._query) return;
      this._query = query;
      this.failures = 0;
      this._fetch();
    },

    _follow: function () {
      this._live = new window.hexacrossLive.Follower({
        url: this.options.changes,
        shown: () => this.version,
        touches: () => {
          this._fetchSoon();
          return false; // fetched in its own time
        },
        refresh: () => this._fetch(), // what happened meanwhile is not known
        told: () => this._tellOutage(),
      });
    },

    /** Any new seizure may change any corridor, and all are added up again: not more often than that. */
    _fetchSoon: function () {
      if (this._soon) return;
      this._soon = setTimeout(() => {
        this._soon = 0;
        if (this._map) this._fetch();
      }, AGAIN_MS);
    },

    _tellOutage: function () {
      const { strings, _live: live } = this;
      const locale = this.shown && this.shown.locale === "en" ? "en-GB" : "fr-FR";
      const words = window.hexacrossLive.outage(live.state, this.shown ? live.freshAt || this._freshAt : 0, strings, locale);
      if (words) this._say(words);
      else if (this._told) this._notice.hidden = true;
      this._told = Boolean(words);
    },

    _say: function (words, ...buttons) {
      this._notice.classList.toggle("hxc-away", !buttons.length);
      this._notice.replaceChildren(element("span", "", words), ...buttons);
      this._notice.hidden = false;
    },

    /** Fetch the view of the address; the old picture stays until the other one has come. */
    _fetch: async function () {
      clearTimeout(this._retry);
      if (this._request) this._request.abort();
      const request = (this._request = new AbortController());
      const slow = setTimeout(() => this._bar.classList.add("hxc-on"), SLOW_MS);
      this._container.dataset.state = "loading";
      try {
        const answer = await hexacross.read(`${this.options.url}?${this._query}`, request.signal);
        const shown = await answer.json();
        this.version = Number(answer.headers.get("Hexacross-Version"));
        this._show(shown);
        return true;
      } catch (error) {
        if (!request.signal.aborted) this._fail(error);
        return false;
      } finally {
        clearTimeout(slow);
        if (this._request === request) this._bar.classList.remove("hxc-on");
      }
    },

    _show: function (shown) {
      const lines = shown.lines.map(prepared);
      setApart(lines);
      const entries = shown.entries.map((point) => ({ ...point, x: worldX(point.lng), y: worldY(point.lat) }));
      this.shown = { ...shown, lines, entries, compared: shown.legend.some(({ kind }) => kind === "trend") };
      Object.assign(this, { failures: 0, hovered: null, _freshAt: Date.now() });
      this._tooltip.hidden = true;
      this._notice.hidden = true;
      this._message.hidden = lines.length + entries.length > 0;
      this.basemap.english = shown.locale === "en";
      this.legend.update(this.shown);
      const place = JSON.stringify(shown.bounds);
      if (place !== this._place) {
        this._place = place;
        hexacross.whenSteady(this._map, () => this._goHome());
      }
      for (const canvas of Object.values(this._canvases)) canvas.repaint();
      Object.assign(this._container.dataset, { state: "ready", lines: lines.length, entries: entries.length });
    },

    _fail: function (error) {
      const wait = RETRY_S[Math.min(this.failures, RETRY_S.length - 1)];
      this.failures += 1;
      this._container.dataset.state = "error";
      this._retry = setTimeout(() => this._fetch(), 1000 * wait);
      const { strings } = this;
      const reason = error instanceof hexacross.Refusal ? error.say(strings) : error instanceof TypeError ? strings.unreachable : strings.unreadable;
      const words = [fill(strings.failed, { reason, seconds: wait })];
      if (this.shown) words.push(strings.oldPicture);
      const again = element("button", "", strings.retry);
      again.type = "button";
      again.onclick = () => this._fetch();
      this._say(words.join(" "), again);
    },

    _goHome: function () {
      if (!this.shown || !this.shown.bounds.length) return;
      const left = Math.min(this.legend.width() + 16, this._map.getSize().x * 0.35);
      this._map.fitBounds(this.shown.bounds, { paddingTopLeft: [left, INSET_PX], paddingBottomRight: [INSET_PX, INSET_PX], animate: false });
    },

    // ── Painting ─────────────────────────────────────────────────────────────────────────────────────────────────

    _colourOf: function ({ trend }) {
      const { name } = this.colours;
      return this.shown.compared ? this.shown.trends[name][trend + 1] : this.shown.colours[name];
    },

    _paintLines: function (frame) {
      if (!this.shown) return;
      const faint = this.chosen && this.shown.lines.some(({ key }) => key === this.chosen) ? 0.35 : 1;
      for (const line of this.shown.lines) {
        if (!frame.sees(line.box)) continue;
        this._stroke(frame, line, this._colourOf(line), OPACITIES[line.sure] * (line.key === this.chosen ? 1 : faint));
      }
      frame.context.globalAlpha = 1;
    },

    _stroke: function (frame, line, colour, alpha, wider = 0) {
      const { context } = frame;
      const big = magnified(1);
      const width = WIDTHS[line.step - 1] * big;
      context.globalAlpha = alpha;
      context.strokeStyle = context.fillStyle = colour;
      context.lineWidth = width + wider;
      context.lineJoin = "round";
      context.setLineDash(wider ? [] : dashOf(line.mode).map((px) => px * big + (px > 2 ? width / 2 : 0)));
      context.beginPath();
      const placed = line.parts.map((points) => onCanvas(frame, points, line.aside * big));
      for (const part of placed) trace(context, part);
      context.stroke();
      context.setLineDash([]);
      if (placed.length) this._arrow(context, placed[placed.length - 1], big, width + wider);
    },

    /** Which way it goes: a head at the destination. */
    _arrow: function (context, placed, big, width) {
      const last = placed.length - 2;
      const [x, y] = [placed[last], placed[last + 1]];
      let from = last - 2;
      while (from > 0 && Math.hypot(placed[from] - x, placed[from + 1] - y) < ARROW.length * big) from -= 2;
      if (from < 0) return;
      const turn = Math.atan2(y - placed[from + 1], x - placed[from]);
      const [length, half] = [ARROW.length * big + width, ARROW.half * big + width / 1.6];
      context.beginPath();
      context.moveTo(x, y);
      for (const side of [-1, 1]) {
        context.lineTo(x - length * Math.cos(turn) + side * half * Math.sin(turn), y - length * Math.sin(turn) - side * half * Math.cos(turn));
      }
      context.closePath();
      context.fill();
    },

    _paintEntries: function (frame) {
      if (!this.shown) return;
      for (const point of this.shown.entries) drawEntry(frame.context, frame.x(point.x), frame.y(point.y), point, this.colours);
    },

    _marked: function () {
      if (!this.shown) return [];
      const marked = [...this.shown.lines, ...this.shown.entries].filter(({ key }) => key === this.chosen || key === this.entry);
      if (this.hovered && !marked.includes(this.hovered)) marked.push(this.hovered);
      return marked;
    },

    _paintMarks: function (frame) {
      const { context } = frame;
      for (const thing of this._marked()) {
        if (thing.parts) {
          this._stroke(frame, thing, this.colours.halo, 0.9, 3);
          this._stroke(frame, thing, this.colours.accent, 1);
        } else {
          context.globalAlpha = 1;
          context.beginPath();
          context.arc(frame.x(thing.x), frame.y(thing.y), magnified(RADII[thing.step - 1] + 3), 0, 2 * Math.PI);
          context.lineWidth = magnified(2.5);
          context.strokeStyle = this.colours.accent;
          context.stroke();
        }
      }
      context.globalAlpha = 1;
    },

    // ── Mouse and keyboard ───────────────────────────────────────────────────────────────────────────────────────

    /** The entry point or the corridor under a place of the window; of several corridors the nearest, then the heaviest. */
    _at: function ({ x, y }) {
      if (!this.shown) return null;
      const frame = this._canvases.lines.frame();
      const place = this._map.containerPointToLayerPoint([x, y]);
      if (this.layers.shows("entries")) {
        for (const point of this.shown.entries) {
          const reach = magnified(RADII[point.step - 1] + 2);
          if (Math.hypot(frame.x(point.x) - place.x, frame.y(point.y) - place.y) <= reach) return point;
        }
      }
      if (!this.layers.shows("corridors")) return null;
      let found = null;
      let least = magnified(REACH_PX) ** 2;
      for (const line of this.shown.lines) {
        const distance = this._distance(frame, line, place);
        if (distance <= least) [found, least] = [line, distance];
      }
      return found;
    },

    _distance: function (frame, line, { x, y }) {
      const reach = magnified(REACH_PX + 2 * APART_PX) / frame.scale;
      const [worldPlaceX, worldPlaceY] = [(x + frame.originX) / frame.scale, (y + frame.originY) / frame.scale];
      const [west, north, east, south] = line.box;
      if (worldPlaceX < west - reach || worldPlaceX > east + reach || worldPlaceY < north - reach || worldPlaceY > south + reach) return Infinity;
      const half = magnified(WIDTHS[line.step - 1]) / 2;
      let least = Infinity;
      for (const points of line.parts) {
        const placed = onCanvas(frame, points, line.aside * magnified(1));
        for (let i = 0; i + 3 < placed.length; i += 2) {
          least = Math.min(least, apart(x, y, placed[i], placed[i + 1], placed[i + 2], placed[i + 3]));
        }
      }
      return Math.max(0, Math.sqrt(least) - half) ** 2;
    },

    _move: function (event) {
      if (this._map.dragging.moving()) return;
      this._hover(this._at(event.containerPoint), event.containerPoint);
    },

    _leave: function () {
      this._hover(null);
    },

    _hover: function (thing, point) {
      const changed = thing !== this.hovered;
      this.hovered = thing;
      if (changed) this._canvases.marks.repaint();
      this._container.style.cursor = thing ? "pointer" : "";
      if (!thing) {
        this._tooltip.hidden = true;
        return;
      }
      if (changed) this._speak(thing);
      this._moveTooltip(point || this._middleOf(thing));
    },

    _speak: function (thing) {
      const table = element("dl", "hxc-tooltip-figures");
      thing.rows.forEach(([label, value], at) => {
        const row = element("div", at === 0 ? "hxc-first" : "");
        row.append(element("dt", "", label), element("dd", "", value));
        table.appendChild(row);
      });
      this._tooltip.replaceChildren(element("div", "hxc-tooltip-place", thing.title), table);
      this._tooltip.hidden = false;
    },

    _moveTooltip: function ({ x, y }) {
      const { offsetWidth: width, offsetHeight: height } = this._tooltip;
      const room = this._map.getSize();
      const left = x + 16 + width < room.x ? x + 16 : x - 16 - width;
      const top = Math.min(Math.max(8, y - height / 2), room.y - height - 8);
      this._tooltip.style.transform = `translate(${Math.round(Math.max(8, left))}px, ${Math.round(top)}px)`;
    },

    /** Where a corridor or an entry point is, in the window. */
    _middleOf: function (thing) {
      const frame = this._canvases.lines.frame();
      const part = thing.parts ? thing.parts[thing.parts.length - 1] : [thing.x, thing.y];
      const at = 2 * Math.floor(part.length / 4);
      return this._map.layerPointToContainerPoint([frame.x(part[at]), frame.y(part[at + 1])]);
    },

    /** The click goes on to the page, with what it chose; on nothing, it frees. */
    _click: function (event) {
      const found = event.chosen || this._at(event.containerPoint);
      event.latlng.alt = found ? found.id : 0;
    },

    _key: function (event) {
      if (!this.shown) return;
      const steps = { ArrowRight: ["lines", -1], ArrowLeft: ["lines", 1], ArrowDown: ["entries", 1], ArrowUp: ["entries", -1] };
      if (event.key in steps) this._step(...steps[event.key]);
      else if (event.key === "Enter" || event.key === " ") this._enter();
      else return;
      L.DomEvent.stop(event);
    },

    /** To the next one in the order of weight; lines are held with the heaviest last, entry points with it first. */
    _step: function (name, by) {
      const all = this.shown[name];
      if (!all.length) return;
      const at = all.indexOf(this.hovered);
      const first = name === "lines" ? all.length - 1 : 0;
      const next = all[at < 0 ? first : (at + by + all.length) % all.length];
      const point = this._middleOf(next);
      const size = this._map.getSize();
      if (point.x < 40 || point.y < 40 || point.x > size.x - 40 || point.y > size.y - 40) {
        this._map.panTo(this._map.containerPointToLatLng(point), { animate: false });
      }
      this._hover(next);
    },

    _enter: function () {
      const { hovered } = this;
      if (!hovered) return;
      const containerPoint = this._middleOf(hovered);
      const latlng = this._map.containerPointToLatLng(containerPoint);
      this._map.fire("click", { latlng, containerPoint, layerPoint: this._map.containerPointToLayerPoint(containerPoint), chosen: hovered });
    },
  });

  function drawEntry(context, x, y, { step, letter }, colours) {
    const radius = magnified(RADII[step - 1]);
    context.beginPath();
    context.arc(x, y, radius, 0, 2 * Math.PI);
    context.globalAlpha = 0.88;
    context.fillStyle = colours.panel;
    context.fill();
    context.globalAlpha = 1;
    context.lineWidth = magnified(1.6);
    context.strokeStyle = colours.outline;
    context.stroke();
    if (radius < magnified(6)) return;
    context.fillStyle = colours.label;
    context.font = `600 ${Math.round(radius * 1.1)}px "Source Sans", system-ui, sans-serif`;
    context.textAlign = "center";
    context.textBaseline = "middle";
    context.fillText(letter, x, y + magnified(0.5));
  }

  /** What widths, dashes, opacities and circles mean. */
  const Legend = L.Control.extend({
    options: { position: "bottomleft" },

    initialize: function (layer, options) {
      L.Util.setOptions(this, options);
      Object.assign(this, { layer, chosen: null });
    },

    onAdd: function (map) {
      this._box = element("section", "hxc-panel hxc-legend hxc-corridor-legend");
      this._box.setAttribute("aria-label", this.layer.strings.legend);
      this._box.hidden = true;
      L.DomEvent.disableClickPropagation(this._box);
      L.DomEvent.disableScrollPropagation(this._box);
      map.on("resize", this._fold, this);
      return this._box;
    },

    onRemove: function (map) {
      map.off("resize", this._fold, this);
    },

    width: function () {
      return this._box.hidden || this._folded() ? 0 : this._box.offsetWidth;
    },

    _folded: function () {
      if (this.chosen) return this.chosen === "folded";
      const { x, y } = this._map.getSize();
      return x < 620 || y < 380;
    },

    _fold: function () {
      if (!this._body) return;
      const folded = this._folded();
      const { strings } = this.layer;
      this._body.hidden = folded;
      this._toggle.textContent = folded ? "+" : "−";
      this._toggle.title = folded ? strings.show : strings.hide;
      this._toggle.setAttribute("aria-label", this._toggle.title);
      this._toggle.setAttribute("aria-expanded", String(!folded));
      this._box.style.maxHeight = `${Math.max(80, this._map.getSize().y - magnified(120))}px`;
    },

    update: function ({ title, subtitle, legend, notes, locale, lines, entries }) {
      this._box.hidden = !(lines.length + entries.length);
      const head = element("div", "hxc-legend-head");
      this._toggle = element("button", "hxc-fold");
      this._toggle.type = "button";
      this._toggle.onclick = () => {
        this.chosen = this._folded() ? "open" : "folded";
        this._fold();
      };
      head.append(element("h2", "", title), this._toggle);
      this._body = element("div", "hxc-legend-body");
      this._body.append(element("p", "hxc-legend-unit", subtitle), ...legend.flatMap((part) => this._part(part, locale)));
      for (const note of notes) this._body.append(element("p", "hxc-legend-note", note));
      this._box.replaceChildren(head, this._body);
      this._fold();
    },

    _part: function ({ kind, title, rows }, locale) {
      const list = element("ul", "hxc-legend-rows");
      for (const { value, label, count } of rows) {
        const row = element("li");
        row.append(this._swatch(kind, value), element("span", "", label));
        row.append(element("span", "hxc-count", count === undefined ? "" : say(count, locale)));
        list.appendChild(row);
      }
      return [element("h3", "", title), list];
    },

    _swatch: function (kind, value) {
      const { colours, shown } = this.layer;
      const ratio = window.devicePixelRatio || 1;
      const canvas = element("canvas");
      canvas.setAttribute("aria-hidden", "true");
      const [width, height] = [magnified(40), magnified(16)];
      Object.assign(canvas, { width: width * ratio, height: height * ratio });
      const context = canvas.getContext("2d");
      context.scale(ratio, ratio);
      if (kind === "entry") {
        drawEntry(context, width / 2, height / 2, { step: 3, letter: value }, colours);
        return canvas;
      }
      const trend = kind === "trend" ? value : 0;
      const colour = shown.compared ? shown.trends[colours.name][trend + 1] : shown.colours[colours.name];
      context.strokeStyle = colour;
      context.globalAlpha = kind === "sure" ? OPACITIES[value] : 1;
      context.lineWidth = magnified(kind === "width" ? WIDTHS[value - 1] : 3);
      if (kind === "mode") context.setLineDash(dashOf(value).map((px) => magnified(px + (px > 2 ? 1.5 : 0))));
      context.beginPath();
      context.moveTo(0, height / 2);
      context.lineTo(width, height / 2);
      context.stroke();
      return canvas;
    },
  });

  hexacross.corridorLayer = (options) => new CorridorLayer(options);
})();
