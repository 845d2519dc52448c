"""How a load is shared out, against the mean of those who bear it."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def against_mean(loads: ArrayLike) -> NDArray[np.float64]:
    """Each load as a multiple of the mean of those that are known, shape (n,).

    NaN where a load is unknown, and everywhere when the mean is 0 or nothing is known.

    >>> against_mean([1, 3, float("nan")]).tolist()
    [0.5, 1.5, nan]
    """
    values = np.asarray(loads, dtype=np.float64)
    known = ~np.isnan(values)
    mean = values[known].mean() if known.any() else 0.0
    return values / mean if mean else np.full(values.shape, np.nan)
