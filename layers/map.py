"""The folium map: local scripts only, no tiles, no popup (which would need jQuery)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import folium

from layers.colours import ThemeName
from layers.hexagons import HexagonLayer
from layers.strings import STRINGS
from layers.tile_server import TileServer

MAINLAND_CENTRE = (46.6, 2.4)  # lat, lng, degrees WGS 84


class OfflineMap(folium.Map):
    """A folium map whose page asks no other host, but for a tile server of the settings: Leaflet comes from /assets."""

    # Lists of our own: folium's are shared by every map and changed in place.
    default_js = [("leaflet", "/assets/leaflet/leaflet.js")]  # noqa: RUF012 -- folium expects lists
    default_css = [("leaflet_css", "/assets/leaflet/leaflet.css")]  # noqa: RUF012 -- folium expects lists


def build_map(
    theme: ThemeName = "light",
    strings: Mapping[str, str] = STRINGS,
    insets: Mapping[str, str] | None = None,
    *,
    follow: Literal["parent", "self"] = "parent",
    url: str = "/hex",
    basemap: str = "/assets/basemap",
    tiles: TileServer | None = None,
    changes: str = "",
    walks: bool = True,
) -> OfflineMap:
    """The one map of the application: the same script for every view (see `HexagonLayer`)."""
    drawn = OfflineMap(
        location=MAINLAND_CENTRE,
        zoom_start=6,
        tiles=None,
        zoom_control=False,  # ours is translated
        control_scale=False,
        attribution_control=False,
        zoom_snap=0.25,  # a territory fills the window; the canvas is drawn sharp at every step
        zoom_delta=1,
        world_copy_jump=False,
    )
    layer = HexagonLayer(
        url,
        theme=theme,
        strings=strings,
        insets=insets,
        follow=follow,
        basemap=basemap,
        tiles=tiles,
        changes=changes,
        walks=walks,
    )
    layer.add_to(drawn)
    return drawn
