"""Countries from Natural Earth (npm world-atlas), airports from airportsdata, ports from the World Port Index."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import airportsdata
import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
import shapely.affinity
from babel import Locale
from numpy.typing import NDArray

from data.countries import CountryNames, country_names
from data.errors import ReferenceListError
from geo.errors import N_

GRID_DEGREES = 2.0**-12  # about 27 m: the 1:50 million boundaries are far coarser
SMALL_DEGREES2 = 0.2  # about 2,000 km² on the equator
# Without an ISO number in the source: drawn with the country that ISO 3166 and France count them in.
WITHOUT_NUMBER = {
    "Kosovo": "XK",
    "Somaliland": "SO",
    "N. Cyprus": "CY",
    "Indian Ocean Ter.": "AU",  # Christmas and the Cocos Islands
}
# … and disputed or leased spots that belong to none, left out.
OF_NO_COUNTRY = frozenset(
    {"Akrotiri", "Baikonur", "Bajo Nuevo Bank", "Clipperton I.", "Coral Sea Is.", "Cyprus U.N. Buffer Zone", "Dhekelia"}
    | {"Scarborough Reef", "Serranilla Bank", "Siachen Glacier", "Spratly Is.", "USNB Guantanamo Bay"}
)
# Parts of France that ISO codes apart from FR, by boxes (west, south, east, north) around them.
OVERSEAS_BOXES = {
    "GP": (-62.0, 15.7, -60.9, 16.7),
    "MQ": (-61.4, 14.2, -60.6, 15.0),
    "GF": (-55.0, 2.0, -51.0, 6.5),
    "RE": (55.0, -21.6, 56.0, -20.6),
    "YT": (44.8, -13.2, 45.5, -12.4),
}
# Written in the World Port Index so that no table of names has them.
PORT_COUNTRIES = {"Johnson Atoll": "UM", "Midway Islands": "UM", "Wake Island": "UM"}


def arc_points(topology: dict[str, Any]) -> list[NDArray[np.float64]]:
    """The arcs of a quantised TopoJSON in degrees: each point is stored as the step from the one before."""
    scale, origin = np.array(topology["transform"]["scale"]), np.array(topology["transform"]["translate"])
    return [np.cumsum(np.array(arc), axis=0) * scale + origin for arc in topology["arcs"]]


def ring(arcs: list[NDArray[np.float64]], indices: list[int]) -> NDArray[np.float64]:
    """Arcs joined end to end; `~i` is arc i walked backwards; the joint is kept once."""
    parts = [arcs[i] if i >= 0 else arcs[~i][::-1] for i in indices]
    return np.concatenate([parts[0], *(part[1:] for part in parts[1:])])


def unwrap(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """A ring of the sphere as a ring of the plane: no jump at the 180th meridian, so longitudes may pass ±180.

    The source joins rings over that meridian; one that goes all the way round (Antarctica) is closed at its pole.
    """
    lng = np.unwrap(points[:, 0], period=360)
    ring = np.column_stack([lng, points[:, 1]])
    turns = lng[-1] - lng[0]
    if abs(turns) < 180:
        return ring
    pole = np.copysign(90, points[:, 1].mean())
    return np.vstack([ring, [lng[-1], pole], [lng[0], pole], ring[:1]])


def cut_at_180(polygon: shapely.Polygon) -> list[shapely.Polygon]:
    """The same land between -180 and 180."""
    pieces = []
    for turn in (-360, 0, 360):
        inside = shapely.intersection(polygon, shapely.box(-180 + turn, -90, 180 + turn, 90))
        pieces.append(shapely.affinity.translate(inside, xoff=-turn))
    return [part for part in shapely.get_parts(pieces) if isinstance(part, shapely.Polygon) and not part.is_empty]


def polygons(geometry: dict[str, Any], arcs: list[NDArray[np.float64]]) -> list[shapely.Polygon]:
    """The polygons of one TopoJSON object, valid, on the grid. Slivers that the grid swallows are dropped."""
    shapes = geometry["arcs"] if geometry["type"] == "MultiPolygon" else [geometry["arcs"]]
    rings = ([unwrap(ring(arcs, indices)) for indices in shape] for shape in shapes)
    sound = ([points for points in shape if len(points) > 3] for shape in rings)  # quantising leaves rings of a line
    raw = [shapely.Polygon(shell, holes) for shell, *holes in filter(None, sound)]
    pieces = [piece for part in shapely.get_parts(shapely.make_valid(raw)) for piece in cut_at_180(part)]
    fixed = shapely.set_precision(pieces, GRID_DEGREES)
    return [part for part in shapely.get_parts(fixed) if isinstance(part, shapely.Polygon) and not part.is_empty]


def code_of(geometry: dict[str, Any], names: CountryNames) -> str | None:
    if "id" in geometry:
        return names.iso2_of_number(int(geometry["id"]))
    name = geometry["properties"]["name"]
    if name not in WITHOUT_NUMBER and name not in OF_NO_COUNTRY:
        raise ReferenceListError(N_("Pays sans code dans la source : « {given} »."), given=name)
    return WITHOUT_NUMBER.get(name)


def overseas_code(part: shapely.Polygon) -> str:
    """ISO code of one polygon of France: that of the overseas box it lies in, otherwise FR."""
    return next((code for code, box in OVERSEAS_BOXES.items() if shapely.box(*box).covers(part)), "FR")


def parts_by_code(path: Path, names: CountryNames) -> dict[str, list[shapely.Polygon]]:
    """The polygons of one scale of world-atlas by country; the overseas départements apart from France."""
    topology = json.loads(path.read_text(encoding="utf-8"))
    arcs = arc_points(topology)
    parts: dict[str, list[shapely.Polygon]] = {}
    for geometry in topology["objects"]["countries"]["geometries"]:
        code = code_of(geometry, names)
        for part in polygons(geometry, arcs) if code else ():
            parts.setdefault(overseas_code(part) if code == "FR" else str(code), []).append(part)
    return parts


def countries(world_atlas: Path, names: CountryNames) -> gpd.GeoDataFrame:
    """iso_a2, part_of (FR for the five overseas départements, else null), names, label point, geometry.

    From 1:50 million; the smallest, that this scale distorts or leaves out (Monaco, Gibraltar), from 1:10 million.
    """
    parts = parts_by_code(world_atlas / "countries-50m.json", names)
    for code, finer in parts_by_code(world_atlas / "countries-10m.json", names).items():
        if sum(part.area for part in finer) < SMALL_DEGREES2:
            parts[code] = finer
    codes = sorted(parts)
    largest = [max(parts[code], key=lambda part: part.area) for code in codes]
    labels = [shapely.maximum_inscribed_circle(part, tolerance=0.01).coords[0] for part in largest]
    french, english = Locale("fr").territories, Locale("en").territories
    columns = {
        "iso_a2": codes,
        "part_of": ["FR" if code in OVERSEAS_BOXES else None for code in codes],
        "name_fr": [french[code] for code in codes],
        "name_en": [english[code] for code in codes],
        "lng": np.round([point[0] for point in labels], 4),
        "lat": np.round([point[1] for point in labels], 4),
    }
    shapes = [shapely.union_all(parts[code], grid_size=GRID_DEGREES) for code in codes]
    return gpd.GeoDataFrame(pd.DataFrame(columns), geometry=shapes, crs="EPSG:4326")


def points(columns: dict[str, Any], lng: Any, lat: Any) -> gpd.GeoDataFrame:
    lng, lat = np.round(np.asarray(lng, dtype=float), 5), np.round(np.asarray(lat, dtype=float), 5)
    frame = pd.DataFrame({**columns, "lng": lng, "lat": lat})
    return gpd.GeoDataFrame(frame, geometry=shapely.points(lng, lat), crs="EPSG:4326")


def airports() -> gpd.GeoDataFrame:
    """Airports with an IATA code: those a passenger or a parcel can be sent to."""
    rows = pd.DataFrame(list(airportsdata.load("IATA").values())).sort_values("iata").reset_index(drop=True)
    columns = {name: rows[name].replace("", None) for name in ("iata", "icao", "name", "city", "country")}
    return points(columns, rows["lon"], rows["lat"])


def ports(path: Path, names: CountryNames) -> gpd.GeoDataFrame:
    """Ports of the World Port Index; blanks are null, and a code repeated in the source is kept once."""
    rows = pd.read_csv(path, encoding="utf-8-sig", dtype="str", keep_default_na=False).drop_duplicates(
        "World Port Index Number"
    )
    text = rows.apply(lambda column: column.str.strip().replace("", None))
    codes = {name: PORT_COUNTRIES.get(name) or names.iso2(name) for name in text["Country Code"].unique()}
    lost = sorted(name for name, code in codes.items() if code is None)
    if lost:
        raise ReferenceListError(N_("Pays de ports sans code ISO : {given}."), given=", ".join(lost))
    columns = {
        "number": text["World Port Index Number"].str.removesuffix(".0"),  # some are 9510.5: no integers
        "name": text["Main Port Name"],
        "country": text["Country Code"].map(codes),
        "unlocode": text["UN/LOCODE"].str.replace(" ", ""),
        "size": text["Harbor Size"],
    }
    order = pd.to_numeric(text["World Port Index Number"]).argsort()
    frame = points(columns, pd.to_numeric(text["Longitude"]), pd.to_numeric(text["Latitude"]))
    return gpd.GeoDataFrame(frame.iloc[order].reset_index(drop=True))


def build_world(world_atlas: Path, port_index: Path) -> dict[str, pd.DataFrame]:
    """Every frame of the world, by file name."""
    names = country_names()
    return {"countries": countries(world_atlas, names), "airports": airports(), "ports": ports(port_index, names)}
