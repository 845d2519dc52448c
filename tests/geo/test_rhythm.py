"""Hours and weekdays against a walk through the calendar, scipy's table of independence and a general model."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.stats import norm
from scipy.stats.contingency import expected_freq

from geo.errors import GeometryError
from geo.rhythm import Rhythm, exposure_of, rhythm

MONDAY, TUESDAY, SUNDAY = 0, 1, 6


def day_number(day: date) -> int:
    return (day - date(1970, 1, 1)).days


def rhythm_of(table: NDArray[np.int64], first: date, days: int) -> Rhythm:
    """Facts of a (7, 24) table, all put on the first of each weekday of a period."""
    weekday, hour = np.nonzero(table)
    start = day_number(first)
    on = start + (weekday - first.weekday()) % 7
    return rhythm(on, hour, np.datetime64(first), np.datetime64(first) + days, facts=table[weekday, hour])


def walked(start: datetime, stop: datetime) -> NDArray[np.float64]:
    """Exposure by a walk through the period, instant by instant, as the clock on the wall shows them."""
    seen = np.zeros((7, 24))
    step, now, end = timedelta(minutes=15), start.astimezone(UTC), stop.astimezone(UTC)
    while now < end:
        wall = now.astimezone(start.tzinfo)
        seen[wall.weekday(), wall.hour] += 0.25
        now += step
    return seen


def test_a_month_with_five_mondays() -> None:
    # September 2025 has five Mondays and five Tuesdays: ten facts on its Mondays are two a Monday, not two and a half.
    days = [day_number(date(2025, 9, 1) + timedelta(days=7 * week)) for week in range(5) for _ in range(2)]
    found = rhythm(days, [14.0] * 10, np.datetime64("2025-09-01"), np.datetime64("2025-10-01"))
    assert found.exposure[:, 0].tolist() == [5, 5, 4, 4, 4, 4, 4]
    assert found.counts[MONDAY, 14] == found.counts.sum() == 10
    assert found.mean[MONDAY, 14] == 2
    assert found.mean[TUESDAY, 14] == 0


@settings(max_examples=25)
@given(st.integers(0, 100_000), st.integers(1, 4 * 24 * 10))
def test_exposure_is_that_of_a_walk_through_the_calendar(quarters_before: int, quarters: int) -> None:
    first = datetime(2024, 1, 1, tzinfo=UTC) + timedelta(minutes=15 * quarters_before)
    last = first + timedelta(minutes=15 * quarters)
    found = exposure_of(np.datetime64(first.replace(tzinfo=None)), np.datetime64(last.replace(tzinfo=None)))
    assert found == pytest.approx(walked(first, last), abs=1e-9)
    assert found.sum() == pytest.approx(quarters / 4)


@pytest.mark.parametrize("zone", ["Europe/Paris", "Indian/Reunion", "America/Miquelon", "Australia/Lord_Howe"])
@pytest.mark.parametrize(("first", "last"), [("2025-03-30", "2025-03-31"), ("2025-01-01", "2026-01-01")])
def test_the_hour_that_spring_skips_and_the_one_that_autumn_repeats(zone: str, first: str, last: str) -> None:
    begin, end = (datetime.fromisoformat(day).replace(tzinfo=ZoneInfo(zone)) for day in (first, last))
    found = exposure_of(np.datetime64(first), np.datetime64(last), zone)
    assert found == pytest.approx(walked(begin, end), abs=1e-9)
    if zone == "Europe/Paris" and first == "2025-03-30":
        assert found[SUNDAY].tolist() == [1, 1, 0] + [1] * 21
    if zone == "Indian/Reunion":
        assert (found == exposure_of(np.datetime64(first), np.datetime64(last))).all()


def test_a_second_and_a_thousand_years() -> None:
    second = exposure_of(np.datetime64("2025-03-30T12:00:00"), np.datetime64("2025-03-30T12:00:01"), "Europe/Paris")
    assert second.sum() == second[SUNDAY, 12] == pytest.approx(1 / 3600)
    ages = exposure_of(np.datetime64("1500-01-01"), np.datetime64("2500-01-01"))
    assert ages.sum() == 24 * (date(2500, 1, 1) - date(1500, 1, 1)).days


def test_hours_to_come_are_not_quiet() -> None:
    today = day_number(date(2025, 9, 1))
    found = rhythm([today], [8], np.datetime64("2025-09-01"), np.datetime64("2025-09-01T09:30"))
    assert found.exposure[MONDAY, 8:11].tolist() == [1, 0.5, 0]
    assert found.mean[MONDAY, 8:10].tolist() == [1, 0]
    assert np.isnan(found.mean[MONDAY, 10:]).all()
    assert np.isnan(found.expected[TUESDAY]).all()


@settings(max_examples=30)
@given(st.integers(0, 10_000), st.integers(1, 9))
def test_whole_weeks_have_the_usual_expected_counts_and_residuals(seed: int, weeks: int) -> None:
    table = np.random.default_rng(seed).poisson(3, (7, 24))
    found = rhythm_of(table, date(2025, 9, 1), 7 * weeks)
    assert (found.counts == table).all()
    assert found.expected == pytest.approx(expected_freq(table))
    rows, columns = table.sum(axis=1, keepdims=True) / table.sum(), table.sum(axis=0) / table.sum()
    haberman = (table - expected_freq(table)) / np.sqrt(expected_freq(table) * (1 - rows) * (1 - columns))
    assert found.residuals == pytest.approx(haberman, abs=1e-8)
    assert found.bound == pytest.approx(norm.isf(0.025 / 168))


def test_parts_of_weeks_are_fitted_as_by_a_general_model() -> None:
    """Ten and a half days, against the likelihood of exposure × weekday × hour, climbed by scipy."""
    start, stop = np.datetime64("2025-09-01"), np.datetime64("2025-09-11T12:00")
    exposure = exposure_of(start, stop)
    table = np.random.default_rng(3).poisson(4 * exposure)
    weekday, hour = np.nonzero(table)
    days = day_number(date(2025, 9, 1)) + weekday
    found = rhythm(days, hour, start, stop, facts=table[weekday, hour])

    def slope(logs: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        fitted = exposure * np.exp(logs[:7, None] + logs[7:])
        return float(fitted.sum() - (table * (logs[:7, None] + logs[7:])).sum()), np.concatenate(
            ((fitted - table).sum(axis=1), (fitted - table).sum(axis=0))
        )

    logs = minimize(slope, np.zeros(31), jac=True, tol=1e-10).x
    assert found.expected == pytest.approx(exposure * np.exp(logs[:7, None] + logs[7:]), rel=1e-4)
    assert found.expected.sum(axis=0) == pytest.approx(table.sum(axis=0))
    assert found.expected.sum(axis=1) == pytest.approx(table.sum(axis=1))


def test_chance_alone_departs_as_promised() -> None:
    rng = np.random.default_rng(seed=11)
    tables = [rhythm_of(rng.poisson(20, (7, 24)), date(2025, 9, 1), 28) for _ in range(50)]
    residuals = np.array([table.residuals for table in tables])
    assert residuals.std() == pytest.approx(1, abs=0.03)
    assert (np.abs(residuals).max(axis=(1, 2)) > tables[0].bound).mean() < 0.1  # 0.05 by the normal law


def test_a_night_that_stands_out_is_found() -> None:
    table = np.random.default_rng(12).poisson(20, (7, 24))
    table[4, 23] += 40
    found = rhythm_of(table, date(2025, 9, 1), 28)
    assert np.argwhere(np.abs(found.residuals) > found.bound).tolist() == [[4, 23]]


def test_days_without_hour_are_counted_apart() -> None:
    monday = day_number(date(2025, 9, 1))
    found = rhythm([monday, monday, monday + 1], [np.nan, 3, np.nan], np.datetime64("2025-09-01"),
                   np.datetime64("2025-09-08"), facts=[4, 1, 2])  # fmt: skip
    assert found.without_hour.tolist() == [4, 2, 0, 0, 0, 0, 0]
    assert found.counts.sum() == found.expected.sum() == 1


def test_no_facts() -> None:
    found = rhythm([], [], np.datetime64("2025-09-01"), np.datetime64("2025-09-08"))
    assert (found.mean == 0).all()
    assert (found.expected == 0).all()
    assert np.isnan(found.residuals).all()
    assert found.bound == pytest.approx(1.96, abs=0.001)


@pytest.mark.parametrize(
    ("days", "hours", "stop"),
    [([20332], [24], "2025-09-08"), ([20332], [2.5], "2025-09-08"), ([20332], [-1], "2025-09-08"),
     ([20331], [1], "2025-09-08"), ([20339], [1], "2025-09-08"), ([20332, 20333], [1], "2025-09-08"),
     ([], [], "2025-09-01"), ([], [], "2025-08-01")],
)  # fmt: skip
def test_refused(days: list[int], hours: list[float], stop: str) -> None:
    with pytest.raises(GeometryError):
        rhythm(days, hours, np.datetime64("2025-09-01"), np.datetime64(stop))
