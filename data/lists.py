"""The reference lists a user may edit: OFAST antennas with their jurisdictions, and CROSS with their urban areas.

What the files keep to: `;` between columns, UTF-8, codes of INSEE (communes, départements) or SIREN (EPCI), and
in every row where it comes from (`source`) and whether that was published or is assumed (`basis`).
"""

from __future__ import annotations

import csv
import io
import os
import re
import shutil
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import lru_cache
from pathlib import Path

import pandas as pd

from data.errors import ReferenceListError
from data.reference import FOLDER
from geo.errors import N_, Message, Messages, message

ANTENNAS, JURISDICTIONS, CROSS = "antennas.csv", "antenna_departements.csv", "cross.csv"
COUNTS = "published_counts.csv"
COLUMNS: dict[str, tuple[str, ...]] = {
    ANTENNAS: ("code", "name", "seat", "source", "basis"),
    JURISDICTIONS: ("antenna", "departement", "source", "basis"),
    CROSS: ("code", "name", "seat", "area", "status", "since", "source", "basis"),
    COUNTS: ("subject", "date", "count", "source", "basis"),
}
OPTIONAL = {COUNTS}  # in a folder without it, the packaged one is read
MAY_BE_EMPTY = {"since", "date"}
BASES = ("published", "assumed")
STATUSES = ("operating", "installing")
SUBJECTS = ("operating", "installing", "antennas")
SEPARATOR = "|"  # between the codes of one cell
CODE = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
MOST_DIGITS = 6
PAST_DATE = N_("AAAA, AAAA-MM ou AAAA-MM-JJ, passée, ou rien")
SINCE = re.compile(r"\d{4}(-\d{2}(-\d{2})?)?")


@dataclass(frozen=True, slots=True)
class Antenna:
    """A territorial office of OFAST. `assumed`: its jurisdiction or its seat is not published."""

    code: str
    name: str
    seat: str  # commune
    departements: tuple[str, ...]  # and collectivités, by code
    source: str
    basis: str  # of the seat
    assumed: bool


@dataclass(frozen=True, slots=True)
class Cross:
    """A CROSS. `area`: codes of EPCI (9 digits) and communes (5 characters) of its urban area."""

    code: str
    name: str
    seat: str  # commune
    area: tuple[str, ...]
    status: str  # operating | installing
    since: str  # "", "2015", "2018-01" or "2018-01-31": as precisely as it is known
    source: str
    basis: str

    @property
    def assumed(self) -> bool:
        return self.basis == "assumed"


@dataclass(frozen=True, slots=True)
class PublishedCount:
    """How many a source says there are: CROSS `operating` or `installing`, or `antennas`. Sources contradict."""

    subject: str
    date: str  # as `Cross.since`; "": the source has none
    count: int
    source: str
    basis: str


@dataclass(frozen=True, slots=True)
class Lists:
    """The lists, valid: every code exists, every département is in exactly one jurisdiction."""

    antennas: tuple[Antenna, ...]
    cross: tuple[Cross, ...]
    counts: tuple[PublishedCount, ...] = ()
    origins: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    """Source and basis of each département's jurisdiction, by its code."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong: a French template and where it stands. `line` counts from 1, header included; 0: the file."""

    file: str
    line: int
    template: str
    given: str
    expected: str

    @property
    def message(self) -> Message:
        """Where, then what; what was expected is itself translated where it is a text of ours."""
        what = message(self.template, given=self.given, expected=message(self.expected))
        if self.line:
            return message(N_("{file}, ligne {line} : {what}"), file=self.file, line=self.line, what=what)
        return message(N_("{file} : {what}"), file=self.file, what=what)

    def __str__(self) -> str:
        return str(self.message)


