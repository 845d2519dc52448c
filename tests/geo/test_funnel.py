"""Funnel limits against enumeration, scipy and the paper's formulas; the dispersion against a published example."""

from __future__ import annotations

from math import comb, exp, factorial, sqrt
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom, norm, poisson

from geo.errors import GeometryError
from geo.funnel import ALARM, WARNING, Dispersion, Law, Limits, Standing, dispersion_of, rate_funnel, share_funnel

# Colditz et al. (1994), JAMA 271(9), thirteen trials of the BCG vaccine: cases and others among vaccinated, then among
# the rest; the example by which meta-analysis programs are compared. With the DerSimonian-Laird estimator, Q = 152.23
# and tau² = 0.3088 (R's metafor, `dat.bcg`).
BCG = np.array(
    [(4, 119, 11, 128), (6, 300, 29, 274), (3, 228, 11, 209), (62, 13536, 248, 12619), (33, 5036, 47, 5761),
     (180, 1361, 372, 1079), (8, 2537, 10, 619), (505, 87886, 499, 87892), (29, 7470, 45, 7232), (17, 1699, 65, 1600),
     (186, 50448, 141, 27197), (5, 2493, 3, 2338), (27, 16886, 29, 17825)],
    dtype=float,
)  # fmt: skip


LAWS: tuple[Law, ...] = ("poisson", "binomial")


def poisson_terms(mean: float) -> list[float]:
    return [exp(-mean) * mean**k / factorial(k) for k in range(int(mean + 12 * sqrt(mean) + 15))]


def binomial_terms(size: int, share: float) -> list[float]:
    return [comb(size, k) * share**k * (1 - share) ** (size - k) for k in range(size + 1)]


def interpolated(terms: list[float], p: float) -> float:
    """Appendix A.1.1 of the paper, by adding up."""
    cumulated = 0.0
    for r, term in enumerate(terms):
        cumulated += term
        if cumulated >= p:
            return r - (cumulated - p) / term
    raise AssertionError(p)


def no_dispersion(law: Law, target: float) -> Limits:
    return Limits(law, 1.0, target, 1.0, 0.0, "none")


@given(st.floats(0.05, 60), st.sampled_from([WARNING, ALARM]))
def test_rate_limits_are_those_of_an_enumeration(mean: float, level: float) -> None:
    band = no_dispersion("poisson", 0.5).at([2 * mean], level)
    tail, terms = (1 - level) / 2, poisson_terms(mean)
    expected = [max(0.0, interpolated(terms, p)) / (2 * mean) for p in (tail, 1 - tail)]
    assert [band.low[0], band.high[0]] == pytest.approx(expected, rel=1e-7, abs=1e-12)


@given(st.integers(1, 80), st.floats(0.01, 0.99), st.sampled_from([WARNING, ALARM]))
def test_share_limits_are_those_of_an_enumeration(size: int, share: float, level: float) -> None:
    band = no_dispersion("binomial", share).at([size], level)
    tail, terms = (1 - level) / 2, binomial_terms(size, share)
    low, high = (interpolated(terms, p) / size for p in (tail, 1 - tail))
    assert [band.low[0], band.high[0]] == pytest.approx([max(0.0, low), max(share, high)], rel=1e-7, abs=1e-12)


def test_limits_of_all_sizes_are_next_to_scipys_quantiles() -> None:
    sizes = np.unique(np.geomspace(2, 3_000_000, 400).round())
    for level in (WARNING, ALARM):
        tail = (1 - level) / 2
        rates, shares = (
            no_dispersion("poisson", 0.02).at(sizes, level),
            no_dispersion("binomial", 0.03).at(sizes, level),
        )
        for p, rate, share in ((tail, rates.low, shares.low), (1 - tail, rates.high, shares.high)):
            for count, quantile in (
                (rate * sizes, poisson.ppf(p, 0.02 * sizes)),
                (share * sizes, binom.ppf(p, sizes, 0.03)),
            ):
                assert ((count <= quantile + 1e-6) & (count >= np.maximum(quantile - 1, 0) - 1e-6)).all()


@pytest.mark.parametrize("level", [WARNING, ALARM])
def test_large_counts_have_the_papers_normal_limits(level: float) -> None:
    # θ0 ± z √(θ0 (1 - θ0) / n), and √φ times as far, or √(s² + τ²) in place of s
    size, share, phi, tau = 1e8, 0.08, 5.3, 0.002
    s = sqrt(share * (1 - share) / size)
    z = norm.ppf((1 + level) / 2)
    spread: dict[Dispersion, float] = {"none": s, "multiplicative": sqrt(phi) * s, "additive": sqrt(s**2 + tau**2)}
    for dispersion, expected in spread.items():
        band = Limits("binomial", 100, 8, phi, 100 * tau, dispersion).at(size, level)
        assert float(band.low) - 8 == pytest.approx(-100 * z * expected, rel=1e-3)
        assert float(band.high) - 8 == pytest.approx(100 * z * expected, rel=1e-3)


