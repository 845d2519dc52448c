"""The maps of a comparison: a plain page of ours with one map for each territory, held in the Comparaison page."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from html import escape
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Route

from dashboard.context import Context
from dashboard.i18n import _, current_language, use_language
from dashboard.live import STREAM
from dashboard.mapdata import view_spec
from dashboard.settings import LANGUAGES
from dashboard.view import View
from data.geography import Geography
from data.query import COARSEST_RESOLUTION
from layers.colours import ThemeName
from layers.hexagons import HexagonLayer
from layers.map import OfflineMap
from layers.strings import STRINGS
from layers.tile_server import TileServer

MAPS = "/comparaison/cartes"


def maps_address(theme: ThemeName) -> str:
    """Of the page of maps; what they show, they read from the page that holds them."""
    return f"{MAPS}?{urlencode({'theme': theme, 'langue': current_language()})}"


def compared_json(known: Geography, view: View, beyond: frozenset[str] = frozenset()) -> str:
    """What the maps of a view's territories show, for `layers/static/side_by_side.js`.

    Args:
        beyond: Codes that the viewer has no right to: a map would show some of their facts as all, and none as zero.
    """
    seen = tuple(territory for territory in view.compared if territory.code not in beyond)
    shown = replace(
        view, compared=seen, cell=None, zone=None, step=None, curves=None, published=None, language=current_language()
    )
    told = []
    for territory in seen:
        one, spec = replace(shown, territory=territory), view_spec(known, territory)
        # A small window's zoom would make them few: one step coarser than what fills a large one is told apart.
        resolution = (
            max(COARSEST_RESOLUTION, one.shown_resolution() - 1) if view.resolution is None else view.resolution
        )
        address = replace(one, resolution=resolution).address()
        told.append({"address": address, "name": spec["name"], "bounds": spec["bounds"]})
    return json.dumps(told, ensure_ascii=False)


def maps_route(context: Context) -> BaseRoute:
    """`GET /comparaison/cartes`: the page of maps, without inline script; the options of its layers are data."""

    def page(request: Request) -> Response:
        theme: ThemeName = "dark" if request.query_params.get("theme") == "dark" else "light"
        asked = request.query_params.get("langue", "")
        with use_language(asked if asked in LANGUAGES else context.settings.language):
            html = _page(theme, context.settings.tile_server)
        return HTMLResponse(html, headers={"Cache-Control": "no-cache"})

    return Route(MAPS, page)


def _page(theme: ThemeName, tiles: TileServer | None) -> str:
    strings = {key: _(text) for key, text in STRINGS.items()}
    layer = HexagonLayer(theme=theme, strings=strings, follow="self", tiles=tiles, changes=STREAM)
    styles = [path for _name, path in (*OfflineMap.default_css, *HexagonLayer.default_css)]
    scripts = [path for _name, path in (*OfflineMap.default_js, *HexagonLayer.default_js)]
    return "\n".join(
        [
            f'<!doctype html><html lang="{current_language()}" style="color-scheme: {theme}">',
            '<head><meta charset="utf-8">',
            f"<title>{escape(_('Cartes comparées'))}</title>",
            *_tags('<link rel="stylesheet" href="{}">', [*styles, "/layers/side_by_side.css"]),
            f'<script type="application/json" id="options">{layer.options_json()}</script>',
            *_tags('<script src="{}" defer></script>', [*scripts, "/layers/side_by_side.js"]),
            '</head><body><main id="maps"></main></body></html>',
        ]
    )


def _tags(tag: str, paths: Sequence[str]) -> list[str]:
    return [tag.format(escape(path, quote=True)) for path in paths]
