"""The HTML of the wall: a page without any control, the frame of its map, and the list of scripts."""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Iterable
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import quote

import streamlit

from dashboard.i18n import _, current_language
from dashboard.live import STREAM
from dashboard.wall_sight import CAPITAL, EASE_ARCMIN, LEAST_ARCMIN, Screen
from geo.errors import N_
from layers.colours import DARK
from layers.hexagons import HexagonLayer
from layers.map import OfflineMap, build_map
from layers.strings import STRINGS
from layers.tile_server import TileServer

STATIC = Path(__file__).parent / "static"
SCRIPTS = ("wall.js", "wall_sight.js", "wall_pages.js", "wall_draw.js", "wall_map.js", "wall.css")
MAP_NAME = "mur"  # folium makes the name of a map's variable of it: `map_mur`
FONTS = "/static/media"  # where Streamlit serves its own
FONT = "SourceSansVF-Upright*.woff2"

# Of the bands with the marking; white on each is at least 7:1, as everything on a wall is (tests/dashboard).
BANDS: dict[str, str] = {"public": "#3c4753", "demo": "#084a94", "internal": "#3c4753", "restricted": "#8c1a13"}
COLOURS: dict[str, str] = {
    "ground": DARK.water,
    "ink": DARK.ink,
    "minor": DARK.ink_minor,
    "accent": DARK.accent,
    "alert": DARK.alert,
    "stale": DARK.stale,
    "line": DARK.pattern,
    "pattern": DARK.pattern,
    "pattern-ground": DARK.pattern_ground,
    "zero": DARK.zero,
    **{f"band-{code}": colour for code, colour in BANDS.items()},
}
WORDS: dict[str, str] = {
    "locale": N_("fr-FR"),
    "loading": N_("Chargement…"),
    "alert": N_("Alerte"),
    "alerts_in_force": N_("{n} alerte(s)"),
    "masked": N_("Scène masquée"),
    "no_marking": N_("La mention de protection est inconnue : rien ne peut être montré."),
    "no_marking_band": N_("Mention de protection inconnue"),
    "stale": N_("Données périmées : dernier chargement {age}, le {day}."),
    "no_data": N_("Aucune donnée pour cette période."),
    "map_away": N_("La carte ne répond pas. Nouvel essai à la prochaine scène."),
    "unexpected": N_("Une erreur imprévue arrête cette scène ; la suivante vient d'elle-même."),
    "refused": N_("Script refusé"),
    "unreachable": N_("Le serveur ne répond pas. Nouvel essai toutes les 5 secondes."),
    "away": N_("Sans base depuis {since}"),
    "lost": N_("Sans serveur depuis {since}"),
    "one_source": N_("{name}, {age}"),
    "many_sources": N_("{n} sources, {young} ; la plus ancienne {old}"),
    "no_source": N_("Aucune source"),
    "page": N_("{n} sur {count}"),
}


@functools.cache
def page_digest() -> str:
    """Changes with the page itself: one that stays open for weeks comes back after an upgrade."""
    parts = [(STATIC / name).read_bytes() for name in SCRIPTS]
    parts += [json.dumps([WORDS, COLOURS]).encode(), *(path.encode() for _name, path in HexagonLayer.default_js)]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()[:16]


@functools.cache
def _font_face() -> str:
    """The typeface that comes with Streamlit; without it, the system's."""
    found = sorted((Path(streamlit.__file__).parent / "static" / "static" / "media").glob(FONT))
    if not found:
        return ""
    source = f"url({FONTS}/{quote(found[0].name)})"
    return f'@font-face{{font-family:"Source Sans";src:{source} format("woff2");font-weight:200 900}}'


def _page(title: str, head: str, body: str) -> str:
    colours = "".join(f"--{name}:{colour};" for name, colour in COLOURS.items())
    return (
        f'<!DOCTYPE html><html lang="{current_language()}"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><title>{escape(title)}</title>'
        f'<link rel="icon" href="/ui/hexacross.svg" type="image/svg+xml">'
        f"<style>{_font_face()}:root{{{colours}}}</style>{head}</head>{body}</html>"
    )


