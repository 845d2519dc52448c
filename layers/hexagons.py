"""Hexagons on their way to the page: a binary payload, and the folium element whose script paints it.

The payload (format HXG1) is one small file in two parts::

    "HXG1" · uint32 length of the header · header: JSON in UTF-8, padded with spaces to a multiple of 8
    columns, in the order of header["columns"], little-endian, each padded with zeros to a multiple of 8

so that the browser lays typed arrays over it without a copy. `Header` is all that the map says beside the
hexagons; whoever answers `GET /hex` fills it in and hands it to `encode` with the columns:

=========== ======== ==========================================================================================
column      dtype    meaning
=========== ======== ==========================================================================================
``cell``    int64    H3 cell, all of the header's resolution
``state``   uint8    one of `STATE_CODES`: 0 value, 1 zero, 2 unknown, 3 withheld, 4 protected
``class``   uint8    index into header["classes"] where ``state`` is 0; ignored (write 255) elsewhere
``place``   uint16   optional: index into header["places"], the name shown above the figures
any other   number   one for each name in header["fields"] (`name`, `low`, `high`); NaN: unknown. float32 will do
=========== ======== ==========================================================================================

All texts of the header arrive translated and formatted; the page shows them as text, never as markup.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, Literal, NotRequired, TypedDict

import numpy as np
from folium.elements import JSCSSMixin
from folium.map import Layer
from folium.template import Template
from numpy.typing import NDArray

from geo.errors import N_
from layers.colours import THEMES, ThemeName
from layers.errors import LayerError
from layers.strings import STRINGS
from layers.tile_server import TileServer

State = Literal["value", "zero", "unknown", "withheld", "protected"]
STATE_CODES: dict[State, int] = {"value": 0, "zero": 1, "unknown": 2, "withheld": 3, "protected": 4}
NO_CLASS = 255  # in the column `class`, where there is no value to class

MAGIC = b"HXG1"
REQUIRED_COLUMNS = {"cell": np.dtype("<i8"), "state": np.dtype("u1"), "class": np.dtype("u1")}
DTYPES = ("int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "float32", "float64")

ZOOMS = (3, 16)  # the furthest and the nearest the map goes

BOUND_KEYS: tuple[Literal["low", "high"], ...] = ("low", "high")

PIN_PARAMETER = "hexagone"
"""Of the page's address: the pinned hexagon (H3 index in hexadecimal). It is no part of what `/hex` is asked, so
that pinning fetches nothing."""


class ClassSpec(TypedDict):
    """One class of the measure. `label` is what the legend says ("12 à 40"), in the unit of the header."""

    low: float  # included
    high: float  # excluded, but for the last class
    label: str
    colour: str  # "#rrggbb" on the light theme
    colour_dark: str  # on the dark theme
    count: int  # hexagons in it


class StateSpec(TypedDict):
    """One of the four states other than a value, with the number of hexagons in it. Only those that occur."""

    state: State
    label: str  # "zéro", "jamais contrôlé", "non diffusé par le producteur", "protégé : moins de 5"
    count: int


class FieldSpec(TypedDict):
    """A figure of the tooltip, in the order in which they are shown. The first one is the measure on the map."""

    name: str  # column of the payload
    label: str
    unit: str  # "": none
    decimals: int
    low: NotRequired[str]  # columns with the bounds of its interval; both or none
    high: NotRequired[str]


class ViewSpec(TypedDict):
    """What is looked at. The map moves there when `key` changes, and only then: a filter does not move it."""

    key: str  # "" or "france" for the whole country, else kind:code
    name: str
    bounds: list[list[float]]  # [[south, west], [north, east]], degrees WGS 84
    national: bool  # show the overseas insets


class SourceSpec(TypedDict):
    """A producer of the facts and the age of its latest ones."""

    name: str
    age: str  # "données jusqu'au 3 mars 2025"
    stale: bool


class MarkingSpec(TypedDict):
    """The highest marking among the facts shown."""

    code: str  # of data.vocabulary.MARKINGS
    label: str


class ColumnSpec(TypedDict):
    """Where a column lies is known from those before it: each is padded to 8 bytes."""

    name: str
    dtype: str
    length: int


class Header(TypedDict):
    """Everything the map says beside the hexagons."""

    locale: str  # "fr" or "en": how the page formats numbers
    title: str  # the measure: "Faits constatés pour 100 000 habitants"
    unit: str
    period: str  # "1er au 31 mars 2025"
    resolution: int
    resolution_label: str  # "hexagones de 0,11 km²"
    classes: list[ClassSpec]
    states: list[StateSpec]
    fields: list[FieldSpec]
    places: list[str]  # names for the column `place`; empty without it
    view: ViewSpec
    sources: list[SourceSpec]
    marking: MarkingSpec | None  # None: public
    notes: list[str]  # short sentences under the legend: "37 faits sans lieu précis ne sont pas sur la carte"
    message: str  # shown in the middle of the map when there is no hexagon: what is missing, what to do; else ""
    outlines: str  # address of the perimeters to draw (see `layers.outlines`); "": none
    columns: NotRequired[list[ColumnSpec]]  # written by `encode`


def encode(header: Header, columns: Mapping[str, NDArray[Any]]) -> bytes:
    """Pack a header and its columns, arrays of one length, into a payload.

    Raises:
        LayerError: If a column is missing, of another length or type, or names a class that the header has not.
    """
    _check(header, columns)
    ordered = {name: np.ascontiguousarray(column) for name, column in columns.items()}
    specs = [ColumnSpec(name=name, dtype=column.dtype.name, length=len(column)) for name, column in ordered.items()]
    text = json.dumps({**header, "columns": specs}, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    head = _padded(text.encode(), b" ")
    parts = [MAGIC, len(head).to_bytes(4, "little"), head]
    parts += [
        _padded(column.astype(column.dtype.newbyteorder("<"), copy=False).tobytes()) for column in ordered.values()
    ]
    return b"".join(parts)


def decode(payload: bytes) -> tuple[Header, dict[str, NDArray[Any]]]:
    """Unpack what `encode` packed; the arrays are read-only views of the payload.

    Raises:
        LayerError: If the payload is not of this format, or cut short.
    """
    if payload[:4] != MAGIC or len(payload) < 8:
        raise LayerError(N_("Réponse illisible : ce n'est pas un lot d'hexagones (HXG1)."))
    offset = 8 + int.from_bytes(payload[4:8], "little")
    if offset > len(payload):
        raise LayerError(N_("Lot d'hexagones tronqué : {given} octets."), given=len(payload))
    header: Header = json.loads(payload[8:offset])
    columns: dict[str, NDArray[Any]] = {}
    for spec in header["columns"]:
        dtype = np.dtype(spec["dtype"]).newbyteorder("<")
        stop = offset + dtype.itemsize * spec["length"]
        if stop > len(payload):
            raise LayerError(N_("Lot d'hexagones tronqué : {given} octets."), given=len(payload))
        columns[spec["name"]] = np.frombuffer(payload, dtype, spec["length"], offset)
        offset = stop + -stop % 8
    return header, columns


def _padded(data: bytes, filler: bytes = b"\0") -> bytes:
    return data + filler * (-len(data) % 8)


def _field_columns(fields: list[FieldSpec]) -> set[str]:
    bounds = {field[key] for field in fields for key in BOUND_KEYS if key in field}
    return {field["name"] for field in fields} | bounds


def _check(header: Header, columns: Mapping[str, NDArray[Any]]) -> None:
    missing = sorted((REQUIRED_COLUMNS.keys() | _field_columns(header["fields"])) - columns.keys())
    if missing:
        raise LayerError(N_("Colonnes absentes du lot d'hexagones : {given}."), given=", ".join(missing))
    lengths = {len(column) for column in columns.values()}
    if len(lengths) > 1:
        raise LayerError(N_("Colonnes de longueurs différentes : {given}."), given=sorted(lengths))
    for name, column in columns.items():
        expected = REQUIRED_COLUMNS.get(name)
        if column.dtype.name not in DTYPES or (expected is not None and column.dtype != expected):
            raise LayerError(N_("Colonne « {name} » : type {given} inattendu."), name=name, given=column.dtype.name)
    state = columns["state"]
    if (state > max(STATE_CODES.values())).any():
        raise LayerError(N_("État d'hexagone inconnu : {given}."), given=int(state.max()))
    shown = columns["class"][state == STATE_CODES["value"]]
    if shown.size and shown.max() >= len(header["classes"]):
        raise LayerError(
            N_("Classe {given} : la légende n'en a que {known}."),
            given=int(shown.max()),
            known=len(header["classes"]),
        )


INSETS: tuple[tuple[str, str, tuple[float, float, float, float]], ...] = (
    ("guadeloupe", N_("Guadeloupe"), (-61.85, 15.80, -60.98, 16.54)),
    ("martinique", N_("Martinique"), (-61.26, 14.36, -60.78, 14.91)),
    ("guyane", N_("Guyane"), (-54.65, 2.10, -51.60, 5.80)),
    ("reunion", N_("La Réunion"), (55.19, -21.41, 55.86, -20.85)),
    ("mayotte", N_("Mayotte"), (44.97, -13.03, 45.33, -12.62)),
    ("ile-de-france", N_("Île-de-France"), (1.43, 48.10, 3.57, 49.26)),
)
"""The small maps beside the national view, in their fixed order: key, name, (west, south, east, north) in degrees."""


class HexagonLayer(JSCSSMixin, Layer):
    """Hexagons that fetch themselves, with their legend, tooltip, insets, basemap and outlines.

    The script it writes is the same whatever is looked at: what to show comes from the address of the page that
    holds the map (`follow="parent"`) or of the map's own page (`"self"`), sent on to `url`.
    """

    default_js = [  # noqa: RUF012 -- folium reads these class attributes and expects lists
        ("h3", "/assets/h3-js/h3-js.umd.js"),
        ("hexacross_canvas", "/layers/canvas.js"),
        ("hexacross_basemap_tiles", "/layers/basemap_tiles.js"),
        ("hexacross_basemap", "/layers/basemap.js"),
        ("hexacross_tile_server", "/layers/tile_server.js"),
        ("hexacross_outlines", "/layers/outlines.js"),
        ("hexacross_payload", "/layers/payload.js"),
        ("hexacross_tooltip", "/layers/tooltip.js"),
        ("hexacross_legend", "/layers/legend.js"),
        ("hexacross_insets", "/layers/insets.js"),
        ("hexacross_controls", "/layers/controls.js"),
        ("geographiclib", "/assets/geographiclib/geographiclib-geodesic.min.js"),
        ("hexacross_geodesy", "/layers/geodesy.js"),
        ("hexacross_sketch", "/layers/sketch.js"),
        ("hexacross_coordinates", "/layers/coordinates.js"),
        ("hexacross_measure", "/layers/measure.js"),
        ("hexacross_stream", "/layers/stream.js"),
        ("hexacross_live", "/layers/live.js"),
        ("hexacross_zone", "/layers/zone.js"),
        ("hexacross_tools", "/layers/tools.js"),
        ("hexacross_hexagons", "/layers/hexagons.js"),
    ]
    default_css = [("hexacross", "/layers/map.css")]  # noqa: RUF012 -- see default_js

    _template = Template(
        """{% macro script(this, kwargs) %}
        var {{ this.get_name() }} = L.hexacross.hexagonLayer({{ this.options|tojavascript }});
        {% endmacro %}"""
    )

    def __init__(
        self,
        url: str = "/hex",
        *,
        theme: ThemeName = "light",
        strings: Mapping[str, str] = STRINGS,
        insets: Mapping[str, str] | None = None,
        follow: Literal["parent", "self"] = "parent",
        basemap: str = "/assets/basemap",
        tiles: TileServer | None = None,
        changes: str = "",
    ) -> None:
        """Describe the layer.

        Args:
            strings: `STRINGS`, translated; those left out stay in French.
            insets: Names of the insets by key, translated; None: those of `INSETS`.
            basemap: Where `layers.basemap.write_basemap` put its files; "": no basemap.
            tiles: A tile server to draw under the basemap's borders; None: no other host is asked for anything.
            changes: The stream of what changes, that the map follows; "": it stays as it was fetched.
        """
        super().__init__(name=None, overlay=True, control=False)
        self._name = "HexagonLayer"
        names = insets or {}
        self.options: dict[str, Any] = {
            "url": url,
            "colours": asdict(THEMES[theme]),
            "strings": STRINGS | dict(strings),
            "insets": [{"key": key, "name": names.get(key, name), "box": box} for key, name, box in INSETS],
            "follow": follow,
            "basemap": basemap,
            "tiles": asdict(tiles) if tiles else None,
            "changes": changes,
            "pinParameter": PIN_PARAMETER,
            "zooms": ZOOMS,
        }
