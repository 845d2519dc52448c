"""What changed, told to whoever follows: exactly what was loaded, once, in order, also after an absence."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine, Iterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb
import h3.api.basic_int as h3
import numpy as np
import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from data import changes as data_changes
from data.duckdb_store import DuckDBStore
from data.errors import StoreError
from data.postgis_store import PostgisStore
from data.private_cluster import ADMINISTRATOR
from data.query import Territory, Viewer
from data.store import CHANGE_RESOLUTION, Change, Store
from tests.data.contract import (
    FIRST_DAY,
    STORES,
    TERRITORIES,
    Reference,
    Row,
    batch,
    chunk,
    draw_event,
    event,
    indicator,
    indicator_chunk,
    memberships,
)
from tests.postgres import cluster, open_new_store

NATIONAL = Viewer("national")
MARSEILLE = Viewer("cheffe de Marseille", "cross", frozenset({Territory("cross", "marseille")}))
TOULON = Viewer("chef de Toulon", "cross", frozenset({Territory("cross", "toulon")}))
PATIENCE_S = 30


@pytest.fixture(params=list(STORES))
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    opened = STORES[request.param](tmp_path)
    opened.set_memberships(memberships())
    yield opened
    opened.close()


@pytest.fixture
def server() -> Iterator[PostgisStore]:
    opened = open_new_store()
    opened.set_memberships(memberships())
    yield opened
    opened.close()


@pytest.fixture(scope="module", params=list(STORES))
def growing(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Store, Reference]]:
    """A store that the examples of one test load on and on, and what it should know."""
    opened = STORES[request.param](tmp_path_factory.mktemp("growing"))
    opened.set_memberships(memberships())
    yield opened, Reference()
    opened.close()


def run(made: Coroutine[Any, Any, Any]) -> Any:
    """Run in a loop of its own; a change that does not come is an error, not a wait for ever."""
    return asyncio.run(asyncio.wait_for(made, PATIENCE_S))


async def some(store: Store, viewer: Viewer, number: int, since: int | None) -> list[Change]:
    async with aclosing(store.changes(viewer, since)) as followed:
        return [await anext(followed) for _ in range(number)]


def all_changes(store: Store, viewer: Viewer, since: int) -> list[Change]:
    """What was changed after a version, up to a change of everything that ends it."""
    store.load(batch(f"fin {store.version()}"), [indicator_chunk([indicator("13", 1900 + store.version(), 1.0)])])
    found: list[Change] = []

    async def read() -> None:
        async with aclosing(store.changes(viewer, since)) as followed:
            async for change in followed:
                if change.version == store.version():
                    return
                found.append(change)

    run(read())
    return found


def seized(identifier: int | str, commune: str = "13055", **given: Any) -> Row:
    """A fact at a point of Marseille, or of Toulon."""
    lng, lat = {"13055": (5.37, 43.3), "83137": (5.93, 43.12)}[commune]
    place = {"commune": commune, "departement": commune[:2], "place_precision": "point"}
    return event(identifier, longitude=lng, latitude=lat, **place, **given)


def parents_of(rows: list[Row]) -> set[int]:
    return {h3.cell_to_parent(row["cell"], CHANGE_RESOLUTION) for row in rows if row["cell"] is not None}


def territories_of(reference: Reference, rows: list[Row]) -> set[Territory]:
    return {territory for territory in TERRITORIES if any(reference.inside(row, territory) for row in rows)}


# Each load is a seed and the identifiers of its facts, which may have been loaded before.
LOADS = st.lists(
    st.tuples(st.integers(0, 2**32 - 1), st.lists(st.integers(0, 300), min_size=0, max_size=8)), min_size=1, max_size=4
)
VIEWERS = st.sampled_from([NATIONAL, MARSEILLE, TOULON, replace(NATIONAL, territories=frozenset())])


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(loads=LOADS, viewer=VIEWERS)
def test_changes_name_exactly_what_was_loaded(
    growing: tuple[Store, Reference], loads: list[tuple[int, list[int]]], viewer: Viewer
) -> None:
    """Of any loads, repeated and contradictory facts among them: the parents, territories and days of what was new."""
    store, reference = growing
    since, expected = store.version(), []
    for seed, identifiers in loads:
        random = np.random.default_rng(seed)
        rows = [draw_event(random, identifier) for identifier in identifiers]
        known = set(reference.facts)
        reference.load(rows)
        new = [fact for name, fact in reference.facts.items() if name not in known]
        store.load(batch(f"lot {store.version()}"), [chunk(rows)])
        mine = [fact for fact in reference.seen(viewer) if any(fact is fresh for fresh in new)]
        if mine or viewer.territories is None:
            expected.append((store.version(), mine))
    found = all_changes(store, viewer, since)
    assert [change.version for change in found] == [version for version, _ in expected]
    for change, (_, facts) in zip(found, expected, strict=True):
        days = [fact["day"] for fact in facts]
        assert set(change.cells) == parents_of(facts)
        assert set(change.territories) == territories_of(reference, facts)
        assert (change.first_day, change.last_day) == (min(days, default=None), max(days, default=None))
        assert not change.everything
        assert not change.figures


def test_each_listener_hears_each_load_once_and_in_order(store: Store) -> None:
    """Four threads load while three listen, one of them slowly, one from halfway on."""
    first = store.version()

    async def listen(pause_s: float, behind: int = 0) -> list[int]:
        versions = []
        while store.version() < first + behind:
            await asyncio.sleep(0.01)
        async with aclosing(store.changes(NATIONAL, first + behind)) as followed:
            async for change in followed:
                versions.append(change.version)
                await asyncio.sleep(pause_s)
                if change.version == first + 12:
                    break
        return versions

    def load(thread: int) -> None:
        for number in range(3):
            store.load(batch(f"lot {thread} {number}"), [chunk([seized(f"{thread} {number}")])])

    async def everybody() -> list[list[int]]:
        threads = [asyncio.to_thread(load, number) for number in range(4)]
        listeners = [listen(0), listen(0.05), listen(0, behind=6)]
        return (await asyncio.gather(*listeners, *threads))[:3]  # type: ignore[return-value]  # of the listeners

    versions = list(range(first + 1, first + 13))
    assert run(everybody()) == [versions, versions, versions[6:]]


def test_a_chief_hears_nothing_of_elsewhere(store: Store) -> None:
    since = store.version()
    store.load(batch("ailleurs"), [chunk([seized(1, "83137")])])
    store.load(batch("partout"), [chunk([seized(2, "83137"), seized(3, day=FIRST_DAY + timedelta(days=3))])])
    (heard,) = all_changes(store, MARSEILLE, since)
    assert heard.version == since + 2
    assert set(heard.cells) == parents_of([seized(0)])
    assert Territory("departement", "83") not in heard.territories
    assert Territory("cross", "marseille") in heard.territories
    assert heard.first_day == heard.last_day == FIRST_DAY + timedelta(days=3)


def test_who_sees_protected_counts_is_not_told_where_one_fact_lies(store: Store) -> None:
    since = store.version()
    store.load(batch("un"), [chunk([seized(1, "83137")])])
    assert all_changes(store, replace(NATIONAL, threshold=5), since) == [Change(since + 1, everything=True)]
    assert all_changes(store, replace(MARSEILLE, threshold=5), since)[0].version > since + 1  # figures: for all


def test_territories_that_change_change_everything(store: Store) -> None:
    since = store.version()
    store.set_memberships([made for made in memberships() if made.kind != "urban_unit"])
    assert run(some(store, TOULON, 1, since)) == [Change(since + 1, everything=True)]


def test_figures_are_told_to_all(store: Store) -> None:
    since = store.version()
    store.load(batch("chiffres"), [indicator_chunk([indicator("13", 2023, 5.0)])])
    assert run(some(store, TOULON, 1, since)) == [Change(since + 1, figures=True)]


def test_a_load_of_too_many_places_is_everything(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data_changes, "MOST_PLACES", 1)
    since = store.version()
    store.load(batch("un"), [chunk([seized(1), seized(2)])])
    store.load(batch("deux"), [chunk([seized(3), seized(4, "83137")])])
    store.load(batch("trois"), [chunk([seized(4, "83137")])])  # repeated: nothing new
    places, everything, nothing = run(some(store, NATIONAL, 3, since))
    assert set(places.cells) == parents_of([seized(0)])
    assert everything == Change(since + 2, everything=True)
    assert nothing == Change(since + 3)


def test_an_absence_longer_than_memory_is_everything(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data_changes, "KEPT_VERSIONS", 3)
    monkeypatch.setattr(data_changes, "REMOVED_EVERY", 1)
    since = store.version()
    for number in range(5):
        store.load(batch(f"lot {number}"), [chunk([seized(number)])])
    assert run(some(store, TOULON, 1, since)) == [Change(since + 5, everything=True)]
    kept = run(some(store, NATIONAL, 3, since + 2))
    assert [(change.version, change.everything) for change in kept] == [(since + n, False) for n in (3, 4, 5)]


def test_a_store_put_back_to_an_earlier_state_is_everything(store: Store) -> None:
    assert run(some(store, NATIONAL, 1, store.version() + 10)) == [Change(store.version(), everything=True)]


def test_a_load_that_fails_is_not_told(store: Store) -> None:
    since = store.version()

    def cut_short() -> Iterator[Any]:
        yield chunk([seized(1)])
        raise OSError

    with pytest.raises(OSError):  # noqa: PT011 -- the very one raised above
        store.load(batch("un"), cut_short())
    assert all_changes(store, NATIONAL, since) == []


def test_following_ends_when_the_store_is_closed(store: Store) -> None:
    async def follow() -> list[Change]:
        followed = store.changes(NATIONAL)
        waiting = asyncio.ensure_future(_rest(followed))
        await asyncio.sleep(0.3)
        await asyncio.to_thread(store.close)
        return await waiting

    assert run(follow()) == []


async def _rest(followed: AsyncGenerator[Change, None]) -> list[Change]:
    return [change async for change in followed]


def test_cancelled_it_leaves_nothing_behind(store: Store) -> None:
    async def follow() -> None:
        tasks = [asyncio.ensure_future(_rest(store.changes(NATIONAL))) for _ in range(5)]
        await asyncio.sleep(0.5)
        for task in tasks:
            task.cancel()
        assert all(
            isinstance(end, asyncio.CancelledError) for end in await asyncio.gather(*tasks, return_exceptions=True)
        )
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(follow())
    assert not store._wakeups._listeners  # type: ignore[attr-defined]  # of both stores
    if isinstance(store, PostgisStore):
        wait_for(lambda: listeners_of(store) == [])


def test_a_lost_wakeup_costs_a_heartbeat_and_no_change(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data_changes, "HEARTBEAT_S", 0.1)
    monkeypatch.setattr(data_changes.Wakeups, "tell", lambda _: None)

    @asynccontextmanager
    async def deaf(_: object, woken: object = None) -> AsyncIterator[Callable[[], None]]:
        yield lambda: None

    monkeypatch.setattr("data.postgis_store.listening", deaf)

    async def follow() -> Change:
        async with aclosing(store.changes(NATIONAL, store.version())) as followed:
            awaited = asyncio.ensure_future(anext(followed))
            await asyncio.sleep(0.3)
            await asyncio.to_thread(store.load, batch("un"), [chunk([seized(1)])])
            return await awaited

    assert set(run(follow()).cells) == parents_of([seized(1)])


def test_a_file_from_before_is_followed_too(tmp_path: Path) -> None:
    path = tmp_path / "base.duckdb"
    store = DuckDBStore.open(str(path))
    store.load(batch("un"), [chunk([seized(1)])])
    store.close()
    with duckdb.connect(str(path)) as connection:
        connection.execute("DROP TABLE changes")
        connection.execute("DROP TABLE changed_places")
    again = DuckDBStore.open(str(path))
    again.load(batch("deux"), [chunk([seized(2)])])
    assert run(some(again, NATIONAL, 1, 0)) == [Change(2, everything=True)]
    assert [change.everything for change in run(some(again, NATIONAL, 1, 1))] == [False]
    again.close()


# A server that goes away


def listeners_of(store: PostgisStore) -> list[int]:
    """The server's processes that listen for this store."""
    with administrator() as connection:
        rows = connection.execute(
            "SELECT pid FROM pg_stat_activity WHERE datname = %s AND query LIKE 'LISTEN%%'",
            (psycopg.conninfo.conninfo_to_dict(store._url)["dbname"],),
        ).fetchall()
    return [pid for (pid,) in rows]


