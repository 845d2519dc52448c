"""What stands beside the map, over facts counted by hand, alike from both stores; statistics by another library."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from html import unescape
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import binomtest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from dashboard.alert_file import Alert, acknowledge, set_alert
from dashboard.beside import live_parts
from dashboard.cache import ByteCache
from dashboard.changes import LAST_YEAR, PREVIOUS, changes_of, covered_days, other_periods, others, signed, sums_of
from dashboard.context import Context
from dashboard.control_part import control_parts
from dashboard.drill import crumbs, crumbs_html, parent
from dashboard.figures import daily_sentence, key_figures, known_days
from dashboard.parts import PARTS
from dashboard.recall import Reading
from dashboard.routes import routes
from dashboard.settings import Settings
from dashboard.silence_part import watched
from dashboard.view import View
from data.geography import geography
from data.opening import open_store
from data.query import Query, Territory, Viewer
from geo.cells import cells_at
from tests import page_elements
from tests.data.contract import Row, batch, chunk, event
from tests.postgres import new_store_url

FIRST, LAST = date(2025, 9, 1), date(2026, 3, 31)
MARCH = View(start=date(2026, 3, 1), stop=date(2026, 4, 1))
NOW = datetime(2026, 4, 5, 12, tzinfo=UTC)
NATIONAL = Viewer("essai")
MARSEILLE = Territory("cross", "marseille")
HOSTILE = 'x"><img src=y onerror=alert(1)>'
OF_MARSEILLE = {"commune": "13055", "departement": "13", "longitude": 5.37, "latitude": 43.30, "service": "police"}
OF_LYON = {"commune": "69123", "departement": "69", "longitude": 4.83, "latitude": 45.76, "service": "customs"}


def facts() -> list[Row]:
    """Every day an incident in Marseille, two in March; in Lyon one a day until 21 March; controls until 11 March."""
    rows = []

    def add(day: date, hour: int, place: dict[str, object], **given: object) -> None:
        at = datetime.combine(day, time(hour - 2))  # UTC, in summer
        when = {"day": day, "hour": hour, "occurred_at": at, "occurred_precision": "minute", "place_precision": "point"}
        rows.append(event(f"{len(rows)}{HOSTILE}", **when, **place, **given))

    for n in range((LAST - FIRST).days + 1):
        day = FIRST + timedelta(days=n)
        for _ in range(2 if day >= date(2026, 3, 1) else 1):
            add(day, 22, OF_MARSEILLE)
        if day <= date(2026, 3, 21):
            add(day, 10, OF_LYON, quantity_kg=2.0)
        if day <= date(2026, 3, 11):
            add(day, 9, OF_MARSEILLE | {"service": "gendarmerie"}, family="control", kind="road_check", checked=40)
    return rows


@pytest.fixture(scope="module", params=["duckdb", "postgis"])
def held(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Context]:
    folder = tmp_path_factory.mktemp("situation")
    store = open_store(str(folder / "a.duckdb") if request.param == "duckdb" else new_store_url())
    store.set_memberships(geography().memberships())
    store.load(batch("essai"), [chunk(facts())])
    opened = Context(Settings(alerts=str(folder / "alerts.json")), store, geography(), ByteCache(2**20))
    yield opened
    opened.close()


def text_of(html: str) -> str:
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", html))).strip()


def part(held: Context, name: str, view: View, viewer: Viewer = NATIONAL) -> str:
    return PARTS[name](held, viewer, view)[name]


def march_with_others(held: Context, view: View = MARCH) -> tuple[list[str], list[bool]]:
    compared = others(held, NATIONAL, view, Reading(held.recall), NOW)
    changes = changes_of(held.totals(view.query(), NATIONAL).incidents, compared, "incidents")
    return [change.text for change in changes], [change.beyond_chance for change in changes]


# ── Changes ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def percents(first: int, second: int) -> tuple[int, int]:
    """Clopper-Pearson's interval of the ratio of two counts over the same time, as changes in percent, by scipy."""
    found = binomtest(first, first + second, 0.5).proportion_ci(0.95, "exact")
    return tuple(round(100 * (share / (1 - share) - 1)) for share in (found.low, found.high))  # type: ignore[return-value]


