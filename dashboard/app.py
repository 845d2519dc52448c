"""The application: Streamlit's pages and our routes, one process, one gate in front."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
import signal
import sys
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from types import FrameType

import streamlit as st
import uvicorn
from starlette.middleware import Middleware
from streamlit import config

import dashboard.pages.comparaison as comparaison
import dashboard.pages.controles as controles
import dashboard.pages.couverture as couverture
import dashboard.pages.donnees as donnees
import dashboard.pages.situation as situation
import dashboard.pages.trafficking_routes as trafficking_routes
from dashboard.context import Context, viewer_of
from dashboard.door import Door
from dashboard.gate import Gate
from dashboard.live import Live, listening
from dashboard.routes import routes, warm_up
from dashboard.settings import Settings
from dashboard.theme import streamlit_theme
from geo.errors import HexacrossError

log = logging.getLogger("hexacross")

# Pages are imported here, in the main thread: two threads that import the same library at once may see half of it.
__all__ = ["build_app", "comparaison", "controles", "couverture", "donnees", "serve", "situation", "trafficking_routes"]
SCRIPT = Path(__file__).parent / "script" / "main.py"
GRACEFUL_SHUTDOWN_S = 5
THREAD_SWITCH_S = 0.001


def configure_streamlit(settings: Settings) -> None:
    """Set Streamlit's options from here: nothing depends on the folder or the files beside which we are started."""
    options: dict[str, object] = {
        "browser.gatherUsageStats": False,  # on, every page asks a foreign host
        "browser.serverAddress": settings.host,  # unset, the start asks a foreign host for our address
        "client.showErrorDetails": "none",
        "client.showErrorLinks": False,  # they lead to foreign hosts
        "client.showSidebarNavigation": False,  # ours is at the top; Streamlit's would list the folder `pages`
        "client.toolbarMode": "viewer",  # without "Deploy", with the choice of theme
        "logger.hideWelcomeMessage": True,
        "runner.magicEnabled": False,
        "runner.postScriptGC": False,  # a full collection after each run costs more than the run
        "server.address": settings.host,
        "server.port": settings.port,
        "server.cookieSecret": secrets.token_hex(32),
        "server.enableAgentApi": False,
        "server.fileWatcherType": "none",  # the watcher drops our modules on a change, and with them the open store
        "server.headless": True,
        "server.maxUploadSize": settings.upload_mb,
        **streamlit_theme(),
    }
    for name, value in options.items():
        config.set_option(name, value)


def build_app(context: Context) -> object:
    """The ASGI application. One for each process: Streamlit's runtime allows no second one."""
    configure_streamlit(context.settings)
    door = Door(context)
    tiles = context.settings.tile_server

    @contextlib.asynccontextmanager
    async def listen_then_close(_app: object) -> AsyncIterator[dict[str, object]]:
        threading.Thread(target=_warm_up, args=(context,), name="warm-up", daemon=True).start()
        _end_streams_first(context.live)
        listener = asyncio.create_task(listening(context.live, context.store, viewer_of(context.settings)))
        yield {}
        listener.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await listener
        await asyncio.to_thread(door.close)
        context.close()

    return st.App(
        SCRIPT,
        lifespan=listen_then_close,
        routes=[*routes(context), door.route()],
        middleware=[Middleware(Gate, hosts=context.settings.hosts, images=tiles.origin if tiles else "")],
    )


def _end_streams_first(live: Live) -> None:
    """At a signal to stop, end the streams, then do what was to be done: a server waits for its connections to end."""
    if threading.current_thread() is not threading.main_thread():
        return  # signals go to the main thread alone
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        before = signal.getsignal(name)

        def stop(number: int, frame: FrameType | None, before: object = before) -> None:
            loop.call_soon_threadsafe(live.stop)
            if callable(before):
                before(number, frame)

        signal.signal(name, stop)


def _warm_up(context: Context) -> None:
    """In a thread of its own, while the first visitor's browser still loads the page."""
    try:
        warm_up(context)
    except HexacrossError as error:  # the first visitor will be told by the page
        log.warning("warm-up stopped: %s", error)


def serve(context: Context) -> None:
    """Serve until SIGTERM or Ctrl-C."""
    # A page's script computes for a tenth of a second; at Python's 5 ms, a map's request beside it waits that long
    # after each of its questions to the store.
    sys.setswitchinterval(THREAD_SWITCH_S)
    uvicorn.run(
        build_app(context),  # type: ignore[arg-type]  # st.App is an ASGI application without the protocol's type
        host=context.settings.host,
        port=context.settings.port,
        timeout_graceful_shutdown=GRACEFUL_SHUTDOWN_S,
        ws="websockets-sansio",
        ws_max_size=200 * 2**20,
        ws_ping_interval=30,
        ws_ping_timeout=30,
        access_log=False,
        log_level="warning",
        server_header=False,
    )
