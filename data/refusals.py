"""Collect why lines are refused, all faults of a line together, while whole columns are checked at once."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from data.schema import REFUSAL_SCHEMA

GIVEN_LIMIT = 200  # characters kept of what was given: enough to find it again in the file
SHOWN_VALUES = 5

Mask = NDArray[np.bool_]


class Refusals:
    """The faults found in one chunk of lines.

    `lines` are the lines' numbers in the file. A line refused as a whole (it could not even be cut into fields)
    gets that one reason: what its fields would have said means nothing.
    """

    def __init__(self, lines: NDArray[np.int64]) -> None:
        self.lines = lines
        self.refused: Mask = np.zeros(len(lines), dtype=bool)
        self._whole: Mask | None = None
        self._by_field: dict[str, Mask] = {}
        self._tables: list[pa.Table] = []

    def refused_for(self, field: str) -> Mask:
        """Shape (lines,): lines refused because of that field so far."""
        return self._by_field.get(field, np.zeros(len(self.lines), dtype=bool))

    def add(self, bad: Mask, field: str, given: pa.Array | None, reason: str, expected: str = "") -> None:
        """Refuse the lines where `bad` is true.

        Args:
            bad: Shape (lines,).
            field: The schema's field at fault; empty for the whole line.
            given: Shape (lines,), any type: what the file holds. None: nothing to quote.
            reason: French template with `{given}` and `{expected}`.
            expected: What needs no translation (codes, bounds, a number), or a whole text of the catalogues (`N_`).
        """
        if self._whole is not None:
            bad = bad & ~self._whole
        rows = np.flatnonzero(bad)
        if not len(rows):
            return
        self.refused = self.refused | bad
        self._by_field[field] = self.refused_for(field) | bad
        quoted = pa.repeat("", len(rows)) if given is None else as_text(given.take(pa.array(rows)))
        self._tables.append(
            pa.table(
                {
                    "line": pa.array(self.lines[rows]),
                    "field": pa.repeat(field, len(rows)),
                    "given": pc.utf8_slice_codeunits(pc.fill_null(quoted, ""), 0, GIVEN_LIMIT),
                    "reason": pa.repeat(reason, len(rows)),
                    "expected": pa.repeat(expected, len(rows)),
                },
                schema=REFUSAL_SCHEMA,
            )
        )

    def add_whole_lines(self, bad: Mask, given: pa.Array | None, reason: str, expected: str = "") -> None:
        """Refuse lines of which no field can be trusted; call it before any field is checked."""
        self.add(bad, "", given, reason, expected)
        self._whole = bad if self._whole is None else self._whole | bad

    def table(self) -> pa.Table | None:
        """REFUSAL_SCHEMA, by line; None when no line is refused."""
        if not self._tables:
            return None
        return pa.concat_tables(self._tables).sort_by("line")


def as_text(array: pa.Array) -> pa.Array:
    """Cast any column to plain text: what a message quotes and a fingerprint reads."""
    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    if pa.types.is_string(array.type):
        return array
    if pa.types.is_large_string(array.type) or pa.types.is_string_view(array.type):
        return array.cast(pa.string())
    if pa.types.is_binary(array.type) or pa.types.is_large_binary(array.type) or pa.types.is_nested(array.type):
        values: list[Any] = array.to_pylist()
        return pa.array([None if value is None else str(value)[:GIVEN_LIMIT] for value in values], pa.string())
    return array.cast(pa.string())


def shown(values: list[str], limit: int = SHOWN_VALUES) -> str:
    """The first few values of a list, for a message."""
    text = ", ".join(f"« {value} »" for value in values[:limit])
    return f"{text}…" if len(values) > limit else text
