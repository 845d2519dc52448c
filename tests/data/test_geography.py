"""Where points are, who lives there, and which communes make up which territory."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import shapely

from data.cache import cache_folder, digest_of, store_file
from data.errors import QueryError
from data.geography import Geography, Places, geography, prepare, time_zone_of
from data.lists import CROSS, copy_lists
from data.query import TERRITORY_KINDS, Territory
from geo.cells import cover, parents, resolutions
from geo.errors import GeometryError
from geo.population import population_by_cell

TOTAL_POPULATION = 66_526_267


@pytest.fixture(scope="module")
def known() -> Geography:
    return geography()


def locate(known: Geography, *points: tuple[float, float]) -> Places:
    lng, lat = np.array(points, dtype=float).T
    return known.locate(lng, lat)


def codes(places: Places) -> list[tuple[str | None, str | None, str | None, str | None]]:
    columns = (places.communes, places.arrondissements, places.departements, places.countries)
    return list(zip(*(column.to_pylist() for column in columns), strict=True))


# ---- where a point is


@pytest.mark.parametrize(
    ("place", "lng", "lat", "expected"),
    [
        ("quai des Belges, Vieux-Port, Marseille", 5.3747, 43.2960, ("13055", "13201", "13", "FR")),
        ("place Bellecour, Lyon", 4.8322, 45.7578, ("69123", "69382", "69", "FR")),
        ("tour Eiffel, Paris", 2.2945, 48.8584, ("75056", "75107", "75", "FR")),
        ("Lille", 3.0635, 50.6366, ("59350", None, "59", "FR")),
        ("Ajaccio", 8.7370, 41.9220, ("2A004", None, "2A", "FR")),
        ("Pointe-à-Pitre", -61.5330, 16.2410, ("97120", None, "971", "FR")),
        ("Fort-de-France", -61.0680, 14.6160, ("97209", None, "972", "FR")),
        ("Cayenne", -52.3300, 4.9300, ("97302", None, "973", "FR")),
        ("Saint-Denis de La Réunion", 55.4500, -20.8900, ("97411", None, "974", "FR")),
        ("Mamoudzou", 45.2200, -12.7800, ("97611", None, "976", "FR")),
        ("Celles, drawn with Neussargues", 2.9590, 45.1150, ("15141", None, "15", "FR")),
        ("Papeete", -149.5600, -17.5400, (None, None, None, "PF")),
        ("Marigot, Saint-Martin", -63.0700, 18.0700, (None, None, None, "MF")),
        ("Antwerpen", 4.4000, 51.2200, (None, None, None, "BE")),
        ("Kehl, 2 km from Strasbourg", 7.8164, 48.5727, (None, None, None, "DE")),
        ("Genève", 6.1432, 46.2044, (None, None, None, "CH")),
        ("Irun", -1.7890, 43.3380, (None, None, None, "ES")),
        ("Monaco", 7.4246, 43.7384, (None, None, None, "MC")),
        ("Oiapoque, opposite Saint-Georges", -51.8300, 3.8400, (None, None, None, "BR")),
        ("Cartagena de Indias", -75.5100, 10.4000, (None, None, None, "CO")),
        ("Guayaquil", -79.9000, -2.1900, (None, None, None, "EC")),
        ("middle of the Atlantic", -30.0000, 40.0000, (None, None, None, None)),
        ("North Pole", 0.0, 90.0, (None, None, None, None)),
        ("0 ; 0", 0.0, 0.0, (None, None, None, None)),
    ],
)
def test_known_places(known: Geography, place: str, lng: float, lat: float, expected: tuple[str | None, ...]) -> None:
    assert codes(locate(known, (lng, lat))) == [expected], place


def test_points_without_coordinates(known: Geography) -> None:
    places = locate(known, (np.nan, np.nan), (5.3747, 43.2960), (2.0, np.nan))
    assert (places.cells == 0).tolist() == [True, False, True]
    assert resolutions(places.cells).tolist() == [-1, 10, -1]
    assert codes(places)[0] == codes(places)[2] == (None, None, None, None)
    empty = known.locate(np.empty(0), np.empty(0))
    assert len(empty.cells) == len(empty.communes) == len(empty.countries) == 0


def test_metres_are_refused(known: Geography) -> None:
    with pytest.raises(GeometryError):
        locate(known, (892_390.0, 6_247_035.0))


def test_columns_are_dictionaries(known: Geography) -> None:
    places = locate(known, (2.2945, 48.8584), (-30.0, 40.0))
    for column in (places.communes, places.arrondissements, places.departements, places.countries):
        assert column.type == pa.dictionary(pa.int32(), pa.string())
        assert column.to_pylist()[1] is None
    assert len(places.communes.dictionary) == 34_871
    assert len(places.departements.dictionary) == 101


@pytest.mark.parametrize("departement", ["13", "69", "75", "971", "2B"])
def test_equal_to_point_in_polygon(known: Geography, departement: str) -> None:
    """Random points of the département's box, and every tenth corner of a border, against an exact test."""
    units = known.units[known.units["departement"] == departement]
    shape = known.departements.set_index("code").geometry[departement]
    west, south, east, north = shape.bounds
    rng = np.random.default_rng(seed=13)
    lng, lat = rng.uniform(west, east, 3_000), rng.uniform(south, north, 3_000)
    corners = shapely.get_coordinates(units.geometry.to_numpy())[::10]
    lng, lat = np.append(lng, corners[:, 0]), np.append(lat, corners[:, 1])
    places = known.locate(lng, lat)
    everything = known.units
    point, unit = shapely.STRtree(everything.geometry.to_numpy()).query(shapely.points(lng, lat), "intersects")
    exact = pd.Series(unit).groupby(point).min()  # a corner belongs to the first of those it touches
    expected = np.full(len(lng), None, dtype=object)
    expected[exact.index] = everything["commune"].to_numpy(dtype=object)[exact]
    assert places.communes.to_pylist() == expected.tolist()
    assert (expected != None).mean() > 0.2  # noqa: E711 -- element by element


