"""Remember that the server is away: one question in a while tries it, the others are told so at once.

A page asks a dozen questions; each would otherwise wait for the pool to give up.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from data.errors import UnreachableError

RETRY_S = 1.0  # between two questions that try a server which is away


class Absence:
    """Safe between threads."""

    def __init__(self, try_server: Callable[[], None]) -> None:
        """`try_server` returns when the server answers, and raises `UnreachableError` soon when it does not."""
        self._try_server = try_server
        self._lock = threading.Lock()
        self._error: UnreachableError | None = None
        self._tried_at = 0.0  # on the clock of time.monotonic

    def note(self, error: UnreachableError | None) -> None:
        """The server was found away; None: it answers."""
        with self._lock:
            self._error = error
            self._tried_at = time.monotonic()

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Around a question: refused at once while the server is away, tried again once in `RETRY_S`."""
        self._refuse_or_try()
        try:
            yield
        except UnreachableError:
            self._try()
            raise

    def _refuse_or_try(self) -> None:
        with self._lock:
            if self._error is None:
                return
            if time.monotonic() < self._tried_at + RETRY_S:
                raise UnreachableError(self._error.message.template, **self._error.message.values)  # of this question
            self._tried_at = time.monotonic()  # this question tries; those that come meanwhile do not
        found = self._try()
        if found is not None:
            raise found

    def _try(self) -> UnreachableError | None:
        """Away, or only too busy to have a connection left for a question?"""
        try:
            self._try_server()
        except UnreachableError as error:
            self.note(error)
            return error
        self.note(None)
        return None
