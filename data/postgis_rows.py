"""Rows between PostgreSQL and Arrow, some hundreds at a time: answers as tables, tables as parameters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from data.postgis_copy import FORBIDDEN, REPLACEMENT


def arrow_of(rows: Sequence[tuple[Any, ...]], schema: pa.Schema) -> pa.Table:
    """What a SELECT answered, its columns those of `schema`."""
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(schema)
    arrays = []
    for field, column in zip(schema, columns, strict=True):
        kind = field.type.value_type if pa.types.is_dictionary(field.type) else field.type
        arrays.append(pa.array(column, type=kind).cast(field.type))
    return pa.table(arrays, schema=schema)


def unnested(columns: Mapping[str, str]) -> str:
    """The SQL of a table whose columns come as the parameters of `arrays_of`, each with its SQL type."""
    arrays = ", ".join(f"${name}::{kind}[]" for name, kind in columns.items())
    return f"unnest({arrays}) AS given ({', '.join(columns)})"


def arrays_of(rows: pa.Table, columns: Mapping[str, str]) -> dict[str, list[Any]]:
    """One list for each of the columns; what no text of PostgreSQL holds is marked in it."""
    values = {name: rows.column(name).to_pylist() for name in columns}
    for name, kind in columns.items():
        if kind == "text":
            values[name] = [text and text.replace(FORBIDDEN, REPLACEMENT) for text in values[name]]
    return values
