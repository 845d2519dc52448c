"""A proposed mapping is a draft: right where the file tells, « À COMPLÉTER » where it does not."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from data.errors import MappingError, PersonalDataError
from data.mapping import TO_COMPLETE, parse_mapping
from data.propose import propose_mapping
from tests.data.files import documented_example, outcome


def completed(text: str, **values: str) -> str:
    """The draft with its blanks filled in, as an officer would."""
    lines = []
    for line in text.splitlines():
        name = line.split(" = ")[0]
        lines.append(f'{name} = "{values[name]}"' if TO_COMPLETE in line and name in values else line)
    return "\n".join(lines)


def test_gendarmerie(tmp_path: Path) -> None:
    data, mapping = documented_example("gendarmerie", tmp_path)
    text = propose_mapping(data)
    draft, written = tomllib.loads(text), tomllib.loads(mapping.read_text(encoding="utf-8"))
    assert draft["file"] == written["file"]
    assert draft["columns"]["occurred_at"] == ["DATE_FAIT", "HEURE_FAIT"]
    assert draft["dates"]["formats"] == ["%d/%m/%Y", "%d/%m/%Y %H:%M"]
    assert draft["place"] == written["place"]
    assert draft["quantity"] == written["quantity"]
    for name in ("kind", "drug", "longitude", "latitude", "source_event_id"):
        assert draft["columns"][name] == written["columns"][name]
    assert draft["vocabulary"]["kind"] == written["vocabulary"]["kind"]
    assert draft["vocabulary"]["drug"] == written["vocabulary"]["drug"]
    assert draft["constants"]["family"] == "incident"  # the only family of all kinds seen
    with pytest.raises(MappingError, match="source : à compléter"):
        parse_mapping(text, "x")
    mapping.write_text(completed(text, source="GN"), encoding="utf-8")
    result = outcome(data, mapping)
    assert (result.lines, len(result.rows), [r["line"] for r in result.refusals]) == (5, 4, [6])


def test_customs(tmp_path: Path) -> None:
    data, mapping = documented_example("douane", tmp_path)
    text = propose_mapping(data)
    draft = tomllib.loads(text)
    assert draft["columns"]["coordinates"] == "point"
    assert draft["place"]["order"] == "lat, lon"
    assert draft["quantity"] == {"column": "poids_g", "unit": "g"}
    assert draft["vocabulary"]["mode"] == {"AVION": "air", "COLIS": "post", "CONTENEUR": "sea", "ROUTE": "road"}
    mapping.write_text(completed(text, source="DGDDI", family="incident", kind="seizure"), encoding="utf-8")
    result = outcome(data, mapping)
    assert result.refusals == []
    assert [row["departement"] for row in result.rows] == ["95", "13", "66", "91"]
    assert [row["departure_country"] for row in result.rows] == ["CO", "EC", "MA", None]


@pytest.mark.dataset
def test_stations_of_sncf(datasets: Path) -> None:
    """No events at all: the draft finds the coordinates and leaves the rest to complete."""
    draft = tomllib.loads(propose_mapping(datasets / "sncf-liste-des-gares.csv"))
    assert draft["columns"]["coordinates"] in ("geo_point_2d", "c_geo")
    assert draft["place"]["order"] == "lat, lon"
    assert draft["file"] == {"encoding": "utf-8-sig", "separator": ";", "decimal": "."}
    assert all(str(draft["constants"][name]).startswith(TO_COMPLETE) for name in ("source", "family", "occurred_at"))


def test_personal_columns_stop_the_proposal(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("date;prénom\n2024-01-01;Zoé\n", encoding="utf-8")
    with pytest.raises(PersonalDataError, match="prénom"):
        propose_mapping(tmp_path / "a.csv")
