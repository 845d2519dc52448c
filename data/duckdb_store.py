"""The embedded store: one DuckDB file, nothing to install.

One process writes at a time. Inside it, every call has its own cursor (a DuckDB connection is not for two threads)
and its own transaction, so that a read sees one state of the store while a load goes on.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from data.duckdb_load import LEDGER_COLUMNS, Load, ledger_of
from data.duckdb_tables import connect, explained, first_row, insert_rows, read_sql
from data.errors import ForbiddenError, QueryError, StoreError
from data.query import FINEST_RESOLUTION, Query, Territory, TerritoryKind, Viewer
from data.rollup import COUNTS, SUMMARY_RESOLUTION, SUMS, merge_by_cell, place_in_territories, sort_rollup, upgrade
from data.schema import EVENT_SCHEMA, INDICATOR_SCHEMA, REFUSAL_SCHEMA
from data.spans import parts, spans_between
from data.store import (
    Batch,
    CellCounts,
    Chunk,
    DayCounts,
    Ledger,
    Membership,
    Progress,
    Source,
    TerritoryCounts,
    Totals,
)
from data.vocabulary import MARKINGS
from geo.cells import centres, descendant_range
from geo.disclosure import protect
from geo.errors import N_

MICROGRAMS_PER_KG = 1e9
CENTS_PER_EUR = 100
CLASS_FILTERS = {"family": "families", "kind": "kinds", "drug": "drugs", "mode": "modes", "service": "services"}

Values = dict[str, Any]  # of named SQL parameters
Columns = dict[str, NDArray[Any]]


@dataclass(frozen=True, slots=True)
class Scope:
    """What a query's territory and a viewer's territories leave. None: everything, facts without a place included."""

    places: tuple[int, ...] | None = None
    zones: tuple[int, ...] | None = None  # of these places
    whole_zones: bool = True  # the places are all those of these zones


@dataclass(frozen=True, slots=True)
class Figures:
    """Counts and sums as they may be shown; NaN where unknown or protected."""

    incidents: NDArray[np.float64]
    controls: NDArray[np.float64]
    checked: NDArray[np.float64]
    positive: NDArray[np.float64]
    kg: NDArray[np.float64]
    eur: NDArray[np.float64]
    protected: NDArray[np.bool_]


class DuckDBStore:
    """`data.store.Store` in a DuckDB file."""

    def __init__(self, path: Path, connection: duckdb.DuckDBPyConnection) -> None:
        self._path = path
        self._connection = connection
        self._writer = threading.Lock()
        self._scopes: dict[tuple[int, Territory | None, frozenset[Territory] | None], Scope] = {}

    @classmethod
    def open(cls, url: str) -> DuckDBStore:
        """Open the file at `url`; a file that does not exist is created, with its folders."""
        path = Path(url)
        connection = connect(path)
        with explained(path):
            upgrade(connection)
        return cls(path, connection)

    def close(self) -> None:
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
                cursor.execute("UPDATE meta SET version = version + 1")
                cursor.commit()
            finally:
                cursor.close()  # of an open transaction: rolls back

    def version(self) -> int:
        with self._reading() as cursor:
            return _version(cursor)

    # Writing

    def load(self, batch: Batch, chunks: Iterable[Chunk], progress: Progress | None = None) -> Ledger:
        earlier = self._loaded_before(batch)
        if earlier is not None:
            return earlier
        with self._writing() as cursor:
            row = first_row(cursor, "SELECT coalesce(max(batch), 0) + 1 FROM batches")
            return Load(cursor, batch, row[0] if row else 1).run(chunks, progress)

    def _loaded_before(self, batch: Batch) -> Ledger | None:
        with self._reading() as cursor:
            row = first_row(
                cursor,
                f"SELECT {', '.join(LEDGER_COLUMNS)} FROM batches WHERE digest = $digest AND reader = $reader",
                {"digest": batch.digest, "reader": batch.reader},
            )
            if row is not None:
                return replace(ledger_of(row), already_loaded=True)
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

        rows = _membership_rows(memberships)
        digest = _digest(rows)
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
        done(steps)

    # Counts

    def counts_by_cell(self, query: Query, viewer: Viewer) -> CellCounts:
        with self._reading() as cursor:
            scope = self._scope(cursor, query.territory, viewer)
            if scope.whole_zones and query.resolution <= SUMMARY_RESOLUTION and not _chosen_classes(query):
                columns = _summed_up(cursor, query, scope)
            else:
                where, values = _conditions(query, scope)
                columns = _fetch(cursor, _cells_sql("rollup", where, query.resolution), values)
        cells = columns["hexagon"]
        if query.box is not None:
            lng, lat = centres(cells)
            west, south, east, north = query.box
            inside = (lng >= west) & (lng <= east) & (lat >= south) & (lat <= north)
            cells, columns = cells[inside], {name: column[inside] for name, column in columns.items()}
        shown = _shown(columns, viewer)
        return CellCounts(query.resolution, cells, **_fields(shown))

    def totals(self, query: Query, viewer: Viewer) -> Totals:
        with self._reading() as cursor:
            where, values = _conditions(query, self._scope(cursor, query.territory, viewer))
            columns = _fetch(cursor, read_sql("totals").format(where=where), values)
        shown = _shown(_summed(columns), viewer)
        protected = bool(shown.protected[0])
        by_precision: dict[str, int] = {}
        if not protected:
            counts = np.nan_to_num(protect(columns["events"], viewer.threshold)[0])
            by_precision = {str(name): int(n) for name, n in zip(columns["place_precision"], counts, strict=True)}
        figures = {name: float(column[0]) for name, column in _fields(shown).items() if name != "protected"}
        return Totals(**figures, by_precision=by_precision, protected=protected)

    def counts_by_territory(self, kind: TerritoryKind, query: Query, viewer: Viewer) -> TerritoryCounts:
        with self._reading() as cursor:
            where, values = _conditions(query, self._scope(cursor, query.territory, viewer))
            statement = read_sql("counts_by_territory").format(where=where)
            columns = _fetch(cursor, statement, {**values, "kind": kind})
        codes = tuple(str(code) for code in columns["code"])
        return TerritoryCounts(kind, codes, **_fields(_shown(columns, viewer)))

    def counts_by_day(self, query: Query, viewer: Viewer) -> DayCounts:
        with self._reading() as cursor:
            where, values = _conditions(query, self._scope(cursor, query.territory, viewer))
            columns = _fetch(cursor, read_sql("counts_by_day").format(where=where), values)
        days = np.arange(np.datetime64(query.start, "D"), np.datetime64(query.stop, "D"))
        at = (columns["day"].astype("datetime64[D]") - days[0]).astype(np.int64)
        incidents, controls = np.zeros(len(days)), np.zeros(len(days))
        incidents[at], controls[at] = columns["incidents"], columns["controls"]
        shown_incidents, protected_incidents = protect(incidents, viewer.threshold)
        shown_controls, protected_controls = protect(controls, viewer.threshold)
        protected = protected_incidents | protected_controls
        return DayCounts(days, _hidden(shown_incidents, protected), _hidden(shown_controls, protected), protected)

    # Facts one by one

    def events(self, query: Query, viewer: Viewer, cell: int | None = None, limit: int = 50) -> pa.Table:
        _check_sees_events(viewer)
        with self._reading() as cursor:
            scope = self._scope(cursor, query.territory, viewer)
            where, values = _conditions(query, scope, zones=False)
            if cell is not None:
                low, high = _cells_inside(cell)
                where += " AND cell >= $low AND cell < $high"
                values |= {"low": low, "high": high}
            statement = read_sql("events").format(columns=", ".join(EVENT_SCHEMA.names), where=where)
            return _table(cursor, statement, {**values, "limit": limit}, EVENT_SCHEMA)

    def indicators(
        self, viewer: Viewer, indicator: str | None = None, territories: Sequence[Territory] = ()
    ) -> pa.Table:
        where, values = _indicator_conditions(viewer)
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
            where, values = _place_condition(self._scope(cursor, None, viewer))
            indicators_where, more = _indicator_conditions(viewer)
            statement = read_sql("sources").format(where=where, indicators_where=indicators_where)
            rows = cursor.execute(statement, {**values, **more}).fetchall()
        ranks = list(MARKINGS)
        k = max(viewer.threshold, 1)
        return [
            Source(
                name,
                max(markings, key=ranks.index),
                events - events % k,
                indicators,
                first,
                last,
                loaded_at.replace(tzinfo=UTC),
            )
            for name, markings, events, indicators, first, last, loaded_at in rows
        ]

    def batches(self, viewer: Viewer) -> list[Ledger]:
        with self._reading() as cursor:
            where, values = "true", Values()
            if viewer.territories is not None:
                condition, values = _place_condition(self._scope(cursor, None, viewer))
                where = f"batch IN (SELECT batch FROM tallies WHERE {condition})"
            rows = cursor.execute(
                f"SELECT {', '.join(LEDGER_COLUMNS)} FROM batches WHERE {where} ORDER BY batch DESC", values
            ).fetchall()
        return [ledger_of(row) for row in rows]

    def quarantine(self, viewer: Viewer, batch_id: str, limit: int | None = None) -> pa.Table:
        """Refused lines have no place that could be trusted: a viewer held to some territories sees none."""
        _check_sees_events(viewer)
        if viewer.territories is not None:
            raise ForbiddenError(
                N_("{name} ne voit que certains territoires, donc pas les lignes refusées."), name=viewer.name
            )
        statement = f"""SELECT {", ".join(REFUSAL_SCHEMA.names)} FROM quarantine
            WHERE batch = (SELECT batch FROM batches WHERE batch_id = $batch_id)
            ORDER BY line, field, reason LIMIT $limit"""
        with self._reading() as cursor:
            return _table(cursor, statement, {"batch_id": batch_id, "limit": limit}, REFUSAL_SCHEMA)

    def period(self, viewer: Viewer) -> tuple[date, date] | None:
        with self._reading() as cursor:
            where, values = _place_condition(self._scope(cursor, None, viewer))
            row = first_row(cursor, f"SELECT min(first_day), max(last_day) FROM tallies WHERE {where}", values)
        return None if row is None or row[0] is None else row

    # Who sees what

    def _scope(self, cursor: duckdb.DuckDBPyConnection, territory: Territory | None, viewer: Viewer) -> Scope:
        if territory is None and viewer.territories is None:
            return Scope()
        key = (_version(cursor), territory, viewer.territories)
        if key not in self._scopes:
            if self._scopes and next(iter(self._scopes))[0] != key[0]:
                self._scopes = {}  # of an earlier version
            self._scopes[key] = _read_scope(cursor, territory, viewer)
        return self._scopes[key]


def _version(cursor: duckdb.DuckDBPyConnection) -> int:
    row = first_row(cursor, "SELECT version FROM meta")
    if row is None:
        raise StoreError(N_("La base est vide : son en-tête manque."))
    return int(row[0])


def _read_scope(cursor: duckdb.DuckDBPyConnection, territory: Territory | None, viewer: Viewer) -> Scope:
    if territory is not None:
        _check_known(cursor, territory)
    rows = cursor.execute(
        read_sql("scope"),
        {
            "territory_kind": None if territory is None else territory.kind,
            "territory_code": None if territory is None else territory.code,
            "restricted": viewer.territories is not None,
            "viewer_territories": sorted(f"{kind}:{code}" for kind, code in viewer.territories or ()),
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
        raise QueryError(
            N_("Territoire inconnu : {kind} {code}. Vérifiez le code, ou rechargez les listes de territoires."),
            kind=territory.kind,
            code=territory.code,
        )


def _check_sees_events(viewer: Viewer) -> None:
    if not viewer.sees_events:
        raise ForbiddenError(N_("{name} ne voit que des chiffres agrégés, pas les faits un à un."), name=viewer.name)


def _cells_inside(cell: int) -> tuple[int, int]:
    resolution = (cell >> 52) & 15
    if cell <= 0 or resolution > FINEST_RESOLUTION:
        raise QueryError(
            N_("Hexagone {given} inconnu : attendu une cellule H3 de résolution 0 à 10."), given=f"{cell:x}"
        )
    return descendant_range(cell, FINEST_RESOLUTION)


def _parent_sql(cell: str, resolution: int) -> str:
    """The SQL of a cell's ancestor at `resolution`, for a stored cell: two bit operations on the integer."""
    if resolution == FINEST_RESOLUTION:
        return cell
    unused = (1 << (3 * (15 - resolution))) - 1
    return f"(({cell} & {~(15 << 52)}) | {resolution << 52} | {unused})"