def test_changes_are_told_with_their_interval_and_whether_chance_explains_them(held: Context) -> None:
    compared = others(held, NATIONAL, MARCH, Reading(held.recall), NOW)
    totals = held.totals(MARCH.query(), NATIONAL)
    assert (totals.incidents, totals.controls) == (62 + 21, 11)
    low, high = percents(83, 62)
    assert binomtest(83, 145, 0.5).pvalue > 0.05
    [before, last_year] = changes_of(totals.incidents, compared, "incidents")
    assert before.text == (
        "34 % de plus que la période précédente ; le hasard suffit à l'expliquer :"
        f" intervalle {signed(low)} à {signed(high)} %"
    )
    assert last_year.text == "Pas de comparaison avec l'an dernier : données à partir du 01/09/2025 seulement."
    long_ago = replace(MARCH, start=date(1990, 3, 1), stop=date(1990, 4, 1))
    uncovered, _ = march_with_others(held, long_ago)
    assert uncovered[0] == (
        "Pas de comparaison avec la période précédente : aucune source ne couvre la période affichée."
    )
    low, high = percents(11, 31)
    [before, _] = changes_of(totals.controls, compared, "controls")
    assert before.text == (
        f"65 % de moins que la période précédente, au-delà du hasard : intervalle {signed(low)} à {signed(high)} %"
    )
    assert before.beyond_chance
    assert sums_of(compared, "kg", str) == "la période précédente : 62.0"
    shown = key_figures(totals, np.nan, compared)
    assert [len(figure.changes) for figure in shown] == [2, 2, 0, 0]


def test_no_fact_then_and_now_are_no_ratio(held: Context) -> None:
    nothing = replace(MARCH, drugs=frozenset({"khat"}))
    assert march_with_others(held, nothing)[0][0] == "Aucun non plus la période précédente."
    silent = View(Territory("cross", "lyon"), date(2026, 3, 22), date(2026, 4, 1))
    [text, _] = march_with_others(held, silent)[0]
    assert text.startswith("100 % de moins que la période précédente, au-delà du hasard : intervalle −100 à −")


def test_days_that_have_not_come_are_no_quiet_days(held: Context) -> None:
    """The same rate over half of the days is no halving."""
    view = View(MARSEILLE, date(2026, 3, 17), date(2026, 4, 16), families=frozenset({"incident"}))
    [text, *_] = march_with_others(held, view)[0]
    assert text.startswith("30 % de plus que la période précédente")  # 30 in 15 days, 14 + 32 in the 30 before
    assert covered_days(view, LAST, NOW) == 15
    midday = datetime(2026, 3, 31, 10, tzinfo=UTC)  # noon in Paris
    assert covered_days(view, LAST, midday) == 14.5


@pytest.mark.parametrize(
    ("start", "stop", "periods"),
    [
        (date(2026, 3, 1), date(2026, 4, 1), {PREVIOUS: (date(2026, 1, 29), date(2026, 3, 1)),
                                              LAST_YEAR: (date(2025, 3, 1), date(2025, 4, 1))}),
        (date(2024, 2, 29), date(2024, 3, 1), {PREVIOUS: (date(2024, 2, 28), date(2024, 2, 29)),
                                               LAST_YEAR: (date(2023, 2, 28), date(2023, 3, 1))}),
        (date(2025, 4, 1), date(2026, 4, 1), {LAST_YEAR: (date(2024, 4, 1), date(2025, 4, 1))}),
        (date(2023, 1, 1), date(2026, 1, 1), {PREVIOUS: (date(2020, 1, 1), date(2023, 1, 1))}),
        (date(1900, 1, 1), date(2200, 1, 1), {PREVIOUS: (date(1600, 1, 1), date(1900, 1, 1))}),
    ],
)  # fmt: skip
def test_other_periods_are_those_that_mean_something(start: date, stop: date, periods: dict[str, object]) -> None:
    found = other_periods(View(start=start, stop=stop))
    assert list(found) == list(periods)
    if start.year > 1900:
        assert {name: (view.start, view.stop) for name, view in found.items()} == periods


def test_a_period_before_the_calendar_is_no_error(held: Context) -> None:
    view = View(start=date(1900, 1, 1), stop=date(2200, 1, 1))
    assert march_with_others(held, view)[1] == [False]


