"""Prepare the next items of an iterable in another thread while the present one is being used."""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterable
from queue import Full, Queue
from typing import NamedTuple, TypeVar

T = TypeVar("T")
POLL_S = 0.1  # how soon the thread notices that nobody reads any more


class _Failed(NamedTuple):
    error: BaseException


class _Finished:
    pass


def ahead(items: Iterable[T], depth: int = 1) -> Generator[T, None, None]:
    """Yield the items of `items`, up to `depth` of them made in advance; what it raises is raised here.

    When the reader stops early, so does the thread, before its next item; it is joined before this returns.
    """
    queue: Queue[T | _Failed | _Finished] = Queue(maxsize=depth)
    stopped = threading.Event()

    def put(item: T | _Failed | _Finished) -> None:
        while not stopped.is_set():
            try:
                queue.put(item, timeout=POLL_S)
            except Full:
                continue
            return

    def produce() -> None:
        try:
            for item in items:
                put(item)
                if stopped.is_set():
                    return
        except BaseException as error:  # noqa: BLE001 -- raised again in the reader's thread, whatever it is
            put(_Failed(error))
        else:
            put(_Finished())

    thread = threading.Thread(target=produce, name="hexacross-ahead", daemon=True)
    thread.start()
    try:
        while True:
            item = queue.get()
            if isinstance(item, _Finished):
                return
            if isinstance(item, _Failed):
                raise item.error
            yield item
    finally:
        stopped.set()
        thread.join()
