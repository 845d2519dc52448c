"""The figures of a zone drawn on the map: `GET /zone?<view>&zone=…`.

Who may see facts one by one gets the facts whose position is in the zone. Anyone else gets what the map already shows:
the sum of its hexagons, as protected there. A line can be drawn anywhere, so that counts by position would say where
each fact is, to the metre; a sum of figures that were shown before says nothing new, however the line is drawn.
"""

from __future__ import annotations

import functools
import hashlib
import json
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from dashboard import format as fmt
from dashboard.context import Context, today, viewer_of
from dashboard.drawing import Drawing, read_drawing
from dashboard.error_answers import error_answer
from dashboard.hexagon_table import FEWEST_INHABITANTS
from dashboard.i18n import _, current_language, ngettext, use_language
from dashboard.mapdata import period_label
from dashboard.settings import LANGUAGES
from dashboard.view import View
from data.errors import ForbiddenError, QueryError
from data.geography import UNKNOWN_AREA_SHARE, Geography
from data.query import Box, Query, Viewer
from data.store import CHANGE_RESOLUTION, CellCounts, Ground, Store
from geo.cells import areas_km2, centres, parents, resolutions
from geo.drawn import DrawnCells, drawn_cells
from geo.errors import N_, HexacrossError
from geo.ids import descendants
from geo.rates import rate_with_interval, share_with_interval

HEXAGONS = 9  # their resolution along the border of a zone: 0.1 km²
COUNTS = ("incidents", "controls", "checked", "positive")
PARTS = {"kg": 1e9, "eur": 100.0}  # whole micrograms and cents, whose sums do not depend on their order
FIGURES = (*COUNTS, *PARTS)
KEPT = 64  # zones whose hexagons and population are remembered
MOST_CELLS_TOLD = 500  # of a zone's; beyond, any change may be in it


class Amount(NamedTuple):
    """Between two bounds, mostly the same; `high` infinite: at least. NaN: unknown."""

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class ZoneFigures:
    """What there is in a zone, for a viewer."""

    amounts: dict[str, Amount]  # by name of `FIGURES`
    population: float  # of what was counted; NaN: unknown
    hexagons: int  # that were added up; 0: facts were, by their position
    protected: int  # of these hexagons, those whose figures are withheld
    unplaced: dict[str, int]  # by precision, facts that may lie in the zone; empty: none, or not to be told


def zone_figures(store: Store, known: Geography, query: Query, viewer: Viewer, area: shapely.Geometry) -> ZoneFigures:
    """Read and add up. `area`: degrees WGS 84, what of the zone the viewer may see."""
    anywhere = replace(query, territory=None)
    if not viewer.sees_events or viewer.threshold > 1:
        return _of_hexagons(store, known, anywhere, viewer, area)
    lie = _lie_of(known, area)
    unplaced = store.unplaced(anywhere, viewer, lie.ground)
    amounts = _of_facts(store, anywhere, viewer, area, lie.cells)
    return ZoneFigures(amounts, lie.population, 0, 0, unplaced)


@dataclass(frozen=True, slots=True)
class Lie:
    """What of a zone does not depend on any fact."""

    cells: DrawnCells
    ground: Ground
    population: float


@functools.lru_cache(maxsize=KEPT)  # a live feed asks for the same zones again and again
def _lie_of(known: Geography, area: shapely.Geometry) -> Lie:
    return Lie(drawn_cells(area, HEXAGONS), known.ground_of(area), known.population_in(area))


def _of_facts(
    store: Store, query: Query, viewer: Viewer, area: shapely.Geometry, cells: DrawnCells
) -> dict[str, Amount]:
    """The hexagons inside, and one by one the facts near the border."""
    counts = store.counts_by_cell(replace(query, resolution=HEXAGONS, box=_box(area)), viewer)
    inside = np.zeros(len(counts.cells), dtype=np.bool_)
    for resolution in set(resolutions(cells.whole).tolist()):
        inside |= np.isin(parents(counts.cells, resolution), cells.whole)
    facts = store.facts_in(query, viewer, cells.crossed)
    here = shapely.intersects_xy(area, facts.lng, facts.lat)
    return {
        name: _exactly(name, np.concatenate((getattr(counts, name)[inside], getattr(facts, name)[here])))
        for name in FIGURES
    }


