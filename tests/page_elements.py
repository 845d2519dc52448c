"""What a page of Streamlit shows, element by element, without server or browser."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from streamlit.testing.v1 import AppTest

import dashboard.context
from dashboard.context import Context, set_context

PAGE_S = 60  # on a busy machine
TIMES = re.compile(r'chargée il y a [^<"]*|data-as-of="[^"]*"')  # of a load, of a reading: no two are alike
NOT_COMPARED = "download_button"  # its address is of one session


def script() -> None:
    """Run by Streamlit's test, which knows this text alone."""
    import importlib

    import streamlit as st

    from dashboard.i18n import set_language

    set_language("fr")
    importlib.import_module(f"dashboard.pages.{st.session_state.page}").render()


def shown(held: Context, page: str, query: str) -> list[tuple[str, bytes]]:
    """What `dashboard/pages/<page>.py` shows of a view: each element's type, and what travels to the browser."""
    app, before = AppTest.from_function(script, default_timeout=PAGE_S), dashboard.context._context
    app.session_state["page"] = page
    for part in query.split("&") if query else ():
        name, _, value = part.partition("=")
        app.query_params[name] = value
    set_context(held)
    try:
        app.run()
    finally:
        dashboard.context._context = before
    assert not app.exception, app.exception
    return [(element.type, _said(element.proto)) for element in _elements(app._tree) if element.type != NOT_COMPARED]


def _elements(block: Any) -> Iterator[Any]:
    for child in getattr(block, "children", {}).values():
        if getattr(child, "proto", None) is not None:
            yield child
        yield from _elements(child)


def _said(proto: Any) -> bytes:
    if hasattr(proto, "body"):
        proto.body = TIMES.sub("", proto.body)
    content: bytes = proto.SerializeToString(deterministic=True)
    return content
