"""The one interface of every store. DuckDB and PostGIS answer the same questions alike, to the last unit.

Every read takes a `Viewer`; there is no read without one. Counts come back already protected for that viewer.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TYPE_CHECKING, Protocol

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from data.errors import StoreError
from data.query import ClassField, Query, Territory, TerritoryKind, Viewer
from geo.corridors import Stop

if TYPE_CHECKING:
    from data.class_counts import ClassCounts, ClassTotals

Progress = Callable[[int, int | None], None]  # done, total (None: not known yet)
Reachability = Callable[[StoreError | None], None]  # told why the store does not answer; None: it does again

CHANGE_RESOLUTION = 5  # of the hexagons that a change names: about 250 km²


@dataclass(frozen=True, slots=True)
class Batch:
    """One load: a file, or what stands for one (the demonstration generator, a feed)."""

    batch_id: str
    name: str  # of the file, without its folder
    digest: str  # SHA-256 of the content
    reader: str  # "canonical", "unodc", "ssmsi", a mapping's name, "demo"
    source: str
    marking: str = "public"


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some validated lines of a file. `lines` = rows of `events` or `indicators` + distinct lines refused."""

    lines: int
    events: pa.Table | None = None  # data.schema.EVENT_SCHEMA
    indicators: pa.Table | None = None  # data.schema.INDICATOR_SCHEMA
    event_lines: NDArray[np.int64] | None = None  # line of the file of each row of `events` or `indicators`
    refusals: pa.Table | None = None  # data.schema.REFUSAL_SCHEMA; a line may have several
    identical: int = 0  # lines equal to an earlier line of the file, letter for letter


@dataclass(frozen=True, slots=True)
class Ledger:
    """What became of each line of a file: accepted + repeated + refused = lines, always."""

    batch_id: str
    name: str
    digest: str
    reader: str
    source: str
    marking: str
    loaded_at: datetime  # UTC
    lines: int
    accepted: int
    repeated: int  # already in the store, or earlier in the file, with the same content
    refused: int
    identical: int
    already_loaded: bool = False  # the very same file had been loaded before; nothing was read again
    first_day: date | None = None
    last_day: date | None = None


