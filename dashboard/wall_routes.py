"""The routes scene of a wall: the heaviest corridors by country as ordered bars, from totals that a wall may read."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from dashboard import format as fmt
from dashboard.context import Context
from dashboard.corridor_facts import EUROPE, OVERSEAS
from dashboard.corridor_geography import Countries, world
from dashboard.corridor_map import TITLES
from dashboard.corridor_words import EUROPE as TO_EUROPE
from dashboard.corridor_words import FRANCE, KG, ORIGINS, READINGS, WEIGHTS, WORLD
from dashboard.i18n import _, ngettext
from dashboard.view import View
from dashboard.wall_script import Routes, Scene
from data.query import Query, Viewer
from data.store import RouteTotals, Store
from geo.errors import N_

MOST_SHOWN = 5  # corridors: what a page holds at eight metres
FINDINGS = {
    TO_EUROPE: N_("Vers l'Europe, d'abord {corridor}"),
    FRANCE: N_("Vers la France, d'abord {corridor}"),
    WORLD: N_("D'abord {corridor}"),
}


@dataclass(frozen=True, slots=True)
class Led:
    """The corridors of a scene that lead where it looks."""

    reading: str  # of `READINGS`
    shown: tuple[tuple[str, str, float], ...]  # ISO codes of both ends, amount; the heaviest first
    protected: int  # corridors that are too few seizures to be told
    unweighed: int  # when weighed by kilograms


def led(store: Store, query: Query, viewer: Viewer, routes: Routes) -> Led:
    """Ask for the corridors by the reading of the script, or by the first that joins two countries at all.

    Raises:
        StoreError: The store does not answer.
    """
    seizures = replace(query, kinds=frozenset({"seizure"}))
    reading, pairs = "", []
    for reading in [routes.origin] if routes.origin else READINGS:
        pairs = list(_pairs(store.route_totals(seizures, viewer, *READINGS[reading])))
        if pairs:
            break
    led_there = [pair for pair in pairs if _leads(routes.toward, pair[0], pair[1])]
    hidden = [pair for pair in led_there if pair[4]]
    amounts = [
        (start, stop, kg if routes.weight == KG else facts)
        for start, stop, facts, kg, protected in led_there
        if not protected
    ]
    known = [one for one in amounts if not math.isnan(one[2])]
    return Led(
        reading=reading,
        shown=tuple(sorted(known, key=lambda one: (-one[2], one[0], one[1]))),
        protected=len(hidden),
        unweighed=len(amounts) - len(known),
    )


def _pairs(totals: RouteTotals) -> Iterable[tuple[str, str, float, float, bool]]:
    """Corridors of two known and different ends: codes, seizures, kilograms, whether they are protected."""
    columns = (totals.origin, totals.destination, totals.facts, totals.kg, totals.protected)
    for start, stop, facts, kg, protected in zip(*columns, strict=True):
        if start and stop and start != stop:
            yield start, stop, float(facts), float(kg), bool(protected)


def _leads(toward: str, start: str, stop: str) -> bool:
    if toward == WORLD:
        return True
    if toward == TO_EUROPE:
        return stop in EUROPE and start not in EUROPE
    return stop == "FR" or stop in OVERSEAS


def routes_said(context: Context, viewer: Viewer, scene: Scene, view: View) -> dict[str, Any]:
    """The bars, and what the source cannot say."""
    countries, _ways = world(context.geography)
    routes, query = scene.routes, view.query()
    found = led(context.store, query, viewer, routes)
    write = fmt.kilograms if routes.weight == KG else fmt.number
    shown = found.shown[:MOST_SHOWN]
    top = shown[0][2] if shown else 0
    rows = [
        {
            "name": f"{countries.name(start)} → {countries.name(stop)}",
            "value": write(amount),
            "behind": "",
            "at": amount / top if top else None,
            "low": None,
            "high": None,
        }
        for start, stop, amount in shown
    ]
    finding = _(FINDINGS[routes.toward]).format(corridor=rows[0]["name"]) if rows else _(TITLES[routes.toward])
    return {
        "title": scene.title or finding,
        "where": f"{_(WEIGHTS[routes.weight])} · {_(ORIGINS[found.reading])}",
        "rows": rows,
        "notes": [_who_reports(context.store, query, viewer, countries), *_left_out(found)],
    }


def _left_out(found: Led) -> list[str]:
    """How much stands behind the bars, and what is not among them."""
    if not found.shown and not found.protected and not found.unweighed:
        return [_("Aucune saisie de cette période ne dit une telle route.")]
    said = []
    total = sum(amount for _start, _stop, amount in found.shown)
    if len(found.shown) > MOST_SHOWN and total:
        share = 100 * sum(amount for _start, _stop, amount in found.shown[:MOST_SHOWN]) / total
        text = _("{n} liaisons sur {all} : {share} % du total.")
        said.append(text.format(n=MOST_SHOWN, all=fmt.number(len(found.shown)), share=fmt.number(share)))
    for number, text in (
        (found.protected, ngettext("{n} liaison protégée.", "{n} liaisons protégées.", found.protected)),
        (found.unweighed, ngettext("{n} liaison sans pesée.", "{n} liaisons sans pesée.", found.unweighed)),
    ):
        if number:
            said.append(text.format(n=fmt.number(number)))
    return [" ".join(said)]


def _who_reports(store: Store, query: Query, viewer: Viewer, countries: Countries) -> str:
    """Reporting is not traffic: the state that reports most, and its share. "" where nobody is known to."""
    seizures = replace(query, kinds=frozenset({"seizure"}))
    reported = store.route_totals(seizures, viewer, "reporter", "reporter")
    known = [
        (float(facts), code)
        for code, facts in zip(reported.origin, reported.facts, strict=True)
        if not math.isnan(facts)
    ]
    total = sum(facts for facts, _code in known)
    most, country = max(((facts, code) for facts, code in known if code), default=(0.0, ""))
    if not most:
        return ""
    text = _("{country} : {share} % des déclarations, qui ne sont pas le trafic.")
    return text.format(country=countries.name(country), share=fmt.number(100 * most / total))