def test_dispersion_is_the_published_one() -> None:
    cases, others, cases_without, others_without = BCG.T
    ratio = np.log(cases / (cases + others)) - np.log(cases_without / (cases_without + others_without))
    variance = 1 / cases - 1 / (cases + others) + 1 / cases_without - 1 / (cases_without + others_without)
    mean = np.average(ratio, weights=1 / variance)
    phi, tau2 = dispersion_of((ratio - mean) / np.sqrt(variance), variance, winsorised=0)
    assert phi * len(BCG) == pytest.approx(152.23, abs=0.005)
    assert tau2 == pytest.approx(0.3088, abs=5e-5)


def test_winsorising_brings_in_a_tenth_at_each_end() -> None:
    z = np.array([-9.0, -2, -1, -0.5, 0, 0, 0.5, 1, 2, 3, 40])
    # Of eleven, the quantile of 10 % is the second: -9 becomes -2, and 40 becomes 3.
    assert dispersion_of(z, np.ones(11))[0] == pytest.approx((4 + 4 + 1 + 0.25 + 0.25 + 1 + 4 + 9 + 9) / 11)
    assert dispersion_of(z[:0], z[:0])[1] == 0
    assert dispersion_of(np.array([5.0]), np.array([1.0])) == (25, 0)


def test_chance_alone_asks_for_no_dispersion_and_crosses_limits_as_promised() -> None:
    rng = np.random.default_rng(seed=5)
    population = rng.uniform(2e4, 2e6, 4_000)
    funnel = rate_funnel(rng.poisson(population * 40 / 1e5), population, dispersion="none")
    assert funnel.limits.target == pytest.approx(40, rel=0.01)
    assert funnel.limits.phi < 1
    assert funnel.limits.tau == 0
    assert (
        0.018 < np.isin(funnel.standing, [Standing.ABOVE, Standing.FAR_ABOVE]).mean() < 0.026
    )  # 0.025, less what whole counts leave
    assert (
        0.018 < np.isin(funnel.standing, [Standing.BELOW, Standing.FAR_BELOW]).mean() < 0.026
    )  # 0.025, less what whole counts leave
    assert (np.isin(funnel.standing, [Standing.FAR_ABOVE, Standing.FAR_BELOW])).mean() < 0.003


def test_rates_that_differ_are_found_to_differ_by_as_much() -> None:
    rng = np.random.default_rng(seed=6)
    population = rng.uniform(1e5, 3e6, 2_000)
    funnel = rate_funnel(rng.poisson(population * rng.normal(300, 60, 2_000) / 1e5), population)
    assert funnel.limits.phi > 20
    assert funnel.limits.tau == pytest.approx(60, rel=0.25)  # a little less: the winsorised tenths were real
    assert np.isin(funnel.standing, [Standing.FAR_ABOVE, Standing.FAR_BELOW]).mean() < 0.02
    assert (rate_funnel([300] * 9, [1e5] * 9).standing == Standing.INSIDE).all()


@given(st.floats(0.2, 200), st.sampled_from(["poisson", "binomial"]))
def test_nobody_is_outside_more_often_than_promised(mean: float, law: str) -> None:
    if law == "poisson":
        counts = np.arange(int(mean + 10 * sqrt(mean) + 20))
        funnel = rate_funnel(counts, np.full(len(counts), 1000), 1000, target=mean, dispersion="none")
        chance = poisson.pmf(counts, mean)
    else:
        size = int(mean) + 1
        counts = np.arange(size + 1)
        funnel = share_funnel(counts, np.full(size + 1, size), target=20, dispersion="none")
        chance = binom.pmf(counts, size, 0.2)
    for level, sides in ((WARNING, "ABOVE BELOW"), (ALARM, "FAR_ABOVE FAR_BELOW")):
        for side in sides.split():
            beyond = {Standing[side], Standing["FAR_" + side.removeprefix("FAR_")]}
            assert chance[np.isin(funnel.standing, list(beyond))].sum() <= (1 - level) / 2


