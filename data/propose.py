"""Propose a TOML mapping for a file nobody described yet, from its headers and first values.

The proposal is a draft to be read by someone who knows the file: what could not be told is left « À COMPLÉTER », and
a mapping with such words is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import tomlkit
from tomlkit.items import Table

from data.countries import country_code, country_names
from data.geography import geography
from data.mapping import COORDINATES, LAT_LON, LON_LAT, TO_COMPLETE, Mapping
from data.parsing import combined, parse_moments, parse_numbers, trimmed
from data.personal import check_personal, header_words
from data.placing import FRANCE_BOXES, LAMBERT_93_BOX
from data.readers.canonical import PEEKED_RECORDS
from data.readers.formats import recognise_format
from data.readers.mapped import plain_numbers
from data.readers.tables import read_table
from data.readers.text import TextLayout, read_records, sniff
from data.schema import EVENT_BY_NAME
from data.units import unit_of
from data.vocabulary import KINDS, KINDS_OF_FAMILY

MOST_VALUES = 60  # distinct values of a column worth a vocabulary
SURE_SHARE = 0.9  # of the sampled values that must fit a format
MISTYPED_SHARE = 0.3  # of dates that may not exist; beyond, day and month were taken one for the other
TIME_HEADERS = frozenset({"heure", "time", "hour", "horaire"})
DATE_FORMATS = ("%d/%m/%Y", "%d-%m-%Y", "%d.%m.%Y", "%Y-%m-%d", "%Y/%m/%d", "%d/%m/%y", "%Y%m%d")
TIME_FORMATS = ("%H:%M:%S", "%H:%M", "%Hh%M")
COUNTED = re.compile(r"^[(\[]?[+-]?\d{1,3}(?:[.,]\d+)?(?: *[,;] *| +)[+-]?\d{1,3}(?:[.,]\d+)?[)\]]?$")
# Two numbers of a map and nothing else: what is taken for coordinates whatever the header says.
PAIR_OF_DEGREES = re.compile(r"^[(\[]?[+-]?\d{1,3}[.,]\d{3,}(?: *[,;] *| +)[+-]?\d{1,3}[.,]\d{3,}[)\]]?$")

# Our field → words that a header for it holds; the first field whose words are all there takes the column.
HINTS: tuple[tuple[str, tuple[str, ...]], ...] = (
    (COORDINATES, ("coordonnees", "coordinates", "geo point", "geopoint", "position", "latlon", "lat lon", "gps")),
    ("longitude", ("longitude", "lon", "lng", "long", "x", "x l", "coord x")),
    ("latitude", ("latitude", "lat", "y", "y l", "coord y")),
    ("occurred_at", ("date", "datetime", "horodatage", "jour", "date heure", "occurred")),
    ("source_event_id", ("identifiant", "id", "numero", "num", "reference", "ref", "code fait")),
    ("commune", ("insee", "code commune", "codgeo", "code insee", "commune")),
    ("departement", ("departement", "dep", "dept")),
    ("kind", ("nature", "type", "kind", "categorie")),
    ("drug", ("produit", "drogue", "stupefiant", "substance", "drug", "marchandise")),
    ("mode", ("mode", "transport", "vecteur", "moyen")),
    ("service", ("service", "unite intervenante", "force")),
    ("value_eur", ("valeur", "montant", "euros", "eur")),
    ("checked", ("controles", "nombre controles", "checked", "verifies")),
    ("positive", ("positifs", "positive", "nombre positifs")),
    ("departure_country", ("provenance", "pays depart", "pays provenance", "departure")),
    ("destination_country", ("destination", "pays destination")),
    ("transit_country", ("transit", "pays transit")),
    ("producing_country", ("origine", "pays origine", "production")),
    ("country", ("pays", "country")),
)
QUANTITY_HINTS = ("quantite", "qte", "poids", "masse", "amount", "quantity", "volume")
UNIT_HINTS = ("unite", "unit", "unites")
# What values are often called → code; compared by resemblance with our labels too.
SYNONYMS = {
    "herbe": "cannabis_herb", "marijuana": "cannabis_herb", "résine": "cannabis_resin", "haschisch": "cannabis_resin",
    "shit": "cannabis_resin", "coke": "cocaine", "cocaïne": "cocaine", "héroïne": "heroin", "ecstasy": "mdma",
    "saisie": "seizure", "interpellation": "arrest", "garde à vue": "arrest", "trafic": "trafficking",
    "deal": "deal_point", "point de deal": "deal_point", "routier": "road", "route": "road", "aérien": "air",
    "avion": "air", "maritime": "sea", "bateau": "sea", "ferroviaire": "rail", "train": "rail", "postal": "post",
    "colis": "post", "conteneur": "sea", "gn": "gendarmerie", "pn": "police", "douanes": "customs", "dgddi": "customs",
}  # fmt: skip


@dataclass(slots=True)
class _Draft:
    """What was guessed so far."""

    columns: dict[str, str | list[str]] = field(default_factory=dict)
    formats: list[str] = field(default_factory=list)
    decimal: str = "."
    crs: str | None = None
    order: str | None = None
    quantity: dict[str, str] = field(default_factory=dict)
    vocabulary: dict[str, dict[str, str]] = field(default_factory=dict)
    unread: list[str] = field(default_factory=list)


def propose_mapping(path: Path | str) -> str:
    """TOML text of a mapping for the file. Raises `UnreadableFileError`, `PersonalDataError`."""
    path = Path(path)
    kind = recognise_format(path)
    layout = sniff(path) if kind == "text" else None
    stream = read_table(path, kind, PEEKED_RECORDS) if layout is None else read_records(path, layout, PEEKED_RECORDS)
    columns = next(iter(stream)).columns
    check_personal(path.name, columns)
    return _write(path.name, layout, _guess(columns))


def _guess(columns: pa.Table) -> _Draft:
    draft = _Draft()
    values = {name: combined(columns.column(name)) for name in columns.column_names}
    draft.decimal = "," if any(_has_decimal_comma(column) for column in values.values()) else "."
    free = list(values)
    for ours, hints in HINTS:
        hinted = [name for name in free if _hinted(name, hints)]
        if ours == COORDINATES:
            hinted += [name for name in free if _share(PAIR_OF_DEGREES, values[name]) >= SURE_SHARE]
        found = next((name for name in hinted if _plausible(ours, values[name], draft)), None)
        if found is not None:
            free.remove(found)
            draft.columns[ours] = found
    _guess_dates(draft, values, free)
    _guess_place(draft, values)
    _guess_quantity(draft, values, free)
    _guess_vocabulary(draft, values)
    draft.unread = free
    return draft


def _hinted(header: str, hints: Iterable[str]) -> bool:
    joined = f" {' '.join(header_words(header))} "
    return any(f" {hint} " in joined for hint in hints)


def _plausible(ours: str, column: pa.Array, draft: _Draft) -> bool:
    """Whether the values can be what the header suggests."""
    if ours == COORDINATES:
        return _share(COUNTED, column) >= SURE_SHARE
    if ours in ("longitude", "latitude", "value_eur", "checked", "positive"):
        return _numeric(column, draft.decimal)
    if ours == "occurred_at":
        return _is_iso(column) or bool(_format_of(column)) or not _is_text(column)
    if ours == "commune":
        return _share(re.compile(r"^(\d{2}|2[AB])\d{3}$"), column) >= SURE_SHARE
    if ours == "departement":
        return _share(re.compile(r"^(\d{2}|2[AB]|97\d)$"), column) >= SURE_SHARE
    if EVENT_BY_NAME[ours].values is not None:
        return len(_words(column)) <= MOST_VALUES and not _format_of(column)
    return True


def _is_text(column: pa.Array) -> bool:
    kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    return bool(pa.types.is_string(kind))


def _words(column: pa.Array) -> list[str]:
    return [word for word in trimmed(column).unique().to_pylist() if word]


def _share(pattern: re.Pattern[str], column: pa.Array) -> float:
    words = _words(column)
    return sum(bool(pattern.match(word)) for word in words) / len(words) if words else 0.0


def _has_decimal_comma(column: pa.Array) -> bool:
    return _is_text(column) and _share(re.compile(r"^[+-]?[\d \u00a0\u202f]*\d,\d+$"), column) > 0.3


def _numeric(column: pa.Array, decimal: str) -> bool:
    plain = plain_numbers(column, Mapping("", "", decimal=decimal, thousands=" "))
    bad = parse_numbers(plain).bad
    return float(bad.mean()) <= 1 - SURE_SHARE


def _format_of(column: pa.Array, also: Sequence[str] = ()) -> list[str]:
    """Formats that read the column's values; empty: none, or no text."""
    if not _is_text(column):
        return []
    for date in DATE_FORMATS:
        formats = [
            date,
            *(f"{date} {time}" for time in (*TIME_FORMATS, *also)),
            *(f"{date}T{time}" for time in TIME_FORMATS),
        ]
        unread = parse_moments(column, formats)
        if float(unread.bad.mean()) <= 1 - SURE_SHARE and float(unread.impossible.mean()) <= MISTYPED_SHARE:
            return [given for given in formats if _reads_some(column, given)]
    return []


