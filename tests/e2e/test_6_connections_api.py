"""Contract 6, "API Gateway's @connections" (A13): the calls as the AWS SDKs make them."""

import re
import time
from datetime import datetime
from urllib.parse import quote

import pytest

from support.backend import answer
from support.client import BINARY, TEXT
from support.management import member
from support.promise import promise
from support.sockhook import endpoint

DEAD = "A" * 30


@pytest.fixture
def client(node, backend):
    return member(node, backend, headers={"User-Agent": "Browser/1"})


def failed(response, status, name):
    """Asserts that the response is this exception, as the SDKs' parsers look for it."""
    assert (response.status, response["x-amzn-errortype"]) == (status, name)
    assert response["content-type"].startswith("application/json")
    assert "message" in response.json()


def paths(connection):
    return [
        f"/@connections/{connection}",
        f"/prod/@connections/{connection}",
        f"/%40connections/{connection}",
        f"/any_Stage-1/%40connections/{quote(connection, safe='')}",
    ]


@promise("6", "`POST`, `GET`, `DELETE [/{stage}]/@connections/{id}` on the same listener behave")
def test_post_to_connection(node, client):
    for path in paths(client.id):
        response = node.manage("POST", path, "hello")
        assert (response.status, response.body) == (200, b"")
        assert client.read_text() == "hello"


@promise("6", "the frame is text when the body is valid UTF-8, else binary, whatever the content")
@pytest.mark.parametrize(
    "body, opcode",
    [
        ("ünïcode".encode(), TEXT),
        (b"", TEXT),
        (b"\0\1", TEXT),
        (b"\xff", BINARY),
        (b"a\xc3", BINARY),
    ],
)
@pytest.mark.parametrize("content_type", ["application/octet-stream", "text/plain", None])
def test_the_body_chooses_the_frame(node, client, body, opcode, content_type):
    headers = {"Content-Type": content_type} if content_type else {}
    assert node.manage("POST", f"/@connections/{client.id}", body, headers).status == 200
    got = client.read()
    assert (got.opcode, got.payload) == (opcode, body)


@promise("6", "`POST`, `GET`, `DELETE [/{stage}]/@connections/{id}` on the same listener behave")
def test_get_connection(node, client):
    for path in paths(client.id):
        response = node.manage("GET", path)
        assert response.status == 200 and response["content-type"].startswith("application/json")
        seen = response.json()
        assert set(seen) == {"connectedAt", "identity", "lastActiveAt"}
        assert seen["identity"] == {"sourceIp": "127.0.0.1", "userAgent": "Browser/1"}
        for at in (seen["connectedAt"], seen["lastActiveAt"]):
            assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", at)
            assert (
                abs(datetime.fromisoformat(at.replace("Z", "+00:00")).timestamp() - time.time())
                < 60
            )


@promise("6", "`POST`, `GET`, `DELETE [/{stage}]/@connections/{id}` on the same listener behave")
@pytest.mark.parametrize("number", range(4))
def test_delete_connection(node, backend, client, number):
    response = node.manage("DELETE", paths(client.id)[number] + "?code=4000&reason=ignored")
    assert (response.status, response.body) == (204, b"")
    assert client.read_close_code() == 1000
    assert backend.wait(1, type="disconnect")[0]["ce-closedby"] == "backend"


@promise("6", "Names: GoneException, PayloadTooLargeException, LimitExceededException")
@pytest.mark.parametrize("method", ["POST", "GET", "DELETE"])
def test_a_dead_connection_is_gone(shared, method):
    for path in paths(DEAD):
        failed(shared.manage(method, path, "x" if method == "POST" else None), 410, "GoneException")


@promise("6", "Names: GoneException, PayloadTooLargeException, LimitExceededException")
def test_a_payload_that_is_too_large(start, backend):
    node = start(limits={"message_size": "1KiB"})
    client = node.connect()
    failed(
        node.manage("POST", f"/@connections/{backend.newest()}", "x" * 1025),
        413,
        "PayloadTooLargeException",
    )
    assert node.manage("POST", f"/@connections/{backend.newest()}", "x" * 1024).status == 200
    assert len(client.read_text()) == 1024


@promise("6", "Names: GoneException, PayloadTooLargeException, LimitExceededException")
def test_a_client_whose_queue_is_full(start, backend):
    node = start(limits={"send_queue": "64KiB", "slow_client": "drop"})
    client = node.connect(receive_buffer=4096)
    for _ in range(2000):
        response = node.manage("POST", f"/@connections/{backend.newest()}", "x" * 32768)
        if response.status != 200:
            break
    failed(response, 429, "LimitExceededException")
    client.reset()


@promise("6", "BadRequestException, InvalidSignatureException, UnrecognizedClientException")
@pytest.mark.parametrize("method", ["POST", "GET", "DELETE"])
@pytest.mark.parametrize("malformed", ["a%20b", "x" * 65, "a.b"])
def test_a_malformed_id_is_a_bad_request(shared, method, malformed):
    failed(
        shared.manage(method, f"/prod/@connections/{malformed}", "x" if method == "POST" else None),
        400,
        "BadRequestException",
    )


@promise("6", "`POST`, `GET`, `DELETE [/{stage}]/@connections/{id}` on the same listener behave")
@pytest.mark.parametrize("connection", ["L0SM9cOFvHcCIhw%3D", "L0SM9cOFvHcCIhw="])
def test_an_id_as_api_gateway_makes_them_is_gone(shared, connection):
    """Ids kept from API Gateway end in "=", bare or escaped: an SDK's caller gets a typed error."""
    response = shared.manage("POST", f"/prod/@connections/{connection}", "x")
    assert response.status in (400, 410) and response["x-amzn-errortype"] in (
        "GoneException",
        "BadRequestException",
    )


@promise("6", "BadRequestException, InvalidSignatureException, UnrecognizedClientException")
def test_without_credentials_the_token_is_missing(start, backend):
    node = start({"management": {"auth": {"tokens": ["secret"]}}})
    client = node.connect()
    response = node.manage("POST", f"/@connections/{backend.newest()}", "x")
    assert response.status in (401, 403)
    assert response["x-amzn-errortype"] == "MissingAuthenticationTokenException"
    assert (
        node.manage(
            "POST", f"/@connections/{backend.newest()}", "x", {"Authorization": "Bearer secret"}
        ).status
        == 200
    )
    assert client.read_text() == "x"


@promise("6", "`POST`, `GET`, `DELETE [/{stage}]/@connections/{id}` on the same listener behave")
def test_other_methods_and_deeper_paths(shared):
    assert shared.manage("PUT", f"/@connections/{DEAD}").status in (403, 404, 405)
    assert shared.manage("POST", f"/a/b/@connections/{DEAD}", "x").status in (403, 404)
    assert shared.manage("GET", "/@connections").status in (400, 403, 404)


@promise("6", "`POST`, `GET`, `DELETE [/{stage}]/@connections/{id}` on the same listener behave")
def test_both_apis_see_the_same_connection(start, backend):
    node = start({"endpoints": [endpoint(format="lambda")]})
    backend.on("/connect", answer(200, '{"statusCode": 200}'))
    client = node.connect()
    connection = backend.newest()
    assert node.push(connection, "from v1").status == 200
    assert node.manage("POST", f"/prod/@connections/{connection}", "from sdk").status == 200
    assert [client.read_text(), client.read_text()] == ["from v1", "from sdk"]
    assert node.manage("DELETE", f"/prod/@connections/{connection}").status == 204
    assert node.push(connection, "x").status == 410
