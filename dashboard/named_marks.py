"""How up to six territories look in every chart of a comparison: a colour, dashes, a shape each; never colour alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import altair as alt

from dashboard.curve import FRENCH_NUMBERS, FRENCH_TIME
from dashboard.i18n import current_language
from layers.colours import NAMED, ThemeName

DASHES = ([1, 0], [6, 3], [2, 2], [8, 3, 2, 3], [12, 4], [4, 2, 1, 2])
SHAPES = ("circle", "square", "triangle-up", "diamond", "cross", "triangle-down")
FIELD = "territory:N"
CHART_PX = 260

Layered: TypeAlias = alt.LayerChart | alt.FacetChart  # what `alt.layer` gives


def colours(names: Sequence[str], theme: ThemeName) -> alt.Color:
    """The colour of each territory; its legend is also that of the dashes and of the shapes."""
    scale = alt.Scale(domain=list(names), range=list(NAMED[theme][: len(names)]))
    return alt.Color(FIELD, scale=scale, legend=_legend(), sort=list(names))


def dashes(names: Sequence[str]) -> alt.StrokeDash:
    scale = alt.Scale(domain=list(names), range=list(DASHES[: len(names)]))
    return alt.StrokeDash(FIELD, scale=scale, legend=_legend(), sort=list(names))


def shapes(names: Sequence[str]) -> alt.Shape:
    scale = alt.Scale(domain=list(names), range=list(SHAPES[: len(names)]))
    return alt.Shape(FIELD, scale=scale, legend=_legend(), sort=list(names))


def _legend() -> alt.Legend:
    return alt.Legend(
        orient="top", title=None, symbolStrokeWidth=2, symbolSize=70, symbolOpacity=1, columns=3, labelLimit=190
    )


def spoken(chart: Layered) -> Layered:
    """With dates and numbers in the language of the page."""
    if current_language() != "fr":
        return chart
    french: Layered = chart.configure(locale={"time": FRENCH_TIME, "number": FRENCH_NUMBERS})
    return french
