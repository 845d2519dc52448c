"""A walk through time: 52 weeks of an urban area played on the live map, each step and each frame of it timed.

A step is timed twice by the browser's own clock: what the map's script does for it, and the longest gap between two
frames from one step to the next, in which the hexagons come onto the screen. The bar is absolute: no other map of the
field plays tiles of a store.
"""

from __future__ import annotations

import statistics
import time
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.benchmarks.programs import chromium, ours
from tests.benchmarks.report import report
from tests.benchmarks.screen import HEIGHT_PX, WIDTH_PX
from tests.benchmarks.test_store_bench import MILLION, filled_store, folder
from tests.browser.pixels import map_frame

__all__ = ["chromium"]  # a fixture

pytestmark = [pytest.mark.bench, pytest.mark.timeout(900)]

WEEKS, STEP_S = 52, 0.1
WALK = "territoire=cross:marseille&du=2025-01-06&au=2025-01-12&pas=semaine"
WARM_S = 5  # the server makes what the first visitor would wait for

# Of each step, milliseconds: the script's own, and the longest gap between two frames until the next step.
WATCH = """(panel) => {
  const steps = (window.steps = []);
  let before = performance.now();
  const frame = (at) => {
    if (steps.length) steps.at(-1).gap = Math.max(steps.at(-1).gap, at - before);
    before = at;
    requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
  new MutationObserver(() => steps.push({ script: Number(panel.dataset.step), gap: 0 })).observe(panel, {
    attributeFilter: ["data-steps"],
  });
}"""


@pytest.mark.parametrize("events", [200_000, 10 * MILLION], ids=["200k", "10M"])
def test_a_year_of_weeks_is_played(events: int, chromium: Browser, tmp_path: Path) -> None:
    filled_store(events).close()
    context = chromium.new_context(viewport={"width": WIDTH_PX, "height": HEIGHT_PX}, locale="fr-FR")
    with ours(tmp_path, folder() / f"demo-{events}.duckdb") as (port, _process):
        time.sleep(WARM_S)
        page = context.new_page()
        page.goto(f"http://127.0.0.1:{port}/?{WALK}")
        frame = map_frame(page)
        frame.wait_for_selector(".hxc-map[data-state=ready]")
        frame.wait_for_function("document.querySelector('.hxc-time-axis').textContent.includes('Incidents')")
        frame.locator(".hxc-time").evaluate(WATCH)
        frame.get_by_role("button", name="Lire").click()
        frame.wait_for_function("(weeks) => window.steps.length > weeks", arg=WEEKS, timeout=300_000)
        steps = frame.evaluate("window.steps")[:WEEKS]
    context.close()
    script_s, gap_s = ([step[name] / 1000 for step in steps] for name in ("script", "gap"))
    text = f"≤ 0.1 s: p50 {statistics.median(gap_s):.3f} s; the script's part at most {max(script_s):.3f} s"
    report(f"{events:,} facts: longest of {WEEKS} weekly steps", max(gap_s), None, text, max(gap_s) <= STEP_S)
