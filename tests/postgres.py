"""The PostgreSQL of the tests: one private cluster for the session, an empty store for each test that asks."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from itertools import count
from pathlib import Path

import pytest

from data.postgis_store import PostgisStore
from data.private_cluster import PrivateCluster, find_binaries

_numbers = count(1)


@cache
def cluster() -> PrivateCluster:
    """The session's cluster, started when first asked for; skips the test where PostgreSQL is not installed."""
    made = _new_cluster()
    made.start(durable=False)
    atexit.register(_remove, made)
    return made


@contextmanager
def own_cluster() -> Iterator[PrivateCluster]:
    """A cluster for tests that change roles, settings or files; started, and removed at the end."""
    made = _new_cluster()
    made.start(durable=False)
    try:
        yield made
    finally:
        _remove(made)


def _new_cluster() -> PrivateCluster:
    if find_binaries() is None:
        pytest.skip("PostgreSQL is not installed")
    folder = Path(tempfile.mkdtemp(prefix="hexacross-pg-"))
    folder.chmod(0o755)
    return PrivateCluster(folder)


def _remove(made: PrivateCluster) -> None:
    if made.is_running():
        made.stop("immediate")
    shutil.rmtree(made.folder)


def new_store_url() -> str:
    """The address of an empty store that nobody else has."""
    return cluster().create_store(f"test_{next(_numbers)}")


def open_new_store() -> PostgisStore:
    """An empty store that nobody else has."""
    return PostgisStore.open(new_store_url())
