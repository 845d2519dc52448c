"""When things happen: hour by weekday, for as many of each hour as the period holds, and what stands out of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtri

from geo.comparison import whole_counts
from geo.errors import N_, GeometryError

Floats = NDArray[np.float64]

DAYS, HOURS = 7, 24
WEEK = DAYS * HOURS
MONDAY = np.datetime64("1970-01-05", "us")
HOUR = np.timedelta64(1, "h")
STEPS, TOLERANCE = 200, 1e-10  # of the fit: exposures that are whole days need one step


@dataclass(frozen=True, slots=True)
class Rhythm:
    """Facts by weekday (Monday first) and hour of the clock on the wall; arrays of shape (7, 24) unless said."""

    counts: Floats
    exposure: Floats  # how many of each of these hours the period holds
    mean: Floats  # facts in such an hour; NaN where the period has none
    expected: Floats  # facts, were the hours of all weekdays alike but for a factor; NaN where the period has none
    residuals: Floats  # departures from that in standard deviations; NaN where nothing can depart
    bound: float  # that chance takes one of all residuals beyond, either way, once in twenty such tables
    without_hour: Floats  # shape (7,): facts of which only the day is known, in none of the above


def rhythm(
    days: ArrayLike,
    hours: ArrayLike,
    start: np.datetime64,
    stop: np.datetime64,
    facts: ArrayLike | None = None,
    zone: str | None = None,
) -> Rhythm:
    """Count facts by weekday and hour, and say where they depart from a weekday's and an hour's own level.

    A month with five Mondays has more facts on Mondays: means and expected counts divide by how many of each hour lie
    in the period. Expected is what independence foresees, the exposures given (log-linear model, fitted by iterative
    proportions); for whole weeks that is row total × column total ÷ total. Residuals are the adjusted ones of
    Haberman, which vary by 1 where chance alone is at work; where fewer than one fact is expected they are rough.

    Args:
        days: Civil days since 1970-01-01, whole, shape (n,).
        hours: Of legal time at the place, 0 to 23, shape (n,); NaN where only the day is known.
        start: First instant of the period, on the wall clock: a day, or finer.
        stop: First instant after it: for a day under way, now, so that the hours to come do not count as quiet.
        facts: How many each row stands for, shape (n,); None: one.
        zone: IANA name of the clock, for the hour that spring skips and the one that autumn has twice; None: no such.

    Raises:
        GeometryError: A period that ends before it begins, facts outside it, hours that are not.

    References:
        Haberman (1973), The analysis of residuals in cross-classified tables, Biometrics 29(1), doi:10.2307/2529686
    """
    begin, end = start.astype("datetime64[us]"), stop.astype("datetime64[us]")
    if not begin < end:
        raise GeometryError(
            N_("Période du {start} au {stop} : la fin doit venir après le début."), start=str(start), stop=str(stop)
        )
    day, hour = np.asarray(days, dtype=np.int64), np.asarray(hours, dtype=np.float64)
    weight = whole_counts(np.asarray(1 if facts is None else facts, dtype=np.float64) * np.ones(day.shape))
    _check(day, hour, begin, end)
    weekday, known = (day + 3) % DAYS, np.isfinite(hour)  # 1970-01-01 was a Thursday
    place = weekday[known] * HOURS + hour[known].astype(np.int64)
    counts = np.bincount(place, weight[known], minlength=WEEK).astype(np.float64).reshape(DAYS, HOURS)
    exposure = exposure_of(begin, end, zone)
    there = exposure > 0
    expected = _independent(counts, exposure)
    residuals = _adjusted(counts, expected)
    return Rhythm(
        counts=counts,
        exposure=exposure,
        mean=np.divide(counts, exposure, out=np.full(counts.shape, np.nan), where=there),
        expected=np.where(there, expected, np.nan),
        residuals=residuals,
        bound=float(ndtri(1 - 0.05 / 2 / max(1, np.isfinite(residuals).sum()))),
        without_hour=np.bincount(weekday[~known], weight[~known], minlength=DAYS).astype(np.float64),
    )


def exposure_of(start: np.datetime64, stop: np.datetime64, zone: str | None = None) -> Floats:
    """How many of each weekday's hours lie in [start, stop) of the wall clock; parts of hours count as parts.

    Shape (7, 24), Monday first; `zone` as in `rhythm`.
    """
    begin, end = start.astype("datetime64[us]"), stop.astype("datetime64[us]")
    exposure = _hours_until(end) - _hours_until(begin)
    if zone is not None:
        for midnight, excess in _changes_of_clock(begin, end, zone):
            hours = midnight + np.arange(HOURS) * HOUR
            inside = (hours >= begin) & (hours + HOUR <= end)
            exposure[(midnight - MONDAY) // np.timedelta64(1, "D") % DAYS] += np.where(inside, excess, 0)
    return exposure


def _check(day: NDArray[np.int64], hour: Floats, begin: np.datetime64, end: np.datetime64) -> None:
    if day.shape != hour.shape or day.ndim != 1:
        raise GeometryError(N_("Les colonnes à comparer n'ont pas toutes la même longueur."))
    wrong = np.isfinite(hour) & ~((hour >= 0) & (hour < HOURS) & (hour == np.floor(hour)))
    if wrong.any():
        raise GeometryError(N_("Heure {given} : attendu un entier de 0 à 23."), given=float(hour[wrong][0]))
    last = (end - np.timedelta64(1, "us")).astype("datetime64[D]").astype(np.int64)
    outside = (day < begin.astype("datetime64[D]").astype(np.int64)) | (day > last)
    if outside.any():
        raise GeometryError(
            N_("{count} faits hors de la période du {start} au {stop}."),
            count=int(outside.sum()),
            start=str(begin),
            stop=str(end),
        )


def _hours_until(instant: np.datetime64) -> Floats:
    """How many of each hour of the week lie between some Monday and an instant (fewer than none before it)."""
    weeks, rest = divmod((instant - MONDAY) / HOUR, WEEK)
    return np.asarray(weeks + np.clip(rest - np.arange(WEEK), 0, 1)).reshape(DAYS, HOURS)


def _changes_of_clock(begin: np.datetime64, end: np.datetime64, zone: str) -> list[tuple[np.datetime64, Floats]]:
    """Midnights of the days on which the clock changes, and how much more or less of each of their hours there is."""
    midnights = np.arange(begin.astype("datetime64[D]"), end.astype("datetime64[D]") + 2).astype("datetime64[us]")
    wall = pd.DatetimeIndex(midnights)
    first = np.ones(len(wall), dtype=bool)  # of two midnights
    instants = wall.tz_localize(zone, ambiguous=first, nonexistent="shift_forward").tz_convert("UTC").tz_localize(None)
    utc = instants.to_numpy().astype("datetime64[us]")
    changed = np.flatnonzero(np.diff(utc) != np.timedelta64(1, "D"))
    found = []
    for position in changed:
        minutes = pd.DatetimeIndex(np.arange(utc[position], utc[position + 1], np.timedelta64(1, "m")))
        hours = minutes.tz_localize("UTC").tz_convert(zone).hour
        found.append((midnights[position], np.bincount(hours, minlength=HOURS) / 60 - 1))
    return found


def _independent(counts: Floats, exposure: Floats) -> Floats:
    """Fit exposure × weekday × hour to the totals of both, by iterative proportions (Deming and Stephan 1940)."""
    by_day, by_hour = counts.sum(axis=1), counts.sum(axis=0)
    hours = np.ones(HOURS)
    fitted = np.zeros(counts.shape)
    for _ in range(STEPS):
        days = _ratio(by_day, exposure @ hours)
        hours = _ratio(by_hour, days @ exposure)
        fitted = exposure * np.outer(days, hours)
        if np.abs(fitted.sum(axis=1) - by_day).max() <= TOLERANCE * max(1.0, by_day.max()):
            break
    return fitted


def _ratio(totals: Floats, parts: Floats) -> Floats:
    return np.divide(totals, parts, out=np.zeros(totals.shape), where=parts > 0)


def _adjusted(counts: Floats, expected: Floats) -> Floats:
    """(seen - expected) ÷ √(expected × (1 - leverage)); in whole weeks 1 - leverage is Haberman's product of shares."""
    by_day, by_hour = np.diag(expected.sum(axis=1)), np.diag(expected.sum(axis=0))
    inverse = np.linalg.pinv(np.block([[by_day, expected], [expected.T, by_hour]]), hermitian=True)
    own = np.diag(inverse)
    free = 1 - expected * (own[:DAYS, None] + own[DAYS:] + 2 * inverse[:DAYS, DAYS:])
    some = (expected > 0) & (free > 1e-9)  # a cell that its own row and column determine departs from nothing
    residuals = np.full(counts.shape, np.nan)
    residuals[some] = (counts - expected)[some] / np.sqrt((expected * free)[some])
    return residuals
