"""Figures that a producer publishes by département and year: with their population, one indicator at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import pyarrow.compute as pc
from numpy.typing import NDArray

from dashboard.recall import Reading
from dashboard.view import PUBLISHED
from data.query import Territory, TerritoryKind, Viewer
from data.store import Store
from geo.funnel import Funnel, rate_funnel
from geo.ranking import Ranking, rank_rates
from geo.rates import Rates, rate_with_interval

KIND: TerritoryKind = "departement"
DEFAULT_INDICATOR = "trafic"
FIXED_FINES = 2020  # the fixed fine for use (AFD) begins: before and after, use is not counted alike
OF_USE = frozenset({"usage", "usage-afd", "usage-hors-afd"})

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Published:
    """One indicator of one publication; arrays of shape (territories, years), NaN where there is no figure."""

    indicator: str  # of `PUBLISHED`
    source: str
    unit_of_count: str
    release: date
    codes: tuple[str, ...]  # of all territories that it has
    years: NDArray[np.int64]
    values: Floats
    withheld: NDArray[np.bool_]  # the producer has it and does not publish it
    population: Floats
    rate: Rates  # for 100,000 inhabitants
    funnel: Funnel  # of the last year
    ranking: Ranking

    def rows(self, territories: Sequence[Territory]) -> list[int | None]:
        """Where some of them stand; None: it has nothing of them."""
        place = {code: row for row, code in enumerate(self.codes)}
        return [place.get(code) for _kind, code in territories]

    @property
    def is_broken(self) -> bool:
        """Whether the way of counting changed within its years."""
        return self.indicator in OF_USE and bool((self.years < FIXED_FINES).any() and (self.years >= FIXED_FINES).any())


def published_figures(store: Store, viewer: Viewer, reading: Reading, indicator: str) -> Published | None:
    """One indicator by département, of the latest publication alone: two of them do not mix. None: the store has none.

    Raises StoreError.
    """
    table = reading.ask(store.indicators, viewer, PUBLISHED[indicator])
    table = table.filter(pc.equal(table["territory_kind"], KIND))
    if not table.num_rows:
        return None
    latest = pc.max(table["release"])
    table = table.filter(pc.equal(table["release"], latest))
    table = table.filter(pc.equal(table["source"], table["source"][0]))  # another producer counts otherwise
    codes = tuple(sorted(set(table["territory"].to_pylist())))
    years = np.unique(table["year"].to_numpy())
    row = {code: at for at, code in enumerate(codes)}
    at = np.array([row[code] for code in table["territory"].to_pylist()]), np.searchsorted(years, table["year"])
    shape = (len(codes), len(years))
    values, population, withheld = np.full(shape, np.nan), np.full(shape, np.nan), np.zeros(shape, dtype=np.bool_)
    values[at] = table["value"].to_numpy()
    population[at] = table["population"].to_numpy()
    withheld[at] = pc.equal(table["disclosed"].cast("string"), "withheld").to_numpy(zero_copy_only=False)
    values[withheld] = np.nan
    return Published(
        indicator=indicator,
        source=table["source"][0].as_py(),
        unit_of_count=table["unit_of_count"][0].as_py(),
        release=latest.as_py(),
        codes=codes,
        years=years,
        values=values,
        withheld=withheld,
        population=population,
        rate=rate_with_interval(values, population),
        funnel=rate_funnel(values[:, -1], population[:, -1]),
        ranking=rank_rates(values[:, -1], population[:, -1]),
    )
