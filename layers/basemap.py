"""The basemap as tiles that the browser draws on canvas: no tile server, no foreign request.

::

    index.json                       digest, levels, and which tiles of each level there are
    <level>/<x>-<y>.<digest>.json    one tile: land, abroad (rings), lines by rank, names

Each level serves a span of map zooms (`LEVELS`) and has tiles of one zoom of the usual pyramid. A tile's coordinates
are integers, 0 to `extent` from its north-west corner in Web Mercator; each line or ring is x, y, then differences,
flat. Lines are cut where tiles meet, each border being written once under the highest rank it has. Rings reach a little
over the edge, so that no seam shows between two tiles of one colour. A name is kind, name, x, y, importance, zoom from
which it is written, and in English if that differs; it is in one tile of a level, that of its place.

A tile that is not in the index has nothing that the coarser one does not have: the browser draws that one. From the
third level on there are tiles around France only. The digest is that of all files: browsers keep a tile for ever.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from geo.errors import N_
from layers.basemap_lines import Segments, cut, mercator, rings_of, to_mercator
from layers.basemap_names import is_french, names
from layers.errors import LayerError

Progress = Callable[[int, int | None], None]
Rank = Literal["coast", "country", "region", "departement", "epci", "commune"]
RANKS: tuple[Rank, ...] = ("coast", "country", "region", "departement", "epci", "commune")

FORMAT = 2
INDEX = "index.json"
MAP_TILE_PX = 256  # of the pyramid's tiles at the map zoom of their own number


class Level(NamedTuple):
    """Tiles for map zooms from `zoom` up to the next level's."""

    zoom: float
    tile_zoom: int
    extent: int  # steps across a tile
    tolerance_px: float  # of simplification, at the zoom where the next level takes over; 0: as it is
    finest: Rank  # the lowest rank of border it draws
    world: bool  # whether there are tiles everywhere, or around France only

    @property
    def tiles(self) -> int:
        """Around the world."""
        return 1 << self.tile_zoom

    @property
    def steps(self) -> int:
        """Of the grid, around the world."""
        return self.tiles * self.extent


LEVELS = (
    Level(0, 2, 4096, 0.7, "country", world=True),
    Level(4.5, 4, 4096, 0.7, "departement", world=True),
    Level(6.5, 6, 4096, 0.6, "departement", world=False),
    Level(8.5, 7, 8192, 0.6, "epci", world=False),
    Level(10, 9, 16384, 0.0, "commune", world=False),
)
LEAST_ISLAND_PX2 = 1.0  # an island abroad smaller than that, at the level's last zoom, is left out
BORDER_REACH = 0.08 / 360  # of the world: how far its France strays from ours along a land border (8 km in the south)
OVERLAP = 1 / 128  # of a tile: how far rings reach over its edge; two pixels at the least
LLIVIA = (1.98, 42.465)  # lng, lat: the one hole in France that is another country's, and not in the world's file
NEAR = 0.1  # of a tile: how near France must be for a tile of a level that is not the whole world's


def write_basemap(
    folder: Path,
    communes: gpd.GeoDataFrame,
    arrondissements: gpd.GeoDataFrame,
    departements: gpd.GeoDataFrame,
    regions: gpd.GeoDataFrame,
    countries: gpd.GeoDataFrame,
    progress: Progress | None = None,
) -> None:
    """Write the basemap's files into `folder`, replacing what was there only once all are written.

    Args:
        communes: code, name, departement, epci, population, lng, lat; EPSG:4326 like all five. They make up the
            départements.
        arrondissements: name, commune (code), population; they make up their commune.
        departements: code, name, region, prefecture (code of a commune), population.
        regions: name, population.
        countries: iso_a2, part_of, name_fr, name_en, lng, lat; France is the row FR.

    Raises:
        LayerError: If a frame is not in EPSG:4326.
    """
    frames = {
        "communes": communes,
        "arrondissements": arrondissements,
        "departements": departements,
        "regions": regions,
        "countries": countries,
    }
    for name, frame in frames.items():
        if frame.crs is None or frame.crs.to_epsg() != 4326:
            raise LayerError(N_("{name} : attendu EPSG:4326, reçu {given}."), name=name, given=frame.crs)
    report = progress or (lambda done, total: None)
    drawn = communes[communes.geometry.notna()]  # a few are drawn with the one they joined
    lands = Lands.of(drawn, arrondissements, departements, countries)
    table = names(drawn, arrondissements, departements, regions, countries)
    pyramid: list[dict[tuple[int, int], Any]] = []
    for step, level in enumerate(LEVELS, start=1):
        pyramid.append(tiles_of(level, lands))
        report(step, len(LEVELS) + 1)
    _put_names(pyramid, table)
    fresh = folder.with_name(folder.name + ".new")
    shutil.rmtree(fresh, ignore_errors=True)
    _write(fresh, pyramid)
    report(len(LEVELS) + 1, len(LEVELS) + 1)
    shutil.rmtree(folder, ignore_errors=True)
    fresh.rename(folder)


