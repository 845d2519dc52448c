"""Open maps without a browser: `python -m tests.benchmarks.headless maps URL SECONDS`, queries on standard input.

Each screen does what a page of ours does: a Streamlit session of its own, which runs the page's script once and its
curve again when it is out of date; one stream of changes; the view's description, classes and tiles in sight; and on
each change that touches them, the touched tiles, the description and the figures beside the map again, one refresh at
a time. What it does not do is fetch scripts, decode and paint. At the end, what all of them did, as JSON on one line.
"""

from __future__ import annotations

import asyncio
import json
import math
import subprocess
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

import h3.api.basic_str as h3
import httpx2
import websockets
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.typing import Origin, Subprotocol

from geo.tiles import Tile, positions, tile_bounds
from layers.hexagons import ZOOMS

MAP_PX = (1230, 777)  # in a window of 1920 × 1080
GAP_S = 0.5  # between two refreshes, as in the page
CURVE_S = 30.0  # between two runs of the page's script for its curve, as in the page
PROTOCOL = Subprotocol("streamlit")
OPENING_S = 240.0  # for all screens to be there
REDRAW = "Actualiser"  # the button that the page's script presses
CHANGE_REACH = 0.1  # degrees around the coarse cells that a change names


@dataclass
class Tally:
    """What all screens did together."""

    counts: Counter[str] = field(default_factory=Counter)
    refresh_s: list[float] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)


class Session:
    """A Streamlit session, ours or a peer's: runs the page's script once, hears all that it says, stays open."""

    def __init__(self, url: str, query: str, tally: Tally) -> None:
        self.url, self.query, self.tally = url, query, tally
        self.ready = asyncio.Event()  # the script has run
        self.button = ("", "")  # that draws the curve again, and the part of the page it is in

    async def live(self) -> None:
        """Until cancelled."""
        address = self.url.replace("http", "ws", 1) + "/_stcore/stream"
        async with websockets.connect(
            address, subprotocols=[PROTOCOL], origin=Origin(self.url), max_size=None
        ) as socket:
            self._socket = socket
            await self.run()
            async for content in socket:
                self.tally.counts["websocket bytes"] += len(content)
                self._hear(ForwardMsg.FromString(content if isinstance(content, bytes) else content.encode()))

    def _hear(self, message: Any) -> None:
        if message.WhichOneof("type") == "script_finished":
            self.tally.counts["script runs"] += 1
            self.ready.set()
        element = message.delta.new_element
        if element.WhichOneof("type") == "button" and element.button.label == REDRAW:
            self.button = (element.button.id, message.delta.fragment_id)

    async def run(self, pressed: str = "", fragment: str = "") -> None:
        """Have the script run, or a part of it whose button is pressed."""
        message = BackMsg()
        message.rerun_script.query_string = self.query
        message.rerun_script.fragment_id = fragment
        if pressed:
            message.rerun_script.widget_states.widgets.add(id=pressed, trigger_value=True)
        await self._socket.send(message.SerializeToString())


class Screen:
    """One open page with our map."""

    def __init__(self, url: str, query: str, tally: Tally) -> None:
        self.url, self.query, self.tally = url, query, tally
        self.session = Session(url, query, tally)
        self.client = httpx2.AsyncClient(timeout=60, limits=httpx2.Limits(max_connections=7))
        self.tags: dict[str, str] = {}
        self.touched: set[str] = set()
        self.ready = asyncio.Event()  # what a map paints at first is there
        self.stale = asyncio.Event()
        self.tiles: list[str] = []
        self.description: dict[str, Any] = {}
        self.resolution = 0
        self.drawn_at = time.monotonic()

    async def live(self) -> None:
        """Until cancelled."""
        async with self.client, asyncio.TaskGroup() as tasks:
            tasks.create_task(self.session.live())
            await self.session.ready.wait()  # the page's script shows the map
            await self._describe()
            self.tiles = self._in_sight()
            await asyncio.gather(self._classes(), *(self._get(self._tile_url(tile)) for tile in self.tiles))
            await self._get(f"/perimetres?{self.query}")
            self.ready.set()
            tasks.create_task(self._listen())
            tasks.create_task(self._refresh_when_touched())

    # ── The map ──────────────────────────────────────────────────────────────────────────────────────────────────

    async def _get(self, path: str) -> httpx2.Response:
        tag = self.tags.get(path)
        try:
            answer = await self._ask(path, tag)
        except httpx2.TransportError:  # a kept connection that the server has just closed: browsers ask again, too
            self.tally.counts["asked again"] += 1
            answer = await self._ask(path, tag)
        if answer.status_code not in (200, 304):
            self.tally.faults.append(f"{answer.status_code} {path[:80]} {answer.text[:200]}")
        self.tally.counts[f"{answer.status_code} {path.partition('?')[0].strip('/').split('/')[0]}"] += 1
        self.tally.counts["http bytes"] += answer.num_bytes_downloaded
        if "etag" in answer.headers:
            self.tags[path] = answer.headers["etag"]
        return answer

    async def _ask(self, path: str, tag: str | None) -> httpx2.Response:
        return await self.client.get(self.url + path, headers={"If-None-Match": tag} if tag else {})

    async def _describe(self) -> None:
        answer = await self._get(f"/hex?{self.query}")
        if answer.status_code == 200:
            self.description = answer.json()

    async def _classes(self) -> None:
        await self._get(f"/hex/classes?vue={self.description['key']}&resolution={self.resolution}")

    def _tile_url(self, tile: str) -> str:
        return f"/hex/hexagones/{tile}?vue={self.description['key']}"

    def _in_sight(self) -> list[str]:
        """The tiles of a map that shows the whole territory."""
        (south, west), (north, east) = self.description["view"]["bounds"]
        (left, right), (bottom, top) = (axis.tolist() for axis in positions([west, east], [south, north]))
        fits = min(MAP_PX[0] / (right - left), MAP_PX[1] / (bottom - top))  # pixels that the world is wide
        zoom = min(ZOOMS[1], math.floor(4 * math.log2(fits / 256)) / 4)
        near = max(ZOOMS[0], math.floor(zoom + 0.5))
        self.resolution = self.description["resolutions"][near - ZOOMS[0]]
        size, across = 2 ** (near - 1), 256 * 2**zoom
        x, y = (left + right) / 2, (top + bottom) / 2
        columns, rows = (
            range(
                max(0, math.floor((middle - px / across / 2) * size)), math.floor((middle + px / across / 2) * size) + 1
            )
            for middle, px in zip((x, y), MAP_PX, strict=True)
        )
        return [f"{near - 1}/{column}/{row}" for column in columns for row in rows]

    # ── What changes ─────────────────────────────────────────────────────────────────────────────────────────────

    async def _listen(self) -> None:
        async for change in self._changes():
            self.tally.counts["changes heard"] += 1
            territory = self.description["view"]["key"]
            if not change["everything"] and territory and territory not in change["territories"]:
                continue
            places = [h3.cell_to_latlng(cell) for cell in change["cells"]]
            self.touched |= {tile for tile in self.tiles if change["everything"] or _holds(tile, places)}
            self.stale.set()

    async def _changes(self) -> AsyncIterator[dict[str, Any]]:
        async with self.client.stream("GET", f"{self.url}/changes", timeout=None) as answer:
            kind = ""
            async for line in answer.aiter_lines():
                name, _colon, content = line.partition(": ")
                if name == "event":
                    kind = content
                elif name == "data" and kind == "change":
                    yield json.loads(content)

    async def _refresh_when_touched(self) -> None:
        while True:
            await self.stale.wait()
            self.stale.clear()
            touched, self.touched = self.touched, set()
            began = time.monotonic()
            await asyncio.gather(
                self._describe(),
                self._get(f"/chiffres?{self.query}"),
                *(self._get(self._tile_url(tile)) for tile in touched),
            )
            await self._classes()
            self.tally.refresh_s.append(time.monotonic() - began)
            self.tally.counts["tiles again"] += len(touched)
            if self.session.button[0] and time.monotonic() - self.drawn_at > CURVE_S:
                self.drawn_at = time.monotonic()
                await self.session.run(*self.session.button)
            await asyncio.sleep(GAP_S)


