"""Arrow columns in PostgreSQL's binary COPY format, laid out by numpy: no Python object is made for a value.

A row is the number of its fields (16 bits) and, for each field, its length in bytes (32 bits, -1 for NULL) and its
value, big-endian. Source: PostgreSQL 15 documentation, COPY, "Binary Format".

Rows are laid out with room for the longest value of each column; one pass then leaves out the room not taken.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

SIGNATURE = b"PGCOPY\n\xff\r\n\x00" + bytes(8)  # no flags, no header extension
TRAILER = b"\xff\xff"
EPOCH_DAYS = 10_957  # from 1970-01-01 to 2000-01-01, PostgreSQL's origin of dates
EPOCH_MICROSECONDS = EPOCH_DAYS * 86_400_000_000
FORBIDDEN = "\x00"  # no text of PostgreSQL holds it
REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
SLICE_BYTES = 1 << 20  # laid out at once: what the processor's cache holds
COUNT, LENGTH = 2, 4  # bytes of a row's number of fields, and of a field's length

SQL_TYPES: dict[pa.DataType, str] = {
    pa.int16(): "int2",
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
    width = COUNT + sum(LENGTH + column.width for column in columns)
    step = max(SLICE_BYTES // width, 1)
    return b"".join(
        _laid_out(columns, start, min(start + step, rows.num_rows)) for start in range(0, rows.num_rows, step)
    )


def _laid_out(columns: list[_Column], start: int, stop: int) -> bytes:
    width = COUNT + sum(LENGTH + column.width for column in columns)
    room = np.empty((stop - start, width), dtype=np.uint8)
    taken = np.ones((stop - start, width), dtype=np.bool_)
    _field(room, 0, ">i2")[:] = len(columns)
    at = COUNT
    for column in columns:
        column.write(room, taken, at, slice(start, stop))
        at += LENGTH + column.width
    return room[taken].tobytes() if any(column.varies for column in columns) else room.tobytes()


def _field(room: NDArray[np.uint8], at: int, kind: str) -> NDArray[np.generic]:
    """The bytes of each row from `at` on, as values of a type."""
    rows, width = room.shape
    return np.ndarray((rows,), dtype=kind, buffer=room.data, offset=at, strides=(width,))


class _Column:
    """One column: which values are there, how many bytes each takes (at most `width`), and the bytes."""

    def __init__(self, column: pa.ChunkedArray) -> None:
        array = column.combine_chunks()
        if pa.types.is_dictionary(array.type):
            array = array.cast(array.type.value_type)
        self._is_text = pa.types.is_string(array.type)
        self._valid = array.is_valid().to_numpy(zero_copy_only=False)
        if self._is_text:
            self._content, self._first, lengths = _text_bytes(without_forbidden(array))
            self._lengths = np.where(self._valid, lengths, 0)
            self.width = int(self._lengths.max(initial=0))
        else:
            self._values = _big_endian(array)
            self.width = self._values.dtype.itemsize if self._valid.any() else 0
            self._lengths = np.where(self._valid, self.width, 0)
        self.varies = bool((self._lengths != self.width).any())
        if self._is_text and self.varies:
            self._windows = sliding_window_view(np.append(self._content, np.zeros(self.width, np.uint8)), self.width)
        self._stated = np.where(self._valid, self._lengths, -1)

    def write(self, room: NDArray[np.uint8], taken: NDArray[np.bool_], at: int, rows: slice) -> None:
        """Write the length and the value of some rows, and which of their bytes count."""
        _field(room, at, ">i4")[:] = self._stated[rows]
        at += LENGTH
        if not self.width:
            return
        lengths = self._lengths[rows]
        if self._is_text:
            if self.varies:  # beyond a text's end stands what follows it, which does not count
                room[:, at : at + self.width] = self._windows[self._first[rows]]
                taken[:, at : at + self.width] = np.arange(self.width) < lengths[:, None]
            else:
                first = self._first[rows.start]
                room[:, at : at + self.width] = self._content[first : first + room.shape[0] * self.width].reshape(
                    -1, self.width
                )
            return
        _field(room, at, self._values.dtype.str)[:] = self._values[rows]
        if self.varies:
            taken[:, at : at + self.width] = self._valid[rows, None]


def without_forbidden(array: pa.Array) -> pa.Array:
    """Texts as PostgreSQL can hold them."""
    content = array.buffers()[2]
    if content is None or not (np.frombuffer(content, dtype=np.uint8) == 0).any():
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
    return _integers(array).astype(f">i{kind.bit_width // 8}")


def _integers(array: pa.Array) -> NDArray[np.int64]:
    return array.fill_null(0).to_numpy(zero_copy_only=False).astype(np.int64)  # type: ignore[no-any-return]  # of pyarrow
