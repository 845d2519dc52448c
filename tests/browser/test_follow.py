"""Figures follow the address of their page: the newest alone, whole, and kept when no others can be had."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

import dashboard
from tests.browser.harness import serving

pytestmark = pytest.mark.browser

# The parts of a page, and what dashboard/static/live.js does with them; `seen`: every state in which the page stood.
PAGE = """<!doctype html><title>Figures</title><link rel="icon" href="data:,">
<header data-live="title" data-from="/chiffres" data-of="?produit=first"><h1>first</h1></header>
<div id="streamlit"><div data-live="figures" data-of="?produit=first">first</div></div>
<script src="/ui/parts.js"></script><script src="/ui/follow.js"></script>
<script>
  window.away = false;
  const put = ({ parts, of }) => window.hexacrossParts.put(parts, of);
  window.figures = window.hexacrossFigures(put, () => window.away);
  setInterval(window.figures.watch, 20);
  window.seen = [];
  const text = (selector) => document.querySelector(selector).innerText;
  new MutationObserver(() => window.seen.push(`${text("h1")}/${text("#streamlit")}`))
    .observe(document.body, { childList: true, subtree: true });
</script>"""
DRAWN_BY_STREAMLIT = """(product) => (document.querySelector("#streamlit").innerHTML =
  `<div data-live="figures" data-of="?produit=${product}">${product}</div>`)"""
GO = "(product) => history.pushState(null, '', `?produit=${product}`)"


class Figures:
    """Answers with the product that is asked for, once its event is set if it is held."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.held: dict[str, threading.Event] = {}
        self.app = Starlette(
            routes=[
                Route("/", lambda request: HTMLResponse(PAGE)),
                Route("/chiffres", self.answer),
                Mount("/ui", StaticFiles(directory=Path(dashboard.__file__).parent / "static")),
            ]
        )

    def answer(self, request: Request) -> Response:
        product = request.query_params.get("produit", "")
        self.asked.append(product)
        if product in self.held:
            self.held[product].wait(10)
        parts = {"title": f"<h1>{product}</h1>", "figures": product}
        return JSONResponse({"parts": parts}, headers={"Hexacross-View": f"?produit={product}"})


@pytest.fixture(scope="module")
def figures() -> Iterator[tuple[str, Figures]]:
    made = Figures()
    with serving(made.app) as address:
        yield address, made


def test_the_newest_figures_alone_are_shown(figures: tuple[str, Figures], open_page: Callable[..., Page]) -> None:
    address, server = figures
    page = open_page(f"{address}/?produit=first")
    shown = page.locator("[data-live='figures']")
    server.held = {"slow": threading.Event()}
    page.evaluate(GO, "slow")
    expect(shown).to_have_class("hx-coming")  # and says that they are on their way, where they stand
    expect(shown).to_have_text("first")
    page.evaluate(GO, "quick")
    expect(shown).to_have_text("quick")
    expect(shown).not_to_have_class("hx-coming")
    server.held["slow"].set()
    page.evaluate(GO, "last&mesure=taux")
    expect(shown).to_have_text("last")
    page.go_back()
    expect(shown).to_have_text("quick")
    page.evaluate("history.pushState(null, '', '?produit=quick&mesure=kg')")  # of the map alone
    page.evaluate(DRAWN_BY_STREAMLIT, "quick")
    page.wait_for_timeout(200)
    assert server.asked == ["slow", "quick", "last", "quick"]
    states = page.evaluate("window.seen")
    assert set(states) == {"quick/quick", "last/last"}, "never the figures of one view under the title of another"


def test_figures_written_late_by_an_older_run_do_not_stay(
    figures: tuple[str, Figures], open_page: Callable[..., Page]
) -> None:
    address, _server = figures
    page = open_page(f"{address}/?produit=first")
    shown = page.locator("[data-live='figures']")
    page.evaluate(GO, "next")
    expect(shown).to_have_text("next")
    page.evaluate(DRAWN_BY_STREAMLIT, "first")
    expect(shown).to_have_text("next")
    expect(page.locator("h1")).to_have_text("next")


def test_figures_stay_when_others_cannot_be_had(figures: tuple[str, Figures], open_page: Callable[..., Page]) -> None:
    address, server = figures
    page = open_page(f"{address}/?produit=first")
    shown = page.locator("[data-live='figures']")
    page.evaluate("window.away = true")
    before = len(server.asked)
    page.evaluate(GO, "unknown")
    page.wait_for_timeout(300)
    assert len(server.asked) == before, "a server that says it is away is not asked"
    expect(shown).to_have_text("first")
    page.evaluate("window.away = false")
    expect(shown).to_have_text("unknown")
    page.evaluate(
        """() => {
          const ask = window.fetch;
          window.asked = 0;
          const gone = () => Promise.reject(new TypeError("gone"));
          window.fetch = (...given) => ((window.asked += 1) > 1 ? ask(...given) : gone());
        }"""
    )
    page.evaluate(GO, "again")
    page.wait_for_timeout(300)
    assert page.evaluate("window.asked") == 1, "asked again at once, a server that is down would not come up"
    expect(shown).to_have_text("unknown")
    expect(shown).to_have_text("again")


def test_what_a_page_writes_into_its_address_is_no_step_back(
    figures: tuple[str, Figures], open_page: Callable[..., Page]
) -> None:
    address, _server = figures
    page = open_page(f"{address}/?produit=first")
    page.evaluate("history.pushState(null, '', '/other'); history.pushState(null, '', '/other?mesure=controles')")
    page.go_back()
    assert page.url == f"{address}/?produit=first"
    page.keyboard.press("a")
    page.evaluate("history.pushState(null, '', '?produit=chosen')")
    page.go_back()
    assert page.url == f"{address}/?produit=first"
