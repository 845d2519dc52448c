"""Alerts on the page: those in force above all else, and the small form that sets and acknowledges them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from datetime import date
from functools import partial
from html import escape
from pathlib import Path

import streamlit as st

from dashboard import format as fmt
from dashboard import panels
from dashboard.alert_file import (
    ALERT_MEASURES,
    LONGEST_DAYS,
    LONGEST_NOTE,
    Alert,
    AlertError,
    acknowledge,
    remove_alert,
    set_alert,
)
from dashboard.alerts import AlertState, alert_sentence, alert_states, alerts_in_force
from dashboard.context import Context, viewer_of
from dashboard.drill import link_html, to_territory
from dashboard.i18n import _, ngettext, translate_error
from dashboard.measures import MEASURES
from dashboard.recall import Reading
from dashboard.view import ONE_DAY, View
from data.errors import StoreError
from data.query import Viewer
from layers.outlines import Outline, encode_outlines

FIRST_DAYS = 7  # of a new alert, until chosen
REFUSED = "alert_refused"  # of the session: why the last change was not made


def alerts_html(held: Context, viewer: Viewer, view: View, reading: Reading) -> str:
    """The alerts in force, each a link to its territory; "" when there is none. `data-outlines`: for the map."""
    try:
        states = [state for state in alert_states(held, viewer, reading) if state.in_force]
    except AlertError as error:
        return f'<p class="hx-alert" role="alert">{escape(translate_error(error))}</p>'
    except StoreError:
        return ""
    states.sort(key=lambda state: state.acknowledged is not None)
    lines = "".join(f"<li>{_line(state, view)}</li>" for state in states)
    listed = f'<div role="alert"><ul class="hx-alerts">{lines}</ul></div>' if states else ""
    return f'<div data-outlines="{_outlines_address(states)}">{listed}</div>'


def _outlines_address(states: Sequence[AlertState]) -> str:
    """Where the outlines of alerts that nobody has acknowledged are; "" for none. Others have another address."""
    drawn = [state.alert.territory for state in states if state.acknowledged is None]
    digest = hashlib.sha256(repr(drawn).encode()).hexdigest()[:16]
    return f"/alertes/perimetres?etat={digest}" if drawn else ""


def _line(state: AlertState, view: View) -> str:
    sentence = alert_sentence(state)
    name = link_html(to_territory(state.place, state.alert.territory), view)
    said = name + escape(sentence.removeprefix(state.place))
    seen = state.acknowledged
    if seen is None:
        return f'<span class="hx-alert">{escape(_("Alerte"))}</span> {said}'
    note = _("vue le {day} : {note}").format(day=fmt.instant(seen.at), note=seen.note or _("sans note"))
    return f'<span class="hx-seen">{escape(_("Alerte vue"))}</span> {said} <em>{escape(note)}</em>'


def alert_outlines(held: Context, view: View) -> bytes:
    """The answer of `GET /alertes/perimetres`: the territories whose alert nobody has acknowledged yet.

    None from a file that cannot be read, which the page says. Raises StoreError.
    """
    try:
        states = [state for state in alerts_in_force(held, viewer_of(held.settings)) if state.acknowledged is None]
    except AlertError:
        states = []
    territories = {state.alert.territory: state.place for state in states if state.alert.territory}
    return encode_outlines(
        Outline("alert", territory.code, name, held.geography.perimeter(territory))
        for territory, name in territories.items()
    )


def manage_alerts(held: Context, viewer: Viewer, view: View, reading: Reading) -> None:
    """All alerts with their state; set one on the territory looked at, acknowledge or remove one."""
    if viewer.role == "wall":
        panels.sentence(_("Votre rôle voit les alertes en vigueur ; il n'en pose pas et n'en acquitte pas."))
        return
    if refused := st.session_state.pop(REFUSED, None):
        st.error(refused)
    try:
        states = alert_states(held, viewer, reading)
    except AlertError:
        return  # said above, with what to do
    except StoreError:
        panels.sentence(_("Inconnues tant que la base ne répond pas."))
        return
    if not states:
        panels.sentence(_("Aucun seuil n'est surveillé. Posez-en un sur le territoire regardé."))
    for state in states:
        if not state.in_force:
            panels.sentence(alert_sentence(state))
    _offer_acknowledging(held, [state for state in states if state.in_force and state.acknowledged is None])
    _offer_setting(held, view)
    _offer_removing(held, states)


def _offer_setting(held: Context, view: View) -> None:
    place = held.geography.name(view.territory) if view.territory else _("France")
    with st.form("alert", border=False, enter_to_submit=True):
        measure, days, threshold = st.columns([1.5, 1, 1], vertical_alignment="bottom")
        measure.selectbox(
            _("Mesure"), ALERT_MEASURES, format_func=lambda name: _(MEASURES[name].title), key="alert_measure"
        )
        days.number_input(_("Derniers jours"), 1, LONGEST_DAYS, FIRST_DAYS, key="alert_days")
        threshold.number_input(_("Seuil"), min_value=0.0, value=10.0, step=1.0, format="%g", key="alert_threshold")
        label = _("Surveiller {place}").format(place=place)
        st.form_submit_button(label, on_click=_set, args=(Path(held.settings.alerts), view))


def _set(path: Path, view: View) -> None:
    asked = st.session_state
    alert = Alert(view.territory, asked["alert_measure"], int(asked["alert_days"]), float(asked["alert_threshold"]))
    _try(lambda: set_alert(path, alert))


def _offer_acknowledging(held: Context, states: list[AlertState]) -> None:
    if not states:
        return
    path = Path(held.settings.alerts)
    with st.form("acknowledge", border=False, clear_on_submit=True):
        by_name = {state.alert.name: state for state in states}
        st.selectbox(
            _("Alerte à acquitter"),
            list(by_name),
            format_func=lambda name: _named(by_name[name]) if name in by_name else name,
            key="acknowledged_alert",
        )
        st.text_input(_("Note : qui l'a vue, ce qui est fait"), max_chars=LONGEST_NOTE, key="acknowledgement_note")
        until = max(state.stop for state in states) - ONE_DAY
        st.form_submit_button(_("Acquitter"), on_click=_acknowledge, args=(path, until))


def _acknowledge(path: Path, until: date) -> None:
    asked = st.session_state
    name, note = asked["acknowledged_alert"], asked["acknowledgement_note"]
    _try(lambda: acknowledge(path, name, until, note))


def _offer_removing(held: Context, states: list[AlertState]) -> None:
    path = Path(held.settings.alerts)
    if not states:
        return
    label = ngettext("{n} seuil surveillé", "{n} seuils surveillés", len(states)).format(n=len(states))
    with st.expander(label):
        for state in states:
            if st.button(
                _("Retirer {alert}").format(alert=_named(state)), key=f"remove {state.alert.name}", type="tertiary"
            ):
                _try(partial(remove_alert, path, state.alert.name))
                st.rerun()


def _named(state: AlertState) -> str:
    """`Marseille, Incidents sur 7 jours, seuil 50`."""
    alert = state.alert
    return ngettext(
        "{place}, {measure} sur {n} jour, seuil {threshold}",
        "{place}, {measure} sur {n} jours, seuil {threshold}",
        alert.days,
    ).format(
        place=state.place,
        measure=_(MEASURES[alert.measure].title).lower(),
        n=alert.days,
        threshold=fmt.limit(alert.threshold),
    )


def _try(change: Callable[[], None]) -> None:
    """Make a change of the file, or keep why it was not made for the run that follows."""
    try:
        change()
    except AlertError as error:
        st.session_state[REFUSED] = translate_error(error)
