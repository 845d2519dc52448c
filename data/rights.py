"""Which territories a viewer sees whole: those of which the stores give him every fact that may lie inside."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np

from data.geography import Geography
from data.query import Territory, TerritoryKind, Viewer
from data.store import Membership, TerritoryCounts

MADE_OF_DEPARTEMENTS = ("departement", "region", "antenna")  # facts known by their département alone count for them

Communes = Mapping[TerritoryKind, Mapping[str, frozenset[str]]]  # of each territory, by kind and code


def beyond_rights(known: Geography, kind: TerritoryKind, viewer: Viewer) -> frozenset[str]:
    """Codes of the territories of a kind that a viewer sees in part or not at all.

    What a store says of them is right of the part that he sees, and would pass for the whole.
    """
    return frozenset() if viewer.territories is None else _beyond(known, kind, viewer.territories)


@lru_cache(maxsize=64)
def _beyond(known: Geography, kind: TerritoryKind, held: frozenset[Territory]) -> frozenset[str]:
    parts = known.arrondissements
    return beyond(_communes(known), dict(zip(parts["code"], parts["commune"], strict=True)), kind, held)


@lru_cache(maxsize=2)
def _communes(known: Geography) -> Communes:
    return communes_of(known.memberships())


def communes_of(memberships: Iterable[Membership]) -> Communes:
    """The communes of each territory."""
    found: dict[TerritoryKind, dict[str, set[str]]] = {}
    for members in memberships:
        of_kind = found.setdefault(members.kind, {})
        for code, commune in zip(members.codes, members.communes, strict=True):
            of_kind.setdefault(code, set()).add(commune)
    return {kind: {code: frozenset(each) for code, each in of_kind.items()} for kind, of_kind in found.items()}


def within_rights(counts: TerritoryCounts, beyond: frozenset[str]) -> TerritoryCounts:
    """The same, unknown of the territories that are beyond a viewer's rights."""
    if not beyond:
        return counts
    hidden = np.isin(counts.codes, sorted(beyond))
    names = ("incidents", "controls", "checked", "positive", "kg", "eur")
    figures: dict[str, Any] = {name: np.where(hidden, np.nan, getattr(counts, name)) for name in names}
    return replace(counts, **figures, protected=counts.protected & ~hidden)


def beyond(
    communes: Communes, arrondissements: Mapping[str, str], kind: TerritoryKind, held: frozenset[Territory]
) -> frozenset[str]:
    """The same of some territories, whoever holds them.

    Args:
        arrondissements: The commune of each.
    """
    of_communes = [communes.get(each.kind, {}).get(each.code) for each in held if each.kind != "arrondissement"]
    seen: frozenset[str] = frozenset().union(*(each for each in of_communes if each))
    mine = {code for held_kind, code in held if held_kind == kind}
    if kind == "arrondissement":
        return frozenset(code for code, commune in arrondissements.items() if commune not in seen) - mine
    whole: frozenset[str] = frozenset().union(*(_whole_departements(communes, *each) for each in held))
    return frozenset(
        code
        for code, inside in communes.get(kind, {}).items()
        if code not in mine and not (inside <= seen and _whole_departements(communes, kind, code) <= whole)
    )


def _whole_departements(communes: Communes, kind: TerritoryKind, code: str) -> frozenset[str]:
    """Of which a territory counts the facts that are known by their département alone."""
    inside = communes.get(kind, {}).get(code, frozenset())
    if kind not in MADE_OF_DEPARTEMENTS or not inside:
        return frozenset()
    return frozenset(one for one, all_of_it in communes.get("departement", {}).items() if all_of_it <= inside)
