"""How both stores lay facts out: which columns are numbered, which are kept, what makes two lines the same fact."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from data.schema import EVENT, INDICATOR, INPUT_FIELDS
from geo.errors import N_

CLASS_FIELDS = ("family", "kind", "drug", "mode", "service")
PLACE_FIELDS = ("place_precision", "commune", "arrondissement", "departement", "country")
ORIGIN_FIELDS = ("source", "marking", "occurred_precision", "quantity_unit", "reliability", "credibility")
# Of each number that an event carries: the table that explains it, and the columns it stands for.
DIMENSIONS: dict[str, tuple[str, tuple[str, ...]]] = {
    "class": ("classes", CLASS_FIELDS),
    "place": ("places", PLACE_FIELDS),
    "origin": ("origins", ORIGIN_FIELDS),
}
NUMBERED = {name for _, names in DIMENSIONS.values() for name in names}
STORED_FIELDS = tuple(field for field in EVENT if field.name not in {*NUMBERED, "batch_id"})
INDICATOR_FIELDS = tuple(field for field in INDICATOR if field.name != "batch_id")

EVENT_IDENTITY = ("event_id",)
INDICATOR_IDENTITY = ("source", "territory_kind", "territory", "year", "indicator", "unit_of_count", "release")
SUMMARY_RESOLUTION = 9  # of the summary by hexagon

KNOWN_OTHERWISE = N_("Identifiant déjà connu avec un autre contenu : {given}. Champs qui diffèrent : {expected}.")


@dataclass(frozen=True, slots=True)
class Settled:
    """How two lines are recognised as the same fact, and when the second one only repeats the first."""

    table: str
    view: str
    identity: tuple[str, ...]
    blamed: str  # the field named when a line contradicts an earlier one; empty: the whole line
    differences: str  # SQL: the names of the fields that differ between `mine` and `theirs`, NULL for the others


def _difference(name: str, condition: str = "") -> str:
    return f"CASE WHEN {condition}mine.{name} IS DISTINCT FROM theirs.{name} THEN '{name}' END"


# Where there is a point, the codes of its place follow from it and from the geography of the day: not compared.
FROM_THE_POINT = ("commune", "departement", "country")
EVENTS = Settled(
    "events",
    "facts",
    EVENT_IDENTITY,
    "source_event_id",
    ", ".join(
        _difference(name, "mine.longitude IS NULL AND " if name in FROM_THE_POINT else "") for name in INPUT_FIELDS
    ),
)
INDICATORS = Settled(
    "indicators",
    "figures",
    INDICATOR_IDENTITY,
    "",
    ", ".join(_difference(field.name) for field in INDICATOR_FIELDS if field.name not in INDICATOR_IDENTITY),
)


def differing_fields(mine: Mapping[str, Any], theirs: Mapping[str, Any]) -> list[str]:
    """What `EVENTS.differences` says in SQL, of two events as dicts; empty: the one repeats the other."""
    at_a_point = mine["longitude"] is not None
    return [name for name in INPUT_FIELDS if mine[name] != theirs[name] and not (at_a_point and name in FROM_THE_POINT)]


@cache
def read_sql(name: str) -> str:
    """The text of `data/sql/<name>.sql`; parameters are written `$name`, parts to fill in `{part}`."""
    return (files("data") / "sql" / f"{name}.sql").read_text(encoding="utf-8")
