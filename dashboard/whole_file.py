"""A small JSON file that people's settings are kept in: read whole or refused, replaced whole or left as it was."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from geo.errors import N_, HexacrossError

Held = TypeVar("Held")
Refusal = Callable[..., HexacrossError]  # makes the error that says what to do; given the `reason`


class _TooLargeError(HexacrossError, ValueError):
    pass


def read_whole(path: Path, most_bytes: int, take: Callable[[Any], Held], refusal: Refusal) -> Held | None:
    """What `take` makes of the file's content, None without a file.

    Raises:
        HexacrossError: `refusal`, if it is not JSON, is too large, or not what `take` expects.
    """
    try:
        if path.stat().st_size > most_bytes:
            raise _TooLargeError(N_("plus de {most} octets"), most=most_bytes)
        return take(json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        reason = error.message if isinstance(error, HexacrossError) else f"{type(error).__name__} {error}"
        raise refusal(reason=reason) from error


def keep_whole(path: Path, value: Any, refusal: Refusal) -> None:
    """Put the value, which JSON can hold, in place of the content. Raises `refusal`; nothing has changed then."""
    try:
        _replace(path, json.dumps(value, ensure_ascii=False, indent=1) + "\n")
    except OSError as error:
        raise refusal(reason=error.strerror or error) from error


def _replace(path: Path, text: str) -> None:
    """Beside the file, to the disk, then in its place: a cut leaves the one or the other, never a part."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, beside = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # readable by us alone
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, path)
    except OSError:
        Path(beside).unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
