"""The wall screen: a page of ours, without Streamlit, and what it asks for. It sees aggregates only."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route

from dashboard.alert_file import AlertError
from dashboard.alerts import alert_sentence, alerts_in_force
from dashboard.context import Context, viewer_of
from dashboard.error_answers import error_answer
from dashboard.freshness import Area
from dashboard.hex_tiles import HexTiles
from dashboard.i18n import current_language, translate_error, use_language
from dashboard.kept_answers import kept_answer
from dashboard.settings import LANGUAGES
from dashboard.sources import marking_label, markings_shown, source_ages
from dashboard.wall_page import choice_html, map_html, map_script, page_digest, wall_html
from dashboard.wall_scenes import dated, said
from dashboard.wall_script import (
    UnknownWallError,
    WallError,
    WallScript,
    find_script,
    read_script,
    script_names,
    wall_folders,
)
from data.errors import QueryError, ReferenceListError
from data.store import Source
from data.vocabulary import MARKINGS
from geo.errors import N_, HexacrossError

ADDRESS = "/mur"
JSON = "application/json"
NO_STORE = {"Cache-Control": "no-store"}


def wall_marking(sources: Sequence[Source], of_script: str | None) -> dict[str, str] | None:
    """The highest mention of the data and of the script; None: nobody knows which, so that nothing may be shown."""
    if any(source.marking not in MARKINGS for source in sources) or not (sources or of_script):
        return None
    codes = markings_shown(sources) or ("public",)
    order = list(MARKINGS)
    if of_script and order.index(of_script) > order.index(codes[0]):
        codes = (of_script, *(("demo",) if "demo" in codes else ()))
    return {"code": codes[0], "label": marking_label(codes)}


@dataclass(frozen=True, slots=True)
class _Kept:
    """A script as it was read, and when its files were written."""

    script: WallScript
    stamps: tuple[tuple[int, int], ...]

    @property
    def digest(self) -> str:
        """Changes with the script: a scene's number means nothing in another."""
        return hashlib.sha256(repr((self.script, self.stamps)).encode()).hexdigest()[:16]


def _stamps(files: Sequence[Path]) -> tuple[tuple[int, int], ...]:
    found = []
    for path in files:
        try:
            status = path.stat()
        except OSError:
            return ()
        found.append((status.st_mtime_ns, status.st_size))
    return tuple(found)


