"""A page with the map alone and invented hexagons: the layer is tested without store, geography or Streamlit."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import h3
import numpy as np
import uvicorn
from numpy.typing import NDArray
from shapely import box
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.types import ASGIApp, Receive, Scope, Send

import layers
from dashboard.assets import ASSETS
from dashboard.routes import Files, map_script
from geo.tiles import Tile, inside
from layers.bundle import bundle_address
from layers.classes import Classes, classify
from layers.colours import sequential
from layers.hexagons import (
    STATE_CODES,
    ZOOMS,
    ClassSpec,
    Description,
    FieldSpec,
    Level,
    MarkingSpec,
    SourceSpec,
    StateSpec,
    encode,
)
from layers.map import build_map
from layers.outlines import Outline, encode_outlines

LABELS = {
    "zero": "zéro",
    "unknown": "jamais contrôlé",
    "withheld": "non diffusé par le producteur",
    "protected": "protégé : moins de 5",
}
HOSTILE = '<img src=x onerror="window.hacked=1">${window.hacked=1}`</script>'


class View(NamedTuple):
    key: str
    name: str
    bounds: list[list[float]]
    resolution: int
    centres: tuple[tuple[float, float, int, float], ...]  # lat, lng, hexagons, spread in degrees


TOWNS = (
    (48.86, 2.35, 260, 0.5), (45.76, 4.84, 120, 0.3), (43.30, 5.40, 150, 0.3), (50.63, 3.06, 110, 0.25),
    (43.60, 1.44, 90, 0.3), (47.22, -1.55, 70, 0.25), (44.84, -0.58, 80, 0.3), (48.57, 7.75, 60, 0.2),
    (43.70, 7.27, 60, 0.15), (49.44, 1.10, 60, 0.2), (48.11, -1.68, 60, 0.2), (45.19, 5.72, 50, 0.15),
    (43.61, 3.88, 50, 0.2), (47.32, 5.04, 30, 0.15), (49.26, 4.03, 30, 0.15), (45.78, 3.08, 30, 0.15),
    (16.24, -61.53, 30, 0.12), (14.61, -61.07, 25, 0.08), (4.92, -52.33, 25, 0.2), (-20.9, 55.45, 30, 0.12),
    (-12.79, 45.22, 20, 0.06),
)  # fmt: skip
VIEWS = {
    "": View("", "France", [[41.3, -5.2], [51.2, 9.7]], 6, TOWNS),
    "epci:200054807": View("epci:200054807", "Aix-Marseille-Provence", [[43.16, 4.95], [43.75, 5.81]], 9,
                           ((43.31, 5.39, 2600, 0.05), (43.53, 5.45, 500, 0.03), (43.41, 5.05, 200, 0.02))),
}  # fmt: skip


def invented(view: View, seed: int = 1) -> tuple[NDArray[np.int64], NDArray[np.uint8], NDArray[np.float64]]:
    """Cells around the view's centres with their states and values."""
    random = np.random.default_rng(seed)
    cells: dict[int, float] = {}
    for lat, lng, number, spread in view.centres:
        for north, east in random.normal(0, spread, (number * 4, 2)):
            cell = int(h3.latlng_to_cell(lat + north * 0.7, lng + east, view.resolution), 16)
            cells[cell] = cells.get(cell, 0.0) + random.lognormal(1, 1)
    ordered = np.array(sorted(cells), dtype=np.int64)
    values = np.array([cells[cell] for cell in ordered.tolist()])
    states = random.choice(5, ordered.size, p=[0.86, 0.05, 0.04, 0.02, 0.03]).astype(np.uint8)
    return ordered, states, values


NAMES = ["Marseille 1er Arrondissement", HOSTILE]


def classes_of(view: View) -> Classes:
    _cells, states, values = invented(view)
    shown = np.where(states == STATE_CODES["value"], values, np.nan)
    return classify(shown, "quantiles", 6, format_number=lambda number: f"{number:g}".replace(".", ","))


def source_spec(name: str, says: str, loaded_s: int, fresh_s: int) -> SourceSpec:
    """A source that was loaded some seconds ago, and stays fresh for others."""
    now = int(time.time())
    return SourceSpec(name=name, age=says.format(age="il y a longtemps"), stale=fresh_s < 0, says=says,
                      loaded=now - loaded_s, stale_from=now + fresh_s, held=True)  # fmt: skip


def description(view: View, locale: str = "fr", fresh_s: int = 3600) -> Description:
    return Description(
        locale=locale,
        title="Faits constatés pour 100 000 habitants",
        unit="faits / 100 000 hab.",
        period="1–31 mars 2026",
        states=[StateSpec(state=state, label=LABELS[state], count=0) for state in STATE_CODES if state != "value"],
        fields=[
            FieldSpec(name="values", label="Faits pour 100 000 hab.", unit="", decimals=1, low="low", high="high"),
            FieldSpec(name="incidents", label="Faits constatés", unit="", decimals=0),
            FieldSpec(name="kg", label="Quantités saisies", unit="kg", decimals=1),
        ],
        view={"key": view.key, "name": view.name, "bounds": view.bounds, "national": not view.key},
        sources=[
            source_spec("demo", "données jusqu'au 31 mars 2026, chargée {age}", loaded_s=90, fresh_s=fresh_s),
            source_spec("UNODC", "données jusqu'au 12 décembre 2016, chargée {age}", loaded_s=950_500, fresh_s=-1),
        ],
        marking=MarkingSpec(code="demo", label="Données de démonstration"),
        notes=["37 faits sans lieu précis ne sont pas sur la carte."],
        message="",
        outlines="/perimetres",
        places="/lieux/noms.json",
        key=view.key,
        resolutions=[view.resolution] * (ZOOMS[1] - ZOOMS[0] + 1),
    )


