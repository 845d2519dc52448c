"""The peer with pydeck's H3HexagonLayer."""

from __future__ import annotations

import math

import pydeck as pdk
import streamlit as st

from tests.benchmarks.peers.hexagons import HEIGHT_PX, PRODUCTS, classed, read_view

WIDTH_PX = 1230  # of our map in a window of 1920 × 1080

st.set_page_config(layout="wide")
product = st.selectbox("Produit", list(PRODUCTS))
left, _right = st.columns([2, 1])
view = read_view()
colours = [[int(colour[at : at + 2], 16) for at in (1, 3, 5)] for colour in view["colours"]]
table = classed(product, len(colours))
table["colour"] = [colours[at] for at in table.pop("class")]
(south, west), (north, east) = view["bounds"]
middle = (south + north) / 2
zoom = math.log2(
    min(WIDTH_PX * 360 / (east - west), HEIGHT_PX * 360 * math.cos(math.radians(middle)) / (north - south)) / 512
)
deck = pdk.Deck(
    layers=[
        pdk.Layer(
            "H3HexagonLayer",
            table,
            get_hexagon="hexagon",
            get_fill_color="colour",
            extruded=False,
            stroked=False,
            pickable=True,
        )
    ],
    initial_view_state=pdk.ViewState(latitude=middle, longitude=(west + east) / 2, zoom=zoom),
    map_provider=None,  # a basemap would be asked for at another host
    tooltip={"text": "{kg} kg"},
)
left.pydeck_chart(deck, height=HEIGHT_PX)
