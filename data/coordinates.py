"""Coordinates of any reference system → longitude and latitude, WGS 84."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pyproj
import shapely
from numpy.typing import NDArray
from pyproj.exceptions import CRSError

from data.errors import MappingError
from data.refusals import Mask
from geo.errors import N_

WGS_84 = "EPSG:4326"
UNKNOWN_CRS = N_("Système de coordonnées inconnu : {given}. Attendu un code EPSG, par exemple EPSG:2154 (Lambert-93).")


class Positions(NamedTuple):
    """Degrees, WGS 84, shape (lines,) each; NaN: none."""

    longitude: NDArray[np.float64]
    latitude: NDArray[np.float64]


def transformer(crs: str) -> pyproj.Transformer | None:
    """From `crs` (a code, WKT or PROJJSON) to WGS 84, x first; None: already there. Raises `MappingError`."""
    try:
        given = pyproj.CRS.from_user_input(crs)
    except CRSError as error:
        raise MappingError(UNKNOWN_CRS, given=crs[:80]) from error
    if given.is_geographic and given.equals(pyproj.CRS.from_epsg(4326), ignore_axis_order=True):
        return None
    return pyproj.Transformer.from_crs(given, WGS_84, always_xy=True)


def to_wgs_84(crs: pyproj.Transformer | None, x: NDArray[np.float64], y: NDArray[np.float64]) -> Positions:
    """Transform; what the system cannot place on the globe is left as it was given, to be refused with its value."""
    if crs is None:
        return Positions(x, y)
    longitude, latitude = (np.asarray(values, dtype=np.float64) for values in crs.transform(x, y))
    lost = ~np.isfinite(longitude) | ~np.isfinite(latitude)
    return Positions(np.where(lost, x, longitude), np.where(lost, y, latitude))


def outside_area(crs: pyproj.Transformer | None, position: Positions) -> Mask:
    """Where a transformed position lies out of the area its reference system is meant for, give or take a degree.

    Degrees read as Lambert-93 metres land in the Gulf of Guinea: possible numbers, impossible place.
    """
    area = None if crs is None or crs.source_crs is None else crs.source_crs.area_of_use
    if area is None or area.east <= area.west:
        return np.zeros(len(position.longitude), dtype=bool)
    known = ~np.isnan(position.longitude) & ~np.isnan(position.latitude)
    across = (position.longitude >= area.west - 1) & (position.longitude <= area.east + 1)
    along = (position.latitude >= area.south - 1) & (position.latitude <= area.north + 1)
    return np.asarray(known & ~(across & along))


def points(wkb: NDArray[np.object_]) -> tuple[NDArray[np.float64], NDArray[np.float64], Mask]:
    """x and y of points in WKB (NaN where there is none), and where the geometry is something else."""
    geometries = shapely.from_wkb(wkb)
    kinds = shapely.get_type_id(geometries)  # -1: none, 0: point
    return shapely.get_x(geometries), shapely.get_y(geometries), np.asarray(kinds > 0)
