"""No count below the threshold is shown, nor found by taking one answer from another."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo.disclosure import protect
from geo.errors import GeometryError

COUNTS = st.lists(st.integers(0, 10_000), max_size=50)


def test_small_counts_are_hidden_and_others_rounded() -> None:
    shown, protected = protect([0, 1, 4, 5, 7, 8, 12, 13, np.nan], 5)
    np.testing.assert_array_equal(shown, [0, np.nan, np.nan, 5, 5, 10, 10, 15, np.nan])
    assert protected.tolist() == [False, True, True, False, False, False, False, False, False]


def test_halves_go_up() -> None:
    assert protect([15, 25, 35], 10)[0].tolist() == [20, 30, 40]


@pytest.mark.parametrize("threshold", [0, 1])
def test_without_threshold_nothing_changes(threshold: int) -> None:
    given_counts = np.array([0.0, 1, 2, 37, np.nan])
    shown, protected = protect(given_counts, threshold)
    np.testing.assert_array_equal(shown, given_counts)
    assert not protected.any()


def test_the_caller_keeps_the_counts() -> None:
    counts = np.array([1.0, 12.0])
    protect(counts, 10)
    assert counts.tolist() == [1, 12]


def test_negative_threshold_is_refused() -> None:
    with pytest.raises(GeometryError, match="Seuil -1"):
        protect([1], -1)


@given(COUNTS, st.integers(2, 50))
def test_shown_counts_are_near_multiples(counts: list[int], threshold: int) -> None:
    shown, protected = protect(counts, threshold)
    exact = np.array(counts, dtype=float)
    assert (shown[~protected] % threshold == 0).all()
    assert (np.abs(shown - exact)[~protected] <= threshold / 2).all()
    assert ((exact[protected] > 0) & (exact[protected] < threshold)).all()
    assert (shown[exact == 0] == 0).all()


@given(st.integers(0, 10_000), st.integers(0, 10_000), st.integers(2, 50))
def test_a_difference_never_reveals_a_small_count(before: int, added: int, threshold: int) -> None:
    """A period and the same one a day longer, a hexagon and its parent, a filter and no filter."""
    (first, second), _ = protect([before, before + added], threshold)
    assert np.isnan(first) or np.isnan(second) or (second - first) % threshold == 0
