"""The programs that are measured, each served by a process of its own, and the Chromium that looks at them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest
from playwright.sync_api import Browser, sync_playwright

from dashboard.assets import ASSETS
from tests.browser.conftest import COMMAND, FLAGS, free_port

TOKENS = "tokens.ndjson"  # of the live door, in the folder of our server
# Software WebGL for pydeck; and no name is resolved: a page that asks another host is refused at once.
BROWSER_FLAGS = [*FLAGS, "--enable-unsafe-swiftshader", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"]


@contextmanager
def served(command: list[str], port: int, folder: Path, **settings: str) -> Iterator[subprocess.Popen[bytes]]:
    """A server, once it answers, until the end of the block."""
    with (folder / f"{port}.log").open("wb") as log:
        process = subprocess.Popen(command, env=os.environ | settings, stdout=log, stderr=log)
        try:
            deadline = time.monotonic() + 120
            while not answers(port):
                assert process.poll() is None, (folder / f"{port}.log").read_text()
                assert time.monotonic() < deadline, "no answer"
                time.sleep(0.1)
            yield process
        finally:
            process.terminate()
            process.wait(30)


def answers(port: int) -> bool:
    try:
        return httpx2.get(f"http://127.0.0.1:{port}/_stcore/health", timeout=5).status_code == 200
    except httpx2.TransportError:
        return False


@contextmanager
def ours(folder: Path, store: Path) -> Iterator[tuple[int, subprocess.Popen[bytes]]]:
    port = free_port()
    settings = {"HEXACROSS_STORE": str(store), "HEXACROSS_TOKENS": str(folder / TOKENS)}
    with served([*COMMAND, "run", "--port", str(port)], port, folder, **settings) as process:
        yield port, process


@contextmanager
def peer(folder: Path, script: str) -> Iterator[tuple[int, subprocess.Popen[bytes]]]:
    port = free_port()
    script_path = Path(__file__).parent / "peers" / script
    command = [sys.executable, "-m", "tests.benchmarks.peers.serve", str(script_path), str(port), str(ASSETS)]
    with served(command, port, folder, PEER_FOLDER=str(folder)) as process:
        yield port, process


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """Without a graphics card."""
    found = shutil.which("chromium")
    if found is None:
        pytest.skip("Chromium is not installed")
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=found, args=BROWSER_FLAGS)
        yield launched
        launched.close()
