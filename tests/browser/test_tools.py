"""The tools of the map in a real Chromium; lengths and areas against PROJ's geodesics."""

from __future__ import annotations

import itertools
import json
import random
import re
import urllib.request
from collections.abc import Callable, Iterator
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Browser, FrameLocator, Locator, Page, expect
from pyproj import Geod

from tests.browser.harness import Harness, Stage, serving

pytestmark = pytest.mark.browser

EARTH = Geod(ellps="WGS84")
MARSEILLE = "territoire=epci:200054807"
MAP = "Object.values(window).find(value => value instanceof L.Map)"
Point = tuple[float, float]  # latitude, longitude, degrees


@pytest.fixture
def harness(stage: Stage, assets: None) -> Harness:
    stage.harness = Harness()
    return stage.harness


@pytest.fixture
def shown(stage: Stage, harness: Harness, open_page: Callable[..., Page]) -> Callable[..., Page]:
    def opened(query: str = MARSEILLE, width: int = 1280, height: int = 800) -> Page:
        page = open_page(f"{stage.address}/?{query}", width=width, height=height)
        expect(page.locator(".hxc-map")).to_have_attribute("data-state", "ready")
        return page

    return opened


@pytest.fixture(scope="module")
def helpers(browser: Browser) -> Iterator[Page]:
    """A page whose helpers are tried without the map."""
    with serving(Harness().app) as address:
        page = browser.new_page()
        page.goto(f"{address}/?{MARSEILLE}")
        yield page
        page.close()


def at(page: Page, x: int, y: int) -> Point:
    """What lies under a pixel of the map."""
    lat, lng = page.evaluate(
        f"([x, y]) => {{ const p = {MAP}.containerPointToLatLng([x, y]); return [p.lat, p.lng]; }}", [x, y]
    )
    return lat, lng


def metres(one: Point, other: Point) -> float:
    return float(EARTH.inv(one[1], one[0], other[1], other[0])[2])


def number_of(words: str) -> float:
    """`1 342,5 km` → 1342.5."""
    return float(re.sub(r"[^\d,]", "", words).replace(",", "."))


def rounding_of(words: str) -> float:
    """Half of the last figure shown, and a little for where the pointer was: `1 342,5 km` → 0.051."""
    return 0.51 / 10 ** len(re.sub(r"[^\d,]", "", words).partition(",")[2])


def box_of(locator: Locator) -> tuple[float, float, float, float]:
    box = locator.bounding_box()
    assert box is not None
    return box["x"], box["y"], box["x"] + box["width"], box["y"] + box["height"]


def overlap(one: Locator, other: Locator) -> bool:
    (a, b, c, d), (e, f, g, h) = box_of(one), box_of(other)
    return a < g and e < c and b < h and f < d


# Lengths and areas


def test_lengths_are_those_of_the_ellipsoid(helpers: Page) -> None:
    """Near, far, over a pole, across the antimeridian, almost antipodal: as PROJ says, to 10 µm."""
    drawn = random.Random(1)
    anywhere = [
        ((drawn.uniform(-90, 90), drawn.uniform(-180, 180)), (drawn.uniform(-90, 90), drawn.uniform(-180, 180)))
        for _ in range(300)
    ]
    near = [
        ((lat, lng), (lat + drawn.uniform(-1e-3, 1e-3), lng + drawn.uniform(-1e-3, 1e-3)))
        for (lat, lng), _ in anywhere[:100]
        if abs(lat) < 89
    ]
    special = [
        ((0.0, 0.0), (0.0, 180.0)),
        ((0.5, 0.0), (-0.4, 179.6)),
        ((10.0, 179.9), (10.0, -179.9)),
        ((43.3, 5.4), (43.3, 5.4)),
    ]
    pairs = [*anywhere, *near, *special]
    measured = helpers.evaluate(
        "pairs => pairs.map(([[a, b], [c, d]]) => L.hexacross.distance({lat: a, lng: b}, {lat: c, lng: d}))", pairs
    )
    assert measured == pytest.approx([metres(*pair) for pair in pairs], rel=1e-12, abs=1e-5)


