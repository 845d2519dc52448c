"""What a comparison of territories shows, as numbers: read from the store, computed in `geo`, in the order chosen."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from dashboard.changes import previous_view
from dashboard.context import Context
from dashboard.measures import MEASURES
from dashboard.narrowed import counts_by_code, counts_by_territory
from dashboard.recall import Reading
from dashboard.view import ONE_DAY, Period, View
from data.geography import Geography
from data.query import Territory, TerritoryKind, Viewer
from data.rights import beyond_rights, within_rights
from data.store import TerritoryCounts
from geo.comparison import Comparison, ShareComparison, compare_rates, compare_shares
from geo.funnel import Funnel, rate_funnel, share_funnel
from geo.ranking import Ranking, rank_rates
from geo.rates import Rates, rate_with_interval, share_with_interval
from geo.series import Steps, mean_by_step, step_of

FEWEST_COMPARED, SHOWN_AT_FIRST = 2, 3
CONFIDENCE = 0.95
FIGURES = ("incidents", "controls", "checked", "positive", "kg", "eur")

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Peers:
    """All territories of one kind, in the order of their list; arrays of shape (n,), NaN where unknown or protected."""

    kind: TerritoryKind
    codes: tuple[str, ...]
    names: tuple[str, ...]  # each once: with their code where two territories have the same
    status: tuple[str, ...]  # "installing" for some CROSS; else "operating" or ""
    assumed: NDArray[np.bool_]
    population: Floats
    counts: dict[str, Floats]  # by name of `FIGURES`
    protected: NDArray[np.bool_]
    beyond: NDArray[np.bool_]  # not seen, or in part: what the viewer has no right to
    rate: Rates  # incidents for 100,000 inhabitants, over the period
    ranking: Ranking  # by that rate
    funnel: Funnel  # of that rate, or of the share of positive controls where the measure is one of controls

    def rows(self, territories: Sequence[Territory]) -> NDArray[np.intp]:
        """Where some of them stand."""
        place = {code: row for row, code in enumerate(self.codes)}
        return np.array([place[code] for _kind, code in territories], dtype=np.intp)


@dataclass(frozen=True, slots=True)
class Compared:
    """The territories compared, arrays of shape (n,) in the order chosen; NaN where unknown."""

    view: View  # dated
    peers: Peers
    rows: NDArray[np.intp]  # of `peers`
    days: int  # of the period that the store holds
    has_before: bool  # the store holds all of the previous period
    change: Comparison  # of the incidents a day, to the previous period
    to_first: Comparison  # of the rate, to that of the first territory
    per_incident: Comparison  # of the controls, to the incidents
    share: Rates  # of positive controls, 0 to 1
    share_to_first: ShareComparison
    kg_by_drug: dict[str, Floats]  # drugs of which some was weighed in one of them, the most first
    protected_by_drug: dict[str, NDArray[np.bool_]]
    steps: Steps  # incidents a day of each, over the days that the store holds

    def figure(self, name: str) -> Floats:
        """One of `FIGURES`."""
        return self.peers.counts[name][self.rows]

    @property
    def beyond(self) -> NDArray[np.bool_]:
        """Which of them the viewer has no right to."""
        found: NDArray[np.bool_] = self.peers.beyond[self.rows]
        return found

    @property
    def names(self) -> list[str]:
        return [self.peers.names[row] for row in self.rows.tolist()]

    @property
    def together(self) -> float:
        """Confidence of each interval beside the first territory's, so that all of them hold together (Bonferroni)."""
        return confidence_together(len(self.rows))


def confidence_together(territories: int) -> float:
    """Of each of the comparisons with the first of so many."""
    return 1 - (1 - CONFIDENCE) / max(1, territories - 1)


def days_held(view: View, held: Period) -> int:
    """Days of a dated view's period of which the store holds facts at all."""
    query = view.query()
    return max(0, (min(query.stop, held[1] + ONE_DAY) - max(query.start, held[0])).days)


def default_compared(
    known: Geography, kind: TerritoryKind, first: Territory | None = None, beyond: frozenset[str] = frozenset()
) -> tuple[Territory, ...]:
    """`first` and the most populated of its kind, where nothing was chosen; those beyond the viewer's rights last."""
    table = known.territories(kind).sort_values("population", ascending=False, kind="stable")
    table = table.sort_values("code", key=lambda codes: codes.isin(beyond), kind="stable")
    others = (Territory(kind, str(code)) for code in table["code"].head(SHOWN_AT_FIRST + 1))
    chosen = dict.fromkeys([*([first] if first else []), *others])
    return tuple(chosen)[:SHOWN_AT_FIRST]


