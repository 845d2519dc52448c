"""A view's hexagons as a file for other tools, with its marking in the name and in the content."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np

from dashboard.context import Context, viewer_of
from dashboard.hexagon_table import hexagon_table
from dashboard.mapdata import perimeters, picture
from dashboard.settings import SettingsError
from dashboard.sources import markings_shown
from dashboard.tables import HexagonTable
from dashboard.view import View
from data.vocabulary import MARKINGS
from geo.cells import boundaries
from geo.errors import N_
from layers.hexagons import STATE_CODES

if TYPE_CHECKING:
    from layers.picture import PictureFormat

PICTURES: dict[str, PictureFormat] = {".png": "png", ".pdf": "pdf", ".svg": "svg"}
STATE_NAMES = {code: name for name, code in STATE_CODES.items()}


def export_view(context: Context, view: View, target: Path) -> Path:
    """Write the hexagons of a dated view; the suffix says the format. Returns the path, marking included.

    Raises SettingsError for an unknown suffix, StoreError, OSError.
    """
    markings = markings_shown(context.store.sources(viewer_of(context.settings)))
    path = target.with_name(f"{target.stem}{marking_suffix(markings)}{target.suffix}")
    if target.suffix.lower() in PICTURES:
        path.write_bytes(_picture(context, view, PICTURES[target.suffix.lower()]))
        return path
    write = WRITERS.get(target.suffix.lower())
    if write is None:
        raise SettingsError(
            N_("Format « {given} » inconnu. Formats : {known}."),
            given=target.suffix or target.name,
            known=", ".join([*WRITERS, *PICTURES]),
        )
    write(frame(hexagon_table(context, view), " ".join(markings) or "public"), path)
    return path


def marking_suffix(markings: tuple[str, ...]) -> str:
    """`Données de démonstration` → `-donnees-de-demonstration`; nothing for public data."""
    labels = "".join(f"-{MARKINGS[marking]}" for marking in markings)
    plain = unicodedata.normalize("NFD", labels).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain)


def frame(table: HexagonTable, marking: str) -> gpd.GeoDataFrame:
    """One row a hexagon; EPSG:4326. What is unknown or protected is empty, and `state` says which."""
    columns = {
        "hexagon": [f"{cell:x}" for cell in table.cells.tolist()],
        "state": [STATE_NAMES[int(state)] for state in table.states],
        table.measure.name: table.values,
        "low": table.low,
        "high": table.high,
        "population_estimate": table.population,
        "incidents": table.incidents,
        "controls": table.controls,
        "checked": table.checked,
        "positive": table.positive,
        "quantity_kg": table.kg,
        "value_eur": table.eur,
        "marking": np.full(table.cells.shape, marking),
    }
    return gpd.GeoDataFrame(columns, geometry=boundaries(table.cells), crs="EPSG:4326")


def _picture(context: Context, view: View, picture_format: PictureFormat) -> bytes:
    """The very answer that the page gets, drawn without a browser."""
    from layers.picture import draw_picture  # with matplotlib, which a page that draws none need not wait for

    described, level, columns = picture(context, view)
    outlines = [outline for outline in perimeters(context, view) if outline.kind in ("cross", "selected")]
    return draw_picture(
        described, level, columns, land=context.geography.departements, outlines=outlines, picture_format=picture_format
    )


def _write_csv(hexagons: gpd.GeoDataFrame, path: Path) -> None:
    hexagons.drop(columns="geometry").to_csv(path, sep=";", index=False)


def _write_parquet(hexagons: gpd.GeoDataFrame, path: Path) -> None:
    hexagons.to_parquet(path, index=False)


def _write_geopackage(hexagons: gpd.GeoDataFrame, path: Path) -> None:
    hexagons.to_file(path, layer="hexagones", driver="GPKG")


WRITERS: dict[str, Callable[[gpd.GeoDataFrame, Path], None]] = {
    ".csv": _write_csv,
    ".parquet": _write_parquet,
    ".gpkg": _write_geopackage,
}
