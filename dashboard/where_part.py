"""Where: the antennas of France, the CROSS of an antenna, the hexagons of a CROSS, each with its change."""

from __future__ import annotations

from datetime import UTC, datetime
from html import escape

import numpy as np
from numpy.typing import NDArray

from dashboard import format as fmt
from dashboard.changes import Other, others, signed
from dashboard.context import Context
from dashboard.drill import Step, crosses_of, link_html, to_hexagon, to_territory
from dashboard.hexagon_table import whole_table
from dashboard.i18n import _, ngettext
from dashboard.mapdata import place_name
from dashboard.narrowed import counts_by_territory
from dashboard.panels import sentence_html
from dashboard.recall import Reading
from dashboard.rights_words import left_out
from dashboard.view import View
from data.query import Territory, TerritoryKind, Viewer
from data.rights import beyond_rights, within_rights
from data.store import TerritoryCounts
from geo.comparison import compare_rates, holm

HEXAGONS_SHOWN = 12
ERROR = 0.05  # of all territories tested together


def where_html(held: Context, viewer: Viewer, view: View) -> str:
    """What a territory is made of, those that chance does not explain first."""
    kind = view.territory.kind if view.territory else None
    if kind is None:
        return _of_territories(held, viewer, view, "antenna", None)
    if kind == "antenna" and view.territory is not None:
        return _of_territories(held, viewer, view, "cross", crosses_of(held.geography, view.territory.code))
    return _of_hexagons(held, viewer, view)


def _of_territories(held: Context, viewer: Viewer, view: View, kind: TerritoryKind, codes: list[str] | None) -> str:
    beyond = beyond_rights(held.geography, kind, viewer)
    counts = within_rights(counts_by_territory(held)(kind, view.query(), viewer), beyond)
    reading = Reading(held.recall)
    now = datetime.now(UTC)
    compared = [other for other in others(held, viewer, view, reading, now) if other.totals is not None]
    rows = [i for i, code in enumerate(counts.codes) if codes is None or code in codes]
    if not rows:
        return sentence_html(_("Aucun CROSS n'a son siège dans ce ressort."))
    seen = [i for i in rows if counts.codes[i] not in beyond]
    withheld, rows = "".join(map(sentence_html, left_out(len(rows) - len(seen)))), seen
    if not rows:
        return withheld
    names = [held.geography.name(Territory(kind, counts.codes[i])) for i in rows]
    steps = [to_territory(name, Territory(kind, counts.codes[i])) for name, i in zip(names, rows, strict=True)]
    change = _changes(held, viewer, view, counts, compared[0] if compared else None)
    order = sorted(range(len(rows)), key=lambda n: (not change.beyond[rows[n]], names[n]))
    body = "".join(_row(view, steps[n], counts, rows[n], change) for n in order)
    title = {"antenna": _("Antenne"), "cross": _("CROSS")}[kind]
    return _table(title, body, change.name) + sentence_html(_said(change, rows)) + withheld


class _Changes:
    """The change of each territory's incidents to another period; `beyond`: chance does not explain it."""

    def __init__(self, name: str, percent: NDArray[np.float64], beyond: NDArray[np.bool_]) -> None:
        self.name, self.percent, self.beyond = name, percent, beyond


def _changes(held: Context, viewer: Viewer, view: View, counts: TerritoryCounts, other: Other | None) -> _Changes:
    if other is None:
        unknown = np.full(len(counts.codes), np.nan)
        return _Changes("", unknown, np.zeros(len(counts.codes), dtype=np.bool_))
    before = counts_by_territory(held)(counts.kind, other.view.query(), viewer)
    compared = compare_rates(counts.incidents, other.own_days, before.incidents, other.days)
    return _Changes(other.name, 100 * (compared.ratio.value - 1), holm(compared.p_value, ERROR))


def _row(view: View, step: Step, counts: TerritoryCounts, i: int, change: _Changes) -> str:
    percent = float(change.percent[i])
    said = f"{signed(percent)} %" if np.isfinite(percent) else fmt.UNKNOWN
    if change.beyond[i]:
        said = f"<b>{escape(said)}</b> <span>{escape(_('au-delà du hasard'))}</span>"
    incidents, controls = float(counts.incidents[i]), float(counts.controls[i])
    return (
        f"<tr><th scope=row>{link_html(step, view)}</th><td>{escape(fmt.number(incidents))}</td>"
        f"<td>{escape(fmt.number(controls))}</td>" + (f"<td>{said}</td>" if change.name else "") + "</tr>"
    )


def _said(change: _Changes, rows: list[int]) -> str:
    if not change.name:
        return _("Pas de période à laquelle comparer : la base ne la couvre pas.")
    beyond = int(change.beyond[rows].sum())
    if not beyond:
        return _(
            "Le hasard suffit à expliquer tous les écarts avec {period} ({n} territoires testés ensemble)."
        ).format(period=change.name, n=len(rows))
    return _("{beyond} sur {n} au-delà du hasard, tous testés ensemble (Holm).").format(beyond=beyond, n=len(rows))


def _of_hexagons(held: Context, viewer: Viewer, view: View) -> str:
    table = whole_table(held, viewer, view, view.shown_resolution()).table
    some = np.flatnonzero(np.nan_to_num(table.incidents) > 0)
    if not some.size:
        return sentence_html(_("Aucun incident dans un hexagone pour ces filtres."))
    order = some[np.argsort(-table.incidents[some], kind="stable")][:HEXAGONS_SHOWN]
    lines = []
    for i in order:
        cell = int(table.cells[i])
        step = to_hexagon(place_name(held.geography, cell) or _("hors des communes"), cell)
        lines.append(
            f"<tr><th scope=row>{link_html(step, view)}</th><td>{escape(fmt.number(float(table.incidents[i])))}</td>"
            f"<td>{escape(fmt.number(float(table.controls[i])))}</td></tr>"
        )
    never = int((table.controls[some] == 0).sum())
    return _table(_("Hexagone"), "".join(lines), "") + sentence_html(_said_of_hexagons(len(order), some.size, never))


def _said_of_hexagons(shown: int, held: int, never: int) -> str:
    many = ngettext(
        "{n} hexagone sur {held} qui a des incidents.", "{n} hexagones sur {held} qui ont des incidents.", held
    ).format(n=shown, held=fmt.number(held))
    without = ngettext("{n} de ceux-ci est sans contrôle.", "{n} de ceux-ci sont sans contrôle.", never).format(
        n=fmt.number(never)
    )
    return f"{many} {without if never else _('Aucun de ceux-ci n’est sans contrôle.')}"


def _table(title: str, body: str, compared: str) -> str:
    heads = [
        title,
        _("Incidents"),
        _("Contrôles"),
        *([_("Incidents, sur {period}").format(period=compared)] if compared else []),
    ]
    head = "".join(f"<th scope=col>{escape(text)}</th>" for text in heads)
    return f'<div class="hx-table"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'
