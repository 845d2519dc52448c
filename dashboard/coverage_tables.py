"""Coverage as people read it: the ledger beside the map, tables, sentences. Every text is escaped here."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import date
from html import escape

import numpy as np
import pandas as pd

from dashboard import format as fmt
from dashboard.antenna_figures import Departements, Loads
from dashboard.coverage_figures import Coverage, overlaps
from dashboard.i18n import _, ngettext
from data.lists import Antenna, Cross, Lists, PublishedCount
from data.standing import Standing, first_and_last, standing
from geo.errors import N_

UNCOVERED = "uncovered"
LEDGER_ROWS: dict[str, str] = {
    "operating": N_("CROSS en activité"),
    "undated": N_("CROSS sans date, peut-être"),
    "installing": N_("CROSS en installation"),
    UNCOVERED: N_("Aucune CROSS"),
}
LEDGER_COLUMNS: dict[str, str] = {
    "population": N_("Habitants"),
    "incidents": N_("Incidents"),
    "km2": N_("Surface (km²)"),
    "hexagons": N_("Hexagones"),
}
STANDING_NAMES: dict[Standing, str] = {
    "operating": N_("en activité"),
    "undated": N_("en activité, date inconnue"),
    "installing": N_("en cours d'installation"),
    "absent": N_("pas encore"),
}
SUBJECT_NAMES = {
    "operating": N_("CROSS en activité"),
    "installing": N_("CROSS en cours d'installation"),
    "antennas": N_("Antennes de l'OFAST"),
}


def ledger_html(found: Coverage) -> str:
    """What is covered, may be, will be, and is not; each amount with its share of the country."""
    columns = {name: found.ledger[name] for name in LEDGER_COLUMNS}
    head = "".join(f'<th scope="col">{escape(_(label))}</th>' for label in LEDGER_COLUMNS.values())
    rows = []
    for at, (name, label) in enumerate(LEDGER_ROWS.items()):
        if name == "undated" and not any(status == "undated" for status in found.standings.values()):
            continue
        cells = "".join(_ledger_cell(part.amounts[at], part.shares[at]) for part in columns.values())
        mark = f'<i class="hx-line hx-{name}" aria-hidden="true"></i>'
        rows.append(f'<tr class="hx-{name}"><th scope="row">{mark}{escape(_(label))}</th>{cells}</tr>')
    totals = "".join(f"<td><b>{escape(fmt.number(part.total))}</b></td>" for part in columns.values())
    rows.append(f'<tr class="hx-total"><th scope="row">{escape(_("France"))}</th>{totals}</tr>')
    return f'<table class="hx-ledger"><thead><tr><td></td>{head}</tr></thead><tbody>{"".join(rows)}</tbody></table>'


def _ledger_cell(amount: float, share: float) -> str:
    if math.isnan(share):
        return f"<td><b>{escape(fmt.number(amount))}</b></td>"
    said = _("{share} %").format(share=fmt.number(100 * share, 1))
    bar = f'<i class="hx-share" style="width:{100 * min(1.0, max(0.0, share)):.1f}%"></i>'
    return f"<td><b>{escape(fmt.number(amount))}</b><span>{escape(said)}</span>{bar}</td>"


def ledger_frame(found: Coverage) -> pd.DataFrame:
    """The same as a table to be sorted and taken away."""
    columns: dict[str, object] = {_("Couverture"): [_(label) for label in LEDGER_ROWS.values()]}
    for name, label in LEDGER_COLUMNS.items():
        columns[_(label)] = found.ledger[name].amounts
        columns[_("{what} (%)").format(what=_(label))] = 100 * found.ledger[name].shares
    return pd.DataFrame(columns)


def standing_sentence(found: Coverage) -> str:
    """How many CROSS there are on the day, as far as the lists know."""
    times = Counter(found.standings.values())
    parts = [
        _("{n} CROSS en activité").format(n=times["operating"]),
        _("{n} en cours d'installation").format(n=times["installing"]),
    ]
    if times["undated"]:
        undated = _("{n} dont la date de mise en service n'est pas publiée, qui couvraient peut-être déjà")
        parts.append(undated.format(n=times["undated"]))
    if times["absent"]:
        parts.append(_("{n} pas encore là, ou dont l'installation n'est pas datée").format(n=times["absent"]))
    return _("Au {day} : {parts}.").format(day=fmt.day(found.day), parts=" ; ".join(parts))


def coverage_notes(found: Coverage) -> list[str]:
    """What the figures leave out, and what is assumed in them."""
    assumed = sum(cross.assumed for cross in found.present)
    notes = []
    if assumed:
        notes.append(
            ngettext(
                "{n} périmètre sur {all} est supposé : son intercommunalité, faute de liste publiée.",
                "{n} périmètres sur {all} sont supposés : leur intercommunalité, faute de liste publiée.",
                assumed,
            ).format(n=assumed, all=len(found.present))
        )
    people, facts = found.tallies["population"].unknown, found.tallies["incidents"].unknown
    if people:
        notes.append(
            _("Population inconnue de {n} communes (Mayotte surtout) : elles ne comptent pas d'habitants ici.").format(
                n=fmt.number(people)
            )
        )
    if facts:
        notes.append(_("{n} communes dont les incidents sont protégés ou inconnus.").format(n=fmt.number(facts)))
    if found.without_commune > 0:
        notes.append(
            ngettext(
                "{n} incident sans commune connue n'est dans aucune ligne.",
                "{n} incidents sans commune connue ne sont dans aucune ligne.",
                found.without_commune,
            ).format(n=fmt.number(found.without_commune))
        )
    notes.append(_("Les six collectivités d'outre-mer, sans table de communes, ne sont pas dans ces chiffres."))
    return notes


def overlap_sentence(found: Coverage) -> str:
    """Which CROSS hold the same communes."""
    pairs = overlaps(found)
    if not pairs:
        return _("Aucun recouvrement : pas une commune n'est dans deux périmètres.")
    said = [
        _("{one} et {other} ({n} habitants)").format(one=one, other=other, n=fmt.number(people))
        for one, other, people in pairs
    ]
    return _("Recouvrements : {pairs}.").format(pairs=" ; ".join(said))


def additions_sentence(found: Coverage) -> str:
    """What each CROSS being installed will add to those in operation."""
    coming = [at for at, cross in enumerate(found.present) if found.standings[cross.code] == "installing"]
    if not coming:
        return ""
    said = [
        _("{name} : {people}, {km2} km², {incidents} incidents").format(
            name=found.present[at].name,
            people=_inhabitants(found.adds["population"][at]),
            km2=fmt.number(found.adds["km2"][at]),
            incidents=fmt.number(found.adds["incidents"][at]),
        )
        for at in coming
    ]
    return _("Ce qui s'ajoutera. {each}.").format(each=" ; ".join(said))


def _inhabitants(people: float) -> str:
    return _("population inconnue") if math.isnan(people) else _("{n} habitants").format(n=fmt.number(people))


def cross_frame(found: Coverage) -> pd.DataFrame:
    """One row a CROSS; shares in per cent of the country. `code` is for the page, not for the reader."""
    rows = found.present
    population, incidents, km2 = (found.tallies[name] for name in ("population", "incidents", "km2"))
    coming = [found.standings[cross.code] == "installing" for cross in rows]
    return pd.DataFrame(
        {
            "code": [cross.code for cross in rows],
            _("CROSS"): [cross.name for cross in rows],
            _("Statut"): [_(STANDING_NAMES[found.standings[cross.code]]) for cross in rows],
            _("Depuis"): [_since(cross) for cross in rows],
            _("Habitants"): population.own,
            _("Habitants (%)"): 100 * population.shares,
            _("Incidents"): incidents.own,
            _("Incidents (%)"): 100 * incidents.shares,
            _("Surface (km²)"): km2.own,
            _("Hexagones"): found.own_hexagons,
            _("Habitants ajoutés"): np.where(coming, found.adds["population"], np.nan),
            _("Habitants partagés"): population.own - population.only,
            _("Périmètre"): [_("supposé") if cross.assumed else _("publié") for cross in rows],
            _("Source"): [cross.source for cross in rows],
        }
    )


def _since(cross: Cross) -> str:
    """`2015`, `01/2018`, `31/01/2018`: as precisely as the list says; a dash when nobody has published it."""
    return "/".join(reversed(cross.since.split("-"))) or fmt.UNKNOWN


def places_frame(places: pd.DataFrame) -> pd.DataFrame:
    """Uncovered communes in the reader's words; same rows."""
    return pd.DataFrame(
        {
            _("Commune"): places["name"] + " (" + places["departement"] + ")",
            _("Habitants"): places["population"],
            _("Incidents"): places["incidents"],
            _("Siège le plus proche"): places["nearest"],
            _("À (km)"): places["distance_km"],
            _("CROSS à venir ou sans date"): np.where(places["planned"], _("oui"), ""),
        }
    )


