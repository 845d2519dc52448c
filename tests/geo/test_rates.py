"""Intervals against published tables and the relations that hold between them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import poisson

from geo.rates import rate_with_interval, share_with_interval

# Exact 95 % limits of a Poisson count: Pearson and Hartley, Biometrika Tables for Statisticians, vol. 1, table 40
# (also in Ulm 1990, American Journal of Epidemiology 131(2)).
GARWOOD = {
    0: (0.000, 3.69),
    1: (0.0253, 5.57),
    2: (0.242, 7.22),
    5: (1.62, 11.67),
    10: (4.80, 18.39),
    20: (12.22, 30.89),
    50: (37.11, 65.92),
}

# Newcombe (1998), Statistics in Medicine 17(8), table I, method 3 (Wilson's score): positive, checked, low, high.
NEWCOMBE = [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)]


@pytest.mark.parametrize(("count", "limits"), GARWOOD.items())
def test_poisson_limits_are_those_of_the_tables(count: int, limits: tuple[float, float]) -> None:
    rates = rate_with_interval([count], [1000], per=1000)
    assert rates.value[0] == count
    assert (rates.low[0], rates.high[0]) == pytest.approx(limits, abs=0.006)


@given(st.integers(1, 3000))
def test_poisson_limits_are_where_the_tails_are(count: int) -> None:
    rates = rate_with_interval([count], [1.0], per=1)
    assert poisson.sf(count - 1, rates.low[0]) == pytest.approx(0.025, rel=1e-6)
    assert poisson.cdf(count, rates.high[0]) == pytest.approx(0.025, rel=1e-6)


def test_rates_scale_with_population() -> None:
    # Bouches-du-Rhône 2024: 4,320 persons implicated in trafficking, of 2,069,811 inhabitants
    rates = rate_with_interval([4320, 4320], [2_069_811, 2 * 2_069_811])
    assert rates.value[0] == pytest.approx(208.7, abs=0.05)
    assert rates.value[0] == 2 * rates.value[1]
    assert rates.high[0] == pytest.approx(2 * rates.high[1])


def test_wider_confidence_is_a_wider_interval() -> None:
    narrow, wide = (rate_with_interval([12], [1e5], confidence=level) for level in (0.90, 0.99))
    assert wide.low[0] < narrow.low[0] < 12 < narrow.high[0] < wide.high[0]


@pytest.mark.parametrize(("count", "people"), [(np.nan, 10), (5, np.nan), (5, 0), (-1, 10), (5, -1)])
def test_unknown_gives_no_rate(count: float, people: float) -> None:
    rates = rate_with_interval([count, 1], [people, 10])
    assert np.isnan([rates.value[0], rates.low[0], rates.high[0]]).all()
    assert rates.value[1] == 10_000


@pytest.mark.parametrize(("positive", "checked", "low", "high"), NEWCOMBE)
def test_wilson_limits_are_those_published(positive: int, checked: int, low: float, high: float) -> None:
    shares = share_with_interval([positive], [checked])
    assert shares.value[0] == positive / checked
    assert (shares.low[0], shares.high[0]) == pytest.approx((low, high), abs=5e-5)


@given(st.integers(1, 100_000), st.floats(0, 1))
def test_shares_stay_between_0_and_1_and_mirror_each_other(checked: int, fraction: float) -> None:
    positive = round(fraction * checked)
    shares, others = share_with_interval([positive], [checked]), share_with_interval([checked - positive], [checked])
    assert 0 <= shares.low[0] <= shares.value[0] <= shares.high[0] <= 1
    assert shares.low[0] == pytest.approx(1 - others.high[0], abs=1e-12)


@pytest.mark.parametrize(("positive", "checked"), [(np.nan, 10), (1, np.nan), (0, 0), (11, 10), (-1, 10)])
def test_unknown_gives_no_share(positive: float, checked: float) -> None:
    shares = share_with_interval([positive], [checked])
    assert np.isnan([shares.value[0], shares.low[0], shares.high[0]]).all()


def test_nothing_asked_nothing_answered() -> None:
    assert rate_with_interval([], []).value.shape == (0,)
    assert share_with_interval([], []).high.shape == (0,)
