"""Couverture: what CROSS cover on a day and what none covers; antennas' jurisdictions, and what moving one would do."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from dashboard import coverage_tables as tables
from dashboard import format as fmt
from dashboard import panels
from dashboard.antenna_figures import Departements, departements, loads
from dashboard.context import Context, context, today, viewer_of
from dashboard.controls import bind, choose_filters, view_in_address, write_address
from dashboard.coverage_figures import coverage, incidents_by_commune, uncovered_places
from dashboard.coverage_part import COVERAGE, title_html
from dashboard.empty import offer_data
from dashboard.i18n import _, translate_error
from dashboard.lists_panel import check_lists
from dashboard.map_host import give_way, show_map
from dashboard.recall import Reading
from dashboard.sources import source_ages
from dashboard.view import PARTS, WEIGHTS, Period, View
from data.errors import StoreError
from data.jurisdictions import antenna_of, jurisdictions_csv, moves_between, partition_of, proposal_source, proposed
from data.lists import JURISDICTIONS
from data.query import Territory, TerritoryKind, Viewer

MAP = "/couverture/hex"
PLACES_SHOWN = 200
TABLE_PX = 252
ANTENNAS_PX = 392
MAP_NAME = "couverture"
EDITED = "coverage_edited"  # of the session: the moves that the editor shows, and how often it was made anew


def render() -> None:
    held = context()
    asked, ignored = view_in_address(held)
    for error in ignored:
        st.warning(translate_error(error))
    viewer = viewer_of(held.settings)
    reading = Reading(held.recall)
    try:
        period = reading.ask(held.store.period, viewer)
        check_lists(held)
    except StoreError as error:
        reason = translate_error(error)
        st.error(_("Données indisponibles. {reason} La carte garde sa dernière image.").format(reason=reason))
        _map()
        return
    view = asked.dated(period, today())
    if refused := asked.refused_hours(period, today()):
        st.warning(translate_error(refused))
    panels.title(title_html(view), panels.language_link(view), COVERAGE.stamp(asked, reading))
    if period is None:
        offer_data(held)
        return
    give_way(replace(view, territory=None, moves=()), MAP_NAME)
    _draw(held, viewer, asked, period)


def _map() -> None:
    show_map(MAP, MAP_NAME, walks=False)


def _draw(held: Context, viewer: Viewer, asked: View, period: Period) -> None:
    view = asked.dated(period, today())
    _choose(held, asked)
    choose_filters(asked, view, period)
    left, right = st.columns([3, 2], gap="medium")
    with left:
        _map()
    reading = Reading(held.recall)
    outage = right.container()
    try:
        version = reading.ask(held.store.version)
        draw = _cross if view.part == "cross" else _antennas
        draw(held, viewer, asked, reading, right)
    except StoreError as error:  # it answered a moment ago, and nothing of it is kept
        right.error(translate_error(error))
        return
    _published(held)
    panels.heading(_("Sources"))
    ages = source_ages(reading.ask(held.kept(held.store.sources), viewer), held.settings.stale_hours, datetime.now(UTC))
    panels.live("sources", panels.sources_html(ages))
    st.button(_("Actualiser"), key="redraw", type="tertiary", icon=":material/refresh:")
    with outage:
        away_since = held.live.away_since or (datetime.now(UTC) if reading.error else None)
        zone = ZoneInfo(st.context.timezone or "UTC")
        panels.outage(version, reading.as_of, away_since, zone, recalled=reading.error is not None)


def _choose(held: Context, asked: View) -> None:
    """What is looked at, on which day, weighed by what; and the way back from a place to the country."""
    part, day, weight, back = st.columns([1.4, 1, 1, 2], gap="medium")
    tie = bind("part", asked.part, asked, lambda view, name: replace(view, part=name or asked.part))
    part.segmented_control(
        _("Volet"), list(PARTS), format_func=lambda name: _(PARTS[name]), key=tie.key, on_change=tie.write
    )
    shown = min(asked.as_of or today(), today())
    key = f"control_as_of_{shown}"
    day.date_input(
        _("Couverture au"),
        value=shown,
        min_value=date(2010, 1, 1),
        max_value=today(),
        format="DD/MM/YYYY",
        key=key,
        on_change=lambda: write_address(_on_day(asked, st.session_state[key])),
    )
    tie = bind("weight", asked.weight, asked, lambda view, name: replace(view, weight=name))
    weight.selectbox(
        _("Pondérer la carte par"),
        list(WEIGHTS),
        format_func=lambda name: _(WEIGHTS[name]),
        key=tie.key,
        on_change=tie.write,
    )
    if asked.territory is not None:
        name = held.geography.name(asked.territory)
        back.button(
            _("{name} : revenir à la France").format(name=name),
            icon=":material/public:",
            type="tertiary",
            on_click=lambda: write_address(replace(asked, territory=None)),
        )


def _on_day(asked: View, day: date | None) -> View:
    return replace(asked, as_of=None if day is None or day >= today() else day)


# ---- CROSS


def _cross(held: Context, viewer: Viewer, asked: View, reading: Reading, beside: DeltaGenerator) -> None:
    view = asked.dated(reading.ask(held.store.period, viewer), today())
    parts = COVERAGE.parts(held, viewer, view, reading)
    incidents = incidents_by_commune(held, viewer, view, reading)
    found = coverage(held, viewer, view, today(), reading, incidents)
    places, number = uncovered_places(held.geography, found, incidents, view.weight, PLACES_SHOWN)
    with beside:
        panels.live("figures", parts["figures"], COVERAGE.stamp(asked, reading))
        panels.heading(_("Lieux qu'aucune CROSS en activité ne couvre"), _places_behind(number, len(places), view))
        _selectable("places", tables.places_frame(places), "commune", list(places["code"]), asked)
        panels.sentence(" ".join(tables.coverage_notes(found)))
    panels.heading(_("Les CROSS"), _("une ligne choisie se montre sur la carte"))
    frame = tables.cross_frame(found)
    _selectable("cross", frame.drop(columns="code"), "cross", list(frame["code"]), asked)
    with st.expander(_("Table du bilan")):
        frame = tables.ledger_frame(found)
        st.dataframe(_rounded(frame), hide_index=True, column_config=_numbers(frame), placeholder=fmt.UNKNOWN)


def _places_behind(number: int, shown: int, view: View) -> str:
    said = (
        _("{n} communes, les {shown} premières par habitants")
        if view.weight == "habitants"
        else _("{n} communes, les {shown} premières par incidents")
    )
    return said.format(n=fmt.number(number), shown=fmt.number(shown))


def _selectable(
    name: str, frame: pd.DataFrame, kind: TerritoryKind, codes: list[str], asked: View, height_px: int = TABLE_PX
) -> None:
    """A table whose chosen row is the territory that the map shows."""
    key = f"table_{name}"

    def choose() -> None:
        rows = st.session_state[key].selection.rows
        chosen = Territory(kind, codes[rows[0]]) if rows and rows[0] < len(codes) else None
        write_address(replace(asked, territory=chosen))

    st.dataframe(
        _rounded(frame),
        hide_index=True,
        height=height_px,
        column_config=_numbers(frame),
        placeholder=fmt.UNKNOWN,
        on_select=choose,
        selection_mode="single-row",
        key=key,
    )


def _decimals(frame: pd.DataFrame) -> dict[str, int]:
    """How columns of numbers are written: shares and multiples to a decimal or two, counts and surfaces whole."""
    return {
        str(column): 1 if "%" in str(column) or column == _("Taux") else 2 if _("Charge") in str(column) else 0
        for column in frame.select_dtypes("number")
    }


def _rounded(frame: pd.DataFrame) -> pd.DataFrame:
    """With the decimals that are shown: the table cuts off those beyond its step, 2,699 would read 2,69."""
    return frame.round(_decimals(frame))


def _numbers(frame: pd.DataFrame) -> dict[str, Any]:
    return {
        column: st.column_config.NumberColumn(format="localized", step=10.0**-decimals)
        for column, decimals in _decimals(frame).items()
    }


def _published(held: Context) -> None:
    """What sources say of how many there are: they contradict each other, and the lists."""
    panels.heading(_("Ce que disent les sources"), _("aucune n'est préférée à une autre"))
    st.dataframe(tables.published_frame(held.geography.lists, today()), hide_index=True)
    panels.sentence(
        _(
            "103 CROSS, une par département, et 28 dans les grandes agglomérations ne comptent pas la même chose ;"
            " aucune source n'en donne la liste. Les périmètres et les dates de la carte sont ceux des listes en usage."
        )
    )


# ---- antennas


def _antennas(held: Context, viewer: Viewer, asked: View, reading: Reading, beside: DeltaGenerator) -> None:
    view = asked.dated(reading.ask(held.store.period, viewer), today())
    known, found = held.geography, departements(held, viewer, view, reading)
    before = antenna_of(known.lists)
    after, refused = proposed(known.lists, view.moves)
    for error in refused:
        st.warning(translate_error(error))
    now = loads(known, found, before)
    then = loads(known, found, after) if after != before else None
    with beside:
        panels.heading(_("Ressorts des antennes"), _("charge : incidents, en multiple de la moyenne des antennes"))
        seats = {antenna.code: _seat_name(held, antenna.seat) for antenna in known.lists.antennas}
        frame = tables.antenna_frame(known.lists.antennas, seats, now, then)
        codes = [antenna.code for antenna in known.lists.antennas]
        _selectable("antennas", frame, "antenna", codes, asked, ANTENNAS_PX)
        panels.sentence(_partition_sentence(found, after))
        if then is not None:
            panels.sentence(tables.moved_sentence(known.lists, now, then))
        _edit(held, found, after, asked)


def _seat_name(held: Context, code: str) -> str:
    overseas = held.geography.collectivites.set_index("seat")["seat_name"]
    return str(overseas[code]) if code in overseas else held.geography.name(Territory("commune", code))


def _partition_sentence(found: Departements, holder: dict[str, str]) -> str:
    partition = partition_of(((code, antenna) for code, antenna in holder.items()), found.codes)
    if not partition.whole:
        return _("Partition incomplète : {gaps} sans antenne, {overlaps} dans deux ressorts.").format(
            gaps=", ".join(partition.gaps) or "0", overlaps=", ".join(partition.overlaps) or "0"
        )
    return _(
        "Partition vérifiée : {n} départements et collectivités, chacun dans un ressort et un seul. Faits et habitants"
        " des collectivités d'outre-mer : inconnus ici."
    ).format(n=len(found.codes))


def _edit(held: Context, found: Departements, holder: dict[str, str], asked: View) -> None:
    """The table in which a département is given to another antenna. The address holds what was moved."""
    lists = held.geography.lists
    moves = moves_between(antenna_of(lists), holder)
    shown, version = st.session_state.get(EDITED, (None, 0))
    if shown != moves:  # the address says so, and not the editor: it begins anew
        version += 1
        st.session_state[EDITED] = (moves, version)
        st.session_state["jurisdictions_base"] = holder
    base: dict[str, str] = st.session_state["jurisdictions_base"]
    frame = _rounded(tables.jurisdictions_frame(lists, found, base))
    antenna_column, key = _("Antenne"), f"jurisdictions_{version}"
    codes = {antenna.name: antenna.code for antenna in lists.antennas}

    def keep() -> None:
        edited = dict(base)
        for row, changes in st.session_state[key]["edited_rows"].items():
            if changes.get(antenna_column) in codes:
                edited[str(found.codes[row])] = codes[changes[antenna_column]]
        kept = moves_between(antenna_of(lists), edited)
        st.session_state[EDITED] = (kept, version)
        write_address(replace(asked, moves=kept))

    panels.heading(_("Déplacer un département"), _("choisir une autre antenne dans la colonne « Antenne »"))
    st.data_editor(
        frame,
        hide_index=True,
        height=TABLE_PX,
        disabled=[str(column) for column in frame if column != antenna_column],
        column_config=_numbers(frame)
        | {antenna_column: st.column_config.SelectboxColumn(options=list(codes), required=True)},
        placeholder=fmt.UNKNOWN,
        key=key,
        on_change=keep,
    )
    export, undo = st.columns(2)
    export.download_button(
        _("Exporter la liste des ressorts (CSV)"),
        jurisdictions_csv(lists, holder, proposal_source(today())),
        file_name=JURISDICTIONS,
        mime="text/csv",
        width="stretch",
    )
    undo.button(
        _("Revenir aux ressorts des listes"),
        on_click=lambda: write_address(replace(asked, moves=())),
        disabled=not moves,
        width="stretch",
    )
