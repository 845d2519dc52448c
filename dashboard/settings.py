"""What differs from one installation to the next, read once from the environment."""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any

from data.query import Role
from geo.errors import N_, HexacrossError
from layers.errors import LayerError
from layers.tile_server import TileServer

PREFIX = "HEXACROSS_"
LANGUAGES = ("fr", "en")
ROLES: tuple[Role, ...] = ("national", "antenna", "cross", "wall")


class SettingsError(HexacrossError, ValueError):
    """A setting that does not exist or cannot have the value it was given."""


@dataclass(frozen=True, slots=True)
class Settings:
    """One field for each `HEXACROSS_<NAME>`; docs/settings.md describes each of them."""

    store: str = "var/hexacross.duckdb"  # path of a DuckDB file, or postgresql://…
    host: str = "127.0.0.1"
    port: int = 8501
    names: tuple[str, ...] = ()  # further host names under which browsers reach us
    language: str = "fr"
    role: Role = "national"  # of the local viewer
    threshold: int = 0  # counts of 1 to threshold-1 are protected; 0: every count is shown
    cache_mb: int = 64  # memory kept for answers already computed, in megabytes
    upload_mb: int = 1024  # largest file accepted from a browser, in megabytes
    stale_hours: int = 48  # beyond this age of the last load, a source is shown as stale
    lists: str = ""  # folder of edited reference lists (see data.lists); empty: those that come with Hexacross
    tokens: str = "var/tokens.ndjson"  # file of the tokens of live feeds (`hexacross token`)
    views: str = "var/views.json"  # file of the views that people saved by name
    walls: str = ""  # folder of own scripts for wall screens, beside those that come with Hexacross; empty: none
    alerts: str = "var/alerts.json"  # file of the thresholds that people set on the page Situation
    body_mb: int = 8  # largest request of a live feed, inflated, in megabytes
    url: str = ""  # of the server that `hexacross feed` feeds; empty: this machine's, on `port`
    token: str = ""  # that `hexacross feed` presents
    tiles_url: str = ""  # template of an own tile server, https://host/{z}/{x}/{y}.png; empty: none
    tiles_attribution: str = ""  # what it asks to be cited, plain text
    tiles_zooms: tuple[int, int] = (0, 18)  # that it has
    cache: str = ""  # folder of what is computed once (see data.cache); empty: the user's own

    @property
    def hosts(self) -> frozenset[str]:
        """Names a browser may use for us, lower case, without port."""
        return frozenset(name.lower() for name in ("127.0.0.1", "localhost", "[::1]", self.host, *self.names))

    @property
    def tile_server(self) -> TileServer | None:
        """The one other host that browsers ask, if any. Raises LayerError, which `settings_from` has ruled out."""
        return TileServer(self.tiles_url, self.tiles_attribution, self.tiles_zooms) if self.tiles_url else None


def settings_from(environ: Mapping[str, str] = os.environ) -> Settings:
    """Read the settings; raises SettingsError for an unknown name or an impossible value."""
    known = {PREFIX + field.name.upper(): field.name for field in fields(Settings)}
    values: dict[str, Any] = {}
    for name, text in environ.items():
        if not name.startswith(PREFIX):
            continue
        if name not in known:
            closest = difflib.get_close_matches(name, known, n=1, cutoff=0.0)[0]
            raise SettingsError(
                N_("« {given} » n'est pas un réglage. Le plus proche : {closest}. Les réglages sont : {known}."),
                given=name,
                closest=closest,
                known=", ".join(sorted(known)),
            )
        values[known[name]] = READERS[known[name]](name, text.strip())
    settings = Settings(**values)
    _check_tiles(settings)
    return settings


def _check_tiles(settings: Settings) -> None:
    if settings.tiles_attribution and not settings.tiles_url:
        raise SettingsError(
            N_("{name} est donné sans {other} : donnez les deux, ou aucun."),
            name=PREFIX + "TILES_ATTRIBUTION",
            other=PREFIX + "TILES_URL",
        )
    try:
        _ = settings.tile_server
    except LayerError as error:
        raise SettingsError("HEXACROSS_TILES_… : {reason}", reason=error.message) from error


def _text(name: str, text: str) -> str:
    if not text:
        raise SettingsError(N_("{name} est vide : donnez une valeur, ou retirez ce réglage."), name=name)
    return text


def _optional_text(name: str, text: str) -> str:
    return text


def _names(name: str, text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _one_of(choices: tuple[str, ...]) -> Callable[[str, str], str]:
    def read(name: str, text: str) -> str:
        if text not in choices:
            raise SettingsError(
                N_("{name} vaut « {given} » ; valeurs admises : {known}."),
                name=name,
                given=text,
                known=", ".join(choices),
            )
        return text

    return read


def _integer(low: int, high: int) -> Callable[[str, str], int]:
    def read(name: str, text: str) -> int:
        if not text.isascii() or not text.isdigit() or not low <= int(text) <= high:
            raise SettingsError(
                N_("{name} vaut « {given} » ; attendu un entier de {low} à {high}."),
                name=name,
                given=text,
                low=low,
                high=high,
            )
        return int(text)

    return read


def _zooms(name: str, text: str) -> tuple[int, int]:
    match = re.fullmatch(r"([0-9]{1,2})-([0-9]{1,2})", text)
    if match is None:
        raise SettingsError(
            N_("{name} vaut « {given} » ; attendu deux zooms séparés d'un tiret, comme 0-18."), name=name, given=text
        )
    return int(match[1]), int(match[2])


READERS: dict[str, Callable[[str, str], object]] = {
    "store": _text,
    "host": _text,
    "port": _integer(1, 65535),
    "names": _names,
    "language": _one_of(LANGUAGES),
    "role": _one_of(ROLES),
    "threshold": _integer(0, 1000),
    "cache_mb": _integer(1, 65536),
    "upload_mb": _integer(1, 65536),
    "stale_hours": _integer(1, 100_000),
    "tokens": _text,
    "views": _text,
    "alerts": _text,
    "body_mb": _integer(1, 1024),
    "url": _optional_text,
    "token": _optional_text,
    "lists": _optional_text,
    "walls": _optional_text,
    "tiles_url": _optional_text,
    "tiles_attribution": _optional_text,
    "tiles_zooms": _zooms,
    "cache": _optional_text,
}
