"""Countries in a network: strengths by adding up, betweenness by walking all ways, and values worked out by hand."""

from __future__ import annotations

from collections import deque
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo.corridors import UNKNOWN, Seizures, legs
from geo.network import Part, network

Way = tuple[int, int, int, int]  # producing, departure, transit, destination


def seizures(ways: list[Way], numbers: list[int] | None = None) -> Seizures:
    stops = np.array(ways, dtype=np.int64).reshape(-1, 4).T
    count = stops.shape[1]
    zeros = np.zeros(count, dtype=np.int64)
    each = np.ones(count, dtype=np.int64) if numbers is None else np.array(numbers, dtype=np.int64)
    return Seizures(*stops, zeros, zeros, zeros, zeros, each, np.full(count, np.nan), zeros)


def shortest(edges: set[tuple[int, int]], start: int, stop: int) -> list[tuple[int, ...]]:
    """All shortest paths, by walking every way step by step."""
    found: list[tuple[int, ...]] = []
    waiting = deque([(start,)])
    while waiting:
        path = waiting.popleft()
        if found and len(path) >= len(found[0]):
            break
        for origin, destination in edges:
            if origin == path[-1] and destination not in path:
                (found if destination == stop else waiting).append((*path, destination))
    return found


def test_the_middle_of_a_chain_is_a_rebound() -> None:
    """0 → 1 → 2: of the two ways between two other countries there could be, one goes through 1."""
    found = network(legs(seizures([(UNKNOWN, 0, 1, 2)], [7])))
    rows = {country: row for row, country in enumerate(found.country.tolist())}
    assert found.betweenness[rows[1]] == pytest.approx(1 / 2)
    assert found.betweenness[[rows[0], rows[2]]].tolist() == [0, 0]
    assert [int(found.part[rows[country]]) for country in (0, 1, 2)] == [Part.ORIGIN, Part.REBOUND, Part.DESTINATION]
    assert (found.out[rows[1]], found.into[rows[1]]) == (7, 7)


def test_what_is_produced_counts_where_it_was_made_even_if_it_left_from_there() -> None:
    found = network(
        legs(seizures([(0, 0, UNKNOWN, 1), (0, 2, UNKNOWN, 1), (3, UNKNOWN, UNKNOWN, UNKNOWN)], [2, 5, 11]))
    )
    made = dict(zip(found.country.tolist(), found.made.tolist(), strict=True))
    assert made == {0: 7, 1: 0, 2: 0}  # 3 has no way to be drawn


def test_no_way_is_no_network() -> None:
    found = network(legs(seizures([(UNKNOWN, 1, UNKNOWN, 1), (UNKNOWN, UNKNOWN, UNKNOWN, 2)])))
    assert found.country.size == 0


stop = st.integers(UNKNOWN, 4)


@given(st.lists(st.tuples(stop, stop, stop, stop), max_size=12))
def test_strengths_and_betweenness_by_the_plainest_means(ways: list[Way]) -> None:
    found = network(legs(seizures(ways)))
    pairs = [
        pair
        for producing, departure, transit, destination in ways
        for pair in (
            (producing, departure),
            *([(departure, destination)] if transit == UNKNOWN else [(departure, transit), (transit, destination)]),
        )
        if UNKNOWN not in pair and pair[0] != pair[1]
    ]
    edges = set(pairs)
    countries = sorted({country for pair in pairs for country in pair})
    assert sorted(found.country.tolist()) == countries
    between = dict.fromkeys(countries, 0.0)
    for start, end in permutations(countries, 2):
        paths = shortest(edges, start, end)
        for path in paths:
            for country in path[1:-1]:
                between[country] += 1 / len(paths)
    others = (len(countries) - 1) * (len(countries) - 2)
    for row, country in enumerate(found.country.tolist()):
        assert found.out[row] == sum(pair[0] == country for pair in pairs)
        assert found.into[row] == sum(pair[1] == country for pair in pairs)
        assert found.betweenness[row] == pytest.approx(between[country] / others if others else 0.0)
