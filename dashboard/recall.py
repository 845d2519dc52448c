"""The store's last known answers, for as long as it is away: a page shows them with their age, never a zero instead."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, ParamSpec, TypeVar

from data.errors import StoreError

KEPT = 500  # answers: small ones, the figures beside a map
P = ParamSpec("P")
T = TypeVar("T")


class Recall:
    """Answers by question, the least recently asked leaving first; safe between threads."""

    def __init__(self) -> None:
        self._answers: OrderedDict[Hashable, tuple[Any, datetime]] = OrderedDict()
        self._lock = threading.Lock()

    def keep(self, question: Hashable, answer: object, at: datetime) -> None:
        """Remember an answer."""
        with self._lock:
            self._answers[question] = (answer, at)
            self._answers.move_to_end(question)
            while len(self._answers) > KEPT:
                self._answers.popitem(last=False)

    def last(self, question: Hashable) -> tuple[Any, datetime] | None:
        """The last answer, and when it was given."""
        with self._lock:
            return self._answers.get(question)


@dataclass
class Reading:
    """The questions of one picture of a page: all answered, or some of them recalled."""

    recall: Recall
    as_of: datetime = field(default_factory=lambda: datetime.now(UTC))  # UTC, of the oldest answer
    error: StoreError | None = None  # why some are recalled

    def ask(self, read: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """The answer of a function of the store, or the last one it gave to the same question.

        Raises:
            StoreError: It does not answer, and never did.
        """
        question = (read.__name__, args, tuple(sorted(kwargs.items())))
        try:
            answer = read(*args, **kwargs)
        except StoreError as error:
            self.error = error
            kept = self.recall.last(question)
            if kept is None:
                raise
            self.as_of = min(self.as_of, kept[1])
            recalled: T = kept[0]
            return recalled
        self.recall.keep(question, answer, datetime.now(UTC))
        return answer
