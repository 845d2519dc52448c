"""The live door: what is let in, what each line is told, and every way of knocking wrongly."""

from __future__ import annotations

import contextlib
import gzip
import json
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx2
import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from dashboard import door as door_module
from dashboard import door_body
from dashboard.door import Door
from dashboard.door_tokens import TokenError, create_token, digest_of, read_tokens, revoke_token
from tests.browser.harness import serving
from tests.dashboard.knocking import NATIONAL, NDJSON, Knocker, SlowStore, line


@pytest.fixture
def knocker(tmp_path: Path) -> Iterator[Knocker]:
    made = Knocker(tmp_path)
    yield made
    made.door.close()
    made.context.store.close()


# What is let in


def test_lines_are_accepted_repeated_or_refused(knocker: Knocker) -> None:
    answer = knocker.post([line(1), line(2), line(2), line(3, kind="braquage", quantity_kg=-1)])
    assert answer.status_code == 200
    told = answer.json()
    assert (told["lines"], told["accepted"], told["repeated"], told["refused"]) == (4, 2, 1, 1)
    assert [one["status"] for one in told["answers"]] == ["accepted", "accepted", "repeated", "refused"]
    faults = {fault["field"]: fault for fault in told["answers"][3]["faults"]}
    assert faults["kind"]["given"] == "braquage"
    assert "seizure" in faults["kind"]["expected"]
    assert faults["kind"]["reason"].startswith("Valeur inconnue : « braquage ». Attendu trafficking")
    assert faults["quantity_kg"]["reason"].startswith("Valeur négative : -1. Attendu")
    [ledger] = knocker.context.store.batches(NATIONAL)
    assert told["batch_id"] == ledger.batch_id
    assert (ledger.source, ledger.reader, ledger.marking, ledger.lines) == ("essai", "live", "internal", 4)
    refused = knocker.context.store.quarantine(NATIONAL, ledger.batch_id).to_pylist()
    assert {(row["line"], row["field"]) for row in refused} == {(4, "kind"), (4, "quantity_kg")}


def test_the_same_request_again_is_repeated_whole(knocker: Knocker) -> None:
    body = [line(1), line(None, drug="cocaine"), line(None, drug="heroin"), line(None, drug="heroin")]
    assert knocker.post(body).json()["accepted"] == 4
    again = knocker.post(body).json()
    assert (again["accepted"], again["repeated"]) == (0, 4)
    # The fingerprint of a line depends on that line alone, not on the fields of its neighbours or their order.
    shuffled = dict(reversed(line(None, drug="cocaine", quantity_kg=None).items()))
    assert knocker.post([shuffled, line(9, checked=3)]).json()["repeated"] == 1


def test_a_known_identifier_with_another_content_is_refused(knocker: Knocker) -> None:
    knocker.post(line(1))
    [told] = knocker.post(line(1, quantity_kg=2)).json()["answers"]
    assert told["status"] == "refused"
    assert told["faults"][0]["field"] == "source_event_id"
    assert "quantity_kg" in told["faults"][0]["reason"]


@pytest.mark.parametrize("body", [line(1), [line(1), line(2)]])
def test_a_json_document_is_one_object_or_several(knocker: Knocker, body: Any) -> None:
    answer = knocker.post(json.dumps(body, indent=2).encode(), "application/json; charset=utf-8")
    assert answer.json()["accepted"] == (2 if isinstance(body, list) else 1)


def test_blank_lines_and_a_byte_order_mark_are_not_lines(knocker: Knocker) -> None:
    body = b"\xef\xbb\xbf" + json.dumps(line(1)).encode() + b"\r\n\r\n  \n" + json.dumps(line(2)).encode()
    told = knocker.post(body).json()
    assert (told["lines"], told["accepted"]) == (2, 2)


def test_numbers_may_be_texts_and_codes_numbers(knocker: Knocker) -> None:
    told = knocker.post(
        [line(1, longitude="5.37", checked=12.0), line(2, longitude=None, latitude=None, commune=13055)]
    )
    assert told.json()["accepted"] == 2


