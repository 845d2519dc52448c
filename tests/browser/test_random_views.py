"""Views drawn at random, at all zooms, on both stores: what the map has painted is the store's answer.

How many hexagons are in sight; state, measure, interval and the figures behind it of each; the colours on the canvas at
their centres, and none where the store has nothing; the numbers of the legend.
"""

from __future__ import annotations

import base64
import contextlib
import math
import random
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import h3.api.basic_int as h3
import numpy as np
import pytest
from numpy.typing import NDArray
from playwright.sync_api import Browser, Page
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from dashboard.cache import ByteCache
from dashboard.context import Context, viewer_of
from dashboard.mapdata import figure_decimals
from dashboard.measures import MEASURES
from dashboard.routes import PAGES, routes
from dashboard.settings import Settings
from dashboard.view import View
from data.demo import load_demo
from data.geography import geography
from data.opening import open_store
from data.query import Territory
from data.store import Store
from data.vocabulary import DRUGS, KINDS
from geo.tiles import EQUATOR_M, TILE_PX
from layers.colours import THEMES
from layers.hexagons import STATE_CODES, ZOOMS
from layers.map import build_map
from tests.browser.harness import serving
from tests.browser.plain_answer import Answer, answer, counts_of
from tests.data.contract import Row, batch, chunk, event
from tests.postgres import new_store_url

pytestmark = pytest.mark.browser

FACTS = 30_000
UNTIL = date(2026, 6, 1)
TURNS = 25  # for each threshold: a view looked at from two zooms, on two stores; 200 in all
OFF = (-0.25, 0, 0, 0.25)  # zooms between two whole ones
READ = (Path(__file__).parent / "painted.js").read_text(encoding="utf-8")
# Nothing of the demonstration is there: facts of our own, at sea, abroad, and on both sides of the antimeridian.
ELSEWHERE = {
    "channel": (-1.2, 50.1), "atlantic": (-30.0, 15.0), "rotterdam": (4.3, 51.95), "algeciras": (-5.44, 36.13),
    "papeete": (-149.57, -17.54), "fiji": (179.98, -16.6), "taveuni": (-179.97, -16.75),
}  # fmt: skip
SHORTEST_EDGE_PX = 3.5  # on average; H3 has hexagons a third smaller than the mean
PRECISION = 3e-6  # of single precision, and of the surface of the largest hexagons
ALPHA = round(0.92 * 255)


class Painted(NamedTuple):
    """What a page has in sight, sorted by cell."""

    cells: NDArray[np.int64]
    columns: dict[str, NDArray[np.float64]]
    pixels: NDArray[np.int64]  # red, green, blue, alpha at the centres
    read: dict[str, Any]  # the rest, as painted.js gives it


def elsewhere() -> list[Row]:
    """Several facts a place, a few of them seizures that were weighed."""
    scattered = random.Random(3)
    rows = []
    for name, (lng, lat) in ELSEWHERE.items():
        for number in range(60):
            place = {"longitude": lng + scattered.gauss(0, 0.02), "latitude": lat + scattered.gauss(0, 0.02)}
            place["longitude"] = (place["longitude"] + 180) % 360 - 180
            day = UNTIL - timedelta(days=scattered.randrange(700))
            of_control = {"family": "control", "kind": "sea_check", "checked": 12, "positive": scattered.randrange(3)}
            weighed = {"drug": "cocaine", "quantity_kg": scattered.randrange(1, 4000) / 8}
            rows.append(event(f"{name} {number}", day=day, place_precision="point", commune=None, departement=None,
                              country=None, **place, **(of_control if number % 3 else weighed)))  # fmt: skip
    return rows


def filled(url: str) -> Store:
    store = open_store(url)
    store.set_memberships(geography().memberships())
    load_demo(store, FACTS, seed=7, until=UNTIL)
    store.load(batch("ailleurs"), [chunk(elsewhere())])
    return store


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Store]]:
    opened = [filled(str(tmp_path_factory.mktemp("views") / "demo.duckdb")), filled(new_store_url())]
    yield opened
    for store in opened:
        store.close()


def map_alone(request: Request) -> Response:
    html = build_map(follow="self").get_root().render()
    return HTMLResponse(html.replace("<head>", '<head><title>Carte</title><link rel="icon" href="data:,">', 1))


