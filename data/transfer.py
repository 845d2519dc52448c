"""Move everything a store holds into another one, of either kind, and prove that it arrived."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from typing import Protocol

import numpy as np
import pyarrow as pa

from data.errors import StoreError
from data.layout import INDICATOR_IDENTITY
from data.postgis_copy import copy_rows
from data.query import Viewer
from data.schema import EVENT_SCHEMA, INDICATOR_SCHEMA, REFUSAL_SCHEMA
from data.store import Chunk, Ledger, Membership, Progress, Store
from data.verify import Check
from geo.errors import N_

LINE = pa.field("line", pa.int64(), nullable=False)
WHOLE = Viewer("hexacross")  # a copy is made by those who run the store


class Transferable(Store, Protocol):
    """What a store also does, for those who run it."""

    def verify(self) -> list[Check]:
        """Compare what is derived with the facts."""

    def memberships(self) -> list[Membership]:
        """The territories' composition."""

    def contents(self, batch_id: str) -> Iterator[Chunk]:
        """What a load left in the store, in order of line; `lines` is 0: the ledger says how many there were."""

    def adopt(self, ledger: Ledger, chunks: Iterable[Chunk]) -> None:
        """Write a load that another store has settled already, with its ledger as it is."""


def copy_store(source: Transferable, target: Transferable, progress: Progress | None = None) -> list[Check]:
    """Copy territories, facts, figures, ledgers and refused lines into an empty store.

    Returns:
        The target's comparisons; all are 0 when this returns.

    Raises:
        StoreError: The target is not empty, or what arrived is not what left.
    """
    if target.batches(WHOLE):
        raise StoreError(N_("La base d'arrivée contient déjà des chargements. Copiez vers une base vide."))
    target.set_memberships(source.memberships())
    ledgers = list(reversed(source.batches(WHOLE)))
    for done, ledger in enumerate(ledgers):
        left = hashlib.sha256()
        target.adopt(ledger, _noting(source.contents(ledger.batch_id), left))
        arrived = hashlib.sha256()
        for _ in _noting(target.contents(ledger.batch_id), arrived):
            pass
        if left.digest() != arrived.digest():
            raise StoreError(N_("Le chargement {name} n'est pas arrivé entier. Recommencez."), name=ledger.name)
        if progress is not None:
            progress(done + 1, len(ledgers))
    checks = target.verify()
    if target.batches(WHOLE) != source.batches(WHOLE) or any(check.wrong for check in checks):
        raise StoreError(N_("La copie ne correspond pas à l'original. Videz la base d'arrivée et recommencez."))
    return checks


CONTENTS_ROWS = 50_000  # of each chunk that leaves a store
# Of each kind of row: its columns, and a FROM with the parameter $batch, in an order that does not depend on the store.
CONTENTS: dict[str, tuple[pa.Schema, str]] = {
    "events": (
        EVENT_SCHEMA.append(LINE),
        "facts JOIN (SELECT batch, batch_id FROM batches) AS loads USING (batch)"
        " WHERE batch_id = $batch_id ORDER BY line, event_id",
    ),
    "indicators": (
        INDICATOR_SCHEMA.append(LINE),
        "indicators JOIN (SELECT batch, batch_id FROM batches) AS loads USING (batch)"
        f" WHERE batch_id = $batch_id ORDER BY line, {', '.join(INDICATOR_IDENTITY)}",
    ),
    "refusals": (
        REFUSAL_SCHEMA,
        "quarantine WHERE batch = (SELECT batch FROM batches WHERE batch_id = $batch_id)"
        " ORDER BY line, field, reason, given, expected",
    ),
}


def contents_statement(kind: str) -> tuple[str, pa.Schema]:
    """The SELECT of one kind of row of the load $batch_id, and the schema of its answer."""
    schema, rows = CONTENTS[kind]
    return f"SELECT {', '.join(schema.names)} FROM {rows}", schema


def chunk_of(rows: pa.Table, kind: str) -> Chunk:
    """A chunk of one kind of row; facts and figures have their `line` besides."""
    if kind == "refusals":
        return Chunk(0, refusals=rows)
    lines = rows.column("line").to_numpy().astype(np.int64)
    return Chunk(0, **{kind: rows.drop_columns(["line"])}, event_lines=lines)


def _noting(chunks: Iterable[Chunk], content: hashlib._Hash) -> Iterator[Chunk]:
    """Pass chunks on and digest them, in a form that has one way of writing each value."""
    for chunk in chunks:
        for rows in (chunk.events, chunk.indicators):
            if rows is not None:
                content.update(copy_rows(rows.append_column("line", pa.array(chunk.event_lines, pa.int64()))))
        if chunk.refusals is not None:
            content.update(copy_rows(chunk.refusals))
        yield chunk
