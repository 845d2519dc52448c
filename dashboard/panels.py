"""Small pieces of page that Streamlit has not: marking band, figures, sources. Every text is escaped here."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, tzinfo
from html import escape

import streamlit as st

from dashboard import format as fmt
from dashboard.figures import Figure
from dashboard.i18n import _, current_language
from dashboard.sources import SourceAge, marking_label
from dashboard.view import View


def marking_band(markings: tuple[str, ...]) -> None:
    """The markings of what is shown, across the whole width; nothing for public data."""
    if markings:
        label = escape(marking_label(markings))
        st.html(f'<div class="hx-band hx-{escape(markings[0])}" role="note">{label}</div>')


def title_html(name: str, trail: str, before: str = "", after: str = "") -> str:
    """`trail`: where we are, smaller, beside the name. Already HTML: `before` the name what holds it, `after` it what
    of it is looked at."""
    return f'{before}<h1>{escape(name)}</h1>{after}<span class="hx-trail">{escape(trail)}</span>'


def title(html: str, aside: str = "", stamp: str = "") -> None:
    """The title line. Already HTML: `title_html`, and `aside` at its right end; `stamp`: if it follows the address."""
    live = f' data-live="title" {stamp}' if stamp else ""
    st.html(
        f'<header class="hx-title"><div class="hx-place"{live}>{html}</div>'
        f'<span class="hx-aside">{aside}</span></header>'
    )


def language_link(view: View) -> str:
    """The same view in the other language, for the end of the title line; already HTML."""
    other = "en" if current_language() == "fr" else "fr"
    label = {"en": "English", "fr": "Français"}[other]
    address = escape(replace(view, language=other).address(), quote=True)
    return f'<a href="{address}" target="_self" lang="{other}">{label}</a>'


def live(part: str, html: str, stamp: str = "") -> None:
    """A part of the page that its script keeps up to date (dashboard/static/live.js)."""
    st.html(f'<div data-live="{escape(part)}" {stamp}>{html}</div>')


def outage(version: int, as_of: datetime, away_since: datetime | None, zone: tzinfo, *, recalled: bool) -> None:
    """Where the page's script says who is away since when; said by us as long as it has not.

    Args:
        version: Of the store, to which what the page shows belongs; `data-drawn` stays when the script renews parts.
        as_of: UTC, of the oldest of it.
        zone: Of the reader's clock.
        recalled: Some of it is an earlier answer, as the store gave none.
    """
    words = {
        "away": _("Données du {fresh} ; base injoignable depuis {since}."),
        "lost": _("Données du {fresh} ; serveur injoignable depuis {since}."),
    }
    said = ""
    if away_since is not None:
        fresh, since = fmt.instant(as_of.astimezone(zone)), fmt.instant(away_since.astimezone(zone))
        said = words["away"].format(fresh=fresh, since=since.partition(" ")[2])
    at = as_of.isoformat(timespec="milliseconds")
    data = {
        "live": "outage",
        "version": version,
        "drawn": version,
        "as-of": at,
        "recalled": "yes" if recalled else "",
        **words,
    }
    attributes = " ".join(f'data-{name}="{escape(str(value), quote=True)}"' for name, value in data.items())
    st.html(f'<div class="hx-outage" role="status" {attributes}{"" if said else " hidden"}>{escape(said)}</div>')


def figures_html(shown: Iterable[Figure]) -> str:
    """Those that are compared a line each, the others two a line."""
    return f'<section class="hx-figures">{"".join(_figure(figure) for figure in shown)}</section>'


def _figure(figure: Figure) -> str:
    changes = "".join(
        f'<p class="hx-change{" hx-beyond" if change.beyond_chance else ""}">{escape(change.text)}</p>'
        for change in figure.changes
    )
    return (
        f'<div class="hx-figure{" hx-changed" if changes else ""}"><div class="hx-label">{escape(figure.label)}</div>'
        f'<div class="hx-value">{escape(figure.value)}</div>{changes}'
        f'<div class="hx-behind">{escape(figure.behind)}</div></div>'
    )


def figures(shown: Iterable[Figure]) -> None:
    st.html(figures_html(shown))


def heading_html(text: str, behind: str = "") -> str:
    return f'<h2 class="hx-heading">{escape(text)}<span>{escape(behind)}</span></h2>'


def heading(text: str, behind: str = "") -> None:
    st.html(heading_html(text, behind))


def sentence_html(text: str) -> str:
    """A sentence below what it explains; nothing for none."""
    return f'<p class="hx-sentence">{escape(text)}</p>' if text else ""


def details_html(summary: str, body: str) -> str:
    """What is one click away; `body` is HTML."""
    return f"<details><summary>{escape(summary)}</summary>{body}</details>"


def sentence(text: str) -> None:
    if text:
        st.html(sentence_html(text))


def field_label(text: str) -> None:
    """Above a control that has no label of its own, as those beside it have."""
    st.html(f'<div class="hx-field">{escape(text)}</div>')


def printed(parts: Iterable[str]) -> None:
    """What the controls say, for paper, where they are not."""
    st.html(f'<p class="hx-sentence hx-printed">{escape(" · ".join(parts))}</p>')


def link(text: str, address: str) -> None:
    """To another of our pages."""
    st.html(f'<a class="hx-link" href="{escape(address, quote=True)}" target="_self">{escape(text)}</a>')


def sources_html(ages: Iterable[SourceAge]) -> str:
    """The producers, with the age of their latest facts."""
    rows = "".join(
        f'<li class="{"hx-stale" if age.stale else ""}"><b>{escape(age.name)}</b> {escape(age.text)}</li>'
        for age in ages
    )
    return f'<ul class="hx-sources">{rows}</ul>'
