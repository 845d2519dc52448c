"""How long answers are kept: through every change that does not touch them, and through none that does."""

from __future__ import annotations

import asyncio
import itertools
import threading
import time
from collections.abc import Iterator
from contextlib import aclosing
from dataclasses import replace
from datetime import date, timedelta
from typing import NamedTuple

import h3.api.numpy_int as h3
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.testclient import TestClient

from dashboard import freshness as dashboard_freshness
from dashboard import hex_tiles
from dashboard.cache import ByteCache
from dashboard.context import Context
from dashboard.freshness import Area, Freshness
from dashboard.hex_tiles import TILE_ZOOMS, HexTiles, hexagon_tile
from dashboard.live import REMEMBERED, Live
from dashboard.settings import Settings
from dashboard.view import View
from data.duckdb_store import DuckDBStore
from data.errors import ForbiddenError
from data.geography import geography
from data.query import Hours, Query, Territory, Viewer
from data.store import CHANGE_RESOLUTION, Change, Store
from geo.grid import cells_at
from geo.tiles import Tile, inside, tiles_at
from layers.hexagons import decode
from tests.data.contract import CENTRES, DAYS, FIRST_DAY, Row, batch, chunk, draw_event, event

ANYONE = Viewer("local")
MARSEILLE, TOULON = CENTRES["13055"], CENTRES["83137"]
MARCH = View(start=date(2026, 3, 1), stop=date(2026, 4, 1), measure="incidents")
OF_13 = View(Territory("departement", "13"), MARCH.start, MARCH.stop, measure="incidents")
PATIENCE_S = 20
TOUCHED = Territory("departement", "13")


def tile_over(place: tuple[float, float], z: int) -> Tile:
    (x,), (y,) = tiles_at([place[0]], [place[1]], z)
    return Tile(z, int(x), int(y))


def change_at(place: tuple[float, float], first: date | None = None, last: date | None = None) -> Change:
    """Facts in one coarse cell of the département of Marseille, of March unless told."""
    (cell,) = cells_at([place[0]], [place[1]], CHANGE_RESOLUTION).tolist()
    first, last = first or date(2026, 3, 10), last or first or date(2026, 3, 10)
    return Change(8, (cell,), (TOUCHED,), first, last)


@pytest.mark.parametrize("z", range(TILE_ZOOMS[0], TILE_ZOOMS[1] + 1))
@pytest.mark.parametrize("view", [MARCH, OF_13], ids=["france", "département"])
def test_a_change_touches_the_tile_that_it_lies_in(z: int, view: View) -> None:
    area = Area.of(view, tile_over(MARSEILLE, z))
    assert area.is_touched_by(change_at(MARSEILLE))
    assert Area.of(view).is_touched_by(change_at(MARSEILLE))


@pytest.mark.parametrize(
    ("change", "touches"),
    [
        (change_at(MARSEILLE, date(2026, 2, 1), date(2026, 2, 28)), False),
        (change_at(MARSEILLE, date(2026, 4, 1)), False),  # the day after the last
        (change_at(MARSEILLE, date(2026, 3, 31)), True),
        (change_at(MARSEILLE, date(2026, 3, 1)), True),
        (change_at(MARSEILLE, date(2025, 1, 1), date(2026, 12, 31)), True),
        (change_at(CENTRES["75056"]), False),
        (Change(8, (), (), date(2026, 3, 2), date(2026, 3, 2)), False),  # facts without a place
        (Change(8, figures=True), False),
        (Change(8, everything=True), True),
        (Change(8, change_at(MARSEILLE).cells, (TOUCHED,)), True),  # of unknown days
    ],
)
def test_a_tile_outlives_changes_of_other_days_and_elsewhere(change: Change, touches: bool) -> None:
    assert Area.of(MARCH, tile_over(MARSEILLE, 9)).is_touched_by(change) == touches


def test_hours_past_midnight_are_touched_by_the_next_morning() -> None:
    next_morning = change_at(MARSEILLE, MARCH.stop)
    assert Area.of(replace(MARCH, hours=Hours(22, 6))).is_touched_by(next_morning)
    assert not Area.of(replace(MARCH, hours=Hours(16, 24))).is_touched_by(next_morning)


