"""Follow what is committed: changes are read from the store's own table; a wake-up only says that it is time to.

So nothing depends on a message that could be lost: whoever was away, or slow, reads on from the last version seen.
"""

from __future__ import annotations

import asyncio
import threading
from collections import defaultdict
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager, suppress
from typing import Any, NamedTuple

from data.conditions import Scope, Values, parent_sql, place_condition
from data.errors import StoreError
from data.layout import read_sql
from data.query import Territory, Viewer
from data.store import CHANGE_RESOLUTION, Change, Reachability

KEPT_VERSIONS = 1000  # at least; the older ones are removed
REMOVED_EVERY = 50  # versions
MOST_PLACES = 5000  # places × ancestors that a change names; beyond, it is told as "everything"
HEARTBEAT_S = 15  # a wake-up may be lost with a link that died in silence
FIRST_DELAY_S, LAST_DELAY_S = 0.25, 5.0  # between two attempts to reach a store that is away

Run = Callable[[str, Values], list[tuple[Any, ...]]]  # a statement of ours, and its rows, if it has any


class Found(NamedTuple):
    """The changes up to a version of the store; those that do not concern the viewer are left out."""

    version: int
    changes: list[Change]


def note_change(run: Run, batch: int | None, facts: str | None) -> None:
    """Count the store's version up and enter what this transaction changed.

    Args:
        batch: Number of the load; None: the territories changed.
        facts: What to read `place`, `cell` and `day` of its facts FROM; None: it brought none.
    """
    ((version,),) = run("UPDATE meta SET version = version + 1 RETURNING version", {})
    if facts is not None:
        touched = read_sql("changed_places").format(facts=facts, cell=parent_sql("cell", CHANGE_RESOLUTION))
        run(touched, {"most": MOST_PLACES})
    run(read_sql("changes"), {"batch": batch, "facts": facts is not None})
    if version % REMOVED_EVERY == 0:
        for table in ("changes", "changed_places"):
            run(f"DELETE FROM {table} WHERE version <= $last", {"last": version - KEPT_VERSIONS})


def read_changes(run: Run, scope: Scope, viewer: Viewer, since: int | None) -> Found:
    """What changed after version `since`, from one state of the store; `scope` is that of the viewer's territories."""
    ((current,),) = run("SELECT version FROM meta", {})
    if since is None or since == current:
        return Found(current, [])
    rows = run(
        "SELECT version, everything, figures FROM changes WHERE version > $since ORDER BY version", {"since": since}
    )
    if len(rows) != current - since:  # some are no longer kept, or the store is an earlier one
        return Found(current, [Change(current, everything=True)])
    where, values = place_condition(scope)
    seen: dict[int, list[tuple[Any, ...]]] = defaultdict(list)
    for version, *row in run(read_sql("changes_seen").format(where=where), {**values, "since": since}):
        seen[version].append(tuple(row))
    concerned = [
        _change(version, seen[version], viewer, everything=everything, figures=figures)
        for version, everything, figures in rows
        if viewer.territories is None or everything or figures or seen[version]
    ]
    return Found(current, concerned)


def _change(version: int, rows: list[tuple[Any, ...]], viewer: Viewer, *, everything: bool, figures: bool) -> Change:
    """From rows of cell, kind and code of a territory, first and last day.

    Whoever sees small counts protected is not told where the one fact of a load lies.
    """
    if everything or viewer.threshold:
        return Change(version, figures=figures, everything=True)
    firsts = [first for _, _, _, first, _ in rows if first is not None]
    lasts = [last for _, _, _, _, last in rows if last is not None]
    return Change(
        version,
        cells=tuple(sorted(cell for cell, *_ in rows if cell is not None)),
        territories=tuple(sorted(Territory(kind, code) for _, kind, code, _, _ in rows if kind is not None)),
        first_day=min(firsts, default=None),
        last_day=max(lasts, default=None),
        figures=figures,
    )


class Wakeups:
    """Tells listeners, each in its own event loop, that something was committed; safe between threads."""

    def __init__(self) -> None:
        self._closed = False
        self._lock = threading.Lock()
        self._listeners: set[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = set()

    def tell(self) -> None:
        """Wake every listener up."""
        with self._lock:
            listeners = list(self._listeners)
        for loop, woken in listeners:
            with suppress(RuntimeError):  # its loop has ended
                loop.call_soon_threadsafe(woken.set)

    def closed(self) -> bool:
        """Whether listeners are to end."""
        return self._closed

    def close(self) -> None:
        """Let every listener end."""
        self._closed = True
        self.tell()

    @contextmanager
    def listening(self) -> Iterator[asyncio.Event]:
        """An event that is set at each `tell`."""
        listener = (asyncio.get_running_loop(), asyncio.Event())
        with self._lock:
            self._listeners.add(listener)
        try:
            yield listener[1]
        finally:
            with self._lock:
                self._listeners.discard(listener)


Link = Callable[[asyncio.Event], AbstractAsyncContextManager[Callable[[], None]]]


async def follow(
    read: Callable[[int | None], Found],
    link: Link,
    wakeups: Wakeups,
    since: int | None,
    report: Reachability | None,
) -> AsyncGenerator[Change, None]:
    """Changes after version `since`, as `data.store.Store.changes` promises them.

    Args:
        read: What changed after a version; called in a thread.
        link: While it is open, the database's own wake-ups set the event; what it yields raises once it is broken.
    """
    tell = _Reporter(report)
    delay = FIRST_DELAY_S
    with wakeups.listening() as woken:
        while not wakeups.closed():
            try:
                async with link(woken) as check:
                    while not wakeups.closed():
                        woken.clear()
                        version, changes = await asyncio.to_thread(read, since)
                        tell(None)
                        delay = FIRST_DELAY_S
                        for change in changes:
                            since = change.version
                            yield change
                        since = version
                        await _wait(woken, HEARTBEAT_S)
                        check()
            except StoreError as error:
                if wakeups.closed():
                    return
                tell(error)
                woken.clear()
                await _wait(woken, delay)
                delay = min(2 * delay, LAST_DELAY_S)


async def _wait(woken: asyncio.Event, seconds: float) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await woken.wait()


class _Reporter:
    """Passes on only what is new."""

    def __init__(self, report: Reachability | None) -> None:
        self._report = report
        self._answers: bool | None = None  # not told yet

    def __call__(self, error: StoreError | None) -> None:
        if self._report is not None and (error is None) != self._answers:
            self._report(error)
        self._answers = error is None
