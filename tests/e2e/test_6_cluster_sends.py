"""Contract 6 over several nodes: groups, users, broadcasts, batches, idempotency keys."""

import json
import threading
import time

import pytest

from support.cluster import group_count, user_connections
from support.management import problem
from support.promise import promise
from support.sockhook import endpoint
from support.waiting import eventually


@pytest.fixture
def trio(cluster):
    return cluster(3)


def members(crowd, nodes, count, groups=(), user=None):
    """So many on each node."""
    return [crowd.join(node, groups, user) for node in nodes for _ in range(count)]


def delivered(count, failed=0, unknown=()):
    return {"delivered": count, "failed": failed, "unknown": list(unknown)}


def known_to_all(nodes, group, count):
    eventually(lambda: all(group_count(node, group) == count for node in nodes), 2)


@promise("6", '200 `{"delivered":n,"failed":m,"unknown":["node",…]}`; `?wait=none` 202 `{}`')
def test_a_send_to_a_group(trio, crowd):
    inside = members(crowd, trio, 4, ["g"]) + [crowd.join(trio[2], ["g"])]
    outside = members(crowd, trio, 2, ["h"])
    known_to_all(trio, "g", 13)
    for number, node in enumerate(trio):
        response = node.manage("POST", "/v1/groups/g/messages", f"{number}")
        assert (response.status, response.json()) == (200, delivered(13))
    crowd.sync()
    assert [member.frames for member in inside] == [["0", "1", "2"]] * 13
    assert not any(member.frames for member in outside)
    response = trio[0].manage("POST", "/v1/groups/nobody/messages", "x")
    assert (response.status, response.json()) == (200, delivered(0))


@promise("6", '200 `{"delivered":n,"failed":m,"unknown":["node",…]}`; `?wait=none` 202 `{}`')
def test_a_send_to_a_group_that_does_not_wait(trio, crowd):
    inside = members(crowd, trio, 2, ["g"])
    known_to_all(trio, "g", 6)
    response = trio[1].manage("POST", "/v1/groups/g/messages?wait=none", "x")
    assert (response.status, response.json()) == (202, {})
    eventually(lambda: all(member.frames == ["x"] for member in inside), 2)


@promise("6", '200 `{"delivered":n,"failed":m,"unknown":["node",…]}`; `?wait=none` 202 `{}`')
def test_what_failed_is_counted_over_nodes(cluster, backend):
    near, far = cluster(2, limits={"slow_client": "drop", "send_queue": "64KiB"})
    for node in (near, far):
        node.connect("/chat?join=g", receive_buffer=4096)
    known_to_all((near, far), "g", 2)
    sums = [
        near.manage("POST", "/v1/groups/g/messages", "x" * 60_000).json() for _ in range(150)
    ]
    assert all(said["delivered"] + said["failed"] == 2 for said in sums)
    assert sums[0] == delivered(2) and sums[-1] == delivered(0, 2)


@promise("6", "`exclude` takes up to 1,000 ids")
def test_exclude_over_nodes(trio, crowd):
    inside = members(crowd, trio, 3, ["g"])
    known_to_all(trio, "g", 9)
    excluded = inside[::2]
    others = [f"{n:064}" for n in range(1000 - len(excluded))]
    ids = ",".join([member.id for member in excluded] + others)
    for path in ("/v1/groups/g/messages", "/v1/messages"):
        response = trio[1].manage("POST", f"{path}?exclude={ids}", path)
        assert response.json() == delivered(4)
    crowd.sync()
    for member in inside:
        both = ["/v1/groups/g/messages", "/v1/messages"]
        assert member.frames == ([] if member in excluded else both)


@promise("6", "| `POST /v1/users/{u}/messages` | like a group's |")
def test_a_send_to_a_user(trio, crowd):
    ann = members(crowd, trio[:2], 2, user="ann")
    bob = members(crowd, trio, 1, user="bob")
    eventually(lambda: len(user_connections(trio[2], "ann")) == 4, 2)
    for node in trio:
        assert node.manage("POST", "/v1/users/ann/messages", "hi").json() == delivered(4)
    crowd.sync()
    assert all(member.frames == ["hi"] * 3 for member in ann)
    assert not any(member.frames for member in bob)
    assert trio[0].manage("POST", "/v1/users/nobody/messages", "x").json() == delivered(0)


