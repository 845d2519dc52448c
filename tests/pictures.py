"""The pictures in docs/images: the pages over the demonstration, Routes over real seizures, at the sizes of screens.

    make pictures                # all of them
    make pictures NAMES=france   # those of one view

Same seed, same dates: taken again, a picture changes where the page does, and in the age of the load.
"""

from __future__ import annotations

import io
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from itertools import product
from pathlib import Path

import numpy as np
from PIL import Image
from playwright.sync_api import Browser, FilePayload, Page, sync_playwright
from scipy.spatial import cKDTree

from data.demo import load_demo
from data.geography import geography
from data.ingest import load_file
from data.opening import open_store
from tests.browser.conftest import FLAGS, serve, until
from tests.browser.pixels import FRAME, map_frame

IMAGES = Path(__file__).parents[1] / "docs" / "images"
EVENTS = 200_000
UNTIL = date(2026, 11, 1)  # the day after the last
YEAR = "du=2025-11-01&au=2026-10-31"
VIEWS = {
    "marseille": f"territoire=cross:marseille&{YEAR}",
    "ile-de-france": f"territoire=region:11&{YEAR}",
    "france": YEAR,
}
# Of real seizures: routes of invented ones would be taken for some that exist.
SEIZURES = Path(__file__).parents[2] / "shared" / "datasets" / "unodc-ids-2011-2016.csv.gz"
ROUTES = {"routes": "routes?liaison=BR-ES-air"}
SIZES = ((1280, 800), (1920, 1080), (3840, 2160))
PAGES = {  # beside the Situation
    "controles": YEAR,
    "comparaison": f"territoires=cross:marseille,cross:lille,cross:lyon&{YEAR}",
    "couverture": YEAR,
}
PAGE_SIZES = SIZES[:2]
UPLOADS = {"donnees": "donnees"}
UPLOAD_HEAD = "source;source_event_id;family;kind;occurred_at;longitude;latitude;place_precision;drug;quantity_kg"
UPLOAD_LINE = "exemple;{n};incident;seizure;2026-10-{n:02d}T1{n}:30;5.37{n};43.3{n};point;cocaine;0.{n}"
UPLOAD_REFUSED = "exemple;7;incident;seizure;2026-13-45;5.37;43.3;point;cocaine;1.5"
WALLS = {  # script, kind of scene, which of its pages, width, height
    "mur-carte": ("national", "carte", 1, 3840, 2160),
    "mur-outre-mer": ("national", "carte", 2, 3840, 2160),
    "mur-chiffres": ("cross", "chiffres", 1, 3840, 2160),
    "mur-comparaison": ("national", "comparaison", 1, 3840, 2160),
    "mur-portrait": ("cross", "carte", 1, 2160, 3840),
}
ROUTES_WALLS = {"mur-routes": ("national", "routes", 1, 3840, 2160)}
AGAIN_MS = 500  # until nothing has moved
READY_MS = 120_000  # the first look at a region takes a while
COLOURS = 256  # of a picture: what it shows is flat
LEAVING = """(() => {
  const { kind, page } = document.getElementById("room").dataset;
  const shown = kind === "%(kind)s" && page === "%(page)d";
  if (kind && !shown) room._wake?.("time");
  return shown;
})()"""
SETTLED = """() => {
  const map = Object.values(window).find((value) => value instanceof L.Map);
  const held = Object.values(map._layers).find((layer) => layer._queue);
  return !held._queue.waiting.size && (!held.outlines || held.outlines.all.length > 0);
}"""


@contextmanager
def served() -> Iterator[str]:
    """Address of a Hexacross that holds the demonstration."""
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "demo.duckdb"
        store = open_store(str(path))
        store.set_memberships(geography().memberships())
        load_demo(store, EVENTS, seed=1, until=UNTIL)
        store.close()
        with contextmanager(serve)(path, Path(name) / "log") as address:
            yield address


@contextmanager
def served_seizures() -> Iterator[str]:
    """Address of a Hexacross that holds the UNODC's seizures."""
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "seizures.duckdb"
        store = open_store(str(path))
        load_file(store, SEIZURES)
        store.close()
        with contextmanager(serve)(path, Path(name) / "log") as address:
            yield address


