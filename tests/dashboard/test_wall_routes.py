"""The routes of a wall: bars of what was counted, in one unit, by country alone; and what they do not say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from dashboard.cache import ByteCache
from dashboard.context import Context, viewer_of
from dashboard.corridor_facts import EUROPE, EVERY_SEIZURE, routed
from dashboard.corridor_words import READINGS, WEIGHTS
from dashboard.settings import Settings
from dashboard.wall_routes import MOST_SHOWN, led
from dashboard.wall_scenes import dated, said
from dashboard.wall_script import Routes, Scene, WallError, read_script
from data.geography import geography
from data.ingest import load_file
from data.opening import open_store
from data.query import Viewer
from geo.corridors import Ends, corridors

HEADER = (
    "source;source_event_id;family;kind;occurred_at;country;place_precision;departure_country;destination_country"
    ";quantity_kg"
)
# Departure, destination, seizures, kg each ("": not weighed); ten corridors lead to Europe, from fewer and fewer.
WAYS = [
    ("CO", "ES", 12, "1"), ("BR", "BE", 9, "100"), ("MA", "ES", 8, "2"), ("EC", "NL", 7, "3"), ("TR", "BG", 6, "4"),
    ("GF", "FR", 5, ""), ("AF", "DE", 4, "5"), ("PE", "IT", 3, "6"), ("VE", "PT", 2, "7"), ("DO", "FR", 1, "8"),
    ("ES", "FR", 20, "1"), ("BR", "US", 30, "1"), ("FR", "FR", 40, "1"), ("", "FR", 50, "1"), ("CO", "", 60, "1"),
]  # fmt: skip


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Context]:
    """The seizures of `WAYS`, all made in Spain in 2025, and a control that is none."""
    folder = tmp_path_factory.mktemp("routes")
    lines = [HEADER, "essai;autre;control;road_check;2025-03-10T10:00;ES;country;CO;ES;"]
    for way, (departure, destination, seizures, kg) in enumerate(WAYS):
        for number in range(seizures):
            day = f"2025-{1 + number % 12:02}-{1 + way:02}T10:00"
            lines.append(f"essai;{way}-{number};incident;seizure;{day};ES;country;{departure};{destination};{kg}")
    (folder / "a.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    store = open_store(str(folder / "wall.duckdb"))
    store.set_memberships(geography().memberships())
    assert load_file(store, folder / "a.csv").refused == 0
    yield Context(Settings(role="wall"), store, geography(), ByteCache(2**20))
    store.close()


def shown(context: Context, routes: Routes, title: str = "") -> dict[str, object]:
    scene = Scene("routes", title, 30, days=None, routes=routes)
    return said(context, scene, dated(scene, context.store.period(viewer_of(context.settings))))


def test_a_room_reads_the_heaviest_first_and_who_reports(context: Context) -> None:
    found = shown(context, Routes())
    rows = found["rows"]
    assert isinstance(rows, list)
    assert found["title"] == "Vers l'Europe, d'abord Colombie → Espagne"
    assert found["where"] == "Nombre de saisies · Départ → destination"
    assert [row["value"] for row in rows] == ["12", "9", "8", "7", "6"]
    assert [row["at"] for row in rows][:2] == [1.0, 0.75]
    assert found["notes"] == [
        "Espagne : 100 % des déclarations, qui ne sont pas le trafic.",
        "5 liaisons sur 10 : 74 % du total.",
    ]
    assert (found["first_day"], found["last_day"]) == ("2025-01-01", "2025-12-15")
    assert shown(context, Routes(), "Cocaïne")["title"] == "Cocaïne"


def test_kilograms_are_an_order_of_their_own(context: Context) -> None:
    found = shown(context, Routes(weight="kg"))
    rows = found["rows"]
    assert isinstance(rows, list)
    assert found["title"] == "Vers l'Europe, d'abord Brésil → Belgique"
    assert [row["at"] for row in rows][:2] == [1.0, 24 / 900]
    assert found["notes"][1].endswith("1 liaison sans pesée.")  # type: ignore[index]


@pytest.mark.parametrize(
    ("toward", "expected"),
    [("france", {"GF-FR": 5, "DO-FR": 1, "ES-FR": 20}), ("monde", {f"{a}-{b}": n for a, b, n, _kg in WAYS[:12]})],
)
def test_where_they_lead(context: Context, toward: str, expected: dict[str, int]) -> None:
    found = led(context.store, EVERY_SEIZURE, viewer_of(context.settings), Routes(toward=toward))
    assert {f"{start}-{stop}": amount for start, stop, amount in found.shown} == expected


def test_totals_are_those_of_the_routes_page(context: Context) -> None:
    """A second way: the seizures one route each, as whoever sees facts reads them, added up by geo."""
    kept = routed(context.store.route_facts(EVERY_SEIZURE, Viewer("tout")))
    found = corridors(kept.seizures)
    for weight, amounts in zip(WEIGHTS, (found.seizures, found.kg), strict=True):
        expected = {
            (kept.code(int(start)), kept.code(int(stop))): float(amount)
            for start, stop, ends, amount in zip(found.origin, found.destination, found.ends, amounts, strict=True)
            if ends == Ends.TWO and not np.isnan(amount)
        }
        there = led(context.store, EVERY_SEIZURE, viewer_of(context.settings), Routes("monde", weight=weight))
        assert {(start, stop): amount for start, stop, amount in there.shown} == expected
        assert [amount for *_ends, amount in there.shown] == sorted(expected.values(), reverse=True)


def test_few_seizures_stay_protected(context: Context) -> None:
    protected = replace(context, settings=replace(context.settings, threshold=5))
    found = led(protected.store, EVERY_SEIZURE, viewer_of(protected.settings), Routes())
    assert [amount for *_ends, amount in found.shown] == [10, 10, 10, 5, 5, 5]
    assert (found.protected, found.unweighed) == (4, 0)
    assert shown(protected, Routes())["notes"][1] == "5 liaisons sur 6 : 89 % du total. 4 liaisons protégées."  # type: ignore[index]
    kg = led(protected.store, EVERY_SEIZURE, viewer_of(protected.settings), Routes(weight="kg"))
    assert not {"AF", "PE", "VE", "DO"} & {start for start, _stop, _kg in kg.shown}


def test_where_no_destination_is_said_the_place_of_seizure_stands_for_it(tmp_path: Path) -> None:
    lines = [HEADER, *(f"essai;{n};incident;seizure;2025-03-10T10:00;FR;country;MA;;" for n in range(3))]
    (tmp_path / "a.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    store = open_store(str(tmp_path / "wall.duckdb"))
    load_file(store, tmp_path / "a.csv")
    found = led(store, EVERY_SEIZURE, Viewer("mur", "wall", sees_events=False), Routes())
    assert (found.reading, found.shown) == ("arrivee", (("MA", "FR", 3.0),))
    none = led(store, EVERY_SEIZURE, Viewer("mur", "wall", sees_events=False), Routes(origin="production"))
    assert none.shown == ()
    held = Context(Settings(role="wall"), store, geography(), ByteCache(2**20))
    empty = shown(held, Routes(origin="production"))
    assert (empty["title"], empty["rows"]) == ("Saisies déclarées, vers l'Europe", [])
    assert empty["notes"][1] == "Aucune saisie de cette période ne dit une telle route."  # type: ignore[index]
    store.close()


def test_the_ways_of_this_test_reach_beyond_a_page() -> None:
    leading = Counter(
        stop in EUROPE and start not in EUROPE for start, stop, *_ in WAYS if start and stop and start != stop
    )
    assert leading[True] > MOST_SHOWN
    assert set(READINGS) >= {"depart", "arrivee"}


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ('vers = "lune"', "vers = « lune » : attendu europe, france, monde."),
        ('poids = "tonnes"', "poids = « tonnes » : attendu saisies, kg."),
        ('origine = "ici"', "origine = « ici » : attendu depart, arrivee, production, saisie."),
        ('territoire = "cross:lyon"', "« territoire » n'a pas de sens ici"),
        ('produit = "sucre"', "sucre"),
    ],
)
def test_a_script_of_routes_is_checked(tmp_path: Path, line: str, told: str) -> None:
    path = tmp_path / "essai.toml"
    path.write_text(f'[[scene]]\ntype = "routes"\n{line}\n', encoding="utf-8")
    with pytest.raises(WallError) as raised:
        read_script(path, (tmp_path,), geography())
    [fault] = [str(fault.message) for fault in raised.value.faults]
    assert fault.startswith("ligne 3, scène 1")
    assert told in fault
    path.write_text('[[scene]]\ntype = "routes"\nvers = "france"\npoids = "kg"\nproduit = "cocaine"\njours = 90\n')
    [scene] = read_script(path, (tmp_path,), geography()).scenes
    assert (scene.routes, scene.days) == (Routes("france", "", "kg"), 90)
    assert scene.view.drugs == {"cocaine"}
