"""From measured hexagons to what travels to the page: classes, colours, words, bytes."""

from __future__ import annotations

import functools
from datetime import UTC, datetime
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from dashboard import format as fmt
from dashboard.context import Context, viewer_of
from dashboard.figures import without_place
from dashboard.hexagon_table import FEWEST_INHABITANTS, HexagonTable, ground_is_drawn, hexagon_table
from dashboard.i18n import _, current_language
from dashboard.measures import Measure
from dashboard.sources import marking_label, markings_shown, source_ages
from dashboard.view import View
from data.geography import Geography, geography
from data.query import Territory, Viewer
from geo.cells import areas_km2, centres
from layers.classes import NO_CLASS, Classes, Scheme, classify
from layers.colours import Hue, sequential
from layers.hexagons import (
    STATE_CODES,
    ClassSpec,
    FieldSpec,
    Header,
    MarkingSpec,
    SourceSpec,
    State,
    StateSpec,
    ViewSpec,
    encode,
)
from layers.outlines import Outline, encode_outlines

CLASS_COUNT = 6
MAINLAND_BOUNDS = [[41.3, -5.3], [51.2, 9.7]]  # [[south, west], [north, east]], degrees WGS 84


def hexagons_payload(context: Context, view: View) -> bytes:
    """The answer of `GET /hex` for a dated view."""
    table = hexagon_table(context, view)
    shown = np.where(table.states == STATE_CODES["value"], table.values, np.nan)
    scheme: Scheme = "jenks" if view.classes == "jenks" else "quantiles"
    classes = classify(shown, scheme, CLASS_COUNT, format_number=fmt.limit)
    places, place_of_cell = _places(context.geography, table.cells)
    columns: dict[str, NDArray[Any]] = {
        "cell": table.cells,
        "state": table.states,
        "class": np.where(table.states == STATE_CODES["value"], classes.indices(table.values), NO_CLASS).astype(
            np.uint8
        ),
        "place": place_of_cell,
        **_tooltip_columns(table),
    }
    return encode(_header(context, view, table, classes, places), columns)


def _tooltip_columns(table: HexagonTable) -> dict[str, NDArray[np.float32]]:
    names = ("values", "low", "high", "population", "incidents", "controls", "checked", "positive", "kg", "eur")
    hidden = table.states == STATE_CODES["protected"]
    return {name: np.where(hidden, np.nan, getattr(table, name)).astype(np.float32) for name in names}


def _fields(measure: Measure) -> list[FieldSpec]:
    """Figures of the tooltip: the measure first, then what stands behind it."""
    first = FieldSpec(name="values", label=_(measure.title), unit=_(measure.unit), decimals=_decimals(measure))
    if measure.name in ("taux", "rendement"):
        first |= {"low": "low", "high": "high"}
    others = [
        FieldSpec(name="incidents", label=_("Incidents"), unit="", decimals=0),
        FieldSpec(name="controls", label=_("Contrôles"), unit="", decimals=0),
        FieldSpec(name="checked", label=_("Contrôlés"), unit="", decimals=0),
        FieldSpec(name="positive", label=_("Positifs"), unit="", decimals=0),
        FieldSpec(name="kg", label=_("Quantités saisies"), unit=_("kg"), decimals=1),
        FieldSpec(name="population", label=_("Population estimée au prorata des surfaces"), unit="", decimals=0),
    ]
    same = {"incidents": "incidents", "controles": "controls", "verifies": "checked", "kg": "kg"}.get(measure.name)
    return [first, *(field for field in others if field["name"] != same)]


def _decimals(measure: Measure) -> int:
    return 1 if measure.name in ("taux", "densite", "rendement", "kg") else 0


def _places(known: Geography, cells: NDArray[np.int64]) -> tuple[list[str], NDArray[np.uint16]]:
    """Name of the commune at the centre of each hexagon; "" at sea and abroad."""
    lng, lat = centres(cells)
    codes, place_of_cell = np.unique(np.asarray(known.locate(lng, lat).communes, dtype=str), return_inverse=True)
    names = commune_names()
    return [names.get(str(code), "") for code in codes], place_of_cell.astype(np.uint16)


def place_name(known: Geography, cell: int) -> str:
    """Name of the commune at the centre of a hexagon."""
    names, _position = _places(known, np.array([cell], dtype=np.int64))
    return names[0]


@functools.cache
def commune_names() -> dict[str, str]:
    communes = geography().communes
    return dict(zip(communes["code"].astype(str), communes["name"].astype(str), strict=True))


