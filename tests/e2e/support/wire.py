"""One TCP or unix socket with a read buffer and deadlines, for both ends of every test."""

import socket
import ssl
import struct

from .waiting import PATIENCE


class Ended(Exception):
    """The peer ended the stream (FIN or RST) before what was asked for had come."""

    def __init__(self, rest=b"", reset=False):
        super().__init__(f"stream ended{' by RST' if reset else ''}; unread: {rest[:200]!r}")
        self.rest = rest
        self.reset = reset


class Wire:
    """Blocking reads and writes. `address` is (host, port) or the path of a unix socket."""

    def __init__(self, sock, timeout=PATIENCE):
        self.sock = sock
        self.buffer = bytearray()
        self.timeout = timeout
        sock.settimeout(timeout)
        if sock.family != socket.AF_UNIX:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    @classmethod
    def to(
        cls, address, timeout=PATIENCE, receive_buffer=None, source=None, tls=None, name="localhost"
    ):
        """Connects; a small `receive_buffer` makes a client that is slow to take what it gets.
        With `tls` (an ssl.SSLContext) it speaks TLS with the server of that name."""
        unix = isinstance(address, str)
        sock = socket.socket(socket.AF_UNIX if unix else socket.AF_INET, socket.SOCK_STREAM)
        if receive_buffer:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        if source:
            sock.bind((source, 0))
        sock.settimeout(timeout)
        sock.connect(address)
        if tls:
            # An end without close_notify is no end: see _fill.
            sock = tls.wrap_socket(sock, server_hostname=name, suppress_ragged_eofs=False)
        return cls(sock, timeout)

    def send(self, data):
        self.sock.sendall(data)

    def send_by_byte(self, data):
        for byte in data:
            self.sock.sendall(bytes([byte]))

    def read_some(self):
        """Whatever is there, waiting for at least one byte; raises Ended at the end."""
        if not self.buffer:
            self._fill()
        data = bytes(self.buffer)
        self.buffer.clear()
        return data

    def read_exactly(self, count):
        while len(self.buffer) < count:
            self._fill()
        return self._take(count)

    def read_until(self, mark):
        """Up to and including `mark`."""
        searched = 0
        while (at := self.buffer.find(mark, searched)) < 0:
            searched = max(0, len(self.buffer) - len(mark) + 1)
            self._fill()
        return self._take(at + len(mark))

    def read_to_end(self):
        """All bytes until the peer's FIN (or RST)."""
        try:
            while True:
                self._fill()
        except Ended:
            return self._take(len(self.buffer))

    def silent(self, seconds=0.15):
        """True when nothing arrives, neither bytes nor an end, in that time."""
        if self.buffer:
            return False
        self.sock.settimeout(seconds)
        try:
            self._fill()
            return False
        except TimeoutError:
            return True
        except Ended:
            return False
        finally:
            self.sock.settimeout(self.timeout)

    def ended(self, within=PATIENCE):
        """True when the peer ends the stream in that time without sending another byte."""
        if self.buffer:
            return False
        self.sock.settimeout(within)
        try:
            self._fill()
            return False
        except TimeoutError:
            return False
        except Ended:
            return True
        finally:
            self.sock.settimeout(self.timeout)

    def half_close(self):
        self.sock.shutdown(socket.SHUT_WR)

    def close(self):
        self.sock.close()

    def reset(self):
        """Closes with RST."""
        self.linger_no_longer()
        self.sock.close()

    def linger_no_longer(self):
        """From now on a close is an RST."""
        try:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        except OSError:
            pass

    def _take(self, count):
        data = bytes(self.buffer[:count])
        del self.buffer[:count]
        return data

    def _fill(self):
        try:
            data = self.sock.recv(262144)
        except (ConnectionResetError, BrokenPipeError, ssl.SSLEOFError) as error:
            raise Ended(bytes(self.buffer), reset=True) from error
        if not data:
            raise Ended(bytes(self.buffer))
        self.buffer += data

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
