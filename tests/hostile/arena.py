"""Where attacks take place: one node on a CPU of its own, a backend, and victims beside the attack.

The node has one worker, so that attacker and victim share a loop, and with two CPUs it has the
first one alone; victims, backend and attackers share the second, attackers at the lowest priority.
What a victim then feels more than before is the node's doing, as far as a test can have it so.
"""

import contextlib
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

from support.ports import free_port
from support.sockhook import BINARY, SLOWED, Sockhook, endpoint
from support.waiting import eventually

HERE = Path(__file__).parent
CPUS = sorted(os.sched_getaffinity(0))
MIB = 1 << 20
TWICE = 2  # an attack may double what another client waits
SLACK = 0.002  # seconds of a median: a scheduler's, of a machine that does other things, too
TAIL_SLACK = 0.030  # and of the 99th percentile
FEWEST_ROUND_TRIPS = 60
TRIES = 2  # a victim that was slow once may have been so for another reason
BACKEND_CONNECTIONS = 8
ROUTES = {"$connect": "/connect", "$disconnect": "/disconnect", "$default": "/message"}


def config_of(address, victims_address):
    """Endpoints for each kind of attack; victims are on /victim, with a backend of their own: that
    one's slowness would be no fault of the node."""

    def to(path, routes=ROUTES, **settings):
        return endpoint(path[1:], path, routes=routes, **settings)

    deflating = {"compression": {"min_size": "1KiB"}}
    limited = {"messages_per_second": {"rate": 10, "over": "reject"}}
    return {
        "node": {"workers": 1},
        "backends": {
            "app": {"url": f"http://{address}", "max_connections": BACKEND_CONNECTIONS},
            "spare": {"url": f"http://{victims_address}", "max_connections": BACKEND_CONNECTIONS},
        },
        "listen": {"public": {"handshake_timeout": "3s"}},
        "endpoints": [
            to("/victim", {"$default": "/message"}, backend="spare"),
            to("/chat"),
            to("/forbidding", {"$connect": "/connect"}),
            to("/limited", limits=limited),
            to("/dropping", limits={"slow_client": "drop", "send_queue": "64KiB"}),
            to("/deflating", **deflating),
            to("/deflating_limited", limits=limited, **deflating),
            to("/pinging", limits={"ping_interval": "300ms", "ping_timeout": "1s"}),
        ],
        "log": {"level": "info"},
    }


def pinned(cpu, *command):
    """The command on this CPU only, where there are two."""
    return ["taskset", "--cpu-list", str(CPUS[cpu]), *map(str, command)] if len(CPUS) > 1 else [*map(str, command)]


def program(name):
    """One of bench's, from beside the node's binary."""
    return BINARY.parent / "bench" / name


class Victim:
    """An ordinary client; see victim.py."""

    def __init__(self, directory, number, node, authority):
        self.file = directory / f"victim-{number}"
        self.file.write_text("")
        command = [sys.executable, HERE / "victim.py", *node.public, "/victim", self.file]
        command += [authority.file] if authority else []
        self.process = subprocess.Popen(pinned(1, *command), stdin=subprocess.PIPE, text=True)

    def round_trips(self, since):
        """Those that began since then: what each took, and how late its process was."""
        lines = [line.split() for line in self.file.read_text().split("\n")[:-1]]
        return [(float(took), float(late)) for began, took, late in lines if float(began) >= since]

    def leave(self):
        self.process.communicate(timeout=20)
        assert self.process.returncode == 0, "a victim has lost its connection"


class Times:
    """Round trips of a stretch of time, and what the machine did to processes meanwhile."""

    def __init__(self, round_trips):
        took, late = zip(*round_trips)
        self.median, self.tail = middle_and_tail(took)
        self.late_median, self.late_tail = middle_and_tail(late)

    def is_slower_than(self, normal):
        """A round trip goes through three processes, and each may have had to wait for a CPU."""
        return (
            self.median > TWICE * normal.median + SLACK + 3 * self.late_median
            or self.tail > TWICE * normal.tail + TAIL_SLACK + 3 * self.late_tail
        )

    def __str__(self):
        late = f"late {self.late_median * 1000:.2f}/{self.late_tail * 1000:.2f}"
        return f"{self.median * 1000:.2f}/{self.tail * 1000:.2f} ms ({late})"


def middle_and_tail(values):
    return statistics.median(values), sorted(values)[int(len(values) * 0.99)]


class Cpu:
    """What the node used of its CPU, and how long its threads were ready and had to wait for it."""

    SHORT = 0.1  # of the time: others have taken it, and victims were slow for that

    def __init__(self, pid):
        self.pid = pid
        self.began = time.monotonic(), *self.read()

    def read(self):
        """Nanoseconds run and waited, of all threads."""
        tasks = Path(f"/proc/{self.pid}/task").glob("*/schedstat")
        run, waited = zip(*(map(int, task.read_text().split()[:2]) for task in tasks))
        return sum(run), sum(waited)

    def stop(self):
        at, run, waited = self.began
        took = (time.monotonic() - at) * 1e9
        now_run, now_waited = self.read()
        self.run, self.waited = (now_run - run) / took, (now_waited - waited) / took
        self.is_short = self.waited > self.SHORT

    def __str__(self):
        return f"{self.run:.0%} busy, {self.waited:.0%} waiting for the CPU"


