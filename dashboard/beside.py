"""What stands beside the map and follows the store: drawn by the page, then fetched again by its script, alike."""

from __future__ import annotations

import math
from contextlib import suppress
from datetime import UTC, datetime

from dashboard import panels
from dashboard.alert_part import alerts_html
from dashboard.changes import others, read_others_ahead
from dashboard.context import Context
from dashboard.controls import KINDS_CHOSEN
from dashboard.drill import crumbs_html
from dashboard.figures import key_figures, population_of, without_hour, without_place
from dashboard.following import Followed, Parts
from dashboard.i18n import _
from dashboard.mapdata import period_label
from dashboard.recall import Reading
from dashboard.sources import source_ages
from dashboard.view import View
from data.errors import StoreError
from data.query import Viewer
from data.rights import beyond_rights
from data.store import Totals

UNKNOWN = Totals(*(math.nan,) * 6)  # figures that the store never gave: an em dash, not a zero


def live_parts(held: Context, viewer: Viewer, view: View, reading: Reading) -> Parts:
    """What stands beside the map, and the title above both, of a dated view."""
    territory = view.territory
    beyond = territory is not None and territory.code in beyond_rights(held.geography, territory.kind, viewer)
    totals, compared, population = UNKNOWN, [], math.nan
    with suppress(StoreError):
        if not beyond:
            read_others_ahead(held, viewer, view, reading)
            found = reading.ask(held.totals, view.query(), viewer)
            compared = others(held, viewer, view, reading, datetime.now(UTC))
            totals = found
    if territory is not None or viewer.territories is None:
        population = population_of(held.geography, territory)
    try:
        sources = reading.ask(held.kept(held.store.sources), viewer)
    except StoreError:
        sources = []
    missing = [_seen_of(held, viewer, view, beyond), without_place(totals)]
    if view.hours is not None:
        with suppress(StoreError):  # never answered: nothing to say of it
            missing.append(without_hour(reading.ask(held.store.counts_by_hour, view.query(), viewer)))
    ages = source_ages(sources, held.settings.stale_hours, datetime.now(UTC))
    return {
        "title": title_html(held, view),
        "figures": panels.figures_html(key_figures(totals, population, compared)),
        "alerts": alerts_html(held, viewer, view, reading),
        "missing": panels.sentence_html(" ".join(note for note in missing if note)),
        "sources": panels.sources_html(ages),
    }


def _seen_of(held: Context, viewer: Viewer, view: View, beyond: bool) -> str:
    """What a viewer held to territories sees of the one looked at: a part would pass for the whole, none for zero."""
    if beyond and view.territory is not None:
        words = _("{name} est hors de vos droits, en tout ou en partie : ses chiffres ne vous sont pas montrés.")
        return words.format(name=held.geography.name(view.territory))
    if view.territory is None and viewer.territories is not None:
        return _("Ces chiffres sont ceux des territoires que vous voyez, et non de toute la France.")
    return ""


def title_html(held: Context, view: View) -> str:
    name = held.geography.name(view.territory) if view.territory else _("France")
    before, after = crumbs_html(held, view)
    return panels.title_html(name, trail(view), before, after)


def trail(view: View) -> str:
    """The kind of territory and the period: `CROSS · 1–31 mars 2026`."""
    kind = [_(KINDS_CHOSEN[view.territory.kind])] if view.territory else []
    return " · ".join([*kind, period_label(view)])


SITUATION = Followed("", live_parts)
