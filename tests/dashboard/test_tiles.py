"""Vector tiles: the store's numbers, each hexagon once, nothing without a valid token; read again by GDAL."""

from __future__ import annotations

import itertools
import json
import random
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import h3.api.numpy_int as h3
import numpy as np
import pyogrio
import pytest
from itsdangerous import URLSafeTimedSerializer
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.testclient import TestClient

from dashboard import tiles
from dashboard.cache import ByteCache
from dashboard.context import Context
from dashboard.mapdata import period_label
from dashboard.routes import routes
from dashboard.settings import Settings
from dashboard.tile_tokens import VALID_S, TileTokens, TokenError
from dashboard.view import View
from data.demo import load_demo
from data.geography import geography
from data.opening import open_store
from data.query import Query, Territory, Viewer
from data.store import Store
from geo.tiles import Tile, resolution_at, tiles_at
from layers.mvt import MEDIA_TYPE

UNTIL = date(2026, 6, 1)
PERIOD = "du=2026-03-01&au=2026-05-31"
MARSEILLE = (5.37, 43.30)
VIEW = View(start=date(2026, 3, 1), stop=UNTIL)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    opened = open_store(str(tmp_path_factory.mktemp("tiles") / "demo.duckdb"))
    opened.set_memberships(geography().memberships())
    load_demo(opened, 20_000, seed=5, until=UNTIL)
    yield opened
    opened.close()


def client_of(store: Store, threshold: int = 0) -> TestClient:
    context = Context(Settings(threshold=threshold), store, geography(), ByteCache(2**22))
    return TestClient(Starlette(routes=routes(context)))


@pytest.fixture(scope="module")
def client(store: Store) -> TestClient:
    return client_of(store)


def address(client: TestClient, query: str = PERIOD) -> str:
    """The template of the tiles' addresses, without the host."""
    described = client.get(f"/tiles/hexagones.json?{query}").json()
    parts = urlsplit(described["tiles"][0])
    return f"{parts.path}?{parts.query}"


def features(client: TestClient, template: str, tile: Tile, folder: Path) -> dict[str, dict[str, object]]:
    """What GDAL reads in a tile: attributes by hexagon."""
    answer = client.get(template.format(z=tile.z, x=tile.x, y=tile.y))
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == MEDIA_TYPE
    path = folder / str(tile.z) / str(tile.x) / f"{tile.y}.mvt"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(answer.content)
    rows = pyogrio.read_dataframe(path, read_geometry=False)
    return {row["hexagon"]: row for row in rows.to_dict("records")}


def around(lng: float, lat: float, z: int) -> list[Tile]:
    (x,), (y,) = tiles_at([lng], [lat], z)
    return [Tile(z, int(x) + dx, int(y) + dy) for dx, dy in itertools.product((-1, 0, 1), repeat=2)]


def test_tiles_share_out_the_hexagons_of_the_store(client: TestClient, store: Store, tmp_path: Path) -> None:
    """All tiles that hold a fact of Bouches-du-Rhône, at four zooms: the store's hexagons, once each, same numbers."""
    territory = Territory("departement", "13")
    template = address(client, f"{PERIOD}&territoire=departement:13&mesure=kg")
    for z in (6, 9, 11, 13):
        query = Query(date(2026, 3, 1), UNTIL, territory=territory, resolution=resolution_at(z))
        counts = store.counts_by_cell(query, Viewer("national"))
        lng, lat = (np.array(part) for part in zip(*map(centre, counts.cells.tolist()), strict=True))
        seen: dict[str, dict[str, object]] = {}
        for x, y in sorted(set(zip(*(part.tolist() for part in tiles_at(lng, lat, z)), strict=True))):
            found = features(client, template, Tile(z, x, y), tmp_path / str(z))
            assert not found.keys() & seen.keys()
            seen |= found
        assert [int(name, 16) for name in sorted(seen)] == sorted(counts.cells.tolist())
        for cell, incidents, kg in zip(counts.cells.tolist(), counts.incidents, counts.kg, strict=True):
            row = seen[f"{cell:x}"]
            assert row["incidents"] == incidents
            assert np.isnan(row.get("value", np.nan)) if np.isnan(kg) else row["value"] == pytest.approx(kg)  # type: ignore[call-overload]  # GDAL's columns are of any type


def centre(cell: int) -> tuple[float, float]:
    lat, lng = h3.cell_to_latlng(cell)
    return lng, lat


def test_rates_bring_the_ground_without_facts(client: TestClient, tmp_path: Path) -> None:
    """In a territory, an inhabited hexagon without a fact is a zero; it is in the tile as on the map."""
    template = address(client, f"{PERIOD}&territoire=commune:13055&mesure=taux")
    rows = [row for tile in around(*MARSEILLE, 12) for row in features(client, template, tile, tmp_path).values()]
    zeros = [row for row in rows if row["state"] == "zero" and row["incidents"] == 0]
    assert len(zeros) > 20
    assert all(row["population"] >= 0 for row in zeros)


def test_protected_hexagons_show_their_state_alone(store: Store, tmp_path: Path) -> None:
    protecting = client_of(store, threshold=5)
    template = address(protecting, f"{PERIOD}&mesure=incidents")
    rows = [row for tile in around(*MARSEILLE, 6) for row in features(protecting, template, tile, tmp_path).values()]
    protected = [row for row in rows if row["state"] == "protected"]
    shown = [row for row in rows if row["state"] == "value"]
    assert protected
    assert shown
    assert all(np.isnan(row["value"]) and np.isnan(row["incidents"]) and np.isnan(row["kg"]) for row in protected)
    assert all(row["value"] % 5 == 0 for row in shown)


