"""What all attacks share: many sockets, a pace, and an end that the test decides.

An attack is a function of an Attacker and keywords, registered by @attack; `attacks.py NAME`
runs it in a process of its own, at the lowest priority, so that what a victim feels is the node's
work and not the attacker's.
"""

import errno
import select
import socket
import ssl
import struct
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "e2e"))

from support.client import handshake_bytes  # noqa: E402

ATTACKS = {}


def attack(function):
    """Makes the function known by its name."""
    ATTACKS[function.__name__] = function
    return function


class Attacker:
    """`address`: of the public listener; `authority`: of its certificate, None where it is plain."""

    def __init__(self, address, authority=None):
        self.address = address
        self.tls = ssl.create_default_context(cafile=authority) if authority else None
        self.done = 0  # how often the attack did what it does: proof that it happened
        self.has_begun = False

    def is_over(self, wait=0.0):
        """Whether the test has had enough; waits for that at most so long. The first call tells it
        that all is prepared."""
        if not self.has_begun:
            self.has_begun = True
            print("begun", flush=True)
        return bool(select.select([sys.stdin], [], [], wait)[0])

    def tcp(self, receive_buffer=None, address=None):
        """A connected TCP socket."""
        sock = socket.socket()
        if receive_buffer:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 65536)  # what is under way is served, too
        sock.settimeout(20)
        sock.connect(address or self.address)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return sock

    def socket(self, receive_buffer=None):
        """A socket, with TLS where the listener speaks it."""
        sock = self.tcp(receive_buffer)
        if not self.tls:
            return sock
        return self.tls.wrap_socket(sock, server_hostname="localhost")

    def client(self, path, receive_buffer=None, headers=()):
        """An open WebSocket, whatever its first frames are."""
        sock = self.socket(receive_buffer)
        sock.sendall(handshake_bytes(path, headers))
        answer = b""
        while b"\r\n\r\n" not in answer:
            got = sock.recv(1) if len(answer) > 100 else sock.recv(64)
            assert got, f"ended behind {answer!r}"
            answer += got
        assert answer.startswith(b"HTTP/1.1 101 "), answer
        return sock

    def clients(self, count, path, **how):
        return [self.client(path, **how) for _ in range(count)]


def give(sock, data):
    """Sends what the socket takes at once; the number of bytes, or None when the node has ended it."""
    try:
        return sock.send(data)
    except (BlockingIOError, ssl.SSLWantWriteError, ssl.SSLWantReadError):
        return 0
    except OSError:
        return None


def take(sock, most=1 << 18):
    """What has come, b"" for nothing yet, None when the node has ended it."""
    try:
        return sock.recv(most) or None
    except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
        return b""
    except OSError:
        return None


def reset(sock):
    """Closes with RST."""
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    except OSError as error:
        if error.errno != errno.EBADF:
            raise
    sock.close()


def pump(attacker, socks, data, reads=True):
    """Sends `data` over and over on all sockets, as fast as they take it, until the test's end; what
    the node says is read and forgotten, or left unread. Returns how many sockets the node ended."""
    poll = select.poll()
    by_number, offsets, ended = {}, {}, 0
    for sock in socks:
        sock.setblocking(False)
        by_number[sock.fileno()], offsets[sock.fileno()] = sock, 0
        poll.register(sock, select.POLLOUT | (select.POLLIN if reads else 0))
    while by_number and not attacker.is_over():
        for number, events in poll.poll(100):
            sock = by_number[number]
            alive = True
            if reads and events & select.POLLIN:
                alive = take(sock) is not None
            if alive and events & (select.POLLOUT | select.POLLERR | select.POLLHUP):
                sent = give(sock, data[offsets[number] :])
                alive = sent is not None
                if sent:
                    attacker.done += sent
                    offsets[number] = (offsets[number] + sent) % len(data)
            if not alive:
                poll.unregister(number)
                del by_number[number]
                ended += 1
                sock.close()
    attacker.is_over(60)
    return ended


def linger(attacker, socks):
    """Holds the sockets until the test's end."""
    attacker.done += len(socks)
    attacker.is_over(60)
