"""What bench/run measures of several nodes over one Redis.

- push: from a POST to one node to the frame at a client of another, beside a bare PUBLISH to its subscriber (wsload push).
- costs: what one operation makes of Redis: commands that nodes send (a script is one), calls inside of scripts, bytes in
  and out, CPU time. What goes on anyway, measured first, is taken off.
"""

import contextlib
import json
import random
import time

from programs import LOAD_CPU, address_text, on_cpu, table, within

GOAL_LATENCY_RATIO = 2.5
PUSH_WINDOWS = [1, 64]
COST_NODES = 4  # one is called, the others have the connections
REPEATS = 300
IDLE_S = 15  # three heartbeats
STRANGERS = 500
SOCKET_US = 20  # Redis reads a command and writes its answer: a bare PUBLISH, one at a time
IDLE_CONNECTIONS = 2000

# Of INFO commandstats: what nodes send themselves, and PUBLISH in part. All else is called by scripts.
SENT = {"evalsha", "ping", "role", "xread", "info", "subscribe", "ssubscribe", "script", "client", "hello", "auth", "select", "xadd"}


@contextlib.contextmanager
def cluster(programs, count, operations=False):
    """Yields (Redis, nodes), once all nodes know one another; the first one may read the stream of operations."""
    from support.cluster import knows
    from support.waiting import eventually

    with contextlib.ExitStack() as stack:
        redis = stack.enter_context(programs.redis())
        _, backend_address = stack.enter_context(programs.backend())
        nodes = [
            stack.enter_context(
                programs.proxy(
                    backend_address,
                    node={"id": f"bench-{number}"},
                    backplane={"redis": redis.backplane(operations=operations and number == 0)},
                )
            )
            for number in range(count)
        ]
        eventually(lambda: all(knows(node, count) for node in nodes), 30, "the nodes know one another")
        yield redis, nodes


# Latency


def measure_push(programs, window, seconds):
    with cluster(programs, 2) as (redis, (publisher, holder)):
        watched = f"{publisher.pid},{holder.pid},{redis.process.pid}"
        figures = programs.load(
            "push",
            address_text(holder.public),
            path="/bare",
            management=address_text(publisher.management),
            redis=address_text(redis.address),
            window=window,
            seconds=seconds,
            watch=watched,
        )
    bare, push = figures["bare"], figures["push"]
    names = ("publisher", "holder", "redis")
    return {
        "bare_p50_us": bare["p50_us"],
        "bare_p99_us": bare["p99_us"],
        "bare_per_second": bare["per_second"],
        "bare_redis_cpu_us": bare["watched_cpu_us"][2],
        "push_p50_us": push["p50_us"],
        "push_p99_us": push["p99_us"],
        "push_per_second": push["per_second"],
        **{f"push_{name}_cpu_us": cpu for name, cpu in zip(names, push["watched_cpu_us"])},
        "ratio_p50": push["p50_us"] / bare["p50_us"],
    }


# Costs


class Meter:
    """What Redis has done since the last look."""

    def __init__(self, redis):
        self.client = redis.client()
        self.last = self.look()

    def look(self):
        info = self.client("INFO", "everything").decode()
        fields = dict(line.split(":", 1) for line in info.splitlines() if ":" in line)
        calls = {
            name.removeprefix("cmdstat_").split("|")[0]: 0 for name in fields if name.startswith("cmdstat_")
        }
        for name, value in fields.items():
            if name.startswith("cmdstat_"):
                calls[name.removeprefix("cmdstat_").split("|")[0]] += int(value.split(",")[0].split("=")[1])
        # A script numbers each message that it publishes (HINCRBY); the others are published by nodes themselves.
        published = calls.get("publish", 0) - calls.get("hincrby", 0)
        sent = published + sum(n for name, n in calls.items() if name in SENT)
        return {
            "sent": sent,
            "called": sum(calls.values()) - sent,
            "bytes_in": int(fields["total_net_input_bytes"]),
            "bytes_out": int(fields["total_net_output_bytes"]),
            "serving_us": sum(
                int(value.split("usec=")[1].split(",")[0])
                for name, value in fields.items()
                if name.startswith("cmdstat_") and name.removeprefix("cmdstat_").split("|")[0] in SENT
            ),
            "cpu_us": 1e6 * (float(fields["used_cpu_user"]) + float(fields["used_cpu_sys"])),
            "memory": int(fields["used_memory"]),
            "at": time.monotonic(),
            "own_out": len(info) + 12,  # of this answer, which is counted with the next look
        }

    def lap(self):
        """The difference to the last look, without that look itself."""
        now, before = self.look(), self.last
        self.last = now
        lap = {name: now[name] - before[name] for name in now if name != "own_out"}
        lap["sent"] -= 1
        lap["bytes_out"] -= before["own_out"]
        lap["bytes_in"] -= len("*2\r\n$4\r\nINFO\r\n$10\r\neverything\r\n")
        return lap


