"""What the routes and the pages share in the one process: settings, store, reference geography, who is looking."""

from __future__ import annotations

import functools
from collections.abc import Callable, Hashable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, fields, is_dataclass
from datetime import UTC, date, datetime
from typing import Any, ParamSpec, TypeVar

import numpy as np

from dashboard.cache import ByteCache, SizedCache
from dashboard.freshness import Area, Freshness
from dashboard.live import Live
from dashboard.map_first import MapFirst
from dashboard.recall import Recall
from dashboard.settings import Settings
from dashboard.tables import WholeTable
from dashboard.tile_tokens import TileTokens, counting
from dashboard.view import ONE_DAY
from data.class_counts import of_every_class
from data.geography import Geography, geography
from data.opening import open_store
from data.query import Query, Viewer
from data.store import Store, Totals

TABLES_BYTES = 64 * 2**20  # some dozens of whole territories
VIEW_BYTES = 400_000  # of the corridors of one view, at most
CORRIDORS_BYTES = 64 * 2**20  # the seizures of a state of the store, and some hundred views of them
BYTES_AN_ITEM = 60
READ_AHEAD = 2  # at once

P = ParamSpec("P")
T = TypeVar("T")


def _weight(table: WholeTable) -> int:
    return table.nbytes


def _weight_of_answer(answer: object) -> int:
    """Roughly: its arrays, those of the answers in it, and its words."""
    if isinstance(answer, np.ndarray):
        return answer.nbytes
    if isinstance(answer, dict):
        return BYTES_AN_ITEM + sum(map(_weight_of_answer, answer.values()))
    if isinstance(answer, (tuple, list)):
        return BYTES_AN_ITEM * (1 + len(answer))
    if is_dataclass(answer):
        return BYTES_AN_ITEM + sum(_weight_of_answer(getattr(answer, each.name)) for each in fields(answer))
    return BYTES_AN_ITEM


def _corridors_weight(kept: object) -> int:
    return int(getattr(kept, "nbytes", VIEW_BYTES))


@dataclass(frozen=True, slots=True)
class Context:
    """Opened once by whoever serves; routes and pages read it through `context()`."""

    settings: Settings
    store: Store
    geography: Geography
    answers: ByteCache = field(repr=False)
    live: Live = field(default_factory=Live, repr=False)
    recall: Recall = field(default_factory=Recall, repr=False)
    tables: SizedCache[WholeTable] = field(default_factory=lambda: SizedCache(TABLES_BYTES, _weight), repr=False)
    answered: SizedCache[Any] = field(default_factory=lambda: SizedCache(TABLES_BYTES, _weight_of_answer), repr=False)
    corridors: SizedCache[Any] = field(
        default_factory=lambda: SizedCache(CORRIDORS_BYTES, _corridors_weight), repr=False
    )
    tokens: TileTokens = field(default_factory=TileTokens, repr=False)
    freshness: Freshness = field(default_factory=Freshness, repr=False)
    map_first: MapFirst = field(default_factory=MapFirst, repr=False)
    _reader: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(READ_AHEAD, "ahead"), repr=False)

    def version_of(self, key: Hashable, area: Area) -> int:
        """The version of the store under which an answer is kept while it is right. Raises StoreError."""
        return self.freshness.version(key, area, self.live, self.store)

    def totals(self, query: Query, viewer: Viewer) -> Totals:
        """The store's totals, from those of all classes, kept until a change touches them: a filter asks it nothing.

        Counting alike for all who count alike: the page and its map ask once. Raises StoreError, as the store does:
        whoever shows an answer of earlier says so.
        """
        return self.kept(self.store.totals_by_class)(of_every_class(query), counting(viewer)).totals(query)

    def kept(self, read: Callable[P, T]) -> Callable[P, T]:
        """A read of the store whose answers are kept until a change touches the territory and the days of its query.

        Of a read without a query, until anything changes.
        """

        @functools.wraps(read)
        def reading(*args: P.args, **kwargs: P.kwargs) -> T:
            present = self.store.version()
            if self.live.version not in (0, present):  # a change not heard of yet: what is kept may be older than it
                return read(*args, **kwargs)
            query = next((given for given in args if isinstance(given, Query)), None)
            key = (read.__name__, args, tuple(sorted(kwargs.items())))
            version = present
            if query is not None:
                version = self.version_of(key, Area(query.territory, query.start, query.last_day + ONE_DAY))
            answer: T = self.answered.get_or_make((key, version), lambda: read(*args, **kwargs))
            return answer

        return reading

    def ahead(self, read: Callable[P, object], *args: P.args, **kwargs: P.kwargs) -> None:
        """Begin a read that is kept and will be asked for in a moment: a question to the store uses one processor.

        What it raises is not heard of: who asks for the same meets it and tells it.
        """
        self._reader.submit(read, *args, **kwargs)

    def close(self) -> None:
        """Close the store once what was begun ahead has ended: a connection in use refuses to be closed."""
        self._reader.shutdown(cancel_futures=True)
        self.store.close()


_context: Context | None = None


def open_context(settings: Settings) -> Context:
    """Open the store and make it known to pages and routes. Raises StoreError."""
    return set_context(Context(settings, open_store(settings.store), geography(), ByteCache(settings.cache_mb * 2**20)))


def set_context(opened: Context) -> Context:
    global _context  # Streamlit runs pages as scripts: a module is the only thing they share with routes
    _context = opened
    return opened


def context() -> Context:
    if _context is None:
        raise RuntimeError("no store is open: pages and routes are served by `hexacross run`")
    return _context


def viewer_of(settings: Settings) -> Viewer:
    """Who is looking. The single place where a sign-in will say it; until then, the local viewer of the settings."""
    return Viewer(name="local", role=settings.role, threshold=settings.threshold, sees_events=settings.role != "wall")


def today() -> date:
    return datetime.now(UTC).date()
