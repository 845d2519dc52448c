"""The figures beside the map: what the store says, in the words and with the intervals people need."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

import numpy as np
from numpy.typing import NDArray

from dashboard import format as fmt
from dashboard.changes import Change, Other, changes_of, sums_of
from dashboard.hexagon_table import FEWEST_INHABITANTS
from dashboard.i18n import _, ngettext
from dashboard.tables import HexagonTable
from data.geography import Geography
from data.query import Territory
from data.store import DayCounts, HourCounts, Totals
from data.vocabulary import HEXAGON_PRECISIONS
from geo.rates import rate_with_interval, share_with_interval
from layers.hexagons import STATE_CODES


@dataclass(frozen=True, slots=True)
class Figure:
    """`value` is formatted with its unit; `behind` says what stands behind it, `changes` how it stands to others."""

    label: str
    value: str
    behind: str
    changes: tuple[Change, ...] = ()


def population_of(known: Geography, territory: Territory | None) -> float:
    """Inhabitants of the territory, of the whole country without one; NaN when unknown."""
    if territory is None:
        return float(known.territories("region")["population"].sum())
    table = known.territories(territory.kind)
    found = table.loc[table["code"] == territory.code, "population"]
    return float(found.iloc[0]) if len(found) else math.nan


def key_figures(totals: Totals, population: float, others: Sequence[Other] = ()) -> list[Figure]:
    """The four figures of a situation; `population` is the territory's, NaN when unknown."""
    return [
        Figure(
            _("Incidents"),
            fmt.number(totals.incidents),
            _rate(totals, population),
            changes_of(totals.incidents, others, "incidents"),
        ),
        Figure(
            _("Contrôles"),
            fmt.number(totals.controls),
            _controls_behind(totals),
            changes_of(totals.controls, others, "controls"),
        ),
        Figure(_("Quantités saisies"), fmt.kilograms(totals.kg), sums_of(others, "kg", fmt.kilograms)),
        Figure(_("Avoirs saisis"), fmt.euros(totals.eur), sums_of(others, "eur", fmt.euros)),
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
        *key_figures(one, inhabitants)[:3],
        Figure(_("Habitants"), fmt.number(value["population"]), _("estimés au prorata des surfaces")),
    ]


def _rate(totals: Totals, population: float) -> str:
    rate = rate_with_interval(np.array([totals.incidents]), np.array([population]))
    value = float(rate.value[0])
    if math.isnan(value):
        return ""
    return _("{rate} pour 100 000 habitants ({interval})").format(
        rate=fmt.significant(value), interval=fmt.interval(float(rate.low[0]), float(rate.high[0]))
    )


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


def known_days(days: DayCounts, held: tuple[date, date]) -> DayCounts:
    """The same with days outside what the store holds unknown: nothing was told of them, which is not zero."""
    inside = (days.days >= np.datetime64(held[0])) & (days.days <= np.datetime64(held[1]))
    return replace(
        days, incidents=np.where(inside, days.incidents, np.nan), controls=np.where(inside, days.controls, np.nan)
    )


def daily_sentence(days: DayCounts, held: tuple[date, date]) -> str:
    """What the daily curve shows, in one sentence; and where it stops, when the store holds no more."""
    known = ~np.isnan(days.incidents)
    if not known.any():
        return _("Nombre de faits par jour protégé ou inconnu.")
    return " ".join(part for part in (_peak(days, known), _controls_beside(days, known), _stops(days, held)) if part)


def _controls_beside(days: DayCounts, known: NDArray[np.bool_]) -> str:
    """Incidents beside the controls of the same place and days."""
    alone = int(((days.incidents > 0) & (days.controls == 0) & known).sum())
    if not alone:
        return ""
    return ngettext(
        "{n} jour avec incident et sans contrôle.", "{n} jours avec incident et sans contrôle.", alone
    ).format(n=fmt.number(alone))


def _stops(days: DayCounts, held: tuple[date, date]) -> str:
    if np.datetime64(held[1]) >= days.days[-1] and np.datetime64(held[0]) <= days.days[0]:
        return ""
    return _("Inconnu hors des données, du {first} au {last} : la courbe s'y arrête.").format(
        first=fmt.short_day(held[0]), last=fmt.short_day(held[1])
    )


def _peak(days: DayCounts, known: NDArray[np.bool_]) -> str:
    peak = int(np.nanargmax(days.incidents))
    peak_day: date = days.days[peak].astype("datetime64[D]").item()
    return _("{mean} incidents par jour en moyenne ; le plus : {peak}, le {day}.").format(
        mean=fmt.number(float(days.incidents[known].mean()), 1),
        peak=fmt.number(float(days.incidents[peak])),
        day=fmt.day(peak_day),
    )
