"""The Données page in a real browser: a file of ours, and its refused lines."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser

OpenPage = Callable[..., Page]
HEADER = "source;source_event_id;family;kind;occurred_at;longitude;latitude;place_precision"


def test_a_file_is_understood_loaded_and_accounted_for(server: str, open_page: OpenPage, tmp_path: Path) -> None:
    good = [f"essai;{i};incident;seizure;2026-03-{i + 1:02d}T10:00;5.37;43.3;point" for i in range(9)]
    file = tmp_path / "navigateur.csv"
    bad = "essai;mauvais;incident;seizure;2026-13-45;5.37;43.3;point"
    file.write_text("\n".join([HEADER, *good, bad]), encoding="utf-8")
    page = open_page(f"{server}/donnees")
    page.locator('input[type="file"]').set_input_files(file)
    expect(page.get_by_text("Lu comme : canonical")).to_be_visible()
    page.get_by_role("button", name="Charger", exact=True).click()
    expect(page.get_by_text("10 lignes : 9 acceptées, 0 répétées, 1 refusées.")).to_be_visible()
    expect(page.get_by_text("Lignes refusées")).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("button", name="Télécharger la quarantaine").click()
    text = Path(download.value.path()).read_text(encoding="utf-8-sig")
    assert "2026-13-45" in text
    assert text.splitlines()[1].startswith("11;")


def test_a_file_no_reader_takes_is_told(server: str, open_page: OpenPage, tmp_path: Path) -> None:
    file = tmp_path / "vide.csv"
    file.write_bytes(b"")
    page = open_page(f"{server}/donnees")
    page.locator('input[type="file"]').set_input_files(file)
    expect(page.get_by_text("vide").first).to_be_visible()
