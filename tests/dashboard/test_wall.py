"""What a wall is told: aggregates only, its marking, its alerts, and scenes that follow the store."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from dashboard.alert_file import Alert, acknowledge, set_alert
from dashboard.cache import ByteCache
from dashboard.context import Context
from dashboard.settings import Settings
from dashboard.wall import Wall, wall_marking
from dashboard.wall_scenes import change_of
from data.geography import geography
from data.ingest import load_file
from data.opening import open_store
from data.query import Territory, Viewer
from data.store import Source, Totals

HEADER = "source;source_event_id;family;kind;occurred_at;longitude;latitude;place_precision;checked;positive"
SCRIPT = """
mention = "internal"
[[scene]]
type = "carte"
territoire = "cross:marseille"
jours = 10
[[scene]]
type = "chiffres"
territoire = "cross:marseille"
jours = 10
[[scene]]
type = "courbe"
jours = 10
[[scene]]
type = "comparaison"
territoires = ["cross:marseille", "cross:lille", "france"]
jours = 10
[[scene]]
type = "texte"
titre = "<b>Consigne</b>"
texte = '''Premier
paragraphe.

Second.'''
"""
MARSEILLE = Territory("cross", "marseille")


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Context]:
    """Twenty incidents from 11 to 20 March 2026 in Marseille, ten before that, one control."""
    folder = tmp_path_factory.mktemp("wall")
    lines = [HEADER, "essai;c;control;road_check;2026-03-12T10:00;5.37;43.30;point;40;3"]
    for number in range(30):
        day = 1 + number if number < 10 else 11 + number % 10
        lines.append(f"essai;i{number};incident;seizure;2026-03-{day:02}T10:00;5.37;43.30;point;;")
    (folder / "a.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (folder / "essai.toml").write_text(SCRIPT, encoding="utf-8")
    store = open_store(str(folder / "wall.duckdb"))
    store.set_memberships(geography().memberships())
    load_file(store, folder / "a.csv")
    settings = Settings(walls=str(folder), alerts=str(folder / "alerts.json"))
    yield Context(settings, store, geography(), ByteCache(2**20))
    store.close()


@pytest.fixture(scope="module")
def client(context: Context) -> TestClient:
    return TestClient(Starlette(routes=Wall(context).routes()))


def scene(client: TestClient, number: int) -> dict[str, object]:
    answered = client.get(f"/mur/scene?script=essai&n={number}")
    assert answered.status_code == 200, answered.text
    return dict(answered.json())


def test_a_map_is_an_address_with_dates_that_follow_the_data(client: TestClient) -> None:
    said = scene(client, 0)
    assert said["query"] == {"territoire": "cross:marseille", "du": "2026-03-11", "au": "2026-03-20"}
    assert (said["title"], said["where"], said["period"]) == ("Incidents", "Marseille", "11–20 mars 2026")


def test_figures_say_whether_chance_explains_their_change(client: TestClient) -> None:
    """20 incidents against 10: p = 0.099, and from binom.test(20, 30) of R 0.472 / 0.528 to 0.827 / 0.173."""
    said = scene(client, 1)
    incidents, controls, _kg = said["figures"]  # type: ignore[misc]
    assert incidents == {
        "label": "Incidents",
        "value": "20",
        "behind": "+100 % sur la période précédente (−11 à +378 %)",
    }
    assert said["title"] == "Incidents : +100 %, le hasard peut l'expliquer"
    assert controls["behind"].startswith("7,50 % positifs (")


def test_a_change_from_nothing_or_of_protected_counts_is_not_told() -> None:
    none, some = (Totals(number, 0, 0, 0, 0, 0) for number in (0.0, 5.0))
    assert change_of(some, none, 7, 7) is None
    assert change_of(some, None, 7, 7) is None
    assert change_of(some, replace(some, incidents=float("nan")), 7, 7) is None
    assert change_of(some, some, 0, 7) is None


def test_a_period_of_which_half_has_come_is_compared_by_the_day() -> None:
    some = Totals(50, 0, 0, 0, 0, 0)
    change = change_of(some, replace(some, incidents=100), 15, 30)
    assert change is not None
    assert change.percent == "0 %"


def test_a_curve_has_a_value_for_each_day(client: TestClient) -> None:
    said = scene(client, 2)
    assert said["values"] == [2.0] * 10
    assert said["ends"] == ["11/03/2026", "20/03/2026"]


def test_territories_are_compared_in_the_order_of_the_script(client: TestClient) -> None:
    said = scene(client, 3)
    rows = said["rows"]
    assert [row["name"] for row in rows] == ["Marseille", "Lille", "France"]  # type: ignore[attr-defined]
    assert rows[0]["high"] == 1.0  # type: ignore[index]
    assert rows[1]["value"] == "0"  # type: ignore[index]
    assert rows[1]["low"] == 0.0  # type: ignore[index]


def test_a_text_is_what_the_script_says_and_no_markup(client: TestClient) -> None:
    said = scene(client, 4)
    assert (said["title"], said["paragraphs"]) == ("<b>Consigne</b>", ["Premier paragraphe.", "Second."])


def test_whoever_looks_a_wall_sees_aggregates_only(context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Viewer] = []
    totals = context.store.totals
    monkeypatch.setattr(context.store, "totals", lambda query, viewer: asked.append(viewer) or totals(query, viewer))
    client = TestClient(Starlette(routes=Wall(replace(context, answers=ByteCache(2**20))).routes()))
    assert context.settings.role == "national"
    scene(client, 1)
    key = client.get("/mur/hex?territoire=cross:marseille").json()["key"]
    _view, viewer = context.tokens.read(key)
    assert [one.role for one in (*asked, viewer)] == ["wall"] * (len(asked) + 1)
    assert not any(one.sees_events for one in (*asked, viewer))


def test_small_counts_are_protected_on_a_wall_too(context: Context) -> None:
    settings = replace(context.settings, threshold=50)
    client = TestClient(Starlette(routes=Wall(replace(context, settings=settings, answers=ByteCache(2**20))).routes()))
    assert scene(client, 1)["figures"][0]["value"] == "protégé"  # type: ignore[index]
    assert scene(client, 2)["values"] == [None] * 10
    assert scene(client, 3)["rows"][0]["value"] == "protégé"  # type: ignore[index]


def test_the_state_has_marking_ages_and_alerts(context: Context, client: TestClient) -> None:
    alerts = Path(context.settings.alerts)
    before = client.get("/mur/etat?script=essai").json()
    assert before["marking"] == {"code": "internal", "label": "Usage interne"}
    assert [(one["first_day"], one["last_day"]) for one in before["sources"]] == [("2026-03-01", "2026-03-20")]
    assert before["alerts"] == []
    set_alert(alerts, Alert(MARSEILLE, "incidents", 7, 10))
    [alert] = client.get("/mur/etat?script=essai").json()["alerts"]
    assert alert["text"].startswith("Marseille : 14 incidents (14–20 mars 2026)")
    acknowledge(alerts, "cross:marseille incidents 7", date(2026, 3, 20), "vu")
    assert client.get("/mur/etat?script=essai").json()["alerts"] == []
    alerts.write_text("{", encoding="utf-8")
    [fault] = client.get("/mur/etat?script=essai").json()["alerts"]
    assert "ne peut être lu" in fault["text"]
    alerts.unlink()


def source(marking: str) -> Source:
    return Source("s", marking, 1, 0, date(2026, 1, 1), date(2026, 1, 2), datetime(2026, 1, 3, tzinfo=UTC))


@pytest.mark.parametrize(
    ("markings", "of_script", "expected"),
    [
        (["public"], None, ("public", "Public")),
        (["public", "restricted"], "internal", ("restricted", "Diffusion Restreinte")),
        (["demo"], "restricted", ("restricted", "Diffusion Restreinte · Données de démonstration")),
        (["public", ""], "restricted", None),
        (["secret"], None, None),
        ([], None, None),
        ([], "internal", ("internal", "Usage interne")),
    ],
)
def test_the_highest_mention_stands_or_nothing_is_shown(
    markings: list[str], of_script: str | None, expected: tuple[str, str] | None
) -> None:
    found = wall_marking([source(marking) for marking in markings], of_script)
    assert (found and (found["code"], found["label"])) == expected


def test_a_script_is_read_again_when_it_was_written(context: Context, client: TestClient, tmp_path: Path) -> None:
    path = Path(context.settings.walls) / "neuf.toml"
    path.write_text('[[scene]]\ntype = "texte"\ntexte = "un"\n', encoding="utf-8")
    first = client.get("/mur/script?script=neuf").json()["digest"]
    assert client.get("/mur/etat?script=neuf").json()["digest"] == first
    path.write_text('[[scene]]\ntype = "texte"\ntexte = "deux"\n', encoding="utf-8")
    os.utime(path, ns=(1, 1))
    assert client.get("/mur/etat?script=neuf").json()["digest"] != first
    path.write_text('[[scene]]\ntype = "film"\n', encoding="utf-8")
    refused = client.get("/mur/etat?script=neuf")
    assert (refused.status_code, "ligne 2, scène 1" in refused.json()["error"]) == (422, True)
    assert client.get("/mur").text.count("ligne 2, scène 1") == 1
    path.unlink()
    assert client.get("/mur/script?script=neuf").status_code == 404


@pytest.mark.parametrize("number", ["", "-1", "5", "1e9", "9" * 400, "²"])
def test_a_scene_that_is_none_is_refused(client: TestClient, number: str) -> None:
    answered = client.get("/mur/scene", params={"script": "essai", "n": number})
    assert answered.status_code == 422
    assert "attendu un nombre de 0 à 4" in answered.json()["error"]


def test_pages_hold_no_script_and_no_markup_of_others(client: TestClient) -> None:
    page = client.get("/mur", params={"script": "</script><b>"}).text
    assert "<b>" not in page
    frame, script = client.get("/mur/carte").text, client.get("/mur/carte.js").text
    assert all(
        'src="' in tag or 'type="application/json"' in tag
        for text in (page, frame)
        for tag in text.split("<script")[1:]
    )
    assert 'id="map_mur"' in frame
    assert "var map_mur = L.map(" in script
    assert '"url": "/mur/hex"' in script
