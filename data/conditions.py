"""What a query and a viewer become in SQL: the conditions that both stores put into their statements.

Parameters are written `$name`. `one_of(column, parameter, type)` is the store's way of testing a column against a
list: the two databases have not the same.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from data.errors import ForbiddenError, QueryError
from data.layout import SUMMARY_RESOLUTION, read_sql
from data.query import FINEST_RESOLUTION, WHOLE_DAY, Query, Territory, Viewer
from data.store import Ground
from data.vocabulary import MODE_OF_CONTROL
from geo.cells import descendant_range, resolutions
from geo.corridors import Stop
from geo.errors import N_
from geo.tiles import Bounds, covering

CLASS_FILTERS = {"family": "families", "kind": "kinds", "drug": "drugs", "mode": "modes", "service": "services"}

ROUTE_COLUMNS: dict[Stop, str] = {  # the country of each stop of a route
    "producing": "producing_country",
    "departure": "departure_country",
    "transit": "transit_country",
    "destination": "destination_country",
    "reporter": "country",
}

Values = dict[str, Any]  # of named SQL parameters
OneOf = Callable[[str, str, str], str]


@dataclass(frozen=True, slots=True)
class Scope:
    """What a query's territory and a viewer's territories leave. None: everything, facts without a place included."""

    places: tuple[int, ...] | None = None
    zones: tuple[int, ...] | None = None  # of these places
    whole_zones: bool = True  # the places are all those of these zones


class Units(NamedTuple):
    """A store's SQL of a fact's quantity and value in whole units, whose sums do not depend on their order."""

    micrograms: str
    cents: str


def parent_sql(cell: str, resolution: int) -> str:
    """The SQL of a cell's ancestor at `resolution`, for a stored cell: two bit operations on the integer."""
    if resolution == FINEST_RESOLUTION:
        return cell
    unused = (1 << (3 * (15 - resolution))) - 1
    return f"(({cell} & {~(15 << 52)}) | {resolution << 52} | {unused})"


def chosen_classes(query: Query) -> Values:
    """The codes asked for, by name of parameter; empty when all are."""
    return {name: sorted(getattr(query, name)) for name in CLASS_FILTERS.values() if getattr(query, name)}


def control_modes() -> Values:
    """Which nature of control is of which mode, as parameters."""
    return {"control_kinds": list(MODE_OF_CONTROL), "control_modes": list(MODE_OF_CONTROL.values())}


def is_summed_up(query: Query, scope: Scope) -> bool:
    """Whether the summary by hexagon and span of days holds all that a query counts."""
    fine_enough = query.resolution <= SUMMARY_RESOLUTION
    return scope.whole_zones and fine_enough and query.hours is None and not chosen_classes(query)


def place_condition(scope: Scope) -> tuple[str, Values]:
    """The facts of the scope's places."""
    if scope.places is None:
        return "true", {}
    return "place IN (SELECT unnest($places::INTEGER[]))", {"places": list(scope.places)}


def counted(
    query: Query, scope: Scope, one_of: OneOf, units: Units, near: NDArray[np.int64] | None = None
) -> tuple[str, str, Values]:
    """What a query counts: a table like the roll-up, the WHERE over it, its parameters.

    For some hours of the day these are the facts themselves: the roll-up has none. `near`: in these hexagons alone.
    """
    nearby, cells = near_condition(near)
    if query.hours is None:
        where, values = conditions(query, scope, one_of)
        return "rollup", f"{where} AND {nearby}", {**values, **cells}
    where, values = conditions(query, scope, one_of, zones=False)
    if near is not None and scope.zones is not None:  # the fewer places, the fewer facts whose cell is looked at
        where += f" AND place IN (SELECT place FROM places WHERE {one_of('zone', 'zones', 'INTEGER')})"
        values["zones"] = list(scope.zones)
    day = "day - (hour < $end_hour)::INTEGER" if query.hours.reach_the_next_day else "day"
    return _facts_like_rollup(day, f"{where} AND {nearby}", units), "true", {**values, **cells}


def counted_by_hour(query: Query, scope: Scope, one_of: OneOf, units: Units) -> tuple[str, Values]:
    """The same facts under their own civil day, with those of the period whose hour is unknown, and the parameters."""
    asked = replace(query, hours=query.hours or WHOLE_DAY)
    where, values = conditions(asked, scope, one_of, zones=False, unknown_hours=True)
    return _facts_like_rollup("day", where, units), values


def _facts_like_rollup(day: str, where: str, units: Units) -> str:
    """The SQL of some facts in the columns of the roll-up, with their hour; `day`: on which they count."""
    text = read_sql("facts_like_rollup").format(day=day, where=where, micrograms=units.micrograms, cents=units.cents)
    return f"({text}) AS facts_like_rollup"


def _days_condition(query: Query, *, or_unknown: bool = False) -> tuple[str, Values]:
    """The days of a query, and its hours of these days; `or_unknown`: also the facts whose hour nobody knows."""
    values: Values = {"start": query.start, "stop": query.stop}
    if query.hours is None:
        return "day >= $start AND day < $stop", values
    values |= {"start_hour": query.hours.start, "end_hour": query.hours.stop}
    unknown = " OR hour IS NULL AND day < $stop" * or_unknown
    if not query.hours.reach_the_next_day:
        return f"day >= $start AND day < $stop AND (hour >= $start_hour AND hour < $end_hour{unknown})", values
    hours = f"hour >= $start_hour AND day < $stop OR hour < $end_hour AND day > $start{unknown}"
    return f"day >= $start AND day <= $stop AND ({hours})", values