# ── Where, when, who is silent ───────────────────────────────────────────────────────────────────────────────────────


def test_antennas_beyond_chance_come_first(held: Context) -> None:
    html = part(held, "where", MARCH)
    rows = [text_of(row) for row in re.findall(r"<tr>(.*?)</tr>", html)]
    assert rows[1] == "Marseille 62 11 +100 % au-delà du hasard"
    assert "Lyon 21 0 −32 %" in rows
    tested = len(held.store.counts_by_territory("antenna", MARCH.query(), NATIONAL).codes)
    assert text_of(html).endswith(f"1 sur {tested} au-delà du hasard, tous testés ensemble (Holm).")
    assert 'data-go="territoire=antenna:marseille&amp;hexagone=&amp;resolution="' in html
    assert 'href="?territoire=antenna:marseille&amp;du=2026-03-01&amp;au=2026-03-31"' in html


def test_an_antenna_leads_to_its_cross_and_a_cross_to_its_hexagons(held: Context) -> None:
    html = part(held, "where", replace(MARCH, territory=Territory("antenna", "marseille")))
    assert "territoire=cross:marseille" in html
    assert "cross:lyon" not in html
    hexagons = part(held, "where", replace(MARCH, territory=MARSEILLE))
    assert re.findall(r"data-go=\"hexagone=88[0-9a-f]{13}\"", hexagons)
    assert text_of(hexagons).endswith("1 hexagone sur 1 qui a des incidents. Aucun de ceux-ci n’est sans contrôle.")
    empty = part(held, "where", replace(MARCH, territory=MARSEILLE, drugs=frozenset({"khat"})))
    assert text_of(empty) == "Aucun incident dans un hexagone pour ces filtres."


@pytest.mark.parametrize("territory", [Territory("antenna", "marseille"), MARSEILLE], ids=["antenna", "cross"])
def test_lists_leave_out_what_a_viewer_sees_in_part_and_say_so(held: Context, territory: Territory) -> None:
    """A part of an antenna's facts would pass for all of them, and of none for zero, or for never checked."""
    viewer = Viewer("cheffe", "antenna" if territory.kind == "antenna" else "cross", frozenset({territory}))
    mine = territory.kind == "antenna"
    known = len(held.geography.touching("antenna", None))  # made of communes
    said = f"{known - mine} territoires sont hors de vos droits, et ne sont pas montrés."
    where = text_of(part(held, "where", MARCH, viewer))
    shown = control_parts(held, viewer, MARCH, Reading(held.recall))
    matrix = text_of(shown["matrix"])
    assert said in where
    assert said in matrix
    assert ("Marseille" in where, "Lyon" in where) == ("Marseille" in matrix, "Lyon" in matrix) == (mine, False)
    assert ("62" in where) == mine
    assert "hors de vos droits" not in part(held, "where", MARCH)
    assert "hors de vos droits" not in control_parts(held, NATIONAL, MARCH, Reading(held.recall))["matrix"]


def test_figures_of_a_part_are_not_those_of_the_whole(held: Context) -> None:
    viewer = Viewer("cheffe", "cross", frozenset({MARSEILLE}))

    def parts(territory: Territory | None, viewer: Viewer = viewer) -> tuple[str, str]:
        view = replace(MARCH, territory=territory)
        shown = live_parts(held, viewer, view, Reading(held.recall))
        return text_of(shown["figures"]), text_of(shown["missing"])

    figures, note = parts(MARSEILLE)
    assert ("Incidents 62" in figures, "pour 100 000" in figures, note) == (True, True, "")
    figures, note = parts(None)
    assert ("Incidents 62" in figures, "pour 100 000" in figures) == (True, False)  # Marseille's, by no population
    assert note == "Ces chiffres sont ceux des territoires que vous voyez, et non de toute la France."
    for territory in (Territory("departement", "13"), Territory("antenna", "lyon")):
        figures, note = parts(territory)
        assert figures.startswith("Incidents —")
        assert not re.search("[0-9]", figures)
        assert "est hors de vos droits" in note
        assert "droits" not in parts(territory, NATIONAL)[1]


