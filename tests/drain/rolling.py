"""Nodes that are replaced in their places behind a balancer, and the load that notices."""

import json
import resource
import shutil
import subprocess
import time

from support.client import RawClient
from support.cluster import HEARTBEAT, knows
from support.ports import free_port
from support.sockhook import BINARY, Sockhook, endpoint
from support.waiting import eventually

PLACES = 3
DELAY = 2.0  # seconds; the balancer looks every BALANCER_LOOKS, and waits as long for an answer
BALANCER_LOOKS = "1s"

# A connection costs the balancer two descriptors: where there are not enough, there are two.
DESCRIPTORS = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
ROOM = DESCRIPTORS // 2 - 200

HAPROXY = f"""
global
  maxconn {ROOM}
  nbthread 1
defaults
  mode tcp
  timeout connect 10s
  timeout client 10m
  timeout server 10m
  retries 3
  option redispatch 1
  default-server check inter {BALANCER_LOOKS} fall 1 rise 1
listen nodes
  bind {{bind}}
  balance leastconn
  option httpchk GET /readyz
"""


class Balancer:
    """HAProxy, as a TCP balancer that asks /readyz."""

    def __init__(self, directory, address, nodes):
        program = shutil.which("haproxy", path="/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin")
        assert program, "haproxy is missing: scripts/setup test"
        file = directory / f"haproxy-{address[1]}.cfg"
        file.write_text(
            HAPROXY.replace("{bind}", text(address))
            + "".join(
                f"  server {node.config['node']['id']} 127.0.0.1:{node.public[1]}"
                f" port {node.admin[1]}\n"
                for node in nodes
            )
        )
        with open(file.with_suffix(".log"), "wb") as log:
            self.process = subprocess.Popen(
                [program, "-db", "-f", file], stdout=log, stderr=log, stdin=subprocess.DEVNULL
            )

        eventually(lambda: self._listens(address), what="HAProxy listens")

    def _listens(self, address):
        assert self.process.poll() is None, "HAProxy has ended"
        try:
            RawClient.to(address, timeout=1).close()
            return True
        except OSError:
            return False

    def stop(self):
        self.process.kill()
        self.process.wait()


class Fleet:
    """PLACES nodes over one Redis behind a balancer; replace() one after the other."""

    def __init__(self, directory, redis, period, clients):
        self.directory, self.redis, self.period = directory, redis, period
        self.backend = ("127.0.0.1", free_port())
        self.entries = [("127.0.0.1", free_port()) for _ in range(1 + clients // ROOM)]
        self.balancers = []
        self.nodes = []
        self.drains = []  # (when the closes may begin, when it had exited), of each replaced node

    def start(self, management):
        for address in management:
            self.nodes.append(self._start({"management": {"address": text(address)}}))
        self._settle()
        for address in self.entries:
            self.balancers.append(Balancer(self.directory, address, self.nodes))

    def _start(self, listen):
        layers = [
            {"backends": {"app": {"url": f"http://127.0.0.1:{self.backend[1]}"}}},
            {"endpoints": [endpoint()]},
            {"backplane": {"redis": self.redis.backplane(**HEARTBEAT)}},
            {"drain": {"delay": f"{DELAY:g}s", "period": f"{self.period:g}s"}},
            {"log": {"level": "warn"}},
            {"listen": listen},
        ]
        return Sockhook(self.directory, *layers)

    def _settle(self):
        eventually(lambda: all(knows(node, PLACES) for node in self.nodes), 15)

    def replace(self, place):
        """SIGTERM to one node, and a new one at its addresses when it has gone."""
        old = self.nodes[place]
        begins = time.monotonic() + DELAY
        assert old.terminate(DELAY + self.period + 8) == 0
        self.drains.append((begins, time.monotonic()))
        old.stop_and_check()
        self.nodes[place] = self._start(old.config["listen"])
        self._settle()

    def stop(self):
        for balancer in self.balancers:
            balancer.stop()
        for node in self.nodes:
            node.stop_and_check()


class Load:
    """restart_load: clients, backend and publishers in one process."""

    def __init__(self, fleet, clients):
        self.program = BINARY.parent / "tests" / "drain" / "restart_load"
        assert self.program.exists(), f"{self.program} is missing: build it"
        self.fleet, self.clients = fleet, clients
        self.process = None

    def start(self):
        """The backend first, then the nodes, then all clients."""
        fleet = self.fleet
        # A thousand messages a second, as far as the machine can, whatever the number of clients.
        pause_ms = max(1000, self.clients)
        listeners = [("127.0.0.1", free_port()) for _ in range(PLACES)]
        command = [self.program, ",".join(map(text, fleet.entries)), text(fleet.backend)]
        command += [str(self.clients), str(pause_ms), "20", *map(text, listeners)]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self._line() == "listening"
        fleet.start(listeners)
        self._go_on()
        assert self._line() == "open"

    def report(self):
        """Everything comes to its end; what everybody has seen."""
        self._go_on()
        report = json.loads(self._line())
        assert self.process.wait(10) == 0
        return report

    def _go_on(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()

    def _line(self):
        return self.process.stdout.readline().strip()

    def stop(self):
        if self.process:
            self.process.kill()
            self.process.wait()


def text(address):
    return f"{address[0]}:{address[1]}"


def largest_share(closes, begins, period, parts=10):
    """Of the closes that fall into one part of the period; what comes behind it is the last's."""
    counts = [0] * parts
    for at in closes:
        counts[max(0, min(parts - 1, int((at - begins) / period * parts)))] += 1
    return max(counts) / len(closes)
