"""Pages that stay open: what another program loads appears, and the absence of a server is said and overcome."""

from __future__ import annotations

import json
import os
import re
import subprocess
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import NamedTuple

import pytest
from playwright.sync_api import Locator, Page, expect

from data.geography import geography
from data.postgis_store import PostgisStore
from geo.tiles import Tile, tile_bounds
from tests.browser.conftest import COMMAND, free_port, wait_until_healthy
from tests.browser.pixels import map_frame
from tests.data.contract import Row, batch, chunk, event
from tests.data.test_changes import load_when_back
from tests.postgres import cluster, new_store_url

pytestmark = pytest.mark.browser

AIX, MARSEILLE = ("13001", 5.45, 43.53), ("13055", 5.37, 43.30)
DATES = "du=2026-03-01&au=2026-03-31"
OF_MARSEILLE = f"territoire=cross:marseille&{DATES}&resolution=8"
TILE = re.compile(r"/hex/hexagones/(\d+)/(\d+)/(\d+)")
TRACEBACK = re.compile(r"Traceback|psycopg|Exception|StoreError")


class Served(NamedTuple):
    """A Hexacross on a server store, and that store as another program has it open."""

    address: str
    store: PostgisStore
    process: subprocess.Popen[bytes]
    log: Path


def facts(name: str, place: tuple[str, float, float], number: int, **given: object) -> list[Row]:
    commune, lng, lat = place
    where = {
        "commune": commune,
        "departement": commune[:2],
        "place_precision": "point",
        "longitude": lng,
        "latitude": lat,
    }
    return [event(f"{name} {n}", **({"day": date(2026, 3, 10)} | where | given)) for n in range(number)]


