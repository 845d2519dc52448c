"""The catalogues: every message of the four rooms is in English too, with the same places to fill."""

from __future__ import annotations

import re

import pytest
from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po

from dashboard.i18n import _, catalogue_paths, compile_catalogues, ngettext, translate_error, use_language
from dashboard.messages import extract
from data.errors import QueryError

PLACES = re.compile(r"\{(\w+)\}")


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