def test_areas_are_those_of_the_ellipsoid(helpers: Page) -> None:
    drawn = random.Random(2)
    rings = []
    for size in [1e-4, 1e-2, 0.1, 1, 5, 20] * 10:
        lat, lng = drawn.uniform(-60, 60), drawn.uniform(-180, 180)
        rings.append(
            [
                (lat, lng),
                (lat + size, lng + drawn.uniform(0, size)),
                (lat + drawn.uniform(0, size), lng + size),
                (lat - size, lng),
            ]
        )
    measured = helpers.evaluate(
        "rings => rings.map(ring => L.hexacross.area(ring.map(([lat, lng]) => ({lat, lng}))))", rings
    )
    expected = [
        abs(EARTH.polygon_area_perimeter([lng for _, lng in ring], [lat for lat, _ in ring])[0]) for ring in rings
    ]
    assert measured == pytest.approx(expected, rel=1e-9, abs=0.1)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (0, "0,0 m"), (7.26, "7,3 m"), (85.44, "85,4 m"), (850.2, "850 m"), (3423, "3,42 km"), (34_230, "34,2 km"),
        (1_342_480, "1 342 km"),
    ],
)  # fmt: skip
def test_lengths_are_written_the_french_way(helpers: Page, value: float, words: str) -> None:
    assert helpers.evaluate("metres => L.hexacross.sayLength(metres, 'fr-FR')", value).replace("\u202f", " ") == words


# Measuring


def click(page: Page, points: list[tuple[int, int]]) -> list[Point]:
    places = []
    for x, y in points:
        page.mouse.move(x, y)
        page.mouse.click(x, y)
        page.wait_for_timeout(50)
        places.append(at(page, x, y))
    return places


def test_measure_says_each_segment_the_total_and_the_area(shown: Callable[..., Page]) -> None:
    page = shown()
    page.get_by_role("button", name="Mesurer").click()
    places = click(page, [(500, 250), (640, 300), (600, 450)])
    segments = page.locator(".hxc-segments li:not(.hxc-ahead)")
    expect(segments).to_have_count(2)
    for words, one, other in zip(segments.all_inner_texts(), places, places[1:], strict=False):
        assert number_of(words) == pytest.approx(metres(one, other) / 1000, abs=rounding_of(words))
    status = page.locator(".hxc-drop [aria-live]")
    expect(status).to_have_text(re.compile(r"Segment 2 : [\d,]+ km ; Total : [\d,]+ km"))
    click(page, [(500, 250)])  # the first point: closed
    ring = [*places, places[0]]
    around = sum(metres(one, other) for one, other in itertools.pairwise(ring))
    surface = abs(EARTH.polygon_area_perimeter([lng for _, lng in places], [lat for lat, _ in places])[0])
    sums = page.locator(".hxc-sums dd").all_inner_texts()
    assert number_of(sums[0]) == pytest.approx(around / 1000, abs=rounding_of(sums[0]))
    assert number_of(sums[1]) == pytest.approx(surface / 1e6, abs=rounding_of(sums[1]))
    expect(status).to_contain_text("Surface")
    assert page.evaluate("location.search") == f"?{MARSEILLE}"  # nothing was pinned


def test_measure_ends_by_double_click_or_escape_and_is_erased(shown: Callable[..., Page]) -> None:
    page = shown()
    button = page.get_by_role("button", name="Mesurer")
    button.click()
    zoom = page.evaluate(f"{MAP}.getZoom()")
    click(page, [(500, 250)])
    page.mouse.dblclick(640, 300)
    expect(page.get_by_role("button", name="Nouvelle mesure")).to_be_visible()
    expect(page.locator(".hxc-segments li")).to_have_count(1)
    assert page.evaluate(f"{MAP}.getZoom()") == zoom
    page.get_by_role("button", name="Nouvelle mesure").click()
    click(page, [(500, 250), (600, 260), (600, 360)])
    page.keyboard.press("Escape")
    expect(page.locator(".hxc-segments li")).to_have_count(2)
    expect(page.locator(".hxc-sketching")).to_have_count(0)
    page.get_by_role("button", name="Effacer").click()
    expect(page.locator(".hxc-drop").first).to_be_hidden()
    expect(button).to_be_focused()
    expect(page.locator(".hxc-length")).to_have_count(0)


def test_dragging_the_map_adds_no_point(shown: Callable[..., Page]) -> None:
    page = shown()
    page.get_by_role("button", name="Mesurer").click()
    click(page, [(500, 250)])
    before = at(page, 700, 400)
    page.mouse.move(700, 400)
    page.mouse.down()
    page.mouse.move(640, 360, steps=6)
    page.wait_for_timeout(200)  # a map let go while it moves moves on
    page.mouse.up()
    assert at(page, 640, 360) == pytest.approx(before, abs=1e-3)
    expect(page.locator(".hxc-segments li:not(.hxc-ahead)")).to_have_count(0)


