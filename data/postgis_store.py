"""The server store: PostgreSQL and PostGIS, for many readers, each with rights that the database itself holds to.

Every read is one transaction of one connection of the pool, opened for its viewer: row-level security then leaves out
what the viewer may not see, whatever the statement. The store's own conditions say the same, for the indexes.
"""

from __future__ import annotations

import threading
from collections.abc import AsyncGenerator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from functools import partial
from typing import Any, LiteralString

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from psycopg_pool import ConnectionPool

from data import answers
from data.changes import Found, Wakeups, follow, read_changes
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
    parent_sql,
    place_condition,
    unknown_territory,
)
from data.errors import StoreError, UnreachableError
from data.extents import Extents
from data.hexagon_sums import merge_by_cell, only_near
from data.layout import read_sql
from data.ledger import LEDGER_COLUMNS, batch_of, ledger_of_row
from data.memberships import digest_of, membership_rows, memberships_of
from data.packing import PACKED_SQL, unpack
from data.postgis_absence import Absence
from data.postgis_changes import listening, note_and_notify, statements
from data.postgis_connection import (
    Connection,
    as_loader,
    bound,
    connect,
    explained,
    open_pool,
    reading_as,
    reading_whole,
    statement,
    writing,
)
from data.postgis_lanes import lock_writing
from data.postgis_live import Feed
from data.postgis_load import Load, loaded_before
from data.postgis_migrate import check_migrated
from data.postgis_rows import arrow_of
from data.postgis_summary import read_extents, wrong_sums
from data.postgis_territories import follow_zones, lock_territories, replace_memberships
from data.query import ClassField, Query, Territory, TerritoryKind, Viewer
from data.schema import EVENT_SCHEMA, INDICATOR_SCHEMA, REFUSAL_SCHEMA
from data.spans import spans_between
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

UNITS = Units("whole(quantity_kg * 1e9)", "whole(value_eur * 100)")
FIGURES = ("incidents", "controls", "checked", "positive", "micrograms", "cents")
NOBODY = Viewer("hexacross", role="wall", territories=frozenset(), sees_events=False)  # reads what concerns no place


