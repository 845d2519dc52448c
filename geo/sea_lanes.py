"""The way of a ship on the map: the shortest one along shipping lanes, between the ports of two coasts."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sparse
import shapely
from numpy.typing import NDArray
from scipy.sparse.csgraph import dijkstra
from scipy.spatial import cKDTree

from geo.great_circles import on_the_map
from geo.nearest import degrees

CLOSED = "northwest"  # the passage through the Arctic, which no trade takes
LEAST_KM = 1e-3  # of an edge: the two sides of the antimeridian are one place, and a graph takes a length of 0 for none


@dataclass(frozen=True, slots=True)
class Lanes:
    """A network of n places at sea."""

    places: NDArray[np.float64]  # lng, lat in degrees WGS 84, shape (n, 2)
    graph: sparse.csr_array  # lengths in km, shape (n, n)
    tree: cKDTree  # of the places on the unit sphere


@functools.cache
def lanes() -> Lanes:
    """The network that the package searoute carries, without the Northwest Passage.

    References:
        searoute 1.6 (Halili, Apache-2.0), after Eurostat's marnet, made from the Oak Ridge National Labs' network
    """
    # Its own search takes a tenth of a second a way, in Python: for a map of some hundred, only its network is read.
    from searoute.data.marnet_dict import edge_list

    named: dict[tuple[float, float], int] = {}
    ends: list[tuple[int, int]] = []
    lengths: list[float] = []
    for place, others in edge_list.items():
        for other, said in others.items():
            if said.get("passage") == CLOSED:
                continue
            ends.append((named.setdefault(place, len(named)), named.setdefault(other, len(named))))
            lengths.append(max(LEAST_KM, said["weight"]))
    places = np.array(list(named), dtype=np.float64)
    rows, columns = np.array(ends).T
    graph = sparse.csr_array((lengths, (rows, columns)), shape=(len(places), len(places)))
    return Lanes(places, graph, cKDTree(_in_space(places)))


def sea_ways(starts: list[NDArray[np.float64]], stops: list[NDArray[np.float64]]) -> NDArray[np.object_]:
    """Draw the shortest way by sea from one of some ports to one of some others, for each pair of coasts.

    Args:
        starts, stops: For each way, the ports it may begin and end at: lng, lat in degrees WGS 84, shape (m, 2).

    Returns:
        Shapely multilinestrings, shape (n,), cut at the antimeridian as by `great_circles`; empty where a coast has no
        port, no lane joins them, or both ends are one place.

    Raises:
        GeometryError: Degrees are needed.
    """
    lines = np.full(len(starts), shapely.MultiLineString(), dtype=np.object_)
    network = lanes()
    by_stop: dict[bytes, list[int]] = {}
    for row, stop in enumerate(stops):
        if len(stop) and len(starts[row]):
            by_stop.setdefault(np.ascontiguousarray(stop).tobytes(), []).append(row)
    for rows in by_stop.values():
        stop = _checked(stops[rows[0]])
        moored = _nearest_places(network, stop)
        km, onward, _target = dijkstra(
            network.graph, directed=False, indices=moored, return_predecessors=True, min_only=True
        )
        for row in rows:
            lines[row] = _way(network, _checked(starts[row]), stop, moored, km, onward)
    return lines


def _way(
    network: Lanes,
    starts: NDArray[np.float64],
    stops: NDArray[np.float64],
    moored: NDArray[np.int64],
    km: NDArray[np.float64],
    onward: NDArray[np.int32],
) -> shapely.MultiLineString:
    """From the start that is nearest by sea, on from place to place, to the stop beside the last of them."""
    left = _nearest_places(network, starts)
    best = int(np.argmin(km[left]))
    if not np.isfinite(km[left[best]]):
        return shapely.MultiLineString()
    place, passed = int(left[best]), []
    while place >= 0:  # a stop follows no other place
        passed.append(place)
        place = int(onward[place])
    port = stops[int(np.flatnonzero(moored == passed[-1])[0])]
    if (starts[best] == port).all():
        return shapely.MultiLineString()
    path = np.vstack((starts[best], network.places[passed], port))
    return on_the_map(path[np.append(True, (np.diff(path, axis=0) != 0).any(axis=1))])


def _nearest_places(network: Lanes, ports: NDArray[np.float64]) -> NDArray[np.int64]:
    return np.asarray(network.tree.query(_in_space(ports))[1], dtype=np.int64)


def _checked(ports: NDArray[np.float64]) -> NDArray[np.float64]:
    return degrees(ports[:, 0], ports[:, 1])


def _in_space(places: NDArray[np.float64]) -> NDArray[np.float64]:
    """On the unit sphere: near places are near, wherever the map is cut."""
    lng, lat = np.radians(places).T
    return np.column_stack((np.cos(lat) * np.cos(lng), np.cos(lat) * np.sin(lng), np.sin(lat)))
