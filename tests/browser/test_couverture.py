"""Jurisdictions proposed by an address in a real browser; by a cell of the table: test_stories.py."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser
OpenPage = Callable[..., Page]


def test_moves_that_cannot_be_made_are_said_and_the_others_made(server: str, open_page: OpenPage) -> None:
    page = open_page(f"{server}/couverture?volet=antennes&ressorts=13:lyon,99:lyon,2A")
    expect(page.get_by_text("Ressort « 2A » ignoré")).to_be_visible()
    expect(page.get_by_text("département « 99 » inconnu")).to_be_visible()
    expect(page.get_by_text("Partition vérifiée : 107 départements")).to_be_visible()
    expect(page.get_by_text(" incidents, charge ").first).to_contain_text("Marseille : ")
    page.get_by_role("button", name="Revenir aux ressorts des listes").click()
    page.wait_for_url(lambda url: "ressorts" not in url)
