"""Situation: the map of a territory, its figures, its daily curve, and what lies in a hexagon."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from html import escape

import streamlit as st

from dashboard import format as fmt
from dashboard import panels
from dashboard.context import Context, context, today, viewer_of
from dashboard.controls import (
    KINDS_CHOSEN,
    choose_filters,
    choose_measure,
    choose_territory,
    view_in_address,
    write_address,
)
from dashboard.curve import daily_curve
from dashboard.empty import offer_data
from dashboard.events_table import events_table
from dashboard.figures import daily_sentence, hexagon_figures, key_figures, population_of, totals_before, without_place
from dashboard.hexagon_table import hexagon_table
from dashboard.i18n import _, current_language, translate_error
from dashboard.map_host import clicked_cell, show_map, theme_name
from dashboard.mapdata import period_label, place_name
from dashboard.sources import source_ages
from dashboard.view import View
from data.errors import StoreError
from data.query import Viewer
from geo.cells import areas_km2

RECENT_EVENTS = 50


def render() -> None:
    held = context()
    asked, ignored = view_in_address(held)
    for error in ignored:
        st.warning(translate_error(error))
    try:
        _draw(held, viewer_of(held.settings), asked)
    except StoreError as error:
        reason = translate_error(error)
        st.error(_("Données indisponibles. {reason} La carte garde sa dernière image.").format(reason=reason))
        show_map()


def _draw(held: Context, viewer: Viewer, asked: View) -> None:
    """`asked`: the view as the address has it; dated, it is what is shown."""
    period = held.store.period(viewer)
    view = asked.dated(period, today())
    _title(held, view)
    if period is None:
        offer_data(held)
        return
    territory, measure = st.columns([1, 1], gap="medium")
    with territory:
        choose_territory(held, asked)
    with measure:
        choose_measure(asked)
    choose_filters(asked, view, period)
    left, right = st.columns([2, 1], gap="medium")
    with left:
        cell = clicked_cell(show_map(), view.shown_resolution())
    if cell is not None:
        pinned = None if cell == asked.cell else cell  # a second click frees it
        write_address(replace(asked, cell=pinned))
        view = replace(view, cell=pinned)
    with right:
        _beside(held, viewer, view)


def _title(held: Context, view: View) -> None:
    name = held.geography.name(view.territory) if view.territory else _("France")
    kind = [_(KINDS_CHOSEN[view.territory.kind])] if view.territory else []
    other = "en" if current_language() == "fr" else "fr"
    label = {"en": "English", "fr": "Français"}[other]
    address = escape(replace(view, language=other).address(), quote=True)
    link = f'<a href="{address}" target="_self" lang="{other}">{label}</a>'
    panels.title(name, " · ".join([*kind, period_label(view)]), link)


def _beside(held: Context, viewer: Viewer, view: View) -> None:
    totals = held.store.totals(view.query(), viewer)
    population = population_of(held.geography, view.territory)
    panels.figures(key_figures(totals, totals_before(held.store, view, viewer), population))
    panels.sentence(without_place(totals))
    if view.cell is not None:
        _pinned(held, viewer, view, view.cell)
    days = held.store.counts_by_day(view.query(), viewer)
    panels.heading(_("Incidents par jour"))
    daily_curve(days, theme_name())
    panels.sentence(daily_sentence(days))
    panels.heading(_("Sources"))
    panels.sources(source_ages(held.store.sources(viewer), held.settings.stale_hours, datetime.now(UTC)))


def _pinned(held: Context, viewer: Viewer, view: View, cell: int) -> None:
    """The figures and the recent events of the pinned hexagon."""
    table = hexagon_table(held, view, only=cell)
    area = _("hexagone de {area} km²").format(area=fmt.significant(float(areas_km2(table.cells)[0])))
    panels.heading(place_name(held.geography, cell) or _("Hexagone épinglé"), area)
    panels.figures(hexagon_figures(table))
    if viewer.sees_events:
        events = held.store.events(view.query(), viewer, cell=cell, limit=RECENT_EVENTS)
        if events.num_rows:
            events_table(events)
        else:
            panels.sentence(_("Aucun fait dans cet hexagone pour ces filtres."))
    if st.button(_("Libérer l'hexagone")):
        asked, _ignored = view_in_address(held)
        write_address(replace(asked, cell=None))
        st.rerun()
