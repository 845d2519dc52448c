"""The view: everything a page shows, and its address. The same address shows the same view."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Self
from urllib.parse import urlencode

from h3.api import basic_str as h3

from dashboard.drawing import read_drawing
from dashboard.measures import DEFAULT_MEASURE, MEASURES
from dashboard.settings import LANGUAGES
from data.errors import QueryError
from data.jurisdictions import Moves
from data.lists import CODE
from data.query import (
    COARSEST_RESOLUTION,
    FINEST_RESOLUTION,
    MOST_DAYS_BY_HOUR,
    TERRITORY_KINDS,
    Hours,
    Query,
    Territory,
    TerritoryKind,
    check_hours,
)
from data.vocabulary import DRUGS, FAMILIES, KINDS, MODES, SERVICES
from geo.errors import N_
from geo.tiles import resolution_at

CLASSIFICATIONS: dict[str, str] = {
    "quantiles": N_("Effectifs égaux (quantiles)"),
    "jenks": N_("Seuils naturels (Jenks)"),
}
DEFAULT_CLASSIFICATION = "quantiles"
HOUR_STEP = "heure"
STEPS = (HOUR_STEP, "jour", "semaine", "mois")  # of a walk through time
FIRST_HOURS = Hours(0, 6)  # of a walk by hours that does not say from which one
INDEX_CURVES = "indice"  # of the comparison's curves: against their own average, instead of as they are
MOST_COMPARED = 6  # territories side by side
MOST_NAMED = 40  # in an address, of which the others are not even read
DEFAULT_DAYS = 90  # of an address without dates: the latest days of the store
COARSER, FINER = 2, 2  # steps by which a resolution asked for may differ from the one that suits the zoom
ONE_DAY = timedelta(days=1)
EARLIEST, LATEST = date(1900, 1, 1), date(2199, 12, 31)

# Published figures by département that can be compared: name in the address → the producer's label.
PUBLISHED = {
    "trafic": N_("Trafic de stupéfiants"),
    "usage": N_("Usage de stupéfiants"),
    "usage-afd": N_("Usage de stupéfiants (AFD)"),
    "usage-hors-afd": N_("Usage de stupéfiants (hors AFD)"),
}
# Name in the address → field of the view and its closed list.
FILTERS: dict[str, tuple[str, dict[str, str]]] = {
    "famille": ("families", FAMILIES),
    "nature": ("kinds", KINDS),
    "produit": ("drugs", DRUGS),
    "mode": ("modes", MODES),
    "service": ("services", SERVICES),
}
# Hexagons of about 36, 5, 0.7 and 0.1 km²: a few hundred to a few thousand of them fill each kind of territory.
RESOLUTION_OF_KIND: dict[TerritoryKind | None, int] = {
    None: 6,
    "region": 6,
    "antenna": 6,
    "departement": 7,
    "attraction_area": 8,
    "cross": 8,
    "epci": 8,
    "urban_unit": 8,
    "commune": 9,
    "arrondissement": 9,
}
FINEST_OF_KIND: dict[TerritoryKind | None, int] = {  # beyond, a map would be millions of hexagons
    kind: min(FINEST_RESOLUTION, resolution + 2) for kind, resolution in RESOLUTION_OF_KIND.items()
}

DIVISIONS: tuple[TerritoryKind, ...] = ("antenna", "departement", "cross")  # by which controls are counted apart
# Kinds whose territories are few enough to stand in one funnel and to be ranked together.
COMPARED_KINDS: tuple[TerritoryKind, ...] = (
    "cross", "antenna", "region", "departement", "epci", "urban_unit", "attraction_area", "arrondissement",
)  # fmt: skip
WEIGHTS: dict[str, str] = {"habitants": N_("Habitants"), "incidents": N_("Incidents")}  # of what no CROSS covers
PARTS: dict[str, str] = {"cross": N_("CROSS"), "antennes": N_("Antennes OFAST")}  # of the coverage page
DEFAULT_PART = "cross"
LONGEST_MOVES = 4_000  # characters of an address: every département moved
DEPARTEMENT = re.compile("[0-9AB]{2,3}")  # or collectivité

Period = tuple[date, date]  # first and last day, both included


@dataclass(frozen=True, slots=True)
class View:
    """What is shown. None stands for "the default", which needs no word in the address.

    `start` is included, `stop` is not, as in `Query`; the address gives the last day, included, as people say it.
    """

    territory: Territory | None = None
    start: date | None = None
    stop: date | None = None
    families: frozenset[str] = field(default_factory=frozenset)
    kinds: frozenset[str] = field(default_factory=frozenset)
    drugs: frozenset[str] = field(default_factory=frozenset)
    modes: frozenset[str] = field(default_factory=frozenset)
    services: frozenset[str] = field(default_factory=frozenset)
    measure: str = DEFAULT_MEASURE
    resolution: int | None = None
    classes: str = DEFAULT_CLASSIFICATION
    cell: int | None = None
    zone: str | None = None  # drawn on the map, as `dashboard.drawing` writes it
    language: str | None = None
    step: str | None = None
    hours: Hours | None = None
    division: TerritoryKind | None = None  # of `DIVISIONS`; None: the one that suits the territory
    compared: tuple[Territory, ...] = ()  # side by side, all of one kind; the first is what the others are measured by
    curves: str | None = None
    published: str | None = None  # the indicator shown of those that a producer publishes by département
    as_of: date | None = None  # coverage on that day; None: today
    weight: str = "habitants"  # of `WEIGHTS`
    part: str = DEFAULT_PART  # of `PARTS`
    moves: Moves = ()  # départements moved to another antenna, as a proposal

    @classmethod
    def from_params(cls, params: Mapping[str, str | list[str]]) -> tuple[Self, list[QueryError]]:
        """The nearest valid view, and what of the address was not understood."""
        given = {name: _joined(value) for name, value in params.items()}
        ignored: list[QueryError] = []
        start, stop = _read_period(given, ignored)
        filters = {name: _read_codes(key, values, given, ignored) for key, (name, values) in FILTERS.items()}
        view = cls(
            territory=_read_territory(given, ignored),
            start=start,
            stop=stop,
            measure=_read_choice("mesure", MEASURES, given, ignored) or DEFAULT_MEASURE,
            classes=_read_choice("classes", CLASSIFICATIONS, given, ignored) or DEFAULT_CLASSIFICATION,
            resolution=_read_resolution(given, ignored),
            cell=_read_cell(given, ignored),
            zone=_read_zone(given, ignored),
            language=_read_choice("langue", LANGUAGES, given, ignored),
            step=_read_choice("pas", STEPS, given, ignored),
            hours=_read_hours(given, ignored),
            division=_read_division(given, ignored),
            compared=_read_compared(given, ignored),
            curves=_read_choice("courbes", (INDEX_CURVES,), given, ignored),
            published=_read_choice("indicateur", PUBLISHED, given, ignored),
            as_of=_read_day("le", given, ignored),
            weight=_read_choice("poids", WEIGHTS, given, ignored) or "habitants",
            part=_read_choice("volet", PARTS, given, ignored) or DEFAULT_PART,
            moves=_read_moves(given, ignored),
            **filters,
        )
        return view, ignored

    def to_params(self) -> dict[str, str]:
        """The address of this view: only what differs from the default, always in the same order."""
        params = {
            "territoire": f"{self.territory.kind}:{self.territory.code}" if self.territory else "",
            "du": self.start.isoformat() if self.start else "",
            "au": (self.stop - ONE_DAY).isoformat() if self.stop else "",
            "heures": f"{self.hours.start}-{self.hours.stop}" if self.hours else "",
            **{key: ",".join(sorted(getattr(self, name))) for key, (name, _) in FILTERS.items()},
            "mesure": "" if self.measure == DEFAULT_MEASURE else self.measure,
            "resolution": "" if self.resolution is None else str(self.resolution),
            "classes": "" if self.classes == DEFAULT_CLASSIFICATION else self.classes,
            "hexagone": f"{self.cell:x}" if self.cell else "",
            "zone": self.zone or "",
            "langue": self.language or "",
            "pas": self.step or "",
            "par": self.division or "",
            "territoires": ",".join(f"{kind}:{code}" for kind, code in self.compared),
            "courbes": self.curves or "",
            "indicateur": self.published or "",
            "le": self.as_of.isoformat() if self.as_of else "",
            "poids": "" if self.weight == "habitants" else self.weight,
            "volet": "" if self.part == DEFAULT_PART else self.part,
            "ressorts": ",".join(f"{departement}:{antenna}" for departement, antenna in self.moves),
        }
        return {key: value for key, value in params.items() if value}

    def address(self) -> str:
        return "?" + urlencode(self.to_params(), safe=":,")

    def tile_address(self) -> str:
        """What its hexagons depend on: the address without what only changes how they are shown."""
        shown = replace(self.alone(), cell=None, zone=None, language=None, step=None, classes=DEFAULT_CLASSIFICATION)
        return replace(shown, division=None, part=DEFAULT_PART, moves=()).address()

    def alone(self) -> Self:
        """The same of one territory, without what only a comparison shows."""
        return replace(self, compared=(), curves=None, published=None)

    def shown_resolution(self) -> int:
        """The resolution asked for, as far as the territory bears it, or the one that suits it."""
        kind = self.territory.kind if self.territory else None
        return RESOLUTION_OF_KIND[kind] if self.resolution is None else min(self.resolution, FINEST_OF_KIND[kind])

    def resolution_at(self, zoom: int) -> int:
        """The resolution of the hexagons at a zoom of the map: the one asked for, within what can be told apart."""
        suited = resolution_at(zoom)
        if self.resolution is None:
            return suited
        return max(suited - COARSER, min(suited + FINER, self.resolution, FINEST_RESOLUTION))

    def dated(self, held: Period | None, today: date) -> Self:
        """The same view with its dates filled in: the last days of what the store holds, or of the calendar.

        A walk by hours shows some hours of one day, and hours of too long a period are none (`refused_hours`).
        """
        start, stop = self._period(held, today)
        if self.step == HOUR_STEP:
            return replace(self, start=start, stop=start + ONE_DAY, hours=self.hours or FIRST_HOURS)
        hours = self.hours if (stop - start).days <= MOST_DAYS_BY_HOUR else None
        return replace(self, start=start, stop=stop, hours=hours)

    def refused_hours(self, held: Period | None, today: date) -> QueryError | None:
        """Why `dated` leaves the hours out."""
        if self.hours is None or self.step == HOUR_STEP:
            return None
        try:
            check_hours(self.hours, *self._period(held, today))
        except QueryError as error:
            return error
        return None

    def _period(self, held: Period | None, today: date) -> tuple[date, date]:
        last = held[1] if held else today
        stop = self.stop or last + ONE_DAY
        default = ONE_DAY if self.step == HOUR_STEP else timedelta(days=DEFAULT_DAYS)
        start = self.start or stop - default
        if start >= stop:  # only the first day was given, and it lies after everything the store holds
            stop = start + ONE_DAY
        return start, stop

    def query(self) -> Query:
        """What to ask the store. The view must be dated."""
        if self.start is None or self.stop is None:
            raise ValueError("a view without dates: call dated() first")
        return Query(
            start=self.start,
            stop=self.stop,
            families=self.families,
            kinds=self.kinds,
            drugs=self.drugs,
            modes=self.modes,
            services=self.services,
            territory=self.territory,
            resolution=self.shown_resolution(),
            hours=self.hours,
        )


def _joined(value: str | list[str]) -> str:
    """`a=1&a=2` and `a=1,2` mean the same."""
    return value if isinstance(value, str) else ",".join(value)


def _read_territory(given: Mapping[str, str], ignored: list[QueryError]) -> Territory | None:
    text = given.get("territoire", "").strip()
    return _territory(text, ignored) if text else None


def _territory(text: str, ignored: list[QueryError]) -> Territory | None:
    kind, _, code = text.partition(":")
    for known in TERRITORY_KINDS:
        if kind == known and code and len(code) <= 40 and code.replace("-", "").replace("_", "").isalnum():
            return Territory(known, code)
    ignored.append(
        QueryError(
            N_("Territoire « {given} » ignoré : attendu type:code, par exemple commune:13055. Types : {known}."),
            given=_shortened(text),
            known=", ".join(TERRITORY_KINDS),
        )
    )
    return None


def _read_compared(given: Mapping[str, str], ignored: list[QueryError]) -> tuple[Territory, ...]:
    """Up to `MOST_COMPARED` territories of the kind of the first, each once."""
    texts = [text.strip() for text in given.get("territoires", "").split(",") if text.strip()]
    read = [territory for text in texts[:MOST_NAMED] if (territory := _territory(text, ignored))]
    named = [territory for territory in read if territory.kind in COMPARED_KINDS]
    if len(named) < len(read):
        ignored.append(
            QueryError(N_("Les communes sont trop nombreuses pour être comparées ainsi. Types admis : {known}."),
                       known=", ".join(COMPARED_KINDS))
        )  # fmt: skip
    alike = [territory for territory in named if territory.kind == named[0].kind]
    once = tuple(dict.fromkeys(alike))
    if others := [f"{kind}:{code}" for kind, code in named if kind != named[0].kind]:
        ignored.append(
            QueryError(N_("On compare des territoires d'un même type ({kind}) : {given} laissé de côté."),
                       kind=named[0].kind, given=_shortened(", ".join(others)))
        )  # fmt: skip
    if len(once) < len(alike):
        twice = sorted({f"{kind}:{code}" for kind, code in alike if alike.count(Territory(kind, code)) > 1})
        ignored.append(
            QueryError(N_("Un territoire ne se compare pas à lui-même : {given} n'est gardé qu'une fois."),
                       given=_shortened(", ".join(twice)))
        )  # fmt: skip
    if len(once) > MOST_COMPARED or len(texts) > MOST_NAMED:
        ignored.append(
            QueryError(N_("{n} territoires demandés : les {most} premiers sont comparés."),
                       n=max(len(once), len(texts)), most=MOST_COMPARED)
        )  # fmt: skip
    return once[:MOST_COMPARED]


def _read_period(given: Mapping[str, str], ignored: list[QueryError]) -> tuple[date | None, date | None]:
    start, last = (_read_day(key, given, ignored) for key in ("du", "au"))
    if start and last and last < start:
        ignored.append(
            QueryError(N_("La période finit le {last}, avant son début le {start} : les deux dates sont échangées."),
                       start=start, last=last)
        )  # fmt: skip
        start, last = last, start
    return start, last + ONE_DAY if last else None


def _read_day(key: str, given: Mapping[str, str], ignored: list[QueryError]) -> date | None:
    text = given.get(key, "").strip()
    if not text:
        return None
    try:
        day = date.fromisoformat(text)
    except ValueError:
        day = None
    if day is None or not EARLIEST <= day <= LATEST:
        ignored.append(
            QueryError(N_("Date « {key}={given} » ignorée : attendu AAAA-MM-JJ, par exemple 2026-03-01."),
                       key=key, given=_shortened(text))
        )  # fmt: skip
        return None
    return day


def _read_hours(given: Mapping[str, str], ignored: list[QueryError]) -> Hours | None:
    text = given.get("heures", "").strip()
    if not text:
        return None
    ends = [int(part) for part in text.split("-") if part.isascii() and part.isdigit() and len(part) <= 2]
    if len(ends) == 2 and text.count("-") == 1 and ends[0] <= 23 and ends[1] <= 24:
        return Hours(ends[0], ends[1] or 24)  # midnight ends a day
    ignored.append(
        QueryError(N_("Heures « {given} » ignorées : attendu début-fin, de 0 à 24, par exemple 22-6."),
                   given=_shortened(text))
    )  # fmt: skip
    return None


def _read_codes(key: str, known: Iterable[str], given: Mapping[str, str], ignored: list[QueryError]) -> frozenset[str]:
    asked = {part.strip() for part in given.get(key, "").split(",") if part.strip()}
    unknown = sorted(asked - set(known))
    if unknown:
        ignored.append(
            QueryError(N_("Filtre « {key}={given} » ignoré. Le plus proche : {closest}."),
                       key=key, given=_shortened(",".join(unknown)), closest=_closest(unknown[0], known))
        )  # fmt: skip
    return frozenset(asked & set(known))


def _read_choice(key: str, known: Iterable[str], given: Mapping[str, str], ignored: list[QueryError]) -> str | None:
    text = given.get(key, "").strip()
    if not text or text in known:
        return text or None
    ignored.append(
        QueryError(N_("« {key}={given} » ignoré. Valeurs admises : {known}."),
                   key=key, given=_shortened(text), known=", ".join(known))
    )  # fmt: skip
    return None


def _read_division(given: Mapping[str, str], ignored: list[QueryError]) -> TerritoryKind | None:
    asked = _read_choice("par", DIVISIONS, given, ignored)
    return next((kind for kind in DIVISIONS if kind == asked), None)


def _read_resolution(given: Mapping[str, str], ignored: list[QueryError]) -> int | None:
    text = given.get("resolution", "").strip()
    if not text:
        return None
    if text.isascii() and text.isdigit() and COARSEST_RESOLUTION <= int(text[:4]) <= FINEST_RESOLUTION:
        return int(text[:4])
    ignored.append(
        QueryError(N_("Résolution « {given} » ignorée : attendu un entier de {coarsest} à {finest}."),
                   given=_shortened(text), coarsest=COARSEST_RESOLUTION, finest=FINEST_RESOLUTION)
    )  # fmt: skip
    return None


def _read_cell(given: Mapping[str, str], ignored: list[QueryError]) -> int | None:
    text = given.get("hexagone", "").strip().lower()
    if not text:
        return None
    if len(text) == 15 and h3.is_valid_cell(text):
        return int(h3.str_to_int(text))
    ignored.append(
        QueryError(N_("Hexagone « {given} » ignoré : attendu un identifiant H3 de 15 chiffres hexadécimaux."),
                   given=_shortened(text))
    )  # fmt: skip
    return None


def _read_moves(given: Mapping[str, str], ignored: list[QueryError]) -> Moves:
    """Each département once, the last word counting; whether the codes are known is for the lists to say."""
    moves: dict[str, str] = {}
    for part in given.get("ressorts", "")[:LONGEST_MOVES].split(","):
        departement, colon, antenna = part.strip().partition(":")
        if not part.strip():
            continue
        if not (colon and DEPARTEMENT.fullmatch(departement) and CODE.fullmatch(antenna)):
            ignored.append(
                QueryError(N_("Ressort « {given} » ignoré : attendu département:antenne, par exemple 66:bordeaux."),
                           given=_shortened(part))
            )  # fmt: skip
            continue
        moves[departement] = antenna
    return tuple(sorted(moves.items()))


def _read_zone(given: Mapping[str, str], ignored: list[QueryError]) -> str | None:
    text = given.get("zone", "").strip()
    if not text:
        return None
    try:
        return read_drawing(text).text
    except QueryError as error:
        ignored.append(error)
        return None


def _closest(text: str, known: Iterable[str]) -> str:
    return difflib.get_close_matches(text, list(known), n=1, cutoff=0.0)[0]


def _shortened(text: str) -> str:
    """What was given, short enough to be shown again."""
    return text if len(text) <= 60 else text[:57] + "…"