class Wall:
    """The routes of the wall; whatever the settings say of who is looking, a wall is one."""

    def __init__(self, context: Context) -> None:
        self._context = replace(context, settings=replace(context.settings, role="wall"))
        self._folders = wall_folders(context.settings.walls)
        self._scripts: dict[str, _Kept] = {}

    def routes(self) -> list[BaseRoute]:
        """The page, and below it what it asks for; the map has hexagons of its own, as a wall may see them."""
        return [
            Route(ADDRESS, self.page),
            Mount(
                ADDRESS,
                routes=[
                    Route("/script", self._answered(self.script)),
                    Route("/etat", self._answered(self.state)),
                    Route("/scene", self._answered(self.scene)),
                    Route("/carte", self.map_page),
                    Route("/carte.js", self.map_script),
                    *HexTiles(self._context).routes(),
                ],
            ),
        ]

    def page(self, request: Request) -> Response:
        """The page of a script, or the list of those there are."""
        with use_language(self._language(request)):
            name = request.query_params.get("script", "")
            html = wall_html(name) if name else choice_html(self._choices())
        return HTMLResponse(html, headers={"Cache-Control": "no-cache"})

    def map_page(self, request: Request) -> Response:
        """The frame of the map."""
        with use_language(self._language(request)):
            return HTMLResponse(map_html(), headers={"Cache-Control": "no-cache"})

    def map_script(self, request: Request) -> Response:
        """What folium says of the map, as a file: the page's policy lets no script stand in it."""
        with use_language(self._language(request)):
            script = map_script(f"{ADDRESS}/hex", self._context.settings.tile_server)
        return Response(script, media_type="text/javascript", headers={"Cache-Control": "no-cache"})

    def script(self, request: Request) -> Response:
        """What is shown, for how long, on which screen."""
        kept = self._kept(request)
        script = kept.script
        return JSONResponse(
            {
                "digest": kept.digest,
                "title": script.title,
                "screen": asdict(script.screen),
                "alert_seconds": script.alert_seconds,
                "time_zone": script.time_zone,
                "scenes": [{"kind": scene.kind, "seconds": scene.seconds} for scene in script.scenes],
            },
            headers=NO_STORE,
        )

    def state(self, request: Request) -> Response:
        """What holds whatever the scene: marking, sources, alerts; and what tells the page that it is out of date."""
        context, kept = self._context, self._kept(request)
        version = context.store.version()
        viewer = viewer_of(context.settings)
        sources = context.store.sources(viewer)
        hours = kept.script.stale_hours or context.settings.stale_hours
        ages = source_ages(sources, hours, datetime.now(UTC))
        return JSONResponse(
            {
                "version": version,
                "page": page_digest(),
                "digest": kept.digest,
                "marking": wall_marking(sources, kept.script.marking),
                "sources": [
                    {
                        "name": age.name,
                        "loaded": int(age.loaded_at.timestamp()),
                        "stale_from": int(age.stale_from.timestamp()),
                        "first_day": age.first_day.isoformat() if age.first_day else None,
                        "last_day": age.last_day.isoformat() if age.last_day else None,
                    }
                    for age in ages
                ],
                "alerts": self._alerts(),
            },
            headers=NO_STORE,
        )

    def _alerts(self) -> list[dict[str, str]]:
        """Those in force that nobody acknowledged; a file of alerts that cannot be read is one itself."""
        try:
            found = alerts_in_force(self._context, viewer_of(self._context.settings))
        except AlertError as error:
            return [{"name": "", "text": translate_error(error)}]
        return [
            {"name": f"{state.alert.name} {state.since}", "text": alert_sentence(state)}
            for state in found
            if state.acknowledged is None
        ]

    def scene(self, request: Request) -> Response:
        """What one scene says, kept until a change touches it."""
        context, kept = self._context, self._kept(request)
        scenes = kept.script.scenes
        text = request.query_params.get("n", "")
        if not (text.isascii() and text.isdigit() and len(text) < 5 and int(text) < len(scenes)):
            raise QueryError(
                N_("Scène « {given} » : attendu un nombre de 0 à {last}."), given=text[:60], last=len(scenes) - 1
            )
        scene = scenes[int(text)]
        viewer = viewer_of(context.settings)
        held = context.store.period(viewer)  # beyond it nothing is zero: what a scene says depends on it too
        view = dated(scene, held)
        asked = ("wall", current_language(), viewer, kept.digest, text, view, held)
        territory = view.territory if scene.kind != "comparaison" else None
        key = (*asked, context.version_of(asked, Area(territory, view.start, view.stop)))

        def make() -> bytes:
            return json.dumps(said(context, scene, view) | {"digest": kept.digest}, ensure_ascii=False).encode()

        return kept_answer(context, request, key, JSON, make)

    def _kept(self, request: Request) -> _Kept:
        """The script of an address, read again when one of its files was written."""
        name = request.query_params.get("script", "")
        path = find_script(name, self._folders)
        held = self._scripts.get(name)
        if held is None or held.script.files[0] != path or held.stamps != _stamps(held.script.files):
            script = read_script(path, self._folders, self._context.geography)
            held = self._scripts[name] = _Kept(script, _stamps(script.files))
        return held

    def _choices(self) -> list[tuple[str, str, str]]:
        """Name, title and fault of each script there is."""
        choices = []
        for name in script_names(self._folders):
            try:
                script = read_script(find_script(name, self._folders), self._folders, self._context.geography)
                choices.append((name, script.title or name, ""))
            except (WallError, ReferenceListError) as error:
                choices.append((name, name, translate_error(error)))
        return choices

    def _language(self, request: Request) -> str:
        asked = request.query_params.get("langue", "")
        return asked if asked in LANGUAGES else self._context.settings.language

    def _answered(self, answer: Callable[[Request], Response]) -> Callable[[Request], Response]:
        def endpoint(request: Request) -> Response:
            language = self._language(request)
            try:
                with use_language(language):
                    return answer(request)
            except (WallError, UnknownWallError) as error:
                with use_language(language):
                    body: dict[str, Any] = {"error": translate_error(error)}
                return JSONResponse(body, status_code=404 if isinstance(error, UnknownWallError) else 422)
            except HexacrossError as error:
                return error_answer(error, language)

        return endpoint
