"""Tiles: against mercantile's definition, and cells shared out among them without loss."""

from __future__ import annotations

import h3.api.numpy_int as h3
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo.cells import cells_at, centres, parents, resolutions
from geo.tiles import Bounds, NoTileError, Tile, cells_of, covering, inside, over, resolution_at, tile_bounds, tiles_at

TILES = st.integers(0, 16).flatmap(
    lambda z: st.builds(Tile, st.just(z), st.integers(0, (1 << z) - 1), st.integers(0, (1 << z) - 1))
)


def test_bounds_of_published_tiles() -> None:
    """The whole world, and the tile that the documentation of the library mercantile gives as its example."""
    assert tile_bounds(Tile(0, 0, 0)) == pytest.approx((-180, -85.0511287798066, 180, 85.0511287798066))
    assert tile_bounds(Tile(10, 486, 332)) == pytest.approx(
        (-9.140625, 53.12040528310657, -8.7890625, 53.33087298301705), abs=1e-9
    )


@given(TILES)
def test_bounds_lead_back_to_the_tile(tile: Tile) -> None:
    west, south, east, north = tile_bounds(tile)
    middle = ([(west + east) / 2], [(south + north) / 2])
    assert [int(part[0]) for part in tiles_at(*middle, tile.z)] == [tile.x, tile.y]


@pytest.mark.parametrize("tile", [Tile(-1, 0, 0), Tile(23, 0, 0), Tile(3, 8, 0), Tile(3, 0, 8), Tile(3, -1, 0)])
def test_tiles_outside_the_world_are_refused(tile: Tile) -> None:
    with pytest.raises(NoTileError, match="inconnue"):
        tile_bounds(tile)


def test_poles_and_antimeridian_belong_to_the_last_tiles() -> None:
    x, y = tiles_at([-180, 180, 0, 0], [0, 0, 90, -90], 4)
    assert x.tolist() == [0, 15, 8, 8]
    assert y.tolist() == [8, 8, 0, 15]


def test_resolution_follows_the_zoom() -> None:
    found = [resolution_at(z) for z in range(23)]
    assert found == sorted(found)
    assert found[0] == 3
    assert found[-1] == 10
    for z in range(5, 15):  # one finer would be narrower than eight pixels, this one is not
        width_px = 3**0.5 * h3.average_hexagon_edge_length(found[z], unit="m") / (107_600 / (1 << z))
        assert width_px >= 8 or found[z] == 3


@given(st.floats(-5, 9), st.floats(41.5, 51), st.integers(5, 14))
def test_every_cell_belongs_to_one_tile(lng: float, lat: float, z: int) -> None:
    resolution = resolution_at(z)
    (cell,) = cells_at([lng], [lat], resolution)
    (x,), (y,) = tiles_at(*centres(np.array([cell])), z)
    around = [Tile(z, int(x) + dx, int(y) + dy) for dx in (-1, 0, 1) for dy in (-1, 0, 1)]
    assert [cell in cells_of(tile, resolution) for tile in around] == [tile == (z, x, y) for tile in around]


@given(TILES.filter(lambda tile: tile.z >= 4), st.integers(0, 3))
def test_ancestors_miss_no_cell(tile: Tile, coarser: int) -> None:
    """Points all over the tile: the cell of each has its ancestor among those of the tile."""
    random = np.random.default_rng(7)
    west, south, east, north = tile_bounds(tile)
    fine = min(10, resolution_at(tile.z) + 1)
    cells = np.unique(cells_at(random.uniform(west, east, 300), random.uniform(south, north, 300), fine))
    cells = cells[inside(tile, cells)]
    ancestor = max(0, fine - 1 - coarser)
    assert np.isin(parents(cells, ancestor), over(tile_bounds(tile), ancestor)).all()


def test_cells_of_a_tile_are_those_of_its_polygon() -> None:
    """A second way to the same cells: H3's own filling of the tile's rectangle, small enough for its edges."""
    tile = Tile(11, 1054, 751)  # Marseille
    west, south, east, north = tile_bounds(tile)
    ring = [(south, west), (south, east), (north, east), (north, west)]
    filled = h3.h3shape_to_cells(h3.LatLngPoly(ring), 8)
    assert set(cells_of(tile, 8).tolist()) == {int(cell) for cell in filled}


@given(st.floats(-5, 9), st.floats(41.5, 51), st.floats(1e-6, 5), st.integers(3, 9))
def test_some_dozens_of_cells_cover_a_rectangle(west: float, south: float, side: float, finest: int) -> None:
    bounds = Bounds(west, south, west + side, south + side)
    found = covering(bounds, finest)
    assert 7 <= len(found) <= 200
    (resolution,) = set(resolutions(found).tolist())
    assert resolution <= finest
    random = np.random.default_rng(3)
    cells = cells_at(random.uniform(west, west + side, 200), random.uniform(south, south + side, 200))
    assert np.isin(parents(cells, resolution), found).all()
