"""The page of maps: nothing in it that a browser under our rules would refuse, in the reader's language."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from dashboard.cache import ByteCache
from dashboard.comparison_maps import MAPS, compared_json, maps_route
from dashboard.context import Context
from dashboard.settings import Settings
from dashboard.view import View
from data.geography import geography
from data.opening import open_store
from data.query import Territory
from layers.colours import THEMES


@pytest.fixture
def client(tmp_path: Path) -> TestClient:
    store = open_store(str(tmp_path / "empty.duckdb"))
    context = Context(Settings(), store, geography(), ByteCache(2**20))
    return TestClient(Starlette(routes=[maps_route(context)]))


def options_of(html: str) -> dict[str, object]:
    found = re.search(r'<script type="application/json" id="options">(.*?)</script>', html, re.DOTALL)
    assert found is not None
    read: dict[str, object] = json.loads(found[1])
    return read


def test_its_scripts_are_files_and_its_options_are_data(client: TestClient) -> None:
    html = client.get(MAPS, params={"theme": "dark", "langue": "en"}).text
    scripts = re.findall(r"<script([^>]*)>(.*?)</script>", html, re.DOTALL)
    assert [body for attributes, body in scripts if "application/json" not in attributes] == [""] * (len(scripts) - 1)
    assert not re.search(r"\son\w+=|javascript:", html)
    options = options_of(html)
    assert options["colours"] == {**options["colours"], "name": "dark", "inkMinor": THEMES["dark"].ink_minor}
    assert '<html lang="en"' in html
    assert options["strings"]["legend"] == "Legend"


@pytest.mark.parametrize("query", ["theme=<script>&langue=<b>", "theme=dark&theme=light", "langue=fr%00", ""])
def test_any_address_gives_a_page(client: TestClient, query: str) -> None:
    answer = client.get(f"{MAPS}?{query}")
    assert answer.status_code == 200
    assert '<html lang="fr"' in answer.text


def test_each_map_is_told_its_own_view() -> None:
    chosen = (Territory("cross", "lille"), Territory("cross", "nice"))
    told = json.loads(compared_json(geography(), View(compared=chosen, curves="indice", step="jour", cell=1)))
    assert [one["name"] for one in told] == ["Lille", "Nice"]
    for one, territory in zip(told, chosen, strict=True):
        view, ignored = View.from_params(dict(pair.split("=") for pair in one["address"].removeprefix("?").split("&")))
        assert (view.territory, view.compared, view.curves, view.step, view.cell) == (
            territory,
            chosen,
            None,
            None,
            None,
        )
        assert ignored == []
        (south, west), (north, east) = one["bounds"]
        assert south < north
        assert west < east
