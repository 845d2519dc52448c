"""Names of places and countries, against the file that needs them most: UNODC's individual seizures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.countries import country_code, country_names
from data.gazetteer import (
    DOMINANCE,
    Found,
    Gazetteer,
    airport_key,
    gazetteer,
    keys_of,
    normalise,
    unambiguous,
)

SEIZURES = "unodc-ids-2011-2016.csv.gz"
NOT_A_COUNTRY = {"Multiple Countries", "Netherlands Antilles", "Other", "Unknown"}


@pytest.fixture(scope="module")
def seizures(datasets: Path) -> pd.DataFrame:
    return pd.read_csv(datasets / SEIZURES, sep=";", dtype="str", keep_default_na=False)


@pytest.fixture(scope="module")
def found(seizures: pd.DataFrame) -> Found:
    return gazetteer().find([country_code(name) for name in seizures["COUNTRY"]], seizures["PLACE"].to_list())


# ---- countries


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("France", "FR"), ("Czech Republic", "CZ"), ("Czechia", "CZ"), ("Libyan Arab Jamahiriya", "LY"),
        ("Macedonia, the former Yugoslav Republic of", "MK"), ("Swaziland", "SZ"), ("Iraq (Kurdistan Region)", "IQ"),
        ("Iraq (Central Iraq)", "IQ"), ("Kosovo under UNSCR 1244", "XK"), ("United Kingdom (England and Wales)", "GB"),
        ("Martinique", "MQ"), ("Guadeloupe", "GP"), ("French Guiana", "GF"), ("Réunion", "RE"), ("Namibia", "NA"),
        ("Congo", "CG"), ("Congo, the Democratic Republic of the", "CD"), ("Niger", "NE"), ("Nigeria", "NG"),
        ("Guinea", "GN"), ("Guinea-Bissau", "GW"), ("Equatorial Guinea", "GQ"), ("Papua New Guinea", "PG"),
        ("Korea, Democratic People's Republic of", "KP"), ("Korea, Republic of", "KR"), ("Dominica", "DM"),
        ("Dominican Republic", "DO"), ("Macau, SAR of China", "MO"), ("Taiwan, Province of China", "TW"),
        ("  GERMANY ", "DE"), ("Unknown", None), ("Other", None), ("", None), ("Netherlands Antilles", None),
        ("Multiple Countries", None), ("Atlantis", None),
    ],
)  # fmt: skip
def test_country_code(name: str, code: str | None) -> None:
    assert country_code(name) == code


@pytest.mark.dataset
def test_every_country_of_the_seizures_has_a_code(seizures: pd.DataFrame) -> None:
    columns = [column for column in seizures if column == "COUNTRY" or column.endswith("_COUNTRY")]
    names = set(pd.unique(seizures[columns].to_numpy().ravel())) - {""}
    assert len(columns) == 4
    assert len(names) == 193
    assert {name for name in names if country_code(name) is None} == NOT_A_COUNTRY


def test_numbers_of_countries() -> None:
    names = country_names()
    assert [names.iso2_of_number(number) for number in (4, 250, 578, 826, 300)] == ["AF", "FR", "NO", "GB", "GR"]
    assert names.iso2_of_number(999) is None


# ---- places


@pytest.mark.parametrize(
    ("country", "name", "lng", "lat"),
    [
        ("CO", "CALI", -76.52, 3.44), ("CO", " Bogotá, D.C.", -74.08, 4.61), ("CO", "BOGOTA D.C.", -74.08, 4.61),
        ("RU", " г. Балаково", 47.80, 52.03), ("RU", "Moscow city", 37.62, 55.75), ("AT", "Wien", 16.37, 48.21),
        ("ES", "Prat de Llobregat (El)", 2.09, 41.33), ("FR", "Charles de Gaulle", 2.55, 49.01),
        ("FR", "Orly-Paris", 2.36, 48.73), ("BO", "Santa Cruz", -63.18, -17.79), ("FR", "Marseille", 5.38, 43.30),
        ("CO", "BARRANQUILLA (Distrito Especial, Industrial y Portuario)", -74.78, 10.97),
    ],
)  # fmt: skip
def test_found(country: str, name: str, lng: float, lat: float) -> None:
    found = gazetteer().find([country], [name])
    assert (found.lng[0], found.lat[0]) == pytest.approx((lng, lat), abs=0.05)
    assert (found.precision[0], found.country[0]) == ("commune", country)


@pytest.mark.parametrize(
    ("country", "name"),
    [
        ("NZ", "International Airport"),  # says what it is, not which one
        ("CO", "Bolívar"),  # several, none clearly the largest
        ("CO", "Florida"),  # a town, and another name of the larger Floridablanca
        ("CO", "MAR PACIFICO"), ("EC", "CALLE JAPÓN N36-153 Y AV. NN.UU"), ("RU", "RDRempart"),
        ("DE", "Marseille"),  # of another country
        ("CO", ""), ("CO", "   "), ("CO", "г."), ("CO", "()"),
    ],
)  # fmt: skip
def test_not_found_keeps_its_country(country: str, name: str) -> None:
    found = gazetteer().find([country], [name])
    assert np.isnan(found.lng[0])
    assert np.isnan(found.lat[0])
    assert (found.precision[0], found.country[0]) == ("country", country)


def test_without_country_nothing_is_looked_up() -> None:
    found = gazetteer().find([None, ""], ["Marseille", "Cali"])
    assert np.isnan(found.lng).all()
    assert found.precision.tolist() == ["unknown", "unknown"]
    assert found.country.tolist() == [None, None]


def test_rows_keep_their_order() -> None:
    pairs = [("CO", "Cali"), ("FR", "Lyon"), (None, "Lyon"), ("CO", "Cali"), ("CO", None), ("FR", "Nulle-Part")]
    found = gazetteer().find([country for country, _name in pairs], [name for _country, name in pairs])
    assert found.precision.tolist() == ["commune", "commune", "unknown", "commune", "country", "country"]
    assert found.lng[0] == found.lng[3]
    assert found.lat[1] == pytest.approx(45.75, abs=0.05)
    assert len(gazetteer().find([], []).lng) == 0


@pytest.mark.dataset
def test_seizures(seizures: pd.DataFrame, found: Found) -> None:
    """Six in seven named places are found; the French ones are the two airports; the others say their country."""
    named = (seizures["PLACE"].str.strip() != "").to_numpy()
    at_town = found.precision == "commune"
    assert len(seizures) == 311_038
    assert not at_town[~named].any()
    assert at_town[named].mean() == pytest.approx(0.856, abs=0.01)
    france = (seizures["COUNTRY"] == "France").to_numpy()
    assert france.sum() == 211
    assert at_town[france].all()
    assert set(found.precision) == {"commune", "country"}


@pytest.mark.dataset
def test_the_largest_unfound_names(seizures: pd.DataFrame, found: Found) -> None:
    """What stays unfound is ambiguous, a district or province, an address, or a code: not a plain large town."""
    unfound = seizures[(found.precision == "country") & (seizures["PLACE"].str.strip() != "")]
    names = unfound["PLACE"].map(normalise).value_counts().head(12)
    assert set(names.index) == {
        "bolivar", "florida", "candelaria", "restrepo", "calima", "barbosa", "concordia", "crs", "palestina",
        "leningrad region st peterburg", "la union", "counties manukau",
    }  # fmt: skip


# ---- the rules


def test_keys() -> None:
    assert keys_of("CÚCUTA") == ["cucuta"]
    assert keys_of("Auckland City") == ["auckland city", "auckland"]
    assert keys_of("Calima (El Darién)") == ["calima el darien", "calima"]
    assert keys_of("") == keys_of("...") == []


@given(st.text())
def test_normalise_is_stable(name: str) -> None:
    once = normalise(name)
    assert normalise(once) == once
    assert normalise(f"  {name.upper()} ") == normalise(name.upper())


def test_airport_keys_forget_order_and_kind() -> None:
    assert airport_key("Orly-Paris") == airport_key("Paris-Orly Airport")
    assert airport_key("International Airport") == airport_key("") == ""


def towns(*rows: tuple[str, int, int, float]) -> pd.DataFrame:
    """Towns of one name at latitude 0: name's key, number, weight (population), longitude."""
    table = pd.DataFrame(rows, columns=["key", "place", "weight", "lng"])
    return table.assign(population=table["weight"], lat=0.0)


