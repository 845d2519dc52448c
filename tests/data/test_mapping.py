"""TOML mappings: the documented examples run, and every fault of a mapping is told at once."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyproj import Transformer

from data.errors import MappingError, PersonalDataError
from data.mapping import KEYS, parse_mapping, read_mapping
from data.readers import open_source
from tests.data.files import ROOT, documented_example, outcome

MINIMAL = """
[columns]
occurred_at = "quand"
{columns}
[constants]
source = "essai"
family = "incident"
kind = "seizure"
{rest}
"""


def load(folder: Path, text: str, columns: str = "", rest: str = "", encoding: str = "utf-8"):  # type: ignore[no-untyped-def]  # Outcome
    (folder / "a.csv").write_text(text, encoding=encoding, newline="")
    (folder / "a.toml").write_text(MINIMAL.format(columns=columns, rest=rest), encoding="utf-8")
    return outcome(folder / "a.csv", folder / "a.toml")


def test_gendarmerie_example(tmp_path: Path) -> None:
    data, mapping = documented_example("gendarmerie", tmp_path)
    source = open_source(data, mapping)
    assert (source.batch.source, source.batch.marking) == ("GN exemple", "restricted")
    assert source.batch.reader.startswith("gendarmerie-exemple@")
    result = outcome(data, mapping)
    assert [(r["line"], r["field"], r["given"]) for r in result.refusals] == [(6, "occurred_at", "31/11/2024 10:00")]
    first, arrest, herb, tablets = result.rows
    assert (first["quantity_kg"], first["drug"], first["drug_label"]) == (
        1.2505,
        "cannabis_resin",
        "Résine de cannabis",
    )
    assert (first["commune"], first["place_precision"]) == ("31555", "point")  # place du Capitole, Toulouse
    assert float(str(first["longitude"])) == pytest.approx(1.4442, abs=0.001)
    assert float(str(first["latitude"])) == pytest.approx(43.6045, abs=0.001)
    assert (first["occurred_at"], first["hour"]) == (datetime(2024, 11, 3, 21, 15), 22)  # noqa: DTZ001 -- UTC
    assert (arrest["kind"], arrest["drug"], arrest["quantity_kg"]) == ("arrest", None, None)
    assert (herb["occurred_precision"], herb["day"], herb["place_precision"]) == ("day", date(2024, 11, 4), "street")
    assert (tablets["quantity_kg"], tablets["quantity_units"], tablets["quantity_unit"]) == (None, 340, "tablet")
    assert {row["service"] for row in result.rows} == {"gendarmerie"}


def test_customs_example(tmp_path: Path) -> None:
    data, mapping = documented_example("douane", tmp_path)
    result = outcome(data, mapping)
    assert result.refusals == []
    roissy, marseille, perthus, orly = result.rows
    assert [row["departement"] for row in result.rows] == ["95", "13", "66", "91"]
    assert (roissy["quantity_kg"], roissy["mode"], roissy["departure_country"]) == (24.35, "air", "CO")
    assert (roissy["occurred_at"], roissy["hour"]) == (datetime(2024, 10, 2, 5, 30), 7)  # noqa: DTZ001 -- UTC
    assert (marseille["quantity_kg"], marseille["longitude"], marseille["latitude"]) == (1180, 5.3397, 43.3515)
    assert (perthus["drug"], perthus["quantity_kg"]) == ("cannabis_resin", 86.5005)
    assert orly["departure_country"] is None
    assert {row["marking"] for row in result.rows} == {"internal"}


def test_every_key_is_documented() -> None:
    page = (ROOT / "docs" / "mapping.md").read_text(encoding="utf-8")
    for section, keys in KEYS.items():
        if section not in ("columns", "constants", "vocabulary"):
            assert all(f"`{key}`" in page for key in keys), section
        assert f"`{section}" in page or not section


def test_all_faults_are_told_at_once_with_the_closest() -> None:
    text = """
