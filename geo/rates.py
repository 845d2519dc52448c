"""Rates and shares with the interval that says how much a small count can bear."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import gammaincinv, ndtri  # not scipy.stats: most of a second at every start


@dataclass(frozen=True, slots=True)
class Rates:
    """A figure and the bounds of its interval, arrays of equal length; NaN in all three where it is unknown."""

    value: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]


def rate_with_interval(
    counts: ArrayLike, population: ArrayLike, per: float = 100_000, confidence: float = 0.95
) -> Rates:
    """Divide counts by populations, with the exact Poisson interval.

    Exact means that the true rate is inside at least `confidence` of the time however small the count, where the
    usual ±1.96 √n is far off below some twenty facts and gives [0, 0] for none. A count of 0 has a low bound of 0
    and a high bound that still depends on the population: "none seen" says less of a village than of a city.

    Args:
        counts: Numbers of facts, ≥ 0; NaN where unknown or protected.
        population: Inhabitants, same shape or one number; NaN or 0 gives no rate.
        per: Inhabitants in the unit of the answer.
        confidence: Of the two-sided interval.

    References:
        Garwood (1936), Fiducial limits for the Poisson distribution, Biometrika 28(3/4), doi:10.1093/biomet/28.3-4.437
    """
    counts, population = _paired(counts, population)
    known = (counts >= 0) & (population > 0)
    n = counts[known]
    tail = (1 - confidence) / 2
    # Half the quantile of chi-squared with 2n degrees of freedom is that of the gamma law of shape n.
    low = np.where(n > 0, gammaincinv(n, tail), 0.0)  # no such law of shape 0
    high = gammaincinv(n + 1, 1 - tail)
    return Rates(*(_spread(known, bound * per / population[known]) for bound in (n, low, high)))


def share_with_interval(positive: ArrayLike, checked: ArrayLike, confidence: float = 0.95) -> Rates:
    """Divide positive controls by controls made, with Wilson's score interval.

    It stays within [0, 1] and keeps its promise for small numbers and shares near 0 or 1, which is where controls
    are; the usual ± 1.96 √(p(1-p)/n) does neither.

    Args:
        positive: Numbers of positive controls, 0 to `checked`; NaN where unknown.
        checked: Numbers of controls; NaN where unknown; 0 gives no share.
        confidence: Of the two-sided interval.

    Returns:
        Shares from 0 to 1. NaN also where `positive` exceeds `checked`, which counts two different things.

    References:
        Wilson (1927), Probable inference, the law of succession, and statistical inference, Journal of the American
        Statistical Association 22(158), doi:10.1080/01621459.1927.10502953
    """
    positive, checked = _paired(positive, checked)
    known = (positive >= 0) & (checked > 0) & (positive <= checked)
    n = checked[known]
    p = positive[known] / n
    z = float(ndtri((1 + confidence) / 2))
    centre = (p + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    # At the ends the bound is the share itself; floating point would leave 1e-17 beside it.
    low = np.where(p == 0, 0.0, centre - half)
    high = np.where(p == 1, 1.0, centre + half)
    return Rates(*(_spread(known, bound) for bound in (p, low, high)))


def _paired(first: ArrayLike, second: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    one, other = np.broadcast_arrays(np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64))
    return one, other


def _spread(known: NDArray[np.bool_], values: NDArray[np.float64]) -> NDArray[np.float64]:
    out = np.full(known.shape, np.nan)
    out[known] = values
    return out
