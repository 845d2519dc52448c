"""The basemap in a real Chromium: what it fetches, what it gives up, what it writes, and a tile server below it."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import asdict
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from folium.template import tojavascript
from PIL import Image
from playwright.sync_api import Browser, Page
from playwright.sync_api import Route as PageRoute
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Mount, Route

import layers
from dashboard.assets import ASSETS
from dashboard.routes import Files
from layers.basemap import INDEX
from layers.basemap_lines import mercator
from layers.colours import THEMES, ThemeName
from layers.tile_server import TileServer
from tests.browser.harness import HOSTILE, serving

pytestmark = pytest.mark.browser

PAGE = """<!doctype html><title>Fond de carte</title><link rel="icon" href="data:,">
<link rel="stylesheet" href="/assets/leaflet/leaflet.css"><link rel="stylesheet" href="/layers/map.css">
<body style="margin:0"><div id="map" style="height:100vh"></div>
<script src="/assets/leaflet/leaflet.js"></script>
<script src="/layers/geometry.js"></script><script src="/layers/canvas.js"></script>
<script src="/layers/basemap_tiles.js"></script>
<script src="/layers/basemap.js"></script><script src="/layers/tile_server.js"></script>
<script>
  const map = L.map("map", {
    center: [43.3, 5.4], zoom: 10, minZoom: 3, maxZoom: 16, zoomSnap: 0.25, zoomControl: false,
    attributionControl: false, zoomAnimation: false, fadeAnimation: false, inertia: false,
  });
  const failed = [];
  let sight, written, taken = [];
  const repaint = () => [ground, names].forEach((canvas) => canvas.repaint());
  const basemap = new L.hexacross.Basemap("/assets/basemap", COLOURS, repaint, (what) => failed.push(what));
  const pane = (name, order) => ({ pane: L.hexacross.pane(map, name, order) });
  const ground = new L.hexacross.CanvasLayer((frame) => {
    sight = { zoom: frame.zoom, west: frame.west, north: frame.north, east: frame.east, south: frame.south };
    basemap.paintGround(frame, typeof server !== "undefined" && server.seen);
  }, pane("ground", 200));
  const names = new L.hexacross.CanvasLayer((frame) => {
    written = [];
    const { fillText } = CanvasRenderingContext2D.prototype;
    frame.context.fillText = function (text, x, y) {
      written.push({ text, left: x, top: y - 8, right: x + this.measureText(text).width, bottom: y + 8 });
      fillText.call(this, text, x, y);
    };
    basemap.paintNames(frame, taken.map((box) => Object.assign([...box], { yields: box.yields, name: box.name })));
  }, pane("names", 300));
  ground.addTo(map);
  names.addTo(map);
  SERVER
