"""Borders as lines on an integer grid: each once, with its two neighbours, and cut where tiles meet.

The grid is Web Mercator: x from 180° W, y from 85.05° N downward, `tiles × extent` steps each way. Rounding comes
before cutting, so that both tiles of a cut have the same point on their edge.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray

MERCATOR_LATITUDE = 85.0511  # where Web Mercator ends

Grid = NDArray[np.int64]


def to_mercator(shapes: NDArray[np.object_]) -> NDArray[np.object_]:
    """Degrees WGS 84 → Web Mercator with the whole world from 0 to 1, y downward."""
    return np.asarray(shapely.transform(shapes, mercator))


def mercator(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Points (n, 2), lng and lat in degrees → x and y from 0 to 1; beyond its end, Mercator's edge."""
    sine = np.sin(np.radians(np.clip(points[:, 1], -MERCATOR_LATITUDE, MERCATOR_LATITUDE)))
    return np.column_stack(((points[:, 0] + 180) / 360, 0.5 - np.log((1 + sine) / (1 - sine)) / (4 * np.pi)))


@dataclass(frozen=True, slots=True)
class Segments:
    """The distinct segments of a coverage, in steps of the grid, with the shapes on either side."""

    starts: Grid  # (n, 2)
    stops: Grid
    first: NDArray[np.intp]  # position of a shape
    second: NDArray[np.intp]  # of the other one; -1: the outside
    steps: int  # of the grid, for the whole world

    @classmethod
    def of(cls, shapes: NDArray[np.object_], steps: int) -> Segments:
        """Find them among polygons whose coordinates run from 0 to 1; a shared one is found by its two rounded ends."""
        rings, owners = rings_of(shapes)
        points, ring_of = shapely.get_coordinates(rings, return_index=True)
        grid = np.rint(points * steps).astype(np.int64)
        joined = ring_of[:-1] == ring_of[1:]
        start, stop = grid[:-1][joined], grid[1:][joined]
        owner = owners[ring_of[:-1][joined]]
        moved = (start != stop).any(axis=1)
        start, stop, owner = start[moved], stop[moved], owner[moved]
        swapped = (start[:, 0] > stop[:, 0]) | ((start[:, 0] == stop[:, 0]) & (start[:, 1] > stop[:, 1]))
        ends = np.where(swapped[:, None], np.hstack((stop, start)), np.hstack((start, stop)))
        order = np.lexsort((owner, *ends.T))
        ends, owner = ends[order], owner[order]
        fresh = np.concatenate(([True], (ends[1:] != ends[:-1]).any(axis=1)))[: len(ends)]
        index = np.flatnonzero(fresh)
        last = np.concatenate((index[1:], [len(ends)]))[: len(index)] - 1
        second = np.where(owner[last] != owner[index], owner[last], -1)
        return cls(ends[index, :2], ends[index, 2:], owner[index], second, steps)

    def middles(self, wanted: NDArray[np.bool_]) -> NDArray[np.object_]:
        """Points halfway, coordinates from 0 to 1."""
        points = (self.starts[wanted] + self.stops[wanted]) / (2 * self.steps)
        return np.asarray(shapely.points(points))

    def lines(self, wanted: NDArray[np.bool_]) -> NDArray[np.object_]:
        """The wanted segments joined end to end, as shapely lines in steps of the grid."""
        if not wanted.any():
            return np.array([], dtype=object)
        ends = np.stack((self.starts[wanted], self.stops[wanted]), axis=1).astype(np.float64)
        pieces = np.asarray(shapely.linestrings(ends))
        return np.asarray(shapely.get_parts(shapely.line_merge(shapely.multilinestrings(pieces))))


def rings_of(shapes: NDArray[np.object_]) -> tuple[NDArray[np.object_], NDArray[np.intp]]:
    """All rings of polygons, and the position of the polygon each belongs to."""
    parts, owner = shapely.get_parts(shapes, return_index=True)
    rings, part = shapely.get_rings(parts, return_index=True)
    return rings, owner[part]


class Piece(NamedTuple):
    """What of a line lies in one tile; `flat`: x, y from the tile's corner, then differences."""

    x: int
    y: int
    flat: list[int]


def cut(lines: NDArray[np.object_], extent: int, tiles: int) -> Iterator[Piece]:
    """Cut lines (in steps of the grid) where tiles of `extent` steps meet; `tiles` of them go around the world.

    Every piece is in one tile. One that runs along an edge is in the tile to its east or south, at the world's own
    edge in the last one.
    """
    points, line_of = shapely.get_coordinates(lines, return_index=True)
    grid = np.rint(points).astype(np.int64)
    for axis in (0, 1):
        grid, line_of = _with_crossings(grid, line_of, extent, axis)
    if len(grid) < 2:
        return
    drawn = (line_of[1:] == line_of[:-1]) & (grid[1:] != grid[:-1]).any(axis=1)
    start, stop, line = grid[:-1][drawn], grid[1:][drawn], line_of[:-1][drawn]
    tile = np.minimum((start + stop) // (2 * extent), tiles - 1)
    linked = (line[1:] == line[:-1]) & (tile[1:] == tile[:-1]).all(axis=1) & (start[1:] == stop[:-1]).all(axis=1)
    begins = np.flatnonzero(np.concatenate(([True], ~linked))[: len(start)])
    ends = np.concatenate((begins[1:], [len(start)]))
    corners = (start[begins] - tile[begins] * extent).tolist()
    steps = (stop - start).ravel().tolist()
    for (x, y), corner, begin, end in zip(tile[begins].tolist(), corners, begins.tolist(), ends.tolist(), strict=False):
        yield Piece(x, y, corner + steps[2 * begin : 2 * end])


def _with_crossings(grid: Grid, line_of: NDArray[np.intp], extent: int, axis: int) -> tuple[Grid, NDArray[np.intp]]:
    """Points added where lines cross multiples of `extent` along one axis."""
    a, b = grid[:-1], grid[1:]
    low, high = np.minimum(a[:, axis], b[:, axis]), np.maximum(a[:, axis], b[:, axis])
    first = low // extent + 1  # the first edge strictly beyond
    count = np.where(line_of[1:] == line_of[:-1], np.maximum(-(-high // extent) - first, 0), 0)
    if not count.any():
        return grid, line_of
    at = np.repeat(np.arange(len(count)), count)
    nth = np.arange(len(at)) - np.repeat(np.cumsum(count) - count, count)
    forward = b[at, axis] > a[at, axis]
    edge = np.where(forward, first[at] + nth, first[at] + count[at] - 1 - nth) * extent
    share = (edge - a[at, axis]) / (b[at, axis] - a[at, axis])
    added = np.empty((len(at), 2), dtype=np.int64)
    added[:, axis] = edge
    other = 1 - axis
    added[:, other] = np.rint(a[at, other] + share * (b[at, other] - a[at, other])).astype(np.int64)
    return np.insert(grid, at + 1, added, axis=0), np.insert(line_of, at + 1, line_of[at])
