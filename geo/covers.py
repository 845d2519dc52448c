"""Polygons as cells: the cells that share area with a polygon, and how much of each lies inside."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from geo.descent import Generation, Inside, descend
from geo.grid import boundaries, equal_area_km, in_threads
from geo.ids import check_resolution, descendants

PAIRS_AT_ONCE = 1 << 14  # intersections of a cell with a polygon


@dataclass(frozen=True, slots=True)
class CellCover:
    """The cells of one resolution that share area with a polygon, sorted, and the share of each that lies inside."""

    cells: NDArray[np.int64]
    shares: NDArray[np.float64]  # above 0, up to 1


@dataclass(frozen=True, slots=True)
class CellCovers:
    """The covers of several polygons: arrays of equal length, one row for each cell of each, in that order."""

    polygon: NDArray[np.int32]  # position of the polygon
    cells: NDArray[np.int64]
    shares: NDArray[np.float64]


def cover(polygon: shapely.Polygon | shapely.MultiPolygon, resolution: int) -> CellCover:
    """Cover a polygon (degrees WGS 84; holes and several parts welcome) with cells.

    The sum of shares × `areas_km2` is the polygon's area, also for one smaller than a cell.

    Raises:
        GeometryError: Not a valid polygon in degrees, or a resolution that H3 has not.
    """
    covers = cover_each([polygon], resolution)
    return CellCover(covers.cells, covers.shares)


def cover_each(polygons: Sequence[shapely.Geometry] | NDArray[np.object_], resolution: int) -> CellCovers:
    """Cover each of several polygons by itself; see `cover`. Cells on a common border appear once for each polygon."""
    check_resolution(resolution)
    shapes = np.asarray(polygons, dtype=np.object_)
    rows: list[CellCovers] = []
    for inside, generation in descend(shapes, resolution):
        rows.append(_whole(inside, resolution))
        last = generation
    rows.append(_partial(shapes, last))
    polygon = np.concatenate([row.polygon for row in rows])
    cells = np.concatenate([row.cells for row in rows])
    shares = np.concatenate([row.shares for row in rows])
    order = np.lexsort((cells, polygon))
    return CellCovers(polygon[order], cells[order], shares[order])


def _whole(inside: Inside, resolution: int) -> CellCovers:
    cells = descendants(inside.cells, inside.resolution, resolution)
    polygon = np.broadcast_to(inside.polygon, cells.shape)[cells != 0]
    return CellCovers(polygon, cells[cells != 0], np.ones(len(polygon)))


def _partial(polygons: NDArray[np.object_], last: Generation) -> CellCovers:
    """Measure the shares of the cells that a border may cross; those that only come near it have none, or all."""
    place = np.repeat(np.arange(len(last.cells)), np.diff(last.first_group))
    hexagons = boundaries(last.cells)
    shares = np.empty(len(place))

    def measure(start: int) -> None:
        part = slice(start, start + PAIRS_AT_ONCE)
        inside = shapely.intersection(hexagons[place[part]], polygons[last.polygon[part]])
        shares[part] = shapely.area(equal_area_km(inside))

    in_threads(measure, len(place), PAIRS_AT_ONCE)
    shares /= shapely.area(equal_area_km(hexagons))[place]
    np.clip(shares, 0, 1, out=shares)
    some = shares > 0
    return CellCovers(last.polygon[some], last.cells[place[some]], shares[some])
