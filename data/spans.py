"""Number the spans of days that the embedded store keeps counts for, and cover any period with few of them.

A span of level l lasts 4^l days and begins at a multiple of its length: a month is about eight spans, ten years are
some twenty. What a busy hexagon costs to read then grows with the logarithm of the period instead of with its days.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

import numpy as np
from numpy.typing import NDArray

LEVELS = 6  # spans of 1, 4, 16, 64, 256 and 1,024 days
BITS = 2  # of the day's number that each level drops
EPOCH = date(1970, 1, 1)
FIRST_DAY = -(1 << 20)  # in days since 1970: every day of Python's calendar is later, so that no number is negative
LEVEL_SHIFT, ZONE_SHIFT = 24, 28  # of a part's number: zone, level, span


def spans_between(start: date, stop: date) -> list[int]:
    """Numbers of the longest spans that make up the days from `start` to `stop`, the latter excluded.

    >>> [number >> LEVEL_SHIFT for number in spans_between(date(1970, 1, 2), date(1970, 1, 10))]
    [0, 0, 0, 1, 0]
    """
    first, end = ((day - EPOCH).days - FIRST_DAY for day in (start, stop))
    before: list[int] = []
    after: list[int] = []
    for level in range(LEVELS):
        coarsest = level == LEVELS - 1
        while first < end and (coarsest or first & 3):
            before.append(level << LEVEL_SHIFT | first)
            first += 1
        while first < end and end & 3:
            end -= 1
            after.append(level << LEVEL_SHIFT | end)
        first, end = first >> BITS, end >> BITS
    return before + after[::-1]


def longest_spans(first: date, last: date) -> list[int]:
    """Numbers of the longest spans that hold the days from `first` to `last`, both included."""
    begin, end = (((day - EPOCH).days - FIRST_DAY) >> (BITS * (LEVELS - 1)) for day in (first, last))
    return [(LEVELS - 1) << LEVEL_SHIFT | number for number in range(begin, end + 1)]


def parts(zones: Iterable[int], spans: Iterable[int]) -> list[int]:
    """Numbers of all combinations of these zones and spans."""
    wanted = list(spans)
    return [zone << ZONE_SHIFT | span for zone in zones for span in wanted]


def part_of(zones: NDArray[np.integer], days: NDArray[np.datetime64]) -> NDArray[np.int64]:
    """Part of level 0 of each day in its zone, shape (n,)."""
    since = days.astype("datetime64[D]").astype(np.int64) - FIRST_DAY
    return (zones.astype(np.int64) << ZONE_SHIFT) | since


def coarser(part: NDArray[np.int64]) -> NDArray[np.int64]:
    """The part one level above each, shape (n,)."""
    zone, level, span = part >> ZONE_SHIFT, (part >> LEVEL_SHIFT) & 15, part & ((1 << LEVEL_SHIFT) - 1)
    return (zone << ZONE_SHIFT) | ((level + 1) << LEVEL_SHIFT) | (span >> BITS)