@dataclass(frozen=True, slots=True)
class Arrival:
    """What one request of a live feed brought: facts only, their lines counted from 1 within the request.

    `batch` stands for the feed's day: the first arrival opens it, the others of that day add to it.
    """

    batch: Batch
    chunk: Chunk


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of an arrival once it is durably kept: lines neither repeated nor refused are accepted."""

    ledger: Ledger  # of the whole batch, this arrival included
    repeated: NDArray[np.int64]  # lines of the arrival that were there already, with the same content
    refusals: pa.Table  # REFUSAL_SCHEMA: lines that the store refused, beside those that validation had refused


@dataclass(frozen=True, slots=True)
class CellCounts:
    """Counts by hexagon, arrays of equal length, sorted by cell. NaN: unknown, which is not zero.

    A hexagon without any fact has no row. Where `protected` is true, every figure of the row is NaN.
    """

    resolution: int
    cells: NDArray[np.int64]
    incidents: NDArray[np.float64]  # events of family incident
    controls: NDArray[np.float64]  # events of family control
    checked: NDArray[np.float64]  # NaN: no control, or none that says how many
    positive: NDArray[np.float64]
    kg: NDArray[np.float64]  # NaN: no weighed seizure
    eur: NDArray[np.float64]
    protected: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class PlacedFacts:
    """Facts with their position, arrays of equal length, without what would tell one from another. NaN: unknown."""

    lng: NDArray[np.float64]  # degrees WGS 84
    lat: NDArray[np.float64]
    incidents: NDArray[np.float64]  # 1: of family incident
    controls: NDArray[np.float64]  # 1: of family control
    checked: NDArray[np.float64]  # of controls
    positive: NDArray[np.float64]
    kg: NDArray[np.float64]
    eur: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class RouteFacts:
    """Facts added up by all that they say of a route, arrays of equal length; each of them is in one row.

    Countries, drugs and modes are places in the tuples, -1 where a fact does not say; rows are in the order of columns.
    """

    countries: tuple[str, ...]  # ISO 3166-1 alpha-2, sorted
    drugs: tuple[str, ...]  # of `data.vocabulary`, sorted
    modes: tuple[str, ...]
    producing: NDArray[np.int64]
    departure: NDArray[np.int64]
    transit: NDArray[np.int64]
    destination: NDArray[np.int64]
    reporter: NDArray[np.int64]  # where the fact was made: the state that reports it
    drug: NDArray[np.int64]
    mode: NDArray[np.int64]
    month: NDArray[np.int64]  # 12 a year since the year 0, January of the year 1 being 12
    lng: NDArray[np.float64]  # degrees WGS 84, of the place of those that say where they came from; NaN: unknown
    lat: NDArray[np.float64]
    facts: NDArray[np.int64]
    weighed: NDArray[np.int64]  # of them, those with a weight
    kg: NDArray[np.float64]  # together, of those; NaN: none has


@dataclass(frozen=True, slots=True)
class RouteTotals:
    """Facts by two of the countries that they name, arrays of equal length sorted by both; each fact is in one row.

    Where `protected` is true, the figures of the row are NaN.
    """

    origin: tuple[str, ...]  # ISO 3166-1 alpha-2; "": not said
    destination: tuple[str, ...]
    facts: NDArray[np.float64]
    kg: NDArray[np.float64]  # of those that were weighed; NaN: none was
    protected: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Ground:
    """Codes of what a piece of the earth touches: where a fact without an exact place may lie."""

    communes: tuple[str, ...]  # INSEE
    departements: tuple[str, ...]
    countries: tuple[str, ...]  # ISO 3166-1 alpha-2


@dataclass(frozen=True, slots=True)
class Totals:
    """The figures beside the map: all facts of the query, wherever their place is known."""

    incidents: float
    controls: float
    checked: float
    positive: float
    kg: float
    eur: float
    by_precision: dict[str, int] = field(default_factory=dict)  # by place precision; absent: none; 0: few, withheld
    protected: bool = False  # figures withheld from this viewer: all NaN


@dataclass(frozen=True, slots=True)
class TerritoryCounts:
    """Counts by territory of one kind; same conventions as `CellCounts`. All territories of the list have a row."""

    kind: TerritoryKind
    codes: tuple[str, ...]
    incidents: NDArray[np.float64]
    controls: NDArray[np.float64]
    checked: NDArray[np.float64]
    positive: NDArray[np.float64]
    kg: NDArray[np.float64]
    eur: NDArray[np.float64]
    protected: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class ModeCounts:
    """Counts by mode and by territory of one kind, arrays of shape (modes, codes); same conventions as `CellCounts`.

    The mode of a control is that of its nature; of another fact, the one stated. The last mode, "", is "none stated".
    The first code, "", stands for all facts of the query, those in no territory of the kind included.
    """

    kind: TerritoryKind
    modes: tuple[str, ...]  # those of the vocabulary, in its order, then ""
    codes: tuple[str, ...]
    incidents: NDArray[np.float64]
    seizures: NDArray[np.float64]  # the incidents that are seizures
    controls: NDArray[np.float64]
    checked: NDArray[np.float64]
    positive: NDArray[np.float64]
    kg: NDArray[np.float64]
    eur: NDArray[np.float64]
    protected: NDArray[np.bool_]
    every_mode: TerritoryCounts  # of the same codes, whatever the mode


@dataclass(frozen=True, slots=True)
class DayCounts:
    """Counts by civil day over the whole period of the query, days without a fact included as zero."""

    days: NDArray[np.datetime64]
    incidents: NDArray[np.float64]
    controls: NDArray[np.float64]
    protected: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class HourCounts:
    """Counts by civil day and hour on the clock of the place, shape (days, 24); hours without a fact included as zero.

    The days are those of the query's period, and the one after it for hours past midnight.
    """

    days: NDArray[np.datetime64]
    incidents: NDArray[np.float64]
    controls: NDArray[np.float64]
    protected: NDArray[np.bool_]
    without_hour: float  # facts of the period that no hour has: theirs is unknown; NaN: few, withheld


@dataclass(frozen=True, slots=True)
class Source:
    """A producer of facts and how old its latest ones are."""

    name: str
    marking: str
    events: int
    indicators: int
    first_day: date | None
    last_day: date | None
    loaded_at: datetime  # UTC, of its latest load


@dataclass(frozen=True, slots=True)
class Membership:
    """Which communes make up a territory: the lists a user edits, flattened. A commune may be in several."""

    kind: TerritoryKind
    codes: tuple[str, ...]  # one for each row
    communes: tuple[str, ...]  # one for each row


@dataclass(frozen=True, slots=True)
class Change:
    """What one committed load changed, as far as a viewer may know it.

    `cells` are the ancestors of `CHANGE_RESOLUTION` of the hexagons of its facts, `territories` all those that hold
    the places of its facts, the days include both ends. A load that brought no fact has neither.
    """

    version: int  # of the store, once changed
    cells: tuple[int, ...] = ()  # sorted
    territories: tuple[Territory, ...] = ()  # sorted
    first_day: date | None = None
    last_day: date | None = None
    figures: bool = False  # published figures came in
    everything: bool = False  # what changed is too much to tell, or not this viewer's to know: read all again


class Store(Protocol):
    """Raises `StoreError` when unreachable, `ForbiddenError` when the viewer has no right."""

    def version(self) -> int:
        """A number that changes with every committed load or change of territories."""

    def load(self, batch: Batch, chunks: Iterable[Chunk], progress: Progress | None = None) -> Ledger:
        """Write a batch, all or nothing. An event already there with the same content counts as repeated; with
        another content it is refused. A batch whose digest and reader were loaded before is not read again."""

    def append(self, arrivals: Sequence[Arrival]) -> list[Outcome]:
        """Add what a live feed brought to its open batches, all or nothing; durable when this returns. An event
        already there is judged as by `load`; the ledgers grow, and always account for every line."""

    def tidy(self, quiet: bool) -> None:
        """Put in order what appends left behind, if that is worth it. `quiet`: nothing waits to be written."""

    def counts_by_cell(self, query: Query, viewer: Viewer) -> CellCounts: ...

    def totals(self, query: Query, viewer: Viewer) -> Totals: ...

    def facts_in(self, query: Query, viewer: Viewer, cells: NDArray[np.int64]) -> PlacedFacts:
        """The facts that stand in these hexagons, all of one resolution. Needs `viewer.sees_events` and no threshold:
        where a few facts lie is what a threshold hides."""

    def route_facts(self, query: Query, viewer: Viewer) -> RouteFacts:
        """Needs the same rights as `facts_in`: a route that few facts took tells where each was made."""

    def route_totals(
        self, query: Query, viewer: Viewer, start: Stop = "departure", stop: Stop = "destination"
    ) -> RouteTotals:
        """For those who see no facts: by country alone, small counts protected."""

    def unplaced(self, query: Query, viewer: Viewer, ground: Ground) -> dict[str, int]:
        """By precision of their place, facts that stand in no hexagon and may lie on this ground; as in `Totals`."""

    def counts_by_territory(self, kind: TerritoryKind, query: Query, viewer: Viewer) -> TerritoryCounts: ...

    def counts_by_code(
        self, by: ClassField, kind: TerritoryKind, query: Query, viewer: Viewer
    ) -> dict[str, TerritoryCounts]:
        """The same apart by code of one closed list (drug, mode, …), of the codes that facts have; "": without one."""

    def counts_by_mode(self, kind: TerritoryKind, query: Query, viewer: Viewer) -> ModeCounts: ...

    def counts_by_class(self, kind: TerritoryKind, query: Query, viewer: Viewer) -> ClassCounts:
        """Everything that the three above say of a query without codes, for those of any codes to follow from it."""

    def totals_by_class(self, query: Query, viewer: Viewer) -> ClassTotals:
        """The same of `totals`."""

    def counts_by_day(self, query: Query, viewer: Viewer) -> DayCounts: ...

    def counts_by_hour(self, query: Query, viewer: Viewer) -> HourCounts:
        """Raises `QueryError` for a period of more than `MOST_DAYS_BY_HOUR` days."""

    def events(self, query: Query, viewer: Viewer, cell: int | None = None, limit: int = 50) -> pa.Table:
        """Latest first, EVENT_SCHEMA; `cell`: inside this hexagon of any resolution. Needs `viewer.sees_events`."""

    def indicators(
        self, viewer: Viewer, indicator: str | None = None, territories: Sequence[Territory] = ()
    ) -> pa.Table:
        """Published figures, INDICATOR_SCHEMA; `value` is null where the producer withheld it."""

    def sources(self, viewer: Viewer) -> list[Source]: ...

    def batches(self, viewer: Viewer) -> list[Ledger]:
        """Latest first."""

    def quarantine(self, viewer: Viewer, batch_id: str, limit: int | None = None) -> pa.Table:
        """REFUSAL_SCHEMA, by line. Needs `viewer.sees_events`."""

    def set_memberships(self, memberships: Sequence[Membership], progress: Progress | None = None) -> None:
        """Replace the territories' composition and re-derive what depends on it; the facts are not touched."""

    def period(self, viewer: Viewer) -> tuple[date, date] | None:
        """First and last day of the events (both included); None: the store holds none."""

    def changes(
        self, viewer: Viewer, since: int | None = None, report: Reachability | None = None
    ) -> AsyncGenerator[Change, None]:
        """Each change after version `since` that concerns the viewer, in order, once, as it is committed.

        It goes on through the absence of the database, of which `report` is told, and ends with `close`. `since=None`
        starts from the state that the first step finds. What is no longer known after a long absence, or because the
        store was put back to an earlier state, is one change of everything.
        """

    def close(self) -> None: ...
