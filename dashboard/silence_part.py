"""Silences: CROSS and services that usually report and have not, and since when."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from html import escape

import numpy as np
from numpy.typing import NDArray

from dashboard import format as fmt
from dashboard.changes import PARIS
from dashboard.context import Context
from dashboard.drill import crosses_of, step_name
from dashboard.i18n import _, ngettext
from dashboard.panels import details_html, sentence_html
from dashboard.view import ONE_DAY, View
from data.query import Query, Territory, Viewer
from data.vocabulary import SERVICES
from geo.silence import silences

NAMED = 3  # silences, said by name in one line
HABIT_DAYS = 182  # of which the habit is made: twenty-six weeks


@dataclass(frozen=True, slots=True)
class Silence:
    """Someone who usually reports: nothing after `since`, the last day with a fact."""

    name: str
    since: date
    days: int
    active_days: int  # of the habit's days, with a fact


@dataclass(frozen=True, slots=True)
class Watched:
    """The silences of all units that were tested together."""

    silences: list[Silence]
    tested: int
    last_day: date | None  # until which they are silent; None: too few days to have a habit
    habit_days: int


def silence_parts(held: Context, viewer: Viewer, view: View) -> dict[str, str]:
    """Who is silent: in a line for who looks five seconds, and with the rule."""
    found = watched(held, viewer, view, datetime.now(UTC))
    return {"quiet": _in_a_line(found.silences), "silences": _with_the_rule(found)}


def _with_the_rule(found: Watched) -> str:
    if found.last_day is None:
        return sentence_html(_("Pas assez de jours dans la base pour connaître les habitudes."))
    if not found.silences:
        said = _("Aucun silence inhabituel au {day} ({n} CROSS et services suivis).").format(
            day=fmt.short_day(found.last_day), n=found.tested
        )
        return sentence_html(said) + _method(found)
    lines = "".join(f"<li>{escape(_said(silence))}</li>" for silence in found.silences)
    return f'<ul class="hx-silences">{lines}</ul>' + _method(found)


def _in_a_line(found: list[Silence]) -> str:
    if not found:
        return ""
    said = ", ".join(
        _("{name} depuis {n} j").format(name=silence.name, n=silence.days) for silence in found[:NAMED]
    ) + (_(" et {n} autres").format(n=len(found) - NAMED) if len(found) > NAMED else "")
    return f'<p class="hx-quiet"><b>{escape(_("Silence inhabituel"))}</b> {escape(said)}</p>'


def watched(held: Context, viewer: Viewer, view: View, now: datetime) -> Watched:
    """Test the CROSS of the territory looked at and the services at work in it, over the last half-year held.

    The filters of the view do not count: who reports something else is not silent. The last day is the last one that
    is over and for which anyone has reported: a store that nobody feeds is told by the age of its sources.
    """
    period = held.store.period(viewer)
    if period is None:
        return Watched([], 0, None, 0)
    last = min(period[1], now.astimezone(PARIS).date() - ONE_DAY)
    start = max(period[0], last - timedelta(days=HABIT_DAYS - 1))
    if (last - start).days < 28:
        return Watched([], 0, None, 0)
    units = _units(held, view, Query(start, last + ONE_DAY, territory=view.territory))
    active = np.array([_active(held, viewer, query) for _name, query in units])
    found = silences(active)
    told = [
        Silence(name, last - timedelta(days=int(days)), int(days), int(active_days))
        for (name, _query), days, active_days, beyond in zip(
            units, found.days, found.active_days, found.beyond_chance, strict=True
        )
        if beyond
    ]
    told.sort(key=lambda silence: (-silence.days, silence.name))
    return Watched(told, int(np.isfinite(found.p_value).sum()), last, (last - start).days + 1)


def _units(held: Context, view: View, query: Query) -> list[tuple[str, Query]]:
    known = held.geography
    codes = [cross.code for cross in known.lists.cross if cross.status == "operating"]
    if view.territory is not None:
        within = crosses_of(known, view.territory.code) if view.territory.kind == "antenna" else [view.territory.code]
        codes = [code for code in codes if code in within] if view.territory.kind in ("antenna", "cross") else []
    of_cross = [(step_name(known, Territory("cross", code)), Territory("cross", code)) for code in codes]
    return [
        *((name, replace(query, territory=territory)) for name, territory in of_cross),
        *((_(label), replace(query, services=frozenset({code}))) for code, label in SERVICES.items()),
    ]


def _active(held: Context, viewer: Viewer, query: Query) -> NDArray[np.bool_]:
    """Days with an incident or a control. A hidden count is one: only zero is shown as zero."""
    counts = held.store.counts_by_day(query, viewer)
    return counts.protected | (np.nan_to_num(counts.incidents) + np.nan_to_num(counts.controls) > 0)


def _said(silence: Silence) -> str:
    return ngettext(
        "{name} : rien depuis le {day}, {n} jour, contre des faits {active} jours en temps ordinaire.",
        "{name} : rien depuis le {day}, {n} jours, contre des faits {active} jours en temps ordinaire.",
        silence.days,
    ).format(name=silence.name, day=fmt.day(silence.since), n=silence.days, active=silence.active_days)


def _method(found: Watched) -> str:
    text = _(
        "Sur les {days} derniers jours, un silence est dit quand tant de jours sans incident ni contrôle auraient moins"
        " de 5 % de chances d'arriver par hasard à un seul des {n} suivis, vu ses propres lundis, mardis… (loi"
        " hypergéométrique, correction de Holm)."
    ).format(days=found.habit_days, n=found.tested)
    return details_html(_("Comment un silence est reconnu"), sentence_html(text))
