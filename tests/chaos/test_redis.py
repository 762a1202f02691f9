"""Chaos: Redis dies, forgets, stalls, refuses, throttles, and its network lies."""

import time

import pytest

from support.cluster import LEASE
from support.promise import promise
from support.redis_server import RedisServer
from support.redis_server_sentinel import SentinelSet
from support.waiting import eventually

LASTING = {"appendonly": "yes", "appendfsync": "always"}


@pytest.fixture
def redis(request, tmp_path):
    """Settings, or a maker of servers, by indirect parameter."""
    how = getattr(request, "param", {})
    servers = how(tmp_path) if callable(how) else RedisServer(tmp_path, **how)
    with servers:
        yield servers


def over(how, name):
    return pytest.mark.parametrize("redis", [how], ids=[name], indirect=True)


@promise("8", "on return membership is repaired within 5 s with no restart, also when Redis came")
@pytest.mark.parametrize("redis", [{}, LASTING], ids=["empty", "lasting"], indirect=True)
def test_killed_and_restarted(storm, redis):
    storm.begin()
    for _ in range(2):
        redis.kill()
        storm.wait_down()
        storm.rage(1)
        redis.start()
        storm.wait_healed()
        storm.rage(1)
    storm.audit()


@promise("8", "on return membership is repaired within 5 s with no restart, also when Redis came")
def test_flushed(storm, redis):
    """All keys and scripts gone in an instant, while the links stay."""
    storm.begin()
    for _ in range(3):
        redis.flush()
        storm.wait_healed()
        storm.rage(1)
    storm.audit()


@over({**LASTING, "aof-use-rdb-preamble": "no", "enable-debug-command": "yes"}, "lasting")
def test_loading_for_a_while(storm, redis):
    """After a restart Redis answers LOADING to everything for seconds."""
    storm.begin()
    with redis.client() as client:
        for number in range(4000):
            client("SET", f"sockhook:ballast:{number}", "x", "PX", 60_000)
    redis.kill()
    # The server sleeps for each key that it loads (microseconds), and answers LOADING meanwhile.
    conf = redis.directory / "redis.conf"
    slow = "key-load-delay 500\nloading-process-events-interval-bytes 1024\n"
    conf.write_text(conf.read_text() + slow)
    redis.start(wait=False)
    eventually(lambda: is_loading(redis), 5, "it is loading")
    storm.wait_down()
    assert is_loading(redis)
    redis.wait_ready(20)
    storm.wait_healed()
    storm.rage(1)
    storm.audit()


def is_loading(redis):
    try:
        return b"loading:1" in redis.run("INFO", "persistence")
    except OSError:
        return False


@over(lambda directory: SentinelSet(directory), "sentinel")
def test_failover_to_a_replica(storm, redis):
    """Pushes across nodes work again within 5 s after the new master is elected."""
    storm.begin()
    old = redis.master
    old.kill()
    redis.new_master(old)
    storm.wait_healed(5)
    storm.rage(1)
    storm.audit()


@over(lambda directory: SentinelSet(directory), "sentinel")
def test_failover_away_from_a_master_that_lives(storm, redis):
    """SENTINEL FAILOVER: the old master becomes a replica, with its clients still connected."""
    storm.begin()
    for _ in range(2 if storm.long else 1):
        old = redis.master
        redis.sentinels[0].run("SENTINEL", "FAILOVER", "main")
        redis.new_master(old)
        storm.wait_healed(5)
        storm.rage(1)
    storm.audit()


def test_refused_dials(storm, redis):
    """The first dials after a cut are refused; a node's very first one, too."""
    nodes = storm.begin(relayed=True)
    for node in nodes:
        node.relay.down()
    storm.wait_down()
    storm.rage(0.5)
    for node in nodes:
        node.relay.listen()
    storm.wait_healed()
    late = storm.cluster.add(**storm.how, settle=False, refused=True)
    assert late.ask_admin("/readyz").status == 200
    storm.rage(0.5)
    late.relay.listen()
    storm.cluster.settle()
    storm.audit()


@pytest.mark.parametrize("directions", [(), ("to_client",), ("to_server",)], ids=str)
def test_half_open(storm, directions):
    """Bytes disappear without a sign, in both directions or one, for one node."""
    nodes = storm.begin(relayed=True)
    storm.load.cut_off.add(nodes[0])
    storm.rage(0.5)
    nodes[0].relay.swallow(*directions)
    storm.wait_down(nodes[0])
    nodes[0].relay.heal()
    storm.wait_healed()
    storm.load.cut_off.clear()
    storm.rage(1)
    storm.audit(forgotten=nodes[:1], duplicates=True, after_end=True)


def test_killed_subscribers(storm, redis):
    storm.begin()
    for _ in range(10):
        redis.run("CLIENT", "KILL", "TYPE", "pubsub")
        storm.rage(0.3)
    storm.wait_healed()
    storm.audit()


def test_all_clients_killed(storm, redis):
    storm.begin()
    for _ in range(5):
        redis.run("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
        redis.run("CLIENT", "KILL", "TYPE", "pubsub")
        storm.rage(0.5)
    storm.wait_healed()
    storm.audit()


@over({"client-output-buffer-limit": "pubsub 32kb 0 0"}, "tiny buffers")
def test_kicked_for_a_full_output_buffer(storm, redis):
    """Redis drops a subscriber that is slow to read: what it missed is told, not assumed."""
    nodes = storm.begin()
    there = storm.members_of(nodes[1])[0]
    body = "x" * 200_000
    answers = [nodes[0].push(there.id, body, query="?wait=none").status for _ in range(20)]
    assert set(answers) <= {202, 503}
    storm.rage(1)
    storm.wait_healed()
    there.frames[:] = [text for text in there.frames if text != body]
    storm.audit()


def test_rights_denied_and_given_back(storm, redis):
    nodes = storm.begin()
    admin = redis.client()
    admin("ACL", "SETUSER", "admin", "on", ">x", "~*", "&*", "+@all")
    admin("AUTH", "admin", "x")
    for denied in ("+@all -evalsha", "+@all resetchannels", "-@all"):
        admin("ACL", "SETUSER", "default", *denied.split())
        storm.rage(2)
        admin("ACL", "SETUSER", "default", "+@all", "allchannels")
        storm.wait_healed(8)  # a link may find out by its self-test
    # A lease that cannot be renewed runs out: whoever is back late counts as dead meanwhile.
    storm.audit(forgotten=nodes)


@pytest.mark.parametrize("seconds", [0.1, 10], ids=str)
def test_latency(storm, seconds):
    """100 ms are slow and otherwise nothing; with 10 s Redis is as good as away."""
    nodes = storm.begin(relayed=True, config=slack())
    for node in nodes:
        node.relay.delay = seconds / 2
    storm.rage(5)
    if seconds > 1:
        storm.wait_down()
    for node in nodes:
        node.relay.delay = 0.0
        if seconds > 1:
            node.relay.cut()
    storm.wait_healed()
    storm.audit()


def slack():
    return {"backplane": {"redis": {"lease": "5s"}}}


@pytest.mark.parametrize("seconds", [1, LEASE + 1], ids=["short", "beyond the lease"])
def test_frozen(storm, redis, seconds):
    storm.begin()
    redis.freeze()
    time.sleep(seconds)
    redis.thaw()
    storm.wait_healed()
    storm.rage(1)
    storm.audit()
