"""The view's controls. The address is the state: every control shows what the address says, and writes to it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import date, timedelta
from functools import lru_cache
from typing import Any, Literal, NamedTuple

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from dashboard import format as fmt
from dashboard import panels
from dashboard.context import Context, viewer_of
from dashboard.i18n import _
from dashboard.measures import MEASURES
from dashboard.view import CLASSIFICATIONS, FILTERS, FINEST_OF_KIND, HOUR_STEP, ONE_DAY, Period, View
from data.errors import QueryError
from data.geography import Geography
from data.query import COARSEST_RESOLUTION, Hours, Territory, TerritoryKind, Viewer
from data.rights import beyond_rights
from data.vocabulary import FAMILIES, KINDS_OF_FAMILY
from geo.errors import N_

EVERYWHERE: Literal[""] = ""  # in the list of kinds: no territory
KINDS_CHOSEN: dict[TerritoryKind | Literal[""], str] = {
    EVERYWHERE: N_("France"),
    "cross": N_("CROSS"),
    "antenna": N_("Antenne OFAST"),
    "region": N_("Région"),
    "departement": N_("Département"),
    "epci": N_("Intercommunalité"),
    "commune": N_("Commune"),
    "arrondissement": N_("Arrondissement municipal"),
    "urban_unit": N_("Unité urbaine"),
    "attraction_area": N_("Aire d'attraction"),
}
PERIODS: dict[str, tuple[str, int | None]] = {
    "7": (N_("7 derniers jours"), 7),
    "30": (N_("30 derniers jours"), 30),
    "90": (N_("90 derniers jours"), 90),
    "365": (N_("12 derniers mois"), 365),
    "all": (N_("Toutes les données"), None),
    "dates": (N_("Dates choisies"), None),
}
HOURS_AT_FIRST = 8  # chosen by their first one alone
AUTOMATIC = 0  # in the list of resolutions: the one that suits the territory
LAST_ADDRESS = "last_address"  # of the session: what to come back to from another page
ARRIVED = "arrived"  # of the session: its page has just become another one
LAST_PAGE = "last_page"  # of the session
LAST_COMPARED = "last_compared"  # of the session: the territories compared last

Change = Callable[[View, Any], View]  # a view, and what a control now says → the next view


def view_in_address(context: Context, *, comparing: bool = False) -> tuple[View, list[QueryError]]:
    """The view of the address, with what was not understood.

    Another page of the same session takes up the view of the one before, and writes it: maps and figures follow the
    address alone. An empty address to which one comes back is what it says, the view without any choice.

    Args:
        comparing: With the territories compared, which the other pages do not show.
    """
    params: dict[str, str | list[str]] = {key: st.query_params.get_all(key) for key in st.query_params}
    if not params and st.session_state.get(ARRIVED) and (kept := st.session_state.get(LAST_ADDRESS)):
        params = dict(kept)
        st.query_params.from_dict(kept)
    view, ignored = view_of_params(context, params)
    st.session_state[LAST_ADDRESS] = view.alone().to_params()
    return view if comparing else view.alone(), ignored


def view_of_params(context: Context, params: Mapping[str, str | list[str]]) -> tuple[View, list[QueryError]]:
    """The nearest view of territories that there are, and what was not understood."""
    view, ignored = View.from_params(params)
    unknown: set[Territory] = set()
    for named in dict.fromkeys([*([view.territory] if view.territory else []), *view.compared]):
        try:
            context.geography.name(named)
        except QueryError as error:
            unknown.add(named)
            ignored.append(error)
    if unknown:
        territory = None if view.territory in unknown else view.territory
        view = replace(view, territory=territory, compared=tuple(one for one in view.compared if one not in unknown))
    return view, ignored


def write_address(view: View) -> None:
    """Write the view, but for its zone: the map draws it and writes it by itself, between two runs of the page."""
    view = replace(view, zone=st.query_params.get("zone"))
    params = view.to_params()
    st.session_state[LAST_ADDRESS] = view.alone().to_params()
    if view.compared:
        st.session_state[LAST_COMPARED] = view.compared
    if st.query_params.to_dict() != params:
        st.query_params.from_dict(params)


def arrive(page: str) -> None:
    """Note which page this run is of, by its path."""
    st.session_state[ARRIVED] = st.session_state.get(LAST_PAGE, page) != page
    st.session_state[LAST_PAGE] = page


def language_asked() -> str | None:
    """The language of the address; of one that says nothing, that of the session's last one."""
    said: str | None = st.query_params.get("langue")
    return said if st.query_params else st.session_state.get(LAST_ADDRESS, {}).get("langue")


class Bound(NamedTuple):
    """Ties a control to the address: its `key`, under which it shows what the address says, and its `on_change`."""

    key: str
    write: Callable[[], None]


