"""Our map in the Streamlit page beside the usual ones: bytes, time to the picture, filters, pans and zooms.

The peers are small programs as a competent engineer would write them (`peers/`): the same hexagons, classes and
colours, on the same server, with their scripts from this host, and no basemap, which pydeck would fetch elsewhere. All
programs take turns in one Chromium, without a graphics card: pydeck's WebGL is software, as on most virtual desktops.
Our server has not seen a view before it is asked for it.
"""

from __future__ import annotations

import math
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
from playwright.sync_api import Browser, Page

from dashboard.door_tokens import create_token
from layers.colours import sequential
from tests.benchmarks.event_pixels import Place, Producer, clear_of_panels, percentiles, seen, watch, without_colour
from tests.benchmarks.headless import open_elsewhere
from tests.benchmarks.map_data import (
    CLASSES,
    LAST_DAY,
    SEED,
    VIEWS,
    Hexagons,
    facts_at,
    fill_store,
    hexagons_in_sight,
    our_address,
    write_for_peers,
)
from tests.benchmarks.programs import TOKENS, chromium, ours, peer
from tests.benchmarks.report import report
from tests.benchmarks.screen import (
    FEWEST_COLOURED,
    HEIGHT_PX,
    WIDTH_PX,
    Frames,
    Picture,
    Wire,
    box_of,
    coloured,
    drag,
    longest_frame,
    memory_mb,
    wheel,
    when_there,
)
from tests.browser.pixels import map_frame

__all__ = ["chromium"]  # a fixture

pytestmark = [pytest.mark.bench, pytest.mark.timeout(1800)]

SIZES = tuple(VIEWS)
IDS = [f"{number // 1000}k" for number in SIZES]
TURNS = 3
EVENTS = 60
SCREENS = 40  # open at once, for the memory of one
PEERS = {"pydeck": "pydeck_map.py", "st_folium": "folium_map.py"}
MAP_OF = {
    "Hexacross": 'iframe[title="streamlit_folium.st_folium"]',
    "st_folium": 'iframe[title="streamlit_folium.st_folium"]',
    "pydeck": '[data-testid="stDeckGlJsonChart"]',
}
DATA_PATHS = ("/hex", "/perimetres", "/lieux", "/chiffres", "/assets/basemap", "/fond")  # what is no script
WEBSOCKET = "websocket"  # as if compressed, which Streamlit does not unless one sets it so
LONGEST_FRAME_S = 0.0505  # three frames of a screen of 60 Hz, and what a clock is off by
REST_S = 4.0  # after a pan or a zoom: the slowest peer has painted by then
COLOURS = sequential(CLASSES)


@dataclass
class Turn:
    """One program, once: seconds and bytes."""

    painted_s: float
    script_bytes: int
    parts: dict[str, int]  # of the data, in bytes
    filtered_s: float
    pan: tuple[float, int]  # longest frame (s), frames over 50 ms
    zoom: tuple[float, int]
    by_address_s: float | None = None


@dataclass
class Figures:
    """All turns at one number of hexagons, by program."""

    number: int
    turns: dict[str, list[Turn]] = field(default_factory=dict)

    def median(self, name: str, figure: Callable[[Turn], float]) -> float:
        return statistics.median(figure(turn) for turn in self.turns[name])


@pytest.fixture(scope="module", params=SIZES, ids=IDS)
def figures(request: pytest.FixtureRequest, chromium: Browser, tmp_path_factory: pytest.TempPathFactory) -> Figures:
    """Everything measured at one number of hexagons, the programs taking turns."""
    number, folder = request.param, tmp_path_factory.mktemp("map")
    hexagons = hexagons_in_sight(number)
    store = fill_store(hexagons, folder)
    write_for_peers(hexagons, VIEWS[number][0], folder)
    measured = Figures(number)
    with (
        ours(folder, store) as (our_port, _),
        peer(folder, PEERS["pydeck"]) as (deck_port, _),
        peer(folder, PEERS["st_folium"]) as (folium_port, _),
    ):
        ports = {"Hexacross": our_port, "pydeck": deck_port, "st_folium": folium_port}
        for turn in range(TURNS):
            for name, port in ports.items():
                taken = take_turn(chromium, name, f"http://127.0.0.1:{port}", number, turn)
                measured.turns.setdefault(name, []).append(taken)
    return measured


