"""The harness itself, so that a broken helper is never taken for a failure of the proxy."""

import asyncio
import json
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import websockets

import promises
from support.audit import check_disconnects, check_messages, without_ttl
from support.backend import FakeBackend, answer, echo, hang, in_turn, later, raw_then_close, reset
from support.client import BINARY, CLOSE, TEXT, RawClient, frame
from support.config import merge, to_yaml
from support.crowd import welcome
from support.http1 import HttpConnection, chunked, http, request_bytes
from support.redis_client import RedisClient
from support.redis_server import Certificates, RedisServer
from support.redis_server_cluster import RedisCluster
from support.redis_server_sentinel import SentinelSet
from support.relay import Relay
from support.waiting import eventually
from support.wire import Ended


@pytest.fixture
def websocket_server():
    """An echo server of the `websockets` package."""
    loop = asyncio.new_event_loop()

    async def echo_all(socket):
        async for message in socket:
            await socket.send(message)

    async def serve():
        return await websockets.serve(
            echo_all, "127.0.0.1", 0, subprotocols=["b"], compression=None
        )

    server = loop.run_until_complete(serve())
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    yield server.sockets[0].getsockname()[:2]

    async def end():
        server.close()
        await server.wait_closed()

    asyncio.run_coroutine_threadsafe(end(), loop).result(10)
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


def test_the_raw_client_speaks_websocket(websocket_server):
    client = RawClient.open(websocket_server, "/x", protocols=["a", "b"])
    assert client.subprotocol == "b"
    client.text("grüß")
    assert client.read_text() == "grüß"
    client.binary(b"\0" * 70000)
    assert client.read_binary() == b"\0" * 70000
    client.fragments(TEXT, "ab", "", "cd")
    assert client.read_text() == "abcd"
    assert client.in_sync()
    assert client.leave(4000, "bye") == 4000


def test_the_raw_client_sees_protocol_errors_answered(websocket_server):
    client = RawClient.open(websocket_server)
    client.send(frame(BINARY, b"x", rsv=4))
    assert client.read_close_code() == 1002
    client = RawClient.open(websocket_server)
    client.send(frame(CLOSE, b"\x03"))
    assert client.read_close_code() == 1002
    assert client.gone()


def test_the_backend_answers_and_remembers(tmp_path):
    for address in (None, str(tmp_path / "b.sock")):
        backend = FakeBackend(address)
        backend.on("/echo", echo).on("/turns", in_turn(answer(500), answer(201, "b")))
        with HttpConnection.to(backend.address) as connection:
            assert (
                connection.request("POST", "/echo?q=1", "hi", {"Content-Type": "x/y"}).text == "hi"
            )
            assert connection.request("POST", "/turns").status == 500
            assert connection.request("POST", "/turns").text == "b"
            connection.send(
                request_bytes("POST", "/echo", {"Transfer-Encoding": "chunked"})
                + chunked(b"a", b"bc")
            )
            assert connection.response().body == b"abc"
        assert backend.seen()[0].raw == request_bytes(
            "POST", "/echo?q=1", {"Content-Type": "x/y"}, b"hi"
        )
        assert backend.seen(path="/echo")[0].target == "/echo?q=1"
        assert backend.connections == 1
        backend.stop()


def test_the_backend_fails_as_told():
    backend = (
        FakeBackend().on("/reset", reset()).on("/close", raw_then_close(b"HT")).on("/hang", hang())
    )
    with pytest.raises(Ended) as ended:
        http(backend.address, "GET", "/reset")
    assert ended.value.reset
    with pytest.raises(Ended) as ended:
        http(backend.address, "GET", "/close")
    assert ended.value.rest == b"HT" and not ended.value.reset
    with pytest.raises(TimeoutError):
        http(backend.address, "GET", "/hang", timeout=0.1)
    backend.on("/slow", later(0.05, answer(200, "late")))
    assert http(backend.address, "GET", "/slow").text == "late"
    with HttpConnection.to(backend.address) as connection:
        connection.request("GET", "/")
        backend.stop(reset=True)
        with pytest.raises(Ended) as ended:
            connection.read_some()
        assert ended.value.reset
    with pytest.raises(ConnectionRefusedError):
        http(backend.address, "GET", "/")
    backend.start()
    assert http(backend.address, "GET", "/").status == 200
    backend.stop()


