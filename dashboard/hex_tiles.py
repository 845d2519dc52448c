"""What the map asks for: a view described, the classes of a resolution, the hexagons of a tile.

Classes and tiles are asked for with the key that the description gives: what is looked at and by whom, signed, for some
hours. A tile is kept until a change touches its place and its days.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import replace
from datetime import UTC, datetime

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from dashboard.context import Context, today, viewer_of
from dashboard.error_answers import error_answer
from dashboard.freshness import Area
from dashboard.hexagon_table import is_read_whole, tile_table, whole_table
from dashboard.i18n import current_language, use_language
from dashboard.kept_answers import Key, keep_answer, kept_answer
from dashboard.mapdata import (
    Window,
    commune_names_json,
    counts_in_time,
    described,
    figure_decimals,
    level,
    tile_columns,
)
from dashboard.settings import LANGUAGES
from dashboard.tile_tokens import counting, tiled
from dashboard.view import HOUR_STEP, ONE_DAY, Period, View
from data.errors import QueryError
from data.query import MOST_DAYS_BY_HOUR, Viewer
from geo.errors import N_, HexacrossError
from geo.tiles import Tile, check_tile, no_tile
from layers.hexagons import ZOOMS, Level, encode

LAYER = "hexagones"
TILE_ZOOMS = (ZOOMS[0] - 1, ZOOMS[1] - 1)  # a tile of 512 px is one of 256 px of the zoom before
READ_AHEAD = {str(zoom) for zoom in range(ZOOMS[0], ZOOMS[1] + 1)}
READ_AT_ONCE = 2  # tables: beyond, they are read when their tiles are asked for
MOST_DIGITS = 9  # of a column's or a row's number
LONGEST_WINDOW = 366  # days
KEPT_FOR_EVER = "public, max-age=31536000, immutable"
JSON, BINARY = "application/json", "application/octet-stream"


class HexTiles:
    """The routes, tied together by the key of the context."""

    prefix = "/hex"

    def __init__(self, context: Context) -> None:
        self._context = context
        self._ahead = ThreadPoolExecutor(READ_AT_ONCE, "ahead")
        self._readers = threading.BoundedSemaphore(READ_AT_ONCE)

    def routes(self) -> list[BaseRoute]:
        return [
            *self.map_routes(),
            Route("/hex/jours", self.days),
            Route("/hex/heures", self.hours),
            Route("/lieux/{digest}.json", self.places),
        ]

    def map_routes(self) -> list[BaseRoute]:
        """What every map of hexagons asks for, below its own prefix."""
        return [
            Route(self.prefix, self.description),
            Route(f"{self.prefix}/classes", self.classes),
            Route(f"{self.prefix}/{LAYER}/{{z}}/{{x}}/{{y}}", self.tile),
            Route(f"{self.prefix}/montre", self.painted),
        ]

    def description(self, request: Request) -> Response:
        """The view in the address, described; made once for each state of the store."""
        context = self._context

        def answer() -> Response:
            asked, _ignored = View.from_params(dict(request.query_params))
            view, key = self._described_view(asked)
            self._read_ahead(view, request.query_params.get("zoom", ""))
            context.map_first.asked(view.tile_address())
            return kept_answer(context, request, key, JSON, lambda: self._describe(view))

        return self._answered(request, answer)

    def _read_ahead(self, view: View, zoom: str) -> None:
        """Read, while the view is described, what tiles of this zoom of the map are made from, and class it."""
        if zoom not in READ_AHEAD:
            return
        resolution = view.resolution_at(int(zoom))
        viewer = counting(viewer_of(self._context.settings))
        if is_read_whole(view.territory, resolution) and self._readers.acquire(blocking=False):
            # What it raises is not asked for: the tiles meet the same and tell it.
            reading = self._ahead.submit(copy_context().run, self._class_ahead, viewer, view, resolution)
            reading.add_done_callback(lambda _reading: self._readers.release())

    def _class_ahead(self, viewer: Viewer, view: View, resolution: int) -> None:
        if view.step is not None:  # the classes of a walk are those of several steps
            whole_table(self._context, viewer, view, resolution)
        else:
            keep_answer(self._context, *self._classes_of(viewer, tiled(view), resolution, None))

    def classes(self, request: Request) -> Response:
        """The classes of one resolution; they outlast small changes, so that colours do not move while one looks."""
        context = self._context

        def answer() -> Response:
            view, viewer = self._view_of(request)
            resolution, window = self._resolution_of(request, view), _window_of(request)
            context.map_first.asked(view.tile_address())
            key, make = self._classes_of(viewer, view, resolution, window)
            return kept_answer(context, request, key, JSON, make)

        return self._answered(request, answer)

    def _classes_of(
        self, viewer: Viewer, view: View, resolution: int, window: Window | None
    ) -> tuple[Key, Callable[[], bytes]]:
        """What the classes of a dated view depend on, and how they are made."""
        if view.compared:
            view = replace(view, territory=None)  # the same classes for each of them
        asked = (self.prefix, "classes", current_language(), viewer, view.address(), resolution, window, _hour())
        key = (*asked, _magnitude(self._context, view, viewer))
        return key, lambda: _json(self._level(viewer, view, resolution, window))

    def days(self, request: Request) -> Response:
        """How many facts each day of the store has for a view, whatever its dates: what time is chosen by.

        With hours of the day, of which no long period is asked: the days around the view's.
        """

        def whole(view: View, held: Period) -> View:
            start, stop = held[0], held[1] + ONE_DAY
            if view.hours and view.start and (stop - start).days > MOST_DAYS_BY_HOUR:
                start = min(
                    max(start, view.start - MOST_DAYS_BY_HOUR * ONE_DAY // 2), stop - MOST_DAYS_BY_HOUR * ONE_DAY
                )
                stop = start + MOST_DAYS_BY_HOUR * ONE_DAY
            return replace(view, start=start, stop=stop, step=None)

        return self._counted(request, whole)

    def hours(self, request: Request) -> Response:
        """How many facts each hour has, of the week in which a view begins."""

        def week(view: View, held: Period) -> View | None:
            first = view.start or held[1]
            monday = first - first.weekday() * ONE_DAY
            start, stop = max(monday, held[0]), min(monday + 7 * ONE_DAY, held[1] + ONE_DAY)
            return replace(view, start=start, stop=stop, hours=None, step=HOUR_STEP) if start < stop else None

        return self._counted(request, week)

    def _counted(self, request: Request, period: Callable[[View, Period], View | None]) -> Response:
        """How many facts each day or hour has over a view's `period`, given what is held; None: nothing."""
        context = self._context

        def answer() -> Response:
            view, viewer = self._view_of(request)
            held = context.store.period(viewer)
            whole = period(view, held) if held else None
            about = whole or view
            asked = ("time", viewer, about.tile_address(), about.step, held)
            key = (*asked, context.version_of(asked, Area.of(about)))

            def counts() -> bytes:
                return _json(counts_in_time(context, viewer, view.measure, whole, held))

            return kept_answer(context, request, key, JSON, counts)

        return self._answered(request, answer)

    def _view_of(self, request: Request) -> tuple[View, Viewer]:
        """The view of the key in the address, at other dates and hours where the address has some.

        Raises `TokenError`, and `QueryError` for dates and hours that are none.
        """
        view, viewer = self._context.tokens.read(request.query_params.get("vue", ""))
        names = ("du", "au", "heures")
        other = {name: request.query_params[name] for name in names if name in request.query_params}
        asked, ignored = View.from_params(other)
        if ignored:
            raise ignored[0]
        start, stop, hours = asked.start or view.start, asked.stop or view.stop, asked.hours or view.hours
        return replace(view, start=start, stop=stop, hours=hours), viewer

    def tile(self, request: Request) -> Response:
        """One tile, of the resolution that its zoom and the view call for."""
        context = self._context

        def answer() -> Response:
            view, viewer = self._view_of(request)
            tile = tile_of(request, TILE_ZOOMS)
            asked = (self.prefix, "tile", viewer, view.tile_address(), tile)
            context.map_first.asked(view.tile_address())
            key = (*asked, context.version_of(asked, Area.of(view, tile)))
            return kept_answer(context, request, key, BINARY, lambda: self._tile(viewer, view, tile))

        return self._answered(request, answer)

    def painted(self, request: Request) -> Response:
        """A map says that a view is on the screen: the page's script, which gave way to it, goes on."""

        def answer() -> Response:
            view, _viewer = self._view_of(request)
            self._context.map_first.painted(view.tile_address())
            return Response(status_code=204, headers={"Cache-Control": "no-store"})

        return self._answered(request, answer)

    def places(self, request: Request) -> Response:
        """The names that the column `place` of the tiles counts from 1."""
        digest, content = commune_names_json()
        if request.path_params["digest"] != digest:
            return Response(status_code=404)
        return Response(content, media_type=JSON, headers={"Cache-Control": KEPT_FOR_EVER})

    def warm_up(self) -> None:
        """Make what the first visitor of an address without any parameter would wait for."""
        view, key = self._described_view(View())
        keep_answer(self._context, key, lambda: self._describe(view))
        self._class_ahead(counting(viewer_of(self._context.settings)), view, view.shown_resolution())

    def _described_view(self, asked: View) -> tuple[View, Key]:
        """The view with its dates, and what its description depends on: the hour too, for the ages."""
        context = self._context
        viewer = viewer_of(context.settings)
        view = asked.dated(context.kept(context.store.period)(viewer), today())
        address = replace(view, cell=None, zone=None).address()
        return view, (self.prefix, "description", current_language(), viewer, address, _hour(), context.store.version())

    def _describe(self, view: View) -> bytes:
        return _json(described(self._context, view, self._context.tokens.make(view, viewer_of(self._context.settings))))

    def _level(self, viewer: Viewer, view: View, resolution: int, window: Window | None) -> Level:
        return level(self._context, viewer, view, resolution, window)

    def _tile(self, viewer: Viewer, view: View, tile: Tile) -> bytes:
        return hexagon_tile(self._context, viewer, view, tile)

    def _resolutions(self, view: View) -> list[int]:
        """Of the hexagons at each zoom from `ZOOMS[0]` to `ZOOMS[1]`."""
        return [view.resolution_at(zoom) for zoom in range(ZOOMS[0], ZOOMS[1] + 1)]

    def _resolution_of(self, request: Request, view: View) -> int:
        """The resolution asked for. Raises `QueryError` for one that no zoom of this view has."""
        given = request.query_params.get("resolution", "")
        known = sorted(set(self._resolutions(view)))
        if given not in map(str, known):
            raise QueryError(
                N_("Résolution « {given} » : attendu {known}."), given=given[:20], known=", ".join(map(str, known))
            )
        return int(given)

    def _answered(self, request: Request, answer: Callable[[], Response]) -> Response:
        asked = request.query_params.get("langue", "")
        language = asked if asked in LANGUAGES else self._context.settings.language
        try:
            with use_language(language):
                return answer()
        except HexacrossError as error:
            return error_answer(error, language)


