"""`hexacross feed`: every line acknowledged once, whatever the server does meanwhile."""

from __future__ import annotations

import gzip
import io
import json
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.types import Receive, Scope, Send

from dashboard import cli, feed
from dashboard.feed import Feeder, FeedError, batches, numbered
from tests.browser.harness import serving
from tests.dashboard.knocking import Knocker, line


@pytest.fixture
def knocker(tmp_path: Path) -> Iterator[Knocker]:
    made = Knocker(tmp_path)
    yield made
    made.door.close()
    made.context.store.close()


class Faulty:
    """Stands before a door and spoils requests, one fault for each: a status, or the point where the line is cut."""

    def __init__(self, app: Starlette, *faults: int | str) -> None:
        self.app = app
        self.faults = list(faults)
        self.requests = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            self.requests += 1
            fault = self.faults.pop(0) if self.faults else None
            if isinstance(fault, int):
                headers = [(b"retry-after", b"0"), (b"content-type", b"application/json")]
                await send({"type": "http.response.start", "status": fault, "headers": headers})
                await send({"type": "http.response.body", "body": b'{"error": "plus tard"}'})
                return
            if fault == "before":
                raise ConnectionResetError  # uvicorn answers 500
            if fault == "after":  # written, but the answer is lost

                async def lost(_message: Any) -> None:
                    raise ConnectionResetError

                send = lost
        await self.app(scope, receive, send)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed, "FIRST_DELAY_S", 0.01)


def run(monkeypatch: pytest.MonkeyPatch, knocker: Knocker, address: str, *arguments: str) -> int:
    monkeypatch.setenv("HEXACROSS_URL", address)
    monkeypatch.setenv("HEXACROSS_TOKEN", knocker.token)
    monkeypatch.setattr("sys.argv", ["hexacross", "feed", *arguments])
    with pytest.raises(SystemExit) as stop:
        cli.main()
    return int(stop.value.code or 0)


def write(path: Path, *lines: Any) -> Path:
    texts = [one if isinstance(one, str) else json.dumps(one) for one in lines]
    path.write_text("\n".join(texts) + "\n", encoding="utf-8")
    return path


