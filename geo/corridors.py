"""Seizures into corridors: from where to where, with the evidence behind each, and every seizure counted somewhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from enum import IntEnum
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from geo.errors import N_, GeometryError

Integers = NDArray[np.int64]
Floats = NDArray[np.float64]
Stop = Literal["producing", "departure", "transit", "destination", "reporter"]
Label = Literal["drug", "mode", "year"]

UNKNOWN = -1  # a country, drug, mode or year that is not known
FEW = 5  # seizures: fewer, from one state, are thin evidence
MANY = 10  # seizures, of several states and years, are broad evidence


class Ends(IntEnum):
    """What is known of a corridor's two ends, as a code."""

    TWO = 1  # known and different: can be drawn
    SAME = 2
    NO_ORIGIN = 3
    NO_DESTINATION = 4
    NEITHER = 5


class Evidence(IntEnum):
    """How broadly a corridor is attested, as a code: it ranks what is reported, not how much passes."""

    THIN = 1  # one reporting state, and one year or fewer than five seizures
    SOME = 2
    BROAD = 3  # ten seizures or more, of two states or more and two years or more


class Stage(IntEnum):
    """Which part of the way a leg is."""

    SOURCE = 1  # from the producing country to that of departure
    OUT = 2  # from departure to transit
    IN = 3  # from transit to destination
    DIRECT = 4  # from departure to destination, where no transit is known


@dataclass(frozen=True, slots=True)
class Seizures:
    """Seizures, or groups of them that agree in all codes; columns of shape (n,).

    Countries, drugs, modes and years are whole numbers from 0 on, `UNKNOWN` where not known; what they stand for is the
    caller's. Kilograms and numbers of seizures are never added to each other, and nothing is turned into kilograms.

    Raises `GeometryError` for columns of several lengths, codes below -1, negative or infinite amounts.
    """

    producing: Integers
    departure: Integers
    transit: Integers
    destination: Integers
    reporter: Integers  # the state that made the seizure and reports it
    drug: Integers
    mode: Integers
    year: Integers
    seizures: Integers  # how many each row stands for
    kg: Floats  # their kilograms together, of those that were weighed; NaN: of none
    weighed: Integers  # how many were

    def __post_init__(self) -> None:
        columns = [getattr(self, column.name) for column in fields(self)]
        if any(column.shape != self.kg.shape or column.ndim != 1 for column in columns):
            raise GeometryError(N_("Les colonnes à comparer n'ont pas toutes la même longueur."))
        codes, amounts = columns[:8], (self.seizures, self.weighed, self.seizures - self.weighed)
        for lowest, group in ((UNKNOWN, codes), (0, amounts)):
            for column in group:
                if (column < lowest).any():
                    raise GeometryError(
                        N_("Code ou nombre {given} : attendu un entier de {lowest} ou plus."),
                        given=int(column.min()),
                        lowest=lowest,
                    )
        if (self.kg < 0).any() or np.isinf(self.kg).any() or (np.isnan(self.kg) != (self.weighed == 0)).any():
            raise GeometryError(
                N_("Des quantités positives ou nulles sont attendues, là où des saisies ont été pesées.")
            )


@dataclass(frozen=True, slots=True)
class Corridors:
    """Directed pairs of countries with what was seized between them, arrays of equal length; the largest first.

    All seizures are in it, those without two ends too: `seizures` sums to theirs, `kg` to the kilograms weighed.
    """

    origin: Integers  # UNKNOWN where not known
    destination: Integers
    labels: dict[Label, Integers]  # what is told apart, in the order asked for
    ends: NDArray[np.int8]  # of `Ends`
    seizures: Integers
    weighed: Integers  # of them, those with a weight
    kg: Floats  # NaN where none has
    reporters: Integers  # states that report them
    main_reporter: Integers  # the one that reports most of them; UNKNOWN where none is known
    from_main: Integers  # seizures that it reports
    years: Integers  # with a seizure
    evidence: NDArray[np.int8]  # of `Evidence`


