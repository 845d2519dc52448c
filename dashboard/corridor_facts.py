"""All seizures by what they say of their route: read once for each state of the store, then only added up."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dashboard.context import Context
from dashboard.corridor_view import CorridorView, month_of
from dashboard.corridor_words import KG, READINGS
from dashboard.freshness import Area
from dashboard.view import EARLIEST, LATEST
from data.query import Query, Viewer
from data.store import RouteFacts
from geo.corridors import UNKNOWN, Seizures, Stop

EVERYWHERE = Area(None, None, None)
EVERY_SEIZURE = Query(EARLIEST, LATEST, kinds=frozenset({"seizure"}))
ENDS = ("producing", "departure", "transit", "destination")
# The European Union, and the states that share its borders' checks or its police: what these call "toward Europe".
EUROPE = frozenset(
    ("AT", "BE", "BG", "HR", "CY", "CZ", "DK", "EE", "FI", "FR", "DE", "GR", "HU", "IE", "IT", "LV", "LT", "LU", "MT",
     "NL", "PL", "PT", "RO", "SK", "SI", "ES", "SE", "IS", "LI", "NO", "CH", "GB", "AD", "MC", "SM", "VA")
)  # fmt: skip
OVERSEAS = frozenset(("GP", "MQ", "GF", "RE", "YT"))  # of France, a country of their own in the sources


_serials = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Routed:
    """Groups of seizures, arrays of equal length; `facts` has their places and months."""

    serial: int  # of this reading: what is made of it is kept under it
    facts: RouteFacts
    seizures: Seizures
    reading: str  # of `READINGS`: the first of them that joins two countries at all
    months: tuple[int, int] | None  # first and last in which one says where from or where to; None: none does

    @property
    def nbytes(self) -> int:
        return 13 * self.facts.facts.nbytes

    @property
    def codes(self) -> tuple[str, ...]:
        return self.facts.countries

    def among(self, wanted: frozenset[str], column: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Whether each row's country is one of these."""
        inside = np.array([code in wanted for code in self.codes] + [False])
        return np.asarray(inside[column])  # the last one: of -1, not known

    def code(self, number: int) -> str:
        """ISO 3166-1 alpha-2 of a country's number; "" for one not known."""
        return "" if number == UNKNOWN else self.codes[number]

    def mode(self, number: int) -> str:
        return "" if number == UNKNOWN else self.facts.modes[number]

    def drug(self, number: int) -> str:
        return "" if number == UNKNOWN else self.facts.drugs[number]


def routed(facts: RouteFacts) -> Routed:
    """The store's answer as `geo` takes it."""
    columns = {name: getattr(facts, name) for name in (*ENDS, "reporter", "drug", "mode")}
    seizures = Seizures(**columns, year=facts.month // 12, seizures=facts.facts, kg=facts.kg, weighed=facts.weighed)
    said = np.any([columns[name] != UNKNOWN for name in ENDS], axis=0)
    months = (int(facts.month[said].min()), int(facts.month[said].max())) if said.any() else None
    return Routed(next(_serials), facts, seizures, _first_reading(seizures), months)


def _first_reading(seizures: Seizures) -> str:
    """Those who seize often say where from, and not where to: a place of seizure is then all there is of an end."""
    for name, (start, stop) in READINGS.items():
        origin, destination = getattr(seizures, start), getattr(seizures, stop)
        if ((origin != UNKNOWN) & (destination != UNKNOWN) & (origin != destination)).any():
            return name
    return next(iter(READINGS))


def ends_of(kept: Routed, view: CorridorView) -> tuple[Stop, Stop]:
    """Which of a seizure's countries are the two ends of its corridor."""
    return READINGS[view.origin or kept.reading]


def read_routed(held: Context) -> Callable[[Viewer], Routed]:
    """What reads them, for `Reading.ask`: from memory as long as nothing was added, whatever page asks.

    Raises `ForbiddenError` for those who see no fact, `StoreError`.
    """

    def route_facts(viewer: Viewer) -> Routed:
        key = ("route_facts", viewer)
        version = held.version_of(key, EVERYWHERE)
        kept: Routed = held.corridors.get_or_make(
            (*key, version), lambda: routed(held.store.route_facts(EVERY_SEIZURE, viewer))
        )
        return kept

    return route_facts


def months_of(view: CorridorView, held: tuple[int, int]) -> tuple[int, int]:
    """First and last month that a view shows: those of its days, or all that are held."""
    dates = view.dates
    first = month_of(dates.start) if dates.start else held[0]
    last = month_of(dates.stop) - (dates.stop.day == 1) if dates.stop else max(held[1], first)
    return min(first, last), max(first, last)


def chosen_rows(kept: Routed, view: CorridorView, months: tuple[int, int]) -> NDArray[np.bool_]:
    """The seizures of some months that a view's filters leave, wherever they went."""
    facts = kept.facts
    rows = (facts.month >= months[0]) & (facts.month <= months[1])
    for wanted, known, column in (
        (view.dates.drugs, facts.drugs, facts.drug),
        (view.dates.modes, facts.modes, facts.mode),
    ):
        if wanted:
            rows &= np.array([code in wanted for code in known] + [False])[column]
    return np.asarray(rows)


def amount_of(view: CorridorView, seizures: NDArray[np.int64], kg: NDArray[np.float64]) -> NDArray[np.float64]:
    """What corridors are weighted by; NaN: nothing was weighed. One unit or the other, never both."""
    return kg if view.weight == KG else seizures.astype(np.float64)
