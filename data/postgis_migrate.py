"""Bring a server store to this version's schema: numbered files, applied in order, once, by one program at a time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from typing import NamedTuple

import psycopg

from data.errors import StoreError, StoreVersionError
from data.postgis_connection import SCHEMA, Connection, connect, explained, server_name
from geo.errors import N_


class Migration(NamedTuple):
    """One step: its number, its name, and its SQL."""

    number: int
    name: str
    text: str


def known_migrations() -> list[Migration]:
    """The steps that this version knows, in order."""
    folder = files("data") / "sql" / "migrations"
    found = sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(".sql"))
    return [
        Migration(int(name[:3]), name.removesuffix(".sql")[4:], (folder / name).read_text(encoding="utf-8"))
        for name in found
    ]


def migrate(url: str) -> list[Migration]:
    """Apply the steps that the database lacks, all or none.

    Returns:
        Those applied now.

    Raises:
        StoreError: Unreachable, or without the rights that a step needs.
        StoreVersionError: The database has steps that this version does not know.
    """
    connection = connect(url)
    try:
        with explained(url), _with_rights(url), connection.transaction():
            connection.execute("SELECT pg_advisory_xact_lock(hashtext('hexacross.migrations'))")
            connection.execute(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}")
            connection.execute(
                """CREATE TABLE IF NOT EXISTS migrations (
                    number INTEGER PRIMARY KEY, name TEXT NOT NULL, applied_at TIMESTAMPTZ NOT NULL DEFAULT now())"""
            )
            lacking = known_migrations()[check_not_newer(connection, url) :]
            for migration in lacking:
                connection.execute(migration.text.encode())  # bytes: no parameter to look for
                connection.execute(
                    "INSERT INTO migrations (number, name) VALUES (%s, %s)", (migration.number, migration.name)
                )
        return lacking
    finally:
        connection.close()


@contextmanager
def _with_rights(url: str) -> Iterator[None]:
    """Say which account migrates, when another one was used."""
    try:
        yield
    except psycopg.errors.InsufficientPrivilege as error:
        raise StoreError(
            N_(
                "Ce compte n'a pas le droit de préparer la base {server} : {reason}. Donnez l'adresse avec celui qui la"
                " possède (hexacross_owner), comme l'indique docs/serveur.md."
            ),
            server=server_name(url),
            reason=str(error).splitlines()[0],
        ) from error


def check_not_newer(connection: Connection, url: str) -> int:
    """The number of the last step applied.

    Raises:
        StoreVersionError: It is beyond the last one we know.
    """
    row = connection.execute("SELECT coalesce(max(number), 0) FROM migrations").fetchone()
    applied, known = int(row[0]) if row else 0, known_migrations()[-1].number
    if applied > known:
        raise StoreVersionError(
            N_(
                "La base {server} a été créée par une version plus récente d'Hexacross (format {given}, cette version"
                " lit le format {expected}). Mettez Hexacross à jour ou indiquez une autre base."
            ),
            server=server_name(url),
            given=applied,
            expected=known,
        )
    return applied


def check_migrated(connection: Connection, url: str) -> None:
    """Check that the database is exactly at this version's schema.

    Raises:
        StoreError: It is not a store yet, or an older one.
        StoreVersionError: It is a newer one.
    """
    row = connection.execute("SELECT to_regclass('hexacross.migrations')").fetchone()
    is_store = row is not None and row[0] is not None
    if not is_store or check_not_newer(connection, url) < known_migrations()[-1].number:
        raise StoreError(
            N_("La base {server} n'est pas encore préparée pour cette version. Lancez « hexacross store migrate »."),
            server=server_name(url),
        )
