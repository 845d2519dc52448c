"""A filter asks the store nothing once its period was read, and answers what the store would."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import fields, replace
from datetime import date
from typing import Any

import numpy as np
import pytest

from dashboard.cache import ByteCache
from dashboard.context import Context
from dashboard.narrowed import MOST_TERRITORIES, counts_by_code, counts_by_mode, counts_by_territory, is_numerous
from dashboard.settings import Settings
from data.demo import load_demo
from data.geography import geography
from data.opening import open_store
from data.query import Query, Viewer
from data.store import Totals

MONTHS = Query(date(2026, 3, 1), date(2026, 6, 1), resolution=6)
COCAINE = replace(MONTHS, drugs=frozenset({"cocaine"}))
SEIZED = replace(MONTHS, kinds=frozenset({"seizure"}), modes=frozenset({"road", "sea"}), resolution=7)


class Counting:
    """A store, and which counts were read from it."""

    def __init__(self, store: Any) -> None:
        self._store = store
        self.read: list[str] = []

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._store, name)
        if not name.startswith(("counts_by", "totals")):
            return found

        @functools.wraps(found)
        def reading(*args: Any) -> Any:
            self.read.append(name)
            return found(*args)

        return reading


@pytest.fixture(scope="module")
def held(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Context]:
    store = open_store(str(tmp_path_factory.mktemp("narrowed") / "demo.duckdb"))
    load_demo(store, 4_000, until=date(2026, 6, 1))
    yield Context(Settings(), store, geography(), ByteCache(2**20))
    store.close()


@pytest.mark.parametrize("threshold", [0, 5])
def test_a_filter_answers_as_the_store_and_asks_it_nothing(held: Context, threshold: int) -> None:
    counting, viewer = Counting(held.store), Viewer("local", threshold=threshold)
    narrowed = replace(held, store=counting)
    for query in (MONTHS, COCAINE, SEIZED):
        ours = counts_by_territory(narrowed)("antenna", query, viewer)
        theirs = held.store.counts_by_territory("antenna", query, viewer)
        assert ours.codes == theirs.codes
        np.testing.assert_array_equal(ours.incidents, theirs.incidents)
        np.testing.assert_array_equal(ours.protected, theirs.protected)
        by_mode = counts_by_mode(narrowed)("antenna", query, viewer)
        np.testing.assert_array_equal(by_mode.controls, held.store.counts_by_mode("antenna", query, viewer).controls)
        assert list(counts_by_code(narrowed)("drug", "antenna", query, viewer)) == list(
            held.store.counts_by_code("drug", "antenna", query, viewer)
        )
    assert counting.read == ["counts_by_class"]


@pytest.mark.parametrize("threshold", [0, 5])
def test_figures_beside_the_map_follow_a_filter_without_the_store(held: Context, threshold: int) -> None:
    counting, viewer = Counting(held.store), Viewer("local", threshold=threshold)
    filtered = replace(held, store=counting)
    for query in (MONTHS, COCAINE, SEIZED):
        for field in fields(Totals):
            ours, theirs = (getattr(of(query, viewer), field.name) for of in (filtered.totals, held.store.totals))
            np.testing.assert_equal(ours, theirs, err_msg=field.name)
    assert counting.read == ["totals_by_class"]
    nobody_else = replace(viewer, threshold=threshold + 3)
    np.testing.assert_equal(
        filtered.totals(COCAINE, nobody_else).incidents, held.store.totals(COCAINE, nobody_else).incidents
    )
    assert counting.read == ["totals_by_class"] * 2


def test_many_territories_are_left_to_the_store(held: Context) -> None:
    assert not is_numerous(held, "departement")
    assert len(held.geography.territories("epci")) > MOST_TERRITORIES
    assert is_numerous(held, "epci")
    counting = Counting(held.store)
    viewer = Viewer("local")
    found = counts_by_mode(replace(held, store=counting))("epci", COCAINE, viewer)
    assert counting.read == ["counts_by_mode"]
    theirs = held.store.counts_by_mode("epci", COCAINE, viewer)
    np.testing.assert_array_equal(found.incidents, theirs.incidents)
