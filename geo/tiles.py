"""Web Mercator tiles: where they lie, which cells they hold, and how fine the cells of a zoom are.

A cell belongs to the one tile that holds its centre: put side by side, tiles neither lose nor repeat a hexagon.

Source: the tile matrix set WebMercatorQuad (OGC 17-083r4, annex D.1); `x` counts from 180° W, `y` from the north.
"""

from __future__ import annotations

from typing import NamedTuple

import h3.api.numpy_int as h3
import numpy as np
import pyarrow as pa
from h3ronpy import grid_disk
from numpy.typing import ArrayLike, NDArray

from geo.errors import N_, GeometryError
from geo.grid import cells_at, centres
from geo.ids import FINEST_RESOLUTION

NEAREST_ZOOM = 22
TILE_PX = 256
MERCATOR_LATITUDE = 85.0511  # degrees; where Web Mercator ends
EQUATOR_M = 40_075_016.686  # of the sphere of Web Mercator
DEGREE_M = EQUATOR_M / 360
EDGES_A_SIDE = 6  # of the rectangle that some dozens of hexagons cover
MIDDLE_LATITUDE = 46.5  # of mainland France, where a hexagon's size on the screen is judged
NARROWEST_PX = 8  # of a hexagon: narrower, no one tells it from its neighbour
COARSEST_RESOLUTION = 3
SHORTEST_EDGE = 0.6  # of the mean one: H3 cells of one resolution differ by their place on its icosahedron


class Tile(NamedTuple):
    """One square of the pyramid: 2^z × 2^z of them cover the world."""

    z: int
    x: int
    y: int


class Bounds(NamedTuple):
    """Degrees WGS 84. The west and north edges belong to the tile, the east and south ones to its neighbours."""

    west: float
    south: float
    east: float
    north: float


class NoTileError(GeometryError):
    """A tile that does not exist."""


def no_tile(given: str) -> NoTileError:
    """What to raise for a tile that does not exist; `given`: z/x/y, as it was asked for."""
    return NoTileError(
        N_("Tuile {given} inconnue : attendu zoom/x/y, x et y de 0 à 2^zoom - 1."),
        given=given,
    )


def check_tile(tile: Tile) -> None:
    """Raise `NoTileError` for a tile outside the world."""
    z, x, y = tile
    if not 0 <= z <= NEAREST_ZOOM or not (0 <= x < 1 << z and 0 <= y < 1 << z):
        raise no_tile(f"{z}/{x}/{y}")


def tile_bounds(tile: Tile) -> Bounds:
    """Where a tile lies. Raises `NoTileError` outside the world."""
    check_tile(tile)
    z, x, y = tile
    west, east = (360 * edge / (1 << z) - 180 for edge in (x, x + 1))
    north, south = (float(_latitude(edge / (1 << z))) for edge in (y, y + 1))
    return Bounds(west, south, east, north)


def tiles_at(lng: ArrayLike, lat: ArrayLike, z: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Columns and rows of the tiles of zoom `z` that hold these points, degrees WGS 84, shape (n,).

    Beyond 85.05° N and S, where Web Mercator ends, the first and the last row.
    """
    size = 1 << z
    x, y = positions(lng, lat)
    return tuple(np.clip(np.floor(part * size), 0, size - 1).astype(np.int64) for part in (x, y))  # type: ignore[return-value]  # two of them


def positions(lng: ArrayLike, lat: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Where points lie on the map of the world: 0 to 1 from west to east, and from north to south."""
    sine = np.sin(np.radians(np.asarray(lat, dtype=np.float64)))
    with np.errstate(divide="ignore"):  # the poles lie at infinity
        y = 0.5 - np.arctanh(sine) / (2 * np.pi)
    return np.asarray(lng, dtype=np.float64) / 360 + 0.5, y


def _latitude(y: ArrayLike) -> NDArray[np.float64]:
    return np.degrees(np.arctan(np.sinh(np.pi * (1 - 2 * np.asarray(y, dtype=np.float64)))))


def resolution_at(z: int) -> int:
    """The finest resolution whose hexagons are still told apart at a zoom, at the latitude of France.

    >>> [resolution_at(z) for z in (4, 6, 8, 10, 12, 14)]
    [3, 5, 6, 8, 9, 10]
    """
    px_m = EQUATOR_M * np.cos(np.radians(MIDDLE_LATITUDE)) / (TILE_PX << z)
    for resolution in range(FINEST_RESOLUTION, COARSEST_RESOLUTION, -1):
        width_m = np.sqrt(3) * h3.average_hexagon_edge_length(resolution, unit="m")
        if width_m / px_m >= NARROWEST_PX:
            return resolution
    return COARSEST_RESOLUTION


def inside(tile: Tile, cells: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which cells have their centre in the tile."""
    x, y = tiles_at(*centres(cells), tile.z)
    return np.asarray((x == tile.x) & (y == tile.y))


def cells_of(tile: Tile, resolution: int) -> NDArray[np.int64]:
    """The cells of a resolution whose centre is in the tile, sorted."""
    found = over(tile_bounds(tile), resolution)
    return found[inside(tile, found)]


def over(bounds: Bounds, resolution: int) -> NDArray[np.int64]:
    """Cells that hold all there is in a rectangle, sorted: those that touch it, and their neighbours.

    Their descendants include every finer cell whose centre is in the rectangle, although a descendant may lie a
    little outside its ancestor: that is what the neighbours are for.
    """
    touching = np.unique(cells_at(*_grid(bounds, resolution), resolution))
    return np.unique(grid_disk(pa.array(touching, pa.uint64()), 1, flatten=True).to_numpy().astype(np.int64))


def covering(bounds: Bounds, finest: int) -> NDArray[np.int64]:
    """The same by some dozens of cells, of the resolution that suits the rectangle's size and is not over `finest`."""
    side_m = min(_sides_m(bounds))
    for resolution in range(finest, 0, -1):
        if h3.average_hexagon_edge_length(resolution, unit="m") * EDGES_A_SIDE >= side_m:
            return over(bounds, resolution)
    return over(bounds, 0)


def _grid(bounds: Bounds, resolution: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Points laid over a rectangle and its edges, closer to each other than a hexagon's edge is long."""
    shortest_edge_m = SHORTEST_EDGE * h3.average_hexagon_edge_length(resolution, unit="m")
    columns, rows = (2 + int(side_m / shortest_edge_m) for side_m in _sides_m(bounds))
    lng = np.linspace(bounds.west, bounds.east, columns)
    lat = np.linspace(bounds.south, bounds.north, rows)
    return np.tile(lng, rows), np.repeat(lat, columns)


def _sides_m(bounds: Bounds) -> tuple[float, float]:
    """Its longest parallel and its meridian, in metres."""
    west, south, east, north = bounds
    widest = 0.0 if south < 0 < north else min(abs(south), abs(north))
    return (east - west) * DEGREE_M * float(np.cos(np.radians(widest))), (north - south) * DEGREE_M
