"""Indexing, territories and aggregation beside the tools one would otherwise take."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import duckdb
import geopandas as gpd
import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray

from geo.aggregation import EventCounts, coarsen, count_events
from geo.cells import cells_at, parents
from geo.territories import TerritoryIndex
from tests.benchmarks.report import median_time, report

ROOT = Path(__file__).parents[2]
POINTS = 5_000_000
EVENTS = 10_000_000
RESOLUTIONS = (10, 9, 8, 7, 6, 5)
SIDE_DEGREES = 0.01  # about a kilometre

pytestmark = [pytest.mark.bench, pytest.mark.timeout(1200)]


@pytest.fixture(scope="module")
def communes() -> gpd.GeoDataFrame:
    frame = gpd.read_parquet(ROOT / "data" / "reference" / "communes.parquet")
    return frame[frame.geometry.notna()].reset_index(drop=True)


def points_around_towns(communes: gpd.GeoDataFrame, count: int, seed: int) -> tuple[NDArray[np.float64], ...]:
    """Draw points as facts lie: around 300 communes, half of them in twenty hot spots of some 200 m in each."""
    rng = np.random.default_rng(seed)
    towns = communes.geometry.representative_point().sample(300, random_state=seed)
    towns = np.column_stack((towns.x, towns.y))
    spots = towns[:, None, :] + rng.normal(0, 2 * SIDE_DEGREES, (len(towns), 20, 2))
    town = rng.integers(0, len(towns), count)
    around = towns[town] + rng.normal(0, 5 * SIDE_DEGREES, (count, 2))
    within = spots[town, rng.integers(0, 20, count)] + rng.normal(0, 0.2 * SIDE_DEGREES, (count, 2))
    lng, lat = np.where(rng.random((count, 1)) < 0.5, around, within).T
    return np.ascontiguousarray(lng), np.ascontiguousarray(lat)


def test_points_to_cells_and_communes(communes: gpd.GeoDataFrame, tmp_path: Path) -> None:
    polygons = communes.geometry.to_numpy(dtype=object)
    TerritoryIndex.build(polygons).save(tmp_path / "index.npz")
    index = TerritoryIndex.load(tmp_path / "index.npz")
    lng, lat = points_around_towns(communes, POINTS, seed=1)
    shapes = communes[["geometry"]]
    found: dict[str, NDArray[np.int32]] = {}

    def ours() -> None:
        found["ours"] = index.locate(lng, lat, cells_at(lng, lat), threads=2)

    def peer() -> None:
        points = gpd.GeoDataFrame(geometry=gpd.points_from_xy(lng, lat), crs=communes.crs)
        joined = points.sjoin(shapes, how="left", predicate="intersects")
        found["peer"] = joined["index_right"]

    ours_s, peer_s = median_time(ours), median_time(peer, repeats=1)
    theirs = found["peer"].fillna(-1).groupby(level=0).min().to_numpy()
    assert np.array_equal(communes.index.to_numpy()[found["ours"]][found["ours"] >= 0], theirs[found["ours"] >= 0])
    assert (theirs[found["ours"] < 0] == -1).all()
    report("points → cells + communes, 5 million", ours_s, peer_s, "≥ 5× geopandas.sjoin", peer_s >= 5 * ours_s)


@dataclass(frozen=True)
class Facts:
    cells: NDArray[np.int64]
    days: NDArray[np.int32]
    kinds: NDArray[np.int16]


@pytest.fixture(scope="module")
def facts(communes: gpd.GeoDataFrame) -> Facts:
    rng = np.random.default_rng(2)
    cells = cells_at(*points_around_towns(communes, EVENTS, seed=2))
    days = rng.integers(20_000, 20_365, EVENTS).astype(np.int32)
    kinds = np.minimum(rng.geometric(0.25, EVENTS), 15).astype(np.int16)
    return Facts(cells, days, kinds)


def test_aggregation(facts: Facts) -> None:
    connection = duckdb.connect(config={"threads": 2})
    frame = pl.DataFrame(
        {"day": facts.days, "kind": facts.kinds}
        | {f"cell_{resolution}": parents(facts.cells, resolution) for resolution in RESOLUTIONS}
    )
    connection.register("frame", frame.to_arrow())
    connection.execute("CREATE TABLE facts AS FROM frame")
    rows: dict[str, list[int]] = {}

    def ours() -> None:
        counts: list[EventCounts] = [count_events(facts.cells, facts.days, {"kind": facts.kinds})]
        for resolution in RESOLUTIONS[1:]:
            counts.append(coarsen(counts[-1], resolution))
        rows["ours"] = [len(each.cells) for each in counts]
        assert all(each.events.sum() == EVENTS for each in counts)

    def with_duckdb() -> None:
        rows["duckdb"] = [
            connection.sql(f"SELECT cell_{resolution}, day, kind, count(*) AS events FROM facts GROUP BY ALL")
            .to_arrow_table()
            .num_rows
            for resolution in RESOLUTIONS
        ]

    def with_polars() -> None:
        rows["polars"] = [
            frame.group_by(f"cell_{resolution}", "day", "kind").len().height for resolution in RESOLUTIONS
        ]

    ours_s, duckdb_s, polars_s = (median_time(run) for run in (ours, with_duckdb, with_polars))
    assert rows["ours"] == rows["duckdb"] == rows["polars"]
    faster = min(duckdb_s, polars_s)
    name = "DuckDB" if duckdb_s < polars_s else "polars"
    bar = f"≥ 2× {name}'s GROUP BY, the faster (DuckDB {duckdb_s:.2f} s, polars {polars_s:.2f} s)"
    report("aggregation to cell × day × kind, 10 million, res 10–5", ours_s, faster, bar, faster >= 2 * ours_s)
