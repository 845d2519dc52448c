"""Write one batch into the server store, inside a transaction that the caller opens and commits.

Lines are first copied into temporary tables, which holds nobody up; the store itself is then written in one go, by
one load at a time. More than `MANY_FACTS` go by whole months instead (data/postgis_months.py).
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import closing
from datetime import date
from itertools import chain
from types import TracebackType

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from data.ahead import ahead
from data.dimensions import Combination, Dimension
from data.layout import (
    DIMENSIONS,
    EVENTS,
    INDICATOR_FIELDS,
    INDICATORS,
    KNOWN_OTHERWISE,
    STORED_FIELDS,
    Settled,
)
from data.ledger import LEDGER_COLUMNS, Counted, adopted_ledger, ledger_of, ledger_of_row, ledger_values
from data.live_rows import in_hexagons
from data.postgis_changes import note_and_notify
from data.postgis_connection import Connection, bound, statement
from data.postgis_copy import SQL_TYPES
from data.postgis_lanes import copy_into, place_in_territories
from data.postgis_months import Months
from data.postgis_summary import summarise_rows
from data.schema import ARROW_TYPES, INPUT_FIELDS, Field
from data.store import Batch, Chunk, Ledger, Progress

STORED = tuple(field.name for field in STORED_FIELDS)
FIGURES = tuple(field.name for field in INDICATOR_FIELDS)
STAGED_EVENTS = ("row", "line", *DIMENSIONS, *STORED)
STAGED_INDICATORS = ("row", "line", *FIGURES)
MANY_FACTS = 200_000  # from which on tables of their own pay
# Facts that are not told one by one: readers are told that everything changed.
TOO_MANY = "(SELECT NULL::INTEGER AS place, NULL::BIGINT AS cell, NULL::DATE AS day WHERE false) AS untold"


def loaded_before(connection: Connection, batch: Batch) -> Ledger | None:
    """The ledger of the same file read in the same way, if there is one."""
    row = connection.execute(
        bound(f"SELECT {', '.join(LEDGER_COLUMNS)} FROM batches WHERE digest = $digest AND reader = $reader"),
        {"digest": batch.digest, "reader": batch.reader},
    ).fetchone()
    return None if row is None else ledger_of_row(row)


class Load:
    """The steps of one load: `stage` every chunk, then `settle`; at the end of the `with`, nothing of it is left about.

    Args:
        url: The store's address, for the connections that a load of many facts opens; None: it opens none.
    """

    def __init__(self, connection: Connection, batch: Batch, url: str | None = None) -> None:
        self._connection = connection
        self._batch = batch
        self._url = url
        self._number = 0
        self._dimensions = {number: Dimension(names, {}) for number, (_, names) in DIMENSIONS.items()}
        self._counted = Counted()
        self._rows = 0
        self._staged: set[str] = set()
        self._months: Months | None = None
        self._is_settled = False
        self._brought: str | None = None  # what tells the places, cells and days of the facts

    def __enter__(self) -> Load:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._months is not None:
            self._months.close(is_settled=self._is_settled)

    def stage(self, chunks: Iterable[Chunk], progress: Progress | None = None) -> None:
        """Copy the lines where nobody reads them yet."""
        self._create_staging()
        with closing(ahead(chunks)) as coming:
            few: list[Chunk] = []
            facts = 0
            for chunk in coming:
                few.append(chunk)
                facts += chunk.events.num_rows if chunk.events is not None else 0
                if facts >= MANY_FACTS and self._url is not None:
                    self._months = Months(self._url)
                    break
            for chunk in chain(few, coming):
                self._stage(chunk)
                if progress is not None:
                    progress(self._counted.lines, None)
        if self._months is not None:
            self._months.finish()

    def settle(self, adopted: Ledger | None = None) -> Ledger:
        """Recognise what was there already, write the rest, roll up, and account for every line.

        Args:
            adopted: The ledger of a load that another store has settled; None: it is drawn up here.
        """
        # Undone where it fails, so that what was staged is free to be dropped.
        with self._connection.transaction():
            ledger = self._settle(adopted)
        self._is_settled = True
        return ledger

    def _settle(self, adopted: Ledger | None) -> Ledger:
        connection = self._connection
        row = connection.execute("SELECT coalesce(max(batch), 0) + 1 FROM batches").fetchone()
        self._number = row[0] if row else 1
        if self._months is not None:
            self._settle_months(self._months)
        elif "staged_events" in self._staged:
            self._number_dimensions()
            # Nobody counts temporary tables but us; uncounted, they are joined row by row.
            connection.execute("ANALYZE staged_events, numbers, verdicts")
            connection.execute(statement("postgis/arrived", stored=", ".join(STORED)))
            self._write_events()
        if "staged_indicators" in self._staged:
            self._write_indicators()
        connection.execute(
            bound("INSERT INTO quarantine SELECT $batch, line, field, given, reason, expected FROM staged_refusals"),
            {"batch": self._number},
        )
        if adopted is None:
            ledger = ledger_of(self._batch, self._counted, self._days())
        else:
            ledger = adopted_ledger(adopted, self._counted)
        self._record(ledger)
        note_and_notify(connection, self._number, self._brought)
        return ledger

    # Into temporary tables

    def _create_staging(self) -> None:
        numbers = ", ".join(f"{number} INT4" for number in DIMENSIONS)
        for text in (
            f"CREATE TEMP TABLE staged_events (row INT8, line INT8, {numbers}, {_columns(STORED_FIELDS)})",
            f"CREATE TEMP TABLE staged_indicators (row INT8, line INT8, {_columns(INDICATOR_FIELDS)})",
            "CREATE TEMP TABLE staged_refusals (line INT8, field TEXT, given TEXT, reason TEXT, expected TEXT)",
            "CREATE TEMP TABLE numbers (dimension TEXT, staged INT4, number INT4)",
            'CREATE TEMP TABLE verdicts (row INT8, line INT8, given TEXT COLLATE "C", differing TEXT[])',
        ):
            self._connection.execute(f"{text} ON COMMIT DROP")

    def _stage(self, chunk: Chunk) -> None:
        counted = self._counted
        if chunk.refusals is not None and chunk.refusals.num_rows:
            copy_into(self._connection, "staged_refusals", tuple(chunk.refusals.column_names), chunk.refusals)
            counted.refused += pc.count_distinct(chunk.refusals.column("line")).as_py()
        for rows, table, names in (
            (chunk.events, "staged_events", STAGED_EVENTS),
            (chunk.indicators, "staged_indicators", STAGED_INDICATORS),
        ):
            if rows is None or not rows.num_rows:
                continue
            lines = chunk.event_lines
            if lines is None:
                lines = np.arange(counted.lines + 1, counted.lines + 1 + rows.num_rows, dtype=np.int64)
            counted.written += rows.num_rows
            rows = rows.append_column("line", pa.array(lines, type=pa.int64()))
            if table == "staged_events":
                rows = in_hexagons(rows)
                if self._months is not None:
                    self._months.add(rows)
                    continue
                for number, dimension in self._dimensions.items():
                    rows = rows.append_column(number, pa.array(dimension.encode(rows)))
            order = np.arange(self._rows + 1, self._rows + 1 + rows.num_rows, dtype=np.int64)
            copy_into(self._connection, table, names, rows.append_column("row", pa.array(order)))
            self._rows += rows.num_rows
            self._staged.add(table)
        counted.lines += chunk.lines
        counted.identical += chunk.identical

    # Into the store

    def _settle_months(self, months: Months) -> None:
        """Take the months as they are when every fact is new; judge the facts one by one otherwise."""
        connection = self._connection
        if months.are_new(connection):
            months.attach(connection, self._number)
            self._brought = TOO_MANY
            return
        months.show_as_arrived(connection)
        self._write_events()
        connection.execute("DROP VIEW arrived CASCADE")
        months.drop(connection)

    def _number_dimensions(self) -> None:
        """Give the combinations of this load the store's numbers; those it has not yet get new ones."""
        for number, (table, names) in DIMENSIONS.items():
            staged = self._dimensions[number].fresh(number)
            known = self._known(table, number, names)
            first_new = max(known.values(), default=0) + 1
            rows = list(zip(*(column.to_pylist() for column in staged.columns), strict=True))
            with self._connection.cursor().copy("COPY numbers FROM STDIN") as copy:
                for *combination, local in rows:
                    copy.write_row((number, local, known.setdefault(tuple(combination), len(known) + 1)))
            fresh = [(found, *combination) for combination, found in known.items() if found >= first_new]
            columns = ", ".join((number, *names))
            # Not straight into the table: COPY does not go through row-level security.
            self._connection.execute(
                f"CREATE TEMP TABLE fresh_{table} (LIKE {table} INCLUDING DEFAULTS) ON COMMIT DROP"
            )
            with self._connection.cursor().copy(f"COPY fresh_{table} ({columns}) FROM STDIN") as copy:
                for row in fresh:
                    copy.write_row(row)
            self._connection.execute(f"INSERT INTO {table} ({columns}) SELECT {columns} FROM fresh_{table}")
            if number == "place" and fresh:
                place_in_territories(self._connection, first_new)

    def _known(self, table: str, number: str, names: tuple[str, ...]) -> dict[Combination, int]:
        text = f"SELECT {', '.join(names)}, {number} FROM {table} ORDER BY {number}"
        return {row[:-1]: row[-1] for row in self._connection.execute(text)}

    def _write_events(self) -> None:
        """Insert what the view `arrived` has and the store has not."""
        connection, batch = self._connection, {"batch": self._number}
        connection.execute(statement("postgis/arrived_facts"))
        self._counted.settle(
            *self._judge(
                EVENTS,
                arrived="arrived_facts",
                known="known_events",
                stored="known_events USING (event_id) JOIN facts USING (event_id, day, occurred_at)",
                compared=tuple(dict.fromkeys((*EVENTS.identity, *INPUT_FIELDS))),
            )
        )
        connection.execute("SELECT ensure_months(array_agg(DISTINCT day)) FROM accepted")
        connection.execute(
            "INSERT INTO event_keys (occurred_at, key, day)"
            " SELECT occurred_at, hashtextextended(event_id, 0), day FROM accepted"
        )
        written = ", ".join(("line", *DIMENSIONS, *STORED))
        connection.execute(
            bound(f"INSERT INTO events (batch, {written}) SELECT $batch, {written} FROM accepted"),
            batch,
        )
        brought = statement("postgis/rollup_of", facts="accepted")
        connection.execute(f"CREATE TEMP TABLE fresh ON COMMIT DROP AS {brought}")
        self._brought = "fresh"
        connection.execute("INSERT INTO rollup SELECT * FROM fresh")
        summarise_rows(connection, "fresh")
        connection.execute(statement("postgis/tallies_of_arrived"), batch)
        self._refuse_contradictions(EVENTS)

    def _write_indicators(self) -> None:
        self._connection.execute("DELETE FROM verdicts")
        self._counted.settle(
            *self._judge(
                INDICATORS,
                arrived="staged_indicators",
                known="indicators",
                stored=f"indicators USING ({', '.join(INDICATORS.identity)})",
                compared=FIGURES,
            )
        )
        written = ", ".join(("line", *FIGURES))
        self._connection.execute(
            bound(
                f"INSERT INTO indicators (batch, {written}) SELECT $batch, {written} FROM staged_indicators"
                " WHERE NOT EXISTS (SELECT FROM verdicts WHERE verdicts.row = staged_indicators.row)"
            ),
            {"batch": self._number},
        )
        self._refuse_contradictions(INDICATORS)

    def _judge(
        self, settled: Settled, *, arrived: str, known: str, stored: str, compared: tuple[str, ...]
    ) -> tuple[int, int]:
        """Compare lines that share an identifier with its first one: how many repeat it, how many contradict it."""
        connection, identity = self._connection, ", ".join(settled.identity)
        connection.execute("DROP TABLE IF EXISTS suspects, originals")
        connection.execute(statement("postgis/suspects", arrived=arrived, known=known, identity=identity))
        if connection.execute("SELECT EXISTS (SELECT FROM suspects)").fetchone() == (False,):
            return 0, 0
        connection.execute(
            statement(
                "postgis/originals",
                arrived=arrived,
                known=known,
                stored=stored,
                identity=identity,
                compared=", ".join(compared),
                same_as_known=" AND ".join(f"known.{name} = suspects.{name}" for name in settled.identity),
            )
        )
        connection.execute(
            statement(
                "postgis/verdicts",
                arrived=arrived,
                identity=identity,
                given=", ".join(f"mine.{name}" for name in settled.identity),
                differences=settled.differences,
            )
        )
        row = connection.execute(
            """SELECT count(*) FILTER (WHERE cardinality(differing) = 0),
                count(*) FILTER (WHERE cardinality(differing) > 0) FROM verdicts"""
        ).fetchone()
        return (row[0], row[1]) if row else (0, 0)

    def _refuse_contradictions(self, settled: Settled) -> None:
        self._connection.execute(
            bound("""INSERT INTO quarantine
                SELECT $batch, line, $field, given, $reason, array_to_string(differing, ', ') FROM verdicts
                WHERE cardinality(differing) > 0"""),
            {"batch": self._number, "field": settled.blamed, "reason": KNOWN_OTHERWISE},
        )

    def _days(self) -> tuple[date | None, date | None]:
        """First and last day of what was accepted; for yearly figures, of their years."""
        row = self._connection.execute(
            bound("""SELECT min(first_day), max(last_day) FROM (
                SELECT min(first_day) AS first_day, max(last_day) AS last_day FROM tallies WHERE batch = $batch
                UNION ALL
                SELECT make_date(min(year)::INTEGER, 1, 1), make_date(max(year)::INTEGER, 12, 31)
                FROM indicators WHERE batch = $batch) AS brought"""),
            {"batch": self._number},
        ).fetchone()
        return (row[0], row[1]) if row else (None, None)

    def _record(self, ledger: Ledger) -> None:
        names = ", ".join(f"${name}" for name in LEDGER_COLUMNS)
        self._connection.execute(
            bound(
                f"INSERT INTO batches (batch, {', '.join(LEDGER_COLUMNS)}, has_indicators)"
                f" VALUES ($batch, {names}, EXISTS (SELECT FROM indicators WHERE batch = $batch))"
            ),
            {"batch": self._number, **ledger_values(ledger)},
        )


def _columns(fields: tuple[Field, ...]) -> str:
    texts = {"text": pa.string(), "code": pa.string()}
    types = {field.name: texts.get(field.type, ARROW_TYPES[field.type]) for field in fields}
    return ", ".join(
        f"{name} {SQL_TYPES[kind]}{' COLLATE ' + chr(34) + 'C' + chr(34) if kind == pa.string() else ''}"
        for name, kind in types.items()
    )
