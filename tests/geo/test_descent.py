"""The walk down the hexagons rests on one geometric fact: a cell's reach holds all that descends from it."""

from __future__ import annotations

import h3.api.basic_int as h3
import numpy as np
import pytest
import shapely

from geo.cells import cells_at, centres, parents
from geo.descent import (
    REACH_OF_CELL,
    REACH_OF_DESCENDANTS,
    START_RESOLUTION,
    _narrowing,
    _reach_of_first,
    _wrapped,
    descend,
)
from geo.errors import GeometryError


def points_on_earth() -> tuple[np.ndarray, np.ndarray]:
    """Points everywhere, and many around the twelve pentagons, the poles and the antimeridian."""
    rng = np.random.default_rng(8)
    lat, lng = np.degrees(np.arcsin(rng.uniform(-1, 1, 200_000))), rng.uniform(-180, 180, 200_000)
    special = [h3.cell_to_latlng(cell) for cell in h3.get_pentagons(4)] + [(89.99, 0), (-89.99, 9), (10, 180)]
    around = np.repeat(special, 20_000, axis=0) + rng.normal(0, 0.3, (20_000 * len(special), 2))
    lat, lng = np.concatenate((lat, around[:, 0])), np.concatenate((lng, around[:, 1]))
    return (lng + 180) % 360 - 180, np.clip(lat, -90, 90)


def test_reach_holds_every_descendant() -> None:
    lng, lat = points_on_earth()
    cells = cells_at(lng, lat)
    first, place = np.unique(parents(cells, START_RESOLUTION), return_inverse=True)
    reach = _reach_of_first(first)[place]
    for resolution in range(START_RESOLUTION, 11):
        factor = REACH_OF_CELL / REACH_OF_DESCENDANTS if resolution == 10 else 1
        centre_lng, centre_lat = centres(parents(cells, resolution))
        narrowing = _narrowing(centre_lat, reach)
        distance = np.hypot(_wrapped(lng - centre_lng) * narrowing, lat - centre_lat)
        assert (distance <= reach * factor).all()
        reach = reach / np.sqrt(7)


def test_what_is_inside_is_inside_and_the_rest_is_near_a_border() -> None:
    polygon = shapely.Polygon(
        [(5, 43), (5.8, 43.1), (5.6, 43.6), (5.1, 43.5)], [[(5.3, 43.2), (5.4, 43.2), (5.4, 43.3)]]
    )
    rng = np.random.default_rng(9)
    lng, lat = rng.uniform(4.9, 5.9, 20_000), rng.uniform(42.9, 43.7, 20_000)
    cells, within = cells_at(lng, lat), shapely.intersects_xy(polygon, lng, lat)
    settled = np.zeros(len(lng), dtype=bool)
    steps = list(descend(np.array([polygon]), 9))
    for inside, _ in steps:
        held = np.isin(parents(cells, inside.resolution), inside.cells)
        assert within[held].all()
        assert not (settled & held).any(), "a descendant of an inside cell is not repeated"
        settled |= held
    undecided = np.isin(parents(cells, 9), steps[-1][1].cells)
    assert not within[~settled & ~undecided].any()
    assert undecided.mean() < 0.12


def test_polygons_that_are_none_are_refused() -> None:
    bow_tie = shapely.Polygon([(0, 0), (1, 1), (1, 0), (0, 1)])
    for wrong, message in [
        (shapely.Point(1, 1), "ne sont pas des polygones"),
        (None, "ne sont pas des polygones"),
        (shapely.box(652_000, 6_862_000, 653_000, 6_863_000), "des degrés WGS 84"),
        (bow_tie, "Self-intersection"),
    ]:
        with pytest.raises(GeometryError, match=message):
            next(descend(np.array([shapely.box(0, 0, 1, 1), wrong], dtype=object), 8))
