"""From the columns that a store's SQL brings to the answers of the interface, protected for the viewer.

Columns are arrays of equal length; `incidents`, `controls`, `checked`, `positive`, `micrograms` and `cents` are NaN
where unknown. Weights and amounts are added up as whole micrograms and cents, whose sums do not depend on their order.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from data.query import Query, TerritoryKind, Viewer
from data.store import (
    CellCounts,
    DayCounts,
    HourCounts,
    ModeCounts,
    PlacedFacts,
    RouteFacts,
    RouteTotals,
    Source,
    TerritoryCounts,
    Totals,
)
from data.vocabulary import MARKINGS, MODES
from geo.cells import centres
from geo.disclosure import protect

MICROGRAMS_PER_KG = 1e9
CENTS_PER_EUR = 100

Columns = Mapping[str, NDArray[Any]]


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


def cell_counts(query: Query, viewer: Viewer, columns: Columns) -> CellCounts:
    """Answer from one row a `hexagon`, sorted."""
    cells = columns["hexagon"]
    if query.box is not None:
        lng, lat = centres(cells)
        west, south, east, north = query.box
        inside = (lng >= west) & (lng <= east) & (lat >= south) & (lat <= north)
        cells, columns = cells[inside], {name: column[inside] for name, column in columns.items()}
    return CellCounts(query.resolution, cells, **_fields(_shown(columns, viewer)))


def totals(viewer: Viewer, columns: Columns) -> Totals:
    """Answer from one row a `place_precision`, with its number of `events`."""
    shown = _shown(_summed(columns), viewer)
    protected = bool(shown.protected[0])
    figures = {name: float(column[0]) for name, column in _fields(shown).items() if name != "protected"}
    return Totals(**figures, by_precision={} if protected else by_precision(viewer, columns), protected=protected)


def by_precision(viewer: Viewer, columns: Columns) -> dict[str, int]:
    """Answer from one row a `place_precision`, with its number of `events`; 0: few, withheld."""
    counts = np.nan_to_num(protect(columns["events"], viewer.threshold)[0])
    return {str(name): int(n) for name, n in zip(columns["place_precision"], counts, strict=True)}


def placed_facts(columns: Columns) -> PlacedFacts:
    """Answer from one row a fact."""
    named = {"lng": "longitude", "lat": "latitude", "kg": "quantity_kg", "eur": "value_eur"}
    names = PlacedFacts.__slots__
    return PlacedFacts(**{name: columns[named.get(name, name)].astype(np.float64) for name in names})


ROUTE_COUNTRIES = ("producing", "departure", "transit", "destination", "reporter")
ROUTE_SCHEMA = pa.schema(
    [
        *(pa.field(name, pa.string()) for name in (*ROUTE_COUNTRIES, "drug", "mode")),
        *(pa.field(name, pa.int64()) for name in ("month", "facts", "weighed")),
        *(pa.field(name, pa.float64()) for name in ("lng", "lat", "micrograms")),
    ]
)


def route_facts(rows: pa.Table) -> RouteFacts:
    """Answer from rows of `ROUTE_SCHEMA`, one for each route, drug, mode, month and place."""
    countries, drugs, modes = (
        tuple(sorted({code for name in names for code in rows.column(name).unique().to_pylist() if code is not None}))
        for names in (ROUTE_COUNTRIES, ("drug",), ("mode",))
    )
    known = {**dict.fromkeys(ROUTE_COUNTRIES, countries), "drug": drugs, "mode": modes}
    codes = {
        name: pc.fill_null(pc.index_in(rows.column(name), pa.array(values, pa.string())), -1)
        .to_numpy()
        .astype(np.int64)
        for name, values in known.items()
    }
    counts = {name: rows.column(name).to_numpy() for name in ("month", "facts", "weighed")}
    figures = {name: pc.fill_null(rows.column(name), np.nan).to_numpy() for name in ("lng", "lat", "micrograms")}
    columns = {**codes, **counts, **figures}
    keys = (*known, "month", "lng", "lat")
    order = np.lexsort([columns[name] for name in reversed(keys)])
    columns = {name: column[order] for name, column in columns.items()}
    columns["kg"] = columns.pop("micrograms") / MICROGRAMS_PER_KG
    return RouteFacts(countries, drugs, modes, **columns)


def route_totals(viewer: Viewer, columns: Columns) -> RouteTotals:
    """Answer from one row a pair of countries, `origin` and `destination`, with its number of `facts`."""
    facts, protected = protect(columns["facts"], viewer.threshold)
    codes = [tuple(str(code) for code in columns[name]) for name in ("origin", "destination")]
    order = sorted(range(len(facts)), key=lambda row: (codes[0][row], codes[1][row]))
    origin, destination = (tuple(code[row] for row in order) for code in codes)
    kg = _hidden(columns["micrograms"], protected) / MICROGRAMS_PER_KG
    return RouteTotals(origin, destination, facts[order], kg[order], protected[order])


def territory_counts(kind: TerritoryKind, viewer: Viewer, columns: Columns) -> TerritoryCounts:
    """Answer from one row a territory's `code`."""
    codes = tuple(str(code) for code in columns["code"])
    return TerritoryCounts(kind, codes, **_fields(_shown(columns, viewer)))


