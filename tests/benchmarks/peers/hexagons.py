"""What both peers' scripts share: the table, read once, and its classes."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

FOLDER = Path(os.environ["PEER_FOLDER"])
PRODUCTS = {"Tous": ["cannabis_resin", "cocaine"], "Cocaïne": ["cocaine"]}
HEIGHT_PX = 777  # of our map in a window of 1920 × 1080


@st.cache_data
def read_table() -> pd.DataFrame:
    return pd.read_parquet(FOLDER / "hexagons.parquet")


@st.cache_data
def read_view() -> dict[str, Any]:
    """`bounds`: [[south, west], [north, east]]; `colours`: "#rrggbb" of each class."""
    view: dict[str, Any] = json.loads((FOLDER / "view.json").read_text(encoding="utf-8"))
    return view


def classed(product: str, classes: int) -> pd.DataFrame:
    """Columns hexagon, kg and class: quantiles of the product's weights."""
    table = read_table()
    kg = table[PRODUCTS[product]].sum(axis=1).round(2)
    limits = np.quantile(kg, np.arange(1, classes) / classes)
    return pd.DataFrame({"hexagon": table["hexagon"], "kg": kg, "class": np.searchsorted(limits, kg, side="right")})
