"""How old each source is, and the markings of what is shown."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from dashboard import format as fmt
from dashboard.i18n import _
from data.store import Source
from data.vocabulary import MARKINGS


@dataclass(frozen=True, slots=True)
class SourceAge:
    """`text`: one sentence for people; `stale`: its last load is older than the settings allow."""

    name: str
    text: str
    stale: bool
    facts: int


def source_ages(sources: Iterable[Source], stale_hours: int, now: datetime) -> list[SourceAge]:
    return [
        SourceAge(
            name=source.name,
            text=_age_text(source, now),
            stale=fmt.hours_since(source.loaded_at, now) > stale_hours,
            facts=source.events + source.indicators,
        )
        for source in sources
    ]


def _age_text(source: Source, now: datetime) -> str:
    loaded = fmt.age(source.loaded_at, now)
    if source.last_day is None:
        return _("chargée {age}").format(age=loaded)
    return _("jusqu'au {day}, chargée {age}").format(day=fmt.short_day(source.last_day), age=loaded)


def markings_shown(sources: Iterable[Source]) -> tuple[str, ...]:
    """The most protected marking present, then the demonstration's if it is another; none for public data.

    Invented facts among real ones must not pass for them, whatever protects the real ones.
    """
    present = {source.marking for source in sources} - {"public"}
    if not present:
        return ()
    highest = max(present, key=list(MARKINGS).index)
    return (highest, "demo") if "demo" in present and highest != "demo" else (highest,)


def marking_label(markings: tuple[str, ...]) -> str:
    """`Usage interne · Données de démonstration`, in the reader's language."""
    return " · ".join(_(MARKINGS[marking]) for marking in markings)
