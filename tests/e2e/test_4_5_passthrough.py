"""Contract 4.5: plain HTTP is reverse-proxied, streaming both ways."""

import threading
import time

import pytest

from support.backend import (
    Script,
    answer,
    early,
    hang,
    in_turn,
    later,
    raw,
    raw_then_close,
    reset,
)
from support.client import RawClient, handshake_bytes
from support.http1 import (
    HttpConnection,
    chunked,
    head_bytes,
    http,
    read_body,
    read_chunked,
    read_response,
    read_response_head,
    request_bytes,
)
from support.ports import free_port
from support.promise import promise
from support.sockhook import PASSTHROUGH, SLOWED
from support.waiting import eventually
from support.wire import Ended, Wire

MIB = 1 << 20
# What goes through


@promise("4.5", "A complete streaming reverse proxy")
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "PROPFIND"])
def test_any_request_goes_through_whole(connection, backend, method):
    backend.on(
        "/a/b",
        answer(
            200,
            "the answer",
            [("X-A", "1"), ("Set-Cookie", "a=1"), ("Set-Cookie", "b=2")],
            content_type="x/y",
        ),
    )
    body = None if method in ("GET", "DELETE", "OPTIONS") else b"\0the body\xff"
    response = connection.request(
        method,
        "/a/b?q=%20x&r",
        body,
        [
            ("X-Custom", "1"),
            ("X-Custom", "2"),
            ("Cookie", "s=1"),
            ("Accept-Encoding", "gzip"),
            ("If-None-Match", '"x"'),
        ],
    )
    request = backend.one()
    assert (request.method, request.target, request.body) == (method, "/a/b?q=%20x&r", body or b"")
    assert ", ".join(request.all("x-custom")) == "1, 2"
    assert (request["cookie"], request["accept-encoding"], request["if-none-match"]) == (
        "s=1",
        "gzip",
        '"x"',
    )
    assert (response.status, response.text, response["x-a"], response["content-type"]) == (
        200,
        "the answer",
        "1",
        "x/y",
    )
    assert response.all("set-cookie") == ["a=1", "b=2"]


@promise("2", "Any request that is no WebSocket handshake is proxied there, on any path")
@pytest.mark.parametrize("target", ["/", "/chat", "/chat/deeper", "/a%20b/%C3%A9?x=%2F", "/*"])
def test_any_path_goes_through(connection, backend, target):
    assert connection.request("GET", target).status == 200
    assert backend.one().target == target


@promise("2", "Any request that is no WebSocket handshake is proxied there, on any path")
def test_handshakes_on_endpoints_stay_ours(proxy, backend):
    client = proxy.connect()
    client.text("x")
    assert [r.path for r in backend.wait(2)] == ["/connect", "/message"]


@promise("2", "Any request that is no WebSocket handshake is proxied there, on any path")
def test_passthrough_needs_no_endpoint(start, backend):
    node = start({"endpoints": None, **PASSTHROUGH})
    assert node.get("/x").status == 200
    assert node.refused("/x").status == 404


@promise("4.5", "A complete streaming reverse proxy")
@pytest.mark.parametrize("status", [200, 201, 204, 206, 301, 304, 400, 404, 418, 500, 503, 599])
def test_any_status_goes_through(connection, backend, status):
    backend.on(
        "/x",
        answer(
            status, b"" if status in (204, 304) else b"body", {"ETag": '"e"'}, reason="My Reason"
        ),
    )
    for _ in range(2):  # the connection is still in step
        response = connection.request("GET", "/x")
        assert (response.status, response["etag"]) == (status, '"e"')
        assert response.body == (b"" if status in (204, 304) else b"body")


@promise("4.5", "A complete streaming reverse proxy")
def test_head_has_no_body(connection, backend):
    backend.on("/x", raw(b"HTTP/1.1 200 OK\r\nContent-Length: 1234\r\nX-A: 1\r\n\r\n"))
    response = connection.request("HEAD", "/x")
    assert (response.status, response["content-length"], response["x-a"], response.body) == (
        200,
        "1234",
        "1",
        b"",
    )
    assert connection.request("GET", "/y").status == 200


@promise("4.5", "A complete streaming reverse proxy")
def test_a_chunked_request_goes_through_with_its_trailers(connection, backend):
    backend.on("/x", answer(200, "got it"))
    connection.send(
        request_bytes("POST", "/x", {"Transfer-Encoding": "chunked", "Trailer": "X-Sum"})
        + chunked(b"one", b"two" * 1000, trailers={"X-Sum": "7"})
    )
    assert connection.response().text == "got it"
    request = backend.one()
    assert request.body == b"one" + b"two" * 1000
    assert ("X-Sum", "7") in request.trailers


