"""Contract 7 over several nodes: groups, users, presence, listings."""

import random
import threading

import pytest

from support.audit import check_presence
from support.backend import answer
from support.cluster import group_count, listed, user_connections
from support.promise import promise
from support.sockhook import endpoint
from support.waiting import eventually


@pytest.fixture
def trio(cluster):
    return cluster(3)


@promise("7", "Membership and users are cluster-wide; effects, the management API and verified")
def test_effects_are_seen_on_every_node(trio, crowd, backend):
    member = crowd.join(trio[0], ["a"], "ann")
    effects = {"Sockhook-Join": "b,c%2Cd", "Sockhook-Leave": "a"}
    backend.on("/message", answer(200, "done", effects))
    member.text("x")
    eventually(lambda: member.frames == ["done"])
    for node in trio:
        eventually(lambda: [group_count(node, g) for g in ("a", "b", "c%2Cd")] == [0, 1, 1], 2)
        assert user_connections(node, "ann") == [member.id]


@promise("7", "A send to a group or user reaches every member connection exactly once, `exclude`")
def test_every_member_gets_everything_once_and_in_one_order(trio, crowd):
    members = [crowd.join(node, ["g"], "u") for node in trio for _ in range(5)]
    eventually(lambda: len(user_connections(trio[0], "u")) == group_count(trio[0], "g") == 15, 2)
    with trio[0].management_connection() as publisher:
        for number in range(200):
            path = "/v1/groups/g/messages" if number % 2 else "/v1/users/u/messages"
            said = publisher.request("POST", path, f"{number}").json()
            assert said == {"delivered": 15, "failed": 0, "unknown": []}
    crowd.sync()
    assert all(member.frames == [f"{n}" for n in range(200)] for member in members)


