"""Small pieces of page that Streamlit has not: marking band, figures, sources. Every text is escaped here."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

import streamlit as st

from dashboard.figures import Figure
from dashboard.sources import SourceAge, marking_label


def marking_band(markings: tuple[str, ...]) -> None:
    """The markings of what is shown, across the whole width; nothing for public data."""
    if markings:
        label = escape(marking_label(markings))
        st.html(f'<div class="hx-band hx-{escape(markings[0])}" role="note">{label}</div>')


def title(name: str, trail: str, aside: str = "") -> None:
    """`trail`: where we are, smaller, beside the name. `aside`: at the right end of the line, already HTML."""
    st.html(
        f'<header class="hx-title"><h1>{escape(name)}</h1><span class="hx-trail">{escape(trail)}</span>'
        f'<span class="hx-aside">{aside}</span></header>'
    )


def figures(shown: Iterable[Figure]) -> None:
    cells = "".join(
        f'<div class="hx-figure"><div class="hx-label">{escape(figure.label)}</div>'
        f'<div class="hx-value">{escape(figure.value)}</div>'
        f'<div class="hx-behind">{escape(figure.behind)}</div></div>'
        for figure in shown
    )
    st.html(f'<section class="hx-figures">{cells}</section>')


def heading(text: str, behind: str = "") -> None:
    st.html(f'<h2 class="hx-heading">{escape(text)}<span>{escape(behind)}</span></h2>')


def sentence(text: str) -> None:
    if text:
        st.html(f'<p class="hx-sentence">{escape(text)}</p>')


def link(text: str, address: str) -> None:
    """To another of our pages."""
    st.html(f'<a class="hx-link" href="{escape(address, quote=True)}" target="_self">{escape(text)}</a>')


def sources(ages: Iterable[SourceAge]) -> None:
    rows = "".join(
        f'<li class="{"hx-stale" if age.stale else ""}"><b>{escape(age.name)}</b> {escape(age.text)}</li>'
        for age in ages
    )
    st.html(f'<ul class="hx-sources">{rows}</ul>')
