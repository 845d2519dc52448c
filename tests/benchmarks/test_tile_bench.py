"""Tiles of hexagons as the map asks for them, out of ten and fifty million facts, from both stores.

Each view is first described and its classes drawn up, as a page does; then its tiles are asked for, once while nothing
of them is kept and once more. The peer reads the same tile as QGIS would have it made: ST_AsMVT over the raw points.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import numpy as np
import psycopg
import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from dashboard.cache import ByteCache
from dashboard.context import Context
from dashboard.hex_tiles import HexTiles
from dashboard.settings import Settings
from data.geography import geography
from data.private_cluster import PrivateCluster
from data.store import Store
from geo.tiles import Tile, tiles_at
from tests.benchmarks.report import report
from tests.benchmarks.test_postgis_bench import administrator, cluster, filled_server
from tests.benchmarks.test_store_bench import LARGE, MILLION, SMALL, UNTIL, filled_store

pytestmark = [pytest.mark.bench, pytest.mark.timeout(7200)]

__all__ = ["cluster"]  # a fixture

VIEWS, TILES_A_VIEW, RAW_TILES = 40, 6, 12
COLD_BAR_S, CACHED_BAR_S = 0.040, 0.010
MEASURES = ("incidents", "taux", "controles", "rendement")
ZOOMS = range(5, 15)  # of the map

RAW = """
    SELECT ST_AsMVT(made, 'points') FROM (
        SELECT day, family, ST_AsMVTGeom(ST_Transform(position, 3857), ST_TileEnvelope(%(z)s, %(x)s, %(y)s)) AS shape
        FROM raw WHERE day >= %(start)s AND day < %(stop)s
            AND position && ST_Transform(ST_TileEnvelope(%(z)s, %(x)s, %(y)s), 4326)
    ) AS made"""


def questions(seed: int = 1) -> Iterator[tuple[str, int, list[Tile]]]:
    """Views, the zoom of the map, and tiles in sight there."""
    generator = random.Random(seed)
    areas = geography().territories("cross")
    for number in range(VIEWS):
        area = areas.iloc[generator.randrange(len(areas))]
        zoom = ZOOMS[number % len(ZOOMS)]
        last = UNTIL - timedelta(days=generator.randrange(300))
        first = last - timedelta(days=generator.choice((6, 29, 89)))
        territory = "" if zoom < 9 or number % 3 == 0 else f"territoire=cross:{area['code']}&"
        query = f"{territory}du={first}&au={last}&mesure={generator.choice(MEASURES)}"
        (x,), (y,) = tiles_at([area["seat_lng"]], [area["seat_lat"]], zoom - 1)
        around = [(east, south) for east in (-1, 0, 1) for south in (-1, 0, 1)]
        yield query, zoom, [Tile(zoom - 1, int(x) + e, int(y) + s) for e, s in generator.sample(around, TILES_A_VIEW)]


def times_of(store: Store) -> tuple[list[float], list[float]]:
    """Seconds of each tile, while nothing of it is kept, and once it is."""
    context = Context(Settings(), store, geography(), ByteCache(2**28))
    client = TestClient(Starlette(routes=HexTiles(context).routes()))
    cold: list[float] = []
    kept: list[float] = []
    for query, zoom, tiles in questions():
        described = client.get(f"/hex?{query}").json()
        key = {"vue": described["key"]}
        resolution = described["resolutions"][zoom - 3]
        assert client.get("/hex/classes", params=key | {"resolution": resolution}).status_code == 200
        for times in (cold, kept):
            for tile in tiles:
                start = time.perf_counter()
                answer = client.get(f"/hex/hexagones/{tile.z}/{tile.x}/{tile.y}", params=key)
                times.append(time.perf_counter() - start)
                assert answer.status_code == 200
    return cold, kept


def raw_times(connection: psycopg.Connection[Any]) -> list[float]:
    times = []
    for number, (query, _zoom, tiles) in enumerate(questions()):
        if number >= RAW_TILES:
            break
        dates = dict(part.split("=") for part in query.split("&"))
        stop = np.datetime64(dates["au"]) + 1
        place = dict(zip("zxy", tiles[0], strict=True))
        start = time.perf_counter()
        connection.execute(RAW, place | {"start": dates["du"], "stop": str(stop)}).fetchall()
        times.append(time.perf_counter() - start)
    return times


@pytest.mark.parametrize("events", [SMALL, LARGE])
def test_tiles(cluster: PrivateCluster, events: int) -> None:
    stores: dict[str, Callable[[], Store]] = {
        "embedded": lambda: filled_store(events),
        "server": lambda: filled_server(cluster, events),
    }
    with administrator(cluster, f"demo_{events}") as connection:
        peer = float(np.quantile(raw_times(connection), 0.95))
    measured: dict[str, tuple[list[float], list[float]]] = {}
    for name, opened in stores.items():
        store = opened()
        measured[name] = times_of(store)
        store.close()
    for name, (cold, kept) in measured.items():
        for what, times, bar in (("cold", cold, COLD_BAR_S), ("cached", kept, CACHED_BAR_S)):
            p50, p95 = (float(np.quantile(times, share)) for share in (0.5, 0.95))
            report(
                f"a tile, {what}, {name} store, {events // MILLION} million facts (p95)",
                p95,
                peer,
                f"p95 ≤ {1000 * bar:.0f} ms; median {1000 * p50:.0f} ms; peer: ST_AsMVT of the raw points",
                p95 <= bar,
            )