def compare(context: Context, viewer: Viewer, view: View, held: Period, reading: Reading) -> Compared:
    """Read and compute all that stands in the table of a dated view with at least two territories.

    Raises StoreError, when the store does not answer and never did.
    """
    kind = view.compared[0].kind
    query = replace(view, territory=None).query()
    by_territory, by_code = counts_by_territory(context), counts_by_code(context)
    days = days_held(view, held)
    before = previous_view(replace(view, territory=None)).query()
    has_before = before.start >= held[0] and days > 0
    context.ahead(by_code, "drug", kind, query, viewer)
    if has_before:
        context.ahead(by_territory, kind, before, viewer)
    known, counts = context.geography, reading.ask(by_territory, kind, query, viewer)
    beyond = beyond_rights(known, kind, viewer)
    peers = peers_of(known, within_rights(counts, beyond), MEASURES[view.measure].of_controls, beyond)
    rows = peers.rows(view.compared)
    by_drug = reading.ask(by_code, "drug", kind, query, viewer)
    drugs = _drugs(peers, rows, {drug: within_rights(of_drug, beyond) for drug, of_drug in by_drug.items()})

    incidents = peers.counts["incidents"][rows]
    earlier = np.full(len(rows), np.nan)
    if has_before:
        counts_before = within_rights(reading.ask(by_territory, kind, before, viewer), beyond)
        earlier = aligned(peers.codes, counts_before)["incidents"][rows]

    together = confidence_together(len(rows))
    population = peers.population[rows]
    controls, checked, positive = (peers.counts[name][rows] for name in ("controls", "checked", "positive"))
    return Compared(
        view=view,
        peers=peers,
        rows=rows,
        days=days,
        has_before=has_before,
        change=compare_rates(incidents, max(days, 1), earlier, (before.stop - before.start).days),
        to_first=compare_rates(incidents, population, incidents[0], population[0], together),
        per_incident=compare_rates(controls, 1, incidents, 1),
        share=share_with_interval(positive, checked),
        share_to_first=compare_shares(positive, checked, positive[0], checked[0], together),
        kg_by_drug={drug: kg for drug, (kg, _hidden) in drugs.items()},
        protected_by_drug={drug: hidden for drug, (_kg, hidden) in drugs.items()},
        steps=_curves(context, viewer, view, held, reading, beyond),
    )


def peers_of(
    known: Geography, counts: TerritoryCounts, of_controls: bool, beyond: frozenset[str] = frozenset()
) -> Peers:
    """All territories of a kind with their figures, their ranks and their funnel; `beyond`: those not to be seen."""
    table = known.territories(counts.kind)
    codes = tuple(table["code"].astype(str))
    figures = aligned(codes, counts)
    population = table["population"].to_numpy(dtype=np.float64)
    funnel = (
        share_funnel(figures["positive"], figures["checked"])
        if of_controls
        else rate_funnel(figures["incidents"], population)
    )
    return Peers(
        kind=counts.kind,
        codes=codes,
        names=distinct(table["name"].astype(str).to_list(), codes),
        status=tuple(table["status"].astype(str)),
        assumed=table["assumed"].to_numpy(dtype=np.bool_),
        population=population,
        counts=figures,
        protected=_placed(codes, counts.codes, counts.protected.astype(np.float64), 0.0) > 0,
        beyond=np.isin(codes, sorted(beyond)),
        rate=rate_with_interval(figures["incidents"], population),
        ranking=_ranked(figures["incidents"].tobytes(), population.tobytes()),
        funnel=funnel,
    )


def aligned(codes: Sequence[str], counts: TerritoryCounts) -> dict[str, Floats]:
    """The figures in the order of `codes`; NaN for a territory that the store does not know."""
    return {name: _placed(codes, counts.codes, getattr(counts, name)) for name in FIGURES}


def distinct(names: Sequence[str], codes: Sequence[str]) -> tuple[str, ...]:
    """The names, with the code where several are the same."""
    times = Counter(names)
    return tuple(f"{name} ({code})" if times[name] > 1 else name for name, code in zip(names, codes, strict=True))


def _placed(codes: Sequence[str], known: Sequence[str], column: Floats, missing: float = math.nan) -> Floats:
    at = dict(zip(known, column.tolist(), strict=True))
    return np.array([at.get(code, missing) for code in codes], dtype=np.float64)


@lru_cache(maxsize=32)
def _ranked(incidents: bytes, population: bytes) -> Ranking:
    """Of a thousand territories, each with each: most of a second, and asked again at every run of the page."""
    return rank_rates(np.frombuffer(incidents), np.frombuffer(population))


def _drugs(
    peers: Peers, rows: NDArray[np.intp], by_drug: dict[str, TerritoryCounts]
) -> dict[str, tuple[Floats, NDArray[np.bool_]]]:
    """Weights by drug of the territories at `rows`, and which are protected; the heaviest first, unknown drugs last."""
    found = {}
    for drug, counts in by_drug.items():
        kg = _placed(peers.codes, counts.codes, counts.kg)[rows]
        hidden = _placed(peers.codes, counts.codes, counts.protected.astype(np.float64), 0.0)[rows] > 0
        if np.nansum(kg) > 0:
            found[drug] = (kg, hidden)
    return dict(sorted(found.items(), key=lambda item: (not item[0], -np.nansum(item[1][0]), item[0])))


def _curves(
    context: Context, viewer: Viewer, view: View, held: Period, reading: Reading, beyond: frozenset[str]
) -> Steps:
    """Incidents a day of each territory compared, over the days of the period that the store holds."""
    query = view.query()
    start, stop = max(query.start, held[0]), min(query.stop, held[1] + ONE_DAY)
    days = np.arange(np.datetime64(start, "D"), np.datetime64(max(start, stop), "D"))
    values = np.full((len(view.compared), len(days)), np.nan)
    for at, territory in enumerate(view.compared):
        if len(days) and territory.code not in beyond:
            asked = replace(query, start=start, stop=stop, territory=territory)
            values[at] = reading.ask(context.kept(context.store.counts_by_day), asked, viewer).incidents
    return mean_by_step(days, values, step_of(len(days)))