def administrator() -> psycopg.Connection[tuple[Any, ...]]:
    return psycopg.connect(cluster().url("postgres", ADMINISTRATOR), autocommit=True)


def wait_for(condition: Callable[[], bool]) -> None:
    ticking = threading.Event()
    for _ in range(100):
        if condition():
            return
        ticking.wait(0.1)
    pytest.fail("it did not come about")


def load_when_back(store: PostgisStore, name: str, rows: list[Row]) -> None:
    """Load as a program does that tries again until the server is there."""
    ticking = threading.Event()
    for _ in range(100):
        try:
            store.load(batch(name), [chunk(rows)])
        except StoreError:
            ticking.wait(0.1)
        else:
            return
    pytest.fail("the server did not come back")


def test_a_restart_of_the_server_costs_no_change(server: PostgisStore) -> None:
    """Stopped as a crash would, twice, between loads: each load once, in order; its absence and return are told."""
    reports: list[StoreError | None] = []

    async def follow() -> list[Change]:
        heard = []
        async with aclosing(server.changes(NATIONAL, server.version(), reports.append)) as followed:
            for number in range(3):
                await asyncio.to_thread(load_when_back, server, f"lot {number}", [seized(number)])
                if number < 2:
                    heard.append(await anext(followed))
                    await asyncio.to_thread(cluster().stop, "immediate")
                    awaited = asyncio.ensure_future(anext(followed))
                    while not reports or reports[-1] is None:
                        await asyncio.sleep(0.01)
                    awaited.add_done_callback(lambda done: heard.append(done.result()))
                    await asyncio.to_thread(cluster().start, durable=False)
                    await asyncio.to_thread(load_when_back, server, f"retour {number}", [seized(f"retour {number}")])
                    await awaited
            heard.append(await anext(followed))
        return heard

    since = server.version()
    try:
        heard = run(follow())
    finally:
        if not cluster().is_running():
            cluster().start(durable=False)
    assert [change.version for change in heard] == list(range(since + 1, since + 6))
    assert not any(change.everything for change in heard)
    assert [error is None for error in reports] == [True, False, True, False, True]
    assert "injoignable" in str(reports[1]) or "arrêt" in str(reports[1])