def test_configs_are_written_as_yaml():
    assert to_yaml(
        merge({"a": {"b": 1, "c": "off"}}, {"a": {"b": None, "d": [{"e": "10m"}, "$x"]}})
    ) == ('a:\n  c: off\n  d:\n    -\n      e: 10m\n    - "$x"\n')


def test_the_table_of_promises_is_current():
    assert promises.PAGE.read_text() == promises.page(), "run tests/e2e/promises.py --write"
    shown = subprocess.run(
        [sys.executable, Path(promises.__file__)], capture_output=True, text=True, check=True
    )
    assert shown.stdout == promises.page()


def test_no_two_processes_get_the_same_port():
    code = "from support.ports import free_port; print([free_port() for _ in range(250)]); input()"
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", code],
            cwd=Path(__file__).parent,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(3)
    ]
    ports = [port for p in processes for port in json.loads(p.stdout.readline())]
    for process in processes:
        process.communicate("\n")
        assert process.returncode == 0
    assert len(set(ports)) == 3 * 250


def test_the_relay_fails_as_told(redis):
    relay = Relay(redis.address)

    def client():
        return RedisClient.to(("127.0.0.1", relay.port), 0.3)

    one = client()
    assert one("SET", "k", b"x" * 1_000_000) == b"OK" and len(one("GET", "k")) == 1_000_000
    relay.delay = 0.1
    began = time.monotonic()
    assert one("PING") == b"PONG" and time.monotonic() - began >= 0.2
    relay.delay = 0.0
    relay.hold()
    with pytest.raises(TimeoutError):
        one("PING")
    relay.heal()
    assert one.reply() == b"PONG", "nothing was lost"
    relay.swallow("to_client")
    for mute in (one, client()):
        with pytest.raises(TimeoutError):
            mute("INCR", "heard")
    relay.heal()
    with pytest.raises((Ended, OSError)):
        one("PING")
    two = client()
    assert two("GET", "heard") == b"2"
    relay.refuse()
    with pytest.raises(ConnectionRefusedError):
        client()
    assert two("PING") == b"PONG"
    relay.down()
    with pytest.raises((Ended, OSError)):
        two("PING")
    relay.listen()
    assert client()("PING") == b"PONG"
    relay.stop()


def test_servers_of_each_kind(tmp_path):
    certificates = Certificates(tmp_path)
    with RedisServer(tmp_path, tls=certificates, password="secret") as server:
        assert server.run("SET", "k", "v") == b"OK"
        assert server.ttls() == {"k": -1} and without_ttl(server) == [b"k"]
        server.flush()
        assert server.keys() == []
    with RedisCluster(tmp_path) as servers:
        assert all(b"cluster_size:3" in s.run("CLUSTER", "INFO") for s in servers.servers)
    with SentinelSet(tmp_path) as servers:
        old = servers.master
        old.kill()
        assert servers.new_master(old).run("SET", "k", "v") == b"OK"


def test_the_crowd_remembers(node, backend, crowd):
    backend.on("/connect", welcome)
    member = crowd.join(node, ["g"], "ann")
    assert node.manage("POST", "/v1/groups/g/messages", "x" * 70000).json()["delivered"] == 1
    assert member.say() and node.push(member.id, "y").status == 200
    crowd.sync()
    assert member.frames == ["x" * 70000, "y"]
    node.manage("DELETE", f"/v1/connections/{member.id}?code=4000&reason=bye")
    eventually(lambda: member.ended)
    assert member.closed == (4000, "bye") and crowd.alive == []
    check_disconnects(backend)
    check_messages(backend, crowd.members)
