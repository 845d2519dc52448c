"""The tiles of the map: put together, the store's answer; nothing without a valid key, nothing beyond its viewer."""

from __future__ import annotations

import itertools
import json
import random
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest
from itsdangerous import URLSafeTimedSerializer
from numpy.typing import NDArray
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.testclient import TestClient

from dashboard import hex_tiles
from dashboard.cache import ByteCache
from dashboard.context import Context
from dashboard.hex_tiles import TILE_ZOOMS, HexTiles
from dashboard.hexagon_table import whole_table
from dashboard.mapdata import commune_names, figure_decimals
from dashboard.measures import MEASURES
from dashboard.settings import Settings
from dashboard.tables import HexagonTable
from dashboard.tile_tokens import VALID_S, TileTokens
from dashboard.view import View
from data.demo import load_demo
from data.geography import geography
from data.opening import open_store
from data.query import Territory, Viewer
from data.store import Store
from geo.cells import centres
from geo.tiles import Tile, inside, tile_bounds, tiles_at
from layers.hexagons import STATE_CODES, ZOOMS, decode
from tests.postgres import new_store_url

UNTIL = date(2026, 6, 1)
FACTS = 20_000
MARSEILLE = (5.37, 43.30)
OF_MARSEILLE = "territoire=commune:13055"
PERIOD = "du=2026-03-01&au=2026-05-31"
ANYONE = Viewer("local")
Columns = dict[str, NDArray[Any]]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    opened = open_store(str(tmp_path_factory.mktemp("hexagons") / "demo.duckdb"))
    load_demo(opened, FACTS, seed=5, until=UNTIL)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def server_store() -> Iterator[Store]:
    """The same facts on the server."""
    opened = open_store(new_store_url())
    load_demo(opened, FACTS, seed=5, until=UNTIL)
    yield opened
    opened.close()


def context_of(store: Store, threshold: int = 0) -> Context:
    return Context(Settings(threshold=threshold), store, geography(), ByteCache(2**24))


def client_over(context: Context) -> TestClient:
    return TestClient(Starlette(routes=HexTiles(context).routes()))


@pytest.fixture(scope="module")
def context(store: Store) -> Context:
    return context_of(store)


@pytest.fixture(scope="module")
def client(context: Context) -> TestClient:
    return client_over(context)


def key_of(client: TestClient, query: str = PERIOD) -> str:
    return str(client.get(f"/hex?{query}").json()["key"])


def address(tile: Tile) -> str:
    return f"/hex/hexagones/{tile.z}/{tile.x}/{tile.y}"


def tile_over(lng: float, lat: float, z: int) -> Tile:
    (x,), (y,) = tiles_at([lng], [lat], z)
    return Tile(z, int(x), int(y))


def ask(client: TestClient, key: str, tile: Tile, **params: str) -> tuple[Any, Columns]:
    answer = client.get(address(tile), params={"vue": key, **params})
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/octet-stream"
    return decode(answer.content)


# The same hexagons as the store's


def draw_view(draw: random.Random) -> View:
    """Any territory, dates, filters and measure; a resolution of its own now and then."""
    start = UNTIL - timedelta(days=draw.randrange(1, 700))
    places = [
        "commune:13055",
        "commune:59350",
        "departement:13",
        "cross:marseille",
        "antenna:guadeloupe",
        "arrondissement:13201",
    ]
    territory = draw.choice([None, None, None, *(Territory(*place.split(":")) for place in places)])  # type: ignore[arg-type]  # a kind
    return View(
        territory=territory,
        start=start,
        stop=start + timedelta(days=draw.randrange(1, 400)),
        families=draw.choice([frozenset(), frozenset(), frozenset({"incident"}), frozenset({"control"})]),
        drugs=draw.choice([frozenset(), frozenset(), frozenset({"cocaine", "heroin"})]),
        measure=draw.choice(sorted(MEASURES)),
        resolution=draw.choice([None, None, draw.randint(3, 10)]),
        classes=draw.choice(["quantiles", "jenks"]),
    )


def draw_viewer(draw: random.Random) -> Viewer:
    held = draw.choice(
        [None, None, frozenset({Territory("departement", "13")}), frozenset({Territory("cross", "lille")})]
    )
    return Viewer("essai", "cross", held, threshold=draw.choice([0, 0, 3, 5]), sees_events=False)


def side_by_side(place: tuple[float, float], z: int) -> list[Tile]:
    """The four tiles of a window whose corner is near a place."""
    corner = tile_over(*place, z)
    size = 1 << z
    steps = itertools.product((0, 1), repeat=2)
    return sorted({Tile(z, min(corner.x + dx, size - 1), min(corner.y + dy, size - 1)) for dx, dy in steps})


