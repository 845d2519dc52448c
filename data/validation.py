"""Every line is accepted or refused: typed columns and cross-field rules, driven by `data.schema.EVENT`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from data.fingerprints import Repeats, fingerprints
from data.local_time import days_and_hours, resolve
from data.parsing import (
    MINUTE,
    PRECISIONS,
    TEXT_LIMIT,
    Moments,
    Parsed,
    floats,
    masked,
    nulls,
    parse_codes,
    parse_integers,
    parse_moments,
    parse_numbers,
    parse_text,
)
from data.placing import Place, Placer
from data.refusals import Refusals
from data.schema import EVENT, EVENT_BY_NAME, EVENT_SCHEMA, Field
from data.store import Batch, Chunk
from data.vocabulary import FAMILIES, KINDS, KINDS_OF_FAMILY, TIME_PRECISIONS
from geo.errors import N_

EARLIEST = date(1950, 1, 1)
MAINLAND_TIME = "Europe/Paris"  # of facts without a French département, when nothing else is said

MISSING = N_("Champ obligatoire vide. Attendu {expected}.")
NOT_IN_LIST = N_("Valeur inconnue : « {given} ». Attendu {expected}.")
NOT_A_NUMBER = N_("« {given} » n'est pas un nombre. Attendu {expected}.")
NOT_AN_INTEGER = N_("« {given} » n'est pas un nombre entier. Attendu {expected}.")
OUT_OF_BOUNDS = N_("Valeur {given} hors de ce qui est vraisemblable. Attendu {expected}.")
NEGATIVE = N_("Valeur négative : {given}. Attendu {expected}.")
BAD_TEXT = N_(
    "Texte trop long ou avec des caractères de contrôle : « {given} ». Attendu un texte d'au plus {expected}"
    " caractères."
)
NOT_A_DATE = N_("Date illisible : « {given} ». Attendu {expected}.")
IMPOSSIBLE_DATE = N_("Cette date n'existe pas : « {given} ». Attendu {expected}.")
FUTURE = N_("Date dans le futur : « {given} ». Attendu {expected}.")
TOO_OLD = N_("Date trop ancienne : « {given} ». Attendu {expected}.")
FINER_THAN_WRITTEN = N_("Précision « {given} » plus fine que la date écrite. Attendu {expected}.")
OTHER_FAMILY = N_("« {given} » n'appartient pas à la famille donnée. Attendu {expected}.")
MORE_POSITIVE = N_("Plus de positifs ({given}) que de contrôlés. Attendu {expected}.")
UNIT_MISSING = N_("Quantité dénombrée {given} sans son unité. Attendu {expected}.")

RepeatedLines = Literal["keep", "drop"]
COUNTRY_FIELDS = ("departure_country", "transit_country", "destination_country", "producing_country")


@dataclass(frozen=True, slots=True)
class Lines:
    """Lines of a file on their way: `columns` as they stand in it, `fields` under the schema's names, same length."""

    columns: pa.Table
    fields: dict[str, pa.Array]
    refusals: Refusals


@dataclass(frozen=True, slots=True)
class Rules:
    """What differs from one file to the next.

    `time_zone` is the IANA zone of times written without one; None: legal time of the place. `repeated_lines`:
    whether the second of two identical lines without an identifier is a fact of its own.
    """

    time_zone: str | None = None
    date_formats: tuple[str, ...] = ()
    repeated_lines: RepeatedLines = "keep"
    today: date = field(default_factory=lambda: datetime.now(UTC).date())


