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


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_hexagons_over_marseille_are_painted(server: str, open_page: OpenPage, theme: str) -> None:
    page = open_page(f"{server}/?{MARSEILLE}", theme=theme)
    expect(page.locator("h1")).to_have_text("Marseille")
    wait_for_colours(page, colours_of(server, page, MARSEILLE, theme))
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
    found = wait_for_colours(page, colours_of(server, page, MARSEILLE)[-1:])  # the highest class: it has events
    page.wait_for_timeout(1500)  # the frame has come to rest on the territory
    found = wait_for_colours(page, colours_of(server, page, MARSEILLE)[-1:])
    rows, columns = np.nonzero(found)
    middle = len(rows) // 2
    page.locator(FRAME).click(position={"x": float(columns[middle]), "y": float(rows[middle])})
    expect(page.get_by_role("tab", name="Hexagone")).to_have_attribute("aria-selected", "true")
    expect(page.locator('[data-testid="stDataFrame"]').first).to_be_visible()
    resolution = level_of(server, page, MARSEILLE)["resolution"]
    assert f"hexagone=8{resolution:x}" in page.url  # of the hexagon that was seen, not of the territory's usual one
    assert "territoire=cross" in page.url


def test_a_commander_goes_from_an_alert_to_an_event_and_back(server: str, open_page: OpenPage) -> None:
    page = open_page(f"{server}/?territoire=antenna:marseille&du=2024-12-01&au=2026-10-31")
    facts = page.locator(".hx-latest > li")
    expect(facts).to_have_count(40)
    page.get_by_label("Chercher dans ces faits").fill("zzz")
    expect(page.locator(".hx-latest-state")).to_have_text("Aucun de ces faits ne contient « zzz ».")
    page.get_by_label("Chercher dans ces faits").fill("")
    page.get_by_role("button", name="Pause").click()
    expect(page.locator(".hx-latest-state")).to_have_text("En pause")

    page.get_by_role("tab", name="Veille").click()
    page.get_by_label("Derniers jours").fill("90")
    page.get_by_label("Seuil", exact=True).fill("1")
    with page.expect_response(lambda answer: "/alertes/perimetres?etat=" in answer.url) as answer:
        page.get_by_role("button", name="Surveiller Marseille").click()
    assert [feature["properties"]["kind"] for feature in answer.value.json()["features"]] == ["alert"]
    alerts = page.locator(".hx-alerts")
    expect(alerts).to_contain_text("le seuil de 1 est atteint depuis le")
    page.get_by_label("Note : qui l'a vue, ce qui est fait").fill("équipe <b>prévenue</b>")
    page.get_by_role("button", name="Acquitter").click()
    expect(alerts).to_contain_text("équipe <b>prévenue</b>")
    expect(alerts).to_contain_text("Alerte vue")

    page.get_by_role("tab", name="Rythme").click()
    expect(page.locator(".hx-heat td[title]")).to_have_count(7 * 24)
    page.get_by_role("tab", name="Où").click()
    page.locator(".hx-table").get_by_role("link", name="Marseille").click()
    expect(page.locator(".hx-crumbs")).to_contain_text("Antenne Marseille")
    page.wait_for_url(lambda url: "territoire=cross:marseille" in url)
    page.locator(".hx-table a[data-go^=hexagone]").first.click()
    hexagon = page.get_by_role("tab", name="Hexagone")
    expect(hexagon).to_have_attribute("aria-selected", "true")
    expect(page.locator('[data-testid="stDataFrame"]').first).to_be_visible()
    page.go_back()
    expect(hexagon).to_be_hidden()
    page.locator(".hx-crumbs").get_by_role("link", name="France").click()
    expect(page.locator("h1")).to_have_text("France")
    assert "du=2024-12-01" in page.url
    page.get_by_role("tab", name="Veille").click()
    page.get_by_text("1 seuil surveillé").click()
    page.get_by_role("button", name="Retirer").click()
    expect(alerts).to_be_hidden()


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
    address = f"{server}/?{MARSEILLE}&produit=cocaine&mesure=taux&classes=jenks"
    seen = []
    for _ in range(2):
        page = open_page(address)
        wait_for_colours(page, colours_of(server, page, address.partition("?")[2]))
        seen.append(page.locator(".hx-figures").first.inner_text())
        expect(page.get_by_role("combobox", name="Mesure")).to_have_value("Taux d'incidents")
    assert seen[0] == seen[1]


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