def assert_equal_to_table(columns: Columns, table: HexagonTable) -> None:
    """Cells and states exactly; the measure to the precision of a tile; the other figures as they are read."""
    np.testing.assert_array_equal(columns["cell"], table.cells)
    np.testing.assert_array_equal(columns["state"], table.states)
    hidden = table.states == STATE_CODES["protected"]
    values = np.where(hidden, np.nan, table.values)
    np.testing.assert_array_equal(columns["values"].astype(np.float32), values.astype(np.float32))
    for name, decimals in figure_decimals(table.measure).items():
        figures = np.where(hidden, np.nan, getattr(table, name))
        np.testing.assert_allclose(columns[name], figures, rtol=1e-6, atol=0.5000001 * 10.0**-decimals, err_msg=name)


def draw_tiles(draw: random.Random, table: HexagonTable, z: int) -> list[Tile]:
    """Four neighbours, near a hexagon of the view, or somewhere else."""
    place = draw.choice([MARSEILLE, (2.35, 48.86), (3.06, 50.63), (-61.53, 16.24), (-170.0, -80.0)])
    if len(table.cells) and draw.random() < 0.8:
        (lng,), (lat,) = centres(table.cells[[draw.randrange(len(table.cells))]])
        place = (float(lng), float(lat))
    return side_by_side(place, z)


def put_together(client: TestClient, key: str, tiles: list[Tile], resolution: int) -> Columns:
    """What tiles hold, sorted by cell; each only hexagons of its own."""
    parts = []
    for tile in tiles:
        header, columns = ask(client, key, tile)
        assert header["resolution"] == resolution
        assert inside(tile, columns["cell"]).all()
        parts.append(columns)
    order = np.argsort(np.concatenate([part["cell"] for part in parts]))
    return {name: np.concatenate([part[name] for part in parts])[order] for name in parts[0]}


VIEWS_A_ZOOM = 5  # of 14 zooms, on each store


@pytest.mark.parametrize("z", range(TILE_ZOOMS[0], TILE_ZOOMS[1] + 1))
def test_tiles_of_random_views_are_the_store_s_answer(store: Store, server_store: Store, z: int) -> None:
    """On both stores, for any viewer: the tiles of a window against one answer for the whole view."""
    draw, filled = random.Random(z), 0
    contexts = [context_of(store), context_of(server_store)]
    for _ in range(VIEWS_A_ZOOM):
        view, viewer = draw_view(draw), draw_viewer(draw)
        resolution = view.resolution_at(z + 1)
        table = whole_table(context_of(store), viewer, view, resolution).table
        tiles = draw_tiles(draw, table, z)
        expected = table.only(np.any([inside(tile, table.cells) for tile in tiles], axis=0))
        for context in contexts:
            key = context.tokens.make(view, viewer)
            assert_equal_to_table(put_together(client_over(context), key, tiles, resolution), expected)
        filled += len(expected.cells) > 0
    assert filled > VIEWS_A_ZOOM / 3


@pytest.mark.parametrize("z", [5, 8, 10, 12])
def test_tiles_share_out_a_territory(client: TestClient, context: Context, z: int) -> None:
    """Every tile that touches Marseille: its hexagons once each, the ground without facts among them."""
    view = View.from_params({"territoire": "commune:13055", "du": "2026-03-01", "au": "2026-05-31"})[0]
    resolution = view.resolution_at(z + 1)
    west, south, east, north = geography().perimeter(Territory("commune", "13055")).bounds
    first, last = tile_over(west, north, z), tile_over(east, south, z)
    key = context.tokens.make(view, ANYONE)
    seen: list[int] = []
    for x, y in itertools.product(range(first.x - 1, last.x + 2), range(first.y - 1, last.y + 2)):
        _header, columns = ask(client, key, Tile(z, x, y))
        seen += columns["cell"].tolist()
    table = whole_table(context_of(context.store), ANYONE, view, resolution).table
    assert sorted(seen) == table.cells.tolist()
    assert len(seen) >= 3


def test_a_query_that_matches_nothing(client: TestClient) -> None:
    described = client.get("/hex?du=1990-01-01&au=1990-01-31").json()
    assert described["message"] == "Aucun fait localisé pour ces filtres : élargissez la période ou retirez un filtre."
    for z in range(TILE_ZOOMS[0], TILE_ZOOMS[1] + 1):
        header, columns = ask(client, described["key"], tile_over(*MARSEILLE, z))
        assert (header["count"], columns["cell"].size) == (0, 0)
    for resolution in sorted(set(described["resolutions"])):
        found = client.get("/hex/classes", params={"vue": described["key"], "resolution": resolution}).json()
        assert found["classes"] == []


