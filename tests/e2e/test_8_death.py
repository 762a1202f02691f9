"""Contract 8 and 3.4: nodes that are killed, frozen, replaced; what the survivors do."""

import time

import pytest

from support.audit import (
    check_disconnects,
    check_messages,
    check_presence,
    of_dead_node,
)
from support.backend import answer
from support.client import Refused
from support.cluster import LEASE, TAKEN_OVER
from support.crowd import welcome
from support.promise import promise
from support.waiting import eventually, never


def named(name):
    return {"node": {"id": name}}


def joined(crowd, nodes, count=5):
    return [crowd.join(node, ["g"], "ann") for node in nodes for _ in range(count)]


# Killed


@promise("8", "When it runs out, one survivor, or the next node to start, takes over the dead")
@promise("8", "memberships go, each lost connection's `$disconnect` (`1006`, `node lost`) is sent.")
@promise("7", "within 5 s after a dead node's lease ran out.")
def test_survivors_end_what_a_killed_node_held(cluster, crowd, backend):
    nodes = cluster(3)
    joined(crowd, nodes, 20)
    check_presence(nodes, crowd.members, ["g"], ["ann"], within=2)
    lost = {member.id for member in crowd.of(nodes[0])}
    name = nodes[0].config["node"]["id"]
    nodes[0].kill()
    check_presence(nodes[1:], crowd.members, ["g"], ["ann"], within=TAKEN_OVER)
    check_disconnects(backend, within=TAKEN_OVER, still_open=crowd.alive)
    never(lambda: len(backend.seen(type="disconnect")) > 20, 0.5)
    for request in backend.seen(type="disconnect"):
        assert request["ce-connectionid"] in lost and of_dead_node(request)
        assert request["ce-source"] == f"/nodes/{name}/endpoints/chat"
        assert request["ce-userid"] == "ann"
    for node in nodes[1:]:
        assert node.metric("sockhook_nodes") == 2


@promise("8", "Lists live for `disconnect_retry` + lease.")
def test_a_survivor_that_dies_too_leaves_the_rest_to_the_next(cluster, crowd, backend):
    nodes = cluster(3)
    joined(crowd, nodes[:1], 20)
    backend.on("/disconnect", answer(503))
    nodes[0].kill()
    first = backend.wait(1, within=TAKEN_OVER, type="disconnect")[0]
    assert of_dead_node(first)
    nodes[1].kill()
    backend.on("/disconnect", answer(200))
    tries = len(backend.seen(type="disconnect"))
    # Of nodes[1], which had no connections of its own, and of nodes[0] again.
    check_disconnects(backend, within=TAKEN_OVER + LEASE + 5, since=tries)


@promise("3.4", "and when the node was killed (section 8).")
@pytest.mark.slow
def test_a_refusal_is_not_ended_by_survivors(cluster, crowd, backend):
    nodes = cluster(2)
    backend.on("/connect", answer(403))
    for _ in range(5):
        with pytest.raises(Refused):
            crowd.join(nodes[0])
    backend.on("/connect", welcome)
    left = crowd.join(nodes[0])
    left.leave()
    backend.wait(1, type="disconnect")
    crowd.join(nodes[0])
    time.sleep(0.2)  # an erasure that has not reached Redis is no promise yet
    nodes[0].kill()
    backend.wait(2, within=TAKEN_OVER, type="disconnect")
    never(lambda: len(backend.seen(type="disconnect")) != 2, 1)


@promise("3.4", "also when the backend was away (2xx, and 4xx except 408, 425 and 429, end the")
@pytest.mark.slow
def test_what_waits_for_a_backend_survives_the_node(cluster, crowd, backend):
    """Those that ended before the kill keep how they ended."""
    nodes = cluster(2)
    members = joined(crowd, nodes[:1], 6)
    backend.on("/disconnect", answer(503))
    members[0].leave(4001)
    members[1].leave(1000)
    near = nodes[0]
    assert near.manage("DELETE", f"/v1/connections/{members[2].id}?code=4002&reason=x").status
    eventually(lambda: near.metric("sockhook_disconnect_backlog") == 3)
    time.sleep(1)
    near.kill()
    backend.on("/disconnect", answer(200))
    seen = len(backend.seen(type="disconnect"))
    check_disconnects(backend, within=TAKEN_OVER, since=seen)
    by_survivor = backend.seen(type="disconnect")[seen:]
    ends = {
        r["ce-connectionid"]: (r["ce-closecode"], r["ce-closereason"], r["ce-closedby"])
        for r in by_survivor
    }
    assert [ends[member.id] for member in members] == [
        ("4001", None, "client"),
        ("1000", None, "client"),
        ("4002", "x", "backend"),
    ] + [("1006", "node%20lost", "proxy")] * 3


# Replaced


@promise("8", "A newcomer with the same `node.id` takes over at once (incarnation-checked writes)")
def test_a_newcomer_with_the_same_id_takes_over_at_once(cluster, crowd, backend):
    """The older one was killed: its lease is still good for a while, and is not waited for."""
    long = {"backplane": {"redis": {"lease": "30s"}}}
    other, old = cluster.add(long, settle=False), cluster.add({**named("gw"), **long})
    joined(crowd, [other, old])
    ids = [member.id for member in crowd.of(old)]
    old.kill()
    new = cluster.add({**named("gw"), **long})
    check_disconnects(backend, within=5, still_open=crowd.alive)
    assert all(of_dead_node(request) for request in backend.seen(type="disconnect"))
    check_presence([other, new], crowd.members, ["g"], ["ann"])
    assert {other.push(connection, "x").status for connection in ids} == {410}


