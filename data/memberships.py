"""The territories' composition as rows, and their digest: re-deriving what depends on them is worth avoiding."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import cast

import pyarrow as pa

from data.query import TerritoryKind
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


def memberships_of(rows: Iterable[tuple[str, str, str]]) -> list[Membership]:
    """The composition from rows of kind, code and commune."""
    by_kind: dict[TerritoryKind, list[tuple[str, str]]] = {}
    for kind, code, commune in rows:
        by_kind.setdefault(cast("TerritoryKind", kind), []).append((code, commune))
    return [
        Membership(kind, tuple(code for code, _ in pairs), tuple(commune for _, commune in pairs))
        for kind, pairs in by_kind.items()
    ]


def digest_of(rows: pa.Table) -> str:
    """SHA-256 of a table of texts, in hexadecimal."""
    content = hashlib.sha256()
    for column in rows.columns:
        content.update("\x1f".join(column.to_pylist()).encode())
        content.update(b"\x1e")
    return content.hexdigest()
