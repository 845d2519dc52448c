"""Change the territories' composition in the server store: what did not change is not written again."""

from __future__ import annotations

import pyarrow as pa

from data.postgis_connection import Connection, bound, statement
from data.postgis_lanes import copy_into
from data.postgis_summary import pack_again

MEMBERSHIP = ("kind", "code", "commune")


def lock_territories(connection: Connection) -> None:
    """Wait until no load counts on the present zones; to be taken before the lock of those who write."""
    connection.execute("SELECT pg_advisory_xact_lock(hashtext('hexacross.territories'))")


def replace_memberships(connection: Connection, rows: pa.Table) -> None:
    """Replace the composition, the zones and the places' territories.

    A zone keeps its number where most of its communes stay: facts elsewhere are not touched.
    """
    connection.execute("CREATE TEMP TABLE given (LIKE memberships) ON COMMIT DROP")
    copy_into(connection, "given", MEMBERSHIP, rows)
    _make_equal(connection, "memberships", "given")
    connection.execute("CREATE TEMP TABLE zones_before ON COMMIT DROP AS SELECT * FROM zones")
    connection.execute("DELETE FROM zones")
    connection.execute(statement("zones"))
    connection.execute(statement("postgis/keep_zones"))
    connection.execute(statement("postgis/moved_places"))
    connection.execute("UPDATE places SET zone = after FROM moved WHERE moved.place = places.place")
    connection.execute("CREATE TEMP TABLE held (LIKE place_territories) ON COMMIT DROP")
    connection.execute(statement("place_territories", target="held"), {"first": 0})
    _make_equal(connection, "place_territories", "held")
    connection.execute("UPDATE meta SET geography = geography + 1")


def follow_zones(connection: Connection) -> None:
    """Put the daily counts of the places that moved under their new zones, and sum up again what that touches."""
    connection.execute(
        "UPDATE rollup SET zone = after FROM moved WHERE rollup.zone = moved.before AND rollup.place = moved.place"
    )
    touched = connection.execute("SELECT before FROM moved UNION SELECT after FROM moved ORDER BY 1").fetchall()
    for (zone,) in touched:
        pack_again(connection, zone)


def _make_equal(connection: Connection, table: str, wanted: str) -> None:
    """Give a table the rows of another one of the same columns, which have no NULL."""
    connection.execute(bound(f"ANALYZE {wanted}"))
    connection.execute(
        bound(f"""DELETE FROM {table} USING (SELECT * FROM {table} EXCEPT SELECT * FROM {wanted}) AS gone
            WHERE ({table}.*) = (gone.*)""")
    )
    connection.execute(bound(f"INSERT INTO {table} SELECT * FROM {wanted} EXCEPT SELECT * FROM {table}"))
