"""Contract 6 over several nodes: calls about one connection, asked of a node without it."""

import threading
import time

import pytest

from support.backend import answer, when
from support.client import BINARY, TEXT
from support.cluster import group_count, listed
from support.crowd import welcome
from support.http1 import read_response, request_bytes
from support.management import bearer, member, problem
from support.promise import promise
from support.sockhook import endpoint
from support.waiting import eventually


@pytest.fixture
def pair(cluster):
    """Two nodes; clients are on the first, calls go to the second."""
    return cluster(2)


@pytest.fixture
def client(pair, backend):
    """A client of the first node."""
    client = member(pair[0], backend)
    client.read_text()
    return client


# Sends


@promise("6", "200 `{}` once the frame is in that socket's send queue; 202 held (3.2) or with")
def test_a_push_through_another_node(pair, client):
    for node in pair:
        response = node.push(client.id, "grüß")
        assert (response.status, response.json()) == (200, {})
        assert client.read_text() == "grüß"
        assert node.push(client.id, b"\0\xff", "application/octet-stream").status == 200
        assert client.read_binary() == b"\0\xff"
        assert node.push(client.id, "").status == 200
        assert client.read_text() == ""
    problem(pair[1].push(client.id, b"\xff"), 400, "invalid_text")


@promise("6", "200 `{}` once the frame is in that socket's send queue; 202 held (3.2) or with")
def test_a_push_through_another_node_that_does_not_wait(pair, client):
    response = pair[1].push(client.id, "x", query="?wait=none")
    assert (response.status, response.json()) == (202, {})
    assert client.read_text() == "x"


@promise("6", "413 at the target's `message_size` or `body_size`.")
def test_a_large_push_through_another_node(pair, client):
    body = bytes(range(256)) * 4096
    assert pair[1].push(client.id, body, "application/octet-stream").status == 200
    assert client.read_binary() == body
    problem(pair[1].push(client.id, body + b"x", "application/octet-stream"), 413, "too_large")


@promise("6", "429 does not fit the client's queue (with `slow_client: close` this starts the")
def test_a_client_of_another_node_that_is_slow(cluster, backend):
    near, far = cluster(2, limits={"slow_client": "drop", "send_queue": "64KiB"})
    client = member(near, backend, receive_buffer=4096)
    client.read_text()
    statuses = [far.push(client.id, "x" * 60_000).status for _ in range(200)]
    assert set(statuses) == {200, 429}
    got = [client.read_text() for _ in range(statuses.count(200))]
    assert all(text == "x" * 60_000 for text in got)
    assert far.push(client.id, "end").status == 200
    assert client.read_text() == "end", "what was answered 429 never came"


@promise("3.5", "an id from before a restart is gone at once.")
@promise("6", "200 `{}` once the frame is in that socket's send queue; 202 held (3.2) or with")
def test_dead_ids_are_gone_at_once(cluster, pair, backend, client):
    near, far = pair
    client.leave()
    backend.wait(1, type="disconnect")
    third = cluster.add()
    last = member(third, backend)
    assert third.terminate() == 0
    cluster.settle()
    for connection in (client.id, last.id, "A" * 30):
        for method, path in [
            ("POST", f"/v1/connections/{connection}/messages"),
            ("GET", f"/v1/connections/{connection}"),
            ("DELETE", f"/v1/connections/{connection}"),
            ("PUT", f"/v1/groups/g/connections/{connection}"),
        ]:
            for node in pair:
                began = time.monotonic()
                problem(node.manage(method, path, "x"), 410, "gone")
                assert time.monotonic() - began < 1


@promise("6", "One management connection's sends to one target arrive in order, over nodes too.")
def test_pushes_arrive_in_order(pair, client):
    path = f"/v1/connections/{client.id}/messages"
    for node in pair:
        with node.management_connection() as connection:
            connection.send(
                b"".join(request_bytes("POST", path, body=b"%d" % n) for n in range(500))
            )
            assert [connection.response().status for _ in range(500)] == [200] * 500
        assert [client.read_text() for _ in range(500)] == [str(n) for n in range(500)]