@promise("8", "fences the older one, which exits with status 1.")
def test_the_older_node_of_the_same_id_exits_with_1(cluster, crowd, backend):
    other, old = cluster.add(settle=False), cluster.add(named("gw"))
    joined(crowd, [other, old])
    new = cluster.add(named("gw"), settle=False)
    assert old.wait_exit(LEASE + 3) == 1
    old.forgive()
    cluster.settle()
    eventually(lambda: all(member.ended for member in crowd.members if member.node is old))
    check_disconnects(backend, still_open=crowd.alive, duplicates=True)
    check_presence([other, new], crowd.members, ["g"], ["ann"])
    assert old.log(level="error", node="gw"), "it says why"


@promise("3.5", "an id from before a restart is gone at once.")
def test_a_clean_restart_leaves_nothing_to_take_over(cluster, crowd, backend):
    other, old = cluster.add(settle=False), cluster.add(named("gw"))
    joined(crowd, [other, old])
    ids = [member.id for member in crowd.of(old)]
    assert old.terminate() == 0
    check_disconnects(backend, within=1, still_open=crowd.alive)
    for node in (other, cluster.add(named("gw"))):
        assert {node.push(connection, "x").status for connection in ids} == {410}
    check_presence(cluster.alive, crowd.members, ["g"], ["ann"], within=2)
    assert not any(of_dead_node(request) for request in backend.seen(type="disconnect"))


# Frozen


@promise("8", "A node that finds its lease lost (frozen, partitioned) closes all its connections")
@pytest.mark.slow
def test_a_frozen_node_starts_over(cluster, crowd, backend):
    """Its connections were ended by a survivor; it sends no webhook for them, and no `-end`."""
    frozen, other = cluster(2)
    joined(crowd, [frozen, other])
    ids = {member.id for member in crowd.of(frozen)}
    lost = crowd.of(frozen)
    frozen.freeze()
    try:
        check_presence([other], crowd.of(other), ["g"], ["ann"], within=TAKEN_OVER)
        backend.wait(5, within=TAKEN_OVER, type="disconnect")
        for member in lost:
            member.text("to a zombie")
    finally:
        frozen.thaw()
    eventually(lambda: all(member.ended for member in lost))
    assert {member.closed for member in lost} == {(1012, "node lost")}
    cluster.settle()
    joined(crowd, [frozen], 3)
    assert not ids & {member.id for member in crowd.of(frozen)}
    check_presence([frozen, other], crowd.members, ["g"], ["ann"])
    assert {other.push(connection, "x").status for connection in ids} == {410}
    assert {frozen.push(connection, "x").status for connection in ids} == {410}
    never(lambda: len(backend.seen(type="disconnect")) != 5, 1)
    assert {r["ce-connectionid"] for r in backend.seen(type="disconnect")} == ids
    check_messages(backend, crowd.of(other) + crowd.of(frozen))
    assert not [r for r in backend.seen(type="message") if r["ce-connectionid"] in ids]


@promise("8", "closes all its connections with 1012 `node lost` without `$disconnect` before it")
@pytest.mark.slow
def test_a_partitioned_node_starts_over(cluster, crowd, backend):
    """Cut off from Redis it serves on; on its return it finds itself dead."""
    nodes = cluster(2, relayed=True)
    cut, other = nodes
    joined(crowd, nodes)
    cut_off = crowd.of(cut)
    cut.relay.down()
    backend.wait(5, within=TAKEN_OVER, type="disconnect")
    assert all(member.say() for member in cut_off), "partition: serve"
    backend.wait(5, type="message")
    assert cut.push(cut_off[0].id, "local").status == 200
    cut.relay.heal()
    eventually(lambda: all(member.ended for member in cut_off))
    assert {member.closed for member in cut_off} == {(1012, "node lost")}
    cluster.settle()
    joined(crowd, [cut], 3)
    check_presence(nodes, crowd.members, ["g"], ["ann"])
    never(lambda: len(backend.seen(type="disconnect")) != 5, 0.5)


@promise("8", "`backplane.partition: fence` instead closes its connections when its lease would")
@pytest.mark.slow
def test_partition_fence(cluster, crowd, backend):
    nodes = cluster(2, {"backplane": {"partition": "fence"}}, relayed=True)
    cut, other = nodes
    joined(crowd, nodes)
    cut_off = crowd.of(cut)
    began = time.monotonic()
    cut.relay.down()
    eventually(lambda: all(member.ended for member in cut_off), LEASE + 1)
    assert time.monotonic() - began > LEASE / 2, "not at once"
    assert {member.closed for member in cut_off} == {(1012, "node lost")}
    check_disconnects(backend, within=TAKEN_OVER, still_open=crowd.alive)
    never(lambda: len(backend.seen(type="disconnect")) != 5, 0.5)
    cut.relay.heal()
    cluster.settle()
    joined(crowd, [cut])
    check_presence(nodes, crowd.members, ["g"], ["ann"])


@promise("8", "After a reconnect to Redis no node declares another dead for one full lease.")
@pytest.mark.slow
def test_nobody_is_declared_dead_after_an_outage_of_redis(cluster, crowd, backend, redis):
    nodes = cluster(3)
    joined(crowd, nodes)
    redis.freeze()
    time.sleep(LEASE + 1)
    redis.thaw()
    cluster.settle()
    never(lambda: backend.seen(type="disconnect"), LEASE + 1)
    assert len(crowd.alive) == 15
    check_presence(nodes, crowd.members, ["g"], ["ann"])
