"""Parts of a page that follow its address: alike from its script and from its route, and in an outage the last ones."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import date

import pytest

from dashboard.beside import SITUATION
from dashboard.cache import ByteCache
from dashboard.context import Context, viewer_of
from dashboard.control_part import CONTROLS
from dashboard.coverage_part import COVERAGE
from dashboard.following import Followed, figures_address
from dashboard.recall import Reading
from dashboard.settings import Settings
from dashboard.view import View
from data.class_counts import ClassTotals
from data.duckdb_store import DuckDBStore
from data.errors import UnreachableError
from data.geography import geography
from data.query import Territory, Viewer
from data.store import Store
from tests.data.contract import batch, chunk, event

MARCH = View(start=date(2026, 3, 1), stop=date(2026, 4, 1))
MARSEILLE = Territory("commune", "13055")


@pytest.fixture
def held(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Context]:
    store = DuckDBStore.open(tmp_path_factory.mktemp("following") / "a.duckdb")
    store.set_memberships(geography().memberships())
    store.load(batch("essai"), [chunk([event(number, day=date(2026, 3, 3)) for number in range(7)])])
    context = Context(Settings(), store, geography(), ByteCache(2**20))
    yield context
    context.close()


def away(_store: Store) -> int:
    raise UnreachableError("La base {server} est injoignable", server="ailleurs")


@pytest.mark.parametrize("page", [SITUATION, CONTROLS, COVERAGE], ids=lambda page: page.path)
def test_a_script_draws_what_the_route_answers(held: Context, page: Followed) -> None:
    reading = Reading(held.recall)
    drawn = page.parts(held, viewer_of(held.settings), MARCH, reading)
    assert drawn == json.loads(page.answer(held, MARCH))["parts"]
    assert {"title", "figures"} <= set(drawn)
    assert reading.error is None


def test_what_a_route_has_answered_is_not_asked_again_by_the_script(
    held: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Viewer] = []
    totals = DuckDBStore.totals_by_class

    def counted(store: DuckDBStore, *given: object) -> ClassTotals:
        asked.append(Viewer("essai"))
        return totals(store, *given)  # type: ignore[arg-type]  # handed on

    monkeypatch.setattr(DuckDBStore, "totals_by_class", counted)
    viewer = viewer_of(held.settings)
    SITUATION.parts(held, viewer, MARCH, Reading(held.recall))
    before = len(asked)
    assert before
    SITUATION.parts(held, viewer, replace(MARCH, zone="cercle:43.30,5.37,2000"), Reading(held.recall))
    assert len(asked) == before


def test_an_outage_keeps_what_is_known_and_says_so(held: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    viewer = viewer_of(held.settings)
    known = SITUATION.parts(held, viewer, MARCH, Reading(held.recall))
    assert "recalled" not in SITUATION.stamp(MARCH, Reading(held.recall))
    monkeypatch.setattr(DuckDBStore, "version", away)
    monkeypatch.setattr(DuckDBStore, "totals_by_class", away)
    reading = Reading(held.recall)
    assert SITUATION.parts(held, viewer, MARCH, reading) == known
    assert isinstance(reading.error, UnreachableError)
    assert 'data-recalled="' in SITUATION.stamp(MARCH, reading)
    unknown = SITUATION.parts(held, viewer, replace(MARCH, territory=MARSEILLE), Reading(held.recall))
    assert '<div class="hx-value">—</div>' in unknown["figures"]
    assert "<h1>Marseille</h1>" in unknown["title"]
    with pytest.raises(UnreachableError):
        SITUATION.answer(held, MARCH)


def test_figures_are_of_a_view_whatever_its_map_shows() -> None:
    shown = replace(MARCH, measure="taux", classes="jenks", resolution=8, cell=0x8839681507FFFFF, zone="cercle:1,2,3")
    assert figures_address(shown) == figures_address(MARCH) == MARCH.address()
    assert figures_address(replace(MARCH, territory=MARSEILLE)) != figures_address(MARCH)
