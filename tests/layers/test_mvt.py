"""Vector tiles, read again by GDAL, which has a decoder of its own."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import numpy as np
import pyogrio
import pytest
import shapely

from geo.cells import boundaries
from geo.tiles import Tile, cells_of, tile_bounds
from layers.mvt import encode_tile

MARSEILLE = Tile(11, 1054, 751)


def read(tile: Tile, content: bytes, folder: Path) -> gpd.GeoDataFrame:
    """GDAL tells a tile's place by the path of its file."""
    path = folder / str(tile.z) / str(tile.x) / f"{tile.y}.mvt"
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    return pyogrio.read_dataframe(path, CLIP="NO").to_crs(4326)


def test_gdal_reads_what_was_written(tmp_path: Path) -> None:
    cells = cells_of(MARSEILLE, 8)
    values = np.linspace(0, 12.5, len(cells))
    values[0] = np.nan
    names = [f"{cell:x}" for cell in cells]
    counts = [int(n) - 3 for n in range(len(cells))]
    columns = {"cell": names, "value": values.tolist(), "incidents": counts, "note": ["", *["é<b>"] * (len(cells) - 1)]}
    found = read(MARSEILLE, encode_tile(MARSEILLE, "hexagones", boundaries(cells), columns), tmp_path)
    assert found["cell"].tolist() == names
    assert found["incidents"].tolist() == counts
    np.testing.assert_array_equal(found["value"], values)
    assert found["note"][0] is None or found["note"].isna()[0]
    assert set(found["note"][1:]) == {"é<b>"}
    west, _, east, _ = tile_bounds(MARSEILLE)
    unit = (east - west) / 4096
    drawn, true = found.geometry.to_numpy(), boundaries(cells)
    assert shapely.hausdorff_distance(drawn, true).max() < unit
    assert shapely.is_valid(drawn).all()


def test_polygons_of_several_parts_and_with_holes(tmp_path: Path) -> None:
    tile = Tile(6, 32, 22)
    square = shapely.box(1, 46, 2, 47)
    shape = shapely.MultiPolygon([square.difference(shapely.box(1.25, 46.25, 1.75, 46.75)), shapely.box(3, 46, 4, 47)])
    polygons = np.array([shape, shapely.box(2.2, 46, 2.8, 46.5)], dtype=np.object_)
    found = read(tile, encode_tile(tile, "formes", polygons, {"n": [1, 2]}), tmp_path)
    assert found["n"].tolist() == [1, 2]
    assert shapely.area(found.geometry.to_numpy()).tolist() == pytest.approx(shapely.area(polygons).tolist(), rel=0.01)


def test_nothing_is_an_empty_layer(tmp_path: Path) -> None:
    content = encode_tile(MARSEILLE, "hexagones", np.empty(0, dtype=np.object_), {"value": []})
    assert len(read(MARSEILLE, content, tmp_path)) == 0
