"""Contract 3.2: subprotocols, cookies, first frames, and pushes while $connect runs."""

import threading

import pytest

from support.backend import answer, when
from support.http1 import read_response
from support.promise import promise
from support.waiting import eventually

LAMBDA_OK = answer(200, '{"statusCode": 200}', content_type="application/json")


@pytest.fixture
def held(node, backend):
    """A handshake whose $connect runs until `go` is set: (client, id, go)."""
    return hold(node, backend)


def hold(node, backend, script=answer(200), **how):
    go = threading.Event()
    backend.on("/connect", when(go, script))
    client = node.begin(**how)
    backend.wait(path="/connect")
    return client, backend.newest(), go


# Subprotocols, cookies, the first frames


@promise("3.2", "The client's `Sec-WebSocket-Protocol` is passed to `$connect`")
def test_the_offered_protocols_reach_connect_and_other_sec_headers_do_not(node, backend):
    node.connect(protocols=["a", "b"], headers={"Sec-WebSocket-Extensions": "permessage-deflate"})
    request = backend.one(path="/connect")
    assert request["sec-websocket-protocol"] == "a, b"
    names = {name.lower() for name, _ in request.headers}
    assert not {name for name in names if name.startswith("sec-websocket-")} - {
        "sec-websocket-protocol"
    }
    assert not names & {"upgrade"}


@promise("3.2", "(other `Sec-WebSocket-*` only in the lambda format, as A8 shows)")
def test_lambda_sees_the_other_sec_headers(start, backend):
    backend.on("/connect", LAMBDA_OK)
    start(format="lambda").connect(
        headers={"Sec-WebSocket-Extensions": "permessage-deflate"}, key="dGhlIHNhbXBsZSBub25jZQ=="
    )
    headers = backend.one(path="/connect").json()["headers"]
    assert headers["Sec-WebSocket-Key"] == "dGhlIHNhbXBsZSBub25jZQ=="
    assert headers["Sec-WebSocket-Version"] == "13"
    assert headers["Sec-WebSocket-Extensions"] == "permessage-deflate"


@promise("3.2", "what its answer names must have been offered and is negotiated.")
def test_the_answers_protocol_is_negotiated(node, backend):
    backend.on("/connect", answer(200, headers={"Sec-WebSocket-Protocol": "b"}))
    assert node.connect(protocols=["a", "b"]).subprotocol == "b"


@promise("3.2", "Without one, the first offered that `protocols` lists.")
def test_the_first_offered_that_the_config_lists_is_chosen(start, backend):
    node = start(protocols=["x", "b", "c"])
    assert node.connect(protocols=["a", "c", "b"]).subprotocol == "c"
    assert node.connect(protocols=["a"]).subprotocol is None
    assert node.connect().subprotocol is None
    backend.on("/connect", answer(200, headers={"Sec-WebSocket-Protocol": "a"}))
    assert node.connect(protocols=["c", "a"]).subprotocol == "a"


@promise("3.2", "Without one, the first offered that `protocols` lists.")
def test_without_connect_route_the_config_still_chooses(start):
    node = start(protocols=["b"], routes={"$default": "/message"})
    assert node.connect(protocols=["a", "b"]).subprotocol == "b"


@promise("3.2", "`Set-Cookie` of the answer goes out with the 101.")
def test_cookies_go_out_with_the_101(node, backend):
    backend.on(
        "/connect",
        answer(
            200,
            headers=[
                ("Set-Cookie", "a=1; Path=/"),
                ("Set-Cookie", "b=2"),
                ("X-Other", "1"),
                ("Sockhook-State", "s"),
            ],
        ),
    )
    response = node.connect().response
    assert response.all("set-cookie") == ["a=1; Path=/", "b=2"]
    assert "sockhook-state" not in response


@promise("3.2", "In the events format the answer's body is the first frame(s)")
def test_the_body_is_the_first_frame(node, backend):
    backend.on("/connect", answer(200, "héllo"))
    assert node.connect().read_text() == "héllo"
    backend.on("/connect", answer(200, b"\0\xff", content_type="application/octet-stream"))
    assert node.connect().read_binary() == b"\0\xff"
    backend.on("/connect", answer(200, "one\n\ntwo\r\nthree", content_type="application/x-ndjson"))
    client = node.connect()
    assert [client.read_text() for _ in range(3)] == ["one", "two", "three"]
    backend.on("/connect", answer(204))
    assert node.connect().quiet()


@promise("3.2", "in lambda it is dropped, as API Gateway does.")
def test_in_lambda_the_body_is_dropped(start, backend):
    backend.on("/connect", answer(200, '{"statusCode": 200, "body": "hello"}'))
    assert start(format="lambda").connect().quiet()


# Order


@promise("3.2", "Order: the answer's effects (4.3), its frames, then pushes that came meanwhile.")
def test_effects_then_frames_then_pushes(node, backend):
    client, connection, go = hold(
        node,
        backend,
        answer(200, "from the answer", {"Sockhook-Join": "room", "Sockhook-User": "ann"}),
    )
    assert node.push(connection, "pushed 1").status == 202
    assert node.push(connection, "pushed 2").status == 202
    go.set()
    client.finish()
    assert [client.read_text() for _ in range(3)] == ["from the answer", "pushed 1", "pushed 2"]
    assert node.manage("GET", "/v1/groups/room").json() == {"group": "room", "count": 1}


