"""The map of a wall: overseas on a page of their own, hatching that a room sees; and the bars of routes."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page

from tests.browser.conftest import until

pytestmark = pytest.mark.browser

SHOWN = "document.getElementById('room').dataset"
# Pixels of the longest run of the lines' colour on a row of a hatched surface, and the least that a room sees.
HATCHING = """() => {
  const { L, map_mur: map } = document.querySelector("iframe").contentWindow;
  const { colours } = Object.values(map._layers).find((held) => held.lead);
  const context = new OffscreenCanvas(90, 1).getContext("2d");
  context.fillStyle = L.hexacross.pattern(context, "unknown", colours);
  context.fillRect(0, 0, 90, 1);
  const bright = [...context.getImageData(0, 0, 90, 1).data].filter((_value, at) => at % 4 === 0);
  const middle = (Math.max(...bright) + Math.min(...bright)) / 2;
  const runs = bright.map((value) => (value > middle ? "1" : " ")).join("").split(" ").map((run) => run.length);
  return [Math.max(...runs), room.map.sizes.line];
}"""
INSETS = """() => [...document.querySelector("iframe").contentDocument.querySelectorAll(".hxc-inset")].map((inset) => {
  const { left, top, right, bottom } = inset.getBoundingClientRect();
  const canvas = inset.querySelector("canvas");
  const pixels = new Uint32Array(canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data.buffer);
  const name = inset.querySelector(".hxc-inset-name");
  return {
    box: [left, top, right, bottom],
    colours: new Set(pixels).size,
    name: name.textContent,
    letters: parseFloat(getComputedStyle(name).fontSize) / room.map.sizes.small,
    fits: name.offsetWidth <= inset.clientWidth,
  };
})"""

# The scene after the first fails each time that it is prepared.
FAILING = """() => {
  const prepare = room._prepare.bind(room);
  room.ahead = null;
  room._prepare = (number) => (number === 1 ? Promise.reject(new TypeError("essai")) : prepare(number));
}"""


def turn(page: Page, wanted: str) -> None:
    """Leave scenes until one is shown of which something is true."""
    until(page, f"(() => {{ const shown = {wanted}; if (!shown) room._wake?.('time'); return shown; }})()", 60)


@pytest.mark.parametrize(("width", "height"), [(1920, 1080), (1080, 1920)])
def test_france_is_two_pages_and_its_states_are_seen_from_afar(
    server: str, open_page: Callable[..., Page], width: int, height: int
) -> None:
    page = open_page(f"{server}/mur?script=national", width=width, height=height)
    turn(page, f"{SHOWN}.kind === 'carte' && {SHOWN}.page === {SHOWN}.pages && room.map.isNational")
    until(page, f"({INSETS})().every(({{ colours }}) => colours > 3)")
    drawn, wide = page.evaluate(HATCHING)
    assert drawn >= wide >= 3
    insets = page.evaluate(INSETS)
    assert [one["name"] for one in insets] == [
        "Guadeloupe", "Martinique", "Guyane", "La Réunion", "Mayotte", "Île-de-France",
    ]  # fmt: skip
    across, along = page.evaluate(
        "[...document.querySelectorAll('iframe')].map((f) => [f.clientWidth, f.clientHeight])[0]"
    )
    for number, one in enumerate(insets):
        left, top, right, bottom = one["box"]
        assert one["fits"], one
        assert one["letters"] >= 0.99
        assert min(left, top) >= 0
        assert right <= across + 1
        assert bottom <= along + 1
        for other in insets[:number]:
            apart = other["box"]
            assert left >= apart[2] or right <= apart[0] or top >= apart[3] or bottom <= apart[1]
    page.evaluate(FAILING)
    turn(page, f"{SHOWN}.number === '2'")
    turn(page, f"{SHOWN}.kind === 'routes'")
    assert "→" in page.locator(".row h2").first.inner_text()
    assert page.locator(".row .bar").first.evaluate("bar => bar.offsetWidth / bar.parentElement.offsetWidth") == 1
