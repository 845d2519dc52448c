"""Add a live feed's facts to the embedded store: some hundreds at a time, ten times a second, for weeks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import duckdb
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from data.changes import note_change
from data.dimensions import Combination, Dimension
from data.duckdb_load import EVENT_COLUMNS, EVENT_VALUES
from data.duckdb_tables import EVENT_KEY, execute_over, first_row, insert_rows
from data.layout import DIMENSIONS, read_sql
from data.ledger import GROWING_COLUMNS, LEDGER_COLUMNS, ledger_of_row, ledger_values
from data.live_keys import KnownKeys
from data.live_rows import NEW, Account, gather, in_hexagons, judge, settle
from data.rollup import UNSORTED_ROWS, UNSORTED_SHARE, append_rollup_of, place_in_territories, rollup_rows, sort_rollup
from data.schema import EVENT_SCHEMA, REFUSAL_SCHEMA
from data.store import Arrival, Batch, Ledger, Outcome

QUIET_SHARE = 0.25  # of what a load may leave unsorted: so much is put in order as soon as nothing waits


class Feed:
    """What is known of the file between two appends; the writer's lock is held whenever it is used."""

    def __init__(self) -> None:
        self._known: dict[str, dict[Combination, int]] = {number: {} for number in DIMENSIONS}
        self._keys: KnownKeys | None = None
        self._appended = False

    def forget_keys(self) -> None:
        """A load brings facts that nobody told of here."""
        self._keys = None

    def append(self, cursor: duckdb.DuckDBPyConnection, arrivals: Sequence[Arrival]) -> list[Outcome]:
        """Write the arrivals inside the caller's transaction."""
        gathered = gather(arrivals)
        judged = judge(gathered.rows, self._suspects(cursor, gathered.rows))
        numbers: dict[str, int] = {}

        def ledger_of(batch: Batch) -> Ledger | None:
            numbers[batch.batch_id], ledger = _open_batch(cursor, batch, taken=numbers.values())
            return ledger

        account = settle(arrivals, gathered, judged, ledger_of)
        _write_account(cursor, account, numbers)
        new = judged.verdict == NEW
        written = None
        if new.any():
            batches = np.array([numbers[arrival.batch.batch_id] for arrival in arrivals], dtype=np.int32)
            rows = in_hexagons(gathered.rows.filter(pa.array(new)))
            rows = rows.append_column("batch", pa.array(batches[gathered.arrival[new]]))
            written = self._numbered(cursor, rows.append_column("line", pa.array(account.line[new])))
            insert_rows(cursor, f"events ({EVENT_COLUMNS})", f"batch, {EVENT_VALUES}", written)
            append_rollup_of(cursor, written)
            execute_over(cursor, read_sql("tallies_of_feed").format(facts="given_rows"), written)
        _note_change(cursor, next(iter(numbers.values()), None), written)
        self._appended = True
        return account.outcomes

    def wants_order(self, cursor: duckdb.DuckDBPyConnection, quiet: bool) -> bool:
        """Whether so much stands unsorted at the end of the daily counts that sorting is worth its time."""
        if not self._appended:
            return False
        rows, in_order = rollup_rows(cursor)
        bearable = max(UNSORTED_ROWS, UNSORTED_SHARE * rows) * (QUIET_SHARE if quiet else 1)
        return rows - in_order > bearable

    def put_in_order(self, cursor: duckdb.DuckDBPyConnection) -> None:
        """Sort the daily counts again."""
        sort_rollup(cursor)
        self._appended = False

    def _suspects(self, cursor: duckdb.DuckDBPyConnection, rows: pa.Table) -> pa.Table:
        """The events of the store that have the identifier of one of these. EVENT_SCHEMA."""
        if self._keys is None:
            self._keys = KnownKeys(_keys(cursor.execute("SELECT key FROM events")))
        given_keys = _keys(execute_over(cursor, f"SELECT {EVENT_KEY} AS key FROM given_rows", rows))
        suspected = self._keys.may_hold(given_keys)
        self._keys.add(given_keys)
        if not suspected.any():
            return EVENT_SCHEMA.empty_table()
        names = rows.column("event_id").filter(pa.array(suspected)).to_pylist()
        columns = ", ".join(EVENT_SCHEMA.names)
        found: pa.Table = cursor.sql(
            f"SELECT {columns} FROM facts JOIN (SELECT batch, batch_id FROM batches) USING (batch)"
            " WHERE key IN $keys::UBIGINT[] AND event_id IN $names::VARCHAR[]",
            params={"keys": given_keys[suspected].tolist(), "names": names},
        ).to_arrow_table()
        return found.cast(EVENT_SCHEMA)

    def _numbered(self, cursor: duckdb.DuckDBPyConnection, rows: pa.Table) -> pa.Table:
        """Give each row the numbers of its combinations; new ones join the file's."""
        for number, (table, names) in DIMENSIONS.items():
            dimension = Dimension(names, dict(self._refreshed(cursor, table, number, names)))
            rows = rows.append_column(number, pa.array(dimension.encode(rows)))
            fresh = dimension.fresh(number)
            if fresh.num_rows:
                insert_rows(cursor, f"{table} BY NAME", "*", fresh)
                if number == "place":
                    place_in_territories(cursor, dimension.first_new)
        return rows

    def _refreshed(
        self, cursor: duckdb.DuckDBPyConnection, table: str, number: str, names: tuple[str, ...]
    ) -> dict[Combination, int]:
        """The combinations that the file holds; numbers are never given twice, so that only later ones are read."""
        known = self._known[number]
        rows = cursor.execute(
            f"SELECT {', '.join(names)}, {number} FROM {table} WHERE {number} > ? ORDER BY {number}", [len(known)]
        ).fetchall()
        known.update((row[:-1], row[-1]) for row in rows)
        return known