@promise("3.2", "A push to a connection whose `$connect` is running is held (up to `send_queue`)")
def test_a_push_while_connect_runs_is_held(node, held):
    client, connection, go = held
    response = node.push(connection, "early")
    assert (response.status, response.json()) == (202, {"held": True})
    assert client.silent()
    go.set()
    assert client.finish().read_text() == "early"


@promise("3.2", "(200 on `@connections`), so that a `$connect` handler may push: never 410.")
def test_a_held_push_on_at_connections_is_200(node, held):
    client, connection, go = held
    response = node.manage("POST", f"/@connections/{connection}", "early")
    assert (response.status, response.body) == (200, b"")
    go.set()
    assert client.finish().read_text() == "early"


@promise("3.2", "(200 on `@connections`), so that a `$connect` handler may push: never 410.")
def test_a_connect_handler_may_push(node, backend):
    def connect(request):
        pushed = node.push(request["ce-connectionid"], "before the answer")
        return answer(200 if pushed.status == 202 else 500)

    backend.on("/connect", connect)
    assert node.connect().read_text() == "before the answer"


@promise("3.2", "It is discarded if `$connect` refuses; one that does not fit is 429.")
def test_a_held_push_is_discarded_with_a_refusal(node, backend):
    client, connection, go = hold(node, backend, answer(403, "no"))
    assert node.push(connection, "early").status == 202
    go.set()
    response = read_response(client)
    assert (response.status, response.text) == (403, "no")
    assert node.push(connection, "late").status == 410


@promise("3.2", "It is discarded if `$connect` refuses; one that does not fit is 429.")
def test_a_push_that_does_not_fit_is_429(start, backend):
    node = start(limits={"send_queue": "4KiB"})
    client, connection, go = hold(node, backend)
    statuses = [node.push(connection, f"{number}" + "x" * 1023).status for number in range(8)]
    held = statuses.count(202)
    assert statuses == [202] * held + [429] * (8 - held)
    assert 3 <= held <= 5, "what is held is up to send_queue"
    go.set()
    client.finish()
    assert [client.read_text()[0] for _ in range(held)] == [f"{n}" for n in range(held)]


# A connection whose $connect is running, seen from the management API


@promise("3.2", "Such a connection answers GET with `connectedAt: null`")
def test_get_while_connect_runs(node, held):
    client, connection, go = held
    seen = node.manage("GET", f"/v1/connections/{connection}").json()
    assert seen["id"] == connection and seen["connectedAt"] is None
    go.set()
    client.finish()
    assert node.manage("GET", f"/v1/connections/{connection}").json()["connectedAt"]


@promise("3.2", "(`@connections`: the time of the handshake)")
def test_get_on_at_connections_while_connect_runs(node, held):
    _, connection, _ = held
    response = node.manage("GET", f"/@connections/{connection}")
    assert response.status == 200
    assert response.json()["connectedAt"].startswith("20")


@promise("3.2", "is not listed, DELETE makes its handshake 403")
def test_it_is_not_listed(node, held):
    client, connection, go = held
    assert node.manage("GET", "/v1/connections").json()["connections"] == []
    go.set()
    client.finish()
    listed = node.manage("GET", "/v1/connections").json()["connections"]
    assert [c["id"] for c in listed] == [connection]


@promise("3.2", "is not listed, DELETE makes its handshake 403")
def test_delete_while_connect_runs_makes_the_handshake_403(node, backend, held):
    client, connection, go = held
    assert node.manage("DELETE", f"/v1/connections/{connection}").status == 204
    assert node.push(connection, "x").status == 410
    go.set()
    assert read_response(client).status == 403
    end = backend.one(type="disconnect")
    assert (end["ce-closecode"], end["ce-closedby"]) == ("1006", "backend")


@promise("3.2", "a group PUT applies with the effects")
def test_a_group_put_while_connect_runs_applies_with_the_effects(node, held):
    client, connection, go = held
    assert node.manage("PUT", f"/v1/groups/room/connections/{connection}").status == 204
    assert node.manage("GET", "/v1/groups/room").json()["count"] == 0
    go.set()
    client.finish()
    eventually(lambda: node.manage("GET", "/v1/groups/room").json()["count"] == 1)
    assert node.manage("POST", "/v1/groups/room/messages", "hi").json()["delivered"] == 1
    assert client.read_text() == "hi"


@promise("3.2", "A refusal (4xx) whose body cannot be passed on stays a refusal, without the body.")
def test_a_refusal_whose_body_is_too_large_stays_a_refusal(start, backend):
    node = start(app={"answer_size": "1KiB"})
    backend.on("/connect", answer(403, "x" * 5000, {"X-Why": "1"}))
    response = node.refused()
    assert (response.status, response.body) == (403, b"")
    backend.on("/connect", answer(403, chunks=["x" * 1000] * 5))
    assert node.refused().status == 403
    backend.on("/connect", answer(200))
    with node.connect():
        assert not backend.seen(type="disconnect"), "a refusal was followed by $disconnect"