def _holds(tile: str, places: list[tuple[float, float]]) -> bool:
    """Whether a change near one of these places (lat, lng) may touch the tile."""
    west, south, east, north = tile_bounds(Tile(*map(int, tile.split("/"))))
    reach_lng, reach_lat = (east - west) / 4 + CHANGE_REACH, (north - south) / 4 + CHANGE_REACH
    return any(
        west - reach_lng < lng < east + reach_lng and south - reach_lat < lat < north + reach_lat for lat, lng in places
    )


async def open_all(kind: type[Session] | type[Screen], url: str, queries: list[str], seconds: float) -> Tally:
    """Open one for each query, ten a second; say so when all are there, and leave them open for so long after that."""
    tally = Tally()
    screens, tasks = [kind(url, query, tally) for query in queries], []
    for screen in screens:
        tasks.append(asyncio.create_task(screen.live()))
        await asyncio.sleep(0.1)
    everyone = asyncio.gather(*(screen.ready.wait() for screen in screens))
    await asyncio.wait([everyone, *tasks], timeout=OPENING_S, return_when=asyncio.FIRST_COMPLETED)
    sys.stdout.write(f"{sum(screen.ready.is_set() for screen in screens)}\n")
    sys.stdout.flush()
    done, _pending = await asyncio.wait(tasks, timeout=seconds)
    tally.faults += [repr(task.exception()) for task in done]
    for task in (everyone, *tasks):
        task.cancel()
    await asyncio.gather(everyone, *tasks, return_exceptions=True)
    return tally


def main(kind: str, url: str, seconds: str) -> None:
    queries = [line.rstrip("\n") for line in sys.stdin]
    tally = asyncio.run(open_all(Screen if kind == "maps" else Session, url, queries, float(seconds)))
    refresh = sorted(tally.refresh_s)
    said = {
        "counts": dict(tally.counts),
        "refreshes": len(refresh),
        "refresh_p95_s": refresh[int(0.95 * len(refresh))] if refresh else None,
        "faults": tally.faults[:5],
    }
    sys.stdout.write(json.dumps(said) + "\n")


@contextmanager
def open_elsewhere(kind: Literal["maps", "pages"], url: str, queries: Sequence[str], seconds: float) -> Iterator[Crowd]:
    """Open screens from a process of its own, and keep them open within the block, for so long at most."""
    command = [sys.executable, "-m", "tests.benchmarks.headless", kind, url, str(seconds)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write("".join(f"{query}\n" for query in queries))
        process.stdin.close()
        opened = int(process.stdout.readline())
        assert opened == len(queries), f"{opened} of {len(queries)} screens opened: {process.stdout.readline()}"
        crowd = Crowd(process)
        try:
            yield crowd
        finally:
            if crowd.process.poll() is None and not crowd.ended:
                process.terminate()


@dataclass
class Crowd:
    """Screens that another process holds open."""

    process: subprocess.Popen[str]
    ended: bool = False

    def wait(self) -> dict[str, Any]:
        """Wait until their time is over; what they did."""
        assert self.process.stdout is not None
        said: dict[str, Any] = json.loads(self.process.stdout.readline())
        self.ended = True
        return said


if __name__ == "__main__":
    main(*sys.argv[1:])
