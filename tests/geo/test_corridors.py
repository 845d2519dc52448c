"""Corridors against a plain second implementation, and their totals against the seizures they come from."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from geo.corridors import UNKNOWN, Corridors, Ends, Evidence, Seizures, Stage, corridors, legs
from geo.errors import GeometryError

COUNTRY = st.integers(UNKNOWN, 3)
# producing, departure, transit, destination, reporter, drug, mode, year; seizures; kilograms (None: not weighed)
ROW = st.tuples(*[COUNTRY] * 5, *[st.integers(UNKNOWN, 2)] * 3, st.integers(0, 9), st.none() | st.integers(0, 500)).map(
    lambda row: row if row[8] else (*row[:9], None)
)
ROWS = st.lists(ROW, max_size=40)
Row = tuple[int, int, int, int, int, int, int, int, int, int | None]
PRODUCING, DEPARTURE, TRANSIT, DESTINATION, REPORTER, DRUG, MODE, YEAR, NUMBER, KG = range(10)


def seizures_of(rows: list[Row]) -> Seizures:
    def column(place: int) -> NDArray[np.int64]:
        return np.array([row[place] for row in rows], dtype=np.int64)

    kg = np.array([np.nan if row[KG] is None else row[KG] for row in rows], dtype=np.float64)
    weighed = np.where(np.isnan(kg), 0, column(NUMBER))
    return Seizures(*(column(place) for place in range(9)), kg=kg, weighed=weighed)


def ends_of(origin: int, destination: int) -> Ends:
    if origin == UNKNOWN:
        return Ends.NEITHER if destination == UNKNOWN else Ends.NO_ORIGIN
    if destination == UNKNOWN:
        return Ends.NO_DESTINATION
    return Ends.SAME if origin == destination else Ends.TWO


def assert_totals(found: Corridors, rows: list[Row]) -> None:
    assert found.seizures.sum() == sum(row[NUMBER] for row in rows)
    assert found.weighed.sum() == sum(row[NUMBER] for row in rows if row[KG] is not None)
    assert np.nansum(found.kg) == sum(row[KG] or 0 for row in rows)


@given(ROWS)
def test_corridors_are_those_of_a_plain_second_implementation(rows: list[Row]) -> None:
    found = corridors(seizures_of(rows), ("drug", "year"))
    groups: dict[tuple[int, ...], list[Row]] = defaultdict(list)
    for row in rows:
        groups[row[DEPARTURE], row[DESTINATION], row[DRUG], row[YEAR]].append(row)
    keys = list(zip(found.origin, found.destination, found.labels["drug"], found.labels["year"], strict=True))
    assert sorted(keys) == sorted(groups)
    assert_totals(found, rows)
    for place, key in enumerate(keys):
        group = groups[key]
        reported: Counter[int] = Counter()
        for row in group:
            reported[row[REPORTER]] += row[NUMBER]
        reported.pop(UNKNOWN, None)
        weights = [row[KG] for row in group if row[KG] is not None]
        assert found.seizures[place] == sum(row[NUMBER] for row in group)
        assert found.kg[place] == sum(weights) if weights else np.isnan(found.kg[place])
        assert found.reporters[place] == len(reported)
        assert found.years[place] == len({row[YEAR] for row in group} - {UNKNOWN})
        assert found.from_main[place] == max(reported.values(), default=0)
        assert reported.get(int(found.main_reporter[place]), 0) == found.from_main[place]
        assert found.ends[place] == ends_of(key[0], key[1])
    assert (np.diff(found.seizures) <= 0).all()


@given(ROWS)
def test_legs_count_each_seizure_once_a_stage(rows: list[Row]) -> None:
    found = legs(seizures_of(rows), ("mode",))
    passing = [row for row in rows if row[TRANSIT] != UNKNOWN]
    direct = [row for row in rows if row[TRANSIT] == UNKNOWN]
    assert_totals(found[Stage.SOURCE], rows)
    assert_totals(found[Stage.OUT], passing)
    assert_totals(found[Stage.IN], passing)
    assert_totals(found[Stage.DIRECT], direct)
    assert (found[Stage.OUT].destination != UNKNOWN).all()
    assert (found[Stage.IN].origin != UNKNOWN).all()


def test_the_ends_that_are_not_known_are_kept_apart() -> None:
    rows: list[Row] = [
        (UNKNOWN, 0, UNKNOWN, 1, 2, 0, 0, 2012, 30, 12),
        (UNKNOWN, 0, UNKNOWN, 1, 3, 0, 0, 2013, 10, None),
        (UNKNOWN, 1, UNKNOWN, 0, 2, 0, 0, 2012, 8, 3),  # the way back is another corridor
        (UNKNOWN, 1, UNKNOWN, 1, 2, 0, 0, 2012, 7, 1),
        (UNKNOWN, UNKNOWN, UNKNOWN, 1, 2, 0, 0, 2012, 6, 1),
        (UNKNOWN, 1, UNKNOWN, UNKNOWN, 2, 0, 0, 2012, 5, 1),
        (UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN, 0, 0, UNKNOWN, 4, None),
    ]
    found = corridors(seizures_of(rows))
    assert found.ends.tolist() == [Ends.TWO, Ends.TWO, Ends.SAME, Ends.NO_ORIGIN, Ends.NO_DESTINATION, Ends.NEITHER]
    assert found.seizures.tolist() == [40, 8, 7, 6, 5, 4]
    assert found.weighed.tolist() == [30, 8, 7, 6, 5, 0]
    assert found.kg[:5].tolist() == [12, 3, 1, 1, 1]
    assert np.isnan(found.kg[5])  # four seizures of which none was weighed: not 0 kg
    assert found.reporters.tolist() == [2, 1, 1, 1, 1, 0]
    assert found.main_reporter.tolist() == [2, 2, 2, 2, 2, UNKNOWN]
    assert found.years.tolist() == [2, 1, 1, 1, 1, 0]
    assert found.evidence.tolist() == [Evidence.BROAD] + [Evidence.THIN] * 5


@pytest.mark.parametrize(
    ("number", "reporters", "years", "evidence"),
    [(1, 1, 1, Evidence.THIN), (500, 1, 1, Evidence.THIN), (4, 1, 2, Evidence.THIN), (500, 1, 6, Evidence.SOME),
     (2, 2, 1, Evidence.SOME), (9, 3, 3, Evidence.SOME), (10, 2, 2, Evidence.BROAD)],
)  # fmt: skip
def test_evidence(number: int, reporters: int, years: int, evidence: Evidence) -> None:
    rows: list[Row] = [
        (UNKNOWN, 0, UNKNOWN, 1, place % reporters, 0, 0, 2011 + place % years, 1, None) for place in range(number)
    ]
    found = corridors(seizures_of(rows))
    assert (found.reporters[0], found.years[0]) == (min(number, reporters), min(number, years))
    assert found.evidence.tolist() == [evidence]


def test_nothing() -> None:
    found = corridors(seizures_of([]), ("drug", "mode", "year"))
    assert len(found.seizures) == len(found.labels["year"]) == 0


@pytest.mark.parametrize(
    "broken",
    [
        lambda each: replace(each, departure=each.departure[:1]),
        lambda each: replace(each, drug=each.drug - 5),
        lambda each: replace(each, seizures=-each.seizures),
        lambda each: replace(each, weighed=each.weighed + 1),
        lambda each: replace(each, kg=-each.kg),
        lambda each: replace(each, kg=each.kg * np.inf),
        lambda each: replace(each, kg=each.kg * np.nan),
    ],
)
def test_refused(broken: Callable[[Seizures], Seizures]) -> None:
    sound = seizures_of([(0, 0, 0, 1, 2, 0, 0, 2012, 3, 12), (0, 1, 0, 1, 2, 0, 0, 2012, 4, 5)])
    with pytest.raises(GeometryError):
        broken(sound)
