"""The picture: what the map shows, drawn without a browser and told safely."""

from __future__ import annotations

import html
import io
import json
import re
from typing import Any, NamedTuple

import h3
import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
import shapely
from numpy.typing import NDArray
from PIL import Image
from pyproj import Transformer

from layers.colours import THEMES, ThemeName
from layers.hexagons import STATE_CODES, Description, Level
from layers.outlines import Outline, encode_outlines
from layers.picture import PictureFormat, draw_picture, projection
from tests.browser.harness import HOSTILE, VIEWS, classes_of, columns, description, level


class Shown(NamedTuple):
    """What `draw_picture` takes."""

    described: Description
    level: Level
    columns: dict[str, NDArray[Any]]

    def first(self, number: int) -> dict[str, NDArray[Any]]:
        """Some hexagons."""
        return {name: column[:number] for name, column in self.columns.items()}


@pytest.fixture(scope="module")
def shown() -> Shown:
    view = VIEWS["epci:200054807"]
    held = columns(view)
    described = description(view)
    for spec in described["states"]:
        spec["count"] = int((held["state"] == STATE_CODES[spec["state"]]).sum())
    indices = classes_of(view).indices(held["values"])
    return Shown(described, level(view), {"cell": held["cell"], "state": held["state"], "class": indices})


@pytest.mark.parametrize(
    ("bounds", "expected"),
    [
        ((5.0, 43.1, 5.8, 43.7), "EPSG:2154"),
        ((8.5, 41.3, 9.6, 43.1), "EPSG:2154"),  # Corsica
        ((-61.9, 15.8, -61.0, 16.5), "EPSG:32620"),  # Guadeloupe
        ((-54.6, 2.1, -51.6, 5.8), "EPSG:32622"),  # Guyane
        ((55.2, -21.4, 55.9, -20.8), "EPSG:32740"),  # La Réunion
        ((44.9, -13.1, 45.3, -12.6), "EPSG:32738"),  # Mayotte
    ],
)
def test_projection_is_the_legal_one(bounds: tuple[float, float, float, float], expected: str) -> None:
    # The legal projections overseas: UTM zones 20N, 22N, 40S and 38S (décret 2000-1276).
    assert projection(bounds) == expected


@pytest.mark.parametrize(("picture_format", "start"), [("png", b"\x89PNG"), ("pdf", b"%PDF"), ("svg", b"<?xml")])
def test_picture_is_a_file_of_its_kind_and_the_same_twice(
    shown: Shown, picture_format: PictureFormat, start: bytes
) -> None:
    few = shown.first(200)
    first = draw_picture(shown.described, shown.level, few, picture_format=picture_format)
    assert first.startswith(start)
    if picture_format != "svg":  # whose ids are random
        assert draw_picture(shown.described, shown.level, few, picture_format=picture_format) == first
    assert plt.get_fignums() == []


def test_picture_leaves_matplotlib_as_it_was(shown: Shown) -> None:
    before = dict(mpl.rcParams)
    draw_picture(shown.described, shown.level, shown.first(5))
    assert dict(mpl.rcParams) == before


def texts_of(shown: Shown, **changes: Any) -> str:
    """All that is written in a picture, as its SVG holds it."""
    described: Description = {**shown.described, **changes}  # type: ignore[typeddict-item]  # some of its own fields
    return draw_picture(described, shown.level, shown.first(5), picture_format="svg").decode()


def test_picture_says_all_that_the_legend_says(shown: Shown) -> None:
    svg = texts_of(shown)
    described, classes = shown.described, shown.level
    texts = [described["unit"], described["period"], classes["resolution_label"], *described["notes"]]
    texts += [*classes["notes"], *(source["age"] for source in described["sources"])]
    texts += [f"{spec['label']}   ({spec['count']})" for spec in (*classes["classes"], *described["states"])]
    assert len(texts) > 15
    written = squeezed(html.unescape(re.sub("<[^>]+>", "", svg)))
    for text in texts:
        assert squeezed(text) in written, text


def squeezed(text: str) -> str:
    """Without spaces: long lines are broken."""
    return re.sub(r"\s", "", text)


def test_picture_is_marked_and_tells_its_sources(shown: Shown) -> None:
    svg = texts_of(shown, title="Coût $ et $ <b>")
    assert len(re.findall("Données de démonstration", svg)) == 2  # top and bottom
    assert "12 décembre 2016" in svg
    assert "Coût $ et $ &lt;b&gt;" in svg


def test_picture_holds_no_markup_of_others(shown: Shown) -> None:
    sources = [{"name": HOSTILE, "age": HOSTILE, "stale": True}]
    marking = {"code": "demo", "label": HOSTILE}
    hostile = dict.fromkeys(("title", "unit", "period"), HOSTILE)
    svg = texts_of(shown, **hostile, notes=[HOSTILE], sources=sources, marking=marking)
    assert svg.count("&lt;img src=x") >= 6
    assert "<img" not in svg
    assert "</script" not in svg


@pytest.mark.parametrize("theme", THEMES)
def test_hexagon_has_its_class_colour_where_it_lies(shown: Shown, theme: ThemeName) -> None:
    cell = 0x89396819C8FFFFF
    one = {"cell": np.array([cell]), "state": np.zeros(1, np.uint8), "class": np.array([3], np.uint8)}
    lat, lng = h3.cell_to_latlng(h3.int_to_str(cell))
    bounds = [[lat - 0.004, lng - 0.005], [lat + 0.004, lng + 0.005]]
    described: Description = {**shown.described, "view": {**shown.described["view"], "bounds": bounds}}
    picture = Image.open(io.BytesIO(draw_picture(described, shown.level, one, theme=theme))).convert("RGB")
    spec = shown.level["classes"][3]
    colour = spec["colour_dark"] if theme == "dark" else spec["colour"]
    # The middle of the map: centred vertically in 0.07 to 0.87 of the page, to the left horizontally.
    x, y = _middle_of_map(picture.size, bounds)
    assert "#{:02x}{:02x}{:02x}".format(*picture.getpixel((x, y))) == colour  # type: ignore[misc]  # RGB


def _middle_of_map(size: tuple[int, int], bounds: list[list[float]]) -> tuple[int, int]:
    (south, west), (north, east) = bounds
    xs, ys = Transformer.from_crs("EPSG:4326", "EPSG:2154", always_xy=True).transform(
        [west, east, west, east], [south, south, north, north]
    )
    width, height = max(xs) - min(xs), max(ys) - min(ys)
    margin = 2 * 0.04 * max(width, height)
    shown = min(0.7 * size[0], 0.8 * size[1] * (width + margin) / (height + margin))
    return round(0.02 * size[0] + shown / 2), round((1 - 0.47) * size[1])


def test_outlines_keep_their_shape_and_their_words() -> None:
    circle = shapely.Point(5.4, 43.3).buffer(0.3, quad_segs=200)
    outline = Outline("cross", "13", HOSTILE, circle, "installing", assumed=True, seat=(5.4, 43.3))
    collection = shapely.from_geojson(encode_outlines([outline]))
    assert shapely.hausdorff_distance(shapely.get_geometry(collection, 0), circle) < 0.001
    assert shapely.get_num_coordinates(collection) < shapely.get_num_coordinates(circle) / 4
    properties = json.loads(encode_outlines([outline]))["features"][0]["properties"]
    assert properties == {
        "kind": "cross", "code": "13", "name": HOSTILE, "status": "installing", "assumed": True, "seat": [5.4, 43.3],
    }  # fmt: skip
