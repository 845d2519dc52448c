"""What is acknowledged is kept, whatever is killed: a few of the hundred times of `make kill`."""

from __future__ import annotations

from pathlib import Path

import pytest

from data.opening import open_store
from data.private_cluster import find_binaries
from data.store import Arrival
from tests import kill
from tests.data.contract import batch, chunk, event


def test_nothing_acknowledged_is_lost_with_the_application() -> None:
    verdict = kill.embedded(kills=2, seed=1)
    assert verdict.good, str(verdict)


def test_nothing_acknowledged_is_lost_with_postgresql() -> None:
    if find_binaries() is None:
        pytest.skip("PostgreSQL is not installed")
    verdict = kill.server(kills=2, seed=1)
    assert verdict.good, str(verdict)


def test_a_loss_would_be_seen(tmp_path: Path) -> None:
    url = str(tmp_path / "base.duckdb")
    store = open_store(url)
    store.append([Arrival(batch("direct"), chunk([event(n) for n in range(3)]))])
    store.close()
    feed = kill.Feed("essai", "http://127.0.0.1", "hx_", acknowledged={"essai:0", "essai:2", "essai:7"})
    verdict = kill.compare("DuckDB", url, 1, [feed])
    assert (verdict.lost, verdict.doubled, verdict.unsound, verdict.good) == (1, 0, 0, False)
