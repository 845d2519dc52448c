"""Hexagons with their figures: what maps, tables and exports of a view are made from."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dashboard.measures import Measure
from geo.cells import centres
from geo.tiles import Tile, positions


@dataclass(frozen=True, slots=True)
class HexagonTable:
    """The hexagons of a view, arrays of equal length, sorted by cell; NaN: unknown, which is not zero.

    `values` is the measure, with its 95 % interval where it has one (else NaN); `states` are `STATE_CODES`.
    """

    measure: Measure
    resolution: int
    cells: NDArray[np.int64]
    states: NDArray[np.uint8]
    values: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    population: NDArray[np.float64]
    incidents: NDArray[np.float64]
    controls: NDArray[np.float64]
    checked: NDArray[np.float64]
    positive: NDArray[np.float64]
    kg: NDArray[np.float64]
    eur: NDArray[np.float64]

    def only(self, rows: NDArray[np.bool_]) -> HexagonTable:
        """The rows that are true."""
        kept: dict[str, Any] = {name: column[rows] for name, column in self.columns().items()}
        return replace(self, **kept)

    def columns(self) -> dict[str, NDArray[Any]]:
        """The arrays by name."""
        return {field.name: getattr(self, field.name) for field in fields(self) if field.name not in COMMON}

    @property
    def nbytes(self) -> int:
        """What its arrays take."""
        return sum(column.nbytes for column in self.columns().values())


COMMON = ("measure", "resolution")  # to all rows


@dataclass(frozen=True, slots=True)
class WholeTable:
    """All hexagons of a view, and where their centres lie on the map of the world (0 to 1), ready to be cut."""

    table: HexagonTable
    x: NDArray[np.float64]
    y: NDArray[np.float64]

    @classmethod
    def of(cls, table: HexagonTable) -> WholeTable:
        return cls(table, *positions(*centres(table.cells)))

    def cut(self, tile: Tile) -> HexagonTable:
        """The hexagons whose centre is in a tile."""
        size = 1 << tile.z
        return self.table.only((np.floor(self.x * size) == tile.x) & (np.floor(self.y * size) == tile.y))

    @property
    def nbytes(self) -> int:
        """What its arrays take."""
        return self.table.nbytes + self.x.nbytes + self.y.nbytes