@promise("6", "`PUT` / `DELETE /v1/groups/{g}/users/{u}` | 204: the user's present connections")
def test_a_users_connections_join_and_leave(trio, crowd):
    members(crowd, trio, 2, user="ann")
    eventually(lambda: len(user_connections(trio[2], "ann")) == 6, 2)
    assert trio[2].manage("PUT", "/v1/groups/g/users/ann").status == 204
    known_to_all(trio, "g", 6)
    assert trio[0].manage("DELETE", "/v1/groups/g/users/ann").status == 204
    known_to_all(trio, "g", 0)


@promise("6", '`{"user","online","connections":[ids]}`; 204 |')
def test_a_user_over_nodes(trio, crowd, backend):
    ann = members(crowd, trio, 2, user="ann")
    for node in trio:
        eventually(lambda: user_connections(node, "ann") == sorted(m.id for m in ann), 2)
        said = node.manage("GET", "/v1/users/ann").json()
        assert (said["user"], said["online"], len(said["connections"])) == ("ann", True, 6)
    assert trio[1].manage("DELETE", "/v1/users/ann/connections?code=4001&reason=x").status == 204
    eventually(lambda: all(member.closed == (4001, "x") for member in ann))
    for node in trio:
        eventually(lambda: user_connections(node, "ann") == [], 2)
    ends = backend.wait(6, type="disconnect")
    assert {(r["ce-closecode"], r["ce-closedby"]) for r in ends} == {("4001", "backend")}


@promise("6", "| `POST /v1/messages?endpoint=&exclude=` | broadcast, like a group's |")
def test_a_broadcast(cluster, crowd):
    nodes = cluster(3, {"endpoints": [endpoint(), endpoint("news", "/news")]})
    chat = [crowd.join(node) for node in nodes]
    news = [crowd.join(node, path="/news") for node in nodes for _ in range(2)]
    assert nodes[0].manage("POST", "/v1/messages", "all").json() == delivered(9)
    assert nodes[1].manage("POST", "/v1/messages?endpoint=news", "news").json() == delivered(6)
    crowd.sync()
    assert all(member.frames == ["all"] for member in chat)
    assert all(member.frames == ["all", "news"] for member in news)


@promise("6", "a broken line is a 400 line; thousands in one request")
def test_a_batch_over_nodes(trio, crowd):
    everybody = members(crowd, trio, 3, ["g"])
    known_to_all(trio, "g", 9)
    lines = [
        {
            "method": "POST",
            "path": f"/v1/connections/{everybody[n % 9].id}/messages",
            "text": f"c{n}",
        }
        for n in range(2700)
    ]
    lines[100:100] = [{"method": "POST", "path": "/v1/groups/g/messages", "text": "group"}]
    lines.append({"method": "GET", "path": "/v1/groups/g"})
    body = "\n".join(map(json.dumps, lines))
    response = trio[0].manage("POST", "/v1/batch", body, timeout=60)
    answers = [json.loads(line) for line in response.text.splitlines()]
    assert [line["status"] for line in answers] == [200] * 2702
    assert answers[100]["body"] == delivered(9)
    assert answers[-1]["body"] == {"group": "g", "count": 9}
    crowd.sync()
    for number, member in enumerate(everybody):
        own = [text for text in member.frames if text != "group"]
        assert own == [f"c{n}" for n in range(number, 2700, 9)]
        assert member.frames.count("group") == 1


# Idempotency keys


@promise("6", "are remembered for 2 minutes, in Redis when there is one")
def test_a_repeat_at_another_node_is_answered_from_memory(trio, crowd):
    member = crowd.join(trio[0], ["g"])
    known_to_all(trio, "g", 1)
    for path in (f"/v1/connections/{member.id}/messages", "/v1/groups/g/messages"):
        key = {"Idempotency-Key": f"key-of-{path}"}
        answers = [node.manage("POST", path, "once", key) for node in trio]
        assert {(a.status, a.body) for a in answers} == {(200, answers[0].body)}
    gone = f"/v1/connections/{'A' * 30}/messages"
    for node in trio:
        problem(node.manage("POST", gone, "x", {"Idempotency-Key": "gone"}), 410, "gone")
    crowd.sync()
    assert member.frames == ["once", "once"]