def hexagon_tile(context: Context, viewer: Viewer, view: View, tile: Tile) -> bytes:
    """The hexagons of a tile in binary (`layers.hexagons.encode`)."""
    resolution = view.resolution_at(tile.z + 1)
    table = tile_table(context, viewer, view, tile, resolution)
    return encode(resolution, tile_columns(context, table), figure_decimals(table.measure))


def tile_of(request: Request, zooms: tuple[int, int]) -> Tile:
    """The tile in the address. Raises `NoTileError`."""
    texts = [request.path_params[name] for name in ("z", "x", "y")]
    if not all(text.isascii() and text.isdigit() and len(text) < MOST_DIGITS for text in texts):
        raise no_tile("/".join(texts)[:40])
    tile = Tile(*map(int, texts))
    if not zooms[0] <= tile.z <= zooms[1]:
        raise no_tile("/".join(texts))
    check_tile(tile)
    return tile


def _window_of(request: Request) -> Window | None:
    """Each step through time that classes are asked for; None: the view as it is. Raises `QueryError`."""
    given = request.query_params.get("fenetre")
    if given is None:
        return None
    of_hours = given.endswith("h")
    number, longest = given.removesuffix("h"), 24 if of_hours else LONGEST_WINDOW
    if not (number.isascii() and number.isdigit() and len(number) < MOST_DIGITS and 1 <= int(number) <= longest):
        raise QueryError(
            N_("Fenêtre « {given} » : attendu un nombre de jours de 1 à {longest}, ou d'heures de 1h à 24h."),
            given=given[:20],
            longest=LONGEST_WINDOW,
        )
    return Window(int(number), of_hours)


def _magnitude(context: Context, view: View, viewer: Viewer) -> int:
    """Grows by one when the facts in view double: only then are classes drawn up again within the hour."""
    return sum(context.totals(view.query(), viewer).by_precision.values()).bit_length()


def _hour() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H")


def _json(content: object) -> bytes:
    return json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
