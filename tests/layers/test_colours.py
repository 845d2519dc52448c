"""Palettes keep their order and their steps for every eye, and on grey paper."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.colors import to_hex
from numpy.typing import NDArray

from layers.colours import NAMED, THEMES, ThemeName, contrast, diverging, luminance, sequential
from layers.errors import LayerError

# Machado, Oliveira and Fernandes (2009), "A Physiologically-based Model for Simulation of Color Vision Deficiency",
# severity 1.0, on linear RGB.
DEFICIENCIES = {
    "none": np.eye(3),
    "protanopia": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "deuteranopia": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
    "tritanopia": np.array(
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]
    ),
    "grey": np.tile([0.2126, 0.7152, 0.0722], (3, 1)),
}
TO_XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)
WHITE_D65 = np.array([0.95047, 1.0, 1.08883])
JUST_TOLD_APART = 2.3  # CIE 1976 colour difference

PALETTES = [
    (f"{hue} {theme} {count}", sequential(count, theme, hue))
    for theme in THEMES
    for hue in ("violet", "green")
    for count in (5, 6, 7)
]
CHANGES = [(f"{theme} {count}", diverging(count, theme)) for theme in THEMES for count in (3, 5, 7)]


def lab(colours: tuple[str, ...], matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """CIELAB of "#rrggbb" as seen through a deficiency."""
    srgb = np.array([[int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)] for colour in colours])
    linear = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    xyz = np.clip(linear @ matrix.T, 0, 1) @ TO_XYZ.T / WHITE_D65
    root = np.where(xyz > 216 / 24389, np.cbrt(xyz), (24389 / 27 * xyz + 16) / 116)
    return np.column_stack((116 * root[:, 1] - 16, 500 * (root[:, 0] - root[:, 1]), 200 * (root[:, 1] - root[:, 2])))


@pytest.mark.parametrize("name", DEFICIENCIES)
@pytest.mark.parametrize("palette", [palette for _, palette in PALETTES], ids=[name for name, _ in PALETTES])
def test_neighbouring_classes_are_told_apart_by_every_eye(palette: tuple[str, ...], name: str) -> None:
    seen = lab(palette, DEFICIENCIES[name])
    assert np.linalg.norm(np.diff(seen, axis=0), axis=1).min() > 3 * JUST_TOLD_APART


@pytest.mark.parametrize("palette", [palette for _, palette in PALETTES], ids=[name for name, _ in PALETTES])
def test_lightness_runs_one_way_in_clear_steps(palette: tuple[str, ...]) -> None:
    steps = np.diff(lab(palette, DEFICIENCIES["grey"])[:, 0])
    assert (steps > 5).all() or (steps < -5).all()


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("hue", ["violet", "green"])
def test_more_is_further_from_the_ground(theme: ThemeName, hue: str) -> None:
    palette = sequential(7, theme, hue)  # type: ignore[arg-type]  # a parametrised literal
    ground = THEMES[theme].land
    contrasts = [contrast(colour, ground) for colour in palette]
    assert contrasts == sorted(contrasts)
    assert contrasts[0] > 1.2
    assert contrasts[-1] > 7


@pytest.mark.parametrize("name", DEFICIENCIES)
@pytest.mark.parametrize("palette", [palette for _, palette in CHANGES], ids=[name for name, _ in CHANGES])
def test_changes_are_told_apart_by_every_eye(palette: tuple[str, ...], name: str) -> None:
    seen = lab(palette, DEFICIENCIES[name])
    assert np.linalg.norm(np.diff(seen, axis=0), axis=1).min() > 3 * JUST_TOLD_APART
    if name != "grey":  # in grey the two sides cannot differ: the picture says it with the sign in the legend
        assert np.linalg.norm(seen[0] - seen[-1]) > 10 * JUST_TOLD_APART


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("count", [3, 5, 7])
def test_the_middle_of_a_change_is_nearest_to_the_ground(theme: ThemeName, count: int) -> None:
    palette = diverging(count, theme)
    contrasts = [contrast(colour, THEMES[theme].land) for colour in palette]
    assert contrasts.index(min(contrasts)) == count // 2
    half = count // 2
    assert contrasts[: half + 1] == sorted(contrasts[: half + 1], reverse=True)
    assert contrasts[half:] == sorted(contrasts[half:])


def test_anchors_are_the_published_ones() -> None:
    # matplotlib carries ColorBrewer's and viridis's tables: an independent copy.
    for hue, theme, name, low, high in (
        ("violet", "dark", "magma", 0.32, 0.98),
        ("green", "dark", "viridis", 0.25, 1.0),
        ("violet", "light", "BuPu", 0.25, 1.0),
        ("green", "light", "BuGn", 0.25, 1.0),
    ):
        published = [to_hex(colour) for colour in mpl.colormaps[name](np.linspace(low, high, 7))]
        ours = np.array(lab(sequential(7, theme, hue), np.eye(3)))  # type: ignore[arg-type]  # literals in a table
        assert np.abs(ours - lab(tuple(published), np.eye(3))).max() < 1.0


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [("#000000", "#ffffff", 21.0), ("#777777", "#ffffff", 4.48), ("#ff0000", "#ffffff", 4.0)],
)
def test_contrast_has_the_values_of_wcag(one: str, other: str, expected: float) -> None:
    assert contrast(one, other) == pytest.approx(expected, abs=0.005)
    assert contrast(other, one) == contrast(one, other)


@pytest.mark.parametrize("theme", THEMES)
def test_texts_are_legible(theme: ThemeName) -> None:
    look = THEMES[theme]
    assert contrast(look.ink, look.panel) >= 7
    for minor in (look.ink_minor, look.stale, look.alert, look.accent):
        assert contrast(minor, look.panel) >= 4.5
    for label in (look.label, look.label_minor):
        assert contrast(label, look.land) >= 4.5
        assert contrast(label, look.halo) >= 4.5
    assert contrast(look.pattern, look.pattern_ground) >= 3


@pytest.mark.parametrize("theme", THEMES)
def test_basemap_is_quieter_than_the_least_class(theme: ThemeName) -> None:
    look = THEMES[theme]
    least = min(contrast(sequential(7, theme)[0], look.land), contrast(sequential(7, theme, "green")[0], look.land))
    assert contrast(look.border_faint, look.land) < 1.3
    assert contrast(look.abroad, look.land) < least


@pytest.mark.parametrize("count", [0, 8, -1])
def test_a_number_of_classes_nobody_can_tell_apart_is_refused(count: int) -> None:
    with pytest.raises(LayerError, match=str(count)):
        sequential(count)
    with pytest.raises(LayerError):
        diverging(count)


def test_an_even_number_of_classes_has_no_middle() -> None:
    with pytest.raises(LayerError, match="impair"):
        diverging(4)


def test_one_class_takes_the_middle() -> None:
    assert luminance(sequential(7)[0]) > luminance(sequential(1)[0]) > luminance(sequential(7)[-1])


@pytest.mark.parametrize("theme", THEMES)
def test_named_colours_stand_out_and_are_told_apart_by_every_eye(theme: ThemeName) -> None:
    colours = NAMED[theme]
    assert min(contrast(colour, THEMES[theme].panel) for colour in colours) >= 4.5
    for name, matrix in DEFICIENCIES.items():
        if name == "grey":  # there, dashes and shapes tell them apart
            continue
        seen = lab(colours, matrix)
        apart = np.linalg.norm(seen[:, None] - seen[None, :], axis=2)[np.triu_indices(len(colours), k=1)]
        assert apart.min() > 3 * JUST_TOLD_APART, name
