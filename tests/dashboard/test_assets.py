"""The page's files: fetched once, checked by digest, described without any address."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from dashboard import assets
from dashboard.assets import FILES, NPM, AssetsError, prepare_assets


def test_files_are_fetched_checked_and_then_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    prepare_assets(folder=tmp_path)
    assert {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()} == set(FILES)

    def refuse(*_: object, **__: object) -> None:
        pytest.fail("fetched again though nothing was missing")

    monkeypatch.setattr(assets, "_install_packages", refuse)
    seen: list[tuple[int, int | None]] = []
    prepare_assets(lambda done, total: seen.append((done, total)), tmp_path)
    assert seen == [(len(FILES), len(FILES))]


def test_a_file_that_is_not_the_one_read_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    modules = tmp_path / "modules"
    for origin, _ in FILES.values():
        (modules / origin).parent.mkdir(parents=True, exist_ok=True)
        (modules / origin).write_text("window.alert(1)")
    monkeypatch.setattr(assets, "_install_packages", lambda folder: modules)
    with pytest.raises(AssetsError, match="n'est pas celui attendu"):
        prepare_assets(folder=tmp_path / "assets")
    assert not list((tmp_path / "assets").rglob("*.js"))


def test_a_silent_registry_is_told_in_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        return subprocess.CompletedProcess(command, 1, "", "npm error network")

    monkeypatch.setattr(subprocess, "run", fail)
    monkeypatch.setattr("shutil.which", lambda name: "/usr/bin/npm")
    with pytest.raises(AssetsError, match=r"registre npm n'a pas répondu(.|\n)*npm error network"):
        prepare_assets(folder=tmp_path)
    monkeypatch.setattr("shutil.which", lambda name: None)
    with pytest.raises(AssetsError, match="Installez npm"):
        prepare_assets(folder=tmp_path)


def test_lock_file_has_digests_and_no_address() -> None:
    text = (NPM / "package-lock.json").read_text(encoding="utf-8")
    packages = {name: spec for name, spec in json.loads(text)["packages"].items() if name}
    assert all(spec["integrity"].startswith("sha512-") for spec in packages.values())
    assert "resolved" not in text
    assert "://" not in text
    wanted = json.loads((NPM / "package.json").read_text(encoding="utf-8"))["dependencies"]
    assert {f"node_modules/{name}": version for name, version in wanted.items()} == {
        name: spec["version"] for name, spec in packages.items()
    }


def test_licences_come_along() -> None:
    assert {"leaflet/LICENSE", "h3-js/LICENSE", "h3-js/NOTICE"} <= set(FILES)
