"""Corridors on a map: what travels to the page, and the folium layer that fetches and draws it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, Literal, NotRequired, TypedDict

from folium.elements import JSCSSMixin
from folium.map import Layer
from folium.template import Template

from geo.errors import N_
from layers.colours import THEMES, ThemeName, sequential
from layers.hexagons import HexagonLayer
from layers.map import OfflineMap
from layers.strings import STRINGS

STEPS = 5  # of width, and of the circles' size
CHOICE_PARAMETERS = ("liaison", "entree")  # of the address: they mark what is drawn, and fetch nothing
ZOOMS = (1, 12)
MIDDLE = (30.0, 0.0)  # lat, lng: of a map that has nothing to show yet

CORRIDOR_STRINGS: dict[str, str] = {
    "corridors": N_("Liaisons"),
    "entries": N_("Points d'entrée en Europe"),
    "corridor_keys": N_(
        "Liaisons de la carte : flèches gauche et droite pour passer de l'une à l'autre, haut et bas pour les points"
        " d'entrée, Entrée pour choisir, Échap pour libérer"
    ),
    "no_corridor": N_("Aucune liaison pour ces filtres."),
}

Row = tuple[str, str]  # of a tooltip: label, value; text, never markup


class LineSpec(TypedDict):
    """A corridor. `parts`: lng, lat, lng, lat… in degrees, in the direction of the way."""

    id: int  # sent back by a click
    key: str
    title: str
    mode: str  # "": not known
    step: int  # 1 to STEPS
    sure: int  # of `geo.corridors.Evidence`
    trend: int  # -1, 0, 1: beyond chance, against the period compared with
    rows: list[Row]
    parts: list[list[float]]


class EntrySpec(TypedDict):
    """An entry point; `step` is that of its circle."""

    id: int
    key: str
    title: str
    kind: Literal["air", "port", "terre"]
    letter: str
    lng: float
    lat: float
    step: int
    rows: list[Row]


class LegendRow(TypedDict):
    """`value`: what it shows; a width's step, a mode, a degree of evidence, a trend."""

    value: int | str
    label: str
    count: NotRequired[int]


class LegendPart(TypedDict):
    kind: Literal["width", "mode", "sure", "trend", "entry"]
    title: str
    rows: list[LegendRow]


class CorridorMap(TypedDict):
    """The answer to the page's question."""

    locale: str
    title: str
    subtitle: str
    lines: list[LineSpec]  # the lightest first: the heaviest lie on top
    entries: list[EntrySpec]
    legend: list[LegendPart]
    notes: list[str]
    bounds: list[list[float]]  # [[south, west], [north, east]]; empty: nothing to show
    colours: dict[str, str]  # of lines, by theme
    trends: dict[str, list[str]]  # decrease, same, increase, by theme


def encode_corridors(drawn: CorridorMap) -> bytes:
    return json.dumps(drawn, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()


def line_colour(theme: ThemeName) -> str:
    return sequential(7, theme)[4]


class CorridorLayer(JSCSSMixin, Layer):
    """Corridors that fetch themselves, with their legend, tooltip and basemap; the same script for every view."""

    default_js = [*HexagonLayer.default_js, ("corridors", "/layers/corridors.js")]  # noqa: RUF012 -- folium expects lists
    default_css = [*HexagonLayer.default_css, ("corridors", "/layers/corridors.css")]  # noqa: RUF012 -- see default_js

    _template = Template(
        """{% macro script(this, kwargs) %}
        var {{ this.get_name() }} = L.hexacross.corridorLayer({{ this.options|tojavascript }});
        {% endmacro %}"""
    )

    def __init__(self, url: str, *, theme: ThemeName, strings: Mapping[str, str], basemap: str, changes: str) -> None:
        super().__init__(name=None, overlay=True, control=False)
        self._name = "CorridorLayer"
        self.options: dict[str, Any] = {
            "url": url,
            "colours": asdict(THEMES[theme]),
            "strings": STRINGS | CORRIDOR_STRINGS | dict(strings),
            "basemap": basemap,
            "changes": changes,
            "choices": list(CHOICE_PARAMETERS),
            "zooms": ZOOMS,
        }


def build_corridor_map(
    theme: ThemeName = "light",
    strings: Mapping[str, str] = CORRIDOR_STRINGS,
    *,
    url: str = "/corridors",
    basemap: str = "/assets/basemap",
    changes: str = "",
) -> OfflineMap:
    """The map of the Routes page: the view is the address of the page that holds it."""
    drawn = OfflineMap(
        location=MIDDLE,
        zoom_start=2,
        tiles=None,
        zoom_control=False,
        control_scale=False,
        attribution_control=False,
        zoom_snap=0.25,
        zoom_delta=1,
        world_copy_jump=False,
    )
    CorridorLayer(url, theme=theme, strings=strings, basemap=basemap, changes=changes).add_to(drawn)
    return drawn
