"""Typed files (Parquet, GeoParquet, GeoJSON, GeoPackage) as streams of records, geometry turned into two columns."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pyogrio
from pyogrio.errors import DataLayerError, DataSourceError

from data.coordinates import WGS_84, points, to_wgs_84, transformer
from data.errors import UnreadableFileError
from data.parsing import combined, masked
from data.readers.formats import TRUNCATED, Format, decompressed
from data.readers.text import Records
from data.refusals import Refusals
from geo.errors import N_

CHUNK_ROWS = 500_000
NO_ROW = N_("Le fichier {given} ne contient aucun enregistrement.")
NOT_A_POINT = N_("La géométrie est une ligne, une surface ou une collection. Attendu {expected}.")
SEVERAL_LAYERS = N_("{given} a plusieurs couches : {layers}. Attendu une seule couche d'événements.")
BOTH_PLACES = N_("{given} a une géométrie et des colonnes longitude et latitude. Garder l'une ou l'autre.")


def read_table(path: Path, kind: Format, size: int = CHUNK_ROWS) -> Iterator[Records]:
    """Stream a typed file's rows. The first row counts as line 1: such files have no header line."""
    first = 1
    with decompressed(path) as plain, _damage_told(path):
        tables = _parquet_tables(plain, size) if kind == "parquet" else _feature_tables(plain, size)
        for table in tables:
            if not table.num_rows:
                continue
            lines = np.arange(first, first + table.num_rows, dtype=np.int64)
            yield _place_columns(path, table, Refusals(lines))
            first += table.num_rows
    if first == 1:
        raise UnreadableFileError(NO_ROW, given=path.name)


def count_rows(path: Path, kind: Format) -> int | None:
    """Rows announced by a Parquet file; None: not known before reading."""
    if kind != "parquet":
        return None
    with decompressed(path) as plain, _damage_told(path):
        return int(pq.read_metadata(plain).num_rows)


def table_header(path: Path, kind: Format) -> list[str]:
    """Names of the columns, without the geometry's."""
    with decompressed(path) as plain, _damage_told(path):
        if kind == "parquet":
            schema = pq.read_schema(plain)
            geometry = _geometry_of(schema)
            return [name for name in schema.names if geometry is None or name != geometry[0]]
        return [str(name) for name in pyogrio.read_info(plain)["fields"]]


@contextmanager
def _damage_told(path: Path) -> Iterator[None]:
    try:
        yield
    except (pa.ArrowInvalid, OSError, DataSourceError, DataLayerError) as error:
        raise UnreadableFileError(TRUNCATED, given=path.name, reason=str(error).splitlines()[0][:120]) from error


def _parquet_tables(path: Path, size: int) -> Iterator[pa.Table]:
    """Text columns come as dictionaries, which costs less to read and to check, but for identifiers, all different."""
    schema = pq.read_schema(path)
    geometry = _geometry_of(schema)
    words = [f.name for f in schema if pa.types.is_string(f.type) and f.name != "source_event_id"]
    with pq.ParquetFile(path, read_dictionary=words) as file:
        for batch in file.iter_batches(batch_size=size):
            table = pa.Table.from_batches([batch])
            yield table if geometry is None else _with_coordinates(table, *geometry)


def _geometry_of(schema: pa.Schema) -> tuple[str, str] | None:
    """Name and CRS of a GeoParquet file's main geometry; None: plain Parquet."""
    metadata = (schema.metadata or {}).get(b"geo")
    if metadata is None:
        return None
    described: dict[str, Any] = json.loads(metadata)
    name = described["primary_column"]
    crs = described["columns"][name].get("crs")  # absent: OGC:CRS84, that is WGS 84, longitude first
    return name, json.dumps(crs) if crs else WGS_84


def _feature_tables(path: Path, size: int) -> Iterator[pa.Table]:
    layers = [str(name) for name, _ in pyogrio.list_layers(path)]
    if len(layers) > 1:
        raise UnreadableFileError(SEVERAL_LAYERS, given=path.name, layers=", ".join(layers))
    with pyogrio.open_arrow(path, batch_size=size, use_pyarrow=True, datetime_as_string=True) as (meta, batches):
        geometry = meta["geometry_name"] or "wkb_geometry"
        for batch in batches:
            table = pa.Table.from_batches([batch])
            unwanted = [name for name in table.column_names if name == meta["fid_column"]]
            table = table.drop_columns(unwanted)
            if geometry in table.column_names:
                table = _with_coordinates(table, geometry, meta["crs"] or WGS_84)
            yield table


def _with_coordinates(table: pa.Table, geometry: str, crs: str) -> pa.Table:
    """Replace the geometry by longitude and latitude, and by what it is where it is no point."""
    wkb = combined(table.column(geometry))
    storage = wkb.storage if isinstance(wkb, pa.ExtensionArray) else wkb
    x, y, other = points(storage.to_numpy(zero_copy_only=False))
    position = to_wgs_84(transformer(crs), x, y)
    table = table.drop_columns([geometry])
    for name, values in zip(GEOMETRY_COLUMNS, position, strict=True):
        table = table.append_column(name, masked(values, np.isnan(values), pa.float64()))
    return table.append_column(NO_POINT, pa.array(other))


GEOMETRY_COLUMNS = ("geometry longitude", "geometry latitude")
NO_POINT = "geometry is no point"


def _place_columns(path: Path, table: pa.Table, refusals: Refusals) -> Records:
    """Give the geometry's coordinates their names, and refuse the lines whose geometry is no point."""
    if NO_POINT not in table.column_names:
        return Records(table, refusals)
    if "longitude" in table.column_names or "latitude" in table.column_names:
        raise UnreadableFileError(BOTH_PLACES, given=path.name)
    other = combined(table.column(NO_POINT)).to_numpy(zero_copy_only=False)
    refusals.add(other, "longitude", None, NOT_A_POINT, N_("un point"))
    table = table.drop_columns([NO_POINT])
    renamed = dict(zip(GEOMETRY_COLUMNS, ("longitude", "latitude"), strict=True))
    return Records(table.rename_columns([renamed.get(name, name) for name in table.column_names]), refusals)
