"""A store filled under the schema before 005, brought to the present one: nothing lost, the same answers."""

from __future__ import annotations

import io
import time
from collections.abc import Iterator

import numpy as np
import psycopg
import pytest

from data import postgis_migrate
from data.conditions import parent_sql
from data.layout import SUMMARY_RESOLUTION
from data.postgis_migrate import known_migrations, migrate
from data.postgis_store import PostgisStore
from data.private_cluster import ADMINISTRATOR
from data.query import Viewer
from tests.data.contract import (
    batch,
    chunk,
    draw_event,
    draw_query,
    draw_viewer,
    indicator,
    indicator_chunk,
    memberships,
)
from tests.data.test_two_stores import compare_counts, compare_rows
from tests.postgres import cluster, open_new_store

NATIONAL = Viewer("national")
BEFORE = 4  # the last step of the former schema
SAME = (
    "batches", "classes", "places", "origins", "memberships", "zones", "place_territories", "tallies", "indicators",
    "quarantine",
)  # fmt: skip
EVENT_COLUMNS = """batch, line, class, place, origin, source_event_id, occurred_at, longitude, latitude, drug_label,
    quantity_kg, quantity_units, value_eur, departure_country, transit_country, destination_country, producing_country,
    checked, positive, event_id, day, hour, cell"""
FIGURES = ", ".join(
    f"sum({name}) AS {name}" for name in ("incidents", "controls", "checked", "positive", "micrograms", "cents")
)
# What stood in the former tables, from the present ones.
FORMER = {
    **{table: ("*", f"SELECT * FROM {table}") for table in SAME},
    "events": (EVENT_COLUMNS, f"SELECT {EVENT_COLUMNS} FROM events"),
    "event_keys": ("*", "SELECT event_id, day, occurred_at FROM events"),
    "rollup": ("*", "SELECT * FROM rollup"),
    "hexagon_days": (
        "*",
        f"""SELECT zone, day, {parent_sql("cell", SUMMARY_RESOLUTION)} AS hexagon, {FIGURES}
        FROM rollup WHERE cell IS NOT NULL GROUP BY 1, 2, 3""",
    ),
}


@pytest.fixture
def filled() -> Iterator[PostgisStore]:
    store = open_new_store()
    store.set_memberships(memberships())
    random = np.random.default_rng(21)
    rows = [draw_event(random, n) for n in range(400)]
    store.load(batch("un"), [chunk(rows[:250])])
    store.load(batch("deux"), [chunk(rows[200:]), indicator_chunk([indicator("13", 2023, 4.0)])])
    yield store
    store.close()


def connection_of(database: str) -> psycopg.Connection[tuple[object, ...]]:
    return psycopg.connect(
        cluster().url(database, ADMINISTRATOR), autocommit=True, options="-c search_path=hexacross,public"
    )


def copy_former(source: psycopg.Connection[tuple[object, ...]], target: psycopg.Connection[tuple[object, ...]]) -> None:
    target.execute(
        "SELECT ensure_months(ARRAY(SELECT generate_series('2024-12-01', '2025-12-31', INTERVAL '1 day')::DATE))"
    )
    for table, (columns, text) in FORMER.items():
        content = io.BytesIO()
        with source.cursor().copy(f"COPY ({text}) TO STDOUT") as out:
            for part in out:
                content.write(part)
        into = table if columns == "*" else f"{table} ({columns})"
        with target.cursor().copy(f"COPY {into} FROM STDIN") as copy:
            copy.write(content.getvalue())
    target.execute("UPDATE meta SET version = 2, memberships_digest = 'former'")


@pytest.mark.parametrize("is_superuser", [True, False])
def test_a_store_of_the_former_schema_is_brought_along(
    filled: PostgisStore, is_superuser: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also by an owner who may read no fact: it moves them all the same."""
    database, owner = f"former_{time.monotonic_ns()}", ADMINISTRATOR
    steps = known_migrations()
    with connection_of("postgres") as connection:
        connection.execute(f"CREATE DATABASE {database}")
    with connection_of(database) as connection:
        connection.execute("CREATE EXTENSION postgis SCHEMA public")
        if not is_superuser:
            owner = f"owner_of_{database}"
            connection.execute(f"CREATE ROLE {owner} LOGIN CREATEROLE")
            connection.execute(f"ALTER DATABASE {database} OWNER TO {owner}")
    with monkeypatch.context() as patch:
        patch.setattr(postgis_migrate, "known_migrations", lambda: steps[:BEFORE])
        migrate(cluster().url(database, owner))
    name = str(psycopg.conninfo.conninfo_to_dict(filled._url)["dbname"])
    with connection_of(name) as source, connection_of(database) as target:
        copy_former(source, target)
    assert migrate(cluster().url(database, owner)) == steps[BEFORE:]
    store = PostgisStore.open(cluster().url(database))
    assert {check.name: check.wrong for check in store.verify() if check.wrong} == {}
    random = np.random.default_rng(3)
    for _ in range(25):
        query, viewer = draw_query(random), draw_viewer(random)
        compare_counts(filled, store, query, viewer)
        compare_rows(filled, store, query, viewer)
    # And it goes on: what was there is known, what is new comes in.
    rows = [draw_event(np.random.default_rng(21), 0), draw_event(random, 9000)]
    ledger = store.load(batch("encore"), [chunk(rows)])
    assert (ledger.accepted, ledger.repeated) == (1, 1)
    store.set_memberships(memberships())
    assert {check.name: check.wrong for check in store.verify() if check.wrong} == {}
    store.close()
    with connection_of("postgres") as connection:
        connection.execute(f"ALTER DATABASE {database} OWNER TO {ADMINISTRATOR}")
    cluster().drop_store(database)