def test_description_is_tilejson(client: TestClient) -> None:
    described = client.get(f"/tiles/hexagones.json?{PERIOD}&territoire=commune:13055").json()
    assert described["tilejson"] == "3.0.0"
    assert described["name"] == f"Hexacross · Incidents · {period_label(VIEW)}"
    assert described["tiles"][0].startswith("http://testserver/tiles/hexagones/{z}/{x}/{y}.mvt?vue=")
    assert 0 <= described["minzoom"] < described["maxzoom"] <= 22
    west, south, east, north = described["bounds"]
    assert west < MARSEILLE[0] < east
    assert south < MARSEILLE[1] < north
    assert set(described["vector_layers"][0]["fields"]) >= {"hexagon", "state", "value", "incidents", "population"}


def test_unchanged_tiles_are_not_sent_again(client: TestClient) -> None:
    asked = address(client).format(z=9, x=263, y=187)
    first = client.get(asked)
    again = client.get(asked, headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    plain = client.get(asked, headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert plain.content == first.content


def test_ten_thousand_requests_for_one_tile_make_it_once(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    made = []
    real = tiles.vector_tile
    monkeypatch.setattr(tiles, "vector_tile", lambda *given: made.append(given) or real(*given))
    context = Context(Settings(), store, geography(), ByteCache(2**22))
    context.live.version = store.version()  # a server listens to its store, and need not ask it
    answering = tiles.Tiles(context)
    token = parse_qs(urlsplit(address(TestClient(Starlette(routes=answering.routes())))).query)["vue"][0]

    def ask(_number: int) -> int:
        place = {"z": "9", "x": "263", "y": "187"}
        request = Request(
            {"type": "http", "path_params": place, "query_string": f"vue={token}".encode(), "headers": []}
        )
        return answering.tile(request).status_code

    with ThreadPoolExecutor(16) as threads:
        assert set(threads.map(ask, range(10_000))) == {200}
    assert len(made) == 1


@pytest.mark.parametrize(
    "tile", ["9/512/0", "9/0/512", "99/0/0", "4/0/0", "15/0/0", "-1/0/0", "9/1.5/2", "9/é/2", "9/²/2", "9/%3Cb%3E/2",
             "9/" + "9" * 400 + "/1"]
)  # fmt: skip
def test_tiles_that_do_not_exist(client: TestClient, tile: str) -> None:
    z, x, y = tile.split("/")
    answer = client.get(address(client).format(z=z, x=x, y=y))
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/json"
    assert "Tuile" in answer.json()["error"]


def token_of(client: TestClient, query: str = PERIOD) -> str:
    return parse_qs(urlsplit(address(client, query)).query)["vue"][0]


def test_no_tile_without_a_valid_token(client: TestClient, store: Store) -> None:
    token = token_of(client)
    elsewhere = token_of(client_of(store))  # another process has another key
    generator = random.Random(2)
    forged = []
    for _ in range(300):
        at = generator.randrange(len(token) - 1)  # base64: some bits of the last character say nothing
        other = generator.choice(
            "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.".replace(token[at], "")
        )
        forged.append(token[:at] + other + token[at + 1 :])
    cut = [token[:length] for length in range(0, len(token), 7)]
    for wrong in ["", "x", "<script>", "é", token * 50, elsewhere, *forged, *cut]:
        answer = client.get("/tiles/hexagones/9/263/187.mvt", params={"vue": wrong})
        assert answer.status_code == 401, wrong
        assert answer.headers["content-type"] == "application/json"
        assert "tuiles" in answer.json()["error"]
    assert client.get("/tiles/hexagones/9/263/187.mvt").status_code == 401


def test_tokens_expire(monkeypatch: pytest.MonkeyPatch) -> None:
    tokens = TileTokens()
    view = View().dated(None, date(2026, 6, 1))
    token = tokens.make(view, Viewer("local"))
    assert tokens.read(token)[0] == view
    later = time.time() + VALID_S + 1
    monkeypatch.setattr("itsdangerous.timed.time.time", lambda: later)
    with pytest.raises(TokenError, match="expiré"):
        tokens.read(token)


def test_a_token_says_who_looks_at_what() -> None:
    tokens = TileTokens()
    viewer = Viewer("Lille", "cross", frozenset({Territory("cross", "lille")}), threshold=5, sees_events=False)
    view = View(
        Territory("commune", "59350"), date(2026, 1, 1), date(2026, 2, 1), drugs=frozenset({"cocaine"}), cell=599
    )
    asked = replace(view, resolution=9, language="en", step="jour")
    assert tokens.read(tokens.make(asked, viewer)) == (replace(view, resolution=9, cell=None), viewer)


def test_a_token_of_ours_with_another_content_is_refused() -> None:
    """Whoever has the key writes what we write; a serializer of another salt has not."""
    tokens = TileTokens()
    signer = URLSafeTimedSerializer(tokens._signer.secret_key, salt="other")
    with pytest.raises(TokenError):
        tokens.read(str(signer.dumps([{}, "local", "national", None, 0])))


def test_markup_in_the_address_is_only_text(client: TestClient) -> None:
    answer = client.get("/tiles/hexagones.json", params={"territoire": "<b>", "mesure": "</script>", "langue": "<i>"})
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert "<b>" not in json.dumps(answer.json())
