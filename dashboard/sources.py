"""How old each source is, and the markings of what is shown."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from dashboard import format as fmt
from dashboard.i18n import _
from data.store import Source
from data.vocabulary import MARKINGS


@dataclass(frozen=True, slots=True)
class SourceAge:
    """`text`: one sentence for people; `stale`: its last load is older than the settings allow.

    `says` is the sentence with {age} in it, for a page that stays open, with the moments on which it depends.
    """

    name: str
    text: str
    stale: bool
    facts: int
    says: str
    loaded_at: datetime  # UTC
    stale_from: datetime
    first_day: date | None
    last_day: date | None

    def has_facts_of(self, start: date, stop: date) -> bool:
        """Whether some of its facts may be of these days; `stop` is not one of them."""
        return (
            self.first_day is not None
            and self.last_day is not None
            and self.first_day < stop
            and self.last_day >= start
        )


def source_ages(sources: Iterable[Source], stale_hours: int, now: datetime) -> list[SourceAge]:
    return [
        SourceAge(
            name=source.name,
            text=_age_template(source).format(age=fmt.age(source.loaded_at, now)),
            stale=fmt.hours_since(source.loaded_at, now) > stale_hours,
            facts=source.events + source.indicators,
            says=_age_template(source),
            loaded_at=source.loaded_at,
            stale_from=source.loaded_at + timedelta(hours=stale_hours),
            first_day=source.first_day,
            last_day=source.last_day,
        )
        for source in sources
    ]


def _age_template(source: Source) -> str:
    if source.last_day is None:
        return _("chargée {age}")
    return _("jusqu'au {day}, chargée {age}").replace("{day}", fmt.short_day(source.last_day))


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
