"""Contrôles: where, by which mode and how much is checked, against incidents and seizures of the same place."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import pandas as pd
import streamlit as st

from dashboard import format as fmt
from dashboard import panels
from dashboard.context import Context, context, today, viewer_of
from dashboard.control_curve import STEP_NAMES, control_curve, control_steps, curve_sentence
from dashboard.control_matrix import blind_frame, matrix_csv, matrix_frame
from dashboard.control_part import CONTROLS, matrix_shown, title_html
from dashboard.control_plan_table import done_of, known_codes, lines_shown, plan_csv, plan_frame, plan_html
from dashboard.controls import (
    KINDS_CHOSEN,
    bind,
    choose_filters,
    choose_measure,
    choose_territory,
    view_in_address,
    write_address,
)
from dashboard.empty import offer_data
from dashboard.exports import marking_suffix
from dashboard.following import Parts
from dashboard.i18n import _, translate_error
from dashboard.map_host import give_way, show_map, theme_name
from dashboard.measures import MEASURES
from dashboard.recall import Reading
from dashboard.sources import markings_shown, source_ages
from dashboard.view import DIVISIONS, Period, View
from data.control_plan import FILE, LAYOUT, PlanError, read_plan
from data.errors import StoreError
from data.lists import lists_folder
from data.query import Viewer

CONTROL_MEASURES = [name for name, measure in MEASURES.items() if measure.of_controls]
DEFAULT_MEASURE = "controles"


class Asking(NamedTuple):
    """Who asks what of the store."""

    held: Context
    viewer: Viewer
    view: View  # dated
    reading: Reading


def render() -> None:
    held = context()
    asked, ignored = view_in_address(held)
    for error in ignored:
        st.warning(translate_error(error))
    if asked.measure not in CONTROL_MEASURES:
        asked = replace(asked, measure=DEFAULT_MEASURE)
        write_address(asked)
    viewer, reading = viewer_of(held.settings), Reading(held.recall)
    try:
        version, period = reading.ask(held.store.version), reading.ask(held.store.period, viewer)
    except StoreError as error:
        _unavailable(error)
        return
    view = asked.dated(period, today())
    panels.title(title_html(held, view), panels.language_link(view), CONTROLS.stamp(asked, reading))
    if period is None:
        offer_data(held)
        return
    choices, outage = st.container(), st.container()
    asking = Asking(held, viewer, view, reading)
    parts = _figures(asking, asked)
    with choices:
        _choose(held, asked, view, period)
    if parts is not None:
        _draw(asking, asked, period, parts)
    with outage:
        away_since = held.live.away_since or (datetime.now(UTC) if reading.error else None)
        zone = ZoneInfo(st.context.timezone or "UTC")
        panels.outage(version, reading.as_of, away_since, zone, recalled=reading.error is not None)


def _choose(held: Context, asked: View, view: View, period: Period) -> None:
    territory, measure = st.columns([1, 1], gap="medium")
    with territory:
        choose_territory(held, asked)
    with measure:
        choose_measure(asked, CONTROL_MEASURES)
    choose_filters(asked, view, period)


def _figures(asking: Asking, asked: View) -> Parts | None:
    """Drawn first: controls take the browser longer, and the map longest. None: the store never said them."""
    try:
        parts = CONTROLS.parts(*asking)
    except StoreError as error:
        _unavailable(error)
        return None
    give_way(asking.view, "controles")  # and to the figures, which the browser has asked for meanwhile
    panels.live("filtered", parts["filtered"])
    with st.container(key="control-figures"):
        panels.live("figures", parts["figures"], CONTROLS.stamp(asked, asking.reading))
    return parts


def _unavailable(error: StoreError) -> None:
    st.error(_("Données indisponibles. {reason}").format(reason=translate_error(error)))


def _draw(asking: Asking, asked: View, period: Period, parts: Parts) -> None:
    left, right = st.columns([1.2, 1], gap="medium")
    try:
        with left:
            _matrix(asking, asked, parts)
        with right, st.container(key="control-map"):
            show_map()
        _modes(parts)
        _through_time(asking)
        _plan(asking, period)
        _sources(asking)
    except StoreError as error:
        _unavailable(error)


def _matrix(asking: Asking, asked: View, parts: Parts) -> None:
    matrix, _by_mode = matrix_shown(*asking)
    heading, division = st.columns([2.2, 1], vertical_alignment="bottom")
    with heading:
        panels.heading(_("Positifs pour 100 contrôlés, par mode et par territoire"))
        panels.sentence(
            _("Plus on contrôle, plus on trouve : un nombre de positifs ne se lit qu'avec celui des contrôlés.")
        )
    bound = bind("division", matrix.kind, asked, lambda view, kind: replace(view, division=kind))
    division.selectbox(
        _("Par"), list(DIVISIONS), format_func=lambda kind: _(KINDS_CHOSEN[kind]), key=bound.key, on_change=bound.write
    )
    panels.live("matrix", parts["matrix"])
    if matrix.blind.any():
        with st.expander(_("Angles morts")):
            st.dataframe(blind_frame(matrix), hide_index=True)
    with st.expander(_("Table de la matrice")):
        frame = matrix_frame(matrix)
        st.dataframe(frame, hide_index=True, column_config=_number_columns(frame))
    markings = markings_shown(asking.reading.ask(asking.held.kept(asking.held.store.sources), asking.viewer))
    st.download_button(
        _("Télécharger la matrice (CSV)"),
        matrix_csv(matrix, asking.view, " ".join(markings) or "public"),
        file_name=f"controles{marking_suffix(markings)}.csv",
        mime="text/csv",
        type="tertiary",
        icon=":material/download:",
    )


def _number_columns(frame: pd.DataFrame) -> dict[str, Any]:
    return {str(name): st.column_config.NumberColumn(format="localized") for name in frame.select_dtypes("number")}


def _modes(parts: Parts) -> None:
    panels.heading(_("Chaque mode, face aux incidents et aux saisies du même territoire"))
    panels.live("modes", parts["modes"])
    panels.sentence(
        _("L'écart compare deux parts de positifs ; « au-delà du hasard » : son intervalle à 95 % exclut zéro.")
    )


def _through_time(asking: Asking) -> None:
    heading, redraw = st.columns([3, 1], vertical_alignment="bottom")
    steps = control_steps(
        asking.reading.ask(asking.held.kept(asking.held.store.counts_by_day), asking.view.query(), asking.viewer)
    )
    with heading:
        panels.heading(_("Contrôles et incidents au fil du temps"), _(STEP_NAMES[steps.step]))
    redraw.button(_("Actualiser"), key="redraw", type="tertiary", icon=":material/refresh:")
    control_curve(steps, theme_name())
    panels.sentence(curve_sentence(steps))


def _plan(asking: Asking, period: Period) -> None:
    """What was planned against what was done; how to make a plan where there is none."""
    panels.heading(_("Plan de contrôle et réalisé"))
    known, folder = asking.held.geography, lists_folder()
    try:
        plan = read_plan(folder, known_codes(known))
    except PlanError as error:
        st.error(translate_error(error))
        return
    if plan is None:
        panels.sentence(
            _(
                "Aucun plan : le fichier {file} n'est pas dans le dossier des listes, {folder} (HEXACROSS_LISTS)."
                " Une ligne par territoire, mode et période, avec le nombre d'opérations prévues ; la page le relit"
                " à chaque passage."
            ).format(file=FILE, folder=folder)
        )
        st.download_button(_("Télécharger le fichier vide (CSV)"), LAYOUT, file_name=FILE, mime="text/csv")
        return
    query = asking.view.query()
    lines = lines_shown(plan, known, query.territory, query.start, query.stop)
    if not lines:
        panels.sentence(_("Le plan ne prévoit rien ici pour ces dates."))
        return
    reading, store = asking.reading, asking.held.store
    done = done_of(lines, lambda kind, asked: reading.ask(store.counts_by_mode, kind, asked, asking.viewer), period[1])
    frame = plan_frame(done, known)
    st.html(plan_html(frame))
    panels.sentence(
        _(
            "Opérations de contrôle, sur toute la période de chaque ligne et sans les filtres ; attendues : au prorata"
            " des jours écoulés jusqu'au dernier jour des données, {day}."
        ).format(day=fmt.day(period[1]))
    )
    markings = markings_shown(reading.ask(asking.held.kept(store.sources), asking.viewer))
    st.download_button(
        _("Télécharger le plan et le réalisé (CSV)"),
        plan_csv(frame, " ".join(markings) or "public"),
        file_name=f"plan-de-controle{marking_suffix(markings)}.csv",
        mime="text/csv",
        type="tertiary",
        icon=":material/download:",
    )


def _sources(asking: Asking) -> None:
    panels.heading(_("Sources"))
    sources = asking.reading.ask(asking.held.kept(asking.held.store.sources), asking.viewer)
    ages = source_ages(sources, asking.held.settings.stale_hours, datetime.now(UTC))
    panels.live("sources", panels.sources_html(ages))
