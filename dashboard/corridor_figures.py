"""What follows the address on the page of routes: its title, its figures, and where the other seizures are."""

from __future__ import annotations

import json
from urllib.parse import urlencode

import numpy as np

from dashboard import format as fmt
from dashboard import panels
from dashboard.context import Context, viewer_of
from dashboard.corridor_facts import Routed, read_routed
from dashboard.corridor_geography import EntryPoints
from dashboard.corridor_map import kept_entry_points, months_label, title_of
from dashboard.corridor_view import CorridorView
from dashboard.corridors import Shown, shown_corridors
from dashboard.figures import Figure
from dashboard.following import Parts, stamp_html
from dashboard.i18n import _
from dashboard.recall import Reading
from geo.corridors import Ends

SOURCE = "/routes/chiffres"


def corridor_figures_json(held: Context, view: CorridorView) -> bytes:
    """What `GET /routes/chiffres` answers; of a corridor or an entry point the page itself says the figures.

    Raises HexacrossError.
    """
    kept = read_routed(held)(viewer_of(held.settings))
    shown = shown_corridors(held, kept, view)
    parts: Parts = {"title": title_html(view, shown)}
    if shown is not None and not (view.chosen or view.entry):
        parts["figures"] = figures_html(kept, view, shown, kept_entry_points(held, kept, view, shown))
    return json.dumps({"parts": parts}, ensure_ascii=False).encode()


def address_of(view: CorridorView) -> str:
    """Which view its figures are of."""
    return "?" + urlencode(view.to_params(), safe=":,")


def stamp(view: CorridorView, reading: Reading) -> str:
    return stamp_html(SOURCE, address_of(view), reading)


def title_html(view: CorridorView, shown: Shown | None) -> str:
    trail = " · ".join(part for part in (title_of(view), months_label(shown)) if part)
    return panels.title_html(_("Routes"), trail)


def figures_html(kept: Routed, view: CorridorView, shown: Shown, points: EntryPoints) -> str:
    return panels.figures_html(key_figures(kept, view, shown, points)) + panels.sentence_html(counted(view, shown))


def key_figures(kept: Routed, view: CorridorView, shown: Shown, points: EntryPoints) -> list[Figure]:
    found = shown.corridors
    seizures = int(found.seizures.sum())
    kg = float(np.nansum(found.kg)) if found.weighed.sum() else float("nan")
    reporters = len(np.unique(kept.seizures.reporter[shown.rows & (kept.seizures.reporter >= 0)]))
    before = shown.before
    behind = ""
    if before is not None:
        months = months_label(shown, before.months)
        behind = (
            _("{months} : {n}").format(months=months, n=fmt.number(int(before.seizures.sum())))
            if before.covered
            else _("{months} : les données commencent après").format(months=months)
        )
    return [
        Figure(_("Saisies"), fmt.number(seizures), behind or _("à deux pays connus et différents")),
        Figure(
            _("Poids"),
            fmt.kilograms(kg),
            _("{n} saisies pesées").format(n=fmt.number(int(found.weighed.sum()))),
        ),
        Figure(_("Liaisons"), fmt.number(len(shown.keys)), _("pays de départ, d'arrivée et mode")),
        Figure(
            _("États déclarants"),
            fmt.number(reporters),
            _("{n} points d'entrée en Europe").format(n=fmt.number(len(points.keys))),
        ),
    ]


def counted(view: CorridorView, shown: Shown) -> str:
    """Where the seizures are that stand in no corridor shown."""
    ends = shown.ends
    return _(
        "Pour ces filtres, {total} saisies : {shown} sur ces liaisons, {elsewhere} vers ailleurs, {same} aux deux bouts"
        " égaux, {unknown} dont un bout au moins est inconnu."
    ).format(
        total=fmt.number(sum(ends.values())),
        shown=fmt.number(int(shown.corridors.seizures.sum())),
        elsewhere=fmt.number(shown.elsewhere),
        same=fmt.number(ends[Ends.SAME]),
        unknown=fmt.number(ends[Ends.NO_ORIGIN] + ends[Ends.NO_DESTINATION] + ends[Ends.NEITHER]),
    )