def test_a_tile_of_a_territory_outlives_changes_of_another() -> None:
    """Of Toulon, in a tile over Marseille: the same cell may hold facts of both."""
    of_the_var = View(Territory("departement", "83"), MARCH.start, MARCH.stop, measure="incidents")
    for area in (Area.of(of_the_var, tile_over(MARSEILLE, 6)), Area.of(of_the_var)):
        assert not area.is_touched_by(change_at(MARSEILLE))
        assert area.is_touched_by(Change(8, change_at(MARSEILLE).cells, (TOUCHED, Territory("departement", "83"))))
        assert area.is_touched_by(Change(8, everything=True))


def test_facts_without_a_place_touch_what_is_not_a_tile() -> None:
    nowhere = Change(8, (), (TOUCHED,), date(2026, 3, 2), date(2026, 3, 2))
    assert Area.of(OF_13).is_touched_by(nowhere)
    assert not Area.of(OF_13, tile_over(MARSEILLE, 9)).is_touched_by(nowhere)


@given(st.floats(-170, 170), st.floats(-80, 80), st.integers(*TILE_ZOOMS), st.integers(0, 3), st.booleans())
def test_no_hexagon_of_a_tile_has_a_fact_elsewhere(lng: float, lat: float, z: int, seed: int, fine: bool) -> None:
    """Facts near the edges of a tile: whenever their hexagon has its centre in the tile, their change touches it."""
    tile = tile_over((lng, lat), z)
    resolution = MARCH.resolution_at(z + 1) if not fine else min(10, MARCH.resolution_at(z + 1) + 1)
    rng = np.random.default_rng(seed)
    side = 360 / 2**z
    west = tile.x * side - 180
    around_lng = np.clip(west + side * rng.choice([0.0, 1.0, 0.5], 40) + side * rng.normal(0, 0.05, 40), -180, 179.99)
    around_lat = np.clip(lat + side * rng.normal(0, 0.4, 40) * np.cos(np.radians(lat)), -84, 84)
    facts = cells_at(around_lng, around_lat, 10)
    area = Area.of(MARCH, tile)
    hexagons = cells_of_parents(facts, resolution)
    for fact in facts[inside(tile, hexagons)].tolist():
        (coarse,) = cells_of_parents(np.array([fact]), CHANGE_RESOLUTION).tolist()
        assert area.is_touched_by(Change(8, (coarse,), (), date(2026, 3, 10), date(2026, 3, 10)))


def cells_of_parents(cells: np.ndarray, resolution: int) -> np.ndarray:
    return np.array([h3.cell_to_parent(cell, resolution) for cell in cells.tolist()], dtype=np.int64)


class StubStore:
    """A store of which only the version is asked."""

    def __init__(self, version: int) -> None:
        self.now = version

    def version(self) -> int:
        return self.now


def version_of(freshness: Freshness, area: Area, live: Live, store: StubStore, key: str = "tile") -> int:
    return freshness.version(key, area, live, store)  # type: ignore[arg-type]  # only `version` is asked


def test_an_answer_keeps_its_version_until_it_is_touched() -> None:
    freshness, live, store = Freshness(), Live(version=7, _heard_since=7), StubStore(99)
    area = Area.of(MARCH, tile_over(MARSEILLE, 9))
    assert version_of(freshness, area, live, store) == 7
    elsewhere = change_at(CENTRES["75056"])
    for version in (8, 9):
        live.hear(Change(version, elsewhere.cells, (), elsewhere.first_day, elsewhere.last_day))
        assert version_of(freshness, area, live, store) == 7
    live.hear(Change(10, change_at(MARSEILLE).cells, (), elsewhere.first_day, elsewhere.last_day))
    assert version_of(freshness, area, live, store) == 10
    assert version_of(freshness, area, live, store) == 10
    live.hear(Change(11, everything=True))
    assert version_of(freshness, area, live, store) == 11


def test_who_missed_too_much_takes_it_for_touched() -> None:
    freshness, live, store = Freshness(), Live(version=1, _heard_since=1), StubStore(1)
    area = Area.of(MARCH, tile_over(MARSEILLE, 9))
    assert version_of(freshness, area, live, store) == 1
    elsewhere = change_at(CENTRES["75056"])
    for version in range(2, REMEMBERED + 3):
        live.hear(Change(version, elsewhere.cells, (), elsewhere.first_day, elsewhere.last_day))
    assert version_of(freshness, area, live, store) == REMEMBERED + 2


