"""Files we can make again: where they lie, and how they are written without ever being half there."""

from __future__ import annotations

import hashlib
import logging
import os
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

logger = logging.getLogger(__name__)


def cache_folder() -> Path:
    """`HEXACROSS_CACHE`, otherwise `hexacross` in the user's folder for such files."""
    given = os.environ.get("HEXACROSS_CACHE")
    if given:
        return Path(given)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "hexacross"


def digest_of(paths: Iterable[Path]) -> str:
    """Short SHA-256 over the content of files: whatever is made of them is known by it."""
    digest = hashlib.sha256()
    for path in paths:
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:16]


def store_file(path: Path, write: Callable[[Path], None]) -> bool:
    """Have `write` make `path`, seen by others only when whole. False, with a warning: it could not be written.

    Two processes may do it at once: both write the same content, and the last one to finish stays.
    """
    temporary: Path | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=path.stem + ".", suffix=path.suffix, dir=path.parent)
        os.close(handle)
        temporary = Path(name)
        write(temporary)
        temporary.chmod(0o644)  # mkstemp's is for its owner only; a shared cache is read by all
        temporary.replace(path)
    except OSError as error:
        logger.warning("cache not written, will be computed again next time: %s (%s)", path, error)
        return False
    else:
        temporary = None
        return True
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)
