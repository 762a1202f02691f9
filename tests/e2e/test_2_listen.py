"""Contract 2, `listen`: addresses, who the client is, and the limits of handshakes."""

import os
import socket
import stat

import pytest

from support.client import handshake_bytes
from support.http1 import read_response
from support.promise import promise
from support.waiting import eventually
from support.wire import Ended, Wire


def with_socket(tmp_path, name="public"):
    path = str(tmp_path / f"{name}.sock")
    return path, {"listen": {name: {"address": "unix:" + path}}}


@promise("2", "A unix socket is made with mode 0660, a stale one replaced, a live one is")
@pytest.mark.parametrize("name", ["public", "management", "admin"])
def test_a_unix_socket(start, tmp_path, backend, name):
    path, config = with_socket(tmp_path, name)
    stale = socket.socket(socket.AF_UNIX)
    stale.bind(path)
    stale.close()  # the file stays, nobody listens
    node = start(config)
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o660
    client = node.connect()
    assert node.push(backend.newest(), "x").status == 200
    assert client.read_text() == "x"
    second = start(config, wait=False)
    assert second.wait_exit() == 1
    assert "address in use" in (second.log_text() + second.errors()).lower()
    second.forgive()
    assert node.connect().in_sync(), "the live socket was taken away"


@promise("2", "or unix:/path")
def test_a_client_over_a_unix_socket(start, tmp_path, backend):
    path, config = with_socket(tmp_path)
    client = start(config).connect()
    client.text("over unix")
    assert [r.path for r in backend.wait(2)] == ["/connect", "/message"]


def seen_address(node, backend, forwarded):
    with node.connect(headers=[("X-Forwarded-For", line) for line in forwarded]):
        return backend.seen(path="/connect")[-1]["x-forwarded-for"]


@promise("2", "CIDRs whose X-Forwarded-* are believed (right-most untrusted hop is the client)")
def test_the_right_most_untrusted_hop_is_the_client(start, backend):
    node = start(listen={"trusted_proxies": ["127.0.0.1/32", "10.0.0.0/8", "2001:db8::/32"]})
    for forwarded, client in [
        (["203.0.113.9"], "203.0.113.9"),
        (["1.1.1.1, 203.0.113.9, 10.0.0.1"], "203.0.113.9"),
        (["1.1.1.1", "203.0.113.9", "10.0.0.1, 10.0.0.2"], "203.0.113.9"),
        (["1.1.1.1,2001:db8::1"], "1.1.1.1"),
        (["2001:4860::1, 10.0.0.1"], "2001:4860::1"),
        (["10.0.0.3, 10.0.0.1"], "10.0.0.3"),
        ([], "127.0.0.1"),
    ]:
        assert seen_address(node, backend, forwarded) == client, forwarded


@promise("2", "CIDRs whose X-Forwarded-* are believed (right-most untrusted hop is the client)")
def test_headers_of_an_untrusted_peer_are_replaced(start, backend):
    node = start(listen={"trusted_proxies": ["10.0.0.0/8"]})
    assert seen_address(node, backend, ["203.0.113.9"]) == "127.0.0.1"


def proxied(node, preface):
    """The response to a handshake behind this preface, or None if the connection was closed."""
    with Wire.to(node.public) as wire:
        wire.send(preface + handshake_bytes())
        try:
            return read_response(wire)
        except Ended:
            return None


def v2(command, family, addresses):
    return (
        b"\r\n\r\n\0\r\nQUIT\n"
        + bytes([0x20 | command, family])
        + len(addresses).to_bytes(2, "big")
        + addresses
    )


SOURCE = (
    bytes([203, 0, 113, 9, 127, 0, 0, 1]) + (40000).to_bytes(2, "big") + (443).to_bytes(2, "big")
)
SOURCE6 = (
    socket.inet_pton(socket.AF_INET6, "2001:db8::9")
    + socket.inet_pton(socket.AF_INET6, "::1")
    + SOURCE[8:]
)


@promise("2", "v1 and v2; LOCAL means the peer's own address; with both, this comes first")
@pytest.mark.parametrize(
    "preface, client",
    [
        (b"PROXY TCP4 203.0.113.9 127.0.0.1 40000 443\r\n", "203.0.113.9"),
        (b"PROXY TCP6 2001:db8::9 ::1 40000 443\r\n", "2001:db8::9"),
        (b"PROXY UNKNOWN\r\n", "127.0.0.1"),
        (v2(1, 0x11, SOURCE), "203.0.113.9"),
        (v2(1, 0x21, SOURCE6), "2001:db8::9"),
        (v2(1, 0x11, SOURCE + b"\x04\0\x03abc"), "203.0.113.9"),
        (v2(0, 0x00, b""), "127.0.0.1"),
        (v2(0, 0x11, SOURCE), "127.0.0.1"),
    ],
    ids=[
        "v1",
        "v1 IPv6",
        "v1 unknown",
        "v2",
        "v2 IPv6",
        "v2 with TLVs",
        "v2 LOCAL",
        "v2 LOCAL with addresses",
    ],
)
def test_proxy_protocol(start, backend, preface, client):
    node = start(listen={"proxy_protocol": True})
    assert proxied(node, preface).status == 101
    assert backend.one(path="/connect")["x-forwarded-for"] == client


