"""Chromium by its DevTools protocol alone: for Playwright it keeps what it fetches, which its memory would show."""

from __future__ import annotations

import itertools
import json
import shutil
import subprocess
import time
import urllib.request
from pathlib import Path
from typing import Any, Self

from websockets.sync.client import ClientConnection, connect

from tests.browser.conftest import FLAGS

START_S = 60
VISIBLE = [  # a page that nobody looks at is slowed down otherwise
    "--disable-background-timer-throttling", "--disable-renderer-backgrounding",
    "--disable-backgrounding-occluded-windows",
]  # fmt: skip


class DevTools:
    """One page, with its workers, of a browser of its own; a context that ends it."""

    def __init__(self, folder: Path, width: int, height: int) -> None:
        chromium = shutil.which("chromium")
        assert chromium is not None
        size = f"--window-size={width},{height}"
        asked = ["--headless=new", size, "--remote-debugging-port=0", f"--user-data-dir={folder}", *FLAGS, *VISIBLE]
        with (folder / "log").open("wb") as log:
            self._process = subprocess.Popen([chromium, *asked, "about:blank"], stdout=log, stderr=log)
        port = self._port(folder / "DevToolsActivePort")
        self._numbers = itertools.count(1)
        self._browser = connect(self._address(f"{port}/json/version"), max_size=None)
        self._page = connect(self._address(f"{port}/json/list"), max_size=None)
        self._workers: list[str] = []  # sessions
        self.send("Target.setAutoAttach", autoAttach=True, waitForDebuggerOnStart=False, flatten=True)
        self.send("Performance.enable")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_raised: object) -> None:
        self._page.close()
        self._browser.close()
        self._process.terminate()
        self._process.wait(30)

    @staticmethod
    def _port(told: Path) -> str:
        deadline = time.monotonic() + START_S
        while not (told.exists() and "\n" in told.read_text()):
            assert time.monotonic() < deadline, "Chromium did not start"
            time.sleep(0.05)
        return told.read_text().split("\n")[0]

    @staticmethod
    def _address(where: str) -> str:
        with urllib.request.urlopen(f"http://127.0.0.1:{where}") as answer:
            found = json.load(answer)
        targets = found if isinstance(found, list) else [found]
        return str(next(one for one in targets if one.get("type", "page") == "page")["webSocketDebuggerUrl"])

    def send(self, method: str, session: str = "", **params: object) -> dict[str, Any]:
        """Run a command of the page, or of one of its workers."""
        return self._ask(self._page, method, session, params)

    def processes(self, kind: str) -> list[int]:
        found = self._ask(self._browser, "SystemInfo.getProcessInfo", "", {})["processInfo"]
        return [int(one["id"]) for one in found if one["type"] == kind]

    def _ask(self, at: ClientConnection, method: str, session: str, params: dict[str, object]) -> dict[str, Any]:
        number = next(self._numbers)
        message = {"id": number, "method": method, "params": params} | ({"sessionId": session} if session else {})
        at.send(json.dumps(message))
        while True:
            heard = json.loads(at.recv())
            if heard.get("method") == "Target.attachedToTarget":
                self._workers.append(heard["params"]["sessionId"])
            elif heard.get("method") == "Target.detachedFromTarget":
                self._workers.remove(heard["params"]["sessionId"])
            if heard.get("id") == number:
                assert "error" not in heard, heard
                return dict(heard["result"])

    def evaluate(self, expression: str) -> Any:
        """What an expression of the page comes to; of a promise, once it is kept."""
        answer = self.send("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def until(self, expression: str, timeout_s: float) -> None:
        deadline = time.monotonic() + timeout_s
        while not self.evaluate(expression):
            assert time.monotonic() < deadline, expression
            time.sleep(0.02)

    def metrics(self) -> dict[str, float]:
        """Of the page after a collection, by the protocol's names; `heaps`: bytes of all JavaScript, workers too."""
        heaps = 0.0
        for session in ("", *self._workers):
            for _again in range(2):  # what a first one finalises, a second one frees
                self.send("HeapProfiler.collectGarbage", session)
            usage = self.send("Runtime.getHeapUsage", session)
            heaps += usage["usedSize"] + usage.get("backingStorageSize", 0)
        found = {one["name"]: float(one["value"]) for one in self.send("Performance.getMetrics")["metrics"]}
        return found | {"heaps": heaps}
