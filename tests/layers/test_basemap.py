"""The basemap's files: a small country whose borders are known by hand, and the real one's size and fit."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pytest
import shapely
from shapely import box

from layers.basemap import SCALE, Segments, france, write_basemap
from layers.errors import LayerError

REFERENCE = Path(__file__).parents[2] / "data" / "reference"


def frame(shapes: list[shapely.Geometry], **columns: list[Any]) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(columns, geometry=shapes, crs="EPSG:4326")


@pytest.fixture
def frames() -> dict[str, gpd.GeoDataFrame]:
    """Two régions, three départements side by side, two communes each; a neighbour to the east, sea elsewhere."""
    departements = [box(0, 0, 1, 1), box(1, 0, 2, 1), box(2, 0, 3, 1)]
    halves = [half for x in range(3) for half in (box(x, 0, x + 1, 0.5), box(x, 0.5, x + 1, 1))]
    return {
        "communes": frame(
            halves,
            code=[f"0{d}00{i}" for d in (1, 2, 3) for i in (1, 2)],
            name=["Anse", "Bourg", "Cap", "Digne", "Évry", "</script>"],
            departement=["01", "01", "02", "02", "03", "03"],
            population=[5000, 10, 90_000, 20, 3000, 30],
            lng=[0.5, 0.5, 1.5, 1.5, 2.5, 2.5],
            lat=[0.25, 0.75] * 3,
        ),
        "departements": frame(
            departements, code=["01", "02", "03"], region=["A", "A", "B"], prefecture=["01001", "02001", "03001"]
        ),
        "regions": frame([box(0, 0, 2, 1), box(2, 0, 3, 1)], name=["Alpha", "Bêta"], population=[95_030, 3030]),
        "countries": frame(
            [box(0, 0, 3, 1), shapely.Polygon([(3, 0), (3, 1), (3, 2), (6, 2), (6, 0)])],
            iso_a2=["FR", "XX"],
            part_of=[None, None],
            name_fr=["France", "Voisinie"],
            name_en=["France", "Neighbourland"],
            lng=[1.5, 4.5],
            lat=[0.5, 1.0],
        ),
    }


def read(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content


def lengths(file: dict[str, Any]) -> dict[str, float]:
    """Length of each rank of line, in degrees."""
    return {
        rank: sum(float(np.hypot(*np.array(flat[2:]).reshape(-1, 2).T).sum()) for flat in lines) / file["scale"]
        for rank, lines in file["lines"].items()
    }


def test_each_border_is_written_once_under_its_rank(frames: dict[str, gpd.GeoDataFrame], tmp_path: Path) -> None:
    write_basemap(tmp_path / "basemap", **frames)
    assert lengths(read(tmp_path / "basemap" / "france-2.json")) == {
        "departement": 1.0,
        "region": 1.0,
        "country": 1.0,
        "coast": 7.0,
    }
    assert lengths(read(tmp_path / "basemap" / "communes" / "02.json")) == {"commune": 1.0}


def test_names_come_most_important_first(frames: dict[str, gpd.GeoDataFrame], tmp_path: Path) -> None:
    write_basemap(tmp_path / "basemap", **frames)
    names = read(tmp_path / "basemap" / "names.json")
    assert [(name, seat) for name, _, _, _, seat in names["towns"]] == [("Cap", 1), ("Anse", 1), ("Évry", 1)]
    assert [row[0] for row in names["countries"]] == ["Voisinie"]
    assert names["countries"][0][4] == "Neighbourland"
    village = read(tmp_path / "basemap" / "communes" / "03.json")["names"]
    assert [row[0] for row in village] == ["Évry", "</script>"]


def test_france_is_not_drawn_twice(frames: dict[str, gpd.GeoDataFrame], tmp_path: Path) -> None:
    write_basemap(tmp_path / "basemap", **frames)
    world = read(tmp_path / "basemap" / "world.json")
    assert [shape["code"] for shape in world["shapes"]] == ["XX"]
    assert lengths(world) == {"country": 0.0, "coast": pytest.approx(9.0)}  # the side shared with France left out


def test_a_strip_the_coarse_world_gives_france_goes_to_the_neighbour(
    frames: dict[str, gpd.GeoDataFrame], tmp_path: Path
) -> None:
    frames["countries"].geometry = [box(0, 0, 3.05, 1), box(3.05, 0, 6, 2)]
    write_basemap(tmp_path / "basemap", **frames)
    shapes = read(tmp_path / "basemap" / "world.json")["shapes"]
    (strip,) = [shape["rings"][0] for shape in shapes if not shape["code"]]
    points = np.cumsum(np.array(strip).reshape(-1, 2), axis=0) / 1000
    np.testing.assert_allclose([points.min(axis=0), points.max(axis=0)], [[3, 0], [3.05, 1]], atol=1e-3)


def test_progress_reaches_its_total(frames: dict[str, gpd.GeoDataFrame], tmp_path: Path) -> None:
    seen: list[tuple[int, int | None]] = []
    write_basemap(tmp_path / "basemap", **frames, progress=lambda done, total: seen.append((done, total)))
    assert seen[-1][0] == seen[-1][1]
    assert [done for done, _ in seen] == list(range(1, len(seen) + 1))


def test_old_files_stay_until_all_new_ones_are_written(frames: dict[str, gpd.GeoDataFrame], tmp_path: Path) -> None:
    folder = tmp_path / "basemap"
    write_basemap(folder, **frames)
    before = sorted(path.name for path in folder.rglob("*"))

    def stop(done: int, total: int | None) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_basemap(folder, **frames, progress=stop)
    assert sorted(path.name for path in folder.rglob("*")) == before
    write_basemap(folder, **frames)
    assert sorted(path.name for path in folder.rglob("*")) == before


def test_another_reference_system_is_refused(frames: dict[str, gpd.GeoDataFrame], tmp_path: Path) -> None:
    frames["communes"] = frames["communes"].to_crs("EPSG:2154")
    with pytest.raises(LayerError, match="communes"):
        write_basemap(tmp_path / "basemap", **frames)


def test_segments_of_a_square_split_in_two() -> None:
    segments = Segments.of(np.array([box(0, 0, 1, 1), box(1, 0, 2, 1)]), SCALE)
    assert len(segments.first) == 7
    inner = segments.second >= 0
    assert inner.sum() == 1
    assert {int(segments.first[inner][0]), int(segments.second[inner][0])} == {0, 1}


@pytest.fixture(scope="module")
def real_departements() -> gpd.GeoDataFrame:
    return gpd.read_parquet(REFERENCE / "departements.parquet")


def test_levels_get_lighter_and_stay_on_the_coast(real_departements: gpd.GeoDataFrame) -> None:
    abroad = shapely.box(7.6, 48.0, 12, 50)  # stands for Germany
    sizes = []
    for tolerance in (0.012, 0.0):
        file = france(real_departements, abroad, tolerance)
        assert len(file["shapes"]) == 101
        assert all(shape["rings"] for shape in file["shapes"])
        sizes.append(len(json.dumps(file)))
        assert 50 < lengths(file)["coast"] < 200  # degrees: some 5,000 to 20,000 km of generalised coast
    assert sizes[0] < sizes[1] / 3