def _is_iso(column: pa.Array) -> bool:
    return _is_text(column) and float(parse_moments(column).bad.mean()) <= 1 - SURE_SHARE


def _reads_some(column: pa.Array, given: str) -> bool:
    moments = parse_moments(column, [given])
    return bool((~np.isnat(moments.wall)).any())


def _guess_dates(draft: _Draft, values: dict[str, pa.Array], free: list[str]) -> None:
    """Formats of the date, joined with a separate hour when a column looks like one."""
    date = draft.columns.get("occurred_at")
    if not isinstance(date, str) or not _is_text(values[date]):
        return
    draft.formats = [] if _is_iso(values[date]) else _format_of(values[date])
    hours = next((name for name in free if set(header_words(name)) & TIME_HEADERS), None)
    if hours is None or not _is_text(values[hours]):
        return
    together = pc.binary_join_element_wise(trimmed(values[date]), trimmed(values[hours]), " ", null_handling="skip")
    formats = [] if _is_iso(together) else _format_of(together)
    if formats or _is_iso(together):
        draft.columns["occurred_at"] = [date, hours]
        draft.formats = formats
        free.remove(hours)


def _guess_place(draft: _Draft, values: dict[str, pa.Array]) -> None:
    """Reference system and order, from where the numbers fall."""
    if COORDINATES in draft.columns:
        words = _words(values[str(draft.columns[COORDINATES])])
        first = [float(re.split(r"[,; ]+", word.strip("()[]"))[0]) for word in words if "." in word]
        draft.order = LON_LAT if first and float(np.median(first)) < FRANCE_BOXES[0][1] else LAT_LON
        for name in ("longitude", "latitude"):
            draft.columns.pop(name, None)
        return
    if "longitude" in draft.columns and "latitude" in draft.columns:
        reader = Mapping("", "", decimal=draft.decimal, thousands=" ")
        x, y = (
            parse_numbers(plain_numbers(values[str(draft.columns[name])], reader)).values
            for name in ("longitude", "latitude")
        )
        west, south, east, north = LAMBERT_93_BOX
        median_x, median_y = (pc.quantile(axis, 0.5)[0].as_py() or 0.0 for axis in (x, y))
        if abs(median_x) > 180 or abs(median_y) > 90:
            lambert = west < median_x < east and south < median_y < north
            draft.crs = "EPSG:2154" if lambert else f"{TO_COMPLETE} : EPSG:…"
    else:
        for name in ("longitude", "latitude"):
            draft.columns.pop(name, None)


