"""Any other layout, read through a TOML mapping (`data.mapping`)."""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Mapping as Dictionary
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyproj
from numpy.typing import NDArray

from data.coordinates import outside_area, to_wgs_84, transformer
from data.mapping import ANY_OTHER, COORDINATES, SPACES, Mapping, QuantityRule
from data.parsing import combined, masked, nulls, parse_numbers, trimmed
from data.personal import check_personal
from data.readers.canonical import DEFAULT_MARKING, PEEKED_RECORDS, Stream
from data.readers.formats import Format
from data.readers.options import Options
from data.readers.source import SourceFile, make_batch
from data.readers.tables import read_table
from data.readers.text import CHUNK_RECORDS, Records, TextLayout, read_records, sniff
from data.refusals import as_text
from data.schema import EVENT_BY_NAME
from data.store import Chunk
from data.units import convert
from data.validation import EventValidator, Lines, Rules
from geo.errors import N_

NOT_COORDINATES = N_("Coordonnées illisibles : « {given} ». Attendu {expected}.")
OUTSIDE_AREA = N_("Coordonnées {given} hors de la zone du système déclaré. Attendu des coordonnées en {expected}.")
NOT_DECIMAL = N_("« {given} » n'est pas un nombre. Attendu un nombre, décimales après « {expected} ».")
UNKNOWN_UNIT = N_("Unité inconnue : « {given} ». Attendu {expected}.")
DECIMAL = {".": r"\d+(?:\.\d+)?", ",": r"\d+(?:[.,]\d+)?"}
BETWEEN = {".": r"(?: *[,;] *| +)", ",": r"(?: *; *| +|, +)"}  # with a decimal comma, a bare comma separates nothing


def open_mapped(path: Path, kind: Format, mapping: Mapping, options: Options) -> SourceFile:
    """Raises `MappingError` when the mapping does not fit the file, `PersonalDataError`, `UnreadableFileError`."""
    layout: TextLayout | None = None
    if kind == "text":
        layout = sniff(path, mapping.encoding, mapping.separator, mapping.skip_lines)
        stream: Stream = partial(read_records, path, layout)
    else:
        stream = partial(read_table, path, kind)
    first = next(stream(PEEKED_RECORDS))
    mapping.check_fits(first.columns.column_names)
    check_personal(path.name, first.columns)
    source = _source(mapping, first)
    marking = options.marking(mapping.marking or DEFAULT_MARKING)
    batch = make_batch(path, options.reader_name(mapping.reader), source, marking)
    crs = transformer(mapping.crs)

    def chunks() -> Iterator[Chunk]:
        rules = Rules(mapping.time_zone, mapping.date_formats, options.repeated_lines, options.today)
        validator = EventValidator(batch, options.placer(), options.zone_of(), rules)
        for records in stream(options.chunk or CHUNK_RECORDS):
            yield validator.check(mapped_lines(records, mapping, crs))

    assumed = {name: getattr(layout, name) for name in layout.assumed} if layout else {}
    return SourceFile(batch, chunks, assumed)


def _source(mapping: Mapping, first: Records) -> str:
    if "source" in mapping.constants:
        return mapping.constants["source"]
    values = [value for value in _text(first, mapping.columns["source"]).to_pylist() if value]
    return str(values[0]) if values else ""


def mapped_lines(records: Records, mapping: Mapping, crs: pyproj.Transformer | None) -> Lines:
    """The file's columns turned into the schema's fields."""
    count = records.columns.num_rows
    fields = {name: pa.repeat(value, count) for name, value in mapping.constants.items()}
    for name, columns in mapping.columns.items():
        if name not in (COORDINATES, "longitude", "latitude"):
            fields[name] = _field(records, name, columns, mapping)
    if "drug" in mapping.columns and "drug_label" not in fields:
        fields["drug_label"] = _text(records, mapping.columns["drug"])
    if mapping.quantity is not None:
        fields |= _quantities(records, mapping.quantity, mapping)
    fields |= _coordinates(records, mapping, crs)
    return Lines(records.columns, fields, records.refusals)


def _column(records: Records, name: str) -> pa.Array:
    return combined(records.columns.column(name))


def _text(records: Records, columns: tuple[str, ...]) -> pa.Array:
    """One or several columns as text, joined by a space; blank parts leave none."""
    parts = [trimmed(_column(records, name)) for name in columns]
    if len(parts) == 1:
        return parts[0]
    return trimmed(pc.binary_join_element_wise(*parts, " ", null_handling="skip"))


