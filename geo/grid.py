"""Cells on the earth: where a point falls, where a cell lies, how large it is."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import h3.api.numpy_int as h3
import numpy as np
import pyarrow as pa
import shapely
import shapely.affinity
import shapely.geometry
from h3ronpy import cells_area_km2
from h3ronpy.vector import cells_to_coordinates, cells_to_wkb_polygons, coordinates_to_cells
from numpy.typing import ArrayLike, NDArray

from geo.errors import N_, GeometryError
from geo.ids import FINEST_RESOLUTION, check_resolution, resolutions

CHUNK = 1 << 18  # points; a thread's share at a time
THREADS = 2

# WGS 84: the ellipsoid on which areas are true, and the sphere of equal area on which H3 measures.
EQUATORIAL_RADIUS_KM = 6378.137
ECCENTRICITY_2 = 0.0066943799901413165
H3_RADIUS_KM = 6371.007180918475

# Held by whoever asks a prepared polygon: GEOS changes what it has prepared while it answers, and takes no lock for
# it, so that two threads at once corrupt memory (seen: a crash in one build of the commune table out of three).
PREPARED_POLYGONS = threading.Lock()


def cells_at(lng: ArrayLike, lat: ArrayLike, resolution: int = FINEST_RESOLUTION) -> NDArray[np.int64]:
    """Find the cell of each point.

    Args:
        lng: Longitudes, shape (n,), degrees WGS 84, -180 to 180; NaN where unknown.
        lat: Latitudes, shape (n,), degrees WGS 84, -90 to 90; NaN where unknown.
        resolution: Of the cells, 0 to 15.

    Returns:
        Shape (n,); 0 where a coordinate is unknown.

    Raises:
        GeometryError: Coordinates that are not degrees (metres, say), of which H3 would make a cell somewhere.
    """
    check_resolution(resolution)
    lng, lat = as_many_of_each(lng, lat)
    cells = np.zeros(len(lng), dtype=np.int64)

    def index(start: int) -> None:
        part = slice(start, start + CHUNK)
        known = (np.abs(lng[part]) <= 180) & (np.abs(lat[part]) <= 90)
        if known.all():
            cells[part] = coordinates_to_cells(pa.array(lat[part]), pa.array(lng[part]), resolution)
        else:
            refuse_other_than_degrees(lng, lat)
            found = coordinates_to_cells(pa.array(lat[part][known]), pa.array(lng[part][known]), resolution)
            cells[part][known] = found

    in_threads(index, len(lng), CHUNK)
    return cells


def areas_km2(cells: ArrayLike) -> NDArray[np.float64]:
    """Measure each cell on the ellipsoid, in km²; NaN for no cell.

    H3 measures on a sphere of which it takes the geodetic latitude: at 46° N that is 0.25 % too little. A density
    next to a surface given by IGN must use the same earth, so the ratio of the two areas at the centre corrects it.
    """
    cells = np.asarray(cells, dtype=np.int64)
    known = cells != 0
    areas = np.full(cells.shape, np.nan)
    areas[known] = _ask(cells_area_km2, cells[known])
    sine = np.sin(np.radians(centres(cells)[1]))
    meridian_and_normal = EQUATORIAL_RADIUS_KM**2 * (1 - ECCENTRICITY_2) / (1 - ECCENTRICITY_2 * sine**2) ** 2
    return areas * meridian_and_normal / H3_RADIUS_KM**2


def centres(cells: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Locate the centre of each cell: longitudes and latitudes, degrees WGS 84; NaN for no cell."""
    cells = np.asarray(cells, dtype=np.int64)
    known = cells != 0
    lng, lat = np.full(cells.shape, np.nan), np.full(cells.shape, np.nan)
    if known.any():
        found = _ask(cells_to_coordinates, cells[known])
        lng[known], lat[known] = found.column("lng").to_numpy(), found.column("lat").to_numpy()
    return lng, lat


def boundaries(cells: ArrayLike) -> NDArray[np.object_]:
    """Draw each cell: shapely polygons, degrees WGS 84, lng then lat; None for no cell.

    A cell across the antimeridian is a multipolygon cut there, a cell around a pole reaches up to it, so that
    planar operations stay right.
    """
    cells = np.asarray(cells, dtype=np.int64)
    known = cells != 0
    drawn = np.full(cells.shape, None, dtype=np.object_)
    if known.any():
        polygons = shapely.from_wkb(np.asarray(_ask(cells_to_wkb_polygons, cells[known])))
        west, _, east, _ = shapely.bounds(polygons).T
        for position in np.flatnonzero(east - west > 180):
            polygons[position] = _cut_at_antimeridian(polygons[position])
        drawn[known] = polygons
    return drawn


def dissolve(cells: ArrayLike) -> shapely.MultiPolygon:
    """Merge cells of one resolution into their outline, degrees WGS 84; duplicates and 0 are ignored.

    Raises:
        GeometryError: Cells of several resolutions, or numbers that are not cells.
    """
    distinct = np.unique(np.asarray(cells, dtype=np.int64))
    distinct = distinct[distinct != 0]
    if len(distinct) == 0:
        return shapely.MultiPolygon()
    if len(np.unique(resolutions(distinct))) > 1:
        raise GeometryError(N_("Des cellules de résolutions différentes ne se fondent pas en un contour."))
    _ask(cells_area_km2, distinct)  # refuses what is not a cell, of which h3 says less
    outline = h3.cells_to_h3shape(distinct.astype(np.uint64), tight=False)
    parts = shapely.get_parts(shapely.geometry.shape(outline.__geo_interface__))
    whole = shapely.union_all([_cut_at_antimeridian(part) if _is_wide(part) else part for part in parts])
    return shapely.MultiPolygon(list(shapely.get_parts(whole)))