def test_territories_lead_up_to_france(held: Context) -> None:
    known = held.geography
    assert [step.name for step in crumbs(known, MARSEILLE)] == ["France", "Antenne Marseille", "CROSS Marseille"]
    assert [step.name for step in crumbs(known, None)] == ["France"]
    for cross in known.lists.cross:
        above = parent(known, Territory("cross", cross.code))
        assert above is not None
        assert above.kind == "antenna"
    before, after = crumbs_html(held, replace(MARCH, territory=MARSEILLE, cell=0x881F9A8C5DFFFFF))
    assert text_of(before) == "France Antenne Marseille"
    assert "libérer" in after


def test_the_rhythm_says_when_and_hides_what_is_few(held: Context) -> None:
    text = text_of(part(held, "rhythm", MARCH))
    assert "Le plus d'incidents : lundi de 22 h à 23 h (2,00 par heure en moyenne)." in text
    assert "Du 01/03/2026 au 31/03/2026, heures légales du lieu." in text
    table = re.search(r"22 h ((?:\d+ ?){7})", text)
    assert table is not None
    assert [int(n) for n in table[1].split()] == [10, 10, 8, 8, 8, 8, 10]  # March 2026 begins and ends on these days
    assert "protégé" in part(held, "rhythm", MARCH, replace(NATIONAL, threshold=5))
    assert "Aucun incident" in part(held, "rhythm", replace(MARCH, drugs=frozenset({"khat"})))
    assert "Aucun jour de cette période" in part(held, "rhythm", View(start=date(2027, 1, 1), stop=date(2027, 2, 1)))


def test_a_long_period_has_the_rhythm_of_its_last_days(held: Context) -> None:
    assert "Du 30/12/2025 au 31/03/2026" in part(held, "rhythm", View(start=FIRST, stop=date(2030, 1, 1)))


def test_who_usually_reports_and_has_not_is_told_with_since_when(held: Context) -> None:
    found = watched(held, NATIONAL, MARCH, NOW)
    assert [(silence.name, silence.since, silence.days) for silence in found.silences] == [
        ("Gendarmerie nationale", date(2026, 3, 11), 20),
        ("CROSS Lyon", date(2026, 3, 21), 10),
        ("Douane", date(2026, 3, 21), 10),
    ]
    assert (found.tested, found.last_day, found.habit_days) == (5, LAST, 182)
    parts = PARTS["silences"](held, NATIONAL, MARCH)
    assert "CROSS Lyon : rien depuis le 21 mars 2026, 10 jours" in text_of(parts["silences"])
    assert text_of(parts["quiet"]).startswith("Silence inhabituel Gendarmerie nationale depuis 20 j, CROSS Lyon")
    assert watched(held, replace(NATIONAL, threshold=5), MARCH, NOW).silences == found.silences  # zero stays zero


def test_silences_are_those_of_the_territory_looked_at(held: Context) -> None:
    inside = watched(held, NATIONAL, replace(MARCH, territory=MARSEILLE), NOW)
    assert [silence.name for silence in inside.silences] == ["Gendarmerie nationale"]
    lyon = PARTS["silences"](held, NATIONAL, replace(MARCH, territory=Territory("cross", "lyon")))
    assert text_of(lyon["quiet"]) == "Silence inhabituel CROSS Lyon depuis 10 j, Douane depuis 10 j"


def test_an_unfinished_day_is_no_silence(held: Context) -> None:
    assert watched(held, NATIONAL, MARCH, datetime(2026, 3, 31, 8, tzinfo=UTC)).last_day == date(2026, 3, 30)


# ── The latest facts ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_latest_facts_lead_to_their_place_and_hide_no_markup(held: Context) -> None:
    html = part(held, "latest", MARCH)
    lines = re.findall(r"<li .*?</li>", html)
    assert len(lines) == 40
    assert "Saisie" in lines[0]
    assert "31/03/2026" in lines[0]
    assert ">Marseille</a>" in lines[0]
    assert re.search(r'data-go="hexagone=88[0-9a-f]{13}"', lines[0])
    assert "<img" not in html
    assert "&lt;img" in html
    assert "Aucun fait" in part(held, "latest", replace(MARCH, drugs=frozenset({"khat"})))
    assert "un par un" in part(held, "latest", MARCH, replace(NATIONAL, sees_events=False))
    few = part(held, "latest", replace(MARCH, services=frozenset({"gendarmerie"})))
    assert few.count("<li ") == 11  # of the whole period, as the last week has none


