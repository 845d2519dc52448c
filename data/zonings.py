"""INSEE's other definitions of an urban area: urban units (UU2020) and attraction areas (AAV2020).

INSEE publishes one table of communes (`CODGEO;LIBGEO;…;UU2020;…;AAV2020;…`), one of the zones' names (`NIVGEO;CODGEO;
LIBGEO;…`) and, apart, the official geographic code (COG). Put beside the reference lists under the names below, they
become two more kinds of territories.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from data.errors import ReferenceListError
from data.query import TerritoryKind
from data.store import Membership
from geo.errors import N_

COMMUNES_FILE = "insee-communes.csv"
ZONES_FILE = "insee-zones.csv"
COG_FILES = ("insee-cog.csv", "insee-cog.csv.gz")
COLUMN_OF_KIND: dict[TerritoryKind, str] = {"urban_unit": "UU2020", "attraction_area": "AAV2020"}
OUTSIDE = "000"  # end of the code of a commune outside any zone: of its département's for UU2020, alone for AAV2020


@dataclass(frozen=True, slots=True)
class Zoning:
    """One kind of zone in terms of today's communes, and what became of the lines of the table.

    lines = in a zone + outside + `lost`. Communes of today that no line speaks of are in `uncovered`.
    """

    kind: TerritoryKind
    names: dict[str, str]  # by code, sorted; the code itself where the names were not given
    codes: tuple[str, ...]  # one for each membership, sorted
    communes: tuple[str, ...]  # one for each membership
    lines: int
    outside: int
    moved: int  # lines in a zone, of communes that are part of another one today
    lost: tuple[str, ...]  # communes of the table that exist no more, without a known successor
    divided: tuple[str, ...]  # communes of today whose parts lay in different zones, or partly outside
    uncovered: tuple[str, ...]

    def membership(self) -> Membership:
        return Membership(self.kind, self.codes, self.communes)


def read_csv(path: Path, separator: str, columns: Collection[str]) -> pd.DataFrame:
    """All cells as text. Raises `ReferenceListError` for what is not that table."""
    try:
        table = pd.read_csv(path, sep=separator, dtype="str", keep_default_na=False, encoding="utf-8-sig")
    except (OSError, ValueError) as error:
        raise ReferenceListError(
            N_("{file} : fichier illisible ({given}). Attendu un CSV en UTF-8, colonnes séparées par « {expected} »."),
            file=path.name,
            given=str(error).splitlines()[0],
            expected=separator,
        ) from error
    missing = [name for name in columns if name not in table.columns]
    if missing:
        raise ReferenceListError(
            N_("{file} : colonne(s) absente(s) : {given}. Attendu : {expected}."),
            file=path.name,
            given=", ".join(missing),
            expected=separator.join(columns),
        )
    return table


def read_successors(path: Path) -> dict[str, str]:
    """Delegated and associated communes → the commune they are part of, from the COG (`v_commune_AAAA.csv`)."""
    table = read_csv(path, ",", ("TYPECOM", "COM", "COMPARENT"))
    today = set(table["COM"][table["TYPECOM"] == "COM"])
    former = table[table["TYPECOM"].isin(["COMD", "COMA"]) & ~table["COM"].isin(today)]
    return dict(zip(former["COM"], former["COMPARENT"], strict=True))


def read_zone_names(path: Path) -> dict[str, dict[str, str]]:
    """Names by column (`UU2020`, …) and code."""
    table = read_csv(path, ";", ("NIVGEO", "CODGEO", "LIBGEO"))
    return {
        str(level): dict(zip(rows["CODGEO"], rows["LIBGEO"], strict=True)) for level, rows in table.groupby("NIVGEO")
    }


def zoning(
    kind: TerritoryKind,
    table: pd.DataFrame,
    names: Mapping[str, str],
    communes: Collection[str],
    successors: Mapping[str, str],
) -> Zoning:
    """One column of the table as memberships of today's communes.

    A commune of today made of several of the table lies where its namesake by code lay, otherwise where its first
    part lay; it is listed in `divided` when its parts disagree.
    """
    column = COLUMN_OF_KIND[kind]
    rows = pd.DataFrame({"old": table["CODGEO"], "zone": table[column]}).drop_duplicates("old")
    known = rows["old"].isin(list(communes))
    rows["commune"] = rows["old"].where(known, rows["old"].map(successors))
    rows["outside"] = rows["zone"].str.endswith(OUTSIDE)
    lost = rows["old"][~rows["commune"].isin(list(communes))]
    kept = rows[rows["commune"].isin(list(communes))]
    counts = kept.groupby("commune")["zone"].nunique()
    own_first = kept.assign(own=kept["old"] != kept["commune"]).sort_values(["commune", "own", "old"])
    decided = own_first.drop_duplicates("commune")
    inside = decided[~decided["outside"]].sort_values(["zone", "commune"])
    return Zoning(
        kind=kind,
        names={code: names.get(code, code) for code in sorted(inside["zone"].unique())},
        codes=tuple(inside["zone"]),
        communes=tuple(inside["commune"]),
        lines=len(table),
        outside=int(kept["outside"].sum()),
        moved=int((~kept["outside"] & (kept["old"] != kept["commune"])).sum()),
        lost=tuple(sorted(lost)),
        divided=tuple(sorted(counts.index[counts > 1])),
        uncovered=tuple(sorted(set(communes) - set(kept["commune"]))),
    )


def read_zoning_table(
    communes_file: Path,
    communes: Collection[str],
    successors: Mapping[str, str],
    zones_file: Path | None = None,
    cog_file: Path | None = None,
) -> tuple[Zoning, ...]:
    """Both zonings of INSEE's table of communes, in terms of `communes`, today's codes.

    Args:
        communes_file: INSEE's table, one line a commune of its vintage.
        communes: Codes of today.
        successors: Merged commune → commune of today; the COG's, when given, come on top.
        zones_file: Names of the zones.
        cog_file: Official geographic code of today, CSV or CSV.gz.

    Raises `ReferenceListError` for a file that is not the expected table, or one that repeats a commune.
    """
    table = read_csv(communes_file, ";", ("CODGEO", *COLUMN_OF_KIND.values()))
    repeated = sorted(code for code, times in Counter(table["CODGEO"]).items() if times > 1)
    if repeated:
        raise ReferenceListError(
            N_("{file} : commune(s) répétée(s) : {given}. Attendu une ligne par commune."),
            file=communes_file.name,
            given=", ".join(repeated[:10]),
        )
    names = read_zone_names(zones_file) if zones_file else {}
    known = {**successors, **(read_successors(cog_file) if cog_file else {})}
    return tuple(zoning(kind, table, names.get(column, {}), communes, known) for kind, column in COLUMN_OF_KIND.items())


def read_zonings(folder: Path, communes: Collection[str], successors: Mapping[str, str]) -> tuple[Zoning, ...]:
    """The zonings whose table lies in `folder`; empty when there is none."""
    table = folder / COMMUNES_FILE
    if not table.exists():
        return ()
    zones = folder / ZONES_FILE
    cog = next((folder / name for name in COG_FILES if (folder / name).exists()), None)
    return read_zoning_table(table, communes, successors, zones if zones.exists() else None, cog)
