"""The plan of controls against what was done: counted from the store, over each line's own period."""

from __future__ import annotations

import csv
import functools
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from html import escape

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from dashboard import format as fmt
from dashboard.controls import KINDS_CHOSEN
from dashboard.i18n import _
from data.control_plan import PlannedControls, stop_of
from data.geography import Geography
from data.ingest import harmless
from data.query import Query, Territory, TerritoryKind
from data.store import ModeCounts
from data.vocabulary import MODES
from geo.pace import expected_by

CountsOf = Callable[[TerritoryKind, Query], ModeCounts]


@dataclass(frozen=True, slots=True)
class Done:
    """Lines of a plan, and arrays of their length; NaN: unknown or protected."""

    lines: tuple[PlannedControls, ...]
    done: NDArray[np.float64]  # operations
    expected: NDArray[np.float64]  # at an even pace, by the last day of the data
    protected: NDArray[np.bool_]


def lines_shown(
    plan: Sequence[PlannedControls], known: Geography, territory: Territory | None, start: date, stop: date
) -> tuple[PlannedControls, ...]:
    """The lines of a plan that concern a territory and some days."""
    touching: dict[TerritoryKind, frozenset[str]] = {}
    for kind in {line.territory.kind for line in plan} if territory else ():
        touching[kind] = known.touching(kind, territory)
    return tuple(
        line
        for line in plan
        if line.first_day < stop and line.last_day >= start
        if territory is None or line.territory.code in touching[line.territory.kind]
    )


def done_of(lines: tuple[PlannedControls, ...], counts_of: CountsOf, last_day: date) -> Done:
    """Count what was done of each line: one question for all lines of a kind of territory and a period."""
    answers: dict[tuple[TerritoryKind, date, date], ModeCounts] = {}
    done, protected = np.full(len(lines), np.nan), np.zeros(len(lines), dtype=np.bool_)
    for position, line in enumerate(lines):
        key = (line.territory.kind, line.first_day, stop_of(line))
        if key not in answers:
            answers[key] = counts_of(key[0], Query(start=key[1], stop=key[2]))
        counts = answers[key]
        if line.territory.code in counts.codes:
            at = counts.modes.index(line.mode), counts.codes.index(line.territory.code)
            done[position], protected[position] = counts.controls[at], counts.protected[at]
    firsts, lasts = ([getattr(line, name) for line in lines] for name in ("first_day", "last_day"))
    planned = [line.planned for line in lines]
    return Done(lines, done, expected_by(planned, firsts, lasts, np.datetime64(last_day, "D")), protected)


def state_of(done: Done, row: int) -> str:
    """Where a line stands, in words."""
    count, expected = done.done[row], done.expected[row]
    if done.protected[row]:
        return _("protégé")
    if np.isnan(count):
        return _("inconnu")
    if count >= done.lines[row].planned:
        return _("atteint")
    if not expected:
        return _("pas commencé")
    return _("au rythme prévu") if count >= expected else _("en dessous du rythme prévu")


def plan_frame(done: Done, known: Geography) -> pd.DataFrame:
    """One row a line of the plan, in its order."""
    rows = [
        (
            f"{_(KINDS_CHOSEN[line.territory.kind])} · {known.name(line.territory)}",
            _(MODES[line.mode]),
            fmt.period(line.first_day, stop_of(line)),
            line.planned,
            done.done[row],
            done.expected[row],
            state_of(done, row),
        )
        for row, line in enumerate(done.lines)
    ]
    columns = [
        _("Territoire"), _("Mode"), _("Période"), _("Prévues"), _("Faites"), _("Attendues à ce jour"), _("État"),
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=columns)


def plan_html(frame: pd.DataFrame) -> str:
    """The same as a table to read; an em dash where unknown."""
    head = "".join(f'<th scope="col">{escape(str(name))}</th>' for name in frame)
    body = "".join(
        f'<tr><th scope="row">{escape(str(row[0]))}</th>'
        + "".join(f"<td>{escape(_written(value))}</td>" for value in row[1:])
        + "</tr>"
        for row in frame.itertuples(index=False)
    )
    label = escape(_("Plan de contrôle et réalisé"), quote=True)
    return (
        f'<div class="hx-table hx-plan" tabindex="0" role="region" aria-label="{label}"><table><thead><tr>{head}</tr>'
        f"</thead><tbody>{body}</tbody></table></div>"
    )


def _written(value: object) -> str:
    return fmt.number(float(value)) if isinstance(value, int | float) else str(value)


def plan_csv(frame: pd.DataFrame, marking: str) -> bytes:
    """The same for a spreadsheet: UTF-8 with its mark, `;` between columns, empty where unknown, no formula."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=";")
    writer.writerow([*frame, _("Mention")])
    for row in frame.itertuples(index=False):
        cells = ["" if isinstance(value, float) and np.isnan(value) else str(value) for value in row]
        writer.writerow([harmless(cell) for cell in (*cells, marking)])
    return text.getvalue().encode("utf-8-sig")


def known_codes(known: Geography) -> Callable[[TerritoryKind], frozenset[str]]:
    """The codes that a plan may name, each kind read once."""
    return functools.cache(lambda kind: frozenset(known.territories(kind)["code"].astype(str)))
