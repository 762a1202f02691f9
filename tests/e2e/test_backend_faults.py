"""Backends that hang, die, answer garbage, reset in the middle or answer late: nothing leaks,
nothing is lost, order holds, and each $connect answered 2xx is followed by one $disconnect."""

import random
import threading
import time

import pytest

from support.backend import answer, by_byte, hang, in_turn, later, raw, raw_then_close, reset
from support.client import BINARY, TEXT, frame
from support.promise import promise
from support.sockhook import SLOWED
from support.waiting import eventually

MIB = 1 << 20
HALF = b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nhalf of it"
FAULTS = {
    "hangs": hang(),
    "answers late": later(0.6, answer(200, "late")),
    "resets": reset(),
    "resets in the head": reset(b"HTTP/1.1 200 OK\r\nContent-Le"),
    "resets in the body": reset(HALF),
    "closes": raw_then_close(),
    "closes in the body": raw_then_close(HALF),
    "answers garbage": raw_then_close(bytes(range(256)) * 40),
    "answers too much": raw(
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nextra"
    ),
    "answers an endless head": raw_then_close(
        b"HTTP/1.1 200 OK\r\n" + b"X-Filler: yyyyyyyyyyyyyyyyyyyyyyyy\r\n" * 20000
    ),
    "answers an endless body": raw_then_close(b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 3000000),
    "answers endless 1xx": raw_then_close(b"HTTP/1.1 103 Early Hints\r\n\r\n" * 20000),
    "answers 500": answer(500, "x" * 10000),
    "trickles": by_byte(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + b"x" * 1000, 0.01),
}


def settle(node, backend, connections):
    """All $disconnects came exactly once, and the process holds nothing any more."""
    backend.wait(len(connections), type="disconnect", within=30)
    eventually(
        lambda: {r["ce-connectionid"] for r in backend.seen(type="disconnect")} == set(connections),
        30,
    )
    eventually(lambda: node.metric("sockhook_connections") == 0)
    eventually(lambda: node.metric("sockhook_disconnect_backlog") == 0)
    eventually(lambda: node.metric("sockhook_webhooks_in_flight") == 0)
    time.sleep(0.1)
    answered = [r["ce-connectionid"] for r in backend.seen(type="disconnect")]
    assert sorted(answered) == sorted(connections)


@promise("3.4", "Sent exactly once in normal running")
@pytest.mark.parametrize("fault", FAULTS)
def test_a_backend_that(start, backend, fault):
    node = start(app={"timeout": "400ms"})
    with node.connect() as client:
        client.text("warm")
        backend.wait(1, path="/message")
    backend.wait(1, type="disconnect")
    base = node.open_files() - backend.open
    backend.on("/message", FAULTS[fault])
    clients, connections = [], [backend.newest()]
    for _ in range(10):
        clients.append(node.connect())
        connections.append(backend.newest())
    for client in clients:
        client.text("x")
        client.text("y")
    for client in clients:
        for _ in range(2):
            got = client.read_text()
            assert got in ("late", "ok") or '"message": ' in got
    backend.on("/message", answer(200, "well again"))
    for client in clients:
        client.text("z")
        assert client.read_text() == "well again"
        client.leave()
    settle(node, backend, connections)
    eventually(lambda: node.open_files() - backend.open <= base + 2, what="descriptors leak")
    for client, connection in zip(clients, connections[1:]):
        bodies = [r.body for r in backend.seen(path="/message", connection=connection)]
        assert [b for n, b in enumerate(bodies) if n == 0 or bodies[n - 1] != b] == [
            b"x",
            b"y",
            b"z",
        ], "out of order"


