"""Clients that are not in yet."""

import pytest

# MiB: a loop that comes back to a full backlog takes all 4,096 at once, with 17 KiB each in TLS.
BACKLOG = 100


@pytest.mark.parametrize(
    "attack, memory",
    [
        ("silent_sockets", 40),
        ("slow_heads", 40),
        ("long_heads", 20),
        ("many_headers", 20),
        ("many_requests", 20),
        ("garbage", BACKLOG),
        ("resets", BACKLOG),
        ("half_closed", BACKLOG),
    ],
)
def test_before_the_handshake(arena, attack, memory):
    arena.endure(attack, memory)


@pytest.mark.parametrize(
    "attack, memory",
    [
        ("half_tls_handshakes", 60),
        ("slow_heads_in_tls", 20),
        ("tls_handshakes", BACKLOG),
        ("abandoned_hellos", BACKLOG),
    ],
)
def test_before_the_handshake_in_tls(arena, attack, memory):
    if not arena.authority:
        pytest.skip("it has TLS")
    arena.endure(attack, memory)
