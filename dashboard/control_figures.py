"""What the page of controls says beside its matrix: key figures, modes against incidents, hexagons unchecked."""

from __future__ import annotations

from dataclasses import dataclass, replace
from html import escape

import numpy as np

from dashboard import format as fmt
from dashboard.context import Context
from dashboard.control_matrix import mode_label, yield_label
from dashboard.figures import Figure
from dashboard.hexagon_table import whole_table
from dashboard.i18n import _
from dashboard.view import View
from data.query import Viewer
from data.store import ModeCounts
from geo.comparison import ShareComparison, Verdict, compare_shares
from geo.rates import Rates, share_with_interval
from layers.hexagons import STATE_CODES

EVERYTHING = 0  # the position of all facts among the codes of `ModeCounts`


@dataclass(frozen=True, slots=True)
class Unchecked:
    """Hexagons of a view where no control is known: which says nothing of what a control would find there."""

    hexagons: int
    of: int  # drawn: with a fact, and inhabited where that is few enough to be drawn
    incidents: float  # known in them


def unchecked(held: Context, viewer: Viewer, view: View) -> Unchecked:
    """Count them at the size that suits the territory. Raises StoreError."""
    suited = replace(view, resolution=None, measure="controles")
    table = whole_table(held, viewer, suited, suited.shown_resolution()).table
    never = table.states == STATE_CODES["unknown"]
    return Unchecked(int(never.sum()), table.cells.size, float(np.nansum(table.incidents[never])))


def control_key_figures(by_mode: ModeCounts, without: Unchecked | None) -> list[Figure]:
    """The figures of a page of controls; `without`: None when the store cannot say."""
    every = by_mode.every_mode
    controls, checked, eur = (float(figures[EVERYTHING]) for figures in (every.controls, every.checked, every.eur))
    share = _per_100(share_with_interval(every.positive[[EVERYTHING]], every.checked[[EVERYTHING]]))
    never, behind = fmt.UNKNOWN, ""
    if without is not None:
        never = _("{n} sur {of}").format(n=fmt.number(without.hexagons), of=fmt.number(without.of))
        behind = _("incidents connus dans ceux-là : {n}").format(n=fmt.number(without.incidents))
    value, low, high = (float(bound[0]) for bound in (share.value, share.low, share.high))
    return [
        Figure(_("Opérations de contrôle"), fmt.number(controls), ""),
        Figure(_("Contrôlés"), fmt.number(checked), _("personnes, véhicules, colis")),
        Figure(
            _("Positifs pour 100 contrôlés"),
            fmt.significant(value),
            "" if np.isnan(value) else _("intervalle à 95 % : {interval}").format(interval=fmt.interval(low, high)),
        ),
        Figure(_("Avoirs saisis"), fmt.euros(eur), _("valeurs déclarées")),
        Figure(_("Hexagones jamais contrôlés"), never, behind),
    ]


def mode_table_html(counts: ModeCounts, before: ModeCounts | None) -> str:
    """Each mode in the whole territory: controls against incidents and seizures, and the yield of the period before."""
    heads = [
        _("Mode"), _("Opérations"), _("Contrôlés"), _("Positifs pour 100 (intervalle)"), _("Période précédente"),
        _("Écart"), _("Incidents"), _("Saisies"), _("Quantités"), _("Avoirs"),
    ]  # fmt: skip
    shares = _shares(counts)
    earlier = None if before is None else _shares(before)
    change = None if before is None else _change(counts, before)
    rows = []
    for row, mode in enumerate(counts.modes):
        protected = bool(counts.protected[row, EVERYTHING])
        figures = [fmt.number(float(getattr(counts, name)[row, EVERYTHING])) for name in ("controls", "checked")]
        cells = [
            *(figures if mode else [fmt.UNKNOWN] * 2),  # the nature of a control says its mode
            _said_yield(shares, row),
            _said_yield(earlier, row) if earlier is not None else fmt.UNKNOWN,
            _said_change(change, row) if change is not None else fmt.UNKNOWN,
            *(fmt.number(float(getattr(counts, name)[row, EVERYTHING])) for name in ("incidents", "seizures")),
            fmt.kilograms(float(counts.kg[row, EVERYTHING])),
            fmt.euros(float(counts.eur[row, EVERYTHING])),
        ]
        if protected:
            cells = [_("protégé"), *[""] * (len(cells) - 1)]
        label = escape(mode_label(mode) if mode else _("Mode non renseigné"))
        rows.append(
            f'<tr><th scope="row">{label}</th>' + "".join(f"<td>{escape(cell)}</td>" for cell in cells) + "</tr>"
        )
    head = "".join(f'<th scope="col">{escape(text)}</th>' for text in heads)
    title = escape(_("Contrôles, incidents et saisies de chaque mode"), quote=True)
    return (
        f'<div class="hx-table" tabindex="0" role="region" aria-label="{title}"><table><thead><tr>{head}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div>"
    )


def _shares(counts: ModeCounts) -> Rates:
    return _per_100(share_with_interval(counts.positive[:, EVERYTHING], counts.checked[:, EVERYTHING]))


def _change(counts: ModeCounts, before: ModeCounts) -> ShareComparison:
    return compare_shares(
        counts.positive[:, EVERYTHING],
        counts.checked[:, EVERYTHING],
        before.positive[:, EVERYTHING],
        before.checked[:, EVERYTHING],
    )


def _per_100(shares: Rates) -> Rates:
    return Rates(100 * shares.value, 100 * shares.low, 100 * shares.high)


def _said_yield(shares: Rates, row: int) -> str:
    return yield_label(float(shares.value[row]), float(shares.low[row]), float(shares.high[row]))


def _said_change(change: ShareComparison, row: int) -> str:
    """`−0,4 point, au-delà du hasard`."""
    verdict = Verdict(int(change.verdict[row]))
    if verdict is Verdict.UNKNOWN:
        return fmt.UNKNOWN
    points = 100 * float(change.difference.value[row])
    words = _("au-delà du hasard") if verdict is Verdict.BEYOND_CHANCE else _("le hasard suffit")
    sign = "+" if points > 0 else "−" if points < 0 else ""
    return _("{points} point, {words}").format(points=sign + fmt.number(abs(points), 2), words=words)
