"""Lines of a live feed, as JSON, on their way to validation: the canonical layout, one object a line.

A line that is no object, or that says a field twice, is refused as a whole; the others go the way of a file's lines
(`data.personal`, `data.validation`). What is no JSON at all raises `UnreadableFeedError`.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

import numpy as np
import pyarrow as pa

from data.errors import DataError
from data.geography import time_zone_of
from data.parsing import trimmed
from data.personal import check_personal_words
from data.placing import Placer
from data.refusals import Mask, Refusals
from data.schema import EVENT_BY_NAME, INPUT_FIELDS
from data.store import Batch, Chunk
from data.validation import EventValidator, Lines, Rules
from data.vocabulary import MARKINGS
from geo.errors import N_, Message, message

NAME_LIMIT = 100  # characters kept of a field's name that is not ours
AN_OBJECT = N_('un objet JSON : {"source_event_id": "…", "family": "…"}')
ONCE = N_("chaque champ une seule fois")
A_PLAIN_VALUE = N_("un texte, un nombre ou null")
TO_OMIT = N_("de l'omettre")
A_KNOWN_FIELD = N_("un champ de docs/format.md")

NOT_JSON = N_("Ce corps n'est pas du JSON : {reason}. Attendu un objet, un tableau d'objets, ou un objet par ligne.")
TOO_MANY_LINES = N_("{given} lignes en une demande. Attendu au plus {limit} : envoyer en plusieurs fois.")
NOTHING = N_("Demande vide. Attendu au moins un événement.")
UNREADABLE_LINE = N_("Ligne illisible : « {given} ». Attendu {expected}.")
TWICE = N_("Champ donné deux fois : « {given} ». Attendu {expected}.")
NOT_PLAIN = N_("« {given} » n'est ni un texte ni un nombre. Attendu {expected}.")
UNKNOWN_FIELD = N_("Champ inconnu, avec la valeur « {given} ». Attendu {expected}.")
DERIVED_FIELD = N_("Champ calculé par Hexacross, avec la valeur « {given} ». Attendu {expected}.")
OTHER_SOURCE = N_("« {given} » n'est pas la source de cette clé. Attendu {expected}.")
OTHER_MARKING = N_("Cette clé ne donne pas droit à la mention « {given} ». Attendu {expected}.")


class UnreadableFeedError(DataError, ValueError):
    """A request of which nothing can be read; nothing of it was kept."""


class TooManyLinesError(DataError, ValueError):
    """A request with more lines than one transaction should hold."""


@dataclass(frozen=True, slots=True)
class Producer:
    """Who feeds: its facts bear this source; `markings` are those it may give, the first one when it gives none."""

    source: str
    markings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a line of which nothing can be trusted is refused."""

    given: str
    reason: str
    expected: str


Line = dict[str, Any] | Fault


def read_json(body: bytes, limit: int) -> list[Line]:
    """The lines of a JSON document: one object, or an array of objects."""
    try:
        document = json.loads(body.decode("utf-8-sig"), **_HOOKS)
    except (ValueError, RecursionError) as error:
        raise UnreadableFeedError(NOT_JSON, reason=_reason(error)) from error
    values = document if isinstance(document, list) else [document]
    return _counted([_line(value) for value in values], limit)


def read_ndjson(body: bytes, limit: int) -> list[Line]:
    """The lines of a body with one object a line; blank ones are not lines."""
    texts = [text for text in body.removeprefix(b"\xef\xbb\xbf").split(b"\n") if text.strip()]
    if len(texts) > limit:
        raise TooManyLinesError(TOO_MANY_LINES, given=len(texts), limit=limit)
    return _counted([_parsed(text) for text in texts], limit)


def _counted(lines: list[Line], limit: int) -> list[Line]:
    if not lines:
        raise UnreadableFeedError(NOTHING)
    if len(lines) > limit:
        raise TooManyLinesError(TOO_MANY_LINES, given=len(lines), limit=limit)
    return lines


def _parsed(text: bytes) -> Line:
    try:
        return _line(json.loads(text.decode("utf-8"), **_HOOKS))
    except (ValueError, RecursionError):
        return Fault(text.decode("utf-8", "replace"), UNREADABLE_LINE, AN_OBJECT)


def _line(value: Any) -> Line:
    if isinstance(value, dict):
        return value
    if isinstance(value, _Twice):
        return Fault(value.name, TWICE, ONCE)
    return Fault(_described(value), UNREADABLE_LINE, AN_OBJECT)


@dataclass(frozen=True, slots=True)
class _Twice:
    """Stands for an object that says a field twice."""

    name: str


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any] | _Twice:
    made = dict(pairs)
    if len(made) == len(pairs):
        return made
    counts = Counter(name for name, _ in pairs)
    return _Twice(counts.most_common(1)[0][0])


def _no_constant(name: str) -> Any:
    raise ValueError(name)


# A number stays the text that was written, as in a CSV file: that is what is quoted, fingerprinted and typed.
_HOOKS: dict[str, Any] = {
    "object_pairs_hook": _once,
    "parse_constant": _no_constant,
    "parse_int": str,
    "parse_float": str,
}


