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


TILES = {"HEXACROSS_TILES_URL": "https://tuiles.intra/{z}/{x}/{y}.png", "HEXACROSS_TILES_ATTRIBUTION": "© IGN"}


def test_without_a_tile_server_there_is_none() -> None:
    assert settings_from({}).tile_server is None


def test_a_tile_server_is_read() -> None:
    server = settings_from(TILES | {"HEXACROSS_TILES_ZOOMS": "3-17"}).tile_server
    assert server is not None
    assert (server.origin, server.attribution, server.zooms) == ("https://tuiles.intra", "© IGN", (3, 17))


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"HEXACROSS_TILES_URL": "https://tuiles.intra/plan.png"}, "HEXACROSS_TILES.*attendu http"),
        ({"HEXACROSS_TILES_ATTRIBUTION": ""}, "mention de source"),
        ({"HEXACROSS_TILES_URL": ""}, "donné sans HEXACROSS_TILES_URL"),
        ({"HEXACROSS_TILES_ZOOMS": "17-3"}, "le plus petit d'abord"),
        ({"HEXACROSS_TILES_ZOOMS": "tous"}, "HEXACROSS_TILES_ZOOMS"),
    ],
)
def test_a_tile_server_that_cannot_be_is_refused(changed: dict[str, str], reason: str) -> None:
    with pytest.raises(SettingsError, match=reason):
        settings_from(TILES | changed)


def test_every_setting_has_a_reader() -> None:
    assert set(READERS) == {field.name for field in fields(Settings)}


@pytest.mark.parametrize("name", [PREFIX + field.name.upper() for field in fields(Settings)])
def test_every_setting_is_documented(name: str) -> None:
    assert f"`{name}`" in DOCUMENTED
