// Maps side by side: a view each, one set of classes and one legend for all; they move together, at one zoom.
(function () {
  "use strict";
  const hexacross = L.hexacross;
  const { element } = hexacross;
  const WATCH_MS = 50; // the page tells nobody that it shows something else
  const MARGIN_PX = 12;
  const ZOOM_STEP = 0.25;

  /** The one legend; each map has a part of it, in place of a legend of its own. */
  class CommonLegend {
    constructor(box, options) {
      Object.assign(this, { box, strings: options.strings, parts: new Set(), rows: new hexacross.LegendRows(options.colours), drawn: "" });
    }

    /** `note`: where it is said what is true of that map alone. */
    part(note) {
      const part = {
        note,
        header: null,
        update: (header) => {
          part.header = header;
          if (part.ages) part.ages.show(header);
          this.tell();
        },
        recount: (classes, states) => {
          part.header.classes.forEach((spec, at) => (spec.count = classes[at]));
          for (const spec of part.header.states) spec.count = states[spec.state] || 0;
          this.tell();
        },
        width: () => 0,
        getContainer: () => this.box,
        remove: () => {
          this.parts.delete(part);
          this.tell();
        },
      };
      this.parts.add(part);
      return part;
    }

    /** Count over all maps that show the same classes as the first; one that is still on its way does not count yet. */
    tell() {
      const headers = [...this.parts].map(({ header }) => header).filter(Boolean);
      this.box.hidden = !headers.length;
      if (!headers.length) return;
      const [first] = headers;
      const wording = (header) => JSON.stringify([header.title, header.unit, header.period, header.classes.map(({ label }) => label)]);
      const alike = headers.filter((header) => wording(header) === wording(first));
      const sum = (of) => alike.reduce((total, header) => total + of(header), 0);
      const all = {
        ...first,
        classes: first.classes.map((spec, at) => ({ ...spec, count: sum(({ classes }) => classes[at].count) })),
        states: first.states.map((spec, at) => ({ ...spec, count: sum(({ states }) => states[at].count) })),
      };
      this.rows.show(all);
      const unit = [first.unit, first.period].filter(Boolean).join(" · ");
      const common = first.notes.filter((note) => headers.every((header) => header.notes.includes(note)));
      for (const { header, note } of this.parts) note.textContent = header ? header.notes.filter((words) => !common.includes(words)).join(" ") : "";
      const notes = [first.resolution_label, ...common];
      const said = JSON.stringify([wording(first), notes]);
      if (said === this.drawn) return;
      this.drawn = said;
      this.box.replaceChildren(
        element("h2", "", first.title),
        element("p", "hxc-legend-unit", unit),
        this.rows.list,
        ...notes.filter(Boolean).map((note) => element("p", "hxc-legend-note", note)),
      );
    }
  }

  class SideBySide {
    /** `box`: where they stand; `told()`: what the page compares, as JSON: [{ address, name, bounds }]. */
    constructor(box, options, told) {
      Object.assign(this, { box, options, told, maps: [], asked: "", workers: new hexacross.TileWorkers(), leading: null });
      for (const [name, value] of Object.entries(options.colours)) box.style.setProperty(`--hxc-${name}`, value);
      const legend = element("section", "hxc-legend");
      legend.setAttribute("aria-label", options.strings.legend);
      legend.hidden = true;
      box.appendChild(legend);
      this.legend = new CommonLegend(legend, options);
      setInterval(() => this._watch(), WATCH_MS);
      this._watch();
      new ResizeObserver(() => this._fit()).observe(box);
    }

    _watch() {
      const asked = this.told();
      if (!asked || asked === this.asked) return;
      this.asked = asked;
      this._compare(JSON.parse(asked));
    }

    /** Show these views, in this order; maps stay, and show another view in their turn. */
    _compare(compared) {
      while (this.maps.length > compared.length) this._drop(this.maps.pop());
      const before = this._territories();
      compared.forEach((one, at) => {
        if (this.maps[at]) Object.assign(this.maps[at], one);
        else this.maps.push(this._added(one));
        this.maps[at].caption.textContent = one.name;
        this.maps[at].map.getContainer().setAttribute("aria-label", one.name);
      });
      this.box.style.setProperty("--hxs-maps", compared.length);
      if (this._territories() !== before) this._fit();
    }

    _territories() {
      return JSON.stringify(this.maps.map(({ bounds }) => bounds));
    }

    _added(one) {
      const figure = element("figure", "hxs-map");
      const place = element("div");
      const caption = element("figcaption");
      const note = element("p", "hxc-legend-note");
      figure.append(caption, place, note);
      this.box.appendChild(figure);
      const { zooms } = this.options;
      const map = L.map(place, { zoomControl: false, attributionControl: false, zoomSnap: ZOOM_STEP, zoomDelta: 1, zoomAnimation: false, minZoom: zooms[0], maxZoom: zooms[1] });
      map.setView([46.6, 2.4], 6);
      const held = { map, figure, caption, ...one };
      const legend = this.legend.part(note);
      held.layer = hexacross.hexagonLayer({ ...this.options, insets: [], address: () => held.address, legend, home: () => this._fit(), workers: this.workers });
      held.layer.addTo(map);
      legend.ages = held.layer.ages;
      map.on("move", () => this._follow(held));
      return held;
    }

    _drop({ map, layer, figure }) {
      map.removeLayer(layer);
      map.remove();
      figure.remove();
    }

    /** Show all of each territory, at the zoom that the largest needs. */
    _fit() {
      for (const { map } of this.maps) map.invalidateSize({ animate: false });
      const held = this.maps.filter(({ bounds, map }) => bounds && map.getSize().x > 2 * MARGIN_PX && map.getSize().y > 2 * MARGIN_PX);
      if (!held.length) return;
      const padding = L.point(2 * MARGIN_PX, 2 * MARGIN_PX);
      const zoom = Math.min(...held.map(({ map, bounds }) => map.getBoundsZoom(bounds, false, padding)));
      this.leading = this;
      for (const one of held) {
        const [southWest, northEast] = one.bounds.map((corner) => one.map.project(corner, zoom));
        one.home = one.map.unproject(southWest.add(northEast).divideBy(2), zoom);
        one.map.setView(one.home, zoom, { animate: false });
      }
      this.leading = null;
    }

    /** The others go as far from their territory, and as near, as the one under the hand. */
    _follow(leader) {
      if (this.leading || !leader.home) return;
      this.leading = leader;
      const zoom = leader.map.getZoom();
      const way = leader.map.project(leader.map.getCenter(), zoom).subtract(leader.map.project(leader.home, zoom));
      for (const { map, home } of this.maps) {
        if (map === leader.map || !home) continue;
        const centre = map.project(home, zoom).add(way);
        const step = centre.subtract(map.project(map.getCenter(), zoom)).round();
        if (map.getZoom() !== zoom) map.setView(map.unproject(centre, zoom), zoom, { animate: false });
        else if (step.x || step.y) map.panBy(step, { animate: false, noMoveStart: true });
      }
      this.leading = null;
    }
  }

  const held = document.getElementById("options");
  const page = window.parent;
  const LETTERS_PX = [16, 15]; // of ours and of the page's at a desk: ours grow with the page's, whatever the frame's height
  const grow = () => {
    const [ours, theirs] = LETTERS_PX;
    const size = (ours / theirs) * parseFloat(page.getComputedStyle(page.document.documentElement).fontSize);
    document.documentElement.style.setProperty("font-size", `${size}px`, "important");
  };
  grow();
  page.addEventListener("resize", grow);
  hexacross.adoptFont(page, "Source Sans");
  hexacross.sideBySide = new SideBySide(document.getElementById("maps"), JSON.parse(held.textContent), () => {
    const told = page.document.querySelector("[data-compared]");
    return told ? told.dataset.compared : "";
  });
})();
