"""The one table of a comparison: what stands in each cell, in words and as numbers, for the page and its exports."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from html import escape

import numpy as np

from dashboard import format as fmt
from dashboard.changes import previous_view
from dashboard.comparison import Compared
from dashboard.i18n import _
from dashboard.rights_words import BEYOND
from dashboard.view import View
from data.query import Territory
from data.vocabulary import DRUGS
from geo.comparison import Verdict
from geo.errors import N_
from geo.funnel import Standing
from geo.rates import Rates

VERDICTS = {
    Verdict.UNKNOWN: "",
    Verdict.CHANCE: N_("le hasard suffit"),
    Verdict.BEYOND_CHANCE: N_("au-delà du hasard"),
}
STANDINGS = {
    Standing.UNKNOWN: fmt.UNKNOWN,
    Standing.INSIDE: N_("dans les limites"),
    Standing.ABOVE: N_("au-dessus, hors de 95 %"),
    Standing.FAR_ABOVE: N_("très au-dessus, hors de 99,8 %"),
    Standing.BELOW: N_("au-dessous, hors de 95 %"),
    Standing.FAR_BELOW: N_("très au-dessous, hors de 99,8 %"),
}
Link = Callable[[Territory], str]


@dataclass(frozen=True, slots=True)
class Cell:
    """One figure. `text` and `behind` are for people; the numbers, in the unit of the row, for a file."""

    text: str
    behind: str = ""
    value: float = math.nan
    low: float = math.nan
    high: float = math.nan
    link: str = ""  # what the figure is made of; "": nothing more than what stands beside it
    reading: str = ""  # a verdict in words, also for a file


@dataclass(frozen=True, slots=True)
class Row:
    """`explains`: what the figure is, under its name. `inner`: a part of the row before."""

    name: str
    unit: str
    explains: str
    cells: tuple[Cell, ...]
    inner: bool = False


def rows_of(compared: Compared) -> list[Row]:
    """All rows, in the order in which they are read; what a viewer has no right to is said to be that."""
    first = compared.peers.names[compared.rows[0]]
    rows = [
        _incidents(compared),
        _rate(compared),
        _change(compared),
        _to_first(compared, first),
        _rank(compared),
        _standing(compared),
        _controls(compared),
        _per_incident(compared),
        _share(compared),
        _share_to_first(compared, first),
        *_weights(compared),
        _assets(compared),
    ]
    return [_within_rights(row, compared.beyond.tolist()) for row in rows]


def _within_rights(row: Row, beyond: Sequence[bool]) -> Row:
    withheld = Cell(_(BEYOND))
    return replace(row, cells=tuple(withheld if out else cell for out, cell in zip(beyond, row.cells, strict=True)))


def situation_address(view: View, territory: Territory, **other: object) -> str:
    """The Situation page of one of the territories, with the same filters."""
    shown = replace(view.alone(), territory=territory, resolution=None, cell=None)
    return "/" + replace(shown, **other).address()  # type: ignore[arg-type]  # fields of a view, by name


def _cells(compared: Compared, name: str, say: Callable[[float], str], measure: str) -> tuple[Cell, ...]:
    """One figure of the store as it is, opening the Situation page."""
    hidden = compared.peers.protected[compared.rows]
    return tuple(
        Cell(
            _("protégé") if hidden[at] else say(value),
            _("petit effectif, non montré") if hidden[at] else "",
            value,
            link=situation_address(compared.view, territory, measure=measure),
        )
        for at, (territory, value) in enumerate(
            zip(compared.view.compared, compared.figure(name).tolist(), strict=True)
        )
    )


def _incidents(compared: Compared) -> Row:
    explains = _("faits de la famille incident, sur la période")
    return Row(_("Incidents"), _("faits"), explains, _cells(compared, "incidents", fmt.number, "incidents"))


def _rate(compared: Compared) -> Row:
    rate, rows = compared.peers.rate, compared.rows
    cells = tuple(
        Cell(
            fmt.significant(value), _within(low, high), value, low, high,
            situation_address(compared.view, territory, measure="taux"),
        )
        for territory, value, low, high in zip(
            compared.view.compared, rate.value[rows].tolist(), rate.low[rows].tolist(), rate.high[rows].tolist(),
            strict=True,
        )
    )  # fmt: skip
    explains = _("pour 100 000 habitants sur la période, intervalle à 95 %")
    return Row(_("Taux d'incidents"), _("pour 100 000 habitants"), explains, cells)


def _change(compared: Compared) -> Row:
    before = previous_view(compared.view)
    cells = []
    change = _scaled(compared.change.ratio, 100, -100)
    for at, territory in enumerate(compared.view.compared):
        value, low, high = change.value[at], change.low[at], change.high[at]
        reading = _(VERDICTS[Verdict(compared.change.verdict[at])])
        link = situation_address(before, territory, measure="incidents")
        if not compared.has_before:
            cells.append(Cell(fmt.UNKNOWN, _("période précédente hors de la base")))
        else:
            cells.append(
                Cell(signed(value, "%"), _and(_within(low, high, "%"), reading), value, low, high, link, reading)
            )
    explains = _("incidents par jour, par rapport aux {n} jours d'avant").format(
        n=fmt.number((before.query().stop - before.query().start).days)
    )
    return Row(_("Évolution"), "%", explains, tuple(cells))


def _to_first(compared: Compared, first: str) -> Row:
    ratio = compared.to_first.ratio
    cells = [Cell(_("référence"))]
    for at in range(1, len(compared.rows)):
        value, low, high = (float(column[at]) for column in (ratio.value, ratio.low, ratio.high))
        reading = _(VERDICTS[Verdict(compared.to_first.verdict[at])])
        text = fmt.UNKNOWN if math.isnan(value) else _("× {n}").format(n=_finite(value))
        cells.append(Cell(text, _and(_within(low, high), reading), value, low, high, reading=reading))
    explains = _("rapport des taux, intervalles à {n} % : 95 % pour tous ensemble").format(n=_confidence(compared))
    return Row(_("Par rapport à {name}").format(name=first), _("rapport des taux"), explains, tuple(cells))


def _rank(compared: Compared) -> Row:
    ranking, cells = compared.peers.ranking, []
    for row in compared.rows.tolist():
        rank, best, worst = (float(column[row]) for column in (ranking.rank, ranking.best, ranking.worst))
        if math.isnan(rank):
            cells.append(Cell(fmt.UNKNOWN))
            continue
        text = _("{rank} sur {n}").format(rank=fmt.number(rank), n=fmt.number(ranking.ranked))
        behind = _("entre {best} et {worst}").format(best=fmt.number(best), worst=fmt.number(worst))
        cells.append(Cell(text, behind, rank, best, worst))
    explains = _("du taux le plus haut au plus bas ; intervalle à 95 % pour tous ensemble")
    return Row(_("Rang du taux"), _("rang"), _among(compared, explains), tuple(cells))


def _standing(compared: Compared) -> Row:
    funnel = compared.peers.funnel
    cells = []
    for row in compared.rows.tolist():
        words = _(STANDINGS[Standing(funnel.standing[row])])
        cells.append(Cell(words, reading=words, value=float(funnel.value[row])))
    of_shares = funnel.limits.law == "binomial"
    explains = (
        _("de la part de positifs parmi tous ceux du type") if of_shares else _("du taux parmi tous ceux du type")
    )
    unit = _("pour 100 contrôlés") if of_shares else _("pour 100 000 habitants")
    return Row(_("Place dans l'entonnoir"), unit, _among(compared, explains), tuple(cells))


def _among(compared: Compared, explains: str) -> str:
    """Who sees some of a kind is told a place among those."""
    if not compared.peers.beyond.any():
        return explains
    return _("{explains} ; seuls comptent ceux que vous voyez").format(explains=explains)


def _controls(compared: Compared) -> Row:
    explains = _("opérations ; plus de contrôles ne veut pas dire plus de trafic")
    return Row(_("Contrôles"), _("opérations"), explains, _cells(compared, "controls", fmt.number, "controles"))


def _per_incident(compared: Compared) -> Row:
    ratio, cells = compared.per_incident.ratio, []
    for at, territory in enumerate(compared.view.compared):
        value, low, high = (float(column[at]) for column in (ratio.value, ratio.low, ratio.high))
        link = situation_address(compared.view, territory, measure="controles")
        cells.append(Cell(_finite(value), _within(low, high), value, low, high, link))
    explains = _("contrôles rapportés aux incidents du même lieu, intervalle à 95 %")
    return Row(_("Contrôles par incident"), _("rapport"), explains, tuple(cells))


def _share(compared: Compared) -> Row:
    share, cells = _scaled(compared.share, 100), []
    for at, territory in enumerate(compared.view.compared):
        value, low, high = share.value[at], share.low[at], share.high[at]
        checked = fmt.number(float(compared.figure("checked")[at]))
        behind = _and(_within(low, high), _("{n} contrôlés").format(n=checked)) if not math.isnan(value) else ""
        link = situation_address(compared.view, territory, measure="rendement")
        cells.append(Cell(fmt.significant(value), behind, value, low, high, link))
    explains = _("positifs pour 100 contrôlés, intervalle à 95 %")
    return Row(_("Contrôles positifs"), _("pour 100 contrôlés"), explains, tuple(cells))


def _share_to_first(compared: Compared, first: str) -> Row:
    difference, cells = _scaled(compared.share_to_first.difference, 100), [Cell(_("référence"))]
    for at in range(1, len(compared.rows)):
        value, low, high = difference.value[at], difference.low[at], difference.high[at]
        reading = _(VERDICTS[Verdict(compared.share_to_first.verdict[at])])
        cells.append(
            Cell(signed(value, _("pt")), _and(_within(low, high, _("pt")), reading), value, low, high, reading=reading)
        )
    explains = _("écart en points, intervalles à {n} % : 95 % pour tous ensemble").format(n=_confidence(compared))
    return Row(_("Positifs, par rapport à {name}").format(name=first), _("points"), explains, tuple(cells))


def _weights(compared: Compared) -> list[Row]:
    total = Row(
        _("Quantités saisies"), _("kg"), _("somme des quantités pesées ; sans pesée, inconnu"),
        _cells(compared, "kg", fmt.kilograms, "kg"),
    )  # fmt: skip
    return [total, *(_weight(compared, drug) for drug in compared.kg_by_drug)]


def _weight(compared: Compared, drug: str) -> Row:
    hidden, cells = compared.protected_by_drug[drug], []
    for at, (territory, kg) in enumerate(zip(compared.view.compared, compared.kg_by_drug[drug].tolist(), strict=True)):
        only: frozenset[str] = frozenset({drug}) if drug else frozenset()
        link = situation_address(compared.view, territory, measure="kg", drugs=only or compared.view.drugs)
        cells.append(Cell(_("protégé") if hidden[at] else fmt.kilograms(kg), "", kg, link=link))
    return Row(_(DRUGS[drug]) if drug else _("Produit non précisé"), _("kg"), "", tuple(cells), inner=True)


def _assets(compared: Compared) -> Row:
    explains = _("somme des valeurs déclarées ; sans valeur, inconnu")
    return Row(_("Avoirs saisis"), _("€"), explains, _cells(compared, "eur", fmt.euros, "avoirs"))


def _confidence(compared: Compared) -> str:
    return fmt.limit(round(100 * compared.together, 2))


def _scaled(rates: Rates, by: float, shift: float = 0) -> Rates:
    """In another unit: a ratio as a change in per cent, a share for a hundred."""
    return Rates(
        *(np.asarray(column, dtype=np.float64) * by + shift for column in (rates.value, rates.low, rates.high))
    )


def _within(low: float, high: float, unit: str = "") -> str:
    """`12 à 19`, `au moins 12`, with a unit `+4 à +21 %`; nothing where nothing is known."""
    if math.isnan(low) or math.isnan(high):
        return ""
    if math.isinf(high):
        return _("au moins {low}").format(low=signed(low, unit) if unit else fmt.significant(low))
    if not unit:
        return fmt.interval(low, high)
    return _("{low} à {high}").format(low=signed(low), high=signed(high, unit))


def _finite(value: float) -> str:
    return _("sans borne") if math.isinf(value) else fmt.significant(value)


def signed(value: float, unit: str = "") -> str:
    """A change: `+12,4 %`, `−3,0 %`, `+0,003 pt`; an em dash for unknown."""
    if math.isnan(value):
        return fmt.UNKNOWN
    if math.isinf(value):
        return _("sans borne")
    sign = "+" if value > 0 else "−" if value < 0 else ""
    size = abs(value)
    text = fmt.number(size, 0 if size >= 100 else 1 if size >= 1 else 2 if size >= 0.01 or size == 0 else 4)
    return f"{sign}{text}\u00a0{unit}" if unit else f"{sign}{text}"


def _and(*parts: str) -> str:
    return " · ".join(part for part in parts if part)


# ── As HTML ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def table_html(compared: Compared, rows: list[Row]) -> str:
    """The table, territories as columns. Every text is escaped here."""
    heads = "".join(_head_html(compared, at) for at in range(len(compared.rows)))
    body = "".join(_row_html(row) for row in rows)
    caption = escape(_("Chiffres des territoires comparés, avec leurs intervalles"))
    return (
        f'<div class="hx-compared-frame" tabindex="0" role="region" aria-label="{caption}">'
        f'<table class="hx-compared"><caption class="hx-unseen">{caption}</caption><colgroup><col class="hx-names">'
        f"{'<col>' * len(compared.rows)}</colgroup>"
        f"<thead><tr><td></td>{heads}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _head_html(compared: Compared, at: int) -> str:
    peers, row = compared.peers, int(compared.rows[at])
    parts = [_("{n} habitants").format(n=fmt.number(float(peers.population[row])))]
    if peers.status[row] == "installing":
        parts.append(_("en installation"))
    if peers.assumed[row]:
        parts.append(_("périmètre supposé"))
    name = escape(peers.names[row])
    if peers.beyond[row]:
        parts.append(_(BEYOND))
    else:
        link = escape(situation_address(compared.view, compared.view.compared[at]), quote=True)
        name = f'<a href="{link}" target="_self">{name}</a>'
    return f'<th scope="col">{name}<span>{escape(" · ".join(parts))}</span></th>'


def _row_html(row: Row) -> str:
    cells = "".join(f"<td>{_cell_html(cell)}</td>" for cell in row.cells)
    explains = f"<span>{escape(row.explains)}</span>" if row.explains else ""
    inner = ' class="hx-inner"' if row.inner else ""
    return f'<tr{inner}><th scope="row">{escape(row.name)}{explains}</th>{cells}</tr>'


def _cell_html(cell: Cell) -> str:
    text = escape(cell.text)
    if cell.link:
        text = f'<a href="{escape(cell.link, quote=True)}" target="_self">{text}</a>'
    return f"<b>{text}</b>" + (f"<span>{escape(cell.behind)}</span>" if cell.behind else "")
