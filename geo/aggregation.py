"""Events into counts by day, code and cell, and those into coarser counts.

Rows are sorted by day, then codes, then cell. With the cell last, the parents of sorted cells are sorted too: every
coarser resolution follows from the finer one in one pass, and only the events themselves are ever sorted, as packed
64-bit integers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from geo.errors import N_, GeometryError
from geo.grid import in_threads
from geo.ids import FINEST_RESOLUTION, digit_bits_below, parents, resolutions

Period = Literal["day", "week", "month", "year"]
KEY_BITS = 63
WORTH_A_THREAD = 1 << 17  # rows
PIECE_ROWS = 1 << 16  # of which all columns fit in a processor's cache


@dataclass(frozen=True, slots=True)
class EventCounts:
    """Counts of events, arrays of equal length, sorted by day, codes (in their order here), then cell; never zero."""

    resolution: int
    days: NDArray[np.int32]  # since 1970-01-01; the first day of a longer period
    codes: Mapping[str, NDArray[np.int32]]  # kind, drug, mode… as small integers
    cells: NDArray[np.int64]  # 0: events without a cell
    events: NDArray[np.int64]
    sums: Mapping[str, NDArray[np.float64]]  # checked, kg…; NaN where every event's is unknown


def count_events(
    cells: ArrayLike,
    days: ArrayLike,
    codes: Mapping[str, ArrayLike] | None = None,
    measures: Mapping[str, ArrayLike] | None = None,
) -> EventCounts:
    """Count events, and sum their measures, by day, codes and cell.

    Args:
        cells: Shape (n,), of one resolution, 10 at most; 0 where there is none.
        days: Shape (n,), whole days since 1970-01-01.
        codes: Whole numbers ≥ 0 to keep apart (family, kind, territory…), each of shape (n,).
        measures: What to sum, each of shape (n,); NaN is unknown, and adds nothing.

    Raises:
        GeometryError: Cells of several resolutions or finer than 10, columns of several lengths or not of whole
            numbers.
    """
    ids = np.asarray(cells, dtype=np.int64)
    kept = {name: _whole_numbers(values) for name, values in (codes or {}).items()}
    values = {name: np.asarray(column, dtype=np.float64) for name, column in (measures or {}).items()}
    day = _whole_numbers(days)
    if any(column.shape != ids.shape for column in (day, *kept.values(), *values.values())):
        raise GeometryError(N_("Les colonnes à agréger n'ont pas toutes la même longueur."))
    return _count(ids, day, kept, values, _resolution_of(ids))


def _count(
    cells: NDArray[np.int64],
    days: NDArray[Any],
    codes: Mapping[str, NDArray[Any]],
    measures: Mapping[str, NDArray[np.float64]],
    resolution: int,
) -> EventCounts:
    keys, packing = _pack({"day": days, **codes, "cell": _short(cells, resolution)})
    if measures:
        order = np.argsort(keys)
        keys = keys[order]
    else:
        _sort(keys)
    first = _first_of_runs(len(keys), lambda part: [keys[part]])

    def rows(piece: slice, counts: EventCounts) -> None:
        columns = _unpack(keys[first[piece]], packing)
        counts.days[piece] = columns["day"]
        counts.cells[piece] = _long(columns["cell"], resolution)
        for name, column in counts.codes.items():
            column[piece] = columns[name]
        counts.events[piece] = np.diff(first[piece], append=_end_of_run(first, piece, len(keys)))

    counts = _in_pieces(resolution, len(first), codes, rows)
    return replace(counts, sums={name: _sums(column[order], first) for name, column in measures.items()})


def _sort(keys: NDArray[np.int64]) -> None:
    """Sort in place: cut at the median, then one thread for each half."""
    middle = len(keys) // 2
    if len(keys) < WORTH_A_THREAD:
        keys.sort()
        return
    keys.partition(middle)
    in_threads(lambda half: (keys[:middle] if half == 0 else keys[middle:]).sort(), 2, 1)


def coarsen(
    counts: EventCounts, resolution: int | None = None, *, period: Period = "day", keep: Sequence[str] | None = None
) -> EventCounts:
    """Add counts up to a coarser resolution, to longer periods, over the codes that are not kept; totals stay.

    Args:
        counts: From `count_events` or `coarsen`.
        resolution: Of the cells; None: as they are.
        period: Weeks begin on Monday.
        keep: Names of the codes still told apart, in the order of `counts`; None: all.

    Raises:
        GeometryError: A resolution finer than that of `counts`, or a code that it has not.
    """
    resolution = counts.resolution if resolution is None else resolution
    unknown = set(keep or ()) - set(counts.codes)
    if unknown:
        raise GeometryError(N_("Colonnes inconnues : {given}."), given=", ".join(sorted(unknown)))
    if len(counts.cells) and resolution > counts.resolution:
        raise GeometryError(
            N_("Résolution {given} : ces comptes sont à la résolution {own}."), given=resolution, own=counts.resolution
        )
    days = _first_days(counts.days, period)
    codes = {name: column for name, column in counts.codes.items() if keep is None or name in keep}
    cells, events, sums = counts.cells, counts.events, counts.sums
    if period != "day" or len(codes) < len(counts.codes):
        cells = parents(cells, resolution)
        keys, _ = _pack({"day": days, **codes, "cell": _short(cells, resolution)})
        order = np.argsort(keys)
        days, cells, events = days[order], cells[order], events[order]
        codes = {name: column[order] for name, column in codes.items()}
        sums = {name: column[order] for name, column in sums.items()}
    first = _first_of_runs(
        len(days),
        lambda part: [parents(cells[part], resolution), days[part], *(column[part] for column in codes.values())],
    )

    def rows(piece: slice, coarser: EventCounts) -> None:
        begins = first[piece]
        coarser.days[piece] = days[begins]
        coarser.cells[piece] = parents(cells[begins], resolution)
        for name, column in coarser.codes.items():
            column[piece] = codes[name][begins]
        merged = events[begins[0] : _end_of_run(first, piece, len(days))]
        coarser.events[piece] = np.add.reduceat(merged, begins - begins[0])

    coarser = _in_pieces(resolution, len(first), codes, rows)
    return replace(coarser, sums={name: _sums(column, first) for name, column in sums.items()})


def _in_pieces(
    resolution: int, rows: int, codes: Iterable[str], fill: Callable[[slice, EventCounts], None]
) -> EventCounts:
    """Counts of so many rows, written by `fill` a piece at a time: what passes then stays in the processor's cache."""
    counts = EventCounts(
        resolution=resolution,
        days=np.empty(rows, dtype=np.int32),
        codes={name: np.empty(rows, dtype=np.int32) for name in codes},
        cells=np.empty(rows, dtype=np.int64),
        events=np.empty(rows, dtype=np.int64),
        sums={},
    )
    in_threads(lambda start: fill(slice(start, start + PIECE_ROWS), counts), rows, PIECE_ROWS)
    return counts


