"""The limits of section 2 and the close codes of section 5."""

import threading
import time

import pytest

from support.backend import answer, when
from support.client import BINARY, CONTINUATION, PING, PONG, TEXT, frame
from support.promise import promise
from support.sockhook import endpoint
from support.waiting import eventually

# Sizes


@promise("2", "message_size: 1MiB         # close 1009")
def test_message_size(start, backend):
    node = start(limits={"message_size": "1KiB"})
    client = node.connect()
    client.text("x" * 1024)
    assert len(backend.wait(1, path="/message")[0].body) == 1024
    client.text("x" * 1025)
    assert client.read_close_code() == 1009
    assert backend.ending()[::2] == (1009, "proxy")
    assert len(backend.seen(path="/message")) == 1


@promise("2", "message_size: 1MiB         # close 1009")
def test_message_size_of_fragments(start, backend):
    node = start(limits={"message_size": "1KiB"})
    client = node.connect()
    client.fragments(BINARY, b"x" * 512, b"x" * 512)
    assert len(backend.wait(1, path="/message")[0].body) == 1024
    client.frame(BINARY, b"x" * 1000, fin=False)
    client.frame(CONTINUATION, b"x" * 25, fin=False)
    assert client.read_close_code() == 1009


@promise("2", "message_size: 1MiB         # close 1009")
def test_a_message_that_only_claims_to_be_large_is_refused_at_its_head(node):
    client = node.connect()
    client.send(frame(TEXT, b"", length=(64, 1 << 40)))
    assert client.read_close_code() == 1009


@promise("2", "message_size: 1MiB         # close 1009")
def test_the_default_message_size(node, backend):
    client = node.connect()
    client.binary(b"x" * (1 << 20))
    assert len(backend.wait(1, path="/message")[0].body) == 1 << 20
    client.send(frame(BINARY, b"x" * 10, length=(64, (1 << 20) + 1)))
    assert client.read_close_code() == 1009


@promise("2", "frame_size: off            # close 1009")
def test_frame_size(start, backend):
    node = start(limits={"frame_size": "100KiB"})
    client = node.connect()
    client.fragments(BINARY, b"x" * 102400, b"x" * 102400)
    assert len(backend.wait(1, path="/message")[0].body) == 204800
    client.binary(b"x" * 102401)
    assert client.read_close_code() == 1009


@promise("2", "binary: true               # false: close 1003")
def test_binary_may_be_refused(start, backend):
    node = start(limits={"binary": False})
    client = node.connect()
    client.text("fine")
    backend.wait(1, path="/message")
    client.binary(b"x")
    assert client.read_close_code() == 1003
    assert backend.ending()[::2] == (1003, "proxy")
    assert len(backend.seen(path="/message")) == 1


@promise("2", "fragments: 65536           # of one message: close 1008")
def test_fragments(start, backend):
    node = start(limits={"fragments": 10})
    client = node.connect()
    client.fragments(TEXT, *["x"] * 10)
    assert backend.wait(1, path="/message")[0].body == b"x" * 10
    client.fragments(TEXT, *["x"] * 11)
    assert client.read_close_code() == 1008
    assert backend.ending()[::2] == (1008, "proxy")


@promise("2", "`limits: aws` is message_size 128KiB, frame_size 32KiB, binary false, idle_timeout")
def test_the_aws_preset(start, backend):
    node = start(limits="aws")
    client = node.connect()
    client.fragments(TEXT, *["x" * 32768] * 4)
    assert len(backend.wait(1, path="/message")[0].body) == 131072
    client.fragments(TEXT, *["x" * 32768] * 4, "x")
    assert client.read_close_code() == 1009
    client = node.connect()
    client.text("x" * 32769)
    assert client.read_close_code() == 1009
    client = node.connect()
    client.binary(b"x")
    assert client.read_close_code() == 1003


@promise("2", "`limits: aws`, or {preset: aws, ...} to change single values of it")
def test_a_value_of_the_preset_may_be_changed(start, backend):
    node = start(limits={"preset": "aws", "binary": True})
    client = node.connect()
    client.binary(b"x")
    backend.wait(1, path="/message")
    client.text("x" * 32769)
    assert client.read_close_code() == 1009


