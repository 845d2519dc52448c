"""Coverage by communes against plain sets, by shapes against drawings whose areas are known."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import Geod

from geo.cells import areas_km2, cells_at, cover
from geo.coverage import Perimeters, added_regions, hexagons_of, regions, shares_of, surfaces_km2
from geo.errors import GeometryError

UNITS = 12
SETS = st.lists(st.sets(st.integers(0, UNITS - 1)), min_size=1, max_size=5)
MEASURES = st.lists(st.integers(0, 1000) | st.none(), min_size=UNITS, max_size=UNITS)


def perimeters_of(sets: list[set[int]]) -> Perimeters:
    pairs = [(position, unit) for position, units in enumerate(sets) for unit in sorted(units)]
    return Perimeters([pair[0] for pair in pairs], [pair[1] for pair in pairs], len(sets), UNITS)


def plain_sum(measure: list[int | None], units: set[int]) -> float:
    known = [measure[unit] for unit in units if measure[unit] is not None]
    return sum(value for value in known if value is not None) if known or not units else np.nan


def same(found: float, expected: float) -> bool:
    return found == expected or bool(np.isnan(found) and np.isnan(expected))


@given(SETS, MEASURES)
def test_tally_is_that_of_plain_sets(sets: list[set[int]], measure: list[int | None]) -> None:
    perimeters = perimeters_of(sets)
    tally = perimeters.tally([np.nan if value is None else value for value in measure])
    everything = set(range(UNITS))
    times = {unit: sum(unit in units for units in sets) for unit in everything}
    once, twice = {unit for unit in everything if times[unit]}, {unit for unit in everything if times[unit] > 1}
    assert perimeters.times.tolist() == list(times.values())
    assert same(tally.total, plain_sum(measure, everything))
    assert same(tally.covered, plain_sum(measure, once))
    assert same(tally.overlapped, plain_sum(measure, twice))
    assert same(tally.uncovered, plain_sum(measure, everything - once))
    for i, units in enumerate(sets):
        assert same(tally.own[i], plain_sum(measure, units))
        assert same(tally.only[i], plain_sum(measure, units & {unit for unit in everything if times[unit] == 1}))
        assert tally.unknown_own[i] == sum(measure[unit] is None for unit in units)
        for j, others in enumerate(sets):
            assert same(tally.shared[i, j], plain_sum(measure, units & others))


@given(SETS, SETS, MEASURES)
def test_what_comes_adds_what_was_not_covered(
    there: list[set[int]], coming: list[set[int]], measure: list[int | None]
) -> None:
    values = [np.nan if value is None else value for value in measure]
    added = perimeters_of(coming).added_to(perimeters_of(there), values)
    known = set().union(*there)
    assert all(same(each, plain_sum(measure, units - known)) for each, units in zip(added.each, coming, strict=True))
    assert same(added.together, plain_sum(measure, set().union(*coming) - known))
    before, after = (perimeters_of(sets).tally(np.nan_to_num(values)).covered for sets in (there, there + coming))
    assert np.nan_to_num(added.together) == after - before


def test_shares() -> None:
    tally = Perimeters([0, 0, 1], [0, 1, 1], 3, 4).tally([10, 20, 30, 40])
    assert tally.shares.tolist() == [0.3, 0.2, 0]  # the third perimeter holds nothing, which is known
    assert tally.covered_share == 0.3
    assert np.isnan(Perimeters([0], [0], 1, 1).tally([0]).shares).all()
    assert np.isnan(Perimeters([0], [0], 1, 2).tally([np.nan, np.nan]).covered_share)


@pytest.mark.parametrize(("perimeter", "unit"), [([2], [0]), ([0], [4]), ([-1], [0]), ([0, 1], [0])])
def test_positions_that_are_not_are_refused(perimeter: list[int], unit: list[int]) -> None:
    with pytest.raises(GeometryError):
        Perimeters(perimeter, unit, 2, 4)


def test_a_measure_of_other_units_is_refused() -> None:
    with pytest.raises(GeometryError):
        Perimeters([0], [0], 1, 4).tally([1, 2, 3])


# ---- shapes


def test_regions_of_three_squares() -> None:
    squares = [shapely.box(0, 0, 2, 2), shapely.box(1, 0, 3, 2), shapely.box(3, 0, 4, 2)]
    found = regions(squares, shapely.box(0, 0, 5, 2))
    assert found.covered.equals(shapely.box(0, 0, 4, 2))
    assert found.overlapped.equals(shapely.box(1, 0, 2, 2))  # the border that two share is no overlap
    assert found.uncovered.equals(shapely.box(4, 0, 5, 2))
    added = added_regions(squares[:1], squares[1:])
    assert added[0].equals(shapely.box(2, 0, 3, 2))
    assert added[1].equals(squares[2])


def test_regions_of_nothing() -> None:
    whole = shapely.box(0, 0, 1, 1)
    nothing = regions([], whole)
    assert nothing.covered.is_empty
    assert nothing.uncovered.equals(whole)
    assert regions([whole], whole).uncovered.is_empty
    assert len(hexagons_of(nothing.covered, 5).cells) == 0
    assert shares_of([0, int(cells_at([2.0], [48.0], 5)[0])], hexagons_of(nothing.covered, 5)).tolist()[1] == 0


def test_surfaces_are_geodesic() -> None:
    corsica = shapely.segmentize(shapely.box(8.5, 41.3, 9.6, 43.0), 0.01)
    area_m2, _perimeter_m = Geod(ellps="WGS84").geometry_area_perimeter(shapely.orient_polygons(corsica))
    assert surfaces_km2([corsica])[0] == pytest.approx(area_m2 / 1e6, rel=1e-5)


@settings(max_examples=15)
@given(st.integers(0, 1000))
def test_hexagons_share_what_is_covered(seed: int) -> None:
    rng = np.random.default_rng(seed)
    west, south = rng.uniform(-5, 8), rng.uniform(42, 50)
    discs = [shapely.Point(west + x, south + y).buffer(0.08) for x, y in rng.uniform(0, 0.2, (3, 2))]
    found = regions(discs, shapely.box(west - 1, south - 1, west + 1, south + 1))
    covered = hexagons_of(found.covered, 7)
    assert (covered.shares * areas_km2(covered.cells)).sum() == pytest.approx(
        surfaces_km2([found.covered])[0], rel=1e-6
    )
    around = cover(shapely.box(west - 0.3, south - 0.3, west + 0.5, south + 0.5), 7).cells
    asked = rng.permutation(np.append(around, 0))
    shares = shares_of(asked, covered)
    assert np.isnan(shares[asked == 0]).all()
    assert np.nansum(shares * np.where(asked == 0, np.nan, areas_km2(asked))) == pytest.approx(
        surfaces_km2([found.covered])[0], rel=1e-6
    )
