"""Comparaison: two to six territories side by side, in maps, one table, curves and a funnel plot."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from html import escape
from zoneinfo import ZoneInfo

import streamlit as st

from dashboard import format as fmt
from dashboard import panels
from dashboard.comparison import FEWEST_COMPARED, Compared, compare, days_held, default_compared
from dashboard.comparison_controls import choose_compared, choose_curves, choose_published, last_compared
from dashboard.comparison_curves import curve_sentence, draw_curves
from dashboard.comparison_export import export_of, export_of_published, offer_exports
from dashboard.comparison_maps import compared_json, maps_address
from dashboard.comparison_part import COMPARISON, figures_html, title_html
from dashboard.comparison_table import rows_of
from dashboard.context import Context, context, today, viewer_of
from dashboard.controls import KINDS_CHOSEN, choose_filters, choose_measure, view_in_address
from dashboard.empty import offer_data
from dashboard.following import figures_address
from dashboard.funnel_chart import draw_funnel, funnel_sentence
from dashboard.i18n import _, translate_error
from dashboard.map_host import theme_name
from dashboard.published import DEFAULT_INDICATOR, KIND, Published, published_figures
from dashboard.published_chart import (
    draw_published,
    published_table,
    show_published_table,
    unit_sentence,
    year_sentence,
)
from dashboard.recall import Reading
from dashboard.sources import source_ages
from dashboard.view import COMPARED_KINDS, INDEX_CURVES, Period, View
from data.errors import StoreError
from data.query import Viewer
from data.rights import beyond_rights
from data.store import Source

FIGURES_SHOWN = "figures-compared"  # of the session: of which view
PUT_S = 0.1  # that a browser takes for it, in the one thread that also draws what the script sends


def render() -> None:
    held = context()
    asked, ignored = view_in_address(held, comparing=True)
    for error in ignored:
        st.warning(translate_error(error))
    viewer = viewer_of(held.settings)
    reading = Reading(held.recall)
    try:
        period, sources = reading.ask(held.store.period, viewer), reading.ask(held.kept(held.store.sources), viewer)
    except StoreError as error:
        panels.title(panels.title_html(_("Comparaison"), ""))
        st.error(_("Données indisponibles. {reason}").format(reason=translate_error(error)))
        return
    has_figures = any(source.indicators for source in sources)
    asked = replace(_chosen(held, viewer, asked, only_figures=period is None and has_figures), step=None)
    view = asked.dated(period, today())
    if refused := asked.refused_hours(period, today()):
        st.warning(translate_error(refused))
    panels.title(title_html(view, period), panels.language_link(view), COMPARISON.stamp(asked, reading))
    if period is None and not has_figures:
        offer_data(held)
        return
    if period is not None:
        with suppress(StoreError):  # which is said where the table stands
            # The browser asks for the same: it is computed once, and nothing else beside it.
            COMPARISON.parts(held, viewer, view, reading)
        _give_way(asked)
    _choose(held, viewer, asked, view, period)
    if len(view.compared) < FEWEST_COMPARED:
        st.info(
            _("Un seul territoire est choisi : ajoutez-en au moins un autre du même type pour comparer."),
            icon=":material/compare_arrows:",
        )
        return
    if period is not None:
        _maps(held, viewer, asked)
    _figures(held, viewer, asked)


def _give_way(asked: View) -> None:
    """Let the browser put the figures of another view, which it fetched, on the page before all else is drawn again."""
    shown, before = figures_address(asked), st.session_state.get(FIGURES_SHOWN)
    st.session_state[FIGURES_SHOWN] = shown
    if before not in (None, shown):
        time.sleep(PUT_S)


def _chosen(held: Context, viewer: Viewer, asked: View, *, only_figures: bool) -> View:
    """The view with the territories that an address without any stands for."""
    if asked.compared:
        return asked
    if kept := last_compared():
        return replace(asked, compared=kept)
    known = held.geography
    kind = KIND if only_figures else "cross" if len(known.territories("cross")) else KIND
    first = asked.territory
    if first is not None and first.kind in COMPARED_KINDS:
        kind = first.kind
    else:
        first = None
    return replace(asked, compared=default_compared(known, kind, first, beyond_rights(known, kind, viewer)))


def _choose(held: Context, viewer: Viewer, asked: View, view: View, period: Period | None) -> None:
    territories, measure = st.columns([1, 1], gap="medium")
    with territories:
        choose_compared(held, viewer, asked)
    if period is None:
        return
    with measure:
        choose_measure(asked)
    choose_filters(asked, view, period)


def _maps(held: Context, viewer: Viewer, asked: View) -> None:
    """The frame of the maps never changes: what they show stands beside it, and they read it there."""
    known = held.geography
    beyond = beyond_rights(known, asked.compared[0].kind, viewer)
    told = escape(compared_json(known, asked, beyond), quote=True)
    st.html(f'<div data-compared="{told}"></div>')
    if withheld := [territory for territory in asked.compared if territory.code in beyond]:
        names = ", ".join(known.name(territory) for territory in withheld)
        panels.sentence(_("Sans carte, car hors de vos droits : {names}.").format(names=names))
        if len(withheld) == len(asked.compared):
            return
    with st.container(key="maps"):
        st.iframe(maps_address(theme_name()), height=340, alt=_("Cartes comparées"))


@st.fragment
def _figures(held: Context, viewer: Viewer, asked: View) -> None:
    """What follows the store: the page's script runs this again when something came in."""
    reading = Reading(held.recall)
    outage = st.container()
    try:
        version, period = reading.ask(held.store.version), reading.ask(held.store.period, viewer)
        sources = reading.ask(held.kept(held.store.sources), viewer)
        view = asked.dated(period, today())
        compared = None
        if period is not None and days_held(view, period):
            compared = compare(held, viewer, view, period, reading)
        published = _published_of(held, viewer, view, reading)
    except StoreError as error:
        st.error(translate_error(error))
        return
    if compared is not None:
        _table(held, compared, asked, published, sources, reading)
        _charts(compared, asked)
    elif period is not None:
        _outside(view, period)
    if published is not None:
        _published(held, viewer, asked, published)
        if compared is None:
            offer_exports(export_of_published(held, view, published, sources))
    _sources(held, sources)
    with outage:
        recalled = reading.error is not None
        away_since = held.live.away_since or (datetime.now(UTC) if recalled else None)
        zone = ZoneInfo(st.context.timezone or "UTC")
        panels.outage(version, reading.as_of, away_since, zone, recalled=recalled)


