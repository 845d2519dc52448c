"""Where corridors lie on the map: ends, ways by mode of transport, and the points by which they enter Europe."""

from __future__ import annotations

import functools
import threading
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from dashboard.corridor_facts import EUROPE, Routed
from dashboard.i18n import current_language
from data.geography import Geography
from geo.corridors import UNKNOWN
from geo.entries import nearest_border, nearest_site
from geo.great_circles import great_circles
from geo.sea_lanes import sea_ways

LARGE = ("Large", "Medium")  # ports that trade with the world; a country without any: all of its ports
STRAIGHT_STEP_KM = 200.0  # between two points of a line
MAP_DEGREES = 0.01  # to which lines are rounded: less than a pixel on a map of Europe
KEPT_WAYS = 20_000
AROUND_EUROPE = (-32.0, 27.0, 45.0, 72.0)  # west, south, east, north: without the territories overseas
WAY_IN = {"air": "air", "sea": "port", "road": "terre", "rail": "terre"}


class Countries:
    """Names and label points of the countries, by ISO 3166-1 alpha-2."""

    def __init__(self, known: Geography) -> None:
        table = known.countries
        self._names = {
            "fr": dict(zip(table["iso_a2"], table["name_fr"], strict=True)),
            "en": dict(zip(table["iso_a2"], table["name_en"], strict=True)),
        }
        self._at = dict(zip(table["iso_a2"], zip(table["lng"], table["lat"], strict=True), strict=True))
        ports = known.ports
        self._ports: dict[str, NDArray[np.float64]] = {}
        for country, group in ports.groupby("country"):
            large = group[group["size"].isin(LARGE)]
            self._ports[str(country)] = (large if len(large) else group)[["lng", "lat"]].to_numpy(dtype=np.float64)

    def name(self, code: str) -> str:
        """In the language of the page; a code that the map does not know stays what it is."""
        return str(self._names[current_language()].get(code, code))

    def at(self, code: str) -> tuple[float, float]:
        """Longitude and latitude, degrees WGS 84; NaN for a code that the map does not know."""
        lng, lat = self._at.get(code, (np.nan, np.nan))
        return float(lng), float(lat)

    def ports(self, code: str) -> NDArray[np.float64]:
        """Shape (n, 2); none for a country without a coast."""
        return self._ports.get(code, np.empty((0, 2)))


Pair = tuple[str, str, str]  # origin, destination, mode


class Ways:
    """Lines of corridors, drawn once; safe between threads."""

    def __init__(self, countries: Countries) -> None:
        self._countries = countries
        self._lines: dict[Pair, list[list[float]]] = {}
        self._lock = threading.Lock()

    def of(self, pairs: list[Pair]) -> list[list[list[float]]]:
        """For each corridor its parts, each a flat list lng, lat, lng, lat… in degrees; no part: an end is unknown."""
        with self._lock:
            if len(self._lines) > KEPT_WAYS:
                self._lines.clear()
            missing = [pair for pair in dict.fromkeys(pairs) if pair not in self._lines]
            self._draw([pair for pair in missing if pair[2] == "sea"], by_sea=True)
            self._draw([pair for pair in missing if pair[2] != "sea"], by_sea=False)
            return [self._lines[pair] for pair in pairs]

    def _draw(self, pairs: list[Pair], *, by_sea: bool) -> None:
        if not pairs:
            return
        known = self._countries
        lines = np.full(len(pairs), shapely.MultiLineString(), dtype=np.object_)
        if by_sea:
            lines = sea_ways([known.ports(start) for start, _, _ in pairs], [known.ports(stop) for _, stop, _ in pairs])
        starts, stops = (np.array([known.at(pair[end]) for pair in pairs], dtype=np.float64) for end in (0, 1))
        straight = great_circles(starts[:, 0], starts[:, 1], stops[:, 0], stops[:, 1], STRAIGHT_STEP_KM)
        drawn = np.where(shapely.is_empty(lines), straight, lines)  # a country without a port: as the crow flies
        for pair, line in zip(pairs, drawn, strict=True):
            self._lines[pair] = [_flat(part) for part in line.geoms]


