// The layer itself: follows the page's address, fetches, paints, answers the mouse and the keyboard.
(function () {
  "use strict";
  const hexacross = L.hexacross;
  const { element, fill } = hexacross;

  const FONT_FAMILY = "Source Sans"; // that ships with Streamlit
  const WATCH_MS = 250;
  const RETRY_S = [2, 5, 10, 30]; // then 30 for ever
  const SLOW_MS = 120; // a bar that flashes for less says nothing
  const ARROWS = { ArrowRight: 0, ArrowDown: 90, ArrowLeft: 180, ArrowUp: -90 }; // degrees, clockwise on the screen
  const MAX_RINGS = 12; // how far the keyboard looks for the next hexagon

  const HexagonLayer = L.Layer.extend({
    initialize: function (options) {
      L.Util.setOptions(this, options);
      Object.assign(this, { hexagons: null, hovered: -1, pinned: -1, viewKey: null, failures: 0, version: 0 });
      this.colours = options.colours;
      this.strings = options.strings;
    },

    onAdd: function (map) {
      this._map = map;
      this._container = map.getContainer();
      this._container.classList.add("hxc-map", `hxc-${this.colours.name}`);
      this._setColours();
      this._zooms(map);
      this._panels(map);
      this._panes(map);
      this._offerBasemap();
      this._listen(map);
      const page = this._page();
      if (page !== window) hexacross.adoptFont(page, FONT_FAMILY).then(() => this.repaint());
      this._watch();
      this._watcher = setInterval(() => this._watch(), WATCH_MS);
      if (this.options.changes) this._follow();
    },

    onRemove: function (map) {
      clearInterval(this._watcher);
      clearTimeout(this._retry);
      if (this._live) this._live.stop();
      if (this._request) this._request.abort();
      this._resizes.disconnect();
      for (const canvas of Object.values(this._canvases)) canvas.remove();
      if (this.tileServer) this.tileServer.remove();
      map.off("mousemove", this._move, this).off("mouseout", this._leave, this).off("click", this._click, this);
      map.off("moveend zoomend", this._reshow, this);
      for (const control of [this.legend, this.insets, this.layers, this.zoom, this.scale, ...this.tools]) control.remove();
      for (const part of [this._bar, this._notice, this._message, this._keys, this.tooltip.box]) part.remove();
    },

    _setColours: function () {
      for (const [name, value] of Object.entries(this.colours)) this._container.style.setProperty(`--hxc-${name}`, value);
    },

    _zooms: function (map) {
      map.setMinZoom(this.options.zooms[0]);
      map.setMaxZoom(this.options.zooms[1]);
    },

    _panes: function (map) {
      const canvas = (name, order, paint) => {
        const layer = new hexacross.CanvasLayer(paint, { pane: hexacross.pane(map, name, order) });
        return layer.addTo(map);
      };
      const repaint = () => this.repaint();
      this.basemap = this.options.basemap
        ? new hexacross.Basemap(this.options.basemap, this.colours, repaint, (what) => this._noBasemap(what))
        : null;
      this.outlines = new hexacross.Outlines(this.colours, () => {
        this._offerOutlines();
        this.repaint();
      });
      this._canvases = {
        ground: canvas("hxc-ground", 200, (frame) => this.basemap && this.basemap.paintGround(frame, this.tileServer && this.tileServer.seen)),
        hexagons: canvas("hxc-hexagons", 400, (frame) => this._paintHexagons(frame)),
        lines: canvas("hxc-lines", 430, (frame) => this._paintLines(frame)),
        marks: canvas("hxc-marks", 460, (frame) => this._paintMarks(frame)),
      };
      this.tileServer = this.options.tiles
        ? new hexacross.TileServer(map, this.options.tiles, "hxc-ground", repaint, (what) => this._noBasemap(what))
        : null;
      this.layers.offerPane("hexagons", this.strings.hexagons, map.getPane("hxc-hexagons"), () => this.repaint());
      if (this.basemap) this.layers.offerPane("ground", this.strings.ground, map.getPane("hxc-ground"));
    },

    _panels: function (map) {
      const { strings, colours, options } = this;
      this.zoom = new hexacross.ZoomControl(strings, () => this._goHome()).addTo(map);
      this.layers = new hexacross.LayersControl(strings, hexacross.memoryOf(this._page())).addTo(map);
      this.insets = new hexacross.Insets(options.insets, strings, (frame) => this._paintInset(frame)).addTo(map);
      this.scale = L.control.scale({ position: "bottomright", imperial: false, maxWidth: 120 }).addTo(map);
      this.tools = hexacross.tools(map, { colours, strings, page: () => this._page(), changes: options.changes });
      this.legend = new hexacross.Legend(colours, strings).addTo(map);
      this._bar = element("div", "hxc-loading");
      this._notice = element("div", "hxc-notice");
      this._notice.setAttribute("role", "alert");
      this._notice.hidden = true;
      this._message = element("div", "hxc-message");
      this._message.hidden = true;
      this._keys = element("div", "hxc-keys");
      this._keys.tabIndex = 0;
      this._keys.setAttribute("role", "application");
      this._keys.setAttribute("aria-label", strings.keyboard);
      this._container.append(this._keys, this._bar, this._notice, this._message);
      this.tooltip = new hexacross.Tooltip(this._container, strings);
    },

    _offerBasemap: function () {
      if (!this.basemap) return;
      const set = (name) => (shown) => {
        this.basemap[name] = shown;
        this.repaint();
      };
      this.layers.offer("borders", this.strings.borders, true, set("showBorders"));
      this.layers.offer("names", this.strings.names, true, set("showNames"));
    },

    _offerOutlines: function () {
      const labels = { cross: this.strings.outlineCross, antenna: this.strings.outlineAntenna };
      for (const kind of this.outlines.kinds()) {
        if (!labels[kind]) continue;
        this.layers.offer(kind, labels[kind], this.outlines.shown[kind], (shown) => {
          this.outlines.shown[kind] = shown;
          this.repaint();
        });
      }
    },

    /** Say once that the basemap is not there ("index"), not all of it ("tile"), or not the tile server's ("server"). */
    _noBasemap: function (what) {
      if (this._basemapMissed) return;
      this._basemapMissed = true;
      const { noBasemap, partialBasemap, noTileServer } = this.strings;
      const words = { index: noBasemap, tile: partialBasemap, server: noTileServer };
      this._container.appendChild(element("div", "hxc-no-basemap", words[what]));
    },

    _listen: function (map) {
      map.on("mousemove", this._move, this).on("mouseout", this._leave, this).on("click", this._click, this);
      map.on("moveend zoomend", this._reshow, this);
      L.DomEvent.on(this._keys, "keydown", this._key, this);
      L.DomEvent.on(this._container, "keydown", (event) => event.key === "Escape" && this._free());
      this._resizes = new ResizeObserver(() => map.invalidateSize({ animate: false }));
      this._resizes.observe(this._container);
    },

    // ── The address ──────────────────────────────────────────────────────────────────────────────────────────────

    _watch: function () {
      const parameters = new URLSearchParams(this._page().location.search);
      const pin = parameters.get(this.options.pinParameter) || "";
      parameters.delete(this.options.pinParameter);
      parameters.delete("zone"); // drawn over the hexagons, which do not depend on it
      const query = parameters.toString();
      if (pin !== this._pinAsked) {
        this._pinAsked = pin;
        this._pinFromAddress();
      }
      if (query === this._query) return;
      this._query = query;
      this.failures = 0;
      this._fetch();
    },

    /** The window whose address is the view: the page that holds the map, when it is one of ours. */
    _page: function () {
      if (this.options.follow !== "parent" || window.parent === window) return window;
      try {
        return window.parent.location.search === undefined ? window : window.parent;
      } catch (error) {
        if (error instanceof DOMException) return window; // held by a page of another origin
        throw error;
      }
    },

    // ── What changes ─────────────────────────────────────────────────────────────────────────────────────────────

    _follow: function () {
      this._live = new window.hexacrossLive.Follower({
        url: this.options.changes,
        shown: () => this.version,
        touches: (change) => window.hexacrossLive.concerns(change, this.viewKey, new URLSearchParams(this._query)),
        refresh: () => this._fetch(),
        told: () => this._tellOutage(),
      });
    },

    /** Say since when the store or the server is away, over the picture that stays; take it up again when it is back. */
    _tellOutage: function () {
      const words = this._outage();
      if (words) this._say(words);
      else if (this._told) this._notice.hidden = true;
      if (!words && this.failures) this._fetch();
      this._told = Boolean(words);
    },

    _outage: function () {
      if (!this._live) return "";
      const locale = this.hexagons && this.hexagons.header.locale === "en" ? "en-GB" : "fr-FR";
      return window.hexacrossLive.outage(this._live.state, this.hexagons ? this._live.freshAt || this._freshAt : 0, this.strings, locale);
    },

    _say: function (words, ...buttons) {
      this._notice.classList.toggle("hxc-away", !buttons.length);
      this._notice.replaceChildren(element("span", "", words), ...buttons);
      this._notice.hidden = false;
    },

    // ── Fetching ─────────────────────────────────────────────────────────────────────────────────────────────────

    /** Fetch the view of the address; the picture there is stays until the other one has come. Whether it has. */
    _fetch: async function () {
      if (this._request) this._request.abort();
      clearTimeout(this._retry);
      const request = (this._request = new AbortController());
      const slow = setTimeout(() => this._bar.classList.add("hxc-on"), SLOW_MS);
      this._container.dataset.state = "loading";
      try {
        this._accept(await this._read(request));
        return true;
      } catch (error) {
        if (!request.signal.aborted) this._fail(error);
        return false;
      } finally {
        clearTimeout(slow);
        if (this._request === request) this._bar.classList.remove("hxc-on");
      }
    },

    /** Throws a TypeError (unreachable), a Refusal, or what `decode` throws. */
    _read: async function (request) {
      const answer = await fetch(`${this.options.url}?${this._query}`, { signal: request.signal });
      if (!answer.ok) throw await Refusal.of(answer);
      if (!(answer.headers.get("Content-Type") || "").startsWith("application/octet-stream")) throw new RangeError("no payload");
      const hexagons = hexacross.decode(await answer.arrayBuffer());
      hexagons.version = Number(answer.headers.get("Hexacross-Version")); // 0: the server does not say
      return hexagons;
    },

    _accept: function (hexagons) {
      const { header } = hexagons;
      const hovered = this.hovered >= 0 ? this.hexagons.name(this.hovered) : "";
      Object.assign(this, { hexagons, version: hexagons.version, failures: 0, _freshAt: Date.now() });
      this.hovered = hovered ? hexagons.find(hovered) : -1;
      this._notice.hidden = true;
      this._message.textContent = header.message;
      this._message.hidden = !header.message;
      if (this.basemap) this.basemap.english = header.locale === "en";
      this.legend.update(header);
      this.insets.show(header.view.national);
      this._pinFromAddress();
      if (header.view.key !== this.viewKey) {
        this.viewKey = header.view.key;
        hexacross.whenSized(this._map, () => this._goHome());
      }
      this.repaint();
      this.outlines.load(header.outlines);
      this._container.dataset.state = "ready";
      this._container.dataset.hexagons = String(hexagons.count);
      this._map.fire("hexacross:ready", { header, count: hexagons.count });
      if (this._live) this._live.check();
    },

    _fail: function (error) {
      const wait = RETRY_S[Math.min(this.failures, RETRY_S.length - 1)];
      this.failures += 1;
      this._container.dataset.state = "error";
      this._retry = setTimeout(() => this._fetch(), 1000 * wait);
      const outage = this._outage();
      if (outage) return this._say(outage);
      const reason = error instanceof Refusal ? error.say(this.strings) : error instanceof TypeError ? this.strings.unreachable : this.strings.unreadable;
      const words = [fill(this.strings.failed, { reason, seconds: wait })];
      if (this.hexagons) words.push(this.strings.oldPicture);
      const again = element("button", "", this.strings.retry);
      again.type = "button";
      again.onclick = () => this._fetch();
      this._say(words.join(" "), again);
    },

    /** Show the whole territory, clear of the legend and of the insets. */
    _goHome: function () {
      if (!this.hexagons) return;
      const { bounds } = this.hexagons.header.view;
      const size = this._map.getSize();
      const left = Math.min(this.legend.width() + 24, size.x * 0.4);
      this._map.fitBounds(bounds, {
        paddingTopLeft: [left, 16],
        paddingBottomRight: [this.insets.width() + 16, 16],
        animate: false,
      });
    },

    // ── Painting ─────────────────────────────────────────────────────────────────────────────────────────────────

    repaint: function () {
      if (this._waiting) return;
      this._waiting = requestAnimationFrame(() => {
        this._waiting = 0;
        if (!this._map) return;
        for (const canvas of Object.values(this._canvases)) canvas.repaint();
        this.insets.repaint();
      });
    },

    _paintHexagons: function (frame) {
      if (!this.hexagons) return;
      const painted = this.hexagons.paint(frame, this.colours);
      this._container.dataset.painted = String(painted);
    },

    _paintLines: function (frame) {
      const taken = this._panelBoxes();
      if (this.basemap) this.basemap.paintOver(frame);
      this.outlines.paint(frame);
      this.outlines.paintNames(frame, taken);
      if (this.basemap) this.basemap.paintNames(frame, taken);
    },

    /** Where panels hide the map, in layer pixels: no name is written behind them. */
    _panelBoxes: function () {
      const map = this._container.getBoundingClientRect();
      const boxes = [this.zoom, this.layers, this.insets, this.scale, this.legend, ...this.tools].map((control) => control.getContainer().getBoundingClientRect());
      return boxes.filter(({ width }) => width).map(({ left, top, right, bottom }) => {
        const first = this._map.containerPointToLayerPoint([left - map.left, top - map.top]);
        const last = this._map.containerPointToLayerPoint([right - map.left, bottom - map.top]);
        return [first.x, first.y, last.x, last.y];
      });
    },

    _paintInset: function (frame) {
      if (this.basemap) this.basemap.paintGround(frame);
      if (this.hexagons && this.layers.shows("hexagons")) this.hexagons.paint(frame, this.colours);
      this.outlines.paint(frame);
    },

    _paintMarks: function (frame) {
      if (!this.hexagons) return;
      for (const [i, width] of [[this.hovered, 2], [this.pinned, 3]]) {
        if (i < 0) continue;
        const { context } = frame;
        context.beginPath();
        this.hexagons.trace(frame, i);
        context.lineJoin = "round";
        context.strokeStyle = this.colours.halo;
        context.lineWidth = width + 2.5;
        context.stroke();
        context.strokeStyle = this.colours.accent;
        context.lineWidth = width;
        context.stroke();
      }
    },

    // ── Mouse and keyboard ───────────────────────────────────────────────────────────────────────────────────────

    _at: function ({ lat, lng }) {
      if (!this.hexagons || !this.hexagons.count) return -1;
      return this.hexagons.find(h3.latLngToCell(lat, lng, this.hexagons.header.resolution));
    },

    _move: function (event) {
      this._hover(this._at(event.latlng), event.containerPoint);
    },

    _leave: function () {
      this._hover(-1);
    },

    _hover: function (i, point) {
      const changed = i !== this.hovered;
      this.hovered = i;
      if (changed) this._canvases.marks.repaint();
      this._container.style.cursor = i >= 0 ? "pointer" : "";
      this._hoverPoint = point;
      this._reshow();
    },

    /** The hexagon under the mouse or reached by the keyboard speaks; without one, the pinned hexagon while in sight. */
    _reshow: function () {
      if (this.hovered >= 0) {
        const point = this._hoverPoint || this._point(this.hovered);
        this.tooltip.show(this.hexagons, this.hovered, point, this.hovered === this.pinned);
      } else if (this.pinned >= 0 && this._inSight(this._point(this.pinned))) {
        this.tooltip.show(this.hexagons, this.pinned, this._point(this.pinned), true);
      } else {
        this.tooltip.hide();
      }
    },

    _inSight: function ({ x, y }) {
      const size = this._map.getSize();
      return x >= 0 && y >= 0 && x <= size.x && y <= size.y;
    },

    _point: function (i) {
      const [lat, lng] = h3.cellToLatLng(this.hexagons.cell(i));
      return this._map.latLngToContainerPoint([lat, lng]);
    },

    /** Pins; the click goes on to whoever else listens to the map (the page, through st_folium). */
    _click: function (event) {
      this._pin(this._at(event.latlng));
    },

    _pin: function (i) {
      this.pinned = i;
      this._canvases.marks.repaint();
      this._reshow();
      this._map.fire("hexacross:pin", { cell: i < 0 ? null : this.hexagons.name(i) });
    },

    _pinFromAddress: function () {
      this.pinned = this.hexagons && this._pinAsked ? this.hexagons.find(this._pinAsked) : -1;
      this._canvases.marks.repaint();
      this._reshow();
    },

    _free: function () {
      this.hovered = -1;
      this._pin(-1);
    },

    _key: function (event) {
      if (!this.hexagons || !this.hexagons.count) return;
      if (event.key in ARROWS) this._step(ARROWS[event.key]);
      else if (event.key === "Enter" || event.key === " ") this._enter();
      else return;
      L.DomEvent.stop(event);
    },

    _enter: function () {
      if (this.hovered < 0) return;
      const [lat, lng] = h3.cellToLatLng(this.hexagons.cell(this.hovered));
      const latlng = L.latLng(lat, lng);
      this._map.fire("click", { latlng, layerPoint: this._map.latLngToLayerPoint(latlng), containerPoint: this._point(this.hovered) });
    },

    /** To the nearest hexagon within 60° of the arrow's direction, over gaps of a few hexagons. */
    _step: function (direction) {
      const from = this.hovered >= 0 ? this.hovered : this.pinned >= 0 ? this.pinned : this._middle();
      const next = this.hovered < 0 && this.pinned < 0 ? from : this._neighbour(from, direction);
      if (next < 0) return;
      const point = this._point(next);
      const size = this._map.getSize();
      if (point.x < 40 || point.y < 40 || point.x > size.x - 40 || point.y > size.y - 40) {
        const [lat, lng] = h3.cellToLatLng(this.hexagons.cell(next));
        this._map.panTo([lat, lng], { animate: false });
      }
      this._hover(next);
    },

    _neighbour: function (from, direction) {
      const { hexagons } = this;
      const start = hexagons.name(from);
      for (let ring = 1; ring <= MAX_RINGS; ring += 1) {
        let best = -1;
        let least = 45;
        for (const index of h3.gridRing(start, ring)) {
          const i = hexagons.find(index);
          if (i < 0) continue;
          const angle = (Math.atan2(hexagons.y[i] - hexagons.y[from], hexagons.x[i] - hexagons.x[from]) * 180) / Math.PI;
          const turn = Math.abs(((angle - direction + 540) % 360) - 180);
          if (turn < least) [best, least] = [i, turn];
        }
        if (best >= 0) return best;
      }
      return -1;
    },

    _middle: function () {
      const centre = this._map.getCenter();
      const x = hexacross.worldX(centre.lng);
      const y = hexacross.worldY(centre.lat);
      let best = 0;
      let least = Infinity;
      for (let i = 0; i < this.hexagons.count; i += 1) {
        const distance = (this.hexagons.x[i] - x) ** 2 + (this.hexagons.y[i] - y) ** 2;
        if (distance < least) [best, least] = [i, distance];
      }
      return best;
    },
  });

  /** An answer other than 200, with the reason the server gave in words, if it did. */
  class Refusal extends Error {
    constructor(status, words) {
      super(`HTTP ${status}`);
      Object.assign(this, { status, words });
    }
    static async of(answer) {
      const json = (answer.headers.get("Content-Type") || "").startsWith("application/json");
      const body = json ? await answer.json() : {};
      return new Refusal(answer.status, typeof body.error === "string" ? body.error : "");
    }
    say(strings) {
      return this.words || fill(strings.refused, { status: this.status });
    }
  }

  hexacross.hexagonLayer = (options) => new HexagonLayer(options);
})();
