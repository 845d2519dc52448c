// Canvas layers that are repainted whole and sharp at every zoom and pixel ratio.
(function () {
  "use strict";
  const hexacross = L.hexacross;

  const SMALLEST_PX = { x: 320, y: 160 }; // that hold the margins which panels ask for

  /**
   * Act on the map once it has a size, as its frame may come to its height after its content and no bounds fit into
   * nothing; and once it stands still, as a zoom under way ends where it was going, whatever happens meanwhile.
   */
  hexacross.whenSteady = function (map, act) {
    const { x, y } = map.getSize();
    const again = () => hexacross.whenSteady(map, act);
    if (map._animatingZoom) map.once("zoomend", again);
    else if (x < SMALLEST_PX.x || y < SMALLEST_PX.y) map.once("resize", again);
    else act();
  };

  /** Pixels of a desk's screen on this one: what is drawn on canvas grows with the letters beside it (see map.css). */
  hexacross.magnified = (px) => (px * parseFloat(getComputedStyle(document.documentElement).fontSize)) / 16;

  /** Width of a line, in pixels, that a desk's screen draws `px` wide; on a wall, none is thinner than `leastLine`. */
  hexacross.line = (px) => {
    const { leastLine: least } = hexacross;
    return least ? Math.max(least, px * least) : hexacross.magnified(px);
  };

  /** A pane above or below others, through which the mouse passes. */
  hexacross.pane = function (map, name, order) {
    const pane = map.getPane(name) || map.createPane(name);
    pane.style.zIndex = order;
    pane.style.pointerEvents = "none";
    return name;
  };

  const AGAIN_MS = 60; // between two pictures of one canvas that nobody waits for

  /**
   * Whoever has to be drawn anew: one a frame, in the order of the map's canvases, and none while a zoom moves them. All
   * at once, in software, they would hold up the hand that moves the map. What waits has `paint()` and `paintedAt`.
   */
  hexacross.PaintQueue = class {
    constructor(map) {
      Object.assign(this, { map, waiting: new Set(), _frame: 0 });
    }

    add(painter) {
      this.waiting.add(painter);
      this._wake();
    }

    drop(painter) {
      this.waiting.delete(painter);
    }

    _wake() {
      if (this._frame || !this.waiting.size) return;
      this._frame = requestAnimationFrame(() => {
        this._frame = 0;
        if (!this.map._animatingZoom) this._paintOne();
        this._wake();
      });
    }

    _paintOne() {
      const now = performance.now();
      for (const painter of this.waiting) {
        if (now - painter.paintedAt < AGAIN_MS) continue;
        this.waiting.delete(painter);
        return painter.paint();
      }
    }
  };

  const SPARE = 0.4; // of the margin: when less is left on one side, the next picture is asked for

  /**
   * A canvas that covers the view and a margin; `paint(frame)` is called whenever it has to be drawn anew. With a `queue`
   * it waits for its turn there, its old picture moving with the map, unless that no longer covers the view. `isBlank()`:
   * there is nothing to draw; the browser is then spared the canvas.
   */
  hexacross.CanvasLayer = L.Renderer.extend({
    options: { padding: 0.15, queue: null, isBlank: () => false },
    initialize: function (paint, options) {
      L.Renderer.prototype.initialize.call(this, options);
      Object.assign(this, { _paint: paint, paintedAt: 0 });
    },
    onRemove: function () {
      if (this.options.queue) this.options.queue.drop(this);
      L.Renderer.prototype.onRemove.call(this);
    },
    _initContainer: function () {
      this._container = document.createElement("canvas");
      this._container.setAttribute("aria-hidden", "true");
      this._container.style.pointerEvents = "none";
      this._context = this._container.getContext("2d");
    },
    getEvents: function () {
      const events = L.Renderer.prototype.getEvents.call(this);
      events.move = this._follow;
      return events;
    },
    /** While the map is dragged: repaint once most of the margin is used up, at once when all of it is. */
    _follow: function () {
      const map = this._map;
      if (map._animatingZoom || !this._bounds || this._zoom !== map.getZoom()) return;
      const corner = map.containerPointToLayerPoint([0, 0]);
      const view = L.bounds(corner, corner.add(map.getSize()));
      const spare = map.getSize().multiplyBy(this.options.padding * SPARE);
      if (!this._bounds.contains(view)) this.paint();
      else if (!L.bounds(this._bounds.min.add(spare), this._bounds.max.subtract(spare)).contains(view)) this.repaint();
    },
    _reset: function () {
      this.paint(); // the map has jumped elsewhere
    },
    _update: function () {
      if (!this._bounds) this.paint();
      else if (!this._map._animatingZoom) this.repaint();
    },
    /** Have it drawn anew in its turn. */
    repaint: function () {
      if (!this._map || !this._bounds) return;
      if (this.options.queue) this.options.queue.add(this);
      else this.paint();
    },
    /** Draw it anew, where the map is now. */
    paint: function () {
      if (!this._map || (this._map._animatingZoom && this._bounds)) return;
      L.Renderer.prototype._update.call(this);
      const canvas = this._container;
      const frame = this.frame();
      const ratio = window.devicePixelRatio || 1;
      this.paintedAt = performance.now();
      canvas.hidden = this.options.isBlank();
      if (!canvas.hidden) this._draw(canvas, frame, ratio);
      if (this.options.queue) this.options.queue.drop(this);
    },
    _draw: function (canvas, frame, ratio) {
      L.DomUtil.setPosition(canvas, this._bounds.min);
      const [width, height] = [Math.round(frame.width * ratio), Math.round(frame.height * ratio)];
      if (canvas.width !== width || canvas.height !== height) {
        Object.assign(canvas, { width, height });
        Object.assign(canvas.style, { width: `${frame.width}px`, height: `${frame.height}px` });
      } else {
        this._context.reset(); // costs less than other pixels
      }
      this._context.setTransform(ratio, 0, 0, ratio, -frame.left * ratio, -frame.top * ratio);
      this._paint(frame);
    },
    /** What the canvas shows when it is drawn anew. */
    frame: function () {
      const size = this._map.getSize();
      const padding = this.options.padding;
      const corner = this._map.containerPointToLayerPoint(size.multiplyBy(-padding)).round(); // as Leaflet's renderers do
      const { x: width, y: height } = size.multiplyBy(1 + 2 * padding).round();
      const origin = this._map.getPixelOrigin();
      const scale = this._map.options.crs.scale(this._map.getZoom());
      return new hexacross.Frame(this._context, scale, origin.x, origin.y, width, height, corner.x, corner.y);
    },
  });

  /** An element with a class and a text; texts never become markup. */
  hexacross.element = function (tag, className, text) {
    const made = document.createElement(tag);
    if (className) made.className = className;
    if (text !== undefined && text !== null) made.textContent = text;
    return made;
  };

  /**
   * Use the typeface of the page that holds the map: a frame does not inherit it. `page` is a window of our origin.
   * Resolves when the faces are there; a page without that typeface leaves the system's.
   */
  hexacross.adoptFont = function (page, family) {
    const faces = [];
    for (const sheet of page.document.styleSheets) {
      if (sheet.href && new URL(sheet.href).origin !== page.location.origin) continue; // unreadable by the rules of the web
      for (const { style } of sheet.cssRules) {
        const named = style && style.getPropertyValue("src") && style.getPropertyValue("font-family").replace(/["']/g, "");
        if (named !== family || style.getPropertyValue("font-style") === "italic") continue;
        const source = style.getPropertyValue("src").replace(/url\(["']?([^"')]+)["']?\)/g, (whole, url) => `url("${new URL(url, sheet.href || page.document.baseURI)}")`);
        faces.push(new FontFace(family, source, { weight: style.getPropertyValue("font-weight") || "normal" }));
      }
    }
    for (const face of faces) document.fonts.add(face);
    return Promise.allSettled(faces.map((face) => face.load()));
  };

  const formats = new Map();

  /**
   * A number as the reader writes it, with so many `decimals` and at least so many `whole` digits. Formatters are kept:
   * making one costs a hundred times its use.
   */
  hexacross.sayNumber = function (value, locale, { decimals = 0, whole = 1 } = {}) {
    const key = `${locale} ${decimals} ${whole}`;
    if (!formats.has(key)) {
      formats.set(key, new Intl.NumberFormat(locale, { minimumIntegerDigits: whole, minimumFractionDigits: decimals, maximumFractionDigits: decimals }));
    }
    return formats.get(key).format(value);
  };

  /** Put values into a translated sentence: "le serveur a répondu {status}". */
  hexacross.fill = (sentence, values) => sentence.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? values[name] : whole));
})();