# Looking and changing


@promise("6", '`{"id","node","endpoint","user","groups":[],"connectedAt","lastActiveAt"')
def test_every_node_describes_it_alike(cluster, backend):
    nodes = cluster(3)
    client = member(nodes[0], backend, "/chat?join=a,b&user=ann", headers={"User-Agent": "it/1"})
    said = [node.manage("GET", f"/v1/connections/{client.id}").json() for node in nodes]
    assert said[0] == said[1] == said[2]
    assert (said[0]["id"], said[0]["node"]) == (client.id, nodes[0].config["node"]["id"])
    assert (said[0]["user"], sorted(said[0]["groups"])) == ("ann", ["a", "b"])
    assert (said[0]["userAgent"], said[0]["remoteAddress"]) == ("it/1", "127.0.0.1")


@promise("6", "204 when the close frame is queued: from then on 410 and in no group, user or list")
def test_delete_through_another_node(pair, backend):
    near, far = pair
    client = member(near, backend, "/chat?join=g&user=ann")
    client.read_text()
    eventually(lambda: group_count(far, "g") == 1)
    assert far.manage("DELETE", f"/v1/connections/{client.id}?code=4000&reason=bye").status == 204
    for node in pair:
        assert node.push(client.id, "x").status == 410
        assert node.manage("GET", f"/v1/connections/{client.id}").status == 410
    assert listed(near) == [] and listed(far) == []
    assert client.read_close() == (4000, "bye")
    assert backend.ending(client.id) == (4000, "bye", "backend")
    for node in pair:
        eventually(lambda: group_count(node, "g") == 0, 2)
        assert node.manage("GET", "/v1/users/ann").json()["online"] is False


@promise("6", "`PUT` / `DELETE /v1/groups/{g}/connections/{id}` | 204; 410")
def test_membership_through_another_node(pair, client):
    near, far = pair
    assert far.manage("PUT", f"/v1/groups/g/connections/{client.id}").status == 204
    for node in pair:
        eventually(lambda: group_count(node, "g") == 1, 2)
        assert node.manage("POST", "/v1/groups/g/messages", "hi").json()["delivered"] == 1
        assert client.read_text() == "hi"
    assert far.manage("DELETE", f"/v1/groups/g/connections/{client.id}").status == 204
    for node in pair:
        eventually(lambda: group_count(node, "g") == 0, 2)
        assert node.manage("POST", "/v1/groups/g/messages", "hi").json()["delivered"] == 0


@promise("6", "`POST`, `GET`, `DELETE [/{stage}]/@connections/{id}` on the same listener behave")
def test_at_connections_through_another_node(pair, client):
    far = pair[1]
    path = f"/prod/@connections/{client.id}"
    assert far.manage("POST", path, "text").status == 200
    assert far.manage("POST", path, b"\xff\0").status == 200
    assert [client.read().opcode for _ in range(2)] == [TEXT, BINARY]
    assert far.manage("GET", path).json()["identity"]["sourceIp"] == "127.0.0.1"
    assert far.manage("DELETE", path).status == 204
    assert client.read_close()[0] == 1000
    for method in ("POST", "GET", "DELETE"):
        response = far.manage(method, path, "x")
        assert (response.status, response["x-amzn-errortype"]) == (410, "GoneException")


@promise("6", "a token limited to endpoints sees and reaches only their connections; else 403")
def test_a_token_reaches_its_endpoints_only_over_nodes_too(cluster, backend):
    tokens = ["all", {"token": "chat", "endpoints": ["chat"]}]
    near, far = cluster(
        2,
        {
            "management": {"auth": {"tokens": tokens}},
            "endpoints": [endpoint(), endpoint("other", "/other")],
        },
    )
    ours = member(near, backend, "/chat?join=g")
    theirs = member(near, backend, "/other?join=g")
    for method, path in [
        ("POST", f"/v1/connections/{theirs.id}/messages"),
        ("GET", f"/v1/connections/{theirs.id}"),
        ("DELETE", f"/v1/connections/{theirs.id}"),
    ]:
        problem(far.manage(method, path, "x", bearer("chat")), 403, "forbidden")
    path = f"/v1/connections/{ours.id}/messages"
    assert far.manage("POST", path, "x", bearer("chat")).status == 200
    sent = far.manage("POST", "/v1/groups/g/messages", "y", bearer("chat")).json()
    assert sent["delivered"] == 1
    assert [ours.read_text() for _ in range(3)] == [ours.id, "x", "y"]
    page = far.manage("GET", "/v1/connections", headers=bearer("chat")).json()
    assert [connection["id"] for connection in page["connections"]] == [ours.id]
    assert theirs.read_text() == theirs.id and theirs.quiet()


