"""HTTP/1.1 as bytes: strict readers for both directions, and a client that may send anything.

Headers are lists of (name, value) exactly as they came; message["name"] looks one up without
regard to case and fails when it came twice, so that a doubled header cannot hide.
"""

import json
from dataclasses import dataclass, field
from http import HTTPStatus

from .wire import Wire
from .waiting import PATIENCE


@dataclass
class Message:
    """What requests and responses have in common; `raw` holds the exact bytes."""

    headers: list = field(default_factory=list)
    body: bytes = b""
    trailers: list = field(default_factory=list)
    raw: bytes = b""

    def all(self, name):
        return [value for key, value in self.headers if key.lower() == name.lower()]

    def __getitem__(self, name):
        values = self.all(name)
        assert len(values) < 2, f"{name} came {len(values)} times: {values}"
        return values[0] if values else None

    def __contains__(self, name):
        return bool(self.all(name))

    @property
    def text(self):
        return self.body.decode()

    def json(self):
        return json.loads(self.body)


@dataclass
class Request(Message):
    method: str = ""
    target: str = ""
    version: str = ""
    connection: int = 0  # which of the backend's connections, counted from 1
    at: float = 0.0  # time.monotonic() when its head had come

    @property
    def path(self):
        return self.target.split("?", 1)[0]


@dataclass
class Response(Message):
    status: int = 0
    reason: str = ""
    version: str = ""
    interim: list = field(default_factory=list)  # the 1xx heads before it


def parse_head(raw):
    """(start line, headers) of a head; asserts the strict grammar that a proxy must write."""
    assert raw.endswith(b"\r\n\r\n")
    lines = raw[:-4].split(b"\r\n")
    for line in lines:
        assert b"\n" not in line and b"\r" not in line and b"\0" not in line, line
    headers = []
    for line in lines[1:]:
        name, colon, value = line.partition(b":")
        assert colon and name and name == name.strip(), line
        headers.append((name.decode("latin-1"), value.strip(b" \t").decode("latin-1")))
    return lines[0].decode("latin-1"), headers


def read_chunked(wire):
    """(body, trailers, raw bytes)."""
    body, raw = b"", b""
    while True:
        line = wire.read_until(b"\r\n")
        raw += line
        size = int(line.split(b";")[0].strip(), 16)
        if size == 0:
            break
        piece = wire.read_exactly(size + 2)
        assert piece.endswith(b"\r\n"), piece[-4:]
        raw += piece
        body += piece[:-2]
    tail = b""
    while not tail.endswith(b"\r\n\r\n") and tail != b"\r\n":
        tail += wire.read_until(b"\r\n")
    trailers = parse_head(b"\r\n" + tail)[1] if tail != b"\r\n" else []
    return body, trailers, raw + tail


def read_body(wire, message):
    """Reads the body that the message's framing announces; True when there was framing."""
    if "transfer-encoding" in message:
        assert message["transfer-encoding"].lower() == "chunked"
        assert "content-length" not in message
        message.body, message.trailers, raw = read_chunked(wire)
        message.raw += raw
        return True
    if "content-length" in message:
        message.body = wire.read_exactly(int(message["content-length"]))
        message.raw += message.body
        return True
    return False


def read_request_head(wire):
    raw = wire.read_until(b"\r\n\r\n")
    line, headers = parse_head(raw)
    method, target, version = line.split(" ")
    return Request(headers=headers, raw=raw, method=method, target=target, version=version)


def read_response_head(wire):
    raw = wire.read_until(b"\r\n\r\n")
    line, headers = parse_head(raw)
    version, status, reason = (line.split(" ", 2) + [""])[:3]
    return Response(headers=headers, raw=raw, version=version, status=int(status), reason=reason)


def read_response(wire, method="GET"):
    """The final response; 101 counts as final. A body without framing runs to the end."""
    interim = []
    while True:
        response = read_response_head(wire)
        if response.status >= 200 or response.status == 101:
            break
        interim.append(response)
    response.interim = interim
    if method != "HEAD" and response.status not in (101, 204, 304):
        if not read_body(wire, response):
            response.body = wire.read_to_end()
            response.raw += response.body
    return response


def reason_of(status):
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"


def as_bytes(value):
    return value if isinstance(value, bytes) else str(value).encode("utf-8")


def pairs(headers):
    """Headers given as a dict or as a list of pairs."""
    return list(headers.items()) if isinstance(headers, dict) else list(headers)


def head_bytes(start_line, headers):
    lines = [as_bytes(start_line)]
    lines += [as_bytes(name) + b": " + as_bytes(value) for name, value in pairs(headers)]
    return b"\r\n".join(lines) + b"\r\n\r\n"


def request_bytes(method, target, headers=(), body=None, host="test.example"):
    """A well-formed request; Host and Content-Length are added where they are missing."""
    headers = pairs(headers)
    names = {name.lower() for name, _ in headers}
    if "host" not in names:
        headers.insert(0, ("Host", host))
    if body is not None and not names & {"content-length", "transfer-encoding"}:
        headers.append(("Content-Length", len(body)))
    return head_bytes(f"{method} {target} HTTP/1.1", headers) + as_bytes(body or b"")


def chunked(*pieces, trailers=()):
    """A chunked body of these pieces."""
    body = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces)
    return body + b"0\r\n" + head_bytes(b"", trailers)[2:] if trailers else body + b"0\r\n\r\n"


class HttpConnection(Wire):
    """A keep-alive connection to one of the proxy's listeners."""

    def request(self, method, target, body=None, headers=(), host="test.example"):
        self.send(
            request_bytes(
                method, target, headers, as_bytes(body) if body is not None else None, host
            )
        )
        return read_response(self, method)

    def response(self, method="GET"):
        return read_response(self, method)


def http(address, method, target, body=None, headers=(), timeout=PATIENCE, host="test.example"):
    """One request on a connection of its own."""
    with HttpConnection.to(address, timeout) as connection:
        return connection.request(method, target, body, headers, host)


def exchange(address, data, timeout=PATIENCE):
    """Sends arbitrary bytes and returns all that comes back until the peer closes."""
    with Wire.to(address, timeout) as wire:
        wire.send(data)
        return wire.read_to_end()
