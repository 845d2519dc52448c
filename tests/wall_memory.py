"""Whether a wall can stay on for weeks: memory of its page and of its server over twenty thousand changes of scene, in
fast time.

    python -m tests.wall_memory                       # all of them
    python -m tests.wall_memory --changes 4000        # a part; Ctrl-C stops earlier, and judges what was measured

Each change asks the server for its scene, draws it and leaves the one before. Every so many changes, after a garbage
collection, memory is read: JavaScript (workers too), nodes and listeners by the DevTools protocol, and of the page's
process and the server's what they hold in memory (their share of what they share) from Linux's /proc, without the pages
of files: of programs and libraries, others' processes that come and go take a share.

Growth is the median of the slopes between all pairs of samples after a warm-up, with its 95 % interval: Sen (1968),
doi:10.1080/01621459.1968.10480934, which single jumps do not move. Something is flat when even the upper end of the
interval, over twenty thousand changes, is less than a tenth of what it takes; it grows when even the lower end is more.
"""

from __future__ import annotations

import argparse
import signal
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from scipy.stats import theilslopes

from data.demo import load_demo
from data.geography import geography
from data.opening import open_store
from tests.devtools import DevTools
from tests.serving import ServerProcess

CHANGES = 20_000
FACTS = 20_000
SPEED = 1000  # the fastest there is
SAMPLES = 100
WARM_UP = 0.3  # of the samples: caches fill, scripts are compiled, heaps find their size
TOLERANCE = 0.1  # of what it takes, over `CHANGES`
FEWEST = 8  # samples after the warm-up that a slope can be told from
PATIENCE_S = 900
HELD = ("Pss_Anon:", "Pss_Shmem:", "SwapPss:")
SCRIPT = "".join(
    f'[[scene]]\ntype = "{kind}"\nduree = 5\n{more}\n'
    for kind, more in (
        ("carte", 'territoire = "cross:marseille"'),
        ("chiffres", ""),
        ("courbe", "jours = 90"),
        ("comparaison", 'territoires = ["cross:marseille", "cross:lille", "france"]'),
        ("texte", 'titre = "Consigne"\ntexte = "Rien de plus."'),
        ("carte", 'mesure = "controles"'),
        ("chiffres", 'territoire = "cross:lyon"'),
        ("courbe", 'territoire = "cross:lyon"'),
        ("comparaison", 'territoires = ["cross:paris", "cross:nice"]\nmesure = "rendement"'),
        ("routes", ""),
    )
)

# Resolves when so many scenes were shown, in the middle of a round: always the same one hangs in the page then.
SHOWN = """new Promise((shown) => new MutationObserver((_changes, watching) => {
  if (room.changes < %(changes)d || room.box.dataset.number !== "4") return;
  watching.disconnect();
  shown();
}).observe(room.box, { attributeFilter: ["data-changes"] }))"""

Sample = dict[str, float]  # by what is measured; "changements" says when


def held_mb(*pids: int) -> float:
    """Proportional set size of some processes and of all that they started, without pages of files."""
    children: dict[int, list[int]] = {}
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(status.read_text().rpartition(")")[2].split()[1])
        except (OSError, IndexError):  # it ended meanwhile
            continue
        children.setdefault(parent, []).append(int(status.parent.name))
    found, rest = 0, list(pids)
    while rest:
        pid = rest.pop()
        rest += children.get(pid, [])
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        found += sum(int(line.split()[1]) for line in lines if line.startswith(HELD))
    return found / 1024


def sample(wall: DevTools, server: ServerProcess) -> Sample:
    """What is in use after a collection."""
    metrics = wall.metrics()
    return {
        "changements": float(wall.evaluate("room.changes")),
        "JavaScript (Mo)": metrics["heaps"] / 2**20,
        "nœuds": metrics["Nodes"],
        "écouteurs": metrics["JSEventListeners"],
        "page (Mo)": held_mb(*wall.processes("renderer")),
        "serveur (Mo)": held_mb(server.pid),
    }


def measured(changes: int, folder: Path) -> Iterator[Sample]:
    """A sample every so many changes of scene."""
    store = open_store(str(folder / "wall.duckdb"))
    store.set_memberships(geography().memberships())
    load_demo(store, FACTS)
    store.close()
    (folder / "endurance.toml").write_text(SCRIPT, encoding="utf-8")
    (folder / "browser").mkdir()
    server = ServerProcess(str(folder / "wall.duckdb"), folder / "tokens", folder / "log", HEXACROSS_WALLS=str(folder))
    server.start()
    try:
        server.wait()
        with DevTools(folder / "browser", 1920, 1080) as wall:
            wall.send("Page.navigate", url=f"{server.url}/mur?script=endurance&vitesse={SPEED}")
            for step in range(1, SAMPLES + 1):
                wall.until("window.room?.changes > 0", PATIENCE_S)  # before its script, `room` is the element
                wall.evaluate(SHOWN % {"changes": changes * step // SAMPLES})
                yield sample(wall, server)
    finally:
        server.end()


class Growth(NamedTuple):
    """Over `CHANGES` changes, in the unit of what is measured; `low` and `high` are its 95 % interval."""

    usual: float  # median of the samples
    value: float
    low: float
    high: float

    @property
    def verdict(self) -> str:
        most = TOLERANCE * self.usual
        return "stable" if self.high <= most else "croît" if self.low > most else "indécis : plus de changements"


def growths(samples: Sequence[Sample]) -> dict[str, Growth]:
    """Of each thing measured, after the warm-up."""
    kept = samples[int(WARM_UP * len(samples)) :]
    if len(kept) < FEWEST:
        return {}
    when = [one["changements"] for one in kept]
    found = {}
    for name in kept[0]:
        if name == "changements":
            continue
        values = [one[name] for one in kept]
        slope, _intercept, low, high = theilslopes(values, when, alpha=0.95)
        found[name] = Growth(statistics.median(values), *(CHANGES * float(each) for each in (slope, low, high)))
    return found


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main() -> int:
    """Exit code 0 when all is flat, 1 when something is not."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--changes", type=int, default=CHANGES)
    asked = parser.parse_args()
    started = time.monotonic()
    samples: list[Sample] = []
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # stops as Ctrl-C does
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        try:
            for sample in measured(asked.changes, Path(name)):
                samples.append(sample)
                figures = "  ".join(f"{what} {value:.1f}" for what, value in sample.items())
                say(f"{time.monotonic() - started:5.0f} s  {figures}")
        except KeyboardInterrupt:
            say("arrêté")
    done = samples[-1]["changements"] if samples else 0
    say(f"{done:.0f} changements en {time.monotonic() - started:.0f} s ; croissance pour {CHANGES} changements :")
    found = growths(samples)
    for what, growth in found.items():
        interval = f"{growth.value:+.1f} ({growth.low:+.1f} à {growth.high:+.1f})"
        say(f"{what} : {growth.usual:.1f}, {interval} : {growth.verdict}")
    return 0 if found and all(growth.verdict == "stable" for growth in found.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
