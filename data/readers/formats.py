"""What a file is, judged by its first bytes rather than by its name; and its digest."""

from __future__ import annotations

import gzip
import hashlib
import shutil
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from data.errors import UnreadableFileError
from geo.errors import N_

Format = Literal["text", "parquet", "geojson", "geopackage"]

SNIFFED_BYTES = 65_536
GZIP_MAGIC = b"\x1f\x8b"
# Files people try to load, by their first bytes: what to say is worth more than "binary".
FOREIGN = (
    (b"\x89PNG", "une image PNG"),
    (b"\xff\xd8\xff", "une image JPEG"),
    (b"%PDF", "un document PDF"),
    (b"PK\x03\x04", "une archive ZIP ou un classeur Excel (.xlsx) ou LibreOffice (.ods)"),
    (b"\xd0\xcf\x11\xe0", "un ancien fichier Office (.xls, .doc)"),
    (b"7z\xbc\xaf", "une archive 7-Zip"),
    (b"\x28\xb5\x2f\xfd", "une archive Zstandard"),
)

NO_SUCH_FILE = N_("Fichier introuvable : {given}. Vérifier le chemin.")
A_FOLDER = N_("{given} est un dossier. Attendu un fichier : CSV, Parquet, GeoJSON, GeoPackage ou GeoParquet.")
NO_RIGHT = N_("Fichier illisible : {given} ({reason}). Vérifier les droits de lecture.")
EMPTY = N_("Le fichier {given} est vide.")
FOREIGN_FORMAT = N_(
    "{given} est {kind}, pas un fichier de données. Attendu CSV, Parquet, GeoJSON, GeoPackage ou GeoParquet ; "
    "depuis un tableur, enregistrer en CSV."
)
BINARY = N_("{given} est un fichier binaire inconnu. Attendu CSV, Parquet, GeoJSON, GeoPackage ou GeoParquet.")
TRUNCATED = N_(
    "Le fichier {given} est tronqué ou abîmé ({reason}). Le copier ou le télécharger à nouveau ; rien n'a été chargé."
)


def check_readable(path: Path) -> None:
    """Raise `UnreadableFileError` for a missing file, a folder, no right to read, an empty file."""
    try:
        if path.is_dir():
            raise UnreadableFileError(A_FOLDER, given=path.name)
        with path.open("rb") as file:
            empty = not file.read(1)
    except FileNotFoundError as error:
        raise UnreadableFileError(NO_SUCH_FILE, given=str(path)) from error
    except OSError as error:
        raise UnreadableFileError(NO_RIGHT, given=str(path), reason=error.strerror or type(error).__name__) from error
    if empty:
        raise UnreadableFileError(EMPTY, given=path.name)


def is_gzip(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(2) == GZIP_MAGIC


def first_bytes(path: Path, size: int = SNIFFED_BYTES) -> bytes:
    """The beginning of the content, decompressed when it is gzip."""
    with damage_told(path):
        if is_gzip(path):
            with gzip.open(path) as file:
                return file.read(size)
        with path.open("rb") as file:
            return file.read(size)


@contextmanager
def damage_told(path: Path) -> Iterator[None]:
    """Turn what a damaged gzip raises, here or deep inside a parser, into `UnreadableFileError`."""
    try:
        yield
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise UnreadableFileError(TRUNCATED, given=path.name, reason=str(error)) from error


def recognise_format(path: Path) -> Format:
    """Which family of readers takes the file; raises `UnreadableFileError` when none does."""
    check_readable(path)
    start = first_bytes(path)
    if not start.strip(b"\xef\xbb\xbf \t\r\n"):
        raise UnreadableFileError(EMPTY, given=path.name)
    if start.startswith(b"PAR1"):
        return "parquet"
    if start.startswith(b"SQLite format 3\x00"):
        return "geopackage"
    for magic, kind in FOREIGN:
        if start.startswith(magic):
            raise UnreadableFileError(FOREIGN_FORMAT, given=path.name, kind=kind)
    if start.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{"):
        return "geojson"
    if b"\x00" in start and not looks_like_utf_16(start):
        raise UnreadableFileError(BINARY, given=path.name)
    return "text"


def looks_like_utf_16(start: bytes) -> bool:
    """A byte order mark, or a zero in every other byte as Latin letters give."""
    if start[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return True
    even, odd = start[0::2], start[1::2]
    half = max(1, len(start) // 2)
    shares = sorted((even.count(0) / half, odd.count(0) / half))
    return shares[0] < 0.02 and shares[1] > 0.7


def digest(path: Path) -> str:
    """SHA-256 of the file as it lies on the disk."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def decompressed(path: Path) -> Iterator[Path]:
    """The path itself, or that of a decompressed copy that lives as long as the block."""
    if not is_gzip(path):
        yield path
        return
    with tempfile.TemporaryDirectory(prefix="hexacross-") as folder, damage_told(path):
        copy = Path(folder) / path.name.removesuffix(".gz")
        with gzip.open(path) as source, copy.open("wb") as target:
            shutil.copyfileobj(source, target, 1 << 20)
        yield copy