def _chosen_classes(query: Query) -> Values:
    """The codes asked for, by name of parameter; empty when all are."""
    return {name: sorted(getattr(query, name)) for name in CLASS_FILTERS.values() if getattr(query, name)}


def _place_condition(scope: Scope) -> tuple[str, Values]:
    if scope.places is None:
        return "true", {}
    return "place IN (SELECT unnest($places::INTEGER[]))", {"places": list(scope.places)}


def _conditions(query: Query, scope: Scope, *, zones: bool = True) -> tuple[str, Values]:
    """The WHERE of a query over the roll-up or, with `zones=False`, over the facts, and its parameters."""
    parts = ["day >= $start AND day < $stop"]
    values: Values = {"start": query.start, "stop": query.stop}
    if scope.zones is not None and zones:
        parts.append("zone IN $zones::INTEGER[]")
        values["zones"] = list(scope.zones)
    if not (scope.whole_zones and zones):
        condition, places = _place_condition(scope)
        parts.append(condition)
        values |= places
    chosen = _chosen_classes(query)
    if chosen:
        tests = [f"{column} IN ${name}" for column, name in CLASS_FILTERS.items() if name in chosen]
        parts.append(f"class IN (SELECT class FROM classes WHERE {' AND '.join(tests)})")
        values |= chosen
    return " AND ".join(parts), values


