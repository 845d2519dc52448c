"""Situation: the map of a territory, its figures, its daily curve, and what lies in a hexagon."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import streamlit as st

from dashboard import format as fmt
from dashboard import panels
from dashboard.alert_part import manage_alerts
from dashboard.beside import SITUATION, title_html
from dashboard.context import Context, context, today, viewer_of
from dashboard.controls import choose_filters, choose_measure, choose_territory, view_in_address, write_address
from dashboard.curve import daily_curve
from dashboard.empty import offer_data
from dashboard.events_table import events_table
from dashboard.figures import daily_sentence, hexagon_figures, known_days
from dashboard.hexagon_table import hexagon_table
from dashboard.i18n import _, translate_error
from dashboard.latest_part import controls_html
from dashboard.map_host import clicked_cell, give_way, show_map, theme_name
from dashboard.mapdata import place_name
from dashboard.parts import waiting_html
from dashboard.recall import Reading
from dashboard.view import Period, View
from data.errors import StoreError, UnreachableError
from data.query import Viewer
from geo.cells import areas_km2

RECENT_EVENTS = 50


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
    give_way(view)
    panels.title(title_html(held, view), panels.language_link(view), SITUATION.stamp(asked, reading))
    if period is None:
        offer_data(held)
        _outage(held, version, reading)
        _redraw()
        return
    _draw(held, viewer, asked, period, reading)


def _draw(held: Context, viewer: Viewer, asked: View, period: Period, reading: Reading) -> None:
    """`asked`: the view as the address has it; dated, it is what is shown. Figures first: controls take the browser
    longer, and the map longest."""
    view = asked.dated(period, today())
    choices = st.container()
    left, right = st.columns([2, 1], gap="medium")
    with right:
        parts = SITUATION.parts(held, viewer, view, reading)
        panels.live("figures", parts["figures"], SITUATION.stamp(asked, reading))
        panels.live("missing", parts["missing"])
    with choices:
        _choose(held, asked, view, period)
    with left:
        cell = clicked_cell(show_map(), view.shown_resolution())
    if cell is not None:
        asked = replace(asked, cell=None if cell == asked.cell else cell)  # a second click frees it
        write_address(asked)
    with right:
        _beside(held, viewer, asked)


def _choose(held: Context, asked: View, view: View, period: Period) -> None:
    territory, measure = st.columns([1, 1], gap="medium")
    with territory:
        choose_territory(held, asked)
    with measure:
        choose_measure(asked)
    choose_filters(asked, view, period)


@st.fragment
def _beside(held: Context, viewer: Viewer, asked: View) -> None:
    """What forms in it change, and the curve, for which the page's script runs it again (`_redraw`)."""
    reading = Reading(held.recall)
    above = st.container(key="above-figures")
    try:
        version, period = reading.ask(held.store.version), reading.ask(held.store.period, viewer)
    except StoreError as error:  # it answered a moment ago, and nothing of it is kept: cannot be, but for a full memory
        st.error(translate_error(error))
        return
    view = asked.dated(period, today())
    parts = SITUATION.parts(held, viewer, view, reading)
    _tabs(held, viewer, view, period, reading)
    panels.heading(_("Sources"))
    panels.live("sources", parts["sources"])
    with above:
        _outage(held, version, reading)
        panels.live("alerts", parts["alerts"])
        panels.live("quiet", "")


def _tabs(held: Context, viewer: Viewer, view: View, period: Period | None, reading: Reading) -> None:
    """What is not needed in five seconds: one thing at a time. Parts that take longer are fetched by the page."""
    if view.cell is not None:
        panels.heading(place_name(held.geography, view.cell) or _("Hexagone épinglé"), _area(view.cell))
    names = [_("Direct"), _("Où"), _("Par jour"), _("Rythme"), _("Veille")]
    if view.cell is not None:
        # With the heading above, these stand elsewhere than those without a hexagon: they open where they say.
        hexagon, *tabs = st.tabs([_("Hexagone"), *names], default=_("Hexagone"))
        with hexagon:
            _pinned(held, viewer, view, view.cell)
    else:
        tabs = list(st.tabs(names))
    latest, where, by_day, rhythm, watch = tabs
    with latest:
        st.html(controls_html())
        panels.live("latest", waiting_html())
    with where:
        panels.live("where", waiting_html())
    with by_day:
        _curve(held, viewer, view, period, reading)
    with rhythm:
        panels.live("rhythm", waiting_html())
    with watch:
        panels.heading(_("Seuils d'alerte"))
        manage_alerts(held, viewer, view, reading)
        panels.heading(_("Silences"))
        panels.live("silences", waiting_html())


def _curve(held: Context, viewer: Viewer, view: View, period: Period | None, reading: Reading) -> None:
    _redraw()
    try:
        days = reading.ask(held.kept(held.store.counts_by_day), view.query(), viewer)
    except StoreError:
        panels.sentence(_("Inconnus tant que la base ne répond pas."))
        return
    if period is not None:
        days = known_days(days, period)
        daily_curve(days, theme_name())
        panels.sentence(daily_sentence(days, period))


def _redraw() -> None:
    """The page's script presses it when what it cannot fetch by itself is out of date; anyone may."""
    st.button(_("Actualiser"), key="redraw", type="tertiary", icon=":material/refresh:")


def _outage(held: Context, version: int, reading: Reading) -> None:
    away_since = held.live.away_since or (datetime.now(UTC) if reading.error else None)
    recalled = reading.error is not None
    panels.outage(version, reading.as_of, away_since, ZoneInfo(st.context.timezone or "UTC"), recalled=recalled)


def _area(cell: int) -> str:
    return _("hexagone de {area} km²").format(area=fmt.significant(float(areas_km2([cell])[0])))


def _pinned(held: Context, viewer: Viewer, view: View, cell: int) -> None:
    """The figures and the recent events of the pinned hexagon."""
    try:
        table = hexagon_table(held, view, only=cell)
    except UnreachableError:
        panels.sentence(_("Inconnu tant que la base ne répond pas."))
        return
    panels.figures(hexagon_figures(table))
    if not viewer.sees_events:
        panels.sentence(_("Votre rôle ne lit pas les faits un par un."))
        return
    events = held.store.events(view.query(), viewer, cell=cell, limit=RECENT_EVENTS)
    if events.num_rows:
        events_table(events)
    else:
        panels.sentence(_("Aucun fait dans cet hexagone pour ces filtres."))