def test_a_connection_that_the_server_cuts_costs_no_change(server: PostgisStore) -> None:
    async def follow() -> list[int]:
        versions: list[int] = []
        async with aclosing(server.changes(NATIONAL, server.version())) as followed:
            for number in range(4):
                await asyncio.to_thread(server.load, batch(f"lot {number}"), [chunk([seized(number)])])
                if number:
                    await asyncio.to_thread(cut)
                versions.append((await anext(followed)).version)
        return versions

    def cut() -> None:
        pids = listeners_of(server)
        with administrator() as connection:
            for pid in pids:
                connection.execute("SELECT pg_terminate_backend(%s)", (pid,))

    since = server.version()
    assert run(follow()) == [since + n for n in (1, 2, 3, 4)]


def test_another_program_s_load_is_heard_at_once(server: PostgisStore) -> None:
    """Well before the heartbeat: the server's own notification came through."""
    other = PostgisStore.open(server._url)

    async def follow() -> Change:
        async with aclosing(server.changes(NATIONAL)) as followed:
            awaited = asyncio.ensure_future(anext(followed))
            await asyncio.sleep(0.5)
            await asyncio.to_thread(other.load, batch("un"), [chunk([seized(1)])])
            return await asyncio.wait_for(awaited, data_changes.HEARTBEAT_S / 2)

    assert set(run(follow()).cells) == parents_of([seized(1)])
    other.close()
