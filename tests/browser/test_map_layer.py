"""The map's own scripts in a real Chromium: painting, the address, mouse and keyboard, failures, closed network."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import h3
import numpy as np
import pytest
from numpy.typing import NDArray
from playwright.sync_api import Browser, Page, expect

from geo.tiles import Tile, inside
from layers.hexagons import STATE_CODES
from tests.browser.harness import HOSTILE, VIEWS, Harness, Stage, View, classes_of, description, invented, level

pytestmark = pytest.mark.browser

MARSEILLE = "territoire=epci:200054807"
URBAN_AREA = VIEWS["epci:200054807"]
MAP = "Object.values(window).find(value => value instanceof L.Map)"
FILTER = "getComputedStyle(document.querySelector('.leaflet-hxc-hexagons-pane')).filter"
PIXEL_OF_HEXAGONS = """([x, y]) => {
    const canvas = document.querySelector('.leaflet-hxc-hexagons-pane canvas');
    const box = canvas.getBoundingClientRect(), ratio = canvas.width / box.width;
    const at = [(x - box.left) * ratio, (y - box.top) * ratio];
    return [...canvas.getContext('2d').getImageData(...at, 1, 1).data];
}"""
ANIMATED = "() => document.getAnimations().map(({ animationName }) => animationName).filter(Boolean)"


class MapPage:
    """A page of the harness, with everything it complained about and asked for."""

    def __init__(self, page: Page, address: str, harness: Harness) -> None:
        self.page, self.address, self.harness = page, address, harness
        self.complaints: list[str] = []
        self.hosts: set[str] = set()
        page.on("console", lambda message: self.complaints.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", self._note)

    def _note(self, request: Any) -> None:
        if not request.url.startswith(("data:", "blob:")):
            self.hosts.add(re.sub(r"^(\w+://[^/]+).*", r"\1", request.url))

    def open(self, query: str = "") -> None:
        self.page.goto(f"{self.address}/?{query}")
        self.ready()

    def ready(self) -> None:
        expect(self.map).to_have_attribute("data-state", "ready", timeout=20_000)
        self.page.wait_for_timeout(250)  # two frames and the basemap

    @property
    def map(self) -> Any:
        return self.page.locator(".hxc-map")

    @property
    def tooltip(self) -> Any:
        return self.page.locator(".hxc-tooltip")

    def follow(self, query: str) -> None:
        """Change the address as the page does, without loading anything."""
        self.page.evaluate("query => history.pushState(null, '', '?' + query)", query)

    def point_of(self, cell: int) -> tuple[float, float]:
        """Where a hexagon's centre is in the window, brought to the middle first."""
        lat, lng = h3.cell_to_latlng(h3.int_to_str(cell))
        self.page.evaluate(f"place => {{ {MAP}.setView(place, 14, {{animate: false}}); }}", [lat, lng])
        self.ready()
        point = self.page.evaluate(f"place => {MAP}.latLngToContainerPoint(place)", [lat, lng])
        return point["x"], point["y"]

    def in_sight(self, cells: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Which cells have their centre in the window."""
        west, south, east, north = map(float, self.page.evaluate(f"{MAP}.getBounds().toBBoxString()").split(","))
        centres = np.array([h3.cell_to_latlng(h3.int_to_str(cell)) for cell in cells.tolist()])
        lat, lng = centres.T
        return np.asarray((lat >= south) & (lat <= north) & (lng >= west) & (lng <= east))

    def loaded(self, cells: NDArray[np.int64]) -> int:
        """How many of the cells the tiles hold that were asked for at the zoom of the map."""
        zoom = self.harness.tiles[-1].partition("/")[0]
        asked = {tile for tile in self.harness.tiles if tile.partition("/")[0] == zoom}
        return sum(int(inside(Tile(*map(int, tile.split("/"))), cells).sum()) for tile in asked)

    def legend_counts(self) -> dict[str, int]:
        """Hexagons by what the legend says of them."""
        rows = self.page.locator(".hxc-legend-rows li").all()
        return {
            row.locator(".hxc-label").inner_text(): int(re.sub(r"\D", "", row.locator(".hxc-count").inner_text()))
            for row in rows
        }

    def pixel(self, x: float, y: float) -> list[int]:
        return list(self.page.evaluate(PIXEL_OF_HEXAGONS, [x, y])[:3])


@pytest.fixture
def shown(new_page: Callable[..., Page], stage: Stage, assets: None) -> MapPage:
    stage.harness = Harness()
    return MapPage(new_page(), stage.address, stage.harness)


@pytest.fixture
def shown_by_clock(browser: Browser, stage: Stage, assets: None) -> Iterator[MapPage]:
    """The same by a clock that a test sets: all pages of a context go by it."""
    stage.harness = Harness()
    page = browser.new_page(viewport={"width": 1280, "height": 800}, locale="fr-FR")
    page.clock.install()
    yield MapPage(page, stage.address, stage.harness)
    page.close()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_map_paints_without_complaint_or_foreign_request(shown: MapPage, theme: str) -> None:
    shown.open(f"theme={theme}&{MARSEILLE}")
    cells, _, _ = invented(URBAN_AREA)
    assert int(shown.map.get_attribute("data-hexagons")) == shown.loaded(cells) > cells.size * 0.95
    assert int(shown.map.get_attribute("data-painted")) == shown.in_sight(cells).sum() > cells.size * 0.95
    assert shown.complaints == []
    assert shown.hosts == {shown.address}


def test_a_frame_that_comes_to_its_height_late_shows_the_whole_view(shown: MapPage) -> None:
    """Within a page's frame of no height, bounds fit at the nearest zoom of all."""
    shown.page.set_viewport_size({"width": 1280, "height": 20})
    shown.open()
    shown.page.set_viewport_size({"width": 1280, "height": 800})
    shown.page.wait_for_function(f"{MAP}.getSize().y === 800 && {MAP}.getZoom() < 7")
    assert shown.page.evaluate(f"{MAP}.getBounds().contains([[42, -4], [51, 9]])")


def rgb(colour: str) -> list[int]:
    return [int(colour[at : at + 2], 16) for at in (1, 3, 5)]


def is_near(one: list[int], other: list[int]) -> bool:
    """Hexagons let a little of the ground through."""
    return max(abs(mine - theirs) for mine, theirs in zip(one, other, strict=True)) <= 2


def of_class(view: View, wanted: int) -> NDArray[np.int64]:
    cells, states, values = invented(view)
    return cells[(states == STATE_CODES["value"]) & (classes_of(view).indices(values) == wanted)]


def test_colours_on_the_screen_are_those_of_the_classes(shown: MapPage) -> None:
    classes = level(URBAN_AREA)["classes"]
    assert len(classes) == 6
    shown.open(MARSEILLE)
    for wanted, spec in enumerate(classes):
        pixel = shown.pixel(*shown.point_of(int(of_class(URBAN_AREA, wanted)[0])))
        assert is_near(pixel, rgb(spec["colour"])), (wanted, pixel)


@pytest.mark.parametrize("slow", ["slow_s", "slow_tiles_s"])
def test_changes_do_not_begin_again_what_is_on_its_way(shown: MapPage, slow: str) -> None:
    """On a slow machine a view takes longer than the time between two changes: it must come all the same."""
    shown.open(MARSEILLE)
    setattr(shown.harness, slow, 0.8)
    shown.follow(f"{MARSEILLE}&produit=cocaine")
    came = shown.page.evaluate(f"""async () => {{
      const map = {MAP};
      const layer = Object.values(map._layers).find((each) => each._refresh);
      const before = layer.view;
      while (!layer._fetching && !layer.coming) await new Promise((resolve) => setTimeout(resolve, 10));
      const came = new Promise((resolve) => map.once("hexacross:view", ({{ view }}) => resolve(view !== before)));
      for (let change = 0; change < 10 && layer.view === before; change += 1) {{
        layer._refresh();
        await new Promise((resolve) => setTimeout(resolve, 50));
      }}
      return came;
    }}""")
    assert came
    shown.ready()
    assert len(shown.harness.requests) == 2
    assert shown.complaints == []


def test_what_is_known_is_shown_until_nearer_tiles_come(shown: MapPage) -> None:
    """Zoomed in, the map shows the tiles it has until the others are there: never an empty place."""
    shown.open(MARSEILLE)
    cell = int(of_class(URBAN_AREA, 5)[0])
    colour = rgb(level(URBAN_AREA)["classes"][5]["colour"])
    lat, lng = h3.cell_to_latlng(h3.int_to_str(cell))
    shown.harness.slow_tiles_s = 3
    asked = len(shown.harness.tiles)
    shown.page.evaluate(f"place => {{ {MAP}.setView(place, 14, {{animate: false}}); }}", [lat, lng])
    shown.page.wait_for_timeout(500)
    point = shown.page.evaluate(f"place => {MAP}.latLngToContainerPoint(place)", [lat, lng])
    assert len(shown.harness.tiles) > asked
    assert {tile.split("/")[0] for tile in shown.harness.tiles[asked:]} == {"13"}
    assert is_near(shown.pixel(point["x"], point["y"]), colour)
    shown.ready()
    assert is_near(shown.pixel(point["x"], point["y"]), colour)


def test_moving_asks_only_for_tiles_not_there_yet_and_keeps_the_classes(shown: MapPage) -> None:
    cells, _, _ = invented(URBAN_AREA)
    shown.open(MARSEILLE)
    labels = [spec["label"] for spec in level(URBAN_AREA)["classes"]]
    for move in ([600, 0], [-600, 0], [0, -500], [0, 500]):
        shown.page.evaluate(f"move => {{ {MAP}.panBy(move, {{animate: false}}); }}", move)
        shown.ready()
        assert int(shown.map.get_attribute("data-painted")) == shown.in_sight(cells).sum()
        assert [label for label in shown.legend_counts() if label in labels] == labels[::-1]
    assert len(set(shown.harness.tiles)) == len(shown.harness.tiles)
    assert len(shown.harness.requests) == 1


def test_a_filter_asks_for_the_tiles_of_the_small_maps_as_large_as_before(shown: MapPage) -> None:
    """Looking closely at the national view, small maps keep to hexagons of the whole: not to thousands of tiles."""
    shown.open()
    shown.point_of(int(invented(VIEWS[""])[0][0]))
    asked = len(shown.harness.tiles)
    shown.follow("produit=cocaine")
    expect(shown.map).to_have_attribute("data-state", "loading")
    shown.ready()
    assert len(shown.harness.requests) == 2
    assert len(shown.harness.tiles) - asked < 40


def test_small_maps_wait_for_the_national_view(shown: MapPage) -> None:
    """They have their room before it is there, and nothing of the urban area that is still shown."""
    shown.open(MARSEILLE)
    asked = len(shown.harness.tiles)
    shown.follow("")
    expect(shown.page.locator(".hxc-insets")).to_be_visible()
    shown.ready()
    assert len(shown.harness.tiles) - asked < 60


def test_the_legend_counts_what_is_in_sight(shown: MapPage) -> None:
    cells, states, values = invented(URBAN_AREA)
    shown.open(MARSEILLE)
    of_values = classes_of(URBAN_AREA).indices(values)
    for zoom in (None, 12, 14):
        if zoom:
            shown.page.evaluate(f"zoom => {{ {MAP}.setView([43.31, 5.39], zoom, {{animate: false}}); }}", zoom)
            shown.ready()
        here = shown.in_sight(cells)
        expected = {
            spec["label"]: int((here & (states == STATE_CODES["value"]) & (of_values == at)).sum())
            for at, spec in enumerate(level(URBAN_AREA)["classes"])
        }
        for spec in description(URBAN_AREA)["states"]:
            number = int((here & (states == STATE_CODES[spec["state"]])).sum())
            expected |= {spec["label"]: number} if number else {}
        assert shown.legend_counts() == expected


def test_following_the_address_costs_one_request_and_no_reload(shown: MapPage) -> None:
    shown.open()
    assert shown.harness.requests == [""]
    expect(shown.page.locator(".hxc-insets")).to_be_visible()
    shown.page.evaluate("window.stays = true")
    shown.follow(MARSEILLE)
    expect(shown.page.locator(".hxc-insets")).to_be_hidden()
    assert shown.harness.requests == ["", MARSEILLE.replace(":", "%3A")]
    assert shown.page.evaluate("window.stays")
    shown.page.go_back()
    expect(shown.page.locator(".hxc-insets")).to_be_visible()
    assert len(shown.harness.requests) == 3


def test_pinning_asks_the_server_nothing(shown: MapPage) -> None:
    cells, _, _ = invented(URBAN_AREA)
    shown.open(MARSEILLE)
    shown.follow(f"{MARSEILLE}&hexagone={int(cells[0]):x}")
    shown.page.wait_for_timeout(600)
    assert len(shown.harness.requests) == 1
    assert len(set(shown.harness.tiles)) == len(shown.harness.tiles)


def test_only_the_latest_address_is_shown(shown: MapPage) -> None:
    shown.open()
    shown.harness.slow_s = 0.6
    shown.follow(MARSEILLE)
    shown.page.wait_for_timeout(350)  # the request is on its way, the old picture still there
    assert shown.map.get_attribute("data-state") == "loading"
    expect(shown.page.locator(".hxc-loading.hxc-on")).to_have_count(1)
    assert shown.page.evaluate(ANIMATED) == ["hxc-run"]
    shown.follow("")
    shown.page.wait_for_timeout(2000)  # whatever was asked for has been answered
    shown.ready()
    assert shown.page.evaluate(ANIMATED) == []  # a page at rest paints no frame
    expect(shown.page.locator(".hxc-insets")).to_be_visible()
    cells, _, _ = invented(VIEWS[""])
    assert int(shown.map.get_attribute("data-painted")) == shown.in_sight(cells).sum()


def test_hover_tells_click_pins_escape_frees(shown: MapPage) -> None:
    cells, states, _ = invented(URBAN_AREA)
    shown.open(MARSEILLE)
    cell = int(cells[states == STATE_CODES["value"]][10])
    x, y = shown.point_of(cell)
    shown.page.mouse.move(x, y)
    expect(shown.tooltip).to_be_visible()
    expect(shown.tooltip).to_contain_text("Faits constatés")
    expect(shown.tooltip).to_contain_text(re.compile(r"de \d+,\d à \d+,\d"))
    shown.page.evaluate(f"() => {{ window.clicks = 0; {MAP}.on('click', () => window.clicks++); }}")
    shown.page.mouse.click(x, y)
    expect(shown.tooltip).to_contain_text("Épinglé")
    assert shown.page.evaluate("window.clicks") == 1  # the page hears it too
    shown.page.mouse.move(5, 700)
    expect(shown.tooltip).to_contain_text("Épinglé")
    shown.page.keyboard.press("Escape")
    expect(shown.tooltip).to_be_hidden()


def test_hover_answers_within_a_tenth_of_a_second(shown: MapPage) -> None:
    shown.open(MARSEILLE)
    longest = shown.page.evaluate(
        """() => { const map = document.querySelector('.hxc-map'); const times = [];
             for (let i = 0; i < 60; i++) { const start = performance.now();
               map.dispatchEvent(new MouseEvent('mousemove', {clientX: 500 + 5 * i, clientY: 450 + i, bubbles: true}));
               times.push(performance.now() - start); }
             return Math.max(...times); }"""
    )
    assert longest < 100


def test_each_state_says_its_name_and_never_zero(shown: MapPage) -> None:
    cells, states, _ = invented(URBAN_AREA)
    shown.open(MARSEILLE)
    labels = {"unknown": "jamais contrôlé", "withheld": "non diffusé", "protected": "moins de 5", "zero": "zéro"}
    for state, label in labels.items():
        x, y = shown.point_of(int(cells[states == STATE_CODES[state]][0]))  # type: ignore[index]  # keys of the table
        shown.page.mouse.move(x, y)
        first = shown.tooltip.locator(".hxc-first dd")
        expect(first).to_contain_text(label)
        assert state == "zero" or "0" not in first.inner_text()


def test_keyboard_walks_from_hexagon_to_hexagon(shown: MapPage) -> None:
    shown.open(MARSEILLE)
    shown.page.locator(".hxc-keys").focus()
    shown.page.keyboard.press("ArrowRight")
    expect(shown.tooltip).to_be_visible()
    centre = shown.page.evaluate("document.querySelector('.hxc-tooltip').style.transform")
    for _ in range(3):
        shown.page.keyboard.press("ArrowRight")
    assert shown.page.evaluate("document.querySelector('.hxc-tooltip').style.transform") != centre
    assert shown.tooltip.get_attribute("aria-live") == "polite"
    shown.page.keyboard.press("Enter")
    expect(shown.tooltip).to_contain_text("Épinglé")
    shown.page.keyboard.press("Escape")
    expect(shown.tooltip).to_be_hidden()


def test_names_are_text_never_markup(shown: MapPage) -> None:
    cells, _, _ = invented(URBAN_AREA)
    shown.open(MARSEILLE)
    x, y = shown.point_of(int(cells[1]))  # odd positions carry the hostile name
    shown.page.mouse.move(x, y)
    expect(shown.tooltip).to_contain_text(HOSTILE)
    assert shown.page.evaluate("window.hacked") is None
    assert shown.page.locator("img").count() == 0


def test_failure_is_told_the_old_picture_stays_and_it_mends_itself(shown: MapPage) -> None:
    shown.open()
    painted = shown.map.get_attribute("data-painted")
    shown.harness.broken = True
    shown.follow(MARSEILLE)
    notice = shown.page.locator(".hxc-notice")
    expect(notice).to_contain_text("Base de données illisible <b>")
    expect(notice).to_contain_text("L'image affichée est la précédente.")
    assert shown.map.get_attribute("data-painted") == painted
    shown.harness.broken = False
    expect(notice).to_be_hidden(timeout=10_000)  # tried again after two seconds
    expect(shown.page.locator(".hxc-insets")).to_be_hidden()


def test_a_tile_that_cannot_be_had_is_told_and_mends_itself(shown: MapPage) -> None:
    shown.harness.broken_tiles = True
    shown.page.goto(f"{shown.address}/?{MARSEILLE}")
    notice = shown.page.locator(".hxc-notice")
    expect(notice).to_contain_text("Tuile illisible <b>")
    assert shown.map.get_attribute("data-state") == "error"
    shown.harness.broken_tiles = False
    shown.ready()
    expect(notice).to_be_hidden()
    cells, _, _ = invented(URBAN_AREA)
    assert int(shown.map.get_attribute("data-painted")) == shown.in_sight(cells).sum()


def test_legend_tells_classes_states_sources_and_marking(shown: MapPage) -> None:
    shown.open()
    described, classes = description(VIEWS[""]), level(VIEWS[""])
    legend = shown.page.locator(".hxc-legend")
    for text in (
        described["title"],
        described["unit"],
        "1–31 mars 2026",
        "hexagones de 38 km²",
        "12 décembre 2016",
        "Données de démonstration",
        *described["notes"],
        *classes["notes"],
    ):
        expect(legend).to_contain_text(text)
    for spec in (*classes["classes"], *described["states"]):
        expect(legend).to_contain_text(spec["label"])
    legend.locator("button").click()
    expect(legend).not_to_contain_text("Données de démonstration", use_inner_text=True)


@pytest.mark.parametrize("query", ["", MARSEILLE])
def test_legend_and_insets_leave_the_territory_in_sight(shown: MapPage, query: str) -> None:
    shown.page.set_viewport_size({"width": 806, "height": 516})  # the page's map in a window of 1280 × 800
    shown.open("" if query else MARSEILLE)
    shown.follow(query)
    expect(shown.map).to_have_attribute("data-state", "loading")
    shown.ready()
    legend = shown.page.locator(".hxc-legend").bounding_box()
    (south, west), (north, east) = VIEWS[query.removeprefix("territoire=")].bounds
    insets, edge = shown.page.locator(".hxc-insets"), shown.map.bounding_box()
    right = insets.bounding_box()["x"] if insets.is_visible() else edge["width"]
    upper, lower = (
        shown.page.evaluate(f"place => {MAP}.latLngToContainerPoint(place)", place)
        for place in ([north, west], [south, east])
    )
    assert legend["x"] + legend["width"] <= upper["x"] < lower["x"] <= right
    assert 0 <= upper["y"] < lower["y"] <= edge["height"]


def test_home_while_the_map_still_zooms_is_where_it_ends(shown: MapPage) -> None:
    shown.open(MARSEILLE)
    home = shown.page.evaluate(f"{MAP}.getZoom()")
    assert (
        shown.page.evaluate(f"""async () => {{
        const [, out, whole] = document.querySelectorAll(".hxc-zoom button"), map = {MAP};
        out.click();
        while (!map._animatingZoom) await new Promise(requestAnimationFrame);
        whole.click();
        while (map._animatingZoom) await new Promise(requestAnimationFrame);
        return map.getZoom();
    }}""")
        == home
    )


def test_a_map_that_nobody_moved_still_shows_the_whole_in_a_larger_frame(shown: MapPage) -> None:
    shown.page.set_viewport_size({"width": 806, "height": 516})
    shown.open(MARSEILLE)
    small = shown.page.evaluate(f"{MAP}.getZoom()")
    shown.page.set_viewport_size({"width": 1900, "height": 1200})
    shown.page.wait_for_function(f"{MAP}.getZoom() > {small}")
    shown.page.evaluate(f"{MAP}.panBy([150, 0], {{ animate: false }})")
    moved = shown.page.evaluate(f"{MAP}.getZoom()")
    shown.page.set_viewport_size({"width": 806, "height": 516})
    shown.page.wait_for_function(f"{MAP}.getSize().x === 806")
    assert shown.page.evaluate(f"{MAP}.getZoom()") == moved


def test_small_map_folds_its_legend_and_drops_the_insets(shown: MapPage) -> None:
    shown.page.set_viewport_size({"width": 420, "height": 400})
    shown.open()
    expect(shown.page.locator(".hxc-insets")).to_be_hidden()
    expect(shown.page.locator(".hxc-legend-body")).to_be_hidden()


def test_inset_takes_one_there(shown: MapPage) -> None:
    shown.open()
    shown.page.get_by_role("button", name="Aller à La Réunion").click()
    shown.page.wait_for_timeout(700)
    longitude = shown.page.evaluate(f"{MAP}.getCenter().lng")
    assert longitude == pytest.approx(55.5, abs=0.2)


def test_missing_basemap_is_said_and_hexagons_still_come(shown: MapPage) -> None:
    shown.page.route("**/assets/basemap/**", lambda route: route.fulfill(status=404))
    shown.open(MARSEILLE)
    expect(shown.page.locator(".hxc-no-basemap")).to_be_visible()
    assert int(shown.map.get_attribute("data-painted")) > 0


def test_perimeters_that_failed_come_with_the_next_try(shown_by_clock: MapPage) -> None:
    shown = shown_by_clock
    refusals = iter([True])
    at_first = lambda route: route.fulfill(status=503) if next(refusals, False) else route.continue_()  # noqa: E731  # one line, used once
    shown.page.route("**/perimetres", at_first)
    with shown.page.expect_response("**/perimetres") as refused:
        shown.open(MARSEILLE)
    assert refused.value.status == 503
    with shown.page.expect_response("**/perimetres") as answered:
        shown.page.clock.run_for(6000)
    assert answered.value.status == 200
    expect(shown.page.get_by_label("Périmètres des CROSS")).to_be_attached()  # they can be switched off: they are there


def test_what_is_old_fades_as_time_passes_with_its_age(shown_by_clock: MapPage) -> None:
    """One source of two is old from the start, and says so; once the other is, the map says it too, by itself."""
    shown = shown_by_clock
    shown.open(MARSEILLE)  # its freshest source is fresh for an hour
    lines = shown.page.locator(".hxc-legend-sources li")
    expect(lines.first).to_have_text("demo · données jusqu'au 31 mars 2026, chargée il y a 1 minute")
    expect(lines.last).to_have_text("UNODC · données jusqu'au 12 décembre 2016, chargée il y a 11 jours")
    assert [line.get_attribute("class") for line in lines.all()] == [None, "hxc-stale"]
    told = shown.page.locator(".hxc-age")
    expect(told).to_be_hidden()
    assert shown.page.evaluate(FILTER) == "none"
    shown.page.clock.fast_forward(3_600_000)
    expect(told).to_be_visible()
    today = datetime.now(UTC).strftime("%d/%m/%Y")
    expect(told).to_have_text(f"Données du {today}, il y a 1 heure")
    assert "grayscale" in shown.page.evaluate(FILTER)
    assert len(shown.harness.requests) == 1  # nothing was asked again: time has passed
    shown.harness.fresh_s = 7200
    shown.follow(f"{MARSEILLE}&produit=cocaine")
    expect(told).to_be_hidden()
