"""A WebSocket client of plain blocking sockets that can do everything right and wrong."""

import base64
import hashlib
import json
import os
import struct
from dataclasses import dataclass

from .http1 import Response, as_bytes, head_bytes, pairs, read_response
from .waiting import PATIENCE
from .wire import Ended, Wire

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA
GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


def mask(payload, key):
    repeated = int.from_bytes((key * (len(payload) // 4 + 1))[: len(payload)], "little")
    return (int.from_bytes(payload, "little") ^ repeated).to_bytes(len(payload), "little")


def frame(opcode, payload=b"", fin=True, rsv=0, masked=True, length=None):
    """The bytes of one frame. `length` may lie, or be (bits, value) to choose the encoding."""
    payload = as_bytes(payload)
    first = (0x80 if fin else 0) | rsv << 4 | opcode
    bits, size = length if isinstance(length, tuple) else (None, length)
    size = len(payload) if size is None else size
    bits = bits or (7 if size < 126 else 16 if size < 65536 else 64)
    flag = 0x80 if masked else 0
    if bits == 7:
        head = struct.pack("!BB", first, flag | size)
    elif bits == 16:
        head = struct.pack("!BBH", first, flag | 126, size)
    else:
        head = struct.pack("!BBQ", first, flag | 127, size)
    if not masked:
        return head + payload
    key = os.urandom(4)
    return head + key + mask(payload, key)


def close_payload(code=None, reason=b""):
    return b"" if code is None else struct.pack("!H", code) + as_bytes(reason)


@dataclass
class Frame:
    """One frame from the server."""

    opcode: int
    payload: bytes
    fin: bool = True

    @property
    def code(self):
        return struct.unpack("!H", self.payload[:2])[0] if self.payload else None

    @property
    def reason(self):
        return self.payload[2:].decode()


class Refused(AssertionError):
    """The handshake was answered by something else than 101."""

    def __init__(self, response: Response):
        super().__init__(f"handshake answered {response.status} {response.body[:200]!r}")
        self.response = response


def handshake_bytes(
    target="/chat",
    headers=(),
    protocols=None,
    key=None,
    version="13",
    host="test.example",
    method="GET",
    http_version="1.1",
    without=(),
):
    """A client's opening handshake; a header given in `headers` replaces the ordinary one."""
    key = key or base64.b64encode(os.urandom(16)).decode()
    usual = [
        ("Host", host),
        ("Upgrade", "websocket"),
        ("Connection", "Upgrade"),
        ("Sec-WebSocket-Key", key),
        ("Sec-WebSocket-Version", version),
    ]
    if protocols:
        usual.append(("Sec-WebSocket-Protocol", ", ".join(protocols)))
    given = pairs(headers)
    replaced = {name.lower() for name, _ in given} | {name.lower() for name in without}
    usual = [(name, value) for name, value in usual if name.lower() not in replaced]
    return head_bytes(f"{method} {target} HTTP/{http_version}", usual + given)


class RawClient(Wire):
    """`open()` does the whole handshake; `begin()` only sends it, `finish()` reads the answer."""

    response = None  # of the handshake

    @classmethod
    def begin(
        cls,
        address,
        target="/chat",
        headers=(),
        protocols=None,
        early=b"",
        timeout=PATIENCE,
        receive_buffer=None,
        source=None,
        tls=None,
        name="localhost",
        **oddities,
    ):
        """Sends the handshake (and `early` bytes behind it) without waiting for the answer."""
        client = cls.to(address, timeout, receive_buffer, source, tls, name)
        client.key = oddities.pop("key", None) or base64.b64encode(os.urandom(16)).decode()
        client.send(handshake_bytes(target, headers, protocols, client.key, **oddities) + early)
        return client

    def finish(self):
        """Reads the handshake's answer; raises Refused unless it is a correct 101."""
        self.response = read_response(self)
        if self.response.status != 101:
            self.close()
            raise Refused(self.response)
        accept = base64.b64encode(hashlib.sha1(self.key.encode() + GUID).digest()).decode()
        assert self.response["sec-websocket-accept"] == accept
        assert self.response["upgrade"].lower() == "websocket"
        assert self.response["connection"].lower() == "upgrade"
        return self

    @classmethod
    def open(cls, address, target="/chat", **how):
        return cls.begin(address, target, **how).finish()

    @classmethod
    def refused(cls, address, target="/chat", **how):
        """The response of a handshake that must not succeed."""
        with cls.begin(address, target, **how) as client:
            response = read_response(client)
        assert response.status != 101, "the handshake was accepted"
        return response

    @property
    def subprotocol(self):
        return self.response["sec-websocket-protocol"]

    # Sending

    def frame(self, opcode, payload=b"", **how):
        self.send(frame(opcode, payload, **how))

    def text(self, payload, **how):
        self.frame(TEXT, payload, **how)

    def json(self, value):
        self.text(json.dumps(value))

    def binary(self, payload, **how):
        self.frame(BINARY, payload, **how)

    def ping(self, payload=b""):
        self.frame(PING, payload)

    def fragments(self, opcode, *pieces):
        """One message in several frames."""
        last = len(pieces) - 1
        for number, piece in enumerate(pieces):
            self.frame(opcode if number == 0 else CONTINUATION, piece, fin=number == last)

    def send_close(self, code=None, reason=b""):
        self.frame(CLOSE, close_payload(code, reason))

    # Receiving

    def read_frame(self):
        """The next frame of any kind, checked to be one that a server may send."""
        first, second = self.read_exactly(2)
        assert not second & 0x80, "a server's frame is masked"
        assert not first & 0x70, "a server's frame has reserved bits"
        length = second & 0x7F
        if length == 126:
            length = struct.unpack("!H", self.read_exactly(2))[0]
        elif length == 127:
            length = struct.unpack("!Q", self.read_exactly(8))[0]
        return Frame(first & 0x0F, self.read_exactly(length), bool(first & 0x80))

    def read(self):
        """The next data or close frame; pings are answered, pongs skipped."""
        while True:
            got = self.read_frame()
            if got.opcode == PING:
                self.frame(PONG, got.payload)
            elif got.opcode != PONG:
                return got

    def read_text(self):
        got = self.read()
        assert got.opcode == TEXT and got.fin, got
        return got.payload.decode()

    def read_json(self):
        return json.loads(self.read_text())

    def read_binary(self):
        got = self.read()
        assert got.opcode == BINARY and got.fin, got
        return got.payload

    def read_pong(self):
        got = self.read_frame()
        assert got.opcode == PONG, got
        return got.payload

    def read_close(self, answer=True):
        """The server's close frame as (code, reason); answers it as a client must."""
        got = self.read()
        assert got.opcode == CLOSE, got
        if answer:
            try:
                self.frame(CLOSE, got.payload[:2])
            except OSError:
                pass
        return got.code, got.payload[2:].decode()

    def read_close_code(self):
        return self.read_close()[0]

    def leave(self, code=1000, reason=b""):
        """A clean close from the client's side; returns the code that the server echoed."""
        self.send_close(code, reason)
        try:
            while (got := self.read()).opcode != CLOSE:
                pass
            return got.code
        finally:
            self.close()

    def in_sync(self):
        """True once everything sent so far has been read by the proxy: a ping came back."""
        token = os.urandom(8)
        self.ping(token)
        while (got := self.read_frame()).opcode != PONG or got.payload != token:
            assert got.opcode in (PING, PONG), got
        return True

    def quiet(self, seconds=0.15):
        return self.silent(seconds)

    def gone(self, within=PATIENCE):
        """True when the server has closed the TCP connection (unread frames are skipped)."""
        self.sock.settimeout(within)
        try:
            while True:
                self.read_some()
        except Ended:
            return True
        except TimeoutError:
            return False
        finally:
            self.sock.settimeout(self.timeout)
