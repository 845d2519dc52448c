"""What the database itself refuses, whatever the statement: the store's own conditions are not asked to help here."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable, Iterator
from contextlib import aclosing, contextmanager, suppress
from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np
import psycopg
import pytest

from data.demo import load_demo
from data.errors import ForbiddenError
from data.postgis_connection import LOADER, WALL, reading_as, role_of
from data.postgis_outlines import write_hexagons
from data.postgis_store import PostgisStore
from data.private_cluster import ADMINISTRATOR
from data.query import Query, Role, Territory, Viewer
from data.store import Change, Ground
from geo.cells import cells_at, parents
from tests.data.contract import (
    FIRST_DAY,
    Reference,
    batch,
    chunk,
    draw_event,
    draw_query,
    indicator,
    indicator_chunk,
    memberships,
)
from tests.postgres import cluster, open_new_store

ATTEMPTS = 10_000
MARSEILLE, TOULON = Territory("cross", "marseille"), Territory("cross", "toulon")
CHIEF = Viewer("cheffe de Marseille", "cross", frozenset({MARSEILLE}))
TABLES_OF_PLACES = ("events", "facts", "rollup", "tallies", "places", "place_territories", "changed_places")
COLUMNS = {
    "events": (
        "place",
        "cell",
        "day",
        "event_id",
        "longitude",
        "occurred_at",
        "quantity_kg",
        "source_event_id",
        "class",
    ),
    "facts": ("place", "cell", "day", "event_id", "commune", "drug", "family", "zone", "source"),
    "rollup": ("place", "cell", "day", "zone", "class", "incidents", "micrograms"),
    "tallies": ("place", "batch", "origin", "first_day", "events"),
    "places": ("place", "commune", "departement", "zone", "place_precision"),
    "place_territories": ("place", "kind", "code"),
    "changed_places": ("place", "cell", "version", "first_day"),
}


@pytest.fixture(scope="module")
def filled() -> Iterator[tuple[PostgisStore, Reference]]:
    """A store of 2,000 facts, and a plain list of them."""
    store, reference = open_new_store(), Reference()
    store.set_memberships(memberships())
    random = np.random.default_rng(3)
    rows = [draw_event(random, n) for n in range(2000)]
    store.load(batch("faits"), [chunk(rows)])
    store.load(batch("chiffres"), [indicator_chunk([indicator("13", 2023, 5.0), indicator("83", 2023, 7.0)])])
    reference.load(rows)
    yield store, reference
    store.close()


@pytest.fixture(scope="module")
def places_of_marseille(filled: tuple[PostgisStore, Reference]) -> set[int]:
    """The numbers of the places that CROSS Marseille sees, looked up as the administrator."""
    with administrator(filled[0]) as connection:
        rows = connection.execute("SELECT place, commune FROM hexacross.places").fetchall()
    return {place for place, commune in rows if commune in ("13055", "13001")}


def administrator(store: PostgisStore) -> psycopg.Connection[tuple[object, ...]]:
    database = psycopg.conninfo.conninfo_to_dict(store._url)["dbname"]
    return psycopg.connect(cluster().url(str(database), ADMINISTRATOR))


def login(store: PostgisStore, name: str, role: str, *territories: str) -> psycopg.Connection[tuple[object, ...]]:
    """A person's own connection, as from QGIS: a login of the role, with the territories that `rights` gives it."""
    with administrator(store) as connection:
        connection.execute(f"CREATE ROLE {name} LOGIN IN ROLE {role}")
        for territory in territories:
            connection.execute("INSERT INTO hexacross.rights VALUES (%s, %s)", (name, territory))
    database = str(psycopg.conninfo.conninfo_to_dict(store._url)["dbname"])
    connection = psycopg.connect(
        cluster().url(database, name), options="-c search_path=hexacross,public", autocommit=True
    )
    connection.prepare_threshold = None
    return connection


