"""The payload: what goes in comes out, and nothing wrong goes in."""

from __future__ import annotations

import json
import struct
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from layers.errors import LayerError
from layers.hexagons import INSETS, STATE_CODES, ClassSpec, FieldSpec, Header, HexagonLayer, decode, encode
from layers.map import OfflineMap, build_map
from layers.strings import STRINGS

CLASS = ClassSpec(low=0, high=1, label="0 – 1", colour="#ffffff", colour_dark="#000000", count=1)


def header_with(classes: int = 2, fields: tuple[FieldSpec, ...] = ()) -> Header:
    return Header(
        locale="fr", title="Faits « têtus »", unit="", period="", resolution=9, resolution_label="",
        classes=[CLASS] * classes,
        states=[], fields=list(fields), places=[], sources=[], marking=None, notes=[], message="", outlines="",
        view={"key": "", "name": "France", "bounds": [[41.3, -5.2], [51.2, 9.7]], "national": True},
    )  # fmt: skip


def columns_of(size: int) -> dict[str, np.ndarray]:
    return {
        "cell": np.full(size, 0x8A3968C0000FFFF, dtype=np.int64),
        "state": np.zeros(size, np.uint8),
        "class": np.zeros(size, np.uint8),
    }


@settings(deadline=None, derandomize=True)
@given(
    st.integers(0, 40).flatmap(
        lambda size: st.tuples(
            hnp.arrays(np.int64, size, elements=st.integers(0, 2**60)),
            hnp.arrays(np.uint8, size, elements=st.integers(0, 4)),
            hnp.arrays(np.float32, size, elements=st.floats(width=32, allow_infinity=False)),
            hnp.arrays(np.uint16, size),
        )
    ),
    st.text(max_size=20),
)
def test_what_goes_in_comes_out(arrays: tuple[np.ndarray, ...], title: str) -> None:
    cell, state, figure, place = arrays
    header = header_with(1, (FieldSpec(name="incidents", label="Faits", unit="", decimals=0),)) | {"title": title}
    columns = {
        "cell": cell,
        "state": state,
        "class": np.zeros(cell.size, np.uint8),
        "incidents": figure,
        "place": place,
    }
    found, arrived = decode(encode(header, columns))  # type: ignore[arg-type]  # `|` of a TypedDict is a dict
    assert found["title"] == title
    assert list(arrived) == list(columns)
    for name, column in columns.items():
        np.testing.assert_array_equal(arrived[name], column)
        assert arrived[name].dtype == column.dtype


def test_layout_is_the_documented_one() -> None:
    payload = encode(header_with(), columns_of(3))
    magic, length = payload[:4], struct.unpack("<I", payload[4:8])[0]
    assert magic == b"HXG1"
    assert length % 8 == 0
    header = json.loads(payload[8 : 8 + length])
    assert [spec["name"] for spec in header["columns"]] == ["cell", "state", "class"]
    first = 8 + length
    assert struct.unpack("<3q", payload[first : first + 24]) == (0x8A3968C0000FFFF,) * 3
    assert len(payload) == first + 24 + 8 + 8  # each column of 3 bytes is padded to 8


def test_without_hexagons() -> None:
    header, columns = decode(encode(header_with(0), columns_of(0)))
    assert header["title"] == "Faits « têtus »"
    assert columns["cell"].size == 0


def spoilt(**changes: Any) -> dict[str, np.ndarray]:
    return {name: column for name, column in (columns_of(3) | changes).items() if column is not None}


@pytest.mark.parametrize(
    ("columns", "word"),
    [
        (spoilt(state=None), "state"),
        (spoilt(state=np.zeros(2, np.uint8)), "longueurs"),
        (spoilt(cell=np.zeros(3, np.uint64)), "cell"),
        (spoilt(name=np.array(["a", "b", "c"])), "name"),
        (spoilt(state=np.array([0, 5, 0], np.uint8)), "5"),
        (spoilt(**{"class": np.array([0, 2, 0], np.uint8)}), "2"),
    ],
    ids=["missing", "length", "type", "text", "state", "class"],
)
def test_wrong_columns_are_refused(columns: dict[str, np.ndarray], word: str) -> None:
    with pytest.raises(LayerError, match=word):
        encode(header_with(2), columns)


def test_a_field_without_its_column_is_refused() -> None:
    field = FieldSpec(name="rate", label="Taux", unit="", decimals=1, low="low", high="high")
    with pytest.raises(LayerError, match="high, low"):
        encode(header_with(2, (field,)), columns_of(3) | {"rate": np.zeros(3, np.float32)})


def test_class_of_what_has_no_value_is_not_looked_at() -> None:
    columns = columns_of(2) | {
        "state": np.full(2, STATE_CODES["protected"], np.uint8),
        "class": np.full(2, 255, np.uint8),
    }
    assert decode(encode(header_with(1), columns))[1]["class"].tolist() == [255, 255]


def test_nan_in_the_header_is_refused() -> None:
    header = header_with() | {"resolution": float("nan")}
    with pytest.raises(ValueError, match="not JSON compliant"):
        encode(header, columns_of(1))  # type: ignore[arg-type]  # on purpose


@pytest.mark.parametrize("cut", [0, 3, 7, 20, -6, -9])
def test_cut_or_foreign_payloads_are_refused(cut: int) -> None:
    payload = encode(header_with(), columns_of(3))
    with pytest.raises(LayerError):
        decode(payload[:cut])
    with pytest.raises(LayerError, match="HXG1"):
        decode(b"<!DOCTYPE html>" + payload)


def test_page_of_the_map_names_no_other_host() -> None:
    page = build_map("dark").get_root().render()
    assert "//" not in page.replace("// ", "").replace("http-equiv", "")
    assert "jquery" not in page.lower()
    assert '"/assets/leaflet/leaflet.js"' in page
    assert page.count('src="/layers/hexagons.js"') == 1


def test_script_is_the_same_whatever_is_looked_at() -> None:
    def script() -> str:
        drawn = build_map()
        page: str = drawn.get_root().render()
        for element in (drawn, *drawn._children.values()):
            page = page.replace(element.get_name(), "NAME").replace(element._id, "ID")
        return page

    assert script() == script()


def test_hostile_names_cannot_leave_the_script() -> None:
    hostile = "</script><script>alert(1)</script>'\"`${alert(1)}"
    page = build_map(strings=dict.fromkeys(STRINGS, hostile), insets={INSETS[0][0]: hostile}).get_root().render()
    assert "</script><script>alert" not in page


def test_classwide_lists_are_not_shared_with_folium() -> None:
    import folium

    assert OfflineMap.default_js is not folium.Map.default_js
    assert all(url.startswith("/") for _, url in [*HexagonLayer.default_js, *HexagonLayer.default_css])


def test_insets_stand_in_their_fixed_order() -> None:
    assert [key for key, _, _ in INSETS] == [
        "guadeloupe",
        "martinique",
        "guyane",
        "reunion",
        "mayotte",
        "ile-de-france",
    ]
    for _, _, (west, south, east, north) in INSETS:
        assert west < east
        assert south < north
