"""Contract 3.3: order, backpressure, and what is still delivered after a close."""

import asyncio
import threading
import time

import pytest
import websockets

from support.backend import answer, echo, hang, later, when
from support.client import BINARY, CONTINUATION, TEXT, frame
from support.promise import promise
from support.sockhook import SLOWED

MIB = 1 << 20


@promise("3.3", "Messages of one connection reach the backend one at a time, in order, each after")
def test_messages_reach_the_backend_one_at_a_time_and_in_order(node, backend):
    backend.on("/message", lambda request: later(0.005, answer(200, request.body)))
    client = node.connect()
    for number in range(30):
        client.text(f"{number}")
    assert [client.read_text() for _ in range(30)] == [f"{n}" for n in range(30)]
    assert backend.bodies(path="/message") == [b"%d" % n for n in range(30)]
    assert backend.most_running == 1
    assert [r["ce-id"] for r in backend.seen(path="/message")] == [
        f"{backend.newest()}-{n}" for n in range(1, 31)
    ]


@promise("3.3", "Messages of one connection reach the backend one at a time, in order, each after")
def test_the_next_message_waits_for_the_answer(node, backend):
    go = threading.Event()
    backend.on("/message", when(go, answer(200, "done")))
    client = node.connect()
    client.text("1")
    client.text("2")
    backend.wait(1, path="/message")
    time.sleep(0.1)
    assert backend.bodies(path="/message") == [b"1"]
    go.set()
    backend.wait(2, path="/message")


@promise("3.3", "(`in_flight: 1`; with more, order and the last state to be answered win as they")
def test_in_flight_lets_more_run_at_a_time(start, backend):
    node = start(in_flight=3)
    go = threading.Event()
    backend.on("/message", when(go, answer(204)))
    client = node.connect()
    for number in range(8):
        client.text(f"{number}")
    backend.wait(3, path="/message")
    time.sleep(0.1)
    assert backend.most_running == 3
    assert sorted(backend.bodies(path="/message")) == [b"0", b"1", b"2"]
    go.set()
    backend.wait(8, path="/message")
    assert backend.most_running == 3


@promise("3.3", "(`in_flight: 1`; with more, order and the last state to be answered win as they")
def test_with_in_flight_the_last_state_to_be_answered_wins(start, backend):
    node = start(in_flight=2)
    first_may_end = threading.Event()
    backend.on(
        "/message",
        lambda request: (
            when(first_may_end, answer(200, "a", {"Sockhook-State": "first"}))
            if request.body == b"1"
            else answer(200, "b", {"Sockhook-State": "second"})
        ),
    )
    client = node.connect()
    client.text("1")
    client.text("2")
    assert client.read_text() == "b"
    first_may_end.set()
    assert client.read_text() == "a"
    client.text("3")
    assert backend.wait(3, path="/message")[-1]["sockhook-state"] == "first"


def test_connections_do_not_wait_for_one_another(node, backend):
    backend.on(
        "/message", lambda request: hang() if request.body == b"hang" else answer(200, "fine")
    )
    stuck, other = node.connect(), node.connect()
    stuck.text("hang")
    backend.wait(1, path="/message")
    other.text("hi")
    assert other.read_text() == "fine"


def fill(client, piece, most=64 * MIB, patience=1.0):
    """Sends until the proxy has taken nothing for `patience` seconds; the bytes that went out."""
    client.sock.settimeout(patience)
    sent = 0
    try:
        while sent < most:
            sent += client.sock.send(piece[sent % len(piece) :])
    except TimeoutError:
        pass
    finally:
        client.sock.settimeout(client.timeout)
    return sent


