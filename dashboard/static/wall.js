// A wall screen: the scenes of a script, round and round, for weeks, without anybody at a keyboard.
import { drawn, element } from "./wall_draw.js";
import { MapAway, WallMap } from "./wall_map.js";
import { paginate } from "./wall_pages.js";
import { shiftAt, sizes } from "./wall_sight.js";

const { Follower, outage } = window.hexacrossLive;
const AGAIN_MS = 5000; // between two tries of what failed
const PATIENCE_MS = 15_000; // a server that says nothing for longer is away
const WATCH_MS = 1000;
const FASTEST = 1000; // of a rehearsal
const LONGEST_WHOLE = 30; // letters of what stays on one line above the title
const DAY = { day: "2-digit", month: "2-digit", year: "numeric" };
const CLOCK = { day: "2-digit", month: "2-digit", hour: "2-digit", minute: "2-digit" };
const UNITS = [["day", 86_400, 2], ["hour", 3600, 1], ["minute", 60, 1]]; // seconds; the fewest that are said in it

const config = JSON.parse(document.getElementById("config").textContent);
const { words } = config;
const fill = (sentence, values) => sentence.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? values[name] : whole));

/** An answer other than 200, with the reason the server gave in words. */
class Refusal extends Error {
  constructor(status, said) {
    super(said || `HTTP ${status}`);
    this.status = status;
  }
}

/** Whether the server or its store is away, which passes by itself. */
const isAway = (error) =>
  error instanceof TypeError || (error instanceof DOMException && error.name === "TimeoutError") || (error instanceof Refusal && error.status >= 500);

function ago(seconds) {
  const [unit, length] = UNITS.find(([, each, fewest]) => seconds >= each * fewest) || ["second", 1];
  return new Intl.RelativeTimeFormat(words.locale, { numeric: "always", style: "short" }).format(-Math.floor(Math.max(0, seconds) / length), unit);
}

class Room {
  constructor() {
    this.box = document.getElementById("room");
    this.main = this.box.querySelector("main");
    this.list = element("div", "list");
    this.map = new WallMap(this.box.querySelector("iframe"));
    this.speed = Math.min(FASTEST, Math.max(1, Number(new URLSearchParams(location.search).get("vitesse")) || 1));
    Object.assign(this, { script: null, state: null, at: 0, round: 0, ahead: null, current: null, freshAt: 0, lost: null, clock: 0, changes: 0 });
    this.known = new Map(); // what the scenes said last, by number: shown while the server is away
    this.seen = new Set(); // alerts that have pre-empted a scene
    this.alertRound = -1; // in which the alerts in force were shown last
    this.follower = new Follower({
      url: config.changes,
      shown: () => (this.state ? this.state.version : 0),
      touches: () => true,
      refresh: () => this._refresh(),
      told: () => this._tell(),
    });
    this._resize();
    addEventListener("resize", () => this._resize());
    setInterval(() => this._tell(), WATCH_MS);
  }

  /** For ever: one step after the other, whatever befalls one of them. */
  async run() {
    for (;;) {
      try {
        await this._step();
      } catch (error) {
        if (!isAway(error)) console.error(error);
        if (this.script) this._leave(this.at); // a scene that fails each time must not be the last one
        await this._play(this._masked(isAway(error) ? words.unreachable : words.unexpected), AGAIN_MS);
      }
    }
  }

  async _step() {
    if (!this.script) return this._load();
    if (this._alertDue()) return this._play(this._alertScene(), this._paced(this.script.alert_seconds));
    const number = this.at % this.script.scenes.length;
    const waits = this.ahead && this.ahead.number === number && this.ahead.script === this.script ? this.ahead.scene : this._prepare(number);
    this.ahead = null;
    const scene = await waits;
    if (!scene || !this.script || this._alertDue()) return;
    const seconds = this.script.scenes[number].seconds;
    if ((await this._play(scene, scene.kind === "mask" ? AGAIN_MS : this._paced(seconds))) !== "time") return;
    this._leave(number);
  }

  /** The next scene, or the first one of another round. */
  _leave(number) {
    this.at = number + 1;
    if (this.at >= this.script?.scenes.length) [this.at, this.round] = [0, this.round + 1];
  }

