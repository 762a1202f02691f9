"""Everybody at once."""

import json
import subprocess
import time

import pytest

from arena import Cpu, pinned, program
from support.sockhook import SLOWED

WITHIN_S = 5.0  # where the node has its CPU for itself; 20,000 in one second are more than a core can do


def reconnect(arena, count):
    command = [program("wsload"), "reconnect", "{}:{}".format(*arena.node.public)]
    command += ["--path", "/chat", "--connections", count, "--at-a-time", 4000]
    done = subprocess.run(pinned(1, *command), capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_everybody_reconnects_at_once(arena):
    """The node is told of thousands of RSTs and asked for as many handshakes; $connect and
    $disconnect are sent for each. 20,000, or half of what the descriptors allow: those who went
    and those who come may overlap."""
    if arena.authority:
        pytest.skip("the load client speaks no TLS")
    count = min(20_000, arena.most_connections() // 2)
    files, resident = arena.node.open_files(), arena.node.rss()
    arena.forget_peak()
    cpu = Cpu(arena.node.pid)
    result = reconnect(arena, count)
    cpu.stop()
    rate = count / result["reconnecting_s"]
    grown = (arena.peak() - resident) / count
    print(f"{count} clients, {rate:.0f} reconnects a second, {grown:.0f} bytes each; {result}, {cpu}")
    assert SLOWED or cpu.is_short or result["reconnecting_s"] < WITHIN_S
    assert SLOWED or grown < 16 << 10
    arena.check_nothing_is_left(files, resident, kept=60)


def test_a_storm_from_few_addresses_leaves_descriptors(small_arena):
    """Sockets that say nothing may have what clients may have, and no more: backends, management
    and other clients are served beside them."""
    node = small_arena.node
    with small_arena.under("silent_sockets", count=400):
        time.sleep(0.3)
        assert node.manage("GET", "/v1/connections").status == 200
        client = node.connect("/chat")
        client.text("hello")
        assert client.read_text() == "hello"
        client.leave()
        assert node.open_files() <= 200
    assert node.metric("sockhook_handshakes_total", result="node_full") > 0


def test_management_under_garbage(arena):
    """The other two listeners: garbage, slow heads and requests beside ordinary ones."""
    node = arena.node
    for address in (node.management, node.admin):
        for name in ("garbage", "slow_heads", "many_requests", "long_heads"):
            with arena.under(name, address=address, **({"count": 100} if name == "slow_heads" else {})):
                for _ in range(5):
                    assert node.manage("GET", "/v1/connections").status == 200
                    assert node.ask_admin("/healthz").status == 200
