"""Contract 3.1: the opening handshake."""

import threading

import pytest

from support.backend import answer, by_byte, hang, raw, raw_then_close, reset, when
from support.client import TEXT, frame, handshake_bytes
from support.http1 import http, read_response
from support.ports import free_port
from support.promise import promise
from support.waiting import eventually
from support.wire import Wire


@promise("3.1", "RFC 6455, held while `$connect` is asked.")
def test_the_handshake_is_held_while_connect_is_asked(node, backend):
    go = threading.Event()
    backend.on("/connect", when(go, answer(200)))
    client = node.begin()
    backend.wait(path="/connect")
    assert client.silent(), "answered before the backend did"
    go.set()
    client.finish()


@promise("3.1", "2xx: 101.")
@pytest.mark.parametrize("status", [200, 201, 202, 204, 206, 299])
def test_any_2xx_accepts(node, backend, status):
    backend.on("/connect", answer(status))
    assert node.connect().response.status == 101


@promise("3.1", "Anything else: that status, its body and its end-to-end headers (without")
@pytest.mark.parametrize("status", [300, 302, 400, 401, 403, 404, 418, 429, 500, 503, 599])
def test_a_refusal_reaches_the_client_as_the_backend_wrote_it(node, backend, status):
    backend.on(
        "/connect",
        answer(
            status,
            "the reason why",
            [
                ("X-Reason", "age"),
                ("Set-Cookie", "a=1"),
                ("Set-Cookie", "b=2"),
                ("Location", "/login"),
                ("WWW-Authenticate", "Basic"),
                ("Sockhook-Join", "g"),
                ("sockhook-whatever", "x"),
                ("Connection", "X-Hop"),
                ("X-Hop", "1"),
                ("Keep-Alive", "timeout=5"),
                ("Proxy-Authenticate", "Basic"),
            ],
            content_type="text/x-reason",
        ),
    )
    response = node.refused()
    assert (response.status, response.text) == (status, "the reason why")
    assert response["content-type"] == "text/x-reason"
    assert response["x-reason"] == "age" and response["location"] == "/login"
    assert response["www-authenticate"] == "Basic"
    assert response.all("set-cookie") == ["a=1", "b=2"]
    names = {name.lower() for name, _ in response.headers}
    assert not [name for name in names if name.startswith("sockhook-")]
    assert not names & {"x-hop", "keep-alive", "proxy-authenticate"}


@promise("3.1", "Anything else: that status, its body and its end-to-end headers (without")
def test_a_chunked_refusal_keeps_its_body(node, backend):
    backend.on("/connect", answer(403, chunks=["not ", "to", "day"]))
    response = node.refused()
    assert (response.status, response.text) == (403, "not today")


@promise("3.1", "Backend unreachable 502, timed out 504, malformed")
def test_an_unreachable_backend_is_502(start):
    node = start(app={"url": f"http://127.0.0.1:{free_port()}"})
    assert node.refused().status == 502


@promise("3.1", "Backend unreachable 502, timed out 504, malformed")
def test_a_backend_that_does_not_answer_is_504(start, backend):
    backend.on("/connect", hang())
    assert start(app={"timeout": "150ms"}).refused().status == 504


@promise("3.1", "Backend unreachable 502, timed out 504, malformed")
def test_an_answer_that_does_not_end_is_504(start, backend):
    backend.on(
        "/connect", by_byte(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + b"x" * 1000, 0.02)
    )
    assert start(app={"timeout": "300ms"}).refused().status == 504


MALFORMED = {
    "101": b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
    "garbage": b"\x16\x03\x01\x02\0\x01\0" * 20,
    "no status": b"HTTP/1.1 OK\r\nContent-Length: 0\r\n\r\n",
    "bare LF": b"HTTP/1.1 200 OK\nContent-Length: 0\n\n",
    "two lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nContent-Length: 1\r\n\r\n",
    "length and chunks": b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "a bad length": b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
    "a bad chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n\r\n",
    "a folded header": b"HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: 0\r\n\r\n",
    "NUL": b"HTTP/1.1 200 OK\r\nX: a\0b\r\nContent-Length: 0\r\n\r\n",
}


@promise("3.1", "answer (101, or a 1xx that no final answer follows, is one; 100 and 103 are")
@pytest.mark.parametrize("what", MALFORMED)
def test_a_malformed_answer_is_502(node, backend, what):
    backend.on("/connect", raw_then_close(MALFORMED[what]))
    assert node.refused().status == 502


