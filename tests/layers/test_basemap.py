"""The basemap's tiles: a small country whose borders are known by hand, and the real one put together again."""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any, cast

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from shapely import box

from layers.basemap import INDEX, LEVELS, LLIVIA, Lands, Level, tiles_of, write_basemap
from layers.basemap_lines import Segments, cut, mercator, to_mercator
from layers.errors import LayerError

REFERENCE = Path(__file__).parents[2] / "data" / "reference"
NEAREST = LEVELS[-1]

Frames = dict[str, gpd.GeoDataFrame]
Tiles = dict[tuple[int, int], Any]


def frame(shapes: list[shapely.Geometry], **columns: list[Any]) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(columns, geometry=shapes, crs="EPSG:4326")


@pytest.fixture
def frames() -> Frames:
    """Two régions, three départements side by side, two communes each; a neighbour to the east, sea elsewhere.

    The communes of 02 are of two EPCI, those of 01 of the one that has one of 02 too.
    """
    departements = [box(0, 0, 1, 1), box(1, 0, 2, 1), box(2, 0, 3, 1)]
    halves = [half for x in range(3) for half in (box(x, 0, x + 1, 0.5), box(x, 0.5, x + 1, 1))]
    return {
        "communes": frame(
            halves,
            code=[f"0{d}00{i}" for d in (1, 2, 3) for i in (1, 2)],
            name=["Anse", "Bourg", "Cap", "Digne", "Évry", "</script>"],
            departement=["01", "01", "02", "02", "03", "03"],
            epci=["E1", "E1", "E1", "E2", None, None],
            population=[5000, 10, 90_000, 20, 3000, 30],
            lng=[0.5, 0.5, 1.5, 1.5, 2.5, 2.5],
            lat=[0.25, 0.75] * 3,
        ),
        "arrondissements": frame([], name=[], commune=[], population=[]),
        "departements": frame(
            departements,
            code=["01", "02", "03"],
            name=["Un", "Deux", "Trois"],
            region=["A", "A", "B"],
            prefecture=["01001", "02001", "03001"],
            population=[5010, 90_020, 3030],
        ),
        "regions": frame([box(0, 0, 2, 1), box(2, 0, 3, 1)], name=["Alpha", "Bêta"], population=[95_030, 3030]),
        "countries": frame(
            [box(0, 0, 3, 1), shapely.Polygon([(3, 0), (3, 1), (3, 2), (6, 2), (6, 0)])],
            iso_a2=["FR", "XX"],
            part_of=[None, None],
            name_fr=["France", "Voisinie"],
            name_en=["France", "Neighbourland"],
            lng=[1.5, 4.5],
            lat=[0.5, 1.0],
        ),
    }  # fmt: skip


def lands_of(frames: Frames) -> Lands:
    return Lands.of(*(frames[name] for name in ("communes", "arrondissements", "departements", "countries")))


def level_tiles(frames: Frames, level: Level) -> Tiles:
    return tiles_of(level, lands_of(frames))


def read(folder: Path, level: int) -> Tiles:
    """The tiles of a level, as a browser finds them through the index."""
    index = json.loads((folder / INDEX).read_text(encoding="utf-8"))
    found = {}
    for y, first, last in index["levels"][level]["tiles"]:
        for x in range(first, last + 1):
            path = folder / str(level) / f"{x}-{y}.{index['digest']}.json"
            found[x, y] = json.loads(path.read_text(encoding="utf-8"))
    return found


def whole(tiles: Tiles, level: Level) -> dict[str, list[NDArray[np.int64]]]:
    """Lines of each rank, in steps of the world's grid."""
    lines: dict[str, list[NDArray[np.int64]]] = defaultdict(list)
    for (x, y), tile in tiles.items():
        for rank, pieces in tile["lines"].items():
            for flat in pieces:
                points = np.cumsum(np.array(flat).reshape(-1, 2), axis=0)
                assert points.min() >= 0
                assert points.max() <= level.extent
                lines[rank].append(points + np.array([x, y]) * level.extent)
    return lines


def lengths(tiles: Tiles, level: Level) -> dict[str, float]:
    """Length of each rank of line, in degrees at the equator."""
    return {
        rank: sum(float(np.hypot(*np.diff(points, axis=0).T).sum()) for points in lines) * 360 / level.steps
        for rank, lines in whole(tiles, level).items()
    }


