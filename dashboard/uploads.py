"""Files from a browser: on the disk only while they are read, and what is understood of them before any loading."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Protocol

import pyarrow as pa
import pyarrow.compute as pc
from streamlit.runtime.uploaded_file_manager import UploadedFile, UploadedFileRec

from data.readers import Options, SourceFile, open_source
from data.store import Chunk
from data.vocabulary import HEXAGON_PRECISIONS

SAMPLE_ROWS = 20
COPIED_AT_ONCE = 2**20  # bytes


class Upload(Protocol):
    """What Streamlit hands over."""

    name: str
    size: int  # bytes

    def read(self, size: int = -1, /) -> bytes: ...

    def seek(self, offset: int, /) -> int: ...


def _same_bytes(upload: UploadedFile, _memo: object) -> UploadedFile:
    record = UploadedFileRec(upload.file_id, upload.name, upload.type, upload.getvalue())
    return UploadedFile(record, upload._file_urls)


# Streamlit copies the value of every widget at each run of a page, files of a gigabyte included: let copies share it.
UploadedFile.__deepcopy__ = _same_bytes  # type: ignore[attr-defined]  # copy.deepcopy looks for it; the class has none


@dataclass(frozen=True, slots=True)
class Understanding:
    """A file as a reader takes it, judged on its first lines (`lines` of them)."""

    reader: str
    source: str
    marking: str
    assumed: dict[str, str] = field(default_factory=dict)
    lines: int = 0
    refused: int = 0
    columns: tuple[str, ...] = ()  # of our schema, those that hold something
    in_hexagons: int = 0
    first_day: date | None = None
    last_day: date | None = None
    sample: pa.Table | None = None


@contextmanager
def on_disk(upload: Upload, mapping: str = "") -> Iterator[tuple[Path, Path | None]]:
    """The file under its own name, and its mapping, in a folder that is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="hexacross-") as folder:
        path = Path(folder) / own_name(upload.name)
        upload.seek(0)
        with path.open("wb") as file:
            shutil.copyfileobj(upload, file, COPIED_AT_ONCE)  # never a second copy of it all in memory
        if not mapping.strip():
            yield path, None
            return
        written = Path(folder) / "mapping" / "mapping.toml"
        written.parent.mkdir()
        written.write_text(mapping, encoding="utf-8")
        yield path, written


def expected_lines(upload: Upload) -> int | None:
    """About how many lines a text has, judged on its beginning; None for what is no plain text."""
    upload.seek(0)
    beginning = upload.read(COPIED_AT_ONCE)
    lines = beginning.count(b"\n")
    if not lines or b"\0" in beginning:
        return None
    return round(upload.size * lines / len(beginning))


def own_name(name: str) -> str:
    """The last part of a name that may come from any system."""
    last = PurePosixPath(PureWindowsPath(name).name).name.replace("\0", "")
    return last[-120:] if last not in ("", ".", "..") else "fichier"


def understand(path: Path, mapping: Path | None, options: Options) -> Understanding:
    """Read the beginning of a file. Raises what `open_source` raises."""
    source = open_source(path, mapping, options)
    chunk = next(source.chunks(), None)
    understood = _empty(source)
    return understood if chunk is None else _judged(understood, chunk)


def _empty(source: SourceFile) -> Understanding:
    batch = source.batch
    return Understanding(batch.reader, batch.source, batch.marking, dict(source.assumed))


def _judged(known: Understanding, chunk: Chunk) -> Understanding:
    table = chunk.events if chunk.events is not None else chunk.indicators
    refused = 0 if chunk.refusals is None else len(pc.unique(chunk.refusals["line"]))
    columns, first, last, in_hexagons = (), None, None, 0
    if table is not None and table.num_rows:
        columns = tuple(name for name in table.column_names if table[name].null_count < table.num_rows)
    if chunk.events is not None and chunk.events.num_rows:
        days = pc.min_max(chunk.events["day"])
        first, last = days["min"].as_py(), days["max"].as_py()
        precision = chunk.events["place_precision"].cast(pa.string())
        in_hexagons = pc.sum(pc.is_in(precision, pa.array(HEXAGON_PRECISIONS))).as_py() or 0
    return Understanding(
        known.reader, known.source, known.marking, known.assumed,
        lines=chunk.lines, refused=refused, columns=columns, in_hexagons=in_hexagons,
        first_day=first, last_day=last, sample=None if chunk.events is None else chunk.events.slice(0, SAMPLE_ROWS),
    )  # fmt: skip
