"""What a page says of the reference lists: edited since they were read, or in contradiction with themselves."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from dashboard import format as fmt
from dashboard.context import Context
from dashboard.i18n import _, translate_error
from dashboard.lists_state import lists_state
from data.errors import ReferenceListError
from data.lists import ListsError

FAULTS_SHOWN = 50


def check_lists(held: Context) -> None:
    """Say when the lists were edited since they were read. Raises ReferenceListError if those in use cannot be read."""
    state, error = lists_state(held.geography.lists)
    if error is not None:
        st.warning(
            _(
                "Les listes modifiées comptent {n} anomalie(s) : la page garde celles en usage. Corrigez-les, puis"
                " « hexacross lists check »."
            ).format(n=fmt.number(len(error.faults)))
        )
        with st.expander(_("Anomalies des listes")):
            st.dataframe(faults_frame(error), hide_index=True)
    elif state == "edited":
        st.info(_("Les listes ont été modifiées : « hexacross lists reload », puis un redémarrage, les appliquent."))


def wrong_lists(error: ReferenceListError) -> None:
    """Instead of a page whose territories nobody knows: what is wrong, and what to do."""
    if not isinstance(error, ListsError):
        st.error(translate_error(error))
        return
    st.error(
        _(
            "Les listes de référence comptent {n} anomalie(s) : les CROSS et les antennes ne sont pas connus, et cette"
            " page n'a pas de chiffres à montrer. Corrigez-les, puis redémarrez ; « hexacross lists check » les donne"
            " toutes."
        ).format(n=fmt.number(len(error.faults)))
    )
    st.dataframe(faults_frame(error), hide_index=True)


def faults_frame(error: ListsError) -> pd.DataFrame:
    """What is wrong with the lists, by file and line."""
    return pd.DataFrame(
        {
            _("Fichier"): [fault.file for fault in error.faults[:FAULTS_SHOWN]],
            _("Ligne"): [fault.line or None for fault in error.faults[:FAULTS_SHOWN]],
            _("Anomalie"): [fault.message.said(_) for fault in error.faults[:FAULTS_SHOWN]],
        }
    )