def take(browser: Browser, address: str, width: int, height: int) -> Image.Image:
    """A picture of a page, everything in it being there."""
    page = browser.new_page(viewport={"width": width, "height": height}, locale="fr-FR")
    page.goto(address)
    page.wait_for_selector(".hx-sources")
    page.wait_for_selector('[data-testid="stVegaLiteChart"] :is(canvas, svg), .hx-ledger, .hx-latest')
    if page.locator(FRAME).count():
        frame = map_frame(page)
        frame.wait_for_selector(".hxc-map[data-state=ready]", timeout=READY_MS)
        frame.wait_for_function(SETTLED)
    for frame in page.frames[1:]:
        for at in range(frame.locator(".hxs-map").count()):  # side by side
            frame.locator(".hxs-map .hxc-map[data-state=ready]").nth(at).wait_for(timeout=READY_MS)
    return at_rest(page)


def take_upload(browser: Browser, address: str, width: int, height: int) -> Image.Image:
    """A picture of a file that has been dropped, and of what was understood of it, before it is loaded."""
    page = browser.new_page(viewport={"width": width, "height": height}, locale="fr-FR")
    page.goto(address)
    content = "\n".join([UPLOAD_HEAD, *(UPLOAD_LINE.format(n=n) for n in range(1, 7)), UPLOAD_REFUSED]).encode()
    file: FilePayload = {"name": "releve-octobre.csv", "mimeType": "text/csv", "buffer": content}
    page.locator('input[type="file"]').set_input_files(file)
    page.get_by_text("Premiers faits").click()
    page.get_by_text("Lu comme").wait_for()
    return at_rest(page)


def take_wall(browser: Browser, address: str, kind: str, at: int, width: int, height: int) -> Image.Image:
    """A picture of a page of the first scene of a kind, what comes before it being left at once."""
    page = browser.new_page(viewport={"width": width, "height": height}, locale="fr-FR")
    page.goto(address)
    until(page, LEAVING % {"kind": kind, "page": at}, READY_MS / 1000)
    return at_rest(page)


def at_rest(page: Page) -> Image.Image:
    """A picture of a page once nothing moves on it any more, and the end of that page."""
    before, taken = b"", page.screenshot(animations="disabled")
    while taken != before:
        page.wait_for_timeout(AGAIN_MS)
        before, taken = taken, page.screenshot(animations="disabled")
    page.close()
    return with_few_colours(Image.open(io.BytesIO(taken)).convert("RGB"))


def with_few_colours(picture: Image.Image) -> Image.Image:
    """The commonest colours as they are, so that classes keep theirs; each other as the nearest of a palette."""
    packed = np.asarray(picture).astype(np.uint32) @ np.array([1 << 16, 1 << 8, 1], dtype=np.uint32)
    codes, places, times = np.unique(packed, return_inverse=True, return_counts=True)
    colours = np.stack([codes >> 16, codes >> 8 & 255, codes & 255], axis=1).astype(np.uint8)
    common = colours[np.argsort(-times, kind="stable")[: COLOURS // 2]]
    rest = picture.quantize(COLOURS - len(common), method=Image.Quantize.FASTOCTREE).getpalette() or []
    palette = np.concatenate([common, np.array(rest, dtype=np.uint8).reshape(-1, 3)])
    _distance, nearest = cKDTree(palette).query(colours)
    reduced = Image.fromarray(nearest[places.reshape(packed.shape)].astype(np.uint8), "P")
    reduced.putpalette(palette.ravel().tolist())
    return reduced


def main(names: list[str]) -> None:
    """Take the pictures of these views, or of all."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        demonstrated = {name: f"?{query}" for name, query in VIEWS.items()}
        pages = {name: f"{name}?{query}" for name, query in PAGES.items()}
        for serving, views, sizes, taking in (
            (served, demonstrated, SIZES, take),
            (served, pages, PAGE_SIZES, take),
            (served, UPLOADS, PAGE_SIZES, take_upload),
            (served_seizures, ROUTES, PAGE_SIZES, take),
        ):
            wanted = [name for name in views if name in names or not names]
            if not wanted:
                continue
            with serving() as address:
                for name, (width, height) in product(wanted, sizes):
                    path = IMAGES / f"{name}-{width}x{height}.png"
                    taking(browser, f"{address}/{views[name]}", width, height).save(path, optimize=True)
        for serving, scenes in ((served, WALLS), (served_seizures, ROUTES_WALLS)):
            walls = [name for name in scenes if name in names or not names]
            if not walls:
                continue
            with serving() as address:
                for name in walls:
                    script, kind, at, width, height = scenes[name]
                    picture = take_wall(browser, f"{address}/mur?script={script}", kind, at, width, height)
                    picture.save(IMAGES / f"{name}-{width}x{height}.png", optimize=True)
        browser.close()


if __name__ == "__main__":
    main(sys.argv[1:])
