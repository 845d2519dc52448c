"""Whether the lists in their folder are still those in use: they may be edited, and wrong, while we run."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Literal, NamedTuple

from data.lists import COLUMNS, Lists, ListsError, lists_folder, read_lists

Stamp = tuple[tuple[str, int, int], ...]


class ListsState(NamedTuple):
    """`wrong`: what was edited contradicts itself, and stays out of use; see `error`."""

    state: Literal["in use", "edited", "wrong"]
    error: ListsError | None = None


def lists_state(used: Lists) -> ListsState:
    """Compare the folder with what is in use; it is read again only once a file has changed."""
    try:
        found = _read(_stamp(lists_folder()))
    except ListsError as error:
        return ListsState("wrong", error)
    return ListsState("in use" if found == used else "edited")


@lru_cache(maxsize=1)
def _read(stamp: Stamp) -> Lists:
    """`stamp` stands for the content of the folder."""
    return read_lists()


def _stamp(folder: Path) -> Stamp:
    paths = [path for path in (folder / name for name in COLUMNS) if path.is_file()]
    return tuple((str(path), path.stat().st_mtime_ns, path.stat().st_size) for path in paths)
