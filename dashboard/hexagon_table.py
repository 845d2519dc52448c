"""The hexagons of a view, measured: read from the store, aligned with the ground, divided, and told apart by state."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass, replace

import h3.api.numpy_int as h3
import numpy as np
import shapely
from numpy.typing import NDArray

from dashboard.context import Context, viewer_of
from dashboard.freshness import Area
from dashboard.measures import MEASURES, Measure
from dashboard.tables import HexagonTable, WholeTable
from dashboard.view import View
from data.geography import Geography, geography
from data.query import Box, Query, Territory, Viewer
from data.store import CellCounts
from geo.cells import areas_km2, centres, cover, resolutions
from geo.grid import equal_area_km
from geo.rates import rate_with_interval, share_with_interval
from geo.tiles import Tile, inside, tile_bounds
from layers.hexagons import STATE_CODES

MOST_READ_WHOLE = 80_000  # hexagons: beyond, a tile costs less than the whole
MOST_GROUND_HEXAGONS = 50_000  # beyond, only hexagons with facts are drawn
FEWEST_INHABITANTS = 50  # below, a hexagon's rate says nothing: one fact would be thousands per 100,000


def hexagon_table(context: Context, view: View, only: int | None = None) -> HexagonTable:
    """Read and measure the hexagons of a dated view, or `only` one of them, of any resolution.

    Raises StoreError, ForbiddenError, QueryError.
    """
    measure, viewer = MEASURES[view.measure], viewer_of(context.settings)
    if only is not None:
        return _measured_hexagons(context, viewer, measure, _query_of_cell(view, only), NO_GROUND, [only])
    query = view.query()
    return _measured_hexagons(context, viewer, measure, query, _ground_of(query, measure))


def tile_table(context: Context, viewer: Viewer, view: View, tile: Tile, resolution: int) -> HexagonTable:
    """The same for the hexagons of a resolution whose centre is in a tile."""
    if is_read_whole(view.territory, resolution):
        return whole_table(context, viewer, view, resolution).cut(tile)
    query = replace(view.query(), resolution=resolution)
    ground = _ground_of(query, MEASURES[view.measure])
    ground = ground.only(inside(tile, ground.cells))
    table = box_table(context, viewer, view, Box(*tile_bounds(tile)), resolution, ground)
    return table.only(inside(tile, table.cells))  # a box has all its edges, a tile two of them


def box_table(
    context: Context, viewer: Viewer, view: View, box: Box, resolution: int, ground: Ground | None = None
) -> HexagonTable:
    """The same for the hexagons of a resolution whose centre is in a box, and those of the ground given."""
    query = replace(view.query(), resolution=resolution, box=box)
    measure = MEASURES[view.measure]
    return _measured_hexagons(
        context, viewer, measure, query, ground or NO_GROUND, with_population=measure.needs_population
    )


def is_read_whole(territory: Territory | None, resolution: int) -> bool:
    """Whether reading all hexagons of a territory once costs less than reading them tile by tile."""
    return _hexagons_of(territory, resolution) <= MOST_READ_WHOLE


def whole_table(context: Context, viewer: Viewer, view: View, resolution: int) -> WholeTable:
    """All hexagons of a dated view, of one resolution; kept until a change touches them.

    Here as in tiles, the population is known only where the measure needs it: it costs as much as the counts.
    """
    key = ("whole", viewer, view.tile_address(), resolution)
    version = context.version_of(key, Area.of(view))
    measure, query = MEASURES[view.measure], replace(view.query(), resolution=resolution)
    ground = _ground_of(query, measure)
    return context.tables.get_or_make(
        (key, version),
        lambda: WholeTable.of(
            _measured_hexagons(context, viewer, measure, query, ground, with_population=measure.needs_population)
        ),
    )


def _ground_of(query: Query, measure: Measure) -> Ground:
    if query.territory is None or not ground_is_drawn(query.territory, query.resolution, measure):
        return NO_GROUND
    return _inhabited(query.territory, query.resolution)


def _measured_hexagons(
    context: Context,
    viewer: Viewer,
    measure: Measure,
    query: Query,
    ground: Ground,
    asked: Sequence[int] = (),
    *,
    with_population: bool = True,
) -> HexagonTable:
    """The hexagons with a fact, those of the ground, and those asked for."""
    counts = context.store.counts_by_cell(query, viewer)
    cells = counts.cells  # as they are, where nothing joins them: sorting costs as much as counting
    for others in (ground.cells, np.array(asked, dtype=np.int64)):
        cells = np.union1d(cells, others) if others.size else cells
    aligned = {
        name: _aligned(counts, name, cells) for name in ("incidents", "controls", "checked", "positive", "kg", "eur")
    }
    population = _population(context.geography, cells, ground) if with_population else np.full(cells.shape, np.nan)
    protected = np.zeros(cells.shape, dtype=np.bool_)
    protected[np.searchsorted(cells, counts.cells[counts.protected])] = True
    values, low, high = _measured(measure, aligned, population, cells)
    return HexagonTable(
        measure=measure,
        resolution=query.resolution,
        cells=cells,
        states=_states(measure, values, aligned, protected),
        values=values,
        low=low,
        high=high,
        population=population,
        **aligned,
    )


def _query_of_cell(view: View, cell: int) -> Query:
    """The same question about one hexagon: a box around its centre, far smaller than any hexagon."""
    cells = np.array([cell], dtype=np.int64)
    lng, lat = (float(degrees[0]) for degrees in centres(cells))
    box = Box(lng - 1e-7, lat - 1e-7, lng + 1e-7, lat + 1e-7)
    return replace(view.query(), resolution=int(resolutions(cells)[0]), box=box)


def ground_is_drawn(territory: Territory | None, resolution: int, measure: Measure) -> bool:
    """Whether inhabited hexagons without a fact are shown: there, none is zero, or never checked.

    Not for France as a whole, for sums of weights or values, nor where there would be too many to be told apart.
    """
    if territory is None or measure.name in ("kg", "avoirs"):
        return False
    return _hexagons_of(territory, resolution) <= MOST_GROUND_HEXAGONS


@functools.lru_cache(maxsize=1024)
def _hexagons_of(territory: Territory | None, resolution: int) -> float:
    """How many hexagons fill a territory, about; None: France."""
    if territory is None:
        km2 = sum(_surface_km2(Territory("region", code)) for code in geography().regions["code"])
    else:
        km2 = _surface_km2(territory)
    return km2 / float(h3.average_hexagon_area(resolution, unit="km^2"))


@functools.lru_cache(maxsize=256)
def _surface_km2(territory: Territory) -> float:
    perimeter = np.array([geography().perimeter(territory)], dtype=np.object_)
    return float(shapely.area(equal_area_km(perimeter))[0])


@dataclass(frozen=True, slots=True)
class Ground:
    """Inhabited hexagons, sorted, and how many people live in each (NaN: unknown)."""

    cells: NDArray[np.int64]
    population: NDArray[np.float64]

    def only(self, rows: NDArray[np.bool_]) -> Ground:
        """The rows that are true."""
        return Ground(self.cells[rows], self.population[rows])


NO_GROUND = Ground(np.empty(0, dtype=np.int64), np.empty(0))


@functools.lru_cache(maxsize=64)
def _inhabited(territory: Territory, resolution: int) -> Ground:
    known = geography()
    covered = cover(known.perimeter(territory), resolution)
    inside = np.sort(covered.cells[covered.shares > 0.5])  # a border hexagon belongs where most of it lies
    population = known.population_of(inside)
    lived_in = ~(population == 0)  # unknown is not nobody
    return Ground(inside[lived_in], population[lived_in])


def _aligned(counts: CellCounts, name: str, cells: NDArray[np.int64]) -> NDArray[np.float64]:
    """One column of the counts on all cells. Without a row there was no fact: 0 facts, but checks unknown."""
    absent = 0.0 if name in ("incidents", "controls") else np.nan
    column = np.full(cells.shape, absent)
    column[np.searchsorted(cells, counts.cells)] = getattr(counts, name)
    return column


def _population(known: Geography, cells: NDArray[np.int64], ground: Ground) -> NDArray[np.float64]:
    """Inhabitants of each cell, area-weighted from the communes; 0 where nobody lives; NaN: unknown."""
    population = np.empty(cells.shape)
    on_ground = np.isin(cells, ground.cells)
    population[on_ground] = ground.population  # both sorted
    population[~on_ground] = known.population_of(cells[~on_ground])
    return population


def _measured(
    measure: Measure,
    counts: dict[str, NDArray[np.float64]],
    population: NDArray[np.float64],
    cells: NDArray[np.int64],
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """The measure of each hexagon and its interval, NaN where it has none."""
    unknown = np.full(cells.shape, np.nan)
    match measure.name:
        case "taux":
            enough = np.where(population >= FEWEST_INHABITANTS, population, np.nan)
            rates = rate_with_interval(counts["incidents"], enough)
            return rates.value, rates.low, rates.high
        case "densite":
            return counts["incidents"] / areas_km2(cells), unknown, unknown
        case "rendement":
            shares = share_with_interval(counts["positive"], counts["checked"])
            return 100 * shares.value, 100 * shares.low, 100 * shares.high
        case "controles":
            return np.where(counts["controls"] > 0, counts["controls"], np.nan), unknown, unknown
        case "verifies":
            return counts["checked"], unknown, unknown
        case "kg":
            return counts["kg"], unknown, unknown
        case "avoirs":
            return counts["eur"], unknown, unknown
        case _:
            return counts["incidents"], unknown, unknown


def _states(
    measure: Measure,
    values: NDArray[np.float64],
    counts: dict[str, NDArray[np.float64]],
    protected: NDArray[np.bool_],
) -> NDArray[np.uint8]:
    states = np.full(values.shape, STATE_CODES["value"], dtype=np.uint8)
    states[values == 0] = STATE_CODES["zero"]
    states[np.isnan(values)] = STATE_CODES["unknown"]
    if measure.needs_population:  # nobody there, nothing happened there: no rate is missed
        states[np.isnan(values) & (counts["incidents"] == 0)] = STATE_CODES["zero"]
    states[protected] = STATE_CODES["protected"]
    return states