class Arena:
    """A node, its backend and two victims, from begin() to end()."""

    def __init__(self, directory, authority=None, file_limit=None):
        self.directory, self.authority, self.file_limit = directory, authority, file_limit
        self.victims = []

    def begin(self):
        addresses = [f"127.0.0.1:{free_port()}" for _ in range(2)]
        self.backends = [
            self.start_backend("nice", "-n", 10, program("echo_backend"), addresses[0]),
            self.start_backend(program("echo_backend"), addresses[1]),
        ]
        tls = {}
        if self.authority:
            tls = {"listen": {"public": {"tls": self.authority.issue().settings()}}}
        self.node = Sockhook(self.directory, config_of(*addresses), tls, cpus=CPUS[:1], file_limit=self.file_limit)
        self.victims = [
            Victim(self.directory, number, self.node, self.authority) for number in range(2)
        ]
        eventually(lambda: self.connections() == len(self.victims), what="the victims are in")
        return self

    def start_backend(self, *command):
        return subprocess.Popen(pinned(1, *command), stdout=subprocess.DEVNULL)

    def end(self):
        try:
            for victim in self.victims:
                victim.leave()
            self.node.stop_and_check()
        finally:
            victims = [victim.process for victim in self.victims]
            for process in [*victims, *self.backends, self.node.process]:
                if process.poll() is None:
                    process.kill()
                process.wait()

    # Looking

    def connections(self):
        return self.node.metric("sockhook_connections")

    def wait(self, seconds):
        """Lets the victims talk for so long, and until they have done so often enough; their round
        trips of that time."""
        began = time.monotonic()
        time.sleep(seconds)

        def round_trips():
            made = [trip for victim in self.victims for trip in victim.round_trips(began)]
            return made if len(made) >= FEWEST_ROUND_TRIPS else None

        return Times(eventually(round_trips, 30, "the victims are served"))

    def client_context(self):
        """What a client needs to speak TLS, where the node does."""
        return self.authority.client() if self.authority else None

    def most_connections(self):
        """listen.public.connections, by default 90 % of the node's descriptors."""
        limits = Path(f"/proc/{self.node.pid}/limits").read_text()
        return int(limits.split("Max open files")[1].split()[1]) * 9 // 10

    def forget_peak(self):
        Path(f"/proc/{self.node.pid}/clear_refs").write_text("5")

    def peak(self):
        """The most resident bytes since forget_peak()."""
        status = Path(f"/proc/{self.node.pid}/status").read_text()
        return int(status.split("VmHWM:")[1].split()[0]) * 1024

    # Attacking

    @contextlib.contextmanager
    def under(self, attack, address=None, **options):
        """The block runs beside the attack, on the public listener or another plain one; yields what
        the attacker has to say behind it."""
        command = [sys.executable, HERE / "attacks.py", attack, *(address or self.node.public)]
        command += [self.authority.file] if self.authority and not address else []
        command += [f"{key}={value}" for key, value in options.items()]
        attacker = subprocess.Popen(
            pinned(1, *command), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        said = {}
        try:
            assert attacker.stdout.readline() == "begun\n"
            yield said
            out, _ = attacker.communicate(timeout=60)
            assert attacker.returncode == 0, f"the attack {attack} failed"
            said.update(json.loads(out))
        finally:
            attacker.kill()
            attacker.wait()

    def endure(self, attack, memory, seconds=1.5, kept=40, **options):
        """The whole judgement: the node's memory grows by less than `memory` MiB, the victims are
        served as before, and when it is over nothing is left, but `kept` MiB that the allocator may
        keep. Returns what the attacker says."""
        for _ in range(TRIES):
            files, resident = self.node.open_files(), self.node.rss()
            normal = self.wait(0.7)
            self.forget_peak()
            with self.under(attack, **options) as said:
                cpu = Cpu(self.node.pid)
                hurt = self.wait(seconds)
                cpu.stop()
            grown = (self.peak() - resident) / MIB
            print(f"{attack}: {said}, victims {normal} -> {hurt}, +{grown:.1f} MiB, {cpu}")
            assert said["done"] > 0, "nothing has happened"
            assert SLOWED or grown < memory, f"{grown:.1f} MiB more"
            self.check_nothing_is_left(files, resident, kept)
            if SLOWED or cpu.is_short or not hurt.is_slower_than(normal):
                return said
        raise AssertionError(f"victims waited {hurt} instead of {normal}")

    def check_nothing_is_left(self, files, resident, kept):
        """As many connections and descriptors as before, pooled ones to the backend aside, and the
        memory back, what the allocator keeps aside."""
        victims = len(self.victims)
        # What a client sent before it left is still taken, as fast as when it was there.
        eventually(lambda: self.connections() == victims, 60, "only the victims are left")
        kept = files + 2 * BACKEND_CONNECTIONS
        eventually(lambda: self.node.open_files() <= kept, 60, "descriptors are closed")
        # Each victim may have one under way.
        eventually(lambda: self.node.metric("sockhook_webhooks_in_flight") <= victims, 60)
        eventually(lambda: not self.node.metric("sockhook_disconnect_backlog"), 60)
        assert SLOWED or self.node.rss() < resident + kept * MIB, "memory is not given back"
        for victim in self.victims:
            assert victim.process.poll() is None, "a victim has lost its connection"
