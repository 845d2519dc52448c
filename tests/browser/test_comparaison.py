"""A chief's story in a real browser: choose territories, compare, take the workbook away and find the same in it."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import openpyxl
import pytest
from playwright.sync_api import Frame, Page, expect

pytestmark = pytest.mark.browser

OpenPage = Callable[..., Page]
FRAME = ".st-key-maps iframe"
COMPARED = "territoires=cross:marseille,cross:lille&du=2025-11-01&au=2026-10-31"
VIEWS = """() => L.hexacross.sideBySide.maps.map(({ map, home }) => {
  const zoom = map.getZoom();
  const way = map.project(map.getCenter(), zoom).subtract(map.project(home, zoom));
  return [zoom, Math.round(way.x), Math.round(way.y)];
})"""
# Whether the maps are as near as the largest territory allows.
FITS = """() => {
  const { maps } = L.hexacross.sideBySide;
  const nearest = maps.map(({ map, bounds }) => map.getBoundsZoom(bounds, false, L.point(24, 24)));
  return maps.every(({ map }) => map.getZoom() === Math.min(...nearest));
}"""


def maps_frame(page: Page, number: int) -> Frame:
    """The frame of the maps, all of them being painted."""
    handle = page.wait_for_selector(FRAME)
    frame = handle.content_frame() if handle else None
    assert frame is not None
    expect(frame.locator(".hxc-map[data-state=ready]")).to_have_count(number)
    return frame


def figures(page: Page) -> dict[str, list[str]]:
    """The table of the page: the name of each figure → what its cells say, without what stands behind."""
    return {
        line.locator("th").evaluate("cell => cell.firstChild.textContent"): line.locator("td b").all_inner_texts()
        for line in page.locator(".hx-compared tbody tr").all()
    }


def test_a_chief_chooses_compares_and_exports(server: str, open_page: OpenPage, tmp_path: Path) -> None:
    page = open_page(f"{server}/comparaison?{COMPARED}")
    frame = maps_frame(page, 2)
    expect(page.locator(".hx-compared thead th")).to_have_count(2)
    assert frame.evaluate(FITS)

    page.get_by_role("combobox", name="Territoires comparés").click()
    page.get_by_role("option", name="Lyon").click()
    page.keyboard.press("Escape")
    page.wait_for_url(lambda url: "lyon" in url)
    expect(page.locator(".hx-compared thead th")).to_have_count(3)
    frame = maps_frame(page, 3)
    assert frame.locator("figcaption").all_inner_texts() == ["Marseille", "Lille", "Lyon"]
    assert frame.locator(".hxc-legend:visible").count() == 1
    assert len({view[0] for view in frame.evaluate(VIEWS)}) == 1

    place = frame.locator(".hxs-map .leaflet-container").nth(1).bounding_box()  # on the page
    assert place is not None
    x, y = place["x"] + place["width"] / 2, place["y"] + place["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x - 40, y + 20, steps=4)
    page.wait_for_timeout(300)  # held still: nothing flies on
    page.mouse.up()
    views = frame.evaluate(VIEWS)
    assert abs(views[0][1]) > 20
    assert max(abs(one - other) for view in views for one, other in zip(view, views[1], strict=True)) <= 2
    frame.get_by_role("button", name="Zoom avant").first.click()
    assert {view[0] for view in frame.evaluate(VIEWS)} == {views[0][0] + 1}

    shown = figures(page)
    assert len(shown["Incidents"]) == 3
    assert all(re.fullmatch(r"\d[\d\u202f]*", text) for text in shown["Incidents"])
    with page.expect_download() as download:
        page.get_by_role("button", name="Classeur (XLSX)").click()
    assert download.value.suggested_filename == "comparaison-cross-marseille-lille-lyon-donnees-de-demonstration.xlsx"
    download.value.save_as(tmp_path / "comparaison.xlsx")
    book = openpyxl.load_workbook(tmp_path / "comparaison.xlsx")
    exported: dict[str, list[str]] = {}
    for line in book["Chiffres"].iter_rows(min_row=3, values_only=True):
        exported.setdefault(str(line[0]), []).append(str(line[8]))
    assert exported == shown
    assert book["Chiffres"].cell(1, 1).value == "Données de démonstration"

    page.get_by_role("radio", name="Base 100").click()
    page.wait_for_url(lambda url: "courbes=indice" in url)
    link = page.locator(".hx-compared tbody tr").first.locator("td a").nth(1)
    with page.expect_navigation():
        link.click()
    expect(page.locator("h1")).to_have_text("Lille")
    assert "du=2025-11-01" in page.url
    expect(page.locator(".hx-figure").first).to_contain_text(shown["Incidents"][1])


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
    assert maps_frame(page, 2).locator("figcaption").all_inner_texts() == ["Lille", "Nice"]
    page.goto(f"{server}/comparaison?territoires=cross:lille&du=1000-01-01&langue=en")
    expect(page.get_by_text("Only one territory is chosen")).to_be_visible()
    expect(page.get_by_text("Date “du=1000-01-01” ignored")).to_be_visible()
