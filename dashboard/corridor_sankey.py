"""The Sankey diagram of a view: producing → departure → entry → destination, and its table."""

from __future__ import annotations

import altair as alt
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from dashboard import format as fmt
from dashboard.corridor_facts import EUROPE, Routed, amount_of
from dashboard.corridor_geography import Countries
from dashboard.corridor_view import CorridorView
from dashboard.corridor_words import KG
from dashboard.corridors import Shown
from dashboard.i18n import _
from geo.corridors import UNKNOWN
from layers.colours import THEMES, ThemeName
from layers.corridors import line_colour
from layers.sankey import Sankey, sankey

OTHERS, BEFORE_EUROPE = 10_000, 10_001  # nodes that are no country
LARGEST = 7  # countries of a column that have a bar of their own
HEIGHT_PX = 420
BAR = 0.045  # its width, of the way from one column to the next
STAGES = 4
NAMES = 0.8  # room for the names of the last column


def flows(kept: Routed, shown: Shown, view: CorridorView) -> tuple[list[NDArray[np.int64]], NDArray[np.float64]]:
    """The node of each group of seizures in each of the four columns, and its amount; none: left out."""
    facts = kept.facts
    amounts = np.nan_to_num(amount_of(view, facts.facts, facts.kg))
    rows = np.flatnonzero(shown.rows & (amounts > 0))
    in_europe = kept.among(EUROPE, facts.reporter)
    by_transit = kept.among(EUROPE, facts.transit)
    entry = np.where(in_europe, facts.reporter, np.where(by_transit, facts.transit, BEFORE_EUROPE))
    columns = [column[rows] for column in (facts.producing, facts.departure, entry, facts.destination)]
    return [_largest(column, amounts[rows]) for column in columns], amounts[rows]


def _largest(column: NDArray[np.int64], amounts: NDArray[np.float64]) -> NDArray[np.int64]:
    """All but the largest countries become one."""
    nodes, of = np.unique(column, return_inverse=True)
    sums = np.bincount(of, amounts, minlength=len(nodes))
    countries = (nodes != UNKNOWN) & (nodes != BEFORE_EUROPE)
    ranked = np.flatnonzero(countries)[np.argsort(-sums[countries], kind="stable")]
    merged = nodes.copy()
    if len(ranked) > LARGEST + 1:  # one alone keeps its name
        merged[ranked[LARGEST:]] = OTHERS
    return np.asarray(merged[of], dtype=np.int64)


def diagram(kept: Routed, shown: Shown, view: CorridorView) -> Sankey:
    columns, amounts = flows(kept, shown, view)
    return sankey(columns, amounts, last=(OTHERS, BEFORE_EUROPE, UNKNOWN))


def stage_titles() -> tuple[str, str, str, str]:
    return _("Production"), _("Départ"), _("Entrée en Europe"), _("Destination")


def node_name(kept: Routed, countries: Countries, node: int) -> str:
    names = {UNKNOWN: _("Inconnu"), OTHERS: _("Autres pays"), BEFORE_EUROPE: _("Saisie avant l'Europe")}
    return names.get(node) or countries.name(kept.code(node))


def say_amount(view: CorridorView, amount: float) -> str:
    return fmt.kilograms(amount) if view.weight == KG else fmt.number(amount)


def flow_table(kept: Routed, countries: Countries, drawn: Sankey, view: CorridorView) -> pd.DataFrame:
    """One row a band."""
    titles = stage_titles()
    amount = _("Kilogrammes") if view.weight == KG else _("Saisies")
    return pd.DataFrame(
        [
            {
                _("Étape"): f"{titles[band.column]} → {titles[band.column + 1]}",
                _("De"): node_name(kept, countries, band.start),
                _("Vers"): node_name(kept, countries, band.stop),
                amount: band.amount,
            }
            for band in sorted(drawn.bands, key=lambda band: (band.column, -band.amount))
        ],
        columns=[_("Étape"), _("De"), _("Vers"), amount],
    )


def _bands(kept: Routed, countries: Countries, drawn: Sankey, view: CorridorView) -> pd.DataFrame:
    """The edges of the bands, a row a step from left to right."""
    return pd.DataFrame(
        [
            {
                "band": at,
                "x": band.column + BAR + (1 - BAR) * x,
                "top": -top,
                "bottom": -bottom,
                "says": f"{node_name(kept, countries, band.start)} → {node_name(kept, countries, band.stop)}",
                "amount": say_amount(view, band.amount),
            }
            for at, band in enumerate(drawn.bands)
            for x, top, bottom in zip(band.x.tolist(), band.top.tolist(), band.bottom.tolist(), strict=True)
        ]
    )


def _bars(kept: Routed, countries: Countries, drawn: Sankey, view: CorridorView) -> pd.DataFrame:
    """The bars with their names."""
    return pd.DataFrame(
        [
            {
                "x": bar.column,
                "x2": bar.column + BAR,
                "top": -bar.top,
                "bottom": -bar.bottom,
                "middle": -(bar.top + bar.bottom) / 2,
                "says": node_name(kept, countries, bar.node),
                "amount": say_amount(view, bar.amount),
                "label": f"{node_name(kept, countries, bar.node)}  {say_amount(view, bar.amount)}",
                "known": bar.node >= 0 and bar.node < OTHERS,
            }
            for bar in drawn.bars
        ]
    )


def chart(kept: Routed, countries: Countries, drawn: Sankey, view: CorridorView, theme: ThemeName) -> alt.LayerChart:
    """Bars with their names, and bands behind them."""
    colours = THEMES[theme]
    bands, bars = _bands(kept, countries, drawn, view), _bars(kept, countries, drawn, view)
    heads = pd.DataFrame({"x": range(STAGES), "title": stage_titles()})
    across = alt.X("x:Q", axis=None, scale=alt.Scale(domain=[0, STAGES - 1 + NAMES], nice=False))
    down = alt.Scale(domain=[-1.0, 0.06], nice=False)
    tips = [alt.Tooltip("says:N", title=_("Étape")), alt.Tooltip("amount:N", title=_("Total"))]
    area = (
        alt.Chart(bands)
        .mark_area(color=line_colour(theme), opacity=0.28)
        .encode(x=across, y=alt.Y("top:Q", axis=None, scale=down), y2="bottom:Q", detail="band:N", tooltip=tips)
    )
    box = (
        alt.Chart(bars)
        .mark_rect()
        .encode(
            x=across,
            x2="x2:Q",
            y=alt.Y("top:Q", axis=None, scale=down),
            y2="bottom:Q",
            color=alt.condition("datum.known", alt.value(line_colour(theme)), alt.value(colours.ink_minor)),
            tooltip=tips,
        )
    )
    words = (
        alt.Chart(bars)
        .mark_text(align="left", dx=4, fontSize=12, color=colours.ink, baseline="middle")
        .encode(x=alt.X("x2:Q", axis=None), y=alt.Y("middle:Q", axis=None, scale=down), text="label:N")
    )
    top = (
        alt.Chart(heads)
        .mark_text(align="left", fontSize=12, fontWeight=600, color=colours.ink_minor, baseline="bottom", y=12)
        .encode(x=across, text="title:N")
    )
    layered: alt.LayerChart = alt.layer(area, box, words, top).properties(height=HEIGHT_PX).configure_view(stroke=None)
    return layered
