"""The body of a request, read as it comes and never past its limit, compressed or not."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import AsyncIterator

from starlette.requests import ClientDisconnect, Request

from geo.errors import N_, HexacrossError

PATH = "/api/events"
LINES = 10_000  # of one request at most
GZIP = zlib.MAX_WBITS | 16
DEADLINE_S = 30.0  # for a whole body: a client that trickles holds a place that others wait for


class RequestError(HexacrossError, ValueError):
    """A request that cannot be read at all. `status`: of the answer."""

    def __init__(self, status: int, template: str, /, **values: object) -> None:
        super().__init__(template, **values)
        self.status = status


async def read_body(request: Request, limit: int) -> bytes:
    """The body, inflated if it was sent gzipped.

    Args:
        limit: Bytes, of what was sent and of what it inflates to.

    Raises:
        RequestError: Too large (413), too slow (408), cut or damaged (400), of an unknown encoding (415).
    """
    encoding = request.headers.get("content-encoding", "identity").strip().lower()
    if encoding not in ("identity", "gzip"):
        raise RequestError(
            415, N_("Codage « {given} » inconnu. Attendu gzip, ou un corps non compressé."), given=encoding[:50]
        )
    try:
        async with asyncio.timeout(DEADLINE_S):
            parts = _limited(request.stream(), limit)
            return b"".join([part async for part in (_inflated(parts, limit) if encoding == "gzip" else parts)])
    except TimeoutError as error:
        raise RequestError(
            408, N_("Demande trop lente : son corps n'était pas arrivé après {seconds} s."), seconds=int(DEADLINE_S)
        ) from error
    except ClientDisconnect as error:
        raise RequestError(400, N_("Demande coupée avant sa fin : rien n'en a été gardé.")) from error


async def _limited(parts: AsyncIterator[bytes], limit: int) -> AsyncIterator[bytes]:
    """Count what comes rather than believe what was announced."""
    received = 0
    async for part in parts:
        received += len(part)
        if received > limit:
            raise _too_large(limit)
        yield part


async def _inflated(parts: AsyncIterator[bytes], limit: int) -> AsyncIterator[bytes]:
    """Inflate one or several gzip members, never more than the limit and a byte at once."""
    inflater, inflated, begun = zlib.decompressobj(GZIP), 0, False
    try:
        async for part in parts:
            rest = part
            while rest:
                if inflater.eof:
                    inflater = zlib.decompressobj(GZIP)
                made = inflater.decompress(rest, limit + 1 - inflated)
                begun = True
                inflated += len(made)
                if inflated > limit:
                    raise _too_large(limit)
                yield made
                rest = inflater.unused_data if inflater.eof else inflater.unconsumed_tail
    except zlib.error as error:
        raise RequestError(400, N_("Corps gzip abîmé : rien n'en a été gardé.")) from error
    if begun and not inflater.eof:
        raise RequestError(400, N_("Corps gzip coupé avant sa fin : rien n'en a été gardé."))


def _too_large(limit: int) -> RequestError:
    return RequestError(
        413,
        N_("Demande trop grande. Attendu au plus {limit} Mo, décompressée : envoyer en plusieurs fois."),
        limit=limit // 2**20,
    )