# Connections


@promise("2", "a number; of this endpoint on this node: 503 + Retry-After")
def test_connections_of_an_endpoint(start, backend):
    node = start({"endpoints": [endpoint(limits={"connections": 2}), endpoint("other", "/other")]})
    first, _ = node.connect(), node.connect()
    response = node.refused()
    assert response.status == 503 and int(response["retry-after"]) >= 1
    assert len(backend.seen(path="/connect")) == 2, "the backend was asked"
    assert node.connect("/other").in_sync()
    first.leave()
    eventually(lambda: node.metric("sockhook_connections", endpoint="chat") == 1)
    assert node.connect().in_sync()


@promise("2", "a number; of this endpoint on this node: 503 + Retry-After")
def test_handshakes_that_are_held_count(start, backend):
    node = start(limits={"connections": 2})
    go = threading.Event()
    backend.on("/connect", when(go, answer(403)))
    held = [node.begin(), node.begin()]
    backend.wait(2, path="/connect")
    assert node.refused().status == 503
    go.set()
    for client in held:
        with pytest.raises(AssertionError):
            client.finish()
    backend.on("/connect", answer(200))
    assert node.connect().in_sync(), "a refused handshake's place is not free again"


@promise("2", "on this node: 429 + Retry-After")
def test_connections_per_ip(start):
    node = start(limits={"connections_per_ip": 2})
    first, _ = node.connect(), node.connect()
    response = node.refused()
    assert response.status == 429 and int(response["retry-after"]) >= 1
    assert node.connect(source="127.0.0.2").in_sync()
    first.leave()
    eventually(lambda: node.metric("sockhook_connections") == 2)
    assert node.connect().in_sync()


@promise("2", "on this node: 429 + Retry-After")
def test_connections_per_ip_means_the_client_behind_the_proxy(start):
    node = start(limits={"connections_per_ip": 1}, listen={"trusted_proxies": ["127.0.0.1/32"]})
    assert node.connect(headers={"X-Forwarded-For": "203.0.113.1"}).in_sync()
    clients = [node.connect(headers={"X-Forwarded-For": "203.0.113.2"})]
    assert node.refused(headers={"X-Forwarded-For": "203.0.113.2"}).status == 429
    assert clients[0].in_sync()


@promise("2", "on this node: 429; known only after $connect, so a $disconnect follows")
def test_connections_per_user(start, backend):
    node = start(limits={"connections_per_user": 2})
    backend.on(
        "/connect",
        lambda request: answer(200, "hi", {"Sockhook-User": request.target.split("=")[1]}),
    )
    clients = [
        node.connect("/chat?u=ann"),
        node.connect("/chat?u=ann"),
        node.connect("/chat?u=bob"),
    ]
    assert node.refused("/chat?u=ann").status == 429
    refused = backend.newest()
    assert backend.ending(refused) == (1006, None, "proxy")
    clients[0].read_text()
    clients[0].leave()
    eventually(lambda: node.metric("sockhook_connections") == 2)
    clients.append(node.connect("/chat?u=ann"))
    assert len(node.manage("GET", "/v1/users/ann").json()["connections"]) == 2


# Rates


@promise("2", "{rate, burst: rate, over: reject | delay | close}: Too Many Requests frame, pause")
def test_messages_over_the_rate_are_rejected(start, backend):
    node = start(limits={"messages_per_second": {"rate": 5, "over": "reject"}}, in_flight=10)
    client = node.connect()
    for number in range(20):
        client.text(f"{number}")
    rejected = [client.read_json() for _ in range(14)]  # at least: a few tokens may have come back
    assert {r["message"] for r in rejected} == {"Too Many Requests"}
    assert {r["connectionId"] for r in rejected} == {backend.newest()}
    backend.wait(5, path="/message")
    assert {b"0", b"1", b"2", b"3", b"4"} <= set(backend.bodies(path="/message"))
    assert 5 <= len(backend.seen(path="/message")) <= 6
    time.sleep(0.5)
    client.text("later")
    eventually(lambda: b"later" in backend.bodies(path="/message"))


