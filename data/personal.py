"""Refuse columns that look like data on persons: Hexacross keeps facts, never people.

Two signs are looked for: what a column is called, and what its first values look like. One is enough. The file is
then refused whole, whatever the mapping reads of it: whoever exported it has to leave those columns out.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import pyarrow as pa

from data.errors import PersonalDataError
from data.parsing import combined
from data.refusals import as_text
from geo.errors import N_, Message, Messages, message

SAMPLE_VALUES = 2_000
PLACE_WORDS = frozenset({
    "commune", "communes", "departement", "region", "ville", "pays", "zone", "lieu", "place", "gare", "port",
    "service", "produit", "drug", "indicateur", "fichier", "layer", "couche", "epci", "country", "city",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Sign:
    """One kind of personal data: words that give a column away, and what its values look like."""

    reason: str
    words: tuple[str, ...] = ()  # each one or more words of a header, in this order
    pattern: re.Pattern[str] | None = None
    share: float = 0.02  # of the non-empty values that must fit the pattern


# Checked in this order; the first sign found names the column.
_SIGNS = (
    _Sign(N_("nom ou prénom"),
          ("nom", "noms", "prenom", "prenoms", "name", "surname", "lastname", "firstname", "last name", "first name",
           "full name", "patronyme", "identite", "alias", "surnom", "nom famille", "nom usage", "nom naissance",
           "mis en cause nom", "suspect", "titulaire")),
    _Sign(N_("date ou lieu de naissance"),
          ("naissance", "ddn", "birth", "birthdate", "birthday", "dob", "ne le", "date naiss", "age exact")),
    _Sign(N_("plaque d'immatriculation"),
          ("plaque", "immatriculation", "immat", "plate", "license plate", "licence plate", "vin"),
          re.compile(r"(?<![A-Z0-9])[A-HJ-NP-TV-Z]{2}[- ]?\d{3}[- ]?[A-HJ-NP-TV-Z]{2}(?![A-Z0-9])"), 0.2),
    _Sign(N_("numéro de téléphone"),
          ("telephone", "tel", "phone", "mobile", "portable", "gsm", "msisdn", "imei", "imsi"),
          re.compile(r"(?<![\d.,])(?:(?:\+|00)33[ .-]?(?:\(0\))?|0)[1-9](?:[ .-]?\d{2}){4}(?![\d.,])"), 0.2),
    _Sign(N_("adresse électronique"),
          ("email", "e mail", "mail", "courriel", "adresse mail", "adresse electronique"),
          re.compile(r"[\w.+-]+@[\w-]+\.[\w.-]*[a-zA-Z]{2,}")),
    _Sign(N_("IBAN ou compte bancaire"),
          ("iban", "rib", "bic", "compte bancaire", "numero compte"),
          re.compile(r"(?<![A-Z0-9])[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){3,7}(?: ?[A-Z0-9]{1,3})?(?![A-Z0-9])")),
    _Sign(N_("numéro de sécurité sociale ou pièce d'identité"),
          ("nir", "insee personne", "numero securite sociale", "securite sociale", "passeport", "passport", "cni",
           "permis conduire", "numero permis", "ssn"),
          re.compile(r"(?<![\d.,])[12] ?\d{2} ?(?:0[1-9]|1[0-2]|[2-9]\d) ?(?:\d{2}|2[AB]) ?\d{3} ?\d{3}"
                     r"(?: ?\d{2})?(?![\d.,])"), 0.2),
    _Sign(N_("adresse avec numéro"),
          ("adresse", "address", "domicile", "numero rue", "numero voie", "street address", "residence personnelle"),
          re.compile(r"(?<!\d)\d{1,4} ?(?:bis|ter|quater)?,? +(?:rue|avenue|av\.?|boulevard|bd\.?|blvd|chemin|impasse|"
                     r"all[ée]e|place|cours|quai|route|square|passage|lotissement|r[ée]sidence|street|road)\b", re.I)),
)  # fmt: skip

PERSONAL = N_(
    "Le fichier {given} semble contenir des données personnelles, que Hexacross refuse : {columns}. Retirer ces "
    "colonnes du fichier puis recommencer ; rien n'a été chargé."
)


def check_personal(name: str, table: pa.Table) -> None:
    """Raise `PersonalDataError` naming every column that looks personal, and why.

    Args:
        name: Of the file, for the message.
        table: The file's columns and its first lines.
    """
    check_personal_words(name, {column: _words(table.column(column)) for column in table.column_names})


def check_personal_words(name: str, columns: Mapping[str, list[str]]) -> None:
    """The same for columns given by their texts, of which the first are looked at."""
    found: list[Message] = []
    for column, words in columns.items():
        reason = reason_by_header(column) or reason_by_values(dict.fromkeys(words[:SAMPLE_VALUES]))
        if reason:
            found.append(message(N_("« {column} » ({reason})"), column=column, reason=message(reason)))
    if found:
        raise PersonalDataError(PERSONAL, given=name, columns=Messages(tuple(found), ", "))


def _words(column: pa.ChunkedArray) -> list[str]:
    """Distinct texts among the first values; a typed column holds none."""
    array = combined(column.slice(0, SAMPLE_VALUES))
    kind = array.type.value_type if pa.types.is_dictionary(array.type) else array.type
    if not (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
        return []
    return [value for value in as_text(array).unique().to_pylist() if value]


def reason_by_header(header: str) -> str | None:
    """Why a column's name looks personal.

    >>> reason_by_header("DATE_NAISSANCE")
    'date ou lieu de naissance'
    >>> reason_by_header("nom_commune") is None
    True
    """
    words = header_words(header)
    if set(words) & PLACE_WORDS:
        words = [word for word in words if word not in ("nom", "name", "noms")]
    joined = f" {' '.join(words)} "
    for sign in _SIGNS:
        if any(f" {word} " in joined for word in sign.words):
            return sign.reason
    return None


def header_words(header: str) -> list[str]:
    """Lower-case words without accents, cut at signs and at capitals; little words left out.

    >>> header_words("dateDeNaissance")
    ['date', 'naissance']
    """
    spaced = re.sub(r"(?<=[a-zà-ÿ])(?=[A-ZÀ-Ý])", " ", header)
    plain = unicodedata.normalize("NFD", spaced).encode("ascii", "ignore").decode().lower()
    return [word for word in re.split(r"[^a-z]+", plain) if word and word not in ("de", "du", "la", "des", "d", "l")]


def reason_by_values(values: Iterable[str]) -> str | None:
    """Why the values of a column look personal.

    >>> reason_by_values(["12 rue de la République", "Marseille"])
    'adresse avec numéro'
    >>> reason_by_values(["Herbe", "Résine"]) is None
    True
    """
    known = [value for value in values if value.strip()]
    for sign in _SIGNS:
        if sign.pattern is not None and known:
            share = sum(bool(sign.pattern.search(value)) for value in known) / len(known)
            if share > 0 and share >= sign.share:
                return sign.reason
    return None
