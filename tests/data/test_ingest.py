"""From a file to the embedded store and back: the sums add up, and the quarantine opens in a spreadsheet."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import pyarrow as pa
import pytest

from data.errors import UnreadableFileError
from data.ingest import harmless, load_file, write_quarantine_csv
from data.opening import open_store
from data.query import Viewer
from data.schema import REFUSAL_SCHEMA
from data.store import Ledger, Store
from tests.data.files import documented_example, good, outcome, write_csv

NATIONAL = Viewer("essai")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = open_store(str(tmp_path / "essai.duckdb"))
    yield opened
    opened.close()


def adds_up(ledger: Ledger) -> bool:
    return ledger.accepted + ledger.repeated + ledger.refused == ledger.lines


def test_accepted_repeated_and_refused_add_up(store: Store, tmp_path: Path) -> None:
    rows = [good(1), good(2), good(2), good(2, quantity_kg="9"), good(3, kind="?", drug="?"), good(4, latitude="")]
    ledger = load_file(store, write_csv(tmp_path / "a.csv", rows))
    assert (ledger.lines, ledger.accepted, ledger.repeated, ledger.refused) == (6, 2, 1, 3)
    assert adds_up(ledger)
    quarantine = store.quarantine(NATIONAL, ledger.batch_id).to_pylist()
    assert {(row["line"], row["field"]) for row in quarantine if row["line"] > 5} == {
        (6, "kind"), (6, "drug"), (7, "latitude"),
    }  # fmt: skip


def test_a_second_load_changes_nothing(store: Store, tmp_path: Path) -> None:
    path = write_csv(tmp_path / "a.csv", [good(1), good(2)])
    first = load_file(store, path)
    version = store.version()
    again = load_file(store, path)
    assert again.already_loaded
    assert (again.batch_id, again.accepted) == (first.batch_id, first.accepted)
    assert store.version() == version
    more = load_file(store, write_csv(tmp_path / "b.csv", [good(1), good(2), good(3)]))
    assert (more.accepted, more.repeated, more.refused) == (1, 2, 0)


def test_lines_without_identifier_are_the_same_in_the_next_export(store: Store, tmp_path: Path) -> None:
    rows = [good(1, source_event_id="") for _ in range(3)]
    first = load_file(store, write_csv(tmp_path / "a.csv", rows))
    assert (first.accepted, first.identical) == (3, 2)
    second = load_file(store, write_csv(tmp_path / "b.csv", [*rows, good(1, source_event_id="", quantity_kg="2")]))
    assert (second.accepted, second.repeated) == (1, 3)


def test_repeated_lines_may_be_dropped(store: Store, tmp_path: Path) -> None:
    path = write_csv(tmp_path / "a.csv", [good(1, source_event_id="")] * 4)
    ledger = load_file(store, path, repeated_lines="drop")
    assert (ledger.lines, ledger.accepted, ledger.repeated, ledger.identical) == (4, 1, 3, 3)


def test_documented_mappings_load(store: Store, tmp_path: Path) -> None:
    ledgers = [load_file(store, *documented_example(name, tmp_path)) for name in ("gendarmerie", "douane")]
    assert [(ledger.lines, ledger.accepted, ledger.refused) for ledger in ledgers] == [(5, 4, 1), (4, 4, 0)]
    assert {source.name: source.marking for source in store.sources(NATIONAL)} == {
        "GN exemple": "restricted",
        "DGDDI exemple": "internal",
    }


def test_a_corrected_mapping_reads_the_file_again(store: Store, tmp_path: Path) -> None:
    data, mapping = documented_example("gendarmerie", tmp_path)
    load_file(store, data, mapping)
    mapping.write_text(mapping.read_text(encoding="utf-8").replace('Herbe = "cannabis_herb"', 'Herbe = "cannabis"'),
                       encoding="utf-8")  # fmt: skip
    again = load_file(store, data, mapping)
    assert not again.already_loaded
    assert (again.accepted, again.repeated) == (0, 3)
    assert again.refused == 2  # the impossible date, and the herb that is now told otherwise


def test_two_files_at_once(store: Store, tmp_path: Path) -> None:
    """Two threads load files that share half of their events."""
    paths = [write_csv(tmp_path / f"{start}.csv", [good(n) for n in range(start, start + 2000)]) for start in (0, 1000)]
    ledgers: list[Ledger] = []
    failures: list[BaseException] = []

    def load(path: Path) -> None:
        try:
            ledgers.append(load_file(store, path))
        except BaseException as error:  # noqa: BLE001 -- shown by the assertion below
            failures.append(error)

    threads = [Thread(target=load, args=(path,)) for path in paths]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert all(adds_up(ledger) for ledger in ledgers)
    assert sum(ledger.accepted for ledger in ledgers) == 3000
    assert sum(ledger.repeated for ledger in ledgers) == 1000


def test_a_file_that_breaks_half_way_leaves_nothing(store: Store, tmp_path: Path) -> None:
    path = write_csv(tmp_path / "a.csv.gz", [good(n, drug_label=str(n * 7919)) for n in range(30_000)])
    path.write_bytes(path.read_bytes()[:-2000])
    with pytest.raises(UnreadableFileError, match="tronqué"):
        load_file(store, path)
    assert store.batches(NATIONAL) == []
    assert store.period(NATIONAL) is None


@pytest.mark.dataset
def test_published_files_are_accounted_for(store: Store, datasets: Path) -> None:
    expected = {
        "unodc-ids-2011-2016.csv.gz": (311_038, 3),
        "ssmsi-departements-2016-2024-original.csv": (16_362, 0),
        "ssmsi-departements-2016-2025.csv": (18_180, 0),
        "ssmsi-departements-2016-2022-ancien-format.csv": (8_484, 0),
        "ssmsi-communes-haute-garonne-2016-2024.csv": (7_358, 0),
    }
    for name, (lines, refused) in expected.items():
        ledger = load_file(store, datasets / name)
        assert (ledger.lines, ledger.accepted, ledger.refused) == (lines, lines - refused, refused), name
        assert ledger.marking == "public"
    figures = store.indicators(NATIONAL, "Trafic de stupéfiants").to_pylist()
    found = {
        row["release"].isoformat(): row["value"] for row in figures if (row["territory"], row["year"]) == ("13", 2024)
    }
    assert found == {"2025-06-04": 4320, "2026-01-22": 4320}


def refusal(**changes: object) -> pa.Table:
    row = {"line": 2, "field": "kind", "given": "x", "reason": "« {given} » : {expected}", "expected": "a, b"}
    return pa.Table.from_pylist([row | changes], REFUSAL_SCHEMA)


@pytest.mark.parametrize("given", ["=1+1", "+33", "-1", "@SUM(A1)", "\t=1", "\r=1"])
def test_formulas_are_neutralised(given: str) -> None:
    text = io.StringIO()
    write_quarantine_csv(refusal(given=given, reason="{given}"), text)
    cells = list(csv.reader(io.StringIO(text.getvalue(), newline=""), delimiter=";"))[1]
    assert cells[2] == f"'{given}"
    assert cells[3] == f"'{given}"
    assert harmless("a=1") == "a=1"


def test_quarantine_is_translated_and_opens_in_a_spreadsheet(tmp_path: Path) -> None:
    path = tmp_path / "quarantaine.csv"
    write_quarantine_csv(refusal(given='<b>é</b>;"{x}'), path, lambda text: text.replace("« {given} » :", "{given}:"))
    assert path.read_bytes().startswith(b"\xef\xbb\xbf")
    with path.open(encoding="utf-8-sig", newline="") as file:
        header, row = list(csv.reader(file, delimiter=";"))
    assert header == ["ligne", "champ", "donné", "raison", "attendu"]
    assert row == ["2", "kind", '<b>é</b>;"{x}', '<b>é</b>;"{x}: a, b', "a, b"]


def test_braces_in_what_was_given_do_no_harm(tmp_path: Path) -> None:
    rows = [good(1, kind="{x}", longitude="{0}", quantity_kg="{", occurred_at="}{")]
    messages = " ".join(outcome(write_csv(tmp_path / "a.csv", rows)).messages)
    assert all(f"« {given} »" in messages for given in ("{x}", "{0}", "{", "}{"))
