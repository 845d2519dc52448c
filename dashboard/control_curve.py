"""Controls and incidents through time, one above the other on the same days: two scales, never one on the other."""

from __future__ import annotations

import altair as alt
import numpy as np
import pandas as pd
import streamlit as st

from dashboard import format as fmt
from dashboard.curve import FRENCH_NUMBERS, FRENCH_TIME
from dashboard.i18n import _, current_language
from dashboard.theme import ACCENT
from data.store import DayCounts
from geo.errors import N_
from geo.series import Step, Steps, mean_by_step, step_of
from layers.colours import ThemeName

PANEL_PX = 96  # height of each of the two
STEP_NAMES: dict[Step, str] = {
    "day": N_("par jour"),
    "week": N_("par jour, en moyenne de la semaine"),
    "month": N_("par jour, en moyenne du mois"),
}


def control_steps(days: DayCounts) -> Steps:
    """Controls, then incidents, a day."""
    return mean_by_step(days.days, np.stack([days.controls, days.incidents]), step_of(len(days.days)))


def control_curve(steps: Steps, theme: ThemeName) -> None:
    """Draw both, with the table behind them one click away."""
    frame = pd.DataFrame(
        {"day": steps.starts.astype("datetime64[s]"), "controls": steps.mean[0], "incidents": steps.mean[1]}
    )
    # The last step is as wide as it is long.
    end = frame.tail(1).assign(day=lambda last: last["day"] + pd.to_timedelta(steps.days[-1:], unit="D"))
    drawn = pd.concat([frame, end], ignore_index=True)
    panels = [
        _panel(drawn, "controls", _("Contrôles"), ACCENT[theme], last=False),
        _panel(drawn, "incidents", _("Incidents"), ACCENT[theme], last=True),
    ]
    chart = alt.vconcat(*panels, spacing=8).resolve_scale(x="shared")
    if current_language() == "fr":
        chart = chart.configure(locale={"time": FRENCH_TIME, "number": FRENCH_NUMBERS})
    st.altair_chart(chart, width="stretch")
    with st.expander(_("Table des courbes")):
        names = {"day": _("À partir du"), "controls": _("Contrôles"), "incidents": _("Incidents")}
        config = {names["day"]: st.column_config.DateColumn(format="DD/MM/YYYY")}
        st.dataframe(frame.rename(columns=names), hide_index=True, height=240, column_config=config)


def _panel(frame: pd.DataFrame, name: str, title: str, colour: str, *, last: bool) -> alt.Chart:
    axis = alt.Axis(grid=False, labelOverlap=True, tickCount=5, labels=last, ticks=last, domain=last)
    chart: alt.Chart = (
        alt.Chart(frame)
        .mark_line(color=colour, strokeWidth=1.5, interpolate="step-after")
        .encode(
            x=alt.X("day:T", title=None, axis=axis),
            y=alt.Y(f"{name}:Q", title=title, scale=alt.Scale(zero=True), axis=alt.Axis(tickCount=3)),
            tooltip=[
                alt.Tooltip("day:T", title=_("À partir du"), format="%d/%m/%Y"),
                alt.Tooltip(f"{name}:Q", title=title, format=".1f"),
            ],
        )
        .properties(height=PANEL_PX, width="container")
    )
    return chart


def curve_sentence(steps: Steps) -> str:
    """What the curves show: both means, over all the period."""
    means = [_mean(row, steps.days) for row in steps.mean]
    if any(np.isnan(means)):
        return _("Nombre de faits par jour protégé ou inconnu.")
    return _("{controls} contrôles et {incidents} incidents par jour en moyenne.").format(
        controls=fmt.significant(means[0]), incidents=fmt.significant(means[1])
    )


def _mean(values: np.ndarray, days: np.ndarray) -> float:
    return float(np.average(values, weights=days)) if days.size else float("nan")