def _indicator_conditions(viewer: Viewer) -> tuple[str, Values]:
    """Published figures of the communes, and of the whole départements, that make up the viewer's territories."""
    if viewer.territories is None:
        return "true", {}
    held = "SELECT commune FROM memberships WHERE kind || ':' || code IN $held"
    condition = f"""(territory_kind = 'commune' AND territory IN ({held})
        OR territory_kind = 'departement' AND territory IN (
            SELECT code FROM memberships WHERE kind = 'departement'
            GROUP BY code HAVING bool_and(commune IN ({held}))))"""
    return condition, {"held": sorted(f"{kind}:{code}" for kind, code in viewer.territories)}


def _fetch(cursor: duckdb.DuckDBPyConnection, statement: str, values: Mapping[str, Any]) -> Columns:
    """Run a SELECT; numbers that are NULL become NaN."""
    found: Mapping[str, Any] = cursor.execute(statement, values).fetchnumpy()
    return {name: _nan_for_null(column) for name, column in found.items()}


def _cells_sql(source: str, where: str, resolution: int) -> str:
    return read_sql("counts_by_cell").format(source=source, where=where, cell=_parent_sql("cell", resolution))


def _summed_up(cursor: duckdb.DuckDBPyConnection, query: Query, scope: Scope) -> Columns:
    """Counts by hexagon of some whole zones, or of all, from the summary by spans of days."""
    wanted = "hexagon_spans JOIN (SELECT unnest($parts::BIGINT[]) AS part) USING (part)"
    spans = spans_between(query.start, query.stop)
    if scope.zones is None:
        zones = [zone for (zone,) in cursor.execute("SELECT DISTINCT zone FROM places").fetchall()]
        return _fetch(cursor, _cells_sql(wanted, "true", query.resolution), {"parts": parts(zones, spans)})
    names = ", ".join(("cell", *COUNTS, *SUMS))
    rows: Any = cursor.execute(f"SELECT {names} FROM {wanted}", {"parts": parts(scope.zones, spans)}).fetchnumpy()
    return {name: _nan_for_null(column) for name, column in merge_by_cell(rows, query.resolution).items()}