class EventValidator:
    """Validates the lines of one file, chunk after chunk; remembers the lines it saw, to tell repeated ones."""

    def __init__(self, batch: Batch, placer: Placer, zone_of: Callable[[str], str], rules: Rules) -> None:
        self._batch = batch
        self._placer = placer
        self._zone_of = zone_of
        self._rules = rules
        self._repeats = Repeats()

    def check(self, lines: Lines) -> Chunk:
        """Type, check and derive; answers the accepted lines and why the others are refused."""
        refusals, count = lines.refusals, len(lines.refusals.lines)
        absent = pa.nulls(count, pa.string())
        given = {f.name: lines.fields.get(f.name, absent) for f in EVENT if not f.derived}
        moments = parse_moments(given["occurred_at"], self._rules.date_formats)
        columns = {f.name: typed(f, given[f.name], refusals) for f in EVENT if not f.derived and f.type != "instant"}
        _check_dates(moments, given["occurred_at"], refusals)
        _check_together(columns, refusals)
        for name in COUNTRY_FIELDS:
            self._placer.check_countries(name, columns[name], refusals)
        columns |= self._placer.place(_place(columns), refusals)
        columns |= self._times(moments, columns, given["occurred_at"], refusals)
        identifiers, identical = self._identify(columns, lines.columns)
        columns["event_id"] = identifiers
        columns["batch_id"] = pa.repeat(self._batch.batch_id, count)
        columns["marking"] = _filled(columns["marking"], self._batch.marking)
        arrays = [columns[field.name].cast(field.type) for field in EVENT_SCHEMA]
        events = pa.Table.from_arrays(arrays, schema=EVENT_SCHEMA)
        kept = ~refusals.refused
        if not kept.all():
            events = events.filter(pa.array(kept))
        return Chunk(
            lines=count,
            events=events,
            event_lines=refusals.lines[kept],
            refusals=refusals.table(),
            identical=identical,
        )

    def _times(
        self, moments: Moments, columns: dict[str, pa.Array], given: pa.Array, refusals: Refusals
    ) -> dict[str, pa.Array]:
        zones, zone = self._zones(columns["departement"])
        times = resolve(moments.wall, moments.offset_minutes, zones, zone)
        days, hours = days_and_hours(times.local)
        latest = self._rules.today + timedelta(days=1)
        expected = f"{EARLIEST:%d/%m/%Y} … {latest:%d/%m/%Y}"
        refusals.add(days > np.datetime64(latest), "occurred_at", given, FUTURE, expected)
        refusals.add(days < np.datetime64(EARLIEST), "occurred_at", given, TOO_OLD, expected)
        precision = _time_precision(moments, columns["occurred_precision"], refusals)
        nowhere = np.isnat(days)
        to_the_minute = pc.equal(precision, "minute").to_numpy(zero_copy_only=False)
        return {
            "occurred_at": pa.array(times.utc, pa.timestamp("us")),
            "occurred_precision": precision,
            "day": pa.array(days, pa.date32()),
            "hour": masked(hours, ~to_the_minute | nowhere, pa.int64()),
        }

    def _zones(self, departement: pa.Array) -> tuple[list[str], NDArray[np.intp]]:
        """IANA names and the position of each line's zone among them."""
        if self._rules.time_zone is not None:
            return [self._rules.time_zone], np.zeros(len(departement), dtype=np.intp)
        encoded = departement if pa.types.is_dictionary(departement.type) else departement.dictionary_encode()
        codes: list[str] = encoded.dictionary.to_pylist()
        names = [self._zone_of(code) for code in codes] + [MAINLAND_TIME]
        distinct = sorted(set(names))
        table = np.array([distinct.index(name) for name in names], dtype=np.intp)
        indices = pc.fill_null(encoded.indices.cast(pa.int64()), len(codes)).to_numpy(zero_copy_only=False)
        return distinct, table[indices]

    def _identify(self, columns: dict[str, pa.Array], raw: pa.Table) -> tuple[pa.Array, int]:
        """`source:identifier`, or `source:#fingerprint` of the line, `-2`, `-3`… for those identical to it."""
        source, identifier = columns["source"], columns["source_event_id"]
        unnamed = np.flatnonzero(nulls(identifier))
        identical = 0
        if len(unnamed):
            prints = fingerprints(raw, unnamed)
            ranks = self._repeats.ranks(prints)
            identical = int((ranks > 0).sum())
            if self._rules.repeated_lines == "keep":
                for row in np.flatnonzero(ranks):
                    prints[row] = f"{prints[row]}-{ranks[row] + 1}"
            hashed = pc.binary_join_element_wise("", pa.array(prints, pa.string()), "#")
            identifier = hashed if len(unnamed) == len(identifier) else _put(identifier, unnamed, hashed)
        return pc.binary_join_element_wise(source, identifier, ":", null_handling="replace"), identical


def typed(definition: Field, given: pa.Array, refusals: Refusals) -> pa.Array:
    """One column in the schema's type, its faults added to `refusals`; what could not be read is null."""
    name, expected = definition.name, expectation(definition)
    parsed: Parsed
    if given.null_count == len(given):
        parsed = Parsed(pa.nulls(len(given), EVENT_SCHEMA.field(name).type), np.zeros(len(given), dtype=bool))
    elif definition.type == "code":
        parsed = parse_codes(given, tuple(definition.values or ()))
        refusals.add(parsed.bad, name, given, NOT_IN_LIST, expected)
    elif definition.type == "number":
        parsed = parse_numbers(given)
        refusals.add(parsed.bad, name, given, NOT_A_NUMBER, expected)
    elif definition.type == "integer":
        parsed = parse_integers(given)
        refusals.add(parsed.bad, name, given, NOT_AN_INTEGER, expected)
    else:
        parsed = parse_text(given)
        refusals.add(parsed.bad, name, given, BAD_TEXT, str(TEXT_LIMIT))
    if definition.type in ("number", "integer") and name not in ("longitude", "latitude"):
        _check_bounds(definition, parsed.values, given, refusals, expected)
    if definition.required:
        refusals.add(nulls(parsed.values) & ~parsed.bad, name, None, MISSING, expected)
    return parsed.values


