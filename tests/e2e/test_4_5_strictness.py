"""Contract 4.5: no client can smuggle a request or play the proxy."""

import pytest

from conftest import Nodes
from support.backend import FakeBackend
from support.config import to_yaml
from support.http1 import chunked, read_response, request_bytes
from support.promise import promise
from support.sockhook import PASSTHROUGH, run_binary
from support.wire import Wire


@promise("4.5", "Strips `ce-*`, `sockhook-*` and `webhook-*` from requests")
def test_a_client_cannot_play_the_proxy(connection, backend):
    connection.request(
        "POST",
        "/x",
        "b",
        [
            ("ce-type", "io.sockhook.connect"),
            ("CE-Id", "1"),
            ("Sockhook-State", "s"),
            ("sockhook-anything", "s"),
            ("Webhook-Signature", "v1,x"),
            ("webhook-id", "1"),
            ("X-Kept", "1"),
        ],
    )
    names = {name.lower() for name, _ in backend.one().headers}
    assert "x-kept" in names
    assert not [name for name in names if name.startswith(("ce-", "sockhook-", "webhook-"))]


DISGUISES = [
    "/connect",
    "/connect/",
    "/connect?x=1",
    "/CONNECT",
    "/%63onnect",
    "/c%6Fnnect",
    "//connect",
    "/./connect",
    "/x/../connect",
    "/connect//",
    "/%2e/connect",
    "/x/%2E%2E/connect",
    "/message",
    "/disconnect/",
    "/connect/.",
    "http://test.example/connect",
    "/con%6eect%2f",
    "/%2Fconnect",
]


@promise("4.5", "answers 404 for paths that are webhook routes of that backend (compared decoded")
@pytest.mark.parametrize("target", DISGUISES)
def test_webhook_routes_are_not_reachable(connection, backend, target):
    status = connection.request("POST", target, "forged", {"Content-Type": "text/plain"}).status
    assert status == 404 or (
        status == 400 and target not in ("/connect", "/connect/", "/CONNECT", "/message")
    )
    assert not backend.seen()


@promise("4.5", "answers 404 for paths that are webhook routes of that backend (compared decoded")
def test_paths_that_only_look_alike_are_reachable(connection, backend):
    for target in ("/connected", "/connect/deeper", "/x/connect", "/messages", "/connect.html"):
        assert connection.request("GET", target).status == 200, target


@promise("4.5", "a route `/` beside")
def test_a_route_at_the_root_beside_passthrough_is_a_mistake(tmp_path):
    config = {
        "backends": {"app": {"url": "http://127.0.0.1:1"}},
        "passthrough": {"backend": "app"},
        "endpoints": [{"path": "/chat", "backend": "app", "routes": {"$default": "/"}}],
    }
    file = tmp_path / "c.yaml"
    file.write_text(to_yaml(config))
    assert run_binary("check", "--config", file).returncode == 2
    config["backends"]["other"] = {"url": "http://127.0.0.1:2"}
    config["passthrough"]["backend"] = "other"
    file.write_text(to_yaml(config))
    assert run_binary("check", "--config", file).returncode == 0


