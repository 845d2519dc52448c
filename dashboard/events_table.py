"""Events one by one, in words: for the pinned hexagon."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, NamedTuple

import pandas as pd
import pyarrow as pa
import streamlit as st

from dashboard import format as fmt
from dashboard.i18n import _
from data.geography import time_zone_of
from data.vocabulary import DRUGS, FAMILIES, KINDS, MODES, QUANTITY_UNITS, SERVICES

PARIS = "75"  # whose clock is the country's
ROWS_SEEN, HEIGHT_PX = 9, 320  # from so many rows on, a table is scrolled through


def readable(events: pa.Table) -> pd.DataFrame:
    """Columns for people: legal time of the place, labels of the closed lists, quantities with their unit."""
    rows = [in_words(event) for event in events.to_pylist()]
    columns = [
        _("Date"),
        _("Nature"),
        _("Produit"),
        _("Quantité"),
        _("Contrôlés"),
        _("Mode"),
        _("Service"),
        _("Source"),
    ]
    return pd.DataFrame(rows, columns=columns)


class Words(NamedTuple):
    """A fact in words, each "" where it is not known."""

    when: str
    kind: str
    drug: str
    quantity: str
    checked: str
    mode: str
    service: str
    source: str


def in_words(event: dict[str, Any]) -> Words:
    """A fact of the store (data.schema) for people."""
    return Words(
        when=_when(event),
        kind=_label(KINDS, event["kind"]) or _label(FAMILIES, event["family"]),
        drug=_label(DRUGS, event["drug"]),
        quantity=_quantity(event),
        checked=_checked(event),
        mode=_label(MODES, event["mode"]),
        service=_label(SERVICES, event["service"]),
        source=str(event["source"]),
    )


def _label(labels: dict[str, str], code: object) -> str:
    return _(labels[str(code)]) if code in labels else ""


def _when(event: dict[str, Any]) -> str:
    day = pd.Timestamp(str(event["day"])).date()
    if event["occurred_precision"] not in (None, "minute"):
        return fmt.short_day(day)
    zone = time_zone_of(str(event["departement"] or ""))
    at = pd.Timestamp(event["occurred_at"]).tz_localize("UTC")
    local, of_paris = (at.tz_convert(name).to_pydatetime() for name in (zone, time_zone_of(PARIS)))
    return fmt.instant(local) + ("" if local.utcoffset() == of_paris.utcoffset() else f" ({_offset(local)})")


def _offset(local: datetime) -> str:
    """`UTC−4`, `UTC−9:30`: among clocks of Paris, why an hour is not in its order."""
    minutes = round((local.utcoffset() or timedelta()).total_seconds() / 60)
    hours, rest = divmod(abs(minutes), 60)
    return f"UTC{'+' if minutes >= 0 else '−'}{hours}" + (f":{rest:02d}" if rest else "")


def _quantity(event: dict[str, Any]) -> str:
    if event["quantity_kg"] is not None:
        return fmt.kilograms(float(str(event["quantity_kg"])))
    if event["quantity_units"] is not None:
        return (
            f"{fmt.significant(float(str(event['quantity_units'])))} {_label(QUANTITY_UNITS, event['quantity_unit'])}"
        )
    return ""


def _checked(event: dict[str, Any]) -> str:
    if event["checked"] is None:
        return ""
    checked = fmt.number(float(str(event["checked"])))
    if event["positive"] is None:
        return checked
    return _("{checked}, dont {positive} positifs").format(
        checked=checked, positive=fmt.number(float(str(event["positive"])))
    )


def events_table(events: pa.Table) -> None:
    st.dataframe(readable(events), hide_index=True, height="content" if events.num_rows < ROWS_SEEN else HEIGHT_PX)
