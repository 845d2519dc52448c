"""The curves of the territories compared, on one scale: as they are, or each against its own average."""

from __future__ import annotations

from collections.abc import Sequence

import altair as alt
import numpy as np
import pandas as pd
import streamlit as st

from dashboard import format as fmt
from dashboard.i18n import _
from dashboard.named_marks import CHART_PX, Layered, colours, dashes, spoken
from dashboard.rights_words import BEYOND
from geo.series import Step, Steps, indexed
from layers.colours import THEMES, ThemeName

DATES: dict[Step, str] = {"day": "%e %b", "week": "%e %b", "month": "%b %Y"}


def curve_table(steps: Steps, names: Sequence[str], *, index: bool) -> pd.DataFrame:
    """One row a step, one column a territory."""
    values = indexed(steps) if index else steps.mean
    table = pd.DataFrame({name: values[at] for at, name in enumerate(names)})
    table.insert(0, "start", steps.starts.astype("datetime64[s]"))
    return table


def draw_curves(steps: Steps, names: Sequence[str], theme: ThemeName, *, index: bool) -> None:
    """The chart, and its table one click away."""
    table = curve_table(steps, names, index=index)
    chart = _chart(table, steps.step, names, theme, index=index)
    st.altair_chart(spoken(chart.properties(height=CHART_PX)), width="stretch")
    start = _("À partir du")
    with st.expander(_("Table des courbes")):
        st.dataframe(
            table.rename(columns={"start": start}),
            hide_index=True,
            height=260,
            column_config={
                start: st.column_config.DateColumn(format="DD/MM/YYYY"),
                **{name: st.column_config.NumberColumn(format="%.2f") for name in names},
            },
        )


def _chart(table: pd.DataFrame, step: Step, names: Sequence[str], theme: ThemeName, *, index: bool) -> Layered:
    title = _("base 100 : moyenne de la période") if index else _("incidents par jour")
    chart = alt.Chart(table.melt("start", var_name="territory", value_name="value")).encode(
        x=alt.X("start:T", title=None, axis=alt.Axis(grid=False, labelOverlap=True, tickCount=6, format=DATES[step])),
        y=alt.Y("value:Q", title=title, axis=alt.Axis(tickCount=4), scale=alt.Scale(zero=not index)),
        color=colours(names, theme),
        tooltip=[
            alt.Tooltip("territory:N", title=_("Territoire")),
            alt.Tooltip("start:T", title=_("À partir du"), format="%d/%m/%Y"),
            alt.Tooltip("value:Q", title=title, format=",.2f"),
        ],
    )
    layers = [
        chart.mark_line(strokeWidth=1.8).encode(strokeDash=dashes(names)),
        chart.mark_point(opacity=0, size=80),  # something to point at
    ]
    if index:
        average = alt.Chart(pd.DataFrame({"value": [100]}))
        layers.insert(0, average.mark_rule(color=THEMES[theme].ink_minor, opacity=0.5).encode(y="value:Q"))
    return alt.layer(*layers)


def curve_sentence(steps: Steps, names: Sequence[str], *, index: bool, beyond: Sequence[bool] = ()) -> str:
    """What the curves show, in one sentence: where each is highest; `beyond`: which the viewer has no right to."""
    if not steps.starts.size:
        return _("Aucun jour connu dans cette période.")
    parts = []
    for at, (name, curve) in enumerate(zip(names, indexed(steps) if index else steps.mean, strict=True)):
        if len(beyond) and beyond[at]:
            parts.append(f"{name} : {_(BEYOND)}")
            continue
        if np.isnan(curve).all():
            parts.append(_("{name} : aucun fait, ou de petits effectifs protégés").format(name=name))
            continue
        peak = int(np.nanargmax(curve))
        day = fmt.short_day(steps.starts[peak].astype("datetime64[D]").item())
        height = fmt.significant(float(curve[peak]))
        parts.append(_("{name} : le plus haut, {n}, à partir du {day}").format(name=name, n=height, day=day))
    return " ; ".join(parts) + "."
