"""Recorded crime by département and commune, as the SSMSI publishes it, in each layout since 2023.

Traps this reader knows: the byte order mark, decimal commas, codes with leading zeros, years in two digits, the
code's header that changes every year (`CODGEO_2025`), figures withheld (`ndiff`: null, never zero), the extract by
commune where zeros and withheld figures are both absent. Figures are revised from one publication to the next, so
each carries its release.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from datetime import date
from functools import lru_cache
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from data.errors import UnreadableFileError
from data.parsing import Parsed, combined, masked, nulls, parse_integers, parse_numbers, parse_text, trimmed
from data.readers.options import Options
from data.readers.source import SourceFile, make_batch
from data.readers.text import CHUNK_RECORDS, Records, TextLayout, read_records
from data.refusals import Mask, Refusals
from data.schema import INDICATOR_SCHEMA
from data.store import Batch, Chunk
from data.validation import MISSING, NEGATIVE, NOT_A_NUMBER, NOT_AN_INTEGER
from geo.errors import N_

READER = "ssmsi"
SOURCE = "SSMSI"

# Our column → what the layouts call it (lower case, no accent, signs as underscores).
HEADERS: dict[str, re.Pattern[str]] = {
    "territory": re.compile(r"code_departement|code_insee|codgeo_20\d\d"),
    "year": re.compile(r"annee"),
    "indicator": re.compile(r"indicateur|classe"),
    "unit_of_count": re.compile(r"unite_de_compte"),
    "value": re.compile(r"nombre|faits"),
    "disclosed": re.compile(r"est_diffuse|valeur_publiee"),
    "population": re.compile(r"insee_pop|pop|population"),
    "population_year": re.compile(r"insee_pop_millesime|millpop"),
}
REQUIRED = ("territory", "year", "indicator", "unit_of_count", "value")
POPULATIONS = {"code_insee", "annee", "population", "total_infractions_diffusees"}
RELEASE_IN_NAME = re.compile(r"produit-le(\d{4}-\d{2}-\d{2})")
# Publications by last year of data, for files that lost the name the SSMSI gave them. Stated as assumed.
RELEASES = {2022: date(2023, 2, 9), 2024: date(2025, 6, 4), 2025: date(2026, 1, 22)}
NOT_AVAILABLE = ("NA", "ndiff", "n.d.")
DEPARTEMENT = r"^(0[1-9]|[1-8]\d|9[0-5]|2[AB]|97[1-8]|98[46-9])$"
COMMUNE = r"^(\d{2}|2[AB])\d{3}$"
ARRONDISSEMENT = r"^(751(0[1-9]|1\d|20)|6938[1-9]|132(0[1-9]|1[0-6]))$"

ONLY_POPULATIONS = N_(
    "{given} ne contient que des populations et des totaux par commune, sans indicateur : rien à charger. Charger "
    "le fichier des indicateurs (colonnes indicateur, nombre)."
)
NO_RELEASE = N_(
    "Date de publication inconnue pour {given} (dernière année : {year}). Rendre au fichier son nom d'origine "
    "(… produit-leAAAA-MM-JJ …) ou indiquer la date de publication : deux publications ne se mélangent pas."
)
BAD_CODE = N_("Code « {given} » impossible. Attendu {expected}.")
A_NUMBER = N_("un nombre")
BAD_DISCLOSURE = N_("« {given} » ne dit pas si le chiffre est diffusé. Attendu {expected}.")


def matches(path: Path, header: Sequence[str]) -> bool:
    """Whether the columns are those of a SSMSI file; raises `UnreadableFileError` for one that holds no indicator."""
    if {plain(name) for name in header} >= POPULATIONS:
        raise UnreadableFileError(ONLY_POPULATIONS, given=path.name)
    return all(name in columns_of(tuple(header)) for name in REQUIRED)


@lru_cache(maxsize=16)
def columns_of(header: tuple[str, ...]) -> dict[str, str]:
    """Our columns → the file's."""
    return {ours: name for ours, known in HEADERS.items() for name in header if known.fullmatch(plain(name))}


