"""Publishing through Redis: operations that backends XADD to a stream (docs/publishing-through-redis.md)."""

import json
import time

import pytest

from support.cluster import HEARTBEAT, knows
from support.crowd import welcome
from support.promise import promise
from support.redis_client import RedisClient, RedisError
from support.redis_server_cluster import RedisCluster
from support.waiting import eventually

STREAM = "sockhook:{0}:operations"
LOCK = "sockhook:{0}:operations:lock"
OPERATIONS = {"backplane": {"redis": {"operations": True}}}


class Publisher:
    """A backend that speaks to Redis only."""

    def __init__(self, redis):
        self.client = redis.client()

    def add(self, method, path, text=None, **fields):
        """The entry's id. Fields: `reply`, `key`; or of the line, in `line`."""
        line = {"method": method, "path": path, **fields.pop("line", {})}
        if text is not None:
            line["text"] = text
        return self.raw(op=json.dumps(line), **fields)

    def raw(self, **fields):
        words = [word for pair in fields.items() for word in pair]
        return self.client("XADD", STREAM, "MAXLEN", "~", 100_000, "*", *words).decode()

    def push(self, member, text, **fields):
        return self.add("POST", f"/v1/connections/{member.id}/messages", text, **fields)

    def outcomes(self, name, count=1):
        """{entry: [(status, body)]} once there are `count` of them."""

        def come():
            entries = self.client("XRANGE", f"sockhook:{{0}}:outcomes:{name}", "-", "+")
            return entries if len(entries) >= count else None

        found = {}
        for _, fields in eventually(come, what=f"{count} outcomes"):
            values = dict(zip(fields[::2], fields[1::2]))
            outcome = (int(values[b"status"]), values[b"body"].decode())
            found.setdefault(values[b"entry"].decode(), []).append(outcome)
        return found

    def left(self):
        return self.client("XLEN", STREAM)

    def wait_done(self, within=15):
        eventually(lambda: self.left() == 0, within, "all operations are done")


@pytest.fixture
def publisher(redis):
    return Publisher(redis)


@pytest.fixture
def nodes(cluster, publisher):
    """Two nodes that both may read the stream, one of which does."""
    pair = cluster(2, OPERATIONS)
    eventually(lambda: publisher.client("EXISTS", STREAM, LOCK) == 2, what="somebody reads")
    return pair


def reader_of(nodes):
    """The node that reads the stream, and the others."""
    reader = eventually(lambda: [n for n in nodes if reads(n)], what="one node reads")
    assert len(reader) == 1
    return reader[0], [n for n in nodes if n is not reader[0]]


def reads(node):
    return bool(node.process.poll() is None) and [
        line["msg"] for line in node.log() if "stream of operations" in line["msg"]
    ][-1:] == ["reading the stream of operations"]


def firsts(frames):
    """Without repetitions."""
    return list(dict.fromkeys(frames))


def texts(member, count):
    eventually(lambda: len(set(member.frames)) >= count, 20, f"{count} frames")
    return member.frames


@promise("6", 'NDJSON lines `{"method","path","text" or "base64","idempotencyKey"}` answered by')
def test_an_operation_is_carried_out_and_its_outcome_told(nodes, crowd, publisher):
    here, there = crowd.join(nodes[0], ["g"]), crowd.join(nodes[1], ["g"])
    entries = [
        publisher.push(here, "1", reply="shop"),
        publisher.push(there, "2", reply="shop"),
        publisher.add("POST", "/v1/groups/g/messages", "3", reply="shop"),
        publisher.add("DELETE", f"/v1/connections/{here.id}?code=4000", reply="shop"),
        publisher.push(here, "never", reply="shop"),
    ]
    outcomes = publisher.outcomes("shop", 5)
    # The group is another key than the connections, so that only its count depends on the close.
    delivered = json.loads(outcomes[entries[2]][0][1])["delivered"]
    assert delivered in (1, 2)
    assert [outcomes[entry][0][0] for entry in entries] == [200, 200, 200, 204, 410]
    assert json.loads(outcomes[entries[4]][0][1])["code"] == "gone"
    eventually(lambda: here.closed and here.closed[0] == 4000)
    assert set(texts(there, 2)) == {"2", "3"}
    publisher.wait_done()


@promise("6", "One management connection's sends to one target arrive in order, over nodes too.")
def test_operations_of_one_key_keep_their_order_over_nodes(nodes, crowd, publisher):
    members = [crowd.join(node, ["g"]) for node in nodes for _ in range(2)]
    for number in range(200):
        for member in members:
            publisher.push(member, f"own:{number}")
        publisher.add("POST", "/v1/groups/g/messages", f"all:{number}")
    publisher.wait_done(30)
    for member in members:
        got = texts(member, 400)
        for kind in ("own", "all"):
            assert [t for t in got if t.startswith(kind)] == [f"{kind}:{n}" for n in range(200)]


