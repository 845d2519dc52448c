"""The tables of the Routes page."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pandas as pd
import streamlit as st

from dashboard import panels
from dashboard.corridor_facts import Routed
from dashboard.corridor_geography import Countries, EntryPoints
from dashboard.corridor_map import ENTRY_KINDS, corridor_title, evidence_word, mode_label, trend_of
from dashboard.corridor_view import CorridorView
from dashboard.corridors import Shown
from dashboard.i18n import _
from geo.corridors import UNKNOWN, Evidence
from geo.errors import N_
from geo.network import Network, Part

PARTS: dict[Part, str] = {
    Part.ORIGIN: N_("Départ"),
    Part.DESTINATION: N_("Arrivée"),
    Part.REBOUND: N_("Rebond"),
}
TREND_WORDS = {1: N_("hausse"), 0: N_("hasard possible"), -1: N_("baisse")}
ROWS_SEEN, HEIGHT_PX = 10, 380  # from so many rows on, a table is scrolled through


def show(frame: pd.DataFrame) -> None:
    """A table with numbers as the reader writes them; of none, a sentence."""
    if frame.empty:
        panels.sentence(_("Rien à montrer pour ces filtres."))
        return
    columns = {
        str(name): st.column_config.NumberColumn(format="localized") for name in frame.select_dtypes("number").columns
    }
    height: Literal["content"] | int = "content" if len(frame) < ROWS_SEEN else HEIGHT_PX
    st.dataframe(frame, hide_index=True, height=height, column_config=columns)


def corridor_names(kept: Routed, countries: Countries, shown: Shown) -> dict[str, str]:
    """Key → name, the heaviest first."""
    return {key: corridor_title(kept, countries, shown, row) for row, key in enumerate(shown.keys)}


def entry_names(points: EntryPoints) -> dict[str, str]:
    return {
        key: f"{name} ({_(ENTRY_KINDS[key.partition(':')[0]][0]).lower()})"
        for key, name in zip(points.keys, points.names, strict=True)
    }


def corridor_frame(kept: Routed, countries: Countries, view: CorridorView, shown: Shown) -> pd.DataFrame:
    found = shown.corridors
    names = {number: countries.name(code) for number, code in enumerate(kept.codes)} | {UNKNOWN: _("Inconnu")}

    def named(column: np.ndarray) -> list[str]:
        return [names[number] for number in column.tolist()]

    frame = pd.DataFrame(
        {
            _("De"): named(found.origin),
            _("Vers"): named(found.destination),
            _("Mode"): [
                mode_label(kept.mode(mode)) if mode >= 0 else _("Inconnu") for mode in found.labels["mode"].tolist()
            ],
            _("Saisies"): found.seizures,
            _("kg"): np.round(found.kg, 1),
            _("Éléments"): [evidence_word(Evidence(code)) for code in found.evidence.tolist()],
            _("États"): found.reporters,
            _("Années"): found.years,
            _("Déclare le plus"): named(found.main_reporter),
        }
    )
    if shown.before is not None:
        frame.insert(4, _("Saisies avant"), shown.before.seizures if shown.before.covered else None)
        frame.insert(5, _("Évolution"), [_(TREND_WORDS[trend_of(shown, row)]) for row in range(len(shown.keys))])
    return frame


def role_frame(kept: Routed, countries: Countries, found: Network) -> pd.DataFrame:
    return pd.DataFrame(
        {
            _("Pays"): [countries.name(kept.code(number)) for number in found.country.tolist()],
            _("Rôle"): [_(PARTS[Part(code)]) for code in found.part.tolist()],
            _("Production"): found.made,
            _("Sorties"): found.out,
            _("Arrivées"): found.into,
            _("Passage, %"): np.round(100 * found.betweenness, 1),
        }
    )


def entry_frame(points: EntryPoints) -> pd.DataFrame:
    return pd.DataFrame(
        {
            _("Point d'entrée"): list(points.names),
            _("Nature"): [_(ENTRY_KINDS[key.partition(":")[0]][0]) for key in points.keys],
            _("Saisies"): points.seizures,
            _("kg"): np.round(points.kg, 1),
        }
    )
