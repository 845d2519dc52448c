"""What a hexagon can show. One table: name in the address, title, unit, what it needs."""

from __future__ import annotations

from dataclasses import dataclass

from geo.errors import N_


@dataclass(frozen=True, slots=True)
class Measure:
    """`name` stands in the address. `explains`: what the figure is and is not, in one sentence."""

    name: str
    title: str
    unit: str
    explains: str
    needs_population: bool = False
    of_controls: bool = False  # no control means unknown, not zero


MEASURES: dict[str, Measure] = {
    measure.name: measure
    for measure in (
        Measure("incidents", N_("Incidents"), N_("faits"), N_("Nombre de faits de la famille incident.")),
        Measure(
            "taux",
            N_("Taux d'incidents"),
            N_("pour 100 000 habitants"),
            N_("Incidents rapportés aux habitants, population estimée au prorata des surfaces."),
            needs_population=True,
        ),
        Measure(
            "densite",
            N_("Densité d'incidents"),
            N_("faits par km²"),
            N_("Incidents rapportés à la surface réelle de l'hexagone."),
        ),
        Measure(
            "controles",
            N_("Contrôles"),
            N_("opérations"),
            N_("Nombre d'opérations de contrôle ; plus de contrôles ne veut pas dire plus de trafic."),
            of_controls=True,
        ),
        Measure(
            "verifies",
            N_("Contrôlés"),
            N_("personnes, véhicules, colis"),
            N_("Nombre de personnes, véhicules ou colis contrôlés."),
            of_controls=True,
        ),
        Measure(
            "rendement",
            N_("Contrôles positifs"),
            N_("pour 100 contrôlés"),
            N_("Part de contrôles positifs ; jamais contrôlé n'est pas zéro."),
            of_controls=True,
        ),
        Measure("kg", N_("Quantités saisies"), N_("kg"), N_("Somme des quantités pesées ; sans pesée, inconnu.")),
        Measure("avoirs", N_("Avoirs saisis"), N_("€"), N_("Somme des valeurs déclarées ; sans valeur, inconnu.")),
    )
}
DEFAULT_MEASURE = "incidents"
