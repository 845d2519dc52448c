"""Number the distinct combinations of some columns: facts then carry one small integer instead of many texts."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

Combination = tuple[Any, ...]

LARGEST_KEY = 2**62


class Dimension:
    """The known combinations of `names`, numbered from 1; new ones are numbered as they come."""

    def __init__(self, names: tuple[str, ...], known: dict[Combination, int]) -> None:
        self.names = names
        self.first_new = max(known.values(), default=0) + 1
        self._numbers = known

    def encode(self, rows: pa.Table) -> NDArray[np.int32]:
        """Number each row of a table that has the columns `names`."""
        positions, combinations = distinct_rows(rows.select(list(self.names)))
        numbers = [self._numbers.setdefault(combination, len(self._numbers) + 1) for combination in combinations]
        return np.array(numbers, dtype=np.int32)[positions]

    def fresh(self, number_name: str) -> pa.Table:
        """The combinations numbered since the beginning, as a table to append."""
        fresh = [(*combination, number) for combination, number in self._numbers.items() if number >= self.first_new]
        columns = list(zip(*fresh, strict=True)) if fresh else [()] * (len(self.names) + 1)
        types = [pa.string()] * len(self.names) + [pa.int32()]
        arrays = [pa.array(column, type=kind) for column, kind in zip(columns, types, strict=True)]
        return pa.table(dict(zip((*self.names, number_name), arrays, strict=True)))


def distinct_rows(rows: pa.Table) -> tuple[NDArray[np.int64], list[Combination]]:
    """Find the distinct rows of a table of texts.

    Returns:
        positions: Shape (rows,), of each row's combination in `combinations`.
        combinations: The distinct rows, None where a value is absent.
    """
    keys = np.zeros(rows.num_rows, dtype=np.int64)  # each row's values as the digits of one number
    digits: list[list[Any]] = [[()]]
    for column in rows.unify_dictionaries().columns:
        array = column.combine_chunks()
        coded = array if pa.types.is_dictionary(array.type) else array.dictionary_encode()
        values = [None, *coded.dictionary.to_pylist()]
        if prod(len(digit) for digit in digits) * len(values) > LARGEST_KEY:
            keys, combinations = _decoded(keys, digits)
            digits = [combinations]
        indices = pc.fill_null(coded.indices.cast(pa.int64()), -1).to_numpy() + 1
        keys = keys * len(values) + indices
        digits.append(values)
    return _decoded(keys, digits)


def _decoded(keys: NDArray[np.int64], digits: list[list[Any]]) -> tuple[NDArray[np.int64], list[Combination]]:
    """The distinct keys as combinations of their digits' values, the first digit being combinations already."""
    distinct = pa.array(keys).dictionary_encode()
    rest = distinct.dictionary.to_numpy()
    columns: list[list[Any]] = []
    for values in digits[:0:-1]:
        rest, digit = np.divmod(rest, len(values))
        columns.insert(0, [values[position] for position in digit.tolist()])
    first = [digits[0][position] for position in rest.tolist()]
    combinations = [(*start, *row) for start, *row in zip(first, *columns, strict=True)]
    return distinct.indices.to_numpy().astype(np.int64), combinations
