"""One family of errors for the whole application."""

from __future__ import annotations


def N_(message: str) -> str:  # noqa: N802 -- gettext's customary name: marks a message for the catalogues, translates nothing
    return message


class HexacrossError(Exception):
    """An error a user can act on: says what was given, what was expected and what to do.

    The message is a template in French (the language of the catalogues' keys) and its values, so that the
    page or the command line can translate it; `str()` gives the French.

    >>> str(HexacrossError(N_("Résolution {given} : attendu un entier de 0 à 15."), given=99))
    'Résolution 99 : attendu un entier de 0 à 15.'
    """

    def __init__(self, template: str, /, **values: object) -> None:
        super().__init__(template, values)
        self.template = template
        self.values = values

    def __str__(self) -> str:
        return self.template.format(**self.values)


class GeometryError(HexacrossError, ValueError):
    """Coordinates, cells or polygons that cannot be what they claim to be."""
