"""The latest facts of a view, one line each, that follow the store: what happened, when, where, and a link to there."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, timedelta
from html import escape
from typing import Any

import pyarrow as pa

from dashboard.context import Context
from dashboard.drill import Step, link_html, to_hexagon, to_territory
from dashboard.events_table import in_words
from dashboard.i18n import _
from dashboard.panels import sentence_html
from dashboard.view import View
from data.errors import QueryError
from data.query import Territory, Viewer
from geo.cells import parents

SHOWN = 40
RECENT_DAYS = 7  # looked through first: the latest facts of a busy territory are all there
JUMP_RESOLUTION = 8  # of the hexagon that a link pins: some streets, whose other facts are then beside the map


def latest_html(held: Context, viewer: Viewer, view: View) -> str:
    """The latest facts of a dated view; who may not read facts one by one is told so."""
    if not viewer.sees_events:
        return sentence_html(_("Votre rôle ne lit pas les faits un par un."))
    facts = latest_facts(held, viewer, view)
    if not facts.num_rows:
        return sentence_html(_("Aucun fait pour ces filtres."))
    lines = "".join(_line(held, view, fact) for fact in facts.to_pylist())
    label = escape(_("Derniers faits"), quote=True)
    return f'<ol class="hx-latest" tabindex="0" aria-label="{label}">{lines}</ol>'


def latest_facts(held: Context, viewer: Viewer, view: View) -> pa.Table:
    """The facts, latest first; those of the last days alone where there are enough of them."""
    query = view.query()
    period = held.store.period(viewer)
    if period is not None:
        stop = min(query.stop, period[1] + timedelta(days=1))
        start = stop - timedelta(days=RECENT_DAYS)
        if query.start < start < stop:
            recent = held.store.events(replace(query, start=start), viewer, limit=SHOWN)
            if recent.num_rows == SHOWN:
                return recent
    return held.store.events(query, viewer, limit=SHOWN)


def _line(held: Context, view: View, fact: dict[str, Any]) -> str:
    words = in_words(fact)
    details = " · ".join(part for part in (words.drug, words.quantity, words.checked, words.service) if part)
    place = _place(held, fact)
    where = link_html(place, view) if place.goes else escape(place.name)
    age = ""
    if fact["occurred_precision"] in (None, "minute"):
        at = fact["occurred_at"].replace(tzinfo=UTC).isoformat(timespec="seconds")
        age = f' data-at="{at}"'
    kind = f'<span class="hx-family hx-{escape(str(fact["family"]))}"></span><b>{escape(words.kind)}</b>'
    return (
        f'<li data-id="{escape(str(fact["event_id"]), quote=True)}"><time{age}>{escape(words.when)}</time>'
        f"<div>{kind} {escape(details)}</div><div>{where}</div></li>"
    )


def _place(held: Context, fact: dict[str, Any]) -> Step:
    """Where it happened, and how to go there: its hexagon, or the territory that is all that is known."""
    name, territory = _("Sans lieu"), None
    for kind in ("arrondissement", "commune", "departement"):
        if code := fact[kind]:
            territory = Territory(kind, str(code))
            try:
                name = held.geography.name(territory)
            except QueryError:  # a commune that the reference geography has not
                name, territory = str(code), None
            break
    else:
        if fact["country"]:
            name = str(fact["country"])
    if fact["cell"]:
        (cell,) = parents([fact["cell"]], JUMP_RESOLUTION)
        return to_hexagon(name, int(cell))
    return to_territory(name, territory) if territory else Step(name, {})


def _words() -> dict[str, str]:
    """What the page's script says of the latest fact."""
    return {
        "paused": _("En pause"),
        "new-one": _("{n} nouveau fait"),
        "new-many": _("{n} nouveaux faits"),
        "age": _("Dernier fait {age}"),
        "nothing": _("Aucun de ces faits ne contient « {text} »."),
    }


def controls_html() -> str:
    """What the reader does with the list: search in it, hold it still. The page's script does both."""
    words = " ".join(f'data-{name}="{escape(text, quote=True)}"' for name, text in _words().items())
    search = escape(_("Chercher dans ces faits"), quote=True)
    return (
        f'<div class="hx-latest-controls" {words}>'
        f'<input type="search" class="hx-latest-search" placeholder="{search}" aria-label="{search}">'
        f'<button type="button" class="hx-latest-pause" aria-pressed="false">{escape(_("Pause"))}</button>'
        '<span class="hx-latest-state" role="status"></span></div>'
    )