class ListsError(ReferenceListError):
    """All that is wrong with the lists, at once; `faults` has them one by one."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__(
            N_("Listes de référence refusées, {count} anomalie(s) :\n{faults}"),
            count=len(self.faults),
            faults=Messages(tuple(fault.message for fault in self.faults), "\n"),
        )


@dataclass(frozen=True, slots=True)
class KnownCodes:
    """What a list may refer to."""

    communes: frozenset[str]
    epci: frozenset[str]
    jurisdictions: frozenset[str]  # départements and collectivités
    seats: frozenset[str]  # communes, and the chief towns of the collectivités
    successors: dict[str, str]  # merged commune → commune of today


@lru_cache(maxsize=1)
def known_codes() -> KnownCodes:
    """The codes of the packaged reference geography."""
    communes = frozenset(pd.read_parquet(FOLDER / "communes.parquet", columns=["code"])["code"])
    departements = frozenset(pd.read_parquet(FOLDER / "departements.parquet", columns=["code"])["code"])
    collectivites = pd.read_csv(FOLDER / "collectivites.csv", sep=";", dtype="str", encoding="utf-8-sig")
    merged = pd.read_parquet(FOLDER / "successors.parquet")
    return KnownCodes(
        communes=communes,
        epci=frozenset(pd.read_parquet(FOLDER / "epci.parquet", columns=["code"])["code"]),
        jurisdictions=departements | set(collectivites["code"]),
        seats=communes | set(collectivites["seat"]),
        successors=dict(zip(merged["code"], merged["commune"], strict=True)),
    )


def lists_folder() -> Path:
    """Where the lists are read: `HEXACROSS_LISTS`, otherwise the packaged ones."""
    return Path(os.environ.get("HEXACROSS_LISTS") or FOLDER)


def copy_lists(folder: Path) -> list[Path]:
    """Copy the packaged lists into `folder`, to be edited there. Never replaces a file: raises `ReferenceListError`."""
    folder.mkdir(parents=True, exist_ok=True)
    targets = [folder / name for name in COLUMNS]
    present = [path.name for path in targets if path.exists()]
    if present:
        raise ReferenceListError(
            N_("Le dossier {folder} contient déjà {given} : rien n'a été copié."),
            folder=str(folder),
            given=", ".join(present),
        )
    for path in targets:
        shutil.copyfile(FOLDER / path.name, path)
    return targets


@dataclass(frozen=True, slots=True)
class Row:
    """One line of one file, cells trimmed, and how to report a fault in it."""

    file: str
    line: int
    cells: dict[str, str]
    report: Callable[[Fault], None]

    def __getitem__(self, column: str) -> str:
        return self.cells[column]

    def fault(self, template: str, given: str, expected: str = "") -> None:
        self.report(Fault(self.file, self.line, template, given, expected))


def read_text(path: Path, report: Callable[[Fault], None]) -> str | None:
    """The text of a file, None (and a fault) when there is none."""
    try:
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        given = error.object[error.start : error.end].hex(" ")
        template = N_("octet {given} illisible : attendu un texte en {expected} (« CSV UTF-8 » dans le tableur).")
        report(Fault(path.name, line, template, given, "UTF-8"))
    except OSError as error:
        template = N_("fichier illisible ({given}) : attendu un fichier CSV dans le dossier {expected}.")
        report(Fault(path.name, 0, template, error.strerror or str(error), str(path.parent)))
    return None


def rows(path: Path, report: Callable[[Fault], None]) -> Iterator[Row]:
    """The lines of one list, checked for what every list keeps to."""
    for row in table_rows(path, COLUMNS[path.name], report):
        check_common(row)
        yield row


def table_rows(path: Path, columns: tuple[str, ...], report: Callable[[Fault], None]) -> Iterator[Row]:
    """The lines of a file that have all their columns; blank lines are skipped, other columns are the user's."""
    text = read_text(path, report)
    if text is None:
        return
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=";")
    header = [name.strip() for name in next(reader, [])]
    missing = [name for name in columns if name not in header]
    if missing:
        template = N_("colonne(s) absente(s) : {given}. Attendu, séparées par des points-virgules : {expected}.")
        report(Fault(path.name, 1, template, ", ".join(missing), ";".join(columns)))
        return
    for values in reader:
        cells = [value.strip() for value in values]
        if not any(cells):
            continue
        if len(cells) != len(header):
            template = N_("{given} colonnes : attendu {expected}.")
            report(Fault(path.name, reader.line_num, template, str(len(cells)), str(len(header))))
            continue
        yield Row(path.name, reader.line_num, dict(zip(header, cells, strict=True)), report)


def check_common(row: Row) -> None:
    """What every file has: no empty cell, a basis of the closed list, a code fit for addresses."""
    for column in COLUMNS[row.file]:
        if not row[column] and column not in MAY_BE_EMPTY:
            row.fault(N_("colonne {given} vide : attendu une valeur."), column)
    if row["basis"] and row["basis"] not in BASES:
        row.fault(N_("basis « {given} » : attendu {expected}."), row["basis"], " | ".join(BASES))
    code = row.cells.get("code", "")
    if code and not CODE.fullmatch(code):
        row.fault(N_("code « {given} » : attendu {expected}."), code, N_("minuscules, chiffres et tirets"))


def check_unique(found: Iterable[Row]) -> None:
    """Codes once in a file; the fault names the line that had it first."""
    first: dict[str, int] = {}
    for row in found:
        if row["code"] in first:
            row.fault(N_("code « {given} » déjà donné à la ligne {expected}."), row["code"], str(first[row["code"]]))
        first.setdefault(row["code"], row.line)


def check_place(row: Row, code: str, known: frozenset[str], codes: KnownCodes, expected: str) -> None:
    """A code of commune or EPCI that exists today; a merged commune is told by its successor."""
    if not code or code in known:
        return
    if code in codes.successors:
        row.fault(N_("commune {given} fusionnée depuis : attendu {expected}."), code, codes.successors[code])
    else:
        row.fault(N_("code inconnu « {given} » : attendu {expected}."), code, expected)


