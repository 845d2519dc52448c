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


def shown_counts(server: str, query: str, zoom: int) -> tuple[int, float]:
    """Hexagons with a value, and the facts in them, as the server tells them tile by tile."""
    columns = shown(reader(server), query, zoom=zoom).columns
    valued = columns["state"] == STATE_CODES["value"]
    return int(valued.sum()), float(columns["values"][valued].sum())


def test_hours_are_walked_through_one_by_one(server: str, open_page: OpenPage) -> None:
    """From days to hours, played over midnight; what is painted are the facts of these hours."""
    page, frame = open_walk(server, open_page)
    frame.locator(".hxc-time-choice select").first.select_option("heure")
    page.wait_for_url(lambda url: "du=2026-03-02&au=2026-03-02" in url and "heures=0-6" in url and "pas=heure" in url)
    label = frame.locator(".hxc-time-label")
    expect(label).to_have_text("2 mars 2026, de 0 h à 6 h")
    expect(page.locator(".hx-title")).to_contain_text("2 mars 2026, de 0 h à 6 h")
    expect(frame.locator(".hxc-time-day")).to_have_count(7)
    slider = frame.locator(".hxc-time-canvas")
    slider.focus()
    for _ in range(20):
        page.keyboard.press("ArrowRight")
    expect(label).to_have_text("2 mars 2026, de 20 h à 2 h")
    page.wait_for_url(lambda url: "du=2026-03-02" in url and "heures=20-2" in url)
    frame.wait_for_selector(".hxc-map[data-state=ready]")
    expect(frame.locator(".hxc-legend-unit")).to_contain_text("de 20 h à 2 h")
    before = [text for text in legend(frame) if text != "zéro"]
    frame.get_by_role("button", name="Lire").click()
    frame.wait_for_function("Number(document.querySelector('.hxc-time').dataset.steps) >= 5")
    frame.get_by_role("button", name="Pause").click()
    page.wait_for_url(lambda url: "du=2026-03-03" in url and "pas=heure" in url)
    frame.wait_for_selector(".hxc-map[data-state=ready]")
    assert [text for text in legend(frame) if text != "zéro"] == before
    hours = page.url.partition("heures=")[2].partition("&")[0]
    zoom = round(frame.evaluate("Object.values(window).find(value => value instanceof L.Map).getZoom()"))
    asked = f"{MARSEILLE}&du=2026-03-03&au=2026-03-03&heures={hours}"
    valued, facts = shown_counts(server, asked, zoom)
    assert facts < shown_counts(server, f"{MARSEILLE}&du=2026-03-03&au=2026-03-03", zoom)[1]
    expect(frame.locator(".hxc-map")).to_have_attribute("data-hexagons", str(sum(counts(frame))))
    assert sum(counts(frame)[: len(before)]) == valued
    frame.locator(".hxc-time-choice select").first.select_option("semaine")
    page.wait_for_url(lambda url: "du=2026-03-03&au=2026-03-09" in url and "heures" not in url)


def test_hours_are_chosen_beside_the_dates(server: str, open_page: OpenPage) -> None:
    page = open_page(f"{server}/?{MARSEILLE}&du=2026-03-02&au=2026-03-08")
    frame = map_frame(page)
    frame.wait_for_selector(".hxc-map[data-state=ready]")
    page.get_by_role("button", name="Toutes les heures").click()
    page.get_by_role("combobox", name="De", exact=True).click()
    page.get_by_role("option", name="22 h", exact=True).click()
    page.wait_for_url(lambda url: "heures=22-6" in url)
    expect(page.locator(".hx-title")).to_contain_text("2–8 mars 2026, de 22 h à 6 h")
    expect(page.get_by_role("button", name="De 22 h à 6 h")).to_be_visible()
    expect(frame.locator(".hxc-legend-unit")).to_contain_text("de 22 h à 6 h")


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
