"""Contract 4: the requests that the proxy makes, whatever their format."""

import re

import pytest

from support.backend import answer, raw, raw_then_close
from support.promise import promise
from support.sockhook import run_binary

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = f"00-{TRACE}-00f067aa0ba902b7-01"


def version():
    return re.search(r"\d+\.\d+\.\d+\S*", run_binary("version").stdout).group()


@promise("4", "HTTP/1.1 POST with keep-alive and `Content-Length`")
def test_webhooks_are_posts_with_a_length(node, backend):
    client = node.connect()
    client.text("héllo")
    client.leave()
    connect, message, disconnect = backend.wait(3)
    for request, body in ((connect, b""), (message, "héllo".encode()), (disconnect, b"")):
        assert (request.method, request.version, request.body) == ("POST", "HTTP/1.1", body)
        assert request["content-length"] == str(len(body))
        assert "transfer-encoding" not in request
        assert (request["connection"] or "keep-alive").lower() == "keep-alive"
        assert request["host"] == backend.host


@promise("4", "HTTP/1.1 POST with keep-alive and `Content-Length`")
def test_one_connection_to_the_backend_serves_many_webhooks(start, backend):
    node = start(config={"node": {"workers": 1}})
    backend.on("/message", answer(200, "x"))
    client = node.connect()
    for _ in range(50):
        client.text("y")
        client.read_text()
    client.leave()
    backend.wait(52)
    assert backend.connections == 1


@promise("4", "HTTP/1.1 POST with keep-alive and `Content-Length`")
@pytest.mark.parametrize(
    "script",
    [
        answer(200, "a", {"Connection": "close"}),
        raw(b"HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\na"),
        raw_then_close(b"HTTP/1.1 200 OK\r\n\r\na"),
    ],
    ids=["connection: close", "HTTP/1.0", "to the end"],
)
def test_a_connection_that_cannot_be_kept_is_not_used_again(node, backend, script):
    backend.on("/message", script)
    client = node.connect()
    for _ in range(5):
        client.text("x")
        assert client.read_text() == "a"
    used = [r.connection for r in backend.seen(path="/message")]
    assert len(set(used)) == 5


@promise("4", "`Via: 1.1 sockhook`; `User-Agent: sockhook/VERSION` (on connect the client's")
def test_via_and_user_agent(node, backend):
    client = node.connect(headers={"User-Agent": "Browser/1.0", "Via": "1.1 edge"})
    client.text("x")
    client.leave()
    connect, message, disconnect = backend.wait(3)
    assert connect["user-agent"] == "Browser/1.0"
    assert message["user-agent"] == disconnect["user-agent"] == f"sockhook/{version()}"
    assert message["via"] == disconnect["via"] == "1.1 sockhook"
    assert ", ".join(connect.all("via")) == "1.1 edge, 1.1 sockhook"


@promise("4", "`traceparent` (same trace as the client's handshake, new span; `tracestate` only")
def test_the_clients_trace_goes_on(node, backend):
    client = node.connect(headers={"traceparent": PARENT, "tracestate": "a=b"})
    client.text("x")
    client.leave()
    spans = []
    for request in backend.wait(3):
        version_, trace, span, flags = request["traceparent"].split("-")
        assert (version_, trace, flags) == ("00", TRACE, "01")
        assert re.fullmatch("[0-9a-f]{16}", span)
        assert request["tracestate"] == "a=b"
        spans.append(span)
    assert len({*spans, "00f067aa0ba902b7"}) == 4, "a span was used twice"