def _of_hexagons(store: Store, known: Geography, query: Query, viewer: Viewer, area: shapely.Geometry) -> ZoneFigures:
    """The hexagons whose centre is inside, the coarsest that are, each as the map shows it."""
    chosen, population = _hexagons_of(known, area)
    shown = [
        _only(store.counts_by_cell(replace(query, resolution=resolution, box=_box(area)), viewer), chosen)
        for resolution in sorted(set(resolutions(chosen).tolist()))
    ]
    protected = np.concatenate([each.protected for each in shown])
    columns = {name: np.concatenate([getattr(each, name) for each in shown])[~protected] for name in FIGURES}
    amounts = {name: _exactly(name, column) for name, column in columns.items()}
    if viewer.threshold > 1:
        for name in ("incidents", "controls"):
            amounts[name] = _before_rounding(columns[name], viewer.threshold)
    if protected.any():
        amounts = {name: _at_least(amount) for name, amount in amounts.items()}
    return ZoneFigures(amounts, population, len(chosen), int(protected.sum()), {})


@functools.lru_cache(maxsize=KEPT)
def _hexagons_of(known: Geography, area: shapely.Geometry) -> tuple[NDArray[np.int64], float]:
    """The hexagons that stand for an area and their inhabitants, unknown as those of an area are."""
    chosen = hexagons_in(area)
    people, surfaces = known.population_of(chosen), areas_km2(chosen)
    unknown = surfaces[np.isnan(people)].sum() > UNKNOWN_AREA_SHARE * surfaces.sum()
    return chosen, math.nan if unknown else float(np.nansum(people))


def hexagons_in(area: shapely.Geometry) -> NDArray[np.int64]:
    """Hexagons of up to `HEXAGONS` that stand for an area: those inside, and border ones with their centre in it.

    Raises:
        QueryError: There is none: the area is smaller than a hexagon.
    """
    cells = drawn_cells(area, HEXAGONS)
    here = shapely.intersects_xy(area, *centres(cells.crossed))
    chosen = np.concatenate((cells.whole, cells.crossed[here]))
    if not chosen.size:
        raise QueryError(N_("Zone trop petite : aucun hexagone de 0,1 km² n'y a son centre. Agrandissez-la."))
    return chosen


def _only(counts: CellCounts, cells: NDArray[np.int64]) -> CellCounts:
    rows = np.isin(counts.cells, cells)
    columns: dict[str, Any] = {name: getattr(counts, name)[rows] for name in ("cells", *FIGURES, "protected")}
    return CellCounts(counts.resolution, **columns)


def _box(area: shapely.Geometry) -> Box:
    return Box(*(float(edge) for edge in shapely.bounds(area)))


def _exactly(name: str, column: NDArray[np.float64]) -> Amount:
    """A sum of what is known. Without any: no fact is 0 facts, but nothing weighed is not 0 kg."""
    known = column[~np.isnan(column)]
    if not len(known):
        return Amount(0.0, 0.0) if name in ("incidents", "controls") else Amount(math.nan, math.nan)
    parts = PARTS.get(name, 1.0)
    total = float(np.floor(known * parts + 0.5).sum()) / parts
    return Amount(total, total)


def _before_rounding(shown: NDArray[np.float64], threshold: int) -> Amount:
    """What counts rounded to a multiple of k (`geo.disclosure.protect`) may have been, together."""
    some = shown[shown > 0]
    low = np.maximum(np.ceil(some - threshold / 2), threshold)
    high = np.ceil(some + threshold / 2) - 1
    return Amount(float(low.sum()), float(high.sum()))


def _at_least(amount: Amount) -> Amount:
    return Amount(amount.low, math.inf)


# What is said of it


