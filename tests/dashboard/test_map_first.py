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


def test_a_script_goes_on_as_soon_as_its_map_says_that_it_is_on_the_screen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(map_first, "ASKS_S", 0.1)
    monkeypatch.setattr(map_first, "MOST_S", 60)
    first = MapFirst()
    script, told = waiting(first)
    first.asked(VIEW)
    script.join(0.3)
    assert script.is_alive()  # it would have gone on by itself, had the map not asked
    first.painted("?mesure=taux")
    script.join(0.1)
    assert script.is_alive()
    first.painted(VIEW)
    script.join(5)
    assert told == [True]
    assert not first._views


def test_another_view_is_no_reason_to_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(map_first, "ASKS_S", 0.1)
    first = MapFirst()
    script, told = waiting(first)
    first.asked("?mesure=taux")
    script.join(5)
    assert told == [False]


def test_a_map_that_takes_long_holds_up_no_script(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(map_first, "MOST_S", 0.1)
    first = MapFirst()
    script, told = waiting(first)
    first.asked(VIEW)
    script.join(5)
    assert told == [False]
    assert not first._views


def test_a_script_that_shall_begin_again_waits_no_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(map_first, "ASKS_S", 60)

    def look() -> None:
        raise KeyboardInterrupt  # as Streamlit's own, no Exception

    first = MapFirst()
    with pytest.raises(KeyboardInterrupt):
        first.wait(VIEW, look)
    assert not first._views
