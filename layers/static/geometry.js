// Where things lie on the map of the world, and the frame painters draw in; for pages and for workers alike.
(function () {
  "use strict";
  const hexacross = (self.hexacross = self.hexacross || {});
  if (self.L) L.hexacross = hexacross;

  /** Web Mercator with the whole world from 0 to 1, y downward. */
  hexacross.worldX = (lng) => (lng + 180) / 360;
  hexacross.worldY = (lat) => {
    const sine = Math.sin((Math.max(-85.0511, Math.min(85.0511, lat)) * Math.PI) / 180);
    return 0.5 - Math.log((1 + sine) / (1 - sine)) / (4 * Math.PI);
  };

  /**
   * What a painter needs: pixel = world * scale - origin, and the box of world coordinates to fill.
   * The same painters serve the map, its insets, and the pictures of tiles.
   */
  hexacross.Frame = class {
    constructor(context, scale, originX, originY, width, height, left, top) {
      Object.assign(this, { context, scale, originX, originY, width, height, left, top });
      this.zoom = Math.log2(scale / 256);
      this.west = (left + originX) / scale;
      this.north = (top + originY) / scale;
      this.east = (left + width + originX) / scale;
      this.south = (top + height + originY) / scale;
    }
    x(worldX) {
      return worldX * this.scale - this.originX;
    }
    y(worldY) {
      return worldY * this.scale - this.originY;
    }
    /** Whether a box [west, north, east, south] in world coordinates is in sight. */
    sees(box) {
      return box[0] <= this.east && box[2] >= this.west && box[1] <= this.south && box[3] >= this.north;
    }
  };
})();