class PostgisStore:
    """`data.store.Store` in a PostgreSQL database."""

    def __init__(self, url: str, pool: ConnectionPool[Connection]) -> None:
        self._url = url
        self._pool = pool
        self._wakeups = Wakeups()
        self._feed, self._feeding = Feed(), threading.Lock()
        self._absence = Absence(lambda: connect(url).close())
        self._extents: Extents | None = None
        self._scopes: dict[tuple[tuple[Any, ...], Territory | None, frozenset[Territory] | None], Scope] = {}

    @classmethod
    def open(cls, url: str) -> PostgisStore:
        """Open the database at `url` (postgresql://…), already migrated.

        Raises:
            StoreError: Unreachable, or not prepared by `hexacross store migrate`.
            StoreVersionError: Prepared by a newer version.
        """
        pool = open_pool(url)
        try:
            with explained(url), pool.connection() as connection:
                check_migrated(connection, url)
        except BaseException:
            pool.close()
            raise
        return cls(url, pool)

    def close(self) -> None:
        self._wakeups.close()
        self._pool.close()

    @contextmanager
    def _reading(self, viewer: Viewer) -> Iterator[Connection]:
        with self._absence.watched(), reading_as(self._pool, self._url, viewer) as connection:
            yield connection

    def version(self) -> int:
        with self._reading(NOBODY) as connection:
            return _version(connection)

    # Writing

    def load(self, batch: Batch, chunks: Iterable[Chunk], progress: Progress | None = None) -> Ledger:
        with writing(self._pool, self._url) as connection:
            earlier = loaded_before(connection, batch)
            if earlier is not None:
                return replace(earlier, already_loaded=True)
            with Load(connection, batch, self._url) as load:
                load.stage(chunks, progress)
                lock_writing(connection)
                earlier = loaded_before(connection, batch)  # by another program, meanwhile
                if earlier is not None:
                    return replace(earlier, already_loaded=True)
                _check_free(connection, batch)
                ledger = load.settle()
        if progress is not None:
            progress(ledger.lines, ledger.lines)
        return ledger

    def append(self, arrivals: Sequence[Arrival]) -> list[Outcome]:
        with self._feeding, writing(self._pool, self._url) as connection:
            lock_writing(connection)
            return self._feed.append(connection, arrivals)

    def tidy(self, quiet: bool) -> None:
        """Sum up by hexagon what was appended: the same whether it is quiet or not, as it takes some milliseconds."""
        if self._feed.wants_packing():
            with self._feeding, writing(self._pool, self._url) as connection:
                lock_writing(connection)
                self._feed.pack(connection)

    def set_memberships(self, memberships: Sequence[Membership], progress: Progress | None = None) -> None:
        steps = 4

        def done(step: int) -> None:
            if progress is not None:
                progress(step, steps)

        rows = membership_rows(memberships)
        digest = digest_of(rows)
        with writing(self._pool, self._url) as connection:
            lock_territories(connection)
            lock_writing(connection)
            if connection.execute("SELECT memberships_digest FROM meta").fetchone() == (digest,):
                done(steps)
                return
            done(1)
            replace_memberships(connection, rows)
            done(2)
            follow_zones(connection)
            done(3)
            connection.execute(bound("UPDATE meta SET memberships_digest = $digest"), {"digest": digest})
            note_and_notify(connection, batch=None, facts=None)
        done(steps)

    # Counts

    def counts_by_cell(self, query: Query, viewer: Viewer) -> CellCounts:
        with self._reading(viewer) as connection:
            near = near_box(query)
            scope = self._narrowed(connection, self._scope(connection, query.territory, viewer), viewer, near)
            if is_summed_up(query, scope):
                columns = _summed_up(connection, query, scope, near)
            else:
                source, where, values = counted(query, scope, _one_of, UNITS, near)
                cell = parent_sql("cell", query.resolution)
                text = statement("counts_by_cell", source=source, cell=cell, where=where)
                columns = _packed(connection, text, values, "hexagon")
        return answers.cell_counts(query, viewer, columns)

    def totals(self, query: Query, viewer: Viewer) -> Totals:
        with self._reading(viewer) as connection:
            source, where, values = counted(query, self._scope(connection, query.territory, viewer), _one_of, UNITS)
            columns = _fetch(connection, statement("totals", source=source, where=where), values)
        return answers.totals(viewer, columns)

    def facts_in(self, query: Query, viewer: Viewer, cells: NDArray[np.int64]) -> PlacedFacts:
        check_sees_positions(viewer)
        with self._reading(viewer) as connection:
            where, values = conditions(query, self._scope(connection, query.territory, viewer), _one_of, zones=False)
            ranges = [cells_inside(cell) for cell in cells.tolist()]
            values |= {"lows": [low for low, _ in ranges], "highs": [high for _, high in ranges]}
            columns = _fetch(connection, statement("postgis/facts_in", where=where), values)
        return answers.placed_facts(columns)

    def route_facts(self, query: Query, viewer: Viewer) -> RouteFacts:
        check_sees_positions(viewer)
        with self._reading(viewer) as connection:
            where, values = conditions(query, self._scope(connection, query.territory, viewer), _one_of, zones=False)
            text = statement("route_facts", where=where, micrograms=UNITS.micrograms)
            return answers.route_facts(_table(connection, text, values, answers.ROUTE_SCHEMA))

    def route_totals(
        self, query: Query, viewer: Viewer, start: Stop = "departure", stop: Stop = "destination"
    ) -> RouteTotals:
        with self._reading(viewer) as connection:
            where, values = conditions(query, self._scope(connection, query.territory, viewer), _one_of, zones=False)
            named = {"start": ROUTE_COLUMNS[start], "stop": ROUTE_COLUMNS[stop]}
            text = statement("route_totals", where=where, micrograms=UNITS.micrograms, **named)
            return answers.route_totals(viewer, _fetch(connection, text, values))

    def unplaced(self, query: Query, viewer: Viewer, ground: Ground) -> dict[str, int]:
        with self._reading(viewer) as connection:
            source, where, values = counted(query, self._scope(connection, query.territory, viewer), _one_of, UNITS)
            tests, codes = ground_conditions(ground, _one_of)
            text = statement("unplaced", source=source, where=where, **tests)
            columns = _fetch(connection, text, {**values, **codes})
        return answers.by_precision(viewer, columns)

    def counts_by_territory(self, kind: TerritoryKind, query: Query, viewer: Viewer) -> TerritoryCounts:
        with self._reading(viewer) as connection:
            source, where, values = counted(query, self._scope(connection, query.territory, viewer), _one_of, UNITS)
            text = statement("counts_by_territory", source=source, where=where)
            columns = _fetch(connection, text, {**values, "kind": kind})
        return answers.territory_counts(kind, viewer, columns)

    def counts_by_code(
        self, by: ClassField, kind: TerritoryKind, query: Query, viewer: Viewer
    ) -> dict[str, TerritoryCounts]:
        with self._reading(viewer) as connection:
            source, where, values = counted(query, self._scope(connection, query.territory, viewer), _one_of, UNITS)
            text = statement("counts_by_code", source=source, where=where, by=by)
            columns = _fetch(connection, text, {**values, "kind": kind})
        return answers.counts_by_code(kind, viewer, columns)

    def counts_by_mode(self, kind: TerritoryKind, query: Query, viewer: Viewer) -> ModeCounts:
        with self._reading(viewer) as connection:
            source, where, values = counted(query, self._scope(connection, query.territory, viewer), _one_of, UNITS)
            text = statement("counts_by_mode", source=source, where=where)
            columns = _fetch(connection, text, {**values, **control_modes(), "kind": kind})
        return answers.mode_counts(kind, viewer, columns)

    def counts_by_class(self, kind: TerritoryKind, query: Query, viewer: Viewer) -> ClassCounts:
        with self._reading_classes(query, viewer) as classes:
            return classes.counts(kind, viewer)

    def totals_by_class(self, query: Query, viewer: Viewer) -> ClassTotals:
        with self._reading_classes(query, viewer) as classes:
            return classes.totals(viewer)

    @contextmanager
    def _reading_classes(self, query: Query, viewer: Viewer) -> Iterator[ClassReader]:
        with self._reading(viewer) as connection:
            scope = self._scope(connection, query.territory, viewer)
            source, where, values = counted(of_every_class(query), scope, _one_of, UNITS)

            def fetch(text: str, values: Mapping[str, Any]) -> answers.Columns:
                return _fetch(connection, bound(text), values)

            yield ClassReader(fetch, statements(connection), source, where, values)

    def counts_by_day(self, query: Query, viewer: Viewer) -> DayCounts:
        with self._reading(viewer) as connection:
            source, where, values = counted(query, self._scope(connection, query.territory, viewer), _one_of, UNITS)
            columns = _fetch(connection, statement("counts_by_day", source=source, where=where), values)
        return answers.day_counts(query, viewer, columns)

    def counts_by_hour(self, query: Query, viewer: Viewer) -> HourCounts:
        with self._reading(viewer) as connection:
            source, values = counted_by_hour(query, self._scope(connection, query.territory, viewer), _one_of, UNITS)
            columns = _fetch(connection, statement("counts_by_hour", source=source), values)
        return answers.hour_counts(query, viewer, columns)

    # Facts one by one

    def events(self, query: Query, viewer: Viewer, cell: int | None = None, limit: int = 50) -> pa.Table:
        check_sees_events(viewer)
        with self._reading(viewer) as connection:
            scope = self._scope(connection, query.territory, viewer)
            where, values = conditions(query, scope, _one_of, zones=False)
            if cell is not None:
                low, high = cells_inside(cell)
                where += " AND cell >= $low AND cell < $high"
                values |= {"low": low, "high": high}
            text = statement("postgis/events", columns=", ".join(EVENT_SCHEMA.names), where=where)
            return _table(connection, text, {**values, "limit": limit}, EVENT_SCHEMA)

    def indicators(
        self, viewer: Viewer, indicator: str | None = None, territories: Sequence[Territory] = ()
    ) -> pa.Table:
        where, values = indicator_conditions(viewer, _one_of)
        if indicator is not None:
            where += " AND indicator = $indicator"
            values["indicator"] = indicator
        if territories:
            where += " AND (territory_kind, territory) IN (SELECT * FROM unnest($kinds::TEXT[], $codes::TEXT[]))"
            values |= {"kinds": [kind for kind, _ in territories], "codes": [code for _, code in territories]}
        text = f"""SELECT {", ".join(INDICATOR_SCHEMA.names)}
            FROM indicators JOIN (SELECT batch, batch_id FROM batches) AS loads USING (batch)
            WHERE {where} ORDER BY source, release, indicator, unit_of_count, territory_kind, territory, year"""
        with self._reading(viewer) as connection:
            return _table(connection, bound(text), values, INDICATOR_SCHEMA)

    # What came in

    def sources(self, viewer: Viewer) -> list[Source]:
        with self._reading(viewer) as connection:
            where, values = place_condition(self._scope(connection, None, viewer))
            indicators_where, more = indicator_conditions(viewer, _one_of)
            text = statement("sources", where=where, indicators_where=indicators_where)
            rows = connection.execute(text, {**values, **more}).fetchall()
        return answers.sources(viewer, rows)

    def batches(self, viewer: Viewer) -> list[Ledger]:
        with self._reading(viewer) as connection:
            where, values = "true", Values()
            if viewer.territories is not None:
                condition, values = place_condition(self._scope(connection, None, viewer))
                where = f"batch IN (SELECT batch FROM tallies WHERE {condition})"
            rows = connection.execute(
                bound(f"SELECT {', '.join(LEDGER_COLUMNS)} FROM batches WHERE {where} ORDER BY batch DESC"), values
            ).fetchall()
        return [ledger_of_row(row) for row in rows]

    def quarantine(self, viewer: Viewer, batch_id: str, limit: int | None = None) -> pa.Table:
        check_sees_refusals(viewer)
        text = f"""SELECT {", ".join(REFUSAL_SCHEMA.names)} FROM quarantine
            WHERE batch = (SELECT batch FROM batches WHERE batch_id = $batch_id)
            ORDER BY line, field, reason, given, expected LIMIT $limit"""
        with self._reading(viewer) as connection:
            return _table(connection, bound(text), {"batch_id": batch_id, "limit": limit}, REFUSAL_SCHEMA)

    def period(self, viewer: Viewer) -> tuple[date, date] | None:
        with self._reading(viewer) as connection:
            where, values = place_condition(self._scope(connection, None, viewer))
            row = connection.execute(
                bound(f"SELECT min(first_day), max(last_day) FROM tallies WHERE {where}"), values
            ).fetchone()
        return None if row is None or row[0] is None else (row[0], row[1])

    # What changes

    def changes(
        self, viewer: Viewer, since: int | None = None, report: Reachability | None = None
    ) -> AsyncGenerator[Change, None]:
        def read(after: int | None) -> Found:
            with self._reading(viewer) as connection:
                return read_changes(statements(connection), self._scope(connection, None, viewer), viewer, after)

        def reported(error: StoreError | None) -> None:
            self._absence.note(error if isinstance(error, UnreachableError) else None)
            if report is not None:
                report(error)

        return follow(read, partial(listening, self._url), self._wakeups, since, reported)

    # For those who run the store

    def verify(self) -> list[Check]:
        """Compare what is derived from the facts with the facts."""
        with reading_whole(self._pool, self._url) as connection:

            def count(text: str) -> int:
                row = connection.execute(bound(text)).fetchone()
                return int(row[0]) if row else 0

            checks = run_checks(count, *UNITS)
            return [
                *checks,
                Check(SUMMARY_NAME, wrong_sums(connection)),
                Check(N_("Une clé pour chaque fait"), count(read_sql("postgis/verify_keys"))),
            ]

    def memberships(self) -> list[Membership]:
        """The territories' composition."""
        with reading_whole(self._pool, self._url) as connection:
            rows = connection.execute("SELECT kind, code, commune FROM memberships ORDER BY 1, 2, 3").fetchall()
        return memberships_of((kind, code, commune) for kind, code, commune in rows)

    def contents(self, batch_id: str) -> Iterator[Chunk]:
        """What a load left in the store, in order of line."""
        with reading_whole(self._pool, self._url) as connection:
            for kind in CONTENTS:
                text, schema = contents_statement(kind)
                with connection.cursor(f"contents_{kind}", binary=True) as cursor:
                    cursor.execute(bound(text), {"batch_id": batch_id})
                    while rows := cursor.fetchmany(CONTENTS_ROWS):
                        yield chunk_of(arrow_of(rows, schema), kind)

    def adopt(self, ledger: Ledger, chunks: Iterable[Chunk]) -> None:
        """Write a load that another store has settled already, with its ledger as it is."""
        with (
            writing(self._pool, self._url) as connection,
            Load(connection, batch_of(ledger), self._url) as load,
        ):
            load.stage(chunks)
            lock_writing(connection)
            _check_free(connection, batch_of(ledger))
            load.settle(adopted=ledger)

    # Who sees what

    def _scope(self, connection: Connection, territory: Territory | None, viewer: Viewer) -> Scope:
        if territory is None and viewer.territories is None:
            return Scope()
        key = (_geography(connection), territory, viewer.territories)
        if key not in self._scopes:
            if self._scopes and next(iter(self._scopes))[0] != key[0]:
                self._scopes = {}  # of an earlier geography
            self._scopes[key] = _read_scope(connection, territory)
        return self._scopes[key]

    def _narrowed(self, connection: Connection, scope: Scope, viewer: Viewer, near: NDArray[np.int64] | None) -> Scope:
        """The zones of the scope that have a fact in these hexagons or beside them."""
        if near is None:
            return scope
        version, known = _version(connection), self._extents
        if known is None or known.version != version:
            with as_loader(connection, viewer):  # where the zones lie is one thing for all; what they hold is not
                grown = known.grown(statements(connection), version) if known else None
                known = self._extents = grown or read_extents(connection, version)
        return known.narrow(scope, near)