  _paced(seconds) {
    return (1000 * seconds) / this.speed;
  }

  // ── What is asked of the server ────────────────────────────────────────────────────────────────────────────────

  async _ask(what, more = {}) {
    const query = new URLSearchParams({ script: config.script, langue: config.language, ...more });
    const answer = await fetch(`/mur/${what}?${query}`, { signal: AbortSignal.timeout(PATIENCE_MS) }).catch((error) => {
      if (isAway(error)) this.lost = this.lost || Date.now();
      throw error;
    });
    this.lost = null;
    const body = (answer.headers.get("Content-Type") || "").startsWith("application/json") ? await answer.json() : {};
    if (!answer.ok) throw new Refusal(answer.status, body.error);
    this.clock = Date.parse(answer.headers.get("Date")) - Date.now() || 0; // a wall's own may be wrong by days
    return body;
  }

  async _load() {
    try {
      const script = await this._ask("script");
      Object.assign(this, { script, at: 0, ahead: null });
      this.known.clear();
      this._resize();
      await this._fetchState();
    } catch (error) {
      if (!(error instanceof Refusal) || isAway(error)) throw error;
      await this._play(this._masked(error.message, words.refused), AGAIN_MS);
    }
  }

  /** Marking, sources, alerts; and whether the script or this very page are no longer those of the server. */
  async _fetchState() {
    let state;
    try {
      state = await this._ask("etat");
    } catch (error) {
      if (error instanceof Refusal && !isAway(error)) this._leaveScript();
      throw error;
    }
    if (state.page !== config.page) location.reload();
    Object.assign(this, { state, freshAt: Date.now() });
    const inForce = new Set(state.alerts.map(({ name }) => name));
    for (const name of this.seen) if (!inForce.has(name)) this.seen.delete(name);
    if (this.script && state.digest !== this.script.digest) this._leaveScript();
    if (this._hasNewAlert()) this._wake?.("alert");
    this._tell();
  }

  /** Another script, or none: begin again with what the server has. */
  _leaveScript() {
    this.script = null;
    this._wake?.("again");
  }

  /** A scene ready to be shown; undefined when the script changed meanwhile. */
  async _prepare(number) {
    const { script } = this;
    let data;
    try {
      [data] = await Promise.all([this._ask("scene", { n: number }), this._fetchState()]);
      if (this.script !== script || data.digest !== script.digest) return undefined;
      this.known.set(number, data);
    } catch (error) {
      if (!isAway(error)) {
        if (!this.script) return undefined; // refused: the reason is told by the next step
        throw error;
      }
      data = this.known.get(number);
    }
    if (!data) return this._masked(this._outage() || words.unreachable);
    return this._withMap({ kind: data.kind, number, data });
  }

  async _withMap(scene) {
    if (scene.kind !== "carte") return scene;
    try {
      await this.map.show({ ...scene.data.query, langue: config.language }, scene.data.zoom);
      return scene;
    } catch (error) {
      if (error instanceof MapAway) return this._masked(this._outage() || words.map_away);
      throw error;
    }
  }

  /** What changed in the store: the state, and the scene that is shown. */
  async _refresh() {
    try {
      await this._fetchState();
      const { scene } = this.current || {};
      if (scene?.number !== undefined && this.script) {
        const data = await this._ask("scene", { n: scene.number });
        if (this.current?.scene === scene && data.digest === this.script?.digest) await this._renew(scene, data);
      }
      return true;
    } catch (error) {
      if (isAway(error) || error instanceof Refusal) return false;
      throw error;
    }
  }

  async _renew(scene, data) {
    this.known.set(scene.number, data);
    const shown = await this._withMap({ ...scene, data });
    if (this.current?.scene !== scene || shown.kind === "mask") return;
    Object.assign(scene, shown);
    this._lay();
  }

  // ── Alerts and masks ───────────────────────────────────────────────────────────────────────────────────────────

  _hasNewAlert() {
    return Boolean(this.state) && this.state.alerts.some(({ name }) => !this.seen.has(name));
  }

  /** A new alert at once; those in force again at each round, before the first scene. */
  _alertDue() {
    if (!this.state || !this.state.alerts.length) return false;
    return this._hasNewAlert() || (this.at === 0 && this.alertRound !== this.round);
  }

