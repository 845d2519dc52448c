"""A room in front of a wall: an hour of its scenes in fast time, with an alert, a cut network, midnight, a restart."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from dashboard.alert_file import Alert, acknowledge, set_alert
from data.demo import load_demo
from data.geography import geography
from data.opening import open_store
from data.query import Territory
from tests.browser.conftest import until
from tests.serving import ServerProcess

pytestmark = pytest.mark.browser

# A scene of each kind, and a text that no page holds. A round, of a dozen pages, takes some 25 minutes.
ROUNDS = 3
SCRIPT = """
ecran = { diagonale = 55, distance = 8 }
alerte = 30
[[scene]]
type = "carte"
territoire = "cross:marseille"
jours = 400
duree = 240
[[scene]]
type = "chiffres"
jours = 90
duree = 120
[[scene]]
type = "comparaison"
territoires = ["cross:marseille", "cross:lille", "cross:lyon", "cross:paris"]
duree = 120
[[scene]]
type = "courbe"
duree = 120
[[scene]]
type = "texte"
titre = "Consigne"
texte = '''TEXT'''
duree = 120
"""
KINDS = {"carte", "chiffres", "comparaison", "courbe", "texte"}
TEXT = " ".join(f"mot{number}" for number in range(60))
SPEED = 1000
MARSEILLE = Territory("cross", "marseille")
# What is shown at each page: its kind, its text, and what of it is cut, or lower than 16 minutes of arc (37 mm at 8 m).
WATCH = """() => {
  window.told = { kinds: new Set(), texts: {}, faults: [], least: Infinity };
  const box = document.getElementById("room");
  const least = Math.floor(37 / ((55 * 25.4) / Math.hypot(innerWidth, innerHeight)) / 0.66);
  new MutationObserver(() => {
    const { kind, page } = box.dataset;
    told.kinds.add(kind);
    if (kind === "texte") told.texts[page] = box.querySelector(".list").textContent;
    const limit = box.querySelector("main").getBoundingClientRect().bottom + 1;
    for (const block of box.querySelectorAll("main .list > *")) {
      if (block.getBoundingClientRect().bottom > limit) told.faults.push(`cut: ${block.outerHTML}`);
    }
    for (const held of box.querySelectorAll("*")) {
      if (held.children.length || !held.textContent.trim()) continue;
      told.least = Math.min(told.least, parseFloat(getComputedStyle(held).fontSize) / least);
    }
  }).observe(box, { attributeFilter: ["data-changes"] });
}"""


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory, assets: None) -> Iterator[tuple[ServerProcess, Path]]:
    """A served demonstration, and the file of its alerts."""
    folder = tmp_path_factory.mktemp("room")
    store = open_store(str(folder / "wall.duckdb"))
    store.set_memberships(geography().memberships())
    load_demo(store, 2_000)
    store.close()
    (folder / "salle.toml").write_text(SCRIPT.replace("TEXT", TEXT), encoding="utf-8")
    alerts = folder / "alerts.json"
    settings = {"HEXACROSS_WALLS": str(folder), "HEXACROSS_ALERTS": str(alerts)}
    server = ServerProcess(str(folder / "wall.duckdb"), folder / "tokens", folder / "log", **settings)
    server.start()
    server.wait()
    yield server, alerts
    server.end()


def goes_on(page: Page, scenes: int = 5) -> None:
    """Wait for some more scenes."""
    shown = int(page.locator("#room").get_attribute("data-changes") or 0)
    until(page, f"Number(document.getElementById('room').dataset.changes) >= {shown + scenes}")


def test_an_hour_of_scenes(room: tuple[ServerProcess, Path], browser: Browser) -> None:
    server, alerts = room
    context = browser.new_context(viewport={"width": 1920, "height": 1080}, locale="fr-FR")
    page = context.new_page()
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("request", lambda request: faults.append(request.url) if "//127.0.0.1:" not in request.url else None)
    try:
        page.goto(f"{server.url}/mur?script=salle&vitesse={SPEED}")
        page.evaluate(WATCH)
        until(page, "Number(document.getElementById('room').dataset.round) >= 1")
        each_scene_was_shown_whole(page)
        an_alert_goes_before(page, alerts)
        until(page, f"Number(document.getElementById('room').dataset.round) >= {ROUNDS}")
        a_cut_network_leaves_the_last_scenes(page)
        midnight_passes(page)
        a_restart_passes(page, server)
        assert page.evaluate("told.faults") == []
        assert page.evaluate("told.least") >= 1
        assert faults == []
    finally:
        context.close()


def each_scene_was_shown_whole(page: Page) -> None:
    assert set(page.evaluate("[...told.kinds]")) >= KINDS
    texts = page.evaluate("told.texts")
    assert len(texts) > 1
    assert " ".join(texts[str(number)] for number in range(1, len(texts) + 1)) == TEXT
    assert page.locator(".band").all_inner_texts() == ["Données de démonstration"] * 2
    assert page.evaluate("getComputedStyle(document.body).cursor") == "none"
    assert page.evaluate("[document.documentElement.scrollWidth, document.documentElement.scrollHeight]") == [
        1920,
        1080,
    ]


def an_alert_goes_before(page: Page, alerts: Path) -> None:
    set_alert(alerts, Alert(MARSEILLE, "incidents", 31, 1))
    until(page, "told.kinds.has('alert')")
    until(page, "document.querySelector('.ages').textContent.includes('1 alerte(s)')")
    acknowledge(alerts, "cross:marseille incidents 31", datetime.now(UTC).date() + timedelta(days=1), "vu")
    until(page, "room.state.alerts.length === 0")


def a_cut_network_leaves_the_last_scenes(page: Page) -> None:
    page.context.set_offline(True)
    until(page, "document.querySelector('.ages').textContent.includes('Sans serveur depuis')")
    page.evaluate("told.kinds.clear()")
    until(page, f"{sorted(KINDS)}.every((kind) => told.kinds.has(kind))")
    page.context.set_offline(False)
    until(page, "!document.querySelector('.ages').classList.contains('old')")


def midnight_passes(page: Page) -> None:
    """By the wall's own clock, which may be wrong: what it shows is the server's."""
    shown = page.locator(".clock").inner_text().split(" ")[2]
    page.clock.set_system_time(datetime.now(UTC) + timedelta(days=1))
    goes_on(page)
    until(page, f"document.querySelector('.clock').textContent.includes('{shown}')")


def a_restart_passes(page: Page, server: ServerProcess) -> None:
    server.end()
    until(page, "document.querySelector('.ages').classList.contains('old')")
    goes_on(page)
    server.start()
    server.wait()
    until(page, "!document.querySelector('.ages').classList.contains('old')")
    goes_on(page)


def told(page: Page, change: str) -> list[str]:
    """What stands on the wall, and whether its map is seen, in the moment in which its state is another."""
    return list(
        page.evaluate(
            f"""() => {{
              room.state.{change};
              room._tell();
              const map = document.querySelector("iframe");
              return [document.querySelector("main").innerText, getComputedStyle(map).visibility];
            }}"""
        )
    )


def test_nothing_is_shown_without_its_marking_or_when_it_is_old(
    browser: Browser, room: tuple[ServerProcess, Path]
) -> None:
    server, _alerts = room
    context = browser.new_context(viewport={"width": 1080, "height": 1920}, locale="fr-FR")
    page = context.new_page()
    try:
        page.goto(f"{server.url}/mur?script=salle")
        until(page, "window.room?.current?.shown?.kind === 'carte'")
        assert told(page, "marking = null") == [
            "La mention de protection est inconnue : rien ne peut être montré.",
            "hidden",
        ]
        words, seen = told(page, "marking = { code: 'restricted', label: 'Diffusion Restreinte' }")
        assert words.startswith("faits")
        assert seen == "visible"
        words, seen = told(page, "sources = room.state.sources.map((source) => ({ ...source, stale_from: 0 }))")
        assert words.startswith("Données périmées : dernier chargement il y a")
        assert seen == "hidden"
        places = page.evaluate(
            "import('/ui/wall_sight.js').then((m) => [...Array(161).keys()].map((at) => m.shiftAt(at)))"
        )
        assert all(one != other for one, other in itertools.pairwise(places))
        assert max(abs(shift) for place in places for shift in place) == 8
        page.goto(f"{server.url}/mur?script=absent")
        until(page, "document.querySelector('main').textContent.includes('absent')")
        assert "antenne, cross, national, salle" in page.locator("main").inner_text()
    finally:
        context.close()
