"""What we answer beside Streamlit: hexagons, perimeters, health, and the files of the map."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

import layers
from dashboard.alert_part import alert_outlines
from dashboard.beside import SITUATION
from dashboard.comparison_maps import maps_route
from dashboard.comparison_part import COMPARISON
from dashboard.context import Context, today, viewer_of
from dashboard.control_part import CONTROLS
from dashboard.controls import view_of_params
from dashboard.corridor_answer import corridor_figures_route, corridors_route, warm_up_corridors
from dashboard.coverage_map import CoverageTiles, coverage_perimeters_json
from dashboard.coverage_part import COVERAGE
from dashboard.error_answers import error_answer
from dashboard.following import VERSION, answer_key, figures_address
from dashboard.hex_tiles import KEPT_FOR_EVER, HexTiles
from dashboard.i18n import use_language
from dashboard.index_page import index_html
from dashboard.kept_answers import kept_answer
from dashboard.live import STREAM, stream_route
from dashboard.mapdata import perimeters_json
from dashboard.missing_page import missing_routes
from dashboard.parts import PARTS, part_json
from dashboard.recall import Reading
from dashboard.settings import LANGUAGES
from dashboard.tiles import Tiles
from dashboard.view import View
from dashboard.wall import Wall
from dashboard.zone import zone_route
from geo.errors import HexacrossError
from layers.bundle import bundle, bundle_address

HERE = Path(__file__).parent
ASSETS = HERE / "assets"
DIGEST_NAMED = re.compile(r"[.-][0-9a-f]{8,64}\.[a-z0-9.]+$")  # a name that changes with the content
PAGES = ("/", "/couverture", "/comparaison", "/controles", "/routes", "/donnees")
FOLLOWED = (SITUATION, COVERAGE, CONTROLS, COMPARISON)


class Files(StaticFiles):
    """Files with a digest in their name are kept for ever; the browser asks again for the others (ETag)."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        kept = KEPT_FOR_EVER if DIGEST_NAMED.search(path) else "no-cache"
        response.headers["Cache-Control"] = kept
        return response


def routes(context: Context) -> list[BaseRoute]:
    """All routes of ours. `/layers` are our own scripts, `/assets` those of others and what is derived."""
    return [
        *(Route(path, _index(context)) for path in PAGES),
        Route("/perimetres", _answer(context, "application/json", perimeters_json)),
        Route("/couverture/perimetres", _answer(context, "application/json", coverage_perimeters_json)),
        *CoverageTiles(context).routes(),
        corridors_route(context),
        *(Route(page.source, _answer(context, "application/json", page.answer, pinned=True)) for page in FOLLOWED),
        corridor_figures_route(context),
        *(Route(f"/parties/{name}", _answer(context, "application/json", part_json(name))) for name in PARTS),
        Route("/alertes/perimetres", _answer(context, "application/json", alert_outlines)),
        zone_route(context),
        maps_route(context),
        Route(STREAM, stream_route(context.live)),
        *HexTiles(context).routes(),
        *Tiles(context).routes(),
        *Wall(context).routes(),
        Route("/healthz", _health(context)),
        Mount("/assets", Files(directory=ASSETS, check_dir=False)),
        Route(bundle_address(), map_script),
        Mount("/layers", Files(directory=Path(layers.__file__).parent / "static")),
        Mount("/ui", Files(directory=HERE / "static")),
        *missing_routes(lambda request: _language(request, context)),
    ]


def map_script(request: Request) -> Response:
    """The scripts of the map, under a name that changes with them."""
    return Response(bundle(), media_type="text/javascript", headers={"Cache-Control": KEPT_FOR_EVER})


def _language(request: Request, context: Context) -> str:
    asked = request.query_params.get("langue", "")
    return asked if asked in LANGUAGES else context.settings.language


def _index(context: Context) -> Callable[[Request], Response]:
    def index(request: Request) -> Response:
        html = index_html(_language(request, context))
        return HTMLResponse(html, headers={"Cache-Control": "no-cache"})

    return index


def _answer(
    context: Context, media_type: str, make: Callable[[Context, View], bytes], *, pinned: bool = False
) -> Callable[[Request], Response]:
    """An endpoint that makes its answer from the view in the address, once for each state of the store.

    Not `async`: Starlette runs it in a thread, as the store and the figures take a while.

    Args:
        pinned: The answer depends on the hexagon that is pinned; others stay when one is.
    """

    def endpoint(request: Request) -> Response:
        asked, _ignored = view_of_params(context, dict(request.query_params))
        language = _language(request, context)
        try:
            with use_language(language):
                held = context.kept(context.store.period)(viewer_of(context.settings))
                view = replace(asked, zone=None, cell=asked.cell if pinned else None).dated(held, today())
                key = answer_key(make, context, view)
                answer = kept_answer(context, request, key, media_type, lambda: make(context, view))
        except HexacrossError as error:
            return error_answer(error, language)
        answer.headers["Hexacross-Version"] = str(key[VERSION])
        answer.headers["Hexacross-View"] = figures_address(asked)
        return answer

    return endpoint


def warm_up(context: Context) -> None:
    """Make what the first visitor would wait for: the hexagons and the figures of an address without any parameter.

    Not the perimeters, which the map asks for once it shows hexagons: made now, they would hold these up.
    """
    with use_language(context.settings.language):
        HexTiles(context).warm_up()
        viewer = viewer_of(context.settings)
        view = View().dated(context.store.period(viewer), today())
        SITUATION.parts(context, viewer, view, Reading(context.recall))
        warm_up_corridors(context)


def _health(context: Context) -> Callable[[Request], Response]:
    def health(request: Request) -> Response:
        """200 when the store answers; what it holds, for a supervisor."""
        try:
            version = context.store.version()
            held = context.store.period(viewer_of(context.settings))
        except HexacrossError as error:
            return error_answer(error, _language(request, context))
        return JSONResponse(
            {
                "ok": True,
                "version": version,
                "last_day": held[1].isoformat() if held else None,
                "streams": context.live.open_streams,
            },
            headers={"Cache-Control": "no-store"},
        )

    return health