def _header(context: Context, view: View, table: HexagonTable, classes: Classes, places: list[str]) -> Header:
    viewer = viewer_of(context.settings)
    sources = context.store.sources(viewer)
    ages = source_ages(sources, context.settings.stale_hours, datetime.now(UTC))
    markings = markings_shown(sources)
    return Header(
        locale=current_language(),
        title=_(table.measure.title),
        unit=_(table.measure.unit),
        period=period_label(view),
        resolution=table.resolution,
        resolution_label=_resolution_label(table.cells),
        classes=_class_specs(table.measure, classes),
        states=_state_specs(table, viewer),
        fields=_fields(table.measure),
        places=places,
        view=view_spec(context.geography, view.territory),
        sources=[SourceSpec(name=age.name, age=age.text, stale=age.stale) for age in ages],
        marking=MarkingSpec(code=markings[0], label=marking_label(markings)) if markings else None,
        notes=_notes(context, view, table.measure, viewer),
        message="" if table.cells.size else _empty_message(bool(sources)),
        outlines=f"/perimetres{View(territory=view.territory).address()}",
    )


def period_label(view: View) -> str:
    """`1–31 mars 2026`."""
    query = view.query()
    return fmt.period(query.start, query.stop)


def _resolution_label(cells: NDArray[np.int64]) -> str:
    if not cells.size:
        return ""
    return _("hexagones de {area} km²").format(area=fmt.significant(float(areas_km2(cells).mean())))


def _class_specs(measure: Measure, classes: Classes) -> list[ClassSpec]:
    if not len(classes):
        return []
    hue: Hue = "green" if measure.of_controls else "violet"
    light, dark = sequential(len(classes), "light", hue), sequential(len(classes), "dark", hue)
    return [
        ClassSpec(
            low=classes.bounds[position],
            high=classes.bounds[position + 1],
            label=classes.labels[position],
            colour=light[position],
            colour_dark=dark[position],
            count=classes.counts[position],
        )
        for position in range(len(classes))
    ]


def _state_specs(table: HexagonTable, viewer: Viewer) -> list[StateSpec]:
    labels: dict[State, str] = {
        "zero": _("zéro"),
        "unknown": _unknown_label(table.measure),
        "withheld": _("non diffusé par le producteur"),
        "protected": _("protégé : moins de {threshold}").format(threshold=viewer.threshold),
    }
    found = {state: int((table.states == STATE_CODES[state]).sum()) for state in labels}
    return [StateSpec(state=state, label=labels[state], count=count) for state, count in found.items() if count]


def _unknown_label(measure: Measure) -> str:
    if measure.needs_population:
        return _("moins de {n} habitants : pas de taux").format(n=FEWEST_INHABITANTS)
    if measure.of_controls:
        return _("jamais contrôlé")
    return {"kg": _("aucune pesée"), "avoirs": _("aucune valeur déclarée")}.get(measure.name, _("inconnu"))


def _notes(context: Context, view: View, measure: Measure, viewer: Viewer) -> list[str]:
    missing = without_place(context.store.totals(view.query(), viewer))
    estimated = _("Population estimée au prorata des surfaces.") if measure.needs_population else ""
    query = view.query()
    drawn = ground_is_drawn(query.territory, query.resolution, measure)
    partial = "" if drawn else _("Seuls les hexagones où un fait est connu sont dessinés.")
    return [note for note in (missing, estimated, partial) if note]


def _empty_message(anything_held: bool) -> str:
    if anything_held:
        return _("Aucun fait localisé pour ces filtres : élargissez la période ou retirez un filtre.")
    return _("Aucune donnée : chargez un fichier dans la page Données.")


def view_spec(known: Geography, territory: Territory | None) -> ViewSpec:
    if territory is None:
        return ViewSpec(key="", name=_("France"), bounds=MAINLAND_BOUNDS, national=True)
    west, south, east, north = known.perimeter(territory).bounds
    return ViewSpec(
        key=f"{territory.kind}:{territory.code}",
        name=known.name(territory),
        bounds=[[south, west], [north, east]],
        national=False,
    )


def perimeters_json(context: Context, view: View) -> bytes:
    """The answer of `GET /perimetres`."""
    return encode_outlines(perimeters(context, view))


def perimeters(context: Context, view: View) -> list[Outline]:
    """CROSS, antennas, and the territory looked at."""
    known = context.geography
    outlines = [*_outlines(known, "cross"), *_outlines(known, "antenna")]
    if view.territory is not None:
        perimeter = known.perimeter(view.territory)
        outlines.append(Outline("selected", view.territory.code, known.name(view.territory), perimeter))
    return outlines


def _outlines(known: Geography, kind: Literal["cross", "antenna"]) -> list[Outline]:
    return [
        Outline(
            kind=kind,
            code=str(row["code"]),
            name=str(row["name"]),
            perimeter=known.perimeter(Territory(kind, str(row["code"]))),
            status="installing" if row["status"] == "installing" else "operating",
            assumed=bool(row["assumed"]),
            seat=None if np.isnan(row["seat_lng"]) else (float(row["seat_lng"]), float(row["seat_lat"])),
        )
        for row in known.territories(kind).to_dict("records")
    ]
