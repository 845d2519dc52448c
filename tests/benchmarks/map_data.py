"""Invented facts that show exactly so many hexagons in one view, for our store and for the peers' programs."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import h3.api.numpy_int as h3
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import shapely
from numpy.typing import NDArray

from data.geography import geography
from data.ingest import load_file
from data.opening import open_store
from data.query import Territory
from geo.cells import centres, cover
from layers.colours import sequential

# Départements that fill the map at a zoom that has hexagons so fine: Creuse, but for 10,000 the larger Yonne.
CREUSE, YONNE = Territory("departement", "23"), Territory("departement", "89")
VIEWS = {1_000: (CREUSE, 7), 10_000: (YONNE, 8), 50_000: (CREUSE, 9)}  # hexagons → territory, resolution
DRUGS = ("cannabis_resin", "cocaine")
CLASSES = 6
FIRST_DAY, DAYS = date(2026, 3, 1), 28
LAST_DAY = FIRST_DAY + timedelta(days=DAYS - 1)
SEED = 4


@dataclass(frozen=True, slots=True)
class Hexagons:
    """So many hexagons of one resolution around the middle of the region, each with a weight of each drug, in kg."""

    cells: NDArray[np.int64]
    kg: NDArray[np.float64]  # shape (hexagons, drugs)

    @property
    def names(self) -> list[str]:
        return [f"{cell:x}" for cell in self.cells.tolist()]


def hexagons_in_sight(number: int) -> Hexagons:
    """The `number` hexagons of the territory nearest to its middle; weights as uneven as seizures are."""
    territory, resolution = VIEWS[number]
    perimeter = geography().perimeter(territory)
    touching = np.sort(cover(perimeter, resolution).cells)
    lng, lat = facts_at(touching)
    inside = shapely.contains_xy(perimeter, lng, lat)
    middle = perimeter.centroid
    away = np.hypot((lng - middle.x) * np.cos(np.radians(middle.y)), lat - middle.y)
    nearest = np.argsort(np.where(inside, away, np.inf), kind="stable")[:number]
    assert inside[nearest].all(), f"{territory} has {inside.sum()} hexagons"
    random = np.random.default_rng(SEED)
    return Hexagons(np.sort(touching[nearest]), np.round(random.lognormal(0, 1.5, (number, len(DRUGS))) + 0.01, 2))


def facts_at(cells: NDArray[np.int64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """A place in the middle of each cell (lng, lat): a fact there is in the cell, at whatever resolution one counts."""
    middles = np.array([h3.cell_to_center_child(cell, 10) for cell in cells.astype(np.uint64)], dtype=np.int64)
    lng, lat = centres(middles)
    return np.round(lng, 6), np.round(lat, 6)


def fill_store(hexagons: Hexagons, folder: Path) -> Path:
    """A DuckDB file whose view of the territory, in kg, has these hexagons and no other."""
    table, store_file = folder / "facts.csv", folder / "hexagons.duckdb"
    _write_facts(hexagons, table)
    store = open_store(str(store_file))
    try:
        store.set_memberships(geography().memberships())
        ledger = load_file(store, table)
        assert ledger.accepted == hexagons.kg.size, ledger
    finally:
        store.close()
    return store_file


def _write_facts(hexagons: Hexagons, path: Path) -> None:
    lng, lat = facts_at(hexagons.cells)
    days = np.random.default_rng(SEED).integers(0, DAYS, hexagons.kg.shape)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["source", "source_event_id", "family", "kind", "occurred_at", "longitude", "latitude",
                         "place_precision", "drug", "quantity_kg"])  # fmt: skip
        for row, column in np.ndindex(hexagons.kg.shape):
            day = FIRST_DAY + timedelta(days=int(days[row, column]))
            writer.writerow(["essai", f"{row}-{column}", "incident", "seizure", f"{day}T12:00", lng[row], lat[row],
                             "point", DRUGS[column], hexagons.kg[row, column]])  # fmt: skip


def our_address(number: int, turn: int, drug: str = "") -> str:
    """The view's address: with another `turn` the same hexagons, but an answer that the server has not yet made."""
    territory, resolution = VIEWS[number]
    start = FIRST_DAY - timedelta(days=1 + turn)
    params = {
        "territoire": f"{territory.kind}:{territory.code}",
        "du": start.isoformat(),
        "au": LAST_DAY.isoformat(),
        "produit": drug,
        "mesure": "kg",
        "resolution": str(resolution),
    }
    return "/?" + "&".join(f"{name}={value}" for name, value in params.items() if value)


def write_for_peers(hexagons: Hexagons, territory: Territory, folder: Path) -> None:
    """What the peers' programs read: the same hexagons and weights, our colours, where to look."""
    columns = {"hexagon": hexagons.names} | {drug: hexagons.kg[:, at] for at, drug in enumerate(DRUGS)}
    pq.write_table(pa.table(columns), folder / "hexagons.parquet")
    west, south, east, north = geography().perimeter(territory).bounds
    view = {"bounds": [[south, west], [north, east]], "colours": list(sequential(CLASSES))}
    (folder / "view.json").write_text(json.dumps(view), encoding="utf-8")
