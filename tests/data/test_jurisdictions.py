"""Jurisdictions as a partition, départements moved, and the list that comes out read in again."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.jurisdictions import (
    Partition,
    antenna_of,
    jurisdictions_csv,
    moves_between,
    partition_of,
    proposed,
)
from data.lists import JURISDICTIONS, Lists, ListsError, copy_lists, known_codes, read_lists

LISTS = read_lists()
CODES = sorted(known_codes().jurisdictions)
ANTENNAS = [antenna.code for antenna in LISTS.antennas]
MOVES = st.dictionaries(st.sampled_from(CODES), st.sampled_from(ANTENNAS), max_size=12)


def test_the_lists_are_a_partition() -> None:
    holder = antenna_of(LISTS)
    assert partition_of(holder.items(), CODES) == Partition((), ())
    assert len(holder) == 107


@given(MOVES)
def test_moves_keep_the_partition_and_are_found_again(moves: dict[str, str]) -> None:
    holder, refused = proposed(LISTS, tuple(moves.items()))
    assert not refused
    assert partition_of(holder.items(), CODES).whole
    assert all(holder[code] == antenna for code, antenna in moves.items())
    kept = moves_between(antenna_of(LISTS), holder)
    assert set(kept) <= set(moves.items())  # a move to where one is already is none
    assert proposed(LISTS, kept)[0] == holder


def test_gaps_and_overlaps_are_counted() -> None:
    holder = antenna_of(LISTS)
    pairs = [*((code, antenna) for code, antenna in holder.items() if code != "13"), ("66", "bordeaux"), ("2A", "")]
    assert partition_of(pairs, CODES) == Partition(gaps=("13",), overlaps=("66",))
    assert not partition_of(pairs, CODES).whole


def test_moves_of_what_does_not_exist_are_refused_and_change_nothing() -> None:
    holder, refused = proposed(LISTS, (("99", "lille"), ("66", "atlantide"), ("66", "bordeaux")))
    assert [str(error) for error in refused] == [
        "Ressort : département « 99 » inconnu.",
        "Ressort : antenne « atlantide » inconnue.",
    ]
    assert moves_between(antenna_of(LISTS), holder) == (("66", "bordeaux"),)


@settings(max_examples=5, deadline=None)
@given(moves=MOVES)
def test_the_exported_list_is_read_in_again(tmp_path_factory: pytest.TempPathFactory, moves: dict[str, str]) -> None:
    folder = tmp_path_factory.mktemp("lists")
    copy_lists(folder)
    holder, _refused = proposed(LISTS, tuple(moves.items()))
    (folder / JURISDICTIONS).write_bytes(jurisdictions_csv(LISTS, holder, "=cmd|'/c calc'!A1"))
    again = read_lists(folder)
    assert antenna_of(again) == holder
    changed = {code for code, _antenna in moves_between(antenna_of(LISTS), holder)}
    for code, (source, basis) in again.origins.items():
        expected = ("'=cmd|'/c calc'!A1", "assumed") if code in changed else LISTS.origins[code]
        assert (source, basis) == expected


@pytest.mark.parametrize(
    ("extra", "said"),
    [
        ("lille;13;Essai;assumed\n", "département 13 déjà dans le ressort de"),
        (None, "département 01 dans aucun ressort"),
    ],
)
def test_a_list_with_an_overlap_or_a_gap_is_refused(tmp_path: Path, extra: str | None, said: str) -> None:
    copy_lists(tmp_path)
    path = tmp_path / JURISDICTIONS
    text = path.read_text(encoding="utf-8-sig")
    lines = text.splitlines(keepends=True)
    path.write_text(text + extra if extra else "".join(line for line in lines if ";01;" not in line), encoding="utf-8")
    with pytest.raises(ListsError, match=said) as raised:
        read_lists(tmp_path)
    assert len(raised.value.faults) == 1


def test_a_proposal_says_so(tmp_path: Path) -> None:
    assert isinstance(LISTS, Lists)
    holder, _refused = proposed(LISTS, (("66", "bordeaux"),))
    lines = jurisdictions_csv(LISTS, holder, "Proposition du 1er").decode("utf-8-sig").splitlines()
    assert lines[0] == "antenna;departement;source;basis"
    assert "bordeaux;66;Proposition du 1er;assumed" in lines
    assert len(lines) == 108
