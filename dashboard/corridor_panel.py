"""What stands behind the corridor or the entry point that was chosen, and the way from it to the street."""

from __future__ import annotations

from dataclasses import replace
from html import escape
from urllib.parse import urlencode

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from dashboard import corridor_tables as tables
from dashboard import format as fmt
from dashboard import panels
from dashboard.context import Context
from dashboard.corridor_facts import Routed, ends_of
from dashboard.corridor_geography import Countries, EntryPoints
from dashboard.corridor_map import corridor_says, corridor_title, mode_label
from dashboard.corridor_view import CorridorView, first_day, write_address
from dashboard.corridors import Shown
from dashboard.figures import Figure
from dashboard.i18n import _, current_language
from dashboard.view import ONE_DAY
from data.geography import Geography
from data.query import Territory, TerritoryKind
from data.vocabulary import DRUGS
from geo.corridors import UNKNOWN, Corridors, Label, corridors
from geo.nearest import nearest_seat

AROUND_M = 25_000  # around an entry point
BESIDE_KM = 8.0  # of a town hall: a place at sea, or across a border, is beside that commune
HEIGHT_PX = 180


def corridor_panel(kept: Routed, countries: Countries, view: CorridorView, shown: Shown, row: int) -> None:
    """The figures of a corridor, and its seizures by year, drug and reporting state."""
    found = shown.corridors
    start, stop = (getattr(kept.seizures, name) for name in ends_of(kept, view))
    rows = shown.rows & (start == found.origin[row]) & (stop == found.destination[row])
    rows &= kept.seizures.mode == found.labels["mode"][row]
    panels.heading(corridor_title(kept, countries, shown, row))
    st.html(says_html(corridor_says(kept, countries, shown, row)))
    _made_of(kept, countries, rows)
    _free(view)


def entry_panel(
    held: Context, kept: Routed, countries: Countries, view: CorridorView, shown: Shown, points: EntryPoints, at: int
) -> None:
    """What came in by an entry point, and who faces it."""
    rows = points.point == at
    panels.heading(points.names[at])
    panels.figures(
        [
            Figure(_("Saisies venues d'ailleurs"), fmt.number(int(points.seizures[at])), ""),
            Figure(_("Poids"), fmt.kilograms(float(points.kg[at])), ""),
        ]
    )
    _facing(held, shown, float(points.lng[at]), float(points.lat[at]))
    _made_of(kept, countries, rows, ("departure", "producing"))
    _free(view)


def says_html(rows: list[tuple[str, str]]) -> str:
    items = "".join(f"<div><dt>{escape(label)}</dt><dd>{escape(value)}</dd></div>" for label, value in rows)
    return f'<dl class="hx-says">{items}</dl>'


def _made_of(
    kept: Routed, countries: Countries, rows: NDArray[np.bool_], stops: tuple[str, ...] = ("reporter",)
) -> None:
    titles = {"reporter": _("Déclarées par"), "departure": _("Parties de"), "producing": _("Produites en")}
    labels: tuple[tuple[str, Label], ...] = (
        (_("Par année"), "year"),
        (_("Par produit"), "drug"),
        (_("Par mode"), "mode"),
    )
    names = [*(titles[stop] for stop in stops), *(title for title, _label in labels)]
    for tab, stop in zip(opened := st.tabs(names), stops, strict=False):
        with tab:
            found = corridors(kept.seizures, start=stop, stop=stop, chosen=rows)  # type: ignore[arg-type]  # of `titles`
            said = [countries.name(kept.code(code)) if code >= 0 else _("Inconnu") for code in found.origin.tolist()]
            _few(titles[stop], said, found)
    for tab, (title, label) in zip(opened[len(stops) :], labels, strict=True):
        with tab:
            found = corridors(kept.seizures, by=(label,), start="reporter", stop="reporter", chosen=rows)
            _few(title, *_by_label(kept, label, found))


def _by_label(kept: Routed, label: Label, found: Corridors) -> tuple[list[str], Corridors]:
    return [_label_name(kept, label, code) for code in found.labels[label].tolist()], found