@settings(max_examples=30)
@given(st.lists(st.tuples(st.integers(0, 300), st.integers(1, 10**6)), min_size=1, max_size=30))
def test_wider_limits_hold_the_narrower(rows: list[tuple[int, int]]) -> None:
    counts, population = np.array(rows).T
    plain, additive = rate_funnel(counts, population, dispersion="none"), rate_funnel(counts, population)
    multiplicative = rate_funnel(counts, population, dispersion="multiplicative")
    for level in (WARNING, ALARM):
        inner = plain.limits.at(population, level)
        for other in (additive, multiplicative):
            outer = other.limits.at(population, level)
            assert (outer.low <= inner.low * (1 + 1e-12)).all()
            assert (outer.high >= inner.high * (1 - 1e-12)).all()
    assert plain.expected.sum() == pytest.approx(counts.sum())
    assert plain.value == pytest.approx(counts / population * 1e5)


def test_hamlets_have_limits_around_the_target() -> None:
    for law in LAWS:
        for level in (WARNING, ALARM):
            band = Limits(law, 1.0, 1e-4, 9.0, 0.0, "multiplicative").at([1, 2, 5, 20, 100, 1000], level)
            assert (band.low == 0).all()
            assert (band.high >= 1e-4).all()
    # One fact among a hundred inhabitants where one in ten thousand is usual: so it is in one hamlet of a hundred.
    hamlets = rate_funnel([1, 2, 0], [100, 100, 100], target=10, dispersion="none")
    assert hamlets.standing.tolist() == [Standing.INSIDE, Standing.FAR_ABOVE, Standing.INSIDE]


def test_unknown_stands_nowhere() -> None:
    funnel = rate_funnel([5, np.nan, 3, 3, 200, -1], [1e4, 1e4, 0, np.nan, 1e4, 1e4], dispersion="none")
    assert funnel.standing.tolist() == [Standing.FAR_BELOW, 0, 0, 0, Standing.FAR_ABOVE, 0]
    unknown = [1, 2, 3, 5]
    for column in (funnel.value, funnel.expected, funnel.z, *funnel.limits.at([np.nan, 0], WARNING)):
        assert np.isnan(column[unknown] if len(column) == 6 else column).all()
    assert share_funnel([3, 5], [2, 10]).standing.tolist() == [Standing.UNKNOWN, Standing.INSIDE]


def test_nothing_at_all() -> None:
    empty = rate_funnel([], [])
    assert np.isnan([empty.limits.target, empty.limits.phi]).all()
    assert np.isnan(empty.limits.at([1e5], WARNING).low).all()
    zeros = rate_funnel([0, 0, 0], [10, 20, 30])
    assert zeros.standing.tolist() == [Standing.INSIDE] * 3
    assert zeros.limits.at([10], ALARM) == ([0], [0])
    assert rate_funnel([0, 1], [10, 10], target=0).standing.tolist() == [Standing.INSIDE, Standing.FAR_ABOVE]
    assert share_funnel([3, 4], [3, 4]).standing.tolist() == [Standing.INSIDE] * 2


@pytest.mark.parametrize(
    ("counts", "sizes", "target"), [([1.5], [3], None), ([1, 2], [3], None), ([1], [3], -1), ([[1]], [[2]], None)]
)
def test_refused(counts: list[float], sizes: list[float], target: float | None) -> None:
    with pytest.raises(GeometryError):
        rate_funnel(counts, sizes, target=target)
    with pytest.raises(GeometryError):
        share_funnel(counts, sizes, target=101 if target else None)


@pytest.mark.dataset
def test_departements_differ_by_more_than_chance(datasets: Path) -> None:
    """Persons implicated in trafficking, 2024: one target for 101 départements, and what the paper foresees."""
    table = pd.read_csv(datasets / "ssmsi-departements-2016-2025.csv", sep=";", decimal=",", encoding="utf-8-sig")
    rows = table[(table["indicateur"] == "Trafic de stupéfiants") & (table["annee"] == 2024)]
    counts, population = rows["nombre"].to_numpy(float), rows["insee_pop"].to_numpy(float)
    plain = rate_funnel(counts, population, dispersion="none")
    additive = rate_funnel(counts, population)
    assert len(rows) == 101
    z = (counts - plain.limits.target * population / 1e5) / np.sqrt(plain.limits.target * population / 1e5)
    assert plain.z == pytest.approx(z)
    assert plain.limits.phi == pytest.approx(np.mean(np.clip(z, *np.quantile(z, [0.1, 0.9])) ** 2))
    assert (plain.standing != Standing.INSIDE).sum() > 60
    assert (additive.standing != Standing.INSIDE).sum() < 15
