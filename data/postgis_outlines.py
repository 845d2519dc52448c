"""Contours for geographers: territories and hexagons as PostGIS geometries, so that QGIS can draw them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from data.conditions import parent_sql
from data.geography import Geography
from data.postgis_connection import LOADER, Connection, bound, connect, explained
from data.query import Territory, TerritoryKind
from geo.cells import boundaries

DRAWN_KINDS: tuple[TerritoryKind, ...] = ("cross", "antenna", "departement", "region")
DRAWN_RESOLUTIONS = range(5, 10)  # those of the views qgis_hexagons_*
SRID = 4326
RESOLUTION_SHIFT = 52  # of the bits that tell a cell's resolution


def write_outlines(url: str, geography: Geography) -> tuple[int, int]:
    """Write the contours that QGIS draws.

    Returns:
        How many territories there are, and how many hexagons were added.

    Raises:
        StoreError: Unreachable, or a login without the loader's rights.
    """
    with explained(url), connect(url) as connection, connection.transaction():
        connection.execute("SELECT set_config('role', %s, true)", (LOADER,))
        return write_territories(connection, geography), write_hexagons(connection)


def write_territories(connection: Connection, geography: Geography) -> int:
    """Replace the contours of the territories.

    Returns:
        How many there are.
    """
    connection.execute("DELETE FROM territory_outlines")
    rows = list(_territories(geography))
    _insert(connection, "territory_outlines", ("kind", "code", "name", "outline"), rows)
    return len(rows)


def _territories(geography: Geography) -> Iterator[tuple[Any, ...]]:
    for kind in DRAWN_KINDS:
        table = geography.territories(kind)
        for code, name in zip(table["code"], table["name"], strict=True):
            outline = geography.perimeter(Territory(kind, str(code)))
            yield kind, str(code), str(name), _written(outline)


def write_hexagons(connection: Connection) -> int:
    """Add the contours of the hexagons that have facts and no contour yet, and whose places' facts they are.

    Returns:
        How many contours were added.
    """
    added = 0
    for resolution in DRAWN_RESOLUTIONS:
        connection.execute(
            bound(f"""INSERT INTO hexagon_places
                SELECT DISTINCT place, {parent_sql("cell", resolution)} FROM rollup WHERE cell IS NOT NULL
                ON CONFLICT DO NOTHING""")
        )
        found = connection.execute(
            bound(f"""SELECT DISTINCT cell FROM hexagon_places
                WHERE (cell >> {RESOLUTION_SHIFT}) & 15 = $resolution
                    AND cell NOT IN (SELECT cell FROM hexagon_outlines)"""),
            {"resolution": resolution},
        ).fetchall()
        cells = np.array([cell for (cell,) in found], dtype=np.int64)
        rows = [
            (int(cell), resolution, _written(outline)) for cell, outline in zip(cells, _outlines(cells), strict=True)
        ]
        _insert(connection, "hexagon_outlines", ("cell", "resolution", "outline"), rows)
        added += len(rows)
    return added


def _outlines(cells: NDArray[np.int64]) -> NDArray[np.object_]:
    return np.asarray(boundaries(cells), dtype=object)


def _written(outline: Any) -> str:
    """Extended well-known binary, in hexadecimal, of a polygon or several."""
    polygons = [part for part in shapely.get_parts(outline) if part.geom_type == "Polygon"]
    return str(shapely.to_wkb(shapely.set_srid(shapely.multipolygons(polygons), SRID), hex=True, include_srid=True))


def _insert(connection: Connection, table: str, names: tuple[str, ...], rows: Iterable[tuple[Any, ...]]) -> None:
    columns = ", ".join(names)
    # Not straight into the table: COPY does not go through row-level security.
    connection.execute(bound(f"CREATE TEMP TABLE drawn (LIKE {table})"))
    with connection.cursor().copy(f"COPY drawn ({columns}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)
    connection.execute(bound(f"INSERT INTO {table} ({columns}) SELECT {columns} FROM drawn"))
    connection.execute("DROP TABLE drawn")
