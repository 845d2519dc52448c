"""Give a stable identifier to lines that bring none, and count those that repeat an earlier line exactly."""

from __future__ import annotations

import hashlib

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from data.refusals import as_text

DIGEST_BYTES = 12  # 96 bits: among 50 million lines, a collision has a chance of 2e-14
UNIT_SEPARATOR = "\x1f"  # cannot stand in a validated text


def fingerprints(columns: pa.Table, rows: NDArray[np.int64]) -> list[str]:
    """Hash each of the given rows: BLAKE2b of its fields as text, in the order of the file."""
    if not len(rows):
        return []
    some = columns if len(rows) == columns.num_rows else columns.take(pa.array(rows))
    texts = [as_text(column.combine_chunks()) for column in some.columns]
    joined = pc.binary_join_element_wise(*texts, UNIT_SEPARATOR, null_handling="replace", null_replacement="")
    blake = hashlib.blake2b
    return [blake(line, digest_size=DIGEST_BYTES).hexdigest() for line in joined.cast(pa.binary()).to_pylist()]


class Repeats:
    """Remembers the fingerprints of a file, to tell the n-th identical line from the first.

    Memory: 16 bytes for each distinct line. Only the first 64 bits are kept, which is enough for a count.
    """

    def __init__(self) -> None:
        self._keys: NDArray[np.uint64] = np.empty(0, dtype=np.uint64)  # sorted, distinct
        self._counts: NDArray[np.int64] = np.empty(0, dtype=np.int64)

    def ranks(self, prints: list[str]) -> NDArray[np.int64]:
        """How many identical lines came before each of these, in this chunk or an earlier one. Shape (lines,)."""
        keys = np.frombuffer(bytes.fromhex("".join(p[:16] for p in prints)), dtype=">u8").astype(np.uint64)
        distinct, positions, counts = np.unique(keys, return_inverse=True, return_counts=True)
        earlier = self._earlier(distinct)
        ranks = _rank_within(positions, counts) + earlier[positions]
        self._remember(distinct, counts, earlier)
        return ranks

    def _earlier(self, distinct: NDArray[np.uint64]) -> NDArray[np.int64]:
        if not len(self._keys):
            return np.zeros(len(distinct), dtype=np.int64)
        at = np.minimum(np.searchsorted(self._keys, distinct), len(self._keys) - 1)
        return np.where(self._keys[at] == distinct, self._counts[at], 0)

    def _remember(self, distinct: NDArray[np.uint64], counts: NDArray[np.int64], earlier: NDArray[np.int64]) -> None:
        known = earlier > 0
        at = np.searchsorted(self._keys, distinct)
        self._counts[at[known]] += counts[known]
        self._keys = np.insert(self._keys, at[~known], distinct[~known])
        self._counts = np.insert(self._counts, at[~known], counts[~known])


def _rank_within(positions: NDArray[np.intp], counts: NDArray[np.intp]) -> NDArray[np.int64]:
    """0 for the first of each value, 1 for the second…, in the order of the lines."""
    order = np.argsort(positions, kind="stable")
    starts = np.repeat(np.cumsum(counts) - counts, counts)
    ranks = np.empty(len(positions), dtype=np.int64)
    ranks[order] = np.arange(len(positions)) - starts
    return ranks