def take_turn(browser: Browser, name: str, host: str, number: int, turn: int) -> Turn:
    """Open the page in a browser that knows nothing of it, filter, pan, zoom."""
    context = browser.new_context(viewport={"width": WIDTH_PX, "height": HEIGHT_PX}, locale="fr-FR")
    try:
        page = context.new_page()
        page.set_default_timeout(180_000)
        wire, frames = Wire.of(page), Frames.of(page)
        painted_s = first_paint(page, frames, name, host + (our_address(number, turn) if name == "Hexacross" else "/"))
        if name == "Hexacross":
            assert painted(page) == number
        parts = wire.bytes_by_path(DATA_PATHS)
        script_bytes = parts.pop("")
        parts |= {WEBSOCKET: wire.socket_deflated, f"{WEBSOCKET}, not compressed": wire.socket_raw}
        taken = Turn(
            painted_s=painted_s,
            script_bytes=script_bytes,
            parts=parts,
            filtered_s=filter_change(page, frames, name),
            pan=(0, 0),
            zoom=(0, 0),
        )
        if name == "Hexacross":
            taken.by_address_s = address_change(page, frames, our_address(number, turn + TURNS))
        box = box_of(page.locator(MAP_OF[name]))
        assert box is not None
        taken.pan = longest_frame(page, partial(drag, page, box), REST_S)
        taken.zoom = longest_frame(page, partial(wheel, page, box), REST_S)
        return taken
    finally:
        context.close()


def painted(page: Page) -> int:
    """How many hexagons our map says that it shows."""
    said = page.frame_locator(MAP_OF["Hexacross"]).locator(".hxc-map").get_attribute("data-painted")
    return int(said or 0)


def shows_hexagons(pictures: list[Picture]) -> bool:
    return bool(coloured(pictures[-1], COLOURS).mean() > FEWEST_COLOURED)


def shows_others(pictures: list[Picture]) -> bool:
    """Whether the hexagons there are have other colours than at first."""
    first, last = pictures[0], pictures[-1]
    return shows_hexagons(pictures) and bool((np.abs(last - first).max(axis=2) > 24).mean() > FEWEST_COLOURED)


def first_paint(page: Page, frames: Frames, name: str, address: str) -> float:
    """Seconds from the navigation until the hexagons are on the screen."""
    frames.start()
    began = time.time()
    page.goto(address, wait_until="commit")
    pictures = frames.until(shows_hexagons, page.locator(MAP_OF[name]))
    frames.stop()
    return when_there(pictures) - began


def filter_change(page: Page, frames: Frames, name: str) -> float:
    """Seconds from the click on another product in the list until the map shows it."""
    page.get_by_label("Produit").click()
    option = page.get_by_role("option", name="Cocaïne")
    option.wait_for()
    page.wait_for_timeout(500)
    page.evaluate(
        "() => addEventListener('mousedown', () => (window.clickedAt = performance.timeOrigin + performance.now()),"
        " { capture: true, once: true })"
    )
    frames.start()
    option.click()
    pictures = frames.until(shows_others, page.locator(MAP_OF[name]))
    frames.stop()
    return when_there(pictures) - float(page.evaluate("() => window.clickedAt")) / 1000


def address_change(page: Page, frames: Frames, address: str) -> float:
    """The same when the page's address changes by itself, as a link or a shared view makes it."""
    frames.start()
    page.wait_for_timeout(200)
    began = page.evaluate(
        "(address) => { history.pushState({}, '', address); return performance.timeOrigin + performance.now(); }",
        address,
    )
    pictures = frames.until(shows_others, page.locator(MAP_OF["Hexacross"]))
    frames.stop()
    return when_there(pictures) - began / 1000


def line(
    figures: Figures, title: str, figure: Callable[[Turn], float], bar: str, passed: bool, unit: str = "s"
) -> None:
    """Print one figure of all three programs. Bars are for 50,000 hexagons; fewer are measured to see the slope."""
    ours, deck, folium = (figures.median(name, figure) for name in ("Hexacross", "pydeck", "st_folium"))
    others = f"pydeck {deck:,.3g} {unit}, st_folium {folium:,.3g} {unit}"
    held = figures.number == max(SIZES)
    text = f"{bar}: {others}" if held else others
    report(f"{figures.number:,} hexagons: {title}", ours, deck, text, passed or not held, unit)


def test_bytes_on_the_wire(figures: Figures) -> None:
    def hexagons_kb(turn: Turn) -> float:
        """Compressed: answers with hexagons, and all of Streamlit's websocket, as a peer's hexagons are in it."""
        return sum(size for path, size in turn.parts.items() if path in ("/hex", WEBSOCKET)) / 1000

    for name, turns in figures.turns.items():
        parts = ", ".join(f"{part} {size / 1000:,.0f}" for part, size in turns[0].parts.items())
        rest = statistics.median(turn.script_bytes for turn in turns)
        sys.stdout.write(
            f"\n{figures.number:,} hexagons, {name}, kB: {parts}; scripts, styles and type {rest / 1000:,.0f}"
        )
    ours, deck, folium = (figures.median(name, hexagons_kb) for name in ("Hexacross", "pydeck", "st_folium"))
    passed = ours <= deck / 3 and ours <= folium / 30
    line(figures, "bytes of data, compressed", hexagons_kb, "≤ 1/3 of pydeck's, ≤ 1/30 of st_folium's", passed, "kB")


def test_first_paint(figures: Figures) -> None:
    ours, deck = (figures.median(name, lambda turn: turn.painted_s) for name in ("Hexacross", "pydeck"))
    line(figures, "navigation to hexagons on the screen", lambda turn: turn.painted_s, "< pydeck's", ours < deck)