def _field(records: Records, name: str, columns: tuple[str, ...], mapping: Mapping) -> pa.Array:
    kind = EVENT_BY_NAME[name].type
    if name in mapping.vocabulary:
        return translated(_text(records, columns), mapping.vocabulary[name])
    if kind == "instant" and len(columns) == 1:
        return _column(records, columns[0])  # may be typed already
    if kind in ("number", "integer"):
        return plain_numbers(_column(records, columns[0]), mapping)
    return _text(records, columns)


def translated(values: pa.Array, words: Dictionary[str, str]) -> pa.Array:
    """Values through a vocabulary (keys in lower case); an empty code is null, an unlisted value stays as it is."""
    encoded = values.dictionary_encode()
    written: list[str] = encoded.dictionary.to_pylist()
    codes = [words.get(value.casefold(), words.get(ANY_OTHER, value)) or None for value in written]
    return pa.array(codes, pa.string()).take(encoded.indices)


def plain_numbers(values: pa.Array, mapping: Mapping) -> pa.Array:
    """Text numbers without thousands separators and with a decimal point; typed ones as they are."""
    kind = values.type.value_type if pa.types.is_dictionary(values.type) else values.type
    if not pa.types.is_string(kind):
        return values
    text = trimmed(values)
    for sign in SPACES if mapping.thousands == " " else mapping.thousands:
        text = pc.replace_substring(text, sign, "")
    return pc.replace_substring(text, ",", ".") if mapping.decimal == "," else text


def _numbers(records: Records, name: str, column: str, mapping: Mapping) -> NDArray[np.float64]:
    """A column as floats, NaN where blank; what is no number is refused under our field's name."""
    given = _column(records, column)
    parsed = parse_numbers(plain_numbers(given, mapping))
    records.refusals.add(parsed.bad, name, given, NOT_DECIMAL, mapping.decimal)
    return np.asarray(pc.fill_null(parsed.values, np.nan).to_numpy(zero_copy_only=False))


def _quantities(records: Records, rule: QuantityRule, mapping: Mapping) -> dict[str, pa.Array]:
    amounts = _numbers(records, "quantity_kg", rule.column, mapping)
    count = len(amounts)
    names = pa.repeat(rule.unit, count) if rule.unit_column is None else _text(records, (rule.unit_column,))
    quantities = convert(amounts, names, rule.also, others_counted=False)
    expected = N_("kg, g, t, litre, comprimé… ; les autres sous [quantity.units]")
    records.refusals.add(quantities.unknown, "quantity_unit", names, UNKNOWN_UNIT, expected)
    return {"quantity_kg": quantities.kg, "quantity_units": quantities.units, "quantity_unit": quantities.unit}


def _coordinates(records: Records, mapping: Mapping, crs: pyproj.Transformer | None) -> dict[str, pa.Array]:
    """Longitude and latitude, WGS 84, from one column, from two, or from the file's geometry."""
    if COORDINATES in mapping.columns:
        first, second = _split(records, mapping.columns[COORDINATES][0], mapping)
        x, y = (second, first) if mapping.latitude_first else (first, second)
    elif "longitude" in mapping.columns:
        x = _numbers(records, "longitude", mapping.columns["longitude"][0], mapping)
        y = _numbers(records, "latitude", mapping.columns["latitude"][0], mapping)
    elif "longitude" in records.columns.column_names and "latitude" in records.columns.column_names:
        return {name: _column(records, name) for name in ("longitude", "latitude")}  # from the geometry
    else:
        return {}
    position = to_wgs_84(crs, x, y)
    lost = outside_area(crs, position)
    given = pc.binary_join_element_wise(*(as_text(pa.array(values)) for values in (x, y)), " ; ")
    records.refusals.add(lost, "longitude", given, OUTSIDE_AREA, mapping.crs)
    return {
        name: masked(values, np.isnan(values) | lost, pa.float64())
        for name, values in zip(("longitude", "latitude"), position, strict=True)
    }


def _split(records: Records, column: str, mapping: Mapping) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """« 48.85, 2.35 » → two numbers, NaN where blank; what is neither is refused."""
    text = trimmed(_column(records, column))
    number = rf"[+-]?{DECIMAL[mapping.decimal]}"
    pattern = rf"^[(\[]?(?P<first>{number}){BETWEEN[mapping.decimal]}(?P<second>{number})[)\]]?$"
    found = pc.extract_regex(text, pattern)
    expected = "latitude, longitude" if mapping.latitude_first else "longitude, latitude"
    records.refusals.add(nulls(found) & ~nulls(text), "longitude", text, NOT_COORDINATES, expected)
    parts = []
    for name in ("first", "second"):
        digits = pc.replace_substring(as_text(pc.struct_field(found, name)), ",", ".")
        parts.append(np.asarray(pc.fill_null(digits.cast(pa.float64()), np.nan).to_numpy(zero_copy_only=False)))
    return parts[0], parts[1]
