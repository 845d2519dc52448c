"""An empty store says so, and offers what fills it."""

from __future__ import annotations

import streamlit as st

from dashboard import panels
from dashboard.context import Context
from dashboard.i18n import _, current_language
from data.demo import load_demo

DEMO_EVENTS = 200_000


def offer_data(held: Context) -> None:
    st.info(_("La base ne contient encore aucun fait. Chargez un fichier, ou la démonstration pour voir l'outil."))
    load, demo, _rest = st.columns([1, 1, 2])
    with load:
        panels.link(_("Charger un fichier"), f"/donnees?langue={current_language()}")
    if demo.button(_("Charger la démonstration"), type="primary"):
        bar = st.progress(0.0, _("Données de démonstration"))

        def report(done: int, total: int | None) -> None:
            bar.progress(min(1.0, done / total) if total else 0.0)

        load_demo(held.store, events=DEMO_EVENTS, progress=report)
        st.rerun()
