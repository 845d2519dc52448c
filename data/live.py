"""Write what live feeds bring as it comes: one writer a process, which takes together what arrived meanwhile.

A transaction costs about the same for one fact as for some hundreds. The writer waits a moment after the first
arrival, writes all there is in one transaction, and only then, when it is durable, answers each request.
"""

from __future__ import annotations

import hashlib
import logging
import threading
from collections import deque
from concurrent.futures import Future
from datetime import date

from data.errors import StoreError
from data.live_lines import Producer
from data.store import Arrival, Batch, Outcome, Store
from geo.errors import N_, HexacrossError

log = logging.getLogger("hexacross")

READER = "live"
GATHERING_S = 0.05
GROUP_LINES = 5_000  # written at once at most: what more there is goes into the next transaction
WAITING_LINES = 50_000  # kept in memory at most while the store is busy; more is refused for now
QUIET_S = 2.0  # without any arrival before the store is put in order
Waiting = tuple[Arrival, Future[Outcome]]


class BusyError(StoreError):
    """More waits to be written than may: to be sent again later."""


def feed_batch(producer: Producer, day: date) -> Batch:
    """The batch of a producer's day (UTC): the same for every request of that day, on every server."""
    digest = hashlib.sha256(f"{READER}\n{producer.source}\n{day.isoformat()}".encode()).hexdigest()
    return Batch(
        batch_id=digest[:16],
        name=f"{producer.source} {day.isoformat()}",
        digest=digest,
        reader=READER,
        source=producer.source,
        marking=producer.markings[0],
    )


class LiveWriter:
    """Gathers arrivals and appends them to a store, in a thread of its own."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._waiting: deque[Waiting] = deque()
        self._lines = 0
        self._changed = threading.Condition()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="hexacross-live", daemon=True)
        self._thread.start()

    def submit(self, arrival: Arrival) -> Future[Outcome]:
        """Have an arrival written; the answer comes when it is durable.

        Raises:
            BusyError: Too much waits already.
            StoreError: Closed.
        """
        with self._changed:
            if self._closed:
                raise StoreError(N_("Hexacross s'arrête : renvoyer cette demande dans un instant."))
            if self._lines and self._lines + arrival.chunk.lines > WAITING_LINES:
                raise BusyError(N_("Trop de lignes attendent d'être écrites : renvoyer cette demande dans un instant."))
            future: Future[Outcome] = Future()
            self._waiting.append((arrival, future))
            self._lines += arrival.chunk.lines
            self._changed.notify()
        return future

    def close(self) -> None:
        """Write what waits, then stop."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._thread.join()

    def _run(self) -> None:
        while True:
            group = self._gather()
            if group is None:
                return
            if group:
                self._write(group)
            self._tidy(quiet=not group)

    def _gather(self) -> list[Waiting] | None:
        """What to write next; empty: nothing came for a while; None: closed, and nothing is left."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._waiting or self._closed, timeout=QUIET_S):
                return []
            if not self._waiting:
                return None
            self._changed.wait_for(lambda: self._closed or self._lines >= GROUP_LINES, timeout=GATHERING_S)
            group: list[Waiting] = []
            lines = 0
            while self._waiting and (not lines or lines + self._waiting[0][0].chunk.lines <= GROUP_LINES):
                arrival, future = self._waiting.popleft()
                self._lines -= arrival.chunk.lines
                if future.set_running_or_notify_cancel():  # who asked may have gone away meanwhile
                    group.append((arrival, future))
                    lines += arrival.chunk.lines
        return group

    def _write(self, group: list[Waiting]) -> None:
        try:
            outcomes = self._store.append([arrival for arrival, _ in group])
        except Exception as error:  # told to whoever waits for it; the writer goes on
            if isinstance(error, StoreError) or len(group) == 1:
                for _, future in group:
                    future.set_exception(error)
                return
            log.exception("a group of %d requests could not be written: one by one", len(group))
            for one in group:
                self._write([one])
            return
        for (_, future), outcome in zip(group, outcomes, strict=True):
            future.set_result(outcome)

    def _tidy(self, quiet: bool) -> None:
        try:
            self._store.tidy(quiet)
        except HexacrossError as error:  # the next quiet moment tries again
            log.warning("the store could not be put in order: %s", error)