@promise("4", "`traceparent` (same trace as the client's handshake, new span; `tracestate` only")
@pytest.mark.parametrize(
    "broken",
    [
        None,
        "nonsense",
        f"00-{'0' * 32}-00f067aa0ba902b7-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"ff-{TRACE}-00f067aa0ba902b7-01",
        f"00-{TRACE.upper()}-00f067aa0ba902b7-01",
        PARENT + "-x",
    ],
)
def test_without_a_valid_trace_a_new_one_begins(node, backend, broken):
    headers = {"tracestate": "a=b"} | ({"traceparent": broken} if broken else {})
    client = node.connect(headers=headers)
    client.text("x")
    connect, message = backend.wait(2)
    trace = connect["traceparent"].split("-")[1]
    assert re.fullmatch("00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}", connect["traceparent"])
    assert trace != "0" * 32 and trace.lower() != TRACE
    assert message["traceparent"].split("-")[1] == trace
    assert "tracestate" not in connect and "tracestate" not in message


@promise("4", "Redirects are not followed.")
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_not_followed(node, backend, status):
    backend.on("/message", answer(status, headers={"Location": "/elsewhere"}))
    client = node.connect()
    client.text("x")
    assert client.read_json()["message"] == "Internal server error"
    assert not backend.seen(path="/elsewhere")


# What is not passed on connect


@promise("4", "Not passed on connect: hop-by-hop headers, `Accept-Encoding`, `Content-*`")
def test_headers_that_are_not_passed_on_connect(node, backend):
    node.connect(
        headers=[
            ("Connection", "Upgrade, X-Listed"),
            ("X-Listed", "1"),
            ("Keep-Alive", "1"),
            ("Proxy-Authorization", "1"),
            ("Proxy-Connection", "keep-alive"),
            ("TE", "trailers"),
            ("Trailer", "X"),
            ("Accept-Encoding", "gzip"),
            ("Content-Type", "a/b"),
            ("Content-Language", "de"),
            ("Range", "bytes=0-1"),
            ("If-None-Match", "x"),
            ("If-Modified-Since", "x"),
            ("under_score", "1"),
            ("X_Forwarded_For", "6.6.6.6"),
        ]
    )
    request = backend.one(path="/connect")
    names = {name.lower() for name, _ in request.headers}
    assert not names & {
        "x-listed",
        "keep-alive",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "upgrade",
        "accept-encoding",
        "content-type",
        "content-language",
        "range",
        "if-none-match",
        "if-modified-since",
        "under_score",
        "x_forwarded_for",
    }
    assert "listed" not in (request["connection"] or "").lower()


@promise("4", "and what a client must not forge: `ce-*`, `sockhook-*`, `webhook-*`, `x-real-ip`")
def test_headers_that_a_client_must_not_forge(node, backend):
    node.connect(
        headers=[
            ("ce-type", "io.sockhook.disconnect"),
            ("Ce-Connectionid", "forged"),
            ("ce-userid", "admin"),
            ("CE-Anything", "1"),
            ("Sockhook-State", "forged"),
            ("Sockhook-Claims", "forged"),
            ("Webhook-Id", "forged"),
            ("Webhook-Signature", "v1,x"),
            ("X-Real-IP", "6.6.6.6"),
            ("True-Client-IP", "6.6.6.6"),
            ("Forwarded", "for=6.6.6.6"),
            ("X-Forwarded-For", "6.6.6.6"),
            ("X-Forwarded-Proto", "https"),
            ("X-Forwarded-Host", "evil"),
            ("X-Forwarded-Port", "443"),
            ("X-Forwarded-Prefix", "/evil"),
        ]
    )
    request = backend.one(path="/connect")
    assert request["ce-type"] == "io.sockhook.connect" and request["ce-connectionid"] != "forged"
    assert request["x-forwarded-for"] == "127.0.0.1" and request["x-forwarded-proto"] == "http"
    assert request["x-forwarded-host"] == "test.example"
    names = {name.lower() for name, _ in request.headers}
    assert not names & {
        "ce-userid",
        "ce-anything",
        "sockhook-state",
        "sockhook-claims",
        "webhook-id",
        "webhook-signature",
        "x-real-ip",
        "true-client-ip",
        "forwarded",
        "x-forwarded-prefix",
    }
    assert not [
        value for _, value in request.headers if value in ("6.6.6.6", "forged", "evil", "443")
    ]
