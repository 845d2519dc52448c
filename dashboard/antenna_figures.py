"""What each antenna answers for: départements, people, CROSS and facts, as the lists have it and as proposed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from dashboard.context import Context
from dashboard.coverage_figures import aligned, counts_by
from dashboard.recall import Reading
from dashboard.view import View
from data.geography import Geography
from data.query import Viewer
from geo.coverage import Perimeters
from geo.loads import against_mean
from geo.rates import rate_with_interval

Floats = NDArray[np.float64]
FIGURES = ("population", "incidents", "controls")


@dataclass(frozen=True, slots=True)
class Departements:
    """Départements and collectivités, in the order of their codes: arrays of shape (n,). NaN: unknown."""

    codes: pd.Index
    names: NDArray[np.object_]
    figures: dict[str, Floats]  # by name of `FIGURES`


@dataclass(frozen=True, slots=True)
class Loads:
    """What antennas answer for: arrays in the order of the list, shape (antennas,). NaN: unknown."""

    departements: NDArray[np.int64]  # how many
    figures: dict[str, Floats]  # by name of `FIGURES`; short of what is unknown of some départements
    unknown: NDArray[np.int64]  # départements whose facts are unknown
    rate: Floats  # incidents for 100,000 inhabitants
    low: Floats  # 95 % interval
    high: Floats
    against_mean: Floats  # incidents, as a multiple of the antennas' mean
    cross: tuple[tuple[str, ...], ...]  # names of the CROSS that lie in it; one that lies in several is in each


@lru_cache(maxsize=2)
def _known_of(known: Geography) -> tuple[pd.Index, NDArray[np.object_], Floats]:
    """Codes, names and population of départements and collectivités; that of a collectivité is not known here."""
    land, overseas = known.territories("departement"), known.collectivites
    table = pd.concat([land[["code", "name", "population"]], overseas[["code", "name"]]]).sort_values("code")
    population = table["population"].to_numpy(dtype=np.float64, na_value=np.nan)
    return pd.Index(table["code"].astype(str)), table["name"].to_numpy(dtype=object), population


def departements(held: Context, viewer: Viewer, view: View, reading: Reading) -> Departements:
    """The figures of a dated view by département. No fact is counted by collectivité: theirs are unknown, not zero."""
    codes, names, population = _known_of(held.geography)
    counts = counts_by(held, viewer, view, "departement", reading)
    incidents, controls = (aligned(counts, name, codes) for name in ("incidents", "controls"))
    return Departements(codes, names, {"population": population, "incidents": incidents, "controls": controls})


def loads(known: Geography, found: Departements, holder: Mapping[str, str]) -> Loads:
    """Add départements up by the antenna that holds each (`holder`: code → antenna)."""
    antennas = pd.Index([antenna.code for antenna in known.lists.antennas])
    place = antennas.get_indexer(pd.Index([holder.get(code, "") for code in found.codes]))
    rows = np.flatnonzero(place >= 0)
    jurisdictions = Perimeters(place[rows], rows, len(antennas), len(found.codes))
    tallies = {name: jurisdictions.tally(values) for name, values in found.figures.items()}
    figures = {name: tally.own for name, tally in tallies.items()}
    # A rate divides what is known of the same départements: one without facts, or people, is left out of both.
    both = ~np.isnan(found.figures["incidents"]) & ~np.isnan(found.figures["population"])
    paired = {
        name: jurisdictions.tally(np.where(both, found.figures[name], np.nan)).own
        for name in ("incidents", "population")
    }
    rates = rate_with_interval(paired["incidents"], paired["population"])
    return Loads(
        departements=np.bincount(place[rows], minlength=len(antennas)),
        figures=figures,
        unknown=tallies["incidents"].unknown_own,
        rate=rates.value,
        low=rates.low,
        high=rates.high,
        against_mean=against_mean(figures["incidents"]),
        cross=_cross_inside(known, holder, list(antennas)),
    )


def _cross_inside(known: Geography, holder: Mapping[str, str], antennas: list[str]) -> tuple[tuple[str, ...], ...]:
    """By antenna, the CROSS whose communes are of its départements."""
    members = next(each for each in known.memberships() if each.kind == "cross")
    names = {cross.code: cross.name for cross in known.lists.cross}
    departement = _departement_of(known)
    pairs = {
        (holder.get(departement[commune], ""), code)
        for code, commune in zip(members.codes, members.communes, strict=True)
    }
    return tuple(tuple(names[code] for code in names if (antenna, code) in pairs) for antenna in antennas)


@lru_cache(maxsize=2)
def _departement_of(known: Geography) -> dict[str, str]:
    return dict(zip(known.communes["code"], known.communes["departement"], strict=True))