def _flat(part: shapely.LineString) -> list[float]:
    points = np.array(part.coords)
    rounded = np.round(points / MAP_DEGREES) * MAP_DEGREES
    return [round(value, 2) for value in rounded.ravel().tolist()]


@dataclass(frozen=True, slots=True)
class EntryPoints:
    """Airports, ports and land borders by which seizures made in Europe had come in; the first of them the largest.

    Arrays of shape (n,). `rows` are those of the seizures, -1: none known.
    """

    keys: tuple[str, ...]  # `air:MAD`, `port:35730`, `terre:TR-BG`
    names: tuple[str, ...]
    lng: NDArray[np.float64]
    lat: NDArray[np.float64]
    seizures: NDArray[np.int64]
    kg: NDArray[np.float64]  # NaN: none weighed
    point: NDArray[np.int64]  # of each row of the seizures, its entry point
    without: int  # seizures made in Europe that came from elsewhere by a way that is not known


def entry_points(known: Geography, countries: Countries, kept: Routed, rows: NDArray[np.bool_]) -> EntryPoints:
    """Entry points of some seizures: those made in Europe of what came from outside of it."""
    key_of_row = kept_entries(known, countries, kept)
    facts = kept.facts
    came = rows & _came_in(kept)
    keys, point = np.unique(key_of_row[came], return_inverse=True)
    seizures = np.bincount(point, facts.facts[came], minlength=len(keys)).astype(np.int64)
    weighed = np.bincount(point, facts.weighed[came], minlength=len(keys))
    kg = np.where(weighed > 0, np.bincount(point, np.nan_to_num(facts.kg[came]), minlength=len(keys)), np.nan)
    named = np.flatnonzero(keys != "")
    order = named[np.lexsort((keys[named], -seizures[named]))]
    places = [_place(known, countries, kept, str(keys[row])) for row in order]
    rank = np.full(len(keys) + 1, -1, dtype=np.int64)
    rank[order] = np.arange(len(order))
    of_row = np.full(len(rows), -1, dtype=np.int64)
    of_row[came] = rank[point]
    return EntryPoints(
        keys=tuple(str(keys[row]) for row in order),
        names=tuple(name for name, _lng, _lat in places),
        lng=np.array([lng for _name, lng, _lat in places], dtype=np.float64),
        lat=np.array([lat for _name, _lng, lat in places], dtype=np.float64),
        seizures=seizures[order],
        kg=kg[order],
        point=of_row,
        without=int(seizures[keys == ""].sum()),
    )


def _came_in(kept: Routed) -> NDArray[np.bool_]:
    """Made in Europe, of what had left or was made in a country outside of it."""
    facts = kept.facts
    source = np.where(facts.departure != UNKNOWN, facts.departure, facts.producing)
    return np.asarray(kept.among(EUROPE, facts.reporter) & (source != UNKNOWN) & ~kept.among(EUROPE, source))


_entries: dict[int, NDArray[np.str_]] = {}
_entries_lock = threading.Lock()


def kept_entries(known: Geography, countries: Countries, kept: Routed) -> NDArray[np.str_]:
    """The entry point of each row, "" where it is not known; found once for each reading of the store."""
    with _entries_lock:
        if kept.serial not in _entries:
            _entries.clear()
            _entries[kept.serial] = _find_entries(known, kept)
        return _entries[kept.serial]


