"""Views saved by name: each person's own, whole or nothing, and a bad file is said and left alone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.saved_views import (
    LONGEST_NAME,
    MOST_BYTES,
    MOST_VIEWS,
    SavedView,
    SavedViewError,
    delete_view,
    read_views,
    save_view,
)
from dashboard.views_menu import address_of, views_html

LILLE = SavedView("Lille, cet automne", "/controles?territoire=cross:lille")
HOSTILE = '"><img src=x onerror=alert(1)>${}'


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "var" / "views.json"


def test_a_view_is_kept_for_its_author_alone(path: Path) -> None:
    assert read_views(path, "a") == ()
    save_view(path, "a", LILLE)
    save_view(path, "b", SavedView("Autre", "/"))
    assert read_views(path, "a") == (LILLE,)
    assert [view.name for view in read_views(path, "b")] == ["Autre"]
    delete_view(path, "a", LILLE.name)
    assert read_views(path, "a") == ()
    assert len(read_views(path, "b")) == 1
    assert [found.name for found in path.parent.iterdir()] == [path.name]


def test_the_same_name_takes_another_address_and_names_are_in_order(path: Path) -> None:
    for name in ("été", "Zone", "automne"):
        save_view(path, "a", SavedView(name, "/"))
    save_view(path, "a", SavedView("  Zone ", "/donnees"))
    assert [view.name for view in read_views(path, "a")] == ["automne", "Zone", "été"]
    assert read_views(path, "a")[1].address == "/donnees"


@given(st.text(max_size=100))
def test_a_name_is_kept_as_typed_or_refused(tmp_path_factory: pytest.TempPathFactory, name: str) -> None:
    path = tmp_path_factory.mktemp("views") / "views.json"
    try:
        save_view(path, "a", SavedView(name, "/"))
    except SavedViewError:
        assert not name.strip() or len(name.strip()) > LONGEST_NAME or not name.strip().isprintable()
        assert not path.exists()
    else:
        assert [view.name for view in read_views(path, "a")] == [name.strip()]


@pytest.mark.parametrize(
    "address",
    ["//evil.example/", "javascript:alert(1)", "https://evil.example", "", "/a b", "/?a\nb", "/" + "a" * 9000],
)
def test_only_addresses_of_our_pages_are_kept(path: Path, address: str) -> None:
    with pytest.raises(SavedViewError, match="page de Hexacross"):
        save_view(path, "a", SavedView("x", address))


def test_there_is_an_end_to_views(path: Path) -> None:
    views = [{"name": str(n), "address": "/"} for n in range(MOST_VIEWS)]
    path.parent.mkdir()
    path.write_text(json.dumps({"views": {"a": views}}), encoding="utf-8")
    with pytest.raises(SavedViewError, match=str(MOST_VIEWS)):
        save_view(path, "a", LILLE)
    save_view(path, "a", SavedView("7", "/donnees"))
    assert len(read_views(path, "a")) == MOST_VIEWS


@pytest.mark.parametrize(
    "content",
    [
        b"", b"{", b"[]", b'{"views": []}', b'{"views": {"a": {}}}x', b'{"views": {"a": [1]}}', b"\xff\xfe",
        b"[" * 50_000,
        b'{"views": {"a": [{"name": "x"}]}}', b'{"views": {"a": [{"name": "x", "address": "//evil.example"}]}}',
        b" " * (MOST_BYTES + 1),
    ],
)  # fmt: skip
def test_a_bad_file_is_said_and_left_as_it_is(path: Path, content: bytes) -> None:
    path.parent.mkdir()
    path.write_bytes(content)
    with pytest.raises(SavedViewError, match=r"views\.json ne peut être lu"):
        read_views(path, "a")
    with pytest.raises(SavedViewError, match="ne peut être lu"):
        save_view(path, "a", LILLE)
    assert path.read_bytes() == content


def test_a_file_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "var").write_text("a file where the folder should be", encoding="utf-8")
    with pytest.raises(SavedViewError, match=r"ne peut être (lu|écrit)"):
        save_view(tmp_path / "var" / "views.json", "a", LILLE)


def test_names_are_text_and_addresses_take_the_readers_language() -> None:
    html = views_html((SavedView(HOSTILE, "/?territoire=cross:lille&du=2026-01-01"),), "en")
    assert "<img" not in html
    assert 'href="/?territoire=cross:lille&amp;du=2026-01-01&amp;langue=en"' in html
    assert 'href="/donnees"' in views_html((SavedView("x", "/donnees"),), None)


def test_the_address_of_a_page_leaves_the_language_out() -> None:
    assert address_of("", {"langue": "en"}) == "/"
    params = {"territoire": "cross:lille", "langue": "en", "zone": "cercle:43.3,5.37,1500"}
    assert address_of("controles", params) == "/controles?territoire=cross:lille&zone=cercle:43.3,5.37,1500"
