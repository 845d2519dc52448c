"""The catalogues: every message of the four rooms is in English too, with the same places to fill."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po

from dashboard.i18n import _, catalogue_paths, compile_catalogues, ngettext, translate_error, use_language
from dashboard.ledgers import quarantine_frame
from dashboard.messages import ROOT, extract
from data.errors import MappingError, PersonalDataError, QueryError
from data.lists import Fault, ListsError
from data.mapping import parse_mapping
from data.readers import Options, open_source
from tests.data.files import TODAY, good, write_csv

PLACES = re.compile(r"\{(\w+)\}")
# Words that every French sentence of ours has one of, and no English one.
FRENCH = re.compile(r"[«»]| (?:est|un|une|des|les|la|le|ou|de|du|dans|attendu|inconnu)\b|[Aa]ttendu|inconnu| : ")
EVERY_FAULT = """
wrong = 1
[file]
encoding = "martien"
separator = "ab"
decimal = ";"
thousands = "x"
[columns]
kind = "a"
longitude = "b"
[constants]
family = "incidant"
kind = "seizure"
[dates]
formats = ["%Q", "%d/%m"]
time_zone = "Paris"
[place]
order = "x, y"
crs = "EPSG:0"
[quantity]
unit = "pouce"
unit_column = "u"
units = { bidule = "pouce" }
[vocabulary.drug]
"herbe" = "herb"
"""


@pytest.fixture(scope="module")
def english() -> Catalog:
    [path] = [path for path in catalogue_paths() if path.parent.parent.name == "en"]
    with path.open("rb") as text:
        return read_po(text, locale="en")


def test_every_message_is_translated(english: Catalog) -> None:
    missing = []
    for message in extract():
        if not message.id:
            continue
        found = english.get(message.id if isinstance(message.id, str) else message.id[0])
        strings = () if found is None else (found.string,) if isinstance(found.string, str) else found.string
        if not strings or not all(strings):
            missing.append(message.id)
    assert missing == []


def test_translations_fill_the_same_places(english: Catalog) -> None:
    for message in english:
        keys = (message.id,) if isinstance(message.id, str) else message.id
        strings = (message.string,) if isinstance(message.string, str) else message.string
        for string in strings if message.id else ():
            assert sorted(PLACES.findall(string)) == sorted(PLACES.findall(keys[0])), keys[0]


def test_the_compiled_catalogue_speaks_english() -> None:
    compile_catalogues()
    error = QueryError("« {given} » n'est pas un type de territoire.", given="x")
    with use_language("en"):
        assert _("Données") == "Data"
        assert translate_error(error) == "“x” is not a kind of territory."
    assert _("Données") == "Données"
    assert translate_error(error) == "« x » n'est pas un type de territoire."


@pytest.mark.parametrize(("count", "french"), [(0, "un"), (1, "un"), (1.5, "un"), (2, "des")])
def test_french_counts_from_two_as_many(count: float, french: str) -> None:
    assert ngettext("un", "des", count) == french


def in_english(error: MappingError | PersonalDataError | ListsError) -> str:
    with use_language("en"):
        text = translate_error(error)
    assert FRENCH.search(str(error))
    assert not FRENCH.search(text), text
    return text


@pytest.mark.parametrize("text", [EVERY_FAULT, EVERY_FAULT.replace("wrong = 1\n", "")], ids=["shape", "meaning"])
def test_faults_of_a_mapping_are_in_english_too(text: str) -> None:
    with pytest.raises(MappingError) as raised:
        parse_mapping(text, "essai")
    assert len(in_english(raised.value).splitlines()[0]) > 50


def test_reasons_of_personal_columns_are_in_english_too(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "a.csv", [good(1, plaque="AB-123-CD", courriel="x@y.fr")])
    with pytest.raises(PersonalDataError) as raised:
        open_source(path, None, Options(today=TODAY))
    assert "“plaque” (number plate), “courriel” (e-mail address)" in in_english(raised.value)


def test_faults_of_lists_are_in_english_too() -> None:
    faults = [
        Fault("cross.csv", 3, "code « {given} » : attendu {expected}.", "{x}", "minuscules, chiffres et tirets"),
        Fault("antennas.csv", 0, "colonne {given} vide : attendu une valeur.", "name", ""),
    ]
    assert "cross.csv, line 3: " in in_english(ListsError(faults))


def test_reasons_of_refused_lines_are_in_english_too(tmp_path: Path) -> None:
    lines = [
        good(1, occurred_at="2031-01-01", quantity_kg="-1"),
        good(2, checked="x", occurred_at=""),
        good(3, commune="1"),
    ]
    [chunk] = open_source(write_csv(tmp_path / "a.csv", lines), None, Options(today=TODAY)).chunks()
    with use_language("en"):
        reasons = quarantine_frame(chunk.refusals).iloc[:, 3].tolist()
    assert len(reasons) >= 5
    assert not [reason for reason in reasons if FRENCH.search(re.sub("“.*?”", "", reason))]


def test_what_a_line_should_hold_is_a_text_of_the_catalogues() -> None:
    """`expected` of a refusal: a text given as it stands would stay French; a name of ours needs no translation."""
    bare = []
    for path in (ROOT / "data").rglob("*.py"):
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            named = isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr
            if named in ("add", "add_whole_lines") and isinstance(call, ast.Call) and len(call.args) >= 4:
                bare += [ast.unparse(last) for last in call.args[4:] if isinstance(last, ast.Constant | ast.JoinedStr)]
    assert bare == []
