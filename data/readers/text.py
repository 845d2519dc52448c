"""Delimited text: find its encoding and separator, then stream records with the line each begins on."""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO, cast

import charset_normalizer
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from data.errors import UnreadableFileError
from data.readers.formats import damage_told, is_gzip
from data.refusals import Refusals
from geo.errors import N_

SEPARATORS = (";", ",", "\t", "|")
SAMPLE_LINES = 200
BLOCK_BYTES = 1 << 22
CHUNK_RECORDS = 200_000
# One-byte encodings of French files, likeliest first, and what a right decoding of French shows beyond ASCII.
ONE_BYTE_ENCODINGS = ("cp1252", "cp850", "mac_roman")
FRENCH_SIGNS = frozenset("àâäæçéèêëîïôöœùûüÿÀÂÄÆÇÉÈÊËÎÏÔÖŒÙÛÜŸ«»’‘“”–—…°€²³·ñÑáÁíÍóÓúÚ\u00a0\u202f")
SURE_SHARE = 0.9  # of the signs beyond ASCII

UNKNOWN_ENCODING = N_(
    "Encodage du fichier {given} non reconnu (ni UTF-8, ni UTF-16, ni Windows-1252){guess}. L'enregistrer en UTF-8, "
    "ou indiquer `encoding` dans un mapping."
)
WRONG_ENCODING = N_(
    "Le fichier {given} n'est pas en {encoding} (octet illisible : {reason}). Corriger `encoding` dans le mapping."
)
NO_SEPARATOR = N_(
    "Aucun séparateur de colonnes reconnu dans {given}. Attendu « ; », « , », tabulation ou « | » ; première ligne : "
    "« {line} »."
)
NO_HEADER = N_("Le fichier {given} n'a pas de ligne d'en-tête.")
HEADER_ONLY = N_("Le fichier {given} n'a qu'une ligne d'en-tête : aucune donnée.")
TWICE = N_("Colonne écrite deux fois dans {given} : {columns}. Chaque colonne doit avoir son nom.")
ENDLESS_FIELD = N_(
    "Un champ de {given} commencé ligne {line} n'en finit pas : guillemet ouvert et jamais fermé, sans doute."
)
WRONG_WIDTH = N_("Ligne de {given} champs. Attendu {expected} champs, comme l'en-tête.")
OPEN_QUOTE = N_(
    "Enregistrement sur plusieurs lignes : guillemet jamais fermé ? {given} champs. Attendu {expected} champs, comme"
    " l'en-tête."
)


@dataclass(frozen=True, slots=True)
class TextLayout:
    """How a delimited file is written. `assumed`: what was guessed rather than told."""

    encoding: str
    separator: str
    skip_lines: int = 0
    assumed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Records:
    """Records as they stand in a file: one column for each of its own, the line each begins on, and those that
    could not be cut into fields, already refused."""

    columns: pa.Table
    refusals: Refusals


def open_text(path: Path, encoding: str) -> io.TextIOWrapper:
    """The decoded content, line ends untouched; gzip is read through."""
    return io.TextIOWrapper(_open_bytes(path), encoding=encoding, newline="")


def sniff(path: Path, encoding: str | None = None, separator: str | None = None, skip_lines: int = 0) -> TextLayout:
    """Find what is not given. Raises `UnreadableFileError` rather than guess badly."""
    assumed: tuple[str, ...] = ()
    if encoding is None:
        encoding, certain = find_encoding(path)
        assumed += () if certain else ("encoding",)
    layout = TextLayout(encoding, separator or ",", skip_lines, assumed)
    if separator is None:
        layout = replace(layout, separator=_find_separator(path, layout), assumed=(*assumed, "separator"))
    return layout


def find_encoding(path: Path) -> tuple[str, bool]:
    """Name of the encoding, and whether it is certain (a byte order mark, or valid UTF-8 from end to end)."""
    with damage_told(path), _open_bytes(path) as file:
        start = file.read(BLOCK_BYTES)
        if start.startswith(codecs.BOM_UTF8):
            return "utf-8-sig", True
        if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            return "utf-16", True
        if b"\x00" in start[:1024]:
            return ("utf-16-le" if start[1:2] == b"\x00" else "utf-16-be"), False
        decoder = codecs.getincrementaldecoder("utf-8")()
        block = start
        while block:
            try:
                decoder.decode(block)
            except UnicodeDecodeError:
                return _one_byte_encoding(path, block), False
            block = file.read(BLOCK_BYTES)
        return "utf-8", True


def _open_bytes(path: Path) -> BinaryIO:
    return cast("BinaryIO", gzip.open(path)) if is_gzip(path) else path.open("rb")


def _one_byte_encoding(path: Path, block: bytes) -> str:
    """The encoding whose letters beyond ASCII are those of French; a tie goes to Windows-1252."""
    lines = [line for line in block.splitlines() if not line.isascii()][:5000]
    sample = b"\n".join(lines)
    shares = {}
    for encoding in ONE_BYTE_ENCODINGS:
        text = sample.decode(encoding, errors="replace")
        signs = [sign for sign in text if ord(sign) > 127]
        shares[encoding] = sum(sign in FRENCH_SIGNS for sign in signs) / max(1, len(signs))
    best = max(shares, key=lambda encoding: shares[encoding])
    if shares[best] >= SURE_SHARE:
        return best
    match = charset_normalizer.from_bytes(sample[:100_000]).best()
    guess = f" ; peut-être {match.encoding}" if match is not None else ""
    raise UnreadableFileError(UNKNOWN_ENCODING, given=path.name, guess=guess)


