"""A comparison as a file: one row for each figure and territory, and beside it marking, period, filters and sources.

CSV for other programs (semicolons, decimal points), XLSX for people; in both, no text runs as a formula.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

import numpy as np
import pandas as pd
import streamlit as st
import xlsxwriter

from dashboard import format as fmt
from dashboard.comparison import Compared
from dashboard.comparison_curves import curve_table
from dashboard.comparison_table import Row
from dashboard.context import Context
from dashboard.controls import KINDS_CHOSEN
from dashboard.exports import marking_suffix
from dashboard.funnel_chart import funnel_table
from dashboard.i18n import _
from dashboard.mapdata import period_label
from dashboard.published import Published
from dashboard.published_chart import published_table
from dashboard.sources import marking_label, markings_shown, source_ages
from dashboard.view import FILTERS, PUBLISHED, View
from data.ingest import harmless
from data.store import Source

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
FIGURE_COLUMNS = ("figure", "unit", "kind", "code", "territory", "value", "low", "high", "text", "reading")
Value = str | float | int | date | None


@dataclass(frozen=True, slots=True)
class Sheet:
    """A table of a workbook: `rows` of as many values as there are `columns`."""

    name: str
    columns: tuple[str, ...]
    rows: list[tuple[Value, ...]]


@dataclass(frozen=True, slots=True)
class Export:
    """Everything that a file of a comparison says. `about`: marking, period, filters, sources, in words."""

    about: list[tuple[str, str]]
    figures: Sheet
    others: tuple[Sheet, ...]
    stem: str  # of the file's name, marking included


def export_of(
    context: Context, compared: Compared, rows: Sequence[Row], published: Published | None, sources: Sequence[Source]
) -> Export:
    """All that the page shows of a comparison."""
    others = [_curves(compared), _funnel(compared)]
    if published is not None:
        others.append(_years(context, compared.view, published))
    view = compared.view
    return Export(_about(context, view, sources), _figures(compared, rows), tuple(others), _stem(view, sources))


def export_of_published(context: Context, view: View, published: Published, sources: Sequence[Source]) -> Export:
    """The published figures alone, where the store holds no fact to compare."""
    return Export(_about(context, view, sources), _years(context, view, published), (), _stem(view, sources))


def _stem(view: View, sources: Sequence[Source]) -> str:
    codes = "-".join(code for _kind, code in view.compared)
    return f"comparaison-{view.compared[0].kind}-{codes}{marking_suffix(markings_shown(sources))}"


def _figures(compared: Compared, rows: Sequence[Row]) -> Sheet:
    kind = _(KINDS_CHOSEN[compared.peers.kind])
    return Sheet(
        _("Chiffres"),
        tuple(_column_titles()[name] for name in FIGURE_COLUMNS),
        [
            (
                row.name, row.unit, kind, code, compared.peers.names[at], _number(cell.value), _number(cell.low),
                _number(cell.high), cell.text, cell.reading or cell.behind,
            )
            for row in rows
            for (_kind, code), at, cell in zip(compared.view.compared, compared.rows.tolist(), row.cells, strict=True)
        ],
    )  # fmt: skip


def _column_titles() -> dict[str, str]:
    return {
        "figure": _("Grandeur"), "unit": _("Unité"), "kind": _("Type"), "code": _("Code"), "territory": _("Territoire"),
        "value": _("Valeur"), "low": _("Borne basse"), "high": _("Borne haute"), "text": _("En clair"),
        "reading": _("Lecture"),
    }  # fmt: skip


def _curves(compared: Compared) -> Sheet:
    table = curve_table(compared.steps, compared.names, index=False)
    titles = [_("{name}, incidents par jour").format(name=name) for name in compared.names]
    return Sheet(_("Courbes"), (_("À partir du"), *titles), _rows(table))


def _funnel(compared: Compared) -> Sheet:
    peers = compared.peers
    of_shares = peers.funnel.limits.law == "binomial"
    sizes = peers.counts["checked"] if of_shares else peers.population
    table = funnel_table(peers.funnel, None if of_shares else peers.ranking, sizes, peers.names, peers.beyond)
    titles = {
        "territory": _("Territoire"),
        "size": _("Contrôlés") if of_shares else _("Habitants"),
        "value": _("Positifs pour 100 contrôlés") if of_shares else _("Incidents pour 100 000 habitants"),
        "standing": _("Place dans l'entonnoir"), "rank": _("Rang"), "best": _("Rang au mieux"),
        "worst": _("Rang au pire"),
    }  # fmt: skip
    return Sheet(_("Entonnoir"), tuple(titles[str(name)] for name in table), _rows(table))


def _years(context: Context, view: View, published: Published) -> Sheet:
    names = [context.geography.name(territory) for territory in view.compared]
    table = published_table(published, published.rows(view.compared), names)
    if not table.empty:
        table["withheld"] = np.where(table["withheld"], _("non diffusé par le producteur"), "")
    titles = (
        _("Territoire"), _("Année"), f"{_(PUBLISHED[published.indicator])} ({published.unit_of_count})",
        _("Population"), _("Pour 100 000 habitants"), _("Borne basse"), _("Borne haute"), _("Diffusion"),
    )  # fmt: skip
    return Sheet(f"{published.source} {published.release.isoformat()}", titles, _rows(table))


def _about(context: Context, view: View, sources: Sequence[Source]) -> list[tuple[str, str]]:
    ages = source_ages(sources, context.settings.stale_hours, datetime.now(UTC))
    titles = (_("Famille"), _("Nature"), _("Produit"), _("Mode"), _("Service"))
    filters = [
        (title, ", ".join(_(label) for code, label in known.items() if code in getattr(view, name)) or _("tous"))
        for title, (name, known) in zip(titles, FILTERS.values(), strict=True)
    ]
    return [
        (_("Mention de protection"), marking_label(markings_shown(sources)) or _("Public")),
        (_("Période"), period_label(view)),
        *filters,
        *((_("Source"), f"{age.name} : {age.text}") for age in ages),
        (_("Établi le"), fmt.instant(datetime.now(UTC)) + " UTC"),
        (_("Intervalles"), _("à 95 % ; écarts avec le premier territoire et rangs : 95 % pour tous ensemble")),
        (_("Cellule vide"), _("inconnu, protégé ou non diffusé : jamais zéro")),
        (_("Adresse"), "/comparaison" + view.address()),
    ]


def _rows(table: pd.DataFrame) -> list[tuple[Value, ...]]:
    return [tuple(_plain(value) for value in row) for row in table.itertuples(index=False)]


def _plain(value: object) -> Value:
    if isinstance(value, pd.Timestamp):
        return value.date()
    if isinstance(value, np.integer):
        return int(value)
    return _number(float(value)) if isinstance(value, float | np.floating) else str(value)


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None


# ── Files ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def as_csv(export: Export) -> bytes:
    """The figures, each row with what the file is about: UTF-8 with its mark, semicolons, decimal points."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=";")
    about = _together(export.about)
    writer.writerow([*map(harmless, (*export.figures.columns, *about))])
    for row in export.figures.rows:
        writer.writerow([*map(_csv_cell, row), *map(harmless, about.values())])
    return text.getvalue().encode("utf-8-sig")


