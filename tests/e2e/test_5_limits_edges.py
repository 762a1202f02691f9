"""Limits at their edge, and whom they count behind a proxy: what test_5_limits.py leaves open."""

import os
import shutil
import subprocess

import pytest

from support.backend import answer
from support.client import RawClient, handshake_bytes
from support.http1 import read_response
from support.promise import promise
from support.waiting import eventually
from support.wire import Wire


@promise("2", "header_size: 16KiB           # 431")
def test_a_head_of_exactly_header_size(start):
    node = start(listen={"header_size": "2KiB"})
    plain = len(handshake_bytes(headers={"X-Long": ""}))
    for size, status in [(2048, 101), (2049, 431)]:
        head = handshake_bytes(headers={"X-Long": "x" * (size - plain)})
        assert len(head) == size
        with Wire.to(node.public) as wire:
            wire.send(head)
            assert read_response(wire).status == status, size


@promise("2", "header_size: 16KiB           # 431")
def test_the_default_header_size(node):
    plain = len(handshake_bytes(headers={"X-Long": ""}))
    for size, status in [(16384, 101), (16385, 431)]:
        with Wire.to(node.public) as wire:
            wire.send(handshake_bytes(headers={"X-Long": "x" * (size - plain)}))
            assert read_response(wire).status == status, size


def behind_proxy_protocol(node, address):
    """The answer to a handshake of the client at this address, and its socket."""
    wire = RawClient.to(node.public)
    preface = f"PROXY TCP4 {address} 127.0.0.1 40000 443\r\n".encode()
    wire.send(preface + handshake_bytes())
    return read_response(wire), wire


@promise("2", "on this node: 429 + Retry-After")
def test_connections_per_ip_with_proxy_protocol(start):
    node = start(limits={"connections_per_ip": 1}, listen={"proxy_protocol": True})
    first, wire = behind_proxy_protocol(node, "203.0.113.1")
    assert first.status == 101
    refused, other = behind_proxy_protocol(node, "203.0.113.1")
    assert refused.status == 429 and int(refused["retry-after"]) >= 1
    other.close()
    second, another = behind_proxy_protocol(node, "203.0.113.2")
    assert second.status == 101
    wire.close()
    eventually(lambda: node.metric("sockhook_connections") == 1)
    assert behind_proxy_protocol(node, "203.0.113.1")[0].status == 101
    another.close()


@promise("2", "on this node: 429 + Retry-After")
def test_connections_per_ip_believes_no_header_of_a_stranger(start):
    node = start(limits={"connections_per_ip": 1}, listen={"trusted_proxies": ["10.0.0.0/8"]})
    assert node.connect(headers={"X-Forwarded-For": "203.0.113.1"}).in_sync()
    refused = node.refused(headers={"X-Forwarded-For": "203.0.113.2"})
    assert refused.status == 429 and int(refused["retry-after"]) >= 1


@promise("2", "of the descriptor limit, or a number, for the node: 503 + Retry-After")
def test_more_connections_than_descriptors_is_warned_of(start):
    node = start(listen={"connections": 1000}, file_limit=300)
    warnings = node.log(level="warn", msg="listen.public.connections is above the limit of open files")
    assert len(warnings) == 1
    assert (warnings[0]["connections"], warnings[0]["open_files"]) == (1000, 300)
    node = start(listen={"connections": 200}, file_limit=300)
    assert not node.log(level="warn")


@promise("2", "of the descriptor limit, or a number, for the node: 503 + Retry-After")
def test_sockets_without_handshake_leave_descriptors(start, backend):
    """Clients that only connect may hold what connections may hold, and half of the rest: the
    backend, management and new clients have room beside them."""
    node = start(file_limit=200, config={"node": {"workers": 1}})
    before = node.open_files()
    silent = [Wire.to(node.public) for _ in range(300)]
    eventually(lambda: node.metric("sockhook_handshakes_total", result="node_full") > 0)
    assert node.open_files() <= before + 190
    assert silent[0].ended(), "who has waited longest makes room"
    client = node.connect()
    client.text("x")
    backend.wait(1, path="/message")
    assert node.push(backend.newest(), "hello").status == 200
    assert client.read_text() == "hello"
    for wire in silent:
        wire.close()