def test_a_file_is_sent_and_its_refused_lines_are_told(
    knocker: Knocker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(feed, "BATCH_LINES", 3)
    lines = [line(1), "", line(2), line(2), "   ", line(3, drug="sucre"), line(4), "{"]
    file = write(tmp_path / "a.ndjson", *lines)
    with serving(knocker.app) as address:
        assert run(monkeypatch, knocker, address, str(file), "--json") == 3
        told = json.loads(capsys.readouterr().out)
        assert (told["lines"], told["accepted"], told["repeated"], told["refused"]) == (6, 3, 1, 2)
        assert [refusal["line"] for refusal in told["refusals"]] == [6, 8]
        assert told["refusals"][0]["faults"][0]["field"] == "drug"
        assert run(monkeypatch, knocker, address, str(file)) == 3
        said = capsys.readouterr()
        assert "6 lignes envoyées : 0 acceptées, 4 répétées, 2 refusées" in said.out
        assert "ligne 6 refusée : drug : Valeur inconnue : « sucre »" in said.err
    assert knocker.ledgers() == [("essai", 12, 3, 5, 4)]


def test_a_gzipped_file_is_sent(knocker: Knocker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "a.ndjson.gz"
    file.write_bytes(gzip.compress("\n".join(json.dumps(line(n)) for n in range(5)).encode()))
    with serving(knocker.app) as address:
        assert run(monkeypatch, knocker, address, str(file)) == 0
    assert knocker.ledgers() == [("essai", 5, 5, 0, 0)]
    file.write_bytes(file.read_bytes()[:-8])
    with serving(knocker.app) as address:
        assert run(monkeypatch, knocker, address, str(file)) == 1
    assert run(monkeypatch, knocker, "http://127.0.0.1:1", str(tmp_path / "absent")) == 1


@pytest.mark.parametrize("faults", [(503, 429, 408, 500), ("before",), ("after", "after"), ("after", 503, "before")])
def test_what_was_not_acknowledged_is_sent_again(knocker: Knocker, faults: tuple[int | str, ...]) -> None:
    faulty = Faulty(knocker.app, *faults)
    away: list[str] = []
    with (
        serving(faulty) as address,  # type: ignore[arg-type]  # an ASGI application, if not a Starlette
        Feeder(address, knocker.token, 60, report=lambda error: away.append(str(error))) as feeder,
    ):
        for batch in batches(numbered(io.BytesIO("\n".join(json.dumps(line(n)) for n in range(4)).encode()))):
            feeder.send(batch)
    summary = feeder.summary
    assert (summary.lines, summary.refused, summary.retries) == (4, 0, len(faults))
    assert summary.accepted + summary.repeated == 4
    assert len(away) == 1
    assert faulty.requests == len(faults) + 1
    assert [ledger[2] for ledger in knocker.ledgers()] == [4]


def test_a_refusal_of_the_door_is_not_tried_again(
    knocker: Knocker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = write(tmp_path / "a.ndjson", line(1), line(2, nom="x"))
    faulty = Faulty(knocker.app)
    with serving(faulty) as address:  # type: ignore[arg-type]  # an ASGI application, if not a Starlette
        assert run(monkeypatch, knocker, address, str(file), "--json") == 1
        said = json.loads(capsys.readouterr().out)
        assert "nom ou prénom" in said["error"]
        assert said["lines"] == 0
        assert run(monkeypatch, knocker, address, str(file), "--token", "hx_faux") == 1
    assert faulty.requests == 2


def test_a_batch_too_large_for_the_door_is_halved(knocker: Knocker) -> None:
    lines = [(n, json.dumps(line(n, drug_label="x" * 400)).encode()) for n in range(1, 3_001)]
    with serving(knocker.app) as address, Feeder(address, knocker.token, 5) as feeder:
        answers = feeder.send(lines)
        assert [answer["status"] for answer in answers] == ["accepted"] * 3_000
        with pytest.raises(FeedError, match="413"):
            feeder.send([(1, b" " * 2**20 + b"{}")])


def test_a_server_away_is_given_up_in_the_end(
    knocker: Knocker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = write(tmp_path / "a.ndjson", line(1))
    assert run(monkeypatch, knocker, "http://127.0.0.1:1", str(file), "--patience", "0") == 1
    assert "sans rien doubler" in capsys.readouterr().err
    for url, token in (("carte.intra", "hx_a"), ("http://carte.intra", ""), ("http://carte.intra", "clé")):
        with pytest.raises(FeedError):
            Feeder(url, token, 1)


def test_lines_leave_as_they_come(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed, "IDLE_S", 0.05)
    monkeypatch.setattr(feed, "BATCH_LINES", 3)
    outlet, inlet = os.pipe()
    with os.fdopen(outlet, "rb") as source, os.fdopen(inlet, "wb", buffering=0) as sink:
        sent = batches(numbered(source))
        sink.write(b"a\nb")
        assert next(sent) == [(1, b"a")]
        sink.write(b"b\n\nc\nd\ne\nf\n")
        assert next(sent) == [(2, b"bb"), (4, b"c"), (5, b"d")]
        assert next(sent) == [(6, b"e"), (7, b"f")]
        threading.Thread(target=lambda: (time.sleep(0.2), sink.close())).start()
        assert list(sent) == []


def test_a_broken_input_ends_the_sending(monkeypatch: pytest.MonkeyPatch) -> None:
    def breaking() -> Iterator[tuple[int, bytes]]:
        yield 1, b"{}"
        raise OSError("disque illisible")

    with pytest.raises(OSError, match="disque illisible"):
        list(batches(breaking()))
