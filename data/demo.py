"""An invented data set, always marked as such: incidents and controls, most of them in urban areas, for two years.

Seeded: the same seed and end give the same facts, and a larger set begins with the smaller one. Nothing in it
is drawn from real facts; rates between drugs, services or modes mean nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from data.demo_sites import CATEGORIES, CATEGORY_NAMES, Numbers, Positions, Scene, areas_of, build_scene, scatter
from data.geography import Geography, geography
from data.local_time import days_and_hours, resolve
from data.schema import ARROW_TYPES, EVENT, EVENT_SCHEMA, INPUT_FIELDS
from data.store import Batch, Chunk, Ledger, Progress, Store
from data.vocabulary import KINDS_OF_FAMILY

SOURCE = "Démonstration"
NAME = "Données de démonstration"
FORMAT = 1  # of what is drawn of each fact: how much a store of so many weighs
PLACES = 2  # of where they are drawn; a change of either makes another data set
PERIOD_DAYS = 730
CHUNK = 250_000

# Of each category of site: what happens there, and how often (the shares of a category sum to 1).
KIND_SHARES: dict[str, dict[str, float]] = {
    "deal": {"trafficking": 0.24, "seizure": 0.18, "arrest": 0.20, "deal_point": 0.10, "violence": 0.05,
             "street_check": 0.23},
    "diffuse": {"trafficking": 0.18, "seizure": 0.20, "arrest": 0.22, "violence": 0.05, "laundering": 0.05,
                "street_check": 0.12, "asset_seizure": 0.12, "prevention_action": 0.06},
    "road": {"road_check": 0.90, "seizure": 0.10},
    "station": {"rail_check": 0.92, "seizure": 0.08},
    "airport": {"air_check": 0.92, "seizure": 0.08},
    "port": {"sea_check": 0.90, "seizure": 0.10},
    "post": {"post_check": 0.93, "seizure": 0.07},
    "shop": {"shop_check": 0.90, "laundering": 0.06, "asset_seizure": 0.04},
}  # fmt: skip
MODE_OF_CATEGORY = {
    "deal": "street", "diffuse": "", "road": "road", "station": "rail",
    "airport": "air", "port": "sea", "post": "post", "shop": "shop",
}  # fmt: skip
SERVICE_SHARES: dict[str, dict[str, float]] = {
    "deal": {"police": 0.80, "municipal_police": 0.08, "joint": 0.08, "gendarmerie": 0.04},
    "diffuse": {"police": 0.52, "gendarmerie": 0.30, "justice": 0.06, "customs": 0.06, "joint": 0.06},
    "road": {"gendarmerie": 0.45, "police": 0.25, "customs": 0.30},
    "station": {"police": 0.60, "customs": 0.30, "joint": 0.10},
    "airport": {"customs": 0.70, "police": 0.30},
    "port": {"customs": 0.70, "gendarmerie": 0.18, "navy": 0.12},
    "post": {"customs": 1.0},
    "shop": {"joint": 0.60, "police": 0.25, "customs": 0.15},
}
DRUG_SHARES = {
    "cannabis_resin": 0.34, "cannabis_herb": 0.28, "cocaine": 0.17, "heroin": 0.05, "crack": 0.04, "mdma": 0.04,
    "ketamine": 0.02, "amphetamine": 0.02, "cathinone": 0.02, "methamphetamine": 0.01, "other_drug": 0.01,
}  # fmt: skip
MEDIAN_KG = {
    "deal": 0.06,
    "diffuse": 0.3,
    "road": 2.0,
    "station": 0.5,
    "airport": 3.0,
    "port": 20.0,
    "post": 0.2,
    "shop": 0.2,
}
MEDIAN_CHECKED = {"deal": 8, "diffuse": 6, "road": 25, "station": 40, "airport": 60, "port": 15, "post": 120, "shop": 4}
POSITIVE_RATE = {
    "deal": 0.12,
    "diffuse": 0.06,
    "road": 0.03,
    "station": 0.02,
    "airport": 0.015,
    "port": 0.02,
    "post": 0.01,
    "shop": 0.05,
}
DEPARTURES = {
    "deal": ("ES", "MA", "NL"), "diffuse": ("ES", "NL", "BE"), "road": ("ES", "NL", "BE"),
    "station": ("NL", "BE", "ES"), "airport": ("BR", "CO", "SR"), "port": ("CO", "EC", "MA"),
    "post": ("NL", "DE", "US"), "shop": ("ES", "NL", "CN"),
}  # fmt: skip
# Hours by the clock on the wall: relative frequency of 0 h to 23 h, and how much the nights of Friday and Saturday add.
HOURS = {
    "deal": (9, 6, 4, 2, 1, 1, 1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 16, 18, 19, 19, 18, 15, 12),
    "diffuse": (5, 4, 3, 2, 2, 2, 4, 6, 8, 9, 9, 9, 8, 9, 10, 11, 12, 12, 11, 10, 9, 8, 7, 6),
    "road": (4, 3, 2, 2, 3, 5, 8, 11, 12, 12, 11, 10, 8, 9, 11, 12, 13, 13, 12, 9, 8, 7, 6, 5),
}  # fmt: skip
OFFICE_HOURS = (1, 1, 1, 1, 1, 3, 7, 10, 12, 13, 12, 11, 8, 10, 12, 12, 11, 9, 7, 5, 4, 3, 2, 1)
WEEKDAYS = (0.92, 0.95, 1.0, 1.03, 1.18, 1.10, 0.82)  # Monday first
NIGHT = 1.6

# Not every place is known to the metre, and some are not known at all.
PRECISIONS = ("point", "street", "commune", "departement", "unknown")
PRECISION_SHARES = (0.93, 0.025, 0.025, 0.012, 0.008)
POINT, STREET, COMMUNE, DEPARTEMENT, UNKNOWN = range(len(PRECISIONS))


@dataclass(frozen=True, slots=True)
class _Drawn:
    """What was drawn for some facts, before it becomes columns. Shape (facts,) each."""

    site: Positions
    category: Positions
    kind: Positions  # position in KINDS
    day: Positions  # from the first of the period
    random: np.random.Generator


KINDS = tuple(kind for kinds in KINDS_OF_FAMILY.values() for kind in kinds)
FAMILIES = tuple(KINDS_OF_FAMILY)
FAMILY_OF_KIND = np.array([FAMILIES.index(family) for family, kinds in KINDS_OF_FAMILY.items() for _ in kinds])
INCIDENT, CONTROL, ASSETS = (FAMILIES.index(family) for family in ("incident", "control", "assets"))


def load_demo(
    store: Store, events: int = 200_000, seed: int = 1, until: date | None = None, progress: Progress | None = None
) -> Ledger:
    """Fill a store with invented facts of the two years before `until` (today), under the mark "demo".

    The store is given the territories of the reference geography, so that urban areas can be asked for. The very
    same set is not loaded twice.
    """
    last = until or datetime.now(UTC).date()
    store.set_memberships(geography().memberships())
    recipe = f"{NAME} {FORMAT} {PLACES} {events} {seed} {last}"
    batch = Batch(
        batch_id=f"demo-{last:%Y%m%d}-{seed}-{events}",
        name=NAME,
        digest=hashlib.sha256(recipe.encode()).hexdigest(),
        reader="demo",
        source=SOURCE,
        marking="demo",
    )

    def advance(done: int, _: int | None) -> None:
        if progress is not None:
            progress(done, events)

    return store.load(batch, (Chunk(rows.num_rows, rows) for rows in generate(events, seed, last)), advance)


def generate(events: int, seed: int, until: date) -> Iterator[pa.Table]:
    """Yield invented facts as tables of EVENT_SCHEMA, of the 730 days before `until`, which is not one of them."""
    known = geography()
    scene = build_scene(known, seed, PERIOD_DAYS)
    chooser = _Chooser(scene, until - timedelta(days=PERIOD_DAYS))
    for number, first in enumerate(range(0, events, CHUNK)):
        drawn = chooser.draw(np.random.default_rng([seed, 1, number]))
        rows = _columns(known, scene, chooser.first_day, drawn, f"{until:%Y%m%d}-{seed}-", first)
        yield rows.slice(0, min(CHUNK, events - first))


def as_input(rows: pa.Table) -> pa.Table:
    """The columns that a file of Hexacross's own layout has: nothing derived, instants with their zone (UTC)."""
    given = rows.select(list(INPUT_FIELDS))
    at = given.schema.get_field_index("occurred_at")
    return given.set_column(at, "occurred_at", given.column(at).cast(pa.timestamp("us", tz="UTC")))


