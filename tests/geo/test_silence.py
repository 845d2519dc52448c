"""Silences: the probability by counting every arrangement, Holm's steps by another library, errors by simulation."""

from __future__ import annotations

import itertools
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.stats import hypergeom

from geo.comparison import holm
from geo.errors import GeometryError
from geo.silence import silences


def row(text: str) -> list[bool]:
    return [sign == "x" for sign in text]


@given(st.lists(st.booleans(), min_size=1, max_size=16))
def test_the_probability_is_that_of_all_arrangements(days: list[bool]) -> None:
    found = silences([days])
    n, k = len(days), sum(days)
    gap = next((i for i, active in enumerate(reversed(days)) if active), n)
    assert (found.days[0], found.active_days[0]) == (gap, k)
    if not k:
        assert np.isnan(found.p_value[0])
        return
    strata = [[i for i in range(n) if i % 7 == weekday] for weekday in range(7)]
    chosen = [itertools.combinations(places, sum(days[i] for i in places)) for places in strata]
    arrangements = list(itertools.product(*chosen))
    as_long = sum(max(itertools.chain(*one)) < n - gap for one in arrangements)
    assert found.p_value[0] == pytest.approx(float(Fraction(as_long, len(arrangements))))


def test_the_probability_is_the_product_of_hypergeometric_ones() -> None:
    days = np.array(row("x.xx.xxxx.xxxxx.xxx" * 4 + "." * 14))
    chances = [hypergeom.pmf(0, len(days[w::7]), days[w::7].sum(), days[-14:][(w - (len(days) - 14)) % 7 :: 7].size)
               for w in range(7)]  # fmt: skip
    assert silences([days]).p_value[0] == pytest.approx(np.prod(chances))


def test_who_reports_every_day_is_missed_after_some_days_and_who_does_not_is_not() -> None:
    daily, weekdays, rare = "x" * 88 + "...", "xxxxx.." * 13, "x............." * 6 + "......."
    found = silences([row(daily), row(weekdays), row(rare), row("." * 91)])
    assert found.days.tolist() == [3, 2, 20, 91]
    assert found.beyond_chance.tolist() == [True, False, False, False]


@given(hnp.arrays(np.float64, st.integers(0, 12), elements=st.floats(0, 1) | st.just(np.nan)))
def test_holm_rejects_as_adjusted_values_do(p_values: np.ndarray) -> None:
    tested = sorted((p, i) for i, p in enumerate(p_values) if np.isfinite(p))
    adjusted, worst = {}, 0.0
    for step, (p, i) in enumerate(tested):
        worst = max(worst, p * (len(tested) - step))
        adjusted[i] = worst
    beyond = holm(p_values, 0.05)
    assert all(
        beyond[i] == (adjusted.get(i, 1) <= 0.05) for i in range(len(p_values)) if abs(adjusted.get(i, 1) - 0.05) > 1e-9
    )


def test_chance_alone_is_seldom_called_a_silence() -> None:
    random = np.random.default_rng(5)
    wrong = [
        silences(random.random((40, 92)) < random.uniform(0.02, 0.98, (40, 1))).beyond_chance.any() for _ in range(400)
    ]
    assert np.mean(wrong) <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 400)


@pytest.mark.parametrize("wrong", [[True, False], np.zeros((3, 0), dtype=bool)])
def test_what_is_no_table_of_days_is_refused(wrong: object) -> None:
    with pytest.raises(GeometryError):
        silences(wrong)  # type: ignore[arg-type]  # the point of the test


def test_no_unit_is_no_silence() -> None:
    assert silences(np.zeros((0, 5), dtype=bool)).beyond_chance.tolist() == []
