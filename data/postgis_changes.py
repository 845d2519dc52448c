"""The server store's wake-ups: NOTIFY in the transaction that changes it, LISTEN on a connection of one's own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import psycopg

from data.changes import Run, note_change
from data.conditions import Values
from data.postgis_connection import Connection, bound, conninfo, explained

CHANNEL = "hexacross_changes"


def statements(connection: Connection) -> Run:
    """What runs a statement on this connection and returns its rows."""

    def run(text: str, values: Values) -> list[tuple[Any, ...]]:
        cursor = connection.execute(bound(text), values)
        return cursor.fetchall() if cursor.description else []

    return run


def note_and_notify(connection: Connection, batch: int | None, facts: str | None, given: Values | None = None) -> None:
    """`note_change`, of which everyone who listens is told at the commit. The message is the version alone: a message
    is limited to 8,000 bytes, and whoever missed it must not miss the change.

    Args:
        given: Parameters that `facts` needs.
    """
    run = statements(connection)
    note_change(lambda text, values: run(text, {**values, **(given or {})}), batch, facts)
    connection.execute("SELECT pg_notify(%s, version::TEXT) FROM meta", (CHANNEL,))


@asynccontextmanager
async def listening(url: str, woken: asyncio.Event) -> AsyncIterator[Callable[[], None]]:
    """Set the event at each notification, and when the connection is lost; then what this yields raises `StoreError`.

    Raises:
        StoreError: Unreachable.
    """
    with explained(url):
        connection = await psycopg.AsyncConnection.connect(conninfo(url, read_timeout_s=0), autocommit=True)
    pump = None
    try:
        with explained(url):
            await connection.execute(f"LISTEN {CHANNEL}")
        pump = asyncio.create_task(_pump(connection, woken), name="notifications")

        def check() -> None:
            if pump is not None and pump.done():
                with explained(url):
                    pump.result()

        yield check
    finally:
        if pump is not None:
            pump.cancel()
            with suppress(asyncio.CancelledError, psycopg.Error):
                await pump
        await connection.close()


async def _pump(connection: psycopg.AsyncConnection[tuple[object, ...]], woken: asyncio.Event) -> None:
    try:
        async for _ in connection.notifies():
            woken.set()
    finally:
        woken.set()
