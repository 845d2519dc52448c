"""Prove that what a store derives from its facts still equals its facts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from data.layout import read_sql
from geo.errors import N_


@dataclass(frozen=True, slots=True)
class Check:
    """One comparison; `wrong`: how many rows differ, 0 when all is well."""

    name: str  # French, to translate
    wrong: int


CHECKS = {
    "verify_rollup": N_("Comptes par jour égaux aux faits"),
    "verify_tallies": N_("Faits par source égaux aux faits"),
    "verify_ledgers": N_("Lignes acceptées de chaque chargement"),
    "verify_identifiers": N_("Chaque identifiant une seule fois"),
}


SUMMARY_NAME = N_("Résumé par hexagone égal aux comptes par jour")  # which each store keeps in its own way


def run_checks(count: Callable[[str], int], micrograms: str, cents: str) -> list[Check]:
    """Run every comparison that both databases can make.

    Args:
        count: Runs a statement that answers one number.
        micrograms, cents: The SQL of a fact's quantity and value in whole units.
    """
    parts = {"micrograms": micrograms, "cents": cents}
    return [Check(name, count(read_sql(file).format(**parts))) for file, name in CHECKS.items()]
