"""The stores' contract: each store answers as the plain reference does, to the last unit."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import asdict, fields, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import h3.api.basic_int as h3
import numpy as np
import pyarrow as pa
import pytest

from data.errors import ForbiddenError, QueryError, StoreError
from data.query import MOST_DAYS_BY_HOUR, TERRITORY_KINDS, Hours, Query, Territory, Viewer
from data.schema import EVENT_SCHEMA, INDICATOR_SCHEMA, REFUSAL_SCHEMA
from data.store import Chunk, Ground, RouteFacts, Store
from geo.corridors import Stop
from tests.data.contract import (
    CENTRES,
    COMMUNES,
    DAYS,
    FIRST_DAY,
    STORES,
    Reference,
    Row,
    batch,
    chunk,
    count,
    draw_event,
    draw_query,
    draw_viewer,
    event,
    indicator,
    indicator_chunk,
    memberships,
    table,
)

NATIONAL = Viewer("national")
EVERYTHING = Query(FIRST_DAY, FIRST_DAY + timedelta(days=DAYS))
FIGURES = ("incidents", "controls", "checked", "positive", "kg", "eur")


@pytest.fixture(params=list(STORES))
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    opened = STORES[request.param](tmp_path)
    opened.set_memberships(memberships())
    yield opened
    opened.close()


@pytest.fixture(scope="module", params=list(STORES))
def filled(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Store, Reference]]:
    """A store after several loads with repeated, contradictory and new facts, and what it should know."""
    opened = STORES[request.param](tmp_path_factory.mktemp("filled"))
    random = np.random.default_rng(20250101)
    opened.set_memberships(memberships())
    reference = Reference()
    for number in range(4):
        rows = draw_rows(random, number)
        ledger = opened.load(batch(f"lot{number}"), [chunk(rows[:170]), chunk(rows[170:])])
        assert (ledger.accepted, ledger.repeated, ledger.refused) == reference.load(rows)
        assert ledger.accepted + ledger.repeated + ledger.refused == ledger.lines == len(rows)
    yield opened, reference
    opened.close()


def draw_rows(random: np.random.Generator, number: int) -> list[Row]:
    """250 facts; some with the identifiers of the previous load, some twice in this one."""
    first = number * 200
    rows = [draw_event(random, first + n) for n in range(250)]
    return [*rows, *rows[:20], *(draw_event(random, first + n) for n in range(10))]


def shown(answer: Any, position: int | tuple[int, int]) -> tuple[float, ...] | None:
    if answer.protected[position]:
        assert all(np.isnan(getattr(answer, name)[position]) for name in FIGURES)
        return None
    return tuple(float(getattr(answer, name)[position]) for name in FIGURES)


def same(ours: tuple[float, ...] | None, theirs: tuple[float, ...] | None) -> bool:
    if ours is None or theirs is None:
        return ours is theirs
    return bool(np.array_equal(ours, theirs, equal_nan=True))


@pytest.mark.parametrize("seed", range(60))
def test_counts_equal_the_reference(filled: tuple[Store, Reference], seed: int) -> None:
    store, reference = filled
    random = np.random.default_rng(seed)
    query, viewer = draw_query(random), draw_viewer(random)

    cells = store.counts_by_cell(query, viewer)
    expected = reference.by_cell(query, viewer)
    assert cells.resolution == query.resolution
    assert cells.cells.tolist() == sorted(expected)
    for position, cell in enumerate(cells.cells.tolist()):
        assert same(shown(cells, position), expected[cell].seen_by(viewer))

    chosen = reference.chosen(query, viewer)
    totals = store.totals(query, viewer)
    figures = None if totals.protected else tuple(getattr(totals, name) for name in FIGURES)
    assert same(figures, count(chosen).seen_by(viewer))

    for kind in TERRITORY_KINDS:
        answer = store.counts_by_territory(kind, query, viewer)
        by_code = reference.by_territory(kind, query, viewer)
        assert sorted(answer.codes) == sorted(by_code)
        for position, code in enumerate(answer.codes):
            assert same(shown(answer, position), by_code[code].seen_by(viewer)), (kind, code)


@pytest.mark.parametrize("seed", range(20))
def test_counts_apart_by_code_equal_the_reference(filled: tuple[Store, Reference], seed: int) -> None:
    store, reference = filled
    random = np.random.default_rng(3000 + seed)
    query, viewer = draw_query(random), draw_viewer(random)
    by, kind = str(random.choice(["family", "kind", "drug", "mode", "service"])), str(random.choice(TERRITORY_KINDS))

    answer = store.counts_by_code(by, kind, query, viewer)
    chosen = [
        fact
        for fact in reference.chosen(query, viewer)
        if any(reference.inside(fact, Territory(kind, code)) for code in reference.composition.get(kind, {}))
    ]
    assert list(answer) == sorted({fact[by] or "" for fact in chosen})
    for value, counts in answer.items():
        assert sorted(counts.codes) == sorted(reference.composition.get(kind, {}))
        for position, code in enumerate(counts.codes):
            inside = [fact for fact in chosen if (fact[by] or "") == value]
            expected = count([fact for fact in inside if reference.inside(fact, Territory(kind, code))])
            assert same(shown(counts, position), expected.seen_by(viewer)), (value, code)


@pytest.mark.parametrize("seed", range(20))
def test_modes_equal_the_reference(filled: tuple[Store, Reference], seed: int) -> None:
    store, reference = filled
    random = np.random.default_rng(2000 + seed)
    query, viewer = draw_query(random), draw_viewer(random)
    for kind in ("departement", "cross", "urban_unit", "attraction_area"):
        answer = store.counts_by_mode(kind, query, viewer)
        expected = reference.by_mode(kind, query, viewer)
        assert {(mode, code) for mode in answer.modes for code in answer.codes} == set(expected)
        assert (answer.codes[0], answer.modes[-1]) == ("", "")
        for row, mode in enumerate(answer.modes):
            for column, code in enumerate(answer.codes):
                counted, seizures = expected[mode, code]
                few = 0 < seizures < viewer.threshold
                figures = None if few else counted.seen_by(viewer)
                assert same(shown(answer, (row, column)), figures), (kind, mode, code)
                k = max(viewer.threshold, 1)
                rounded = np.nan if figures is None else float((2 * seizures + k) // (2 * k) * k)
                assert same((float(answer.seizures[row, column]),), (rounded,)), (kind, mode, code)
        whole, of_codes = count(reference.chosen(query, viewer)), reference.by_territory(kind, query, viewer)
        assert answer.every_mode.codes == answer.codes
        for column, code in enumerate(answer.codes):
            expected_of_code = of_codes[code] if code else whole
            assert same(shown(answer.every_mode, column), expected_of_code.seen_by(viewer)), (kind, code)


def test_the_nature_of_a_control_says_its_mode(store: Store) -> None:
    given: Row = {"family": "control", "kind": "rail_check", "checked": 10, "positive": 1}
    store.load(batch("lot"), [chunk([event(1, **given), event(2, **given, mode="street"), event(3, mode="sea")])])
    modes = store.counts_by_mode("departement", EVERYTHING, NATIONAL)
    found = {mode: modes.controls[row, modes.codes.index("13")] for row, mode in enumerate(modes.modes)}
    assert found == {"road": 0, "rail": 2, "air": 0, "sea": 0, "post": 0, "shop": 0, "street": 0, "": 0}
    assert modes.seizures[modes.modes.index("sea")].tolist() == [1, 1, 0, 0, 0]  # all, 13, 75, 83, 971
    assert np.isnan(modes.checked[modes.modes.index("sea")]).all()


@pytest.mark.parametrize("seed", range(20))
def test_counts_by_class_answer_for_any_codes_as_the_store_does(filled: tuple[Store, Reference], seed: int) -> None:
    store, _reference = filled
    random = np.random.default_rng(4000 + seed)
    viewer, about = draw_viewer(random), draw_query(random)
    by = str(random.choice(["family", "kind", "drug", "mode", "service"]))
    totals = store.totals_by_class(about, viewer)
    for kind in ("departement", "cross", "arrondissement"):
        counts = store.counts_by_class(kind, about, viewer)
        for _ in range(4):
            other = draw_query(random)
            names = ("families", "kinds", "drugs", "modes", "services")
            query = replace(about, **{name: getattr(other, name) for name in names})
            in_all, of_store = (asdict(each) for each in (totals.totals(query), store.totals(query, viewer)))
            np.testing.assert_equal(in_all, of_store)
            alike(counts.by_territory(query), store.counts_by_territory(kind, query, viewer))
            alike(counts.by_mode(query), store.counts_by_mode(kind, query, viewer))
            ours, theirs = counts.by_code(by, query), store.counts_by_code(by, kind, query, viewer)
            assert list(ours) == list(theirs)
            for value, of_value in ours.items():
                alike(of_value, theirs[value])


def alike(ours: Any, theirs: Any) -> None:
    """Every figure the same, to the last bit; what is unknown or protected here is so there."""
    assert ours.codes == theirs.codes
    for name in (*FIGURES, "protected", *(["seizures"] if hasattr(ours, "seizures") else [])):
        np.testing.assert_array_equal(getattr(ours, name), getattr(theirs, name), err_msg=name)
    if hasattr(ours, "every_mode"):
        assert ours.modes == theirs.modes
        alike(ours.every_mode, theirs.every_mode)


@pytest.mark.parametrize("seed", range(20))
def test_days_precisions_and_events_equal_the_reference(filled: tuple[Store, Reference], seed: int) -> None:
    store, reference = filled
    random = np.random.default_rng(1000 + seed)
    query, viewer = draw_query(random), draw_viewer(random)

    by_day = store.counts_by_day(query, viewer)
    expected = reference.by_day(query, viewer)
    assert by_day.days.astype(object).tolist() == list(expected)
    for position, counted in enumerate(expected.values()):
        seen = counted.seen_by(viewer)
        assert (seen is None) == by_day.protected[position]
        pair = (by_day.incidents[position], by_day.controls[position])
        assert same(pair, (np.nan, np.nan) if seen is None else seen[:2])

    chosen = reference.chosen(query, viewer)
    precisions = [fact["place_precision"] for fact in chosen]
    open_viewer = replace(viewer, threshold=0)
    assert store.totals(query, open_viewer).by_precision == {name: precisions.count(name) for name in set(precisions)}

    latest = sorted(chosen, key=lambda fact: fact["event_id"])
    latest.sort(key=lambda fact: fact["occurred_at"], reverse=True)
    found = store.events(query, viewer, limit=25)
    assert found.schema.equals(EVENT_SCHEMA)
    assert [{**row, "batch_id": ""} for row in found.to_pylist()] == latest[:25]


@pytest.mark.parametrize("seed", range(12))
def test_hours_equal_the_reference(filled: tuple[Store, Reference], seed: int) -> None:
    store, reference = filled
    random = np.random.default_rng(3000 + seed)
    query, viewer = draw_query(random), draw_viewer(random)
    if not seed % 3:
        query = replace(query, hours=Hours(22, 6))
    by_hour = store.counts_by_hour(query, viewer)
    expected, without_hour = reference.by_hour(query, viewer)
    assert [(day, hour) for day in by_hour.days.astype(object).tolist() for hour in range(24)] == list(expected)
    assert by_hour.incidents.shape == by_hour.controls.shape == (len(by_hour.days), 24)
    for (position, hour), counted in zip(np.ndindex(by_hour.incidents.shape), expected.values(), strict=True):
        seen = counted.seen_by(viewer)
        assert (seen is None) == by_hour.protected[position, hour]
        pair = (by_hour.incidents[position, hour], by_hour.controls[position, hour])
        assert same(pair, (np.nan, np.nan) if seen is None else seen[:2])
    if 0 < without_hour < viewer.threshold:
        assert np.isnan(by_hour.without_hour)
    else:
        assert abs(by_hour.without_hour - without_hour) <= viewer.threshold / 2
        assert not viewer.threshold or by_hour.without_hour % viewer.threshold == 0


def test_an_hour_window_counts_no_fact_of_unknown_hour_and_ends_before_its_last_hour(store: Store) -> None:
    """A night begins on its day: what is past midnight belongs to the evening before."""
    saturday = FIRST_DAY + timedelta(days=3)
    at = [(0, 21), (0, 22), (0, 23), (1, 0), (1, 5), (1, 6), (0, 5), (0, None), (1, None)]
    rows = [event(n, day=saturday + timedelta(days=late), hour=hour) for n, (late, hour) in enumerate(at)]
    store.load(batch("lot"), [chunk(rows)])
    night = Query(saturday, saturday + timedelta(days=1), hours=Hours(22, 6))
    assert store.totals(night, NATIONAL).incidents == 4
    assert store.counts_by_day(night, NATIONAL).incidents.tolist() == [4]
    found = store.events(night, NATIONAL).column("source_event_id").to_pylist()
    assert sorted(found) == ["1", "2", "3", "4"]
    assert store.counts_by_hour(night, NATIONAL).without_hour == 1
    assert store.totals(replace(night, hours=Hours(0, 24)), NATIONAL).incidents == 4
    assert store.totals(replace(night, hours=Hours(6, 6)), NATIONAL).incidents == 5
    assert store.totals(replace(night, hours=None), NATIONAL).incidents == 5


def test_hours_count_for_a_wall_and_protect_small_numbers(store: Store) -> None:
    place = {"longitude": 5.37, "latitude": 43.3, "place_precision": "point", "quantity_kg": 1.0}
    at = [*[3] * 4, *[4] * 6, *[None] * 2]
    store.load(batch("lot"), [chunk([event(n, hour=hour, **place) for n, hour in enumerate(at)])])
    wall = Viewer("mur", "wall", frozenset({Territory("cross", "marseille")}), threshold=5, sees_events=False)
    for hours, incidents in ((Hours(3, 4), np.nan), (Hours(4, 5), 5.0), (Hours(3, 5), 10.0)):
        query = replace(EVERYTHING, hours=hours)
        for answer in (store.counts_by_cell(query, wall), store.totals(query, wall)):
            assert same((float(np.ravel(answer.incidents)[0]),), (incidents,))
        assert store.totals(query, replace(wall, territories=frozenset({Territory("cross", "paris")}))).incidents == 0
    counted = store.counts_by_hour(EVERYTHING, wall)
    assert np.isnan(counted.without_hour)
    assert counted.protected[0, :6].tolist() == [False, False, False, True, False, False]
    assert counted.incidents[0, 4] == 5
    with pytest.raises(ForbiddenError):
        store.events(replace(EVERYTHING, hours=Hours(3, 4)), wall)


def test_hours_of_too_long_a_period_are_refused(store: Store) -> None:
    stop = FIRST_DAY + timedelta(days=MOST_DAYS_BY_HOUR + 1)
    with pytest.raises(QueryError, match=f"{MOST_DAYS_BY_HOUR} jours au plus"):
        Query(FIRST_DAY, stop, hours=Hours(0, 1))
    with pytest.raises(QueryError, match=f"{MOST_DAYS_BY_HOUR} jours au plus"):
        store.counts_by_hour(Query(FIRST_DAY, stop), NATIONAL)
    for hours in (Hours(24, 3), Hours(-1, 3), Hours(3, 0), Hours(3, 25)):
        with pytest.raises(QueryError, match="de 0 à 23"):
            Query(FIRST_DAY, FIRST_DAY + timedelta(days=1), hours=hours)


@pytest.mark.parametrize("seed", range(20))
def test_positions_and_unplaced_facts_equal_the_reference(filled: tuple[Store, Reference], seed: int) -> None:
    store, reference = filled
    random = np.random.default_rng(2000 + seed)
    query, viewer = draw_query(random), replace(draw_viewer(random), threshold=0)
    chosen = reference.chosen(query, viewer)

    placed = [fact for fact in chosen if fact["cell"] is not None]
    resolution = int(random.integers(5, 11))
    inhabited = sorted({h3.cell_to_parent(fact["cell"], resolution) for fact in placed})
    asked = np.array([*inhabited[::2], h3.latlng_to_cell(0, 0, resolution)], dtype=np.int64)
    found = store.facts_in(query, viewer, asked)
    here = [fact for fact in placed if h3.cell_to_parent(fact["cell"], resolution) in set(asked.tolist())]
    expected = [
        (
            fact["longitude"], fact["latitude"], fact["family"] == "incident", fact["family"] == "control",
            *(fact[name] if fact["family"] == "control" else None for name in ("checked", "positive")),
            fact["quantity_kg"], fact["value_eur"],
        )
        for fact in sorted(here, key=lambda fact: fact["event_id"])
    ]  # fmt: skip
    columns = [getattr(found, field.name) for field in fields(found)]
    assert np.array_equal(np.array(columns), np.array(expected, dtype=float).reshape(-1, 8).T, equal_nan=True)
    assert len(store.facts_in(query, viewer, asked[:0]).lng) == 0

    communes, departements = random.choice(list(CENTRES), 3).tolist(), random.choice(["13", "83", "75"], 2).tolist()
    ground = Ground(tuple(communes), tuple(departements), ("FR",))
    near = [
        fact["place_precision"]
        for fact in chosen
        if fact["cell"] is None
        and (
            fact["commune"] in communes
            if fact["commune"]
            else fact["departement"] in departements
            if fact["departement"]
            else fact["country"] in (None, "FR")
        )
    ]
    assert store.unplaced(query, viewer, ground) == {name: near.count(name) for name in set(near)}
    counted = store.unplaced(query, replace(viewer, threshold=5), ground)
    assert all(n % 5 == 0 for n in counted.values())


ROUTE = ("producing_country", "departure_country", "transit_country", "destination_country", "country", "drug", "mode")


@pytest.mark.parametrize("seed", range(10))
def test_routes_equal_the_reference(filled: tuple[Store, Reference], seed: int) -> None:
    store, reference = filled
    random = np.random.default_rng(3000 + seed)
    query, viewer = draw_query(random), replace(draw_viewer(random), threshold=0)
    expected: dict[tuple[Any, ...], list[Row]] = defaultdict(list)
    for fact in reference.chosen(query, viewer):
        comes_from = fact["producing_country"] or fact["departure_country"]
        place = [fact[name] if comes_from else None for name in ("longitude", "latitude")]
        expected[(*(fact[name] for name in ROUTE), 12 * fact["day"].year + fact["day"].month - 1, *place)].append(fact)
    found = store.route_facts(query, viewer)
    names = [*([found.countries] * 5), found.drugs, found.modes]
    columns = [getattr(found, name) for name in RouteFacts.__slots__[3:]]
    answered = {}
    for *codes, month, lng, lat, facts, weighed, kg in zip(*columns, strict=True):
        said = [known[code] if code >= 0 else None for known, code in zip(names, codes, strict=True)]
        place = [None if np.isnan(degrees) else degrees for degrees in (lng, lat)]
        answered[(*said, month, *place)] = (facts, weighed, None if np.isnan(kg) else kg)
    assert answered == {
        key: (len(rows), sum(row["quantity_kg"] is not None for row in rows), count(rows).kg)
        for key, rows in expected.items()
    }
    assert len(answered) == len(found.facts)
    keys = np.array(columns[:8])
    assert keys[:, np.lexsort(keys[::-1])].tolist() == keys.tolist()


@pytest.mark.parametrize("seed", range(10))
def test_routes_by_country_equal_their_seizures(filled: tuple[Store, Reference], seed: int) -> None:
    """For whoever is looking, a wall too: each fact once, under its two countries."""
    store, reference = filled
    random = np.random.default_rng(4000 + seed)
    stops: dict[Stop, str] = dict(
        zip(("producing", "departure", "transit", "destination", "reporter"), ROUTE, strict=False)
    )
    start, stop = random.choice(list(stops), 2, replace=False).tolist()
    query, viewer = draw_query(random), replace(draw_viewer(random), role="wall", sees_events=False)
    expected: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for fact in reference.chosen(query, viewer):
        expected[fact[stops[start]] or "", fact[stops[stop]] or ""].append(fact)
    found = store.route_totals(query, viewer, start, stop)
    assert list(zip(found.origin, found.destination, strict=True)) == sorted(expected)
    k = max(viewer.threshold, 1)
    for row, facts in enumerate(expected[pair] for pair in sorted(expected)):
        few = 0 < len(facts) < viewer.threshold
        assert found.protected[row] == few
        rounded = np.nan if few else float((2 * len(facts) + k) // (2 * k) * k)
        assert same((found.facts[row], found.kg[row]), (rounded, np.nan if few else count(facts).kg)), (start, stop)


@pytest.mark.parametrize("viewer", [Viewer("mur", "wall", sees_events=False), Viewer("agrégé", threshold=5)])
def test_positions_are_for_those_who_see_facts(filled: tuple[Store, Reference], viewer: Viewer) -> None:
    with pytest.raises(ForbiddenError):
        filled[0].facts_in(EVERYTHING, viewer, np.array([0x851FB467FFFFFFF], dtype=np.int64))
    with pytest.raises(ForbiddenError):
        filled[0].route_facts(EVERYTHING, viewer)


def test_events_of_a_hexagon(filled: tuple[Store, Reference]) -> None:
    store, reference = filled
    for resolution in (0, 4, 7, 9, 10):
        counts = store.counts_by_cell(replace(EVERYTHING, resolution=max(resolution, 3)), NATIONAL)
        cell = int(counts.cells[len(counts.cells) // 2])
        facts = reference.by_cell(replace(EVERYTHING, resolution=counts.resolution), NATIONAL)[cell]
        families = store.events(EVERYTHING, NATIONAL, cell=cell, limit=10_000).column("family").to_pylist()
        assert families.count("incident") == facts.incidents
        assert families.count("control") == facts.controls


@pytest.mark.parametrize("cell", [0, -1, 0x8B1FB46741AEFFF])  # the last one: of resolution 11
def test_an_impossible_hexagon_is_refused(filled: tuple[Store, Reference], cell: int) -> None:
    with pytest.raises(QueryError, match="résolution 0 à 10"):
        filled[0].events(EVERYTHING, NATIONAL, cell=cell)


def test_sources_period_and_batches(filled: tuple[Store, Reference]) -> None:
    store, reference = filled
    for viewer in (NATIONAL, Viewer("aix", territories=frozenset({Territory("commune", "13001")}))):
        facts = reference.seen(viewer)
        days = [fact["day"] for fact in facts]
        assert store.period(viewer) == (min(days), max(days))
        for source in store.sources(viewer):
            own = [fact["day"] for fact in facts if fact["source"] == source.name]
            assert (source.events, source.first_day, source.last_day) == (len(own), min(own), max(own))
            assert (source.indicators, source.marking) == (0, "internal")
            assert timedelta(0) <= datetime.now(UTC) - source.loaded_at < timedelta(minutes=10)
    assert [ledger.batch_id for ledger in store.batches(NATIONAL)] == ["lot3", "lot2", "lot1", "lot0"]


# Territories


def test_a_place_known_by_departement_is_in_what_holds_it_for_certain(store: Store) -> None:
    rows = [
        event(1, commune=None, place_precision="departement"),
        event(2, commune=None, departement=None, place_precision="country"),
    ]
    store.load(batch("lot"), [chunk(rows)])
    inside = {
        (kind, code): store.totals(replace(EVERYTHING, territory=Territory(kind, code)), NATIONAL).incidents
        for kind, codes in COMMUNES.items()
        for code in codes
    }
    assert {key for key, incidents in inside.items() if incidents} == {
        ("departement", "13"), ("region", "93"), ("antenna", "marseille"),
    }  # fmt: skip
    assert store.totals(EVERYTHING, NATIONAL).incidents == 2


def test_changed_territories_count_the_same_facts_anew(store: Store) -> None:
    random = np.random.default_rng(5)
    rows = [draw_event(random, n) for n in range(300)]
    store.load(batch("lot"), [chunk(rows)])
    before = store.version()
    changed = {**COMMUNES, "cross": {"provence": ("13055", "83126", "83137"), "paris": ("75056",)}}
    del changed["urban_unit"]
    steps: list[tuple[int, int | None]] = []
    store.set_memberships(memberships(changed), lambda done, total: steps.append((done, total)))
    assert steps == sorted(steps)
    assert steps[-1][0] == steps[-1][1]
    assert store.version() > before
    reference = Reference(changed)
    reference.load(rows)
    for kind in TERRITORY_KINDS:
        answer = store.counts_by_territory(kind, EVERYTHING, NATIONAL)
        expected = reference.by_territory(kind, EVERYTHING, NATIONAL)
        assert sorted(answer.codes) == sorted(expected)
        assert all(same(shown(answer, n), expected[c].seen_by(NATIONAL)) for n, c in enumerate(answer.codes))
    query = replace(EVERYTHING, territory=Territory("cross", "provence"), resolution=9)
    assert store.counts_by_cell(query, NATIONAL).cells.tolist() == sorted(reference.by_cell(query, NATIONAL))
    with pytest.raises(QueryError, match="toulon"):
        store.totals(replace(EVERYTHING, territory=Territory("cross", "toulon")), NATIONAL)


def test_the_same_territories_again_change_nothing(store: Store) -> None:
    before = store.version()
    store.set_memberships(list(reversed(memberships())))
    assert store.version() == before


def test_territories_may_come_after_the_facts(tmp_path: Path) -> None:
    for name, open_one in STORES.items():
        (tmp_path / name).mkdir()
        late = open_one(tmp_path / name)
        late.load(batch("lot"), [chunk([event(1), event(2, commune="83137", departement="83")])])
        assert late.counts_by_territory("commune", EVERYTHING, NATIONAL).codes == ()
        late.set_memberships(memberships())
        assert late.totals(replace(EVERYTHING, territory=Territory("cross", "toulon")), NATIONAL).incidents == 1
        late.close()


# Loads


def test_the_same_file_again_is_not_read(store: Store) -> None:
    first = store.load(batch("lot"), [chunk([event(1)])])
    before = store.version()

    def never() -> Iterator[Chunk]:
        pytest.fail("read again")
        yield

    again = store.load(batch("autre", digest="sha-lot"), never())
    assert replace(again, already_loaded=False) == first
    assert again.already_loaded
    assert store.version() == before


def test_the_same_content_through_another_reader_is_read(store: Store) -> None:
    store.load(batch("lot"), [chunk([event(1)])])
    ledger = store.load(batch("autre", digest="sha-lot", reader="mapping"), [chunk([event(1)])])
    assert (ledger.accepted, ledger.repeated, ledger.refused) == (0, 1, 0)
    assert not ledger.already_loaded


def test_a_known_identifier_with_another_content_is_refused_with_its_line(store: Store) -> None:
    store.load(batch("lot"), [chunk([event(1), event(2)])])
    rows = [event(1), event(2, quantity_kg=3.5, drug="cocaine"), event(3), event(3), event(3, checked=1)]
    ledger = store.load(batch("suite"), [chunk(rows, event_lines=np.array([2, 3, 5, 8, 13]))])
    assert (ledger.lines, ledger.accepted, ledger.repeated, ledger.refused) == (5, 1, 2, 2)
    refused = store.quarantine(NATIONAL, "suite")
    assert refused.schema.equals(REFUSAL_SCHEMA)
    assert refused.column("line").to_pylist() == [3, 13]
    assert refused.column("given").to_pylist() == ["essai:2", "essai:3"]
    assert refused.column("expected").to_pylist() == ["drug, quantity_kg", "checked"]
    text = refused.column("reason")[0].as_py().format(given="essai:2", expected="drug, quantity_kg")
    assert text == "Identifiant déjà connu avec un autre contenu : essai:2. Champs qui diffèrent : drug, quantity_kg."
    kept = store.events(EVERYTHING, NATIONAL).to_pylist()
    assert [(row["event_id"], row["quantity_kg"], row["checked"]) for row in kept] == [
        ("essai:1", None, None), ("essai:2", None, None), ("essai:3", None, None),
    ]  # fmt: skip
    assert [row["batch_id"] for row in kept] == ["lot", "lot", "suite"]


@pytest.mark.parametrize("name", ["commune", "departement", "country"])
def test_codes_that_follow_from_the_point_are_not_compared(store: Store, name: str) -> None:
    point = {"longitude": 5.37, "latitude": 43.3, "place_precision": "point"}
    store.load(batch("lot"), [chunk([event(1, **point), event(2)])])
    ledger = store.load(batch("suite"), [chunk([event(1, **point, **{name: "XX"}), event(2, **{name: "XX"})])])
    assert (ledger.repeated, ledger.refused) == (1, 1)


def test_refused_lines_are_counted_once_and_kept(store: Store) -> None:
    refusals = pa.Table.from_pylist(
        [
            {"line": 4, "field": "drug", "given": "=1+1", "reason": "Valeur {given}", "expected": "cocaine"},
            {"line": 2, "field": "day", "given": "<b>", "reason": "Date {given}", "expected": "AAAA-MM-JJ"},
            {"line": 4, "field": "kind", "given": "", "reason": "Absent", "expected": "seizure"},
        ],
        schema=REFUSAL_SCHEMA,
    )
    rows = table([event(1)])
    ledger = store.load(batch("lot"), [Chunk(lines=3, events=rows, refusals=refusals, identical=1)])
    assert (ledger.lines, ledger.accepted, ledger.repeated, ledger.refused, ledger.identical) == (3, 1, 0, 2, 1)
    kept = store.quarantine(NATIONAL, "lot")
    assert kept.to_pylist() == sorted(refusals.to_pylist(), key=lambda row: (row["line"], row["field"]))
    assert store.quarantine(NATIONAL, "lot", limit=1).column("line").to_pylist() == [2]
    assert store.quarantine(NATIONAL, "inconnu").num_rows == 0


def test_a_load_that_does_not_add_up_is_rolled_back(store: Store) -> None:
    with pytest.raises(StoreError, match="Comptes faux"):
        store.load(batch("lot"), [Chunk(lines=3, events=table([event(1)]))])
    assert_empty(store)


def test_a_reader_that_fails_leaves_nothing(store: Store) -> None:
    def failing() -> Iterator[Chunk]:
        yield chunk([event(n) for n in range(100)])
        raise ZeroDivisionError("half of the file")

    before = store.version()
    with pytest.raises(ZeroDivisionError, match="half of the file"):
        store.load(batch("lot"), failing())
    assert_empty(store)
    assert store.version() == before
    assert store.load(batch("lot"), [chunk([event(1)])]).accepted == 1


def assert_empty(store: Store) -> None:
    assert store.period(NATIONAL) is None
    assert store.batches(NATIONAL) == []
    assert store.sources(NATIONAL) == []
    assert store.totals(EVERYTHING, NATIONAL).by_precision == {}
    assert store.events(EVERYTHING, NATIONAL).num_rows == 0


def test_an_empty_store_answers(store: Store) -> None:
    assert_empty(store)
    totals = store.totals(EVERYTHING, NATIONAL)
    assert (totals.incidents, totals.controls) == (0, 0)
    assert np.isnan([totals.checked, totals.positive, totals.kg, totals.eur]).all()
    assert len(store.counts_by_cell(EVERYTHING, NATIONAL).cells) == 0
    assert store.counts_by_territory("cross", EVERYTHING, NATIONAL).incidents.tolist() == [0, 0, 0]
    assert store.counts_by_day(EVERYTHING, NATIONAL).incidents.tolist() == [0] * DAYS


def test_an_empty_file_is_accounted_for(store: Store) -> None:
    ledger = store.load(batch("vide"), [])
    assert (ledger.lines, ledger.accepted, ledger.repeated, ledger.refused) == (0, 0, 0, 0)
    assert (ledger.first_day, ledger.last_day) == (None, None)
    assert store.batches(NATIONAL) == [ledger]


def test_progress_never_goes_back(store: Store) -> None:
    seen: list[tuple[int, int | None]] = []
    store.load(batch("lot"), [chunk([event(1), event(2)]), chunk([event(3)])], lambda *given: seen.append(given))
    assert [done for done, _ in seen] == [2, 3, 3]
    assert seen[-1] == (3, 3)


def test_many_small_loads_count_as_one(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also when the daily counts are sorted again in between."""
    monkeypatch.setattr("data.rollup.UNSORTED_ROWS", 20)
    random = np.random.default_rng(8)
    reference = Reference()
    for number in range(12):
        rows = [draw_event(random, number * 100 + n) for n in range(15)]
        store.load(batch(f"lot{number}"), [chunk(rows)])
        reference.load(rows)
    for resolution in (3, 8, 9, 10):
        query = replace(EVERYTHING, resolution=resolution)
        answer, expected = store.counts_by_cell(query, NATIONAL), reference.by_cell(query, NATIONAL)
        assert answer.cells.tolist() == sorted(expected)
        assert all(same(shown(answer, n), expected[c].seen_by(NATIONAL)) for n, c in enumerate(answer.cells.tolist()))


