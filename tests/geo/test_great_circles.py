"""Great circles against geodesics, and on a map that ends at 180°."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import Geod

from geo.errors import GeometryError
from geo.great_circles import great_circles

EARTH = Geod(ellps="WGS84")
LNG, LAT = st.floats(-180, 180), st.floats(-85, 85)


def line(start: tuple[float, float], stop: tuple[float, float]) -> shapely.MultiLineString:
    drawn = great_circles([start[0]], [start[1]], [stop[0]], [stop[1]])[0]
    assert isinstance(drawn, shapely.MultiLineString)
    return drawn


@settings(max_examples=60)
@given(LNG, LAT, LNG, LAT)
def test_a_line_is_as_long_as_the_shortest_way(lng: float, lat: float, to_lng: float, to_lat: float) -> None:
    drawn = line((lng, lat), (to_lng, to_lat))
    shortest = EARTH.inv(lng, lat, to_lng, to_lat)[2]
    assert EARTH.geometry_length(drawn) == pytest.approx(shortest, rel=1e-3, abs=1e-3)
    if drawn.is_empty:
        assert shortest == 0
        return
    points = shapely.get_coordinates(drawn)
    assert np.abs(points[:, 0]).max() <= 180
    assert len(drawn.geoms) <= 2
    for point, end in ((points[0], (lng, lat)), (points[-1], (to_lng, to_lat))):
        assert (point - end + 180) % 360 - 180 == pytest.approx([0, 0], abs=1e-9)
    for before, after in pairwise(drawn.geoms):
        assert abs(before.coords[-1][0]) == abs(after.coords[0][0]) == 180
        assert before.coords[-1][0] == -after.coords[0][0]
        assert before.coords[-1][1] == after.coords[0][1]


def test_new_york_to_tokyo_goes_by_the_north() -> None:
    drawn = line((-73.8, 40.6), (139.7, 35.7))
    points = shapely.get_coordinates(drawn)
    azimuth = EARTH.inv(-73.8, 40.6, 139.7, 35.7)[0]
    # Clairaut: the highest latitude is where the sine of the azimuth times the cosine of the (reduced) latitude is 1.
    reduced = np.arctan((1 - 1 / 298.257223563) * np.tan(np.radians(40.6)))
    highest = np.arccos(abs(np.sin(np.radians(azimuth))) * np.cos(reduced))
    expected = np.degrees(np.arctan(np.tan(highest) / (1 - 1 / 298.257223563)))
    assert points[:, 1].max() == pytest.approx(expected, abs=0.02)
    assert len(drawn.geoms) == 2
    assert (drawn.geoms[0].coords[-1][0], drawn.geoms[1].coords[0][0]) == (-180, 180)


@pytest.mark.parametrize(
    ("start", "stop", "parts"),
    [((170, 10), (180, 10), 1), ((180, -10), (180, 10), 1), ((-180, -10), (180, 10), 1), ((178, 0), (-178, 0), 2),
     ((-178, 0), (178, 0), 2), ((179, 0), (-180, 0), 1), ((2.5, 49), (-52.3, 4.8), 1)],
)  # fmt: skip
def test_only_a_line_across_the_antimeridian_is_cut(
    start: tuple[float, float], stop: tuple[float, float], parts: int
) -> None:
    drawn = line(start, stop)
    assert len(drawn.geoms) == parts
    for part in drawn.geoms:
        assert np.abs(np.diff(part.coords.xy[0])).max() < 5


def test_no_line_without_two_ends() -> None:
    drawn = great_circles([2.5, np.nan, 2.5], [49, 49, np.nan], [2.5, 2.5, 3.0], [49, 49, 49])
    assert [each.is_empty for each in drawn] == [True, True, True]
    assert great_circles([], [], [], []).shape == (0,)


def test_a_finer_step_has_more_points() -> None:
    coarse, fine = (great_circles([2.5], [49], [-52.3], [4.8], step)[0] for step in (500, 50))
    for drawn, step in ((coarse, 500), (fine, 50)):
        lengths = [EARTH.line_length(*zip(*pair, strict=True)) for pair in pairwise(shapely.get_coordinates(drawn))]
        assert 0.9 * step < max(lengths) / 1000 <= step + 1e-6


def test_refused() -> None:
    with pytest.raises(GeometryError):
        great_circles([0.0], [0.0], [892_390.0], [6_247_035.0])
