"""Counts apart by class of facts and by place, read once: those of any choice of codes follow without the store.

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
from data.layout import read_sql
from data.query import FINEST_RESOLUTION, ClassField, Query, TerritoryKind, Viewer
from data.store import ModeCounts, TerritoryCounts, Totals
from data.vocabulary import MODE_OF_CONTROL, MODES, PLACE_PRECISIONS

COUNTS = ("events", "incidents", "controls")
SUMS = ("checked", "positive", "micrograms", "cents")
ELSEWHERE = 0  # the part of the places that are in no territory of the kind, or whose precision is not said
NO_PRECISION = "unknown"  # as `totals.sql` names it
OF_TERRITORIES = "SELECT unnest($part_places::INTEGER[]) AS place, unnest($part_numbers::INTEGER[]) AS number"
OF_PRECISIONS = "SELECT place, array_position($precisions::TEXT[], place_precision) AS number FROM places"

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
class ClassSums:
    """Sums of the facts of a query without codes, by their class and by the part of the places where they are."""

    parts: tuple[tuple[str, ...], ...]  # the codes that each part counts for, by its number
    classes: Mapping[str, Codes] = field(repr=False)  # of each class its codes, by name of the field; "": none
    _class: NDArray[np.intp] = field(repr=False)  # of each row, its position in `classes`
    part: NDArray[np.intp] = field(repr=False)  # of each row
    _figures: Mapping[str, NDArray[np.float64]] = field(repr=False)  # `COUNTS`, and `SUMS`: NaN where unknown

    @classmethod
    def read(
        cls, parts: tuple[tuple[str, ...], ...], classes: Sequence[tuple[Any, ...]], columns: answers.Columns
    ) -> ClassSums:
        """From the rows of `counts_by_class.sql`, and those of the table of classes: number and codes."""
        numbers = np.array([row[0] for row in classes], dtype=np.int64)
        order = np.argsort(numbers)
        return cls(
            parts,
            {
                name: np.array([classes[row][at] or "" for row in order], dtype=object)
                for at, name in enumerate(CLASS_FILTERS, start=1)
            },
            np.searchsorted(numbers[order], columns["class"].astype(np.int64)),
            columns["part"].astype(np.intp),
            {name: columns[name].astype(np.float64) for name in (*COUNTS, *SUMS)},
        )

    def chosen(self, query: Query) -> NDArray[np.intp]:
        """The rows whose class has the codes of the query."""
        wanted = np.ones(len(self.classes["family"]), dtype=np.bool_)
        for name, asked in CLASS_FILTERS.items():
            if codes := getattr(query, asked):
                wanted &= np.isin(self.classes[name].astype(str), sorted(codes))
        return np.flatnonzero(wanted[self._class])

    def of_rows(self, of_class: NDArray[Any]) -> NDArray[Any]:
        """What is said of each class, for each row."""
        of_row: NDArray[Any] = of_class[self._class]
        return of_row

    def codes_of(self, rows: NDArray[np.intp]) -> set[str]:
        """The codes that some rows count for."""
        return {code for part in np.unique(self.part[rows]).tolist() for code in self.parts[part]}

    def summed(
        self, rows: NDArray[np.intp], codes: Sequence[str], group: NDArray[np.intp] | int = 0, groups: int = 1
    ) -> answers.Columns:
        """Sums of some rows by their group and by code, one after the other; the code "": of all the rows."""
        at = {code: position for position, code in enumerate(codes)}
        holds = np.zeros((len(self.parts), len(codes)))
        for part, inside in enumerate(self.parts):
            for code in (*inside, ""):
                if code in at:
                    holds[part, at[code]] = 1
        cell = group * len(self.parts) + self.part[rows]

        def by_part(weights: NDArray[Any]) -> NDArray[np.float64]:
            counted = np.bincount(cell, weights=weights, minlength=groups * len(self.parts))
            return (counted.reshape(groups, len(self.parts)) @ holds).ravel()

        found = {name: by_part(self._figures[name][rows]) for name in COUNTS}
        is_seizure = self.of_rows(self.classes["kind"] == "seizure")[rows]
        found["seizures"] = by_part(self._figures["events"][rows] * is_seizure)
        for name in SUMS:
            values = self._figures[name][rows]
            known = ~np.isnan(values)
            found[name] = np.where(by_part(known) > 0, by_part(np.where(known, values, 0.0)), np.nan)
        return found


@dataclass(frozen=True, slots=True)
class ClassTotals:
    """The totals of a query without codes, of any of their classes."""

    viewer: Viewer
    sums: ClassSums  # by precision of the place

    def totals(self, query: Query) -> Totals:
        """As `Store.totals`, of the codes that a query asks for."""
        chosen = self.sums.chosen(query)
        precisions = sorted(self.sums.codes_of(chosen))
        named = {"place_precision": np.array(precisions, dtype=object)}
        return answers.totals(self.viewer, {**named, **self.sums.summed(chosen, precisions)})


@dataclass(frozen=True, slots=True)
class ClassCounts:
    """What a store says of the facts of a query without codes, of any of their classes."""

    kind: TerritoryKind
    viewer: Viewer
    listed: tuple[str, ...]  # codes of all territories of the kind that have communes
    sums: ClassSums  # by the territories that hold the place

    def by_territory(self, query: Query) -> TerritoryCounts:
        """As `Store.counts_by_territory`, of the codes that a query asks for."""
        chosen = self.sums.chosen(query)
        codes = self._codes(chosen)
        named = {"code": np.array(codes, dtype=object)}
        return answers.territory_counts(self.kind, self.viewer, {**named, **self.sums.summed(chosen, codes)})

    def by_code(self, by: ClassField, query: Query) -> dict[str, TerritoryCounts]:
        """As `Store.counts_by_code`."""
        chosen = self.sums.chosen(query)
        placed = chosen[self.sums.part[chosen] != ELSEWHERE]
        known, of_class = np.unique(self.sums.classes[by].astype(str), return_inverse=True)
        met, which = np.unique(self.sums.of_rows(of_class)[placed], return_inverse=True)
        values, codes = known[met], self._codes(chosen)
        named = {"value": np.repeat(values, len(codes)), "code": np.tile(np.array(codes, dtype=object), len(values))}
        sums = self.sums.summed(placed, codes, which, len(values))
        return answers.counts_by_code(self.kind, self.viewer, {**named, **sums})

    def by_mode(self, query: Query) -> ModeCounts:
        """As `Store.counts_by_mode`."""
        chosen, classes = self.sums.chosen(query), self.sums.classes
        modes = (*MODES, "")
        of_class = [
            modes.index(MODE_OF_CONTROL.get(kind) or mode)
            for kind, mode in zip(classes["kind"], classes["mode"], strict=True)
        ]
        row_mode = self.sums.of_rows(np.array(of_class, dtype=np.intp))[chosen]
        codes = ("", *self._codes(chosen))
        named = {
            "mode": np.repeat(np.array(modes, dtype=object), len(codes)),
            "code": np.tile(np.array(codes, dtype=object), len(modes)),
        }
        sums = self.sums.summed(chosen, codes, row_mode, len(modes))
        return answers.mode_counts(self.kind, self.viewer, {**named, **sums})

    def _codes(self, rows: NDArray[np.intp]) -> tuple[str, ...]:
        """Those listed, and those of territories that some fact of these rows names itself."""
        return tuple(sorted(self.sums.codes_of(rows).union(self.listed)))


@dataclass(frozen=True, slots=True)
class ClassReader:
    """What asks a store's transaction: the same statements for both databases."""

    fetch: Callable[[str, Mapping[str, Any]], answers.Columns]
    rows: Callable[[str, dict[str, Any]], Sequence[tuple[Any, ...]]]
    source: str  # see `data.conditions.counted`
    where: str
    values: Mapping[str, Any]

    def counts(self, kind: TerritoryKind, viewer: Viewer) -> ClassCounts:
        """By territory of a kind."""
        about: dict[str, Any] = {"kind": kind}
        held = self.rows("SELECT place, code FROM place_territories WHERE kind = $kind ORDER BY place, code", about)
        listed = [code for (code,) in self.rows("SELECT DISTINCT code FROM memberships WHERE kind = $kind", about)]
        parts = Parts.of(held)
        asked = {"part_places": parts.places, "part_numbers": parts.numbers}
        return ClassCounts(kind, viewer, tuple(sorted(listed)), self._sums(OF_TERRITORIES, asked, parts.codes))

    def totals(self, viewer: Viewer) -> ClassTotals:
        """By precision of the place."""
        names = tuple((name,) for name in PLACE_PRECISIONS)
        asked = {"precisions": list(PLACE_PRECISIONS)}
        return ClassTotals(viewer, self._sums(OF_PRECISIONS, asked, ((NO_PRECISION,), *names)))

    def _sums(self, parts: str, asked: Mapping[str, Any], codes: tuple[tuple[str, ...], ...]) -> ClassSums:
        classes = self.rows(f"SELECT class, {', '.join(CLASS_FILTERS)} FROM classes", {})
        text = read_sql("counts_by_class").format(source=self.source, where=self.where, parts=parts)
        return ClassSums.read(codes, classes, self.fetch(text, {**self.values, **asked}))