@promise("3.4", "Sent exactly once in normal running")
@pytest.mark.slow
def test_a_thousand_faults_leak_nothing(start, backend):
    """Random faults on every route; what $connect accepted, and nothing else, gets an end."""
    node = start(app={"timeout": "300ms"}, config={"log": {"level": "info"}})
    chance = random.Random(7)
    lock = threading.Lock()
    accepted = set()
    uncertain = set()

    def connect(request):
        fate = random.Random(request["ce-connectionid"])  # the same for a second try
        choice = fate.choice(["accept"] * 6 + ["refuse", "fail", "reset", "hang"])
        if choice == "accept":
            accepted.add(request["ce-connectionid"])
            return answer(200, "welcome")
        if choice == "refuse":
            return answer(403)
        uncertain.add(request["ce-connectionid"])
        return {"fail": answer(503), "reset": reset(), "hang": hang()}[choice]

    faults = [answer(200, "ok")] * 6 + [
        answer(500),
        reset(),
        reset(HALF),
        raw_then_close(),
        raw_then_close(b"junk\r\n\r\n"),
        answer(404),
    ]

    def choose(request):
        with lock:
            return chance.choice(faults)

    backend.on("/connect", connect).on("/message", choose)
    backend.on("/disconnect", lambda request: answer(200))

    def rounds(number):
        mine = random.Random(number)
        for _ in range(12):
            client = node.begin()
            try:
                client.finish()
                for _ in range(mine.randrange(5)):
                    client.text("hello")
                if mine.random() < 0.5:
                    client.leave()
            except (AssertionError, OSError):
                pass
            finally:
                (client.reset if mine.random() < 0.3 else client.close)()

    def storm():
        threads = [threading.Thread(target=rounds, args=(n,)) for n in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        eventually(lambda: node.metric("sockhook_connections") == 0, 20)

    storm()
    files, memory = node.open_files() - backend.open, node.rss()
    for _ in range(3):
        storm()
    eventually(
        lambda: {r["ce-connectionid"] for r in backend.seen(type="disconnect")}
        >= accepted | uncertain,
        30,
    )
    ended = [r["ce-connectionid"] for r in backend.seen(type="disconnect")]
    assert set(ended) == accepted | uncertain
    assert len(ended) == len(set(ended)), "a $disconnect that was answered 200 came again"
    eventually(lambda: node.open_files() - backend.open <= files + 8, what="descriptors leak")
    assert SLOWED or node.rss() < memory + 8 * MIB


@promise("3.4", "also when the backend was away (2xx, and 4xx except 408, 425 and 429, end the")
def test_an_outage_in_the_middle_of_everything(node, backend):
    backend.on("/message", lambda request: later(0.01, answer(200, request.body)))
    clients, connections = [], []
    for _ in range(20):
        clients.append(node.connect())
        connections.append(backend.newest())
    for client in clients:
        for number in range(5):
            client.text(f"{number}")
    backend.stop(reset=True)
    for client in clients[:10]:
        client.close()
    time.sleep(0.1)
    backend.start()
    for client in clients[10:]:
        client.text("end")
        while client.read_text() != "end":
            pass
        client.leave()
    settle(node, backend, connections)


@promise("3.3", "While the limit is reached the proxy stops reading that socket: TCP pushes back")
@pytest.mark.slow
@pytest.mark.parametrize("size", [100, 60000, 1000000])
def test_a_client_that_floods_a_hung_backend_with_1_gb(start, backend, size):
    node = start(app={"timeout": "60s"})
    backend.on("/message", hang())
    client = node.connect()
    client.sock.settimeout(0.2)
    message = frame(TEXT, "x" * size)
    piece = message * max(1, MIB // len(message))
    sent, stalls, most = 0, 0, 0
    while sent < 1 << 30 and stalls < 15:
        try:
            sent += client.sock.send(piece[sent % len(piece) :])
            stalls = 0
        except TimeoutError:
            stalls += 1
        most = max(most, node.rss())
    assert SLOWED or most < 64 * MIB, f"{most / MIB:.0f} MiB after {sent / MIB:.0f} MiB"
    assert sent < 1 << 30, "it takes what it cannot pass on"
    client.reset()


@promise("3.3", "While the limit is reached the proxy stops reading that socket: TCP pushes back")
@pytest.mark.slow
def test_many_clients_that_flood_a_hung_backend(start, backend):
    node = start(app={"timeout": "60s"})
    backend.on("/message", hang())
    clients = [node.connect() for _ in range(50)]
    piece = frame(BINARY, b"x" * 1000) * 1000
    for client in clients:
        client.sock.setblocking(False)
    for _ in range(20):
        for client in clients:
            try:
                client.sock.send(piece)
            except BlockingIOError:
                pass
        time.sleep(0.01)
    assert SLOWED or node.rss() < 64 * MIB
    for client in clients:
        client.reset()


def test_a_hanging_backend_does_not_hold_up_another(start, backend, spare_backend):
    node = start(
        app={"max_connections": 2},
        select="$request.body.action",
        routes={
            "$connect": "/connect",
            "$disconnect": "/disconnect",
            "$default": "/message",
            "other": {"path": "/other", "backend": "spare"},
        },
        config={"backends": {"spare": {"url": spare_backend.url}}},
    )
    spare_backend.on("/other", answer(200, "fine"))
    clients = [node.connect() for _ in range(5)]
    backend.on("/message", hang())
    for client in clients[:4]:
        client.text("stuck")
    clients[4].json({"action": "other"})
    assert clients[4].read_text() == "fine"


def test_a_kept_connection_with_unasked_bytes_is_not_used(start, backend):
    """An answer that nobody asked for must not become the answer to the next request."""
    node = start(config={"node": {"workers": 1}})
    backend.on(
        "/message",
        in_turn(
            raw(
                b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\none"
                b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nsmuggled"
            ),
            answer(200, "two"),
        ),
    )
    client = node.connect()
    client.text("x")
    assert client.read_text() != "smuggled"
    client.text("y")
    assert client.read_text() != "smuggled"
