"""A walk through time in a real Chromium: by hand, by keyboard, played; what is painted is what the store holds."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from playwright.sync_api import Frame, Page, expect

from layers.hexagons import STATE_CODES
from tests.browser.pixels import map_frame
from tests.hexagons import reader, shown

pytestmark = pytest.mark.browser

MARSEILLE = "territoire=cross:marseille"
WALK = f"{MARSEILLE}&du=2026-03-02&au=2026-03-08&pas=semaine"
OpenPage = Callable[..., Page]


def open_walk(server: str, open_page: OpenPage, query: str = WALK) -> tuple[Page, Frame]:
    page = open_page(f"{server}/?{query}")
    frame = map_frame(page)
    frame.wait_for_selector(".hxc-map[data-state=ready]")
    expect(frame.locator(".hxc-time-label")).to_have_text("2–8 mars 2026")
    expect(frame.locator(".hxc-time-axis")).to_contain_text("Incidents")
    return page, frame


def legend(frame: Frame) -> list[str]:
    return frame.locator(".hxc-legend-rows .hxc-label").all_inner_texts()


def counts(frame: Frame) -> list[int]:
    texts = frame.locator(".hxc-legend-rows .hxc-count").all_inner_texts()
    return [int("".join(filter(str.isdigit, text))) for text in texts]


def test_a_step_by_hand_moves_map_figures_and_address(server: str, open_page: OpenPage) -> None:
    page, frame = open_walk(server, open_page)
    before = legend(frame)
    frame.get_by_role("button", name="Pas suivant").click()
    expect(frame.locator(".hxc-time-label")).to_have_text("9–15 mars 2026")
    page.wait_for_url(lambda url: "du=2026-03-09" in url and "au=2026-03-15" in url and "pas=semaine" in url)
    expect(page.locator(".hx-title")).to_contain_text("9–15 mars 2026")
    frame.wait_for_selector(".hxc-map[data-state=ready]")
    expect(frame.locator(".hxc-legend-unit")).to_contain_text("9–15 mars 2026")
    assert set(legend(frame)) - {"zéro"} <= set(before) | set(legend(frame))
    zoom = round(frame.evaluate("Object.values(window).find(value => value instanceof L.Map).getZoom()"))
    columns = shown(reader(server), f"{MARSEILLE}&du=2026-03-09&au=2026-03-15", zoom=zoom).columns
    valued = int((columns["state"] == STATE_CODES["value"]).sum())
    zeros = int((columns["state"] == STATE_CODES["zero"]).sum())
    page.wait_for_timeout(500)
    assert sum(counts(frame)) == valued + zeros
    assert np.isfinite(columns["values"][columns["state"] == STATE_CODES["value"]]).all()


def test_playing_walks_on_with_the_same_classes_and_settles_in_the_address(server: str, open_page: OpenPage) -> None:
    page, frame = open_walk(server, open_page)
    before = [label for label in legend(frame) if label != "zéro"]
    frame.get_by_role("button", name="Lire").click()
    frame.wait_for_function("Number(document.querySelector('.hxc-time').dataset.steps) >= 4")
    assert [label for label in legend(frame) if label != "zéro"] == before
    assert "du=2026-03-02" in page.url  # the page rests while it plays
    frame.get_by_role("button", name="Pause").click()
    page.wait_for_url(lambda url: "du=2026-03-02" not in url and "pas=semaine" in url)


def test_the_keyboard_walks_and_closes(server: str, open_page: OpenPage) -> None:
    page, frame = open_walk(server, open_page)
    slider = frame.locator(".hxc-time-canvas")
    slider.focus()
    page.keyboard.press("ArrowLeft")
    expect(slider).to_have_attribute("aria-valuetext", "23 févr. – 1 mars 2026")
    page.keyboard.press("Home")
    expect(frame.get_by_role("button", name="Pas précédent")).to_be_disabled()
    page.wait_for_timeout(1500)
    frame.locator(".hxc-time-canvas").focus()
    page.keyboard.press("Escape")
    expect(frame.locator(".hxc-time")).to_be_hidden()
    page.wait_for_url(lambda url: "pas=" not in url)
