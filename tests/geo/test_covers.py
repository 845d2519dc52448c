"""Shares of cells sum to the polygon, however small, holed or scattered it is; populations keep their totals."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import numpy as np
import pyproj
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from geo.cells import areas_km2, boundaries, cover, cover_each
from geo.errors import GeometryError
from geo.population import population_by_cell

REFERENCE = Path(__file__).parents[2] / "data" / "reference"
GEOD = pyproj.Geod(ellps="WGS84")
PLACES = st.sampled_from([(2.3, 48.8), (179.3, -17.0), (-52.3, 4.9), (55.5, -21.1), (-61.5, 16.2)])


def area_km2(polygon: shapely.Geometry) -> float:
    return abs(GEOD.geometry_area_perimeter(shapely.segmentize(polygon, 0.01))[0]) / 1e6


@pytest.fixture(scope="module")
def marseille() -> gpd.GeoDataFrame:
    frame = gpd.read_parquet(REFERENCE / "communes.parquet", columns=["code", "departement", "population", "geometry"])
    return frame[frame["departement"] == "13"].reset_index(drop=True)


@pytest.mark.parametrize("resolution", [3, 5, 7, 8, 9])
def test_shares_of_communes_sum_to_their_areas(marseille: gpd.GeoDataFrame, resolution: int) -> None:
    covers = cover_each(marseille.geometry.to_numpy(dtype=object), resolution)
    areas = np.bincount(covers.polygon, covers.shares * areas_km2(covers.cells))
    assert areas == pytest.approx([area_km2(shape) for shape in marseille.geometry], rel=1e-3)


def test_cover_is_the_cells_that_share_area(marseille: gpd.GeoDataFrame) -> None:
    shape = marseille.geometry[marseille["code"] == "13055"].item()
    found = cover(shape, 7)
    assert (np.diff(found.cells) > 0).all()
    assert ((found.shares > 0) & (found.shares <= 1)).all()
    hexagons = boundaries(found.cells)
    planar = shapely.area(shapely.intersection(hexagons, shape)) / shapely.area(hexagons)
    assert found.shares == pytest.approx(planar, abs=2e-3)  # in degrees: parallels converge within a cell
    assert shape.difference(shapely.union_all(hexagons).buffer(1e-9)).is_empty


@given(
    st.lists(st.tuples(st.floats(-0.2, 0.2), st.floats(-0.2, 0.2)), min_size=3, max_size=7),
    st.floats(0.01, 1),
    PLACES,
    st.integers(2, 7),
)
def test_shares_sum_to_any_area(
    corners: list[tuple[float, float]], scale: float, place: tuple[float, float], resolution: int
) -> None:
    hull = shapely.MultiPoint(corners).convex_hull.buffer(0.02)
    ring = hull.difference(shapely.transform(hull, lambda xy: xy * 0.3 + hull.centroid.coords[0] * np.array(0.7)))
    two = shapely.union_all([ring, shapely.transform(ring, lambda xy: xy + np.array([0.9, 0]))])
    shape = shapely.transform(two, lambda xy: xy * scale * 0.4 + place)
    found = cover(shape, resolution)
    # 0.1 % asked; coarse cells have long edges, straight on the map for us and geodesic for H3
    assert (found.shares * areas_km2(found.cells)).sum() == pytest.approx(area_km2(shape), rel=1e-3)


def test_polygons_are_covered_each_by_itself() -> None:
    one, other = shapely.box(5, 43, 5.2, 43.2), shapely.box(5.1, 43.1, 5.3, 43.3)
    both = cover_each([one, other, shapely.Polygon()], 8)
    for position, shape in enumerate((one, other)):
        alone = cover(shape, 8)
        assert both.cells[both.polygon == position].tolist() == alone.cells.tolist()
        assert both.shares[both.polygon == position].tolist() == alone.shares.tolist()
    assert not (both.polygon == 2).any()


def test_wrong_resolution_is_refused() -> None:
    with pytest.raises(GeometryError, match="Résolution 16"):
        cover(shapely.box(5, 43, 5.2, 43.2), 16)


@pytest.mark.parametrize("resolution", [5, 8])
def test_population_of_cells_sums_to_that_of_communes(marseille: gpd.GeoDataFrame, resolution: int) -> None:
    cells, people = population_by_cell(
        marseille.geometry.to_numpy(dtype=object), marseille["population"].to_numpy(), resolution
    )
    assert (np.diff(cells) > 0).all()
    assert people.sum() == pytest.approx(marseille["population"].sum(), rel=1e-12)
    assert (people >= 0).all()


def test_population_is_shared_by_area_and_none_is_lost() -> None:
    west, east = shapely.box(5, 43, 5.1, 43.1), shapely.box(5.1, 43, 5.2, 43.1)
    hamlet = shapely.box(5.30001, 43.00001, 5.30002, 43.00002)  # of a metre
    cells, people = population_by_cell([west, east, hamlet], [1000, 3000, 7], 7)
    assert people.sum() == pytest.approx(4007)
    whole = cover(west, 7)
    inside = whole.cells[whole.shares == 1]
    density = 1000 / area_km2(west)
    assert people[np.isin(cells, inside)] == pytest.approx(density * areas_km2(inside), rel=1e-3)
    assert people[np.isin(cells, cover(hamlet, 7).cells)].sum() >= 7


@pytest.mark.parametrize("populations", [[1.0], [1.0, np.nan], [1.0, -1.0]])
def test_unknown_populations_are_refused(populations: list[float]) -> None:
    with pytest.raises(GeometryError, match="population"):
        population_by_cell([shapely.box(5, 43, 5.1, 43.1), shapely.box(6, 43, 6.1, 43.1)], populations, 7)


def test_people_need_a_surface() -> None:
    shapes = [shapely.box(5, 43, 5.1, 43.1), shapely.Polygon()]
    with pytest.raises(GeometryError, match="n° 1"):
        population_by_cell(shapes, [1, 5], 7)
    assert population_by_cell(shapes, [1, 0], 7)[1].sum() == pytest.approx(1)