def test_filter_change(figures: Figures) -> None:
    ours, deck = (figures.median(name, lambda turn: turn.filtered_s) for name in ("Hexacross", "pydeck"))
    by_address_s = figures.median("Hexacross", lambda turn: turn.by_address_s or math.nan)
    bar = f"≤ 1/5 of pydeck's (by the address alone {by_address_s:.2f} s)"
    line(figures, "filter change to repainted", lambda turn: turn.filtered_s, bar, ours <= deck / 5)


@pytest.mark.parametrize("move", ["pan", "zoom"])
def test_longest_frame(figures: Figures, move: Literal["pan", "zoom"]) -> None:
    def longest_s(turn: Turn) -> float:
        return turn.pan[0] if move == "pan" else turn.zoom[0]

    ours = figures.median("Hexacross", longest_s)
    line(figures, f"longest frame of one {move}", longest_s, "≤ 50 ms", ours <= LONGEST_FRAME_S)


@pytest.mark.parametrize("number", SIZES, ids=IDS)
def test_server_memory(number: int, tmp_path: Path) -> None:
    """What each further open screen adds to the server: sessions, streams and requests without a browser."""
    hexagons = hexagons_in_sight(number)
    store = fill_store(hexagons, tmp_path)
    write_for_peers(hexagons, VIEWS[number][0], tmp_path)
    with ours(tmp_path, store) as (port, process):
        own_mb = added_mb("maps", port, process.pid, our_address(number, 0).removeprefix("/?"))
    peers_mb = {}
    for name, script in PEERS.items():
        with peer(tmp_path, script) as (port, process):
            peers_mb[name] = added_mb("pages", port, process.pid, "")
    text = ", ".join(f"{name} {mb:.1f} MB" for name, mb in peers_mb.items())
    report(f"{number:,} hexagons: the server's memory per screen", own_mb, peers_mb["pydeck"], text, True, "MB")


def added_mb(kind: Literal["maps", "pages"], port: int, pid: int, query: str) -> float:
    """Memory for each of `SCREENS` screens beyond the first ten."""
    url = f"http://127.0.0.1:{port}"
    with open_elsewhere(kind, url, [query] * 10, 600):
        before = memory_mb(pid)
        with open_elsewhere(kind, url, [query] * SCREENS, 600):
            time.sleep(2)
            return (memory_mb(pid) - before) / SCREENS


@pytest.mark.parametrize("number", [10_000, 50_000], ids=["10k", "50k"])
def test_event_to_pixel(number: int, chromium: Browser, tmp_path: Path) -> None:
    """One seizure after another in a hexagon of the lowest class, until its pixel has the colour of the highest."""
    hexagons = hexagons_in_sight(number)
    store = fill_store(hexagons, tmp_path)
    token = create_token(tmp_path / TOKENS, "direct", ("internal",))
    context = chromium.new_context(viewport={"width": WIDTH_PX, "height": HEIGHT_PX}, locale="fr-FR")
    with (
        ours(tmp_path, store) as (port, _),
        Producer(f"http://127.0.0.1:{port}", token, LAST_DAY.isoformat()) as producer,
    ):
        page = context.new_page()
        page.goto(producer.url + our_address(number, 0))
        map_frame(page).wait_for_selector(".hxc-map[data-state=ready]", timeout=120_000)
        page.wait_for_timeout(3000)
        frame = watch(page, places := light_places(page, hexagons), COLOURS[-1])
        random = np.random.default_rng(SEED)
        for place in places:
            producer.post(place)
            page.wait_for_timeout(float(random.uniform(700, 1500)))
        page.wait_for_timeout(5000)
        found = seen(frame)
    context.close()
    waits = [(math.inf if at is None else at) - then for at, then in zip(found, producer.acknowledged, strict=True)]
    assert min(waits) > 0, "a place had the colour of a neighbour"
    p50, p95 = percentiles(waits)
    text = (
        f"p95 ≤ 1 s: p50 {p50:.2f} s, worst {max(waits):.2f} s; acknowledged in {percentiles(producer.took_s)[0]:.3f} s"
    )
    report(f"{number:,} hexagons: event to pixel, {len(waits)} events", p95, None, text, p95 <= 1)


def light_places(page: Page, hexagons: Hexagons) -> list[Place]:
    """In the middle of hexagons of the lowest class that neither a panel nor one of the highest class touches."""
    kg = hexagons.kg.sum(axis=1)
    lightest = np.argsort(kg)[: len(kg) // (2 * CLASSES)]
    chosen = np.random.default_rng(SEED).permutation(lightest)[: 3 * EVENTS]
    places = [Place(float(lng), float(lat)) for lng, lat in zip(*facts_at(hexagons.cells[chosen]), strict=True)]
    looked_at = zip(places, clear_of_panels(page, places), without_colour(page, places, COLOURS[-1]), strict=True)
    found = [place for place, clear, light in looked_at if clear and light][:EVENTS]
    assert len(found) == EVENTS
    return found
