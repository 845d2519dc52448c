// Keeps what a page shows up to date: hears of changes, and fetches again what they touch.
(function () {
  "use strict";
  const GAP_MS = 500; // between two refreshes
  const FAILED_GAP_MS = 10_000;
  const FOLDER = document.currentScript.src.replace(/[^/]*$/, "");

  /**
   * Follow the stream at `url`. `shown()`: version of what is shown, 0: nothing yet. `touches(change)`: whether that
   * depends on the change. `refresh()`: a promise of whether it was fetched again. `told(state)`: who is away, since when.
   * `freshAt`, in milliseconds: when what is shown was last known to be up to date.
   */
  class Follower {
    constructor({ url, shown, touches, refresh, told }) {
      Object.assign(this, { shown, touches, refresh, told, heard: 0, touched: 0, freshAt: 0 });
      this.state = { version: 0, away: null, lost: null };
      this._leave = connect(url, (message) => this._hear(message));
      this._seen = () => this.check();
      document.addEventListener("visibilitychange", this._seen);
    }

    stop() {
      document.removeEventListener("visibilitychange", this._seen);
      clearTimeout(this._waiting);
      this._leave();
    }

    _hear(message) {
      if (message.kind === "state") {
        if (message.version && message.version !== this.heard) this.touched = message.version; // what happened is not known
        this.state = message;
        this.told(message);
      } else if (message.everything || this.touches(message)) {
        this.touched = message.version;
        this._restored = message.everything && message.version < this.shown();
      }
      this.heard = message.version || this.heard;
      if (this.shown() && !this._stale() && !this.state.away && !this.state.lost) this.freshAt = Date.now();
      this.check();
    }

    _stale() {
      const shown = this.shown();
      return shown > 0 && (shown < this.touched || this._restored);
    }

    /** Refresh if what is shown is older than what touched it; one at a time, and only in sight. */
    check() {
      if (!this._stale() || this._busy || document.hidden || this.state.away || this.state.lost) return;
      Object.assign(this, { _busy: true, _restored: false });
      this.refresh().then((done) => {
        if (done) this.freshAt = Date.now();
        this._waiting = setTimeout(() => {
          this._busy = false;
          this.check();
        }, done ? GAP_MS : FAILED_GAP_MS);
      });
    }
  }

  /** Hear the stream, shared with the other pages of this browser where it can be; returns how to leave. */
  function connect(url, heard) {
    if (typeof SharedWorker === "undefined") {
      const stream = new self.hexacrossStream(url, heard);
      return () => stream.close();
    }
    const { port } = new SharedWorker(`${FOLDER}live_worker.js`, { name: url });
    const leave = () => port.postMessage("leaving");
    port.onmessage = ({ data }) => heard(data);
    window.addEventListener("pagehide", leave);
    return leave;
  }

  /** Whether a change concerns a territory ("kind:code", "": everywhere) and the days of an address. */
  function concerns(change, territory, parameters) {
    if (territory && !change.territories.includes(territory)) return false;
    const [first, last] = [parameters.get("du"), parameters.get("au")]; // without both, the period moves with the data
    return !(first && last && change.last_day) || (change.first_day <= last && change.last_day >= first);
  }

  /**
   * Say who is away. `words` have {fresh} and {since} to fill in; `fresh` is the time of what is shown, in milliseconds,
   * 0: nothing is.
   */
  function outage({ away, lost }, fresh, words, locale) {
    if (!away && !lost) return "";
    const day = (time) => new Date(time).toLocaleDateString(locale, { day: "2-digit", month: "2-digit", year: "numeric" });
    const hour = (time) => new Date(time).toLocaleTimeString(locale, { hour: "2-digit", minute: "2-digit" });
    if (!fresh) return (lost ? words.lostEmpty : words.awayEmpty).replace("{since}", hour(lost || away));
    return (lost ? words.lost : words.away).replace("{fresh}", `${day(fresh)} ${hour(fresh)}`).replace("{since}", hour(lost || away));
  }

  window.hexacrossLive = { Follower, concerns, outage };
})();
