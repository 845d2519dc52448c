// Points laid on the map one after the other, by clicks or by the keyboard: what the tools that measure and draw share.
(function () {
  "use strict";
  const hexacross = L.hexacross;
  const { element } = hexacross;
  const SAME_PX = 4; // a double click is two clicks at one place
  const CLOSING_PX = 10;
  const STEP_PX = 40;
  const FINE_STEP_PX = 4; // with Shift
  const ARROWS = { ArrowRight: [1, 0], ArrowDown: [0, 1], ArrowLeft: [-1, 0], ArrowUp: [0, -1] };
  const ORDER = 640; // above everything on the map, below the panels

  /**
   * `label`: what the keyboard does, for screen readers. `changed(points, pointer)`: a point came or went, or the pointer
   * moved. `ended(closed)`: by a double click, Enter on the last point or a click on the first one (`closed`).
   * `givenUp()`: by Escape. One sketch at a time: a new one gives up the one before.
   */
  hexacross.Sketch = class {
    constructor(map, { label, changed, ended, givenUp, most = Infinity }) {
      Object.assign(this, { map, changed, ended, givenUp, most, points: [], pointer: null });
      this._container = map.getContainer();
      this._aim = element("div", "hxc-aim");
      this._aim.tabIndex = 0;
      this._aim.setAttribute("role", "application");
      this._aim.setAttribute("aria-label", label);
      this._aim.style.zIndex = ORDER;
      this._handlers = { click: (e) => this._click(e), dblclick: (e) => this._double(e), mousemove: (e) => this._move(e), keydown: (e) => this._key(e) };
    }

    start() {
      if (this.map.hexacrossSketch) this.map.hexacrossSketch.giveUp();
      this.map.hexacrossSketch = this;
      this.map.fire("hexacross:sketch");
      this._container.classList.add("hxc-sketching");
      this._container.appendChild(this._aim);
      // Before Leaflet hears of them, so that a click neither pins a hexagon nor reruns the page.
      for (const [name, handle] of Object.entries(this._handlers)) document.addEventListener(name, handle, true);
      this._aim.focus({ preventScroll: true });
      return this;
    }

    stop() {
      if (this.map.hexacrossSketch !== this) return;
      this.map.hexacrossSketch = null;
      this._container.classList.remove("hxc-sketching");
      this._aim.remove();
      for (const [name, handle] of Object.entries(this._handlers)) document.removeEventListener(name, handle, true);
    }

    giveUp() {
      this.stop();
      this.givenUp();
    }

    finish(closed) {
      this.stop();
      this.ended(closed);
    }

    removeLast() {
      this.points.pop();
      this.changed(this.points, this.pointer);
    }

    _onMap(event) {
      return this._container.contains(event.target) && !event.target.closest(".leaflet-control");
    }

    _click(event) {
      if (!this._onMap(event)) return;
      event.stopPropagation();
      if (event.detail > 1 || (this.map.dragging && this.map.dragging.moved())) return; // the end of a drag; a double click
      this._add(this.map.mouseEventToLatLng(event));
    }

    _double(event) {
      if (!this._onMap(event)) return;
      event.stopPropagation();
      event.preventDefault();
      this.finish(false);
    }

    _move(event) {
      if (!this._onMap(event)) return;
      this.pointer = this.map.mouseEventToLatLng(event);
      this.changed(this.points, this.pointer);
    }

    _near(latlng, other, pixels) {
      return Boolean(other) && this.map.latLngToContainerPoint(latlng).distanceTo(this.map.latLngToContainerPoint(other)) <= pixels;
    }

    _add(latlng) {
      const { points } = this;
      if (points.length > 2 && this._near(latlng, points[0], CLOSING_PX)) return this.finish(true);
      if (this._near(latlng, points[points.length - 1], SAME_PX)) return this.finish(false);
      points.push({ lat: latlng.lat, lng: latlng.lng });
      this.changed(points, this.pointer);
      if (points.length >= this.most) this.finish(false);
    }

    _key(event) {
      if (event.key === "Escape") this.giveUp();
      else if (event.key === "Backspace" && event.target === this._container) this.removeLast(); // after a click
      else if (event.target !== this._aim) return;
      else if (event.key in ARROWS) this._pan(ARROWS[event.key], event.shiftKey ? FINE_STEP_PX : STEP_PX);
      else if (event.key === "Enter" || event.key === " ") this._add(this.map.getCenter());
      else if (event.key === "Backspace") this.removeLast();
      else return;
      event.preventDefault();
      event.stopPropagation();
    }

    /** The middle of the map is what the keyboard aims with. */
    _pan([x, y], pixels) {
      this.map.panBy([x * pixels, y * pixels], { animate: false });
      this.pointer = this.map.getCenter();
      this.changed(this.points, this.pointer);
    }
  };

  /** Lines over a halo, and the points themselves; Leaflet's own layers, through which the mouse passes. */
  hexacross.SketchLines = class {
    constructor(map, colours, fill, colour = colours.accent) {
      this._pane = hexacross.pane(map, "hxc-sketch", 470);
      const line = (style) => L.polyline([], { pane: this._pane, interactive: false, smoothFactor: 0, fill: false, ...style });
      this._parts = L.layerGroup().addTo(map);
      this.colours = colours;
      this.halo = line({ color: colours.halo, weight: 5, opacity: 0.8 });
      this.line = line({ color: colour, weight: 2.5 });
      this.ahead = line({ color: colours.accent, weight: 2, dashArray: "4 6" });
      this.area = L.polygon([], { pane: this._pane, interactive: false, stroke: false, fill, fillColor: colour, fillOpacity: 0.08 });
      for (const part of [this.area, this.halo, this.line, this.ahead]) this._parts.addLayer(part);
      this._dots = L.layerGroup().addTo(map);
    }

    /** `way`: what is settled; `ahead`: towards the pointer; `dots`: the points laid; `labels`: [point, words]. */
    draw({ way = [], ahead = [], dots = [], area = [], labels = [] }) {
      this.halo.setLatLngs(way);
      this.line.setLatLngs(way);
      this.ahead.setLatLngs(ahead);
      this.area.setLatLngs(area);
      this._dots.clearLayers();
      for (const point of dots) {
        this._dots.addLayer(L.circleMarker(point, { pane: this._pane, interactive: false, radius: 4, weight: 2, color: this.colours.accent, fillColor: this.colours.halo, fillOpacity: 1 }));
      }
      for (const [point, words] of labels) {
        const icon = L.divIcon({ className: "hxc-length", html: element("span", "", words), iconSize: null });
        this._dots.addLayer(L.marker(point, { pane: this._pane, interactive: false, keyboard: false, icon }));
      }
    }

    remove() {
      this._parts.remove();
      this._dots.remove();
    }
  };
})();
