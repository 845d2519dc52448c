// The scenes of a wall as elements. Texts come formatted from the server, and are put in as texts.

const SVG = "http://www.w3.org/2000/svg";

export function element(tag, className, ...content) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  made.append(...content.filter((part) => part !== "" && part !== null && part !== undefined));
  return made;
}

/** A paragraph that may be cut between its words. */
export function words(text, className = "") {
  const made = element("p", className, text);
  made.dataset.cut = "";
  return made;
}

/** { fixed: what stands on each page of the scene, blocks: what is dealt out to the pages }. */
export const drawn = {
  chiffres: ({ figures, notes }) => ({
    fixed: [],
    blocks: [...figures.map(figure), ...notes.filter(Boolean).map((note) => words(note, "note"))],
  }),
  courbe: (data) => ({ fixed: [chart(data)], blocks: data.notes.filter(Boolean).map((note) => words(note, "note")) }),
  comparaison: ({ rows }) => ({ fixed: [], blocks: rows.map(row) }),
  routes: ({ rows, notes }) => ({ fixed: [element("p", "note", notes.filter(Boolean).join(" "))], blocks: rows.map(row) }),
  texte: ({ paragraphs }) => ({ fixed: [], blocks: paragraphs.map((text) => words(text)) }),
  alert: ({ paragraphs }) => ({ fixed: [], blocks: paragraphs.map((text) => words(text)) }),
  mask: ({ paragraphs }) => ({ fixed: [], blocks: paragraphs.map((text) => words(text)) }),
  carte: ({ legend, notes }) => ({ fixed: [element("div", "slot")], blocks: [...(legend ? legendRows(legend) : []), ...notes.filter(Boolean).map((note) => words(note, "note"))] }),
};

function figure({ label, value, behind }) {
  return element("section", "figure", element("p", "value", value), element("div", "", element("h2", "", label), element("p", "behind", behind)));
}

/** A territory or a corridor: its value, and a bar with the interval on the scale of all. */
function row({ name, value, behind, at, low, high }) {
  const bar = element("div", "track");
  const percent = (share) => `${100 * share}%`;
  if (at !== null) Object.assign(bar.appendChild(element("i", "bar")).style, { width: percent(at) });
  if (low !== null) Object.assign(bar.appendChild(element("i", "interval")).style, { left: percent(low), width: percent(high - low) });
  return element("section", "row", element("h2", "", name), element("p", "value", value, " ", element("small", "", behind)), bar);
}

/** A step a day; days that are protected or unknown leave a gap. */
function chart({ values, top, top_label, zero_label, ends, notes }) {
  const svg = document.createElementNS(SVG, "svg");
  const high = top || 1;
  svg.setAttribute("viewBox", `0 0 ${values.length} 1`);
  svg.setAttribute("preserveAspectRatio", "none");
  const [line, area] = [[], []];
  values.forEach((value, day) => {
    if (value === null) return;
    const y = 1 - value / high;
    line.push(day && values[day - 1] !== null ? `V${y}` : `M${day} ${y}`, `H${day + 1}`);
    area.push(`M${day} 1V${y}H${day + 1}V1Z`);
  });
  for (const [name, d] of [["area", area], ["line", line]]) {
    const path = document.createElementNS(SVG, "path");
    path.setAttribute("class", name);
    path.setAttribute("d", d.join(""));
    svg.append(path);
  }
  const made = element(
    "figure", "chart",
    element("span", "top", top_label), svg, element("span", "zero", zero_label),
    element("p", "ends", element("span", "", ends[0]), element("span", "", ends[1])),
  );
  made.setAttribute("role", "img");
  made.setAttribute("aria-label", notes[0] || "");
  return made;
}

/** The classes, the highest first, and the states that are in sight. `swatch(state)`: how the map draws one. */
function legendRows({ unit, classes, states, message, swatch }) {
  const line = (mark, label) => element("p", "key", mark, element("span", "", label));
  const colour = ({ colour_dark }) => Object.assign(element("i", "swatch"), { style: `background:${colour_dark}` });
  return [
    ...(message ? [words(message, "note")] : []),
    ...(unit ? [element("p", "note", unit)] : []),
    ...[...classes].reverse().map((spec) => line(colour(spec), spec.label)),
    ...states.filter(({ count }) => count).map(({ state, label }) => line(swatch(state), label)),
  ];
}