@promise("4.5", "A complete streaming reverse proxy")
def test_a_chunked_answer_goes_through_with_its_trailers(connection, backend):
    backend.on(
        "/x",
        raw(
            head_bytes("HTTP/1.1 200 OK", {"Transfer-Encoding": "chunked", "Trailer": "X-Sum"})
            + chunked(b"one", b"two" * 1000, trailers={"X-Sum": "7"})
        ),
    )
    response = connection.request("GET", "/x", headers={"TE": "trailers"})
    assert response.body == b"one" + b"two" * 1000
    assert ("X-Sum", "7") in response.trailers
    assert connection.request("GET", "/y").status == 200


@promise("4.5", "A complete streaming reverse proxy")
@pytest.mark.parametrize("start_line", ["HTTP/1.1 200 OK", "HTTP/1.0 200 OK"])
def test_an_answer_that_ends_with_the_connection_goes_through(connection, backend, start_line):
    backend.on(
        "/x",
        raw_then_close(start_line.encode() + b"\r\nContent-Type: a/b\r\n\r\n" + b"until the end"),
    )
    response = connection.request("GET", "/x")
    assert response.body == b"until the end"
    assert response["transfer-encoding"] == "chunked" or response["connection"] == "close"


@promise("4.5", "A complete streaming reverse proxy")
def test_1xx_answers_go_through(connection, backend):
    backend.on(
        "/x",
        raw(
            b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n"
            b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
        ),
    )
    response = connection.request("GET", "/x")
    assert response.text == "ok"
    assert [(i.status, i["link"]) for i in response.interim] == [(103, "</a.css>")]


@promise("4.5", "A complete streaming reverse proxy")
def test_expect_100_continue(connection, backend):
    """A client that waits for 100 gets it, from the backend or from us, and its body arrives."""

    def play(wire, request):
        wire.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        read_body(wire, request)
        answer(200, b"got " + request.body).play(wire, request)

    backend.on("/x", early(play))
    connection.send(request_bytes("POST", "/x", {"Expect": "100-continue", "Content-Length": "5"}))
    assert read_response_head(connection).status == 100
    connection.send(b"hello")
    assert connection.response().text == "got hello"
    backend.on("/x", answer(200, "plain"))
    assert connection.request("GET", "/x").text == "plain"


@promise("4.5", "A complete streaming reverse proxy")
def test_a_refusal_of_an_expectation_goes_through(connection, backend):
    backend.on(
        "/x",
        early(
            lambda wire, request: (
                answer(413, "too big", {"Connection": "close"}).play(wire, request),
                wire.close(),
            )
        ),
    )
    connection.send(
        request_bytes("POST", "/x", {"Expect": "100-continue", "Content-Length": "5000000"})
    )
    response = connection.response()
    statuses = [i.status for i in response.interim] + [response.status]
    assert statuses in ([413], [100, 413])


# Streaming


@promise("4.5", "A complete streaming reverse proxy")
def test_an_answer_streams(connection, backend):
    go = threading.Event()

    def play(wire, request):
        wire.send(
            head_bytes(
                "HTTP/1.1 200 OK",
                {"Transfer-Encoding": "chunked", "Content-Type": "text/event-stream"},
            )
            + b"5\r\nfirst\r\n"
        )
        go.wait(8)
        wire.send(b"6\r\nsecond\r\n0\r\n\r\n")

    backend.on("/x", Script(play))
    connection.send(request_bytes("GET", "/x"))
    head = read_response_head(connection)
    assert head["content-type"] == "text/event-stream"
    assert connection.read_until(b"first\r\n")
    go.set()
    assert read_chunked(connection)[0] == b"second"


@promise("4.5", "A complete streaming reverse proxy")
@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_a_request_streams(connection, backend, framing):
    seen = threading.Event()

    def play(wire, request):
        wire.read_until(b"first")
        seen.set()
        wire.read_until(b"second")
        if framing == "chunked":
            wire.read_until(b"0\r\n\r\n")
        answer(200, "whole").play(wire, request)

    backend.on("/x", early(play))
    if framing == "chunked":
        connection.send(
            request_bytes("POST", "/x", {"Transfer-Encoding": "chunked"}) + b"5\r\nfirst\r\n"
        )
    else:
        connection.send(request_bytes("POST", "/x", {"Content-Length": "11"}) + b"first")
    assert seen.wait(8), "the first half waits for the second"
    connection.send(b"6\r\nsecond\r\n0\r\n\r\n" if framing == "chunked" else b"second")
    assert connection.response().text == "whole"