def random_statement(random: np.random.Generator) -> str:
    """A SELECT of the places of one of the tables, with conditions that a clever reader might try."""
    table = str(random.choice(TABLES_OF_PLACES))
    columns = COLUMNS[table]
    conditions = [
        str(random.choice([
            f"{random.choice(columns)} IS NOT NULL",
            f"NOT ({random.choice(columns)} IS NULL)",
            f"place = {random.integers(200)}",
            f"place > {random.integers(200)}",
            "true OR place < 0",
            f"{random.choice(columns)}::TEXT <> '{random.integers(100)}'",
            f"place IN (SELECT place FROM {random.choice(TABLES_OF_PLACES)})",
            f"EXISTS (SELECT FROM {random.choice(TABLES_OF_PLACES)} AS other WHERE other.place <> {table}.place)",
        ]))
        for _ in range(random.integers(1, 4))
    ]  # fmt: skip
    return f"SELECT DISTINCT place FROM {table} WHERE {random.choice([' AND ', ' OR ']).join(conditions)}"


FORGERIES = (
    "SELECT set_config('hexacross.viewer', '{forged}', {local})",
    "SET hexacross.viewer = '{forged}'",
    "SELECT set_config('role', 'hexacross_national', {local})",
    "SELECT set_config('row_security', 'off', {local})",
    "SELECT open_for(ARRAY['cross:toulon'])",
    "SELECT sealed('cross:toulon')",
    "INSERT INTO rights VALUES (session_user, '*')",
    "UPDATE rights SET territory = '*'",
    "SELECT secret FROM seal",
    "ALTER TABLE events DISABLE ROW LEVEL SECURITY",
    "CREATE POLICY mine ON events USING (true)",
    "SELECT * FROM events_2025_01",
    "COPY events_2025_01 TO STDOUT",
    "TABLE event_keys",
    "CREATE VIEW facts_of_all AS SELECT * FROM events",
)


def forgery(random: np.random.Generator) -> str:
    seal = "".join(random.choice(list("0123456789abcdef"), 64))
    forged = str(
        random.choice([f"{seal}*", f"{seal}cross:toulon", "*", "cross:toulon", f"{seal}cross:marseille|cross:toulon"])
    )
    return str(random.choice(FORGERIES)).format(forged=forged, local=random.choice(["true", "false"]))


def try_forgery(connection: psycopg.Connection[tuple[object, ...]], text: str) -> None:
    """Try to gain rights; what is refused leaves the transaction usable."""
    with suppress(psycopg.Error), connection.transaction():
        connection.execute(text)


def test_no_statement_of_another_role_reads_elsewhere(
    filled: tuple[PostgisStore, Reference], places_of_marseille: set[int]
) -> None:
    """10,000 statements of a person of CROSS Marseille, half of them after an attempt to gain rights."""
    store, _ = filled
    random = np.random.default_rng(11)
    seen: set[int] = set()
    refused = 0
    with login(store, "cheffe_marseille", "hexacross_cross", "cross:marseille") as connection:
        for attempt in range(ATTEMPTS):
            found: set[int] = set()
            try:
                with connection.transaction():
                    if attempt % 2:
                        try_forgery(connection, forgery(random))
                    rows = connection.execute(random_statement(random)).fetchall()
                    found = {int(str(place)) for (place,) in rows}
            except psycopg.errors.InsufficientPrivilege:
                refused += 1  # row_security = off: PostgreSQL answers nothing rather than everything
            connection.execute("RESET ALL")
            assert found <= places_of_marseille, attempt
            seen |= found
    assert seen == places_of_marseille, "the attempts must reach what is allowed, or they prove nothing"
    assert refused > ATTEMPTS / 100


async def first_change(store: PostgisStore, viewer: Viewer) -> Change:
    """What the load of the facts changed, as told to a viewer."""
    async with aclosing(store.changes(viewer, since=1)) as followed:
        return await anext(followed)


