"""The menu of saved views, in the title line of every page: save the one on the screen, open another, delete one."""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from pathlib import Path
from urllib.parse import parse_qsl, urlencode

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from dashboard import panels
from dashboard.context import Context, viewer_of
from dashboard.i18n import _, translate_error
from dashboard.saved_views import LONGEST_NAME, SavedView, SavedViewError, delete_view, read_views, save_view

LANGUAGE = "langue"  # the reader's, not the view's


def views_menu(held: Context, page: str) -> None:
    """`page`: its path, "" for the first one."""
    with st.container(key="saved-views"), st.popover(_("Vues"), type="tertiary"):
        _menu(Path(held.settings.views), viewer_of(held.settings).name, page)


@st.fragment
def _menu(path: Path, viewer: str, page: str) -> None:
    """A run of its own: saving or deleting a view draws nothing else again."""
    said = st.container()
    with st.form("save_view", clear_on_submit=True, border=False):
        name = st.text_input(_("Nom de la vue à l'écran"), max_chars=LONGEST_NAME)
        if st.form_submit_button(_("Enregistrer"), width="stretch"):
            view = SavedView(name, address_of(page, st.query_params.to_dict()))
            _try(said, lambda: save_view(path, viewer, view))
    try:
        views = read_views(path, viewer)
    except SavedViewError as error:
        said.error(translate_error(error))
        return
    if not views:
        panels.sentence(_("Aucune vue enregistrée. Le nom retient la page, le territoire, la période et les filtres."))
        return
    st.html(views_html(views, st.query_params.get(LANGUAGE)))
    with st.form("delete_view", border=False):
        names = [view.name for view in views]
        gone = st.selectbox(_("Vue à supprimer"), names, index=None, placeholder=_("Choisir…"))
        if st.form_submit_button(_("Supprimer"), width="stretch") and gone is not None:
            _try(said, lambda: delete_view(path, viewer, gone))
            st.rerun(scope="fragment")


def _try(said: DeltaGenerator, change: Callable[[], None]) -> None:
    """Say in the menu why a view could not be saved or deleted."""
    try:
        change()
    except SavedViewError as error:
        said.error(translate_error(error))


def address_of(page: str, params: dict[str, str]) -> str:
    """The address of what is on the screen, in nobody's language."""
    query = urlencode({name: value for name, value in params.items() if name != LANGUAGE}, safe=":,")
    return f"/{page}" + (f"?{query}" if query else "")


def views_html(views: tuple[SavedView, ...], language: str | None) -> str:
    """A link each, to open or to share; in the reader's language."""
    items = "".join(
        f'<li><a href="{escape(_in(view.address, language), quote=True)}" target="_self">{escape(view.name)}</a></li>'
        for view in views
    )
    label = escape(_("Vues enregistrées"), quote=True)
    return f'<nav aria-label="{label}"><ul class="hx-views">{items}</ul></nav>'


def _in(address: str, language: str | None) -> str:
    if language is None:
        return address
    page, _question, query = address.partition("?")
    return f"{page}?{urlencode([*parse_qsl(query), (LANGUAGE, language)], safe=':,')}"
