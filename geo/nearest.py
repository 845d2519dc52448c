"""How far places are from the nearest seat, on the ellipsoid, and which seat that is."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pyproj import Geod

from geo.grid import ECCENTRICITY_2, EQUATORIAL_RADIUS_KM, as_many_of_each, refuse_other_than_degrees

EARTH = Geod(ellps="WGS84")
CANDIDATES = 4  # seats measured on the ellipsoid for each place
AT_ONCE = 1 << 15  # places


class Nearest(NamedTuple):
    """Arrays of shape (n,)."""

    distance_km: NDArray[np.float64]  # NaN where the place is unknown, or no seat known
    seat: NDArray[np.int64]  # its position; -1 likewise


def nearest_seat(lng: ArrayLike, lat: ArrayLike, seat_lng: ArrayLike, seat_lat: ArrayLike) -> Nearest:
    """Find the nearest seat of each place, as the crow flies.

    The straight line through the earth chooses the few nearest, and the geodesic decides between them: the two orders
    only differ for distances within some millionths of each other. Nothing depends on where the map is cut.

    Args:
        lng, lat: Of the places (hexagons' centres, communes), degrees WGS 84, shape (n,); NaN where unknown.
        seat_lng, seat_lat: Of the seats, shape (m,); one that is unknown is nearest to nobody.

    Raises:
        GeometryError: As many longitudes as latitudes are needed, in degrees.

    References:
        Karney (2013), Algorithms for geodesics, Journal of Geodesy 87, doi:10.1007/s00190-012-0578-z
    """
    places, seats = degrees(lng, lat), degrees(seat_lng, seat_lat)
    distance, found = np.full(len(places), np.nan), np.full(len(places), -1, dtype=np.int64)
    there = np.flatnonzero(np.isfinite(seats).all(axis=1))
    known = np.flatnonzero(np.isfinite(places).all(axis=1))
    if len(there) == 0:
        return Nearest(distance, found)
    targets = _in_space(seats[there])
    for start in range(0, len(known), AT_ONCE):
        here = known[start : start + AT_ONCE]
        distance[here], position = _measured(places[here], seats[there], targets)
        found[here] = there[position]
    return Nearest(distance, found)


def _measured(
    places: NDArray[np.float64], seats: NDArray[np.float64], targets: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    few = min(CANDIDATES, len(seats))
    squares = (targets**2).sum(axis=1) - 2 * _in_space(places) @ targets.T  # of the straight line, but for a constant
    candidates = np.argpartition(squares, few - 1, axis=1)[:, :few]
    from_lng, from_lat = np.repeat(places, few, axis=0).T
    to_lng, to_lat = seats[candidates.ravel()].T
    _azimuth, _back, metres = EARTH.inv(from_lng, from_lat, to_lng, to_lat)
    kilometres = np.asarray(metres).reshape(candidates.shape) / 1000
    best = kilometres.argmin(axis=1)
    rows = np.arange(len(places))
    return kilometres[rows, best], candidates[rows, best]


def degrees(lng: ArrayLike, lat: ArrayLike) -> NDArray[np.float64]:
    """Pairs, shape (n, 2), NaN where unknown; raises `GeometryError` for what is not as many degrees of each."""
    longitude, latitude = as_many_of_each(lng, lat)
    refuse_other_than_degrees(longitude, latitude)
    return np.column_stack((longitude, latitude))


def _in_space(lng_lat: NDArray[np.float64]) -> NDArray[np.float64]:
    """Where points of the ellipsoid are, shape (n, 3), km from the earth's centre."""
    longitude, latitude = np.radians(lng_lat).T
    normal = EQUATORIAL_RADIUS_KM / np.sqrt(1 - ECCENTRICITY_2 * np.sin(latitude) ** 2)
    across = normal * np.cos(latitude)
    up = normal * (1 - ECCENTRICITY_2) * np.sin(latitude)
    return np.column_stack((across * np.cos(longitude), across * np.sin(longitude), up))
