// The quiet basemap: land, borders and names, painted from the tiles in sight.
(function () {
  "use strict";
  const hexacross = L.hexacross;

  const FONT = '"Source Sans", "Source Sans 3", "Source Sans Pro", system-ui, "Segoe UI", sans-serif';
  const DOTS_UNTIL_ZOOM = 11; // nearer, a town is no longer a point
  const LARGE_SEATS_FROM_ZOOM = 8;
  const UNTIL_ZOOM = { country: 8.5, region: 8, departement: 10.5 };
  const WIDE = { country: "1.5px", region: "1px", departement: "0.5px" }; // letters of an area's name, spaced

  // From the lowest rank to the highest, so that the higher one lies on top: colour, zoom from which it is drawn, and
  // its width in pixels by zoom.
  const LINES = [
    ["commune", "borderFaint", 10, [[10, 0.6], [12, 1]]],
    ["epci", "borderFaint", 8.5, [[8.5, 0.7], [10, 1.2], [12, 1.6]]],
    ["departement", "borderMinor", 4.5, [[5, 0.4], [7, 0.8], [10, 1.2], [12, 1.6]]],
    ["region", "border", 4.5, [[5, 0.6], [7, 1], [10, 1.3], [12, 1.6]]],
    ["coast", "coast", 0, [[4, 0.5], [7, 0.8]]],
    ["country", "border", 0, [[4, 0.6], [7, 1.1], [10, 1.5], [12, 1.8]]],
  ];

  /** Between the steps of [zoom, value], in a straight line. */
  function between(steps, zoom) {
    const next = steps.findIndex(([at]) => zoom < at);
    if (next < 0) return steps[steps.length - 1][1];
    if (next === 0) return steps[0][1];
    const [[fromZoom, from], [toZoom, to]] = [steps[next - 1], steps[next]];
    return from + ((to - from) * (zoom - fromZoom)) / (toZoom - fromZoom);
  }

  const overlap = (box, other) => box[0] < other[2] && box[2] > other[0] && box[1] < other[3] && box[3] > other[1];

  /** Which of the boxes covers nothing but what yields, and the least of it; -1: none. */
  function leastCovering(boxes, taken) {
    const covered = boxes.map((box) => taken.filter((other) => overlap(box, other)));
    const numbers = covered.map((others) => (others.every(({ yields }) => yields) ? others.length : Infinity));
    const fewest = Math.min(...numbers);
    return fewest < Infinity ? numbers.indexOf(fewest) : -1;
  }

  hexacross.Basemap = class {
    /** `changed` is called when a tile has arrived; `failed("index" or "tile")` when something is not there. */
    constructor(folder, colours, changed, failed) {
      this.tiles = new hexacross.BasemapTiles(folder, changed, failed);
      Object.assign(this, { colours, showBorders: true, showNames: true, placesOnly: false, english: false });
    }

    /** Water, land and borders; borders alone `over` a picture that lies below. */
    paintGround(frame, over = false) {
      const { context } = frame;
      const { colours } = this;
      const patches = this.tiles.inSight(frame);
      if (!over) {
        context.fillStyle = colours.water;
        context.fillRect(frame.left, frame.top, frame.width, frame.height);
        for (const [kind, colour] of [["abroad", colours.abroad], ["land", colours.land]]) {
          for (const patch of patches) {
            this._inTile(frame, patch, (path) => {
              context.fillStyle = colour;
              context.fill(path, "evenodd");
            }, kind);
          }
        }
      }
      for (const [rank, colour, from, widths] of LINES) {
        const drawn = rank === "coast" ? !over : this.showBorders && frame.zoom >= from;
        if (drawn) this._stroke(frame, patches, rank, colours[colour], between(widths, frame.zoom));
      }
    }

    /** Borders again, thin, above the hexagons: they say where one is without hiding what is there. */
    paintOver(frame) {
      if (!this.showBorders) return;
      const patches = this.tiles.inSight(frame);
      frame.context.globalAlpha = 0.55;
      this._stroke(frame, patches, "departement", this.colours.halo, 0.8);
      this._stroke(frame, patches, "region", this.colours.halo, 1.2);
      frame.context.globalAlpha = 1;
    }

    _stroke(frame, patches, rank, colour, width) {
      const { context } = frame;
      const thick = hexacross.line(width);
      for (const patch of patches) {
        this._inTile(frame, patch, (path, step) => {
          context.lineWidth = thick / step;
          context.lineJoin = "bevel"; // of lines this thin no one tells it from a round one, which takes a quarter longer
          context.lineCap = "round"; // closes the cuts between tiles
          context.strokeStyle = colour;
          context.stroke(path);
        }, rank);
      }
    }

    /** `draw(path, pixels of one step)` in the tile's own coordinates, held to the boxes that it serves. */
    _inTile(frame, { tile, boxes }, draw, name) {
      const path = tile.paths[name];
      if (!path) return;
      const { context } = frame;
      const step = tile.unit * frame.scale;
      context.save();
      if (boxes) {
        context.beginPath();
        for (const [west, north, east, south] of boxes) {
          const [left, top] = [Math.round(frame.x(west)), Math.round(frame.y(north))];
          context.rect(left, top, Math.round(frame.x(east)) - left, Math.round(frame.y(south)) - top);
        }
        context.clip();
      }
      context.transform(step, 0, 0, step, frame.x(tile.west), frame.y(tile.north));
      draw(path, step);
      context.restore();
    }

    /**
     * Names, most important first, each where it fits. `taken` holds the rectangles already used. Where letters are larger,
     * the map says less, as it would from farther away: a third as far, so that a wall's whole country keeps its large towns.
     * What a seat has named is not named again.
     */
    paintNames(frame, taken) {
      if (!this.showNames) return;
      this._magnified = hexacross.magnified(1);
      const zoom = frame.zoom - Math.log2(this._magnified) / 3;
      const said = new Set(taken.map(({ name }) => name));
      for (const place of this._names(frame, zoom)) if (!said.has(place.name)) this._write(frame, place, this._style(place, zoom), taken);
    }

    _names(frame, zoom) {
      const found = [];
      for (const { tile, boxes } of this.tiles.inSight(frame)) {
        for (const place of tile.names) {
          const { x, y } = place;
          if (place.zoom > zoom || zoom >= (UNTIL_ZOOM[place.kind] || Infinity) || (this.placesOnly && place.kind in WIDE)) continue;
          if (x < frame.west || x > frame.east || y < frame.north || y > frame.south) continue;
          if (boxes && !boxes.some(([west, north, east, south]) => x >= west && x < east && y >= north && y < south)) continue;
          found.push(place);
        }
      }
      return found.sort((one, other) => other.importance - one.importance);
    }

    _style({ kind, importance }, zoom) {
      const { colours, _magnified: magnified } = this;
      if (kind in WIDE) {
        const size = magnified * (kind === "country" ? (zoom < 5 ? 11 : 12) : 11);
        return { font: `${kind === "country" ? 500 : 400} ${size}px ${FONT}`, colour: colours.labelMinor, spacing: WIDE[kind], upper: kind !== "departement" };
      }
      const large = kind === "city" || (kind === "seat" && zoom >= LARGE_SEATS_FROM_ZOOM);
      const size = magnified * (zoom >= 11 && importance < 20000 ? 11 : large ? 13 : 12);
      return { font: `${large ? 600 : 400} ${size}px ${FONT}`, colour: colours.label, large, dot: zoom < DOTS_UNTIL_ZOOM };
    }

    _write(frame, place, { font, colour, spacing, upper, large, dot }, taken) {
      const { context } = frame;
      const [near, far, edge, half] = [5, 9, 3, 8].map((px) => px * this._magnified);
      const words = this.english ? place.english : place.name;
      const text = upper ? words.toUpperCase() : words;
      context.font = font;
      context.letterSpacing = spacing || "0px";
      const width = context.measureText(text).width;
      const x = Math.round(frame.x(place.x));
      const y = Math.round(frame.y(place.y));
      // Beside the point, or a little further, as a seat's square may stand on it; a large town's else above or below.
      const centred = Math.round(x - width / 2);
      const places = (dot ? [x + near, x + far, x - near - width, x - far - width] : [centred]).map((left) => [left, y]);
      if (dot && large) places.push([centred, y - far - edge], [centred, y + far + edge]);
      const boxes = places.map(([left, middle]) => [left - edge, middle - half, left + width + edge, middle + half]);
      let chosen = boxes.findIndex((box) => !taken.some((other) => overlap(box, other)));
      if (chosen < 0 && large) chosen = leastCovering(boxes, taken);
      if (chosen >= 0) {
        taken.push(boxes[chosen]);
        if (dot) taken.push([x - edge, y - edge, x + edge, y + edge]);
        this._halo(context, text, ...places[chosen], colour);
        if (dot) this._dot(context, x, y, colour);
      }
      context.letterSpacing = "0px";
    }

    _halo(context, name, x, y, colour) {
      context.textAlign = "left";
      context.textBaseline = "middle";
      context.lineJoin = "round";
      context.strokeStyle = this.colours.halo;
      context.lineWidth = 4 * this._magnified;
      context.globalAlpha = 0.9;
      context.strokeText(name, x, y);
      context.globalAlpha = 1;
      context.fillStyle = colour;
      context.fillText(name, x, y);
    }

    _dot(context, x, y, colour) {
      context.beginPath();
      context.arc(x, y, hexacross.line(2), 0, 2 * Math.PI);
      context.fillStyle = colour;
      context.strokeStyle = this.colours.halo;
      context.lineWidth = 1.5;
      context.stroke();
      context.fill();
    }
  };
})();