class _Chooser:
    """Draws where, when and what, from tables made once."""

    def __init__(self, scene: Scene, first_day: date) -> None:
        sites = scene.sites
        self.first_day = first_day
        self._sites = sites
        self._weight = np.cumsum(sites.weight)
        weekday = (first_day.weekday() + np.arange(PERIOD_DAYS)) % 7
        growth = 1 + 0.25 * np.arange(PERIOD_DAYS) / PERIOD_DAYS  # a little more each month
        calendar = np.concatenate([[0.0], np.cumsum(np.array(WEEKDAYS)[weekday] * growth)])
        self._calendar = calendar
        self._from, self._to = calendar[sites.start], calendar[sites.stop]
        self._kinds = _cumulative([[shares.get(kind, 0.0) for kind in KINDS] for shares in KIND_SHARES.values()])

    def draw(self, random: np.random.Generator) -> _Drawn:
        site = np.searchsorted(self._weight, random.random(CHUNK) * self._weight[-1], side="right")
        moment = self._from[site] + random.random(CHUNK) * (self._to[site] - self._from[site])
        day = np.searchsorted(self._calendar, moment, side="right") - 1
        category = self._sites.category[site]
        kind = _pick(self._kinds, category, random)
        return _Drawn(site, category, kind, np.clip(day, 0, PERIOD_DAYS - 1), random)


