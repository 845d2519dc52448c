// The map of a wall: one frame for all scenes, led from one view to the next; the map in it is that of the other pages.
import { element } from "./wall_draw.js";

const PATIENCE_MS = 12_000;
const DESK_NAME_PX = 12; // of the names on a desk's map, whose letters are of 16 px

/** The map did not come in time. */
export class MapAway extends Error {}

export class WallMap {
  constructor(frame) {
    this.frame = frame;
    this.address = frame.getAttribute("src");
    frame.addEventListener("load", () => this._size());
  }

  /** Letters and lines in pixels, as on the page around it. */
  resize(sizes) {
    this.sizes = sizes;
    this._size();
  }

  _size() {
    const layer = this._layer();
    if (!layer || !this.sizes) return;
    const { style } = this.frame.contentDocument.documentElement;
    style.setProperty("font-size", `${(16 * this.sizes.small) / DESK_NAME_PX}px`, "important");
    this.frame.contentWindow.L.hexacross.leastLine = this.sizes.line;
    if (layer.basemap) layer.basemap.placesOnly = true;
    const { innerWidth: across, innerHeight: along } = window;
    layer.insets.spread(across > along ? 3 : 2);
    layer.repaint("ground", "hexagons", "lines");
  }

  /** Whether the small maps of a national view stand in place of the map. */
  set spread(spread) {
    this.frame.contentDocument?.body?.classList.toggle("spread", spread);
  }

  /** Whether what is shown has small maps beside it. */
  get isNational() {
    const layer = this._layer();
    return Boolean(layer?.view?.description.view.national && layer.insets.places.length);
  }

  /** The hexagon layer, once the frame is there; null before, and after the server was away. */
  _layer() {
    try {
      const { map_mur: map } = this.frame.contentWindow;
      return map?._layers ? Object.values(map._layers).find((held) => held.lead) || null : null; // first, its name is that of its box
    } catch (error) {
      if (error instanceof DOMException) return null; // the browser's own page of a failed load is another origin
      throw error;
    }
  }

  /** Lie over a box of the page, whose corner is given within the room. */
  lieOver({ left, top, width, height }) {
    Object.assign(this.frame.style, { left: `${left}px`, top: `${top}px`, width: `${width}px`, height: `${height}px` });
  }

  set seen(seen) {
    this.frame.classList.toggle("seen", seen);
  }

  /** Show a view; resolves with what its legend says. Rejects with MapAway. */
  async show(query, zoom) {
    const layer = await this._ready();
    const led = layer.lead(new URLSearchParams(query).toString(), zoom);
    await within(PATIENCE_MS, led);
    return this.legend();
  }

  async _ready() {
    if (!this._layer()) {
      const loaded = new Promise((resolve) => this.frame.addEventListener("load", resolve, { once: true }));
      if (this.frame.contentDocument?.readyState !== "loading" || !this.frame.contentDocument) this.frame.src = this.address;
      await within(PATIENCE_MS, loaded);
    }
    const layer = this._layer();
    if (!layer) throw new MapAway();
    return layer;
  }

  /** Unit, classes and states as the map has them now. */
  legend() {
    const layer = this._layer();
    const header = layer && layer.legend.header;
    if (!header) return null;
    const { unit, classes, states, message } = header;
    return { unit, classes, states, message, swatch: (state) => this._swatch(layer, state) };
  }

  _swatch(layer, state) {
    const swatch = element("i", `swatch ${state}`);
    if (state === "zero") return swatch;
    const [width, height] = [this.sizes.small, this.sizes.small * 0.7].map(Math.round);
    const canvas = Object.assign(document.createElement("canvas"), { width, height });
    const context = canvas.getContext("2d");
    context.fillStyle = this.frame.contentWindow.L.hexacross.pattern(context, state, layer.colours);
    context.fillRect(0, 0, width, height);
    swatch.append(canvas);
    return swatch;
  }
}

function within(ms, promise) {
  let timer;
  const late = new Promise((_resolve, reject) => (timer = setTimeout(() => reject(new MapAway()), ms)));
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}
