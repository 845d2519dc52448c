"""Hexacross's own layout: columns named as the schema's, in CSV, Parquet, GeoJSON, GeoPackage or GeoParquet."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from difflib import get_close_matches
from functools import partial
from itertools import islice
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from data.ahead import ahead
from data.errors import UnreadableFileError
from data.parsing import combined, trimmed
from data.personal import check_personal
from data.readers.formats import Format
from data.readers.options import Options
from data.readers.source import SourceFile, make_batch
from data.readers.tables import read_table, table_header
from data.readers.text import Records, TextLayout, read_header, read_records, sniff
from data.refusals import shown
from data.schema import EVENT, EVENT_BY_NAME, INPUT_FIELDS
from data.store import Chunk
from data.validation import EventValidator, Lines, Rules
from geo.errors import N_

READER = "canonical"
PEEKED_RECORDS = 2_000
DEFAULT_MARKING = "internal"  # an institution's own file is not public because nobody said otherwise
ENOUGH_KNOWN = 3  # columns of ours that make a file ours, although others are missing

UNKNOWN_LAYOUT = N_(
    "Disposition inconnue pour {given}. Colonnes trouvées : {columns}. Faire proposer un mapping "
    "(hexacross load --propose {given}), le relire, puis charger avec --mapping."
)
MISSING_COLUMNS = N_("Il manque à {given} les colonnes obligatoires : {missing}.{hint}")
UNKNOWN_COLUMNS = N_("Colonnes inconnues dans {given} : {unknown}. Les renommer, les retirer, ou écrire un mapping.")
DERIVED_COLUMNS = N_("Colonnes calculées par Hexacross, à retirer de {given} : {columns}.")

Stream = Callable[[int], Iterator[Records]]


def open_canonical(path: Path, kind: Format, layout: TextLayout | None, options: Options) -> SourceFile:
    """Recognise the layout by its columns. Raises `UnreadableFileError`, `PersonalDataError`."""
    if kind == "text":
        layout = layout or sniff(path)
        header = read_header(path, layout)
        stream: Stream = partial(read_records, path, layout)
        size = options.chunk or 200_000
    else:
        header = table_header(path, kind)
        stream = partial(read_table, path, kind)
        size = options.chunk or 500_000
    if header:
        check_names(path, header)
    first = next(stream(PEEKED_RECORDS))
    check_personal(path.name, first.columns)
    check_columns(path, first.columns)
    batch = make_batch(path, options.reader_name(READER), first_source(first.columns), options.marking(DEFAULT_MARKING))

    def chunks() -> Iterator[Chunk]:
        rules = Rules(repeated_lines=options.repeated_lines, today=options.today)
        validator = EventValidator(batch, options.placer(), options.zone_of(), rules)
        for records in ahead(stream(size)):  # the next ones are decoded while these are checked
            check_columns(path, records.columns)
            yield validator.check(canonical_lines(records))

    assumed = {name: getattr(layout, name) for name in layout.assumed} if layout else {}
    return SourceFile(batch, chunks, assumed)


def canonical_lines(records: Records) -> Lines:
    """The records' columns under the schema's names, which they bear already."""
    known = [name for name in records.columns.column_names if name in EVENT_BY_NAME]
    fields = {name: combined(records.columns.column(name)) for name in known}
    return Lines(records.columns, fields, records.refusals)


def check_names(path: Path, header: Sequence[str]) -> None:
    """Raise for a file that is not ours at all."""
    if sum(name in EVENT_BY_NAME for name in header) < ENOUGH_KNOWN:
        raise UnreadableFileError(UNKNOWN_LAYOUT, given=path.name, columns=shown(list(header), 12))


def check_columns(path: Path, columns: pa.Table) -> None:
    """Raise for columns missing, derived by us, or unknown and not empty."""
    header = columns.column_names
    required = [field.name for field in EVENT if field.required and not field.derived]
    missing = [name for name in required if name not in header]
    unknown = [name for name in header if name not in EVENT_BY_NAME and not _is_empty(columns.column(name))]
    if missing:
        hints = [f"« {close} » pour « {name} »" for name in missing for close in get_close_matches(name, unknown, 1)]
        hint = f" Est-ce {', '.join(hints)} ?" if hints else ""
        raise UnreadableFileError(MISSING_COLUMNS, given=path.name, missing=", ".join(missing), hint=hint)
    derived = [name for name in header if name in EVENT_BY_NAME and EVENT_BY_NAME[name].derived]
    if derived:
        raise UnreadableFileError(DERIVED_COLUMNS, given=path.name, columns=", ".join(derived))
    if unknown:
        described = ", ".join(_with_closest(name) for name in unknown)
        raise UnreadableFileError(UNKNOWN_COLUMNS, given=path.name, unknown=described)


def _with_closest(name: str) -> str:
    close = get_close_matches(name.casefold(), INPUT_FIELDS, 1)
    return f"« {name} » (proche de « {close[0]} »)" if close else f"« {name} »"


def _is_empty(column: pa.ChunkedArray) -> bool:
    if column.null_count == len(column):
        return True
    array = combined(column)
    kind = array.type.value_type if pa.types.is_dictionary(array.type) else array.type
    return bool(pa.types.is_string(kind) and pc.all(pc.is_null(trimmed(array))).as_py())


def first_source(columns: pa.Table) -> str:
    """The producer that the first lines name; empty when they name none (they will be refused)."""
    values = trimmed(combined(columns.column("source"))) if "source" in columns.column_names else pa.nulls(0)
    named = [value for value in islice(values.to_pylist(), PEEKED_RECORDS) if value]
    return str(named[0]) if named else ""
