"""Account for every line of a load: accepted + repeated + refused = lines, whichever store writes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from data.errors import StoreError
from data.store import Batch, Ledger
from geo.errors import N_

LEDGER_COLUMNS = (
    "batch_id", "name", "digest", "reader", "source", "marking", "loaded_at",
    "lines", "accepted", "repeated", "refused", "identical", "first_day", "last_day",
)  # fmt: skip
GROWING_COLUMNS = LEDGER_COLUMNS[LEDGER_COLUMNS.index("loaded_at") :]  # of a live feed's day, at each append


@dataclass(slots=True)
class Counted:
    """Lines met so far."""

    lines: int = 0
    written: int = 0
    repeated: int = 0
    refused: int = 0
    identical: int = 0

    def settle(self, repeated: int, refused: int) -> None:
        """Move lines that were written at first to those that repeat or contradict an earlier one."""
        self.repeated += repeated
        self.refused += refused
        self.written -= repeated + refused


def ledger_of(batch: Batch, counted: Counted, days: tuple[date | None, date | None]) -> Ledger:
    """Draw up the ledger of a load that ends now.

    Raises:
        StoreError: A line is missing from the account, or is there twice.
    """
    if counted.written + counted.repeated + counted.refused != counted.lines:
        raise StoreError(
            N_(
                "Comptes faux pour {name} : {lines} lignes, mais {accepted} acceptées, {repeated} répétées et"
                " {refused} refusées. Rien n'a été gardé ; signalez cette erreur."
            ),
            name=batch.name,
            lines=counted.lines,
            accepted=counted.written,
            repeated=counted.repeated,
            refused=counted.refused,
        )
    return Ledger(
        batch_id=batch.batch_id,
        name=batch.name,
        digest=batch.digest,
        reader=batch.reader,
        source=batch.source,
        marking=batch.marking,
        loaded_at=datetime.now(UTC),
        lines=counted.lines,
        accepted=counted.written,
        repeated=counted.repeated,
        refused=counted.refused,
        identical=counted.identical,
        first_day=days[0],
        last_day=days[1],
    )


def opened_ledger(batch: Batch) -> Ledger:
    """The ledger of a live feed's day before its first line."""
    return ledger_of(batch, Counted(), (None, None))


def grown_ledger(ledger: Ledger, counted: Counted, days: tuple[date | None, date | None]) -> Ledger:
    """The ledger of a live feed's day once some more lines are in. `days`: first and last day of those accepted.

    Raises:
        StoreError: A line is missing from the account, or is there twice.
    """
    before = Counted(ledger.lines, ledger.accepted, ledger.repeated, ledger.refused, ledger.identical)
    total = Counted(*(getattr(before, name) + getattr(counted, name) for name in Counted.__slots__))
    first = [day for day in (ledger.first_day, days[0]) if day is not None]
    last = [day for day in (ledger.last_day, days[1]) if day is not None]
    return ledger_of(batch_of(ledger), total, (min(first, default=None), max(last, default=None)))


def batch_of(ledger: Ledger) -> Batch:
    """The load that a ledger tells of."""
    return Batch(ledger.batch_id, ledger.name, ledger.digest, ledger.reader, ledger.source, ledger.marking)


def adopted_ledger(ledger: Ledger, counted: Counted) -> Ledger:
    """The ledger of a load that another store has settled, once its accepted lines are all here.

    Raises:
        StoreError: More or fewer lines arrived.
    """
    if counted.written != ledger.accepted or counted.repeated:
        raise StoreError(N_("Le chargement {name} n'est pas arrivé entier. Recommencez."), name=ledger.name)
    return ledger


def ledger_values(ledger: Ledger) -> dict[str, Any]:
    """The values of LEDGER_COLUMNS, as a table keeps them: instants in UTC, without zone."""
    values = {name: getattr(ledger, name) for name in LEDGER_COLUMNS}
    values["loaded_at"] = ledger.loaded_at.astimezone(UTC).replace(tzinfo=None)
    return values


def ledger_of_row(row: tuple[Any, ...]) -> Ledger:
    """Read a row of `batches`, its columns in the order of LEDGER_COLUMNS."""
    values: Mapping[str, Any] = dict(zip(LEDGER_COLUMNS, row, strict=True))
    return Ledger(**{**values, "loaded_at": values["loaded_at"].replace(tzinfo=UTC)})
