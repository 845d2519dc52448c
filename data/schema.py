"""The one definition of an event and an indicator: validation, tables and documentation follow from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import pyarrow as pa

from data.vocabulary import (
    CREDIBILITIES,
    DRUGS,
    FAMILIES,
    KINDS,
    MARKINGS,
    MODES,
    PLACE_PRECISIONS,
    QUANTITY_UNITS,
    RELIABILITIES,
    SERVICES,
    TIME_PRECISIONS,
)  # fmt: skip
from geo.errors import N_

FieldType = Literal["text", "code", "integer", "number", "instant", "day", "cell"]


@dataclass(frozen=True, slots=True)
class Field:
    """One column. `values`: its closed list (for `code`). `derived`: computed by us, refused in a file."""

    name: str
    type: FieldType
    doc: str
    required: bool = False
    values: dict[str, str] | None = None
    minimum: float | None = None
    maximum: float | None = None
    unit: str = ""
    derived: bool = False


EVENT: tuple[Field, ...] = (
    Field("source", "text", N_("Producteur du fait (nom court du système ou du jeu de données)"), required=True),
    Field("source_event_id", "text", N_("Identifiant chez le producteur ; absent, une empreinte de la ligne")),
    Field("family", "code", N_("Famille"), required=True, values=FAMILIES),
    Field("kind", "code", N_("Nature du fait ou du contrôle"), required=True, values=KINDS),
    Field("occurred_at", "instant", N_("Date et heure, ISO 8601 ; sans fuseau, heure légale du lieu"), required=True),
    Field("occurred_precision", "code", N_("Précision de la date"), values=TIME_PRECISIONS),
    Field("longitude", "number", N_("Longitude, WGS 84"), minimum=-180, maximum=180, unit="°"),
    Field("latitude", "number", N_("Latitude, WGS 84"), minimum=-90, maximum=90, unit="°"),
    Field("place_precision", "code", N_("Précision du lieu"), values=PLACE_PRECISIONS),
    Field("commune", "text", N_("Commune, code INSEE ; celle du point quand il y en a un")),
    Field("departement", "text", N_("Département, code INSEE")),
    Field("country", "text", N_("Pays du lieu, ISO 3166-1 alpha-2")),
    Field("drug", "code", N_("Produit"), values=DRUGS),
    Field("drug_label", "text", N_("Produit, libellé d'origine")),
    Field("quantity_kg", "number", N_("Quantité"), minimum=0, maximum=100_000, unit="kg"),
    Field("quantity_units", "number", N_("Quantité dénombrée"), minimum=0, maximum=1e9),
    Field("quantity_unit", "code", N_("Unité de la quantité dénombrée"), values=QUANTITY_UNITS),
    Field("value_eur", "number", N_("Valeur des avoirs"), minimum=0, maximum=1e11, unit="€"),
    Field("mode", "code", N_("Mode de transport"), values=MODES),
    Field("service", "code", N_("Service"), values=SERVICES),
    Field("departure_country", "text", N_("Pays de départ, ISO 3166-1 alpha-2")),
    Field("transit_country", "text", N_("Pays de transit, ISO 3166-1 alpha-2")),
    Field("destination_country", "text", N_("Pays de destination, ISO 3166-1 alpha-2")),
    Field("producing_country", "text", N_("Pays de production, ISO 3166-1 alpha-2")),
    Field("checked", "integer", N_("Nombre de personnes, véhicules ou colis contrôlés"), minimum=0, maximum=1_000_000),
    Field("positive", "integer", N_("Nombre de contrôles positifs"), minimum=0, maximum=1_000_000),
    Field("reliability", "code", N_("Fiabilité de la source"), values=RELIABILITIES),
    Field("credibility", "code", N_("Crédibilité de l'information"), values=CREDIBILITIES),
    Field("marking", "code", N_("Mention de protection"), values=MARKINGS),
    # What we derive at ingest, once.
    Field("event_id", "text", N_("source:identifiant, ou source:#empreinte"), required=True, derived=True),
    Field("batch_id", "text", N_("Chargement d'où vient le fait"), required=True, derived=True),
    Field("day", "day", N_("Jour civil au lieu du fait"), required=True, derived=True),
    Field("hour", "integer", N_("Heure légale du lieu (date à la minute)"), minimum=0, maximum=23, derived=True),
    Field("cell", "cell", N_("Cellule H3 de résolution 10, pour les précisions point et rue"), derived=True),
    Field("arrondissement", "text", N_("Arrondissement municipal (Paris, Lyon, Marseille), code INSEE"), derived=True),
)  # fmt: skip

INDICATOR: tuple[Field, ...] = (
    Field("source", "text", N_("Producteur"), required=True),
    Field("territory_kind", "text", N_("Type de territoire : commune, departement"), required=True),
    Field("territory", "text", N_("Code INSEE"), required=True),
    Field("year", "integer", N_("Année"), required=True, minimum=1900, maximum=2200),
    Field("indicator", "text", N_("Indicateur, libellé du producteur"), required=True),
    Field("unit_of_count", "text", N_("Unité de compte du producteur"), required=True),
    Field("value", "number", N_("Valeur ; vide si elle n'est pas diffusée"), minimum=0),
    Field("disclosed", "code", N_("Diffusée ou retenue par le producteur"), required=True,
          values={"disclosed": N_("Diffusée"), "withheld": N_("Non diffusée")}),
    Field("population", "number", N_("Population utilisée par le producteur"), minimum=0),
    Field("population_year", "integer", N_("Millésime de cette population")),
    Field("release", "day", N_("Date de publication : deux publications ne se mélangent pas"), required=True),
    Field("batch_id", "text", N_("Chargement"), required=True, derived=True),
)  # fmt: skip

EVENT_BY_NAME = {field.name: field for field in EVENT}
INPUT_FIELDS = tuple(field.name for field in EVENT if not field.derived)


ARROW_TYPES: dict[FieldType, pa.DataType] = {
    "text": pa.string(),
    "code": pa.dictionary(pa.int16(), pa.string()),
    "integer": pa.int64(),
    "number": pa.float64(),
    "instant": pa.timestamp("us"),  # UTC, without zone: neither store has to know time zones
    "day": pa.date32(),
    "cell": pa.int64(),
}


def arrow_schema(fields: tuple[Field, ...]) -> pa.Schema:
    """The columns in which validated lines travel from a reader to a store."""
    return pa.schema([pa.field(field.name, ARROW_TYPES[field.type], nullable=not field.required) for field in fields])


EVENT_SCHEMA = arrow_schema(EVENT)
INDICATOR_SCHEMA = arrow_schema(INDICATOR)

# A refused line: where, what was given, why. `reason` is a French template (see geo.errors) with {given} and
# {expected}; `expected`: values, bounds, a number, or a text of the catalogues.
REFUSAL_SCHEMA = pa.schema(
    [
        pa.field("line", pa.int64(), nullable=False),  # of the file, header included, counted from 1
        pa.field("field", pa.string(), nullable=False),  # empty: the whole line
        pa.field("given", pa.string(), nullable=False),
        pa.field("reason", pa.string(), nullable=False),
        pa.field("expected", pa.string(), nullable=False),
    ]
)
