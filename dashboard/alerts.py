"""Alerts: which thresholds that people set are reached, since when, and who has seen it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import numpy as np

from dashboard import format as fmt
from dashboard.alert_file import Acknowledgement, Alert, read_alerts
from dashboard.context import Context
from dashboard.figures import population_of
from dashboard.i18n import _, ngettext
from dashboard.recall import Reading
from data.errors import QueryError, StoreError
from data.query import Query, Viewer
from data.store import Totals
from geo.rates import rate_with_interval

LOOKED_BACK_DAYS = 31  # for the day since which a threshold is reached; an acknowledgement holds no longer
ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class AlertState:
    """An alert and what its last days hold; [start, stop) are days of the data, which may end before today."""

    alert: Alert
    place: str  # name of the territory
    start: date
    stop: date
    value: float  # NaN: unknown, or withheld from this viewer
    since: date | None  # first day at whose end the threshold was reached, and without a gap since; None: it is not
    earlier: bool = False  # or even before: nobody looked further back

    @property
    def in_force(self) -> bool:
        """The threshold is reached."""
        return self.since is not None

    @property
    def acknowledged(self) -> Acknowledgement | None:
        """By whom it was seen since it came into force; None: by nobody, which pre-empts the scenes of a wall."""
        seen = self.alert.acknowledged
        return seen if seen and self.since is not None and self.since <= seen.until else None


def alerts_in_force(held: Context, viewer: Viewer) -> list[AlertState]:
    """The alerts whose threshold is reached, those that nobody acknowledged first.

    Raises:
        AlertError: The file of alerts cannot be read.
        StoreError: The store does not answer, and never did.
    """
    states = [state for state in alert_states(held, viewer, Reading(held.recall)) if state.in_force]
    return sorted(states, key=lambda state: state.acknowledged is not None)


def alert_states(held: Context, viewer: Viewer, reading: Reading) -> list[AlertState]:
    """All alerts that the viewer may watch. Raises as `alerts_in_force`."""
    alerts = [alert for alert in read_alerts(Path(held.settings.alerts)) if _may_watch(viewer, alert)]
    period = reading.ask(held.store.period, viewer) if alerts else None
    if period is None:
        return []
    return [_state(held, viewer, reading, alert, period) for alert in alerts]


def _may_watch(viewer: Viewer, alert: Alert) -> bool:
    """Who sees some territories only would be told of their part of another as if it were the whole."""
    return viewer.territories is None or alert.territory in viewer.territories


def _state(held: Context, viewer: Viewer, reading: Reading, alert: Alert, period: tuple[date, date]) -> AlertState:
    stop = period[1] + ONE_DAY
    start = stop - timedelta(days=alert.days)
    try:
        place = held.geography.name(alert.territory) if alert.territory else _("France")
    except QueryError:  # a list was edited since
        return AlertState(alert, alert.name, start, stop, math.nan, None)
    value = _value(held, viewer, reading, alert, stop)
    since, earlier = None, False
    if value >= alert.threshold:
        since, earlier = _since(held, viewer, reading, alert, period)
    return AlertState(alert, place, start, stop, value, since, earlier)


def _since(
    held: Context, viewer: Viewer, reading: Reading, alert: Alert, period: tuple[date, date]
) -> tuple[date, bool]:
    """The first of the days, without a gap up to the last one, at whose end the threshold was reached.

    Each step back asks of a period that today's facts do not touch: asked once, its totals are kept.
    """
    day, last = period[1], period[1]
    while day > max(period[0], last - timedelta(days=LOOKED_BACK_DAYS)):
        try:
            before = _value(held, viewer, reading, alert, stop=day)
        except StoreError:
            return day, True
        if not before >= alert.threshold:
            return day, False
        day -= ONE_DAY
    return day, True


def _value(held: Context, viewer: Viewer, reading: Reading, alert: Alert, stop: date) -> float:
    """The measure over the alert's days that end before `stop`; NaN where it is unknown or withheld."""
    query = Query(stop - timedelta(days=alert.days), stop, territory=alert.territory)
    totals: Totals = reading.ask(held.totals, query, viewer)
    match alert.measure:
        case "taux":
            population = population_of(held.geography, alert.territory)
            return float(rate_with_interval(np.array([totals.incidents]), np.array([population])).value[0])
        case "controles":
            return totals.controls
        case "kg":
            return totals.kg
        case "avoirs":
            return totals.eur
        case _:
            return totals.incidents


def with_unit(measure: str, value: float) -> str:
    """`57`, `120 kg`: a value of a measure that can be watched."""
    if measure == "kg":
        return fmt.kilograms(value)
    if measure == "avoirs":
        return fmt.euros(value)
    return fmt.significant(value) if measure == "taux" else fmt.number(value)


def said(measure: str, value: float) -> str:
    """`57 incidents`, `120 kg saisis`."""
    shown = with_unit(measure, value)
    match measure:
        case "taux":
            return _("{value} incidents pour 100 000 habitants").format(value=shown)
        case "controles":
            return ngettext("{value} contrôle", "{value} contrôles", value).format(value=shown)
        case "kg":
            return _("{value} saisis").format(value=shown)
        case "avoirs":
            return _("{value} d'avoirs saisis").format(value=shown)
        case _:
            return ngettext("{value} incident", "{value} incidents", value).format(value=shown)


def alert_sentence(state: AlertState) -> str:
    """`Marseille : 57 incidents du 25 au 31 octobre 2026, seuil 50 atteint depuis le 28 octobre 2026.`"""
    alert = state.alert
    threshold = with_unit(alert.measure, alert.threshold)
    days = fmt.period(state.start, state.stop)
    if math.isnan(state.value):
        text = _("{place} : inconnu ou protégé ({days}), seuil {threshold}.")
        return text.format(place=state.place, days=days, threshold=threshold)
    what = said(alert.measure, state.value)
    if state.since is None:
        text = _("{place} : {said} ({days}), sous le seuil de {threshold}.")
        return text.format(place=state.place, said=what, days=days, threshold=threshold)
    text = (
        _("{place} : {said} ({days}) ; le seuil de {threshold} est atteint depuis le {since} ou avant.")
        if state.earlier
        else _("{place} : {said} ({days}) ; le seuil de {threshold} est atteint depuis le {since}.")
    )
    return text.format(place=state.place, said=what, days=days, threshold=threshold, since=fmt.day(state.since))
