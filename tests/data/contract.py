"""What every store must answer: invented facts, and the answers by the slowest and plainest means.

`Reference` keeps a list of dicts and counts by looping over it. A second store plugs in with one line of `STORES`.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import h3.api.basic_int as h3
import numpy as np
import pyarrow as pa

from data.duckdb_store import DuckDBStore
from data.query import Box, Hours, Query, Territory, TerritoryKind, Viewer
from data.schema import EVENT, EVENT_SCHEMA, INDICATOR_SCHEMA, INPUT_FIELDS
from data.store import Batch, Chunk, Membership, Store
from data.vocabulary import FAMILIES, KINDS_OF_FAMILY, MODE_OF_CONTROL, MODES, SERVICES
from tests.postgres import open_new_store

STORES: dict[str, Callable[[Path], Store]] = {
    "duckdb": lambda folder: DuckDBStore.open(str(folder / "contract.duckdb")),
    "postgis": lambda _: open_new_store(),
}

Row = dict[str, Any]

COMMUNES: dict[TerritoryKind, dict[str, tuple[str, ...]]] = {
    "arrondissement": {"13201": ("13055",), "75101": ("75056",), "75118": ("75056",)},
    "commune": {code: (code,) for code in ("13055", "13001", "13028", "83137", "83126", "75056", "97105")},
    "epci": {"200054807": ("13055", "13001", "13028"), "248300543": ("83137",)},
    "departement": {
        "13": ("13055", "13001", "13028"), "83": ("83137", "83126"), "75": ("75056",), "971": ("97105",),
    },
    "region": {"93": ("13055", "13001", "13028", "83137", "83126"), "11": ("75056",), "01": ("97105",)},
    "cross": {"marseille": ("13055", "13001"), "toulon": ("83137", "13028"), "paris": ("75056",)},
    "antenna": {
        "marseille": ("13055", "13001", "13028", "83137", "83126"), "paris": ("75056",), "antilles": ("97105",),
    },
    "urban_unit": {"00759": ("13055", "83126")},
}  # fmt: skip
MADE_OF_DEPARTEMENTS = ("departement", "region", "antenna")
TERRITORIES = [Territory(kind, code) for kind, codes in COMMUNES.items() for code in codes]
CENTRES = {
    "13055": (5.37, 43.30), "13001": (5.45, 43.53), "13028": (5.61, 43.17), "83137": (5.93, 43.12),
    "83126": (5.88, 43.10), "75056": (2.35, 48.86), "97105": (-61.73, 16.00),
}  # fmt: skip
ARRONDISSEMENTS = {"13055": ("13201", None), "75056": ("75101", "75118", None)}
FIRST_DAY = date(2025, 1, 1)
DAYS = 60


def memberships(composition: dict[TerritoryKind, dict[str, tuple[str, ...]]] = COMMUNES) -> list[Membership]:
    made = []
    for kind, codes in composition.items():
        pairs = [(code, commune) for code, communes in codes.items() for commune in communes]
        made.append(Membership(kind, tuple(code for code, _ in pairs), tuple(commune for _, commune in pairs)))
    return made


def event(identifier: int | str, **given: Any) -> Row:
    """A fact with all its columns: a seizure in Marseille on the first day, but for what is given."""
    row: Row = dict.fromkeys((field.name for field in EVENT), None)
    row |= {
        "source": "essai", "source_event_id": str(identifier), "family": "incident", "kind": "seizure",
        "day": FIRST_DAY, "occurred_precision": "day", "place_precision": "commune", "commune": "13055",
        "departement": "13", "country": "FR", "marking": "internal", "batch_id": "",
    }  # fmt: skip
    row |= given
    row.setdefault("event_id", None)
    row["event_id"] = row["event_id"] or f"{row['source']}:{row['source_event_id']}"
    row["occurred_at"] = row["occurred_at"] or datetime.combine(row["day"], datetime.min.time())
    if row["longitude"] is not None and row["place_precision"] in ("point", "street"):
        row["cell"] = h3.latlng_to_cell(row["latitude"], row["longitude"], 10)
    return row


def table(rows: Sequence[Row]) -> pa.Table:
    return pa.Table.from_pylist(list(rows), schema=EVENT_SCHEMA)


def chunk(rows: Sequence[Row], **given: Any) -> Chunk:
    return Chunk(lines=len(rows), events=table(rows), **given)


def batch(name: str, **given: Any) -> Batch:
    made = Batch(batch_id=name, name=f"{name}.csv", digest=f"sha-{name}", reader="canonical", source="essai")
    return replace(made, **given)


def indicator(territory: str, year: int, value: float | None, **given: Any) -> Row:
    return {
        "source": "ssmsi", "territory_kind": "departement", "territory": territory, "year": year,
        "indicator": "Trafic de stupéfiants", "unit_of_count": "Mis en cause", "value": value,
        "disclosed": "withheld" if value is None else "disclosed", "population": 2_000_000.0,
        "population_year": 2022, "release": date(2025, 6, 4), "batch_id": "",
    } | given  # fmt: skip


def indicator_chunk(rows: Sequence[Row]) -> Chunk:
    return Chunk(lines=len(rows), indicators=pa.Table.from_pylist(list(rows), schema=INDICATOR_SCHEMA))


def draw_event(random: np.random.Generator, identifier: int) -> Row:
    """A fact of any family, of any precision, that says this and not that."""
    family = str(random.choice(list(FAMILIES)))
    day = FIRST_DAY + timedelta(days=int(random.integers(DAYS)))
    given: Row = {
        "family": family,
        "kind": str(random.choice(list(KINDS_OF_FAMILY[family]))),
        "day": day,
        "occurred_at": datetime.combine(day, datetime.min.time()) + timedelta(minutes=int(random.integers(1440))),
        "drug": random.choice([None, "cocaine", "heroin", "cannabis_resin"]),
        "mode": random.choice([None, *list(MODES)[:3]]),
        "service": random.choice([None, *list(SERVICES)[:3]]),
        "quantity_kg": float(np.round(random.lognormal(0, 3), 6)) if random.random() < 0.5 else None,
        "value_eur": float(np.round(random.lognormal(8, 2), 2)) if random.random() < 0.3 else None,
        "checked": int(random.integers(50)) if random.random() < 0.6 else None,
        "positive": int(random.integers(9)) if random.random() < 0.5 else None,
        "source": str(random.choice(["essai", "autre"])),
        **route(identifier),
    }
    if random.random() < 0.8:
        given |= {"occurred_precision": "minute", "hour": given["occurred_at"].hour}
    return event(identifier, **given, **draw_place(random))


def route(number: int) -> Row:
    """Every combination of known, unknown and equal ends, as the number goes on."""
    ends = (None, "BR", "ES", "FR")
    return {
        "producing_country": ("CO", None)[number % 2],
        "departure_country": ends[number // 2 % 4],
        "destination_country": ends[number // 8 % 4],
        "transit_country": (None, "NL", None)[number % 3],
    }


def draw_place(random: np.random.Generator) -> Row:
    nowhere: Row = {"commune": None, "departement": None, "country": None}
    precision = str(random.choice(["point", "street", "abroad", "commune", "departement", "country", "unknown"],
                                  p=[0.5, 0.1, 0.05, 0.15, 0.1, 0.05, 0.05]))  # fmt: skip
    if precision in ("point", "street", "commune"):
        commune = str(random.choice([*CENTRES, "98735"], p=[0.4, 0.1, 0.1, 0.1, 0.1, 0.1, 0.05, 0.05]))
        place: Row = {"place_precision": precision, "commune": commune, "country": "FR"}
        place["departement"] = commune[:3] if commune.startswith("9") else commune[:2]
        place["arrondissement"] = random.choice(ARRONDISSEMENTS.get(commune, (None,)))
        if precision != "commune":
            lng, lat = CENTRES.get(commune, (-149.56, -17.53))
            place["longitude"] = float(lng + np.round(random.normal(0, 0.01), 5))
            place["latitude"] = float(lat + np.round(random.normal(0, 0.01), 5))
        return place
    if precision == "abroad":
        lng, lat = 2.17 + random.normal(0, 0.01), 41.38 + random.normal(0, 0.01)
        return nowhere | {"place_precision": "point", "longitude": lng, "latitude": lat, "country": "ES"}
    if precision == "departement":
        departement = str(random.choice(["13", "83", "75", "971", "988"]))
        return nowhere | {"place_precision": precision, "departement": departement, "country": "FR"}
    return nowhere | {"place_precision": precision, "country": "FR" if precision == "country" else None}


def draw_query(random: np.random.Generator) -> Query:
    start = FIRST_DAY + timedelta(days=int(random.integers(-5, DAYS)))

    def some(codes: Iterable[str]) -> frozenset[str]:
        codes = list(codes)
        return frozenset(random.choice(codes, size=2).tolist()) if random.random() < 0.25 else frozenset()

    west, south = 5.3 + 0.2 * random.random(), 43.2 + 0.2 * random.random()
    return Query(
        start=start,
        stop=start + timedelta(days=int(random.integers(1, DAYS))),
        families=some(FAMILIES),
        kinds=some([*KINDS_OF_FAMILY["incident"], *KINDS_OF_FAMILY["control"]]),
        drugs=some(["cocaine", "heroin", "cannabis_resin", "khat"]),
        modes=some(MODES),
        services=some(SERVICES),
        territory=TERRITORIES[int(random.integers(len(TERRITORIES)))] if random.random() < 0.6 else None,
        resolution=int(random.integers(3, 11)),
        box=Box(west, south, west + 0.1, south + 0.1) if random.random() < 0.3 else None,
        hours=Hours(int(random.integers(24)), int(random.integers(1, 25))) if random.random() < 0.4 else None,
    )


def draw_viewer(random: np.random.Generator) -> Viewer:
    held = None
    if random.random() < 0.5:
        held = frozenset(
            TERRITORIES[int(i)] for i in random.integers(len(TERRITORIES), size=int(random.integers(0, 4)))
        )
    return Viewer("essai", "cross", held, threshold=int(random.choice([0, 0, 3, 5])))


@dataclass(frozen=True)
class Counted:
    """The figures of some facts, unprotected; None: unknown."""

    incidents: int
    controls: int
    checked: int | None
    positive: int | None
    kg: float | None
    eur: float | None

    def seen_by(self, viewer: Viewer) -> tuple[float, ...] | None:
        """As shown to a viewer; None: protected."""
        shown = []
        for count in (self.incidents, self.controls):
            if 0 < count < viewer.threshold:
                return None
            k = max(viewer.threshold, 1)
            shown.append(float((2 * count + k) // (2 * k) * k))
        others = (self.checked, self.positive, self.kg, self.eur)
        return (*shown, *(math.nan if value is None else float(value) for value in others))


class Reference:
    """Answers every question by looping over a list of facts."""

    def __init__(self, composition: dict[TerritoryKind, dict[str, tuple[str, ...]]] = COMMUNES) -> None:
        self.composition = composition
        self.facts: dict[str, Row] = {}

    def load(self, rows: Sequence[Row]) -> tuple[int, int, int]:
        """Accepted, repeated, refused."""
        accepted = repeated = refused = 0
        for row in rows:
            known = self.facts.get(row["event_id"])
            if known is None:
                self.facts[row["event_id"]] = row
                accepted += 1
            elif all(known[name] == row[name] for name in INPUT_FIELDS):
                repeated += 1
            else:
                refused += 1
        return accepted, repeated, refused

    def inside(self, fact: Row, territory: Territory) -> bool:
        if territory.kind == "arrondissement":
            return bool(fact["arrondissement"] == territory.code)
        communes = self.composition.get(territory.kind, {}).get(territory.code, ())
        if fact["commune"] is not None:
            return fact["commune"] in communes
        whole = self.composition["departement"].get(fact["departement"])
        return territory.kind in MADE_OF_DEPARTEMENTS and whole is not None and set(whole) <= set(communes)

    def seen(self, viewer: Viewer) -> list[Row]:
        if viewer.territories is None:
            return list(self.facts.values())
        return [f for f in self.facts.values() if any(self.inside(f, territory) for territory in viewer.territories)]

    def chosen(self, query: Query, viewer: Viewer) -> list[Row]:
        filters = (("family", query.families), ("kind", query.kinds), ("drug", query.drugs), ("mode", query.modes),
                   ("service", query.services))  # fmt: skip
        return [
            fact
            for fact in self.seen(viewer)
            if counted_on(fact, query.hours) is not None
            and query.start <= counted_on(fact, query.hours) < query.stop
            and all(not codes or fact[name] in codes for name, codes in filters)
            and (query.territory is None or self.inside(fact, query.territory))
        ]

    def by_cell(self, query: Query, viewer: Viewer) -> dict[int, Counted]:
        groups: dict[int, list[Row]] = defaultdict(list)
        for fact in self.chosen(query, viewer):
            if fact["cell"] is not None:
                groups[h3.cell_to_parent(fact["cell"], query.resolution)].append(fact)
        return {cell: count(facts) for cell, facts in groups.items() if _centre_in(cell, query.box)}

    def by_territory(self, kind: TerritoryKind, query: Query, viewer: Viewer) -> dict[str, Counted]:
        chosen = self.chosen(query, viewer)
        return {
            code: count([fact for fact in chosen if self.inside(fact, Territory(kind, code))])
            for code in self.composition.get(kind, {})
        }

    def by_mode(self, kind: TerritoryKind, query: Query, viewer: Viewer) -> dict[tuple[str, str], tuple[Counted, int]]:
        """By mode ("": none) and code ("": all of the query): the figures, and how many are seizures."""
        groups: dict[tuple[str, str], list[Row]] = {
            (mode, code): [] for mode in (*MODES, "") for code in ("", *self.composition.get(kind, {}))
        }
        for fact in self.chosen(query, viewer):
            mode = MODE_OF_CONTROL[fact["kind"]] if fact["family"] == "control" else fact["mode"] or ""
            groups[mode, ""].append(fact)
            for code in self.composition.get(kind, {}):
                if self.inside(fact, Territory(kind, code)):
                    groups[mode, code].append(fact)
        return {
            group: (count(facts), sum(fact["kind"] == "seizure" for fact in facts)) for group, facts in groups.items()
        }

    def by_day(self, query: Query, viewer: Viewer) -> dict[date, Counted]:
        chosen = self.chosen(query, viewer)
        days = [query.start + timedelta(days=n) for n in range((query.stop - query.start).days)]
        return {day: count([fact for fact in chosen if counted_on(fact, query.hours) == day]) for day in days}

    def by_hour(self, query: Query, viewer: Viewer) -> tuple[dict[tuple[date, int], Counted], int]:
        """By civil day and hour of all those days; and how many facts of the period are without one."""
        of_period = self.chosen(replace(query, hours=None), viewer)
        chosen = self.chosen(replace(query, hours=query.hours or Hours(0, 24)), viewer)
        days = [query.start + timedelta(days=n) for n in range((query.stop - query.start).days)]
        if query.hours and query.hours.start >= query.hours.stop:
            days.append(query.stop)
        by_hour = {
            (day, hour): count([fact for fact in chosen if (fact["day"], fact["hour"]) == (day, hour)])
            for day in days
            for hour in range(24)
        }
        return by_hour, sum(fact["hour"] is None for fact in of_period)


def counted_on(fact: Row, hours: Hours | None) -> Any:
    """The day on which a fact counts when these hours of the days are asked for; None: it does not."""
    if hours is None:
        return fact["day"]
    clock = [(hours.start + n) % 24 for n in range((hours.stop - hours.start - 1) % 24 + 1)]
    if fact["hour"] not in clock:
        return None
    past_midnight = clock.index(fact["hour"]) > 0 and fact["hour"] < hours.start
    return fact["day"] - timedelta(days=int(past_midnight))


def _centre_in(cell: int, box: Box | None) -> bool:
    if box is None:
        return True
    lat, lng = h3.cell_to_latlng(cell)
    return box.west <= lng <= box.east and box.south <= lat <= box.north


def count(facts: Sequence[Row]) -> Counted:
    controls = [fact for fact in facts if fact["family"] == "control"]
    return Counted(
        incidents=sum(fact["family"] == "incident" for fact in facts),
        controls=len(controls),
        checked=_sum(fact["checked"] for fact in controls),
        positive=_sum(fact["positive"] for fact in controls),
        kg=_sum_in(1e9, (fact["quantity_kg"] for fact in facts)),
        eur=_sum_in(100, (fact["value_eur"] for fact in facts)),
    )


def _sum(values: Iterable[int | None]) -> int | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None


def _sum_in(parts: float, values: Iterable[float | None]) -> float | None:
    """Sum in whole micrograms or cents, so that the order does not matter."""
    total = _sum(None if value is None else math.floor(value * parts + 0.5) for value in values)
    return None if total is None else total / parts
