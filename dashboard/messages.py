"""The messages of the four rooms, extracted for the translators' catalogues (`hexacross messages`)."""

from __future__ import annotations

from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

from dashboard.i18n import catalogue_paths

ROOT = Path(__file__).parent.parent
ROOMS = ("geo", "layers", "data", "dashboard")
KEYWORDS = {"_": None, "N_": None, "ngettext": (1, 2)}
METHODS = [("**.py", "python")]


def extract() -> Catalog:
    """Every message of the source, with where it stands."""
    template = Catalog(project="hexacross", charset="utf-8")
    for room in ROOMS:
        found = extract_from_dir(str(ROOT / room), METHODS, keywords=KEYWORDS)
        for name, line, message, comments, context in found:
            template.add(message, None, [(f"{room}/{name}", line)], auto_comments=comments, context=context)
    return template


def update_catalogues() -> dict[str, int]:
    """Bring each catalogue up to the source; returns the number of messages still to translate by language."""
    template, missing = extract(), {}
    for path in catalogue_paths():
        language = path.parent.parent.name
        with path.open("rb") as text:
            catalogue = read_po(text, locale=language)
        template.creation_date = catalogue.creation_date  # the date of each extraction would be a change of its own
        catalogue.update(template, no_fuzzy_matching=True)
        catalogue.obsolete.clear()
        with path.open("wb") as text:
            write_po(text, catalogue, width=120, sort_output=True, omit_header=False, include_lineno=False)
        missing[language] = sum(not message.string for message in catalogue if message.id)
    return missing
