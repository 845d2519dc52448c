"""The script of a wall screen: which scenes, of what, for how long; a TOML file, checked whole before it is shown."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from dashboard.corridor_words import EUROPE, ORIGINS, SEIZURES, TOWARD, WEIGHTS
from dashboard.view import EARLIEST, FILTERS, LATEST, View
from dashboard.wall_sections import Fault, Section, lines_of_keys
from dashboard.wall_sight import Screen, screen_fault
from data.errors import QueryError
from data.geography import Geography
from data.query import Territory
from data.vocabulary import MARKINGS
from geo.errors import N_, HexacrossError, Messages, message
from layers.hexagons import ZOOMS

SHIPPED = Path(__file__).parent / "walls"
NAME = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
MOST_BYTES = 64 * 1024
MOST_SCENES = 200  # those of included scripts among them
MOST_FAULTS = 50  # told at once
LONGEST_TEXT, LONGEST_TITLE = 2_000, 120  # characters
TITLE_LINES = 2  # more leave no room for what the title is about
FRANCE = "france"
MIN_COMPARED, MAX_COMPARED = 2, 6
DEFAULT_DAYS, DEFAULT_ALERT_S = 30, 60
MOST_DAYS_OF_CURVE = 1_100  # three years: beyond, a day is thinner than a line can be

OF_A_VIEW = ("territoire", "jours", "du", "au", *FILTERS)
KEYS_OF_TYPE: dict[str, tuple[str, ...]] = {
    "carte": (*OF_A_VIEW, "mesure", "zoom", "classes"),
    "comparaison": ("territoires", "jours", "du", "au", "mesure", *FILTERS),
    "chiffres": OF_A_VIEW,
    "courbe": OF_A_VIEW,
    "routes": ("vers", "origine", "poids", "jours", "du", "au", "produit", "mode"),
    "texte": ("texte",),
    "script": ("nom",),
}
KEYS_OF_ALL = ("type", "titre", "duree")
KEYS_OF_SCRIPT = ("titre", "ecran", "mention", "fraicheur", "alerte", "fuseau", "scene")
KEYS_OF_SCREEN = ("diagonale", "distance")
COMPARED_MEASURES = ("taux", "incidents", "controles", "rendement", "kg", "avoirs")


class WallError(HexacrossError, ValueError):
    """A script that cannot be shown; `faults` has all that is wrong with it."""

    def __init__(self, name: str, faults: Sequence[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__(
            N_("Script de mur « {name} » refusé, {count} anomalie(s) :\n{faults}"),
            name=name,
            count=len(self.faults),
            faults=Messages(tuple(fault.message for fault in self.faults[:MOST_FAULTS]), "\n"),
        )


class UnknownWallError(HexacrossError, LookupError):
    """No script has this name."""


@dataclass(frozen=True, slots=True)
class Routes:
    """Which corridors a scene shows, and by what they are weighed: one unit, never two."""

    toward: str = EUROPE  # of `TOWARD`
    origin: str = ""  # of `ORIGINS`; "": as the data allow
    weight: str = SEIZURES  # of `WEIGHTS`


@dataclass(frozen=True, slots=True)
class Scene:
    """One idea for a room. `days`: the last ones of the data, when the view has no dates of its own; None then: all."""

    kind: str  # of KEYS_OF_TYPE, but "script"
    title: str  # "": what the figures say
    seconds: int
    view: View = field(default_factory=View)
    days: int | None = None
    zoom: float | None = None  # of a map; None: the territory fills it
    compared: tuple[Territory | None, ...] = ()  # None: France
    text: str = ""
    routes: Routes = field(default_factory=Routes)


@dataclass(frozen=True, slots=True)
class WallScript:
    """What a wall shows, round and round."""

    name: str
    title: str
    screen: Screen
    scenes: tuple[Scene, ...]
    marking: str | None  # of the texts; the data's, where it is higher, stands on the screen
    stale_hours: int | None  # None: that of the settings
    alert_seconds: int  # for which an alert stays before the scenes go on
    time_zone: str
    files: tuple[Path, ...]  # that it was read from, included ones too


def wall_folders(folder: str) -> tuple[Path, ...]:
    """Where scripts are: the user's own folder first, if there is one."""
    return (*((Path(folder),) if folder else ()), SHIPPED)


def script_names(folders: Iterable[Path]) -> list[str]:
    """The names of the scripts in some folders."""
    found = (path.stem for folder in folders for path in folder.glob("*.toml"))
    return sorted({name for name in found if NAME.fullmatch(name)})


def find_script(name: str, folders: Sequence[Path]) -> Path:
    """The file of a script, in the first folder that has it.

    Raises:
        UnknownWallError: None has; it says which ones there are.
    """
    if len(name) <= 60 and NAME.fullmatch(name):
        for folder in folders:
            if (path := folder / f"{name}.toml").is_file():
                return path
    known = script_names(folders)
    raise UnknownWallError(
        N_("Aucun script de mur « {given} ». Scripts : {known}."), given=name[:60], known=", ".join(known) or "—"
    )