@promise("3.3", "While the limit is reached the proxy stops reading that socket: TCP pushes back")
def test_a_flood_before_a_hung_backend_is_pushed_back(node, backend):
    go = threading.Event()
    backend.on("/message", when(go, answer(204)))
    client = node.connect()
    client.text("0" * 1000)
    backend.wait(1, path="/message")
    before = node.rss()
    piece = frame(TEXT, "1" * 1000)
    sent = fill(client, piece)
    assert sent < 32 * MIB, "the proxy goes on reading"
    assert SLOWED or node.rss() - before < 4 * MIB
    whole = -(-sent // len(piece))
    assert whole > 10
    go.set()
    client.send(piece[sent % len(piece) :] if sent % len(piece) else b"")
    requests = backend.wait(1 + whole, path="/message", within=60)
    assert len(requests) == 1 + whole, "something was dropped"
    assert {len(r.body) for r in requests} == {1000}


@promise("3.3", "Time in which it does not read does not count for `ping_timeout` and")
@pytest.mark.parametrize(
    "limits",
    [{"ping_interval": "100ms", "ping_timeout": "300ms"}, {"idle_timeout": "300ms"}],
    ids=["ping_timeout", "idle_timeout"],
)
def test_time_without_reading_does_not_count(start, backend, limits):
    node = start(limits=limits)
    backend.on("/message", lambda request: later(1.0, answer(200, "late")))
    client = node.connect()
    client.text("slow")
    client.text("behind it")  # the limit is reached: from here on the proxy does not read
    assert client.read_text() == "late"
    assert client.read_text() == "late"


@promise("3.3", "any received byte is life.")
def test_a_trickle_of_bytes_is_life(start):
    node = start(limits={"ping_interval": "100ms", "ping_timeout": "400ms"})
    client = node.connect()
    message = frame(BINARY, b"x" * 10)
    for byte in message:  # 16 bytes, 1.6 s, and no pong in between
        client.send(bytes([byte]))
        time.sleep(0.1)
    assert client.in_sync()


@promise("3.3", "All messages received before a close are delivered, in order, then `$disconnect`.")
@pytest.mark.parametrize("end", ["close", "fin"])
def test_messages_before_a_close_are_delivered_before_disconnect(node, backend, end):
    backend.on("/message", lambda request: later(0.02, answer(200, "x")))
    client = node.connect()
    connection = backend.newest()
    for number in range(10):
        client.text(f"{number}")
    if end == "close":
        client.send_close(4000, "bye")
    else:
        client.half_close()
    requests = backend.wait(12, connection=connection)
    assert [r.body for r in requests[1:11]] == [b"%d" % n for n in range(10)]
    assert requests[11]["ce-type"] == "io.sockhook.disconnect"
    assert requests[11]["ce-closecode"] == ("4000" if end == "close" else "1006")
    assert backend.most_running == 1


@promise("3.3", "All messages received before a close are delivered, in order, then `$disconnect`.")
@pytest.mark.parametrize("end", ["close frame", "fin", "gone"])
def test_messages_that_wait_in_the_socket_before_a_close_are_delivered(node, backend, end):
    """More than the proxy has read when the end comes: it waits unread, behind the backend."""
    go = threading.Event()
    backend.on("/message", when(go, answer(204)))
    client = node.connect()
    for number in range(300):
        client.text(f"{number:04}" + "x" * 1000)
    if end == "close frame":
        client.send_close(4000)
    elif end == "fin":
        client.half_close()
    else:
        client.close()
    backend.wait(1, path="/message")
    go.set()
    assert backend.ending()[0] == (4000 if end == "close frame" else 1006)
    bodies = backend.bodies(path="/message")
    assert [int(body[:4]) for body in bodies] == list(range(300))


# Frames of every kind


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 65535, 65536, 1000000])
def test_messages_of_every_length_go_both_ways(node, backend, size):
    backend.on("/message", echo)
    client = node.connect()
    payload = bytes(range(256)) * (size // 256) + bytes(range(size % 256))
    client.binary(payload)
    if size:
        assert client.read_binary() == payload
    assert backend.one(path="/message").body == payload


def test_a_fragmented_message_is_one_webhook(node, backend):
    client = node.connect()
    client.fragments(TEXT, "a", "", "b", "ć")
    client.fragments(BINARY, b"\0", b"\xff")
    requests = backend.wait(2, path="/message")
    assert [r.body for r in requests] == ["abć".encode(), b"\0\xff"]
    assert [r["content-type"] for r in requests] == [
        "text/plain; charset=utf-8",
        "application/octet-stream",
    ]


def test_a_character_may_be_cut_between_fragments(node, backend):
    client = node.connect()
    euro = "€".encode()
    client.frame(TEXT, euro[:1], fin=False)
    client.ping(b"between")
    assert client.read_pong() == b"between"
    client.frame(CONTINUATION, euro[1:2], fin=False)
    client.frame(CONTINUATION, euro[2:])
    assert backend.one(path="/message").body == euro


def test_frames_may_come_byte_by_byte(node, backend):
    client = node.connect()
    client.send_by_byte(frame(TEXT, "slowly") + frame(TEXT, "x" * 130))
    assert [r.body for r in backend.wait(2, path="/message")] == [b"slowly", b"x" * 130]


def test_a_ping_is_answered_with_its_payload(node):
    client = node.connect()
    client.ping(b"p" * 125)
    assert client.read_pong() == b"p" * 125


def test_a_large_answer_reaches_a_slow_reader_whole(start, backend):
    node = start(
        app={"answer_size": "8MiB"}, limits={"send_queue": "64KiB", "message_size": "8MiB"}
    )
    body = b"0123456789abcdef" * (4 * MIB // 16)
    backend.on("/message", answer(200, body))
    client = node.connect(receive_buffer=4096)
    client.text("give")
    backend.wait(1, path="/message")
    time.sleep(0.2)  # the socket is full now
    assert client.read_text() == body.decode()


def test_a_python_websockets_client_talks_to_it(node, backend):
    backend.on("/message", echo)

    async def talk():
        host, port = node.public
        async with websockets.connect(f"ws://{host}:{port}/chat", compression="deflate") as socket:
            await socket.send("grüß dich")
            assert await socket.recv() == "grüß dich"
            await socket.send(b"\0\1")
            assert await socket.recv() == b"\0\1"
            await (await socket.ping())

    asyncio.run(talk())
    assert backend.one(type="disconnect")["ce-closecode"] == "1000"