@promise("2", "{rate, burst: rate, over: reject | delay | close}: Too Many Requests frame, pause")
def test_messages_over_the_rate_are_delayed(start, backend):
    node = start(
        limits={"messages_per_second": {"rate": 20, "burst": 5, "over": "delay"}}, in_flight=100
    )
    client = node.connect()
    began = time.monotonic()
    for number in range(15):
        client.text(f"{number}")
    backend.wait(15, path="/message")
    assert 0.35 < time.monotonic() - began < 5
    assert sorted(map(int, backend.bodies(path="/message"))) == list(range(15))


@promise("2", "{rate, burst: rate, over: reject | delay | close}: Too Many Requests frame, pause")
def test_messages_over_the_rate_close(start, backend):
    node = start(limits={"messages_per_second": {"rate": 3, "over": "close"}})
    client = node.connect()
    for number in range(10):
        client.text(f"{number}")
    assert client.read_close_code() == 1008
    assert backend.ending()[::2] == (1008, "proxy")
    assert backend.bodies(path="/message") == [b"0", b"1", b"2"]


# Time


@promise("2", 'no message either way: 1001 "idle timeout"')
def test_an_idle_connection_is_closed(start, backend):
    node = start(limits={"idle_timeout": "300ms", "ping_interval": "50ms"})
    client = node.connect()
    began = time.monotonic()
    assert client.read_close() == (1001, "idle timeout")  # pings and pongs are no messages
    assert 0.25 < time.monotonic() - began < 3
    assert backend.ending() == (1001, "idle%20timeout", "proxy")


@promise("2", 'no message either way: 1001 "idle timeout"')
@pytest.mark.parametrize("direction", ["in", "out"])
def test_messages_keep_a_connection_from_idling(start, backend, direction):
    node = start(limits={"idle_timeout": "500ms"})
    client = node.connect()
    connection = backend.newest()
    for _ in range(8):
        time.sleep(0.15)
        if direction == "in":
            client.text("x")
        else:
            assert node.push(connection, "x").status == 200
    if direction == "out":
        assert [client.read_text() for _ in range(8)] == ["x"] * 8
    assert not backend.seen(type="disconnect")


@promise("2", 'up to 10% earlier, at random: 1001 "maximum duration"')
def test_the_maximum_duration(start, backend):
    node = start(limits={"max_duration": "1s"})
    clients = [node.connect() for _ in range(10)]
    began = time.monotonic()
    for client in clients:
        client.text("busy")
    for client in clients:
        assert client.read_close() == (1001, "maximum duration")
    assert 0.7 < time.monotonic() - began < 4
    assert {(e["ce-closecode"], e["ce-closedby"]) for e in backend.wait(10, type="disconnect")} == {
        ("1001", "proxy")
    }


@promise("2", "ping_interval: 25s")
def test_pings_are_sent(start):
    node = start(limits={"ping_interval": "100ms", "ping_timeout": "2s"})
    client = node.connect()
    for _ in range(3):
        ping = client.read_frame()
        assert ping.opcode == PING and len(ping.payload) <= 125
        client.frame(PONG, ping.payload)


@promise("2", "nothing received at all: the peer is dead, 1006")
def test_a_peer_that_answers_pings_lives(start, backend):
    node = start(limits={"ping_interval": "50ms", "ping_timeout": "300ms"})
    client = node.connect()
    until = time.monotonic() + 1
    while time.monotonic() < until:
        got = client.read_frame()
        assert got.opcode == PING
        client.frame(PONG, got.payload)
    assert client.in_sync()
    assert not backend.seen(type="disconnect")


def test_an_unsolicited_pong_is_ignored(node, backend):
    client = node.connect()
    client.frame(PONG, "unasked")
    client.text("x")
    assert backend.wait(1, path="/message")
    assert client.in_sync()
