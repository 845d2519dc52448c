"""The page of controls in a real browser: the matrix by keyboard, its cell's map, its file, its divisions."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.pixels import map_frame

pytestmark = pytest.mark.browser

OpenPage = Callable[..., Page]
PERIOD = "du=2024-12-01&au=2026-10-31"


def test_the_matrix_is_walked_through_and_opens_what_a_cell_is_made_of(server: str, open_page: OpenPage) -> None:
    page = open_page(f"{server}/controles?territoire=antenna:marseille&{PERIOD}")
    expect(page.locator("h1")).to_have_text("Contrôles · Marseille")
    expect(page.get_by_text("Plus on contrôle, plus on trouve")).to_be_visible()
    grid = page.get_by_role("grid")
    expect(grid.get_by_role("rowheader", name="Bouches-du-Rhône")).to_be_visible()
    expect(grid.get_by_role("columnheader", name="Rail")).to_be_visible()
    cells = grid.get_by_role("link")
    cells.first.focus()
    for key in ("ArrowDown", "ArrowRight", "ArrowRight"):
        page.keyboard.press(key)
    focused = page.locator(":focus")
    said = focused.get_attribute("data-said") or ""
    assert ", Rail : " in said
    expect(page.locator(".hx-said")).to_have_text(said)
    page.keyboard.press("Control+Home")
    expect(page.locator(":focus")).to_have_attribute("data-said", cells.first.get_attribute("data-said") or "")
    expect(grid.locator('a[tabindex="0"]')).to_have_count(1)
    expect(page.get_by_role("combobox", name="Mesure")).to_have_value("Contrôles")
    map_frame(page).wait_for_selector(".hxc-map[data-state=ready]")
    with page.expect_download() as download:
        page.get_by_role("button", name="Télécharger la matrice").click()
    assert download.value.suggested_filename == "controles-donnees-de-demonstration.csv"
    text = Path(download.value.path()).read_text(encoding="utf-8-sig")
    rows = list(csv.DictReader(text.splitlines(), delimiter=";"))
    assert {row["marking"] for row in rows} == {"demo"}
    assert {row["territory"] for row in rows} >= {"13", "83", "antenna:marseille"}
    grid.get_by_role("link", name="Bouches-du-Rhône, Route").press("Enter")
    page.wait_for_url(lambda url: "territoire=departement:13" in url and "nature=road_check" in url)
    expect(page.locator("h1")).to_have_text("Bouches-du-Rhône")


def test_the_country_is_divided_as_one_likes_and_filters_without_controls_are_said(
    server: str, open_page: OpenPage
) -> None:
    page = open_page(f"{server}/controles?{PERIOD}&nature=arrest", theme="dark")
    expect(page.get_by_text("Les filtres choisis écartent tous les contrôles")).to_be_visible()
    grid = page.get_by_role("grid")
    expect(grid.get_by_role("rowheader", name="Lille")).to_be_visible()
    page.get_by_label("Par", exact=True).click()
    page.get_by_role("option", name="CROSS").click()
    page.wait_for_url(lambda url: "par=cross" in url and "mesure=controles" in url)
    expect(grid.get_by_role("columnheader", name="CROSS")).to_be_visible()
