"""Our own layout in every format, and what makes a file ours."""

from __future__ import annotations

import gc
import math
from datetime import date, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from data.errors import MappingError, UnreadableFileError
from data.readers import Options, open_source
from data.readers.text import find_encoding, read_records, sniff
from data.schema import EVENT_SCHEMA
from tests.data.files import GOOD, TODAY, good, outcome, write_csv, write_parquet, write_points

WRITERS = {
    "csv": lambda path, rows: write_csv(path.with_suffix(".csv"), rows),
    "csv.gz": lambda path, rows: write_csv(path.with_suffix(".csv.gz"), rows),
    "parquet": lambda path, rows: write_parquet(path.with_suffix(".parquet"), rows),
    "geojson": lambda path, rows: write_points(path.with_suffix(".geojson"), rows),
    "gpkg": lambda path, rows: write_points(path.with_suffix(".gpkg"), rows),
    "geoparquet": lambda path, rows: write_points(path.with_suffix(".parquet"), rows),
    "gpkg Lambert-93": lambda path, rows: write_points(path.with_suffix(".gpkg"), rows, "EPSG:2154"),
    "geoparquet Lambert-93": lambda path, rows: write_points(path.with_suffix(".parquet"), rows, "EPSG:2154"),
}


@pytest.mark.parametrize("kind", WRITERS)
def test_every_format_gives_the_same_event(tmp_path: Path, kind: str) -> None:
    path = WRITERS[kind](tmp_path / "faits", [good(1), good(2, quantity_kg="")])
    result = outcome(path)
    assert result.refusals == []
    assert result.lines == 2
    event = result.rows[0]
    assert event["event_id"] == "PN exemple:1"
    assert (event["commune"], event["arrondissement"], event["departement"]) == (
        "13055",
        "13202",
        "13",
    )  # 2, quai du Port, 13002
    assert event["country"] == "FR"
    assert event["occurred_at"] == datetime(2024, 6, 1, 12, 30)  # noqa: DTZ001 -- the store's UTC carries no zone
    assert (event["day"], event["hour"], event["occurred_precision"]) == (date(2024, 6, 1), 14, "minute")
    assert (event["place_precision"], event["quantity_kg"], event["marking"]) == ("point", 1.5, "internal")
    assert math.isclose(float(str(event["longitude"])), 5.3698, abs_tol=1e-7)
    assert result.rows[1]["quantity_kg"] is None  # blank is unknown, not zero


def test_chunks_have_the_schema_of_the_stores(tmp_path: Path) -> None:
    for chunk in open_source(write_csv(tmp_path / "a.csv", [GOOD]), options=Options(today=TODAY)).chunks():
        assert chunk.events is not None
        assert chunk.events.schema.equals(EVENT_SCHEMA)


def test_typed_columns_are_read_as_they_are(tmp_path: Path) -> None:
    table = pa.table(
        {
            "source": ["x", "x", "x"],
            "source_event_id": ["a", "b", "c"],
            "family": pa.array(["control"] * 3).dictionary_encode(),
            "kind": pa.array(["road_check"] * 3).dictionary_encode(),
            "occurred_at": pa.array([datetime(2024, 7, 1, 22, 30)] * 3, pa.timestamp("us", "UTC")),  # noqa: DTZ001
            "longitude": [55.4481, np.nan, 2.35],
            "latitude": [-20.8789, np.nan, 48.86],
            "checked": pa.array([10, None, 3], pa.int32()),
            "positive": pa.array([2.0, np.nan, 0.0]),
        }
    )
    pq.write_table(table, tmp_path / "t.parquet")
    first, second, third = outcome(tmp_path / "t.parquet").rows
    assert (first["departement"], first["day"], first["hour"]) == ("974", date(2024, 7, 2), 2)  # Saint-Denis: UTC+4
    assert (second["checked"], second["positive"], second["place_precision"]) == (None, None, "unknown")
    assert (third["checked"], third["positive"], third["hour"]) == (3, 0, 0)  # Paris in July: UTC+2


