"""What a page shows while the store is away: the last answers, with their age."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

import pytest

from dashboard import recall as dashboard_recall
from dashboard.beside import UNKNOWN
from dashboard.figures import key_figures
from dashboard.recall import Reading, Recall
from data.errors import StoreError


class Asked:
    """A function of a store that may be away."""

    def __init__(self) -> None:
        self.away = False
        self.answer = 1

    def totals(self, territory: str) -> tuple[str, int]:
        if self.away:
            raise StoreError("partie")
        return territory, self.answer


def test_the_last_answer_to_the_same_question_is_recalled() -> None:
    recall, store = Recall(), Asked()
    before = Reading(recall)
    assert before.ask(store.totals, "marseille") == ("marseille", 1)
    assert before.error is None
    store.answer = 2
    assert Reading(recall).ask(store.totals, "marseille") == ("marseille", 2)
    store.away = True
    reading = Reading(recall, as_of=datetime.now(UTC) + timedelta(hours=1))
    assert reading.ask(store.totals, "marseille") == ("marseille", 2)
    assert isinstance(reading.error, StoreError)
    assert reading.as_of <= datetime.now(UTC)
    with pytest.raises(StoreError):
        reading.ask(store.totals, "toulon")


def test_the_least_recent_answers_leave(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dashboard_recall, "KEPT", 2)
    recall = Recall()
    for question in ("a", "b", "a", "c"):
        recall.keep(question, question, datetime.now(UTC))
    assert [recall.last(question) is not None for question in "abc"] == [True, False, True]


def test_what_was_never_known_is_no_zero() -> None:
    shown = key_figures(UNKNOWN, math.nan)
    assert [figure.value for figure in shown] == ["—"] * 4