def expectation(definition: Field) -> str:
    """What a field takes, short enough for a refused line: its codes, its bounds, or a text of the catalogues."""
    if definition.values is not None:
        return ", ".join(definition.values)
    if definition.minimum is not None and definition.maximum is not None:
        unit = f" {definition.unit}" if definition.unit else ""
        return f"{definition.minimum:.0f} … {definition.maximum:.0f}{unit}"
    return N_("un texte")


def _check_bounds(definition: Field, values: pa.Array, given: pa.Array, refusals: Refusals, expected: str) -> None:
    if values.null_count == len(values):
        return
    extremes = pc.min_max(values).as_py()
    if definition.minimum is not None and extremes["min"] < definition.minimum:
        below = pc.fill_null(pc.less(values, definition.minimum), False).to_numpy(zero_copy_only=False)
        refusals.add(below, definition.name, given, NEGATIVE, expected)
    if definition.maximum is not None and extremes["max"] > definition.maximum:
        above = pc.fill_null(pc.greater(values, definition.maximum), False).to_numpy(zero_copy_only=False)
        refusals.add(above, definition.name, given, OUT_OF_BOUNDS, expected)


def _check_dates(moments: Moments, given: pa.Array, refusals: Refusals) -> None:
    formats = N_("AAAA-MM-JJ, AAAA-MM-JJTHH:MM (ISO 8601), AAAA-MM ou AAAA")
    refusals.add(moments.bad, "occurred_at", given, NOT_A_DATE, formats)
    refusals.add(moments.impossible, "occurred_at", given, IMPOSSIBLE_DATE, N_("un jour et une heure du calendrier"))
    missing = np.isnat(moments.wall) & ~moments.bad & ~moments.impossible
    refusals.add(missing, "occurred_at", None, MISSING, formats)


def _check_together(columns: dict[str, pa.Array], refusals: Refusals) -> None:
    """Rules between fields of one line."""
    family_of = [list(FAMILIES).index(f) for kind in KINDS for f in FAMILIES if kind in KINDS_OF_FAMILY[f]]
    kind, family = _positions(columns["kind"]), _positions(columns["family"])
    known = (kind >= 0) & (family >= 0)
    stranger = known & (np.array(family_of)[kind] != family)
    families = "; ".join(f"{family} : {', '.join(kinds)}" for family, kinds in KINDS_OF_FAMILY.items())
    refusals.add(stranger, "kind", columns["kind"], OTHER_FAMILY, families)
    more = pc.fill_null(pc.greater(columns["positive"], columns["checked"]), False).to_numpy(zero_copy_only=False)
    refusals.add(more, "positive", columns["positive"], MORE_POSITIVE, N_("au plus le nombre de contrôlés"))
    bare = ~nulls(columns["quantity_units"]) & nulls(columns["quantity_unit"])
    units = ", ".join(EVENT_BY_NAME["quantity_unit"].values or ())
    refusals.add(bare & ~refusals.refused, "quantity_unit", columns["quantity_units"], UNIT_MISSING, units)


def _positions(codes: pa.DictionaryArray) -> NDArray[np.int64]:
    """Position of each code in its closed list; -1 for null."""
    if not pa.types.is_dictionary(codes.type):
        return np.full(len(codes), -1, dtype=np.int64)
    return np.asarray(pc.fill_null(codes.indices.cast(pa.int64()), -1).to_numpy(zero_copy_only=False))


def _place(columns: dict[str, pa.Array]) -> Place:
    return Place(
        longitude=floats(columns["longitude"]),
        latitude=floats(columns["latitude"]),
        precision=_positions(columns["place_precision"]),
        commune=columns["commune"],
        departement=columns["departement"],
        country=columns["country"],
    )


def _time_precision(moments: Moments, given: pa.DictionaryArray, refusals: Refusals) -> pa.DictionaryArray:
    """The precision given, else that of what was written; refuses one finer than what was written."""
    codes = list(TIME_PRECISIONS)  # begins with PRECISIONS, finest first
    stated = _positions(given)
    finer = (stated >= 0) & (stated < moments.precision) & ~np.isnat(moments.wall)
    refusals.add(finer, "occurred_precision", given, FINER_THAN_WRITTEN, ", ".join(PRECISIONS))
    precision = np.where(stated >= 0, stated, np.maximum(moments.precision, MINUTE))
    return pa.DictionaryArray.from_arrays(pa.array(precision.astype(np.int16)), pa.array(codes))


def _filled(codes: pa.DictionaryArray, value: str) -> pa.Array:
    """The closed-list column with `value` where nothing was given."""
    if codes.null_count == len(codes):
        return pa.DictionaryArray.from_arrays(pa.repeat(pa.scalar(0, pa.int16()), len(codes)), pa.array([value]))
    return pc.fill_null(codes, value)


def _put(array: pa.Array, rows: NDArray[np.intp], values: pa.Array) -> pa.Array:
    """The array with `values` in the given rows, which are null in it."""
    mask = np.zeros(len(array), dtype=bool)
    mask[rows] = True
    return pc.replace_with_mask(array, pa.array(mask), values)
