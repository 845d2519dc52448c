"""Turn columns as they stand in a file (text or already typed) into the schema's types, whole columns at once.

Every function answers the typed column and a mask of the values it could not take; a blank is null, never a fault.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from data.refusals import Mask, as_text

TEXT_LIMIT = 500  # characters: longer is not a label but a report, which has no place here
NUMBER = r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$"
PRECISIONS = ("minute", "day", "month", "year")
MINUTE, DAY, MONTH, YEAR = range(4)

# What each part of a date format matches. Named groups, so that every format is read by the same code.
DATE_PARTS = {
    "%Y": r"(?P<year>\d{4})",
    "%y": r"(?P<short_year>\d{2})",
    "%m": r"(?P<month>\d{1,2})",
    "%d": r"(?P<day>\d{1,2})",
    "%H": r"(?P<hour>\d{1,2})",
    "%M": r"(?P<minute>\d{1,2})",
    "%S": r"(?P<second>\d{1,2})(?:[.,]\d+)?",
    "%z": r"(?P<zone>Z|[+-]\d{2}:?\d{2})",
    "%%": "%",
}
ISO_8601 = (
    r"(?P<year>\d{4})(?:-(?P<month>\d{2})(?:-(?P<day>\d{2})"
    r"(?:[T ](?P<hour>\d{2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:[.,]\d+)?)? ?(?P<zone>Z|[+-]\d{2}:?\d{2})?)?)?)?"
)


class Parsed(NamedTuple):
    """A typed column and the values that could not be read."""

    values: pa.Array
    bad: Mask


def combined(column: pa.ChunkedArray | pa.Array) -> pa.Array:
    """One contiguous array of a table's column."""
    if not isinstance(column, pa.ChunkedArray):
        return column
    if column.num_chunks == 1:
        return column.chunk(0)  # as it is: merging would copy it
    merged = column.combine_chunks()
    return pa.concat_arrays(merged.chunks) if isinstance(merged, pa.ChunkedArray) else merged


def nulls(array: pa.Array) -> Mask:
    """Shape (lines,): where the array has no value."""
    if not array.null_count:
        return np.zeros(len(array), dtype=bool)
    return np.asarray(array.is_null().to_numpy(zero_copy_only=False))


def masked(values: NDArray[np.generic], missing: Mask, kind: pa.DataType) -> pa.Array:
    """An Arrow array from numpy values, null where `missing`."""
    return pa.array(values, kind, mask=missing if missing.any() else None)


def floats(array: pa.Array) -> NDArray[np.float64]:
    """A float64 column as numpy, NaN for null; not copied when nothing is null."""
    filled = pc.fill_null(array, np.nan) if array.null_count else array
    return np.asarray(filled.to_numpy(zero_copy_only=False))


def trimmed(array: pa.Array) -> pa.Array:
    """Text without outer spaces (narrow and no-break ones included); what is left empty becomes null."""
    if pa.types.is_dictionary(array.type):
        words = trimmed(as_text(array.dictionary))
        return words.take(array.indices)
    text = pc.utf8_trim_whitespace(as_text(array))
    empty = pc.equal(pc.binary_length(text), 0)
    return pc.if_else(empty, pa.scalar(None, pa.string()), text) if pc.any(empty).as_py() else text


def parse_text(array: pa.Array) -> Parsed:
    """Trim, and refuse control characters and texts longer than `TEXT_LIMIT`."""
    text = trimmed(array)
    bad = np.zeros(len(text), dtype=bool)
    if _has_control_bytes(text):
        bad |= _true(pc.match_substring_regex(text, r"[\x00-\x1f\x7f]"))
    longest = pc.max(pc.binary_length(text)).as_py() or 0
    if longest > TEXT_LIMIT:
        bad |= _true(pc.greater(pc.utf8_length(text), TEXT_LIMIT))
    return Parsed(text, bad)


def _has_control_bytes(text: pa.Array) -> bool:
    """Look at the bytes rather than at the values: the usual answer, no, costs a fraction of a regular expression."""
    data = text.buffers()[2]
    if data is None or not len(text):
        return False
    offsets = np.frombuffer(text.buffers()[1], dtype=np.int32)
    start, stop = offsets[text.offset], offsets[text.offset + len(text)]
    content = np.frombuffer(data, dtype=np.uint8)[start:stop]
    return bool(((content < 0x20) | (content == 0x7F)).any())


def _true(mask: pa.Array) -> Mask:
    """A boolean Arrow array as numpy; null counts as false."""
    return np.asarray(pc.fill_null(mask, False).to_numpy(zero_copy_only=False))