def _note_change(cursor: duckdb.DuckDBPyConnection, batch: int | None, rows: pa.Table | None) -> None:
    note_change(
        lambda text, values: execute_over(cursor, text, rows, values).fetchall(),
        batch,
        None if rows is None else "given_rows",
    )


def _keys(answer: duckdb.DuckDBPyConnection) -> NDArray[np.uint64]:
    return np.asarray(answer.fetchnumpy()["key"], dtype=np.uint64)


def _open_batch(cursor: duckdb.DuckDBPyConnection, batch: Batch, taken: Iterable[int]) -> tuple[int, Ledger | None]:
    """The number of a feed's day, and its ledger so far; a number of its own and None when it is not open yet."""
    names = ", ".join(LEDGER_COLUMNS)
    row = first_row(cursor, f"SELECT batch, {names} FROM batches WHERE batch_id = ?", [batch.batch_id])
    if row is not None:
        return row[0], ledger_of_row(row[1:])
    last = first_row(cursor, "SELECT coalesce(max(batch), 0) FROM batches")
    return max(last[0] if last else 0, *taken, 0) + 1, None


def _write_account(cursor: duckdb.DuckDBPyConnection, account: Account, numbers: Mapping[str, int]) -> None:
    for batch_id, ledger in account.ledgers.items():
        values = {"batch": numbers[batch_id], **ledger_values(ledger)}
        if batch_id in account.opened:
            cursor.execute(
                f"INSERT INTO batches (batch, {', '.join(LEDGER_COLUMNS)})"
                f" VALUES ($batch, {', '.join(f'${name}' for name in LEDGER_COLUMNS)})",
                values,
            )
        else:
            grown = ", ".join(f"{name} = ${name}" for name in GROWING_COLUMNS)
            kept = {name: values[name] for name in ("batch", *GROWING_COLUMNS)}
            cursor.execute(f"UPDATE batches SET {grown} WHERE batch = $batch", kept)
    if account.refusals.num_rows:
        batch = pa.array(
            [numbers[batch_id] for batch_id in account.refusals.column("batch_id").to_pylist()], pa.int32()
        )
        rows = account.refusals.select(REFUSAL_SCHEMA.names).append_column("batch", batch)
        insert_rows(cursor, "quarantine BY NAME", "*", rows)
