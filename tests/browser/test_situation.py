"""The Situation page in a real browser: hexagons, a click, filters, address, themes, languages."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Callable

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from layers.hexagons import Level
from tests.browser.pixels import FRAME, map_frame, map_zoom, wait_for_colours
from tests.hexagons import reader, shown

pytestmark = pytest.mark.browser

MARSEILLE = "territoire=cross:marseille&du=2024-12-01&au=2026-10-31"
OpenPage = Callable[..., Page]


def level_of(server: str, page: Page, query: str) -> Level:
    """The classes that the map shows at its zoom."""
    return shown(reader(server), query, zoom=map_zoom(page)).level


def colours_of(server: str, page: Page, query: str, theme: str = "light") -> list[str]:
    key = "colour_dark" if theme == "dark" else "colour"
    upper = level_of(server, page, query)["classes"][-3:]  # the lowest ones are close to the ground
    return [spec[key] for spec in upper]  # type: ignore[literal-required]  # one of two keys


def test_hexagons_over_marseille_are_painted_for_a_dark_room(server: str, open_page: OpenPage) -> None:
    """Those for a desk are seen by the tests below."""
    page = open_page(f"{server}/?{MARSEILLE}", theme="dark")
    expect(page.locator("h1")).to_have_text("Marseille")
    wait_for_colours(page, colours_of(server, page, MARSEILLE, "dark"))
    expect(page.get_by_text("Données de démonstration").first).to_be_visible()


def test_the_page_is_in_french_and_in_english(server: str, open_page: OpenPage) -> None:
    page = open_page(f"{server}/?{MARSEILLE}")
    expect(page.get_by_role("tab", name="Par jour")).to_be_visible()
    assert page.locator("html").get_attribute("lang") == "fr"
    page.get_by_role("link", name="English").click()
    expect(page.get_by_role("tab", name="By day")).to_be_visible()
    assert page.locator("html").get_attribute("lang") == "en"
    assert "langue=en" in page.url


def test_a_click_on_a_hexagon_shows_its_figures_and_events(server: str, open_page: OpenPage) -> None:
    page = open_page(f"{server}/?{MARSEILLE}")
    highest = colours_of(server, page, MARSEILLE)[-1:]  # it has events
    before, found = None, wait_for_colours(page, highest)
    while not np.array_equal(before, found):  # the map comes to rest on the territory
        before, found = found, wait_for_colours(page, highest)
    rows, columns = np.nonzero(found)
    middle = len(rows) // 2
    page.locator(FRAME).click(position={"x": float(columns[middle]), "y": float(rows[middle])})
    expect(page.get_by_role("tab", name="Hexagone")).to_have_attribute("aria-selected", "true")
    expect(page.locator('[data-testid="stDataFrame"]').first).to_be_visible()
    resolution = level_of(server, page, MARSEILLE)["resolution"]
    assert f"hexagone=8{resolution:x}" in page.url  # of the hexagon that was seen, not of the territory's usual one
    assert "territoire=cross" in page.url


def test_a_filter_changes_the_address_and_the_map(server: str, open_page: OpenPage) -> None:
    page = open_page(f"{server}/?{MARSEILLE}")
    map_frame(page)
    container = page.locator(FRAME).locator("xpath=ancestor::*[contains(@class, 'stElementContainer')][1]")
    assert container.evaluate("box => { box.style.opacity = 0.33; return getComputedStyle(box).opacity; }") == "1"
    container.evaluate("box => (box.style.opacity = '')")
    with page.expect_response(lambda answer: "/hex?" in answer.url and "produit=cocaine" in answer.url) as answer:
        page.get_by_label("Produit").click()
        page.get_by_role("option", name="Cocaïne").click()
    assert answer.value.status == 200
    page.wait_for_url(lambda url: "produit=cocaine" in url)


def test_the_address_shows_the_same_view_again(server: str, open_page: OpenPage) -> None:
    query = f"{MARSEILLE}&produit=cocaine&mesure=taux&classes=jenks"
    page = open_page(f"{server}/?{query}")
    wait_for_colours(page, colours_of(server, page, query))
    figures = page.locator(".hx-figures").first
    seen = figures.text_content() or ""
    page.reload()
    expect(page.get_by_role("combobox", name="Mesure")).to_have_value("Taux d'incidents")
    expect(figures).to_have_text(seen)


def test_an_address_with_garbage_is_said_and_the_rest_is_shown(server: str, open_page: OpenPage) -> None:
    page = open_page(f"{server}/?{MARSEILLE}&produit=coca-cola&resolution=99")
    expect(page.get_by_text("Filtre « produit=coca-cola » ignoré")).to_be_visible()
    expect(page.get_by_text("Résolution « 99 » ignorée")).to_be_visible()
    expect(page.locator("h1")).to_have_text("Marseille")


def test_an_empty_store_says_so_and_offers_the_demonstration(empty_server: str, open_page: OpenPage) -> None:
    page = open_page(empty_server)
    expect(page.get_by_text("La base ne contient encore aucun fait")).to_be_visible()
    expect(page.get_by_role("button", name="Charger la démonstration")).to_be_visible()


def test_health_and_refusals(server: str) -> None:
    with urllib.request.urlopen(f"{server}/healthz") as answer:
        assert json.load(answer)["ok"] is True
    foreign = urllib.request.Request(f"{server}/healthz", headers={"Host": "evil.example"})
    with pytest.raises(urllib.error.HTTPError, match="421"):
        urllib.request.urlopen(foreign)
