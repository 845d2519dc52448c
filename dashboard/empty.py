"""An empty store says so, and offers what fills it."""

from __future__ import annotations

import streamlit as st
from data.demo import load_demo

from dashboard.context import Context
from dashboard.i18n import _

DEMO_EVENTS = 200_000


def offer_data(held: Context) -> None:
    st.info(_("La base ne contient encore aucun fait. Chargez un fichier, ou la démonstration pour voir l'outil."))
    load, demo, _rest = st.columns([1, 1, 2])
    with load:
        st.page_link("donnees", label=_("Charger un fichier"))
    if demo.button(_("Charger la démonstration"), type="primary"):
        bar = st.progress(0.0, _("Données de démonstration"))
        load_demo(
            held.store,
            events=DEMO_EVENTS,
            progress=lambda done, total: bar.progress(min(1.0, done / total) if total else 0.0) and None,
        )
        st.rerun()