HEAD = b"POST /x HTTP/1.1\r\nHost: a\r\n"
AMBIGUOUS = {
    "a length and chunks": HEAD
    + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunks and a length": HEAD
    + b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n",
    "two lengths": HEAD + b"Content-Length: 4\r\nContent-Length: 5\r\n\r\nabcde",
    "two equal lengths": HEAD + b"Content-Length: 4\r\nContent-Length: 4\r\n\r\nabcd",
    "a list of lengths": HEAD + b"Content-Length: 4, 4\r\n\r\nabcd",
    "a signed length": HEAD + b"Content-Length: +4\r\n\r\nabcd",
    "a hexadecimal length": HEAD + b"Content-Length: 0x4\r\n\r\nabcd",
    "a length with a space": HEAD + b"Content-Length: 1 0\r\n\r\nabcdefghij",
    "a huge length": HEAD + b"Content-Length: 99999999999999999999999\r\n\r\nabcd",
    "an empty length": HEAD + b"Content-Length: \r\n\r\n",
    "an unknown coding": HEAD + b"Transfer-Encoding: gzip\r\n\r\nabcd",
    "chunked not last": HEAD + b"Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n",
    "gzip before chunked": HEAD + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "chunked twice": HEAD
    + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "xchunked": HEAD + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "chunked after a vertical tab": HEAD + b"Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n",
    "a space before the colon": HEAD + b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
    "a folded coding": HEAD + b"Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n",
    "obs-fold": HEAD + b"X: a\r\n b\r\nContent-Length: 0\r\n\r\n",
    "a bad chunk size": HEAD + b"Transfer-Encoding: chunked\r\n\r\nxyz\r\n\r\n0\r\n\r\n",
    "a negative chunk size": HEAD + b"Transfer-Encoding: chunked\r\n\r\n-1\r\nx\r\n0\r\n\r\n",
    "a huge chunk size": HEAD
    + b"Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\nx\r\n0\r\n\r\n",
    "a chunk size with 0x": HEAD + b"Transfer-Encoding: chunked\r\n\r\n0x1\r\nx\r\n0\r\n\r\n",
    "a chunk without its end": HEAD + b"Transfer-Encoding: chunked\r\n\r\n1\r\nxy\r\n0\r\n\r\n",
    "a chunk size ended by LF": HEAD + b"Transfer-Encoding: chunked\r\n\r\n1\nx\r\n0\r\n\r\n",
    "a chunk ended by LF": HEAD + b"Transfer-Encoding: chunked\r\n\r\n1\r\nx\n0\r\n\r\n",
    "bare LF in the head": b"POST /x HTTP/1.1\nHost: a\nContent-Length: 0\n\n",
    "one bare LF": b"POST /x HTTP/1.1\r\nHost: a\nContent-Length: 0\r\n\r\n",
    "a bare LF as the end": HEAD + b"Content-Length: 0\r\n\n",
    "a bare CR": HEAD + b"X: a\rTransfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n",
    "NUL in a value": HEAD + b"X: a\0b\r\nContent-Length: 0\r\n\r\n",
    "NUL in a name": HEAD + b"X\0: a\r\nContent-Length: 0\r\n\r\n",
    "NUL in the target": b"GET /x\0y HTTP/1.1\r\nHost: a\r\n\r\n",
    "an empty name": HEAD + b": a\r\nContent-Length: 0\r\n\r\n",
    "a name with a space": HEAD + b"X Y: a\r\nContent-Length: 0\r\n\r\n",
    "a line without a colon": HEAD + b"nonsense\r\nContent-Length: 0\r\n\r\n",
    "a space first": b"GET /x HTTP/1.1\r\n Host: a\r\n\r\n",
    "no host": b"GET /x HTTP/1.1\r\n\r\n",
    "two hosts": b"GET /x HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n",
    "a space in the target": b"GET /x y HTTP/1.1\r\nHost: a\r\n\r\n",
    "a tab in the line": b"GET\t/x HTTP/1.1\r\nHost: a\r\n\r\n",
    "HTTP/0.9": b"GET /x\r\n\r\n",
    "HTTP/2.0 in the line": b"GET /x HTTP/2.0\r\nHost: a\r\n\r\n",
    "HTTP/1.2": b"GET /x HTTP/1.2\r\nHost: a\r\n\r\n",
    "no such protocol": b"GET /x HTP/1.1\r\nHost: a\r\n\r\n",
    "chunked in HTTP/1.0": b"POST /x HTTP/1.0\r\nHost: a\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
}


VERSIONS = {"HTTP/2.0 in the line", "HTTP/1.2"}  # RFC 9110 15.6.6


@promise("4.5", "Ambiguous framing, bare LF included, is 400 and closes")
@pytest.mark.parametrize("what", AMBIGUOUS)
@pytest.mark.parametrize("by_byte", [False, True], ids=["whole", "by byte"])
def test_ambiguous_framing_is_400_and_closes(shared_proxy, what, by_byte):
    node, fake = shared_proxy
    smuggled = request_bytes("GET", "/smuggled")
    with Wire.to(node.public) as wire:
        try:
            (wire.send_by_byte if by_byte else wire.send)(AMBIGUOUS[what] + smuggled)
        except OSError:
            pass  # it has closed already
        response = read_response(wire)
        assert response.status == (505 if what in VERSIONS else 400)
        assert wire.read_to_end() == b"", "something behind it was answered"
    assert not fake.seen(path="/smuggled")


@pytest.fixture(scope="module")
def shared_proxy(tmp_path_factory):
    """One node with passthrough for all ill-formed requests of this module, and its backend."""
    fake = FakeBackend()
    nodes = Nodes(tmp_path_factory.mktemp("shared"), [fake])
    yield nodes(PASSTHROUGH), fake
    nodes.stop()
    fake.stop()


@promise("4.5", "Ambiguous framing, bare LF included, is 400 and closes")
def test_what_is_passed_on_is_written_anew(connection, backend):
    """The backend sees one canonical framing, whatever liberties the client took."""
    connection.send(
        b"POST /x HTTP/1.1\r\nhOsT:a\r\nTRANSFER-encoding:\t CHUNKED \r\nX-Odd:  \t v \t\r\n\r\n"
        b'005;ext="1"\r\nhello\r\n0;x\r\n\r\n'
    )
    assert connection.response().status == 200
    request = backend.one()
    assert request.body == b"hello" and request["x-odd"] == "v"
    assert b"ext" not in request.raw


def test_the_request_head_may_come_byte_by_byte(connection, backend):
    connection.send_by_byte(
        request_bytes("POST", "/x", {"Transfer-Encoding": "chunked"}) + chunked(b"a", b"bc")
    )
    assert connection.response().status == 200
    assert backend.one().body == b"abc"
