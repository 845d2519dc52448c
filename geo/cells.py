"""H3 cells in arrays: signed 64-bit integers, where 0 is "no cell".

Their bits are in `ids`, their place on the earth in `grid`, what they share with polygons in `covers`.
"""

from geo.covers import CellCover, CellCovers, cover, cover_each
from geo.grid import areas_km2, boundaries, cells_at, centres, dissolve
from geo.ids import FINEST_RESOLUTION, descendant_range, parents, resolutions

__all__ = [
    "FINEST_RESOLUTION",
    "CellCover",
    "CellCovers",
    "areas_km2",
    "boundaries",
    "cells_at",
    "centres",
    "cover",
    "cover_each",
    "descendant_range",
    "dissolve",
    "parents",
    "resolutions",
]
