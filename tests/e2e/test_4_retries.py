"""Contract 4: when a request to the backend is made again, and when it is not."""

import time

import pytest

from support.backend import answer, hang, in_turn, raw_then_close, reset
from support.promise import promise


@promise("4", "Retried when the backend cannot have read the request: connect refused, or a")
@pytest.mark.parametrize("broken", [reset(), raw_then_close()], ids=["reset", "closed"])
def test_a_reused_connection_that_broke_is_tried_once_more(start, backend, broken):
    node = start(config={"node": {"workers": 1}})
    client = node.connect()
    client.text("first")
    backend.wait(1, path="/message")
    time.sleep(0.05)  # the connection to the backend is idle now
    backend.on("/message", in_turn(broken, answer(200, "answered")))
    client.text("second")
    assert client.read_text() == "answered"
    first, broken_one, again = backend.seen(path="/message")
    assert broken_one["ce-id"] == again["ce-id"] and broken_one["ce-time"] == again["ce-time"]
    assert first.connection == broken_one.connection != again.connection


@promise("4", "Retried when the backend cannot have read the request: connect refused, or a")
def test_it_is_tried_only_once_more(start, backend):
    node = start(config={"node": {"workers": 1}})
    client = node.connect()
    backend.on("/message", reset())
    client.text("x")
    assert client.read_json()["message"] == "Internal server error"
    assert len(backend.seen(path="/message")) == 2


@promise("4", "Retried when the backend cannot have read the request: connect refused, or a")
@pytest.mark.parametrize(
    "script",
    [
        answer(500),
        answer(503),
        reset(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab"),
        raw_then_close(b"HTTP/1.1 2"),
        raw_then_close(b"junk\r\n\r\n"),
    ],
    ids=["500", "503", "cut", "cut head", "junk"],
)
def test_an_answer_that_began_is_never_asked_for_again(start, backend, script):
    node = start(config={"node": {"workers": 1}})
    client = node.connect()
    backend.on("/message", script)
    client.text("x")
    assert client.read_json()["message"] == "Internal server error"
    assert len(backend.seen(path="/message")) == 1


@promise("4", "Retried when the backend cannot have read the request: connect refused, or a")
def test_a_fresh_connection_that_broke_is_not_tried_again(start, backend):
    node = start(routes={"$default": "/message"}, config={"node": {"workers": 1}})
    backend.on("/message", reset())
    client = node.connect()
    client.text("x")
    assert client.read_json()["message"] == "Internal server error"
    assert len(backend.seen(path="/message")) == 1


@promise("4", "Retried when the backend cannot have read the request: connect refused, or a")
def test_idle_connections_that_the_backend_closed_do_not_matter(node, backend):
    backend.on("/message", answer(200, "fine"))
    client = node.connect()
    for _ in range(3):
        backend.stop()  # all idle connections are closed
        backend.start()
        client.text("x")
        assert client.read_text() == "fine"


def retry(attempts, on):
    return {
        "$connect": "/connect",
        "$disconnect": "/disconnect",
        "$default": {"path": "/message", "retry": {"attempts": attempts, "on": on}},
    }


@promise("4", "`retry` of a route turns on more: that many extra attempts on the listed statuses")
def test_a_routes_retry_on_statuses(start, backend):
    node = start(routes=retry(2, [503, 429]))
    backend.on("/message", in_turn(answer(503), answer(429), answer(200, "third")))
    client = node.connect()
    client.text("x")
    assert client.read_text() == "third"
    tries = backend.seen(path="/message")
    assert len(tries) == 3 and len({(r["ce-id"], r["ce-time"], r.body) for r in tries}) == 1


@promise("4", "`retry` of a route turns on more: that many extra attempts on the listed statuses")
def test_a_routes_retry_ends_after_its_attempts(start, backend):
    node = start(routes=retry(2, [503]))
    backend.on("/message", answer(503))
    client = node.connect()
    client.text("x")
    assert client.read_json()["message"] == "Internal server error"
    assert len(backend.seen(path="/message")) == 3
    backend.on("/message", answer(500))
    client.text("y")
    assert client.read_json()["message"] == "Internal server error"
    assert len(backend.seen(path="/message")) == 4, "500 is not listed"


@promise("4", "`retry` of a route turns on more: that many extra attempts on the listed statuses")
@pytest.mark.parametrize("on, script", [("reset", reset()), ("timeout", hang())])
def test_a_routes_retry_on_reset_and_timeout(start, backend, on, script):
    node = start(routes=retry(1, [on]), app={"timeout": "600ms"})
    backend.on("/message", in_turn(script, answer(200, "second")))
    client = node.connect()
    client.text("x")
    assert client.read_text() == "second"
    assert len(backend.seen(path="/message")) == 2


@promise("4", "`retry` of a route turns on more: that many extra attempts on the listed statuses")
def test_retries_hold_up_the_next_message(start, backend):
    node = start(routes=retry(3, [503]))
    backend.on("/message", in_turn(answer(503), answer(503), answer(204)))
    client = node.connect()
    client.text("1")
    client.text("2")
    backend.wait(4, path="/message")
    assert backend.bodies(path="/message") == [b"1", b"1", b"1", b"2"]


@promise("4", "all within `timeout`, of which an attempt may use what is left divided by the")
def test_attempts_share_the_timeout(start, backend):
    node = start(routes=retry(2, ["timeout"]), app={"timeout": "900ms"})
    backend.on("/message", hang())
    client = node.connect()
    began = time.monotonic()
    client.text("x")
    assert client.read_json()["message"] == "Endpoint request timed out"
    took = time.monotonic() - began
    assert 0.8 < took < 2
    at = [r.at for r in backend.seen(path="/message")]
    assert len(at) == 3
    assert 0.2 < at[1] - at[0] < 0.45 and 0.2 < at[2] - at[1] < 0.45