def bind(name: str, shown: object, view: View, change: Change) -> Bound:
    """Tie a control named `name` that shows `shown` to the address of `view`."""
    key = f"control_{name}"
    st.session_state[key] = shown
    return Bound(key, lambda: write_address(change(view, st.session_state[key])))


def choose_territory(context: Context, view: View) -> None:
    """Kind, then name; France has no name to choose."""
    kind_column, name_column = st.columns([1, 1.4])
    kinds = _kinds_held(context.geography)
    kind = view.territory.kind if view.territory else EVERYWHERE
    bound = bind("kind", kind, view, lambda view, kind: _with_kind(context, view, kind))
    kind_column.selectbox(
        _("Territoire"),
        kinds,
        format_func=lambda kind: _(KINDS_CHOSEN[kind]),
        key=bound.key,
        on_change=bound.write,
    )
    if view.territory is None:
        name_column.selectbox(_("Nom"), [_("Tout le pays")], disabled=True)
        return
    names = territory_names(context, view.territory.kind, viewer_of(context.settings))
    bound = bind("territory", view.territory.code, view, _with_code)
    name_column.selectbox(
        _("Nom"),
        list(names),
        format_func=lambda code: names.get(code, code),
        key=bound.key,
        on_change=bound.write,
    )


@lru_cache(maxsize=2)
def _kinds_held(known: Geography) -> list[TerritoryKind | Literal[""]]:
    return [kind for kind in KINDS_CHOSEN if not kind or len(known.territories(kind))]


def _with_kind(context: Context, view: View, kind: TerritoryKind | Literal[""]) -> View:
    territory = None
    if kind:
        territory = Territory(kind, str(context.geography.territories(kind)["code"].iloc[0]))
    return replace(view, territory=territory, resolution=None, cell=None)


def _with_code(view: View, code: str) -> View:
    if view.territory is None:
        return view
    return replace(view, territory=Territory(view.territory.kind, code), cell=None)


def territory_names(context: Context, kind: TerritoryKind, viewer: Viewer) -> dict[str, str]:
    """Code → name, with its status where it is not simply in operation; those beyond the viewer's rights last."""
    table, beyond = context.geography.territories(kind), beyond_rights(context.geography, kind, viewer)
    if beyond:
        table = table.sort_values("code", key=lambda codes: codes.isin(beyond), kind="stable")
    installing, withheld = _(" (en installation)"), _(" (hors de vos droits)")
    return {
        str(code): f"{name}{installing if status == 'installing' else ''}{withheld if code in beyond else ''}"
        for code, name, status in zip(table["code"], table["name"], table["status"], strict=True)
    }


def choose_measure(view: View, offered: Iterable[str] = MEASURES) -> None:
    """What the hexagons show, of the measures `offered`, how it is classed, and their size."""
    measure, classes, resolution = st.columns([2, 1.6, 1.2])
    bound = bind("measure", view.measure, view, lambda view, name: replace(view, measure=name))
    measure.selectbox(
        _("Mesure"),
        list(offered),
        format_func=lambda name: _(MEASURES[name].title),
        help=f"{_(MEASURES[view.measure].explains)} ({_(MEASURES[view.measure].unit)})",
        key=bound.key,
        on_change=bound.write,
    )
    bound = bind("classes", view.classes, view, lambda view, name: replace(view, classes=name))
    classes.selectbox(
        _("Classes"),
        list(CLASSIFICATIONS),
        format_func=lambda name: _(CLASSIFICATIONS[name]),
        key=bound.key,
        on_change=bound.write,
    )
    finest = FINEST_OF_KIND[view.territory.kind if view.territory else None]
    shown = AUTOMATIC if view.resolution is None else view.shown_resolution()
    bound = bind("resolution", shown, view, lambda view, number: replace(view, resolution=number or None, cell=None))
    resolution.selectbox(
        _("Hexagones"),
        [AUTOMATIC, *range(COARSEST_RESOLUTION, finest + 1)],
        format_func=lambda number: _("Automatiques") if number == AUTOMATIC else _("Résolution {n}").format(n=number),
        key=bound.key,
        on_change=bound.write,
    )


def choose_filters(view: View, dated: View, held: Period) -> None:
    """`view`: as in the address; `dated`: with the dates it stands for; `held`: first and last day of the store."""
    period, dates, hours, *columns = st.columns([1.2, 1.65, 1.1, 0.95, 0.95, 0.95, 0.95, 0.95])
    bound = bind("period", _period_shown(view, dated, held), view, lambda view, name: _with_period(view, name, held))
    period.selectbox(
        _("Période"),
        list(PERIODS),
        format_func=lambda name: _(PERIODS[name][0]),
        key=bound.key,
        on_change=bound.write,
    )
    _choose_dates(dates, view, dated)
    _choose_hours(hours, view, dated)
    titles = (_("Famille"), _("Nature"), _("Produit"), _("Mode"), _("Service"))
    said = []
    for column, title, (name, known) in zip(columns, titles, FILTERS.values(), strict=True):
        _choose_codes(column, title, name, _kinds_offered(view) if name == "kinds" else known, view)
        if chosen := [_(label) for code, label in known.items() if code in getattr(view, name)]:
            said.append(f"{title} : {', '.join(chosen)}")
    panels.printed([f"{_('Mesure')} : {_(MEASURES[view.measure].title)}", *said])