def published_frame(lists: Lists, today: date) -> pd.DataFrame:
    """What each source says, beside what the lists in use make of the same day. None is preferred to another."""
    dated = sorted(lists.counts, key=lambda count: (count.subject, count.date or "9999"))
    return pd.DataFrame(
        {
            _("Sujet"): [_(SUBJECT_NAMES[count.subject]) for count in dated],
            _("Date"): ["/".join(reversed(count.date.split("-"))) or _("non datée") for count in dated],
            _("Selon la source"): [count.count for count in dated],
            _("Selon les listes"): [_held_then(lists, count, today) for count in dated],
            _("Source"): [count.source for count in dated],
        }
    )


def _held_then(lists: Lists, count: PublishedCount, today: date) -> str:
    """`2 à 28`: dated by then, and those without a date that may have been there."""
    if count.subject == "antennas":
        return _("{n}, sans date").format(n=len(lists.antennas))
    days = first_and_last(count.date)
    times = Counter(standing(cross, days[1] if days else today, today) for cross in lists.cross)
    least = times["operating" if count.subject == "operating" else "installing"]
    most = least + (times["undated"] if count.subject == "operating" else 0)
    return str(least) if most == least else _("{low} à {high}").format(low=least, high=most)


# ---- antennas


def antenna_frame(
    antennas: tuple[Antenna, ...], seats: Mapping[str, str], now: Loads, after: Loads | None
) -> pd.DataFrame:
    """One row an antenna, as the lists have it, and what changes where départements are moved."""
    columns: dict[str, object] = {_("Antenne"): [antenna.name for antenna in antennas]}
    figures: dict[str, Callable[[Loads], object]] = {
        _("Incidents"): lambda load: load.figures["incidents"],
        _("Charge"): lambda load: load.against_mean,
        _("Habitants"): lambda load: load.figures["population"],
        _("Contrôles"): lambda load: load.figures["controls"],
        _("Départements"): lambda load: load.departements,
    }
    for label, figure in figures.items():
        columns[label] = figure(now)
        if after is not None:
            columns[_("{what} après").format(what=label)] = figure(after)
    shown = after or now
    columns |= {
        _("Taux"): shown.rate,
        _("Intervalle du taux"): [
            fmt.interval(low, high) if high == high else fmt.UNKNOWN
            for low, high in zip(shown.low.tolist(), shown.high.tolist(), strict=True)
        ],
        _("CROSS"): [", ".join(names) for names in shown.cross],
        _("Siège"): [seats.get(antenna.code, antenna.seat) for antenna in antennas],
        _("Ressort"): [_("supposé") if antenna.assumed else _("publié") for antenna in antennas],
    }
    return pd.DataFrame(columns)


