"""Ranks against a plain second implementation, and their intervals against the truth that made the counts."""

from __future__ import annotations

from itertools import permutations
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest, rankdata

from geo.errors import GeometryError
from geo.ranking import rank_rates


def plain_intervals(counts: list[int], people: list[int], error: float) -> list[tuple[int, int]]:
    """One-sided binomial tests of every ordered pair, rejected one after the other as Holm (1979) does."""
    n = len(counts)
    tests = []
    for i, j in permutations(range(n), 2):
        both, share = counts[i] + counts[j], people[i] / (people[i] + people[j])
        p = binomtest(counts[i], both, share, alternative="greater").pvalue if both else 1.0
        tests.append((p, i, j))
    best, worst = [1] * n, [n] * n
    for step, (p, i, j) in enumerate(sorted(tests)):
        if p > error / (len(tests) - step):
            break
        worst[i] -= 1
        best[j] += 1
    return list(zip(best, worst, strict=True))


@settings(max_examples=25)
@given(st.lists(st.tuples(st.integers(0, 120), st.integers(1, 50)), min_size=2, max_size=8))
def test_intervals_are_those_of_a_plain_second_implementation(rows: list[tuple[int, int]]) -> None:
    counts, people = (list(column) for column in zip(*rows, strict=True))
    found = rank_rates(counts, people)
    expected = plain_intervals(counts, people, 0.05)
    assert list(zip(found.best, found.worst, strict=True)) == expected
    assert found.rank.tolist() == rankdata(-np.array(counts) / np.array(people), method="min").tolist()


@given(st.lists(st.tuples(st.integers(0, 10**6), st.integers(1, 10**6)), min_size=1, max_size=40))
def test_a_rank_is_in_its_interval(rows: list[tuple[int, int]]) -> None:
    counts, people = np.array(rows).T
    found = rank_rates(counts, people)
    assert found.ranked == len(rows)
    assert ((found.best >= 1) & (found.best <= found.rank) & (found.worst <= len(rows))).all()
    assert (found.rank <= found.worst).all()


@pytest.mark.parametrize("spread", [0.0, 0.1, 0.5])
def test_all_intervals_hold_the_truth_together(spread: float) -> None:
    """A hundred years of thirteen regions: no more than five in which any interval misses, give or take chance."""
    rng = np.random.default_rng(seed=13)
    people = rng.uniform(3e5, 1.2e7, 13)
    rates = 60e-5 * np.exp(spread * rng.standard_normal(13))
    highest, lowest = rankdata(-rates, method="min"), rankdata(-rates, method="max")
    missed = 0
    for _ in range(100):
        found = rank_rates(rng.poisson(people * rates), people)
        missed += int(((found.best > lowest) | (found.worst < highest)).any())
    assert missed <= 8


def test_clear_cut_ranks_are_points() -> None:
    found = rank_rates([10_000, 400, 100_000, 20], [1e6] * 4)
    assert found.rank.tolist() == found.best.tolist() == found.worst.tolist() == [2, 3, 1, 4]


def test_equal_rates_are_all_open() -> None:
    found = rank_rates([7, 7, 7], [100, 100, 100])
    assert found.rank.tolist() == found.best.tolist() == [1, 1, 1]
    assert found.worst.tolist() == [3, 3, 3]


def test_unknown_takes_no_rank() -> None:
    found = rank_rates([np.nan, 500, 3, 3, 0], [1e5, 1e5, 0, 1e5, 1e5])
    assert found.ranked == 3
    assert np.isnan([found.rank[[0, 2]], found.best[[0, 2]], found.worst[[0, 2]]]).all()
    assert found.rank[[1, 3, 4]].tolist() == [1, 2, 3]
    assert found.best[[1, 3, 4]].tolist() == [1, 2, 2]
    assert rank_rates([], []).ranked == 0
    assert rank_rates([4], [1e5]).worst.tolist() == [1]


def test_refused() -> None:
    with pytest.raises(GeometryError):
        rank_rates([1, 2], [3])
    with pytest.raises(GeometryError):
        rank_rates([1.5, 2], [3, 3])


@pytest.mark.dataset
def test_departements_overlap(datasets: Path) -> None:
    """101 départements in 2024: nobody's rank among them is one number, but for the very first."""
    table = pd.read_csv(datasets / "ssmsi-departements-2016-2025.csv", sep=";", decimal=",", encoding="utf-8-sig")
    rows = table[(table["indicateur"] == "Trafic de stupéfiants") & (table["annee"] == 2024)]
    found = rank_rates(rows["nombre"], rows["insee_pop"])
    highest = (rows["nombre"] / rows["insee_pop"]).to_numpy().argmax()
    assert found.rank[highest] == found.best[highest] == 1
    assert np.median(found.worst - found.best) > 10