def test_a_gzipped_body_is_inflated(knocker: Knocker) -> None:
    body = json.dumps(line(1)).encode() + b"\n"
    members = gzip.compress(body) + gzip.compress(json.dumps(line(2)).encode())
    assert knocker.post(members, **{"Content-Encoding": "gzip"}).json()["accepted"] == 2


def test_the_source_is_the_tokens(knocker: Knocker) -> None:
    told = knocker.post([line(1, source="essai"), line(2), line(3, source="autre"), line(4, source=" ")]).json()
    assert [one["status"] for one in told["answers"]] == ["accepted", "accepted", "refused", "accepted"]
    assert "essai" in told["answers"][2]["faults"][0]["expected"]
    assert [source.name for source in knocker.context.store.sources(NATIONAL)] == ["essai"]


def test_a_token_gives_its_markings_and_no_other(knocker: Knocker) -> None:
    told = knocker.post(
        [line(1), line(2, marking="public"), line(3, marking="restricted"), line(4, marking="secret")]
    ).json()
    assert [one["status"] for one in told["answers"]] == ["accepted", "accepted", "refused", "refused"]
    assert told["answers"][2]["faults"][0]["expected"] == "internal, public"
    assert [source.marking for source in knocker.context.store.sources(NATIONAL)] == ["internal"]


def test_answers_in_english_when_asked(knocker: Knocker) -> None:
    answer = knocker.client.post(
        "/api/events?langue=en",
        content=json.dumps(line(1, drug="sugar")),
        headers={"Authorization": f"Bearer {knocker.token}", "Content-Type": "application/json"},
    )
    assert answer.json()["answers"][0]["faults"][0]["reason"].startswith("Unknown value")


# Tokens


def test_a_wrong_token_is_refused_before_anything_is_read(knocker: Knocker) -> None:
    for headers in ({}, {"Authorization": "Basic abc"}, {"Authorization": "Bearer "}, {"Authorization": "Bearer hx_é"}):
        raw = {name.encode(): value.encode() for name, value in headers.items()}
        answer = knocker.client.post("/api/events", content=b"\xff" * 9_000_000, headers=raw)
        assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
        assert "Bearer" in answer.json()["error"]
    assert knocker.ledgers() == []


def test_a_token_holds_until_it_is_revoked(knocker: Knocker) -> None:
    second = create_token(knocker.tokens, "autre", ("public",))
    assert knocker.post(line(1), token=second).status_code == 200
    revoke_token(knocker.tokens, digest_of(second)[:8])
    refused = knocker.post(line(2), token=second)
    assert refused.status_code == 403
    assert "retirée" in refused.json()["error"]
    assert knocker.post(line(2)).status_code == 200
    assert sorted(knocker.ledgers()) == [("autre", 1, 1, 0, 0), ("essai", 1, 1, 0, 0)]


def test_the_file_of_tokens_holds_no_token(tmp_path: Path) -> None:
    path = tmp_path / "a" / "tokens.ndjson"
    given = [create_token(path, "essai", ("internal",)) for _ in range(3)]
    assert not any(token in path.read_text() or token[3:] in path.read_text() for token in given)
    assert path.stat().st_mode & 0o077 == 0
    assert [token.digest for token in read_tokens(path)] == [digest_of(token) for token in given]
    assert revoke_token(path, digest_of(given[1])).revoked
    assert [bool(token.revoked) for token in read_tokens(path)] == [False, True, False]
    with pytest.raises(TokenError, match="0 clés"):
        revoke_token(path, "zz")
    for source, markings in (("", ("public",)), ("a\nb", ("public",)), ("a", ("secret",))):
        with pytest.raises(TokenError):
            create_token(path, source, markings)
    path.write_text("{}\n")
    with pytest.raises(TokenError, match="ligne 1"):
        read_tokens(path)


def test_without_a_file_of_tokens_nobody_enters(knocker: Knocker) -> None:
    knocker.tokens.unlink()
    assert knocker.post(line(1)).status_code == 401


# What cannot be read


