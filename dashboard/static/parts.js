// Parts of the page that come after the map, each from an address of its own; links that keep the page; the latest facts.
(() => {
  const TICK_MS = 250;
  const FAILED_MS = 10_000;
  const NEW_MS = 3000; // a fact that has just come is marked that long
  // `wait`: after the address has changed, so that the map comes first; `again`: the least between two looks at the
  // same view; `of`: what of the address it depends on, all of it if nothing is said; `unseen`: wanted in a closed tab too.
  const FETCHED = [
    { name: "latest", parts: ["latest"], wait: 400, again: 1000 },
    { name: "where", parts: ["where"], wait: 400, again: 20_000 },
    { name: "rhythm", parts: ["rhythm"], wait: 400, again: 60_000 },
    { name: "silences", parts: ["quiet", "silences"], wait: 2500, again: 60_000, of: ["territoire", "langue"], unseen: true },
  ].map((fetched) => ({ ...fetched, asked: null, version: 0, at: 0, wanted: null, wantedAt: 0, busy: false }));
  const locale = document.documentElement.lang === "en" ? "en-GB" : "fr-FR";
  const places = (name) => [...document.querySelectorAll(`[data-live='${name}']`)];

  /** Write parts where they stand; the latest facts may be held still. `of`: of which view, for those that say it. */
  const put = (parts, of) => {
    for (const [name, html] of Object.entries(parts)) {
      for (const place of places(name)) {
        if (html !== place.dataset.shown) show(name, place, html);
        if (of !== undefined && place.dataset.of !== undefined) place.dataset.of = of;
      }
    }
  };

  const show = (name, place, html) => {
    if (name === "latest" && latest.isPaused()) return latest.keep(html);
    place.dataset.shown = html;
    const before = name === "latest" ? latest.ids() : null;
    place.innerHTML = html; // the server's own, escaped there
    if (before) latest.came(before);
  };

  // ── What is fetched ────────────────────────────────────────────────────────────────────────────────────────────

  const addressOf = ({ of }) => {
    const all = new URLSearchParams(location.search);
    for (const name of ["hexagone", "zone", "mesure", "classes", "pas"]) if (!of || !of.includes(name)) all.delete(name);
    return new URLSearchParams([...all].filter(([name]) => !of || of.includes(name))).toString();
  };

  const isWanted = (fetched, live, now) => {
    const held = fetched.parts.flatMap(places);
    if (!held.length || (!fetched.unseen && !held.some((place) => place.checkVisibility()))) return false;
    const address = addressOf(fetched);
    if (address !== fetched.wanted) Object.assign(fetched, { wanted: address, wantedAt: now });
    const isNew = address !== fetched.asked || held.some((place) => place.querySelector(".hx-waiting"));
    if (isNew) return now - fetched.wantedAt >= fetched.wait;
    return live.touched > fetched.version && now - fetched.at >= fetched.again;
  };

  const fetchPart = async (fetched) => {
    const address = addressOf(fetched);
    Object.assign(fetched, { busy: true, at: Date.now() });
    try {
      const answer = await fetch(`/parties/${fetched.name}?${address}`);
      if (!answer.ok) throw new TypeError(`HTTP ${answer.status}`);
      const { parts } = await answer.json();
      if (address !== addressOf(fetched)) return;
      Object.assign(fetched, { asked: address, version: Number(answer.headers.get("Hexacross-Version")) });
      put(parts);
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
      fetched.failedAt = Date.now();
    } finally {
      fetched.busy = false;
    }
  };

  /** What stands there of the view before says that other facts are on their way. */
  const mark = (fetched) => {
    const isOlder = fetched.asked !== null && addressOf(fetched) !== fetched.asked;
    for (const place of fetched.parts.flatMap(places)) place.classList.toggle("hx-coming", isOlder && Boolean(place.firstChild));
  };

  const follow = (live) => {
    setInterval(() => {
      latest.tick();
      FETCHED.forEach(mark);
      const now = Date.now();
      if (document.hidden || live.state.away || live.state.lost) return;
      for (const fetched of FETCHED) {
        if (!fetched.busy && now - (fetched.failedAt || 0) >= FAILED_MS && isWanted(fetched, live, now)) fetchPart(fetched);
      }
    }, TICK_MS);
  };

  // ── The latest facts: searched, held still, their age told ─────────────────────────────────────────────────────

  const latest = {
    kept: null,
    controls: () => document.querySelector(".hx-latest-controls"),
    lines: () => [...document.querySelectorAll(".hx-latest > li")],
    ids: () => new Set(latest.lines().map((line) => line.dataset.id)),
    isPaused: () => latest.controls()?.querySelector("button").getAttribute("aria-pressed") === "true",

    keep(html) {
      const held = document.createElement("template");
      held.innerHTML = html;
      const known = latest.ids();
      latest.kept = { html, fresh: [...held.content.querySelectorAll("li")].filter((line) => !known.has(line.dataset.id)).length };
      latest.tick();
    },

    came(before) {
      if (before.size) {
        for (const line of latest.lines()) {
          if (before.has(line.dataset.id)) continue;
          line.classList.add("hx-new");
          setTimeout(() => line.classList.remove("hx-new"), NEW_MS);
        }
      }
      latest.search();
      latest.tick();
    },

    search() {
      const asked = plain(latest.controls()?.querySelector("input").value || "");
      for (const line of latest.lines()) line.hidden = !plain(line.textContent).includes(asked);
    },

    /** How old the latest fact is, how many wait, or that nothing fits the search. */
    tick() {
      const controls = latest.controls();
      if (!controls) return;
      const { paused, newOne, newMany, nothing, age } = controls.dataset;
      const lines = latest.lines();
      const asked = controls.querySelector("input").value;
      let words = "";
      if (latest.isPaused()) {
        const { fresh = 0 } = latest.kept || {};
        words = fresh ? `${paused} · ${(fresh > 1 ? newMany : newOne).replace("{n}", fresh)}` : paused;
      } else if (asked && lines.length && lines.every((line) => line.hidden)) words = nothing.replace("{text}", asked);
      else if (lines.length && lines[0].querySelector("time").dataset.at) words = age.replace("{age}", ago(lines[0].querySelector("time").dataset.at));
      const state = controls.querySelector(".hx-latest-state");
      if (state.textContent !== words) state.textContent = words;
    },

    pause() {
      const button = latest.controls().querySelector("button");
      const held = !latest.isPaused();
      button.setAttribute("aria-pressed", String(held));
      const { kept } = latest;
      latest.kept = null;
      if (!held && kept) put({ latest: kept.html });
      latest.tick();
    },
  };

  const plain = (text) => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();

  const ago = (instant) => {
    const seconds = Math.max(0, (Date.now() - Date.parse(instant)) / 1000);
    const [unit, length] = [["day", 86_400], ["hour", 3600], ["minute", 60]].find(([, each]) => seconds >= each) || ["second", 1];
    return new Intl.RelativeTimeFormat(locale, { numeric: "always" }).format(-Math.floor(seconds / length), unit);
  };

  document.addEventListener("input", ({ target }) => {
    if (target.matches?.(".hx-latest-search")) {
      latest.search();
      latest.tick();
    }
  });

  // ── Links that change the address, and leave the page and its map where they are ───────────────────────────────

  document.addEventListener("click", (event) => {
    if (event.target.closest?.(".hx-latest-pause")) return latest.pause();
    const link = event.target.closest?.("a[data-go]");
    if (!link || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return undefined;
    event.preventDefault();
    const parameters = new URLSearchParams(location.search);
    for (const [name, value] of new URLSearchParams(link.dataset.go)) {
      if (value) parameters.set(name, value);
      else parameters.delete(name);
    }
    const address = parameters.toString().replaceAll("%3A", ":").replaceAll("%2C", ",");
    history.pushState(null, "", `${location.pathname}${address && `?${address}`}`);
    window.dispatchEvent(new PopStateEvent("popstate")); // as Back does: Streamlit takes the address up
    return undefined;
  });

  window.hexacrossParts = { put, follow };
})();
