"""Where points are: the codes of their territories, and the country of those outside the communes of France."""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import shapely
from numpy.typing import NDArray

LAND_BORDER_DEGREES = 0.03  # how far a 1:50 million border may lie from the real one, about 3 km


@dataclass(frozen=True, slots=True)
class Places:
    """Where points are, one row a point. Codes are dictionary-encoded, null where there is none.

    `countries` holds ISO 3166-1 alpha-2 codes; the five overseas départements are `FR`. At sea it is null.
    """

    cells: NDArray[np.int64]  # resolution 10; 0: no coordinates
    communes: pa.DictionaryArray
    arrondissements: pa.DictionaryArray  # of Paris, Lyon and Marseille
    departements: pa.DictionaryArray
    countries: pa.DictionaryArray


class Codes:
    """One code for each of the finest units, so that positions of units become codes without any string work."""

    def __init__(self, of_unit: pd.Series[str]) -> None:
        codes = pd.Index(of_unit.dropna().unique()).sort_values()
        self._dictionary = pa.array(codes.to_list(), pa.string())
        positions = codes.get_indexer(pd.Index(of_unit))  # -1 for none
        self._of_unit = np.append(positions, -1).astype(np.int32)  # the last one: of position -1, no unit

    def take(self, units: NDArray[np.int32]) -> pa.DictionaryArray:
        indices = self._of_unit[units]
        return pa.DictionaryArray.from_arrays(pa.array(indices, mask=indices < 0), self._dictionary)


class Countries:
    """Countries as seen from outside the communes of France, that is, at the scale of a map of the world."""

    def __init__(self, frame: gpd.GeoDataFrame) -> None:
        french = (frame["iso_a2"] == "FR") | (frame["part_of"] == "FR")
        self.codes = ["FR", *frame["iso_a2"][~french]]
        self._polygons = np.array([None, *frame.geometry[~french]], dtype=object)
        self._france = shapely.union_all(list(frame.geometry[french]))
        neighbours = shapely.intersects(self._polygons, shapely.buffer(self._france, LAND_BORDER_DEGREES))
        self._neighbours = np.flatnonzero(neighbours)

    def locate(self, lng: NDArray[np.float64], lat: NDArray[np.float64]) -> NDArray[np.int32]:
        """Position in `codes` of each point known to be in no commune of France; -1 at sea.

        The generalised border of France overlaps its neighbours by some hundred metres: there, the neighbour is
        right, since the communes' boundaries are finer. A point in that France and far from any neighbour is a
        jetty, a beach or a harbour.
        """
        found = np.full(len(lng), -1, dtype=np.int32)
        points = np.asarray(shapely.points(lng, lat))
        tree = shapely.STRtree(list(points))
        in_france = np.zeros(len(lng), dtype=bool)
        in_france[tree.query(self._france, predicate="intersects")] = True
        country, point = tree.query(self._polygons, predicate="intersects")
        found[point[::-1]] = country[::-1]  # on a border of two: the first
        doubtful = np.flatnonzero(in_france & (found < 0))
        found[doubtful] = 0
        if doubtful.size:
            border = shapely.STRtree(self._polygons[self._neighbours])
            rows, near = border.query_nearest(
                points[doubtful], max_distance=LAND_BORDER_DEGREES, return_distance=False, all_matches=False
            )
            found[doubtful[rows]] = self._neighbours[near]
        return found
