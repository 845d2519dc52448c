"""From the acknowledgement of an event to its pixel: who posts, and what a page's map shows when."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Self

import httpx2
import numpy as np
from playwright.sync_api import Frame, Page

from tests.browser.pixels import map_frame

HEAVY_KG = 5_000.0  # puts any hexagon of a map of weights into the highest class
LOOKED_AT_ONCE = 12  # targets: events come in their order

# The nine pixels around a place, on each canvas of the map that has them, and whether one is of a colour. Nine: the one
# in the middle of a hexagon of three pixels may be a mixture with a neighbour's colour, but one of them never is.
PIXELS = """
  const map = Object.values(window).find((value) => value instanceof L.Map);
  const canvases = [...map.getContainer().querySelectorAll("canvas")];
  const pixels = ({ lng, lat }) => {
    const place = map.latLngToContainerPoint([lat, lng]);
    const corner = map.getContainer().getBoundingClientRect();
    return canvases.flatMap((canvas) => {
      const box = canvas.getBoundingClientRect();
      const x = Math.floor(((place.x + corner.left - box.left) * canvas.width) / box.width);
      const y = Math.floor(((place.y + corner.top - box.top) * canvas.height) / box.height);
      if (!(x >= 1 && y >= 1 && x < canvas.width - 1 && y < canvas.height - 1)) return [];
      const { data } = canvas.getContext("2d").getImageData(x - 1, y - 1, 3, 3);
      return Array.from({ length: 9 }, (_, number) => data.subarray(4 * number, 4 * number + 4));
    });
  };
  const of = (colour) => {
    const wanted = [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16));
    return (pixel) => pixel[3] > 128 && wanted.every((value, at) => Math.abs(pixel[at] - value) <= 24);
  };
"""

# Looks every frame at the pixels in the middle of the next hexagons that have no heavy event yet, and notes when each
# has the colour of the highest class. What a canvas holds at a frame is on the screen at its end, 17 ms later.
WATCH = f"""([places, colour, atOnce]) => {{
{PIXELS}"""
WATCH += """
  const waiting = places.map(([lng, lat], number) => ({ lng, lat, number }));
  const seen = (window.pixelsSeen = new Array(places.length).fill(null));
  const heavy = of(colour);
  const shows = (place) => pixels(place).some(heavy);
  const already = waiting.filter(shows).length;
  const look = () => {
    for (const target of waiting.slice(0, atOnce)) {
      if (!shows(target)) continue;
      seen[target.number] = performance.timeOrigin + performance.now();
      waiting.splice(waiting.indexOf(target), 1);
    }
    if (waiting.length) requestAnimationFrame(look);
  };
  look();
  return already;
}"""


class Place(NamedTuple):
    """Degrees WGS 84."""

    lng: float
    lat: float


def watch(page: Page, places: Sequence[Place], colour: str) -> Frame:
    """Have a page's map looked at from now on. None of the places may show the colour yet."""
    frame = map_frame(page)
    already = frame.evaluate(WATCH, [[list(place) for place in places], colour, LOOKED_AT_ONCE])
    assert already == 0, f"{already} of {len(places)} places have the colour of the highest class already"
    return frame


def seen(frame: Frame) -> list[float | None]:
    """When each place came to show the colour, seconds since 1970; None: not yet."""
    return [None if at is None else at / 1000 for at in frame.evaluate("() => window.pixelsSeen")]


def clear_of_panels(page: Page, places: Sequence[Place], margin_px: int = 8) -> list[bool]:
    """Which places are in sight on the map, with no panel of the map's over them."""
    asked = """([places, margin]) => {
      const map = Object.values(window).find((value) => value instanceof L.Map);
      const container = map.getContainer();
      const boxes = [...container.querySelectorAll(".leaflet-control")].map((panel) => panel.getBoundingClientRect());
      return places.map(([lng, lat]) => {  // the container fills its frame: same corner
        const { x, y } = map.latLngToContainerPoint([lat, lng]);
        const near = ({ left, top, right, bottom }, reach) =>
          x > left - reach && x < right + reach && y > top - reach && y < bottom + reach;
        return near(container.getBoundingClientRect(), -margin) && !boxes.some((box) => near(box, margin));
      });
    }"""
    answer: list[bool] = map_frame(page).evaluate(asked, [[list(place) for place in places], margin_px])
    return answer


def without_colour(page: Page, places: Sequence[Place], colour: str) -> list[bool]:
    """At which places the colour is yet to come."""
    asked = f"""([places, colour]) => {{
      {PIXELS}
      return places.map(([lng, lat]) => !pixels({{ lng, lat }}).some(of(colour)));
    }}"""
    answer: list[bool] = map_frame(page).evaluate(asked, [[list(place) for place in places], colour])
    return answer


@dataclass
class Producer:
    """Posts heavy seizures one by one, and notes when each was acknowledged."""

    url: str
    token: str
    day: str  # AAAA-MM-JJ
    acknowledged: list[float] = field(default_factory=list)  # seconds since 1970
    took_s: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._client = httpx2.Client(timeout=60)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def post(self, place: Place) -> None:
        line = {
            "source_event_id": f"heavy-{len(self.acknowledged)}-{time.time_ns()}",
            "family": "incident",
            "kind": "seizure",
            "occurred_at": f"{self.day}T10:00",
            "longitude": place.lng,
            "latitude": place.lat,
            "quantity_kg": HEAVY_KG,
        }
        began = time.time()
        answer = self._client.post(
            f"{self.url}/api/events",
            content=json.dumps(line).encode(),
            headers={"Authorization": f"Bearer {self.token}", "Content-Type": "application/x-ndjson"},
        )
        now = time.time()
        assert answer.status_code == 200, answer.text
        assert answer.json()["accepted"] == 1, answer.text
        self.acknowledged.append(now)
        self.took_s.append(now - began)


def percentiles(seconds: Sequence[float]) -> tuple[float, float]:
    """p50 and p95."""
    return float(np.percentile(seconds, 50)), float(np.percentile(seconds, 95))