@pytest.mark.parametrize("role", ["national", "antenna", "cross", "wall"])
def test_no_function_of_the_store_reads_elsewhere(filled: tuple[PostgisStore, Reference], role: Role) -> None:
    """Questions about Toulon asked for Marseille, with the store's own conditions taken away."""
    store, reference = filled
    viewer = Viewer("essai", role, frozenset({MARSEILLE}))
    mine = {fact["event_id"] for fact in reference.seen(viewer)}
    everywhere = Viewer("essai", role)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("data.postgis_store.reading_as", lambda pool, url, _: reading_as(pool, url, viewer))
        assert asyncio.run(first_change(store, everywhere)) == asyncio.run(first_change(store, viewer))
    cells = [fact["cell"] for fact in reference.facts.values() if fact["cell"] is not None]
    inhabited = np.unique(parents(np.array(cells, dtype=np.int64), 5))
    random = np.random.default_rng(5)
    for _ in range(40):
        query = draw_query(random)
        found = store.events(query, viewer, limit=500).column("event_id").to_pylist()
        assert set(found) <= mine
        elsewhere = Query(query.start, query.stop, territory=TOULON)
        expected = len([f for f in reference.chosen(elsewhere, viewer) if f["family"] == "incident"])
        assert store.totals(elsewhere, viewer).incidents == expected
        # The same statements as those of a viewer who sees everything, in a transaction opened for this one.
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("data.postgis_store.reading_as", lambda pool, url, _: reading_as(pool, url, viewer))
            unasked = store.totals(query, everywhere)
            assert unasked.incidents == len([f for f in reference.chosen(query, viewer) if f["family"] == "incident"])
            assert store.totals_by_class(query, everywhere).totals(query).incidents == unasked.incidents
            assert set(store.events(query, everywhere, limit=500).column("event_id").to_pylist()) <= mine
            by_day = store.counts_by_day(query, everywhere)
            assert by_day.incidents.sum() == unasked.incidents
            cells = store.counts_by_cell(query, everywhere)
            assert set(cells.cells.tolist()) <= set(reference.by_cell(query, viewer))
            placed = store.facts_in(query, everywhere, inhabited)
            assert set(placed.lng.tolist()) <= {fact["longitude"] for fact in reference.chosen(query, viewer)}
            vague = store.unplaced(query, everywhere, Ground(("13055", "83137"), ("13", "83"), ("FR",)))
            assert vague == store.unplaced(query, viewer, Ground(("13055", "83137"), ("13", "83"), ("FR",)))
            assert store.indicators(everywhere).num_rows == 0
            assert [source.name for source in store.sources(everywhere) if source.events] == [
                source.name for source in store.sources(viewer) if source.events
            ]
            assert store.quarantine(everywhere, "faits").num_rows == 0


@contextmanager
def same_connection(store: PostgisStore, process: int) -> Iterator[psycopg.Connection[tuple[object, ...]]]:
    """The pool's connection to that process of the server, once it is back."""
    for _ in range(100):
        with store._pool.connection() as connection:
            if connection.info.backend_pid == process:
                yield connection
                return
        time.sleep(0.02)
    pytest.fail("the connection did not come back")


def test_rights_end_with_the_transaction(filled: tuple[PostgisStore, Reference]) -> None:
    store, _ = filled
    with store._reading(CHIEF) as connection:
        process = connection.info.backend_pid
        kept = connection.execute("SELECT current_setting('hexacross.viewer')").fetchone()
        assert connection.execute("SELECT count(*) FROM events").fetchone() != (0,)
    assert kept is not None
    with same_connection(store, process) as connection:
        assert connection.execute(
            "SELECT current_user, coalesce(current_setting('hexacross.viewer', true), '')"
        ).fetchone() == (
            "hexacross_app",
            "",
        )
        with pytest.raises(psycopg.errors.InsufficientPrivilege), connection.transaction():
            connection.execute("SELECT count(*) FROM events")
        # What was sealed for one transaction opens no other.
        connection.execute(
            "SELECT set_config('hexacross.viewer', %s, true), set_config('role', 'hexacross_cross', true)", kept
        )
        assert connection.execute("SELECT count(*) FROM events").fetchone() == (0,)


def test_who_states_no_territory_sees_nothing(filled: tuple[PostgisStore, Reference]) -> None:
    store, _ = filled
    with login(store, "stagiaire", "hexacross_cross") as connection:
        for table in (
            "events",
            "facts",
            "rollup",
            "hexagon_days",
            "hexagon_spans",
            "tallies",
            "places",
            "indicators",
            "quarantine",
            "changed_places",
        ):
            assert connection.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,)


