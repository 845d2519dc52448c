"""Load millions of facts into the server store: whole months at a time, on several connections at once.

Each month's facts and daily counts go into tables of their own, which are filled, then indexed, and committed while
nobody reads them. The load's last transaction makes them the months' tables: readers see all of it, or nothing. Where
a month is there already, its rows are inserted instead.

What has to be sorted or added up by month waits in files meanwhile: memory holds eight bytes for each line.
"""

from __future__ import annotations

import secrets
import tempfile
from contextlib import suppress
from datetime import date
from pathlib import Path

import numpy as np
import psycopg
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from data.hexagon_sums import COUNTS, SUMS, Columns, summarise
from data.layout import DIMENSIONS, STORED_FIELDS
from data.packing import as_table, merged, pack
from data.postgis_connection import Connection, bound
from data.postgis_lanes import FAMILIES, Lane, Numbers, copy_into, keys_of
from data.postgis_summary import SPAN_BITS, add_sums
from data.spans import BITS, FIRST_DAY, LEVEL_SHIFT, ZONE_SHIFT

LANES = 2
ARRIVING = ("line", *DIMENSIONS, *(field.name for field in STORED_FIELDS))  # of events: all but the load's number
ROLLUP = ("zone", "day", "cell", "place", "class", "events", *COUNTS, *SUMS)
KEYS = ("occurred_at", "key", "day")
CELL_BITS = 37  # that tell cells of resolution 10 apart: 7 of the base cell, 3 for each digit,
CELL_SHIFT = 15  # above those that are not used
DAY_BITS = 5  # of a day's number in its month
LEVEL_MASK = (1 << (ZONE_SHIFT - LEVEL_SHIFT)) - 1
SPANS_AT_ONCE = 2_000
MICROGRAMS_PER_KG, CENTS_PER_EUR = 1e9, 100


