"""Contract 3.5: connection ids."""

import re

import pytest

from support.promise import promise


@promise("3.5", "`A-Z a-z 0-9 _ -`, at most 64 characters, 96+ random bits")
def test_connection_ids(node, backend):
    for _ in range(200):
        node.connect().close()
    ids = {r["ce-connectionid"] for r in backend.seen(type="connect")}
    assert len(ids) == 200
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{16,64}", each) for each in ids)


@promise("3.5", "an opaque key of node and incarnation (never the node's name)")
def test_ids_do_not_carry_the_nodes_name(start, backend):
    start(config={"node": {"id": "GW"}}).connect()
    start(config={"node": {"id": "secretname"}}).connect()
    ids = [r["ce-connectionid"] for r in backend.wait(2, type="connect")]
    assert "secretname" not in ids[1]


@promise("3.5", "so that a push needs no lookup and an id from before a restart is gone at once.")
def test_an_id_from_before_a_restart_is_gone(start, backend):
    first = start(config={"node": {"id": "same"}})
    first.connect()
    old = backend.newest()
    assert first.terminate() == 0
    second = start(config={"node": {"id": "same"}})
    second.connect()
    assert second.push(old, "x").status == 410
    assert second.push(backend.newest(), "x").status == 200


@promise("3.5", "Malformed: 400. Well-formed and dead: 410.")
@pytest.mark.parametrize("malformed", ["a%20b", "%C3%A9", "a.b", "x" * 65, "a%2Fb", "a+b", "%00"])
def test_a_malformed_id_is_400(shared, malformed):
    for method in ("GET", "DELETE"):
        response = shared.manage(method, f"/v1/connections/{malformed}")
        assert (response.status, response["content-type"]) == (400, "application/problem+json")
    assert shared.push(malformed, "x").status == 400


@promise("3.5", "Malformed: 400. Well-formed and dead: 410.")
def test_a_dead_id_is_410(node, backend):
    client = node.connect()
    connection = backend.newest()
    client.leave()
    backend.wait(1, type="disconnect")
    for response in (
        node.push(connection, "x"),
        node.manage("GET", f"/v1/connections/{connection}"),
        node.manage("DELETE", f"/v1/connections/{connection}"),
    ):
        assert (response.status, response.json()["code"]) == (410, "gone")
