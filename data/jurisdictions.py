"""Who answers for which département: the antennas' jurisdictions as a partition, and changes proposed to it."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from data.errors import QueryError
from data.ingest import harmless
from data.lists import COLUMNS, JURISDICTIONS, Lists
from geo.errors import N_

Moves = tuple[tuple[str, str], ...]  # département or collectivité, antenna: codes


@dataclass(frozen=True, slots=True)
class Partition:
    """What is wrong with jurisdictions: codes that nobody answers for, or more than one antenna; both sorted."""

    gaps: tuple[str, ...]
    overlaps: tuple[str, ...]

    @property
    def whole(self) -> bool:
        return not self.gaps and not self.overlaps


def partition_of(pairs: Iterable[tuple[str, str]], codes: Iterable[str]) -> Partition:
    """Compare pairs of département and antenna ("": none) with the départements there are."""
    times = Counter(departement for departement, antenna in pairs if antenna)
    return Partition(
        tuple(sorted(code for code in codes if not times[code])),
        tuple(sorted(code for code, number in times.items() if number > 1)),
    )


def antenna_of(lists: Lists) -> dict[str, str]:
    """Département or collectivité → antenna, as the lists have it."""
    return {code: antenna.code for antenna in lists.antennas for code in antenna.departements}


def proposed(lists: Lists, moves: Moves) -> tuple[dict[str, str], list[QueryError]]:
    """Jurisdictions once départements are moved, and the moves that cannot be made: they change nothing."""
    held, refused = antenna_of(lists), list[QueryError]()
    antennas = {antenna.code for antenna in lists.antennas}
    for departement, antenna in moves:
        if departement not in held:
            refused.append(QueryError(N_("Ressort : département « {given} » inconnu."), given=departement))
        elif antenna not in antennas:
            refused.append(QueryError(N_("Ressort : antenne « {given} » inconnue."), given=antenna))
        else:
            held[departement] = antenna
    return held, refused


def moves_between(before: Mapping[str, str], after: Mapping[str, str]) -> Moves:
    """What was moved: only what differs, in the order of the codes."""
    return tuple((code, after[code]) for code in sorted(before) if after.get(code, before[code]) != before[code])


def jurisdictions_csv(lists: Lists, held: Mapping[str, str], source: str) -> bytes:
    """Jurisdictions as `antenna_departements.csv`, which the reader of the lists accepts.

    Args:
        held: Département or collectivité → antenna; whatever differs from the lists is assumed, from `source`.
    """
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=";", lineterminator="\n")
    writer.writerow(COLUMNS[JURISDICTIONS])
    before, origin = antenna_of(lists), lists.origins
    for departement, antenna in sorted(held.items(), key=lambda pair: (pair[1], pair[0])):
        given, basis = origin[departement] if before[departement] == antenna else (source, "assumed")
        writer.writerow([antenna, departement, harmless(given), basis])
    return text.getvalue().encode("utf-8-sig")


def proposal_source(day: date) -> str:
    """What the exported list says of a moved département. French, as the lists are."""
    return f"Proposition établie dans la page Couverture, {day:%d/%m/%Y}"
