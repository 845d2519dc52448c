"""What follows the address on the page of comparisons: its one table."""

from __future__ import annotations

from dataclasses import replace

from dashboard import format as fmt
from dashboard import panels
from dashboard.beside import trail
from dashboard.comparison import FEWEST_COMPARED, Compared, compare, days_held
from dashboard.comparison_table import rows_of, table_html
from dashboard.context import Context
from dashboard.controls import KINDS_CHOSEN
from dashboard.following import Followed, Parts
from dashboard.i18n import _
from dashboard.recall import Reading
from dashboard.view import Period, View
from data.query import Viewer


def comparison_parts(held: Context, viewer: Viewer, view: View, reading: Reading) -> Parts:
    """Of a dated view. Without territories in the address the page chooses them, and there is nothing to follow.

    Raises StoreError.
    """
    period = reading.ask(held.kept(held.store.period), viewer)
    parts = {"title": title_html(view, period)} if view.compared else {}
    if len(view.compared) >= FEWEST_COMPARED and period is not None and days_held(view, period):
        parts["figures"] = figures_html(compare(held, viewer, view, period, reading))
    return parts


def title_html(view: View, period: Period | None) -> str:
    about = [_(KINDS_CHOSEN[view.compared[0].kind])]
    if period is not None:
        about.append(trail(replace(view, territory=None)))
    return panels.title_html(_("Comparaison"), " · ".join(about))


def figures_html(compared: Compared) -> str:
    query, words = compared.view.query(), ""
    if compared.days < (query.stop - query.start).days:
        words = _("La base ne tient que {n} jours de cette période : les chiffres sont ceux de ces jours.")
    return table_html(compared, rows_of(compared)) + panels.sentence_html(words.format(n=fmt.number(compared.days)))


COMPARISON = Followed("/comparaison", comparison_parts)
