"""Several nodes over one Redis."""

from .config import merge
from .relay import Relay
from .waiting import PATIENCE, eventually

HEARTBEAT = {"heartbeat": "400ms", "lease": "2s"}
LEASE = 2.0  # seconds
# Contract 7: presence is true within 5 s after a dead node's lease ran out.
TAKEN_OVER = LEASE + 5


class Cluster:
    """`cluster(3)` starts three nodes and waits until they know one another.

    `relayed=True` puts a relay between each node and Redis: `node.relay`."""

    def __init__(self, start, redis):
        self.start = start
        self.redis = redis
        self.nodes = []

    def __call__(self, count=2, config=None, relayed=False, **of_endpoint):
        nodes = [
            self.add(config, relayed=relayed, settle=False, **of_endpoint) for _ in range(count)
        ]
        self.settle()
        return nodes

    def add(self, config=None, relayed=False, settle=True, wait=True, refused=False, **how):
        """One more node; `settle=False`: without waiting for the cluster to know it; `refused`:
        its relay refuses every dial so far."""
        relay = Relay(self.redis.address) if relayed else None
        if refused:
            relay.refuse()
        address = {"port": relay.port} if relay else {}
        backplane = {"backplane": {"redis": self.redis.backplane(**address, **HEARTBEAT)}}
        try:
            node = self.start(merge(backplane, config or {}), wait=wait, **how)
        except BaseException:
            if relay:
                relay.stop()
            raise
        node.relay = relay
        self.nodes.append(node)
        if settle:
            self.settle()
        return node

    @property
    def alive(self):
        return [node for node in self.nodes if node.process.poll() is None]

    def settle(self, within=15):
        """Every node that runs knows exactly the others."""
        nodes = self.alive
        eventually(
            lambda: all(knows(node, len(nodes)) for node in nodes),
            within,
            f"{len(nodes)} nodes know one another",
        )

    def stop(self):
        try:
            self.start.stop()
        finally:
            for node in self.nodes:
                if node.relay:
                    node.relay.stop()


def backplane_of(node):
    return node.ask_admin("/readyz").json()["backplane"]


def knows(node, count):
    return backplane_of(node) == "up" and node.metric("sockhook_nodes") == count


def group_count(node, group):
    response = node.manage("GET", f"/v1/groups/{group}")
    return response.json()["count"] if response.status == 200 else None


def user_connections(node, user):
    response = node.manage("GET", f"/v1/users/{user}")
    return sorted(response.json()["connections"]) if response.status == 200 else None


def listed(node, query="", limit=100, timeout=PATIENCE):
    """The ids of all pages of a listing."""
    found, cursor = [], ""
    while True:
        path = f"/v1/connections?limit={limit}{query}{cursor}"
        page = node.manage("GET", path, timeout=timeout)
        assert page.status == 200, (page.status, page.body)
        found += [connection["id"] for connection in page.json()["connections"]]
        if not page.json().get("cursor"):
            return found
        cursor = "&cursor=" + page.json()["cursor"]
