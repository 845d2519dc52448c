"""Each user's story from end to end, on both stores: what is taken away is the store's, and the same from either."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path
from urllib.parse import unquote

import openpyxl
import pytest
from playwright.sync_api import Browser, Frame, Locator, Page, expect

from dashboard import format as fmt
from dashboard.cache import ByteCache
from dashboard.context import Context
from dashboard.events_table import readable
from dashboard.settings import Settings
from data.geography import geography
from data.lists import JURISDICTIONS, copy_lists, read_lists
from data.query import Query, Territory, Viewer
from data.store import Totals
from tests import page_elements
from tests.browser import room
from tests.browser.both_stores import Held, alike, both_held
from tests.browser.pixels import map_frame

pytestmark = pytest.mark.browser

OpenPage = Callable[..., Page]

EVENTS = 6_000
FIRST, UNTIL = date(2024, 12, 1), date(2026, 11, 1)
TWO_YEARS, YEAR = "du=2024-12-01&au=2026-10-31", "du=2025-11-01&au=2026-10-31"
MARSEILLE = Territory("cross", "marseille")
VIEWER = Viewer("essai")


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory, assets: None) -> Iterator[list[Held]]:
    folder = tmp_path_factory.mktemp("stories")
    (folder / "salle.toml").write_text(room.SCRIPT, encoding="utf-8")
    with both_held(folder, EVENTS, UNTIL) as held:
        yield held


# ── Pages, element by element ────────────────────────────────────────────────────────────────────────────────────────

PAGES = {
    "controls": ("controles", YEAR, 0),
    "controls, divided, filtered": ("controles", f"{YEAR}&territoire=antenna:marseille&par=cross&service=customs", 0),
    "controls, protected": ("controles", f"{YEAR}&territoire=departement:13", 5),
    "routes": ("trafficking_routes", "vers=france", 0),
    "routes, weighed, compared": ("trafficking_routes", "vers=monde&poids=kg&contre=an&du=2025-11-01", 0),
    "routes, an entry point": ("trafficking_routes", "entree=air:CDG", 0),
    "coverage": ("couverture", f"{YEAR}&le=2017-06-01&poids=incidents", 0),
    "antennas": ("couverture", "volet=antennes&ressorts=13:lyon", 0),
}


@pytest.mark.parametrize(("page", "query", "threshold"), PAGES.values(), ids=PAGES)
def test_both_stores_give_a_page_the_same_elements(both: list[Held], page: str, query: str, threshold: int) -> None:
    settings = Settings(threshold=threshold)
    contexts = [Context(settings, held.store, geography(), ByteCache(2**24)) for held in both]
    elements = alike([page_elements.shown(context, page, query) for context in contexts])
    assert Counter(kind for kind, _content in elements)["html"] > 5


# ── The commander: from an alert to a hexagon, to an event ───────────────────────────────────────────────────────────


def test_a_commander_goes_from_an_alert_to_an_event_and_back(both: list[Held], open_page: OpenPage) -> None:
    shown = alike(
        [commander(held, open_page(f"{held.url}/?territoire=antenna:marseille&{TWO_YEARS}")) for held in both]
    )
    assert len(shown) >= 8  # an event at least


def commander(held: Held, page: Page) -> list[str]:
    """What is read of the events of the hexagon to which the alert led."""
    facts = page.locator(".hx-latest > li")
    expect(facts).to_have_count(40)
    page.get_by_label("Chercher dans ces faits").fill("zzz")
    expect(page.locator(".hx-latest-state")).to_have_text("Aucun de ces faits ne contient « zzz ».")
    page.get_by_label("Chercher dans ces faits").fill("")
    page.get_by_role("button", name="Pause").click()
    expect(page.locator(".hx-latest-state")).to_have_text("En pause")

    page.get_by_role("tab", name="Veille").click()
    page.get_by_label("Derniers jours").fill("90")
    page.get_by_label("Seuil", exact=True).fill("1")
    with page.expect_response(lambda answer: "/alertes/perimetres?etat=" in answer.url) as answer:
        page.get_by_role("button", name="Surveiller Marseille").click()
    assert [feature["properties"]["kind"] for feature in answer.value.json()["features"]] == ["alert"]
    alerts = page.locator(".hx-alerts")
    expect(alerts).to_contain_text("le seuil de 1 est atteint depuis le")
    page.get_by_label("Note : qui l'a vue, ce qui est fait").fill("équipe <b>prévenue</b>")
    page.get_by_role("button", name="Acquitter").click()
    expect(alerts).to_contain_text("équipe <b>prévenue</b>")
    expect(alerts).to_contain_text("Alerte vue")

    page.locator(".hx-crumbs").get_by_role("link", name="France").click()
    expect(page.locator("h1")).to_have_text("France")
    alerts.get_by_role("link", name="Marseille").click()
    expect(page.locator("h1")).to_have_text("Marseille")
    page.get_by_role("tab", name="Rythme").click()
    expect(page.locator(".hx-heat td[title]")).to_have_count(7 * 24)
    page.get_by_role("tab", name="Où").click()
    page.locator(".hx-table").get_by_role("link", name="Marseille").click()
    expect(page.locator(".hx-crumbs")).to_contain_text("Antenne Marseille")
    page.wait_for_url(lambda url: "territoire=cross:marseille" in url)
    hexagons = page.locator(".hx-table a[data-go^=hexagone]")
    cell = int((hexagons.first.get_attribute("data-go") or "").removeprefix("hexagone="), 16)
    hexagons.first.click()
    hexagon = page.get_by_role("tab", name="Hexagone")
    expect(hexagon).to_have_attribute("aria-selected", "true")
    heads, cells = table_shown(page.locator('[data-testid="stDataFrame"]').first)
    events = held.store.events(Query(FIRST, UNTIL, territory=MARSEILLE), VIEWER, cell=cell, limit=50)
    assert cells == readable(events)[heads].to_numpy().ravel().tolist()[: len(cells)]

    page.go_back()
    expect(hexagon).to_be_hidden()
    assert TWO_YEARS in page.url
    page.get_by_role("tab", name="Veille").click()
    page.get_by_text("1 seuil surveillé").click()
    page.get_by_role("button", name="Retirer").click()
    expect(alerts).to_be_hidden()
    return cells


def table_shown(table: Locator) -> tuple[list[str], list[str]]:
    """The columns and the cells, row by row, that are in sight, as the page gives them to a screen reader."""
    table.locator("td").first.wait_for(state="attached")
    return table.locator("th").all_text_contents(), table.locator("td").all_text_contents()


# ── The chief: choose, compare, export, and open the workbook again ──────────────────────────────────────────────────

MAPS = ".st-key-maps iframe"
LEGEND_OF_OLD_DATA = """(() => {
  const map = document.querySelector(".hxs-map .hxc-map");
  const filter = () => getComputedStyle(document.querySelector("#maps > .hxc-legend .hxc-swatch")).filter;
  const before = filter();
  map.classList.add("hxc-faded");
  const after = filter();
  map.classList.remove("hxc-faded");
  return [before, after];
})()"""
COMPARED = f"territoires=cross:marseille,cross:lille&{YEAR}"
VIEWS = """() => L.hexacross.sideBySide.maps.map(({ map, home }) => {
  const zoom = map.getZoom();
  const way = map.project(map.getCenter(), zoom).subtract(map.project(home, zoom));
  return [zoom, Math.round(way.x), Math.round(way.y)];
})"""
# Whether the maps are as near as the largest territory allows.
FITS = """() => {
  const { maps } = L.hexacross.sideBySide;
  const nearest = maps.map(({ map, bounds }) => map.getBoundsZoom(bounds, false, L.point(24, 24)));
  return maps.every(({ map }) => map.getZoom() === Math.min(...nearest));
}"""
Sheets = dict[str, list[tuple[object, ...]]]


def test_a_chief_chooses_compares_and_exports(both: list[Held], open_page: OpenPage, tmp_path: Path) -> None:
    book = alike(
        [chief(held, open_page(f"{held.url}/comparaison?{COMPARED}"), tmp_path / "comparaison.xlsx") for held in both]
    )
    assert set(book) == {"Lecture", "Chiffres", "Courbes", "Entonnoir"}


def chief(held: Held, page: Page, path: Path) -> Sheets:
    """The workbook, but for what it says of when it was made."""
    frame = maps_frame(page, 2)
    expect(page.locator(".hx-compared thead th")).to_have_count(2)
    assert frame.evaluate(FITS)
    page.get_by_role("combobox", name="Territoires comparés").click()
    page.get_by_role("option", name="Lyon").click()
    page.keyboard.press("Escape")
    page.wait_for_url(lambda url: "lyon" in url)
    expect(page.locator(".hx-compared thead th")).to_have_count(3)
    maps_move_together(page, maps_frame(page, 3))

    shown = figures(page)
    totals: list[Totals] = [
        held.store.totals(Query(date(2025, 11, 1), UNTIL, territory=Territory("cross", code)), VIEWER)
        for code in ("marseille", "lille", "lyon")
    ]
    assert shown["Incidents"] == [fmt.number(total.incidents) for total in totals]
    with page.expect_download() as download:
        page.get_by_role("button", name="Classeur (XLSX)").click()
    assert download.value.suggested_filename == "comparaison-cross-marseille-lille-lyon-donnees-de-demonstration.xlsx"
    download.value.save_as(path)
    book = openpyxl.load_workbook(path)
    sheets: Sheets = {sheet.title: list(sheet.iter_rows(values_only=True)) for sheet in book}
    exported: dict[str, list[str]] = {}
    for line in sheets["Chiffres"][2:]:
        exported.setdefault(str(line[0]), []).append(str(line[8]))
    assert exported == shown
    assert sheets["Chiffres"][0][0] == "Données de démonstration"

    page.get_by_role("radio", name="Base 100").click()
    page.wait_for_url(lambda url: "courbes=indice" in url)
    link = page.locator(".hx-compared tbody tr").first.locator("td a").nth(1)
    with page.expect_navigation():
        link.click()
    expect(page.locator("h1")).to_have_text("Lille")
    assert "du=2025-11-01" in page.url
    expect(page.locator(".hx-figure").first).to_contain_text(shown["Incidents"][1])
    return sheets | {"Lecture": [line for line in sheets["Lecture"] if line[0] not in ("Source", "Établi le")]}


def maps_frame(page: Page, number: int) -> Frame:
    """The frame of the maps, all of them being painted."""
    handle = page.wait_for_selector(MAPS)
    frame = handle.content_frame() if handle else None
    assert frame is not None
    expect(frame.locator(".hxc-map[data-state=ready]")).to_have_count(number)
    return frame


def maps_move_together(page: Page, frame: Frame) -> None:
    assert frame.locator("figcaption").all_inner_texts() == ["Marseille", "Lille", "Lyon"]
    assert frame.locator(".hxc-legend:visible").count() == 1
    assert frame.evaluate(LEGEND_OF_OLD_DATA) == ["none", "grayscale(1) sepia(0.35)"]  # as the hexagons of its maps
    assert len({view[0] for view in frame.evaluate(VIEWS)}) == 1
    place = frame.locator(".hxs-map .leaflet-container").nth(1).bounding_box()  # on the page
    assert place is not None
    x, y = place["x"] + place["width"] / 2, place["y"] + place["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x - 40, y + 20, steps=4)
    page.wait_for_timeout(300)  # held still: nothing flies on
    page.mouse.up()
    views = frame.evaluate(VIEWS)
    assert abs(views[0][1]) > 20
    assert max(abs(one - other) for view in views for one, other in zip(view, views[1], strict=True)) <= 2
    frame.get_by_role("button", name="Zoom avant").first.click()
    assert {view[0] for view in frame.evaluate(VIEWS)} == {views[0][0] + 1}


def figures(page: Page) -> dict[str, list[str]]:
    """The table of the page: the name of each figure → what its cells say, without what stands behind."""
    return {
        line.locator("th").evaluate("cell => cell.firstChild.textContent"): line.locator("td b").all_inner_texts()
        for line in page.locator(".hx-compared tbody tr").all()
    }


# ── The one who draws jurisdictions: a day, a département moved, the list taken away ─────────────────────────────────

MOVED, ROW, FROM, TO = "06", 5, "marseille", "lyon"  # a département, its row, the antennas it goes between
EVERYTHING = f"{TWO_YEARS}&le=2017-06-01&poids=incidents"


def test_a_departement_is_moved_in_its_table_and_the_list_taken_away(
    both: list[Held], open_page: OpenPage, tmp_path: Path
) -> None:
    said = [
        jurisdictions(held, open_page(f"{held.url}/couverture?{EVERYTHING}"), tmp_path / str(number))
        for number, held in enumerate(both)
    ]
    alike(said)


def jurisdictions(held: Held, page: Page, folder: Path) -> tuple[list[str], ...]:
    """What the page says of coverage on a day and of jurisdictions after a move, and the list exported."""
    frame = map_frame(page)
    frame.wait_for_selector(".hxc-map[data-state=ready]")
    expect(page.locator(".hx-ledger tbody tr")).to_have_count(5)  # one of them: perhaps covered
    expect(page.get_by_text("Au 1 juin 2017 : 1 CROSS en activité")).to_be_visible()
    expect(frame.get_by_text("CROSS sans date, périmètre supposé")).to_be_visible()
    expect(frame.locator(".hxc-walk")).to_be_hidden()
    expect(page.get_by_text("Ce que disent les sources")).to_be_visible()
    ledger = page.locator(".hx-ledger td").all_inner_texts()

    page.locator('[data-testid="stButtonGroup"]').get_by_text("Antennes OFAST").click()
    page.wait_for_url(lambda url: "volet=antennes" in url)
    expect(page.get_by_text("Partition vérifiée : 107 départements")).to_be_visible()
    lists, incidents = read_lists(), incidents_by_departement(held)
    ranks = {antenna.code: row for row, antenna in enumerate(lists.antennas)}
    before = [sum(incidents.get(code, 0.0) for code in antenna.departements) for antenna in lists.antennas]
    antennas = page.locator('[data-testid="stDataFrame"]').first
    heads, cells = table_shown(antennas)
    assert column(heads, cells, "Incidents")[ranks[FROM]] == fmt.number(before[ranks[FROM]])

    give_to(page, ROW, lists.antennas[ranks[TO]].name)
    page.wait_for_url(lambda url: f"ressorts={MOVED}:{TO}" in unquote(url))
    for code, change in ((FROM, -incidents[MOVED]), (TO, incidents[MOVED])):
        was, name = before[ranks[code]], lists.antennas[ranks[code]].name
        expect(page.get_by_text(f"{name} : {fmt.number(was)} → {fmt.number(was + change)} incidents")).to_be_visible()
    expect(page.get_by_text("Partition vérifiée : 107 départements")).to_be_visible()
    expect(antennas.locator("th", has_text="Incidents après")).to_be_attached()
    heads, cells = table_shown(antennas)
    assert column(heads, cells, "Incidents après")[ranks[TO]] == fmt.number(before[ranks[TO]] + incidents[MOVED])

    with page.expect_download() as download:
        page.get_by_role("button", name="Exporter la liste des ressorts (CSV)").click()
    copy_lists(folder)
    download.value.save_as(folder / JURISDICTIONS)
    held_by = {code: antenna.code for antenna in read_lists(folder).antennas for code in antenna.departements}
    of_lists = {code: antenna.code for antenna in lists.antennas for code in antenna.departements}
    assert held_by == of_lists | {MOVED: TO}
    undo = page.get_by_role("button", name="Revenir aux ressorts des listes")
    undo.click()
    page.wait_for_url(lambda url: "ressorts" not in url)
    # Until its script has ended, Streamlit keeps what stood one place lower: the same button twice.
    expect(page.locator('[data-test-script-state="notRunning"]')).to_be_attached()
    expect(undo).to_be_disabled()
    return ledger, heads, cells, (folder / JURISDICTIONS).read_text("utf-8-sig").splitlines()


def incidents_by_departement(held: Held) -> dict[str, float]:
    """Of all that the store holds."""
    counts = held.store.counts_by_territory("departement", Query(FIRST, UNTIL), VIEWER)
    return dict(zip(counts.codes, counts.incidents.tolist(), strict=True))


def column(heads: list[str], cells: list[str], name: str) -> list[str]:
    return cells[heads.index(name) :: len(heads)]


def give_to(page: Page, row: int, antenna: str) -> None:
    """Choose another antenna for a row of the table of départements, by keyboard from its first cell on."""
    expect(page.locator('[data-test-script-state="notRunning"]')).to_be_attached()
    table = page.locator("[class*=st-key-jurisdictions_]")
    table.locator(".dvn-scroller").click(position={"x": 20, "y": 52})
    chosen = table.locator('td[aria-selected="true"]')
    expect(chosen).to_have_id("glide-cell-0-0")
    for key in (*["ArrowDown"] * row, "ArrowRight", "ArrowRight"):
        page.keyboard.press(key)
    expect(chosen).to_have_id(f"glide-cell-2-{row}")
    page.keyboard.press("Enter")
    editor = page.locator("#portal input[role=combobox]")
    editor.fill(antenna)
    editor.press("Enter")


# ── The room: an hour of scenes in fast time ─────────────────────────────────────────────────────────────────────────


def test_an_hour_of_scenes(both: list[Held], browser: Browser) -> None:
    """With an alert, a cut network, midnight and a restart. Last: what it does to the servers is for them alone."""
    contexts = [browser.new_context(viewport={"width": 1920, "height": 1080}, locale="fr-FR") for _held in both]
    pages = [context.new_page() for context in contexts]
    faults: list[str] = []
    try:
        for held, page in zip(both, pages, strict=True):
            page.on("pageerror", lambda error: faults.append(str(error)))
            page.on("request", lambda asked: faults.append(asked.url) if "//127.0.0.1:" not in asked.url else None)
            page.goto(f"{held.url}/mur?script=salle&vitesse={room.SPEED}")
            page.evaluate(room.WATCH, room.SECONDS)
        room.scenes_are_shown_whole(pages)
        room.an_alert_goes_before(pages, both)
        room.a_cut_network_leaves_the_last_scenes(pages)
        room.midnight_passes(pages)
        room.a_restart_passes(pages, both)
        room.all_until(pages, "told.seconds >= 3600")
        for held, page in zip(both, pages, strict=True):
            assert page.evaluate("told.faults") == []
            assert page.evaluate("told.least") >= 1
            query = Query(UNTIL - timedelta(days=room.FIGURES_DAYS), UNTIL)
            total = held.store.totals(query, VIEWER)
            assert page.evaluate("told.figures") == {
                "Incidents": fmt.number(total.incidents),
                "Contrôles": fmt.number(total.controls),
                "Quantités saisies": fmt.kilograms(total.kg),
            }
        assert faults == []
    finally:
        for context in contexts:
            context.close()
