"""The Routes page's figures from invented seizures in both stores, each against the seizures themselves."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from dashboard import corridor_tables as tables
from dashboard.cache import ByteCache
from dashboard.context import Context, viewer_of
from dashboard.corridor_facts import EUROPE, Routed, months_of, read_routed
from dashboard.corridor_geography import EntryPoints, world
from dashboard.corridor_limits import limits, refused_weights
from dashboard.corridor_map import corridor_map, corridor_map_json, kept_entry_points, key_of, number_of
from dashboard.corridor_panel import who_faces
from dashboard.corridor_sankey import chart, diagram, flow_table, flows
from dashboard.corridor_view import AGAINST, DRAWN, CorridorView, month_of
from dashboard.corridor_words import ORIGINS, TOWARD, WEIGHTS
from dashboard.corridors import Shown, network_of, shown_corridors
from dashboard.settings import Settings
from dashboard.view import View
from data.errors import ForbiddenError
from data.geography import geography
from data.schema import REFUSAL_SCHEMA
from data.store import Chunk, Store
from geo.corridors import Ends
from tests.data.contract import STORES, Row, batch, chunk, event, memberships
from tests.data.contract import table as arrow

FIRST = date(2024, 1, 1)
ENDS = (None, "BR", "CO", "ES", "FR", "NL", "PF")
MADRID, MARSEILLE, SVILENGRAD = (-3.57, 40.47), (5.35, 43.32), (26.2, 41.77)
NOWHERE = {"commune": None, "departement": None, "place_precision": "country"}
HOSTILE = "</script><img src=x>"


def draw_seizures() -> list[Row]:
    """Every combination of ends, some months of two years, drugs, modes and weights."""
    return [
        event(
            number,
            **NOWHERE,
            day=FIRST + timedelta(days=(number * 53) % 720),
            country=("ES", "EC", "CO", None)[number % 4],
            departure_country=ENDS[number % 7],
            destination_country=ENDS[number // 7 % 7],
            producing_country=("CO", None)[number // 3 % 2],
            transit_country=(None, None, "PT")[number % 3],
            drug=(None, "cocaine", "heroin")[number % 3],
            mode=(None, "air", "sea", "road", "post")[number % 5],
            quantity_kg=None if number % 4 == 0 else float(number) / 8,
        )
        for number in range(420)
    ]


def entering(identifier: str, place: tuple[float, float], mode: str | None, **given: Any) -> Row:
    lng, lat = place
    said = {**NOWHERE, "longitude": lng, "latitude": lat, "place_precision": "commune", "mode": mode, "country": "ES"}
    return event(identifier, **{**said, "departure_country": "BR", "quantity_kg": 2.0, **given})


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    entered = [entering(f"madrid{n}", MADRID, "air", destination_country="ES") for n in range(3)]
    return [
        *draw_seizures(),
        *entered,
        entering("marseille", MARSEILLE, "sea", country="FR"),
        entering("kapitan", SVILENGRAD, "road", country="BG", departure_country="TR"),
        entering("far", (-30.0, 40.0), "sea"),
        entering("unsaid", MADRID, None),
        entering("inside", MADRID, "air", departure_country="PT"),
        event("control", family="control", kind="air_check", departure_country="BR", destination_country="FR"),
    ]


@pytest.fixture(scope="module", params=list(STORES))
def held(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, rows: list[Row]
) -> Iterator[Context]:
    store = STORES[request.param](tmp_path_factory.mktemp("routes"))
    store.set_memberships(memberships())
    refused = [{"line": 9, "field": "quantity_kg", "given": given, "reason": "{given}", "expected": ""}
               for given in ("4500000", HOSTILE)]  # fmt: skip
    store.load(batch("lot"), [Chunk(lines=len(rows) + 1, events=arrow(rows), refusals=_refusals(refused))])
    yield Context(Settings(store=""), store, geography(), ByteCache(2**20))
    store.close()


def _refusals(refused: list[dict[str, Any]]) -> Any:
    import pyarrow as pa

    return pa.Table.from_pylist(refused, schema=REFUSAL_SCHEMA)


@pytest.fixture(scope="module")
def kept(held: Context) -> Routed:
    return read_routed(held)(viewer_of(held.settings))


def shown_of(held: Context, kept: Routed, view: CorridorView) -> Shown:
    shown = shown_corridors(held, kept, view)
    assert shown is not None
    return shown


def points_of(held: Context, kept: Routed, view: CorridorView) -> EntryPoints:
    return kept_entry_points(held, kept, view, shown_of(held, kept, view))


def wanted(rows: list[Row], view: CorridorView) -> Iterator[tuple[str, Row]]:
    """The seizures of a view with the key of their corridor, one by one."""
    start, stop = {
        "": ("departure_country", "destination_country"),
        "depart": ("departure_country", "destination_country"),
        "arrivee": ("departure_country", "country"),
        "production": ("producing_country", "destination_country"),
        "saisie": ("country", "destination_country"),
    }[view.origin]
    for row in rows:
        origin, destination = row[start], row[stop]
        if row["kind"] != "seizure" or not origin or not destination or origin == destination:
            continue
        if view.toward == "europe" and (destination not in EUROPE or origin in EUROPE):
            continue
        if view.toward == "france" and destination != "FR":
            continue
        if view.dates.drugs and row["drug"] not in view.dates.drugs:
            continue
        if view.dates.modes and row["mode"] not in view.dates.modes:
            continue
        if view.dates.start and not view.dates.start <= row["day"] < (view.dates.stop or date.max):
            continue
        yield f"{origin}-{destination}-{row['mode'] or ''}", row


VIEWS = [
    CorridorView(toward=toward, origin=origin, weight=weight)
    for toward in TOWARD
    for origin in ORIGINS
    for weight in WEIGHTS
] + [
    CorridorView(dates=View(drugs=frozenset({"cocaine"}), modes=frozenset({"air", "sea"})), toward="monde"),
    CorridorView(dates=View(start=date(2024, 3, 1), stop=date(2025, 2, 1)), toward="monde", against="an"),
]  # fmt: skip


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: "&".join(view.to_params().values()))
def test_totals_of_corridors_equal_their_seizures(
    held: Context, kept: Routed, rows: list[Row], view: CorridorView
) -> None:
    shown = shown_of(held, kept, view)
    found = shown.corridors
    expected = list(wanted(rows, view))
    assert dict(zip(shown.keys, found.seizures.tolist(), strict=True)) == Counter(key for key, _row in expected)
    for at, key in enumerate(shown.keys):
        weights = [row["quantity_kg"] for of, row in expected if of == key and row["quantity_kg"] is not None]
        assert found.weighed[at] == len(weights)
        assert found.kg[at] == pytest.approx(sum(weights)) if weights else np.isnan(found.kg[at])
    assert shown.amount.tolist() == pytest.approx(
        (found.kg if view.weight == "kg" else found.seizures).tolist(), nan_ok=True
    )
    known = shown.amount[~np.isnan(shown.amount)]
    assert known.tolist() == sorted(known, reverse=True)
    assert not np.isnan(shown.amount[: len(known)]).any()


def test_every_seizure_is_counted_somewhere(held: Context, kept: Routed, rows: list[Row]) -> None:
    shown = shown_of(held, kept, CorridorView())
    seizures = [row for row in rows if row["kind"] == "seizure"]
    assert sum(shown.ends.values()) == len(seizures)
    ends = Counter((row["departure_country"], row["destination_country"]) for row in seizures)
    assert shown.ends[Ends.SAME] == sum(n for (a, b), n in ends.items() if a and a == b)
    assert shown.ends[Ends.NEITHER] == ends[None, None]
    assert shown.ends[Ends.TWO] == int(shown.corridors.seizures.sum()) + shown.elsewhere


def test_the_period_compared_with_is_counted_alike_and_unknown_where_nothing_was_loaded(
    held: Context, kept: Routed, rows: list[Row]
) -> None:
    dates = View(start=date(2025, 1, 1), stop=date(2025, 7, 1))
    view = CorridorView(dates=dates, toward="monde", against="avant")
    before = shown_of(held, kept, view).before
    assert before is not None
    assert before.months == (month_of(date(2024, 7, 1)), month_of(date(2024, 12, 1)))
    then = Counter(
        key for key, _row in wanted(rows, replace(view, dates=View(start=date(2024, 7, 1), stop=date(2025, 1, 1))))
    )
    keys = shown_of(held, kept, view).keys
    assert before.seizures.tolist() == [then[key] for key in keys]
    assert before.gone == len(then.keys() - set(keys))
    early = shown_of(held, kept, replace(view, dates=View(start=date(2024, 1, 1), stop=date(2024, 3, 1)))).before
    assert early is not None
    assert not early.covered
    assert set(early.comparison.verdict.tolist()) == {0}
    table = tables.corridor_frame(kept, world(held.geography)[0], view, shown_of(held, kept, view))
    assert len(table) == len(keys)


def test_entry_points_are_those_of_what_came_from_outside(held: Context, kept: Routed) -> None:
    points = points_of(held, kept, CorridorView())
    found = dict(zip(points.keys, points.seizures.tolist(), strict=True))
    assert found["air:MAD"] == 3
    assert found["terre:TR-BG"] == 1
    [port] = [name for key, name in zip(points.keys, points.names, strict=True) if key.startswith("port:")]
    assert port == "Marseille"
    assert len(found) == 3  # not that of the middle of the sea, nor of an unsaid mode
    in_europe = [row for row in draw_seizures() if row["country"] == "ES"]
    came = [row for row in in_europe if (row["departure_country"] or row["producing_country"] or "ES") not in EUROPE]
    assert points.without == len(came) + 2


def test_a_french_entry_point_is_faced_by_its_own_antenna_and_a_foreign_one_by_the_nearest(held: Context) -> None:
    inside = who_faces(held.geography, "antenna", *MARSEILLE)
    assert inside is not None
    assert (held.geography.name(inside[0]), inside[1]) == ("Marseille", None)
    abroad = who_faces(held.geography, "antenna", 2.08, 41.30)  # Barcelona
    assert abroad is not None
    assert held.geography.name(abroad[0]) == "Marseille"
    assert abroad[1] == pytest.approx(350, abs=10)  # to the Vieux-Port, as the crow flies


def test_the_map_has_all_that_its_legend_counts(held: Context, kept: Routed) -> None:
    view = CorridorView(toward="monde", against="an", drawn="tout")
    drawn = corridor_map(held, kept, view, shown_of(held, kept, view))
    assert {part["kind"] for part in drawn["legend"]} == {"width", "trend", "mode", "sure", "entry"}
    for part in drawn["legend"]:
        counted = len(drawn["entries"] if part["kind"] == "entry" else drawn["lines"])
        assert sum(row["count"] for row in part["rows"]) == counted
    for line in drawn["lines"]:
        assert 1 <= line["step"] <= 5
        assert line["parts"]
        for part in line["parts"]:
            points = np.array(part).reshape(-1, 2)
            assert np.abs(points).max() <= 180
            assert np.abs(np.diff(points[:, 0])).max() < 180
    to_tahiti = next(line for line in drawn["lines"] if line["key"] == "FR-PF-sea")
    assert shapely.MultiLineString([np.array(p).reshape(-1, 2) for p in to_tahiti["parts"]]).length > 100
    assert [line["step"] for line in drawn["lines"]] == sorted(line["step"] for line in drawn["lines"])
    assert json.loads(corridor_map_json(held, view)) == json.loads(json.dumps(drawn))
    keys = [line["key"] for line in drawn["lines"]]
    assert all(key_of(number_of(key), keys) == key for key in keys)
    assert key_of(12, keys) == ""


def test_columns_of_the_diagram_hold_the_same_seizures(held: Context, kept: Routed) -> None:
    view = CorridorView(toward="monde")
    shown = shown_of(held, kept, view)
    columns, amounts = flows(kept, shown, view)
    assert amounts.sum() == shown.corridors.seizures.sum()
    drawn = diagram(kept, shown, view)
    for at in range(4):
        assert sum(bar.amount for bar in drawn.bars if bar.column == at) == amounts.sum()
        assert len(np.unique(columns[at])) <= 11
    countries, _ways = world(held.geography)
    table = flow_table(kept, countries, drawn, view)
    assert table["Saisies"].sum() == 3 * amounts.sum()
    assert "layer" in chart(kept, countries, drawn, view, "dark").to_dict()


def test_roles_are_of_the_countries_of_the_corridors(held: Context, kept: Routed) -> None:
    view = CorridorView()
    shown = shown_of(held, kept, view)
    table = tables.role_frame(kept, world(held.geography)[0], network_of(held, kept, view, shown))
    role = table.set_index("Pays")["Rôle"]
    assert (role["Colombie"], role["Brésil"], role["Espagne"]) == ("Départ", "Rebond", "Arrivée")
    assert table["Passage, %"].between(0, 100).all()


def test_what_the_data_do_not_say_is_counted_from_them(held: Context, kept: Routed, rows: list[Row]) -> None:
    countries, _ways = world(held.geography)
    said = " ".join(limits(kept, countries))
    seizures = [row for row in rows if row["kind"] == "seizure"]
    [(largest, number)] = Counter(row["country"] for row in seizures if row["country"]).most_common(1)
    assert f"{countries.name(largest)} : {number} des {len(seizures)} saisies déclarées" in said
    bound = Counter(row["destination_country"] for row in seizures)["NL"]
    assert f"Pays-Bas : 0 saisies déclarées, alors que {bound} étaient destinées" in said
    assert "Le cannabis est absent, ou presque : 0 saisies" in said
    assert "4\u202f500\u202f000 kg" in refused_weights(held.store, viewer_of(held.settings))


def test_those_who_see_no_fact_see_no_corridor(held: Context) -> None:
    viewer = replace(viewer_of(held.settings), sees_events=False)
    with pytest.raises(ForbiddenError):
        read_routed(held)(viewer)


def test_a_store_without_any_route_has_no_corridor(tmp_path: Path) -> None:
    store: Store = STORES["duckdb"](tmp_path)
    store.load(batch("lot"), [chunk([event(1)])])
    held = Context(Settings(store=""), store, geography(), ByteCache(2**20))
    kept = read_routed(held)(viewer_of(held.settings))
    assert kept.months is None
    assert shown_corridors(held, kept, CorridorView()) is None
    assert json.loads(corridor_map_json(held, CorridorView()))["lines"] == []
    store.close()


ADDRESSES = st.builds(
    CorridorView,
    dates=st.builds(
        View, drugs=st.frozensets(st.sampled_from(["cocaine", "khat"])), language=st.sampled_from([None, "en"])
    ),
    toward=st.sampled_from(list(TOWARD)),
    origin=st.sampled_from(list(ORIGINS)),
    weight=st.sampled_from(list(WEIGHTS)),
    against=st.sampled_from(list(AGAINST)),
    drawn=st.sampled_from(list(DRAWN)),
    chosen=st.sampled_from(["", "CO-ES-air", "CO-ES-"]),
    entry=st.sampled_from(["", "air:MAD", "terre:TR-BG"]),
)


@given(ADDRESSES)
def test_an_address_is_read_as_it_was_written(view: CorridorView) -> None:
    assert CorridorView.from_params(dict(view.to_params())) == (view, [])


@pytest.mark.parametrize(
    "given",
    [
        {"vers": "lune"}, {"origine": "x" * 500}, {"poids": "kg,saisies"}, {"contre": HOSTILE}, {"liaisons": "-1"},
        {"liaison": "FR-FR"}, {"liaison": HOSTILE}, {"entree": "air:'; DROP"}, {"produit": "eau"},
    ],
)  # fmt: skip
def test_an_address_with_garbage_is_said_and_the_rest_is_kept(given: dict[str, str]) -> None:
    view, ignored = CorridorView.from_params({**given, "mode": "sea"})
    assert len(ignored) == 1
    assert view == CorridorView(dates=View(modes=frozenset({"sea"})))


@pytest.mark.parametrize(
    ("start", "stop"),
    [
        (date(1900, 1, 1), date(2199, 12, 31)), (date(2024, 5, 3), date(2024, 5, 4)), (date(2150, 1, 1), None),
        (None, date(1950, 1, 1)),
    ],
)  # fmt: skip
def test_any_period_is_some_whole_months(start: date | None, stop: date | None, held: Context, kept: Routed) -> None:
    view = CorridorView(dates=View(start=start, stop=stop))
    assert kept.months is not None
    first, last = months_of(view, kept.months)
    assert first <= last
    assert shown_of(held, kept, view).months == (first, last)