def _choose_codes(column: DeltaGenerator, title: str, name: str, known: dict[str, str], view: View) -> None:
    chosen = [code for code in known if code in getattr(view, name)]
    bound = bind(name, chosen, view, lambda view, codes: _with_codes(view, name, codes))
    column.multiselect(
        title,
        list(known),
        format_func=lambda code: _(known[code]),
        placeholder=_("Toutes") if name in ("families", "kinds") else _("Tous"),
        wrap=True,
        key=bound.key,
        on_change=bound.write,
    )


def _choose_dates(column: DeltaGenerator, view: View, dated: View) -> None:
    if dated.start is None or dated.stop is None:
        raise ValueError("a view without dates: call dated() first")
    shown = (dated.start, dated.stop - ONE_DAY)
    # One day or two follows from `value`, which excludes a value under the key: other dates, another key.
    key = f"control_dates_{shown[0]}_{shown[1]}"
    column.date_input(
        _("Dates"),
        value=shown,
        format="DD/MM/YYYY",
        key=key,
        on_change=lambda: write_address(_with_dates(view, st.session_state[key])),
    )


def _with_dates(view: View, days: tuple[date, ...]) -> View:
    if len(days) != 2:  # only the first of two days has been clicked
        return view
    return _over(view, days[0], days[1] + ONE_DAY)


def _over(view: View, start: date, stop: date) -> View:
    """The view of another period: a walk by hours, which shows one day, goes on by days over a longer one."""
    if view.step == HOUR_STEP and stop - start > ONE_DAY:
        view = replace(view, step="jour", hours=None)
    return replace(view, start=start, stop=stop)


def _choose_hours(column: DeltaGenerator, view: View, dated: View) -> None:
    """From which hour to which; behind a button that says what is chosen, as most views are of all hours."""
    hours = dated.hours or view.hours
    said = fmt.hours(hours) if hours else _("toutes les heures")
    with column.container(key="hours"):
        panels.field_label(_("Heures"))
        choices = st.popover(said[0].upper() + said[1:], width="stretch")
    with choices:
        bound = bind("hours_start", hours.start if hours else None, view, lambda view, hour: _from(view, hours, hour))
        st.selectbox(
            _("De"),
            [None, *range(24)],
            format_func=lambda hour: _("toutes les heures") if hour is None else _("{n} h").format(n=hour),
            key=bound.key,
            on_change=bound.write,
        )
        if hours is None:
            return
        bound = bind("hours_stop", hours.stop, view, lambda view, hour: replace(view, hours=hours._replace(stop=hour)))
        st.selectbox(
            _("À"),
            [*range(hours.start + 1, 25), *range(1, hours.start + 1)],
            format_func=lambda hour: (_("{n} h") if hour > hours.start else _("{n} h le lendemain")).format(n=hour),
            help=_("Heures légales du lieu. Ce qui suit minuit compte avec la veille."),
            key=bound.key,
            on_change=bound.write,
        )


def _from(view: View, hours: Hours | None, start: int | None) -> View:
    if start is None:
        return replace(view, hours=None, step="jour" if view.step == HOUR_STEP else view.step)
    length = (hours.stop - hours.start - 1) % 24 + 1 if hours else HOURS_AT_FIRST
    return replace(view, hours=Hours(start, (start + length - 1) % 24 + 1))


def _with_codes(view: View, name: str, codes: list[str]) -> View:
    changed: View = replace(view, **{name: frozenset(codes)})  # type: ignore[arg-type]  # `name` is one of the five sets
    if name == "families":
        changed = replace(changed, kinds=changed.kinds & set(_kinds_offered(changed)))
    return changed


def _kinds_offered(view: View) -> dict[str, str]:
    families = view.families or set(FAMILIES)
    return {
        code: label for family, kinds in KINDS_OF_FAMILY.items() if family in families for code, label in kinds.items()
    }


def _period_days(name: str, held: Period) -> tuple[date, date] | None:
    """First day and the day after the last of a preset, counted back from the latest day held."""
    stop, days = held[1] + ONE_DAY, PERIODS[name][1]
    if name == "all":
        return held[0], stop
    return (stop - timedelta(days=days), stop) if days else None


def _period_shown(view: View, dated: View, held: Period) -> str:
    if view.start is None and view.stop is None and view.step != HOUR_STEP:
        return "90"
    return next((name for name in PERIODS if _period_days(name, held) == (dated.start, dated.stop)), "dates")


def _with_period(view: View, name: str, held: Period) -> View:
    days = _period_days(name, held)
    return view if days is None else _over(view, *days)
