"""Requests within requests: what a node in front, or behind, might read differently."""

import time

import pytest

from support.client import handshake_bytes
from support.wire import Ended, Wire

SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"
START = b"POST /page HTTP/1.1\r\nHost: a\r\n"
PROBES = {
    "both framings": START + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "two lengths": START + b"Content-Length: 0\r\nContent-Length: 38\r\n\r\n",
    "a list of lengths": START + b"Content-Length: 0, 0\r\n\r\n",
    "a signed length": START + b"Content-Length: +0\r\n\r\n",
    "a hexadecimal length": START + b"Content-Length: 0x0\r\n\r\n",
    "a coding that is not the last": START + b"Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n",
    "a hidden coding": START + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "a coding behind a tab": START + b"Transfer-Encoding:\tchunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
    "a blank before the colon": START + b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
    "a folded header": START + b"X: a\r\n Transfer-Encoding: chunked\r\n\r\n",
    "bare LF": START + b"Content-Length: 0\n\n",
    "bare CR": START + b"X: a\rContent-Length: 0\r\n\r\n",
    "NUL in a value": START + b"X: a\0b\r\n\r\n",
    "a chunk size with a sign": START + b"Transfer-Encoding: chunked\r\n\r\n-1\r\n\r\n",
    "a chunk size too large": START + b"Transfer-Encoding: chunked\r\n\r\n" + b"f" * 17 + b"\r\n",
    "a chunk without its end": START + b"Transfer-Encoding: chunked\r\n\r\n1\r\nxx0\r\n\r\n",
    "a chunk extension with LF": START + b"Transfer-Encoding: chunked\r\n\r\n0;a\nb\r\n\r\n",
    "two hosts": b"GET /page HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    "no host": b"GET /page HTTP/1.1\r\n\r\n",
    "HTTP/1.0 with a coding": b"POST /page HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "HTTP/0.9": b"GET /page\r\n",
}


def answers(node, data):
    """The status of each answer until the node ends the connection."""
    with Wire.to(node.public) as wire:
        try:
            wire.send(data)
            wire.half_close()
            said = wire.read_to_end()
        except (Ended, OSError):
            said = b""
    return [int(part[:3]) for part in said.split(b"HTTP/1.1 ")[1:]]


def nothing_came_through(backend):
    time.sleep(0.02)  # a request that was let through is under way
    return not [request for request in backend.seen() if request.path == "/smuggled"]


@pytest.mark.parametrize("what", PROBES)
def test_ambiguous_requests_end_the_connection(passing_node, what):
    node, backend = passing_node
    said = answers(node, PROBES[what] + SMUGGLED)
    assert all(status >= 400 for status in said) and len(said) <= 1, said
    assert nothing_came_through(backend)


HANDSHAKES = {
    "a refused version": handshake_bytes("/chat", version="99"),
    "a path without endpoint": handshake_bytes("/elsewhere"),
    "an upgrade to h2c": b"GET /page HTTP/1.1\r\nHost: a\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n",
}


@pytest.mark.parametrize("what", HANDSHAKES)
def test_a_refused_upgrade_is_no_tunnel(passing_node, what):
    """What follows is read as the next request, by us: a client cannot make the backend's
    connection its own. Here it asks for a webhook's path."""
    node, backend = passing_node
    before = len(backend.seen(path="/message"))
    said = answers(node, HANDSHAKES[what] + b"POST /message HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n")
    assert 101 not in said
    assert len(backend.seen(path="/message")) == before


@pytest.mark.parametrize("framing", [{"Content-Length": "38"}, {"Transfer-Encoding": "chunked"}])
def test_a_handshake_with_a_body_is_one_request(passing_node, framing):
    node, backend = passing_node
    answers(node, handshake_bytes("/chat", framing) + SMUGGLED)
    assert nothing_came_through(backend)
