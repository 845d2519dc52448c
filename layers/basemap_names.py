"""The names of the basemap: what is named, where, from which zoom on, and which one wins where there is no room."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from layers.basemap_lines import mercator

COLUMNS = ("kind", "name", "x", "y", "importance", "zoom", "english")

# From a zoom on, towns with at least so many inhabitants are named; seats of départements one zoom earlier.
TOWN_ZOOMS = ((5, 400_000), (6, 150_000), (7, 60_000), (8, 25_000), (9, 10_000), (10, 4_000), (11, 2_000))
ALL_TOWNS_ZOOM = 11.5
CITY_POPULATION = 200_000
REGION_ZOOM, DEPARTEMENT_ZOOM, ARRONDISSEMENT_ZOOM = 6.5, 8, 12
REGION_IMPORTANCE = 300_000  # inhabitants of the towns a région's name gives way to
DEPARTEMENT_IMPORTANCE = 40_000
ARRONDISSEMENT_IMPORTANCE = 10_000
COUNTRY_IMPORTANCE = 1e9
COUNTRY_EXTENT = 6  # square degrees at the equator that a country needs to be named at zoom 5; a quarter a zoom later


def names(
    communes: gpd.GeoDataFrame,
    arrondissements: gpd.GeoDataFrame,
    departements: gpd.GeoDataFrame,
    regions: gpd.GeoDataFrame,
    countries: gpd.GeoDataFrame,
) -> pd.DataFrame:
    """One row for each name, the most important first.

    Columns: kind (country, region, departement, city, seat, town); name; x, y in Web Mercator from 0 to 1; importance,
    comparable between kinds; zoom of the map from which on it is written; english, if that differs from `name`, or "".
    """
    quarters = arrondissements.assign(
        name=arrondissements["name"].astype("str").str.extract(r"(\d+er?) Arrondissement")[0] + " arr."
    )
    parts = [
        _towns(communes, departements),
        _countries(countries),
        _areas("region", regions, REGION_ZOOM, REGION_IMPORTANCE),
        _areas("departement", departements, DEPARTEMENT_ZOOM, DEPARTEMENT_IMPORTANCE),
        _areas("town", quarters, ARRONDISSEMENT_ZOOM, ARRONDISSEMENT_IMPORTANCE),
    ]
    table = pd.concat(parts, ignore_index=True)
    at = mercator(table[["lng", "lat"]].to_numpy(dtype=np.float64))
    table["x"], table["y"] = at[:, 0], at[:, 1]
    return table.sort_values(["importance", "name"], ascending=[False, True])[list(COLUMNS)].reset_index(drop=True)


def _towns(communes: gpd.GeoDataFrame, departements: gpd.GeoDataFrame) -> pd.DataFrame:
    people = communes["population"].fillna(0).to_numpy(dtype=np.float64)
    seat = communes["code"].isin(departements["prefecture"]).to_numpy()
    zoom = np.full(len(people), ALL_TOWNS_ZOOM)
    for step, least in reversed(TOWN_ZOOMS):
        zoom[people >= least] = step
    zoom[seat] = np.maximum(zoom[seat] - 1, TOWN_ZOOMS[0][0] - 1)
    kind = np.where(people >= CITY_POPULATION, "city", np.where(seat, "seat", "town"))
    return pd.DataFrame(
        {
            "kind": kind,
            "name": communes["name"].to_numpy(),
            "lng": communes["lng"].to_numpy(),
            "lat": communes["lat"].to_numpy(),
            "importance": people,
            "zoom": zoom,
            "english": "",
        }
    )


def _countries(countries: gpd.GeoDataFrame) -> pd.DataFrame:
    """Countries other than France, whose name nobody needs here."""
    lands = countries[~is_french(countries)]
    extent = shapely.area(lands.geometry.to_numpy()) * np.cos(np.radians(lands["lat"].to_numpy(dtype=np.float64)))
    english = lands["name_en"].where(lands["name_en"] != lands["name_fr"], "")
    return pd.DataFrame(
        {
            "kind": "country",
            "name": lands["name_fr"].to_numpy(),
            "lng": lands["lng"].to_numpy(),
            "lat": lands["lat"].to_numpy(),
            "importance": COUNTRY_IMPORTANCE + extent,
            "zoom": 5 + np.log2(COUNTRY_EXTENT / np.maximum(extent, 1e-9)) / 2,
            "english": english.to_numpy(),
        }
    )


def _areas(kind: str, frame: gpd.GeoDataFrame, zoom: float, importance: float) -> pd.DataFrame:
    """Areas named in their midst: those of one kind compete by their number of inhabitants."""
    inside = frame.geometry.representative_point()
    people = frame["population"].fillna(0).to_numpy(dtype=np.float64)
    return pd.DataFrame(
        {
            "kind": kind,
            "name": frame["name"].to_numpy(),
            "lng": inside.x.to_numpy(),
            "lat": inside.y.to_numpy(),
            "importance": importance + people / 1e6,
            "zoom": float(zoom),
            "english": "",
        }
    )


def is_french(countries: gpd.GeoDataFrame) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Rows that the départements draw better: France and its overseas départements."""
    french = (countries["iso_a2"] == "FR") | (countries["part_of"] == "FR")
    return np.asarray(french.fillna(value=False), dtype=np.bool_)
