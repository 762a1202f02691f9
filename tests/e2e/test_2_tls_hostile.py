"""Section 2: what TLS clients that are broken, rude or hostile get."""

import os
import shutil
import ssl
import struct
import subprocess

import pytest
from support.backend import echo
from support.client import handshake_bytes
from support.http1 import read_response
from support.promise import promise
from support.waiting import eventually
from support.wire import Ended, Wire

TLS = "tls: {certificate: , key: , client_ca: , certificates: []}"
ALERT, HANDSHAKE, DATA = 21, 22, 23
RECORD_OVERFLOW, HANDSHAKE_FAILURE, PROTOCOL_VERSION, NO_PROTOCOL = 22, 40, 70, 120


def record(kind, content, version=0x0303, length=None):
    return struct.pack("!BHH", kind, version, len(content) if length is None else length) + content


def hello(version=0x0303):
    """A ClientHello of a version up to TLS 1.2, which says nothing of later ones."""
    suites = struct.pack("!HHHH", 6, 0xC02F, 0xC014, 0x002F)
    body = struct.pack("!H", version) + os.urandom(32) + b"\0" + suites + b"\1\0"
    return record(HANDSHAKE, b"\1" + len(body).to_bytes(3, "big") + body, min(version, 0x0301))


def modern_hello(context):
    """What a client of today says first."""
    into, out = ssl.MemoryBIO(), ssl.MemoryBIO()
    with pytest.raises(ssl.SSLWantReadError):
        context.wrap_bio(into, out, server_hostname="localhost").do_handshake()
    return out.read()


def last_words(node, data):
    """All that the node says to these bytes before it closes."""
    with Wire.to(node.public) as wire:
        try:
            wire.send(data)
        except (BrokenPipeError, ConnectionResetError):
            pass  # it has heard enough
        return wire.read_to_end()


def alert_of(said):
    """The fatal alert that a server's last words end with."""
    assert said[-7] == ALERT and said[-2] == 2, said
    return said[-1]


@promise("2", TLS)
@pytest.mark.parametrize("version", [0x0300, 0x0301, 0x0302])
def test_versions_before_1_2_are_refused(secure, version):
    said = alert_of(last_words(secure, hello(version)))
    assert said == (PROTOCOL_VERSION if version > 0x0300 else HANDSHAKE_FAILURE)
    assert secure.connect(tls=secure.context).in_sync()


@promise("2", TLS)
def test_garbage_is_closed(secure):
    for garbage in (
        b"\0" * 100,
        b"\x80\x2e\x01\x03\x01" + b"x" * 200,  # SSL 2
        handshake_bytes(),
        record(DATA, b"x" * 100),
        record(ALERT, b"\2\50"),
        record(HANDSHAKE, b"\x02\0\0\0"),  # a ServerHello
        record(99, b"x" * 100),
        os.urandom(5000),
    ):
        said = last_words(secure, garbage)
        assert not said or said[0] == ALERT, said
    assert secure.connect(tls=secure.context).in_sync()


@promise("2", TLS)
def test_messages_and_records_that_are_too_large_are_refused(secure):
    too_long = record(HANDSHAKE, b"\1" + b"x" * 99, length=0xFFFF)
    assert alert_of(last_words(secure, too_long)) == RECORD_OVERFLOW
    # A ClientHello of 16 MB, in records of the right size: it need not be heard to the end.
    claim = b"\1\xff\xff\xff" + b"x" * 16000
    said = last_words(secure, record(HANDSHAKE, claim) + record(HANDSHAKE, b"x" * 16000) * 64)
    assert not said or alert_of(said)
    # And behind a handshake.
    with Wire.to(secure.public, tls=secure.context) as wire:
        os.write(wire.sock.fileno(), record(DATA, b"x" * 64, length=0x4800))
        with pytest.raises((ssl.SSLError, Ended)) as refusal:
            wire.read_some()
        assert "OVERFLOW" in str(refusal.value).upper()
    assert secure.connect(tls=secure.context).in_sync()


