"""The process's listener and its streams: each browser hears each change once, wherever it comes back from."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Coroutine, Iterator
from contextlib import aclosing
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from dashboard import live as dashboard_live
from dashboard.live import Live, change_message, listening
from data.duckdb_store import DuckDBStore
from data.errors import StoreError
from data.query import Territory, Viewer
from data.store import Change
from tests.data.contract import batch, chunk, event, memberships

NATIONAL = Viewer("national")
PATIENCE_S = 20


@pytest.fixture
def store(tmp_path: Path) -> Iterator[DuckDBStore]:
    opened = DuckDBStore.open(str(tmp_path / "live.duckdb"))
    opened.set_memberships(memberships())
    yield opened
    opened.close()


def run(made: Coroutine[Any, Any, Any]) -> Any:
    return asyncio.run(asyncio.wait_for(made, PATIENCE_S))


def parsed(text: bytes) -> tuple[str, str, dict[str, Any]]:
    """Kind, identifier and content of an event as it travels."""
    lines = dict(line.split(": ", 1) for line in text.decode().strip().split("\n"))
    return lines["event"], lines.get("id", ""), json.loads(lines["data"])


async def heard(stream: AsyncGenerator[bytes, None], kind: str) -> dict[str, Any]:
    """The next event of a kind."""
    async for text in stream:
        if text.startswith(b"event"):
            found, _, content = parsed(text)
            if found == kind:
                return content
    raise AssertionError(kind)


async def load(store: DuckDBStore, name: str) -> None:
    await asyncio.to_thread(store.load, batch(name), [chunk([event(name)])])


def test_a_change_as_the_page_reads_it() -> None:
    day = date(2026, 3, 1)
    told = Change(7, (0x85396073FFFFFFF,), (Territory("cross", "marseille"),), day, day)
    assert parsed(change_message(told)) == (
        "change",
        "7",
        {
            "version": 7, "everything": False, "figures": False, "cells": ["85396073fffffff"],
            "territories": ["cross:marseille"], "first_day": "2026-03-01", "last_day": "2026-03-01",
        },
    )  # fmt: skip
    many = Change(8, tuple(range(2000)), (), day, day)
    assert parsed(change_message(many))[2] == {
        "version": 8, "everything": True, "figures": False, "cells": [], "territories": [],
        "first_day": None, "last_day": None,
    }  # fmt: skip


def test_every_stream_hears_every_change(store: DuckDBStore) -> None:
    async def follow() -> list[list[int]]:
        live = Live()
        listener = asyncio.create_task(listening(live, store, NATIONAL))
        while not live.version:
            await asyncio.sleep(0.01)
        streams = [live.events(since) for since in (None, 1, 99)]
        first = [await heard(stream, "state") for stream in streams]
        assert [state["version"] for state in first] == [1, 1, 1]
        for name in ("un", "deux"):
            await load(store, name)
        versions = [[(await heard(stream, "change"))["version"] for _ in range(2)] for stream in streams]
        # Who comes back: with what it missed, and nothing else.
        for since, missed in ((1, [2, 3]), (2, [3]), (3, [])):
            back = live.events(since)
            told = [text async for text in until_state(back)]
            assert [parsed(text)[2]["version"] for text in told if text.startswith(b"event: change")] == missed
            await back.aclose()
        assert live.open_streams == 3
        for stream in streams:
            await stream.aclose()
        assert live.open_streams == 0
        listener.cancel()
        return versions

    assert run(follow()) == [[2, 3], [2, 3], [2, 3]]


async def until_state(stream: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
    async for text in stream:
        yield text
        if text.startswith(b"event: state"):
            return


def test_who_was_away_for_too_long_is_told_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dashboard_live, "REMEMBERED", 2)
    live = Live(version=5, _heard_since=5)
    for version in (6, 7, 8):
        live.hear(Change(version))
    assert live.missed(8) == []
    assert [change.version for change in live.missed(6)] == [7, 8]
    assert live.missed(5) == [Change(8, everything=True)]
    assert live.missed(99) == [Change(8, everything=True)], "a store put back to an earlier state"


def test_a_slow_browser_is_told_everything_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dashboard_live, "QUEUE_LENGTH", 4)

    async def follow() -> list[tuple[str, str]]:
        live = Live(version=1)
        async with aclosing(live.events(1)) as stream:
            await heard(stream, "state")
            for version in range(2, 8):
                live.hear(Change(version))
            return [parsed(await anext(stream))[:2] for _ in range(3)]

    assert run(follow()) == [("change", "6"), ("state", "6"), ("change", "7")]


def test_a_stream_ends_when_the_server_stops_and_beats_until_then(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dashboard_live, "BEAT_S", 0.02)

    async def follow() -> int:
        live = Live(version=1)
        asyncio.get_running_loop().call_later(0.2, live.stop)
        return len([text async for text in live.events(None) if text.startswith(b"event: state")])

    assert run(follow()) > 2


def test_the_absence_of_the_store_is_told_with_its_time(store: DuckDBStore, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(_: object) -> int:
        raise StoreError("partie")

    async def follow() -> None:
        live = Live()
        with monkeypatch.context() as broken:
            broken.setattr(DuckDBStore, "version", away)
            listener = asyncio.create_task(listening(live, store, NATIONAL))
            while live.away_since is None:
                await asyncio.sleep(0.01)
            since = live.away_since
            async with aclosing(live.events(None)) as stream:
                assert (await heard(stream, "state"))["away"] == since.isoformat(timespec="seconds")
                broken.undo()
                state = await heard(stream, "state")
                while state["away"]:
                    state = await heard(stream, "state")
                assert state["version"] == store.version()
        listener.cancel()

    run(follow())


def test_a_fault_of_ours_does_not_end_the_listening(store: DuckDBStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dashboard_live, "DELAY_S", 0.01)
    faults = []

    def faulty(change: Change) -> bytes:
        if not faults:
            faults.append(change)
            raise RuntimeError
        return change_message(change)

    monkeypatch.setattr(dashboard_live, "change_message", faulty)

    async def follow() -> list[int]:
        live = Live()
        listener = asyncio.create_task(listening(live, store, NATIONAL))
        while not live.version:
            await asyncio.sleep(0.01)
        async with aclosing(live.events(None)) as stream:
            await heard(stream, "state")
            for name in ("un", "deux"):
                await load(store, name)
            versions = [(await heard(stream, "change"))["version"]]
        listener.cancel()
        return versions

    assert run(follow()) == [3]
    assert len(faults) == 1
