"""France as hexagons: how much of each is land of ours, and who lives there. Made once, then read from the cache."""

from __future__ import annotations

import logging
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import version
from typing import Any, cast

import numpy as np
import shapely
from numpy.typing import NDArray

from data.cache import cache_folder, digest_of, store_file
from data.geography import Area, Geography
from data.reference import FOLDER
from geo.cells import cover

CACHE_LAYOUT = 1  # raise it when the same files give other results
COMMON_RESOLUTIONS = (5, 6)  # those of the whole country on a screen

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class National:
    """The hexagons of one resolution that touch a commune, sorted; arrays of shape (n,)."""

    cells: NDArray[np.int64]
    land: NDArray[np.float64]  # share of the hexagon that lies in communes, above 0, up to 1


@lru_cache(maxsize=8)
def national_hexagons(known: Geography, resolution: int) -> National:
    """All hexagons of France, overseas départements included; a second the first time, some milliseconds then."""

    def make() -> dict[str, NDArray[Any]]:
        whole = cast("Area", shapely.union_all(known.regions.geometry.to_numpy(dtype=object)))
        covered = cover(whole, resolution)
        return {"cells": covered.cells, "land": covered.shares}

    kept = _kept(f"land-{resolution}", make)
    return National(kept["cells"], kept["land"])


@lru_cache(maxsize=8)
def national_population(known: Geography, resolution: int) -> NDArray[np.float64]:
    """Inhabitants of each of the `national_hexagons`, as `Geography.population_of`; some seconds the first time."""
    cells = national_hexagons(known, resolution).cells
    return _kept(f"population-{resolution}", lambda: {"population": known.population_of(cells)})["population"]


def prepare_national(known: Geography) -> None:
    """Make what the first look at the whole country would wait for."""
    for resolution in COMMON_RESOLUTIONS:
        national_population(known, resolution)


def _kept(name: str, make: Callable[[], dict[str, NDArray[Any]]]) -> dict[str, NDArray[Any]]:
    """Arrays read from the cache, or made and kept there."""
    digest = digest_of([FOLDER / "communes.parquet", FOLDER / "arrondissements.parquet", FOLDER / "regions.parquet"])
    path = cache_folder() / f"france-{version('hexacross')}-{CACHE_LAYOUT}-{digest}-{name}.npz"
    if path.exists():
        try:
            with np.load(path) as kept:
                return {key: kept[key] for key in kept.files}
        except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
            logger.warning("cached hexagons are damaged, made again: %s (%s)", path, error)
    made = make()
    store_file(path, lambda temporary: np.savez(temporary, allow_pickle=False, **made))
    return made
