"""A Sankey diagram as numbers: nodes as bars one above the other in columns, and bands between them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

GAP = 0.034  # between two bars of a column, of the diagram's height
SAMPLES = 13  # along each band


@dataclass(frozen=True, slots=True)
class Bar:
    """One node. Heights run from 0 (top) to 1."""

    column: int
    node: int  # as given
    amount: float
    top: float
    bottom: float


@dataclass(frozen=True, slots=True)
class Band:
    """What goes from one bar to another of the next column; as thick at both ends as its amount."""

    column: int  # that it leaves
    start: int  # nodes
    stop: int
    amount: float
    x: NDArray[np.float64]  # 0 at the bar that it leaves, 1 at the other; shape (SAMPLES,)
    top: NDArray[np.float64]
    bottom: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Sankey:
    bars: tuple[Bar, ...]
    bands: tuple[Band, ...]


def sankey(columns: Sequence[NDArray[np.int64]], amounts: NDArray[np.float64], last: Sequence[int] = ()) -> Sankey:
    """Lay out what passes through some columns.

    Every column holds all of the amount, so that bars and bands of one column sum to it.

    Args:
        columns: The node of each way in each column, each of shape (n,).
        amounts: Of each way, ≥ 0.
        last: Nodes that stand below the others, in this order, however large: those not known, all others.
    """
    total = float(amounts.sum())
    if not total > 0:
        return Sankey((), ())
    tallest = max(len(np.unique(column)) for column in columns)
    scale = (1 - GAP * (tallest - 1)) / total
    bars = [bar for at, column in enumerate(columns) for bar in _bars(at, column, amounts, scale, last)]
    where = {(bar.column, bar.node): bar for bar in bars}
    bands: list[Band] = []
    for at in range(len(columns) - 1):
        bands += _bands(at, columns[at], columns[at + 1], amounts, scale, where)
    return Sankey(tuple(bars), tuple(bands))


def _bars(
    at: int, column: NDArray[np.int64], amounts: NDArray[np.float64], scale: float, last: Sequence[int]
) -> list[Bar]:
    nodes, of = np.unique(column, return_inverse=True)
    sums = np.bincount(of, amounts, minlength=len(nodes))
    below = [last.index(node) if node in last else -1 for node in nodes.tolist()]
    order = np.lexsort((nodes, -sums, np.array(below)))
    bars, top = [], 0.0
    for row in order.tolist():
        height = float(sums[row]) * scale
        bars.append(Bar(at, int(nodes[row]), float(sums[row]), top, top + height))
        top += height + GAP
    return bars


def _bands(
    at: int,
    starts: NDArray[np.int64],
    stops: NDArray[np.int64],
    amounts: NDArray[np.float64],
    scale: float,
    where: dict[tuple[int, int], Bar],
) -> list[Band]:
    pairs, of = np.unique(np.column_stack((starts, stops)), axis=0, return_inverse=True)
    sums = np.bincount(of, amounts, minlength=len(pairs))
    ways = [
        (where[at, start], where[at + 1, stop], float(amount))
        for (start, stop), amount in zip(pairs.tolist(), sums.tolist(), strict=True)
        if amount > 0
    ]
    left = _stacked([(start, stop, amount) for start, stop, amount in ways], scale)
    right = _stacked([(stop, start, amount) for start, stop, amount in ways], scale)
    along = np.linspace(0, 1, SAMPLES)
    bent = along * along * (3 - 2 * along)
    return [
        Band(at, start.node, stop.node, amount, along, left[row] + (right[row] - left[row]) * bent,
             left[row] + (right[row] - left[row]) * bent + amount * scale)
        for row, (start, stop, amount) in enumerate(ways)
    ]  # fmt: skip


Way = tuple[Bar, Bar, float]


def _stacked(ways: list[Way], scale: float) -> list[float]:
    """Where each band begins on the first of its two bars: in the order of the bars at the other end."""
    used: dict[int, float] = {}
    tops = [0.0] * len(ways)
    for row in sorted(range(len(ways)), key=lambda row: (ways[row][0].top, ways[row][1].top)):
        bar, _other, amount = ways[row]
        tops[row] = used.get(bar.node, bar.top)
        used[bar.node] = tops[row] + amount * scale
    return tops
