"""A room in front of a wall: a script with a scene of each kind, what is noted of each page, and what befalls it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from playwright.sync_api import Page

from dashboard.alert_file import Alert, acknowledge, set_alert
from data.query import Territory
from tests.browser.both_stores import Held
from tests.browser.conftest import until

SPEED = 1000
PATIENCE_S = 120
FIGURES_DAYS = 90
# A scene of each kind, and a text that no page holds. A round, of a dozen pages, takes some 25 minutes.
SECONDS = {"carte": 240, "chiffres": 120, "comparaison": 120, "courbe": 120, "texte": 120, "alert": 30}
TEXT = " ".join(f"mot{number}" for number in range(60))
SCRIPT = f"""
ecran = {{ diagonale = 55, distance = 8 }}
alerte = {SECONDS["alert"]}
[[scene]]
type = "carte"
territoire = "cross:marseille"
jours = 400
duree = {SECONDS["carte"]}
[[scene]]
type = "chiffres"
jours = {FIGURES_DAYS}
duree = {SECONDS["chiffres"]}
[[scene]]
type = "comparaison"
territoires = ["cross:marseille", "cross:lille", "cross:lyon", "cross:paris"]
duree = {SECONDS["comparaison"]}
[[scene]]
type = "courbe"
duree = {SECONDS["courbe"]}
[[scene]]
type = "texte"
titre = "Consigne"
texte = '''{TEXT}'''
duree = {SECONDS["texte"]}
"""
KINDS = set(SECONDS) - {"alert"}
MARSEILLE = Territory("cross", "marseille")
# What is shown at each page: its kind, its figures, its text, for how long, and what of it is cut, or lower than
# 16 minutes of arc (37 mm at 8 m).
WATCH = """(seconds) => {
  window.told = { kinds: new Set(), figures: {}, texts: {}, seconds: 0, faults: [], least: Infinity };
  const box = document.getElementById("room");
  const least = Math.floor(37 / ((55 * 25.4) / Math.hypot(innerWidth, innerHeight)) / 0.66);
  new MutationObserver(() => {
    const { kind, page } = box.dataset;
    told.kinds.add(kind);
    told.seconds += seconds[kind] || 0;
    if (kind === "texte") told.texts[page] = box.querySelector(".list").textContent;
    for (const figure of box.querySelectorAll("main .figure")) {
      told.figures[figure.querySelector("h2").textContent] = figure.querySelector(".value").textContent;
    }
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
OLD = "document.querySelector('.ages').classList.contains('old')"


def all_until(pages: Sequence[Page], expression: str) -> None:
    """Wait for every wall: on a busy machine, a map that has not come in time is tried again."""
    for page in pages:
        until(page, expression, PATIENCE_S)


def go_on(pages: Sequence[Page], scenes: int = 5) -> None:
    """Wait for some more scenes."""
    shown = [int(page.locator("#room").get_attribute("data-changes") or 0) for page in pages]
    for page, before in zip(pages, shown, strict=True):
        until(page, f"Number(document.getElementById('room').dataset.changes) >= {before + scenes}", PATIENCE_S)


def scenes_are_shown_whole(pages: Sequence[Page]) -> None:
    all_until(pages, "Number(document.getElementById('room').dataset.round) >= 1")
    for page in pages:
        assert set(page.evaluate("[...told.kinds]")) >= KINDS
        texts = page.evaluate("told.texts")
        assert len(texts) > 1
        assert " ".join(texts[str(number)] for number in range(1, len(texts) + 1)) == TEXT
        assert page.locator(".band").all_inner_texts() == ["Données de démonstration"] * 2
        assert page.evaluate("getComputedStyle(document.body).cursor") == "none"
        scrolled = page.evaluate("[document.documentElement.scrollWidth, document.documentElement.scrollHeight]")
        assert scrolled == [1920, 1080]


def an_alert_goes_before(pages: Sequence[Page], both: Sequence[Held]) -> None:
    for held in both:
        set_alert(held.alerts, Alert(MARSEILLE, "incidents", 31, 1))
    all_until(pages, "told.kinds.has('alert')")
    all_until(pages, "document.querySelector('.ages').textContent.includes('1 alerte(s)')")
    for held in both:
        acknowledge(held.alerts, "cross:marseille incidents 31", datetime.now(UTC).date() + timedelta(days=1), "vu")
    all_until(pages, "room.state.alerts.length === 0")


def a_cut_network_leaves_the_last_scenes(pages: Sequence[Page]) -> None:
    for page in pages:
        page.context.set_offline(True)
    all_until(pages, "document.querySelector('.ages').textContent.includes('Sans serveur depuis')")
    for page in pages:
        page.evaluate("told.kinds.clear()")
    all_until(pages, f"{sorted(KINDS)}.every((kind) => told.kinds.has(kind))")
    for page in pages:
        page.context.set_offline(False)
    all_until(pages, f"!{OLD}")


def midnight_passes(pages: Sequence[Page]) -> None:
    """By the walls' own clocks, which may be wrong: what they show is the server's."""
    shown = [page.locator(".clock").inner_text().split(" ")[2] for page in pages]
    for page in pages:
        page.clock.set_system_time(datetime.now(UTC) + timedelta(days=1))
    go_on(pages)
    for page, day in zip(pages, shown, strict=True):
        until(page, f"document.querySelector('.clock').textContent.includes('{day}')")


def a_restart_passes(pages: Sequence[Page], both: Sequence[Held]) -> None:
    for held in both:
        held.server.end()
    all_until(pages, OLD)
    go_on(pages)
    for held in both:
        held.server.start()
    for held in both:
        held.server.wait()
    all_until(pages, f"!{OLD}")
    go_on(pages)
