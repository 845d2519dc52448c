"""Counts apart by class of facts and by territory, read once: those of any choice of codes follow without the store.

A filter on products, natures or modes is changed far more often than the period. What is kept here is not protected,
and nothing gives it away: only answers for the viewer it was read for, by the same functions as those of a store.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data import answers
from data.conditions import CLASS_FILTERS
from data.query import FINEST_RESOLUTION, ClassField, Query, TerritoryKind, Viewer
from data.store import ModeCounts, TerritoryCounts
from data.vocabulary import MODE_OF_CONTROL, MODES

COUNTS = ("events", "incidents", "controls")
SUMS = ("checked", "positive", "micrograms", "cents")
ELSEWHERE = 0  # the part of the places that are in no territory of the kind

Codes = NDArray[np.object_]


def of_every_class(query: Query) -> Query:
    """The same question about facts of any class, whatever the map shows of it."""
    anything = dict.fromkeys(CLASS_FILTERS.values(), frozenset[str]())
    return replace(query, **anything, resolution=FINEST_RESOLUTION, box=None)  # type: ignore[arg-type]  # five sets


@dataclass(frozen=True, slots=True)
class Parts:
    """The places of a store, divided so that those of a part are in the same territories of one kind."""

    places: list[int]
    numbers: list[int]  # of the part of each, from 1 on
    codes: tuple[tuple[str, ...], ...]  # of the territories of each part, by its number

    @classmethod
    def of(cls, rows: Iterable[tuple[int, str]]) -> Parts:
        """From pairs of a place and the code of a territory that holds it."""
        of_place: dict[int, list[str]] = {}
        for place, code in rows:
            of_place.setdefault(place, []).append(code)
        numbers: dict[tuple[str, ...], int] = {(): ELSEWHERE}
        found = [numbers.setdefault(tuple(sorted(codes)), len(numbers)) for codes in of_place.values()]
        return cls(list(of_place), found, tuple(numbers))


@dataclass(frozen=True, slots=True)
class ClassCounts:
    """What a store says of the facts of a query without codes, of any of their classes."""

    kind: TerritoryKind
    viewer: Viewer
    listed: tuple[str, ...]  # codes of all territories of the kind that have communes
    parts: tuple[tuple[str, ...], ...]  # see `Parts.codes`
    classes: Mapping[str, Codes] = field(repr=False)  # of each class its codes, by name of the field; "": none
    _class: NDArray[np.intp] = field(repr=False)  # of each row, its position in `classes`
    _part: NDArray[np.intp] = field(repr=False)
    _figures: Mapping[str, NDArray[np.float64]] = field(repr=False)  # `COUNTS`, and `SUMS`: NaN where unknown

    @classmethod
    def read(
        cls,
        kind: TerritoryKind,
        viewer: Viewer,
        listed: Iterable[str],
        parts: Parts,
        classes: Sequence[tuple[Any, ...]],
        columns: answers.Columns,
    ) -> ClassCounts:
        """From the rows of `counts_by_class.sql`, and those of the table of classes: number and codes."""
        numbers = np.array([row[0] for row in classes], dtype=np.int64)
        order = np.argsort(numbers)
        return cls(
            kind,
            viewer,
            tuple(sorted(listed)),
            parts.codes,
            {
                name: np.array([classes[row][at] or "" for row in order], dtype=object)
                for at, name in enumerate(CLASS_FILTERS, start=1)
            },
            np.searchsorted(numbers[order], columns["class"].astype(np.int64)),
            columns["part"].astype(np.intp),
            {name: columns[name].astype(np.float64) for name in (*COUNTS, *SUMS)},
        )

    def by_territory(self, query: Query) -> TerritoryCounts:
        """As `Store.counts_by_territory`, of the codes that a query asks for."""
        chosen, parts = self._chosen(query)
        codes = self._codes(parts[chosen])
        sums = self._summed(chosen, np.zeros(len(parts), dtype=np.intp), 1, codes)
        columns = {name: grid[0] for name, grid in sums.items()}
        return answers.territory_counts(self.kind, self.viewer, {"code": np.array(codes, dtype=object), **columns})

    def by_code(self, by: ClassField, query: Query) -> dict[str, TerritoryCounts]:
        """As `Store.counts_by_code`."""
        chosen, parts = self._chosen(query)
        placed = chosen[parts[chosen] != ELSEWHERE]
        known, of_class = np.unique(self.classes[by].astype(str), return_inverse=True)
        met, which = np.unique(of_class[self._class[placed]], return_inverse=True)
        values, row_value = known[met], np.zeros(len(parts), dtype=np.intp)
        row_value[placed] = which
        codes = self._codes(parts[chosen])
        sums = self._summed(placed, row_value, len(values), codes)
        columns = {name: grid.ravel() for name, grid in sums.items()}
        named = {"value": np.repeat(values, len(codes)), "code": np.tile(np.array(codes, dtype=object), len(values))}
        return answers.counts_by_code(self.kind, self.viewer, {**named, **columns})

    def by_mode(self, query: Query) -> ModeCounts:
        """As `Store.counts_by_mode`."""
        chosen, parts = self._chosen(query)
        modes = (*MODES, "")
        of_class = [
            modes.index(MODE_OF_CONTROL.get(kind) or mode)
            for kind, mode in zip(self.classes["kind"], self.classes["mode"], strict=True)
        ]
        row_mode = np.array(of_class, dtype=np.intp)[self._class]
        codes = ("", *self._codes(parts[chosen]))
        sums = self._summed(chosen, row_mode, len(modes), codes)
        columns = {name: grid.ravel() for name, grid in sums.items()}
        named = {
            "mode": np.repeat(np.array(modes, dtype=object), len(codes)),
            "code": np.tile(np.array(codes, dtype=object), len(modes)),
        }
        return answers.mode_counts(self.kind, self.viewer, {**named, **columns})

    def _chosen(self, query: Query) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """The rows whose class has the codes of the query, and the part of every row."""
        wanted = np.ones(len(self.classes["family"]), dtype=np.bool_)
        for name, asked in CLASS_FILTERS.items():
            if codes := getattr(query, asked):
                wanted &= np.isin(self.classes[name].astype(str), sorted(codes))
        return np.flatnonzero(wanted[self._class]), self._part

    def _codes(self, parts: NDArray[np.intp]) -> tuple[str, ...]:
        """Those listed, and those of territories that some fact of these parts names itself."""
        met = {code for part in np.unique(parts).tolist() for code in self.parts[part]}
        return tuple(sorted(met.union(self.listed)))

    def _summed(
        self, rows: NDArray[np.intp], group: NDArray[np.intp], groups: int, codes: Sequence[str]
    ) -> dict[str, NDArray[np.float64]]:
        """Sums of some rows by their group and by territory, shape (groups, codes); the code "": of all the rows."""
        at = {code: position for position, code in enumerate(codes)}
        holds = np.zeros((len(self.parts), len(codes)))
        for part, inside in enumerate(self.parts):
            for code in (*inside, ""):
                if code in at:
                    holds[part, at[code]] = 1
        cell = group[rows] * len(self.parts) + self._part[rows]

        def by_part(weights: NDArray[Any]) -> NDArray[np.float64]:
            size = groups * len(self.parts)
            counted = np.bincount(cell, weights=weights, minlength=size)
            return counted.reshape(groups, len(self.parts)) @ holds

        found = {name: by_part(self._figures[name][rows]) for name in COUNTS}
        is_seizure = (self.classes["kind"] == "seizure")[self._class[rows]]
        found["seizures"] = by_part(self._figures["events"][rows] * is_seizure)
        for name in SUMS:
            values = self._figures[name][rows]
            known = ~np.isnan(values)
            found[name] = np.where(by_part(known) > 0, by_part(np.where(known, values, 0.0)), np.nan)
        return found


def read_counts(
    fetch: Callable[[str, Mapping[str, Any]], answers.Columns],
    rows: Callable[[str, dict[str, Any]], Sequence[tuple[Any, ...]]],
    counting: str,
    values: Mapping[str, Any],
    kind: TerritoryKind,
    viewer: Viewer,
) -> ClassCounts:
    """Ask what a store's transaction knows: the same statements for both databases.

    Args:
        counting: The text of `counts_by_class.sql`, its parts filled in; `values`: its parameters but the parts.
    """
    about: dict[str, Any] = {"kind": kind}
    parts = Parts.of(rows("SELECT place, code FROM place_territories WHERE kind = $kind ORDER BY place, code", about))
    listed = [code for (code,) in rows("SELECT DISTINCT code FROM memberships WHERE kind = $kind", about)]
    classes = rows(f"SELECT class, {', '.join(CLASS_FILTERS)} FROM classes", {})
    columns = fetch(counting, {**values, "part_places": parts.places, "part_numbers": parts.numbers})
    return ClassCounts.read(kind, viewer, listed, parts, classes, columns)
