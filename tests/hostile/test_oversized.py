"""Everything larger than it may be: each is refused in its own way, and costs nothing."""

import pytest

from attacks_on_frames import DEFLATE, bomb
from support.client import BINARY, CLOSE, CONTINUATION, PING, TEXT, RawClient, frame, handshake_bytes
from support.http1 import read_response, request_bytes
from support.wire import Ended, Wire

MIB = 1 << 20
HEADS = {
    "the head": ({"X-Long": "x" * 20000}, "/chat", 431),
    "a head that fits": ({"X-Long": "x" * 15000}, "/chat", 101),
    "the target": ({}, "/chat?" + "x" * 20000, (414, 431)),
    "a header's name": ({"x" * 20000: "x"}, "/chat", 431),
    "the number of headers": ([(f"X-{n}", "x") for n in range(300)], "/chat", 431),
    "the list of subprotocols": ({"Sec-WebSocket-Protocol": ", ".join(f"p{n}" for n in range(5000))}, "/chat", 431),
    "a list of subprotocols that fits": (
        {"Sec-WebSocket-Protocol": ", ".join(f"p{n}" for n in range(1500))},
        "/chat",
        101,
    ),
    "the list of extensions": (
        {"Sec-WebSocket-Extensions": ", ".join(["permessage-deflate"] * 1000)},
        "/deflating",
        431,
    ),
    "a list of extensions that fits": (
        {"Sec-WebSocket-Extensions": ", ".join(["permessage-deflate"] * 700)},
        "/deflating",
        101,
    ),
    "the parameters of an extension": (
        {"Sec-WebSocket-Extensions": "permessage-deflate" + "; x=y" * 2500},
        "/deflating",
        101,
    ),
    "the key": ({"Sec-WebSocket-Key": "x" * 10000}, "/chat", 400),
    "the version": ({"Sec-WebSocket-Version": "1" * 10000}, "/chat", (400, 426)),
    "a trusted address": ({"X-Forwarded-For": ", ".join(["203.0.113.9"] * 1000)}, "/chat", 101),
}


@pytest.mark.parametrize("what", HEADS)
def test_heads(arena, what):
    headers, target, status = HEADS[what]
    with Wire.to(arena.node.public, tls=arena.client_context()) as wire:
        wire.send(handshake_bytes(target, headers))
        assert read_response(wire).status in (status if isinstance(status, tuple) else (status,))


FRAMES = {
    "a frame of 2^63": (frame(BINARY, b"", length=(64, 1 << 63)), 1002),
    "a frame of 2^62": (frame(BINARY, b"", length=(64, 1 << 62)), 1009),
    "a frame of a byte more": (frame(BINARY, b"", length=(64, MIB + 1)), 1009),
    "fragments of a byte more": (
        frame(BINARY, b"x" * MIB, fin=False) + frame(CONTINUATION, b"x", fin=False),
        1009,
    ),
    "fragments too many": (
        frame(TEXT, b"", fin=False) + frame(CONTINUATION, b"", fin=False) * 65536,
        1008,
    ),
    "a ping": (frame(PING, b"x" * 126), 1002),
    "a close reason": (frame(CLOSE, b"\x03\xe8" + b"x" * 124), 1002),
    "a length that is not the shortest": (frame(TEXT, b"x", length=(64, 1)), 1002),
}


@pytest.mark.parametrize("what", FRAMES)
def test_frames(arena, what):
    data, code = FRAMES[what]
    client = RawClient.open(arena.node.public, "/chat", tls=arena.client_context())
    try:
        client.send(data)
    except OSError:
        pass  # it is over, and says why
    assert client.read_close_code() == code
    client.close()


def test_a_bomb_costs_its_limit(arena):
    """1 MB that is 1 GB: 1009 before more than a message's worth of it has been inflated."""
    arena.forget_peak()
    before = arena.peak()
    client = RawClient.open(arena.node.public, "/deflating", headers=DEFLATE, tls=arena.client_context())
    data = bomb(1000)
    assert 900_000 < len(data) < 1_100_000
    try:
        client.send(data)
    except OSError:
        pass
    assert client.read_close_code() == 1009
    client.close()
    assert arena.peak() - before < 8 * MIB


REQUESTS = {
    "the head": request_bytes("GET", "/v1/connections", {"X-Long": "x" * (140 << 10)}),
    "the target": request_bytes("GET", "/v1/groups/" + "x" * (140 << 10)),
    "a name": request_bytes("GET", "/v1/groups/" + "x" * 129),
    "an id": request_bytes("GET", "/v1/connections/" + "x" * 10000),
    "a body": request_bytes("POST", "/v1/messages", {"Content-Length": str(17 << 20)}),
    "a length": request_bytes("POST", "/v1/messages", {"Content-Length": "9" * 30}),
    "ids to exclude": request_bytes("POST", "/v1/messages?exclude=" + ",".join(["a"] * 1001), body=b"x"),
    "a close reason": request_bytes("DELETE", "/v1/users/nobody/connections?code=1000&reason=" + "x" * 124),
    "a limit": request_bytes("GET", "/v1/connections?limit=100000000000000000000"),
}


@pytest.mark.parametrize("what", REQUESTS)
def test_management(arena, what):
    with Wire.to(arena.node.management) as wire:
        try:
            wire.send(REQUESTS[what])
        except OSError:
            pass
        assert read_response(wire).status in (400, 413, 414, 431)
    assert arena.node.manage("GET", "/v1/connections").status == 200


def test_admin(arena):
    with Wire.to(arena.node.admin) as wire:
        wire.send(request_bytes("GET", "/metrics", {"X-Long": "x" * (140 << 10)}))
        assert read_response(wire).status == 431
    assert arena.node.ask_admin("/healthz").status == 200


@pytest.mark.parametrize(
    "preface",
    [
        b"PROXY TCP4 " + b"1" * 200,
        b"PROXY UNKNOWN " + b"x" * 200 + b"\r\n",
        b"\r\n\r\n\0\r\nQUIT\n\x21\x11\xff\xff" + b"x" * 65535,
        b"\r\n\r\n\0\r\nQUIT\n\x20\x00\xff\xff" + b"x" * 65535,
    ],
    ids=["v1", "v1 unknown", "v2", "v2 local"],
)
def test_a_proxy_header(proxied_node, preface):
    with Wire.to(proxied_node.public) as wire:
        try:
            wire.send(preface + handshake_bytes())
        except OSError:
            pass
        try:
            assert read_response(wire).status == 400
        except Ended:
            pass
    assert proxied_node.ask_admin("/healthz").status == 200