# While $connect runs


@pytest.fixture
def held(pair, backend):
    """(client, id, event): a handshake on the first node whose $connect waits for the event."""
    go = threading.Event()
    backend.on("/connect", when(go, welcome))
    client = pair[0].begin("/chat?join=h&user=ann")
    backend.wait(1, path="/connect")
    yield client, backend.newest(), go
    go.set()


@promise("3.2", "all of it over nodes too.")
def test_a_push_while_connect_runs_is_held(pair, held):
    client, connection, go = held
    response = pair[1].push(connection, "pushed")
    assert (response.status, response.json()) == (202, {"held": True})
    assert pair[1].manage("POST", f"/@connections/{connection}", "and").status == 200
    go.set()
    client.finish()
    assert [client.read_text() for _ in range(3)] == [connection, "pushed", "and"]


@promise("3.2", "all of it over nodes too.")
def test_the_connect_handler_may_push_through_any_node(pair, backend):
    statuses = []

    def push_from_within(request):
        response = pair[1].push(request["ce-connectionid"], "from the handler")
        statuses.append(response.status)
        return answer(200, "first")

    backend.on("/connect", push_from_within)
    client = pair[0].connect()
    assert [client.read_text(), client.read_text()] == ["first", "from the handler"]
    assert statuses == [202]


@promise("3.2", "all of it over nodes too.")
def test_get_and_lists_while_connect_runs(pair, held):
    client, connection, go = held
    said = pair[1].manage("GET", f"/v1/connections/{connection}")
    assert (said.status, said.json()["connectedAt"]) == (200, None)
    assert listed(pair[1]) == []
    assert pair[1].manage("GET", "/v1/users/ann").json()["online"] is False
    go.set()
    client.finish()
    assert listed(pair[1]) == [connection]


@promise("3.2", "all of it over nodes too.")
def test_delete_while_connect_runs_makes_the_handshake_403(pair, backend, held):
    client, connection, go = held
    assert pair[1].manage("DELETE", f"/v1/connections/{connection}").status == 204
    assert pair[1].push(connection, "x").status == 410
    assert read_response(client).status == 403
    go.set()
    assert backend.ending(connection) == (1006, None, "backend")


@promise("3.2", "all of it over nodes too.")
def test_a_group_put_while_connect_runs_applies_with_the_effects(pair, held):
    client, connection, go = held
    assert pair[1].manage("PUT", f"/v1/groups/g/connections/{connection}").status == 204
    assert [group_count(node, "g") for node in pair] == [0, 0]
    go.set()
    client.finish()
    for node in pair:
        eventually(lambda: group_count(node, "g") == 1 and group_count(node, "h") == 1, 2)


@promise("3.2", "It is discarded if `$connect` refuses; one that does not fit is 429.")
def test_what_is_held_over_nodes_has_a_limit(cluster, backend):
    near, far = cluster(2, limits={"send_queue": "4KiB"})
    go = threading.Event()
    backend.on("/connect", when(go, answer(403)))
    client = near.begin()
    backend.wait(1, path="/connect")
    connection = backend.newest()
    statuses = [far.push(connection, "x" * 1000).status for _ in range(8)]
    held = statuses.count(202)
    assert statuses == [202] * held + [429] * (8 - held) and 3 <= held <= 5
    go.set()
    assert read_response(client).status == 403
    problem(far.push(connection, "late"), 410, "gone")
