"""Contract 4.5: bodies stream both ways, with backpressure, and failures are told."""

import threading
import time

import pytest

from support.backend import Script, answer, early, hang, in_turn, raw_then_close, reset
from support.http1 import (
    HttpConnection,
    chunked,
    head_bytes,
    http,
    read_chunked,
    read_response_head,
    request_bytes,
)
from support.ports import free_port
from support.promise import promise
from support.sockhook import PASSTHROUGH, SLOWED
from support.waiting import eventually
from support.wire import Ended

MIB = 1 << 20


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
