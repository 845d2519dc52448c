// How large things are on a wall: letters as high as the last row needs them, lines as wide; and how the frame moves.

const MM_PER_INCH = 25.4;
const LEAST_LINE_PX = 3;
const LINE_ARCMIN = 0.5; // of a line, as it is seen
const REACH_PX = 8; // of the frame's way, to each side
const TURNS = [16, 10]; // minutes of one round, across and along: no place is held longer than another

/** Sizes in pixels of the type (its capitals are as high as asked for) and of lines; the window is the whole screen. */
export function sizes({ diagonal_in, distance_m }, { ease, least, capital }, width, height) {
  const pitch = (diagonal_in * MM_PER_INCH) / Math.hypot(width, height); // mm
  const px = (arcmin) => (1000 * distance_m * Math.tan((arcmin / 60) * (Math.PI / 180))) / pitch;
  return {
    text: Math.ceil(px(ease) / capital),
    small: Math.ceil(px(least) / capital),
    line: Math.max(LEAST_LINE_PX, Math.ceil(px(LINE_ARCMIN))),
  };
}

/** Where the frame stands at a minute, in pixels from its place: a picture that never moves burns in. */
export function shiftAt(minute) {
  const [across, along] = TURNS.map((turn) => (2 * Math.PI * (minute % turn)) / turn);
  return [Math.round(REACH_PX * Math.cos(across)), Math.round(REACH_PX * Math.sin(along))];
}
