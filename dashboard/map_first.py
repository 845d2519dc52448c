"""The map before the rest of the page.

When a control changes what is looked at, the map asks for its tiles while the page's script draws everything else
again: in one process here, and in one thread of the browser there. At once, both take twice as long; so the script
gives way.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

ASKS_S = 0.25  # within which a map has heard of its view from the page's address, and asks for its description
MOST_S = 0.9  # in all: a map in a hidden tab is not painted
LOOKS_S = 0.05  # how often a script that waits looks whether it is still wanted


@dataclass
class _Awaited:
    """What is known of a view that a script waits for."""

    waiting: int = 0  # scripts
    asked: bool = False
    painted: bool = False


class MapFirst:
    """Which views maps have asked for and painted; safe between threads."""

    def __init__(self) -> None:
        self._views: dict[str, _Awaited] = {}
        self._changed = threading.Condition()

    def asked(self, view: str) -> None:
        """A map asks something about a view (`View.tile_address`)."""
        with self._changed:
            if view in self._views:
                self._views[view].asked = True

    def painted(self, view: str) -> None:
        """A map says that a view is on the screen."""
        with self._changed:
            if view in self._views:
                self._views[view].painted = True
                self._changed.notify_all()

    def wait(self, view: str, look: Callable[[], object] = lambda: None) -> bool:
        """Until a map shows this view; not for long, and not where none asks for it. Whether it does.

        `look`: called now and then; raises what shall end the wait.
        """
        began = time.monotonic()
        with self._changed:
            awaited = self._views.setdefault(view, _Awaited())
            awaited.waiting += 1
        try:
            while not awaited.painted:
                left = began + (MOST_S if awaited.asked else ASKS_S) - time.monotonic()
                if left <= 0:
                    return False
                with self._changed:
                    self._changed.wait_for(lambda: awaited.painted, min(left, LOOKS_S))
                look()
            return True
        finally:
            with self._changed:
                awaited.waiting -= 1
                if not awaited.waiting:
                    del self._views[view]
