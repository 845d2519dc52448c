// Zoom and the choice of what is drawn, and how strongly, in the reader's language.
(function () {
  "use strict";
  const hexacross = L.hexacross;
  const { element, fill } = hexacross;
  const FAINTEST = 10; // per cent: fainter is hidden, which the box beside it does
  const STEP = 5;

  hexacross.LayersControl = L.Control.extend({
    options: { position: "topleft" },

    /** `memory`: what was chosen, kept by whoever lives longer than this map; an object. */
    initialize: function (strings, memory, options) {
      L.Util.setOptions(this, options);
      Object.assign(this, { strings, memory });
      this._rows = new Map();
    },

    onAdd: function (map) {
      const box = element("details", "hxc-panel hxc-layers");
      box.appendChild(element("summary", "", this.strings.layers));
      this._list = element("div", "hxc-layers-list");
      box.appendChild(this._list);
      L.DomEvent.disableClickPropagation(box);
      L.DomEvent.disableScrollPropagation(box);
      map.on("hexacross:sketch", () => (box.open = false)); // the map is needed
      return box;
    },

    /**
     * Offer a layer once; `shown` is its state at the start, `switched(shown)` what to do. `faded(opacity)`, from 0 to 1,
     * is given where the layer can be made fainter.
     */
    offer: function (key, label, shown, switched, faded) {
      if (this._rows.has(key)) return;
      const kept = (this.memory[key] = { shown, opacity: 100, ...this.memory[key] });
      const row = element("div", "hxc-layer");
      const name = element("label");
      const box = element("input");
      box.type = "checkbox";
      box.checked = kept.shown;
      box.onchange = () => {
        kept.shown = box.checked;
        if (slider) slider.disabled = !box.checked;
        switched(box.checked);
      };
      name.append(box, document.createTextNode(label));
      row.appendChild(name);
      const slider = faded ? this._slider(row, label, kept, faded) : null;
      this._rows.set(key, row);
      this._list.appendChild(row);
      if (kept.shown !== shown) switched(kept.shown);
    },

    /** Offer what is drawn in a pane of the map: hidden or made fainter by the browser, nothing is drawn anew. */
    offerPane: function (key, label, pane, switched = () => {}) {
      this.offer(
        key,
        label,
        true,
        (shown) => {
          pane.hidden = !shown;
          switched();
        },
        (opacity) => (pane.style.opacity = opacity),
      );
    },

    shows: function (key) {
      return !(this.memory[key] && !this.memory[key].shown);
    },

    _slider: function (row, label, kept, faded) {
      const slider = element("input", "hxc-opacity");
      Object.assign(slider, { type: "range", min: FAINTEST, max: 100, step: STEP, value: kept.opacity, disabled: !kept.shown });
      slider.setAttribute("aria-label", fill(this.strings.opacity, { layer: label }));
      const said = element("output", "hxc-percent");
      const show = () => {
        said.textContent = `${slider.value} %`;
        slider.title = slider.getAttribute("aria-label");
        slider.setAttribute("aria-valuetext", said.textContent);
      };
      slider.oninput = () => {
        kept.opacity = Number(slider.value);
        show();
        faded(kept.opacity / 100);
      };
      show();
      row.append(slider, said);
      if (kept.opacity !== 100) faded(kept.opacity / 100);
      return slider;
    },
  });

  /** What this page remembers of its map while it is open, whatever becomes of the frame that holds the map. */
  hexacross.memoryOf = (page) => (page.hexacrossLayers = page.hexacrossLayers || {});

  /** Zoom in, zoom out, back to the whole territory. */
  hexacross.ZoomControl = L.Control.extend({
    options: { position: "topleft" },

    initialize: function (strings, home, options) {
      L.Util.setOptions(this, options);
      Object.assign(this, { strings, home });
    },

    onAdd: function (map) {
      const box = element("div", "hxc-panel hxc-zoom");
      const add = (text, title, action) => {
        const button = element("button", "", text);
        button.type = "button";
        button.title = title;
        button.setAttribute("aria-label", title);
        button.onclick = action;
        box.appendChild(button);
      };
      add("+", this.strings.zoomIn, () => map.zoomIn(1));
      add("−", this.strings.zoomOut, () => map.zoomOut(1));
      add("⤢", this.strings.wholeView, () => hexacross.whenSteady(map, this.home));
      L.DomEvent.disableClickPropagation(box);
      return box;
    },
  });
})();
