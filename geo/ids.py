"""The bits of H3's cells: parents, children and ranges without calling H3.

0 is H3's "no cell". Every cell fits in 60 bits, so that the sign never matters and the integer is the same in numpy,
Arrow, DuckDB and PostgreSQL. From the highest bit to the lowest, a cell holds: 1 reserved, 4 bits of mode, 3 reserved,
4 of resolution, 7 of base cell, then 15 digits of 3 bits, one for each resolution from 1 to 15 (7: not used).
A parent is therefore a change of bits, and the descendants of a cell fill a range of integers.

Source: the layout of an index in H3's documentation ("H3Index Bit Layout").
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from geo.errors import N_, GeometryError

FINEST_RESOLUTION = 10  # of the cells we keep: hexagons of 65 m a side
LAST_RESOLUTION = 15  # that H3 knows
MODE_SHIFT = 59  # the mode of a cell is 1
RESOLUTION_SHIFT = 52
BASE_CELL_SHIFT = 45
RESOLUTION_BITS = 15 << RESOLUTION_SHIFT


def parents(cells: ArrayLike, resolution: int) -> NDArray[np.int64]:
    """Find the parent of each cell by bit operations; 0 stays 0.

    A parent is the cell's place in H3's tree, not the coarser cell around its centre: 7 % of the children's area
    lies outside. Cells that are already at `resolution` stay as they are.

    Raises:
        GeometryError: If a cell is coarser than `resolution`.
    """
    check_resolution(resolution)
    cells = np.asarray(cells, dtype=np.int64)
    if cells.size and (cells[cells != 0] & RESOLUTION_BITS < resolution << RESOLUTION_SHIFT).any():
        raise GeometryError(
            N_("Des cellules sont déjà plus grossières que la résolution {resolution}."), resolution=resolution
        )
    coarser = cells & ~RESOLUTION_BITS
    coarser |= (resolution << RESOLUTION_SHIFT) | ((1 << digit_bits_below(resolution)) - 1)
    coarser[cells == 0] = 0
    return coarser


def resolutions(cells: ArrayLike) -> NDArray[np.int8]:
    """Read the resolution of each cell; -1 for no cell."""
    cells = np.asarray(cells, dtype=np.int64)
    return np.where(cells == 0, -1, (cells & RESOLUTION_BITS) >> RESOLUTION_SHIFT).astype(np.int8)


def descendant_range(cell: int, resolution: int = FINEST_RESOLUTION) -> tuple[int, int]:
    """Bound the ids of the descendants of a cell: `low <= id < high` for them and for no other cell of `resolution`.

    Raises:
        GeometryError: If `resolution` is coarser than the cell.
    """
    check_resolution(resolution)
    own = (cell & RESOLUTION_BITS) >> RESOLUTION_SHIFT
    if resolution < own:
        raise GeometryError(
            N_("La cellule {cell} est de résolution {own} : elle n'a pas de descendants de résolution {given}."),
            cell=f"{cell:x}",
            own=own,
            given=resolution,
        )
    span = 1 << digit_bits_below(own)
    low = ((cell & ~RESOLUTION_BITS) | (resolution << RESOLUTION_SHIFT)) & ~(span - 1)
    return low, low + span


def children(cells: NDArray[np.int64], resolution: int) -> NDArray[np.int64]:
    """List the seven children of each cell, all of the same `resolution`; a pentagon has six.

    Returns:
        Shape (7, n), at `resolution` + 1; 0 for the child that a pentagon has not.
    """
    shift = digit_bits_below(resolution + 1)
    first = (cells + (1 << RESOLUTION_SHIFT)) & ~(7 << shift)
    family = first | (np.arange(7, dtype=np.int64)[:, None] << shift)
    family[1, are_pentagons(cells)] = 0  # H3 takes the first axis away from a pentagon
    return family


PENTAGON_BASE_CELLS = np.zeros(128, dtype=np.bool_)
PENTAGON_BASE_CELLS[[4, 14, 24, 38, 49, 58, 63, 72, 83, 97, 107, 117]] = True


def are_pentagons(cells: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Tell the twelve pentagons of each resolution: a pentagonal base cell, and no digit but 0."""
    base_cells = (cells >> BASE_CELL_SHIFT) & 127
    used = (1 << BASE_CELL_SHIFT) - (1 << (3 * (LAST_RESOLUTION - resolutions(cells).astype(np.int64))))
    pentagons: NDArray[np.bool_] = PENTAGON_BASE_CELLS[base_cells] & ((cells & used) == 0) & (cells != 0)
    return pentagons


def digit_bits_below(resolution: int) -> int:
    """Bits of a cell's id that hold the digits finer than `resolution`."""
    return 3 * (LAST_RESOLUTION - resolution)


def check_resolution(resolution: int) -> None:
    """Raises `GeometryError` unless H3 has this resolution."""
    if not 0 <= resolution <= LAST_RESOLUTION:
        raise GeometryError(N_("Résolution {given} : attendu un entier de 0 à 15."), given=resolution)


def descendants(cells: NDArray[np.int64], resolution: int, finer: int) -> NDArray[np.int64]:
    """List the descendants of cells, all of `resolution`: shape (7 ** (finer - resolution), n).

    0 stands where a pentagon lacks a child.
    """
    rows = cells[None, :]
    for generation in range(resolution, finer):
        family = children(rows.ravel(), generation)
        family[:, rows.ravel() == 0] = 0
        rows = family.reshape(7 * len(rows), len(cells))
    return rows


def short_numbers(cells: ArrayLike, resolution: int) -> NDArray[np.int64]:
    """What tells the cells of one resolution apart: base cell and digits, a number of 7 + 3 × `resolution` bits."""
    return (np.asarray(cells, dtype=np.int64) & ((1 << RESOLUTION_SHIFT) - 1)) >> _unused_bits(resolution)


def from_short_numbers(numbers: ArrayLike, resolution: int) -> NDArray[np.int64]:
    """The cells of that resolution with these numbers."""
    unused = _unused_bits(resolution)
    head = 1 << MODE_SHIFT | resolution << RESOLUTION_SHIFT | ((1 << unused) - 1)
    return np.asarray(numbers, dtype=np.int64) << unused | head


def _unused_bits(resolution: int) -> int:
    return 3 * (LAST_RESOLUTION - resolution)