def _cumulative(shares: list[list[float]]) -> Numbers:
    """Rows of shares as rows of cumulated shares that end with 1."""
    table = np.cumsum(np.array(shares, dtype=np.float64), axis=1)
    return table / table[:, -1:]


def _pick(cumulated: Numbers, row: Positions, random: np.random.Generator) -> Positions:
    """Draw a column for each of the given rows, by their shares."""
    width = cumulated.shape[1]
    # Rows laid end to end make one rising sequence: row r runs from r to r + 1.
    flat = (cumulated + np.arange(len(cumulated))[:, None]).ravel()
    found = np.searchsorted(flat, row + random.random(len(row)), side="right")
    return np.asarray(np.minimum(found - row * width, width - 1), dtype=np.int64)


def _columns(known: Geography, scene: Scene, first_day: date, drawn: _Drawn, prefix: str, first: int) -> pa.Table:
    columns = _place_columns(known, scene, drawn)
    columns |= _time_columns(scene, drawn, first_day)
    columns |= _fact_columns(drawn)
    numbers = pc.utf8_lpad(pa.array(np.arange(first, first + CHUNK)).cast(pa.string()), 9, "0")
    columns["source_event_id"] = pc.binary_join_element_wise(prefix, numbers, "")
    columns["event_id"] = pc.binary_join_element_wise(f"{SOURCE}:{prefix}", numbers, "")
    for name, text in (("source", SOURCE), ("marking", "demo"), ("batch_id", "demo"), ("reliability", "F")):
        columns[name] = pa.DictionaryArray.from_arrays(pa.array(np.zeros(CHUNK, dtype=np.int16)), pa.array([text]))
    return pa.table({field.name: _typed(columns.get(field.name), field.type) for field in EVENT}, schema=EVENT_SCHEMA)


def _typed(column: pa.Array | None, kind: str) -> pa.Array:
    wanted = ARROW_TYPES[kind]  # type: ignore[index]  # a FieldType, of the schema
    if column is None:
        return (
            pa.DictionaryArray.from_arrays(pa.nulls(CHUNK, pa.int16()), pa.array([], pa.string()))
            if kind == "code"
            else pa.nulls(CHUNK, wanted)
        )
    return column if column.type == wanted else column.cast(wanted)


