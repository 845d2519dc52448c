"""The page around the map: on paper, on a very large screen, in a theme of one's own, and with the Back button."""

from __future__ import annotations

import shutil
import urllib.request
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from data.lists import JURISDICTIONS, copy_lists
from tests.browser.conftest import demonstration, serve

pytestmark = pytest.mark.browser

MARSEILLE = "territoire=cross:marseille&du=2024-12-01&au=2026-10-31"
OpenPage = Callable[..., Page]


def test_paper_says_in_words_what_the_controls_say(server: str, open_page: OpenPage) -> None:
    page = open_page(f"{server}/?{MARSEILLE}&produit=cocaine,heroin&mesure=taux")
    expect(page.locator(".hx-sources")).to_be_visible()
    printed = page.locator(".hx-printed")
    expect(printed).to_be_hidden()
    page.emulate_media(media="print")
    expect(printed).to_be_visible()
    expect(printed).to_have_text("Mesure : Taux d'incidents · Produit : Cocaïne, Héroïne")
    expect(page.locator("h1")).to_be_visible()
    band = page.locator(".hx-band")
    expect(band).to_be_visible()
    assert band.evaluate("band => getComputedStyle(band).printColorAdjust") == "exact"
    assert [box for box in page.locator(".stSelectbox, .stMultiSelect, .stDateInput").all() if box.is_visible()] == []


def test_back_and_forward_change_the_filters_and_the_figures(server: str, open_page: OpenPage) -> None:
    page = open_page(f"{server}/?{MARSEILLE}")
    figures = page.locator(".hx-figure").first
    chosen = page.locator(".stMultiSelect").nth(2)
    expect(figures).to_be_visible()
    everything = figures.inner_text()
    page.get_by_label("Produit").click()
    page.get_by_role("option", name="Cocaïne").click()
    expect(figures).not_to_have_text(everything, use_inner_text=True)
    of_cocaine = figures.inner_text()
    page.go_back()
    expect(figures).to_have_text(everything, use_inner_text=True)
    expect(chosen).not_to_contain_text("Cocaïne")
    page.go_forward()
    expect(figures).to_have_text(of_cocaine, use_inner_text=True)
    expect(chosen).to_contain_text("Cocaïne")
    # In a column as narrow as this one is, what is chosen can be read whole: before, after and while it is entered.
    whole = "spans => spans.map((span) => [span.scrollWidth <= span.clientWidth, span.offsetWidth > 0])"
    tags = chosen.locator("[data-tag] > span")
    assert tags.evaluate_all(whole) == [[True, True]]
    page.get_by_label("Produit").click()
    assert tags.evaluate_all(whole) == [[True, True]]
    page.get_by_role("option", name="Cannabis (forme non précisée)").click()
    expect(tags).to_have_text(["Cannabis (forme non précisée)", "Cocaïne"])
    assert tags.evaluate_all(whole) == [[True, True]] * 2


@pytest.mark.parametrize(("width", "height", "letters"), [(1280, 800, "15px"), (3840, 2160, "30px")])
def test_letters_grow_on_a_very_large_screen(
    server: str, open_page: OpenPage, width: int, height: int, letters: str
) -> None:
    page = open_page(f"{server}/?{MARSEILLE}", width=width, height=height)
    expect(page.locator(".hx-sources")).to_be_visible()
    assert page.evaluate("getComputedStyle(document.documentElement).fontSize") == letters
    assert page.evaluate("document.documentElement.scrollWidth") == width


def test_numbers_are_written_in_the_language_of_the_page(server: str, browser: Browser) -> None:
    foreign = browser.new_context(locale="en-US")
    page = foreign.new_page()
    page.route("**/*.js", lambda route: route.continue_() if route.request.url.endswith("/base.js") else route.abort())
    said = []
    for language in ("fr", "en"):
        page.goto(f"{server}/couverture?langue={language}")
        said.append(page.evaluate("[(1234.5).toLocaleString(navigator.languages), navigator.language]"))
    foreign.close()
    assert said == [["1\u202f234,5", "fr-FR"], ["1,234.5", "en-GB"]]


def test_a_theme_chosen_by_hand_overrides_the_system(server: str, open_page: OpenPage) -> None:
    page = open_page(f"{server}/?{MARSEILLE}", theme="dark")
    app = page.locator(".stApp")
    expect(app).to_have_css("color-scheme", "dark")
    page.get_by_test_id("stMainMenu").get_by_role("button").click()
    page.get_by_test_id("stMainMenuItem-theme-Light").click()
    expect(app).to_have_css("color-scheme", "light")


def test_lists_that_contradict_themselves_are_said_wherever_they_are_needed(
    open_page: OpenPage, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    copy_lists(tmp_path / "lists")
    path = tmp_path / "lists" / JURISDICTIONS
    lines = path.read_text("utf-8-sig").splitlines(keepends=True)
    path.write_text("".join(line for line in lines if ";13;" not in line), "utf-8")
    store = shutil.copy(demonstration(tmp_path_factory), tmp_path / "demo.duckdb")
    with contextmanager(serve)(store, tmp_path / "log", HEXACROSS_LISTS=str(tmp_path / "lists")) as address:
        page = open_page(f"{address}/")
        for name in ("", "couverture", "controles", "comparaison"):
            page.goto(f"{address}/{name}")
            said = page.locator('[data-testid="stAlert"]')
            expect(said).to_have_count(1)
            expect(said).to_contain_text("Les listes de référence comptent 1 anomalie(s)")
            expect(page.locator("[data-testid=stDataFrame] td", has_text="département 13 dans aucun")).to_be_attached()
        page.goto(f"{address}/routes")  # of countries alone
        expect(page.locator(".hx-figures")).to_contain_text("États déclarants")
        expect(page.locator('[data-testid="stAlert"]')).to_have_count(0)
        with urllib.request.urlopen(f"{address}/mur") as answer:
            assert "département 13 dans aucun ressort" in answer.read().decode()