def test_an_answer_asked_for_again_and_again_outlives_more_changes_than_are_remembered() -> None:
    freshness, live, store = Freshness(), Live(version=1, _heard_since=1), StubStore(1)
    area = Area.of(MARCH, tile_over(MARSEILLE, 9))
    elsewhere = change_at(CENTRES["75056"])
    for version in range(2, 2 * REMEMBERED):
        found = version_of(freshness, area, live, store)
        assert found == 1
        live.hear(Change(version, elsewhere.cells, (), elsewhere.first_day, elsewhere.last_day))


def test_a_server_that_does_not_listen_asks_the_store() -> None:
    """Before the first word of the store every change may be one of the answer's."""
    freshness, store = Freshness(), StubStore(4)
    area = Area.of(MARCH, tile_over(MARSEILLE, 9))
    assert version_of(freshness, area, Live(), store) == 4
    store.now = 5
    assert version_of(freshness, area, Live(), store) == 5
    assert version_of(freshness, area, Live(), store) == 5


def test_only_so_many_answers_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dashboard_freshness, "REMEMBERED", 3)
    freshness, live, store = Freshness(), Live(version=1, _heard_since=1), StubStore(1)
    area = Area.of(MARCH, tile_over(MARSEILLE, 9))
    for key in "abcd":
        version_of(freshness, area, live, store, key)
    elsewhere = change_at(CENTRES["75056"])
    live.hear(Change(2, elsewhere.cells, (), elsewhere.first_day, elsewhere.last_day))
    assert version_of(freshness, area, live, store, "b") == 1
    assert version_of(freshness, area, live, store, "a") == 2, "the oldest was forgotten: made again, not taken for new"


# With a store


class Served(NamedTuple):
    """A store that hears of its changes, the routes over it, and how many facts it has."""

    context: Context
    client: TestClient
    numbers: Iterator[int]

    def load(self, rows: list[Row]) -> None:
        """A change, heard of."""
        store = self.context.store
        store.load(batch(f"lot {store.version()}"), [chunk(rows)])
        self.hear()

    def hear(self) -> None:
        live = self.context.live
        for change in asyncio.run(asyncio.wait_for(changes_since(self.context.store, live.version), PATIENCE_S)):
            live.hear(change)

    def tile(self, view: View, viewer: Viewer, tile: Tile) -> bytes:
        """As it is served, kept or new."""
        token = self.context.tokens.make(view, viewer)
        answer = self.client.get(f"/hex/hexagones/{tile.z}/{tile.x}/{tile.y}", params={"vue": token})
        assert answer.status_code == 200, answer.text
        return bytes(answer.content)

    def fresh(self, view: View, viewer: Viewer, tile: Tile) -> bytes:
        """As it is made from the store as it now is, by whoever remembers nothing."""
        return hexagon_tile(context_over(self.context.store), viewer, view, tile)


async def changes_since(store: Store, since: int) -> list[Change]:
    found: list[Change] = []
    async with aclosing(store.changes(ANYONE, since)) as followed:
        while not found or found[-1].version < store.version():
            found.append(await anext(followed))
    return found


def context_over(store: Store) -> Context:
    return Context(Settings(), store, geography(), ByteCache(2**24))


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    store = DuckDBStore.open(str(tmp_path_factory.mktemp("freshness") / "growing.duckdb"))
    store.set_memberships(geography().memberships())
    context = context_over(store)
    context.live.version = context.live._heard_since = store.version()
    yield Served(context, TestClient(Starlette(routes=HexTiles(context).routes())), itertools.count())
    store.close()


