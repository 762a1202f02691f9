"""What bench/run stands on: the built programs on their CPUs, medians, tables."""

import contextlib
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CPUS = sorted(os.sched_getaffinity(0))
SERVER_CPU, LOAD_CPU = 0, 1
RUN_LIMIT_S = 300


@contextlib.contextmanager
def on_cpu(cpu):
    """Programs that are started meanwhile run on this CPU only (where there are two)."""
    before = os.sched_getaffinity(0)
    if len(CPUS) > 1:
        os.sched_setaffinity(0, {CPUS[cpu]})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


class Programs:
    """The built programs; everything started ends with the `with` block around it."""

    def __init__(self, build):
        self.backend_binary = build / "bench" / "echo_backend"
        self.load_binary = build / "bench" / "wsload"
        self.proxy_binary = build / "sockhook"
        for binary in (self.backend_binary, self.load_binary, self.proxy_binary):
            if not os.access(binary, os.X_OK):
                sys.exit(f"{binary} is not there: scripts/build makes it")
        os.environ["SOCKHOOK_BINARY"] = str(self.proxy_binary)
        sys.path.insert(0, str(ROOT / "tests" / "e2e"))

    @contextlib.contextmanager
    def backend(self):
        """Yields (process, "127.0.0.1:port")."""
        from support.sockhook import free_port
        from support.waiting import eventually

        address = f"127.0.0.1:{free_port()}"
        with on_cpu(SERVER_CPU):
            process = subprocess.Popen([self.backend_binary, address], stdout=subprocess.DEVNULL)
        try:
            eventually(lambda: is_listening(address), 5, "the backend listens")
            yield process, address
        finally:
            process.terminate()
            process.wait(5)

    @contextlib.contextmanager
    def proxy(self, backend_address, workers=1, **more):
        """Yields a running node whose endpoints are what the measurements need; `more` of its config."""
        from support.sockhook import Sockhook, endpoint

        config = {
            "backends": {"app": {"url": f"http://{backend_address}"}},
            "endpoints": [
                endpoint(name="echo", path="/echo", routes={"$default": "/echo"}),
                # Nothing but the socket.
                endpoint(name="bare", path="/bare", routes={"$default": "/echo"}),
                # A connection whose end is told, also when its node dies.
                endpoint(name="told", path="/told", routes={"$disconnect": "/gone", "$default": "/echo"}),
                # What an application's connection has: a $connect that joins a group, a $disconnect to come.
                endpoint(name="app", path="/app", routes={"$connect": "/join/all", "$disconnect": "/gone",
                                                          "$default": "/echo"}),
            ],
            "log": {"level": "error"},
        }
        with tempfile.TemporaryDirectory() as directory, on_cpu(SERVER_CPU):
            node = Sockhook(directory, {"node": {"workers": workers}}, config, more)
            try:
                yield node
            finally:
                node.kill()  # a drain of 10,000 connections is not what is measured here

    @contextlib.contextmanager
    def redis(self):
        """Yields a Redis server of its own."""
        from support.redis_server import RedisServer

        with tempfile.TemporaryDirectory() as directory, on_cpu(SERVER_CPU), RedisServer(directory) as server:
            yield server

    def command(self, mode, address, options):
        named = [text for name, value in options.items() for text in (f"--{name.replace('_', '-')}", str(value))]
        return [str(self.load_binary), mode, address, *named]

    def load(self, mode, address, **options):
        """The figures of one wsload run."""
        with on_cpu(LOAD_CPU):
            done = subprocess.run(self.command(mode, address, options), capture_output=True, text=True,
                                  timeout=RUN_LIMIT_S, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"wsload {mode}: {done.stderr.strip()}")
        return json.loads(done.stdout)

    @contextlib.contextmanager
    def idle_connections(self, address, **options):
        """Yields the figures of opening them; they stay open as long as the block."""
        with on_cpu(LOAD_CPU):
            process = subprocess.Popen(self.command("idle", address, options), stdin=subprocess.PIPE,
                                       stdout=subprocess.PIPE, text=True)
        try:
            yield json.loads(process.stdout.readline())
        finally:
            process.communicate(timeout=RUN_LIMIT_S)


def is_listening(address):
    host, port = address.rsplit(":", 1)
    try:
        socket.create_connection((host, int(port)), timeout=1).close()
        return True
    except ConnectionRefusedError:
        return False


def address_text(address):
    return f"{address[0]}:{address[1]}"


def private_bytes(pid):
    """Resident bytes that are this process' own."""
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    fields = dict(line.split(":", 1) for line in rollup.splitlines()[1:])
    return sum(int(fields[name].split()[0]) * 1024 for name in ("Private_Clean", "Private_Dirty"))


def median_of(runs, measure, *arguments):
    """The median of each figure over several runs."""
    all_runs = [measure(*arguments) for _ in range(runs)]
    return {name: statistics.median(run[name] for run in all_runs) for name in all_runs[0]}


def table(heads, rows):
    print("| " + " | ".join(heads) + " |")
    print("|" + " --- |" * len(heads))
    for row in rows:
        print("| " + " | ".join(row) + " |")
    print(flush=True)


def within(value, goal):
    return "met" if value <= goal else "MISSED"
