// A grid one walks through with the arrows, one stop of the Tab key for all of it; below, all that is known of a cell.
(() => {
  const CELLS = '.hx-matrix [role="grid"] a';
  const STEPS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };

  const rowsOf = (cell) => [...cell.closest("tbody").rows].map((row) => [...row.querySelectorAll("a")]);

  /** Where a key leads from a cell: to its neighbour, to an end of its row, to a corner of the grid. */
  const target = (cell, event) => {
    const rows = rowsOf(cell);
    const row = rows.findIndex((cells) => cells.includes(cell));
    const column = rows[row].indexOf(cell);
    if (event.key === "Home" || event.key === "End") {
      const at = (list) => list.at(event.key === "Home" ? 0 : -1);
      return at(event.ctrlKey ? at(rows) : rows[row]);
    }
    const [down, right] = STEPS[event.key];
    return rows[row + down]?.[column + right];
  };

  const say = (cell) => {
    const place = cell.closest(".hx-matrix").parentElement.querySelector(".hx-said");
    if (place && place.textContent !== cell.dataset.said) place.textContent = cell.dataset.said;
  };

  document.addEventListener("keydown", (event) => {
    const cell = event.target.closest?.(CELLS);
    if (!cell || !(event.key in STEPS || event.key === "Home" || event.key === "End") || event.altKey || event.metaKey) return;
    event.preventDefault();
    target(cell, event)?.focus();
  });
  document.addEventListener("focusin", (event) => {
    const cell = event.target.closest?.(CELLS);
    if (!cell) return;
    for (const other of rowsOf(cell).flat()) other.tabIndex = other === cell ? 0 : -1;
    say(cell);
  });
  document.addEventListener("mouseover", (event) => {
    const cell = event.target.closest?.(CELLS);
    if (cell) say(cell);
  });
})();
