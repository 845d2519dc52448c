"""Remember which facts the embedded store may hold already: a feed asks often, and the file is long to search."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

MERGED_FROM = 500_000  # recent keys kept in a set, some 60 bytes each, before they join the others at 8 bytes each


class KnownKeys:
    """The 64-bit keys of the facts. It may say yes for a fact that is not there, never no for one that is."""

    def __init__(self, keys: NDArray[np.uint64]) -> None:
        self._sorted = np.sort(keys)
        self._recent: set[int] = set()

    def may_hold(self, keys: NDArray[np.uint64]) -> NDArray[np.bool_]:
        """Shape (keys,)."""
        recent = np.array([key in self._recent for key in keys.tolist()], dtype=np.bool_)
        if not len(self._sorted):
            return recent
        at = np.minimum(np.searchsorted(self._sorted, keys), len(self._sorted) - 1)
        return np.asarray(recent | (self._sorted[at] == keys))

    def add(self, keys: NDArray[np.uint64]) -> None:
        """Remember keys, also those of a transaction that may yet fail."""
        self._recent.update(keys.tolist())
        if len(self._recent) > MERGED_FROM:
            self._sorted = np.sort(np.concatenate([self._sorted, np.array(sorted(self._recent), dtype=np.uint64)]))
            self._recent = set()