# ── The daily curve ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_days_after_the_last_fact_are_unknown(held: Context) -> None:
    days = held.store.counts_by_day(Query(date(2026, 3, 30), date(2026, 4, 3)), NATIONAL)
    period = (FIRST, LAST)
    shown = known_days(days, period)
    np.testing.assert_array_equal(shown.incidents, [2, 2, np.nan, np.nan])
    np.testing.assert_array_equal(shown.controls, [0, 0, np.nan, np.nan])
    assert daily_sentence(shown, period) == (
        "2,0 incidents par jour en moyenne ; le plus : 2, le 30 mars 2026. 2 jours avec incident et sans contrôle."
        " Inconnu hors des données, du 01/09/2025 au 31/03/2026 : la courbe s'y arrête."
    )


# ── The routes ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_parts_and_alerts_have_their_addresses(held: Context) -> None:
    client = TestClient(Starlette(routes=routes(held)))
    march = "du=2026-03-01&au=2026-03-31"
    for name in PARTS:
        answer = client.get(f"/parties/{name}?{march}&langue=en")
        assert answer.status_code == 200
        assert name in answer.json()["parts"]
        assert answer.headers["hexacross-version"] == str(held.store.version())
    path = Path(held.settings.alerts)
    before = client.get(f"/chiffres?{march}").json()["parts"]["alerts"]
    assert text_of(before) == ""
    assert client.get("/alertes/perimetres").json()["features"] == []
    assert 'data-outlines=""' in before
    alert = Alert(MARSEILLE, "incidents", 7, 10)
    set_alert(path, alert)
    told = client.get(f"/chiffres?{march}").json()["parts"]["alerts"]
    assert text_of(told) == (
        "Alerte Marseille : 14 incidents (25–31 mars 2026) ; le seuil de 10 est atteint depuis le 3 mars 2026."
    )
    [feature] = client.get("/alertes/perimetres").json()["features"]
    assert (feature["properties"]["kind"], feature["properties"]["name"]) == ("alert", "Marseille")
    address = re.search(r'data-outlines="([^"]+)"', told)
    assert address is not None
    assert address[1].startswith("/alertes/perimetres?")
    acknowledge(path, alert.name, date(2026, 3, 31), "vue")
    assert 'data-outlines=""' in client.get(f"/chiffres?{march}").json()["parts"]["alerts"]
    path.write_text("{", encoding="utf-8")
    broken = client.get(f"/chiffres?{march}").json()["parts"]["alerts"]
    assert "Le fichier des alertes" in broken
    assert client.get("/alertes/perimetres?x").json()["features"] == []
    path.unlink()
    assert json.loads(client.get(f"/chiffres?{march}").content)["parts"]["alerts"] == before


@pytest.mark.parametrize(
    ("page", "query", "settings", "said"),
    [
        ("situation", "hexagone={cell}", {"role": "wall"}, ["ne lit pas les faits un par un", "il n&#x27;en pose pas"]),
        ("trafficking_routes", "", {"role": "wall"}, ["ne vous sont pas montrées", "ne lit pas les faits un par un"]),
        ("trafficking_routes", "", {"threshold": 5}, ["ne vous sont pas montrées", "protège les petits effectifs"]),
    ],
)
def test_a_page_says_what_a_viewer_may_not_see(
    held: Context, page: str, query: str, settings: dict[str, Any], said: list[str]
) -> None:
    (cell,) = cells_at([OF_MARSEILLE["longitude"]], [OF_MARSEILLE["latitude"]], 8)
    seen = replace(held, settings=replace(held.settings, **settings))
    elements = page_elements.shown(seen, page, query.format(cell=f"{cell:x}"))
    text = b" ".join(content for _kind, content in elements).decode(errors="replace")
    assert [sentence for sentence in said if sentence not in text] == []
    assert HOSTILE not in text
    assert ("situation" in page) == ("Hexagone" in text)