def test_label_point_of_every_commune_is_in_it(known: Geography) -> None:
    """All communes at once, through the table: the code found is the commune's own."""
    communes = known.communes.dropna(subset=["lng"])
    inside = shapely.contains_xy(communes.geometry.to_numpy(), communes["lng"], communes["lat"])
    assert inside.sum() > 34_800  # rounding to 1e-5 degree puts a few on the other side
    sure = communes[inside]
    places = known.locate(sure["lng"].to_numpy(), sure["lat"].to_numpy())
    assert places.communes.to_pylist() == sure["code"].to_list()
    assert places.departements.to_pylist() == sure["departement"].to_list()
    assert set(places.countries.to_pylist()) == {"FR"}


def test_arrondissements_belong_to_their_city(known: Geography) -> None:
    points = known.arrondissements.geometry.representative_point()
    places = known.locate(points.x.to_numpy(), points.y.to_numpy())
    assert places.arrondissements.to_pylist() == known.arrondissements["code"].to_list()
    assert places.communes.to_pylist() == known.arrondissements["commune"].to_list()


# ---- territories


@pytest.mark.parametrize(
    ("kind", "rows"),
    [("arrondissement", 45), ("commune", 34_875), ("epci", 1_253), ("departement", 101), ("region", 18), ("cross", 31),
     ("antenna", 16), ("urban_unit", 0), ("attraction_area", 0)],
)  # fmt: skip
def test_territories(known: Geography, kind: str, rows: int) -> None:
    table = known.territories(kind)  # type: ignore[arg-type]
    expected = ["code", "name", "population", "status", "assumed", "seat_lng", "seat_lat"]
    assert list(table.columns) == expected
    assert len(table) == rows
    assert table["code"].is_unique
    assert table["population"].dtype == np.float64
    table["population"] = 0.0
    assert not rows or known.territories(kind)["population"].sum() > 0  # type: ignore[arg-type]  # a copy was given


