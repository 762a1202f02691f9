"""Contract 6 to 8 over several nodes: any call through any node, and what is true when one is
missing."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from support.backend import answer, when
from support.cluster import group_count, listed, user_connections
from support.http1 import request_bytes
from support.management import bearer, problem
from support.promise import promise
from support.sockhook import endpoint
from support.waiting import eventually, never

USUAL_LEASE = {"backplane": {"redis": {"heartbeat": "5s", "lease": "15s"}}}
SILENCE = 5  # seconds after which a node that does not answer is given up


def sent(node, target, body="x", **how):
    """(delivered, failed, unknown) of a send to many."""
    response = node.manage("POST", f"/v1/{target}/messages", body, **how)
    assert response.status == 200, (response.status, response.body)
    value = response.json()
    return value["delivered"], value["failed"], value["unknown"]


def timed(call, *arguments, **how):
    """(what the call returns, how long it took)."""
    began = time.monotonic()
    result = call(*arguments, **how)
    return result, time.monotonic() - began


# Any call through any node


@promise("8", "A push is addressed to the node that owns the connection, never broadcast.")
def test_one_connection_through_any_node(cluster, crowd):
    first, second, third = cluster(3)
    member = crowd.join(second, ["g"], "ann")
    for node in (first, second, third):
        assert node.push(member.id, node.config["node"]["id"]).status == 200
        shown = node.manage("GET", f"/v1/connections/{member.id}").json()
        assert (shown["node"], shown["user"], shown["groups"]) == ("node-2", "ann", ["g"])
        assert node.manage("PUT", f"/v1/groups/h/connections/{member.id}").status == 204
        assert node.manage("DELETE", f"/v1/groups/h/connections/{member.id}").status == 204
    crowd.sync()
    assert member.frames == ["node-1", "node-2", "node-3"]
    assert first.metric("sockhook_pushes_total", path="remote", result="delivered") == 1
    assert second.metric("sockhook_pushes_total", path="local", result="delivered") == 1
    big = "x" * (1024 * 1024 + 1)
    problem(first.push(member.id, big), 413, "too_large")
    assert third.manage("DELETE", f"/v1/connections/{member.id}?code=4001&reason=bye").status == 204
    for node in (first, second, third):
        problem(node.push(member.id, "x"), 410, "gone")
    eventually(lambda: member.closed == (4001, "bye"))


@promise("3.2", "all of it over nodes too.")
def test_while_connect_runs_on_another_node(cluster, backend):
    first, second = cluster(2)
    accepted = threading.Event()
    backend.on("/connect", when(accepted, answer(200, "welcome")))
    client = second.begin()
    backend.wait(1, path="/connect")
    connection = backend.newest()
    response = first.push(connection, "held")
    assert (response.status, response.json()) == (202, {"held": True})
    shown = first.manage("GET", f"/v1/connections/{connection}").json()
    assert shown["connectedAt"] is None
    assert connection not in listed(first)
    assert first.manage("PUT", f"/v1/groups/early/connections/{connection}").status == 204
    accepted.set()
    client.finish()
    assert [client.read_text(), client.read_text()] == ["welcome", "held"]
    eventually(lambda: group_count(first, "early") == 1)

    backend.on("/connect", when(threading.Event(), answer()))
    refused = second.begin()
    backend.wait(2, path="/connect")
    assert first.manage("DELETE", f"/v1/connections/{backend.newest()}").status == 204
    with pytest.raises(AssertionError, match="403"):
        refused.finish()


@promise("7", "A send to a group or user reaches every member connection exactly once, `exclude`")
def test_sends_to_many_reach_each_member_once(cluster, crowd):
    nodes = cluster(3)
    members = [crowd.join(node, ["g"], "ann") for node in nodes for _ in range(4)]
    others = [crowd.join(node) for node in nodes]
    excluded = [members[0], members[5]]
    eventually(lambda: all(group_count(node, "g") == 12 for node in nodes))
    for number, node in enumerate(nodes):
        assert sent(node, "groups/g", f"g{number}") == (12, 0, [])
        assert sent(node, "users/ann", f"u{number}") == (12, 0, [])
    ids = ",".join(member.id for member in excluded)
    assert sent(nodes[0], "groups/g", "but two", headers=()) == (12, 0, [])
    response = nodes[0].manage("POST", f"/v1/groups/g/messages?exclude={ids}", "few")
    assert response.json() == {"delivered": 10, "failed": 0, "unknown": []}
    assert nodes[0].manage("POST", "/v1/messages", "all").json()["delivered"] == 15
    crowd.sync()
    usual = ["g0", "u0", "g1", "u1", "g2", "u2", "but two"]
    for member in members:
        assert member.frames == usual + ([] if member in excluded else ["few"]) + ["all"]
    assert all(member.frames == ["all"] for member in others)


@promise("6", "One management connection's sends to one target arrive in order, over nodes too.")
def test_order_over_nodes(cluster, crowd):
    first, second = cluster(2)
    member = crowd.join(second, ["g"])
    eventually(lambda: group_count(first, "g") == 1)
    count = 300
    with first.management_connection() as connection:
        for number in range(count):
            target = "groups/g" if number % 3 == 0 else f"connections/{member.id}"
            connection.send(request_bytes("POST", f"/v1/{target}/messages", body=b"%d" % number))
        assert [connection.response().status for _ in range(count)] == [200] * count
    crowd.sync()
    assert member.frames == [str(number) for number in range(count)]


@promise("6", "limit 100, at most 1000; no cursor at the end; each connection that stays is listed")
def test_a_listing_meets_each_connection_that_stays_once(cluster, crowd):
    nodes = cluster(3)
    staying = [crowd.join(node, ["g"]) for node in nodes for _ in range(7)]
    leaving = [crowd.join(node) for node in nodes for _ in range(3)]
    expected = {member.id for member in staying}
    for node in nodes:
        for limit in (1, 4, 100):
            found = listed(node, limit=limit)
            assert len(found) == len(set(found)) == 30
        assert sorted(listed(node, "&group=g", 5)) == sorted(expected)
    pages = nodes[0].manage("GET", "/v1/connections?limit=8").json()
    found = [connection["id"] for connection in pages["connections"]]
    for member in leaving:
        member.leave()
    late = [crowd.join(node) for node in nodes]
    while "cursor" in pages:
        target = f"/v1/connections?limit=8&cursor={pages['cursor']}"
        pages = nodes[1].manage("GET", target).json()
        found += [connection["id"] for connection in pages["connections"]]
    assert len(found) == len(set(found))
    assert expected <= set(found) <= expected | {member.id for member in leaving + late}


@promise("7", "Presence is what `GET` answers, on any node: true within 2 s after a change")
def test_presence_is_true_soon(cluster, crowd):
    first, second = cluster(2, USUAL_LEASE)
    ann, other = crowd.join(first, ["g"], "ann"), crowd.join(second, ["g"], "ann")
    for node in (first, second):
        eventually(lambda node=node: group_count(node, "g") == 2, 2)
        eventually(lambda node=node: user_connections(node, "ann") == sorted([ann.id, other.id]), 2)
    ann.leave()
    eventually(lambda: user_connections(second, "ann") == [other.id], 2)
    other.leave()
    for node in (first, second):
        eventually(lambda node=node: group_count(node, "g") == 0, 2)
        assert node.manage("GET", "/v1/users/ann").json()["online"] is False
    newcomer = cluster.add(USUAL_LEASE, settle=False)
    late = crowd.join(newcomer)
    eventually(lambda: late.id in listed(first), 2, "a node that has just joined is listed")


@promise("6", "a token limited to endpoints sees and reaches only their connections; else 403")
def test_a_limited_token_counts_its_endpoints_on_all_nodes(cluster, crowd):
    tokens = ["all", {"token": "chat-only", "endpoints": ["chat"]}]
    both = {
        "endpoints": [endpoint(), endpoint("other", "/other")],
        "management": {"auth": {"tokens": tokens}},
    }
    first, second = cluster(2, both)
    ours = [crowd.join(node, ["g"], "ann") for node in (first, second)]
    for node in (first, second):
        crowd.join(node, ["g"], "ann", path="/other")

    def count(token):
        response = first.manage("GET", "/v1/groups/g", headers=bearer(token))
        return response.json()["count"]

    eventually(lambda: count("all") == 4)
    assert count("chat-only") == 2
    found = first.manage("GET", "/v1/users/ann", headers=bearer("chat-only")).json()
    assert sorted(found["connections"]) == sorted(member.id for member in ours)
    assert sent(first, "groups/g", headers=bearer("chat-only")) == (2, 0, [])


@promise("6", "are remembered for 2 minutes, in Redis when there is one; a repeat while the first")
def test_an_idempotency_key_holds_on_every_node(cluster, crowd):
    first, second = cluster(2)
    member = crowd.join(first)
    key = {"Idempotency-Key": "once"}
    for node in (first, second, second):
        assert node.push(member.id, "x", headers=key).status == 200
    crowd.sync()
    assert member.frames == ["x"]
    problem(second.push(member.id, "y", headers=key), 422, "idempotency_key_reused")


# A node that is missing


@pytest.mark.slow
@promise("6", "Time-outs: a node that holds the target but does not answer in 5 s is 504")
def test_a_frozen_node_is_waited_for_only_by_those_who_need_it(cluster, crowd):
    first, second, frozen = cluster(3, USUAL_LEASE)
    here, there = crowd.join(first, ["g"], "ann"), crowd.join(second, ["g"], "ann")
    stuck = crowd.join(frozen, ["g", "h"], "bob")
    eventually(lambda: group_count(first, "g") == 3)
    frozen.freeze()
    try:
        with ThreadPoolExecutor(8) as threads:
            needing = {
                name: threads.submit(timed, first.manage, *call, timeout=10)
                for name, call in {
                    "push": ("POST", f"/v1/connections/{stuck.id}/messages", "x"),
                    "describe": ("GET", f"/v1/connections/{stuck.id}"),
                    "group": ("POST", "/v1/groups/g/messages", "x"),
                    "everybody": ("POST", "/v1/messages", "x"),
                    "join": ("PUT", "/v1/groups/k/users/bob"),
                    "close": ("DELETE", "/v1/users/bob/connections"),
                    "list": ("GET", "/v1/connections?group=h"),
                }.items()
            }
            for node in (first, second):
                for call in (
                    ("POST", f"/v1/connections/{here.id}/messages", "y"),
                    ("POST", f"/v1/connections/{there.id}/messages", "y"),
                    ("POST", "/v1/users/ann/messages", "y"),
                    ("POST", "/v1/groups/nobody/messages", "y"),
                    ("PUT", "/v1/groups/k/users/ann"),
                    ("GET", "/v1/groups/g"),
                    ("GET", "/v1/users/bob"),
                    ("GET", "/v1/connections?user=ann"),
                ):
                    response, seconds = timed(node.manage, *call)
                    assert response.status in (200, 204), (call, response.body)
                    assert seconds < 1, call
            for name, future in needing.items():
                response, seconds = future.result()
                assert SILENCE - 0.5 < seconds < SILENCE + 2, name
                if name in ("group", "everybody"):
                    assert response.json() == {"delivered": 2, "failed": 0, "unknown": ["node-3"]}
                else:
                    problem(response, 504, "timed_out")
    finally:
        frozen.thaw()


@promise("8", "cross-node calls answer 503 within 1 s, group sends name the nodes not reached (all")
def test_while_redis_is_away(cluster, crowd, redis):
    first, second = cluster(2)
    here, there = crowd.join(first, ["g"], "ann"), crowd.join(second, ["g"], "ann")
    eventually(lambda: group_count(first, "g") == 2)
    redis.stop()

    def check():
        for call in (
            ("POST", f"/v1/connections/{there.id}/messages", "x"),
            ("GET", f"/v1/connections/{there.id}"),
            ("GET", "/v1/connections"),
            ("GET", "/v1/connections?group=g"),
            ("GET", "/v1/groups/g"),
            ("GET", "/v1/users/ann"),
            ("PUT", "/v1/groups/k/users/ann"),
        ):
            response, seconds = timed(first.manage, *call)
            problem(response, 503, "unavailable")
            assert response["retry-after"]
            assert seconds < 1, call
        assert first.push(here.id, "x").status == 200
        assert sent(first, "groups/g") == (1, 0, ["node-2"])
        assert sent(first, "users/ann") == (1, 0, ["node-2"])
        key = {"Idempotency-Key": "k"}
        problem(first.push(here.id, "x", headers=key), 503, "unavailable")

    eventually(lambda: first.ask_admin("/readyz").json()["backplane"] == "down")
    check()
    assert first.ask_admin("/readyz").status == 200, "a backplane is optional by default"
    assert first.metric("sockhook_backplane_up") == 0
    redis.start()
    eventually(lambda: group_count(first, "g") == 2 and group_count(second, "g") == 2, 5)
    eventually(lambda: sent(first, "groups/g") == (2, 0, []), 5)
    assert first.metric("sockhook_backplane_up") == 1


@promise("8", "A node may start while Redis is away; until it has known other nodes, group sends")
def test_a_node_that_starts_without_redis(cluster, crowd, redis):
    redis.stop()
    node = cluster.add(settle=False)
    member = crowd.join(node, ["g"], "ann")
    assert node.push(member.id, "x").status == 200
    for target in ("groups/g", "users/ann"):
        problem(node.manage("POST", f"/v1/{target}/messages", "no"), 503, "unavailable")
    problem(node.manage("POST", "/v1/messages", "no"), 503, "unavailable")
    problem(node.manage("PUT", "/v1/groups/h/users/ann"), 503, "unavailable")
    redis.start()
    eventually(lambda: node.manage("POST", "/v1/groups/g/messages", "yes").status == 200, 5)
    crowd.sync()
    assert member.frames == ["x", "yes"]
    eventually(lambda: group_count(node, "g") == 1, 5)


@promise("10", "without a required backplane")
def test_a_required_backplane(cluster, redis):
    node = cluster.add({"ready": {"backplane": "required"}})
    redis.stop()
    eventually(lambda: node.ask_admin("/readyz").status == 503)
    shown = node.ask_admin("/readyz").json()
    assert (shown["ready"], shown["backplane"]) == (False, "down")
    redis.start()
    eventually(lambda: node.ask_admin("/readyz").status == 200)


# A node that is cut off, or replaced


@promise("8", "`backplane.partition: fence` instead closes its connections when its lease would")
def test_a_node_that_fences_itself(cluster, crowd, backend):
    (node,) = cluster(1, {"backplane": {"partition": "fence"}}, relayed=True)
    member = crowd.join(node)
    node.relay.down()
    eventually(lambda: member.closed == (1012, "node lost"), 5)
    assert node.refused().status == 503
    assert node.ask_admin("/readyz").status == 503
    never(lambda: backend.seen(type="disconnect"), 0.5, "it is not known who sends it")
    node.relay.heal()
    backend.wait(1, type="disconnect")
    eventually(lambda: node.ask_admin("/readyz").status == 200)
    crowd.join(node)


@promise("8", "A newcomer with the same `node.id` takes over at once (incarnation-checked writes)")
def test_a_newcomer_with_the_same_name(cluster, crowd, backend):
    twin = {"node": {"id": "twin"}}
    older = cluster.add(twin)
    member = crowd.join(older, ["g"])
    older.expected_errors = "another node goes by this node.id"
    newer = cluster.add(twin, settle=False)
    assert older.wait_exit(10) == 1
    eventually(lambda: member.closed == (1012, "node lost"))
    assert backend.ending(member.id) == (1006, "node%20lost", "proxy")
    older.forgive()
    eventually(lambda: group_count(newer, "g") == 0)
