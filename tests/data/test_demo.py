"""The demonstration: the same seed the same facts, on land, in urban areas and outside, marked for what it is."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from data import demo
from data.demo import PERIOD_DAYS, as_input, generate, load_demo
from data.geography import geography
from data.opening import open_store
from data.query import Query, Territory, Viewer
from data.schema import EVENT_SCHEMA, INPUT_FIELDS
from data.vocabulary import FAMILIES

UNTIL = date(2026, 6, 1)
FIRST_DAY = date(2024, 6, 1)  # 730 days earlier
EVENTS = 60_000


@pytest.fixture(scope="module")
def rows() -> pa.Table:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(demo, "CHUNK", 30_000)
        return pa.concat_tables(generate(EVENTS, 7, UNTIL))


def shares(rows: pa.Table, name: str) -> dict[str, float]:
    counted = pc.value_counts(rows.column(name).cast(pa.string())).to_pylist()
    return {row["values"]: row["counts"] / rows.num_rows for row in counted}


def test_the_same_seed_gives_the_same_facts_and_more_begins_with_fewer(
    rows: pa.Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(demo, "CHUNK", 30_000)
    fewer = pa.concat_tables(generate(40_000, 7, UNTIL))
    assert fewer.num_rows == 40_000
    assert fewer.equals(rows.slice(0, 40_000))
    other = next(generate(100, 8, UNTIL))
    assert not other.column("longitude").equals(rows.column("longitude").slice(0, 100))


def test_columns_and_days_are_those_of_the_schema(rows: pa.Table) -> None:
    assert rows.num_rows == EVENTS
    assert rows.schema.equals(EVENT_SCHEMA)
    for field in EVENT_SCHEMA:
        assert field.nullable or rows.column(field.name).null_count == 0, field.name
    days = pc.min_max(rows.column("day")).as_py()
    assert FIRST_DAY <= days["min"] < days["max"] < UNTIL
    assert (UNTIL - FIRST_DAY).days == PERIOD_DAYS
    assert pc.count_distinct(rows.column("event_id")).as_py() == EVENTS


def test_every_fact_is_marked_as_a_demonstration(rows: pa.Table) -> None:
    assert shares(rows, "marking") == {"demo": 1.0}
    assert shares(rows, "source") == {"Démonstration": 1.0}


def test_points_are_on_land_in_the_commune_that_they_say(rows: pa.Table) -> None:
    known = geography()
    points = rows.filter(pc.is_in(rows.column("place_precision").cast(pa.string()), pa.array(["point", "street"])))
    assert points.num_rows > 0.9 * EVENTS
    assert points.column("commune").null_count == 0
    places = known.locate(points.column("longitude").to_numpy(), points.column("latitude").to_numpy())
    assert places.communes.cast(pa.string()).equals(points.column("commune").combine_chunks())
    assert np.array_equal(places.cells, points.column("cell").to_numpy())
    reached = {code for code, commune in zip(*members_of_cross(), strict=True)
               if commune in set(pc.unique(points.column("commune")).to_pylist())}  # fmt: skip
    assert reached == set(known.territories("cross")["code"])


def test_one_fact_in_eight_is_outside_of_every_cross(rows: pa.Table) -> None:
    """In towns, on roads and at ports of nearly all départements: there is something that no CROSS covers."""
    placed = rows.filter(pc.is_valid(rows.column("commune")))
    outside = placed.filter(pc.invert(pc.is_in(placed.column("commune"), pa.array(sorted(set(members_of_cross()[1]))))))
    for family in ("incident", "control"):
        inside_and_out, out = shares(placed, "family")[family], shares(outside, "family")[family]
        share = out * outside.num_rows / (inside_and_out * placed.num_rows)
        assert 0.08 < share < 0.15, family
    assert set(shares(outside, "mode")) - {None} == {"road", "rail", "air", "sea", "post", "shop", "street"}
    assert shares(outside, "mode")["road"] > 1.3 * shares(placed, "mode")["road"]
    assert pc.count_distinct(outside.column("departement")).as_py() > 85
    assert pc.count_distinct(outside.column("commune")).as_py() > 1_000
    assert max(shares(outside, "commune").values()) < 0.03


def members_of_cross() -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The CROSS and the commune of each pair of both."""
    members = next(one for one in geography().memberships() if one.kind == "cross")
    return members.codes, members.communes


