"""The territories' composition as rows, and their digest: re-deriving what depends on them is worth avoiding."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import pyarrow as pa

from data.store import Membership


def membership_rows(memberships: Sequence[Membership]) -> pa.Table:
    """The distinct rows of `kind`, `code` and `commune`, sorted."""
    rows = pa.table(
        {
            "kind": pa.array([kind for one in memberships for kind in [one.kind] * len(one.codes)], pa.string()),
            "code": pa.array([code for one in memberships for code in one.codes], pa.string()),
            "commune": pa.array([commune for one in memberships for commune in one.communes], pa.string()),
        }
    )
    return (
        rows.group_by(["kind", "code", "commune"])
        .aggregate([])
        .sort_by([("kind", "ascending"), ("code", "ascending"), ("commune", "ascending")])
    )


def digest_of(rows: pa.Table) -> str:
    """SHA-256 of a table of texts, in hexadecimal."""
    content = hashlib.sha256()
    for column in rows.columns:
        content.update("\x1f".join(column.to_pylist()).encode())
        content.update(b"\x1e")
    return content.hexdigest()
