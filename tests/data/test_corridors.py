"""Corridors of all UNODC seizures: every one counted, whatever it says of its ends."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from data.countries import country_code
from geo.corridors import UNKNOWN, Corridors, Ends, Evidence, Seizures, Stage, corridors, legs

COLUMNS = ["COUNTRY", "SEIZURE_DATE", "DRUG_NAME", "AMOUNT", "DRUG_UNIT", "TRANSPORT", "PRODUCING_COUNTRY",
           "DEPARTURE_COUNTRY", "DESTINATION_COUNTRY"]  # fmt: skip
RECORDS = 311_038


@pytest.fixture(scope="module")
def table(datasets: Path) -> pd.DataFrame:
    path = datasets / "unodc-ids-2011-2016.csv.gz"
    return pd.read_csv(path, sep=";", dtype="str", usecols=COLUMNS, keep_default_na=False)


@pytest.fixture(scope="module")
def codes(table: pd.DataFrame) -> dict[str, int]:
    """Names of countries → numbers; -1: no country, or none any more."""
    names = pd.unique(table[[name for name in COLUMNS if "COUNTRY" in name]].to_numpy().ravel())
    found = {name: country_code(name) for name in names}
    number = {code: place for place, code in enumerate(sorted({code for code in found.values() if code}))}
    return {name: number[code] if code else UNKNOWN for name, code in found.items()}


@pytest.fixture(scope="module")
def seizures(table: pd.DataFrame, codes: dict[str, int]) -> Seizures:
    def country(column: str) -> NDArray[np.int64]:
        return table[column].map(codes).to_numpy(np.int64)

    def label(column: str) -> NDArray[np.int64]:
        return pd.factorize(table[column])[0].astype(np.int64)

    nowhere, once = np.full(len(table), UNKNOWN), np.ones(len(table), np.int64)
    kg = weights(table)
    year = table["SEIZURE_DATE"].str[:4].astype(np.int64).to_numpy()
    return Seizures(country("PRODUCING_COUNTRY"), country("DEPARTURE_COUNTRY"), nowhere, country("DESTINATION_COUNTRY"),
                    country("COUNTRY"), label("DRUG_NAME"), label("TRANSPORT"), year, once, kg,
                    (~np.isnan(kg)).astype(np.int64))  # fmt: skip


def weights(table: pd.DataFrame) -> NDArray[np.float64]:
    """Kilograms and grams alone; other units are none."""
    unit = table["DRUG_UNIT"].map({"Kilogram": 1.0, "Gram": 0.001}).to_numpy(np.float64)
    return pd.to_numeric(table["AMOUNT"], errors="coerce").to_numpy(np.float64) * unit


def counted(found: Corridors, ends: Ends) -> int:
    return int(found.seizures[found.ends == ends].sum())


@pytest.mark.dataset
def test_totals_are_those_of_the_seizures(seizures: Seizures, table: pd.DataFrame) -> None:
    kg = weights(table)
    for found in (corridors(seizures), corridors(seizures, ("drug", "mode", "year")), *legs(seizures).values()):
        if len(found.seizures) == 0:  # the file has no transit country
            continue
        assert found.seizures.sum() == RECORDS
        assert found.weighed.sum() == np.isfinite(kg).sum()
        assert np.nansum(found.kg) == pytest.approx(np.nansum(kg), rel=1e-12)
    assert len(legs(seizures)[Stage.OUT].seizures) == 0


@pytest.mark.dataset
def test_ends_are_those_that_a_grouping_of_names_gives(seizures: Seizures, table: pd.DataFrame) -> None:
    """What the file writes in four ways for "not known", and ends that are equal, by pandas on the names."""
    code = {
        name: country_code(name)
        for name in pd.unique(table[["DEPARTURE_COUNTRY", "DESTINATION_COUNTRY"]].to_numpy().ravel())
    }
    departure, destination = table["DEPARTURE_COUNTRY"].map(code), table["DESTINATION_COUNTRY"].map(code)
    found = corridors(seizures)
    both = departure.notna() & destination.notna()
    assert counted(found, Ends.TWO) == (both & (departure != destination)).sum() == 12_279
    assert counted(found, Ends.SAME) == (both & (departure == destination)).sum()
    assert counted(found, Ends.NO_ORIGIN) == (departure.isna() & destination.notna()).sum()
    assert counted(found, Ends.NO_DESTINATION) == (departure.notna() & destination.isna()).sum()
    assert counted(found, Ends.NEITHER) == (departure.isna() & destination.isna()).sum()


@pytest.mark.dataset
def test_what_is_bound_for_france_is_what_ecuador_reports(
    table: pd.DataFrame, seizures: Seizures, codes: dict[str, int]
) -> None:
    """1,230 rows are bound for France, and 1,011 of them were seized in Ecuador, which tells no departure."""
    france, ecuador = codes["France"], codes["Ecuador"]
    found = corridors(seizures)
    assert found.seizures[found.destination == france].sum() == 1_230
    apart = (found.destination == france) & (found.ends == Ends.NO_ORIGIN)
    assert (found.main_reporter[apart].item(), found.from_main[apart].item()) == (ecuador, 1_011)
    seized = corridors(seizures, start="reporter")
    bound = np.flatnonzero((seized.destination == france) & (seized.origin == ecuador))
    assert bound[0] == np.flatnonzero(seized.destination == france)[0]  # the widest by number
    assert seized.seizures[bound].tolist() == seized.weighed[bound].tolist() == [1_011]
    assert seized.reporters[bound].tolist() == [1]
    assert seized.evidence[bound].tolist() == [Evidence.SOME]
    rows = ((table["DESTINATION_COUNTRY"] == "France") & (table["COUNTRY"] == "Ecuador")).to_numpy()
    assert seized.kg[bound] == pytest.approx([weights(table)[rows].sum()])