@contextlib.contextmanager
def served_map(context: Context, browser: Browser) -> Iterator[Page]:
    """A page with the map alone, over the routes that serve everyone."""
    own = [route for route in routes(context) if getattr(route, "path", "") not in PAGES]
    page = browser.new_page(viewport={"width": 900, "height": 640})
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
    with serving(Starlette(routes=[Route("/", map_alone), *own])) as address:
        page.goto(f"{address}/?du=2026-05-01")
        page.wait_for_selector(".hxc-map[data-state=ready]")
        yield page
        page.close()
    assert faults == []


# What is drawn


SMALL = ("commune:13055", "commune:59350", "commune:97411", "arrondissement:13201", "arrondissement:75118",
         "departement:75", "cross:fort-de-france", "cross:mamoudzou")  # fmt: skip


def draw_territory(draw: random.Random, nearest: int) -> Territory | None:
    """France, any CROSS, or a small one: close by, the first drawing of a large one's ground takes seconds."""
    crosses = [f"cross:{code}" for code in geography().territories("cross")["code"]]
    drawn = draw.choice([None, None, draw.choice(SMALL), draw.choice(crosses if nearest <= 11 else SMALL)])
    return Territory(*drawn.split(":")) if drawn else None  # type: ignore[arg-type]  # a kind


def draw_view(draw: random.Random, nearest: int) -> View:
    start = UNTIL - timedelta(days=draw.randrange(1, 700))
    kinds = draw.sample(sorted(KINDS), 3)
    return View(
        territory=draw_territory(draw, nearest),
        start=start,
        stop=start + timedelta(days=draw.choice([1, 7, 30, 90, 365, 700])),
        families=draw.choice([frozenset(), frozenset(), frozenset({"incident"}), frozenset({"control"})]),
        kinds=draw.choice([frozenset(), frozenset(), frozenset(kinds)]),
        drugs=draw.choice([frozenset(), frozenset(), frozenset(draw.sample(sorted(DRUGS), 4))]),
        measure=draw.choice(sorted(MEASURES)),
        resolution=draw.choice([None, None, None, draw.randint(3, 10)]),
        classes=draw.choice(["quantiles", "jenks"]),
    )


def draw_place(draw: random.Random, cells: NDArray[np.int64]) -> tuple[float, float]:
    """Latitude and longitude: at one of the view's hexagons, or where there may be none."""
    if cells.size and draw.random() < 0.85:
        lat, lng = h3.cell_to_latlng(int(cells[draw.randrange(cells.size)]))
        return lat, lng
    lng, lat = draw.choice([*ELSEWHERE.values(), (5.37, 43.3), (179.9, 0.0), (-179.9, -60.0)])
    return lat, lng


# What is read


def read_back(found: dict[str, Any]) -> Painted:
    names = found.pop("names")
    numbers = np.frombuffer(base64.b64decode(found.pop("numbers")), dtype="<f8").reshape(-1, 2 + len(names))
    cells = numbers[:, 0].astype(np.int64) | numbers[:, 1].astype(np.int64) << 32
    order = np.argsort(cells)
    columns = {name: numbers[order, 2 + at] for at, name in enumerate(names)}
    pixels = np.array(found.pop("pixels"), dtype=np.int64).reshape(-1, 4)[order]
    return Painted(cells[order], columns, pixels, found)


def assert_same_numbers(painted: Painted, expected: Answer, measure: str) -> None:
    assert painted.read["painted"] == expected.cells.size
    np.testing.assert_array_equal(painted.cells, expected.cells)
    if not expected.cells.size:
        return
    np.testing.assert_array_equal(painted.columns["state"], expected.states)
    decimals = figure_decimals(MEASURES[measure])
    assert set(painted.columns) - {"state", "place"} == {"values", *decimals}
    for name in ("values", *decimals):
        shown, known = painted.columns[name], expected.figures[name]
        np.testing.assert_array_equal(np.isnan(shown), np.isnan(known), err_msg=name)
        half = 0.5 * 10.0 ** -decimals[name] if name in decimals else 0.0  # of the last decimal that is read
        np.testing.assert_allclose(shown, known, rtol=PRECISION, atol=half * (1 + 1e-9), err_msg=name)
    assert_same_legend(painted, expected)


