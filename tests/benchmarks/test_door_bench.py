"""A minute of live events through the door of a real server, while twenty readers ask it for hexagons; on either store.

Events come evenly, more of them than the bar asks; all runs on the same machine, feeds and readers included. Beside it,
what the database does with one INSERT and one commit a row: no reader, nothing checked, located or counted.
"""

from __future__ import annotations

import json
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import duckdb
import httpx2
import numpy as np
import psycopg
import pytest

from dashboard.door_tokens import create_token
from dashboard.feed import BATCH_LINES, Feeder
from data.cache import cache_folder
from data.demo import FORMAT, as_input, generate, load_demo
from data.duckdb_tables import SCHEMA_VERSION, THREADS
from data.geography import geography
from data.opening import open_store
from data.private_cluster import PrivateCluster
from data.query import Viewer
from tests.benchmarks.report import report
from tests.hexagons import shown
from tests.serving import ServerProcess

pytestmark = [pytest.mark.bench, pytest.mark.timeout(1800)]

STORED = 500_000  # facts that are there already
UNTIL = date(2026, 6, 1)
MINUTE_S = 60.0
FEEDS, OFFERED_PER_S = 4, 1_200  # four producers, whose events come evenly; each sends what came since its last batch
READERS, READ_PAUSE_S = 20, 5.0  # each reader moves the map every five seconds
BAR_EVENTS_PER_S = 1_000
PEER_S = 5.0
NATIONAL = Viewer("national")


@contextmanager
def embedded(folder: Path) -> Iterator[str]:
    kept = cache_folder() / "bench" / f"{SCHEMA_VERSION}-{FORMAT}" / f"demo-{STORED}.duckdb"
    kept.parent.mkdir(parents=True, exist_ok=True)
    fill(str(kept))
    yield str(shutil.copy(kept, folder / "base.duckdb"))


@contextmanager
def server(folder: Path) -> Iterator[str]:
    cluster = PrivateCluster(folder)
    cluster.start()
    try:
        url = cluster.create_store("live")
        fill(url)
        yield url
    finally:
        cluster.stop("immediate")


def fill(url: str) -> None:
    store = open_store(url)
    store.set_memberships(geography().memberships())
    load_demo(store, STORED, seed=1, until=UNTIL)
    store.close()


def lines(count: int) -> list[bytes]:
    """Demonstration facts as a feed would send them."""
    rows = [row for table in generate(count, 7, UNTIL) for row in as_input(table).to_pylist()]
    made = []
    for number, row in enumerate(rows):
        named = {**row, "source": None, "source_event_id": number, "occurred_at": row["occurred_at"].isoformat()}
        made.append(json.dumps({name: value for name, value in named.items() if value is not None}).encode())
    return made


def feed(url: str, token: str, lines: list[bytes], until: float) -> tuple[int, list[float]]:
    """Events acknowledged, and how long after it came each of them was."""
    waited: list[float] = []
    with Feeder(url, token, patience_s=60) as feeder:
        began = time.monotonic()
        while time.monotonic() < until:
            sent = feeder.summary.lines
            due = int((time.monotonic() - began) * OFFERED_PER_S / FEEDS)
            if due == sent:
                time.sleep(0.005)
                continue
            batch = list(enumerate(lines[sent : min(due, sent + BATCH_LINES)]))
            feeder.send(batch)
            now = time.monotonic() - began
            waited += [now - (sent + n) * FEEDS / OFFERED_PER_S for n, _ in batch]
        assert feeder.summary.accepted == feeder.summary.lines
        return feeder.summary.accepted, waited


def read(url: str, number: int, until: float) -> list[float]:
    """Seconds that each map took."""
    random = np.random.default_rng(number)
    codes = geography().territories("cross")["code"].to_list()
    seconds: list[float] = []
    due = time.monotonic() + READ_PAUSE_S * number / READERS  # readers do not all move their maps at once
    with httpx2.Client(timeout=60) as client:
        while due < until:
            time.sleep(max(0.0, due - time.monotonic()))
            start = UNTIL - timedelta(days=int(random.integers(30, 360)))
            asked = {
                "territoire": f"cross:{random.choice(codes)}",
                "du": start.isoformat(),
                "au": (start + timedelta(days=29)).isoformat(),
                "resolution": "9",
            }
            assert len(shown(partial(body, client, url), urlencode(asked)).columns["cell"])
            seconds.append(time.monotonic() - due)
            due += READ_PAUSE_S
    return seconds


