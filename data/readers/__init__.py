"""Readers: from a file as someone exported it to validated lines in chunks.

`formats` says what a file is, `text` and `tables` stream its records, one module a layout knows what they mean:
`canonical` (ours), `mapped` (any other, through a TOML mapping), `unodc`, `ssmsi`.
"""

from __future__ import annotations

from pathlib import Path

from data.mapping import read_mapping
from data.readers import ssmsi, unodc
from data.readers.canonical import open_canonical
from data.readers.formats import recognise_format
from data.readers.mapped import open_mapped
from data.readers.options import Options
from data.readers.source import SourceFile
from data.readers.text import read_header, sniff

__all__ = ["Options", "SourceFile", "open_source"]


def open_source(path: Path | str, mapping: Path | str | None = None, options: Options | None = None) -> SourceFile:
    """Recognise a file and say how it will be read; its lines come with `.chunks()`.

    Raises:
        UnreadableFileError: No reader takes it.
        PersonalDataError: A column looks like data on persons.
        MappingError: The mapping is wrong, or does not fit the file.
    """
    path, options = Path(path), options or Options()
    kind = recognise_format(path)
    if mapping is not None:
        return open_mapped(path, kind, read_mapping(mapping), options)
    if kind != "text":
        return open_canonical(path, kind, None, options)
    layout = sniff(path)
    header = read_header(path, layout)
    if unodc.matches(header):
        return unodc.open_unodc(path, layout, options)
    if ssmsi.matches(path, header):
        return ssmsi.open_ssmsi(path, layout, header, options)
    return open_canonical(path, kind, layout, options)
