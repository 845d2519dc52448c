"""The map of what no CROSS covers: hexagons by inhabitants or incidents, perimeters on a day, jurisdictions."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields, replace
from datetime import date
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from starlette.routing import BaseRoute

from dashboard import format as fmt
from dashboard.cache import SizedCache
from dashboard.context import Context, today, viewer_of
from dashboard.coverage_figures import held_communes, held_shares, units_of
from dashboard.freshness import Area
from dashboard.hex_tiles import HexTiles
from dashboard.hexagon_table import whole_table
from dashboard.i18n import _
from dashboard.mapdata import (
    Window,
    class_specs,
    classes_of,
    communes_at,
    described,
    resolution_label,
)
from dashboard.measures import Measure
from dashboard.tables import HexagonTable
from dashboard.view import View
from data.geography import Geography
from data.jurisdictions import antenna_of, proposed
from data.lists import Cross
from data.national import national_hexagons, national_population
from data.query import Territory, Viewer
from data.standing import standing
from geo.cells import centres, parents
from geo.coverage import shares_of
from geo.errors import N_
from geo.nearest import nearest_seat
from geo.population import population_by_cell
from geo.tiles import Tile, positions
from layers.classes import open_labels
from layers.hexagons import (
    STATE_CODES,
    ZOOMS,
    Description,
    FieldSpec,
    Level,
    LineSpec,
    State,
    StateSpec,
    encode,
)
from layers.outlines import Outline, OutlineKind, OutlineStatus, encode_outlines

COARSEST, FINEST = 5, 7  # resolutions: of about 240 km², that leave an urban area to be seen, to 5 km², as communes
TABLES_BYTES = 64 * 2**20
FINE = 8  # resolution in which facts near a perimeter are told apart
HELD_WHOLE = 0.999  # of a hexagon's land: nothing of it is left to show
WEIGHED: dict[str, Measure] = {
    "habitants": Measure(
        "habitants",
        N_("Habitants sans CROSS en activité"),
        N_("habitants"),
        N_("Habitants des communes qu'aucune CROSS en activité ne couvre, répartis sur leur surface."),
    ),
    "incidents": Measure(
        "incidents",
        N_("Incidents hors des CROSS en activité"),
        N_("faits"),
        N_("Incidents des communes qu'aucune CROSS en activité ne couvre."),
    ),
}
DECIMALS = {"values": 0, "population": 0, "incidents": 0, "held": 0, "distance_km": 0}


@dataclass(frozen=True, slots=True)
class Uncovered:
    """Hexagons of which a part is covered by no CROSS in operation, sorted; arrays of shape (n,)."""

    cells: NDArray[np.int64]
    states: NDArray[np.uint8]
    values: NDArray[np.float64]  # what is weighed, of the part that is not covered
    population: NDArray[np.float64]  # of the whole hexagon, as those below
    incidents: NDArray[np.float64]
    held: NDArray[np.float64]  # per cent of its land that CROSS in operation cover
    distance_km: NDArray[np.float64]  # from its centre to the nearest seat of a CROSS in operation
    x: NDArray[np.float64]  # of the centre on the map of the world, 0 to 1
    y: NDArray[np.float64]

    def cut(self, tile: Tile) -> Uncovered:
        """The hexagons whose centre is in a tile."""
        size = 1 << tile.z
        rows = (np.floor(self.x * size) == tile.x) & (np.floor(self.y * size) == tile.y)
        return Uncovered(**{field.name: getattr(self, field.name)[rows] for field in fields(self)})

    @property
    def nbytes(self) -> int:
        """What its arrays take."""
        return sum(getattr(self, field.name).nbytes for field in fields(self))


class CoverageTiles(HexTiles):
    """`/couverture/hex` and below: the same questions as of any map of hexagons, other answers."""

    prefix = "/couverture/hex"

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._tables: SizedCache[Uncovered] = SizedCache(TABLES_BYTES, lambda table: table.nbytes)

    def routes(self) -> list[BaseRoute]:
        return self.map_routes()

    def _read_ahead(self, view: View, zoom: str) -> None:
        """Nothing: the tiles of a country in few hexagons are there as soon as they are asked for."""

    def _describe(self, view: View) -> bytes:
        context = self._context
        looked_at = replace(view, territory=None, moves=())  # the hexagons are those of the whole country
        key = context.tokens.make(looked_at, viewer_of(context.settings))
        return json.dumps(_described(context, view, key, self._resolutions(view)), ensure_ascii=False).encode()

    def _resolutions(self, view: View) -> list[int]:
        return [_drawn_at(view, zoom) for zoom in range(ZOOMS[0], ZOOMS[1] + 1)]

    def _level(self, viewer: Viewer, view: View, resolution: int, window: Window | None) -> Level:
        table = self._table(viewer, view, resolution)
        classes = classes_of(view, np.where(table.states == STATE_CODES["value"], table.values, np.nan))
        return Level(
            resolution=resolution,
            resolution_label=resolution_label(table.cells),
            classes=class_specs(WEIGHED[view.weight], classes, open_labels(classes, fmt.limit)),
            notes=[_("Seule compte la part non couverte ; un hexagone tout à fait couvert reste sans couleur.")],
        )

    def _tile(self, viewer: Viewer, view: View, tile: Tile) -> bytes:
        resolution = _drawn_at(view, tile.z + 1)
        table = self._table(viewer, view, resolution).cut(tile)
        columns: dict[str, NDArray[Any]] = {
            "cell": table.cells,
            "state": table.states,
            "place": communes_at(self._context.geography, table.cells),
            **{name: getattr(table, name) for name in DECIMALS},
        }
        return encode(resolution, columns, DECIMALS)

    def _table(self, viewer: Viewer, view: View, resolution: int) -> Uncovered:
        """The whole country at one resolution; kept until a change touches its days."""
        context, day = self._context, today()
        key = ("uncovered", viewer, view.tile_address(), resolution, day)
        version = context.version_of(key, Area.of(view))
        return self._tables.get_or_make((key, version), lambda: uncovered(context, viewer, view, resolution, day))


def _drawn_at(view: View, zoom: int) -> int:
    """The resolution at a zoom: one finer than elsewhere, as what is looked for are holes."""
    return max(COARSEST, min(FINEST, view.resolution_at(zoom) + 1))


def uncovered(context: Context, viewer: Viewer, view: View, resolution: int, now: date) -> Uncovered:
    """Weigh what no CROSS in operation covers, for a dated view; `now`: the day until which the lists' dates count."""
    known, ground = context.geography, national_hexagons(context.geography, resolution)
    operating, undated = (_standing_now(known, view, now, name) for name in ("operating", "undated"))
    held = _land_held(known, operating, resolution)
    population = national_population(known, resolution)
    incidents = _incidents(context, viewer, view, resolution)
    if view.weight == "incidents":
        values = _free_incidents(context, viewer, view, resolution, operating, np.where(held > 0, np.nan, incidents))
    else:
        values = (population - held_population(known, operating, resolution)).clip(min=0).round()
    states = np.full(len(values), STATE_CODES["value"], dtype=np.uint8)
    states[values == 0] = STATE_CODES["zero"]
    states[np.isnan(values)] = STATE_CODES["protected" if view.weight == "incidents" else "unknown"]
    states[_land_held(known, operating | undated, resolution) - held > 0.5] = STATE_CODES["withheld"]
    lng, lat = centres(ground.cells)
    x, y = positions(lng, lat)
    table = Uncovered(
        cells=ground.cells,
        states=states,
        values=np.where(states == STATE_CODES["withheld"], np.nan, values),
        population=population,
        incidents=incidents,
        held=100 * held,
        distance_km=_to_the_nearest_seat(known, operating, lng, lat),
        x=x,
        y=y,
    )
    some = held < HELD_WHOLE
    return Uncovered(**{field.name: getattr(table, field.name)[some] for field in fields(table)})