def segments_of(lines: Iterable[NDArray[np.int64]]) -> list[tuple[tuple[int, int], ...]]:
    """Each segment as its two ends in order."""
    ends = [
        tuple(sorted(map(tuple, pair)))
        for points in lines
        for pair in zip(points[:-1].tolist(), points[1:].tolist(), strict=True)
    ]
    return cast("list[tuple[tuple[int, int], ...]]", ends)


def test_each_border_is_written_once_under_its_highest_rank(frames: Frames) -> None:
    tiles = level_tiles(frames, NEAREST)
    found = lengths(tiles, NEAREST)
    assert 7 < found.pop("coast") < 9  # and of the neighbour's, what is near
    assert found == pytest.approx(  # one EPCI is on both sides of the border between 01 and 02
        {"departement": 1.0, "region": 1.0, "country": 1.0, "epci": 1.0, "commune": 2.0}, abs=0.001
    )
    segments = segments_of([points for lines in whole(tiles, NEAREST).values() for points in lines])
    assert max(Counter(segments).values()) == 1


def test_coarse_levels_leave_low_ranks_out(frames: Frames) -> None:
    drawn = [set(lengths(level_tiles(frames, level), level)) for level in LEVELS]
    assert drawn[0] == {"coast", "country"}
    assert drawn[1] == drawn[2] == {"coast", "country", "region", "departement"}
    assert drawn[3] == drawn[1] | {"epci"}
    assert drawn[4] == drawn[3] | {"commune"}


def test_france_is_not_drawn_twice(frames: Frames) -> None:
    tiles = level_tiles(frames, LEVELS[1])
    assert lengths(tiles, LEVELS[1])["coast"] == pytest.approx(7 + 9, abs=0.05)  # theirs: without the side they share
    assert lengths(tiles, LEVELS[1])["country"] == pytest.approx(1, abs=0.01)


def test_a_border_that_strays_into_france_is_left_out(frames: Frames) -> None:
    """The world's file draws borders coarsely: one between two neighbours may end inside France."""
    frames["countries"] = frame(
        [box(0, 0, 2.9, 1), box(2.9, 0, 6, 0.5), box(2.9, 0.5, 6, 1)],
        iso_a2=["FR", "XX", "YY"], part_of=[None] * 3, name_fr=["France", "Sud", "Nord"],
        name_en=["France", "South", "North"], lng=[1.5, 5, 5], lat=[0.5, 0.2, 0.8],
    )  # fmt: skip
    assert lengths(level_tiles(frames, LEVELS[1]), LEVELS[1])["country"] == pytest.approx(1 + 3, abs=0.01)


def ground(tiles: Tiles, level: Level, kind: str) -> shapely.Geometry:
    """Land as it is painted: rings of each tile together, held to that tile."""
    painted = []
    for (x, y), tile in tiles.items():
        rings = [np.cumsum(np.array(flat).reshape(-1, 2), axis=0) for flat in tile[kind]]
        area = shapely.Polygon()
        for ring in rings:
            area = shapely.symmetric_difference(area, shapely.make_valid(shapely.Polygon(ring)))  # "evenodd"
        square = box(0, 0, level.extent, level.extent)
        painted.append(
            shapely.affinity.translate(shapely.intersection(area, square), x * level.extent, y * level.extent)
        )
    return shapely.union_all(painted)


def test_a_strip_the_coarse_world_gives_france_goes_to_the_neighbour(frames: Frames) -> None:
    frames["countries"].geometry = [box(0, 0, 3.05, 1), box(3.05, 0, 6, 2)]
    level = LEVELS[1]
    abroad = ground(level_tiles(frames, level), level, "abroad")
    east = shapely.points(mercator(np.array([[3.02, 0.5]])) * level.steps)[0]
    assert shapely.contains(abroad, east)


def nine(frames: Frames, lng: float, lat: float) -> Frames:
    """Eight communes around one that has no boundary, the middle one of nine squares; one has two arrondissements."""
    squares = [box(lng + x, lat + y, lng + x + 1, lat + y + 1) for x in (-1.5, -0.5, 0.5) for y in (-1.5, -0.5, 0.5)]
    around = squares[:4] + squares[5:]
    codes = [f"0100{i}" for i in range(8)]
    low, high = (lng - 1.5, lat - 1.5), (lng - 0.5, lat - 0.5)
    return {
        "communes": frame(
            around, code=codes, name=list("ABCDEFGH"), departement=["01"] * 8, epci=["E"] * 8, population=[1000] * 8,
            lng=[lng] * 8, lat=[lat] * 8,
        ),
        "arrondissements": frame(
            [shapely.Polygon([low, high, corner]) for corner in ((low[0], high[1]), (high[0], low[1]))],
            name=["A 1er Arrondissement", "A 2e Arrondissement"], commune=[codes[0]] * 2, population=[9] * 2,
        ),
        "departements": frame(
            [shapely.coverage_union_all(around)], code=["01"], name=["Un"], region=["R"], prefecture=[codes[0]],
            population=[8000],
        ),
        "regions": frame([shapely.coverage_union_all(around)], name=["Rond"], population=[8000]),
        "countries": frames["countries"],
    }  # fmt: skip


