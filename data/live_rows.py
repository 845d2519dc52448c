"""What both stores do with the facts of a live feed before they write them: gather, judge, account."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from data.layout import EVENTS, KNOWN_OTHERWISE, differing_fields
from data.ledger import Counted, grown_ledger, opened_ledger
from data.schema import EVENT_SCHEMA, REFUSAL_SCHEMA
from data.store import Arrival, Batch, Ledger, Outcome
from data.vocabulary import HEXAGON_PRECISIONS

REFUSED, REPEATED, NEW = -1, 0, 1


@dataclass(frozen=True, slots=True)
class Gathered:
    """The facts of several arrivals in the order in which they came, shape (rows,) each."""

    rows: pa.Table  # EVENT_SCHEMA
    arrival: NDArray[np.int64]  # position of the arrival that brought each row
    line: NDArray[np.int64]  # within that arrival


@dataclass(frozen=True, slots=True)
class Judged:
    """What each row is, shape (rows,): NEW, REPEATED or REFUSED; and of those refused, the fields that differ."""

    verdict: NDArray[np.int8]
    differing: dict[int, list[str]]


def gather(arrivals: Sequence[Arrival]) -> Gathered:
    """Put the facts of the arrivals one after the other."""
    tables, positions, lines = [EVENT_SCHEMA.empty_table()], [], []
    for position, arrival in enumerate(arrivals):
        chunk = arrival.chunk
        if chunk.indicators is not None:
            raise ValueError("a live feed brings events only")
        if chunk.events is None or not chunk.events.num_rows:
            continue
        tables.append(chunk.events)
        rows = chunk.events.num_rows
        positions.append(np.full(rows, position, dtype=np.int64))
        lines.append(np.arange(1, rows + 1) if chunk.event_lines is None else chunk.event_lines)
    return Gathered(
        pa.concat_tables(tables).unify_dictionaries().combine_chunks(),
        np.concatenate([np.zeros(0, dtype=np.int64), *positions]),
        np.concatenate([np.zeros(0, dtype=np.int64), *lines]),
    )


def judge(rows: pa.Table, stored: pa.Table) -> Judged:
    """Compare each row that shares its identifier with the first event of that name.

    Args:
        rows: EVENT_SCHEMA, in the order in which they came.
        stored: EVENT_SCHEMA, the events of the store that have the identifier of one of them.
    """
    verdict = np.full(rows.num_rows, NEW, dtype=np.int8)
    differing: dict[int, list[str]] = {}
    originals = {row["event_id"]: row for row in stored.to_pylist()}
    identifiers = rows.column("event_id").to_pylist()
    first: dict[str, int] = {}
    suspects = [
        position
        for position, name in enumerate(identifiers)
        if name in originals or first.setdefault(name, position) != position
    ]
    if not suspects:
        return Judged(verdict, differing)
    needed = sorted({*suspects, *(first[identifiers[p]] for p in suspects if identifiers[p] in first)})
    texts = dict(zip(needed, rows.take(pa.array(needed)).to_pylist(), strict=True))
    for position in suspects:
        name = identifiers[position]
        original = originals[name] if name in originals else texts[first[name]]
        fields = differing_fields(texts[position], original)
        verdict[position] = REFUSED if fields else REPEATED
        if fields:
            differing[position] = fields
    return Judged(verdict, differing)


def in_hexagons(rows: pa.Table) -> pa.Table:
    """Keep the cells that a hexagon may show."""
    shown = pc.and_(
        pc.is_in(rows.column("place_precision").cast(pa.string()), pa.array(HEXAGON_PRECISIONS)),
        pc.not_equal(rows.column("cell"), 0),
    )
    cells = pc.if_else(shown, rows.column("cell"), pa.scalar(None, pa.int64()))
    return rows.set_column(rows.schema.get_field_index("cell"), "cell", cells)


@dataclass(frozen=True, slots=True)
class Account:
    """The open batches once the arrivals are in, what became of each arrival, and every line refused."""

    ledgers: dict[str, Ledger]  # by batch_id
    opened: set[str]  # those of them that the store did not hold yet
    outcomes: list[Outcome]
    refusals: pa.Table  # REFUSAL_SCHEMA and the `batch_id`; lines counted within the batch
    line: NDArray[np.int64]  # of each row, within its batch


def settle(
    arrivals: Sequence[Arrival], gathered: Gathered, judged: Judged, ledger_of: Callable[[Batch], Ledger | None]
) -> Account:
    """Account for every line: the lines of an arrival follow those that its batch held before.

    Args:
        ledger_of: The ledger of an open batch as it stands in the store; None: not open yet.
    """
    ledgers: dict[str, Ledger] = {}
    opened: set[str] = set()
    line = np.zeros(len(gathered.line), dtype=np.int64)
    refused, outcomes = [], []
    for position, arrival in enumerate(arrivals):
        batch_id, chunk = arrival.batch.batch_id, arrival.chunk
        ledger = ledgers.get(batch_id) or ledger_of(arrival.batch)
        if ledger is None:
            opened.add(batch_id)
            ledger = opened_ledger(arrival.batch)
        rows = np.flatnonzero(gathered.arrival == position)
        line[rows] = ledger.lines + gathered.line[rows]
        contradicting = _contradictions(gathered, judged, rows)
        by_validation = REFUSAL_SCHEMA.empty_table() if chunk.refusals is None else chunk.refusals
        refused.append(_within_batch(pa.concat_tables([by_validation, contradicting]), ledger.lines, batch_id))
        ledgers[batch_id] = grown_ledger(ledger, _counted(arrival, judged.verdict[rows]), _days(gathered, judged, rows))
        repeated = gathered.line[rows[judged.verdict[rows] == REPEATED]]
        outcomes.append(Outcome(ledgers[batch_id], repeated, contradicting))
    outcomes = [
        replace(outcome, ledger=ledgers[arrival.batch.batch_id])
        for outcome, arrival in zip(outcomes, arrivals, strict=True)
    ]
    return Account(ledgers, opened, outcomes, pa.concat_tables(refused), line)


def _counted(arrival: Arrival, verdicts: NDArray[np.int8]) -> Counted:
    chunk = arrival.chunk
    refused = 0 if chunk.refusals is None else pc.count_distinct(chunk.refusals.column("line")).as_py()
    counted = Counted(chunk.lines, len(verdicts), 0, refused, chunk.identical)
    counted.settle(int((verdicts == REPEATED).sum()), int((verdicts == REFUSED).sum()))
    return counted


def _days(gathered: Gathered, judged: Judged, rows: NDArray[np.intp]) -> tuple[date | None, date | None]:
    """First and last day of the rows that are new."""
    new = rows[judged.verdict[rows] == NEW]
    extremes = pc.min_max(gathered.rows.column("day").take(pa.array(new))).as_py()
    return extremes["min"], extremes["max"]


def _contradictions(gathered: Gathered, judged: Judged, rows: NDArray[np.intp]) -> pa.Table:
    """The refusals of rows that say something else under a known identifier. REFUSAL_SCHEMA."""
    wrong = rows[judged.verdict[rows] == REFUSED]
    return pa.table(
        {
            "line": pa.array(gathered.line[wrong]),
            "field": pa.repeat(EVENTS.blamed, len(wrong)),
            "given": gathered.rows.column("event_id").take(pa.array(wrong)),
            "reason": pa.repeat(KNOWN_OTHERWISE, len(wrong)),
            "expected": pa.array([", ".join(judged.differing[position]) for position in wrong.tolist()], pa.string()),
        },
        schema=REFUSAL_SCHEMA,
    )


def _within_batch(refusals: pa.Table, lines_before: int, batch_id: str) -> pa.Table:
    lines = pc.add(refusals.column("line"), lines_before)
    numbered = refusals.set_column(0, REFUSAL_SCHEMA.field("line"), lines)
    return numbered.append_column("batch_id", pa.repeat(batch_id, refusals.num_rows))
