"""What changes, told to every open page: one listener of the store for the process, one stream for each browser."""

from __future__ import annotations

import asyncio
import json
import logging
from collections import deque
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import aclosing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from data.errors import StoreError
from data.query import Viewer
from data.store import Change, Store

log = logging.getLogger("hexacross")

STREAM = "/changes"  # its address
BEAT_S = 15  # a stream that says nothing for longer is broken
RECONNECT_MS = 2000  # a browser's wait before it comes back
QUEUE_LENGTH = 32  # messages that a slow browser may be behind; beyond, it is told that everything changed
REMEMBERED = 1000  # changes, for browsers that come back
MOST_NAMES = 1000  # cells and territories in one message; beyond, everything
DELAY_S = 0.5  # between two attempts


Message = bytes  # one event of a stream, as it travels
END: Message = b""


def change_message(change: Change) -> Message:
    """A change as the page reads it: cells in hexadecimal, territories as kind:code, days as AAAA-MM-JJ."""
    everything = change.everything or len(change.cells) + len(change.territories) > MOST_NAMES
    content = {
        "version": change.version,
        "everything": everything,
        "figures": change.figures,
        "cells": [] if everything else [f"{cell:x}" for cell in change.cells],
        "territories": [] if everything else [f"{kind}:{code}" for kind, code in change.territories],
        "first_day": change.first_day.isoformat() if change.first_day and not everything else None,
        "last_day": change.last_day.isoformat() if change.last_day and not everything else None,
    }
    return _event("change", content, change.version)


def _event(kind: str, content: dict[str, Any], version: int) -> Message:
    number = f"id: {version}\n" if version else ""
    return f"event: {kind}\n{number}data: {json.dumps(content, separators=(',', ':'))}\n\n".encode()


@dataclass(eq=False)
class Live:
    """The process's listener, and the streams that hang on it. All but `away_since` belongs to the server's loop."""

    version: int = 0  # of the store, as last heard; 0: not yet
    away_since: datetime | None = None  # UTC; None: the store answers
    _streams: set[asyncio.Queue[Message]] = field(default_factory=set)
    _heard: deque[Change] = field(default_factory=deque)
    _heard_since: int = 0  # every change after this version that concerns the viewer is in `_heard`
    _stopped: bool = False

    @property
    def open_streams(self) -> int:
        """Browsers that listen."""
        return len(self._streams)

    def stop(self) -> None:
        """End every stream: a server that is told to stop waits for its connections first."""
        self._stopped = True
        self._tell(END)

    async def listen(self, store: Store, viewer: Viewer) -> None:
        """Follow the store until cancelled or until it is closed."""
        while not self.version:
            try:
                self.version = await asyncio.to_thread(store.version)
            except StoreError as error:
                self._report(error)
                await asyncio.sleep(DELAY_S)
            else:
                self._heard_since = self.version
        self._tell(self._state())
        async with aclosing(store.changes(viewer, self.version, self._report)) as followed:
            async for change in followed:
                self.hear(change)

    def hear(self, change: Change) -> None:
        """Remember a change, and tell it to every stream."""
        self.version = change.version
        self._heard.append(change)
        if len(self._heard) > REMEMBERED:
            self._heard_since = self._heard.popleft().version
        self._tell(change_message(change))

    def _report(self, error: StoreError | None) -> None:
        if (error is None) == (self.away_since is None):
            return
        if error is None:
            log.warning("the store answers again")
        else:
            log.warning("the store does not answer: %s", error)
        self.away_since = None if error is None else datetime.now(UTC)
        self._tell(self._state())

    def _state(self) -> Message:
        away = self.away_since.isoformat(timespec="seconds") if self.away_since else None
        return _event("state", {"version": self.version, "away": away}, self.version)

    def _tell(self, message: Message) -> None:
        for queue in self._streams:
            if queue.full():
                while not queue.empty():
                    queue.get_nowait()
                queue.put_nowait(change_message(Change(self.version, everything=True)))
                queue.put_nowait(self._state())
            else:
                queue.put_nowait(message)

    @contextmanager
    def stream(self) -> Iterator[asyncio.Queue[Message]]:
        """A queue of what is told from now on."""
        queue: asyncio.Queue[Message] = asyncio.Queue(QUEUE_LENGTH)
        self._streams.add(queue)
        try:
            yield queue
        finally:
            self._streams.discard(queue)

    def missed(self, since: int) -> list[Change]:
        """What whoever knows version `since` has not heard of; from any thread."""
        if since == self.version or not self.version:
            return []
        if not self._heard_since <= since < self.version:
            return [Change(self.version, everything=True)]
        return [change for change in tuple(self._heard) if change.version > since]

    async def events(self, since: int | None) -> AsyncGenerator[bytes, None]:
        """A browser's stream: what it missed, how things stand, then what comes; at least a beat every `BEAT_S`."""
        with self.stream() as queue:
            missed = [] if since is None else self.missed(since)  # before anything more can be told
            yield f"retry: {RECONNECT_MS}\n\n".encode()
            for change in missed:
                yield change_message(change)
            yield self._state()
            while not self._stopped:
                try:
                    async with asyncio.timeout(BEAT_S):
                        message = await queue.get()
                except TimeoutError:
                    message = self._state()
                yield message


def stream_route(live: Live) -> Callable[[Request], Any]:
    """`GET /changes`: server-sent events. `Last-Event-ID`, or `?since=`, is the version that the browser knows."""

    async def stream(request: Request) -> Response:
        given = request.headers.get("last-event-id") or request.query_params.get("since", "")
        since = int(given[:18]) if given.isascii() and given.isdigit() else None
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        return StreamingResponse(live.events(since), media_type="text/event-stream", headers=headers)

    return stream


async def listening(live: Live, store: Store, viewer: Viewer) -> None:
    """Listen for the whole life of the server; a fault of ours is noted, and listening begins again."""
    while True:
        try:
            return await live.listen(store, viewer)
        except Exception:  # the last resort: without it, every map would silently stand still
            log.exception("listening to the store stopped, and begins again")
            await asyncio.sleep(DELAY_S)
