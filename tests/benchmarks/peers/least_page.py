"""The least page of Streamlit with a filter: what any page costs in this browser, on this machine."""

from __future__ import annotations

import streamlit as st

PRODUCTS = ["Tous", "Cocaïne", "Héroïne", "Crack"]

st.html('<h1 class="peer">Produit</h1>')
st.write(st.selectbox("Produit", PRODUCTS))
