"""What a live feed adds to a store: the same facts as loads would, one growing ledger, every line accounted for."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from data.duckdb_store import DuckDBStore
from data.errors import StoreError
from data.query import Box, Query, Territory, Viewer
from data.schema import REFUSAL_SCHEMA
from data.store import Arrival, Chunk
from data.transfer import Transferable, copy_store
from tests.data.contract import (
    CENTRES,
    DAYS,
    FIRST_DAY,
    STORES,
    Reference,
    batch,
    chunk,
    draw_event,
    draw_query,
    draw_viewer,
    event,
    indicator,
    indicator_chunk,
    memberships,
    table,
)

NATIONAL = Viewer("national")
EVERYTHING = Query(FIRST_DAY, FIRST_DAY + timedelta(days=DAYS))
DAY, OTHER = batch("direct", reader="live"), batch("autre", reader="live", source="autre")


@pytest.fixture(params=list(STORES))
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Transferable]:
    opened: Any = STORES[request.param](tmp_path)
    opened.set_memberships(memberships())
    yield opened
    opened.close()


def assert_sound(store: Transferable) -> None:
    assert {check.name: check.wrong for check in store.verify() if check.wrong} == {}
    for ledger in store.batches(NATIONAL):
        assert ledger.accepted + ledger.repeated + ledger.refused == ledger.lines


@pytest.mark.parametrize("seed", range(3))
def test_loads_and_arrivals_in_any_order_make_the_same_store(store: Transferable, seed: int) -> None:
    """Files and arrivals, new, repeated and contradictory facts, drawn: counted as the plain reference counts."""
    random = np.random.default_rng(seed)
    reference, arrived = Reference(), {"direct": [0, 0, 0], "autre": [0, 0, 0]}
    for number in range(12):
        first = 60 * number - int(random.integers(0, 30)) * (number > 0)
        rows = [draw_event(random, first + n) for n in range(60)]
        again = [known for known in list(reference.facts.values())[-20:] if random.random() < 0.5]
        rows = [*rows, *again, *rows[:5]]
        if random.random() < 0.3:
            ledger = store.load(batch(f"lot{number}"), [chunk(rows)])
            assert (ledger.accepted, ledger.repeated, ledger.refused) == reference.load(rows)
            continue
        cuts = sorted(int(cut) for cut in random.integers(0, len(rows), size=2))
        parts = [rows[: cuts[0]], rows[cuts[0] : cuts[1]], rows[cuts[1] :]]
        days = [DAY if random.random() < 0.5 else OTHER for _ in parts]
        outcomes = store.append([Arrival(day, chunk(part)) for day, part in zip(days, parts, strict=True)])
        for day, part, outcome in zip(days, parts, outcomes, strict=True):
            accepted, repeated, refused = reference.load(part)
            assert (len(outcome.repeated), outcome.refusals.num_rows) == (repeated, refused)
            arrived[day.batch_id] = [
                a + b for a, b in zip(arrived[day.batch_id], (accepted, repeated, refused), strict=True)
            ]
    for ledger in store.batches(NATIONAL):
        if ledger.reader == "live":
            assert [ledger.accepted, ledger.repeated, ledger.refused] == arrived[ledger.batch_id]
    for _ in range(15):
        query, viewer = draw_query(random), draw_viewer(random)
        answer, expected = store.counts_by_cell(query, viewer), reference.by_cell(query, viewer)
        assert answer.cells.tolist() == sorted(expected)
        shown = [None if few else n for few, n in zip(answer.protected, answer.incidents, strict=True)]
        seen = [expected[cell].seen_by(viewer) for cell in sorted(expected)]
        assert shown == [None if figures is None else figures[0] for figures in seen]
        assert store.events(query, viewer, limit=10_000).num_rows == len(reference.chosen(query, viewer))
    assert_sound(store)


def test_each_line_is_told_what_became_of_it(store: Transferable) -> None:
    store.load(batch("lot"), [chunk([event(1)])])
    rows = [event(1), event(2), event(2, drug="cocaine"), event(3), event(3)]
    validated = pa.Table.from_pylist(
        [{"line": 4, "field": "drug", "given": "=1", "reason": "Valeur {given}", "expected": "cocaine"}],
        schema=REFUSAL_SCHEMA,
    )
    brought = Chunk(6, events=table(rows), event_lines=np.array([1, 2, 3, 5, 6]), refusals=validated, identical=1)
    [outcome] = store.append([Arrival(DAY, brought)])
    assert outcome.repeated.tolist() == [1, 6]
    [refusal] = outcome.refusals.to_pylist()
    assert (refusal["line"], refusal["given"], refusal["expected"]) == (3, "essai:2", "drug")
    ledger = outcome.ledger
    assert (ledger.lines, ledger.accepted, ledger.repeated, ledger.refused, ledger.identical) == (6, 2, 2, 2, 1)
    assert store.quarantine(NATIONAL, "direct").column("line").to_pylist() == [3, 4]
    [again] = store.append([Arrival(DAY, chunk([event(1, checked=3), event(4)]))])
    assert again.refusals.column("line").to_pylist() == [1]
    assert store.quarantine(NATIONAL, "direct").column("line").to_pylist() == [3, 4, 7]
    assert (again.ledger.lines, again.ledger.accepted) == (8, 3)
    assert_sound(store)


def test_a_feeds_day_is_one_batch_that_grows(store: Transferable) -> None:
    versions = [store.version()]
    for number in range(5):
        day = FIRST_DAY + timedelta(days=9 - number)
        [outcome] = store.append([Arrival(DAY, chunk([event(number, day=day)]))])
        versions.append(store.version())
        assert (outcome.ledger.first_day, outcome.ledger.last_day) == (day, FIRST_DAY + timedelta(days=9))
    assert versions == sorted(set(versions))
    [ledger] = store.batches(NATIONAL)
    assert ledger == outcome.ledger
    assert (ledger.lines, ledger.accepted, ledger.source, ledger.reader) == (5, 5, "essai", "live")
    [source] = store.sources(NATIONAL)
    assert (source.events, source.first_day, source.last_day) == (5, ledger.first_day, ledger.last_day)
    assert source.loaded_at == ledger.loaded_at


def test_the_same_arrival_again_is_repeated_whole(store: Transferable) -> None:
    random = np.random.default_rng(2)
    rows = [draw_event(random, n) for n in range(50)]
    store.append([Arrival(DAY, chunk(rows))])
    [outcome] = store.append([Arrival(OTHER, chunk(rows))])
    assert outcome.repeated.tolist() == list(range(1, 51))
    assert (outcome.ledger.accepted, outcome.ledger.first_day) == (0, None)
    assert_sound(store)


def test_an_arrival_without_any_fact_still_counts_its_lines(store: Transferable) -> None:
    validated = pa.Table.from_pylist(
        [{"line": 1, "field": "", "given": "\x00<b>", "reason": "Illisible", "expected": "x"}], schema=REFUSAL_SCHEMA
    )
    [outcome] = store.append([Arrival(DAY, Chunk(1, refusals=validated))])
    assert (outcome.ledger.lines, outcome.ledger.refused) == (1, 1)
    assert store.quarantine(NATIONAL, "direct").num_rows == 1


def test_a_group_that_does_not_add_up_leaves_nothing(store: Transferable) -> None:
    before = store.version()
    with pytest.raises(StoreError, match="Comptes faux"):
        store.append([Arrival(OTHER, chunk([event(1)])), Arrival(DAY, Chunk(3, events=table([event(2)])))])
    assert (store.version(), store.batches(NATIONAL), store.period(NATIONAL)) == (before, [], None)
    [outcome] = store.append([Arrival(DAY, chunk([event(1), event(2)]))])
    assert outcome.ledger.accepted == 2
    assert_sound(store)


def test_a_feed_brings_events_only(store: Transferable) -> None:
    with pytest.raises(ValueError, match="events only"):
        store.append([Arrival(DAY, indicator_chunk([indicator("13", 2023, 4.0)]))])


def test_new_places_join_their_territories(store: Transferable) -> None:
    toulon = Territory("cross", "toulon")
    for number, commune in enumerate(("13055", "83137", "13028", "83137")):
        store.append([Arrival(DAY, chunk([event(number, commune=commune, departement=commune[:2])]))])
    assert store.totals(replace(EVERYTHING, territory=toulon), NATIONAL).incidents == 3
    assert store.totals(EVERYTHING, Viewer("v", territories=frozenset({toulon}))).incidents == 3


def test_many_threads_append_and_load_at_once(store: Transferable) -> None:
    """Six threads whose facts overlap: each fact once, every line accounted for."""
    random = np.random.default_rng(8)
    rows = [draw_event(random, n) for n in range(300)]
    failures: list[BaseException] = []

    def feed(number: int) -> None:
        try:
            for start in range(0, 100, 20):
                part = rows[40 * number + start : 40 * number + start + 20]
                if number == 5:
                    store.load(batch(f"lot{start}"), [chunk(part)])
                else:
                    store.append([Arrival(DAY if number % 2 else OTHER, chunk(part))])
        except BaseException as error:  # noqa: BLE001 -- raised again below, in the test's own thread
            failures.append(error)

    threads = [threading.Thread(target=feed, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    ledgers = store.batches(NATIONAL)
    assert sum(ledger.accepted for ledger in ledgers) == 300
    assert sum(ledger.lines for ledger in ledgers) == 600
    assert_sound(store)


def test_a_copy_holds_what_feeds_brought_and_may_go_on(store: Transferable, tmp_path: Path) -> None:
    random = np.random.default_rng(4)
    rows = [draw_event(random, n) for n in range(120)]
    store.load(batch("lot"), [chunk(rows[:40])])
    for start in range(20, 120, 20):
        store.append([Arrival(DAY, chunk(rows[start : start + 20]))])
    target = DuckDBStore.open(str(tmp_path / "copie.duckdb"))
    copy_store(store, target)
    [outcome] = target.append([Arrival(DAY, chunk([*rows[100:], event("neuf")]))])
    assert (outcome.ledger.lines, outcome.ledger.accepted, outcome.ledger.repeated) == (121, 81, 40)
    assert_sound(target)
    target.close()


# The embedded store


def test_quiet_moments_put_the_embedded_store_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("data.duckdb_live.UNSORTED_ROWS", 400)
    made = DuckDBStore.open(str(tmp_path / "ordre.duckdb"))
    made.set_memberships(memberships())
    random = np.random.default_rng(6)
    made.load(batch("lot"), [chunk([draw_event(random, n) for n in range(10)])])

    def unsorted() -> int:
        with made._reading() as cursor:
            row = cursor.execute("SELECT count(*) - any_value(sorted_rows) FROM rollup, meta").fetchall()[0]
        return int(row[0])

    for start in range(100, 400, 100):
        made.append([Arrival(DAY, chunk([draw_event(random, start + n) for n in range(90)]))])
        made.tidy(quiet=False)
    assert unsorted() == 270  # busy: bearable up to 400
    before = made.counts_by_cell(replace(EVERYTHING, resolution=6), NATIONAL)
    made.tidy(quiet=True)
    assert unsorted() == 0
    after = made.counts_by_cell(replace(EVERYTHING, resolution=6), NATIONAL)
    assert (after.cells.tolist(), after.incidents.tolist()) == (before.cells.tolist(), before.incidents.tolist())
    made.append([Arrival(DAY, chunk([draw_event(random, 1000 + n) for n in range(500)]))])
    made.tidy(quiet=False)
    assert unsorted() == 0
    assert_sound(made)
    made.close()


def test_what_a_load_brings_during_a_feed_is_known(tmp_path: Path) -> None:
    made = DuckDBStore.open(str(tmp_path / "cles.duckdb"))
    made.append([Arrival(DAY, chunk([event(1)]))])
    made.load(batch("lot"), [chunk([event(2, day=date(2025, 2, 1))])])
    [outcome] = made.append([Arrival(DAY, chunk([event(1), event(2), event(3)]))])
    assert (outcome.repeated.tolist(), outcome.refusals.column("line").to_pylist()) == ([1], [2])
    made.close()


def test_a_rectangle_shows_what_a_feed_brings_where_nothing_was(store: Transferable) -> None:
    """The zones with facts near a rectangle are remembered: an append must reach that memory, whoever asks."""
    random = np.random.default_rng(3)
    reference = Reference()
    boxes = [Box(lng - 0.1, lat - 0.1, lng + 0.1, lat + 0.1) for lng, lat in CENTRES.values()]
    viewers = [NATIONAL, *(draw_viewer(random) for _ in range(2))]
    queries = [
        replace(EVERYTHING, box=box, resolution=resolution, kinds=kinds)
        for box in boxes
        for resolution in (7, 10)
        for kinds in (frozenset(), frozenset({"trafficking"}))
    ]
    for number in range(6):
        rows = [draw_event(random, 4 * number + n) for n in range(4)]
        reference.load(rows)
        store.append([Arrival(DAY, chunk(rows))])
        for viewer in viewers:
            for query in queries:
                found = store.counts_by_cell(query, viewer)
                assert found.cells.tolist() == sorted(reference.by_cell(query, viewer))
