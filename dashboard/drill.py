"""From France to an antenna, a CROSS, a hexagon, and back: what holds a territory, what it holds, and the links."""

from __future__ import annotations

import functools
from html import escape
from typing import NamedTuple
from urllib.parse import urlencode

from dashboard.context import Context
from dashboard.i18n import _
from dashboard.mapdata import place_name
from dashboard.view import View
from data.geography import Geography, geography
from data.query import Territory


class Step(NamedTuple):
    """A place one can go to. `goes`: what changes in the address, "" for what leaves it; all filters stay."""

    name: str
    goes: dict[str, str]


def link_html(step: Step, view: View) -> str:
    """A link that the page follows without being loaded anew (dashboard/static/live.js); a plain one elsewhere."""
    address = {**step.goes, **view.to_params(), **step.goes}
    plain = "?" + urlencode({key: value for key, value in address.items() if value}, safe=":,")
    goes = urlencode(step.goes, safe=":,")
    return (
        f'<a href="{escape(plain, quote=True)}" data-go="{escape(goes, quote=True)}" target="_self">'
        f"{escape(step.name)}</a>"
    )


def to_territory(name: str, territory: Territory | None) -> Step:
    """The whole of a territory; None: France."""
    code = f"{territory.kind}:{territory.code}" if territory else ""
    return Step(name, {"territoire": code, "hexagone": "", "resolution": ""})


def to_hexagon(name: str, cell: int) -> Step:
    """A hexagon pinned, in the territory looked at."""
    return Step(name, {"hexagone": f"{cell:x}"})


def crumbs(known: Geography, territory: Territory | None) -> list[Step]:
    """What holds a territory, from France on; the last one is itself."""
    path: list[Territory] = []
    while territory is not None:
        path.insert(0, territory)
        territory = parent(known, territory)
    return [to_territory(_("France"), None), *(to_territory(step_name(known, one), one) for one in path)]


def step_name(known: Geography, territory: Territory) -> str:
    """`Antenne de Lyon` for what shares its name with a town; the name alone elsewhere."""
    name = known.name(territory)
    match territory.kind:
        case "antenna":
            return _("Antenne {name}").format(name=name)
        case "cross":
            return _("CROSS {name}").format(name=name)
        case _:
            return name


def crumbs_html(held: Context, view: View) -> tuple[str, str]:
    """What stands before and after the name of the territory looked at: what holds it, and the hexagon pinned."""
    holding = crumbs(held.geography, view.territory)[:-1]
    links = "".join(f"<li>{link_html(step, view)}</li>" for step in holding)
    label = escape(_("Fil des territoires"), quote=True)
    before = f'<nav aria-label="{label}"><ol class="hx-crumbs">{links}</ol></nav>' if links else ""
    if view.cell is None:
        return before, ""
    place = place_name(held.geography, view.cell) or _("Hexagone épinglé")
    said = escape(_("hexagone de {place}").format(place=place))
    free = link_html(Step(_("libérer"), {"hexagone": ""}), view)
    return before, f'<span class="hx-pinned">{said} {free}</span>'


def parent(known: Geography, territory: Territory) -> Territory | None:
    """The territory above: of a CROSS the antenna of its seat, of a town or département what it lies in."""
    match territory.kind:
        case "cross":
            [seat] = [cross.seat for cross in known.lists.cross if cross.code == territory.code]
            return _antenna_of(known, _departements()[seat])
        case "departement":
            return _antenna_of(known, territory.code)
        case "commune":
            return _crosses().get(territory.code) or _antenna_of(known, _departements().get(territory.code, ""))
        case "epci":
            found = next((cross for cross in known.lists.cross if territory.code in cross.area), None)
            return Territory("cross", found.code) if found else None
        case _:
            return None


def crosses_of(known: Geography, antenna: str) -> list[str]:
    """Codes of the CROSS whose seat is in an antenna's jurisdiction."""
    whole = Territory("antenna", antenna)
    return [cross.code for cross in known.lists.cross if parent(known, Territory("cross", cross.code)) == whole]


def _antenna_of(known: Geography, departement: str) -> Territory | None:
    found = next((antenna for antenna in known.lists.antennas if departement in antenna.departements), None)
    return Territory("antenna", found.code) if found else None


@functools.cache
def _departements() -> dict[str, str]:
    """Commune → département."""
    communes = geography().communes
    return dict(zip(communes["code"].astype(str), communes["departement"].astype(str), strict=True))


@functools.cache
def _crosses() -> dict[str, Territory]:
    """Commune → the CROSS it belongs to."""
    [members] = [membership for membership in geography().memberships() if membership.kind == "cross"]
    return {commune: Territory("cross", code) for code, commune in zip(members.codes, members.communes, strict=True)}
