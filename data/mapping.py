"""A TOML mapping says how a foreign file is written and what its columns mean; all its faults are told at once.

`docs/mapping.md` explains every key, with two examples.
"""

from __future__ import annotations

import hashlib
import tomllib
import zoneinfo
from collections.abc import Iterable, Sequence
from collections.abc import Mapping as Dictionary
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from data.coordinates import WGS_84, transformer
from data.errors import MappingError
from data.parsing import format_pattern
from data.schema import EVENT, EVENT_BY_NAME, INPUT_FIELDS
from data.units import KILOGRAM, Unit, unit_of
from data.vocabulary import MARKINGS, QUANTITY_UNITS
from geo.errors import N_, Message, Messages, message

COORDINATES = "coordinates"  # one column with both
LAT_LON, LON_LAT = "lat, lon", "lon, lat"
ANY_OTHER = "*"  # in a vocabulary: every value that has no line of its own
TO_COMPLETE = "À COMPLÉTER"  # what a proposed mapping leaves to whoever knows the file
SPACES = " \u00a0\u202f\u2009"

# Section → its keys and the type of their values.
KEYS: dict[str, dict[str, type | tuple[type, ...]]] = {
    "": {"name": str, "marking": str},
    "file": {"encoding": str, "separator": str, "skip_lines": int, "decimal": str, "thousands": str},
    "columns": dict.fromkeys((*INPUT_FIELDS, COORDINATES), (str, list)),
    "constants": dict.fromkeys(INPUT_FIELDS, (str, int, float)),
    "dates": {"formats": list, "time_zone": str},
    "place": {"crs": str, "order": str},
    "quantity": {"column": str, "unit_column": str, "unit": str, "units": dict},
    "vocabulary": dict.fromkeys(
        (f.name for f in EVENT if not f.derived and f.type in ("code", "text")), dict
    ),
}  # fmt: skip

NO_MAPPING = N_("Mapping illisible : {given} ({reason}).")
NOT_TOML = N_("Le mapping {given} n'est pas du TOML : {reason}.")
FAULTS = N_("Le mapping {given} ne convient pas. {faults}")


@dataclass(frozen=True, slots=True)
class QuantityRule:
    """Where a quantity stands and in which unit: one for the whole column, or one a line. `also`: further units."""

    column: str
    unit_column: str | None = None
    unit: str | None = None
    also: Dictionary[str, Unit] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Mapping:
    """A checked mapping. `columns`: our field → the file's columns, joined by a space when several."""

    name: str
    digest: str
    marking: str | None = None
    encoding: str | None = None
    separator: str | None = None
    skip_lines: int = 0
    decimal: str = "."
    thousands: str = ""
    columns: Dictionary[str, tuple[str, ...]] = field(default_factory=dict)
    constants: Dictionary[str, str] = field(default_factory=dict)
    date_formats: tuple[str, ...] = ()
    time_zone: str | None = None
    crs: str = WGS_84
    latitude_first: bool = True
    quantity: QuantityRule | None = None
    vocabulary: Dictionary[str, Dictionary[str, str]] = field(default_factory=dict)

    @property
    def reader(self) -> str:
        """A corrected mapping is another reader: the file may be loaded again with it."""
        return f"{self.name}@{self.digest[:8]}"

    def file_columns(self) -> tuple[str, ...]:
        """Every column of the file that the mapping reads."""
        rule = self.quantity
        of_quantity = [] if rule is None else [name for name in (rule.column, rule.unit_column) if name]
        return tuple(dict.fromkeys([*(name for names in self.columns.values() for name in names), *of_quantity]))

    def check_fits(self, header: Sequence[str]) -> None:
        """Raise `MappingError` naming every column that the file does not have, with the closest it has."""
        absent = [name for name in self.file_columns() if name not in header]
        if absent:
            faults = [
                message(N_("Colonne « {name} » absente du fichier{near}."), name=name, near=_closest(name, header))
                for name in absent
            ]
            faults.append(message(N_("Colonnes du fichier : {names}."), names=", ".join(header)))
            _raise(self.name, faults)


def read_mapping(path: Path | str) -> Mapping:
    """Read and check a mapping file. Raises `MappingError`."""
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise MappingError(NO_MAPPING, given=str(path), reason=getattr(error, "strerror", None) or "UTF-8") from error
    return parse_mapping(text, path.stem)


def parse_mapping(text: str, name: str) -> Mapping:
    """Check the TOML text of a mapping; `name` is used when it gives none. Raises `MappingError`."""
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise MappingError(NOT_TOML, given=name, reason=str(error)) from error
    faults = [*_shape_faults(content)]
    if not faults:
        faults = [*_meaning_faults(content)]
    if faults:
        _raise(str(content.get("name", name)), faults)
    return _build(content, name, hashlib.sha256(text.encode()).hexdigest())


def _raise(name: str, faults: Sequence[Message]) -> None:
    raise MappingError(FAULTS, given=name, faults=Messages(tuple(faults)))