def moved_sentence(lists: Lists, now: Loads, after: Loads) -> str:
    """What a proposal changes for each antenna that it touches."""
    touched = np.flatnonzero(now.departements != after.departements)
    said = [
        _("{name} : {before} → {after} incidents, charge {load_before} → {load_after}").format(
            name=lists.antennas[at].name,
            before=fmt.number(now.figures["incidents"][at]),
            after=fmt.number(after.figures["incidents"][at]),
            load_before=fmt.number(now.against_mean[at], 2),
            load_after=fmt.number(after.against_mean[at], 2),
        )
        for at in touched.tolist()
    ]
    return " ; ".join(said) + "." if said else _("Les déplacements se compensent : aucun total ne change.")


def jurisdictions_frame(lists: Lists, found: Departements, holder: Mapping[str, str]) -> pd.DataFrame:
    """One row a département or collectivité, with the antenna that holds it, by name."""
    names = {antenna.code: antenna.name for antenna in lists.antennas}
    return pd.DataFrame(
        {
            _("Code"): found.codes,
            _("Département ou collectivité"): found.names,
            _("Antenne"): [names[holder[code]] for code in found.codes],
            _("Habitants"): found.figures["population"],
            _("Incidents"): found.figures["incidents"],
            _("Contrôles"): found.figures["controls"],
        }
    )