@promise("2", "handshake_timeout: 10s       # until TLS and the request head are complete: 408 if")
def test_a_head_that_comes_just_in_time(start):
    node = start(listen={"handshake_timeout": "1s"})
    head = handshake_bytes()
    with Wire.to(node.public) as wire:
        wire.send(head[:20])
        assert wire.silent(0.3)
        wire.send(head[20:])
        assert read_response(wire).status == 101


@promise("2", "handshakes_per_second: off   # 429 + Retry-After")
def test_handshakes_per_second_are_of_the_node(start, backend):
    """One bucket for all workers; what is refused costs the backend nothing."""
    node = start(listen={"handshakes_per_second": 3})
    statuses = []
    for _ in range(12):
        wire = Wire.to(node.public)
        wire.send(handshake_bytes())
        statuses.append(read_response(wire).status)
        wire.close()
    assert statuses[:3] == [101, 101, 101] and 429 in statuses
    assert len(backend.seen(path="/connect")) == statuses.count(101)


@promise("2", "what waits behind the message being written; an empty queue takes any one message")
def test_the_queue_takes_exactly_send_queue(start, backend):
    """A client that does not read at all: behind the message that is being written there is room
    for so many bytes of frames."""
    node = start(limits={"send_queue": "1KiB", "slow_client": "drop", "message_size": "8MiB"})
    client = node.connect(receive_buffer=4096)
    connection = backend.newest()
    assert node.push(connection, "x" * (8 << 20)).status == 200  # more than the kernel takes
    head = 4  # of a frame of 126 to 65535 bytes
    assert node.push(connection, "y" * (1024 - head)).status == 200
    assert node.push(connection, "z").status == 429
    assert len(client.read_text()) == 8 << 20
    assert client.read_text() == "y" * (1024 - head)
    eventually(lambda: node.push(connection, "after").status == 200)
    assert client.read_text() == "after"


def can_mount():
    return shutil.which("unshare") and not subprocess.run(["unshare", "-m", "true"]).returncode


@promise("2", "memory: of the cgroup limit, new clients get 503 above it")
@pytest.mark.skipif(not can_mount(), reason="no mount namespaces for this user")
def test_above_ready_memory_new_clients_are_refused(start, tmp_path, backend):
    """The node sees a cgroup that the test writes."""
    cgroup = tmp_path / "cgroup"
    cgroup.mkdir()
    (cgroup / "memory.max").write_text("1000000000\n")
    (cgroup / "memory.stat").write_text("inactive_file 100000000\n")
    (cgroup / "memory.current").write_text("900000000\n")
    node = start({"ready": {"memory": "80%"}}, mounts={str(cgroup): "/sys/fs/cgroup"})
    client = node.connect()
    assert node.ask_admin("/readyz").json()["memory"] == 0.8, "what is cached does not count"
    (cgroup / "memory.current").write_text("910000000\n")
    eventually(lambda: node.ask_admin("/readyz").status == 503)
    refused = node.refused()
    assert refused.status == 503 and int(refused["retry-after"]) >= 1
    assert node.metric("sockhook_handshakes_total", result="node_full") == 1
    assert len(backend.seen(path="/connect")) == 1, "the backend was asked"
    client.text("still served")
    backend.wait(1, path="/message")
    assert os.path.exists("/sys/fs/cgroup"), "only the node sees the other one"
    (cgroup / "memory.current").write_text("500000000\n")
    eventually(lambda: node.ask_admin("/readyz").status == 200)
    backend.on("/connect", answer(200))
    assert node.connect().in_sync()