def test_populations(known: Geography) -> None:
    for kind in ("commune", "departement", "region"):
        assert known.territories(kind)["population"].sum() == TOTAL_POPULATION  # type: ignore[arg-type]
    cross = known.territories("cross").set_index("code")
    assert cross.loc["marseille", "population"] == 1_878_061
    assert np.isnan(cross.loc["mamoudzou", "population"])  # unknown is not zero
    antennas = known.territories("antenna").set_index("code")["population"]
    assert set(antennas.index[antennas.isna()]) == {"papeete", "saint-martin", "saint-denis"}
    assert known.epci.set_index("code").loc["200046977", "population"] == 1_385_927


def test_seats_and_status(known: Geography) -> None:
    cross = known.territories("cross")
    assert cross["status"].value_counts().to_dict() == {"operating": 28, "installing": 3}
    assert cross["assumed"].all()
    antennas = known.territories("antenna").set_index("code")
    assert antennas["seat_lng"].notna().all()
    papeete = antennas.loc["papeete"]
    assert (papeete["seat_lng"], papeete["seat_lat"]) == pytest.approx((-149.57, -17.54), abs=0.02)
    rhone = known.territories("departement").set_index("code").loc["69"]
    assert (rhone["seat_lng"], rhone["seat_lat"]) == pytest.approx((4.84, 45.76), abs=0.03)


def test_memberships(known: Geography) -> None:
    by_kind = {membership.kind: membership for membership in known.memberships()}
    assert list(by_kind) == [kind for kind in TERRITORY_KINDS if kind in by_kind]
    assert set(by_kind) == {"commune", "epci", "departement", "region", "cross", "antenna"}
    communes = set(known.communes["code"])
    for membership in by_kind.values():
        pairs = list(zip(membership.codes, membership.communes, strict=True))
        assert pairs == sorted(set(pairs))
        assert set(membership.communes) <= communes
    for kind in ("departement", "region", "antenna"):
        assert sorted(by_kind[kind].communes) == sorted(communes)  # each exactly once
    cross = by_kind["cross"]
    marseille = [commune for code, commune in zip(cross.codes, cross.communes, strict=True) if code == "marseille"]
    assert len(marseille) == 92
    assert {"13055", "13001"} <= set(marseille)


def test_names_and_perimeters(known: Geography) -> None:
    assert known.name(Territory("departement", "13")) == "Bouches-du-Rhône"
    assert known.name(Territory("arrondissement", "13201")) == "Marseille 1er Arrondissement"
    city = known.perimeter(Territory("commune", "13055"))
    metropolis = known.perimeter(Territory("cross", "marseille"))
    assert metropolis.is_valid
    assert metropolis.covers(city)
    assert metropolis.equals(known.perimeter(Territory("epci", "200054807")))
    assert known.perimeter(Territory("commune", "15031")).equals(known.perimeter(Territory("commune", "15141")))
    corsica = known.perimeter(Territory("antenna", "ajaccio"))
    assert shapely.area(shapely.symmetric_difference(corsica, known.perimeter(Territory("region", "94")))) < 1e-9


def test_perimeter_of_an_antenna_holds_its_collectivites(known: Geography) -> None:
    assert known.perimeter(Territory("antenna", "papeete")).covers(shapely.Point(-149.56, -17.54))
    assert known.perimeter(Territory("antenna", "saint-martin")).is_valid


@pytest.mark.parametrize("territory", [Territory("cross", "atlantide"), Territory("commune", "99999")])
def test_unknown_territory(known: Geography, territory: Territory) -> None:
    with pytest.raises(QueryError, match=f"Territoire inconnu .* « {territory.code} »"):
        known.perimeter(territory)
    with pytest.raises(QueryError, match="Territoire inconnu"):
        known.name(territory)


def test_unknown_kind(known: Geography) -> None:
    with pytest.raises(QueryError, match="n'est pas un type de territoire"):
        known.territories("canton")  # type: ignore[arg-type]


def test_an_edited_list_changes_territories(known: Geography, tmp_path: Path) -> None:
    copy_lists(tmp_path)
    path = tmp_path / CROSS
    text = path.read_text(encoding="utf-8-sig").replace(";200054807;", ";13055|13001;")
    path.write_text(text, encoding="utf-8")
    edited = Geography(tmp_path)
    cross = next(membership for membership in edited.memberships() if membership.kind == "cross")
    assert [c for code, c in zip(cross.codes, cross.communes, strict=True) if code == "marseille"] == ["13001", "13055"]
    marseille = Territory("cross", "marseille")
    assert edited.perimeter(marseille).area < known.perimeter(marseille).area


