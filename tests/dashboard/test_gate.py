"""The gate: foreign hosts and origins stay out, over websockets too; headers that only we may set are stripped."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocket, WebSocketDisconnect

from dashboard.gate import DATA_TYPES, Gate, host_name, policy_of


async def headers(request: Request) -> Response:
    media_type = request.query_params.get("type", "text/html")
    body = json.dumps(dict(request.headers))
    return Response(body, media_type=media_type, headers={"Access-Control-Allow-Origin": "*"})


async def echo(websocket: WebSocket) -> None:
    await websocket.accept()
    await websocket.send_text("bonjour")
    await websocket.close()


INNER = Starlette(routes=[Route("/headers", headers), Route("/component/x", headers), WebSocketRoute("/ws", echo)])


@pytest.fixture
def client() -> TestClient:
    return TestClient(Gate(INNER, {"carte.intra", "127.0.0.1"}), base_url="http://carte.intra:8501")


def test_a_known_host_passes_with_security_headers(client: TestClient) -> None:
    response = client.get("/headers")
    assert response.status_code == 200
    assert response.headers["x-content-type-options"] == "nosniff"
    assert "frame-ancestors 'self'" in response.headers["content-security-policy"]
    assert "unsafe-eval'" not in response.headers["content-security-policy"].replace("wasm-unsafe-eval", "")
    assert "access-control-allow-origin" not in response.headers


@pytest.mark.parametrize("media_type", sorted(DATA_TYPES))
def test_in_what_a_page_fetches_nothing_may_run_or_be_framed(client: TestClient, media_type: str) -> None:
    headers = client.get("/headers", params={"type": f"{media_type}; charset=utf-8"}).headers
    assert headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert "access-control-allow-origin" not in headers


@pytest.mark.parametrize("media_type", ["text/html", "text/javascript", "image/svg+xml", "application/xhtml+xml"])
def test_whatever_may_hold_a_script_has_the_rules_of_a_page(client: TestClient, media_type: str) -> None:
    headers = client.get("/headers", params={"type": media_type}).headers
    assert headers["content-security-policy"] == policy_of("/headers")
    assert headers["x-frame-options"] == "SAMEORIGIN"
    assert headers["permissions-policy"]


def test_only_components_may_evaluate_scripts(client: TestClient) -> None:
    assert "'unsafe-eval'" in client.get("/component/x").headers["content-security-policy"]
    assert "'unsafe-eval'" not in policy_of("/componentx")


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8501", "carte.intra.evil.example", ""])
def test_a_foreign_host_is_refused(client: TestClient, host: str) -> None:
    response = client.get("/headers", headers={"Host": host})
    assert response.status_code == 421
    assert "HEXACROSS_NAMES" in response.json()["error"]


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://carte.intra:9999", "http://carte.intra"])
def test_a_foreign_origin_is_refused(client: TestClient, origin: str) -> None:
    assert client.get("/headers", headers={"Origin": origin}).status_code == 403


def test_our_own_origin_passes(client: TestClient) -> None:
    assert client.get("/headers", headers={"Origin": "http://carte.intra:8501"}).status_code == 200


def test_private_headers_are_stripped(client: TestClient) -> None:
    seen = client.get("/headers", headers={"X-Hx-User": "chef", "X-Other": "1"}).json()
    assert "x-hx-user" not in seen
    assert seen["x-other"] == "1"


def test_a_websocket_of_ours_opens(client: TestClient) -> None:
    with client.websocket_connect("ws://carte.intra:8501/ws", headers={"Origin": "http://carte.intra:8501"}) as socket:
        assert socket.receive_text() == "bonjour"


@pytest.mark.parametrize(
    ("given", "code"), [({"Origin": "http://evil.example"}, 4403), ({"Host": "evil.example"}, 4421)]
)
def test_a_foreign_websocket_is_closed(client: TestClient, given: dict[str, str], code: int) -> None:
    with (
        pytest.raises(WebSocketDisconnect) as closed,
        client.websocket_connect("ws://carte.intra:8501/ws", headers=given),
    ):
        pass
    assert closed.value.code == code


@pytest.mark.parametrize(
    ("host", "name"), [("Carte.intra:80", "carte.intra"), ("carte", "carte"), ("[::1]:80", "[::1]"), ("[::1]", "[::1]")]
)
def test_host_name(host: str, name: str) -> None:
    assert host_name(host) == name


@given(st.from_regex(r"[a-z][a-z0-9.-]{0,20}", fullmatch=True), st.integers(1, 65535))
def test_the_port_never_changes_the_name(name: str, port: int) -> None:
    assert host_name(f"{name}:{port}") == host_name(name)


def test_images_come_from_us_or_from_the_one_origin_of_the_settings() -> None:
    assert "img-src 'self' data: blob:;" in policy_of("/")
    gate = TestClient(Gate(INNER, {"carte.intra"}, images="https://tuiles.intra"), base_url="http://carte.intra")
    for path in ("/headers", "/component/x"):
        policy = gate.get(path).headers["content-security-policy"]
        assert "img-src 'self' data: blob: https://tuiles.intra;" in policy
        assert policy.count("https:") == 1  # for images, and nothing else