def _as_data(value: object) -> str:
    """JSON inside HTML: nothing in it ends the element."""
    return json.dumps(value, ensure_ascii=False).replace("<", "\\u003c")


def wall_html(script: str) -> str:
    """The page of a script; what is wrong with the script, it says itself."""
    config = {
        "page": page_digest(),
        "script": script,
        "language": current_language(),
        "changes": STREAM,
        "screen": {"diagonal_in": Screen().diagonal_in, "distance_m": Screen().distance_m},
        "sight": {"ease": EASE_ARCMIN, "least": LEAST_ARCMIN, "capital": CAPITAL},
        "words": {name: _(text) for name, text in WORDS.items()},
    }
    head = (
        '<link rel="stylesheet" href="/ui/wall.css"><script src="/layers/stream.js"></script>'
        '<script src="/layers/live.js"></script><script type="module" src="/ui/wall.js"></script>'
    )
    body = (
        f'<body><script type="application/json" id="config">{_as_data(config)}</script>'
        '<div class="room" id="room"><div class="band" role="note"></div>'
        '<header><p class="where"></p><h1></h1></header><main></main>'
        '<footer><p class="ages" role="status"></p><p class="clock"></p></footer>'
        '<div class="band" aria-hidden="true"></div>'
        f'<iframe title="{escape(_("Carte"))}" src="/mur/carte?langue={current_language()}" tabindex="-1"></iframe>'
        "</div></body>"
    )
    return _page(f"Hexacross · {_('Mur')}", head, body)


def choice_html(choices: Iterable[tuple[str, str, str]]) -> str:
    """The scripts there are: name, title, and why one is refused."""
    language = current_language()
    rows = "".join(
        f'<li><a href="?script={quote(name)}&amp;langue={language}">{escape(title)}</a> <span>{escape(name)}</span>'
        + (f"<pre>{escape(fault)}</pre>" if fault else "")
        + "</li>"
        for name, title, fault in choices
    )
    explained = _("Un script de scènes pour un écran mural. Les vôtres : dossier HEXACROSS_WALLS.")
    body = (
        f'<body class="choice"><main><h1>{escape(_("Mur"))}</h1><p>{escape(explained)}</p><ul>{rows}</ul></main></body>'
    )
    return _page(f"Hexacross · {_('Mur')}", '<link rel="stylesheet" href="/ui/wall.css">', body)


def map_html() -> str:
    """The page of the map's frame: what folium would write, its script in a file of its own."""
    styles = "".join(
        f'<link rel="stylesheet" href="{path}">' for _name, path in (*OfflineMap.default_css, *HexagonLayer.default_css)
    )
    scripts = "".join(
        f'<script src="{path}"></script>' for _name, path in (*OfflineMap.default_js, *HexagonLayer.default_js)
    )
    head = f'{styles}<link rel="stylesheet" href="/ui/wall.css">{scripts}'
    body = (
        f'<body class="frame"><div class="folium-map" id="map_{MAP_NAME}"></div>'
        f'<script src="/mur/carte.js?langue={current_language()}"></script></body>'
    )
    return _page(_("Carte"), head, body)


def map_script(url: str, tiles: TileServer | None) -> str:
    """The script that folium makes of the one map of the application, for the wall's frame."""
    drawn = build_map(
        "dark",
        {key: _(text) for key, text in STRINGS.items()},
        follow="self",
        url=url,
        tiles=tiles,
        changes=STREAM,
    )
    drawn._id = MAP_NAME  # folium gives a new name each time; the page that holds the map has to know it
    figure: Any = drawn.get_root()  # branca types it as any element
    figure.render()
    script: str = figure.script.render()
    return script
