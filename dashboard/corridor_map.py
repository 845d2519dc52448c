"""What the map of the Routes page draws for a view, and what its legend says of it."""

from __future__ import annotations

import zlib
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from dashboard import format as fmt
from dashboard.context import Context, viewer_of
from dashboard.corridor_facts import Routed, read_routed
from dashboard.corridor_geography import Countries, EntryPoints, entry_points, world
from dashboard.corridor_view import DRAWN, CorridorView, first_day
from dashboard.corridor_words import EUROPE, FRANCE, KG, WORLD
from dashboard.corridors import Shown, shown_corridors
from dashboard.i18n import _, current_language, ngettext
from data.vocabulary import MODES
from geo.comparison import Verdict
from geo.corridors import Evidence
from geo.errors import N_
from layers.classes import Classes, classify
from layers.colours import THEMES as PALETTES
from layers.colours import ThemeName, diverging
from layers.corridors import (
    STEPS,
    CorridorMap,
    EntrySpec,
    LegendPart,
    LegendRow,
    LineSpec,
    Row,
    encode_corridors,
    line_colour,
)

EVIDENCE: dict[Evidence, str] = {
    Evidence.BROAD: N_("larges"),
    Evidence.SOME: N_("partiels"),
    Evidence.THIN: N_("minces"),
}
EVIDENCE_MEANS = N_(
    "Éléments larges : 10 saisies ou plus, de plusieurs États et années ; minces : un seul État, et une seule année ou"
    " moins de 5 saisies."
)
ENTRY_KINDS: dict[str, tuple[str, str]] = {  # label, letter in the circle
    "air": (N_("Aéroport le plus proche"), N_("A")),
    "port": (N_("Port le plus proche"), N_("P")),
    "terre": (N_("Frontière terrestre"), N_("T")),
}
UNKNOWN_MODE = N_("Mode inconnu")
TITLES = {
    EUROPE: N_("Saisies déclarées, vers l'Europe"),
    FRANCE: N_("Saisies déclarées, vers la France"),
    WORLD: N_("Saisies déclarées, toutes destinations"),
}
TRENDS = (
    N_("En baisse, au-delà du hasard"),
    N_("Écart que le hasard suffit à expliquer, ou inconnu"),
    N_("En hausse, au-delà du hasard"),
)
EDGE_DEGREES = 2.0  # around what is drawn
THEMES: tuple[ThemeName, ...] = ("light", "dark")


def number_of(key: str) -> int:
    """What a click on the map sends back for a corridor or an entry point."""
    return zlib.crc32(key.encode())


def key_of(number: int, keys: Iterable[str]) -> str:
    """The key that has this number; "" for none."""
    return next((key for key in keys if number_of(key) == number), "")


def corridor_map_json(context: Context, view: CorridorView) -> bytes:
    """The answer of `GET /corridors`."""
    kept = read_routed(context)(viewer_of(context.settings))
    shown = shown_corridors(context, kept, view)
    return encode_corridors(corridor_map(context, kept, view, shown))


def kept_entry_points(context: Context, kept: Routed, view: CorridorView, shown: Shown) -> EntryPoints:
    key = ("entries", kept.serial, repr(view.figures()), current_language())
    countries, _ways = world(context.geography)
    points: EntryPoints = context.corridors.get_or_make(
        key, lambda: entry_points(context.geography, countries, kept, shown.entered)
    )
    return points


def corridor_map(context: Context, kept: Routed, view: CorridorView, shown: Shown | None) -> CorridorMap:
    """Lines, circles and legend; without corridors, a map that says so."""
    lines: list[LineSpec] = []
    entries: list[EntrySpec] = []
    legend: list[LegendPart] = []
    notes: list[str] = []
    if shown is not None:
        countries, ways = world(context.geography)
        rows = drawn_rows(kept, countries, view, shown)
        classes = classify(shown.amount[rows], "jenks", STEPS, format_number=fmt.limit)
        lines = _lines(kept, countries, shown, rows, classes, view)
        pairs = [(kept.code(int(shown.corridors.origin[row])), *key.split("-")[1:]) for row, key in _keyed(shown, rows)]
        for line, parts in zip(lines, ways.of([(pair[0], pair[1], pair[2]) for pair in pairs]), strict=True):
            line["parts"] = parts
        points = kept_entry_points(context, kept, view, shown)
        entries = _entries(points)
        legend = _legend(view, shown, rows, classes, lines, entries)
        notes = _notes(view, shown, rows, points)
    return CorridorMap(
        locale=current_language(),
        title=title_of(view),
        subtitle=" · ".join([_("kilogrammes") if view.weight == KG else _("nombre de saisies"), months_label(shown)]),
        lines=lines[::-1],
        entries=entries,
        legend=legend,
        notes=notes,
        bounds=_bounds(lines, entries),
        colours={theme: line_colour(theme) for theme in THEMES},
        trends={theme: _trend_colours(theme) for theme in THEMES},
    )