@pytest.mark.parametrize("separator", [";", ",", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252"])
def test_encodings_and_separators_are_found(tmp_path: Path, separator: str, encoding: str) -> None:
    rows = [good(1, drug_label="Résine « beldia », 1 boîte à œufs"), good(2, drug_label="Été")]
    path = write_csv(tmp_path / "a.csv", rows, separator, encoding)
    result = outcome(path)
    assert [row["drug_label"] for row in result.rows] == ["Résine « beldia », 1 boîte à œufs", "Été"]


def test_what_was_assumed_is_told(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "a.csv", [good(1, drug_label="Héroïne")], encoding="cp1252")
    assert open_source(path).assumed == {"encoding": "cp1252", "separator": ";"}
    assert find_encoding(write_csv(tmp_path / "b.csv", [good(1, drug_label="Héroïne")], encoding="cp850"))[0] == "cp850"


def test_a_record_is_named_by_its_first_physical_line(tmp_path: Path) -> None:
    rows = [good(1), good(2, drug_label="deux\nlignes\nde plus", kind="?"), good(3, kind="?"), good(4)]
    result = outcome(write_csv(tmp_path / "a.csv", rows))
    assert {(r["line"], r["field"]) for r in result.refusals} == {(3, "drug_label"), (3, "kind"), (6, "kind")}
    assert result.event_lines == [2, 7]


def test_lines_of_another_width_are_refused_whole(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    text = write_csv(path, [good(1), good(2), good(3)]).read_text().splitlines()
    text[2] = "trop;court"
    text[3] += ";;;"  # blank fields too many: a separator that closes the line
    path.write_text("\n".join([*text, "", "a;b;c"]))
    result = outcome(path)
    assert result.lines == 4
    assert [(r["line"], r["field"], r["given"]) for r in result.refusals] == [(3, "", "2"), (6, "", "3")]
    assert result.messages[0] == "Ligne de 2 champs. Attendu 9 champs, comme l'en-tête."


def test_memory_does_not_follow_the_size_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "big.csv"
    line = ";".join(str(value) for value in GOOD.values())
    with path.open("w") as file:
        file.write(";".join(GOOD) + "\n")
        for _ in range(100):
            file.write((line + "\n") * 6_000)
    assert path.stat().st_size > 40_000_000
    gc.collect()  # what earlier tests left would be given back meanwhile
    before = pa.total_allocated_bytes()
    sizes, seen = [], 0
    for records in read_records(path, sniff(path), 50_000):
        sizes.append(pa.total_allocated_bytes() - before)
        seen += records.columns.num_rows
    assert seen == 600_000
    assert max(sizes) < 60_000_000
    assert sizes[-1] < 2 * sizes[1]  # the last chunk holds no more than the second


def test_chunks_do_not_change_what_is_read(tmp_path: Path) -> None:
    rows = [good(n, source_event_id="" if n % 3 else str(n), kind="seizure" if n % 7 else "?") for n in range(1, 60)]
    path = write_csv(tmp_path / "a.csv", rows)
    whole, cut = outcome(path), outcome(path, options=Options(today=TODAY, chunk=7))
    assert cut == whole
    assert whole.identical == 38  # 40 rows without identifier, in two contents (kind good or not)


def test_missing_columns_are_named_with_the_closest(tmp_path: Path) -> None:
    row = {("occured_at" if name == "occurred_at" else name): value for name, value in GOOD.items()}
    with pytest.raises(UnreadableFileError, match=r"occurred_at.*Est-ce « occured_at »"):
        open_source(write_csv(tmp_path / "a.csv", [row]))


def test_unknown_columns_are_refused_unless_empty(tmp_path: Path) -> None:
    assert outcome(write_csv(tmp_path / "a.csv", [GOOD | {"remarque": ""}])).refusals == []
    with pytest.raises(UnreadableFileError, match="« quantite_kg » \\(proche de « quantity_kg »\\)"):
        open_source(write_csv(tmp_path / "b.csv", [GOOD | {"quantite_kg": "3"}]))


def test_derived_columns_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFileError, match=r"calculées par Hexacross.*cell"):
        open_source(write_csv(tmp_path / "a.csv", [GOOD | {"cell": "1"}]))


def test_unknown_layout_leads_to_a_mapping(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("ville;nombre\nLyon;3\n")
    with pytest.raises(UnreadableFileError, match=r"--propose a\.csv"):
        open_source(tmp_path / "a.csv")


def test_the_marking_stated_goes_to_every_line_without_one(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "a.csv", [good(1), good(2, marking="public")])
    source = open_source(path, options=Options(stated_marking="restricted", today=TODAY))
    assert source.batch.marking == "restricted"
    assert [row["marking"] for row in outcome(path, options=Options("restricted", today=TODAY)).rows] == [
        "restricted",
        "public",
    ]
    with pytest.raises(MappingError, match="Mention inconnue"):
        Options(stated_marking="secret")


def test_lines_that_are_no_points_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.geojson"
    line = '{"type":"LineString","coordinates":[[2,48],[3,49]]}'
    properties = '{"source":"x","family":"incident","kind":"seizure","occurred_at":"2024-01-01"}'
    point = '{"type":"Point","coordinates":[2.35,48.86]}'
    features = ",".join(
        f'{{"type":"Feature","geometry":{shape},"properties":{properties}}}' for shape in (line, point, "null")
    )
    path.write_text(f'{{"type":"FeatureCollection","features":[{features}]}}')
    result = outcome(path)
    assert [(r["line"], r["field"]) for r in result.refusals] == [(1, "longitude")]
    assert [row["place_precision"] for row in result.rows] == ["point", "unknown"]
