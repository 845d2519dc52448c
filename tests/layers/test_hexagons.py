"""Tiles of hexagons: what goes in comes out, and nothing wrong goes in; the folium element that asks for them."""

from __future__ import annotations

import json
from typing import Any

import h3.api.basic_int as h3
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from layers.bundle import SCRIPTS, STATIC, bundle, bundle_address
from layers.errors import LayerError
from layers.hexagons import INSETS, STATE_CODES, WHOLE_LIMIT, HexagonLayer, decode, encode
from layers.map import OfflineMap, build_map
from layers.strings import STRINGS

RESOLUTIONS = range(3, 11)
MARSEILLE = 0x8A3968C0000FFFF


def some_cells(resolution: int) -> list[int]:
    """Cells all over the earth, the pentagons and what surrounds them, the first and the last of all."""
    rng = np.random.default_rng(resolution)
    lat, lng = np.degrees(np.arcsin(rng.uniform(-1, 1, 60))), rng.uniform(-180, 180, 60)
    anywhere = [h3.latlng_to_cell(*place, resolution) for place in zip(lat, lng, strict=True)]
    pentagons = [cell for pentagon in h3.get_pentagons(resolution) for cell in h3.grid_disk(pentagon, 1)]
    return sorted({*anywhere, *pentagons, *borders_of_base_cells(resolution)})


def borders_of_base_cells(resolution: int) -> list[int]:
    """Each base cell's first and last descendant: their numbers are neighbours across the border."""
    found = []
    for base in h3.get_res0_cells():
        first = last = base
        for _ in range(resolution):
            first, last = min(h3.cell_to_children(first)), max(h3.cell_to_children(last))
        found += [first, last]
    return found


CELLS = {resolution: some_cells(resolution) for resolution in RESOLUTIONS}
WHOLE = st.one_of(st.just(float("nan")), st.integers(0, 300).map(float), st.integers(0, WHOLE_LIMIT - 1).map(float))
ANY = st.one_of(WHOLE, st.floats(width=32, allow_infinity=False), st.floats(-1, 1, width=32))


@st.composite
def tiles(draw: st.DrawFn) -> tuple[int, dict[str, NDArray[Any]]]:
    """A resolution, and sorted hexagons of it with their columns."""
    resolution = draw(st.sampled_from(RESOLUTIONS))
    cells = sorted(draw(st.sets(st.sampled_from(CELLS[resolution]), max_size=30)))
    size = len(cells)
    return resolution, {
        "cell": np.array(cells, dtype=np.int64),
        "state": draw(hnp.arrays(np.uint8, size, elements=st.integers(0, 4))),
        "place": draw(hnp.arrays(np.int64, size, elements=st.integers(0, 40_000))),
        "incidents": draw(hnp.arrays(np.float64, size, elements=WHOLE)),
        "values": draw(hnp.arrays(np.float64, size, elements=ANY)),
    }


@given(tiles())
def test_what_goes_in_comes_out(tile: tuple[int, dict[str, NDArray[Any]]]) -> None:
    resolution, columns = tile
    header, arrived = decode(encode(resolution, columns))
    assert (header["resolution"], header["count"]) == (resolution, len(columns["cell"]))
    assert list(arrived) == list(columns)
    for name in ("cell", "state", "place", "incidents"):
        np.testing.assert_array_equal(arrived[name], columns[name])
    values = columns["values"]
    known = values[~np.isnan(values)]
    few_decimals = any((np.round(known, places) == known).all() for places in range(4))
    whole = header["columns"][-1]["kind"] == "whole"
    assert not whole or few_decimals
    assert whole or not ((known % 1 == 0) & (known >= 0) & (known < WHOLE_LIMIT)).all()
    np.testing.assert_array_equal(arrived["values"], values if whole else values.astype(np.float32))


@pytest.mark.parametrize("resolution", RESOLUTIONS)
def test_every_kind_of_cell_comes_out(resolution: int) -> None:
    """All over the earth at once: differences of any size, over the borders of base cells, around the pentagons."""
    cells = np.array(CELLS[resolution], dtype=np.int64)
    _header, arrived = decode(encode(resolution, {"cell": cells, "state": np.zeros(cells.size, np.uint8)}))
    assert arrived["cell"].dtype == np.int64
    np.testing.assert_array_equal(arrived["cell"], cells)