@contextmanager
def serving(url: str, log: Path, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """`hexacross run` on a store, until the end of the block."""
    with log.open("ab") as output:
        process = subprocess.Popen(
            [*COMMAND, "run", "--port", str(port)],
            env=os.environ | {"HEXACROSS_STORE": url},
            stdout=output,
            stderr=output,
        )
        try:
            wait_until_healthy(f"http://127.0.0.1:{port}", process)
            yield process
        finally:
            process.terminate()
            process.wait(timeout=20)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Some incidents of March in Marseille; each test adds its own."""
    url, port = new_store_url(), free_port()
    log = tmp_path_factory.mktemp("live") / "log"
    store = PostgisStore.open(url)
    store.set_memberships(geography().memberships())
    store.load(batch("mars"), [chunk(facts("mars", MARSEILLE, 7))])
    with serving(url, log, port) as process:
        yield Served(f"http://127.0.0.1:{port}", store, process, log)
    store.close()


@pytest.fixture
def tabs(new_page: Callable[..., Page]) -> Iterator[Callable[[str], Page]]:
    """Open tabs of one browser; a script error in any of them fails the test."""
    errors: list[str] = []

    def opened(address: str) -> Page:
        page = new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(address)
        return page

    yield opened
    assert errors == []


def incidents(page: Page) -> Locator:
    """The first key figure."""
    return page.locator(".hx-value").first


def known(page: Page) -> int:
    """The number of incidents that the page shows, its map being there."""
    map_frame(page).wait_for_selector(".hxc-map[data-state=ready]")
    expect(incidents(page)).to_have_text(re.compile(r"^\d+$"))
    return int(incidents(page).inner_text())


def is_near(place: tuple[str, float, float], z: int, x: int, y: int) -> bool:
    """Whether a place is in a tile, or as close to it as the coarse cells are large of which changes tell."""
    west, south, east, north = tile_bounds(Tile(z, x, y))
    _commune, lng, lat = place
    beyond = 0.3 + 0.3 * (east - west)
    return west - beyond < lng < east + beyond and south - beyond < lat < north + beyond


def streams(address: str) -> int:
    with urllib.request.urlopen(f"{address}/healthz") as answer:
        return int(json.load(answer)["streams"])


def test_what_another_program_loads_appears(served: Served, tabs: Callable[[str], Page]) -> None:
    """Figures and hexagons follow; neither the page nor the map is made again, and elsewhere costs nothing."""
    page = tabs(f"{served.address}/?{OF_MARSEILLE}")
    before = known(page)
    frame = map_frame(page)
    frame.evaluate("window.still = 'here'")
    legend = frame.locator(".hxc-legend-rows").inner_text()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    served.store.load(batch("toulon"), [chunk(facts("toulon", ("83137", 5.93, 43.12), 3))])
    served.store.load(batch("avril"), [chunk(facts("avril", MARSEILLE, 3, day=date(2026, 4, 2)))])
    served.store.load(batch("aix 1"), [chunk(facts("aix 1", AIX, 3))])
    expect(incidents(page)).to_have_text(str(before + 3))
    rows = frame.locator(".hxc-legend-rows")
    expect(rows).not_to_have_text(legend, use_inner_text=True)  # a hexagon of Aix is no longer at zero
    expect(frame.locator(".hxc-map")).to_have_attribute("data-pulsed", re.compile("[1-9]"))
    frame.wait_for_selector(".hxc-map[data-state=ready]")
    assert frame.evaluate("window.still") == "here"
    tiles = [TILE.search(url) for url in asked if "/hex/hexagones/" in url]
    assert tiles
    assert len({tile[0] for tile in tiles if tile}) == len(tiles), "only the load that touches the view fetches"
    for tile in tiles:
        assert tile is not None
        assert is_near(AIX, *map(int, tile.groups())), "only the tiles around Aix are fetched again"
    assert len([url for url in asked if "/hex?" in url]) <= 1
    assert not [url for url in asked if "/hex/classes" in url], "colours do not move while one looks"
    assert not [url for url in asked if "/perimetres" in url]
    expect(page.locator(".hx-outage")).to_be_hidden()


def test_the_figures_of_a_zone_follow_what_touches_it(served: Served, tabs: Callable[[str], Page]) -> None:
    page = tabs(f"{served.address}/?{OF_MARSEILLE}&zone=cercle:43.30,5.37,2000")
    shown = map_frame(page).locator(".hxc-zone-rows dd").first
    expect(shown).to_have_text(re.compile(r"\d+"))
    before = int(shown.inner_text())
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "/zone?" in request.url else None)
    paris = ("75056", 2.35, 48.86)
    served.store.load(batch("zone ailleurs"), [chunk(facts("zone ailleurs", paris, 3, departement="75"))])
    page.wait_for_timeout(1500)
    assert asked == []
    served.store.load(batch("zone"), [chunk(facts("zone", MARSEILLE, 4))])
    expect(shown).to_have_text(str(before + 4))
    assert len(asked) == 1


def test_twelve_tabs_share_one_stream(served: Served, tabs: Callable[[str], Page]) -> None:
    """A browser opens six connections to a host: twelve streams would leave none for the map."""
    pages = [tabs(f"{served.address}/?{OF_MARSEILLE}") for _ in range(12)]
    for page in pages:
        before = known(page)
    assert streams(served.address) == 1
    served.store.load(batch("aix 2"), [chunk(facts("aix 2", AIX, 3))])
    for page in (pages[0], pages[5], pages[11]):
        page.bring_to_front()
        expect(incidents(page)).to_have_text(str(before + 3))


def test_the_database_goes_away_and_comes_back(served: Served, tabs: Callable[[str], Page]) -> None:
    """The picture and the figures stay, the page says since when, and takes up by itself what came in since."""
    page = tabs(f"{served.address}/?{OF_MARSEILLE}")
    before = known(page)
    frame = map_frame(page)
    painted = frame.locator(".hxc-map").get_attribute("data-painted")
    cluster().stop("immediate")
    try:
        said = re.compile(r"Données du \d\d/\d\d/\d{4} \d\d:\d\d ; base injoignable depuis \d\d:\d\d\.")
        expect(page.locator(".hx-outage")).to_have_text(said)
        expect(frame.locator(".hxc-notice")).to_have_text(said)
        # Another filter: nothing of it is known, and that is not zero; then back to what is known.
        page.get_by_label("Produit").click()
        page.get_by_role("option", name="Cocaïne").click()
        expect(incidents(page)).to_have_text("—")
        expect(page.locator(".hx-outage")).to_have_text(said)
        assert frame.locator(".hxc-map").get_attribute("data-painted") == painted
        page.go_back()
        page.reload()
        expect(incidents(page)).to_have_text(str(before))
        expect(page.locator(".hx-outage")).to_have_text(said)
        assert not TRACEBACK.search(page.locator("body").inner_text())
    finally:
        cluster().start(durable=False)
    expect(page.locator(".hx-outage")).to_be_hidden()
    load_when_back(served.store, "aix 3", facts("aix 3", AIX, 3))
    expect(incidents(page)).to_have_text(str(before + 3))
    frame = map_frame(page)
    expect(frame.locator(".hxc-notice")).to_be_hidden()
    expect(frame.locator(".hxc-map")).to_have_attribute("data-state", "ready")


def test_the_page_survives_a_restart_of_hexacross(served: Served, tabs: Callable[[str], Page], tmp_path: Path) -> None:
    page = tabs(f"{served.address}/?{OF_MARSEILLE}")
    before = known(page)
    frame = map_frame(page)
    served.process.terminate()
    served.process.wait(timeout=20)
    assert "graceful shutdown exceeded" not in served.log.read_text(), "open streams held the server up"
    expect(frame.locator(".hxc-notice")).to_contain_text("serveur injoignable depuis")
    served.store.load(batch("aix 4"), [chunk(facts("aix 4", AIX, 3))])
    with serving(served.store._url, tmp_path / "again", int(served.address.rpartition(":")[2])):
        expect(frame.locator(".hxc-notice")).to_be_hidden()
        expect(incidents(page)).to_have_text(str(before + 3))
