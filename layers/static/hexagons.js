// The layer itself: follows the page's address, asks for what is in sight, paints, answers the mouse and the keyboard.
(function () {
  "use strict";
  const hexacross = L.hexacross;
  const { element, fill } = hexacross;

  const FONT_FAMILY = "Source Sans"; // that ships with Streamlit
  const WATCH_MS = 20; // of an address that changes, not every page tells
  const RETRY_S = [2, 5, 10, 30]; // then 30 for ever
  const SLOW_MS = 120; // a bar that flashes for less says nothing
  const ARROWS = { ArrowRight: 0, ArrowDown: 90, ArrowLeft: 180, ArrowUp: -90 }; // degrees, clockwise on the screen
  const MAX_RINGS = 12; // how far the keyboard looks for the next hexagon
  const DESCRIBED_MS = 10_000; // notes and ages of sources may be as old as that
  const WHOLE_MS = 1500; // a new view replaces the old one when all of it is there, or after this
  const PULSE_MS = 3000; // an event that arrives pulses three times
  const PULSES = 3;
  const ALERTS_MS = 500; // the page says from where to fetch the outlines of territories in alert
  const BEAT_MS = 80; // between two pictures of a pulse: a wall that shows five events a second does little else

  /**
   * The options are those of layers/hexagons.py. A page of several maps gives each some more: `address()`, whose view it
   * shows instead of the page's; `legend`, a part of theirs, and no tools; `home()`, how to go to its territory; `workers`.
   */
  const HexagonLayer = L.Layer.extend({
    initialize: function (options) {
      L.Util.setOptions(this, options);
      // `view` is what is shown, `coming` the one that replaces it once its hexagons are there.
      Object.assign(this, { view: null, coming: null, hovered: "", pinned: "", viewKey: null, failures: 0, version: 0, pulses: new Map() });
      this.colours = options.colours;
      this.strings = options.strings;
    },

    onAdd: function (map) {
      this._map = map;
      this._container = map.getContainer();
      this._container.classList.add("hxc-map", `hxc-${this.colours.name}`);
      this.workers = this.options.workers || new hexacross.TileWorkers();
      if (this.options.walks === false) this._container.classList.add("hxc-without-time");
      this._queue = new hexacross.PaintQueue(map);
      this._asker = { paint: () => this.advance(), paintedAt: 0 };
      this._setColours();
      this._zooms(map);
      this._panels(map);
      this._panes(map);
      this._offerBasemap();
      this._listen(map);
      const page = this._page();
      if (page !== window) hexacross.adoptFont(page, FONT_FAMILY).then(() => this.repaint("lines"));
      this._watch();
      this._watcher = setInterval(() => this._watch(), WATCH_MS);
      this._heeding = new AbortController();
      const { signal } = this._heeding;
      page.addEventListener("hexacross:address", () => this._watch(), { signal });
      window.addEventListener("pagehide", () => this._heeding.abort(), { signal }); // or the page would hold this one for ever
      this._alertWatcher = setInterval(() => this._watchAlerts(), ALERTS_MS);
      if (this.options.changes) this._follow();
    },

    onRemove: function (map) {
      clearInterval(this._watcher);
      clearInterval(this._alertWatcher);
      this._heeding.abort();
      clearTimeout(this._retry);
      if (this._live) this._live.stop();
      if (this._request) this._request.abort();
      if (!this.options.workers) this.workers.stop(); // those of several maps are not ours
      this._resizes.disconnect();
      for (const canvas of Object.values(this._canvases)) canvas.remove();
      if (this.tileServer) this.tileServer.remove();
      map.off("mousemove", this._move, this).off("mouseout", this._leave, this).off("click", this._click, this);
      map.off("moveend zoomend", this._reshow, this);
      map.off("moveend", this._moved, this);
      for (const control of [this.legend, this.ages, this.insets, this.layers, this.zoom, this.scale, ...this.tools]) control.remove();
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
      const canvas = (name, order, paint, options) => {
        const layer = new hexacross.CanvasLayer(paint, { pane: hexacross.pane(map, name, order), queue: this._queue, ...options });
        return layer.addTo(map);
      };
      const repaint = () => this.repaint("ground", "lines", "insets");
      this.basemap = this.options.basemap
        ? new hexacross.Basemap(this.options.basemap, this.colours, repaint, (what) => this._noBasemap(what))
        : null;
      this.outlines = new hexacross.Outlines(this.colours, () => {
        this._offerOutlines();
        this.repaint("lines", "insets");
      });
      this.alerts = new hexacross.Outlines(this.colours, () => this.repaint("lines", "insets"));
      this._canvases = {
        ground: canvas("hxc-ground", 200, (frame) => this.basemap && this.basemap.paintGround(frame, this.tileServer && this.tileServer.seen)),
        hexagons: canvas("hxc-hexagons", 400, (frame) => this._paintHexagons(frame)),
        lines: canvas("hxc-lines", 430, (frame) => this._paintLines(frame)),
        marks: canvas("hxc-marks", 460, (frame) => this._paintMarks(frame), { isBlank: () => !(this.hovered || this.pinned || this.pulses.size) }),
      };
      this.tileServer = this.options.tiles
        ? new hexacross.TileServer(map, this.options.tiles, "hxc-ground", repaint, (what) => this._noBasemap(what))
        : null;
      this.layers.offerPane("hexagons", this.strings.hexagons, map.getPane("hxc-hexagons"), () => this.repaint("insets"));
      if (this.basemap) this.layers.offerPane("ground", this.strings.ground, map.getPane("hxc-ground"));
    },

    _panels: function (map) {
      const { strings, colours, options } = this;
      this.zoom = new hexacross.ZoomControl(strings, () => this._goHome()).addTo(map);
      this.walk = new hexacross.Walk(this, () => this._page(), colours, strings).addTo(map);
      this.layers = new hexacross.LayersControl(strings, hexacross.memoryOf(this._page())).addTo(map);
      this.insets = new hexacross.Insets(options.insets, strings, this._queue, (frame) => this._paintInset(frame)).addTo(map);
      this.scale = L.control.scale({ position: "bottomright", imperial: false, maxWidth: 120 }).addTo(map);
      this.tools = options.legend ? [] : hexacross.tools(map, { colours, strings, page: () => this._page(), changes: options.changes });
      this.ages = new hexacross.SourceAges(strings, { page: () => this._page(), renew: () => this._live && this._refresh() }).addTo(map);
      this.legend = options.legend || new hexacross.Legend(colours, strings, this.ages).addTo(map);
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
        this.repaint("ground", "lines", "insets");
      };
      this.layers.offer("borders", this.strings.borders, true, set("showBorders"));
      this.layers.offer("names", this.strings.names, true, set("showNames"));
    },

    _offerOutlines: function () {
      const labels = { cross: this.strings.outlineCross, antenna: this.strings.outlineAntenna, jurisdiction: this.strings.outlineAntenna };
      for (const kind of this.outlines.kinds()) {
        if (!labels[kind]) continue;
        this.layers.offer(kind, labels[kind], this.outlines.shown[kind], (shown) => {
          this.outlines.shown[kind] = shown;
          this.repaint("lines", "insets");
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
      map.on("moveend", this._moved, this);
      L.DomEvent.on(this._keys, "keydown", this._key, this);
      L.DomEvent.on(this._container, "keydown", (event) => event.key === "Escape" && this._free());
      this._resizes = new ResizeObserver(() => {
        const stays = this._isLed || this._isHome(); // nobody has moved it
        map.invalidateSize({ animate: false });
        if (stays) this._goHome();
      });
      this._resizes.observe(this._container);
    },

    // ── The address ──────────────────────────────────────────────────────────────────────────────────────────────

    _watch: function () {
      const search = this.options.address ? this.options.address() : this._page().location.search;
      if (search === this._searched) return;
      this._searched = search;
      const parameters = new URLSearchParams(search);
      const pin = parameters.get(this.options.pinParameter) || "";
      parameters.delete(this.options.pinParameter);
      parameters.delete("zone"); // drawn over the hexagons, which do not depend on it
      const query = parameters.toString();
      if (pin !== this._pinAsked) {
        const isElsewhere = pin && pin !== this.pinned && this.view; // it was not clicked on this map
        this._pinAsked = pin;
        this._pinFromAddress();
        if (isElsewhere && this.pinned) this._goTo(pin);
      }
      if (query === this._query) return;
      this._query = query;
      this.failures = 0;
      this._fetch();
    },

    /** Territories in alert: the page says where they are to be had, under another address when they change. */
    _watchAlerts: function () {
      const place = this._page().document.querySelector("[data-outlines]");
      if (place && this.view) this.alerts.load(place.dataset.outlines);
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

    /**
     * For a page that leads the map through views, each in its turn: show one, given as an address, at a zoom or (null) as
     * large as its territory fits. Resolves once all of it is there; a view that another one replaced never does.
     */
    lead: function (query, zoom = null) {
      Object.assign(this, { zoomAsked: zoom, _isLed: true });
      this.viewKey = null; // the map goes there, wherever it is
      window.history.replaceState(null, "", `?${query}`);
      const isThere = new URLSearchParams(query).toString() === this._query;
      this._watch();
      return new Promise((resolve) => {
        this._led = resolve;
        if (!isThere || !this.view || this.coming) return;
        this.viewKey = this.view.description.view.key;
        this._goHome();
        this._arrived();
      });
    },

    /** Tell who leads the map that what was asked for is there. */
    _arrived: function () {
      if (!this._led || this.coming || this.view.asked !== this._query || this._container.dataset.state !== "ready") return;
      this._led();
      this._led = null;
    },

    // ── What changes ─────────────────────────────────────────────────────────────────────────────────────────────

    _follow: function () {
      this._live = new window.hexacrossLive.Follower({
        url: this.options.changes,
        shown: () => this.version,
        touches: (change) => this._touch(change),
        refresh: () => this._refresh(),
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
      const locale = this.view && this.view.description.locale === "en" ? "en-GB" : "fr-FR";
      return window.hexacrossLive.outage(this._live.state, this.view ? this._live.freshAt || this._freshAt : 0, this.strings, locale);
    },

    _say: function (words, ...buttons) {
      this._notice.classList.toggle("hxc-away", !buttons.length);
      this._notice.replaceChildren(element("span", "", words), ...buttons);
      this._notice.hidden = false;
    },

    // ── Fetching ─────────────────────────────────────────────────────────────────────────────────────────────────

    /** Fetch the view of the address; the picture there is stays until the other one has come. */
    _fetch: function () {
      clearTimeout(this._retry);
      this._container.dataset.state = "loading";
      const fetching = this._asking(async (request) => {
        const { described, version } = await this._describe(request);
        this._come(described, version);
      }).finally(() => {
        if (this._fetching === fetching) this._fetching = null;
      });
      return (this._fetching = fetching);
    },

    /**
     * The tiles that changes have touched, and the description if it is not of just now; whether all of it came. A view
     * that is on its way is let come: begun again at each change, it would never be there on a slow machine.
     */
    _refresh: function () {
      const { view } = this;
      if (this._fetching) return this._fetching;
      if (this.coming) return new Promise((come) => this._map.once("hexacross:view", () => come(true)));
      if (!view || view.walk) return this._fetch();
      const touched = this._live.touched;
      this.advance(); // asks for the tiles
      this.repaint("insets"); // which ask for theirs
      return this._asking(async (request) => {
        if (this._everything || Date.now() - this._describedAt > DESCRIBED_MS) {
          view.renew((await this._describe(request)).described);
          this._tell(view);
        }
        await view.settled();
        if (this.view !== view) return; // another one took its place, with a version of its own
        this.version = Math.max(this.version, touched);
        this._freshAt = Date.now();
      });
    },

    /** Run a request that replaces the one before; a fault is told on the map. */
    _asking: async function (ask) {
      if (this._request) this._request.abort();
      const request = (this._request = new AbortController());
      const slow = setTimeout(() => this._bar.classList.add("hxc-on"), SLOW_MS);
      try {
        await ask(request);
        return true;
      } catch (error) {
        if (!request.signal.aborted) this._fail(error);
        return false;
      } finally {
        clearTimeout(slow);
        if (this._request === request && !this.coming) this._bar.classList.remove("hxc-on");
      }
    },

    _describe: async function (request) {
      const zoom = this._isElsewhere() ? "" : `&zoom=${Math.round(this._map.getZoom())}`; // of the tiles that will be asked for
      const answer = await read(`${this.options.url}?${this._query}${zoom}`, request.signal);
      Object.assign(this, { _describedAt: Date.now(), _everything: false });
      const clock = Date.parse(answer.headers.get("Date")) - Date.now() || 0; // of a wall it may be wrong by days
      return { described: { ...(await answer.json()), clock }, version: Number(answer.headers.get("Hexacross-Version")) };
    },

    /** Whether the map will move for the view of the address. */
    _isElsewhere: function () {
      return (new URLSearchParams(this._query).get("territoire") || "") !== this.viewKey;
    },

    /** A view that is to be shown: the map goes where it is, and asks for what is in sight there. */
    _come: function (described, version) {
      if (this.coming && !this.coming.walk) this.coming.close();
      const language = new URLSearchParams(this._query).get("langue") || "";
      const coming = Object.assign(new hexacross.MapView(this, described, version, language), { asked: this._query });
      if (this.view && this.view.description.view.key === described.view.key) coming.homeZoom = this.view.homeZoom;
      this._await(coming);
      if (described.view.key !== this.viewKey) {
        this.viewKey = described.view.key;
        hexacross.whenSteady(this._map, () => this._goHome());
      }
      this.advance();
    },

    _await: function (view) {
      this.coming = view;
      clearTimeout(this._wholeness);
      this._wholeness = setTimeout(() => this._show(), WHOLE_MS);
    },

    /** Show the view that came instead of the old one. */
    _show: function () {
      const { coming } = this;
      if (!coming || !this._map) return;
      clearTimeout(this._wholeness);
      if (this.view && !this.view.walk) this.view.close();
      Object.assign(this, { view: coming, coming: null, version: coming.version, failures: 0, _freshAt: Date.now() });
      this._notice.hidden = true;
      this._bar.classList.remove("hxc-on");
      this._canvases.hexagons.paint();
      this._tell(coming);
      this.insets.show(coming.description.view.national);
      this._pinFromAddress();
      this.outlines.load(coming.description.outlines);
      this.repaint("lines", "insets");
      this._map.fire("hexacross:view", { view: coming });
      if (this._live) this._live.check();
      if (!coming.walk) this._sayPainted(coming);
    },

    /** Tell the server once the picture is on the screen: the rest of the page waits for it (dashboard/map_first.py). */
    _sayPainted: function (view) {
      if (this._page() === window) return; // alone: nothing waits
      requestAnimationFrame(() => requestAnimationFrame(() => view.sayPainted()));
    },

    /** Classes by resolution: all steps of a walk share them, a view without one has its own. */
    levelsOf: function ({ length }) {
      if (!length) return new Map();
      const walks = String(length).endsWith("h") ? ["du", "au", "heures"] : ["du", "au"]; // what its steps change
      const walked = `${new URLSearchParams([...new URLSearchParams(this._query)].filter(([name]) => !walks.includes(name)))} ${length}`;
      if (this._walked !== walked) Object.assign(this, { _walked: walked, _walkLevels: new Map() });
      return this._walkLevels;
    },

    // A walk through time: its steps are views like any other, made and kept by who walks (time.js).

    walkingView: function (walk) {
      const { description, version, language, homeZoom } = this.view;
      return Object.assign(new hexacross.MapView(this, description, version, language, walk), { homeZoom });
    },

    /** Go to a step by hand: it is shown when it is there. */
    comeWalking: function (view) {
      if (view === this.view) return;
      this._await(view);
      this.advance();
    },

    /** Have a step fetched and painted before its turn. */
    prepareWalking: function (view) {
      if (view !== this.view) view.follow(this._canvases.hexagons.frame(), this.options.zooms);
    },

    isPrepared: function (view) {
      return view === this.view || view.follow(this._canvases.hexagons.frame(), this.options.zooms);
    },

    showWalking: function (view) {
      this.coming = view;
      this._show();
    },

    /** Say beside the map what it shows. */
    _tell: function ({ description }) {
      this._message.textContent = description.message;
      this._message.hidden = !description.message;
      if (this.basemap) this.basemap.english = description.locale === "en";
      this._legendFor = null;
      this._recount();
    },

    /** Whether a change touches what is shown; its tiles are then out of date. */
    _touch: function (change) {
      this.workers.age();
      for (const view of this.walk.views.values()) view.tiles.touch(change); // of other days
      if (!window.hexacrossLive.concerns(change, this.viewKey, new URLSearchParams(this._query))) return false;
      this._everything = this._everything || change.everything;
      for (const view of [this.view, this.coming]) if (view) view.tiles.touch(change);
      return true;
    },

    _fail: function (error) {
      if (this._container.dataset.state === "error") return; // of several tiles one tells it, and the next try is on its way
      const wait = RETRY_S[Math.min(this.failures, RETRY_S.length - 1)];
      this.failures += 1;
      this._container.dataset.state = "error";
      clearTimeout(this._retry);
      this._retry = setTimeout(() => this._fetch(), 1000 * wait);
      const outage = this._outage();
      if (outage) return this._say(outage);
      const reason = error instanceof Refusal ? error.say(this.strings) : error instanceof TypeError ? this.strings.unreachable : this.strings.unreadable;
      const words = [fill(this.strings.failed, { reason, seconds: wait })];
      if (this.view) words.push(this.strings.oldPicture);
      const again = element("button", "", this.strings.retry);
      again.type = "button";
      again.onclick = () => this._fetch();
      this._say(words.join(" "), again);
    },

    /** Show the whole territory, clear of the legend and of the insets. */
    _goHome: function () {
      const held = this.coming || this.view;
      if (!held) return;
      if (this.options.home) return this.options.home();
      const { bounds } = held.description.view;
      this.insets.show(held.description.view.national); // takes its room before the rest is divided
      const size = this._map.getSize();
      const left = Math.min(this.legend.width() + 24, size.x * 0.4);
      this._map.fitBounds(bounds, {
        paddingTopLeft: [left, 16],
        paddingBottomRight: [this.insets.width() + 16, this.walk.height(Boolean(held.description.step)) + 16],
        animate: false,
      });
      if (this.zoomAsked) this._map.setZoom(this.zoomAsked, { animate: false });
      held.homeZoom = this._map.getZoom();
      this._home = this._map.getCenter();
    },

    /** Whether the map stands where it was sent home: as its frame grows with the page, it still shows the whole. */
    _isHome: function () {
      const { _map: map, _home: home } = this;
      const held = this.coming || this.view;
      if (!home || !held || map._animatingZoom || map.getZoom() !== held.homeZoom) return false;
      return map.latLngToLayerPoint(home).distanceTo(map.latLngToLayerPoint(map.getCenter())) < 1;
    },

    /** Show a hexagon and its surroundings, at a zoom at which hexagons are that small. */
    _goTo: function (cell) {
      const [least, most] = this.options.zooms;
      let zoom = Math.max(least, Math.ceil(this._map.getZoom()));
      while (zoom < most && this.view.resolutionAt(zoom) < h3.getResolution(cell)) zoom += 1;
      this._map.setView(h3.cellToLatLng(cell), Math.max(zoom, this._map.getZoom()), { animate: false });
    },

    // ── Painting ─────────────────────────────────────────────────────────────────────────────────────────────────

    /** Have canvases drawn anew, by name; "insets" too. */
    repaint: function (...names) {
      for (const name of names) (name === "insets" ? this.insets : this._canvases[name]).repaint();
    },

    /** Ask for what is in sight; show the view that comes as soon as all of it is there. */
    advance: function () {
      const { coming, view } = this;
      if (!this._map || !(coming || view)) return;
      const whole = (coming || view).follow(this._canvases.hexagons.frame(), this.options.zooms);
      if (coming && whole) this._show();
      if (!whole) this._isBehind();
      this._recountSoon();
    },

    /** Something of a view has come: `painted`, a picture; `inset`: of a place that a small map shows. */
    heard: function (view, { painted, inset }) {
      this.advance();
      if (painted && view === (this.view || this.coming)) this.repaint("hexagons");
      if (inset) this.repaint("insets");
    },

    /** The same once what is there has been drawn where the map is now: workers would take that time. */
    _goOn: function () {
      this._queue.add(this._asker);
    },

    _moved: function () {
      if (this.view) this.view.isWhole = false; // until what is in sight now was asked for
      this._isBehind();
      this._goOn();
    },

    _isBehind: function () {
      if (this._container.dataset.state === "ready") this._container.dataset.state = "loading";
    },

    _paintHexagons: function (frame) {
      this._goOn();
      const shown = this.view || this.coming;
      if (shown) shown.draw(frame, this.options.zooms);
    },

    /** The legend counts what is in sight; while the map moves, ten times a second at most. */
    _recountSoon: function () {
      if (this._recounting) return;
      this._recounting = setTimeout(() => {
        this._recounting = 0;
        if (this._map && this.view) this._recount();
      }, 100);
    },

    _recount: function () {
      const { view, _map: map } = this;
      const counted = view.counted(this._frameInSight());
      if (!counted) return;
      if (this._legendFor !== counted.level) this.legend.update(view.legend(counted));
      else this.legend.recount(counted.classes, counted.states);
      this._legendFor = counted.level;
      Object.assign(this._container.dataset, { painted: counted.inSight, hexagons: counted.loaded });
      if (!view.isWhole || this.coming) return;
      this._container.dataset.state = "ready";
      map.fire("hexacross:ready", { description: view.description, count: counted.loaded });
      this._arrived();
    },

    /** What the window shows of the map, without the canvas's margins. */
    _frameInSight: function () {
      const { x, y } = this._map.getSize();
      const corner = this._map.containerPointToLayerPoint([0, 0]);
      const origin = this._map.getPixelOrigin();
      return new hexacross.Frame(null, this._map.options.crs.scale(this._map.getZoom()), origin.x, origin.y, x, y, corner.x, corner.y);
    },

    _paintLines: function (frame) {
      const taken = this._panelBoxes();
      if (this.basemap) this.basemap.paintOver(frame);
      this.outlines.paint(frame);
      this.alerts.paint(frame);
      this.alerts.paintAlerts(frame, taken, this.strings.inAlert);
      this.outlines.paintNames(frame, taken);
      if (this.basemap) this.basemap.paintNames(frame, taken);
    },

    /** Where panels hide the map, in layer pixels: no name is written behind them. */
    _panelBoxes: function () {
      const map = this._container.getBoundingClientRect();
      const boxes = [this.zoom, this.layers, this.insets, this.scale, this.legend, ...this.tools].map((control) => control.getContainer().getBoundingClientRect());
      if (this._isLed) boxes.push(...around(map)); // nobody moves it: a name cut by its edge would stay cut
      return boxes.filter(({ width }) => width).map(({ left, top, right, bottom }) => {
        const first = this._map.containerPointToLayerPoint([left - map.left, top - map.top]);
        const last = this._map.containerPointToLayerPoint([right - map.left, bottom - map.top]);
        return [first.x, first.y, last.x, last.y];
      });
    },

    _paintInset: function (frame) {
      if (this.basemap) this.basemap.paintGround(frame);
      if (this.view && this.view.description.view.national && this.layers.shows("hexagons")) this.view.paintInset(frame, this.options.zooms);
      this.outlines.paint(frame);
      this.alerts.paint(frame);
    },

    _paintMarks: function (frame) {
      const { context } = frame;
      context.lineJoin = "round";
      for (const [cell, width] of [[this.hovered, 2], [this.pinned, 3]]) {
        if (cell) this._ring(frame, cell, width, 1);
      }
      this._paintPulses(frame);
    },

    _ring: function (frame, cell, width, alpha) {
      const { context } = frame;
      context.beginPath();
      hexacross.trace(frame, hexacross.shapeOf(cell));
      context.globalAlpha = alpha;
      context.strokeStyle = this.colours.halo;
      context.lineWidth = width + 2.5;
      context.stroke();
      context.strokeStyle = this.colours.accent;
      context.lineWidth = width;
      context.stroke();
      context.globalAlpha = 1;
    },

    // ── What has just come ───────────────────────────────────────────────────────────────────────────────────────

    /** Hexagons in which something was added pulse three times; on a screen at rest, their ring stays a moment. */
    pulse: function (cells) {
      const until = performance.now() + PULSE_MS;
      for (const cell of cells) this.pulses.set(cell, until);
      this._container.dataset.pulsed = String(Number(this._container.dataset.pulsed || 0) + cells.length);
      this._beat();
    },

    _beat: function () {
      if (this._beating || !this.pulses.size) return;
      this._beating = setTimeout(() => {
        this._beating = 0;
        if (!this._map) return;
        this.repaint("marks");
        this._beat();
      }, BEAT_MS);
    },

    _paintPulses: function (frame) {
      const now = performance.now();
      const still = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
      for (const [cell, until] of this.pulses) {
        if (until <= now) this.pulses.delete(cell);
        else this._ring(frame, cell, 2, still ? 1 : Math.abs(Math.sin((Math.PI * PULSES * (until - now)) / PULSE_MS)));
      }
    },

    // ── Mouse and keyboard ───────────────────────────────────────────────────────────────────────────────────────

    /** The hexagon of the map's resolution at a place, if it is known: { cell, hexagons, i }. */
    _at: function ({ lat, lng }) {
      if (!this.view) return null;
      return this._known(h3.latLngToCell(lat, lng, this.view.resolutionAt(this._map.getZoom())));
    },

    _known: function (cell) {
      const found = cell && this.view ? this.view.find(cell, this._map.getZoom()) : null;
      return found && { cell, ...found };
    },

    _move: function (event) {
      if (this._map.dragging.moving()) return this._hover(this.hovered, event.containerPoint); // it goes with the hand
      const found = this._at(event.latlng);
      this._hover(found ? found.cell : "", event.containerPoint);
    },

    _leave: function () {
      this._hover("");
    },

    _hover: function (cell, point) {
      this._hoverPoint = point;
      if (cell === this.hovered) return cell && point && this.tooltip.move(point);
      this.hovered = cell;
      this.repaint("marks");
      this._container.style.cursor = cell ? "pointer" : "";
      this._reshow();
    },

    /** The hexagon under the mouse or reached by the keyboard speaks; without one, the pinned hexagon while in sight. */
    _reshow: function () {
      const hovered = this._known(this.hovered);
      const pinned = this._known(this.pinned);
      if (hovered) this._speak(hovered, this._hoverPoint || this._point(this.hovered), this.hovered === this.pinned);
      else if (pinned && this._inSight(this._point(this.pinned))) this._speak(pinned, this._point(this.pinned), true);
      else this.tooltip.hide();
    },

    _speak: function ({ hexagons, i }, point, isPinned) {
      this.view.names().then(() => this._tooltipWaits && this._reshow());
      this._tooltipWaits = !this.view.places;
      this.tooltip.show(this.view, hexagons, i, point, isPinned);
    },

    _inSight: function ({ x, y }) {
      const size = this._map.getSize();
      return x >= 0 && y >= 0 && x <= size.x && y <= size.y;
    },

    _point: function (cell) {
      return this._map.latLngToContainerPoint(h3.cellToLatLng(cell));
    },

    /** Pins; the click goes on to whoever else listens to the map (the page, through st_folium), with the resolution. */
    _click: function (event) {
      const found = this._at(event.latlng);
      if (this.view) event.latlng.alt = this.view.resolutionAt(this._map.getZoom());
      this._pin(found ? found.cell : "");
    },

    _pin: function (cell) {
      this.pinned = cell;
      this.repaint("marks");
      this._reshow();
      this._map.fire("hexacross:pin", { cell: cell || null });
    },

    _pinFromAddress: function () {
      this.pinned = this._pinAsked && h3.isValidCell(this._pinAsked) ? this._pinAsked : "";
      this.repaint("marks");
      this._reshow();
    },

    _free: function () {
      this.hovered = "";
      this._pin("");
    },

    _key: function (event) {
      if (!this.view) return;
      if (event.key in ARROWS) this._step(ARROWS[event.key]);
      else if (event.key === "Enter" || event.key === " ") this._enter();
      else return;
      L.DomEvent.stop(event);
    },

    _enter: function () {
      if (!this.hovered) return;
      const latlng = L.latLng(h3.cellToLatLng(this.hovered));
      this._map.fire("click", { latlng, layerPoint: this._map.latLngToLayerPoint(latlng), containerPoint: this._point(this.hovered) });
    },

    /** To the nearest hexagon within 60° of the arrow's direction, over gaps of a few hexagons. */
    _step: function (direction) {
      const from = this._known(this.hovered) || this._known(this.pinned);
      const next = from ? this._neighbour(from, direction) : this._middle();
      if (!next) return;
      const point = this._point(next);
      const size = this._map.getSize();
      if (point.x < 40 || point.y < 40 || point.x > size.x - 40 || point.y > size.y - 40) {
        this._map.panTo(h3.cellToLatLng(next), { animate: false });
      }
      this._hover(next);
    },

    _neighbour: function (from, direction) {
      for (let ring = 1; ring <= MAX_RINGS; ring += 1) {
        let best = "";
        let least = 45;
        for (const cell of h3.gridRing(from.cell, ring)) {
          const found = this._known(cell);
          if (!found) continue;
          const [x, y] = [found.hexagons.x[found.i], found.hexagons.y[found.i]];
          const angle = (Math.atan2(y - from.hexagons.y[from.i], x - from.hexagons.x[from.i]) * 180) / Math.PI;
          const turn = Math.abs(((angle - direction + 540) % 360) - 180);
          if (turn < least) [best, least] = [cell, turn];
        }
        if (best) return best;
      }
      return "";
    },

    _middle: function () {
      const frame = this._frameInSight();
      const [x, y] = [(frame.west + frame.east) / 2, (frame.north + frame.south) / 2];
      let best = "";
      let least = Infinity;
      this.view.each(frame, (hexagons, i) => {
        const distance = (hexagons.x[i] - x) ** 2 + (hexagons.y[i] - y) ** 2;
        if (distance < least) [best, least] = [hexagons.name(i), distance];
      });
      return best;
    },
  });

  /** Boxes on the four sides of another one. */
  function around({ left, top, right, bottom, width, height }) {
    const [west, north, east, south] = [left - width, top - height, right + width, bottom + height];
    const sides = [[west, north, left, south], [right, north, east, south], [west, north, east, top], [west, bottom, east, south]];
    return sides.map(([x, y, toX, toY]) => ({ left: x, top: y, right: toX, bottom: toY, width: toX - x }));
  }

  async function read(url, signal) {
    const answer = await fetch(url, { signal });
    if (!answer.ok) throw await Refusal.of(answer);
    if (!(answer.headers.get("Content-Type") || "").startsWith("application/json")) throw new RangeError("no description");
    return answer;
  }
  hexacross.read = read;

  /** An answer other than 200, with the reason the server gave in words, if it did. */
  const Refusal = (hexacross.Refusal = class Refusal extends Error {
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
  });

  hexacross.hexagonLayer = (options) => new HexagonLayer(options);
})();