def _reason(error: Exception) -> Message:
    if isinstance(error, json.JSONDecodeError):
        return message(N_("ligne {line}, colonne {column}"), line=error.lineno, column=error.colno)
    if isinstance(error, UnicodeDecodeError):
        return message(N_("l'octet {position} n'est pas de l'UTF-8"), position=error.start + 1)
    if isinstance(error, RecursionError):
        return message(N_("trop de niveaux"))
    return message(N_("{given} n'est pas un nombre"), given=str(error))


def _described(value: Any) -> str:
    """What stands where a text or a number was expected, shortly; a text that UTF-8 cannot say is marked."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    return "[…]" if isinstance(value, list) else "{…}"


def validate(given: list[Line], producer: Producer, batch: Batch, placer: Placer) -> Chunk:
    """Check the lines of one request as those of a file are.

    Raises:
        PersonalDataError: A field looks like data on persons; nothing of the request is to be kept.
    """
    refusals = Refusals(np.arange(1, len(given) + 1, dtype=np.int64))
    _refuse_whole_lines(given, refusals)
    objects = [line if isinstance(line, dict) else {} for line in given]
    check_personal_words(batch.name, _words(objects))
    _refuse_strange_fields(objects, refusals)
    fields = {name: _column(objects, name, refusals) for name in INPUT_FIELDS}
    _refuse_claims(fields, producer, refusals)
    fields["source"] = pa.repeat(producer.source, len(given))
    # Always the same columns: the fingerprint of a line without identifier depends on that line alone.
    lines = Lines(pa.table(fields), fields, refusals)
    return EventValidator(batch, placer, time_zone_of, Rules()).check(lines)


def _words(objects: list[dict[str, Any]]) -> dict[str, list[str]]:
    """The texts of each field, known or not."""
    words: dict[str, list[str]] = {}
    for line in objects:
        for name, value in line.items():
            texts = words.setdefault(name, [])
            if isinstance(value, str):
                texts.append(value)
    return words


def _refuse_whole_lines(given: list[Line], refusals: Refusals) -> None:
    faults = {row: line for row, line in enumerate(given) if isinstance(line, Fault)}
    for kind in dict.fromkeys((fault.reason, fault.expected) for fault in faults.values()):
        rows = [row for row, fault in faults.items() if (fault.reason, fault.expected) == kind]
        quoted: list[str | None] = [None] * len(given)
        for row in rows:
            quoted[row] = _described(faults[row].given)
        refusals.add_whole_lines(_mask(rows, len(given)), pa.array(quoted, pa.string()), *kind)


def _refuse_strange_fields(objects: list[dict[str, Any]], refusals: Refusals) -> None:
    """Refuse the lines that say something under a name that is not a field's; the first such name is told."""
    strange: dict[str, list[int]] = {}
    quoted: list[str | None] = [None] * len(objects)
    for row, line in enumerate(objects):
        for name, value in line.items():
            if name not in INPUT_FIELDS and value is not None and value != "":
                strange.setdefault(name, []).append(row)
                quoted[row] = _described(value)
                break
    for name, rows in strange.items():
        derived = name in EVENT_BY_NAME
        close = get_close_matches(name.casefold()[:NAME_LIMIT], INPUT_FIELDS, 1)
        expected = TO_OMIT if derived else close[0] if close else A_KNOWN_FIELD
        reason = DERIVED_FIELD if derived else UNKNOWN_FIELD
        field = _described(name)[:NAME_LIMIT]
        refusals.add(_mask(rows, len(objects)), field, pa.array(quoted, pa.string()), reason, expected)


def _column(objects: list[dict[str, Any]], name: str, refusals: Refusals) -> pa.Array:
    """One field of all lines as text; what is neither a text nor a number is refused."""
    values: list[Any] = [line.get(name) for line in objects]
    strange = [row for row, value in enumerate(values) if value is not None and not _is_plain(value)]
    if strange:
        quoted: list[str | None] = [None] * len(values)
        for row in strange:
            quoted[row], values[row] = _described(values[row]), None
        refusals.add(_mask(strange, len(values)), name, pa.array(quoted, pa.string()), NOT_PLAIN, A_PLAIN_VALUE)
    return pa.array(values, pa.string())


def _is_plain(value: Any) -> bool:
    return isinstance(value, str) and (value.isascii() or not any("\ud800" <= sign <= "\udfff" for sign in value))


def _refuse_claims(fields: dict[str, pa.Array], producer: Producer, refusals: Refusals) -> None:
    """Refuse another source than the token's, and a marking that the token does not give."""
    sources, markings = trimmed(fields["source"]).to_pylist(), trimmed(fields["marking"]).to_pylist()
    foreign = [row for row, source in enumerate(sources) if source not in (None, producer.source)]
    refusals.add(_mask(foreign, len(sources)), "source", fields["source"], OTHER_SOURCE, producer.source)
    undue = [row for row, code in enumerate(markings) if code in MARKINGS and code not in producer.markings]
    expected = ", ".join(producer.markings)
    refusals.add(_mask(undue, len(markings)), "marking", fields["marking"], OTHER_MARKING, expected)


def _mask(rows: list[int], lines: int) -> Mask:
    mask = np.zeros(lines, dtype=bool)
    mask[rows] = True
    return mask
