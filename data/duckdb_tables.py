"""The embedded store's file: its tables, which follow from `data.schema`, how it is opened, and what can go wrong."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from data.errors import StoreError, StoreVersionError
from data.layout import DIMENSIONS, EVENT_IDENTITY, INDICATOR_FIELDS, INDICATOR_IDENTITY, STORED_FIELDS, read_sql
from data.schema import Field, FieldType
from geo.errors import N_

SCHEMA_VERSION = 3
MEMORY_LIMIT = "2GB"  # of DuckDB itself; it spills to disk beyond, next to the store
THREADS = 2

HASH_PROBE = "hexacross"

SQL_TYPES: dict[FieldType, str] = {
    "text": "VARCHAR",
    "code": "VARCHAR",
    "integer": "BIGINT",
    "number": "DOUBLE",
    "instant": "TIMESTAMP",  # UTC
    "day": "DATE",
    "cell": "BIGINT",
}


def first_row(
    cursor: duckdb.DuckDBPyConnection, statement: str, values: Mapping[str, Any] | Sequence[Any] = ()
) -> tuple[Any, ...] | None:
    """The first row of an answer, which is read to its end: a cursor is not free before that."""
    rows: list[tuple[Any, ...]] = cursor.execute(statement, values).fetchall()
    return rows[0] if rows else None


def statements(cursor: duckdb.DuckDBPyConnection) -> Callable[[str, Mapping[str, Any]], list[tuple[Any, ...]]]:
    """What runs a statement on this cursor and returns its rows."""
    return lambda text, values: cursor.execute(text, values).fetchall()


def insert_rows(
    cursor: duckdb.DuckDBPyConnection,
    into: str,
    select: str,
    given_rows: pa.Table,
    values: Mapping[str, Any] | None = None,
) -> None:
    """Run `INSERT INTO {into} SELECT {select}` over an Arrow table.

    DuckDB finds `given_rows` by its name in this frame. Registering it instead would enter it into the catalogue, which
    holds on to its memory until the transaction ends: 150 MB for each million facts.
    """
    cursor.execute(f"INSERT INTO {into} SELECT {select} FROM given_rows", values or {})


def execute_over(
    cursor: duckdb.DuckDBPyConnection, statement: str, given_rows: pa.Table, values: Mapping[str, Any] | None = None
) -> duckdb.DuckDBPyConnection:
    """Run a statement that reads the Arrow table under the name `given_rows`, as `insert_rows` does."""
    return cursor.execute(statement, values or {})


def create_tables(cursor: duckdb.DuckDBPyConnection) -> None:
    """Lay every table into an empty file."""
    cursor.execute(read_sql("tables"))
    cursor.execute(read_sql("hexagon_spans"))
    cursor.execute(f"""
        CREATE TABLE events (key UBIGINT NOT NULL, batch INTEGER NOT NULL, line BIGINT NOT NULL,
            {", ".join(f"{number} INTEGER NOT NULL" for number in DIMENSIONS)}, {_columns(STORED_FIELDS)},
            named BOOLEAN NOT NULL)""")
    cursor.execute(f"""
        CREATE TABLE indicators (key UBIGINT NOT NULL, batch INTEGER NOT NULL, line BIGINT NOT NULL,
            {_columns(INDICATOR_FIELDS)})""")
    create_facts(cursor)
    cursor.execute("CREATE VIEW figures AS SELECT indicators.rowid AS row_number, * FROM indicators")
    cursor.execute("INSERT INTO meta VALUES (?, 0, hash(?), '', 0)", [SCHEMA_VERSION, HASH_PROBE])


def create_facts(cursor: duckdb.DuckDBPyConnection) -> None:
    """Lay the view of the events with all they stand for.

    An identifier is written once: where an event is `named`, its `source_event_id` is what follows the source in its
    `event_id`. Text that hardly repeats is what costs most to write, and to keep.
    """
    cursor.execute("""
        CREATE OR REPLACE VIEW facts AS
        SELECT events.rowid AS row_number, * REPLACE (
            CASE WHEN named THEN substr(event_id, length(source) + 2) ELSE source_event_id END AS source_event_id)
        FROM events JOIN classes USING (class) JOIN places USING (place) JOIN origins USING (origin)""")


def _columns(fields: tuple[Field, ...]) -> str:
    return ", ".join(f"{field.name} {SQL_TYPES[field.type]}{' NOT NULL' * field.required}" for field in fields)


def connect(path: Path) -> duckdb.DuckDBPyConnection:
    """Open or create the store's file, and check that it is one of ours that we can read.

    Raises:
        StoreError: Locked by another program, no right, damaged, not a store of Hexacross.
        StoreVersionError: Made by a newer version.
    """
    with explained(path):
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(
                N_("Impossible de créer le dossier {folder} : {reason}. Choisissez un dossier où vous pouvez écrire."),
                folder=path.parent,
                reason=error.strerror,
            ) from error
        connection = duckdb.connect(
            str(path),
            config={
                "memory_limit": MEMORY_LIMIT,
                "threads": THREADS,
                "autoinstall_known_extensions": "false",
                "autoload_known_extensions": "false",
            },
        )
        try:
            _prepare(connection, path)
        except BaseException:
            connection.close()
            raise
    return connection


def _prepare(connection: duckdb.DuckDBPyConnection, path: Path) -> None:
    tables = {name for (name,) in connection.execute("SELECT table_name FROM duckdb_tables()").fetchall()}
    if not tables:
        connection.begin()
        create_tables(connection)
        connection.execute(read_sql("change_tables"))
        connection.commit()
        return
    row = first_row(connection, "SELECT schema_version FROM meta") if "meta" in tables else None
    if row is None:
        raise StoreError(
            N_("{path} est un fichier DuckDB, mais pas une base Hexacross. Indiquez un autre fichier."), path=path
        )
    if row[0] > SCHEMA_VERSION:
        raise StoreVersionError(
            N_(
                "La base {path} a été créée par une version plus récente d'Hexacross (format {given}, cette version lit"
                " le format {expected}). Mettez Hexacross à jour ou indiquez une autre base."
            ),
            path=path,
            given=row[0],
            expected=SCHEMA_VERSION,
        )
    connection.execute(read_sql("change_tables"))  # a file from before them needs nothing else
    _renew_keys(connection)


def _renew_keys(connection: duckdb.DuckDBPyConnection) -> None:
    """Make the keys again if DuckDB's hash function is no longer the one that made them."""
    if first_row(connection, "SELECT hash_probe = hash(?) FROM meta", [HASH_PROBE]) == (True,):
        return
    connection.begin()
    connection.execute(f"UPDATE events SET key = {EVENT_KEY}")
    connection.execute(f"UPDATE indicators SET key = {INDICATOR_KEY}")
    connection.execute("UPDATE meta SET hash_probe = hash(?)", [HASH_PROBE])
    connection.commit()


