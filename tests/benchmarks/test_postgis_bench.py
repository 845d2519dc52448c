"""The server store: loading ten million facts, and drawing one urban area's month out of ten and fifty million.

PostgreSQL runs as docs/serveur.md says: every commit waits for the disk, and the journal is what archiving needs.
Beside it, in the same run, the embedded store and plain SQL over raw points with GiST. The stores are kept (35 GB), as
making them takes longer than measuring; sizes as in test_store_bench.py.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from data.cache import cache_folder
from data.demo import FORMAT, load_demo
from data.geography import geography
from data.opening import open_store
from data.postgis_copy import SIGNATURE, TRAILER, copy_rows
from data.postgis_migrate import known_migrations
from data.private_cluster import ADMINISTRATOR, PrivateCluster
from data.query import Query, Territory, Viewer
from data.store import Store
from tests.benchmarks.report import report
from tests.benchmarks.test_store_bench import (
    LARGE,
    LOAD,
    MILLION,
    ROOT,
    SMALL,
    UNTIL,
    VIEWS,
    canonical_file,
    filled_store,
    hexagons,
    p95_in_turns,
)
from tests.documents import code_blocks

pytestmark = [pytest.mark.bench, pytest.mark.timeout(7200)]

FACTS_PER_S, MEMORY_GB = 100_000, 4.0
VIEW_BAR_S, GROWTH_BAR = 0.040, 2.0
RAW_VIEWS = 8  # of the peer, each of which takes seconds, or a minute from a cold disk
NATIONAL = Viewer("national")
RAW_COLUMNS = ("day", "family", "longitude", "latitude", "source_event_id")


@pytest.fixture(scope="module")
def cluster() -> Iterator[PrivateCluster]:
    # PostgreSQL does not run as root, and no other account reads root's own folders.
    kept = Path("/var/tmp/hexacross-bench") if os.geteuid() == 0 else cache_folder() / "bench"  # noqa: S108 -- to be kept
    made = PrivateCluster(kept / f"postgresql-{known_migrations()[-1].number}-{FORMAT}")
    made.folder.mkdir(parents=True, exist_ok=True)
    (documented,) = code_blocks("serveur.md", "Mémoire et journaux")
    made.start(settings=dict(re.findall(r"^(\w+) = '(.+)'$", documented, re.M)))
    yield made
    made.stop()


def administrator(cluster: PrivateCluster, database: str) -> psycopg.Connection[Any]:
    return psycopg.connect(
        cluster.url(database, ADMINISTRATOR), autocommit=True, options="-c search_path=hexacross,public"
    )


def load_in_a_process(path: Path, url: str) -> tuple[float, float]:
    """Seconds and gigabytes of a load of the canonical file, beside nothing else in its process."""
    command = [sys.executable, "-c", textwrap.dedent(LOAD), str(path), url, str(SMALL)]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    seconds, memory_gb = done.stdout.split()
    return float(seconds), float(memory_gb)


def test_load_a_canonical_file(cluster: PrivateCluster, tmp_path: Path) -> None:
    path = canonical_file()
    if cluster.has_database("loading"):
        cluster.drop_store("loading")
    with new_database(cluster, "loading"):
        seconds, memory_gb = load_in_a_process(path, cluster.url("loading"))
    with new_database(cluster, "loading_raw"):
        plain_s = plain_copy(cluster, "loading_raw", path)
    embedded_s, _ = load_in_a_process(path, str(tmp_path / "store.duckdb"))
    met = SMALL / seconds >= FACTS_PER_S and memory_gb < MEMORY_GB
    reached = f"≥ {FACTS_PER_S:,} facts/s: {SMALL / seconds:,.0f}; < {MEMORY_GB:.0f} GB: {memory_gb:.1f}"
    for peer, peer_s in (("the embedded store", embedded_s), ("plain COPY, then GiST", plain_s)):
        report(
            f"load into PostgreSQL, {SMALL // MILLION} million facts", seconds, peer_s, f"{reached}; peer: {peer}", met
        )


@contextmanager
def new_database(cluster: PrivateCluster, database: str) -> Iterator[None]:
    cluster.create_store(database)
    try:
        yield
    finally:
        cluster.drop_store(database)


def plain_copy(cluster: PrivateCluster, database: str, path: Path) -> float:
    """Seconds of what anyone would do: the points into one table, and an index. Nothing is checked or counted."""
    with administrator(cluster, database) as connection:
        connection.execute(
            """CREATE TABLE raw (day TIMESTAMP, family TEXT, longitude FLOAT8, latitude FLOAT8, source_event_id TEXT,
            position geometry(Point, 4326)
                GENERATED ALWAYS AS (ST_SetSRID(ST_MakePoint(longitude, latitude), 4326)) STORED)"""
        )
        start = time.perf_counter()
        names = ", ".join(RAW_COLUMNS)
        with connection.cursor().copy(f"COPY raw ({names}) FROM STDIN (FORMAT BINARY)") as copy:
            copy.write(SIGNATURE)
            for part in pq.ParquetFile(path).iter_batches(250_000):
                rows = pa.Table.from_batches([part]).rename_columns(
                    ["day" if name == "occurred_at" else name for name in part.schema.names]
                )
                at = rows.schema.get_field_index("day")
                rows = rows.set_column(at, "day", rows.column("day").cast(pa.timestamp("us")))
                copy.write(copy_rows(rows.select(list(RAW_COLUMNS))))
            copy.write(TRAILER)
        connection.execute("CREATE INDEX ON raw USING gist (position)")
        return time.perf_counter() - start


def filled_server(cluster: PrivateCluster, events: int) -> Store:
    """A store of the demonstration's facts, and the same facts as raw points in the table `raw`."""
    database = f"demo_{events}"
    if not cluster.has_database(database):
        if cluster.has_database(f"filling_{events}"):  # a run was cut
            cluster.drop_store(f"filling_{events}")
        store = open_store(cluster.create_store(f"filling_{events}"))
        load_demo(store, events, seed=1, until=UNTIL)
        store.close()
        with administrator(cluster, f"filling_{events}") as connection:
            connection.execute(
                """CREATE TABLE raw AS SELECT day, family, cell, position FROM events JOIN classes USING (class)
                WHERE position IS NOT NULL"""
            )
            connection.execute("CREATE INDEX ON raw USING gist (position)")
            connection.execute("CREATE INDEX ON raw (day)")
            connection.execute("VACUUM ANALYZE")  # as autovacuum does in its time
        with administrator(cluster, "postgres") as connection:
            connection.execute(f"ALTER DATABASE filling_{events} RENAME TO {database}")
    return open_store(cluster.url(database))


