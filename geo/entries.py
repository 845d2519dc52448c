"""Through which airport, port or land border a seizure came in: the nearest one to where it was made."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import shapely
import shapely.affinity as affinity
from numpy.typing import ArrayLike, NDArray

from geo.nearest import EARTH, degrees, nearest_seat

WITHIN_KM = 60.0  # of a town known by its middle: further away, the way in is not known


class Borders(NamedTuple):
    """Arrays of shape (n,)."""

    neighbour: NDArray[np.int64]  # position of the polygon whose border is near; -1: none
    lng: NDArray[np.float64]  # degrees WGS 84, where on that border; NaN: none
    lat: NDArray[np.float64]


def nearest_site(
    lng: ArrayLike, lat: ArrayLike, site_lng: ArrayLike, site_lat: ArrayLike, within_km: float = WITHIN_KM
) -> NDArray[np.int64]:
    """Position of the airport or port nearest to each place, shape (n,); -1: none within that distance.

    Args: degrees WGS 84; NaN: unknown. Raises `GeometryError` for anything else than degrees.
    """
    found = nearest_seat(lng, lat, site_lng, site_lat)
    return np.where(found.distance_km <= within_km, found.seat, -1).astype(np.int64)


def nearest_border(
    lng: ArrayLike, lat: ArrayLike, neighbours: NDArray[np.object_], within_km: float = WITHIN_KM
) -> Borders:
    """The neighbour whose land begins nearest to each place, and where it does.

    The nearest point is found on the map, stretched as the parallels of the place are, and its distance measured on
    the ellipsoid: at this range the two agree to a few percent.

    Args:
        lng, lat: Degrees WGS 84, shape (n,); NaN: unknown.
        neighbours: Polygons in degrees, shape (m,).
    """
    places = degrees(lng, lat)
    found = Borders(
        np.full(len(places), -1, dtype=np.int64), np.full(len(places), np.nan), np.full(len(places), np.nan)
    )
    reach = within_km / 60  # degrees of latitude are at most 111.7 km: wide enough everywhere south of 80° north
    tree = shapely.STRtree(neighbours)
    for row in np.flatnonzero(np.isfinite(places).all(axis=1)):
        x, y = places[row]
        narrow = np.cos(np.radians(y))
        best = within_km * 1000
        around = shapely.box(x - reach / narrow, y - reach, x + reach / narrow, y + reach)
        for position in np.sort(tree.query(around)):
            land = shapely.intersection(neighbours[position], around)
            if land.is_empty:
                continue
            flat = affinity.scale(land, narrow, 1.0, origin=(0, 0))
            line = shapely.shortest_line(flat, shapely.Point(x * narrow, y))
            near_x, near_y = line.coords[0][0] / narrow, line.coords[0][1]
            metres = EARTH.inv(x, y, near_x, near_y)[2]
            if metres <= best:
                best = metres
                found.neighbour[row], found.lng[row], found.lat[row] = position, near_x, near_y
    return found