def test_two_loads_at_once_are_both_kept(store: Store) -> None:
    failures: list[BaseException] = []

    def load(number: int) -> None:
        rows = [event(number * 1000 + n) for n in range(300)]
        try:
            store.load(batch(f"lot{number}"), [chunk(rows[:100]), chunk(rows[100:])])
            store.totals(EVERYTHING, NATIONAL)
        except BaseException as error:
            failures.append(error)
            raise

    threads = [threading.Thread(target=load, args=[number]) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert store.totals(EVERYTHING, NATIONAL).incidents == 1200


def test_reads_go_on_during_a_load(store: Store) -> None:
    store.load(batch("avant"), [chunk([event(n) for n in range(10)])])
    seen: list[float] = []

    def chunks() -> Iterator[Chunk]:
        for number in range(1, 4):
            yield chunk([event(number * 100 + n) for n in range(10)])
            seen.append(store.totals(EVERYTHING, NATIONAL).incidents)

    store.load(batch("pendant"), chunks())
    assert seen == [10, 10, 10]
    assert store.totals(EVERYTHING, NATIONAL).incidents == 40


# Indicators


def test_published_figures_keep_what_is_withheld_and_do_not_mix_releases(store: Store) -> None:
    rows = [indicator("13", 2024, 4320), indicator("83", 2024, None), indicator("13", 2023, 0)]
    store.load(batch("ssmsi", source="ssmsi", marking="public"), [indicator_chunk(rows)])
    revised = [
        indicator("13", 2024, 4400, release=date(2026, 1, 22)),
        indicator("13", 2024, 4320),
        indicator("13", 2023, 1),
    ]
    ledger = store.load(batch("ssmsi-2", source="ssmsi", marking="public"), [indicator_chunk(revised)])
    assert (ledger.accepted, ledger.repeated, ledger.refused) == (1, 1, 1)
    assert (ledger.first_day, ledger.last_day) == (date(2024, 1, 1), date(2024, 12, 31))
    found = store.indicators(NATIONAL)
    assert found.schema.equals(INDICATOR_SCHEMA)
    assert [(r["territory"], r["year"], r["release"].year, r["value"]) for r in found.to_pylist()] == [
        ("13", 2023, 2025, 0.0), ("13", 2024, 2025, 4320.0), ("83", 2024, 2025, None), ("13", 2024, 2026, 4400.0),
    ]  # fmt: skip
    assert store.indicators(NATIONAL, "Trafic de stupéfiants", [Territory("departement", "83")]).num_rows == 1
    assert store.indicators(NATIONAL, "Usage de stupéfiants").num_rows == 0
    refused = store.quarantine(NATIONAL, "ssmsi-2").to_pylist()
    assert [(row["line"], row["expected"]) for row in refused] == [(3, "value")]
    (source,) = store.sources(NATIONAL)
    assert (source.events, source.indicators, source.marking) == (0, 4, "public")
    assert (source.first_day, source.last_day) == (date(2023, 1, 1), date(2024, 12, 31))


# Who is looking


def held(*territories: Territory, **given: Any) -> Viewer:
    return Viewer("restreint", "cross", frozenset(territories), **given)


def test_no_events_for_those_who_see_only_aggregates(store: Store) -> None:
    store.load(batch("lot"), [chunk([event(1)])])
    viewer = replace(NATIONAL, sees_events=False)
    with pytest.raises(ForbiddenError):
        store.events(EVERYTHING, viewer)
    with pytest.raises(ForbiddenError):
        store.quarantine(viewer, "lot")
    assert store.totals(EVERYTHING, viewer).incidents == 1


def test_a_restricted_viewer_sees_nothing_of_others(store: Store) -> None:
    nowhere = {"commune": None, "departement": None, "place_precision": "unknown", "country": None}
    store.load(batch("marseille"), [chunk([event(1), event(2, **nowhere)])])
    store.load(batch("toulon", source="autre"), [chunk([event(3, commune="83137", departement="83", source="autre")])])
    store.load(batch("ssmsi", source="ssmsi"), [indicator_chunk([indicator("13", 2024, 1), indicator("83", 2024, 2)])])
    toulon = held(Territory("cross", "toulon"))
    assert store.totals(EVERYTHING, toulon).incidents == 1
    assert [row["event_id"] for row in store.events(EVERYTHING, toulon).to_pylist()] == ["autre:3"]
    assert [source.name for source in store.sources(toulon)] == ["autre"]
    assert [ledger.batch_id for ledger in store.batches(toulon)] == ["toulon"]
    assert store.indicators(toulon).num_rows == 0
    assert store.indicators(held(Territory("region", "93"))).num_rows == 2
    assert store.totals(replace(EVERYTHING, territory=Territory("commune", "13055")), toulon).incidents == 0
    with pytest.raises(ForbiddenError):
        store.quarantine(toulon, "toulon")
    nobody = held()
    assert store.period(nobody) is None
    assert store.totals(EVERYTHING, nobody).by_precision == {}
    assert store.counts_by_cell(EVERYTHING, nobody).cells.tolist() == []
    unknown = held(Territory("cross", "atlantide"))
    assert store.totals(EVERYTHING, unknown).incidents == 0


def test_an_unknown_territory_is_an_error_not_a_zero(store: Store) -> None:
    with pytest.raises(QueryError, match="99999"):
        store.totals(replace(EVERYTHING, territory=Territory("commune", "99999")), NATIONAL)


def test_small_counts_are_protected_everywhere(store: Store) -> None:
    few = [event(n, longitude=5.37, latitude=43.3, place_precision="point", quantity_kg=1.0) for n in range(4)]
    store.load(batch("lot"), [chunk(few)])
    viewer = replace(NATIONAL, threshold=5)
    totals = store.totals(EVERYTHING, viewer)
    assert totals.protected
    assert np.isnan([getattr(totals, name) for name in FIGURES]).all()
    assert totals.by_precision == {}
    assert store.counts_by_cell(EVERYTHING, viewer).protected.tolist() == [True]
    assert store.counts_by_day(EVERYTHING, viewer).protected.tolist() == [True] + [False] * (DAYS - 1)
    assert store.counts_by_territory("departement", EVERYTHING, viewer).protected.sum() == 1
    assert [
        counts.protected.sum() for counts in store.counts_by_code("drug", "departement", EVERYTHING, viewer).values()
    ] == [1]
    assert store.sources(viewer)[0].events == 0


def test_precisions_are_rounded_for_protected_viewers(store: Store) -> None:
    rows: Sequence[Row] = [event(n) for n in range(13)]
    rows = [*rows, *(event(100 + n, commune=None, place_precision="departement") for n in range(2))]
    store.load(batch("lot"), [chunk(rows)])
    assert store.totals(EVERYTHING, replace(NATIONAL, threshold=5)).by_precision == {"commune": 15, "departement": 0}


def test_hostile_text_stays_text(store: Store) -> None:
    label = "'; DROP TABLE events; --<script>alert(1)</script> é€𝄞"
    store.load(batch("lot"), [chunk([event(1, drug_label=label, source="l'autre")])])
    row = store.events(EVERYTHING, NATIONAL).to_pylist()[0]
    assert (row["drug_label"], row["source"]) == (label, "l'autre")
    with pytest.raises(QueryError):
        store.totals(replace(EVERYTHING, territory=Territory("commune", "' OR true --")), NATIONAL)


def test_every_figure_is_compared() -> None:
    """The reference knows the figures of the answers, no fewer."""
    from data.store import CellCounts

    assert {field.name for field in fields(CellCounts)} == {"resolution", "cells", "protected", *FIGURES}
