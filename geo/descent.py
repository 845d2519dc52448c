"""Walk down the hexagons along the borders of polygons: which cells lie wholly inside, which a border crosses.

Only cells near a border are opened into their children, so the work follows the length of the borders and not the
surface. What counts as near is conservative: a border passes within the *reach* of a cell, a disc around its centre
that holds the cell, and all its descendants' area too (children poke out of their parent). A cell without a border
in its reach is therefore wholly inside each polygon that holds its centre, with everything below it.

Edges of polygons are straight in longitude and latitude, as GeoJSON has it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import h3.api.numpy_int as h3
import numpy as np
import shapely
from numpy.typing import NDArray

from geo.errors import N_, GeometryError
from geo.grid import boundaries, cells_at, centres, holds, in_threads
from geo.ids import FINEST_RESOLUTION, are_pentagons, children

START_RESOLUTION = 4  # cells of 26 km: few enough to list, small enough for a plane
LONGEST_EDGE = 0.2  # degrees; longer edges are cut, so that an edge's middle is near each of its points

# Radius of the disc that holds all descendants, in circumradii of the cell. In the plane the centres of the outer
# children stand at √3/7 × √7 = 0.655, and each generation is smaller by √7: 0.655 / (1 - 1/√7) = 1.052. The rest is
# for what the sphere does to a hexagon of START_RESOLUTION; tests try it all over the earth.
REACH_OF_DESCENDANTS = 1.052 * 1.03
REACH_OF_CELL = 1.03
REACH_OF_PENTAGON = 1.2  # times more: a pentagon is small among its neighbours, and its children are hexagons

EDGES_AT_ONCE = 1 << 17  # (cell, edge) pairs handled together: seven times as many distances fit the cache


@dataclass(frozen=True, slots=True)
class Edges:
    """The polygons' edges, cut to LONGEST_EDGE; arrays of equal length, degrees."""

    lng: NDArray[np.float64]  # of the start
    lat: NDArray[np.float64]
    d_lng: NDArray[np.float64]  # to the end
    d_lat: NDArray[np.float64]
    polygon: NDArray[np.int32]  # position of the polygon


@dataclass(frozen=True, slots=True)
class Generation:
    """The cells of one resolution near a border, and what is near each.

    Cells own consecutive groups, one for each polygon whose border is near; groups own consecutive edges.
    """

    resolution: int
    cells: NDArray[np.int64]
    reach: NDArray[np.float64]  # degrees of latitude
    holder: NDArray[np.int32]  # lowest polygon that holds the cell's whole reach; NOBODY: none
    first_group: NDArray[np.int64]  # of each cell
    polygon: NDArray[np.int32]  # of each group
    first_edge: NDArray[np.int64]  # of each group
    edge: NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Inside:
    """Cells of one resolution that lie wholly in a polygon, and which; one row for each such pair.

    The coarsest such cells only: their descendants lie inside as well and are not repeated.
    """

    resolution: int
    cells: NDArray[np.int64]
    polygon: NDArray[np.int32]


NOBODY = np.int32(np.iinfo(np.int32).max)
Step = tuple[Inside, Generation]


def descend(polygons: NDArray[np.object_], finest: int) -> Iterator[tuple[Inside, Generation]]:
    """Yield, from START_RESOLUTION (or `finest` if that is coarser) to `finest`, what is inside and what is not sure.

    Args:
        polygons: Valid shapely (multi)polygons, degrees WGS 84, lng -180 to 180 (cut at the antimeridian).
        finest: Resolution of the last generation.

    Raises:
        GeometryError: Something else than valid polygons in degrees.
    """
    check_polygons(polygons)
    shapely.prepare(polygons)
    edges = _edges_of(polygons)
    resolution = min(START_RESOLUTION, finest)
    if len(edges.lng) == 0:
        yield from (_nothing(each) for each in range(resolution, finest + 1))
        return
    inside, generation = _first_generation(polygons, edges, resolution)
    yield inside, generation
    while generation.resolution < finest:
        last = FINEST_RESOLUTION <= finest == generation.resolution + 1  # nobody asks for its descendants
        inside, generation = _next_generation(polygons, edges, generation, last)
        yield inside, generation


