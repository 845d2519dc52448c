"""Individual drug seizures, as the UNODC publishes them (2011 to 2016).

The file has no coordinates: a place is looked up by country and name and is known to the town at best; the place's
text, which at times is a whole address, is read but not kept. An amount of zero stays the zero that the state reported.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from data.countries import country_code
from data.gazetteer import gazetteer
from data.parsing import combined, masked, parse_numbers, trimmed
from data.readers.options import Options
from data.readers.source import SourceFile, make_batch
from data.readers.text import CHUNK_RECORDS, Records, TextLayout, read_records
from data.readers.unodc_drugs import drug_code
from data.refusals import Refusals
from data.store import Chunk
from data.units import convert
from data.validation import NOT_A_NUMBER, EventValidator, Lines, Rules
from geo.errors import N_

READER = "unodc"
SOURCE = "UNODC"
COLUMNS = (
    "REGION", "SUBREGION", "COUNTRY", "ADMINISTRATIVE_DIVISION", "PLACE", "SEIZURE_DATE", "DRUG_NAME", "AMOUNT",
    "DRUG_UNIT", "HIDING_PLACE", "INSTALLATION", "TRANSPORT", "PRODUCING_COUNTRY", "DEPARTURE_COUNTRY",
    "DESTINATION_COUNTRY", "ROUTING",
)  # fmt: skip

# `Land` does not say road or rail, `River` and `Pedestrian` are no mode of our list: they stay unknown.
MODES = {
    "Commercial air": "air",
    "Private air": "air",
    "Air": "air",
    "Commercial road": "road",
    "Private road": "road",
    "Rail": "rail",
    "Commercial sea": "sea",
    "Private sea": "sea",
    "Mail": "post",
}
# Départements that the file counts as countries.
OVERSEAS = {"GP": "971", "MQ": "972", "GF": "973", "RE": "974", "YT": "976"}


def matches(header: Sequence[str]) -> bool:
    """Whether the columns are those of the UNODC's file."""
    return tuple(header) == COLUMNS


def open_unodc(path: Path, layout: TextLayout, options: Options) -> SourceFile:
    batch = make_batch(path, options.reader_name(READER), SOURCE, options.marking("public"))

    def chunks() -> Iterator[Chunk]:
        rules = Rules(time_zone="UTC", repeated_lines=options.repeated_lines, today=options.today)
        validator = EventValidator(batch, options.placer(), options.zone_of(), rules)
        for records in read_records(path, layout, options.chunk or CHUNK_RECORDS):
            yield validator.check(unodc_lines(records))

    return SourceFile(batch, chunks)


def unodc_lines(records: Records) -> Lines:
    """The file's columns turned into the schema's fields."""
    columns = {name: trimmed(combined(records.columns.column(name))) for name in COLUMNS}
    count = records.columns.num_rows
    fields = {
        "source": pa.repeat(SOURCE, count),
        "family": pa.repeat("incident", count),
        "kind": pa.repeat("seizure", count),
        "occurred_at": columns["SEIZURE_DATE"],
        "drug": _mapped(columns["DRUG_NAME"], drug_code),
        "drug_label": columns["DRUG_NAME"],
        "mode": _mapped(columns["TRANSPORT"], MODES.get),
        "departure_country": _mapped(columns["DEPARTURE_COUNTRY"], country_code),
        "destination_country": _mapped(columns["DESTINATION_COUNTRY"], country_code),
        "producing_country": _mapped(columns["PRODUCING_COUNTRY"], country_code),
        **_quantities(columns["AMOUNT"], columns["DRUG_UNIT"], records.refusals),
        **_places(columns["COUNTRY"], columns["PLACE"]),
    }
    abroad = pc.fill_null(pc.not_equal(fields["country"], "FR"), True)
    fields["service"] = pc.if_else(abroad, "foreign", pa.scalar(None, pa.string()))
    return Lines(records.columns, fields, records.refusals)


def _mapped(values: pa.Array, code_of: Callable[[str], str | None]) -> pa.Array:
    """Each distinct value through a function, blanks and unknown ones to null."""
    encoded = values.dictionary_encode()
    codes = [code_of(value) for value in encoded.dictionary.to_pylist()]  # a dictionary holds no null
    return pa.array(codes, pa.string()).take(encoded.indices)


def _quantities(amount: pa.Array, unit: pa.Array, refusals: Refusals) -> dict[str, pa.Array]:
    numbers = parse_numbers(amount)
    refusals.add(numbers.bad, "quantity_kg", amount, NOT_A_NUMBER, N_("un nombre à point décimal"))
    amounts = pc.fill_null(numbers.values, np.nan).to_numpy(zero_copy_only=False)
    quantities = convert(amounts, unit, others_counted=True)
    return {"quantity_kg": quantities.kg, "quantity_units": quantities.units, "quantity_unit": quantities.unit}


def _places(country: pa.Array, place: pa.Array) -> dict[str, pa.Array]:
    """Country, and coordinates of the town where the gazetteer finds one; overseas départements are French."""
    codes = _mapped(country, country_code)
    found = gazetteer().find(codes.to_pylist(), place.to_pylist())
    departement = _mapped(codes, OVERSEAS.get)
    missing = np.isnan(found.lng)
    precision = np.where((found.precision == "country") & departement.is_valid().to_numpy(False), "departement",
                         found.precision)  # fmt: skip
    return {
        "longitude": masked(found.lng, missing, pa.float64()),
        "latitude": masked(found.lat, missing, pa.float64()),
        "place_precision": pa.array(precision, pa.string()),
        "departement": departement,
        "country": pc.if_else(departement.is_valid(), "FR", codes),
    }
