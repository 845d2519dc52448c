"""Add a live feed's facts to the server store: some hundreds at a time, ten times a second, for weeks.

A load goes through temporary tables; made so often, they would swell the database's catalogue. Here each statement
brings its rows itself, as arrays.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from data.conditions import parent_sql
from data.dimensions import Combination, Dimension
from data.layout import DIMENSIONS, STORED_FIELDS, SUMMARY_RESOLUTION, read_sql
from data.ledger import GROWING_COLUMNS, LEDGER_COLUMNS, ledger_of_row, ledger_values
from data.live_rows import NEW, Account, gather, in_hexagons, judge, settle
from data.postgis_changes import note_and_notify
from data.postgis_connection import Connection, bound, statement
from data.postgis_copy import SQL_TYPES
from data.postgis_lanes import keys_of, place_in_territories
from data.postgis_rows import arrays_of, arrow_of, unnested
from data.postgis_summary import pack_tails
from data.schema import ARROW_TYPES, EVENT_SCHEMA, REFUSAL_SCHEMA
from data.store import Arrival, Batch, Ledger, Outcome

TEXTS = {"text": pa.string(), "code": pa.string()}
WRITTEN: dict[str, str] = {
    "batch": "int4",
    "line": "int8",
    **dict.fromkeys(DIMENSIONS, "int4"),
    **{field.name: SQL_TYPES[TEXTS.get(field.type, ARROW_TYPES[field.type])] for field in STORED_FIELDS},
}
TALLIED = {name: WRITTEN[name] for name in ("batch", "origin", "place", "day")}
CHANGED = {name: WRITTEN[name] for name in ("place", "cell", "day")}
REFUSED = {"batch": "int4", "line": "int8", **dict.fromkeys(REFUSAL_SCHEMA.names[1:], "text")}
Known = dict[Combination, int]
PACKED_EVERY = 5_000  # facts


class Feed:
    """What is known of the database between two appends; used by one thread at a time."""

    def __init__(self) -> None:
        self._known: dict[str, Known] = {number: {} for number in DIMENSIONS}
        self._unpacked = 0  # facts, at most

    def append(self, connection: Connection, arrivals: Sequence[Arrival]) -> list[Outcome]:
        """Write the arrivals inside the caller's transaction, in which no other program writes."""
        gathered = gather(arrivals)
        judged = judge(gathered.rows, _known_events(connection, gathered.rows))
        numbers: dict[str, int] = {}

        def ledger_of(batch: Batch) -> Ledger | None:
            numbers[batch.batch_id], ledger = _open_batch(connection, batch, numbers.values())
            return ledger

        account = settle(arrivals, gathered, judged, ledger_of)
        _write_ledgers(connection, account, numbers)
        batches = np.array([numbers[arrival.batch.batch_id] for arrival in arrivals], dtype=np.int32)
        new = judged.verdict == NEW
        changed: dict[str, list[Any]] | None = None
        if new.any():
            self._unpacked += int(new.sum())
            rows = in_hexagons(gathered.rows.filter(pa.array(new)))
            rows = rows.append_column("batch", pa.array(batches[gathered.arrival[new]]))
            rows = self._numbered(connection, rows.append_column("line", pa.array(account.line[new])))
            _write_events(connection, rows)
            changed = arrays_of(rows, CHANGED)
        _write_refusals(connection, account, numbers)
        number = next(iter(numbers.values()), None)
        note_and_notify(connection, number, None if changed is None else unnested(CHANGED), changed)
        return account.outcomes

    def wants_packing(self) -> bool:
        """Whether so many facts came since that some zone's may be worth packing."""
        return self._unpacked >= PACKED_EVERY

    def pack(self, connection: Connection) -> None:
        """Pack what came, inside the caller's transaction, in which no other program writes."""
        self._unpacked = 0
        pack_tails(connection)

    def _numbered(self, connection: Connection, rows: pa.Table) -> pa.Table:
        """Give each row the numbers of its combinations; new ones join the database's."""
        for number, (table, names) in DIMENSIONS.items():
            dimension = Dimension(names, dict(self._refreshed(connection, table, number, names)))
            encoded = dimension.encode(rows)
            fresh = dimension.fresh(number)
            if fresh.num_rows:
                columns = {name: "int4" if name == number else "text" for name in fresh.column_names}
                written = ", ".join(columns)
                connection.execute(
                    bound(f"INSERT INTO {table} ({written}) SELECT {written} FROM {unnested(columns)}"),
                    arrays_of(fresh, columns),
                )
                if number == "place":
                    place_in_territories(connection, dimension.first_new)
            rows = rows.append_column(number, pa.array(encoded))
        return rows

    def _refreshed(self, connection: Connection, table: str, number: str, names: tuple[str, ...]) -> Known:
        """The combinations that the database holds; numbers are never given twice: only later ones are read.

        A database put back to an earlier day holds fewer, or others: what is remembered of it is then forgotten.
        """
        known = self._known[number]
        text = f"SELECT {', '.join(names)}, {number} FROM {table} WHERE {number} >= $last ORDER BY {number}"
        rows = connection.execute(bound(text), {"last": len(known)}).fetchall()
        if known and (not rows or known.get(rows[0][:-1]) != len(known)):
            self._known[number] = {}
            return self._refreshed(connection, table, number, names)
        known.update((row[:-1], row[-1]) for row in rows)
        return known