@pytest.mark.parametrize("resolution", RESOLUTIONS)
def test_one_hexagon(resolution: int) -> None:
    for cell in (CELLS[resolution][0], CELLS[resolution][-1]):
        columns = {"cell": np.array([cell]), "state": np.array([4], np.uint8), "kg": np.array([np.nan])}
        _header, arrived = decode(encode(resolution, columns))
        assert (arrived["cell"].tolist(), arrived["state"].tolist()) == ([cell], [4])
        assert np.isnan(arrived["kg"]).all()


def columns_of(size: int) -> dict[str, NDArray[Any]]:
    return {
        "cell": np.array(sorted(h3.grid_disk(MARSEILLE, 2))[:size], dtype=np.int64),
        "state": np.zeros(size, np.uint8),
    }


def test_layout_is_the_documented_one() -> None:
    """Read byte by byte, with nothing of ours."""
    cells = [h3.latlng_to_cell(43.3, 5.37 + step / 50, 9) for step in range(3)]
    columns = {
        "cell": np.array(sorted(cells), dtype=np.int64),
        "state": np.array([0, 2, 4], np.uint8),
        "place": np.array([1, 0, 300]),
        "values": np.array([1.5, np.nan, -2.0]),
        "incidents": np.array([0.0, np.nan, 70_000]),
        "unknown": np.full(3, np.nan),
    }
    payload = encode(9, columns)
    assert payload[:4] == b"HXG2"
    length = int.from_bytes(payload[4:8], "little")
    header = json.loads(payload[8 : 8 + length].decode("utf-8"))
    assert (header["resolution"], header["count"]) == (9, 3)
    assert [(spec["name"], spec["kind"]) for spec in header["columns"]] == [
        ("cell", "cell"), ("state", "code"), ("place", "recent"), ("values", "float"), ("incidents", "whole"),
        ("unknown", "whole"),
    ]  # fmt: skip
    offset, read = 8 + length, {}
    for spec in header["columns"]:
        planes = [payload[offset + 3 * place : offset + 3 * place + 3] for place in range(spec["bytes"])]
        offset += 3 * spec["bytes"]
        read[spec["name"]] = [sum(plane[row] << 8 * at for at, plane in enumerate(planes)) for row in range(3)]
    assert offset == len(payload)
    # Without mode, resolution and the digits that are all ones: 7 + 27 bits in the middle of the index.
    numbers = [(cell >> 3 * (15 - 9)) & (2 ** (7 + 27) - 1) for cell in sorted(cells)]
    assert header["first"] == numbers[0]
    assert read["cell"] == [0, numbers[1] - numbers[0], numbers[2] - numbers[1]]
    assert read["state"] == [0, 2, 4]
    assert read["place"] == [0, 1, 2]  # each is new: the next of those met
    assert header["places"] == [1, 0, 300]
    assert read["incidents"] == [1, 0, 70_001]
    assert read["unknown"] == [0, 0, 0]
    assert read["values"][0] == 0x3FC00000  # 1.5 and -2 in IEEE 754
    assert read["values"][2] == 0xC0000000
    assert read["values"][1] & 0x7F800000 == 0x7F800000
    assert read["values"][1] & 0x007FFFFF


def test_places_are_counted_back_to_when_they_were_last_met() -> None:
    cells = np.array(sorted(h3.grid_disk(MARSEILLE, 2))[:9], dtype=np.int64)
    places = np.array([7, 7, 9, 7, 7, 9, 0, 9, 7])
    header, columns = decode(encode(9, {"cell": cells, "state": np.zeros(9, np.uint8), "place": places}))
    assert header["places"] == [7, 9, 0]
    assert columns["place"].tolist() == places.tolist()


def test_what_hardly_changes_takes_no_room() -> None:
    """A column without any figure, or of zeros, is its name alone; small differences are one byte each."""
    cells = np.array(sorted(h3.cell_to_children(h3.cell_to_parent(MARSEILLE, 7), 10)), dtype=np.int64)
    columns = {"cell": cells, "state": np.zeros(cells.size, np.uint8), "kg": np.full(cells.size, np.nan)}
    header, _arrived = decode(encode(10, columns))
    assert [spec["bytes"] for spec in header["columns"]] == [1, 0, 0]


def test_figures_are_exact_up_to_the_limit_and_floats_beyond() -> None:
    columns = columns_of(2) | {"values": np.array([WHOLE_LIMIT - 1, 3.0])}
    header, arrived = decode(encode(10, columns))
    assert header["columns"][-1]["kind"] == "whole"
    assert arrived["values"].tolist() == [WHOLE_LIMIT - 1, 3.0]
    header, arrived = decode(encode(10, columns_of(2) | {"values": np.array([WHOLE_LIMIT, 3.0])}))
    assert header["columns"][-1]["kind"] == "float"
    assert arrived["values"].tolist() == [WHOLE_LIMIT, 3.0]