def _version(connection: Connection) -> int:
    row = connection.execute("SELECT version FROM meta").fetchone()
    if row is None:
        raise StoreError(N_("La base est vide : son en-tête manque."))
    return int(row[0])


def _geography(connection: Connection) -> tuple[Any, ...]:
    """What scopes follow from: not the version, which a live feed raises ten times a second."""
    return connection.execute("SELECT memberships_digest, geography FROM meta").fetchone() or ()


def _read_scope(connection: Connection, territory: Territory | None) -> Scope:
    """Scope of the transaction's viewer, as the database knows it."""
    values = {"kind": territory.kind if territory else None, "code": territory.code if territory else None}
    if territory is not None:
        known = connection.execute(bound("SELECT knows_territory($kind, $code)"), values).fetchone()
        if known != (True,):
            raise unknown_territory(territory)
    rows = connection.execute(bound("SELECT place, zone, whole FROM scope_of($kind, $code)"), values).fetchall()
    zones = sorted({zone for _, zone, _ in rows})
    return Scope(tuple(place for place, _, _ in rows), tuple(zones), all(whole for _, _, whole in rows))


def _check_free(connection: Connection, batch: Batch) -> None:
    taken = connection.execute(
        bound("SELECT 1 FROM batches WHERE batch_id = $batch_id"), {"batch_id": batch.batch_id}
    ).fetchone()
    if taken is not None:
        raise StoreError(N_("Un autre chargement porte déjà l'identifiant {given}. Recommencez."), given=batch.batch_id)