def _outside(view: View, period: Period) -> None:
    query = view.query()
    panels.sentence(
        _("La base ne tient aucun fait de la période {period} : elle va du {first} au {last}.").format(
            period=fmt.period(query.start, query.stop), first=fmt.day(period[0]), last=fmt.day(period[1])
        )
    )


def _table(
    held: Context, compared: Compared, asked: View, published: Published | None, sources: list[Source], reading: Reading
) -> None:
    panels.live("figures", figures_html(compared), COMPARISON.stamp(asked, reading))
    rows = rows_of(compared)
    offer_exports(export_of(held, compared, rows, published, sources))


def _charts(compared: Compared, asked: View) -> None:
    left, right = st.columns(2, gap="medium")
    with left:
        _curves(compared, asked)
    with right:
        _funnel(compared)


def _curves(compared: Compared, asked: View) -> None:
    steps, index = compared.steps, asked.curves == INDEX_CURVES
    each = {"day": _("par jour"), "week": _("par semaine"), "month": _("par mois")}
    title, choice = st.columns([1, 1.4], vertical_alignment="bottom")
    with title:
        panels.heading(_("Courbes"), each[steps.step])
    with choice:
        choose_curves(asked)
    draw_curves(steps, compared.names, theme_name(), index=index)
    panels.sentence(curve_sentence(steps, compared.names, index=index, beyond=compared.beyond.tolist()))


def _funnel(compared: Compared) -> None:
    peers = compared.peers
    of_shares = peers.funnel.limits.law == "binomial"
    kind = _(KINDS_CHOSEN[peers.kind])
    words = _("part de contrôles positifs, {kind}") if of_shares else _("taux d'incidents, {kind}")
    panels.heading(_("Entonnoir"), words.format(kind=kind))
    sizes = peers.counts["checked"] if of_shares else peers.population
    ranking = None if of_shares else peers.ranking
    draw_funnel(peers.funnel, ranking, sizes, peers.names, compared.rows.tolist(), theme_name(), peers.beyond)
    panels.sentence(funnel_sentence(peers.funnel, kind, peers.beyond))


def _published_of(held: Context, viewer: Viewer, view: View, reading: Reading) -> Published | None:
    if view.compared[0].kind != KIND:
        return None
    return published_figures(held.store, viewer, reading, view.published or DEFAULT_INDICATOR)


def _published(held: Context, viewer: Viewer, asked: View, published: Published) -> None:
    rows = published.rows(asked.compared)
    names = [held.geography.name(territory) for territory in asked.compared]
    beyond, release = beyond_rights(held.geography, KIND, viewer), fmt.day(published.release)
    panels.heading(
        _("Chiffres publiés"),
        _("{source}, publication du {day}").format(source=published.source, day=release),
    )
    with st.columns([1, 2])[0]:
        choose_published(asked)
    table = published_table(published, rows, names)
    if table.empty:
        panels.sentence(_("Cette publication n'a aucun chiffre de ces départements."))
        return
    left, right = st.columns(2, gap="medium")
    with left:
        draw_published(table, names, theme_name(), is_broken=published.is_broken)
        show_published_table(table)
    with right:
        codes = [str(code) for code in published.codes]
        known = held.geography.territories(KIND).set_index("code")["name"].to_dict()
        all_names = [str(known.get(code, code)) for code in codes]
        chosen = [row for row in rows if row is not None]
        draw_funnel(published.funnel, published.ranking, published.population[:, -1], all_names, chosen, theme_name())
    for territory, row, name in zip(asked.compared, rows, names, strict=True):
        panels.sentence(year_sentence(published, row, name, beyond=territory.code in beyond))
    panels.sentence(unit_sentence(published))


def _sources(held: Context, sources: list[Source]) -> None:
    heading, redraw = st.columns([3, 1], vertical_alignment="bottom")
    with heading:
        panels.heading(_("Sources"))
    with redraw:
        st.button(_("Actualiser"), key="redraw", type="tertiary", icon=":material/refresh:")
    panels.live("sources", panels.sources_html(source_ages(sources, held.settings.stale_hours, datetime.now(UTC))))
