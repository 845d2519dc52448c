"""Polygons with figures as a Mapbox Vector Tile, for QGIS and every other map that reads the standard.

What is unknown has no attribute at all: a vector tile has no null, and a zero would be a lie.

Source: Vector Tile Specification 2.1 (protocol buffers, written here by hand: a tile is five kinds of fields).
"""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping, Sequence

import numpy as np
import shapely
from numpy.typing import NDArray

from geo.tiles import Tile, positions

MEDIA_TYPE = "application/vnd.mapbox-vector-tile"
EXTENT = 4096  # units a side
VERSION = 2
VARINT, LENGTH = 0, 2  # wire types
MOVE_TO, LINE_TO, CLOSE_PATH = 1, 2, 7
POLYGON = 3

Value = str | float | int


def encode_tile(tile: Tile, name: str, polygons: NDArray[np.object_], columns: Mapping[str, Sequence[Value]]) -> bytes:
    """Write one layer.

    Args:
        name: Of the layer.
        polygons: Shape (n,), degrees WGS 84. They are not cut at the tile's edge: a reader draws a hexagon whole.
        columns: Attributes, n values each; NaN and the empty text are left out.
    """
    keys = list(columns)
    values: dict[tuple[type, Value], int] = {}
    features = b""
    if len(polygons):
        outlines = _outlines(tile, polygons)
        features = b"".join(
            _field(2, _feature(outline, _tags(keys, row, values)))
            for outline, *row in zip(outlines, *columns.values(), strict=True)
        )
    layer = _varint_field(15, VERSION) + _field(1, name.encode()) + features
    layer += b"".join(_field(3, key.encode()) for key in keys)
    layer += b"".join(_field(4, _value(value)) for _, value in values)
    return _field(3, layer + _varint_field(5, EXTENT))


def _tags(keys: Sequence[str], row: Sequence[Value], values: dict[tuple[type, Value], int]) -> list[int]:
    """Pairs of a key's and a value's number; values are numbered as they come."""
    tags = []
    for key in range(len(keys)):
        value = row[key]
        if value == "" or (isinstance(value, float) and math.isnan(value)):
            continue
        tags += [key, values.setdefault((type(value), value), len(values))]
    return tags


def _value(value: Value) -> bytes:
    if isinstance(value, str):
        return _field(1, value.encode())
    if isinstance(value, int):
        return _varint_field(6, _zigzag(value))
    return _varint(3 << 3 | 1) + struct.pack("<d", value)


def _feature(outline: list[int], tags: list[int]) -> bytes:
    packed = _field(2, b"".join(map(_varint, tags))) if tags else b""
    return packed + _varint_field(3, POLYGON) + _field(4, b"".join(map(_varint, outline)))


def _outlines(tile: Tile, polygons: NDArray[np.object_]) -> list[list[int]]:
    """The drawing commands of each polygon; each ring begins where the one before it ended."""
    parts, polygon = shapely.get_parts(polygons, return_index=True)
    rings, part = shapely.get_rings(parts, return_index=True)
    points, ring = shapely.get_coordinates(rings, return_index=True)
    x, y = positions(points[:, 0], points[:, 1])
    size = 1 << tile.z
    units = np.column_stack([x * size - tile.x, y * size - tile.y]) * EXTENT
    corners = np.split(np.rint(units).astype(np.int64), np.flatnonzero(np.diff(ring)) + 1)
    exterior = np.concatenate([[True], np.diff(part) != 0])
    outlines: list[list[int]] = [[] for _ in polygons]
    cursors = np.zeros((len(polygons), 2), dtype=np.int64)
    for number, corner in enumerate(corners):
        at = polygon[part[number]]
        outlines[at] += _ring(corner[:-1], cursors[at], clockwise=bool(exterior[number]))
    return outlines


def _ring(corners: NDArray[np.int64], cursor: NDArray[np.int64], *, clockwise: bool) -> list[int]:
    """Commands of one ring, without its closing point; `cursor` is moved to where it ends.

    On the screen, where y grows downwards, exteriors turn clockwise and holes do not.
    """
    x, y = corners.T
    area = int((x * np.roll(y, -1) - np.roll(x, -1) * y).sum())
    if (area > 0) != clockwise:
        corners = corners[::-1]
    steps = np.diff(corners, axis=0, prepend=cursor[None, :])
    cursor[:] = corners[-1]
    moves = [_zigzag(step) for step in steps.ravel().tolist()]
    line_to = LINE_TO | (len(corners) - 1) << 3
    return [MOVE_TO | 1 << 3, *moves[:2], line_to, *moves[2:], CLOSE_PATH | 1 << 3]


def _zigzag(number: int) -> int:
    """Signed to unsigned, small numbers staying small."""
    return number * 2 if number >= 0 else -number * 2 - 1


def _varint(number: int) -> bytes:
    """Seven bits a byte, the lowest first."""
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    out.append(number)
    return bytes(out)


def _varint_field(number: int, value: int) -> bytes:
    return _varint(number << 3 | VARINT) + _varint(value)


def _field(number: int, content: bytes) -> bytes:
    return _varint(number << 3 | LENGTH) + _varint(len(content)) + content
