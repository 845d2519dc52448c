"""Counts against a plain dictionary and pandas; totals that no coarsening may change."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta

import h3.api.basic_int as h3
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo.aggregation import EventCounts, coarsen, count_events
from geo.cells import cells_at, parents
from geo.errors import GeometryError

PLACES = [(43.2965, 5.3698), (43.30, 5.38), (48.8566, 2.3522), (14.6, -61.07), (-20.9, 55.5)]
CELLS = [0, *(cell for place in PLACES for cell in h3.grid_disk(h3.latlng_to_cell(*place, 10), 1))]
EVENT = st.tuples(
    st.sampled_from(CELLS),
    st.integers(-3, 800),  # day
    st.integers(0, 3),  # kind
    st.integers(0, 2**31 - 1),  # a code so wide that keys do not fit
    st.one_of(st.just(np.nan), st.integers(0, 1000).map(float)),  # kg
)
PERIODS = ["day", "week", "month", "year"]
EVENTS = st.lists(EVENT, max_size=40)


def counted(events: list[tuple]) -> EventCounts:
    columns = [list(column) for column in zip(*events, strict=True)] or [[]] * 5
    cells, days, kinds, wide = (np.array(column, dtype=np.int64) for column in columns[:4])
    return count_events(cells, days, {"kind": kinds, "wide": wide}, {"kg": np.array(columns[4], dtype=float)})


def rows_of(counts: EventCounts) -> list[tuple[int, ...]]:
    return list(
        zip(counts.days.tolist(), *(c.tolist() for c in counts.codes.values()), counts.cells.tolist(), strict=True)
    )


@given(EVENTS)
def test_counts_are_those_of_a_dictionary(events: list[tuple]) -> None:
    counts = counted(events)
    expected = Counter((day, kind, wide, cell) for cell, day, kind, wide, _ in events)
    rows = rows_of(counts)
    assert rows == sorted(expected)
    assert counts.events.tolist() == [expected[row] for row in rows]


@given(EVENTS)
def test_sums_are_unknown_only_where_every_term_is(events: list[tuple]) -> None:
    counts = counted(events)
    for row, kg in zip(rows_of(counts), counts.sums["kg"], strict=True):
        terms = [event[4] for event in events if (event[1], event[2], event[3], event[0]) == row]
        known = [term for term in terms if not np.isnan(term)]
        assert np.isnan(kg) if not known else kg == sum(known)


@given(
    EVENTS,
    st.integers(0, 10),
    st.sampled_from(["day", "week", "month", "year"]),
    st.sets(st.sampled_from(["kind", "wide"])),
)
def test_coarsening_keeps_totals_and_equals_counting_coarse_events(
    events: list[tuple], resolution: int, period: str, keep: set[str]
) -> None:
    fine = counted(events)
    coarse = coarsen(fine, resolution, period=period, keep=tuple(keep))
    assert coarse.events.sum() == len(events)
    assert np.nansum(coarse.sums["kg"]) == np.nansum(fine.sums["kg"])

    def first_day(day: int) -> int:
        given_day = date(1970, 1, 1) + timedelta(days=day)
        first = {
            "day": given_day,
            "week": given_day - timedelta(days=given_day.weekday()),
            "month": given_day.replace(day=1),
            "year": given_day.replace(month=1, day=1),
        }[period]
        return (first - date(1970, 1, 1)).days

    expected = Counter(
        (
            first_day(day),
            *(code for name, code in (("kind", kind), ("wide", wide)) if name in keep),
            h3.cell_to_parent(cell, resolution) if cell else 0,
        )
        for cell, day, kind, wide, _ in events
    )
    assert rows_of(coarse) == sorted(expected)
    assert coarse.events.tolist() == [expected[row] for row in rows_of(coarse)]


@given(EVENTS, st.integers(0, 10), st.integers(0, 10))
def test_a_cascade_equals_one_step(events: list[tuple], one: int, other: int) -> None:
    fine, coarse = max(one, other), min(one, other)
    counts = counted(events)
    stepwise, direct = coarsen(coarsen(counts, fine), coarse), coarsen(counts, coarse)
    assert rows_of(stepwise) == rows_of(direct)
    assert stepwise.events.tolist() == direct.events.tolist()
    np.testing.assert_array_equal(stepwise.sums["kg"], direct.sums["kg"])


@pytest.mark.parametrize("size", [50_000, 300_000])  # the larger one is counted in two threads
def test_many_events_agree_with_pandas(size: int) -> None:
    rng = np.random.default_rng(5)
    frame = pd.DataFrame(
        {
            "day": rng.integers(20_000, 20_030, size),
            "kind": rng.integers(0, 15, size),
            "cell": np.array(CELLS)[rng.integers(0, len(CELLS), size)],
            "checked": np.where(rng.random(size) < 0.3, np.nan, rng.integers(0, 50, size)),
        }
    )
    counts = count_events(frame["cell"], frame["day"], {"kind": frame["kind"]}, {"checked": frame["checked"]})
    expected = frame.groupby(["day", "kind", "cell"])["checked"].agg(["size", "sum", "count"]).reset_index()
    assert counts.cells.tolist() == expected["cell"].tolist()
    assert counts.events.tolist() == expected["size"].tolist()
    np.testing.assert_array_equal(counts.sums["checked"], expected["sum"].where(expected["count"] > 0))


def test_many_rows_are_coarsened_as_few_are() -> None:
    rng = np.random.default_rng(6)
    cells = cells_at(rng.uniform(2, 3, 400_000), rng.uniform(48, 49, 400_000))
    days, kinds = rng.integers(20_000, 20_030, 400_000), rng.integers(0, 15, 400_000)
    fine = count_events(cells, days, {"kind": kinds}, {"kg": rng.integers(0, 9, 400_000)})
    assert len(fine.cells) > 300_000
    coarse = coarsen(fine, 7)
    direct = count_events(parents(cells, 7), days, {"kind": kinds})
    assert rows_of(coarse) == rows_of(direct)
    assert coarse.events.tolist() == direct.events.tolist()
    assert coarse.sums["kg"].sum() == fine.sums["kg"].sum()


def test_no_event_is_no_row() -> None:
    counts = coarsen(count_events([], np.array([], dtype=int), {"kind": np.array([], dtype=int)}, {"kg": []}), 5)
    assert (len(counts.cells), len(counts.days), len(counts.codes["kind"]), len(counts.sums["kg"])) == (0, 0, 0, 0)


@pytest.mark.parametrize(
    ("cells", "days", "codes", "message"),
    [
        (CELLS[1:3], [1], {}, "longueur"),
        (CELLS[1:3], [1, 2], {"kind": [1]}, "longueur"),
        ([CELLS[1], h3.cell_to_parent(CELLS[1], 9)], [1, 2], {}, "9, 10"),
        ([h3.cell_to_center_child(CELLS[1], 11)], [1], {}, "Résolution 11"),
        ([CELLS[1]], [1.5], {}, "entiers"),
    ],
)
def test_columns_that_cannot_be_counted_are_refused(cells: list, days: list, codes: dict, message: str) -> None:
    with pytest.raises(GeometryError, match=message):
        count_events(cells, days, codes)


def test_finer_cells_and_unknown_codes_are_refused() -> None:
    counts = coarsen(count_events(CELLS[1:3], [1, 2], {"kind": [1, 2]}), 8)
    with pytest.raises(GeometryError, match="Résolution 9"):
        coarsen(counts, 9)
    with pytest.raises(GeometryError, match="drug"):
        coarsen(counts, keep=("drug",))