def _end_of_run(first: NDArray[np.intp], piece: slice, length: int) -> int:
    """Where the last run of a piece of runs ends."""
    return int(first[piece.stop]) if piece.stop < len(first) else length


def _whole_numbers(values: ArrayLike) -> NDArray[Any]:
    column = np.asarray(values)
    if column.dtype.kind not in "biu":
        raise GeometryError(N_("Des nombres entiers sont attendus, et non « {given} »."), given=column.dtype)
    return column.astype(np.int64) if column.dtype == np.uint64 else column


def _resolution_of(cells: NDArray[np.int64]) -> int:
    """The one resolution of the cells; 0 when there is no cell at all."""
    found = np.flatnonzero(np.bincount(resolutions(cells).astype(np.intp) + 1, minlength=17)[1:])
    if len(found) > 1:
        raise GeometryError(
            N_("Des cellules d'une seule résolution sont attendues : {given} trouvées."),
            given=", ".join(str(each) for each in found),
        )
    resolution = int(found[0]) if len(found) else 0
    if resolution > FINEST_RESOLUTION:  # its digits would leave too few bits of a key for the rest
        raise GeometryError(
            N_("Résolution {given} : les faits se comptent à la résolution {finest} au plus."),
            given=resolution,
            finest=FINEST_RESOLUTION,
        )
    return resolution