def test_a_query_that_matches_everything(client: TestClient, store: Store) -> None:
    """All facts of all years: the furthest tiles hold all of France."""
    key = key_of(client, "du=1900-01-01&au=2199-12-31")
    z = TILE_ZOOMS[0]
    counted = sum(
        np.nansum(ask(client, key, Tile(z, x, y))[1]["values"]) for x, y in itertools.product(range(1 << z), repeat=2)
    )
    view = View(start=date(1900, 1, 1), stop=date(2200, 1, 1), measure="incidents", resolution=3)
    assert counted == np.nansum(whole_table(context_of(store), ANYONE, view, 3).table.incidents) > FACTS / 4


# Classes


def test_classes_are_the_same_wherever_one_looks(client: TestClient, context: Context) -> None:
    """They come with the view and the resolution alone; each value of each tile has its class."""
    described = client.get(f"/hex?{PERIOD}&{OF_MARSEILLE}&mesure=incidents").json()
    for zoom, resolution in zip(range(ZOOMS[0], ZOOMS[1] + 1), described["resolutions"], strict=True):
        answers = [
            client.get("/hex/classes", params={"vue": described["key"], "resolution": resolution}) for _ in range(2)
        ]
        assert answers[0].content == answers[1].content
        classes = answers[0].json()["classes"]
        _header, columns = ask(client, described["key"], tile_over(*MARSEILLE, zoom - 1))
        values = columns["values"][columns["state"] == STATE_CODES["value"]]
        if values.size:
            assert [one["high"] for one in classes[:-1]] == [other["low"] for other in classes[1:]]
            assert classes[0]["low"] <= values.min()
            assert values.max() <= classes[-1]["high"]
    assert len(set(described["resolutions"])) > 5


def test_two_keys_of_one_view_give_the_same_classes_and_tiles(context: Context, client: TestClient) -> None:
    view = View.from_params({"territoire": "commune:13055", "du": "2026-03-01", "au": "2026-05-31"})[0]
    keys = [context.tokens.make(replace(view, cell=cell, language=language), ANYONE)
            for cell, language in ((None, None), (0x89396819C8FFFFF, "en"))]  # fmt: skip
    resolution = view.resolution_at(11)
    one, other = (client.get("/hex/classes", params={"vue": key, "resolution": resolution}) for key in keys)
    assert one.content == other.content
    one, other = (client.get(address(tile_over(*MARSEILLE, 10)), params={"vue": key}) for key in keys)
    assert (one.content, one.headers["etag"]) == (other.content, other.headers["etag"])


@pytest.mark.parametrize("given", ["", "2", "11", "-1", "9.0", "neuf", "<b>", "9" * 400, "８"])
def test_resolutions_that_no_zoom_has(client: TestClient, given: str) -> None:
    answer = client.get("/hex/classes", params={"vue": key_of(client), "resolution": given})
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/json"
    assert "attendu" in answer.json()["error"]
    assert len(answer.json()["error"]) < 200


def test_a_resolution_asked_for_stays_near_what_the_zoom_bears(client: TestClient) -> None:
    for asked in range(3, 11):
        resolutions = client.get(f"/hex?{PERIOD}&resolution={asked}").json()["resolutions"]
        suited = client.get(f"/hex?{PERIOD}").json()["resolutions"]
        assert len(resolutions) == ZOOMS[1] - ZOOMS[0] + 1
        assert resolutions == sorted(resolutions)
        assert all(3 <= given <= 10 for given in resolutions)
        assert all(abs(given - near) <= 2 for given, near in zip(resolutions, suited, strict=True))
        assert asked in resolutions


# Keys


def wrong_keys(key: str, elsewhere: str) -> list[str]:
    """Forged, of another process, cut short, endless."""
    draw = random.Random(2)
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_."
    forged = []
    for _ in range(150):
        at = draw.randrange(len(key) - 1)  # base64: some bits of the last character say nothing
        forged.append(key[:at] + draw.choice(letters.replace(key[at], "")) + key[at + 1 :])
    cut = [key[:length] for length in range(0, len(key), 7)]
    return ["", "x", "<script>", "é", key * 50, elsewhere, key[::-1], *forged, *cut]


KEYED = [
    (address(Tile(9, 263, 187)), {}),
    ("/hex/classes", {"resolution": "8"}),
    ("/hex/jours", {}),
    ("/hex/montre", {}),
]


