"""The same loads and the same questions to both stores: the same answers, to the last unit, whatever is drawn."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields, replace
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from data.duckdb_store import DuckDBStore
from data.errors import ForbiddenError, HexacrossError
from data.query import COARSEST_RESOLUTION, FINEST_RESOLUTION, Box, Hours, Query, Viewer
from data.schema import REFUSAL_SCHEMA
from data.store import Chunk, Store, TerritoryCounts
from data.vocabulary import DRUGS, FAMILIES, KINDS, MARKINGS, MODES, SERVICES
from tests.data.contract import (
    CENTRES,
    COMMUNES,
    DAYS,
    FIRST_DAY,
    TERRITORIES,
    Row,
    batch,
    event,
    indicator,
    indicator_chunk,
    memberships,
    table,
)
from tests.postgres import cluster, open_new_store

KINDS_COUNTED = ("cross", "departement", "commune", "arrondissement", "antenna")
OTHER_COMPOSITION = {
    **COMMUNES,
    "cross": {"marseille": ("13055", "83137"), "toulon": ("83126",)},
    "epci": {"200054807": ("13001",)},
}


def some(codes: Any, most: int = 2) -> st.SearchStrategy[frozenset[str]]:
    return st.one_of(st.just(frozenset()), st.frozensets(st.sampled_from(list(codes)), min_size=1, max_size=most))


def maybe(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(st.none(), strategy)


@st.composite
def places(draw: st.DrawFn) -> Row:
    """Any precision, in known communes, in unknown ones, abroad, nowhere."""
    precision = draw(st.sampled_from(["point", "street", "commune", "departement", "country", "unknown"]))
    commune = draw(st.sampled_from([*CENTRES, "98735"]))
    departement = commune[:3] if commune.startswith("9") else commune[:2]
    place: Row = {"place_precision": precision, "commune": None, "departement": None, "country": "FR"}
    if precision in ("point", "street", "commune"):
        place |= {"commune": commune, "departement": departement}
        place["arrondissement"] = (
            draw(st.sampled_from([None, "13201", "75101"])) if commune in ("13055", "75056") else None
        )
    if precision in ("point", "street"):
        lng, lat = CENTRES.get(commune, (-149.56, -17.53))
        place["longitude"] = lng + draw(st.integers(-20, 20)) / 1000
        place["latitude"] = lat + draw(st.integers(-20, 20)) / 1000
    if precision == "departement":
        place["departement"] = departement
    return place


# Sums of any binary fraction would show an order; halves of a microgram and of a cent, a way of rounding.
QUANTITIES = st.one_of(
    st.floats(0, 100_000, allow_subnormal=False), st.integers(0, 10**6).map(lambda n: (n + 0.5) / 1e9), st.just(0.0)
)
AMOUNTS = st.one_of(st.floats(0, 1e9, allow_subnormal=False), st.integers(0, 10**6).map(lambda n: (n + 0.5) / 100))
TEXTS = st.text(st.characters(blacklist_categories=("Cs",), blacklist_characters="\x00"), max_size=12)


@st.composite
def rows(draw: st.DrawFn) -> Row:
    """A fact; few identifiers, so that some come twice, alike or not."""
    day = FIRST_DAY + timedelta(days=draw(st.integers(0, DAYS - 1)))
    said: Row = {
        "family": draw(st.sampled_from(list(FAMILIES))),
        "kind": draw(st.sampled_from(list(KINDS))),
        "day": day,
        "occurred_at": datetime.combine(day, datetime.min.time())
        + timedelta(microseconds=draw(st.integers(0, 10**11 // 2))),
        "drug": draw(maybe(st.sampled_from(list(DRUGS)))),
        "mode": draw(maybe(st.sampled_from(list(MODES)))),
        "service": draw(maybe(st.sampled_from(list(SERVICES)))),
        "drug_label": draw(maybe(TEXTS)),
        "quantity_kg": draw(maybe(QUANTITIES)),
        "value_eur": draw(maybe(AMOUNTS)),
        "checked": draw(maybe(st.integers(0, 50))),
        "positive": draw(maybe(st.integers(0, 9))),
        "source": draw(st.sampled_from(["essai", "Écho", "zéro"])),
        "marking": draw(maybe(st.sampled_from(list(MARKINGS)))),
        "hour": draw(maybe(st.integers(0, 23))),
        "transit_country": draw(maybe(st.sampled_from(["ES", "NL"]))),
        "departure_country": draw(maybe(st.sampled_from(["BR", "ES"]))),
    }
    return event(draw(st.integers(0, 60)), **said, **draw(places()))


@st.composite
def chunks(draw: st.DrawFn) -> Chunk:
    """Some lines: facts, published figures or both, and refused ones."""
    facts = draw(st.lists(rows(), max_size=25))
    figures = [
        indicator(territory, year, value, release=date(2025, 6, draw(st.integers(1, 2))), territory_kind=kind)
        for kind, territory, year, value in draw(
            st.lists(
                st.tuples(
                    st.sampled_from(["departement", "commune"]), st.sampled_from(["13", "83", "13055", "83137"]),
                    st.integers(2022, 2024), maybe(st.floats(0, 1000)),
                ),
                max_size=4,
            )
        )
    ]  # fmt: skip
    refused = draw(st.lists(st.tuples(st.integers(1000, 1003), st.sampled_from(["kind", ""]), TEXTS), max_size=3))
    refusals = pa.Table.from_pylist(
        [
            {"line": n, "field": name, "given": text, "reason": "« {given} »", "expected": ""}
            for n, name, text in refused
        ],
        schema=REFUSAL_SCHEMA,
    )
    return Chunk(
        lines=len(facts) + len(figures) + len({n for n, _, _ in refused}),
        events=table(facts) if facts else None,
        indicators=indicator_chunk(figures).indicators if figures else None,
        refusals=refusals if refused else None,
    )


@st.composite
def queries(draw: st.DrawFn) -> Query:
    start = FIRST_DAY + timedelta(days=draw(st.integers(-5, DAYS)))
    west, south = draw(st.sampled_from([(5.3, 43.2), (2.3, 48.8)]))
    return Query(
        start=start,
        stop=start + timedelta(days=draw(st.integers(1, DAYS))),
        families=draw(some(FAMILIES)),
        kinds=draw(some(KINDS, 8)),
        drugs=draw(some(DRUGS, 8)),
        modes=draw(some(MODES, 4)),
        services=draw(some(SERVICES, 4)),
        territory=draw(maybe(st.sampled_from(TERRITORIES))),
        resolution=draw(st.integers(COARSEST_RESOLUTION, FINEST_RESOLUTION)),
        box=draw(maybe(st.just(Box(west, south, west + 0.15, south + 0.15)))),
        hours=draw(maybe(st.builds(Hours, st.integers(0, 23), st.integers(1, 24)))),
    )


VIEWERS = st.builds(
    Viewer,
    name=st.just("essai"),
    role=st.sampled_from(["national", "antenna", "cross", "wall"]),
    territories=maybe(st.frozensets(st.sampled_from(TERRITORIES), max_size=4)),
    threshold=st.sampled_from([0, 0, 2, 3, 5]),
    sees_events=st.booleans(),
)


@contextmanager
def both() -> Iterator[tuple[Store, Store]]:
    with tempfile.TemporaryDirectory() as folder:
        embedded, server = DuckDBStore.open(f"{folder}/two.duckdb"), open_new_store()
        database = str(server._url).split("/")[3].split("?")[0]
        try:
            yield embedded, server
        finally:
            embedded.close()
            server.close()
            cluster().drop_store(database)


def alike(one: Any, other: Any) -> None:
    """Equal in every field; NaN equals NaN. What refuses, refuses in the same words."""
    if isinstance(one, tuple):
        assert one == other
        return
    for field in fields(one):
        mine, theirs = getattr(one, field.name), getattr(other, field.name)
        if isinstance(mine, TerritoryCounts):
            alike(mine, theirs)
        elif isinstance(mine, np.ndarray):
            assert mine.dtype == theirs.dtype, field.name
            np.testing.assert_array_equal(mine, theirs, err_msg=field.name)
        else:
            assert mine == theirs or (mine != mine and theirs != theirs), (field.name, mine, theirs)


def answer(store: Store, name: str, *arguments: Any, **named: Any) -> Any:
    """What a function answers, or the sentence with which it refuses."""
    try:
        return getattr(store, name)(*arguments, **named)
    except HexacrossError as error:
        return type(error), str(error)


def compare_counts(one: Store, other: Store, query: Query, viewer: Viewer) -> None:
    for name in ("counts_by_cell", "totals", "counts_by_day", "counts_by_hour", "route_facts", "route_totals"):
        alike(answer(one, name, query, viewer), answer(other, name, query, viewer))
    for kind in KINDS_COUNTED:
        mine, theirs = (answer(store, "counts_by_territory", kind, query, viewer) for store in (one, other))
        alike(mine, theirs)
        mine, theirs = (answer(store, "counts_by_code", "drug", kind, query, viewer) for store in (one, other))
        assert list(mine) == list(theirs)
        for value in mine if isinstance(mine, dict) else ():
            alike(mine[value], theirs[value])
    for kind in KINDS_COUNTED[:2]:
        alike(*(answer(store, "counts_by_mode", kind, query, viewer) for store in (one, other)))


def compare_rows(one: Store, other: Store, query: Query, viewer: Viewer) -> None:
    for name, arguments in (
        ("events", (query, viewer)),
        ("indicators", (viewer,)),
        ("quarantine", (viewer, "lot0")),
        ("period", (viewer,)),
    ):
        mine, theirs = answer(one, name, *arguments), answer(other, name, *arguments)
        assert mine == theirs, name
        if name in ("events", "quarantine") and not viewer.sees_events:
            assert mine[0] is ForbiddenError
    moment = datetime(2025, 1, 1)  # noqa: DTZ001 -- only replaced on both sides
    for name in ("sources", "batches"):
        mine, theirs = (
            [replace(found, loaded_at=moment) for found in getattr(store, name)(viewer)] for store in (one, other)
        )
        assert mine == theirs, name


# Not shrunk: each try makes two stores. A failure shows its seed, and may be shrunk by hand.
@settings(
    max_examples=15,
    deadline=None,
    derandomize=True,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=list(HealthCheck),
)
@given(
    loads=st.lists(st.lists(chunks(), min_size=1, max_size=2), min_size=1, max_size=3),
    asked=st.lists(st.tuples(queries(), VIEWERS), min_size=6, max_size=6),
    changed=st.booleans(),
    by_months=st.booleans(),
)
def test_both_stores_answer_alike(
    loads: list[list[Chunk]], asked: list[tuple[Query, Viewer]], changed: bool, by_months: bool
) -> None:
    with both() as (embedded, server), pytest.MonkeyPatch.context() as patch:
        patch.setattr("data.postgis_load.MANY_FACTS", 1 if by_months else 10**9)
        for store in (embedded, server):
            store.set_memberships(memberships())
        for number, made in enumerate(loads):
            mine, theirs = (store.load(batch(f"lot{number}"), made) for store in (embedded, server))
            assert replace(mine, loaded_at=theirs.loaded_at) == theirs
            if changed and number == 0:
                for store in (embedded, server):
                    store.set_memberships(memberships(OTHER_COMPOSITION))
        assert embedded.version() == server.version()
        for query, viewer in asked:
            compare_counts(embedded, server, query, viewer)
            compare_rows(embedded, server, query, viewer)


def test_the_comparison_sees_a_difference() -> None:
    """One fact more in one of the stores: not alike."""
    everything, anyone = Query(FIRST_DAY, FIRST_DAY + timedelta(days=DAYS)), Viewer("essai")
    with both() as (embedded, server):
        embedded.load(batch("un"), [Chunk(1, table([event(1)]))])
        server.load(batch("un"), [Chunk(2, table([event(1), event(2)]))])
        with pytest.raises(AssertionError):
            compare_counts(embedded, server, everything, anyone)
        with pytest.raises(AssertionError):
            compare_rows(embedded, server, everything, anyone)