def read_script(path: Path, folders: Sequence[Path], known: Geography, chain: tuple[Path, ...] = ()) -> WallScript:
    """Read and check a script, with those that it includes.

    Args:
        folders: Where included scripts are looked for.
        chain: The scripts that include this one, the outermost first.

    Raises:
        WallError: With everything that is wrong in it.
    """
    content, lines = _content(path)
    faults: list[Fault] = []
    top = Section(content, lines.get(0, {}), faults)
    top.only(KEYS_OF_SCRIPT)
    screen = _screen(content.get("ecran", {}), lines.get(-1, {}), top)
    marking = top.choice("mention", [code for code in MARKINGS if code != "demo"])
    zone = top.text("fuseau", 60) or "Europe/Paris"
    if not _is_time_zone(zone):
        top.fault(
            "fuseau", N_("fuseau « {given} » : attendu un nom comme Europe/Paris ou America/Cayenne."), given=zone
        )
    title, stale_hours = top.text("titre", LONGEST_TITLE), top.whole("fraicheur", 1, 100_000)
    alert_seconds = top.whole("alerte", 5, 3600) or DEFAULT_ALERT_S
    scenes, files = _scenes(content.get("scene"), lines, top, _Here(path, folders, known, screen, (*chain, path)))
    if faults:
        raise WallError(path.stem, faults)
    return WallScript(
        name=path.stem, title=title, screen=screen, scenes=tuple(scenes), marking=marking, stale_hours=stale_hours,
        alert_seconds=alert_seconds, time_zone=zone, files=(path, *files),
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Here:
    """What the scenes of a script are read with."""

    path: Path
    folders: Sequence[Path]
    known: Geography
    screen: Screen
    chain: tuple[Path, ...]


def _content(path: Path) -> tuple[dict[str, Any], dict[int, dict[str, int]]]:
    """What the TOML says, and on which line."""

    def refuse(template: str, line: int = 0, **values: object) -> WallError:
        return WallError(path.stem, [Fault(message(template, **values), line)])

    try:
        with path.open("rb") as file:
            raw = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise refuse(N_("fichier illisible ({reason})."), reason=error.strerror or "") from error
    if len(raw) > MOST_BYTES:
        size = path.stat().st_size
        raise refuse(N_("fichier de {given} octets : attendu {most} au plus."), given=size, most=MOST_BYTES)
    try:
        text = raw.decode("utf-8-sig").replace("\r\n", "\n")
        content = tomllib.loads(text)
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise refuse(N_("ce n'est pas de l'UTF-8 : enregistrez le fichier dans cet encodage."), line) from error
    except tomllib.TOMLDecodeError as error:
        raise refuse(N_("ce n'est pas du TOML : {reason}."), reason=str(error)) from error
    except RecursionError as error:
        raise refuse(N_("listes imbriquées trop profondément.")) from error
    return content, lines_of_keys(text)


def _is_time_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # none, no name of one, or a folder of them
        return False
    return True


def _screen(given: object, lines: dict[str, int], top: Section) -> Screen:
    if not isinstance(given, dict):
        top.fault("ecran", N_("« ecran » : attendu une section [ecran] avec diagonale et distance."))
        return Screen()
    section = Section(given, lines, top.faults)
    section.only(KEYS_OF_SCREEN)
    held = Screen()
    diagonal = section.number("diagonale", 10, 500) or held.diagonal_in
    distance = section.number("distance", 0.5, 50) or held.distance_m
    if reason := screen_fault(screen := Screen(diagonal, distance)):
        section.faults.append(Fault(reason, lines.get("diagonale") or lines.get("distance", 0)))
    return screen


def _scenes(
    given: object, lines: dict[int, dict[str, int]], top: Section, here: _Here
) -> tuple[list[Scene], list[Path]]:
    scenes: list[Scene] = []
    files: list[Path] = []
    if not isinstance(given, list) or not given or not all(isinstance(values, dict) for values in given):
        top.fault("scene", N_("aucune scène : attendu au moins une section [[scene]]."))
        return scenes, files
    for number, values in enumerate(given, start=1):
        section = Section(values, lines.get(number, {}), top.faults, number)
        kind = section.choice("type", KEYS_OF_TYPE, needed=True)
        if kind is None:
            continue
        section.only((*KEYS_OF_ALL, *KEYS_OF_TYPE[kind]))
        if kind == "script":
            included = _included(section, here)
            if included is None:
                break  # scripts that include each other many times would be read as many times
            scenes += included.scenes
            files += included.files
        else:
            scenes.append(_scene(kind, section, here))
        if len(scenes) > MOST_SCENES:
            section.fault("nom", N_("plus de {most} scènes avec celles des scripts inclus."), most=MOST_SCENES)
            break
    return scenes, files


def _included(section: Section, here: _Here) -> WallScript | None:
    name = section.text("nom", 60, needed=True)
    if not name:
        return None
    try:
        path = find_script(name, here.folders)
        if path.resolve() in {one.resolve() for one in here.chain}:
            round_trip = " → ".join(one.stem for one in (*here.chain, path))
            section.fault("nom", N_("les scripts s'incluent en rond : {chain}."), chain=round_trip)
            return None
        return read_script(path, here.folders, here.known, here.chain)
    except UnknownWallError as error:
        section.fault("nom", "{reason}", reason=error.message)
    except WallError as error:
        first = error.faults[0].message
        section.fault(
            "nom", N_("le script inclus « {name} » a {count} anomalie(s), dont : {first}"),
            name=name, count=len(error.faults), first=first,
        )  # fmt: skip
    return None


def _scene(kind: str, section: Section, here: _Here) -> Scene:
    seconds = section.whole("duree", 5, 3600) or 30
    title = section.text("titre", LONGEST_TITLE) or ""
    if len(title) > (most := TITLE_LINES * here.screen.letters):
        section.fault(
            "titre", N_("titre de {given} lettres : cet écran en tient {most}, sur {lines} lignes."),
            given=len(title), most=most, lines=TITLE_LINES,
        )  # fmt: skip
    if kind == "texte":
        return Scene(kind, title, seconds, text=section.text("texte", LONGEST_TEXT, needed=True) or "")
    allowed = COMPARED_MEASURES if kind == "comparaison" else None
    view = _view(section, allowed)
    if view.territory is not None:
        _check_territory(section, "territoire", view.territory, here.known)
    days = section.whole("jours", 1, (LATEST - EARLIEST).days)
    if days and (view.start or view.stop):
        section.fault("jours", N_("« jours » ou « du » et « au », pas les deux."))
    if (view.start is None) != (view.stop is None):
        section.fault("du" if view.start else "au", N_("« du » et « au » vont ensemble."))
    length = (view.stop - view.start).days if view.start and view.stop else days or DEFAULT_DAYS
    if kind == "courbe" and length > MOST_DAYS_OF_CURVE:
        section.fault(
            "jours" if days else "du", N_("une courbe de {given} jours : attendu {most} au plus."),
            given=length, most=MOST_DAYS_OF_CURVE,
        )  # fmt: skip
    return Scene(
        kind=kind,
        title=title,
        seconds=seconds,
        view=view,
        days=None if view.start else days or (None if kind == "routes" else DEFAULT_DAYS),
        zoom=section.number("zoom", *ZOOMS),
        compared=_compared(section, here.known) if kind == "comparaison" else (),
        routes=_routes(section) if kind == "routes" else Routes(),
    )


def _view(section: Section, measures: Sequence[str] | None) -> View:
    """The view of a scene, by the rules of the address of a page: what it does not understand is a fault here."""
    params: dict[str, str] = {}
    for key in ("territoire", "du", "au", "mesure", "classes", *FILTERS):
        value = section.codes(key) if key in FILTERS else section.plain(key)
        if value and value != FRANCE:
            params[key] = value
    if measures is not None:
        params["mesure"] = section.choice("mesure", measures) or measures[0]
    for key, value in params.items():
        for error in View.from_params({key: value})[1]:
            section.fault(key, "{reason}", reason=error.message)
    view = View.from_params(params)[0]
    if view.start and view.stop and params.get("du", "") > params.get("au", ""):
        section.fault("du", N_("la période commence le {start}, après sa fin."), start=params["du"])
    return view


def _routes(section: Section) -> Routes:
    said = Routes()
    return Routes(
        toward=section.choice("vers", TOWARD) or said.toward,
        origin=section.choice("origine", ORIGINS) or said.origin,
        weight=section.choice("poids", WEIGHTS) or said.weight,
    )


def _compared(section: Section, known: Geography) -> tuple[Territory | None, ...]:
    found: list[Territory | None] = []
    for text in section.codes("territoires").split(","):
        if not text:
            continue
        view, ignored = View.from_params({"territoire": "" if text == FRANCE else text})
        if ignored:
            section.fault("territoires", "{reason}", reason=ignored[0].message)
        elif view.territory in found:
            section.fault("territoires", N_("« {given} » est comparé à lui-même."), given=text)
        elif view.territory is None or _check_territory(section, "territoires", view.territory, known):
            found.append(view.territory)
    given = section.values.get("territoires")
    count = len(given) if isinstance(given, list) else 0
    if not MIN_COMPARED <= count <= MAX_COMPARED:
        section.fault(
            "territoires", N_("{given} territoire(s) à comparer : attendu une liste de {low} à {high}."),
            given=count, low=MIN_COMPARED, high=MAX_COMPARED,
        )  # fmt: skip
    return tuple(found)


def _check_territory(section: Section, key: str, territory: Territory, known: Geography) -> bool:
    try:
        known.name(territory)
    except QueryError as error:
        codes = known.territories(territory.kind)["code"].tolist()
        close = get_close_matches(territory.code, codes, 1, 0.6)
        near = message(N_(" Le plus proche : {kind}:{code}."), kind=territory.kind, code=close[0]) if close else ""
        section.fault(key, "{reason}{near}", reason=error.message, near=near)
        return False
    return True
