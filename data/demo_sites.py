"""Where the demonstration's invented facts happen: sites inside the urban areas, each with its time and its weight."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from data.geography import Geography, time_zone_of

METRES_PER_DEGREE = 111_195.0  # of latitude, on a sphere
UNKNOWN_POPULATION = 100_000  # of an urban area whose population is not published
DEAL_LIFE_DAYS = 150.0  # mean time before a deal point moves
DEAL_MOVES_M = 350.0  # how far it moves
DEAL_ENDS = 0.35  # of the moves: it is over, and another one opens elsewhere
NEAR_DEGREES = 0.3  # from an airport or a port to the middle of some commune of its area
CANDIDATES = 3  # points drawn for each one wanted: those at sea or over the border are left out

Numbers = NDArray[np.float64]
Positions = NDArray[np.int64]


class Category(NamedTuple):
    """A kind of site: its share of all facts, how many for 100,000 inhabitants, how far around it facts happen."""

    share: float
    sites_per_100k: float
    spread_m: float


CATEGORIES: dict[str, Category] = {
    "deal": Category(0.46, 14, 90),
    "diffuse": Category(0.20, 60, 450),
    "road": Category(0.15, 12, 220),
    "station": Category(0.06, 1, 70),
    "airport": Category(0.03, 0.1, 250),
    "port": Category(0.03, 0.1, 200),
    "post": Category(0.03, 0.4, 60),
    "shop": Category(0.04, 10, 60),
}
CATEGORY_NAMES = tuple(CATEGORIES)


@dataclass(frozen=True, slots=True)
class Sites:
    """One row for each site; `start` and `stop` are days from the first one of the period, stop excluded."""

    area: Positions
    category: Positions
    lng: Numbers
    lat: Numbers
    start: Positions
    stop: Positions
    weight: Numbers  # of a whole life, sums to 1


@dataclass(frozen=True, slots=True)
class Scene:
    """The urban areas, what lies in them, and which of them each commune belongs to."""

    areas: tuple[str, ...]
    zones: tuple[str, ...]  # IANA time zones, one for each area
    area_of_commune: dict[str, int]
    sites: Sites


@dataclass(frozen=True, slots=True)
class _Ground:
    """What sites are drawn from: the communes and arrondissements of the areas."""

    geography: Geography
    units: pd.DataFrame  # commune, population, lng, lat, spread_m, area
    area_of_commune: dict[str, int]
    population: Numbers  # of each area

    def areas_at(self, lng: Numbers, lat: Numbers) -> Positions:
        """The area that holds each point; -1: none."""
        return areas_of(self.geography.locate(lng, lat).communes, self.area_of_commune)


def areas_of(communes: object, area_of_commune: dict[str, int]) -> Positions:
    """Area of each of some communes (dictionary-encoded, as `Geography.locate` answers); -1: none."""
    dictionary = [area_of_commune.get(code, -1) for code in communes.dictionary.to_pylist()]  # type: ignore[attr-defined]  # pyarrow has no types
    indices = communes.indices.fill_null(len(dictionary)).to_numpy(zero_copy_only=False)  # type: ignore[attr-defined]  # pyarrow has no types
    areas: Positions = np.array([*dictionary, -1], dtype=np.int64)[indices]
    return areas


def build_scene(geography: Geography, seed: int, days: int) -> Scene:
    """Draw the sites of every CROSS's urban area over a period of `days`. The same seed gives the same sites."""
    random = np.random.default_rng([seed, 0])
    areas = geography.territories("cross")
    ground = _ground(geography, areas)
    drawn = [_draw(ground, category, random) for category in range(len(CATEGORY_NAMES))]
    area, lng, lat = (np.concatenate(parts) for parts in zip(*drawn, strict=True))
    category = np.repeat(np.arange(len(drawn)), [len(part[0]) for part in drawn])
    zones = [time_zone_of(ground.units["departement"][ground.units["area"] == i].iloc[0]) for i in range(len(areas))]
    sites = _live(ground, category, area.astype(np.int64), lng, lat, days, random)
    return Scene(tuple(areas["code"]), tuple(zones), ground.area_of_commune, sites)


