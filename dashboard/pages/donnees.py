"""Données: bring files in, see what is understood of them first, and what became of each of their lines."""

from __future__ import annotations

from typing import Any

import streamlit as st

from dashboard import format as fmt
from dashboard import panels
from dashboard.context import Context, context, viewer_of
from dashboard.events_table import events_table
from dashboard.i18n import _, translate_error
from dashboard.ledgers import ledger_frame, ledger_sentence, quarantine_csv, quarantine_frame
from dashboard.uploads import Understanding, expected_lines, on_disk, understand
from data.errors import StoreError, UnreadableFileError
from data.query import Viewer
from data.readers import Options, open_source
from data.vocabulary import MARKINGS
from geo.errors import N_, HexacrossError

ASSUMED = {  # what a reader had to guess
    "encoding": N_("encodage"),
    "separator": N_("séparateur"),
    "release": N_("publication"),
}
QUARANTINE_SHOWN = 1_000
LOADED = "loaded"  # of the session: sentences on what was loaded, by the upload's id
UNDERSTOOD = "understood"  # of the session: what was understood, by upload, mapping and marking


def render() -> None:
    held = context()
    viewer = viewer_of(held.settings)
    panels.title(panels.title_html(_("Données"), _("Charger des fichiers, relire ce qui a été refusé")))
    uploads = st.file_uploader(
        _("Fichiers à charger : CSV, Parquet, GeoJSON, GeoPackage ; ceux de l'ONUDC et du SSMSI sont reconnus."),
        accept_multiple_files=True,
    )
    for upload in uploads:
        with st.container(border=True):
            _one_file(held, upload)
    try:
        _loads(held, viewer)
    except StoreError as error:
        st.error(translate_error(error))


def _one_file(held: Context, upload: Any) -> None:
    """What is understood of one upload, then its loading."""
    panels.heading(upload.name, fmt.file_size(upload.size))
    if sentence := st.session_state.setdefault(LOADED, {}).get(upload.file_id):
        st.success(sentence)
        return
    mapping = st.session_state.get(f"mapping_{upload.file_id}", "")
    marking = st.session_state.get(f"marking_{upload.file_id}")
    try:
        understood = _understand(upload, mapping, marking)
    except UnreadableFileError as error:
        st.warning(translate_error(error))
        _edit_mapping(upload, propose=not mapping)
        return
    except HexacrossError as error:
        st.error(translate_error(error))
        if mapping:
            _edit_mapping(upload, propose=False)
        return
    _show(understood)
    if mapping:
        _edit_mapping(upload, propose=False)
    st.selectbox(
        _("Mention de protection"),
        [None, *(code for code in MARKINGS if code != "demo")],
        format_func=lambda code: (
            _("Celle du format : {marking}").format(marking=_(MARKINGS[understood.marking]))
            if code is None
            else _(MARKINGS[code])
        ),
        key=f"marking_{upload.file_id}",
    )
    if st.button(_("Charger"), type="primary", key=f"load_{upload.file_id}"):
        _load(held, upload, mapping, marking)


def _understand(upload: Any, mapping: str, marking: str | None) -> Understanding:
    """Kept for the session: each click of the page would read the file again."""
    known: dict[tuple[str, str, str | None], Understanding] = st.session_state.setdefault(UNDERSTOOD, {})
    key = (upload.file_id, mapping, marking)
    if key not in known:
        with on_disk(upload, mapping) as (path, written):
            known[key] = understand(path, written, Options(stated_marking=marking))
    return known[key]


def _edit_mapping(upload: Any, propose: bool) -> None:
    """The TOML that says how to read the file: proposed from its columns, corrected by the user."""
    key = f"mapping_{upload.file_id}"
    draft = st.session_state.get(key, "")
    if propose:
        from data.propose import propose_mapping

        try:
            with on_disk(upload) as (path, _mapping):
                draft = propose_mapping(path)
        except HexacrossError as error:
            st.error(translate_error(error))
            return
    with st.form(f"form_{upload.file_id}"):
        text = st.text_area(_("Correspondance proposée : à relire et corriger, puis valider"), draft, height=320)
        if st.form_submit_button(_("Lire avec cette correspondance")):
            st.session_state[key] = text
            st.rerun()


def _show(understood: Understanding) -> None:
    days = f"{fmt.short_day(understood.first_day)} – {fmt.short_day(understood.last_day)}"
    parts = [
        _("Lu comme : {reader}").format(reader=understood.reader),
        _("source : {source}").format(source=understood.source),
        _("premières lignes lues : {n}, dont {refused} refusées").format(
            n=fmt.number(understood.lines), refused=fmt.number(understood.refused)
        ),
        *(f"{_(ASSUMED.get(name, name))} : {value}" for name, value in understood.assumed.items()),
    ]
    if understood.first_day is not None:
        parts.append(_("période : {days}").format(days=days))
        parts.append(
            _("{n} faits au point ou à la rue, donc en hexagones").format(n=fmt.number(understood.in_hexagons))
        )
    panels.sentence(" · ".join(parts))
    if understood.sample is not None and understood.sample.num_rows:
        with st.expander(_("Premiers faits, tels qu'ils sont compris")):
            events_table(understood.sample)


def _load(held: Context, upload: Any, mapping: str, marking: str | None) -> None:
    bar = st.progress(0.0, _("Chargement…"))
    estimated = expected_lines(upload)

    def report(done: int, total: int | None) -> None:
        expected = total or estimated
        share = min(1.0, done / expected) if expected else 0.0
        bar.progress(share, _("Chargement : {n} lignes").format(n=fmt.number(done)))

    try:
        with on_disk(upload, mapping) as (path, written):
            source = open_source(path, written, Options(stated_marking=marking))
            ledger = held.store.load(source.batch, source.chunks(), report)
    except HexacrossError as error:
        bar.empty()
        st.error(_("Rien n'a été chargé. {reason}").format(reason=translate_error(error)))
        return
    st.session_state[LOADED][upload.file_id] = ledger_sentence(ledger)
    st.rerun()


def _loads(held: Context, viewer: Viewer) -> None:
    ledgers = held.store.batches(viewer)
    panels.heading(_("Chargements"))
    if not ledgers:
        panels.sentence(_("Aucun fichier n'a encore été chargé."))
        return
    frame = ledger_frame(ledgers)
    counts = {str(name): st.column_config.NumberColumn(format="localized") for name in frame.select_dtypes("integer")}
    st.dataframe(frame, hide_index=True, column_config=counts)
    refused = {ledger.batch_id: ledger.name for ledger in ledgers if ledger.refused}
    if not refused or not viewer.sees_events:
        return
    panels.heading(_("Lignes refusées"))
    batch = st.selectbox(_("Fichier"), list(refused), format_func=lambda batch: refused[batch])
    refusals = held.store.quarantine(viewer, batch)
    st.dataframe(quarantine_frame(refusals.slice(0, QUARANTINE_SHOWN)), hide_index=True)
    st.download_button(
        _("Télécharger la quarantaine (CSV)"),
        quarantine_csv(refusals),
        file_name=f"quarantaine-{refused[batch]}.csv",
        mime="text/csv",
    )
