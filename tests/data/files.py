"""Write the files that tests load, good and bad, and read back what became of them."""

from __future__ import annotations

import csv
import gzip
import io
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import geopandas as gpd
import pyarrow as pa
import pyarrow.parquet as pq

from data.readers import Options, open_source

ROOT = Path(__file__).parent.parent.parent
TODAY = date(2026, 11, 23)
Row = dict[str, object]

# An event before the town hall of Marseille (2, quai du Port, 13002), as good as can be.
GOOD: Row = {
    "source": "PN exemple",
    "source_event_id": "1",
    "family": "incident",
    "kind": "seizure",
    "occurred_at": "2024-06-01T14:30",
    "longitude": "5.3698",
    "latitude": "43.2965",
    "drug": "cannabis_resin",
    "quantity_kg": "1.5",
}


def good(number: int = 1, **changes: object) -> Row:
    """A good event with an identifier of its own, some fields changed."""
    return GOOD | {"source_event_id": str(number)} | changes


def csv_text(rows: Iterable[Row], separator: str = ";") -> str:
    rows = list(rows)
    names = list(dict.fromkeys(name for row in rows for name in row))
    text = io.StringIO()
    writer = csv.DictWriter(text, names, delimiter=separator, lineterminator="\n", restval="")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def write_csv(path: Path, rows: Iterable[Row], separator: str = ";", encoding: str = "utf-8") -> Path:
    content = csv_text(rows, separator).encode(encoding)
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    return path


def write_parquet(path: Path, rows: Iterable[Row]) -> Path:
    pq.write_table(pa.Table.from_pylist(list(rows)), path)
    return path


def write_points(path: Path, rows: Iterable[Row], crs: str = "EPSG:4326") -> Path:
    """GeoJSON, GeoPackage or GeoParquet by the path's suffix; longitude and latitude (WGS 84) become the geometry."""
    table = [dict(row) for row in rows]
    x = [float(str(row.pop("longitude"))) for row in table]
    y = [float(str(row.pop("latitude"))) for row in table]
    frame = gpd.GeoDataFrame(table, geometry=gpd.points_from_xy(x, y), crs="EPSG:4326").to_crs(crs)
    if path.suffix == ".parquet":
        frame.to_parquet(path)
    else:
        frame.to_file(path, driver={".geojson": "GeoJSON", ".gpkg": "GPKG"}[path.suffix])
    return path


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a reader made of a whole file."""

    lines: int
    rows: list[dict[str, object]]
    refusals: list[dict[str, object]]
    identical: int
    event_lines: list[int]

    @property
    def messages(self) -> list[str]:
        """Each refusal as the officer reads it."""
        return [str(r["reason"]).format(given=r["given"], expected=r["expected"]) for r in self.refusals]


def outcome(path: Path, mapping: Path | None = None, options: Options | None = None) -> Outcome:
    """Read a file to its end without a store; the sums are checked on the way."""
    rows: list[dict[str, object]] = []
    refusals: list[dict[str, object]] = []
    lines = identical = 0
    numbers: list[int] = []
    for chunk in open_source(path, mapping, options or Options(today=TODAY)).chunks():
        table = chunk.events if chunk.events is not None else chunk.indicators
        assert table is not None
        refused = chunk.refusals.to_pylist() if chunk.refusals is not None else []
        assert chunk.lines == table.num_rows + len({refusal["line"] for refusal in refused})
        assert chunk.event_lines is not None
        assert len(chunk.event_lines) == table.num_rows
        lines += chunk.lines
        identical += chunk.identical
        rows += table.to_pylist()
        refusals += refused
        numbers += chunk.event_lines.tolist()
    return Outcome(lines, rows, refusals, identical, numbers)


def documented_example(name: str, folder: Path) -> tuple[Path, Path]:
    """The CSV and the mapping of an example of docs/mapping.md, written in the encoding that the mapping declares."""
    page = (ROOT / "docs" / "mapping.md").read_text(encoding="utf-8")
    blocks = dict(re.findall(rf"```(csv|toml) {name}\n(.*?)```", page, re.S))
    encoding = re.search(r'encoding = "([^"]+)"', blocks["toml"])
    assert encoding is not None
    data, mapping = folder / f"{name}.csv", folder / f"{name}.toml"
    data.write_bytes(blocks["csv"].encode(encoding[1]))
    mapping.write_text(blocks["toml"], encoding="utf-8")
    return data, mapping