def _ground(geography: Geography, areas: pd.DataFrame) -> _Ground:
    codes = {code: position for position, code in enumerate(areas["code"])}
    membership = next(one for one in geography.memberships() if one.kind == "cross")
    area_of_commune = {
        commune: codes[code] for code, commune in zip(membership.codes, membership.communes, strict=True)
    }
    units = geography.units
    units = units[units["commune"].isin(area_of_commune)]
    shapes = units.geometry.to_numpy(dtype=object)
    middle = shapely.point_on_surface(shapes)
    lng, lat = shapely.get_x(middle), shapely.get_y(middle)
    square_metres = shapely.area(shapes) * METRES_PER_DEGREE**2 * np.cos(np.radians(lat))  # rough is enough
    table = pd.DataFrame(
        {
            "commune": units["commune"],
            "departement": units["departement"],
            "population": units["population"].astype(float).fillna(1000.0),
            "lng": lng,
            "lat": lat,
            "spread_m": 0.3 * np.sqrt(square_metres),
            "area": units["commune"].map(area_of_commune),
        }
    ).reset_index(drop=True)
    return _Ground(geography, table, area_of_commune, areas["population"].fillna(UNKNOWN_POPULATION).to_numpy(float))


def _draw(ground: _Ground, category: int, random: np.random.Generator) -> tuple[Positions, Numbers, Numbers]:
    """Draw the sites of one category in all areas: area, longitude, latitude."""
    name = CATEGORY_NAMES[category]
    wanted = np.maximum(1, np.round(ground.population / 100_000 * CATEGORIES[name].sites_per_100k)).astype(np.int64)
    if name in ("airport", "port"):
        lng, lat = _known_points(ground, name, random)
        area = ground.areas_at(lng, lat)
    else:
        aimed = np.repeat(np.arange(len(wanted)), wanted * CANDIDATES)
        lng, lat = _candidates(ground, name, aimed, random)
        area = np.where(ground.areas_at(lng, lat) == aimed, aimed, -1)
    inside = np.flatnonzero(area >= 0)
    inside = inside[np.argsort(area[inside], kind="stable")]
    rank = _rank_within(area[inside])
    kept = inside[rank < np.maximum(wanted, 3)[area[inside]]]
    return area[kept], lng[kept], lat[kept]


def _rank_within(values: Positions) -> Positions:
    """0, 1, 2… within each run of equal values."""
    starts = np.flatnonzero(np.diff(values, prepend=-1))
    return np.arange(len(values)) - np.repeat(starts, np.diff(np.append(starts, len(values))))


def _candidates(ground: _Ground, name: str, aimed: Positions, random: np.random.Generator) -> tuple[Numbers, Numbers]:
    """Points where people live; for roads, along straight lines between two of their communes."""
    units = ground.units
    first = _pick_units(units, aimed, random, most=3 if name == "station" else None)
    lng, lat = units["lng"].to_numpy()[first], units["lat"].to_numpy()[first]
    spread = units["spread_m"].to_numpy()[first]
    if name == "road":
        second = _pick_units(units, aimed, random, most=None)
        along = random.random(len(aimed))
        lng = lng + along * (units["lng"].to_numpy()[second] - lng)
        lat = lat + along * (units["lat"].to_numpy()[second] - lat)
        spread = np.full(len(aimed), 150.0)
    return scatter(lng, lat, spread, random)


def _pick_units(units: pd.DataFrame, aimed: Positions, random: np.random.Generator, most: int | None) -> Positions:
    """A unit of the aimed area for each point, by population; `most`: among the most populous only."""
    picked = np.zeros(len(aimed), dtype=np.int64)
    for area, members in units.groupby("area"):
        some = members if most is None else members.nlargest(most, "population")
        here = np.flatnonzero(aimed == area)
        share = some["population"].to_numpy() / some["population"].sum()
        picked[here] = random.choice(some.index.to_numpy(), size=len(here), p=share)
    return picked


