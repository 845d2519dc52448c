"""How long an answer stays right: until a change touches the place and the days that it is about.

A live door writes several times a second; an answer that had to be made again at each of those commits would never be
kept. Every change says which coarse cells, territories and days it touched (`data.store.Change`).
"""

from __future__ import annotations

import functools
import threading
from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple, Self

from dashboard.live import Live
from dashboard.view import ONE_DAY, View
from data.query import Territory
from data.store import CHANGE_RESOLUTION, Change, Store
from geo.cells import parents
from geo.ids import resolutions
from geo.tiles import Bounds, Tile, covering, tile_bounds

REMEMBERED = 20_000  # answers
BEYOND = 0.25  # of a tile's side: as far as its outermost hexagons reach, and more


@dataclass(frozen=True, slots=True)
class Area:
    """What an answer is about. `cells`, of one resolution, hold all of it; None: the territory, or everywhere."""

    territory: Territory | None
    start: date | None  # included
    stop: date | None  # excluded
    cells: frozenset[int] | None = None

    @classmethod
    def of(cls, view: View, tile: Tile | None = None) -> Self:
        """What a dated view shows, in one tile or everywhere."""
        cells = None if tile is None else _cells_around(tile)
        past_midnight = view.hours is not None and view.hours.reach_the_next_day
        stop = view.stop + ONE_DAY if view.stop and past_midnight else view.stop
        return cls(view.territory, view.start, stop, cells)

    def is_touched_by(self, change: Change) -> bool:
        """Whether an answer from before the change may now be wrong."""
        if change.everything:
            return True
        if self.territory is not None and self.territory not in change.territories:
            return False
        if self._is_other_days(change):
            return False
        return self.cells is None or not self.cells.isdisjoint(self._touched_cells(change))

    def _is_other_days(self, change: Change) -> bool:
        if not (change.first_day and change.last_day and self.start and self.stop):
            return False
        return change.last_day < self.start or change.first_day >= self.stop

    def _touched_cells(self, change: Change) -> set[int]:
        if not self.cells or not change.cells:
            return set()
        (resolution,) = resolutions([next(iter(self.cells))])
        return set(parents(list(change.cells), int(resolution)).tolist())


@functools.lru_cache(maxsize=1024)
def _cells_around(tile: Tile) -> frozenset[int]:
    """Found once for a tile: each request for one that is kept asks, and it is a third of what that answer costs."""
    return frozenset(covering(_widened(tile), CHANGE_RESOLUTION).tolist())


def _widened(tile: Tile) -> Bounds:
    west, south, east, north = tile_bounds(tile)
    across, along = BEYOND * (east - west), BEYOND * (north - south)
    return Bounds(max(west - across, -180), max(south - along, -90), min(east + across, 180), min(north + along, 90))


class Made(NamedTuple):
    """With which version an answer was made, and up to which it is known to be right. `made` ≤ `checked`."""

    made: int
    checked: int


class Freshness:
    """For each kept answer, the version of the store with which it was made; safe between threads."""

    def __init__(self) -> None:
        self._answers: OrderedDict[Hashable, Made] = OrderedDict()
        self._lock = threading.Lock()

    def version(self, key: Hashable, area: Area, live: Live, store: Store) -> int:
        """The version under which the answer to `key` is kept if it is still right; else the present one, to make it.

        Raises:
            StoreError: If the store is away and nothing was heard of it yet.
        """
        present = live.version or store.version()
        with self._lock:
            known = self._answers.get(key, Made(present, present))
        is_right = known.checked == present or (live.version and not _touched(live, known.checked, area))
        made = known.made if is_right else present
        with self._lock:
            self._answers[key] = Made(made, present)
            self._answers.move_to_end(key)
            while len(self._answers) > REMEMBERED:
                self._answers.popitem(last=False)
        return made


def _touched(live: Live, since: int, area: Area) -> bool:
    return any(area.is_touched_by(change) for change in live.missed(since))
