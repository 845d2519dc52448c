"""Classes of a measure: where one colour ends and the next begins, at numbers one can say.

Quantiles, or natural breaks, propose the limits; rounding makes them sayable, and only then are the
hexagons classed: no hexagon is ever in a class whose printed limits it does not meet.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from itertools import pairwise
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from geo.errors import N_
from geo.natural_breaks import natural_breaks
from layers.colours import MAX_CLASSES
from layers.errors import LayerError

Scheme = Literal["quantiles", "jenks"]
FormatNumber = Callable[[float], str]

JENKS_SAMPLE = 300  # values whose natural breaks are looked for, which costs their square
ROUNDING_SLACK = 0.12  # share of the narrower neighbour's width by which a limit may move toward a rounder number
SAYABLE_DIGITS = 2
NO_CLASS = 255


@dataclass(frozen=True, slots=True)
class Classes:
    """Classes of one measure. `bounds` has one more element than `labels` and `counts`; no class: all three empty.

    A class holds low ≤ value < high, the last one its high too. A diverging scale is symmetrical: mirrored values
    are in mirrored classes.
    """

    bounds: tuple[float, ...]
    labels: tuple[str, ...]
    counts: tuple[int, ...]
    diverging: bool = False
    whole: bool = False  # of whole numbers only

    def __len__(self) -> int:
        return len(self.labels)

    def indices(self, values: NDArray[np.float64]) -> NDArray[np.uint8]:
        """Class of each value; `NO_CLASS` for NaN and when there is no class."""
        return _indices(np.asarray(values, dtype=np.float64), self.bounds, self.diverging)


NO_CLASSES = Classes((), (), ())


def classify(
    values: NDArray[np.float64],
    scheme: Scheme = "quantiles",
    k: int = 6,
    *,
    format_number: FormatNumber,
) -> Classes:
    """Class the finite values of a measure into at most `k` classes; fewer when there are fewer distinct values.

    Args:
        values: NaN, the unknown ones, are left out. Zeros that are shown as a state of their own: leave them out.
        format_number: Writes a limit in the reader's language.

    Raises:
        LayerError: If `k` is not between 1 and 7, or a value is infinite.
    """
    known = _known(values, k)
    distinct = np.unique(known)
    if not distinct.size:
        return NO_CLASSES
    whole = bool((distinct == np.round(distinct)).all())
    limits = _round_limits(distinct, distinct[:-1] if distinct.size <= k else _limits(known, scheme, k))
    bounds = (_first_bound(distinct[0], whole), *limits.tolist(), _last_bound(distinct[-1], whole))
    return replace(_counted(known, bounds, _labels(bounds, whole, format_number), diverging=False), whole=whole)


def open_labels(classes: Classes, format_number: FormatNumber) -> tuple[str, ...]:
    """Labels for classes that outlast the values they were drawn from: the first and the last have no outer limit."""
    if not len(classes) or classes.diverging:
        return classes.labels
    if len(classes) == 1:
        return (f"≥ {format_number(1.0)}" if classes.whole else f"> {format_number(0.0)}",)
    lowest, highest = classes.bounds[1], classes.bounds[-2]
    below = f"≤ {format_number(math.ceil(lowest) - 1)}" if classes.whole else f"< {format_number(lowest)}"
    if classes.whole and classes.bounds[0] == math.ceil(lowest) - 1:
        below = classes.labels[0]  # one number: of what is counted here, there is none lower
    above = f"≥ {format_number(math.ceil(highest) if classes.whole else highest)}"
    return (below, *classes.labels[1:-1], above)


def classify_change(values: NDArray[np.float64], k: int = 5, *, format_number: FormatNumber) -> Classes:
    """Class changes around zero, symmetrically, into `k` classes (odd): decrease, about the same, increase.

    Raises:
        LayerError: If `k` is even or not between 1 and 7, or a value is infinite.
    """
    known = _known(values, k)
    if k % 2 == 0:
        raise LayerError(N_("Une échelle de variation a un nombre impair de classes, pas {given}."), given=k)
    sizes = np.abs(known[known != 0])
    distinct = np.unique(sizes)
    if not distinct.size:
        return Classes((-0.0, 0.0), (format_number(0.0),), (known.size,), diverging=True) if known.size else NO_CLASSES
    wanted = (k + 1) // 2
    limits = distinct[:1] if distinct.size < wanted else _round_limits(distinct, _limits(sizes, "quantiles", wanted))
    top = _last_bound(distinct[-1], whole=False)
    positive = (*limits.tolist(), top)
    bounds = (*(-limit for limit in reversed(positive)), *positive)
    labels = tuple(f"{_signed(low, format_number)} – {_signed(high, format_number)}" for low, high in pairwise(bounds))
    return _counted(known, bounds, labels, diverging=True)


def _known(values: NDArray[np.float64], k: int) -> NDArray[np.float64]:
    if not 1 <= k <= MAX_CLASSES:
        raise LayerError(N_("Nombre de classes {given} : attendu de {low} à {high}."), given=k, low=1, high=MAX_CLASSES)
    values = np.asarray(values, dtype=np.float64)
    if np.isinf(values).any():
        raise LayerError(N_("Une valeur infinie ne peut pas être classée."))
    return values[~np.isnan(values)]


def _limits(values: NDArray[np.float64], scheme: Scheme, k: int) -> NDArray[np.float64]:
    """Inner limits: each the highest value of its class."""
    if scheme == "jenks":
        bins = _jenks(np.sort(values), k)
    elif scheme == "quantiles":
        bins = np.quantile(values, np.arange(1, k + 1) / k)
    else:
        raise LayerError(N_("Méthode de classement inconnue : {given}."), given=scheme)
    limits = np.unique(bins)
    return np.asarray(limits[limits < values.max()], dtype=np.float64)


def _jenks(ordered: NDArray[np.float64], k: int) -> NDArray[np.float64]:
    """Natural breaks of a sample, each then refined among all values between its two sampled neighbours."""
    ranks = np.linspace(0, ordered.size - 1, min(ordered.size, JENKS_SAMPLE)).round().astype(np.intp)
    # Evenly spaced ranks, not a random draw: the same map twice.
    sample, times = np.unique(ordered[ranks], return_counts=True)
    tops = natural_breaks(sample, times.astype(np.float64), min(k, sample.size))[:-1]
    edges = zip(sample[tops], sample[tops + 1], strict=True)
    return np.array([_best_split(ordered[(ordered >= low) & (ordered <= high)]) for low, high in edges])


def _best_split(ordered: NDArray[np.float64]) -> float:
    """Highest value of the lower part when values are split in two with the least variance within (Otsu 1979)."""
    lower = np.arange(1, ordered.size)
    sums = np.cumsum(ordered - ordered.mean())[:-1]
    between = sums**2 / (lower * (ordered.size - lower))
    between[ordered[:-1] == ordered[1:]] = -1  # equal values stay together
    return float(ordered[between.argmax()])


def _round_limits(distinct: NDArray[np.float64], tops: NDArray[np.float64]) -> NDArray[np.float64]:
    """Move each limit to the roundest number near the gap between the last value below it and the first above."""
    position = np.searchsorted(distinct, tops, side="right")
    below, above = distinct[position - 1], distinct[position]
    width = np.diff(np.concatenate(([distinct[0]], above, [distinct[-1]])))
    slack = ROUNDING_SLACK * np.minimum(width[:-1], width[1:])
    low = np.maximum(below - slack, distinct[0])
    high = np.minimum(above + slack, distinct[-1])
    limits = []
    for at in range(tops.size):
        limit = roundest(float(below[at]), float(above[at]), float(above[at]))
        if significant_digits(limit) > SAYABLE_DIGITS:
            limit = roundest(float(low[at]), float(high[at]), float(above[at]))
        limits.append(limit)
    # Two limits that moved onto the same gap would leave a class without a hexagon.
    _, kept = np.unique(np.searchsorted(distinct, limits), return_index=True)
    return np.array(limits, dtype=np.float64)[kept]


def significant_digits(number: float) -> int:
    """Digits that have to be said: 1 of 0.05 and of 4000, 3 of 1.25."""
    return len(Decimal(repr(number)).normalize().as_tuple().digits)


def roundest(low: float, high: float, target: float) -> float:
    """The number in (low, high] with the fewest digits; of several, the nearest to `target`.

    >>> roundest(4.2, 7.9, 5.1), roundest(38.0, 41.0, 40.5), roundest(1.2341, 1.2348, 1.2345)
    (5.0, 40.0, 1.2345)
    """
    if not high > low:
        return target
    magnitude = math.ceil(math.log10(max(abs(low), abs(high), high - low))) + 1
    for exponent in range(magnitude, magnitude - 18, -1):
        for digit in (5, 2, 1):  # 50, 20, 10: halves before fifths before tenths
            nearest = _nearest_multiple(digit, exponent, low, high, target)
            if nearest is not None:
                return nearest
    return target


def _nearest_multiple(digit: int, exponent: int, low: float, high: float, target: float) -> float | None:
    first = math.floor(target / (digit * 10.0**exponent))
    found = [
        value
        for multiple in (first, first + 1)
        # Through text: 3 * 10**-1 is 0.30000000000000004, "3e-1" is 0.3.
        if low < (value := float(f"{multiple * digit}e{exponent}")) <= high
    ]
    return min(found, key=lambda value: abs(value - target), default=None)


def _first_bound(lowest: float, whole: bool) -> float:
    return float(lowest) if whole else _two_digits(float(lowest), ROUND_FLOOR)


def _last_bound(highest: float, whole: bool) -> float:
    return float(highest) if whole else _two_digits(float(highest), ROUND_CEILING)


def _two_digits(value: float, rounding: str) -> float:
    """Two significant digits, away from the values, so that the end class still holds them."""
    number = Decimal(repr(value))
    return float(number.quantize(Decimal(1).scaleb(number.adjusted() - 1), rounding=rounding)) if value else 0.0


def _labels(bounds: tuple[float, ...], whole: bool, format_number: FormatNumber) -> tuple[str, ...]:
    labels = []
    for position, (low, high) in enumerate(pairwise(bounds)):
        last = position == len(bounds) - 2
        top = high if last or not whole else math.ceil(high) - 1  # of whole numbers, say the highest one in the class
        bottom = math.ceil(low) if whole else low
        same = top == bottom
        labels.append(format_number(bottom) if same else f"{format_number(bottom)} – {format_number(top)}")
    return tuple(labels)


def _signed(value: float, format_number: FormatNumber) -> str:
    return f"+{format_number(value)}" if value > 0 else f"−{format_number(-value)}" if value < 0 else format_number(0.0)


def _counted(
    known: NDArray[np.float64], bounds: tuple[float, ...], labels: tuple[str, ...], diverging: bool
) -> Classes:
    counts = np.bincount(_indices(known, bounds, diverging), minlength=len(labels))
    return Classes(bounds, labels, tuple(counts.tolist()), diverging)


def _indices(values: NDArray[np.float64], bounds: tuple[float, ...], diverging: bool) -> NDArray[np.uint8]:
    if len(bounds) < 2:
        return np.full(values.shape, NO_CLASS, dtype=np.uint8)
    inner = np.array(bounds[1:-1])
    if diverging:
        half = inner[inner.size // 2 :]
        found = inner.size // 2 + np.sign(values) * np.searchsorted(half, np.abs(values), side="right")
    else:
        found = np.searchsorted(inner, values, side="right")
    return np.where(np.isnan(values), NO_CLASS, found).astype(np.uint8)
