"""Files that are no files of facts: each is refused with a message that an officer understands."""

from __future__ import annotations

import gzip
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from data.errors import UnreadableFileError
from data.readers import Options, open_source
from tests.data.files import GOOD, TODAY, csv_text, good, outcome, write_csv, write_parquet, write_points

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 4
RANDOM = np.random.default_rng(1).bytes(5000)
HEADER = ";".join(GOOD) + "\n"

Make = Callable[[Path], Path]


def holding(name: str, content: bytes) -> Make:
    def make(folder: Path) -> Path:
        (folder / name).write_bytes(content)
        return folder / name

    return make


def cut(write: Make, keep: float) -> Make:
    """The beginning of a file only."""

    def make(folder: Path) -> Path:
        path = write(folder)
        content = path.read_bytes()
        path.write_bytes(content[: int(len(content) * keep)])
        return path

    return make


def many(folder: Path, name: str) -> Path:
    rows = [good(n, drug_label=str(n * 7919)) for n in range(3000)]
    path = folder / name
    if name.endswith(".parquet"):
        return write_parquet(path, rows)
    if name.endswith((".geojson", ".gpkg")):
        return write_points(path, rows)
    return write_csv(path, rows)


def endless_quote(folder: Path) -> Path:
    rows = csv_text([good(n, drug_label="x" * 50) for n in range(3000)]).splitlines()
    rows[3] = rows[3].replace("xxx", '"xxx', 1).replace(";x", ';"x', 1)
    (folder / "a.csv").write_text("\n".join(rows), encoding="utf-8")
    return folder / "a.csv"


REFUSED: dict[str, tuple[Make, str]] = {
    "missing": (lambda folder: folder / "absent.csv", "introuvable"),
    "a folder": (lambda folder: folder, "est un dossier"),
    "empty": (holding("a.csv", b""), "est vide"),
    "blank": (holding("a.csv", b"\xef\xbb\xbf \r\n\r\n"), "est vide"),
    "empty gzip": (holding("a.csv.gz", gzip.compress(b"")), "est vide"),
    "header only": (holding("a.csv", HEADER.encode()), "qu'une ligne d'en-tête"),
    "picture": (holding("a.csv", PNG), "est une image PNG"),
    "picture in gzip": (holding("a.csv.gz", gzip.compress(PNG)), "est une image PNG"),
    "workbook": (holding("a.csv", b"PK\x03\x04" + RANDOM), "classeur Excel.*enregistrer en CSV"),
    "PDF": (holding("a.csv", b"%PDF-1.7\n" + RANDOM), "document PDF"),
    "random bytes": (holding("a.csv", RANDOM), "fichier binaire inconnu"),
    "gzip cut": (cut(lambda folder: many(folder, "a.csv.gz"), 0.7), "tronqué"),
    "gzip head damaged": (holding("a.csv.gz", b"\x1f\x8b" + RANDOM), "tronqué ou abîmé"),
    "Parquet cut": (cut(lambda folder: many(folder, "a.parquet"), 0.6), "tronqué ou abîmé"),
    "GeoPackage cut": (cut(lambda folder: many(folder, "a.gpkg"), 0.3), "tronqué ou abîmé"),
    "GeoJSON cut": (cut(lambda folder: many(folder, "a.geojson"), 0.6), "tronqué ou abîmé"),
    "no separator": (holding("a.csv", b"bonjour\nau revoir\n"), "Aucun séparateur"),
    "other separator": (holding("a.csv", csv_text([GOOD]).replace(";", "^").encode()), "Aucun séparateur"),
    "other encoding": (holding("a.csv", (HEADER + "ключ;данные;ещё\n" * 50).encode("koi8-r")), "Encodage.*non reconnu"),
    "column twice": (holding("a.csv", b"source;family;source\na;b;c\n"), "écrite deux fois.*source"),
    "quote never closed": (endless_quote, "guillemet ouvert"),
    "other layout": (holding("a.csv", b"ville;nombre\nLyon;3\n"), "Disposition inconnue.*mapping"),
    "GeoJSON without features": (
        holding("a.geojson", b'{"type":"FeatureCollection","features":[]}'),
        "aucun enregistrement",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused_with_a_message(tmp_path: Path, name: str) -> None:
    make, words = REFUSED[name]
    path = make(tmp_path)
    with pytest.raises(UnreadableFileError, match=words) as told:
        for _ in open_source(path, options=Options(today=TODAY)).chunks():
            pass
    assert path.name in str(told.value)


def test_no_right_to_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Simulated: the tests may run as root, for whom nothing is forbidden."""
    path = write_csv(tmp_path / "a.csv", [GOOD])

    def forbidden(*_: object, **__: object) -> None:
        raise PermissionError(13, os.strerror(13))

    monkeypatch.setattr(Path, "open", forbidden)
    with pytest.raises(UnreadableFileError, match="droits de lecture"):
        open_source(path)


def test_the_name_of_a_file_says_nothing(tmp_path: Path) -> None:
    """A Parquet file named .csv, a CSV named .parquet, a gzip without .gz."""
    parquet = write_parquet(tmp_path / "a.csv", [GOOD])
    text = write_csv(tmp_path / "b.parquet", [GOOD])
    packed = tmp_path / "c.csv"
    packed.write_bytes(gzip.compress(csv_text([GOOD]).encode()))
    assert {outcome(path).rows[0]["event_id"] for path in (parquet, text, packed)} == {"PN exemple:1"}


def test_parquet_in_gzip(tmp_path: Path) -> None:
    packed = tmp_path / "a.parquet.gz"
    packed.write_bytes(gzip.compress(write_parquet(tmp_path / "a.parquet", [GOOD]).read_bytes()))
    assert len(outcome(packed).rows) == 1


def test_an_unclosed_quote_near_the_end_costs_one_line_not_the_sums(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    text = csv_text([good(1, drug_label="a"), good(2, drug_label="b"), good(3, drug_label="c")])
    path.write_text(text.replace(";b", ';"b'), encoding="utf-8")
    result = outcome(path)
    assert (result.lines, len(result.rows)) == (2, 1)
    assert (result.refusals[0]["line"], result.refusals[0]["field"]) in ((3, ""), (3, "drug_label"))


def test_line_ends_of_every_system(tmp_path: Path) -> None:
    for name, end in (("unix", "\n"), ("windows", "\r\n"), ("old mac", "\r")):
        path = tmp_path / f"{name}.csv"
        path.write_text(
            csv_text([good(1), good(2, kind="?"), good(3)]).replace("\n", end), encoding="utf-8", newline=""
        )
        result = outcome(path)
        assert (result.event_lines, [r["line"] for r in result.refusals]) == ([2, 4], [3]), name


def test_a_zero_byte_deep_in_a_text_is_refused_with_its_line(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "a.csv", [good(n, drug_label="a" * 60) for n in range(2000)])
    content = path.read_bytes()
    last = content.rindex(b"aaaa")
    path.write_bytes(content[:last] + b"\x00" + content[last:])
    result = outcome(path)
    assert [(r["line"], r["field"]) for r in result.refusals] == [(2001, "drug_label")]
