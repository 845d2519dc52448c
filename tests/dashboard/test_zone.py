"""Figures of drawn zones: those of every fact inside, none of any outside, and nothing that protection hides."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import h3.api.basic_int as h3
import numpy as np
import pytest
import shapely
from pyproj import Geod
from starlette.applications import Starlette
from starlette.testclient import TestClient

from dashboard.cache import ByteCache
from dashboard.context import Context
from dashboard.drawing import MOST_POINTS, read_drawing
from dashboard.routes import routes
from dashboard.settings import Settings
from dashboard.view import View
from dashboard.zone import FIGURES, ZoneFigures, hexagons_in, zone_figures
from data.errors import ForbiddenError, QueryError
from data.geography import geography
from data.query import Query, Territory, Viewer
from data.store import CellCounts, Store
from geo.cells import parents
from geo.drawn import drawn_cells
from tests.data.contract import (
    DAYS,
    FIRST_DAY,
    STORES,
    Reference,
    Row,
    batch,
    chunk,
    count,
    draw_event,
    draw_query,
    event,
    memberships,
)

EARTH = Geod(ellps="WGS84")
NATIONAL = Viewer("national")
EVERYTHING = Query(FIRST_DAY, FIRST_DAY + timedelta(days=DAYS))
MARSEILLE = Territory("commune", "13055")
WHERE = (43.30, 5.37)  # latitude, longitude: the middle of most facts


@pytest.fixture(scope="module", params=list(STORES))
def filled(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Store, Reference]]:
    opened = STORES[request.param](tmp_path_factory.mktemp("zones"))
    opened.set_memberships(memberships())
    random, reference = np.random.default_rng(7), Reference()
    rows = [draw_event(random, n) for n in range(1500)]
    reference.load(rows)
    opened.load(batch("lot"), [chunk(rows)])
    yield opened, reference
    opened.close()


def star(random: np.random.Generator, points: int, reach: float) -> str:
    """A polygon around `WHERE`, as an address has it: its points at random distances, one direction after the other."""
    angles = np.sort(random.uniform(0, 2 * np.pi, points))
    far = random.uniform(0.2, 1, points) * reach
    lat, lng = WHERE[0] + far * np.sin(angles), WHERE[1] + far * np.cos(angles)
    return "polygone:" + ",".join(f"{a:.5f},{b:.5f}" for a, b in zip(lat, lng, strict=True))


def in_polygon(text: str, lat: float, lng: float) -> bool:
    """Even or odd crossings of a line to the east, on the map where edges are straight."""
    numbers = [float(part) for part in text.partition(":")[2].split(",")]
    ring = [(x, math.atanh(math.sin(math.radians(y)))) for y, x in zip(numbers[::2], numbers[1::2], strict=True)]
    y = math.atanh(math.sin(math.radians(lat)))
    crossings = 0
    for (x0, y0), (x1, y1) in zip(ring, [*ring[1:], ring[0]], strict=True):
        if (y0 > y) != (y1 > y) and lng < x0 + (y - y0) / (y1 - y0) * (x1 - x0):
            crossings += 1
    return crossings % 2 == 1


def in_circle(text: str, lat: float, lng: float) -> bool:
    centre_lat, centre_lng, radius = (float(part) for part in text.partition(":")[2].split(","))
    return bool(EARTH.inv(centre_lng, centre_lat, lng, lat)[2] <= radius)


def inside(text: str, facts: list[Row]) -> list[Row]:
    holds = in_circle if text.startswith("cercle") else in_polygon
    return [fact for fact in facts if fact["cell"] is not None and holds(text, fact["latitude"], fact["longitude"])]


def figures(store: Store, text: str, query: Query = EVERYTHING, viewer: Viewer = NATIONAL) -> ZoneFigures:
    return zone_figures(store, geography(), query, viewer, read_drawing(text).area)


def zones(seed: int) -> list[str]:
    random = np.random.default_rng(seed)
    lat, lng = (float(at + random.normal(0, 0.005)) for at in WHERE)
    return [
        star(random, int(random.integers(3, 40)), float(random.choice([0.002, 0.01, 0.03, 2]))),
        f"cercle:{lat:.5f},{lng:.5f},{int(random.choice([60, 400, 1500, 30_000]))}",
    ]


# Figures


@pytest.mark.parametrize("seed", range(8))
def test_a_zone_counts_every_fact_inside_and_no_other(filled: tuple[Store, Reference], seed: int) -> None:
    store, reference = filled
    query = EVERYTHING if seed % 3 == 0 else draw_query(np.random.default_rng(seed))
    for text in zones(seed):
        expected = count(inside(text, reference.chosen(replace(query, territory=None), NATIONAL)))
        found = figures(store, text, query)
        assert found.hexagons == found.protected == 0
        for name in FIGURES:
            low, high = found.amounts[name]
            theirs = getattr(expected, name)
            assert (math.isnan(low) and theirs is None) or low == high == theirs, (text, name)


def test_both_stores_say_the_same(tmp_path: Path) -> None:
    random = np.random.default_rng(3)
    rows = [draw_event(random, n) for n in range(400)]
    answers = []
    for name, open_one in STORES.items():
        (tmp_path / name).mkdir()
        store = open_one(tmp_path / name)
        store.set_memberships(memberships())
        store.load(batch("lot"), [chunk(rows)])
        viewers = (NATIONAL, Viewer("agrégé", threshold=5), Viewer("mur", "wall", sees_events=False))
        drawn = [*zones(1)[1:], *zones(4), "cercle:43.3,5.37,2500"]
        answers.append([_said_to(store, text, viewer) for text in drawn for viewer in viewers])
        store.close()
    assert answers[0] == answers[1]


def _said_to(store: Store, text: str, viewer: Viewer) -> str:
    try:
        return repr(figures(store, text, viewer=viewer))
    except QueryError as error:  # smaller than a hexagon
        return str(error)


def test_facts_without_an_exact_place_are_told_where_they_may_be_inside(filled: tuple[Store, Reference]) -> None:
    store, reference = filled
    found = figures(store, "cercle:43.3,5.37,2000")
    vague = [fact for fact in reference.seen(NATIONAL) if fact["cell"] is None]
    of_marseille = [f for f in vague if f["commune"] == "13055"]
    of_departement = [f for f in vague if f["commune"] is None and f["departement"] == "13"]
    anywhere = [f for f in vague if f["commune"] is None and f["departement"] is None]
    counts = [len(of_marseille), len(of_departement), sum(f["place_precision"] == "country" for f in anywhere)]
    assert min(counts) > 0
    assert [found.unplaced[name] for name in ("commune", "departement", "country")] == counts


def test_a_viewer_of_some_territories_gets_no_fact_elsewhere(filled: tuple[Store, Reference]) -> None:
    store, reference = filled
    viewer = Viewer("aix", "cross", frozenset({Territory("commune", "13001")}))
    text = "cercle:43.4,5.4,40000"  # Marseille as well
    everywhere, own = (count(inside(text, reference.seen(who))) for who in (NATIONAL, viewer))
    assert 0 < own.incidents < everywhere.incidents
    assert figures(store, text, viewer=viewer).amounts["incidents"].low == own.incidents
    context = Context(Settings(), store, geography(), ByteCache(2**20))
    with pytest.raises(ForbiddenError, match="hors des territoires"):
        _answer_of(context, "cercle:48.86,2.35,3000", viewer)


def _answer_of(context: Context, text: str, viewer: Viewer) -> dict[str, Any]:
    """What the route says to a viewer that no setting makes."""
    from dashboard import zone

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(zone, "viewer_of", lambda _settings: viewer)
        answer: dict[str, Any] = json.loads(
            zone.zone_json(context, View(start=EVERYTHING.start, stop=EVERYTHING.stop), read_drawing(text))
        )
    return answer


def test_the_population_of_a_limited_viewer_is_that_of_what_he_sees(filled: tuple[Store, Reference]) -> None:
    context = Context(Settings(), filled[0], geography(), ByteCache(2**20))
    viewer = Viewer("aix", "cross", frozenset({Territory("commune", "13001")}))
    text = "cercle:43.5,5.4,40000"
    known = geography().communes.set_index("code")["population"]["13001"]
    rows = {row["label"]: row["value"] for row in _answer_of(context, text, viewer)["rows"]}
    assert int(rows["Habitants"].replace("\u202f", "")) == pytest.approx(known, rel=0.01)


# Protection


class OnlyShown:
    """A store of which nothing can be asked but what the map shows: the hexagons of a viewer."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def counts_by_cell(self, query: Query, viewer: Viewer) -> CellCounts:
        assert viewer.threshold > 1 or not viewer.sees_events
        return self._store.counts_by_cell(query, viewer)


