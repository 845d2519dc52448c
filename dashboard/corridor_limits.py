"""What the seizures that are loaded cannot say, in figures counted from them: reporting is not traffic."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from dashboard import format as fmt
from dashboard.corridor_facts import EUROPE, Routed
from dashboard.corridor_geography import Countries
from dashboard.corridor_map import mode_label
from dashboard.corridors import FRENCH
from dashboard.i18n import _, ngettext
from data.query import Viewer
from data.store import Store
from data.vocabulary import DRUGS
from geo.corridors import UNKNOWN, Corridors, Ends, corridors

CANNABIS = frozenset(code for code in DRUGS if code.startswith("cannabis"))
LEAST_BOUND = 50  # seizures bound for a country, from which on it is strange that it reports few
RARE = 0.01  # share of the seizures: less of a drug that is seized most everywhere is as good as none
LARGEST_STATES = 5


def limits(kept: Routed, countries: Countries) -> list[str]:
    """Sentences on all seizures that are loaded, whatever the filters."""
    everything = corridors(kept.seizures)
    reporting = corridors(kept.seizures, start="reporter", stop="reporter")
    said = [
        _who_reports(kept, countries, reporting),
        _who_does_not(kept, countries, reporting),
        _ends(everything),
        _bound_for_france(kept, countries),
        _made_in_france(kept),
        _cannabis(kept),
    ]
    return [sentence for sentence in said if sentence]


def _percent(part: float, whole: float) -> str:
    return fmt.number(100 * part / whole)


def _who_reports(kept: Routed, countries: Countries, reporting: Corridors) -> str:
    known = reporting.origin != UNKNOWN
    if not known.any():
        return ""
    total, numbers = int(reporting.seizures.sum()), reporting.seizures[known]
    states = min(LARGEST_STATES, len(numbers))
    return ngettext(
        "{country} : {n} des {total} saisies déclarées ({share} %) ; {states} État sur {all} en déclare {most} %."
        " Une liaison dit qui déclare, pas combien il en passe.",
        "{country} : {n} des {total} saisies déclarées ({share} %) ; {states} États sur {all} en déclarent {most} %."
        " Une liaison dit qui déclare, pas combien il en passe.",
        states,
    ).format(
        country=countries.name(kept.code(int(reporting.origin[known][0]))),
        n=fmt.number(int(numbers[0])),
        total=fmt.number(total),
        share=_percent(numbers[0], total),
        states=states,
        all=fmt.number(len(numbers)),
        most=_percent(int(numbers[:LARGEST_STATES].sum()), total),
    )


def _who_does_not(kept: Routed, countries: Countries, reporting: Corridors) -> str:
    """The European state that reports least beside what others report to be bound for it."""
    reported = dict(zip(reporting.origin.tolist(), reporting.seizures.tolist(), strict=True))
    bound = corridors(kept.seizures, start="destination", stop="destination")
    found = [
        (reported.get(state, 0) / number, state, number)
        for state, number in zip(bound.origin.tolist(), bound.seizures.tolist(), strict=True)
        if kept.code(state) in EUROPE and number >= LEAST_BOUND
    ]
    if not found or min(found)[0] >= 1:
        return ""
    _ratio, state, number = min(found)
    return _(
        "{country} : {n} saisies déclarées, alors que {bound} étaient destinées à ce pays. Ce qui manque sur la carte"
        " n'est pas ce qui ne passe pas."
    ).format(country=countries.name(kept.code(state)), n=fmt.number(reported.get(state, 0)), bound=fmt.number(number))


def _ends(everything: Corridors) -> str:
    counts = {kind: int(everything.seizures[everything.ends == kind].sum()) for kind in Ends}
    total = sum(counts.values())
    if not total:
        return ""
    return ngettext(
        "{two} saisie ({share} %) dit deux pays différents, au départ et à destination ; deux fois le même : {same} ;"
        " pas de départ : {origin} ; pas de destination : {destination} ; ni l'un ni l'autre : {neither}.",
        "{two} saisies ({share} %) disent deux pays différents, au départ et à destination ; deux fois le même :"
        " {same} ; pas de départ : {origin} ; pas de destination : {destination} ; ni l'un ni l'autre : {neither}.",
        counts[Ends.TWO],
    ).format(
        two=fmt.number(counts[Ends.TWO]),
        share=_percent(counts[Ends.TWO], total),
        same=fmt.number(counts[Ends.SAME]),
        origin=fmt.number(counts[Ends.NO_ORIGIN]),
        destination=fmt.number(counts[Ends.NO_DESTINATION]),
        neither=fmt.number(counts[Ends.NEITHER]),
    )


def _bound_for_france(kept: Routed, countries: Countries) -> str:
    rows = kept.among(FRENCH, kept.seizures.destination)
    made = corridors(kept.seizures, by=("mode",), start="reporter", stop="reporter", chosen=rows)
    states = corridors(kept.seizures, start="reporter", stop="reporter", chosen=rows & (kept.seizures.reporter >= 0))
    total = int(made.seizures.sum())
    if not total or not len(states.origin):
        return ""
    state, number, kg = int(states.origin[0]), int(states.seizures[0]), float(states.kg[0])
    modes = np.flatnonzero(made.origin == state)
    main = int(modes[np.argmax(made.seizures[modes])])
    return _(
        "Sur {total} saisies à destination de la France, {n} ({share} %) ont été faites dans un seul pays ({country}) :"
        " {mean} en moyenne, {mode} le plus souvent, et {weight} % du poids. Un nombre de saisies n'est pas un poids."
    ).format(
        total=fmt.number(total),
        n=fmt.number(number),
        share=_percent(number, total),
        country=countries.name(kept.code(state)),
        mean=fmt.kilograms(kg / int(states.weighed[0])) if states.weighed[0] else fmt.UNKNOWN,
        weight=_percent(kg, float(np.nansum(made.kg))) if states.weighed[0] else fmt.UNKNOWN,
        mode=mode_label(kept.mode(int(made.labels["mode"][main]))).lower(),
    )


def _made_in_france(kept: Routed) -> str:
    rows = kept.among(FRENCH, kept.seizures.reporter)
    if not rows.any():
        return _("Aucune des saisies chargées n'a été faite en France.")
    years = kept.seizures.year[rows]
    number = int(kept.seizures.seizures[rows].sum())
    return ngettext(
        "{n} saisie chargée a été faite en France, de {first} à {last}.",
        "{n} saisies chargées ont été faites en France, de {first} à {last}.",
        number,
    ).format(n=fmt.number(number), first=int(years.min()), last=int(years.max()))


def _cannabis(kept: Routed) -> str:
    """Said when the drug that is seized most is hardly there."""
    is_cannabis: NDArray[np.bool_] = np.array([code in CANNABIS for code in kept.facts.drugs] + [False])
    number = int(kept.seizures.seizures[is_cannabis[kept.seizures.drug]].sum())
    total = int(kept.seizures.seizures.sum())
    if not total or number / total >= RARE:
        return ""
    return _(
        "Le cannabis est absent, ou presque : {n} saisies sur {total}. Un total de tous les produits n'en est donc pas"
        " un."
    ).format(n=fmt.number(number), total=fmt.number(total))


def refused_weights(store: Store, viewer: Viewer) -> str:
    """How many lines a load refused for a weight that no seizure has. Raises `StoreError`, `ForbiddenError`."""
    given: list[float] = []
    for ledger in store.batches(viewer):
        if ledger.refused:
            given += _weights(store.quarantine(viewer, ledger.batch_id))
    if not given:
        return ""
    return ngettext(
        "{n} ligne a été refusée au chargement pour une quantité de {most} kg : sans doute une autre unité, des"
        " comprimés par exemple. Elle reste dans la quarantaine.",
        "{n} lignes ont été refusées au chargement pour une quantité impossible, jusqu'à {most} kg : sans doute une"
        " autre unité, des comprimés par exemple. Elles restent dans la quarantaine.",
        len(given),
    ).format(n=fmt.number(len(given)), most=fmt.number(max(given)))


def _weights(refusals: pa.Table) -> list[float]:
    weights = []
    columns = (refusals.column("field").to_pylist(), refusals.column("given").to_pylist())
    for name, text in zip(*columns, strict=True):
        if name == "quantity_kg":
            try:
                weights.append(float(text))
            except ValueError:  # refused for not being a number at all
                continue
    return weights
