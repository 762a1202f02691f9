"""Contract 2, `backends` and a route's own settings."""

import time

import pytest

from support.backend import BlackHole, FakeBackend, answer, by_byte, early, hang, later
from support.http1 import read_body
from support.promise import promise
from support.waiting import eventually


@promise("2", "the path is kept as a prefix")
def test_the_urls_path_is_a_prefix(start, backend):
    node = start(app={"url": backend.url + "/base/"})
    node.connect("/chat?q=1").text("x")
    connect, message = backend.wait(2)
    assert (connect.target, message.target) == ("/base/connect?q=1", "/base/message")


@promise("2", "http, https, or http+unix://%2Frun%2Fapp.sock/prefix")
def test_a_backend_on_a_unix_socket(start, tmp_path):
    fake = FakeBackend(str(tmp_path / "app.sock"))
    fake.on("/prefix/message", answer(200, "over unix"))
    node = start(app={"url": fake.url + "/prefix"})
    client = node.connect()
    client.text("x")
    assert client.read_text() == "over unix"
    client.leave()
    connect = fake.wait(3)[0]
    assert connect.target == "/prefix/connect" and "/" not in connect["host"]
    fake.stop()


@promise("2", "added to each request")
def test_configured_headers_are_added_to_each_request(start, backend):
    node = start(app={"headers": {"X-Api-Key": "k1", "X-Empty": ""}})
    client = node.connect(headers={"X-Api-Key": "forged"})
    client.text("x")
    client.leave()
    for request in backend.wait(3):
        assert request["x-api-key"] == "k1"


@promise("2", "from dispatch to the answer's last byte, waiting for a free connection included")
def test_the_timeout_runs_to_the_last_byte(start, backend):
    node = start(app={"timeout": "300ms"})
    backend.on(
        "/message", by_byte(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n" + b"x" * 100, 0.02)
    )
    client = node.connect()
    client.text("x")
    assert client.read_json()["message"] == "Endpoint request timed out"


@promise("2", "from dispatch to the answer's last byte, waiting for a free connection included")
def test_the_timeout_includes_the_wait_for_a_connection(start, backend):
    node = start(app={"timeout": "400ms", "max_connections": 1}, config={"node": {"workers": 1}})
    first, second = node.connect(), node.connect()
    backend.on("/message", hang())
    began = time.monotonic()
    first.text("x")
    second.text("y")
    assert second.read_json()["message"] == "Endpoint request timed out"
    assert time.monotonic() - began < 0.75
    assert first.read_json()["message"] == "Endpoint request timed out"


@promise("2", "connect_timeout: 1s")
def test_a_connect_that_is_not_answered_times_out(start):
    hole = BlackHole()
    node = start(app={"url": hole.url, "connect_timeout": "200ms"})
    began = time.monotonic()
    assert node.refused().status in (502, 504)
    assert time.monotonic() - began < 3
    hole.close()


@promise("2", "max_connections: 256         # per node")
def test_max_connections_is_kept_by_all_workers_together(start, backend):
    node = start(app={"max_connections": 3}, config={"node": {"workers": 2}})
    clients = [node.connect() for _ in range(12)]
    backend.on("/message", later(0.05, answer(200, "done")))
    backend.most_running = 0
    for client in clients:
        client.text("x")
    for client in clients:
        assert client.read_text() == "done"
    # One that is closed may be seen after the one that took its place.
    assert eventually(lambda: backend.open <= 3)
    assert backend.most_running <= 3


@promise("2", "a larger answer is a backend failure")
@pytest.mark.parametrize("chunks", [False, True])
def test_an_answer_over_answer_size_is_a_failure(start, backend, chunks):
    node = start(app={"answer_size": "10KiB"})
    client = node.connect()
    for size, fits in ((10240, True), (10241, False)):
        backend.on(
            "/message",
            (
                answer(200, chunks=["x" * 1000] * (size // 1000) + ["x" * (size % 1000)])
                if chunks
                else answer(200, "x" * size)
            ),
        )
        client.text("x")
        if fits:
            assert client.read_text() == "x" * size
        else:
            assert client.read_json()["message"] == "Internal server error"


@promise("2", "a path on the backend, or {path, backend, timeout, content_type,")
def test_a_route_may_have_a_backend_a_timeout_and_a_content_type_of_its_own(
    start, backend, spare_backend
):
    node = start(
        select="$request.body.action",
        config={"backends": {"other": {"url": spare_backend.url + "/v2"}}},
        routes={
            "$connect": "/connect",
            "$disconnect": "/disconnect",
            "$default": "/message",
            "elsewhere": {"path": "/e", "backend": "other", "content_type": "application/x-mine"},
            "quick": {"path": "/q", "timeout": "150ms"},
        },
    )
    spare_backend.on("/v2/e", answer(200, "from the other"))
    backend.on("/q", hang())
    client = node.connect()
    client.json({"action": "elsewhere"})
    assert client.read_text() == "from the other"
    assert spare_backend.one()["content-type"] == "application/x-mine"
    began = time.monotonic()
    client.json({"action": "quick"})
    assert client.read_json()["message"] == "Endpoint request timed out"
    assert time.monotonic() - began < 2


def test_an_answer_before_the_request_was_read_is_taken(start, backend):
    """RFC 9112 9.3: a server may answer early, and a refusal must not look like a reset."""
    node = start(limits={"message_size": "8MiB"})

    def refuse(wire, request):
        answer(413, "too much", {"Connection": "close"}).play(wire, request)
        time.sleep(0.1)
        read_body(wire, request)

    backend.on("/message", early(refuse))
    client = node.connect()
    client.text("x" * (4 << 20))
    assert client.read_text() == "too much"


def test_a_backend_that_moved_is_found_again(start, backend):
    """Names are resolved again: here only that an outage ends without a restart of the proxy."""
    node = start()
    client = node.connect()
    backend.on("/message", answer(200, "back"))
    backend.stop()
    client.text("x")
    assert client.read_json()["message"] == "Internal server error"
    backend.start()
    assert eventually(lambda: ask(client) == "back", 15)


def ask(client):
    client.text("x")
    return client.read_text()