def _facts(context: Context, viewer: Viewer, view: View, resolution: int) -> HexagonTable:
    everywhere = replace(view, territory=None, measure="incidents")
    return whole_table(context, viewer, everywhere, resolution).table


def _incidents(context: Context, viewer: Viewer, view: View, resolution: int) -> NDArray[np.float64]:
    """Incidents of the national hexagons, 0 where the store has none, NaN where their number is protected."""
    cells = national_hexagons(context.geography, resolution).cells
    facts = _facts(context, viewer, view, resolution)
    incidents = np.zeros(len(cells))
    _common, here, there = np.intersect1d(cells, facts.cells, assume_unique=True, return_indices=True)
    incidents[here] = np.where(facts.states == STATE_CODES["protected"], np.nan, facts.incidents)[there]
    return incidents


def _free_incidents(
    context: Context,
    viewer: Viewer,
    view: View,
    resolution: int,
    operating: frozenset[str],
    outside: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Incidents of the part of each national hexagon that no CROSS in operation covers.

    The facts of a hexagon that a perimeter crosses are told apart in hexagons of 0.7 km², by the commune at the centre
    of each. For those who are shown no small count, that would be nothing but small counts: they get `outside`, what
    lies in hexagons that no perimeter crosses (NaN: protected, or crossed).
    """
    if viewer.threshold:
        return outside
    known, cells = context.geography, national_hexagons(context.geography, resolution).cells
    fine = _facts(context, viewer, view, FINE)
    commune = communes_at(known, fine.cells)  # from 1; 0: none, which no perimeter holds
    covered = np.isin(commune - 1, held_communes(known, operating))
    above = parents(fine.cells[~covered], resolution)
    place = np.searchsorted(cells, above).clip(max=len(cells) - 1)
    on_land = cells[place] == above
    counted = fine.incidents[~covered][on_land]
    return np.bincount(place[on_land], counted, minlength=len(cells)).astype(np.float64)


@lru_cache(maxsize=16)
def held_population(known: Geography, codes: frozenset[str], resolution: int) -> NDArray[np.float64]:
    """Inhabitants of the national hexagons that live in communes of these CROSS: each commune's, by area."""
    cells = national_hexagons(known, resolution).cells
    communes = known.communes["code"].to_numpy(dtype=object)[held_communes(known, codes)]
    units = known.units[known.units["commune"].isin(communes) & known.units["population"].notna()]
    if units.empty:
        return np.zeros(len(cells))
    people = units["population"].to_numpy(dtype=np.float64)
    held, inhabitants = population_by_cell(units.geometry.to_numpy(dtype=object), people, resolution)
    found = np.zeros(len(cells))
    found[np.searchsorted(cells, held)] = inhabitants
    return found


def _standing_now(known: Geography, view: View, now: date, name: str) -> frozenset[str]:
    day = min(view.as_of or now, now)
    return frozenset(cross.code for cross in known.lists.cross if standing(cross, day, now) == name)


def _land_held(known: Geography, codes: frozenset[str], resolution: int) -> NDArray[np.float64]:
    """Share of the land of each national hexagon that these CROSS hold, 0 to 1."""
    ground = national_hexagons(known, resolution)
    share: NDArray[np.float64] = shares_of(ground.cells, held_shares(known, codes, resolution)) / ground.land
    return share.clip(0, 1)


def _to_the_nearest_seat(
    known: Geography, codes: frozenset[str], lng: NDArray[np.float64], lat: NDArray[np.float64]
) -> NDArray[np.float64]:
    units = units_of(known)
    seats = units.codes.get_indexer(
        pd.Index([cross.seat for cross in known.lists.cross if cross.code in codes], dtype="str")
    )
    return nearest_seat(lng, lat, units.lng[seats], units.lat[seats]).distance_km


# ---- what the map says


def _described(context: Context, view: View, key: str, resolutions: list[int]) -> Description:
    measure = WEIGHED[view.weight]
    answer = described(context, replace(view, step=None), key)
    states: dict[State, str] = {
        "zero": _("non couvert, aucun incident") if view.weight == "incidents" else _("non couvert, inhabité"),
        "unknown": _("non couvert, population inconnue"),
        "withheld": _("CROSS sans date publiée : couvert ou non"),
        "protected": _("protégé : moins de {threshold}").format(threshold=viewer_of(context.settings).threshold),
    }
    answer["title"], answer["unit"] = _(measure.title), _(measure.unit)
    answer["states"] = [StateSpec(state=state, label=label, count=0) for state, label in states.items()]
    answer["fields"] = _fields(measure)
    answer["message"] = ""
    answer["outlines"] = f"/couverture/perimetres{_outlines_address(view)}"
    answer["resolutions"] = resolutions
    answer["lines"] = _lines(context.geography, view)
    answer["period"] = day_label(view, today())
    if view.weight == "incidents":
        answer["period"] += f" · {described_period(view)}"
    return answer


def _outlines_address(view: View) -> str:
    return View(territory=view.territory, as_of=view.as_of, part=view.part, moves=view.moves).address()


def described_period(view: View) -> str:
    """The days of the incidents."""
    query = view.query()
    return fmt.period(query.start, query.stop)


def day_label(view: View, now: date) -> str:
    """The day of the coverage, in words."""
    return _("couverture au {day}").format(day=fmt.short_day(min(view.as_of or now, now)))


def _fields(measure: Measure) -> list[FieldSpec]:
    return [
        FieldSpec(name="values", label=_(measure.title), unit="", decimals=0),
        FieldSpec(name="population", label=_("Habitants de l'hexagone"), unit="", decimals=0),
        FieldSpec(name="incidents", label=_("Incidents de l'hexagone"), unit="", decimals=0),
        FieldSpec(name="held", label=_("Part couverte"), unit=_("%"), decimals=0),
        FieldSpec(name="distance_km", label=_("Siège de CROSS le plus proche"), unit=_("km"), decimals=0),
    ]


LINE_LABELS: dict[tuple[OutlineStatus, bool], str] = {
    ("operating", False): N_("CROSS en activité"),
    ("operating", True): N_("CROSS en activité, périmètre supposé"),
    ("undated", False): N_("CROSS sans date de mise en service"),
    ("undated", True): N_("CROSS sans date, périmètre supposé"),
    ("installing", False): N_("CROSS en cours d'installation"),
    ("installing", True): N_("CROSS en cours d'installation, périmètre supposé"),
}


def _lines(known: Geography, view: View) -> list[LineSpec]:
    """What the lines of the map mean: those that are on it, and how many there are of each."""
    shown = coverage_outlines(known, view, today())
    lines = []
    for (status, assumed), label in LINE_LABELS.items():
        count = sum(each.kind == "cross" and (each.status, each.assumed) == (status, assumed) for each in shown)
        if count:
            lines.append(LineSpec(kind="cross", status=status, assumed=assumed, label=_(label), count=count))
    for assumed, label in ((False, _("Ressort d'antenne")), (True, _("Ressort d'antenne supposé"))):
        count = sum(each.kind == "jurisdiction" and each.assumed == assumed for each in shown)
        if count:
            lines.append(LineSpec(kind="jurisdiction", status="operating", assumed=assumed, label=label, count=count))
    return lines


# ---- perimeters


def coverage_perimeters_json(context: Context, view: View) -> bytes:
    """The answer of `GET /couverture/perimetres`."""
    known = context.geography
    outlines = coverage_outlines(known, view, today())
    if view.territory is not None:
        name = known.name(view.territory)
        outlines.append(Outline("selected", view.territory.code, name, known.perimeter(view.territory)))
    return encode_outlines(outlines)


def coverage_outlines(known: Geography, view: View, now: date) -> list[Outline]:
    """The CROSS there are on the day of the view, and the jurisdictions: its subject, or at the reader's choice."""
    day = min(view.as_of or now, now)
    outlines = [
        _cross_outline(known, cross, standing(cross, day, now))
        for cross in known.lists.cross
        if standing(cross, day, now) != "absent"
    ]
    return [*outlines, *_jurisdictions(known, view)]


def _cross_outline(known: Geography, cross: Cross, status: str) -> Outline:
    perimeter = known.perimeter(Territory("cross", cross.code))
    drawn: OutlineStatus = "operating" if status == "operating" else "undated" if status == "undated" else "installing"
    return Outline("cross", cross.code, cross.name, perimeter, drawn, cross.assumed, _seat(known, "cross", cross.code))


def _jurisdictions(known: Geography, view: View) -> list[Outline]:
    """As the lists have them, or as the view proposes; those that are touched are drawn from their départements."""
    before = antenna_of(known.lists)
    held, _refused = proposed(known.lists, view.moves)
    changed = {antenna for code in held if held[code] != before[code] for antenna in (held[code], before[code])}
    outlines = []
    for antenna in known.lists.antennas:
        codes = [code for code, holder in held.items() if holder == antenna.code]
        if not codes:  # all its départements were moved
            continue
        listed = Territory("antenna", antenna.code)
        shape = union_of(known, codes) if antenna.code in changed else known.perimeter(listed)
        kind: OutlineKind = "jurisdiction" if view.part == "antennes" else "antenna"
        assumed = antenna.assumed or antenna.code in changed
        outlines.append(
            Outline(
                kind, antenna.code, antenna.name, shape, "operating", assumed, _seat(known, "antenna", antenna.code)
            )
        )
    return outlines


def union_of(known: Geography, codes: list[str]) -> shapely.Geometry:
    """What départements and collectivités hold together, degrees WGS 84."""
    land = known.departements.geometry[known.departements["code"].isin(codes)]
    countries = known.collectivites["country"][known.collectivites["code"].isin(codes)]
    overseas = known.countries.geometry[known.countries["iso_a2"].isin(countries)]
    return shapely.union_all(np.array([*land, *overseas], dtype=np.object_))


def _seat(known: Geography, kind: str, code: str) -> tuple[float, float] | None:
    table = known.territories("cross" if kind == "cross" else "antenna")
    row = table[table["code"] == code].iloc[0]
    return None if np.isnan(row["seat_lng"]) else (float(row["seat_lng"]), float(row["seat_lat"]))
