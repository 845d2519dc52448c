"""Coverage as the page has it: against an overlay of exact polygons, over dates and overlaps, for a small store."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import quote

import geopandas as gpd
import numpy as np
import pytest
import shapely
from pyproj import Geod
from starlette.applications import Starlette
from starlette.testclient import TestClient

from dashboard.antenna_figures import departements, loads
from dashboard.cache import ByteCache
from dashboard.context import Context
from dashboard.coverage_figures import (
    LAYERS,
    Coverage,
    coverage,
    incidents_by_commune,
    overlaps,
    uncovered_places,
    units_of,
)
from dashboard.coverage_map import COARSEST, FINEST
from dashboard.coverage_tables import (
    additions_sentence,
    antenna_frame,
    coverage_notes,
    cross_frame,
    ledger_frame,
    ledger_html,
    moved_sentence,
    overlap_sentence,
    published_frame,
    standing_sentence,
)
from dashboard.lists_state import lists_state
from dashboard.recall import Reading
from dashboard.routes import routes
from dashboard.settings import Settings
from dashboard.view import View
from data.geography import Geography, geography
from data.ingest import load_file
from data.jurisdictions import antenna_of, proposed
from data.lists import CROSS, ListsError, copy_lists
from data.opening import open_store
from data.query import Territory, Viewer
from data.store import Store
from layers.hexagons import STATE_CODES, ZOOMS, decode

TODAY = date(2026, 11, 23)
EQUAL_AREA = "EPSG:6933"  # of the ellipsoid, by PROJ and not by us
WITHIN = 1e-3
OPERATING, UNDATED, INSTALLING, UNCOVERED = range(len(LAYERS) + 1)
FACTS = (  # place, longitude, latitude, incidents, controls
    ("Marseille", 5.3698, 43.2965, 6, 0),
    ("Aix-en-Provence", 5.4474, 43.5297, 2, 1),
    ("Perpignan", 2.8956, 42.6986, 5, 2),
    ("Reims", 4.0317, 49.2583, 3, 0),
    ("Limoges", 1.2611, 45.8336, 1, 4),
)
HEADER = (
    "source;source_event_id;family;kind;occurred_at;longitude;latitude;place_precision;checked;positive;departement"
)
VIEW = View(start=date(2026, 3, 1), stop=date(2026, 4, 1))
ADDRESS = "du=2026-03-01&au=2026-03-31"
NATIONAL = Viewer("essai")


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """Incidents and controls at five places in March 2026, and one incident known to the département only."""
    folder = tmp_path_factory.mktemp("coverage")
    lines = [HEADER, "essai;d;incident;seizure;2026-03-05;;;departement;;;13"]
    for place, lng, lat, incidents, controls in FACTS:
        lines += [f"essai;{place}{n};incident;seizure;2026-03-02;{lng};{lat};point;;;" for n in range(incidents)]
        lines += [f"essai;{place}c{n};control;road_check;2026-03-02;{lng};{lat};point;9;1;" for n in range(controls)]
    (folder / "a.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    store = open_store(str(folder / "coverage.duckdb"))
    store.set_memberships(geography().memberships())
    load_file(store, folder / "a.csv")
    yield store
    store.close()


def held_with(store: Store, known: Geography | None = None, threshold: int = 0) -> Context:
    return Context(Settings(threshold=threshold), store, known or geography(), ByteCache(2**20))


@pytest.fixture(scope="module")
def held(store: Store) -> Context:
    return held_with(store)


@pytest.fixture
def client(held: Context) -> TestClient:
    return TestClient(Starlette(routes=routes(held)))


def found_in(held: Context, viewer: Viewer = NATIONAL, **changed: Any) -> Coverage:
    return coverage(held, viewer, replace(VIEW, **changed), TODAY, Reading(held.recall))


def edited(folder: Path, before: str, after: str) -> Geography:
    """The packaged lists with one thing changed in that of the CROSS."""
    copy_lists(folder)
    path = folder / CROSS
    text = path.read_text(encoding="utf-8-sig")
    assert before in text
    path.write_text(text.replace(before, after, 1), encoding="utf-8")
    return Geography(folder)


# ---- against exact polygons


def exact(known: Geography, codes: list[str]) -> dict[str, float]:
    """What these perimeters hold together, by geopandas: their union cut out of the communes, points inside."""
    shapes = gpd.GeoSeries([known.perimeter(Territory("cross", code)) for code in codes], crs=4326)
    together = gpd.GeoDataFrame(geometry=[shapely.union_all(shapes.to_numpy())], crs=4326)
    communes = known.communes[["population", "geometry"]].dropna(subset="geometry")
    near = communes.iloc[communes.sindex.query(together.geometry.iloc[0], predicate="intersects")].to_crs(EQUAL_AREA)
    near["density"] = near["population"].astype(float) / near.area
    pieces = gpd.overlay(near, together.to_crs(EQUAL_AREA), how="intersection", keep_geom_type=True)
    points = gpd.GeoSeries.from_xy([row[1] for row in FACTS], [row[2] for row in FACTS], crs=4326)
    inside = points.within(together.geometry.iloc[0]).to_numpy()
    return {
        "km2": pieces.area.sum() / 1e6,
        "population": float((pieces["density"] * pieces.area).sum()),
        "incidents": float(sum(row[3] for row, here in zip(FACTS, inside, strict=True) if here)),
    }


def test_the_ledger_is_that_of_an_overlay(held: Context) -> None:
    found, known = found_in(held), held.geography
    by_status = {layer: [code for code, status in found.standings.items() if status == layer] for layer in LAYERS}
    there, coming = (exact(known, by_status[layer]) for layer in ("operating", "installing"))
    whole = known.communes.dropna(subset="geometry").to_crs(EQUAL_AREA)
    total = {
        "km2": whole.area.sum() / 1e6,
        "population": float(known.communes["population"].sum()),
        "incidents": float(sum(row[3] for row in FACTS)),
    }
    for name in total:
        part = found.ledger[name]
        assert part.total == pytest.approx(total[name], rel=WITHIN), name
        assert part.amounts[OPERATING] == pytest.approx(there[name], rel=WITHIN), name
        assert part.amounts[UNDATED] == 0
        assert part.amounts[INSTALLING] == pytest.approx(coming[name], rel=WITHIN), name
        rest = total[name] - there[name] - coming[name]
        assert part.amounts[UNCOVERED] == pytest.approx(rest, rel=WITHIN), name
        assert part.shares.sum() == pytest.approx(1)
    assert found.without_commune == 1


def test_hexagons_are_counted_where_most_of_their_land_lies(held: Context) -> None:
    part = found_in(held).ledger["hexagons"]
    assert part.amounts.sum() == part.total
    mean_km2 = found_in(held).ledger["km2"].total / part.total
    assert part.amounts[OPERATING] * mean_km2 == pytest.approx(
        found_in(held).ledger["km2"].amounts[OPERATING], rel=0.05
    )


# ---- dates, overlaps, what is unknown


def test_a_date_leaves_out_who_was_not_there_and_doubts_who_has_none(held: Context) -> None:
    before = found_in(held, as_of=date(2017, 6, 1))
    assert {code for code, status in before.standings.items() if status == "operating"} == {"marseille"}
    assert before.standings["lille"] == before.standings["reims"] == "absent"
    assert before.ledger["incidents"].amounts.tolist() == [8, 0, 0, 9]
    assert "reims" not in {cross.code for cross in before.present}
    assert "26 dont la date" in standing_sentence(before)
    assert "hx-undated" in ledger_html(before)
    assert "hx-undated" not in ledger_html(found_in(held))
    assert found_in(held, as_of=date(2100, 1, 1)).day == TODAY


def test_overlaps_are_told_and_counted_once(store: Store, tmp_path: Path) -> None:
    known = edited(tmp_path, ";200093201;", ";200093201|13055;")  # Lille holds Marseille too
    found = found_in(held_with(store, known))
    plain = found_in(held_with(store))
    assert found.ledger["population"].amounts == pytest.approx(plain.ledger["population"].amounts)
    assert found.ledger["hexagons"].amounts == pytest.approx(plain.ledger["hexagons"].amounts)
    marseille = float(units_of(known).population[units_of(known).codes == "13055"][0])
    assert overlaps(found) == [("Marseille", "Lille", marseille)]
    assert found.tallies["population"].overlapped == marseille
    assert "Marseille et Lille" in overlap_sentence(found)
    assert overlaps(plain) == []


def test_a_perimeter_without_a_date_or_a_hostile_name_stays_on_the_screen(store: Store, tmp_path: Path) -> None:
    known = edited(
        tmp_path, "marseille;Marseille;13055;200054807;operating;2015", 'marseille;"<i>;";13055;13055;installing;'
    )
    found = found_in(held_with(store, known))
    assert found.standings["marseille"] == "installing"
    assert found.ledger["incidents"].amounts[INSTALLING] == 9  # of Marseille, and of Reims
    assert "<i>;" not in ledger_html(found)
    assert "<i>; : " in additions_sentence(found)  # text, which the page escapes
    assert cross_frame(found).shape[0] == 31


def test_protected_counts_are_unknown_and_said(store: Store) -> None:
    held = held_with(store, threshold=5)
    found = found_in(held, Viewer("essai", threshold=5))
    assert found.tallies["incidents"].unknown == 4  # of Aix, Reims, Limoges, and Perpignan's five beside two controls
    assert found.ledger["incidents"].amounts[OPERATING] == 5  # Marseille's 6, rounded
    assert any("4 communes dont les incidents" in note for note in coverage_notes(found))


def test_who_sees_one_territory_knows_nothing_of_the_others(held: Context) -> None:
    viewer = Viewer("essai", territories=frozenset({Territory("departement", "13")}))
    found = found_in(held, viewer)
    assert found.ledger["incidents"].amounts[OPERATING] == 8
    assert found.tallies["incidents"].unknown > 34_000
    assert np.isnan(found.ledger["incidents"].amounts[INSTALLING])


def test_places_that_none_covers(held: Context) -> None:
    found, known = found_in(held), held.geography
    incidents = incidents_by_commune(held, NATIONAL, VIEW, Reading(held.recall))
    places, number = uncovered_places(known, found, incidents, "incidents", 10)
    assert places["name"].tolist()[:3] == ["Perpignan", "Reims", "Limoges"]
    assert places["planned"].tolist()[:3] == [False, True, False]
    assert number == int((found.times == 0).sum())
    by_people, _number = uncovered_places(known, found, incidents, "habitants", 10)
    assert by_people["population"].is_monotonic_decreasing
    units = units_of(known)
    seats = [cross.seat for cross in known.lists.cross if cross.status == "operating"]
    here = np.flatnonzero(units.codes == places["code"].iloc[0])[0]
    there = [np.flatnonzero(units.codes == seat)[0] for seat in seats]
    metres = [
        Geod(ellps="WGS84").inv(units.lng[here], units.lat[here], units.lng[at], units.lat[at])[2] for at in there
    ]
    assert places["distance_km"].iloc[0] == pytest.approx(min(metres) / 1000)
    assert (
        places["nearest"].iloc[0]
        == known.lists.cross[[c.seat for c in known.lists.cross].index(seats[int(np.argmin(metres))])].name
    )


def test_what_will_be_added_says_whose_population_is_unknown(held: Context) -> None:
    said = additions_sentence(found_in(held))
    assert "Mamoudzou : population inconnue, 80 km²" in said
    assert "Reims : 295\u202f014 habitants" in said


def test_tables_say_what_the_figures_are(held: Context) -> None:
    found = found_in(held)
    assert ledger_frame(found)["Incidents"].tolist() == [8, 0, 3, 6]
    frame = cross_frame(found).set_index("code")
    assert frame.loc["lille", "Depuis"] == "01/2018"
    assert frame.loc["paris", "Depuis"] == "—"
    assert set(frame["Périmètre"]) == {"supposé"}
    assert frame.loc["reims", "Habitants ajoutés"] == frame.loc["reims", "Habitants"]
    assert np.isnan(frame.loc["paris", "Habitants ajoutés"])
    assert np.isnan(frame.loc["mamoudzou", "Habitants"])  # unknown, not none
    published = published_frame(held.geography.lists, TODAY)
    shown = published[["Date", "Selon la source", "Selon les listes"]].astype(str).to_numpy().tolist()
    assert ["30/09/2020", "103", "2 à 28"] in shown
    assert ["non datée", "28", "28"] in shown


# ---- antennas


def test_loads_of_antennas(held: Context) -> None:
    known = held.geography
    found = departements(held, NATIONAL, VIEW, Reading(held.recall))
    now = loads(known, found, antenna_of(known.lists))
    of = {antenna.code: at for at, antenna in enumerate(known.lists.antennas)}
    assert now.departements.sum() == len(found.codes) == 107
    assert np.nansum(now.figures["population"]) == pytest.approx(np.nansum(found.figures["population"]))
    assert now.figures["incidents"][of["marseille"]] == 14  # Marseille, Aix, Perpignan, the département
    assert np.isnan(now.figures["incidents"][of["papeete"]])  # no fact is counted there: unknown
    assert now.unknown[of["papeete"]] == 3
    known_loads = now.figures["incidents"][~np.isnan(now.figures["incidents"])]
    assert now.against_mean[of["marseille"]] == pytest.approx(14 / known_loads.mean())
    assert now.cross[of["strasbourg"]][:3] == ("Strasbourg", "Metz", "Nancy")
    moved, refused = proposed(known.lists, (("66", "bordeaux"),))
    after = loads(known, found, moved)
    assert not refused
    assert after.figures["incidents"][of["marseille"]] == 9
    assert after.figures["incidents"][of["bordeaux"]] == now.figures["incidents"][of["bordeaux"]] + 5
    assert np.nansum(after.figures["incidents"]) == np.nansum(now.figures["incidents"])
    assert "Marseille : 14 → 9 incidents" in moved_sentence(known.lists, now, after)
    frame = antenna_frame(known.lists.antennas, {}, now, after)
    assert {"Incidents", "Incidents après", "Charge", "Charge après"} <= set(frame)


# ---- what the map asks for


def answer(client: TestClient, path: str) -> Any:
    answered = client.get(path)
    assert answered.status_code == 200, answered.text
    return answered


def hexagons(client: TestClient, address: str) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """The description, and all hexagons of the mainland at the furthest zoom."""
    described = answer(client, f"/couverture/hex?{address}").json()
    z, key = ZOOMS[0] - 1, quote(described["key"])
    tiles = [
        decode(answer(client, f"/couverture/hex/hexagones/{z}/{x}/{y}?vue={key}").content)
        for x in range(4)
        for y in range(4)
    ]
    assert {header["resolution"] for header, _columns in tiles} == {COARSEST}
    return described, {name: np.concatenate([columns[name] for _header, columns in tiles]) for name in tiles[0][1]}


def test_hexagons_weigh_what_is_not_covered(client: TestClient, held: Context) -> None:
    described, columns = hexagons(client, ADDRESS)
    ledger = found_in(held).ledger["population"].amounts
    # The mainland's and overseas'; Mayotte's are unknown. Rounded, hexagon by hexagon.
    assert np.nansum(columns["values"]) == pytest.approx(ledger[INSTALLING] + ledger[UNCOVERED], rel=WITHIN)
    assert described["title"] == "Habitants sans CROSS en activité"
    assert max(described["resolutions"]) == FINEST
    assert {line["status"]: line["count"] for line in described["lines"]} == {"operating": 28, "installing": 3}
    level = answer(client, f"/couverture/hex/classes?vue={quote(described['key'])}&resolution={COARSEST}").json()
    assert sum(spec["count"] for spec in level["classes"]) == (columns["state"] == STATE_CODES["value"]).sum()
    assert client.get(f"/couverture/hex/classes?vue={quote(described['key'])}&resolution=10").status_code == 422


def test_hexagons_weigh_incidents_and_doubt_what_has_no_date(client: TestClient) -> None:
    _described, columns = hexagons(client, f"{ADDRESS}&poids=incidents")
    assert np.nansum(columns["values"]) == 9  # Perpignan, Reims, Limoges; none of Marseille, nor of Aix
    described, columns = hexagons(client, f"{ADDRESS}&le=2017-06-01")
    doubtful = columns["state"] == STATE_CODES["withheld"]
    assert doubtful.any()
    assert np.isnan(columns["values"][doubtful]).all()
    assert "couverture au 01/06/2017" in described["period"]


def test_perimeters_of_a_day_and_of_a_proposal(client: TestClient) -> None:
    def features(address: str) -> list[dict[str, Any]]:
        return [each["properties"] for each in answer(client, f"/couverture/perimetres?{address}").json()["features"]]

    cross = [each for each in features("") if each["kind"] == "cross"]
    assert sorted({each["status"] for each in cross}) == ["installing", "operating"]
    early = [each for each in features("le=2017-06-01") if each["kind"] == "cross"]
    assert {each["status"] for each in early} == {"operating", "undated"}
    moved = features("volet=antennes&ressorts=2A:marseille,2B:marseille,99:lille")
    assert len([each for each in moved if each["kind"] == "jurisdiction"]) == 15  # Ajaccio's has nothing left


def test_an_address_with_garbage_is_told_and_the_rest_is_shown(client: TestClient) -> None:
    given = {"le": "hier", "poids": "or", "volet": "x", "ressorts": "66;bordeaux,13:,<b>:lyon,2A:marseille"}
    view, ignored = View.from_params(given)
    assert len(ignored) == 6
    assert view == View(moves=(("2A", "marseille"),))
    assert View.from_params(view.to_params()) == (view, [])
    address = "&".join(f"{key}={quote(value)}" for key, value in given.items())
    assert answer(client, f"/couverture/hex?{address}").json()["lines"]


def test_lists_that_contradict_themselves_are_an_answer_and_not_a_crash(store: Store, tmp_path: Path) -> None:
    known = edited(tmp_path, ";200093201;", ";59183|59248;")  # merged since
    client = TestClient(Starlette(routes=routes(held_with(store, known))))
    for path in (f"/couverture/hex?{ADDRESS}", "/couverture/perimetres"):
        refused = client.get(path)
        assert refused.status_code in (409, 422, 500, 503, 400), path
        assert "59248 fusionnée depuis" in json.loads(refused.content)["error"]


def test_edited_lists_are_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    used = geography().lists
    monkeypatch.setenv("HEXACROSS_LISTS", str(tmp_path))
    copy_lists(tmp_path)
    assert lists_state(used).state == "in use"
    path = tmp_path / CROSS
    text = path.read_text(encoding="utf-8-sig")
    path.write_text(text.replace(";2015;", ";2014;", 1), encoding="utf-8")
    assert lists_state(used).state == "edited"
    path.write_text(text.replace(";2015;", ";jadis;", 1) + "\n", encoding="utf-8")
    state, error = lists_state(used)
    assert state == "wrong"
    assert isinstance(error, ListsError)
    assert len(error.faults) == 1
