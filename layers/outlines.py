"""Perimeters on their way to the page: outlines, names and seats of CROSS, antennas and the territory looked at."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

import shapely

OutlineKind = Literal["cross", "antenna", "jurisdiction", "selected", "alert"]
"""`antenna` is shown when asked for, `jurisdiction` with its name from afar, where jurisdictions are the subject."""
OutlineStatus = Literal["operating", "undated", "installing"]

TOLERANCE = 0.0008  # degrees, about 80 m: a line of two pixels at zoom 11


@dataclass(frozen=True, slots=True)
class Outline:
    """One perimeter. Drawn solid when operating, dashed while being installed, dotted when its extent is assumed.

    The seat is a full square when operating, an empty one while being installed or where no date says since when.
    """

    kind: OutlineKind
    code: str
    name: str
    perimeter: shapely.Geometry  # degrees, WGS 84
    status: OutlineStatus = "operating"
    assumed: bool = False
    seat: tuple[float, float] | None = None  # lng, lat


def encode_outlines(outlines: Iterable[Outline]) -> bytes:
    """A GeoJSON FeatureCollection, simplified for the screen; what `header["outlines"]` is the address of."""
    collection = {"type": "FeatureCollection", "features": [_feature(outline) for outline in outlines]}
    return json.dumps(collection, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()


@functools.lru_cache(maxsize=512)  # most of them are the same for every view
def _feature(outline: Outline) -> dict[str, Any]:
    line = shapely.set_precision(shapely.simplify(outline.perimeter, TOLERANCE), 1e-5)
    properties = {
        "kind": outline.kind,
        "code": outline.code,
        "name": outline.name,
        "status": outline.status,
        "assumed": outline.assumed,
        "seat": outline.seat,
    }
    return {"type": "Feature", "properties": properties, "geometry": json.loads(shapely.to_geojson(line))}
