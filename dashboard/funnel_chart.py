"""The funnel plot: all territories of a kind between the lines that chance keeps to, those compared stand out."""

from __future__ import annotations

from collections.abc import Sequence

import altair as alt
import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from dashboard import format as fmt
from dashboard.comparison_table import STANDINGS
from dashboard.i18n import _
from dashboard.named_marks import CHART_PX, Layered, colours, shapes, spoken
from dashboard.rights_words import BEYOND
from geo.funnel import ALARM, WARNING, Funnel, Standing
from geo.ranking import Ranking
from layers.colours import THEMES, ThemeName

LINE_POINTS = 120  # of the limits
LINES = {"target": [1, 0], "95": [2, 3], "99.8": [7, 3]}  # dashes


def funnel_table(
    funnel: Funnel,
    ranking: Ranking | None,
    sizes: NDArray[np.float64],
    names: Sequence[str],
    beyond: NDArray[np.bool_] | None = None,
) -> pd.DataFrame:
    """All territories of the kind, the highest figure first; those without one last.

    Args:
        beyond: Which of them the viewer has no right to; None: to all.
    """
    standing = [_(STANDINGS[Standing(code)]) for code in funnel.standing]
    if beyond is not None:
        standing = [_(BEYOND) if out else words for out, words in zip(beyond.tolist(), standing, strict=True)]
    table = pd.DataFrame(
        {
            "territory": list(names),
            "size": sizes,
            "value": funnel.value,
            "standing": standing,
        }
    )
    if ranking is not None:
        table = table.assign(rank=ranking.rank, best=ranking.best, worst=ranking.worst)
    return table.sort_values("value", ascending=False, kind="stable", na_position="last").reset_index(drop=True)


def draw_funnel(
    funnel: Funnel,
    ranking: Ranking | None,
    sizes: NDArray[np.float64],
    names: Sequence[str],
    chosen: Sequence[int],
    theme: ThemeName,
    beyond: NDArray[np.bool_] | None = None,
) -> None:
    """The plot, and its table one click away.

    Args:
        beyond: As in `funnel_table`.
        sizes: Inhabitants, or checked, of all territories of the kind, as `names`.
        chosen: Rows of those compared, in their order.
    """
    table = funnel_table(funnel, ranking, sizes, names, beyond)
    titles = _titles(funnel)
    drawn = table[table["value"].notna() & (table["size"] > 0)]
    if not drawn.empty:
        chart = _chart(funnel, drawn, [names[row] for row in chosen], titles, theme)
        st.altair_chart(spoken(chart.properties(height=CHART_PX)), width="stretch")
    with st.expander(_("Table de l'entonnoir")):
        _show_table(table, titles)


def _titles(funnel: Funnel) -> dict[str, str]:
    of_shares = funnel.limits.law == "binomial"
    return {
        "territory": _("Territoire"),
        "size": _("Contrôlés") if of_shares else _("Habitants"),
        "value": _("Positifs pour 100 contrôlés") if of_shares else _("Pour 100 000 habitants"),
        "standing": _("Place"),
        "rank": _("Rang"),
        "best": _("Rang au mieux"),
        "worst": _("Rang au pire"),
    }


