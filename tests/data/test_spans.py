"""Spans of days: each day of a period is in exactly one of those that cover it, and there are few of them."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from data.spans import FIRST_DAY, LEVEL_SHIFT, LEVELS, coarser, part_of, parts, spans_between

A_DAY = st.dates(date(1, 1, 1), date(9990, 1, 1))


def days_of(span: int) -> tuple[int, int]:
    """First day and the day after the last one, since 1970, of a span given by its number."""
    level, number = span >> LEVEL_SHIFT, span & ((1 << LEVEL_SHIFT) - 1)
    length = 4**level
    return number * length + FIRST_DAY, (number + 1) * length + FIRST_DAY


@given(A_DAY, st.integers(1, 3_000))
def test_spans_follow_each_other_from_the_first_day_to_the_last(start: date, days: int) -> None:
    spans = [days_of(span) for span in spans_between(start, start + timedelta(days))]
    first = (start - date(1970, 1, 1)).days
    assert spans[0][0] == first
    assert spans[-1][1] == first + days
    assert all(left[1] == right[0] for left, right in pairwise(spans))


@given(A_DAY)
def test_a_month_takes_few_spans_and_ten_years_too(start: date) -> None:
    assert len(spans_between(start, start + timedelta(30))) <= 14
    assert len(spans_between(start, start + timedelta(3_652))) <= 36


@given(st.integers(0, 400), A_DAY)
def test_a_day_is_in_the_span_of_each_level_that_holds_it(zone: int, day: date) -> None:
    since = (day - date(1970, 1, 1)).days
    part = part_of(np.array([zone], dtype=np.int32), np.array([day], dtype="datetime64[D]"))
    for level in range(LEVELS):
        number = (since - FIRST_DAY) // 4**level
        assert parts([zone], [level << LEVEL_SHIFT | number]) == part.tolist()
        part = coarser(part)