def test_a_commune_without_boundary_is_land_of_its_neighbours(frames: Frames) -> None:
    squares = nine(frames, 1.5, 1.5)
    middle = shapely.points(mercator(np.array([[1.5, 1.5]])))[0]
    for level in LEVELS[1:]:
        tiles = level_tiles(squares, level)
        assert shapely.contains(
            ground(tiles, level, "land"), shapely.transform(middle, lambda at, n=level.steps: at * n)
        )
    assert lengths(tiles, NEAREST)["commune"] == pytest.approx(12 + 2**0.5, rel=0.001)  # and a diagonal


def test_the_one_enclave_stays_abroad(frames: Frames) -> None:
    squares = nine(frames, *LLIVIA)
    tiles = level_tiles(squares, NEAREST)
    ((x, y),) = mercator(np.array([LLIVIA])) * NEAREST.steps
    assert not shapely.contains_xy(ground(tiles, NEAREST, "land"), x, y)
    assert shapely.contains_xy(ground(tiles, NEAREST, "abroad"), x, y)
    around = 2 + 2 / np.cos(np.radians(LLIVIA[1]))  # Mercator stretches northward
    assert lengths(tiles, NEAREST)["country"] == pytest.approx(around, rel=0.01)


def test_arrondissements_are_named_by_their_number(frames: Frames, tmp_path: Path) -> None:
    write_basemap(tmp_path / "basemap", **nine(frames, 1.5, 1.5))
    names = {row[1]: row for tile in read(tmp_path / "basemap", 4).values() for row in tile.get("names", [])}
    assert {"1er arr.", "2e arr.", "A", "H"} <= set(names)
    assert names["2e arr."][5] == 12  # from zoom 12 on


@pytest.mark.parametrize("level", LEVELS, ids=[str(level.zoom) for level in LEVELS])
def test_land_of_all_tiles_is_the_whole_land(frames: Frames, level: Level) -> None:
    land = ground(level_tiles(frames, level), level, "land")
    south_east, north_west = mercator(np.array([[3.0, 0.0], [0.0, 1.0]])) * level.steps
    expected = (south_east[0] - north_west[0]) * (south_east[1] - north_west[1])
    assert land.area == pytest.approx(expected, rel=0.002 if level.extent > 4096 else 0.05)


def test_a_map_cut_at_180_degrees_shows_no_seam(frames: Frames) -> None:
    frames["countries"] = frame(
        [
            box(0, 0, 3, 1), shapely.MultiPolygon([box(170, 60, 180, 70), box(-180, 60, -170, 70)]),
            box(-180, -90, 180, -70),
        ],
        iso_a2=["FR", "RU", "AQ"], part_of=[None] * 3, name_fr=["France", "Russie", "Antarctique"],
        name_en=["France", "Russia", "Antarctica"], lng=[1.5, 175, 0], lat=[0.5, 65, -80],
    )  # fmt: skip
    for level in LEVELS[:2]:
        tiles = level_tiles(frames, level)
        xs = np.concatenate([points[:, 0] for points in whole(tiles, level)["coast"]])
        assert (xs.min(), xs.max()) == (0, level.steps)  # coasts reach the edge,
        for points in whole(tiles, level)["coast"]:  # and none runs along it
            along = (points[1:, 0] == points[:-1, 0]) & np.isin(points[1:, 0], (0, level.steps))
            assert not along.any()
            assert points[:, 1].max() < level.steps
        assert {x for x, _ in tiles} == set(range(level.tiles))  # the Antarctic goes around the world


def test_each_name_is_in_one_tile_of_each_level_that_writes_it(frames: Frames, tmp_path: Path) -> None:
    write_basemap(tmp_path / "basemap", **frames)
    written = []
    for rank in range(len(LEVELS)):
        names = [row for tile in read(tmp_path / "basemap", rank).values() for row in tile.get("names", [])]
        assert len({(row[0], row[1]) for row in names}) == len(names)
        written.append({row[1] for row in names})
    everything = {
        "Alpha",
        "Bêta",
        "Un",
        "Deux",
        "Trois",
        "Anse",
        "Bourg",
        "Cap",
        "Digne",
        "Évry",
        "</script>",
        "Voisinie",
    }
    assert written[4] == everything - {"Voisinie"}  # too far for the last levels: the second one serves there
    assert "Voisinie" in written[1]
    assert written[1] == {"Cap", "Voisinie"}  # 90,000 inhabitants and a prefecture: from zoom 6 on
    assert "Bourg" not in written[3]


