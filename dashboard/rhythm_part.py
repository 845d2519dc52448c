"""When: incidents by weekday and hour, as a small heat map, its table and its sentence."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from html import escape

import numpy as np
from babel.dates import get_day_names

from dashboard import format as fmt
from dashboard.changes import PARIS
from dashboard.context import Context
from dashboard.figures import without_hour
from dashboard.i18n import _, current_language
from dashboard.panels import details_html, sentence_html
from dashboard.view import ONE_DAY, View
from data.query import MOST_DAYS_BY_HOUR, Query, Viewer
from data.store import HourCounts
from geo.rhythm import Rhythm, rhythm
from layers.classes import Classes, classify
from layers.colours import sequential

CLASSES = 5
NAMED = 3  # hours that stand out, said by name


def rhythm_html(held: Context, viewer: Viewer, view: View) -> str:
    """Incidents by hour of the clock at the place, over the last days of the view."""
    query = _of_hours(held, viewer, view)
    if query is None:
        return sentence_html(_("Aucun jour de cette période n'est couvert par la base."))
    counts = held.store.counts_by_hour(query, viewer)
    if counts.protected.any():
        return sentence_html(_("Le rythme est protégé : trop de petits effectifs par heure pour ce rôle."))
    if not counts.incidents.sum():
        return sentence_html(_("Aucun incident dont l'heure est connue pour ces filtres."))
    found = _rhythm_of(counts, query)
    notes = [_("Du {start} au {last}, heures légales du lieu.").format(
        start=fmt.short_day(query.start), last=fmt.short_day(query.stop - ONE_DAY)
    ), without_hour(counts)]  # fmt: skip
    return (
        _heat_map(found)
        + sentence_html(_said(found))
        + sentence_html(" ".join(note for note in notes if note))
        + _numbers(found)
    )


def _of_hours(held: Context, viewer: Viewer, view: View) -> Query | None:
    """The view's query over as many of its last days as hours are told of; whole days, none after the last held."""
    query, period = view.query(), held.store.period(viewer)
    if period is None:
        return None
    stop = min(query.stop, period[1] + ONE_DAY)
    if stop == datetime.now(UTC).astimezone(PARIS).date() + ONE_DAY and stop - ONE_DAY > query.start:
        stop -= ONE_DAY  # today is not over: its hours to come would count as quiet
    start = max(query.start, stop - timedelta(days=MOST_DAYS_BY_HOUR), period[0])
    if start >= stop:
        return None
    return Query(start, stop, query.families, query.kinds, query.drugs, query.modes, query.services, query.territory)


def _rhythm_of(counts: HourCounts, query: Query) -> Rhythm:
    day, hour = np.nonzero(counts.incidents)
    return rhythm(
        counts.days[day].astype("datetime64[D]").astype(np.int64),
        hour,
        np.datetime64(query.start),
        np.datetime64(query.stop),
        counts.incidents[day, hour],
    )


def _heat_map(found: Rhythm) -> str:
    classes = classify(np.where(found.mean > 0, found.mean, np.nan), "quantiles", CLASSES, format_number=fmt.limit)
    colours = list(zip(sequential(len(classes), "light"), sequential(len(classes), "dark"), strict=True))
    rows = []
    for weekday, name in enumerate(_weekdays("abbreviated")):
        cells = "".join(_cell(found, classes, colours, weekday, hour) for hour in range(24))
        rows.append(f"<tr><th scope=row>{escape(name)}</th>{cells}</tr>")
    heads = "".join(f"<th>{hour if hour % 6 == 0 else ''}</th>" for hour in range(24))
    legend = "".join(
        f'<li><i style="background:light-dark({light},{dark})"></i>{escape(label)}</li>'
        for (light, dark), label in zip(colours, classes.labels, strict=True)
    )
    return (
        f'<table class="hx-heat" aria-hidden="true"><thead><tr><td></td>{heads}</tr></thead><tbody>{"".join(rows)}'
        f'</tbody></table><ul class="hx-heat-legend"><li>{escape(_("Incidents par heure"))}</li>{legend}'
        f'<li><i class="hx-stands-out"></i>{escape(_("au-delà du hasard"))}</li></ul>'
    )


def _cell(found: Rhythm, classes: Classes, colours: list[tuple[str, str]], weekday: int, hour: int) -> str:
    mean = float(found.mean[weekday, hour])
    said = _("{day} de {hour} h à {next} h : {mean} par heure").format(
        day=_weekdays("wide")[weekday], hour=hour, next=hour + 1, mean=fmt.significant(mean)
    )
    style = ""
    if mean > 0:
        position = int(np.clip(np.searchsorted(classes.bounds[1:-1], mean, side="right"), 0, len(classes) - 1))
        light, dark = colours[position]
        style = f' style="background:light-dark({light},{dark})"'
    mark = ' class="hx-stands-out"' if abs(found.residuals[weekday, hour]) > found.bound else ""
    return f'<td{style}{mark} title="{escape(said, quote=True)}"></td>'


def _said(found: Rhythm) -> str:
    """Where most happens, and which hours depart from what the day and the hour foresee."""
    weekday, hour = np.unravel_index(int(np.nanargmax(found.mean)), found.mean.shape)
    most = _("Le plus d'incidents : {when} ({mean} par heure en moyenne).").format(
        when=_when(int(weekday), int(hour)), mean=fmt.significant(float(found.mean[weekday, hour]))
    )
    size = np.where(np.abs(found.residuals) > found.bound, np.abs(found.residuals), 0)
    strong = np.argsort(-size, axis=None, kind="stable")[: int((size > 0).sum())]
    if not strong.size:
        return f"{most} {_('Aucune heure ne s’écarte de son jour et de son heure au-delà du hasard.')}"
    places = [np.unravel_index(int(place), size.shape) for place in strong[:NAMED]]
    named = ", ".join(_when(int(weekday), int(hour)) for weekday, hour in places)
    return f"{most} " + _(
        "S'écartent au-delà du hasard de ce que laissent attendre le jour et l'heure : {named}."
    ).format(named=named + (_(" et {n} autres").format(n=len(strong) - NAMED) if len(strong) > NAMED else ""))


def _when(weekday: int, hour: int) -> str:
    return _("{day} de {hour} h à {next} h").format(day=_weekdays("wide")[weekday], hour=hour, next=hour + 1)


def _numbers(found: Rhythm) -> str:
    """The table behind the heat map: hours down, days across, so that it holds beside a map."""
    days = _weekdays("abbreviated")
    head = "".join(f"<th scope=col>{escape(day)}</th>" for day in ("", *days))
    rows = "".join(
        f"<tr><th scope=row>{hour} h</th>"
        + "".join(f"<td>{escape(fmt.number(float(found.counts[day, hour])))}</td>" for day in range(7))
        + "</tr>"
        for hour in range(24)
    )
    table = (
        f'<div class="hx-table"><table><caption>{escape(_("Nombre d’incidents"))}</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>"
    )
    return details_html(_("Table du rythme"), table)


def _weekdays(width: str) -> list[str]:
    names = get_day_names(width, locale=current_language())  # type: ignore[arg-type]  # babel's literal
    return [names[day] for day in range(7)]