def parse_codes(array: pa.Array, codes: Sequence[str]) -> Parsed:
    """Match a closed list; answers a dictionary array over the whole list, the same for every chunk."""
    encoded = array if pa.types.is_dictionary(array.type) else as_text(array).dictionary_encode()
    position_of = {code: position for position, code in enumerate(codes)}
    missing, unknown = -1, -2
    words = [(value or "").strip() for value in as_text(encoded.dictionary).to_pylist()]
    table = np.array(
        [position_of.get(word, unknown) if word else missing for word in words] + [missing], dtype=np.int16
    )
    indices = pc.fill_null(encoded.indices.cast(pa.int64()), len(words)).to_numpy(zero_copy_only=False)
    positions = table[indices]
    absent = positions < 0
    indexed = masked(np.where(absent, 0, positions), absent, pa.int16())
    return Parsed(pa.DictionaryArray.from_arrays(indexed, pa.array(list(codes), pa.string())), positions == unknown)


def parse_numbers(array: pa.Array) -> Parsed:
    """Read numbers with a decimal point; NaN is null, the infinite is a fault. Answers float64."""
    if pa.types.is_boolean(array.type) or pa.types.is_temporal(array.type):
        return Parsed(pa.nulls(len(array), pa.float64()), ~nulls(array))
    bad = np.zeros(len(array), dtype=bool)
    if not _is_number(array.type):
        text = trimmed(array)
        readable = _true(pc.match_substring_regex(text, NUMBER))
        bad = ~readable & ~nulls(text)
        array = pc.if_else(pa.array(bad), pa.scalar(None, pa.string()), text) if bad.any() else text
    numbers = array.cast(pa.float64(), safe=False)
    plain = floats(numbers)
    if not numbers.null_count and np.isfinite(plain).all():
        return Parsed(numbers, bad)
    infinite = np.isinf(plain)
    absent = np.isnan(plain) | infinite
    if int(absent.sum()) != numbers.null_count or infinite.any():
        numbers = masked(plain, absent, pa.float64())
    return Parsed(numbers, bad | infinite)


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind))


def parse_integers(array: pa.Array) -> Parsed:
    """Read whole numbers; `12.0` is one, `12.5` is not. Answers int64."""
    if pa.types.is_integer(array.type):
        return Parsed(array.cast(pa.int64()), np.zeros(len(array), dtype=bool))
    numbers, bad = parse_numbers(array)
    plain = pc.fill_null(numbers, 0).to_numpy(zero_copy_only=False)
    whole = (plain == np.floor(plain)) & (np.abs(plain) < 2**53)
    return Parsed(masked(np.where(whole, plain, 0).astype(np.int64), nulls(numbers) | ~whole, pa.int64()), bad | ~whole)


@dataclass(frozen=True, slots=True)
class Moments:
    """Times as written, shape (lines,) each."""

    wall: NDArray[np.datetime64]  # microseconds; NaT: none, or unreadable
    offset_minutes: NDArray[np.float64]  # east of UTC; NaN: the file does not say
    precision: NDArray[np.int8]  # position in PRECISIONS, of what was written
    bad: Mask  # not a date in any known format
    impossible: Mask  # 30 February, 25:00


def parse_moments(array: pa.Array, formats: Sequence[str] = ()) -> Moments:
    """Read dates and times: typed columns, ISO 8601 text, or the given formats (`%d/%m/%Y %H:%M`)."""
    if pa.types.is_timestamp(array.type):
        return _typed_moments(array, MINUTE, 0.0 if array.type.tz else np.nan)
    if pa.types.is_date(array.type):
        return _typed_moments(array, DAY, np.nan)
    text = trimmed(array)
    moments = _no_moments(len(text))
    left = ~nulls(text)
    for pattern in [format_pattern(given) for given in formats] or [ISO_8601]:
        if left.any():
            left &= ~_read_pattern(text, pattern, moments, left)
    moments.bad[left] = True
    return moments


def _no_moments(lines: int) -> Moments:
    return Moments(
        wall=np.full(lines, np.datetime64("NaT"), dtype="datetime64[us]"),
        offset_minutes=np.full(lines, np.nan),
        precision=np.zeros(lines, dtype=np.int8),
        bad=np.zeros(lines, dtype=bool),
        impossible=np.zeros(lines, dtype=bool),
    )


def _typed_moments(array: pa.Array, precision: int, offset: float) -> Moments:
    moments = _no_moments(len(array))
    plain = array.cast(pa.timestamp("us", getattr(array.type, "tz", None)), safe=False).cast(pa.timestamp("us"))
    moments.wall[:] = plain.to_numpy(zero_copy_only=False)
    moments.precision[:] = precision
    moments.offset_minutes[:] = offset
    return moments