def test_names_carry_place_weight_and_english(frames: Frames, tmp_path: Path) -> None:
    write_basemap(tmp_path / "basemap", **frames)
    level = LEVELS[1]
    (((x, y), tile),) = (
        (at, tile)
        for at, tile in read(tmp_path / "basemap", 1).items()
        if tile.get("names") and any(row[0] == "country" for row in tile["names"])
    )
    (row,) = [row for row in tile["names"] if row[0] == "country"]
    at = mercator(np.array([[4.5, 1.0]]))[0] * level.steps
    assert row[1] == "Voisinie"
    assert row[6] == "Neighbourland"
    np.testing.assert_allclose([x * level.extent + row[2], y * level.extent + row[3]], at, atol=0.51)
    (cap,) = [
        row for tile in read(tmp_path / "basemap", 4).values() for row in tile.get("names", []) if row[1] == "Cap"
    ]
    assert (cap[0], cap[4], cap[5]) == ("seat", 90_000, 6)


def test_every_file_is_named_by_one_digest_that_follows_from_the_content(frames: Frames, tmp_path: Path) -> None:
    digests = []
    for name, changed in (("one", False), ("two", False), ("three", True)):
        if changed:
            frames["communes"].loc[1, "name"] = "Bourg-le-Neuf"
        write_basemap(tmp_path / name, **frames)
        digest = json.loads((tmp_path / name / INDEX).read_text(encoding="utf-8"))["digest"]
        files = list((tmp_path / name).rglob("*-*.json"))
        assert all(re.fullmatch(rf"\d+-\d+\.{digest}\.json", path.name) for path in files)
        assert len(files) == sum(len(read(tmp_path / name, level)) for level in range(len(LEVELS)))
        digests.append(digest)
    assert digests[0] == digests[1] != digests[2]


def test_progress_reaches_its_total(frames: Frames, tmp_path: Path) -> None:
    seen: list[tuple[int, int | None]] = []
    write_basemap(tmp_path / "basemap", **frames, progress=lambda done, total: seen.append((done, total)))
    assert seen[-1][0] == seen[-1][1]
    assert [done for done, _ in seen] == list(range(1, len(seen) + 1))


def test_old_files_stay_until_all_new_ones_are_written(frames: Frames, tmp_path: Path) -> None:
    folder = tmp_path / "basemap"
    write_basemap(folder, **frames)
    before = sorted(path.name for path in folder.rglob("*"))

    def stop(done: int, total: int | None) -> None:
        if done == total:
            raise KeyboardInterrupt

    frames["communes"].loc[1, "name"] = "Bourg-le-Neuf"
    with pytest.raises(KeyboardInterrupt):
        write_basemap(folder, **frames, progress=stop)
    assert sorted(path.name for path in folder.rglob("*")) == before
    write_basemap(folder, **frames)
    after = sorted(path.name for path in folder.rglob("*"))
    assert len(after) == len(before)
    assert after != before  # no file of the old digest is left


def test_another_reference_system_is_refused(frames: Frames, tmp_path: Path) -> None:
    frames["communes"] = frames["communes"].to_crs("EPSG:2154")
    with pytest.raises(LayerError, match="communes"):
        write_basemap(tmp_path / "basemap", **frames)


def test_segments_of_a_square_split_in_two() -> None:
    segments = Segments.of(np.array([box(0, 0, 0.1, 0.1), box(0.1, 0, 0.2, 0.1)]), 1000)
    assert len(segments.first) == 7
    inner = segments.second >= 0
    assert inner.sum() == 1
    assert {int(segments.first[inner][0]), int(segments.second[inner][0])} == {0, 1}


EXTENT, TILES = 16, 8
PLACES = st.tuples(st.integers(0, EXTENT * TILES), st.integers(0, EXTENT * TILES))