def _place_columns(known: Geography, scene: Scene, drawn: _Drawn) -> dict[str, pa.Array]:
    """Points around the sites, inside their area, blurred or withheld for the precisions that say so."""
    sites, site, random = scene.sites, drawn.site, drawn.random
    spread = np.array([one.spread_m for one in CATEGORIES.values()])[drawn.category]
    lng, lat = scatter(sites.lng[site], sites.lat[site], spread, random)
    places = known.locate(lng, lat)
    away = np.flatnonzero(areas_of(places.communes, scene.area_of_commune) != sites.area[site])
    lng[away], lat[away] = sites.lng[site[away]], sites.lat[site[away]]  # at sea or over the border: back to the site
    lng, lat = np.round(lng, 6), np.round(lat, 6)
    places = known.locate(lng, lat)
    precision = np.searchsorted(np.cumsum(PRECISION_SHARES), random.random(CHUNK) * sum(PRECISION_SHARES), side="right")
    coarse, no_commune, nowhere = precision > STREET, precision > COMMUNE, precision > DEPARTEMENT
    return {
        "longitude": pa.array(lng, mask=coarse),
        "latitude": pa.array(lat, mask=coarse),
        "place_precision": _coded(precision, PRECISIONS),
        "cell": pa.array(places.cells, mask=coarse),
        "commune": _masked(places.communes, no_commune),
        "arrondissement": _masked(places.arrondissements, coarse),
        "departement": _masked(places.departements, nowhere),
        "country": _masked(places.countries, nowhere),
    }


