"""What both ways of loading the server store share: binary COPY, the numbers of combinations, and connections that
work beside the load's own."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from data.dimensions import Combination, distinct_rows
from data.layout import DIMENSIONS
from data.postgis_connection import LOADER, Connection, bound, connect, statement
from data.postgis_copy import SIGNATURE, TRAILER, copy_rows, without_forbidden
from data.text_hash import hash_texts

FAMILIES = ("incident", "control")  # that the daily counts tell apart


def lock_writing(connection: Connection) -> None:
    """Wait until no other program writes; until the end of the transaction none will."""
    connection.execute("SELECT pg_advisory_xact_lock(hashtext('hexacross.writing'))")


def copy_into(connection: Connection, table: str, names: tuple[str, ...], rows: pa.Table) -> None:
    """Append the columns `names` of an Arrow table to a table."""
    text = f"COPY {table} ({', '.join(names)}) FROM STDIN (FORMAT BINARY)"
    with connection.cursor() as cursor, cursor.copy(text) as copy:
        copy.write(SIGNATURE)
        copy.write(copy_rows(rows.select(list(names))))
        copy.write(TRAILER)


def place_in_territories(connection: Connection, first: int) -> None:
    """Give the places from number `first` on their zone and their territories."""
    for known_by in (
        "zones.commune = places.commune",
        "places.commune IS NULL AND zones.commune IS NULL AND zones.departement = places.departement",
    ):
        connection.execute(
            bound(f"UPDATE places SET zone = zones.zone FROM zones WHERE place >= $first AND {known_by}"),
            {"first": first},
        )
    connection.execute(statement("place_territories", target="place_territories"), {"first": first})
    connection.execute("UPDATE meta SET geography = geography + 1")


def keys_of(rows: pa.Table) -> NDArray[np.int64]:
    """The key of each event, as `event_keys` has it: a hash of its identifier."""
    return hash_texts(without_forbidden(rows.column("event_id").combine_chunks()))


class Lane:
    """A connection of the loader outside the pool, and the one thread that uses it: work is done in order."""

    def __init__(self, url: str) -> None:
        self.connection = connect(url)
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="hexacross-lane")
        self._waiting: list[Future[object]] = []
        # What a lane commits is nothing until the load's own transaction ends, which waits for the disk.
        self.connection.execute(
            "SELECT set_config('role', %s, false), set_config('synchronous_commit', 'off', false)", (LOADER,)
        )

    def submit(self, work: Callable[..., object], *arguments: Any) -> None:
        """Do this after what was submitted before."""
        self._waiting.append(self._thread.submit(work, *arguments))

    def wait(self, leave: int = 0) -> None:
        """Wait until at most `leave` tasks are not done; what one of them raised is raised here."""
        while len(self._waiting) > leave:
            self._waiting.pop(0).result()

    def stop(self) -> None:
        """Forget what was not begun, and wait for what was."""
        self._thread.shutdown(wait=True, cancel_futures=True)


class Numbers:
    """The store's numbers of the combinations; new ones are entered for good, in short transactions of their own.

    A combination that no fact has changes no answer: a load that fails may leave some.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._known: dict[str, dict[Combination, int]] = {number: {} for number in DIMENSIONS}
        self.zones = np.zeros(1, dtype=np.int32)  # by number of the place
        self.families = np.full(1, -1, dtype=np.int32)  # by number of the class: position in FAMILIES, or -1

    def encode(self, rows: pa.Table) -> dict[str, NDArray[np.int32]]:
        """The `class`, `place` and `origin` of each row."""
        found = {number: distinct_rows(rows.select(list(names))) for number, (_, names) in DIMENSIONS.items()}
        if any(one not in self._known[number] for number, (_, combinations) in found.items() for one in combinations):
            self._enter({number: combinations for number, (_, combinations) in found.items()})
        return {
            number: np.array([self._known[number][one] for one in combinations], dtype=np.int32)[positions]
            for number, (positions, combinations) in found.items()
        }

    def _enter(self, found: dict[str, list[Combination]]) -> None:
        connection = self._connection
        with connection.transaction():
            lock_writing(connection)
            first_new = {}
            for number, (table, names) in DIMENSIONS.items():
                known = self._known[number]
                self._refresh(number, known)
                first_new[number] = max(known.values(), default=0) + 1
                fresh = [one for one in found[number] if one not in known]
                known.update((one, first_new[number] + position) for position, one in enumerate(fresh))
                values = {"numbers": [known[one] for one in fresh]}
                values |= {name: [one[position] for one in fresh] for position, name in enumerate(names)}
                columns = ", ".join(f"${name}::TEXT[]" for name in names)
                connection.execute(
                    bound(
                        f"INSERT INTO {table} ({number}, {', '.join(names)})"
                        f" SELECT * FROM unnest($numbers::INTEGER[], {columns})"
                    ),
                    values,
                )
            if len(self._known["place"]) >= first_new["place"]:
                place_in_territories(connection, first_new["place"])
            self.zones = self._by_number("place", "SELECT place, zone FROM places", absent=0)
            told = ", ".join(f"'{family}'" for family in FAMILIES)
            text = f"SELECT class, array_position(ARRAY[{told}], family) - 1 FROM classes WHERE family IN ({told})"
            self.families = self._by_number("class", text, absent=-1)

    def _refresh(self, number: str, known: dict[Combination, int]) -> None:
        table, names = DIMENSIONS[number]
        rows = self._connection.execute(
            bound(f"SELECT {', '.join(names)}, {number} FROM {table} WHERE {number} > $last ORDER BY {number}"),
            {"last": max(known.values(), default=0)},
        )
        known.update((row[:-1], row[-1]) for row in rows)

    def _by_number(self, number: str, text: str, absent: int) -> NDArray[np.int32]:
        rows = np.array(self._connection.execute(bound(text)).fetchall(), dtype=np.int64).reshape(-1, 2)
        values = np.full(len(self._known[number]) + 1, absent, dtype=np.int32)
        values[rows[:, 0]] = rows[:, 1]
        return values
