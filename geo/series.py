"""Daily counts of several territories as curves that can be read: fewer points, and one scale for all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from geo.errors import N_, GeometryError

Step = Literal["day", "week", "month"]
MOST_DAYS = {"day": 62, "week": 550}  # of a period that is shown by days, by weeks; beyond, by months
MONDAY = np.datetime64("1969-12-29", "D")


@dataclass(frozen=True, slots=True)
class Steps:
    """Facts a day, on average over each step of a period; `mean` has a row for each curve."""

    step: Step
    starts: NDArray[np.datetime64]  # first day of each step, or of the period
    days: NDArray[np.int64]  # of the step that are in the period
    mean: NDArray[np.float64]  # shape (curves, steps); NaN where a day of the step is unknown or protected


def step_of(days: int) -> Step:
    """How long the steps of a period of so many days are: some dozens of points, however long it is."""
    for step in ("day", "week"):
        if days <= MOST_DAYS[step]:
            return step
    return "month"


def mean_by_step(days: NDArray[np.datetime64], counts: ArrayLike, step: Step) -> Steps:
    """Average daily counts over days, weeks (from Monday) or months.

    The average is by day, so that a week or a month of which only a part is in the period stands at the height of the
    others.

    Args:
        days: Consecutive days, shape (n,).
        counts: Facts of each day, shape (curves, n); NaN where unknown or protected.
        step: Length of the steps.

    Raises:
        GeometryError: Counts that are not one for each day.
    """
    values = np.atleast_2d(np.asarray(counts, dtype=np.float64))
    dates = days.astype("datetime64[D]")
    if values.shape[-1] != len(dates):
        raise GeometryError(N_("Les colonnes à comparer n'ont pas toutes la même longueur."))
    if not len(dates):
        return Steps(step, dates, np.empty(0, dtype=np.int64), values)
    names = {
        "day": dates.astype(np.int64),
        "week": (dates - MONDAY).astype(np.int64) // 7,
        "month": dates.astype("datetime64[M]").astype(np.int64),
    }[step]
    firsts = np.flatnonzero(np.diff(names, prepend=names[0] - 1))
    lengths = np.diff(np.append(firsts, len(dates)))
    return Steps(step, dates[firsts], lengths, np.add.reduceat(values, firsts, axis=1) / lengths)


def indexed(steps: Steps) -> NDArray[np.float64]:
    """Each curve against its own average over the period, which is 100; shape of `steps.mean`.

    The average is that of all its days, not of its first step: a single low first month would lift all that follows.
    NaN where a step is unknown, and everywhere in a curve without any fact, which has no average to be compared with.
    """
    known = ~np.isnan(steps.mean)
    weights = np.where(known, steps.days, 0)
    facts = (np.nan_to_num(steps.mean) * weights).sum(axis=1)
    days = weights.sum(axis=1)
    base = np.divide(facts, days, out=np.full(facts.shape, np.nan), where=(days > 0) & (facts > 0))
    return np.asarray(100 * steps.mean / base[:, None], dtype=np.float64)