@promise("6", "One management connection's sends to one target arrive in order, over nodes too.")
def test_a_key_of_ones_own_orders_operations_on_different_targets(nodes, crowd, publisher):
    member = crowd.join(nodes[0], ["g"])
    for number in range(0, 100, 2):
        publisher.push(member, str(number), key="k")
        publisher.add("POST", "/v1/groups/g/messages", str(number + 1), key="k")
    assert texts(member, 100) == [str(number) for number in range(100)]


@promise("8", "A node's heartbeat is a lease.")
def test_nothing_is_lost_when_the_reader_is_killed(nodes, crowd, publisher):
    reader, (survivor,) = reader_of(nodes)
    members = [crowd.join(survivor, ["g"]) for _ in range(3)]
    for number in range(600):
        for member in members[:2]:
            publisher.push(member, str(number), reply="shop")
        publisher.add("POST", "/v1/groups/g/messages", f"all:{number}")
        if number == 300:
            reader.kill()
    publisher.wait_done(30)
    expected = [str(number) for number in range(600)]
    everybody = [f"all:{number}" for number in range(600)]
    for member in members[:2]:
        got = firsts(texts(member, 1200))
        assert [t for t in got if not t.startswith("all")] == expected
        assert [t for t in got if t.startswith("all")] == everybody
    assert firsts(texts(members[2], 600)) == everybody
    assert reads(survivor)
    outcomes = publisher.outcomes("shop", 1200)
    assert {outcome[0] for all_of_one in outcomes.values() for outcome in all_of_one} == {200}
    assert all(len(all_of_one) == 1 for all_of_one in outcomes.values())


@promise("6", "`Idempotency-Key` on a send: answers 200 (with nothing `unknown`), 202, 410 and")
def test_an_idempotency_key_makes_it_once(nodes, crowd, publisher):
    reader, (survivor,) = reader_of(nodes)
    member = crowd.join(survivor)
    for number in range(300):
        publisher.push(member, str(number), line={"idempotencyKey": f"key-{number}"})
        if number == 150:
            reader.kill()
    # A send that the dead reader had begun is repeated when its claim has run out.
    publisher.wait_done(60)
    got = texts(member, 300)
    assert firsts(got) == [str(number) for number in range(300)]
    assert len(got) <= 302  # but for what was on its way in the very moment


def test_a_reader_that_drains_hands_the_stream_over(nodes, crowd, publisher):
    reader, (survivor,) = reader_of(nodes)
    member = crowd.join(survivor, ["g"])
    for number in range(300):
        publisher.push(member, str(number))
        if number == 100:
            reader.signal()
    assert reader.wait_exit(20) == 0
    got = texts(member, 300)
    assert firsts(got) == [str(number) for number in range(300)]
    assert len(got) <= 301  # but for what was under way when the drain's time was up
    publisher.wait_done()
    assert reads(survivor)


@promise("6", "a broken line is a 400 line; thousands in one request")
def test_malformed_entries_are_answered_counted_and_stop_nothing(nodes, crowd, publisher):
    member = crowd.join(nodes[0])
    reader, _ = reader_of(nodes)
    entries = [
        publisher.raw(op="{broken", reply="shop"),
        publisher.raw(something="else", reply="shop"),
        publisher.raw(op="[]", reply="shop"),
        publisher.raw(op="{}", reply="a b"),
        publisher.raw(op="\xff\0", reply="shop"),
        publisher.add("POST", "/v1/nowhere", "x", reply="shop"),
        publisher.add("GET", "/v1/batch", reply="shop"),
        publisher.push(member, "fine", reply="shop"),
    ]
    outcomes = publisher.outcomes("shop", 7)
    statuses = [outcomes[entry][0][0] if entry in outcomes else None for entry in entries]
    assert statuses[:5] == [400, 400, 400, None, 400]
    assert statuses[5:] == [404, 405, 200]
    assert texts(member, 1) == ["fine"]
    publisher.wait_done()
    assert reader.metric("sockhook_operations_total", result="malformed") == 5
    assert reader.metric("sockhook_operations_total", result="rejected") == 2
    assert reader.metric("sockhook_operations_total", result="done") == 1
    assert reader.metric("sockhook_operations_waiting") == 0
    assert len(reader.log(msg="an entry of the stream of operations is malformed")) == 5