def _label_name(kept: Routed, label: Label, code: int) -> str:
    if label == "year":
        return _("Inconnue") if code == UNKNOWN else str(code)
    if label == "mode":
        return mode_label(kept.mode(code))
    return _("Inconnu") if code == UNKNOWN else _(DRUGS[kept.drug(code)])


def _few(title: str, names: list[str], found: Corridors) -> None:
    frame = pd.DataFrame({title: names, _("Saisies"): found.seizures, _("kg"): found.kg})
    added = frame.groupby(title, sort=False).agg({_("Saisies"): "sum", _("kg"): _known_sum}).reset_index()
    ordered = added.sort_values(_("Saisies") if title != _("Par année") else title, ascending=title == _("Par année"))
    tables.show(ordered.assign(**{_("kg"): ordered[_("kg")].round(1)}))


def _known_sum(values: pd.Series[float]) -> float:
    return float(values.sum(min_count=1))


def _facing(held: Context, shown: Shown, lng: float, lat: float) -> None:
    """From the world to the street: what is done around, and the antenna and the CROSS that face the place."""
    first, last = shown.months
    period = {"du": first_day(first).isoformat(), "au": (first_day(last + 1) - ONE_DAY).isoformat()}
    around = {"zone": f"cercle:{lat:.5f},{lng:.5f},{AROUND_M}", **period}
    links = [
        (_("Contrôles à 25 km autour"), _page("/controles", **around)),
        (_("Situation à 25 km autour"), _page("/", **around)),
    ]
    facing: tuple[tuple[TerritoryKind, str], ...] = (
        ("antenna", _("Antenne : {name}")),
        ("cross", _("CROSS : {name}")),
    )
    for kind, label in facing:
        found = who_faces(held.geography, kind, lng, lat)
        if found is None:
            continue
        territory, far_km = found
        name = held.geography.name(territory)
        text = label.format(name=name)
        if far_km is not None:
            text += _(", siège à {km} km").format(km=fmt.number(far_km))
        links.append((text, _page("/", territoire=f"{territory.kind}:{territory.code}")))
    items = "".join(
        f'<li><a href="{escape(address, quote=True)}" target="_self">{escape(text)}</a></li>' for text, address in links
    )
    st.html(f'<ul class="hx-street">{items}</ul>')


def _page(path: str, **parameters: str) -> str:
    """Address of another page."""
    return f"{path}?" + urlencode({**parameters, "langue": current_language()}, safe=":,")


def who_faces(known: Geography, kind: TerritoryKind, lng: float, lat: float) -> tuple[Territory, float | None] | None:
    """The territory of a kind that holds the place, or the commune beside it: a port's point often lies in its basin.

    Elsewhere, the one whose seat is nearest, and how far that is in km.
    """
    commune = _commune_beside(known, lng, lat)
    for membership in known.memberships() if commune else ():
        if membership.kind == kind and commune in membership.communes:
            return Territory(kind, membership.codes[membership.communes.index(commune)]), None
    table = known.territories(kind)
    near = nearest_seat([lng], [lat], table["seat_lng"].to_numpy(), table["seat_lat"].to_numpy())
    seat = int(near.seat[0])
    if seat < 0:
        return None
    return Territory(kind, str(table["code"].iloc[seat])), float(near.distance_km[0])


def _commune_beside(known: Geography, lng: float, lat: float) -> str:
    """Code of the commune of a place, or of the nearest one within `BESIDE_KM`; "" for none."""
    communes = known.communes
    row = int(known.communes_at(np.array([lng]), np.array([lat]))[0])
    if row < 0:
        near = nearest_seat([lng], [lat], communes["lng"].to_numpy(), communes["lat"].to_numpy())
        row = int(near.seat[0]) if near.distance_km[0] <= BESIDE_KM else -1
    return str(communes["code"].iloc[row]) if row >= 0 else ""


def _free(view: CorridorView) -> None:
    if st.button(_("Libérer")):
        write_address(replace(view, chosen="", entry=""))
        st.rerun()
