"""Inhabitants of hexagons, from those of territories: an estimate by area, to be shown as one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray

from geo.covers import cover_each
from geo.errors import N_, GeometryError
from geo.grid import areas_km2


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
