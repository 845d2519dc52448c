"""What can go wrong while a map is made. Messages are French templates, see `geo.errors`."""

from __future__ import annotations

from geo.errors import HexacrossError


class LayerError(HexacrossError, ValueError):
    """Figures, classes or shapes from which no honest picture can be drawn."""