def level(view: View) -> Level:
    classes = classes_of(view)
    light, dark = sequential(len(classes)), sequential(len(classes), "dark")
    return Level(
        resolution=view.resolution,
        resolution_label="hexagones de 0,11 km²" if view.resolution == 9 else "hexagones de 38 km²",
        classes=[
            ClassSpec(low=low, high=high, label=label, colour=one, colour_dark=other, count=count)
            for low, high, label, one, other, count in zip(
                classes.bounds[:-1], classes.bounds[1:], classes.labels, light, dark, classes.counts, strict=True
            )
        ],
        notes=["Classes établies sur tout le territoire."],
    )


def columns(view: View) -> dict[str, NDArray[Any]]:
    """The hexagons of a view and their figures, as tiles carry them."""
    cells, states, values = invented(view)
    shown = np.where(states == STATE_CODES["value"], values, np.nan)
    return {
        "cell": cells,
        "state": states,
        "place": 1 + np.arange(cells.size) % len(NAMES),
        "values": shown,
        "low": shown * 0.7,
        "high": shown * 1.4,
        "incidents": np.where(np.isnan(shown), np.nan, np.ceil(values)),
        "kg": np.where(np.arange(cells.size) % 3 == 0, np.nan, values * 2),
    }


OUTLINES = (
    Outline("cross", "13", "CROSS de Marseille", box(5.0, 43.18, 5.7, 43.6), seat=(5.37, 43.3)),
    Outline("cross", "31", "CROSS de Toulouse", box(1.1, 43.4, 1.8, 43.8), "installing", seat=(1.44, 43.6)),
    Outline("cross", "75", "CROSS de Paris", box(1.9, 48.6, 2.8, 49.1), assumed=True, seat=(2.35, 48.85)),
    Outline("antenna", "M", "Antenne de Marseille", box(4.3, 43.0, 7.4, 44.5), seat=(5.4, 43.3)),
)


def perimeters(request: Request) -> Response:
    return Response(encode_outlines(OUTLINES), media_type="application/json")


class Harness:
    """The page's server; `requests` are the queries that /hex was asked, `tiles` the tiles asked for as z/x/y.

    `broken` makes the description fail, `broken_tiles` the tiles.
    """

    def __init__(self) -> None:
        self.requests: list[str] = []
        self.tiles: list[str] = []
        self.broken = False
        self.broken_tiles = False
        self.slow_s = self.slow_tiles_s = 0.0
        self.fresh_s = 3600  # until the freshest source is too old
        self.columns: dict[str, dict[str, NDArray[Any]]] = {}
        self.app = Starlette(
            routes=[
                Route("/", self.page),
                Route("/hex", self.description),
                Route("/hex/classes", self.classes),
                Route("/hex/hexagones/{z:int}/{x:int}/{y:int}", self.tile),
                Route("/lieux/noms.json", lambda request: JSONResponse(NAMES)),
                Route("/perimetres", perimeters),
                Mount("/assets", Files(directory=ASSETS)),
                Route(bundle_address(), map_script),
                Mount("/layers", Files(directory=Path(layers.__file__).parent / "static")),
            ]
        )  # fmt: skip

    def page(self, request: Request) -> Response:
        theme = "dark" if request.query_params.get("theme") == "dark" else "light"
        html = build_map(theme, follow="self").get_root().render()
        icon = '<link rel="icon" href="data:,">'  # no request for a favicon that is not there
        return HTMLResponse(html.replace("<head>", f"<head><title>Carte</title>{icon}", 1))

    def description(self, request: Request) -> Response:
        self.requests.append(request.url.query)
        time.sleep(self.slow_s)
        if self.broken:
            return JSONResponse({"error": "Base de données illisible <b>"}, status_code=503)
        return JSONResponse(description(VIEWS[request.query_params.get("territoire", "")], fresh_s=self.fresh_s))

    def classes(self, request: Request) -> Response:
        view = VIEWS[request.query_params["vue"]]
        assert int(request.query_params["resolution"]) == view.resolution
        return JSONResponse(level(view))

    def tile(self, request: Request) -> Response:
        """The hexagons whose centre is in the tile; of the view that the key names."""
        self.tiles.append(request.url.path.removeprefix("/hex/hexagones/"))
        time.sleep(self.slow_tiles_s)
        if self.broken_tiles:
            return JSONResponse({"error": "Tuile illisible <b>"}, status_code=503)
        view = VIEWS[request.query_params["vue"]]
        if view.key not in self.columns:
            self.columns[view.key] = columns(view)
        held = self.columns[view.key]
        rows = inside(Tile(*(request.path_params[name] for name in ("z", "x", "y"))), held["cell"])
        content = encode(view.resolution, {name: column[rows] for name, column in held.items()})
        return Response(content, media_type="application/octet-stream")


class Stage:
    """One address for harnesses that follow each other: a browser then keeps the scripts that it has compiled."""

    def __init__(self) -> None:
        self.address = ""
        self.harness = Harness()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.harness.app(scope, receive, send)


@contextlib.contextmanager
def serving(app: ASGIApp) -> Iterator[str]:
    """The address of `app`, served from a thread on a free port."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", ws="none"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    deadline = time.monotonic() + 10
    while not server.started and time.monotonic() < deadline:
        time.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(10)
        listener.close()
