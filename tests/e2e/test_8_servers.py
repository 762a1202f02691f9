"""Contract 8: the kinds of Redis and Valkey that nodes meet over, and what they leave there."""

import re
from contextlib import contextmanager
from pathlib import Path

import pytest

from support.audit import check_disconnects, check_keys_after_end, check_presence, without_ttl
from support.cluster import group_count, listed
from support.promise import promise
from support.redis_server import Certificates, RedisServer, is_installed
from support.redis_server_cluster import RedisCluster
from support.redis_server_sentinel import SentinelSet
from support.waiting import eventually

DOCS = Path(__file__).resolve().parents[2] / "docs"
SECRET = "correct-horse"


def acl_rules():
    """The rules that docs/redis.md tells people to give to the user `sockhook`."""
    line = re.search(r"^    ACL SETUSER sockhook (.*)$", (DOCS / "redis.md").read_text(), re.M)
    return line.group(1).replace(">SECRET", f">{SECRET}")


SERVERS = {
    "redis": lambda directory: RedisServer(directory),
    "valkey": lambda directory: RedisServer(directory, "valkey-server"),
    "password": lambda directory: RedisServer(directory, password=SECRET),
    "database": lambda directory: RedisServer(directory, database=5),
    "tls": lambda directory: RedisServer(directory, tls=Certificates(directory)),
    "acl user": lambda directory: RedisServer(directory, acl=("sockhook", SECRET, acl_rules())),
    "sentinel": lambda directory: SentinelSet(directory),
    "sentinel with password": lambda directory: SentinelSet(directory, password=SECRET),
    "cluster": lambda directory: RedisCluster(directory),
    "cluster with acl user": lambda directory: RedisCluster(
        directory, acl=("sockhook", SECRET, acl_rules())
    ),
    "valkey cluster": lambda directory: RedisCluster(directory, program="valkey-server"),
}


@contextmanager
def serving(kind, directory):
    if "valkey" in kind and not is_installed("valkey-server"):
        pytest.skip("valkey-server is not installed: scripts/setup test")
    with SERVERS[kind](directory) as servers:
        yield servers


@pytest.fixture
def redis(request, tmp_path):
    with serving(getattr(request, "param", "redis"), tmp_path) as servers:
        yield servers


def every(kinds):
    return pytest.mark.parametrize("redis", kinds, indirect=True)


@promise("8", "Redis 6.2 or newer (7 for Cluster), Valkey likewise; standalone, Sentinel, Cluster")
@promise("8", "TLS, ACL user and password; every key and channel under `prefix`; **every key has")
@every(list(SERVERS))
def test_everything_works_over(cluster, crowd, backend, redis):
    nodes = cluster(2)
    near, far = nodes
    members = [crowd.join(node, ["g", "h"], "ann") for node in nodes for _ in range(3)]
    check_presence(nodes, members, ["g", "h", "i"], ["ann", "bob"], within=2)
    for member in members:
        for node in nodes:
            assert node.push(member.id, "one").status == 200
    for node in nodes:
        for target in ("groups/g", "users/ann"):
            said = node.manage("POST", f"/v1/{target}/messages", target).json()
            assert said == {"delivered": 6, "failed": 0, "unknown": []}
        assert node.manage("POST", "/v1/messages", "all").json()["delivered"] == 6
        key = {"Idempotency-Key": "k"}
        assert node.manage("POST", "/v1/groups/h/messages", "once", key).json()["delivered"] == 6
    crowd.sync()
    expected = sorted(["one", "groups/g", "users/ann", "all"] * 2 + ["once"])
    assert all(sorted(member.frames) == expected for member in members)
    far.kill()
    eventually(lambda: near.push(members[-1].id, "x").status == 410, 10)
    check_disconnects(backend, still_open=crowd.alive)
    check_presence([near], members, ["g", "h"], ["ann"])
    assert not without_ttl(redis)
    members[0].leave()
    members[1].reset()
    check_presence([near], members, ["g", "h"], ["ann"], within=2)


@promise("8", "`docs/` lists the commands and channels that an ACL user needs, and a test runs")
@every(["acl user"])
def test_the_documented_user_is_denied_nothing(cluster, crowd, redis):
    """And has no right that the documentation does not name."""
    nodes = cluster(3)
    members = [crowd.join(node, ["g"], "ann") for node in nodes]
    check_presence(nodes, members, ["g"], ["ann"])
    nodes[2].kill()
    check_presence(nodes[:2], crowd.members, ["g"], ["ann"], within=10)
    assert nodes[1].terminate() == 0
    assert redis.run("ACL", "LOG") == []


@promise("8", "every key and channel under `prefix`")
def test_two_clusters_in_one_redis_do_not_hear_each_other(cluster, crowd, redis):
    ours = cluster(2)
    theirs = [
        cluster.add({"backplane": {"redis": {"prefix": "acme"}}}, settle=False) for _ in range(2)
    ]
    for node in ours + theirs:
        eventually(lambda: node.metric("sockhook_nodes") == 2, 5)
    here, there = crowd.join(ours[0], ["g"], "ann"), crowd.join(theirs[0], ["g"], "ann")
    for nodes, member in ((ours, here), (theirs, there)):
        for node in nodes:
            eventually(lambda: group_count(node, "g") == 1, 2)
            assert node.manage("POST", "/v1/groups/g/messages", "x").json()["delivered"] == 1
            assert node.manage("POST", "/v1/messages", "x").json()["delivered"] == 1
            assert listed(node) == [member.id]
    assert ours[1].push(there.id, "x").status == 410
    assert {key.split(b":")[0] for key in redis.keys()} == {b"sockhook", b"acme"}
    channels = redis.run("PUBSUB", "CHANNELS", "*")
    assert len(channels) == 4
    assert {channel.split(b":")[0] for channel in channels} == {b"sockhook", b"acme"}
    for node in cluster.nodes:
        assert node.terminate() == 0
    # The fixture looks at what is left under the usual prefix.
    for key in redis.keys("acme:*"):
        redis.run("DEL", key)


@promise("8", "**every key has a TTL, always**.")
def test_keys_go_when_connections_and_nodes_have_gone(cluster, crowd, redis):
    """What grows with connections goes with them; a clean end leaves nothing of the node."""
    nodes = cluster(2)
    before = set(redis.keys())
    for round_ in range(2):
        members = [
            crowd.join(node, [f"g{n}", f"h{n}"], f"u{n}") for node in nodes for n in range(20)
        ]
        check_presence(nodes, crowd.members, ["g0"], ["u0"], within=2)
        assert redis.keys("*g19*"), "groups are named in keys"
        for member in members:
            member.leave()
        eventually(lambda: not redis.keys("*:[gu]:*"), 5, redis.keys)
        grown = set(redis.keys()) - before
        assert len(grown) <= 6, grown
    for node in nodes:
        assert node.terminate() == 0
    check_keys_after_end(redis)
    left = [key for key in redis.keys() if redis.run("TYPE", key) in (b"hash", b"set")]
    assert not [key for key in left if b":c:" in key or b":m:" in key], left
