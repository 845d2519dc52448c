"""Distances against published geodesics and against all pairs."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import Geod

from geo.errors import GeometryError
from geo.nearest import nearest_seat

EARTH = Geod(ellps="WGS84")


def test_published_geodesics() -> None:
    # GeographicLib's documentation: JFK (40°38'23"N 73°46'44"W) to Singapore (1°21'33"N 103°59'22"E), 15347628 m
    found = nearest_seat([-(73 + 46 / 60 + 44 / 3600)], [40 + 38 / 60 + 23 / 3600],
                         [103 + 59 / 60 + 22 / 3600], [1 + 21 / 60 + 33 / 3600])  # fmt: skip
    assert found.distance_km[0] == pytest.approx(15347.628, abs=0.0005)
    # and Wellington to Salamanca, nearly opposite each other on the earth
    assert nearest_seat([174.81], [-41.32], [-5.50], [40.96]).distance_km[0] == pytest.approx(19959.67926735, abs=1e-7)


@settings(max_examples=30)
@given(st.integers(0, 10_000), st.integers(1, 60))
def test_the_nearest_is_that_of_all_pairs(seed: int, seats: int) -> None:
    rng = np.random.default_rng(seed)
    lng, lat = rng.uniform(-180, 180, 50), np.degrees(np.arcsin(rng.uniform(-1, 1, 50)))
    seat_lng, seat_lat = rng.uniform(-180, 180, seats), np.degrees(np.arcsin(rng.uniform(-1, 1, seats)))
    every = [np.asarray(a).ravel() for a in np.broadcast_arrays(lng[:, None], lat[:, None], seat_lng, seat_lat)]
    distances = np.asarray(EARTH.inv(*every)[2]).reshape(50, seats) / 1000
    found = nearest_seat(lng, lat, seat_lng, seat_lat)
    assert found.distance_km == pytest.approx(distances.min(axis=1), rel=1e-9)
    assert found.seat.tolist() == distances.argmin(axis=1).tolist()


def test_the_antimeridian_is_no_border() -> None:
    # Mata-Utu is nearer to Suva, across 180°, than to Papeete
    found = nearest_seat([-176.17], [-13.28], [-149.57, 178.44], [-17.54, -18.14])
    assert found.seat.tolist() == [1]
    assert found.distance_km[0] == pytest.approx(789, abs=2)


def test_unknown_places_and_seats() -> None:
    found = nearest_seat([2.35, np.nan, 5.37], [48.86, 43.3, np.nan], [np.nan, 4.83], [48.0, 45.76])
    assert found.seat.tolist() == [1, -1, -1]
    assert np.isnan(found.distance_km[1:]).all()
    nobody = nearest_seat([2.35], [48.86], [np.nan], [np.nan])
    assert (nobody.seat.tolist(), np.isnan(nobody.distance_km).tolist()) == ([-1], [True])
    assert nearest_seat([], [], [2.0], [48.0]).seat.shape == (0,)


@pytest.mark.parametrize(
    ("lng", "lat"), [([892_390.0], [6_247_035.0]), ([1.0, 2.0], [1.0]), ([[1.0]], [[1.0]]), ([0.0], [91.0])]
)
def test_refused(lng: list[float], lat: list[float]) -> None:
    with pytest.raises(GeometryError):
        nearest_seat(lng, lat, [2.0], [48.0])