def zone_json(context: Context, view: View, drawing: Drawing) -> bytes:
    """The answer of `GET /zone` for a dated view."""
    viewer = viewer_of(context.settings)
    area = _seen(context.geography, viewer, drawing.area)
    found = zone_figures(context.store, context.geography, view.query(), viewer, area)
    content = {
        "zone": drawing.text,
        "surface": _surface(drawing.surface_km2),
        "period": period_label(view),
        "rows": [{"label": label, "value": value, "behind": behind} for label, value, behind in _rows(found)],
        "notes": _notes(context.geography, view, viewer, drawing, found),
        "touched": _touched(context.geography, area),
    }
    return json.dumps(content, ensure_ascii=False, allow_nan=False).encode()


def _seen(known: Geography, viewer: Viewer, area: shapely.Geometry) -> shapely.Geometry:
    """What of an area the viewer has a right to.

    Raises:
        ForbiddenError: Nothing.
    """
    if viewer.territories is None:
        return area
    seen = shapely.intersection(area, shapely.union_all([known.perimeter(each) for each in viewer.territories]))
    polygons = [part for part in shapely.get_parts(seen) if part.geom_type == "Polygon" and not part.is_empty]
    if not polygons:
        raise ForbiddenError(N_("La zone est hors des territoires que voit {name}."), name=viewer.name)
    return polygons[0] if len(polygons) == 1 else shapely.MultiPolygon(polygons)


def _rows(found: ZoneFigures) -> list[tuple[str, str, str]]:
    """Label, value, what stands behind it."""
    amounts, population = found.amounts, found.population
    inhabitants = _("estimés au prorata des surfaces")
    return [
        (_("Incidents"), _said(amounts["incidents"], fmt.number), ""),
        (_("pour 100 000 habitants"), *_rate(amounts["incidents"], population)),
        (_("Contrôles"), _said(amounts["controls"], fmt.number), ""),
        (_("Contrôlés"), _said(amounts["checked"], fmt.number), ""),
        (_("Positifs"), _said(amounts["positive"], fmt.number), _share(amounts["positive"], amounts["checked"])),
        (_("Quantités saisies"), _said(amounts["kg"], fmt.kilograms), ""),
        (_("Avoirs saisis"), _said(amounts["eur"], fmt.euros), ""),
        (_("Habitants"), fmt.number(population), inhabitants if population > 0 else ""),
    ]


def _said(amount: Amount, write: Callable[[float], str]) -> str:
    if amount.high == amount.low or math.isnan(amount.low):
        return write(amount.low)
    if math.isinf(amount.high):
        return _("au moins {low}").format(low=write(amount.low))
    return _("{low} à {high}").format(low=write(amount.low), high=write(amount.high))


def _rate(incidents: Amount, population: float) -> tuple[str, str]:
    """The rate and its interval, that of the least and of the most there may have been."""
    if math.isnan(population):
        return fmt.UNKNOWN, _("population inconnue")
    if population < FEWEST_INHABITANTS:
        return fmt.UNKNOWN, _("moins de {n} habitants : pas de taux").format(n=FEWEST_INHABITANTS)
    if math.isinf(incidents.high):
        return fmt.UNKNOWN, _("pas de taux : des hexagones sont protégés")
    rates = rate_with_interval(np.array(incidents), np.array(population))
    low, high = float(rates.low[0]), float(rates.high[-1])
    interval = _("intervalle à 95 % : {interval}").format(interval=fmt.interval(low, high))
    return _said(Amount(*rates.value.tolist()), fmt.significant), interval


def _share(positive: Amount, checked: Amount) -> str:
    shares = share_with_interval(np.array([positive.low]), np.array([checked.low]))
    if math.isnan(shares.value[0]):
        return ""
    return _("{share} % des contrôlés ({interval})").format(
        share=fmt.significant(100 * float(shares.value[0])),
        interval=fmt.interval(100 * float(shares.low[0]), 100 * float(shares.high[0])),
    )


def _surface(km2: float) -> str:
    if km2 < 0.1:
        return _("{n} m²").format(n=fmt.significant(km2 * 1e6))
    return _("{n} km²").format(n=fmt.significant(km2))


PRECISIONS = {
    "commune": N_("{n} à la commune près"),
    "departement": N_("{n} au département près"),
    "country": N_("{n} au pays près"),
}


