"""An address that is no page of ours: said in the reader's language, with the way back."""

from __future__ import annotations

from collections.abc import Callable
from html import escape

from starlette.convertors import StringConvertor, register_url_convertor
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from dashboard.i18n import _, use_language

HOME = "/situation"  # a name that people expect the first page to have
LONGEST = 80  # characters of an address that are repeated
STYLE = (
    ":root{color-scheme:light dark;font:15px/1.4 'Source Sans','Segoe UI',system-ui,sans-serif;"
    "background:light-dark(#fff,#151b22);color:light-dark(#1d242c,#e9edf1)}"
    "main{max-width:36rem;margin:20vh auto;padding:1.6rem}h1{font-size:1.6rem;margin:0 0 .533rem;font-weight:600}"
    "p{margin:0 0 1.067rem;overflow-wrap:anywhere}a{color:light-dark(#0b62c4,#5ba7ff)}"
)


class _PageName(StringConvertor):
    """One segment that names neither a file nor something of Streamlit's."""

    regex = "(?!_)[^/.]+"


register_url_convertor("page", _PageName())


def missing_routes(language: Callable[[Request], str]) -> list[BaseRoute]:
    """After all others; `language`: of whom the answer is for."""

    def missing(request: Request) -> Response:
        asked = language(request)
        with use_language(asked):
            return HTMLResponse(missing_html(asked, request.url.path), status_code=404)

    def home(request: Request) -> Response:
        return RedirectResponse(f"/?{request.url.query}" if request.url.query else "/")

    return [Route(HOME, home), Route("/{name:page}", missing)]


def missing_html(language: str, path: str) -> str:
    shown = path if len(path) <= LONGEST else f"{path[:LONGEST]}…"
    title, said = _("Page introuvable"), _("« {given} » n'est pas une page de Hexacross.").format(given=shown)
    return (
        f'<!doctype html><html lang="{language}"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<link rel="icon" href="/ui/hexacross.svg" type="image/svg+xml"><style>{STYLE}</style></head>'
        f"<body><main><h1>{escape(title)}</h1><p>{escape(said)}</p>"
        f'<a href="/?langue={language}">{escape(_("Revenir à la situation"))}</a></main></body></html>'
    )
