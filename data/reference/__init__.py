"""Reference geography of Hexacross as files: GeoParquet, CSV lists, and where each comes from (README.md)."""

from __future__ import annotations

from pathlib import Path

FOLDER = Path(__file__).parent