def chief_hexagons(store: Store, query: Query) -> object:
    """As the chief of that very CROSS asks: row-level security leaves out everything else."""
    assert query.territory is not None
    chief = Viewer("chief", "cross", frozenset({query.territory}))
    return store.counts_by_cell(query, chief)


RAW = """
    SELECT ((cell & ~(15::BIGINT << 52)) | (9::BIGINT << 52)) | ((1::BIGINT << 18) - 1) AS hexagon,
        count(*) FILTER (WHERE family = 'incident') AS incidents, count(*) FILTER (WHERE family = 'control') AS controls
    FROM raw, (SELECT ST_GeomFromWKB(%(area)s, 4326) AS outline) AS area
    WHERE day >= %(start)s AND day < %(stop)s AND position && outline AND ST_Intersects(outline, position)
    GROUP BY hexagon ORDER BY hexagon"""


def raw_hexagons(connection: psycopg.Connection[Any], outlines: dict[Territory, bytes], query: Query) -> Any:
    assert query.territory is not None
    values = {"start": query.start, "stop": query.stop, "area": outlines[query.territory]}
    return connection.execute(RAW, values, binary=True).fetchall()


def outlines_of(codes: list[str]) -> dict[Territory, bytes]:
    areas = [Territory("cross", code) for code in codes]
    return {area: geography().perimeter(area).wkb for area in areas}


def test_hexagons_of_an_urban_area(cluster: PrivateCluster) -> None:
    codes = geography().territories("cross")["code"].to_list()
    outlines = outlines_of(codes)
    servers = {events: filled_server(cluster, events) for events in (SMALL, LARGE)}
    raws = {events: administrator(cluster, f"demo_{events}") for events in (SMALL, LARGE)}
    embedded = {events: filled_store(events) for events in (SMALL, LARGE)}

    def measured(
        answer: Callable[..., object], stores: dict[int, Any], views: int = VIEWS, turns: int = 3
    ) -> dict[int, float]:
        return p95_in_turns({events: partial(answer, stores[events]) for events in stores}, codes, views, turns)

    chiefs, nationals = measured(chief_hexagons, servers), measured(hexagons, servers)
    beside = measured(hexagons, embedded)
    raw = measured(lambda connection, query: raw_hexagons(connection, outlines, query), raws, RAW_VIEWS, turns=1)
    assert all(same_everywhere(servers[events], embedded[events], codes) for events in servers)
    for store in (*servers.values(), *embedded.values(), *raws.values()):
        store.close()
    for viewer, times in (("a CROSS", chiefs), ("all France", nationals)):
        growth = times[LARGE] / times[SMALL]
        for events, ours_s in times.items():
            grown = f" and ≤ {GROWTH_BAR}× that of {SMALL // MILLION} million: {growth:.2f}×" if events == LARGE else ""
            met = ours_s <= VIEW_BAR_S and (events == SMALL or growth <= GROWTH_BAR)
            for peer, peer_s in (("the embedded store", beside[events]), ("SQL on raw points with GiST", raw[events])):
                report(
                    f"hexagons of an area, res 9, for {viewer}, in {events // MILLION} million (p95)",
                    ours_s,
                    peer_s,
                    f"p95 ≤ {1000 * VIEW_BAR_S:.0f} ms{grown}; peer: {peer}",
                    met,
                )


def same_everywhere(server: Store, embedded: Store, codes: list[str]) -> bool:
    """The two stores draw the same hexagons, for each of some areas."""
    for code in codes[:5]:
        query = Query(UNTIL.replace(month=4), UNTIL, territory=Territory("cross", code), resolution=9)
        ours, theirs = hexagons(server, query), hexagons(embedded, query)
        if not len(ours.cells) or not all(
            np.array_equal(getattr(ours, name), getattr(theirs, name), equal_nan=name not in ("cells", "protected"))
            for name in ("cells", "incidents", "controls", "checked", "positive", "kg", "eur")
        ):
            return False
    return True
