"""The view and its address: a round trip for every view, the nearest valid view for any garbage."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from urllib.parse import parse_qs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.i18n import translate_error
from dashboard.measures import MEASURES
from dashboard.view import CLASSIFICATIONS, COMPARED_KINDS, FILTERS, PUBLISHED, STEPS, View
from data.query import TERRITORY_KINDS, Hours, Territory
from data.vocabulary import DRUGS, FAMILIES, KINDS, MODES, SERVICES

HELD = (date(2020, 1, 1), date(2026, 3, 31))  # by the store
DAYS = st.dates(date(1990, 1, 1), date(2100, 1, 1))


def codes(known: dict[str, str]) -> st.SearchStrategy[frozenset[str]]:
    return st.frozensets(st.sampled_from(sorted(known)))


@st.composite
def compared(draw: st.DrawFn) -> tuple[Territory, ...]:
    kind = draw(st.sampled_from(COMPARED_KINDS))
    chosen = draw(st.lists(st.from_regex(r"[0-9A-Za-z]{1,9}", fullmatch=True), max_size=6, unique=True))
    return tuple(Territory(kind, code) for code in chosen)


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
        step=draw(st.sampled_from([None, *STEPS])),
        hours=draw(st.none() | st.builds(Hours, st.integers(0, 23), st.integers(1, 24))),
        compared=draw(compared()),
        curves=draw(st.sampled_from([None, "indice"])),
        published=draw(st.sampled_from([None, *PUBLISHED])),
    )


@given(views())
def test_an_address_gives_back_its_view(view: View) -> None:
    again, ignored = View.from_params(parse_qs(view.address().removeprefix("?")))
    assert again == view
    assert ignored == []


@given(
    st.dictionaries(
        st.sampled_from(
            [
                "territoire",
                "du",
                "au",
                "heures",
                "pas",
                "mesure",
                "resolution",
                "classes",
                "hexagone",
                "langue",
                "territoires",
                "courbes",
                "indicateur",
                *FILTERS,
            ]
        ),
        st.text(max_size=80) | st.lists(st.text(max_size=8), max_size=3) | st.sampled_from(["22-6", "heure", "3-0"]),
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
        ("courbes", "ronde", "Valeurs admises : indice"),
        ("indicateur", "vols", "Valeurs admises : trafic, usage"),
        ("territoires", "ville:13055", "Territoire « ville:13055 » ignoré"),
        ("territoires", "commune:13055", "Les communes sont trop nombreuses"),
        ("territoires", "cross:<script>", "ignoré"),
        ("pas", "siècle", "Valeurs admises : heure, jour, semaine, mois"),
        *(
            ("heures", given, f"Heures « {given} » ignorées : attendu début-fin")
            for given in ("24-6", "3-25", "22", "-", "22-6-8", "-1-3", "22–6", "²-3", "1e1-3", "0x1-3", "<b>", "022-6")
        ),
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
    ("given", "hours", "written"),
    [("22-6", Hours(22, 6), "22-6"), ("8-0", Hours(8, 24), "8-24"), (" 05-5 ", Hours(5, 5), "5-5")],
)
def test_hours_of_the_address_are_asked_for(given: str, hours: Hours, written: str) -> None:
    view, ignored = View.from_params({"heures": given})
    assert (view.hours, view.to_params()["heures"], ignored) == (hours, written, [])
    assert view.dated(HELD, date(2030, 1, 1)).query().hours == hours
    assert view.tile_address() != View().tile_address()


def test_hours_of_too_long_a_period_are_left_out_and_said() -> None:
    view, _ = View.from_params({"heures": "22-6", "du": "2025-04-01", "au": "2026-03-31"})
    assert view.dated(HELD, date(2030, 1, 1)).hours is None
    refused = view.refused_hours(HELD, date(2030, 1, 1))
    assert refused is not None
    assert "92 jours au plus" in translate_error(refused)
    assert "en compte 365" in translate_error(refused)
    assert replace(view, start=date(2026, 3, 1)).refused_hours(HELD, date(2030, 1, 1)) is None
    assert replace(view, hours=None).refused_hours(HELD, date(2030, 1, 1)) is None


def test_a_walk_by_hours_shows_some_hours_of_one_day() -> None:
    view, ignored = View.from_params({"pas": "heure", "du": "2026-03-02", "au": "2026-03-29"})
    dated = view.dated(HELD, date(2030, 1, 1))
    assert (dated.start, dated.stop, dated.hours) == (date(2026, 3, 2), date(2026, 3, 3), Hours(0, 6))
    assert ignored == []
    latest = View(step="heure", hours=Hours(20, 2)).dated(HELD, date(2030, 1, 1))
    assert (latest.start, latest.stop, latest.hours) == (date(2026, 3, 31), date(2026, 4, 1), Hours(20, 2))


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


@pytest.mark.parametrize(
    ("given", "kept", "said"),
    [
        ("cross:lille,cross:lille,cross:nice", ("lille", "nice"), "ne se compare pas à lui-même : cross:lille"),
        ("cross:lille,departement:13,cross:nice", ("lille", "nice"), "d'un même type (cross) : departement:13"),
        (",".join(f"cross:c{n}" for n in range(7)), tuple(f"c{n}" for n in range(6)), "7 territoires demandés : les 6"),
        (",".join(["cross:a"] * 500), ("a",), "500 territoires demandés"),
    ],
)
def test_territories_that_cannot_be_compared_are_said(given: str, kept: tuple[str, ...], said: str) -> None:
    view, ignored = View.from_params({"territoires": given})
    assert view.compared == tuple(Territory("cross", code) for code in kept)
    assert any(said in translate_error(error) for error in ignored)


def test_hexagons_do_not_depend_on_what_a_territory_is_compared_with() -> None:
    alone = View(territory=Territory("cross", "lille"))
    beside = replace(alone, compared=(Territory("cross", "nice"),), curves="indice", published="usage")
    assert beside.tile_address() == alone.tile_address()
    assert beside.alone() == alone
