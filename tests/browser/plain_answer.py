"""The hexagons of a view by the plainest means: the store's counts, and each measure from its definition.

Nothing here goes through tiles, tables or encodings; intervals come from scipy's distributions, areas from PROJ.
"""

from __future__ import annotations

import functools
from dataclasses import replace
from typing import NamedTuple

import h3.api.basic_int as h3
import numpy as np
import pyproj
from numpy.typing import NDArray
from scipy.stats import chi2, norm

from dashboard.hexagon_table import FEWEST_INHABITANTS, ground_is_drawn
from dashboard.measures import MEASURES
from dashboard.view import View
from data.geography import geography
from data.query import Territory, Viewer
from data.store import Store
from geo.cells import cover
from layers.hexagons import STATE_CODES

Values = NDArray[np.float64]
EARTH = pyproj.Geod(ellps="WGS84")
COUNTED = ("incidents", "controls", "checked", "positive", "kg", "eur")
NONE_IS_ZERO = ("incidents", "controls")  # of a hexagon without a fact; how many were checked there is unknown


class Counts(NamedTuple):
    """Of each hexagon of a view, sorted by cell. `columns` by the name of their column in a tile; NaN: unknown."""

    cells: NDArray[np.int64]
    protected: NDArray[np.bool_]
    columns: dict[str, Values]

    def within(self, west: float, south: float, east: float, north: float) -> Counts:
        """Those whose centre is in a rectangle; degrees."""
        lat, lng = np.array([h3.cell_to_latlng(cell) for cell in self.cells.tolist()]).reshape(-1, 2).T
        here = (lat >= south) & (lat <= north) & (lng >= west) & (lng <= east)
        columns = {name: column[here] for name, column in self.columns.items()}
        return Counts(self.cells[here], self.protected[here], columns)


class Answer(NamedTuple):
    """What the map is to show: `STATE_CODES` and figures, the measure as `values`; NaN: unknown, or protected."""

    cells: NDArray[np.int64]
    states: NDArray[np.int64]
    figures: dict[str, Values]


def counts_of(store: Store, viewer: Viewer, view: View, resolution: int) -> Counts:
    """What the store holds of a dated view, and the hexagons of its ground where it holds nothing."""
    counts = store.counts_by_cell(replace(view.query(), resolution=resolution), viewer)
    has_ground = ground_is_drawn(view.territory, resolution, MEASURES[view.measure])
    ground = _lived_in(view.territory, resolution) if view.territory and has_ground else ()
    cells = np.array(sorted({*counts.cells.tolist(), *ground}), dtype=np.int64)
    rows = np.searchsorted(cells, counts.cells)
    columns = {name: np.full(cells.size, 0.0 if name in NONE_IS_ZERO else np.nan) for name in COUNTED}
    for name, column in columns.items():
        column[rows] = getattr(counts, name)
    protected = np.zeros(cells.size, dtype=bool)
    protected[rows] = counts.protected
    return Counts(cells, protected, columns)


def answer(counts: Counts, measure: str) -> Answer:
    """State and measure of each hexagon."""
    figures = counts.columns | _measured(measure, counts.cells, counts.columns)
    states = _states(measure, figures, counts.protected)
    return Answer(
        counts.cells, states, {name: np.where(counts.protected, np.nan, column) for name, column in figures.items()}
    )


@functools.cache
def _lived_in(territory: Territory, resolution: int) -> tuple[int, ...]:
    """Hexagons that lie mostly in a territory, but for those in which nobody lives."""
    covered = cover(geography().perimeter(territory), resolution)
    cells = covered.cells[covered.shares > 0.5]
    return tuple(cells[geography().population_of(cells) != 0].tolist())


def _measured(measure: str, cells: NDArray[np.int64], counts: dict[str, Values]) -> dict[str, Values]:
    """The measure, with its 95 % interval if it has one."""
    if measure == "taux":
        return _rate(counts["incidents"], geography().population_of(cells))
    if measure == "rendement":
        return _share(counts["positive"], counts["checked"])
    if measure == "densite":
        return {"values": counts["incidents"] / np.array([_surface_km2(cell) for cell in cells.tolist()])}
    if measure == "controles":
        return {"values": np.where(counts["controls"] == 0, np.nan, counts["controls"])}
    column = {"incidents": "incidents", "verifies": "checked", "kg": "kg", "avoirs": "eur"}[measure]
    return {"values": counts[column]}


def _surface_km2(cell: int) -> float:
    """On the ellipsoid, between geodesics (Karney 2013, as PROJ has it)."""
    lat, lng = zip(*h3.cell_to_boundary(cell), strict=True)
    return abs(float(EARTH.polygon_area_perimeter(lng, lat)[0])) / 1e6


def _rate(facts: Values, people: Values) -> dict[str, Values]:
    """Per 100,000 inhabitants, with Garwood's exact interval as chi-squared quantiles."""
    per = np.where(people >= FEWEST_INHABITANTS, 100_000 / np.where(people > 0, people, np.nan), np.nan)
    low = np.where(facts > 0, chi2.ppf(0.025, 2 * facts) / 2, 0.0)
    high = chi2.ppf(0.975, 2 * facts + 2) / 2
    return {"values": facts * per, "low": low * per, "high": high * per, "population": people}


def _share(positive: Values, checked: Values) -> dict[str, Values]:
    """Per hundred, with Wilson's interval: the two shares for which what was seen lies 1.96 deviations away."""
    n = np.where((checked > 0) & (positive <= checked), checked, np.nan)
    z2 = norm.ppf(0.975) ** 2
    # The roots of (n + z²) p² - (2 k + z²) p + k² / n = 0.
    a, b, c = n + z2, 2 * positive + z2, positive**2 / n
    spread = np.sqrt(np.maximum(b**2 - 4 * a * c, 0))
    return {"values": 100 * positive / n, "low": 50 * (b - spread) / a, "high": 50 * (b + spread) / a}


def _states(measure: str, figures: dict[str, Values], protected: NDArray[np.bool_]) -> NDArray[np.int64]:
    values = figures["values"]
    states = np.full(values.size, STATE_CODES["value"])
    states[values == 0] = STATE_CODES["zero"]
    states[np.isnan(values)] = STATE_CODES["unknown"]
    if measure == "taux":  # nobody there, and nothing happened
        states[np.isnan(values) & (figures["incidents"] == 0)] = STATE_CODES["zero"]
    states[protected] = STATE_CODES["protected"]
    return states