def format_pattern(given: str) -> str:
    """The regular expression of a date format; raises ValueError for a directive that is not known.

    >>> bool(re.fullmatch(format_pattern("%d/%m/%Y"), "03/11/2024"))
    True
    """
    parts = re.split(r"(%.)", given)
    unknown = [part for part in parts if part.startswith("%") and part not in DATE_PARTS]
    if unknown:
        raise ValueError(", ".join(unknown))
    return "".join(DATE_PARTS.get(part, re.escape(part)) for part in parts)


def _read_pattern(text: pa.Array, pattern: str, moments: Moments, wanted: Mask) -> Mask:
    """Fill `moments` where the pattern matches a wanted line; answers the lines it matched."""
    found = pc.extract_regex(text, f"^{pattern}$")
    matched = ~nulls(found) & wanted
    rows = np.flatnonzero(matched)
    if not len(rows):
        return matched
    parts = pc.struct_field(found, []).take(pa.array(rows)) if len(rows) < len(text) else found
    names = {field.name for field in parts.type}

    def part(name: str, absent: int) -> tuple[NDArray[np.int64], Mask]:
        if name not in names:
            return np.full(len(rows), absent, dtype=np.int64), np.ones(len(rows), dtype=bool)
        digits = pc.struct_field(parts, name)
        empty = _true(pc.equal(pc.binary_length(digits), 0))
        filled = pc.if_else(pa.array(empty), pa.scalar(str(absent)), digits)
        return filled.cast(pa.int64()).to_numpy(zero_copy_only=False), empty

    year, no_year = part("year", 0)
    if no_year.all():
        year = _full_year(part("short_year", 0)[0])
    month, no_month = part("month", 1)
    day, no_day = part("day", 1)
    hour, no_hour = part("hour", 0)
    minute, _ = part("minute", 0)
    second, _ = part("second", 0)
    possible = _is_possible(year, month, day, hour, minute, second)
    moments.impossible[rows] = ~possible
    moments.wall[rows[possible]] = _assemble(*(p[possible] for p in (year, month, day, hour, minute, second)))
    moments.precision[rows] = np.select([no_month, no_day, no_hour], [YEAR, MONTH, DAY], MINUTE)
    if "zone" in names:
        moments.offset_minutes[rows] = _offsets(pc.struct_field(parts, "zone"))
    return matched


def _full_year(short: NDArray[np.int64]) -> NDArray[np.int64]:
    """Two digits: 00–68 are 2000–2068, 69–99 are 1969–1999, as POSIX reads them."""
    return np.where(short < 69, 2000 + short, 1900 + short)


def _is_possible(
    year: NDArray[np.int64],
    month: NDArray[np.int64],
    day: NDArray[np.int64],
    hour: NDArray[np.int64],
    minute: NDArray[np.int64],
    second: NDArray[np.int64],
) -> Mask:
    lengths = np.array([0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])
    named = (month >= 1) & (month <= 12)
    leap = (year % 4 == 0) & ((year % 100 != 0) | (year % 400 == 0))
    length = lengths[np.where(named, month, 0)] + (leap & (month == 2))
    clock = (hour <= 23) & (minute <= 59) & (second <= 59)
    return np.asarray((year >= 1) & named & (day >= 1) & (day <= length) & clock)


def _assemble(
    year: NDArray[np.int64],
    month: NDArray[np.int64],
    day: NDArray[np.int64],
    hour: NDArray[np.int64],
    minute: NDArray[np.int64],
    second: NDArray[np.int64],
) -> NDArray[np.datetime64]:
    months = (year - 1970) * 12 + (month - 1)
    days = months.astype("datetime64[M]").astype("datetime64[D]") + (day - 1).astype("timedelta64[D]")
    seconds = (hour * 3600 + minute * 60 + second).astype("timedelta64[s]")
    return np.asarray(days.astype("datetime64[us]") + seconds)


def _offsets(zones: pa.Array) -> NDArray[np.float64]:
    """Minutes east of UTC of `Z`, `+0200`, `-05:00`; NaN where there is none."""
    encoded = pc.fill_null(zones, "").dictionary_encode()
    minutes = np.array([_offset(zone) for zone in encoded.dictionary.to_pylist()])
    return np.asarray(minutes[encoded.indices.to_numpy(zero_copy_only=False)])


def _offset(zone: str) -> float:
    if not zone:
        return float("nan")
    if zone == "Z":
        return 0.0
    digits = zone[1:].replace(":", "")
    minutes = int(digits[:2]) * 60 + int(digits[2:])
    return float(-minutes if zone[0] == "-" else minutes)
