"""Kill the application and PostgreSQL, without warning and again and again, while feeds run; then look for every event
that was acknowledged. `make kill`: a hundred times; in the test suite a few.

A kill -9 takes away a process, not what it handed to the operating system: what is tried here is that nothing is
acknowledged before it is handed over whole, and that nothing half written or sent twice is counted.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from dashboard.door_tokens import create_token
from dashboard.feed import Feeder, FeedError
from data.opening import open_store
from data.private_cluster import PrivateCluster
from data.query import Viewer
from data.transfer import Transferable
from tests.serving import ServerProcess

SOURCES = ("alpha", "bravo")
BATCH = 40
OLDER = 60  # every tenth line is sent once more, so many lines later
PATIENCE_S = 300
LONGEST_WAIT_S = 1.5  # between the first acknowledgement after a start and the next kill
WHOLE = Viewer("kill")


@dataclass
class Feed:
    """One producer, which sends numbered events until it is stopped and notes those acknowledged."""

    source: str
    url: str
    token: str
    acknowledged: set[str] = field(default_factory=set)
    stopped: threading.Event = field(default_factory=threading.Event)
    retries: int = 0
    again: int = 0  # lines told as repeated that were sent for the first time: the answer before was lost
    faults: list[str] = field(default_factory=list)

    def run(self) -> None:
        number = 0
        try:
            with Feeder(self.url, self.token, PATIENCE_S) as feeder:
                while not self.stopped.is_set():
                    numbers = range(number, number + BATCH)
                    repeats = [n - OLDER for n in numbers if n % 10 == 0 and n >= OLDER]
                    lines = [(n, json.dumps(event(n)).encode()) for n in (*numbers, *repeats)]
                    answers = feeder.send(lines)
                    self._note(numbers, answers)
                    number += BATCH
                    self.retries = feeder.summary.retries
        except FeedError as error:
            self.faults.append(str(error))

    def _note(self, numbers: range, answers: list[dict[str, str]]) -> None:
        told = Counter(answer["status"] for answer in answers)
        if told["refused"]:
            self.faults.append(f"{told['refused']} refused")
        first = Counter(answer["status"] for answer in answers[: len(numbers)])
        self.again += first["repeated"]
        self.acknowledged.update(f"{self.source}:{n}" for n in numbers)


def event(number: int) -> dict[str, object]:
    """A fact of its own place and day; some are known by their commune only."""
    made: dict[str, object] = {
        "source_event_id": number,
        "family": "incident" if number % 3 else "control",
        "kind": "seizure" if number % 3 else "road_check",
        "occurred_at": f"2026-{1 + number % 9:02}-{1 + number % 28:02}T{number % 24:02}:30",
        "quantity_kg": number % 50,
    }
    if number % 7:
        return {**made, "longitude": 2 + number % 400 / 100, "latitude": 44 + number % 500 / 100}
    return {**made, "commune": "13055"}


def kill_cluster(cluster: PrivateCluster) -> None:
    """Kill the postmaster and all its children."""
    postmaster = int((cluster.files / "postmaster.pid").read_text().split()[0])
    children = [
        int(entry.name)
        for entry in Path("/proc").iterdir()
        if entry.name.isdigit() and _parent_of(entry / "stat") == postmaster
    ]
    for process in (postmaster, *children):
        try:
            os.kill(process, signal.SIGKILL)
        except ProcessLookupError:
            continue  # it ended by itself
    while any(Path(f"/proc/{process}").exists() for process in (postmaster, *children)):
        time.sleep(0.01)


def _parent_of(stat: Path) -> int | None:
    try:
        return int(stat.read_text().rpartition(")")[2].split()[1])
    except (FileNotFoundError, ProcessLookupError):
        return None  # it ended meanwhile


@dataclass(frozen=True)
class Verdict:
    """What came of some kills over one store."""

    store: str
    kills: int
    acknowledged: int
    lost: int
    doubled: int
    unsound: int  # comparisons of `hexacross store verify` that differ, and ledgers that do not add up
    retries: int
    again: int
    faults: list[str]

    @property
    def good(self) -> bool:
        return not (self.lost or self.doubled or self.unsound or self.faults) and self.acknowledged > 0

    def __str__(self) -> str:
        return (
            f"{self.store} : {self.kills} arrêts brutaux, {self.acknowledged} événements acquittés, {self.retries}"
            f" renvois ({self.again} lignes déjà écrites) : {self.lost} perdu, {self.doubled} en double,"
            f" {self.unsound} écart{', ' + '; '.join(self.faults) if self.faults else ''}"
        )


def trial(name: str, url: str, folder: Path, strikes: list[Callable[[ServerProcess], None]], seed: int) -> Verdict:
    """Feed a store, strike, see to it that all is up again, and so on; then compare."""
    chance = random.Random(seed)
    tokens = folder / "tokens.ndjson"
    given = {source: create_token(tokens, source, ("internal",)) for source in SOURCES}
    server = ServerProcess(url, tokens, folder / f"{name}.log")
    server.start()
    server.wait()
    feeds = [Feed(source, server.url, token) for source, token in given.items()]
    threads = [threading.Thread(target=feed.run, daemon=True) for feed in feeds]
    for thread in threads:
        thread.start()
    for strike in strikes:
        _wait_for_acknowledgements(feeds)
        time.sleep(chance.uniform(0.0, LONGEST_WAIT_S))
        strike(server)
        server.wait()
        sys.stdout.write(".")
        sys.stdout.flush()
    _wait_for_acknowledgements(feeds)
    for feed in feeds:
        feed.stopped.set()
    for thread in threads:
        thread.join()
    server.end(signal.SIGKILL)  # not counted, as nothing is being sent: the comparison opens what is left
    return compare(name, url, len(strikes), feeds)


def _wait_for_acknowledgements(feeds: list[Feed]) -> None:
    """Until every feed has had an answer since now: the kill then strikes in the middle of work."""
    before = [len(feed.acknowledged) for feed in feeds]
    deadline = time.monotonic() + PATIENCE_S
    while any(len(feed.acknowledged) == count for feed, count in zip(feeds, before, strict=True)):
        if time.monotonic() > deadline or any(feed.faults for feed in feeds):
            raise RuntimeError("; ".join(fault for feed in feeds for fault in feed.faults) or "no acknowledgement")
        time.sleep(0.01)


def compare(name: str, url: str, kills: int, feeds: list[Feed]) -> Verdict:
    """What was acknowledged with what the store holds."""
    store = cast("Transferable", open_store(url))
    try:
        ledgers = store.batches(WHOLE)
        held: Counter[str] = Counter()
        for ledger in ledgers:
            for part in store.contents(ledger.batch_id):
                if part.events is not None:
                    held.update(part.events.column("event_id").to_pylist())
        unsound = sum(check.wrong > 0 for check in store.verify())
        unsound += sum(ledger.accepted + ledger.repeated + ledger.refused != ledger.lines for ledger in ledgers)
        unsound += sum(ledger.accepted for ledger in ledgers) != held.total()
    finally:
        store.close()
    acknowledged = set().union(*(feed.acknowledged for feed in feeds))
    return Verdict(
        name,
        kills,
        len(acknowledged),
        lost=sum(event_id not in held for event_id in acknowledged),
        doubled=sum(count - 1 for count in held.values()),
        unsound=unsound,
        retries=sum(feed.retries for feed in feeds),
        again=sum(feed.again for feed in feeds),
        faults=[fault for feed in feeds for fault in feed.faults],
    )


def strike_application(server: ServerProcess) -> None:
    server.end(signal.SIGKILL)
    server.start()


@contextmanager
def folder_for_both() -> Iterator[Path]:
    """A folder that PostgreSQL's account may enter."""
    with tempfile.TemporaryDirectory(prefix="hexacross-kill-", ignore_cleanup_errors=True) as made:
        folder = Path(made)
        folder.chmod(0o755)
        yield folder


