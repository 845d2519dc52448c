"""The HTML page that holds Streamlit: in the reader's language, without inline script, with our name and icon."""

from __future__ import annotations

import re
from pathlib import Path

import streamlit

from layers.hexagons import HexagonLayer
from layers.map import OfflineMap

STREAMLIT_INDEX = Path(streamlit.__file__).parent / "static" / "index.html"
INLINE_SCRIPT = re.compile(r"<script>.*?</script>", re.DOTALL)  # only a flag for crawlers; the CSP would block it
AGENT_LINK = re.compile(r'<link rel="service-desc"[^>]*>')  # describes an API that we keep off
SCRIPTS = "".join(
    f'<script src="{path}" defer></script>'
    for path in (
        "/ui/words.js",
        "/layers/stream.js",
        "/layers/live.js",
        "/ui/parts.js",
        "/ui/follow.js",
        "/ui/live.js",
        "/ui/matrix.js",
    )
)
# After the styles that Streamlit puts into the head: of two rules that weigh the same, ours holds.
STYLE = '<link rel="stylesheet" href="/ui/page.css">'

# What the map's frame will ask for, one after the other: fetched meanwhile.
AHEAD = "".join(
    f'<link rel="prefetch" href="{path}" as="script">'
    for _name, path in (*OfflineMap.default_js, *HexagonLayer.default_js)
)


def index_html(language: str) -> str:
    html = STREAMLIT_INDEX.read_text(encoding="utf-8")
    html = AGENT_LINK.sub("", INLINE_SCRIPT.sub("", html))
    html = html.replace('<html lang="en">', f'<html lang="{language}">')
    html = html.replace("<title>Streamlit</title>", "<title>Hexacross</title>")
    html = html.replace("<title>", '<script src="/ui/base.js"></script><title>', 1)
    html = html.replace('href="./favicon.png"', 'href="/ui/hexacross.svg" type="image/svg+xml"')
    return html.replace("</head>", f"{SCRIPTS}{AHEAD}</head>").replace("</body>", f"{STYLE}</body>")