def _notes(known: Geography, view: View, viewer: Viewer, drawing: Drawing, found: ZoneFigures) -> list[str]:
    hours = _("Les faits sans heure connue ne sont pas comptés ici.") if view.hours else ""
    return [note for note in (_how_counted(found), hours, _beyond(known, view, drawing), _seen_only(viewer)) if note]


def _how_counted(found: ZoneFigures) -> str:
    """What was added up, and what could not be."""
    if found.hexagons:
        area = _("Somme des {n} hexagones dont le centre est dans la zone (0,1 km² le long du contour).")
        said = area.format(n=fmt.number(found.hexagons))
        if found.protected:
            hidden = ngettext(
                "{n} est protégé et n'y compte pas.", "{n} sont protégés et n'y comptent pas.", found.protected
            )
            said = f"{said} {hidden.format(n=fmt.number(found.protected))}"
        return said
    missing = {precision: n for precision, n in found.unplaced.items() if n}
    if not missing:
        return _("Faits dont la position est dans la zone.")
    parts = [_(words).format(n=fmt.number(missing.pop(name))) for name, words in PRECISIONS.items() if name in missing]
    if rest := sum(missing.values()):
        parts.append(_("{n} sans lieu").format(n=fmt.number(rest)))
    return _("Pas comptés, faute d'un lieu assez précis, et peut-être dans la zone : {parts}.").format(
        parts=", ".join(parts)
    )


def _beyond(known: Geography, view: View, drawing: Drawing) -> str:
    """A zone is its own perimeter: what of it lies outside the territory looked at counts as well."""
    if view.territory is None or shapely.covers(known.perimeter(view.territory), drawing.area):
        return ""
    return _("La zone dépasse {name} : ce qu'elle contient au-delà est compté aussi.").format(
        name=known.name(view.territory)
    )


def _seen_only(viewer: Viewer) -> str:
    if viewer.territories is None:
        return ""
    return _("Seule la partie de la zone dans les territoires que vous voyez est comptée.")


@functools.lru_cache(maxsize=KEPT)
def _touched(known: Geography, area: shapely.Geometry) -> list[str] | None:
    """What changes name that concern an area: hexagons, one of which holds each fact inside, and its départements, for
    the facts that are known by less. None: too many, any change may."""
    cells = drawn_cells(area, CHANGE_RESOLUTION)
    coarse = resolutions(cells.whole)
    whole = [descendants(cells.whole[coarse == r], r, CHANGE_RESOLUTION).ravel() for r in sorted(set(coarse.tolist()))]
    told = np.concatenate([*whole, cells.crossed])
    if len(told) > MOST_CELLS_TOLD:
        return None
    departements = (f"departement:{code}" for code in known.ground_of(area).departements)
    return [*(f"{cell:x}" for cell in told[told != 0].tolist()), *departements]


def zone_route(context: Context) -> Route:
    """`GET /zone`. Not `async`: Starlette runs it in a thread, as the store takes a while."""

    def zone(request: Request) -> Response:
        asked, _ignored = View.from_params(dict(request.query_params))
        language = asked.language if asked.language in LANGUAGES else context.settings.language
        try:
            with use_language(language):
                drawing = read_drawing(request.query_params.get("zone", ""))
                viewer = viewer_of(context.settings)
                view = replace(asked.dated(context.store.period(viewer), today()), cell=None, zone=None)
                version = context.store.version()
                key = ("zone", current_language(), version, viewer, view.address(), drawing.text)
                tag = '"' + hashlib.sha256(repr(key).encode()).hexdigest()[:32] + '"'
                headers = {"ETag": tag, "Cache-Control": "private, no-cache", "Hexacross-Version": str(version)}
                if request.headers.get("if-none-match", "").removeprefix("W/") == tag:
                    return Response(status_code=304, headers=headers)
                body = context.answers.get_or_make(key, lambda: zone_json(context, view, drawing))
        except HexacrossError as error:
            return error_answer(error, language)
        return Response(body, media_type="application/json", headers=headers)

    return Route("/zone", zone)