def _sample(path: Path, layout: TextLayout) -> list[str]:
    """The first physical lines after those to skip, without blank ones."""
    with decoding_told(path, layout), open_text(path, layout.encoding) as text:
        lines = [text.readline(1_000_000) for _ in range(layout.skip_lines + SAMPLE_LINES)]
    return [line for line in lines[layout.skip_lines :] if line.strip()]


def _find_separator(path: Path, layout: TextLayout) -> str:
    """The separator that cuts most lines into as many fields as the header, and into more than one."""
    lines = _sample(path, layout)
    if not lines:
        raise UnreadableFileError(NO_HEADER, given=path.name)
    scores = {separator: _separator_score(lines, separator) for separator in SEPARATORS}
    best = max(scores, key=lambda separator: scores[separator])
    if scores[best] == (0.0, 0):
        raise UnreadableFileError(NO_SEPARATOR, given=path.name, line=lines[0].strip()[:100])
    return best


def _separator_score(lines: Sequence[str], separator: str) -> tuple[float, int]:
    rows = [row for row in csv.reader(lines, delimiter=separator) if row]
    width = len(rows[0])
    if width < 2:
        return 0.0, 0
    return round(sum(len(row) == width for row in rows) / len(rows), 1), width


def read_header(path: Path, layout: TextLayout) -> list[str]:
    """Names of the columns, trimmed; a name left blank becomes `colonne 5`."""
    with decoding_told(path, layout), open_text(path, layout.encoding) as text:
        for _ in range(layout.skip_lines):
            text.readline()
        row = next((row for row in csv.reader(text, delimiter=layout.separator) if row), None)
    if row is None:
        raise UnreadableFileError(NO_HEADER, given=path.name)
    names = [clean_name(name) or f"colonne {number}" for number, name in enumerate(row, 1)]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise UnreadableFileError(TWICE, given=path.name, columns=", ".join(twice))
    return names


def clean_name(name: str) -> str:
    """A column's name in composed Unicode, without outer spaces or a stray byte order mark."""
    return unicodedata.normalize("NFC", name).strip("\ufeff \t\u00a0")


def read_records(path: Path, layout: TextLayout, size: int = CHUNK_RECORDS) -> Iterator[Records]:
    """Stream the records under the header, `size` at a time. Raises `UnreadableFileError` for a damaged file."""
    names = read_header(path, layout)
    any_record = False
    with decoding_told(path, layout), open_text(path, layout.encoding) as text:
        for rows, starts, ends in _cut(path, text, layout, size):
            any_record = True
            yield _assemble(names, rows, starts, ends)
    if not any_record:
        raise UnreadableFileError(HEADER_ONLY, given=path.name)


Cut = tuple[list[list[str]], list[int], list[int]]


def _cut(path: Path, text: io.TextIOWrapper, layout: TextLayout, size: int) -> Iterator[Cut]:
    """Rows with the physical lines each begins and ends on."""
    for _ in range(layout.skip_lines):
        text.readline()
    reader = csv.reader(text, delimiter=layout.separator)
    rows: list[list[str]] = []
    starts: list[int] = []
    ends: list[int] = []
    header_seen = False
    end = 0
    try:
        for row in reader:
            start, end = end + 1, reader.line_num
            if not row:
                continue
            if not header_seen:
                header_seen = True
                continue
            rows.append(row)
            starts.append(start + layout.skip_lines)
            ends.append(end + layout.skip_lines)
            if len(rows) == size:
                yield rows, starts, ends
                rows, starts, ends = [], [], []
    except csv.Error as error:
        raise UnreadableFileError(ENDLESS_FIELD, given=path.name, line=end + 1 + layout.skip_lines) from error
    if rows:
        yield rows, starts, ends


def _assemble(names: list[str], rows: list[list[str]], starts: list[int], ends: list[int]) -> Records:
    width = len(names)
    lines = np.array(starts, dtype=np.int64)
    refusals = Refusals(lines)
    odd = [position for position, row in enumerate(rows) if len(row) != width]
    if odd:
        _refuse_odd(rows, odd, width, lines, np.array(ends, dtype=np.int64), refusals)
    columns = [pa.array(values, pa.string()) for values in zip(*rows, strict=True)]
    return Records(pa.table(columns, names=names), refusals)


def _refuse_odd(
    rows: list[list[str]],
    odd: list[int],
    width: int,
    lines: NDArray[np.int64],
    ends: NDArray[np.int64],
    refusals: Refusals,
) -> None:
    """Refuse rows of another width, and give them the header's so that columns can be built. Blank fields too many
    at the end (a separator that closes each line) are no fault."""
    bad = np.zeros(len(rows), dtype=bool)
    widths: list[str | None] = [None] * len(rows)
    for position in odd:
        row = rows[position]
        if len(row) < width or any(row[width:]):
            bad[position] = True
            widths[position] = str(len(row))
        rows[position] = (row + [""] * width)[:width]
    several = bad & (ends > lines)
    given = pa.array(widths, pa.string())
    refusals.add_whole_lines(several, given, OPEN_QUOTE, str(width))
    refusals.add_whole_lines(bad & ~several, given, WRONG_WIDTH, str(width))


@contextmanager
def decoding_told(path: Path, layout: TextLayout) -> Iterator[None]:
    """Turn what a wrong encoding or a damaged gzip raises while text is read into `UnreadableFileError`."""
    try:
        with damage_told(path):
            yield
    except UnicodeError as error:
        reason = str(error)[:120]
        raise UnreadableFileError(WRONG_ENCODING, given=path.name, encoding=layout.encoding, reason=reason) from error
