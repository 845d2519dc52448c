"""Write one batch into the embedded store, inside a transaction that the caller opens and commits."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from data.ahead import ahead
from data.changes import note_change
from data.dimensions import Dimension
from data.duckdb_tables import EVENT_KEY, INDICATOR_KEY, first_row, insert_rows, statements
from data.layout import (
    DIMENSIONS,
    EVENTS,
    INDICATOR_FIELDS,
    INDICATORS,
    KNOWN_OTHERWISE,
    STORED_FIELDS,
    Settled,
    read_sql,
)
from data.ledger import LEDGER_COLUMNS, Counted, adopted_ledger, ledger_of, ledger_values
from data.rollup import append_rollup, place_in_territories
from data.store import Batch, Chunk, Ledger, Progress
from data.vocabulary import HEXAGON_PRECISIONS

# See `create_facts`. Compared in parts: joining them first would write ten million texts to throw them away.
IS_NAMED = """coalesce(strlen(event_id) = strlen(source) + 1 + strlen(source_event_id)
    AND starts_with(event_id, source) AND ends_with(event_id, source_event_id), false)"""
_PRECISIONS = ", ".join(f"'{precision}'" for precision in HEXAGON_PRECISIONS)
IN_HEXAGONS = f"CASE WHEN place_precision IN ({_PRECISIONS}) AND cell <> 0 THEN cell END"
# The columns of `events`, and what to write there of a table of EVENT_SCHEMA with its numbers and its lines.
EVENT_COLUMNS = ", ".join(("batch", "key", "line", *DIMENSIONS, *(field.name for field in STORED_FIELDS), "named"))
_WRITTEN = {"cell": IN_HEXAGONS, "source_event_id": f"CASE WHEN NOT {IS_NAMED} THEN source_event_id END"}
EVENT_VALUES = ", ".join(
    (EVENT_KEY, "line", *DIMENSIONS, *(_WRITTEN.get(field.name, field.name) for field in STORED_FIELDS), IS_NAMED)
)


class Load:
    """The steps of one load. `run` does them all; nothing is visible to others before the caller commits."""

    def __init__(self, cursor: duckdb.DuckDBPyConnection, batch: Batch, number: int) -> None:
        self._cursor = cursor
        self._batch = batch
        self._number = number
        self._dimensions = {
            number: Dimension(names, self._known(table, number, names)) for number, (table, names) in DIMENSIONS.items()
        }
        self._counted = Counted()

    def _known(self, table: str, number: str, names: tuple[str, ...]) -> dict[tuple[str | None, ...], int]:
        rows = self._cursor.execute(f"SELECT {', '.join(names)}, {number} FROM {table} ORDER BY {number}").fetchall()
        return {row[:-1]: row[-1] for row in rows}

    def run(self, chunks: Iterable[Chunk], progress: Progress | None = None, adopted: Ledger | None = None) -> Ledger:
        """Write the chunks, settle what was there already, roll up, and account for every line.

        Args:
            adopted: The ledger of a load that another store has settled; None: it is drawn up here.
        """
        for chunk in ahead(chunks):
            self._write(chunk)
            if progress is not None:
                progress(self._counted.lines, None)
        self._write_dimensions()
        for settled in (EVENTS, INDICATORS):
            self._counted.settle(*self._settle(settled))
        append_rollup(self._cursor, self._number)
        if adopted is None:
            ledger = ledger_of(self._batch, self._counted, self._days())
        else:
            ledger = adopted_ledger(adopted, self._counted)
        self._record(ledger)
        note_change(statements(self._cursor), self._number, f"events WHERE batch = {self._number:d}")
        if progress is not None:
            progress(ledger.lines, ledger.lines)
        return ledger

    def _write(self, chunk: Chunk) -> None:
        counted = self._counted
        if chunk.refusals is not None and chunk.refusals.num_rows:
            self._append("quarantine", "batch, line, field, given, reason, expected", "$batch, *", chunk.refusals)
            counted.refused += pc.count_distinct(chunk.refusals.column("line")).as_py()
        for rows, write in ((chunk.events, self._write_events), (chunk.indicators, self._write_indicators)):
            if rows is not None and rows.num_rows:
                lines = chunk.event_lines
                if lines is None:
                    lines = np.arange(counted.lines + 1, counted.lines + 1 + rows.num_rows, dtype=np.int64)
                write(rows.append_column("line", pa.array(lines, type=pa.int64())))
                counted.written += rows.num_rows
        counted.lines += chunk.lines
        counted.identical += chunk.identical

    def _write_events(self, rows: pa.Table) -> None:
        for number, dimension in self._dimensions.items():
            rows = rows.append_column(number, pa.array(dimension.encode(rows)))
        self._append("events", EVENT_COLUMNS, f"$batch, {EVENT_VALUES}", rows)

    def _write_indicators(self, rows: pa.Table) -> None:
        names = ", ".join(field.name for field in INDICATOR_FIELDS)
        self._append("indicators", f"key, batch, line, {names}", f"{INDICATOR_KEY}, $batch, line, {names}", rows)

    def _append(self, table: str, columns: str, values: str, rows: pa.Table) -> None:
        insert_rows(self._cursor, f"{table} ({columns})", values, rows, {"batch": self._number})

    def _write_dimensions(self) -> None:
        for number, dimension in self._dimensions.items():
            fresh = dimension.fresh(number)
            if fresh.num_rows:
                insert_rows(self._cursor, f"{DIMENSIONS[number][0]} BY NAME", "*", fresh)
        place_in_territories(self._cursor, self._dimensions["place"].first_new)

    def _settle(self, settled: Settled) -> tuple[int, int]:
        """Take out the lines whose identifier was there already: how many repeat it, how many contradict it."""
        cursor, batch = self._cursor, {"batch": self._number}
        cursor.execute(read_sql("suspects").format(table=settled.table), batch)
        if first_row(cursor, "SELECT count(*) FROM suspects") == (0,):
            return 0, 0
        cursor.execute(
            read_sql("verdicts").format(
                view=settled.view,
                identity=", ".join(settled.identity),
                given=", ".join(f"mine.{name}" for name in settled.identity),
                differences=settled.differences,
            ),
            batch,
        )
        cursor.execute(
            """INSERT INTO quarantine
            SELECT $batch, line, $field, given, $reason, array_to_string(differing, ', ') FROM verdicts
            WHERE len(differing) > 0""",
            {**batch, "field": settled.blamed, "reason": KNOWN_OTHERWISE},
        )
        cursor.execute(f"DELETE FROM {settled.table} WHERE rowid IN (SELECT row_number FROM verdicts)")
        row = first_row(
            cursor,
            "SELECT count(*) FILTER (len(differing) = 0), count(*) FILTER (len(differing) > 0) FROM verdicts",
        )
        return row or (0, 0)

    def _record(self, ledger: Ledger) -> None:
        names = ", ".join(f"${name}" for name in LEDGER_COLUMNS)
        self._cursor.execute(
            f"INSERT INTO batches (batch, {', '.join(LEDGER_COLUMNS)}) VALUES ($batch, {names})",
            {"batch": self._number, **ledger_values(ledger)},
        )

    def _days(self) -> tuple[date | None, date | None]:
        """First and last day of what was accepted; for yearly figures, of their years."""
        row = first_row(
            self._cursor,
            """SELECT min(first_day), max(last_day) FROM (
                SELECT min(first_day) AS first_day, max(last_day) AS last_day FROM tallies WHERE batch = $batch
                UNION ALL
                SELECT make_date(min(year)::INTEGER, 1, 1), make_date(max(year)::INTEGER, 12, 31)
                FROM indicators WHERE batch = $batch)""",
            {"batch": self._number},
        )
        return row or (None, None)
