"""Areas that someone drew on the map: their outline on the earth, their surface, and the hexagons they hold.

The map is Web Mercator, and a drawn edge is straight there. On the earth, and in longitude and latitude, it is not:
edges are cut so short that the difference stays under a metre, and what is computed is that of the line that was seen.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray
from pyproj import Geod

from geo.descent import descend
from geo.tiles import positions

EARTH = Geod(ellps="WGS84")
CIRCLE_SIDES = 720  # their surface falls short of the circle's by 13 in a million
LONGEST_EDGE = 1e-4  # of the map's width: 4 km on the equator, less elsewhere


@dataclass(frozen=True, slots=True)
class DrawnCells:
    """The hexagons of an area, sorted: the coarsest that are wholly inside, and the finest that its border may cross.

    What lies in a hexagon, by its number, lies in the area if the hexagon is `whole`, and may if it is `crossed`; what
    lies in neither is outside.
    """

    whole: NDArray[np.int64]  # of several resolutions, none the ancestor of another
    crossed: NDArray[np.int64]  # of the resolution asked for


def circle(lng: float, lat: float, radius_m: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Longitudes and latitudes of the points at one distance from a centre, degrees WGS 84, counted from the centre's
    longitude: across the antimeridian they go beyond 180."""
    azimuths = np.linspace(0, 360, CIRCLE_SIDES, endpoint=False)
    same = np.ones(CIRCLE_SIDES)
    east, north, _back = EARTH.fwd(lng * same, lat * same, azimuths, radius_m * same)
    return lng + (np.asarray(east) - lng + 180) % 360 - 180, np.asarray(north)


def on_the_map(lng: ArrayLike, lat: ArrayLike) -> shapely.Polygon:
    """The polygon as it is drawn, the width of the map being 1; it may cross itself."""
    return shapely.Polygon(np.column_stack(positions(lng, lat)))


def on_the_earth(drawn: shapely.Polygon) -> shapely.Polygon:
    """The same in longitude and latitude, its edges cut short; degrees WGS 84."""
    short = shapely.segmentize(drawn, LONGEST_EDGE)
    x, y = shapely.get_coordinates(short).T
    lat = np.degrees(np.arctan(np.sinh(np.pi * (1 - 2 * y))))
    return shapely.Polygon(np.column_stack(((x - 0.5) * 360, lat)))


def surface_km2(area: shapely.Geometry) -> float:
    """On the ellipsoid; degrees WGS 84, short edges.

    References:
        Karney (2013), Algorithms for geodesics, Journal of Geodesy 87, doi:10.1007/s00190-012-0578-z
    """
    signed_m2, _perimeter_m = EARTH.geometry_area_perimeter(shapely.orient_polygons(area))
    return float(signed_m2) / 1e6


def drawn_cells(area: shapely.Geometry, finest: int) -> DrawnCells:
    """Tell apart the hexagons inside an area and those on its border; degrees WGS 84.

    Raises:
        GeometryError: Not a valid polygon in degrees.
    """
    whole: list[NDArray[np.int64]] = []
    for inside, generation in descend(np.array([area], dtype=np.object_), finest):
        whole.append(inside.cells)
        crossed = generation.cells
    return DrawnCells(np.sort(np.concatenate(whole)), np.sort(crossed))
