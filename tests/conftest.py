"""Shared fixtures. In CI a skipped test is a failed one."""

from __future__ import annotations

import os
from pathlib import Path

import hypothesis
import pytest

# The same examples everywhere and every time; a busy machine is no failure.
hypothesis.settings.register_profile("hexacross", deadline=None, derandomize=True)
hypothesis.settings.load_profile("hexacross")

ROOT = Path(__file__).parent.parent
DATASETS = ROOT.parent / "shared" / "datasets"


@pytest.fixture(scope="session")
def datasets() -> Path:
    """The folder of public files that the tests read but the repository does not hold."""
    if not DATASETS.is_dir():
        pytest.skip(f"public files absent: {DATASETS}")
    return DATASETS


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]):  # type: ignore[no-untyped-def]
    report = yield
    if report.skipped and os.environ.get("CI") and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped in CI, where nothing may be: {item.nodeid}: {report.longrepr}"
    return report
