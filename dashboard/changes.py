"""How figures stand to those of other periods: how much more or less, how surely, and whether chance explains it."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from dashboard import format as fmt
from dashboard.context import Context
from dashboard.i18n import _
from dashboard.recall import Reading
from dashboard.view import ONE_DAY, View
from data.errors import StoreError
from data.query import Viewer
from data.store import Source, Totals
from geo.comparison import Verdict, compare_rates
from geo.errors import N_

PARIS = ZoneInfo("Europe/Paris")
WHOLE_YEAR_DAYS = 366  # a longer period would share days with its own last year
MOST_PERCENT = 200  # a larger increase is said as a multiple
PREVIOUS, LAST_YEAR = N_("la période précédente"), N_("l'an dernier")


@dataclass(frozen=True, slots=True)
class Other:
    """Another period to compare with. `totals` is None where the store does not hold it; `why` says so."""

    name: str  # translated: "l'an dernier"
    totals: Totals | None
    days: float  # that it covers
    own_days: float  # that the view covers: its last days may not have come
    view: View
    why: str = ""


@dataclass(frozen=True, slots=True)
class Change:
    """One plain sentence; `beyond_chance`: chance does not explain the difference."""

    text: str
    beyond_chance: bool = False


def previous_view(view: View) -> View:
    """The period of the same length just before."""
    if view.start is None or view.stop is None:
        raise ValueError("a view without dates: call dated() first")
    return replace(view, start=view.start - (view.stop - view.start), stop=view.start)


def other_periods(view: View) -> dict[str, View]:
    """The period of the same length just before, and the same days a year ago; said once where they are the same."""
    previous = previous_view(view)
    if view.start is None or view.stop is None:
        raise ValueError("a view without dates: call dated() first")
    a_year_ago = replace(view, start=_a_year_before(view.start), stop=_a_year_before(view.stop))
    if (view.stop - view.start).days > WHOLE_YEAR_DAYS:
        return {PREVIOUS: previous}
    if a_year_ago.start == previous.start or a_year_ago.stop == previous.stop:
        return {LAST_YEAR: a_year_ago}
    return {PREVIOUS: previous, LAST_YEAR: a_year_ago}


def _a_year_before(day: date) -> date:
    last_of_february = day.month == 2 and day.day == 29
    return day.replace(year=day.year - 1, day=28 if last_of_february else day.day)


def others(held: Context, viewer: Viewer, view: View, reading: Reading, now: datetime) -> list[Other]:
    """The periods that a dated view is compared with. Raises StoreError.

    A period counts as covered where a source of the present one holds facts from before it on, or since; sources that
    begin or end within are named, as a comparison with less would pass for an increase.
    """
    sources = _facts(held, viewer, reading)
    last = max((source.last_day for source in sources if source.last_day), default=None)
    found = []
    for name, other in other_periods(view).items():
        own_days, days = covered_days(view, last, now), covered_days(other, last, now)
        why, covered = _coverage(sources, view, other)
        totals = None
        if covered and own_days > 0:
            try:
                totals = reading.ask(held.totals, other.query(), viewer)
            except StoreError:
                why = _("inconnu tant que la base ne répond pas")
        found.append(Other(_(name), totals, days, own_days, other, why))
    return found


def read_others_ahead(held: Context, viewer: Viewer, view: View, reading: Reading) -> None:
    """Begin to read the other periods of a dated view, beside its own. Raises StoreError."""
    sources = _facts(held, viewer, reading)
    for other in other_periods(view).values():
        _why, covered = _coverage(sources, view, other)
        if covered:
            held.ahead(held.totals, other.query(), viewer)


def _facts(held: Context, viewer: Viewer, reading: Reading) -> list[Source]:
    """The sources that have some."""
    sources = reading.ask(held.kept(held.store.sources), viewer)
    return [source for source in sources if source.events and source.last_day]


def covered_days(view: View, last: date | None, now: datetime) -> float:
    """Days of a dated view on which facts can have been told: none after the last one held, of today a part."""
    if view.start is None or view.stop is None or last is None:
        return 0.0
    stop = min(view.stop, last + ONE_DAY)
    days = float((stop - view.start).days)
    local = now.astimezone(PARIS)
    if view.hours is None and stop == local.date() + ONE_DAY:
        days -= 1 - (local - datetime(local.year, local.month, local.day, tzinfo=PARIS)) / timedelta(days=1)
    return max(0.0, days)


def _coverage(sources: Sequence[Source], view: View, other: View) -> tuple[str, bool]:
    """What the sources of a view leave out of another period, and whether any of them covers it."""
    present = [source for source in sources if _overlaps(source, view)]
    if not present:
        return _("aucune source ne couvre la période affichée"), False
    missing = [source for source in present if not _holds(source, other)]
    if not missing:
        return "", True
    if len(missing) == len(present):
        first = min(source.first_day for source in present if source.first_day)
        return _("données à partir du {day} seulement").format(day=fmt.short_day(first)), False
    names = ", ".join(source.name for source in missing)
    return _("sans {sources}, qui ne couvre pas ces jours").format(sources=names), True


def _overlaps(source: Source, view: View) -> bool:
    first, last = source.first_day, source.last_day
    return bool(first and last and view.start and view.stop and first < view.stop and last >= view.start)


def _holds(source: Source, other: View) -> bool:
    first, last = source.first_day, source.last_day
    return bool(first and last and other.start and other.stop and first <= other.start and last >= other.stop - ONE_DAY)


def changes_of(count: float, others: Sequence[Other], name: str) -> tuple[Change, ...]:
    """A sentence on each other period, for a count of facts; `name`: of the field of `Totals`."""
    return tuple(_change(count, other, name) for other in others)


def _change(count: float, other: Other, name: str) -> Change:
    if other.totals is None:
        return Change(_("Pas de comparaison avec {period} : {why}.").format(period=other.name, why=other.why))
    before = float(getattr(other.totals, name))
    compared = compare_rates(count, other.own_days, before, other.days)
    verdict = int(compared.verdict)
    if verdict == Verdict.UNKNOWN:
        return Change(_("Pas de comparaison avec {period} : chiffre inconnu ou protégé.").format(period=other.name))
    ratio = float(compared.ratio.value)
    caveat = f" ({other.why})" if other.why else ""
    if math.isnan(ratio):
        return Change(_("Aucun non plus {period}{caveat}.").format(period=other.name, caveat=caveat))
    bounds = (float(compared.ratio.low), float(compared.ratio.high))
    template = {
        Verdict.BEYOND_CHANCE: N_("{difference}, au-delà du hasard : {interval}{caveat}"),
        Verdict.CHANCE: N_("{difference} ; le hasard suffit à l'expliquer : {interval}{caveat}"),
    }[Verdict(verdict)]
    text = _(template).format(difference=_difference(ratio, other.name), interval=_interval(*bounds), caveat=caveat)
    return Change(text, verdict == Verdict.BEYOND_CHANCE)


def _difference(ratio: float, name: str) -> str:
    """`12 % de plus que l'an dernier`."""
    if math.isinf(ratio):
        return _("Aucun {period}").format(period=name)
    percent = 100 * (ratio - 1)
    shown = fmt.number(abs(percent), 0 if abs(percent) >= 1 else 1)
    if percent > MOST_PERCENT:
        return _("{n} fois {period}").format(n=fmt.significant(ratio), period=name)
    if shown in ("0", fmt.number(0, 1)):
        return _("Autant que {period}").format(period=name)
    template = N_("{n} % de plus que {period}") if percent > 0 else N_("{n} % de moins que {period}")
    return _(template).format(n=shown, period=name)


def _interval(low: float, high: float) -> str:
    """`intervalle +4 à +21 %`, as changes; as multiples where they are large."""
    if math.isinf(high):
        return _("au moins {low} %").format(low=signed(100 * (low - 1))) if low > 0 else _("intervalle sans borne")
    return _("intervalle {low} à {high} %").format(low=signed(100 * (low - 1)), high=signed(100 * (high - 1)))


def signed(percent: float) -> str:
    """`+4`, `−12`, `0`."""
    shown = fmt.number(abs(percent))
    return shown if shown == "0" else f"{'+' if percent > 0 else '−'}{shown}"


def sums_of(others: Sequence[Other], name: str, format_value: Callable[[float], str]) -> str:
    """What was weighed or valued in other periods: sums, which no test of counts fits."""
    known = [other for other in others if other.totals is not None]
    return " · ".join(
        _("{period} : {value}").format(period=other.name, value=format_value(float(getattr(other.totals, name))))
        for other in known
    )