@promise("3.1", "answer (101, or a 1xx that no final answer follows, is one; 100 and 103 are")
@pytest.mark.parametrize("end", [raw_then_close, reset])
def test_a_1xx_without_a_final_answer_is_502(node, backend, end):
    backend.on(
        "/connect",
        end(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"),
    )
    assert node.refused().status == 502


@promise("3.1", "answer (101, or a 1xx that no final answer follows, is one; 100 and 103 are")
def test_100_and_103_are_skipped(node, backend):
    backend.on(
        "/connect",
        raw(
            b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
            b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
        ),
    )
    assert node.connect().read_text() == "hello"


@promise("3.1", "Backend unreachable 502, timed out 504, malformed")
@pytest.mark.parametrize(
    "script",
    [reset(), raw_then_close(), reset(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nab")],
    ids=["reset", "closed", "cut"],
)
def test_a_backend_that_breaks_off_is_502(node, backend, script):
    backend.on("/connect", script)
    assert node.refused().status == 502


@promise("3.1", "a subprotocol that was not offered, a body that is no valid text, or one over")
@pytest.mark.parametrize("offered", [None, ["a", "b"], ["C"]])
def test_a_subprotocol_that_was_not_offered_is_502(node, backend, offered):
    backend.on("/connect", answer(200, headers={"Sec-WebSocket-Protocol": "c"}))
    assert node.refused(protocols=offered).status == 502


@promise("3.1", "a subprotocol that was not offered, a body that is no valid text, or one over")
def test_a_first_frame_that_is_no_text_is_502(node, backend):
    backend.on("/connect", answer(200, b"\xff\xfe", content_type="text/plain"))
    assert node.refused().status == 502


@promise("3.1", "a subprotocol that was not offered, a body that is no valid text, or one over")
def test_an_accepting_body_over_answer_size_is_502(start, backend):
    node = start(app={"answer_size": "1KiB"})
    backend.on("/connect", answer(200, b"x" * 1025))
    assert node.refused().status == 502
    backend.on("/connect", answer(200, b"x" * 1024))
    assert node.connect().read_text() == "x" * 1024


@promise("3.1", "A wrong `Sec-WebSocket-Version` is 426 with `Sec-WebSocket-Version: 13`")
@pytest.mark.parametrize("version", ["8", "12", "14", "130", "x"])
def test_a_wrong_version_is_426(shared, version):
    response = shared.refused(version=version)
    assert (response.status, response["sec-websocket-version"]) == (426, "13")


@promise("3.1", "TRACE and CONNECT 405")
@pytest.mark.parametrize("line", ["TRACE /chat", "CONNECT example.com:443", "TRACE /elsewhere"])
def test_trace_and_connect_are_405(shared, line):
    with Wire.to(shared.public) as wire:
        wire.send(f"{line} HTTP/1.1\r\nHost: example.com:443\r\n\r\n".encode())
        assert read_response(wire).status == 405


@promise("3.1", "HTTP/1.0 is answered and closed")
@pytest.mark.parametrize("target, status", [("/chat", 426), ("/nowhere", 404)])
def test_http_1_0_is_answered_and_closed(shared, target, status):
    with Wire.to(shared.public) as wire:
        wire.send(f"GET {target} HTTP/1.0\r\nHost: a\r\n\r\n".encode())
        assert read_response(wire).status == status
        assert wire.ended()


@promise("3.1", "absolute-form targets are accepted")
@pytest.mark.parametrize("scheme", ["http", "ws"])
def test_absolute_form_is_accepted(node, backend, scheme):
    client = node.connect(f"{scheme}://test.example/chat?a=1")
    assert client.response.status == 101
    assert backend.one(path="/connect").target == "/connect?a=1"


@promise("3.1", "`Sockhook-Close` on an accepting answer: 101, its frames, then the close.")
def test_an_accepting_answer_may_close(node, backend):
    backend.on("/connect", answer(200, "not today", {"Sockhook-Close": "4002 come back later"}))
    client = node.connect()
    assert client.read_text() == "not today"
    assert client.read_close() == (4002, "come back later")
    assert client.gone()
    end = backend.one(type="disconnect")
    assert (end["ce-closecode"], end["ce-closedby"]) == ("4002", "backend")


@promise("3.1", "While draining, handshakes that are under way are completed and closed with the")
def test_a_handshake_under_way_is_completed_while_draining(start, backend):
    node = start(config={"drain": {"delay": "0s", "period": "1s"}})
    go = threading.Event()
    backend.on("/connect", when(go, answer(200, "welcome")))
    client = node.begin()
    backend.wait(path="/connect")
    node.signal()
    eventually(lambda: node.ask_admin("/readyz").status == 503)
    go.set()
    client.finish()
    assert client.read_text() == "welcome"
    assert client.read_close() == (1012, "service restart")
    assert node.wait_exit() == 0
    assert backend.one(type="disconnect")["ce-closecode"] == "1012"


@promise("3.1", "A handshake that matches no endpoint is 404 and never proxied as an upgrade")
@pytest.mark.parametrize("passthrough", [False, True])
def test_a_handshake_that_matches_no_endpoint_is_404(start, backend, passthrough):
    node = start(config={"passthrough": {"backend": "app"}} if passthrough else None)
    assert node.refused("/elsewhere").status == 404
    assert node.refused("/").status == 404
    assert node.refused("/chat/deeper").status == 404
    assert not backend.seen()


@promise("3.1", "a plain request on an endpoint without `passthrough` is 426")
def test_a_plain_request_on_an_endpoint_is_426(shared):
    response = shared.get("/chat")
    assert response.status == 426
    assert response["upgrade"] == "websocket"
    assert http(shared.public, "POST", "/chat", "x").status == 426


ILL_FORMED = {
    "no key": handshake_bytes(without=["Sec-WebSocket-Key"]),
    "a short key": handshake_bytes(key="dGVzdA=="),
    "a key that is no base64": handshake_bytes(key="????????????????????????"),
    "no host": handshake_bytes(without=["Host"]),
    "two hosts": handshake_bytes(headers=[("Host", "a"), ("Host", "b")]),
    "two keys": handshake_bytes(headers=[("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")] * 2),
    "an empty protocol": handshake_bytes(headers={"Sec-WebSocket-Protocol": "a, ,b c"}),
    "no request": b"hello\r\n\r\n",
    "a bare LF": b"GET /chat HTTP/1.1\nHost: a\n\n",
    "a space before the colon": b"GET /chat HTTP/1.1\r\nHost : a\r\n\r\n",
    "a folded header": b"GET /chat HTTP/1.1\r\nHost: a\r\nX: b\r\n c\r\n\r\n",
    "NUL": b"GET /chat HTTP/1.1\r\nHost: a\r\nX: b\0c\r\n\r\n",
    "a fragment": b"GET /chat#x HTTP/1.1\r\nHost: a\r\n\r\n",
    "two lengths": b"POST /chat HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n"
    b"Content-Length: 2\r\n\r\nxx",
}


@promise("3.1", "malformed 400")
@pytest.mark.parametrize("what", ILL_FORMED)
def test_a_malformed_handshake_is_400(shared, what):
    with Wire.to(shared.public) as wire:
        wire.send(ILL_FORMED[what])
        assert read_response(wire).status == 400


def test_headers_are_compared_as_http_does(node):
    """RFC 6455 4.2.1: tokens and names without regard to case, Connection as a list."""
    client = node.connect(headers={"UPGRADE": "WebSocket", "connection": "keep-alive, UPGRADE"})
    assert client.response.status == 101


def test_a_handshake_may_come_byte_by_byte(node):
    with Wire.to(node.public) as wire:
        wire.send_by_byte(handshake_bytes())
        assert read_response(wire).status == 101


def test_frames_that_came_with_the_handshake_are_not_lost(node, backend):
    go = threading.Event()
    backend.on("/connect", when(go, answer(200)))
    client = node.begin(early=frame(TEXT, "early 1") + frame(TEXT, "early 2"))
    backend.wait(path="/connect")
    go.set()
    client.finish()
    backend.wait(2, path="/message")
    assert backend.bodies(path="/message") == [b"early 1", b"early 2"]


def test_a_client_that_leaves_while_asked_costs_nothing(node, backend):
    go = threading.Event()
    backend.on("/connect", when(go, answer(200)))
    before = node.open_files()
    clients = [node.begin() for _ in range(10)]
    backend.wait(10, path="/connect")
    for client in clients:
        client.reset()
    go.set()
    backend.wait(10, type="disconnect")
    eventually(lambda: node.open_files() <= before + backend.open)


def test_a_refused_client_may_ask_again_on_the_same_connection(node, backend):
    """RFC 9112 9.3: an answer that is no 101 leaves an ordinary HTTP connection."""
    backend.on("/connect", answer(401, "who?", {"WWW-Authenticate": "Basic"}))
    client = node.begin()
    assert read_response(client).status == 401
    if client.ended(0.2):
        return  # closing is allowed, when announced
    backend.on("/connect", answer(200, "welcome"))
    client.send(handshake_bytes(key=client.key))
    assert client.finish().read_text() == "welcome"
