"""Which territories a viewer sees whole: those inside of which no place is that he does not see."""

from __future__ import annotations

import numpy as np
import pytest

from data.geography import geography
from data.query import TERRITORY_KINDS, Territory, Viewer
from data.rights import beyond, beyond_rights, communes_of
from tests.data.contract import ARRONDISSEMENTS, COMMUNES, TERRITORIES, Reference, Row, event, memberships

PARTS = {part: commune for commune, parts in ARRONDISSEMENTS.items() for part in parts if part}
HELD = [territory for territory in TERRITORIES if territory.kind != "commune" or territory.code in COMMUNES["commune"]]


def places() -> list[Row]:
    """A fact of every place that territories can tell apart: communes, their parts, and départements alone."""
    of_communes = {commune for codes in COMMUNES.values() for inside in codes.values() for commune in inside}
    found = [event(commune, commune=commune, arrondissement=None) for commune in sorted(of_communes)]
    found += [event(part, commune=commune, arrondissement=part) for part, commune in PARTS.items()]
    return found + [event(code, commune=None, departement=code) for code in COMMUNES["departement"]]


@pytest.mark.parametrize("seed", range(30))
def test_a_territory_is_seen_whole_if_each_place_in_it_is(seed: int) -> None:
    random, reference = np.random.default_rng(seed), Reference()
    chosen = random.choice(len(HELD), size=int(random.integers(0, 5)), replace=False)
    held = frozenset(HELD[int(at)] for at in chosen)
    communes = communes_of(memberships())
    for kind in TERRITORY_KINDS:
        codes = set(PARTS) if kind == "arrondissement" else set(communes.get(kind, {}))
        expected = {
            code
            for code in codes
            if any(
                reference.inside(fact, Territory(kind, code)) and not any(reference.inside(fact, one) for one in held)
                for fact in places()
            )
        }
        assert beyond(communes, PARTS, kind, held) == expected, (kind, held)


def test_the_rights_of_a_chief_and_of_everyone() -> None:
    known, lille = geography(), Territory("cross", "lille")
    every = {str(code) for code in known.territories("cross")["code"]}
    others = beyond_rights(known, "cross", Viewer("chef", "cross", frozenset({lille})))
    assert "lille" not in others
    assert len(others) >= len(every) - 4  # but for those of which no commune is known
    assert "59" in beyond_rights(known, "departement", Viewer("chef", "cross", frozenset({lille})))
    assert beyond_rights(known, "cross", Viewer("tous")) == frozenset()
    north = Viewer("cheffe", "antenna", frozenset({Territory("departement", "59")}))
    assert "lille" not in beyond_rights(known, "cross", north)
