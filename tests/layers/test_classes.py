"""Classes: honest limits, at numbers one can say."""

from __future__ import annotations

import re
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from layers.classes import NO_CLASS, Classes, Scheme, classify, classify_change, open_labels, roundest
from layers.errors import LayerError


def french(number: float) -> str:
    return f"{number:.15g}".replace(".", ",")


VALUES = st.lists(
    st.one_of(st.floats(1e-6, 1e7), st.integers(1, 500).map(float), st.just(float("nan"))), min_size=0, max_size=60
)
SCHEMES: tuple[Scheme, ...] = ("quantiles", "jenks")


@settings(deadline=None, max_examples=60, derandomize=True)
@given(VALUES, st.sampled_from(SCHEMES), st.integers(1, 7))
def test_each_value_is_in_a_class_whose_limits_it_meets(values: list[float], scheme: Scheme, k: int) -> None:
    given_values = np.array(values, dtype=np.float64)
    classes = classify(given_values, scheme, k, format_number=french)
    known = given_values[~np.isnan(given_values)]
    position = classes.indices(given_values)

    assert (position[np.isnan(given_values)] == NO_CLASS).all()
    assert len(classes) <= min(k, len(np.unique(known)))
    assert len(classes.labels) == len(classes.counts)
    assert sum(classes.counts) == known.size
    if not known.size:
        assert classes.bounds == ()
        return
    assert list(classes.bounds[:-1]) == sorted(set(classes.bounds[:-1]))
    inside = position[~np.isnan(given_values)]
    bounds = np.array(classes.bounds)
    assert (bounds[inside] <= known).all()
    assert ((known < bounds[inside + 1]) | (inside == len(classes) - 1)).all()
    assert known.max() <= bounds[-1]
    np.testing.assert_array_equal(np.bincount(inside, minlength=len(classes)), classes.counts)
    assert all(count > 0 for count in classes.counts)


