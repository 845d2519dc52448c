"""Pack the sums of many hexagons into one value of the database, and unpack them: a row for each would cost more to
read than the sums themselves.

A value is seven bytes, the widths in bytes of the columns below, and the columns one after the other, big-endian. All
bits set: unknown. A column of width 0 is unknown throughout. A width of 8 is what SQL's int8send() writes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from data.hexagon_sums import COUNTS, SUMS, Columns

PACKED = ("cell", *COUNTS, *SUMS)
TYPES = {1: ">u1", 2: ">u2", 4: ">u4", 8: ">i8"}  # by width
# The same in SQL, of rows with these columns, each 8 bytes wide.
PACKED_SQL = " || ".join(
    (rf"'\x{'08' * len(PACKED)}'", *(f"string_agg(int8send(coalesce({name}, -1)::BIGINT), '')" for name in PACKED))
)


def pack(sums: pa.Table) -> Iterator[tuple[int, bytes]]:
    """Each part of a table of `data.hexagon_sums.summarise`, packed.

    Args:
        sums: Columns `part` and `PACKED`, sorted by part and cell; no figure is negative.
    """
    if not sums.num_rows:
        return
    part = sums.column("part").to_numpy()
    starts = np.flatnonzero(np.diff(part, prepend=part[:1] - 1))
    ends = np.append(starts[1:], len(part))
    columns = [_encoded(sums.column(name)) for name in PACKED]
    widths = [width for width, _ in columns]
    header = bytes(widths)
    for number, start, end in zip(part[starts].tolist(), starts.tolist(), ends.tolist(), strict=True):
        yield number, b"".join((header, *(content[start * width : end * width] for width, content in columns)))


def _encoded(column: pa.ChunkedArray) -> tuple[int, bytes]:
    """The width that holds every value of a column, and its bytes."""
    if column.null_count == len(column):
        return 0, b""
    values = column.fill_null(-1).to_numpy()
    width = next(width for width in TYPES if width == 8 or int(values.max()) < (1 << (8 * width)) - 1)
    return width, values.astype(TYPES[width]).tobytes()  # -1 has all its bits set, whatever the width


def unpack(values: Iterable[bytes]) -> Columns:
    """The rows of some values, one after the other; the `SUMS` are masked where unknown."""
    found: dict[str, list[NDArray[np.int64]]] = {name: [np.zeros(0, dtype=np.int64)] for name in PACKED}
    for value in values:
        widths = value[: len(PACKED)]
        rows, at = (len(value) - len(PACKED)) // sum(widths), len(PACKED)
        for name, width in zip(PACKED, widths, strict=True):
            found[name].append(_decoded(value, at, rows, width))
            at += rows * width
    columns = {name: np.concatenate(parts) for name, parts in found.items()}
    return {name: np.ma.masked_equal(c, -1, copy=False) if name in SUMS else c for name, c in columns.items()}


def _decoded(value: bytes, at: int, rows: int, width: int) -> NDArray[np.int64]:
    if width == 0:
        return np.full(rows, -1, dtype=np.int64)
    raw = np.frombuffer(value, dtype=TYPES[width], count=rows, offset=at)
    values = raw.astype(np.int64)
    if width < 8:
        values[values == (1 << (8 * width)) - 1] = -1
    return values


def merged(tables: list[pa.Table]) -> pa.Table:
    """Add tables of `part` and `PACKED` up: one row for each part and cell, sorted."""
    both = pa.concat_tables(tables).select(["part", *PACKED])
    figures = PACKED[1:]
    added = both.group_by(["part", "cell"]).aggregate([(name, "sum") for name in figures])
    return added.rename_columns(["part", "cell", *figures]).sort_by([("part", "ascending"), ("cell", "ascending")])


def as_table(part: int, value: bytes) -> pa.Table:
    """One packed value as a table of `part` and `PACKED`."""
    columns = unpack([value])
    arrays = {
        name: pa.array(np.ma.getdata(column), mask=np.ma.getmaskarray(column) if name in SUMS else None)
        for name, column in columns.items()
    }
    return pa.table({"part": np.full(len(columns["cell"]), part, dtype=np.int64), **arrays})
