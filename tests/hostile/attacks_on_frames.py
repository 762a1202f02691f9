"""Attacks of clients that are in: WebSockets that open as they should."""

import zlib

from attacker import attack, linger, pump, reset, take
from attacks_on_handshakes import drip
from support.client import BINARY, CONTINUATION, PING, TEXT, frame

DEFLATE = {"Sec-WebSocket-Extensions": "permessage-deflate"}
MIB = 1 << 20


@attack
def slow_frames(attacker, count=200, pause_ms=20):
    """One byte of a message at a time."""
    return drip(attacker, attacker.clients(count, "/chat"), frame(TEXT, "x" * 1000), pause_ms / 1000)


@attack
def half_messages(attacker, count=60, kib=1000):
    """All of a message but its end."""
    socks = attacker.clients(count, "/chat")
    data = frame(BINARY, b"x" * (kib << 10), length=(64, MIB))
    for sock in socks:
        sock.sendall(data)
    linger(attacker, socks)


@attack
def claims(attacker, count=200):
    """The head of a frame of 1 MiB, and nothing of it."""
    socks = attacker.clients(count, "/chat")
    for sock in socks:
        sock.sendall(frame(BINARY, b"", length=(64, MIB)) + b"x")
    linger(attacker, socks)


@attack
def single_bytes(attacker, count=20):
    """Messages of which each byte is a packet of its own."""
    socks = attacker.clients(count, "/chat")
    data = frame(TEXT, "hello")
    while not attacker.is_over():
        for byte in data:
            for sock in socks:
                sock.sendall(bytes([byte]))
        for sock in socks:
            sock.setblocking(False)
            take(sock)
            sock.setblocking(True)
        attacker.done += len(socks)


@attack
def tiny_fragments(attacker, count=8):
    """Messages of 5,000 fragments, most of them empty."""
    data = frame(TEXT, "x", fin=False) + frame(CONTINUATION, "", fin=False) * 4998
    return pump(attacker, attacker.clients(count, "/chat"), data + frame(CONTINUATION, "x"))


@attack
def pings(attacker, count=8, size=0):
    """Pings as fast as they are taken; the pongs are read."""
    data = frame(PING, "x" * size) * 10000
    return pump(attacker, attacker.clients(count, "/chat"), data)


@attack
def pings_unread(attacker, count=8):
    """Pings as fast as they are taken; the pongs are not."""
    socks = attacker.clients(count, "/chat", receive_buffer=4096)
    return pump(attacker, socks, frame(PING, "x" * 125) * 1000, reads=False)


@attack
def pings_unread_dropping(attacker, count=8):
    """The same where slow clients are not closed."""
    socks = attacker.clients(count, "/dropping", receive_buffer=4096)
    return pump(attacker, socks, frame(PING, "x" * 125) * 1000, reads=False)


@attack
def messages(attacker, count=8):
    """Messages as fast as they are taken, which is as fast as the backend answers."""
    data = frame(TEXT, "x" * 1000) * 50
    return pump(attacker, attacker.clients(count, "/chat"), data)


@attack
def messages_over_the_rate(attacker, count=8):
    """The same where they are answered `Too Many Requests`."""
    return pump(attacker, attacker.clients(count, "/limited"), frame(TEXT, "x" * 20) * 2000)


@attack
def forbidden_messages(attacker, count=8):
    """Messages that no route takes."""
    # Not the smallest: what the kernel has buffered of them is still worked off afterwards.
    return pump(attacker, attacker.clients(count, "/forbidding"), frame(TEXT, "x" * 500) * 20)


@attack
def large_messages(attacker, count=4):
    """The largest messages that are allowed."""
    return pump(attacker, attacker.clients(count, "/chat"), frame(BINARY, b"x" * MIB))


@attack
def never_read(attacker, count=8):
    """Messages whose echoes are never taken."""
    socks = attacker.clients(count, "/chat", receive_buffer=4096)
    return pump(attacker, socks, frame(BINARY, b"x" * 60000), reads=False)


@attack
def never_read_dropping(attacker, count=8):
    """The same where slow clients are not closed."""
    socks = attacker.clients(count, "/dropping", receive_buffer=4096)
    return pump(attacker, socks, frame(BINARY, b"x" * 60000), reads=False)


def bomb(megabytes):
    """A compressed message of so much: a thousandth of it."""
    deflate = zlib.compressobj(9, zlib.DEFLATED, -15)
    block = deflate.compress(bytes(MIB)) + deflate.flush(zlib.Z_FULL_FLUSH)
    return frame(BINARY, (block * megabytes)[:-4], rsv=4)


@attack
def bombs(attacker, count=4, megabytes=1000):
    """1 MB that is 1 GB, in one message after another; each ends a connection."""
    data = bomb(megabytes)
    while not attacker.is_over():
        socks = attacker.clients(count, "/deflating", headers=DEFLATE)
        for sock in socks:
            sock.settimeout(5)
            try:
                sock.sendall(data)
            except OSError:
                pass
            try:
                while sock.recv(65536):
                    pass
            except OSError:
                pass
            sock.close()
            attacker.done += 1


@attack
def small_bombs(attacker, count=4):
    """1 KB that is 1 MiB: allowed, one after another, each when the one before is echoed."""
    socks = attacker.clients(count, "/deflating", headers=DEFLATE)
    while not attacker.is_over():
        for sock in socks:
            sock.sendall(bomb(1))
        for sock in socks:
            assert sock.recv(65536), "it is within its limits"
        attacker.done += count


@attack
def rejected_bombs(attacker, count=2):
    """The same as fast as they are taken, where most are answered `Too Many Requests`."""
    socks = attacker.clients(count, "/deflating_limited", headers=DEFLATE)
    return pump(attacker, socks, bomb(1) * 20)


@attack
def rejected_deflated(attacker, count=4):
    """Compressed messages, each through the inflater, of which most are rejected."""
    block = b"\0\x40\0\xbf\xff" + b"x" * 64  # as it is: 64 bytes
    data = frame(BINARY, block + b"\0", rsv=4) * 500
    return pump(attacker, attacker.clients(count, "/deflating_limited", headers=DEFLATE), data)


@attack
def frozen_peers(attacker, count=200):
    """They never answer a ping: the machine is gone, its kernel's word aside."""
    linger(attacker, attacker.clients(count, "/pinging"))


@attack
def reset_storm(attacker, count=100):
    """Open, all at once, and reset, all at once."""
    while not attacker.is_over():
        socks = attacker.clients(count, "/chat")
        for sock in socks:
            reset(sock)
        attacker.done += count
