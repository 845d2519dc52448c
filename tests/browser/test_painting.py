"""How the map is painted: shares of pixels, one canvas a frame, nothing bare, no tile that can hold nothing."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import shapely
from numpy.typing import NDArray
from playwright.sync_api import Browser, Page, expect

from geo.tiles import Tile, tile_bounds
from tests.browser.harness import VIEWS, Harness, serving

pytestmark = pytest.mark.browser

MARSEILLE = "epci:200054807"
MAP = "Object.values(window).find(value => value instanceof L.Map)"
SIDE = 24  # px, of the picture that shapes are filled in
# Shapes as `shapeOf` gives them, centre first; the answer is the share of each pixel, by rows.
FILL = """([shapes, ratio, side]) => {
  const context = new OffscreenCanvas(side, side).getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  const frame = new L.hexacross.Frame(context, 1, 0, 0, side, side, 0, 0);
  L.hexacross.fillCovered(frame, [["#804020", shapes.map((flat) => Float64Array.from([0, 0, ...flat]))]], 1);
  return [...context.getImageData(0, 0, side, side).data];
}"""
WATCH_PAINTS = """() => {
  const log = (window.paints = []);
  let frame = 0;
  const count = () => { frame += 1; requestAnimationFrame(count); };
  requestAnimationFrame(count);
  const prototype = L.hexacross.CanvasLayer.prototype;
  const paint = prototype.paint;
  prototype.paint = function () { log.push([this.options.pane, frame]); return paint.call(this); };
}"""
COVERED = f"""() => {{
  const view = {MAP}.getContainer().getBoundingClientRect();
  return ["ground", "hexagons", "lines"].every((name) => {{
    const box = document.querySelector(`.leaflet-hxc-${{name}}-pane canvas`).getBoundingClientRect();
    return box.left <= view.left && box.top <= view.top && box.right >= view.right && box.bottom >= view.bottom;
  }});
}}"""


@pytest.fixture(scope="module")
def harness() -> Harness:
    return Harness()


@pytest.fixture(scope="module")
def page(browser: Browser, assets: None, harness: Harness) -> Iterator[Page]:
    """The map of an urban area; each test leaves it ready."""
    shown = browser.new_page(viewport={"width": 1000, "height": 700})
    with serving(harness.app) as address:
        shown.goto(f"{address}/?territoire={MARSEILLE}")
        ready(shown)
        shown.wait_for_function("document.querySelector('.leaflet-hxc-ground-pane canvas').width > 1000")
        shown.evaluate(WATCH_PAINTS)
        yield shown
        shown.close()


def ready(page: Page) -> None:
    expect(page.locator(".hxc-map")).to_have_attribute("data-state", "ready", timeout=20_000)


def filled(page: Page, polygons: list[NDArray[np.float64]], ratio: float = 1.0) -> NDArray[np.float64]:
    """What the script fills of each pixel; shape (SIDE, SIDE)."""
    flat = [polygon.ravel().tolist() for polygon in polygons]
    data = np.array(page.evaluate(FILL, [flat, ratio, SIDE]), dtype=np.float64).reshape(SIDE, SIDE, 4)
    assert (np.abs(data[..., :3][data[..., 3] == 255] - [0x80, 0x40, 0x20]) <= 1).all()
    return data[..., 3] / 255


def shares(polygons: list[NDArray[np.float64]], ratio: float = 1.0) -> NDArray[np.float64]:
    """The same by geometry: the area of the polygons within each pixel."""
    whole = shapely.union_all([shapely.Polygon(polygon * ratio) for polygon in polygons])
    y, x = np.mgrid[:SIDE, :SIDE]
    return np.asarray(shapely.area(shapely.intersection(whole, shapely.box(x, y, x + 1, y + 1))))


def hexagon(x: float, y: float, edge: float, turned: float) -> NDArray[np.float64]:
    angles = turned + np.arange(6) * np.pi / 3
    return np.column_stack([x + edge * np.cos(angles), y + edge * np.sin(angles)])


@pytest.mark.parametrize("ratio", [1.0, 1.25, 2.0])
def test_a_hexagon_fills_the_share_of_each_pixel_that_it_covers(page: Page, ratio: float) -> None:
    random = np.random.default_rng(4)
    for _ in range(12):
        x, y = random.uniform(-3, 27, 2) / ratio  # some reach out on each side
        one = hexagon(float(x), float(y), float(random.uniform(0.3, 9)), float(random.uniform(0, 3)))
        np.testing.assert_allclose(filled(page, [one], ratio), shares([one], ratio), atol=0.01)


def test_neighbours_meet_without_a_seam(page: Page) -> None:
    edge = 2.6
    rows = [
        hexagon(edge * np.sqrt(3) * (across + (along % 2) / 2), 1.5 * edge * along, edge, np.pi / 6)
        for along in range(-1, 9)
        for across in range(-1, 8)
    ]
    assert (filled(page, rows) > 0.99).all()


def test_one_canvas_is_painted_a_frame(page: Page) -> None:
    page.evaluate(f"() => {{ paints.length = 0; {MAP}.panBy([40, 30], {{ animate: false }}); }}")
    page.wait_for_function("new Set(paints.map(([pane]) => pane)).size >= 4")
    ready(page)
    frames = [frame for _pane, frame in page.evaluate("paints")]
    assert len(frames) == len(set(frames))
    assert {pane for pane, _frame in page.evaluate("paints")} == {
        "hxc-ground",
        "hxc-hexagons",
        "hxc-lines",
        "hxc-marks",
    }


@pytest.mark.parametrize("move", ["panBy([900, 0]", "setView([43.3, 5.4], 13", "setView([43.5, 5.4], 9"])
def test_a_jump_leaves_nothing_bare(page: Page, move: str) -> None:
    """What no longer covers the view is painted at once, before the browser shows anything."""
    assert page.evaluate(f"() => {{ {MAP}.{move}, {{ animate: false }}); return ({COVERED})(); }}")
    ready(page)


def test_tiles_beyond_the_territory_are_not_asked_for(page: Page, harness: Harness) -> None:
    harness.tiles.clear()
    page.evaluate(f"() => {{ {MAP}.setView([43.4, 5.4], 7, {{ animate: false }}); }}")
    ready(page)
    page.evaluate(f"() => {{ {MAP}.setView([43.9, 5.9], 11, {{ animate: false }}); }}")
    ready(page)
    [[south, west], [north, east]] = VIEWS[MARSEILLE].bounds
    edge_deg = 0.01  # four edges of resolution 9
    beyond = shapely.box(west - edge_deg, south - edge_deg, east + edge_deg, north + edge_deg)
    asked = [shapely.box(*tile_bounds(Tile(*map(int, tile.split("/"))))) for tile in harness.tiles]
    assert asked
    assert all(tile.intersects(beyond) for tile in asked)
