"""Times of the place and times of the world: legal time ↔ UTC, whole columns at once."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Instants = NDArray[np.datetime64]  # microseconds


class Times(NamedTuple):
    """Shape (lines,) each: the instant in UTC and the clock on the wall at the place, in microseconds."""

    utc: Instants
    local: Instants


def resolve(wall: Instants, offset_minutes: NDArray[np.float64], zones: list[str], zone: NDArray[np.intp]) -> Times:
    """Turn times as written into UTC and legal time of the place.

    Args:
        wall: Shape (lines,), the time as written; NaT when unknown.
        offset_minutes: Shape (lines,), minutes east of UTC when the file gives them; NaN: legal time of the place.
        zones: IANA names.
        zone: Shape (lines,), position in `zones` of each line's zone.

    The hour that comes twice in autumn is read as the first one; a time that the clock skips in spring is moved to
    the first one that exists.
    """
    utc = wall.astype("datetime64[us]", copy=True)
    local = utc.copy()
    written = np.isfinite(offset_minutes)
    if written.any():
        minutes = np.where(written, offset_minutes, 0).astype("timedelta64[m]")
        utc = np.where(written, wall - minutes, utc)
    for position, name in enumerate(zones):
        here = zone == position
        _fill(utc, local, here & ~written, name, from_utc=False)
        _fill(utc, local, here & written, name, from_utc=True)
    return Times(utc, local)


def _fill(utc: Instants, local: Instants, rows: NDArray[np.bool_], zone: str, *, from_utc: bool) -> None:
    if not rows.any():
        return
    everything = bool(rows.all())
    if from_utc:
        there = pd.DatetimeIndex(utc if everything else utc[rows]).tz_localize("UTC").tz_convert(zone)
        local[rows] = there.tz_localize(None).to_numpy()
        return
    wall = pd.DatetimeIndex(local if everything else local[rows])
    first = np.ones(len(wall), dtype=bool)  # "is it summer time?" for the hour that comes twice: yes, the first one
    there = wall.tz_localize(zone, ambiguous=first, nonexistent="shift_forward")
    utc[rows] = there.tz_convert(None).to_numpy()


def days_and_hours(local: Instants) -> tuple[NDArray[np.datetime64], NDArray[np.int64]]:
    """Civil day and hour (0 to 23) on the wall clock. Shape (lines,) each; a NaT gives the hour 0."""
    days = local.astype("datetime64[D]")
    hours = (local - days).astype("timedelta64[h]").astype(np.int64)
    return days, np.where(np.isnat(local), 0, hours)
