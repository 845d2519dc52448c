"""The lists a user may edit: the packaged ones, and every way to get them wrong."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.errors import ReferenceListError
from data.lists import (
    ANTENNAS,
    CROSS,
    JURISDICTIONS,
    Lists,
    ListsError,
    copy_lists,
    known_codes,
    lists_folder,
    read_lists,
    valid_since,
)
from data.reference import FOLDER

SEATS_OF_2021 = {
    "2A004", "33063", "97302", "21231", "97209", "59350", "69123", "13055", "45234", "98735", "35238", "97411", "67482",
    "78646",
}  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    copy_lists(tmp_path / "listes")
    return tmp_path / "listes"


@pytest.fixture(scope="module")
def packaged() -> Lists:
    return read_lists(FOLDER)


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8-sig")
    assert old in text, f"nothing to edit: {old}"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def faults(folder: Path) -> list[str]:
    with pytest.raises(ListsError) as caught:
        read_lists(folder)
    return [str(fault) for fault in caught.value.faults]


# ---- the packaged lists


def test_sixteen_antennas_with_every_departement_once(packaged: Lists) -> None:
    assert len(packaged.antennas) == 16
    times = Counter(code for antenna in packaged.antennas for code in antenna.departements)
    departements = set(pd.read_parquet(FOLDER / "departements.parquet", columns=["code"])["code"])
    assert set(times) == departements | {"975", "977", "978", "986", "987", "988"}
    assert set(times.values()) == {1}


@pytest.mark.dataset
def test_published_seats_are_those_of_the_press(packaged: Lists, datasets: Path) -> None:
    press = pd.read_csv(datasets / "ofast-antennes-2021.csv", sep=";", dtype="str")
    published = {antenna.seat for antenna in packaged.antennas if antenna.basis == "published"}
    assert published == set(press["code_insee_siege"]) == SEATS_OF_2021
    assert {antenna.code for antenna in packaged.antennas if antenna.basis == "assumed"} == {
        "guadeloupe",
        "saint-martin",
    }


def test_jurisdictions_are_all_assumed(packaged: Lists) -> None:
    assert all(antenna.assumed for antenna in packaged.antennas)


def test_antennas_sit_in_their_jurisdiction(packaged: Lists) -> None:
    for antenna in packaged.antennas:
        start = antenna.seat[: 3 if antenna.seat.startswith(("97", "98")) else 2]
        assert start in antenna.departements


def test_cross(packaged: Lists) -> None:
    assert Counter(cross.status for cross in packaged.cross) == {"operating": 28, "installing": 3}
    since = {cross.code: cross.since for cross in packaged.cross if cross.since}
    assert since == {"marseille": "2015", "lille": "2018-01"}
    assert all(cross.assumed for cross in packaged.cross)


def test_urban_areas_do_not_overlap_and_hold_their_seat(packaged: Lists) -> None:
    codes = [code for cross in packaged.cross for code in cross.area]
    assert len(codes) == len(set(codes))
    epci = pd.read_parquet(FOLDER / "communes.parquet", columns=["code", "epci"]).set_index("code")["epci"]
    assert [cross.code for cross in packaged.cross if epci[cross.seat] not in cross.area] == []


# ---- editing


def test_copy_then_edit(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    edit(
        folder / CROSS,
        "reims;Reims;51454;200067213;installing;;",
        "reims;Reims;51454;51454|51108;operating;2024-09-01;",
    )
    monkeypatch.setenv("HEXACROSS_LISTS", str(folder))
    assert lists_folder() == folder
    reims = next(cross for cross in read_lists().cross if cross.code == "reims")
    assert (reims.area, reims.status, reims.since) == (("51454", "51108"), "operating", "2024-09-01")


def test_copy_never_replaces(folder: Path) -> None:
    (folder / CROSS).unlink()
    with pytest.raises(ReferenceListError, match=r"contient déjà antennas\.csv, antenna_departements\.csv"):
        copy_lists(folder)
    assert not (folder / CROSS).exists()


def test_spaces_blank_lines_and_own_columns_are_welcome(folder: Path) -> None:
    lines = (folder / CROSS).read_text(encoding="utf-8-sig").splitlines()
    spaced = [line + (" ; memo " if number == 0 else " ; à voir ") for number, line in enumerate(lines)]
    (folder / CROSS).write_text("\r\n".join([spaced[0], ";" * 8, *spaced[1:], "", " "]), encoding="utf-8-sig")
    assert len(read_lists(folder).cross) == 31


# ---- what is refused: (file, what was there, what is put there, what the message must say)
BAD: list[tuple[str, str, str, str]] = [
    (JURISDICTIONS, "ajaccio;2A;", "ajaccio;2C;", "ligne 2 : code inconnu « 2C » : attendu un code de département"),
    (JURISDICTIONS, "ajaccio;2A;", "ajaccio;2C;", "antenna_departements.csv : département 2A dans aucun ressort"),
    (JURISDICTIONS, "ajaccio;2A;", "ajaccio;13;", "département 13 déjà dans le ressort de ajaccio (ligne 2)"),
    (JURISDICTIONS, "ajaccio;2A;", "bastia;2A;", "antenne inconnue « bastia » : attendu un code de antennas.csv"),
    (ANTENNAS, "bordeaux;Bordeaux;33063", "bordeaux;Bordeaux;33999", "ligne 3 : code inconnu « 33999 »"),
    (ANTENNAS, "bordeaux;Bordeaux", "ajaccio;Bordeaux", "ligne 3 : code « ajaccio » déjà donné à la ligne 2"),
    (ANTENNAS, "bordeaux;Bordeaux", "Bordeaux Sud;Bordeaux", "code « Bordeaux Sud » : attendu minuscules"),
    (ANTENNAS, ";published", ";sure", "basis « sure » : attendu published | assumed"),
    (ANTENNAS, "bordeaux;Bordeaux;", "bordeaux;;", "ligne 3 : colonne name vide"),
    (ANTENNAS, "code;name;seat;source;basis", "code;nom;seat;source;basis", "colonne(s) absente(s) : name. Attendu"),
    (ANTENNAS, "code;name;seat;source;basis", "code,name,seat,source,basis", "séparées par des points-virgules"),
    (CROSS, "200093201;operating", "200093209;operating", "ligne 3 : code inconnu « 200093209 »"),
    (CROSS, "200093201;operating", "59183|59248;operating", "commune 59248 fusionnée depuis : attendu 59183"),
    (CROSS, "200093201;operating", "59350|59350;operating", "code « 59350 » deux fois dans la même zone"),
    (CROSS, "operating;2018-01", "active;2018-01", "status « active » : attendu operating | installing"),
    (CROSS, "operating;2018-01", "operating;2018-13", "date « 2018-13 » : attendu AAAA, AAAA-MM ou AAAA-MM-JJ"),
    (CROSS, "operating;2018-01", "operating;2999", "date « 2999 »"),
    (CROSS, "operating;2018-01", "operating;01/2018", "date « 01/2018 »"),
    (CROSS, "lille;Lille;", "lille;Lille;;", "ligne 3 : 9 colonnes : attendu 8"),
]


@pytest.mark.parametrize(("file", "old", "new", "message"), BAD)
def test_refused(folder: Path, file: str, old: str, new: str, message: str) -> None:
    edit(folder / file, old, new)
    found = faults(folder)
    assert any(message in fault for fault in found), found
    assert all(fault.startswith(file) for fault in found) or file == ANTENNAS


def test_every_fault_at_once_in_the_order_of_the_files(folder: Path) -> None:
    edit(folder / CROSS, "operating;2018-01", "active;hier")
    edit(folder / ANTENNAS, "33063", "33999")
    found = faults(folder)
    assert [fault.split(",")[0] for fault in found] == [ANTENNAS, CROSS, CROSS]
    with pytest.raises(ReferenceListError, match=r"refusées, 3 anomalie\(s\)"):
        read_lists(folder)


BROKEN: list[tuple[str, Callable[[Path], object], str]] = [
    ("missing", lambda path: path.unlink(), "cross.csv : fichier illisible"),
    ("empty", lambda path: path.write_bytes(b""), "colonne(s) absente(s) : code, name"),
    ("spreadsheet's own encoding", lambda path: recode(path, "cp1252"), "ligne 2 : octet e9 illisible"),
    ("binary", lambda path: path.write_bytes(b"PK\x03\x04\xff\xfe\x00"), "octet ff illisible"),
    ("a folder", lambda path: (path.unlink(), path.mkdir()), "cross.csv : fichier illisible"),
]


def recode(path: Path, encoding: str) -> None:
    path.write_text(path.read_text(encoding="utf-8-sig"), encoding=encoding)


@pytest.mark.parametrize(("breaking", "message"), [row[1:] for row in BROKEN], ids=[row[0] for row in BROKEN])
def test_broken_file(folder: Path, breaking: Callable[[Path], object], message: str) -> None:
    breaking(folder / CROSS)
    found = faults(folder)
    assert len(found) == 1
    assert message in found[0]


def test_no_antenna_at_all_is_not_sixteen_unknown_ones(folder: Path) -> None:
    """Without a jurisdiction file, 107 départements are not reported one by one: the one cause is."""
    (folder / JURISDICTIONS).unlink()
    assert len(faults(folder)) == 1


@pytest.mark.parametrize(
    ("text", "valid"),
    [("", True), ("2015", True), ("2018-01", True), ("2024-02-29", True), ("2023-02-29", False), ("15", False),
     ("2018-1", False), ("9999-12", False), ("vers 2018", False)],
)  # fmt: skip
def test_since(text: str, *, valid: bool) -> None:
    assert valid_since(text) is valid


@given(st.dates(max_value=pd.Timestamp("2025-01-01").date(), min_value=pd.Timestamp("1900-01-01").date()))
def test_past_days_months_and_years_are_valid(day: object) -> None:
    assert all(valid_since(str(day)[:length]) for length in (4, 7, 10))


def test_known_codes() -> None:
    codes = known_codes()
    assert (len(codes.communes), len(codes.epci), len(codes.jurisdictions)) == (34_875, 1_253, 107)
    assert "98735" in codes.seats
    assert "98735" not in codes.communes
