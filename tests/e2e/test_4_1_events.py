"""Contract 4.1: CloudEvents in HTTP binary mode."""

import re
import time
from datetime import datetime, timezone
from urllib.parse import unquote

import pytest

from support.backend import answer, in_turn
from support.promise import promise

FAILURE = "Internal server error"


def life(node, backend, message="hello", **how):
    """One connection with one message: its three webhooks."""
    client = node.connect(**how)
    client.text(message)
    client.leave(4001, "a b")
    return backend.wait(3)


# The headers


@promise("4.1", "`1.0`; when it happened, RFC 3339 UTC with milliseconds, the same on retries")
def test_specversion_and_time(node, backend):
    for request in life(node, backend):
        assert request["ce-specversion"] == "1.0"
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", request["ce-time"])
        at = datetime.strptime(request["ce-time"], "%Y-%m-%dT%H:%M:%S.%fZ").replace(
            tzinfo=timezone.utc
        )
        assert abs(at.timestamp() - time.time()) < 60


@promise("4.1", "`1.0`; when it happened, RFC 3339 UTC with milliseconds, the same on retries")
def test_the_time_is_the_same_on_retries(node, backend):
    backend.on("/disconnect", in_turn(answer(500), answer(200)))
    life(node, backend)
    first, second = backend.wait(2, type="disconnect")
    assert first["ce-time"] == second["ce-time"] and first["ce-id"] == second["ce-id"]


@promise("4.1", "`io.sockhook.connect`, `io.sockhook.message`, `io.sockhook.disconnect`")
def test_types(node, backend):
    assert [r["ce-type"] for r in life(node, backend)] == [
        "io.sockhook.connect",
        "io.sockhook.message",
        "io.sockhook.disconnect",
    ]


@promise("4.1", "`/nodes/NODE/endpoints/NAME` of the node that held the connection")
def test_source(start, backend):
    node = start(name="my-chat", config={"node": {"id": "gw-7"}})
    assert {r["ce-source"] for r in life(node, backend)} == {"/nodes/gw-7/endpoints/my-chat"}


@promise("4.1", "`CONNECTION-0` for connect, `CONNECTION-1`, `-2`, … for messages that reach a")
def test_ids(node, backend):
    client = node.connect()
    connection = backend.newest()
    for _ in range(3):
        client.text("x")
    client.leave()
    assert [r["ce-id"] for r in backend.wait(5)] == [
        f"{connection}-{n}" for n in (0, 1, 2, 3, "end")
    ]


@promise("4.1", "`CONNECTION-0` for connect, `CONNECTION-1`, `-2`, … for messages that reach a")
def test_messages_that_reach_no_webhook_use_no_number(start, backend):
    node = start(select="$request.body.action", routes={"$connect": "/connect", "say": "/message"})
    client = node.connect()
    client.text("nobody wants this")
    assert client.read_json()["message"] == "Forbidden"
    client.json({"action": "say"})
    assert backend.wait(1, path="/message")[0]["ce-id"] == backend.newest() + "-1"


@promise("4.1", "`ce-connectionid` `ce-endpoint` `ce-routekey` `ce-userid` | the last when known")
def test_connection_endpoint_route_and_user(start, backend):
    node = start(
        select="$request.body.action",
        routes={
            "$connect": "/connect",
            "$disconnect": "/disconnect",
            "$default": "/message",
            "join": "/join",
        },
    )
    backend.on("/connect", answer(200, headers={"Sockhook-User": "ann"}))
    client = node.connect()
    client.json({"action": "join"})
    client.text("x")
    client.leave()
    requests = backend.wait(4)
    assert {r["ce-connectionid"] for r in requests} == {backend.newest()}
    assert {r["ce-endpoint"] for r in requests} == {"chat"}
    assert [r["ce-routekey"] for r in requests] == ["$connect", "join", "$default", "$disconnect"]
    assert [r["ce-userid"] for r in requests] == [None, "ann", "ann", "ann"]


@promise("4.1", "disconnect only; the reason when not empty; `client`, `backend`, `proxy`")
def test_close_headers(node, backend):
    connect, message, disconnect = life(node, backend)
    for request in (connect, message):
        assert not [name for name, _ in request.headers if name.lower().startswith("ce-close")]
    assert disconnect["ce-closecode"] == "4001"
    assert disconnect["ce-closereason"] == "a%20b"
    assert disconnect["ce-closedby"] == "client"
    node.connect().leave(1000)
    assert "ce-closereason" not in backend.wait(2, type="disconnect")[1]


@promise("4.1", "the state that the backend last set (4.3)")
def test_the_state_comes_back(node, backend):
    backend.on("/connect", answer(200, headers={"Sockhook-State": "s0"}))
    backend.on("/message", in_turn(answer(204), answer(204, headers={"Sockhook-State": "s1"})))
    client = node.connect()
    client.text("1")
    client.text("2")
    client.text("3")
    client.leave()
    assert [r["sockhook-state"] for r in backend.wait(5)] == [None, "s0", "s0", "s1", "s1"]


