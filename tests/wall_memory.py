"""Whether a wall can stay on for weeks: memory of its page and of its server over twenty thousand changes of scene, in
fast time.

    python -m tests.wall_memory                       # all of them: about a quarter of an hour
    python -m tests.wall_memory --changes 4000        # a part

Each change asks the server for its scene, draws it and leaves the one before; one in five is a map. What is compared
is the first third after a warm-up with the last: memory that grows with the number of changes grows there too.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path

from playwright.sync_api import CDPSession, Page, sync_playwright

from data.demo import load_demo
from data.geography import geography
from data.opening import open_store
from tests.browser.conftest import FLAGS, until
from tests.serving import ServerProcess

FACTS = 20_000
SPEED = 1000
SAMPLES = 24
WARM_UP = 0.2  # of the samples: caches fill, scripts are compiled
MOST_GROWTH = 1.15  # of a third's median over another's
PATIENCE_S = 900
SCRIPT = "".join(
    f'[[scene]]\ntype = "{kind}"\nduree = 5\n{more}\n'
    for kind, more in (
        ("carte", 'territoire = "cross:marseille"'),
        ("chiffres", ""),
        ("courbe", "jours = 90"),
        ("comparaison", 'territoires = ["cross:marseille", "cross:lille", "france"]'),
        ("texte", 'titre = "Consigne"\ntexte = "Rien de plus."'),
        ("carte", 'territoire = "cross:lyon"\nmesure = "controles"'),
        ("chiffres", 'territoire = "cross:lyon"'),
        ("courbe", 'territoire = "cross:lyon"'),
        ("comparaison", 'territoires = ["cross:paris", "cross:nice"]\nmesure = "rendement"'),
        ("texte", 'titre = "Consigne"\ntexte = "Rien de plus."'),
    )
)


def sample(page: Page, devtools: CDPSession, server: ServerProcess) -> dict[str, float]:
    """Megabytes in use after a collection, and what hangs in the page."""
    devtools.send("HeapProfiler.collectGarbage")
    metrics = {one["name"]: one["value"] for one in devtools.send("Performance.getMetrics")["metrics"]}
    status = Path(f"/proc/{server.pid}/status").read_text()
    resident_kb = int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1])
    return {
        "changes": float(page.locator("#room").get_attribute("data-changes") or 0),
        "page (Mo)": metrics["JSHeapUsedSize"] / 2**20,
        "nœuds": metrics["Nodes"],
        "écouteurs": metrics["JSEventListeners"],
        "serveur (Mo)": resident_kb / 1024,
    }


def grown(samples: list[dict[str, float]]) -> dict[str, tuple[float, float]]:
    """Median of the first third after the warm-up, and of the last."""
    kept = samples[int(WARM_UP * len(samples)) :]
    third = max(1, len(kept) // 3)
    return {
        name: (
            statistics.median(one[name] for one in kept[:third]),
            statistics.median(one[name] for one in kept[-third:]),
        )
        for name in kept[0]
        if name != "changes"
    }


def run(changes: int, folder: Path) -> list[dict[str, float]]:
    """The samples of so many changes of scene."""
    store = open_store(str(folder / "wall.duckdb"))
    store.set_memberships(geography().memberships())
    load_demo(store, FACTS)
    store.close()
    (folder / "endurance.toml").write_text(SCRIPT, encoding="utf-8")
    server = ServerProcess(str(folder / "wall.duckdb"), folder / "tokens", folder / "log", HEXACROSS_WALLS=str(folder))
    server.start()
    server.wait()
    samples = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        page = browser.new_page(viewport={"width": 1920, "height": 1080}, locale="fr-FR")
        devtools = page.context.new_cdp_session(page)
        devtools.send("Performance.enable")
        page.goto(f"{server.url}/mur?script=endurance&vitesse={SPEED}")
        for step in range(1, SAMPLES + 1):
            until(page, f"window.room?.changes >= {changes * step // SAMPLES}", PATIENCE_S)
            samples.append(sample(page, devtools, server))
            sys.stdout.write("  ".join(f"{name} {value:.1f}" for name, value in samples[-1].items()) + "\n")
            sys.stdout.flush()
        browser.close()
    server.end()
    return samples


def main() -> int:
    """Exit code 1 when something grew."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--changes", type=int, default=20_000)
    asked = parser.parse_args()
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as name:
        found = grown(run(asked.changes, Path(name)))
    sys.stdout.write(f"{asked.changes} changements en {time.monotonic() - started:.0f} s\n")
    for name, (before, after) in found.items():
        sys.stdout.write(f"{name} : {before:.1f} → {after:.1f}\n")
    return 0 if all(after <= MOST_GROWTH * before for before, after in found.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