def test_figures_that_are_only_read_are_rounded() -> None:
    """The measure, which decides on a colour, is not: it comes as it is, or as near as 24 bits say it."""
    figures = np.array([0.26, 1234.54, np.nan])
    columns = columns_of(3) | {"values": figures / 3, "kg": figures, "low": figures, "checked": np.round(figures)}
    header, arrived = decode(encode(10, columns, {"kg": 1, "low": 0}))
    kinds = {spec["name"]: (spec["kind"], spec["decimals"]) for spec in header["columns"]}
    assert kinds == {
        "cell": ("cell", 0), "state": ("code", 0), "values": ("float", 0), "kg": ("whole", 1), "low": ("whole", 0),
        "checked": ("whole", 0),
    }  # fmt: skip
    np.testing.assert_array_equal(arrived["kg"], [0.3, 1234.5, np.nan])
    np.testing.assert_array_equal(arrived["low"], [0, 1235, np.nan])
    np.testing.assert_array_equal(arrived["checked"], [0, 1235, np.nan])
    np.testing.assert_array_equal(arrived["values"], (figures / 3).astype(np.float32))
    _header, arrived = decode(encode(10, columns_of(2) | {"values": np.array([0.125, 2.5])}))
    assert arrived["values"].tolist() == [0.125, 2.5]


def test_without_hexagons() -> None:
    header, columns = decode(encode(10, columns_of(0) | {"values": np.empty(0)}))
    assert (header["count"], list(columns)) == (0, ["cell", "state", "values"])
    assert all(column.size == 0 for column in columns.values())


def spoilt(**changes: Any) -> dict[str, NDArray[Any]]:
    return {name: column for name, column in (columns_of(3) | changes).items() if column is not None}


@pytest.mark.parametrize(
    ("columns", "word"),
    [
        (spoilt(state=None), "state"),
        (spoilt(cell=None), "cell"),
        (spoilt(state=np.zeros(2, np.uint8)), "longueurs"),
        (spoilt(values=np.zeros(4)), "longueurs"),
        (spoilt(state=np.array([0, 5, 0], np.uint8)), "5"),
        (spoilt(cell=columns_of(3)["cell"][::-1]), "désordre"),
        (spoilt(cell=np.repeat(columns_of(1)["cell"], 3)), "répétés"),
    ],
    ids=["state missing", "cell missing", "length", "length of a figure", "state", "order", "repeated"],
)
def test_wrong_columns_are_refused(columns: dict[str, NDArray[Any]], word: str) -> None:
    with pytest.raises(LayerError, match=word):
        encode(10, columns)


def test_cut_or_foreign_payloads_are_refused() -> None:
    payload = encode(10, columns_of(3) | {"values": np.array([1.5, 2.5, np.nan]), "state": np.array([0, 0, 2])})
    for cut in range(len(payload)):
        with pytest.raises(LayerError):
            decode(payload[:cut])
    with pytest.raises(LayerError, match="tronqué"):
        decode(payload + b"\0")
    for foreign in (b"<!DOCTYPE html>" + payload, b"HXG1" + payload[4:], b'{"error": "x"}'):
        with pytest.raises(LayerError, match="HXG2"):
            decode(foreign)


@given(st.binary(max_size=80))
def test_any_bytes_are_refused(content: bytes) -> None:
    with pytest.raises(LayerError):
        decode(content)


def test_states_are_told_apart_by_their_codes() -> None:
    """The script reads them by these numbers: `STATES` in payload.js."""
    assert STATE_CODES == {"value": 0, "zero": 1, "unknown": 2, "withheld": 3, "protected": 4}


def test_page_of_the_map_names_no_other_host() -> None:
    page = build_map("dark").get_root().render()
    assert "//" not in page.replace("// ", "").replace("http-equiv", "")
    assert "jquery" not in page.lower()
    assert '"/assets/leaflet/leaflet.js"' in page
    assert page.count(f'src="{bundle_address()}"') == 1


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


def test_the_map_s_one_script_holds_all_but_the_workers_and_those_of_other_maps() -> None:
    workers, other_maps = {"tile_worker", "live_worker"}, {"side_by_side", "corridors"}
    assert set(SCRIPTS) == {path.stem for path in STATIC.glob("*.js")} - workers - other_maps
    assert all((STATIC / f"{name}.js").read_bytes() in bundle() for name in SCRIPTS)