@promise("7", "A send to a group or user reaches every member connection exactly once, `exclude`")
def test_publishers_on_different_nodes_each_keep_their_order(trio, crowd):
    members = [crowd.join(node, ["g"]) for node in trio for _ in range(3)]
    eventually(lambda: all(group_count(node, "g") == 9 for node in trio), 2)
    sums = []

    def publish(node, name):
        with node.management_connection() as connection:
            for number in range(60):
                body = f"{name} {number}"
                sums.append(connection.request("POST", "/v1/groups/g/messages", body).json())

    threads = [threading.Thread(target=publish, args=pair) for pair in zip(trio, "abc")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(said["delivered"] == 9 and not said["unknown"] for said in sums)
    crowd.sync()
    for member in members:
        assert len(member.frames) == 180
        for name in "abc":
            own = [text for text in member.frames if text[0] == name]
            assert own == [f"{name} {n}" for n in range(60)]


@promise("7", "A send to a group or user reaches every member connection exactly once, `exclude`")
def test_members_that_come_and_go_on_other_nodes(trio, crowd):
    """Counts and frames agree for those that stay, whoever comes and goes around them."""
    staying = [crowd.join(node, ["g"]) for node in trio]
    eventually(lambda: group_count(trio[0], "g") == 3, 2)
    stop = threading.Event()

    def churn(node):
        while not stop.is_set():
            crowd.join(node, ["g"]).leave()

    threads = [threading.Thread(target=churn, args=(node,)) for node in trio]
    for thread in threads:
        thread.start()
    sums = [trio[0].manage("POST", "/v1/groups/g/messages", f"{n}").json() for n in range(200)]
    stop.set()
    for thread in threads:
        thread.join()
    assert all(said["delivered"] >= 3 and not said["unknown"] for said in sums)
    crowd.sync()
    assert all(member.frames == [f"{n}" for n in range(200)] for member in staying)
    check_presence(trio, crowd.members, ["g"], [], within=2)


@promise("7", "Presence is what `GET` answers, on any node: true within 2 s after a change")
@pytest.mark.parametrize("end", ["leave", "reset"])
def test_presence_follows_the_client(trio, crowd, end):
    for node in trio:
        assert (group_count(node, "g"), user_connections(node, "ann")) == (0, [])
    members = [crowd.join(node, ["g"], "ann") for node in trio[:2]]
    check_presence(trio, crowd.members, ["g"], ["ann"], within=2)
    for member in members:
        getattr(member, end)()
        check_presence(trio, crowd.members, ["g"], ["ann"], within=2)
    assert trio[2].manage("GET", "/v1/users/ann").json()["online"] is False


@promise("7", "Presence is what `GET` answers, on any node: true within 2 s after a change")
def test_presence_after_many_changes(trio, crowd):
    rng = random.Random(7)
    groups, users = [f"g{n}" for n in range(5)], [f"u{n}" for n in range(5)]
    for _ in range(150):
        if crowd.alive and rng.random() < 0.4:
            getattr(rng.choice(crowd.alive), rng.choice(["leave", "reset"]))()
        else:
            crowd.join(rng.choice(trio), rng.sample(groups, 2), rng.choice(users))
    check_presence(trio, crowd.members, groups, users, within=2)


# Listings


@promise("6", "of the cluster; limit 100, at most 1000; no cursor at the end; each connection that")
@pytest.mark.parametrize("limit", [1, 7, 1000])
def test_the_listing_over_nodes(trio, crowd, limit):
    members = [crowd.join(node) for node in trio for _ in range(8)]
    for node in trio:
        assert sorted(listed(node, limit=limit)) == sorted(member.id for member in members)


@promise("6", "of the cluster; limit 100, at most 1000; no cursor at the end; each connection that")
def test_filters_over_nodes(cluster, crowd):
    nodes = cluster(3, {"endpoints": [endpoint(), endpoint("news", "/news")]})
    chat = [crowd.join(node, ["g"], "ann") for node in nodes for _ in range(3)]
    news = [crowd.join(node, ["h"], "ann", path="/news") for node in nodes for _ in range(2)]
    eventually(lambda: len(user_connections(nodes[0], "ann")) == 15, 2)
    ids = {"chat": sorted(m.id for m in chat), "news": sorted(m.id for m in news)}
    for node in nodes:
        assert sorted(listed(node, "&endpoint=news", 4)) == ids["news"]
        assert sorted(listed(node, "&group=g", 4)) == ids["chat"]
        assert sorted(listed(node, "&user=ann&group=h", 4)) == ids["news"]
        assert sorted(listed(node, "&user=ann", 4)) == sorted(ids["chat"] + ids["news"])
        assert listed(node, "&user=nobody", 4) == []
        page = node.manage("GET", "/v1/groups/g/connections?limit=1000").json()["connections"]
        assert sorted(connection["id"] for connection in page) == ids["chat"]
        assert {connection["node"] for connection in page} == {
            other.config["node"]["id"] for other in nodes
        }


@promise("6", "each connection that stays is listed exactly once")
def test_those_that_stay_are_listed_once_whatever_changes(trio, crowd):
    staying = sorted(crowd.join(node).id for node in trio for _ in range(10))
    stop = threading.Event()

    def churn(node):
        while not stop.is_set():
            crowd.join(node).leave()

    threads = [threading.Thread(target=churn, args=(node,)) for node in trio]
    for thread in threads:
        thread.start()
    try:
        for round_ in range(15):
            found = listed(trio[round_ % 3], limit=3)
            assert len(set(found)) == len(found)
            assert sorted(set(found) & set(staying)) == staying
    finally:
        stop.set()
        for thread in threads:
            thread.join()


@promise("6", "each connection that stays is listed exactly once")
def test_a_listing_goes_on_when_a_node_comes_or_goes(cluster, crowd):
    nodes = cluster(3)
    staying = [crowd.join(node).id for node in nodes[:2] for _ in range(10)]
    leaving = [crowd.join(nodes[2]).id for _ in range(10)]
    found, cursor, page_number = [], "", 0
    while cursor is not None:
        page = nodes[0].manage("GET", f"/v1/connections?limit=4{cursor}")
        assert page.status == 200
        found += [connection["id"] for connection in page.json()["connections"]]
        cursor = page.json().get("cursor")
        cursor = f"&cursor={cursor}" if cursor else None
        page_number += 1
        if page_number == 2:
            assert nodes[2].terminate() == 0
            cluster.add()
    assert len(set(found)) == len(found)
    assert set(staying) <= set(found) <= set(staying + leaving)


@promise("8", "Groups: Redis knows which nodes have members, each node knows its own; one message")
@promise("8", "A push is addressed to the node that owns the connection, never broadcast.")
def test_only_those_concerned_are_asked(trio, crowd, redis):
    """What the servers are told while pushes run, as MONITOR shows it."""
    with redis.client() as monitor:
        owner, member_node, other = trio
        target = crowd.join(owner, ["g"])
        crowd.join(member_node, ["g"])
        eventually(lambda: group_count(other, "g") == 2, 2)
        monitor("MONITOR")
        pushes = 50
        for _ in range(pushes):
            assert other.push(target.id, "needle").status == 200
            assert other.manage("POST", "/v1/groups/g/messages", "haystack").status == 200
        redis.run("ECHO", "the end")
        published = {"needle": 0, "haystack": 0}
        while b'"the end"' not in (line := monitor.read_until(b"\r\n").lower()):
            if b'] "publish"' in line:  # by a script, or not
                for word in published:
                    published[word] += word.encode() in line
        assert published == {"needle": pushes, "haystack": 2 * pushes}
