"""A Sankey diagram keeps amounts: bars and bands of a column sum to all, and bands fill their bars without overlap."""

from __future__ import annotations

import itertools
from collections import defaultdict

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from layers.sankey import sankey

WAYS = st.lists(st.tuples(*[st.integers(-1, 3)] * 3, st.integers(0, 20)), min_size=1, max_size=30)


@given(WAYS)
def test_amounts_are_kept(ways: list[tuple[int, int, int, int]]) -> None:
    *columns, amounts = np.array(ways, dtype=np.int64).T
    drawn = sankey(columns, amounts.astype(np.float64), last=(-1,))
    total = int(amounts.sum())
    if not total:
        assert drawn.bars == drawn.bands == ()
        return
    for at, column in enumerate(columns):
        bars = [bar for bar in drawn.bars if bar.column == at]
        assert {bar.node: bar.amount for bar in bars} == {
            node: amounts[column == node].sum() for node in np.unique(column).tolist()
        }
        assert [bar.top for bar in bars] == sorted(bar.top for bar in bars)
        assert all(one.bottom <= other.top for one, other in itertools.pairwise(bars))
        assert -1 not in [bar.node for bar in bars[:-1]]
        assert bars[-1].bottom <= 1 + 1e-9
    for at in (0, 1):
        expected: dict[tuple[int, int], int] = defaultdict(int)
        for way in ways:
            expected[way[at], way[at + 1]] += way[3]
        bands = {(band.start, band.stop): band.amount for band in drawn.bands if band.column == at}
        assert bands == {pair: amount for pair, amount in expected.items() if amount}


@given(WAYS)
def test_bands_fill_their_bars(ways: list[tuple[int, int, int, int]]) -> None:
    *columns, amounts = np.array(ways, dtype=np.int64).T
    drawn = sankey(columns, amounts.astype(np.float64))
    bars = {(bar.column, bar.node): bar for bar in drawn.bars}
    for end, side in ((0, "start"), (-1, "stop")):
        of_bar = defaultdict(list)
        for band in drawn.bands:
            key = (band.column + (end == -1), getattr(band, side))
            of_bar[key].append((float(band.top[end]), float(band.bottom[end])))
        for key, spans in of_bar.items():
            spans.sort()
            assert spans[0][0] == pytest.approx(bars[key].top)
            assert spans[-1][1] == pytest.approx(bars[key].bottom)
            for (_top, bottom), (top, _bottom) in itertools.pairwise(spans):
                assert bottom == pytest.approx(top)
