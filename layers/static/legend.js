// The legend, drawn from the payload's header: what is measured, in which classes, how surely, from whom.
(function () {
  "use strict";
  const hexacross = L.hexacross;
  const { element } = hexacross;
  const NARROW_PX = 560;
  const LOW_PX = 420;
  const ABOVE_PX = 120; // for the zoom buttons

  /** What stands for a state: its pattern, as on the map. */
  function patterned(state, colours) {
    const swatch = element("span", "hxc-swatch hxc-swatch-state");
    if (state === "zero") return swatch;
    const ratio = window.devicePixelRatio || 1;
    const canvas = element("canvas");
    const [width, height] = [16, 12].map((px) => hexacross.magnified(px));
    canvas.width = width * ratio;
    canvas.height = height * ratio;
    const context = canvas.getContext("2d");
    context.scale(ratio, ratio);
    context.fillStyle = hexacross.pattern(context, state, colours);
    context.fillRect(0, 0, width, height);
    swatch.appendChild(canvas);
    return swatch;
  }

  /** The lines of the map, drawn as they are there. */
  function linesList(lines, locale, colours) {
    const list = element("ul", "hxc-legend-lines");
    for (const spec of lines) {
      const row = element("li");
      row.append(lineOf(spec, colours), element("span", "hxc-label", spec.label), element("span", "hxc-count", hexacross.sayNumber(spec.count, locale)));
      list.appendChild(row);
    }
    return list;
  }

  function lineOf(spec, colours) {
    const canvas = element("canvas");
    const ratio = window.devicePixelRatio || 1;
    const [width, height] = [34, 12].map((px) => hexacross.magnified(px));
    Object.assign(canvas, { width: width * ratio, height: height * ratio });
    Object.assign(canvas.style, { width: `${width}px`, height: `${height}px` });
    const context = canvas.getContext("2d");
    context.scale(ratio, ratio);
    context.strokeStyle = colours.outline;
    context.lineWidth = hexacross.magnified(1.5);
    context.lineCap = spec.assumed ? "round" : "butt";
    context.setLineDash(hexacross.dashesOf(spec));
    context.beginPath();
    context.moveTo(1, height / 2);
    context.lineTo(width - height, height / 2);
    context.stroke();
    context.setLineDash([]);
    hexacross.drawSeat(context, width - height / 2, height / 2, hexacross.magnified(3), spec.status, colours);
    return canvas;
  }

  /** The rows of a legend: a class or a state each, with how many hexagons it has. */
  hexacross.LegendRows = class {
    constructor(colours) {
      Object.assign(this, { colours, list: element("ul", "hxc-legend-rows"), rows: [] });
    }

    /** `classes`, `states`: as a legend's header has them; `locale`: of the numbers. */
    show({ classes, states, locale }) {
      const dark = this.colours.name === "dark";
      const add = (swatch, spec, always) => {
        const row = element("li");
        const bar = element("span", "hxc-bar");
        const [length, count] = [element("i"), element("span", "hxc-count")];
        bar.appendChild(length);
        row.append(swatch, element("span", "hxc-label", spec.label), bar, count);
        return { row, length, count, spec, always };
      };
      const coloured = [...classes].reverse().map((spec) => {
        const swatch = element("span", "hxc-swatch");
        swatch.style.background = dark ? spec.colour_dark : spec.colour;
        return add(swatch, spec, true);
      });
      this.rows = [...coloured, ...states.map((spec) => add(patterned(spec.state, this.colours), spec, false))];
      this.locale = locale;
      this.count();
    }

    /** Write the numbers that are others than before; a state that no hexagon has is not listed. */
    count() {
      const most = Math.max(1, ...this.rows.map(({ spec }) => spec.count));
      for (const line of this.rows) {
        const { length, count, spec } = line;
        const said = `${spec.count} of ${most}`;
        if (line.said === said) continue;
        line.said = said;
        count.textContent = hexacross.sayNumber(spec.count, this.locale);
        length.style.width = `${Math.max(spec.count ? 2 : 0, (100 * spec.count) / most)}%`;
      }
      const listed = this.rows.filter(({ always, spec }) => always || spec.count).map(({ row }) => row);
      const before = this.list.children;
      if (listed.length !== before.length || listed.some((row, at) => row !== before[at])) this.list.replaceChildren(...listed);
    }
  };

  hexacross.Legend = L.Control.extend({
    options: { position: "bottomleft" },

    /** `ages`: of the sources, whose list the legend holds. */
    initialize: function (colours, strings, ages, options) {
      L.Util.setOptions(this, options);
      Object.assign(this, { colours, strings, ages, chosen: null, rows: new hexacross.LegendRows(colours) });
    },

    onAdd: function (map) {
      this._box = element("section", "hxc-panel hxc-legend");
      this._box.setAttribute("aria-label", this.strings.legend);
      L.DomEvent.disableClickPropagation(this._box);
      L.DomEvent.disableScrollPropagation(this._box);
      map.on("resize", this._fold, this);
      return this._box;
    },

    onRemove: function (map) {
      map.off("resize", this._fold, this);
    },

    /** Width that the legend takes from the map when open, in pixels. */
    width: function () {
      return this._box.hidden || this._folded() ? 0 : this._box.offsetWidth;
    },

    update: function (header) {
      this.header = header;
      this.ages.show(header);
      this._box.hidden = !header.classes.length && !header.states.some(({ count }) => count);
      const head = element("div", "hxc-legend-head");
      const title = element("h2", "", header.title);
      this._toggle = element("button", "hxc-fold");
      this._toggle.type = "button";
      this._toggle.onclick = () => {
        this.chosen = this._folded() ? "open" : "folded";
        this._fold();
      };
      head.append(title, this._toggle);
      const unit = [header.unit, header.period].filter(Boolean).join(" · ");
      this._body = element("div", "hxc-legend-body");
      this.rows.show(header);
      this._body.append(element("p", "hxc-legend-unit", unit), this.rows.list, ...this._foot(header));
      this._box.replaceChildren(head, this._body);
      this._fold();
    },

    /** Other numbers of hexagons in the same classes and states. */
    recount: function (classes, states) {
      this.header.classes.forEach((spec, at) => (spec.count = classes[at]));
      for (const spec of this.header.states) spec.count = states[spec.state] || 0;
      this.rows.count();
    },

    _foot: function (header) {
      const parts = header.lines && header.lines.length ? [linesList(header.lines, header.locale, this.colours)] : [];
      if (header.resolution_label) parts.push(element("p", "hxc-legend-note", header.resolution_label));
      for (const note of header.notes) parts.push(element("p", "hxc-legend-note", note));
      if (header.sources.length) {
        parts.push(this.ages.list);
      }
      if (header.marking) parts.push(element("p", "hxc-marking", header.marking.label));
      return parts;
    },

    /** Folded when the reader said so, else when the map is too small to lend the room. */
    _folded: function () {
      if (this.chosen) return this.chosen === "folded";
      const size = this._map.getSize();
      return size.x < NARROW_PX || size.y < LOW_PX;
    },

    _fold: function () {
      if (!this._body) return;
      this._box.style.maxHeight = `${this._map.getSize().y - hexacross.magnified(ABOVE_PX)}px`;
      const folded = this._folded();
      this._body.hidden = folded;
      this._toggle.textContent = folded ? "+" : "–";
      this._toggle.setAttribute("aria-expanded", String(!folded));
      this._toggle.title = folded ? this.strings.show : this.strings.hide;
      this._toggle.setAttribute("aria-label", this._toggle.title);
    },
  });
})();
