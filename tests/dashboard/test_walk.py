"""A walk through time, as the server sees it: facts by day, tiles at other dates, classes that last."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from urllib.parse import parse_qs

import numpy as np
import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from dashboard.cache import ByteCache
from dashboard.context import Context
from dashboard.hex_tiles import HexTiles
from dashboard.settings import Settings
from dashboard.view import View
from data.demo import load_demo
from data.geography import geography
from data.opening import open_store
from data.query import MOST_DAYS_BY_HOUR, Territory, Viewer
from data.store import Store
from layers.hexagons import decode
from tests.data.contract import batch, chunk, event

UNTIL = date(2026, 6, 1)
MARSEILLE = "territoire=cross:marseille"
TILE = "/hex/hexagones/9/263/187"
NIGHTS = "du=2026-04-06&au=2026-04-12&heures=22-6"
WEEK = {"du": "2026-04-06", "au": "2026-04-12"}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    opened = open_store(str(tmp_path_factory.mktemp("walk") / "demo.duckdb"))
    load_demo(opened, 20_000, seed=6, until=UNTIL)
    yield opened
    opened.close()


def client_of(store: Store, threshold: int = 0) -> TestClient:
    context = Context(Settings(threshold=threshold), store, geography(), ByteCache(2**22))
    return TestClient(Starlette(routes=HexTiles(context).routes()))


@pytest.fixture(scope="module")
def client(store: Store) -> TestClient:
    return client_of(store)


def view_of(query: str) -> View:
    """Of Marseille."""
    return View.from_params(parse_qs(f"{MARSEILLE}&{query}"))[0]


def key_of(client: TestClient, query: str) -> str:
    key: str = client.get(f"/hex?{query}").json()["key"]
    return key


def test_facts_of_each_day_are_the_store_s_whatever_the_dates(client: TestClient, store: Store) -> None:
    held = store.period(Viewer("local"))
    assert held is not None
    view = View(territory=Territory("cross", "marseille"), start=held[0], stop=UNTIL, drugs=frozenset({"cocaine"}))
    days = store.counts_by_day(replace(view, stop=date.fromordinal(held[1].toordinal() + 1)).query(), Viewer("local"))
    for dates in ("", "&du=2026-03-01&au=2026-03-02"):
        told = client.get("/hex/jours", params={"vue": key_of(client, f"{MARSEILLE}&produit=cocaine{dates}")}).json()
        assert told["first"] == held[0].isoformat()
        assert told["label"] == "Incidents"
        np.testing.assert_array_equal(told["counts"], days.incidents)
    assert sum(told["counts"]) > 0


def test_facts_of_each_hour_are_the_store_s_of_the_week(client: TestClient, store: Store) -> None:
    view = View(territory=Territory("cross", "marseille"), start=date(2026, 4, 6), stop=date(2026, 4, 13))
    expected = store.counts_by_hour(view.query(), Viewer("local")).incidents.ravel()
    for dates in ("du=2026-04-09&au=2026-04-09&heures=22-4&pas=heure", "du=2026-04-06&au=2026-05-12"):
        told = client.get("/hex/heures", params={"vue": key_of(client, f"{MARSEILLE}&{dates}")}).json()
        assert (told["first"], told["label"]) == ("2026-04-06", "Incidents")
        assert told["held"] == [day.isoformat() for day in store.period(Viewer("local")) or ()]
        np.testing.assert_array_equal(told["counts"], expected)
    assert len(expected) == 7 * 24
    assert expected.sum() > 0
    earliest = date.fromisoformat(told["held"][0])
    for day, first, days in ((earliest, earliest.isoformat(), 7 - earliest.weekday()), (UNTIL, None, 0)):
        week = client.get("/hex/heures", params={"vue": key_of(client, f"{MARSEILLE}&du={day}&au={day}")}).json()
        assert (week["first"], len(week["counts"])) == (first, 24 * days)  # nothing of days that are not held


def test_days_of_a_view_of_some_hours_are_those_around_it(client: TestClient, store: Store) -> None:
    told = client.get("/hex/jours", params={"vue": key_of(client, f"{MARSEILLE}&{NIGHTS}")}).json()
    first = date.fromisoformat(told["first"])
    assert len(told["counts"]) == MOST_DAYS_BY_HOUR
    assert first <= date(2026, 4, 6) <= first + timedelta(days=MOST_DAYS_BY_HOUR)
    query = replace(view_of(NIGHTS).query(), start=first, stop=first + timedelta(days=MOST_DAYS_BY_HOUR))
    np.testing.assert_array_equal(told["counts"], store.counts_by_day(query, Viewer("local")).incidents)


def test_a_tile_of_some_hours_holds_their_facts_alone(client: TestClient, store: Store) -> None:
    night = client.get(TILE, params={"vue": key_of(client, f"{MARSEILLE}&{NIGHTS}")})
    step = client.get(TILE, params={"vue": key_of(client, MARSEILLE), **WEEK, "heures": "22-6"})
    assert night.content == step.content
    header, columns = decode(night.content)
    expected = store.counts_by_cell(replace(view_of(NIGHTS).query(), resolution=header["resolution"]), Viewer("local"))
    found = dict(zip(columns["cell"].tolist(), columns["values"].tolist(), strict=True))
    here = np.isin(expected.cells, columns["cell"])
    assert expected.incidents[here].sum() > 0
    assert [found[cell] for cell in expected.cells[here].tolist()] == expected.incidents[here].tolist()
    assert sum(found.values()) == expected.incidents[here].sum()


def test_a_description_of_some_hours_names_them_and_counts_what_has_none(client: TestClient, store: Store) -> None:
    said = client.get(f"/hex?{MARSEILLE}&{NIGHTS}").json()
    assert said["period"] == "6–12 avr. 2026, de 22 h à 6 h"
    assert (said["hours"], said["days"], said["last_day"]) == ([22, 6], 7, "2026-04-13")
    unknown = store.counts_by_hour(view_of(NIGHTS).query(), Viewer("local")).without_hour
    notes = [note for note in said["notes"] if "sans heure connue" in note]
    assert [note.split()[0] for note in notes] == ([f"{unknown:.0f}"] if unknown else [])
    assert client.get(f"/hex?{MARSEILLE}").json()["hours"] is None


def test_facts_without_an_hour_are_counted_beside_it(tmp_path: Path) -> None:
    opened = open_store(str(tmp_path / "few.duckdb"))
    opened.set_memberships(geography().memberships())
    opened.load(batch("lot"), [chunk([event(n, hour=None if n < 3 else 23) for n in range(9)])])
    for threshold, said in ((0, "3 faits sans heure connue ne sont"), (5, "Quelques faits sans heure connue ne sont")):
        notes = client_of(opened, threshold).get("/hex?heures=22-6").json()["notes"]
        assert sum(note.startswith(said) for note in notes) == 1
    opened.close()


def test_a_measure_of_controls_counts_controls(client: TestClient) -> None:
    told = client.get("/hex/jours", params={"vue": key_of(client, f"{MARSEILLE}&mesure=rendement")}).json()
    assert told["label"] == "Contrôles"


def test_days_that_are_protected_are_unknown_not_zero(store: Store) -> None:
    client = client_of(store, threshold=5)
    counts = client.get("/hex/jours", params={"vue": key_of(client, MARSEILLE)}).json()["counts"]
    assert None in counts
    assert all(count is None or count == 0 or count >= 5 for count in counts)


def test_a_tile_at_other_dates_is_that_of_the_view_with_these_dates(client: TestClient) -> None:
    other = client.get(TILE, params={"vue": key_of(client, f"{MARSEILLE}&du=2026-01-01&au=2026-01-31"), **WEEK})
    dates = "&".join(f"{name}={day}" for name, day in WEEK.items())
    same = client.get(TILE, params={"vue": key_of(client, f"{MARSEILLE}&{dates}")})
    assert other.status_code == same.status_code == 200
    assert other.content == same.content


def test_classes_of_a_walk_are_those_of_every_step(client: TestClient) -> None:
    asked = {"resolution": "8", "fenetre": "7"}
    steps = [
        client.get("/hex/classes", params={"vue": key_of(client, f"{MARSEILLE}&du={first}&au={last}"), **asked}).json()
        for first, last in (("2026-01-05", "2026-01-11"), ("2026-04-06", "2026-04-12"))
    ]
    assert steps[0] == steps[1]
    assert steps[0]["classes"][-1]["label"].startswith("≥")
    hours = {"resolution": "8", "fenetre": "6h"}
    of_hours = [
        client.get(
            "/hex/classes", params={"vue": key_of(client, f"{MARSEILLE}&du={day}&heures=2-8&pas=heure"), **hours}
        )
        for day in ("2026-01-05", "2026-04-06")
    ]
    assert of_hours[0].json() == of_hours[1].json() != steps[0]
    alone = client.get("/hex/classes", params={"vue": key_of(client, MARSEILLE), "resolution": "8"}).json()
    assert alone["classes"] != steps[0]["classes"]  # three months count more than a week


@pytest.mark.parametrize(
    ("path", "given"),
    [
        (TILE, {"du": "hier"}),
        (TILE, {"au": "2026-02-30"}),
        (TILE, {"du": "<b>"}),
        (TILE, {"heures": "6"}),
        (TILE, {"du": "2025-01-01", "heures": "22-6"}),
        ("/hex/heures", {"heures": "25-3"}),
        ("/hex/jours", {"du": "0000-00-00"}),
        *(
            ("/hex/classes", {"resolution": "8", "fenetre": window})
            for window in ("0", "367", "-1", "", "²", "1e3", "9" * 400, "h", "0h", "25h", "-6h")
        ),
    ],
)
def test_dates_and_windows_that_are_none_are_refused_in_words(
    client: TestClient, path: str, given: dict[str, str]
) -> None:
    answer = client.get(path, params={"vue": key_of(client, MARSEILLE), **given})
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/json"
    assert len(json.loads(answer.content)["error"]) < 300


def test_the_address_keeps_the_step_and_drops_what_is_none() -> None:
    view, ignored = View.from_params({"pas": "semaine"})
    assert (view.step, view.to_params()["pas"], ignored) == ("semaine", "semaine", [])
    view, ignored = View.from_params({"pas": "siècle"})
    assert view.step is None
    assert len(ignored) == 1
    assert replace(view, step="mois").tile_address() == view.tile_address()
