"""Controls by mode of transport and territory: what each cell of the matrix holds, as a grid, a table and a file."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from dashboard import format as fmt
from dashboard.controls import KINDS_CHOSEN
from dashboard.i18n import _, ngettext
from dashboard.view import View
from data.geography import Geography
from data.ingest import harmless
from data.query import Territory, TerritoryKind, Viewer
from data.store import ModeCounts
from data.vocabulary import MODE_OF_CONTROL, MODES
from geo.errors import N_
from geo.rates import Rates, share_with_interval
from layers.classes import Classes, classify

ALL = ""  # code of the first row, all territories, and of the first column, all modes
SHADES = 4
COUNTS = ("incidents", "controls", "checked", "positive", "kg", "eur")
CONTROL_OF_MODE = {mode: kind for kind, mode in MODE_OF_CONTROL.items()}

CellState = Literal["value", "unsaid", "never", "protected"]
STATE_LABELS: dict[CellState, str] = {
    "value": N_("connu"),
    "unsaid": N_("contrôlés ou positifs non renseignés"),
    "never": N_("aucun contrôle"),
    "protected": N_("protégé"),
}


@dataclass(frozen=True, slots=True)
class Matrix:
    """Rows: territories of one kind, all of them together first. Columns: all modes together, then each of them.

    Arrays have the shape (rows, columns); NaN: unknown, which is not zero, or protected.
    """

    kind: TerritoryKind
    codes: tuple[str, ...]
    names: tuple[str, ...]
    modes: tuple[str, ...]
    incidents: NDArray[np.float64]
    seizures: NDArray[np.float64]
    controls: NDArray[np.float64]
    checked: NDArray[np.float64]
    positive: NDArray[np.float64]
    kg: NDArray[np.float64]
    eur: NDArray[np.float64]
    protected: NDArray[np.bool_]
    yields: Rates  # positive for 100 checked

    def state(self, row: int, column: int) -> CellState:
        """What a cell can say."""
        if self.protected[row, column]:
            return "protected"
        if not self.controls[row, column]:
            return "never"
        return "unsaid" if np.isnan(self.yields.value[row, column]) else "value"

    @property
    def blind(self) -> NDArray[np.bool_]:
        """Where incidents of a mode are known, and no control of it: single territories and modes only."""
        unseen: NDArray[np.bool_] = (self.controls == 0) & (self.incidents > 0) & ~self.protected
        unseen[0], unseen[:, 0] = False, False
        return unseen

    @property
    def shades(self) -> Classes:
        """Classes of the number checked in single cells."""
        single = self.checked[1:, 1:]
        return classify(np.where(single > 0, single, np.nan), "quantiles", SHADES, format_number=fmt.limit)


def matrix_of(by_mode: ModeCounts, names: Mapping[str, str]) -> Matrix:
    """Put together what the store says of one view.

    Args:
        by_mode: Of the territories, and of all facts under the code "".
        names: Of the territories to show, by code, in their order.
    """
    rows = [by_mode.codes.index(code) for code in (ALL, *names)]
    every_mode, columns = by_mode.every_mode, slice(0, len(MODES))
    figures = {
        name: np.column_stack([getattr(every_mode, name)[rows], getattr(by_mode, name).T[rows, columns]])
        for name in COUNTS
    }
    seizures = by_mode.seizures.sum(axis=0)  # facts without a mode included; NaN when any of them is protected
    shares = share_with_interval(figures["positive"], figures["checked"])
    return Matrix(
        kind=by_mode.kind,
        codes=(ALL, *names),
        names=(_("Ensemble"), *names.values()),
        modes=(ALL, *MODES),
        seizures=np.column_stack([seizures[rows], by_mode.seizures.T[rows, columns]]),
        protected=np.column_stack([every_mode.protected[rows], by_mode.protected.T[rows, columns]]),
        yields=Rates(100 * shares.value, 100 * shares.low, 100 * shares.high),
        **figures,
    )


def mode_label(mode: str) -> str:
    """`Route`, or `Tous modes`."""
    return _(MODES[mode]) if mode else _("Tous modes")


def division_of(known: Geography, view: View) -> TerritoryKind:
    """By which territories a view is counted apart: those asked for, or those that suit its territory."""
    if view.division is not None:
        return view.division
    if view.territory is None:
        return "antenna"
    within_one = view.territory.kind == "departement" and known.touching("cross", view.territory)
    return "cross" if within_one else "departement"


def divided_names(known: Geography, kind: TerritoryKind, territory: Territory | None) -> dict[str, str]:
    """Names by code of the territories of a kind that share a commune with a territory; None: all made of communes."""
    table = known.territories(kind)
    names = {str(code): str(name) for code, name in zip(table["code"], table["name"], strict=True)}
    touching = known.touching(kind, territory)
    return {code: name for code, name in names.items() if code in touching}


# In words


def yield_label(value: float, low: float, high: float) -> str:
    """`3,12 (2,5 à 3,8)`; an em dash when unknown."""
    if np.isnan(value):
        return fmt.UNKNOWN
    return f"{fmt.significant(value)} ({fmt.interval(low, high)})"


def cell_sentence(matrix: Matrix, row: int, column: int, viewer: Viewer) -> str:
    """All that is known of a cell."""
    place, mode = matrix.names[row], mode_label(matrix.modes[column])
    state = matrix.state(row, column)
    if state == "protected":
        few = _("{place}, {mode} : protégé, moins de {threshold} faits d'une sorte.")
        return few.format(place=place, mode=mode, threshold=viewer.threshold)
    around = _("Incidents : {incidents}, dont saisies : {seizures}.").format(
        incidents=fmt.number(matrix.incidents[row, column]), seizures=fmt.number(matrix.seizures[row, column])
    )
    if state == "never":
        nothing = _("{place}, {mode} : aucun contrôle.").format(place=place, mode=mode)
        return f"{nothing} {around}"
    checks = _(
        "{place}, {mode} : {checked} contrôlés en {controls} opérations, {positive} positifs ; {share} pour 100."
    ).format(
        place=place,
        mode=mode,
        checked=fmt.number(matrix.checked[row, column]),
        controls=fmt.number(matrix.controls[row, column]),
        positive=fmt.number(matrix.positive[row, column]),
        share=yield_label(*(float(bound[row, column]) for bound in _bounds(matrix))),
    )
    return f"{checks} {around}"


def _bounds(matrix: Matrix) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    return matrix.yields.value, matrix.yields.low, matrix.yields.high


def blind_sentence(matrix: Matrix) -> str:
    """How many cells have incidents and no control."""
    n = int(matrix.blind.sum())
    if not n:
        return _("Aucun angle mort : partout où des incidents d'un mode sont connus, ce mode est contrôlé.")
    return ngettext(
        "{n} angle mort : des incidents d'un mode y sont connus, et aucun contrôle de ce mode.",
        "{n} angles morts : des incidents d'un mode y sont connus, et aucun contrôle de ce mode.",
        n,
    ).format(n=fmt.number(n))


# As a grid


def matrix_html(matrix: Matrix, view: View, viewer: Viewer) -> str:
    """A grid one walks through with the arrows (dashboard/static/matrix.js): a cell's link opens what it is made of."""
    shades, blind = matrix.shades, matrix.blind
    shade = shades.indices(matrix.checked)
    heads = "".join(f'<th scope="col">{escape(mode_label(mode))}</th>' for mode in matrix.modes)
    body = "".join(
        f'<tr><th scope="row">{escape(name)}</th>'
        + "".join(
            _cell_html(matrix, view, viewer, int(shade[row, column]), bool(blind[row, column]), row, column)
            for column in range(len(matrix.modes))
        )
        + "</tr>"
        for row, name in enumerate(matrix.names)
    )
    label = _("Contrôles par mode et par territoire : positifs pour 100 contrôlés, et nombre de contrôlés")
    hint = _("Flèches : parcourir les cases. Entrée : ouvrir la carte de la case.")
    return (
        f'<div class="hx-matrix"><table role="grid" aria-label="{escape(label, quote=True)}"><thead><tr>'
        f'<th scope="col">{escape(_(KINDS_CHOSEN[matrix.kind]))}</th>{heads}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
        f"{_legend_html(matrix, shades)}"
        f'<p class="hx-sentence hx-said" data-hint="{escape(hint, quote=True)}">{escape(hint)}</p>'
    )


