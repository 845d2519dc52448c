// Zoom and the choice of what is drawn beside the hexagons, in the reader's language.
(function () {
  "use strict";
  const hexacross = L.hexacross;
  const { element } = hexacross;

  hexacross.LayersControl = L.Control.extend({
    options: { position: "topleft" },

    initialize: function (strings, options) {
      L.Util.setOptions(this, options);
      this.strings = strings;
      this._rows = new Map();
    },

    onAdd: function () {
      const box = element("details", "hxc-panel hxc-layers");
      box.appendChild(element("summary", "", this.strings.layers));
      this._list = element("div", "hxc-layers-list");
      box.appendChild(this._list);
      L.DomEvent.disableClickPropagation(box);
      L.DomEvent.disableScrollPropagation(box);
      return box;
    },

    /** Offer a layer once; `shown` is its state at the start, `switched(shown)` what to do. */
    offer: function (key, label, shown, switched) {
      if (this._rows.has(key)) return;
      const row = element("label");
      const box = element("input");
      box.type = "checkbox";
      box.checked = shown;
      box.onchange = () => switched(box.checked);
      row.append(box, document.createTextNode(label));
      this._rows.set(key, row);
      this._list.appendChild(row);
    },
  });

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
      add("⤢", this.strings.wholeView, this.home);
      L.DomEvent.disableClickPropagation(box);
      return box;
    },
  });
})();
