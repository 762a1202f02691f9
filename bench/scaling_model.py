#!/usr/bin/env python3
"""What Redis and the nodes carry in large clusters, computed from what one operation costs in a small one.

    bench/scaling_model.py [--costs bench/costs.json] [--check]

The constants are measured: `bench/run --only push,costs --json FILE` writes them, bench/costs.json holds those that
docs/scaling.md was made with. --check compares the model with the mixed load that was measured beside them.

The model. An operation makes of Redis: a script of the node that is called, one PUBLISH inside of it for each node with
members, and the outcome that each of these sends back, a script of its own. So a send to a group costs a + b k, k being the
other nodes with members: a and b are fitted to groups on 1, 2 and 3 nodes. A node costs something by itself, and something
for each other node that its heartbeat tells it of. A connection costs something when it comes and goes, and nothing while
it is there. In a Redis Cluster each node speaks to 16 shards, which live on as many servers as there are.
"""

import argparse
import json
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

FIGURES = ("sent", "called", "bytes_in", "bytes_out", "cpu_us")
SHARDS = 16  # of a Redis Cluster
LIFETIME_S = 3600  # of a connection
GROUP_MEMBERS = 20
CHAT_INTERVAL_S = 60  # a client says something
BROADCASTS_PER_S = 1
NODES = (10, 100, 1000)
CONNECTIONS = (1_000_000, 10_000_000)
BUSY = 0.6  # of a Redis server's one thread: beyond it the latency grows
DELIVERY_CPU_US = 4.9  # of a worker, for each frame of a fan-out (README, figures)
WEBHOOK_CPU_US = 12.7  # of a worker, for each message of a client
CONNECTION_BYTES = 1248  # of a node
NODE_CPUS = 4  # of a node, for its workers
NODE_MEMORY_BYTES = 8e9


class Cost:
    """What something makes of Redis: figures that can be added and multiplied."""

    def __init__(self, figures=None):
        self.figures = {name: (figures or {}).get(name, 0.0) for name in FIGURES}

    def __add__(self, other):
        return Cost({name: self.figures[name] + other.figures[name] for name in FIGURES})

    def __sub__(self, other):
        return self + other * -1

    def __mul__(self, factor):
        return Cost({name: value * factor for name, value in self.figures.items()})

    def __getitem__(self, name):
        return self.figures[name]


class Constants:
    """The measured costs, and what is fitted to them."""

    def __init__(self, measured):
        costs = {name: Cost(figures) for name, figures in measured["costs"].items()}
        self.memory_bytes = measured["costs"]["a connection with $connect, a group and $disconnect: open"]["memory"]
        self.push = costs["a push to a connection of another node"]
        on = [costs[f"a send to a group on {k} other node{'s'[:k > 1]}"] for k in (1, 2, 3)]
        self.group_per_node = (on[2] - on[0]) * 0.5
        self.group_fixed = on[1] - self.group_per_node * 2
        broadcast = costs["a broadcast to 3 other nodes"]
        self.broadcast_fixed = broadcast - self.group_per_node * 3
        few, many = measured["idle"]["few"], measured["idle"]["many"]
        self.node_per_node = (Cost(many["costs"]) - Cost(few["costs"])) * (1 / (many["nodes"] - few["nodes"]))
        self.node_fixed = Cost(few["costs"]) - self.node_per_node * few["nodes"]
        self.comes = costs["a connection with $connect, a group and $disconnect: open"]
        self.goes = costs["a connection with $connect, a group and $disconnect: close"]
        deep = max(measured["push"], key=lambda figures: figures["window"])
        self.control_cpu_us = max(deep["push_publisher_cpu_us"], deep["push_holder_cpu_us"])

    def node(self, nodes):
        return self.node_fixed + self.node_per_node * nodes

    def group(self, others):
        return self.group_fixed + self.group_per_node * others

    def broadcast(self, nodes):
        return self.broadcast_fixed + self.group_per_node * (nodes - 1)


def others_with_members(nodes, members):
    """Of members that are spread at random, how many other nodes have some."""
    return (nodes - 1) * (1 - (1 - 1 / nodes) ** members)