@promise("8", "commands and channels that an ACL user needs, and a test runs with one.")
def test_a_backend_that_may_do_nothing_but_publish(redis, nodes, crowd, publisher):
    rules = "on >secret resetkeys %W~sockhook:{0}:operations %R~sockhook:{0}:outcomes:shop-*"
    publisher.client("ACL", "SETUSER", "shop", *rules.split(), "-@all", "+xadd", "+xread")
    member = crowd.join(nodes[0])
    with RedisClient.to(redis.address) as shop:
        shop("AUTH", "shop", "secret")
        line = {"method": "POST", "path": f"/v1/connections/{member.id}/messages", "text": "hi"}
        shop("XADD", STREAM, "*", "op", json.dumps(line), "reply", "shop-1")
        told = shop("XREAD", "BLOCK", 5000, "STREAMS", "sockhook:{0}:outcomes:shop-1", "0")
        assert told[0][1][0][1][2:4] == [b"status", b"200"]
        for command in (("XRANGE", STREAM, "-", "+"), ("GET", LOCK), ("DEL", STREAM)):
            with pytest.raises(RedisError, match="NOPERM"):
                shop(*command)
    assert texts(member, 1) == ["hi"]


@pytest.mark.slow
def test_order_holds_while_links_break(nodes, crowd, publisher):
    members = [crowd.join(node, ["g"]) for node in nodes]
    for number in range(400):
        for member in members:
            publisher.push(member, str(number))
        if number % 50 == 25:
            publisher.client("CLIENT", "KILL", "TYPE", "pubsub")
        time.sleep(0.002)
    publisher.wait_done(30)
    for member in members:
        assert firsts(texts(member, 400)) == [str(number) for number in range(400)]


def test_a_frozen_node_holds_up_nobody_else(nodes, crowd, publisher):
    reader, (other,) = reader_of(nodes)
    awake, asleep = crowd.join(reader, ["g"]), crowd.join(other, ["g"])
    other.freeze()
    other.forgive()
    publisher.push(asleep, "to the frozen one")
    began = time.monotonic()
    for number in range(5):
        publisher.add("POST", "/v1/groups/g/messages", f"all:{number}")
        publisher.push(awake, f"own:{number}")
    assert set(texts(awake, 10)) == {f"{kind}:{n}" for kind in ("own", "all") for n in range(5)}
    assert time.monotonic() - began < 1.5
    other.kill()


def test_an_idle_reader_wakes_at_once(nodes, crowd, publisher):
    reader, _ = reader_of(nodes)
    member = crowd.join(reader)
    delays = []
    for number in range(20):
        began = time.monotonic()
        publisher.push(member, str(number))
        texts(member, number + 1)
        delays.append(time.monotonic() - began)
        time.sleep(0.05)
    assert sorted(delays)[10] < 0.1, delays  # Redis is asked to tell, not asked again and again


def test_without_the_switch_nobody_reads(cluster, crowd, publisher):
    node, _ = cluster(2)
    member = crowd.join(node)
    publisher.push(member, "unread")
    publisher.client("PEXPIRE", STREAM, 60_000)
    assert not member.ends_within(0.5) and member.frames == []
    assert publisher.left() == 1


def test_over_a_redis_cluster(start, backend, crowd, tmp_path):
    backend.on("/connect", welcome)
    with RedisCluster(tmp_path) as redis:
        config = {"backplane": {"redis": redis.backplane(**HEARTBEAT, operations=True)}}
        nodes = [start(config) for _ in range(2)]
        eventually(lambda: all(knows(node, 2) for node in nodes), 30, "two nodes")
        eventually(lambda: [node for node in nodes if reads(node)], what="one node reads")
        shard = next(client for client in redis.databases() if client.scan(STREAM))
        members = [crowd.join(node) for node in nodes]
        for number in range(50):
            for member in members:
                line = {
                    "method": "POST",
                    "path": f"/v1/connections/{member.id}/messages",
                    "text": str(number),
                }
                shard("XADD", STREAM, "*", "op", json.dumps(line), "reply", "shop")
        for member in members:
            assert texts(member, 50) == [str(number) for number in range(50)]
        eventually(lambda: shard("XLEN", STREAM) == 0, what="all operations are done")
        assert shard("XLEN", "sockhook:{0}:outcomes:shop") == 100
        for node in nodes:
            node.terminate()


@pytest.mark.slow
def test_a_reader_that_stood_still_does_not_go_on_where_it_was(nodes, crowd, publisher):
    reader, (other,) = reader_of(nodes)
    member = crowd.join(other)
    reader.expected_errors = "."
    for number in range(100):
        publisher.push(member, str(number))
    texts(member, 50)
    reader.freeze()
    for number in range(100, 200):
        publisher.push(member, str(number))
    got = texts(member, 200)
    assert firsts(got) == [str(number) for number in range(200)]
    publisher.wait_done()
    reader.thaw()
    publisher.push(member, "last")
    texts(member, 201)
    assert firsts(member.frames)[-1] == "last" and reads(other)
    # Twice may come what was under way when the reader froze, and what it starts on waking, while it
    # finds answers before it finds that another one reads; not the hundred that it had been given.
    assert len(member.frames) <= 210, member.frames[200:]