def body(client: httpx2.Client, url: str, path: str) -> bytes:
    """The body of an answer of the server."""
    return client.get(f"{url}{path}").raise_for_status().content


def in_threads(runs: Sequence[Callable[[], Any]]) -> list[Any]:
    with ThreadPoolExecutor(len(runs)) as pool:
        return [future.result() for future in [pool.submit(run) for run in runs]]


def row_by_row(execute: Callable[[str], object]) -> float:
    """Seconds for a thousand facts, one INSERT and one commit each."""
    execute("CREATE TABLE plain (event_id VARCHAR, day DATE, cell BIGINT, family VARCHAR, kind VARCHAR, kg FLOAT8)")
    began, rows = time.monotonic(), 0
    while time.monotonic() - began < PEER_S:
        execute(f"INSERT INTO plain VALUES ('direct-{rows}', '2026-06-01', {rows}, 'incident', 'seizure', 1.5)")
        rows += 1
    return 1000 * (time.monotonic() - began) / rows


def plain_embedded(folder: Path) -> float:
    with duckdb.connect(str(folder / "plain.duckdb"), config={"threads": THREADS}) as connection:
        return row_by_row(connection.execute)


def plain_server(folder: Path) -> float:
    cluster = PrivateCluster(folder)
    cluster.start()
    try:
        with psycopg.connect(cluster.url("postgres", "hexacross_admin"), autocommit=True) as connection:
            return row_by_row(connection.execute)
    finally:
        cluster.stop("immediate")


STORES = {"DuckDB": (embedded, plain_embedded), "PostgreSQL": (server, plain_server)}


@pytest.mark.parametrize("name", STORES)
def test_a_minute_of_live_events(name: str) -> None:
    opened, plain = STORES[name]
    with tempfile.TemporaryDirectory(prefix="hexacross-bench-") as made:
        folder = Path(made)
        folder.chmod(0o755)
        with opened(folder) as url:
            token = create_token(folder / "tokens.ndjson", "direct", ("demo",))
            process = ServerProcess(url, folder / "tokens.ndjson", folder / "server.log")
            process.start()
            process.wait()
            try:
                acknowledged, sending_s, reading_s, took_s = a_minute(process.url, token)
            finally:
                process.end()
            assert held(url) == acknowledged
        peer_s = plain(folder)
    rate = acknowledged / took_s
    report(
        f"live door, {name}, {READERS} readers: 1,000 events acknowledged",
        1000 / rate,
        None,
        f"≥ {BAR_EVENTS_PER_S:,} events/s for {took_s:.0f} s: {rate:,.0f} (offered {OFFERED_PER_S:,});"
        f" p95 of acknowledgement {1000 * np.percentile(sending_s, 95):.0f} ms, of {len(reading_s)} maps"
        f" {1000 * np.percentile(reading_s, 95):.0f} ms; alone and unchecked, a commit a row: {1000 / peer_s:,.0f}/s",
        rate >= BAR_EVENTS_PER_S,
    )


def a_minute(url: str, token: str) -> tuple[int, list[float], list[float], float]:
    """Events acknowledged, seconds of each sending and of each reading, and how long it all took."""
    each = int(MINUTE_S * OFFERED_PER_S / FEEDS) + OFFERED_PER_S
    sent = lines(each * FEEDS + 1)
    with Feeder(url, token, patience_s=60) as first:  # it prepares the door
        first.send([(0, sent[-1])])
    began = time.monotonic()
    until = began + MINUTE_S
    feeding = [partial(feed, url, token, sent[n * each : (n + 1) * each], until) for n in range(FEEDS)]
    answers = in_threads([*feeding, *(partial(read, url, n, until) for n in range(READERS))])
    took_s = time.monotonic() - began
    feeds, readers = answers[:FEEDS], answers[FEEDS:]
    return (
        1 + sum(acknowledged for acknowledged, _ in feeds),
        [second for _, seconds in feeds for second in seconds],
        [second for seconds in readers for second in seconds],
        took_s,
    )


def held(url: str) -> int:
    """Live events that the store holds."""
    store = open_store(url)
    try:
        return sum(ledger.accepted for ledger in store.batches(NATIONAL) if ledger.reader == "live")
    finally:
        store.close()
