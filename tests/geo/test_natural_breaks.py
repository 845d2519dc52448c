"""Natural breaks against every way to cut a few values, and against published ones."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.natural_breaks import natural_breaks


def deviations(values: np.ndarray, weights: np.ndarray, tops: tuple[int, ...]) -> float:
    """The sum that is to be least, by its definition."""
    parts = np.split(np.repeat(np.arange(len(values)), weights), np.cumsum(weights)[list(tops[:-1])])
    return sum(float(((values[part] - values[part].mean()) ** 2).sum()) for part in parts)


@settings(deadline=None, max_examples=80, derandomize=True)
@given(st.data())
def test_no_other_cut_is_better(data: st.DataObject) -> None:
    values = np.array(sorted(data.draw(st.sets(st.integers(-500, 500), min_size=1, max_size=9))), dtype=np.float64)
    values = values / 7 + data.draw(st.sampled_from([0.0, 1e6]))
    weights = np.array([data.draw(st.integers(1, 4)) for _ in values])
    k = data.draw(st.integers(1, len(values)))
    tops = tuple(natural_breaks(values, weights.astype(np.float64), k).tolist())
    assert len(tops) == k
    assert list(tops) == sorted(set(tops))
    assert tops[-1] == len(values) - 1
    cuts = [(*cut, len(values) - 1) for cut in combinations(range(len(values) - 1), k - 1)]
    least = min(deviations(values, weights, cut) for cut in cuts)
    assert deviations(values, weights, tops) == pytest.approx(least, rel=1e-6, abs=1e-6)


def test_the_gaps_of_three_heaps_are_found() -> None:
    values = np.concatenate([centre + np.linspace(-4, 4, 60) for centre in (10, 50, 90)])
    assert natural_breaks(values, np.ones(180), 3).tolist() == [59, 119, 179]


def test_each_value_may_be_a_class_of_its_own() -> None:
    assert natural_breaks(np.array([1.0, 5.0, 6.0]), np.ones(3), 3).tolist() == [0, 1, 2]
    assert natural_breaks(np.array([2.0]), np.ones(1), 1).tolist() == [0]


def test_what_occurs_often_weighs_more() -> None:
    values = np.array([0.0, 4.0, 7.0])
    assert natural_breaks(values, np.array([1.0, 1.0, 1.0]), 2).tolist() == [0, 2]
    assert natural_breaks(values, np.array([1.0, 1.0, 9.0]), 2).tolist() == [1, 2]