def rates(lap):
    seconds = lap["at"]
    return {name: value / seconds for name, value in lap.items() if name != "at"}


def idle_rates(meter):
    meter.lap()
    time.sleep(IDLE_S)
    return rates(meter.lap())


class Costs:
    """Measures operations one after the other on one cluster."""

    def __init__(self, programs, redis, nodes):
        self.programs, self.redis, self.nodes = programs, redis, nodes
        self.meter = Meter(redis)
        self.results = {}
        self.idle = idle_rates(self.meter)

    def record(self, name, count, lap):
        self.results[name] = {k: (lap[k] - self.idle[k] * lap["at"]) / count for k in self.idle}

    def calls(self, name, requests, settle=0.0):
        """`requests` of the management API, one after the other, to the first node."""
        self.record(name, len(requests), self.lap_of(requests, settle))

    def lap_of(self, requests, settle=0.0):
        from support.http1 import request_bytes

        with on_cpu(LOAD_CPU), self.nodes[0].management_connection() as connection:
            self.meter.lap()
            for method, path, body in requests:
                connection.send(request_bytes(method, path, body=body))
                answer = connection.response()
                assert answer.status in (200, 204), (path, answer.status, answer.body)
            time.sleep(settle)
            return self.meter.lap()

    def connections(self, name, path, count, while_open=None):
        """Opens and closes `count` connections to the last node."""
        self.meter.lap()
        with self.programs.idle_connections(address_text(self.nodes[-1].public), path=path, connections=count):
            time.sleep(1)
            self.record(f"{name}: open", count, self.meter.lap())
            if while_open:
                while_open()
                self.meter.lap()
        time.sleep(2)
        self.record(f"{name}: close", count, self.meter.lap())

    def held(self):
        time.sleep(IDLE_S)
        lap = self.meter.lap()
        self.record("a held connection, per second", IDLE_CONNECTIONS * lap["at"], lap)

    def streamed(self, path):
        """Operations by XADD, which the first node reads."""
        from support.waiting import eventually

        stream = "sockhook:{0}:operations"
        line = json.dumps({"method": "POST", "path": path, "text": "x" * 100})
        with self.redis.client() as client:
            self.meter.lap()
            for _ in range(REPEATS):
                client("XADD", stream, "*", "op", line)
            eventually(lambda: client("XLEN", stream) == 0, 10, "the operations are done")
            self.record("an operation from the stream (XADD included)", REPEATS, self.meter.lap())


def member(node, path):
    """An open connection and its id."""
    known = {each["id"] for each in node.manage("GET", "/v1/connections").json()["connections"]}
    client = node.connect(path)
    now = {each["id"] for each in node.manage("GET", "/v1/connections").json()["connections"]}
    return client, (now - known).pop()


def measure_standing(programs):
    """What a node makes of Redis by itself, among few nodes and among many: most of these are entries that Redis holds, as
    of nodes with a long lease, which every heartbeat tells of."""
    with programs.redis() as redis:
        alone = idle_rates(Meter(redis))
    with cluster(programs, 2) as (redis, nodes):
        meter = Meter(redis)
        few = idle_rates(meter)
        with redis.client() as client:
            for number in range(STRANGERS):
                stranger = f"{number:012x}"
                client("ZADD", "sockhook:{0}:up", 10**15, stranger)
                client("HSET", "sockhook:{0}:names", stranger, f"stranger-{number}")
        time.sleep(IDLE_S / 2)  # nodes ask once for names that are new
        many = idle_rates(meter)
    result = {}
    for name, count, total in (("few", 2, few), ("many", 2 + STRANGERS, many)):
        costs = {k: (total[k] - alone[k]) / len(nodes) for k in total}
        # So little is lost in what the process does anyway.
        costs["cpu_us"] = costs["serving_us"] + SOCKET_US * costs["sent"]
        result[name] = {"nodes": count, "costs": costs}
    return result


