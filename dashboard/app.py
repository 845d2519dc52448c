"""The application: Streamlit's pages and our routes, one process, one gate in front."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import AsyncIterator
from pathlib import Path

import uvicorn
from starlette.middleware import Middleware

from dashboard.context import Context
from dashboard.gate import Gate
from dashboard.routes import routes
from dashboard.settings import Settings
from dashboard.theme import streamlit_theme

SCRIPT = Path(__file__).parent / "main.py"
GRACEFUL_SHUTDOWN_S = 5


def configure_streamlit(settings: Settings) -> None:
    """Set Streamlit's options through its environment, before it is imported: nothing then depends on the folder
    from which we are started."""
    options = {
        "BROWSER_GATHER_USAGE_STATS": "false",  # on, every page asks a foreign host
        "BROWSER_SERVER_ADDRESS": settings.host,  # unset, the start asks a foreign host for our address
        "CLIENT_SHOW_ERROR_DETAILS": "none",
        "CLIENT_TOOLBAR_MODE": "minimal",
        "CLIENT_SHOW_SIDEBAR_NAVIGATION": "false",
        "RUNNER_POST_SCRIPT_GC": "false",  # a full collection after each run costs more than the run
        "RUNNER_MAGIC_ENABLED": "false",
        "SERVER_ADDRESS": settings.host,
        "SERVER_PORT": str(settings.port),
        "SERVER_COOKIE_SECRET": secrets.token_hex(32),
        "SERVER_ENABLE_AGENT_API": "false",
        "SERVER_FILE_WATCHER_TYPE": "none",  # the watcher drops our modules on a change, and with them the open store
        "SERVER_HEADLESS": "true",
        "SERVER_MAX_UPLOAD_SIZE": str(settings.upload_mb),
        "SERVER_SHOW_EMAIL_PROMPT": "false",
        "LOGGER_HIDE_WELCOME_MESSAGE": "true",
        **streamlit_theme(),
    }
    for name, value in options.items():
        os.environ[f"STREAMLIT_{name}"] = value


def build_app(context: Context) -> object:
    """The ASGI application. One for each process: Streamlit's runtime allows no second one."""
    configure_streamlit(context.settings)
    import streamlit as st  # its options are read at import

    @contextlib.asynccontextmanager
    async def close_at_the_end(_app: object) -> AsyncIterator[dict[str, object]]:
        yield {}
        context.store.close()

    return st.App(
        SCRIPT,
        lifespan=close_at_the_end,
        routes=routes(context),
        middleware=[Middleware(Gate, hosts=context.settings.hosts)],
    )


def serve(context: Context) -> None:
    """Serve until SIGTERM or Ctrl-C."""
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
