"""From measured hexagons to what the page says of them: classes, colours, words, columns."""

from __future__ import annotations

import functools
import hashlib
import json
import math
import threading
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, NamedTuple

import h3.api.numpy_int as h3
import numpy as np
import shapely
from numpy.typing import NDArray

from dashboard import format as fmt
from dashboard.context import Context, viewer_of
from dashboard.figures import without_hour, without_place
from dashboard.hexagon_table import (
    FEWEST_INHABITANTS,
    box_table,
    ground_is_drawn,
    hexagon_table,
    is_read_whole,
    whole_table,
)
from dashboard.i18n import _, current_language
from dashboard.measures import MEASURES, Measure
from dashboard.sources import SourceAge, marking_label, markings_shown, source_ages
from dashboard.tables import HexagonTable
from dashboard.view import HOUR_STEP, ONE_DAY, Period, View
from data.geography import Geography, geography
from data.query import Box, Hours, Query, Territory, Viewer
from data.vocabulary import HEXAGON_PRECISIONS
from geo.cells import areas_km2, centres
from geo.tiles import DEGREE_M
from layers.classes import Classes, Scheme, classify, open_labels
from layers.colours import Hue, sequential
from layers.hexagons import (
    STATE_CODES,
    ZOOMS,
    ClassSpec,
    Description,
    FieldSpec,
    Level,
    MarkingSpec,
    SourceSpec,
    State,
    StateSpec,
    TimeCounts,
    ViewSpec,
)
from layers.outlines import Outline, encode_outlines

CLASS_COUNT = 6
BOUNDS: tuple[Literal["low"], Literal["high"]] = ("low", "high")
LABEL_SAMPLE = 500  # hexagons whose mean area is said
SAMPLED_STEPS = 6  # of a walk through time
SAMPLED_COMMUNES, SAMPLE_REACH = 8, 20  # communes, and hexagons around each to the next edge of a square
_OUTLINING = threading.Lock()  # the perimeters of CROSS and antennas take a second, the first time
MAINLAND_BOUNDS = [[41.3, -5.3], [51.2, 9.7]]  # [[south, west], [north, east]], degrees WGS 84


def described(context: Context, view: View, key: str) -> Description:
    """All that the map says of a dated view beside its hexagons; `key`: of the addresses of its tiles."""
    viewer, measure = viewer_of(context.settings), MEASURES[view.measure]
    query = view.query()
    totals, sources = context.totals(query, viewer), context.kept(context.store.sources)(viewer)
    ages = source_ages(sources, context.settings.stale_hours, datetime.now(UTC))
    markings = markings_shown(sources)
    notes = [without_place(totals)]
    if query.hours is not None:
        notes.append(without_hour(context.store.counts_by_hour(query, viewer)))
    return Description(
        locale=current_language(),
        title=_(measure.title),
        unit=_(measure.unit),
        period=period_label(view),
        states=_state_specs(measure, viewer),
        fields=_fields(measure),
        view=view_spec(context.geography, view.territory),
        sources=[_source_spec(age, query) for age in ages],
        marking=MarkingSpec(code=markings[0], label=marking_label(markings)) if markings else None,
        notes=[note for note in notes if note],
        message="" if any(totals.by_precision.keys() & set(HEXAGON_PRECISIONS)) else _empty_message(bool(sources)),
        outlines=f"/perimetres{View(territory=view.territory).address()}",
        places=f"/lieux/{commune_names_json()[0]}.json",
        key=key,
        first_day=query.start.isoformat(),
        last_day=query.last_day.isoformat(),
        days=(query.stop - query.start).days,
        hours=query.hours,
        step=view.step or "",
        resolutions=[view.resolution_at(zoom) for zoom in range(ZOOMS[0], ZOOMS[1] + 1)],
    )


class Window(NamedTuple):
    """How long each step of a walk through time is."""

    length: int
    of_hours: bool = False  # else of days


def _source_spec(age: SourceAge, query: Query) -> SourceSpec:
    return SourceSpec(
        name=age.name,
        age=age.text,
        stale=age.stale,
        says=age.says,
        loaded=int(age.loaded_at.timestamp()),
        stale_from=int(age.stale_from.timestamp()),
        held=age.has_facts_of(query.start, query.stop),
    )


def level(context: Context, viewer: Viewer, view: View, resolution: int, window: Window | None = None) -> Level:
    """The classes of a dated view at one resolution, the same wherever one looks, and for all territories compared.

    Args:
        window: Of each step of a walk through all that the store holds: the classes are then those of several such
            steps, and the same at each of them.
    """
    each = [replace(view.alone(), territory=territory) for territory in view.compared or (view.territory,)]
    sampled = not all(is_read_whole(one.territory, resolution) for one in each)
    tables = [
        table
        for one in each
        for dated in _steps(context, viewer, one, window)
        for table in (
            [whole_table(context, viewer, dated, resolution).table]
            if is_read_whole(one.territory, resolution)
            else _sample(context, viewer, dated, resolution)
        )
    ]
    classes = classes_of(view, np.concatenate([shown_values(table) for table in tables]))
    drawn = all(ground_is_drawn(one.territory, resolution, MEASURES[view.measure]) for one in each)
    from_sample = _("Classes établies autour des communes les plus peuplées.") if sampled else ""
    return Level(
        resolution=resolution,
        resolution_label=resolution_label(tables[0].cells),
        classes=class_specs(MEASURES[view.measure], classes, open_labels(classes, fmt.limit)),
        notes=[note for note in (*_drawing_notes(MEASURES[view.measure], drawn), from_sample) if note],
    )


