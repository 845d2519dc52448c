"""Keep the server store's summary by hexagon: what a load adds, and its packing by zone and span of days.

`hexagon_days` holds what came since a zone was last packed, `hexagon_spans` the rest; a question adds both up.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pyarrow as pa

from data.conditions import parent_sql
from data.extents import EXTENT_RESOLUTION, Extents
from data.hexagon_sums import COUNTS, SUMS, Columns, summarise
from data.layout import SUMMARY_RESOLUTION
from data.packing import as_table, merged, pack, unpack
from data.postgis_connection import Connection, bound, statement
from data.spans import LEVELS, ZONE_SHIFT, coarser, longest_spans, part_of
from geo.cells import parents

TAIL_ROWS = 500  # of a zone that may stand unpacked
SPAN_BITS = (1 << ZONE_SHIFT) - 1
PARTS_AT_ONCE = 2_000


def summarise_rows(connection: Connection, source: str) -> None:
    """Add the counts of a table like `rollup` to the summary by hexagon."""
    connection.execute(statement("postgis/hexagon_days", source=source, cell=parent_sql("cell", SUMMARY_RESOLUTION)))
    pack_tails(connection, f"zone IN (SELECT zone FROM {source})")


def pack_tails(connection: Connection, where: str = "true") -> None:
    """Pack what stands unpacked of the zones of which much does, in a transaction where no other program writes."""
    full = connection.execute(
        bound(f"SELECT zone FROM hexagon_days WHERE {where} GROUP BY zone HAVING count(*) > $most ORDER BY zone"),
        {"most": TAIL_ROWS},
    ).fetchall()
    for (zone,) in full:
        pack_tail(connection, zone)


def pack_tail(connection: Connection, zone: int) -> None:
    """Pack what stands unpacked of a zone."""
    values = {"zone": zone}
    rows = _rows(connection, "hexagon_days WHERE zone = $zone", values)
    connection.execute(bound("DELETE FROM hexagon_days WHERE zone = $zone"), values)
    add_sums(connection, summarise(rows))


def pack_again(connection: Connection, zone: int) -> None:
    """Sum a zone up again from its daily counts."""
    values = {"zone": zone}
    for table in ("hexagon_days", "hexagon_spans"):
        connection.execute(bound(f"DELETE FROM {table} WHERE zone = $zone"), values)
    add_sums(connection, summarise(_rows(connection, "rollup WHERE zone = $zone AND cell IS NOT NULL", values)))


def add_sums(connection: Connection, sums: pa.Table) -> None:
    """Add sums by part and cell, sorted, to those that are packed already."""
    part = sums.column("part").to_numpy()
    starts = np.flatnonzero(np.diff(part, prepend=part[:1] - 1))
    for first in range(0, len(starts), PARTS_AT_ONCE):
        bounds = starts[first : first + PARTS_AT_ONCE + 1]
        stop = int(bounds[-1]) if len(bounds) > PARTS_AT_ONCE else len(part)
        fresh = sums.slice(int(bounds[0]), stop - int(bounds[0]))
        numbers = np.unique(part[int(bounds[0]) : stop])
        places = {"zones": (numbers >> ZONE_SHIFT).tolist(), "spans": (numbers & SPAN_BITS).tolist()}
        wanted = "(zone, span) IN (SELECT * FROM unnest($zones::INTEGER[], $spans::INTEGER[]))"
        known = connection.execute(
            bound(f"SELECT zone, span, packed FROM hexagon_spans WHERE {wanted}"), places, binary=True
        ).fetchall()
        if known:
            earlier = [as_table(zone << ZONE_SHIFT | span, packed) for zone, span, packed in known]
            fresh = merged([fresh, *earlier])
        _write(connection, pack(fresh))


def _write(connection: Connection, packed: Iterable[tuple[int, bytes]]) -> None:
    with connection.cursor() as cursor:
        cursor.executemany(
            """INSERT INTO hexagon_spans VALUES (%s, %s, %b)
            ON CONFLICT (zone, span) DO UPDATE SET packed = excluded.packed""",
            [(part >> ZONE_SHIFT, part & SPAN_BITS, value) for part, value in packed],
        )


def read_extents(connection: Connection, version: int) -> Extents:
    """Where each zone has facts, in a transaction that sees them all."""
    days = connection.execute("SELECT min(first_day), max(last_day) FROM tallies").fetchone()
    spans = longest_spans(*days) if days and days[0] else []
    cell = parent_sql("cell", EXTENT_RESOLUTION)
    pairs = [np.array(connection.execute(f"SELECT DISTINCT zone, {cell} FROM hexagon_days").fetchall(), dtype=np.int64)]
    packed = connection.execute(
        bound("SELECT zone, packed FROM hexagon_spans WHERE span = ANY($spans::INTEGER[])"),
        {"spans": spans},
        binary=True,
    )
    for zone, value in packed:
        cells = np.unique(parents(unpack([value])["cell"], EXTENT_RESOLUTION))
        pairs.append(np.column_stack([np.full(len(cells), zone), cells]))
    zones, cells = np.unique(np.vstack([pair.reshape(-1, 2) for pair in pairs]), axis=0).T
    return Extents(version, zones, cells)


def wrong_sums(connection: Connection) -> int:
    """How many sums by span and hexagon the daily counts do not make, or are missing."""
    zones = connection.execute(
        "SELECT zone FROM rollup UNION SELECT zone FROM hexagon_spans UNION SELECT zone FROM hexagon_days"
    ).fetchall()
    return sum(_wrong_sums_of(connection, {"zone": zone}) for (zone,) in zones)


def _wrong_sums_of(connection: Connection, values: dict[str, int]) -> int:
    counted = _at_every_level(_rows(connection, "rollup WHERE zone = $zone AND cell IS NOT NULL", values))
    since = _at_every_level(_rows(connection, "hexagon_days WHERE zone = $zone", values))
    packed = connection.execute(
        bound("SELECT zone, span, packed FROM hexagon_spans WHERE zone = $zone"), values, binary=True
    )
    kept = merged([since, *(as_table(zone << ZONE_SHIFT | span, value) for zone, span, value in packed)])
    if kept.equals(counted):
        return 0
    return len({*map(tuple, _listed(kept))} ^ {*map(tuple, _listed(counted))})


def _listed(sums: pa.Table) -> Iterable[tuple[object, ...]]:
    return zip(*(column.to_pylist() for column in sums.columns), strict=True)


def _at_every_level(rows: Columns) -> pa.Table:
    """Sums by part and cell of every level, each straight from the daily rows: slower than `summarise`, and plainer."""
    part = part_of(rows["zone"], rows["day"])
    figures = {
        name: pa.array(np.ma.getdata(rows[name]), mask=np.ma.getmaskarray(rows[name])) for name in (*COUNTS, *SUMS)
    }
    levels = []
    for _ in range(LEVELS):
        levels.append(pa.table({"part": part, "cell": parents(rows["cell"], SUMMARY_RESOLUTION), **figures}))
        part = coarser(part)
    return merged(levels)


def _rows(connection: Connection, source: str, values: dict[str, int]) -> Columns:
    """Rows like those of `rollup`, sorted by zone, day and cell, as `summarise` takes them."""
    names = ("cell", *COUNTS, *SUMS)
    packed = ", ".join(f"string_agg(int8send(coalesce({name}, -1)::BIGINT), '')" for name in names)
    row = connection.execute(
        bound(f"""SELECT string_agg(int8send(zone), ''), string_agg(int8send(day - DATE '1970-01-01'), ''), {packed}
            FROM (SELECT * FROM {source} ORDER BY zone, day, cell) AS ordered"""),
        values,
        binary=True,
    ).fetchone()
    columns = [np.frombuffer(column or b"", dtype=">i8").astype(np.int64) for column in row or ()]
    found: Columns = dict(zip(("zone", "day", *names), columns, strict=True))
    found["day"] = found["day"].astype("datetime64[D]")
    return found | {name: np.ma.masked_equal(found[name], -1) for name in SUMS}
