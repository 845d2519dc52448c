"""What the Routes page and its map ask for, made once for each view and state of the store."""

from __future__ import annotations

from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from dashboard.context import Context, viewer_of
from dashboard.corridor_facts import EVERYWHERE, read_routed
from dashboard.corridor_figures import SOURCE, address_of, corridor_figures_json
from dashboard.corridor_map import corridor_map_json
from dashboard.corridor_view import CorridorView
from dashboard.error_answers import error_answer
from dashboard.i18n import use_language
from dashboard.kept_answers import kept_answer
from dashboard.settings import LANGUAGES
from geo.errors import HexacrossError


def corridors_route(context: Context) -> Route:
    return Route("/corridors", _answered(context, corridor_map_json, CorridorView.figures))


def corridor_figures_route(context: Context) -> Route:
    return Route(SOURCE, _answered(context, corridor_figures_json, lambda view: view))


def _answered(
    context: Context,
    make: Callable[[Context, CorridorView], bytes],
    about: Callable[[CorridorView], CorridorView],
) -> Callable[[Request], Response]:
    """`about`: the view without what the answer does not depend on."""

    def answered(request: Request) -> Response:
        params = request.query_params
        view, _ignored = CorridorView.from_params({name: params.getlist(name) for name in params})
        language = view.dates.language if view.dates.language in LANGUAGES else context.settings.language
        viewer = viewer_of(context.settings)
        try:
            with use_language(language):
                version = context.version_of(("corridors", viewer), EVERYWHERE)
                key = (make.__name__, repr(about(view)), language, viewer, version)
                answer = kept_answer(context, request, key, "application/json", lambda: make(context, view))
        except HexacrossError as error:
            return error_answer(error, language)
        answer.headers["Hexacross-View"] = address_of(view)
        return answer

    return answered


def warm_up_corridors(context: Context) -> None:
    """Read the seizures and what their lines are made of before the first visitor asks. Raises HexacrossError."""
    viewer = viewer_of(context.settings)
    if viewer.sees_events and viewer.threshold <= 1:
        read_routed(context)(viewer)
        corridor_map_json(context, CorridorView())
