"""Connections to the server store: the pool, the roles, and what can go wrong, in words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any, LiteralString

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg_pool import ConnectionPool, PoolTimeout

from data.errors import StoreError, UnreachableError
from data.layout import read_sql
from data.query import Viewer
from geo.errors import N_

Connection = psycopg.Connection[tuple[Any, ...]]

SCHEMA = "hexacross"
CONNECT_TIMEOUT_S = 5
READ_TIMEOUT_S = 30  # of one statement; a load has no limit
POOL_SIZE = 8
# A server that vanishes without a word is noticed in half a minute, not after the quarter of an hour of TCP.
DEAD_NETWORK = {"keepalives_idle": 15, "keepalives_interval": 5, "keepalives_count": 3, "tcp_user_timeout": 30_000}

NATIONAL, ANTENNA, CROSS, WALL, LOADER = (
    "hexacross_national",
    "hexacross_antenna",
    "hexacross_cross",
    "hexacross_wall",
    "hexacross_loader",
)


def server_name(url: str) -> str:
    """The address without its password, for messages.

    >>> server_name("postgresql://chef:secret@base.example:5433/hexacross")
    'hexacross@base.example:5433'
    """
    parts = conninfo_to_dict(url)
    return f"{parts.get('dbname', '')}@{parts.get('host', '')}:{parts.get('port', '5432')}"


def connect(url: str) -> Connection:
    """One connection outside the pool, for migrations.

    Raises:
        StoreError: Unreachable, refused, unknown database.
    """
    with explained(url):
        return psycopg.connect(conninfo(url, 0), autocommit=True, prepare_threshold=None)


def open_pool(url: str) -> ConnectionPool[Connection]:
    """A pool whose connections read one state of the store and forget their reader on return.

    Raises:
        StoreError: Unreachable, refused, unknown database.
    """
    connect(url).close()  # says why it cannot, which a pool does not
    pool = ConnectionPool(
        conninfo(url, READ_TIMEOUT_S),
        kwargs={
            # A statement is planned with its own values: which months and places they leave decides the plan.
            "prepare_threshold": None,
        },
        min_size=1,
        max_size=POOL_SIZE,
        timeout=CONNECT_TIMEOUT_S,
        reconnect_timeout=CONNECT_TIMEOUT_S,
        configure=_configure,
        check=ConnectionPool.check_connection,
        reset=_forget,
        open=False,
        name="hexacross",
    )
    pool.open()
    return pool


def conninfo(url: str, read_timeout_s: int) -> str:
    """The address with our settings: what the server does for us, and how soon a dead network is noticed.

    Args:
        read_timeout_s: Of one statement; 0: no limit.
    """
    options = f"-c search_path={SCHEMA},public -c statement_timeout={read_timeout_s}s -c timezone=UTC"
    return make_conninfo(
        url, connect_timeout=CONNECT_TIMEOUT_S, options=options, application_name="hexacross", **DEAD_NETWORK
    )


def _configure(connection: Connection) -> None:
    connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
    connection.read_only = True


def _forget(connection: Connection) -> None:
    """Settings of a reader end with its transaction; this is the second belt."""
    _configure(connection)
    connection.autocommit = True
    connection.execute("RESET ROLE; RESET ALL")
    connection.autocommit = False


@contextmanager
def reading_as(pool: ConnectionPool[Connection], url: str, viewer: Viewer) -> Iterator[Connection]:
    """A transaction that sees one state of the store, with the viewer's rights and no others."""
    with explained(url), pool.connection() as connection, connection.transaction():
        territories = ["*"] if viewer.territories is None else [f"{kind}:{code}" for kind, code in viewer.territories]
        connection.execute(
            "SELECT open_for(%s::TEXT[]), set_config('role', %s, true)", (sorted(territories), role_of(viewer))
        )
        yield connection


@contextmanager
def as_loader(connection: Connection, viewer: Viewer) -> Iterator[None]:
    """Let a transaction of `reading_as` see the whole of its state for a moment."""
    connection.execute("SELECT set_config('role', %s, true)", (LOADER,))
    yield
    # Not after a fault: the transaction ends there.
    connection.execute("SELECT set_config('role', %s, true)", (role_of(viewer),))


