"""What is painted on the map, read from a screenshot of its frame."""

from __future__ import annotations

import io
import time
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import Frame, Page

FRAME = 'iframe[title="streamlit_folium.st_folium"]'
SEEN_THROUGH = 24  # of 255, each channel
PAINTED_PIXELS = 100  # of one class's colour: a few hexagons


def map_frame(page: Page) -> Frame:
    """The frame of the map, its legend being there."""
    handle = page.wait_for_selector(FRAME)
    frame = handle.content_frame() if handle else None
    assert frame is not None
    frame.wait_for_selector(".hxc-legend-class, .hxc-legend li, .hxc-legend")
    return frame


def map_zoom(page: Page) -> int:
    """The zoom of the map, the hexagons in sight being there."""
    frame = map_frame(page)
    frame.wait_for_selector(".hxc-map[data-state=ready]")
    return round(frame.evaluate("Object.values(window).find(value => value instanceof L.Map).getZoom()"))


def pixels(page: Page) -> NDArray[np.uint8]:
    """The map as it is on screen; shape (height, width, 3)."""
    image = Image.open(io.BytesIO(page.locator(FRAME).screenshot()))
    return np.asarray(image.convert("RGB"))


def painted(image: NDArray[np.uint8], colours: Iterable[str]) -> NDArray[np.bool_]:
    """Where one of the colours "#rrggbb" is, as seen over the ground: hexagons let a little of it through."""
    found = np.zeros(image.shape[:2], dtype=np.bool_)
    for colour in colours:
        wanted = np.array([int(colour[at : at + 2], 16) for at in (1, 3, 5)])
        found |= (np.abs(image.astype(np.int64) - wanted) <= SEEN_THROUGH).all(axis=2)
    return found


def wait_for_colours(page: Page, colours: Iterable[str], timeout_s: float = 30) -> NDArray[np.bool_]:
    """Poll the screen until the map is painted in these colours, the legend's small squares left out."""
    wanted, deadline = list(colours), time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        found = painted(pixels(page), wanted)
        found[:, :320] = False  # the legend
        if found.sum() >= PAINTED_PIXELS:
            return found
        page.wait_for_timeout(200)
    raise TimeoutError("no hexagon was painted")
