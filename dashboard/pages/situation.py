"""Situation: the map of a territory, its figures, its daily curve, and what lies in a hexagon."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import streamlit as st

from dashboard import format as fmt
from dashboard import panels
from dashboard.beside import live_parts, trail
from dashboard.context import Context, context, today, viewer_of
from dashboard.controls import choose_filters, choose_measure, choose_territory, view_in_address, write_address
from dashboard.curve import daily_curve
from dashboard.empty import offer_data
from dashboard.events_table import events_table
from dashboard.figures import daily_sentence, hexagon_figures
from dashboard.hexagon_table import hexagon_table
from dashboard.i18n import _, translate_error
from dashboard.map_host import clicked_cell, show_map, theme_name
from dashboard.mapdata import place_name
from dashboard.recall import Reading
from dashboard.view import Period, View
from data.errors import StoreError, UnreachableError
from data.query import Viewer
from geo.cells import areas_km2

RECENT_EVENTS = 50
LAST_DRAWN = "last_drawn"  # of the session: what the map was asked to show


def render() -> None:
    held = context()
    asked, ignored = view_in_address(held)
    for error in ignored:
        st.warning(translate_error(error))
    viewer = viewer_of(held.settings)
    reading = Reading(held.recall)
    try:
        version, period = reading.ask(held.store.version), reading.ask(held.store.period, viewer)
    except StoreError as error:
        reason = translate_error(error)
        st.error(_("Données indisponibles. {reason} La carte garde sa dernière image.").format(reason=reason))
        show_map()
        return
    view = asked.dated(period, today())
    if refused := asked.refused_hours(period, today()):
        st.warning(translate_error(refused))
    _give_way(held, view)
    _title(held, view)
    if period is None:
        offer_data(held)
        _outage(held, version, reading)
        _redraw()
        return
    _draw(held, viewer, asked, period)


def _give_way(held: Context, view: View) -> None:
    """Let the map show another view before the rest of the page is drawn again; at first there is no map yet."""
    shown, before = view.tile_address(), st.session_state.get(LAST_DRAWN)
    st.session_state[LAST_DRAWN] = shown
    if before not in (None, shown):
        held.map_first.wait(shown)


def _draw(held: Context, viewer: Viewer, asked: View, period: Period) -> None:
    """`asked`: the view as the address has it; dated, it is what is shown."""
    view = asked.dated(period, today())
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
        asked = replace(asked, cell=None if cell == asked.cell else cell)  # a second click frees it
        write_address(asked)
    with right:
        _beside(held, viewer, asked)


def _title(held: Context, view: View) -> None:
    name = held.geography.name(view.territory) if view.territory else _("France")
    panels.title(name, trail(view), panels.language_link(view))


@st.fragment
def _beside(held: Context, viewer: Viewer, asked: View) -> None:
    """What follows the store: the page's script fetches its parts again, and runs this for the curve (`_redraw`)."""
    reading = Reading(held.recall)
    outage = st.container()
    try:
        version, period = reading.ask(held.store.version), reading.ask(held.store.period, viewer)
    except StoreError as error:  # it answered a moment ago, and nothing of it is kept: cannot be, but for a full memory
        st.error(translate_error(error))
        return
    view = asked.dated(period, today())
    parts = live_parts(held, viewer, view, reading)
    panels.live("figures", parts["figures"])
    panels.live("missing", parts["missing"])
    if view.cell is not None:
        _pinned(held, viewer, view, view.cell)
    heading, redraw = st.columns([3, 1], vertical_alignment="bottom")
    with heading:
        panels.heading(_("Incidents par jour"))
    with redraw:
        _redraw()
    try:
        days = reading.ask(held.store.counts_by_day, view.query(), viewer)
    except StoreError:
        panels.sentence(_("Inconnus tant que la base ne répond pas."))
    else:
        daily_curve(days, theme_name())
        panels.sentence(daily_sentence(days))
    panels.heading(_("Sources"))
    panels.live("sources", parts["sources"])
    with outage:
        _outage(held, version, reading)


def _redraw() -> None:
    """The page's script presses it when what it cannot fetch by itself is out of date; anyone may."""
    st.button(_("Actualiser"), key="redraw", type="tertiary", icon=":material/refresh:")


def _outage(held: Context, version: int, reading: Reading) -> None:
    away_since = held.live.away_since or (datetime.now(UTC) if reading.error else None)
    recalled = reading.error is not None
    panels.outage(version, reading.as_of, away_since, ZoneInfo(st.context.timezone or "UTC"), recalled=recalled)


def _pinned(held: Context, viewer: Viewer, view: View, cell: int) -> None:
    """The figures and the recent events of the pinned hexagon."""
    try:
        table = hexagon_table(held, view, only=cell)
    except UnreachableError:
        panels.heading(place_name(held.geography, cell) or _("Hexagone épinglé"))
        panels.sentence(_("Inconnu tant que la base ne répond pas."))
        return
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
