"""What the Routes page shows, and its address: periods, drugs and modes as everywhere, and what only corridors have."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Self

import streamlit as st

from dashboard.controls import ARRIVED, LAST_ADDRESS
from dashboard.corridor_words import EUROPE, ORIGINS, SEIZURES, TOWARD, WEIGHTS
from dashboard.view import View
from data.errors import QueryError
from geo.errors import N_

NO_PERIOD, BEFORE, YEAR_BEFORE = "", "avant", "an"
AGAINST: dict[str, str] = {
    NO_PERIOD: N_("Rien"),
    BEFORE: N_("Période précédente"),
    YEAR_BEFORE: N_("Un an plus tôt"),
}
DRAWN: dict[str, int] = {"40": 40, "120": 120, "tout": 5_000}
DRAWN_AT_FIRST = "40"
SHARED = ("du", "au", "produit", "mode", "langue")  # with the addresses of other pages; the other words are ours
CHOSEN = re.compile(r"[A-Z]{2}-[A-Z]{2}-[a-z]{0,12}")
ENTERED = re.compile(r"(air|port|terre):[A-Z0-9-]{2,12}")
LAST_ROUTES = "last_routes_address"  # of the session: what to come back to from another page


@dataclass(frozen=True, slots=True)
class CorridorView:
    """`dates`: its period, drugs, modes and language, as any page's view has them."""

    dates: View = field(default_factory=View)
    toward: str = EUROPE
    origin: str = ""  # of `READINGS`; "": as the data allow
    weight: str = SEIZURES
    against: str = NO_PERIOD
    drawn: str = DRAWN_AT_FIRST
    chosen: str = ""  # `CO-ES-air`: the ends and the mode of a corridor; without a mode, `CO-ES-`
    entry: str = ""  # `air:MAD`, `port:35730`, `terre:TR-BG`

    @classmethod
    def from_params(cls, params: Mapping[str, str | list[str]]) -> tuple[Self, list[QueryError]]:
        """The nearest valid view, and what of the address was not understood."""
        read, ignored = View.from_params({key: value for key, value in params.items() if key in SHARED})
        given = {name: value if isinstance(value, str) else value[-1] for name, value in params.items() if value}
        dates = View(start=read.start, stop=read.stop, drugs=read.drugs, modes=read.modes, language=read.language)
        view = cls(
            dates=dates,
            toward=_choice("vers", TOWARD, EUROPE, given, ignored),
            origin=_choice("origine", ORIGINS, "", given, ignored),
            weight=_choice("poids", WEIGHTS, SEIZURES, given, ignored),
            against=_choice("contre", AGAINST, NO_PERIOD, given, ignored),
            drawn=_choice("liaisons", DRAWN, DRAWN_AT_FIRST, given, ignored),
            chosen=_pattern("liaison", CHOSEN, N_("CO-ES-air"), given, ignored),
            entry=_pattern("entree", ENTERED, N_("air:MAD"), given, ignored),
        )
        return view, ignored

    def to_params(self) -> dict[str, str]:
        """The address: only what differs from the default."""
        first = type(self)()
        said = {
            "vers": "toward",
            "origine": "origin",
            "poids": "weight",
            "contre": "against",
            "liaisons": "drawn",
            "liaison": "chosen",
            "entree": "entry",
        }
        own = {
            key: str(getattr(self, name)) for key, name in said.items() if getattr(self, name) != getattr(first, name)
        }
        return {**self.dates.to_params(), **own}

    def figures(self) -> Self:
        """The same view without what only marks some of it."""
        return replace(self, chosen="", entry="", dates=replace(self.dates, language=None))


def _choice(
    key: str, known: Mapping[str, object], default: str, given: Mapping[str, str], ignored: list[QueryError]
) -> str:
    text = given.get(key, "").strip()
    if not text or text in known:
        return text or default
    ignored.append(
        QueryError(
            N_("« {key}={given} » ignoré. Valeurs admises : {known}."),
            key=key,
            given=text[:60],
            known=", ".join(name for name in known if name),
        )
    )
    return default


def _pattern(
    key: str, wanted: re.Pattern[str], example: str, given: Mapping[str, str], ignored: list[QueryError]
) -> str:
    text = given.get(key, "").strip()
    if not text or wanted.fullmatch(text):
        return text
    ignored.append(
        QueryError(
            N_("« {key}={given} » ignoré : attendu par exemple {example}."), key=key, given=text[:60], example=example
        )
    )
    return ""


def view_in_address() -> tuple[CorridorView, list[QueryError]]:
    """The view of the address; one who comes from another page finds his last one, in the language of that page."""
    params: dict[str, str | list[str]] = {key: st.query_params.get_all(key) for key in st.query_params}
    if not params and st.session_state.get(ARRIVED):
        params = dict(st.session_state.get(LAST_ROUTES, {}))
        if language := st.session_state.get(LAST_ADDRESS, {}).get("langue"):
            params["langue"] = language
        st.query_params.from_dict(params)
    return CorridorView.from_params(params)


def write_address(view: CorridorView) -> None:
    params = view.to_params()
    st.session_state[LAST_ROUTES] = params
    if st.query_params.to_dict() != params:
        st.query_params.from_dict(params)


def month_of(day: date) -> int:
    """Months since the year 0, as `RouteFacts` counts them."""
    return 12 * day.year + day.month - 1


def first_day(month: int) -> date:
    return date(month // 12, month % 12 + 1, 1)
