"""What the scenes of a wall say: values from the store, formatted, in as few words as a room reads."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any, NamedTuple

import numpy as np

from dashboard import format as fmt
from dashboard.changes import previous_view
from dashboard.comparison import days_held
from dashboard.context import Context, today, viewer_of
from dashboard.figures import daily_sentence, known_days, population_of
from dashboard.i18n import _, ngettext
from dashboard.mapdata import period_label
from dashboard.measures import MEASURES
from dashboard.view import ONE_DAY, Period, View
from dashboard.wall_routes import routes_said
from dashboard.wall_script import Scene
from data.query import Territory, Viewer
from data.store import Totals
from data.vocabulary import HEXAGON_PRECISIONS
from geo.comparison import Verdict, compare_rates
from geo.rates import rate_with_interval, share_with_interval


def dated(scene: Scene, held: Period | None) -> View:
    """The view of a scene with its dates: its own, or the last days of what is held; of routes, all of it."""
    if scene.kind == "routes" and scene.days is None and scene.view.start is None and held:
        return replace(scene.view, start=held[0], stop=held[1] + ONE_DAY)  # few seizures say their route
    if scene.days is None or scene.view.start is not None:
        return scene.view.dated(held, today())
    stop = (held[1] if held else today()) + ONE_DAY
    return replace(scene.view, start=stop - timedelta(days=scene.days), stop=stop)


def said(context: Context, scene: Scene, view: View) -> dict[str, Any]:
    """What a scene says of a dated view; texts are shown as texts.

    Raises:
        StoreError: The store does not answer.
    """
    return {
        "kind": scene.kind,
        "title": scene.title,
        "where": _place(context, view.territory) if scene.kind != "comparaison" else _(MEASURES[view.measure].unit),
        "period": "" if scene.kind == "texte" else period_label(view),
        "first_day": view.query().start.isoformat(),
        "last_day": view.query().last_day.isoformat(),
    } | SAID[scene.kind](context, viewer_of(context.settings), scene, view)


def _place(context: Context, territory: Territory | None) -> str:
    return context.geography.name(territory) if territory else _("France")


def _map(context: Context, viewer: Viewer, scene: Scene, view: View) -> dict[str, Any]:
    """The address of the map, whose frame fetches its hexagons, and where it goes."""
    params = view.to_params()
    return {
        "title": scene.title or _(MEASURES[view.measure].title),
        "query": params,
        "zoom": scene.zoom,
        "notes": [_unplaced(context.store.totals(view.query(), viewer))],
    }


def _unplaced(totals: Totals) -> str:
    """How many facts are in no hexagon; "" for none."""
    missing = sum(count for precision, count in totals.by_precision.items() if precision not in HEXAGON_PRECISIONS)
    text = ngettext("{n} fait sans lieu précis", "{n} faits sans lieu précis", missing)
    return text.format(n=fmt.number(missing)) if missing else ""


def _text(context: Context, viewer: Viewer, scene: Scene, view: View) -> dict[str, Any]:
    paragraphs = [" ".join(part.split()) for part in scene.text.split("\n\n")]
    return {"where": "", "paragraphs": [part for part in paragraphs if part]}


def _figures(context: Context, viewer: Viewer, scene: Scene, view: View) -> dict[str, Any]:
    totals = context.store.totals(view.query(), viewer)
    held = context.store.period(viewer)
    before = _before(context, viewer, view, held)
    change = change_of(totals, before, *(_days(period, held) for period in (view, previous_view(view))))
    finding, behind = _("Incidents, contrôles, saisies"), _rate_said(context, totals, view)
    if change:
        finding = _("Incidents : {percent}, {verdict}").format(percent=change.percent, verdict=change.verdict)
        text = _("{percent} sur la période précédente ({interval})")
        behind = text.format(percent=change.percent, interval=change.interval)
    figures = [
        _figure(totals, _("Incidents"), fmt.number(totals.incidents), behind),
        _figure(totals, _("Contrôles"), fmt.number(totals.controls), _positive_said(totals)),
        _figure(totals, _("Quantités saisies"), fmt.kilograms(totals.kg), _kg_said(before)),
    ]
    return {"title": scene.title or finding, "figures": figures, "notes": []}


def _figure(totals: Totals, label: str, value: str, behind: str) -> dict[str, str]:
    if totals.protected:
        return {"label": label, "value": _("protégé"), "behind": _("petit effectif, non montré")}
    return {"label": label, "value": value, "behind": behind}


def _days(view: View, held: Period | None) -> int:
    """Days of a period of which the store holds facts: a rate of fewer days is one of fewer days."""
    return days_held(view, held) if held else 0


def _before(context: Context, viewer: Viewer, view: View, held: Period | None) -> Totals | None:
    """Totals of the period of the same length just before; None unless the store holds all of it."""
    before = previous_view(view)
    if held is None or before.start is None or before.start < held[0]:
        return None
    return context.store.totals(before.query(), viewer)


class Change(NamedTuple):
    """How a count stands to that of the period before."""

    percent: str  # `+12 %`
    interval: str  # `+4 à +21 %`
    verdict: str  # whether chance explains it


def change_of(totals: Totals, before: Totals | None, days: int, days_before: int) -> Change | None:
    """None where either count is unknown, or nothing was counted before; `days`: over which each was counted."""
    if (
        before is None
        or not (days and days_before)
        or math.isnan(totals.incidents + before.incidents)
        or before.incidents == 0
    ):
        return None
    compared = compare_rates([totals.incidents], [days], [before.incidents], [days_before])
    ratio, low, high = (float(column[0]) for column in (compared.ratio.value, compared.ratio.low, compared.ratio.high))
    beyond = compared.verdict[0] == Verdict.BEYOND_CHANCE
    return Change(
        percent=_("{change} %").format(change=_signed(100 * (ratio - 1))),
        interval=_("{low} à {high} %").format(low=_signed(100 * (low - 1)), high=_signed(100 * (high - 1))),
        verdict=_("au-delà du hasard") if beyond else _("le hasard peut l'expliquer"),
    )


def _signed(value: float) -> str:
    whole = round(value)
    return f"{'+' if whole > 0 else '−' if whole < 0 else ''}{fmt.number(abs(whole))}"


def _rate_said(context: Context, totals: Totals, view: View) -> str:
    population = population_of(context.geography, view.territory)
    rate = rate_with_interval(np.array([totals.incidents]), np.array([population]))
    if math.isnan(rate.value[0]):
        return ""
    text = _("{rate} pour 100 000 habitants ({interval})")
    interval = fmt.interval(float(rate.low[0]), float(rate.high[0]))
    return text.format(rate=fmt.significant(float(rate.value[0])), interval=interval)


def _positive_said(totals: Totals) -> str:
    share = share_with_interval(np.array([totals.positive]), np.array([totals.checked]))
    if math.isnan(share.value[0]):
        return _("nombre de contrôlés inconnu")
    text = _("{share} % positifs ({interval})")
    interval = fmt.interval(100 * float(share.low[0]), 100 * float(share.high[0]))
    return text.format(share=fmt.significant(100 * float(share.value[0])), interval=interval)


def _kg_said(before: Totals | None) -> str:
    return _("période précédente : {value}").format(value=fmt.kilograms(before.kg)) if before else ""


def _curve(context: Context, viewer: Viewer, scene: Scene, view: View) -> dict[str, Any]:
    """Incidents of each day; None: protected, unknown or outside of what is held, which leaves a gap."""
    counts, held = context.store.counts_by_day(view.query(), viewer), context.store.period(viewer)
    if held:
        counts = known_days(counts, held)
    values = [None if math.isnan(value) else value for value in counts.incidents.tolist()]
    most = max((value for value in values if value is not None), default=0)
    start, last = view.query().start, view.query().stop - ONE_DAY
    return {
        "title": scene.title or _("Incidents par jour"),
        "values": values,
        "top": most,
        "top_label": fmt.number(most),
        "zero_label": fmt.number(0),
        "ends": [fmt.short_day(start), fmt.short_day(last)],
        "notes": [daily_sentence(counts, held)] if held else [],
    }


def _compared(context: Context, viewer: Viewer, scene: Scene, view: View) -> dict[str, Any]:
    """A territory a row, in the order of the script: no league table; bars on one scale, with their intervals."""
    measure = MEASURES[view.measure]
    found = [_value(context, viewer, replace(view, territory=territory)) for territory in scene.compared]
    top = max((max(value, high) for _totals, value, _low, high in found if math.isfinite(value)), default=0.0) or 1.0
    rows = []
    for territory, (totals, value, low, high) in zip(scene.compared, found, strict=True):
        known, bounded = math.isfinite(value), math.isfinite(low) and low < high
        rows.append(
            {
                "name": _place(context, territory),
                "value": _("protégé") if totals.protected else _written(measure.name, value),
                "behind": f"({fmt.interval(low, high)})" if bounded else "",
                "at": value / top if known else None,
                "low": low / top if bounded else None,
                "high": high / top if bounded else None,
            }
        )
    return {"title": scene.title or _(measure.title), "rows": rows}


def _value(context: Context, viewer: Viewer, view: View) -> tuple[Totals, float, float, float]:
    """Totals of a territory; its value of the view's measure, and its interval, NaN where it has none."""
    totals = context.store.totals(view.query(), viewer)
    if view.measure == "taux":
        population = population_of(context.geography, view.territory)
        rates = rate_with_interval(np.array([totals.incidents]), np.array([population]))
    elif view.measure == "rendement":
        rates = share_with_interval(np.array([totals.positive]), np.array([totals.checked]))
    else:
        plain = {"incidents": totals.incidents, "controles": totals.controls, "kg": totals.kg, "avoirs": totals.eur}
        value = plain[view.measure]
        return totals, value, math.nan, value
    scale = 100 if view.measure == "rendement" else 1
    return totals, scale * float(rates.value[0]), scale * float(rates.low[0]), scale * float(rates.high[0])


def _written(measure: str, value: float) -> str:
    writers: dict[str, Callable[[float], str]] = {
        "incidents": fmt.number, "controles": fmt.number, "kg": fmt.kilograms, "avoirs": fmt.euros,
    }  # fmt: skip
    return writers.get(measure, fmt.significant)(value)


SAID: dict[str, Callable[[Context, Viewer, Scene, View], dict[str, Any]]] = {
    "carte": _map,
    "comparaison": _compared,
    "chiffres": _figures,
    "courbe": _curve,
    "routes": routes_said,
    "texte": _text,
}
