"""Settings: read from names, refused when unknown, each documented."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest

from dashboard.settings import PREFIX, READERS, Settings, SettingsError, settings_from

DOCUMENTED = (Path(__file__).parents[2] / "docs" / "settings.md").read_text(encoding="utf-8")


def test_without_environment_the_defaults_hold() -> None:
    assert settings_from({"PATH": "/bin"}) == Settings()


def test_values_are_read_and_typed() -> None:
    settings = settings_from(
        {
            "HEXACROSS_STORE": " /srv/base.duckdb ",
            "HEXACROSS_PORT": "9000",
            "HEXACROSS_NAMES": "carte.intra, CARTE",
            "HEXACROSS_LANGUAGE": "en",
            "HEXACROSS_THRESHOLD": "5",
        }
    )
    assert (settings.store, settings.port, settings.language, settings.threshold) == ("/srv/base.duckdb", 9000, "en", 5)
    assert {"carte.intra", "carte", "127.0.0.1", "localhost"} <= settings.hosts


def test_an_unknown_name_is_refused_with_the_closest_one() -> None:
    with pytest.raises(SettingsError, match="Le plus proche : HEXACROSS_STORE"):
        settings_from({"HEXACROSS_STOR": "x"})


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("HEXACROSS_PORT", "0"),
        ("HEXACROSS_PORT", "65536"),
        ("HEXACROSS_PORT", "80 01"),
        ("HEXACROSS_PORT", "²"),
        ("HEXACROSS_LANGUAGE", "de"),
        ("HEXACROSS_ROLE", "admin"),
        ("HEXACROSS_STORE", "  "),
        ("HEXACROSS_THRESHOLD", "-1"),
    ],
)
def test_an_impossible_value_is_refused_by_name(name: str, given: str) -> None:
    with pytest.raises(SettingsError, match=name):
        settings_from({name: given})


def test_every_setting_has_a_reader() -> None:
    assert set(READERS) == {field.name for field in fields(Settings)}


@pytest.mark.parametrize("name", [PREFIX + field.name.upper() for field in fields(Settings)])
def test_every_setting_is_documented(name: str) -> None:
    assert f"`{name}`" in DOCUMENTED
