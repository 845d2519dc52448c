"""The comparison of territories: its figures against other ways to them, its files read again, bad input."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import numpy as np
import openpyxl
import pytest
from scipy.stats import chi2

from dashboard.cache import ByteCache
from dashboard.comparison import Compared, compare, days_held, default_compared, distinct
from dashboard.comparison_curves import curve_sentence, curve_table
from dashboard.comparison_export import Export, Sheet, as_csv, as_xlsx, export_of, export_of_published
from dashboard.comparison_maps import compared_json
from dashboard.comparison_table import Row, rows_of, signed, table_html
from dashboard.context import Context
from dashboard.controls import territory_names
from dashboard.funnel_chart import funnel_sentence, funnel_table
from dashboard.published import Published, published_figures
from dashboard.published_chart import published_table, unit_sentence, year_sentence
from dashboard.recall import Reading
from dashboard.settings import Settings
from dashboard.view import View
from data.demo import load_demo
from data.geography import geography
from data.ingest import load_file
from data.opening import open_store
from data.query import Territory, Viewer
from data.rights import beyond_rights
from data.store import Store
from geo.comparison import Verdict
from tests import page_elements
from tests.postgres import new_store_url

UNTIL = date(2026, 6, 1)
FACTS = 8_000
YEAR = View(start=date(2025, 6, 1), stop=UNTIL)
CROSS = tuple(Territory("cross", code) for code in ("marseille", "lille", "paris"))
DEPARTEMENTS = tuple(Territory("departement", code) for code in ("13", "59", "23"))
NATIONAL = Viewer("local")
HEADER = "Code_departement;annee;indicateur;unite_de_compte;nombre;insee_pop;est_diffuse"
EARLIER, LATEST = "essai-produit-le2025-06-04.csv", "essai-produit-le2026-01-22.csv"


def figures(path: Path, factor: int) -> Path:
    """A publication of use and its two parts in three départements and four years, one figure withheld."""
    lines = [HEADER]
    for row, (code, inhabitants) in enumerate((("13", 2_000_000), ("59", 2_600_000), ("75", 2_100_000))):
        for year in range(2018, 2022):
            fines = 0 if year < 2020 else 500 * (row + 1)
            for name, number in (("", 4_000 + fines), (" (AFD)", fines), (" (hors AFD)", 4_000)):
                withheld = (code, year, name) == ("59", 2021, "")
                value, told = ("NA", "ndiff") if withheld else (str(factor * number), "diff")
                lines.append(f"{code};{year};Usage de stupéfiants{name};Mis en cause;{value};{inhabitants};{told}")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.fixture(scope="module", params=["embedded", "server"])
def store(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    folder = tmp_path_factory.mktemp("comparison")
    opened = open_store(str(folder / "demo.duckdb") if request.param == "embedded" else new_store_url())
    opened.set_memberships([one for one in geography().memberships() if one.kind in ("cross", "departement")])
    load_demo(opened, FACTS, seed=5, until=UNTIL)
    load_file(opened, figures(folder / EARLIER, factor=3))
    load_file(opened, figures(folder / LATEST, factor=1))
    yield opened
    opened.close()


def context_of(store: Store, threshold: int = 0) -> Context:
    return Context(Settings(threshold=threshold), store, geography(), ByteCache(2**24))


def comparison(store: Store, view: View, viewer: Viewer = NATIONAL) -> Compared:
    context = context_of(store)
    held = store.period(viewer)
    assert held is not None
    return compare(context, viewer, view.dated(held, UNTIL), held, Reading(context.recall))


def export(store: Store, compared: Compared) -> Export:
    context = context_of(store)
    published = published_figures(store, NATIONAL, Reading(context.recall), "usage")
    return export_of(context, compared, rows_of(compared), published, store.sources(NATIONAL))


def row(rows: list[Row], name: str) -> Row:
    return next(one for one in rows if one.name == name)


# ── The figures ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_table_says_what_the_store_says_of_each_territory(store: Store) -> None:
    compared = comparison(store, replace(YEAR, compared=CROSS))
    rows = rows_of(compared)
    before = replace(YEAR, start=date(2024, 6, 1), stop=date(2025, 6, 1))
    for at, territory in enumerate(CROSS):
        found = store.totals(replace(YEAR, territory=territory).query(), NATIONAL)  # another statement than the table's
        earlier = store.totals(replace(before, territory=territory).query(), NATIONAL)
        names = ("Incidents", "Contrôles", "Quantités saisies", "Avoirs saisis")
        assert [row(rows, name).cells[at].value for name in names] == pytest.approx(
            [found.incidents, found.controls, found.kg, found.eur], nan_ok=True
        )
        inhabitants = float(geography().territories("cross").set_index("code")["population"][territory.code])
        rate = row(rows, "Taux d'incidents").cells[at]
        limits = chi2.ppf(0.025, 2 * found.incidents) / 2, chi2.ppf(0.975, 2 * found.incidents + 2) / 2
        assert (rate.value, rate.low, rate.high) == pytest.approx(
            [1e5 * number / inhabitants for number in (found.incidents, *limits)]
        )
        change = row(rows, "Évolution").cells[at]
        assert change.value == pytest.approx(100 * (found.incidents / earlier.incidents - 1))
        assert change.low < change.value < change.high
        per = row(rows, "Contrôles par incident").cells[at]
        assert per.value == pytest.approx(found.controls / found.incidents)
        share = row(rows, "Contrôles positifs").cells[at]
        assert share.value == pytest.approx(100 * found.positive / found.checked)
        assert change.reading in ("le hasard suffit", "au-delà du hasard")


def test_kilograms_by_drug_add_up_to_those_of_all(store: Store) -> None:
    compared = comparison(store, replace(YEAR, compared=CROSS))
    by_drug = np.nansum(list(compared.kg_by_drug.values()), axis=0)
    np.testing.assert_allclose(by_drug, compared.figure("kg"))
    heaviest = next(iter(compared.kg_by_drug))
    only = comparison(store, replace(YEAR, compared=CROSS, drugs=frozenset({heaviest})))
    np.testing.assert_array_equal(only.figure("kg"), compared.kg_by_drug[heaviest])


def test_the_first_is_what_the_others_are_measured_by(store: Store) -> None:
    compared = comparison(store, replace(YEAR, compared=CROSS))
    rate = compared.peers.rate.value[compared.rows]
    np.testing.assert_allclose(compared.to_first.ratio.value, rate / rate[0])
    np.testing.assert_allclose(compared.share_to_first.difference.value, compared.share.value - compared.share.value[0])
    assert compared.together == pytest.approx(0.975)  # two comparisons share the 5 % of error
    cells = row(rows_of(compared), "Par rapport à Marseille").cells
    assert cells[0].text == "référence"
    assert all(cell.reading for cell in cells[1:])


def test_every_figure_of_the_store_opens_the_situation_of_its_territory(store: Store) -> None:
    view = replace(YEAR, compared=CROSS, drugs=frozenset({"cocaine", "heroin"}), services=frozenset({"police"}))
    rows = rows_of(comparison(store, view))
    links = [(one.name, at, cell.link) for one in rows for at, cell in enumerate(one.cells) if cell.link]
    assert {name for name, _at, _link in links} >= {"Incidents", "Taux d'incidents", "Évolution", "Contrôles positifs"}
    for name, at, link in links:
        parts = urlsplit(link)
        opened, ignored = View.from_params(parse_qs(parts.query))
        assert (parts.path, ignored) == ("/", [])
        assert (opened.territory, opened.compared, opened.services) == (CROSS[at], (), view.services)
        length = timedelta(days=365)
        period = (YEAR.start - length, YEAR.start) if name == "Évolution" else (YEAR.start, YEAR.stop)
        assert (opened.start, opened.stop) == period


def test_ranks_and_funnel_are_of_all_of_the_kind(store: Store) -> None:
    compared = comparison(store, replace(YEAR, compared=CROSS))
    peers = compared.peers
    assert len(peers.codes) == len(geography().territories("cross"))
    cell = row(rows_of(compared), "Rang du taux").cells[0]
    assert cell.low <= cell.value <= cell.high <= peers.ranking.ranked
    table = funnel_table(peers.funnel, peers.ranking, peers.population, peers.names)
    assert table["value"].dropna().is_monotonic_decreasing
    assert f"{len(peers.codes)}" in funnel_sentence(peers.funnel, "CROSS")
    shares = comparison(store, replace(YEAR, compared=CROSS, measure="rendement")).peers.funnel
    assert shares.limits.law == "binomial"


def test_curves_hold_all_incidents_of_the_period(store: Store) -> None:
    compared = comparison(store, replace(YEAR, compared=CROSS))
    steps = compared.steps
    assert steps.step == "week"
    np.testing.assert_allclose((steps.mean * steps.days).sum(axis=1), compared.figure("incidents"))
    assert list(curve_table(steps, compared.names, index=False)) == ["start", "Marseille", "Lille", "Paris"]
    assert curve_sentence(steps, compared.names, index=True).count("le plus haut") == 3


# ── Rights ───────────────────────────────────────────────────────────────────────────────────────────────────────────

CHIEF = Viewer("cheffe de Marseille", "cross", frozenset({CROSS[0]}))
BEYOND = "hors de vos droits"


def test_what_a_viewer_has_no_right_to_is_no_figure_and_no_zero(store: Store) -> None:
    asked = replace(YEAR, compared=CROSS)
    ours, everyone = comparison(store, asked, CHIEF), comparison(store, asked)
    rows = rows_of(ours)
    for line, of_everyone in zip(rows, rows_of(replace(everyone, kg_by_drug=ours.kg_by_drug)), strict=True):
        for cell in line.cells[1:]:
            assert (cell.text, cell.behind, cell.reading, cell.link) == (BEYOND, "", "", "")
            assert np.isnan([cell.value, cell.low, cell.high]).all()
        # Those are among what is seen, and over the days of which something is.
        if line.name not in ("Rang du taux", "Place dans l'entonnoir", "Évolution"):
            assert line.cells[0] == of_everyone.cells[0] or line.inner
    assert ours.figure("incidents")[0] == everyone.figure("incidents")[0] > 0
    rank = row(rows, "Rang du taux")
    assert (rank.cells[0].text, "que vous voyez" in rank.explains) == ("1 sur 1", True)
    assert "que vous voyez" in row(rows, "Place dans l'entonnoir").explains
    assert "que vous voyez" not in "".join(line.explains for line in rows_of(everyone))
    head = table_html(ours, rows).split("<tbody>")[0]
    assert head.count(BEYOND) == 2
    assert "territoire=cross%3Alille" not in table_html(ours, rows)


def test_a_territory_seen_in_part_is_withheld_whole(store: Store) -> None:
    counts = store.counts_by_territory("departement", YEAR.query(), CHIEF)
    assert counts.incidents[counts.codes.index("13")] > 0  # Marseille's, and not all of the département's
    compared = comparison(store, replace(YEAR, compared=DEPARTEMENTS), CHIEF)
    assert {cell.text for line in rows_of(compared) for cell in line.cells} == {BEYOND}
    assert not compared.kg_by_drug
    assert np.isnan(compared.peers.rate.value).all()
    assert compared.peers.ranking.ranked == 0


def test_no_chart_tells_of_a_territory_beyond_rights(store: Store) -> None:
    for measure in ("incidents", "rendement"):
        compared = comparison(store, replace(YEAR, compared=CROSS, measure=measure), CHIEF)
        peers = compared.peers
        table = funnel_table(peers.funnel, None, peers.population, peers.names, peers.beyond).set_index("territory")
        assert table["standing"]["Lille"] == BEYOND
        assert table["value"].dropna().index.tolist() == ["Marseille"]
        assert (table["standing"] == BEYOND).sum() == peers.beyond.sum() == len(peers.codes) - 1
        assert f"{len(peers.codes) - 1} hors de vos droits" in funnel_sentence(peers.funnel, "CROSS", peers.beyond)
    assert BEYOND not in funnel_sentence(peers.funnel, "CROSS")
    mean = compared.steps.mean
    assert not np.isnan(mean[0]).any()
    assert np.isnan(mean[1:]).all()
    said = curve_sentence(compared.steps, compared.names, index=False, beyond=compared.beyond)
    assert "Lille : hors de vos droits ; Paris : hors de vos droits" in said
    told = json.loads(compared_json(geography(), compared.view, beyond_rights(geography(), "cross", CHIEF)))
    assert [one["name"] for one in told] == ["Marseille"]
    assert "lille" not in told[0]["address"]  # nor in the classes of the map


def test_no_file_tells_of_a_territory_beyond_rights(store: Store) -> None:
    compared = comparison(store, replace(YEAR, compared=CROSS), CHIEF)
    context = context_of(store)
    made = export_of(context, compared, rows_of(compared), None, store.sources(CHIEF))
    for code, *figures in (line[3:] for line in made.figures.rows):
        if code != "marseille":
            assert figures[1:] == [None, None, None, BEYOND, ""]
    for sheet in made.others:
        numbers = [value for line in sheet.rows for value in line[1:] if isinstance(value, float)]
        assert numbers
    curves = made.others[0]
    assert {line[2:] for line in curves.rows} == {(None, None)}


def test_published_figures_beyond_rights_are_not_said_to_be_absent(store: Store) -> None:
    viewer = Viewer("chef du Nord", "antenna", frozenset({Territory("departement", "59")}))
    published = published_figures(store, viewer, Reading(context_of(store).recall), "usage")
    assert published is not None
    assert published.codes == ("59",)
    (row_of_13,) = published.rows([Territory("departement", "13")])
    assert year_sentence(published, row_of_13, "Bouches-du-Rhône", beyond=True) == (
        "Bouches-du-Rhône : hors de vos droits."
    )
    assert "absent" in year_sentence(published, row_of_13, "Bouches-du-Rhône")


def test_territories_are_offered_with_what_they_are_to_the_viewer(store: Store) -> None:
    context = context_of(store)
    names = territory_names(context, "cross", CHIEF)
    assert next(iter(names)) == "marseille"
    assert names["marseille"] == "Marseille"
    assert names["lille"] == "Lille (hors de vos droits)"
    assert BEYOND not in "".join(territory_names(context, "cross", NATIONAL).values())
    at_first = default_compared(geography(), "departement", beyond=frozenset({"59", "75"}))
    assert {code for _kind, code in at_first}.isdisjoint({"59", "75"})
    assert default_compared(geography(), "cross", beyond=beyond_rights(geography(), "cross", CHIEF))[0] == CROSS[0]


def test_the_page_of_who_sees_one_territory(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("pages.comparaison", "following", "controls"):
        monkeypatch.setattr(f"dashboard.{name}.viewer_of", lambda _settings: CHIEF)
    asked = "territoires=cross:marseille,cross:lille&du=2025-06-01&au=2026-05-31"
    elements = page_elements.shown(context_of(store), "comparaison", asked)
    text = b" ".join(content for _kind, content in elements).decode(errors="replace")
    assert "Sans carte, car hors de vos droits : Lille." in text
    assert "Lille : hors de vos droits." in text  # the curves
    assert "Lille (hors de vos droits)" in text  # the list
    assert text.count("<td><b>hors de vos droits</b></td>") >= 12
    assert "&quot;name&quot;: &quot;Marseille&quot;" in text
    assert "&quot;name&quot;: &quot;Lille&quot;" not in text


# ── Bad input ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_territories_without_any_fact_are_zero_and_their_shares_unknown(store: Store) -> None:
    none = replace(YEAR, compared=DEPARTEMENTS[:2], drugs=frozenset({"khat"}))  # which the demonstration never draws
    compared = comparison(store, none)
    rows = rows_of(compared)
    incidents, rate = row(rows, "Incidents").cells[0], row(rows, "Taux d'incidents").cells[0]
    assert (incidents.text, rate.value) == ("0", 0)
    assert rate.high > 0  # none seen is not none
    assert row(rows, "Contrôles positifs").cells[0].text == "—"
    assert row(rows, "Quantités saisies").cells[0].text == "—"
    assert compared.change.verdict.tolist() == [Verdict.CHANCE, Verdict.CHANCE]
    assert "aucun fait" in curve_sentence(compared.steps, compared.names, index=True)
    assert "—" in table_html(compared, rows)


def test_a_period_of_one_day_and_one_of_three_centuries_are_compared(store: Store) -> None:
    day = replace(YEAR, compared=CROSS, start=UNTIL - timedelta(days=1))
    assert comparison(store, day).steps.step == "day"
    ages, ignored = View.from_params({"du": "1900-01-01", "au": "2199-12-31"})
    compared = comparison(store, replace(ages, compared=CROSS))
    held = store.period(NATIONAL)
    assert ignored == []
    assert held is not None
    assert compared.days == (held[1] - held[0]).days + 1
    assert not compared.has_before
    assert row(rows_of(compared), "Évolution").cells[0].text == "—"
    assert compared.steps.starts[0] >= np.datetime64(held[0])  # nothing is drawn where nothing is held


def test_a_period_that_the_store_does_not_hold_has_no_day(store: Store) -> None:
    held = store.period(NATIONAL)
    assert held is not None
    assert days_held(replace(YEAR, start=date(1950, 1, 1), stop=date(1950, 2, 1)), held) == 0


def test_protected_counts_are_said_to_be_and_in_no_file(store: Store) -> None:
    viewer = replace(NATIONAL, threshold=5)
    all_of_them = tuple(Territory("departement", str(code)) for code in geography().departements["code"])
    counts = store.counts_by_territory("departement", YEAR.query(), viewer)
    hidden = [code for code, few in zip(counts.codes, counts.protected, strict=True) if few]
    assert hidden
    chosen = (Territory("departement", hidden[0]), all_of_them[12])
    compared = comparison(store, replace(YEAR, compared=chosen), viewer)
    cell = row(rows_of(compared), "Incidents").cells[0]
    assert (cell.text, math.isnan(cell.value)) == ("protégé", True)
    assert "protégé" in table_html(compared, rows_of(compared))
    assert compared.to_first.verdict.tolist() == [Verdict.UNKNOWN, Verdict.UNKNOWN]


def test_an_address_without_territories_compares_the_largest_after_the_one_looked_at() -> None:
    known = geography()
    names = [known.name(territory) for territory in default_compared(known, "cross", Territory("cross", "lille"))]
    assert names == ["Lille", "Paris", "Marseille"]
    assert len(default_compared(known, "departement")) == 3


def test_territories_of_one_name_are_told_apart() -> None:
    assert distinct(["Sainte-Marie", "Nord", "Sainte-Marie"], ["a", "b", "c"]) == (
        "Sainte-Marie (a)",
        "Nord",
        "Sainte-Marie (c)",
    )


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (12.34, "+12,3 %"),
        (-3.0, "−3,0 %"),
        (0.0, "0,00 %"),
        (0.0034, "+0,0034 %"),
        (math.inf, "sans borne"),
        (math.nan, "—"),
    ],
)
def test_a_change_is_said_with_its_sign(value: float, said: str) -> None:
    assert signed(value, "%").replace("\u00a0", " ") == said


# ── Published figures ────────────────────────────────────────────────────────────────────────────────────────────────


def published(store: Store, indicator: str) -> Published:
    found = published_figures(store, NATIONAL, Reading(context_of(store).recall), indicator)
    assert found is not None
    return found


def test_published_figures_are_of_the_latest_publication_alone(store: Store) -> None:
    found = published(store, "usage")
    assert found.release == date(2026, 1, 22)
    assert found.codes == ("13", "59", "75")
    assert found.values[0].tolist() == [4_000, 4_000, 4_500, 4_500]
    assert found.rate.value[0, 0] == pytest.approx(200)


def test_a_withheld_figure_is_a_gap_and_says_so(store: Store) -> None:
    found = published(store, "usage")
    assert np.isnan(found.values[1, 3])
    assert np.isnan(found.rate.value[1, 3])
    assert found.withheld.sum() == 1
    table = published_table(found, found.rows(DEPARTEMENTS), ["Bouches-du-Rhône", "Nord", "Creuse"])
    assert len(table) == 8  # nothing is known of the third: no line of zeros
    assert "non diffusé" in year_sentence(found, 1, "Nord")
    assert "n'est pas zéro" in year_sentence(found, found.rows(DEPARTEMENTS)[2], "Creuse")


def test_use_and_its_parts_are_never_added_and_the_break_is_told(store: Store) -> None:
    whole, fines, others = (published(store, name) for name in ("usage", "usage-afd", "usage-hors-afd"))
    known = ~np.isnan(whole.values)
    np.testing.assert_array_equal((fines.values + others.values)[known], whole.values[known])
    assert all(found.is_broken for found in (whole, fines, others))
    assert "aucune ne s'y ajoute" in unit_sentence(whole)
    assert "elle ne s'y ajoute pas" in unit_sentence(fines)
    assert "2020" in unit_sentence(whole)
    assert published_figures(store, NATIONAL, Reading(context_of(store).recall), "trafic") is None


# ── Files ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_workbook_read_again_says_the_same_figures(store: Store) -> None:
    compared = comparison(store, replace(YEAR, compared=DEPARTEMENTS))
    made = export(store, compared)
    assert made.stem == "comparaison-departement-13-59-23-donnees-de-demonstration"
    book = openpyxl.load_workbook(io.BytesIO(as_xlsx(made)))
    assert book.sheetnames == ["Lecture", "Chiffres", "Courbes", "Entonnoir", "SSMSI 2026-01-22"]
    about = {name.value: text.value for name, text in book["Lecture"].iter_rows(max_col=2)}
    assert about["Mention de protection"] == "Données de démonstration"
    assert "2026" in about["Période"]
    assert about["Produit"] == "tous"
    for page in book.worksheets[1:]:
        assert page.cell(1, 1).value == "Données de démonstration"
        assert "Données de démonstration" in page.oddHeader.center.text
    rows = rows_of(compared)
    lines = list(book["Chiffres"].iter_rows(min_row=3, values_only=True))
    expected = [(one.name, name, cell) for one in rows for name, cell in zip(compared.names, one.cells, strict=True)]
    assert [(line[0], line[4], line[8]) for line in lines] == [(one, name, cell.text) for one, name, cell in expected]
    for line, (_one, _name, cell) in zip(lines, expected, strict=True):
        numbers = [math.nan if number is None else number for number in line[5:8]]
        known = [number if math.isfinite(number) else math.nan for number in (cell.value, cell.low, cell.high)]
        assert numbers == pytest.approx(known, rel=1e-14, nan_ok=True)  # a workbook holds 16 figures
    assert lines[0][5] == compared.figure("incidents")[0]
    curves = list(book["Courbes"].iter_rows(min_row=3, values_only=True))
    assert len(curves) == len(compared.steps.starts)
    assert book["Entonnoir"].max_row == 2 + len(geography().departements)


def test_a_csv_read_again_says_the_same_figures_and_what_it_is_about(store: Store) -> None:
    compared = comparison(store, replace(YEAR, compared=CROSS))
    lines = list(csv.DictReader(io.StringIO(as_csv(export(store, compared)).decode("utf-8-sig")), delimiter=";"))
    assert len(lines) == len(rows_of(compared)) * len(CROSS)
    for at, line in enumerate(lines[:3]):
        assert (line["Grandeur"], line["Territoire"]) == ("Incidents", compared.names[at])
        assert float(line["Valeur"]) == compared.figure("incidents")[at]
        assert line["Mention de protection"] == "Données de démonstration"
        assert "SSMSI" in line["Source"]
        assert line["Période"]
    unknown = [line for line in lines if line["En clair"] == "référence"]
    assert all(line["Valeur"] == "" for line in unknown)


def test_published_figures_alone_are_exported_too(store: Store) -> None:
    context = context_of(store)
    view = replace(YEAR, compared=DEPARTEMENTS[:2])
    made = export_of_published(context, view, published(store, "usage-afd"), store.sources(NATIONAL))
    lines = list(csv.DictReader(io.StringIO(as_csv(made).decode("utf-8-sig")), delimiter=";"))
    assert [line["Usage de stupéfiants (AFD) (Mis en cause)"] for line in lines[:4]] == ["0.0", "0.0", "500.0", "500.0"]
    assert {line["Territoire"] for line in lines} == {"Bouches-du-Rhône", "Nord"}
    assert openpyxl.load_workbook(io.BytesIO(as_xlsx(made))).sheetnames == ["Lecture", "SSMSI 2026-01-22"]


def test_no_text_of_a_file_runs_as_a_formula() -> None:
    hostile = ["=1+1", "+1", "-1", "@A1", "\t=1", "http://ailleurs.example/", "<b>&", "12"]
    sheet = Sheet("Chiffres", ("Nom", "Valeur"), [(text, 1.5) for text in hostile])
    made = Export([("Mention de protection", "=2+2")], sheet, (), "essai")
    book = openpyxl.load_workbook(io.BytesIO(as_xlsx(made)))
    for at, text in enumerate(hostile, start=3):
        cell = book["Chiffres"].cell(at, 1)
        assert (cell.value, cell.data_type, cell.hyperlink) == (text, "s", None)
    assert book["Lecture"].cell(1, 2).data_type == "s"
    lines = list(csv.reader(io.StringIO(as_csv(made).decode("utf-8-sig")), delimiter=";"))
    assert [line[0] for line in lines[1:]] == [
        "'=1+1", "'+1", "'-1", "'@A1", "'\t=1", "http://ailleurs.example/", "<b>&", "12",
    ]  # fmt: skip
    assert lines[1][2] == "'=2+2"


def test_the_table_escapes_what_it_shows(store: Store) -> None:
    compared = comparison(store, replace(YEAR, compared=CROSS))
    rows = [replace(one, name="<script>alert(1)</script>") for one in rows_of(compared)]
    hostile = replace(compared, peers=replace(compared.peers, names=("<img src=x>",) * len(compared.peers.names)))
    html = table_html(hostile, rows)
    assert "<script" not in html
    assert "<img" not in html
    assert "&lt;img src=x&gt;" in html
