// What a hexagon says: beside the mouse, for the keyboard, aloud. Only text, never markup.
(function () {
  "use strict";
  const hexacross = L.hexacross;
  const { element, fill } = hexacross;

  /** The figures of a hexagon as lines of text: [label, value, interval]. */
  hexacross.describe = function (view, hexagons, i, strings) {
    const { description: header } = view;
    const { columns } = hexagons;
    const state = hexagons.state(i);
    const lines = header.fields.map((field, at) => {
      const number = (name) => columns[name][i];
      const say = (figure) => hexacross.sayNumber(figure, header.locale, { decimals: field.decimals });
      const value = number(field.name);
      const unit = field.unit ? `\u00a0${field.unit}` : "";
      let text = Number.isNaN(value) ? strings.unknownFigure : say(value) + unit;
      if (at === 0 && state !== "value") text = stateLabel(header, state) || text;
      const known = field.low && field.high && !Number.isNaN(number(field.low)) && !Number.isNaN(number(field.high));
      const interval = known ? fill(strings.interval, { low: say(number(field.low)), high: say(number(field.high)) }) : "";
      return { label: field.label, text, interval, unknown: Number.isNaN(value) };
    });
    return { place: view.nameOf(hexagons, i) || strings.oneHexagon, lines };
  };

  function stateLabel(header, state) {
    const spec = header.states.find((candidate) => candidate.state === state);
    return spec ? spec.label : "";
  }

  hexacross.Tooltip = class {
    constructor(container, strings) {
      this.strings = strings;
      this.box = element("div", "hxc-tooltip");
      this.box.setAttribute("role", "status");
      this.box.setAttribute("aria-live", "polite");
      this.box.hidden = true;
      container.appendChild(this.box);
      this.container = container;
    }

    show(view, hexagons, i, point, pinned) {
      const { place, lines } = hexacross.describe(view, hexagons, i, this.strings);
      const title = element("div", "hxc-tooltip-place", place);
      if (pinned) title.appendChild(element("span", "hxc-tooltip-pinned", this.strings.pinned));
      const table = element("dl", "hxc-tooltip-figures");
      lines.forEach(({ label, text, interval, unknown }, at) => {
        const row = element("div", at === 0 ? "hxc-first" : "");
        const value = element("dd", unknown ? "hxc-unknown" : "", text);
        if (interval) value.appendChild(element("small", "", interval));
        row.append(element("dt", "", label), value);
        table.appendChild(row);
      });
      this.box.replaceChildren(title, table);
      this.box.classList.toggle("hxc-is-pinned", pinned);
      this.box.hidden = false;
      this._size = { width: this.box.offsetWidth, height: this.box.offsetHeight };
      this._room = { x: this.container.clientWidth, y: this.container.clientHeight };
      this.move(point);
    }

    /** Beside the point, on the side where there is room. */
    move({ x, y }) {
      if (this.box.hidden) return;
      const { _size: { width, height }, _room: room } = this;
      const left = x + 16 + width < room.x ? x + 16 : x - 16 - width;
      const top = Math.min(Math.max(8, y - height / 2), room.y - height - 8);
      this.box.style.transform = `translate(${Math.round(Math.max(8, left))}px, ${Math.round(top)}px)`;
    }

    hide() {
      this.box.hidden = true;
    }
  };
})();
