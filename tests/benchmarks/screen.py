"""What a page does, measured from outside, alike for every program: bytes, the time its picture is there, its frames.

A picture counts when Chromium shows it: frames come from the browser's own screencast, with the time each was shown.
"""

from __future__ import annotations

import base64
import io
import os
import time
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import CDPSession, Locator, Page, Request

WIDTH_PX, HEIGHT_PX = 1920, 1080
HALF = 2  # frames come at half the size: enough to tell, and cheap to make
STILL_S = 2.0  # a picture that has not changed for so long is the last one
PATIENCE_S = 180.0
FEWEST_COLOURED = 0.05  # of the map: less is no map of ours
SAME = 24  # of 255, each channel: the same colour, after JPEG and half the size
THERE = 0.95  # of the way from the picture before to the last one

Picture = NDArray[np.int16]  # shape (height, width, 3)


class Box(NamedTuple):
    """A part of the window, px."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def middle(self) -> tuple[float, float]:
        return (self.left + self.right) / 2, (self.top + self.bottom) / 2


@dataclass
class Frames:
    """What was on the screen, and when (seconds since 1970)."""

    page: Page
    session: CDPSession
    shown: list[tuple[float, bytes]] = field(default_factory=list)

    @classmethod
    def of(cls, page: Page) -> Frames:
        made = cls(page, page.context.new_cdp_session(page))
        made.session.on("Page.screencastFrame", made._keep)
        return made

    def _keep(self, event: dict[str, Any]) -> None:
        self.shown.append((event["metadata"]["timestamp"], base64.b64decode(event["data"])))
        self.session.send("Page.screencastFrameAck", {"sessionId": event["sessionId"]})

    def start(self) -> None:
        self.shown.clear()
        sizes = {"maxWidth": WIDTH_PX // HALF, "maxHeight": HEIGHT_PX // HALF}
        self.session.send("Page.startScreencast", {"format": "jpeg", "quality": 90, **sizes})

    def stop(self) -> None:
        self.session.send("Page.stopScreencast")

    def until(self, painted: Callable[[list[Picture]], bool], place: Locator) -> list[tuple[float, Picture]]:
        """Frames of a part of the page until `painted`, and nothing has moved there since for `STILL_S`."""
        deadline = time.time() + PATIENCE_S
        pictures: list[Picture] = []
        moved = time.time()
        while time.time() < deadline:
            self.page.wait_for_timeout(50)
            box = box_of(place)
            if box is None:
                continue
            for _, data in self.shown[len(pictures) :]:
                pictures.append(_cut(data, box))
                if len(pictures) < 2 or _differ(pictures[-1], pictures[-2]):
                    moved = time.time()
            if pictures and time.time() - moved > STILL_S and painted(pictures):
                return [(when, _cut(data, box)) for when, data in self.shown]  # where the map has come to rest
        raise TimeoutError("the map was not painted")


def _cut(data: bytes, box: Box) -> Picture:
    image = Image.open(io.BytesIO(data)).convert("RGB")
    return np.asarray(image.crop(tuple(edge // HALF for edge in box)), dtype=np.int16)


def _differ(one: Picture, other: Picture) -> bool:
    return one.shape != other.shape or bool(np.abs(one - other).max() > SAME)


def coloured(picture: Picture, colours: Sequence[str]) -> NDArray[np.bool_]:
    """Where one of the colours "#rrggbb" is, as seen a little through."""
    found = np.zeros(picture.shape[:2], dtype=np.bool_)
    for colour in colours:
        wanted = np.array([int(colour[at : at + 2], 16) for at in (1, 3, 5)], dtype=np.int16)
        found |= (np.abs(picture - wanted) <= SAME).all(axis=2)
    return found


def when_there(pictures: list[tuple[float, Picture]]) -> float:
    """When the last picture was there but for a twentieth of its difference from the first; seconds since 1970."""
    first, last = pictures[0][1], pictures[-1][1]
    whole = float(np.abs(last - first).sum())
    assert whole, "nothing changed"
    for at in range(len(pictures) - 1, -1, -1):  # from the end: a picture may come, go and come again
        if np.abs(last - pictures[at][1]).sum() > (1 - THERE) * whole:
            return pictures[at + 1][0]
    raise AssertionError("the first picture is as far from the last one as it is")


@dataclass
class Wire:
    """What a page and its workers received."""

    requests: list[Request] = field(default_factory=list)
    socket_raw: int = 0  # bytes of Streamlit's websocket, which is not compressed unless one sets it so
    socket_deflated: int = 0  # the same, had it been (permessage-deflate, which keeps what it knows)
    _deflate: Any = field(default_factory=lambda: zlib.compressobj(6, zlib.DEFLATED, -15))

    @classmethod
    def of(cls, page: Page) -> Wire:
        made = cls()
        page.on("requestfinished", lambda request: made.requests.append(request))
        page.on("websocket", lambda socket: socket.on("framereceived", made._frame))
        return made

    def _frame(self, payload: bytes | str) -> None:
        sent = payload if isinstance(payload, bytes) else payload.encode()
        self.socket_raw += len(sent)
        self.socket_deflated += len(self._deflate.compress(sent)) + len(self._deflate.flush(zlib.Z_SYNC_FLUSH))

    def bytes_by_path(self, paths: tuple[str, ...]) -> dict[str, int]:
        """Bytes of answers as they travelled, by the first of these that their path begins with; others under ""."""
        sizes: dict[str, int] = {}
        for request in self.requests:
            path = urlsplit(request.url).path
            name = next((start for start in paths if path.startswith(start)), "")
            size = request.sizes()
            sizes[name] = sizes.get(name, 0) + size["responseBodySize"] + size["responseHeadersSize"]
        return sizes


WATCH_FRAMES = """() => {
  const seen = (window.framesSeen = { last: performance.now(), longest: 0, count: 0, over: 0, going: true });
  const step = (now) => {
    const took = now - seen.last;
    seen.last = now;
    seen.count += 1;
    if (took > 50.5) seen.over += 1;
    seen.longest = Math.max(seen.longest, took);
    if (seen.going) requestAnimationFrame(step);
  };
  requestAnimationFrame((now) => { seen.last = now; requestAnimationFrame(step); });
}"""
END_FRAMES = (
    "() => { const seen = window.framesSeen; seen.going = false; return [seen.longest, seen.over, seen.count]; }"
)


def longest_frame(page: Page, act: Callable[[], None], rest_s: float) -> tuple[float, int]:
    """Do something and wait; the longest time between two frames meanwhile (s), and how many took over 50 ms."""
    page.evaluate(WATCH_FRAMES)
    page.wait_for_timeout(100)
    act()
    page.wait_for_timeout(1000 * rest_s)
    longest_ms, over, _count = page.evaluate(END_FRAMES)
    return longest_ms / 1000, int(over)


def box_of(place: Locator) -> Box | None:
    """Where an element is in the window; None: nowhere yet."""
    found = place.bounding_box() if place.count() else None
    if found is None:
        return None
    left, top = max(0, round(found["x"])), max(0, round(found["y"]))
    right, bottom = (
        min(WIDTH_PX, round(found["x"] + found["width"])),
        min(HEIGHT_PX, round(found["y"] + found["height"])),
    )
    return Box(left, top, right, bottom) if right - left >= HALF and bottom - top >= HALF else None


def drag(page: Page, box: Box) -> None:
    """One pan: from the middle of the map, 300 px to the left and 120 px up, as a hand does it in half a second."""
    x, y = box.middle
    page.mouse.move(x, y)
    page.mouse.down()
    for step in range(1, 31):
        page.mouse.move(x - 10 * step, y - 4 * step)
        page.wait_for_timeout(10)
    page.mouse.up()


def wheel(page: Page, box: Box) -> None:
    """One zoom: a notch of the wheel over the middle of the map; one level in Leaflet, half a one in deck.gl."""
    page.mouse.move(*box.middle)
    page.mouse.wheel(0, -90)


def memory_mb(pid: int) -> float:
    """What a process holds that no other does in its stead (proportional set size), in MB."""
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("Pss:")) / 1024


def cpu_s(pid: int) -> float:
    """Processor time that a process has used."""
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:
        return sum(map(int, file.read().rpartition(")")[2].split()[11:13])) / os.sysconf("SC_CLK_TCK")
