// Draw a zone, keep it in the page's address, and show the figures that the server has of it.
(function () {
  "use strict";
  const hexacross = L.hexacross;
  const { element, fill } = hexacross;
  const PARAMETER = "zone";
  const WATCH_MS = 250;
  const RETRY_MS = 10_000;
  const MOST_POINTS = 200; // as dashboard/drawing.py
  const LEAST_RADIUS_M = 10;
  const CIRCLE = "cercle";
  const POLYGON = "polygone";

  const degrees = (value) => String(Number(value.toFixed(5)));
  const point = ({ lat, lng }) => `${degrees(lat)},${degrees(lng)}`;

  /** The outline of a zone as the address has it, on the map; null when it is none: the server says why. */
  function outline(text) {
    const [kind, rest = ""] = text.split(":");
    const numbers = rest.split(",").map(Number);
    if (numbers.some((number) => !Number.isFinite(number))) return null;
    if (kind === CIRCLE && numbers.length === 3) return hexacross.circle({ lat: numbers[0], lng: numbers[1] }, numbers[2]);
    if (kind !== POLYGON || numbers.length < 6 || numbers.length % 2) return null;
    return Array.from({ length: numbers.length / 2 }, (_none, i) => ({ lat: numbers[2 * i], lng: numbers[2 * i + 1] }));
  }

  /** The button and what it opens: which shape to draw, and how. */
  hexacross.Zone = L.Control.extend({
    options: { position: "topleft" },

    /** `page()`: the window whose address is the view; `figures`: the panel, a ZoneFigures. */
    initialize: function (colours, strings, page, figures, options) {
      L.Util.setOptions(this, options);
      Object.assign(this, { colours, strings, page, figures, _shown: null });
    },

    onAdd: function (map) {
      const box = element("div", "hxc-tool");
      this._button = element("button", "hxc-panel hxc-tool-button", this.strings.zone);
      this._button.type = "button";
      this._button.setAttribute("aria-expanded", "false");
      this._button.onclick = () => (this._panel.hidden ? this._open() : this._closeUp());
      this._panel = this._made();
      box.append(this._button, this._panel);
      L.DomEvent.disableClickPropagation(box);
      this._settled = new hexacross.SketchLines(map, this.colours, true, this.colours.ink);
      this._drawn = new hexacross.SketchLines(map, this.colours, true);
      this.figures.erase = () => this.write("");
      this.figures.see = () => this.see();
      map.once("hexacross:ready", () => hexacross.whenSteady(map, () => this.see()));
      this._watcher = setInterval(() => this._watch(), WATCH_MS);
      this._watch();
      return box;
    },

    onRemove: function () {
      clearInterval(this._watcher);
      if (this._sketch) this._sketch.stop();
      this._settled.remove();
      this._drawn.remove();
    },

    _made: function () {
      const panel = element("section", "hxc-panel hxc-drop");
      panel.setAttribute("aria-label", this.strings.zone);
      panel.hidden = true;
      const action = (place, words, act) => {
        const button = element("button", "", words);
        button.type = "button";
        button.onclick = act;
        place.appendChild(button);
        return button;
      };
      this._choice = element("div", "hxc-actions hxc-choice");
      action(this._choice, this.strings.zonePolygon, () => this._begin(POLYGON));
      action(this._choice, this.strings.zoneCircle, () => this._begin(CIRCLE));
      this._hint = element("p", "hxc-hint");
      this._hint.setAttribute("role", "status");
      this._radius = element("dl", "hxc-sums");
      this._actions = element("div", "hxc-actions");
      this._finish = action(this._actions, this.strings.closeLine, () => this._sketch.finish(true));
      action(this._actions, this.strings.giveUp, () => this._sketch.giveUp());
      panel.append(this._choice, this._hint, this._radius, this._actions);
      return panel;
    },

    _open: function () {
      this._draw([], null);
      this._panel.hidden = false;
      this._button.setAttribute("aria-expanded", "true");
      this._choice.firstChild.focus({ preventScroll: true });
    },

    _closeUp: function () {
      if (this._sketch) this._sketch.stop();
      this._sketch = null;
      this._drawn.draw({});
      this._panel.hidden = true;
      this._button.setAttribute("aria-expanded", "false");
      this._button.focus({ preventScroll: true });
    },

    _begin: function (kind) {
      this._kind = kind;
      const hint = kind === CIRCLE ? this.strings.zoneCircleHint : this.strings.zonePolygonHint;
      this._hint.textContent = hint;
      this._sketch = new hexacross.Sketch(this._map, {
        label: `${hint} ${this.strings.sketchKeys}`,
        most: kind === CIRCLE ? 2 : MOST_POINTS,
        changed: (points, pointer) => this._draw(points, pointer),
        ended: () => this._ended(),
        givenUp: () => this._closeUp(),
      }).start();
      this._draw([], null);
    },

    _draw: function (points, pointer) {
      const drawing = Boolean(this._sketch);
      this._choice.hidden = drawing;
      this._hint.hidden = this._actions.hidden = !drawing;
      this._finish.hidden = this._kind === CIRCLE || points.length < 3;
      this._radius.replaceChildren();
      if (!drawing) return;
      const towards = pointer ? [...points, pointer] : points;
      if (this._kind === CIRCLE) return this._drawCircle(points, towards);
      this._drawn.draw({ way: points, ahead: towards.length > 2 ? [...towards.slice(-2), towards[0]] : towards.slice(-2), dots: points, area: towards });
    },

    _drawCircle: function (points, towards) {
      if (towards.length < 2 || !points.length) return this._drawn.draw({ dots: points });
      const radius = hexacross.distance(towards[0], towards[1]);
      const ring = hexacross.circle(towards[0], radius);
      this._drawn.draw({ way: [...ring, ring[0]], ahead: towards.slice(0, 2), dots: points, area: ring });
      this._radius.append(element("dt", "", this.strings.radius), element("dd", "", hexacross.sayLength(radius, this.strings.locale)));
    },

    _ended: function () {
      const { points } = this._sketch;
      const text = this._kind === CIRCLE ? this._circleOf(points) : points.length > 2 ? `${POLYGON}:${points.map(point).join(",")}` : "";
      this._closeUp();
      if (text) this.write(text);
    },

    _circleOf: function (points) {
      if (points.length < 2) return "";
      const radius = Math.round(hexacross.distance(points[0], points[1]));
      return `${CIRCLE}:${point(points[0])},${Math.max(LEAST_RADIUS_M, radius)}`;
    },

    /** Put a zone into the address, or none; the browser's Back takes it out again. */
    write: function (text) {
      const page = this.page();
      const parameters = new URLSearchParams(page.location.search);
      if (text) parameters.set(PARAMETER, text);
      else parameters.delete(PARAMETER);
      const query = parameters.toString().replace(/%3A/g, ":").replace(/%2C/g, ","); // as people can read it
      page.history.pushState(page.history.state, "", page.location.pathname + (query ? `?${query}` : "") + page.location.hash);
      page.dispatchEvent(new PopStateEvent("popstate")); // a page of Streamlit's keeps its own copy of the address
      this._watch();
    },

    _watch: function () {
      const parameters = new URLSearchParams(this.page().location.search);
      const text = parameters.get(PARAMETER) || "";
      if (text !== this._shown) {
        this._shown = text;
        this._ring = text ? outline(text) : null;
        this._settled.draw(this._ring ? { way: [...this._ring, this._ring[0]], area: this._ring } : {});
      }
      this.figures.show(text, parameters);
    },

    /** All of the zone, clear of the panels. */
    see: function () {
      if (!this._ring) return;
      const size = this._map.getSize();
      const margin = size.x > 900 ? [300, 48] : [24, 48];
      this._map.fitBounds(L.latLngBounds(this._ring), { paddingTopLeft: margin, paddingBottomRight: margin, animate: false });
    },
  });

  /** The figures of the zone, kept up to date with the address and with the store. */
  hexacross.ZoneFigures = L.Control.extend({
    options: { position: "topright" },

    /** `url`: of the figures; `changes`: of the stream of what changes, "": none. */
    initialize: function (strings, url, changes, options) {
      L.Util.setOptions(this, options);
      Object.assign(this, { strings, url, changes, version: 0, _query: "", _touched: null });
    },

    onAdd: function () {
      const box = (this._box = element("section", "hxc-panel hxc-zone"));
      box.setAttribute("aria-label", this.strings.zoneDrawn);
      box.hidden = true;
      const head = element("div", "hxc-zone-head");
      this._surface = element("span", "hxc-zone-surface");
      const fold = element("button", "hxc-fold");
      fold.type = "button";
      fold.onclick = () => this._fold(fold, !this._rest.hidden);
      head.append(element("h2", "", this.strings.zoneDrawn), this._surface, fold);
      this._said = element("p", "hxc-zone-said");
      this._said.setAttribute("role", "status");
      this._body = element("div");
      this._actions = element("div", "hxc-actions");
      this._action(this.strings.zoneSee, () => this.see());
      this._action(this.strings.erase, () => this.erase());
      this._rest = element("div");
      this._rest.append(this._said, this._body, this._actions);
      box.append(head, this._rest);
      this._fold(fold, false);
      L.DomEvent.disableClickPropagation(box);
      L.DomEvent.disableScrollPropagation(box);
      if (this.changes) this._follow();
      return box;
    },

    onRemove: function () {
      clearTimeout(this._retry);
      if (this._live) this._live.stop();
      if (this._request) this._request.abort();
    },

    _action: function (words, act) {
      const button = element("button", "", words);
      button.type = "button";
      button.onclick = act;
      this._actions.appendChild(button);
    },

    _fold: function (button, folded) {
      this._rest.hidden = folded;
      button.textContent = folded ? "+" : "–";
      button.title = folded ? this.strings.unfold : this.strings.fold;
      button.setAttribute("aria-label", button.title);
      button.setAttribute("aria-expanded", String(!folded));
    },

    _follow: function () {
      this._live = new window.hexacrossLive.Follower({
        url: this.changes,
        shown: () => this.version,
        touches: (change) => this._touches(change),
        refresh: () => this._fetch(),
        told: () => {},
      });
    },

    _touches: function (change) {
      if (!window.hexacrossLive.concerns(change, "", new URLSearchParams(this._query))) return false;
      return !this._touched || [...change.cells, ...change.territories].some((name) => this._touched.has(name));
    },

    /** Show the figures of a zone for the view of an address; "": none. Fetched when either has changed. */
    show: function (zone, parameters) {
      const asked = new URLSearchParams(parameters);
      for (const name of ["hexagone", "mesure", "classes", "resolution"]) asked.delete(name);
      const query = zone ? asked.toString() : "";
      if (query === this._query) return;
      if (zone !== this._zone) this._forget();
      Object.assign(this, { _query: query, _zone: zone });
      this._box.hidden = !zone;
      if (zone) this._fetch();
      else if (this._request) this._request.abort();
    },

    _forget: function () {
      Object.assign(this, { version: 0, _touched: null });
      this._surface.textContent = "";
      this._body.replaceChildren();
      this._said.textContent = this.strings.loading;
    },

    /** Fetch the figures; those there are stay until the others have come. Whether they have. */
    _fetch: async function () {
      if (this._request) this._request.abort();
      clearTimeout(this._retry);
      if (!this._query) return false;
      const request = (this._request = new AbortController());
      this._box.setAttribute("aria-busy", "true");
      try {
        const answer = await fetch(`${this.url}?${this._query}`, { signal: request.signal });
        const found = await answer.json();
        if (answer.ok) this._accept(found, Number(answer.headers.get("Hexacross-Version")));
        else this._refuse(answer.status, found);
        return answer.ok;
      } catch (error) {
        if (request.signal.aborted) return false;
        if (!(error instanceof TypeError || error instanceof SyntaxError)) throw error;
        this._wait(error instanceof TypeError ? this.strings.unreachable : this.strings.unreadable);
        return false;
      } finally {
        if (this._request === request) this._box.removeAttribute("aria-busy");
      }
    },

    _accept: function ({ surface, period, rows, notes, touched }, version) {
      Object.assign(this, { version, _touched: touched && new Set(touched) });
      this._surface.textContent = surface;
      this._said.textContent = period;
      this._said.classList.remove("hxc-failed");
      const table = element("dl", "hxc-zone-rows");
      for (const { label, value, behind } of rows) {
        table.append(element("dt", "", label), element("dd", "", value));
        if (behind) table.appendChild(element("dd", "hxc-behind", behind));
      }
      this._body.replaceChildren(table, ...notes.map((note) => element("p", "hxc-legend-note", note)));
      if (this._live) this._live.check();
    },

    /** 4xx: it is the zone that is wrong, and asking again would not help. */
    _refuse: function (status, { error }) {
      const words = typeof error === "string" ? error : fill(this.strings.refused, { status });
      if (status >= 500) return this._wait(words);
      this._forget();
      this._tell(words);
    },

    _wait: function (reason) {
      this._tell(fill(this.strings.zoneFailed, { reason }));
      this._retry = setTimeout(() => this._fetch(), RETRY_MS);
    },

    _tell: function (words) {
      this._said.textContent = words;
      this._said.classList.add("hxc-failed");
    },
  });
})();
