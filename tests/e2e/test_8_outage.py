"""Contract 8: Redis away, slow, restarted, empty; links that only look alive."""

import time

import pytest

from support.audit import check_disconnects, check_presence
from support.backend import echo
from support.cluster import LEASE, backplane_of, group_count
from support.crowd import Crowd
from support.management import problem
from support.promise import promise
from support.waiting import eventually, never


@pytest.fixture
def pair(cluster):
    return cluster(2)


def joined(crowd: Crowd, nodes, count=3):
    return [crowd.join(node, ["g"], "ann") for node in nodes for _ in range(count)]


def down(node):
    return backplane_of(node) == "down"


def names(*nodes):
    return sorted(node.config["node"]["id"] for node in nodes)


def timed(call, within):
    began = time.monotonic()
    response = call()
    assert time.monotonic() - began < within, f"took {time.monotonic() - began:.2f} s"
    return response


# While Redis is away


@promise("8", "Redis away: sockets, webhooks, local pushes and local members of groups go on;")
def test_what_is_local_goes_on(pair, crowd, backend, redis):
    near, far = pair
    mine, theirs = joined(crowd, pair, 1)
    redis.kill()
    eventually(lambda: down(near) and down(far))
    backend.on("/message", echo)
    mine.text("hello")
    eventually(lambda: mine.frames == ["hello"])
    fresh = crowd.join(near, ["g"], "ann")
    for member in (mine, fresh):
        assert near.push(member.id, "local").status == 200
        assert near.manage("GET", f"/v1/connections/{member.id}").json()["id"] == member.id
    assert near.manage("PUT", f"/v1/groups/h/connections/{mine.id}").status == 204
    said = near.manage("POST", "/v1/groups/g/messages", "group").json()
    assert (said["delivered"], said["failed"]) == (2, 0)
    fresh.leave()
    assert backend.ending(fresh.id) == (1000, None, "client")
    crowd.sync()
    assert mine.frames == ["hello", "local", "group"] and theirs.frames == []
    redis.start()


@promise("8", "cross-node calls answer 503 within 1 s, group sends name the nodes not reached")
@pytest.mark.parametrize("how", ["killed", "mute"])
def test_calls_while_redis_is_away(cluster, crowd, redis, how):
    """From the first moment on, whether Redis is down or a black hole."""
    nodes = cluster(3, relayed=True)
    near = nodes[0]
    mine, theirs, _ = joined(crowd, nodes, 1)
    eventually(lambda: group_count(near, "g") == 3, 2)
    near.relay.down() if how == "killed" else near.relay.swallow()
    # Until the silence is noticed, nobody can say that a request has not arrived.
    first = timed(lambda: near.push(theirs.id, "x"), 1.3)
    assert first.status in (503, 504)
    for round_ in range(3):
        problem(timed(lambda: near.push(theirs.id, "x"), 1.3), 503, "unavailable")
        for path in (f"/v1/connections/{theirs.id}", "/v1/connections", "/v1/groups/g"):
            response = timed(lambda: near.manage("GET", path), 1.3)
            problem(response, 503, "unavailable")
            assert int(response["retry-after"]) >= 1
        for path in ("/v1/groups/g/messages", "/v1/users/ann/messages", "/v1/messages"):
            said = timed(lambda: near.manage("POST", path, path), 1.3).json()
            assert (said["delivered"], said["failed"]) == (1, 0)
            assert sorted(said["unknown"]) == names(*nodes[1:])
    crowd.sync()
    assert len(mine.frames) == 9
    assert theirs.frames == [], "what was answered 503 has not arrived"
    near.relay.heal()


