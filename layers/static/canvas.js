// Canvas layers that are repainted whole and sharp at every zoom and pixel ratio.
(function () {
  "use strict";
  const hexacross = L.hexacross;

  const SMALLEST_PX = { x: 320, y: 160 }; // that hold the margins which panels ask for

  /** Act on the map once it has a size: its frame may come to its height after its content, and no bounds fit into nothing. */
  hexacross.whenSized = function (map, act) {
    const { x, y } = map.getSize();
    if (x >= SMALLEST_PX.x && y >= SMALLEST_PX.y) act();
    else map.once("resize", () => hexacross.whenSized(map, act));
  };

  /** A pane above or below others, through which the mouse passes. */
  hexacross.pane = function (map, name, order) {
    const pane = map.getPane(name) || map.createPane(name);
    pane.style.zIndex = order;
    pane.style.pointerEvents = "none";
    return name;
  };

  /** A canvas that covers the view and a margin; `paint(frame)` is called whenever it has to be drawn anew. */
  hexacross.CanvasLayer = L.Renderer.extend({
    options: { padding: 0.15 },
    initialize: function (paint, options) {
      L.Renderer.prototype.initialize.call(this, options);
      this._paint = paint;
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
    /** While the map is dragged: repaint only once the margin is used up. */
    _follow: function () {
      if (this._map._animatingZoom || !this._bounds) return;
      const corner = this._map.containerPointToLayerPoint([0, 0]);
      const view = L.bounds(corner, corner.add(this._map.getSize()));
      if (!this._bounds.contains(view)) this._update();
    },
    _update: function () {
      if (this._map._animatingZoom && this._bounds) return;
      L.Renderer.prototype._update.call(this);
      this.repaint();
    },
    repaint: function () {
      if (!this._map || !this._bounds) return;
      const size = this._bounds.getSize();
      const corner = this._bounds.min;
      const ratio = window.devicePixelRatio || 1;
      L.DomUtil.setPosition(this._container, corner);
      this._container.width = Math.round(size.x * ratio);
      this._container.height = Math.round(size.y * ratio);
      this._container.style.width = size.x + "px";
      this._container.style.height = size.y + "px";
      this._context.setTransform(ratio, 0, 0, ratio, -corner.x * ratio, -corner.y * ratio);
      this._paint(this.frame());
    },
    /** What the canvas shows. */
    frame: function () {
      const size = this._bounds.getSize();
      const corner = this._bounds.min;
      const origin = this._map.getPixelOrigin();
      const scale = this._map.options.crs.scale(this._zoom);
      return new hexacross.Frame(this._context, scale, origin.x, origin.y, size.x, size.y, corner.x, corner.y);
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

  /** Put values into a translated sentence: "le serveur a répondu {status}". */
  hexacross.fill = (sentence, values) => sentence.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? values[name] : whole));
})();
