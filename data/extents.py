"""Where the zones have facts, coarsely: which of them a rectangle of the map can leave out."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from data.changes import Run
from data.conditions import Scope
from data.store import CHANGE_RESOLUTION
from geo.cells import parents, resolutions

EXTENT_RESOLUTION = CHANGE_RESOLUTION  # a few hexagons for each zone; what changes is told by the same


@dataclass(frozen=True, slots=True)
class Extents:
    """The coarse hexagons in which each zone has facts: pairs, arrays of equal length."""

    version: int  # of the store
    zones: NDArray[np.int64]
    cells: NDArray[np.int64]  # of EXTENT_RESOLUTION

    def narrow(self, scope: Scope, near: NDArray[np.int64]) -> Scope:
        """The zones of the scope with facts in one of these hexagons, all of one resolution, or close by."""
        reached = self._zones_in(near)
        return replace(scope, zones=tuple(sorted(reached if scope.zones is None else reached & set(scope.zones))))

    def _zones_in(self, near: NDArray[np.int64]) -> set[int]:
        if not near.size:
            return set()
        resolution = min(EXTENT_RESOLUTION, int(resolutions(near[:1])[0]))
        reached = np.isin(parents(self.cells, resolution), parents(near, resolution))
        return set(self.zones[reached].tolist())

    def grown(self, run: Run, version: int) -> Extents | None:
        """These and what changed since, at a later version; None: that is not known, or is everything."""
        if self.version > version:
            return None
        since = {"since": self.version}
        if run("SELECT count(*), bool_or(everything) FROM changes WHERE version > $since", since) != [
            (version - self.version, False)
        ]:
            return None
        text = """SELECT DISTINCT zone, cell FROM changed_places JOIN places USING (place)
            WHERE version > $since AND cell IS NOT NULL"""
        changed = np.array(run(text, since), dtype=np.int64).reshape(-1, 2)
        zones, cells = np.unique(np.vstack([np.column_stack([self.zones, self.cells]), changed]), axis=0).T
        return Extents(version, zones, cells)
