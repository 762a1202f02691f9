"""Contract 4.5: connections and headers of plain HTTP, hop by hop."""

import pytest

from support.backend import answer, later, raw
from support.client import RawClient, handshake_bytes
from support.http1 import chunked, http, read_response, request_bytes
from support.promise import promise
from support.wire import Wire


@promise("4.5", "A complete streaming reverse proxy")
def test_a_client_connection_is_kept(connection, backend):
    backend.on("/x", lambda request: answer(200, request.target))
    for number in range(20):
        assert connection.request("POST", f"/x?{number}", "body").text == f"/x?{number}"


@promise("4.5", "A complete streaming reverse proxy")
def test_pipelined_requests_are_answered_in_order(connection, backend):
    backend.on("/slow", later(0.1, answer(200, "slow"))).on("/quick", answer(200, "quick"))
    backend.on("/echo", lambda request: answer(200, request.body))
    connection.send(
        request_bytes("GET", "/slow")
        + request_bytes("GET", "/quick")
        + request_bytes("POST", "/echo", body=b"body")
        + request_bytes("POST", "/echo", {"Transfer-Encoding": "chunked"})
        + chunked(b"in ", b"pieces")
        + request_bytes("HEAD", "/quick")
        + request_bytes("GET", "/quick", {"Connection": "close"})
    )
    answers = [
        read_response(connection, method).text
        for method in ("GET", "GET", "POST", "POST", "HEAD", "GET")
    ]
    assert answers == ["slow", "quick", "body", "in pieces", "", "quick"]
    assert connection.ended()


@promise("4.5", "A complete streaming reverse proxy")
def test_a_handshake_may_follow_plain_requests_on_the_same_connection(proxy, backend):
    client = RawClient.to(proxy.public)
    client.send(request_bytes("GET", "/page"))
    assert read_response(client).status == 200
    client.key = "dGhlIHNhbXBsZSBub25jZQ=="
    client.send(handshake_bytes(key=client.key))
    client.finish().text("x")
    assert backend.wait(3)[2].path == "/message"


@promise("4.5", "A complete streaming reverse proxy")
def test_http_1_0_clients_are_served_and_closed(proxy, backend):
    backend.on("/x", answer(200, chunks=["a", "b"]))
    with Wire.to(proxy.public) as wire:
        wire.send(b"GET /x HTTP/1.0\r\nHost: a\r\n\r\n")
        response = read_response(wire)
        assert (response.status, response.body) == (200, b"ab")
        assert "transfer-encoding" not in response, "an HTTP/1.0 client does not know chunks"
        assert wire.ended()


@promise("4.5", "A complete streaming reverse proxy")
def test_hop_by_hop_headers_stay_on_their_hop(connection, backend):
    backend.on(
        "/x",
        answer(
            200,
            "x",
            [
                ("Connection", "X-Back"),
                ("X-Back", "1"),
                ("Keep-Alive", "timeout=9"),
                ("Proxy-Authenticate", "x"),
                ("Upgrade", "h2c"),
                ("X-Kept", "1"),
            ],
        ),
    )
    response = connection.request(
        "GET",
        "/x",
        headers=[
            ("Connection", "X-Forth, keep-alive"),
            ("X-Forth", "1"),
            ("Keep-Alive", "1"),
            ("Proxy-Connection", "1"),
            ("Proxy-Authorization", "1"),
            ("X-Kept", "1"),
        ],
    )
    names = {name.lower() for name, _ in backend.one().headers}
    assert "x-kept" in names and not names & {
        "x-forth",
        "keep-alive",
        "proxy-connection",
        "proxy-authorization",
    }
    names = {name.lower() for name, _ in response.headers}
    assert "x-kept" in names and not names & {
        "x-back",
        "keep-alive",
        "proxy-authenticate",
        "upgrade",
    }


@promise("4.5", "A complete streaming reverse proxy")
@pytest.mark.parametrize("protocol", ["h2c", "TLS/1.0", "foo"])
def test_other_upgrades_are_not_passed_on(connection, backend, protocol):
    connection.request(
        "GET",
        "/x",
        headers={
            "Connection": "Upgrade, HTTP2-Settings",
            "Upgrade": protocol,
            "HTTP2-Settings": "AAMA",
        },
    )
    request = backend.one()
    assert "upgrade" not in request and "http2-settings" not in request
    assert connection.request("GET", "/x").status == 200


@promise("4.5", "A complete streaming reverse proxy")
def test_forwarded_headers_are_ours(connection, backend):
    connection.request(
        "GET",
        "/x",
        host="my.example:81",
        headers=[
            ("X-Forwarded-For", "6.6.6.6"),
            ("X-Forwarded-Proto", "https"),
            ("X-Forwarded-Host", "evil"),
            ("X-Real-IP", "6.6.6.6"),
            ("Forwarded", "for=6.6.6.6"),
        ],
    )
    request = backend.one()
    assert (
        request["x-forwarded-for"],
        request["x-forwarded-proto"],
        request["x-forwarded-host"],
    ) == ("127.0.0.1", "http", "my.example:81")
    assert "6.6.6.6" not in request.raw.decode() and "evil" not in request.raw.decode()
    assert "1.1 sockhook" in request["via"]
