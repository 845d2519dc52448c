// Perimeters of CROSS and antennas, and the territory looked at: lines and seats, never fills (fill is for hexagons).
(function () {
  "use strict";
  const hexacross = L.hexacross;
  const { worldX, worldY } = hexacross;
  const DASHES = { operating: [], undated: [2, 7], installing: [8, 5] };
  const ASSUMED = { operating: [1.5, 4], undated: [1.5, 9], installing: [8, 4, 1.5, 4] }; // dotted, whatever the status
  const FONT = '"Source Sans", "Source Sans 3", "Source Sans Pro", system-ui, "Segoe UI", sans-serif';
  const NAMES_FROM_ZOOM = 7;
  const SMALLEST = 40; // of a perimeter on a wall, in widths of its line there: smaller, it would cover what it surrounds
  const NAMED_FROM = { jurisdiction: 4 }; // there are few of them
  const RETRY_MS = 5000; // a map that nobody touches would else stay without them

  /** The dashes of a perimeter's line, on the map and in the legend. */
  hexacross.dashesOf = ({ status, assumed }) => (assumed ? ASSUMED : DASHES)[status] || [];

  /** A seat: a small square, empty where nothing operates (yet). */
  hexacross.drawSeat = function (context, x, y, half, status, colours) {
    const operates = status === "operating";
    context.fillStyle = operates ? colours.outline : colours.halo;
    context.strokeStyle = operates ? colours.halo : colours.outline;
    context.lineWidth = 1.5;
    context.strokeRect(x - half, y - half, 2 * half, 2 * half);
    context.fillRect(x - half, y - half, 2 * half, 2 * half);
  };

  function decode({ properties, geometry }) {
    const polygons = geometry.type === "Polygon" ? [geometry.coordinates] : geometry.type === "MultiPolygon" ? geometry.coordinates : [];
    const box = [Infinity, Infinity, -Infinity, -Infinity];
    const rings = polygons.flat().map((ring) => {
      const points = new Float64Array(ring.length * 2);
      ring.forEach(([lng, lat], i) => {
        const x = (points[2 * i] = worldX(lng));
        const y = (points[2 * i + 1] = worldY(lat));
        box[0] = Math.min(box[0], x);
        box[1] = Math.min(box[1], y);
        box[2] = Math.max(box[2], x);
        box[3] = Math.max(box[3], y);
      });
      return points;
    });
    const seat = properties.seat ? [worldX(properties.seat[0]), worldY(properties.seat[1])] : null;
    return { ...properties, seat, rings, box };
  }

  hexacross.Outlines = class {
    constructor(colours, changed) {
      Object.assign(this, { colours, changed, url: "", all: [], retry: 0 });
      this.shown = { selected: true, cross: true, antenna: false, jurisdiction: true, alert: true };
    }

    /** Fetch other perimeters; those shown stay until the new ones are there, or when they cannot be had. */
    async load(url) {
      if (url === this.url) return;
      this.url = url;
      clearTimeout(this.retry);
      if (!url) {
        this.all = [];
        return this.changed();
      }
      let collection;
      try {
        const answer = await fetch(url);
        if (!answer.ok) throw new TypeError(`HTTP ${answer.status}`);
        collection = await answer.json();
      } catch (error) {
        if (!(error instanceof TypeError || error instanceof SyntaxError)) throw error;
        if (this.url !== url) return;
        this.url = ""; // asked again with the next picture, or in a moment
        this.retry = setTimeout(() => this.load(url), RETRY_MS);
        return;
      }
      if (this.url !== url) return;
      this.all = collection.features.filter(({ geometry }) => geometry).map(decode);
      this.changed();
    }

    kinds() {
      return new Set(this.all.map(({ kind }) => kind));
    }

    paint(frame) {
      for (const kind of ["antenna", "jurisdiction", "cross", "selected", "alert"]) {
        if (this.shown[kind]) for (const outline of this.all) if (outline.kind === kind && frame.sees(outline.box)) this._line(frame, outline);
      }
    }

    _line(frame, outline) {
      const { context } = frame;
      context.beginPath();
      for (const points of outline.rings) {
        context.moveTo(frame.x(points[0]), frame.y(points[1]));
        for (let i = 2; i < points.length; i += 2) context.lineTo(frame.x(points[i]), frame.y(points[i + 1]));
      }
      const selected = outline.kind === "selected";
      const far = frame.zoom < NAMES_FROM_ZOOM && outline.kind !== "jurisdiction"; // of a few pixels, it must not hide its hexagons
      const alert = outline.kind === "alert";
      const width = hexacross.line(alert ? 3.5 : selected ? 2.2 : far ? 0.8 : 1.5);
      const isOnWall = hexacross.line(0) > 0;
      if (isOnWall && !selected && !alert && (outline.box[2] - outline.box[0]) * frame.scale < SMALLEST * width) return;
      context.lineJoin = "round";
      context.setLineDash([]);
      if (!far || selected || alert) {
        context.globalAlpha = 0.7;
        context.strokeStyle = this.colours.halo;
        context.lineWidth = width + 2;
        context.stroke();
        context.globalAlpha = 1;
      }
      context.lineCap = outline.assumed ? "round" : "butt";
      context.setLineDash(selected ? [] : hexacross.dashesOf(outline).map((px) => hexacross.line(px)));
      context.strokeStyle = alert ? this.colours.alert : selected ? this.colours.accent : this.colours.outline;
      context.lineWidth = width;
      context.stroke();
      context.setLineDash([]);
      context.lineCap = "butt";
    }

    /**
     * Seats as small squares, and names by zoom, farther away where letters are larger; `taken` keeps names of all layers
     * apart. A square without its name `yields` to the name of a large town that has no other place.
     */
    paintNames(frame, taken) {
      const { context } = frame;
      const magnified = hexacross.magnified(1);
      for (const outline of this.all) {
        if (!this.shown[outline.kind] || outline.kind === "selected" || !outline.seat || !frame.sees([...outline.seat, ...outline.seat])) continue;
        const x = Math.round(frame.x(outline.seat[0]));
        const y = Math.round(frame.y(outline.seat[1]));
        const isNamed = frame.zoom - Math.log2(magnified) >= (NAMED_FROM[outline.kind] || NAMES_FROM_ZOOM);
        const half = hexacross.line(isNamed ? 3 : 1.5);
        hexacross.drawSeat(context, x, y, half, outline.status, this.colours);
        const box = [x - half - 2, y - half - 2, x + half + 2, y + half + 2];
        taken.push(isNamed ? box : Object.assign(box, { yields: true }));
        if (isNamed) this._name(context, outline.name, x, y - 13 * magnified, taken, magnified);
      }
    }

    /** The names of territories in alert, at whatever zoom, above their outlines: `words` has {name} to fill in. */
    paintAlerts(frame, taken, words) {
      const magnified = hexacross.magnified(1);
      for (const { name, box } of this.all) {
        if (!frame.sees(box)) continue;
        const [x, y] = [frame.x((box[0] + box[2]) / 2), frame.y(box[1]) - 10 * magnified];
        this._name(frame.context, hexacross.fill(words, { name }), x, y, taken, magnified, this.colours.alert);
      }
    }

    _name(context, name, x, y, taken, magnified, colour = this.colours.outline) {
      context.font = `600 ${12 * magnified}px ${FONT}`;
      const width = context.measureText(name).width;
      const box = [x - width / 2 - 3, y - 8 * magnified, x + width / 2 + 3, y + 8 * magnified];
      if (taken.some((other) => box[0] < other[2] && box[2] > other[0] && box[1] < other[3] && box[3] > other[1])) return;
      taken.push(Object.assign(box, { name }));
      context.textAlign = "center";
      context.textBaseline = "middle";
      context.lineJoin = "round";
      context.strokeStyle = this.colours.halo;
      context.lineWidth = 3 * magnified;
      context.strokeText(name, x, y);
      context.fillStyle = colour;
      context.fillText(name, x, y);
    }
  };
})();
