"""A cluster under traffic, and the whole audit behind it: what each chaos test goes through."""

import random
import time

from .audit import Memory, check_disconnects, check_messages, check_presence, check_pushes
from .cluster import backplane_of, group_count
from .config import merge
from .load import ENDPOINTS, GROUPS, USERS, Load
from .waiting import eventually

# Contract 8: on return membership is repaired within 5 s.
REPAIRED = 5.0


class Storm:
    """`begin()` starts nodes and traffic, the test does its worst, `audit()` looks at all of it."""

    def __init__(self, cluster, crowd, backend, seed, long):
        self.cluster, self.crowd, self.backend = cluster, crowd, backend
        self.seed, self.long = seed, long
        self.rng = random.Random(f"{seed} storm")
        self.load = None
        self.memory = None

    def begin(self, nodes=3, config=None, relayed=False, members=24, **how):
        self.cluster(nodes, merge(ENDPOINTS, config or {}), relayed=relayed)
        self.how = {"config": merge(ENDPOINTS, config or {}), "relayed": relayed}
        self.load = Load(self.cluster, self.crowd, self.seed, members, **how)
        check_presence(self.cluster.nodes, self.crowd.members, GROUPS, USERS)
        self.memory = Memory(self.cluster.nodes)
        self.load.__enter__()
        self.rage(1)
        return list(self.cluster.nodes)

    def end(self):
        """No more traffic."""
        if self.load and not self.load.stopped.is_set():
            self.load.__exit__()

    def rage(self, seconds):
        """Lets the traffic go on; in the long form for longer."""
        time.sleep(seconds * (3 if self.long else 1))

    def add(self):
        """One more node, of the same kind."""
        node = self.cluster.add(**self.how)
        self.memory.base[node] = node.rss()
        return node

    def members_of(self, node):
        return [member for member in self.load.members if member.node is node]

    # Waiting

    def wait_down(self, *nodes, within=6):
        for node in nodes or self.cluster.alive:
            eventually(lambda: backplane_of(node) == "down", within)

    def wait_healed(self, within=REPAIRED):
        """Sends between any two nodes work again, and reach everybody."""
        began = time.monotonic()
        eventually(self.is_healed, within, "sends reach every member through every node")
        return time.monotonic() - began

    def is_healed(self):
        nodes = self.cluster.alive
        for group in GROUPS:
            count = len(self.crowd.in_group(group))
            if any(group_count(node, group) != count for node in nodes):
                return False
        return all(self.answers(node, other) for node in nodes for other in nodes)

    def answers(self, node, other):
        """Whether `node` can ask `other`; a call whose answer is lost would take 5 s."""
        there = self.crowd.of(other)
        try:
            path = f"/v1/connections/{there[0].id}" if there else "/v1/groups/g0"
            return node.manage("GET", path, timeout=0.5).status == 200
        except TimeoutError:
            return False

    # Judging

    def audit(self, forgotten=(), duplicates=False, after_end=False, presence_within=REPAIRED):
        """`forgotten`: nodes that were taken for dead while their sockets were open; `duplicates`,
        `after_end`: what the scenario may cause (see audit.py)."""
        self.end()
        nodes = self.cluster.alive
        check_presence(
            nodes, self.crowd.members, GROUPS + ["comers"], USERS + ["comer"], presence_within
        )
        self.crowd.sync()
        pushes = self.load.pushes
        check_pushes(pushes, self.crowd.members, forgotten)
        assert sum(push.status == 200 for push in pushes) > len(pushes) / 10, "hardly any traffic"
        check_messages(self.backend, self.load.members, after_end)
        for member in self.crowd.alive:
            member.leave()
        check_presence(nodes, self.crowd.members, GROUPS + ["comers"], USERS, within=5)
        check_disconnects(self.backend, duplicates=duplicates)
        self.memory.check()
