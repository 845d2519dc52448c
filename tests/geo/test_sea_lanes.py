"""Ways by sea: lengths against a table of distances and the package's own search, ends, the antimeridian."""

from __future__ import annotations

import numpy as np
import pytest
import searoute
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from pyproj import Geod

from geo.errors import GeometryError
from geo.sea_lanes import sea_ways

EARTH = Geod(ellps="WGS84")
NAUTICAL_MILE_KM = 1.852
LE_HAVRE, MARSEILLE = (0.10, 49.48), (5.35, 43.32)
SANTOS, SINGAPORE, NEW_YORK = (-46.30, -23.98), (103.83, 1.25), (-74.03, 40.67)
YOKOHAMA, SAN_FRANCISCO = (139.68, 35.43), (-122.40, 37.80)
BOSTON, ANCHORAGE = (-71.03, 42.35), (-149.90, 61.24)


def ports(*places: tuple[float, float]) -> NDArray[np.float64]:
    return np.array(places, dtype=np.float64).reshape(-1, 2)


def way(starts: NDArray[np.float64], stops: NDArray[np.float64]) -> shapely.MultiLineString:
    return sea_ways([starts], [stops])[0]


def length_km(line: shapely.MultiLineString) -> float:
    return sum(EARTH.geometry_length(part) for part in line.geoms) / 1000


# In nautical miles. The first: US Hydrographic Office; the second: NOAA, Distances between United States Ports (1978).
@pytest.mark.parametrize(("start", "stop", "miles"), [(YOKOHAMA, SAN_FRANCISCO, 4_536), (BOSTON, ANCHORAGE, 7_312)])
def test_lengths_are_those_of_the_published_tables(
    start: tuple[float, float], stop: tuple[float, float], miles: float
) -> None:
    assert length_km(way(ports(start), ports(stop))) == pytest.approx(miles * NAUTICAL_MILE_KM, rel=0.05)


@pytest.mark.parametrize("start", [SANTOS, SINGAPORE, NEW_YORK, YOKOHAMA])
def test_lengths_are_those_of_the_packages_own_search(start: tuple[float, float]) -> None:
    own = searoute.searoute(list(start), list(MARSEILLE), append_orig_dest=True).properties["length"]
    assert length_km(way(ports(start), ports(MARSEILLE))) == pytest.approx(own, rel=0.01)


def test_a_way_begins_and_ends_at_the_ports_that_are_nearest_by_sea() -> None:
    both = ports(LE_HAVRE, MARSEILLE)
    lines = sea_ways([ports(NEW_YORK), ports(SINGAPORE), both], [both, both, ports(NEW_YORK)])
    ends = [(line.geoms[0].coords[0], line.geoms[-1].coords[-1]) for line in lines]
    assert ends == [(NEW_YORK, LE_HAVRE), (SINGAPORE, MARSEILLE), (LE_HAVRE, NEW_YORK)]


def test_across_the_antimeridian_a_way_is_two_parts_that_meet() -> None:
    line = way(ports(YOKOHAMA), ports(SAN_FRANCISCO))
    first, second = line.geoms
    (west, lat), (east, other_lat) = first.coords[-1], second.coords[0]
    assert (abs(west), abs(east), west + east, lat) == (180, 180, 0, other_lat)
    for part in line.geoms:
        assert np.abs(np.diff(np.array(part.coords)[:, 0])).max() < 60


def test_where_there_is_no_port_there_is_no_way() -> None:
    lines = sea_ways([ports(), ports(SANTOS), ports(SANTOS)], [ports(SANTOS), ports(), ports(SANTOS)])
    assert [line.is_empty for line in lines] == [True, True, True]


def test_degrees_are_needed() -> None:
    with pytest.raises(GeometryError):
        way(ports(SANTOS), ports((0, 95)))


@settings(max_examples=30, deadline=None)
@given(st.tuples(st.floats(-180, 180), st.floats(-60, 70)), st.tuples(st.floats(-180, 180), st.floats(-60, 70)))
def test_a_way_is_never_shorter_than_a_straight_line_and_stays_on_the_map(
    start: tuple[float, float], stop: tuple[float, float]
) -> None:
    line = way(ports(start), ports(stop))
    straight = EARTH.inv(*start, *stop)[2] / 1000
    if not line.is_empty:
        assert length_km(line) >= straight - 1e-6
        west, _south, east, _north = line.bounds
        assert -180 <= west <= east <= 180
