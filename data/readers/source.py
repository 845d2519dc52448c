"""What `open_source` answers: a recognised file, its batch, and its lines in validated chunks."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from data.readers.formats import digest
from data.store import Batch, Chunk


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file that a reader takes. `assumed`: what the reader had to guess (encoding, separator) and its value."""

    batch: Batch
    read: Callable[[], Iterator[Chunk]]
    assumed: dict[str, str] = field(default_factory=dict)

    def chunks(self) -> Iterator[Chunk]:
        """Read the file from its beginning; may raise `UnreadableFileError` when damage shows only later."""
        return self.read()


def make_batch(path: Path, reader: str, source: str, marking: str) -> Batch:
    """A batch is named by what it holds and how it was read: the same twice gives the same name."""
    content = digest(path)
    name = hashlib.blake2b(f"{content}\n{reader}".encode(), digest_size=8).hexdigest()
    return Batch(batch_id=name, name=path.name, digest=content, reader=reader, source=source, marking=marking)
