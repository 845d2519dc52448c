"""Which markings a screen and an export carry."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from dashboard.sources import marking_label, markings_shown, source_ages
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


def test_a_source_says_how_old_it_is_and_from_when_that_is_too_old() -> None:
    loaded = datetime(2026, 3, 1, 6, tzinfo=UTC)
    known = Source("essai", "public", 3, 0, date(2026, 2, 1), date(2026, 2, 28), loaded)
    before, after = (source_ages([known], 48, loaded + timedelta(hours=hours))[0] for hours in (47, 49))
    assert (before.stale, after.stale) == (False, True)
    assert after.text == "jusqu'au 28/02/2026, chargée il y a 2 j"
    assert after.says == "jusqu'au 28/02/2026, chargée {age}"
    assert after.stale_from == datetime(2026, 3, 3, 6, tzinfo=UTC)
    days = (date(2026, 1, 1), date(2026, 2, 1), date(2026, 2, 2), date(2026, 3, 1))
    spans = [(days[0], days[1]), (days[0], days[2]), (days[2], days[3]), (days[3], date(2026, 4, 1))]
    assert [after.has_facts_of(*span) for span in spans] == [False, True, True, False]
    assert not source_ages([source("public")], 48, loaded)[0].has_facts_of(days[0], days[3])
