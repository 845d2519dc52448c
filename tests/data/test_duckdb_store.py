"""What is particular to the embedded store: its file, and what happens to it when things go wrong."""

from __future__ import annotations

import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import duckdb
import h3.api.basic_int as h3
import numpy as np
import pyarrow as pa
import pytest

from data.ahead import ahead
from data.conditions import parent_sql
from data.dimensions import Dimension, distinct_rows
from data.duckdb_store import DuckDBStore
from data.errors import StoreError, StoreVersionError
from data.opening import open_store
from data.query import Query, Viewer
from tests.data.contract import FIRST_DAY, batch, chunk, event, memberships

ROOT = Path(__file__).parents[2]
NATIONAL = Viewer("national")
EVERYTHING = Query(FIRST_DAY, FIRST_DAY + timedelta(days=60))


def run_python(code: str, *arguments: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", textwrap.dedent(code), *map(str, arguments)]
    return subprocess.Popen(command, cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def fill(path: Path, facts: int = 50) -> None:
    store = open_store(str(path))
    store.load(batch("lot"), [chunk([event(n) for n in range(facts)])])
    store.close()


def test_the_file_and_its_folders_are_created_and_opened_again(tmp_path: Path) -> None:
    path = tmp_path / "neuf" / "dossier" / "base.duckdb"
    store = open_store(str(path))
    store.set_memberships(memberships())
    store.load(batch("lot"), [chunk([event(1)])])
    version = store.version()
    store.close()
    again = open_store(str(path))
    assert again.version() == version
    assert again.totals(EVERYTHING, NATIONAL).incidents == 1
    assert again.counts_by_territory("cross", EVERYTHING, NATIONAL).codes == ("marseille", "paris", "toulon")
    again.close()


def test_a_store_of_a_newer_version_is_not_touched(tmp_path: Path) -> None:
    path = tmp_path / "base.duckdb"
    fill(path)
    with duckdb.connect(str(path)) as connection:
        connection.execute("UPDATE meta SET schema_version = 99")
    with pytest.raises(StoreVersionError, match="version plus récente d'Hexacross \\(format 99"):
        open_store(str(path))
    with duckdb.connect(str(path)) as connection:
        assert connection.execute("SELECT count(*) FROM events").fetchall() == [(50,)]


def test_a_store_of_an_earlier_format_is_summed_up_again(tmp_path: Path) -> None:
    path = tmp_path / "base.duckdb"
    points = [event(n, longitude=5.37, latitude=43.29 + n / 500, place_precision="point") for n in range(50)]
    query = Query(EVERYTHING.start, EVERYTHING.stop, resolution=7)
    store = open_store(str(path))
    store.load(batch("lot"), [chunk(points)])
    expected = store.counts_by_cell(query, NATIONAL)
    store.close()
    with duckdb.connect(str(path)) as connection:
        connection.execute("DROP TABLE hexagon_spans")
        connection.execute("CREATE TABLE hexagon_days (zone INTEGER)")
        connection.execute("DROP VIEW facts")
        connection.execute("UPDATE events SET source_event_id = substr(event_id, length('essai:') + 1)")
        connection.execute("ALTER TABLE events DROP COLUMN named")
        connection.execute("UPDATE meta SET schema_version = 1")
    again = open_store(str(path))
    found = again.counts_by_cell(query, NATIONAL)
    identifiers = again.events(query, NATIONAL).column("source_event_id").to_pylist()
    repeated = again.load(batch("encore"), [chunk(points)]).repeated
    again.close()
    assert sorted(identifiers, key=int) == [str(n) for n in range(50)]
    assert repeated == 50
    assert expected.incidents.sum() == 50
    np.testing.assert_array_equal(found.cells, expected.cells)
    np.testing.assert_array_equal(found.incidents, expected.incidents)
    np.testing.assert_array_equal(found.kg, expected.kg)


def test_a_file_of_somebody_else_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "autre.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute("CREATE TABLE clients (nom VARCHAR)")
    with pytest.raises(StoreError, match="pas une base Hexacross"):
        open_store(str(path))


@pytest.mark.parametrize("content", [b"source;family;kind\n" * 500, b"PK\x03\x04" + b"\0" * 9000, b"x"])
def test_a_file_that_is_no_database_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "faux.duckdb"
    path.write_bytes(content)
    with pytest.raises(StoreError, match="abîmé ou n'est pas une base Hexacross"):
        open_store(str(path))
    assert path.read_bytes() == content


def test_a_damaged_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "base.duckdb"
    fill(path, 5000)
    content = bytearray(path.read_bytes())
    content[4096:] = bytes(len(content) - 4096)
    path.write_bytes(content)
    with pytest.raises(StoreError, match="abîmé"):
        open_store(str(path))


def test_a_folder_in_place_of_the_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="Impossible d'ouvrir"):
        open_store(str(tmp_path))


def test_a_folder_that_cannot_be_created_is_refused(tmp_path: Path) -> None:
    (tmp_path / "fichier").write_text("")
    with pytest.raises(StoreError, match="Impossible de créer le dossier"):
        open_store(str(tmp_path / "fichier" / "sous" / "base.duckdb"))


def test_no_right_to_write_is_said(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="Impossible"):
        open_store("/proc/hexacross.duckdb")  # refused to everybody, root included


def test_a_store_in_use_by_another_program_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "base.duckdb"
    fill(path)
    code = """
        import sys
        from data.opening import open_store
        store = open_store(sys.argv[1])
        print("open", flush=True)
        sys.stdin.read()
    """
    command = [sys.executable, "-c", textwrap.dedent(code), str(path)]
    with subprocess.Popen(command, cwd=ROOT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "open\n"
        with pytest.raises(StoreError, match=rf"déjà ouverte par un autre programme \(processus {other.pid}\)"):
            open_store(str(path))
        other.communicate("")
    store = open_store(str(path))
    assert store.totals(EVERYTHING, NATIONAL).incidents == 50
    store.close()


FULL_DISK = """
    import resource, sys
    from data.errors import StoreError
    from data.opening import open_store
    from tests.data.contract import batch, chunk, event

    store = open_store(sys.argv[1])
    limit = int(sys.argv[2])
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))  # no file may grow beyond: what a full disk does
    def chunks():
        for number in range(1, 60):
            yield chunk([event(number * 10_000 + n, drug_label=f"{number * n * 7919:x}" * 6) for n in range(3_000)])
    try:
        store.load(batch("trop"), chunks())
    except StoreError as error:
        print(error)
"""


def test_a_full_disk_is_said_and_nothing_is_half_there(tmp_path: Path) -> None:
    path = tmp_path / "base.duckdb"
    fill(path)
    process = run_python(FULL_DISK, path, path.stat().st_size + 1_000_000)
    said, complaints = process.communicate(timeout=120)
    assert "est plein" in said, (said, complaints)
    store = open_store(str(path))
    assert [ledger.batch_id for ledger in store.batches(NATIONAL)] == ["lot"]
    assert store.totals(EVERYTHING, NATIONAL).incidents == 50
    assert store.load(batch("suite"), [chunk([event(1000)])]).accepted == 1
    store.close()


KILLED = """
    import sys
    from data.opening import open_store
    from tests.data.contract import batch, chunk, event, memberships

    store = open_store(sys.argv[1])
    def chunks():
        for number in range(20):
            print("chunk", flush=True)
            yield chunk([event(1_000_000 + number * 1000 + n) for n in range(1000)])
    store.load(batch("tué"), chunks())
    print("done", flush=True)
"""


@pytest.mark.parametrize("wait_s", [0.0, 0.15, 0.3, 0.6, 1.2])
def test_a_killed_load_is_as_if_it_had_not_begun_or_done(tmp_path: Path, wait_s: float) -> None:
    path = tmp_path / "base.duckdb"
    fill(path)
    process = run_python(KILLED, path)
    assert process.stdout is not None
    assert process.stdout.readline() == "chunk\n"
    time.sleep(wait_s)
    process.kill()
    said, _ = process.communicate()
    store = open_store(str(path))
    totals, names = store.totals(EVERYTHING, NATIONAL), [ledger.batch_id for ledger in store.batches(NATIONAL)]
    assert (totals.incidents, names) in ((50, ["lot"]), (20_050, ["tué", "lot"]))
    if "done" in said:
        assert names == ["tué", "lot"]
    assert store.events(EVERYTHING, NATIONAL, limit=100_000).num_rows == totals.incidents
    ledger = store.load(batch("tué"), [chunk([event(1_000_000 + n) for n in range(10)])])
    assert ledger.already_loaded == (totals.incidents == 20_050)
    store.close()


def test_keys_are_made_again_when_the_hash_function_changed(tmp_path: Path) -> None:
    path = tmp_path / "base.duckdb"
    fill(path)
    with duckdb.connect(str(path)) as connection:
        connection.execute("UPDATE events SET key = key + 1")
        connection.execute("UPDATE meta SET hash_probe = 1")
    store = open_store(str(path))
    ledger = store.load(batch("suite"), [chunk([event(n) for n in range(60)])])
    assert (ledger.accepted, ledger.repeated) == (10, 50)
    store.close()


def test_equal_keys_are_only_a_suspicion(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Were all identifiers to collide, they would still be told apart by what they are."""
    monkeypatch.setattr("data.duckdb_load.EVENT_KEY", "7::UBIGINT")
    store = DuckDBStore.open(str(tmp_path / "base.duckdb"))
    first = store.load(batch("lot"), [chunk([event(n) for n in range(20)])])
    second = store.load(batch("suite"), [chunk([event(n, checked=n % 2 or None) for n in range(10, 30)])])
    assert (first.accepted, second.accepted, second.repeated, second.refused) == (20, 10, 5, 5)
    store.close()


def test_parents_in_sql_are_those_of_h3(tmp_path: Path) -> None:
    random = np.random.default_rng(4)
    cells = [h3.latlng_to_cell(lat, lng, 10) for lat, lng in random.uniform(-80, 80, (200, 2))]
    cells += [h3.cell_to_center_child(pentagon, 10) for pentagon in h3.get_pentagons(2)]
    for resolution in range(3, 11):
        statement = f"SELECT {parent_sql('cell', resolution)} FROM (SELECT unnest(?::BIGINT[]) AS cell)"
        with duckdb.connect() as connection:
            found = connection.execute(statement, [cells]).fetchall()
        assert [parent for (parent,) in found] == [h3.cell_to_parent(cell, resolution) for cell in cells]


# The helpers of a load


def test_combinations_keep_their_numbers() -> None:
    texts = pa.array(["a", None, "b", "a", None]).dictionary_encode()
    rows = pa.table({"x": texts, "y": pa.array(["1", "1", None, "1", "1"])})
    positions, combinations = distinct_rows(rows)
    assert [combinations[position] for position in positions] == [
        ("a", "1"), (None, "1"), ("b", None), ("a", "1"), (None, "1"),
    ]  # fmt: skip
    dimension = Dimension(("x", "y"), {("b", None): 1, ("z", None): 2})
    assert dimension.encode(rows).tolist() == [3, 4, 1, 3, 4]
    assert dimension.encode(rows.slice(2)).tolist() == [1, 3, 4]
    assert dimension.fresh("number").to_pylist() == [
        {"x": "a", "y": "1", "number": 3}, {"x": None, "y": "1", "number": 4},
    ]  # fmt: skip


def test_items_come_ahead_in_order_and_errors_come_through() -> None:
    assert list(ahead(range(100))) == list(range(100))
    assert list(ahead([])) == []

    def failing() -> Iterator[int]:
        yield 1
        raise KeyError("x")

    items = ahead(failing())
    assert next(items) == 1
    with pytest.raises(KeyError, match="x"):
        next(items)


def test_a_reader_that_stops_stops_the_thread() -> None:
    made: list[int] = []

    def endless() -> Iterator[int]:
        while True:
            made.append(len(made))
            yield made[-1]

    items = ahead(endless(), depth=2)
    assert next(items) == 0
    items.close()
    count = len(made)
    time.sleep(0.05)
    assert len(made) == count <= 5