UNREADABLE = {
    "empty": (b"", NDJSON, 400),
    "blank": (b" \n\n", NDJSON, 400),
    "an empty array": (b"[]", "application/json", 400),
    "no JSON": (b"<xml>", "application/json", 400),
    "cut JSON": (b'[{"family": "incident"', "application/json", 400),
    "two documents": (b"{}{}", "application/json", 400),
    "no UTF-8": (b'{"family": "\xff"}', "application/json", 400),
    "UTF-16": ('{"family": 1}'.encode("utf-16"), "application/json", 400),
    "NaN": (b'{"longitude": NaN}', "application/json", 400),
    "an infinity": (b'{"longitude": -Infinity}', "application/json", 400),
    "deep": (b"[" * 200_000, "application/json", 400),
    "deep and closed": (b'{"a":' * 50_000 + b"1" + b"}" * 50_000, "application/json", 400),
    "CSV": (b"source;family\nessai;incident\n", "text/csv", 415),
    "a form": (b"a=1", "application/x-www-form-urlencoded", 415),
    "no type": (b"{}", "", 415),
    "too many lines": (b"1\n" * 10_001, NDJSON, 413),
    "too many values": (b"[" + b"1," * 10_000 + b"1]", "application/json", 413),
    "too large": (b" " * (2**20 + 1), NDJSON, 413),
}


@pytest.mark.parametrize("case", UNREADABLE)
def test_what_cannot_be_read_is_refused_whole(knocker: Knocker, case: str) -> None:
    body, content_type, status = UNREADABLE[case]
    answer = knocker.post(body, content_type)
    assert answer.status_code == status
    assert answer.json()["error"]
    assert knocker.ledgers() == []


@pytest.mark.parametrize(
    ("body", "encoding", "status"),
    [
        (b"not gzip", "gzip", 400),
        (gzip.compress(b"{}")[:-3], "gzip", 400),
        (gzip.compress(b" " * (2**20 + 1)), "gzip", 413),
        (gzip.compress(b" " * 500_000) * 3, "gzip", 413),
        (b"{}", "br", 415),
        (b"{}", "gzip, gzip", 415),
        (b"", "gzip", 400),
    ],
    ids=["no gzip", "cut", "too large", "too large in parts", "brotli", "twice", "nothing"],  # gzip holds the time
)
def test_gzip_that_is_damaged_or_inflates_too_much(knocker: Knocker, body: bytes, encoding: str, status: int) -> None:
    assert knocker.post(body, **{"Content-Encoding": encoding}).status_code == status
    assert knocker.ledgers() == []


BAD_LINES = {
    "no JSON": (b"{", ""),
    "no UTF-8": (b'{"family": "\xff\xfe"}', ""),
    "NaN": (b'{"longitude": NaN}', ""),
    "deep": (b'{"drug":' * 5_000 + b"1" + b"}" * 5_000, ""),
    "an array": (b"[1, 2]", ""),
    "a text": (b'"\\ud800"', ""),
    "null": (b"null", ""),
    "a field twice": (b'{"family": "incident", "family": "control"}', ""),
    "a field twice, inside": (json.dumps(line(1)).encode()[:-1] + b', "drug": {"a": 1, "a": 2}}', "drug"),
    "an object": (json.dumps(line(1, drug={"code": "cocaine"})).encode(), "drug"),
    "true": (json.dumps(line(1, checked=True)).encode(), "checked"),
    "half a character": (json.dumps(line(1, drug_label="\ud83d")).encode(), "drug_label"),
    "a control character": (json.dumps(line(1, drug_label="a\x00b")).encode(), "drug_label"),
    "a huge number": (json.dumps(line(1)).encode()[:-1] + b', "checked": 1e999}', "checked"),
    "a long number": (json.dumps(line(1)).encode()[:-1] + b', "quantity_kg": ' + b"9" * 6_000 + b"}", "quantity_kg"),
    "a long text": (json.dumps(line(1, drug_label="x" * 501)).encode(), "drug_label"),
    "a field of ours": (json.dumps(line(1, event_id="essai:1")).encode(), "event_id"),
    "an unknown field": (json.dumps(line(1, famile="incident")).encode(), "famile"),
    "an unknown name": (json.dumps(line(1, **{"<b>\ud800" * 50: "x"})).encode(), None),
    "nothing": (b"{}", "family"),
}


