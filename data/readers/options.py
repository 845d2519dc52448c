"""What the one who loads a file may say about it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import cast

from data.errors import MappingError
from data.placing import Placer, Reference
from data.validation import RepeatedLines
from data.vocabulary import MARKINGS
from geo.errors import N_

UNKNOWN_MARKING = N_("Mention inconnue : « {given} ». Attendu {expected}.")


@dataclass(frozen=True, slots=True)
class Options:
    """`release`: when a producer published figures whose file does not say it. `chunk`: lines read at a time;
    None: what suits the format. `geography`: for tests; None: the reference geography."""

    stated_marking: str | None = None
    repeated_lines: RepeatedLines = "keep"
    release: date | None = None
    today: date = field(default_factory=lambda: datetime.now(UTC).date())
    chunk: int | None = None
    geography: Reference | None = None

    def __post_init__(self) -> None:
        if self.stated_marking is not None and self.stated_marking not in MARKINGS:
            raise MappingError(UNKNOWN_MARKING, given=self.stated_marking, expected=", ".join(MARKINGS))

    def marking(self, default: str) -> str:
        """The marking stated, else the one that suits the kind of file."""
        return self.stated_marking or default

    def reader_name(self, name: str) -> str:
        """The same file read another way is another batch: its lines may end otherwise."""
        return name if self.repeated_lines == "keep" else f"{name}:drop"

    def placer(self) -> Placer:
        if self.geography is not None:
            return Placer(self.geography)
        from data.geography import geography  # read late: 10 MB that a refused file does not need

        return Placer(cast("Reference", geography()))

    def zone_of(self) -> Callable[[str], str]:
        from data.geography import time_zone_of

        return time_zone_of
