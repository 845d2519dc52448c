"""The embedded store: one DuckDB file, nothing to install.

One process writes at a time. Inside it, every call has its own cursor (a DuckDB connection is not for two threads)
and its own transaction, so that a read sees one state of the store while a load goes on.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from data import answers
from data.changes import Found, Wakeups, follow, note_change, read_changes
from data.class_counts import ClassCounts, ClassReader, ClassTotals, of_every_class
from data.conditions import (
    ROUTE_COLUMNS,
    Scope,
    Units,
    Values,
    cells_inside,
    check_sees_events,
    check_sees_positions,
    check_sees_refusals,
    conditions,
    control_modes,
    counted,
    counted_by_hour,
    ground_conditions,
    indicator_conditions,
    is_summed_up,
    near_box,
    near_condition,
    parent_sql,
    place_condition,
    territory_names,
    unknown_territory,
)
from data.duckdb_live import Feed
from data.duckdb_load import Load
from data.duckdb_tables import connect, explained, first_row, insert_rows, statements
from data.errors import StoreError
from data.extents import EXTENT_RESOLUTION, Extents
from data.hexagon_sums import COUNTS, SUMS, merge_by_cell
from data.layout import SUMMARY_RESOLUTION, read_sql
from data.ledger import LEDGER_COLUMNS, batch_of, ledger_of_row
from data.memberships import digest_of, membership_rows, memberships_of
from data.query import ClassField, Query, Territory, TerritoryKind, Viewer
from data.rollup import place_in_territories, sort_rollup, upgrade
from data.schema import EVENT_SCHEMA, INDICATOR_SCHEMA, REFUSAL_SCHEMA
from data.spans import BITS, FIRST_DAY, LEVEL_SHIFT, LEVELS, ZONE_SHIFT, longest_spans, parts, spans_between
from data.store import (
    Arrival,
    Batch,
    CellCounts,
    Change,
    Chunk,
    DayCounts,
    Ground,
    HourCounts,
    Ledger,
    Membership,
    ModeCounts,
    Outcome,
    PlacedFacts,
    Progress,
    Reachability,
    RouteFacts,
    RouteTotals,
    Source,
    TerritoryCounts,
    Totals,
)
from data.transfer import CONTENTS, CONTENTS_ROWS, chunk_of, contents_statement
from data.verify import SUMMARY_NAME, Check, run_checks
from geo.corridors import Stop
from geo.errors import N_

UNITS = Units("round(quantity_kg * 1e9)::BIGINT", "round(value_eur * 100)::BIGINT")
SPANS_OF_PARTS = "hexagon_spans JOIN (SELECT unnest($parts::BIGINT[]) AS part) USING (part)"


class DuckDBStore:
    """`data.store.Store` in a DuckDB file."""

    def __init__(self, path: Path, connection: duckdb.DuckDBPyConnection) -> None:
        self._path = path
        self._connection = connection
        self._writer = threading.Lock()
        self._wakeups = Wakeups()
        self._feed = Feed()
        self._scopes: dict[tuple[tuple[Any, ...], Territory | None, frozenset[Territory] | None], Scope] = {}
        self._extents: Extents | None = None

    @classmethod
    def open(cls, url: str) -> DuckDBStore:
        """Open the file at `url`; a file that does not exist is created, with its folders."""
        path = Path(url)
        connection = connect(path)
        with explained(path):
            upgrade(connection)
        return cls(path, connection)

    def close(self) -> None:
        self._wakeups.close()
        with self._writer:
            self._connection.close()

    @contextmanager
    def _reading(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A cursor that sees one state of the store, whatever is written meanwhile."""
        with explained(self._path):
            cursor = self._connection.cursor()
            try:
                cursor.begin()
                yield cursor
            finally:
                cursor.close()

    @contextmanager
    def _writing(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A cursor whose changes are all kept at the end, or none."""
        with self._writer, explained(self._path):
            cursor = self._connection.cursor()
            try:
                cursor.begin()
                yield cursor
                cursor.commit()
            finally:
                cursor.close()  # of an open transaction: rolls back
        self._wakeups.tell()

    def version(self) -> int:
        with self._reading() as cursor:
            return _version(cursor)

    # Writing

    def load(self, batch: Batch, chunks: Iterable[Chunk], progress: Progress | None = None) -> Ledger:
        earlier = self._loaded_before(batch)
        if earlier is not None:
            return earlier
        with self._writing() as cursor:
            self._feed.forget_keys()
            row = first_row(cursor, "SELECT coalesce(max(batch), 0) + 1 FROM batches")
            return Load(cursor, batch, row[0] if row else 1).run(chunks, progress)

    def append(self, arrivals: Sequence[Arrival]) -> list[Outcome]:
        with self._writing() as cursor:
            return self._feed.append(cursor, arrivals)

    def tidy(self, quiet: bool) -> None:
        with self._reading() as cursor:
            wanted = self._feed.wants_order(cursor, quiet)
        if wanted:
            with self._writing() as cursor:
                self._feed.put_in_order(cursor)

    def _loaded_before(self, batch: Batch) -> Ledger | None:
        with self._reading() as cursor:
            row = first_row(
                cursor,
                f"SELECT {', '.join(LEDGER_COLUMNS)} FROM batches WHERE digest = $digest AND reader = $reader",
                {"digest": batch.digest, "reader": batch.reader},
            )
            if row is not None:
                return replace(ledger_of_row(row), already_loaded=True)
            taken = first_row(cursor, "SELECT 1 FROM batches WHERE batch_id = ?", [batch.batch_id])
        if taken is not None:
            raise StoreError(
                N_("Un autre chargement porte déjà l'identifiant {given}. Recommencez."), given=batch.batch_id
            )
        return None

    def set_memberships(self, memberships: Sequence[Membership], progress: Progress | None = None) -> None:
        steps = 4

        def done(step: int) -> None:
            if progress is not None:
                progress(step, steps)

        rows = membership_rows(memberships)
        digest = digest_of(rows)
        with self._reading() as cursor:
            if first_row(cursor, "SELECT memberships_digest FROM meta") == (digest,):
                done(steps)
                return
        with self._writing() as cursor:
            for table in ("memberships", "zones", "place_territories"):
                cursor.execute(f"TRUNCATE {table}")
            insert_rows(cursor, "memberships BY NAME", "*", rows)
            done(1)
            cursor.execute(read_sql("zones"))
            cursor.execute("UPDATE places SET zone = 0")
            place_in_territories(cursor, first=0)
            done(2)
            sort_rollup(cursor)
            done(3)
            cursor.execute("UPDATE meta SET memberships_digest = ?", [digest])
            note_change(statements(cursor), batch=None, facts=None)
        done(steps)

    # Counts

    def counts_by_cell(self, query: Query, viewer: Viewer) -> CellCounts:
        with self._reading() as cursor:
            near = near_box(query)
            scope = self._narrowed(cursor, self._scope(cursor, query.territory, viewer), near)
            if is_summed_up(query, scope):
                columns = _summed_up(cursor, query, scope, near)
            else:
                source, where, values = counted(query, scope, _one_of, UNITS, near)
                columns = _fetch(cursor, _cells_sql(source, where, query.resolution), values)
        return answers.cell_counts(query, viewer, columns)

    def totals(self, query: Query, viewer: Viewer) -> Totals:
        with self._reading() as cursor:
            source, where, values = counted(query, self._scope(cursor, query.territory, viewer), _one_of, UNITS)
            columns = _fetch(cursor, read_sql("totals").format(source=source, where=where), values)
        return answers.totals(viewer, columns)

    def facts_in(self, query: Query, viewer: Viewer, cells: NDArray[np.int64]) -> PlacedFacts:
        check_sees_positions(viewer)
        with self._reading() as cursor:
            where, values = conditions(query, self._scope(cursor, query.territory, viewer), _one_of, zones=False)
            near, inside = near_condition(cells)
            columns = _fetch(cursor, read_sql("facts_in").format(where=where, near=near), {**values, **inside})
        return answers.placed_facts(columns)

    def route_facts(self, query: Query, viewer: Viewer) -> RouteFacts:
        check_sees_positions(viewer)
        with self._reading() as cursor:
            where, values = conditions(query, self._scope(cursor, query.territory, viewer), _one_of, zones=False)
            statement = read_sql("route_facts").format(where=where, micrograms=UNITS.micrograms)
            return answers.route_facts(_table(cursor, statement, values, answers.ROUTE_SCHEMA))

    def route_totals(
        self, query: Query, viewer: Viewer, start: Stop = "departure", stop: Stop = "destination"
    ) -> RouteTotals:
        with self._reading() as cursor:
            where, values = conditions(query, self._scope(cursor, query.territory, viewer), _one_of, zones=False)
            named = {"start": ROUTE_COLUMNS[start], "stop": ROUTE_COLUMNS[stop]}
            text = read_sql("route_totals").format(where=where, micrograms=UNITS.micrograms, **named)
            return answers.route_totals(viewer, _fetch(cursor, text, values))

    def unplaced(self, query: Query, viewer: Viewer, ground: Ground) -> dict[str, int]:
        with self._reading() as cursor:
            source, where, values = counted(query, self._scope(cursor, query.territory, viewer), _one_of, UNITS)
            tests, codes = ground_conditions(ground, _one_of)
            statement = read_sql("unplaced").format(source=source, where=where, **tests)
            columns = _fetch(cursor, statement, {**values, **codes})
        return answers.by_precision(viewer, columns)

    def counts_by_territory(self, kind: TerritoryKind, query: Query, viewer: Viewer) -> TerritoryCounts:
        with self._reading() as cursor:
            source, where, values = counted(query, self._scope(cursor, query.territory, viewer), _one_of, UNITS)
            statement = read_sql("counts_by_territory").format(source=source, where=where)
            columns = _fetch(cursor, statement, {**values, "kind": kind})
        return answers.territory_counts(kind, viewer, columns)

    def counts_by_code(
        self, by: ClassField, kind: TerritoryKind, query: Query, viewer: Viewer
    ) -> dict[str, TerritoryCounts]:
        with self._reading() as cursor:
            source, where, values = counted(query, self._scope(cursor, query.territory, viewer), _one_of, UNITS)
            statement = read_sql("counts_by_code").format(source=source, where=where, by=by)
            columns = _fetch(cursor, statement, {**values, "kind": kind})
        return answers.counts_by_code(kind, viewer, columns)

    def counts_by_mode(self, kind: TerritoryKind, query: Query, viewer: Viewer) -> ModeCounts:
        with self._reading() as cursor:
            source, where, values = counted(query, self._scope(cursor, query.territory, viewer), _one_of, UNITS)
            statement = read_sql("counts_by_mode").format(source=source, where=where)
            columns = _fetch(cursor, statement, {**values, **control_modes(), "kind": kind})
        return answers.mode_counts(kind, viewer, columns)

    def counts_by_class(self, kind: TerritoryKind, query: Query, viewer: Viewer) -> ClassCounts:
        with self._reading_classes(query, viewer) as classes:
            return classes.counts(kind, viewer)

    def totals_by_class(self, query: Query, viewer: Viewer) -> ClassTotals:
        with self._reading_classes(query, viewer) as classes:
            return classes.totals(viewer)

    @contextmanager
    def _reading_classes(self, query: Query, viewer: Viewer) -> Iterator[ClassReader]:
        with self._reading() as cursor:
            scope = self._scope(cursor, query.territory, viewer)
            source, where, values = counted(of_every_class(query), scope, _one_of, UNITS)
            yield ClassReader(partial(_fetch, cursor), statements(cursor), source, where, values)

    def counts_by_day(self, query: Query, viewer: Viewer) -> DayCounts:
        with self._reading() as cursor:
            source, where, values = counted(query, self._scope(cursor, query.territory, viewer), _one_of, UNITS)
            columns = _fetch(cursor, read_sql("counts_by_day").format(source=source, where=where), values)
        return answers.day_counts(query, viewer, columns)

    def counts_by_hour(self, query: Query, viewer: Viewer) -> HourCounts:
        with self._reading() as cursor:
            source, values = counted_by_hour(query, self._scope(cursor, query.territory, viewer), _one_of, UNITS)
            columns = _fetch(cursor, read_sql("counts_by_hour").format(source=source), values)
        return answers.hour_counts(query, viewer, columns)

    # Facts one by one

    def events(self, query: Query, viewer: Viewer, cell: int | None = None, limit: int = 50) -> pa.Table:
        check_sees_events(viewer)
        with self._reading() as cursor:
            scope = self._scope(cursor, query.territory, viewer)
            where, values = conditions(query, scope, _one_of, zones=False)
            if cell is not None:
                low, high = cells_inside(cell)
                where += " AND cell >= $low AND cell < $high"
                values |= {"low": low, "high": high}
            statement = read_sql("events").format(columns=", ".join(EVENT_SCHEMA.names), where=where)
            return _table(cursor, statement, {**values, "limit": limit}, EVENT_SCHEMA)

    def indicators(
        self, viewer: Viewer, indicator: str | None = None, territories: Sequence[Territory] = ()
    ) -> pa.Table:
        where, values = indicator_conditions(viewer, _one_of)
        if indicator is not None:
            where += " AND indicator = $indicator"
            values["indicator"] = indicator
        if territories:
            where += " AND territory_kind || ':' || territory IN $asked"
            values["asked"] = [f"{kind}:{code}" for kind, code in territories]
        statement = f"""SELECT {", ".join(INDICATOR_SCHEMA.names)}
            FROM indicators JOIN (SELECT batch, batch_id FROM batches) USING (batch)
            WHERE {where} ORDER BY source, release, indicator, unit_of_count, territory_kind, territory, year"""
        with self._reading() as cursor:
            return _table(cursor, statement, values, INDICATOR_SCHEMA)

    # What came in

    def sources(self, viewer: Viewer) -> list[Source]:
        with self._reading() as cursor:
            where, values = place_condition(self._scope(cursor, None, viewer))
            indicators_where, more = indicator_conditions(viewer, _one_of)
            statement = read_sql("sources").format(where=where, indicators_where=indicators_where)
            rows = cursor.execute(statement, {**values, **more}).fetchall()
        return answers.sources(viewer, rows)

    def batches(self, viewer: Viewer) -> list[Ledger]:
        with self._reading() as cursor:
            where, values = "true", Values()
            if viewer.territories is not None:
                condition, values = place_condition(self._scope(cursor, None, viewer))
                where = f"batch IN (SELECT batch FROM tallies WHERE {condition})"
            rows = cursor.execute(
                f"SELECT {', '.join(LEDGER_COLUMNS)} FROM batches WHERE {where} ORDER BY batch DESC", values
            ).fetchall()
        return [ledger_of_row(row) for row in rows]

    def quarantine(self, viewer: Viewer, batch_id: str, limit: int | None = None) -> pa.Table:
        check_sees_refusals(viewer)
        statement = f"""SELECT {", ".join(REFUSAL_SCHEMA.names)} FROM quarantine
            WHERE batch = (SELECT batch FROM batches WHERE batch_id = $batch_id)
            ORDER BY line, field, reason, given, expected LIMIT $limit"""
        with self._reading() as cursor:
            return _table(cursor, statement, {"batch_id": batch_id, "limit": limit}, REFUSAL_SCHEMA)

    def period(self, viewer: Viewer) -> tuple[date, date] | None:
        with self._reading() as cursor:
            where, values = place_condition(self._scope(cursor, None, viewer))
            row = first_row(cursor, f"SELECT min(first_day), max(last_day) FROM tallies WHERE {where}", values)
        return None if row is None or row[0] is None else row

    # What changes

    def changes(
        self, viewer: Viewer, since: int | None = None, report: Reachability | None = None
    ) -> AsyncGenerator[Change, None]:
        def read(after: int | None) -> Found:
            with self._reading() as cursor:
                return read_changes(statements(cursor), self._scope(cursor, None, viewer), viewer, after)

        return follow(read, _no_link, self._wakeups, since, report)

    # For those who run the store

    def verify(self) -> list[Check]:
        """Compare what is derived from the facts with the facts."""
        with self._reading() as cursor:

            def count(text: str) -> int:
                row = first_row(cursor, text)
                return int(row[0]) if row else 0

            checks = run_checks(count, *UNITS)
            summary = read_sql("verify_spans").format(
                cell=parent_sql("cell", SUMMARY_RESOLUTION),
                levels=LEVELS,
                bits=BITS,
                first_day=FIRST_DAY,
                level_shift=LEVEL_SHIFT,
                zone_shift=ZONE_SHIFT,
            )
            return [*checks, Check(SUMMARY_NAME, count(summary))]

    def memberships(self) -> list[Membership]:
        """The territories' composition."""
        with self._reading() as cursor:
            rows = cursor.execute("SELECT kind, code, commune FROM memberships ORDER BY ALL").fetchall()
        return memberships_of(rows)

    def contents(self, batch_id: str) -> Iterator[Chunk]:
        """What a load left in the store, in order of line."""
        with self._reading() as cursor:
            for kind in CONTENTS:
                text, schema = contents_statement(kind)
                for part in cursor.sql(text, params={"batch_id": batch_id}).to_arrow_reader(CONTENTS_ROWS):
                    yield chunk_of(pa.Table.from_batches([part]).cast(schema), kind)

    def adopt(self, ledger: Ledger, chunks: Iterable[Chunk]) -> None:
        """Write a load that another store has settled already, with its ledger as it is."""
        with self._writing() as cursor:
            self._feed.forget_keys()
            row = first_row(cursor, "SELECT coalesce(max(batch), 0) + 1 FROM batches")
            Load(cursor, batch_of(ledger), row[0] if row else 1).run(chunks, adopted=ledger)

    # Who sees what

    def _scope(self, cursor: duckdb.DuckDBPyConnection, territory: Territory | None, viewer: Viewer) -> Scope:
        if territory is None and viewer.territories is None:
            return Scope()
        key = (_geography(cursor), territory, viewer.territories)
        if key not in self._scopes:
            if self._scopes and next(iter(self._scopes))[0] != key[0]:
                self._scopes = {}  # of an earlier geography
            self._scopes[key] = _read_scope(cursor, territory, viewer)
        return self._scopes[key]

    def _narrowed(self, cursor: duckdb.DuckDBPyConnection, scope: Scope, near: NDArray[np.int64] | None) -> Scope:
        """The zones of the scope that have a fact in these hexagons or beside them."""
        if near is None:
            return scope
        version = _version(cursor)
        known = self._extents
        if known is None or known.version != version:
            grown = known.grown(statements(cursor), version) if known else None
            known = self._extents = grown or _read_extents(cursor, version)
        return known.narrow(scope, near)


@asynccontextmanager
async def _no_link(_woken: asyncio.Event) -> AsyncIterator[Callable[[], None]]:
    """Only this process writes the file: its own wake-ups are enough."""
    yield lambda: None


def _version(cursor: duckdb.DuckDBPyConnection) -> int:
    row = first_row(cursor, "SELECT version FROM meta")
    if row is None:
        raise StoreError(N_("La base est vide : son en-tête manque."))
    return int(row[0])


def _read_extents(cursor: duckdb.DuckDBPyConnection, version: int) -> Extents:
    days = first_row(cursor, "SELECT min(first_day), max(last_day) FROM tallies")
    spans = longest_spans(*days) if days and days[0] else []
    text = f"""SELECT DISTINCT part >> {ZONE_SHIFT} AS zone, {parent_sql("cell", EXTENT_RESOLUTION)} AS cell
        FROM {SPANS_OF_PARTS}"""
    found: Any = cursor.execute(text, {"parts": parts(_all_zones(cursor), spans)}).fetchnumpy()
    return Extents(version, found["zone"], found["cell"])


def _geography(cursor: duckdb.DuckDBPyConnection) -> tuple[Any, ...]:
    """What scopes follow from: not the version, which a live feed raises ten times a second."""
    return first_row(cursor, "SELECT memberships_digest, (SELECT count(*) FROM places) FROM meta") or ()


def _read_scope(cursor: duckdb.DuckDBPyConnection, territory: Territory | None, viewer: Viewer) -> Scope:
    if territory is not None:
        _check_known(cursor, territory)
    rows = cursor.execute(
        read_sql("scope"),
        {
            "territory_kind": None if territory is None else territory.kind,
            "territory_code": None if territory is None else territory.code,
            "restricted": viewer.territories is not None,
            "viewer_territories": territory_names(viewer),
        },
    ).fetchall()
    zones = sorted({zone for _, zone in rows})
    row = first_row(cursor, "SELECT count(*) FROM places WHERE zone IN $zones", {"zones": zones})
    return Scope(tuple(place for place, _ in rows), tuple(zones), row == (len(rows),))


def _check_known(cursor: duckdb.DuckDBPyConnection, territory: Territory) -> None:
    known = first_row(
        cursor,
        """SELECT 1 FROM memberships WHERE kind = $kind AND code = $code
        UNION ALL SELECT 1 FROM place_territories WHERE kind = $kind AND code = $code LIMIT 1""",
        {"kind": territory.kind, "code": territory.code},
    )
    if known is None:
        raise unknown_territory(territory)


def _one_of(column: str, parameter: str, kind: str) -> str:
    return f"{column} IN ${parameter}::{kind}[]"


def _fetch(cursor: duckdb.DuckDBPyConnection, statement: str, values: Mapping[str, Any]) -> answers.Columns:
    """Run a SELECT; numbers that are NULL become NaN."""
    found: Mapping[str, Any] = cursor.execute(statement, values).fetchnumpy()
    return {name: _nan_for_null(column) for name, column in found.items()}


def _cells_sql(source: str, where: str, resolution: int) -> str:
    return read_sql("counts_by_cell").format(source=source, where=where, cell=parent_sql("cell", resolution))


def _summed_up(
    cursor: duckdb.DuckDBPyConnection, query: Query, scope: Scope, near: NDArray[np.int64] | None
) -> answers.Columns:
    """Counts by hexagon of some whole zones, or of all, from the summary by spans of days."""
    where, values = near_condition(near)
    spans = spans_between(query.start, query.stop)
    if scope.zones is None:
        values["parts"] = parts(_all_zones(cursor), spans)
        return _fetch(cursor, _cells_sql(SPANS_OF_PARTS, where, query.resolution), values)
    values["parts"] = parts(scope.zones, spans)
    names = ", ".join(("cell", *COUNTS, *SUMS))
    rows: Any = cursor.execute(f"SELECT {names} FROM {SPANS_OF_PARTS} WHERE {where}", values).fetchnumpy()
    return {name: _nan_for_null(column) for name, column in merge_by_cell(rows, query.resolution).items()}


def _all_zones(cursor: duckdb.DuckDBPyConnection) -> list[int]:
    return [zone for (zone,) in cursor.execute("SELECT DISTINCT zone FROM places").fetchall()]


def _nan_for_null(column: NDArray[Any]) -> NDArray[Any]:
    if isinstance(column, np.ma.MaskedArray):
        return np.ma.filled(column.astype(np.float64), np.nan)
    return column


def _table(cursor: duckdb.DuckDBPyConnection, statement: str, values: Values, schema: pa.Schema) -> pa.Table:
    found: pa.Table = cursor.sql(statement, params=values).to_arrow_table()
    return found.cast(schema)
