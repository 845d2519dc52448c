"""What is told of a wall's memory: that it grows, that it does not, or that nobody can tell yet."""

from __future__ import annotations

import numpy as np
import pytest

from tests.wall_memory import CHANGES, growths


@pytest.mark.parametrize(
    ("grows_by", "noise", "last", "told"),
    [
        (0.0, 2.0, CHANGES, "stable"),
        (3.0, 2.0, CHANGES, "stable"),  # less than a tenth
        (30.0, 2.0, CHANGES, "croît"),
        (0.0, 20.0, CHANGES // 20, "indécis : plus de changements"),
    ],
)
def test_memory_that_grows_is_told_from_one_that_moves(grows_by: float, noise: float, last: int, told: str) -> None:
    random = np.random.default_rng(1)
    when = np.linspace(0, last, 100)
    taken = 100 + grows_by * when / CHANGES + random.normal(0, noise, 100)
    taken[:30] -= np.linspace(60, 0, 30)  # while caches fill
    taken[80] += 500  # a single jump moves no median
    samples = [{"changements": float(at), "page": float(mb)} for at, mb in zip(when, taken, strict=True)]
    found = growths(samples)["page"]
    assert found.verdict == told
    assert found.low <= grows_by <= found.high
    assert growths(samples[:9]) == {}