def _closest(given: str, known: Iterable[str]) -> Message:
    """« (proche de …) » for a message, or nothing."""
    of_lower = {name.casefold(): name for name in known}
    close = get_close_matches(given.casefold(), of_lower, 1, 0.6)
    return message(N_(" (proche de « {name} »)"), name=of_lower[close[0]]) if close else message("")


def _shape_faults(content: dict[str, Any]) -> Iterable[Message]:
    """Unknown sections and keys, values of another type."""
    sections = [name for name in KEYS if name]
    for name, value in content.items():
        if name in KEYS[""]:
            if not isinstance(value, str):
                yield message(N_("« {name} » doit être un texte."), name=name)
        elif name not in sections:
            near = _closest(name, [*sections, *KEYS[""]])
            known = ", ".join(sections)
            yield message(
                N_("Section « {name} » inconnue{near}. Sections : {known}."), name=name, near=near, known=known
            )
        elif not isinstance(value, dict):
            yield message(N_("« {name} » doit être une section [{name}]."), name=name)
        else:
            yield from _key_faults(name, value)


def _key_faults(section: str, values: dict[str, Any]) -> Iterable[Message]:
    known = KEYS[section]
    for key, value in values.items():
        said = {"section": section, "key": key}
        if key not in known:
            near, keys = _closest(key, known), ", ".join(known)
            yield message(N_("[{section}] « {key} » inconnu{near}. Attendu : {known}."), **said, near=near, known=keys)
        elif not isinstance(value, known[key]) or isinstance(value, bool):
            yield message(N_("[{section}] {key} : valeur « {given} » d'un autre type que prévu."), **said, given=value)
        elif isinstance(value, list) and not (value and all(isinstance(item, str) for item in value)):
            yield message(N_("[{section}] {key} : attendu une liste de textes."), **said)
        elif isinstance(value, dict) and not all(isinstance(item, str) for item in value.values()):
            yield message(N_('[{section}.{key}] : attendu des lignes "valeur" = "code".'), **said)


def _meaning_faults(content: dict[str, Any]) -> Iterable[Message]:
    """What is well formed and wrong: unknown codes, formats, zones; missing fields."""
    columns, constants = content.get("columns", {}), content.get("constants", {})
    yield from _coverage_faults(columns, constants, content.get("quantity", {}))
    for name, value in constants.items():
        yield from _code_faults(f"[constants] {name}", name, str(value))
    for name, words in content.get("vocabulary", {}).items():
        if name not in columns:
            yield message(N_("[vocabulary.{name}] sans colonne : ajouter {name} à [columns]."), name=name)
        for word, code in words.items():
            yield from _code_faults(f'[vocabulary.{name}] "{word}"', name, code)
    if content.get("marking", "public") not in MARKINGS:
        known = ", ".join(MARKINGS)
        yield message(N_("marking : « {given} » inconnu. Attendu : {known}."), given=content["marking"], known=known)
    yield from _file_faults(content.get("file", {}))
    yield from _date_faults(content.get("dates", {}))
    yield from _place_faults(content.get("place", {}), columns)
    yield from _quantity_faults(content.get("quantity", {}))


def _coverage_faults(columns: dict[str, Any], constants: dict[str, Any], quantity: dict[str, Any]) -> Iterable[Message]:
    for required in (f.name for f in EVENT if f.required and not f.derived):
        if required not in columns and required not in constants:
            values = EVENT_BY_NAME[required].values
            hint = message(N_(" (une des valeurs {known})"), known=", ".join(values)) if values else message("")
            yield message(
                N_("« {name} » manque : l'ajouter à [columns] ou à [constants]{hint}."), name=required, hint=hint
            )
    for name in columns:
        if name in constants:
            yield message(N_("« {name} » est à la fois dans [columns] et dans [constants]."), name=name)
    if COORDINATES in columns and {"longitude", "latitude"} & set(columns):
        yield message(N_("[columns] : coordinates, ou longitude et latitude, pas les deux."))
    if ("longitude" in columns) != ("latitude" in columns):
        yield message(N_("[columns] : longitude et latitude vont ensemble."))
    if quantity and {"quantity_kg", "quantity_units", "quantity_unit"} & {*columns, *constants}:
        yield message(
            N_("[quantity] remplace quantity_kg, quantity_units et quantity_unit : ne garder que l'un des deux.")
        )


def _code_faults(where: str, name: str, value: str) -> Iterable[Message]:
    """`where`: the line of the mapping, as it is written there."""
    values = EVENT_BY_NAME[name].values
    if value.startswith(TO_COMPLETE):
        yield message(N_("{where} : à compléter ({known})."), where=where, known=", ".join(values or ()) or "…")
    elif values is not None and value and value not in values:
        near, known = _closest(value, values), ", ".join(values)
        yield message(
            N_("{where} : code « {given} » inconnu{near}. Attendu : {known}."),
            where=where,
            given=value,
            near=near,
            known=known,
        )