marking = "secret"
[file]
encoding = "klingon"
decimal = ";"
[columns]
longitude = "x"
occurred_at = "d"
[constants]
source = "x"
kind = "seizures"
[vocabulary.drug]
"Herbe" = "cannabis_herbe"
[dates]
formats = ["%d/%m/%Q"]
time_zone = "Europe/Parris"
[place]
crs = "EPSG:999999"
"""
    with pytest.raises(MappingError) as told:
        parse_mapping(text, "essai")
    for words in (
        "« secret » inconnu", "« klingon »", "decimal", "longitude et latitude vont ensemble", "« family » manque",
        "« seizures » inconnu (proche de « seizure »)", "proche de « cannabis_herb »", "%Q", "« Europe/Parris »",
        "EPSG:999999", "sans colonne",
    ):  # fmt: skip
        assert words in str(told.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a = [", "n'est pas du TOML"),
        ("colums = 3", "« colums » inconnue (proche de « columns »)"),
        ("[columns]\nsorce = 'a'", "« sorce » inconnu (proche de « source »)"),
        ("[columns]\nsource = 3", "autre type"),
        ("[file]\nskip_lines = true", "autre type"),
        ("[vocabulary.drug]\na = 1", "\"valeur\" = \"code\""),
        ("[constants]\nsource = 'À COMPLÉTER'\nfamily='incident'\nkind='seizure'\noccurred_at='2024'", "à compléter"),
        ("[columns]\ncoordinates='c'\n[constants]\nsource='a'\nfamily='incident'\nkind='seizure'\noccurred_at='2024'",
         "order manque"),
        ("[quantity]\ncolumn = 'q'", "unit ou unit_column"),
        ("[quantity]\ncolumn = 'q'\nunit = 'boisseau'", "« boisseau » inconnu"),
    ],
)  # fmt: skip
def test_faults(text: str, words: str) -> None:
    with pytest.raises(MappingError) as told:
        parse_mapping(text, "essai")
    assert words in str(told.value)


def test_a_mapping_that_does_not_fit_its_file(tmp_path: Path) -> None:
    with pytest.raises(MappingError, match=r"« quand » absente du fichier \(proche de « Quant »\).*autre"):
        load(tmp_path, "Quant;autre\n2024-01-01;2\n")
    with pytest.raises(MappingError, match="Mapping illisible"):
        read_mapping(tmp_path / "absent.toml")


def test_a_corrected_mapping_is_another_reader(tmp_path: Path) -> None:
    one = parse_mapping(MINIMAL.format(columns="", rest=""), "essai")
    two = parse_mapping(MINIMAL.format(columns="", rest="[dates]\ntime_zone = 'UTC'"), "essai")
    assert one.reader != two.reader


@pytest.mark.parametrize(
    ("given", "kg"),
    [("1 250,5", 1250.5), ("1\u202f250,5", 1250.5), ("1\u00a0250", 1250), ("0,05", 0.05), ("12.5", 12.5)],
)
def test_french_numbers(tmp_path: Path, given: str, kg: float) -> None:
    rest = '[file]\ndecimal = ","\nthousands = " "\n'
    result = load(tmp_path, f"quand;q\n2024-01-01;{given}\n", 'quantity_kg = "q"', rest)
    assert [row["quantity_kg"] for row in result.rows] == [kg]


@pytest.mark.parametrize(
    ("order", "given", "decimal"),
    [
        ("lat, lon", "43.6, 1.44", "."), ("lon, lat", "1.44,43.6", "."), ("lat, lon", "43.6 1.44", "."),
        ("lat, lon", "[43.6; 1.44]", "."), ("lat, lon", "43,6; 1,44", ","), ("lat, lon", "43,6 1,44", ","),
        ("lat, lon", "43,6, 1,44", ","),
    ],
)  # fmt: skip
def test_two_coordinates_in_one_field(tmp_path: Path, order: str, given: str, decimal: str) -> None:
    rest = f'[place]\norder = "{order}"\n[file]\ndecimal = "{decimal}"\nseparator = "|"\n'
    result = load(tmp_path, f"quand|c\n2024-01-01|{given}\n2024-01-01|\n2024-01-01|ici\n", 'coordinates = "c"', rest)
    assert [(row["longitude"], row["latitude"], row["commune"]) for row in result.rows] == [
        (1.44, 43.6, "31555"),
        (None, None, None),
    ]
    assert [(r["line"], r["given"]) for r in result.refusals] == [(4, "ici")]


@given(st.floats(-4.5, 8), st.floats(42.5, 50.5))
def test_lambert_93_and_back(lng: float, lat: float) -> None:
    from data.coordinates import outside_area, to_wgs_84, transformer

    x, y = Transformer.from_crs("EPSG:4326", "EPSG:2154", always_xy=True).transform([lng], [lat])
    crs = transformer("EPSG:2154")
    position = to_wgs_84(crs, x, y)
    assert position.longitude[0] == pytest.approx(lng, abs=1e-7)
    assert position.latitude[0] == pytest.approx(lat, abs=1e-7)
    assert not outside_area(crs, position).any()


def test_degrees_declared_as_metres_are_refused(tmp_path: Path) -> None:
    columns, rest = 'longitude = "x"\nlatitude = "y"', '[place]\ncrs = "EPSG:2154"'
    result = load(tmp_path, "quand;x;y\n2024-01-01;1.44;43.6\n2024-01-01;574357;6279642\n", columns, rest)
    assert [row["commune"] for row in result.rows] == ["31555"]
    assert "hors de la zone" in result.messages[0]


def test_unknown_words_and_units_are_refused_not_guessed(tmp_path: Path) -> None:
    columns = 'drug = "p"'
    rest = '[quantity]\ncolumn = "q"\nunit_column = "u"\n[vocabulary.drug]\n"shit" = "cannabis_resin"\n"?" = ""'
    text = "quand;p;q;u\n2024-01-01;SHIT;2;kg\n2024-01-01;?;3;pochon\n2024-01-01;neige;;\n"
    result = load(tmp_path, text, columns, rest)
    assert [(row["drug"], row["quantity_kg"]) for row in result.rows] == [("cannabis_resin", 2)]
    assert [(r["line"], r["field"]) for r in result.refusals] == [(3, "quantity_unit"), (4, "drug")]


def test_any_other_value_and_skipped_lines(tmp_path: Path) -> None:
    rest = '[file]\nskip_lines = 2\n[vocabulary.drug]\n"*" = "other_drug"'
    result = load(tmp_path, "Export du 3 mai\n;;\nquand;p\n2024-01-01;truc\n2024-13-01;x\n", 'drug = "p"', rest)
    assert [(row["drug"], row["drug_label"]) for row in result.rows] == [("other_drug", "truc")]
    assert (result.event_lines, [r["line"] for r in result.refusals]) == ([4], [5])


def test_a_wrong_separator_or_encoding_is_told(tmp_path: Path) -> None:
    with pytest.raises(MappingError, match="Colonne « quand » absente"):
        load(tmp_path, "quand;q\n2024-01-01;1\n", rest='[file]\nseparator = ","')
    from data.errors import UnreadableFileError

    with pytest.raises(UnreadableFileError, match="n'est pas en utf-8"):
        load(tmp_path, "quand;été\n2024-01-01;é\n", rest='[file]\nencoding = "utf-8"', encoding="cp1252")


def test_personal_columns_are_refused_even_when_the_mapping_does_not_read_them(tmp_path: Path) -> None:
    with pytest.raises(PersonalDataError, match="« NOM »"):
        load(tmp_path, "quand;NOM\n2024-01-01;Durand\n")
