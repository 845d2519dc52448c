"""An empty store says so, and offers what fills it."""

from __future__ import annotations

import streamlit as st

from dashboard import format as fmt
from dashboard import panels
from dashboard.context import Context
from dashboard.i18n import _, current_language
from data.demo import load_demo

DEMO_EVENTS = 200_000


def offer_data(held: Context) -> None:
    with st.container(key="empty"):
        panels.heading(_("La base ne contient encore aucun fait."))
        panels.sentence(
            _(
                "Chargez un fichier de faits ou d'indicateurs, ou la démonstration : {events} faits inventés, partout"
                " signalés comme tels."
            ).format(events=fmt.number(DEMO_EVENTS))
        )
        load, demo = st.columns(2)
        with load:
            panels.link(_("Charger un fichier"), f"/donnees?langue={current_language()}")
        if demo.button(_("Charger la démonstration"), width="stretch"):
            _load_demo(held)


def _load_demo(held: Context) -> None:
    bar = st.progress(0.0, _("Données de démonstration"))

    def report(done: int, total: int | None) -> None:
        bar.progress(min(1.0, done / total) if total else 0.0)

    load_demo(held.store, events=DEMO_EVENTS, progress=report)
    st.rerun()
