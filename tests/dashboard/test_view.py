"""The view and its address: a round trip for every view, the nearest valid view for any garbage."""

from __future__ import annotations

from datetime import date, timedelta
from urllib.parse import parse_qs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.i18n import translate_error
from dashboard.measures import MEASURES
from dashboard.view import CLASSIFICATIONS, FILTERS, View
from data.query import TERRITORY_KINDS, Territory
from data.vocabulary import DRUGS, FAMILIES, KINDS, MODES, SERVICES

DAYS = st.dates(date(1990, 1, 1), date(2100, 1, 1))


def codes(known: dict[str, str]) -> st.SearchStrategy[frozenset[str]]:
    return st.frozensets(st.sampled_from(sorted(known)))


@st.composite
def views(draw: st.DrawFn) -> View:
    start, stop = sorted(draw(st.tuples(DAYS, DAYS)))
    territory = draw(
        st.none()
        | st.builds(Territory, st.sampled_from(TERRITORY_KINDS), st.from_regex(r"[0-9A-Za-z]{1,9}", fullmatch=True))
    )
    return View(
        territory=territory,
        start=draw(st.sampled_from([None, start])),
        stop=draw(st.sampled_from([None, stop + timedelta(days=1)])),
        families=draw(codes(FAMILIES)),
        kinds=draw(codes(KINDS)),
        drugs=draw(codes(DRUGS)),
        modes=draw(codes(MODES)),
        services=draw(codes(SERVICES)),
        measure=draw(st.sampled_from(sorted(MEASURES))),
        resolution=draw(st.none() | st.integers(3, 10)),
        classes=draw(st.sampled_from(sorted(CLASSIFICATIONS))),
        cell=draw(st.none() | st.sampled_from([0x8839601AE7FFFFF, 0x871F90001FFFFFF])),
        language=draw(st.sampled_from([None, "fr", "en"])),
    )


@given(views())
def test_an_address_gives_back_its_view(view: View) -> None:
    again, ignored = View.from_params(parse_qs(view.address().removeprefix("?")))
    assert again == view
    assert ignored == []


@given(
    st.dictionaries(
        st.sampled_from(["territoire", "du", "au", "mesure", "resolution", "classes", "hexagone", "langue", *FILTERS]),
        st.text(max_size=80) | st.lists(st.text(max_size=8), max_size=3),
    )
)
def test_any_address_gives_a_view_that_can_be_asked(params: dict[str, str | list[str]]) -> None:
    view, ignored = View.from_params(params)
    view.dated(None, date(2026, 1, 1)).query()
    assert all(translate_error(error) for error in ignored)
    assert View.from_params(view.to_params())[0] == view


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("territoire", "ville:13055", "Territoire « ville:13055 » ignoré"),
        ("territoire", "commune:<script>", "ignoré"),
        ("du", "32/01/2026", "Date « du=32/01/2026 » ignorée"),
        ("nature", "seizures", "Le plus proche : seizure."),
        ("mesure", "incident", "Valeurs admises : incidents"),
        ("resolution", "15", "attendu un entier de 3 à 10"),
        ("hexagone", "8f", "attendu un identifiant H3"),
        ("langue", "de", "Valeurs admises : fr, en"),
    ],
)
def test_what_is_not_understood_is_said(key: str, value: str, said: str) -> None:
    view, ignored = View.from_params({key: value})
    assert view == View()
    assert [said in translate_error(error) for error in ignored] == [True]


def test_the_last_day_of_the_address_is_included() -> None:
    view, _ = View.from_params({"du": "2026-03-01", "au": "2026-03-31"})
    query = view.query()
    assert (query.start, query.stop) == (date(2026, 3, 1), date(2026, 4, 1))


def test_days_in_the_wrong_order_are_exchanged_and_said() -> None:
    view, ignored = View.from_params({"du": "2026-03-31", "au": "2026-03-01"})
    assert (view.start, view.stop) == (date(2026, 3, 1), date(2026, 4, 1))
    assert len(ignored) == 1


def test_without_dates_the_latest_90_days_held_are_meant() -> None:
    view = View().dated((date(2020, 1, 1), date(2026, 3, 31)), today=date(2030, 1, 1))
    assert (view.start, view.stop) == (date(2026, 1, 1), date(2026, 4, 1))


def test_a_first_day_after_everything_held_asks_for_that_day() -> None:
    view = View(start=date(2027, 1, 1)).dated((date(2020, 1, 1), date(2026, 3, 31)), today=date(2030, 1, 1))
    assert (view.start, view.stop) == (date(2027, 1, 1), date(2027, 1, 2))


@pytest.mark.parametrize(
    ("territory", "asked", "shown"),
    [
        (None, None, 6),
        (None, 10, 8),
        (Territory("cross", "marseille"), None, 8),
        (Territory("cross", "marseille"), 10, 10),
        (Territory("commune", "13055"), None, 9),
        (Territory("region", "93"), 9, 8),
    ],
)
def test_resolution_suits_the_territory(territory: Territory | None, asked: int | None, shown: int) -> None:
    assert View(territory=territory, resolution=asked).shown_resolution() == shown