def title_of(view: CorridorView) -> str:
    return _(TITLES[view.toward])


def months_label(shown: Shown | None, months: tuple[int, int] | None = None) -> str:
    """`janv. 2011 – déc. 2016`."""
    if shown is None:
        return ""
    first, last = months or shown.months
    return fmt.months(first_day(first), first_day(last + 1))


def evidence_word(kind: Evidence) -> str:
    return _(EVIDENCE[kind])


def mode_label(mode: str) -> str:
    return _(MODES[mode]) if mode in MODES else _(UNKNOWN_MODE)


def drawn_rows(kept: Routed, countries: Countries, view: CorridorView, shown: Shown) -> NDArray[np.int64]:
    """The heaviest corridors, as many as asked for, whose two ends the map knows."""
    there = np.array([np.isfinite(countries.at(code)[0]) for code in kept.codes])
    found = shown.corridors
    known = there[found.origin] & there[found.destination] & ~np.isnan(shown.amount)
    return np.flatnonzero(known)[: DRAWN[view.drawn]]


def _keyed(shown: Shown, rows: NDArray[np.int64]) -> list[tuple[int, str]]:
    return [(row, shown.keys[row]) for row in rows.tolist()]


def _lines(
    kept: Routed, countries: Countries, shown: Shown, rows: NDArray[np.int64], classes: Classes, view: CorridorView
) -> list[LineSpec]:
    steps = classes.indices(shown.amount[rows]) + 1 + max(0, STEPS - len(classes)) // 2
    return [
        LineSpec(
            id=number_of(key),
            key=key,
            title=corridor_title(kept, countries, shown, row),
            mode=key.split("-")[2],
            step=int(step),
            sure=int(shown.corridors.evidence[row]),
            trend=trend_of(shown, row),
            rows=corridor_says(kept, countries, shown, row),
            parts=[],
        )
        for (row, key), step in zip(_keyed(shown, rows), steps.tolist(), strict=True)
    ]


def corridor_title(kept: Routed, countries: Countries, shown: Shown, row: int) -> str:
    """`Brésil → Espagne, air`."""
    found = shown.corridors
    origin, destination = (kept.code(int(end[row])) for end in (found.origin, found.destination))
    mode = mode_label(kept.mode(int(found.labels["mode"][row])))
    return f"{countries.name(origin)} → {countries.name(destination)}, {mode.lower()}"


def corridor_says(kept: Routed, countries: Countries, shown: Shown, row: int) -> list[Row]:
    """The figures of one corridor and what they stand on, as labels and values."""
    found = shown.corridors
    said: list[Row] = [
        (_("Saisies"), fmt.number(int(found.seizures[row]))),
        (_("Poids"), fmt.kilograms(float(found.kg[row]))),
        (_("Pesées"), fmt.number(int(found.weighed[row]))),
        (_("États qui les déclarent"), fmt.number(int(found.reporters[row]))),
        (_("Années"), fmt.number(int(found.years[row]))),
        (_("Éléments"), evidence_word(Evidence(int(found.evidence[row])))),
    ]
    if (main := int(found.main_reporter[row])) >= 0:
        share = fmt.number(100 * int(found.from_main[row]) / int(found.seizures[row]))
        said.insert(4, (_("Dont {country}").format(country=countries.name(kept.code(main))), f"{share} %"))
    if shown.before is not None:
        said.append((_("Période comparée"), fmt.number(int(shown.before.seizures[row]))))
    return said


def trend_of(shown: Shown, row: int) -> int:
    """1: more by month than in the period compared with, beyond chance; -1: fewer; 0: chance is enough, or unknown."""
    if shown.before is None or shown.before.comparison.verdict[row] != Verdict.BEYOND_CHANCE:
        return 0
    return int(shown.before.comparison.direction[row])


def _trend_colours(theme: ThemeName) -> list[str]:
    few, *_steps, many = diverging(5, theme)
    return [few, PALETTES[theme].ink_minor, many]


