"""Routes: corridors toward Europe and France on a map, as a Sankey diagram and as tables, with what they stand on."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from html import escape
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import streamlit as st

from dashboard import corridor_tables as tables
from dashboard import format as fmt
from dashboard import panels
from dashboard.context import Context, context, viewer_of
from dashboard.corridor_facts import Routed, read_routed
from dashboard.corridor_figures import figures_html, stamp, title_html
from dashboard.corridor_geography import Countries, EntryPoints, world
from dashboard.corridor_limits import limits, refused_weights
from dashboard.corridor_map import kept_entry_points, key_of, months_label
from dashboard.corridor_panel import corridor_panel, entry_panel
from dashboard.corridor_sankey import chart, diagram, flow_table
from dashboard.corridor_view import (
    AGAINST,
    DRAWN,
    CorridorView,
    first_day,
    view_in_address,
    write_address,
)
from dashboard.corridor_words import ORIGINS, TOWARD, WEIGHTS
from dashboard.corridors import Shown, network_of, shown_corridors
from dashboard.empty import offer_data
from dashboard.i18n import _, current_language, ngettext, translate_error
from dashboard.live import STREAM
from dashboard.map_host import HEIGHT_PX, theme_name
from dashboard.recall import Reading
from dashboard.sources import source_ages
from data.errors import ForbiddenError, StoreError
from data.query import Viewer
from data.vocabulary import DRUGS, MODES
from layers.corridors import CORRIDOR_STRINGS, build_corridor_map
from layers.strings import STRINGS

LAST_CLICK = "last_corridor_click"  # of the session


def render() -> None:
    held = context()
    view, ignored = view_in_address()
    for error in ignored:
        st.warning(translate_error(error))
    if view.dates.language is None and current_language() != held.settings.language:
        view = replace(view, dates=replace(view.dates, language=current_language()))
    viewer = viewer_of(held.settings)
    reading = Reading(held.recall)
    try:
        version = reading.ask(held.store.version)
        kept = reading.ask(read_routed(held), viewer)
    except ForbiddenError:
        _title(view, None, reading)
        _refused(held, viewer, reading)
        return
    except StoreError as error:
        _title(view, None, reading)
        st.error(_("Données indisponibles. {reason}").format(reason=translate_error(error)))
        return
    shown = shown_corridors(held, kept, view)
    _title(view, shown, reading)
    if shown is None:
        _nothing(held, kept)
        return
    _outage(held, version, reading)
    _draw(held, viewer, kept, view, shown, reading)


def _title(view: CorridorView, shown: Shown | None, reading: Reading) -> None:
    other = "en" if current_language() == "fr" else "fr"
    label = {"en": "English", "fr": "Français"}[other]
    params = replace(view, dates=replace(view.dates, language=other)).to_params()
    address = escape(f"?{urlencode(params, safe=':,')}", quote=True)
    link = f'<a href="{address}" target="_self" lang="{other}">{label}</a>'
    panels.title(title_html(view, shown), link, stamp(view, reading))


def _refused(held: Context, viewer: Viewer, reading: Reading) -> None:
    """Who may not read facts one by one: why, where their totals are, and how old those are."""
    reason = (
        _("Votre vue protège les petits effectifs, et une liaison peut n'avoir qu'une saisie.")
        if viewer.sees_events
        else _("Votre rôle ne lit pas les faits un par un, et une liaison se compte saisie par saisie.")
    )
    with st.container(key="empty"):
        panels.heading(_("Les liaisons ne vous sont pas montrées."))
        panels.sentence(reason)
        panels.link(_("Voir les totaux des saisies dans Situation"), f"/?nature=seizure&langue={current_language()}")
    _sources(held, viewer, reading)


def _nothing(held: Context, kept: Routed) -> None:
    """No seizure says where it came from or where it went."""
    number = int(kept.seizures.seizures.sum())
    if not number:
        offer_data(held)
        return
    with st.container(key="empty"):
        panels.heading(_("Aucune saisie ne dit d'où elle vient ni où elle va."))
        panels.sentence(
            ngettext(
                "{n} saisie est chargée, sans pays de production, de départ, de transit ou de destination.",
                "{n} saisies sont chargées, sans pays de production, de départ, de transit ou de destination.",
                number,
            ).format(n=fmt.number(number))
        )
        panels.link(_("Charger un fichier"), f"/donnees?langue={current_language()}")


def _outage(held: Context, version: int, reading: Reading) -> None:
    away_since = held.live.away_since or (datetime.now(UTC) if reading.error else None)
    zone = ZoneInfo(st.context.timezone or "UTC")
    panels.outage(version, reading.as_of, away_since, zone, recalled=reading.error is not None)


def _draw(held: Context, viewer: Viewer, kept: Routed, view: CorridorView, shown: Shown, reading: Reading) -> None:
    _controls(kept, view, shown)
    countries, _ways = world(held.geography)
    points = kept_entry_points(held, kept, view, shown)
    left, right = st.columns([2, 1], gap="medium")
    with left, st.container(key="corridor_map"):
        answer = _map()
    view = _clicked(answer, view, shown, points)
    with right:
        _choose(kept, countries, view, shown, points)
        if view.chosen in shown.keys:
            corridor_panel(kept, countries, view, shown, shown.keys.index(view.chosen))
        elif view.entry in points.keys:
            entry_panel(held, kept, countries, view, shown, points, points.keys.index(view.entry))
        else:
            panels.live("figures", figures_html(kept, view, shown, points), stamp(view, reading))
            _limits(held, viewer, kept, countries, reading)
    _below(held, kept, countries, view, shown, points)
    _sources(held, viewer, reading)


def _sources(held: Context, viewer: Viewer, reading: Reading) -> None:
    heading, redraw = st.columns([3, 1], vertical_alignment="bottom")
    with heading:
        panels.heading(_("Sources"))
    redraw.button(_("Actualiser"), key="redraw", type="tertiary", icon=":material/refresh:")
    ages = source_ages(reading.ask(held.kept(held.store.sources), viewer), held.settings.stale_hours, datetime.now(UTC))
    panels.live("sources", panels.sources_html(ages))


# ── Controls ─────────────────────────────────────────────────────────────────────────────────────────────────────


def _controls(kept: Routed, view: CorridorView, shown: Shown) -> None:
    toward, origin, weight, drugs, modes, period, against, drawn = st.columns(
        [0.9, 1.45, 1.35, 0.85, 0.85, 1.9, 1.3, 0.75]
    )
    _select(toward, _("Vers"), "toward", TOWARD, view)
    _select(origin, _("Lecture"), "origin", ORIGINS, view, kept.reading)
    _select(weight, _("Poids des liaisons"), "weight", WEIGHTS, view)
    for column, title, name, known in (
        (drugs, _("Produit"), "drugs", DRUGS),
        (modes, _("Mode"), "modes", MODES),
    ):
        _several(column, title, name, known, view)
    _period(period, kept, view, shown)
    _select(against, _("Comparer à"), "against", AGAINST, view)
    names = {name: _("toutes") if number > 1_000 else fmt.number(number) for name, number in DRAWN.items()}
    _select(drawn, _("Liaisons"), "drawn", names, view)
    said = [_(WEIGHTS[view.weight]), _(ORIGINS[view.origin or kept.reading]), _(TOWARD[view.toward])]
    panels.printed(said)


def _select(column: Any, title: str, name: str, known: dict[str, str], view: CorridorView, otherwise: str = "") -> None:
    key = f"corridor_{name}"
    st.session_state[key] = getattr(view, name) or otherwise
    column.selectbox(
        title,
        list(known),
        format_func=lambda code: _(known[code]),
        key=key,
        on_change=lambda: write_address(replace(view, **{name: st.session_state[key]})),
    )


def _several(column: Any, title: str, name: str, known: dict[str, str], view: CorridorView) -> None:
    key = f"corridor_{name}"
    st.session_state[key] = [code for code in known if code in getattr(view.dates, name)]

    def write() -> None:
        chosen = frozenset(st.session_state[key])
        dates = replace(view.dates, drugs=chosen) if name == "drugs" else replace(view.dates, modes=chosen)
        write_address(replace(view, dates=dates))

    column.multiselect(
        title,
        list(known),
        format_func=lambda code: _(known[code]),
        placeholder=_("Tous"),
        wrap=True,
        key=key,
        on_change=write,
    )


def _period(column: Any, kept: Routed, view: CorridorView, shown: Shown) -> None:
    """By whole months: it is by months that seizures are added up."""
    if kept.months is None:
        return
    first, last = min(kept.months[0], shown.months[0]), max(kept.months[1], shown.months[1])
    if first == last:
        return
    # Two ends or one follows from `value`, which excludes a value under the key: another period, another key.
    key = f"corridor_months_{first}_{last}_{shown.months[0]}_{shown.months[1]}"

    def write() -> None:
        start, stop = st.session_state[key]
        whole = (start, stop) == kept.months
        dates = replace(
            view.dates, start=None if whole else first_day(start), stop=None if whole else first_day(stop + 1)
        )
        write_address(replace(view, dates=dates))

    column.select_slider(
        _("Période, par mois"),
        list(range(first, last + 1)),
        value=shown.months,
        format_func=lambda month: f"{month % 12 + 1:02d}/{month // 12}",
        key=key,
        on_change=write,
    )


def _choose(kept: Routed, countries: Countries, view: CorridorView, shown: Shown, points: EntryPoints) -> None:
    """Any corridor or entry point by its name: what a click on the map does, from the keyboard."""
    names = tables.corridor_names(kept, countries, shown) | tables.entry_names(points)
    key = "corridor_chosen"
    chosen = view.chosen or view.entry
    st.session_state[key] = chosen if chosen in names else None
    if chosen and chosen not in names:
        st.warning(_("« {given} » n'a aucune saisie pour ces filtres.").format(given=chosen))

    def write() -> None:
        write_address(_with_choice(view, st.session_state[key] or ""))

    st.selectbox(
        _("Liaison ou point d'entrée"),
        list(names),
        format_func=lambda code: names.get(code, code),
        placeholder=_("Cliquez sur la carte, ou cherchez ici"),
        index=None,
        key=key,
        on_change=write,
    )


def _with_choice(view: CorridorView, key: str) -> CorridorView:
    entered = ":" in key
    return replace(view, chosen="" if entered else key, entry=key if entered else "")


def _map() -> dict[str, Any]:
    """Constant for a theme and a language: its layer follows the address by itself."""
    # Its component is known only to a runtime that already exists: imported in a page's run, not with this module.
    from streamlit_folium import st_folium

    theme = theme_name()
    strings = {key: _(text) for key, text in (STRINGS | CORRIDOR_STRINGS).items()}
    answer: dict[str, Any] = st_folium(
        build_corridor_map(theme, strings, changes=STREAM),
        key=f"liaisons-{theme}-{current_language()}",
        returned_objects=["last_clicked"],
        use_container_width=True,
        height=HEIGHT_PX,
    )
    return answer


def _clicked(answer: dict[str, Any], view: CorridorView, shown: Shown, points: EntryPoints) -> CorridorView:
    """The view after a click not seen before: on what is chosen already, and on nothing, it frees."""
    click = (answer or {}).get("last_clicked")
    if not click or click == st.session_state.get(LAST_CLICK):
        return view
    st.session_state[LAST_CLICK] = click
    key = key_of(int(click.get("alt") or 0), [*shown.keys, *points.keys])
    view = _with_choice(view, "" if key in (view.chosen, view.entry) else key)
    write_address(view)
    return view


# ── Figures, tables, diagram ─────────────────────────────────────────────────────────────────────────────────────


def _limits(held: Context, viewer: Viewer, kept: Routed, countries: Countries, reading: Reading) -> None:
    panels.heading(_("Ce que ces données ne disent pas"))
    said: list[str] = held.corridors.get_or_make(
        ("limits", kept.serial, current_language()), lambda: limits(kept, countries)
    )

    def refused(viewer: Viewer) -> str:
        key = ("refused", kept.serial, current_language())
        sentence: str = held.corridors.get_or_make(key, lambda: refused_weights(held.store, viewer))
        return sentence

    with suppress(ForbiddenError, StoreError):  # not theirs to know; or not known yet, as the page says above
        said = [*said, reading.ask(refused, viewer)]
    items = "".join(f"<li>{escape(sentence)}</li>" for sentence in said if sentence)
    st.html(f'<ul class="hx-limits">{items}</ul>')


def _below(
    held: Context, kept: Routed, countries: Countries, view: CorridorView, shown: Shown, points: EntryPoints
) -> None:
    left, right = st.columns(2, gap="medium")
    drawn = diagram(kept, shown, view)
    with left:
        panels.heading(_("De la production à la destination"), months_label(shown))
        if drawn.bars:
            st.altair_chart(chart(kept, countries, drawn, view, theme_name()), width="stretch")
        panels.sentence(
            _(
                "Les saisies de ces liaisons, dans l'ordre de leur chemin. L'entrée est l'État européen qui a saisi,"
                " sinon celui du transit ; chaque colonne compte les mêmes saisies."
            )
        )
        with st.expander(_("Table du diagramme")):
            st.dataframe(flow_table(kept, countries, drawn, view), hide_index=True, height=240)
    with right:
        panels.heading(_("Liaisons"), _(WEIGHTS[view.weight]))
        tables.show(tables.corridor_frame(kept, countries, view, shown))
        if shown.before is not None and shown.before.gone:
            panels.sentence(
                ngettext(
                    "{n} liaison de la période comparée n'a plus aucune saisie.",
                    "{n} liaisons de la période comparée n'ont plus aucune saisie.",
                    shown.before.gone,
                ).format(n=fmt.number(shown.before.gone))
            )
    left, right = st.columns(2, gap="medium")
    with left:
        panels.heading(_("Rôle des pays"))
        panels.sentence(
            _(
                "Sorties et arrivées comptent les saisies des liaisons qui partent d'un pays et qui y mènent. Le"
                " passage est la part des plus courts chemins entre deux autres pays qui le traversent : il dit qui"
                " relie, pas combien il y passe."
            )
        )
        tables.show(tables.role_frame(kept, countries, network_of(held, kept, view, shown)))
    with right:
        panels.heading(_("Points d'entrée en Europe"), months_label(shown))
        panels.sentence(
            _(
                "Saisies faites en Europe de ce qui venait d'ailleurs, à l'aéroport, au port ou à la frontière les plus"
                " proches du lieu de la saisie, à 60 km au plus ; {n} sans point d'entrée connu."
            ).format(n=fmt.number(points.without))
        )
        tables.show(tables.entry_frame(points))
