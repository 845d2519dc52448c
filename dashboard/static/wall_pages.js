// What does not fit on a wall is cut into another scene, not shrunk.

import { words } from "./wall_draw.js";

const SPARE_PX = 1; // by which rounded heights may differ

/** Whether the last block ends below `main`, or the list is wider. Letters may reach out of their line: no scroll height. */
function overflows(main, list) {
  const inside = main.getBoundingClientRect().bottom - parseFloat(getComputedStyle(main).paddingBottom);
  return list.lastElementChild.getBoundingClientRect().bottom > inside + SPARE_PX || list.scrollWidth > main.clientWidth + SPARE_PX;
}

/**
 * The blocks of each page. `main` has its final size and holds `list`, into which they are put one by one. A paragraph
 * larger than a page is cut between words, and what stands behind a figure goes to the page after it; anything else stays
 * whole.
 */
export function paginate(main, list, blocks) {
  const pages = [];
  const rest = [...blocks];
  while (rest.length) {
    const page = [];
    list.replaceChildren();
    while (rest.length) {
      list.append(rest[0]);
      if (overflows(main, list)) break;
      page.push(rest.shift());
    }
    if (!page.length) page.push(...cutFirst(main, list, rest));
    pages.push(page);
  }
  list.replaceChildren();
  return pages.length ? pages : [[]];
}

/** As much of the first of `rest` as a page holds; what is left of it stays there. */
function cutFirst(main, list, rest) {
  const block = rest.shift();
  const behind = block.querySelector(".behind");
  if (behind) {
    rest.unshift(words(`${block.querySelector("h2").textContent} : ${behind.textContent}`, "note"));
    behind.remove();
    return [block];
  }
  const said = block.dataset.cut === undefined ? [] : block.textContent.split(" ");
  let [fits, tooMany] = [1, said.length];
  while (tooMany - fits > 1) {
    const tried = Math.floor((fits + tooMany) / 2);
    block.textContent = said.slice(0, tried).join(" ");
    if (overflows(main, list)) tooMany = tried;
    else fits = tried;
  }
  if (said.length > fits) {
    const after = block.cloneNode();
    after.textContent = said.slice(fits).join(" ");
    block.textContent = said.slice(0, fits).join(" ");
    rest.unshift(after);
  }
  return [block];
}