def _one_of(column: str, parameter: str, kind: str) -> str:
    return f"{column} = ANY(${parameter}::{kind}[])"


def _summed_up(connection: Connection, query: Query, scope: Scope, near: NDArray[np.int64] | None) -> answers.Columns:
    """Counts by hexagon of some whole zones, or of all, from the summary by spans of days."""
    if scope.zones is None:
        zones = [zone for (zone,) in connection.execute("SELECT DISTINCT zone FROM places")]
    else:
        zones = list(scope.zones)
    spans = spans_between(query.start, query.stop)
    values = {"zones": zones, "spans": spans, "start": query.start, "stop": query.stop}
    rows = connection.execute(statement("postgis/hexagon_sums", packed=PACKED_SQL), values, binary=True)
    sums = merge_by_cell(only_near(unpack(value for (value,) in rows if value is not None), near), query.resolution)
    return {name: _nan_for_null(column) for name, column in sums.items()}


def _nan_for_null(column: NDArray[Any]) -> NDArray[Any]:
    if isinstance(column, np.ma.MaskedArray):
        return np.ma.filled(column.astype(np.float64), np.nan)
    return column


def _fetch(connection: Connection, text: LiteralString, values: Mapping[str, Any]) -> answers.Columns:
    """Run a SELECT; numbers that are NULL become NaN."""
    cursor = connection.execute(text, values, binary=True)
    names = [column.name for column in cursor.description or ()]
    rows = cursor.fetchall()
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(names)
    return {name: _array(name, column) for name, column in zip(names, columns, strict=True)}


