"""Numbers, dates and ages as people read them. Expected strings follow the Imprimerie nationale's rules."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from babel.numbers import format_decimal
from hypothesis import given
from hypothesis import strategies as st

from dashboard import format as fmt
from dashboard.i18n import use_language
from data.query import Hours

THIN = "\u202f"
NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def test_french_numbers() -> None:
    assert fmt.number(12480) == f"12{THIN}480"
    assert fmt.number(1234567.891, 2) == f"1{THIN}234{THIN}567,89"
    assert fmt.number(float("nan")) == "—"


@given(st.floats(-1e16, 1e16) | st.integers(-(10**9), 10**9) | st.floats(-10, 10), st.integers(0, 6))
def test_numbers_are_those_of_babel(value: float, decimals: int) -> None:
    pattern = "#,##0." + "0" * decimals if decimals else "#,##0"
    for language, locale in fmt.LOCALES.items():
        with use_language(language):
            assert fmt.number(value, decimals) == format_decimal(value, pattern, locale=locale)


def test_english_numbers() -> None:
    with use_language("en"):
        assert fmt.number(12480.5, 1) == "12,480.5"


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "0"), (0.01234, "0,0123"), (4.5678, "4,57"), (45.67, "45,7"), (456.7, "457"), (45678.9, f"45{THIN}679")],
)
def test_three_significant_figures(value: float, text: str) -> None:
    assert fmt.significant(value) == text


@pytest.mark.parametrize(
    ("kg", "text"),
    [(0.0, "0 kg"), (0.25, "250 g"), (1.5, "1,50 kg"), (9999.0, f"9{THIN}999 kg"), (12_345.0, "12,3 t")],
)
def test_kilograms_carry_a_fitting_unit(kg: float, text: str) -> None:
    assert fmt.kilograms(kg) == text


def test_euros() -> None:
    assert fmt.euros(1500) == f"1{THIN}500 €"
    assert fmt.euros(2_500_000) == "2,50 M€"


@pytest.mark.parametrize(
    ("ago", "text"),
    [
        (timedelta(seconds=40), "il y a 40 s"),
        (timedelta(minutes=12), "il y a 12 min"),
        (timedelta(hours=3, minutes=12), "il y a 3 h 12"),
        (timedelta(hours=3, minutes=2), "il y a 3 h 02"),
        (timedelta(days=4), "il y a 4 j"),
        (timedelta(hours=-1), "il y a 0 s"),  # a clock that is ahead of ours
    ],
)
def test_ages(ago: timedelta, text: str) -> None:
    assert fmt.age(NOW - ago, NOW) == text


def test_a_period_says_its_last_day() -> None:
    assert fmt.period(date(2026, 3, 1), date(2026, 4, 1)) == "1–31 mars 2026"
    assert fmt.period(date(2026, 3, 1), date(2026, 3, 2)) == "1 mars 2026"


def test_hours() -> None:
    assert fmt.hours(Hours(14, 20)) == "de 14 h à 20 h"
    assert fmt.hours(Hours(22, 6)) == "de 22 h à 6 h"
    with use_language("en"):
        assert fmt.hours(Hours(22, 6)) == "from 22:00 to 6:00"


def test_days() -> None:
    assert fmt.day(date(2026, 11, 23)) == "23 novembre 2026"
    assert fmt.short_day(date(2026, 3, 1)) == "01/03/2026"
    assert fmt.day(None) == "—"


@pytest.mark.parametrize(
    ("size_bytes", "text"),
    [(1, "1 octet"), (812, "812 octets"), (45_600, "45,6 ko"), (12_345_678, "12,3 Mo"), (1_001_940_260, "1,00 Go")],
)
def test_file_sizes_carry_a_fitting_unit(size_bytes: int, text: str) -> None:
    assert fmt.file_size(size_bytes) == text