@pytest.mark.parametrize("case", BAD_LINES)
def test_a_bad_line_is_refused_and_the_others_go_on(knocker: Knocker, case: str) -> None:
    body, field = BAD_LINES[case]
    answer = knocker.post(json.dumps(line("a")).encode() + b"\n" + body + b"\n" + json.dumps(line("b")).encode())
    assert answer.status_code == 200
    told = answer.json()
    assert [one["status"] for one in told["answers"]] == ["accepted", "refused", "accepted"]
    faults = told["answers"][1]["faults"]
    assert field is None or field in {fault["field"] for fault in faults}
    assert all(fault["reason"] and fault["expected"] and len(fault["given"]) <= 200 for fault in faults)
    assert all(len(fault["field"]) <= 100 for fault in faults)
    assert knocker.ledgers() == [("essai", 3, 2, 0, 1)]


def test_an_unknown_field_is_told_its_closest(knocker: Knocker) -> None:
    [told] = knocker.post(line(1, famile="x")).json()["answers"]
    assert told["faults"][0]["expected"] == "family"
    assert knocker.post(line(2, famile=None, autre="")).json()["accepted"] == 1


@pytest.mark.parametrize(
    "given",
    [
        {"nom": "x"},
        {"date_naissance": "2001-01-01"},
        {"drug_label": "chez dupont@exemple.fr"},
        {"note": "12 rue Ampère"},
    ],
)
def test_personal_data_refuse_the_whole_request(knocker: Knocker, given: dict[str, str]) -> None:
    answer = knocker.post([line(1), line(2, **given), line(3)])
    assert answer.status_code == 422
    assert f"« {next(iter(given))} »" in answer.json()["error"]
    assert knocker.ledgers() == []


def test_only_post_is_answered(knocker: Knocker) -> None:
    assert knocker.client.get("/api/events").status_code == 405


# Too much at once, and clients that stop


@pytest.fixture
def slow(tmp_path: Path) -> Iterator[tuple[Knocker, SlowStore]]:
    made = Knocker(tmp_path)
    store = SlowStore(made.context.store)
    made.context = replace(made.context, store=store)
    made.door = Door(made.context)
    made.app = Starlette(routes=[made.door.route()])
    made.client = TestClient(made.app)
    yield made, store
    store.released.set()
    made.door.close()
    made.context.store.close()


