"""Small numbers, for those who see only aggregates."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from geo.errors import N_, GeometryError


def protect(counts: ArrayLike, threshold: int) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Hide counts of 1 to k-1 and round the others to a multiple of k.

    Hiding alone protects nothing on a map that can be asked twice: the count of a month minus the count of the month
    without its last day is the count of that day, a hexagon minus six of its seven children is the seventh, all
    drugs minus all but one is that one. Once every count shown is a multiple of k, a difference of two of them is a
    multiple of k too: it cannot single out a group of fewer than k. What a reader still learns of one count is a
    range of k values. Zeros stay: that nothing was seen at a place says nothing of a person.

    Conventional rounding to a base, applied to every cell of a table and to its totals independently, is the
    remedy against differencing in: Hundepool et al. (2012), Statistical Disclosure Control, Wiley, § 5.4
    doi:10.1002/9781118348239. It costs additivity: rounded parts need not sum to the rounded whole.

    Args:
        counts: Whole numbers ≥ 0, any shape; NaN where unknown.
        threshold: k. With 0 or 1 nothing is protected.

    Returns:
        shown: The counts as they may be shown; NaN where unknown or protected. Halves go up: 15 with k = 10 gives 20.
        protected: True where a count of 1 to k-1 was hidden.

    Raises:
        GeometryError: A negative threshold.
    """
    if threshold < 0:
        raise GeometryError(N_("Seuil {given} : attendu un entier positif ou nul."), given=threshold)
    shown = np.array(counts, dtype=np.float64)
    if threshold <= 1:
        return shown, np.zeros(shown.shape, dtype=np.bool_)
    protected = (shown > 0) & (shown < threshold)
    shown = np.floor(shown / threshold + 0.5) * threshold
    shown[protected] = np.nan
    return shown, protected
