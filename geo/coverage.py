"""What perimeters cover, leave out and share: by the communes they are made of, and by their shapes.

Figures of a territory come from the communes (`Perimeters`): exact, whatever is counted by commune. Shapes
(`regions`) serve what has no commune (hexagons, surfaces, drawings), and prove a partition.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias, cast

import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_array, diags_array

from geo.covers import CellCover, cover
from geo.errors import N_, GeometryError
from geo.grid import equal_area_km

Area: TypeAlias = shapely.Polygon | shapely.MultiPolygon
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Tally:
    """How much of one measure perimeters cover. An unknown unit adds nothing; NaN where all units are unknown."""

    total: float  # of all units
    covered: float  # by one perimeter or more, each unit once
    overlapped: float  # by two or more, each unit once
    uncovered: float
    own: Floats  # shape (p,): in each perimeter
    only: Floats  # shape (p,): in that one and no other
    shared: Floats  # shape (p, p): in both; the diagonal is `own`
    unknown: int  # units whose measure is not known: the sums above are short of theirs
    unknown_own: NDArray[np.int64]  # shape (p,): of them, those in each perimeter

    @property
    def shares(self) -> Floats:
        """`own` as shares of the total; NaN where that is 0 or unknown."""
        return self.own / self.total if self.total else np.full(self.own.shape, np.nan)

    @property
    def covered_share(self) -> float:
        """From 0 to 1; NaN where the total is 0 or unknown."""
        return self.covered / self.total if self.total else float("nan")


@dataclass(frozen=True, slots=True)
class Added:
    """What perimeters that come add to those that are there, of one measure."""

    each: Floats  # shape (p,): were it the only one to come
    together: float  # less than the sum of `each` where those that come overlap


@dataclass(frozen=True, slots=True)
class Layered:
    """One measure told apart by the first of several layers that covers each unit."""

    amounts: Floats  # shape (layers + 1,): what each layer adds to those before it, then what none covers
    total: float

    @property
    def shares(self) -> Floats:
        """Of the total, shape of `amounts`; NaN where that is 0 or unknown."""
        return self.amounts / self.total if self.total else np.full(self.amounts.shape, np.nan)


class Perimeters:
    """Which units (communes, by their positions) each of p perimeters holds.

    Args:
        perimeter: Position of the perimeter, 0 to `count` - 1, shape (n,).
        unit: Position of a unit that it holds, 0 to `units` - 1, shape (n,); the same pair twice is one.
        count: p. A perimeter without any unit covers nothing.
        units: How many units there are, covered or not.

    Raises:
        GeometryError: Positions beyond those numbers, columns of several lengths.
    """

    def __init__(self, perimeter: ArrayLike, unit: ArrayLike, count: int, units: int) -> None:
        rows, columns = np.asarray(perimeter, dtype=np.int64), np.asarray(unit, dtype=np.int64)
        if rows.shape != columns.shape or rows.ndim != 1:
            raise GeometryError(N_("Les colonnes à comparer n'ont pas toutes la même longueur."))
        for positions, most in ((rows, count), (columns, units)):
            wrong = (positions < 0) | (positions >= most)
            if wrong.any():
                raise GeometryError(
                    N_("Position {given} : attendu un entier de 0 à {most}."),
                    given=int(positions[wrong][0]),
                    most=most - 1,
                )
        pairs = np.unique(rows * units + columns)
        rows, columns = np.divmod(pairs, max(1, units))
        self._holds = csr_array((np.ones(len(pairs)), (rows, columns)), shape=(count, units))

    @property
    def times(self) -> NDArray[np.int64]:
        """By how many perimeters each unit is covered, shape (units,); 0: uncovered."""
        return np.asarray(self._holds.sum(axis=0)).astype(np.int64)

    def tally(self, measure: ArrayLike) -> Tally:
        """Sum a measure of the units (km², inhabitants, facts), shape (units,), NaN where unknown.

        Raises `GeometryError` for a measure of another number of units.
        """
        known, value = self._measure(measure)
        times = self.times
        return Tally(
            total=_sum(value, known, times >= 0),
            covered=_sum(value, known, times > 0),
            overlapped=_sum(value, known, times > 1),
            uncovered=_sum(value, known, times == 0),
            own=self._sums(value, known, times > 0),
            only=self._sums(value, known, times == 1),
            shared=self._shared(value, known),
            unknown=int((~known).sum()),
            unknown_own=np.asarray(self._holds @ (~known).astype(np.float64)).astype(np.int64),
        )

    def added_to(self, there: Perimeters, measure: ArrayLike) -> Added:
        """What these perimeters, coming, would add to those that are there; `measure` as in `tally`."""
        known, value = self._measure(measure)
        fresh = there.times == 0
        return Added(
            each=self._sums(value, known, fresh),
            together=_sum(value, known, fresh & (self.times > 0)),
        )

    def _measure(self, measure: ArrayLike) -> tuple[NDArray[np.bool_], Floats]:
        values = np.asarray(measure, dtype=np.float64)
        if values.shape != (self._holds.shape[1],):
            raise GeometryError(N_("Les colonnes à comparer n'ont pas toutes la même longueur."))
        known = ~np.isnan(values)
        return known, np.where(known, values, 0.0)

    def _sums(self, value: Floats, known: NDArray[np.bool_], chosen: NDArray[np.bool_]) -> Floats:
        """Of the chosen units of each perimeter."""
        sums = np.asarray(self._holds @ np.where(chosen, value, 0.0), dtype=np.float64)
        sums[
            (self._holds @ chosen.astype(np.float64) > 0) & (self._holds @ (chosen & known).astype(np.float64) == 0)
        ] = np.nan
        return sums

    def _shared(self, value: Floats, known: NDArray[np.bool_]) -> Floats:
        """Of the units that each two perimeters have in common."""
        sums, of_known, of_all = (
            (self._holds @ diags_array(weight) @ self._holds.T).toarray()
            for weight in (value, known.astype(np.float64), np.ones(len(value)))
        )
        sums[(of_all > 0) & (of_known == 0)] = np.nan
        return np.asarray(sums, dtype=np.float64)


def layered(layers: Sequence[Perimeters], measure: ArrayLike) -> Layered:
    """Tell a measure of the units apart, each unit once: by the first layer that covers it, or by none.

    Unknown units (NaN) add nothing, as in `Perimeters.tally`.
    """
    values = np.asarray(measure, dtype=np.float64)
    known, value = ~np.isnan(values), np.nan_to_num(values)
    left = np.ones(values.shape, dtype=np.bool_)
    amounts = []
    for layer in layers:
        covered = layer.times > 0
        amounts.append(_sum(value, known, left & covered))
        left &= ~covered
    amounts.append(_sum(value, known, left))
    return Layered(np.array(amounts), _sum(value, known, np.ones(values.shape, dtype=np.bool_)))


def layered_hexagons(shares: Sequence[ArrayLike], land: ArrayLike) -> Layered:
    """Count hexagons by the first of growing regions that holds most of their land.

    Args:
        shares: For each region, how much of each hexagon it holds, shape (n,) each; a region holds those before it.
        land: How much of each hexagon is land that could be held, shape (n,), above 0.
    """
    ground = np.asarray(land, dtype=np.float64)
    grown = [int((2 * np.asarray(share, dtype=np.float64) > ground).sum()) for share in shares]
    amounts = np.diff(grown, prepend=0, append=len(ground)).astype(np.float64)
    return Layered(amounts, float(len(ground)))


@dataclass(frozen=True, slots=True)
class Regions:
    """What shapes cover together, degrees WGS 84; parts may be empty."""

    covered: Area
    overlapped: Area  # by two or more
    uncovered: Area  # of the whole


def regions(polygons: Sequence[shapely.Geometry] | NDArray[np.object_], whole: Area) -> Regions:
    """Tell apart what polygons cover, cover twice, and leave of a whole; borders have no area.

    Polygons that are a partition of the whole leave `overlapped` and `uncovered` without area.

    Args:
        polygons: Valid shapely (multi)polygons, degrees WGS 84, shape (n,); they may overlap.
        whole: What was to be covered.
    """
    shapes = np.asarray(polygons, dtype=np.object_)
    covered = _areas_only(shapely.union_all(shapes))
    one, other = shapely.STRtree(shapes).query(shapes, predicate="intersects")
    pairs = one < other
    common = shapely.intersection(shapes[one[pairs]], shapes[other[pairs]])
    return Regions(covered, _areas_only(shapely.union_all(common)), _areas_only(shapely.difference(whole, covered)))


def added_regions(
    there: Sequence[shapely.Geometry] | NDArray[np.object_], coming: Sequence[shapely.Geometry] | NDArray[np.object_]
) -> NDArray[np.object_]:
    """What each polygon that comes adds to all that are there: geometries, degrees WGS 84, shape of `coming`."""
    known = shapely.union_all(np.asarray(there, dtype=np.object_))
    added = shapely.difference(np.asarray(coming, dtype=np.object_), known)
    return np.array([_areas_only(shape) for shape in added], dtype=np.object_)


def surfaces_km2(polygons: Sequence[shapely.Geometry] | NDArray[np.object_]) -> Floats:
    """Areas on the ellipsoid, shape (n,); degrees WGS 84, edges as short as those of territories and hexagons."""
    return np.asarray(shapely.area(equal_area_km(np.asarray(polygons, dtype=np.object_))), dtype=np.float64)


def hexagons_of(region: Area, resolution: int) -> CellCover:
    """The hexagons that share area with a region, and how much of each; none for an empty region.

    Raises `GeometryError` as `geo.cells.cover`.
    """
    if region.is_empty:
        return CellCover(np.zeros(0, np.int64), np.zeros(0))
    return cover(region, resolution)


def shares_of(cells: ArrayLike, covered: CellCover) -> Floats:
    """How much of each hexagon is covered, shape (n,), 0 to 1; NaN for no hexagon. Cells of `covered`'s resolution."""
    asked = np.asarray(cells, dtype=np.int64)
    if len(covered.cells) == 0:
        return np.where(asked == 0, np.nan, 0.0)
    place = np.minimum(np.searchsorted(covered.cells, asked), len(covered.cells) - 1)
    return np.where(asked == 0, np.nan, np.where(covered.cells[place] == asked, covered.shares[place], 0.0))


def _sum(value: Floats, known: NDArray[np.bool_], chosen: NDArray[np.bool_]) -> float:
    return float("nan") if chosen.any() and not (known & chosen).any() else float(value[chosen].sum())


def _areas_only(geometry: shapely.Geometry) -> Area:
    """Without the lines and points that an intersection leaves along borders."""
    parts = shapely.get_parts(shapely.get_parts(geometry))
    areas = parts[shapely.get_dimensions(parts) == 2]
    return cast("Area", shapely.union_all(areas)) if len(areas) else shapely.MultiPolygon()
