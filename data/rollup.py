"""Keep the daily counts of the embedded store: sorted runs appended by each load, merged and sorted again in time."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa

from data.duckdb_tables import SCHEMA_VERSION, create_facts, execute_over, first_row, insert_rows
from data.hexagon_sums import COUNTS, SUMS, Columns, summarise, table_of
from data.layout import read_sql

UNSORTED_SHARE = 0.1  # of the roll-up that may stand appended after its sorted part
UNSORTED_ROWS = 200_000  # below this many, sorting again would gain nothing
SLICE_ROWS = 1_000_000


def place_in_territories(cursor: duckdb.DuckDBPyConnection, first: int) -> None:
    """Give the places from number `first` on their zone and their territories."""
    for known_by in (
        "zones.commune = places.commune",
        "places.commune IS NULL AND zones.commune IS NULL AND zones.departement = places.departement",
    ):
        cursor.execute(
            f"UPDATE places SET zone = zones.zone FROM zones WHERE place >= $first AND {known_by}", {"first": first}
        )
    cursor.execute(read_sql("place_territories").format(target="place_territories"), {"first": first})


def upgrade(connection: duckdb.DuckDBPyConnection) -> None:
    """Bring a store of an earlier format to this one: sum it up by spans of days; its facts stay as they are."""
    if first_row(connection, "SELECT schema_version FROM meta") == (SCHEMA_VERSION,):
        return
    connection.begin()
    connection.execute("ALTER TABLE events ADD COLUMN named BOOLEAN DEFAULT false")
    create_facts(connection)
    connection.execute("DROP TABLE IF EXISTS hexagon_days")  # of format 1
    connection.execute("DROP TABLE IF EXISTS hexagon_spans")
    connection.execute(read_sql("hexagon_spans"))
    sort_rollup(connection)
    connection.execute("UPDATE meta SET schema_version = ?", [SCHEMA_VERSION])
    connection.commit()


def append_rollup(cursor: duckdb.DuckDBPyConnection, number: int) -> None:
    """Add what batch `number` brought to the daily counts; sort them again when too much of them is appended."""
    last = _last_row(cursor)
    brought = read_sql("rollup_of").format(facts="(SELECT * FROM events WHERE batch = $batch)")
    cursor.execute(f"INSERT INTO rollup {brought}", {"batch": number})
    cursor.execute(read_sql("tallies_of_batch"), {"batch": number})
    _sum_up(cursor, after=last)
    rows, in_order = rollup_rows(cursor)
    if in_order == 0:
        cursor.execute("UPDATE meta SET sorted_rows = ?", [rows])
    elif rows - in_order > max(UNSORTED_ROWS, UNSORTED_SHARE * rows):
        sort_rollup(cursor)


def rollup_rows(cursor: duckdb.DuckDBPyConnection) -> tuple[int, int]:
    """How many rows of daily counts there are, and how many of them, from the first, stand in order."""
    row = first_row(cursor, "SELECT count(*), any_value(sorted_rows) FROM rollup, meta")
    return (int(row[0]), int(row[1])) if row and row[0] else (0, 0)


def append_rollup_of(cursor: duckdb.DuckDBPyConnection, rows: pa.Table) -> None:
    """Add what a live feed brought to the daily counts, at their end.

    Args:
        rows: The facts with their numbers, as `events` has them.
    """
    columns: Any = execute_over(cursor, read_sql("rollup_of").format(facts="given_rows"), rows).fetchnumpy()
    insert_rows(cursor, "rollup BY NAME", "*", table_of(columns))
    located = np.ma.getmaskarray(columns["cell"])
    kept = {name: column[~located] for name, column in columns.items()}
    insert_rows(cursor, "hexagon_spans BY NAME", "*", summarise({**kept, "cell": np.ma.getdata(kept["cell"])}))


def sort_rollup(cursor: duckdb.DuckDBPyConnection) -> None:
    """Write the daily counts again, merged, in order, under the places' present zones."""
    cursor.execute(read_sql("rollup_again"))
    cursor.execute("TRUNCATE rollup")
    cursor.execute("TRUNCATE hexagon_spans")
    cursor.execute("INSERT INTO rollup FROM fresh")
    cursor.execute("DROP TABLE fresh")
    _sum_up(cursor, after=-1)
    cursor.execute("UPDATE meta SET sorted_rows = (SELECT count(*) FROM rollup)")


def _last_row(cursor: duckdb.DuckDBPyConnection) -> int:
    row = first_row(cursor, "SELECT coalesce(max(rowid), -1) FROM rollup")
    return int(row[0]) if row else -1


def _sum_up(cursor: duckdb.DuckDBPyConnection, after: int) -> None:
    """Append the summary by hexagon of the sorted rows that stand after row number `after`.

    A slice is summed up in another thread while the database writes the one before and reads the next.
    """
    summed: list[Future[pa.Table]] = []
    with ThreadPoolExecutor(max_workers=1) as worker:
        for rows in _slices(cursor, after):
            summed.append(worker.submit(summarise, rows))
            if len(summed) > 1:
                insert_rows(cursor, "hexagon_spans BY NAME", "*", summed.pop(0).result())
        for last in summed:
            insert_rows(cursor, "hexagon_spans BY NAME", "*", last.result())


def _slices(cursor: duckdb.DuckDBPyConnection, after: int) -> Iterator[Columns]:
    """The rows with a cell that stand after row number `after`, a million at a time."""
    row = first_row(cursor, "SELECT min(rowid), max(rowid) + 1 FROM rollup WHERE rowid > ?", [after])
    first, end = row if row and row[0] is not None else (0, 0)
    columns = ", ".join(("zone", "day", "cell", *COUNTS, *SUMS))
    for start in range(first, end, SLICE_ROWS):
        found: Any = cursor.execute(
            f"SELECT {columns} FROM rollup WHERE cell IS NOT NULL AND rowid >= $start AND rowid < $stop",
            {"start": start, "stop": start + SLICE_ROWS},
        ).fetchnumpy()
        yield found
