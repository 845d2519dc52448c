"""Send lines to a server's live door, in order, until each of them is acknowledged: the client of `dashboard.door`.

A batch that got no answer is sent again as it was: the door recognises what it holds already.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from queue import Empty, Queue
from threading import Thread
from typing import IO, Any

import httpx2

from dashboard.door_body import LINES, PATH
from geo.errors import N_, HexacrossError

BATCH_LINES = 500
BATCH_BYTES = 2**20
IDLE_S = 0.5  # without a further line, what is there is sent
LINES_AHEAD = 5_000  # read from the input while a batch is on its way
TIMEOUT_S = 60.0  # of one request: the door answers after the commit
FIRST_DELAY_S, LAST_DELAY_S = 0.25, 15.0  # between two attempts
NO_ANSWER = 0  # stands for a status: the connection failed, or was lost before the answer
TOO_LARGE = 413
COME_BACK = frozenset({NO_ANSWER, 408, 429, 500, 502, 503, 504})
SHOWN_REFUSALS = 1_000  # kept for the summary; all are in the server's quarantine

NO_TOKEN = N_("Clé absente, ou qui n'en est pas une. Donner HEXACROSS_TOKEN, ou --token.")
NO_URL = N_("« {given} » n'est pas une adresse de serveur. Attendu http://… ou https://…")
AWAY = N_("{url} ne répond pas ({reason}) : nouvel essai dans un instant.")
GIVEN_UP = N_(
    "{url} n'a pas répondu depuis {seconds} s ({reason}). {lines} lignes y sont ; relancer la même commande renverra"
    " le reste sans rien doubler."
)
REFUSED = N_("{url} refuse cet envoi ({status}) : {reason} {lines} lignes y sont déjà.")


class FeedError(HexacrossError):
    """Sending cannot go on: the door refuses, or has been away for too long."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """A line refused: its number in what was sent (the file's), and every fault in the server's words."""

    line: int
    faults: tuple[dict[str, str], ...]


@dataclass(slots=True)
class Summary:
    """What became of the lines acknowledged so far."""

    lines: int = 0
    accepted: int = 0
    repeated: int = 0
    refused: int = 0
    retries: int = 0
    refusals: list[Refusal] = field(default_factory=list)


Numbered = tuple[int, bytes]  # a line that is not blank, and its number in the input, from 1


class Feeder:
    """Sends batches of lines to one door over one connection. Use as a context."""

    def __init__(
        self, url: str, token: str, patience_s: float, report: Callable[[FeedError], None] | None = None
    ) -> None:
        """`report` is told, once for each outage, that the server is away."""
        if not token or not token.isascii() or not token.isprintable():
            raise FeedError(NO_TOKEN)
        if not url.startswith(("http://", "https://")):
            raise FeedError(NO_URL, given=url)
        self._url = url.rstrip("/") + PATH
        self._headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/x-ndjson"}
        self._patience_s = patience_s
        self._report = report
        self._client = httpx2.Client(timeout=TIMEOUT_S)
        self.summary = Summary()

    def __enter__(self) -> Feeder:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def send(self, batch: list[Numbered]) -> list[dict[str, Any]]:
        """Send a batch until the door has it; answers what became of each line.

        Raises:
            FeedError: The door refuses the batch, or did not answer for `patience_s`.
        """
        body = b"\n".join(text for _, text in batch)
        started, delay = time.monotonic(), FIRST_DELAY_S
        while True:
            answer = self._attempt(body)
            if answer.status == 200:
                return self._noted(batch, answer.lines)
            if answer.status == TOO_LARGE and len(batch) > 1:
                half = len(batch) // 2
                return self.send(batch[:half]) + self.send(batch[half:])
            about = {"url": self._url, "reason": answer.reason, "lines": self.summary.lines}
            if answer.status not in COME_BACK:
                raise FeedError(REFUSED, status=answer.status, **about)
            away_s = time.monotonic() - started
            if away_s > self._patience_s:
                raise FeedError(GIVEN_UP, seconds=round(away_s), **about)
            if self._report is not None and delay == FIRST_DELAY_S:
                self._report(FeedError(AWAY, **about))
            self.summary.retries += 1
            # Feeds that lost the same server do not all come back at once.
            time.sleep(max(answer.wait_s, delay) * random.uniform(0.75, 1.25))  # noqa: S311 -- no secret
            delay = min(2 * delay, LAST_DELAY_S)

    def _attempt(self, body: bytes) -> _Answer:
        try:
            response = self._client.post(self._url, content=body, headers=self._headers)
        except httpx2.TransportError as error:
            return _Answer(NO_ANSWER, reason=str(error) or type(error).__name__)
        if response.status_code == 200:
            return _Answer(200, lines=response.json()["answers"])
        return _Answer(response.status_code, _reason(response), _seconds(response.headers.get("retry-after", "")))

    def _noted(self, batch: list[Numbered], told: list[dict[str, Any]]) -> list[dict[str, Any]]:
        summary = self.summary
        summary.lines += len(told)
        for (number, _), answer in zip(batch, told, strict=True):
            setattr(summary, answer["status"], getattr(summary, answer["status"]) + 1)
            if answer["status"] == "refused" and len(summary.refusals) < SHOWN_REFUSALS:
                summary.refusals.append(Refusal(number, tuple(answer["faults"])))
        return told


@dataclass(frozen=True, slots=True)
class _Answer:
    """What one attempt gave: the lines' answers, or why not and how long to wait."""

    status: int
    reason: str = ""
    wait_s: float = 0.0
    lines: list[dict[str, Any]] = field(default_factory=list)


def _reason(response: httpx2.Response) -> str:
    try:
        return str(response.json()["error"])
    except (ValueError, KeyError, TypeError):
        return f"HTTP {response.status_code}"


def _seconds(header: str) -> float:
    return float(header) if header.isascii() and header.isdigit() else 0.0


def batches(lines: Iterable[Numbered]) -> Iterator[list[Numbered]]:
    """Cut lines into batches for one request each, without waiting for a full one when no line comes."""
    batch: list[Numbered] = []
    size = 0
    for line in _as_they_come(lines):
        if line is not None:
            batch.append(line)
            size += len(line[1])
        full = len(batch) >= min(BATCH_LINES, LINES) or size >= BATCH_BYTES
        if batch and (full or line is None):
            yield batch
            batch, size = [], 0


def numbered(file: IO[bytes], progress: Callable[[int], None] | None = None) -> Iterator[Numbered]:
    """The lines of a file that are not blank. `progress` is told the bytes read."""
    read = 0
    for number, text in enumerate(file, start=1):
        read += len(text)
        if text.strip():
            yield number, text.strip()
        if progress is not None:
            progress(read)


def _as_they_come(lines: Iterable[Numbered]) -> Iterator[Numbered | None]:
    """The lines, and None whenever none came for a moment, and at the end."""
    queue: Queue[Numbered | BaseException | None] = Queue(LINES_AHEAD)

    def read() -> None:
        try:
            for line in lines:
                queue.put(line)
        except BaseException as error:  # noqa: BLE001 -- raised again below, in the thread that sends
            queue.put(error)
        else:
            queue.put(None)

    Thread(target=read, name="hexacross-feed", daemon=True).start()
    while True:
        try:
            line = queue.get(timeout=IDLE_S)
        except Empty:
            yield None
            continue
        if isinstance(line, BaseException):
            raise line
        yield line
        if line is None:
            return
