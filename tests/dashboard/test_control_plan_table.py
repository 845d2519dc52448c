"""The plan against what was done."""

from __future__ import annotations

import csv
import io
from datetime import date

import numpy as np
import pytest

from dashboard.control_plan_table import done_of, known_codes, lines_shown, plan_csv, plan_frame, plan_html, state_of
from data.control_plan import PlannedControls
from data.geography import geography
from data.query import Query, Territory, TerritoryKind
from data.store import ModeCounts, TerritoryCounts
from data.vocabulary import MODES

NAN = float("nan")
JANUARY = (date(2026, 1, 1), date(2026, 1, 31))


def line(territory: str, planned: int, mode: str = "road", days: tuple[date, date] = JANUARY) -> PlannedControls:
    kind, _, code = territory.partition(":")
    return PlannedControls(Territory(kind, code), mode, *days, planned)  # type: ignore[arg-type]  # a kind, for sure


LINES = (
    line("departement:13", 310),
    line("departement:83", 100),
    line("departement:04", 50),
    line("departement:13", 40, days=(date(2026, 3, 1), date(2026, 3, 31))),
    line("departement:99", 10),
)


def counts(kind: TerritoryKind, query: Query) -> ModeCounts:
    """140 in 13, 100 in 83, few in 04, of any mode; nothing in March."""
    shape = (len(MODES) + 1, 4)
    controls = np.full(shape, 0.0) if query.start.month == 3 else np.tile([240.0, NAN, 140, 100], (shape[0], 1))
    nothing = np.full(shape, NAN)
    every = TerritoryCounts(kind, ("", "04", "13", "83"), *[nothing[0]] * 6, np.isnan(controls[0]))
    return ModeCounts(kind, (*MODES, ""), ("", "04", "13", "83"), nothing, nothing, controls, nothing, nothing, nothing,
                      nothing, np.isnan(controls), every)  # fmt: skip


def test_each_line_is_counted_over_its_own_period() -> None:
    asked: list[Query] = []

    def counted(kind: TerritoryKind, query: Query) -> ModeCounts:
        asked.append(query)
        return counts(kind, query)

    done = done_of(LINES, counted, date(2026, 1, 15))
    assert asked == [Query(date(2026, 1, 1), date(2026, 2, 1)), Query(date(2026, 3, 1), date(2026, 4, 1))]
    np.testing.assert_array_equal(done.done, [140, 100, NAN, 0, NAN])
    assert done.expected[0] == 150
    assert [state_of(done, row) for row in range(len(LINES))] == [
        "en dessous du rythme prévu", "atteint", "protégé", "pas commencé", "inconnu",
    ]  # fmt: skip


def test_only_what_concerns_the_view_is_shown() -> None:
    known = geography()
    days = (date(2026, 1, 31), date(2026, 2, 1))
    assert lines_shown(LINES, known, None, *days) == (*LINES[:3], LINES[4])
    assert lines_shown(LINES, known, Territory("commune", "13055"), *days) == (LINES[0],)
    assert lines_shown(LINES, known, None, date(2026, 2, 1), date(2026, 3, 1)) == ()
    assert "13" in known_codes(known)("departement")


@pytest.mark.parametrize("name", ["Bouches-du-Rhône"])
def test_the_table_and_the_file_say_the_same_and_leave_the_unknown_empty(name: str) -> None:
    frame = plan_frame(done_of(LINES[:3], counts, date(2026, 1, 15)), geography())
    html = plan_html(frame)
    assert name in html
    assert "—" in html
    rows = list(csv.reader(io.StringIO(plan_csv(frame, "demo").decode("utf-8-sig")), delimiter=";"))
    assert len(rows) == 4
    assert rows[1][3:6] == ["310", "140.0", "150.0"]
    assert rows[3][4] == ""
    assert {row[-1] for row in rows[1:]} == {"demo"}
    hostile = frame.assign(**{str(frame.columns[0]): "=1+1<script>"})
    assert "<script" not in plan_html(hostile)
    assert b"'=1+1" in plan_csv(hostile, "demo")