def test_every_precision_family_and_mode_occurs(rows: pa.Table) -> None:
    precisions = shares(rows, "place_precision")
    assert set(precisions) == {"point", "street", "commune", "departement", "unknown"}
    assert 0.002 < precisions["unknown"] < 0.02
    assert set(shares(rows, "family")) == set(FAMILIES)
    assert set(shares(rows, "mode")) - {None} == {"road", "rail", "air", "sea", "post", "shop", "street"}
    nowhere = rows.filter(pc.equal(rows.column("place_precision").cast(pa.string()), "unknown"))
    assert all(nowhere.column(name).null_count == nowhere.num_rows for name in ("longitude", "commune", "departement"))


def test_figures_belong_to_their_family(rows: pa.Table) -> None:
    family = rows.column("family").cast(pa.string())
    controls = rows.filter(pc.equal(family, "control"))
    others = rows.filter(pc.not_equal(family, "control"))
    assert others.column("checked").null_count == others.num_rows
    unknown = controls.column("checked").null_count / controls.num_rows
    assert 0.05 < unknown < 0.09
    said = controls.filter(pc.is_valid(controls.column("positive")))
    assert pc.all(pc.less_equal(said.column("positive"), said.column("checked"))).as_py()
    euros = rows.filter(pc.is_valid(rows.column("value_eur")))
    assert shares(euros, "family") == {"assets": 1.0}
    assert pc.min(rows.column("quantity_kg")).as_py() >= 0


def test_days_and_hours_have_a_rhythm_on_the_local_clock(rows: pa.Table) -> None:
    weekdays = np.bincount(pc.day_of_week(rows.column("day")).to_numpy(), minlength=7)
    assert weekdays.argmin() == 6  # Sunday
    assert weekdays.argmax() == 4  # Friday
    for departement in ("13", "972", "974"):
        deals = rows.filter(
            pc.and_(
                pc.equal(rows.column("departement"), departement),
                pc.equal(rows.column("mode").cast(pa.string()), "street"),
            )
        )
        hours = np.bincount(deals.column("hour").to_numpy(), minlength=24)
        assert hours[17:22].sum() > 3 * hours[3:8].sum(), departement
    utc_hours = pc.hour(rows.column("occurred_at")).to_numpy()
    offset = (rows.column("hour").to_numpy() - utc_hours) % 24
    reunion = pc.equal(rows.column("departement"), "974").to_numpy(zero_copy_only=False).astype(bool)
    assert set(offset[reunion]) == {4}


def test_deal_points_move(rows: pa.Table) -> None:
    """The busiest hexagons of the first half year are not those of the last one."""
    deals = rows.filter(pc.equal(rows.column("mode").cast(pa.string()), "street"))
    deals = deals.filter(pc.is_valid(deals.column("cell")))
    day = deals.column("day").to_numpy()
    cells = deals.column("cell").to_numpy()

    def busiest(part: np.ndarray) -> set[int]:
        found, counts = np.unique(cells[part], return_counts=True)
        return set(found[np.argsort(counts)[-100:]].tolist())

    first, last = busiest(day < np.datetime64("2024-12-01")), busiest(day >= np.datetime64("2025-12-01"))
    assert len(first & last) < 50


def test_the_input_columns_make_a_file_of_our_own_layout(rows: pa.Table) -> None:
    given = as_input(rows)
    assert given.column_names == list(INPUT_FIELDS)
    assert given.schema.field("occurred_at").type == pa.timestamp("us", tz="UTC")


def test_a_store_is_filled_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo, "CHUNK", 5_000)
    store = open_store(str(tmp_path / "demo.duckdb"))
    seen: list[tuple[int, int | None]] = []
    ledger = load_demo(store, events=12_000, seed=3, until=UNTIL, progress=lambda *given: seen.append(given))
    assert (ledger.lines, ledger.accepted, ledger.marking) == (12_000, 12_000, "demo")
    assert seen[-1] == (12_000, 12_000)
    assert [source.marking for source in store.sources(Viewer("national"))] == ["demo"]
    assert load_demo(store, events=12_000, seed=3, until=UNTIL).already_loaded
    more = load_demo(store, events=13_000, seed=3, until=UNTIL)
    assert (more.accepted, more.repeated) == (1_000, 12_000)
    query = Query(FIRST_DAY, UNTIL, territory=Territory("cross", "marseille"), resolution=8)
    assert np.nansum(store.counts_by_cell(query, Viewer("national")).incidents) > 200
    store.close()
