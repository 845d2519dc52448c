"""A page's script gives way to its map: as long as it is served, and no longer."""

from __future__ import annotations

import threading
import time

import pytest

from dashboard import map_first
from dashboard.map_first import MapFirst

VIEW = "?mesure=kg"


def waiting(first: MapFirst, view: str = VIEW) -> tuple[threading.Thread, list[bool]]:
    """A script that waits for the map of a view, and what it was told."""
    told: list[bool] = []
    script = threading.Thread(target=lambda: told.append(first.wait(view)))
    script.start()
    while view not in first._views:
        time.sleep(0.001)
    return script, told


def test_a_script_goes_on_once_its_map_is_served() -> None:
    first = MapFirst()
    script, told = waiting(first)
    with first.answering(VIEW):
        with first.answering(VIEW):
            assert not told
        script.join(2 * map_first.LULL_S)
        assert script.is_alive()
    script.join(5)
    assert told == [True]
    assert not first._views


def test_a_script_goes_on_as_soon_as_its_map_says_that_it_is_on_the_screen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(map_first, "LULL_S", 60)
    monkeypatch.setattr(map_first, "MOST_S", 60)
    first = MapFirst()
    script, told = waiting(first)
    with first.answering(VIEW):
        pass
    first.painted("?mesure=taux")
    first.painted(VIEW)
    script.join(5)
    assert told == [True]
    assert not first._views


def test_another_view_is_no_reason_to_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(map_first, "ASKS_S", 0.1)
    first = MapFirst()
    script, told = waiting(first)
    with first.answering("?mesure=taux"):
        script.join(5)
    assert told == [False]


def test_a_map_that_takes_long_holds_up_no_script(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(map_first, "MOST_S", 0.1)
    first = MapFirst()
    script, told = waiting(first)
    with first.answering(VIEW):
        script.join(5)
        assert told == [False]
    assert not first._views