def test_a_wall_reads_no_fact(filled: tuple[PostgisStore, Reference]) -> None:
    store, reference = filled
    with login(store, "mur", WALL, "*") as connection:
        assert connection.execute("SELECT sum(events) FROM rollup").fetchone() == (len(reference.facts),)
        for table in ("events", "facts", "quarantine", "event_keys", "rights", "seal"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(f"SELECT * FROM {table}")
        for column in (
            "event_id",
            "source_event_id",
            "occurred_at",
            "longitude",
            "position",
            "origin",
            "batch",
            "ctid",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(f"SELECT {column} FROM events")
    with pytest.raises(ForbiddenError):
        store.events(Query(FIRST_DAY, date(2026, 1, 1)), Viewer("mur", "wall", sees_events=False))


def test_no_reader_writes(filled: tuple[PostgisStore, Reference]) -> None:
    store, _ = filled
    with login(store, "nationale", "hexacross_national") as connection:
        assert connection.execute("SELECT count(*) > 100 FROM events").fetchone() == (True,)
        for text in (
            "DELETE FROM events",
            "UPDATE rollup SET incidents = 0",
            "INSERT INTO meta VALUES (1, '')",
            "TRUNCATE events",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(text)


def test_viewers_get_the_least_role() -> None:
    held = frozenset({MARSEILLE})
    assert role_of(Viewer("v")) == "hexacross_national"
    assert role_of(Viewer("v", "national", held)) == "hexacross_antenna"
    assert role_of(Viewer("v", "antenna", held)) == "hexacross_antenna"
    assert role_of(Viewer("v", "cross", held)) == "hexacross_cross"
    assert role_of(Viewer("v", "national", sees_events=False)) == WALL
    assert role_of(Viewer("v", "wall", held, sees_events=False)) == WALL
    assert LOADER not in {
        role_of(Viewer("v", role, sees_events=seen)) for role in ("national", "cross", "wall") for seen in (True, False)
    }


def test_a_reader_sees_the_contours_of_its_own_facts(filled: tuple[PostgisStore, Reference]) -> None:
    """A drawn hexagon says that there is a fact somewhere in it."""
    store, reference = filled
    with administrator(store) as connection:
        connection.execute("SET search_path = hexacross, public")
        connection.execute("SELECT set_config('role', %s, false)", (LOADER,))
        assert write_hexagons(connection) > 100
    mine = {fact["cell"] for fact in reference.seen(CHIEF) if fact["cell"] is not None}
    others = {fact["cell"] for fact in reference.facts.values() if fact["cell"] is not None} - mine
    for role, territories, seen in (
        ("hexacross_cross", ["cross:marseille"], mine),
        ("hexacross_wall", ["cross:marseille"], mine),
        ("hexacross_antenna", [], set()),
        ("hexacross_wall", ["*"], mine | others),
        ("hexacross_national", [], mine | others),
    ):
        with login(store, f"lecteur_{role}_{len(territories)}_{len(seen)}", role, *territories) as connection:
            for table in ("hexagon_outlines", "hexagon_places"):
                found = {cell for (cell,) in connection.execute(f"SELECT cell FROM {table}")}
                assert found == {int(cell) for r in range(5, 10) for cell in parents(sorted(seen), r)}
            if role == "hexacross_cross":
                drawn = connection.execute("SELECT hexagon FROM qgis_hexagons_9 GROUP BY 1").fetchall()
                assert {int(cell, 16) for (cell,) in drawn} == set(parents(sorted(mine), 9).tolist())


# Plans, of enough rows that reading a whole table would cost more than an index


@pytest.fixture(scope="module")
def large() -> Iterator[PostgisStore]:
    """100,000 facts of two years loaded by whole months, and some that came since, each table counted."""
    store = open_new_store()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("data.postgis_load.MANY_FACTS", 1)
        load_demo(store, 100_000, seed=1, until=date(2026, 6, 1))
        patch.setattr("data.postgis_load.MANY_FACTS", 10**9)
        patch.setattr("data.postgis_summary.TAIL_ROWS", 10**9)
        load_demo(store, 10_000, seed=2, until=date(2026, 6, 1))
    with administrator(store) as connection:
        connection.autocommit = True
        connection.execute("VACUUM ANALYZE")
    yield store
    store.close()


def nodes_of(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for below in plan.get("Plans", ()):
        yield from nodes_of(below)


def plans_of(store: PostgisStore, viewer: Viewer, ask: Callable[[], object]) -> list[dict[str, Any]]:
    """The plan of each statement on facts or counts that the store runs to answer, in the viewer's own transaction."""
    plans = []
    execute = psycopg.Connection.execute

    def explaining(connection: Any, text: Any, values: Any = None, **named: Any) -> Any:
        if isinstance(text, str) and re.search(r"\b(events|rollup|hexagon_spans|hexagon_days)\b", text):
            # A month of this little store is a hundred pages, which the planner may well read in their order.
            execute(connection, "SET LOCAL enable_seqscan = off")
            row = execute(connection, f"EXPLAIN (FORMAT JSON) {text}", values).fetchone()
            execute(connection, "SET LOCAL enable_seqscan = on")
            plans.append(row[0][0]["Plan"])
        return execute(connection, text, values, **named)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(psycopg.Connection, "execute", explaining)
        ask()
    return plans


LARGE = re.compile(r"^(events|rollup)_\d{4}_\d{2}$|^hexagon_spans$|^hexagon_days$")
LILLE = Territory("cross", "lille")
MONTH = Query(date(2026, 3, 5), date(2026, 4, 4), territory=LILLE, resolution=9)
CELLS_OF_LILLE = np.unique(cells_at(np.linspace(3.0, 3.1, 30), np.linspace(50.6, 50.65, 30), 9))
CHIEF_OF_LILLE = Viewer("cheffe de Lille", "cross", frozenset({LILLE}))


@pytest.mark.parametrize("viewer", [CHIEF_OF_LILLE, Viewer("national")], ids=["cross", "national"])
@pytest.mark.parametrize(
    "ask",
    [
        lambda store, viewer: store.counts_by_cell(MONTH, viewer),
        lambda store, viewer: store.counts_by_cell(replace(MONTH, families=frozenset({"incident"})), viewer),
        lambda store, viewer: store.counts_by_cell(replace(MONTH, resolution=10), viewer),
        lambda store, viewer: store.totals(MONTH, viewer),
        lambda store, viewer: store.totals_by_class(MONTH, viewer),
        lambda store, viewer: store.counts_by_day(MONTH, viewer),
        lambda store, viewer: store.events(MONTH, viewer),
        lambda store, viewer: store.facts_in(replace(MONTH, territory=None), viewer, CELLS_OF_LILLE),
        lambda store, viewer: store.unplaced(MONTH, viewer, Ground(("59350",), ("59",), ("FR",))),
    ],
    ids=["map", "map of a family", "finest map", "totals", "totals by class", "days", "facts", "positions", "unplaced"],
)
def test_rights_do_not_cost_the_index(
    large: PostgisStore, viewer: Viewer, ask: Callable[[PostgisStore, Viewer], object]
) -> None:
    """What the store asks for is found by an index, whoever asks, and never by reading a large table whole."""
    plans = plans_of(large, viewer, lambda: ask(large, viewer))
    assert plans
    read = [node for plan in plans for node in nodes_of(plan) if LARGE.match(node.get("Relation Name", ""))]
    assert read
    assert {node["Node Type"] for node in read} <= {"Index Scan", "Index Only Scan", "Bitmap Heap Scan"}, plans
    # The latest facts may also be read in their order, until there are enough.
    used = [node for node in read if "occurred_at" not in node.get("Index Name", "")]
    assert all("Index Cond" in node or "Recheck Cond" in node for node in used), plans
    if viewer is CHIEF_OF_LILLE:
        assert "SubPlan" in str(plans), "the policy is there too"
