"""The same facts in a DuckDB file and in a PostgreSQL database, each served by a process of its own."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import date
from pathlib import Path
from typing import NamedTuple, TypeVar

from data.demo import load_demo
from data.opening import open_store
from data.store import Store
from tests.postgres import new_store_url
from tests.serving import ServerProcess

T = TypeVar("T")


class Held(NamedTuple):
    """One store: served, and open here, to be asked what is right."""

    server: ServerProcess
    store: Store
    alerts: Path  # file of the served one

    @property
    def url(self) -> str:
        return self.server.url


@contextmanager
def both_held(folder: Path, events: int, until: date) -> Iterator[list[Held]]:
    """Load the same demonstration twice, serve both; scripts of walls are read from `folder`."""
    with ExitStack() as stack:
        held = []
        for name, address in (("duckdb", str(folder / "held.duckdb")), ("postgis", new_store_url())):
            store = open_store(address)
            load_demo(store, events, seed=1, until=until)
            served = address
            if name == "duckdb":  # a file is open in one process: the server has a copy
                store.close()
                served = shutil.copy(address, folder / "served.duckdb")
                store = open_store(address)
            stack.callback(store.close)
            files = {key: folder / f"{name}-{key.lower()}.json" for key in ("ALERTS", "VIEWS")}
            settings = {f"HEXACROSS_{key}": str(path) for key, path in (files | {"WALLS": folder}).items()}
            server = ServerProcess(served, folder / "tokens", folder / f"{name}.log", **settings)
            stack.callback(server.end)
            server.start()
            held.append(Held(server, store, files["ALERTS"]))
        for each in held:
            each.server.wait()
        yield held


def alike(found: list[T]) -> T:
    """What both stores gave: the same."""
    first, *others = found
    for other in others:
        assert other == first
    return first
