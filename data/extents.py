"""Where the zones have facts, coarsely: which of them a rectangle of the map can leave out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from data.store import CHANGE_RESOLUTION
from geo.cells import parents, resolutions

EXTENT_RESOLUTION = CHANGE_RESOLUTION  # a few hexagons for each zone; what changes is told by the same


@dataclass(frozen=True, slots=True)
class Extents:
    """The coarse hexagons in which each zone has facts: pairs, arrays of equal length."""

    version: int  # of the store
    zones: NDArray[np.int64]
    cells: NDArray[np.int64]  # of EXTENT_RESOLUTION

    def zones_in(self, near: NDArray[np.int64]) -> list[int]:
        """Zones with facts in one of these hexagons, all of one resolution, or close by."""
        resolution = min(EXTENT_RESOLUTION, int(resolutions(near[:1])[0]))
        reached = np.isin(parents(self.cells, resolution), parents(near, resolution))
        return [int(zone) for zone in np.unique(self.zones[reached])]
