"""Inhabitants of hexagons, from those of territories: an estimate by area, to be shown as one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray

from geo.covers import cover_each
from geo.errors import N_, GeometryError
from geo.grid import PREPARED_POLYGONS, areas_km2, boundaries, equal_area_km


def population_by_cell(
    polygons: Sequence[shapely.Geometry] | NDArray[np.object_], populations: ArrayLike, resolution: int
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Spread each polygon's population evenly over its area, and sum by cell.

    Areal weighting is the plainest of the dasymetric methods: within a commune it puts as many people in the forest
    as in the town. The totals are exact, however small a polygon is, so that rates of whole territories hold.

    Args:
        polygons: Valid shapely (multi)polygons, degrees WGS 84, shape (n,).
        populations: Inhabitants, shape (n,), ≥ 0.
        resolution: Of the cells.

    Returns:
        The cells, sorted, and their populations; they sum to the sum of `populations`.

    Raises:
        GeometryError: A population that is unknown or negative, or one above 0 in a polygon without area.

    References:
        Goodchild and Lam (1980), Areal interpolation: a variant of the traditional spatial problem, Geo-Processing 1.
    """
    inhabitants = np.asarray(populations, dtype=np.float64)
    if inhabitants.shape != (len(polygons),) or not (inhabitants >= 0).all():
        raise GeometryError(N_("Une population positive ou nulle est attendue pour chacun des polygones."))
    covers = cover_each(polygons, resolution)
    weights = covers.shares * areas_km2(covers.cells)
    areas = np.bincount(covers.polygon, weights, minlength=len(inhabitants))
    lost = (areas == 0) & (inhabitants > 0)
    if lost.any():
        raise GeometryError(
            N_("{count} territoires peuplés n'ont pas de surface, à commencer par le n° {first}."),
            count=int(lost.sum()),
            first=int(np.flatnonzero(lost)[0]),
        )
    cells, place = np.unique(covers.cells, return_inverse=True)
    here = inhabitants[covers.polygon] * weights / areas[covers.polygon]
    return cells, np.bincount(place, here, minlength=len(cells)).astype(np.float64)


class PopulatedArea:
    """Polygons and their inhabitants, ready to say how many live in any hexagon.

    The same areal weighting as `population_by_cell`, for the cells that are asked for and no other: a view has
    thousands of hexagons where France has millions.

    Args:
        polygons: Valid shapely (multi)polygons that do not overlap, degrees WGS 84, shape (n,).
        populations: Inhabitants, shape (n,), ≥ 0; NaN where unknown.
        unknown_share: A cell's population is unknown when more of its area lies in polygons without one.
    """

    def __init__(
        self, polygons: NDArray[np.object_], populations: NDArray[np.float64], unknown_share: float = 0.1
    ) -> None:
        self._polygons = np.asarray(polygons, dtype=np.object_)
        self._density = np.asarray(populations, dtype=np.float64) / shapely.area(equal_area_km(self._polygons))
        self._unknown_share = unknown_share
        self._tree = shapely.STRtree(self._polygons)
        shapely.prepare(self._polygons)

    def population_in(self, area: shapely.Geometry) -> float:
        """Inhabitants of an area, degrees WGS 84; NaN when too much of it is unknown, 0 outside every polygon.

        `area` is prepared, for one thread.
        """
        shapely.prepare(area)
        polygon = self._tree.query(area, predicate="intersects")
        shapes = self._polygons[polygon]
        crossed = ~shapely.contains_properly(area, shapes)
        shapes[crossed] = shapely.intersection(shapes[crossed], area)
        inside_km2 = shapely.area(equal_area_km(shapes))
        density = self._density[polygon]
        if inside_km2[np.isnan(density)].sum() > self._unknown_share * shapely.area(equal_area_km(np.array([area])))[0]:
            return float("nan")
        return float(np.nansum(density * inside_km2))

    def population_of(self, cells: NDArray[np.int64]) -> NDArray[np.float64]:
        """Inhabitants of each cell, shape (n,); 0 outside every polygon, NaN where unknown."""
        hexagons = boundaries(cells)
        place, polygon = self._tree.query(hexagons, predicate="intersects")
        inside_km2 = np.empty(len(place))
        with PREPARED_POLYGONS:
            whole = shapely.contains_properly(self._polygons[polygon], hexagons[place])
        inside_km2[whole] = areas_km2(cells)[place[whole]]
        crossed = shapely.intersection(hexagons[place[~whole]], self._polygons[polygon[~whole]])
        inside_km2[~whole] = shapely.area(equal_area_km(crossed))
        density = self._density[polygon]
        people = np.bincount(place, np.nan_to_num(density) * inside_km2, minlength=len(cells))
        unknown_km2 = np.bincount(place, np.isnan(density) * inside_km2, minlength=len(cells))
        unknown = unknown_km2 > self._unknown_share * areas_km2(cells)
        return np.where(unknown, np.nan, people)
