"""The corridors of a view: added up by geo, filtered by where they go, compared with another period."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from dashboard.context import Context
from dashboard.corridor_facts import (
    EUROPE,
    OVERSEAS,
    Routed,
    amount_of,
    chosen_rows,
    ends_of,
    months_of,
)
from dashboard.corridor_view import BEFORE, NO_PERIOD, YEAR_BEFORE, CorridorView
from dashboard.corridor_words import EUROPE as TO_EUROPE
from dashboard.corridor_words import KG, WORLD
from geo.comparison import Comparison, compare_rates
from geo.corridors import Corridors, Ends, Seizures, corridors, legs
from geo.network import Network, network

FRENCH = frozenset({"FR"}) | OVERSEAS


@dataclass(frozen=True, slots=True)
class Shown:
    """The corridors of a view, arrays of equal length; the heaviest first, those without a weight last."""

    months: tuple[int, int]  # first and last
    rows: NDArray[np.bool_]  # of all seizures, those of the corridors
    entered: NDArray[np.bool_]  # those that the filters leave, whatever they say of their two ends
    corridors: Corridors
    keys: tuple[str, ...]  # `CO-ES-air`
    amount: NDArray[np.float64]  # seizures, or kilograms: NaN where none was weighed
    ends: dict[Ends, int]  # seizures of the filters, by what they say of their two ends
    elsewhere: int  # seizures of two ends that go elsewhere
    before: Before | None


@dataclass(frozen=True, slots=True)
class Before:
    """The same corridors in the period compared with, one row each."""

    months: tuple[int, int]
    seizures: NDArray[np.int64]
    amount: NDArray[np.float64]
    comparison: Comparison  # of the numbers of seizures by month: the only one that chance can be told from
    gone: int  # corridors that have none any more
    covered: bool  # whether the store holds all of that period


def shown_corridors(held: Context, kept: Routed, view: CorridorView) -> Shown | None:
    """Kept for as long as the facts are; None: no seizure says where it came from or went."""
    if kept.months is None:
        return None
    months = months_of(view, kept.months)
    answer: Shown = held.corridors.get_or_make(
        ("corridors", kept.serial, repr(view.figures())), lambda: _shown(kept, view, months)
    )
    return answer


def _shown(kept: Routed, view: CorridorView, months: tuple[int, int]) -> Shown:
    rows = chosen_rows(kept, view, months)
    start, stop = ends_of(kept, view)
    everything = corridors(kept.seizures, start=start, stop=stop, chosen=rows)
    ends = {kind: int(everything.seizures[everything.ends == kind].sum()) for kind in Ends}
    bound = rows & _bound_rows(kept, view)
    found = corridors(kept.seizures, by=("mode",), start=start, stop=stop, chosen=bound)
    amount = amount_of(view, found.seizures, found.kg)
    order = np.lexsort((np.arange(len(amount)), -np.nan_to_num(amount, nan=-1.0)))
    found, amount = taken(found, order), amount[order]
    keys = corridor_keys(kept, found)
    return Shown(
        months=months,
        rows=bound,
        entered=rows,
        corridors=found,
        keys=keys,
        amount=amount,
        ends=ends,
        elsewhere=ends[Ends.TWO] - int(found.seizures.sum()),
        before=_before(kept, view, months, found, keys),
    )


def _bound_rows(kept: Routed, view: CorridorView) -> NDArray[np.bool_]:
    """Rows with two known and different ends that go where the view looks."""
    start, stop = ends_of(kept, view)
    origin, destination = getattr(kept.seizures, start), getattr(kept.seizures, stop)
    two = (origin >= 0) & (destination >= 0) & (origin != destination)
    if view.toward == WORLD:
        return np.asarray(two)
    if view.toward == TO_EUROPE:
        return np.asarray(two & kept.among(EUROPE, destination) & ~kept.among(EUROPE, origin))
    return np.asarray(two & kept.among(FRENCH, destination))


def taken(found: Corridors, rows: NDArray[np.integer] | NDArray[np.bool_]) -> Corridors:
    """Some of the corridors, in the order of `rows`."""
    columns = {column.name: getattr(found, column.name) for column in fields(found)}
    labels = {name: label[rows] for name, label in columns.pop("labels").items()}
    return Corridors(labels=labels, **{name: column[rows] for name, column in columns.items()})


def corridor_keys(kept: Routed, found: Corridors) -> tuple[str, ...]:
    columns = (found.origin.tolist(), found.destination.tolist(), found.labels["mode"].tolist())
    return tuple(
        f"{kept.code(origin)}-{kept.code(destination)}-{kept.mode(mode)}"
        for origin, destination, mode in zip(*columns, strict=True)
    )


def months_against(view: CorridorView, months: tuple[int, int]) -> tuple[int, int] | None:
    """The period that a view compares with, as long as its own."""
    length = months[1] - months[0] + 1
    back = {NO_PERIOD: 0, BEFORE: length, YEAR_BEFORE: 12}[view.against]
    return (months[0] - back, months[1] - back) if back else None


def _before(
    kept: Routed, view: CorridorView, months: tuple[int, int], found: Corridors, keys: Sequence[str]
) -> Before | None:
    other = months_against(view, months)
    if other is None or kept.months is None:
        return None
    rows = chosen_rows(kept, view, other) & _bound_rows(kept, view)
    start, stop = ends_of(kept, view)
    then = corridors(kept.seizures, by=("mode",), start=start, stop=stop, chosen=rows)
    at = {key: row for row, key in enumerate(corridor_keys(kept, then))}
    where = np.array([at.get(key, -1) for key in keys], dtype=np.int64)
    seizures = np.append(then.seizures, 0)[where]
    length = float(months[1] - months[0] + 1)
    nothing = np.nan if view.weight == KG else 0.0
    covered = other[0] >= kept.months[0]
    exposure = length if covered else np.nan  # months without data are not months without seizures
    return Before(
        months=other,
        seizures=seizures,
        amount=np.append(amount_of(view, then.seizures, then.kg), nothing)[where],
        comparison=compare_rates(found.seizures, length, seizures, exposure),
        gone=len(at.keys() - set(keys)),
        covered=covered,
    )


def network_of(held: Context, kept: Routed, view: CorridorView, shown: Shown) -> Network:
    """What each country is among the corridors shown, with the producing and transit countries they name."""
    answer: Network = held.corridors.get_or_make(
        ("network", kept.serial, repr(view.figures())), lambda: network(legs(chosen_seizures(kept, shown.rows)))
    )
    return answer


def chosen_seizures(kept: Routed, rows: NDArray[np.bool_]) -> Seizures:
    columns = {column.name: getattr(kept.seizures, column.name)[rows] for column in fields(Seizures)}
    return Seizures(**columns)
