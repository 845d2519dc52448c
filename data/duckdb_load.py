"""Write one batch into the embedded store, inside a transaction that the caller opens and commits."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from data.ahead import ahead
from data.dimensions import Dimension
from data.duckdb_tables import (
    DIMENSIONS,
    EVENT_IDENTITY,
    EVENT_KEY,
    INDICATOR_FIELDS,
    INDICATOR_IDENTITY,
    INDICATOR_KEY,
    STORED_FIELDS,
    first_row,
    insert_rows,
    read_sql,
)
from data.errors import StoreError
from data.rollup import append_rollup, place_in_territories
from data.schema import INPUT_FIELDS
from data.store import Batch, Chunk, Ledger, Progress
from data.vocabulary import HEXAGON_PRECISIONS
from geo.errors import N_

KNOWN_OTHERWISE = N_("Identifiant déjà connu avec un autre contenu : {given}. Champs qui diffèrent : {expected}.")
IS_NAMED = "coalesce(event_id = source || ':' || source_event_id, false)"  # see `create_facts`


@dataclass(frozen=True, slots=True)
class Settled:
    """How two lines are recognised as the same fact, and when the second one only repeats the first."""

    table: str
    view: str
    identity: tuple[str, ...]
    differences: str  # SQL: the names of the fields that differ between `mine` and `theirs`, NULL for the others


def _difference(name: str, condition: str = "") -> str:
    return f"CASE WHEN {condition}mine.{name} IS DISTINCT FROM theirs.{name} THEN '{name}' END"


# Where there is a point, the codes of its place follow from it and from the geography of the day: not compared.
FROM_THE_POINT = ("commune", "departement", "country")
EVENTS = Settled(
    "events",
    "facts",
    EVENT_IDENTITY,
    ", ".join(
        _difference(name, "mine.longitude IS NULL AND " if name in FROM_THE_POINT else "") for name in INPUT_FIELDS
    ),
)
INDICATORS = Settled(
    "indicators",
    "figures",
    INDICATOR_IDENTITY,
    ", ".join(_difference(field.name) for field in INDICATOR_FIELDS if field.name not in INDICATOR_IDENTITY),
)


@dataclass(slots=True)
class _Counted:
    lines: int = 0
    written: int = 0
    refused: int = 0
    identical: int = 0


class Load:
    """The steps of one load. `run` does them all; nothing is visible to others before the caller commits."""

    def __init__(self, cursor: duckdb.DuckDBPyConnection, batch: Batch, number: int) -> None:
        self._cursor = cursor
        self._batch = batch
        self._number = number
        self._dimensions = {
            number: Dimension(names, self._known(table, number, names)) for number, (table, names) in DIMENSIONS.items()
        }
        self._counted = _Counted()

    def _known(self, table: str, number: str, names: tuple[str, ...]) -> dict[tuple[str | None, ...], int]:
        rows = self._cursor.execute(f"SELECT {', '.join(names)}, {number} FROM {table} ORDER BY {number}").fetchall()
        return {row[:-1]: row[-1] for row in rows}

    def run(self, chunks: Iterable[Chunk], progress: Progress | None) -> Ledger:
        """Write the chunks, settle what was there already, roll up, and account for every line."""
        for chunk in ahead(chunks):
            self._write(chunk)
            if progress is not None:
                progress(self._counted.lines, None)
        self._write_dimensions()
        repeated = 0
        for settled in (EVENTS, INDICATORS):
            same, other = self._settle(settled)
            repeated += same
            self._counted.refused += other
            self._counted.written -= same + other
        append_rollup(self._cursor, self._number)
        ledger = self._account(repeated)
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
        names = [field.name for field in STORED_FIELDS]
        precisions = ", ".join(f"'{precision}'" for precision in HEXAGON_PRECISIONS)
        in_hexagons = f"CASE WHEN place_precision IN ({precisions}) AND cell <> 0 THEN cell END"
        stored = {"cell": in_hexagons, "source_event_id": f"CASE WHEN NOT {IS_NAMED} THEN source_event_id END"}
        values = [stored.get(name, name) for name in names]
        self._append(
            "events",
            f"key, batch, line, {', '.join((*DIMENSIONS, *names))}, named",
            f"{EVENT_KEY}, $batch, line, {', '.join((*DIMENSIONS, *values))}, {IS_NAMED}",
            rows,
        )

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
            {**batch, "field": "source_event_id" if settled is EVENTS else "", "reason": KNOWN_OTHERWISE},
        )
        cursor.execute(f"DELETE FROM {settled.table} WHERE rowid IN (SELECT row_number FROM verdicts)")
        row = first_row(
            cursor,
            "SELECT count(*) FILTER (len(differing) = 0), count(*) FILTER (len(differing) > 0) FROM verdicts",
        )
        return row or (0, 0)

    def _account(self, repeated: int) -> Ledger:
        batch, counted = self._batch, self._counted
        if counted.written + repeated + counted.refused != counted.lines:
            raise StoreError(
                N_(
                    "Comptes faux pour {name} : {lines} lignes, mais {accepted} acceptées, {repeated} répétées et"
                    " {refused} refusées. Rien n'a été gardé ; signalez cette erreur."
                ),
                name=batch.name,
                lines=counted.lines,
                accepted=counted.written,
                repeated=repeated,
                refused=counted.refused,
            )
        first_day, last_day = self._days()
        ledger = Ledger(
            batch_id=batch.batch_id,
            name=batch.name,
            digest=batch.digest,
            reader=batch.reader,
            source=batch.source,
            marking=batch.marking,
            loaded_at=datetime.now(UTC),
            lines=counted.lines,
            accepted=counted.written,
            repeated=repeated,
            refused=counted.refused,
            identical=counted.identical,
            first_day=first_day,
            last_day=last_day,
        )
        record(self._cursor, self._number, ledger)
        return ledger

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


LEDGER_COLUMNS = (
    "batch_id", "name", "digest", "reader", "source", "marking", "loaded_at",
    "lines", "accepted", "repeated", "refused", "identical", "first_day", "last_day",
)  # fmt: skip


def record(cursor: duckdb.DuckDBPyConnection, number: int, ledger: Ledger) -> None:
    """Write down what became of a batch."""
    values = {name: getattr(ledger, name) for name in LEDGER_COLUMNS}
    values["loaded_at"] = ledger.loaded_at.astimezone(UTC).replace(tzinfo=None)
    names = ", ".join(f"${name}" for name in LEDGER_COLUMNS)
    cursor.execute(
        f"INSERT INTO batches (batch, {', '.join(LEDGER_COLUMNS)}) VALUES ($batch, {names})",
        {"batch": number, **values},
    )


def ledger_of(row: tuple[object, ...]) -> Ledger:
    """Read a row of `batches`, its columns in the order of LEDGER_COLUMNS."""
    values = dict(zip(LEDGER_COLUMNS, row, strict=True))
    loaded_at = values["loaded_at"]
    if not isinstance(loaded_at, datetime):
        raise TypeError(f"loaded_at is a {type(loaded_at).__name__}")
    values["loaded_at"] = loaded_at.replace(tzinfo=UTC)
    return Ledger(**values)  # type: ignore[arg-type]  # the columns of `batches` have the fields' types
