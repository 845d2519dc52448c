// An institution's own tile server below our borders, and what it asks to be cited. Off unless the settings name one.
(function () {
  "use strict";
  const hexacross = L.hexacross;
  const { element } = hexacross;

  const GIVEN_UP = 6; // tiles that fail one after the other: the server is away, our own ground comes back

  hexacross.TileServer = class {
    /** `changed` is called when its picture comes or goes; `failed("server")` when it goes. */
    constructor(map, { url, attribution, zooms }, pane, changed, failed) {
      Object.assign(this, { seen: false, changed, failed, _failures: 0 });
      this.layer = L.tileLayer(url, {
        pane,
        className: "hxc-tiles",
        zIndex: -1, // below the canvas of the same pane, so that both fade together
        minNativeZoom: zooms[0],
        maxNativeZoom: zooms[1],
        minZoom: map.getMinZoom(),
        maxZoom: map.getMaxZoom(),
        noWrap: true,
      });
      this.layer.on("tileload", () => this._came());
      this.layer.on("tileerror", () => this._stayedAway());
      this.layer.addTo(map);
      this.attribution = L.control({ position: "bottomright" });
      this.attribution.onAdd = () => element("div", "hxc-attribution", attribution); // text: never markup
      this.attribution.addTo(map);
    }

    remove() {
      this.layer.remove();
      this.attribution.remove();
    }

    _came() {
      this._failures = 0;
      if (this.seen) return;
      this.seen = true;
      this.changed();
    }

    _stayedAway() {
      this._failures += 1;
      if (this._failures < GIVEN_UP) return;
      this.failed("server");
      if (!this.seen) return;
      this.seen = false;
      this.changed();
    }
  };
})();
