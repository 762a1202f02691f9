"""Contract 4.5: plain HTTP is reverse-proxied: what goes through."""

import pytest

from support.backend import answer, early, raw, raw_then_close
from support.http1 import chunked, head_bytes, read_body, read_response_head, request_bytes
from support.promise import promise
from support.sockhook import PASSTHROUGH


@promise("4.5", "A complete streaming reverse proxy")
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "PROPFIND"])
def test_any_request_goes_through_whole(connection, backend, method):
    backend.on(
        "/a/b",
        answer(
            200,
            "the answer",
            [("X-A", "1"), ("Set-Cookie", "a=1"), ("Set-Cookie", "b=2")],
            content_type="x/y",
        ),
    )
    body = None if method in ("GET", "DELETE", "OPTIONS") else b"\0the body\xff"
    response = connection.request(
        method,
        "/a/b?q=%20x&r",
        body,
        [
            ("X-Custom", "1"),
            ("X-Custom", "2"),
            ("Cookie", "s=1"),
            ("Accept-Encoding", "gzip"),
            ("If-None-Match", '"x"'),
        ],
    )
    request = backend.one()
    assert (request.method, request.target, request.body) == (method, "/a/b?q=%20x&r", body or b"")
    assert ", ".join(request.all("x-custom")) == "1, 2"
    assert (request["cookie"], request["accept-encoding"], request["if-none-match"]) == (
        "s=1",
        "gzip",
        '"x"',
    )
    assert (response.status, response.text, response["x-a"], response["content-type"]) == (
        200,
        "the answer",
        "1",
        "x/y",
    )
    assert response.all("set-cookie") == ["a=1", "b=2"]


@promise("2", "Any request that is no WebSocket handshake is proxied there, on any path")
@pytest.mark.parametrize("target", ["/", "/chat", "/chat/deeper", "/a%20b/%C3%A9?x=%2F", "/*"])
def test_any_path_goes_through(connection, backend, target):
    assert connection.request("GET", target).status == 200
    assert backend.one().target == target


@promise("2", "Any request that is no WebSocket handshake is proxied there, on any path")
def test_handshakes_on_endpoints_stay_ours(proxy, backend):
    client = proxy.connect()
    client.text("x")
    assert [r.path for r in backend.wait(2)] == ["/connect", "/message"]


@promise("2", "Any request that is no WebSocket handshake is proxied there, on any path")
def test_passthrough_needs_no_endpoint(start, backend):
    node = start({"endpoints": None, **PASSTHROUGH})
    assert node.get("/x").status == 200
    assert node.refused("/x").status == 404


@promise("4.5", "A complete streaming reverse proxy")
@pytest.mark.parametrize("status", [200, 201, 204, 206, 301, 304, 400, 404, 418, 500, 503, 599])
def test_any_status_goes_through(connection, backend, status):
    backend.on(
        "/x",
        answer(
            status, b"" if status in (204, 304) else b"body", {"ETag": '"e"'}, reason="My Reason"
        ),
    )
    for _ in range(2):  # the connection is still in step
        response = connection.request("GET", "/x")
        assert (response.status, response["etag"]) == (status, '"e"')
        assert response.body == (b"" if status in (204, 304) else b"body")


@promise("4.5", "A complete streaming reverse proxy")
def test_head_has_no_body(connection, backend):
    backend.on("/x", raw(b"HTTP/1.1 200 OK\r\nContent-Length: 1234\r\nX-A: 1\r\n\r\n"))
    response = connection.request("HEAD", "/x")
    assert (response.status, response["content-length"], response["x-a"], response.body) == (
        200,
        "1234",
        "1",
        b"",
    )
    assert connection.request("GET", "/y").status == 200


@promise("4.5", "A complete streaming reverse proxy")
def test_a_chunked_request_goes_through_with_its_trailers(connection, backend):
    backend.on("/x", answer(200, "got it"))
    connection.send(
        request_bytes("POST", "/x", {"Transfer-Encoding": "chunked", "Trailer": "X-Sum"})
        + chunked(b"one", b"two" * 1000, trailers={"X-Sum": "7"})
    )
    assert connection.response().text == "got it"
    request = backend.one()
    assert request.body == b"one" + b"two" * 1000
    assert ("X-Sum", "7") in request.trailers


@promise("4.5", "A complete streaming reverse proxy")
def test_a_chunked_answer_goes_through_with_its_trailers(connection, backend):
    backend.on(
        "/x",
        raw(
            head_bytes("HTTP/1.1 200 OK", {"Transfer-Encoding": "chunked", "Trailer": "X-Sum"})
            + chunked(b"one", b"two" * 1000, trailers={"X-Sum": "7"})
        ),
    )
    response = connection.request("GET", "/x", headers={"TE": "trailers"})
    assert response.body == b"one" + b"two" * 1000
    assert ("X-Sum", "7") in response.trailers
    assert connection.request("GET", "/y").status == 200


@promise("4.5", "A complete streaming reverse proxy")
@pytest.mark.parametrize("start_line", ["HTTP/1.1 200 OK", "HTTP/1.0 200 OK"])
def test_an_answer_that_ends_with_the_connection_goes_through(connection, backend, start_line):
    backend.on(
        "/x",
        raw_then_close(start_line.encode() + b"\r\nContent-Type: a/b\r\n\r\n" + b"until the end"),
    )
    response = connection.request("GET", "/x")
    assert response.body == b"until the end"
    assert response["transfer-encoding"] == "chunked" or response["connection"] == "close"


@promise("4.5", "A complete streaming reverse proxy")
def test_1xx_answers_go_through(connection, backend):
    backend.on(
        "/x",
        raw(
            b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n"
            b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
        ),
    )
    response = connection.request("GET", "/x")
    assert response.text == "ok"
    assert [(i.status, i["link"]) for i in response.interim] == [(103, "</a.css>")]


@promise("4.5", "A complete streaming reverse proxy")
def test_expect_100_continue(connection, backend):
    """A client that waits for 100 gets it, from the backend or from us, and its body arrives."""

    def play(wire, request):
        wire.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        read_body(wire, request)
        answer(200, b"got " + request.body).play(wire, request)

    backend.on("/x", early(play))
    connection.send(request_bytes("POST", "/x", {"Expect": "100-continue", "Content-Length": "5"}))
    assert read_response_head(connection).status == 100
    connection.send(b"hello")
    assert connection.response().text == "got hello"
    backend.on("/x", answer(200, "plain"))
    assert connection.request("GET", "/x").text == "plain"


@promise("4.5", "A complete streaming reverse proxy")
def test_a_refusal_of_an_expectation_goes_through(connection, backend):
    backend.on(
        "/x",
        early(
            lambda wire, request: (
                answer(413, "too big", {"Connection": "close"}).play(wire, request),
                wire.close(),
            )
        ),
    )
    connection.send(
        request_bytes("POST", "/x", {"Expect": "100-continue", "Content-Length": "5000000"})
    )
    response = connection.response()
    statuses = [i.status for i in response.interim] + [response.status]
    assert statuses in ([413], [100, 413])
