"""The bits of cells, against H3 itself, at all sixteen resolutions and on the pentagons."""

from __future__ import annotations

import h3.api.basic_int as h3
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo.errors import GeometryError
from geo.ids import (
    are_pentagons,
    children,
    descendant_range,
    descendants,
    from_short_numbers,
    parents,
    resolutions,
    short_numbers,
)

PLACES = st.tuples(st.floats(-90, 90), st.floats(-180, 180))
RESOLUTION = st.integers(0, 15)


def some_cells(resolution: int) -> np.ndarray:
    """Cells all over the earth, the twelve pentagons, and cells below them."""
    rng = np.random.default_rng(resolution)
    lat, lng = np.degrees(np.arcsin(rng.uniform(-1, 1, 300))), rng.uniform(-180, 180, 300)
    anywhere = [h3.latlng_to_cell(*place, resolution) for place in zip(lat, lng, strict=True)]
    pentagons = h3.get_pentagons(resolution)
    below = [h3.cell_to_center_child(cell, resolution) for cell in h3.get_pentagons(max(0, resolution - 2))]
    return np.array([*anywhere, *pentagons, *below], dtype=np.int64)


@pytest.mark.parametrize("resolution", range(16))
def test_parents_are_those_of_h3(resolution: int) -> None:
    cells = some_cells(resolution)
    for coarser in range(resolution + 1):
        assert parents(cells, coarser).tolist() == [h3.cell_to_parent(cell, coarser) for cell in cells.tolist()]


@pytest.mark.parametrize("resolution", range(16))
def test_resolutions_and_pentagons_are_those_of_h3(resolution: int) -> None:
    cells = some_cells(resolution)
    assert (resolutions(cells) == resolution).all()
    assert are_pentagons(cells).tolist() == [h3.is_pentagon(cell) for cell in cells.tolist()]


@pytest.mark.parametrize("resolution", range(15))
def test_children_are_those_of_h3(resolution: int) -> None:
    cells = some_cells(resolution)
    families = children(cells, resolution)
    for cell, family in zip(cells.tolist(), families.T, strict=True):
        assert sorted(family[family != 0].tolist()) == sorted(h3.cell_to_children(cell))


def test_descendants_are_those_of_h3() -> None:
    cells = np.array([h3.latlng_to_cell(43.3, 5.4, 4), h3.get_pentagons(4)[0]], dtype=np.int64)
    rows = descendants(cells, 4, 7)
    for cell, column in zip(cells.tolist(), rows.T, strict=True):
        assert sorted(column[column != 0].tolist()) == sorted(h3.cell_to_children(cell, 7))


@given(PLACES, RESOLUTION, RESOLUTION)
def test_ranges_hold_the_descendants_and_no_other_cell(place: tuple[float, float], one: int, other: int) -> None:
    coarse, fine = sorted((one, other))
    inner = h3.latlng_to_cell(*place, fine)
    ancestor = h3.cell_to_parent(inner, coarse)
    low, high = descendant_range(ancestor, fine)
    assert low <= inner < high
    outer = h3.latlng_to_cell(-place[0], place[1] - 90 if place[1] > 0 else place[1] + 90, fine)
    assert (low <= outer < high) == (h3.cell_to_parent(outer, coarse) == ancestor)


def test_no_cell_stays_none() -> None:
    assert parents(np.zeros(2, dtype=np.int64), 5).tolist() == [0, 0]
    assert resolutions([0]).tolist() == [-1]
    assert parents([], 5).tolist() == []


def test_parents_may_be_asked_of_mixed_resolutions() -> None:
    fine, coarse = h3.latlng_to_cell(48.85, 2.35, 10), h3.latlng_to_cell(48.85, 2.35, 6)
    assert parents([fine, coarse], 6).tolist() == [h3.cell_to_parent(fine, 6), coarse]


@pytest.mark.parametrize(("cell_resolution", "resolution"), [(6, 7), (6, 16), (6, -1)])
def test_parents_refuse_what_is_no_parent(cell_resolution: int, resolution: int) -> None:
    with pytest.raises(GeometryError):
        parents([h3.latlng_to_cell(48.85, 2.35, cell_resolution)], resolution)


def test_range_of_a_finer_cell_is_refused() -> None:
    with pytest.raises(GeometryError, match="résolution 9"):
        descendant_range(h3.latlng_to_cell(48.85, 2.35, 9), 8)


@pytest.mark.parametrize("resolution", range(16))
def test_short_numbers_are_base_cell_and_digits_and_lead_back(resolution: int) -> None:
    cells = np.unique(some_cells(resolution))
    numbers = short_numbers(cells, resolution)
    assert from_short_numbers(numbers, resolution).tolist() == cells.tolist()
    for cell, number in zip(cells.tolist(), numbers.tolist(), strict=True):
        # H3 itself says the base cell and, by the position among siblings, each digit.
        digits = [digit_of(h3.cell_to_parent(cell, level)) for level in range(1, resolution + 1)]
        expected = h3.get_base_cell_number(cell)
        for digit in digits:
            expected = expected * 8 + digit
        assert number == expected
    assert (np.diff(numbers) > 0).all()  # in the order of the cells
    assert numbers.max() < 2 ** (7 + 3 * resolution)


def digit_of(cell: int) -> int:
    """Which child of its parent a cell is; a pentagon has no child 1."""
    parent = h3.cell_to_parent(cell)
    position = h3.cell_to_child_pos(cell, h3.get_resolution(parent))
    return position + 1 if h3.is_pentagon(parent) and position > 0 else position


def test_short_numbers_of_nothing() -> None:
    assert short_numbers([], 8).tolist() == []
    assert from_short_numbers([], 8).tolist() == []