@promise("2", "v1 and v2; LOCAL means the peer's own address; with both, this comes first")
@pytest.mark.parametrize(
    "preface",
    [
        b"",
        b"PROXY TCP4 nonsense\r\n",
        b"PROXY TCP4 1.1.1.1 2.2.2.2 1 2" + b"x" * 200,
        b"\r\n\r\n\0\r\nQUIT\n\x31\x11\0\x0c" + SOURCE,
    ],
    ids=["none", "malformed", "too long", "version 3"],
)
def test_without_a_valid_preface_the_connection_is_refused(start, backend, preface):
    response = proxied(start(listen={"proxy_protocol": True}), preface)
    assert response is None or response.status == 400
    assert not backend.seen()


@promise("2", "v1 and v2; LOCAL means the peer's own address; with both, this comes first")
def test_proxy_protocol_comes_before_forwarded_headers(start, backend):
    node = start(listen={"proxy_protocol": True, "trusted_proxies": ["203.0.113.9/32"]})
    with Wire.to(node.public) as wire:
        wire.send(
            b"PROXY TCP4 203.0.113.9 127.0.0.1 40000 443\r\n"
            + handshake_bytes(headers={"X-Forwarded-For": "198.51.100.7"})
        )
        assert read_response(wire).status == 101
    assert backend.one(path="/connect")["x-forwarded-for"] == "198.51.100.7"


@promise("2", "header_size: 16KiB           # 431")
def test_a_head_over_header_size_is_431(start, backend):
    node = start(listen={"header_size": "2KiB"})
    assert node.connect(headers={"X-Long": "x" * 1500}).in_sync()
    assert node.refused(headers={"X-Long": "x" * 2100}).status == 431
    assert node.refused("/chat?" + "x" * 2100).status in (414, 431)
    with Wire.to(node.public) as wire:
        wire.send(b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"x" * 100000)  # never ends
        assert read_response(wire).status == 431


@promise("2", "until TLS and the request head are complete: 408 if part of a head has come, else")
def test_a_handshake_that_does_not_come_in_time(start):
    node = start(listen={"handshake_timeout": "200ms"})
    with Wire.to(node.public) as wire:
        wire.send(b"GET /chat HTTP/1.1\r\nHost:")
        assert read_response(wire).status == 408
        assert wire.ended()
    with Wire.to(node.public) as wire:
        assert wire.ended()


@promise("2", "until TLS and the request head are complete: 408 if part of a head has come, else")
def test_a_trickle_does_not_extend_the_handshake(start):
    node = start(listen={"handshake_timeout": "300ms"})
    with Wire.to(node.public) as wire:
        for sent, byte in enumerate(handshake_bytes()):
            wire.send(bytes([byte]))
            if not wire.silent(0.02):
                break
        assert read_response(wire).status == 408
        assert sent < 100
    assert node.connect().in_sync()


@promise("2", "429 + Retry-After")
def test_handshakes_per_second(start):
    node = start(listen={"handshakes_per_second": 5}, config={"node": {"workers": 1}})
    statuses, retry_after = [], None
    for _ in range(15):
        try:
            node.connect().close()
            statuses.append(101)
        except AssertionError as refused:
            statuses.append(refused.response.status)
            retry_after = refused.response["retry-after"]
    assert set(statuses) == {101, 429} and statuses.count(429) >= 5
    assert int(retry_after) >= 1


@promise("2", "of the descriptor limit, or a number, for the node: 503 + Retry-After")
def test_connections_of_the_node(start, backend):
    node = start(listen={"connections": 5})
    clients = [node.connect() for _ in range(5)]
    response = node.refused()
    assert response.status == 503 and int(response["retry-after"]) >= 1
    clients[0].leave()
    backend.wait(1, type="disconnect")
    eventually(lambda: comes_in(node))


def comes_in(node):
    try:
        node.connect()
        return True
    except AssertionError:
        return False


@promise("2", "of the descriptor limit, or a number, for the node: 503 + Retry-After")
def test_connections_as_a_share_of_the_descriptor_limit(start):
    node = start(listen={"connections": "50%"}, file_limit=200)
    clients = []
    while comes_in_and_stays(node, clients):
        assert len(clients) <= 101, "more than half of the descriptors"
    assert 50 <= len(clients) <= 100
    assert node.ask_admin("/healthz").status == 200


def comes_in_and_stays(node, clients):
    try:
        clients.append(node.connect())
        return True
    except AssertionError as refused:
        assert refused.response.status == 503
        return False


@promise("2", 'management: {address: "127.0.0.1:7081", tls: , body_size: 16MiB}')
def test_body_size_of_the_management_api(start, backend):
    node = start({"listen": {"management": {"body_size": "4KiB"}}})
    client = node.connect()
    connection = backend.newest()
    assert node.push(connection, "x" * 4096).status == 200
    assert client.read_text() == "x" * 4096
    response = node.push(connection, "x" * 4097)
    assert (response.status, response.json()["code"]) == (413, "too_large")