def corridors(
    seizures: Seizures,
    by: Sequence[Label] = (),
    *,
    start: Stop = "departure",
    stop: Stop = "destination",
    chosen: NDArray[np.bool_] | None = None,
) -> Corridors:
    """Add seizures up by their two ends, whatever is known of them, and by the labels that are told apart.

    A corridor says what was reported, not what passes: see `evidence`, `main_reporter` and `from_main`.

    Args:
        seizures: All of them, located or not.
        by: What else to tell apart.
        start: Which country is the origin: "reporter" for the place of the seizure, where departure is left out.
        stop: Which is the destination.
        chosen: Shape (n,), the rows meant; None: all.
    """
    rows = np.flatnonzero(np.ones(len(seizures.kg), np.bool_) if chosen is None else chosen)
    keys = [getattr(seizures, name)[rows] for name in (start, stop, *by)]
    group, first = _grouped(keys)
    count = len(first)
    origin, destination, *labels = (key[first] for key in keys)
    numbers, weighed = (_added(column[rows], group, count) for column in (seizures.seizures, seizures.weighed))
    kg = np.bincount(group, np.nan_to_num(seizures.kg[rows]), minlength=count).astype(np.float64)
    kg[weighed == 0] = np.nan
    reporters, main, from_main = _reporters(seizures.reporter[rows], seizures.seizures[rows], group, count)
    years = _distinct(seizures.year[rows], group, count)
    order = np.lexsort((destination, origin, -numbers))
    columns = (origin, destination, numbers, weighed, reporters, main, from_main, years)
    origin, destination, numbers, weighed, reporters, main, from_main, years = (each[order] for each in columns)
    return Corridors(
        origin=origin,
        destination=destination,
        labels={name: label[order] for name, label in zip(by, labels, strict=True)},
        ends=_ends(origin, destination),
        seizures=numbers,
        weighed=weighed,
        kg=kg[order],
        reporters=reporters,
        main_reporter=main,
        from_main=from_main,
        years=years,
        evidence=_evidence(numbers, reporters, years),
    )


def legs(seizures: Seizures, by: Sequence[Label] = ()) -> dict[Stage, Corridors]:
    """Cut each way into its legs, each added up as `corridors` does.

    A seizure with a known transit is in `OUT` and in `IN`, any other in `DIRECT`; all are in `SOURCE`. So the numbers
    of `OUT` and `DIRECT` sum to all seizures, as those of `IN` and `DIRECT` do: legs of several stages are not added.
    """
    passing = seizures.transit != UNKNOWN
    return {
        Stage.SOURCE: corridors(seizures, by, start="producing", stop="departure"),
        Stage.OUT: corridors(seizures, by, start="departure", stop="transit", chosen=passing),
        Stage.IN: corridors(seizures, by, start="transit", stop="destination", chosen=passing),
        Stage.DIRECT: corridors(seizures, by, chosen=~passing),
    }


def _grouped(keys: list[Integers]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """The group of each row, and a row of each group; groups in the order of their keys."""
    order = np.lexsort(keys[::-1])
    begins = np.zeros(len(order), dtype=np.bool_)
    begins[:1] = True
    for key in keys:
        ordered = key[order]
        begins[1:] |= ordered[1:] != ordered[:-1]
    group = np.empty(len(order), dtype=np.intp)
    group[order] = np.cumsum(begins) - 1
    return group, order[begins]


def _added(values: Integers, group: NDArray[np.intp], count: int) -> Integers:
    return np.bincount(group, values, minlength=count).astype(np.int64)  # exact up to 2⁵³


def _distinct(values: Integers, group: NDArray[np.intp], count: int) -> Integers:
    known = values != UNKNOWN
    _, first = _grouped([group[known], values[known]])
    return np.bincount(group[known][first], minlength=count).astype(np.int64)


def _reporters(
    reporter: Integers, seizures: Integers, group: NDArray[np.intp], count: int
) -> tuple[Integers, Integers, Integers]:
    """By group: how many states report, the one that reports most (of equals, the first code), and how much."""
    known = reporter != UNKNOWN
    pair, first = _grouped([group[known], reporter[known]])
    amount = _added(seizures[known], pair, len(first))
    of_group, state = group[known][first], reporter[known][first]
    order = np.lexsort((state, -amount, of_group))
    groups, leading = np.unique(of_group[order], return_index=True)
    main, from_main = np.full(count, UNKNOWN, dtype=np.int64), np.zeros(count, dtype=np.int64)
    main[groups], from_main[groups] = state[order][leading], amount[order][leading]
    return np.bincount(of_group, minlength=count).astype(np.int64), main, from_main


def _ends(origin: Integers, destination: Integers) -> NDArray[np.int8]:
    no_origin, no_destination = origin == UNKNOWN, destination == UNKNOWN
    kinds = [no_origin & no_destination, no_origin, no_destination, origin == destination]
    return np.select(kinds, [Ends.NEITHER, Ends.NO_ORIGIN, Ends.NO_DESTINATION, Ends.SAME], Ends.TWO).astype(np.int8)


def _evidence(seizures: Integers, reporters: Integers, years: Integers) -> NDArray[np.int8]:
    thin = (reporters <= 1) & ((years <= 1) | (seizures < FEW))
    broad = (seizures >= MANY) & (reporters >= 2) & (years >= 2)
    return np.select([thin, broad], [Evidence.THIN, Evidence.BROAD], Evidence.SOME).astype(np.int8)