@given(st.lists(st.lists(PLACES, min_size=2, max_size=8), min_size=1, max_size=4))
def test_pieces_put_together_are_the_line(drawn: list[list[tuple[int, int]]]) -> None:
    lines = np.array([shapely.LineString(points) for points in drawn], dtype=object)
    straight = [np.array(points) for points in drawn]
    pieces = list(cut(lines, EXTENT, TILES))
    again = []
    for piece in pieces:
        assert 0 <= piece.x < TILES
        assert 0 <= piece.y < TILES
        points = np.cumsum(np.array(piece.flat).reshape(-1, 2), axis=0)
        assert points.min() >= 0
        assert points.max() <= EXTENT
        again.append(points + np.array([piece.x, piece.y]) * EXTENT)
    expected = sum(float(np.hypot(*np.diff(points, axis=0).T).sum()) for points in straight)
    length = sum(float(np.hypot(*np.diff(points, axis=0).T).sum()) for points in again)
    # A cut is rounded to the grid: half a step aside at most, hence a little longer or shorter at each.
    assert length == pytest.approx(expected, abs=1.5 * len(pieces) + 1e-9)
    if expected:
        moved = [shapely.LineString(points) for points in again]
        assert shapely.hausdorff_distance(shapely.MultiLineString(moved), shapely.union_all(lines)) <= 1


@given(st.integers(0, TILES), st.integers(0, EXTENT * TILES), st.integers(0, EXTENT * TILES))
def test_a_line_along_an_edge_is_in_one_tile_each(edge: int, start: int, stop: int) -> None:
    line = shapely.LineString([(edge * EXTENT, start), (edge * EXTENT, stop)])
    pieces = list(cut(np.array([line]), EXTENT, TILES))
    assert {piece.x for piece in pieces} <= {min(edge, TILES - 1)}
    assert sum(abs(step) for piece in pieces for step in piece.flat[3::2]) == abs(stop - start)


@given(st.floats(-180, 180), st.floats(-90, 90))
def test_mercator_keeps_the_world_in_its_square(lng: float, lat: float) -> None:
    ((x, y),) = mercator(np.array([[lng, lat]]))
    assert 0 <= x <= 1
    assert -1e-6 <= y <= 1 + 1e-6
    assert (y < 0.5) == (lat > 0) or abs(lat) < 1e-12


@pytest.fixture(scope="module")
def real() -> Frames:
    names = ("communes", "arrondissements", "departements", "regions", "countries")
    read = {name: gpd.read_parquet(REFERENCE / f"{name}.parquet") for name in names}
    read["communes"] = read["communes"][read["communes"].geometry.notna()]
    return read


def test_real_communes_put_together_have_every_border_once(real: Frames) -> None:
    """Of one département: the length of all borders is half of what its communes' and its own outline measure."""
    here = {**real, "communes": real["communes"][real["communes"]["departement"] == "06"]}
    here["departements"] = real["departements"][real["departements"]["code"] == "06"].reset_index(drop=True)
    tiles = tiles_of(NEAREST, lands_of(here))
    lines = whole(tiles, NEAREST)
    segments = segments_of([points for rank in ("commune", "epci") for points in lines[rank]])
    assert max(Counter(segments).values()) == 1
    assert set(lines) >= {"commune", "epci", "country", "coast"}
    communes = to_mercator(here["communes"].geometry.to_numpy())
    outline = shapely.coverage_union_all(communes).length
    borders = (shapely.length(communes).sum() - outline) / 2
    assert sum(lengths(tiles, NEAREST)[rank] for rank in ("commune", "epci")) / 360 == pytest.approx(borders, rel=0.01)


def test_real_levels_hold_all_of_france_and_the_world(real: Frames) -> None:
    lands = lands_of(real)
    assert len(lands.communes) > len(real["communes"]) + 45 - 3  # by arrondissement, and the holes
    assert shapely.coverage_is_valid(lands.communes)
    parts = shapely.get_parts(shapely.coverage_union_all(lands.communes))
    assert shapely.get_num_interior_rings(parts).sum() == 1, "one hole alone: Llívia"
    far, near = (tiles_of(level, lands) for level in LEVELS[:2])
    assert len(far) == 16  # every quarter of the world has some land
    assert lengths(near, LEVELS[1])["country"] > lengths(near, LEVELS[1])["region"] > 20
    land = ground(near, LEVELS[1], "land")
    for lng, lat in (
        (2.35, 48.85),
        (-61.67, 16.1),
        (-61.0, 14.65),
        (-53, 4),
        (55.5, -21.1),
        (45.15, -12.8),
        (9.1, 42.2),
    ):
        assert shapely.contains_xy(land, *(mercator(np.array([[lng, lat]]))[0] * LEVELS[1].steps)), (lng, lat)
