"""Chaos: Redis comes back empty to a cluster with thousands of groups."""

import random
import time
from collections import Counter

import pytest

from support.audit import check_disconnects
from support.cluster import group_count, user_connections
from support.crowd_process import CrowdProcess
from support.promise import promise
from support.waiting import eventually

CONNECTIONS, GROUPS = 1500, 150
LONG_CONNECTIONS, LONG_GROUPS = 30_000, 3_000


@pytest.fixture
def members():
    """Spreads members over nodes, from a process for each node; returns those of each."""
    processes = []

    def join(nodes, wanted):
        for number, node in enumerate(nodes):
            processes.append(CrowdProcess(node, wanted[number :: len(nodes)]))
        return [process.members() for process in processes]

    yield join
    for process in processes:
        process.stop()


@promise("8", "on return membership is repaired within 5 s with no restart, also when Redis came")
def test_many_groups_are_repaired_within_5_s(cluster, backend, redis, members, seed, long):
    connections, groups = (LONG_CONNECTIONS, LONG_GROUPS) if long else (CONNECTIONS, GROUPS)
    rng = random.Random(seed)
    config = {"backplane": {"redis": {"heartbeat": "1s", "lease": "5s"}}}
    nodes = cluster(3, config, app={"max_connections": 32})
    names = [(f"g{n // 3 % groups}", f"u{n // 3 % 500}") for n in range(connections)]
    open_on = members(nodes, names)
    wanted = Counter(group for group, _ in names)

    def wrong(names):
        return [
            (node.config["node"]["id"], name)
            for node in nodes
            for name in names
            if group_count(node, name) != wanted[name]
        ]

    eventually(lambda: not wrong(wanted), 10)
    for round_ in range(2):
        redis.kill()
        time.sleep(1)
        redis.start()
        back = time.monotonic()
        sample = rng.sample(sorted(wanted), 20)
        eventually(lambda: not wrong(sample), 5, "a sample of groups is whole")
        # All of them take a while to ask for: those that were late are found by asking once.
        assert time.monotonic() - back < 5.5
        if round_ == 0:
            assert not wrong(wanted)

    def sent_to_all(name):
        """Right after the return others are in doubt, and named."""
        said = rng.choice(nodes).manage("POST", f"/v1/groups/{name}/messages", name).json()
        return said == {"delivered": wanted[name], "failed": 0, "unknown": []}

    for name in rng.sample(sorted(wanted), 20):
        eventually(lambda: sent_to_all(name), max(back + 5 - time.monotonic(), 0.1))
    online = sum(user == "u0" for _, user in names)
    assert len(user_connections(nodes[0], "u0")) == online
    assert not backend.seen(type="disconnect")
    # And the records are there again.
    nodes[0].kill()
    staying = open_on[1] + open_on[2]
    check_disconnects(backend, within=120 if long else 20, still_open=staying)