def _chart(
    funnel: Funnel, drawn: pd.DataFrame, compared: list[str], titles: dict[str, str], theme: ThemeName
) -> Layered:
    minor = THEMES[theme].ink_minor
    x = alt.X("size:Q", title=titles["size"], scale=alt.Scale(type="log", nice=False),
              axis=alt.Axis(grid=False, format=",.0f", tickCount=4, labelOverlap=True))  # fmt: skip
    # From the lowest line on: from zero, the limits of large territories would be one line.
    y = alt.Y("value:Q", title=titles["value"], axis=alt.Axis(tickCount=5), scale=alt.Scale(zero=False))
    tooltip = [
        alt.Tooltip("territory:N", title=titles["territory"]),
        alt.Tooltip("size:Q", title=titles["size"], format=",.0f"),
        alt.Tooltip("value:Q", title=titles["value"], format=",.2f"),
        alt.Tooltip("standing:N", title=titles["standing"]),
    ]
    styles = alt.Scale(domain=list(LINES), range=list(LINES.values()))
    lines = alt.Chart(_limits(funnel, drawn["size"].to_numpy())).mark_line(color=minor, strokeWidth=1.2)
    is_compared = drawn["territory"].isin(compared)
    others = alt.Chart(drawn[~is_compared]).mark_point(filled=True, size=26, color=minor, opacity=0.55)
    ours = alt.Chart(drawn[is_compared]).mark_point(filled=True, size=110, opacity=1)
    chart = alt.layer(
        lines.encode(x=x, y=y, detail="line:N", strokeDash=alt.StrokeDash("level:N", legend=None, scale=styles)),
        others.encode(x=x, y=y, tooltip=tooltip),
        ours.encode(x=x, y=y, tooltip=tooltip, color=colours(compared, theme), shape=shapes(compared)),
    )
    resolved: Layered = chart.resolve_scale(strokeDash="independent")
    return resolved


def _limits(funnel: Funnel, sizes: NDArray[np.float64]) -> pd.DataFrame:
    """The lines of the plot, evenly spread on its logarithmic axis."""
    at = np.geomspace(0.9 * sizes.min(), 1.1 * sizes.max(), LINE_POINTS)
    parts = [("target", "target", np.full(at.shape, funnel.limits.target))]
    for confidence, level in ((WARNING, "95"), (ALARM, "99.8")):
        band = funnel.limits.at(at, confidence)
        parts += [(f"{level} low", level, band.low), (f"{level} high", level, band.high)]
    lines = [pd.DataFrame({"size": at, "value": values, "line": line, "level": level}) for line, level, values in parts]
    return pd.concat(lines, ignore_index=True)


def _show_table(table: pd.DataFrame, titles: dict[str, str]) -> None:
    whole = [titles[name] for name in ("size", "rank", "best", "worst") if name in table]
    st.dataframe(
        table.rename(columns=titles),
        hide_index=True,
        height=320,
        column_config={
            **{name: st.column_config.NumberColumn(format="localized") for name in whole},
            titles["value"]: st.column_config.NumberColumn(format="%.2f"),
        },
    )


def funnel_sentence(funnel: Funnel, kind: str, beyond: NDArray[np.bool_] | None = None) -> str:
    """What the plot shows, in words; `beyond` as in `funnel_table`."""
    codes = funnel.standing
    known = int((codes != Standing.UNKNOWN).sum())
    out_of_sight = 0 if beyond is None else int(beyond.sum())
    withheld = [_("{n} hors de vos droits.").format(n=fmt.number(out_of_sight))] if out_of_sight else []
    if not known:
        return " ".join([_("Aucun chiffre connu à placer dans l'entonnoir."), *withheld])
    far = int(np.isin(codes, (Standing.FAR_ABOVE, Standing.FAR_BELOW)).sum())
    outside = far + int(np.isin(codes, (Standing.ABOVE, Standing.BELOW)).sum())
    placed = _(
        "{kind} : {n} placés sur {all}, {beyond} hors des limites à 95 % (pointillés), dont {far} à 99,8 % (tirets)."
    )
    parts = [
        placed.format(
            kind=kind,
            n=fmt.number(known),
            all=fmt.number(len(codes)),
            beyond=fmt.number(outside),
            far=fmt.number(far),
        )
    ]
    if funnel.limits.phi > 1 and funnel.limits.tau > 0:
        spread = _("Les limites tiennent compte d'une dispersion {phi} fois celle du hasard (Spiegelhalter 2005).")
        parts.append(spread.format(phi=fmt.significant(funnel.limits.phi)))
    return " ".join([*parts, *withheld])
