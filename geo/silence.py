"""Who usually reports and has not: how long each unit has been silent, and whether chance explains it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import gammaln

from geo.comparison import holm
from geo.errors import N_, GeometryError

WEEK = 7


@dataclass(frozen=True, slots=True)
class Silences:
    """How long units have been silent at the end of a span of days; arrays of shape (units,)."""

    days: NDArray[np.int64]  # without a fact, up to the last day; the whole span: it never reported
    active_days: NDArray[np.int64]  # of the span, with a fact
    p_value: NDArray[np.float64]  # of a silence as long or longer, were its active days spread by chance; NaN: no such
    beyond_chance: NDArray[np.bool_]  # all units tested together


def silences(active: ArrayLike, error: float = 0.05) -> Silences:
    """Test the silence at the end of each unit's days against its own habit.

    Were a unit's k active Mondays drawn at random among its n Mondays, its last g Mondays would all be silent with
    probability C(n - g, k) / C(n, k); the product over the days of the week is that of the whole silence. It is exact
    for any habit in which one Monday is like another, rests at weekends included, and asks for no rate: a unit that
    reports several facts a day is not thought to be more regular than one that reports one. A unit whose habit changed
    long ago is silent by this test too, which is what is asked.

    Args:
        active: Whether a unit reported on a day, shape (units, days), days in order, all of them over.
        error: Probability that any unit at all is told silent while chance alone is at work.

    Raises:
        GeometryError: Not a table, or of no day.

    References:
        Fisher (1935), The logic of inductive inference, Journal of the Royal Statistical Society 98(1),
        doi:10.2307/2342435 (the hypergeometric probability of a table whose margins are given)
        Holm (1979), A simple sequentially rejective multiple test procedure, Scandinavian Journal of Statistics 6(2)
    """
    reported = np.asarray(active, dtype=np.bool_)
    if reported.ndim != 2 or not reported.shape[1]:
        raise GeometryError(N_("Les colonnes à comparer n'ont pas toutes la même longueur."))
    n = reported.shape[1]
    some = reported.any(axis=1)
    days = np.where(some, np.argmax(reported[:, ::-1], axis=1), n)
    active_days = reported.sum(axis=1)
    p_value = np.full(len(reported), np.nan)
    p_value[some] = np.exp(sum(_log_chance(reported[some, day::WEEK], day, days[some], n) for day in range(WEEK)))
    return Silences(days.astype(np.int64), active_days.astype(np.int64), p_value, holm(p_value, error))


def _log_chance(reported: NDArray[np.bool_], first: int, silent_days: NDArray[np.int64], n: int) -> NDArray[np.float64]:
    """Of one day of the week, every seventh from the span's day `first` on: that all in the silence are silent."""
    held = reported.shape[1]
    before = np.ceil(np.maximum(n - silent_days - first, 0) / WEEK).astype(np.int64)  # the silence
    active = reported.sum(axis=1)
    return _log_choose(before, active) - _log_choose(held, active)


def _log_choose(n: ArrayLike, k: NDArray[np.int64]) -> NDArray[np.float64]:
    n = np.asarray(n)
    return np.asarray(gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1), dtype=np.float64)
