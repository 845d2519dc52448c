"""Hexagons as standard vector tiles: `/tiles/hexagones.json` (TileJSON) and `/tiles/hexagones/{z}/{x}/{y}.mvt`.

The same numbers as on the map, with the same protection, for QGIS and whatever else reads the standard.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from dashboard.context import Context, today, viewer_of
from dashboard.error_answers import error_answer
from dashboard.freshness import Area
from dashboard.hex_tiles import tile_of
from dashboard.hexagon_table import tile_table
from dashboard.i18n import _, use_language
from dashboard.kept_answers import kept_answer
from dashboard.mapdata import period_label
from dashboard.measures import MEASURES
from dashboard.tables import HexagonTable
from dashboard.view import View
from data.query import Viewer
from geo.cells import boundaries
from geo.errors import HexacrossError
from geo.tiles import Tile
from layers.hexagons import STATE_CODES
from layers.mvt import MEDIA_TYPE, encode_tile

LAYER = "hexagones"
ZOOMS = (5, 14)  # further away a tile is half a continent, nearer there are no finer hexagons
WORLD = [-180, -85.0511, 180, 85.0511]
COUNTS = ("incidents", "controls", "checked", "positive")
AMOUNTS = ("kg", "eur", "population")
STATE_NAMES = np.array([name for name, _code in sorted(STATE_CODES.items(), key=lambda item: item[1])])


class Tiles:
    """The two routes, tied together by the key of the context."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def routes(self) -> list[BaseRoute]:
        return [
            Route(f"/tiles/{LAYER}.json", self.description),
            Route(f"/tiles/{LAYER}/{{z}}/{{x}}/{{y}}.mvt", self.tile),
        ]

    def description(self, request: Request) -> Response:
        """TileJSON 3.0.0 of the view in the address: where its tiles are, for some hours."""
        context = self._context
        asked, _ignored = View.from_params(dict(request.query_params))
        language = asked.language or context.settings.language
        viewer = viewer_of(context.settings)
        try:
            with use_language(language):
                view = asked.dated(context.store.period(viewer), today())
                described = self._tilejson(request, view, self._context.tokens.make(view, viewer))
        except HexacrossError as error:
            return error_answer(error, language)
        return JSONResponse(described, headers={"Cache-Control": "no-store"})

    def _tilejson(self, request: Request, view: View, token: str) -> dict[str, Any]:
        measure = MEASURES[view.measure]
        bounds = WORLD
        if view.territory is not None:
            bounds = [round(float(edge), 6) for edge in self._context.geography.perimeter(view.territory).bounds]
        return {
            "tilejson": "3.0.0",
            "name": f"Hexacross · {_(measure.title)} · {period_label(view)}",
            "description": _(measure.explains),
            "tiles": [f"{request.base_url}tiles/{LAYER}/{{z}}/{{x}}/{{y}}.mvt?vue={token}"],
            "minzoom": ZOOMS[0],
            "maxzoom": ZOOMS[1],
            "bounds": bounds,
            "vector_layers": [{"id": LAYER, "description": _(measure.title), "fields": _fields(view)}],
        }

    def tile(self, request: Request) -> Response:
        """One tile; what is not known of a hexagon is not among its attributes."""
        context = self._context
        try:
            view, viewer = self._context.tokens.read(request.query_params.get("vue", ""))
            tile = tile_of(request, ZOOMS)
            asked = ("mvt", viewer, view.tile_address(), tile)
            key = (*asked, context.version_of(asked, Area.of(view, tile)))
            return kept_answer(context, request, key, MEDIA_TYPE, lambda: vector_tile(context, viewer, view, tile))
        except HexacrossError as error:
            return error_answer(error, context.settings.language)


def vector_tile(context: Context, viewer: Viewer, view: View, tile: Tile) -> bytes:
    """The hexagons of a tile with their figures."""
    table = tile_table(context, viewer, view, tile, view.resolution_at(tile.z))
    return encode_tile(tile, LAYER, boundaries(table.cells), _attributes(table))


def _attributes(table: HexagonTable) -> dict[str, list[Any]]:
    """Attributes by name, one value a hexagon, of which a protected one shows no figure but its state."""
    figures = {"value": table.values} | {name: getattr(table, name) for name in ("low", "high", *COUNTS, *AMOUNTS)}
    hidden = table.states == STATE_CODES["protected"]
    return {
        "hexagon": [f"{cell:x}" for cell in table.cells.tolist()],
        "state": STATE_NAMES[table.states].tolist(),
        **{name: np.where(hidden, np.nan, column).tolist() for name, column in figures.items()},
    }


def _fields(view: View) -> dict[str, str]:
    """What the attributes mean."""
    measure = MEASURES[view.measure]
    interval = _("borne de l'intervalle de confiance à 95 %")
    return {
        "hexagon": _("cellule H3, en hexadécimal"),
        "state": _(
            "value : une valeur ; zero : zéro ; unknown : inconnu ; withheld : non diffusé ; protected : protégé"
        ),
        "value": f"{_(measure.title)} ({_(measure.unit)})",
        "low": interval,
        "high": interval,
        "incidents": _("Incidents"),
        "controls": _("Contrôles"),
        "checked": _("Contrôlés"),
        "positive": _("Positifs"),
        "kg": _("Quantités saisies"),
        "eur": _("Valeur des avoirs"),
        "population": _("Population estimée au prorata des surfaces"),
    }
