// Keeps the figures beside the map up to date, and says when the store is away. Parts of the page carry `data-live`.
(() => {
  const { Follower, concerns, outage } = window.hexacrossLive;
  const CURVE_MS = 30_000; // between two runs of the page's script for its curve: each costs the server a tenth of a second
  const WATCH_MS = 1000;
  const WATCH_FIGURES_MS = 50; // Streamlit tells nobody what it writes
  const locale = document.documentElement.lang === "en" ? "en-GB" : "fr-FR";
  const band = () => document.querySelector("[data-live='outage']"); // where there is something to keep up to date
  let curveAt = 0;

  const put = ({ parts, of, version }) => {
    window.hexacrossParts.put(parts, of);
    if (band()) Object.assign(band().dataset, { version, recalled: "" });
  };
  const figures = window.hexacrossFigures(put, () => live.state.away || live.state.lost);

  const tell = () => {
    const place = band();
    if (!place) return;
    const { asOf, recalled, away, lost } = place.dataset;
    const words = outage(live.state, recalled ? Date.parse(asOf) : live.freshAt || Date.parse(asOf), { away, lost }, locale);
    if (place.textContent !== words) place.textContent = words;
    place.hidden = !words;
  };

  /** The curve is Streamlit's: its script must run again, as when one presses the button. */
  const redraw = () => {
    const button = document.querySelector(".st-key-redraw button");
    if (button && !button.checkVisibility()) return; // of a tab that is not open: drawn when it is
    const { version, drawn } = band()?.dataset || {};
    if (!button || version === drawn || document.hidden || Date.now() - curveAt < CURVE_MS) return;
    curveAt = Date.now();
    button.click();
  };

  const parameters = () => new URLSearchParams(location.search);
  const live = new Follower({
    url: "/changes",
    shown: () => Number(band()?.dataset.version || 0),
    touches: (change) => change.figures || concerns(change, parameters().get("territoire"), parameters()),
    refresh: figures.fetchAll,
    told: tell,
  });
  setInterval(() => {
    tell();
    live.check();
    redraw();
  }, WATCH_MS);
  setInterval(figures.watch, WATCH_FIGURES_MS);
  window.hexacrossParts.follow(live);
})();
