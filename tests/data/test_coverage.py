"""Coverage of France by the lists in use, against an overlay of exact polygons by geopandas."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from numpy.typing import NDArray

from data.geography import Geography, geography
from data.query import Territory
from geo.coverage import Perimeters, added_regions, regions, surfaces_km2

EQUAL_AREA = "EPSG:6933"  # a cylindrical projection of the ellipsoid, by PROJ and not by us
TOLERANCE = 1e-3


@pytest.fixture(scope="module")
def known() -> Geography:
    return geography()


@pytest.fixture(scope="module")
def measures(known: Geography) -> dict[str, NDArray[np.float64]]:
    """By commune: surface, nought for the few that are drawn inside another, and inhabitants."""
    surfaces = np.zeros(len(known.communes))
    drawn = known.communes.geometry.notna().to_numpy()
    surfaces[drawn] = surfaces_km2(known.communes.geometry[drawn].to_numpy(dtype=object))
    return {"km2": surfaces, "people": known.communes["population"].to_numpy(dtype=np.float64, na_value=np.nan)}


def perimeters_of(known: Geography, codes: list[str]) -> Perimeters:
    members = next(each for each in known.memberships() if each.kind == "cross")
    rows = pd.DataFrame({"code": members.codes, "commune": members.communes})
    rows = rows[rows["code"].isin(codes)]
    units = pd.Index(known.communes["code"].astype(str))
    return Perimeters(
        pd.Index(codes).get_indexer(rows["code"]), units.get_indexer(rows["commune"]), len(codes), len(units)
    )


@pytest.fixture(scope="module")
def overlay(known: Geography) -> pd.DataFrame:
    """Each piece of a commune inside a CROSS: `cross`, `km2`, and inhabitants by area."""
    communes = known.communes[["code", "population", "geometry"]].dropna(subset="geometry").to_crs(EQUAL_AREA)
    communes["people_km2"] = communes["population"].astype(float) / (communes.area / 1e6)
    shapes = [known.perimeter(Territory("cross", row.code)) for row in known.lists.cross]
    cross = gpd.GeoDataFrame({"cross": [row.code for row in known.lists.cross]}, geometry=shapes, crs=4326)
    pieces = gpd.overlay(communes, cross.to_crs(EQUAL_AREA), how="intersection", keep_geom_type=True)
    return pd.DataFrame({
        "cross": pieces["cross"], "km2": pieces.area / 1e6, "people": pieces["people_km2"] * pieces.area / 1e6
    })  # fmt: skip


@pytest.mark.parametrize("measure", ["km2", "people"])
def test_coverage_is_that_of_an_overlay(
    known: Geography, measures: dict[str, NDArray[np.float64]], overlay: pd.DataFrame, measure: str
) -> None:
    codes = [row.code for row in known.lists.cross]
    tally = perimeters_of(known, codes).tally(measures[measure])
    exact = overlay.groupby("cross")[measure].sum(min_count=1).reindex(codes)
    assert tally.own == pytest.approx(exact.to_numpy(), rel=TOLERANCE, nan_ok=True)
    assert np.isnan(tally.own).tolist() == [measure == "people" and code == "mamoudzou" for code in codes]
    assert tally.covered == pytest.approx(exact.sum(), rel=TOLERANCE)
    assert tally.covered + tally.uncovered == pytest.approx(tally.total, rel=1e-12)
    assert tally.overlapped == 0  # the packaged perimeters do not
    assert 0.25 < tally.covered_share < 0.6 if measure == "people" else tally.covered_share < 0.05


def test_what_comes_adds_is_that_of_an_overlay(
    known: Geography, measures: dict[str, NDArray[np.float64]], overlay: pd.DataFrame
) -> None:
    there, coming = (
        [row.code for row in known.lists.cross if row.status == status] for status in ("operating", "installing")
    )
    assert (len(there), len(coming)) == (28, 3)
    added = perimeters_of(known, coming).added_to(perimeters_of(known, there), measures["km2"])
    exact = overlay.groupby("cross")["km2"].sum()[coming]
    assert added.each == pytest.approx(exact.to_numpy(), rel=TOLERANCE)
    assert added.together == pytest.approx(exact.sum(), rel=TOLERANCE)
    shapes = [[known.perimeter(Territory("cross", code)) for code in codes] for codes in (there, coming)]
    assert surfaces_km2(added_regions(*shapes)) == pytest.approx(exact.to_numpy(), rel=TOLERANCE)


def test_antennas_are_a_partition_of_france(known: Geography) -> None:
    """Their outlines, and not only their lists: no square metre twice, none left, overseas included."""
    collectivites = known.countries[known.countries["iso_a2"].isin(known.collectivites["country"])]
    pieces = [*known.departements.geometry, *collectivites.geometry]
    shapes = [known.perimeter(Territory("antenna", row.code)) for row in known.lists.antennas]
    found = regions(shapes, shapely.union_all(pieces))
    assert len(shapes) == 16
    assert len(pieces) == 107
    assert surfaces_km2([found.overlapped, found.uncovered]) == pytest.approx([0, 0], abs=1e-6)
    beyond = shapely.difference(found.covered, shapely.union_all(pieces))
    assert surfaces_km2([beyond])[0] == pytest.approx(0, abs=1e-6)
    assert surfaces_km2(shapes).sum() == pytest.approx(surfaces_km2(pieces).sum(), rel=1e-9)


def test_a_departement_given_twice_or_to_nobody_shows(known: Geography) -> None:
    departements = known.departements.set_index("code").geometry
    whole = shapely.union_all(departements.to_numpy())
    shapes = [known.perimeter(Territory("antenna", row.code)) for row in known.lists.antennas]
    twice = regions([*shapes, departements["13"]], whole)
    assert surfaces_km2([twice.overlapped]) == pytest.approx(surfaces_km2([departements["13"]]))
    without = [shapely.difference(shape, departements["2A"]) for shape in shapes]
    assert surfaces_km2([regions(without, whole).uncovered]) == pytest.approx(surfaces_km2([departements["2A"]]))
