"""Serve one of the peers' scripts: `python -m tests.benchmarks.peers.serve SCRIPT PORT ASSETS`.

Streamlit's own server, as `streamlit run` starts it, with Leaflet from this host (`/assets`) beside it.
"""

from __future__ import annotations

import sys
from pathlib import Path

import streamlit as st
import uvicorn
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles
from streamlit import config

OPTIONS: dict[str, object] = {
    "browser.gatherUsageStats": False,
    "browser.serverAddress": "127.0.0.1",
    "server.headless": True,
    "server.fileWatcherType": "none",
    "runner.postScriptGC": False,  # to the peers' advantage: a collection after each run costs more than the run
}


def main(script: str, port: str, assets: str) -> None:
    for name, value in OPTIONS.items():
        config.set_option(name, value)
    config.set_option("server.port", int(port))
    app = st.App(Path(script), routes=[Mount("/assets", StaticFiles(directory=assets))])
    uvicorn.run(app, host="127.0.0.1", port=int(port), access_log=False, log_level="warning")  # type: ignore[arg-type]  # st.App is an ASGI application without the protocol's type


if __name__ == "__main__":
    main(*sys.argv[1:])
