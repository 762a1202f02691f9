"""Attacks of clients that are not in yet: on TCP, TLS and the HTTP head."""

import os
import socket
import ssl

from attacker import attack, give, linger, reset, take
from support.client import handshake_bytes


def drip(attacker, socks, data, pause):
    """A byte of `data` to each socket in turn, again and again; how many were ended."""
    ended = 0
    for sock in socks:
        sock.setblocking(False)
    for byte in data:
        if attacker.is_over(pause):
            break
        for sock in list(socks):
            if give(sock, bytes([byte])) is None or take(sock) is None:
                socks.remove(sock)
                sock.close()
                ended += 1
        attacker.done += len(socks)
    attacker.is_over(60)
    return ended


@attack
def silent_sockets(attacker, count=1500):
    """Connections on which nothing is ever said, not even TLS."""
    linger(attacker, [attacker.tcp() for _ in range(count)])


@attack
def slow_heads(attacker, count=600, pause_ms=20):
    """Handshakes that come byte by byte."""
    socks = [attacker.tcp() for _ in range(count)]
    hello = client_hello() if attacker.tls else handshake_bytes("/chat")
    return drip(attacker, socks, hello, pause_ms / 1000)


@attack
def slow_heads_in_tls(attacker, count=150, pause_ms=20):
    """The same behind a complete TLS handshake."""
    socks = [attacker.socket() for _ in range(count)]
    return drip(attacker, socks, handshake_bytes("/chat"), pause_ms / 1000)


def client_hello():
    """The first flight of a TLS client."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = ssl.create_default_context().wrap_bio(incoming, outgoing, server_hostname="localhost")
    try:
        client.do_handshake()
    except ssl.SSLWantReadError:
        pass
    return outgoing.read()


@attack
def half_tls_handshakes(attacker, count=600):
    """The server has said all it has to say, and waits for the client's Finished."""
    hello = client_hello()
    socks = [attacker.tcp() for _ in range(count)]
    for sock in socks:
        sock.sendall(hello)
    linger(attacker, socks)


@attack
def tls_handshakes(attacker, pause_ms=3):
    """TLS handshakes, one after another, and nothing behind them."""
    while not attacker.is_over(pause_ms / 1000):
        reset(attacker.socket())
        attacker.done += 1


@attack
def abandoned_hellos(attacker, pause_ms=3):
    """ClientHellos, so that the node signs, from clients that are gone before they have to work."""
    hello = client_hello()
    while not attacker.is_over(pause_ms / 1000):
        sock = attacker.tcp()
        sock.sendall(hello)
        sock.close()
        attacker.done += 1


@attack
def long_heads(attacker, count=8):
    """Heads that never end: a line as long as it takes, then the next connection."""
    return heads(attacker, count, b"GET /chat HTTP/1.1\r\nHost: a\r\nX: " + b"x" * 65536)


@attack
def many_headers(attacker, count=8):
    """Heads of very many short lines."""
    return heads(attacker, count, b"GET /chat HTTP/1.1\r\nHost: a\r\n" + b"a:b\r\n" * 20000)


@attack
def many_requests(attacker, count=8):
    """Requests that are answered 404 or 426, pipelined by thousands."""
    return heads(attacker, count, b"GET /nothing HTTP/1.1\r\nHost: a\r\n\r\n" * 2000)


def heads(attacker, count, data):
    socks = [None] * count
    while not attacker.is_over():
        for number, sock in enumerate(socks):
            if sock is None:
                sock = socks[number] = attacker.socket()
                sock.setblocking(False)
            sent = give(sock, data)
            attacker.done += sent or 0
            if sent is None or take(sock) is None:
                sock.close()
                socks[number] = None


@attack
def garbage(attacker, count=8):
    """Random bytes, to the socket itself: they are no TLS and no HTTP."""
    while not attacker.is_over():
        for sock in [attacker.tcp() for _ in range(count)]:
            give(sock, os.urandom(4096))
            attacker.done += 1
            sock.close()


@attack
def resets(attacker, count=20):
    """RST at each stage: behind connect, in the middle of the head, behind the handshake, in the
    middle of a message, with a webhook under way."""
    whole = handshake_bytes("/chat")
    while not attacker.is_over():
        for number in range(count):
            stage = number % 5
            if stage == 0:
                sock = attacker.tcp()
            elif stage < 3:
                sock = attacker.socket()
                sock.sendall(whole[:40] if stage == 1 else whole)
            else:
                sock = attacker.client("/chat")
                sock.sendall(b"\x81\x85\0\0\0\0" + (b"he" if stage == 3 else b"hello"))
            reset(sock)
            attacker.done += 1


@attack
def half_closed(attacker, count=10):
    """FIN at once behind what was sent, and the other direction left open."""
    while not attacker.is_over():
        socks = [attacker.tcp() for _ in range(count)]
        for sock in socks:
            if not attacker.tls:
                sock.sendall(handshake_bytes("/chat") + b"\x81\x85\0\0\0\0hello")
            sock.shutdown(socket.SHUT_WR)
            attacker.done += 1
        for sock in socks:
            sock.settimeout(5)
            try:
                while sock.recv(65536):
                    pass
            except OSError:
                pass
            sock.close()
