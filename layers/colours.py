"""Colours of the map on the light and the dark theme: classes, states, ground. Said once, for page, picture and legend.

Sequential palettes run from near the ground to saturated: the more, the darker on the light theme, the brighter on
the dark one. Their luminance is monotone, so that they survive grey printing and every kind of colour blindness.

References:
    Brewer, ColorBrewer 2.0 (BuPu, BuGn, PuOr); van der Walt and Smith, matplotlib's magma and viridis (CC0)
    Okabe and Ito (2008), Color universal design: what to tell apart by name, here dark enough for a white ground
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from geo.errors import N_
from layers.errors import LayerError

ThemeName = Literal["light", "dark"]
Hue = Literal["violet", "green"]

MIN_CLASSES, MAX_CLASSES = 1, 7

# Anchors, evenly spaced; classes are interpolated between them. Of BuPu and BuGn without the two palest colours, of
# magma from 0.32 to 0.98 and of viridis from 0.25: the first class must still stand out from the ground.
_SEQUENTIAL: dict[tuple[Hue, ThemeName], tuple[str, ...]] = {
    ("violet", "light"): ("#bfd3e6", "#9ebcda", "#8c96c6", "#8c6bb1", "#88419d", "#810f7c", "#4d004b"),  # BuPu
    ("violet", "dark"): ("#6b1d81", "#992d80", "#c73d73", "#ed5a5f", "#fc8c63", "#fec185", "#fcf4b6"),  # magma
    ("green", "light"): ("#ccece6", "#99d8c9", "#66c2a4", "#41ae76", "#238b45", "#006d2c", "#00441b"),  # BuGn
    ("green", "dark"): ("#3b528b", "#2c728e", "#21918c", "#28ae80", "#5ec962", "#addc30", "#fde725"),  # viridis
}  # fmt: skip
_DIVERGING: dict[ThemeName, tuple[str, ...]] = {  # decrease, neutral, increase: PuOr, purple to orange
    "light": ("#542788", "#8073ac", "#b2abd2", "#f7f7f7", "#fdb863", "#e08214", "#b35806"),
    "dark": ("#b2abd2", "#8073ac", "#542788", "#272e37", "#b35806", "#e08214", "#fdb863"),
}

# Things that have no order: curves and points of up to six territories, told apart by their dashes and shapes as well.
NAMED: dict[ThemeName, tuple[str, ...]] = {
    "light": ("#193ece", "#b55000", "#007d6b", "#9a5f9f", "#1d242c", "#79411a"),
    "dark": ("#62bcf2", "#f0902e", "#35c49b", "#e58fc0", "#e9edf1", "#ecd94a"),
}


@dataclass(frozen=True, slots=True)
class Theme:
    """The map's neutrals and its two signals; colours as "#rrggbb"."""

    name: ThemeName
    water: str
    land: str  # of France: the ground of the hexagons
    abroad: str
    coast: str
    border: str  # between countries and régions
    border_minor: str  # between départements
    border_faint: str  # between communes
    label: str
    label_minor: str
    halo: str
    panel: str  # behind the legend
    ink: str
    ink_minor: str
    line: str  # rules of the panel
    pattern: str  # hatching, dots, cross-hatching
    pattern_ground: str
    zero: str  # outline of a hexagon without any fact
    outline: str  # of territories
    accent: str  # selected, clickable
    alert: str
    stale: str


LIGHT = Theme(
    name="light",
    water="#dde3e9",
    land="#fafaf8",
    abroad="#eeeeec",
    coast="#b9c1ca",
    border="#a9b0b9",
    border_minor="#c9ced4",
    border_faint="#e0e2e5",
    label="#39434e",
    label_minor="#626d79",
    halo="#ffffff",
    panel="#ffffff",
    ink="#1d242c",
    ink_minor="#5a6571",
    line="#d5dae0",
    pattern="#77828e",
    pattern_ground="#eceef0",
    zero="#cfd5db",
    outline="#39434e",
    accent="#0b62c4",
    alert="#b3261e",
    stale="#8a5a00",
)
DARK = Theme(
    name="dark",
    water="#0d1217",
    land="#1b2129",
    abroad="#151a20",
    coast="#3c4753",
    border="#4b5764",
    border_minor="#343e49",
    border_faint="#272f38",
    label="#ccd5de",
    label_minor="#93a0ad",
    halo="#10151b",
    panel="#151b22",
    ink="#e9edf1",
    ink_minor="#a0abb7",
    line="#303a45",
    pattern="#74818f",
    pattern_ground="#232a33",
    zero="#38424d",
    outline="#c3ccd6",
    accent="#5ba7ff",
    alert="#ff8a80",
    stale="#f0b64d",
)
THEMES: dict[ThemeName, Theme] = {"light": LIGHT, "dark": DARK}


def sequential(classes: int, theme: ThemeName = "light", hue: Hue = "violet") -> tuple[str, ...]:
    """Colours of 1 to 7 classes, from least to most.

    Raises:
        LayerError: If there are more classes than one can tell apart.
    """
    _check_count(classes)
    # One class alone takes the middle: neither "little" nor "much".
    positions = np.linspace(0, 1, classes) if classes > 1 else np.array([0.5])
    return _interpolated(_SEQUENTIAL[hue, theme], positions)


def diverging(classes: int, theme: ThemeName = "light") -> tuple[str, ...]:
    """Colours of an odd number of classes, from decrease (purple) over neutral to increase (orange).

    Raises:
        LayerError: If the number of classes is even or above 7.
    """
    _check_count(classes)
    if classes % 2 == 0:
        raise LayerError(N_("Une échelle de variation a un nombre impair de classes, pas {given}."), given=classes)
    positions = np.linspace(0, 1, classes) if classes > 1 else np.array([0.5])
    return _interpolated(_DIVERGING[theme], positions)


def luminance(colour: str) -> float:
    """Relative luminance of "#rrggbb", 0 to 1 (WCAG 2.2)."""
    srgb = _channels(colour) / 255
    linear = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    return float(linear @ (0.2126, 0.7152, 0.0722))


def contrast(one: str, other: str) -> float:
    """Contrast ratio of two colours, 1 to 21 (WCAG 2.2)."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def _check_count(classes: int) -> None:
    if not MIN_CLASSES <= classes <= MAX_CLASSES:
        raise LayerError(
            N_("Nombre de classes {given} : attendu de {low} à {high}."),
            given=classes,
            low=MIN_CLASSES,
            high=MAX_CLASSES,
        )


def _interpolated(anchors: tuple[str, ...], positions: np.ndarray) -> tuple[str, ...]:
    table = np.array([_channels(anchor) for anchor in anchors])
    steps = np.linspace(0, 1, len(anchors))
    mixed = np.stack([np.interp(positions, steps, table[:, channel]) for channel in range(3)], axis=1)
    return tuple("#{:02x}{:02x}{:02x}".format(*row) for row in np.rint(mixed).astype(int).tolist())


def _channels(colour: str) -> np.ndarray:
    return np.array([int(colour[start : start + 2], 16) for start in (1, 3, 5)], dtype=np.float64)