@promise("10", "`GET /healthz` (the loops turn), `GET /readyz`")
@promise("2", "required: /readyz is 503 without Redis")
@pytest.mark.parametrize("need, status", [("optional", 200), ("required", 503)])
def test_readyz_and_metrics_without_redis(cluster, redis, need, status):
    nodes = cluster(2, {"ready": {"backplane": need}})
    for node in nodes:
        assert node.ask_admin("/readyz").status == 200
        assert node.metric("sockhook_backplane_up") == 1
        eventually(lambda: 0 < node.metric("sockhook_backplane_loop_seconds") < 1, 5)
    redis.kill()
    for node in nodes:
        eventually(lambda: down(node), 4)
        eventually(lambda: node.ask_admin("/readyz").status == status, 1)
        assert node.metric("sockhook_backplane_up") == 0
        assert node.ask_admin("/healthz").status == 200
    redis.start()
    cluster.settle()
    for node in nodes:
        assert node.ask_admin("/readyz").status == 200


# Back again


@promise("8", "on return membership is repaired within 5 s with no restart, also when Redis came")
@pytest.mark.parametrize("how", ["restarted empty", "flushed", "cut"])
@pytest.mark.slow
def test_membership_is_repaired(cluster, crowd, backend, redis, how):
    nodes = cluster(3, relayed=how == "cut")
    members = joined(crowd, nodes, 10)
    check_presence(nodes, members, ["g"], ["ann"], within=2)
    if how == "flushed":
        redis.flush()
    elif how == "cut":
        for node in nodes:
            node.relay.down()
        eventually(lambda: all(map(down, nodes)))
    else:
        redis.kill()
        eventually(lambda: all(map(down, nodes)))
    members[0].leave()
    members += joined(crowd, nodes, 2)
    if how == "cut":
        for node in nodes:
            node.relay.heal()
    elif how == "restarted empty":
        redis.start()
    check_presence(nodes, members, ["g"], ["ann"], within=5)
    for node in nodes:
        said = node.manage("POST", "/v1/groups/g/messages", node.config["node"]["id"]).json()
        assert said == {"delivered": 35, "failed": 0, "unknown": []}
    never(lambda: len(backend.seen(type="disconnect")) > 1, 5)
    nodes[0].kill()  # by now the records are there again, too
    staying = crowd.of(nodes[1]) + crowd.of(nodes[2])
    check_disconnects(backend, within=2 * LEASE + 5, still_open=staying)


@promise("8", "group sends name the nodes not reached (all others that are known) in `unknown`")
@pytest.mark.slow
def test_when_redis_has_lost_its_data_nobody_is_missed_silently(pair, crowd, redis):
    """Links stay up, so only what Redis answers tells: to a node that it does not know, nothing."""
    near, far = pair
    mine, theirs = joined(crowd, pair, 1)
    check_presence(pair, crowd.members, ["g"], ["ann"], within=2)
    redis.flush()
    end = time.monotonic() + 6
    complete = 0
    while time.monotonic() < end:
        said = near.manage("POST", "/v1/groups/g/messages", "x")
        assert said.status == 200, "its own member got it"
        complete += said.json() == {"delivered": 2, "failed": 0, "unknown": []}
        if said.json()["delivered"] < 2:
            assert said.json()["unknown"] == names(far)
        assert near.push(theirs.id, "y").status in (200, 503)
    assert complete, "it was never repaired"
    check_presence(pair, crowd.members, ["g"], ["ann"], within=1)


@promise("8", "A node may start while Redis is away; until it has known other nodes, group sends")
def test_a_node_starts_while_redis_is_away(cluster, crowd, redis):
    redis.kill()
    near, far = [cluster.add(settle=False) for _ in range(2)]
    mine = crowd.join(near, ["g"])
    assert near.push(mine.id, "local").status == 200
    for path in ("/v1/groups/g/messages", "/v1/users/u/messages", "/v1/messages"):
        problem(timed(lambda: near.manage("POST", path, "x"), 1.3), 503, "unavailable")
    crowd.sync()
    assert mine.frames == ["local"], "nobody is told less than everybody"
    redis.start()
    cluster.settle()
    crowd.join(far, ["g"])
    check_presence([near, far], crowd.members, ["g"], [], within=5)
    assert near.manage("POST", "/v1/groups/g/messages", "x").json()["delivered"] == 2


