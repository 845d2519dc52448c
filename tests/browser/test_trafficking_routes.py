"""The page of routes in a real browser: the map, a corridor chosen by keyboard, its evidence, a filter, garbage."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.pixels import map_frame

pytestmark = pytest.mark.browser

OpenPage = Callable[..., Page]
READY = ".hxc-map[data-state=ready]"


def test_a_corridor_is_found_chosen_and_explained(server: str, open_page: OpenPage) -> None:
    page = open_page(f"{server}/routes?vers=france")
    expect(page.locator("h1")).to_have_text("Routes")
    frame = map_frame(page)
    frame.wait_for_selector(READY)
    assert int(frame.locator(".hxc-map").get_attribute("data-lines") or 0) > 0
    expect(page.get_by_text("Ce que ces données ne disent pas")).to_be_visible()
    expect(page.locator(".hx-limits li").first).to_contain_text("saisies déclarées")
    expect(page.get_by_text("De la production à la destination")).to_be_visible()
    expect(page.locator('[data-testid="stVegaLiteChart"] :is(canvas, svg)').first).to_be_visible()

    keys = frame.locator(".hxc-keys")
    keys.focus()
    keys.press("ArrowRight")
    tooltip = frame.locator(".hxc-tooltip")
    expect(tooltip).to_contain_text("→")
    title = tooltip.locator(".hxc-tooltip-place").inner_text()
    keys.press("Enter")
    page.wait_for_url(re.compile("liaison="))
    expect(page.locator(".hx-says")).to_contain_text("États qui les déclarent")
    expect(page.get_by_role("heading", name=title)).to_be_visible()
    page.get_by_role("button", name="Libérer").click()
    page.wait_for_url(lambda url: "liaison=" not in url)

    with page.expect_response(lambda answer: "/corridors?" in answer.url and "poids=kg" in answer.url) as answer:
        page.get_by_label("Poids des liaisons").click()
        page.get_by_role("option", name="Kilogrammes pesés").click()
    assert answer.value.status == 200
    expect(frame.locator(".hxc-corridor-legend")).to_contain_text("kilogrammes")


def test_garbage_in_the_address_is_said_and_a_corridor_that_is_not_there_too(server: str, open_page: OpenPage) -> None:
    page = open_page(f"{server}/routes?vers=lune&liaison=AQ-FR-sea&langue=en", theme="dark")
    expect(page.get_by_text("vers=lune")).to_be_visible()
    expect(page.get_by_text("AQ-FR-sea")).to_be_visible()
    map_frame(page).wait_for_selector(READY)
    expect(page.get_by_text("What these data do not say")).to_be_visible()


def test_an_empty_store_offers_data(empty_server: str, open_page: OpenPage) -> None:
    page = open_page(f"{empty_server}/routes")
    expect(page.get_by_text("La base ne contient encore aucun fait")).to_be_visible()
