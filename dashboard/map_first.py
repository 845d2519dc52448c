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

ASKS_S = 0.25  # within which a map has heard of its view from the page's address, and asks for its description
MOST_S = 0.9
LULL_S = 0.3  # without a question, of a map that had all of it already, or is in a hidden tab: it will not say so


@dataclass
class _Served:
    """What a map was answered of a view that a script waits for."""

    waiting: int = 0  # scripts
    asked: int = 0
    open: int = 0
    painted: bool = False


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

    def painted(self, view: str) -> None:
        """A map says that a view is on the screen."""
        with self._changed:
            if view in self._views:
                self._views[view].painted = True
                self._changed.notify_all()

    def wait(self, view: str) -> bool:
        """Until a map shows this view, or has got all that it asks for; not for long. Whether it has."""
        until = time.monotonic() + MOST_S
        with self._changed:
            served = self._views.setdefault(view, _Served())
            served.waiting += 1
            try:
                if not self._changed.wait_for(lambda: served.asked > 0 or served.painted, ASKS_S):
                    return False
                while self._changed.wait_for(lambda: served.open == 0 or served.painted, until - time.monotonic()):
                    if not self._changed.wait_for(lambda: served.open > 0 or served.painted, LULL_S) or served.painted:
                        return True
                return False
            finally:
                served.waiting -= 1
                if not served.waiting:
                    del self._views[view]