@settings(deadline=None, max_examples=60, derandomize=True)
@given(st.lists(st.floats(-1e5, 1e5), max_size=50), st.sampled_from([1, 3, 5, 7]))
def test_changes_are_classed_symmetrically(values: list[float], k: int) -> None:
    given_values = np.array(values, dtype=np.float64)
    classes = classify_change(given_values, k, format_number=french)
    mirrored = classify_change(-given_values, k, format_number=french)
    assert mirrored.bounds == classes.bounds
    assert mirrored.counts == classes.counts[::-1]
    assert len(classes) % 2 == 1 or not values
    assert sum(classes.counts) == len(values)
    if values:
        assert (classes.indices(np.zeros(1)) == len(classes) // 2).all()
        np.testing.assert_allclose(classes.bounds, [-bound for bound in reversed(classes.bounds)])


def test_quantiles_share_the_hexagons_out() -> None:
    values = np.random.default_rng(1).lognormal(2, 1, 7000)
    classes = classify(values, "quantiles", 7, format_number=french)
    assert len(classes) == 7
    assert min(classes.counts) > 1000 * 0.75
    assert max(classes.counts) < 1000 * 1.25


def test_jenks_finds_the_gaps() -> None:
    random = np.random.default_rng(2)
    values = np.concatenate([random.normal(centre, 0.4, 200) for centre in (10, 50, 90)])
    classes = classify(values, "jenks", 3, format_number=french)
    assert classes.counts == (200, 200, 200)
    assert 12 < classes.bounds[1] < 48
    assert 52 < classes.bounds[2] < 88


def test_jenks_is_the_same_twice_on_a_large_set() -> None:
    values = np.random.default_rng(3).lognormal(1, 1.2, 20_000)
    assert classify(values, "jenks", 6, format_number=french) == classify(values, "jenks", 6, format_number=french)


def test_limits_have_few_digits() -> None:
    values = np.random.default_rng(4).lognormal(5, 1, 5000)
    classes = classify(values, "quantiles", 6, format_number=french)
    digits = [len(french(bound).replace(",", "").strip("0")) for bound in classes.bounds]
    assert max(digits) <= 2


def test_whole_numbers_are_said_without_overlap() -> None:
    values = np.repeat(np.arange(1.0, 31), np.arange(30, 0, -1))
    labels = classify(values, "quantiles", 4, format_number=french).labels
    ends = [tuple(int(end) for end in label.split(" – ")) for label in labels]
    assert ends[0][0] == 1
    assert ends[-1][-1] == 30
    assert all(high[-1] + 1 == low[0] for high, low in pairwise(ends))


@pytest.mark.parametrize(
    ("values", "labels", "counts"),
    [
        ([], (), ()),
        ([np.nan, np.nan], (), ()),
        ([3.0, 3.0, 3.0], ("3",), (3,)),
        ([1.0, 2.0, 2.0, np.nan], ("1", "2"), (1, 2)),
        ([0.5, 0.7], ("0,5 – 0,6", "0,6 – 0,7"), (1, 1)),
    ],
)
def test_few_values_make_few_classes(values: list[float], labels: tuple[str, ...], counts: tuple[int, ...]) -> None:
    for scheme in SCHEMES:
        classes = classify(np.array(values), scheme, 6, format_number=french)
        assert classes.labels == labels
        assert classes.counts == counts


def test_most_hexagons_alike_leaves_fewer_classes_not_empty_ones() -> None:
    values = np.array([1.0] * 900 + [2.0] * 50 + list(range(3, 53)))
    classes = classify(values, "quantiles", 6, format_number=french)
    assert 1 < len(classes) < 6
    assert classes.labels[0].startswith("1")
    assert min(classes.counts) > 0


@pytest.mark.parametrize(
    ("low", "high", "target", "expected"),
    [(38, 41, 40.5, 40), (4.2, 7.9, 5.1, 5), (0.031, 0.052, 0.04, 0.05), (99.5, 100.5, 100, 100), (34, 40, 38, 40)],
)  # fmt: skip
def test_roundest_number_between(low: float, high: float, target: float, expected: float) -> None:
    assert roundest(low, high, target) == expected


def test_labels_of_a_change_carry_their_sign() -> None:
    classes = classify_change(np.array([-40.0, -12, -3, 0, 2, 9, 35]), 3, format_number=french)
    assert classes.labels[0].startswith("−")
    assert classes.labels[2].startswith("+")


@pytest.mark.parametrize(("values", "k"), [([1.0, np.inf], 5), ([1.0], 0), ([1.0], 8)])
def test_what_cannot_be_classed_is_refused(values: list[float], k: int) -> None:
    with pytest.raises(LayerError):
        classify(np.array(values), "quantiles", k, format_number=french)


def test_unknown_scheme_and_even_change_are_refused() -> None:
    with pytest.raises(LayerError, match="médiane"):
        classify(np.arange(9.0), "médiane", 3, format_number=french)  # type: ignore[arg-type]  # on purpose
    with pytest.raises(LayerError, match="impair"):
        classify_change(np.arange(9.0), 4, format_number=french)


def number_in(text: str) -> float:
    return float(text.replace(",", "."))


def meets(label: str, value: float) -> bool:
    """Whether a value meets what a label says: "≤ 3", "< 0,5", "4 – 7", "12", "≥ 40", "> 0"."""
    if sign := re.fullmatch(r"([≤<≥>]) (.+)", label):
        limit = number_in(sign[2])
        return {"≤": value <= limit, "<": value < limit, "≥": value >= limit, ">": value > limit}[sign[1]]
    low, _dash, high = label.partition(" – ")
    return number_in(low) <= value <= number_in(high or low)


@settings(deadline=None, max_examples=60, derandomize=True)
@given(
    st.one_of(st.lists(st.integers(1, 500).map(float), max_size=60), st.lists(st.floats(1e-3, 1e7), max_size=60)),
    st.lists(st.one_of(st.integers(1, 2000).map(float), st.floats(1e-3, 1e8)), max_size=20),
    st.sampled_from(SCHEMES),
    st.integers(1, 7),
)
def test_open_labels_hold_for_values_that_come_later(
    values: list[float], later: list[float], scheme: Scheme, k: int
) -> None:
    """Classes outlast the values that they were drawn from: the first and the last label are true of any value."""
    classes = classify(np.array(values), scheme, k, format_number=french)
    labels = open_labels(classes, french)
    assert len(labels) == len(classes)
    assert labels[1:-1] == classes.labels[1:-1]
    shown = [*values, *(value for value in later if not classes.whole or value == round(value))]
    if not len(classes):
        return
    for value, position in zip(shown, classes.indices(np.array(shown)).tolist(), strict=True):
        assert meets(labels[position], value), (labels, position, value)
        assert [at for at, label in enumerate(labels) if meets(label, value)][-1] == position


@pytest.mark.parametrize(
    ("values", "labels"),
    [
        ([], ()),
        ([3.0, 3.0], ("≥ 1",)),
        ([1.0, 2.0, 2.0], ("1", "≥ 2")),
        ([5.0, 10.0, 15.0], ("≤ 9", "10 – 14", "≥ 15")),
        ([0.5, 0.7], ("< 0,6", "≥ 0,6")),
    ],
)
def test_open_labels_of_few_values(values: list[float], labels: tuple[str, ...]) -> None:
    assert open_labels(classify(np.array(values), "quantiles", 6, format_number=french), french) == labels


def test_labels_of_a_change_stay_as_they_are() -> None:
    """A scale around zero says its ends: they are symmetrical."""
    classes: Classes = classify_change(np.array([-40.0, -12, -3, 0, 2, 9, 35]), 3, format_number=french)
    assert open_labels(classes, french) == classes.labels
