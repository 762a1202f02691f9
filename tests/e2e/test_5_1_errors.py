"""Contract 5.1: error frames, and errors that close."""

import pytest

from support.backend import answer, hang
from support.client import frame
from support.promise import promise
from support.waiting import eventually


@promise("5.1", '`{"message": "…", "connectionId":"…", "requestId":"…"}`; the socket stays')
def test_the_bytes_of_an_error_frame(node, backend):
    backend.on("/message", answer(500))
    client = node.connect()
    connection = backend.newest()
    for number in (1, 2):
        client.text("x")
        assert client.read_text() == (
            '{"message": "Internal server error", "connectionId":"%s", "requestId":"%s-%d"}'
            % (connection, connection, number)
        )


@promise("5.1", "requestId is the event's id, or a fresh one that the log has too.")
def test_the_request_id_of_an_error_frame(start, backend):
    node = start(routes={"$connect": "/connect"})
    client = node.connect()
    client.text("x")
    client.text("y")
    first, second = client.read_json()["requestId"], client.read_json()["requestId"]
    assert first != second
    eventually(
        lambda: first in node.log_text() and second in node.log_text(),
        what="the ids are in the log",
    )


@promise("5.1", "`Forbidden`: no route and no `$default` (no event number is used up).")
def test_forbidden_uses_no_event_number(start, backend):
    node = start(select="$request.body.action", routes={"$connect": "/connect", "go": "/message"})
    client = node.connect()
    for _ in range(3):
        client.text("nothing")
        assert client.read_json()["message"] == "Forbidden"
    client.json({"action": "go"})
    assert backend.wait(1, path="/message")[0]["ce-id"] == backend.newest() + "-1"


@promise("5.1", "`Internal server error`: backend failure.")
def test_an_unreachable_backend_is_an_internal_server_error(start, backend):
    node = start()
    client = node.connect()
    backend.stop()
    client.text("x")
    assert client.read_json()["message"] == "Internal server error"


@promise("5.1", "`Endpoint request timed out`.")
def test_a_time_out(start, backend):
    node = start(app={"timeout": "150ms"})
    backend.on("/message", hang())
    client = node.connect()
    client.text("x")
    assert client.read_json() == {
        "message": "Endpoint request timed out",
        "connectionId": backend.newest(),
        "requestId": backend.newest() + "-1",
    }


@promise("5.1", "`errors: close` closes with 1011 for the two backend cases.")
@pytest.mark.parametrize("script", [answer(500), hang()], ids=["failure", "time-out"])
def test_errors_may_close(start, backend, script):
    node = start(errors="close", app={"timeout": "200ms"})
    backend.on("/message", script)
    client = node.connect()
    client.text("x")
    assert client.read_close_code() == 1011
    assert backend.ending()[::2] == (1011, "proxy")


@promise("5.1", "`errors: close` closes with 1011 for the two backend cases.")
def test_errors_close_leaves_the_other_errors_frames(start, backend):
    node = start(errors="close", routes={"$connect": "/connect"})
    client = node.connect()
    client.text("x")
    assert client.read_json()["message"] == "Forbidden"
    backend.on("/message", answer(404))
    client = start(errors="close").connect()
    client.text("x")
    assert client.read_json()["message"] == "Not Found"


@promise("5.1", "Protocol violations follow RFC 6455 (1002, 1003, 1007, 1009); drain is 1012.")
def test_a_protocol_violation_closes(node):
    client = node.connect()
    client.send(frame(0x5, "x"))
    assert client.read_close_code() == 1002
    assert client.gone()