def _cell_html(
    matrix: Matrix, view: View, viewer: Viewer, class_checked: int, is_blind: bool, row: int, column: int
) -> str:
    state = matrix.state(row, column)
    checked = matrix.checked[row, column]
    if state == "protected":
        value, behind = _("protégé"), _("moins de {threshold}").format(threshold=viewer.threshold)
    elif state == "never":
        value, behind = _("aucun"), _incidents_behind(matrix.incidents[row, column])
    else:
        value, behind = fmt.significant(matrix.yields.value[row, column]), fmt.number(checked)
        if np.isnan(checked):
            behind = _("{n} opérations").format(n=fmt.number(matrix.controls[row, column]))
    single = matrix.codes[row] != ALL and matrix.modes[column] != ALL
    shade = f" hx-shade-{class_checked}" if single and checked > 0 else ""
    blind = " hx-blind" if is_blind else ""
    said = escape(cell_sentence(matrix, row, column, viewer), quote=True)
    address = escape(_cell_address(matrix, view, row, column), quote=True)
    first = "0" if row == column == 0 else "-1"
    return (
        f'<td class="hx-cell-{state}{shade}{blind}">'
        f'<a href="{address}" target="_self" tabindex="{first}" data-said="{said}" aria-label="{said}">'
        f"<b>{escape(value)}</b><span>{escape(behind)}</span></a></td>"
    )


