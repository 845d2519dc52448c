"""The import direction of the four rooms, read from the source: dashboard → layers, data → geo."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
MAY_IMPORT = {
    "geo": {"geo"},
    "layers": {"layers", "geo"},
    "data": {"data", "geo"},
    "dashboard": {"dashboard", "layers", "data", "geo"},
}
NOT_IN_GEO = {"streamlit", "folium", "duckdb", "psycopg", "starlette"}
SOURCES = sorted(path for room in MAY_IMPORT for path in (ROOT / room).rglob("*.py"))


def imported_names(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names.update(alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            names.add((node.module or "").split(".")[0])
    return names


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_rooms_import_one_way(path: Path) -> None:
    room = path.relative_to(ROOT).parts[0]
    names = imported_names(path)
    assert names & set(MAY_IMPORT) <= MAY_IMPORT[room]
    if room == "geo":
        assert not names & NOT_IN_GEO
    if room in ("data", "layers"):
        assert "streamlit" not in names


def test_every_room_is_seen() -> None:
    assert {path.relative_to(ROOT).parts[0] for path in SOURCES} == set(MAY_IMPORT)
