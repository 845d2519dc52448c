"""Which store an address names, and the opening of it: the one place that knows every store.

A store's library is imported when that store is opened: a desk starts without the server's, `--help` without either.
"""

from __future__ import annotations

from data.store import Store

SERVER_SCHEMES = ("postgresql://", "postgres://")


def is_server(url: str) -> bool:
    """Whether an address of a store names a server rather than a file."""
    return url.startswith(SERVER_SCHEMES)


def store_name(url: str) -> str:
    """What to call a store in a message: its path, or its database and server without the password."""
    if not is_server(url):
        return url
    from data.postgis_connection import server_name

    return server_name(url)


def open_store(url: str) -> Store:
    """Open the store that `HEXACROSS_STORE` names: the path of a DuckDB file, or `postgresql://…`.

    Raises `StoreError` when it cannot be opened (locked, no right, damaged, unreachable, not prepared),
    `StoreVersionError` when it was made by a newer version.
    """
    if is_server(url):
        from data.postgis_store import PostgisStore

        return PostgisStore.open(url)
    from data.duckdb_store import DuckDBStore

    return DuckDBStore.open(url)