@pytest.mark.parametrize("viewer", [Viewer("agrégé", threshold=5), Viewer("mur", "wall", sees_events=False)])
@pytest.mark.parametrize("seed", range(3))
def test_who_sees_no_facts_gets_sums_of_shown_hexagons(
    filled: tuple[Store, Reference], viewer: Viewer, seed: int
) -> None:
    """Nothing can follow from such a zone that did not follow from the map; and it is right."""
    store, reference = filled
    shown: Any = OnlyShown(store)
    for text in (zones(seed)[1], "cercle:43.3,5.37,900", "cercle:43.3,5.37,30000"):
        try:
            chosen = hexagons_in(read_drawing(text).area)
        except QueryError:
            continue  # smaller than a hexagon
        found = figures(shown, text, viewer=viewer)
        assert found.unplaced == {}
        here = [
            fact
            for fact in reference.seen(viewer)
            if fact["cell"] is not None
            and any(h3.cell_to_parent(fact["cell"], r) in set(chosen.tolist()) for r in range(4, 10))
        ]
        truth = count(here)
        for name in ("incidents", "controls"):
            low, high = found.amounts[name]
            assert low <= getattr(truth, name) <= high
            assert viewer.threshold or low == high


def test_a_line_moved_metre_by_metre_does_not_find_a_fact(tmp_path: Path) -> None:
    """The classical attack: two zones that differ by a strip. Where the strip holds the one fact, nothing changes."""
    store = STORES["duckdb"](tmp_path)
    store.set_memberships(memberships())
    lat, lng = h3.cell_to_latlng(h3.latlng_to_cell(43.3, 5.37, 9))
    around = [event(n, place_precision="point", latitude=43.32, longitude=5.40, family="incident") for n in range(7)]
    lone = event("seul", place_precision="point", latitude=lat, longitude=lng, family="incident")
    viewer = Viewer("agrégé", threshold=5)
    radii = range(2500, 3700, 60)  # over the hexagon of the lone fact, 2.9 km from the centre
    texts = [f"cercle:{lat + 0.026:.5f},{lng:.5f},{radius}" for radius in radii]
    store.load(batch("voisins"), [chunk(around)])
    without = [figures(store, text, viewer=viewer).amounts["incidents"].low for text in texts]
    store.load(batch("seul"), [chunk([lone])])
    found = [figures(store, text, viewer=viewer) for text in texts]
    assert [each.amounts["incidents"].low for each in found] == without
    # What changes, changes with a whole hexagon that the map shows as protected, and not where the fact is.
    protected = [each.protected for each in found]
    assert set(protected) == {0, 1}
    assert protected == sorted(protected)
    exact = [figures(store, text).amounts["incidents"].low for text in texts]
    assert exact.index(exact[-1]) == [in_circle(text, lat, lng) for text in texts].index(True)
    store.close()


