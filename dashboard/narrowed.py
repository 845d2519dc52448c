"""Counts of territories for any choice of codes, from one kept read for all codes: a filter asks the store nothing."""

from __future__ import annotations

from collections.abc import Callable

from dashboard.context import Context
from data.class_counts import ClassCounts, of_every_class
from data.query import ClassField, Query, TerritoryKind, Viewer
from data.store import ModeCounts, TerritoryCounts

MOST_TERRITORIES = 150  # of a kind: beyond, what is kept for all codes weighs tens of megabytes

ByTerritory = Callable[[TerritoryKind, Query, Viewer], TerritoryCounts]
ByCode = Callable[[ClassField, TerritoryKind, Query, Viewer], dict[str, TerritoryCounts]]
ByMode = Callable[[TerritoryKind, Query, Viewer], ModeCounts]


def counts_by_territory(held: Context) -> ByTerritory:
    """`Store.counts_by_territory`, kept. Raises StoreError."""

    def counts_by_territory(kind: TerritoryKind, query: Query, viewer: Viewer) -> TerritoryCounts:
        if is_numerous(held, kind):
            return held.store.counts_by_territory(kind, query, viewer)
        return class_counts(held, kind, query, viewer).by_territory(query)

    return held.kept(counts_by_territory)


def counts_by_code(held: Context) -> ByCode:
    """`Store.counts_by_code`, kept. Raises StoreError."""

    def counts_by_code(by: ClassField, kind: TerritoryKind, query: Query, viewer: Viewer) -> dict[str, TerritoryCounts]:
        if is_numerous(held, kind):
            return held.store.counts_by_code(by, kind, query, viewer)
        return class_counts(held, kind, query, viewer).by_code(by, query)

    return held.kept(counts_by_code)


def counts_by_mode(held: Context) -> ByMode:
    """`Store.counts_by_mode`, kept. Raises StoreError."""

    def counts_by_mode(kind: TerritoryKind, query: Query, viewer: Viewer) -> ModeCounts:
        if is_numerous(held, kind):
            return held.store.counts_by_mode(kind, query, viewer)
        return class_counts(held, kind, query, viewer).by_mode(query)

    return held.kept(counts_by_mode)


def class_counts(held: Context, kind: TerritoryKind, query: Query, viewer: Viewer) -> ClassCounts:
    """What all these follow from, of a kind with few territories. Raises StoreError."""
    return held.kept(held.store.counts_by_class)(kind, of_every_class(query), viewer)


def is_numerous(held: Context, kind: TerritoryKind) -> bool:
    """Whether a kind has too many territories for that."""
    return len(held.geography.territories(kind)) > MOST_TERRITORIES