def _array(name: str, column: tuple[Any, ...]) -> NDArray[Any]:
    if name in ("code", "mode", "place_precision", "value", "origin", "destination"):
        return np.array(column, dtype=object)
    if name == "day":
        return np.array(column, dtype="datetime64[D]")
    return np.array([np.nan if value is None else float(value) for value in column], dtype=np.float64)


def _packed(connection: Connection, text: LiteralString, values: Mapping[str, Any], key: str) -> answers.Columns:
    """Run a SELECT of an integer `key` and of the six figures; the server packs each column into one value."""
    packed = ", ".join(
        (
            f"string_agg(int8send({key}), '')",
            *(f"string_agg(float8send(coalesce({name}::float8, 'NaN')), '')" for name in FIGURES),
        )
    )
    row = connection.execute(f"SELECT {packed} FROM ({text}) AS counted", values, binary=True).fetchone()
    cells, *columns = row or ()
    found: dict[str, NDArray[Any]] = {key: np.frombuffer(cells or b"", dtype=">i8").astype(np.int64)}
    for name, column in zip(FIGURES, columns, strict=True):
        found[name] = np.frombuffer(column or b"", dtype=">f8").astype(np.float64)
    return found


def _table(connection: Connection, text: LiteralString, values: Mapping[str, Any], schema: pa.Schema) -> pa.Table:
    return arrow_of(connection.execute(text, values, binary=True).fetchall(), schema)
