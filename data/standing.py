"""Which CROSS covers what on a given day, as far as the lists know."""

from __future__ import annotations

import calendar
from datetime import date
from typing import Literal

from data.lists import Cross

Standing = Literal["operating", "undated", "installing", "absent"]
"""On a day: in operation; in operation today, since a day nobody has published; being installed; not there yet."""
STANDINGS: tuple[Standing, ...] = ("operating", "undated", "installing", "absent")


def standing(cross: Cross, day: date, today: date) -> Standing:
    """What a CROSS is on a day: what the list says from `today` on, what its date allows to say before.

    A date known to the year or the month leaves open which of its days is meant: within it, the CROSS is `undated`.
    One that is being installed covers nothing; before its installation is known to have begun, it is `absent`.
    """
    if day >= today:
        return "installing" if cross.status == "installing" else "operating"
    known = first_and_last(cross.since)
    if cross.status == "installing":
        return "installing" if known and day >= known[0] else "absent"
    if known is None:
        return "undated"
    if day < known[0]:
        return "absent"
    return "operating" if day >= known[1] else "undated"


def first_and_last(since: str) -> tuple[date, date] | None:
    """The days that a date of the lists may mean; None: it has none.

    >>> first_and_last("2018-01")
    (datetime.date(2018, 1, 1), datetime.date(2018, 1, 31))
    """
    if not since:
        return None
    year, month, day = (*map(int, since.split("-")), 0, 0)[:3]
    last_month = month or 12
    last_day = day or calendar.monthrange(year, last_month)[1]
    return date(year, month or 1, day or 1), date(year, last_month, last_day)
