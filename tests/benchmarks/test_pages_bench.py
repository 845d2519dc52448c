"""Each page: from the navigation to its first figures or rows, and from a click on a filter to new figures.

A first paint is that of a browser that knows nothing of the page, on the demonstration of 200,000 facts; a filter is
changed over ten million of them. Routes are measured with all 311,038 seizures of the UNODC. The peer is the least
page that Streamlit can serve, in a process of its own, in turns: what it takes is the floor of any page on this
machine. Times are the browser's own, from its mouse event to the frame that follows the new text.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest
from playwright.sync_api import Browser, Page

from dashboard.routes import PAGES
from data.ingest import load_file
from data.opening import open_store
from tests.benchmarks.programs import chromium, ours, peer
from tests.benchmarks.report import report
from tests.benchmarks.screen import HEIGHT_PX, WIDTH_PX
from tests.benchmarks.test_store_bench import MILLION, filled_store, folder

__all__ = ["chromium"]  # a fixture

pytestmark = [pytest.mark.bench, pytest.mark.timeout(1800)]

SEIZURES = "unodc-ids-2011-2016.csv.gz"
DEMONSTRATION, MANY = 200_000, 10 * MILLION
FIRST_PAINT_S, FILTER_S = 2.0, 0.3
WARM_S = 5  # the server makes what the first visitor would wait for, beside their loading
REST_MS = 2500  # between two clicks: the script has drawn all of it again, and the map its tiles
LOADINGS = 3
ROUTES = "/routes"
# Where figures or rows are first seen, of each page: what stands there must say a number.
FIGURES = {
    "/": ".hx-figures .hx-value",
    "/couverture": ".hx-ledger td b",
    "/comparaison": ".hx-compared b",
    "/controles": ".hx-figures .hx-value",
    ROUTES: ".hx-figures .hx-value",
    "/donnees": "[data-testid='stDataFrame'] canvas",
}
FILTERED = [path for path in PAGES if path != "/donnees"]
PRODUCTS = ("Cocaïne", "Héroïne", "Crack")  # each is added to those before; the seizures know them too
PEER, CHOSEN = "least_page.py", ".stMarkdown p"

# When a place first says something, or draws; in milliseconds from the navigation.
SEEN = """(selector) => {
  const drawn = (place) => place.matches("canvas") && place.width > 1 && place.checkVisibility();
  const said = (place) => drawn(place) || /[0-9a-z]/i.test(place.innerText);
  const look = () => {
    const place = document.querySelector(selector);
    if (place && said(place)) requestAnimationFrame((at) => (window.seenAt = at));
    else requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
}"""
# How long after the mouse went down something else stands there, in milliseconds.
CHANGED = """(selector) => {
  const text = () => [...document.querySelectorAll(selector)].map((place) => place.innerText).join("|");
  const before = text();
  window.changedAfter = 0;
  addEventListener("mousedown", (event) => {
    const look = () => {
      const now = text();
      if (now && now !== before) requestAnimationFrame((at) => (window.changedAfter = at - event.timeStamp));
      else requestAnimationFrame(look);
    };
    requestAnimationFrame(look);
  }, { capture: true, once: true });
}"""


class Served(NamedTuple):
    ours: str  # addresses
    least: str


@contextmanager
def serving(store: Path, made: Path) -> Iterator[Served]:
    with ours(made, store) as (port, _process), peer(made, PEER) as (least, _other):
        time.sleep(WARM_S)
        yield Served(f"http://127.0.0.1:{port}", f"http://127.0.0.1:{least}")


@pytest.fixture(scope="module")
def seizures(tmp_path_factory: pytest.TempPathFactory, datasets: Path) -> Path:
    path = tmp_path_factory.mktemp("routes") / "seizures.duckdb"
    store = open_store(str(path))
    load_file(store, datasets / SEIZURES)
    store.close()
    return path


@pytest.fixture(scope="module")
def stores(seizures: Path) -> Callable[[str, int], Path]:
    def store_of(path: str, events: int) -> Path:
        if path == ROUTES:
            return seizures
        filled_store(events).close()
        return folder() / f"demo-{events}.duckdb"

    return store_of


@contextmanager
def fresh(browser: Browser) -> Iterator[Page]:
    """A page of a browser that keeps nothing."""
    context = browser.new_context(viewport={"width": WIDTH_PX, "height": HEIGHT_PX}, locale="fr-FR")
    page = context.new_page()
    page.set_default_timeout(30_000)
    yield page
    context.close()


def polled(page: Page, expression: str) -> float:
    """A number once it is one: the page's policy lets Playwright's own waiting evaluate nothing."""
    deadline = time.monotonic() + 60
    while not (found := page.evaluate(expression)):
        assert time.monotonic() < deadline, expression
        page.wait_for_timeout(20)
    return float(found)


def first_paint_s(browser: Browser, address: str, selector: str) -> float:
    with fresh(browser) as page:
        page.add_init_script(f"({SEEN})({selector!r})")
        page.goto(address, wait_until="commit")
        return polled(page, "window.seenAt") / 1000


@pytest.mark.dataset
@pytest.mark.parametrize("path", PAGES)
def test_first_paint(chromium: Browser, stores: Callable[[str, int], Path], tmp_path: Path, path: str) -> None:
    with serving(stores(path, DEMONSTRATION), tmp_path) as served:
        taken, least = [], []
        for _ in range(LOADINGS):
            taken.append(first_paint_s(chromium, served.ours + path, FIGURES[path]))
            least.append(first_paint_s(chromium, served.least, CHOSEN))
    seconds, floor = statistics.median(taken), statistics.median(least)
    said = f"≤ {FIRST_PAINT_S} s; worst {max(taken):.2f} s; {seconds / floor:.1f} × the least page"
    report(f"{path}: first figures", seconds, floor, said, seconds <= FIRST_PAINT_S)


def click_s(page: Page, choice: str, selector: str) -> float:
    """From the mouse on an option of the list that is open until something else stands there."""
    option = page.get_by_role("option", name=choice, exact=True)
    option.wait_for()
    page.wait_for_timeout(300)
    page.evaluate(f"({CHANGED})({selector!r})")
    option.click()
    return polled(page, "window.changedAfter") / 1000


def filter_s(page: Page, selector: str) -> list[float]:
    taken = []
    for choice in PRODUCTS:
        page.get_by_label("Produit").click()
        taken.append(click_s(page, choice, selector))
        page.keyboard.press("Escape")
        page.wait_for_timeout(REST_MS)
    return taken


@pytest.mark.dataset
@pytest.mark.parametrize("path", FILTERED)
def test_filter_to_new_figures(
    chromium: Browser, stores: Callable[[str, int], Path], tmp_path: Path, path: str
) -> None:
    with serving(stores(path, MANY), tmp_path) as served, fresh(chromium) as page, fresh(chromium) as other:
        other.goto(served.least)
        other.locator(CHOSEN).wait_for()
        least = filter_s(other, CHOSEN)
        page.goto(served.ours + path)
        page.locator(FIGURES[path]).first.wait_for()
        page.wait_for_timeout(2 * REST_MS)
        taken = filter_s(page, FIGURES[path])
    seconds, floor = statistics.median(taken), statistics.median(least)
    said = f"≤ {FILTER_S} s; worst {max(taken):.2f} s; {seconds / floor:.1f} × the least page"
    report(f"{path}: filter to new figures", seconds, floor, said, seconds <= FILTER_S)