@promise("4.5", "no size limit, no retries once a body byte was sent.")
def test_bodies_of_any_size_go_through(start, backend):
    node = start({**PASSTHROUGH}, app={"answer_size": "1KiB"}, limits={"message_size": "1KiB"})
    big = bytes(range(256)) * (20 * MIB // 256)
    backend.on(
        "/up",
        lambda request: answer(200, str(len(request.body)) if request.body == big else "differs"),
    )
    backend.on("/down", answer(200, big)).on(
        "/chunks", answer(200, chunks=[big[: MIB + n] for n in range(10)])
    )
    assert node.get("/down", timeout=30).body == big
    assert len(node.get("/chunks", timeout=30).body) == 10 * MIB + 45
    assert http(node.public, "POST", "/up", big, timeout=30).text == str(len(big))


@promise("4.5", "A complete streaming reverse proxy")
def test_a_slow_reader_holds_the_backend_up_and_not_our_memory(proxy, backend):
    stopped = threading.Event()

    def play(wire, request):
        wire.sock.settimeout(1)
        wire.send(head_bytes("HTTP/1.1 200 OK", {"Content-Length": 256 * MIB}))
        try:
            for _ in range(256):
                wire.send(b"x" * MIB)
        except TimeoutError:
            stopped.set()
        wire.reset()

    backend.on("/x", Script(play))
    before = proxy.rss()
    with HttpConnection.to(proxy.public, receive_buffer=4096) as slow:
        slow.send(request_bytes("GET", "/x"))
        assert stopped.wait(20), "the backend was never held up"
        assert SLOWED or proxy.rss() - before < 8 * MIB


@promise("4.5", "A complete streaming reverse proxy")
def test_a_slow_backend_holds_the_client_up_and_not_our_memory(proxy, backend):
    release = threading.Event()
    backend.on("/x", early(lambda wire, request: (release.wait(20), wire.reset())))
    before = proxy.rss()
    with HttpConnection.to(proxy.public, timeout=1) as client:
        client.send(request_bytes("POST", "/x", {"Content-Length": 256 * MIB}))
        with pytest.raises(TimeoutError):
            for _ in range(256):
                client.send(b"x" * MIB)
        assert SLOWED or proxy.rss() - before < 8 * MIB
    release.set()


# Connections


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


# Failures


@promise("4.5", "A complete streaming reverse proxy")
def test_an_unreachable_backend_is_502(start):
    node = start(PASSTHROUGH, app={"url": f"http://127.0.0.1:{free_port()}"})
    with HttpConnection.to(node.public) as connection:
        assert connection.request("GET", "/x").status == 502
        assert connection.request("POST", "/x", "body").status == 502


@promise("4.5", "A complete streaming reverse proxy")
@pytest.mark.parametrize(
    "script",
    [
        raw_then_close(),
        reset(),
        raw_then_close(b"HTTP/1.1 2"),
        raw_then_close(b"junk\r\n\r\n"),
        raw_then_close(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n"),
        raw_then_close(
            b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
        ),
    ],
    ids=["closed", "reset", "cut", "junk", "101", "ambiguous"],
)
def test_a_broken_answer_is_502(connection, backend, script):
    backend.on("/x", script)
    assert connection.request("POST", "/x", "b").status == 502


@promise("4.5", "`timeout` runs until the answer's head, then 60 s without a byte")
def test_a_head_that_does_not_come_is_504(start, backend):
    node = start(PASSTHROUGH, app={"timeout": "200ms"})
    backend.on("/x", hang())
    assert node.get("/x").status == 504


@promise("4.5", "`timeout` runs until the answer's head, then 60 s without a byte")
def test_the_timeout_does_not_cut_a_body(start, backend):
    node = start(PASSTHROUGH, app={"timeout": "300ms"})

    def play(wire, request):
        wire.send(head_bytes("HTTP/1.1 200 OK", {"Content-Length": 10}))
        for _ in range(10):
            time.sleep(0.08)
            wire.send(b"x")

    backend.on("/x", Script(play))
    assert node.get("/x").body == b"x" * 10


@promise("4.5", "A complete streaming reverse proxy")
@pytest.mark.parametrize(
    "script",
    [
        raw_then_close(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf"),
        reset(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n"),
        raw_then_close(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\nzz\r\n"),
    ],
    ids=["cut", "reset", "bad chunk"],
)
def test_an_answer_that_breaks_off_does_not_look_whole(connection, backend, script):
    backend.on("/x", script)
    connection.send(request_bytes("GET", "/x"))
    with pytest.raises(Ended):
        connection.response()


@promise("4.5", "A complete streaming reverse proxy")
def test_a_client_that_aborts_frees_the_backend(proxy, backend):
    backend.on("/x", hang())
    client = HttpConnection.to(proxy.public)
    client.send(request_bytes("GET", "/x"))
    backend.wait(1)
    client.reset()
    eventually(lambda: backend.running == 0)


@promise("4.5", "no size limit, no retries once a body byte was sent.")
def test_a_request_with_a_body_is_not_sent_twice(start, backend):
    node = start({**PASSTHROUGH, "node": {"workers": 1}})
    with HttpConnection.to(node.public) as connection:
        connection.request("POST", "/x", "warm")
        backend.on("/x", in_turn(reset(), answer(200)))
        assert connection.request("POST", "/x", "body").status == 502
        assert len(backend.seen()) == 2
