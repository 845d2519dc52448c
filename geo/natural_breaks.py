"""Natural breaks: values in classes with the least sum of squared deviations from the mean of each (Fisher 1958).

W. D. Fisher, "On grouping for maximum homogeneity", Journal of the American Statistical Association 53, 789-798;
known to cartographers by the name of Jenks.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def natural_breaks(values: NDArray[np.float64], weights: NDArray[np.float64], k: int) -> NDArray[np.intp]:
    """Positions of the last value of each class, of `k` classes.

    Exact, in time and memory that grow with the square of the number of values: meant for some hundreds. Of several
    that are as good, the one whose last classes are the longest.

    Args:
        values: Rising, each once, shape (n,); n ≥ k ≥ 1.
        weights: How often each occurs, shape (n,).
    """
    within = _within(values, weights)
    best, starts = within[0], []  # least sum of the values up to each one, in the classes so far
    for _ in range(1, k):
        total = np.full_like(within, np.inf)
        total[1:] = best[:-1, None] + within[1:]
        starts.append(total.argmin(axis=0))  # of the last class, where it ends with each value
        best = total.min(axis=0)
    tops = [len(values) - 1]
    for start in reversed(starts):
        tops.append(int(start[tops[-1]]) - 1)
    return np.array(tops[::-1], dtype=np.intp)


def _within(values: NDArray[np.float64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sum of squared deviations of the values from the row's to the column's; infinite where there is none."""
    middle = np.average(values, weights=weights)  # far from zero, squares would lose their digits
    weight, first, second = (
        np.concatenate([[0.0], np.cumsum(weights * (values - middle) ** power)]) for power in (0, 1, 2)
    )
    count, total, squares = (sums[None, 1:] - sums[:-1, None] for sums in (weight, first, second))
    with np.errstate(divide="ignore", invalid="ignore"):  # below the diagonal
        deviations = np.maximum(squares - total**2 / count, 0.0)
    return np.where(np.tri(len(values), k=-1, dtype=np.bool_), np.inf, deviations)
