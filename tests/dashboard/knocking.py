"""A door on a store of its own, and someone who knocks."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import httpx2
from starlette.applications import Starlette
from starlette.testclient import TestClient

from dashboard.cache import ByteCache
from dashboard.context import Context
from dashboard.door import Door
from dashboard.door_tokens import create_token
from dashboard.settings import Settings
from data.errors import StoreError
from data.geography import geography
from data.opening import open_store
from data.query import Viewer
from data.store import Arrival, Outcome

NATIONAL = Viewer("national")
NDJSON = "application/x-ndjson"


def line(identifier: str | int | None, **given: Any) -> dict[str, Any]:
    made = {
        "family": "incident",
        "kind": "seizure",
        "occurred_at": "2026-03-01T10:00",
        "longitude": 5.37,
        "latitude": 43.3,
    }
    return {**made, **({} if identifier is None else {"source_event_id": identifier}), **given}


class Knocker:
    """A door on a store of its own, and someone who knocks with the token of `essai`."""

    def __init__(self, folder: Path) -> None:
        tokens = folder / "tokens.ndjson"
        self.context = Context(
            Settings(tokens=str(tokens), body_mb=1), open_store(str(folder / "porte.duckdb")), geography(), ByteCache(1)
        )
        self.tokens = tokens
        self.token = create_token(tokens, "essai", ("internal", "public"))
        self.door = Door(self.context)
        self.app = Starlette(routes=[self.door.route()])
        self.client = TestClient(self.app)

    def post(self, body: Any, content_type: str = NDJSON, token: str | None = None, **headers: str) -> httpx2.Response:
        if not isinstance(body, bytes):
            lines = body if isinstance(body, list) else [body]
            body = "\n".join(json.dumps(one) for one in lines).encode()
        given = {"Authorization": f"Bearer {token or self.token}", "Content-Type": content_type, **headers}
        return self.client.post("/api/events", content=body, headers=given)

    def ledgers(self) -> list[tuple[str, int, int, int, int]]:
        return [
            (ledger.source, ledger.lines, ledger.accepted, ledger.repeated, ledger.refused)
            for ledger in self.context.store.batches(NATIONAL)
        ]


class SlowStore:
    """A store whose appends wait for `released`, and fail while `broken`."""

    def __init__(self, store: Any) -> None:
        self._store = store
        self.entered, self.released = threading.Event(), threading.Event()
        self.broken = False
        self.groups: list[int] = []

    def append(self, arrivals: list[Arrival]) -> list[Outcome]:
        self.entered.set()
        self.released.wait(60)
        if self.broken:
            raise StoreError("Base injoignable.")
        self.groups.append(len(arrivals))
        return list(self._store.append(arrivals))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)
