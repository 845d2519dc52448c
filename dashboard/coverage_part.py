"""What follows the address on the page of coverage: what is covered on its day, in a ledger and in sentences."""

from __future__ import annotations

from dataclasses import replace

from dashboard import coverage_tables as tables
from dashboard import panels
from dashboard.beside import trail
from dashboard.context import Context, today
from dashboard.coverage_figures import Coverage, coverage, incidents_by_commune
from dashboard.coverage_map import day_label
from dashboard.following import Followed, Parts
from dashboard.i18n import _
from dashboard.recall import Reading
from dashboard.view import View
from data.query import Viewer


def coverage_parts(held: Context, viewer: Viewer, view: View, reading: Reading) -> Parts:
    """Of a dated view. Antennas have no figures but those of their table. Raises ReferenceListError, StoreError."""
    parts = {"title": title_html(view)}
    if view.part == "cross":
        incidents = incidents_by_commune(held, viewer, view, reading)
        parts["figures"] = _covered(coverage(held, viewer, view, today(), reading, incidents), view)
    return parts


def title_html(view: View) -> str:
    return panels.title_html(_("Couverture"), trail(replace(view, territory=None)))


def _covered(found: Coverage, view: View) -> str:
    sentences = (tables.standing_sentence, tables.additions_sentence, tables.overlap_sentence)
    return (
        panels.heading_html(_("Ce qui est couvert"), day_label(view, today()))
        + tables.ledger_html(found)
        + "".join(panels.sentence_html(say(found)) for say in sentences)
    )


COVERAGE = Followed("/couverture", coverage_parts)
