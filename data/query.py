"""What is asked, and who asks: the two arguments of every read."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Literal, NamedTuple

from data.errors import QueryError
from data.vocabulary import DRUGS, FAMILIES, KINDS, MODES, SERVICES
from geo.errors import N_

TerritoryKind = Literal[
    "arrondissement",
    "commune",
    "epci",
    "departement",
    "region",
    "cross",
    "antenna",
    "urban_unit",
    "attraction_area",
]
TERRITORY_KINDS: tuple[TerritoryKind, ...] = TerritoryKind.__args__  # type: ignore[attr-defined]  # of a Literal

ClassField = Literal["family", "kind", "drug", "mode", "service"]  # a fact's columns that hold a code of a closed list

FINEST_RESOLUTION = 10  # of the stored cells
COARSEST_RESOLUTION = 3
MOST_DAYS_BY_HOUR = 92  # hours are read from the facts one by one: no sum holds them


class Territory(NamedTuple):
    """A named perimeter: its kind and its code (INSEE, SIREN of an EPCI, or the code of our lists)."""

    kind: TerritoryKind
    code: str


class Box(NamedTuple):
    """Degrees, WGS 84. A hexagon belongs to the box when its centre does; other answers than hexagons ignore it."""

    west: float
    south: float
    east: float
    north: float


class Hours(NamedTuple):
    """Hours on the clock of the place, half-open: `start` from 0 to 23, `stop` from 1 to 24.

    A `stop` that is not after `start` is one of the next day: (22, 6) is a night, (5, 5) a day that begins at five.
    """

    start: int
    stop: int

    @property
    def reach_the_next_day(self) -> bool:
        return self.stop <= self.start


WHOLE_DAY = Hours(0, 24)


@dataclass(frozen=True, slots=True)
class Query:
    """Which facts are meant. An empty set of codes means "all of them"; `territory=None` means everywhere.

    `start` is included, `stop` is not; both are civil days at the place of the fact. `hours` leaves those hours that
    begin on one of these days, and no fact whose hour is unknown; what follows midnight counts on the day before.
    """

    start: date
    stop: date
    families: frozenset[str] = field(default_factory=frozenset)
    kinds: frozenset[str] = field(default_factory=frozenset)
    drugs: frozenset[str] = field(default_factory=frozenset)
    modes: frozenset[str] = field(default_factory=frozenset)
    services: frozenset[str] = field(default_factory=frozenset)
    territory: Territory | None = None
    resolution: int = 8
    box: Box | None = None
    hours: Hours | None = None

    @property
    def last_day(self) -> date:
        """The last civil day on which a fact may be: that after the period, for hours past midnight."""
        past_midnight = self.hours is not None and self.hours.reach_the_next_day
        return self.stop if past_midnight else self.stop - timedelta(days=1)

    def __post_init__(self) -> None:
        if not self.start < self.stop:
            raise QueryError(
                N_("Période du {start} au {stop} : la fin doit venir après le début."),
                start=self.start,
                stop=self.stop,
            )
        if not COARSEST_RESOLUTION <= self.resolution <= FINEST_RESOLUTION:
            raise QueryError(
                N_("Résolution {given} : attendu un entier de {coarsest} à {finest}."),
                given=self.resolution,
                coarsest=COARSEST_RESOLUTION,
                finest=FINEST_RESOLUTION,
            )
        if self.hours is not None:
            check_hours(self.hours, self.start, self.stop)
        if self.territory is not None and self.territory.kind not in TERRITORY_KINDS:
            raise QueryError(N_("« {given} » n'est pas un type de territoire."), given=self.territory.kind)
        for given, known in (
            (self.families, FAMILIES),
            (self.kinds, KINDS),
            (self.drugs, DRUGS),
            (self.modes, MODES),
            (self.services, SERVICES),
        ):
            unknown = given - set(known)
            if unknown:
                raise QueryError(
                    N_("Filtre inconnu : {given}. Valeurs admises : {known}."),
                    given=", ".join(sorted(unknown)),
                    known=", ".join(known),
                )


def check_hours(hours: Hours, start: date, stop: date) -> None:
    """Raise `QueryError` for hours that no clock has, or asked of too long a period."""
    if not (0 <= hours.start <= 23 and 1 <= hours.stop <= 24):
        raise QueryError(
            N_("Heures {first}-{last} : attendu un début de 0 à 23 et une fin de 1 à 24."),
            first=hours.start,
            last=hours.stop,
        )
    days = (stop - start).days
    if days > MOST_DAYS_BY_HOUR:
        raise QueryError(
            N_(
                "Les heures se lisent sur {most} jours au plus, et la période du {start} au {last} en compte {days} :"
                " choisissez une période plus courte, ou toutes les heures."
            ),
            most=MOST_DAYS_BY_HOUR,
            start=start,
            last=stop - timedelta(days=1),
            days=days,
        )


Role = Literal["national", "antenna", "cross", "wall"]


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who is looking.

    `territories=None` sees everywhere; otherwise only facts inside one of the territories, and facts without a
    place are not theirs. `threshold` of 0 shows every count; k shows counts of 1 to k-1 as protected and rounds
    the others to a multiple of k (`geo.disclosure`). Only `sees_events` reads events one by one.
    """

    name: str
    role: Role = "national"
    territories: frozenset[Territory] | None = None
    threshold: int = 0
    sees_events: bool = True
