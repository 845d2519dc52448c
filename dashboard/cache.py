"""Answers already computed, bounded by their size, the least recently used leaving first."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

Answer = TypeVar("Answer")


class SizedCache(Generic[Answer]):
    """Answers by key; safe between threads. `capacity` and what `weigh` says of an answer are in bytes."""

    def __init__(self, capacity: int, weigh: Callable[[Answer], int]) -> None:
        self.capacity = capacity
        self.size = 0
        self._weigh = weigh
        self._answers: OrderedDict[Hashable, Answer] = OrderedDict()
        self._making: dict[Hashable, threading.Lock] = {}
        self._lock = threading.Lock()

    def get_or_make(self, key: Hashable, make: Callable[[], Answer]) -> Answer:
        """The answer kept under this key, or a new one; who asks while it is being made waits for it."""
        with self._lock:
            if (kept := self._kept(key)) is not None:
                return kept
            making = self._making.setdefault(key, threading.Lock())
        with making:
            with self._lock:
                if (kept := self._kept(key)) is not None:
                    return kept
            try:
                answer = make()
            finally:
                with self._lock:
                    self._making.pop(key, None)
            with self._lock:
                self._keep(key, answer)
        return answer

    def _kept(self, key: Hashable) -> Answer | None:
        if key in self._answers:
            self._answers.move_to_end(key)
        return self._answers.get(key)

    def _keep(self, key: Hashable, answer: Answer) -> None:
        self._forget(key)
        self._answers[key] = answer
        self.size += self._weigh(answer)
        while self.size > self.capacity:
            self._forget(next(iter(self._answers)))

    def _forget(self, key: Hashable) -> None:
        if key in self._answers:
            self.size -= self._weigh(self._answers.pop(key))

    def __len__(self) -> int:
        return len(self._answers)


class ByteCache(SizedCache[bytes]):
    """Answers as they travel."""

    def __init__(self, capacity: int) -> None:
        super().__init__(capacity, len)