def test_no_rate_is_made_of_a_number_that_is_not_known(tmp_path: Path) -> None:
    store = STORES["duckdb"](tmp_path)
    store.set_memberships(memberships())
    store.load(
        batch("lot"), [chunk([event(n, place_precision="point", latitude=43.3, longitude=5.37) for n in range(3)])]
    )
    context = Context(Settings(threshold=5), store, geography(), ByteCache(2**20))
    rows = {row["label"]: row for row in client_rows(context, "cercle:43.3,5.37,1500")}
    assert rows["Incidents"]["value"] == "au moins 0"
    assert rows["pour 100 000 habitants"]["value"] == rows["Contrôlés"]["value"] == "—"
    store.close()


def client_rows(context: Context, text: str) -> list[dict[str, str]]:
    client = TestClient(Starlette(routes=routes(context)))
    answer = client.get("/zone", params={"zone": text, "du": "2025-01-01", "au": "2025-03-01"})
    rows: list[dict[str, str]] = answer.json()["rows"]
    return rows


# Geometry


@pytest.mark.parametrize("radius", [10, 500, 20_000, 400_000])
def test_a_circle_has_its_surface(radius: int) -> None:
    # On the ellipsoid a large circle has a little less than π r²: of a sphere of its curvature, 2π R² (1 - cos r/R).
    sphere = 2 * math.pi * 6371**2 * (1 - math.cos(radius / 6_371_000))
    assert read_drawing(f"cercle:46.5,2.5,{radius}").surface_km2 == pytest.approx(
        sphere, rel=3e-3 if radius > 1e5 else 3e-5
    )


