"""The map in the page: one constant script under an explicit key; its layer follows the page's address by itself."""

from __future__ import annotations

from typing import Any

import streamlit as st

from dashboard.context import context
from dashboard.i18n import _, current_language
from dashboard.live import STREAM
from dashboard.view import View
from geo.cells import cells_at
from layers.colours import ThemeName
from layers.hexagons import INSETS
from layers.map import build_map
from layers.strings import STRINGS

HEIGHT_PX = 640  # before the page's style makes it as high as the window allows
LAST_CLICK = "last_click"  # of the session


def theme_name() -> ThemeName:
    """Of the page: "light" or "dark"; light until the browser has said."""
    return "dark" if st.context.theme.type == "dark" else "light"


def show_map(url: str = "/hex", name: str = "carte", *, walks: bool = True) -> dict[str, Any]:
    """Show the map; what the user clicked last comes back. A rerun neither redraws nor moves it.

    Args:
        url: Below which the hexagons are asked for; `name`: of that map, among those of the session.
        walks: Whether one may walk through time with it.
    """
    # Its component is known only to a runtime that already exists: imported in a page's run, not with this module.
    from streamlit_folium import st_folium

    theme = theme_name()
    answer: dict[str, Any] = st_folium(
        build_map(
            theme=theme,
            strings={key: _(text) for key, text in STRINGS.items()},
            insets={key: _(name) for key, name, _box in INSETS},
            tiles=context().settings.tile_server,
            url=url,
            changes=STREAM,
            walks=walks,
        ),
        key=f"{name}-{theme}-{current_language()}",
        returned_objects=["last_clicked"],
        use_container_width=True,
        height=HEIGHT_PX,
    )
    return answer


def give_way(view: View, name: str = "carte") -> None:
    """Let the map show another dated view before the rest of the page is drawn again; at first there is no map yet."""
    shown, before = view.tile_address(), st.session_state.get(f"shown-{name}")
    st.session_state[f"shown-{name}"] = shown
    if before not in (None, shown):
        # Streamlit ends a script that it wants to begin again when the session's state is read.
        context().map_first.wait(shown, lambda: st.session_state.get(f"shown-{name}"))


def clicked_cell(answer: dict[str, Any], resolution: int) -> int | None:
    """The hexagon of a click not seen before; the same click comes back at each rerun.

    The map says in the click's `alt` of which resolution its hexagons are; `resolution`: where it does not.
    """
    click = (answer or {}).get("last_clicked")
    if not click or click == st.session_state.get(LAST_CLICK):
        return None
    st.session_state[LAST_CLICK] = click
    shown = click.get("alt")
    return int(cells_at([click["lng"]], [click["lat"]], shown if isinstance(shown, int) else resolution)[0]) or None
