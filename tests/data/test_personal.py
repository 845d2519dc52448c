"""Columns on persons are refused by name and by content; columns on places and things are not."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from data.errors import PersonalDataError
from data.personal import check_personal, reason_by_header, reason_by_values
from data.readers import open_source
from data.readers.ssmsi import HEADERS
from data.readers.unodc import COLUMNS
from data.schema import INDICATOR, INPUT_FIELDS
from tests.data.files import GOOD, good, write_csv, write_parquet

PERSONAL_HEADERS = [
    "NOM", "nom", "Prénom", "PRENOMS", "Nom de famille", "nom_usage", "last_name", "FirstName", "identité",
    "DATE_NAISSANCE", "dateDeNaissance", "date de naissance", "DDN", "birth date", "lieu_naissance",
    "plaque", "IMMATRICULATION", "immat_vehicule", "license_plate",
    "téléphone", "TEL", "tel_portable", "MSISDN", "IMEI", "e-mail", "email", "Courriel", "adresse_mail",
    "IBAN", "RIB", "NIR", "numero_securite_sociale", "passeport", "adresse", "ADRESSE_DOMICILE", "street_address",
]  # fmt: skip
HARMLESS_HEADERS = [
    *INPUT_FIELDS, *(field.name for field in INDICATOR), *COLUMNS, "nom_commune", "NOM_DEPARTEMENT", "nom du lieu",
    "commune_nom", "libelle", "nom_produit", "drug_name", "DRUG_NAME", "country name", "nom_epci", "code_insee",
    "annee", "CODGEO_2025", "telescope", "hotel", "platelage", "nominal", "ribera", "nom_service", "unite_de_compte",
]  # fmt: skip


@pytest.mark.parametrize("header", PERSONAL_HEADERS)
def test_personal_headers(header: str) -> None:
    assert reason_by_header(header)


@pytest.mark.parametrize("header", HARMLESS_HEADERS)
def test_harmless_headers(header: str) -> None:
    assert reason_by_header(header) is None


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        (["jean.dupont@example.fr", "rien"], "adresse électronique"),
        (["06 12 34 56 78", "01.23.45.67.89"], "numéro de téléphone"),
        (["+33 6 12 34 56 78"], "numéro de téléphone"),
        (["AA-123-BC", "XY 987 ZT"], "plaque d'immatriculation"),
        (["FR76 3000 6000 0112 3456 7890 189"], "IBAN ou compte bancaire"),
        (["1 85 05 78 006 084 36"], "numéro de sécurité sociale ou pièce d'identité"),
        (["12 bis, rue des Lilas", "Lyon"], "adresse avec numéro"),
        (["3 avenue de la Gare"], "adresse avec numéro"),
    ],
)
def test_personal_values(values: list[str], reason: str) -> None:
    assert reason_by_values(values) == reason


@pytest.mark.parametrize(
    "values",
    [
        ["Résine", "Herbe de cannabis"],
        ["31-2024-00017", "FR-0901", "E000500000"],
        ["2024-06-01T14:30", "03/11/2024", "20240601123000"],
        ["48.8566, 2.3522", "5.369812345678", "6279642.80"],
        ["Rue de la République", "Place Bellecour", "A7 PK 123"],
        ["622506655707529215", "0601234", "13055"],
        ["JWH-018", "AB-CHMINACA", "5F-PB-22", "UR-144", "MDMB-CHMICA", "THJ-2201", "XLR-11", "4-CMC"],
        [],
        ["", " "],
    ],
)
def test_harmless_values(values: list[str]) -> None:
    assert reason_by_values(values) is None


def test_every_personal_column_is_named_with_its_reason() -> None:
    table = pa.table({"nom": ["x"], "produit": ["Herbe"], "contact": ["a@b.fr"], "n": [612345678]})
    with pytest.raises(PersonalDataError) as told:
        check_personal("a.csv", table)
    assert "« nom » (nom ou prénom), « contact » (adresse électronique)" in str(told.value)
    assert "produit" not in str(told.value)


@pytest.mark.parametrize("write", [write_csv, write_parquet])
def test_readers_refuse_the_whole_file(tmp_path: Path, write) -> None:  # type: ignore[no-untyped-def]  # one of ours
    suffix = "csv" if write is write_csv else "parquet"
    with pytest.raises(PersonalDataError, match="date ou lieu de naissance"):
        open_source(write(tmp_path / f"a.{suffix}", [GOOD | {"date_naissance": "1985-05-01"}]))
    rows = [good(n, drug_label=f"06 12 34 56 {n:02d}") for n in range(10, 15)]
    with pytest.raises(PersonalDataError, match="« drug_label » \\(numéro de téléphone\\)"):
        open_source(write(tmp_path / f"b.{suffix}", rows))


def test_known_public_layouts_are_not_personal() -> None:
    assert all(reason_by_header(name) is None for name in HEADERS)
