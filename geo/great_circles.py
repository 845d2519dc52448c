"""The way of an aircraft on the map: geodesics, cut where the map is."""

from __future__ import annotations

import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray
from pyproj import Geod

from geo.nearest import degrees

EARTH = Geod(ellps="WGS84")
STEP_KM = 100.0  # between two points of a line: bent by less than a pixel on a map of the world


def great_circles(
    lng: ArrayLike, lat: ArrayLike, to_lng: ArrayLike, to_lat: ArrayLike, step_km: float = STEP_KM
) -> NDArray[np.object_]:
    """Draw the shortest way between pairs of points, in the direction given.

    Args:
        lng, lat: Where each begins, degrees WGS 84, shape (n,); NaN where unknown.
        to_lng, to_lat: Where each ends, likewise.
        step_km: Longest distance between two points of a line.

    Returns:
        Shapely multilinestrings, shape (n,), degrees WGS 84, in one part, or in two where the way crosses the
        antimeridian: the first ends there and the second begins there, at the other side of the map. Empty where an end
        is unknown, or both are equal.

    Raises:
        GeometryError: As many longitudes as latitudes are needed, in degrees.
    """
    starts, stops = degrees(lng, lat), degrees(to_lng, to_lat)
    lines = np.full(len(starts), shapely.MultiLineString(), dtype=np.object_)
    known = np.isfinite(starts).all(axis=1) & np.isfinite(stops).all(axis=1)
    for row in np.flatnonzero(known):
        lines[row] = _line(starts[row], stops[row], step_km)
    return lines


def _line(start: NDArray[np.float64], stop: NDArray[np.float64], step_km: float) -> shapely.MultiLineString:
    azimuth, _back, metres = EARTH.inv(*start, *stop)
    if metres == 0:
        return shapely.MultiLineString()
    steps = max(1, int(np.ceil(metres / 1000 / step_km)))
    along = np.linspace(0, metres, steps + 1)[1:-1]
    same = np.ones(len(along))
    lng, lat, _ = EARTH.fwd(start[0] * same, start[1] * same, azimuth * same, along)
    path = np.vstack((start, np.column_stack((lng, lat)), stop))
    return on_the_map(path)


def on_the_map(path: NDArray[np.float64]) -> shapely.MultiLineString:
    """A path of short steps (lng, lat in degrees, shape (n, 2)) as drawn: cut at the antimeridian, within -180…180.

    Longitudes may go on beyond 180 or jump back there; what is one step apart is meant to be near.
    """
    path = path.copy()
    # Whole turns are added, and not differences summed up, which would drift: a line must end at 180 and not beside it.
    path[1:, 0] += 360 * np.cumsum(-np.round(np.diff(path[:, 0]) / 360))
    return shapely.MultiLineString(_cut(path))


def _cut(path: NDArray[np.float64]) -> list[NDArray[np.float64]]:
    """Parts of a path of continuous longitudes, each brought back to -180…180."""
    west, east = np.minimum(path[:-1, 0], path[1:, 0]), np.maximum(path[:-1, 0], path[1:, 0])
    border = 360 * np.floor((west - 180) / 360) + 540  # the first beyond the western end
    crossed = np.flatnonzero(border < east)
    share = (border[crossed] - path[crossed, 0]) / (path[crossed + 1, 0] - path[crossed, 0])
    lat = path[crossed, 1] + share * (path[crossed + 1, 1] - path[crossed, 1])
    path = np.insert(path, crossed + 1, np.column_stack((border[crossed], lat)), axis=0)
    turn = np.floor(((path[:-1, 0] + path[1:, 0]) / 2 + 180) / 360)  # of each segment
    breaks = np.flatnonzero(np.diff(turn)) + 1
    parts = []
    for begin, end in zip([0, *breaks], [*breaks, len(path) - 1], strict=True):
        part = path[begin : end + 1] - np.array([360 * turn[begin], 0])
        part[:, 0] = np.clip(part[:, 0], -180, 180)  # adding a turn and taking it away may leave 3e-14 beyond
        parts.append(part)
    return parts
