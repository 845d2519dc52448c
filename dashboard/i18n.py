"""French and English through gettext. The keys are the French messages themselves."""

from __future__ import annotations

import functools
import gettext as gettext_module
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from geo.errors import HexacrossError

LOCALE = Path(__file__).parent / "locale"
DOMAIN = "hexacross"
DEFAULT = "fr"

# One language for each run of a page, each request and each command: they run in threads and tasks of their own.
_language: ContextVar[str] = ContextVar("language", default=DEFAULT)


def current_language() -> str:
    return _language.get()


def set_language(language: str) -> None:
    """Choose the language of this run of a page, until it ends."""
    _language.set(language)


@contextmanager
def use_language(language: str) -> Iterator[None]:
    token = _language.set(language)
    try:
        yield
    finally:
        _language.reset(token)


@functools.cache
def _catalogue(language: str) -> gettext_module.NullTranslations:
    """French falls back to the keys; another language needs its compiled catalogue (`hexacross prepare`)."""
    return gettext_module.translation(DOMAIN, LOCALE, [language], fallback=language == DEFAULT)


def _(message: str) -> str:
    return _catalogue(_language.get()).gettext(message)


def ngettext(one: str, many: str, count: float) -> str:
    """French: 0 and 1 are singular; the catalogue of each language has its own rule."""
    if _language.get() == DEFAULT:
        return one if abs(count) < 2 else many
    return _catalogue(_language.get()).ngettext(one, many, round(count))


def translate_error(error: HexacrossError) -> str:
    """The message of an error of ours, in the reader's language."""
    return error.message.said(_)


def catalogue_paths() -> list[Path]:
    return sorted(LOCALE.glob(f"*/LC_MESSAGES/{DOMAIN}.po"))


def compile_catalogues() -> None:
    """Write each .mo beside its .po, and forget those already read."""
    for path in catalogue_paths():
        with path.open("rb") as text:
            catalogue = read_po(text, locale=path.parent.parent.name)
        with path.with_suffix(".mo").open("wb") as compiled:
            write_mo(compiled, catalogue)
    _catalogue.cache_clear()
