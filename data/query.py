"""What is asked, and who asks: the two arguments of every read."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
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

FINEST_RESOLUTION = 10  # of the stored cells
COARSEST_RESOLUTION = 3


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


@dataclass(frozen=True, slots=True)
class Query:
    """Which facts are meant. An empty set of codes means "all of them"; `territory=None` means everywhere.

    `start` is included, `stop` is not; both are civil days at the place of the fact.
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
