"""Funnel plots: which territories stand out of their kind, given how large they are; instead of a league table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import betainc, pdtr  # not scipy.stats: most of a second at every start

from geo.comparison import whole_counts
from geo.errors import N_, GeometryError

Law = Literal["poisson", "binomial"]
Dispersion = Literal["none", "multiplicative", "additive"]
Floats = NDArray[np.float64]

WARNING, ALARM = 0.95, 0.998  # the two pairs of control limits; about 2 and 3 standard deviations
WINSORISED = 0.1  # share of the z-scores brought in at each end before the dispersion is estimated


class Standing(IntEnum):
    """Where a territory stands in the funnel, as a code; the page has the words."""

    UNKNOWN = 0
    INSIDE = 1  # of both pairs of limits
    ABOVE = 2  # the limits of 95 %
    FAR_ABOVE = 3  # those of 99.8 %
    BELOW = 4
    FAR_BELOW = 5


class Band(NamedTuple):
    """Control limits, arrays of one shape, in the unit of the figures."""

    low: Floats
    high: Floats


@dataclass(frozen=True, slots=True)
class Limits:
    """What the figures of territories that differ by chance, and by the dispersion allowed for, keep to."""

    law: Law
    per: float  # unit of the figures: for so many inhabitants, or controls
    target: float  # in that unit; NaN when nothing is known
    phi: float  # mean square of the winsorised z-scores: about 1 or less where chance is enough; NaN: not known
    tau: float  # standard deviation of the territories' true figures, beyond chance, in the unit of the figures
    dispersion: Dispersion  # what the limits allow for

    def at(self, exposures: ArrayLike, confidence: float) -> Band:
        """The limits for territories of these sizes (inhabitants or controls, any shape): to judge, or to draw lines.

        NaN where the size is unknown or 0.
        """
        sizes = np.asarray(exposures, dtype=np.float64)
        known = (sizes > 0) & np.isfinite(sizes) & np.isfinite(self.target)
        size, rate = sizes[known], self.target / self.per
        variance = _variance(self.law, rate, size)
        widened = np.ones(size.shape)
        if self.dispersion == "multiplicative" and self.phi > 1:
            widened *= np.sqrt(self.phi)
        elif self.dispersion == "additive" and self.tau > 0:
            widened = np.sqrt(1 + (self.tau / self.per) ** 2 / variance)
        most = 1.0 if self.law == "binomial" else np.inf
        band = Band(np.full(sizes.shape, np.nan), np.full(sizes.shape, np.nan))
        for limit, tail, side in zip(band, ((1 - confidence) / 2, (1 + confidence) / 2), (-1, 1), strict=True):
            # Where less than 0.025 facts are expected, the upper quantile falls short of the target: no limit does.
            away = side * np.maximum(side * (_quantile(self.law, rate, size, tail) / size - rate), 0)
            limit[known] = np.clip(rate + away * widened, 0, most) * self.per
        return band


@dataclass(frozen=True, slots=True)
class Funnel:
    """Territories of one kind around their common figure; arrays of shape (n,), NaN where unknown."""

    limits: Limits
    value: Floats  # in the unit of the limits
    expected: Floats  # number of facts at the target
    z: Floats  # departures from the target in standard deviations of chance alone; NaN too where chance has none
    standing: NDArray[np.int8]  # of `Standing`


def rate_funnel(
    counts: ArrayLike,
    population: ArrayLike,
    per: float = 100_000,
    *,
    target: float | None = None,
    dispersion: Dispersion = "additive",
) -> Funnel:
    """Compare the rates of many territories with what chance does around one rate.

    The limits are exact Poisson limits, interpolated between whole counts as in the paper's appendix. Where few facts
    are expected, chance crosses the upper line more often than promised: in 8 % of cases instead of 2.5 % where one
    is. So `standing` calls above only who would be there with one fact fewer too, which keeps the promise on both
    sides: a point drawn less than one fact beyond the upper line stands inside.

    Territories differ for many reasons, so that large ones all lie outside limits made for chance alone. `phi`, the
    mean square of the z-scores, says by how much; the most extreme tenth at each end is first brought in to
    the next (winsorised), as those are what the plot looks for. It is allowed for only when it exceeds 1:

    - "multiplicative" widens all limits by √phi: right when each territory's facts come in clusters;
    - "additive" (the default, and the later advice of the same author) adds a variance tau² between territories to
      that of chance (DerSimonian and Laird's estimate): right when their true rates differ, as those of départements
      do. Limits of the largest then stay apart, where those of the multiplicative kind would still close in.

    The paper widens normal limits; here the exact ones are widened by the same factor: the same for large counts,
    and no jump between a dispersion of 1 and of a little more. A dispersion estimated from two or six territories
    means nothing: give all of their kind, and point out the few.

    Args:
        counts: Numbers of facts, whole, shape (n,); NaN where unknown or protected.
        population: Inhabitants, shape (n,); NaN or 0 gives no figure.
        per: Inhabitants in the unit of the figures.
        target: The rate to compare with, in that unit; None: all known facts over all their inhabitants.
        dispersion: What the limits allow for.

    Raises:
        GeometryError: Counts that are not whole, columns of several lengths, a target below 0.

    References:
        Spiegelhalter (2005), Funnel plots for comparing institutional performance, Statistics in Medicine 24,
        doi:10.1002/sim.1970; Handling over-dispersion of performance indicators, Quality and Safety in Health Care 14,
        doi:10.1136/qshc.2005.013755
        DerSimonian and Laird (1986), Meta-analysis in clinical trials, Controlled Clinical Trials 7,
        doi:10.1016/0197-2456(86)90046-2
    """
    return _funnel("poisson", counts, population, per, target, dispersion)


def share_funnel(
    positive: ArrayLike,
    checked: ArrayLike,
    per: float = 100,
    *,
    target: float | None = None,
    dispersion: Dispersion = "additive",
) -> Funnel:
    """Compare shares, of positive controls say, as `rate_funnel` does rates, with exact binomial limits.

    Args:
        positive: Whole numbers from 0 to `checked`, shape (n,); NaN where unknown.
        checked: Numbers of controls, whole, shape (n,); NaN or 0 gives no figure.
        per: Controls in the unit of the figures: 100 for a percentage.
        target: The share to compare with, in that unit; None: that of all known.
        dispersion: What the limits allow for.

    Returns:
        Also unknown where `positive` exceeds `checked`, which counts two different things.

    Raises:
        GeometryError: As `rate_funnel`; numbers of controls that are not whole, a target above `per`.
    """
    return _funnel("binomial", positive, checked, per, target, dispersion)


def dispersion_of(z: Floats, variances: Floats, winsorised: float = WINSORISED) -> tuple[float, float]:
    """Estimate how much more z-scores vary than by chance: phi, and the variance tau² between units.

    Args:
        z: Departures in standard deviations, shape (n,), none unknown.
        variances: Squares of those standard deviations, shape (n,), above 0.
        winsorised: Share of the z-scores at each end that is brought in to the quantile there.

    Returns:
        phi, NaN without units; tau² in the unit of `variances`, 0 where chance is enough.
    """
    n = len(z)
    if n == 0:
        return float("nan"), 0.0
    phi = float(np.mean(np.clip(z, *np.quantile(z, [winsorised, 1 - winsorised])) ** 2))
    if n == 1:
        return phi, 0.0
    weights = 1 / variances
    return phi, max(0.0, float((n * phi - (n - 1)) / (weights.sum() - (weights**2).sum() / weights.sum())))


def _funnel(
    law: Law, counts: ArrayLike, exposures: ArrayLike, per: float, target: float | None, dispersion: Dispersion
) -> Funnel:
    count, exposure = np.asarray(counts, dtype=np.float64), np.asarray(exposures, dtype=np.float64)
    if count.shape != exposure.shape or count.ndim != 1:
        raise GeometryError(N_("Les colonnes à comparer n'ont pas toutes la même longueur."))
    known = np.isfinite(count + exposure) & (count >= 0) & (exposure > 0)
    if law == "binomial":
        known &= count <= exposure
        whole_counts(exposure[known])
    facts, size = whole_counts(count[known]), exposure[known]
    if target is not None:
        rate = _target(law, target, per)
    else:
        rate = float(facts.sum() / size.sum()) if known.any() else float("nan")
    variance = _variance(law, rate, size)
    chance = variance > 0  # a target of nought leaves it no play, and a departure from it no scale
    z = np.full(len(size), np.nan)
    z[chance] = (facts / size - rate)[chance] / np.sqrt(variance[chance])
    phi, tau2 = dispersion_of(z[chance], variance[chance])
    limits = Limits(law, per, rate * per, phi, float(np.sqrt(tau2)) * per, dispersion)

    def spread(values: Floats) -> Floats:
        out = np.full(known.shape, np.nan)
        out[known] = values
        return out

    value = spread(facts / size * per)
    return Funnel(limits, value, spread(rate * size), spread(z), _standing(value, spread(size), limits))


def _target(law: Law, target: float, per: float) -> float:
    if not 0 <= target <= (per if law == "binomial" else np.inf):
        raise GeometryError(
            N_("Référence {given} : attendu un nombre positif ou nul, et pour une part au plus {most}."),
            given=target,
            most=per,
        )
    return target / per


def _variance(law: Law, rate: float, sizes: Floats) -> Floats:
    return (rate * (1 - rate) if law == "binomial" else rate) / sizes


def _standing(value: Floats, sizes: Floats, limits: Limits) -> NDArray[np.int8]:
    standing = np.full(value.shape, Standing.UNKNOWN, dtype=np.int8)
    standing[np.isfinite(value)] = Standing.INSIDE
    for level, above, below in (
        (WARNING, Standing.ABOVE, Standing.BELOW),
        (ALARM, Standing.FAR_ABOVE, Standing.FAR_BELOW),
    ):
        band = limits.at(sizes, level)
        standing[value - limits.per / sizes >= band.high] = above
        standing[value < band.low] = below
    return standing


def _quantile(law: Law, rate: float, sizes: Floats, p: float) -> Floats:
    """The count that chance stays at or below with probability p, between whole counts along straight lines.

    With r the smallest count of which that is at least p: r - (P(R ≤ r) - p) / P(R = r), appendix A.1.1 of the paper.
    """
    if law == "binomial":
        return _between(lambda r: np.where(r < sizes, betainc(sizes - np.minimum(r, sizes - 1), r + 1, 1 - rate), 1.0),
                        np.floor(sizes), p)  # fmt: skip
    mean = rate * sizes
    return _between(lambda r: pdtr(r, mean), np.ceil(mean + 10 * np.sqrt(mean) + 10), p)


def _between(cumulated: Callable[[Floats], Floats], most: Floats, p: float) -> Floats:
    """Halve the whole numbers from -1 (nothing) to `most` (at least p) until two neighbours hold p between them."""
    low, high = np.full(most.shape, -1.0), most
    while (high - low > 1).any():
        middle = np.floor((low + high) / 2)
        enough = (middle >= 0) & (cumulated(np.maximum(middle, 0)) >= p)
        low, high = np.where(enough, low, middle), np.where(enough, middle, high)
    at, below = cumulated(high), np.where(high > 0, cumulated(np.maximum(high - 1, 0)), 0.0)
    return high - (at - p) / (at - below)
