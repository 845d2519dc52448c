"""What only a comparison lets choose: territories of one kind, how its curves stand, the published indicator."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from dashboard.comparison import default_compared
from dashboard.context import Context
from dashboard.controls import KINDS_CHOSEN, LAST_COMPARED, bind, territory_names
from dashboard.i18n import _
from dashboard.published import DEFAULT_INDICATOR
from dashboard.view import COMPARED_KINDS, INDEX_CURVES, MOST_COMPARED, PUBLISHED, View
from data.query import Territory, TerritoryKind, Viewer
from data.rights import beyond_rights

RAW_CURVES = ""  # in the list of curves: as they are


def last_compared() -> tuple[Territory, ...]:
    """The territories that the session compared last; none: it did not."""
    kept: tuple[Territory, ...] = st.session_state.get(LAST_COMPARED, ())
    return kept


def choose_compared(context: Context, viewer: Viewer, view: View) -> None:
    """Kind, then up to six names; the first is what the others are measured by."""
    kind_column, names_column = st.columns([1, 2.6])
    kinds = [kind for kind in COMPARED_KINDS if len(context.geography.territories(kind))]
    kind = view.compared[0].kind
    bound = bind("compared_kind", kind, view, lambda view, kind: _with_kind(context, viewer, view, kind))
    kind_column.selectbox(
        _("Type"), kinds, format_func=lambda kind: _(KINDS_CHOSEN[kind]), key=bound.key, on_change=bound.write
    )
    names = territory_names(context, kind, viewer)
    bound = bind(
        "compared", [code for _kind, code in view.compared], view, lambda view, codes: _with(view, kind, codes)
    )
    names_column.multiselect(
        _("Territoires comparés"),
        list(names),
        format_func=lambda code: names.get(code, code),
        max_selections=MOST_COMPARED,
        placeholder=_("De deux à six"),
        help=_("Le premier est la référence des autres."),
        wrap=True,
        key=bound.key,
        on_change=bound.write,
    )


def _with_kind(context: Context, viewer: Viewer, view: View, kind: TerritoryKind) -> View:
    beyond = beyond_rights(context.geography, kind, viewer)
    return replace(view, compared=default_compared(context.geography, kind, beyond=beyond), territory=None)


def _with(view: View, kind: TerritoryKind, codes: list[str]) -> View:
    return replace(view, compared=tuple(Territory(kind, code) for code in codes))


def choose_curves(view: View) -> None:
    words = {RAW_CURVES: _("Incidents par jour"), INDEX_CURVES: _("Base 100")}
    bound = bind("curves", view.curves or RAW_CURVES, view, lambda view, chosen: replace(view, curves=chosen or None))
    st.segmented_control(
        _("Courbes"),
        list(words),
        format_func=lambda code: words[code],
        label_visibility="collapsed",
        key=bound.key,
        on_change=bound.write,
    )


def choose_published(view: View) -> None:
    bound = bind(
        "published", view.published or DEFAULT_INDICATOR, view, lambda view, name: replace(view, published=name)
    )
    st.selectbox(
        _("Indicateur"),
        list(PUBLISHED),
        format_func=lambda name: _(PUBLISHED[name]),
        key=bound.key,
        on_change=bound.write,
    )
