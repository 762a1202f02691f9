"""Contract 4.1: what an answer to a message sends to the client."""

import pytest

from support.backend import answer, raw
from support.promise import promise

FAILURE = "Internal server error"


def ask(node, backend, script):
    backend.on("/message", script)
    client = node.connect()
    client.text("x")
    return client


@promise("4.1", "Answer to a message: 2xx with a body sends it")
@pytest.mark.parametrize("status", [200, 201, 202, 203, 206, 226])
def test_a_2xx_body_is_one_text_frame(node, backend, status):
    assert (
        ask(node, backend, answer(status, "line 1\nline 2", content_type="text/plain")).read_text()
        == "line 1\nline 2"
    )


@promise("4.1", "one binary frame for `application/octet-stream`, one text frame per non-empty")
@pytest.mark.parametrize(
    "content_type",
    ["application/octet-stream", "Application/Octet-Stream", "application/octet-stream; x=y"],
)
def test_octet_stream_is_one_binary_frame(node, backend, content_type):
    assert (
        ask(node, backend, answer(200, b"\0\xff\n", content_type=content_type)).read_binary()
        == b"\0\xff\n"
    )


@promise("4.1", "one binary frame for `application/octet-stream`, one text frame per non-empty")
def test_ndjson_is_one_frame_per_line(node, backend):
    client = ask(
        node,
        backend,
        answer(
            200,
            '\n{"a":1}\r\n\r\n\n{"b":2}\nlast',
            content_type="application/x-ndjson; charset=utf-8",
        ),
    )
    assert [client.read_text() for _ in range(3)] == ['{"a":1}', '{"b":2}', "last"]
    assert client.quiet()


@promise("4.1", "one binary frame for `application/octet-stream`, one text frame per non-empty")
def test_ndjson_sends_all_lines_or_none(node, backend):
    client = ask(
        node, backend, answer(200, b"good\n\xff\xfe\n", content_type="application/x-ndjson")
    )
    assert client.read_json()["message"] == FAILURE
    assert client.quiet()


@promise("4.1", "one binary frame for `application/octet-stream`, one text frame per non-empty")
@pytest.mark.parametrize(
    "content_type", [None, "application/json", "text/html; charset=utf-8", "image/png"]
)
def test_everything_else_is_one_text_frame(node, backend, content_type):
    assert (
        ask(node, backend, answer(200, '{"ü": 1}', content_type=content_type)).read_text()
        == '{"ü": 1}'
    )


@promise("4.1", "204 or an empty body sends nothing.")
@pytest.mark.parametrize(
    "script",
    [
        answer(204),
        answer(200),
        answer(200, content_type="application/octet-stream"),
        answer(200, "\r\n\n", content_type="application/x-ndjson"),
        answer(200, chunks=[]),
    ],
    ids=["204", "empty", "empty binary", "empty lines", "no chunks"],
)
def test_an_empty_answer_sends_nothing(node, backend, script):
    client = ask(node, backend, script)
    backend.wait(1, path="/message")
    assert client.quiet()


@promise("4.1", "4xx: its body as a frame if it has one, else an error frame with the status'")
def test_a_4xx_with_a_body_sends_it(node, backend):
    assert ask(node, backend, answer(422, '{"error": "no"}')).read_text() == '{"error": "no"}'
    assert (
        ask(
            node, backend, answer(400, b"\1\2", content_type="application/octet-stream")
        ).read_binary()
        == b"\1\2"
    )


@promise("4.1", "4xx: its body as a frame if it has one, else an error frame with the status'")
@pytest.mark.parametrize(
    "status, reason, message",
    [
        (400, "Bad Request", "Bad Request"),
        (403, "Forbidden", "Forbidden"),
        (404, "Not Found", "Not Found"),
        (409, "Conflict", "Conflict"),
        (429, "Too Many Requests", "Too Many Requests"),
        (429, "", "Too Many Requests"),
        (404, "", "Not Found"),
    ],
)
def test_a_4xx_without_a_body_sends_its_reason_phrase(node, backend, status, reason, message):
    client = ask(node, backend, answer(status, reason=reason))
    frame = client.read_json()
    assert frame == {
        "message": message,
        "connectionId": backend.newest(),
        "requestId": backend.newest() + "-1",
    }
    client.text("y")
    assert client.read_json()["message"] == message


FAILURES = {
    "101": b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
    "301": b"HTTP/1.1 301 Moved\r\nLocation: /x\r\nContent-Length: 1\r\n\r\nx",
    "304": b"HTTP/1.1 304 Not Modified\r\n\r\n",
    "500": b"HTTP/1.1 500 Oh\r\nContent-Length: 7\r\n\r\nsecrets",
    "503": b"HTTP/1.1 503 Oh\r\nContent-Length: 0\r\n\r\n",
    "599": b"HTTP/1.1 599 Oh\r\nContent-Length: 0\r\n\r\n",
    "invalid UTF-8": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n\xc3\x28",
    "gzip": b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n\x1f\x8b",
    "br binary": b"HTTP/1.1 200 OK\r\nContent-Encoding: br\r\n"
    b"Content-Type: application/octet-stream\r\nContent-Length: 1\r\n\r\nx",
    "too large": b"HTTP/1.1 200 OK\r\nContent-Length: 1048577\r\n\r\n" + b"x" * 1048577,
}


@promise("4.1", "Everything else (101, 3xx, 5xx, invalid UTF-8 in text, `Content-Encoding`, too")
@pytest.mark.parametrize("what", FAILURES)
def test_everything_else_is_a_backend_failure(node, backend, what):
    client = ask(node, backend, raw(FAILURES[what]))
    assert client.read_json() == {
        "message": FAILURE,
        "connectionId": backend.newest(),
        "requestId": backend.newest() + "-1",
    }
    backend.on("/message", answer(200, "goes on"))
    client.text("y")
    assert client.read_text() == "goes on"


def test_an_identity_content_encoding_is_none(node, backend):
    assert ask(node, backend, answer(200, "x", {"Content-Encoding": "identity"})).read_text() == "x"
