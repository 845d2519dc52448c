"""One family of errors for the whole application, and the messages they carry."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field


def N_(message: str) -> str:  # noqa: N802 -- gettext's customary name: marks a message for the catalogues, translates nothing
    return message


@dataclass(frozen=True, slots=True)
class Message:
    """A sentence or a part of one: a French template and its values, translated where the whole is shown.

    A value may be a message too, or several.
    """

    template: str
    values: Mapping[str, object] = field(default_factory=dict)

    def said(self, translate: Callable[[str], str] = str) -> str:
        """The text, each template of it first given to `translate`."""
        text = translate(self.template) if self.template else ""
        if not self.values:
            return text
        return text.format(**{name: _said(value, translate) for name, value in self.values.items()})

    def __str__(self) -> str:
        return self.said()


@dataclass(frozen=True, slots=True)
class Messages:
    """Several messages one after the other."""

    parts: tuple[Message, ...]
    separator: str = " "

    def said(self, translate: Callable[[str], str] = str) -> str:
        """The text, as of each message."""
        return self.separator.join(part.said(translate) for part in self.parts)

    def __str__(self) -> str:
        return self.said()


def _said(value: object, translate: Callable[[str], str]) -> object:
    return value.said(translate) if isinstance(value, Message | Messages) else value


def message(template: str, /, **values: object) -> Message:
    """A part of a message.

    >>> str(message(N_("ligne {line}"), line=3))
    'ligne 3'
    """
    return Message(template, values)


class HexacrossError(Exception):
    """An error a user can act on: says what was given, what was expected and what to do.

    Its message is a template in French (the language of the catalogues' keys) and its values, so that the
    page or the command line can translate it; `str()` gives the French.

    >>> str(HexacrossError(N_("Résolution {given} : attendu un entier de 0 à 15."), given=99))
    'Résolution 99 : attendu un entier de 0 à 15.'
    """

    def __init__(self, template: str, /, **values: object) -> None:
        super().__init__(template, values)
        self.message = Message(template, values)

    def __str__(self) -> str:
        return str(self.message)


class GeometryError(HexacrossError, ValueError):
    """Coordinates, cells or polygons that cannot be what they claim to be."""