  _alertScene() {
    const { alerts } = this.state;
    for (const { name } of alerts) this.seen.add(name);
    this.alertRound = this.round;
    return { kind: "alert", data: { title: words.alert, where: fill(words.alerts_in_force, { n: alerts.length }), paragraphs: alerts.map(({ text }) => text) } };
  }

  _masked(reason, title = words.masked) {
    return { kind: "mask", data: { title, where: "", paragraphs: reason.split("\n") } };
  }

  /** Why a scene may not be seen now; "": it may. */
  _maskReason({ kind, data }) {
    if (kind === "mask") return "";
    if (!this.state?.marking?.label) return words.no_marking;
    if (kind === "alert" || kind === "texte") return "";
    const held = this._sourcesOf(data);
    if (!held.length) return words.no_data;
    const now = this._now() / 1000;
    if (held.some(({ stale_from: from }) => now < from)) return "";
    const loaded = Math.max(...held.map((source) => source.loaded));
    return fill(words.stale, { age: ago(now - loaded), day: new Date(1000 * loaded).toLocaleDateString(words.locale, DAY) });
  }

  _sourcesOf({ first_day: first, last_day: last }) {
    return this.state.sources.filter((source) => source.first_day && (!first || (source.first_day <= last && source.last_day >= first)));
  }

  _now() {
    return Date.now() + this.clock;
  }

  _outage() {
    const { away, lost } = words; // the same whether something was seen before or not
    const { state } = this.follower;
    return outage({ ...state, lost: state.lost || this.lost }, this.freshAt, { away, awayEmpty: away, lost, lostEmpty: lost }, words.locale);
  }

  // ── What is seen ───────────────────────────────────────────────────────────────────────────────────────────────

  /** Show the pages of a scene, each for so long; "time" when it is over, else why it was interrupted. */
  async _play(scene, ms) {
    this.current = { scene, pages: [], page: 0 };
    this._deal();
    for (; this.current.page < this.current.pages.length; this.current.page += 1) {
      this.changes += 1;
      this._turn();
      if (this.current.page === this.current.pages.length - 1) this._lookAhead(scene);
      const why = await this._rest(ms);
      if (why !== "time") return why;
    }
    return "time";
  }

  _rest(ms) {
    return new Promise((resolve) => {
      const timer = setTimeout(() => this._wake?.("time"), ms);
      this._wake = (why) => {
        clearTimeout(timer);
        this._wake = null;
        resolve(why);
      };
    });
  }

  /** Fetch the next scene meanwhile; one map shows two only after each other. */
  _lookAhead({ kind, number }) {
    if (number === undefined || !this.script) return;
    const next = (number + 1) % this.script.scenes.length;
    if (kind === "carte" && this.script.scenes[next].kind === "carte") return;
    const scene = this._prepare(next);
    scene.catch(() => {}); // told when it is its turn
    this.ahead = { number: next, script: this.script, scene };
  }

  /** Draw what is shown again: it has changed, or its screen, or whether it may be seen. */
  _lay() {
    if (!this.current) return;
    this._deal();
    this._turn();
  }

  /** Deal the scene out to as many pages as it takes on this screen. */
  _deal() {
    const { current } = this;
    const reason = this._maskReason(current.scene);
    current.reason = reason;
    const shown = reason ? this._masked(reason) : current.scene;
    current.shown = shown;
    this._write(shown, "");
    const data = shown.kind === "carte" ? { ...shown.data, legend: this.map.legend() } : shown.data;
    const { fixed, blocks } = drawn[shown.kind](data);
    this.main.className = `scene-${shown.kind}`;
    this.main.replaceChildren(...fixed, this.list);
    const overseas = shown.kind === "carte" && this.map.isNational ? 1 : 0; // a page of their own: beside the map they could not be read
    current.pages = paginate(this.main, this.list, blocks);
    const count = current.pages.length + overseas;
    if (count > 1) {
      this._write(shown, this._pageSaid(count, count)); // which may take a line of its own
      current.pages = paginate(this.main, this.list, current.pages.flat());
    }
    if (overseas) current.pages.push(Object.assign([...current.pages[0]], { spread: true }));
    current.room = this.main.clientHeight;
    current.page = Math.min(current.page, current.pages.length - 1);
  }

