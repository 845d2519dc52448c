"""Keep the daily counts of the embedded store: sorted runs appended by each load, merged and sorted again in time."""

from __future__ import annotations

from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from data.duckdb_tables import first_row, insert_rows, read_sql
from geo.cells import parents

SUMMARY_RESOLUTION = 9  # of `hexagon_days`
UNSORTED_SHARE = 0.1  # of the roll-up that may stand appended after its sorted part
UNSORTED_ROWS = 200_000  # below this many, sorting again would gain nothing
SLICE_ROWS = 1_000_000
COUNTS = ("incidents", "controls")
SUMS = ("checked", "positive", "micrograms", "cents")


def place_in_territories(cursor: duckdb.DuckDBPyConnection, first: int) -> None:
    """Give the places from number `first` on their zone and their territories."""
    for known_by in (
        "zones.commune = places.commune",
        "places.commune IS NULL AND zones.commune IS NULL AND zones.departement = places.departement",
    ):
        cursor.execute(
            f"UPDATE places SET zone = zones.zone FROM zones WHERE place >= $first AND {known_by}", {"first": first}
        )
    cursor.execute(read_sql("place_territories"), {"first": first})


def append_rollup(cursor: duckdb.DuckDBPyConnection, number: int) -> None:
    """Add what batch `number` brought to the daily counts; sort them again when too much of them is appended."""
    cursor.execute(read_sql("rollup_of_batch"), {"batch": number})
    cursor.execute(read_sql("tallies_of_batch"), {"batch": number})
    _add_fresh(cursor)
    row = first_row(cursor, "SELECT count(*), any_value(sorted_rows) FROM rollup, meta")
    rows, in_order = row if row and row[0] else (0, 0)
    if in_order == 0:
        cursor.execute("UPDATE meta SET sorted_rows = ?", [rows])
    elif rows - in_order > max(UNSORTED_ROWS, UNSORTED_SHARE * rows):
        sort_rollup(cursor)


def sort_rollup(cursor: duckdb.DuckDBPyConnection) -> None:
    """Write the daily counts again, merged, in order, under the places' present zones."""
    cursor.execute(read_sql("rollup_again"))
    cursor.execute("TRUNCATE rollup")
    cursor.execute("TRUNCATE hexagon_days")
    _add_fresh(cursor)
    cursor.execute("UPDATE meta SET sorted_rows = (SELECT count(*) FROM rollup)")


def _add_fresh(cursor: duckdb.DuckDBPyConnection) -> None:
    """Append the sorted rows of the temporary table `fresh`, and their summary by hexagon."""
    cursor.execute("INSERT INTO rollup SELECT * FROM fresh")
    row = first_row(cursor, "SELECT min(rowid), max(rowid) + 1 FROM fresh")
    first, end = row if row and row[0] is not None else (0, 0)
    columns = ", ".join(("zone", "day", "cell", *COUNTS, *SUMS))
    for start in range(first, end, SLICE_ROWS):
        found: Any = cursor.execute(
            f"SELECT {columns} FROM fresh WHERE cell IS NOT NULL AND rowid >= $start AND rowid < $stop",
            {"start": start, "stop": start + SLICE_ROWS},
        ).fetchnumpy()
        insert_rows(cursor, "hexagon_days BY NAME", "*", summarise(found))
    cursor.execute("DROP TABLE fresh")


def summarise(rows: dict[str, NDArray[Any]]) -> pa.Table:
    """Merge neighbouring rows of one zone, day and hexagon of `SUMMARY_RESOLUTION`.

    Args:
        rows: Columns of `rollup`, sorted by zone, day and cell: what belongs together is already side by side, so
            that one pass does what a GROUP BY would need a hash table and a sort for. Masked where unknown.
    """
    hexagons = parents(rows["cell"], SUMMARY_RESOLUTION)
    keys = {"zone": rows["zone"], "day": rows["day"], "cell": hexagons}
    changes = np.zeros(len(hexagons), dtype=np.bool_)
    changes[:1] = True
    for key in keys.values():
        changes[1:] |= key[1:] != key[:-1]
    starts = np.flatnonzero(changes)
    columns = {name: pa.array(key[starts]) for name, key in keys.items()}
    for name in (*COUNTS, *SUMS):
        sums = _sums_of_known(rows[name], starts)
        columns[name] = pa.array(sums.data, mask=np.ma.getmaskarray(sums))
    return pa.table(columns)


def merge_by_cell(rows: dict[str, NDArray[Any]], resolution: int) -> dict[str, NDArray[Any]]:
    """Merge rows of `hexagon_days` by hexagon: what a GROUP BY does, three times as fast on the rows of one area.

    They come as one sorted run for each zone and day, and numpy's stable sort only has to merge the runs.
    """
    hexagons = parents(rows["cell"], resolution)
    order = np.argsort(hexagons, kind="stable")
    hexagons = hexagons[order]
    starts = np.flatnonzero(np.diff(hexagons, prepend=0))
    sums = {name: _sums_of_known(rows[name][order], starts) for name in (*COUNTS, *SUMS)}
    return {"hexagon": hexagons[starts], **sums}


def _sums_of_known(values: NDArray[Any], starts: NDArray[np.intp]) -> np.ma.MaskedArray[Any, Any]:
    """Sum each run; masked where nothing in it is known."""
    if not len(starts):
        return np.ma.array(np.zeros(0, dtype=np.int64))
    data, unknown = np.ma.getdata(values), np.ma.getmask(values)
    if unknown is np.ma.nomask:
        return np.ma.array(np.add.reduceat(data, starts))
    sums = np.add.reduceat(np.where(unknown, 0, data), starts)
    return np.ma.array(sums, mask=np.logical_and.reduceat(unknown, starts))
