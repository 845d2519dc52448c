"""Numbers, dates and ages as people read them, in the language of the page.

French: thin no-break space between thousands (`12 480`), decimal comma. Unknown is an em dash, never a zero.
"""

from __future__ import annotations

import functools
import math
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal

from babel.dates import format_date as babel_date
from babel.dates import format_datetime as babel_datetime
from babel.dates import format_interval
from babel.numbers import format_decimal, get_decimal_symbol, get_group_symbol, get_minus_sign_symbol

from dashboard.i18n import _, current_language, ngettext
from data.query import Hours
from geo.errors import N_

UNKNOWN = "—"
MOST_PLAIN = 1e15  # beyond, digits are lost to a float anyway
LOCALES = {"fr": "fr_FR", "en": "en_GB"}


def _locale() -> str:
    return LOCALES[current_language()]


def number(value: float, decimals: int = 0) -> str:
    """`12 480`, `3,5`; NaN gives an em dash.

    >>> number(12480.4), number(0.256, 1), number(float("nan"))
    ('12\u202f480', '0,3', '—')
    """
    if math.isnan(value):
        return UNKNOWN
    if not -MOST_PLAIN < value < MOST_PLAIN:
        pattern = "#,##0." + "0" * decimals if decimals else "#,##0"
        return format_decimal(value, pattern, locale=_locale())
    # As babel does, thirty times as fast: a page has hundreds of numbers.
    rounded = Decimal(str(value)).quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_EVEN)
    return f"{rounded:,f}".translate(_symbols(_locale()))


@functools.cache
def _symbols(locale: str) -> dict[int, str]:
    signs = {",": get_group_symbol(locale), ".": get_decimal_symbol(locale), "-": get_minus_sign_symbol(locale)}
    return str.maketrans(signs)


def significant(value: float) -> str:
    """Three significant figures below 100, whole numbers above: 0,0123 · 4,56 · 45,6 · 4 560."""
    if math.isnan(value) or value == 0:
        return number(value)
    magnitude = math.floor(math.log10(abs(value)))
    return number(value, min(6, max(0, 2 - magnitude)))


def file_size(size_bytes: int) -> str:
    """`608 octets`, `12,3 ko`, `1,00 Go`: three significant figures."""
    if size_bytes < 1000:
        return ngettext("{n} octet", "{n} octets", size_bytes).format(n=size_bytes)
    for limit_bytes, unit in ((10**9, N_("{n} Go")), (10**6, N_("{n} Mo"))):
        if size_bytes >= limit_bytes:
            return _(unit).format(n=significant(size_bytes / limit_bytes))
    return _("{n} ko").format(n=significant(size_bytes / 1000))


def limit(value: float) -> str:
    """A class's limit, already rounded to a number one can say: no digit is added to it."""
    return format_decimal(value, "#,##0.######", locale=_locale())


def interval(low: float, high: float) -> str:
    """`12 à 19`, in words that do not clash with minus signs."""
    return _("{low} à {high}").format(low=significant(low), high=significant(high))


def day(value: date | None) -> str:
    """`23 novembre 2026`."""
    return UNKNOWN if value is None else babel_date(value, "long", locale=_locale())


def short_day(value: date | None) -> str:
    """`23/11/2026`."""
    return UNKNOWN if value is None else babel_date(value, "dd/MM/yyyy", locale=_locale())


def instant(value: datetime) -> str:
    """`23/11/2026 14:05`, as given: the caller says which clock."""
    return babel_datetime(value, "dd/MM/yyyy HH:mm", locale=_locale())


def age(then: datetime, now: datetime | None = None) -> str:
    """`il y a 3 h 12`, `il y a 4 j`. Both in UTC; a naive value is taken as UTC."""
    return _("il y a {duration}").format(duration=duration(_seconds_between(then, now)))


def _seconds_between(then: datetime, now: datetime | None) -> float:
    if then.tzinfo is None:
        then = then.replace(tzinfo=UTC)
    return max(0.0, ((now or datetime.now(UTC)) - then).total_seconds())


def duration(seconds: float) -> str:
    """The two largest units that say something: `40 s`, `12 min`, `3 h 12`, `4 j`."""
    minutes, hours = int(seconds // 60), int(seconds // 3600)
    if minutes < 1:
        return _("{n} s").format(n=int(seconds))
    if hours < 1:
        return _("{n} min").format(n=minutes)
    if hours < 48:
        return _("{hours} h {minutes}").format(hours=hours, minutes=f"{minutes % 60:02d}")
    return _("{n} j").format(n=number(hours // 24))


def hours_since(then: datetime, now: datetime | None = None) -> float:
    return _seconds_between(then, now) / 3600


def kilograms(kg: float) -> str:
    """With its unit: grams below 1 kg, tonnes from 10 000 kg."""
    if math.isnan(kg):
        return UNKNOWN
    if 0 < kg < 1:
        return _("{n} g").format(n=significant(1000 * kg))
    if kg >= 10_000:
        return _("{n} t").format(n=significant(kg / 1000))
    return _("{n} kg").format(n=significant(kg))


def euros(value: float) -> str:
    if math.isnan(value):
        return UNKNOWN
    if value >= 1_000_000:
        return _("{n} M€").format(n=significant(value / 1_000_000))
    return _("{n} €").format(n=number(value))


def hours(window: Hours) -> str:
    """`de 22 h à 6 h`: hours on the clock of the place."""
    return _("de {first} h à {last} h").format(first=window.start, last=window.stop)


def period(start: date, stop: date) -> str:
    """`1–31 mars 2026`: from `start`, up to but not including `stop`."""
    return format_interval(start, stop - timedelta(days=1), "yMMMd", locale=_locale())


def months(start: date, stop: date) -> str:
    """`janv. 2011 – déc. 2016`: whole months, from that of `start` up to, but not with, that of `stop`."""
    return format_interval(start, stop - timedelta(days=1), "yMMM", locale=_locale())
