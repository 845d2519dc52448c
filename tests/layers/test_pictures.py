"""Legend and picture: the same header, told safely."""

from __future__ import annotations

import io
import re
from html.parser import HTMLParser

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
import shapely
from PIL import Image
from pyproj import Transformer

from layers.colours import THEMES, ThemeName
from layers.hexagons import Header, decode
from layers.legend import escape, legend_html
from layers.outlines import Outline, encode_outlines
from layers.picture import PictureFormat, draw_picture, projection
from tests.browser.harness import HOSTILE, VIEWS, payload


class Texts(HTMLParser):
    """Tags and texts of a piece of HTML."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        assert not any(name.startswith("on") for name, _ in attrs)

    def handle_data(self, data: str) -> None:
        self.text += data + "\n"


@pytest.fixture(scope="module")
def shown() -> tuple[Header, dict[str, np.ndarray]]:
    return decode(payload(VIEWS["epci:200054807"]))


@pytest.mark.parametrize("theme", THEMES)
def test_legend_says_all_the_header_says(shown: tuple[Header, dict[str, np.ndarray]], theme: ThemeName) -> None:
    header, _ = shown
    read = Texts()
    read.feed(legend_html(header, theme, format_count=lambda count: f"n={count}"))
    texts = [header["title"], header["unit"], header["period"], header["resolution_label"], *header["notes"]]
    texts += [spec["label"] for spec in (*header["classes"], *header["states"])]
    texts += [f"n={spec['count']}" for spec in (*header["classes"], *header["states"])]
    texts += [source["age"] for source in header["sources"]]
    texts.append("Données de démonstration")
    for text in texts:
        assert text in read.text


def test_legend_holds_no_markup_of_others(shown: tuple[Header, dict[str, np.ndarray]]) -> None:
    header, _ = shown
    hostile: Header = {**header, "title": HOSTILE, "unit": HOSTILE, "period": HOSTILE, "notes": [HOSTILE]}
    hostile["classes"] = [{**header["classes"][0], "label": HOSTILE, "colour": f'"{HOSTILE}'}]
    hostile["sources"] = [{"name": HOSTILE, "age": HOSTILE, "stale": True}]
    hostile["marking"] = {"code": "demo", "label": HOSTILE}
    text = legend_html(hostile)
    read = Texts()
    read.feed(text)
    assert set(read.tags) <= {"section", "h2", "p", "table", "tr", "td", "span", "strong"}
    assert "${" not in text
    assert "`" not in text
    assert HOSTILE in read.text


def test_escape_covers_html_and_template_literals() -> None:
    assert escape("<a href=\"'&`${x}\\") == "&lt;a href=&quot;&#x27;&amp;&#96;&#36;{x}&#92;"


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
    shown: tuple[Header, dict[str, np.ndarray]], picture_format: PictureFormat, start: bytes
) -> None:
    header, columns = shown
    few = {name: column[:200] for name, column in columns.items()}
    first = draw_picture(header, few, picture_format=picture_format)
    assert first.startswith(start)
    if picture_format != "svg":  # whose ids are random
        assert draw_picture(header, few, picture_format=picture_format) == first
    assert plt.get_fignums() == []


def test_picture_leaves_matplotlib_as_it_was(shown: tuple[Header, dict[str, np.ndarray]]) -> None:
    before = dict(mpl.rcParams)
    draw_picture(shown[0], {name: column[:5] for name, column in shown[1].items()})
    assert dict(mpl.rcParams) == before


def test_picture_is_marked_and_tells_its_sources(shown: tuple[Header, dict[str, np.ndarray]]) -> None:
    header, columns = shown
    few = {name: column[:5] for name, column in columns.items()}
    svg = draw_picture({**header, "title": "Coût $ et $ <b>"}, few, picture_format="svg").decode()
    assert len(re.findall("Données de démonstration", svg)) == 2  # top and bottom
    assert "12 décembre 2016" in svg
    assert "Coût $ et $ &lt;b&gt;" in svg


@pytest.mark.parametrize("theme", THEMES)
def test_hexagon_has_its_class_colour_where_it_lies(
    shown: tuple[Header, dict[str, np.ndarray]], theme: ThemeName
) -> None:
    header, columns = shown
    one = {name: column[:1] for name, column in columns.items()}
    one["state"], one["class"] = np.zeros(1, np.uint8), np.array([3], np.uint8)
    lat, lng = 43.31, 5.39
    cell = 0x89396819C8FFFFF
    one["cell"] = np.array([cell])
    import h3

    lat, lng = h3.cell_to_latlng(h3.int_to_str(cell))
    header = {**header, "view": {**header["view"], "bounds": [[lat - 0.004, lng - 0.005], [lat + 0.004, lng + 0.005]]}}
    picture = Image.open(io.BytesIO(draw_picture(header, one, theme=theme))).convert("RGB")
    spec = header["classes"][3]
    colour = spec["colour_dark"] if theme == "dark" else spec["colour"]
    # The middle of the map: centred vertically in 0.07 to 0.87 of the page, to the left horizontally.
    x, y = _middle_of_map(picture.size, header["view"]["bounds"])
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
    import json

    properties = json.loads(encode_outlines([outline]))["features"][0]["properties"]
    assert properties == {
        "kind": "cross", "code": "13", "name": HOSTILE, "status": "installing", "assumed": True, "seat": [5.4, 43.3],
    }  # fmt: skip
