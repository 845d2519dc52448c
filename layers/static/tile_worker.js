// Fetches, decodes and paints tiles of hexagons beside the page's thread, which stays free to move the map.
"use strict";
importScripts("../assets/h3-js/h3-js.umd.js", "geometry.js", "coverage.js", "payload.js");

const { hexacross } = self;
const BEYOND = 2.2; // edges by which a hexagon reaches out of the tile that holds its centre, toward the poles too
const MOST_KEPT = 400; // tiles: a few hundred bytes a hexagon
const MOST_SHAPES = 150_000; // of a resolution: 200 bytes each
const tiles = new Map(); // address → hexagons, the latest used last
const shapes = new Map(); // resolution → shapes by number of the cell
const requests = new Map(); // id → what aborts its request

let epoch = 0; // grows with each change: what was fetched before it serves no new request
const TASKS = { load, paint, drop, age: () => (epoch += 1) };
self.onmessage = ({ data }) => TASKS[data.task](data);

/** Fetch a tile, unless it is there already and asked for no newer one, and tell what it holds. */
async function load({ id, url, again }) {
  drop({ id });
  const kept = tiles.get(url);
  if (!again && kept && kept.epoch === epoch) return told(id, kept);
  const asked = epoch;
  const request = new AbortController();
  requests.set(id, request);
  try {
    const answer = await fetch(url, { signal: request.signal });
    if (!answer.ok) return fail(id, { status: answer.status, words: await wordsOf(answer) });
    if (!(answer.headers.get("Content-Type") || "").startsWith("application/octet-stream")) throw new RangeError("no tile");
    const hexagons = hexacross.decode(await answer.arrayBuffer(), shapesOf);
    hexagons.epoch = asked;
    keep(tiles, MOST_KEPT, url, hexagons);
    told(id, hexagons);
  } catch (error) {
    if (!request.signal.aborted) fail(id, { unreachable: error instanceof TypeError, reason: String(error) });
  } finally {
    if (requests.get(id) === request) requests.delete(id);
  }
}

/** Copies, made here: the page's thread takes them over as they are. */
function told(id, { resolution, count, words, numbers, columns, x, y }) {
  const copies = { words: words.slice(), numbers: numbers.slice(), x: x.slice(), y: y.slice(), columns: {} };
  for (const [name, column] of Object.entries(columns)) copies.columns[name] = column.slice();
  const { columns: copied, ...places } = copies;
  const buffers = [...Object.values(places), ...Object.values(copied)].map(({ buffer }) => buffer);
  self.postMessage({ task: "loaded", id, resolution, count, ...copies }, buffers);
}

/** The reason that the server gave in words, if it did. */
async function wordsOf(answer) {
  const json = (answer.headers.get("Content-Type") || "").startsWith("application/json");
  const body = json ? await answer.json() : {};
  return typeof body.error === "string" ? body.error : "";
}

function fail(id, fault) {
  self.postMessage({ task: "failed", id, fault });
}

/** Other views, and other zooms, have mostly the same hexagons: their shapes are found once. */
function shapesOf(resolution) {
  const known = shapes.get(resolution);
  if (known && known.size < MOST_SHAPES) return known;
  const fresh = new Map();
  shapes.set(resolution, fresh);
  return fresh;
}

function keep(all, most, key, value) {
  all.delete(key);
  all.set(key, value);
  if (all.size > most) all.delete(all.keys().next().value);
}

/** Paint a tile at a scale: `box` is [west, north, east, south] in world units. A tile no longer kept is told as lost. */
function paint({ id, url, box, scale, ratio, leastLine, look, number }) {
  const hexagons = tiles.get(url);
  if (!hexagons) return self.postMessage({ task: "lost", id, number });
  keep(tiles, MOST_KEPT, url, hexagons);
  Object.assign(hexacross, { ratio, leastLine });
  const beyond = BEYOND * hexagons.edge * scale + 2;
  const left = Math.floor(box[0] * scale - beyond);
  const top = Math.floor(box[1] * scale - beyond);
  const width = Math.ceil(box[2] * scale + beyond) - left;
  const height = Math.ceil(box[3] * scale + beyond) - top;
  const canvas = new OffscreenCanvas(Math.round(width * ratio), Math.round(height * ratio));
  // Painted by this thread: handed to the graphics process, thousands of small shapes hold up the page's frames.
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  const limits = Float32Array.from(look.limits);
  if (!same(hexagons._limits, limits)) hexagons.grouped(limits);
  hexagons.paint(new hexacross.Frame(context, scale, left, top, width, height, 0, 0), { ...look, limits: hexagons._limits });
  const bitmap = canvas.transferToImageBitmap();
  self.postMessage({ task: "painted", id, number, bitmap, left, top, width, height, scale }, [bitmap]);
}

function same(one, other) {
  return one && one.length === other.length && one.every((limit, at) => limit === other[at]);
}

function drop({ id }) {
  const request = requests.get(id);
  if (request) request.abort();
  requests.delete(id);
}
