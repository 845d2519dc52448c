"""The plan of controls: how many are to be made where, by which mode and when; a list that a user edits.

Like the reference lists: `;` between columns, UTF-8, in the same folder, every fault at once by file and line.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from data.errors import ReferenceListError
from data.lists import Fault, Row, table_rows
from data.query import Territory, TerritoryKind
from data.vocabulary import MODES
from geo.errors import N_, Messages

FILE = "control_plan.csv"
COLUMNS = ("territory", "mode", "first_day", "last_day", "planned")
LAYOUT = ";".join(COLUMNS) + "\n"
KINDS: tuple[TerritoryKind, ...] = ("departement", "antenna", "cross", "region", "epci", "commune")  # made of communes
MOST_BYTES = 1_000_000
MOST_PLANNED = 1_000_000  # operations
YEARS = range(1900, 2200)

KnownCodes = Callable[[TerritoryKind], Collection[str]]


@dataclass(frozen=True, slots=True)
class PlannedControls:
    """One line: so many operations of a mode in a territory, from the first to the last day, both included."""

    territory: Territory
    mode: str
    first_day: date
    last_day: date
    planned: int


class PlanError(ReferenceListError):
    """All that is wrong with a plan, at once; `faults` has them one by one."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__(
            N_("Plan de contrôle refusé, {count} anomalie(s) :\n{faults}"),
            count=len(self.faults),
            faults=Messages(tuple(fault.message for fault in self.faults), "\n"),
        )


def read_plan(folder: Path, known: KnownCodes) -> tuple[PlannedControls, ...] | None:
    """The plan in a folder, in its order; None: there is none.

    Args:
        known: Codes of the territories of a kind.

    Raises:
        PlanError: With every fault; nothing of such a plan is used.
    """
    path, faults = folder / FILE, list[Fault]()
    if not path.exists():
        return None
    if path.stat().st_size > MOST_BYTES:
        template = N_("fichier de {given} octets : attendu {expected} au plus.")
        raise PlanError([Fault(FILE, 0, template, str(path.stat().st_size), str(MOST_BYTES))])
    planned = [(row, _read(row, known)) for row in table_rows(path, COLUMNS, faults.append)]
    lines = [(row, line) for row, line in planned if line is not None]
    _check_apart(lines)
    if faults:
        raise PlanError(sorted(faults, key=lambda fault: fault.line))
    return tuple(line for _row, line in lines)


def _read(row: Row, known: KnownCodes) -> PlannedControls | None:
    territory, first, last = _territory(row, known), _day(row, "first_day"), _day(row, "last_day")
    mode, number = row["mode"], row["planned"]
    if mode not in MODES:
        row.fault(N_("mode « {given} » : attendu {expected}."), mode, " | ".join(MODES))
    if first and last and last < first:
        row.fault(
            N_("période qui finit le {given}, avant son début : attendu {expected} ou après."), str(last), str(first)
        )
    whole = number.isascii() and number.isdigit() and len(number) <= 7 and 1 <= int(number) <= MOST_PLANNED
    if not whole:
        row.fault(N_("planned « {given} » : attendu un nombre entier de 1 à {expected}."), number, str(MOST_PLANNED))
    if territory is None or mode not in MODES or not first or not last or last < first or not whole:
        return None
    return PlannedControls(territory, mode, first, last, int(number))


def _territory(row: Row, known: KnownCodes) -> Territory | None:
    kind, _colon, code = row["territory"].partition(":")
    for one in KINDS:
        if one == kind and code in known(one):
            return Territory(one, code)
    example = N_("type:code d'un territoire connu, par exemple departement:13 ou cross:lille")
    row.fault(N_("territory « {given} » : attendu {expected}."), row["territory"], example)
    return None


def _day(row: Row, column: str) -> date | None:
    text = row[column]
    try:
        day = date.fromisoformat(text) if len(text) == 10 else None
    except ValueError:
        day = None
    if day is None or day.year not in YEARS:
        row.fault(N_("date « {given} » : attendu {expected}."), text, N_("AAAA-MM-JJ"))
        return None
    return day


def _check_apart(lines: list[tuple[Row, PlannedControls]]) -> None:
    """No day of a territory and mode twice: its controls would be counted for both lines."""
    groups: dict[tuple[Territory, str], list[tuple[Row, PlannedControls]]] = defaultdict(list)
    for row, line in lines:
        groups[line.territory, line.mode].append((row, line))
    for group in groups.values():
        group.sort(key=lambda pair: (pair[1].first_day, pair[0].line))
        reach_row, reach = group[0]
        for row, line in group[1:]:
            if line.first_day <= reach.last_day:
                template = N_("période du {given} : elle recouvre celle de la ligne {expected}.")
                row.fault(template, str(line.first_day), str(reach_row.line))
            if line.last_day > reach.last_day:
                reach_row, reach = row, line


def stop_of(line: PlannedControls) -> date:
    """The day after the last one."""
    return line.last_day + timedelta(days=1)