@dataclass(frozen=True, slots=True)
class Lands:
    """What is drawn, in Web Mercator from 0 to 1: units of France with their codes, and the other countries."""

    communes: NDArray[np.object_]  # the three largest by arrondissement
    units: pd.DataFrame  # of each commune: region, departement, epci
    departements: NDArray[np.object_]
    regions: NDArray[np.object_]  # code of each département's région
    countries: NDArray[np.object_]  # all of them, as one coverage
    french: NDArray[np.bool_]  # which of them are France, as the world's file draws it
    abroad: shapely.Geometry  # the others together
    strips: NDArray[np.object_]  # of neighbours, beside that coverage

    @classmethod
    def of(
        cls,
        communes: gpd.GeoDataFrame,
        arrondissements: gpd.GeoDataFrame,
        departements: gpd.GeoDataFrame,
        countries: gpd.GeoDataFrame,
    ) -> Lands:
        """Project them and make them whole (see `_fill_holes` and `_strips`)."""
        places = _by_arrondissement(communes, arrondissements)
        region_of = dict(zip(departements["code"], departements["region"], strict=True))
        units = pd.DataFrame(
            {
                "region": places["departement"].map(region_of).to_numpy(),
                "departement": places["departement"].to_numpy(),
                "epci": places["epci"].fillna("").to_numpy(),
            }
        )
        shapes, owners, enclaves = _fill_holes(to_mercator(places.geometry.to_numpy()))
        units = pd.concat([units, units.iloc[owners]], ignore_index=True)
        ours = _united(
            shapes, units["departement"], departements["code"], to_mercator(departements.geometry.to_numpy())
        )
        world = to_mercator(countries.geometry.to_numpy())
        french = is_french(countries)
        abroad = shapely.union_all([*world[~french], *enclaves])
        shapely.prepare(abroad)
        strips = np.concatenate((_strips(abroad, world[french], ours), enclaves))
        return cls(shapes, units, ours, departements["region"].to_numpy(), world, french, abroad, strips)

    def coverage(self, finest: Rank) -> tuple[NDArray[np.object_], pd.DataFrame]:
        """The shapes whose borders go down to a rank, and their codes."""
        if finest == "commune":
            return self.communes, self.units
        if finest == "epci":
            groups = self.units.groupby(["region", "departement", "epci"], sort=True).indices
            shapes = [shapely.coverage_union_all(self.communes[index]) for index in groups.values()]
            return np.array(shapes, dtype=object), pd.DataFrame(list(groups), columns=["region", "departement", "epci"])
        codes = pd.DataFrame({"region": self.regions, "departement": np.arange(len(self.departements))})
        return self.departements, codes.assign(epci="")