def _together(about: Iterable[tuple[str, str]]) -> dict[str, str]:
    """One text for each name: several sources stand in one column."""
    found: dict[str, str] = {}
    for name, text in about:
        found[name] = f"{found[name]} | {text}" if name in found else text
    return found


def _csv_cell(value: Value) -> str:
    if value is None:
        return ""
    return harmless(value) if isinstance(value, str) else value.isoformat() if isinstance(value, date) else repr(value)


def as_xlsx(export: Export) -> bytes:
    """A workbook: what it is about first, then the figures and what stands behind them."""
    content = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    with xlsxwriter.Workbook(content, options) as book:
        marking = export.about[0][1]
        book.set_properties({"title": export.stem, "comments": marking})
        bold, wrapped = book.add_format({"bold": True}), book.add_format({"text_wrap": True, "valign": "top"})
        about = book.add_worksheet(_("Lecture"))
        about.set_column(0, 0, 24)
        about.set_column(1, 1, 90)
        for at, (name, text) in enumerate(export.about):
            about.write_string(at, 0, name, bold)
            about.write_string(at, 1, text, wrapped)
        for sheet in (export.figures, *export.others):
            _write_sheet(book, sheet, marking)
    return content.getvalue()


def _write_sheet(book: xlsxwriter.Workbook, sheet: Sheet, marking: str) -> None:
    """The marking stands in the first line, and on top and bottom of each printed page."""
    page = book.add_worksheet(sheet.name)
    head = book.add_format({"bold": True, "bottom": 1, "text_wrap": True, "valign": "top"})
    day = book.add_format({"num_format": "dd/mm/yyyy"})
    printed = marking.replace("&", "&&")
    page.set_header(f"&C{printed}")
    page.set_footer(f"&C{printed}")
    page.set_landscape()
    page.fit_to_pages(1, 0)
    page.write_string(0, 0, marking, book.add_format({"bold": True}))
    for column, title in enumerate(sheet.columns):
        page.write_string(1, column, title, head)
    for line, row in enumerate(sheet.rows, start=2):
        for column, value in enumerate(row):
            if isinstance(value, str):
                page.write_string(line, column, value)
            elif isinstance(value, date):
                page.write_datetime(line, column, datetime(value.year, value.month, value.day), day)  # noqa: DTZ001 -- a spreadsheet's day has no zone
            elif value is not None:
                page.write_number(line, column, value)
    page.set_column(0, len(sheet.columns) - 1, 20)
    page.freeze_panes(2, 1)
    if sheet.rows:
        page.autofilter(1, 0, 1 + len(sheet.rows), len(sheet.columns) - 1)


def offer_exports(export: Export) -> None:
    """Two buttons; a file is made when its own is pressed."""
    xlsx, text, _rest = st.columns([1, 1, 5])
    with xlsx:
        st.download_button(
            _("Classeur (XLSX)"),
            lambda: as_xlsx(export),
            f"{export.stem}.xlsx",
            XLSX,
            on_click="ignore",
            width="stretch",
        )
    with text:
        st.download_button(
            _("Données (CSV)"),
            lambda: as_csv(export),
            f"{export.stem}.csv",
            "text/csv",
            on_click="ignore",
            width="stretch",
        )
