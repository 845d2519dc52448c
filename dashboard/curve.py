"""The daily curve: a chart, its table and its sentence."""

from __future__ import annotations

import altair as alt
import pandas as pd
import streamlit as st

from dashboard.i18n import _, current_language
from dashboard.theme import ACCENT
from data.store import DayCounts
from layers.colours import THEMES, ThemeName

DAY_MS = 86_400_000
FRENCH_TIME = {
    "dateTime": "%A %e %B %Y à %X",
    "date": "%d/%m/%Y",
    "time": "%H:%M:%S",
    "periods": ["", ""],
    "days": ["dimanche", "lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi"],
    "shortDays": ["dim.", "lun.", "mar.", "mer.", "jeu.", "ven.", "sam."],
    "months": ["janvier", "février", "mars", "avril", "mai", "juin", "juillet", "août", "septembre", "octobre",
               "novembre", "décembre"],
    "shortMonths": ["janv.", "févr.", "mars", "avr.", "mai", "juin", "juil.", "août", "sept.", "oct.", "nov.", "déc."],
}  # fmt: skip
FRENCH_NUMBERS = {"decimal": ",", "thousands": "\u202f", "grouping": [3], "currency": ["", "\u00a0€"]}


def frame(days: DayCounts) -> pd.DataFrame:
    """One row a day; a protected or unknown count stays empty."""
    return pd.DataFrame(
        {
            "day": days.days.astype("datetime64[s]"),
            "incidents": days.incidents,
            "controls": days.controls,
        }
    )


def daily_curve(days: DayCounts, theme: ThemeName) -> None:
    """Draw the incidents and the controls of each day, with the table behind them one click away."""
    table = frame(days)
    columns = {"day": _("Jour"), "incidents": _("Incidents"), "controls": _("Contrôles")}
    st.altair_chart(_chart(_with_end(table), theme), width="stretch")
    with st.expander(_("Table de la courbe")):
        st.dataframe(
            table.rename(columns=columns),
            hide_index=True,
            height=240,
            column_config={columns["day"]: st.column_config.DateColumn(format="DD/MM/YYYY")},
        )


def _with_end(table: pd.DataFrame) -> pd.DataFrame:
    """The same, and where the last day ends: a day is as wide as any other. `said`: the day that a point tells of."""
    table = table.assign(said=table["day"])
    end = table.tail(1)
    return pd.concat([table, end.assign(day=end["day"] + pd.Timedelta(days=1))], ignore_index=True)


def _chart(table: pd.DataFrame, theme: ThemeName) -> alt.LayerChart | alt.FacetChart:
    """Incidents as an area; controls as a dashed line on the same scale: both are facts, of the same place and day."""
    incidents, controls = _("Incidents"), _("Contrôles")
    colour = alt.Color(
        "what:N",
        scale=alt.Scale(domain=[incidents, controls], range=[ACCENT[theme], THEMES[theme].ink_minor]),
        legend=alt.Legend(title=None, orient="top", symbolType="stroke", offset=4),
    )
    base = alt.Chart(table).encode(
        x=alt.X("day:T", title=None, axis=alt.Axis(grid=False, labelOverlap=True, tickCount=5, tickMinStep=DAY_MS)),
        tooltip=[
            alt.Tooltip("said:T", title=_("Jour"), format="%d/%m/%Y"),
            alt.Tooltip("incidents:Q", title=incidents, format="d"),
            alt.Tooltip("controls:Q", title=controls, format="d"),
        ],
    )
    axis = alt.Axis(tickCount=3, format="d")
    area = base.transform_calculate(what=f"{incidents!r}").mark_area(
        opacity=0.18, line={"color": ACCENT[theme], "strokeWidth": 1.5}, interpolate="step-after"
    )
    line = base.transform_calculate(what=f"{controls!r}").mark_line(
        strokeWidth=1.2, strokeDash=[4, 2], interpolate="step-after"
    )
    chart: alt.LayerChart | alt.FacetChart = alt.layer(
        area.encode(y=alt.Y("incidents:Q", title=None, axis=axis), color=colour),
        line.encode(y=alt.Y("controls:Q", title=None, axis=axis), color=colour),
    ).properties(height=160)
    if current_language() != "fr":
        return chart
    french: alt.LayerChart | alt.FacetChart = chart.configure(locale={"time": FRENCH_TIME, "number": FRENCH_NUMBERS})
    return french