class Load:
    """One cluster under one kind of traffic, per second."""

    def __init__(self, constants, nodes, connections, traffic, servers=1):
        self.nodes, self.connections, self.servers = nodes, connections, servers
        shards = SHARDS if servers > 1 else 1
        arrivals = connections / LIFETIME_S
        self.standing = constants.node(nodes) * (nodes * shards)
        moving = (constants.comes + constants.goes) * arrivals
        deliveries = cross = webhooks = 0.0
        if traffic == "chat":
            webhooks = connections / CHAT_INTERVAL_S
            others = others_with_members(nodes, GROUP_MEMBERS)
            moving += constants.group(others) * webhooks
            deliveries, cross = webhooks * GROUP_MEMBERS, webhooks * (1 + others)
        if traffic == "broadcast":
            moving += constants.broadcast(nodes) * BROADCASTS_PER_S
            deliveries, cross = connections * BROADCASTS_PER_S, nodes * BROADCASTS_PER_S
        self.redis = self.standing + moving
        self.memory_bytes = constants.memory_bytes * connections
        self.worker_cpus = (deliveries * DELIVERY_CPU_US + webhooks * WEBHOOK_CPU_US) / 1e6 / nodes
        self.control_cpus = cross * constants.control_cpu_us / 1e6 / nodes
        self.node_bytes = connections / nodes * CONNECTION_BYTES

    @property
    def redis_cpus(self):
        """Of one server."""
        return self.redis["cpu_us"] / 1e6 / self.servers

    def first_limit(self):
        """What is used up first, and how far: the share of what one of it has."""
        used = {
            "Redis": self.redis_cpus / BUSY,
            "control thread": self.control_cpus / BUSY,
            "workers": self.worker_cpus / NODE_CPUS,
            "node's memory": self.node_bytes / NODE_MEMORY_BYTES,
        }
        name = max(used, key=used.get)
        return f"{name}, {100 * used[name]:,.0f} %"

    def row(self):
        mbit = 8e-6 / self.servers
        return [
            f"{self.nodes:,}",
            f"{self.connections // 1_000_000} M",
            short(self.redis["sent"]),
            f"{self.servers}",
            f"{100 * self.redis_cpus:,.0f} %",
            f"{self.redis['bytes_in'] * mbit:,.0f} / {self.redis['bytes_out'] * mbit:,.0f}",
            f"{self.memory_bytes / self.servers / 1e9:.1f} GB",
            f"{100 * self.control_cpus:,.0f} %",
            f"{self.worker_cpus:,.1f}",
            f"{self.node_bytes / 1e9:.2f} GB",
            self.first_limit(),
        ]


def load_with_enough_servers(constants, nodes, connections, traffic):
    """On one server, or on as many of a Cluster as it takes; on all that it may have if that is not enough."""
    for servers in range(1, SHARDS + 1):
        load = Load(constants, nodes, connections, traffic, servers)
        if load.redis_cpus <= BUSY:
            break
    return load


HEADS = ["nodes", "connections", "commands/s", "Redis servers", "CPU of one", "Mbit/s in / out of one", "its memory",
         "a node's control thread", "a node's workers (CPUs)", "a node's memory", "used up first"]


def short(number):
    for limit, unit in ((1e6, "M"), (1e3, "k")):
        if number >= limit:
            return f"{number / limit:.1f}{unit}"
    return f"{number:.0f}"


def table(heads, rows):
    print("| " + " | ".join(heads) + " |")
    print("|" + "---|" * len(heads))
    for row in rows:
        print("| " + " | ".join(row) + " |")
    print()


def print_loads(constants):
    for traffic in ("idle", "chat", "broadcast"):
        print(f"### {traffic}\n")
        loads = [load_with_enough_servers(constants, n, c, traffic) for n in NODES for c in CONNECTIONS]
        table(HEADS, [load.row() for load in loads])


def print_breaks(constants):
    """How much one server carries until its thread is BUSY."""
    rows = []
    for nodes in NODES:
        room = BUSY * 1e6 - constants.node(nodes)["cpu_us"] * nodes
        others = others_with_members(nodes, GROUP_MEMBERS)
        rows.append([
            f"{nodes:,}",
            f"{100 * constants.node(nodes)['cpu_us'] * nodes / 1e6:.1f} %",
            *(short(max(room, 0) / cost["cpu_us"]) for cost in (
                constants.push, constants.group(others), constants.broadcast(nodes), constants.comes + constants.goes)),
        ])
    print(f"### What one Redis server carries until its thread is {100 * BUSY:.0f} % busy, of each alone, per second\n")
    table(["nodes", "standing", "pushes to one", f"sends to groups of {GROUP_MEMBERS}", "broadcasts",
           "connections that come and go"], rows)


def print_operations(measured):
    def text(number, digits):
        return f"{round(number, digits) + 0:.{digits}f}"  # no "-0"

    rows = [[name, text(f["sent"], 1), text(f["called"], 1), text(f["bytes_in"], 0), text(f["bytes_out"], 0),
             text(f["cpu_us"], 0)] for name, f in measured["costs"].items()]
    table(["operation", "commands", "calls inside of scripts", "bytes in", "bytes out", "CPU (µs)"], rows)


def print_check(constants, check):
    """Model against measurement: sends to groups on some nodes, pushes and broadcasts together."""
    model = constants.push * check["pushes"] + constants.broadcast(check["nodes"]) * check["broadcasts"]
    for others, count in check["groups"].items():
        model += constants.group(int(others)) * count
    table(["", "commands", "bytes in", "bytes out", "CPU (ms)"],
          [[name, f"{cost['sent']:.0f}", f"{cost['bytes_in']:.0f}", f"{cost['bytes_out']:.0f}", f"{cost['cpu_us'] / 1e3:.0f}"]
           for name, cost in (("measured", Cost(check["costs"])), ("model", model))])


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--costs", type=Path, default=ROOT / "bench" / "costs.json")
    parser.add_argument("--check", action="store_true")
    arguments = parser.parse_args()
    measured = json.loads(arguments.costs.read_text())
    constants = Constants(measured)
    if arguments.check:
        return print_check(constants, measured["check"])
    print_operations(measured)
    print_breaks(constants)
    print_loads(constants)


if __name__ == "__main__":
    main()