@pytest.mark.parametrize(
    ("rows", "longitude"),
    [
        ([("x", 1, 600, 1.0)], 1.0),  # alone, however small
        ([("x", 1, 50_000, 1.0), ("x", 2, 50_000 // DOMINANCE, 9.0)], 1.0),
        ([("x", 1, 50_000, 1.0), ("x", 2, 50_000 // DOMINANCE + 1, 9.0)], None),  # rivals
        ([("x", 1, 4_000, 1.0), ("x", 2, 100, 9.0)], None),  # two villages
        ([("x", 1, 50_000, 1.0), ("x", 2, 40_000, 1.1)], 1.0),  # 11 km apart: one place
    ],
)
def test_ambiguous_names(rows: list[tuple[str, int, int, float]], longitude: float | None) -> None:
    kept = unambiguous(towns(*rows, ("y", 3, 1_000, 5.0)))
    assert kept["key"].is_unique
    assert "y" in set(kept["key"])
    assert kept.set_index("key")["lng"].get("x") == longitude


def one_town() -> pd.DataFrame:
    return pd.DataFrame({"key": ["CO cali"], "lng": [1.0], "lat": [2.0]})


def test_unwritable_cache_is_no_obstacle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("HEXACROSS_CACHE", str(tmp_path / "file"))
    monkeypatch.setattr(
        "data.gazetteer.build_table", lambda: pd.DataFrame({"key": ["CO cali"], "lng": [1.0], "lat": [2.0]})
    )
    assert Gazetteer().find(["CO"], ["Cali"]).lat.tolist() == [2.0]


def test_damaged_cache_is_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEXACROSS_CACHE", str(tmp_path))
    monkeypatch.setattr(
        "data.gazetteer.build_table", lambda: pd.DataFrame({"key": ["CO cali"], "lng": [1.0], "lat": [2.0]})
    )
    assert Gazetteer().table.num_rows == 1
    (cached,) = tmp_path.iterdir()
    cached.write_bytes(cached.read_bytes()[:40])
    assert Gazetteer().table.num_rows == 1
    assert [path.name for path in tmp_path.iterdir()] == [cached.name]