@promise("4.1", "of the handshake: the client's address alone, also behind trusted proxies")
def test_forwarded_headers_on_every_webhook(node, backend):
    for request in life(node, backend, host="chat.example:8443"):
        assert request["x-forwarded-for"] == "127.0.0.1"
        assert request["x-forwarded-proto"] == "http"
        assert request["x-forwarded-host"] == "chat.example:8443"


@promise("4.1", "of the handshake: the client's address alone, also behind trusted proxies")
def test_forwarded_headers_behind_trusted_proxies(start, backend):
    node = start(listen={"trusted_proxies": ["127.0.0.0/8", "10.0.0.0/8"]})
    for request in life(
        node,
        backend,
        headers=[
            ("X-Forwarded-For", "6.6.6.6, 203.0.113.9"),
            ("X-Forwarded-For", "10.1.2.3"),
            ("X-Forwarded-Proto", "https"),
            ("X-Forwarded-Host", "public.example"),
        ],
    ):
        assert request["x-forwarded-for"] == "203.0.113.9"
        assert request["x-forwarded-proto"] == "https"
        assert request["x-forwarded-host"] == "public.example"


def test_header_values_are_percent_encoded_as_the_binding_says(node, backend):
    """CloudEvents HTTP binding 3.1.3.2: space, quote, percent and all but printable ASCII."""
    backend.on("/connect", answer(200, headers={"Sockhook-User": 'a%20b %22"é€\U0001f600'}))
    client = node.connect()
    client.text("x")
    value = backend.wait(1, path="/message")[0]["ce-userid"]
    assert re.fullmatch(r"[!#-$&-~]*(?:%[0-9A-F]{2}[!#-$&-~]*)*", value), value
    assert unquote(value) in ('a b ""é€\U0001f600', 'a%20b %22"é€\U0001f600')


# The body


@promise("4.1", "Body: none for connect and disconnect, the message's bytes for a message.")
def test_bodies(node, backend):
    payload = bytes(range(256)) * 5
    client = node.connect()
    client.binary(payload)
    client.leave()
    connect, message, disconnect = backend.wait(3)
    assert (connect.body, message.body, disconnect.body) == (b"", payload, b"")
    assert "content-type" not in connect and "content-type" not in disconnect


@promise("4.1", "for text `application/json` where the endpoint selects by body and the message")
@pytest.mark.parametrize(
    "select, text, expected",
    [
        ("$request.body.action", '{"action": "x"}', "application/json"),
        ("$request.body.action", '{"other": [1, 2, null]}', "application/json"),
        ("$request.body.action", "no json", "text/plain; charset=utf-8"),
        ("$request.body.action", '{"action": "x"', "text/plain; charset=utf-8"),
        ("$request.body.action", "", "text/plain; charset=utf-8"),
        (None, '{"action": "x"}', "text/plain; charset=utf-8"),
    ],
)
def test_the_content_type_of_text(start, backend, select, text, expected):
    node = start(**({"select": select} if select else {}))
    node.connect().text(text)
    assert backend.one(path="/message")["content-type"] == expected


@promise("4.1", "Content type: `application/octet-stream` for binary")
def test_the_content_type_of_binary(start, backend):
    start(select="$request.body.action").connect().binary(b'{"action": "x"}')
    assert backend.one(path="/message")["content-type"] == "application/octet-stream"


@promise("4.1", "a route's `content_type` overrides.")
def test_a_routes_content_type_overrides(start, backend):
    node = start(
        routes={
            "$connect": "/connect",
            "$default": {"path": "/message", "content_type": "application/vnd.x+json"},
        }
    )
    client = node.connect()
    client.text("x")
    client.binary(b"y")
    assert {r["content-type"] for r in backend.wait(2, path="/message")} == {
        "application/vnd.x+json"
    }


@promise("4.1", "Connect carries the client's own headers and query string, so the backend's")
def test_connect_carries_headers_and_query(node, backend):
    node.connect(
        "/chat?a=1&b=%20x&a=2&empty=&c[]=%C3%A9",
        headers=[
            ("Cookie", "session=abc; theme=dark"),
            ("Authorization", "Bearer t"),
            ("X-Custom", "1"),
            ("X-Custom", "2"),
            ("Accept-Language", "de"),
            ("Origin", "https://example.com"),
            ("Referer", "https://example.com/x"),
        ],
    )
    request = backend.one(path="/connect")
    assert request.target == "/connect?a=1&b=%20x&a=2&empty=&c[]=%C3%A9"
    assert request["cookie"] == "session=abc; theme=dark"
    assert request["authorization"] == "Bearer t"
    assert ", ".join(request.all("x-custom")) == "1, 2"
    assert request["accept-language"] == "de"
    assert request["origin"] == "https://example.com"
    assert request["referer"] == "https://example.com/x"
    assert len(request.all("host")) == 1
