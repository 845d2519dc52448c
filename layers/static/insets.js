// Small maps beside the national view: the same hexagons, painted by the same painters, each at its own scale.
(function () {
  "use strict";
  const hexacross = L.hexacross;
  const { element, fill, worldX, worldY } = hexacross;
  const MIN_MAP_PX = { x: 700, y: 460 };
  const GAP = 8;
  const LARGEST = 128;
  const NAME_PX = 18; // that the name takes above
  const STEPS_KM = [1, 2, 5, 10, 20, 50, 100, 200, 500];

  hexacross.Insets = L.Control.extend({
    options: { position: "topright" },

    /** `queue`: where they wait for their turn to be painted. */
    initialize: function (places, strings, queue, paint, options) {
      L.Util.setOptions(this, options);
      Object.assign(this, { places, strings, queue, paintFrame: paint, wanted: false, paintedAt: 0 });
    },

    onAdd: function (map) {
      this._box = element("nav", "hxc-insets");
      this._box.setAttribute("aria-label", this.strings.insets);
      L.DomEvent.disableClickPropagation(this._box);
      L.DomEvent.disableScrollPropagation(this._box);
      this._maps = this.places.map((place) => this._make(place, map));
      this._box.append(...this._maps.map(({ button }) => button));
      this._box.hidden = true;
      map.on("resize", this._fit, this);
      return this._box;
    },

    onRemove: function (map) {
      map.off("resize", this._fit, this);
      this.queue.drop(this);
    },

    width: function () {
      return this._box.hidden || this._columns ? 0 : this._box.offsetWidth + GAP;
    },

    /** On a wall they are a page of their own: so many beside each other, filling the map's frame; seen or not. */
    spread: function (columns) {
      this._columns = columns;
      this._box.style.gridTemplateColumns = `repeat(${columns}, auto)`;
      this._fit();
    },

    show: function (wanted) {
      this.wanted = wanted;
      this._fit();
    },

    _make: function ({ name, box }, map) {
      const button = element("button", "hxc-inset");
      button.type = "button";
      button.title = fill(this.strings.goTo, { name });
      button.setAttribute("aria-label", button.title);
      const canvas = element("canvas");
      canvas.setAttribute("aria-hidden", "true");
      const scale = element("span", "hxc-inset-scale");
      button.append(canvas, element("span", "hxc-inset-name", name), scale);
      button.onclick = () => map.fitBounds([[box[1], box[0]], [box[3], box[2]]], { padding: [24, 24] });
      return { button, canvas, scale, box };
    },

    /** Shown where there is room, and as large as there is; others ask at once how much that takes. */
    _fit: function () {
      const size = this._map.getSize();
      const { _columns: columns } = this;
      this._box.hidden = !this.wanted || (!columns && (size.x < MIN_MAP_PX.x || size.y < MIN_MAP_PX.y));
      this._map.getContainer().classList.toggle("hxc-with-insets", !this._box.hidden && !columns);
      if (columns) {
        this._side = Math.floor(size.y / Math.ceil(this._maps.length / columns) - 2 * GAP);
        this._width = Math.floor(size.x / columns - 2 * GAP);
      } else {
        this._side = Math.floor(Math.min(hexacross.magnified(LARGEST), (size.y - 2 * GAP) / this._maps.length - GAP));
        this._width = Math.round(this._side * 1.12);
      }
      for (const { canvas } of this._maps) Object.assign(canvas.style, { width: `${this._width}px`, height: `${this._side}px` });
      this.repaint();
    },

    repaint: function () {
      if (!this._box.hidden) this.queue.add(this);
    },

    paint: function () {
      if (!this._map || this._box.hidden) return;
      this.paintedAt = performance.now();
      for (const inset of this._maps) this._paint(inset, this._width, this._side);
    },

    _paint: function ({ canvas, scale, box }, width, height) {
      const ratio = window.devicePixelRatio || 1;
      canvas.width = Math.round(width * ratio);
      canvas.height = Math.round(height * ratio);
      const [west, south, east, north] = box;
      const left = worldX(west);
      const right = worldX(east);
      const top = worldY(north);
      const bottom = worldY(south);
      const named = this._columns ? hexacross.magnified(NAME_PX) : NAME_PX;
      const worldScale = Math.min((width - GAP) / (right - left), (height - named - GAP) / (bottom - top));
      const originX = ((left + right) / 2) * worldScale - width / 2;
      const originY = ((top + bottom) / 2) * worldScale - (height + named - 10) / 2;
      const context = canvas.getContext("2d");
      context.setTransform(ratio, 0, 0, ratio, 0, 0);
      this.paintFrame(new hexacross.Frame(context, worldScale, originX, originY, width, height, 0, 0));
      const kmPerPixel = (40075 * Math.cos((((south + north) / 2) * Math.PI) / 180)) / worldScale;
      const km = STEPS_KM.filter((step) => step / kmPerPixel <= width * 0.4).pop() || STEPS_KM[0];
      scale.textContent = `${km} km`;
      scale.style.width = `${Math.round(km / kmPerPixel)}px`;
    },
  });
})();