def conditions(
    query: Query, scope: Scope, one_of: OneOf, *, zones: bool = True, unknown_hours: bool = False
) -> tuple[str, Values]:
    """The WHERE of a query and its parameters, over the roll-up or, with `zones=False`, over the facts.

    A query for some hours is one about facts; `unknown_hours`: with those whose hour nobody knows.
    """
    days, values = _days_condition(query, or_unknown=unknown_hours)
    parts = [days]
    if scope.zones is not None and zones:
        parts.append(one_of("zone", "zones", "INTEGER"))
        values["zones"] = list(scope.zones)
    if not (scope.whole_zones and zones):
        condition, places = place_condition(scope)
        parts.append(condition)
        values |= places
    chosen = chosen_classes(query)
    if chosen:
        tests = [one_of(column, name, "VARCHAR") for column, name in CLASS_FILTERS.items() if name in chosen]
        parts.append(f"class IN (SELECT class FROM classes WHERE {' AND '.join(tests)})")
        values |= chosen
    return " AND ".join(parts), values


def near_condition(near: NDArray[np.int64] | None) -> tuple[str, Values]:
    """The facts of some hexagons, all of one resolution, and of what lies inside; None: wherever they are."""
    if near is None:
        return "true", {}
    if not near.size:
        return "false", {}
    (resolution,) = set(resolutions(near).tolist())
    return f"{parent_sql('cell', resolution)} IN (SELECT unnest($near::BIGINT[]))", {"near": near.tolist()}


def near_box(query: Query) -> NDArray[np.int64] | None:
    """Coarse hexagons that hold all those of the query's box, so that a tile does not cost a country; None: no box."""
    if query.box is None:
        return None
    return covering(Bounds(*query.box), min(query.resolution, SUMMARY_RESOLUTION))


def indicator_conditions(viewer: Viewer, one_of: OneOf) -> tuple[str, Values]:
    """Published figures of the communes, and of the whole départements, that make up the viewer's territories."""
    if viewer.territories is None:
        return "true", {}
    is_held = one_of("kind || ':' || code", "held", "VARCHAR")
    held = f"SELECT commune FROM memberships WHERE {is_held}"
    condition = f"""(territory_kind = 'commune' AND territory IN ({held})
        OR territory_kind = 'departement' AND territory IN (
            SELECT code FROM memberships WHERE kind = 'departement'
            GROUP BY code HAVING bool_and(commune IN ({held}))))"""
    return condition, {"held": territory_names(viewer)}


def territory_names(viewer: Viewer) -> list[str]:
    """The viewer's territories as `kind:code`."""
    return sorted(f"{kind}:{code}" for kind, code in viewer.territories or ())


def unknown_territory(territory: Territory) -> QueryError:
    """What to raise for a territory that no list and no fact names."""
    return QueryError(
        N_("Territoire inconnu : {kind} {code}. Vérifiez le code, ou rechargez les listes de territoires."),
        kind=territory.kind,
        code=territory.code,
    )


def check_sees_events(viewer: Viewer) -> None:
    """Raise `ForbiddenError` for a viewer who sees aggregates only."""
    if not viewer.sees_events:
        raise ForbiddenError(N_("{name} ne voit que des chiffres agrégés, pas les faits un à un."), name=viewer.name)


def check_sees_positions(viewer: Viewer) -> None:
    """Raise `ForbiddenError` for a viewer who sees aggregates only, or whose small counts are protected."""
    check_sees_events(viewer)
    if viewer.threshold > 1:
        raise ForbiddenError(N_("{name} ne voit pas les petits effectifs, donc pas où ils sont."), name=viewer.name)


def ground_conditions(ground: Ground, one_of: OneOf) -> tuple[dict[str, str], Values]:
    """The tests of a place's codes against a piece of the earth, by name of the list, and their parameters."""
    codes = {"commune": "communes", "departement": "departements", "country": "countries"}
    tests = {name: one_of(column, name, "VARCHAR") for column, name in codes.items()}
    return tests, {name: list(getattr(ground, name)) for name in codes.values()}


def check_sees_refusals(viewer: Viewer) -> None:
    """Raise `ForbiddenError` for a viewer held to territories: refused lines have no place that could be trusted."""
    check_sees_events(viewer)
    if viewer.territories is not None:
        raise ForbiddenError(
            N_("{name} ne voit que certains territoires, donc pas les lignes refusées."), name=viewer.name
        )


def cells_inside(cell: int) -> tuple[int, int]:
    """The half-open range of the stored cells inside a hexagon of any resolution."""
    resolution = (cell >> 52) & 15
    if cell <= 0 or resolution > FINEST_RESOLUTION:
        raise QueryError(
            N_("Hexagone {given} inconnu : attendu une cellule H3 de résolution 0 à 10."), given=f"{cell:x}"
        )
    return descendant_range(cell, FINEST_RESOLUTION)
