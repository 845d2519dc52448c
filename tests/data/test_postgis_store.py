"""What only the server store has: migrations, binary COPY, months, a server that goes away."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import psycopg
import pyarrow as pa
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from data import postgis_migrate
from data.errors import StoreError, StoreVersionError, UnreachableError
from data.opening import open_store
from data.postgis_absence import RETRY_S, Absence
from data.postgis_connection import READ_TIMEOUT_S, connect, reading_as, writing
from data.postgis_copy import SIGNATURE, TRAILER, copy_rows
from data.postgis_migrate import known_migrations, migrate
from data.postgis_store import PostgisStore
from data.private_cluster import ADMINISTRATOR
from data.query import Query, Territory, Viewer
from data.schema import EVENT, INDICATOR
from geo.cells import areas_km2, parents
from tests.data.contract import FIRST_DAY, batch, chunk, draw_event, event, memberships
from tests.postgres import cluster, new_store_url, open_new_store

NATIONAL = Viewer("national")
EVERYTHING = Query(FIRST_DAY - timedelta(days=10_000), FIRST_DAY + timedelta(days=4000))


@pytest.fixture
def store() -> Iterator[PostgisStore]:
    made = open_new_store()
    made.set_memberships(memberships())
    yield made
    made.close()


def administrator(database: str) -> psycopg.Connection[tuple[object, ...]]:
    return psycopg.connect(
        cluster().url(database, ADMINISTRATOR), autocommit=True, options="-c search_path=hexacross,public"
    )


def database_of(url: str) -> str:
    return str(psycopg.conninfo.conninfo_to_dict(url)["dbname"])


@pytest.fixture
def bare() -> Iterator[str]:
    """The name of a database without anything."""
    name = f"bare_{time.monotonic_ns()}"
    with administrator("postgres") as connection:
        connection.execute(f"CREATE DATABASE {name}")
    yield name
    cluster().drop_store(name)


# Migrations


def test_migrations_are_numbered_without_a_gap() -> None:
    assert [migration.number for migration in known_migrations()] == list(range(1, len(known_migrations()) + 1))


def test_ten_programs_migrate_at_once_and_one_does_it(bare: str) -> None:
    url, applied = cluster().url(bare, ADMINISTRATOR), []
    threads = [threading.Thread(target=lambda: applied.append(len(migrate(url)))) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(applied) == [0] * 9 + [len(known_migrations())]


def test_a_step_that_fails_leaves_nothing(bare: str, monkeypatch: pytest.MonkeyPatch) -> None:
    steps = [
        *known_migrations(),
        postgis_migrate.Migration(len(known_migrations()) + 1, "wrong", "CREATE TABLE t (x INT); SELECT 1/0"),
    ]
    monkeypatch.setattr(postgis_migrate, "known_migrations", lambda: steps)
    with pytest.raises(psycopg.errors.DivisionByZero):
        migrate(cluster().url(bare, ADMINISTRATOR))
    with administrator(bare) as connection:
        assert connection.execute("SELECT to_regclass('hexacross.events')").fetchone() == (None,)


def test_a_newer_database_is_refused() -> None:
    url = new_store_url()
    with administrator(database_of(url)) as connection:
        connection.execute("INSERT INTO migrations (number, name) VALUES (999, 'future')")
    with pytest.raises(StoreVersionError, match="999"):
        open_store(url)
    with pytest.raises(StoreVersionError, match="plus récente"):
        migrate(cluster().url(database_of(url), ADMINISTRATOR))


def test_a_database_that_is_no_store_says_what_to_do(bare: str) -> None:
    with pytest.raises(StoreError, match="hexacross store migrate"):
        open_store(cluster().url(bare))


def test_tables_follow_the_schema(store: PostgisStore) -> None:
    with administrator(database_of(store._url)) as connection:
        rows = connection.execute(
            """SELECT table_name::TEXT, column_name::TEXT, data_type::TEXT
            FROM information_schema.columns WHERE table_schema = 'hexacross'"""
        ).fetchall()
    types = {(table, column): kind for table, column, kind in rows}
    expected = {
        "text": "text", "code": "text", "integer": "bigint", "number": "double precision",
        "instant": "timestamp without time zone", "day": "date", "cell": "bigint",
    }  # fmt: skip
    for view, fields in (("facts", EVENT), ("indicators", INDICATOR)):
        for field in fields:
            if field.name != "batch_id":
                assert types[view, field.name] == expected[field.type], field.name


# COPY

TEXTS = st.text(st.characters(blacklist_categories=("Cs",), blacklist_characters="\x00"))
COLUMNS = {
    "i": (pa.int32(), st.integers(-(2**31), 2**31 - 1)),
    "n": (pa.int64(), st.integers(-(2**63), 2**63 - 1)),
    "x": (pa.float64(), st.floats(allow_nan=False)),
    "t": (pa.timestamp("us"), st.datetimes()),
    "d": (pa.date32(), st.dates()),
    "s": (pa.string(), TEXTS),
}
ROWS = st.lists(st.fixed_dictionaries({name: st.one_of(st.none(), values) for name, (_, values) in COLUMNS.items()}))


@settings(max_examples=60, deadline=None, derandomize=True)
@given(rows=ROWS, cut=st.integers(0, 3))
def test_postgresql_reads_what_numpy_laid_out(rows: list[dict[str, object]], cut: int) -> None:
    schema = pa.schema([(name, kind) for name, (kind, _) in COLUMNS.items()])
    table = pa.Table.from_pylist(rows, schema=schema).slice(cut)
    table = table.set_column(5, "s", table.column("s").dictionary_encode())
    with psycopg.connect(cluster().url("postgres", ADMINISTRATOR)) as connection:
        connection.execute("CREATE TEMP TABLE t (i INT4, n INT8, x FLOAT8, t TIMESTAMP, d DATE, s TEXT)")
        with connection.cursor().copy("COPY t FROM STDIN (FORMAT BINARY)") as copy:
            copy.write(SIGNATURE)
            copy.write(copy_rows(table))
            copy.write(TRAILER)
        found = connection.execute("SELECT * FROM t", binary=True).fetchall()
    assert found == [tuple(row[name] for name in COLUMNS) for row in rows[cut:]]


def test_a_text_that_postgresql_cannot_hold_is_marked() -> None:
    assert "a\N{REPLACEMENT CHARACTER}b".encode() in copy_rows(pa.table({"s": ["a\x00b"]}))


# Loads


def test_months_come_with_their_facts_and_readers_go_on(store: PostgisStore) -> None:
    """A reader in the middle of a transaction keeps its answer while another month is attached."""
    store.load(batch("un"), [chunk([event(1)])])
    with reading_as(store._pool, store._url, NATIONAL) as connection:
        before = connection.execute("SELECT count(*) FROM events").fetchone()
        store.load(batch("deux"), [chunk([event(2, day=date(2031, 5, 6)), event(3, day=date(1999, 12, 31))])])
        assert connection.execute("SELECT count(*) FROM events").fetchone() == before == (1,)
    assert store.totals(EVERYTHING, NATIONAL).incidents == 3
    with administrator(database_of(store._url)) as connection:
        months = connection.execute(
            "SELECT inhrelid::regclass::TEXT FROM pg_inherits WHERE inhparent = 'events'::regclass ORDER BY 1"
        )
        assert [month for (month,) in months] == ["events_1999_12", "events_2025_01", "events_2031_05"]


def test_a_corrected_date_does_not_make_a_second_fact(store: PostgisStore) -> None:
    """The trap of partitions: a unique key that holds the date lets the same identifier in twice."""
    store.load(batch("un"), [chunk([event(1)])])
    ledger = store.load(batch("deux"), [chunk([event(1, day=FIRST_DAY + timedelta(days=70))])])
    assert (ledger.accepted, ledger.refused) == (0, 1)
    assert "occurred_at" in store.quarantine(NATIONAL, "deux").column("expected")[0].as_py()
    assert {check.wrong for check in store.verify()} == {0}


def test_programs_that_load_at_once_lose_and_double_nothing(store: PostgisStore) -> None:
    """Eight loads whose facts overlap, in eight threads: each fact once, every line accounted for."""
    random = np.random.default_rng(8)
    rows = [draw_event(random, n) for n in range(400)]
    ledgers = []

    def load(number: int) -> None:
        ledgers.append(store.load(batch(f"lot{number}"), [chunk(rows[number * 40 : number * 40 + 120])]))

    threads = [threading.Thread(target=load, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(ledger.accepted for ledger in ledgers) == 400
    assert sum(ledger.repeated for ledger in ledgers) == 8 * 120 - 400
    assert {check.wrong for check in store.verify()} == {0}


def test_the_same_file_from_two_programs_is_loaded_once(store: PostgisStore) -> None:
    ready, ledgers = threading.Barrier(2), []

    def slowly() -> Iterator[object]:
        ready.wait()
        yield chunk([event(n) for n in range(50)])

    def load(number: int) -> None:
        ledgers.append(store.load(replace(batch("fichier"), batch_id=f"lot{number}"), slowly()))  # type: ignore[arg-type]

    threads = [threading.Thread(target=load, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(ledger.already_loaded for ledger in ledgers) == [False, True]
    assert [ledger.accepted for ledger in ledgers] == [50, 50]
    assert len(store.batches(NATIONAL)) == 1


def test_points_are_geometries(store: PostgisStore) -> None:
    store.load(batch("un"), [chunk([event(1, place_precision="point", longitude=5.37, latitude=43.3), event(2)])])
    with reading_as(store._pool, store._url, NATIONAL) as connection:
        found = connection.execute(
            "SELECT ST_AsText(position), ST_SRID(position) FROM events ORDER BY event_id"
        ).fetchall()
    assert found == [("POINT(5.37 43.3)", 4326), (None, None)]


def test_a_reader_who_wants_too_much_is_told_so(store: PostgisStore) -> None:
    def wait() -> None:
        with reading_as(store._pool, store._url, NATIONAL) as connection:
            connection.execute("SET LOCAL statement_timeout = '20ms'")
            connection.execute("SELECT pg_sleep(5)")

    with pytest.raises(StoreError, match=f"{READ_TIMEOUT_S} s"):
        wait()


# A server that goes away


def test_an_address_without_a_server_says_so() -> None:
    with pytest.raises(StoreError, match="injoignable"):
        open_store("postgresql://hexacross_app:secret@127.0.0.1:1/hexacross")
    with pytest.raises(StoreError) as raised:
        open_store("postgresql://hexacross_app:secret@127.0.0.1:1/hexacross")
    assert "secret" not in str(raised.value)


def test_an_unknown_database_says_so() -> None:
    with pytest.raises(StoreError, match=r'refuse la connexion .*"nowhere"'):
        open_store(cluster().url("nowhere"))


def test_the_store_recovers_from_a_restart(store: PostgisStore) -> None:
    """Killed while a load is under way: an error in words, nothing of the load kept, and then everything goes on."""
    store.load(batch("un"), [chunk([event(1)])])
    version = store.version()

    def cut_short() -> Iterator[object]:
        yield chunk([event(2)])
        cluster().stop("immediate")
        yield chunk([event(3)])

    with pytest.raises(StoreError):
        store.load(batch("deux"), cut_short())  # type: ignore[arg-type]
    try:
        with pytest.raises(StoreError):
            store.totals(EVERYTHING, NATIONAL)
    finally:
        cluster().start(durable=False)
    time.sleep(RETRY_S)
    assert store.totals(EVERYTHING, NATIONAL).incidents == 1
    assert store.version() == version
    assert store.load(batch("deux"), [chunk([event(2)]), chunk([event(3)])]).accepted == 2
    assert {check.wrong for check in store.verify()} == {0}


def test_questions_to_a_server_that_is_away_do_not_wait(store: PostgisStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first one finds out; the others are refused without a look at the server, and one tries when it is time."""
    tries: list[float] = []

    def try_server(url: str) -> psycopg.Connection[tuple[object, ...]]:
        tries.append(time.monotonic())
        return connect(url)

    monkeypatch.setattr("data.postgis_store.connect", try_server)
    monkeypatch.setattr("data.postgis_absence.RETRY_S", 3600.0)
    cluster().stop("immediate")
    try:
        for _ in range(20):
            with pytest.raises(UnreachableError, match="injoignable"):
                store.totals(EVERYTHING, NATIONAL)
        assert len(tries) == 1
        monkeypatch.setattr("data.postgis_absence.RETRY_S", 0.0)
        with pytest.raises(UnreachableError, match="injoignable"):
            store.totals(EVERYTHING, NATIONAL)
        assert len(tries) == 2
    finally:
        cluster().start(durable=False)
    assert store.totals(EVERYTHING, NATIONAL).incidents == 0