@promise("2", TLS)
def test_a_client_that_asks_for_other_protocols_is_told(secure, authority):
    context = authority.client()
    context.set_alpn_protocols(["h2", "spdy/3"])
    assert alert_of(last_words(secure, modern_hello(context))) == NO_PROTOCOL
    context.set_alpn_protocols(["h2", "http/1.1", "http/1.0"])
    assert secure.connect(tls=context).sock.selected_alpn_protocol() == "http/1.1"
    assert secure.connect(tls=authority.client()).sock.selected_alpn_protocol() is None


@promise("2", TLS)
@pytest.mark.skipif(not shutil.which("openssl"), reason="needs the openssl command")
def test_renegotiation_is_refused(secure, backend, authority):
    backend.on("/message", echo)
    other = secure.connect(tls=secure.context)
    address = f"127.0.0.1:{secure.public[1]}"
    command = ["openssl", "s_client", "-connect", address, "-tls1_2", "-CAfile", authority.file]
    done = subprocess.run(command, input=b"R\n" * 50, capture_output=True, timeout=20)
    assert b"RENEGOTIATING" in done.stdout + done.stderr
    assert b"no renegotiation" in done.stderr
    other.text("still there")
    assert other.read_text() == "still there"


@promise("2", "until TLS and the request head are complete: 408 if part of a head has come, else")
def test_half_handshakes_end_in_time_and_leave_nothing(start, authority, server_files):
    node = start(listen={"tls": server_files.settings(), "handshake_timeout": "500ms"})
    stays = node.connect(tls=authority.client())  # the node has opened what it opens
    files = node.open_files()
    greeting = modern_hello(authority.client())
    halves = []
    for number in range(200):
        wire = Wire.to(node.public)
        wire.send(greeting[: number * len(greeting) // 199])
        halves.append(wire)
    for wire in halves:
        wire.read_to_end()  # from nothing to all of its answer
        wire.close()
    eventually(lambda: node.open_files() <= files)
    assert stays.in_sync() and node.connect(tls=authority.client()).in_sync()


@promise("2", TLS)
def test_clients_that_reset_their_connections_do_no_harm(secure):
    stays = secure.connect(tls=secure.context)
    for number in range(60):
        wire = Wire.to(secure.public, tls=secure.context)
        if number % 3 == 1:
            wire.send(handshake_bytes())
        elif number % 3 == 2:
            wire.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        wire.reset()
    assert stays.in_sync()
    assert secure.connect(tls=secure.context).in_sync()


RATE = "handshakes_per_second: off   # 429 + Retry-After"


@promise("2", RATE)
def test_tls_handshakes_beyond_the_rate_are_closed_before_they_cost_anything(
    start, authority, server_files
):
    # One, and the next in a minute.
    node = start(listen={"tls": server_files.settings(), "handshakes_per_second": 0.016})
    with Wire.to(node.public) as silent, Wire.to(node.public):
        first = node.connect(tls=authority.client())  # a connection that says nothing costs nothing
        assert last_words(node, modern_hello(authority.client())) == b""
        silent.send(b"\x16")
        assert silent.ended()
    assert first.in_sync()
    assert node.metric("sockhook_handshakes_total", endpoint="", result="rate_limited") == 2
    assert node.metric("sockhook_handshakes_total", result="accepted") == 1


@promise("2", RATE)
def test_a_second_handshake_on_a_tls_connection_counts(start, authority, server_files):
    tls = server_files.settings()
    node = start(
        listen={"tls": tls, "handshakes_per_second": 0.016}, origins=["https://here.example"]
    )
    with Wire.to(node.public, tls=authority.client()) as wire:
        statuses = []
        for _ in range(2):
            wire.send(handshake_bytes(headers={"Origin": "https://there.example"}))
            statuses.append(read_response(wire).status)
    assert statuses == [403, 429]
