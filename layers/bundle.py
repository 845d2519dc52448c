"""All scripts of the map as one: a page asks for it once, and keeps it under a name that changes with its content.

st_folium fetches scripts one after the other; two dozen of them would be two dozen waits.
"""

from __future__ import annotations

import functools
import hashlib
from pathlib import Path

STATIC = Path(__file__).parent / "static"
SCRIPTS = (
    "geometry", "canvas", "basemap_tiles", "basemap", "tile_server", "outlines", "coverage", "payload", "tileset",
    "view", "tooltip", "ages", "legend", "insets", "controls", "geodesy", "sketch", "coordinates", "measure", "time",
    "stream", "live", "zone", "tools", "hexagons",
)  # fmt: skip
"""In the order in which they build on each other; Leaflet, h3-js and GeographicLib come before them."""


@functools.cache
def bundle() -> bytes:
    """The scripts, each behind its name."""
    parts = (f"// {name}.js\n{(STATIC / f'{name}.js').read_text(encoding='utf-8')}" for name in SCRIPTS)
    return "\n".join(parts).encode()


def bundle_address() -> str:
    """Where pages ask for it. Beside the scripts it is made of: they find others by the folder they come from."""
    return f"/layers/carte-{hashlib.sha256(bundle()).hexdigest()[:16]}.js"
