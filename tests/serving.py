"""A real server of Hexacross in a process of its own: for what a test within one process would not show."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx2

ROOT = Path(__file__).parents[1]
START_S = 120  # on a busy machine


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class ServerProcess:
    """`hexacross run` over a store, on one port for as many lives as it is started.

    `settings`: others, by their `HEXACROSS_…` names.
    """

    def __init__(self, store: str, tokens: Path, log: Path, **settings: str) -> None:
        self._settings = settings
        self._store, self._tokens, self._log = store, tokens, log
        self._process: subprocess.Popen[bytes] | None = None
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("HEXACROSS_")}
        environment |= {"HEXACROSS_STORE": self._store, "HEXACROSS_TOKENS": str(self._tokens)} | self._settings
        if "HEXACROSS_CACHE" in os.environ:
            environment["HEXACROSS_CACHE"] = os.environ["HEXACROSS_CACHE"]
        program = "from dashboard.cli import main; main()"
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-c", program, "run", "--port", str(self.port)],
                cwd=ROOT,
                env=environment,
                stdout=log,
                stderr=log,
            )

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def wait(self) -> None:
        """Until it answers."""
        deadline = time.monotonic() + START_S
        while not self.answers():
            assert self._process is not None
            assert self._process.poll() is None, self._log.read_text(errors="replace")[-2000:]
            assert time.monotonic() < deadline, self._log.read_text(errors="replace")[-2000:]
            time.sleep(0.1)

    def answers(self) -> bool:
        try:
            return httpx2.get(f"{self.url}/healthz", timeout=5).status_code == 200
        except httpx2.TransportError:
            return False

    def end(self, number: signal.Signals = signal.SIGTERM) -> None:
        if self._process is not None:
            self._process.send_signal(number)
            self._process.wait(60)
            self._process = None
