"""PostgreSQL's 64-bit hash of texts, over whole Arrow columns: the loader and the server speak of the same keys.

Source: Bob Jenkins, lookup3 (public domain, 2006), in the variant that PostgreSQL calls hash_any_extended with seed 0;
SQL: hashtextextended(text, 0).
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

BLOCK = 12  # bytes that are mixed at once
START = 0x9E3779B9 + 3923095
Words = NDArray[np.uint32]


def hash_texts(texts: pa.Array) -> NDArray[np.int64]:
    """Hash each text of a column without nulls, in UTF-8. Shape (rows,)."""
    _, offsets_buffer, content = texts.buffers()
    offsets = np.frombuffer(offsets_buffer, dtype=np.int32)[texts.offset : texts.offset + len(texts) + 1]
    lengths = np.diff(offsets).astype(np.int64)
    blocks = int(lengths.max(initial=0)) // BLOCK + 1
    used = np.zeros(0, np.uint8) if content is None else np.frombuffer(content, np.uint8)[: offsets[-1]]
    padded = np.concatenate((used, np.zeros(blocks * BLOCK, np.uint8)))
    rows = sliding_window_view(padded, blocks * BLOCK)[offsets[:-1]]
    rows[np.arange(blocks * BLOCK) >= lengths[:, None]] = 0
    words = np.ascontiguousarray(rows.view("<u4").T)
    return _hash(words, lengths)


def _hash(words: Words, lengths: NDArray[np.int64]) -> NDArray[np.int64]:
    a = (np.uint32(START & 0xFFFFFFFF) + lengths.astype(np.uint32)).astype(np.uint32)
    b, c = a.copy(), a.copy()
    whole = lengths // BLOCK
    for block in range(len(words) // 3):
        first, second, third = words[3 * block : 3 * block + 3]
        full = whole > block
        last = whole == block
        if full.any():
            mixed = _mix(a + first, b + second, c + third)
            a, b, c = (np.where(full, new, old) for new, old in zip(mixed, (a, b, c), strict=True))
        if last.any():
            # The lowest byte of the third word is kept for the length.
            tail = (a + first, b + second, c + (third << np.uint32(8)))
            a, b, c = (np.where(last, new, old) for new, old in zip(tail, (a, b, c), strict=True))
    return _final(a, b, c)


def _rotated(word: Words, bits: int) -> Words:
    return (word << np.uint32(bits)) | (word >> np.uint32(32 - bits))


def _mix(a: Words, b: Words, c: Words) -> tuple[Words, Words, Words]:
    for bits in (4, 6, 8, 16, 19, 4):
        a = (a - c) ^ _rotated(c, bits)
        c = c + b
        a, b, c = b, c, a  # the next step does to them what this one did
    return a, b, c


def _final(a: Words, b: Words, c: Words) -> NDArray[np.int64]:
    for bits in (14, 11, 25, 16, 4, 14, 24):
        c = (c ^ b) - _rotated(b, bits)
        a, b, c = b, c, a
    # Seven steps leave the names turned once: what lookup3 calls b and c.
    return ((a.astype(np.uint64) << np.uint64(32)) | b.astype(np.uint64)).view(np.int64)