def test_a_polygon_has_the_surface_of_the_line_that_is_seen() -> None:
    """On the map's straight line from Brest to Strasbourg, not on the shortest way; PROJ measures each piece."""
    text = "polygone:48.4,-4.5,48.6,7.75,43.3,5.4"
    corners = [(48.4, -4.5), (48.6, 7.75), (43.3, 5.4)]
    lngs, lats = [], []
    for (lat0, lng0), (lat1, lng1) in zip(corners, [*corners[1:], corners[0]], strict=True):
        y0, y1 = (math.atanh(math.sin(math.radians(lat))) for lat in (lat0, lat1))
        for share in np.arange(0, 1, 1e-4):
            lngs.append(lng0 + share * (lng1 - lng0))
            lats.append(math.degrees(math.atan(math.sinh(y0 + share * (y1 - y0)))))
    expected = abs(EARTH.polygon_area_perimeter(lngs, lats)[0]) / 1e6
    assert read_drawing(text).surface_km2 == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("seed", range(8))
def test_every_point_of_a_zone_is_in_its_hexagons_by_number(seed: int) -> None:
    random = np.random.default_rng(seed)
    text = star(random, 30, float(random.choice([0.01, 0.1, 1])))
    area = read_drawing(text).area
    west, south, east, north = area.bounds
    lng, lat = random.uniform(west, east, 3000), random.uniform(south, north, 3000)
    here = shapely.intersects_xy(area, lng, lat)
    cells = np.array([h3.latlng_to_cell(*at, 10) for at in zip(lat, lng, strict=True)], dtype=np.int64)
    found = drawn_cells(area, 9)
    whole = np.zeros(len(cells), dtype=np.bool_)
    for resolution in range(4, 10):
        whole |= np.isin(parents(cells, resolution), found.whole)
    near = np.isin(parents(cells, 9), found.crossed)
    assert here[whole].all()
    assert (whole | near)[here].all()
    assert not (whole & near).any()


def test_people_of_two_halves_are_those_of_the_whole() -> None:
    known = geography()
    halves = ("polygone:43.2,5.2,43.2,5.4,43.5,5.4,43.5,5.2", "polygone:43.2,5.4,43.2,5.6,43.5,5.6,43.5,5.4")
    whole = "polygone:43.2,5.2,43.2,5.6,43.5,5.6,43.5,5.2"
    parts = [known.population_in(read_drawing(text).area) for text in halves]
    assert min(parts) > 10_000
    assert sum(parts) == pytest.approx(known.population_in(read_drawing(whole).area), rel=1e-6)
    assert known.population_in(read_drawing("cercle:40,-30,20000").area) == 0


# The route


@pytest.fixture(scope="module")
def client(filled: tuple[Store, Reference]) -> TestClient:
    return TestClient(Starlette(routes=routes(Context(Settings(), filled[0], geography(), ByteCache(2**22)))))


PERIOD = {"du": "2025-01-01", "au": "2025-03-01"}


def test_the_route_says_it_in_words(client: TestClient, filled: tuple[Store, Reference]) -> None:
    answer = client.get("/zone", params={**PERIOD, "zone": "cercle:43.30,5.37,1500", "territoire": "commune:13001"})
    assert answer.status_code == 200, answer.text
    said = answer.json()
    assert (said["zone"], said["surface"]) == ("cercle:43.3,5.37,1500", "7,07 km²")
    expected = count(inside("cercle:43.3,5.37,1500", filled[1].seen(NATIONAL)))
    rows = {row["label"]: row for row in said["rows"]}
    assert rows["Incidents"]["value"] == str(expected.incidents)
    people = int(rows["Habitants"]["value"].replace("\u202f", ""))
    rate = float(rows["pour 100 000 habitants"]["value"].replace(",", "."))
    assert rate == pytest.approx(100_000 * expected.incidents / people, rel=0.01)
    assert rows["Positifs"]["behind"].endswith(")") or expected.positive is None
    assert any("dépasse" in note for note in said["notes"])
    assert answer.headers["Hexacross-Version"] == str(filled[0].version())
    again = client.get(answer.request.url, headers={"If-None-Match": answer.headers["ETag"]})
    assert again.status_code == 304
    assert f"{h3.latlng_to_cell(*WHERE, 5):x}" in said["touched"]
    assert "departement:13" in said["touched"]