def test_measure_by_keyboard_alone(shown: Callable[..., Page]) -> None:
    page = shown()
    page.get_by_role("button", name="Mesurer").focus()
    page.keyboard.press("Enter")
    expect(page.locator(".hxc-aim")).to_be_focused()
    size = page.evaluate(f"(() => {{ const s = {MAP}.getSize(); return [s.x, s.y]; }})()")
    middle = (size[0] // 2, size[1] // 2)
    start = at(page, *middle)
    page.keyboard.press("Enter")
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    stop = at(page, *middle)
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")  # on the last point: the end
    expect(page.get_by_role("button", name="Nouvelle mesure")).to_be_visible()
    words = page.locator(".hxc-sums dd").inner_text()
    assert number_of(words) == pytest.approx(metres(start, stop) / 1000, rel=0.01)
    assert page.locator(".hxc-drop [aria-live]").inner_text().startswith("Total")


# Position


def test_position_under_the_pointer_in_degrees_and_in_minutes(shown: Callable[..., Page]) -> None:
    page = shown()
    page.mouse.move(640, 300)
    lat, lng = at(page, 640, 300)
    position = page.locator(".hxc-position")
    assert position.inner_text() == f"{lat:.5f}° N {lng:.5f}° E".replace(".", ",")
    page.get_by_role("button", name="Degrés, minutes, secondes").click()
    page.mouse.move(640, 300)
    seconds = round(lat * 36_000) / 10
    degrees, minutes = int(seconds // 3600), int(seconds // 60) % 60
    rest = f"{seconds % 60:04.1f}".replace(".", ",")
    assert position.inner_text().startswith(f"{degrees}° {minutes:02d}′ {rest}″ N ")


@pytest.mark.parametrize(
    ("lat", "lng", "words"),
    [
        (-0.5, -0.25, "0° 30′ 00,0″ S 0° 15′ 00,0″ O"),
        (45.99999, 6, "46° 00′ 00,0″ N 6° 00′ 00,0″ E"),  # no 60″
        (10, 181, "10° 00′ 00,0″ N 179° 00′ 00,0″ O"),  # a second turn of the world
    ],
)
def test_positions_are_written_as_one_says_them(helpers: Page, lat: float, lng: float, words: str) -> None:
    letters = {"locale": "fr-FR", "north": "N", "south": "S", "east": "E", "west": "O"}
    written = helpers.evaluate("([lat, lng, s]) => L.hexacross.sayPosition({lat, lng}, true, s)", [lat, lng, letters])
    assert written == words


def test_position_is_copied_by_a_key_or_a_click(shown: Callable[..., Page]) -> None:
    page = shown()
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.mouse.move(640, 300)
    lat, lng = at(page, 640, 300)
    page.locator(".hxc-keys").focus()
    page.keyboard.press("c")
    expected = f"{lat:.5f}° N {lng:.5f}° E".replace(".", ",")
    assert page.evaluate("navigator.clipboard.readText()") == expected
    expect(page.locator(".hxc-coordinates [role=status]")).to_contain_text(expected)
    page.evaluate("navigator.clipboard.writeText('')")
    page.locator(".hxc-position").focus()
    page.keyboard.press("Enter")
    assert page.evaluate("navigator.clipboard.readText()") == expected


# Layers


def test_layers_are_hidden_and_faded_and_remembered(harness: Harness, shown: Callable[..., Page]) -> None:
    page = shown()
    page.locator(".hxc-layers summary").click()
    pane = page.locator(".leaflet-hxc-hexagons-pane canvas")
    faded = page.locator(".leaflet-hxc-hexagons-pane")
    slider = page.get_by_role("slider", name="Opacité : Hexagones")
    slider.focus()
    for _ in range(8):
        page.keyboard.press("ArrowLeft")
    expect(faded).to_have_css("opacity", "0.6")
    assert slider.get_attribute("aria-valuetext") == "60 %"
    page.get_by_label("Hexagones", exact=True).uncheck()
    expect(pane).to_be_hidden()
    expect(slider).to_be_disabled()
    page.get_by_label("Hexagones", exact=True).check()
    expect(pane).to_be_visible()
    page.get_by_role("slider", name="Opacité : Fond de carte").fill("30")
    expect(page.locator(".leaflet-hxc-ground-pane")).to_have_css("opacity", "0.3")
    asked = len(harness.requests)
    page.evaluate("history.replaceState(null, '', '?territoire=')")  # another view of the same page
    page.wait_for_function("document.querySelector('.hxc-map').dataset.state === 'ready'")
    expect(faded).to_have_css("opacity", "0.6")
    kept = page.evaluate("window.hexacrossLayers")
    assert (kept["hexagons"], kept["ground"]) == ({"shown": True, "opacity": 60}, {"shown": True, "opacity": 30})
    page.wait_for_timeout(400)
    assert len(harness.requests) <= asked + 1  # nothing is fetched to be faded


@pytest.mark.parametrize("size", [(1280, 800), (1920, 1080)])
@pytest.mark.parametrize("query", ["", MARSEILLE])
def test_nothing_lies_over_anything_else(shown: Callable[..., Page], query: str, size: tuple[int, int]) -> None:
    page = shown(query, *size)
    names = [
        ".hxc-zoom",
        ".hxc-layers",
        ".hxc-tool-button",
        ".hxc-legend",
        ".leaflet-control-scale",
        ".hxc-coordinates",
        ".hxc-insets",
    ]
    there = [page.locator(name).first for name in names if page.locator(name).first.is_visible()]
    assert len(there) >= 6
    for i, one in enumerate(there):
        for other in there[i + 1 :]:
            assert not overlap(one, other), (one, other)
    page.get_by_role("button", name="Mesurer").click()
    click(page, [(500, 250), (640, 300)])
    drop = page.locator(".hxc-drop").first
    assert not any(overlap(drop, other) for other in there if "tool" not in str(other)), "the panel hides something"


def test_memory_of_a_second_frame_is_the_pages(stage: Stage, harness: Harness, open_page: Callable[..., Page]) -> None:
    """The frame that holds the map may be made anew: what was chosen is the page's."""
    page = open_page(f"{stage.address}/?{MARSEILLE}")
    expect(page.locator(".hxc-map")).to_have_attribute("data-state", "ready")
    kept = json.dumps({"hexagons": {"shown": False, "opacity": 45}})
    page.evaluate(f"""() => {{
        const box = document.createElement('details');
        document.body.replaceChildren(box);
        const control = new L.hexacross.LayersControl({{layers: 'Couches', opacity: '{{layer}}'}}, {kept});
        const map = L.map(document.body.appendChild(document.createElement('div')));
        control.addTo(map);
        const pane = document.createElement('div');
        control.offerPane('hexagons', 'Hexagones', pane);
        window.found = [pane.hidden, pane.style.opacity, control.getContainer().querySelector('input').checked];
    }}""")
    assert page.evaluate("window.found") == [True, "0.45", False]


# Drawn zones, in the page itself


@pytest.fixture
def page_at(new_page: Callable[..., Page]) -> Iterator[Callable[..., Page]]:
    """Open the application's page; a script error fails the test."""
    errors: list[str] = []

    def opened(address: str) -> Page:
        page = new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(address)
        expect(map_of(page).locator(".hxc-map")).to_have_attribute("data-state", "ready")
        return page

    yield opened
    assert errors == []


def map_of(page: Page) -> FrameLocator:
    return page.frame_locator("iframe").first


def draw(page: Page, shape: str, points: list[tuple[float, float]]) -> None:
    """`points`: in shares of the map's width and height."""
    frame = map_of(page)
    frame.get_by_role("button", name="Zone", exact=True).click()
    frame.get_by_role("button", name=shape).click()
    box = page.locator("iframe").first.bounding_box()
    assert box is not None
    for x, y in points:
        page.mouse.click(box["x"] + x * box["width"], box["y"] + y * box["height"])
        page.wait_for_timeout(50)


def zone_in(page: Page) -> str:
    return parse_qs(urlsplit(page.url).query).get("zone", [""])[0]


def figures_in(page: Page) -> list[str]:
    return map_of(page).locator(".hxc-zone-rows dd:not(.hxc-behind)").all_inner_texts()


def figures_of(server: str, page: Page) -> list[str]:
    """What the server answers for the address of a page."""
    with urllib.request.urlopen(f"{server}/zone?{urlsplit(page.url).query}", timeout=30) as answer:
        return [row["value"] for row in json.load(answer)["rows"]]


def test_a_circle_stays_in_the_address_with_its_figures(server: str, page_at: Callable[..., Page]) -> None:
    page = page_at(f"{server}/?territoire=cross:marseille")
    draw(page, "Tracer un cercle", [(0.55, 0.5), (0.6, 0.5)])
    expect(map_of(page).locator(".hxc-zone-rows")).to_be_visible()
    zone = zone_in(page)
    assert re.fullmatch(r"cercle:43\.\d+,5\.\d+,\d+", zone)
    shown = figures_in(page)
    assert shown == figures_of(server, page)
    assert int(shown[0]) > 0
    page.get_by_role("combobox").nth(2).click()  # another measure: the page runs again
    page.get_by_role("option").nth(1).click()
    expect(page).to_have_url(re.compile("mesure="))
    assert zone_in(page) == zone
    page.goto(page.url.replace("mesure=taux", "mesure=taux&du=2020-01-01&au=2020-01-31"))  # nothing happened then
    expect(map_of(page).locator(".hxc-zone-rows dd").first).to_have_text("0")
    page.go_back()
    expect(map_of(page).locator(".hxc-zone-rows dd").first).to_have_text(shown[0])


def test_back_takes_the_zone_away_and_a_shared_address_shows_it(server: str, page_at: Callable[..., Page]) -> None:
    page = page_at(f"{server}/?territoire=cross:marseille")
    draw(page, "Tracer un polygone", [(0.5, 0.3), (0.65, 0.35), (0.6, 0.6), (0.5, 0.3)])
    expect(map_of(page).locator(".hxc-zone-rows")).to_be_visible()
    assert len(zone_in(page).split(",")) == 6
    address, shown = page.url, figures_in(page)
    assert overlapping(page) == []
    page.go_back()
    expect(map_of(page).locator(".hxc-zone")).to_be_hidden()
    assert zone_in(page) == ""
    page.go_forward()
    expect(map_of(page).locator(".hxc-zone-rows")).to_be_visible()
    other = page_at(address.replace("territoire=cross:marseille&", ""))  # from France, the zone is gone to
    expect(map_of(other).locator(".hxc-zone-rows")).to_be_visible()
    assert figures_in(other) == shown
    assert overlapping(other) == []  # beside the insets
    map_of(page).get_by_role("button", name="Effacer").click()
    expect(map_of(page).locator(".hxc-zone")).to_be_hidden()
    assert zone_in(page) == ""


def overlapping(page: Page) -> list[str]:
    """The panels of the map that the zone's panel hides a part of."""
    names = (
        ".hxc-zoom, .hxc-layers, .hxc-tool-button, .hxc-legend, .leaflet-control-scale, .hxc-coordinates, .hxc-insets"
    )
    hidden: list[str] = (
        map_of(page)
        .locator(".hxc-zone")
        .evaluate(
            """(zone, names) => [...document.querySelectorAll(names)].filter((other) => {
            const [a, b] = [zone.getBoundingClientRect(), other.getBoundingClientRect()];
            return b.width && a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
        }).map(({ className }) => className)""",
            names,
        )
    )
    return hidden


def test_a_bad_zone_is_refused_in_words(server: str, page_at: Callable[..., Page]) -> None:
    page = page_at(f"{server}/?territoire=cross:marseille&zone=polygone:43,5,44,6,43,6,44,5")
    said = map_of(page).locator(".hxc-zone-said")
    expect(said).to_have_text("Le contour de la zone se recoupe : tracez-le sans croisement.")
    assert figures_in(page) == []


def test_a_zone_by_keyboard_and_one_given_up(server: str, page_at: Callable[..., Page]) -> None:
    page = page_at(f"{server}/?territoire=cross:marseille")
    frame = map_of(page)
    frame.get_by_role("button", name="Zone", exact=True).focus()
    page.keyboard.press("Enter")
    expect(frame.get_by_role("button", name="Tracer un polygone")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    page.keyboard.press("Escape")
    assert zone_in(page) == ""
    expect(frame.get_by_role("button", name="Zone", exact=True)).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")  # a circle
    page.keyboard.press("Enter")
    for _ in range(2):
        page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    expect(frame.locator(".hxc-zone-rows")).to_be_visible()
    assert zone_in(page).startswith("cercle:")
