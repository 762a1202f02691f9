"""Contract 9: the drain after SIGTERM."""

import threading
import time

import pytest

from support.backend import answer, hang, later, when
from support.client import RawClient
from support.http1 import HttpConnection, request_bytes
from support.promise import promise
from support.waiting import eventually


def ready(node):
    return node.ask_admin("/readyz").status == 200


def listening(node):
    try:
        RawClient.to(node.public, timeout=1).close()
        return True
    except OSError:
        return False


def drain(delay, period):
    return {"drain": {"delay": delay, "period": period}}


@promise("9", "On SIGTERM `/readyz` is 503 at once")
def test_readyz_is_503_at_once(start):
    node = start(drain("1s", "100ms"))
    node.connect()
    node.signal()
    eventually(lambda: not ready(node), 1)
    assert node.ask_admin("/readyz").json()["draining"] is True
    assert listening(node), "within drain.delay new clients still come in"
    assert node.connect().in_sync()


@promise("9", "after `drain.delay` the public listener closes (management and admin serve to the")
def test_the_public_listener_closes_after_the_delay(start, backend):
    node = start(drain("300ms", "1s"))
    go = threading.Event()
    backend.on("/message", when(go, answer(200, "last answer")))
    client = node.connect()
    connection = backend.newest()
    client.text("x")
    backend.wait(1, path="/message")
    node.signal()
    assert listening(node)
    eventually(lambda: not listening(node), 3)
    assert node.push(connection, "still served").status == 200
    assert node.ask_admin("/metrics").status == 200
    assert client.read_text() == "still served"
    go.set()
    assert client.read_text() == "last answer"
    assert client.read_close() == (1012, "service restart")
    assert node.wait_exit() == 0


@promise("9", "open sockets are closed with 1012 `service restart`, evenly spread with jitter")
def test_sockets_are_closed_over_the_period(start, backend):
    node = start(drain("0s", "1500ms"))
    clients = [node.connect() for _ in range(30)]
    began = time.monotonic()
    node.signal()
    at = []

    def wait(client):
        assert client.read_close() == (1012, "service restart")
        at.append(time.monotonic() - began)

    threads = [threading.Thread(target=wait, args=(client,)) for client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    at.sort()
    assert len(at) == 30
    assert at[-1] - at[0] > 0.75, "all at once"
    assert max(b - a for a, b in zip(at, at[1:])) < 0.75, "in lumps"
    assert node.wait_exit() == 0
    assert {(r["ce-closecode"], r["ce-closedby"]) for r in backend.wait(30, type="disconnect")} == {
        ("1012", "proxy")
    }


@promise("9", "each after its running webhook and queued frames")
def test_each_is_closed_after_its_running_webhook(start, backend):
    node = start(drain("0s", "200ms"))
    backend.on("/message", lambda request: later(0.7, answer(200, "the answer")))
    client = node.connect()
    client.text("x")
    backend.wait(1, path="/message")
    node.signal()
    assert client.read_text() == "the answer"
    assert client.read_close() == (1012, "service restart")
    assert node.wait_exit() == 0


@promise("9", "each after its running webhook and queued frames")
def test_each_is_closed_after_its_queued_frames(start, backend):
    node = start(drain("0s", "100ms"))
    client = node.connect(receive_buffer=4096)
    connection = backend.newest()
    for number in range(20):
        assert node.push(connection, f"{number:02}" + "x" * 40000).status == 200
    node.signal()
    time.sleep(0.2)
    assert [client.read_text()[:2] for _ in range(20)] == [f"{n:02}" for n in range(20)]
    assert client.read_close() == (1012, "service restart")
    assert node.wait_exit() == 0


@promise("9", "then the last `$disconnect`s are sent and the process exits 0, as soon as nothing")
def test_it_exits_as_soon_as_nothing_is_left(start, backend):
    node = start(drain("0s", "20s"))
    began = time.monotonic()
    assert node.terminate() == 0
    assert time.monotonic() - began < 3, "it waited for nobody"


@promise("9", "then the last `$disconnect`s are sent and the process exits 0, as soon as nothing")
def test_the_last_disconnects_are_sent(start, backend):
    node = start(drain("0s", "100ms"))
    backend.on("/disconnect", later(0.3, answer(200)))
    clients = [node.connect() for _ in range(10)]
    node.signal()
    for client in clients:
        client.read_close()
    assert node.wait_exit() == 0
    assert len({r["ce-connectionid"] for r in backend.seen(type="disconnect")}) == 10


@promise("9", "What is not done by `drain.period` + 5 s is handed to the backplane.")
@pytest.mark.slow
@pytest.mark.parametrize("stuck", ["a webhook", "a client"])
def test_a_drain_does_not_wait_forever(start, backend, stuck):
    node = start(drain("0s", "100ms"), app={"timeout": "60s"})
    client = node.connect(receive_buffer=4096)
    if stuck == "a webhook":
        backend.on("/message", hang())
        client.text("x")
        backend.wait(1, path="/message")
    else:
        for _ in range(10):
            node.push(backend.newest(), "x" * 100000)
    began = time.monotonic()
    node.signal()
    assert node.wait_exit(12) == 0
    assert time.monotonic() - began < 8
    client.close()


@promise("9", "open sockets are closed with 1012 `service restart`, evenly spread with jitter")
def test_a_client_may_leave_by_itself_during_the_drain(start, backend):
    node = start(drain("200ms", "2s"))
    clients = [node.connect() for _ in range(4)]
    node.signal()
    codes = [client.leave(1000) for client in clients]
    assert set(codes) <= {1000, 1012}
    assert node.wait_exit(4) == 0
    assert len(backend.seen(type="disconnect")) == 4


def test_messages_are_served_until_the_close(start, backend):
    node = start(drain("300ms", "300ms"))
    backend.on("/message", answer(200, "pong"))
    client = node.connect()
    node.signal()
    eventually(lambda: not ready(node), 1)
    client.text("ping")
    assert client.read_text() == "pong"
    assert client.read_close() == (1012, "service restart")


def test_passthrough_requests_are_finished_during_the_drain(start, backend):
    node = start({"passthrough": {"backend": "app"}, **drain("0s", "500ms")})
    backend.on("/slow", later(0.4, answer(200, "whole")))
    with HttpConnection.to(node.public) as connection:
        connection.send(request_bytes("GET", "/slow"))
        backend.wait(1)
        node.signal()
        response = connection.response()
        assert response.text == "whole"
    assert node.wait_exit() == 0