def equal_area_km(geometries: NDArray[np.object_]) -> NDArray[np.object_]:
    """Project geometries onto the equal-area cylinder of the ellipsoid (Lambert), in km: `shapely.area` is then in km².

    Exact for shapes whose edges are short, as those of territories and cells are: an edge is straight in both.
    """

    def project(lng_lat: NDArray[np.float64]) -> NDArray[np.float64]:
        e = np.sqrt(ECCENTRICITY_2)
        sine = np.sin(np.radians(lng_lat[:, 1]))
        # Twice the area of a zone from the equator, by radian, in units of the equatorial radius squared
        q = (1 - ECCENTRICITY_2) * (sine / (1 - ECCENTRICITY_2 * sine**2) + np.arctanh(e * sine) / e)
        return np.column_stack((np.radians(lng_lat[:, 0]), q / 2)) * EQUATORIAL_RADIUS_KM

    return np.asarray(shapely.transform(geometries, project), dtype=np.object_)


def holds(
    polygons: NDArray[np.object_],
    polygon: NDArray[np.int32],
    lng: NDArray[np.float64],
    lat: NDArray[np.float64],
) -> NDArray[np.bool_]:
    """Test each point against the polygon of its position, exactly; a point on its border is held.

    Prepared polygons (`shapely.prepare`) keep an index each: taken one polygon after the other, it stays in the cache.
    """
    order = np.argsort(polygon)
    held = np.empty(len(polygon), dtype=np.bool_)
    with PREPARED_POLYGONS:
        held[order] = shapely.intersects_xy(polygons[polygon[order]], lng[order], lat[order])
    return held


def in_threads(work: Callable[[int], object], length: int, step: int, threads: int = THREADS) -> None:
    """Call `work(start)` for start = 0, step, 2 step… below `length`; the first error is raised here.

    For work that releases the GIL: h3ronpy, shapely and large numpy operations do.
    """
    starts = range(0, length, step)
    if len(starts) <= 1 or threads == 1:
        for start in starts:
            work(start)
        return
    with ThreadPoolExecutor(threads) as pool:
        for _ in pool.map(work, starts):
            pass


def as_many_of_each(lng: ArrayLike, lat: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Longitudes and latitudes as arrays of shape (n,). Raises `GeometryError` for anything else."""
    longitude, latitude = np.asarray(lng, dtype=np.float64), np.asarray(lat, dtype=np.float64)
    if longitude.shape != latitude.shape or longitude.ndim != 1:
        raise GeometryError(
            N_("Autant de longitudes que de latitudes sont attendues, en une dimension : reçu {lng} et {lat}."),
            lng=longitude.shape,
            lat=latitude.shape,
        )
    return longitude, latitude


def refuse_other_than_degrees(lng: NDArray[np.float64], lat: NDArray[np.float64]) -> None:
    """Raise `GeometryError` for coordinates that are not degrees (metres, say); unknown ones (NaN) may stay."""
    wrong = (np.abs(lng) > 180) | (np.abs(lat) > 90)  # false for NaN: unknown is not wrong
    if wrong.any():
        first = int(np.flatnonzero(wrong)[0])
        raise GeometryError(
            N_(
                "{count} positions hors de la Terre, par exemple longitude {lng}, latitude {lat} : des degrés WGS 84"
                " sont attendus (longitude de -180 à 180, latitude de -90 à 90)."
            ),
            count=int(wrong.sum()),
            lng=float(lng[first]),
            lat=float(lat[first]),
        )


def _ask(question: Callable[[pa.Array], Any], cells: NDArray[np.int64]) -> Any:
    """Put a question of h3ronpy, whose error says neither which cell nor what was expected."""
    try:
        return question(pa.array(cells.view(np.uint64)))
    except ValueError as error:
        raise GeometryError(N_("Ce ne sont pas toutes des cellules H3 : {reason}."), reason=error) from error


def _is_wide(polygon: shapely.Polygon) -> bool:
    west, _, east, _ = polygon.bounds
    return bool(east - west > 180)


def _cut_at_antimeridian(polygon: shapely.Polygon) -> shapely.Geometry:
    """Give its place back to a ring whose longitudes jump by 360°, and cut it at ±180°."""
    outer, *holes = (_unrolled(np.asarray(ring.coords)) for ring in (polygon.exterior, *polygon.interiors))
    # A hole may have been unrolled some turns away from its polygon.
    turns = [np.round((outer[:, 0].mean() - hole[:, 0].mean()) / 360) for hole in holes]
    shape = shapely.Polygon(outer, [hole + np.array([360 * turn, 0]) for hole, turn in zip(holes, turns, strict=True)])
    world = shapely.box(-180, -90, 180, 90)
    pieces = [shapely.intersection(shapely.affinity.translate(shape, turn), world) for turn in (-360, 0, 360)]
    return shapely.union_all(pieces)


def _unrolled(ring: NDArray[np.float64]) -> NDArray[np.float64]:
    """Make longitudes continuous; a ring that then ends a turn further surrounds a pole, and is led through it."""
    lng = np.unwrap(ring[:, 0], period=360)
    unrolled = np.column_stack((lng, ring[:, 1]))
    if abs(lng[-1] - lng[0]) < 180:
        unrolled[-1] = unrolled[0]  # to the last bit: the sum of the turns is not exact
        return unrolled
    pole = np.copysign(90.0, ring[0, 1])
    return np.vstack((unrolled, [[lng[-1], pole], [lng[0], pole]]))
