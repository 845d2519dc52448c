"""A published indicator of the départements compared, by year: its curve, its table, its sentences."""

from __future__ import annotations

from collections.abc import Sequence

import altair as alt
import numpy as np
import pandas as pd
import streamlit as st

from dashboard import format as fmt
from dashboard.comparison_table import STANDINGS
from dashboard.i18n import _
from dashboard.named_marks import CHART_PX, colours, dashes, shapes, spoken
from dashboard.published import FIXED_FINES, Published
from dashboard.rights_words import BEYOND
from dashboard.theme import ACCENT
from geo.funnel import Standing
from layers.colours import ThemeName


def published_table(published: Published, rows: Sequence[int | None], names: Sequence[str]) -> pd.DataFrame:
    """One row a year and territory: figure, population, rate with its interval. Empty: it has none of them."""
    parts = [
        pd.DataFrame(
            {
                "territory": name,
                "year": published.years,
                "value": published.values[row],
                "population": published.population[row],
                "rate": published.rate.value[row],
                "low": published.rate.low[row],
                "high": published.rate.high[row],
                "withheld": published.withheld[row],
            }
        )
        for name, row in zip(names, rows, strict=True)
        if row is not None
    ]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()


def draw_published(table: pd.DataFrame, names: Sequence[str], theme: ThemeName, *, is_broken: bool) -> None:
    """The rates by year with their intervals; a year without figure is a gap, and a break of the series a line."""
    title = _("Pour 100 000 habitants")
    x = alt.X("year:Q", title=None, scale=alt.Scale(zero=False, padding=12),
              axis=alt.Axis(grid=False, format="d", values=sorted(set(table["year"]))))  # fmt: skip
    base = alt.Chart(table).encode(
        x=x,
        y=alt.Y("rate:Q", title=title, axis=alt.Axis(tickCount=5)),
        color=colours(names, theme),
        tooltip=[
            alt.Tooltip("territory:N", title=_("Territoire")),
            alt.Tooltip("year:Q", title=_("Année"), format="d"),
            alt.Tooltip("value:Q", title=_("Nombre"), format=",d"),
            alt.Tooltip("rate:Q", title=title, format=",.1f"),
            alt.Tooltip("low:Q", title=_("Borne basse"), format=",.1f"),
            alt.Tooltip("high:Q", title=_("Borne haute"), format=",.1f"),
        ],
    )
    layers = [
        base.mark_rule(strokeWidth=1, opacity=0.6).encode(y=alt.Y("low:Q", title=title), y2="high:Q"),
        base.mark_line(strokeWidth=1.8).encode(strokeDash=dashes(names)),
        base.mark_point(filled=True, size=45, opacity=1).encode(shape=shapes(names)),
    ]
    if is_broken:
        words = _("2020 : amende forfaitaire (AFD)")
        broken = alt.Chart(pd.DataFrame({"year": [FIXED_FINES - 0.5], "words": [words]})).encode(x=x)
        layers.append(broken.mark_rule(color=ACCENT[theme], strokeDash=[4, 3], strokeWidth=1.5))
        layers.append(
            broken.mark_text(align="left", dx=6, y=8, color=ACCENT[theme], fontSize=12).encode(text="words:N")
        )
    st.altair_chart(spoken(alt.layer(*layers).properties(height=CHART_PX)), width="stretch")


def show_published_table(table: pd.DataFrame) -> None:
    """Behind the chart; what is withheld says so, and is empty like what is not there."""
    shown = table.assign(withheld=np.where(table["withheld"], _("non diffusé par le producteur"), ""))
    titles = {
        "territory": _("Territoire"),
        "year": _("Année"),
        "value": _("Nombre"),
        "population": _("Population"),
        "rate": _("Pour 100 000 habitants"),
        "low": _("Borne basse"),
        "high": _("Borne haute"),
        "withheld": _("Diffusion"),
    }
    with st.expander(_("Table des années")):
        st.dataframe(
            shown.rename(columns=titles),
            hide_index=True,
            height=320,
            column_config={
                titles["year"]: st.column_config.NumberColumn(format="%d"),
                **{titles[name]: st.column_config.NumberColumn(format="localized") for name in ("value", "population")},
                **{titles[name]: st.column_config.NumberColumn(format="%.1f") for name in ("rate", "low", "high")},
            },
        )


def year_sentence(published: Published, row: int | None, name: str, *, beyond: bool = False) -> str:
    """`Nord, 2025 : 80,4 pour 100 000 habitants (77,0 à 83,9) ; rang 23 sur 101 (entre 18 et 38) ; …`"""
    if row is None and beyond:
        return f"{name} : {_(BEYOND)}."
    if row is None:
        return _("{name} : absent de cette publication, ce qui n'est pas zéro.").format(name=name)
    rate, ranking, year = published.rate, published.ranking, int(published.years[-1])
    value, low, high = (float(column[row, -1]) for column in (rate.value, rate.low, rate.high))
    if np.isnan(value):
        return _("{name}, {year} : chiffre non diffusé ou absent.").format(name=name, year=year)
    words = _(
        "{name}, {year} : {n} pour 100 000 habitants ({interval}) ; rang {rank} sur {ranked}"
        " (entre {best} et {worst}) ; {standing}."
    )
    return words.format(
        name=name,
        year=year,
        n=fmt.significant(value),
        interval=fmt.interval(low, high),
        rank=fmt.number(float(ranking.rank[row])),
        ranked=fmt.number(ranking.ranked),
        best=fmt.number(float(ranking.best[row])),
        worst=fmt.number(float(ranking.worst[row])),
        standing=_(STANDINGS[Standing(published.funnel.standing[row])]),
    )


def unit_sentence(published: Published) -> str:
    """What the producer counts, and what must not be added."""
    parts = [
        _("Unité de compte du producteur : {unit}, ce n'est pas un incident.").format(unit=published.unit_of_count)
    ]
    if published.indicator == "usage":
        parts.append(_("L'usage contient ses deux parties, avec et sans AFD : aucune ne s'y ajoute."))
    elif published.indicator in ("usage-afd", "usage-hors-afd"):
        parts.append(_("Ce n'est qu'une partie de l'usage, qui la contient déjà : elle ne s'y ajoute pas."))
    if published.is_broken:
        parts.append(
            _("L'amende forfaitaire délictuelle (AFD) commence en 2020 : avant et après, le compte n'est pas le même.")
        )
    return " ".join(parts)