def check_polygons(polygons: NDArray[np.object_]) -> None:
    """Raises `GeometryError` unless all are valid polygons or multipolygons in degrees; empty ones are welcome."""
    kinds = shapely.get_type_id(polygons)
    wrong = ~np.isin(kinds, (shapely.GeometryType.POLYGON, shapely.GeometryType.MULTIPOLYGON))
    if wrong.any():
        raise GeometryError(
            N_("{count} géométries ne sont pas des polygones, à commencer par la n° {first}."),
            count=int(wrong.sum()),
            first=int(np.flatnonzero(wrong)[0]),
        )
    if shapely.is_empty(polygons).all():
        return
    west, south, east, north = shapely.total_bounds(polygons)
    if west < -180 or south < -90 or east > 180 or north > 90:
        raise GeometryError(
            N_("Polygones de ({west}, {south}) à ({east}, {north}) : des degrés WGS 84 sont attendus."),
            west=west,
            south=south,
            east=east,
            north=north,
        )
    wrong = ~shapely.is_valid(polygons)
    if wrong.any():
        first = int(np.flatnonzero(wrong)[0])
        raise GeometryError(
            N_("{count} polygones ne sont pas valides, à commencer par le n° {first} : {reason}."),
            count=int(wrong.sum()),
            first=first,
            reason=shapely.is_valid_reason(polygons[first]),
        )


def _edges_of(polygons: NDArray[np.object_]) -> Edges:
    parts, polygon_of_part = shapely.get_parts(polygons, return_index=True)
    rings, part_of_ring = shapely.get_rings(parts, return_index=True)
    points, ring = shapely.get_coordinates(rings, return_index=True)
    start = np.flatnonzero((ring[:-1] == ring[1:]) & (points[:-1] != points[1:]).any(axis=1))
    lng, lat = points[start].T
    d_lng, d_lat = (points[start + 1] - points[start]).T
    pieces = np.ceil(np.hypot(d_lng, d_lat) / LONGEST_EDGE).astype(np.int64)
    edge = np.repeat(np.arange(len(start)), pieces)
    nth = np.arange(len(edge)) - np.repeat(np.cumsum(pieces) - pieces, pieces)
    d_lng, d_lat = (d_lng / pieces)[edge], (d_lat / pieces)[edge]
    polygon = polygon_of_part[part_of_ring[ring[start]]].astype(np.int32)
    return Edges(lng[edge] + nth * d_lng, lat[edge] + nth * d_lat, d_lng, d_lat, polygon[edge])


def _nothing(resolution: int) -> Step:
    none, no_cell = np.zeros(0, dtype=np.int32), np.zeros(0, dtype=np.int64)
    start = np.zeros(1, dtype=np.int64)
    generation = Generation(resolution, no_cell, np.zeros(0), none, start, none, start, none)
    return Inside(resolution, no_cell, none), generation


def _first_generation(polygons: NDArray[np.object_], edges: Edges, resolution: int) -> Step:
    cells, rank, edge = _cells_around(edges, resolution)
    reach = _reach_of_first(cells)
    lng, lat = centres(cells)
    narrowing = _narrowing(lat, reach)
    offset = _wrapped(edges.lng[edge] - lng[rank]), edges.lat[edge] - lat[rank]
    near = _squared_distance(offset, edges, edge, narrowing[rank]) <= reach[rank] ** 2
    rank, edge = rank[near], edge[near]
    order = np.lexsort((edge, rank))  # edges are in the order of polygons, so groups come out together
    rank, edge = rank[order], edge[order]
    starts_cell = _changes(rank)
    starts_group = starts_cell | _changes(edges.polygon[edge])
    first_edge = np.flatnonzero(starts_group)
    kept, polygon = rank[starts_cell], edges.polygon[edge[first_edge]]
    inside = _inside_at_first(polygons, resolution, cells[rank[first_edge]], polygon)
    generation = Generation(
        resolution=resolution,
        cells=cells[kept],
        reach=reach[kept],
        holder=_lowest_holder(cells[kept], inside),
        first_group=np.append(np.flatnonzero(starts_cell[first_edge]), len(first_edge)),
        polygon=polygon,
        first_edge=np.append(first_edge, len(edge)),
        edge=edge,
    )
    return inside, generation


def _cells_around(edges: Edges, resolution: int) -> tuple[NDArray[np.int64], NDArray[np.intp], NDArray[np.int32]]:
    """List candidate pairs of first cells and edges: each edge with the cell of its middle and that cell's neighbours.

    An edge is shorter than such a cell is wide, so no other cell can be near it.

    Returns:
        The cells, sorted, and for each pair the rank of its cell and its edge.
    """
    middle, place = np.unique(
        cells_at(edges.lng + edges.d_lng / 2, edges.lat + edges.d_lat / 2, resolution), return_inverse=True
    )
    around = np.zeros((len(middle), 7), dtype=np.int64)
    for row, cell in zip(around, middle.tolist(), strict=True):
        disc = h3.grid_disk(cell, 1)
        row[: len(disc)] = disc  # a pentagon has five neighbours
    cells, rank = np.unique(around[around != 0], return_inverse=True)
    ranks = np.full(around.shape, -1, dtype=np.intp)
    ranks[around != 0] = rank
    edge, nth = np.nonzero(ranks[place] >= 0)
    return cells, ranks[place[edge], nth], edge.astype(np.int32)


