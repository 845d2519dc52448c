"""Where the demonstration's invented facts happen: sites, each with its time and its weight.

Most lie inside the urban areas of the CROSS, some where there is none: in the towns of each département, along the
roads between them, at its ports and airports.
"""

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
OUTSIDE_SHARE = 0.12  # of all facts: outside of every CROSS
TOWNS = 30  # of a département, the most populous outside of every CROSS: what happens there happens near one of them
CANDIDATES = 3  # points drawn for each one wanted: those at sea or over the border are left out

Numbers = NDArray[np.float64]
Positions = NDArray[np.int64]


class Category(NamedTuple):
    """A kind of site: its share of the facts of urban areas, and of those outside; how many for 100,000 inhabitants;
    how far around it facts happen."""

    share: float
    outside: float
    sites_per_100k: float
    spread_m: float


CATEGORIES: dict[str, Category] = {
    "deal": Category(0.46, 0.30, 14, 90),
    "diffuse": Category(0.20, 0.32, 60, 450),
    "road": Category(0.15, 0.24, 12, 220),
    "station": Category(0.06, 0.03, 1, 70),
    "airport": Category(0.03, 0.02, 0.1, 250),
    "port": Category(0.03, 0.05, 0.1, 200),
    "post": Category(0.03, 0.01, 0.4, 60),
    "shop": Category(0.04, 0.03, 10, 60),
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
    """What lies where, and to which area each commune belongs: the urban area of a CROSS, or what is left of a
    département."""

    zones: tuple[str, ...]  # IANA time zones, one for each area
    area_of_commune: dict[str, int]
    sites: Sites


@dataclass(frozen=True, slots=True)
class _Ground:
    """What sites are drawn from: the communes and arrondissements of the areas, outside of a CROSS the towns alone."""

    geography: Geography
    units: pd.DataFrame  # commune, population, lng, lat, spread_m, area
    area_of_commune: dict[str, int]
    population: Numbers  # of each area; of those outside a part, as few facts happen there
    urban: int  # areas: the first ones; the others are outside of every CROSS

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
    """Draw the sites of every area over a period of `days`. The same seed gives the same sites."""
    random = np.random.default_rng([seed, 0])
    ground = _ground(geography, geography.territories("cross"))
    drawn = [_draw(ground, category, random) for category in range(len(CATEGORY_NAMES))]
    area, lng, lat = (np.concatenate(parts) for parts in zip(*drawn, strict=True))
    category = np.repeat(np.arange(len(drawn)), [len(part[0]) for part in drawn])
    departements = ground.units.drop_duplicates("area").sort_values("area")["departement"]
    zones = tuple(time_zone_of(departement) for departement in departements)
    sites = _live(ground, category, area.astype(np.int64), lng, lat, days, random)
    return Scene(zones, ground.area_of_commune, sites)


def _ground(geography: Geography, areas: pd.DataFrame) -> _Ground:
    codes = {code: position for position, code in enumerate(areas["code"])}
    membership = next(one for one in geography.memberships() if one.kind == "cross")
    area_of_commune = {
        commune: codes[code] for code, commune in zip(membership.codes, membership.communes, strict=True)
    }
    units = geography.units
    outside = units[~units["commune"].isin(area_of_commune)].sort_values("population", ascending=False, kind="stable")
    departements = sorted(set(outside["departement"]))
    rest = {departement: len(areas) + at for at, departement in enumerate(departements)}
    towns = outside.groupby("departement").head(TOWNS)
    places = pd.concat([units[units["commune"].isin(area_of_commune)], towns])
    area_of_commune |= dict(zip(outside["commune"], outside["departement"].map(rest), strict=True))
    urban = areas["population"].fillna(UNKNOWN_POPULATION).to_numpy(float)
    others = outside.groupby("departement")["population"].sum()[departements].to_numpy(float)
    few = others * OUTSIDE_SHARE / (1 - OUTSIDE_SHARE) * urban.sum() / others.sum()
    shapes = places["geometry"].to_numpy(dtype=object)
    middle = shapely.point_on_surface(shapes)
    lng, lat = shapely.get_x(middle), shapely.get_y(middle)
    square_metres = shapely.area(shapes) * METRES_PER_DEGREE**2 * np.cos(np.radians(lat))  # rough is enough
    table = pd.DataFrame(
        {
            "commune": places["commune"],
            "departement": places["departement"],
            "population": places["population"].astype(float).fillna(1000.0),
            "lng": lng,
            "lat": lat,
            "spread_m": 0.3 * np.sqrt(square_metres),
            "area": places["commune"].map(area_of_commune),
        }
    ).reset_index(drop=True)
    return _Ground(geography, table, area_of_commune, np.concatenate([urban, few]), len(areas))


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
    outside = table["area"].to_numpy() >= ground.urban
    shares = np.array([(one.share, one.outside) for one in CATEGORIES.values()])[table["category"], outside.astype(int)]
    weight = (table["pull"] / total).to_numpy() * shares * ground.population[table["area"]]
    for part, share in ((outside, OUTSIDE_SHARE), (~outside, 1 - OUTSIDE_SHARE)):
        weight[part] *= share / weight[part].sum()  # not every area has every kind of site
    return Sites(
        area=table["area"].to_numpy(np.int64),
        category=table["category"].to_numpy(np.int64),
        lng=table["lng"].to_numpy(float),
        lat=table["lat"].to_numpy(float),
        start=table["start"].to_numpy(np.int64),
        stop=table["stop"].to_numpy(np.int64),
        weight=weight,
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
