"""The same map as a picture: PNG for a message, PDF and SVG for paper. Same header, classes, colours and patterns."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

import geopandas as gpd
import h3
import matplotlib as mpl
import numpy as np
import shapely
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from numpy.typing import NDArray
from pyproj import Transformer

from layers.colours import THEMES, Theme, ThemeName
from layers.hexagons import INSETS, STATE_CODES, Description, Level, State
from layers.outlines import Outline

PictureFormat = Literal["png", "pdf", "svg"]
Bounds = tuple[float, float, float, float]  # west, south, east, north in degrees

LAMBERT_93 = "EPSG:2154"  # metres; mainland France only
MAINLAND = (-5.5, 41.2, 10.0, 51.5)  # degrees: where Lambert-93 may be used
MARGIN = 0.04  # of the territory's size
HATCHES: dict[State, str] = {"unknown": "/////", "withheld": "....", "protected": "xxxxx"}
LINE_STYLES = {"operating": "-", "installing": (0, (6, 4)), "assumed": (0, (1, 3))}


def draw_picture(
    described: Description,
    level: Level,
    columns: dict[str, NDArray[Any]],
    *,
    land: gpd.GeoDataFrame | None = None,
    outlines: Sequence[Outline] = (),
    insets: Sequence[tuple[str, str, Bounds]] = INSETS,
    theme: ThemeName = "light",
    picture_format: PictureFormat = "png",
    size_inches: tuple[float, float] = (11.69, 8.27),
    dots_per_inch: int = 150,
) -> bytes:
    """Draw what the page's map draws, for what `described["view"]` looks at.

    Args:
        columns: `cell`, `state` and `class`, its position in `level["classes"]`; of one length.
        land: Polygons of the ground (départements, say), EPSG:4326.
        insets: Key, name and bounds of the small maps beside a national view.
        size_inches: Width and height; A4 on its side unless told.

    Returns:
        A file of the format asked for. Nothing of matplotlib's global state is touched.
    """
    look = THEMES[theme]
    (south, west), (north, east) = described["view"]["bounds"]
    with mpl.rc_context({"svg.fonttype": "none", "hatch.linewidth": 0.5, "font.family": "DejaVu Sans"}):
        figure = Figure(figsize=size_inches, dpi=dots_per_inch, facecolor=look.panel)
        FigureCanvasAgg(figure)
        content = Content(level, columns, land, outlines, look)
        _draw_map(figure.add_axes((0.02, 0.07, 0.7, 0.8), anchor="W"), content, (west, south, east, north))
        if described["view"]["national"]:
            _draw_insets(figure, content, insets)
        _draw_legend(figure, described, level, look)
        _draw_texts(figure, described, level, look)
        buffer = io.BytesIO()
        # Without a date in it the same map gives the same file.
        metadata = {"png": {}, "pdf": {"CreationDate": None}, "svg": {"Date": None}}[picture_format]
        figure.savefig(buffer, format=picture_format, facecolor=look.panel, metadata=metadata)
    return buffer.getvalue()


def projection(bounds: Bounds) -> str:
    """Lambert-93 on the mainland, elsewhere the local UTM zone."""
    west, south, east, north = bounds
    if MAINLAND[0] <= west and MAINLAND[1] <= south and east <= MAINLAND[2] and north <= MAINLAND[3]:
        return LAMBERT_93
    zone = int(((west + east) / 2 + 180) // 6) + 1
    return f"EPSG:{32600 + zone}" if south + north >= 0 else f"EPSG:{32700 + zone}"


class Content(NamedTuple):
    """What every map of the picture shows, wherever it looks."""

    level: Level
    columns: dict[str, NDArray[Any]]
    land: gpd.GeoDataFrame | None
    outlines: Sequence[Outline]
    look: Theme


def _draw_map(axes: Axes, content: Content, bounds: Bounds) -> None:
    crs = projection(bounds)
    _frame(axes, crs, bounds, content.look)
    _draw_land(axes, crs, content.land, bounds, content.look)
    _draw_hexagons(axes, crs, content, bounds)
    _draw_outlines(axes, crs, content.outlines, bounds, content.look)


def _draw_insets(figure: Figure, content: Content, insets: Sequence[tuple[str, str, Bounds]]) -> None:
    width, height = 0.08, 0.12
    for at, (_key, name, bounds) in enumerate(insets):
        left, bottom = 0.725 + (at % 3) * (width + 0.008), 0.32 - (at // 3) * (height + 0.035)
        axes = figure.add_axes((left, bottom, width, height))
        _draw_map(axes, content, bounds)
        axes.set_title(name, fontsize=7, color=content.look.ink_minor, loc="left", pad=2, parse_math=False)


def _frame(axes: Axes, crs: str, bounds: Bounds, look: Theme) -> None:
    west, south, east, north = bounds
    edge = shapely.segmentize(shapely.box(west, south, east, north), 0.1)
    left, bottom, right, top = shapely.bounds(_projected(np.array([edge]), crs)[0])
    margin = MARGIN * max(right - left, top - bottom)
    axes.set_xlim(left - margin, right + margin)
    axes.set_ylim(bottom - margin, top + margin)
    axes.set_aspect("equal")
    axes.set_facecolor(look.water)
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set_color(look.line)


def _draw_land(axes: Axes, crs: str, land: gpd.GeoDataFrame | None, bounds: Bounds, look: Theme) -> None:
    if land is None:
        return
    shapes = land.geometry.to_numpy()
    shapes = _projected(shapes[shapely.intersects(shapes, _around(bounds))], crs)
    rings = [shapely.get_coordinates(part.exterior) for part in shapely.get_parts(shapes)]
    axes.add_collection(PolyCollection(rings, facecolors=look.land, edgecolors=look.border_minor, linewidths=0.4))


def _draw_hexagons(axes: Axes, crs: str, content: Content, bounds: Bounds) -> None:
    columns, look = content.columns, content.look
    boundaries = [h3.cell_to_boundary(h3.int_to_str(cell)) for cell in columns["cell"].tolist()]
    west, south, east, north = _around(bounds).bounds
    seen = [i for i, ((lat, lng), *_) in enumerate(boundaries) if west <= lng <= east and south <= lat <= north]
    corners = _corners([boundaries[i] for i in seen], crs)
    state, position = columns["state"][seen], columns["class"][seen]
    for name in (*HATCHES, "zero"):
        _add_state(axes, [corners[i] for i in np.flatnonzero(state == STATE_CODES[name])], name, look)
    for at, spec in enumerate(content.level["classes"]):
        members = [corners[i] for i in np.flatnonzero((state == STATE_CODES["value"]) & (position == at))]
        colour = spec["colour_dark"] if look.name == "dark" else spec["colour"]
        axes.add_collection(PolyCollection(members, facecolors=colour, edgecolors=look.land, linewidths=0.1))


def _add_state(axes: Axes, members: list[NDArray[np.float64]], state: State, look: Theme) -> None:
    drawn = PolyCollection(members, edgecolors=look.zero, linewidths=0.3)
    drawn.set_facecolor("none" if state == "zero" else look.pattern_ground)
    if state in HATCHES:
        drawn.set_hatch(HATCHES[state])
        drawn.set_edgecolor(look.pattern)
    axes.add_collection(drawn)


def _draw_outlines(axes: Axes, crs: str, outlines: Sequence[Outline], bounds: Bounds, look: Theme) -> None:
    around = _around(bounds)
    to_map = Transformer.from_crs("EPSG:4326", crs, always_xy=True)
    for outline in outlines:
        if not shapely.intersects(outline.perimeter, around):
            continue
        shape = _projected(np.array([outline.perimeter]), crs)[0]
        style = LINE_STYLES["assumed" if outline.assumed else outline.status]
        # What was chosen stands out; the others, seen from afar, must not hide the hexagons in them.
        colour, width = (look.accent, 1.0) if outline.kind == "selected" else (look.outline, 0.5)
        for ring in shapely.get_parts(shapely.boundary(shape)):
            axes.plot(*shapely.get_coordinates(ring).T, color=colour, linewidth=width, linestyle=style)
        if outline.seat:
            axes.plot(*to_map.transform(*outline.seat), "s", color=look.outline, markersize=3 * width)


def _draw_legend(figure: Figure, described: Description, level: Level, look: Theme) -> None:
    handles: list[Patch] = []
    for spec in reversed(level["classes"]):
        colour = spec["colour_dark"] if look.name == "dark" else spec["colour"]
        handles.append(Patch(facecolor=colour, label=f"{spec['label']}   ({spec['count']})"))
    for state in described["states"]:
        hatch = HATCHES.get(state["state"], "")
        ground = look.pattern_ground if hatch else look.land
        label = f"{state['label']}   ({state['count']})"
        handles.append(Patch(facecolor=ground, edgecolor=look.pattern, hatch=hatch, linewidth=0.3, label=label))
    drawn = figure.legend(
        handles=handles,
        title="\n".join(part for part in (described["title"], described["unit"]) if part),
        loc="upper left",
        bbox_to_anchor=(0.735, 0.87),
        frameon=False,
        fontsize=8,
        title_fontsize=9,
        labelcolor=look.ink,
        alignment="left",
    )
    drawn.get_title().set_color(look.ink)


def _draw_texts(figure: Figure, described: Description, level: Level, look: Theme) -> None:
    # parse_math=False: a "$" in a name is a dollar, not a formula.
    title = f"{described['title']} · {described['view']['name']}"
    figure.text(0.02, 0.915, title, fontsize=13, weight="bold", color=look.ink, parse_math=False)
    figure.text(0.02, 0.885, described["period"], fontsize=9, color=look.ink_minor, parse_math=False)
    sources = [f"{source['name']} · {source['age']}" for source in described["sources"]]
    foot = "\n".join(
        part for part in (level["resolution_label"], *described["notes"], *level["notes"], *sources) if part
    )
    figure.text(0.735, 0.075, foot, fontsize=7, color=look.ink_minor, va="bottom", wrap=True, parse_math=False)
    if described["marking"]:
        for height in (0.975, 0.025):
            figure.text(
                0.5, height, described["marking"]["label"], fontsize=9, weight="bold", color=look.ink,
                ha="center", va="center", parse_math=False,
            )  # fmt: skip


def _around(bounds: Bounds) -> shapely.Polygon:
    """The bounds and as much again on each side: what may show in a frame that is wider or higher."""
    west, south, east, north = bounds
    return shapely.box(2 * west - east, 2 * south - north, 2 * east - west, 2 * north - south)


def _corners(boundaries: Sequence[Sequence[tuple[float, float]]], crs: str) -> list[NDArray[np.float64]]:
    if not boundaries:
        return []
    lengths = np.array([len(boundary) for boundary in boundaries])
    lat, lng = np.concatenate([np.array(boundary) for boundary in boundaries]).T
    x, y = Transformer.from_crs("EPSG:4326", crs, always_xy=True).transform(lng, lat)
    return np.split(np.column_stack((x, y)), np.cumsum(lengths)[:-1])


def _projected(shapes: NDArray[np.object_], crs: str) -> NDArray[np.object_]:
    transformer = Transformer.from_crs("EPSG:4326", crs, always_xy=True)

    def project(points: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.column_stack(transformer.transform(*points.T))

    return np.asarray(shapely.transform(shapes, project))