def _time_columns(scene: Scene, drawn: _Drawn, first_day: date) -> dict[str, pa.Array]:
    """The clock on the wall at the place, by category and weekday, and the instant in UTC."""
    zone_names = sorted(set(scene.zones))
    zone = np.array([zone_names.index(name) for name in scene.zones])[scene.sites.area[drawn.site]]
    weekday = (first_day.weekday() + drawn.day) % 7
    hour = _pick(HOUR_SHARES, drawn.category * 7 + weekday, drawn.random)
    second = drawn.random.integers(0, 3600, CHUNK)
    start = np.datetime64(first_day, "us")
    wall = start + (drawn.day * 86_400 + hour * 3600 + second // 60 * 60).astype("timedelta64[s]")
    times = resolve(wall, np.full(CHUNK, np.nan), zone_names, zone.astype(np.intp))
    day, hour_there = days_and_hours(times.local)
    return {
        "occurred_at": pa.array(times.utc),
        "occurred_precision": _coded(np.zeros(CHUNK, dtype=np.int64), ("minute",)),
        "day": pa.array(day),
        "hour": pa.array(hour_there),
    }


def _hour_shares() -> Numbers:
    """Cumulated shares of the 24 hours, one row for each category and weekday."""
    rows = []
    for name in CATEGORY_NAMES:
        for weekday in range(7):
            hours = np.array(HOURS.get(name, OFFICE_HOURS), dtype=np.float64)
            if name in ("deal", "diffuse"):
                hours[20:] *= NIGHT if weekday in (4, 5) else 1
                hours[:4] *= NIGHT if weekday in (5, 6) else 1
            rows.append(hours.tolist())
    return _cumulative(rows)


HOUR_SHARES = _hour_shares()
SERVICES = tuple(sorted({service for shares in SERVICE_SHARES.values() for service in shares}))
SERVICE_TABLE = _cumulative([[shares.get(one, 0.0) for one in SERVICES] for shares in SERVICE_SHARES.values()])
DRUG_TABLE = _cumulative([list(DRUG_SHARES.values())])
COUNTRIES = tuple(sorted({country for some in DEPARTURES.values() for country in some}))
DEPARTURE_TABLE = np.array([[COUNTRIES.index(country) for country in some] for some in DEPARTURES.values()])
MODES = tuple(sorted({mode for mode in MODE_OF_CATEGORY.values() if mode}))
MODE_TABLE = np.array([MODES.index(mode) if mode else -1 for mode in MODE_OF_CATEGORY.values()])
SEIZURE_KINDS = np.array([kind in ("seizure", "trafficking") for kind in KINDS])
CHECKED_UNKNOWN, POSITIVE_UNKNOWN, WEIGHED, ROUTE_KNOWN = 0.07, 0.04, 0.8, 0.25  # shares


def _fact_columns(drawn: _Drawn) -> dict[str, pa.Array]:
    """What the fact is: kind, drug, weight, value, numbers checked and positive, mode, service, departure."""
    category, kind, random = drawn.category, drawn.kind, drawn.random
    family = FAMILY_OF_KIND[kind]
    checked, positive, columns = _control_columns(family == CONTROL, category, random)
    found = (family == INCIDENT) & (kind != KINDS.index("laundering")) | (checked & (positive > 0))
    drug = _pick(DRUG_TABLE, np.zeros(CHUNK, dtype=np.int64), random)
    seized = SEIZURE_KINDS[kind] | (checked & (positive > 0))
    weighed = found & seized & (random.random(CHUNK) < WEIGHED)
    median = np.array([MEDIAN_KG[name] for name in CATEGORY_NAMES])[category]
    kg = np.round(np.minimum(median * np.exp(1.5 * random.standard_normal(CHUNK)), 20_000), 4)
    eur = np.round(np.minimum(np.exp(9 + 1.3 * random.standard_normal(CHUNK)), 1e9), 2)
    mode = MODE_TABLE[category]
    departure = DEPARTURE_TABLE[category, random.integers(0, DEPARTURE_TABLE.shape[1], CHUNK)]
    routed = weighed & (random.random(CHUNK) < ROUTE_KNOWN)
    return columns | {
        "family": _coded(family, FAMILIES),
        "kind": _coded(kind, KINDS),
        "drug": _coded(np.where(found, drug, -1), tuple(DRUG_SHARES)),
        "quantity_kg": pa.array(kg, mask=~weighed),
        "value_eur": pa.array(eur, mask=family != ASSETS),
        "mode": _coded(mode, MODES),
        "service": _coded(_pick(SERVICE_TABLE, category, random), SERVICES),
        "departure_country": _coded(np.where(routed, departure, -1), COUNTRIES),
    }


def _control_columns(
    control: NDArray[np.bool_], category: Positions, random: np.random.Generator
) -> tuple[NDArray[np.bool_], Positions, dict[str, pa.Array]]:
    """Where a control says both figures, how many were positive, and the two columns."""
    median = np.array([MEDIAN_CHECKED[name] for name in CATEGORY_NAMES], dtype=np.float64)[category]
    number = np.maximum(1, np.round(median * np.exp(0.7 * random.standard_normal(CHUNK)))).astype(np.int64)
    rate = np.array([POSITIVE_RATE[name] for name in CATEGORY_NAMES])[category]
    positive = np.minimum(random.poisson(number * rate), number)
    says_checked = control & (random.random(CHUNK) >= CHECKED_UNKNOWN)
    says_positive = says_checked & (random.random(CHUNK) >= POSITIVE_UNKNOWN)
    columns = {"checked": pa.array(number, mask=~says_checked), "positive": pa.array(positive, mask=~says_positive)}
    return says_positive, positive, columns


def _coded(positions: NDArray[np.int64], values: tuple[str, ...]) -> pa.DictionaryArray:
    """Positions in a list as a coded column; -1: null."""
    return pa.DictionaryArray.from_arrays(pa.array(positions.astype(np.int16), mask=positions < 0), pa.array(values))


def _masked(codes: pa.DictionaryArray, hidden: NDArray[np.bool_]) -> pa.DictionaryArray:
    indices = pc.if_else(pa.array(hidden), pa.scalar(None, codes.indices.type), codes.indices)
    return pa.DictionaryArray.from_arrays(indices, codes.dictionary)
