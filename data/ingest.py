"""From a file to a store, and from a quarantine to a file one can open in a spreadsheet."""

from __future__ import annotations

import csv
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import TextIO

import pyarrow as pa

from data.readers import Options, open_source
from data.store import Ledger, Progress, Store
from data.validation import RepeatedLines
from geo.errors import N_, message

FORMULA_SIGNS = ("=", "+", "-", "@", "\t", "\r")
QUARANTINE_HEADER = (N_("ligne"), N_("champ"), N_("donné"), N_("raison"), N_("attendu"))


def load_file(
    store: Store,
    path: Path | str,
    mapping: Path | str | None = None,
    marking: str | None = None,
    repeated_lines: RepeatedLines = "keep",
    progress: Progress | None = None,
    release: date | None = None,
) -> Ledger:
    """Read a file into the store, all or nothing; a file already loaded is not read again.

    Args:
        mapping: TOML file that says how to read another layout; None: the layout must be a known one.
        marking: Code of the protection marking; None: the mapping's, or the layout's own (public for published
            files, internal for all others).
        repeated_lines: Whether lines without an identifier that repeat an earlier one count as facts of their own.
        release: When figures were published, for a file of the SSMSI that does not say it.

    Raises:
        UnreadableFileError, PersonalDataError, MappingError: See `open_source`; nothing is written.
        StoreError: See the store.
    """
    options = Options(stated_marking=marking, repeated_lines=repeated_lines, release=release)
    source = open_source(path, mapping, options)
    return store.load(source.batch, source.chunks(), progress)


def write_quarantine_csv(table: pa.Table, target: Path | TextIO, translate: Callable[[str], str] = str) -> None:
    """Write refused lines as CSV that a French spreadsheet opens (semicolons, byte order mark in a file).

    Args:
        table: REFUSAL_SCHEMA.
        translate: The reasons' templates → the reader's language.

    A cell that a spreadsheet would take for a formula gets an apostrophe in front.
    """
    if isinstance(target, Path):
        with target.open("w", encoding="utf-8-sig", newline="") as file:
            write_quarantine_csv(table, file, translate)
        return
    writer = csv.writer(target, delimiter=";")
    writer.writerow([translate(name) for name in QUARANTINE_HEADER])
    for row in table.to_pylist():
        expected = message(row["expected"])
        reason = message(row["reason"], given=row["given"], expected=expected)
        texts = (row["field"], row["given"], reason.said(translate), expected.said(translate))
        writer.writerow([row["line"], *(harmless(text) for text in texts)])


def harmless(text: str) -> str:
    """Text that no spreadsheet runs as a formula.

    >>> harmless("=1+1")
    "'=1+1"
    """
    return f"'{text}" if text.startswith(FORMULA_SIGNS) else text
