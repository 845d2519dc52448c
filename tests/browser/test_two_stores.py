"""The same demonstration in both stores, each served: one sees the same page, hexagon by hexagon and pixel by pixel."""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from data.demo import load_demo
from data.geography import geography
from data.opening import open_store
from layers.hexagons import STATE_CODES
from tests.browser.conftest import serve
from tests.browser.pixels import map_frame, map_zoom, wait_for_colours
from tests.hexagons import Shown, reader, shown
from tests.postgres import new_store_url

pytestmark = pytest.mark.browser

OpenPage = Callable[..., Page]

EVENTS = 30_000
UNTIL = date(2026, 11, 1)
THRESHOLD = 5
SETTLED_S = 30
MARSEILLE = "territoire=cross:marseille&du=2025-11-01&au=2026-10-31"
VIEWS = {
    "france": "du=2026-01-01&au=2026-10-31",
    "urban area": MARSEILLE,
    "filters": f"{MARSEILLE}&famille=incident&produit=cannabis_resin,cocaine&service=police&mesure=taux&classes=jenks",
    "controls": "territoire=antenna:guadeloupe&du=2025-01-01&au=2026-10-31&mesure=rendement&resolution=7",
}
AGE = re.compile(r"chargée .*")  # of a load: the two are not of the same minute
# Of each canvas of the map: whose it is, its size and a digest of its pixels.
CANVASES = """() => Promise.all([...document.querySelectorAll("canvas")].map(async (canvas) => {
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", data));
  const held = canvas.closest(".leaflet-pane, .hxc-inset, .leaflet-control");
  return `${held?.className} ${canvas.width}x${canvas.height} ${[...digest].map((byte) => byte.toString(16)).join("")}`;
}))"""


class Pair(NamedTuple):
    """Addresses at which the same facts are served, from either store."""

    embedded: str
    server: str


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """A DuckDB file and a PostgreSQL database that were given the same load."""
    urls = str(tmp_path_factory.mktemp("stores") / "demo.duckdb"), new_store_url()
    for url in urls:
        store = open_store(url)
        store.set_memberships(geography().memberships())
        load_demo(store, events=EVENTS, seed=1, until=UNTIL)
        store.close()
    return urls


@contextmanager
def both_served(stores: tuple[str, str], folder: Path, **settings: str) -> Iterator[Pair]:
    """Serve both; a copy of the file, which only one program at a time may open."""
    embedded = shutil.copy(stores[0], folder / "demo.duckdb")
    serving = contextmanager(serve)
    with (
        serving(embedded, folder / "embedded.log", **settings) as one,
        serving(stores[1], folder / "server.log", **settings) as other,
    ):
        yield Pair(one, other)


@pytest.fixture(scope="module")
def served(stores: tuple[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    with both_served(stores, tmp_path_factory.mktemp("served")) as pair:
        yield pair


@pytest.fixture(scope="module")
def served_protected(stores: tuple[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """The same for someone who may see no small number."""
    with both_served(stores, tmp_path_factory.mktemp("protected"), HEXACROSS_THRESHOLD=str(THRESHOLD)) as pair:
        yield pair


def hexagons(address: str, view: str, **of: int) -> Shown:
    """What travels to the map; the age of the load, which is no fact, and the key, of each its own, left out."""
    described, level, columns = shown(reader(address), view, **of)
    for source in described["sources"]:
        source |= {"age": AGE.sub("", source["age"]), "loaded": 0, "stale_from": 0}
    described["key"] = ""
    return Shown(described, level, columns)


def compare_hexagons(pair: Pair, view: str, **of: int) -> Shown:
    found, other = (hexagons(address, view, **of) for address in pair)
    assert found.described == other.described
    assert found.level == other.level
    assert list(found.columns) == list(other.columns)
    for name, values in found.columns.items():
        np.testing.assert_array_equal(values, other.columns[name], err_msg=name)
    assert found.columns["cell"].size > 0
    return found


def canvases(page: Page) -> list[str]:
    """Each canvas of the map: whose it is, its size and a digest of its pixels."""
    return list(map_frame(page).evaluate(CANVASES))


def texts(page: Page) -> dict[str, list[str]]:
    """What is written beside the map: title, figures, sentences, sources; not what waits in a closed tab."""
    expect(page.locator(".hx-sources")).to_be_visible()
    expect(page.locator("[data-live=silences] .hx-waiting")).to_have_count(0)  # fetched after the map, tab open or not
    parts = (".hx-band", ".hx-title", ".hx-figure", ".hx-heading", ".hx-sentence", ".hx-sources li")
    return {part: [AGE.sub("", text) for text in page.locator(part).all_inner_texts()] for part in parts}


def fit(page: Page) -> None:
    """Show the whole territory again: fitted while the page grew, one map may be a pixel beside the other."""
    frame = map_frame(page)
    for button in ("Zoom arrière", "Revoir tout le territoire"):
        frame.get_by_role("button", name=button).click()
    frame.wait_for_selector(".hxc-map[data-state=ready]")


def table_cells(page: Page) -> list[str]:
    """The events of the pinned hexagon, cell by cell, as the page gives them to a screen reader."""
    page.wait_for_selector('[data-testid="stDataFrame"] table td', state="attached")
    return page.locator('[data-testid="stDataFrame"] table td').all_text_contents()


def compare_pages(pair: Pair, view: str, open_page: OpenPage) -> tuple[Page, Page]:
    one, other = (open_page(f"{address}/?{view}") for address in pair)
    assert texts(one) == texts(other)
    for page in (one, other):
        fit(page)
    level = compare_hexagons(pair, view, zoom=map_zoom(one)).level
    for page in (one, other):
        wait_for_colours(page, [spec["colour"] for spec in level["classes"][-3:]])
    deadline = time.monotonic() + SETTLED_S
    while (painted := canvases(one)) != canvases(other) and time.monotonic() < deadline:
        one.wait_for_timeout(200)
    assert len(painted) > 3
    assert painted == canvases(other)
    return one, other


@pytest.mark.parametrize("view", VIEWS.values(), ids=VIEWS)
def test_both_stores_show_the_same_page(served: Pair, open_page: OpenPage, view: str) -> None:
    compare_hexagons(served, view)
    compare_pages(served, view, open_page)


def test_both_stores_show_the_same_events_of_a_hexagon(served: Pair, open_page: OpenPage) -> None:
    columns = compare_hexagons(served, MARSEILLE, resolution=8).columns
    busiest = columns["cell"][np.nanargmax(columns["values"])]
    one, other = compare_pages(served, f"{MARSEILLE}&hexagone={busiest:x}", open_page)
    cells = table_cells(one)
    assert len(cells) >= 40
    assert cells == table_cells(other)


def test_both_stores_protect_the_same_small_numbers(served_protected: Pair, open_page: OpenPage) -> None:
    columns = compare_hexagons(served_protected, MARSEILLE).columns
    hidden = columns["state"] == STATE_CODES["protected"]
    assert hidden.any()
    figures = set(columns) - {"cell", "state", "place"}
    assert all(np.isnan(columns[name][hidden]).all() for name in figures)
    assert set((columns["values"][~hidden] % THRESHOLD).tolist()) == {0.0}
    compare_pages(served_protected, MARSEILLE, open_page)