def _by_arrondissement(communes: gpd.GeoDataFrame, arrondissements: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """departement, epci, geometry of communes, those that have arrondissements in as many rows."""
    columns = ["code", "departement", "epci", "geometry"]
    parts = arrondissements[["commune", "geometry"]].merge(
        communes.drop(columns="geometry"), left_on="commune", right_on="code"
    )
    whole = communes[~communes["code"].isin(parts["commune"])]
    return gpd.GeoDataFrame(pd.concat([whole[columns], parts[columns]], ignore_index=True), crs=communes.crs)


def _fill_holes(
    communes: NDArray[np.object_],
) -> tuple[NDArray[np.object_], NDArray[np.intp], NDArray[np.object_]]:
    """Communes that the source has no boundary for are holes, which would show as lakes.

    Returns:
        The communes and after them the holes; for each hole, the position of the commune it has the longest border
        with, whose codes it is given; the holes that are another country's.
    """
    france = shapely.get_parts(shapely.coverage_union_all(communes))
    rings, owner = shapely.get_rings(france, return_index=True)
    inner = np.concatenate(([False], owner[1:] == owner[:-1]))[: len(rings)]  # the first ring is the outline
    holes = np.asarray(shapely.polygons(rings[inner]))
    outer, island = shapely.STRtree(france).query(holes, predicate="contains")
    for at, part in zip(outer.tolist(), island.tolist(), strict=True):  # a commune amid two that are missing
        holes[at] = shapely.difference(holes[at], france[part])
    abroad = shapely.intersects_xy(holes, *mercator(np.array([LLIVIA]))[0])
    enclaves, holes = holes[abroad], holes[~abroad]
    hole, commune = shapely.STRtree(communes).query(holes, predicate="intersects")
    shared = shapely.length(shapely.intersection(shapely.boundary(holes[hole]), communes[commune]))
    order = np.lexsort((-shared, hole))
    _each, first = np.unique(hole[order], return_index=True)
    return np.concatenate((communes, holes)), commune[order][first], enclaves


def _united(
    shapes: NDArray[np.object_], of: pd.Series, codes: pd.Series, known: NDArray[np.object_]
) -> NDArray[np.object_]:
    """Départements with the holes that were filled: the union of their communes, where there are any."""
    groups = of.groupby(of.to_numpy()).indices
    united = [
        shapely.coverage_union_all(shapes[groups[code]]) if code in groups else shape
        for code, shape in zip(codes, known, strict=True)
    ]
    return np.array(united, dtype=object)


def _strips(abroad: shapely.Geometry, theirs: NDArray[np.object_], ours: NDArray[np.object_]) -> NDArray[np.object_]:
    """What of the world's France lies outside ours along a land border: it would show as a strip of sea."""
    france = shapely.union_all(theirs)
    around = shapely.buffer(shapely.envelope(france), 1 / 360)
    near = shapely.buffer(shapely.intersection(abroad, around), BORDER_REACH)
    beyond = shapely.get_parts(shapely.intersection(shapely.difference(france, shapely.coverage_union_all(ours)), near))
    return np.asarray(beyond[(shapely.get_dimensions(beyond) == 2) & ~shapely.is_empty(beyond)])


def tiles_of(level: Level, lands: Lands) -> dict[tuple[int, int], Any]:
    """The tiles of a level, without names: {(x, y): {"land", "abroad", "lines"}}."""
    shapes, codes = lands.coverage(level.finest)
    world, french = lands.countries, lands.french
    tolerance = level.tolerance_px / (MAP_TILE_PX * 2 ** _last_zoom(level)) if level.tolerance_px else 0.0
    if tolerance:
        shapes = shapely.coverage_simplify(shapes, tolerance)
        world, french = _without_specks(world, french, level)
        world = shapely.coverage_simplify(world, tolerance)
    france = shapely.coverage_union_all(shapes)
    abroad = shapely.union_all([*world[~french], *lands.strips])
    places = None if level.world else _around(france, level)
    tiles: dict[tuple[int, int], Any] = defaultdict(lambda: {"land": [], "abroad": [], "lines": defaultdict(list)})
    for rank, lines in _lines(level, shapes, codes, world, french, france, lands.abroad):
        for piece in cut(lines, level.extent, level.tiles):
            if places is None or (piece.x, piece.y) in places:
                tiles[piece.x, piece.y]["lines"][rank].append(piece.flat)
    for kind, ground in (("land", france), ("abroad", abroad)):
        for place, ring in _rings(ground, level, places):
            tiles[place][kind].append(ring)
    return dict(tiles)


def _last_zoom(level: Level) -> float:
    following = LEVELS[LEVELS.index(level) + 1 :]
    return following[0].zoom if following else level.zoom + 2


def _without_specks(
    world: NDArray[np.object_], french: NDArray[np.bool_], level: Level
) -> tuple[NDArray[np.object_], NDArray[np.bool_]]:
    """Countries in parts, without islands too small to see; a country's largest part stays."""
    parts, owner = shapely.get_parts(world, return_index=True)
    areas = shapely.area(parts)
    largest = np.zeros(len(world))
    np.maximum.at(largest, owner, areas)
    least = LEAST_ISLAND_PX2 / (MAP_TILE_PX * 2 ** _last_zoom(level)) ** 2
    kept = (areas >= least) | (areas == largest[owner])
    return parts[kept], french[owner[kept]]


def _lines(
    level: Level,
    shapes: NDArray[np.object_],
    codes: pd.DataFrame,
    world: NDArray[np.object_],
    french: NDArray[np.bool_],
    france: shapely.Geometry,
    neighbours: shapely.Geometry,
) -> Iterable[tuple[Rank, NDArray[np.object_]]]:
    """Lines of France, each segment under its highest rank, then those of the world."""
    segments = Segments.of(shapes, level.steps)
    left, right = segments.first, segments.second
    inner = right >= 0
    differs = {}
    for name in ("region", "departement", "epci"):
        column = codes[name].to_numpy()
        differs[name] = inner & (column[left] != column[right])
    outer = ~inner
    at_country = outer.copy()
    at_country[outer] = shapely.dwithin(neighbours, segments.middles(outer), BORDER_REACH)
    region = differs["region"]
    departement = differs["departement"] & ~region
    epci = differs["epci"] & ~region & ~departement
    rest = inner & ~region & ~departement & ~epci
    wanted: dict[Rank, NDArray[np.bool_]] = {"coast": outer & ~at_country, "country": at_country}
    wanted |= {"region": region, "departement": departement, "epci": epci, "commune": rest}
    for rank in RANKS[: RANKS.index(level.finest) + 1]:
        yield rank, segments.lines(wanted[rank])
    yield from _foreign_lines(level, world, french, france)


def _foreign_lines(
    level: Level, world: NDArray[np.object_], french: NDArray[np.bool_], france: shapely.Geometry
) -> Iterable[tuple[Rank, NDArray[np.object_]]]:
    """Coasts and borders of the other countries; what of them strays into France is left out."""
    segments = Segments.of(world, level.steps)
    inner = segments.second >= 0
    ours = french[segments.first] | (inner & french[segments.second])
    ends = np.stack((segments.starts, segments.stops))
    seam = np.isin(ends[:, :, 0], (0, level.steps)).all(axis=0)  # where maps cut the world at 180°
    pole = np.isin(ends[:, :, 1], (0, level.steps)).any(axis=0)
    ground = shapely.transform(france, lambda points: points * level.steps)
    shapely.prepare(ground)
    ranks: tuple[tuple[Rank, NDArray[np.bool_]], ...] = (
        ("coast", ~inner & ~ours & ~seam & ~pole),
        ("country", inner & ~ours),
    )
    for rank, wanted in ranks:
        lines = segments.lines(wanted)
        stray = shapely.intersects(ground, lines)
        lines[stray] = shapely.difference(lines[stray], ground)
        parts = shapely.get_parts(lines)
        yield rank, parts[~shapely.is_empty(parts)]


def _around(france: shapely.Geometry, level: Level) -> set[tuple[int, int]]:
    """The tiles that hold some of France, or have it near."""
    parts = shapely.get_parts(france)
    found = set()
    for west, north, east, south in shapely.bounds(parts) * level.tiles:
        for x in range(int(west - NEAR), int(east + NEAR) + 1):
            for y in range(int(north - NEAR), int(south + NEAR) + 1):
                found.add((x, y))
    places = sorted(found)
    boxes = _boxes(places, level, NEAR)
    shapely.prepare(france)
    near = shapely.intersects(france, boxes)
    return {place for place, is_near in zip(places, near.tolist(), strict=True) if is_near}


def _boxes(places: list[tuple[int, int]], level: Level, margin: float) -> NDArray[np.object_]:
    corners = np.array(places, dtype=np.float64).reshape(-1, 2)
    low, high = (corners - margin) / level.tiles, (corners + 1 + margin) / level.tiles
    return np.asarray(shapely.box(low[:, 0], low[:, 1], high[:, 0], high[:, 1]))


def _rings(
    ground: shapely.Geometry, level: Level, places: set[tuple[int, int]] | None
) -> Iterable[tuple[tuple[int, int], list[int]]]:
    """Rings of what of `ground` lies in each tile and a little around it."""
    everywhere = [(x, y) for x in range(level.tiles) for y in range(level.tiles)]
    wanted = everywhere if places is None else sorted(places)
    boxes = _boxes(wanted, level, OVERLAP)
    parts = shapely.get_parts(ground)
    index, part = shapely.STRtree(parts).query(boxes, predicate="intersects")
    inside = shapely.contains_properly(boxes[index], parts[part])
    pieces = parts[part].copy()
    pieces[~inside] = shapely.intersection(pieces[~inside], boxes[index[~inside]])
    for at, piece in zip(index.tolist(), pieces, strict=True):
        x, y = wanted[at]
        polygons = shapely.get_parts(piece)
        rings, _owner = rings_of(polygons[shapely.get_dimensions(polygons) == 2])
        for ring in rings:
            grid = (
                np.rint(shapely.get_coordinates(ring) * level.steps).astype(np.int64) - np.array([x, y]) * level.extent
            )
            steps = np.diff(grid, axis=0)
            steps = steps[(steps != 0).any(axis=1)]
            if len(steps) >= 3:
                yield (x, y), [*grid[0].tolist(), *steps[:-1].ravel().tolist()]  # filling closes it


def _put_names(pyramid: list[dict[tuple[int, int], Any]], table: pd.DataFrame) -> None:
    """Give each name to one tile of each level that has zooms at which it is written.

    Where there is no finer tile, the coarser one serves on, and has the names of the finer zooms too.
    """
    at = table[["x", "y"]].to_numpy(dtype=np.float64)
    zooms = table["zoom"].to_numpy(dtype=np.float64)
    rows = [[kind, name] for kind, name in zip(table["kind"], table["name"], strict=True)]
    ends = [
        [round(importance, 1), round(zoom, 2), *([english] if english else [])]
        for importance, zoom, english in zip(
            table["importance"].tolist(), zooms.tolist(), table["english"].tolist(), strict=True
        )
    ]
    tile_of = [list(map(tuple, np.floor(at * level.tiles).astype(np.int64).tolist())) for level in LEVELS]
    for rank, level in enumerate(LEVELS):
        steps = np.rint((at * level.tiles - np.array(tile_of[rank])) * level.extent).astype(np.int64).tolist()
        last = rank + 1 == len(LEVELS)
        for i, place in enumerate(tile_of[rank]):
            later = not last and zooms[i] >= LEVELS[rank + 1].zoom and tile_of[rank + 1][i] in pyramid[rank + 1]
            if not later and place in pyramid[rank]:
                pyramid[rank][place].setdefault("names", []).append([*rows[i], *steps[i], *ends[i]])


def _write(folder: Path, pyramid: list[dict[tuple[int, int], Any]]) -> None:
    texts = {
        (rank, x, y): json.dumps(tile, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        for rank, tiles in enumerate(pyramid)
        for (x, y), tile in sorted(tiles.items())
    }
    digest = hashlib.sha256(repr((FORMAT, LEVELS, sorted(texts.items()))).encode()).hexdigest()[:16]
    for (rank, x, y), text in texts.items():
        path = folder / str(rank) / f"{x}-{y}.{digest}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    levels = [
        {"zoom": level.zoom, "tileZoom": level.tile_zoom, "extent": level.extent, "tiles": _runs(tiles)}
        for level, tiles in zip(LEVELS, pyramid, strict=True)
    ]
    index = {"format": FORMAT, "digest": digest, "levels": levels}
    (folder / INDEX).write_text(json.dumps(index, separators=(",", ":")), encoding="utf-8")


def _runs(places: Iterable[tuple[int, int]]) -> list[list[int]]:
    """Rows of neighbours: y, first x, last x."""
    runs: list[list[int]] = []
    for y, x in sorted((y, x) for x, y in places):
        if runs and runs[-1][0] == y and runs[-1][2] == x - 1:
            runs[-1][2] = x
        else:
            runs.append([y, x, x])
    return runs
