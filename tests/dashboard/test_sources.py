"""Which markings a screen and an export carry."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from dashboard.sources import marking_label, markings_shown
from data.store import Source


def source(marking: str) -> Source:
    return Source("essai", marking, 1, 0, None, None, datetime(2026, 3, 1, tzinfo=UTC))


@pytest.mark.parametrize(
    ("present", "shown", "label"),
    [
        ([], (), ""),
        (["public"], (), ""),
        (["public", "demo"], ("demo",), "Données de démonstration"),
        (["internal", "public"], ("internal",), "Usage interne"),
        (["internal", "restricted"], ("restricted",), "Diffusion Restreinte"),
        (["demo", "internal"], ("internal", "demo"), "Usage interne · Données de démonstration"),
        (["demo", "restricted", "internal"], ("restricted", "demo"), "Diffusion Restreinte · Données de démonstration"),
    ],
)
def test_the_highest_marking_is_shown_and_the_demonstration_always(
    present: list[str], shown: tuple[str, ...], label: str
) -> None:
    markings = markings_shown(source(marking) for marking in present)
    assert markings == shown
    assert marking_label(markings) == label
