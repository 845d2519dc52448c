"""Which CROSS there are on a day, from dates as precise as the press gives them; what sources say of their number."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from data.lists import COUNTS, CROSS, Cross, ListsError, copy_lists, read_lists
from data.standing import Standing, first_and_last, standing

TODAY = date(2026, 11, 23)


def cross(since: str, status: str = "operating") -> Cross:
    return Cross("a", "A", "13055", ("13055",), status, since, "essai", "assumed")


@pytest.mark.parametrize(
    ("since", "day", "expected"),
    [
        ("2018-01", date(2017, 12, 31), "absent"),
        ("2018-01", date(2018, 1, 1), "undated"),  # of which day of January nobody knows
        ("2018-01", date(2018, 1, 31), "operating"),
        ("2015", date(2015, 6, 1), "undated"),
        ("2015", date(2016, 1, 1), "operating"),
        ("2020-02-29", date(2020, 2, 28), "absent"),
        ("2020-02-29", date(2020, 2, 29), "operating"),
        ("", date(2010, 1, 1), "undated"),
        ("", TODAY, "operating"),
        ("", date(2030, 1, 1), "operating"),
    ],
)
def test_standing_of_one_that_operates(since: str, day: date, expected: Standing) -> None:
    assert standing(cross(since), day, TODAY) == expected


@pytest.mark.parametrize(
    ("since", "day", "expected"),
    [
        ("", TODAY, "installing"),
        ("", date(2025, 1, 1), "absent"),  # it covered nothing, and nobody says when its installation began
        ("2026-03", date(2026, 2, 28), "absent"),
        ("2026-03", date(2026, 3, 1), "installing"),
    ],
)
def test_standing_of_one_that_is_being_installed(since: str, day: date, expected: Standing) -> None:
    assert standing(cross(since, "installing"), day, TODAY) == expected


def test_days_that_a_date_may_mean() -> None:
    assert first_and_last("2024-02") == (date(2024, 2, 1), date(2024, 2, 29))
    assert first_and_last("2015") == (date(2015, 1, 1), date(2015, 12, 31))
    assert first_and_last("") is None


def test_published_counts_contradict_each_other_and_are_all_kept() -> None:
    counts = read_lists().counts
    assert {(count.date, count.count) for count in counts if count.subject == "operating"} >= {
        ("2020-09-30", 103),
        ("", 28),
    }
    assert all(count.source for count in counts)


def test_a_folder_without_published_counts_takes_the_packaged_ones(tmp_path: Path) -> None:
    copy_lists(tmp_path)
    (tmp_path / COUNTS).unlink()
    assert read_lists(tmp_path) == read_lists()


def test_wrong_published_counts_are_told_all_at_once(tmp_path: Path) -> None:
    copy_lists(tmp_path)
    (tmp_path / COUNTS).write_text(
        "subject;date;count;source;basis\nCROSS;2020;103;Presse;published\nantennas;2020-13;-4;Presse;published\n",
        encoding="utf-8",
    )
    with pytest.raises(ListsError) as raised:
        read_lists(tmp_path)
    assert [(fault.line, fault.given) for fault in raised.value.faults] == [(2, "CROSS"), (3, "2020-13"), (3, "-4")]


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        (";200054807;", ";01033|01091;", "commune 01091 fusionnée depuis : attendu"),
        (";200054807;", ";;", "colonne area vide"),
        (";2015;", ";demain;", "date « demain »"),
    ],
)
def test_a_perimeter_that_is_none_is_refused_with_its_line(tmp_path: Path, before: str, after: str, said: str) -> None:
    copy_lists(tmp_path)
    path = tmp_path / CROSS
    path.write_text(path.read_text(encoding="utf-8-sig").replace(before, after, 1), encoding="utf-8")
    with pytest.raises(ListsError, match=said) as raised:
        read_lists(tmp_path)
    assert {fault.line for fault in raised.value.faults} == {2}
