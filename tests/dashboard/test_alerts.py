"""Alerts: thresholds kept in a file that is never half written, reached or not by facts counted here by hand."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.alert_file import (
    ALERT_MEASURES,
    LONGEST_NOTE,
    MOST_ALERTS,
    Acknowledgement,
    Alert,
    AlertError,
    acknowledge,
    read_alerts,
    remove_alert,
    set_alert,
    state_of,
)
from dashboard.alerts import alert_sentence, alert_states, alerts_in_force
from dashboard.cache import ByteCache
from dashboard.context import Context
from dashboard.recall import Reading
from dashboard.settings import Settings
from data.geography import geography
from data.ingest import load_file
from data.opening import open_store
from data.query import Territory, Viewer

MARSEILLE, AIX = Territory("commune", "13055"), Territory("commune", "13001")
NATIONAL = Viewer("essai")
HEADER = "source;source_event_id;family;kind;occurred_at;longitude;latitude;place_precision;quantity_kg"
# Incidents in Marseille by day of March 2026: over seven days, 1 2 3 4 5 6 7 9 11 11 (of days 1 to 10).
BY_DAY = {1: 1, 2: 1, 3: 1, 4: 1, 5: 1, 6: 1, 7: 1, 8: 3, 9: 3, 10: 1}


def alert(
    measure: str = "incidents", days: int = 7, threshold: float = 8, territory: Territory | None = MARSEILLE
) -> Alert:
    return Alert(territory, measure, days, threshold)


@pytest.fixture(scope="module")
def store_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("alerts")
    lines = [HEADER] + [
        f"essai;{day}-{number};incident;seizure;2026-03-{day:02d}T10:00;5.37;43.30;point;2"
        for day, number_of in BY_DAY.items()
        for number in range(number_of)
    ]
    (folder / "a.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    store = open_store(str(folder / "alerts.duckdb"))
    store.set_memberships(geography().memberships())
    load_file(store, folder / "a.csv")
    store.close()
    return folder


@pytest.fixture
def held(store_folder: Path, tmp_path: Path) -> Iterator[Context]:
    store = open_store(str(store_folder / "alerts.duckdb"))
    yield Context(Settings(alerts=str(tmp_path / "alerts.json")), store, geography(), ByteCache(2**20))
    store.close()


def file_of(held: Context) -> Path:
    return Path(held.settings.alerts)


def test_a_reached_threshold_is_in_force_since_the_day_it_was(held: Context) -> None:
    set_alert(file_of(held), alert(threshold=8))
    set_alert(file_of(held), alert(days=1, threshold=2))  # one incident on the last day
    set_alert(file_of(held), alert(territory=AIX, threshold=1))
    [state] = alerts_in_force(held, NATIONAL)
    assert (state.alert.name, state.value) == ("commune:13055 incidents 7", 11)
    assert (state.start, state.stop) == (date(2026, 3, 4), date(2026, 3, 11))
    assert state.since == date(2026, 3, 8)  # nine over the seven days that end then, seven the day before
    assert not state.earlier
    assert alert_sentence(state) == (
        "Marseille : 11 incidents (4–10 mars 2026) ; le seuil de 8 est atteint depuis le 8 mars 2026."
    )
    others = [state for state in alert_states(held, NATIONAL, Reading(held.recall)) if not state.in_force]
    assert [alert_sentence(state) for state in others] == [
        "Marseille : 1 incident (10 mars 2026), sous le seuil de 2.",
        "Aix-en-Provence : 0 incident (4–10 mars 2026), sous le seuil de 1.",
    ]


@pytest.mark.parametrize(
    ("measure", "value"), [("incidents", 11), ("taux", 1e5 * 11 / 877_215), ("kg", 22), ("controles", 0)]
)  # INSEE: Marseille has 877,215 inhabitants (2022)
def test_every_measure_is_the_store_s_own(held: Context, measure: str, value: float) -> None:
    set_alert(file_of(held), alert(measure, threshold=0.01))
    [state] = alert_states(held, NATIONAL, Reading(held.recall))
    assert state.value == pytest.approx(value, rel=0.02)  # the reference geography may be of another year
    assert state.in_force == (value > 0)


def test_what_is_unknown_or_protected_is_not_in_force(held: Context) -> None:
    set_alert(file_of(held), alert("avoirs", threshold=1))  # no value was ever declared
    set_alert(file_of(held), alert("incidents", threshold=1))
    states = alert_states(held, replace(NATIONAL, threshold=20), Reading(held.recall))
    assert all(math.isnan(state.value) and not state.in_force for state in states)
    assert "inconnu ou protégé" in alert_sentence(states[0])


def test_an_alert_is_acknowledged_as_long_as_its_threshold_stays_reached(held: Context) -> None:
    set_alert(file_of(held), alert(threshold=8))
    [state] = alerts_in_force(held, NATIONAL)
    assert state.acknowledged is None
    acknowledge(file_of(held), state.alert.name, date(2026, 3, 8), "  patrouille envoyée ")
    [state] = alerts_in_force(held, NATIONAL)
    assert state.acknowledged is not None
    assert state.acknowledged.note == "patrouille envoyée"
    acknowledge(file_of(held), state.alert.name, date(2026, 3, 7), "avant")  # of an earlier time in force
    [state] = alerts_in_force(held, NATIONAL)
    assert state.acknowledged is None
    set_alert(file_of(held), alert(threshold=9))  # another threshold is another alert
    assert read_alerts(file_of(held))[0].acknowledged is None


def test_those_not_acknowledged_come_first(held: Context) -> None:
    for threshold, days in ((8, 7), (9, 6)):
        set_alert(file_of(held), alert(days=days, threshold=threshold))
    acknowledge(file_of(held), "commune:13055 incidents 7", date(2026, 3, 10), "vu")
    assert [state.alert.days for state in alerts_in_force(held, NATIONAL)] == [6, 7]


def test_who_sees_some_territories_watches_these_alone(held: Context) -> None:
    set_alert(file_of(held), alert(threshold=1))
    set_alert(file_of(held), alert(threshold=1, territory=None))
    assert [state.place for state in alerts_in_force(held, NATIONAL)] == ["Marseille", "France"]
    local = replace(NATIONAL, territories=frozenset({MARSEILLE}))
    assert [state.place for state in alerts_in_force(held, local)] == ["Marseille"]


def test_a_territory_that_is_no_more_is_unknown(held: Context) -> None:
    set_alert(file_of(held), alert(territory=Territory("commune", "99999")))
    [state] = alert_states(held, NATIONAL, Reading(held.recall))
    assert (state.place, state.in_force) == ("commune:99999 incidents 7", False)
    assert math.isnan(state.value)


notes = st.text(st.characters(exclude_categories=["Cs"]), max_size=LONGEST_NOTE).map(str.strip)
acknowledgements = st.builds(
    Acknowledgement, st.datetimes(timezones=st.just(UTC)).map(lambda at: at.replace(microsecond=0)), st.dates(), notes
)
alerts = st.builds(
    Alert,
    st.sampled_from([None, MARSEILLE, Territory("cross", "marseille")]),
    st.sampled_from(ALERT_MEASURES),
    st.integers(1, 92),
    st.floats(1e-9, 1e12),
)


@given(st.lists(alerts, max_size=8, unique_by=lambda alert: alert.name), notes)
def test_what_is_set_is_read_again(
    tmp_path_factory: pytest.TempPathFactory, given_alerts: list[Alert], note: str
) -> None:
    path = tmp_path_factory.mktemp("file") / "new" / "alerts.json"
    for one in given_alerts:
        set_alert(path, one)
    assert list(read_alerts(path)) == given_alerts
    for one in given_alerts[:1]:
        before = state_of(path)
        acknowledge(path, one.name, date(2026, 3, 1), note)
        assert state_of(path) != before
        [again, *others] = read_alerts(path)
        assert again.acknowledged is not None
        assert again == replace(one, acknowledged=again.acknowledged)
        assert (again.acknowledged.until, again.acknowledged.note) == (date(2026, 3, 1), note)
        assert abs((again.acknowledged.at - datetime.now(UTC)).total_seconds()) < 60
        remove_alert(path, one.name)
        assert list(read_alerts(path)) == others == given_alerts[1:]


GOOD = {"territory": "cross:marseille", "measure": "incidents", "days": 7, "threshold": 5}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "JSONDecodeError"),
        ('{"alerts": [', "JSONDecodeError"),
        ("[]", "TypeError"),
        ('{"alerts": [3]}', "AttributeError"),
        ('{"alarms": []}', "KeyError 'alerts'"),
        (json.dumps({"alerts": [GOOD | {"territory": "ville:x"}]}), "territoire « ville:x »"),
        (json.dumps({"alerts": [GOOD | {"measure": "rendement"}]}), "Mesure « rendement »"),
        (json.dumps({"alerts": [GOOD | {"days": 0}]}), "Durée de 0 jours"),
        (json.dumps({"alerts": [GOOD | {"days": 10**9}]}), "Durée de 1000000000 jours"),
        (json.dumps({"alerts": [GOOD | {"threshold": -1}]}), "Seuil « -1.0 »"),
        ('{"alerts": [{"territory": "", "measure": "kg", "days": 1, "threshold": NaN}]}', "Seuil « nan »"),
        ('{"alerts": [{"territory": "", "measure": "kg", "days": 1e999, "threshold": 1}]}', "OverflowError"),
        (json.dumps({"alerts": [GOOD | {"acknowledged": {"at": "2026-03-01T10:00", "until": ""}}]}), "fuseau"),
        ("x" * 1_000_001, "octets"),
    ],
)  # fmt: skip
def test_a_bad_file_is_reported_and_left_as_it_is(tmp_path: Path, text: str, reason: str) -> None:
    path = tmp_path / "alerts.json"
    path.write_text(text, encoding="utf-8")
    for do in (lambda: read_alerts(path), lambda: set_alert(path, alert()), lambda: remove_alert(path, "x")):
        with pytest.raises(AlertError, match=reason) as raised:
            do()
        assert "alerts.json" in str(raised.value)
        assert "Aucune alerte n'est surveillée" in str(raised.value)
    assert path.read_text(encoding="utf-8") == text


@pytest.mark.parametrize(
    "wrong", [alert("rendement"), alert(days=0), alert(days=93), alert(threshold=0), alert(threshold=math.inf)]
)
def test_an_alert_that_cannot_be_counted_is_refused(tmp_path: Path, wrong: Alert) -> None:
    path = tmp_path / "alerts.json"
    with pytest.raises(AlertError):
        set_alert(path, wrong)
    assert not path.exists()


def test_alerts_are_bounded(tmp_path: Path) -> None:
    path = tmp_path / "alerts.json"
    for days in range(1, MOST_ALERTS + 1):
        set_alert(path, alert(days=days))
    with pytest.raises(AlertError, match="51 alertes : 50 au plus"):
        set_alert(path, alert(days=MOST_ALERTS + 1))
    with pytest.raises(AlertError, match="Note de 501 caractères"):
        acknowledge(path, alert(days=1).name, date(2026, 3, 1), "x" * (LONGEST_NOTE + 1))
    assert len(read_alerts(path)) == MOST_ALERTS


def test_a_cut_while_writing_leaves_the_file_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "alerts.json"
    set_alert(path, alert())
    before = path.read_bytes()

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(AlertError, match=r"No space left on device\..* Rien n'a changé"):
        set_alert(path, alert(days=3))
    assert path.read_bytes() == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["alerts.json"]
