"""The table of territories answers as the exact test of every polygon does."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from geo.cells import cells_at
from geo.errors import GeometryError
from geo.territories import TerritoryIndex

REFERENCE = Path(__file__).parents[2] / "data" / "reference"
# Coast, islands and islets (13, 2A, 971), enclaves and dense communes (75, 92), a long land border (67)
DEPARTEMENTS = ("13", "2A", "67", "75", "92", "971")


def exact(polygons: np.ndarray, lng: np.ndarray, lat: np.ndarray) -> np.ndarray:
    """The lowest polygon that intersects each point, -1: none; by GEOS, without our table."""
    point, polygon = shapely.STRtree(polygons).query(shapely.points(lng, lat), predicate="intersects")
    found = np.full(len(lng), len(polygons))
    np.minimum.at(found, point, polygon)
    return np.where(found == len(polygons), -1, found)


def located(index: TerritoryIndex, lng: np.ndarray, lat: np.ndarray, threads: int = 1) -> np.ndarray:
    return index.locate(lng, lat, cells_at(lng, lat), threads)


@pytest.fixture(scope="module")
def communes() -> np.ndarray:
    frame = gpd.read_parquet(REFERENCE / "communes.parquet", columns=["departement", "geometry"])
    return frame[frame["departement"].isin(DEPARTEMENTS)].geometry.to_numpy(dtype=object)


@pytest.fixture(scope="module")
def index(communes: np.ndarray) -> TerritoryIndex:
    return TerritoryIndex.build(communes)


def test_a_million_points_are_where_the_exact_test_puts_them(index: TerritoryIndex, communes: np.ndarray) -> None:
    rng = np.random.default_rng(10)
    west, south, east, north = shapely.bounds(communes[rng.integers(0, len(communes), 700_000)]).T
    width, height = east - west, north - south
    lng = rng.uniform(west - 0.1 * width, east + 0.1 * width)
    lat = rng.uniform(south - 0.1 * height, north + 0.1 * height)
    corners = shapely.get_coordinates(communes)
    middles = (corners[1:] + corners[:-1]) / 2
    some = rng.integers(0, len(middles), 150_000)
    beside = corners[some] + rng.normal(0, 1e-9, (len(some), 2))  # a tenth of a millimetre
    points = np.vstack((np.column_stack((lng, lat)), corners[some], middles[some], beside[: 1_000_000 - 700_000]))
    lng, lat = points.T
    assert len(lng) >= 1_000_000
    expected = exact(communes, lng, lat)
    assert (expected == -1).sum() > 50_000
    np.testing.assert_array_equal(located(index, lng, lat), expected)
    np.testing.assert_array_equal(located(index, lng, lat, threads=2), expected)


def test_saved_index_is_read_back_and_always_the_same(
    index: TerritoryIndex, communes: np.ndarray, tmp_path: Path
) -> None:
    index.save(tmp_path / "one.npz")
    TerritoryIndex.build(communes).save(tmp_path / "two.npz")
    assert (tmp_path / "one.npz").read_bytes() == (tmp_path / "two.npz").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one.npz", "two.npz"]
    read = TerritoryIndex.load(tmp_path / "one.npz")
    lng, lat = shapely.get_coordinates(shapely.point_on_surface(communes)).T
    np.testing.assert_array_equal(located(read, lng, lat), np.arange(len(communes)))


def test_damaged_index_is_refused(index: TerritoryIndex, tmp_path: Path) -> None:
    path = tmp_path / "index.npz"
    index.save(path)
    whole = path.read_bytes()
    for damaged in (
        whole[: len(whole) // 2],
        b"",
        b"not an index at all",
        whole[:5000] + b"\0" * 5000 + whole[10_000:],
    ):
        path.write_bytes(damaged)
        with pytest.raises(GeometryError, match="à refaire"):
            TerritoryIndex.load(path)
    with pytest.raises(FileNotFoundError):
        TerritoryIndex.load(tmp_path / "absent.npz")


SQUARE = shapely.box(2, 48, 2.2, 48.2)
HOLE = shapely.box(2.05, 48.05, 2.15, 48.15)
ISLAND = shapely.box(2.08, 48.08, 2.12, 48.12)


@pytest.mark.parametrize("finest", [4, 5, 7, 8, 9, 10])
def test_holes_islands_and_shared_borders(finest: int) -> None:
    around = SQUARE.difference(HOLE)
    far = shapely.MultiPolygon([shapely.box(-61.2, 14.5, -61.1, 14.6), shapely.box(2.2, 48, 2.3, 48.2)])
    index = TerritoryIndex.build(np.array([around, ISLAND, far], dtype=object), finest)
    points = {
        (2.01, 48.01): 0,
        (2.06, 48.10): -1,  # in the hole
        (2.10, 48.10): 1,  # on the island
        (2.05, 48.10): 0,  # on the hole's border
        (2.08, 48.10): 1,  # on the island's
        (2.20, 48.10): 0,  # on a border of two: the first one
        (2.00, 48.00): 0,  # on a corner
        (2.25, 48.10): 2,
        (-61.15, 14.55): 2,
        (-61.15, 14.65): -1,
        (178.0, -17.0): -1,
    }
    lng, lat = np.array(list(points)).T
    assert located(index, lng, lat).tolist() == list(points.values())


def test_of_overlapping_polygons_the_first_one_wins() -> None:
    small, large, middle = shapely.box(2.08, 48.08, 2.12, 48.12), shapely.box(1, 47, 4, 49), shapely.box(2, 48, 3, 48.5)
    for polygons in ([small, large, middle], [large, small, middle], [middle, small, large], [middle, large, large]):
        shapes = np.array(polygons, dtype=object)
        rng = np.random.default_rng(11)
        lng, lat = rng.uniform(0.9, 4.1, 30_000), rng.uniform(46.9, 49.1, 30_000)
        np.testing.assert_array_equal(located(TerritoryIndex.build(shapes, 9), lng, lat), exact(shapes, lng, lat))


@given(
    st.lists(st.tuples(st.floats(-0.3, 0.3), st.floats(-0.3, 0.3)), min_size=3, max_size=8),
    st.sampled_from([(2.3, 48.8), (179.5, -17.0), (-52.3, 4.9), (10.536199, 64.7)]),  # the last: at a pentagon
    st.integers(4, 8),
)
def test_any_polygon_anywhere(corners: list[tuple[float, float]], place: tuple[float, float], finest: int) -> None:
    hull = shapely.MultiPoint(corners).convex_hull
    shape = shapely.transform(hull.buffer(0.01), lambda xy: xy + place)
    shapes = np.array([shape, shapely.transform(shape, lambda xy: xy + np.array([0.05, 0.02]))])
    rng = np.random.default_rng(12)
    lng, lat = place[0] + rng.uniform(-0.45, 0.45, 500), place[1] + rng.uniform(-0.45, 0.45, 500)
    np.testing.assert_array_equal(located(TerritoryIndex.build(shapes, finest), lng, lat), exact(shapes, lng, lat))


def test_countries_of_the_world() -> None:
    countries = gpd.read_parquet(REFERENCE / "countries.parquet").geometry.to_numpy(dtype=object)
    index = TerritoryIndex.build(countries, finest=6)
    rng = np.random.default_rng(13)
    lat = np.concatenate(
        (np.degrees(np.arcsin(rng.uniform(-1, 1, 20_000))), rng.uniform(-90, -80, 1000), [90, -90, 0, 66])
    )
    lng = np.concatenate((rng.uniform(-180, 180, 21_000), [0, 0, 180, -180]))
    expected = exact(countries, lng, lat)
    assert len(np.unique(expected)) > 100
    np.testing.assert_array_equal(located(index, lng, lat), expected)


def test_points_without_a_place_are_nowhere(index: TerritoryIndex) -> None:
    assert index.locate([np.nan, 5.37], [43.3, np.nan], [0, 0]).tolist() == [-1, -1]
    assert index.locate([], [], []).tolist() == []


def test_what_cannot_be_located_is_refused(index: TerritoryIndex) -> None:
    with pytest.raises(GeometryError, match="résolution 10"):
        index.locate([5.37], [43.3], cells_at([5.37], [43.3], 9))
    with pytest.raises(GeometryError, match="autant"):
        index.locate([5.37], [43.3, 43.4], cells_at([5.37], [43.3]))
    with pytest.raises(GeometryError, match="de 4 à 10"):
        TerritoryIndex.build([SQUARE], finest=11)


def test_polygons_may_be_empty_or_absent() -> None:
    index = TerritoryIndex.build(np.array([shapely.Polygon(), SQUARE], dtype=object), 8)
    assert located(index, np.array([2.1, 0.0]), np.array([48.1, 0.0])).tolist() == [1, -1]
    assert located(TerritoryIndex.build([], 8), np.array([2.1]), np.array([48.1])).tolist() == [-1]
