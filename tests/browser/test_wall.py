"""What a wall does not show: anything without its marking, or too old; an hour in front of it is in test_stories.py."""

from __future__ import annotations

import itertools

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.conftest import until

pytestmark = pytest.mark.browser

ROUND_S = 180  # of all scenes: a map that a busy machine does not have in time comes again with the next round


def told(page: Page, change: str) -> list[str]:
    """What stands on the wall, and whether its map is seen, in the moment in which its state is another."""
    return list(
        page.evaluate(
            f"""() => {{
              room.state.{change};
              room._tell();
              const map = document.querySelector("iframe");
              return [document.querySelector("main").innerText, getComputedStyle(map).visibility];
            }}"""
        )
    )


def test_nothing_is_shown_without_its_marking_or_when_it_is_old(browser: Browser, server: str) -> None:
    context = browser.new_context(viewport={"width": 1080, "height": 1920}, locale="fr-FR")
    page = context.new_page()
    try:
        page.goto(f"{server}/mur?script=cross")
        until(page, "window.room?.current?.shown?.kind === 'carte'", ROUND_S)
        assert told(page, "marking = null") == [
            "La mention de protection est inconnue : rien ne peut être montré.",
            "hidden",
        ]
        words, seen = told(page, "marking = { code: 'restricted', label: 'Diffusion Restreinte' }")
        assert words.startswith("faits")
        assert seen == "visible"
        words, seen = told(page, "sources = room.state.sources.map((source) => ({ ...source, stale_from: 0 }))")
        assert words.startswith("Données périmées : dernier chargement il y a")
        assert seen == "hidden"
        places = page.evaluate(
            "import('/ui/wall_sight.js').then((m) => [...Array(161).keys()].map((at) => m.shiftAt(at)))"
        )
        assert all(one != other for one, other in itertools.pairwise(places))
        assert max(abs(shift) for place in places for shift in place) == 8
        page.goto(f"{server}/mur?script=absent")
        until(page, "document.querySelector('main').textContent.includes('absent')")
        assert "antenne, cross, national" in page.locator("main").inner_text()
    finally:
        context.close()
