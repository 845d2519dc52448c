"""The basemap as small JSON files that the browser draws on canvas: no tile server, no foreign request.

::

    world.json            countries but France, simplified: shapes, coasts, borders
    france-0.json … -2    départements at three levels of detail: shapes, coasts, borders of each rank
    communes/<code>.json  borders inside one département and the names of its communes, fetched when one is near
    names.json            countries, régions and towns, the most important first

Coordinates are degrees WGS 84 times the file's `scale`, as integers; each line is x, y, then differences. Borders are
written once, not once for each neighbour: a shared segment is found by its two rounded ends.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray

from geo.errors import N_
from layers.errors import LayerError

Progress = Callable[[int, int | None], None]
Rank = Literal["coast", "country", "region", "departement", "commune"]

FORMAT = 1
SCALE = 20_000  # five metres; the boundaries themselves are generalised to about a hundred
WORLD_SCALE = 1_000
# Tolerances in degrees; a pixel is 0.022° at zoom 6, 0.0055° at zoom 8, up to which the first two levels serve.
FRANCE_TOLERANCES = (0.012, 0.004, 0.0)
WORLD_TOLERANCE = 0.03
BORDER_REACH = 0.06  # degrees: how far the world's France strays from ours along a land border
TOWN_POPULATION = 2_000  # smaller communes are named by their département's file


def write_basemap(
    folder: Path,
    communes: gpd.GeoDataFrame,
    departements: gpd.GeoDataFrame,
    regions: gpd.GeoDataFrame,
    countries: gpd.GeoDataFrame,
    progress: Progress | None = None,
) -> None:
    """Write the basemap's files into `folder`, replacing what was there only once all are written.

    Args:
        communes: code, name, departement, population, lng, lat; EPSG:4326 like all four.
        departements: code, region, prefecture (code of a commune).
        regions: name.
        countries: iso_a2, part_of, name_fr, name_en, lng, lat; France is the row FR.

    Raises:
        LayerError: If a frame is not in EPSG:4326.
    """
    frames = {"communes": communes, "departements": departements, "regions": regions, "countries": countries}
    for name, frame in frames.items():
        if frame.crs is None or frame.crs.to_epsg() != 4326:
            raise LayerError(N_("{name} : attendu EPSG:4326, reçu {given}."), name=name, given=frame.crs)
    report = progress or (lambda done, total: None)
    steps = 2 + len(FRANCE_TOLERANCES) + len(departements)
    fresh = folder.with_name(folder.name + ".new")
    shutil.rmtree(fresh, ignore_errors=True)
    (fresh / "communes").mkdir(parents=True)
    frames["communes"] = communes[communes.geometry.notna()]  # a few are drawn with the one they joined
    for step, (name, content) in enumerate(_files(**frames), start=1):
        text = json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        (fresh / name).write_text(text, encoding="utf-8")
        report(step, steps)
    shutil.rmtree(folder, ignore_errors=True)
    fresh.rename(folder)


def _files(
    communes: gpd.GeoDataFrame, departements: gpd.GeoDataFrame, regions: gpd.GeoDataFrame, countries: gpd.GeoDataFrame
) -> Iterable[tuple[str, dict[str, Any]]]:
    yield "names.json", names(communes, departements, regions, countries)
    yield "world.json", world(countries, departements)
    abroad = _abroad(countries)
    for level, tolerance in enumerate(FRANCE_TOLERANCES):
        yield f"france-{level}.json", france(departements, abroad, tolerance)
    for code in departements["code"]:
        yield f"communes/{code}.json", communes_of(communes[communes["departement"] == code])


def france(departements: gpd.GeoDataFrame, abroad: shapely.Geometry, tolerance: float) -> dict[str, Any]:
    """Départements at one level of detail; `tolerance` in degrees, 0 leaves them as they are."""
    shapes = departements.geometry.to_numpy()
    if tolerance:
        shapes = shapely.coverage_simplify(shapes, tolerance)
    segments = Segments.of(shapes, SCALE)
    region = departements["region"].to_numpy()
    inner = segments.second >= 0
    same = np.zeros(len(inner), dtype=bool)
    same[inner] = region[segments.first[inner]] == region[segments.second[inner]]
    at_country = ~inner
    at_country[~inner] = shapely.dwithin(abroad, segments.middles(~inner), BORDER_REACH)
    return {
        "scale": SCALE,
        "shapes": _shapes(shapes, departements["code"], SCALE),
        "lines": {
            "departement": segments.lines(inner & same),
            "region": segments.lines(inner & ~same),
            "country": segments.lines(at_country),
            "coast": segments.lines(~inner & ~at_country),
        },
    }


def world(countries: gpd.GeoDataFrame, departements: gpd.GeoDataFrame) -> dict[str, Any]:
    """All countries but what France's départements cover.

    The world's outline of France is coarser than ours: what of it lies outside ours along a land border would show
    as a strip of sea. Those strips go to the neighbours.
    """
    french = _is_french(countries)
    shapes = shapely.coverage_simplify(countries.geometry.to_numpy(), WORLD_TOLERANCE)
    segments = Segments.of(shapes, WORLD_SCALE)
    inner = segments.second >= 0
    ours = french[segments.first] | (inner & french[segments.second])
    seam = (np.abs(segments.starts[:, 0]) == 180 * WORLD_SCALE) & (np.abs(segments.stops[:, 0]) == 180 * WORLD_SCALE)
    pole = np.minimum(segments.starts[:, 1], segments.stops[:, 1]) <= -85 * WORLD_SCALE
    strips = _strips(countries, departements)
    return {
        "scale": WORLD_SCALE,
        "shapes": [
            *_shapes(shapes[~french], countries["iso_a2"][~french].fillna(""), WORLD_SCALE),
            *_shapes(strips, [""] * len(strips), WORLD_SCALE),
        ],
        "lines": {
            "country": segments.lines(inner & ~ours),
            "coast": segments.lines(~inner & ~ours & ~seam & ~pole),
        },
    }


def communes_of(communes: gpd.GeoDataFrame) -> dict[str, Any]:
    """Borders between the communes of one département, and their names by falling population."""
    segments = Segments.of(communes.geometry.to_numpy(), SCALE)
    ordered = communes.sort_values("population", ascending=False, na_position="last")
    return {
        "scale": SCALE,
        "lines": {"commune": segments.lines(segments.second >= 0)},
        "names": _named(ordered["name"], ordered["lng"], ordered["lat"], ordered["population"].fillna(0)),
    }


def names(
    communes: gpd.GeoDataFrame, departements: gpd.GeoDataFrame, regions: gpd.GeoDataFrame, countries: gpd.GeoDataFrame
) -> dict[str, Any]:
    """Names with a place and a weight; the first ones win where there is no room for all."""
    towns = communes[communes["population"] >= TOWN_POPULATION].copy()
    towns["seat"] = towns["code"].isin(departements["prefecture"])
    towns = towns.sort_values(["seat", "population"], ascending=False)
    lands = countries[~_is_french(countries)].copy()
    lands["extent"] = shapely.area(lands.geometry.to_numpy()) * np.cos(np.radians(lands["lat"]))  # roughly: a weight
    lands = lands.sort_values("extent", ascending=False)
    inside = regions.geometry.representative_point()
    return {
        "countries": _named(lands["name_fr"], lands["lng"], lands["lat"], lands["extent"], lands["name_en"]),
        "regions": _named(regions["name"], inside.x, inside.y, regions["population"].fillna(0)),
        "towns": _named(towns["name"], towns["lng"], towns["lat"], towns["population"], towns["seat"].astype(int)),
    }


@dataclass(frozen=True, slots=True)
class Segments:
    """The distinct segments of a coverage, integers of degrees × scale, with the shapes on either side."""

    starts: NDArray[np.int64]  # (n, 2)
    stops: NDArray[np.int64]
    first: NDArray[np.intp]  # position of a shape
    second: NDArray[np.intp]  # of the other one; -1: the outside
    scale: int

    @classmethod
    def of(cls, shapes: NDArray[np.object_], scale: int) -> Segments:
        rings, owners = _rings(shapes)
        points, ring_of = shapely.get_coordinates(rings, return_index=True)
        grid = np.rint(points * scale).astype(np.int64)
        joined = ring_of[:-1] == ring_of[1:]
        start, stop = grid[:-1][joined], grid[1:][joined]
        owner = owners[ring_of[:-1][joined]]
        moved = (start != stop).any(axis=1)
        start, stop, owner = start[moved], stop[moved], owner[moved]
        swapped = (start[:, 0] > stop[:, 0]) | ((start[:, 0] == stop[:, 0]) & (start[:, 1] > stop[:, 1]))
        ends = np.where(swapped[:, None], np.hstack((stop, start)), np.hstack((start, stop)))
        order = np.lexsort((owner, *ends.T))
        ends, owner = ends[order], owner[order]
        fresh = np.concatenate(([True], (ends[1:] != ends[:-1]).any(axis=1)))
        index = np.flatnonzero(fresh)
        last = np.concatenate((index[1:], [len(ends)])) - 1
        second = np.where(owner[last] != owner[index], owner[last], -1)
        return cls(ends[index, :2], ends[index, 2:], owner[index], second, scale)

    def middles(self, wanted: NDArray[np.bool_]) -> NDArray[np.object_]:
        points = (self.starts[wanted] + self.stops[wanted]) / (2 * self.scale)
        return np.asarray(shapely.points(points))

    def lines(self, wanted: NDArray[np.bool_]) -> list[list[int]]:
        """The wanted segments, joined end to end."""
        if not wanted.any():
            return []
        pieces = shapely.linestrings(np.stack((self.starts[wanted], self.stops[wanted]), axis=1).astype(np.float64))
        merged = shapely.get_parts(shapely.line_merge(shapely.multilinestrings(np.asarray(pieces))))
        return [_differences(line) for line in merged]


def _rings(shapes: NDArray[np.object_]) -> tuple[NDArray[np.object_], NDArray[np.intp]]:
    parts, owner = shapely.get_parts(shapes, return_index=True)
    rings, part = shapely.get_rings(parts, return_index=True)
    return rings, owner[part]


def _shapes(shapes: NDArray[np.object_], codes: Iterable[str], scale: int) -> list[dict[str, Any]]:
    written = []
    for shape, code in zip(shapes, codes, strict=True):
        rings, _ = _rings(np.array([shape], dtype=object))
        lines = [_differences(ring, scale) for ring in rings]
        written.append({"code": code, "rings": [line for line in lines if len(line) >= 8]})
    return written


def _differences(line: shapely.Geometry, scale: int = 1) -> list[int]:
    """x, y, then differences, flat; points that rounding made equal are dropped."""
    grid = np.rint(shapely.get_coordinates(line) * scale).astype(np.int64)
    steps = np.diff(grid, axis=0)
    kept = steps[(steps != 0).any(axis=1)]
    flat: list[int] = np.concatenate((grid[:1], kept)).ravel().tolist()
    return flat


def _named(names: Iterable[str], lng: Any, lat: Any, weight: Any, more: Any = None) -> list[list[Any]]:
    numbers = [np.asarray(column, dtype=np.float64).round(4).tolist() for column in (lng, lat, weight)]
    columns = [list(names), *numbers]
    if more is not None:
        columns.append(list(more))
    return [list(row) for row in zip(*columns, strict=True)]


def _is_french(countries: gpd.GeoDataFrame) -> NDArray[np.bool_]:
    """Rows that the départements draw better: France and its overseas départements."""
    french = (countries["iso_a2"] == "FR") | (countries["part_of"] == "FR")
    return np.asarray(french.fillna(value=False), dtype=bool)


def _abroad(countries: gpd.GeoDataFrame) -> shapely.Geometry:
    abroad = shapely.union_all(countries.geometry.to_numpy()[~_is_french(countries)])
    shapely.prepare(abroad)
    return abroad


def _strips(countries: gpd.GeoDataFrame, departements: gpd.GeoDataFrame) -> NDArray[np.object_]:
    ours = shapely.coverage_union_all(departements.geometry.to_numpy())
    theirs = shapely.union_all(countries.geometry.to_numpy()[_is_french(countries)])
    around = shapely.buffer(shapely.envelope(theirs), 1)
    near = shapely.buffer(shapely.intersection(_abroad(countries), around), BORDER_REACH)
    beyond = shapely.get_parts(shapely.intersection(shapely.difference(theirs, ours), near))
    return np.asarray(beyond[(shapely.get_dimensions(beyond) == 2) & ~shapely.is_empty(beyond)])