def read_jurisdictions(
    found: list[Row], antennas: set[str], codes: KnownCodes, report: Callable[[Fault], None]
) -> dict[str, list[Row]]:
    """Rows of the jurisdictions by antenna: each département and collectivité in exactly one."""
    first: dict[str, Row] = {}
    by_antenna: dict[str, list[Row]] = defaultdict(list)
    for row in found:
        antenna, departement = row["antenna"], row["departement"]
        if antenna and antenna not in antennas:
            row.fault(N_("antenne inconnue « {given} » : attendu un code de {expected}."), antenna, ANTENNAS)
        if departement and departement not in codes.jurisdictions:
            expected = N_("un code de département ou de collectivité (01, 2A, 971, 987…)")
            row.fault(N_("code inconnu « {given} » : attendu {expected}."), departement, expected)
        elif departement in first:
            other = f"{first[departement]['antenna']} (ligne {first[departement].line})"
            row.fault(N_("département {given} déjà dans le ressort de {expected}."), departement, other)
        first.setdefault(departement, row)
        by_antenna[antenna].append(row)
    for departement in sorted(codes.jurisdictions - set(first)) if found else ():
        report(Fault(JURISDICTIONS, 0, N_("département {given} dans aucun ressort{expected}."), departement, ""))
    return by_antenna


def valid_since(text: str) -> bool:
    """Empty, or a year, a month or a day that has begun."""
    if not text:
        return True
    if not SINCE.fullmatch(text):
        return False
    first_day = text + "-01" * (3 - len(text.split("-")))
    try:
        return date.fromisoformat(first_day) <= datetime.now(UTC).date()
    except ValueError:
        return False


def read_cross(found: list[Row], codes: KnownCodes) -> tuple[Cross, ...]:
    cross = []
    for row in found:
        area = tuple(code.strip() for code in row["area"].split(SEPARATOR) if code.strip())
        check_place(row, row["seat"], codes.communes, codes, N_("un code INSEE de commune"))
        for code in area:
            expected = N_("un SIREN d'intercommunalité ou un code INSEE de commune")
            check_place(row, code, codes.epci | codes.communes, codes, expected)
        for code in sorted({code for code in area if area.count(code) > 1}):
            row.fault(N_("code « {given} » deux fois dans la même zone{expected}."), code)
        if row["status"] and row["status"] not in STATUSES:
            row.fault(N_("status « {given} » : attendu {expected}."), row["status"], " | ".join(STATUSES))
        if not valid_since(row["since"]):
            row.fault(N_("date « {given} » : attendu {expected}."), row["since"], PAST_DATE)
        names = ("code", "name", "seat", "status", "since", "source", "basis")
        cross.append(Cross(area=area, **{name: row[name] for name in names}))
    return tuple(cross)


def read_counts(found: list[Row]) -> tuple[PublishedCount, ...]:
    """What sources say, each with its date: none is preferred to another."""
    counts = []
    for row in found:
        if row["subject"] and row["subject"] not in SUBJECTS:
            row.fault(N_("subject « {given} » : attendu {expected}."), row["subject"], " | ".join(SUBJECTS))
        if not valid_since(row["date"]):
            row.fault(N_("date « {given} » : attendu {expected}."), row["date"], PAST_DATE)
        number = row["count"]
        if number and not (number.isascii() and number.isdigit() and len(number) <= MOST_DIGITS):
            row.fault(N_("count « {given} » : attendu {expected}."), number, N_("un nombre entier"))
            continue
        counts.append(PublishedCount(row["subject"], row["date"], int(number or 0), row["source"], row["basis"]))
    return tuple(counts)


def read_lists(folder: Path | None = None) -> Lists:
    """Read and check the files of `folder` (default: `lists_folder()`).

    Raises `ListsError`, a `ReferenceListError`, with every fault of every file.
    """
    folder = folder or lists_folder()
    codes, faults = known_codes(), list[Fault]()
    found = {name: list(rows(_path_of(folder, name), faults.append)) for name in COLUMNS}
    check_unique(found[ANTENNAS])
    check_unique(found[CROSS])
    for row in found[ANTENNAS]:
        check_place(row, row["seat"], codes.seats, codes, N_("un code INSEE de commune"))
    names = {row["code"] for row in found[ANTENNAS]}
    by_antenna = read_jurisdictions(found[JURISDICTIONS], names, codes, faults.append)
    cross, counts = read_cross(found[CROSS], codes), read_counts(found[COUNTS])
    if faults:
        raise ListsError(sorted(faults, key=lambda fault: (list(COLUMNS).index(fault.file), fault.line)))
    antennas = tuple(
        Antenna(
            code=row["code"],
            name=row["name"],
            seat=row["seat"],
            departements=tuple(sorted(line["departement"] for line in by_antenna[row["code"]])),
            source=row["source"],
            basis=row["basis"],
            assumed=any(line["basis"] == "assumed" for line in [row, *by_antenna[row["code"]]]),
        )
        for row in found[ANTENNAS]
    )
    origins = {row["departement"]: (row["source"], row["basis"]) for row in found[JURISDICTIONS]}
    return Lists(antennas, cross, counts, origins)


def _path_of(folder: Path, name: str) -> Path:
    path = folder / name
    return FOLDER / name if name in OPTIONAL and not path.exists() else path
