"""What CROSS cover on a day: the lists, the communes and the store's counts brought together for `geo.coverage`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import lru_cache
from typing import cast

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from dashboard.context import Context
from dashboard.recall import Reading
from dashboard.view import View
from data.geography import Geography
from data.lists import Cross
from data.national import national_hexagons
from data.query import Territory, TerritoryKind, Viewer
from data.standing import Standing, standing
from data.store import TerritoryCounts
from geo.cells import cover_each
from geo.coverage import (
    Layered,
    Perimeters,
    Tally,
    hexagons_of,
    layered,
    layered_hexagons,
    shares_of,
    surfaces_km2,
)
from geo.covers import CellCover, CellCovers
from geo.nearest import nearest_seat

Floats = NDArray[np.float64]
LAYERS: tuple[Standing, ...] = ("operating", "undated", "installing")  # each adds to those before it
MEASURES = ("population", "incidents", "km2")  # counted by commune
COUNTED_RESOLUTION = 6  # of the hexagons that are counted: about 36 km²


@dataclass(frozen=True, slots=True)
class Units:
    """The communes of today: arrays of shape (n,). NaN: unknown."""

    codes: pd.Index
    names: NDArray[np.object_]
    departements: NDArray[np.object_]
    population: Floats
    km2: Floats
    lng: Floats  # degrees WGS 84, of the town hall
    lat: Floats


@dataclass(frozen=True, slots=True)
class Coverage:
    """What is covered on a day. `present` are the CROSS that are there then or may be, as rows of `each`."""

    day: date
    standings: dict[str, Standing]  # of every CROSS of the list, by code
    present: tuple[Cross, ...]
    ledger: dict[str, Layered]  # by measure, and "hexagons": what each of `LAYERS` adds, then the uncovered
    tallies: dict[str, Tally]  # by measure: what CROSS in operation, and `present`, hold; rows as `present`
    adds: dict[str, Floats]  # by measure: what each would add to those in operation; rows as `present`
    own_hexagons: Floats  # rows as `present`
    times: NDArray[np.int64]  # by how many CROSS in operation each commune is covered
    held: NDArray[np.bool_]  # whether one of `present` holds each commune, in operation or not
    without_commune: float  # incidents of the period that no commune is known of; NaN: unknown, withheld


@lru_cache(maxsize=2)
def units_of(known: Geography) -> Units:
    """The communes, read and measured once."""
    communes = known.communes
    km2 = np.zeros(len(communes))  # the few that are drawn inside another have no surface of their own
    drawn, shapes = communes.geometry.notna().to_numpy(), communes.geometry.to_numpy(dtype=object)
    km2[drawn] = surfaces_km2(shapes[drawn])
    return Units(
        codes=pd.Index(communes["code"].astype(str)),
        names=communes["name"].to_numpy(dtype=object),
        departements=communes["departement"].to_numpy(dtype=object),
        population=communes["population"].to_numpy(dtype=np.float64, na_value=np.nan),
        km2=km2,
        lng=communes["lng"].to_numpy(dtype=np.float64),
        lat=communes["lat"].to_numpy(dtype=np.float64),
    )


def counts_by(held: Context, viewer: Viewer, view: View, kind: TerritoryKind, reading: Reading) -> TerritoryCounts:
    """Facts of a dated view by territory, wherever the view looks; kept until a change touches its days."""
    query = replace(view, territory=None, cell=None, zone=None).query()
    return reading.ask(held.kept(held.store.counts_by_territory), kind, query, viewer)


def aligned(counts: TerritoryCounts, name: str, codes: pd.Index) -> Floats:
    """One column of the counts on these codes; a territory that the store does not know of is unknown."""
    rows = pd.Index(counts.codes).get_indexer(codes)
    column = np.asarray(getattr(counts, name), dtype=np.float64)
    return np.where(rows < 0, np.nan, column[rows]) if len(column) else np.full(len(codes), np.nan)


def incidents_by_commune(held: Context, viewer: Viewer, view: View, reading: Reading) -> Floats:
    """Incidents of a dated view, in the order of `units_of`; NaN: protected, or outside of what the viewer may see."""
    units = units_of(held.geography)
    incidents = aligned(counts_by(held, viewer, view, "commune", reading), "incidents", units.codes)
    if viewer.territories is None:
        return incidents
    seen = np.zeros(len(units.codes), dtype=np.bool_)
    for members in held.geography.memberships():
        mine = [code for kind, code in viewer.territories if kind == members.kind]
        rows = units.codes.get_indexer(pd.Index(members.communes)[pd.Index(members.codes).isin(mine)])
        seen[rows[rows >= 0]] = True
    return np.where(seen, incidents, np.nan)


def coverage(
    held: Context, viewer: Viewer, view: View, today: date, reading: Reading, incidents: Floats | None = None
) -> Coverage:
    """What CROSS cover on the day of a dated view.

    Args:
        incidents: By commune, as `incidents_by_commune` (the default); all NaN where the store never answered.

    Raises ReferenceListError for lists that contradict themselves, StoreError.
    """
    known, day = held.geography, min(view.as_of or today, today)
    standings = {cross.code: standing(cross, day, today) for cross in known.lists.cross}
    ground = _ground(known, tuple(standings.items()))
    if incidents is None:
        incidents = incidents_by_commune(held, viewer, view, reading)
    counted = layered(ground.layers, incidents)
    total = reading.ask(held.totals, replace(view, territory=None).query(), viewer).incidents
    return Coverage(
        day=day,
        standings=standings,
        present=ground.present,
        ledger=ground.ledger | {"incidents": counted},
        tallies=ground.tallies | {"incidents": ground.everyone.tally(incidents)},
        adds=ground.adds | {"incidents": ground.everyone.added_to(ground.layers[0], incidents).each},
        own_hexagons=ground.own_hexagons,
        times=ground.layers[0].times,
        held=ground.everyone.times > 0,
        without_commune=total - counted.total,
    )


@dataclass(frozen=True, slots=True)
class _Ground:
    """What depends on the day alone, whatever happened: fields as in `Coverage`."""

    present: tuple[Cross, ...]
    layers: list[Perimeters]  # of each of `LAYERS`
    everyone: Perimeters
    ledger: dict[str, Layered]
    tallies: dict[str, Tally]
    adds: dict[str, Floats]
    own_hexagons: Floats


@lru_cache(maxsize=8)
def _ground(known: Geography, of_each: tuple[tuple[str, Standing], ...]) -> _Ground:
    """`of_each`: the standing of every CROSS of the list, by code."""
    units, standings = units_of(known), dict(of_each)
    present = tuple(cross for cross in known.lists.cross if standings[cross.code] != "absent")
    layers = [_perimeters(known, [c for c in present if standings[c.code] == layer]) for layer in LAYERS]
    everyone = _perimeters(known, present)
    measures = {"population": units.population, "km2": units.km2}
    ledger = {name: layered(layers, values) for name, values in measures.items()}
    return _Ground(
        present=present,
        layers=layers,
        everyone=everyone,
        ledger=ledger | {"hexagons": _hexagons(known, present, standings)},
        tallies={name: everyone.tally(values) for name, values in measures.items()},
        adds={name: everyone.added_to(layers[0], values).each for name, values in measures.items()},
        own_hexagons=_own_hexagons(known, present),
    )


@lru_cache(maxsize=2)
def _held_communes(known: Geography) -> dict[str, NDArray[np.int64]]:
    """The communes of each CROSS of the list, as positions in `units_of`."""
    members = next(each for each in known.memberships() if each.kind == "cross")
    places = units_of(known).codes.get_indexer(pd.Index(members.communes, dtype="str"))
    codes = np.array(members.codes, dtype=object)
    return {cross.code: places[codes == cross.code] for cross in known.lists.cross}


def held_communes(known: Geography, codes: frozenset[str]) -> NDArray[np.int64]:
    """The communes that some CROSS hold, as positions in `units_of`."""
    held = [communes for code, communes in _held_communes(known).items() if code in codes]
    return np.unique(np.concatenate([np.zeros(0, np.int64), *held]))


def _perimeters(known: Geography, chosen: Sequence[Cross]) -> Perimeters:
    held = [_held_communes(known)[cross.code] for cross in chosen]
    rows = np.repeat(np.arange(len(held)), [len(communes) for communes in held])
    return Perimeters(rows, np.concatenate([np.zeros(0, np.int64), *held]), len(held), len(units_of(known).codes))


# ---- hexagons


@lru_cache(maxsize=8)
def _each_held(known: Geography, resolution: int) -> CellCovers:
    """How much of each hexagon each CROSS of the list holds; `polygon` is its place in the list."""
    shapes = [known.perimeter(Territory("cross", cross.code)) for cross in known.lists.cross]
    return cover_each(np.array(shapes, dtype=np.object_), resolution)


@lru_cache(maxsize=32)
def held_shares(known: Geography, codes: frozenset[str], resolution: int) -> CellCover:
    """How much of each hexagon some CROSS hold together."""
    chosen = [cross for cross in known.lists.cross if cross.code in codes]
    if (_perimeters(known, chosen).times > 1).any():
        shapes = [known.perimeter(Territory("cross", code)) for code in sorted(codes)]
        together = cast("shapely.MultiPolygon", shapely.union_all(np.array(shapes, dtype=np.object_)))
        return hexagons_of(together, resolution)
    each = _each_held(known, resolution)
    rows = np.isin(each.polygon, [at for at, cross in enumerate(known.lists.cross) if cross.code in codes])
    cells, place = np.unique(each.cells[rows], return_inverse=True)
    return CellCover(cells, np.bincount(place, each.shares[rows], minlength=len(cells)).clip(0, 1))


def _hexagons(known: Geography, present: tuple[Cross, ...], standings: dict[str, Standing]) -> Layered:
    ground = national_hexagons(known, COUNTED_RESOLUTION)
    shares = []
    for last in range(len(LAYERS)):
        codes = frozenset(cross.code for cross in present if standings[cross.code] in LAYERS[: last + 1])
        shares.append(shares_of(ground.cells, held_shares(known, codes, COUNTED_RESOLUTION)))
    return layered_hexagons(shares, ground.land)


def _own_hexagons(known: Geography, present: tuple[Cross, ...]) -> Floats:
    ground = national_hexagons(known, COUNTED_RESOLUTION)
    own = []
    for cross in present:
        shares = shares_of(ground.cells, held_shares(known, frozenset([cross.code]), COUNTED_RESOLUTION))
        own.append(layered_hexagons([shares], ground.land).amounts[0])
    return np.array(own)


# ---- what none covers, and which cover the same


def uncovered_places(
    known: Geography, found: Coverage, incidents: Floats, weight: str, most: int
) -> tuple[pd.DataFrame, int]:
    """The communes that no CROSS in operation covers, those that weigh most first, and how many there are in all.

    Columns: code, name, departement, population, incidents, distance_km, nearest (name of a CROSS), planned (one of
    those being installed, or without a date, holds it).
    """
    units = units_of(known)
    rows = np.flatnonzero(found.times == 0)
    by = incidents if weight == "incidents" else units.population
    first = rows[np.argsort(-np.nan_to_num(by[rows], nan=-1.0), kind="stable")][:most]
    operating = [cross for cross in found.present if found.standings[cross.code] == "operating"]
    seats = units.codes.get_indexer(pd.Index([cross.seat for cross in operating], dtype="str"))
    near = nearest_seat(units.lng[first], units.lat[first], units.lng[seats], units.lat[seats])
    names = np.array([*(cross.name for cross in operating), ""], dtype=object)  # -1: none
    table = pd.DataFrame(
        {
            "code": units.codes[first],
            "name": units.names[first],
            "departement": units.departements[first],
            "population": units.population[first],
            "incidents": incidents[first],
            "distance_km": near.distance_km,
            "nearest": names[near.seat],
            "planned": found.held[first],
        }
    )
    return table, len(rows)


def overlaps(found: Coverage) -> list[tuple[str, str, float]]:
    """Names of two CROSS that hold the same communes, and how many people live there."""
    shared, surface = found.tallies["population"].shared, found.tallies["km2"].shared
    one, other = np.nonzero(np.triu(surface, 1) > 0)
    return [
        (found.present[i].name, found.present[j].name, float(shared[i, j])) for i, j in zip(one, other, strict=True)
    ]
