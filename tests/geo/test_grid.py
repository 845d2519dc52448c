"""Points to cells and cells to shapes, against H3 and against measures made otherwise."""

from __future__ import annotations

import h3.api.basic_int as h3
import numpy as np
import pyproj
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from geo.cells import areas_km2, boundaries, cells_at, centres, dissolve
from geo.errors import GeometryError
from geo.grid import CHUNK, equal_area_km

EARTH_KM2 = 510_065_622  # of the WGS 84 ellipsoid
GEOD = pyproj.Geod(ellps="WGS84")


@given(st.lists(st.tuples(st.floats(-180, 180), st.floats(-90, 90)), max_size=20), st.integers(0, 15))
def test_cells_are_those_of_h3(places: list[tuple[float, float]], resolution: int) -> None:
    lng, lat = np.array(places).reshape(-1, 2).T
    expected = [h3.latlng_to_cell(y, x, resolution) for x, y in places]
    assert cells_at(lng, lat, resolution).tolist() == expected


def test_long_arrays_are_indexed_in_order() -> None:
    rng = np.random.default_rng(3)
    lng, lat = rng.uniform(-5, 9, 3 * CHUNK + 7), rng.uniform(42, 51, 3 * CHUNK + 7)
    cells = cells_at(lng, lat)
    assert cells.dtype == np.int64
    for place in (0, CHUNK - 1, CHUNK, 2 * CHUNK + 5, len(lng) - 1):
        assert cells[place] == h3.latlng_to_cell(lat[place], lng[place], 10)


def test_unknown_places_have_no_cell() -> None:
    cells = cells_at([2.35, np.nan, 2.35, np.nan], [48.85, 48.85, np.nan, np.nan])
    assert cells.tolist() == [h3.latlng_to_cell(48.85, 2.35, 10), 0, 0, 0]
    assert cells_at([], []).tolist() == []


def test_metres_are_refused_with_their_number_and_an_example() -> None:
    with pytest.raises(GeometryError, match=r"^2 positions.* 652000\.5.* 6862000\.0"):
        cells_at([2.35, 652_000.5, np.nan, np.inf], [48.85, 6_862_000.0, 48.85, 1.0])


def test_columns_of_two_lengths_are_refused() -> None:
    with pytest.raises(GeometryError, match=r"\(2,\) et \(1,\)"):
        cells_at([1.0, 2.0], [48.0])


@pytest.mark.parametrize("resolution", range(3))
def test_areas_sum_to_the_earth(resolution: int) -> None:
    cells = [child for cell in h3.get_res0_cells() for child in h3.cell_to_children(cell, resolution)]
    assert areas_km2(cells).sum() == pytest.approx(EARTH_KM2, rel=1e-6)


@pytest.mark.parametrize("resolution", [5, 8, 10])
@pytest.mark.parametrize("place", [(43.3, 5.37), (50.63, 3.06), (16.2, -61.5), (-17.5, -149.5), (4.9, -52.3)])
def test_areas_are_those_of_the_ellipsoid(place: tuple[float, float], resolution: int) -> None:
    cell = h3.latlng_to_cell(*place, resolution)
    metres, _ = GEOD.geometry_area_perimeter(boundaries([cell])[0])
    assert areas_km2([cell])[0] == pytest.approx(abs(metres) / 1e6, rel=1e-4)
    assert areas_km2([cell])[0] == pytest.approx(h3.cell_area(cell), rel=0.007)  # H3's own: of a sphere


def test_areas_of_france_vary() -> None:
    lille, ajaccio = h3.latlng_to_cell(50.63, 3.06, 8), h3.latlng_to_cell(41.92, 8.74, 8)
    # The published sizes (km² on H3's sphere) of field measurements: 0.638 and 0.765
    assert areas_km2([lille, ajaccio]) == pytest.approx([0.638, 0.765], rel=0.005)


def test_equal_area_projection_agrees_with_proj() -> None:
    reunion = shapely.box(55.2, -21.4, 55.9, -20.8)
    to_plane = pyproj.Transformer.from_crs("EPSG:4326", "EPSG:6933", always_xy=True)
    expected = shapely.transform(reunion, to_plane.transform, interleaved=False).area / 1e6
    assert shapely.area(equal_area_km(np.array([reunion])))[0] == pytest.approx(expected, rel=1e-9)


def test_centres_are_those_of_h3() -> None:
    cells = [h3.latlng_to_cell(48.85, 2.35, resolution) for resolution in range(16)]
    lng, lat = centres(cells)
    assert np.column_stack((lat, lng)) == pytest.approx(np.array([h3.cell_to_latlng(cell) for cell in cells]), abs=1e-9)
    assert np.isnan(centres([0])).all()
    assert np.isnan(areas_km2([0])).all()
    assert boundaries([0]).tolist() == [None]


def test_boundaries_are_those_of_h3() -> None:
    cell = h3.latlng_to_cell(48.85, 2.35, 8)
    corners = shapely.get_coordinates(boundaries([cell])[0])[:-1]
    assert corners[:, ::-1] == pytest.approx(np.array(h3.cell_to_boundary(cell)), abs=1e-9)


def test_numbers_that_are_no_cells_are_refused() -> None:
    for function in (areas_km2, centres, boundaries, dissolve):
        with pytest.raises(GeometryError, match="cellules H3"):
            function([123456789])


@pytest.mark.parametrize("resolution", range(5))
def test_all_boundaries_together_cover_the_world_once(resolution: int) -> None:
    cells = [child for cell in h3.get_res0_cells() for child in h3.cell_to_children(cell, resolution)]
    shapes = boundaries(cells)
    assert shapely.is_valid(shapes).all()
    west, south, east, north = shapely.total_bounds(shapes)
    assert (west, south, east, north) == pytest.approx((-180, -90, 180, 90))
    assert shapely.area(shapes).sum() == pytest.approx(360 * 180, rel=1e-9)


@pytest.mark.parametrize("place", [(10.0, 179.99), (-17.0, -179.999), (89.99, 0.0), (-89.99, 50.0), (43.3, 5.4)])
def test_outlines_are_right_at_the_antimeridian_and_the_poles(place: tuple[float, float]) -> None:
    cells = h3.grid_disk(h3.latlng_to_cell(*place, 5), 3)
    outline = dissolve([*cells, cells[0], 0])
    assert outline.is_valid
    assert outline.area == pytest.approx(shapely.area(boundaries(cells)).sum(), rel=1e-9)
    lng, lat = centres(cells)
    assert shapely.intersects_xy(outline, lng, lat).all()
    lng, lat = centres(h3.grid_ring(h3.latlng_to_cell(*place, 5), 4))
    assert not shapely.intersects_xy(outline, lng, lat).any()


def test_outline_keeps_holes_and_islands() -> None:
    centre = h3.latlng_to_cell(48.85, 2.35, 8)
    ring, island = h3.grid_ring(centre, 1), h3.latlng_to_cell(43.3, 5.4, 8)
    outline = dissolve([*ring, island])
    assert len(outline.geoms) == 2
    assert sorted(len(part.interiors) for part in outline.geoms) == [0, 1]
    assert dissolve([]).is_empty


def test_outline_of_two_resolutions_is_refused() -> None:
    with pytest.raises(GeometryError, match="résolutions différentes"):
        dissolve([h3.latlng_to_cell(48.85, 2.35, 8), h3.latlng_to_cell(43.3, 5.4, 9)])