def embedded(kills: int, seed: int) -> Verdict:
    """Kill the application over a DuckDB file."""
    with folder_for_both() as folder:
        return trial("DuckDB", str(folder / "base.duckdb"), folder, [strike_application] * kills, seed)


def server(kills: int, seed: int) -> Verdict:
    """Kill PostgreSQL and the application over it, in turn."""
    with folder_for_both() as folder:
        cluster = PrivateCluster(folder / "pg")
        (folder / "pg").mkdir()
        cluster.start()

        def strike_postgres(_server: ServerProcess) -> None:
            kill_cluster(cluster)
            cluster.start()

        try:
            strikes = [strike_application if turn % 2 else strike_postgres for turn in range(kills)]
            return trial("PostgreSQL", cluster.create_store("kill"), folder, strikes, seed)
        finally:
            cluster.stop("immediate")


def main() -> int:
    """Exit code 1 when an event is lost, doubled or wrongly counted."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=100, help="how often, both stores together")
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    first = asked.kills // 3
    verdicts = []
    for run, kills in ((embedded, first), (server, asked.kills - first)):
        verdicts.append(run(kills, asked.seed))
        sys.stdout.write(f"\n{verdicts[-1]}\n")
    lost, doubled = sum(one.lost for one in verdicts), sum(one.doubled for one in verdicts)
    sys.stdout.write(f"{sum(one.kills for one in verdicts)} arrêts brutaux : {lost} perdu, {doubled} en double\n")
    return 0 if all(one.good for one in verdicts) else 1


if __name__ == "__main__":
    sys.exit(main())
