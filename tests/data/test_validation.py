"""Each rule of one line, each with what the officer reads; and relations that hold for any line."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.fingerprints import Repeats, fingerprints
from data.local_time import days_and_hours, resolve
from data.parsing import parse_codes, parse_integers, parse_moments, parse_numbers, parse_text
from data.readers import Options
from data.schema_doc import format_page
from data.vocabulary import DRUGS
from tests.data.files import GOOD, ROOT, TODAY, Row, good, outcome, write_csv

PLACELESS: Row = {"longitude": "", "latitude": ""}

# What is changed in a good line → the field at fault and words of the message.
REFUSED: dict[str, tuple[Row, str, str]] = {
    "no source": ({"source": ""}, "source", "obligatoire vide"),
    "no date": ({"occurred_at": " "}, "occurred_at", "obligatoire vide"),
    "not a date": ({"occurred_at": "hier"}, "occurred_at", "Date illisible : « hier »"),
    "French date": ({"occurred_at": "03/11/2024"}, "occurred_at", "Attendu AAAA-MM-JJ"),
    "30 February": ({"occurred_at": "2024-02-30"}, "occurred_at", "n'existe pas : « 2024-02-30 »"),
    "29 February of 1900s": ({"occurred_at": "2023-02-29"}, "occurred_at", "n'existe pas"),
    "25 hours": ({"occurred_at": "2024-02-20T25:00"}, "occurred_at", "n'existe pas"),
    "future": ({"occurred_at": "2026-11-25"}, "occurred_at", "dans le futur"),
    "too old": ({"occurred_at": "1949-12-31"}, "occurred_at", "trop ancienne"),
    "finer than written": ({"occurred_at": "2024-06", "occurred_precision": "day"}, "occurred_precision", "plus fine"),
    "unknown kind": ({"kind": "saisie"}, "kind", "Valeur inconnue : « saisie »"),
    "kind of another family": ({"kind": "road_check"}, "kind", "n'appartient pas à la famille"),
    "unknown drug": ({"drug": "Cannabis"}, "drug", "cannabis_herb, cannabis_resin"),
    "longitude alone": ({"latitude": ""}, "latitude", "Il manque une coordonnée"),
    "latitude alone": ({"longitude": ""}, "longitude", "Il manque une coordonnée"),
    "zero": ({"longitude": "0", "latitude": "0.0"}, "longitude", "0 ; 0"),
    "swapped": ({"longitude": "43.2965", "latitude": "5.3698"}, "longitude", "inversées : 43.2965 ; 5.3698"),
    "Lambert-93": ({"longitude": "893500", "latitude": "6247030"}, "longitude", "EPSG:2154"),
    "Web Mercator": ({"longitude": "597741", "latitude": "5361234"}, "longitude", "hors du globe"),
    "text for a number": ({"longitude": "abc"}, "longitude", "n'est pas un nombre"),
    "decimal comma": ({"quantity_kg": "1,5"}, "quantity_kg", "« 1,5 » n'est pas un nombre"),
    "infinite": ({"quantity_kg": "inf"}, "quantity_kg", "n'est pas un nombre"),
    "negative": ({"quantity_kg": "-1"}, "quantity_kg", "négative : -1"),
    "absurd": ({"quantity_kg": "4500000"}, "quantity_kg", "Attendu 0 … 100000 kg"),
    "half a person": ({"checked": "2.5"}, "checked", "nombre entier"),
    "more positive than checked": ({"checked": "3", "positive": "4"}, "positive", "Plus de positifs (4)"),
    "count without its unit": ({"quantity_units": "40"}, "quantity_unit", "sans son unité"),
    "point without coordinates": (PLACELESS | {"place_precision": "point"}, "place_precision", "sans coordonnées"),
    "commune that is none": (PLACELESS | {"commune": "99999"}, "commune", "« 99999 » inconnue"),
    "precision without a place": (PLACELESS | {"place_precision": "commune"}, "place_precision", "sans le lieu"),
    "coarser than the code": (
        PLACELESS | {"commune": "31555", "place_precision": "departement"}, "place_precision", "plus grossière",
    ),
    "département of another commune": (PLACELESS | {"commune": "31555", "departement": "33"}, "departement", "« 33 »"),
    "unknown département": (PLACELESS | {"departement": "20"}, "departement", "Département « 20 » inconnu"),
    "unknown country": ({"departure_country": "Espagne"}, "departure_country", "deux lettres"),
    "control characters": ({"drug_label": "a\x07b"}, "drug_label", "caractères de contrôle"),
    "a report for a label": ({"drug_label": "x" * 501}, "drug_label", "au plus 500 caractères"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_a_bad_line_is_refused_with_field_and_reason(tmp_path: Path, name: str) -> None:
    changes, field, words = REFUSED[name]
    result = outcome(write_csv(tmp_path / "a.csv", [good(1), good(2, **changes)]))
    assert result.event_lines == [2]  # the good line is not harmed
    assert [(r["line"], r["field"]) for r in result.refusals] == [(3, field)]
    assert words in result.messages[0]


def test_all_faults_of_a_line_are_listed(tmp_path: Path) -> None:
    bad = good(1, kind="?", occurred_at="2024-13-01", quantity_kg="-2", latitude="")
    result = outcome(write_csv(tmp_path / "a.csv", [bad]))
    assert {r["field"] for r in result.refusals} == {"kind", "occurred_at", "quantity_kg", "latitude"}
    assert result.lines == 1


def test_a_file_with_swapped_columns_says_so(tmp_path: Path) -> None:
    rows = [good(n, longitude="43.29", latitude=str(5.3 + n / 100)) for n in range(3)]
    assert all("dans tout le fichier" in message for message in outcome(write_csv(tmp_path / "a.csv", rows)).messages)


def test_swapped_coordinates_with_another_country_are_a_real_place(tmp_path: Path) -> None:
    """Off Somalia, where the navy seizes heroin, both numbers could be of France the other way round."""
    rows = [good(1, longitude="49.5", latitude="5.2", country="XZ"), good(2, longitude="49.5", latitude="5.2")]
    result = outcome(write_csv(tmp_path / "a.csv", rows))
    assert [row["country"] for row in result.rows] == ["XZ"]
    assert len(result.refusals) == 1


def test_outside_france_is_kept_and_marked(tmp_path: Path) -> None:
    rows = [good(1, longitude="-3.7038", latitude="40.4168"), good(2, longitude="-30", latitude="40")]
    madrid, atlantic = outcome(write_csv(tmp_path / "a.csv", rows)).rows
    assert (madrid["country"], madrid["commune"], madrid["place_precision"]) == ("ES", None, "point")
    assert (atlantic["country"], atlantic["commune"]) == (None, None)


@pytest.mark.parametrize(
    ("given", "moment", "day", "hour", "precision"),
    [
        ("2024-06-01T14:30", "2024-06-01T12:30", "2024-06-01", 14, "minute"),
        ("2024-06-01 14:30:59", "2024-06-01T12:30:59", "2024-06-01", 14, "minute"),
        ("2024-06-01T23:30Z", "2024-06-01T23:30", "2024-06-02", 1, "minute"),
        ("2024-06-01T23:30-03:00", "2024-06-02T02:30", "2024-06-02", 4, "minute"),
        ("2024-01-15", "2024-01-14T23:00", "2024-01-15", None, "day"),
        ("2024-02", "2024-01-31T23:00", "2024-02-01", None, "month"),
        ("2024", "2023-12-31T23:00", "2024-01-01", None, "year"),
        ("2024-10-27T02:30", "2024-10-27T00:30", "2024-10-27", 2, "minute"),  # comes twice: the first one
        ("2024-02-29", "2024-02-28T23:00", "2024-02-29", None, "day"),
    ],
)
def test_dates(tmp_path: Path, given: str, moment: str, day: str, hour: int | None, precision: str) -> None:
    row = outcome(write_csv(tmp_path / "a.csv", [good(1, occurred_at=given)])).rows[0]
    assert row["occurred_at"] == datetime.fromisoformat(moment)
    assert (row["day"], row["hour"], row["occurred_precision"]) == (date.fromisoformat(day), hour, precision)


@pytest.mark.parametrize(
    ("departement", "offset"), [("75", 2), ("972", -4), ("973", -3), ("974", 4), ("976", 3), ("988", 11)]
)
def test_time_without_a_zone_is_that_of_the_place(tmp_path: Path, departement: str, offset: int) -> None:
    line = good(1, **PLACELESS, departement=departement, occurred_at="2024-06-01T20:00")
    row = outcome(write_csv(tmp_path / "a.csv", [line])).rows[0]
    assert row["occurred_at"] == datetime(2024, 6, 1, 20) - timedelta(hours=offset)  # noqa: DTZ001 -- UTC without zone
    assert (row["day"], row["hour"]) == (date(2024, 6, 1), 20)


@pytest.mark.parametrize(
    ("place", "precision", "codes"),
    [
        ({"commune": "31555"}, "commune", ("31555", "31", "FR", None)),
        ({"commune": "13201"}, "commune", ("13055", "13", "FR", "13201")),
        ({"commune": "97411"}, "commune", ("97411", "974", "FR", None)),
        ({"departement": "2A"}, "departement", (None, "2A", "FR", None)),
        ({"departement": "988"}, "departement", (None, "988", "FR", None)),
        ({"country": "ES"}, "country", (None, None, "ES", None)),
        ({}, "unknown", (None, None, None, None)),
        ({"commune": "31555", "place_precision": "commune", "longitude": "1.44", "latitude": "43.60"}, "commune",
         ("31555", "31", "FR", None)),
        ({"place_precision": "commune", "longitude": "1.44", "latitude": "43.60"}, "commune",
         ("31555", "31", "FR", None)),
        ({"place_precision": "street", "longitude": "1.44", "latitude": "43.60", "commune": "75056"}, "street",
         ("31555", "31", "FR", None)),
    ],
)  # fmt: skip
def test_places_keep_the_precision_they_have(
    tmp_path: Path, place: Row, precision: str, codes: tuple[str | None, ...]
) -> None:
    row = outcome(write_csv(tmp_path / "a.csv", [good(1, **(PLACELESS | place))])).rows[0]
    assert row["place_precision"] == precision
    assert (row["commune"], row["departement"], row["country"], row["arrondissement"]) == codes
    assert (row["cell"] is not None) == (precision in ("point", "street"))


def test_a_former_commune_is_read_as_todays(tmp_path: Path) -> None:
    """01033 (Bellegarde-sur-Valserine) is part of Valserhône since 2019, and kept that code; 01091 (Châtillon-en-
    Michaille) and 01205 (Lancrans) joined it."""
    rows = [good(number, **PLACELESS, commune=code) for number, code in enumerate(("01033", "01091", "01205"))]
    assert [row["commune"] for row in outcome(write_csv(tmp_path / "a.csv", rows)).rows] == ["01033"] * 3


def test_zero_stays_zero_and_blank_stays_unknown(tmp_path: Path) -> None:
    rows = [good(1, quantity_kg="0"), good(2, quantity_kg="")]
    assert [row["quantity_kg"] for row in outcome(write_csv(tmp_path / "a.csv", rows)).rows] == [0.0, None]


def test_html_and_formulas_are_kept_as_text(tmp_path: Path) -> None:
    label = '<script>alert("x")</script>=1+1'
    assert outcome(write_csv(tmp_path / "a.csv", [good(1, drug_label=label)])).rows[0]["drug_label"] == label


def test_identical_lines_without_identifier(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "a.csv", [GOOD | {"source_event_id": ""}] * 3 + [good(7)] * 2)
    keep = outcome(path)
    names = [str(row["event_id"]) for row in keep.rows]
    assert names[0].startswith("PN exemple:#")
    assert names[1:3] == [f"{names[0]}-2", f"{names[0]}-3"]
    assert names[3:] == ["PN exemple:7"] * 2  # the store says that the second one repeats the first
    assert keep.identical == 2
    drop = outcome(path, options=Options(today=TODAY, repeated_lines="drop"))
    assert [row["event_id"] for row in drop.rows[:3]] == [names[0]] * 3


NUMBERS = st.floats(allow_nan=False, allow_infinity=False, width=64)


@given(st.lists(NUMBERS))
def test_numbers_are_read_as_python_writes_them(values: list[float]) -> None:
    parsed = parse_numbers(pa.array([repr(value) for value in values], pa.string()))
    assert parsed.values.to_pylist() == values
    assert not parsed.bad.any()


@given(st.lists(st.text(max_size=8)))
def test_every_text_is_a_number_blank_or_bad(values: list[str]) -> None:
    numbers, bad = parse_numbers(pa.array(values, pa.string()))
    for value, number, refused in zip(values, numbers.to_pylist(), bad, strict=True):
        if refused:
            assert number is None
            assert value.strip()
        elif number is not None:
            assert float(value) == number


@given(st.lists(st.datetimes(datetime(1950, 1, 1), datetime(2100, 1, 1))))  # noqa: DTZ001 -- wall clock
def test_moments_are_read_back(values: list[datetime]) -> None:
    seconds = [value.replace(microsecond=0) for value in values]
    moments = parse_moments(pa.array([value.isoformat() for value in seconds], pa.string()))
    assert moments.wall.tolist() == seconds
    french = parse_moments(
        pa.array([f"{value:%d/%m/%Y %H:%M:%S}" for value in seconds], pa.string()), ["%d/%m/%Y %H:%M:%S"]
    )
    assert french.wall.tolist() == seconds


@settings(max_examples=50)
@given(st.lists(st.datetimes(datetime(1990, 1, 1), datetime(2030, 1, 1)), min_size=1))  # noqa: DTZ001 -- wall clock
def test_local_time_comes_back_from_utc(values: list[datetime]) -> None:
    """There and back is the identity, save the hour that spring skips."""
    wall = np.array(values, dtype="datetime64[us]")
    zone = np.zeros(len(wall), dtype=np.intp)
    there = resolve(wall, np.full(len(wall), np.nan), ["Europe/Paris"], zone)
    back = resolve(there.utc, np.zeros(len(wall)), ["Europe/Paris"], zone)
    moved = back.local != wall
    assert np.all((back.local[moved] - wall[moved]) <= np.timedelta64(1, "h"))
    days, hours = days_and_hours(back.local)
    assert np.all((hours >= 0) & (hours <= 23))
    assert np.all(days <= back.local)


@given(st.lists(st.sampled_from([*DRUGS, "", " cocaine ", "coke"])))
def test_codes_of_a_closed_list(values: list[str]) -> None:
    parsed = parse_codes(pa.array(values, pa.string()), tuple(DRUGS))
    for value, code, bad in zip(values, parsed.values.to_pylist(), parsed.bad, strict=True):
        assert bad == (value == "coke")
        assert code == (value.strip() or None if not bad else None)


def test_integers_beyond_floats_are_not_rounded() -> None:
    big = pa.array([2**60 + 1, None])
    assert parse_integers(big).values.to_pylist() == [2**60 + 1, None]
    assert parse_integers(pa.array(["1e30", "12.0", "7"])).bad.tolist() == [True, False, False]


def test_text_is_trimmed_of_every_space() -> None:
    assert parse_text(pa.array(["\u202fa b\u00a0", " ", None])).values.to_pylist() == ["a b", None, None]


@given(st.lists(st.lists(st.integers(0, 4), max_size=12), max_size=5))
def test_ranks_count_identical_lines_across_chunks(chunks: list[list[int]]) -> None:
    repeats, seen = Repeats(), []
    for chunk in chunks:
        prints = fingerprints(pa.table({"a": pa.array(chunk, pa.int64())}), np.arange(len(chunk)))
        ranks = repeats.ranks(prints)
        for value, rank in zip(chunk, ranks, strict=True):
            assert rank == seen.count(value)
            seen.append(value)


def test_format_page_says_what_the_schema_says() -> None:
    assert (ROOT / "docs" / "format.md").read_text(encoding="utf-8") == format_page()