def _known_events(connection: Connection, rows: pa.Table) -> pa.Table:
    """The events of the database that have the identifier of one of these. EVENT_SCHEMA."""
    names = rows.column("event_id").to_pylist()
    keys = keys_of(rows).tolist()
    text = "SELECT EXISTS (SELECT FROM event_keys WHERE key = ANY($keys::BIGINT[]))"
    if connection.execute(bound(text), {"keys": keys}).fetchone() == (False,):
        return EVENT_SCHEMA.empty_table()
    text = f"""SELECT {", ".join(EVENT_SCHEMA.names)}
        FROM (SELECT DISTINCT day, occurred_at FROM event_keys WHERE key = ANY($keys::BIGINT[])) AS suspected
        JOIN facts USING (day, occurred_at)
        JOIN (SELECT batch, batch_id FROM batches) AS loads USING (batch) WHERE event_id = ANY($names::TEXT[])"""
    return arrow_of(
        connection.execute(bound(text), {"keys": keys, "names": names}, binary=True).fetchall(), EVENT_SCHEMA
    )


def _open_batch(connection: Connection, batch: Batch, taken: Iterable[int]) -> tuple[int, Ledger | None]:
    """The number of a feed's day, and its ledger so far; a number of its own and None when it is not open yet."""
    text = f"SELECT batch, {', '.join(LEDGER_COLUMNS)} FROM batches WHERE batch_id = $batch_id"
    row = connection.execute(bound(text), {"batch_id": batch.batch_id}).fetchone()
    if row is not None:
        return row[0], ledger_of_row(row[1:])
    last = connection.execute("SELECT coalesce(max(batch), 0) FROM batches").fetchone()
    return max(last[0] if last else 0, *taken, 0) + 1, None


def _write_ledgers(connection: Connection, account: Account, numbers: Mapping[str, int]) -> None:
    opening = (
        f"INSERT INTO batches (batch, {', '.join(LEDGER_COLUMNS)}, has_indicators)"
        f" VALUES ($batch, {', '.join(f'${name}' for name in LEDGER_COLUMNS)}, false)"
    )
    growing = f"UPDATE batches SET {', '.join(f'{name} = ${name}' for name in GROWING_COLUMNS)} WHERE batch = $batch"
    for batch_id, ledger in account.ledgers.items():
        values = {"batch": numbers[batch_id], **ledger_values(ledger)}
        connection.execute(bound(opening if batch_id in account.opened else growing), values)


def _write_events(connection: Connection, rows: pa.Table) -> None:
    months = "SELECT ensure_months(array_agg(DISTINCT day)) FROM unnest($day::DATE[]) AS day"
    connection.execute(bound(months), {"day": rows.column("day").to_pylist()})
    text = statement(
        "postgis/append_facts",
        given=unnested(WRITTEN),
        written=", ".join(WRITTEN),
        rollup=read_sql("postgis/rollup_of").format(facts="given"),
        cell=parent_sql("cell", SUMMARY_RESOLUTION),
    )
    connection.execute(text, arrays_of(rows, WRITTEN))
    connection.execute(statement("tallies_of_feed", facts=unnested(TALLIED)), arrays_of(rows, TALLIED))


def _write_refusals(connection: Connection, account: Account, numbers: Mapping[str, int]) -> None:
    rows = account.refusals
    if not rows.num_rows:
        return
    batch = pa.array([numbers[batch_id] for batch_id in rows.column("batch_id").to_pylist()], pa.int32())
    written = ", ".join(REFUSED)
    connection.execute(
        bound(f"INSERT INTO quarantine ({written}) SELECT {written} FROM {unnested(REFUSED)}"),
        arrays_of(rows.append_column("batch", batch), REFUSED),
    )