def _incidents_behind(incidents: float) -> str:
    """Nothing where nothing happened."""
    if not incidents > 0:
        return ""
    return ngettext("{n} incident", "{n} incidents", int(incidents)).format(n=fmt.number(incidents))


def _cell_address(matrix: Matrix, view: View, row: int, column: int) -> str:
    """The map of a cell's controls, on the Situation page."""
    code, mode = matrix.codes[row], matrix.modes[column]
    territory = Territory(matrix.kind, code) if code else view.territory
    kinds = frozenset({CONTROL_OF_MODE[mode]}) if mode else view.kinds
    shown = View(
        territory=territory,
        start=view.start,
        stop=view.stop,
        hours=view.hours,
        kinds=kinds,
        drugs=view.drugs,
        services=view.services,
        measure="rendement",
        language=view.language,
    )
    return f"/{shown.address()}"


def _legend_html(matrix: Matrix, shades: Classes) -> str:
    """Only what occurs."""
    states = {matrix.state(row, column) for row in range(len(matrix.codes)) for column in range(len(matrix.modes))}
    keys = [(f"hx-shade-{position}", label) for position, label in enumerate(shades.labels)]
    keys += [(f"hx-cell-{state}", _(STATE_LABELS[state])) for state in ("never", "protected") if state in states]
    if matrix.blind.any():
        keys.append(("hx-cell-never hx-blind", _("angle mort")))
    items = "".join(f'<li><i class="{name}"></i>{escape(label)}</li>' for name, label in keys)
    title = escape(_("Positifs pour 100 contrôlés ; dessous et en fond, nombre de contrôlés"))
    return f'<ul class="hx-keys" aria-label="{title}"><li>{title}</li>{items}</ul>'


# As a table and a file


def matrix_frame(matrix: Matrix) -> pd.DataFrame:
    """One row a cell, in words; NaN where unknown or protected."""
    rows = [
        (
            matrix.names[row],
            mode_label(matrix.modes[column]),
            _(STATE_LABELS[matrix.state(row, column)]),
            *(float(grid[row, column]) for grid in (matrix.controls, matrix.checked, matrix.positive)),
            *(float(bound[row, column]) for bound in _bounds(matrix)),
            *(float(grid[row, column]) for grid in (matrix.incidents, matrix.seizures, matrix.kg, matrix.eur)),
        )
        for row in range(len(matrix.codes))
        for column in range(len(matrix.modes))
    ]
    columns = [
        _("Territoire"), _("Mode"), _("État"), _("Opérations"), _("Contrôlés"), _("Positifs"), _("Pour 100"),
        _("Borne basse"), _("Borne haute"), _("Incidents"), _("Saisies"), _("Quantités (kg)"), _("Avoirs (€)"),
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=columns)


def blind_frame(matrix: Matrix) -> pd.DataFrame:
    """The cells with incidents and no control, in the order of the list."""
    rows = [
        (
            matrix.names[row],
            mode_label(matrix.modes[column]),
            matrix.incidents[row, column],
            matrix.seizures[row, column],
        )
        for row, column in np.argwhere(matrix.blind).tolist()
    ]
    return pd.DataFrame(rows, columns=[_("Territoire"), _("Mode"), _("Incidents"), _("Saisies")])


FILE_COLUMNS = ("controls", "checked", "positive", "incidents", "seizures", "kg", "eur")


def matrix_csv(matrix: Matrix, view: View, marking: str) -> bytes:
    """The same for other tools: codes, empty where unknown, `state` says why; no cell runs as a formula.

    UTF-8 with its mark, `;` between columns, decimal points. `view` must be dated.
    """
    query, text = view.query(), io.StringIO(newline="")
    writer = csv.writer(text, delimiter=";")
    writer.writerow(
        ["territory_kind", "territory", "name", "mode", "state", *FILE_COLUMNS, "positive_per_100", "low", "high",
         "first_day", "last_day", "marking"]
    )  # fmt: skip
    whole = f"{view.territory.kind}:{view.territory.code}" if view.territory else "france"
    for row, code in enumerate(matrix.codes):
        place = [matrix.kind, code, matrix.names[row]] if code else ["", whole, matrix.names[row]]
        for column, mode in enumerate(matrix.modes):
            figures = [
                *(getattr(matrix, name)[row, column] for name in FILE_COLUMNS),
                *(bound[row, column] for bound in _bounds(matrix)),
            ]
            written = ["" if np.isnan(figure) else f"{figure:.12g}" for figure in figures]
            state = matrix.state(row, column)
            line = [*place, mode or "all", state, *written, query.start, query.last_day, marking]
            writer.writerow([harmless(str(value)) for value in line])
    return text.getvalue().encode("utf-8-sig")
