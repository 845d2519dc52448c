"""Recorded crime: the published figures as they were published."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from data.errors import UnreadableFileError
from data.readers import Options, open_source
from tests.data.files import TODAY, Outcome, outcome

TRAFFICKING = "Trafic de stupéfiants"


def figures(result: Outcome, territory: str, year: int, indicator: str) -> list[object]:
    return [
        row["value"]
        for row in result.rows
        if (row["territory"], row["year"], row["indicator"]) == (territory, year, indicator)
    ]


@pytest.mark.dataset
@pytest.mark.parametrize(
    ("name", "lines", "release"),
    [
        ("ssmsi-departements-2016-2024-original.csv", 16_362, date(2025, 6, 4)),
        ("ssmsi-departements-2016-2025.csv", 18_180, date(2026, 1, 22)),
    ],
)
def test_departements(datasets: Path, name: str, lines: int, release: date) -> None:
    result = outcome(datasets / name)
    assert (result.lines, len(result.rows), result.refusals) == (lines, lines, [])
    assert figures(result, "13", 2024, TRAFFICKING) == [4320]
    territories = {str(row["territory"]) for row in result.rows}
    assert len(territories) == 101
    assert {"01", "2A", "2B", "976"} <= territories
    assert {row["release"] for row in result.rows} == {release}
    assert {row["territory_kind"] for row in result.rows} == {"departement"}


@pytest.mark.dataset
def test_population_millesime_is_kept(datasets: Path) -> None:
    rows = outcome(datasets / "ssmsi-departements-2016-2024-original.csv").rows
    assert {row["population_year"] for row in rows if row["territory"] == "976"} == {2017}
    assert {row["population_year"] for row in rows if row["year"] == 2024 and row["territory"] == "13"} == {2022}


@pytest.mark.dataset
def test_old_layout(datasets: Path) -> None:
    result = outcome(datasets / "ssmsi-departements-2016-2022-ancien-format.csv")
    assert (result.lines, result.refusals) == (8_484, [])
    assert {row["year"] for row in result.rows} == set(range(2016, 2023))
    assert figures(result, "01", 2016, "Coups et blessures volontaires") == [1437]
    assert not any("stupéfiants" in str(row["indicator"]) for row in result.rows)
    assert {row["release"] for row in result.rows} == {date(2023, 2, 9)}


@pytest.mark.dataset
def test_communes_of_haute_garonne(datasets: Path) -> None:
    result = outcome(datasets / "ssmsi-communes-haute-garonne-2016-2024.csv")
    assert (result.lines, result.refusals) == (7_358, [])
    assert figures(result, "31555", 2016, TRAFFICKING) == [549]
    assert figures(result, "31555", 2024, TRAFFICKING) == [1296]
    assert sum(row["indicator"] == TRAFFICKING for row in result.rows) == 44
    assert all(row["value"] != 0 for row in result.rows)  # what is absent is zero or withheld: no row, no zero


@pytest.mark.dataset
def test_populations_alone_are_refused_clearly(datasets: Path) -> None:
    with pytest.raises(UnreadableFileError, match="ne contient que des populations"):
        open_source(datasets / "ssmsi-communes-haute-garonne-populations.csv")


NATIONAL = (
    '"CODGEO_2025";"annee";"indicateur";"unite_de_compte";"nombre";"taux_pour_mille";"est_diffuse";"insee_pop";'
    '"insee_pop_millesime";"insee_log";"insee_log_millesime";"complement_info_nombre";"complement_info_taux"'
)
LINES = [
    '"31555";"2024";"Trafic de stupéfiants";"Mis en cause";"1296";"2,5";"diff";"511684";"2022";"3";"2022";"NA";"NA"',
    '"31003";"2024";"Trafic de stupéfiants";"Mis en cause";"NA";"NA";"ndiff";"1326";"2022";"600";"2022";"0,5";"0,3"',
    '"13201";"2024";"Trafic de stupéfiants";"Mis en cause";"0";"0";"diff";"40000";"2022";"1";"2022";"NA";"NA"',
    '"2A004";"24";"Trafic de stupéfiants";"Mis en cause";"7";"0";"diff";"70000";"22";"1";"22";"NA";"NA"',
]


def national(path: Path, *lines: str) -> Path:
    path.write_text("\n".join([NATIONAL, *lines]) + "\n", encoding="utf-8-sig")
    return path


def test_national_communes_keep_withheld_apart_from_zero(tmp_path: Path) -> None:
    path = national(tmp_path / "donnee-data.gouv-2024-geographie2025-produit-le2025-06-04.csv", *LINES)
    result = outcome(path)
    assert [(row["value"], row["disclosed"]) for row in result.rows] == [
        (1296, "disclosed"), (None, "withheld"), (0, "disclosed"), (7, "disclosed"),
    ]  # fmt: skip
    assert [row["territory_kind"] for row in result.rows] == ["commune", "commune", "arrondissement", "commune"]
    assert [(row["year"], row["population_year"]) for row in result.rows] == [(2024, 2022)] * 4
    assert open_source(path).assumed.get("release") is None


def test_impossible_figures_are_refused(tmp_path: Path) -> None:
    bad = [
        LINES[0].replace("31555", "1"),
        LINES[0].replace('"1296"', '"-3"'),
        LINES[0].replace('"1296"', '"NA"'),
        LINES[0].replace('"diff"', '"peut-être"'),
        LINES[0].replace('"2024"', '"deux mille"', 1),
    ]
    result = outcome(national(tmp_path / "produit-le2025-06-04.csv", *bad))
    assert result.rows == []
    assert [(r["line"], r["field"]) for r in result.refusals] == [
        (2, "territory"), (3, "value"), (4, "value"), (5, "disclosed"), (6, "year"),
    ]  # fmt: skip


def test_a_release_is_never_invented(tmp_path: Path) -> None:
    path = national(tmp_path / "communes.csv", LINES[0].replace('"2024"', '"2031"', 1))
    with pytest.raises(UnreadableFileError, match=r"Date de publication inconnue.*2031"):
        open_source(path)
    stated = outcome(path, options=Options(release=date(2032, 6, 1), today=TODAY))
    assert [row["release"] for row in stated.rows] == [date(2032, 6, 1)]
    known = national(tmp_path / "autre.csv", *LINES)
    assert open_source(known).assumed == {"release": "2025-06-04"}
