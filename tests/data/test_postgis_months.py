"""Loads of millions into the server store, here of some hundreds: whole months, or line by line, the same answers."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import date, timedelta
from typing import Any

import numpy as np
import psycopg
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.errors import StoreError
from data.hexagon_sums import COUNTS, SUMS
from data.packing import PACKED, PACKED_SQL, as_table, merged, pack
from data.postgis_connection import reading_as, writing
from data.postgis_store import PostgisStore
from data.private_cluster import ADMINISTRATOR
from data.query import Viewer
from data.store import Chunk
from data.text_hash import hash_texts
from data.verify import SUMMARY_NAME
from tests.data.contract import FIRST_DAY, Reference, batch, chunk, draw_event, draw_query, event, memberships, table
from tests.data.test_two_stores import compare_counts, compare_rows
from tests.postgres import cluster, open_new_store

NATIONAL = Viewer("national")


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Iterator[PostgisStore]:
    """A store that takes every load by whole months."""
    monkeypatch.setattr("data.postgis_load.MANY_FACTS", 1)
    made = open_new_store()
    made.set_memberships(memberships())
    yield made
    made.close()


def administrator(store: PostgisStore) -> psycopg.Connection[Any]:
    database = str(psycopg.conninfo.conninfo_to_dict(store._url)["dbname"])
    return psycopg.connect(
        cluster().url(database, ADMINISTRATOR), autocommit=True, options="-c search_path=hexacross,public"
    )


def drawn(seed: int, count: int, first: int = 0) -> list[dict[str, Any]]:
    random = np.random.default_rng(seed)
    return [draw_event(random, first + n) for n in range(count)]


def wait_for_tables(store: PostgisStore) -> None:
    """Chunks are made ahead: wait until those before have come to the server."""
    with administrator(store) as connection:
        for _ in range(200):
            row = connection.execute("SELECT count(*) FROM pg_class WHERE relname LIKE 'arriving%rollup%'").fetchone()
            if row is not None and row[0] > 0:
                return
            time.sleep(0.05)
    pytest.fail("no table came")


def assert_sound(store: PostgisStore) -> None:
    assert {check.name: check.wrong for check in store.verify() if check.wrong} == {}
    with administrator(store) as connection:
        assert connection.execute("SELECT relname FROM pg_class WHERE relname LIKE 'arriving%'").fetchall() == []


def test_months_are_what_line_by_line_would_have_made(store: PostgisStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """New months, known ones, both in one load: the same answers as a store that inserts each fact."""
    plain = open_new_store()
    plain.set_memberships(memberships())
    later = [event(5000 + n, day=FIRST_DAY + timedelta(days=50 + n)) for n in range(30)]
    loads = [drawn(1, 200), drawn(2, 150, first=1000) + later, drawn(3, 100, first=2000)]
    for number, rows in enumerate(loads):
        parts = [chunk(rows[:70]), chunk(rows[70:])]
        ledger = store.load(batch(f"lot{number}"), parts)
        with monkeypatch.context() as patch:
            patch.setattr("data.postgis_load.MANY_FACTS", 10**9)
            assert plain.load(batch(f"lot{number}"), parts).accepted == ledger.accepted == len(rows)
    assert_sound(store)
    random = np.random.default_rng(4)
    for _ in range(25):
        query = draw_query(random)
        compare_counts(store, plain, query, NATIONAL)
        compare_rows(store, plain, query, NATIONAL)
    plain.close()


def test_lines_known_already_are_judged_as_ever(store: PostgisStore) -> None:
    """Repeated and contradictory ones, in the file and against the store, across months."""
    reference = Reference()
    first, second = drawn(5, 120), drawn(6, 80, first=500)
    moved = {**first[3], "day": FIRST_DAY + timedelta(days=400), "occurred_at": None}
    changed = event(7, **{**first[7], "kind": "arrest"}) if first[7]["kind"] != "arrest" else event(7, kind="seizure")
    again = [*second, *first[:20], *second[:5], event(3, day=moved["day"], source=first[3]["source"]), changed]
    for name, rows in (("un", first), ("deux", again)):
        expected = reference.load(rows)
        ledger = store.load(batch(name), [chunk(rows)])
        assert (ledger.accepted, ledger.repeated, ledger.refused) == expected
    assert ledger.repeated >= 20
    assert ledger.refused >= 1
    assert_sound(store)


def test_a_month_brings_its_own_indexes(store: PostgisStore) -> None:
    """Attaching builds nothing: what was indexed before is what the parent asks for, and no more."""
    store.load(batch("un"), [chunk(drawn(1, 50))])
    with administrator(store) as connection:
        for parent in ("events", "rollup", "event_keys"):
            indexes = connection.execute(
                """SELECT part.inhrelid::REGCLASS::TEXT, count(own.indexrelid), count(attached.inhrelid)
                FROM pg_inherits AS part JOIN pg_index AS own ON own.indrelid = part.inhrelid
                LEFT JOIN pg_inherits AS attached ON attached.inhrelid = own.indexrelid
                WHERE part.inhparent = %s::REGCLASS GROUP BY 1""",
                (f"hexacross.{parent}",),
            ).fetchall()
            wanted = connection.execute(
                "SELECT count(*) FROM pg_index WHERE indrelid = %s::REGCLASS", (f"hexacross.{parent}",)
            ).fetchone()
            assert len(indexes) >= 2
            assert (
                {(found, attached) for _, found, attached in indexes} == {(wanted[0], wanted[0])} if wanted else False
            )
        # No reader may go around the parent, whose policies are the only ones.
        granted = connection.execute(
            """SELECT relname FROM pg_class, aclexplode(relacl) WHERE relname ~ '_[0-9]{4}_[0-9]{2}$' AND relkind = 'r'
            AND grantee <> relowner"""
        ).fetchall()
        assert granted == []


def test_readers_see_all_of_a_load_or_nothing(store: PostgisStore) -> None:
    store.load(batch("un"), [chunk([event(1)])])
    with reading_as(store._pool, store._url, NATIONAL) as connection:
        before = connection.execute("SELECT count(*) FROM events").fetchone()
        store.load(batch("deux"), [chunk([event(2, day=date(2031, 5, 6)), event(3)])])
        assert connection.execute("SELECT count(*) FROM events").fetchone() == before == (1,)
        assert connection.execute("SELECT sum(events) FROM rollup").fetchone() == (1,)
    assert_sound(store)


def test_a_load_that_fails_leaves_nothing(store: PostgisStore) -> None:
    version = store.version()

    def broken() -> Iterator[Chunk]:
        yield chunk(drawn(1, 40))
        raise RuntimeError("cut")

    with pytest.raises(RuntimeError, match="cut"):
        store.load(batch("un"), broken())
    taken = [Chunk(lines=3, events=table([event(1), event(2)]))]  # a line is missing from the account
    with pytest.raises(StoreError, match="Comptes faux"):
        store.load(batch("deux"), taken)
    assert store.version() == version
    assert_sound(store)
    assert store.load(batch("un"), [chunk(drawn(1, 40))]).accepted == 40
    assert_sound(store)


def test_what_a_killed_load_leaves_is_dropped_by_the_next(store: PostgisStore) -> None:
    def killed() -> Iterator[Chunk]:
        yield chunk(drawn(1, 40))
        wait_for_tables(store)
        with administrator(store) as connection:
            connection.execute(
                """SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                WHERE datname = current_database() AND usename = 'hexacross_app'"""
            )
        yield chunk(drawn(3, 40, first=200))

    with pytest.raises((StoreError, psycopg.OperationalError)):
        store.load(batch("un"), killed())
    with administrator(store) as connection:
        left = connection.execute("SELECT count(*) FROM pg_class WHERE relname LIKE 'arriving%'").fetchone()
        assert left is not None
        assert left[0] > 0
    with suppress(StoreError):  # the pool may hand out one of the connections that were cut
        store.version()
    assert store.load(batch("deux"), [chunk(drawn(4, 30))]).accepted == 30
    assert_sound(store)


def test_loads_at_once_do_not_take_each_other_for_abandoned(store: PostgisStore) -> None:
    rows = drawn(8, 400)
    ledgers = []

    def load(number: int) -> None:
        ledgers.append(store.load(batch(f"lot{number}"), [chunk(rows[number * 60 : number * 60 + 120])]))

    threads = [threading.Thread(target=load, args=(number,)) for number in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(ledger.accepted for ledger in ledgers) == 360
    assert sum(ledger.repeated for ledger in ledgers) == 5 * 120 - 360
    assert_sound(store)


def test_territories_do_not_change_under_a_load(store: PostgisStore) -> None:
    """The zones that a load has counted on are still those of its places when it ends."""
    other = memberships({"departement": {"13": ("13055", "13001")}, "cross": {"aix": ("13001",)}})
    changing = threading.Thread(target=store.set_memberships, args=(other,))

    def slow() -> Iterator[Chunk]:
        yield chunk(drawn(1, 80))
        wait_for_tables(store)
        changing.start()
        changing.join(0.3)
        assert changing.is_alive()
        yield chunk(drawn(2, 80, first=100))

    store.load(batch("un"), slow())
    changing.join()
    assert_sound(store)


def test_a_change_of_territories_moves_what_it_touches(store: PostgisStore) -> None:
    """A commune goes from one CROSS to another: no count of Paris or of the Antilles is written again."""
    store.load(batch("un"), [chunk(drawn(1, 300))])
    kept = """SELECT rollup.ctid::TEXT, zone, place FROM rollup JOIN places USING (place, zone)
        WHERE departement IN ('75', '971')"""
    changed = [one for one in memberships() if one.kind != "cross"]
    changed += memberships(
        {"cross": {"marseille": ("13055",), "toulon": ("83137", "13028", "13001"), "paris": ("75056",)}}
    )
    with administrator(store) as connection:
        before = connection.execute(kept).fetchall()
        spans = connection.execute("SELECT zone, span, ctid::TEXT FROM hexagon_spans").fetchall()
        store.set_memberships(changed)
        assert connection.execute(kept).fetchall() == before
        assert len(before) > 20
        same = connection.execute("SELECT zone, span, ctid::TEXT FROM hexagon_spans").fetchall()
        moved = {zone for zone, _, _ in set(spans) ^ set(same)}
        assert moved
        assert moved.isdisjoint({zone for _, zone, _ in before})
    assert_sound(store)


def test_a_run_of_keys_for_each_of_the_first_loads(store: PostgisStore) -> None:
    for number in range(12):
        assert store.load(batch(f"lot{number}"), [chunk(drawn(number, 5, first=10 * number))]).accepted == 5
    assert store.load(batch("encore"), [chunk(drawn(3, 5, first=30))]).repeated == 5
    with administrator(store) as connection:
        runs = connection.execute("SELECT count(*) FROM pg_inherits WHERE inhparent = 'event_keys'::REGCLASS")
        assert runs.fetchone() == (9,)
    assert_sound(store)


# Keys and packed sums


@settings(max_examples=80, deadline=None, derandomize=True)
@given(texts=st.lists(st.text(st.characters(blacklist_categories=("Cs",), blacklist_characters="\x00"), max_size=60)))
def test_texts_have_the_hash_that_postgresql_gives_them(texts: list[str]) -> None:
    with psycopg.connect(cluster().url("postgres", ADMINISTRATOR)) as connection:
        expected = connection.execute(
            """SELECT hashtextextended(text COLLATE "C", 0)
            FROM unnest(%s::TEXT[]) WITH ORDINALITY AS given (text, number) ORDER BY number""",
            (texts,),
        ).fetchall()
    array = pa.array(["left out", *texts], pa.string()).slice(1)
    assert hash_texts(array).tolist() == [number for (number,) in expected]


FIGURE = st.one_of(st.none(), st.sampled_from([0, 1, 254, 255, 65_535, 2**32 - 1]), st.integers(0, 2**62))
SUMMED = st.lists(
    st.tuples(
        st.integers(0, 3), st.integers(1, 2**62), st.integers(0, 300), st.integers(0, 9), FIGURE, FIGURE, FIGURE, FIGURE
    ),
    unique_by=lambda row: row[:2],
)


@settings(max_examples=80, deadline=None, derandomize=True)
@given(rows=SUMMED)
def test_what_is_packed_is_unpacked(rows: list[tuple[int | None, ...]]) -> None:
    """By Python and, with its own widths, by SQL."""
    columns = list(zip(*sorted(rows, key=lambda row: row[:2]), strict=True)) or [()] * 8
    sums = pa.table(
        {name: pa.array(column, pa.int64()) for name, column in zip(("part", *PACKED), columns, strict=True)}
    )
    packed = list(pack(sums))
    assert [part for part, _ in packed] == sorted({row[0] for row in rows})
    if rows:
        assert merged([as_table(part, value) for part, value in packed]).equals(sums)
    with psycopg.connect(cluster().url("postgres", ADMINISTRATOR)) as connection:
        connection.execute(f"CREATE TEMP TABLE sums (part INT8, {', '.join(f'{name} INT8' for name in PACKED)})")
        with connection.cursor() as cursor, cursor.copy("COPY sums FROM STDIN") as copy:
            for row in sums.to_pylist():
                copy.write_row(tuple(row.values()))
        found = connection.execute(f"SELECT part, {PACKED_SQL} FROM sums GROUP BY part ORDER BY part", binary=True)
        by_sql = [as_table(part, value) for part, value in found.fetchall()]
    if rows:
        assert merged(by_sql).equals(sums)


def test_sums_of_unknown_figures_stay_unknown() -> None:
    known = {"part": [1], "cell": [5], **{name: [2] for name in (*COUNTS, *SUMS)}}
    unknown = known | {name: [None] for name in SUMS}
    one, other = (
        pa.table({name: pa.array(column, pa.int64()) for name, column in rows.items()}) for rows in (known, unknown)
    )
    assert merged([other, other]).select(SUMS).to_pylist() == [dict.fromkeys(SUMS)]
    assert merged([one, other]).to_pylist() == [
        {"part": 1, "cell": 5, **dict.fromkeys(COUNTS, 4), **dict.fromkeys(SUMS, 2)}
    ]


def test_what_stands_unpacked_is_packed_in_time(store: PostgisStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is packed or not, and in whatever order, the answers are the same."""
    monkeypatch.setattr("data.postgis_load.MANY_FACTS", 10**9)
    monkeypatch.setattr("data.postgis_summary.TAIL_ROWS", 20)
    whole = open_new_store()
    whole.set_memberships(memberships())
    rows = drawn(12, 300)
    whole.load(batch("tout"), [chunk(rows)])
    for start in range(0, 300, 30):
        store.load(batch(f"lot{start}"), [chunk(rows[start : start + 30])])
    with administrator(store) as connection:
        tails = connection.execute("SELECT count(*) FROM hexagon_days GROUP BY zone").fetchall()
        assert tails
        assert max(count for (count,) in tails) <= 20
        assert connection.execute("SELECT count(*) > 0 FROM hexagon_spans").fetchone() == (True,)
    assert_sound(store)
    random = np.random.default_rng(4)
    for _ in range(20):
        compare_counts(store, whole, draw_query(random), NATIONAL)
    whole.close()


def test_a_packed_sum_that_is_wrong_is_found(store: PostgisStore) -> None:
    store.load(batch("un"), [chunk(drawn(1, 100))])
    assert_sound(store)
    with writing(store._pool, store._url) as connection:
        connection.execute(
            """UPDATE hexagon_spans
            SET packed = set_byte(packed, length(packed) - 1, get_byte(packed, length(packed) - 1) # 1)
            WHERE (zone, span) IN (SELECT zone, span FROM hexagon_spans ORDER BY zone, span LIMIT 1)"""
        )
    assert [check.name for check in store.verify() if check.wrong] == [SUMMARY_NAME]
