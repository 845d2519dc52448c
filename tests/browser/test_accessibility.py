"""Every page, in both themes, as axe-core sees it: nothing that keeps a reader out."""

from __future__ import annotations

from collections.abc import Callable
from importlib.resources import files

import pytest
from playwright.sync_api import Page, expect

from dashboard.routes import PAGES

pytestmark = pytest.mark.browser

OpenPage = Callable[..., Page]
AXE = (files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8")
GRAVE = ("serious", "critical")
FAULTS = """async (grave) => {
  const { violations } = await axe.run(document, { resultTypes: ["violations"] });
  return violations.filter(({ impact }) => grave.includes(impact)).flatMap(({ id, nodes }) =>
    nodes.map(({ target, failureSummary }) => `${id}: ${target.join(" ")}: ${failureSummary}`));
}"""


def faults(page: Page) -> list[str]:
    """What axe-core finds serious or worse, in the page and in its frames; each with where and why."""
    for frame in page.frames:
        frame.evaluate(AXE)
    found: list[str] = page.evaluate(FAULTS, list(GRAVE))
    return found


def settled(page: Page, theme: str) -> None:
    """Until the page shows all that it has, in a theme."""
    expect(page.locator("h1").first).to_be_visible()
    expect(page.locator(".stApp")).to_have_css("color-scheme", theme)
    expect(page.locator('[data-test-script-state="notRunning"]')).to_be_attached()
    for frame in page.frames[1:]:
        if frame.locator(".hxc-map").count():
            frame.wait_for_selector(".hxc-map[data-state=ready]")


@pytest.mark.parametrize("path", PAGES)
def test_no_page_has_a_serious_fault(server: str, open_page: OpenPage, path: str) -> None:
    page = open_page(f"{server}{path}")
    for theme in ("light", "dark"):
        page.emulate_media(color_scheme=theme)
        settled(page, theme)
        assert faults(page) == [], theme


def test_a_fault_is_found(server: str, open_page: OpenPage) -> None:
    page = open_page(f"{server}/donnees")
    settled(page, "light")
    page.evaluate("document.body.insertAdjacentHTML('beforeend', '<img src=\"data:,\" id=bare><button></button>')")
    assert {fault.partition(":")[0] for fault in faults(page)} == {"image-alt", "button-name"}
