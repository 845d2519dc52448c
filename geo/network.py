"""What each country is in a network of corridors: where ways begin, end, and pass through."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import networkx as nx
import numpy as np
from numpy.typing import NDArray

from geo.corridors import Corridors, Ends, Stage

ONE_SIDED = 0.9  # of a country's seizures, leaving or arriving: from there on it is an origin or a destination


class Part(IntEnum):
    """What a country mostly is, as a code."""

    ORIGIN = 1  # nine tenths of its seizures had left it
    DESTINATION = 2  # nine tenths were bound for it
    REBOUND = 3  # both: what arrives goes on


@dataclass(frozen=True, slots=True)
class Network:
    """One row a country, arrays of equal length; those with most seizures first."""

    country: NDArray[np.int64]
    out: NDArray[np.int64]  # seizures of the ways that leave it
    into: NDArray[np.int64]  # of those that arrive
    made: NDArray[np.int64]  # of what was produced there, wherever it left from
    betweenness: NDArray[np.float64]  # share of the shortest ways between two other countries that pass through it
    part: NDArray[np.int8]  # of `Part`


def network(ways: dict[Stage, Corridors]) -> Network:
    """Countries as joined by the legs of corridors (`geo.corridors.legs`) with two known, different ends.

    A leg counts its seizures; how far it is plays no part. Betweenness counts legs, not seizures: it says whose absence
    would cut ways, however much was reported on them.

    References:
        Freeman (1977), A set of measures of centrality based on betweenness, Sociometry 40, doi:10.2307/3033543
        Brandes (2001), A faster algorithm for betweenness centrality, doi:10.1080/0022250X.2001.9990249
    """
    graph: nx.DiGraph[int] = nx.DiGraph()
    made: dict[int, int] = {}
    for stage, corridors in ways.items():
        drawn = corridors.ends == Ends.TWO
        columns = (corridors.origin, corridors.destination, corridors.seizures)
        for origin, destination, number in zip(*(column[drawn].tolist() for column in columns), strict=True):
            before = graph.get_edge_data(origin, destination, {"seizures": 0})["seizures"]
            graph.add_edge(origin, destination, seizures=before + number)
        if stage is Stage.SOURCE:
            known = corridors.origin >= 0
            for origin, number in zip(
                corridors.origin[known].tolist(), corridors.seizures[known].tolist(), strict=True
            ):
                made[origin] = made.get(origin, 0) + number
    between = nx.betweenness_centrality(graph)
    names = sorted(graph, key=lambda country: (-graph.degree(country, "seizures"), country))
    out = np.array([graph.out_degree(country, "seizures") for country in names], dtype=np.int64)
    into = np.array([graph.in_degree(country, "seizures") for country in names], dtype=np.int64)
    parts = [out >= ONE_SIDED * (out + into), into >= ONE_SIDED * (out + into)]
    return Network(
        country=np.array(names, dtype=np.int64),
        out=out,
        into=into,
        made=np.array([made.get(country, 0) for country in names], dtype=np.int64),
        betweenness=np.array([between[country] for country in names], dtype=np.float64),
        part=np.select(parts, [Part.ORIGIN, Part.DESTINATION], Part.REBOUND).astype(np.int8),
    )
