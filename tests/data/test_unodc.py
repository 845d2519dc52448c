"""The UNODC's individual seizures: every record accounted for, nothing made up."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from data.readers import Options, open_source
from data.readers.unodc import COLUMNS
from data.readers.unodc_drugs import drug_code
from data.vocabulary import DRUGS
from tests.data.files import TODAY, Outcome, outcome


@pytest.fixture(scope="module")
def seizures(datasets: Path) -> Outcome:
    return outcome(datasets / "unodc-ids-2011-2016.csv.gz")


@pytest.mark.dataset
def test_every_record_is_accounted_for(seizures: Outcome) -> None:
    assert seizures.lines == 311_038
    assert seizures.identical == 44_229
    assert len({row["event_id"] for row in seizures.rows}) == len(seizures.rows)
    refused = {refusal["line"] for refusal in seizures.refusals}
    assert len(seizures.rows) + len(refused) == 311_038


@pytest.mark.dataset
def test_absurd_weights_are_refused_and_nothing_else_is(seizures: Outcome) -> None:
    """4,500 t of amphetamine in Bangkok, 400 t of coca leaf, 103 t more: above any seizure that ever was."""
    assert {(r["field"], r["given"]) for r in seizures.refusals} == {
        ("quantity_kg", "4500000"),
        ("quantity_kg", "400000"),
        ("quantity_kg", "103563"),
    }


@pytest.mark.dataset
def test_countries_drugs_and_days(seizures: Outcome) -> None:
    countries = Counter(row["country"] for row in seizures.rows)
    assert countries["CO"] == 194_533 - 1  # the 400 t of coca leaf
    assert countries["RU"] == 26_915
    assert countries["CZ"] == 162 + 61  # under two names
    assert countries[None] == 0
    assert sum(row["drug"] == "synthetic_cannabinoid" for row in seizures.rows) >= 1_755
    assert sum(row["drug"] == "cannabis" for row in seizures.rows) == 41
    assert Counter(str(row["day"])[:4] for row in seizures.rows)["2014"] >= 123_530 - 2
    assert all(row["hour"] is None and row["occurred_precision"] == "day" for row in seizures.rows)


@pytest.mark.dataset
def test_weights_volumes_and_counts_do_not_mix(seizures: Outcome) -> None:
    units = Counter(row["quantity_unit"] for row in seizures.rows)
    assert units["tablet"] == 2_803 + 116 + 2  # tablets, pills, thousands of tablets
    assert units["litre"] == 854 + 373 + 42 + 24 + 18 + 2
    assert units["square_metre"] == 42 + 1
    weighed = [row for row in seizures.rows if row["quantity_kg"] is not None]
    assert len(weighed) == 241_317 - 3 + 58_017 + 8 + 3 + 4 + 3 + 3 + 1 + 1 + 1
    assert all(row["quantity_units"] is None for row in weighed)
    assert sum(row["quantity_kg"] == 0 or row["quantity_units"] == 0 for row in seizures.rows) == 26


@pytest.mark.dataset
def test_places_have_the_precision_they_deserve(seizures: Outcome) -> None:
    precisions = Counter(row["place_precision"] for row in seizures.rows)
    assert precisions["point"] == precisions["street"] == 0
    assert precisions["commune"] > 200_000
    assert all((row["longitude"] is not None) == (row["place_precision"] == "commune") for row in seizures.rows)
    assert all(row["cell"] is None for row in seizures.rows)
    french = [row for row in seizures.rows if row["country"] == "FR"]
    assert len(french) == 211 + 1  # Martinique counts as a country there
    assert Counter(row["departement"] for row in french) == {"95": 186, "91": 25, "972": 1}  # Roissy, Orly, Martinique
    assert {row["service"] for row in french} == {None}


@pytest.mark.dataset
def test_routes(seizures: Outcome) -> None:
    to_france = [row for row in seizures.rows if row["destination_country"] == "FR"]
    assert len(to_france) == 1_230
    assert sum(row["country"] == "EC" for row in to_france) == 1_011
    assert {row["mode"] for row in seizures.rows} == {None, "air", "road", "sea", "rail", "post"}


LINE = "Europe;Western Europe;{country};;{place};2012-03-05;{drug};{amount};{unit};;;{transport};;;;"


def write(path: Path, *lines: dict[str, str]) -> Path:
    given = {"country": "France", "place": "", "drug": "Cocaine", "amount": "1.0", "unit": "Kilogram", "transport": ""}
    path.write_text("\n".join([";".join(COLUMNS), *(LINE.format(**(given | line)) for line in lines)]) + "\n")
    return path


def test_addresses_are_read_but_not_kept(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", {"place": "12 rue de la République"}, {"place": "Marseille"})
    result = outcome(path)
    assert [row["place_precision"] for row in result.rows] == ["country", "commune"]
    assert result.rows[1]["commune"] == "13055"
    assert "République" not in str(result.rows)


def test_option_drop_gives_identical_lines_one_name(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", {}, {}, {"amount": "2.0"})
    options = Options(repeated_lines="drop", today=TODAY)
    result = outcome(path, options=options)
    assert result.identical == 1
    assert len({row["event_id"] for row in result.rows}) == 2
    assert open_source(path, options=options).batch.reader != open_source(path).batch.reader


def test_unwritten_amount_is_unknown(tmp_path: Path) -> None:
    rows = outcome(write(tmp_path / "a.csv", {"amount": "", "unit": ""}, {"amount": "0.0"}, {"transport": "Land"})).rows
    assert (rows[0]["quantity_kg"], rows[0]["quantity_units"], rows[0]["quantity_unit"]) == (None, None, None)
    assert rows[1]["quantity_kg"] == 0
    assert rows[2]["mode"] is None


@pytest.mark.parametrize(
    ("label", "code"),
    [
        ("Cocaine HCL", "cocaine"), ("Cocaine Base", "coca"), ("Crack", "crack"), ("Ecstasy", "mdma"),
        ("Ephedrone", "cathinone"), ("Ephedrine", "precursor"), ("Methamphetamine", "methamphetamine"),
        ("4-Fluoroamphetamine", "amphetamine"), ("JWH-018", "synthetic_cannabinoid"), ("THC", "cannabis"),
        ("Clonazepam", "medicine"), ("3-Methylfentanyl", "opioid"), ("LSD", "hallucinogen"), ("Alcohol", "other_drug"),
        ("Unknown", None), ("  khat ", "khat"), ("Methoxetamine", "ketamine"), ("Poppy straw", "opium"),
    ],
)  # fmt: skip
def test_drugs(label: str, code: str | None) -> None:
    assert drug_code(label) == code
    assert code is None or code in DRUGS
