"""Ranks with the ranks that cannot be told from them: never one without the other."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from geo.comparison import doubled_tail, whole_counts
from geo.errors import N_, GeometryError


@dataclass(frozen=True, slots=True)
class Ranking:
    """Ranks from the highest rate (1) down, arrays of shape (n,); NaN where unknown, which takes no rank."""

    rank: NDArray[np.float64]  # of the rates as they were seen; equal ones share the better
    best: NDArray[np.float64]  # the first and the last rank that may be the true one
    worst: NDArray[np.float64]
    ranked: int  # territories with a rank


def rank_rates(counts: ArrayLike, population: ArrayLike, confidence: float = 0.95) -> Ranking:
    """Rank territories by rate, each with the interval of ranks that holds its true one.

    Each pair is compared exactly (`geo.comparison`). A territory cannot rank before those surely above it, nor after
    those surely below it; everything else is open. With Holm's correction over all pairs and both directions, the
    intervals of all territories hold their true ranks together, at least `confidence` of the time. Simulated ranks,
    the other custom, promise less: with rates close to one another their intervals miss the true rank far more often
    than they say. No random number is drawn, so the same table has the same ranks.

    Args:
        counts: Numbers of facts, whole, ≥ 0, shape (n,); NaN where unknown or protected.
        population: Inhabitants, or any exposure, shape (n,); NaN or 0 gives no rank.
        confidence: Of all intervals together.

    Raises:
        GeometryError: Counts that are not whole, columns of several lengths.

    References:
        Mogstad, Romano, Shaikh and Wilhelm (2024), Inference for ranks with applications to mobility across
        neighbourhoods and academic achievement across countries, Review of Economic Studies 91(1),
        doi:10.1093/restud/rdad006
        Holm (1979), A simple sequentially rejective multiple test procedure, Scandinavian Journal of Statistics 6(2)
    """
    count, size = np.asarray(counts, dtype=np.float64), np.asarray(population, dtype=np.float64)
    if count.shape != size.shape or count.ndim != 1:
        raise GeometryError(N_("Les colonnes à comparer n'ont pas toutes la même longueur."))
    known = np.isfinite(count + size) & (count >= 0) & (size > 0)
    facts, people = whole_counts(count[known]), size[known]
    n = len(facts)
    above, below = _surely(facts, people, 1 - confidence)
    rates = facts / people

    def spread(ranks: NDArray[np.intp]) -> NDArray[np.float64]:
        out = np.full(count.shape, np.nan)
        out[known] = ranks
        return out

    return Ranking(
        rank=spread(1 + n - np.searchsorted(np.sort(rates), rates, side="right")),
        best=spread(1 + np.bincount(below, minlength=n)),
        worst=spread(n - np.bincount(above, minlength=n)),
        ranked=n,
    )


def _surely(
    facts: NDArray[np.float64], people: NDArray[np.float64], error: float
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Pairs of which the first is above the second, beyond chance for all pairs at once."""
    first, second = np.triu_indices(len(facts), k=1)
    p_value = doubled_tail(facts[first], facts[second], people[first] / (people[first] + people[second]))
    order = np.argsort(p_value, kind="stable")
    # A pair is two hypotheses, one each way, and a step rejects one of them: half of p, against error / those left.
    steps = np.arange(len(order))
    enough = p_value[order] / 2 <= error / (2 * len(order) - steps)
    sure = order[: len(order) if enough.all() else int(np.argmin(enough))]
    first, second = first[sure], second[sure]
    higher = facts[first] * people[second] > facts[second] * people[first]
    return np.where(higher, first, second), np.where(higher, second, first)
