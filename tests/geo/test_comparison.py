"""The comparisons of two rates and two shares against published values, scipy and plain enumeration."""

from __future__ import annotations

from fractions import Fraction
from math import comb

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.stats import binomtest

from geo.comparison import Comparison, Verdict, compare_rates, compare_shares
from geo.errors import GeometryError

COUNTS = st.integers(0, 400)
EXPOSURES = st.integers(1, 10_000)


def enumerated_p_value(first: int, exposure: int, second: int, other: int) -> float:
    """Twice the smaller tail, term by term in exact fractions."""
    n, share = first + second, Fraction(exposure, exposure + other)
    terms = [comb(n, k) * share**k * (1 - share) ** (n - k) for k in range(n + 1)]
    return float(min(Fraction(1), 2 * min(sum(terms[: first + 1]), sum(terms[first:]))))


def only(comparison: Comparison) -> tuple[float, float, float, float]:
    ratio = comparison.ratio
    return ratio.value[0], ratio.low[0], ratio.high[0], comparison.p_value[0]


def test_dodder_seeds_in_clover() -> None:
    # Przyborowski and Wilenski (1940), told again in Krishnamoorthy and Thomson (2004), Journal of Statistical
    # Planning and Inference 119: none in a sample of 100 g, three in another.
    comparison = compare_rates([3], [100], [0], [100])
    assert comparison.p_value[0] == pytest.approx(0.25)
    assert comparison.verdict[0] == Verdict.CHANCE


@pytest.mark.parametrize(
    ("given", "ratio", "low", "high"),
    [
        # R's help of `poisson.test` and its output: lung cancer in Fredericia beside three cities (Andersen 1977)
        ((11, 800, 21, 3011), 1.971488, 0.8584264, 4.2772659),
        # the R package rateratio.test, example of its help
        ((2, 17877, 9, 16660), 0.207094155743, 0.0217740627591, 1.00054910449),
    ],
)
def test_published_ratios(given: tuple[int, ...], ratio: float, low: float, high: float) -> None:
    a, exposure, b, other = given
    assert only(compare_rates([a], [exposure], [b], [other]))[:3] == pytest.approx((ratio, low, high), rel=1e-7)


def test_published_p_value() -> None:
    # the same example of rateratio.test, whose two-sided p-value doubles the smaller tail too
    assert only(compare_rates([2], [17877], [9], [16660]))[3] == pytest.approx(0.0501064956141, rel=1e-11)


def test_verdict_and_interval_agree_where_the_other_custom_contradicts_itself() -> None:
    # Fay (2010) and the help of exactci: the sum of the unlikely rejects, and the usual interval holds 1
    a, exposure, b, other = 2, 17877, 10, 20000
    assert binomtest(a, a + b, exposure / (exposure + other)).pvalue == pytest.approx(0.0421, abs=5e-5)
    comparison = compare_rates([a], [exposure], [b], [other])
    assert only(comparison)[1:] == pytest.approx((0.024, 1.050, 0.0606), abs=5e-4)
    assert comparison.verdict[0] == Verdict.CHANCE


@given(st.integers(0, 40), EXPOSURES, st.integers(0, 40), EXPOSURES)
def test_p_value_is_that_of_an_enumeration(first: int, exposure: int, second: int, other: int) -> None:
    found = compare_rates([first], [exposure], [second], [other]).p_value[0]
    assert found == pytest.approx(enumerated_p_value(first, exposure, second, other), rel=1e-9)


@given(COUNTS, EXPOSURES, COUNTS, EXPOSURES)
def test_tails_and_limits_are_those_of_scipy(first: int, exposure: int, second: int, other: int) -> None:
    assume(first + second > 0)
    share = exposure / (exposure + other)
    less, greater = (binomtest(first, first + second, share, alternative=side).pvalue for side in ("less", "greater"))
    limits = binomtest(first, first + second, share).proportion_ci(0.95, method="exact")
    _value, low, high, p_value = only(compare_rates([first], [exposure], [second], [other]))
    assert p_value == pytest.approx(min(1.0, 2 * less, 2 * greater), rel=1e-9, abs=1e-300)
    assert low == pytest.approx(limits.low / (1 - limits.low) * other / exposure, rel=1e-6)
    assert high == (pytest.approx(limits.high / (1 - limits.high) * other / exposure, rel=1e-6) if second else np.inf)


@given(COUNTS, EXPOSURES, COUNTS, EXPOSURES, st.sampled_from([0.8, 0.95, 0.998]))
def test_beyond_chance_is_an_interval_without_1(a: int, exposure: int, b: int, other: int, confidence: float) -> None:
    there = compare_rates([a], [exposure], [b], [other], confidence)
    back = compare_rates([b], [other], [a], [exposure], confidence)
    value, low, high, p_value = only(there)
    assert (there.verdict[0] == Verdict.BEYOND_CHANCE) == (not low <= 1 <= high)
    assert back.p_value[0] == pytest.approx(p_value)
    assert back.direction[0] == -there.direction[0]
    assert there.direction[0] == np.sign(a * other - b * exposure)
    if a and b:
        assert low < value < high
        assert only(back)[:3] == pytest.approx((1 / value, 1 / high, 1 / low))


