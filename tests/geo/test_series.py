"""Curves of several territories against pandas, and what an index promises."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo.errors import GeometryError
from geo.series import Step, indexed, mean_by_step, step_of

RULES: dict[Step, str] = {"day": "D", "week": "W-SUN", "month": "M"}


@given(st.dates(date(1900, 1, 1), date(2150, 1, 1)), st.integers(1, 500), st.sampled_from(list(RULES)), st.integers(0))
def test_steps_equal_those_of_pandas(start: date, length: int, step: Step, seed: int) -> None:
    counts = np.random.default_rng(seed).poisson(3, (2, length)).astype(float)
    days = np.arange(np.datetime64(start), np.datetime64(start + timedelta(days=length)))
    found = mean_by_step(days, counts, step)
    periods = pd.PeriodIndex(days.astype("datetime64[s]"), freq=RULES[step])
    expected = pd.DataFrame(counts.T).groupby(periods.astype("int64")).mean()
    np.testing.assert_allclose(found.mean, expected.to_numpy().T)
    assert found.days.sum() == length
    assert found.starts[0] == days[0]


def test_an_unknown_day_leaves_its_step_unknown() -> None:
    days = np.arange(np.datetime64("2026-03-02"), np.datetime64("2026-03-16"))  # two whole weeks, from a Monday
    found = mean_by_step(days, [[1.0] * 13 + [np.nan], [2.0] * 14], "week")
    assert found.starts.astype(str).tolist() == ["2026-03-02", "2026-03-09"]
    np.testing.assert_array_equal(found.mean, [[1, np.nan], [2, 2]])


@given(st.integers(0))
def test_an_indexed_curve_is_100_on_average_of_its_days(seed: int) -> None:
    random = np.random.default_rng(seed)
    days = np.arange(np.datetime64("2026-01-20"), np.datetime64("2026-05-09"))
    counts = random.poisson(random.uniform(1, 400), (3, len(days))).astype(float)
    steps = mean_by_step(days, counts, "month")
    curves = indexed(steps)
    np.testing.assert_allclose((curves * steps.days).sum(axis=1) / steps.days.sum(), 100)
    np.testing.assert_allclose(curves / curves[:, :1], steps.mean / steps.mean[:, :1])


def test_a_curve_without_fact_has_no_index_and_hides_none() -> None:
    days = np.arange(np.datetime64("2026-03-02"), np.datetime64("2026-03-16"))
    curves = indexed(mean_by_step(days, [[0.0] * 14, [1.0] * 7 + [3.0] * 7, [np.nan] * 14], "week"))
    np.testing.assert_allclose(curves, [[np.nan] * 2, [50, 150], [np.nan] * 2])


@pytest.mark.parametrize(("days", "step"), [(1, "day"), (62, "day"), (63, "week"), (400, "week"), (109_573, "month")])
def test_a_longer_period_has_longer_steps(days: int, step: Step) -> None:
    assert step_of(days) == step


def test_counts_that_are_not_one_a_day_are_refused() -> None:
    with pytest.raises(GeometryError, match="longueur"):
        mean_by_step(np.arange(np.datetime64("2026-03-02"), np.datetime64("2026-03-05")), [1.0, 2.0], "day")


def test_no_day_is_no_step() -> None:
    assert mean_by_step(np.empty(0, dtype="datetime64[D]"), np.empty((2, 0)), "week").mean.shape == (2, 0)
