// A walk through time: a histogram of all there is, a window that is moved by hand or plays, the map behind it.
(function () {
  "use strict";
  const hexacross = L.hexacross;
  const { element, fill } = hexacross;

  const DAY_MS = 86_400_000;
  const PLAY_MS = 700; // between two steps
  const AHEAD = 3; // steps prepared before their turn
  const MOST_VIEWS = 12; // steps whose pictures are kept
  const LENGTHS = [1, 7, 14, 28, 91, 182, 365]; // days
  const HOUR_LENGTHS = [1, 2, 3, 6, 12, 24];
  const STEPS = { heure: "stepHour", jour: "stepDay", semaine: "stepWeek", mois: "stepMonth" };
  const FIRST_LENGTHS = { jour: 1, semaine: 7, mois: 28 }; // of a walk that was one by hours
  const FIRST_HOURS = "0-6";
  const HEIGHT_PX = 40;
  const BELOW_PX = 36; // for scale and position
  const OPEN_PX = 132; // of the whole of it

  const dayOf = (text) => Math.round(Date.parse(`${text}T00:00:00Z`) / DAY_MS);
  const dateOf = (day) => new Date(day * DAY_MS);
  const textOf = (day) => dateOf(day).toISOString().slice(0, 10);

  const hoursIn = ([from, to]) => ((to - from + 23) % 24) + 1;
  const hourAfter = (hour, length) => ((hour + length - 1) % 24) + 1; // 1 to 24
  /** How long the steps of a described view are, as the server is asked for their classes; 0: it has none. */
  hexacross.stepLength = ({ step, days, hours }) => (step === "heure" ? `${hoursIn(hours)}h` : step ? days : 0);

  /** The day, or the hour, one step later, or earlier where `sign` is -1. */
  function stepped(day, step, sign) {
    if (step !== "mois") return day + sign * (step === "semaine" ? 7 : 1);
    const date = dateOf(day);
    const last = new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + sign + 1, 0)).getUTCDate();
    return Math.round(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + sign, Math.min(date.getUTCDate(), last)) / DAY_MS);
  }

  /**
   * A place in time is a number of days since 1970, or of hours on the clock of the place in a walk by hours: `perDay` of
   * them are a day. `first` and `counts`: what the histogram shows; `held`: from where to where there is something.
   */
  hexacross.Walk = L.Control.extend({
    options: { position: "topleft" },

    /** `layer`: the hexagons that are walked through; `page()`: the window whose address is the view. */
    initialize: function (layer, page, colours, strings, options) {
      L.Util.setOptions(this, options);
      Object.assign(this, { layer, page, colours, strings, views: new Map(), playing: 0, first: 0, counts: [], held: [0, 0], start: 0, length: 7, step: "semaine", perDay: 1, hours: null });
    },

    onAdd: function (map) {
      const box = element("div", "hxc-tool hxc-walk");
      this._button = element("button", "hxc-panel hxc-tool-button", this.strings.time);
      this._button.type = "button";
      this._button.setAttribute("aria-expanded", "false");
      this._button.onclick = () => this._write({ pas: this._step() ? "" : "semaine" });
      box.appendChild(this._button);
      L.DomEvent.disableClickPropagation(box);
      this._panel = this._made();
      map.getContainer().appendChild(this._panel);
      this._resizes = new ResizeObserver(() => this._paint());
      this._resizes.observe(this._canvas);
      map.on("hexacross:view", this._follow, this);
      return box;
    },

    onRemove: function (map) {
      this.pause();
      this._resizes.disconnect();
      this._panel.remove();
      this._forget();
      map.off("hexacross:view", this._follow, this);
    },

    _made: function () {
      const { strings } = this;
      const panel = element("section", "hxc-panel hxc-time");
      panel.setAttribute("aria-label", strings.time);
      panel.hidden = true;
      const head = element("div", "hxc-time-head");
      this._back = this._action(head, "‹", strings.timeBack, () => this._go(-1));
      this._play = this._action(head, strings.timePlay, strings.timePlay, () => (this.playing ? this.pause(true) : this.play()));
      this._on = this._action(head, "›", strings.timeOn, () => this._go(1));
      this._label = element("strong", "hxc-time-label");
      this._label.setAttribute("role", "status");
      this._label.setAttribute("aria-live", "polite");
      head.append(this._label, this._choice("pas", strings.step, Object.entries(STEPS).map(([value, key]) => [value, strings[key]])), this._choice("length", strings.windowLength, []));
      this._canvas = element("canvas", "hxc-time-canvas");
      Object.assign(this._canvas, { tabIndex: 0, height: HEIGHT_PX });
      this._canvas.setAttribute("role", "slider");
      this._canvas.setAttribute("aria-label", strings.time);
      this._canvas.onkeydown = (event) => this._key(event);
      this._canvas.onpointerdown = (event) => this._grab(event);
      this._axis = element("div", "hxc-time-axis");
      panel.append(head, this._canvas, this._axis);
      L.DomEvent.disableClickPropagation(panel);
      L.DomEvent.disableScrollPropagation(panel);
      return panel;
    },

    _action: function (place, text, title, act) {
      const button = element("button", "", text);
      Object.assign(button, { type: "button", title, onclick: act });
      button.setAttribute("aria-label", title);
      place.appendChild(button);
      return button;
    },

    _choice: function (name, label, options) {
      const box = element("label", "hxc-time-choice", label);
      const select = element("select");
      for (const [value, text] of options) this._option(select, value, text);
      select.onchange = () => (name === "pas" ? this._walkBy(select.value) : this._stretch(Number(select.value)));
      this[`_${name}`] = select;
      box.appendChild(select);
      return box;
    },

    _option: function (select, value, text) {
      const option = element("option", "", text);
      option.value = value;
      select.appendChild(option);
    },

    /** Height that it takes from the map, in pixels; `opens`: it is about to. */
    height: function (opens) {
      if (this._panel.hidden) return opens ? hexacross.magnified(OPEN_PX) : 0;
      return this._panel.offsetHeight + hexacross.magnified(BELOW_PX);
    },

    // ── The address ──────────────────────────────────────────────────────────────────────────────────────────────

    _parameters: function () {
      return new URLSearchParams(this.page().location.search);
    },

    _step: function () {
      const step = this._parameters().get("pas");
      return step in STEPS ? step : "";
    },

    /** Write into the address; the page and the map follow it. */
    _write: function (changes) {
      const page = this.page();
      const parameters = this._parameters();
      for (const [name, value] of Object.entries(changes)) {
        if (value) parameters.set(name, value);
        else parameters.delete(name);
      }
      page.history.pushState(page.history.state, "", `?${parameters.toString().replace(/%3A/g, ":").replace(/%2C/g, ",")}`);
      page.dispatchEvent(new PopStateEvent("popstate", { state: page.history.state }));
    },

    /** Take other steps: hours are walked through within a day, the others from day to day. */
    _walkBy: function (step) {
      const wasHourly = this._isHourly();
      if ((step === "heure") === wasHourly) return this._write({ pas: step });
      const day = Math.floor(this.start / this.perDay);
      const length = wasHourly ? FIRST_LENGTHS[step] : 1;
      const heures = wasHourly ? "" : this._parameters().get("heures") || FIRST_HOURS;
      this._write({ pas: step, du: textOf(day), au: textOf(day + length - 1), heures });
    },

    _isHourly: function () {
      return this.perDay === 24;
    },

    /** A view is shown: its dates, or its hours, are the window, its facts by day or hour the histogram. */
    _follow: function ({ view }) {
      if (view.walk) return;
      const open = Boolean(this._step());
      this._button.setAttribute("aria-expanded", String(open));
      this._panel.hidden = !open;
      if (!open) return this._forget();
      const { step, first_day, days, hours } = view.description;
      const perDay = step === "heure" ? 24 : 1;
      if (perDay !== this.perDay) this.counts = [];
      Object.assign(this, { step, perDay, hours: perDay === 1 ? hours : null });
      this._pas.value = step;
      this.start = dayOf(first_day) * perDay + (perDay === 24 ? hours[0] : 0);
      this.length = perDay === 24 ? hoursIn(hours) : days;
      this._offer();
      this._forget();
      this._fetch(view);
      this._show();
    },

    /** The lengths to choose from, the present one among them. */
    _offer: function () {
      const lengths = this._isHourly() ? HOUR_LENGTHS : LENGTHS;
      const words = this._isHourly() ? this.strings.hours : this.strings.days;
      this._length.replaceChildren();
      for (const n of new Set([...lengths, this.length])) this._option(this._length, String(n), fill(words, { n }));
      this._length.value = String(this.length);
    },

    _fetch: async function (view) {
      try {
        const { perDay } = this;
        const answer = await hexacross.read(view.countsAddress(perDay === 24 ? "heures" : "jours"));
        const { first, counts, label, held } = await answer.json();
        if (perDay !== this.perDay) return;
        const [from, to] = held.map(dayOf);
        Object.assign(this, { first: first ? dayOf(first) * perDay : 0, counts, counted: label, held: held.length ? [from * perDay, (to + 1) * perDay] : [0, 0] });
        this._show();
      } catch (error) {
        this.layer._fail(error);
      }
    },

    // ── Moving ───────────────────────────────────────────────────────────────────────────────────────────────────

    /** From where to where the histogram goes, if there is one. */
    _shown: function () {
      return this.counts.length ? [this.first, this.first + this.counts.length] : this.held;
    },

    /** Where a window may start: within the histogram or, by hand, wherever there is something. */
    _clamped: function (at, [from, to] = this._shown()) {
      return Math.max(from, Math.min(at, Math.max(from, to - this.length)));
    },

    /** The histogram follows once the step has settled. */
    _go: function (sign) {
      this.pause();
      this._moveTo(stepped(this.start, this.step, sign), this.held);
      this._settleSoon();
    },

    _stretch: function (days) {
      this.pause();
      this._forget();
      this.length = days;
      this._moveTo(this.start);
      this._settleSoon();
    },

    _moveTo: function (at, range) {
      if (!this.held[1]) return; // not known yet
      this.start = this._clamped(at, range);
      this._show();
      this.layer.comeWalking(this._viewAt(this.start));
    },

    /** The page follows once the hand is still. */
    _settleSoon: function () {
      clearTimeout(this._settling);
      this._settling = setTimeout(() => this._settle(), PLAY_MS);
    },

    _settle: function () {
      clearTimeout(this._settling);
      this._write(this._dates(this.start));
    },

    play: function () {
      if (!this.counts.length) return;
      if (this._clamped(stepped(this.start, this.step, 1)) === this.start) this.start = this.first; // from the end, over again
      clearTimeout(this._settling);
      this._button.classList.add("hxc-on");
      this.playing = setTimeout(() => this._tick(), 0);
      this._show();
    },

    pause: function (settles = false) {
      clearTimeout(this.playing);
      const was = this.playing;
      this.playing = 0;
      this._show();
      if (was && settles) this._settle();
    },

    /** The next step as soon as it is there: never a step that shows the hexagons of another. */
    _tick: function () {
      if (!this.playing) return;
      const next = this._clamped(stepped(this.start, this.step, 1));
      if (next === this.start) return this.pause(true);
      let wanted = next;
      for (let ahead = 0; ahead < AHEAD; ahead += 1) {
        this.layer.prepareWalking(this._viewAt(wanted));
        wanted = this._clamped(stepped(wanted, this.step, 1));
      }
      const view = this._viewAt(next);
      const late = !this.layer.isPrepared(view);
      if (!late) {
        const began = performance.now();
        this.start = next;
        this.layer.showWalking(view);
        this._show();
        this._panel.dataset.step = String(Math.round(performance.now() - began));
        this._panel.dataset.steps = String(Number(this._panel.dataset.steps || 0) + 1);
      }
      this.playing = setTimeout(() => this._tick(), late ? 30 : PLAY_MS);
    },

    /** The window that starts there, as parameters of the address. */
    _dates: function (at) {
      if (!this._isHourly()) return { du: textOf(at), au: textOf(at + this.length - 1) };
      const day = textOf(Math.floor(at / 24));
      return { du: day, au: day, heures: `${at % 24}-${hourAfter(at % 24, this.length)}` };
    },

    _viewAt: function (at) {
      let view = this.views.get(at);
      const length = this._isHourly() ? `${this.length}h` : this.length;
      if (!view) view = this.layer.walkingView({ ...this._dates(at), length, period: this._period(at) });
      this.views.delete(at);
      this.views.set(at, view);
      for (const [other, held] of this.views) {
        if (this.views.size <= MOST_VIEWS) break;
        if (held === this.layer.view || held === this.layer.coming) continue;
        held.close();
        this.views.delete(other);
      }
      return view;
    },

    _forget: function () {
      for (const view of this.views.values()) if (view !== this.layer.view && view !== this.layer.coming) view.close();
      this.views.clear();
    },

    // ── What is seen ─────────────────────────────────────────────────────────────────────────────────────────────

    _locale: function () {
      return this.layer.view && this.layer.view.description.locale === "en" ? "en-GB" : "fr-FR";
    },

    _period: function (at) {
      const format = new Intl.DateTimeFormat(this._locale(), { day: "numeric", month: "short", year: "numeric", timeZone: "UTC" });
      if (this._isHourly()) return `${format.format(dateOf(at / 24))}, ${this._clock(at % 24, hourAfter(at % 24, this.length))}`;
      const days = this.length === 1 ? format.format(dateOf(at)) : format.formatRange(dateOf(at), dateOf(at + this.length - 1));
      return this.hours ? `${days}, ${this._clock(...this.hours)}` : days;
    },

    _clock: function (first, last) {
      return fill(this.strings.someHours, { first, last });
    },

    _show: function () {
      if (this._panel.hidden) return;
      const said = this._period(this.start);
      this._label.textContent = said;
      this._play.textContent = this._play.title = this.playing ? this.strings.timePause : this.strings.timePlay;
      this._play.setAttribute("aria-label", this._play.title);
      this._back.disabled = this._clamped(stepped(this.start, this.step, -1), this.held) === this.start;
      this._on.disabled = this._clamped(stepped(this.start, this.step, 1), this.held) === this.start;
      for (const [name, value] of Object.entries({ valuemin: this.first, valuemax: this.first + Math.max(0, this.counts.length - 1), valuenow: this.start, valuetext: said })) {
        this._canvas.setAttribute(`aria-${name}`, String(value));
      }
      this._paint();
    },

    /** Bars of one step each; the window lies over them, and lines part the days of a walk by hours. */
    _paint: function () {
      const width = this._canvas.clientWidth;
      if (this._panel.hidden || !width || !this.counts.length) return;
      const ratio = window.devicePixelRatio || 1;
      Object.assign(this._canvas, { width: Math.round(width * ratio), height: Math.round(HEIGHT_PX * ratio) });
      const context = this._canvas.getContext("2d");
      context.scale(ratio, ratio);
      const x = (day) => ((day - this.first) * width) / this.counts.length;
      const bars = this._bars();
      const most = Math.max(1, ...bars.map(({ sum }) => sum || 0));
      for (const { from, to, sum, isKnown } of bars) {
        const inside = from < this.start + this.length && to > this.start;
        context.fillStyle = isKnown ? (inside ? this.colours.accent : this.colours.labelMinor) : this.colours.zero;
        context.globalAlpha = inside ? 1 : 0.45;
        const high = isKnown ? Math.max(sum ? 1 : 0, (sum / most) * (HEIGHT_PX - 4)) : 2;
        context.fillRect(x(from), HEIGHT_PX - high, Math.max(1, x(to) - x(from) - (x(to) - x(from) > 3 ? 1 : 0)), high);
      }
      context.globalAlpha = 1;
      context.fillStyle = this.colours.labelMinor;
      for (let at = this.first + 24; this._isHourly() && at < this.first + this.counts.length; at += 24) context.fillRect(Math.round(x(at)), 0, 1, HEIGHT_PX);
      context.strokeStyle = this.colours.accent;
      context.lineWidth = 1.5;
      context.strokeRect(x(this.start) + 0.75, 0.75, Math.max(3, x(this.start + this.length) - x(this.start) - 1.5), HEIGHT_PX - 1.5);
      this._scale(width, x);
    },

    _bars: function () {
      if (this._isHourly()) return this.counts.map((sum, n) => ({ from: this.first + n, to: this.first + n + 1, sum, isKnown: sum !== null }));
      const bars = [];
      const end = this.first + this.counts.length;
      const pixels = this._canvas.clientWidth / this.counts.length;
      let { step } = this;
      if (step === "jour" && pixels < 2) step = "semaine"; // thinner bars would not be told apart
      const monday = this.first - ((dateOf(this.first).getUTCDay() + 6) % 7);
      const date = dateOf(this.first);
      let from = step === "semaine" ? monday : step === "mois" ? Math.round(Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), 1) / DAY_MS) : this.first;
      while (from < end) {
        const to = stepped(from, step, 1);
        const days = this.counts.slice(Math.max(0, from - this.first), Math.max(0, to - this.first));
        const known = days.filter((count) => count !== null);
        bars.push({ from: Math.max(from, this.first), to: Math.min(to, end), sum: known.reduce((sum, count) => sum + count, 0), isKnown: known.length > 0 });
        from = to;
      }
      return bars;
    },

    _scale: function (width, x) {
      if (this._isHourly()) return this._daysBelow();
      const ends = [this.first, this.first + this.counts.length - 1];
      const format = new Intl.DateTimeFormat(this._locale(), { month: "short", year: "numeric", timeZone: "UTC" });
      this._axis.replaceChildren(...ends.map((day) => element("span", "", format.format(dateOf(day)))));
      this._axis.insertBefore(element("span", "", this.counted || ""), this._axis.lastChild);
    },

    /** The days of a walk by hours, each below its hours. */
    _daysBelow: function () {
      const format = new Intl.DateTimeFormat(this._locale(), { weekday: "short", day: "numeric", timeZone: "UTC" });
      const days = Array.from({ length: this.counts.length / 24 }, (_, n) => format.format(dateOf(this.first / 24 + n)));
      this._axis.replaceChildren(...days.map((day, n) => element("span", "hxc-time-day", n ? day : `${day} · ${this.counted}`)));
    },

    // ── Hand and keyboard ────────────────────────────────────────────────────────────────────────────────────────

    _grab: function (event) {
      this.pause();
      if (!this.counts.length) return;
      const box = this._canvas.getBoundingClientRect();
      const dayAt = ({ clientX }) => this.first + Math.floor(((clientX - box.left) / box.width) * this.counts.length);
      const inside = dayAt(event) >= this.start && dayAt(event) < this.start + this.length;
      const held = inside ? dayAt(event) - this.start : Math.floor(this.length / 2);
      const move = (moved) => this._moveTo(dayAt(moved) - held);
      this._canvas.setPointerCapture(event.pointerId);
      move(event);
      this._canvas.onpointermove = move;
      this._canvas.onpointerup = () => {
        this._canvas.onpointermove = this._canvas.onpointerup = null;
        this._settleSoon();
      };
    },

    _key: function (event) {
      const signs = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1 };
      if (event.key in signs) this._go(signs[event.key]);
      else if (event.key === " ") this.playing ? this.pause(true) : this.play();
      else if (event.key === "Home") this._moveTo(this._shown()[0]), this._settleSoon();
      else if (event.key === "End") this._moveTo(this._shown()[1]), this._settleSoon();
      else if (event.key === "Escape") this._write({ pas: "" });
      else return;
      L.DomEvent.stop(event);
    },
  });
})();
