"""An error of ours as the answer of a route: a sentence in the reader's language, with the status that fits."""

from __future__ import annotations

import logging

from starlette.responses import JSONResponse

from dashboard.i18n import translate_error, use_language
from dashboard.tile_tokens import TokenError
from data.errors import ForbiddenError, QueryError, StoreError, UnreachableError
from geo.errors import N_, HexacrossError
from geo.tiles import NoTileError

log = logging.getLogger("hexacross")

STATUS: dict[type[HexacrossError], int] = {
    TokenError: 401,
    ForbiddenError: 403,
    NoTileError: 404,
    QueryError: 422,
    StoreError: 503,
    HexacrossError: 500,
}


def status_of(error: HexacrossError) -> int:
    """Of the closest ancestor in the table."""
    return next(STATUS[kind] for kind in type(error).__mro__ if kind in STATUS)


def error_answer(error: HexacrossError, language: str) -> JSONResponse:
    status = status_of(error)
    if isinstance(error, UnreachableError):
        log.warning("%s", error)
        # Not its address.
        error = StoreError(N_("La base est injoignable ; la suite viendra d'elle-même à son retour."))
    elif status >= 500:
        log.error("%s", error, exc_info=error)
    with use_language(language):
        return JSONResponse({"error": translate_error(error)}, status_code=status)
