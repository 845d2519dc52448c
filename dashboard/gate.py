"""The one gate in front of everything, websockets included: who may ask, and under which rules the browser reads.

Streamlit protects neither its static files nor our routes, hence a pure ASGI middleware (BaseHTTPMiddleware would
let websockets through).
"""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dashboard.i18n import _

PRIVATE_PREFIX = b"x-hx-"  # headers that only we may set

# Pages of Streamlit: its styles are inline, its scripts are files. Components (the map) also evaluate scripts.
PAGE_POLICY = (
    "default-src 'self'; script-src 'self'{script}; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:{images}; font-src 'self' data:; worker-src 'self' blob:; connect-src 'self'; "
    "object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'self'"
)
# What a page fetches from us a hundred times: nothing in it ever runs or is framed, and a few words say so.
DATA_TYPES = frozenset(
    {"application/json", "application/octet-stream", "application/vnd.mapbox-vector-tile", "text/event-stream"}
)
DATA_POLICY = "default-src 'none'; frame-ancestors 'none'"
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
}
PAGE_HEADERS = {
    "X-Frame-Options": "SAMEORIGIN",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "geolocation=(), camera=(), microphone=()",
}


def policy_of(path: str, images: str = "") -> str:
    """The Content-Security-Policy of what lies at this path; `images`: the one origin but ours that they may have."""
    evaluates = path.startswith("/component/")
    script = " 'unsafe-inline' 'unsafe-eval'" if evaluates else " 'wasm-unsafe-eval'"
    return PAGE_POLICY.format(script=script, images=f" {images}" if images else "")


def host_name(host: str) -> str:
    """`Carte.intra:8501` → `carte.intra`; the brackets of an IPv6 address stay."""
    name, colon, port = host.rpartition(":")
    return (name if colon and port.isdigit() else host).lower()


class Gate:
    """Refuses foreign hosts and origins, strips headers that only we may set, adds security headers."""

    def __init__(self, app: ASGIApp, hosts: Iterable[str], images: str = "") -> None:
        self.app = app
        self.hosts = frozenset(hosts)
        self.images = images

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        refusal = self._refusal(headers.get("host", ""), headers.get("origin"))
        if refusal is not None:
            await _refuse(*refusal, scope, receive, send)
            return
        kept = [(name, value) for name, value in scope["headers"] if not name.lower().startswith(PRIVATE_PREFIX)]

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                outgoing = MutableHeaders(scope=message)
                outgoing.update(self._rules(scope["path"], outgoing.get("content-type", "")))
                if "access-control-allow-origin" in outgoing:  # Streamlit opens its static files to every origin
                    del outgoing["access-control-allow-origin"]
            await send(message)

        await self.app({**scope, "headers": kept}, receive, send_guarded)

    def _rules(self, path: str, content_type: str) -> dict[str, str]:
        """The headers under which the browser reads an answer."""
        if content_type.partition(";")[0].strip().lower() in DATA_TYPES:
            return {"Content-Security-Policy": DATA_POLICY, **HEADERS}
        return {"Content-Security-Policy": policy_of(path, self.images), **HEADERS, **PAGE_HEADERS}

    def _refusal(self, host: str, origin: str | None) -> tuple[int, str] | None:
        if host_name(host) not in self.hosts:
            return 421, _(
                "Ce serveur ne répond pas sous le nom « {host} ». L'administrateur peut l'ajouter : HEXACROSS_NAMES."
            ).format(host=host[:100])
        if origin is not None and urlsplit(origin).netloc.lower() != host.lower():
            return 403, _("Demande venue d'un autre site ({origin}) : refusée.").format(origin=origin[:100])
        return None


async def _refuse(status: int, message: str, scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.close", "code": 4000 + status})
        return
    await JSONResponse({"error": message}, status_code=status)(scope, receive, send)