def _guess_quantity(draft: _Draft, values: dict[str, pa.Array], free: list[str]) -> None:
    amount = next((n for n in free if _hinted(n, QUANTITY_HINTS) and _numeric(values[n], draft.decimal)), None)
    if amount is None:
        return
    free.remove(amount)
    draft.quantity["column"] = amount
    unit = next((n for n in free if _hinted(n, UNIT_HINTS) and any(unit_of(word) for word in _words(values[n]))), None)
    if unit is not None:
        free.remove(unit)
        draft.quantity["unit_column"] = unit
    else:
        written = [word for word in header_words(amount) if word in ("kg", "g", "grammes", "kilos", "litres")]
        draft.quantity["unit"] = written[0] if written else TO_COMPLETE


def _guess_vocabulary(draft: _Draft, values: dict[str, pa.Array]) -> None:
    for ours, theirs in draft.columns.items():
        definition = EVENT_BY_NAME.get(ours)
        if definition is None or not isinstance(theirs, str):
            continue
        words = _words(values[theirs])
        if ours.endswith("country") and any(word not in country_names().codes for word in words):
            draft.vocabulary[ours] = {word: _country_of(word) for word in sorted(words)}
        if definition.values is None:
            continue
        if len(words) <= MOST_VALUES and any(word not in definition.values for word in words):
            draft.vocabulary[ours] = {word: _code_of(word, definition.values) for word in sorted(words)}