  _turn() {
    const { shown, pages, page } = this.current;
    this._write(shown, this._pageSaid(page + 1, pages.length));
    this.list.replaceChildren(...pages[page]);
    const slot = this.main.querySelector(".slot");
    if (slot) this.map.lieOver({ left: this.main.offsetLeft + slot.offsetLeft, top: this.main.offsetTop + slot.offsetTop, width: slot.offsetWidth, height: slot.offsetHeight });
    this.map.seen = Boolean(slot);
    this.map.spread = Boolean(pages[page].spread);
    Object.assign(this.box.dataset, { kind: shown.kind, number: this.current.scene.number ?? "", page: page + 1, pages: pages.length, changes: this.changes, round: this.round });
    this._tell();
  }

  _pageSaid(n, count) {
    return count > 1 ? fill(words.page, { n, count }) : "";
  }

  _write({ kind, data }, page) {
    this.box.querySelector("h1").textContent = data.title;
    const parts = [data.where, data.period, page].filter(Boolean);
    const pieces = parts.map((part) => element("span", part.length > LONGEST_WHOLE ? "" : "whole", part));
    this.box.querySelector(".where").replaceChildren(...pieces.flatMap((piece, at) => (at ? [" · ", piece] : [piece])));
    this.box.classList.toggle("alerted", kind === "alert");
  }

  /** Each second: the clock, the ages, the marking; who is away; whether the scene may still be seen. */
  _tell() {
    const now = this._now();
    const marking = this.state?.marking;
    for (const band of this.box.querySelectorAll(".band")) {
      put(band, marking ? marking.label : this.state ? words.no_marking_band : "");
      band.dataset.code = marking ? marking.code : "";
    }
    const outage = this._outage();
    const ages = this.box.querySelector(".ages");
    put(ages, outage || this._ages(now / 1000));
    ages.classList.toggle("old", Boolean(outage));
    const timeZone = this.script?.time_zone;
    const rehearsal = this.speed > 1 ? `×${this.speed} · ` : "";
    put(this.box.querySelector(".clock"), rehearsal + new Intl.DateTimeFormat(words.locale, { ...CLOCK, timeZone }).format(now));
    const [x, y] = shiftAt(Math.floor(now / 60_000));
    this.box.style.translate = `${x}px ${y}px`;
    this._follow();
  }

  /** Draw again what may no longer be seen, or again; or has less room, since the lines below it are more. */
  _follow() {
    const { current } = this;
    if (!current?.pages.length || this._following) return;
    this._following = true;
    if (current.reason !== this._maskReason(current.scene) || current.room !== this.main.clientHeight) this._lay();
    this._following = false;
  }

  _ages(now) {
    const shown = this.current?.shown;
    if (!this.state || !shown || shown.kind === "mask") return "";
    const alerts = this.state.alerts.length && shown.kind !== "alert" ? `${fill(words.alerts_in_force, { n: this.state.alerts.length })} · ` : "";
    if (shown.kind === "texte") return alerts.slice(0, -3);
    const sources = shown.kind === "alert" ? this.state.sources : this._sourcesOf(shown.data);
    if (!sources.length) return alerts + words.no_source;
    if (sources.length === 1) return alerts + fill(words.one_source, { name: sources[0].name, age: ago(now - sources[0].loaded) });
    const loaded = sources.map((source) => source.loaded);
    const [young, old] = [Math.max(...loaded), Math.min(...loaded)].map((time) => ago(now - time));
    return alerts + fill(words.many_sources, { n: sources.length, young, old });
  }

  _resize() {
    const found = sizes(this.script?.screen || config.screen, config.sight, innerWidth, innerHeight);
    for (const [name, px] of Object.entries(found)) document.documentElement.style.setProperty(`--${name}`, `${px}px`);
    this.map.resize(found);
    this._lay();
  }
}

/** Write a text where it is another than before. */
function put(place, text) {
  if (place.textContent !== text) place.textContent = text;
}

window.room = new Room();
window.room.run();