@promise("6", "a repeat while the first runs waits for it")
def test_a_repeat_while_the_first_runs_at_another_node(trio, crowd):
    """However many race, over all nodes, it is sent once, and all get the one answer."""
    member = crowd.join(trio[0])
    path = f"/v1/connections/{member.id}/messages"
    answers = []

    def race(node, round_):
        key = {"Idempotency-Key": f"round-{round_}"}
        answers.append((round_, node.manage("POST", path, f"{round_}", key).status))

    for round_ in range(10):
        threads = [threading.Thread(target=race, args=(node, round_)) for node in trio * 3]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert answers.count((0, 200)) == 9 and {status for _, status in answers} == {200}
    crowd.sync()
    assert member.frames == [f"{n}" for n in range(10)]


@promise("6", "the same key with another path or (as far as it was read) body is 422.")
def test_a_key_with_another_body_at_another_node(trio, crowd):
    member = crowd.join(trio[0])
    path = f"/v1/connections/{member.id}/messages"
    key = {"Idempotency-Key": "k"}
    assert trio[0].manage("POST", path, "a", key).status == 200
    problem(trio[1].manage("POST", path, "b", key), 422, "idempotency_key_reused")
    problem(trio[1].manage("POST", "/v1/messages", "a", key), 422, "idempotency_key_reused")
    crowd.sync()
    assert member.frames == ["a"]


@promise("6", "are remembered for 2 minutes, in Redis when there is one")
def test_a_key_outlives_the_node_that_used_it(cluster, crowd, redis):
    first, second = cluster(2)
    member = crowd.join(second)
    path = f"/v1/connections/{member.id}/messages"
    key = {"Idempotency-Key": "k"}
    assert first.manage("POST", path, "once", key).status == 200
    (remembered,) = redis.keys("*:claim:*")
    eventually(lambda: redis.run("HGET", remembered, "status"))
    first.kill()
    assert second.manage("POST", path, "once", key).status == 200
    crowd.sync()
    assert member.frames == ["once"]


# Nobody is waited for


@promise("6", "a node that holds the target but does not answer in 5 s is 504 (outcome unknown)")
@pytest.mark.slow
def test_a_node_that_does_not_answer(cluster, crowd, backend):
    """A frozen node whose lease is long: its connection is 504, in a send it is `unknown`."""
    long = {"backplane": {"redis": {"lease": "30s"}}}
    near, far, frozen = cluster(3, long)
    there = crowd.join(frozen, ["g"])
    crowd.join(far, ["g"])
    known_to_all((near, far), "g", 2)
    frozen.freeze()
    try:
        began = time.monotonic()
        problem(near.push(there.id, "x"), 504, "timed_out")
        assert 4.5 < time.monotonic() - began < 6.5
        said = near.manage("POST", "/v1/groups/g/messages", "y").json()
        assert said == delivered(1, 0, [frozen.config["node"]["id"]])
    finally:
        frozen.thaw()
    eventually(lambda: there.frames == ["x", "y"], what="it was under way all the time")


@promise("6", "one that cannot be asked is 503 with `Retry-After`.")
def test_a_node_that_was_just_killed_cannot_be_asked(cluster, crowd):
    near, far = cluster(2, {"backplane": {"redis": {"lease": "30s"}}})
    there = crowd.join(far, ["g"])
    known_to_all((near,), "g", 1)
    far.kill()
    eventually(lambda: there.ended)

    def cannot_be_asked():
        began = time.monotonic()
        response = near.push(there.id, "x")
        assert time.monotonic() - began < 1
        if response.status != 503:
            return False
        problem(response, 503, "unavailable")
        return int(response["retry-after"]) >= 1

    eventually(cannot_be_asked, 2, "Redis has noticed that nobody listens there")
    said = near.manage("POST", "/v1/groups/g/messages", "x").json()
    assert said == delivered(0, 0, [far.config["node"]["id"]])
