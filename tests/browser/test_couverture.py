"""The coverage page in a real browser: map, ledger, a date, a proposal for an antenna, its list taken away."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.pixels import map_frame

pytestmark = pytest.mark.browser
OpenPage = Callable[..., Page]


def test_coverage_on_a_day_and_a_departement_moved(server: str, open_page: OpenPage) -> None:
    page = open_page(f"{server}/couverture?le=2017-06-01&poids=incidents")
    frame = map_frame(page)
    frame.wait_for_selector(".hxc-map[data-state=ready]")
    expect(page.locator(".hx-ledger tbody tr")).to_have_count(5)  # one of them: perhaps covered
    expect(page.get_by_text("Au 1 juin 2017 : 1 CROSS en activité")).to_be_visible()
    expect(frame.get_by_text("CROSS sans date, périmètre supposé")).to_be_visible()
    expect(frame.locator(".hxc-walk")).to_be_hidden()
    expect(page.get_by_text("Ce que disent les sources")).to_be_visible()

    page.locator('[data-testid="stButtonGroup"]').get_by_text("Antennes OFAST").click()
    page.wait_for_url(lambda url: "volet=antennes" in url)
    expect(page.get_by_text("Partition vérifiée : 107 départements")).to_be_visible()
    page.goto(f"{server}/couverture?volet=antennes&ressorts=13:lyon,99:lyon,2A")
    expect(page.get_by_text("Ressort « 2A » ignoré")).to_be_visible()
    expect(page.get_by_text("département « 99 » inconnu")).to_be_visible()
    expect(page.get_by_text("Partition vérifiée : 107 départements")).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("button", name="Exporter la liste des ressorts (CSV)").click()
    text = Path(download.value.path()).read_text(encoding="utf-8-sig")
    rows = {row["departement"]: row for row in csv.DictReader(io.StringIO(text), delimiter=";")}
    assert (rows["13"]["antenna"], rows["13"]["basis"]) == ("lyon", "assumed")
    assert "Proposition" in rows["13"]["source"]
    assert len(rows) == 107
    page.get_by_role("button", name="Revenir aux ressorts des listes").click()
    page.wait_for_url(lambda url: "ressorts" not in url)
