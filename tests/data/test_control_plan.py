"""The plan of controls: read whole, or refused with each fault by its line."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.control_plan import COLUMNS, FILE, LAYOUT, MOST_BYTES, PlanError, PlannedControls, read_plan
from data.query import Territory, TerritoryKind

HEADER = ";".join(COLUMNS)


def known(kind: TerritoryKind) -> set[str]:
    return {"departement": {"13", "83"}, "cross": {"lille"}}.get(kind, set())


def write(folder: Path, *lines: str) -> Path:
    (folder / FILE).write_text("\n".join([HEADER, *lines]), encoding="utf-8")
    return folder


def test_a_plan_is_read_in_its_order(tmp_path: Path) -> None:
    assert read_plan(tmp_path, known) is None
    folder = write(
        tmp_path, "departement:13;road;2026-01-01;2026-03-31;120", "", "cross:lille;post;2026-02-01;2026-02-01;3"
    )
    assert read_plan(folder, known) == (
        PlannedControls(Territory("departement", "13"), "road", date(2026, 1, 1), date(2026, 3, 31), 120),
        PlannedControls(Territory("cross", "lille"), "post", date(2026, 2, 1), date(2026, 2, 1), 3),
    )


def test_the_empty_layout_is_an_empty_plan(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text(LAYOUT, encoding="utf-8")
    assert read_plan(tmp_path, known) == ()


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("departement:99;road;2026-01-01;2026-03-31;120", "departement:99"),
        ("13;road;2026-01-01;2026-03-31;120", "« 13 »"),
        ("departement:13;car;2026-01-01;2026-03-31;120", "« car »"),
        ("departement:13;road;2026-02-30;2026-03-31;120", "2026-02-30"),
        ("departement:13;road;20260101;2026-03-31;120", "20260101"),
        ("departement:13;road;0001-01-01;2026-03-31;120", "0001-01-01"),
        ("departement:13;road;2026-04-01;2026-03-31;120", "2026-03-31"),
        ("departement:13;road;2026-01-01;2026-03-31;0", "« 0 »"),
        ("departement:13;road;2026-01-01;2026-03-31;1e5", "« 1e5 »"),
        ("departement:13;road;2026-01-01;2026-03-31;9999999", "« 9999999 »"),
        ("departement:13;road;2026-01-01;2026-03-31", "4 colonnes"),
        ("departement:13;road;2026-01-01;2026-03-31;5\ndepartement:13;road;2026-03-31;2026-04-02;5", "ligne 2"),
    ],
)
def test_each_fault_names_its_line(tmp_path: Path, line: str, said: str) -> None:
    with pytest.raises(PlanError, match=r"control_plan\.csv, ligne") as raised:
        read_plan(write(tmp_path, line), known)
    assert said in str(raised.value)
    assert len(raised.value.faults) == 1


def test_all_faults_are_told_at_once_in_the_order_of_the_lines(tmp_path: Path) -> None:
    with pytest.raises(PlanError) as raised:
        read_plan(write(tmp_path, "x;y;z;t;u", "departement:13;road;2026-01-01;2026-01-01;-1"), known)
    assert [fault.line for fault in raised.value.faults] == [2, 2, 2, 2, 2, 3]


@pytest.mark.parametrize("content", [b"\xff\xfe", b"", b"a;b\n", b" " * (MOST_BYTES + 1)])
def test_what_is_no_plan_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / FILE).write_bytes(content)
    with pytest.raises(PlanError, match=r"control_plan\.csv"):
        read_plan(tmp_path, known)


@given(st.lists(st.tuples(st.integers(1, 28), st.integers(0, 10)), min_size=1, max_size=6))
def test_no_day_is_planned_twice(tmp_path_factory: pytest.TempPathFactory, periods: list[tuple[int, int]]) -> None:
    days = [set(range(first, min(first + more, 28) + 1)) for first, more in periods]
    lines = [f"departement:13;road;2026-02-{min(one):02d};2026-02-{max(one):02d};1" for one in days]
    folder = write(tmp_path_factory.mktemp("plan"), *lines)
    if sum(len(one) for one in days) == len(set().union(*days)):
        assert len(read_plan(folder, known) or ()) == len(lines)
    else:
        with pytest.raises(PlanError, match="recouvre"):
            read_plan(folder, known)
