"""Ways in: the nearest site or border, by distances measured one by one."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from pyproj import Geod

from geo.entries import WITHIN_KM, nearest_border, nearest_site

EARTH = Geod(ellps="WGS84")
SVILENGRAD = (26.20, 41.77)  # Bulgaria, 2 km from Greece and 12 from Türkiye by road
PLACE = st.tuples(st.floats(-20, 40), st.floats(30, 70))


def test_a_site_further_away_than_a_town_is_wide_is_no_way_in() -> None:
    """Charles-de-Gaulle and Orly for Paris; for Lyon, 390 km away, neither."""
    found = nearest_site([2.35, 4.84, np.nan], [48.86, 45.76, np.nan], [2.55, 2.36], [49.01, 48.73])
    assert found.tolist() == [1, -1, -1]


@given(PLACE, st.lists(PLACE, max_size=8))
def test_the_nearest_site_is_the_nearest_by_measuring_all(
    place: tuple[float, float], sites: list[tuple[float, float]]
) -> None:
    lng, lat = np.array(sites, dtype=np.float64).reshape(-1, 2).T
    found = int(nearest_site([place[0]], [place[1]], lng, lat)[0])
    distances = [EARTH.inv(*place, *site)[2] / 1000 for site in sites]
    if found < 0:
        assert all(km > WITHIN_KM for km in distances)
    else:
        assert distances[found] == pytest.approx(min(distances), abs=1e-6)


def test_a_border_is_found_on_the_side_of_the_neighbour() -> None:
    east, west = shapely.box(26.35, 40, 30, 43), shapely.box(20, 40, 25, 43)
    found = nearest_border([SVILENGRAD[0], 23.0], [SVILENGRAD[1], 48.0], np.array([west, east], dtype=object))
    assert found.neighbour.tolist() == [1, -1]
    assert (found.lng[0], found.lat[0]) == pytest.approx((26.35, 41.77))
    assert np.isnan(found.lng[1])
    assert np.isnan(found.lat[1])


@given(PLACE, st.lists(PLACE, min_size=1, max_size=5))
def test_the_nearest_border_is_the_nearest_by_measuring_all(
    place: tuple[float, float], corners: list[tuple[float, float]]
) -> None:
    lands = np.array([shapely.box(x, y, x + 1, y + 1) for x, y in corners], dtype=object)
    found = nearest_border([place[0]], [place[1]], lands, within_km=200)
    distances = []
    for land in lands:
        edge = shapely.segmentize(land, 0.01)
        inside = land.intersects(shapely.Point(place))
        points = np.array(edge.exterior.coords)
        metres = EARTH.inv(*np.full((2, len(points)), np.array(place)[:, None]), *points.T)[2]
        distances.append(0.0 if inside else float(metres.min()) / 1000)
    position = int(found.neighbour[0])
    if position < 0:
        assert min(distances) > 195
    else:
        assert distances[position] == pytest.approx(min(distances), rel=0.05, abs=2)
