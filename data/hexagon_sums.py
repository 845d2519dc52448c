"""Sum counts up by hexagon and by span of days, with numpy: both stores keep such a summary, each in its own way."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from data.layout import SUMMARY_RESOLUTION
from data.spans import LEVELS, coarser, part_of
from geo.cells import parents, resolutions

UNUSED_BITS = 3 * (15 - SUMMARY_RESOLUTION)  # of a cell's number, below those that tell cells of a resolution apart,
CELL_BITS = 7 + 3 * SUMMARY_RESOLUTION  # which are these
Columns = dict[str, NDArray[Any]]

COUNTS = ("incidents", "controls")
SUMS = ("checked", "positive", "micrograms", "cents")


def summarise(rows: Columns) -> pa.Table:
    """Merge rows by hexagon of `SUMMARY_RESOLUTION` and by span of each length: rows of `hexagon_spans`.

    Args:
        rows: Columns of `rollup`, sorted by zone, day and cell: what belongs together is already side by side, so
            that one pass does what a GROUP BY would need a hash table and a sort for. Masked where unknown.
    """
    values = {name: rows[name] for name in (*COUNTS, *SUMS)}
    part, cell = part_of(rows["zone"], rows["day"]), parents(rows["cell"], SUMMARY_RESOLUTION)
    tables = []
    for level in range(LEVELS):
        if level:
            part = coarser(part)
            order = _order(part, cell)
            part, cell = part[order], cell[order]
            values = {name: column[order] for name, column in values.items()}
        starts = _starts(part, cell)
        part, cell = part[starts], cell[starts]
        values = {name: _sums_of_known(column, starts) for name, column in values.items()}
        tables.append(table_of({"part": part, "cell": cell, **values}))
    return pa.concat_tables(tables)


def only_near(rows: Columns, near: NDArray[np.int64] | None) -> Columns:
    """The rows of `hexagon_spans` in one of these hexagons, all of one resolution; None: wherever they are."""
    if near is None:
        return rows
    resolution = int(resolutions(near[:1])[0]) if near.size else SUMMARY_RESOLUTION
    kept = np.isin(parents(rows["cell"], resolution), near)
    return {name: column[kept] for name, column in rows.items()}


def merge_by_cell(rows: Columns, resolution: int) -> Columns:
    """Merge rows of `hexagon_spans` by hexagon: what a GROUP BY does, three times as fast on the rows of one area.

    They come as one sorted run for each part, and numpy's stable sort only has to merge the runs.
    """
    hexagons = parents(rows["cell"], resolution)
    order = np.argsort(hexagons, kind="stable")
    hexagons = hexagons[order]
    starts = _starts(hexagons)
    sums = {name: _sums_of_known(rows[name][order], starts) for name in (*COUNTS, *SUMS)}
    return {"hexagon": hexagons[starts], **sums}


def _order(part: NDArray[np.int64], cell: NDArray[np.int64]) -> NDArray[np.intp]:
    """The order of (part, cell) for parts in order already: the runs of each part only have to be merged."""
    rank = np.cumsum(np.diff(part, prepend=part[:1]) != 0)
    return np.argsort(rank << CELL_BITS | (cell >> UNUSED_BITS) & ((1 << CELL_BITS) - 1), kind="stable")


def _starts(*keys: NDArray[np.int64]) -> NDArray[np.intp]:
    """Where each run of equal keys begins."""
    changes = np.zeros(len(keys[0]), dtype=np.bool_)
    changes[:1] = True
    for key in keys:
        changes[1:] |= key[1:] != key[:-1]
    return np.flatnonzero(changes)


def _mask(values: NDArray[Any]) -> NDArray[np.bool_] | None:
    return np.ma.getmaskarray(values) if isinstance(values, np.ma.MaskedArray) else None


def _sums_of_known(values: NDArray[Any], starts: NDArray[np.intp]) -> NDArray[Any]:
    """Sum each run; masked where nothing in it is known."""
    if not len(starts):
        return np.zeros(0, dtype=np.int64)
    unknown = _mask(values)
    if unknown is None:
        return np.add.reduceat(values, starts, dtype=np.int64)
    sums = np.add.reduceat(np.where(unknown, 0, np.ma.getdata(values)), starts)
    return np.ma.array(sums, mask=np.bitwise_and.reduceat(unknown, starts))


def table_of(columns: Columns) -> pa.Table:
    """An Arrow table of columns that may be masked: null where they are."""
    return pa.table({name: pa.array(np.ma.getdata(c), mask=_mask(c)) for name, c in columns.items()})
