"""A plan's pace, day by day."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo.pace import expected_by


@pytest.mark.parametrize(
    ("day", "expected"),
    [("2025-12-31", 0), ("2026-01-01", 10), ("2026-01-15", 150), ("2026-01-31", 310), ("2026-06-01", 310)],
)
def test_ten_a_day_in_january(day: str, expected: float) -> None:
    found = expected_by([310], np.array(["2026-01-01"], "M8[D]"), np.array(["2026-01-31"], "M8[D]"), np.datetime64(day))
    assert found.tolist() == [expected]


@given(st.integers(0, 10**6), st.integers(0, 400), st.integers(-500, 500))
def test_it_never_exceeds_the_plan_and_grows_with_the_days(planned: int, length: int, shift: int) -> None:
    first = np.datetime64("2026-01-01")
    days = [first + shift, first + shift + 1]
    before, after = (float(expected_by([planned], [first], [first + length], day)[0]) for day in days)
    assert 0 <= before <= after <= planned
