"""INSEE's urban units and attraction areas, read from its own tables of 2022 in terms of today's communes."""

from __future__ import annotations

import shutil
from pathlib import Path

import pandas as pd
import pytest

from data.errors import ReferenceListError
from data.geography import Geography
from data.lists import copy_lists
from data.query import Territory
from data.reference import FOLDER
from data.zonings import COMMUNES_FILE, ZONES_FILE, Zoning, read_successors, read_zoning_table, read_zonings

COMMUNES_2022 = "insee-communes-2022-uu2020-aav2020.csv"
ZONES_2022 = "insee-zones-supra-communales-2022.csv"
COG_2025 = "insee-cog-communes-2025.csv.gz"
# Merged without leaving a delegated commune (datasets' README).
WITHOUT_SUCCESSOR = (
    "02311", "08300", "16238", "18131", "25297", "26371", "27058", "42072", "71131", "72287", "95282",
)  # fmt: skip
TABLE = "CODGEO;LIBGEO;UU2020;AAV2020\n"


@pytest.fixture(scope="module")
def communes() -> set[str]:
    return set(pd.read_parquet(FOLDER / "communes.parquet", columns=["code"])["code"])


@pytest.fixture(scope="module")
def of_2022(communes: set[str], datasets: Path) -> tuple[Zoning, ...]:
    return read_zoning_table(datasets / COMMUNES_2022, communes, {}, datasets / ZONES_2022, datasets / COG_2025)


def small(tmp_path: Path, rows: str, communes: set[str], successors: dict[str, str] | None = None) -> Zoning:
    """The urban units of a table of a few lines."""
    path = tmp_path / "table.csv"
    path.write_text(TABLE + rows, encoding="utf-8")
    return read_zoning_table(path, communes, successors or {})[0]


@pytest.mark.dataset
def test_counts_of_2022(of_2022: tuple[Zoning, ...]) -> None:
    units, areas = of_2022
    assert (units.kind, areas.kind) == ("urban_unit", "attraction_area")
    assert len(units.names) == 2_467
    assert len(areas.names) == 699
    assert units.lines == areas.lines == 34_955
    assert units.lost == areas.lost == WITHOUT_SUCCESSOR


@pytest.mark.dataset
def test_every_line_is_accounted_for(of_2022: tuple[Zoning, ...], datasets: Path) -> None:
    """27,377 and 8,928 lines lie outside any zone; 11 of them all have no successor."""
    table = pd.read_csv(datasets / COMMUNES_2022, sep=";", dtype="str")
    lost = table[table["CODGEO"].isin(WITHOUT_SUCCESSOR)]
    units, areas = of_2022
    assert units.outside + lost["UU2020"].str.endswith("000").sum() == 27_377
    assert areas.outside + (lost["AAV2020"] == "000").sum() == 8_928
    for zoning, column in ((units, "UU2020"), (areas, "AAV2020")):
        inside_lost = (~lost[column].str.endswith("000")).sum()
        in_a_zone = zoning.lines - zoning.outside - len(zoning.lost)
        assert in_a_zone + inside_lost == (~table[column].str.endswith("000")).sum()


@pytest.mark.dataset
def test_names_and_leading_zeros(of_2022: tuple[Zoning, ...]) -> None:
    units, areas = of_2022
    assert units.names["00851"] == "Paris"
    assert areas.names["001"] == "Paris"
    assert not any(code.endswith("000") for code in units.names)
    paris = {commune for code, commune in zip(units.codes, units.communes, strict=True) if code == "00851"}
    assert {"75056", "93066", "92050"} <= paris


@pytest.mark.dataset
def test_every_commune_of_today_is_in_one_zone_at_most(of_2022: tuple[Zoning, ...], communes: set[str]) -> None:
    for zoning in of_2022:
        assert len(set(zoning.communes)) == len(zoning.communes)
        assert set(zoning.communes) <= communes
        # Separated since 2022: the table speaks of the whole they were part of. New codes of a merger are covered.
        assert {"15031", "15035", "15047", "15171"} <= set(zoning.uncovered)
        assert len(zoning.uncovered) <= 12


@pytest.mark.dataset
def test_imported_zonings_are_territories(datasets: Path, tmp_path: Path) -> None:
    copy_lists(tmp_path)
    shutil.copyfile(datasets / COMMUNES_2022, tmp_path / COMMUNES_FILE)
    shutil.copyfile(datasets / ZONES_2022, tmp_path / ZONES_FILE)
    known = Geography(tmp_path)
    assert len(known.territories("attraction_area")) == 699
    assert known.name(Territory("urban_unit", "00851")) == "Paris"
    # INSEE counts 10.8 million inhabitants in the urban unit of Paris (2020).
    units = known.territories("urban_unit").set_index("code")
    assert units.loc["00851", "population"] == pytest.approx(10.8e6, rel=0.03)
    assert {membership.kind for membership in known.memberships()} >= {"urban_unit", "attraction_area"}
    marseille = known.perimeter(Territory("attraction_area", "003"))
    assert marseille.area > known.perimeter(Territory("commune", "13055")).area


def test_outside_is_no_zone(tmp_path: Path) -> None:
    zoning = small(tmp_path, "01001;A;01000;000\n01002;B;01101;001\n", {"01001", "01002"})
    assert (zoning.codes, zoning.communes, zoning.outside) == (("01101",), ("01002",), 1)
    assert zoning.names == {"01101": "01101"}  # no names given: the code


def test_merged_communes_take_the_zone_of_their_namesake(tmp_path: Path) -> None:
    rows = "01001;A;01101;001\n01002;B;01102;001\n01003;C;01000;000\n"
    zoning = small(tmp_path, rows, {"01002"}, {"01001": "01002", "01003": "01002"})
    assert (zoning.codes, zoning.communes) == (("01102",), ("01002",))
    assert zoning.divided == ("01002",)
    assert (zoning.moved, zoning.outside, zoning.lost) == (1, 1, ())


def test_unknown_communes_are_reported(tmp_path: Path) -> None:
    zoning = small(tmp_path, "01001;A;01101;001\n99999;X;01101;001\n", {"01001", "01002"})
    assert zoning.lost == ("99999",)
    assert zoning.uncovered == ("01002",)


def test_absent_table_is_no_zoning(tmp_path: Path) -> None:
    assert read_zonings(tmp_path, set(), {}) == ()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"CODGEO;LIBGEO;UU2020\n01001;A;01101\n", r"colonne\(s\) absente\(s\) : AAV2020"),
        (b"CODGEO,LIBGEO,UU2020,AAV2020\n01001,A,01101,001\n", r"absente\(s\) : CODGEO, UU2020, AAV2020"),
        (TABLE.encode() + b"01001;A;01101;001\n01001;A;01101;001\n", r"commune\(s\) répétée\(s\) : 01001"),
        (TABLE.encode() + "01001;Bény;01101;001\n".encode("cp1252"), r"table\.csv : fichier illisible"),
        (b"", r"table\.csv : fichier illisible"),
    ],
)
def test_not_that_table(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "table.csv"
    path.write_bytes(content)
    with pytest.raises(ReferenceListError, match=message):
        read_zoning_table(path, {"01001"}, {})


@pytest.mark.dataset
def test_successors_of_the_official_code(datasets: Path) -> None:
    successors = read_successors(datasets / COG_2025)
    assert successors["59248"] == "59183"  # Fort-Mardyck, associated with Dunkerque
    assert "12218" not in successors  # a delegated commune with the code of its commune of today