def _known_points(ground: _Ground, name: str, random: np.random.Generator) -> tuple[Numbers, Numbers]:
    """Around the airports or ports of the reference geography that lie near an area's communes."""
    table: pd.DataFrame = ground.geography.airports if name == "airport" else ground.geography.ports
    known = cKDTree(ground.units[["lng", "lat"]].to_numpy())
    near = known.query(table[["lng", "lat"]].to_numpy(), distance_upper_bound=NEAR_DEGREES)[0] < np.inf
    lng, lat = (np.repeat(table[name].to_numpy()[near], 20) for name in ("lng", "lat"))
    return scatter(lng, lat, np.full(len(lng), 300.0), random)


def scatter(lng: Numbers, lat: Numbers, spread_m: Numbers, random: np.random.Generator) -> tuple[Numbers, Numbers]:
    """Move points by a Gaussian of the given standard deviation, in metres."""
    degrees = spread_m / METRES_PER_DEGREE
    moved = lat + degrees * random.standard_normal(len(lat))
    return lng + degrees * random.standard_normal(len(lng)) / np.cos(np.radians(lat)), moved


def _live(
    ground: _Ground,
    category: Positions,
    area: Positions,
    lng: Numbers,
    lat: Numbers,
    days: int,
    random: np.random.Generator,
) -> Sites:
    """Give sites their weight and their time: deal points appear, move and die, the others stay."""
    deal = category == CATEGORY_NAMES.index("deal")
    places = pd.DataFrame({"area": area, "category": category, "lng": lng, "lat": lat})
    steady = places[~deal].assign(start=0, stop=days, pull=random.lognormal(0.0, 0.8, int((~deal).sum())))
    moving = _deal_stages(ground, places[deal], days, random)
    table = pd.concat([steady, moving], ignore_index=True)
    total = table.groupby(["area", "category"])["pull"].transform("sum")
    shares = np.array([one.share for one in CATEGORIES.values()])
    people = ground.population / ground.population.sum()
    weight = (table["pull"] / total).to_numpy() * shares[table["category"]] * people[table["area"]]
    return Sites(
        area=table["area"].to_numpy(np.int64),
        category=table["category"].to_numpy(np.int64),
        lng=table["lng"].to_numpy(float),
        lat=table["lat"].to_numpy(float),
        start=table["start"].to_numpy(np.int64),
        stop=table["stop"].to_numpy(np.int64),
        weight=weight / weight.sum(),
    )


def _deal_stages(ground: _Ground, points: pd.DataFrame, days: int, random: np.random.Generator) -> pd.DataFrame:
    """Follow each deal point through the period: a stage at one place, then a move nearby or an end."""
    stages: list[pd.DataFrame] = []
    live = points.assign(start=-random.integers(0, 120, len(points)), strength=random.lognormal(0.0, 1.0, len(points)))
    while len(live):
        stop = live["start"] + 7 + np.round(random.exponential(DEAL_LIFE_DAYS, len(live))).astype(np.int64)
        stage = live.assign(start=live["start"].clip(lower=0), stop=stop.clip(upper=days))
        stages.append(stage[stage["start"] < stage["stop"]])
        moved_lng, moved_lat = scatter(
            live["lng"].to_numpy(), live["lat"].to_numpy(), np.full(len(live), DEAL_MOVES_M), random
        )
        inside = ground.areas_at(moved_lng, moved_lat) == live["area"].to_numpy()
        ended = random.random(len(live)) < DEAL_ENDS  # a new one opens on the same ground, some weeks later
        pause = np.where(ended, random.integers(10, 60, len(live)), 0)
        live = live.assign(
            lng=np.where(inside, moved_lng, live["lng"]),
            lat=np.where(inside, moved_lat, live["lat"]),
            start=stop + pause,
            strength=np.where(ended, random.lognormal(0.0, 1.0, len(live)), live["strength"]),
        )
        live = live[live["start"] < days]
    table = pd.concat(stages, ignore_index=True)
    return table.assign(pull=table["strength"] * (table["stop"] - table["start"])).drop(columns="strength")
