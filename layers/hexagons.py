"""Hexagons on their way to the page: a view's description, its tiles, and the folium element that paints them.

The page asks for three things (see `dashboard.hex_tiles`):

1. `Description`, JSON: all that the map says of a view beside the hexagons, and the key to its tiles;
2. `Level`, JSON: the classes for one resolution, the same wherever one looks;
3. tiles (format HXG2): the hexagons whose centre is in one square of 512 px, with their figures.

A tile is::

    "HXG2" · uint32 length of the header, little-endian · header: JSON in UTF-8
    for each column of the header, in order: one plane of `count` bytes for each of its `bytes`, lowest byte first

Planes of bytes that hardly change compress to almost nothing; `TileHeader` says what each column is.

All texts arrive translated and formatted; the page shows them as text, never as markup.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from types import MappingProxyType
from typing import Any, Literal, NotRequired, TypedDict

import numpy as np
from folium.elements import JSCSSMixin
from folium.map import Layer
from folium.template import Template
from folium.utilities import camelize
from numpy.typing import NDArray

from geo.errors import N_
from geo.ids import from_short_numbers, short_numbers
from layers.bundle import bundle_address
from layers.colours import THEMES, ThemeName
from layers.errors import LayerError
from layers.strings import STRINGS
from layers.tile_server import TileServer

State = Literal["value", "zero", "unknown", "withheld", "protected"]
STATE_CODES: dict[State, int] = {"value": 0, "zero": 1, "unknown": 2, "withheld": 3, "protected": 4}
MAGIC = b"HXG2"
Kind = Literal["cell", "code", "recent", "whole", "float"]

MOST_DECIMALS = 3
WHOLE_LIMIT = 2**47  # far above any figure, and exact in a browser
TILE_PX = 512  # side of a square of hexagons; its zoom is one less than the map's
ZOOMS = (3, 16)  # the furthest and the nearest the map goes

PIN_PARAMETER = "hexagone"
"""Of the page's address: the pinned hexagon (H3 index in hexadecimal). It is no part of what `/hex` is asked, so
that pinning fetches nothing."""


class ClassSpec(TypedDict):
    """One class of the measure. `label` is what the legend says ("12 – 40"), in the unit of the description."""

    low: float  # included; the first class also holds what is lower
    high: float  # excluded; the last class also holds what is higher
    label: str
    colour: str  # "#rrggbb" on the light theme
    colour_dark: str  # on the dark theme
    count: int  # hexagons in it, of those the classes were drawn up from


class StateSpec(TypedDict):
    """What the legend says of one of the four states other than a value."""

    state: State
    label: str  # "zéro", "jamais contrôlé", "non diffusé par le producteur", "protégé : moins de 5"
    count: int


class LineSpec(TypedDict):
    """What the legend says of one kind of line, drawn as on the map (see `layers.outlines.Outline`)."""

    kind: str
    status: str
    assumed: bool
    label: str
    count: int  # lines of that kind


class FieldSpec(TypedDict):
    """A figure of the tooltip, in the order in which they are shown. The first one is the measure on the map."""

    name: str  # column of the tiles
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
    age: str  # "jusqu'au 03/03/2025, chargée il y a 4 j", when the description was made
    stale: bool  # then
    says: str  # the same with {age} where the page says how long ago
    loaded: int  # seconds since 1970-01-01 UTC: its latest load
    stale_from: int  # when that becomes too old
    held: bool  # it has facts of the days looked at


class MarkingSpec(TypedDict):
    """The highest marking among the facts shown."""

    code: str  # of data.vocabulary.MARKINGS
    label: str


class Level(TypedDict):
    """How the hexagons of one resolution are coloured."""

    resolution: int
    resolution_label: str  # "hexagones de 0,11 km²"
    classes: list[ClassSpec]
    notes: list[str]  # short sentences under the legend


class Description(TypedDict):
    """Everything the map says of a view beside its hexagons."""

    locale: str  # "fr" or "en": how the page formats numbers
    title: str  # the measure: "Faits constatés pour 100 000 habitants"
    unit: str
    period: str  # "1er au 31 mars 2025"
    states: list[StateSpec]
    fields: list[FieldSpec]
    view: ViewSpec
    sources: list[SourceSpec]
    marking: MarkingSpec | None  # None: public
    notes: list[str]  # short sentences under the legend: "37 faits sans lieu précis ne sont pas sur la carte"
    message: str  # shown in the middle of the map when there is no hexagon: what is missing, what to do; else ""
    outlines: str  # address of the perimeters to draw (see `layers.outlines`); "": none
    places: str  # address of the names that the column `place` counts from 1; "": none
    key: str  # of the addresses of the tiles and levels of this view
    first_day: str  # AAAA-MM-JJ, of what is shown
    last_day: str  # the one after the period's, for hours past midnight
    days: int  # of the period
    hours: tuple[int, int] | None  # of each day, from … to (not after: of the next day); None: all of them
    step: str  # of a walk through time (`heure`, `jour`, `semaine`, `mois`); "": there is none
    resolutions: list[int]  # for each zoom from `ZOOMS[0]` to `ZOOMS[1]`
    lines: NotRequired[list[LineSpec]]  # of the perimeters, where they are the subject


class TimeCounts(TypedDict):
    """How many facts each day, or each hour of each day, has: what a time is chosen by."""

    label: str  # what is counted
    first: str | None  # AAAA-MM-JJ, from whose first hour on; None: nothing is held
    counts: list[int | None]  # one for each day or hour; None: protected
    held: list[str]  # first and last day of all there is, AAAA-MM-JJ


class ColumnSpec(TypedDict):
    """How to read a column back; see `TileHeader`."""

    name: str
    kind: Kind
    bytes: int  # for each value; 0: nothing is known, or all is zero
    decimals: int  # of a whole number: 10 to this power divides it


class TileHeader(TypedDict):
    """Of one tile, its hexagons in the order of their cells.

    ======= ====================================================================================================
    kind    value of a row
    ======= ====================================================================================================
    cell    difference from the row before, of the cell's number without its resolution and its unused digits;
            added to `first` for the first row
    code    as it is: `state` (`STATE_CODES`)
    recent  `place` (1 is the first of the names, 0: none): how many other places were met since this one was last; as
            many as were met in all for a new one, which is the next of `places`. Neighbours are mostly of few communes.
    whole   a number ≥ 0 of so many decimals, as a whole number, plus one; 0: unknown
    float   IEEE 754, 4 bytes; NaN: unknown
    ======= ====================================================================================================
    """

    resolution: int
    count: int
    first: int
    places: list[int]
    columns: list[ColumnSpec]


def encode(
    resolution: int, columns: Mapping[str, NDArray[Any]], decimals: Mapping[str, int] = MappingProxyType({})
) -> bytes:
    """Pack hexagons: `cell` (int64, sorted, of that resolution), `state` (uint8), `place` if any, and figures.

    Args:
        columns: Of one length. Any other than those three is a figure, NaN where it is unknown.
        decimals: To which figures that are only to be read are rounded; one that decides on a colour is not.

    Raises:
        LayerError: If a column is missing, of another length, or holds what it may not.
    """
    _check(columns)
    numbers = short_numbers(columns["cell"], resolution)
    first = int(numbers[0]) if len(numbers) else 0
    specs: list[ColumnSpec] = []
    planes: list[bytes] = []
    met: list[int] = []
    for name, column in columns.items():
        spec: Kind
        places = 0
        if name == "cell":
            spec, packed = "cell", _planes(np.diff(numbers, prepend=first))
        elif name == "state":
            spec, packed = "code", _planes(column)
        elif name == "place":
            ranks, met = _recent(column.tolist())
            spec, packed = "recent", _planes(ranks)
        else:
            places = decimals[name] if name in decimals else _decimals_of(column)
            spec, packed = _packed_figure(column, places)
        specs.append(ColumnSpec(name=name, kind=spec, bytes=len(packed), decimals=max(places, 0)))
        planes += packed
    header = TileHeader(resolution=resolution, count=len(numbers), first=first, places=met, columns=specs)
    text = json.dumps(header, separators=(",", ":")).encode()
    return b"".join((MAGIC, len(text).to_bytes(4, "little"), text, *planes))


def _decimals_of(column: NDArray[Any]) -> int:
    """How many decimals the known figures have; -1: more than a few."""
    known = column[~np.isnan(column)]
    for places in range(MOST_DECIMALS + 1):
        if (np.round(known * 10.0**places) / 10.0**places == known).all():
            return places
    return -1


def _packed_figure(column: NDArray[Any], places: int) -> tuple[Kind, list[bytes]]:
    known = ~np.isnan(column)
    values = np.round(column[known] * 10.0**places)
    if places >= 0 and (values >= 0).all() and (values < WHOLE_LIMIT).all():
        whole = np.zeros(len(column), dtype=np.int64)
        whole[known] = values.astype(np.int64) + 1
        return "whole", _planes(whole)
    bits = np.ascontiguousarray(column, dtype="<f4").view("<u4")
    return "float", [(bits >> (8 * place)).astype(np.uint8).tobytes() for place in range(4)]


def _recent(places: list[int]) -> tuple[NDArray[np.int64], list[int]]:
    """How long ago each place was met, counted in other places, and the places in the order in which they were met."""
    recent: list[int] = []  # the latest first
    met: list[int] = []
    ranks = np.zeros(len(places), dtype=np.int64)
    known: set[int] = set()
    for row, place in enumerate(places):
        if recent and recent[0] == place:
            continue
        if place in known:
            ranks[row] = recent.index(place)
            del recent[ranks[row]]
        else:
            ranks[row] = len(recent)
            known.add(place)
            met.append(place)
        recent.insert(0, place)
    return ranks, met


def _places_of(ranks: list[int], met: list[int]) -> NDArray[np.int64]:
    recent: list[int] = []
    places = np.zeros(len(ranks), dtype=np.int64)
    for row, rank in enumerate(ranks):
        recent.insert(0, recent.pop(rank) if rank < len(recent) else met[len(recent)])
        places[row] = recent[0]
    return places


def _planes(values: NDArray[Any]) -> list[bytes]:
    """The bytes of whole numbers ≥ 0, plane by plane, up to the highest that is not zero everywhere."""
    bits = values.astype(np.uint64)
    highest = int(bits.max(initial=0)).bit_length()
    return [(bits >> np.uint64(shift)).astype(np.uint8).tobytes() for shift in range(0, highest, 8)]


def decode(payload: bytes) -> tuple[TileHeader, dict[str, NDArray[Any]]]:
    """Unpack what `encode` packed; figures come back as float64.

    Raises:
        LayerError: If the payload is not of this format, or cut short.
    """
    if payload[:4] != MAGIC or len(payload) < 8:
        raise LayerError(N_("Réponse illisible : ce n'est pas un lot d'hexagones (HXG2)."))
    offset = 8 + int.from_bytes(payload[4:8], "little")
    if offset > len(payload):
        raise LayerError(N_("Lot d'hexagones tronqué : {given} octets."), given=len(payload))
    header: TileHeader = json.loads(payload[8:offset])
    count = header["count"]
    if offset + count * sum(spec["bytes"] for spec in header["columns"]) != len(payload):
        raise LayerError(N_("Lot d'hexagones tronqué : {given} octets."), given=len(payload))
    columns: dict[str, NDArray[Any]] = {}
    for spec in header["columns"]:
        bits = np.zeros(count, dtype=np.uint64)
        for place in range(spec["bytes"]):
            bits |= np.frombuffer(payload, np.uint8, count, offset).astype(np.uint64) << np.uint64(8 * place)
            offset += count
        columns[spec["name"]] = _unpacked(bits, spec, header)
    return header, columns


def _unpacked(bits: NDArray[np.uint64], spec: ColumnSpec, header: TileHeader) -> NDArray[Any]:
    match spec["kind"]:
        case "cell":
            return from_short_numbers(np.cumsum(bits.astype(np.int64)) + header["first"], header["resolution"])
        case "code":
            return bits.astype(np.int64)
        case "recent":
            return _places_of(bits.tolist(), header["places"])
        case "whole":
            return np.where(bits == 0, np.nan, (bits.astype(np.float64) - 1) / 10.0 ** spec["decimals"])
        case "float":
            return bits.astype("<u4").view("<f4").astype(np.float64)


def _check(columns: Mapping[str, NDArray[Any]]) -> None:
    missing = sorted({"cell", "state"} - columns.keys())
    if missing:
        raise LayerError(N_("Colonnes absentes du lot d'hexagones : {given}."), given=", ".join(missing))
    lengths = {len(column) for column in columns.values()}
    if len(lengths) > 1:
        raise LayerError(N_("Colonnes de longueurs différentes : {given}."), given=sorted(lengths))
    state = columns["state"]
    if (state > max(STATE_CODES.values())).any():
        raise LayerError(N_("État d'hexagone inconnu : {given}."), given=int(state.max()))
    if (np.diff(columns["cell"]) <= 0).any():
        raise LayerError(N_("Hexagones en désordre ou répétés."))


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
        ("geographiclib", "/assets/geographiclib/geographiclib-geodesic.min.js"),
        ("hexacross_scripts", bundle_address()),
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
        walks: bool = True,
    ) -> None:
        """Describe the layer.

        Args:
            strings: `STRINGS`, translated; those left out stay in French.
            insets: Names of the insets by key, translated; None: those of `INSETS`.
            basemap: Where `layers.basemap.write_basemap` put its files; "": no basemap.
            tiles: A tile server to draw under the basemap's borders; None: no other host is asked for anything.
            changes: The stream of what changes, that the map follows; "": it stays as it was fetched.
            walks: Offer the walk through time, for which `url` must answer below `/jours` and `/heures`.
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
            "walks": walks,
            "pinParameter": PIN_PARAMETER,
            "zooms": ZOOMS,
        }

    def options_json(self) -> str:
        """The options as data, for a page of ours whose own script makes the layer; safe within `<script>`."""
        return json.dumps(_as_folium_names(self.options), ensure_ascii=False).replace("<", "\\u003c")


def _as_folium_names(value: Any) -> Any:
    """Names as folium writes them into a page (`ink_minor` is `inkMinor` there)."""
    if isinstance(value, dict):
        return {camelize(name): _as_folium_names(part) for name, part in value.items()}
    return [_as_folium_names(part) for part in value] if isinstance(value, list | tuple) else value
