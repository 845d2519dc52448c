"""What a plan spread evenly over its period would have done by a day."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def expected_by(
    planned: ArrayLike, first_days: ArrayLike, last_days: ArrayLike, day: np.datetime64
) -> NDArray[np.float64]:
    """Planned numbers in proportion to the days gone by: a pace to compare with, not a forecast.

    Args:
        planned: For each whole period, ≥ 0.
        first_days: First day of each period, `datetime64[D]`, same shape.
        last_days: Last day of each period, included.
        day: The last day that counts, included: of the data, rather than of the calendar.

    Returns:
        0 before a period begins, all that was planned from its last day on.
    """
    first = np.asarray(first_days, dtype="datetime64[D]").astype(np.int64)
    days = np.asarray(last_days, dtype="datetime64[D]").astype(np.int64) - first + 1
    gone = np.clip(day.astype("datetime64[D]").astype(np.int64) - first + 1, 0, days)
    return np.asarray(np.asarray(planned, dtype=np.float64) * gone / days, dtype=np.float64)
