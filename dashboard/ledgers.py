"""Loads and refused lines as tables for people, and the quarantine as a file."""

from __future__ import annotations

import io
from collections.abc import Sequence

import pandas as pd
import pyarrow as pa

from dashboard import format as fmt
from dashboard.i18n import _
from data.ingest import write_quarantine_csv
from data.store import Ledger
from data.vocabulary import MARKINGS
from geo.errors import message

REFUSAL = ("line", "field", "given", "reason", "expected")


def ledger_frame(ledgers: Sequence[Ledger]) -> pd.DataFrame:
    """One row a load; accepted + repeated + refused = lines in each."""
    rows = [
        (
            ledger.name,
            ledger.source,
            ledger.reader,
            _(MARKINGS[ledger.marking]),
            fmt.age(ledger.loaded_at),
            ledger.lines,
            ledger.accepted,
            ledger.repeated,
            ledger.refused,
            fmt.short_day(ledger.first_day),
            fmt.short_day(ledger.last_day),
        )
        for ledger in ledgers
    ]
    return pd.DataFrame(
        rows,
        columns=[
            _("Fichier"), _("Source"), _("Lu comme"), _("Mention"), _("Chargé"), _("Lignes"), _("Acceptées"),
            _("Répétées"), _("Refusées"), _("Du"), _("Au"),
        ],
    )  # fmt: skip


def ledger_sentence(ledger: Ledger) -> str:
    """`12 480 lignes : 12 470 acceptées, 0 répétée, 10 refusées.`"""
    if ledger.already_loaded:
        return _("{name} avait déjà été chargé : rien n'a été relu.").format(name=ledger.name)
    text = _("{name}, {lines} lignes : {accepted} acceptées, {repeated} répétées, {refused} refusées.")
    return text.format(
        name=ledger.name,
        lines=fmt.number(ledger.lines),
        accepted=fmt.number(ledger.accepted),
        repeated=fmt.number(ledger.repeated),
        refused=fmt.number(ledger.refused),
    )


def quarantine_frame(refusals: pa.Table) -> pd.DataFrame:
    """Refused lines with their reasons in the reader's language."""
    rows = [
        (line, name, given, message(reason, given=given, expected=message(expected)).said(_))
        for line, name, given, reason, expected in zip(
            *(refusals[column].to_pylist() for column in REFUSAL), strict=True
        )
    ]
    return pd.DataFrame(rows, columns=[_("Ligne"), _("Champ"), _("Donné"), _("Raison")])


def quarantine_csv(refusals: pa.Table) -> bytes:
    """The quarantine for a spreadsheet: UTF-8 with its mark, and no cell that runs as a formula."""
    text = io.StringIO(newline="")
    write_quarantine_csv(refusals, text, _)
    return text.getvalue().encode("utf-8-sig")