</script>"""
SERVER = "window.server = new L.hexacross.TileServer(map, OPTIONS, 'ground', repaint, (what) => failed.push(what));"


class Shown:
    """A page with the basemap alone, all it asked for and all it complained about."""

    def __init__(self, page: Page, address: str) -> None:
        self.page, self.address = page, address
        self.asked: list[str] = []
        self.given_up: list[str] = []
        self.complaints: list[str] = []
        page.on("request", lambda request: self.asked.append(request.url))
        page.on("requestfailed", lambda request: self.given_up.append(request.url))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def go(self, lat: float, lng: float, zoom: float) -> None:
        self.page.evaluate(
            "([lat, lng, zoom]) => { map.setView([lat, lng], zoom, {animate: false}); }", [lat, lng, zoom]
        )
        self.settle()

    def settle(self) -> None:
        """Wait until the index is there and no tile is on its way."""
        self.page.wait_for_function("basemap.tiles.levels !== null && basemap.tiles._coming.size === 0")

    def tiles(self) -> list[str]:
        """Tiles asked for, as `level/x-y`, in their order."""
        urls = [url for url in self.asked if "/assets/basemap/" in url and not url.endswith(INDEX)]
        return ["/".join(url.split("/")[-2:]).split(".")[0] for url in urls]

    def needed(self) -> set[str]:
        """What the frame painted last needs, worked out from the index apart from the script."""
        sight = self.page.evaluate("sight")
        levels = json.loads((ASSETS / "basemap" / INDEX).read_text(encoding="utf-8"))["levels"]
        there = [{(x, y) for y, first, last in level["tiles"] for x in range(first, last + 1)} for level in levels]
        wanted = max(i for i, level in enumerate(levels) if sight["zoom"] >= level["zoom"])
        around = 2 ** levels[wanted]["tileZoom"]
        needed = set()
        for x in range(int(sight["west"] * around), int(sight["east"] * around) + 1):
            for y in range(int(sight["north"] * around), int(sight["south"] * around) + 1):
                for i in range(wanted, -1, -1):
                    shift = levels[wanted]["tileZoom"] - levels[i]["tileZoom"]
                    if (x >> shift, y >> shift) in there[i]:
                        needed.add(f"{i}/{x >> shift}-{y >> shift}")
                        break
        return needed

    def colour_at(self, lat: float, lng: float) -> str:
        """Of the ground there, as "#rrggbb"."""
        point = self.page.evaluate("place => map.latLngToContainerPoint(place)", [lat, lng])
        pixels = np.asarray(Image.open(io.BytesIO(self.page.screenshot())).convert("RGB"))
        return "#" + "".join(f"{channel:02x}" for channel in pixels[round(point["y"]), round(point["x"])])


Opening = Callable[..., Shown]


@pytest.fixture
def opened(browser: Browser, assets: None) -> Iterator[Opening]:
    """Open the page, perhaps with another tile server; nothing may ask a third host."""
    with ExitStack() as stack:
        pages: list[tuple[Shown, set[str]]] = []

        def opens(theme: ThemeName = "light", tiles: TileServer | None = None) -> Shown:
            html = PAGE.replace("COLOURS", tojavascript(asdict(THEMES[theme])))
            html = html.replace("SERVER", SERVER.replace("OPTIONS", tojavascript(asdict(tiles))) if tiles else "")

            def page(request: Request) -> Response:
                return HTMLResponse(html)

            static = Files(directory=Path(layers.__file__).parent / "static")
            app = Starlette(
                routes=[Route("/", page), Mount("/assets", Files(directory=ASSETS)), Mount("/layers", static)]
            )
            address = stack.enter_context(serving(app))
            shown = Shown(browser.new_page(viewport={"width": 1000, "height": 700}), address)
            stack.callback(shown.page.close)
            pages.append((shown, {address, *([tiles.origin] if tiles else [])}))
            shown.page.goto(address)
            shown.settle()
            return shown

        yield opens
        for shown, allowed in pages:
            urls = [url for url in shown.asked if not url.startswith("data:")]
            assert [url for url in urls if not url.startswith(tuple(f"{host}/" for host in allowed))] == []
            assert shown.complaints == []


def test_panning_fetches_the_tiles_in_sight_once_and_nothing_else(opened: Opening) -> None:
    shown = opened()
    so_far = shown.needed()
    assert set(shown.tiles()) == so_far
    assert 4 <= len(so_far) <= 16
    for lat, lng, zoom in (
        (43.3, 6.2, 10),
        (43.6, 6.6, 10),
        (43.3, 5.4, 10),
        (50.6, 3.1, 12),
        (46.6, 2.4, 6),
        (4.3, -52.9, 8),
    ):
        shown.go(lat, lng, zoom)
        so_far |= shown.needed()
        assert set(shown.tiles()) == so_far
    assert len(shown.tiles()) == len(so_far)  # none twice, on the way back neither
    assert shown.page.evaluate("failed") == []


def test_edges_of_the_world_ask_for_no_tile_that_is_not_there(opened: Opening) -> None:
    shown = opened()
    for lat, lng, zoom in ((0, 180, 3), (-17, 179.9, 8), (85, -180, 5), (-85, 0, 3), (0, -540, 4)):
        shown.go(lat, lng, zoom)
    assert shown.page.evaluate("failed") == []
    assert all(int(part) >= 0 for name in shown.tiles() for part in name.replace("/", "-").split("-"))


def test_tiles_are_kept_by_the_browser_for_ever_and_the_index_is_asked_again(opened: Opening) -> None:
    shown = opened()
    seen: dict[str, str] = {}
    shown.page.on("response", lambda answer: seen.update({answer.url: answer.headers.get("cache-control", "")}))
    shown.go(48.85, 2.35, 12)
    assert seen
    assert all("immutable" in kept for url, kept in seen.items())
    answer = shown.page.request.get(f"{shown.address}/assets/basemap/{INDEX}")
    assert answer.headers["cache-control"] == "no-cache"
    assert answer.headers["etag"]


def test_what_leaves_the_sight_is_given_up(opened: Opening) -> None:
    shown = opened()
    held: list[PageRoute] = []
    shown.page.route("**/assets/basemap/4/**", lambda route: held.append(route))  # not answered
    shown.page.evaluate("map.setView([48.85, 2.35], 12, {animate: false})")
    shown.page.wait_for_function("basemap.tiles._coming.size > 0")
    pending = set(shown.page.evaluate("[...basemap.tiles._coming.keys()]"))
    shown.page.evaluate("map.setView([44.84, -0.58], 8, {animate: false})")
    shown.settle()
    for route in held:
        route.abort()
    given_up = {"/".join(url.split("/")[-2:]).split(".")[0] for url in shown.given_up}
    assert pending <= given_up
    assert not pending & set(shown.page.evaluate("[...basemap.tiles._kept.keys()]"))
    assert shown.page.evaluate("failed") == []


def test_a_coarser_tile_serves_until_the_finer_one_has_come_or_for_want_of_it(opened: Opening) -> None:
    shown = opened()
    shown.go(49.6, 0.0, 8)
    shown.page.route("**/assets/basemap/4/**", lambda route: route.fulfill(status=404))
    shown.page.route("**/assets/basemap/3/**", lambda route: route.fulfill(status=404))
    shown.page.evaluate("basemap.showNames = basemap.showBorders = false")
    shown.go(49.6, 0.0, 10)
    shown.page.wait_for_function("failed.length > 0")
    assert set(shown.page.evaluate("failed")) == {"tile"}
    assert shown.colour_at(49.55, 0.45) == THEMES["light"].land
    assert shown.colour_at(49.7, -0.3) == THEMES["light"].water


def test_a_missing_index_is_said_once(browser: Browser, opened: Opening) -> None:
    shown = opened()
    shown.page.route(f"**/{INDEX}", lambda route: route.fulfill(status=404))
    shown.page.reload()
    shown.page.wait_for_function("failed.length > 0")
    assert shown.page.evaluate("failed") == ["index"]
    shown.page.wait_for_timeout(50)
    assert shown.page.evaluate("[failed.length, basemap.tiles.levels]") == [1, None]


def test_a_basemap_made_anew_is_taken_up_by_an_open_page(opened: Opening) -> None:
    shown = opened()
    index = json.loads((ASSETS / "basemap" / INDEX).read_text(encoding="utf-8"))
    shown.page.route(f"**/{INDEX}", lambda route: route.fulfill(json=index | {"digest": "0123456789abcdef"}))
    shown.page.route(
        "**/*.0123456789abcdef.json", lambda route: route.fulfill(json={"land": [], "abroad": [], "lines": {}})
    )
    shown.page.route(f"**/*.{index['digest']}.json", lambda route: route.fulfill(status=404))
    shown.go(48.85, 2.35, 12)
    shown.page.wait_for_function("basemap.tiles.digest === '0123456789abcdef' && basemap.tiles._kept.size > 0")
    shown.settle()
    assert any(url.endswith(".0123456789abcdef.json") for url in shown.asked)


def test_tiles_kept_are_bounded(opened: Opening) -> None:
    shown = opened()
    kept = shown.page.evaluate(
        """async () => {
            for (let lng = -1; lng < 7; lng += 1) for (let lat = 44; lat < 49; lat += 1) {
                map.setView([lat, lng], 10, {animate: false});
                while (basemap.tiles._coming.size) await new Promise((done) => setTimeout(done, 5));
            }
            return basemap.tiles._kept.size;
        }"""
    )
    assert len(set(shown.tiles())) > 135
    assert kept <= 128


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_land_sea_and_abroad_are_where_they_are(opened: Opening, theme: ThemeName) -> None:
    shown = opened(theme)
    shown.page.evaluate("basemap.showNames = basemap.showBorders = false")
    ground = THEMES[theme]
    places = ((43.62, 5.31, ground.land), (42.9, 5.4, ground.water), (50.95, 3.63, ground.abroad))
    for zoom in (6, 8, 10, 12):
        for lat, lng, colour in (*places, (4.0, -53.1, ground.land)):
            shown.go(lat, lng, zoom)
            assert shown.colour_at(lat, lng) == colour, (lat, lng, zoom)


def test_names_do_not_collide_nor_come_twice_across_tiles(opened: Opening) -> None:
    shown = opened()
    for lat, lng, zoom in ((46.6, 2.4, 6), (43.3, 5.4, 8), (48.85, 2.35, 10), (50.63, 3.15, 12)):
        shown.go(lat, lng, zoom)
        shown.page.evaluate("repaint()")
        written = shown.page.evaluate("written")
        assert len(written) > 10
        places = {(name["text"], round(name["left"] / 60), round(name["top"] / 60)) for name in written}
        assert len(places) == len(written)
        for one, other in combinations(written, 2):
            apart = one["right"] <= other["left"] or other["right"] <= one["left"]
            assert apart or one["bottom"] <= other["top"] or other["bottom"] <= one["top"], (one, other)
    shown.page.evaluate("basemap.showNames = false; repaint()")
    assert shown.page.evaluate("written") == []


def test_a_large_town_is_named_over_squares_that_yield_and_nothing_else(opened: Opening) -> None:
    shown = opened()
    shown.go(43.6, 5.4, 6)
    # All that is in sight is taken: by squares, then by names.
    shown.page.evaluate("taken = [Object.assign([-1e4, -1e4, 1e4, 1e4], { yields: true })]")
    shown.page.evaluate("names.paint()")
    named = shown.page.evaluate("written.map(({ text }) => text)")
    assert "Marseille" in named
    assert "Aubagne" not in named
    shown.page.evaluate("taken = [[-1e4, -1e4, 1e4, 1e4]]; names.paint()")
    assert shown.page.evaluate("written") == []
    shown.page.evaluate("taken = [Object.assign([0, 0, 0, 0], { name: 'Marseille' })]; names.paint()")
    named = shown.page.evaluate("written.map(({ text }) => text)")
    assert "Toulon" in named
    assert "Marseille" not in named


FINEST_NAMED = """(() => {
  const zooms = [], { _write } = basemap;
  basemap._write = (_frame, place) => zooms.push(place.zoom);
  names.paint();
  basemap._write = _write;
  return Math.max(...zooms);
})()"""


def test_larger_letters_name_what_a_map_from_farther_away_does(opened: Opening) -> None:
    shown = opened()
    shown.go(43.6, 5.4, 10)
    assert 9 < shown.page.evaluate(FINEST_NAMED) <= 10
    shown.page.evaluate("document.documentElement.style.setProperty('font-size', '128px', 'important')")
    assert shown.page.evaluate(FINEST_NAMED) <= 9  # letters eight times as large: a third of three zooms


def test_countries_are_named_in_the_language_of_the_page(opened: Opening) -> None:
    shown = opened()
    shown.go(47, 8, 5)
    assert {"ALLEMAGNE", "ESPAGNE"} <= {name["text"] for name in shown.page.evaluate("written")}
    shown.page.evaluate("basemap.english = true; repaint()")
    assert {"GERMANY", "SPAIN"} <= {name["text"] for name in shown.page.evaluate("written")}


def red_square(request: Request) -> Response:
    image = io.BytesIO()
    Image.new("RGB", (256, 256), "#ff0000").save(image, "PNG")
    return Response(image.getvalue(), media_type="image/png")


def test_a_tile_server_lies_below_our_borders_with_its_source(opened: Opening) -> None:
    with serving(Starlette(routes=[Route("/plan/{z:int}/{x:int}/{y:int}.png", red_square)])) as address:
        shown = opened(tiles=TileServer(f"{address}/plan/{{z}}/{{x}}/{{y}}.png", HOSTILE, (0, 9)))
        shown.page.add_style_tag(content=".hxc-tiles { filter: none !important; }")
        shown.page.wait_for_function("server.seen")
        shown.page.wait_for_load_state("networkidle")
        shown.page.evaluate("basemap.showNames = basemap.showBorders = false; repaint()")
        assert shown.colour_at(43.62, 5.31) == "#ff0000"
        zooms = {url.split("/plan/")[1].split("/")[0] for url in shown.asked if "/plan/" in url}
        assert zooms == {"9"}  # the nearest it has
        assert shown.page.locator(".hxc-attribution").inner_text() == HOSTILE
        assert shown.page.evaluate("window.hacked") is None
        shown.page.evaluate("basemap.showBorders = true; repaint()")
        red = np.array([255, 0, 0])
        pixels = np.asarray(Image.open(io.BytesIO(shown.page.screenshot())).convert("RGB"))
        assert ((pixels != red).any(axis=2).mean()) > 0.01  # our borders


def test_our_ground_comes_back_when_the_tile_server_is_away(opened: Opening) -> None:
    with serving(Starlette()) as address:  # answers 404 to everything
        shown = opened(tiles=TileServer(f"{address}/{{z}}/{{x}}/{{y}}", "© Nous"))
        shown.page.wait_for_function("failed.includes('server')")
        shown.page.evaluate("basemap.showNames = basemap.showBorders = false; repaint()")
        assert shown.colour_at(43.62, 5.31) == THEMES["light"].land


def test_mercator_in_the_page_is_that_of_the_tiles(opened: Opening) -> None:
    shown = opened()
    for lng, lat in ((0.0, 0.0), (5.4, 43.3), (-180.0, 85.0), (179.9, -85.05), (55.5, -21.1)):
        here = shown.page.evaluate("([x, y]) => [L.hexacross.worldX(x), L.hexacross.worldY(y)]", [lng, lat])
        np.testing.assert_allclose(here, mercator(np.array([[lng, lat]]))[0], atol=1e-12)