def test_merged_communes(known: Geography) -> None:
    assert known.commune_today["59248"] == "59183"
    assert len(known.commune_today) == 1_992
    assert set(known.commune_today.values()) <= set(known.communes["code"])
    assert not set(known.commune_today) & set(known.communes["code"])


# ---- who lives there


def test_hexagons_share_out_the_population(known: Geography) -> None:
    """Hexagons that cover a territory hold at least its people, and not many of the neighbours'."""
    covered = cover(known.perimeter(Territory("departement", "13")), 7)
    people = known.population_of(covered.cells)
    inhabitants = known.territories("departement").set_index("code").loc["13", "population"]
    assert not np.isnan(people).any()
    assert inhabitants * (1 - 1e-6) < people.sum() < 1.1 * inhabitants


def test_hexagons_hold_what_spreading_the_communes_gives(known: Geography) -> None:
    units = known.units[known.units["departement"] == "2A"]
    cells, people = population_by_cell(units.geometry.to_numpy(dtype=object), units["population"].astype(float), 6)
    inside = cells[known.population_of(cells) <= people + 1e-6]  # hexagons that only this département reaches
    assert len(inside) > 50
    expected = people[np.searchsorted(cells, inside)]
    np.testing.assert_allclose(known.population_of(inside), expected, rtol=1e-6, atol=1e-6)


def test_population_of_mayotte_is_unknown(known: Geography) -> None:
    mamoudzou = locate(known, (45.22, -12.78))
    assert np.isnan(known.population_of(parents(mamoudzou.cells, 6))).all()


def test_nobody_lives_at_sea(known: Geography) -> None:
    assert known.population_of(locate(known, (4.5, 42.5)).cells).tolist() == [0]


# ---- the rest


@pytest.mark.parametrize(
    ("departement", "zone"),
    [("13", "Europe/Paris"), ("2A", "Europe/Paris"), ("971", "America/Guadeloupe"), ("972", "America/Martinique"),
     ("973", "America/Cayenne"), ("974", "Indian/Reunion"), ("976", "Indian/Mayotte"), ("987", "Pacific/Tahiti"),
     ("975", "America/Miquelon"), ("988", "Pacific/Noumea")],
)  # fmt: skip
def test_time_zones(departement: str, zone: str) -> None:
    assert time_zone_of(departement) == zone


def test_prepare_reports_every_step() -> None:
    steps: list[tuple[int, int | None]] = []
    prepare(lambda done, total: steps.append((done, total)))
    assert steps == [(0, 1), (1, 1)]


# ---- the cache


def test_cache_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HEXACROSS_CACHE", str(tmp_path / "a"))
    assert cache_folder() == tmp_path / "a"
    monkeypatch.delenv("HEXACROSS_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "hexacross"
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert cache_folder() == Path.home() / ".cache" / "hexacross"


def test_files_appear_whole(tmp_path: Path) -> None:
    path = tmp_path / "new" / "file.txt"
    assert store_file(path, lambda target: target.write_text("whole") and None)
    assert path.read_text() == "whole"

    def stop_half_way(target: Path) -> None:
        target.write_text("ha")
        raise OSError(28, os.strerror(28))

    assert not store_file(path, stop_half_way)
    assert path.read_text() == "whole"
    assert list(path.parent.iterdir()) == [path]


def test_unwritable_cache_is_a_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "file").write_text("in the way")
    assert not store_file(tmp_path / "file" / "cached", lambda target: target.write_text("x") and None)
    assert "will be computed again" in caplog.text


def test_digest_follows_the_content(tmp_path: Path) -> None:
    first, second = tmp_path / "a", tmp_path / "b"
    first.write_text("x")
    second.write_text("y")
    assert digest_of([first, second]) != digest_of([second, first])
    second.write_text("x")
    assert digest_of([first]) == digest_of([second])