def _entries(points: EntryPoints) -> list[EntrySpec]:
    classes = classify(points.seizures.astype(np.float64), "jenks", STEPS, format_number=fmt.limit)
    steps = classes.indices(points.seizures.astype(np.float64)) + 1 + max(0, STEPS - len(classes)) // 2
    columns = (points.keys, points.names, points.lng.tolist(), points.lat.tolist(), points.seizures.tolist(), points.kg)
    return [
        EntrySpec(
            id=number_of(key),
            key=key,
            title=name,
            kind=key.partition(":")[0],
            letter=_(ENTRY_KINDS[key.partition(":")[0]][1]),
            lng=round(lng, 4),
            lat=round(lat, 4),
            step=int(step),
            rows=[
                (_("Saisies venues d'ailleurs"), fmt.number(seizures)),
                (_("Poids"), fmt.kilograms(float(kg))),
                (_("Lieu"), _(ENTRY_KINDS[key.partition(":")[0]][0])),
            ],
        )
        for (key, name, lng, lat, seizures, kg), step in zip(zip(*columns, strict=True), steps.tolist(), strict=True)
        if np.isfinite(lng)
    ]


def _legend(
    view: CorridorView,
    shown: Shown,
    rows: NDArray[np.int64],
    classes: Classes,
    lines: list[LineSpec],
    entries: list[EntrySpec],
) -> list[LegendPart]:
    first = 1 + max(0, STEPS - len(classes)) // 2
    widths: list[LegendRow] = [
        {"value": first + at, "label": label, "count": classes.counts[at]} for at, label in enumerate(classes.labels)
    ]
    modes = [mode for mode in (*MODES, "") if any(line["mode"] == mode for line in lines)]
    parts = [
        LegendPart(kind="width", title=_("Kilogrammes") if view.weight == KG else _("Saisies"), rows=widths),
        LegendPart(
            kind="mode",
            title=_("Mode de transport"),
            rows=[
                {"value": mode, "label": mode_label(mode), "count": sum(line["mode"] == mode for line in lines)}
                for mode in modes
            ],
        ),
        LegendPart(
            kind="sure",
            title=_("Éléments derrière le tracé"),
            rows=[
                {"value": int(kind), "label": evidence_word(kind), "count": sum(line["sure"] == kind for line in lines)}
                for kind in EVIDENCE
            ],
        ),
    ]
    if shown.before is not None:
        trends: list[LegendRow] = [
            {"value": trend, "label": _(TRENDS[trend + 1]), "count": sum(line["trend"] == trend for line in lines)}
            for trend in (1, 0, -1)
        ]
        parts.insert(1, LegendPart(kind="trend", title=_("Saisies par mois"), rows=trends))
    kinds = [kind for kind in ENTRY_KINDS if any(point["kind"] == kind for point in entries)]
    if kinds:
        circles: list[LegendRow] = [
            {
                "value": _(ENTRY_KINDS[kind][1]),
                "label": _(ENTRY_KINDS[kind][0]),
                "count": sum(point["kind"] == kind for point in entries),
            }
            for kind in kinds
        ]
        parts.append(LegendPart(kind="entry", title=_("Points d'entrée en Europe"), rows=circles))
    return [part for part in parts if part["rows"]]


def _notes(view: CorridorView, shown: Shown, rows: NDArray[np.int64], points: EntryPoints) -> list[str]:
    everything, drawn = np.nansum(shown.amount), np.nansum(shown.amount[rows])
    notes = []
    if len(rows) < len(shown.keys) and everything > 0:
        notes.append(
            _("{n} liaisons dessinées sur {all} : {share} % du total.").format(
                n=fmt.number(len(rows)),
                all=fmt.number(len(shown.keys)),
                share=fmt.number(100 * drawn / everything),
            )
        )
    unweighed = int(np.isnan(shown.amount).sum())
    if unweighed:
        notes.append(
            ngettext(
                "{n} liaison sans aucune pesée n'est pas dessinée.",
                "{n} liaisons sans aucune pesée ne sont pas dessinées.",
                unweighed,
            ).format(n=fmt.number(unweighed))
        )
    notes.append(_(EVIDENCE_MEANS))
    notes.append(_("Mer : routes maritimes. Air, terre, poste : ligne directe, non le trajet réel."))
    if points.without:
        notes.append(
            ngettext(
                "{n} saisie faite en Europe n'a pas de point d'entrée connu.",
                "{n} saisies faites en Europe n'ont pas de point d'entrée connu.",
                points.without,
            ).format(n=fmt.number(points.without))
        )
    return notes


def _bounds(lines: list[LineSpec], entries: list[EntrySpec]) -> list[list[float]]:
    """[[south, west], [north, east]] of all that is drawn."""
    lng = [value for line in lines for part in line["parts"] for value in part[::2]] + [e["lng"] for e in entries]
    lat = [value for line in lines for part in line["parts"] for value in part[1::2]] + [e["lat"] for e in entries]
    if not lng:
        return []
    return [
        [max(-80.0, min(lat) - EDGE_DEGREES), max(-180.0, min(lng) - EDGE_DEGREES)],
        [min(80.0, max(lat) + EDGE_DEGREES), min(180.0, max(lng) + EDGE_DEGREES)],
    ]
