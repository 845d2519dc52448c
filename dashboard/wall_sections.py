"""The sections of a wall's script: what each of their keys may be, and on which line of the file it stands."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from difflib import get_close_matches
from typing import Any

from geo.errors import N_, Message, message

# What is no key: comments and texts, of which some are of several lines. Of valid TOML alone: each text ends.
TEXTS = re.compile(
    r'#[^\n]*|"""(?:\\.|[^\\])*?"""|\'\'\'.*?\'\'\'|"(?:\\.|[^"\\\n])*"|\'[^\'\n]*\'', re.DOTALL
)  # fmt: skip
HEADER = re.compile(r"\s*(\[\[?)\s*([\w-]+)\s*\]")
KEY = re.compile(r"\s*([\w-]+)\s*=")
LONGEST_SHOWN = 60  # characters of what was given


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong; `line` from 1, 0: not known; `scene` from 1, 0: of none."""

    what: Message
    line: int = 0
    scene: int = 0

    @property
    def message(self) -> Message:
        """Where, then what."""
        if self.line and self.scene:
            return message(N_("ligne {line}, scène {scene} : {what}"), line=self.line, scene=self.scene, what=self.what)
        if self.scene:
            return message(N_("scène {scene} : {what}"), scene=self.scene, what=self.what)
        return message(N_("ligne {line} : {what}"), line=self.line, what=self.what) if self.line else self.what


def lines_of_keys(text: str) -> dict[int, dict[str, int]]:
    """Where the keys of valid TOML stand, by section: 0 the top, -1 [ecran], then the scenes from 1 on.

    A section's own line is under ""; what is written in another way than a section each is not found.
    """
    lines: dict[int, dict[str, int]] = {0: {}}
    at, scenes = 0, 0
    for number, line in enumerate(TEXTS.sub(lambda text: '""' + "\n" * text[0].count("\n"), text).split("\n"), start=1):
        if header := HEADER.match(line):
            if header[2] == "scene":
                scenes += 1
                at = scenes
            else:
                at = -1
            lines[at] = {"": number}
        elif key := KEY.match(line):
            lines[at].setdefault(key[1], number)
    return lines


def shown(value: object) -> str:
    """What was given, short enough to be shown again."""
    text = str(value)
    return text if len(text) <= LONGEST_SHOWN else text[: LONGEST_SHOWN - 1] + "…"


@dataclass(frozen=True, slots=True)
class Section:
    """A table of a script; what it cannot be read as is noted in `faults`, and read as nothing."""

    values: dict[str, Any]
    lines: dict[str, int]
    faults: list[Fault]
    scene: int = 0

    def fault(self, key: str, template: str, /, **values: object) -> None:
        line = self.lines.get(key) or self.lines.get("", 0)
        self.faults.append(Fault(message(template, **values), line, self.scene))

    def only(self, keys: Collection[str]) -> None:
        """Note each key that does not belong here."""
        for key in self.values:
            if key not in keys:
                close = get_close_matches(key, keys, 1, 0.6)
                near = message(N_(" (proche de « {name} »)"), name=close[0]) if close else ""
                self.fault(
                    key, N_("« {given} » n'a pas de sens ici{near}. Attendu : {known}."),
                    given=shown(key), near=near, known=", ".join(keys),
                )  # fmt: skip

    def _given(self, key: str, needed: bool = False) -> Any:
        if key not in self.values and needed:
            self.fault("", N_("« {key} » manque."), key=key)
        return self.values.get(key)

    def text(self, key: str, longest: int, needed: bool = False) -> str:
        """A text of one to `longest` characters; "" for none."""
        value = self._given(key, needed)
        if value is None:
            return ""
        if not isinstance(value, str) or not value.strip():
            self.fault(key, N_("{key} = {given} : attendu un texte."), key=key, given=shown(value))
            return ""
        if len(value) > longest:
            self.fault(
                key, N_("{key} : {given} caractères, attendu {most} au plus."), key=key, given=len(value), most=longest
            )
        return value.strip()

    def plain(self, key: str) -> str:
        """A text or a date; its meaning is checked elsewhere."""
        value = self.values.get(key)
        if isinstance(value, date):
            return value.isoformat()[:10]
        return self.text(key, 200)

    def codes(self, key: str) -> str:
        """A code or a list of codes, joined by commas."""
        value = self.values.get(key)
        many = value if isinstance(value, list) else [] if value is None else [value]
        if not all(isinstance(one, str) and one.strip() for one in many):
            self.fault(
                key, N_("{key} = {given} : attendu un texte ou une liste de textes."), key=key, given=shown(value)
            )
            return ""
        return ",".join(one.strip() for one in many)

    def choice(self, key: str, known: Collection[str], needed: bool = False) -> str | None:
        """One of some words."""
        value = self._given(key, needed)
        if value is None or (isinstance(value, str) and value in known):
            return value
        self.fault(
            key, N_("{key} = « {given} » : attendu {known}."), key=key, given=shown(value), known=", ".join(known)
        )
        return None

    def number(self, key: str, low: float, high: float) -> float | None:
        """A number between two others."""
        value = self.values.get(key)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
            self.fault(
                key, N_("{key} = {given} : attendu un nombre de {low} à {high}."),
                key=key, given=shown(value), low=low, high=high,
            )  # fmt: skip
            return None
        return float(value)

    def whole(self, key: str, low: int, high: int) -> int | None:
        """A whole number between two others."""
        value = self.values.get(key)
        if isinstance(value, float):
            self.fault(key, N_("{key} = {given} : attendu un nombre entier."), key=key, given=shown(value))
            return None
        found = self.number(key, low, high)
        return None if found is None else int(found)
