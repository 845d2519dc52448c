"""Views that people saved by name: an address each, in a file read again at each look, written whole or not at all."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from dashboard.whole_file import keep_whole, read_whole
from geo.errors import N_, HexacrossError

LONGEST_NAME = 80  # characters
LONGEST_ADDRESS = 8_000
MOST_VIEWS = 100  # of one person
MOST_BYTES = 4_000_000
ADDRESS = re.compile(r"/[a-z-]*(\?[!-~]*)?")  # of a page of ours: no other host, no other scheme, nothing unprintable
UNREADABLE = N_(
    "Le fichier des vues enregistrées {path} ne peut être lu : {reason}. Corrigez-le, ou déplacez-le pour repartir"
    " sans vue ; d'ici là, rien n'y est écrit."
)
UNWRITABLE = N_("Le fichier des vues enregistrées {path} ne peut être écrit : {reason}. Rien n'a changé.")

_writing = threading.Lock()


class SavedViewError(HexacrossError, ValueError):
    """A view that cannot be saved, or a file of views that cannot be read or written."""


@dataclass(frozen=True, slots=True)
class SavedView:
    """A name that is whatever its author typed, and the address of a page: `/controles?territoire=cross:lille`."""

    name: str
    address: str


def checked(view: SavedView) -> SavedView:
    """The view; raises `SavedViewError` for one that could not be shown in a list or opened."""
    name = view.name.strip()
    if not name or len(name) > LONGEST_NAME or not name.isprintable():
        raise SavedViewError(
            N_("Nom « {given} » : attendu de 1 à {most} caractères, sur une ligne."),
            given=name[:LONGEST_NAME],
            most=LONGEST_NAME,
        )
    if len(view.address) > LONGEST_ADDRESS or not ADDRESS.fullmatch(view.address):
        raise SavedViewError(
            N_("Adresse « {given} » : attendu celle d'une page de Hexacross."), given=view.address[:LONGEST_NAME]
        )
    return SavedView(name, view.address)


def read_views(path: Path, viewer: str) -> tuple[SavedView, ...]:
    """The views of one person, by name; none without a file. Raises `SavedViewError` naming the file and its fault."""
    return tuple(sorted(_read(path).get(viewer, ()), key=lambda view: view.name.casefold()))


def save_view(path: Path, viewer: str, view: SavedView) -> None:
    """Add a view, or give the one of the same name another address. Raises `SavedViewError`, as all that write."""
    kept = checked(view)
    _change(path, viewer, lambda views: [*(held for held in views if held.name != kept.name), kept])


def delete_view(path: Path, viewer: str, name: str) -> None:
    """Forget the view of that name."""
    _change(path, viewer, lambda views: [held for held in views if held.name != name])


def _read(path: Path) -> dict[str, list[SavedView]]:
    """Everybody's views. Raises `SavedViewError`."""
    return read_whole(path, MOST_BYTES, _read_all, partial(SavedViewError, UNREADABLE, path=path)) or {}


def _read_all(held: dict[str, Any]) -> dict[str, list[SavedView]]:
    return {
        str(viewer): [checked(SavedView(str(view["name"]), str(view["address"]))) for view in views]
        for viewer, views in held["views"].items()
    }


def _change(path: Path, viewer: str, change: Callable[[list[SavedView]], list[SavedView]]) -> None:
    """Write what becomes of one person's views; a file that cannot be read is left as it is, for someone to look at."""
    with _writing:
        held = _read(path)
        held[viewer] = change(held.get(viewer, []))
        if len(held[viewer]) > MOST_VIEWS:
            raise SavedViewError(N_("{most} vues au plus : supprimez-en une."), most=MOST_VIEWS)
        written = {
            name: [{"name": view.name, "address": view.address} for view in views] for name, views in held.items()
        }
        keep_whole(path, {"views": written}, partial(SavedViewError, UNWRITABLE, path=path))