EVENT_KEY = f"hash({', '.join(EVENT_IDENTITY)})"
INDICATOR_KEY = f"hash({', '.join(INDICATOR_IDENTITY)})"


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn DuckDB's errors into ones that say what to do; a fault in our SQL stays what it is."""
    try:
        yield
    except duckdb.ProgrammingError:
        raise
    except duckdb.Error as error:
        raise _explain(error, path) from error


def _explain(error: duckdb.Error, path: Path) -> StoreError:
    text = str(error)
    if "Could not set lock" in text or "Conflicting lock" in text:
        found = re.search(r"PID (\d+)", text)
        return StoreError(
            N_(
                "La base {path} est déjà ouverte par un autre programme (processus {process}). Fermez-le, ou attendez"
                " qu'il ait fini, puis recommencez."
            ),
            path=path,
            process=found.group(1) if found else "?",
        )
    if "with version number" in text or "newer version of DuckDB" in text:
        return StoreVersionError(
            N_("Le fichier {path} est d'un format DuckDB que cette version ne lit pas. Mettez Hexacross à jour."),
            path=path,
        )
    for pattern, template in EXPLANATIONS:
        if re.search(pattern, text, re.IGNORECASE):
            return StoreError(template, path=path, reason=_first_line(text))
    return StoreError(N_("La base {path} ne peut pas être utilisée : {reason}"), path=path, reason=_first_line(text))


def _first_line(text: str) -> str:
    return text.strip().splitlines()[0] if text.strip() else "?"


EXPLANATIONS = (
    (
        r"no space left|file too large|disk quota|could not write|max_temp_directory_size",
        N_(
            "Le disque de {path} est plein, ou le fichier ne peut plus grandir : rien de ce chargement n'a été gardé."
            " Libérez de la place, puis recommencez. ({reason})"
        ),
    ),
    (
        r"permission denied|read-only file system|is a directory|operation not permitted|cannot open file",
        N_(
            "Impossible d'ouvrir {path} en écriture. Vérifiez que c'est un fichier et que vous avez le droit"
            " d'écrire, ou indiquez une autre base. ({reason})"
        ),
    ),
    (
        r"not a valid DuckDB|checksum|corrupt|deserializ|serialization|failed to read|could not read",
        N_(
            "Le fichier {path} est abîmé ou n'est pas une base Hexacross. Restaurez une sauvegarde ou indiquez une"
            " autre base. ({reason})"
        ),
    ),
    (
        r"out of memory|could not allocate",
        N_("Mémoire insuffisante pour cette opération sur {path}. Réduisez la période ou le fichier. ({reason})"),
    ),
    (
        r"has been invalidated",
        N_("La base {path} s'est arrêtée après une erreur grave. Relancez Hexacross. ({reason})"),
    ),
)
