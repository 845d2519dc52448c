"""Facts in words: the legal time of the place, and what it is where Paris has another one."""

from __future__ import annotations

from datetime import datetime

import pytest

from dashboard.events_table import in_words
from data.schema import EVENT_BY_NAME


@pytest.mark.parametrize(
    ("departement", "at", "said"),
    [
        ("13", "2026-11-22T22:58", "22/11/2026 23:58"),
        ("", "2026-07-01T10:00", "01/07/2026 12:00"),
        ("972", "2026-11-23T00:18", "22/11/2026 20:18 (UTC−4)"),
        ("974", "2026-07-01T10:00", "01/07/2026 14:00 (UTC+4)"),
        ("976", "2026-07-01T10:00", "01/07/2026 13:00 (UTC+3)"),
    ],
)
def test_a_clock_that_is_not_that_of_paris_is_named(departement: str, at: str, said: str) -> None:
    instant = datetime.fromisoformat(at)
    fact = dict.fromkeys(EVENT_BY_NAME) | {"departement": departement, "day": instant.date(), "occurred_at": instant}
    assert in_words(fact).when == said