def _find_entries(known: Geography, kept: Routed) -> NDArray[np.str_]:
    facts = kept.facts
    west, south, east, north = AROUND_EUROPE
    here = (facts.lng >= west) & (facts.lng <= east) & (facts.lat >= south) & (facts.lat <= north)
    kind = np.array([WAY_IN.get(mode, "") for mode in facts.modes] + [""])[facts.mode]
    found = np.full(len(facts.facts), "", dtype="<U20")
    rows = np.flatnonzero(_came_in(kept) & here & (kind != ""))
    places, inverse = np.unique(np.column_stack((facts.lng[rows], facts.lat[rows])), axis=0, return_inverse=True)
    reporter = np.array([kept.code(number) for number in facts.reporter[rows].tolist()])
    for way, sites, name in (("air", known.airports, "iata"), ("port", known.ports, "number")):
        for country in np.unique(reporter[kind[rows] == way]).tolist():
            there = sites[sites["country"] == country]
            wanted = np.flatnonzero((kind[rows] == way) & (reporter == country))
            lng, lat = places[inverse[wanted]].T
            near = nearest_site(lng, lat, there["lng"].to_numpy(), there["lat"].to_numpy())
            codes = np.array([*(f"{way}:{code}" for code in there[name]), ""], dtype="<U20")
            found[rows[wanted]] = codes[near]
    by_land = np.flatnonzero(kind[rows] == "terre")
    crossed, of_place = np.unique(inverse[by_land], return_inverse=True)
    neighbours = outside_europe(known)
    lng, lat = places[crossed].T
    border = nearest_border(lng, lat, neighbours.polygons)
    for place, row in zip(of_place.tolist(), rows[by_land].tolist(), strict=True):
        if border.neighbour[place] >= 0:
            found[row] = f"terre:{neighbours.codes[border.neighbour[place]]}-{kept.code(int(facts.reporter[row]))}"
    return found


@dataclass(frozen=True, slots=True)
class Neighbours:
    codes: tuple[str, ...]
    polygons: NDArray[np.object_]


@functools.lru_cache(maxsize=1)
def outside_europe(known: Geography) -> Neighbours:
    """Countries outside of Europe that lie around it."""
    table = known.countries
    table = table[~table["iso_a2"].isin(EUROPE)]
    around = shapely.intersects(table.geometry.to_numpy(), shapely.box(*AROUND_EUROPE))
    table = table[around]
    return Neighbours(tuple(table["iso_a2"]), table.geometry.to_numpy(dtype=object))


def _place(known: Geography, countries: Countries, kept: Routed, key: str) -> tuple[str, float, float]:
    """Name and position of an entry point."""
    way, _colon, code = key.partition(":")
    if way == "terre":
        return _border(known, countries, code)
    return _sites(known, way)[code]


@functools.lru_cache(maxsize=2)
def _sites(known: Geography, way: str) -> dict[str, tuple[str, float, float]]:
    table, code = (known.airports, "iata") if way == "air" else (known.ports, "number")
    columns = (table[code].astype(str), table["name"].astype(str), table["lng"], table["lat"])
    return {key: (name, float(lng), float(lat)) for key, name, lng, lat in zip(*columns, strict=True)}


def _border(known: Geography, countries: Countries, code: str) -> tuple[str, float, float]:
    """The middle of the border of two countries, and both their names."""
    outer, inner = code.split("-")
    lng, lat = _border_point(known, outer, inner)
    return f"{countries.name(outer)} – {countries.name(inner)}", lng, lat


@functools.lru_cache(maxsize=256)
def _border_point(known: Geography, outer: str, inner: str) -> tuple[float, float]:
    shapes = known.countries.set_index("iso_a2").geometry
    if outer not in shapes.index or inner not in shapes.index:
        return np.nan, np.nan
    shared = shapely.intersection(shapes[outer].buffer(0.05), shapes[inner])
    point = shapely.shortest_line(shapes[outer], shapes[inner]).interpolate(0.5, normalized=True)
    if not shared.is_empty:
        point = shared.representative_point()
    return float(point.x), float(point.y)


@functools.cache
def world(known: Geography) -> tuple[Countries, Ways]:
    """What is drawn from the reference geography, made once."""
    countries = Countries(known)
    return countries, Ways(countries)