@promise("8", "reconnects use jittered backoff;")
@pytest.mark.slow
def test_a_dead_redis_costs_no_cpu_and_few_dials(cluster):
    """centrifugo#85: a busy loop while Redis was down."""
    nodes = cluster(2, relayed=True)
    for node in nodes:
        node.relay.down()
        node.relay.listen()
    target, before = ("127.0.0.1", 9), [node.relay.accepted for node in nodes]
    for node in nodes:
        node.relay.target = target  # accepted, and reset at once
        node.relay.cut()
    used = [cpu_seconds(node) for node in nodes]
    time.sleep(4)
    for node, dials, cpu in zip(nodes, before, used):
        assert 2 <= node.relay.accepted - dials <= 60
        assert cpu_seconds(node) - cpu < 0.8


def cpu_seconds(node):
    with open(f"/proc/{node.pid}/stat") as stat:
        fields = stat.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / 100


# Links that only look alive


@promise("8", "Each node sends itself a message through Redis every 2 s; when it does not come")
@pytest.mark.parametrize("direction", ["to_client", "to_server"])
def test_a_mute_link_is_noticed_and_rebuilt(cluster, crowd, direction):
    nodes = cluster(2, relayed=True)
    near, far = nodes
    mine, theirs = joined(crowd, nodes, 1)
    dials = near.relay.accepted
    near.relay.swallow(direction)
    eventually(lambda: down(near), 6)
    assert near.metric("sockhook_backplane_up") == 0
    eventually(lambda: near.relay.accepted > dials, 6, "it dials anew")
    near.relay.heal()
    cluster.settle()
    assert near.push(theirs.id, "x").status == far.push(mine.id, "x").status == 200


@promise("8", "Each node sends itself a message through Redis every 2 s; when it does not come")
def test_killed_subscriptions_come_back(pair, crowd, redis):
    """centrifugo#1189, reverb#258: publishes succeed, health is green, nothing is delivered."""
    near, far = pair
    mine, theirs = joined(crowd, pair, 1)
    for round_ in range(5):
        redis.run("CLIENT", "KILL", "TYPE", "pubsub")
        eventually(lambda: answers(far, mine) and answers(near, theirs), 5)
    cluster_is_whole = near.manage("POST", "/v1/groups/g/messages", "end").json()
    assert cluster_is_whole == {"delivered": 2, "failed": 0, "unknown": []}


@promise("8", "TLS, ACL user and password;")
def test_rights_that_are_taken_away_and_given_back(cluster, crowd, redis):
    """NOPERM and NOAUTH are an outage like another, and heal without a restart."""
    nodes = cluster(2)
    mine, theirs = joined(crowd, nodes, 1)
    admin = redis.client()
    admin("ACL", "SETUSER", "admin", "on", ">x", "~*", "&*", "+@all")
    admin("AUTH", "admin", "x")
    admin("ACL", "SETUSER", "default", "-@all")
    for node in nodes:
        eventually(lambda: down(node), 6)
    problem(timed(lambda: nodes[0].push(theirs.id, "x"), 1.3), 503, "unavailable")
    assert nodes[0].push(mine.id, "x").status == 200
    admin("ACL", "SETUSER", "default", "+@all")
    cluster.settle()
    check_presence(nodes, crowd.members, ["g"], ["ann"], within=5)
    assert nodes[0].push(theirs.id, "x").status == 200


@promise("8", "Redis away: sockets, webhooks, local pushes and local members of groups go on;")
def test_a_listing_is_503_rather_than_half(pair, crowd, redis):
    members = joined(crowd, pair, 4)
    page = pair[0].manage("GET", "/v1/connections?limit=3").json()
    redis.kill()
    eventually(lambda: down(pair[0]))
    path = f"/v1/connections?limit=3&cursor={page['cursor']}"
    for target in ("/v1/connections", path):
        problem(timed(lambda: pair[0].manage("GET", target), 1.3), 503, "unavailable")
    redis.start()
    check_presence(pair, members, ["g"], ["ann"], within=5)


def answers(node, member):
    """Whether a call about it is answered; one whose answer was lost would take 5 s."""
    try:
        path = f"/v1/connections/{member.id}"
        return node.manage("GET", path, timeout=0.5).status == 200
    except TimeoutError:
        return False
