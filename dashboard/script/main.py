"""The script Streamlit runs for each page: frame, language, marking, navigation."""

from __future__ import annotations

import logging
from pathlib import Path

import streamlit as st

import dashboard.pages.comparaison as comparaison
import dashboard.pages.controles as controles
import dashboard.pages.couverture as couverture
import dashboard.pages.donnees as donnees
import dashboard.pages.situation as situation
import dashboard.pages.trafficking_routes as trafficking_routes
from dashboard import panels
from dashboard.context import context, viewer_of
from dashboard.controls import arrive, language_asked
from dashboard.i18n import _, set_language, translate_error
from dashboard.lists_panel import wrong_lists
from dashboard.recall import Reading
from dashboard.settings import LANGUAGES
from dashboard.sources import markings_shown
from dashboard.views_menu import views_menu
from data.errors import ReferenceListError, StoreError

logger = logging.getLogger(__name__)

ICON = Path(__file__).parents[1] / "static" / "hexacross.svg"


def main() -> None:
    held = context()
    asked = language_asked()
    set_language(asked if asked in LANGUAGES else held.settings.language)
    st.set_page_config(page_title="Hexacross", page_icon=str(ICON), layout="wide")
    page = st.navigation(
        [
            st.Page(situation.render, title=_("Situation"), url_path="situation", default=True),
            st.Page(couverture.render, title=_("Couverture"), url_path="couverture"),
            st.Page(controles.render, title=_("Contrôles"), url_path="controles"),
            st.Page(trafficking_routes.render, title=_("Routes"), url_path="routes"),
            st.Page(comparaison.render, title=_("Comparaison"), url_path="comparaison"),
            st.Page(donnees.render, title=_("Données"), url_path="donnees"),
        ],
        position="top",
    )
    arrive(page.url_path)
    try:
        sources = Reading(held.recall).ask(held.kept(held.store.sources), viewer_of(held.settings))
        panels.marking_band(markings_shown(sources))
    except StoreError as error:
        st.error(translate_error(error))
    views_menu(held, page.url_path)
    try:
        page.run()
    except ReferenceListError as error:  # at the start: later ones stay out of use
        wrong_lists(error)
    except Exception:  # the last resort: Streamlit says it in English, with links to the outside
        logger.exception("unexpected error on the page %s", page.url_path)
        st.error(
            _(
                "Une erreur imprévue arrête cette page ; elle est notée dans le journal du serveur. Les données ne sont"
                " pas touchées. Rechargez la page, ou revenez à l'adresse précédente."
            )
        )


main()