@pytest.mark.parametrize(("path", "params"), KEYED)
def test_nothing_without_a_valid_key(client: TestClient, store: Store, path: str, params: dict[str, str]) -> None:
    key = key_of(client)
    assert client.get(path, params={**params, "vue": key}).is_success
    for wrong in wrong_keys(key, key_of(client_over(context_of(store)))):
        answer = client.get(path, params={**params, "vue": wrong})
        assert answer.status_code == 401, wrong
        assert answer.headers["content-type"] == "application/json"
        assert set(answer.json()) == {"error"}
    assert client.get(path, params=params).status_code == 401


def test_a_key_expires(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    key = key_of(client)
    later = time.time() + VALID_S + 1
    monkeypatch.setattr("itsdangerous.timed.time.time", lambda: later)
    for path, params in KEYED:
        answer = client.get(path, params={"vue": key, **params})
        assert answer.status_code == 401
        assert "expiré" in answer.json()["error"]


def test_a_key_used_again_gives_its_own_viewer_s_view_and_no_more(context: Context, client: TestClient) -> None:
    """Replayed by anyone, with any words added: what its viewer may see of what it was made for."""
    of_paris = Viewer("Paris", "cross", frozenset({Territory("departement", "75")}), threshold=5, sees_events=False)
    view = View(start=date(2024, 6, 1), stop=UNTIL, measure="incidents")
    key = context.tokens.make(view, of_paris)
    over_marseille, over_paris = tile_over(*MARSEILLE, 9), tile_over(2.35, 48.86, 9)
    assert ask(client, context.tokens.make(view, ANYONE), over_marseille)[0]["count"] > 0
    more = {"territoire": "departement:13", "seuil": "0", "mesure": "kg", "viewer": "national", "role": "national"}
    for params in ({}, more):
        assert ask(client, key, over_marseille, **params)[0]["count"] == 0
        _header, columns = ask(client, key, over_paris, **params)
        shown = columns["values"][columns["state"] == STATE_CODES["value"]]
        assert shown.size
        assert (shown % 5 == 0).all()
        hidden = columns["state"] == STATE_CODES["protected"]
        assert hidden.any()
        for name in set(columns) - {"cell", "state", "place"}:
            assert np.isnan(columns[name][hidden]).all(), name
    # What was made for one is not kept for the other.
    _header, columns = ask(client, context.tokens.make(view, ANYONE), over_paris)
    assert not (columns["state"] == STATE_CODES["protected"]).any()


def test_a_key_s_own_content_cannot_be_written_by_others() -> None:
    tokens = TileTokens()
    signer = URLSafeTimedSerializer(tokens._signer.secret_key, salt="other")
    context = Context(Settings(), None, geography(), ByteCache(1), tokens=tokens)  # type: ignore[arg-type]  # never asked
    answer = client_over(context).get(
        address(Tile(9, 263, 187)), params={"vue": str(signer.dumps([{}, "x", "national", None, 0]))}
    )
    assert answer.status_code == 401


# Addresses


@pytest.mark.parametrize(
    "tile",
    ["9/512/0", "9/0/512", "99/0/0", "1/0/0", "16/0/0", "-1/0/0", "9/1.5/2", "9/é/2", "9/²/2", "9/%3Cb%3E/2", "9/1/",
     "9/" + "9" * 400 + "/1"],
)  # fmt: skip
def test_tiles_that_do_not_exist(client: TestClient, tile: str) -> None:
    answer = client.get(f"/hex/hexagones/{tile}", params={"vue": key_of(client)})
    assert answer.status_code == 404
    if not tile.endswith("/"):
        assert answer.headers["content-type"] == "application/json"
        assert "Tuile" in answer.json()["error"]


def test_tiles_at_the_ends_of_the_world(client: TestClient) -> None:
    """The four corners of every zoom: nothing there, and no error."""
    key = key_of(client)
    for z in range(TILE_ZOOMS[0], TILE_ZOOMS[1] + 1):
        last = (1 << z) - 1
        for x, y in itertools.product((0, last), repeat=2):
            ask(client, key, Tile(z, x, y))


def test_ten_thousand_requests_for_one_tile_make_it_once(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    made = []
    real = hex_tiles.hexagon_tile
    monkeypatch.setattr(hex_tiles, "hexagon_tile", lambda *given: made.append(given) or real(*given))
    context = context_of(store)
    context.live.version = store.version()  # a server listens to its store, and need not ask it
    answering = HexTiles(context)
    key = key_of(client_over(context))

    def ask_once(_number: int) -> int:
        place = {"z": "9", "x": "263", "y": "187"}
        scope = {"type": "http", "path_params": place, "query_string": f"vue={key}".encode(), "headers": []}
        return answering.tile(Request(scope)).status_code

    with ThreadPoolExecutor(16) as threads:
        assert set(threads.map(ask_once, range(10_000))) == {200}
    assert len(made) == 1


def test_unchanged_tiles_are_not_sent_again_and_travel_packed(client: TestClient) -> None:
    key = key_of(client)
    asked = address(tile_over(*MARSEILLE, 9))
    first = client.get(asked, params={"vue": key})
    assert first.headers["content-encoding"] == "gzip"
    again = client.get(asked, params={"vue": key}, headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    plain = client.get(asked, params={"vue": key}, headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert plain.content == first.content


def test_markup_in_the_address_is_only_text(client: TestClient) -> None:
    hostile = "<img src=x onerror=alert(1)>"
    names = ("territoire", "mesure", "langue", "du", "produit", "resolution", "classes", "hexagone", "<b>")
    answer = client.get("/hex", params=dict.fromkeys(names, hostile))
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert "<img" not in json.dumps(answer.json())


def test_names_of_places_are_those_of_the_tiles(client: TestClient) -> None:
    described = client.get(f"/hex?{PERIOD}&{OF_MARSEILLE}").json()
    answer = client.get(described["places"])
    assert answer.headers["content-type"] == "application/json"
    assert "immutable" in answer.headers["cache-control"]
    names = answer.json()
    assert names == commune_names()
    _header, columns = ask(client, described["key"], tile_over(*MARSEILLE, 12))
    found = {names[place - 1] for place in columns["place"].tolist() if place}
    assert any("Marseille" in name for name in found)
    assert client.get("/lieux/0123456789abcdef.json").status_code == 404


def test_a_tile_s_bounds_hold_its_hexagons(client: TestClient) -> None:
    """A tile of 512 px is one of 256 px of the zoom before: its address is the standard's."""
    tile = tile_over(*MARSEILLE, 9)
    west, south, east, north = tile_bounds(tile)
    _header, columns = ask(client, key_of(client), tile)
    lng, lat = centres(columns["cell"])
    assert columns["cell"].size
    assert ((lng >= west) & (lng < east) & (lat > south) & (lat <= north)).all()


def test_what_tiles_are_cut_from_is_read_and_classed_while_their_view_is_described(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of the zoom that the map says it has; without one, or with none that there is, nothing is read ahead."""
    made: list[Any] = []
    real = hex_tiles.level
    monkeypatch.setattr(hex_tiles, "level", lambda *given: made.append(given) or real(*given))
    context = context_of(store)
    client = client_over(context)
    for zoom in ("", "99", "x", "-1"):
        assert client.get(f"/hex?{OF_MARSEILLE}&{PERIOD}&zoom={zoom}").status_code == 200
    view, _ignored = View.from_params(dict(pair.split("=") for pair in f"{OF_MARSEILLE}&{PERIOD}".split("&")))
    resolution = view.resolution_at(11)
    described = client.get(f"/hex?{OF_MARSEILLE}&{PERIOD}&zoom=11")
    deadline = time.monotonic() + 10
    while not len(context.tables) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert len(context.tables) == 1
    asked = {"vue": str(described.json()["key"]), "resolution": str(resolution)}
    classes = client.get("/hex/classes", params=asked).json()["classes"]
    assert len(made) == 1
    ask(client, asked["vue"], tile_over(*MARSEILLE, 10))
    assert len(context.tables) == 1  # tiles are cut from the same
    assert classes == real(context, ANYONE, view, resolution)["classes"]


def test_territories_compared_share_their_classes(context: Context) -> None:
    client = client_over(context)
    codes = ("marseille", "lille")
    asked = f"{PERIOD}&territoires={','.join(f'cross:{code}' for code in codes)}"
    levels = []
    for code in codes:
        key = client.get(f"/hex?{asked}&territoire=cross:{code}").json()["key"]
        levels.append(client.get("/hex/classes", params={"vue": key, "resolution": 8}).json())
    assert levels[0] == levels[1]
    views = [View(Territory("cross", code), date(2026, 3, 1), UNTIL) for code in codes]
    tables = [whole_table(context, ANYONE, view, 8).table for view in views]
    counted = sum(int((table.states == STATE_CODES["value"]).sum()) for table in tables)
    assert sum(spec["count"] for spec in levels[0]["classes"]) == counted
    assert levels[0]["classes"][-1]["high"] >= max(float(np.nanmax(table.values)) for table in tables)
    alone = client.get(f"/hex?{PERIOD}&territoire=cross:marseille").json()["key"]
    assert client.get("/hex/classes", params={"vue": alone, "resolution": 8}).json()["classes"] != levels[0]["classes"]