def _reach_of_first(cells: NDArray[np.int64]) -> NDArray[np.float64]:
    """Measure the reach of cells from their corners, in degrees of a great circle."""
    corners, cell = shapely.get_coordinates(boundaries(cells), return_index=True)
    centre = _on_sphere(*centres(cells))
    chord = np.linalg.norm(_on_sphere(corners[:, 0], corners[:, 1]) - centre[cell], axis=1)
    circumradius = np.zeros(len(cells))
    np.maximum.at(circumradius, cell, np.degrees(2 * np.arcsin(chord / 2)))
    circumradius[are_pentagons(cells)] *= REACH_OF_PENTAGON
    return circumradius * REACH_OF_DESCENDANTS


def _inside_at_first(
    polygons: NDArray[np.object_], resolution: int, near_cells: NDArray[np.int64], near_polygon: NDArray[np.int32]
) -> Inside:
    cells, lng, lat = _all_cells(resolution)
    west, south, east, north = shapely.total_bounds(polygons)
    candidate = np.flatnonzero((lng >= west) & (lng <= east) & (lat >= south) & (lat <= north))
    point, polygon = shapely.STRtree(polygons).query(shapely.points(lng[candidate], lat[candidate]))
    point = candidate[point]
    count = len(polygons)
    near = np.searchsorted(cells, near_cells) * count + near_polygon
    clear = ~np.isin(point * count + polygon, near)
    point, polygon = point[clear], polygon[clear]
    inside = holds(polygons, polygon, lng[point], lat[point])
    return Inside(resolution, cells[point[inside]], polygon[inside].astype(np.int32))


@cache
def _all_cells(resolution: int) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
    """List all cells of the earth, sorted, and their centres; for coarse resolutions."""
    cells = np.array(sorted(h3.get_res0_cells()), dtype=np.int64)
    for coarser in range(resolution):
        cells = children(cells, coarser).T.ravel()
        cells = cells[cells != 0]
    return (cells, *centres(cells))


def _lowest_holder(cells: NDArray[np.int64], inside: Inside) -> NDArray[np.int32]:
    holder = np.full(len(cells), NOBODY)
    place = np.searchsorted(cells, inside.cells)
    place[place == len(cells)] = 0
    found = cells[place] == inside.cells if len(cells) else np.zeros(0, dtype=np.bool_)
    np.minimum.at(holder, place[found], inside.polygon[found])
    return holder


def _next_generation(polygons: NDArray[np.object_], edges: Edges, parent: Generation, last: bool) -> Step:
    """Open the cells in portions of about EDGES_AT_ONCE pairs, in two threads."""
    edges_before = parent.first_edge[parent.first_group]
    portions = np.unique(np.searchsorted(edges_before, np.arange(0, len(parent.edge), EDGES_AT_ONCE)))
    portions = np.append(portions, len(parent.cells))
    steps: list[Step | None] = [None] * (len(portions) - 1)

    def work(portion: int) -> None:
        some = _part_of(parent, portions[portion], portions[portion + 1])
        steps[portion] = _open(polygons, edges, some, last)

    in_threads(work, len(steps), 1)
    return _joined([step for step in steps if step is not None], parent.resolution + 1)


def _open(polygons: NDArray[np.object_], edges: Edges, parent: Generation, last: bool) -> Step:
    """Share out a generation's edges among the children of its cells. Arrays below are children × parents' things."""
    count = len(parent.cells)
    family = children(parent.cells, parent.resolution)
    lng, lat = centres(family)
    reach = parent.reach / np.sqrt(7) * (REACH_OF_CELL / REACH_OF_DESCENDANTS if last else 1)

    group_cell = np.repeat(np.arange(count), np.diff(parent.first_group))
    edge_cell = np.repeat(group_cell, np.diff(parent.first_edge))
    # The first child has its parent's centre. Longitudes are counted from there, across the antimeridian if need be.
    from_parent = _wrapped(edges.lng[parent.edge] - lng[0, edge_cell])
    eastward = _wrapped(lng - lng[0])
    offset = from_parent - eastward[:, edge_cell], edges.lat[parent.edge] - lat[:, edge_cell]
    narrowing = _narrowing(lat[0], parent.reach)[edge_cell]
    near = _squared_distance(offset, edges, parent.edge, narrowing) <= (reach**2)[edge_cell]  # False for no child
    near_group = np.logical_or.reduceat(near, parent.first_edge[:-1], axis=1)
    near_cell = np.logical_or.reduceat(near_group, parent.first_group[:-1], axis=1)

    # A polygon that was near the parent and is not near the child holds it wholly or not at all.
    child, group = np.nonzero(~near_group & (family != 0)[:, group_cell])
    polygon, cell = parent.polygon[group], group_cell[group]
    held = holds(polygons, polygon, lng[child, cell], lat[child, cell])
    child, cell, polygon = child[held], cell[held], polygon[held]
    holder = np.broadcast_to(parent.holder, family.shape).copy()
    np.minimum.at(holder, (child, cell), polygon)

    groups = np.add.reduceat(near_group, parent.first_group[:-1], axis=1, dtype=np.int64)[near_cell]
    edges_of_group = np.add.reduceat(near, parent.first_edge[:-1], axis=1, dtype=np.int64)[near_group]
    inside = Inside(parent.resolution + 1, family[child, cell], polygon)
    generation = Generation(
        resolution=parent.resolution + 1,
        cells=family[near_cell],
        reach=np.broadcast_to(reach, family.shape)[near_cell],
        holder=holder[near_cell],
        first_group=_bounds(groups),
        polygon=np.broadcast_to(parent.polygon, near_group.shape)[near_group],
        first_edge=_bounds(edges_of_group),
        edge=np.broadcast_to(parent.edge, near.shape)[near],
    )
    return inside, generation