def _drawing_notes(measure: Measure, drawn: bool) -> list[str]:
    """What is true of every picture of a measure; `drawn`: with the ground where nothing happened."""
    return [
        _("Population estimée au prorata des surfaces.") if measure.needs_population else "",
        "" if drawn else _("Seuls les hexagones où un fait est connu sont dessinés."),
    ]


def _steps(context: Context, viewer: Viewer, view: View, window: Window | None) -> list[View]:
    """The view at some windows spread evenly over all that the store holds; without a window, the view itself.

    Windows of hours are spread over the hours of the day as well.
    """
    held = context.store.period(viewer)
    if window is None or held is None:
        return [view]
    days = 1 if window.of_hours else window.length
    spare = max(0, (held[1] - held[0]).days + 1 - days)
    shifts = [spare * step // (SAMPLED_STEPS - 1) for step in range(SAMPLED_STEPS)]
    starts = [held[0] + timedelta(days=shift) for shift in shifts]
    if not window.of_hours:
        return [replace(view, start=start, stop=start + timedelta(days=days)) for start in sorted(set(starts))]
    firsts = [24 * step // SAMPLED_STEPS for step in range(SAMPLED_STEPS)]
    return [
        replace(view, start=start, stop=start + ONE_DAY, hours=Hours(first, (first + window.length - 1) % 24 + 1))
        for start, first in zip(starts, firsts, strict=True)
    ]


def counts_in_time(
    context: Context, viewer: Viewer, measure: str, whole: View | None, held: Period | None
) -> TimeCounts:
    """Facts of each day of a dated view, or of each hour of each day for a walk by hours; None: protected.

    Args:
        measure: Controls are counted for one of controls, else incidents.
        whole: The view over all days that are counted; None: the store holds none of them.
        held: First and last day of the store.
    """
    of_controls, counts = MEASURES[measure].of_controls, []
    if whole is not None:
        read = context.store.counts_by_hour if whole.step == HOUR_STEP else context.store.counts_by_day
        found = read(whole.query(), viewer)
        counted = (found.controls if of_controls else found.incidents).ravel().tolist()
        counts = [None if math.isnan(value) else int(value) for value in counted]
    return TimeCounts(
        label=_("Contrôles") if of_controls else _("Incidents"),
        first=whole.query().start.isoformat() if whole else None,
        counts=counts,
        held=[day.isoformat() for day in held] if held else [],
    )


def classes_of(view: View, values: NDArray[np.float64]) -> Classes:
    """The classes that a view asks for, of some values (NaN: none)."""
    scheme: Scheme = "jenks" if view.classes == "jenks" else "quantiles"
    return classify(values, scheme, CLASS_COUNT, format_number=fmt.limit)


def shown_values(table: HexagonTable) -> NDArray[np.float64]:
    """The measure where it is a value; NaN in any other state."""
    return np.where(table.states == STATE_CODES["value"], table.values, np.nan)


def _sample(context: Context, viewer: Viewer, view: View, resolution: int) -> list[HexagonTable]:
    """The hexagons around the largest communes of a territory, where reading all of them would take seconds."""
    width_m = np.sqrt(3) * h3.average_hexagon_edge_length(resolution, unit="m")
    reach_lat = float(SAMPLE_REACH * width_m / DEGREE_M)
    boxes = []
    for lng, lat in largest_communes(view.territory):
        reach_lng = reach_lat / math.cos(math.radians(lat))
        boxes.append(Box(lng - reach_lng, lat - reach_lat, lng + reach_lng, lat + reach_lat))
    return [box_table(context, viewer, view, box, resolution) for box in boxes]


@functools.lru_cache(maxsize=256)
def largest_communes(territory: Territory | None) -> list[tuple[float, float]]:
    """Where the seats of a territory's most populated communes lie: lng, lat in degrees WGS 84."""
    known = geography()
    communes = known.communes.sort_values("population", ascending=False)
    lng, lat = (communes[name].to_numpy(dtype=np.float64) for name in ("lng", "lat"))
    if territory is not None:
        here = shapely.contains_xy(known.perimeter(territory), lng, lat)
        lng, lat = lng[here], lat[here]
    return list(zip(lng[:SAMPLED_COMMUNES].tolist(), lat[:SAMPLED_COMMUNES].tolist(), strict=True))


def picture(context: Context, view: View) -> tuple[Description, Level, dict[str, NDArray[Any]]]:
    """What a still picture of a dated view draws: all its hexagons, counted in the legend."""
    table = hexagon_table(context, view)
    classes = classes_of(view, shown_values(table))
    held = described(context, view, key="")
    for state in held["states"]:
        state["count"] = int((table.states == STATE_CODES[state["state"]]).sum())
    held["states"] = [state for state in held["states"] if state["count"]]
    drawn = ground_is_drawn(view.territory, table.resolution, table.measure)
    counted = Level(
        resolution=table.resolution,
        resolution_label=resolution_label(table.cells),
        classes=class_specs(table.measure, classes, classes.labels),
        notes=[note for note in _drawing_notes(table.measure, drawn) if note],
    )
    return held, counted, {"cell": table.cells, "state": table.states, "class": classes.indices(table.values)}


def tile_columns(context: Context, table: HexagonTable) -> dict[str, NDArray[Any]]:
    """What a tile holds of each hexagon: its state, its commune, and the figures of `FieldSpec`."""
    hidden = table.states == STATE_CODES["protected"]
    figures = {"values": table.values} | {name: getattr(table, name) for name in figure_decimals(table.measure)}
    return {
        "cell": table.cells,
        "state": table.states,
        "place": communes_at(context.geography, table.cells),
        **{name: np.where(hidden, np.nan, column) for name, column in figures.items()},
    }


def figure_decimals(measure: Measure) -> dict[str, int]:
    """The figures of a tooltip beside the measure itself, and to how many decimals they are read."""
    first, *others = _fields(measure)
    bounds = {first[side]: first["decimals"] for side in BOUNDS if side in first}
    return bounds | {field["name"]: field["decimals"] for field in others}


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
    ]
    if measure.needs_population:
        label = _("Population estimée au prorata des surfaces")
        others.append(FieldSpec(name="population", label=label, unit="", decimals=0))
    same = {"incidents": "incidents", "controles": "controls", "verifies": "checked", "kg": "kg"}.get(measure.name)
    return [first, *(field for field in others if field["name"] != same)]


def _decimals(measure: Measure) -> int:
    return 1 if measure.name in ("taux", "densite", "rendement", "kg") else 0


def communes_at(known: Geography, cells: NDArray[np.int64]) -> NDArray[np.int64]:
    """The commune at the centre of each hexagon, as its place among `commune_names`, from 1; 0 at sea and abroad."""
    lng, lat = centres(cells)
    return known.communes_at(lng, lat) + 1


def place_name(known: Geography, cell: int) -> str:
    """Name of the commune at the centre of a hexagon; "" at sea and abroad."""
    (row,) = communes_at(known, np.array([cell], dtype=np.int64))
    return commune_names()[row - 1] if row else ""


@functools.cache
def commune_names() -> list[str]:
    """Names of the communes, in the order of the reference geography."""
    names: list[str] = geography().communes["name"].astype(str).to_list()
    return names


@functools.cache
def commune_names_json() -> tuple[str, bytes]:
    """The list of them as it travels, and a digest of it."""
    text = json.dumps(commune_names(), ensure_ascii=False, separators=(",", ":")).encode()
    return hashlib.sha256(text).hexdigest()[:16], text


def period_label(view: View) -> str:
    """`1–31 mars 2026`, and the hours of these days: `, de 22 h à 6 h`."""
    query = view.query()
    days = fmt.period(query.start, query.stop)
    return f"{days}, {fmt.hours(query.hours)}" if query.hours else days


def resolution_label(cells: NDArray[np.int64]) -> str:
    if not cells.size:
        return ""
    # Areas differ by some percent, and cost more than the counts.
    some = cells[:: 1 + len(cells) // LABEL_SAMPLE]
    return _("hexagones de {area} km²").format(area=fmt.significant(float(areas_km2(some).mean())))


def class_specs(measure: Measure, classes: Classes, labels: Sequence[str]) -> list[ClassSpec]:
    if not len(classes):
        return []
    hue: Hue = "green" if measure.of_controls else "violet"
    light, dark = sequential(len(classes), "light", hue), sequential(len(classes), "dark", hue)
    return [
        ClassSpec(
            low=classes.bounds[position],
            high=classes.bounds[position + 1],
            label=labels[position],
            colour=light[position],
            colour_dark=dark[position],
            count=classes.counts[position],
        )
        for position in range(len(classes))
    ]


def _state_specs(measure: Measure, viewer: Viewer) -> list[StateSpec]:
    labels: dict[State, str] = {
        "zero": _("zéro"),
        "unknown": _unknown_label(measure),
        "withheld": _("non diffusé par le producteur"),
        "protected": _("protégé : moins de {threshold}").format(threshold=viewer.threshold),
    }
    return [StateSpec(state=state, label=label, count=0) for state, label in labels.items()]


def _unknown_label(measure: Measure) -> str:
    if measure.needs_population:
        return _("moins de {n} habitants : pas de taux").format(n=FEWEST_INHABITANTS)
    if measure.of_controls:
        return _("jamais contrôlé")
    return {"kg": _("aucune pesée"), "avoirs": _("aucune valeur déclarée")}.get(measure.name, _("inconnu"))


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
    """The answer of `GET /perimetres`. Maps side by side ask at once: what the first one makes, the others find."""
    with _OUTLINING:
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
