"""Files from a browser: written to disk piece by piece, and how long they are."""

from __future__ import annotations

import copy
import gzip
import io
import tracemalloc
from pathlib import Path

import pytest
from streamlit.proto.Common_pb2 import FileURLs
from streamlit.runtime.uploaded_file_manager import UploadedFile, UploadedFileRec

from dashboard.uploads import COPIED_AT_ONCE, expected_lines, on_disk, own_name


class Sent(io.BytesIO):
    """An upload as Streamlit hands it over; already read once."""

    def __init__(self, name: str, content: bytes) -> None:
        super().__init__(content)
        self.name, self.size = name, len(content)
        self.seek(0, io.SEEK_END)


def test_a_file_is_on_disk_only_while_it_is_read() -> None:
    upload = Sent("C:\\fakepath\\saisies.csv", b"a;b\n1;2\n")
    with on_disk(upload, "[columns]") as (path, mapping):
        assert path.name == "saisies.csv"
        assert path.read_bytes() == upload.getvalue()
        assert mapping is not None
        assert mapping.read_text() == "[columns]"
    assert not path.exists()
    assert not mapping.exists()


def test_a_large_file_is_never_twice_in_memory() -> None:
    upload = Sent("gros.csv", bytes(40 * COPIED_AT_ONCE))
    tracemalloc.start()
    with on_disk(upload) as (path, _mapping):
        assert path.stat().st_size == upload.size
    _now, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 4 * COPIED_AT_ONCE


def test_a_copy_of_an_upload_shares_its_bytes() -> None:
    """Streamlit copies it deeply at each run of the page."""
    record = UploadedFileRec("1", "gros.csv", "text/csv", bytes(COPIED_AT_ONCE))
    upload = UploadedFile(record, FileURLs())
    upload.read(100)
    copied = copy.deepcopy(upload)
    assert copied.getvalue() is record.data
    assert (copied.file_id, copied.name, copied.size, copied.tell()) == ("1", "gros.csv", COPIED_AT_ONCE, 0)
    assert copied == upload


@pytest.mark.parametrize("lines", [1, 1000, 200_000])
def test_the_lines_of_a_text_are_estimated_from_its_beginning(lines: int) -> None:
    text = b"".join(b"%06d;saisie;%d\n" % (n, n % 7) for n in range(lines))
    assert expected_lines(Sent("a.csv", text)) == pytest.approx(lines, rel=0.01)


@pytest.mark.parametrize(
    "content",
    [b"", b"one line", gzip.compress(b"a\nb\n" * 1000) + b"\0", b"PAR1\0\n\n"],
    # gzip writes the time of day: named by their bytes, two workers would not have collected the same tests.
    ids=["empty", "one line", "gzip", "parquet"],
)
def test_what_is_no_text_has_no_known_number_of_lines(content: bytes) -> None:
    assert expected_lines(Sent("a", content)) is None


@pytest.mark.parametrize("name", ["", ".", "..", "a/..", "a\\.."])
def test_a_name_leads_nowhere_else(name: str) -> None:
    assert own_name(name) == "fichier"
    assert Path("x", own_name(name)).parent == Path("x")