def test_zeros() -> None:
    comparison = compare_rates([0, 5, 0], [3, 3, 3], [0, 0, 7], [3, 3, 3])
    assert np.isnan(comparison.ratio.value[0])
    assert comparison.ratio.value[1:].tolist() == [np.inf, 0.0]
    assert comparison.ratio.low[[0, 2]].tolist() == [0.0, 0.0]
    assert np.isinf(comparison.ratio.high[:2]).all()
    assert comparison.p_value.tolist() == pytest.approx([1.0, 2 / 2**5, 2 / 2**7])
    assert comparison.direction.tolist() == [0, 1, -1]
    assert comparison.verdict.tolist() == [Verdict.CHANCE, Verdict.CHANCE, Verdict.BEYOND_CHANCE]


@pytest.mark.parametrize(
    "unknown",
    [
        (np.nan, 1, 2, 1),
        (1, np.nan, 2, 1),
        (1, 1, np.nan, 1),
        (1, 1, 2, 0),
        (-1, 1, 2, 1),
        (1, 1, 2, -1),
        (1, np.inf, 2, 1),
    ],
)
def test_unknown_is_not_compared(unknown: tuple[float, ...]) -> None:
    columns = [[one, other] for one, other in zip(unknown, (30, 1, 10, 1), strict=True)]
    comparison = compare_rates(*columns)
    assert np.isnan([*only(comparison), comparison.direction[0]]).all()
    assert comparison.verdict.tolist() == [Verdict.UNKNOWN, Verdict.BEYOND_CHANCE]
    assert comparison.ratio.value[1] == 3


def test_millions_of_facts() -> None:
    # With so many the normal law serves: z = 3,000 / √2,003,000 = 2.12, p = 0.034.
    value, low, high, p_value = only(compare_rates([1_000_000], [365], [1_003_000], [365]))
    assert p_value == pytest.approx(0.034, abs=5e-4)
    spread = 1.959964 * np.sqrt(1 / 1_000_000 + 1 / 1_003_000)
    assert (low, high) == pytest.approx((value * np.exp(-spread), value * np.exp(spread)), rel=1e-5)


def test_one_against_many() -> None:
    comparison = compare_rates([[10], [20]], 7, [10, 20, 40], 7)
    assert comparison.ratio.value.tolist() == [[1, 0.5, 0.25], [2, 1, 0.5]]
    assert compare_rates([], [], [], []).verdict.shape == (0,)


def test_kilograms_are_refused() -> None:
    with pytest.raises(GeometryError, match=r"12\.5"):
        compare_rates([12.5], [1], [3], [1])


@pytest.mark.parametrize(
    ("given", "low", "high"),
    [
        # Newcombe (1998), table II, method 10: the score intervals of eight pairs of shares
        ((56, 70, 48, 80), 0.0524, 0.3339),
        ((9, 10, 3, 10), 0.1705, 0.8090),
        ((6, 7, 2, 7), 0.0582, 0.8062),
        ((5, 56, 0, 29), -0.0381, 0.1926),
        ((0, 10, 0, 20), -0.1611, 0.2775),
        ((0, 10, 0, 10), -0.2775, 0.2775),
        ((10, 10, 0, 20), 0.6791, 1.0),
        ((10, 10, 0, 10), 0.6075, 1.0),
    ],
)
def test_published_differences_of_shares(given: tuple[int, ...], low: float, high: float) -> None:
    found = compare_shares(*([number] for number in given))
    assert (found.difference.low[0], found.difference.high[0]) == pytest.approx((low, high), abs=5e-5)
    assert found.difference.value[0] == pytest.approx(given[0] / given[1] - given[2] / given[3])
    beyond = low > 0
    assert found.verdict[0] == (Verdict.BEYOND_CHANCE if beyond else Verdict.CHANCE)


SHARES = st.integers(1, 5_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@given(SHARES, SHARES)
def test_a_difference_of_shares_stays_possible_and_turns_with_its_sides(
    one: tuple[int, int], other: tuple[int, int]
) -> None:
    there, back = compare_shares(*one, *other), compare_shares(*other, *one)
    assert -1 <= there.difference.low <= there.difference.value <= there.difference.high <= 1
    assert there.difference.low == pytest.approx(-float(back.difference.high))
    assert there.verdict == back.verdict


def test_a_share_of_unknown_or_no_controls_is_compared_with_nothing() -> None:
    found = compare_shares([np.nan, 3, 0, 5], [10, np.nan, 0, 4], 3, 10)
    assert found.verdict.tolist() == [Verdict.UNKNOWN] * 4
    assert np.isnan(found.difference.value).all()