def _nan_for_null(column: NDArray[Any]) -> NDArray[Any]:
    if isinstance(column, np.ma.MaskedArray):
        return np.ma.filled(column.astype(np.float64), np.nan)
    return column


def _table(cursor: duckdb.DuckDBPyConnection, statement: str, values: Values, schema: pa.Schema) -> pa.Table:
    found: pa.Table = cursor.sql(statement, params=values).to_arrow_table()
    return found.cast(schema)


def _summed(columns: Columns) -> Columns:
    """Add the rows up into one: no row is no fact, that is 0; a sum of which no part is known stays unknown."""
    counts: Columns = {name: columns[name].sum(keepdims=True) for name in ("incidents", "controls")}
    for name in ("checked", "positive", "micrograms", "cents"):
        known = columns[name][~np.isnan(columns[name].astype(np.float64))]
        counts[name] = known.sum(keepdims=True) if len(known) else np.array([np.nan])
    return counts


def _shown(columns: Columns, viewer: Viewer) -> Figures:
    """Protect counts for a viewer: a row with a hidden count is hidden whole."""
    incidents, few_incidents = protect(columns["incidents"], viewer.threshold)
    controls, few_controls = protect(columns["controls"], viewer.threshold)
    protected = few_incidents | few_controls
    return Figures(
        _hidden(incidents, protected),
        _hidden(controls, protected),
        _hidden(columns["checked"], protected),
        _hidden(columns["positive"], protected),
        _hidden(columns["micrograms"], protected) / MICROGRAMS_PER_KG,
        _hidden(columns["cents"], protected) / CENTS_PER_EUR,
        protected,
    )


def _hidden(values: NDArray[Any], protected: NDArray[np.bool_]) -> NDArray[np.float64]:
    return np.where(protected, np.nan, values.astype(np.float64))


def _fields(figures: Figures) -> dict[str, Any]:
    return {name: getattr(figures, name) for name in Figures.__slots__}


def _membership_rows(memberships: Sequence[Membership]) -> pa.Table:
    kinds = [kind for one in memberships for kind in [one.kind] * len(one.codes)]
    codes = [code for one in memberships for code in one.codes]
    communes = [commune for one in memberships for commune in one.communes]
    rows = pa.table(
        {
            "kind": pa.array(kinds, pa.string()),
            "code": pa.array(codes, pa.string()),
            "commune": pa.array(communes, pa.string()),
        }
    )
    return (
        rows.group_by(["kind", "code", "commune"])
        .aggregate([])
        .sort_by([("kind", "ascending"), ("code", "ascending"), ("commune", "ascending")])
    )


def _digest(rows: pa.Table) -> str:
    content = hashlib.sha256()
    for column in rows.columns:
        content.update("\x1f".join(column.to_pylist()).encode())
        content.update(b"\x1e")
    return content.hexdigest()
