"""The alerts that people set, in a file: read again at each look, written whole or not at all."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from typing import Any

from dashboard.whole_file import keep_whole, read_whole
from data.query import TERRITORY_KINDS, Territory
from geo.errors import N_, HexacrossError

ALERT_MEASURES = ("incidents", "taux", "controles", "kg", "avoirs")
LONGEST_DAYS = 92
MOST_ALERTS = 50  # each is counted again at each change that touches it
MOST_BYTES = 1_000_000
LONGEST_NOTE = 500  # characters
UNREADABLE = N_(
    "Le fichier des alertes {path} ne peut être lu : {reason}. Aucune alerte n'est surveillée : corrigez-le, ou"
    " déplacez-le pour repartir sans alerte."
)
UNWRITABLE = N_("Le fichier des alertes {path} ne peut être écrit : {reason}. Rien n'a changé.")

_writing = threading.Lock()


class AlertError(HexacrossError, ValueError):
    """An alert that cannot be, or a file of alerts that cannot be read or written."""


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """Somebody has seen the alert, and wrote why nothing more is needed."""

    at: datetime  # UTC
    until: date  # last day of the data that were seen
    note: str


@dataclass(frozen=True, slots=True)
class Alert:
    """A threshold on a measure of a territory (None: France) over its last days. The three first name it."""

    territory: Territory | None
    measure: str  # of ALERT_MEASURES
    days: int
    threshold: float  # in the unit of the measure; reached is enough
    acknowledged: Acknowledgement | None = None

    @property
    def name(self) -> str:
        """What tells it from the others: `cross:marseille incidents 7`."""
        return f"{_written(self.territory) or 'france'} {self.measure} {self.days}"


def checked(alert: Alert) -> Alert:
    """The alert; raises `AlertError` for one that could never be counted."""
    if alert.measure not in ALERT_MEASURES:
        raise AlertError(
            N_("Mesure « {given} » : attendu une de {known}."), given=alert.measure, known=", ".join(ALERT_MEASURES)
        )
    if not 1 <= alert.days <= LONGEST_DAYS:
        raise AlertError(N_("Durée de {given} jours : attendu de 1 à {most}."), given=alert.days, most=LONGEST_DAYS)
    if not (math.isfinite(alert.threshold) and alert.threshold > 0):
        raise AlertError(N_("Seuil « {given} » : attendu un nombre plus grand que zéro."), given=alert.threshold)
    if alert.acknowledged and len(alert.acknowledged.note) > LONGEST_NOTE:
        raise AlertError(
            N_("Note de {given} caractères : attendu {most} au plus."),
            given=len(alert.acknowledged.note),
            most=LONGEST_NOTE,
        )
    return alert


def read_alerts(path: Path) -> tuple[Alert, ...]:
    """All alerts of the file, none without one. Raises `AlertError` naming the file and what is wrong in it."""
    return read_whole(path, MOST_BYTES, _read_all, partial(AlertError, UNREADABLE, path=path)) or ()


def set_alert(path: Path, alert: Alert) -> None:
    """Add an alert, or give the one of the same name another threshold. Raises `AlertError`, as all that write."""
    _change(path, lambda alerts: [*(held for held in alerts if held.name != alert.name), checked(alert)])


def remove_alert(path: Path, name: str) -> None:
    """Watch it no more."""
    _change(path, lambda alerts: [held for held in alerts if held.name != name])


def acknowledge(path: Path, name: str, until: date, note: str) -> None:
    """Note that an alert was seen; `until`: the last day of the data seen."""
    seen = Acknowledgement(datetime.now(UTC), until, note.strip())
    _change(
        path,
        lambda alerts: [checked(replace(held, acknowledged=seen)) if held.name == name else held for held in alerts],
    )


def state_of(path: Path) -> tuple[int, int]:
    """What changes with the file: answers that tell of alerts are kept under it."""
    try:
        status = path.stat()
    except OSError:
        return (0, 0)
    return (status.st_mtime_ns, status.st_size)


def _change(path: Path, change: Callable[[tuple[Alert, ...]], list[Alert]]) -> None:
    """Write what becomes of the alerts; a file that cannot be read is left as it is, for someone to look at."""
    with _writing:
        alerts = change(read_alerts(path))
        if len(alerts) > MOST_ALERTS:
            raise AlertError(
                N_("{given} alertes : {most} au plus. Retirez-en une."), given=len(alerts), most=MOST_ALERTS
            )
        written = {"alerts": [_shown(alert) for alert in alerts]}
        keep_whole(path, written, partial(AlertError, UNWRITABLE, path=path))


def _written(territory: Territory | None) -> str:
    return f"{territory.kind}:{territory.code}" if territory else ""


def _shown(alert: Alert) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "territory": _written(alert.territory),
        "measure": alert.measure,
        "days": alert.days,
        "threshold": alert.threshold,
    }
    if seen := alert.acknowledged:
        at = seen.at.isoformat(timespec="seconds")
        shown["acknowledged"] = {"at": at, "until": seen.until.isoformat(), "note": seen.note}
    return shown


def _read_all(held: dict[str, Any]) -> tuple[Alert, ...]:
    return tuple(_read(given) for given in held["alerts"])


def _read(given: dict[str, Any]) -> Alert:
    seen = given.get("acknowledged")
    return checked(
        Alert(
            territory=_read_territory(str(given["territory"])),
            measure=str(given["measure"]),
            days=int(given["days"]),
            threshold=float(given["threshold"]),
            acknowledged=_read_acknowledgement(seen) if seen else None,
        )
    )


def _read_territory(text: str) -> Territory | None:
    if not text:
        return None
    kind, _, code = text.partition(":")
    for known in TERRITORY_KINDS:
        if kind == known and code:
            return Territory(known, code)
    raise AlertError(N_("territoire « {given} » : attendu type:code, par exemple cross:marseille"), given=text[:60])


def _read_acknowledgement(given: dict[str, str]) -> Acknowledgement:
    at = datetime.fromisoformat(given["at"])
    if at.tzinfo is None:
        raise AlertError(N_("date « {given} » : attendu une date avec son fuseau"), given=given["at"])
    return Acknowledgement(at, date.fromisoformat(given["until"]), str(given["note"]))
