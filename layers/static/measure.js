// Measure lengths on the map, and the area of a closed line.
(function () {
  "use strict";
  const hexacross = L.hexacross;
  const { element, fill } = hexacross;

  hexacross.Measure = L.Control.extend({
    options: { position: "topleft" },

    initialize: function (colours, strings, options) {
      L.Util.setOptions(this, options);
      Object.assign(this, { colours, strings, points: [], closed: false });
    },

    onAdd: function (map) {
      const box = element("div", "hxc-tool");
      this._button = element("button", "hxc-panel hxc-tool-button", this.strings.measure);
      this._button.type = "button";
      this._button.setAttribute("aria-expanded", "false");
      this._button.onclick = () => (this._panel.hidden ? this.begin() : this.clear());
      this._panel = this._made();
      box.append(this._button, this._panel);
      L.DomEvent.disableClickPropagation(box);
      L.DomEvent.disableScrollPropagation(box);
      this._lines = new hexacross.SketchLines(map, this.colours, true);
      return box;
    },

    onRemove: function () {
      if (this._sketch) this._sketch.stop();
      this._lines.remove();
    },

    _made: function () {
      const panel = element("section", "hxc-panel hxc-drop");
      panel.setAttribute("aria-label", this.strings.measure);
      panel.hidden = true;
      this._hint = element("p", "hxc-hint", this.strings.measureHint);
      this._list = element("ol", "hxc-segments");
      this._sums = element("dl", "hxc-sums");
      this._said = element("p", "hxc-unseen");
      this._said.setAttribute("role", "status");
      this._said.setAttribute("aria-live", "polite");
      const actions = element("div", "hxc-actions");
      this._close = this._action(actions, this.strings.closeLine, () => this._sketch.finish(true));
      this._end = this._action(actions, this.strings.endLine, () => this._sketch.finish(false));
      this._again = this._action(actions, this.strings.measureAgain, () => this.begin());
      this._action(actions, this.strings.erase, () => this.clear());
      panel.append(this._hint, this._list, this._sums, actions, this._said);
      return panel;
    },

    _action: function (place, words, act) {
      const button = element("button", "", words);
      button.type = "button";
      button.onclick = act;
      place.appendChild(button);
      return button;
    },

    begin: function () {
      this._reset();
      this._panel.hidden = false;
      this._button.setAttribute("aria-expanded", "true");
      this._sketch = new hexacross.Sketch(this._map, {
        label: `${this.strings.measure}. ${this.strings.sketchKeys}`,
        changed: (points, pointer) => this._changed(points, pointer),
        ended: (closed) => this._ended(closed),
        givenUp: () => this._ended(false),
      }).start();
      this._changed(this._sketch.points, null);
    },

    clear: function () {
      if (this._sketch) this._sketch.stop();
      this._reset();
      this._panel.hidden = true;
      this._button.setAttribute("aria-expanded", "false");
      this._button.focus({ preventScroll: true });
    },

    _reset: function () {
      if (this._sketch) this._sketch.stop();
      Object.assign(this, { points: [], closed: false, _sketch: null });
      this._said.textContent = "";
      this._lines.draw({});
    },

    _changed: function (points, pointer) {
      const more = points.length !== this.points.length;
      this.points = [...points];
      this._show(pointer);
      if (more && points.length > 1) this._say();
    },

    /** Nothing was measured: away with it all. */
    _ended: function (closed) {
      this._sketch = null;
      if (this.points.length < 2) return this.clear();
      this.closed = closed && this.points.length > 2;
      this._show(null);
      this._say();
    },

    /** The ways between the points, in metres. */
    lengths: function () {
      const ring = this.closed ? [...this.points, this.points[0]] : this.points;
      return ring.slice(1).map((point, i) => hexacross.distance(ring[i], point));
    },

    _length: function (metres) {
      return hexacross.sayLength(metres, this.strings.locale);
    },

    _show: function (pointer) {
      const lengths = this.lengths();
      const last = this.points[this.points.length - 1];
      const drawing = Boolean(this._sketch);
      const ahead = drawing && last && pointer ? [last, { lat: pointer.lat, lng: pointer.lng }] : [];
      this._list.replaceChildren(...lengths.map((metres) => element("li", "", this._length(metres))));
      if (ahead.length) this._list.appendChild(element("li", "hxc-ahead", this._length(hexacross.distance(...ahead))));
      this._list.scrollTop = this._list.scrollHeight;
      this._sums.replaceChildren(...this._summed(lengths).flatMap(([label, value]) => [element("dt", "", label), element("dd", "", value)]));
      this._hint.hidden = !drawing;
      this._close.hidden = !drawing || this.points.length < 3;
      this._end.hidden = !drawing || this.points.length < 2;
      this._again.hidden = drawing;
      this._draw(lengths, ahead);
    },

    _summed: function (lengths) {
      if (!lengths.length) return [];
      const total = lengths.reduce((sum, metres) => sum + metres, 0);
      const sums = [[this.closed ? this.strings.perimeter : this.strings.total, this._length(total)]];
      if (this.closed) sums.push([this.strings.area, hexacross.sayArea(hexacross.area(this.points), this.strings.locale)]);
      return sums;
    },

    _draw: function (lengths, ahead) {
      const ring = this.closed ? [...this.points, this.points[0]] : this.points;
      const way = hexacross.shortestWay(ring);
      this._lines.draw({
        way,
        ahead: hexacross.shortestWay(ahead),
        dots: this.points,
        area: this.closed ? way : [],
        labels: lengths.map((metres, i) => [hexacross.halfway(ring[i], ring[i + 1]), this._length(metres)]),
      });
    },

    _say: function () {
      const lengths = this.lengths();
      const parts = this._summed(lengths).map(([label, value]) => fill(this.strings.said, { label, value }));
      if (this._sketch) parts.unshift(fill(this.strings.segment, { n: lengths.length, length: this._length(lengths[lengths.length - 1]) }));
      this._said.textContent = parts.join(" ; ");
    },
  });
})();