class Months:
    """The tables of one load while it arrives: `add` rows, `finish`, then `attach` in the load's own transaction."""

    def __init__(self, url: str) -> None:
        self._load = secrets.token_hex(4)
        self._spool = tempfile.TemporaryDirectory(prefix="hexacross-")
        self._lanes: list[Lane] = []
        self._files: dict[date, pa.RecordBatchStreamWriter] = {}
        self._keys: list[NDArray[np.int64]] = []
        self._tallies: list[pa.Table] = []
        try:
            self._open(url)
        except BaseException:
            self.close()
            raise

    def _open(self, url: str) -> None:
        for _ in range(LANES):
            self._lanes.append(Lane(url))
        first = self._lanes[0].connection
        self._numbers = Numbers(first)
        first.execute("SELECT drop_abandoned()")
        # Territories keep their zones until these counts are in; what is left behind is known by the other lock.
        first.execute(
            """SELECT pg_advisory_lock_shared(hashtext('hexacross.arriving')),
                pg_advisory_lock_shared(hashtext('hexacross.territories'))"""
        )
        first.execute("SELECT create_arriving(%s)", (self._load,))

    def close(self, *, is_settled: bool = False) -> None:
        """Disconnect; drop the tables, unless the load's own transaction does."""
        for file in self._files.values():
            file.close()
        for lane in self._lanes:
            lane.stop()
        if self._lanes and not is_settled:
            with suppress(psycopg.OperationalError):  # the server is away: the next load drops what is abandoned
                self._lanes[0].connection.execute("SELECT drop_arriving(%s)", (self._load,))
        for lane in self._lanes:
            lane.connection.close()
        self._spool.cleanup()

    @property
    def months(self) -> list[date]:
        """The first days of the months that were brought."""
        return sorted(self._files)

    # While the lines come

    def add(self, rows: pa.Table) -> None:
        """Take some facts, with their `line` and the cells that a hexagon may show."""
        numbers = self._numbers.encode(rows)
        for name, values in numbers.items():
            rows = rows.append_column(name, pa.array(values))
        self._tallies.append(_tallied(pa.concat_tables([*self._tallies, _as_tallies(rows)])))
        self._tallies = self._tallies[-1:]
        counts = self._counts(rows, numbers)
        self._keys.append(counts.column("key").to_numpy())
        rows = rows.select(list(ARRIVING)).unify_dictionaries()
        month_of = rows.column("day").to_numpy().astype("datetime64[M]")
        order = np.argsort(month_of, kind="stable")
        rows, counts, month_of = rows.take(order), counts.take(order), month_of[order]
        starts = np.flatnonzero(np.diff(month_of.astype(np.int64), prepend=-(2**31)))
        for lane in self._lanes:
            lane.wait(leave=0)
        for start, stop in zip(starts, [*starts[1:], len(month_of)], strict=True):
            month = month_of[start].astype("datetime64[D]").item()
            self._spool_of(month, counts.schema).write_table(counts.slice(start, stop - start))
            self._lane(month).submit(
                copy_into,
                self._lane(month).connection,
                self._table("events", month),
                ARRIVING,
                rows.slice(start, stop - start),
            )

    def _counts(self, rows: pa.Table, numbers: dict[str, NDArray[np.int32]]) -> pa.Table:
        """What the daily counts and the keys need of each fact."""
        family = self._numbers.families[numbers["class"]]
        is_control = pa.array(family == FAMILIES.index("control"))
        nothing = pa.scalar(None, pa.int64())
        return pa.table(
            {
                "zone": self._numbers.zones[numbers["place"]],
                "day": rows.column("day"),
                "cell": rows.column("cell"),
                "place": numbers["place"],
                "class": numbers["class"],
                "events": np.ones(rows.num_rows, dtype=np.int32),
                "incidents": (family == FAMILIES.index("incident")).astype(np.int32),
                "controls": (family == FAMILIES.index("control")).astype(np.int32),
                "checked": pc.if_else(is_control, rows.column("checked"), nothing),
                "positive": pc.if_else(is_control, rows.column("positive"), nothing),
                "micrograms": _whole(rows.column("quantity_kg"), MICROGRAMS_PER_KG),
                "cents": _whole(rows.column("value_eur"), CENTS_PER_EUR),
                "occurred_at": rows.column("occurred_at"),
                "key": keys_of(rows),
            }
        )

    def _spool_of(self, month: date, schema: pa.Schema) -> pa.RecordBatchStreamWriter:
        if month not in self._files:
            self._lane(month).submit(self._create, month)
            self._files[month] = pa.ipc.new_stream(str(self._path(month)), schema)
        return self._files[month]

    def _create(self, month: date) -> None:
        self._lane(month).connection.execute("SELECT create_arriving(%s, %s)", (self._load, month))

    def _lane(self, month: date) -> Lane:
        return self._lanes[(12 * month.year + month.month) % LANES]

    def _path(self, month: date) -> Path:
        return Path(self._spool.name) / f"{month:%Y-%m}.arrow"

    def _table(self, parent: str, month: date) -> str:
        return f"arriving_{self._load}_{parent}_{month.year:04}_{month.month:02}"

    # When the last has come

    def finish(self) -> None:
        """Index the facts, and write and index the daily counts and the sums by hexagon."""
        waiting: list[pa.Table] = []
        for file in self._files.values():
            file.close()
        for month in self.months:
            lane = self._lane(month)
            keys = self._read(month, KEYS)
            lane.submit(copy_into, lane.connection, f"arriving_{self._load}_keys", KEYS, keys)
            lane.submit(self._index, lane.connection, "events", month)
            counts = self._sorted_counts(month)
            lane.submit(copy_into, lane.connection, self._table("rollup", month), ROLLUP, counts)
            lane.submit(self._index, lane.connection, "rollup", month)
            ended, waiting = _ended(summarise(_summable(counts)), waiting, month)
            lane.submit(self._write_spans, lane.connection, ended)
            lane.wait(leave=4)
        for lane in self._lanes[1:]:
            lane.wait()  # for the keys of its months
        first, other = self._lanes[0], self._lanes[-1]
        first.submit(first.connection.execute, "SELECT index_arriving_keys(%s)", (self._load,))
        other.submit(self._write_spans, other.connection, merged(waiting))
        for lane in self._lanes:
            lane.wait()

    def _index(self, connection: Connection, parent: str, month: date) -> None:
        connection.execute("SELECT index_arriving(%s, %s, %s)", (self._load, parent, month))

    def _read(self, month: date, names: tuple[str, ...]) -> pa.Table:
        with pa.ipc.open_stream(pa.memory_map(str(self._path(month)))) as spooled:
            return spooled.read_all().select(list(names))

    def _sorted_counts(self, month: date) -> pa.Table:
        rows = self._read(month, ROLLUP)
        zone = rows.column("zone").to_numpy().astype(np.int64)
        day = rows.column("day").to_numpy() - np.datetime64(month, "D")
        cell = rows.column("cell").fill_null(0).to_numpy()
        short = (cell >> CELL_SHIFT) & ((1 << CELL_BITS) - 1)
        return rows.take(np.argsort((zone << DAY_BITS | day.astype(np.int64)) << CELL_BITS | short, kind="stable"))

    def _write_spans(self, connection: Connection, sums: pa.Table) -> None:
        with connection.cursor().copy(f"COPY arriving_{self._load}_spans FROM STDIN (FORMAT BINARY)") as copy:
            copy.set_types(["int4", "int4", "bytea"])
            for part, value in pack(sums):
                copy.write_row((part >> ZONE_SHIFT, part & SPAN_BITS, value))

    # In the load's own transaction

    def are_new(self, connection: Connection) -> bool:
        """Whether no identifier is there twice, here or in the store; equal hashes of two count as a doubt."""
        keys = np.sort(np.concatenate(self._keys))
        if (keys[1:] == keys[:-1]).any():
            return False
        if connection.execute("SELECT EXISTS (SELECT FROM event_keys)").fetchone() == (False,):
            return True
        connection.execute("CREATE TEMP TABLE arrived_keys (key INT8) ON COMMIT DROP")
        copy_into(connection, "arrived_keys", ("key",), pa.table({"key": keys}))
        connection.execute("ANALYZE arrived_keys")
        row = connection.execute("SELECT EXISTS (SELECT FROM arrived_keys JOIN event_keys USING (key))").fetchone()
        return row == (False,)

    def show_as_arrived(self, connection: Connection) -> None:
        """Make the view `arrived` of all the facts, to judge and insert them one by one."""
        names = ", ".join(ARRIVING)
        # A row's number: where it stands. Lines are told apart by it when a file gives two the same number.
        stands = "((ctid::TEXT::POINT)[0]::BIGINT << 12 | (ctid::TEXT::POINT)[1]::BIGINT)"
        selects = (
            f"SELECT {number}::BIGINT << 48 | {stands} AS row, {names} FROM {self._table('events', month)}"
            for number, month in enumerate(self.months)
        )
        connection.execute(bound(f"CREATE TEMP VIEW arrived AS {' UNION ALL '.join(selects)}"))

    def attach(self, connection: Connection, number: int) -> None:
        """Make the months the store's, as load `number`."""
        self._hold(connection)
        connection.execute("SELECT attach_arriving_keys(%s, %s)", (self._load, number))
        known = connection.execute(
            "SELECT attach_arriving(%s, %s::DATE[], %s)", (self._load, self.months, number)
        ).fetchall()
        names = ", ".join(ARRIVING)
        for (month,) in known:
            connection.execute(
                bound(
                    f"INSERT INTO events (batch, {names}) SELECT $batch, {names} FROM {self._table('events', month)}"
                ),
                {"batch": number},
            )
            columns = ", ".join(ROLLUP)
            connection.execute(
                bound(f"INSERT INTO rollup ({columns}) SELECT {columns} FROM {self._table('rollup', month)}")
            )
        self._attach_spans(connection)
        self._insert_tallies(connection, number)
        self.drop(connection)

    def drop(self, connection: Connection) -> None:
        """Drop what is left of the tables, when the transaction ends."""
        self._hold(connection)
        connection.execute("SELECT drop_arriving(%s)", (self._load,))

    def _hold(self, connection: Connection) -> None:
        """Nobody may take these tables for abandoned before the transaction ends."""
        connection.execute("SELECT pg_advisory_xact_lock_shared(hashtext('hexacross.arriving'))")

    def _attach_spans(self, connection: Connection) -> None:
        spans = f"arriving_{self._load}_spans"
        common = connection.execute(
            bound(f"SELECT zone, span FROM {spans} JOIN hexagon_spans USING (zone, span)")
        ).fetchall()
        connection.execute(
            bound(f"INSERT INTO hexagon_spans SELECT * FROM {spans} ON CONFLICT (zone, span) DO NOTHING")
        )
        for first in range(0, len(common), SPANS_AT_ONCE):
            some = common[first : first + SPANS_AT_ONCE]
            rows = connection.execute(
                bound(f"""SELECT zone, span, packed FROM {spans}
                    WHERE (zone, span) IN (SELECT * FROM unnest($zones::INTEGER[], $spans::INTEGER[]))"""),
                {"zones": [zone for zone, _ in some], "spans": [span for _, span in some]},
                binary=True,
            )
            add_sums(connection, merged([as_table(zone << ZONE_SHIFT | span, packed) for zone, span, packed in rows]))

    def _insert_tallies(self, connection: Connection, number: int) -> None:
        (tallies,) = self._tallies
        tallies = tallies.append_column("batch", pa.array(np.full(tallies.num_rows, number, dtype=np.int32)))
        names = ("batch", "origin", "place", "events", "first_day", "last_day")
        connection.execute("CREATE TEMP TABLE arrived_tallies (LIKE tallies) ON COMMIT DROP")
        copy_into(connection, "arrived_tallies", names, tallies)
        connection.execute(
            bound(f"INSERT INTO tallies ({', '.join(names)}) SELECT {', '.join(names)} FROM arrived_tallies")
        )


