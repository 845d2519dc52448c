"""One aligned line for each benchmark, and the helper that takes the time: `make bench` prints nothing else."""

from __future__ import annotations

import gc
import statistics
import sys
import time
from collections.abc import Callable


def median_time(run: Callable[[], object], repeats: int = 3) -> float:
    """Seconds of wall clock, the median of `repeats` runs; what a run returns is dropped before the next one."""
    seconds = []
    for _ in range(repeats):
        gc.collect()
        start = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds)


def report(name: str, ours_s: float, peer_s: float | None, bar_text: str, passed: bool, unit: str = "s") -> None:
    """Print what was measured beside its peer and its bar, then fail if the bar was missed.

    Args:
        name: What was done, with its size: "indexing and communes, 5 million points".
        ours_s: Seconds (or `unit`), our side.
        peer_s: The peer's side in the same run; None where the bar is absolute.
        bar_text: The bar and what was reached, as a reader wants it: "≥ 5× geopandas.sjoin".
        passed: Whether the bar is met.
        unit: Of both numbers, where it is not seconds.
    """
    peer = "" if peer_s is None else f"{peer_s:10.3f} {unit} {peer_s / ours_s:7.1f}×"
    line = f"{name:<58} {ours_s:10.3f} {unit} {peer:>21}  {bar_text}  {'ok' if passed else 'MISSED'}"
    sys.stdout.write(f"\n{line}\n")
    sys.stdout.flush()
    assert passed, line
