"""Answers that are made once, kept compressed, and not sent again to a browser that has them."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import Response

from dashboard.context import Context

GZIP_LEVEL = 5

Key = tuple[object, ...]  # everything that the answer depends on


def keep_answer(context: Context, key: Key, make: Callable[[], bytes]) -> bytes:
    """The answer kept under a key, or a new one; compressed."""
    return context.answers.get_or_make(key, lambda: gzip.compress(make(), GZIP_LEVEL))


def kept_answer(context: Context, request: Request, key: Key, media_type: str, make: Callable[[], bytes]) -> Response:
    """The same as a response; without a body when the browser has it."""
    tag = '"' + hashlib.sha256(repr(key).encode()).hexdigest()[:32] + '"'
    headers = {
        "ETag": tag,
        "Cache-Control": "private, no-cache",
        "Vary": "Accept-Encoding",
        "Hexacross-Version": str(context.live.version or context.store.version()),
    }
    if request.headers.get("if-none-match", "").removeprefix("W/") == tag:
        return Response(status_code=304, headers=headers)
    body = keep_answer(context, key, make)
    if "gzip" in request.headers.get("accept-encoding", ""):
        headers["Content-Encoding"] = "gzip"
    else:
        body = gzip.decompress(body)
    return Response(body, media_type=media_type, headers=headers)
