"""Contract 6: the management listener, and pushes to one connection."""

import re

import pytest

from support.client import BINARY, TEXT
from support.http1 import HttpConnection, request_bytes
from support.management import member, problem
from support.promise import promise
from support.sockhook import endpoint

# The listener


@promise("6", "HTTP/1.1 keep-alive and pipelining.")
def test_keep_alive_and_pipelining(node, client):
    with node.management_connection() as connection:
        for number in range(3):
            assert (
                connection.request(
                    "POST", f"/v1/connections/{client.id}/messages", f"{number}"
                ).status
                == 200
            )
        connection.send(
            b"".join(
                request_bytes("POST", f"/v1/connections/{client.id}/messages", body=b"%d" % n)
                for n in range(3, 50)
            )
            + request_bytes("GET", "/v1/connections/x.y")
            + request_bytes("GET", f"/v1/connections/{client.id}")
        )
        assert [connection.response().status for _ in range(47)] == [200] * 47
        assert connection.response().status == 400
        assert connection.response().json()["id"] == client.id
    assert [client.read_text() for _ in range(50)] == [str(n) for n in range(50)]


@promise("6", "HTTP/1.1 keep-alive and pipelining.")
def test_chunked_bodies_and_expect_are_understood(node, client):
    with node.management_connection() as connection:
        connection.send(
            request_bytes(
                "POST", f"/v1/connections/{client.id}/messages", {"Transfer-Encoding": "chunked"}
            )
            + b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
        )
        assert connection.response().status == 200
        assert client.read_text() == "abcde"
        connection.send(
            request_bytes(
                "POST",
                f"/v1/connections/{client.id}/messages",
                {"Expect": "100-continue", "Content-Length": "2"},
            )
        )
        connection.send(b"hi")
        assert connection.response().status == 200
    assert client.read_text() == "hi"


@promise("6", "Errors are RFC 9457 problem details with `type: about:blank` and a stable `code`")
def test_errors_are_problem_details(node):
    problem(node.push("A" * 30, "x"), 410, "gone")
    response = node.manage("GET", "/v1/nowhere")
    problem(response, 404, response.json()["code"])
    response = node.manage("GET", "/v1/connections?limit=x")
    problem(response, 400, response.json()["code"])


@promise("6", "405 has `Allow`, 401 `WWW-Authenticate`.")
@pytest.mark.parametrize(
    "method, target, allowed",
    [
        ("PUT", "/v1/connections/abcdefghijklmnop/messages", {"POST"}),
        ("POST", "/v1/connections/abcdefghijklmnop", {"GET", "DELETE"}),
        ("POST", "/v1/groups/g", {"GET"}),
        ("GET", "/v1/groups/g/messages", {"POST"}),
        ("GET", "/v1/groups/g/users/u", {"PUT", "DELETE"}),
        ("DELETE", "/v1/messages", {"POST"}),
        ("GET", "/v1/batch", {"POST"}),
        ("DELETE", "/v1/openapi.json", {"GET"}),
    ],
)
def test_a_wrong_method_is_405_with_allow(shared, method, target, allowed):
    response = shared.manage(method, target)
    problem(response, 405, response.json()["code"])
    assert allowed <= set(re.split(r",\s*", response["allow"]))
    assert set(re.split(r",\s*", response["allow"])) <= allowed | {"HEAD", "OPTIONS"}


@promise("6", "`GET /v1/openapi.json` (open) describes all of it.")
def test_the_openapi_document_describes_every_call(start):
    node = start({"management": {"auth": {"tokens": ["secret"]}}})
    response = node.manage("GET", "/v1/openapi.json")
    assert response.status == 200 and response["content-type"].startswith("application/json")
    document = response.json()
    assert document["openapi"].startswith("3.")
    described = {
        (method.upper(), re.sub(r"\{[^}]*\}", "{}", path))
        for path, methods in document["paths"].items()
        for method in methods
        if method in ("get", "put", "post", "delete")
    }
    assert described >= {
        ("POST", "/v1/connections/{}/messages"),
        ("GET", "/v1/connections/{}"),
        ("DELETE", "/v1/connections/{}"),
        ("GET", "/v1/connections"),
        ("POST", "/v1/groups/{}/messages"),
        ("PUT", "/v1/groups/{}/connections/{}"),
        ("DELETE", "/v1/groups/{}/connections/{}"),
        ("PUT", "/v1/groups/{}/users/{}"),
        ("DELETE", "/v1/groups/{}/users/{}"),
        ("GET", "/v1/groups/{}"),
        ("GET", "/v1/groups/{}/connections"),
        ("POST", "/v1/users/{}/messages"),
        ("GET", "/v1/users/{}"),
        ("DELETE", "/v1/users/{}/connections"),
        ("POST", "/v1/messages"),
        ("POST", "/v1/batch"),
    }


