"""The map before the rest of the page.

When a control changes what is looked at, the map asks for its tiles while the page's script draws everything else
again: in one process here, and in one thread of the browser there. At once, both take twice as long; so the script
gives way.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

ASKS_S = 0.25  # within which a map has heard of its view from the page's address, had it described, and asks for tiles
MOST_S = 0.6
LULL_S = 0.12  # without a question: the map has what it needs, and has painted it


@dataclass
class _Served:
    """What a map was answered of a view that a script waits for."""

    waiting: int = 0  # scripts
    asked: int = 0
    open: int = 0


class MapFirst:
    """Which maps are being served what; safe between threads."""

    def __init__(self) -> None:
        self._views: dict[str, _Served] = {}
        self._changed = threading.Condition()

    @contextmanager
    def answering(self, view: str) -> Iterator[None]:
        """While a map is answered about a view (`View.tile_address`)."""
        with self._changed:
            served = self._views.get(view)
            if served is not None:
                served.asked += 1
                served.open += 1
                self._changed.notify_all()
        try:
            yield
        finally:
            if served is not None:
                with self._changed:
                    served.open -= 1
                    self._changed.notify_all()

    def wait(self, view: str) -> bool:
        """Until a map has got what it asks for of this view; not for long. Whether it has."""
        until = time.monotonic() + MOST_S
        with self._changed:
            served = self._views.setdefault(view, _Served())
            served.waiting += 1
            try:
                if not self._changed.wait_for(lambda: served.asked > 0, ASKS_S):
                    return False
                while self._changed.wait_for(lambda: served.open == 0, until - time.monotonic()):
                    if not self._changed.wait_for(lambda: served.open > 0, LULL_S):
                        return True
                return False
            finally:
                served.waiting -= 1
                if not served.waiting:
                    del self._views[view]