def test_a_server_without_a_connection_left_is_busy_not_away(store: PostgisStore) -> None:
    absence = Absence(lambda: None)
    with pytest.raises(UnreachableError), absence.watched():
        raise UnreachableError("busy")
    with absence.watched():
        assert store.version() > 0


def test_a_connection_cut_by_the_server_is_replaced(store: PostgisStore) -> None:
    with administrator("postgres") as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (database_of(store._url),)
        )
    assert store.version() > 0


def test_the_loader_sees_no_secret(store: PostgisStore) -> None:
    with pytest.raises(StoreError, match="permission denied"), writing(store._pool, store._url) as connection:
        connection.execute("SELECT * FROM seal")


# Geographers


def test_views_show_points_hexagons_and_territories(store: PostgisStore) -> None:
    """Areas against geo.cells, which has them from H3 itself; a territory against its reference perimeter."""
    from data.geography import geography
    from data.postgis_outlines import write_outlines

    random = np.random.default_rng(1)
    rows = [draw_event(random, n) for n in range(300)]
    store.load(batch("un"), [chunk(rows)])
    drawn = {row["cell"] for row in rows if row["cell"] is not None}
    territories, hexagons = write_outlines(store._url, geography())
    assert hexagons == sum(len(set(parents(list(drawn), resolution).tolist())) for resolution in range(5, 10))
    assert write_outlines(store._url, geography()) == (territories, 0)
    with reading_as(store._pool, store._url, NATIONAL) as connection:
        points = connection.execute("SELECT event_id, ST_X(position), ST_Y(position) FROM qgis_events").fetchall()
        assert {(name, x, y) for name, x, y in points} == {
            (row["event_id"], row["longitude"], row["latitude"]) for row in rows if row["longitude"] is not None
        }
        for resolution in range(5, 10):
            found = connection.execute(
                "SELECT hexagon, sum(incidents)::INT, min(ST_Area(outline::geography))"
                f" FROM qgis_hexagons_{resolution} GROUP BY 1"
            ).fetchall()
            counted = store.counts_by_cell(replace(EVERYTHING, resolution=resolution), NATIONAL)
            assert {int(cell, 16): n for cell, n, _ in found} == dict(
                zip(counted.cells, counted.incidents, strict=True)
            )
            cells = np.array([int(cell, 16) for cell, _, _ in found])
            # Straight sides on the ellipsoid against H3's great arcs on the sphere.
            np.testing.assert_allclose([area / 1e6 for _, _, area in found], areas_km2(cells), rtol=0.01)
        row = connection.execute(
            "SELECT ST_AsBinary(outline), name FROM qgis_territories WHERE territory = 'departement:13'"
        ).fetchone()
    assert row is not None
    assert row[1] == "Bouches-du-Rhône"
    assert shapely.from_wkb(row[0]).equals(geography().perimeter(Territory("departement", "13")))


def test_an_owner_who_is_no_superuser_prepares_a_store(bare: str) -> None:
    """As docs/serveur.md says: the extension by the administrator, the rest by the owner, who then reads no fact."""
    new_store_url()  # the roles are there, as after an upgrade
    owner = f"owner_{bare}"
    with administrator(bare) as connection:
        connection.execute(f"CREATE ROLE {owner} LOGIN CREATEROLE")
        connection.execute(f"ALTER DATABASE {bare} OWNER TO {owner}")
        connection.execute("CREATE EXTENSION postgis SCHEMA public")
    assert migrate(cluster().url(bare, owner)) == known_migrations()
    made = PostgisStore.open(cluster().url(bare))
    assert made.load(batch("un"), [chunk([event(1), event(2, day=date(2026, 1, 1))])]).accepted == 2
    assert {check.wrong for check in made.verify()} == {0}
    made.close()
    with psycopg.connect(cluster().url(bare, owner)) as connection:
        assert connection.execute("SELECT count(*) FROM hexacross.events").fetchone() == (0,)
    with administrator("postgres") as connection:
        connection.execute(f"ALTER DATABASE {bare} OWNER TO {ADMINISTRATOR}")