def _as_tallies(rows: pa.Table) -> pa.Table:
    """What each row brings of its origin and place."""
    day = rows.column("day")
    events = np.ones(rows.num_rows, dtype=np.int64)
    return pa.table(
        {
            "origin": rows.column("origin"),
            "place": rows.column("place"),
            "events": events,
            "first_day": day,
            "last_day": day,
        }
    )


def _tallied(rows: pa.Table) -> pa.Table:
    added = rows.group_by(["origin", "place"]).aggregate([("events", "sum"), ("first_day", "min"), ("last_day", "max")])
    return added.rename_columns(["origin", "place", "events", "first_day", "last_day"])


def _whole(column: pa.ChunkedArray, parts: float) -> pa.Array:
    """Quantities ≥ 0 in whole units, halves upwards, as `whole` does in SQL."""
    known = column.is_valid().to_numpy()
    exact = column.fill_null(0.0).to_numpy() * parts
    below = np.floor(exact)
    return pa.array((below + (exact - below >= 0.5)).astype(np.int64), mask=~known)


def _summable(counts: pa.Table) -> Columns:
    """The sorted daily counts that have a cell, as `summarise` takes them."""
    counts = counts.filter(counts.column("cell").is_valid())
    columns: Columns = {name: counts.column(name).to_numpy() for name in ("zone", "day", "cell", *COUNTS)}
    for name in SUMS:
        column = counts.column(name)
        columns[name] = np.ma.array(column.fill_null(0).to_numpy(), mask=column.is_null().to_numpy())
    return columns


def _ended(sums: pa.Table, waiting: list[pa.Table], month: date) -> tuple[pa.Table, list[pa.Table]]:
    """What is complete at the end of a month, with what waited for it, and what waits for later months."""
    part = sums.column("part").to_numpy()
    begun = _first_days(part) < np.datetime64(month, "D").astype(np.int64)
    waited = merged([*waiting, sums.filter(pa.array(begun))])
    sums = pa.concat_tables([sums.filter(pa.array(~begun)), waited])
    after = (np.datetime64(month, "M") + 1).astype("datetime64[D]").astype(np.int64)
    is_complete = pa.array(_first_days(sums.column("part").to_numpy(), next_one=True) <= after)
    return sums.filter(is_complete), [sums.filter(pc.invert(is_complete))]


def _first_days(part: NDArray[np.int64], *, next_one: bool = False) -> NDArray[np.int64]:
    """The day, since 1970, on which each part's span begins, or the next span of its length."""
    level = (part >> LEVEL_SHIFT) & LEVEL_MASK
    number = part & ((1 << LEVEL_SHIFT) - 1)
    return ((number + next_one) << (BITS * level)) + FIRST_DAY
