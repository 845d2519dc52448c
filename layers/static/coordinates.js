// Where the pointer is, beside the scale; without a pointer, where the middle of the map is.
(function () {
  "use strict";
  const hexacross = L.hexacross;
  const { element } = hexacross;
  const COPY_KEY = "c";
  const TOLD_MS = 1500;

  hexacross.Coordinates = L.Control.extend({
    options: { position: "bottomright" },

    initialize: function (strings, options) {
      L.Util.setOptions(this, options);
      Object.assign(this, { strings, sexagesimal: false, at: null });
    },

    onAdd: function (map) {
      const box = element("div", "hxc-coordinates");
      this._copier = this._button(box, "hxc-position", this.strings.copyPosition, () => this.copy());
      this._unit = this._button(box, "hxc-unit", this.strings.positionUnit, () => this._toggle());
      this._unit.textContent = this.strings.dms;
      this._unit.setAttribute("aria-label", this.strings.positionUnit);
      this._told = element("span", "hxc-unseen");
      this._told.setAttribute("role", "status");
      box.appendChild(this._told);
      L.DomEvent.disableClickPropagation(box);
      map.on("mousemove", this._follow, this).on("mouseout move", this._centre, this);
      this._onKey = (event) => this._key(event);
      document.addEventListener("keydown", this._onKey);
      this._over = false;
      this.at = map.getCenter();
      this._show();
      return box;
    },

    onRemove: function (map) {
      map.off("mousemove", this._follow, this).off("mouseout move", this._centre, this);
      document.removeEventListener("keydown", this._onKey);
      clearTimeout(this._back);
    },

    _button: function (box, className, title, action) {
      const button = element("button", className);
      button.type = "button";
      button.title = title;
      button.onclick = action;
      box.appendChild(button);
      return button;
    },

    _follow: function (event) {
      this._over = true;
      this.at = event.latlng;
      this._show();
    },

    /** Towards these buttons the pointer leaves the map: its last position stays, to be copied. */
    _centre: function (event) {
      if (event.type === "mouseout") this._over = false;
      else if (!this._over) {
        this.at = this._map.getCenter();
        this._show();
      }
    },

    _show: function () {
      clearTimeout(this._back);
      const words = hexacross.sayPosition(this.at, this.sexagesimal, this.strings);
      this._copier.textContent = words;
      this._copier.setAttribute("aria-label", `${words}. ${this.strings.copyPosition}`);
      this._unit.setAttribute("aria-pressed", String(this.sexagesimal));
    },

    _toggle: function () {
      this.sexagesimal = !this.sexagesimal;
      this._show();
    },

    _key: function (event) {
      const typing = event.target.closest && event.target.closest("input, textarea, select");
      if (event.key.toLowerCase() !== COPY_KEY || event.ctrlKey || event.metaKey || event.altKey || typing) return;
      this.copy();
    },

    copy: function () {
      const words = hexacross.sayPosition(this.at, this.sexagesimal, this.strings);
      const done = copyText(words);
      this._told.textContent = done ? `${this.strings.copied} ${words}` : this.strings.notCopied;
      this._copier.textContent = done ? this.strings.copied : this.strings.notCopied;
      this._back = setTimeout(() => this._show(), TOLD_MS);
    },
  });

  /** Whether it was copied. The newer navigator.clipboard is absent where pages come without TLS, as on closed networks. */
  function copyText(words) {
    const field = element("textarea", "hxc-unseen");
    const focused = document.activeElement;
    field.value = words;
    document.body.appendChild(field);
    field.select();
    const done = document.execCommand("copy");
    field.remove();
    if (focused) focused.focus({ preventScroll: true });
    return done;
  }
})();
