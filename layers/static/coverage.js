// Fills thousands of small shapes by the share of each pixel that they cover; neighbours meet without a seam.
(function () {
  "use strict";
  const hexacross = self.hexacross;

  const LEAST = 1 / 1024; // of a pixel: less is what rounding leaves

  /** Room to draw in, grown as needed: shares of one colour, then sums of all colours, red, green, blue and their share. */
  let shares = new Float32Array(0);
  let sums = new Float32Array(0);

  function makeRoom(pixels, cells) {
    if (shares.length < cells) shares = new Float32Array(cells);
    if (sums.length < 4 * pixels) sums = new Float32Array(4 * pixels);
    sums.fill(0, 0, 4 * pixels);
  }

  /**
   * Add an edge of a closed outline, in pixels. What each cell holds, summed up from the left, is the share of that
   * pixel which lies inside: an edge adds to each pixel of its rows what it uncovers to its right. `row`: cells of a row,
   * two more than pixels; what lies left of the picture counts in its first column.
   */
  function addEdge(row, height, fromX, fromY, toX, toY) {
    const top = Math.min(fromY, toY);
    const bottom = Math.max(fromY, toY);
    if (top === bottom || bottom <= 0 || top >= height) return;
    const slope = (toX - fromX) / (toY - fromY);
    const sign = fromY < toY ? 1 : -1;
    const last = Math.min(height, Math.ceil(bottom));
    for (let y = Math.max(0, Math.floor(top)); y < last; y += 1) {
      const high = Math.max(y, top);
      const low = Math.min(y + 1, bottom);
      addSpan(y * row, row - 2, sign * (low - high), fromX + (high - fromY) * slope, fromX + (low - fromY) * slope);
    }
  }

  /** The part of an edge within one row of pixels, from x to x. */
  function addSpan(start, width, rise, oneX, otherX) {
    let x0 = Math.min(oneX, otherX);
    let x1 = Math.max(oneX, otherX);
    if (x0 < 0 || x1 > width) {
      const run = Math.max(x1 - x0, Number.EPSILON);
      const [left, right] = [Math.min(run, Math.max(0, -x0)) / run, Math.min(run, Math.max(0, x1 - width)) / run];
      shares[start] += rise * left;
      rise *= Math.max(0, 1 - left - right);
      x0 = Math.min(width, Math.max(0, x0));
      x1 = Math.min(width, Math.max(0, x1));
    }
    const first = Math.floor(x0);
    const last = Math.ceil(x1);
    if (last <= first + 1) {
      const inside = (x0 + x1) / 2 - first; // the mean distance from the pixel's left side
      shares[start + first] += rise * (1 - inside);
      shares[start + first + 1] += rise * inside;
      return;
    }
    let known = 0; // the share of the pixels up to here, summed
    let before = 0; // area uncovered so far within the run
    for (let x = first; x < last; x += 1) {
      const a = Math.max(x0, x);
      const b = Math.min(x1, x + 1);
      const crossed = (b - a) / (x1 - x0);
      const share = before + crossed * (x + 1 - (a + b) / 2); // crossed before it: covered whole; within it: from there on
      shares[start + x] += rise * (share - known);
      known = share;
      before += crossed;
    }
    shares[start + last] += rise * (1 - known);
  }

  /** Add the colour, as far as the outlines cover each pixel, and forget the outlines. */
  function addColour([red, green, blue], width, height, row) {
    for (let y = 0; y < height; y += 1) {
      let covered = 0;
      for (let x = 0; x < width; x += 1) {
        covered += shares[y * row + x];
        const share = Math.abs(covered);
        if (share < LEAST) continue;
        const at = 4 * (y * width + x);
        sums[at] += share * red;
        sums[at + 1] += share * green;
        sums[at + 2] += share * blue;
        sums[at + 3] += share;
      }
    }
    shares.fill(0, 0, row * height);
  }

  const rgb = (colour) => [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16));

  /**
   * Fill shapes that do not overlap, `filled` being [["#rrggbb", shapes]…] and a shape what `shapeOf` gives, over what
   * the frame holds, at an opacity from 0 to 1.
   */
  hexacross.fillCovered = function (frame, filled, opacity) {
    const { context } = frame;
    const { a: ratio, e: shiftX, f: shiftY } = context.getTransform();
    const { width, height } = context.canvas;
    const row = width + 2;
    const scale = frame.scale * ratio;
    const originX = frame.originX * ratio - shiftX;
    const originY = frame.originY * ratio - shiftY;
    makeRoom(width * height, row * height);
    for (const [colour, shapes] of filled) {
      for (const points of shapes) {
        let fromX = points[points.length - 2] * scale - originX;
        let fromY = points[points.length - 1] * scale - originY;
        for (let at = 2; at < points.length; at += 2) {
          const toX = points[at] * scale - originX;
          const toY = points[at + 1] * scale - originY;
          addEdge(row, height, fromX, fromY, toX, toY);
          fromX = toX;
          fromY = toY;
        }
      }
      if (shapes.length) addColour(rgb(colour), width, height, row);
    }
    const picture = new OffscreenCanvas(width, height);
    picture.getContext("2d", { willReadFrequently: true }).putImageData(imageOf(width, height, opacity), 0, 0);
    context.save();
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.drawImage(picture, 0, 0);
    context.restore();
  };

  function imageOf(width, height, opacity) {
    const image = new ImageData(width, height);
    const { data } = image;
    for (let at = 0; at < data.length; at += 4) {
      const share = sums[at + 3];
      if (!share) continue;
      data[at] = sums[at] / share;
      data[at + 1] = sums[at + 1] / share;
      data[at + 2] = sums[at + 2] / share;
      data[at + 3] = 255 * opacity * Math.min(1, share);
    }
    return image;
  }
})();
