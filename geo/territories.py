"""Which polygon holds each point: a table of hexagons, and geometry only where a border passes.

The table is addressed directly by the bits of a point's cell, without hashing or searching: base cell and first four
digits give an entry, which is an answer (a polygon, or none), or the block of entries to look into with the next
digits; at the last digits, the few polygons among which the exact predicate of GEOS chooses.
"""

from __future__ import annotations

import os
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray

from geo.descent import NOBODY, START_RESOLUTION, Generation, Inside, descend
from geo.errors import N_, GeometryError
from geo.grid import CHUNK, holds, in_threads
from geo.ids import FINEST_RESOLUTION, digit_bits_below, parents, resolutions

LAYOUT = 1  # of the saved file; another number is built anew
NOWHERE = -1  # the answer for a point outside all polygons
# Resolutions at which the table is addressed. Steps of two digits waste little: 49 of 64 entries are used.
STEPS = (START_RESOLUTION, 6, 8, 9, 10)
FIRST_BITS = 7 + 3 * START_RESOLUTION  # base cell and digits


@dataclass(frozen=True, slots=True)
class TerritoryIndex:
    """Finds the position, in the array given to `build`, of the polygon that holds each point.

    A point on a border shared by several polygons, or inside several that overlap, belongs to the first of them.
    """

    polygons: NDArray[np.object_]
    steps: tuple[int, ...]  # resolution of each table
    # Entries of each step. ≥ 0: this polygon; -1: none; -2 - i: block i of the next step (of the last: choice i).
    tables: tuple[NDArray[np.int32], ...]
    first_choice: NDArray[np.int64]  # choice i is choices[first_choice[i]:first_choice[i + 1]]
    choices: NDArray[np.int32]  # polygons, in order within a choice

    @classmethod
    def build(cls, polygons: ArrayLike, finest: int = FINEST_RESOLUTION) -> TerritoryIndex:
        """Index polygons.

        Args:
            polygons: Valid shapely (multi)polygons, degrees WGS 84, shape (n,); they may touch and overlap.
            finest: Resolution at which geometry takes over. Coarser makes a smaller table and more exact tests: 10
                for communes, 7 for countries of the whole world.

        Raises:
            GeometryError: Something else than valid polygons in degrees.
        """
        if not START_RESOLUTION <= finest <= FINEST_RESOLUTION:
            raise GeometryError(
                N_("Résolution {given} : attendu un entier de {low} à {high}."),
                given=finest,
                low=START_RESOLUTION,
                high=FINEST_RESOLUTION,
            )
        polygons = np.asarray(polygons, dtype=np.object_)
        steps = (*(step for step in STEPS if step < finest), finest)
        tables, last, order = _tables(descend(polygons, finest), steps)
        ids, first_choice, choices = _choices(last)
        # The last table numbers the border cells; cells between the same polygons share one choice.
        border = tables[-1] < NOWHERE
        tables[-1][border] = -2 - ids[order][-2 - tables[-1][border]]
        return cls(polygons, steps, tuple(tables), first_choice, choices)

    def locate(self, lng: ArrayLike, lat: ArrayLike, cells: ArrayLike, threads: int = 1) -> NDArray[np.int32]:
        """Find the polygon of each point, as an exact test of every polygon would.

        Args:
            lng: Degrees WGS 84, shape (n,).
            lat: Degrees WGS 84, shape (n,).
            cells: Their cells at resolution 10 (`cells_at`); 0: no place.
            threads: How many share the work.

        Returns:
            Shape (n,): positions of polygons; -1 outside all of them and where there is no place.
        """
        lng, lat = np.asarray(lng, dtype=np.float64), np.asarray(lat, dtype=np.float64)
        cells = np.asarray(cells, dtype=np.int64)
        if not lng.shape == lat.shape == cells.shape:
            raise GeometryError(N_("Il faut autant de longitudes que de latitudes et de cellules."))
        found = np.empty(cells.shape, dtype=np.int32)

        def work(start: int) -> None:
            part = slice(start, start + CHUNK)
            found[part] = self._locate(lng[part], lat[part], cells[part])

        in_threads(work, len(cells), CHUNK, threads)
        return found

    def _locate(
        self, lng: NDArray[np.float64], lat: NDArray[np.float64], cells: NDArray[np.int64]
    ) -> NDArray[np.int32]:
        nowhere = cells == 0
        if (resolutions(cells)[~nowhere] != FINEST_RESOLUTION).any():
            raise GeometryError(N_("Des cellules de résolution {expected} sont attendues."), expected=FINEST_RESOLUTION)
        found = self.tables[0][_digits(cells, START_RESOLUTION, FIRST_BITS)]
        found[nowhere] = NOWHERE
        open_points = np.flatnonzero(found < NOWHERE)
        for coarser, step, table in zip(self.steps[:-1], self.steps[1:], self.tables[1:], strict=True):
            width = 3 * (step - coarser)
            block = -2 - found[open_points].astype(np.int64)
            entry = table[(block << width) | _digits(cells[open_points], step, width)]
            found[open_points] = entry
            open_points = open_points[entry < NOWHERE]
        self._choose(found, open_points, lng, lat)
        return found

    def _choose(
        self,
        found: NDArray[np.int32],
        points: NDArray[np.intp],
        lng: NDArray[np.float64],
        lat: NDArray[np.float64],
    ) -> None:
        """Replace the choices of `points` in `found` by the first polygon of each that holds the point."""
        choice = -2 - found[points]
        candidate, end = self.first_choice[choice], self.first_choice[choice + 1]
        found[points] = NOWHERE
        while len(points):
            polygon = self.choices[candidate]
            held = holds(self.polygons, polygon, lng[points], lat[points])
            found[points[held]] = polygon[held]
            left = ~held & (candidate + 1 < end)
            points, candidate, end = points[left], candidate[left] + 1, end[left]

    def save(self, path: Path) -> None:
        """Write the index to `path`, whole or not at all; the same polygons give the same bytes."""
        kind, points, offsets = shapely.to_ragged_array(self.polygons)
        arrays: dict[str, NDArray[Any]] = {f"table_{number}": table for number, table in enumerate(self.tables)}
        arrays |= {f"offsets_{number}": offset for number, offset in enumerate(offsets)}
        arrays |= {"points": points, "first_choice": self.first_choice, "choices": self.choices}
        partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
        with partial.open("wb") as file:
            np.savez(file, allow_pickle=False, layout=LAYOUT, kind=int(kind), steps=self.steps, **arrays)
        partial.replace(path)

    @classmethod
    def load(cls, path: Path) -> TerritoryIndex:
        """Read what `save` wrote.

        Raises:
            GeometryError: A damaged file, or one of another version: build the index anew.
            FileNotFoundError: There is none.
        """
        try:
            with path.open("rb") as file, np.load(file, allow_pickle=False) as saved:
                if saved["layout"] != LAYOUT:
                    raise GeometryError(N_("{path} : table d'une autre version, à refaire."), path=path)
                steps = tuple(saved["steps"].tolist())
                offsets = tuple(saved[name] for name in sorted(saved.files) if name.startswith("offsets_"))
                polygons = shapely.from_ragged_array(shapely.GeometryType(int(saved["kind"])), saved["points"], offsets)
                tables = tuple(saved[f"table_{number}"] for number in range(len(steps)))
                first_choice, choices = saved["first_choice"], saved["choices"]
        except (ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
            if isinstance(error, GeometryError):
                raise
            raise GeometryError(
                N_("{path} : table illisible, à refaire ({reason})."), path=path, reason=error
            ) from error
        shapely.prepare(polygons)
        return cls(polygons, steps, tables, first_choice, choices)


def _tables(
    generations: Iterator[tuple[Inside, Generation]], steps: tuple[int, ...]
) -> tuple[list[NDArray[np.int32]], Generation, NDArray[np.intp]]:
    """Fill the tables from the coarsest; also the last generation, and the order in which the last table numbers it."""
    tables: list[NDArray[np.int32]] = []
    table = np.full(1 << FIRST_BITS, NOBODY)
    blocks = np.zeros(0, dtype=np.int64)  # the cells that have a block in `table`, sorted
    for inside, generation in generations:
        step, above = steps[len(tables)], steps[len(tables) - 1] if tables else None
        entries = _entries(inside.cells, inside.resolution, step, above, blocks)
        np.minimum.at(table, entries, inside.polygon[:, None])
        if generation.resolution < step:
            continue
        order = np.argsort(generation.cells)
        entries = _entries(generation.cells[order], step, step, above, blocks)
        table[table == NOBODY] = NOWHERE
        table[entries[:, 0]] = -2 - np.arange(len(order), dtype=np.int32)
        tables.append(table)
        blocks = generation.cells[order]
        if step != steps[-1]:
            table = np.repeat(generation.holder[order], 8 ** (steps[len(tables)] - step))
    return tables, generation, order


def _entries(
    cells: NDArray[np.int64], resolution: int, step: int, above: int | None, blocks: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Address cells in the table of `step`; one that is coarser fills several: shape (n, 8 ** (step - resolution))."""
    if above is None:
        first = _digits(cells, resolution, FIRST_BITS)
    else:
        width = 3 * (resolution - above)
        first = (np.searchsorted(blocks, parents(cells, above)) << width) | _digits(cells, resolution, width)
    filled = 8 ** (step - resolution)
    return np.asarray(first[:, None] * filled + np.arange(filled))


def _digits(cells: NDArray[np.int64], resolution: int, width: int) -> NDArray[np.int64]:
    """The last `width` bits of what leads to the ancestor of `resolution`."""
    return (cells >> digit_bits_below(resolution)) & ((1 << width) - 1)


def _choices(last: Generation) -> tuple[NDArray[np.int32], NDArray[np.int64], NDArray[np.int32]]:
    """Number the distinct sets of polygons among which the border cells leave the choice.

    Returns:
        The number of each cell's set; the bounds of each set; the polygons of the sets.
    """
    cell, polygon = np.repeat(np.arange(len(last.cells)), np.diff(last.first_group)), last.polygon
    held = np.flatnonzero(last.holder != NOBODY)
    if len(held):  # polygons overlap; else each cell's are already in order
        cell, polygon = np.concatenate((cell, held)), np.concatenate((polygon, last.holder[held]))
        polygon = polygon[np.lexsort((polygon, cell))]
    size = np.bincount(cell, minlength=len(last.cells))
    first = np.cumsum(size) - size
    # Sets are told apart one polygon after the other: those that agree so far, by their next one.
    ids = np.zeros(len(last.cells), dtype=np.int64)
    count = int(polygon.max(initial=0)) + 2
    for nth in range(int(size.max(initial=0))):
        longer = size > nth
        following = np.zeros(len(ids), dtype=np.int64)
        following[longer] = polygon[first[longer] + nth] + 1
        ids = np.unique(ids * count + following, return_inverse=True)[1]
    _, example = np.unique(ids, return_index=True)
    bounds = np.concatenate((np.zeros(1, dtype=np.int64), np.cumsum(size[example])))
    position = np.repeat(first[example] - bounds[:-1], size[example]) + np.arange(bounds[-1])
    return ids.astype(np.int32), bounds, polygon[position]