def _part_of(generation: Generation, start: int, stop: int) -> Generation:
    """Some consecutive cells of a generation, with what is near them."""
    groups = slice(generation.first_group[start], generation.first_group[stop])
    first_edge = generation.first_edge[groups.start : groups.stop + 1]
    return Generation(
        resolution=generation.resolution,
        cells=generation.cells[start:stop],
        reach=generation.reach[start:stop],
        holder=generation.holder[start:stop],
        first_group=generation.first_group[start : stop + 1] - groups.start,
        polygon=generation.polygon[groups],
        first_edge=first_edge - first_edge[0],
        edge=generation.edge[first_edge[0] : first_edge[-1]],
    )


def _joined(steps: list[Step], resolution: int) -> Step:
    insides, generations = [step[0] for step in steps], [step[1] for step in steps]
    inside = Inside(resolution, *(_stacked([getattr(i, name) for i in insides]) for name in ("cells", "polygon")))
    whole = {
        name: _stacked([getattr(generation, name) for generation in generations])
        for name in ("cells", "reach", "holder", "polygon", "edge")
    }
    groups = _bounds(_stacked([np.diff(generation.first_group) for generation in generations]))
    edges = _bounds(_stacked([np.diff(generation.first_edge) for generation in generations]))
    return inside, Generation(resolution=resolution, first_group=groups, first_edge=edges, **whole)


def _squared_distance(
    offset: tuple[NDArray[np.float64], NDArray[np.float64]],
    edges: Edges,
    edge: NDArray[np.int32],
    narrowing: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Squared distance of centres to edges, in degrees of latitude; `offset`: from the centre to the edge's start."""
    x, y = offset[0] * narrowing, offset[1]
    dx, dy = edges.d_lng[edge] * narrowing, edges.d_lat[edge]
    length_2 = np.maximum(dx * dx + dy * dy, np.finfo(np.float64).tiny)  # 0: along a parallel at the pole
    nearest = np.clip((x * dx + y * dy) / -length_2, 0, 1)
    return np.asarray((x + nearest * dx) ** 2 + (y + nearest * dy) ** 2)


def _narrowing(lat: NDArray[np.float64], reach: NDArray[np.float64]) -> NDArray[np.float64]:
    """A degree of longitude in degrees of latitude, where the cell's reach comes nearest to a pole.

    Taken there, distances come out too short rather than too long, so that no border is missed.
    """
    return np.asarray(np.cos(np.radians(np.minimum(np.abs(lat) + reach, 90))))


def _wrapped(degrees: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(degrees - 360 * np.round(degrees / 360))


def _on_sphere(lng: NDArray[np.float64], lat: NDArray[np.float64]) -> NDArray[np.float64]:
    lng, lat = np.radians(lng), np.radians(lat)
    return np.column_stack((np.cos(lat) * np.cos(lng), np.cos(lat) * np.sin(lng), np.sin(lat)))


def _changes(values: NDArray[Any]) -> NDArray[np.bool_]:
    """True where a value differs from the one before; the first one does."""
    changes = np.ones(len(values), dtype=np.bool_)
    np.not_equal(values[1:], values[:-1], out=changes[1:])
    return changes


def _bounds(counts: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.concatenate((np.zeros(1, dtype=np.int64), np.cumsum(counts)))


def _stacked(arrays: list[NDArray[Any]]) -> NDArray[Any]:
    return np.concatenate(arrays)