def _country_of(word: str) -> str:
    """ISO code of a country's French or English name; empty when it is neither."""
    countries = geography().countries
    found = countries["iso_a2"][countries["name_fr"].str.casefold() == word.casefold()]
    return str(found.iloc[0]) if len(found) else country_code(word) or ""


def _code_of(word: str, known: dict[str, str]) -> str:
    """The code that a word most likely means; empty when none resembles it."""
    plain = word.casefold()
    synonym = SYNONYMS.get(plain)
    if plain in known or synonym in known:
        return synonym if synonym in known and synonym is not None else plain
    of_label = {label.casefold(): code for code, label in known.items()}
    close = get_close_matches(plain, [*of_label, *known], 1, 0.75)
    if close:
        return of_label.get(close[0], close[0])
    part = next((code for said, code in SYNONYMS.items() if said in plain and code in known), None)
    return part or ""


def _write(name: str, layout: TextLayout | None, draft: _Draft) -> str:
    document = tomlkit.document()
    document.add(tomlkit.comment(f"Mapping proposé pour {name}. À relire par quelqu'un qui connaît ce fichier."))
    document.add(tomlkit.comment(f"Compléter ce qui est marqué « {TO_COMPLETE} » ; voir docs/mapping.md."))
    document["name"] = Path(name).stem.split(".")[0]
    if layout is not None:
        file = _section("Comment le fichier est écrit.")
        file["encoding"] = layout.encoding
        file["separator"] = layout.separator
        file["decimal"] = draft.decimal
        if draft.decimal == ",":
            file["thousands"] = " "
        document["file"] = file
    columns = _section("Notre champ = la colonne du fichier.")
    for ours, theirs in draft.columns.items():
        columns[ours] = theirs
    if draft.unread:
        columns.add(tomlkit.comment(f"Colonnes non lues : {', '.join(draft.unread)}"))
    document["columns"] = columns
    document["constants"] = _constants(draft)
    _write_rest(document, draft)
    return tomlkit.dumps(document)


def _section(comment: str) -> Table:
    table = tomlkit.table()
    table.add(tomlkit.comment(comment))
    return table


def _constants(draft: _Draft) -> Table:
    constants = _section("Ce que le fichier ne dit pas, le même pour toutes ses lignes.")
    constants["source"] = f"{TO_COMPLETE} : producteur du fichier, nom court"
    if "family" not in draft.columns:
        constants["family"] = _family(draft)
    if "kind" not in draft.columns:
        constants["kind"] = f"{TO_COMPLETE} : {', '.join(KINDS)}"
    if "occurred_at" not in draft.columns:
        constants["occurred_at"] = f"{TO_COMPLETE} : date, AAAA-MM-JJ"
    return constants


def _family(draft: _Draft) -> str:
    """The one family of all kinds found, when there is one."""
    kinds = {code for code in draft.vocabulary.get("kind", {}).values() if code}
    families = [family for family, of_family in KINDS_OF_FAMILY.items() if kinds and kinds <= set(of_family)]
    return families[0] if families else f"{TO_COMPLETE} : {', '.join(KINDS_OF_FAMILY)}"


def _write_rest(document: tomlkit.TOMLDocument, draft: _Draft) -> None:
    if draft.formats:
        dates = _section("Formats des dates ; heure légale du lieu, sauf time_zone.")
        dates["formats"] = draft.formats
        document["dates"] = dates
    if draft.crs or draft.order:
        place = _section("Système de coordonnées, et ordre quand un seul champ porte les deux.")
        if draft.crs:
            place["crs"] = draft.crs
        if draft.order:
            place["order"] = draft.order
        document["place"] = place
    if draft.quantity:
        quantity = _section("Quantités : seule la physique convertit (g → kg) ; le reste se compte.")
        for key, value in draft.quantity.items():
            quantity[key] = value
        document["quantity"] = quantity
    if draft.vocabulary:
        vocabulary = tomlkit.table(is_super_table=True)
        for ours, words in draft.vocabulary.items():
            known = ", ".join(EVENT_BY_NAME[ours].values or ())
            section = _section(f"Valeur du fichier = code ({known or 'pays, ISO 3166-1'}) ; vide : inconnu.")
            for word, code in words.items():
                section[word] = code
            vocabulary[ours] = section
        document["vocabulary"] = vocabulary
