"""What cannot be compared is said on the page; a chief's whole story is in test_stories.py."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser

OpenPage = Callable[..., Page]


def test_what_cannot_be_compared_is_said_and_the_page_stays(server: str, open_page: OpenPage) -> None:
    page = open_page(
        f"{server}/comparaison?territoires=cross:lille,cross:lille,departement:13,cross:atlantide,cross:nice"
        "&du=1950-01-01&au=1950-12-31"
    )
    for said in (
        "Un territoire ne se compare pas à lui-même : cross:lille",
        "On compare des territoires d'un même type",
        "Territoire inconnu : cross « atlantide »",
        "La base ne tient aucun fait de la période",
    ):
        expect(page.get_by_text(said)).to_be_visible()
    maps = page.frame_locator(".st-key-maps iframe")
    expect(maps.locator("figcaption")).to_have_text(["Lille", "Nice"])
    page.goto(f"{server}/comparaison?territoires=cross:lille&du=1000-01-01&langue=en")
    expect(page.get_by_text("Only one territory is chosen")).to_be_visible()
    expect(page.get_by_text("Date “du=1000-01-01” ignored")).to_be_visible()
