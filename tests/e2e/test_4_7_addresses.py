"""Contract 4.7: a backend with several addresses."""

import time

import pytest

from support.backend import FakeBackend, answer, hang
from support.ports import free_port
from support.promise import promise
from support.waiting import eventually

ONE_WORKER = {"node": {"workers": 1}}


def several(*backends, **settings):
    urls = [b if isinstance(b, str) else b.url for b in backends]
    return {**settings, "url": None, "urls": urls}


def dead():
    return f"http://127.0.0.1:{free_port()}"


def ask(client):
    client.text("x")
    return client.read_text()


@pytest.fixture
def two(backend, spare_backend):
    backend.on("/message", answer(200, "first"))
    spare_backend.on("/message", answer(200, "second"))
    return backend, spare_backend


@promise("4.7", "The one with the fewest requests in flight")
def test_the_address_with_the_fewest_requests_in_flight_is_taken(start, two):
    first, second = two
    node = start(ONE_WORKER, app=several(first, second), routes={"$default": "/message"})
    clients = [node.connect() for _ in range(10)]
    for fake in two:
        fake.on("/message", hang())
    for client in clients:
        client.text("x")
    eventually(lambda: first.running + second.running == 10)
    assert first.running == second.running == 5


@promise("4.7", "The one with the fewest requests in flight")
def test_a_stuck_address_gets_no_more_than_its_share(start, two):
    first, second = two
    node = start(ONE_WORKER, app=several(first, second), routes={"$default": "/message"})
    for fake in two:
        fake.on("/message", hang())
    stuck = [node.connect() for _ in range(2)]
    for client in stuck:
        client.text("x")
    eventually(lambda: first.running == second.running == 1)
    second.on("/message", answer(200, "second"))
    second.stop()  # its hanging request ends
    second.start()
    client = node.connect()
    assert [ask(client) for _ in range(5)] == ["second"] * 5


@promise("4.7", "a refused connection goes to the next at once")
def test_a_refused_connection_goes_to_the_next_at_once(start, backend):
    backend.on("/message", answer(200, "fine"))
    node = start(app=several(dead(), backend))
    clients = [node.connect() for _ in range(8)]
    assert [ask(client) for client in clients] == ["fine"] * 8


@promise("4.7", "out after 3 failed checks or connects in a row, back after 1 good one")
def test_an_address_whose_checks_fail_is_taken_out_and_comes_back(start, two):
    first, second = two
    first.on("/health", answer(503))
    node = start(
        ONE_WORKER, app=several(first, second, health={"path": "/health", "interval": "50ms"})
    )
    first.wait(4, path="/health")
    client = node.connect()
    assert [ask(client) for _ in range(6)] == ["second"] * 6
    first.on("/health", answer(200))
    count = len(first.seen(path="/health"))
    first.wait(count + 2, path="/health")
    eventually(lambda: ask(client) == "first")


@promise("4.7", "out after 3 failed checks or connects in a row, back after 1 good one")
def test_an_address_that_refuses_is_taken_out_and_checked_back_in(start, two):
    first, second = two
    node = start(
        ONE_WORKER, app=several(first, second, health={"path": "/health", "interval": "50ms"})
    )
    client = node.connect()
    first.stop()
    assert [ask(client) for _ in range(10)] == ["second"] * 10
    first.start()
    eventually(lambda: ask(client) == "first")


@promise("4.7", "without `health`, tried again after 5 s, doubling to 60 s, and whenever no other")
@pytest.mark.slow
def test_without_health_an_address_is_tried_again_after_5_s(start, two):
    first, second = two
    node = start(ONE_WORKER, app=several(first, second), routes={"$default": "/message"})
    client = node.connect()
    first.stop()
    assert [ask(client) for _ in range(8)] == ["second"] * 8  # three refusals took it out
    first.start()
    began = time.monotonic()
    assert [ask(client) for _ in range(8)] == ["second"] * 8
    eventually(lambda: ask(client) == "first", 12)
    assert time.monotonic() - began > 3


@promise("4.7", "without `health`, tried again after 5 s, doubling to 60 s, and whenever no other")
def test_an_address_is_tried_whenever_no_other_is_left(start, two):
    first, second = two
    node = start(ONE_WORKER, app=several(first, second), routes={"$default": "/message"})
    client = node.connect()
    first.stop()
    assert [ask(client) for _ in range(8)] == ["second"] * 8
    first.start()
    second.stop()
    assert ask(client) == "first"


@promise("2", "or urls: [..], section 4.7")
def test_a_single_address_that_refused_is_tried_at_once_again(start, backend):
    backend.on("/message", answer(200, "back"))
    node = start(routes={"$default": "/message"})
    client = node.connect()
    backend.stop()
    for _ in range(5):
        client.text("x")
        assert client.read_json()["message"] == "Internal server error"
    backend.start()
    assert ask(client) == "back"


@promise("4.7", "(`urls`, or a name with several addresses)")
def test_a_name_with_several_addresses(start):
    """localhost is 127.0.0.1 and often ::1 too: the address that listens answers."""
    fake = FakeBackend()
    fake.on("/message", answer(200, "by name"))
    node = start(app={"url": f"http://localhost:{fake.address[1]}"})
    client = node.connect()
    assert ask(client) == "by name"
    assert fake.seen()[0]["host"] == f"localhost:{fake.address[1]}"
    client.leave()
    fake.wait(3)
    node.stop_and_check()
    fake.stop()
