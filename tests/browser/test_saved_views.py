"""Saved views in a real browser: saved, listed, opened on another page, deleted, and sound for readers."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.test_accessibility import faults, settled

pytestmark = pytest.mark.browser

OpenPage = Callable[..., Page]
NAME = "<b>Lille</b> & ${name}"


def test_a_view_is_saved_opened_and_deleted(server: str, open_page: OpenPage) -> None:
    page = open_page(f"{server}/controles?territoire=cross:lille&du=2026-01-01&au=2026-10-31")
    settled(page, "light")
    page.get_by_role("button", name="Vues", exact=True).click()
    page.get_by_label("Nom de la vue à l'écran").fill(NAME)
    page.keyboard.press("Enter")
    saved = page.get_by_role("navigation", name="Vues enregistrées").get_by_role("link", name=NAME)
    expect(saved).to_be_visible()
    assert faults(page) == []
    page.goto(f"{server}/donnees")
    settled(page, "light")
    page.get_by_role("button", name="Vues", exact=True).click()
    saved.click()
    expect(page.locator("h1")).to_have_text("Contrôles · Lille")
    assert "territoire=cross:lille&du=2026-01-01&au=2026-10-31" in page.url
    page.get_by_role("button", name="Vues", exact=True).click()
    page.get_by_label("Vue à supprimer").click()
    page.get_by_role("option", name=NAME).click()
    page.get_by_role("button", name="Supprimer", exact=True).click()
    expect(page.get_by_text("Aucune vue enregistrée")).to_be_visible()