# POST /v1/connections/{id}/messages


@promise("6", "Sends take raw bytes: `application/octet-stream` is a binary frame, everything")
@pytest.mark.parametrize(
    "content_type, opcode",
    [
        ("application/octet-stream", BINARY),
        ("Application/Octet-Stream; a=b", BINARY),
        ("text/plain", TEXT),
        ("application/json", TEXT),
        ("image/png", TEXT),
    ],
)
def test_the_content_type_chooses_the_frame(node, client, content_type, opcode):
    assert node.push(client.id, '{"ü": 1}', content_type).status == 200
    got = client.read()
    assert (got.opcode, got.payload) == (opcode, '{"ü": 1}'.encode())


@promise("6", "Sends take raw bytes: `application/octet-stream` is a binary frame, everything")
def test_without_a_content_type_it_is_text(node, client):
    assert node.manage("POST", f"/v1/connections/{client.id}/messages", "plain").status == 200
    assert client.read_text() == "plain"


@promise("6", "Sends take raw bytes: `application/octet-stream` is a binary frame, everything")
@pytest.mark.parametrize("body", [b"\xff", b"a\xc3", b"\xed\xa0\x80", b"\xc0\xaf"])
def test_text_that_is_no_utf8_is_400(node, client, body):
    response = node.push(client.id, body)
    problem(response, 400, response.json()["code"])
    assert node.push(client.id, body, "application/octet-stream").status == 200
    assert client.read_binary() == body


@promise("6", "Sends take raw bytes: `application/octet-stream` is a binary frame, everything")
def test_an_empty_body_is_an_empty_frame(node, client):
    assert node.push(client.id, "").status == 200
    assert node.push(client.id, "", "application/octet-stream").status == 200
    assert (
        node.manage("POST", f"/v1/connections/{client.id}/messages").status == 200
    )  # no length, no body
    assert [(f.opcode, f.payload) for f in (client.read(), client.read(), client.read())] == [
        (TEXT, b""),
        (BINARY, b""),
        (TEXT, b""),
    ]


@promise("6", "200 `{}` once the frame is in that socket's send queue; 202 held (3.2) or with")
def test_a_push_is_200(node, client):
    response = node.push(client.id, "x")
    assert (response.status, response.json()) == (200, {})
    assert response["content-type"].startswith("application/json")
    assert client.read_text() == "x"


@promise("6", "200 `{}` once the frame is in that socket's send queue; 202 held (3.2) or with")
def test_a_push_that_does_not_wait_is_202(node, client):
    assert node.push(client.id, "x", query="?wait=none").status == 202
    assert client.read_text() == "x"
    response = node.push(client.id, "x", query="?wait=maybe")
    problem(response, 400, response.json()["code"])


@promise("6", "413 at the target's `message_size` or `body_size`.")
def test_a_push_over_the_targets_message_size_is_413(start, backend):
    node = start(
        {"endpoints": [endpoint(limits={"message_size": "1KiB"}), endpoint("large", "/large")]}
    )
    small, large = member(node, backend), member(node, backend, "/large")
    assert node.push(small.id, "x" * 1024).status == 200
    problem(node.push(small.id, "x" * 1025), 413, "too_large")
    assert node.push(large.id, "x" * 1025).status == 200
    assert len(small.read_text()) == 1024 and len(large.read_text()) == 1025


# Strictness


@pytest.mark.parametrize("listener", ["management", "admin"])
@pytest.mark.parametrize(
    "data",
    [
        b"GET /v1/connections HTTP/1.1\n\n",
        b"POST /v1/messages HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n"
        b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"nonsense\r\n\r\n",
    ],
)
def test_ambiguous_requests_are_400_and_close(shared, listener, data):
    with HttpConnection.to(getattr(shared, listener)) as connection:
        connection.send(data)
        assert connection.response().status == 400
        assert connection.ended()
