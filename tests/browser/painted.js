// Takes the map to a view, and reads what is painted there: run in the map's own page by test_random_views.py.
async ({ query, lat, lng, zoom }) => {
  const WAIT_MS = 30_000;
  const MOST_GAPS = 400;
  const map = Object.values(window).find((value) => value instanceof L.Map);
  const layer = Object.values(map._layers).find((held) => held.levelsOf);
  const container = map.getContainer();

  /** Whatever `act` starts is told of by the map's own event. */
  const told = (event, act) =>
    new Promise((resolve, reject) => {
      const late = setTimeout(() => reject(new Error(`no ${event}: ${JSON.stringify(container.dataset)}`)), WAIT_MS);
      map.once(event, () => {
        clearTimeout(late);
        resolve();
      });
      act();
    });

  if (location.search !== `?${query}`) await told("hexacross:view", () => history.replaceState(null, "", `?${query}`));
  await told("hexacross:ready", () => map.setView([lat, lng], zoom, { animate: false }));
  while (layer._queue.waiting.size) await new Promise(requestAnimationFrame); // canvases are drawn one a frame

  const frame = layer._frameInSight();
  const rows = [];
  layer.view.each(frame, (hexagons, i) => rows.push([hexagons, i]));
  const names = rows.length ? Object.keys(rows[0][0].columns) : [];
  const numbers = rows.flatMap(([hexagons, i]) => [hexagons.words[2 * i], hexagons.words[2 * i + 1], ...names.map((name) => hexagons.columns[name][i])]);

  const canvas = document.querySelector(".leaflet-hxc-hexagons-pane canvas");
  const box = canvas.getBoundingClientRect();
  const ratio = canvas.width / box.width;
  const { data, width } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  const pixel = (cell) => {
    const { x, y } = map.latLngToContainerPoint(h3.cellToLatLng(cell));
    const at = 4 * (Math.floor((y - box.top) * ratio) * width + Math.floor((x - box.left) * ratio));
    return [...data.subarray(at, at + 4)];
  };
  const cells = rows.map(([hexagons, i]) => hexagons.name(i));
  const held = new Set(cells);
  const inSight = (cell) => {
    const [cellLat, cellLng] = h3.cellToLatLng(cell);
    const [x, y] = [L.hexacross.worldX(cellLng), L.hexacross.worldY(cellLat)];
    return x >= frame.west && x <= frame.east && y >= frame.north && y <= frame.south;
  };
  const around = cells.flatMap((cell) => h3.gridDisk(cell, 1)).filter((cell) => !held.has(cell) && inSight(cell));
  const every = Math.ceil(around.length / MOST_GAPS) || 1;
  const gaps = around.filter((_cell, at) => at % every === 0);

  const { _southWest: first, _northEast: last } = map.getBounds();
  const level = layer.view.levels.get(layer.view.resolutionAt(map.getZoom()));
  const bytes = new Uint8Array(Float64Array.from(numbers).buffer);
  let text = "";
  for (let at = 0; at < bytes.length; at += 32_768) text += String.fromCharCode(...bytes.subarray(at, at + 32_768));
  return {
    bounds: [first.lng, first.lat, last.lng, last.lat],
    zoom: map.getZoom(),
    resolution: level.resolution,
    classes: level.classes,
    states: [...layer.view.description.states],
    names,
    numbers: btoa(text),
    pixels: cells.map(pixel),
    gaps: gaps.map((cell) => pixel(cell)[3]),
    painted: Number(container.dataset.painted),
    legend: [...document.querySelectorAll(".hxc-legend-rows li")].map((row) => ["label", "count"].map((part) => row.querySelector(`.hxc-${part}`).textContent)),
  };
}
