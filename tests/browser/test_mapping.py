"""Two foreign exports, each with its TOML mapping, stand as hexagons on the map, in French."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import COMMAND, serve
from tests.browser.pixels import wait_for_colours
from tests.browser.test_situation import colours_of
from tests.data.files import documented_example

pytestmark = pytest.mark.browser

REFUSED_LINES = 3  # exit code: loaded, but lines were refused
EXPECTED = {"gendarmerie": REFUSED_LINES, "douane": 0}  # the gendarmerie's has a 31 November


@pytest.fixture(scope="module")
def foreign_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of a Hexacross into which `hexacross load --mapping` brought both examples of docs/mapping.md."""
    folder = tmp_path_factory.mktemp("foreign")
    store = folder / "foreign.duckdb"
    environment = os.environ | {"HEXACROSS_STORE": str(store)}
    for name, code in EXPECTED.items():
        data, mapping = documented_example(name, folder)
        command = [*COMMAND, "load", str(data), "--mapping", str(mapping)]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == code, done.stderr
    yield from serve(store, folder / "log")


@pytest.mark.parametrize(
    ("view", "title"),
    [
        ("territoire=commune:31555&du=2024-11-01&au=2024-11-30&resolution=7", "Toulouse"),  # a Lambert-93 export
        ("territoire=commune:13055&du=2024-10-01&au=2024-10-31&resolution=7", "Marseille"),  # "latitude, longitude"
    ],
)
def test_a_foreign_file_shows_as_hexagons(
    foreign_server: str, open_page: Callable[..., Page], view: str, title: str
) -> None:
    page = open_page(f"{foreign_server}/?{view}")
    expect(page.locator("h1")).to_have_text(title)
    expect(page.get_by_text("Diffusion Restreinte").first).to_be_visible()
    expect(page.get_by_role("tab", name="Par jour")).to_be_visible()
    wait_for_colours(page, colours_of(foreign_server, page, view))


def test_a_foreign_file_is_read_with_the_mapping_one_corrects(
    foreign_server: str, open_page: Callable[..., Page], tmp_path: Path
) -> None:
    data, mapping = documented_example("douane", tmp_path)
    renamed = tmp_path / "autre.csv"
    renamed.write_bytes(data.read_bytes().replace(b"FR-090", b"FR-19"))
    page = open_page(f"{foreign_server}/donnees")
    page.locator('input[type="file"]').set_input_files(renamed)
    proposed = page.get_by_label("Correspondance proposée")
    expect(proposed).to_be_visible()
    proposed.fill(mapping.read_text(encoding="utf-8"))
    page.get_by_role("button", name="Lire avec cette correspondance").click()
    expect(page.get_by_text("Lu comme : douane")).to_be_visible()
    page.get_by_role("button", name="Charger", exact=True).click()
    expect(page.get_by_text("4 lignes : 4 acceptées")).to_be_visible()
