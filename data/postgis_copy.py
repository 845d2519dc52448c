"""Arrow columns in PostgreSQL's binary COPY format, laid out by numpy: no Python object is made for a value.

A row is the number of its fields (16 bits) and, for each field, its length in bytes (32 bits, -1 for NULL) and its
value, big-endian. Source: PostgreSQL 15 documentation, COPY, "Binary Format".
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

SIGNATURE = b"PGCOPY\n\xff\r\n\x00" + bytes(8)  # no flags, no header extension
TRAILER = b"\xff\xff"
EPOCH_DAYS = 10_957  # from 1970-01-01 to 2000-01-01, PostgreSQL's origin of dates
EPOCH_MICROSECONDS = EPOCH_DAYS * 86_400_000_000
FORBIDDEN = "\x00"  # no text of PostgreSQL holds it
REPLACEMENT = "\N{REPLACEMENT CHARACTER}"

SQL_TYPES: dict[pa.DataType, str] = {
    pa.int32(): "int4",
    pa.int64(): "int8",
    pa.float64(): "float8",
    pa.timestamp("us"): "timestamp",
    pa.date32(): "date",
    pa.string(): "text",
}


def copy_rows(rows: pa.Table) -> bytes:
    """The rows of a table of the types above, between signature and trailer."""
    columns = [_Column(column) for column in rows.unify_dictionaries().columns]
    sizes = np.full(rows.num_rows, 2, dtype=np.int64)
    for column in columns:
        sizes += 4 + column.lengths
    starts = np.cumsum(sizes) - sizes
    buffer = np.zeros(int(sizes.sum()), dtype=np.uint8)
    _put(buffer, starts, np.full(rows.num_rows, len(columns), dtype=">i2"))
    at = starts + 2
    for column in columns:
        _put(buffer, at, np.where(column.valid, column.lengths, -1).astype(">i4"))
        column.write(buffer, at + 4)
        at += 4 + column.lengths
    return buffer.tobytes()


def _put(buffer: NDArray[np.uint8], at: NDArray[np.int64], values: NDArray[np.generic]) -> None:
    """Write one value of fixed width at each position."""
    width = values.dtype.itemsize
    content = np.ascontiguousarray(values).view(np.uint8).reshape(len(values), width)
    for byte in range(width):
        buffer[at + byte] = content[:, byte]


class _Column:
    """One column: which values are there, how many bytes each takes, and the bytes."""

    def __init__(self, column: pa.ChunkedArray) -> None:
        array = column.combine_chunks()
        if pa.types.is_dictionary(array.type):
            array = array.cast(array.type.value_type)
        self._is_text = pa.types.is_string(array.type)
        self.valid = array.is_valid().to_numpy(zero_copy_only=False)
        if self._is_text:
            self._content, self._first, lengths = _text_bytes(_without_forbidden(array))
            self.lengths = np.where(self.valid, lengths, 0)
        else:
            self._values = _big_endian(array)
            self.lengths = np.where(self.valid, self._values.dtype.itemsize, 0)

    def write(self, buffer: NDArray[np.uint8], at: NDArray[np.int64]) -> None:
        if not self._is_text:
            _put(buffer, at[self.valid], self._values[self.valid])
            return
        starts = np.cumsum(self.lengths) - self.lengths
        within = np.arange(int(self.lengths.sum())) - np.repeat(starts, self.lengths)
        buffer[np.repeat(at, self.lengths) + within] = self._content[np.repeat(self._first, self.lengths) + within]


def _without_forbidden(array: pa.Array) -> pa.Array:
    if not pc.any(pc.match_substring(array, FORBIDDEN)).as_py():
        return array
    return pc.replace_substring(array, FORBIDDEN, REPLACEMENT)


def _text_bytes(array: pa.Array) -> tuple[NDArray[np.uint8], NDArray[np.int64], NDArray[np.int64]]:
    """The UTF-8 bytes of all texts, where each begins and how long it is."""
    _, offsets_buffer, content = array.buffers()
    offsets = np.frombuffer(offsets_buffer, dtype=np.int32)[array.offset : array.offset + len(array) + 1].astype(
        np.int64
    )
    whole = np.zeros(0, dtype=np.uint8) if content is None else np.frombuffer(content, dtype=np.uint8)
    return whole, offsets[:-1], np.diff(offsets)


def _big_endian(array: pa.Array) -> NDArray[np.generic]:
    """The values of a numeric column as PostgreSQL writes them; anything where NULL."""
    kind = array.type
    if pa.types.is_timestamp(kind):
        return (_integers(array.cast(pa.int64())) - EPOCH_MICROSECONDS).astype(">i8")
    if pa.types.is_date32(kind):
        return (_integers(array.cast(pa.int32())) - EPOCH_DAYS).astype(">i4")
    if pa.types.is_float64(kind):
        return array.to_numpy(zero_copy_only=False).astype(">f8")  # type: ignore[no-any-return]  # of pyarrow, untyped
    return _integers(array).astype(">i4" if pa.types.is_int32(kind) else ">i8")


def _integers(array: pa.Array) -> NDArray[np.int64]:
    return array.fill_null(0).to_numpy(zero_copy_only=False).astype(np.int64)  # type: ignore[no-any-return]  # of pyarrow
