"""What a room can read: how high letters must be at a distance, and how many of them a screen then holds.

Heights are those of capitals, seen under an angle: 20 minutes of arc read at ease, 16 are the least (ISO 9241-303,
5.5.4 and 5.5.5). The page makes pixels of them, as it alone knows how many there are (dashboard/static/wall_sight.js).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from geo.errors import N_, Message, message

EASE_ARCMIN, LEAST_ARCMIN = 20, 16
CAPITAL = 0.66  # height of a capital of Source Sans, of the size of the type
LETTER = 0.5  # mean width of a letter, of the same
MM_PER_INCH = 25.4
ASPECT = 16 / 9
FEWEST_LETTERS = 28  # of a line across a screen that lies: fewer cut a title into single words


@dataclass(frozen=True, slots=True)
class Screen:
    """A screen on a wall, and how far away the last row sits."""

    diagonal_in: float = 55.0
    distance_m: float = 8.0

    @property
    def width_mm(self) -> float:
        """Of its longer side, for a screen of 16:9."""
        return self.diagonal_in * MM_PER_INCH * ASPECT / math.hypot(ASPECT, 1)

    def capital_mm(self, arcmin: float) -> float:
        """Height of a capital seen from the last row under an angle."""
        return 1000 * self.distance_m * math.tan(math.radians(arcmin / 60))

    @property
    def letters(self) -> int:
        """That a line across holds, at ease."""
        return int(self.width_mm / (LETTER * self.capital_mm(EASE_ARCMIN) / CAPITAL))


def screen_fault(screen: Screen) -> Message | None:
    """Why nothing could be read on this screen from there; None: it can."""
    if screen.letters >= FEWEST_LETTERS:
        return None
    share = FEWEST_LETTERS * LETTER * screen.capital_mm(EASE_ARCMIN) / CAPITAL / screen.width_mm
    return message(
        N_(
            "un écran de {diagonal} pouces vu à {distance} m ne tient que {given} lettres par ligne : attendu"
            " {inches} pouces au moins, ou {metres} m au plus."
        ),
        diagonal=f"{screen.diagonal_in:g}",
        distance=f"{screen.distance_m:g}".replace(".", ","),
        given=screen.letters,
        inches=math.ceil(screen.diagonal_in * share),
        metres=f"{math.floor(10 * screen.distance_m / share) / 10:g}".replace(".", ","),
    )