VIEWS = st.builds(
    View,
    territory=st.sampled_from(
        [None, None, Territory("commune", "13055"), Territory("departement", "83"), Territory("cross", "marseille")]
    ),
    start=st.integers(0, DAYS // 2).map(lambda day: FIRST_DAY + timedelta(days=day)),
    stop=st.integers(DAYS // 2 + 1, DAYS).map(lambda day: FIRST_DAY + timedelta(days=day)),
    families=st.sampled_from([frozenset(), frozenset({"incident"})]),
    measure=st.sampled_from(["incidents", "taux", "rendement", "kg"]),
    resolution=st.one_of(st.none(), st.integers(3, 10)),
)
VIEWERS = st.builds(
    Viewer,
    name=st.just("essai"),
    territories=st.sampled_from([None, None, frozenset({Territory("departement", "13")})]),
    threshold=st.sampled_from([0, 3]),
)
ASKED = st.tuples(
    VIEWS, VIEWERS, st.sampled_from(sorted(CENTRES)), st.integers(*TILE_ZOOMS), st.tuples(*[st.integers(-1, 1)] * 2)
)


def tile_near(place: str, z: int, aside: tuple[int, int]) -> Tile:
    tile = tile_over(CENTRES[place], z)
    return Tile(z, min(max(tile.x + aside[0], 0), 2**z - 1), min(max(tile.y + aside[1], 0), 2**z - 1))


@settings(max_examples=12, suppress_health_check=list(HealthCheck))
@given(
    asked=st.lists(ASKED, min_size=4, max_size=10),
    loads=st.lists(st.tuples(st.integers(0, 2**32), st.integers(1, 6)), min_size=1, max_size=4),
)
def test_kept_tiles_are_those_that_would_be_made_now(
    served: Served, asked: list[tuple[View, Viewer, str, int, tuple[int, int]]], loads: list[tuple[int, int]]
) -> None:
    """Whatever comes in, wherever one looks: a tile is never older than the store."""
    tiles = [(view, viewer, tile_near(place, z, aside)) for view, viewer, place, z, aside in asked]
    for tile in tiles:
        served.tile(*tile)
    for seed, number in loads:
        random = np.random.default_rng(seed)
        served.load([draw_event(random, next(served.numbers)) for _ in range(number)])
        for tile in tiles:
            assert served.tile(*tile) == served.fresh(*tile)


def facts(served: Served, place: str, number: int, day: date) -> list[Row]:
    lng, lat = CENTRES[place]
    where = {"commune": place, "departement": place[:2], "place_precision": "point", "longitude": lng, "latitude": lat}
    return [event(f"fait {next(served.numbers)}", day=day, **where) for _ in range(number)]


def test_a_tile_is_made_again_only_when_something_in_it_changed(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    view = View(None, date(2024, 5, 1), date(2024, 6, 1), measure="incidents")
    made = []
    real = hex_tiles.hexagon_tile
    monkeypatch.setattr(hex_tiles, "hexagon_tile", lambda *given: made.append(given[-1]) or real(*given))
    here, there = tile_over(MARSEILLE, 10), tile_over(CENTRES["75056"], 10)

    def counted() -> float:
        for tile in (here, there):
            served.tile(view, ANYONE, tile)
        _header, columns = decode(served.tile(view, ANYONE, here))
        return float(np.nansum(columns["values"]))

    served.load(facts(served, "13055", 2, date(2024, 5, 3)))
    assert (counted(), made) == (2, [here, there])
    served.load(facts(served, "13055", 3, date(2024, 7, 3)))  # of another month
    served.load(facts(served, "97105", 3, date(2024, 5, 3)))  # elsewhere
    assert (counted(), made) == (2, [here, there])
    served.load(facts(served, "13055", 3, date(2024, 5, 31)))
    assert (counted(), made) == (5, [here, there, here])
    served.context.store.set_memberships(geography().memberships()[:-1])
    served.hear()
    assert (counted(), made[3:]) == (5, [here, there])


def test_what_has_not_changed_is_not_sent_again(served: Served) -> None:
    """The tag of a tile is that of the version it was made with."""
    view = View(None, date(2024, 8, 1), date(2024, 9, 1), measure="incidents")
    here = tile_over(MARSEILLE, 10)
    address = f"/hex/hexagones/{here.z}/{here.x}/{here.y}"
    params = {"vue": served.context.tokens.make(view, ANYONE)}
    served.load(facts(served, "13055", 2, date(2024, 8, 3)))
    first = served.client.get(address, params=params)
    served.load(facts(served, "75056", 2, date(2024, 8, 3)))
    again = served.client.get(address, params=params, headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["hexacross-version"] == str(served.context.store.version())
    served.load(facts(served, "13055", 1, date(2024, 8, 3)))
    changed = served.client.get(address, params=params, headers={"If-None-Match": first.headers["etag"]})
    assert changed.status_code == 200
    assert changed.headers["etag"] != first.headers["etag"]


class AtVersion:
    """Totals of any class, which say with which version of the store they were read, and of which query they are."""

    def __init__(self, version: int) -> None:
        self.version = version

    def totals(self, query: Query) -> tuple[int, Query]:
        return self.version, query


class Counted:
    """A store that says how often its totals were asked for."""

    def __init__(self) -> None:
        self.asked, self.present = 0, 1

    def version(self) -> int:
        return self.present

    def totals_by_class(self, query: Query, _viewer: Viewer) -> AtVersion:
        assert not query.drugs, "what is kept is of every class"
        self.asked += 1
        return AtVersion(self.present)

    def sources(self, viewer: Viewer) -> tuple[str, int]:
        self.asked += 1
        if viewer.name == "personne":
            raise ForbiddenError("Non")
        return viewer.name, self.present


def test_totals_are_kept_until_a_change_touches_them() -> None:
    store = Counted()
    held = Context(Settings(), store, None, ByteCache(1))  # type: ignore[arg-type]  # what `totals` does not need
    march, viewer = Query(date(2026, 3, 1), date(2026, 4, 1)), Viewer("essai")
    held.live.version = held.live._heard_since = 1

    def asked(query: Query = march, viewer: Viewer = viewer) -> tuple[object, int]:
        version, answered = held.totals(query, viewer)  # type: ignore[misc]  # of `Counted`
        assert answered == query
        return version, store.asked

    assert asked() == (1, 1)
    assert asked(replace(march, drugs=frozenset({"cocaine"}))) == (1, 1)  # a filter asks the store nothing
    assert asked(replace(march, resolution=5)) == (1, 1)  # totals have no resolution
    assert asked(viewer=replace(viewer, threshold=5)) == (1, 2)
    store.present = 2  # a commit that was not heard of yet: what is kept may be older
    assert asked() == (2, 3)
    held.live.hear(Change(2, first_day=date(2026, 4, 2), last_day=date(2026, 4, 2)))
    assert asked() == (1, 3)  # of other days
    store.present = 3
    held.live.hear(Change(3, first_day=date(2026, 3, 31), last_day=date(2026, 3, 31)))
    assert asked() == (3, 4)
    assert asked() == (3, 4)


def test_answers_of_no_query_are_kept_until_anything_changes() -> None:
    store = Counted()
    held = Context(Settings(), store, None, ByteCache(1))  # type: ignore[arg-type]  # what `kept` does not need
    read = held.kept(held.store.sources)
    assert [read(Viewer("essai")), read(Viewer("essai")), store.asked] == [("essai", 1), ("essai", 1), 1]
    assert (read(Viewer("autre")), store.asked) == (("autre", 1), 2)
    store.present = 2
    assert (read(Viewer("essai")), store.asked) == (("essai", 2), 3)


def test_a_read_begun_ahead_is_waited_for_and_told() -> None:
    store = Counted()
    held = Context(Settings(), store, None, ByteCache(1))  # type: ignore[arg-type]  # what `ahead` does not need
    read = held.kept(held.store.sources)
    held.ahead(read, Viewer("essai"))
    assert (read(Viewer("essai")), store.asked) == (("essai", 1), 1)
    held.ahead(read, Viewer("personne"))
    with pytest.raises(ForbiddenError):
        read(Viewer("personne"))


def test_a_store_is_closed_once_what_was_begun_ahead_has_ended() -> None:
    done: list[str] = []

    class Closing(Counted):
        def close(self) -> None:
            done.append("closed")

    held = Context(Settings(), Closing(), None, ByteCache(1))  # type: ignore[arg-type]  # what `close` does not need
    begun = threading.Event()

    def read() -> None:
        begun.set()
        time.sleep(0.05)
        done.append("read")

    held.ahead(read)
    begun.wait()
    held.close()
    assert done == ["read", "closed"]
