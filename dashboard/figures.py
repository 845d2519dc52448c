"""The figures beside the map: what the store says, in the words and with the intervals people need."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from datetime import date

import numpy as np

from dashboard import format as fmt
from dashboard.hexagon_table import FEWEST_INHABITANTS
from dashboard.i18n import _, ngettext
from dashboard.recall import Reading
from dashboard.tables import HexagonTable
from dashboard.view import View
from data.geography import Geography
from data.query import Territory, Viewer
from data.store import DayCounts, HourCounts, Store, Totals
from data.vocabulary import HEXAGON_PRECISIONS
from geo.rates import rate_with_interval, share_with_interval
from layers.hexagons import STATE_CODES


@dataclass(frozen=True, slots=True)
class Figure:
    """`value` is formatted with its unit; `behind` says what stands behind it."""

    label: str
    value: str
    behind: str


def population_of(known: Geography, territory: Territory | None) -> float:
    """Inhabitants of the territory, of the whole country without one; NaN when unknown."""
    if territory is None:
        return float(known.territories("region")["population"].sum())
    table = known.territories(territory.kind)
    found = table.loc[table["code"] == territory.code, "population"]
    return float(found.iloc[0]) if len(found) else math.nan


def previous_view(view: View) -> View:
    """The period of the same length just before."""
    if view.start is None or view.stop is None:
        raise ValueError("a view without dates: call dated() first")
    return replace(view, start=view.start - (view.stop - view.start), stop=view.start)


def totals_before(reading: Reading, store: Store, view: View, viewer: Viewer) -> Totals | None:
    """Totals of the previous period; None unless the store holds all of it."""
    before = previous_view(view)
    held = reading.ask(store.period, viewer)
    if held is None or before.start is None or before.start < held[0]:
        return None
    return reading.ask(store.totals, before.query(), viewer)


def key_figures(totals: Totals, before: Totals | None, population: float) -> list[Figure]:
    """The four figures of a situation; `population` is the territory's, NaN when unknown."""
    return [
        Figure(_("Incidents"), fmt.number(totals.incidents), _incidents_behind(totals, before, population)),
        Figure(_("Contrôles"), fmt.number(totals.controls), _controls_behind(totals)),
        Figure(_("Quantités saisies"), fmt.kilograms(totals.kg), _before(before, "kg", fmt.kilograms)),
        Figure(_("Avoirs saisis"), fmt.euros(totals.eur), _before(before, "eur", fmt.euros)),
    ]


def hexagon_figures(table: HexagonTable) -> list[Figure]:
    """The figures of one hexagon: a table of one row."""
    value = {
        name: float(getattr(table, name)[0])
        for name in ("incidents", "controls", "checked", "positive", "kg", "eur", "population")
    }
    if table.states[0] == STATE_CODES["protected"]:
        return [Figure(_("Incidents"), _("protégé"), _("petit effectif, non montré"))]
    one = Totals(value["incidents"], value["controls"], value["checked"], value["positive"], value["kg"], value["eur"])
    inhabitants = value["population"] if value["population"] >= FEWEST_INHABITANTS else math.nan
    return [
        *key_figures(one, None, inhabitants)[:3],
        Figure(_("Habitants"), fmt.number(value["population"]), _("estimés au prorata des surfaces")),
    ]


def _incidents_behind(totals: Totals, before: Totals | None, population: float) -> str:
    rate = rate_with_interval(np.array([totals.incidents]), np.array([population]))
    value = float(rate.value[0])
    parts = [_before(before, "incidents", fmt.number)]
    if not math.isnan(value):
        parts.insert(
            0,
            _("{rate} pour 100 000 habitants ({interval})").format(
                rate=fmt.significant(value), interval=fmt.interval(float(rate.low[0]), float(rate.high[0]))
            ),
        )
    return " · ".join(part for part in parts if part)


def _controls_behind(totals: Totals) -> str:
    share = share_with_interval(np.array([totals.positive]), np.array([totals.checked]))
    value = 100 * float(share.value[0])
    if math.isnan(value):
        return _("nombre de contrôlés inconnu")
    return _("{checked} contrôlés, {share} % positifs ({interval})").format(
        checked=fmt.number(totals.checked),
        share=fmt.significant(value),
        interval=fmt.interval(100 * float(share.low[0]), 100 * float(share.high[0])),
    )


def _before(before: Totals | None, name: str, format_value: object) -> str:
    if before is None or not callable(format_value):
        return ""
    return _("période précédente : {value}").format(value=format_value(getattr(before, name)))


def without_place(totals: Totals) -> str:
    """How many facts of the view stand in no hexagon: they are counted beside the map, never placed by guess."""
    everything = sum(totals.by_precision.values())
    placed = sum(totals.by_precision.get(precision, 0) for precision in HEXAGON_PRECISIONS)
    missing = everything - placed
    if not missing:
        return ""
    return ngettext(
        "{n} fait sans lieu précis ({share} %) n'est pas sur la carte.",
        "{n} faits sans lieu précis ({share} %) ne sont pas sur la carte.",
        missing,
    ).format(n=fmt.number(missing), share=fmt.number(100 * missing / everything, 1))


def without_hour(counts: HourCounts) -> str:
    """How many facts of a period no window of hours counts, as nobody knows theirs."""
    unknown = counts.without_hour
    if math.isnan(unknown):
        return _("Quelques faits sans heure connue ne sont pas comptés ici.")
    if not unknown:
        return ""
    return ngettext(
        "{n} fait sans heure connue n'est pas compté ici.",
        "{n} faits sans heure connue ne sont pas comptés ici.",
        int(unknown),
    ).format(n=fmt.number(unknown))


def daily_sentence(days: DayCounts) -> str:
    """What the daily curve shows, in one sentence."""
    known = ~np.isnan(days.incidents)
    if not known.any():
        return _("Nombre de faits par jour protégé ou inconnu.")
    peak = int(np.nanargmax(days.incidents))
    peak_day: date = days.days[peak].astype("datetime64[D]").item()
    return _("{mean} incidents par jour en moyenne ; le plus : {peak}, le {day}.").format(
        mean=fmt.number(float(days.incidents[known].mean()), 1),
        peak=fmt.number(float(days.incidents[peak])),
        day=fmt.day(peak_day),
    )
