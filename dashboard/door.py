"""The live door: `POST /api/events` takes events as they happen, and answers once they are durably kept.

A request costs the event loop its bytes and nothing more: it is checked in a thread, and written by the one writer
(`data.live`) together with what arrived meanwhile.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from dashboard.context import Context
from dashboard.door_body import LINES, PATH, RequestError, read_body
from dashboard.door_tokens import Token, Tokens
from dashboard.i18n import _, translate_error, use_language
from dashboard.settings import LANGUAGES
from data.errors import PersonalDataError, StoreError
from data.live import BusyError, LiveWriter, feed_batch
from data.live_lines import TooManyLinesError, UnreadableFeedError, read_json, read_ndjson, validate
from data.placing import Placer
from data.store import Arrival, Chunk, Outcome
from geo.errors import N_, HexacrossError, message

log = logging.getLogger("hexacross")

REQUESTS = 64  # at once, from all producers
REQUESTS_OF_ONE = 16  # at once, with the same token
RETRY_AFTER_S = 1
FORMATS = {
    "application/json": read_json,
    "application/x-ndjson": read_ndjson,
    "application/ndjson": read_ndjson,
    "application/jsonl": read_ndjson,
}
STATUS: dict[type[HexacrossError], int] = {
    UnreadableFeedError: 400,
    TooManyLinesError: 413,
    PersonalDataError: 422,
    StoreError: 503,
}


class Door:
    """The route and what it keeps between two requests: tokens, places in the queue, the writer."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._tokens = Tokens(Path(context.settings.tokens))
        self._requests: Counter[str] = Counter()  # under way, by digest of their token
        self._writer: LiveWriter | None = None
        self._placer: Placer | None = None
        self._making = threading.Lock()

    def route(self) -> Route:
        return Route(PATH, self.answer, methods=["POST"])

    def close(self) -> None:
        """Write what waits."""
        if self._writer is not None:
            self._writer.close()

    async def answer(self, request: Request) -> JSONResponse:
        """Answer one request in the language of the interface, or that of `?langue=`."""
        asked = request.query_params.get("langue", "")
        with use_language(asked if asked in LANGUAGES else self._context.settings.language):
            try:
                token = self._admitted(request)
                with self._place(token):
                    return JSONResponse(await self._take(request, token))
            except HexacrossError as error:
                return _refusal(error)

    def _admitted(self, request: Request) -> Token:
        kind, _space, presented = request.headers.get("authorization", "").partition(" ")
        token = self._tokens.find(presented.strip()) if kind.lower() == "bearer" else None
        if token is None:
            raise RequestError(
                401,
                N_("Clé absente ou inconnue. Attendu l'en-tête « Authorization: Bearer » et une clé de ce serveur."),
            )
        if token.revoked:
            raise RequestError(
                403, N_("Cette clé a été retirée le {day}. En demander une autre."), day=token.revoked[:10]
            )
        return token

    @contextmanager
    def _place(self, token: Token) -> Iterator[None]:
        """A place among the requests under way; only ever used in the event loop's thread."""
        if self._requests[token.digest] >= REQUESTS_OF_ONE:
            raise RequestError(
                429, N_("Trop de demandes à la fois avec cette clé. Attendu au plus {limit}."), limit=REQUESTS_OF_ONE
            )
        if self._requests.total() >= REQUESTS:
            raise RequestError(503, N_("Trop de demandes à la fois : renvoyer celle-ci dans un instant."))
        self._requests[token.digest] += 1
        try:
            yield
        finally:
            self._requests[token.digest] -= 1

    async def _take(self, request: Request, token: Token) -> dict[str, Any]:
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind not in FORMATS:
            raise RequestError(
                415, N_("Type « {given} » inconnu. Attendu {expected}."), given=kind[:50], expected=", ".join(FORMATS)
            )
        body = await read_body(request, self._context.settings.body_mb * 2**20)
        arrival = await asyncio.to_thread(self._check, body, kind, token)
        outcome = await asyncio.wrap_future(self._live_writer().submit(arrival))
        return await asyncio.to_thread(_told, arrival.chunk, outcome)

    def _check(self, body: bytes, kind: str, token: Token) -> Arrival:
        """Read and validate, in a thread."""
        producer = token.producer
        batch = feed_batch(producer, datetime.now(UTC).date())
        return Arrival(batch, validate(FORMATS[kind](body, LINES), producer, batch, self._live_placer()))

    def _live_placer(self) -> Placer:
        with self._making:
            if self._placer is None:
                self._placer = Placer(self._context.geography)
            return self._placer

    def _live_writer(self) -> LiveWriter:
        with self._making:
            if self._writer is None:
                self._writer = LiveWriter(self._context.store)
            return self._writer


def _refusal(error: HexacrossError) -> JSONResponse:
    """The answer to a request of which nothing was kept."""
    if isinstance(error, RequestError):
        status = error.status
    else:
        status = next((STATUS[kind] for kind in type(error).__mro__ if kind in STATUS), 500)
    if status >= 500 and not isinstance(error, BusyError | RequestError):
        log.error("%s", error, exc_info=error)
    headers = {"Cache-Control": "no-store"}
    if status in (429, 503):
        headers["Retry-After"] = str(RETRY_AFTER_S)
    if status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    return JSONResponse({"error": translate_error(error)}, status_code=status, headers=headers)


def _told(chunk: Chunk, outcome: Outcome) -> dict[str, Any]:
    """What became of each line, and the counts of it."""
    answers: list[dict[str, Any]] = [{"line": line, "status": "accepted"} for line in range(1, chunk.lines + 1)]
    for line in outcome.repeated.tolist():
        answers[line - 1]["status"] = "repeated"
    refusals = [*(chunk.refusals.to_pylist() if chunk.refusals is not None else ()), *outcome.refusals.to_pylist()]
    for refusal in refusals:
        told = answers[refusal["line"] - 1]
        told["status"] = "refused"
        expected = message(refusal["expected"])
        fault = {
            "field": refusal["field"],
            "given": refusal["given"],
            "expected": expected.said(_),
            "reason": message(refusal["reason"], given=refusal["given"], expected=expected).said(_),
        }
        told.setdefault("faults", []).append(fault)
    counts = Counter(told["status"] for told in answers)
    return {
        "batch_id": outcome.ledger.batch_id,
        "lines": chunk.lines,
        **{status: counts[status] for status in ("accepted", "repeated", "refused")},
        "answers": answers,
    }