def plain(name: str) -> str:
    """A header in lower case without accents, signs as underscores.

    >>> plain("unité.de.compte")
    'unite_de_compte'
    """
    letters = unicodedata.normalize("NFD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "_", letters).strip("_")


def open_ssmsi(path: Path, layout: TextLayout, header: Sequence[str], options: Options) -> SourceFile:
    """Raises `UnreadableFileError` when nothing says which publication the figures are from."""
    columns = columns_of(tuple(header))
    release, assumed = find_release(path, layout, columns["year"], options.release)
    batch = make_batch(path, READER, SOURCE, options.marking("public"))

    def chunks() -> Iterator[Chunk]:
        for records in read_records(path, layout, options.chunk or CHUNK_RECORDS):
            yield check(records, columns, release, batch)

    return SourceFile(batch, chunks, assumed)


def find_release(path: Path, layout: TextLayout, year_column: str, stated: date | None) -> tuple[date, dict[str, str]]:
    """From whoever loads the file, its name, or the last year it holds; and what had to be assumed."""
    if stated is not None:
        return stated, {}
    named = RELEASE_IN_NAME.search(path.name)
    if named:
        return date.fromisoformat(named[1]), {}
    last = max((_last_year(records, year_column) for records in read_records(path, layout)), default=0)
    if last not in RELEASES:
        raise UnreadableFileError(NO_RELEASE, given=path.name, year=last or "?")
    return RELEASES[last], {"release": RELEASES[last].isoformat()}


def _last_year(records: Records, year_column: str) -> int:
    years = parse_integers(combined(records.columns.column(year_column))).values
    return int(full_years(np.array([pc.max(years).as_py() or 0]))[0])


def full_years(years: NDArray[np.int64]) -> NDArray[np.int64]:
    """`16` is 2016 in the layout of 2023."""
    return np.where((years > 0) & (years < 100), years + 2000, years)


def check(records: Records, columns: dict[str, str], release: date, batch: Batch) -> Chunk:
    """Type the lines of a chunk; answers the indicators and why lines are refused."""
    refusals, count = records.refusals, records.columns.num_rows
    given = {ours: combined(records.columns.column(name)) for ours, name in columns.items()}
    kind = "departement" if plain(columns["territory"]) == "code_departement" else "commune"
    value, withheld = _values(given, refusals)
    years = parse_integers(given["year"])
    refusals.add(years.bad | nulls(years.values), "year", given["year"], NOT_AN_INTEGER, N_("une année"))
    table = {
        "source": pa.repeat(SOURCE, count),
        "territory_kind": _kinds(given["territory"], kind, refusals),
        "territory": trimmed(given["territory"]),
        "year": pa.array(full_years(pc.fill_null(years.values, 0).to_numpy(zero_copy_only=False))),
        "indicator": _required_text(given, "indicator", refusals),
        "unit_of_count": _required_text(given, "unit_of_count", refusals),
        "value": value,
        "disclosed": pc.if_else(pa.array(withheld), "withheld", "disclosed"),
        "population": _optional_number(given, "population", refusals),
        "population_year": _population_years(given, refusals),
        "release": pa.repeat(pa.scalar(release, pa.date32()), count),
        "batch_id": pa.repeat(batch.batch_id, count),
    }
    table["disclosed"] = table["disclosed"].dictionary_encode()
    kept = ~refusals.refused
    arrays = [table[field.name].cast(field.type) for field in INDICATOR_SCHEMA]
    indicators = pa.table(arrays, INDICATOR_SCHEMA.names).filter(pa.array(kept)).cast(INDICATOR_SCHEMA)
    return Chunk(count, indicators=indicators, event_lines=refusals.lines[kept], refusals=refusals.table())


def _kinds(territory: pa.Array, kind: str, refusals: Refusals) -> pa.Array:
    """Municipal arrondissements are another kind than communes: they must not be added to their city."""
    codes = trimmed(territory)
    pattern = DEPARTEMENT if kind == "departement" else COMMUNE
    fits = pc.fill_null(pc.match_substring_regex(codes, pattern), False).to_numpy(zero_copy_only=False)
    expected = N_("01 à 95, 2A, 2B, 971 à 978") if kind == "departement" else N_("5 caractères (31555, 2A004)")
    refusals.add(~fits, "territory", territory, BAD_CODE, expected)
    if kind == "departement":
        return pa.repeat(kind, len(codes))
    part = pc.fill_null(pc.match_substring_regex(codes, ARRONDISSEMENT), False)
    return pc.if_else(part, "arrondissement", kind)


def _values(given: dict[str, pa.Array], refusals: Refusals) -> tuple[pa.Array, Mask]:
    """Figures, null where withheld; and where they are. A figure neither given nor said to be withheld is refused."""
    text = trimmed(given["value"])
    unavailable = pc.fill_null(pc.is_in(text, pa.array(NOT_AVAILABLE)), True).to_numpy(zero_copy_only=False)
    numbers = _french_numbers(pc.if_else(pa.array(unavailable), pa.scalar(None, pa.string()), text))
    refusals.add(numbers.bad, "value", given["value"], NOT_A_NUMBER, A_NUMBER)
    negative = pc.fill_null(pc.less(numbers.values, 0), False).to_numpy(zero_copy_only=False)
    refusals.add(negative, "value", given["value"], NEGATIVE, N_("un nombre positif ou nul"))
    if "disclosed" not in given:
        missing = nulls(text)
        refusals.add(missing, "value", None, MISSING, N_("un nombre, ou NA"))
        return numbers.values, unavailable & ~missing
    stated = trimmed(given["disclosed"])
    withheld = pc.fill_null(pc.equal(stated, "ndiff"), False).to_numpy(zero_copy_only=False)
    published = pc.fill_null(pc.equal(stated, "diff"), False).to_numpy(zero_copy_only=False)
    refusals.add(~withheld & ~published, "disclosed", given["disclosed"], BAD_DISCLOSURE, N_("diff ou ndiff"))
    expected = N_("un nombre, puisque le chiffre est diffusé")
    refusals.add(published & unavailable, "value", given["value"], MISSING, expected)
    return masked(pc.fill_null(numbers.values, 0).to_numpy(), withheld | nulls(numbers.values), pa.float64()), withheld


def _french_numbers(text: pa.Array) -> Parsed:
    """Decimal comma."""
    return parse_numbers(pc.replace_substring(text, ",", "."))


def _required_text(given: dict[str, pa.Array], name: str, refusals: Refusals) -> pa.Array:
    text = parse_text(given[name])
    refusals.add(nulls(text.values), name, None, MISSING, N_("un libellé"))
    return text.values


def _optional_number(given: dict[str, pa.Array], name: str, refusals: Refusals) -> pa.Array:
    if name not in given:
        return pa.nulls(len(given["value"]), pa.float64())
    text = trimmed(given[name])
    unavailable = pc.is_in(text, pa.array(NOT_AVAILABLE))
    numbers = _french_numbers(pc.if_else(unavailable, pa.scalar(None, pa.string()), text))
    refusals.add(numbers.bad, name, given[name], NOT_A_NUMBER, A_NUMBER)
    return numbers.values


def _population_years(given: dict[str, pa.Array], refusals: Refusals) -> pa.Array:
    years = _optional_number(given, "population_year", refusals)
    plain_years = full_years(pc.fill_null(years, 0).to_numpy(zero_copy_only=False).astype(np.int64))
    return masked(plain_years, nulls(years), pa.int64())
