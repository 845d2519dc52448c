"""The matrix of controls: what each cell says, which are blind spots, and its file."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from dashboard.control_figures import mode_table_html
from dashboard.control_matrix import (
    Matrix,
    blind_frame,
    blind_sentence,
    cell_sentence,
    divided_names,
    division_of,
    matrix_csv,
    matrix_frame,
    matrix_html,
    matrix_of,
)
from dashboard.view import View
from data.geography import geography
from data.query import Territory, Viewer
from data.store import ModeCounts, TerritoryCounts
from data.vocabulary import MODES

NAN = float("nan")
VIEW = View(start=date(2026, 1, 1), stop=date(2026, 4, 1))
VIEWER = Viewer("essai", threshold=5)
HOSTILE = "=1+1<script>alert(1)</script>"
ROAD, RAIL, SEA = (1 + list(MODES).index(mode) for mode in ("road", "rail", "sea"))


def grid(absent: float, **cells: float) -> np.ndarray:
    """Shape (8, 3): modes and "none stated"; all, 13, 83. `road_1=4`: of mode road, in the second of these."""
    values = np.full((len(MODES) + 1, 3), absent, dtype=np.float64)
    for name, value in cells.items():
        mode, _, column = name.partition("_")
        values[[*MODES, "none"].index(mode), int(column)] = value
    return values


def matrix() -> Matrix:
    """Road: 8 of 100 in 13, protected in 83. Rail: no control, 7 incidents in 13. Sea: controls that say no number."""
    protected = grid(0, road_2=1).astype(bool)
    by_mode = ModeCounts(
        kind="departement",
        modes=(*MODES, ""),
        codes=("", "13", "83"),
        incidents=grid(0, rail_0=7, rail_1=7, none_0=3, none_1=3, road_2=NAN),
        seizures=grid(0, rail_0=2, rail_1=2, road_2=NAN),
        controls=grid(0, road_0=12, road_1=10, sea_0=3, sea_2=3, road_2=NAN),
        checked=grid(NAN, road_0=120, road_1=100),
        positive=grid(NAN, road_0=9, road_1=8),
        kg=grid(NAN, rail_1=1.5),
        eur=grid(NAN),
        protected=protected,
        every_mode=TerritoryCounts(
            "departement",
            ("", "13", "83"),
            incidents=np.array([10.0, 10, 0]),
            controls=np.array([15.0, 10, 5]),
            checked=np.array([120.0, 100, 20]),
            positive=np.array([9.0, 8, 1]),
            kg=np.array([1.5, 1.5, NAN]),
            eur=np.full(3, NAN),
            protected=np.zeros(3, dtype=bool),
        ),
    )
    return matrix_of(by_mode, {"13": HOSTILE, "83": "Var"})


def test_each_cell_has_its_state_and_its_yield() -> None:
    made = matrix()
    assert (made.codes, made.modes) == (("", "13", "83"), ("", *MODES))
    assert (made.state(1, ROAD), made.state(2, ROAD)) == ("value", "protected")
    assert (made.state(1, RAIL), made.state(2, SEA), made.state(1, 0)) == ("never", "unsaid", "value")
    bounds = [bound[1, ROAD] for bound in (made.yields.value, made.yields.low, made.yields.high)]
    # R: prop.test(8, 100, correct = FALSE), which is Wilson's interval
    np.testing.assert_allclose(bounds, [8.0, 4.109, 14.998], atol=2e-3)
    assert made.yields.value[0, 0] == 7.5
    assert np.isnan(made.seizures[2, 0])  # one of its modes is protected
    assert made.seizures[1, 0] == 2


def test_a_blind_spot_has_incidents_and_no_control_of_their_mode() -> None:
    made = matrix()
    assert np.argwhere(made.blind).tolist() == [[1, RAIL]]
    assert "1 angle mort" in blind_sentence(made)
    assert blind_frame(made).iloc[0].tolist() == [HOSTILE, "Rail", 7, 2]
    quiet = replace(made, incidents=np.zeros_like(made.incidents))
    assert blind_sentence(quiet).startswith("Aucun angle mort")


def test_a_cell_says_all_that_is_known_of_it() -> None:
    made = matrix()
    assert cell_sentence(made, 1, ROAD, VIEWER) == (
        f"{HOSTILE}, Route : 100 contrôlés en 10 opérations, 8 positifs ; 8,00 (4,11 à 15,0) pour 100."
        " Incidents : 0, dont saisies : 0."
    )
    assert cell_sentence(made, 1, RAIL, VIEWER).endswith("aucun contrôle. Incidents : 7, dont saisies : 2.")
    assert "protégé, moins de 5" in cell_sentence(made, 2, ROAD, VIEWER)
    assert "— contrôlés en 3 opérations" in cell_sentence(made, 2, SEA, VIEWER)


def test_the_grid_is_one_stop_of_the_tab_key_and_escapes_names() -> None:
    html = matrix_html(matrix(), VIEW, VIEWER)
    assert html.count('tabindex="0"') == 1
    assert html.count("<a ") == html.count('tabindex="0"') + html.count('tabindex="-1"') == 3 * (1 + len(MODES))
    assert "<script" not in html
    assert (
        "/?territoire=departement:13&amp;du=2026-01-01&amp;au=2026-03-31&amp;nature=rail_check&amp;mesure=rendement"
        in html
    )
    assert html.count("hx-blind") == 2  # the cell, the legend
    assert "hx-cell-protected" in html


def test_the_file_leaves_the_unknown_empty_and_runs_no_formula() -> None:
    text = matrix_csv(matrix(), VIEW, "demo").decode("utf-8-sig")
    rows = {(row["territory"], row["mode"]): row for row in csv.DictReader(io.StringIO(text), delimiter=";")}
    assert len(rows) == 3 * (1 + len(MODES)) == len(matrix_frame(matrix()))
    road = rows["13", "road"]
    assert (road["name"], road["state"], road["checked"], road["positive_per_100"]) == (
        f"'{HOSTILE}",
        "value",
        "100",
        "8",
    )
    assert (rows["83", "road"]["state"], rows["83", "road"]["controls"]) == ("protected", "")
    assert (rows["13", "rail"]["controls"], rows["13", "rail"]["checked"]) == ("0", "")
    assert {row["marking"] for row in rows.values()} == {"demo"}
    assert (road["first_day"], road["last_day"]) == ("2026-01-01", "2026-03-31")


def test_an_empty_matrix_has_no_shade() -> None:
    made = matrix()
    nothing = replace(made, checked=np.full_like(made.checked, NAN), controls=np.zeros_like(made.controls))
    assert "hx-shade" not in matrix_html(nothing, VIEW, VIEWER)


@pytest.mark.parametrize(
    ("view", "kind"),
    [
        (View(), "antenna"),
        (View(territory=Territory("antenna", "marseille")), "departement"),
        (View(territory=Territory("departement", "13")), "cross"),
        (View(territory=Territory("departement", "48")), "departement"),
        (View(division="cross"), "cross"),
    ],
)
def test_territories_are_divided_by_what_suits_them(view: View, kind: str) -> None:
    known = geography()
    assert division_of(known, view) == kind
    names = divided_names(known, kind, view.territory)
    assert names
    assert set(names) <= set(known.territories(kind)["code"])


def test_a_territory_is_divided_by_those_that_share_a_commune_with_it() -> None:
    known = geography()
    assert set(divided_names(known, "departement", Territory("region", "93"))) == {"04", "05", "06", "13", "83", "84"}
    assert set(divided_names(known, "departement", Territory("arrondissement", "13201"))) == {"13"}
    assert len(divided_names(known, "departement", None)) == len(known.territories("departement"))


def test_modes_are_set_against_the_period_before() -> None:
    every = TerritoryCounts("departement", ("",), *[np.full(1, NAN)] * 6, np.zeros(1, dtype=bool))
    counts = ModeCounts(
        kind="departement", modes=(*MODES, ""), codes=("",), protected=np.zeros((8, 1), dtype=bool), every_mode=every,
        **{name: np.full((8, 1), value) for name, value in (
            ("incidents", 5.0), ("seizures", 2.0), ("controls", 10.0), ("checked", 1000.0), ("positive", 50.0),
            ("kg", NAN), ("eur", 1200.0),
        )},
    )  # fmt: skip
    before = replace(counts, positive=np.full((8, 1), 10.0))
    html = mode_table_html(counts, before)
    assert html.count("+4,00 point, au-delà du hasard") == 8
    assert mode_table_html(counts, counts).count("0,00 point, le hasard suffit") == 8
    assert "point" not in mode_table_html(counts, None)
    few = mode_table_html(replace(counts, protected=np.ones((8, 1), dtype=bool)), before)
    assert few.count("protégé") == 8
    assert "1 200 €" not in few
