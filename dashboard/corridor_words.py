"""The words of corridors: where they lead, what their two ends are, their weight. For addresses and scripts."""

from __future__ import annotations

from geo.corridors import Stop
from geo.errors import N_

EUROPE, FRANCE, WORLD = "europe", "france", "monde"
TOWARD: dict[str, str] = {EUROPE: N_("L'Europe"), FRANCE: N_("La France"), WORLD: N_("Toutes destinations")}
SEIZURES, KG = "saisies", "kg"
WEIGHTS: dict[str, str] = {SEIZURES: N_("Nombre de saisies"), KG: N_("Kilogrammes pesés")}
ORIGINS: dict[str, str] = {
    "depart": N_("Départ → destination"),
    "arrivee": N_("Départ → saisie"),
    "production": N_("Production → destination"),
    "saisie": N_("Saisie → destination"),
}
READINGS: dict[str, tuple[Stop, Stop]] = {
    "depart": ("departure", "destination"),
    "arrivee": ("departure", "reporter"),
    "production": ("producing", "destination"),
    "saisie": ("reporter", "destination"),
}
