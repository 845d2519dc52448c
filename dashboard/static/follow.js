// Figures follow the address: the new ones are fetched as soon as it changes, whoever changes it, and put on the page
// whole, with the title above them. Streamlit, whose script runs meanwhile, writes the same a moment later.
(() => {
  const SLOW_MS = 120; // a bar that flashes for less says nothing
  const RETRY_MS = 2000;
  const OF_THE_MAP = ["zone", "mesure", "classes", "resolution"]; // what changes the map alone
  const part = (name) => document.querySelector(`[data-live='${name}']`);

  /** Of the page and the view in the address; the title says where its figures are to be had. */
  const addressOf = () => {
    const parameters = new URLSearchParams(location.search);
    for (const name of OF_THE_MAP) parameters.delete(name);
    return { page: location.pathname, query: parameters.toString() };
  };
  const isSame = (one, other) => one.page === other.page && one.query === other.query;

  /** `put(answer)` writes an answer on the page; `isAway()`: nothing can be fetched. */
  window.hexacrossFigures = (put, isAway) => {
    let known = addressOf(); // of which figures are on the page, or on their way by Streamlit alone
    let shown = null; // the last answer: {parts, of, version}; null: what Streamlit drew
    let request = null;
    let failed = null;

    /** Fetch the figures of the address, in place of any that are on their way; whether they came. */
    const fetchAll = () => {
      const source = part("title")?.dataset.from;
      if (!source) return Promise.resolve(false);
      if (request) request.abort();
      request = Object.assign(new AbortController(), { address: addressOf(), at: Date.now() });
      return (request.done = ask(source, request));
    };

    const ask = async (source, asked) => {
      try {
        const answer = await fetch(`${source}?${asked.address.query}`, { signal: asked.signal });
        if (!answer.ok) throw new TypeError(`HTTP ${answer.status}`);
        const { parts } = await answer.json();
        if (request !== asked || !isSame(asked.address, addressOf())) return false;
        known = asked.address;
        const come = { parts, of: answer.headers.get("Hexacross-View"), version: answer.headers.get("Hexacross-Version") };
        shown = parts.figures === undefined ? null : come; // of some views the page's script alone knows them
        put(come);
        return true;
      } catch (error) {
        if (request !== asked) return request ? request.done : false; // that of another view took its place
        if (!(error instanceof TypeError)) throw error;
        failed = { address: asked.address, at: Date.now() }; // the figures there are stay
        return false;
      } finally {
        if (request === asked) request = null;
        mark();
      }
    };

    /** Say of figures that are not the title's, or for a while not the address's, that others are on their way. */
    const mark = () => {
      const figures = part("figures");
      if (!figures) return;
      const isOther = part("title")?.dataset.of !== figures.dataset.of;
      const isSlow = Boolean(request) && !isSame(known, request.address) && Date.now() - request.at >= SLOW_MS;
      if (figures.classList.toggle("hx-coming", isOther || isSlow)) figures.setAttribute("aria-busy", "true");
      else figures.removeAttribute("aria-busy");
    };

    /** Look whether the address, or what Streamlit wrote, has changed. */
    const watch = () => {
      const address = addressOf();
      if (address.page !== known.page) {
        if (request) request.abort();
        [known, shown, request] = [address, null, null]; // Streamlit draws another page
      }
      const figures = part("figures");
      if (!figures) return;
      if (isSame(address, known)) {
        if (shown && figures.dataset.of !== shown.of) put(shown); // by a run that began for the view before
      } else if (!isAway() && !document.hidden && !isTried(address)) fetchAll();
      mark();
    };
    const isTried = (address) =>
      request ? isSame(request.address, address) : failed && isSame(failed.address, address) && Date.now() - failed.at < RETRY_MS;

    look = watch;
    return { fetchAll, watch };
  };

  let look = () => {};
  addEventListener("popstate", () => look());

  // ── The address changes; what a page writes there before anyone has touched it is no step that Back returns from ─────

  let isTouched = true;
  for (const name of ["pointerdown", "keydown"]) addEventListener(name, () => (isTouched = true), { capture: true });
  addEventListener("popstate", () => (isTouched = false));
  const push = history.pushState.bind(history);
  history.pushState = (state, title, url) => {
    const next = new URL(url ?? "", location.href);
    const isOther = next.pathname !== location.pathname;
    if (isOther || isTouched) push(state, title, url);
    else history.replaceState(state, title, url);
    if (isOther) isTouched = false;
    look(); // at once: Streamlit, which has just written the address, now keeps the page busy
    dispatchEvent(new Event("hexacross:address")); // which the map hears
  };
})();