def counts_by_code(kind: TerritoryKind, viewer: Viewer, columns: Columns) -> dict[str, TerritoryCounts]:
    """Answer from one row a `value` and territory's `code`, in this order, all territories for each value."""
    values = columns["value"].astype(str)
    rows = {value: values == value for value in dict.fromkeys(values.tolist())}
    return {
        value: territory_counts(kind, viewer, {name: column[at] for name, column in columns.items()})
        for value, at in rows.items()
    }


def mode_counts(kind: TerritoryKind, viewer: Viewer, columns: Columns) -> ModeCounts:
    """Answer from one row a territory's `code` and a `mode` that has facts; where there is none, nothing happened."""
    modes = (*MODES, "")
    codes = ("", *sorted({str(code) for code in columns["code"]} - {""}))
    rows = np.array([modes.index(str(mode)) for mode in columns["mode"]], dtype=np.int64)
    at = rows, np.searchsorted(np.array(codes), columns["code"].astype(str))

    def spread(name: str, absent: float) -> NDArray[np.float64]:
        grid = np.full((len(modes), len(codes)), absent)
        grid[at] = columns[name].astype(np.float64)
        return grid

    absent = {"incidents": 0.0, "seizures": 0.0, "controls": 0.0}
    names = (*absent, "checked", "positive", "micrograms", "cents")
    grids = {name: spread(name, absent.get(name, np.nan)) for name in names}
    figures = _shown(grids, viewer)
    seizures, few_seizures = protect(grids["seizures"], viewer.threshold)
    shown = {name: _hidden(grid, few_seizures) for name, grid in _fields(figures).items() if name != "protected"}
    protected = figures.protected | few_seizures
    every_mode = territory_counts(kind, viewer, {"code": np.array(codes, dtype=object), **_over_modes(grids)})
    return ModeCounts(
        kind,
        modes,
        codes,
        seizures=_hidden(seizures, protected),
        protected=protected,
        every_mode=every_mode,
        **shown,
    )


def _over_modes(grids: Columns) -> dict[str, NDArray[Any]]:
    """Add up the modes of each code; a sum of which no part is known stays unknown."""
    counts = {name: grids[name].sum(axis=0) for name in ("incidents", "controls")}
    sums = {
        name: np.where(np.isnan(grids[name]).all(axis=0), np.nan, np.nansum(grids[name], axis=0))
        for name in ("checked", "positive", "micrograms", "cents")
    }
    return {**counts, **sums}


def day_counts(query: Query, viewer: Viewer, columns: Columns) -> DayCounts:
    """Answer from one row a `day` that has facts."""
    days = np.arange(np.datetime64(query.start, "D"), np.datetime64(query.stop, "D"))
    at = (columns["day"].astype("datetime64[D]") - days[0]).astype(np.int64)
    incidents, controls = np.zeros(len(days)), np.zeros(len(days))
    incidents[at], controls[at] = columns["incidents"], columns["controls"]
    shown_incidents, few_incidents = protect(incidents, viewer.threshold)
    shown_controls, few_controls = protect(controls, viewer.threshold)
    protected = few_incidents | few_controls
    return DayCounts(days, _hidden(shown_incidents, protected), _hidden(shown_controls, protected), protected)


def hour_counts(query: Query, viewer: Viewer, columns: Columns) -> HourCounts:
    """Answer from one row a `day` and `hour` (NaN: unknown) that have facts."""
    days = np.arange(np.datetime64(query.start, "D"), np.datetime64(query.last_day, "D") + 1)
    unknown = np.isnan(columns["hour"].astype(np.float64))
    known = {name: column[~unknown] for name, column in columns.items()}
    at = (known["day"].astype("datetime64[D]") - days[0]).astype(np.int64), known["hour"].astype(np.int64)
    incidents, controls = np.zeros((len(days), 24)), np.zeros((len(days), 24))
    incidents[at], controls[at] = known["incidents"], known["controls"]
    shown_incidents, few_incidents = protect(incidents, viewer.threshold)
    shown_controls, few_controls = protect(controls, viewer.threshold)
    protected = few_incidents | few_controls
    without_hour = protect(columns["events"][unknown].sum(keepdims=True), viewer.threshold)[0]
    return HourCounts(
        days,
        _hidden(shown_incidents, protected),
        _hidden(shown_controls, protected),
        protected,
        float(without_hour[0]),
    )


def sources(viewer: Viewer, rows: Iterable[tuple[Any, ...]]) -> list[Source]:
    """Answer from rows of name, markings, events, indicators, first day, last day and instant (UTC) of the load."""
    ranks = list(MARKINGS)
    k = max(viewer.threshold, 1)
    return [
        Source(name, max(marks, key=ranks.index), events - events % k, indicators, first, last, at.replace(tzinfo=UTC))
        for name, marks, events, indicators, first, last, at in rows
    ]


def _summed(columns: Columns) -> Columns:
    """Add the rows up into one: no row is no fact, that is 0; a sum of which no part is known stays unknown."""
    counts = {name: columns[name].sum(keepdims=True) for name in ("incidents", "controls")}
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
