"""What the map of a view shows, asked for as the page does: description, classes, and all tiles put together."""

from __future__ import annotations

import itertools
import json
import urllib.request
from collections.abc import Callable
from typing import Any, NamedTuple
from urllib.parse import quote

import numpy as np
from numpy.typing import NDArray

from geo.tiles import tiles_at
from layers.hexagons import ZOOMS, Description, Level, decode

Read = Callable[[str], bytes]  # the body of the answer to an address without its host
Columns = dict[str, NDArray[Any]]
MOST_TILES = 24  # of a screen


class Shown(NamedTuple):
    """Hexagons sorted by cell."""

    described: Description
    level: Level
    columns: Columns


def shown(read: Read, query: str, resolution: int | None = None, zoom: int | None = None) -> Shown:
    """All of a view: at this zoom, at the furthest that has this resolution, or at the nearest that is one screen."""
    described: Description = json.loads(read(f"/hex?{query}"))
    zooms = dict(zip(range(ZOOMS[0], ZOOMS[1] + 1), described["resolutions"], strict=True))
    if zoom is None and resolution is None:
        zoom = max(zoom for zoom in zooms if len(tiles_of(described, zoom)) <= MOST_TILES)
    if zoom is None:
        zoom = min(zoom for zoom, has in zooms.items() if has == resolution)
    key = f"vue={quote(described['key'])}"
    language = f"&langue={described['locale']}"
    level: Level = json.loads(read(f"/hex/classes?{key}&resolution={zooms[zoom]}{language}"))
    parts = [decode(read(f"/hex/hexagones/{tile}?{key}"))[1] for tile in tiles_of(described, zoom)]
    order = np.argsort(np.concatenate([part["cell"] for part in parts]))
    together = {name: np.concatenate([part[name] for part in parts])[order] for name in parts[0]}
    return Shown(described, level, together)


def tiles_of(described: Description, zoom: int) -> list[str]:
    """z/x/y of the tiles of 512 px that hold the territory looked at, and those around it."""
    (south, west), (north, east) = described["view"]["bounds"]
    z = zoom - 1
    xs, ys = tiles_at([west, east], [north, south], z)
    columns, rows = (range(max(0, part[0] - 1), min(1 << z, part[1] + 2)) for part in (xs.tolist(), ys.tolist()))
    return [f"{z}/{x}/{y}" for x, y in itertools.product(columns, rows)]


def reader(address: str) -> Read:
    """Reads the answers of a server that runs elsewhere."""

    def read(path: str) -> bytes:
        with urllib.request.urlopen(f"{address}{path}") as answer:
            content: bytes = answer.read()
        return content

    return read