def wait_until(reached: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not reached():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def knock(address: str, token: str, body: bytes) -> httpx2.Response:
    headers = {"Authorization": f"Bearer {token}", "Content-Type": NDJSON}
    return httpx2.post(f"{address}/api/events", content=body, headers=headers, timeout=60)


def test_requests_that_come_together_are_written_together(slow: tuple[Knocker, SlowStore]) -> None:
    knocker, store = slow
    with serving(knocker.app) as address, ThreadPoolExecutor(12) as pool:
        bodies = [json.dumps(line(number)).encode() for number in range(12)]
        asked = [pool.submit(knock, address, knocker.token, body) for body in bodies]
        wait_until(lambda: knocker.door._requests.total() == 12)  # the first group waits in the store, others behind
        time.sleep(0.2)
        store.released.set()
        answers = [future.result().json() for future in asked]
    assert [answer["accepted"] for answer in answers] == [1] * 12
    assert sum(store.groups) == 12
    assert len(store.groups) < 12
    assert knocker.ledgers() == [("essai", 12, 12, 0, 0)]


def test_too_many_requests_are_asked_to_come_back(
    slow: tuple[Knocker, SlowStore], monkeypatch: pytest.MonkeyPatch
) -> None:
    knocker, store = slow
    monkeypatch.setattr(door_module, "REQUESTS", 5)
    monkeypatch.setattr(door_module, "REQUESTS_OF_ONE", 3)
    other = create_token(knocker.tokens, "autre", ("public",))
    with serving(knocker.app) as address, ThreadPoolExecutor(12) as pool:

        def refused_of(token: str, requests: int, refused: int) -> list[int]:
            bodies = [json.dumps(line(number)).encode() for number in range(requests)]
            asked = [pool.submit(knock, address, token, body) for body in bodies]
            kept.extend(asked)
            wait_until(lambda: sum(future.done() for future in asked) == refused)
            answers = [future.result() for future in asked if future.done()]
            assert all(answer.headers["retry-after"] == "1" for answer in answers)
            return [answer.status_code for answer in answers]

        kept: list[Any] = []
        assert refused_of(knocker.token, 4, refused=1) == [429]
        assert refused_of(other, 3, refused=1) == [503]
        store.released.set()
        codes = [future.result().status_code for future in kept]
        assert sorted(codes) == [200] * 5 + [429, 503]
        assert knock(address, other, json.dumps(line(9)).encode()).status_code == 200


def test_too_many_lines_in_memory_are_asked_to_come_back(
    slow: tuple[Knocker, SlowStore], monkeypatch: pytest.MonkeyPatch
) -> None:
    knocker, store = slow
    monkeypatch.setattr("data.live.WAITING_LINES", 3)
    monkeypatch.setattr("data.live.GATHERING_S", 0.0)
    with serving(knocker.app) as address, ThreadPoolExecutor(12) as pool:
        two = "\n".join(json.dumps(line(number)) for number in range(2)).encode()
        first = pool.submit(knock, address, knocker.token, two)
        wait_until(store.entered.is_set)
        second = pool.submit(knock, address, knocker.token, two)
        wait_until(lambda: knocker.door._live_writer()._lines == 2)
        busy = knock(address, knocker.token, two)
        assert (busy.status_code, busy.headers["retry-after"]) == (503, "1")
        store.released.set()
        assert (first.result().json()["accepted"], second.result().json()["repeated"]) == (2, 2)


def test_a_store_away_is_told_and_nothing_is_acknowledged(slow: tuple[Knocker, SlowStore]) -> None:
    knocker, store = slow
    store.broken = True
    store.released.set()
    answer = knocker.post(line(1))
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert answer.json()["error"] == "Base injoignable."
    store.broken = False
    assert knocker.post(line(1)).json()["accepted"] == 1


def raw(address: str, token: str, *parts: bytes, length: int | None = None) -> bytes:
    """Send a request by hand and read what comes back until the server closes."""
    host, port = address.removeprefix("http://").split(":")
    framing = "Transfer-Encoding: chunked" if length is None else f"Content-Length: {length}"
    head = (
        f"POST /api/events HTTP/1.1\r\nHost: {host}:{port}\r\nAuthorization: Bearer {token}\r\n"
        f"Content-Type: {NDJSON}\r\nConnection: close\r\n{framing}\r\n\r\n"
    )
    with socket.create_connection((host, int(port)), timeout=20) as connection:
        connection.sendall(head.encode())
        for part in parts:
            connection.sendall(part)
        if length is not None and sum(map(len, parts)) < length:
            connection.shutdown(socket.SHUT_WR)
        answer = b""
        with contextlib.suppress(ConnectionResetError):
            while piece := connection.recv(65_536):
                answer += piece
        return answer


def test_a_body_cut_in_the_middle_leaves_nothing(knocker: Knocker) -> None:
    whole = json.dumps(line(1)).encode() + b"\n"
    with serving(knocker.app) as address:
        raw(address, knocker.token, whole, length=2 * len(whole))
        raw(address, knocker.token, b"%x\r\n" % len(whole) + whole, b"zz\r\n")
        assert knock(address, knocker.token, whole).json()["accepted"] == 1
    assert knocker.ledgers() == [("essai", 1, 1, 0, 0)]


def test_the_size_is_counted_not_believed(knocker: Knocker) -> None:
    part = b"%x\r\n" % 600_000 + b" " * 600_000 + b"\r\n"
    with serving(knocker.app) as address:
        assert b" 413 " in raw(address, knocker.token, part, part).split(b"\r\n")[0]


def test_a_client_that_trickles_is_dropped_and_holds_nobody_up(
    knocker: Knocker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(door_body, "DEADLINE_S", 1.0)
    with serving(knocker.app) as address:
        host, port = address.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), timeout=20) as slow_one:
            slow_one.sendall(
                f"POST /api/events HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {knocker.token}\r\n"
                f"Content-Type: {NDJSON}\r\nContent-Length: 50\r\n\r\n".encode()
            )
            slow_one.sendall(b"{")
            assert knock(address, knocker.token, json.dumps(line(1)).encode()).json()["accepted"] == 1
            assert b" 408 " in slow_one.recv(65_536).split(b"\r\n")[0]
