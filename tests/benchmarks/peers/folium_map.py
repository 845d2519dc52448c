"""The peer with folium.GeoJson in st_folium: on canvas, as SVG takes longer still."""

from __future__ import annotations

from typing import Any

import folium
import h3
import streamlit as st
from streamlit_folium import st_folium

from tests.benchmarks.peers.hexagons import HEIGHT_PX, PRODUCTS, classed, read_view


class LocalMap(folium.Map):
    """Leaflet from this host; nothing else is needed."""

    default_js = [("leaflet", "/assets/leaflet/leaflet.js")]  # noqa: RUF012 -- folium expects lists
    default_css = [("leaflet_css", "/assets/leaflet/leaflet.css")]  # noqa: RUF012 -- folium expects lists


@st.cache_data
def features(product: str, colours: tuple[str, ...]) -> dict[str, Any]:
    """GeoJSON with the figures of the tooltip, and the coordinates that h3 gives: as folium's users write it."""
    made = []
    for row in classed(product, len(colours)).itertuples():
        ring = [[lng, lat] for lat, lng in h3.cell_to_boundary(row.hexagon)]
        made.append(
            {
                "type": "Feature",
                "properties": {"kg": row.kg, "colour": colours[row[3]]},
                "geometry": {"type": "Polygon", "coordinates": [[*ring, ring[0]]]},
            }
        )
    return {"type": "FeatureCollection", "features": made}


def style(feature: dict[str, Any]) -> dict[str, Any]:
    return {"fillColor": feature["properties"]["colour"], "fillOpacity": 0.9, "weight": 0}


st.set_page_config(layout="wide")
product = st.selectbox("Produit", list(PRODUCTS))
left, _right = st.columns([2, 1])
view = read_view()
drawn = LocalMap(tiles=None, prefer_canvas=True, attribution_control=False)
folium.GeoJson(
    features(product, tuple(view["colours"])), style_function=style, tooltip=folium.GeoJsonTooltip(["kg"])
).add_to(drawn)
drawn.fit_bounds(view["bounds"])
with left:
    st_folium(drawn, key=f"map-{product}", returned_objects=[], use_container_width=True, height=HEIGHT_PX)
