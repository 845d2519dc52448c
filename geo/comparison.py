"""Two rates or two shares: how much more, how surely, and whether chance is enough to explain it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import betainc, betainccinv, betaincinv  # not scipy.stats: most of a second at every start

from geo.errors import N_, GeometryError
from geo.rates import Rates, share_with_interval


class Verdict(IntEnum):
    """Whether chance explains a difference, as a code; the page has the words."""

    UNKNOWN = 0
    CHANCE = 1  # is enough to explain it
    BEYOND_CHANCE = 2  # is not


@dataclass(frozen=True, slots=True)
class Comparison:
    """How a rate stands to another, arrays of one shape; NaN and `Verdict.UNKNOWN` where either is unknown."""

    ratio: Rates  # of the first rate to the second; inf where only the second is 0, value NaN where both are
    direction: NDArray[np.float64]  # 1: the first rate is higher, -1: lower, 0: equal
    p_value: NDArray[np.float64]
    verdict: NDArray[np.int8]  # of `Verdict`


@dataclass(frozen=True, slots=True)
class ShareComparison:
    """How a share stands to another, arrays of one shape; NaN and `Verdict.UNKNOWN` where either is unknown."""

    difference: Rates  # of the first share less the second, from -1 to 1
    verdict: NDArray[np.int8]  # of `Verdict`


def compare_rates(
    counts: ArrayLike,
    exposures: ArrayLike,
    other_counts: ArrayLike,
    other_exposures: ArrayLike,
    confidence: float = 0.95,
) -> Comparison:
    """Compare the rates of two independent Poisson counts, exactly, however small they are.

    Of the facts of both together, the first count is binomial when both rates are equal, with the first share of
    the exposure as its probability. The p-value doubles the smaller tail, and the interval is Clopper and Pearson's
    for that share, turned into a ratio of rates: 1 is outside the interval exactly where the verdict is beyond
    chance. The other custom, which adds up all outcomes that are no more likely than the one seen (R's
    `poisson.test`, scipy's `binomtest`), can reject beside an interval that holds 1: a screen shows both, and
    they must agree.

    Two zeros say nothing against equal rates: their verdict is chance, and their interval goes from 0 to infinity.

    Args:
        counts: Numbers of facts, whole, ≥ 0; NaN where unknown or protected. All four broadcast.
        exposures: What they are counted over, in one unit for both: days, inhabitants, inhabitants × days; without one
            above 0 the answer is unknown.
        other_counts: What the first are compared with: the period before, another territory.
        other_exposures: As `exposures`.
        confidence: Of the two-sided interval; the verdict is beyond chance where p is below what is left of 1.

    Raises:
        GeometryError: Counts that are not whole (kilograms, say): no such test is theirs.

    References:
        Przyborowski and Wilenski (1940), Homogeneity of results in testing samples from Poisson series, Biometrika
        31(3/4), doi:10.1093/biomet/31.3-4.313
        Clopper and Pearson (1934), The use of confidence or fiducial limits, Biometrika 26(4),
        doi:10.1093/biomet/26.4.404
        Fay (2010), Two-sided exact tests and matching confidence intervals for discrete data, R Journal 2(1),
        doi:10.32614/RJ-2010-008
    """
    columns = (np.asarray(column, dtype=np.float64) for column in (counts, exposures, other_counts, other_exposures))
    first, exposure, second, other = np.broadcast_arrays(*columns)
    known = np.isfinite(first + exposure + second + other) & (first >= 0) & (second >= 0) & (exposure > 0) & (other > 0)
    a, b = whole_counts(first[known]), whole_counts(second[known])
    share, unit = exposure[known] / (exposure[known] + other[known]), other[known] / exposure[known]

    def spread(values: NDArray[np.float64]) -> NDArray[np.float64]:
        out = np.full(known.shape, np.nan)
        out[known] = values
        return out

    p_value = doubled_tail(a, b, share)
    low, high = _odds(a, b, (1 - confidence) / 2)
    verdict = np.full(known.shape, Verdict.UNKNOWN, dtype=np.int8)
    verdict[known] = np.where(p_value < 1 - confidence, Verdict.BEYOND_CHANCE, Verdict.CHANCE)
    with np.errstate(divide="ignore", invalid="ignore"):  # x / 0 is infinite, 0 / 0 is no ratio
        value = a * other[known] / (b * exposure[known])
    direction = np.sign(a * other[known] - b * exposure[known])
    return Comparison(Rates(spread(value), spread(low * unit), spread(high * unit)), spread(direction),
                      spread(p_value), verdict)  # fmt: skip


def compare_shares(
    positive: ArrayLike,
    checked: ArrayLike,
    other_positive: ArrayLike,
    other_checked: ArrayLike,
    confidence: float = 0.95,
) -> ShareComparison:
    """Compare two independent shares, of positive controls say, with Newcombe's hybrid score interval (his method 10).

    The two Wilson intervals that stand beside the shares (`geo.rates.share_with_interval`) are put together, so that
    the difference stays within [-1, 1] and holds its promise for few controls and shares near 0 or 1, where the usual
    ± 1.96 standard errors does not. The verdict is beyond chance exactly where 0 is outside the interval: a screen
    shows both, and they must agree.

    Args:
        positive: Numbers of positive controls; NaN where unknown or protected. All four broadcast.
        checked: Numbers of controls; NaN where unknown; 0 gives no share.
        other_positive: As `positive`, of the share to compare with.
        other_checked: As `checked`.
        confidence: Of the two-sided interval.

    References:
        Newcombe (1998), Interval estimation for the difference between independent proportions: comparison of eleven
        methods, Statistics in Medicine 17(8),
        doi:10.1002/(SICI)1097-0258(19980430)17:8<873::AID-SIM779>3.0.CO;2-I
    """
    columns = (np.asarray(column, dtype=np.float64) for column in (positive, checked, other_positive, other_checked))
    a, m, b, n = np.broadcast_arrays(*columns)
    first, second = share_with_interval(a, m, confidence), share_with_interval(b, n, confidence)
    value = first.value - second.value
    low = value - np.hypot(first.value - first.low, second.high - second.value)
    high = value + np.hypot(first.high - first.value, second.value - second.low)
    verdict = np.where((low > 0) | (high < 0), Verdict.BEYOND_CHANCE, Verdict.CHANCE).astype(np.int8)
    verdict[np.isnan(value)] = Verdict.UNKNOWN
    return ShareComparison(Rates(value, low, high), verdict)


def whole_counts(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    """The counts; raises `GeometryError` where one is not whole: what is weighed is not Poisson."""
    broken = counts != np.floor(counts)
    if broken.any():
        raise GeometryError(
            N_("Des nombres entiers sont attendus, et non « {given} »."), given=float(counts[broken][0])
        )
    return counts


def doubled_tail(a: NDArray[np.float64], b: NDArray[np.float64], share: NDArray[np.float64]) -> NDArray[np.float64]:
    """Two-sided p-value of a binomial count `a` out of `a + b`, as `compare_rates` has it: twice the smaller tail."""
    at_least = np.where(a > 0, betainc(np.maximum(a, 1), b + 1, share), 1.0)
    at_most = np.where(b > 0, betainc(np.maximum(b, 1), a + 1, 1 - share), 1.0)
    return np.asarray(np.minimum(1.0, 2 * np.minimum(at_least, at_most)), dtype=np.float64)


def _odds(
    a: NDArray[np.float64], b: NDArray[np.float64], tail: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Limits of share / (1 - share); the two parts apart, so that nothing is lost where the share is close to 1."""
    with np.errstate(divide="ignore"):
        one, other = np.maximum(a, 1), np.maximum(b, 1)
        low = np.where(a > 0, betaincinv(one, b + 1, tail) / betainccinv(b + 1, one, tail), 0.0)
        high = np.where(b > 0, betainccinv(a + 1, other, tail) / betaincinv(other, a + 1, tail), np.inf)
    return low, high


def holm(p_values: NDArray[np.float64], error: float) -> NDArray[np.bool_]:
    """Which of several tests are beyond chance, all taken together (Holm's step-down); NaN is no test."""
    tested = np.flatnonzero(np.isfinite(p_values))
    order = tested[np.argsort(p_values[tested], kind="stable")]
    enough = p_values[order] <= error / (len(order) - np.arange(len(order)))
    beyond = np.zeros(p_values.shape, dtype=np.bool_)
    beyond[order[: len(order) if enough.all() else int(np.argmin(enough))]] = True
    return beyond
