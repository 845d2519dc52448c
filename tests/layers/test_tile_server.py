"""The optional tile server: what is taken for an address, and what is refused in French."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from layers.errors import LayerError
from layers.hexagons import HexagonLayer
from layers.tile_server import TileServer


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://tuiles.intra/plan/{z}/{x}/{y}.png", "https://tuiles.intra"),
        ("http://10.1.2.3:8080/{z}/{y}/{x}", "http://10.1.2.3:8080"),
        ("https://Data.Geopf.fr/wmts?LAYER=a&TILEMATRIX={z}&TILECOL={x}&TILEROW={y}", "https://data.geopf.fr"),
        ("http://[fd00::1]:80/{z}/{x}/{y}", "http://[fd00::1]:80"),
    ],
)
def test_an_address_gives_its_origin(url: str, origin: str) -> None:
    assert TileServer(url, "© Nous").origin == origin


@pytest.mark.parametrize(
    "url",
    [
        "",
        "tuiles.intra/{z}/{x}/{y}",
        "ftp://tuiles.intra/{z}/{x}/{y}",
        "javascript://tuiles.intra/{z}/{x}/{y}",
        "https:///{z}/{x}/{y}",
        "https://tuiles.intra/{z}/{x}",
        "https://tuiles.intra/{z}/{x}/{y}/{y}",
        "https://{s}.tuiles.intra/{z}/{x}/{y}",
        "https://tuiles.intra/{s}/{z}/{x}/{y}",
        "https://{z}.intra/{x}/{y}",
        "https://tuiles.intra; script-src */{z}/{x}/{y}",
        "https://tuiles.intra /{z}/{x}/{y}",
        "https://moi:secret@tuiles.intra/{z}/{x}/{y}",
        'https://tuiles.intra/{z}/{x}/{y}"onload=',
        "https://tuiles.intra/{z}/{x}/{y}</script>",
        "https://*.intra/{z}/{x}/{y}",
        "https://[tuiles/{z}/{x}/{y}",
        "https://tuiles.intra:port/{z}/{x}/{y}",
    ],
)
def test_another_template_is_refused_with_an_example(url: str) -> None:
    with pytest.raises(LayerError, match=r"attendu http.*https://tuiles\.intra/plan/\{z\}/\{x\}/\{y\}\.png"):
        TileServer(url, "© Nous")


@given(st.text(max_size=40), st.text(max_size=40))
def test_what_is_taken_can_end_no_policy(host: str, path: str) -> None:
    try:
        origin = TileServer(f"https://{host}/{path}{{z}}/{{x}}/{{y}}", "© Nous").origin
    except LayerError:
        return
    assert origin.startswith("https://")
    assert not set(origin) & set(" ;,'\"<>*\n\t\r")


@pytest.mark.parametrize("attribution", ["", "  "])
def test_a_source_must_be_cited(attribution: str) -> None:
    with pytest.raises(LayerError, match="mention"):
        TileServer("https://tuiles.intra/{z}/{x}/{y}", attribution)


@pytest.mark.parametrize("zooms", [(5, 4), (0, 23), (-1, 3)])
def test_zooms_that_do_not_exist_are_refused(zooms: tuple[int, int]) -> None:
    with pytest.raises(LayerError, match="0-18"):
        TileServer("https://tuiles.intra/{z}/{x}/{y}", "© Nous", zooms)


def test_the_layer_names_no_host_unless_told() -> None:
    assert HexagonLayer().options["tiles"] is None
    given = HexagonLayer(tiles=TileServer("https://tuiles.intra/{z}/{x}/{y}", "© Nous")).options["tiles"]
    assert given == {"url": "https://tuiles.intra/{z}/{x}/{y}", "attribution": "© Nous", "zooms": (0, 18)}
