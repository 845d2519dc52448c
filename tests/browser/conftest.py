"""A served Hexacross with a small demonstration, and a Chromium that tolerates no foreign request and no error."""

from __future__ import annotations

import fcntl
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import geopandas as gpd
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Request, Response, expect, sync_playwright

from dashboard.assets import ASSETS, prepare_assets
from layers.basemap import INDEX, write_basemap
from tests.browser.harness import Stage, serving

REFERENCE = Path(__file__).parents[2] / "data" / "reference"
COMMAND = [sys.executable, "-c", "from dashboard.cli import main; main()"]
DEMO_EVENTS = 40_000
START_S = 60
# Root has no sandbox; the rest keeps Chromium from asking its maker for anything.
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip

# All pages of a context in one process, as long as one of them is open: of what each does, a third is to start anew.
ONE_PROCESS = "--process-per-site"

expect.set_options(timeout=30_000)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until_healthy(address: str, process: subprocess.Popen[bytes]) -> None:
    """Poll /healthz; raises TimeoutError, or AssertionError when the server has stopped."""
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        assert process.poll() is None, f"the server stopped: {process.returncode}"
        try:
            urllib.request.urlopen(f"{address}/healthz", timeout=2).close()
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.1)
        else:
            return
    raise TimeoutError(address)


def until(page: Page, expression: str, timeout_s: float = 30) -> None:
    """Poll a page until an expression is true there: its policy lets Playwright's own waiting evaluate nothing."""
    deadline = time.monotonic() + timeout_s
    while not page.evaluate(expression):
        if time.monotonic() > deadline:
            raise TimeoutError(expression)
        page.wait_for_timeout(20)


def serve(store: Path | str, log: Path, **settings: str) -> Iterator[str]:
    """Run `hexacross run` on a free port until the generator is closed; `settings` by their `HEXACROSS_…` names."""
    port = free_port()
    files = {f"HEXACROSS_{name}": str(log.with_name(f"{log.name}-{name.lower()}.json")) for name in ("ALERTS", "VIEWS")}
    beside = {"HEXACROSS_STORE": str(store), **files}
    environment = os.environ | beside | settings
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*COMMAND, "run", "--port", str(port)], env=environment, stdout=output, stderr=output
        )
        try:
            wait_until_healthy(f"http://127.0.0.1:{port}", process)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait(timeout=20)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of a Hexacross that holds a small demonstration."""
    folder = tmp_path_factory.mktemp("served")
    store = shutil.copy(demonstration(tmp_path_factory), folder / "demo.duckdb")
    yield from serve(store, folder / "log")


def demonstration(factory: pytest.TempPathFactory) -> Path:
    """A store of `DEMO_EVENTS`, to be copied; made once for all the processes that run the tests."""
    shared = factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent
    made = shared / f"demonstration-{DEMO_EVENTS}.duckdb"
    with made.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.exists():
            environment = os.environ | {"HEXACROSS_STORE": str(made.with_suffix(".part"))}
            command = [*COMMAND, "demo", "--events", str(DEMO_EVENTS)]
            subprocess.run(command, env=environment, check=True, capture_output=True)
            made.with_suffix(".part").rename(made)
    return made


@pytest.fixture(scope="session")
def empty_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of a Hexacross that holds nothing yet."""
    folder = tmp_path_factory.mktemp("empty")
    yield from serve(folder / "empty.duckdb", folder / "log")


@pytest.fixture(scope="package")  # Playwright's event loop runs in this thread: it must end before others' tests
def browser() -> Iterator[Browser]:
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("Chromium is not installed")
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=chromium, args=[*FLAGS, ONE_PROCESS])
        yield launched
        launched.close()


@pytest.fixture(scope="session")
def assets() -> None:
    """What `make install` prepares; made here when only the browser's tests are run."""
    prepare_assets()
    if not (ASSETS / "basemap" / INDEX).exists():
        names = ("communes", "arrondissements", "departements", "regions", "countries")
        write_basemap(ASSETS / "basemap", **{name: gpd.read_parquet(REFERENCE / f"{name}.parquet") for name in names})


@pytest.fixture(scope="package")
def shared_context(browser: Browser) -> Iterator[BrowserContext]:
    """For all pages that need no other: what was fetched and compiled for one is there for the next.

    An empty page, of the site but of nobody's origin, stays open, and with it the process.
    """
    context = browser.new_context(viewport={"width": 1280, "height": 800}, locale="fr-FR")
    empty = context.new_page()
    empty.route("**/*", lambda route: route.fulfill(content_type="text/html", body=""))
    empty.goto("http://127.0.0.1/")
    yield context
    context.close()


@contextmanager
def pages_of(context: BrowserContext) -> Iterator[Callable[..., Page]]:
    """Open pages beside the empty one; at the end they are closed, and nothing is left of what they remembered."""
    origins: set[str] = set()
    [empty] = context.pages

    def opened(theme: str = "light", width: int = 1280, height: int = 800) -> Page:
        page = context.new_page()
        page.set_default_timeout(30_000)
        page.set_viewport_size({"width": width, "height": height})
        page.emulate_media(color_scheme="dark" if theme == "dark" else "light")
        page.on("framenavigated", lambda frame: origins.add("{0.scheme}://{0.netloc}".format(urlsplit(frame.url))))
        return page

    yield opened
    for page in context.pages[1:]:
        page.close()
    memory = context.new_cdp_session(empty)
    for origin in origins:
        memory.send("Storage.clearDataForOrigin", {"origin": origin, "storageTypes": "cookies,local_storage"})
    memory.detach()


@pytest.fixture
def new_page(shared_context: BrowserContext) -> Iterator[Callable[..., Page]]:
    """An empty page: `new_page(theme, width, height)`."""
    with pages_of(shared_context) as opened:
        yield opened


@pytest.fixture(scope="package")
def stage() -> Iterator[Stage]:
    """Where the harnesses of the tests are served, one after the other."""
    held = Stage()
    with serving(held) as held.address:
        yield held


@pytest.fixture
def open_page(new_page: Callable[..., Page]) -> Iterator[Callable[..., Page]]:
    """Open a page; at the end of the test, any request to another host, error or failed answer fails it."""
    faults: list[str] = []

    def note_foreign(request: Request) -> None:
        parts = urlsplit(request.url)
        if parts.scheme not in ("data", "blob") and parts.hostname != "127.0.0.1":
            faults.append(f"request to another host: {request.url}")

    def note_failed(response: Response) -> None:
        if response.status >= 400:
            faults.append(f"{response.status} {response.url}")

    def opened(address: str, theme: str = "light", width: int = 1280, height: int = 800) -> Page:
        page = new_page(theme, width, height)
        page.on("request", note_foreign)
        page.on("pageerror", lambda error: faults.append(f"script error: {error}"))
        page.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
        page.on("response", note_failed)
        page.goto(address)
        return page

    yield opened
    assert faults == []