def assert_same_legend(painted: Painted, expected: Answer) -> None:
    """The numbers of the legend: of each state with its name, and of the classes together."""
    counted = {label: int("".join(filter(str.isdigit, number))) for label, number in painted.read["legend"]}
    labels = {spec["label"]: STATE_CODES[spec["state"]] for spec in painted.read["states"]}
    for label, state in labels.items():
        assert counted.get(label, 0) == (expected.states == state).sum(), label
    of_classes = sum(number for label, number in counted.items() if label not in labels)
    if painted.read["classes"]:
        assert of_classes == (expected.states == STATE_CODES["value"]).sum()


def assert_same_picture(painted: Painted, expected: Answer) -> int:
    """Compare the pixels at the centres, of how many hexagons: of all, unless they are too small to be told apart."""
    if not expected.cells.size or edge_px(painted) < SHORTEST_EDGE_PX:
        return 0
    states, pixels = expected.states, painted.pixels
    valued = states == STATE_CODES["value"]
    wanted = colours_of(expected.figures["values"][valued], painted.read["classes"])
    np.testing.assert_allclose(pixels[valued], wanted, atol=2)
    assert set(pixels[states == STATE_CODES["zero"], 3].tolist()) <= {0}  # an outline alone
    hatched = ~valued & (states != STATE_CODES["zero"])
    assert set(pixels[hatched, 3].tolist()) <= {255}  # on a ground of its own
    assert set(painted.read["gaps"]) <= {0}  # beside them, where the store has nothing
    return int(states.size)


def edge_px(painted: Painted) -> float:
    lat, _lng = h3.cell_to_latlng(int(painted.cells[0]))
    pixel_m = EQUATOR_M * math.cos(math.radians(lat)) / (TILE_PX * 2.0 ** painted.read["zoom"])
    return float(h3.average_hexagon_edge_length(painted.read["resolution"], unit="m")) / pixel_m


def colours_of(values: NDArray[np.float64], classes: list[dict[str, Any]]) -> NDArray[np.int64]:
    """Red, green, blue and the little that hexagons let through, of each value's class."""
    limits = np.array([one["low"] for one in classes[1:]], dtype=np.float32)
    fills = [one["colour"] for one in classes] or [THEMES["light"].accent]
    rgba = np.array([[*bytes.fromhex(fill.removeprefix("#")), ALPHA] for fill in fills])
    return rgba[np.searchsorted(limits, values.astype(np.float32), side="right")]


def ask(pages: list[Page], view: View, place: tuple[float, float], zoom: float) -> list[Painted]:
    """Take both maps there, side by side."""
    asked = {"query": view.address().removeprefix("?"), "lat": place[0], "lng": place[1], "zoom": zoom}
    for page in pages:
        page.evaluate(f"asked => {{ window.painted = ({READ})(asked); }}", asked)
    return [read_back(page.evaluate("() => window.painted")) for page in pages]


@pytest.mark.parametrize("threshold", [0, 5])
def test_what_is_painted_is_the_stores_answer(
    stores: list[Store], browser: Browser, assets: None, threshold: int
) -> None:
    settings, draw = Settings(threshold=threshold), random.Random(threshold)
    filled = coloured = 0
    with contextlib.ExitStack() as stack:
        contexts = [Context(settings, store, geography(), ByteCache(2**26)) for store in stores]
        pages = [stack.enter_context(served_map(context, browser)) for context in contexts]
        for turn in range(TURNS):
            zooms = [ZOOMS[0] + (2 * turn + more) % (ZOOMS[1] - ZOOMS[0] + 1) for more in range(2)]
            view = draw_view(draw, max(zooms))
            for zoom in zooms:
                resolution = view.resolution_at(zoom)
                whole = [counts_of(store, viewer_of(settings), view, resolution) for store in stores]
                place = draw_place(draw, whole[0].cells)
                for painted, counts in zip(ask(pages, view, place, zoom + draw.choice(OFF)), whole, strict=True):
                    expected = answer(counts.within(*painted.read["bounds"]), view.measure)
                    assert painted.read["resolution"] == resolution
                    assert_same_numbers(painted, expected, view.measure)
                    coloured += assert_same_picture(painted, expected)
                    filled += expected.cells.size > 0
    assert filled > 4 * TURNS / 2
    assert coloured > 100 * TURNS
