// How old the facts are, told again as time passes: a source past its time says so, and the map fades when all are.
(function () {
  "use strict";
  const hexacross = L.hexacross;
  const { element, fill } = hexacross;

  const AGAIN_MS = 60_000;
  const UNITS = [["day", 86_400, 2], ["hour", 3600, 1], ["minute", 60, 1]]; // seconds; the fewest that are said in it

  /** `il y a 11 jours`. */
  hexacross.ago = function (seconds, locale) {
    const format = new Intl.RelativeTimeFormat(locale, { numeric: "always" });
    const [unit, length] = UNITS.find(([, each, fewest]) => seconds >= each * fewest) || ["second", 1];
    return format.format(-Math.floor(Math.max(0, seconds) / length), unit);
  };

  /** `renew()` asks for the sources again: one of them may have been loaded without touching what is looked at. */
  hexacross.SourceAges = L.Control.extend({
    options: { position: "topleft", page: () => window, renew: () => {} },

    initialize: function (strings, options) {
      L.Util.setOptions(this, options);
      Object.assign(this, { strings, list: element("ul", "hxc-legend-sources") });
    },

    onAdd: function () {
      this._box = element("p", "hxc-panel hxc-age");
      this._box.setAttribute("role", "status");
      this._box.hidden = true;
      return this._box;
    },

    onRemove: function () {
      clearTimeout(this._timer);
      this._fade(false);
    },

    /** `clock`: how far the server's clock is ahead of this machine's, milliseconds. */
    show: function ({ sources, locale, clock = 0 }) {
      Object.assign(this, { sources, locale, clock });
      this._tell();
    },

    _tell: function () {
      const now = (Date.now() + this.clock) / 1000;
      const isStale = ({ stale_from: from }) => now >= from;
      this._write(now, isStale);
      const held = this.sources.filter((source) => source.held);
      const faded = held.length > 0 && held.every(isStale);
      if (faded) {
        const latest = Math.max(...held.map(({ loaded }) => loaded));
        const day = new Date(1000 * latest).toLocaleDateString(this.locale, { day: "2-digit", month: "2-digit", year: "numeric" });
        this._box.textContent = fill(this.strings.oldData, { day, age: hexacross.ago(now - latest, this.locale) });
      }
      this._fade(faded);
      const next = Math.min(AGAIN_MS, ...this.sources.map(({ stale_from: from }) => 1000 * (from - now)).filter((wait) => wait > 0));
      clearTimeout(this._timer);
      this._timer = setTimeout(() => {
        this._tell();
        if (this.sources.some(isStale)) this.options.renew();
      }, next + 1);
    },

    _write: function (now, isStale) {
      const lines = this.sources.map((source) => {
        const line = element("li", isStale(source) ? "hxc-stale" : "");
        const age = fill(source.says, { age: hexacross.ago(now - source.loaded, this.locale) });
        line.append(element("span", "", source.name), document.createTextNode(` · ${age}`));
        return line;
      });
      this.list.replaceChildren(...lines);
    },

    /** The map, and what stands beside it on the page: figures that nobody feeds do not look alive. */
    _fade: function (faded) {
      this._box.hidden = !faded;
      this._map.getContainer().classList.toggle("hxc-faded", faded);
      this.options.page().document.documentElement.classList.toggle("hx-faded", faded);
    },
  });
})();
