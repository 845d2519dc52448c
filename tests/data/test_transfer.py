"""Verification finds what is wrong; a copy brings everything, either way."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from data.duckdb_store import DuckDBStore
from data.errors import StoreError
from data.query import Viewer
from data.schema import REFUSAL_SCHEMA
from data.store import Chunk
from data.transfer import Transferable, copy_store
from data.verify import SUMMARY_NAME
from tests.data.contract import (
    batch,
    chunk,
    draw_event,
    draw_query,
    draw_viewer,
    indicator,
    indicator_chunk,
    memberships,
    table,
)
from tests.data.test_two_stores import compare_counts, compare_rows
from tests.postgres import open_new_store

NATIONAL = Viewer("national")
TWICE = "Chaque identifiant une seule fois"
DAILY = "Comptes par jour égaux aux faits"
MADE: dict[str, Callable[[Path], Transferable]] = {
    "duckdb": lambda folder: DuckDBStore.open(str(folder / "base.duckdb")),
    "postgis": lambda _: open_new_store(),
}


def fill(store: Transferable) -> None:
    """Three loads with facts, repeated and contradictory ones, figures and refused lines."""
    random = np.random.default_rng(9)
    store.set_memberships(memberships())
    rows = [draw_event(random, n) for n in range(300)]
    again = [*rows[:10], *(draw_event(random, n) for n in range(290, 320))]
    refusals = pa.Table.from_pylist(
        [{"line": 41, "field": "kind", "given": "x ; y", "reason": "« {given} »", "expected": ""}] * 2,
        schema=REFUSAL_SCHEMA,
    )
    store.load(batch("un"), [chunk(rows)])
    store.load(batch("deux"), [Chunk(41, table(again), refusals=refusals)])
    store.load(batch("trois"), [indicator_chunk([indicator("13", 2023, None), indicator("83", 2023, 7.5)])])


@pytest.fixture(params=list(MADE))
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Transferable]:
    made = MADE[request.param](tmp_path)
    fill(made)
    yield made
    made.close()


def test_a_store_that_was_only_loaded_is_right(store: Transferable) -> None:
    checks = store.verify()
    assert len(checks) >= 5
    assert {check.wrong for check in checks} == {0}


@pytest.mark.parametrize(
    ("damage", "found"),
    [
        ("UPDATE rollup SET incidents = incidents + 1 WHERE place = 1", DAILY),
        ("UPDATE rollup SET micrograms = 1 WHERE micrograms IS NULL", DAILY),
        ("DELETE FROM {summary} WHERE cell = (SELECT max(cell) FROM {summary})", SUMMARY_NAME),
        ("UPDATE tallies SET last_day = last_day + 1", "Faits par source égaux aux faits"),
        ("UPDATE batches SET accepted = accepted - 1, refused = refused + 1", "Lignes acceptées de chaque chargement"),
        ("DELETE FROM events WHERE place = 1", DAILY),
        ("INSERT INTO events ({columns}) SELECT {columns} FROM events WHERE line < 3", TWICE),
    ],
)  # fmt: skip
def test_what_is_wrong_is_found(store: Transferable, damage: str, found: str) -> None:
    columns = "batch, line, class, place, origin, event_id, day, occurred_at"
    summary = "hexagon_days"
    if isinstance(store, DuckDBStore):
        columns += ", key, named"
        summary = "hexagon_spans"
    with store._writing() if isinstance(store, DuckDBStore) else writing_of(store) as cursor:
        cursor.execute(damage.format(columns=columns, summary=summary))
    assert found in {check.name for check in store.verify() if check.wrong}


def writing_of(store: Transferable):  # type: ignore[no-untyped-def]
    from data.postgis_connection import writing

    return writing(store._pool, store._url)  # type: ignore[attr-defined]


@pytest.mark.parametrize("target_kind", list(MADE))
def test_a_copy_brings_everything(
    store: Transferable, target_kind: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    target = MADE[target_kind](tmp_path_factory.mktemp("target"))
    steps: list[tuple[int, int | None]] = []
    copy_store(store, target, lambda done, total: steps.append((done, total)))
    assert steps == [(1, 3), (2, 3), (3, 3)]
    assert target.batches(NATIONAL) == store.batches(NATIONAL)
    assert target.batches(NATIONAL)[1].repeated == 10
    for name in ("un", "deux"):
        assert target.quarantine(NATIONAL, name) == store.quarantine(NATIONAL, name)
    random = np.random.default_rng(2)
    for _ in range(10):
        query, viewer = draw_query(random), draw_viewer(random)
        compare_counts(store, target, query, viewer)
        compare_rows(store, target, query, viewer)
    # The copy knows what it holds: the same file again brings nothing.
    assert target.load(batch("un"), []).already_loaded
    with pytest.raises(StoreError, match="vide"):
        copy_store(store, target)
    target.close()


def test_a_copy_that_loses_lines_is_refused(store: Transferable, tmp_path: Path) -> None:
    target = DuckDBStore.open(str(tmp_path / "cible.duckdb"))

    class Leaking:
        def __getattr__(self, name: str) -> object:
            return getattr(store, name)

        def contents(self, batch_id: str) -> Iterator[Chunk]:
            for part in store.contents(batch_id):
                if part.events is not None and part.event_lines is not None:
                    yield Chunk(0, part.events.slice(1), event_lines=part.event_lines[1:])
                else:
                    yield part

    with pytest.raises(StoreError, match="entier"):
        copy_store(Leaking(), target)  # type: ignore[arg-type]
    target.close()