def measure_check(costs, push, groups):
    """Everything mixed, to hold the model to."""
    counts = {"nodes": COST_NODES, "pushes": 100, "broadcasts": 20, "groups": {k: 50 * k for k in groups}}
    requests = [("POST", push, "x" * 100)] * counts["pushes"]
    requests += [("POST", "/v1/messages", "x" * 100)] * counts["broadcasts"]
    for number, count in counts["groups"].items():
        requests += [("POST", f"/v1/groups/on{number}/messages", "x" * 100)] * count
    random.Random(1).shuffle(requests)
    lap = costs.lap_of(requests)
    return {**counts, "costs": {name: lap[name] - costs.idle[name] * lap["at"] for name in costs.idle}}


def measure_costs(programs):
    """Figures for bench/scaling_model.py."""
    idle = measure_standing(programs)
    with cluster(programs, COST_NODES, operations=True) as (redis, nodes):
        ids = [member(node, "/bare")[1] for node in nodes[1:]]
        for number in range(1, len(ids) + 1):
            for connection in ids[:number]:
                assert nodes[0].manage("PUT", f"/v1/groups/on{number}/connections/{connection}").status == 204
        time.sleep(1)
        costs = Costs(programs, redis, nodes)
        text = "x" * 100
        push = f"/v1/connections/{ids[0]}/messages"
        costs.calls("a push to a connection of another node", [("POST", push, text)] * REPEATS)
        for number in range(1, len(ids) + 1):
            costs.calls(f"a send to a group on {number} other node{'s'[:number > 1]}",
                        [("POST", f"/v1/groups/on{number}/messages", text)] * REPEATS)
        costs.calls("a send to a group that nobody is in", [("POST", "/v1/groups/none/messages", text)] * REPEATS)
        costs.calls(f"a broadcast to {len(ids)} other nodes", [("POST", "/v1/messages", text)] * REPEATS)
        groups = [f"/v1/groups/n{number}/connections/{ids[0]}" for number in range(REPEATS)]
        costs.calls("a join, the first on its node", [("PUT", path, None) for path in groups], settle=1)
        costs.calls("a leave, the last on its node", [("DELETE", path, None) for path in groups], settle=1)
        costs.calls("a look at a group", [("GET", "/v1/groups/on1", None)] * REPEATS)
        costs.calls("a look at a connection of another node", [("GET", f"/v1/connections/{ids[0]}", None)] * REPEATS)
        costs.streamed(push)
        check = measure_check(costs, push, range(1, len(ids) + 1))
        costs.connections("a bare connection", "/bare", IDLE_CONNECTIONS, costs.held)
        costs.connections("a connection with $disconnect", "/told", IDLE_CONNECTIONS)
        costs.connections("a connection with $connect, a group and $disconnect", "/app", IDLE_CONNECTIONS)
    results = {
        "a node, idle, per second": idle["few"]["costs"],
        f"a node, idle, among {2 + STRANGERS}, per second": idle["many"]["costs"],
        **costs.results,
    }
    return {"costs": results, "idle": idle, "check": check}


# Output


def print_push(results):
    print("## A push by way of another node, 100-byte text, beside a bare PUBLISH\n")
    table(
        ["in flight", "bare p50 us", "bare p99 us", "push p50 us", "push p99 us", "ratio of p50", "pushes/s",
         "publisher CPU us", "holder CPU us", "Redis CPU us", "bare Redis CPU us"],
        [[f"{window}", *(f"{f[name]:.0f}" for name in ("bare_p50_us", "bare_p99_us", "push_p50_us", "push_p99_us")),
          f"{f['ratio_p50']:.2f}", f"{f['push_per_second'] / 1000:.1f}k", f"{f['push_publisher_cpu_us']:.1f}",
          f"{f['push_holder_cpu_us']:.1f}", f"{f['push_redis_cpu_us']:.1f}", f"{f['bare_redis_cpu_us']:.1f}"]
         for window, f in results],
    )
    ratio = results[0][1]["ratio_p50"]
    print(f"Goal, p50 at most {GOAL_LATENCY_RATIO} times of the bare one: {ratio:.2f}, {within(ratio, GOAL_LATENCY_RATIO)}\n")


def print_costs(results):
    print(f"## What an operation makes of Redis, {COST_NODES} nodes\n")
    table(["operation", "commands", "calls inside", "bytes in", "bytes out", "CPU us", "memory"],
          [[name, f"{f['sent']:.2f}", f"{f['called']:.1f}", f"{f['bytes_in']:.0f}", f"{f['bytes_out']:.0f}",
            f"{f['cpu_us']:.1f}", f"{f['memory']:.0f}"] for name, f in results.items()])
