// One stream of what changes (server-sent events), kept open through every absence of the server.
// Loaded by the worker that all pages of a browser share, or by a page itself where there is no such worker.
(function () {
  "use strict";
  const SILENT_MS = 45_000; // three beats: the link is dead, though nobody said so
  const AGAIN_MS = [1000, 2000, 5000]; // then 5 s for ever; the browser itself waits as the server told it
  const WATCH_MS = 5000;

  /** Posts `{kind: "change", …}` and `{kind: "state", version, away, lost}`; times are milliseconds, null: all is well. */
  self.hexacrossStream = class {
    constructor(url, post) {
      Object.assign(this, { url, post, failures: 0, state: { kind: "state", version: 0, away: null, lost: null } });
      this._open();
      this._watcher = setInterval(() => Date.now() - this._heardAt > SILENT_MS && this._again(), WATCH_MS);
    }

    close() {
      clearInterval(this._watcher);
      clearTimeout(this._waiting);
      this._source.close();
    }

    _open() {
      this._heardAt = Date.now();
      const { version } = this.state;
      this._source = new EventSource(version ? `${this.url}?since=${version}` : this.url);
      this._source.addEventListener("change", (event) => this._heard(event, (change) => this.post({ ...change, kind: "change" })));
      this._source.addEventListener("state", (event) => this._heard(event, ({ away }) => this._tell({ away: away && Date.parse(away) })));
      this._source.onerror = () => this._lost();
    }

    _heard(event, pass) {
      const content = JSON.parse(event.data);
      Object.assign(this, { _heardAt: Date.now(), failures: 0 });
      this.state = { ...this.state, version: content.version, lost: null };
      pass(content);
    }

    _tell(news) {
      this.state = { ...this.state, ...news };
      this.post(this.state);
    }

    _lost() {
      this._tell({ lost: this.state.lost || Date.now() });
      if (this._source.readyState === EventSource.CLOSED) this._again(); // refused: the browser itself gives up
    }

    _again() {
      this._source.close();
      this._heardAt = Date.now();
      clearTimeout(this._waiting);
      this._waiting = setTimeout(() => this._open(), AGAIN_MS[Math.min(this.failures, AGAIN_MS.length - 1)]);
      this.failures += 1;
    }
  };
})();