def _file_faults(file: dict[str, Any]) -> Iterable[Message]:
    try:
        "".encode(file.get("encoding", "utf-8"))
    except LookupError:
        yield message(
            N_("[file] encoding : « {given} » inconnu. Attendu : utf-8, cp1252, utf-16…"), given=file["encoding"]
        )
    if len(file.get("separator", ";")) != 1:
        yield message(N_('[file] separator : attendu un seul caractère (« ; », « , », « | » ou "\\t").'))
    if file.get("skip_lines", 0) < 0:
        yield message(N_("[file] skip_lines : attendu un nombre positif."))
    if file.get("decimal", ".") not in (".", ","):
        yield message(N_("[file] decimal : attendu « . » ou « , »."))
    if file.get("thousands", "") not in ("", " ", ".", ",", "'"):
        yield message(N_("[file] thousands : attendu une espace, « . », « , » ou une apostrophe."))
    elif file.get("thousands") == file.get("decimal", "."):
        yield message(N_("[file] thousands et decimal sont le même signe."))


def _date_faults(dates: dict[str, Any]) -> Iterable[Message]:
    for given in dates.get("formats", ()):
        try:
            pattern = format_pattern(given)
        except ValueError as error:
            yield message(
                N_("[dates] formats : {sign} inconnu dans « {given} ». Attendu : %Y %y %m %d %H %M %S %z"),
                sign=error,
                given=given,
            )
            continue
        if "year>" not in pattern:
            yield message(N_("[dates] formats : pas d'année (%Y) dans « {given} »."), given=given)
    zone = dates.get("time_zone")
    if zone is not None and zone not in zoneinfo.available_timezones():
        yield message(
            N_("[dates] time_zone : « {given} » inconnu. Attendu un nom comme Europe/Paris, America/Cayenne, UTC."),
            given=zone,
        )


def _place_faults(place: dict[str, Any], columns: dict[str, Any]) -> Iterable[Message]:
    order, orders = place.get("order"), {"one": LAT_LON, "other": LON_LAT}
    if order is not None and order not in (LAT_LON, LON_LAT):
        yield message(N_("[place] order : « {given} ». Attendu « {one} » ou « {other} »."), given=order, **orders)
    if order is None and COORDINATES in columns:
        yield message(N_("[place] order manque pour coordinates : « {one} » ou « {other} »."), **orders)
    if "crs" in place:
        try:
            transformer(place["crs"])
        except MappingError as error:
            yield message(N_("[place] crs : {reason}"), reason=error.message)


def _quantity_faults(quantity: dict[str, Any]) -> Iterable[Message]:
    if not quantity:
        return
    if "column" not in quantity:
        yield message(N_("[quantity] column manque."))
    if ("unit" in quantity) == ("unit_column" in quantity):
        yield message(N_("[quantity] : unit ou unit_column, l'un des deux."))
    if "unit" in quantity and _unit(quantity["unit"]) is None:
        yield message(
            N_("[quantity] unit : « {given} » inconnu. Attendu : kg, g, t, litre, comprimé…"), given=quantity["unit"]
        )
    for word, target in quantity.get("units", {}).items():
        if _unit(target) is None:
            known = ", ".join(("kg", "g", *QUANTITY_UNITS))
            yield message(
                N_("[quantity.units] « {word} » : « {given} » inconnu. Attendu : {known}."),
                word=word,
                given=target,
                known=known,
            )


def _unit(name: str) -> Unit | None:
    """A code of ours, or a unit people write."""
    return Unit(name, 1) if name == KILOGRAM or name in QUANTITY_UNITS else unit_of(name)


def _build(content: dict[str, Any], name: str, digest: str) -> Mapping:
    file, dates, place = (content.get(section, {}) for section in ("file", "dates", "place"))
    columns = content.get("columns", {})
    return Mapping(
        name=content.get("name", name),
        digest=digest,
        marking=content.get("marking"),
        encoding=file.get("encoding"),
        separator=file.get("separator"),
        skip_lines=file.get("skip_lines", 0),
        decimal=file.get("decimal", "."),
        thousands=file.get("thousands", ""),
        columns={ours: (theirs,) if isinstance(theirs, str) else tuple(theirs) for ours, theirs in columns.items()},
        constants={key: str(value) for key, value in content.get("constants", {}).items()},
        date_formats=tuple(dates.get("formats", ())),
        time_zone=dates.get("time_zone"),
        crs=place.get("crs", WGS_84),
        latitude_first=place.get("order", LAT_LON) == LAT_LON,
        quantity=_quantity(content.get("quantity", {})),
        vocabulary={
            key: {word.strip().casefold(): code for word, code in words.items()}
            for key, words in content.get("vocabulary", {}).items()
        },
    )


def _quantity(given: dict[str, Any]) -> QuantityRule | None:
    if not given:
        return None
    found = {word.strip().casefold(): _unit(target) for word, target in given.get("units", {}).items()}
    also = {word: unit for word, unit in found.items() if unit is not None}
    return QuantityRule(given["column"], given.get("unit_column"), given.get("unit"), also)