@contextmanager
def reading_whole(pool: ConnectionPool[Connection], url: str) -> Iterator[Connection]:
    """A transaction that sees one state of the store, whole, for as long as it takes: for those who run it."""
    with explained(url), pool.connection() as connection, connection.transaction():
        connection.execute("SELECT set_config('statement_timeout', '0', true), set_config('role', %s, true)", (LOADER,))
        yield connection


@contextmanager
def writing(pool: ConnectionPool[Connection], url: str) -> Iterator[Connection]:
    """A transaction whose changes are all kept at the end, or none, with the rights of the loader."""
    with explained(url), pool.connection() as connection:
        connection.isolation_level = psycopg.IsolationLevel.READ_COMMITTED
        connection.read_only = False
        with connection.transaction():
            connection.execute(
                "SELECT set_config('statement_timeout', '0', true), set_config('role', %s, true)", (LOADER,)
            )
            yield connection


def role_of(viewer: Viewer) -> str:
    """The database's role for a viewer; a viewer held to territories never gets the national one."""
    if not viewer.sees_events:
        return WALL
    if viewer.role == "national" and viewer.territories is None:
        return NATIONAL
    return ANTENNA if viewer.role in ("national", "antenna") else CROSS


@cache
def bound(text: str) -> LiteralString:
    """A statement of our files with its `$name` parameters written as psycopg binds them: on the server."""
    return re.sub(r"\$([a-z_]+)\b", r"%(\1)s", text.replace("%", "%%"))


def statement(name: str, /, **parts: str) -> LiteralString:
    """A file of `data/sql`, its parts filled in, ready to run."""
    text = read_sql(name)
    return bound(text.format(**parts) if parts else text)


@contextmanager
def explained(url: str) -> Iterator[None]:
    """Turn PostgreSQL's errors into ones that say what to do; a fault in our SQL stays what it is."""
    try:
        yield
    except psycopg.errors.InsufficientPrivilege as error:
        raise _denied(error, url) from error
    except (psycopg.ProgrammingError, psycopg.DataError, psycopg.IntegrityError, psycopg.NotSupportedError):
        raise
    except (psycopg.Error, PoolTimeout) as error:
        raise _explain(error, url) from error


def _denied(error: psycopg.Error, url: str) -> StoreError:
    return StoreError(
        N_(
            "La base {server} refuse cette opération au compte de connexion : {reason}. Rendez-le membre de"
            " hexacross_server, comme l'indique docs/serveur.md."
        ),
        server=server_name(url),
        reason=_first_line(error),
    )


def _explain(error: Exception, url: str) -> StoreError:
    refusal = str(error).partition("FATAL:")[2].strip()  # what a server that answers says to a connection
    if refusal:
        return UnreachableError(
            N_(
                "Le serveur refuse la connexion à {server} : {reason}. Vérifiez le nom de la base, le compte et le mot"
                " de passe."
            ),
            server=server_name(url),
            reason=refusal.splitlines()[0],
        )
    if "certificate" in str(error):
        return StoreError(
            N_(
                "Le certificat de {server} n'est pas admis : {reason}. Vérifiez le nom du serveur dans l'adresse et le"
                " certificat de l'autorité (sslrootcert)."
            ),
            server=server_name(url),
            reason=_first_line(error),
        )
    for kinds, raised, template in EXPLANATIONS:
        if isinstance(error, kinds):
            return raised(template, server=server_name(url), reason=_first_line(error), seconds=READ_TIMEOUT_S)
    return StoreError(
        N_("La base {server} ne peut pas être utilisée : {reason}"), server=server_name(url), reason=_first_line(error)
    )


def _first_line(error: Exception) -> str:
    text = str(error).strip()
    return text.splitlines()[0] if text else type(error).__name__


EXPLANATIONS: tuple[tuple[tuple[type[Exception], ...], type[StoreError], str], ...] = (
    (
        (psycopg.errors.QueryCanceled,),
        StoreError,
        N_("La base {server} n'a pas répondu en {seconds} s. Réduisez la période ou le territoire, puis recommencez."),
    ),
    (
        (psycopg.errors.DiskFull,),
        StoreError,
        N_("Le disque du serveur {server} est plein : rien de ce chargement n'a été gardé. ({reason})"),
    ),
    (
        (psycopg.OperationalError, PoolTimeout),
        UnreachableError,
        N_(
            "La base {server} est injoignable : {reason}. Vérifiez l'adresse et que le serveur est en marche ;"
            " la connexion reprendra d'elle-même."
        ),
    ),
)