def test_a_zone_hears_of_changes_inside(client: TestClient) -> None:
    """Of each fact inside, the hexagon that a change would name is among those told; a zone of a country hears all."""
    text = "cercle:43.3,5.37,60000"
    told = set(client.get("/zone", params={**PERIOD, "zone": text}).json()["touched"])
    random = np.random.default_rng(1)
    area = read_drawing(text).area
    west, south, east, north = area.bounds
    for lat, lng in zip(random.uniform(south, north, 500), random.uniform(west, east, 500), strict=True):
        if in_circle(text, lat, lng):
            assert f"{h3.cell_to_parent(h3.latlng_to_cell(lat, lng, 10), 5):x}" in told
    assert client.get("/zone", params={**PERIOD, "zone": "cercle:46.5,2.5,400000"}).json()["touched"] is None


MARKUP = "<script>alert(1)</script>"
BAD = {
    "": "illisible",
    "cercle": "illisible",
    "carre:1,2,3": "illisible",
    MARKUP: "illisible",
    f"cercle:43,5,{MARKUP}": "illisible",
    "cercle:NaN,5,100": "illisible",
    "cercle:43,inf,100": "illisible",
    "cercle:43,5,1e3": "illisible",
    "cercle:43,5": "illisible",
    "cercle:43,5,100,200": "illisible",
    "cercle:43,5,0": "Rayon de 0 m : attendu de 10 m à 500 km.",
    "cercle:43,5,-5": "Rayon de -5 m",
    "cercle:43,5,600000": "Rayon de 600000 m",
    "cercle:95,5,100": "hors de la carte",
    "cercle:43,181,100": "hors de la carte",
    "cercle:85,5,400000": "hors de la carte",
    "cercle:-17,179.9,50000": "antiméridien",
    "polygone:1,2,3,4": "2 sommets",
    "polygone:1,2,3,4,1,2": "2 sommets",
    "polygone:1,2,1,2,1,2,1,2": "1 sommets",
    "polygone:1,2,3,4,5": "2.5 sommets",
    "polygone:43,5,44,6,43,6,44,5": "se recoupe",
    "polygone:43,5,43,6,43,7": "0 km²",
    "polygone:43,5,43.00001,5,43,5.00001": "attendu de 100 m²",
    "polygone:-20,-100,-20,60,60,60,60,-100": "1000000 km²",
    "polygone:-17,179,-18,-179,-19,179": "antiméridien",
    "polygone:43,5,44,5,91,6": "hors de la carte",
    "polygone:" + ",".join(["1", "2"] * 10_000): "10000 sommets : attendu de 3 à 200",
}


@pytest.mark.parametrize("text", list(BAD), ids=lambda text: text[:40])
def test_bad_zones_are_refused_in_words(client: TestClient, text: str) -> None:
    with pytest.raises(QueryError) as refused:
        read_drawing(text)
    assert BAD[text] in str(refused.value)
    answer = client.get(f"/zone?zone={quote(text, safe=':,')}")
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/json")
    assert BAD[text] in answer.json()["error"]
    _view, ignored = View.from_params({"zone": text})
    assert [str(error) for error in ignored] == ([str(refused.value)] if text else [])


def test_a_zone_stays_in_the_address() -> None:
    view, ignored = View.from_params({"zone": "polygone:43.20,5.2,43.2,5.4,43.5,5.40", "territoire": "commune:13055"})
    assert ignored == []
    assert view.zone == "polygone:43.2,5.2,43.2,5.4,43.5,5.4"
    assert View.from_params(view.to_params())[0] == view
    many = star(np.random.default_rng(1), MOST_POINTS, 0.1)
    assert read_drawing(read_drawing(many).text).text == many.replace("0,", ",") or read_drawing(many).text


def test_hexagons_do_not_depend_on_the_zone(client: TestClient) -> None:
    """A zone on the map costs the hexagons nothing: the answer in the cache is the same."""
    bare, drawn = (client.get("/hex", params={**PERIOD, **more}) for more in ({}, {"zone": "cercle:43.3,5.37,500"}))
    assert bare.headers["ETag"] == drawn.headers["ETag"]
