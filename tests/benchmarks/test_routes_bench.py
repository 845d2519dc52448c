"""The Routes page with all 311,038 lines of the UNODC: to its first paint, and to new figures after a filter."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from data.ingest import load_file
from data.opening import open_store
from tests.benchmarks.report import median_time, report
from tests.browser.conftest import browser, serve
from tests.browser.pixels import map_frame

__all__ = ["browser"]  # a fixture

pytestmark = [pytest.mark.bench, pytest.mark.dataset, pytest.mark.timeout(600)]

SEIZURES = "unodc-ids-2011-2016.csv.gz"
FIRST_PAINT_S, FILTER_S = 2.0, 0.3
WARM_S = 5  # the server reads the store and draws its lines once, beside the first visitor's loading
DRAWN = ".hxc-map[data-state=ready]"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, datasets: Path) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("routes")
    path = folder / "seizures.duckdb"
    store = open_store(str(path))
    load_file(store, datasets / SEIZURES)
    store.close()
    for address in serve(path, folder / "log"):
        time.sleep(WARM_S)
        yield address


def opened(browser: Browser, address: str) -> Page:
    """The page once its map is drawn and its figures stand beside it."""
    page = browser.new_page(locale="fr-FR")
    page.set_default_timeout(60_000)
    page.goto(address)
    page.wait_for_selector(".hx-figures")
    map_frame(page).wait_for_selector(DRAWN)
    return page


def test_first_paint(browser: Browser, server: str) -> None:
    opened(browser, f"{server}/routes").close()  # the browser's own first start
    trivial_s = median_time(lambda: _trivial(browser, server))
    seconds = median_time(lambda: opened(browser, f"{server}/routes").close())
    passed = seconds <= FIRST_PAINT_S
    report("Routes page of 311,038 seizures, to map and figures", seconds, trivial_s, f"≤ {FIRST_PAINT_S} s", passed)


def _trivial(browser: Browser, server: str) -> None:
    """The smallest page of ours: what any page costs in this browser on this machine."""
    page = browser.new_page()
    page.goto(f"{server}/donnees")
    page.wait_for_selector("h1")
    page.close()


def test_filter_to_new_figures(browser: Browser, server: str) -> None:
    page = opened(browser, f"{server}/routes")
    seconds = []
    for option, drug in (("Cocaïne", "cocaine"), ("Héroïne", "heroin"), ("Crack", "crack")):
        before = page.inner_text(".hx-figures")
        page.get_by_label("Produit").click()
        choice = page.get_by_role("option", name=option, exact=True)
        choice.wait_for()
        start = time.perf_counter()
        choice.click()
        page.wait_for_function("before => document.querySelector('.hx-figures').innerText !== before", arg=before)
        seconds.append(time.perf_counter() - start)
        assert drug in page.url
    median = sorted(seconds)[1]
    page.close()
    report("Routes page of 311,038 seizures, filter to figures", median, None, f"≤ {FILTER_S} s", median <= FILTER_S)