def _short(cells: NDArray[np.int64], resolution: int) -> NDArray[np.int64]:
    """Base cell and used digits, plus 1; 0 for no cell. Sorted like the cells, in 7 + 3 × resolution bits."""
    short = cells >> digit_bits_below(resolution)
    short &= (1 << (7 + 3 * resolution)) - 1
    short += 1
    short[cells == 0] = 0
    return short


def _long(short: NDArray[np.int64], resolution: int) -> NDArray[np.int64]:
    below = digit_bits_below(resolution)
    cells = short - 1
    cells <<= below
    cells |= (1 << 59) | (resolution << 52) | ((1 << below) - 1)  # 1: mode of a cell
    cells[short == 0] = 0
    return cells


@dataclass(frozen=True, slots=True)
class _Column:
    """A column in the lowest `bits` of a key, less its smallest value."""

    name: str
    smallest: int
    bits: int


# What was done to the keys, in order: a column was added, or they were replaced by their rank in an array.
_Packing = list[_Column | NDArray[np.int64]]


def _pack(columns: Mapping[str, NDArray[Any]]) -> tuple[NDArray[np.int64], _Packing]:
    """Pack columns of integers into one that sorts like them, the first column first.

    Where the bits of all columns do not fit, the keys so far are replaced by their ranks among the distinct ones.
    """
    packing: _Packing = []
    keys = np.zeros(len(next(iter(columns.values()))), dtype=np.int64)
    used = 0
    for name, column in columns.items():
        smallest, largest = (int(column.min()), int(column.max())) if len(column) else (0, 0)
        bits = (largest - smallest).bit_length()
        if used + bits > KEY_BITS:
            distinct, keys = np.unique(keys, return_inverse=True)
            packing.append(distinct)
            used = len(distinct).bit_length()
        keys <<= bits
        keys += column  # of any integer type, so that no 64-bit copy is made
        keys -= smallest
        used += bits
        packing.append(_Column(name, smallest, bits))
    return keys, packing


def _unpack(keys: NDArray[np.int64], packing: _Packing) -> dict[str, NDArray[np.int64]]:
    """Undo `_pack`; `keys` is used up."""
    columns: dict[str, NDArray[np.int64]] = {}
    for step in reversed(packing):
        if isinstance(step, _Column):
            columns[step.name] = keys & ((1 << step.bits) - 1)
            columns[step.name] += step.smallest
            keys >>= step.bits
        else:
            keys = step[keys]
    return columns


def _first_of_runs(length: int, columns: Callable[[slice], list[NDArray[Any]]]) -> NDArray[np.intp]:
    """Where a row differs from the one before in any column; `columns` gives a part of each."""
    changes = np.zeros(length, dtype=np.bool_)
    changes[:1] = True

    def compare(start: int) -> None:
        into = changes[start + 1 : start + 1 + PIECE_ROWS]
        for column in columns(slice(start, start + PIECE_ROWS + 1)):
            into |= column[1:] != column[:-1]

    in_threads(compare, length, PIECE_ROWS)
    return np.flatnonzero(changes)


def _sums(values: NDArray[np.float64], first: NDArray[np.intp]) -> NDArray[np.float64]:
    """Sum each run; unknown values add nothing, and a run of nothing else is unknown."""
    if len(first) == 0:
        return np.zeros(0)
    unknown = np.isnan(values)
    sums = np.add.reduceat(np.where(unknown, 0.0, values), first)
    sums[np.logical_and.reduceat(unknown, first)] = np.nan
    return sums


def _first_days(days: NDArray[np.int32], period: Period) -> NDArray[np.int32]:
    if period == "day":
        return days
    if period == "week":
        return days - (days + 3) % 7  # 1970-01-01 was a Thursday
    unit = {"month": "M", "year": "Y"}[period]
    dates = days.astype("datetime64[D]").astype(f"datetime64[{unit}]")
    return dates.astype("datetime64[D]").astype(np.int32)
